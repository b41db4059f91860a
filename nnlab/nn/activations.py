"""Activations as layers: to stand in a Sequential, or to go with their options into another layer's `activation=`."""

from nnlab import functional as F
from nnlab.module import Module


class _Elementwise(Module):
    """A subclass names its function; `options` are bound to it. `f` and `df` let `linear` use it inside."""

    options = {}

    def forward(self, x):
        return self.function(x, **self.options)

    def f(self, z):
        return self.function.f(z, **self.options)

    def df(self, z, a):
        return self.function.df(z, a, **self.options)

    __name__ = property(lambda self: self.function.__name__)

    def extra_repr(self):
        return ", ".join(map(str, self.options.values()))


class ReLU(_Elementwise):
    """`functional.relu` as a layer."""

    function = staticmethod(F.relu)


class LeakyReLU(_Elementwise):
    """`functional.leaky_relu` as a layer.

    >>> from nnlab import Linear
    >>> Linear(4, 8, activation=LeakyReLU(0.2))
    Linear(4 -> 8, LeakyReLU(0.2)), 40 parameters
    """

    function = staticmethod(F.leaky_relu)

    def __init__(self, negative_slope=0.01):
        self.options = {"negative_slope": float(negative_slope)}


class ELU(_Elementwise):
    """`functional.elu` as a layer."""

    function = staticmethod(F.elu)

    def __init__(self, alpha=1.0):
        self.options = {"alpha": float(alpha)}


class SELU(_Elementwise):
    """`functional.selu` as a layer."""

    function = staticmethod(F.selu)


class GELU(_Elementwise):
    """`functional.gelu` as a layer, or, with approximate="tanh", `functional.gelu_tanh`."""

    def __init__(self, approximate="none"):
        if approximate not in ("none", "tanh"):
            raise ValueError(f"GELU: approximate is 'none' or 'tanh'; got {approximate!r}.")
        self.function = F.gelu if approximate == "none" else F.gelu_tanh

    def extra_repr(self):
        return "" if self.function is F.gelu else "tanh"


class Sigmoid(_Elementwise):
    """`functional.sigmoid` as a layer."""

    function = staticmethod(F.sigmoid)


class Tanh(_Elementwise):
    """`functional.tanh` as a layer."""

    function = staticmethod(F.tanh)


class Softmax(Module):
    """`functional.softmax` as a layer. Not before `cross_entropy`, which takes logits."""

    def __init__(self, axis=-1, temperature=1.0):
        self.axis, self.temperature = axis, temperature

    def forward(self, x):
        return F.softmax(x, self.axis, self.temperature)
