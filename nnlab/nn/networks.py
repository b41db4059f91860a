"""Layers joined to networks."""

import numpy as np

from nnlab import functional as F
from nnlab.module import Module, observers
from nnlab.nn.dense import Linear, as_input, named, width
from nnlab.rng import as_rng


class Sequential(Module):
    """Layers one after another.

    >>> from nnlab import LeakyReLU
    >>> Sequential(Linear(4, 8), LeakyReLU(0.2), Linear(8, 1))
    Sequential(Linear(4 -> 8), LeakyReLU(0.2), Linear(8 -> 1)), 49 parameters
    """

    def __init__(self, *layers):
        self.layers = list(layers)

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


class Residual(Module):
    """x + layer(x): the layer learns only what to change, and the gradient has a way past it. He et al., CVPR 2016.

    Raises ValueError if the layer changes the shape.

    >>> Residual(Linear(3, 3))
    Residual(Linear(3 -> 3)), 12 parameters
    """

    def __init__(self, layer):
        self.layer = layer

    def forward(self, x):
        y = self.layer(x)
        if y.shape != np.shape(x):
            raise ValueError(f"{self.label} turned shape {np.shape(x)} into {y.shape}: to be added they must be equal.")
        return as_input(x, y.dtype) + y


class MLP(Sequential):
    """A multilayer perceptron: dense layers of the given sizes, inputs first. x: (N, sizes[0]) -> (N, sizes[-1]).

    activation: after every hidden layer; output: after the last one (None gives logits, as the losses want them).
    On the tape it is one operation, `functional.mlp`; but one for each layer, with the same result, where somebody
    observes them or has put others in their place. `Sequential(*mlp.layers)` is always layer by layer.
    Raises ValueError for fewer than two sizes or a size below 1.

    >>> MLP(2, 16, 16, 1)
    MLP(2 -> 16 -> 16 -> 1, tanh), 337 parameters
    """

    def __init__(self, *sizes, activation="tanh", output=None, init=None, dtype=np.float32, rng=None):
        if len(sizes) < 2:
            raise ValueError(f"MLP takes the sizes of at least two layers, input and output; got {sizes}.")
        self.sizes = tuple(width(n, "MLP", f"size {i}") for i, n in enumerate(sizes))
        after = [F.find_activation(activation)] * (len(sizes) - 2) + [output]  # found also where nothing is hidden
        rng = as_rng(rng)
        super().__init__(*(Linear(n, m, activation=f, init=init, dtype=dtype, rng=rng)
                           for n, m, f in zip(self.sizes, self.sizes[1:], after)))

    def forward(self, x):
        layers = self.layers
        if layers and not observers() and all(map(_is_dense, layers)):
            parameters = [p for layer in layers for p in (layer.weight, layer.bias)]
            try:
                return F.mlp(as_input(x, parameters[0].dtype), *parameters, activations=[f.activation for f in layers])
            except (TypeError, ValueError):
                pass  # the layer where something does not fit says so itself
        return super().forward(x)

    def extra_repr(self):
        hidden = named(self.layers[0].activation) if len(self.layers) > 1 else ""
        end = self.layers[-1].activation
        return " -> ".join(map(str, self.sizes)) + hidden + (f", output{named(end)[1:]}" if end else "")


def _is_dense(layer, forward=Linear.forward):
    return isinstance(layer, Linear) and getattr(layer.forward, "__func__", None) is forward  # nobody has replaced it
