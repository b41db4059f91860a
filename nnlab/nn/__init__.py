"""Layers: what a network remembers. A layer holds parameters; the formula it computes stands in functional, and what
all layers share in module.py. Names follow PyTorch's torch.nn.
"""

from nnlab.nn.activations import LeakyReLU, ReLU, Sigmoid, Softmax, Tanh
from nnlab.nn.dense import Linear, Neuron
from nnlab.nn.networks import MLP, Sequential

__all__ = ["MLP", "LeakyReLU", "Linear", "Neuron", "ReLU", "Sequential", "Sigmoid", "Softmax", "Tanh"]
