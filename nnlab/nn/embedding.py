"""Tables of learned vectors: one for each symbol, one for each place.

Attention sees a set; only what is added to its inputs tells it their order. Bengio et al., JMLR 3, 2003 (embedding);
Gehring et al., ICML 2017 (learned positions).
"""

from functools import partial

import numpy as np

from nnlab import functional as F
from nnlab import init as initial
from nnlab.module import Module, Parameter
from nnlab.nn.dense import as_input, width


class Embedding(Module):
    """A learned vector for each of `num_embeddings` symbols. indices: whole numbers (...) -> (..., dim).

    init: a function of init.py for the weight (num_embeddings, dim); by default N(0, 1), as in PyTorch.
    Raises TypeError for indices that are no integers, IndexError for one outside 0 ... num_embeddings - 1.

    >>> Embedding(26, 8)([[0, 25, 0]]).shape
    (1, 3, 8)
    """

    def __init__(self, num_embeddings, dim, *, init=None, dtype=np.float32, rng=None):
        self.num_embeddings = width(num_embeddings, "Embedding", "num_embeddings", "symbols")
        self.dim = width(dim, "Embedding", "dim", "features")
        init, shape = init or partial(initial.normal, std=1.0), (self.num_embeddings, self.dim)
        self.weight = Parameter(init(shape, dtype=dtype, rng=rng), name=f"{self.label}.weight")

    def forward(self, indices):
        return F.embedding(indices, self.weight)

    def extra_repr(self):
        return f"{self.num_embeddings} -> {self.dim}"


class LearnedPositions(Module):
    """Adds to each place its own learned vector. x: (..., T, dim) -> (..., T, dim), for T up to `length`.

    Starts at N(0, 0.02^2), small beside the symbols. Raises ValueError for an x too long or of another dim.

    >>> LearnedPositions(16, 8)(np.zeros((2, 5, 8))).shape
    (2, 5, 8)
    """

    def __init__(self, length, dim, *, dtype=np.float32, rng=None):
        self.length = width(length, "LearnedPositions", "length", "places")
        self.dim = width(dim, "LearnedPositions", "dim", "features")
        self.weight = Parameter(initial.normal((self.length, self.dim), 0.02, dtype=dtype, rng=rng),
                                name=f"{self.label}.weight")

    def forward(self, x):
        shape = np.shape(x)
        if len(shape) < 2 or shape[-2] > self.length or shape[-1] != self.dim:
            raise ValueError(f"{self.label} got x of shape {shape}: it must be (..., T, {self.dim}) with T at most "
                             f"{self.length}.")
        return F.embedding(np.arange(shape[-2]), self.weight) + as_input(x, self.weight.dtype)

    def extra_repr(self):
        return f"{self.length}, {self.dim}"
