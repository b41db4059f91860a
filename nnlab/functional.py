"""The formulas of the course, each once: activations, the dense layer, losses. State lives in nn.py, never here.

Everything is written so that it stays exact and finite for inputs of any size. A dense layer with its activation, and
softmax with its cross-entropy, are single operations: their joint derivative is simpler than the chain of its parts,
and several times faster. Goodfellow, Bengio and Courville, Deep Learning (2016), chapter 6.
"""

import functools

import numpy as np

from nnlab.ops import op
from nnlab.tensor import Tensor

# Activations ---------------------------------------------------------------------------------------------------------
ACTIVATIONS = {}  # name -> activation, for `activation="tanh"`


def elementwise(df):
    """Declare an activation a = f(z) by its derivative `df(z, a)`; `.f` and `.df` are for `linear` to use inside."""
    def declare(f):
        @op
        @functools.wraps(f)
        def activation(z, /, *args, **options):
            a = f(z, *args, **options)
            return a, lambda g: g * df(z, a, *args, **options)

        activation.f, activation.df = f, df
        ACTIVATIONS[f.__name__] = activation
        return activation

    return declare


@elementwise(lambda z, a: a > 0)
def relu(z, /):
    """max(0, z); derivative 1 where z > 0 and 0 elsewhere, at 0 too. Nair and Hinton, ICML 2010.

    >>> relu([-2.0, 3.0])
    Tensor([0., 3.])
    """
    return np.maximum(z, 0)


@elementwise(lambda z, a, negative_slope=0.01: np.where(z > 0, z.dtype.type(1), z.dtype.type(negative_slope)))
def leaky_relu(z, /, negative_slope=0.01):
    """z where z > 0, negative_slope * z elsewhere: no neuron is ever quite silent. Maas et al., ICML 2013."""
    return np.where(z > 0, z, z * negative_slope)


@elementwise(lambda z, a: a * (1 - a))
def sigmoid(z, /):
    """1 / (1 + e^-z), in (0, 1); derivative a (1 - a). Exact in both tails.

    >>> sigmoid([-1e4, 0.0, 1e4])
    Tensor([0. , 0.5, 1. ])
    """
    e = np.exp(-np.abs(z))  # never above 1, so it cannot overflow
    return np.maximum(e, z >= 0) / (1 + e)  # the numerator is 1 for z >= 0 and e below


@elementwise(lambda z, a: 1 - a * a)
def tanh(z, /):
    """(e^z - e^-z) / (e^z + e^-z), in (-1, 1); derivative 1 - a^2."""
    return np.tanh(z)


def find_activation(activation):
    """The elementwise activation called `activation`, or `activation` itself; None stays None (a linear layer)."""
    found = ACTIVATIONS.get(activation) if isinstance(activation, str) else activation
    if found is None is not activation or not (found is None or hasattr(found, "df")):
        raise ValueError(f"activation is None or one of {', '.join(ACTIVATIONS)}; got {activation!r}.")
    return found


@op
def softmax(z, /, axis=-1, temperature=1.0):
    """p_i = e^(z_i / T) / sum_j e^(z_j / T): scores become probabilities along `axis`; a high T evens them out.

    >>> softmax([0.0, 0.0, 1e4])
    Tensor([0., 0., 1.])
    """
    p = np.exp(_log_softmax(z, axis, temperature))
    # dp_i/dz_j = p_i ([i = j] - p_j) / T
    return p, lambda g: p * (g - np.sum(g * p, axis, keepdims=True)) / temperature


@op
def log_softmax(z, /, axis=-1, temperature=1.0):
    """ln softmax(z), computed as z/T - ln sum_j e^(z_j / T), so that a tiny probability does not become ln 0."""
    y = _log_softmax(z, axis, temperature)
    return y, lambda g: (g - np.exp(y) * np.sum(g, axis, keepdims=True)) / temperature


def _log_softmax(z, axis, temperature):
    if not temperature > 0:
        raise ValueError(f"the temperature must be above 0; got {temperature}.")
    z = (z - np.max(z, axis, keepdims=True)) / temperature  # the largest is now 0: no overflow
    return z - np.log(np.sum(np.exp(z), axis, keepdims=True))


# The dense layer -----------------------------------------------------------------------------------------------------
def linear(x, weight, bias=None, activation=None):
    """f(x @ weight + bias) as one operation. x: (..., in), weight: (in, out), bias: (out,) -> (..., out).

    activation: None or an elementwise activation, by name or itself.
    The weight is (in, out), the transpose of PyTorch's, so that the code reads like the formula.
    Raises ValueError where shapes do not fit.

    >>> linear([[1.0, 2.0]], [[1.0], [1.0]], [-5.0], activation="relu")
    Tensor([[0.]])
    """
    if isinstance(activation, str):
        activation = find_activation(activation)
    inputs = (x, weight) if bias is None else (x, weight, bias)
    return _linear(*inputs, activation=activation)


@op
def _linear(x, W, b=None, /, *, activation):
    if W.ndim != 2 or x.ndim == 0 or x.shape[-1] != len(W):
        raise ValueError("the last axis of x must be the first of the weight, which is (in, out).")
    rows = x if x.ndim == 2 else x.reshape(-1, len(W))  # (N, in)
    z = rows.dot(W)  # (N, out); on matrices .dot starts sooner than @
    if b is not None:
        if b.shape != z.shape[1:]:
            raise ValueError("the bias needs one number per output, shape (out,).")
        z += b
    a = z if activation is None else activation.f(z)

    def vjp(g):
        # With delta = dL/dz = g * f'(z):   dx = delta W^T,   dW = x^T delta,   db = sum of delta over the batch
        delta = g if x.ndim == 2 else g.reshape(z.shape)
        if activation is not None:
            delta = delta * activation.df(z, a)
        dx, dW = lambda: delta.dot(W.T).reshape(x.shape), lambda: rows.T.dot(delta)
        return (dx, dW) if b is None else (dx, dW, delta)  # the engine sums delta to the bias's shape

    return a if x.ndim == 2 else a.reshape(*x.shape[:-1], W.shape[1]), vjp


# Losses: the network's output first, then the target; one number by default ------------------------------------------
def _reduce(losses, reduction):
    """The losses of a batch as `reduction` says, and how a gradient on that goes back to each."""
    if losses.size == 0:
        raise ValueError("the batch is empty.")
    if reduction == "mean":
        return np.add.reduce(losses, axis=None) / losses.size, lambda g: g / losses.size
    if reduction == "sum":
        return np.add.reduce(losses, axis=None), lambda g: g
    if reduction == "none":
        return losses, lambda g: g
    raise ValueError(f"reduction is 'mean', 'sum' or 'none'; got {reduction!r}.")


def _same_shape(output, target):
    if output.shape != target.shape:
        fix = f"; target.reshape{output.shape} would fit" if output.size == target.size else ""
        raise ValueError(f"the target has shape {target.shape}, the output {output.shape}. They must be equal, nothing "
                         f"is broadcast here{fix}.")


@op
def mse_loss(output, target, /, reduction="mean"):
    """Mean squared error, mean of (output - target)^2. Both of one shape -> () or, with reduction="none", that shape.

    >>> mse_loss([1.0, 4.0], [1.0, 2.0])
    Tensor(2.)
    """
    _same_shape(output, target)
    error = output - target
    value, share = _reduce(error * error, reduction)

    def vjp(g):
        d = 2 * error * share(g)
        return d, lambda: -d

    return value, vjp


def binary_cross_entropy_with_logits(logits, target, reduction="mean"):
    """-[y ln p + (1 - y) ln(1 - p)] with p = sigmoid(z): the cost of calling y (0 or 1) by the logit z.

    Both of one shape -> (), or that shape with reduction="none". Computed as max(z, 0) - z y + ln(1 + e^-|z|), finite
    for every z; its derivative is p - y. Raises ValueError if the shapes differ: (N,) is never stretched over (N, 1).

    >>> binary_cross_entropy_with_logits([1e4, -1e4], [1, 1], reduction="none").data.tolist()
    [0.0, 10000.0]
    """
    return _binary_cross_entropy(logits, _constant_target(target), reduction)


@op
def _binary_cross_entropy(z, /, y, reduction):
    y = np.asarray(y, z.dtype)
    _same_shape(z, y)
    e = np.exp(-np.abs(z))
    value, share = _reduce(np.maximum(z, 0) - z * y + np.log1p(e), reduction)
    return value, lambda g: (np.maximum(e, z >= 0) / (1 + e) - y) * share(g)


def cross_entropy(logits, target, reduction="mean"):
    """-ln softmax(z)[y]: the cost of giving the right class y the probability that the scores z give it.

    logits: (N, C); target: (N,) whole numbers from 0 to C - 1 -> (), or (N,) with reduction="none". The derivative is
    p - y, y as one-hot rows. Raises TypeError for labels that are no integers, ValueError for wrong shapes or classes.

    >>> cross_entropy([[0.0, 0.0], [1e4, 0.0]], [0, 1], reduction="none").data.round(3).tolist()
    [0.6930000185966492, 10000.0]
    """
    return _cross_entropy(logits, _constant_target(target), reduction)


@op
def _cross_entropy(z, /, y, reduction):
    y = np.asarray(y)
    if y.dtype.kind not in "iu":
        raise TypeError(f"cross_entropy takes whole-number labels, one per row; got {y.dtype}: try y.astype(int).")
    if z.ndim != 2 or z.shape[1] < 2 or y.shape != z.shape[:1]:
        raise ValueError(f"logits must be (N, C) with C >= 2 and labels (N,); the labels have shape {y.shape}.")
    if y.size and not 0 <= y.min() <= y.max() < z.shape[1]:
        raise ValueError(f"labels must lie in 0 ... {z.shape[1] - 1}; they reach from {y.min()} to {y.max()}.")
    rows = np.arange(len(y))
    z = z - z.max(1, keepdims=True)
    e = np.exp(z)
    total = np.add.reduce(e, 1)
    value, share = _reduce(np.log(total) - z[rows, y], reduction)

    def vjp(g):
        p = e / total[:, None]
        p[rows, y] -= 1  # p - y
        return p * np.reshape(share(g), (-1, 1))

    return value, vjp


def _constant_target(target):
    if isinstance(target, Tensor):
        if target.requires_grad:
            raise TypeError("this loss has no gradient for its target: pass target.detach().")
        return target.data
    return target
