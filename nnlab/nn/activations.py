"""Activations as layers, to stand in a Sequential."""

from nnlab import functional as F
from nnlab.module import Module


class ReLU(Module):
    """`functional.relu` as a layer."""

    def forward(self, x):
        return F.relu(x)


class LeakyReLU(Module):
    """`functional.leaky_relu` as a layer."""

    def __init__(self, negative_slope=0.01):
        self.negative_slope = negative_slope

    def forward(self, x):
        return F.leaky_relu(x, self.negative_slope)


class Sigmoid(Module):
    """`functional.sigmoid` as a layer."""

    def forward(self, x):
        return F.sigmoid(x)


class Tanh(Module):
    """`functional.tanh` as a layer."""

    def forward(self, x):
        return F.tanh(x)


class Softmax(Module):
    """`functional.softmax` as a layer. Not before `cross_entropy`, which takes logits."""

    def __init__(self, axis=-1, temperature=1.0):
        self.axis, self.temperature = axis, temperature

    def forward(self, x):
        return F.softmax(x, self.axis, self.temperature)
