"""Attention with its parameters. The formula is in functional/attention.py.

Vaswani et al., Attention Is All You Need, NeurIPS 2017.
"""

import numpy as np

from nnlab import functional as F
from nnlab.module import Module
from nnlab.nn.dense import Linear, as_input, width
from nnlab.ops import concatenate
from nnlab.rng import as_rng


class MultiHeadAttention(Module):
    """Queries from x look at keys and values from context, or from x itself. x: (N, T_q, dim) -> (N, T_q, dim).

    dim, heads: the width of x, and how many heads share it; heads must divide dim.
    bias: whether `query`, `key`, `value` and `out`, four Linear layers of (dim, dim), have one. They start with Xavier.
    Called as attention(x, context, mask, causal, return_weights):
    context: (N, T_k, dim), for cross-attention.
    mask: booleans, True where a query may look (PyTorch's key_padding_mask is the opposite): (N, T_k) for padding, or
        (N, T_q, T_k), or (N, heads, T_q, T_k); an axis may be 1. A query that may look nowhere gets only out's bias.
    causal: query i looks at the keys 0 ... i only.
    return_weights: give (output, weights), the weights an array (N, heads, T_q, T_k).

    >>> attention = MultiHeadAttention(8, heads=2)
    >>> y, weights = attention(np.ones((3, 5, 8)), causal=True, return_weights=True)
    >>> y.shape, weights[0, 0, 1]
    ((3, 5, 8), array([0.5, 0.5, 0. , 0. , 0. ], dtype=float32))
    """

    def __init__(self, dim, heads=1, bias=True, *, init=None, dtype=np.float32, rng=None):
        self.dim = width(dim, "MultiHeadAttention", "dim", "features")
        self.heads = width(heads, "MultiHeadAttention", "heads", "heads")
        if dim % heads:
            raise ValueError(f"MultiHeadAttention: {heads} heads cannot share {dim} features evenly.")
        rng = as_rng(rng)
        self.query, self.key, self.value, self.out = (
            Linear(dim, dim, bias, init=init, dtype=dtype, rng=rng) for _ in range(4))

    def forward(self, x, context=None, mask=None, causal=False, return_weights=False):
        x, context = (as_input(a, self.out.weight.dtype) for a in (x, context))
        for name, a in (("x", x), ("context", context)):
            if a is not None and (np.ndim(a) != 3 or np.shape(a)[-1] != self.dim):
                raise ValueError(f"{self.label} got {name} of shape {np.shape(a)}: it must be (N, T, {self.dim}).")
        mixed = F.multi_head_attention(*self._project(x, context), heads=self.heads, mask=self._mask(mask),
                                       causal=causal, return_weights=return_weights)
        return (self.out(mixed[0]), mixed[1]) if return_weights else self.out(mixed)

    def _project(self, x, context):
        """q, k, v; where all three come from x, side by side as one array, by one product."""
        layers = self.query, self.key, self.value
        if context is not None:
            return [layer(a) for layer, a in zip(layers, (x, context, context))]
        bias = None if self.query.bias is None else concatenate([layer.bias for layer in layers])
        return [F.linear(x, concatenate([layer.weight for layer in layers], 1), bias)]  # (N, T, 3 dim)

    def _mask(self, mask):
        shape = np.shape(mask)
        if mask is None or len(shape) == 4:
            return mask
        if len(shape) not in (2, 3):
            raise ValueError(f"{self.label} got a mask of shape {shape}: it must be (N, T_k), (N, T_q, T_k) or "
                             "(N, heads, T_q, T_k).")
        return np.expand_dims(mask, (1, 2) if len(shape) == 2 else 1)  # the same for all heads; padding for all queries

    def extra_repr(self):
        return f"{self.dim}, {self.heads} head{'s' * (self.heads != 1)}"
