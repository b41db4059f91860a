"""Losses: what a wrong answer costs. The network's output comes first, then the target; one number by default.

They take logits, not probabilities: joined with its loss, a sigmoid or a softmax stays exact and finite for logits of
any size, and its derivative is p - y. Goodfellow et al. 2016, section 6.2.
"""

import numpy as np

from nnlab.ops import op
from nnlab.sums import ones
from nnlab.tensor import Tensor


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
        d = error * (2 * share(g))
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
    return value, lambda g: (np.exp(np.minimum(z, 0)) / (1 + e) - y) * share(g)


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
    N, C = z.shape
    if N and np.maximum.reduce(y.astype(np.uint64)) >= C:  # unsigned, a negative number is a huge one
        raise ValueError(f"labels must lie in 0 ... {C - 1}; they reach from {y.min()} to {y.max()}.")
    rows = np.arange(N)
    z = z - np.maximum.reduce(z, 1, keepdims=True)
    e = np.exp(z)
    total = e.dot(ones(C, e.dtype))
    value, share = _reduce(np.log(total) - z[rows, y], reduction)

    def vjp(g):
        p = e / total[:, None]
        p[rows, y] -= 1  # p - y
        p *= share(g) if value.ndim == 0 else share(g)[:, None]
        return p

    return value, vjp


def _constant_target(target):
    if isinstance(target, Tensor):
        if target.requires_grad:
            raise TypeError("this loss has no gradient for its target: pass target.detach().")
        return target.data
    return target
