"""Normalisation: numbers brought to mean 0 and variance 1, then to a scale and a shift that are learned.

Along the features of each example (layer norm: Ba, Kiros and Hinton, 2016) or along the batch for each feature (batch
norm: Ioffe and Szegedy, ICML 2015): the same formula and the same derivative, along another axis of a matrix.
"""

import numpy as np

from nnlab.ops import op
from nnlab.sums import ones


def layer_norm(x, weight, bias, eps=1e-5):
    """(x - mean) / sqrt(variance + eps) * weight + bias, along the last axis.

    x: (..., D), weight and bias: (D,) -> (..., D). The variance is the sum of squares divided by D. Raises ValueError
    for shapes that do not fit.

    >>> layer_norm([[1.0, 3.0]], [1.0, 1.0], [0.0, 5.0]).data.round(3)
    array([[-1.,  6.]], dtype=float32)
    """
    return _layer_norm(x, weight, bias, eps=eps)


@op
def _layer_norm(x, w, b, /, *, eps):
    if x.ndim == 0 or not x.shape[-1:] == w.shape == b.shape:
        raise ValueError("x must be (..., D), weight and bias (D,).")
    rows = x.reshape(-1, len(w))
    *_, y, vjp = _normalize(rows, w, b, eps, lambda a: (a.dot(ones(len(w), a.dtype)) / len(w))[:, None])

    def back(g):
        dx, dw, db = vjp(g.reshape(rows.shape))
        return dx.reshape(x.shape), dw, db

    return y.reshape(x.shape), back


def batch_norm(x, running_mean, running_var, weight, bias, training=False, momentum=0.1, eps=1e-5):
    """(x - mean) / sqrt(variance + eps) * weight + bias, for each feature. x: (N, C) or (N, C, L) -> the same shape.

    In training, mean and variance are those of the batch (and of L), and the arrays running_mean and running_var (C,),
    which serve otherwise, move towards them: r += momentum * (batch - r), with the unbiased variance, as in PyTorch.
    Raises ValueError for shapes that do not fit and, in training, for one number per feature: it has no variance.

    >>> mean, var = np.zeros(1), np.ones(1)
    >>> batch_norm([[1.0], [3.0]], mean, var, [1.0], [0.0], training=True).data.round(3).tolist()
    [[-1.0], [1.0]]
    >>> mean.round(3), var.round(3)
    (array([0.2]), array([1.1]))
    """
    return _batch_norm(x, weight, bias, running=(running_mean, running_var), training=training, momentum=momentum,
                       eps=eps)


@op
def _batch_norm(x, w, b, /, *, running, training, momentum, eps):
    C = x.shape[1] if x.ndim in (2, 3) else None
    if {w.shape, b.shape, running[0].shape, running[1].shape} != {(C,)}:
        raise ValueError("x must be (N, C) or (N, C, L); weight, bias and running statistics (C,).")
    rows = np.swapaxes(x, 1, -1).reshape(-1, C)  # (N, C), or (N L, C)
    n = len(rows)
    if not training:
        mean, var = (r.astype(x.dtype, copy=False) for r in running)
        *_, y, vjp = _normalize(rows, w, b, eps, None, mean, var)
    elif n < 2:
        raise ValueError(f"{n} number per feature has no variance: train on larger batches, or call model.eval().")
    else:
        mean, var, y, vjp = _normalize(rows, w, b, eps, lambda a: ones(n, a.dtype).dot(a) / n)
        for old, new in zip(running, (mean, var * n / (n - 1))):
            old += momentum * (new - old)

    def shape_of_x(a):
        return a if x.ndim == 2 else np.swapaxes(a.reshape(len(x), -1, C), 1, 2)

    def back(g):
        dx, dw, db = vjp(np.swapaxes(g, 1, -1).reshape(rows.shape))
        return shape_of_x(dx), dw, db

    return shape_of_x(y), back


def _normalize(x, w, b, eps, average, mean=None, var=None):
    """(mean, variance, y, vjp) for a matrix x; `average` takes the means, unless `mean` and `var` are given."""
    # With z = (x - mean) / s and d = dL/dz = g w:    dx = (d - mean(d) - z mean(d z)) / s    (only d / s if mean and s
    # are constants),    dw = sum of g z,    db = sum of g, over the rows
    mean = average(x) if average else mean
    z = x - mean
    var = average(z * z) if average else var
    r = 1 / np.sqrt(var + eps)
    z *= r

    def vjp(g):
        d = g * w
        if average:
            d -= average(d) + z * average(d * z)
        d *= r
        return d, lambda: g * z, g  # the engine sums over the rows

    return mean, var, z * w + b, vjp
