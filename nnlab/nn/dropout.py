"""Dropout as a layer, which is active in training only: see `Module.train` and `Module.eval`.

The formula is in functional/dropout.py. Srivastava et al., JMLR 15, 2014.
"""

from nnlab import functional as F
from nnlab.functional.dropout import check_probability
from nnlab.module import Module
from nnlab.rng import as_rng


class Dropout(Module):
    """In training, drops each number with probability p and divides the others by 1 - p; the identity in evaluation.

    rng: a Generator or a seed of its own; by default the thread's. Raises ValueError for a p outside [0, 1).

    >>> Dropout(0.2)
    Dropout(0.2), 0 parameters
    """

    def __init__(self, p=0.5, *, rng=None):
        check_probability(p, "Dropout")
        self.p = p
        self.rng = None if rng is None else as_rng(rng)  # a seed starts it once, not at every call

    def forward(self, x):
        return F.dropout(x, self.p, self.training, rng=self.rng)

    def extra_repr(self):
        return f"{self.p}"
