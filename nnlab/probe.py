"""A look into a network while it computes: what goes forward, what comes back, and what the weights are told, layer by
layer. Here one sees signals vanish or explode: Glorot and Bengio, AISTATS 2010; He et al., ICCV 2015.
"""

from typing import NamedTuple

import numpy as np

from nnlab.module import Module, observe
from nnlab.tensor import Tensor
from nnlab.train import like_output

BOUNDS = {"sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0)}  # of the activations that saturate


class Layer(NamedTuple):
    """One layer at one moment: `h`, its output; `signal`, dL/dh, of the same shape (None where nothing comes back);
    `gradients`, {name: dL/dw} of the parameters in it. The properties are its statistics, computed in float64.
    """

    name: str
    module: Module
    h: np.ndarray
    signal: np.ndarray | None
    gradients: dict

    h_ms = property(lambda self: _mean_square(self.h), doc="mean square of the outputs, over batch and neurons")
    signal_ms = property(lambda self: _mean_square(self.signal), doc="mean square of dL/dh; nan if there is none")

    @property
    def gradient_ms(self):
        """Mean square of dL/dW over the weights in the layer, biases left out; nan if it has none."""
        weights = [g.ravel() for name, g in self.gradients.items() if name.endswith("weight")]
        return _mean_square(np.concatenate(weights) if weights else None)

    @property
    def dead(self):
        """The share of neurons (places on the last axis) that are exactly 0 for every example."""
        return float((self.h.reshape(-1, self.h.shape[-1] if self.h.ndim > 1 else 1) == 0).all(0).mean())

    @property
    def saturated(self):
        """The share of outputs within 2.5 % of the range of sigmoid or tanh from its ends; nan for other layers."""
        activation = getattr(self.module, "activation", None) or type(self.module)
        low, high = BOUNDS.get(getattr(activation, "__name__", "").lower(), (np.nan, np.nan))
        margin = 0.025 * (high - low)
        return float(np.mean((self.h < low + margin) | (self.h > high - margin))) if high == high else np.nan


class Probe(list):
    """The layers that a probe saw, in the order in which they finished computing; its repr is a table."""

    def column(self, statistic, kind=Module):
        """One number a layer, (L,): "h_ms", "signal_ms", "gradient_ms", "dead" or "saturated"; `kind`: only of such."""
        return np.array([getattr(layer, statistic) for layer in self if isinstance(layer.module, kind)])

    def __repr__(self):
        columns = ("h_ms", "signal_ms", "gradient_ms", "dead", "saturated")
        width = max([len("layer"), *(len(layer.name) for layer in self)])
        rows = [(layer.name, *(f"{getattr(layer, c):.3g}" for c in columns)) for layer in self]
        return "\n".join(f"{row[0]:<{width}}" + "".join(f"{text:>12}" for text in row[1:])
                         for row in [("layer", *columns), *rows])


def probe(model, X, y, loss):
    """One forward and one backward pass of loss(model(X), y), recorded: a `Probe`, one `Layer` for each output.

    X, y, loss: as in `fit`. A module whose output is that of its last part (a Sequential) is not listed again; one that
    adds to it (a Residual) is. A module used twice is listed twice, each time with its own h and signal and with the
    sum of its gradients.
    The signal is g_l = dL/dh_l at the layer's output, after its activation, where textbooks' delta_l = dL/dz_l =
    g_l f'(z_l) stands before it. Look at the signal, not at dL/dW_l = h_{l-1}^T delta_l: where weights are too small, h
    shrinks on the way up as g does on the way down, and their product looks healthy in every layer.
    The model's gradients, buffers and mode are afterwards as they were (dropout has drawn its random numbers).

    >>> from nnlab import MLP, functional as F
    >>> seen = probe(MLP(2, 16, 16, 1, rng=0), np.ones((5, 2)), np.ones(5), F.mse_loss)
    >>> [(layer.name, layer.h.shape, layer.signal.shape) for layer in seen]
    [('layers.0', (5, 16), (5, 16)), ('layers.1', (5, 16), (5, 16)), ('layers.2', (5, 1), (5, 1))]
    """
    names, outputs = {id(m): name or "model" for name, m in model.named_modules()}, []

    def look(module, output):
        if isinstance(output, Tensor) and not any(output is seen for _, seen in outputs):
            output.retain_grad()
            outputs.append((module, output))

    before = [(p, None if p.grad is None else p.grad.copy()) for p in model.parameters()]
    buffers = [(b, b.data.copy()) for _, b in model.named_buffers()]
    model.zero_grad()
    try:
        with np.errstate(all="ignore"), observe(look):  # exploding is what one may want to see
            output = model(X)
            loss(output, like_output(output, np.asarray(y))).backward()
        return Probe(Layer(names.get(id(module), type(module).__name__), module, h.data, h.grad,
                           {name: p.grad.copy() for name, p in module.named_parameters() if p.grad is not None})
                     for module, h in outputs)
    finally:
        for p, g in before:
            p.grad = g
        for b, values in buffers:
            b.data[...] = values


def _mean_square(a):
    with np.errstate(over="ignore"):
        return np.nan if a is None else float(np.mean(np.square(a, dtype=float)))
