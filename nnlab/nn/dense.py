"""The neuron, and a layer of them."""

from operator import index

import numpy as np

from nnlab import functional as F
from nnlab import init as initial
from nnlab.module import Module, Parameter
from nnlab.tensor import Tensor


def width(number, owner, role, counted="neurons"):
    """`number` as a count of neurons or whatever is counted: a whole number of at least 1."""
    try:
        count = index(number)
    except TypeError:
        count = 0
    if count < 1 or isinstance(number, bool):
        raise ValueError(f"{owner}: {role} counts {counted}, a whole number of at least 1; got {number!r}.")
    return count


def _default_init(activation):
    """Xavier for what is linear around 0, He for what silences one half, LeCun for selu, which needs just that."""
    name = getattr(activation, "__name__", "")
    if name == "selu":
        return initial.lecun_normal
    return initial.he_uniform if "lu" in name else initial.xavier_uniform


def named(activation):
    return "" if activation is None else f", {getattr(activation, 'label', activation.__name__)}"


def as_input(x, dtype):
    """`x` fit to meet parameters of `dtype`: a constant of another dtype is handed on as a plain array, and so cast."""
    return x._data if isinstance(x, Tensor) and x._data.dtype is not dtype and not x.requires_grad else x


def _misfit(layer, x, problem):
    """What to raise: that x does not fit, or, where it does, the activation's own problem."""
    if np.shape(x)[-1:] == (layer.in_features,):
        return problem
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
        self.in_features = width(in_features, "Neuron", "in_features")
        self.activation = F.find_activation(activation)
        init = init or _default_init(self.activation)
        self.weight = Parameter(init((self.in_features,), dtype=dtype, rng=rng), name="Neuron.weight")
        self.bias = Parameter(np.zeros((), dtype), name="Neuron.bias")

    def forward(self, x):
        try:
            z = as_input(x, self.weight.dtype) @ self.weight + self.bias
        except ValueError as problem:
            raise _misfit(self, x, problem) from None
        return z if self.activation is None else self.activation(z)

    def extra_repr(self):
        return f"{self.in_features} -> 1{named(self.activation)}"


class Linear(Module):
    """A layer of neurons, f(x W + b). x: (..., in) -> (..., out).

    weight is (in, out), the transpose of PyTorch's, so that code reads as the formula; bias is (out,) and starts at 0.
    activation: an elementwise activation by name or with its options (LeakyReLU(0.2)), in the same operation, or None.
    init: a function of init.py for the weight; by default He for relu, leaky relu, elu and gelu, LeCun for selu, else
        Xavier (PyTorch differs).
    Raises ValueError for widths below 1 and for an x whose last axis is not `in_features`.

    >>> Linear(4, 8, activation="relu")
    Linear(4 -> 8, relu), 40 parameters
    """

    def __init__(self, in_features, out_features, bias=True, activation=None, *, init=None, dtype=np.float32,
                 rng=None):
        self.in_features = width(in_features, "Linear", "in_features")
        self.out_features = width(out_features, "Linear", "out_features")
        self.activation = F.find_activation(activation)
        init, shape = init or _default_init(self.activation), (self.in_features, self.out_features)
        self.weight = Parameter(init(shape, dtype=dtype, rng=rng), name=f"{self.label}.weight")
        self.bias = Parameter(np.zeros(shape[1], dtype), name=f"{self.label}.bias") if bias else None

    def forward(self, x):
        try:
            return F.linear(as_input(x, self.weight._data.dtype), self.weight, self.bias, self.activation)
        except ValueError as problem:
            raise _misfit(self, x, problem) from None

    def extra_repr(self):
        return f"{self.in_features} -> {self.out_features}{named(self.activation)}"
