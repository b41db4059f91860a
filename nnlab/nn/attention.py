"""Attention with its parameters. The formula is in functional/attention.py.

Vaswani et al., Attention Is All You Need, NeurIPS 2017.
"""

import numpy as np

from nnlab import functional as F
from nnlab.module import Module
from nnlab.nn.dense import Linear, as_input, width
from nnlab.nn.dropout import Dropout
from nnlab.nn.networks import MLP
from nnlab.nn.norms import LayerNorm
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


class TransformerBlock(Module):
    """Self-attention, then an MLP for each place, both with a residual and a layer norm. x: (N, T, dim) -> (N, T, dim).

    dim, heads: as in MultiHeadAttention. hidden: the width inside the MLP, by default 4 dim; activation: its own.
    dropout: how much of what attention and MLP add is dropped in training (Vaswani et al. 2017, section 5.4).
    causal: each place sees itself and those before it only.
    norm_first: x + f(norm(x)), which trains without warm-up (Xiong et al., ICML 2020), or norm(x + f(x)), the original.
    Called as block(x, mask, return_weights), both as in MultiHeadAttention.

    >>> TransformerBlock(8, heads=2, causal=True)
    TransformerBlock(8, 2 heads, hidden 32, causal), 872 parameters
    """

    def __init__(self, dim, heads=1, hidden=None, *, dropout=0.0, causal=False, norm_first=True, activation="relu",
                 dtype=np.float32, rng=None):
        rng = None if rng is None else as_rng(rng)  # one stream for all parts; None stays the thread's own
        self.causal, self.norm_first = causal, norm_first
        self.attention = MultiHeadAttention(dim, heads, dtype=dtype, rng=rng)
        self.norm1 = LayerNorm(dim, dtype=dtype)
        self.mlp = MLP(dim, 4 * dim if hidden is None else hidden, dim, activation=activation, dtype=dtype, rng=rng)
        self.norm2 = LayerNorm(dim, dtype=dtype)
        self.dropout = Dropout(dropout, rng=rng)

    def forward(self, x, mask=None, return_weights=False):
        x = as_input(x, self.norm1.weight.dtype)
        attended, weights = self.attention(self.norm1(x) if self.norm_first else x, None, mask, self.causal, True)
        x = x + self.dropout(attended)
        if self.norm_first:
            x = x + self.dropout(self.mlp(self.norm2(x)))
        else:
            x = self.norm1(x)
            x = self.norm2(x + self.dropout(self.mlp(x)))
        return (x, weights) if return_weights else x

    def extra_repr(self):
        options = ["causal"] * self.causal + ["norm last"] * (not self.norm_first)
        return ", ".join([self.attention.extra_repr(), f"hidden {self.mlp.sizes[1]}", *options])
