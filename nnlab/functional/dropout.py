"""Dropout: a network that cannot rely on any single neuron learns to be robust. Srivastava et al., JMLR 15, 2014."""

from nnlab.ops import op
from nnlab.rng import as_rng
from nnlab.tensor import Tensor, constant


def dropout(x, p=0.5, training=True, *, rng=None):
    """In training each number becomes 0 with probability p, and the others are divided by 1 - p; otherwise x as it is.

    So the expectation of every number is itself, and the finished network needs no correction. x and the result have
    the same shape. Raises ValueError for a p outside [0, 1).

    >>> dropout([1.0, 1.0, 1.0, 1.0], 0.75, rng=1)
    Tensor([0., 0., 4., 4.])
    """
    check_probability(p, "dropout")
    if not training or p == 0:
        return x if isinstance(x, Tensor) else constant(x)
    return _dropout(x, p, as_rng(rng))


@op
def _dropout(x, /, p, rng):
    keep = (rng.random(x.shape, "float32") >= p) * x.dtype.type(1 / (1 - p))  # 0 or 1 / (1 - p)
    return x * keep, lambda g: g * keep


def check_probability(p, owner):
    if not 0 <= p < 1:
        raise ValueError(f"{owner}: p is the probability that a number is dropped, in [0, 1); got {p!r}.")
