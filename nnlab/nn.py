"""Layers: what a network remembers. A layer holds parameters; the formula it computes stands in functional.py, and what
all layers share in module.py. Names follow PyTorch's torch.nn.
"""

from operator import index

import numpy as np

from nnlab import functional as F
from nnlab import init as initial
from nnlab.module import Module, Parameter
from nnlab.rng import as_rng
from nnlab.tensor import Tensor


def _width(number, owner, role):
    """`number` as a count of neurons: a whole number of at least 1."""
    try:
        width = index(number)
    except TypeError:
        width = 0
    if width < 1 or isinstance(number, bool):
        raise ValueError(f"{owner}: {role} counts neurons, a whole number of at least 1; got {number!r}.")
    return width


def _default_init(activation):
    relu_like = activation is not None and "relu" in activation.__name__
    return initial.he_uniform if relu_like else initial.xavier_uniform


def _named(activation):
    return "" if activation is None else f", {activation.__name__}"


def _as_input(x, dtype):
    """`x` fit to meet parameters of `dtype`: a constant of another dtype is handed on as a plain array, and so cast."""
    return x.data if isinstance(x, Tensor) and x.dtype != dtype and not x.requires_grad else x


def _misfit(layer, x):
    return ValueError(f"{layer.label} got x of shape {np.shape(x)}: its last axis must be {layer.in_features}.")


class Neuron(Module):
    """One neuron, f(x . w + b). x: (N, in) -> (N,), or (in,) -> ().

    activation: an elementwise activation by name, or None.
    Raises ValueError if x does not bring one number per weight.

    >>> neuron = Neuron(2, activation=None)
    >>> neuron.weight.data, neuron.bias.data = [2.0, -1.0], 0.5
    >>> neuron([3.0, 4.0]).item()
    2.5
    """

    def __init__(self, in_features, activation="sigmoid", *, init=None, dtype=np.float32, rng=None):
        self.in_features = _width(in_features, "Neuron", "in_features")
        self.activation = F.find_activation(activation)
        init = init or _default_init(self.activation)
        self.weight = Parameter(init((self.in_features,), dtype=dtype, rng=rng), name="Neuron.weight")
        self.bias = Parameter(np.zeros((), dtype), name="Neuron.bias")

    def forward(self, x):
        try:
            z = _as_input(x, self.weight.dtype) @ self.weight + self.bias
        except ValueError:
            raise _misfit(self, x) from None
        return z if self.activation is None else self.activation(z)

    def extra_repr(self):
        return f"{self.in_features} -> 1{_named(self.activation)}"


class Linear(Module):
    """A layer of neurons, f(x W + b). x: (..., in) -> (..., out).

    weight is (in, out), the transpose of PyTorch's, so that code reads as the formula; bias is (out,) and starts at 0.
    activation: an elementwise activation by name, computed in the same operation, or None.
    init: a function of init.py for the weight; by default He for relu-like activations, else Xavier (PyTorch differs).
    Raises ValueError for widths below 1 and for an x whose last axis is not `in_features`.

    >>> Linear(4, 8, activation="relu")
    Linear(4 -> 8, relu), 40 parameters
    """

    def __init__(self, in_features, out_features, bias=True, activation=None, *, init=None, dtype=np.float32,
                 rng=None):
        self.in_features = _width(in_features, "Linear", "in_features")
        self.out_features = _width(out_features, "Linear", "out_features")
        self.activation = F.find_activation(activation)
        init, shape = init or _default_init(self.activation), (self.in_features, self.out_features)
        self.weight = Parameter(init(shape, dtype=dtype, rng=rng), name=f"{self.label}.weight")
        self.bias = Parameter(np.zeros(shape[1], dtype), name=f"{self.label}.bias") if bias else None

    def forward(self, x):
        try:
            return F.linear(_as_input(x, self.weight.dtype), self.weight, self.bias, self.activation)
        except ValueError:
            raise _misfit(self, x) from None

    def extra_repr(self):
        return f"{self.in_features} -> {self.out_features}{_named(self.activation)}"


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


class Sequential(Module):
    """Layers one after another.

    >>> Sequential(Linear(4, 8), LeakyReLU(0.2), Linear(8, 1))
    Sequential(Linear(4 -> 8), LeakyReLU(), Linear(8 -> 1)), 49 parameters
    """

    def __init__(self, *layers):
        self.layers = list(layers)

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


class MLP(Sequential):
    """A multilayer perceptron: dense layers of the given sizes, inputs first. x: (N, sizes[0]) -> (N, sizes[-1]).

    activation: after every hidden layer; output: after the last one (None gives logits, as the losses want them).
    Raises ValueError for fewer than two sizes or a size below 1.

    >>> MLP(2, 16, 16, 1)
    MLP(2 -> 16 -> 16 -> 1, tanh), 337 parameters
    """

    def __init__(self, *sizes, activation="tanh", output=None, init=None, dtype=np.float32, rng=None):
        if len(sizes) < 2:
            raise ValueError(f"MLP takes the sizes of at least two layers, input and output; got {sizes}.")
        self.sizes = tuple(_width(n, "MLP", f"size {i}") for i, n in enumerate(sizes))
        after = [activation] * (len(sizes) - 2) + [output]
        rng = as_rng(rng)
        super().__init__(*(Linear(n, m, activation=f, init=init, dtype=dtype, rng=rng)
                           for n, m, f in zip(self.sizes, self.sizes[1:], after)))

    def extra_repr(self):
        hidden = _named(self.layers[0].activation) if len(self.layers) > 1 else ""
        end = self.layers[-1].activation
        return " -> ".join(map(str, self.sizes)) + hidden + (f", output {end.__name__}" if end else "")
