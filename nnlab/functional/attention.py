"""Attention: every query looks at all keys and takes the mean of the values, weighted by how well the keys match it.

One operation each, alone and in many heads at once: with the weights kept, the derivative is five matrix products.
Vaswani et al., Attention Is All You Need, NeurIPS 2017, section 3.2.
"""

from functools import lru_cache
from math import sqrt

import numpy as np

from nnlab.ops import op

SAFE = 30  # for scores below it e^s neither overflows nor vanishes, even in float32: no need to subtract the largest
_past = lru_cache(8)(np.tri)  # (T_q, T_k, 0, bool): query i may look at the keys 0 ... i


def scaled_dot_product_attention(q, k, v, mask=None, causal=False, *, return_weights=False):
    """softmax(q k^T / sqrt(d)) v. q: (..., T_q, d), k: (..., T_k, d), v: (..., T_k, d_v) -> (..., T_q, d_v).

    mask: booleans that broadcast to (..., T_q, T_k), True where a query may look; the others get the weight 0. A query
        that may look nowhere gives zeros.
    causal: query i may look at the keys 0 ... i only; together with a mask both must allow it.
    return_weights: give (output, weights), the weights as an array (..., T_q, T_k) that can only be read.
    Raises ValueError for shapes that do not fit, TypeError for a mask that is not boolean.

    >>> out, weights = scaled_dot_product_attention([[9.0, 0.0]], [[9.0, 0.0], [0.0, 9.0]], [[1.0], [2.0]],
    ...                                             mask=np.array([False, True]), return_weights=True)
    >>> out, weights
    (Tensor([[2.]]), array([[0., 1.]], dtype=float32))
    """
    kept = []
    out = _scaled_dot_product_attention(q, k, v, mask, causal, kept)
    return (out, kept[0]) if return_weights else out


@op
def _scaled_dot_product_attention(q, k, v, /, mask, causal, kept):
    if min(q.ndim, k.ndim, v.ndim) < 2 or q.shape[-1] != k.shape[-1] or k.shape[-2] != v.shape[-2]:
        raise ValueError("q must be (..., T_q, d), k (..., T_k, d) and v (..., T_k, d_v).")
    p = _weights(q, k, mask, causal, kept)
    y = p @ v
    return y, lambda g: _gradients(g, y, p, q, k, v)


def multi_head_attention(*packed, heads, mask=None, causal=False, return_weights=False):
    """`scaled_dot_product_attention` in many heads at once, each on its own D / heads of the features.

    packed: q, k and v of (N, T, D), or one array (N, T, 3D) that holds the three side by side -> (N, T_q, D).
    mask, causal, return_weights: as there, with the axes (N, heads, T_q, T_k).

    >>> multi_head_attention(np.ones((1, 5, 3 * 4)), heads=2).shape
    (1, 5, 4)
    """
    kept = []
    out = _multi_head_attention(*packed, heads=heads, mask=mask, causal=causal, kept=kept)
    return (out, kept[0]) if return_weights else out


@op
def _multi_head_attention(*packed, heads, mask, causal, kept):
    each = 3 // len(packed)
    # Heads are views, (N, T, ..., heads, D / heads) seen as (N, heads, T, D / heads): nothing is copied back and forth.
    def split(arrays, each=each):  # -> each (N, heads, T, D / heads)
        views = [a.reshape(*a.shape[:2], each, heads, -1).transpose(2, 0, 3, 1, 4) for a in arrays]
        return [head for view in views for head in view]

    if any(a.ndim != 3 or a.shape[-1] % (each * heads) for a in packed) or len(packed) not in (1, 3):
        raise ValueError(f"q, k and v must be (N, T, D), or one array (N, T, 3D), with a D that {heads} heads divide.")
    q, k, v = split(packed)
    p = _weights(q, k, mask, causal, kept)
    y = np.empty((*packed[0].shape[:2], heads * v.shape[-1]), v.dtype)
    np.matmul(p, v, out=split([y], 1)[0])

    def vjp(g):
        d = [np.empty(a.shape, a.dtype) for a in packed]
        _gradients(split([g], 1)[0], split([y], 1)[0], p, q, k, v, *split(d))
        return tuple(d)

    return y, vjp


def _weights(q, k, mask, causal, kept):
    """P = softmax(q k^T / sqrt(d)), with 0 where mask or causal forbid to look."""
    s = q @ np.swapaxes(k, -1, -2)  # (..., T_q, T_k)
    s *= 1 / sqrt(q.shape[-1])
    # Not where something is masked: a score that a row may not see must not decide about its last bit.
    small = mask is None and not causal and s.size and np.abs(s).max() < SAFE
    for allowed in (_checked(mask, s.shape), _past(*s.shape[-2:], 0, bool) if causal else None):
        if allowed is not None:
            s += np.where(allowed, s.dtype.type(0), s.dtype.type(-np.inf))
    if not small:  # not -inf where all is forbidden: inf - inf is nan
        s -= np.max(s, -1, keepdims=True, initial=np.finfo(s.dtype).min)
    np.exp(s, out=s)
    total = _row_sums(s)
    total += total == 0  # where all is forbidden
    s /= total
    s.flags.writeable = False  # the derivative needs it as it is
    kept.append(s)
    return s


def _checked(mask, shape):
    if mask is None:
        return None
    mask = np.asarray(mask)
    if mask.dtype != bool:
        raise TypeError(f"a mask is an array of booleans, True where a query may look; got {mask.dtype}.")
    try:
        return np.broadcast_to(mask, shape) if mask.shape != shape else mask
    except ValueError:
        raise ValueError(f"the mask has shape {mask.shape}: it must broadcast to (..., T_q, T_k), {shape}.") from None


def _row_sums(a):
    return (a @ np.ones(a.shape[-1], a.dtype))[..., None]  # as a product it is several times faster than .sum(-1)


def _gradients(g, y, p, q, k, v, dq=None, dk=None, dv=None):
    """dL/dq, dL/dk, dL/dv for y = P v, written to dq, dk, dv where these are given."""
    # With S the scores:  dv = P^T g,  dP = g v^T,  dS_ij = P_ij (dP_ij - sum_j P_ij dP_ij),  where the sum is g_i . y_i
    #                     dq = dS k / sqrt(d),  dk = dS^T q / sqrt(d)
    dv = np.matmul(np.swapaxes(p, -1, -2), g, out=dv)
    ds = g @ np.swapaxes(v, -1, -2)
    ds -= _row_sums(g * y)
    ds *= p
    ds *= 1 / sqrt(q.shape[-1])
    return np.matmul(ds, k, out=dq), np.matmul(np.swapaxes(ds, -1, -2), q, out=dk), dv
