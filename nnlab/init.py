"""Where weights start. All functions take a shape, (in, out) for a layer's weight, and return an array; the number of
inputs and outputs of a layer, its fans, decide how large the numbers must be for a signal to pass many layers unharmed.
Glorot and Bengio, AISTATS 2010 (Xavier); He et al., ICCV 2015; LeCun et al. 1998; Saxe et al., ICLR 2014 (orthogonal).
"""

from math import sqrt

import numpy as np

from nnlab.rng import as_rng

SQRT2 = sqrt(2)  # makes up for the half of its inputs that relu silences


def zeros(shape, *, dtype=np.float32, rng=None):
    """All 0: right for biases; as weights it makes every neuron of a layer the same, for ever. `rng` is not used.

    >>> zeros((2, 3)).tolist()
    [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    """
    return np.zeros(shape, dtype)


def constant(shape, value, *, dtype=np.float32, rng=None):
    """All `value`. `rng` is not used.

    >>> constant((3,), 0.5).tolist()
    [0.5, 0.5, 0.5]
    """
    return np.full(shape, value, dtype)


def normal(shape, std=0.01, *, mean=0.0, dtype=np.float32, rng=None):
    """Draws from N(mean, std^2)."""
    return as_rng(rng).normal(mean, std, shape).astype(dtype)


def uniform(shape, bound=1.0, *, dtype=np.float32, rng=None):
    """Draws from U(-bound, bound), whose variance is bound^2 / 3."""
    return as_rng(rng).uniform(-bound, bound, shape).astype(dtype)


def fans(shape):
    """(fan_in, fan_out) of a weight of shape (in, out), or of (in,), the weights of one neuron.

    >>> fans((64, 10)), fans((3,))
    ((64, 10), (3, 1))
    """
    if not 1 <= len(shape) <= 2:
        raise ValueError(f"a weight has shape (in, out) or (in,); got {tuple(shape)}.")
    return shape[0], shape[1] if len(shape) == 2 else 1


def xavier_normal(shape, gain=1.0, *, dtype=np.float32, rng=None):
    """Var w = gain^2 * 2 / (fan_in + fan_out): for tanh, sigmoid and linear layers. Glorot and Bengio 2010."""
    return normal(shape, gain * sqrt(2 / np.sum(fans(shape))), dtype=dtype, rng=rng)


def xavier_uniform(shape, gain=1.0, *, dtype=np.float32, rng=None):
    """The same variance as `xavier_normal` from a uniform law: bound gain * sqrt(6 / (fan_in + fan_out)).

    >>> bool(np.abs(xavier_uniform((2, 4), rng=0)).max() <= 1)
    True
    """
    return uniform(shape, gain * sqrt(6 / np.sum(fans(shape))), dtype=dtype, rng=rng)


def he_normal(shape, gain=SQRT2, *, dtype=np.float32, rng=None):
    """Var w = gain^2 / fan_in = 2 / fan_in: relu silences half of its inputs, so twice the variance. He et al. 2015.

    >>> w = he_normal((500, 200), rng=0)
    >>> bool(abs(w.std() - (2 / 500) ** 0.5) < 1e-3)
    True
    """
    return normal(shape, gain / sqrt(fans(shape)[0]), dtype=dtype, rng=rng)


def he_uniform(shape, gain=SQRT2, *, dtype=np.float32, rng=None):
    """The same variance as `he_normal` from a uniform law: bound gain * sqrt(3 / fan_in).

    >>> bool(np.abs(he_uniform((6, 4), rng=0)).max() <= 1)
    True
    """
    return uniform(shape, gain * sqrt(3 / fans(shape)[0]), dtype=dtype, rng=rng)


def lecun_normal(shape, gain=1.0, *, dtype=np.float32, rng=None):
    """Var w = gain^2 / fan_in: keeps the signal of linear layers on its way up, and what selu needs to keep its mean 0
    and variance 1. LeCun et al., Efficient BackProp, 1998; Klambauer et al., NeurIPS 2017.
    """
    return he_normal(shape, gain, dtype=dtype, rng=rng)


def orthogonal(shape, gain=1.0, *, dtype=np.float32, rng=None):
    """gain * Q with orthonormal columns (rows, if there are more columns): keeps lengths exactly. Saxe et al. 2014.

    >>> Q = orthogonal((3, 3), rng=0, dtype=np.float64)
    >>> bool(np.allclose(Q.T @ Q, np.eye(3)))
    True
    """
    if len(shape) != 2:
        raise ValueError(f"only a matrix can be orthogonal; got shape {tuple(shape)}.")
    a = as_rng(rng).standard_normal(shape)
    q, r = np.linalg.qr(a if shape[0] >= shape[1] else a.T)
    q *= np.where(np.diag(r) < 0, -1, 1)  # makes the draw uniform over all orthogonal matrices
    return (gain * (q if shape[0] >= shape[1] else q.T)).astype(dtype)
