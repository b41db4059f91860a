"""Symbols and places as vectors, the form in which a network can compute with them.

Bengio et al., JMLR 3, 2003 (embedding); Vaswani et al., NeurIPS 2017, section 3.5 (positions as waves).
"""

import numpy as np

from nnlab.ops import op


def embedding(indices, weight):
    """weight[indices], the rows of a table. indices: whole numbers (...), weight: (V, dim) -> (..., dim).

    Raises TypeError for indices that are no integers, IndexError for one outside 0 ... V - 1.

    >>> embedding([2, 0], [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]])
    Tensor([[4., 5.],
            [0., 1.]])
    """
    return _embedding(weight, np.asarray(indices))


@op
def _embedding(W, /, indices):
    if W.ndim != 2:
        raise ValueError("the table must be (V, dim).")
    if indices.dtype.kind not in "iu":
        raise TypeError(f"embedding takes whole numbers that say which row; got {indices.dtype}: try x.astype(int).")
    if indices.size and not 0 <= indices.min() <= indices.max() < len(W):
        raise IndexError(f"indices must lie in 0 ... {len(W) - 1}; they reach from {indices.min()} to {indices.max()}.")

    def vjp(g):  # each row collects the gradients of all places where it was used
        dW = np.zeros(W.size, W.dtype)
        places = indices.reshape(-1, 1) * W.shape[1] + np.arange(W.shape[1])
        np.add.at(dW, places.ravel(), g.ravel())  # number by number it is five times faster than row by row
        return dW.reshape(W.shape)

    return W.take(indices, 0), vjp


def sinusoidal_positions(length, dim, *, dtype=np.float32):
    """Vectors for the places t = 0, 1, ..., to be added to the inputs: (length, dim), an array; nothing to learn.

    p[t, 2i] = sin(t / 10000^(2i / dim)), p[t, 2i + 1] = cos of the same: hands of clocks, one turn in 2 pi places for
    the fastest and in almost 10000 times as many for the slowest, so that a shift is a rotation. Vaswani et al. 2017.

    >>> sinusoidal_positions(2, 4).round(2)
    array([[0.  , 1.  , 0.  , 1.  ],
           [0.84, 0.54, 0.01, 1.  ]], dtype=float32)
    """
    angles = np.arange(length)[:, None] / 10000 ** (np.arange(0, dim, 2) / dim)  # (length, dim / 2)
    return np.stack([np.sin(angles), np.cos(angles)], -1).reshape(length, -1)[:, :dim].astype(dtype)
