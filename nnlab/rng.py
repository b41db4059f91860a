"""Where randomness comes from. Every function that draws takes `rng=`: a NumPy Generator, a whole-number seed, or None
for the default that `manual_seed` sets, so that a result can always be repeated. The default is kept per thread (a
training thread and a notebook cell never disturb each other's numbers); NumPy's own global state is never touched.
"""

import threading
from numbers import Integral

import numpy as np

_local = threading.local()


def manual_seed(seed):
    """Start this thread's default generator at `seed`, a whole number of at least 0.

    >>> manual_seed(0); a = as_rng(None).random()
    >>> manual_seed(0); b = as_rng(None).random()
    >>> a == b
    True
    """
    _local.rng = as_rng(_whole(seed))


def as_rng(rng=None):
    """The Generator meant by `rng`: itself, a new one from a seed, or (None) this thread's default.

    >>> bool(as_rng(3).integers(10) == as_rng(3).integers(10))
    True
    """
    if rng is None:
        if not hasattr(_local, "rng"):
            _local.rng = np.random.default_rng()
        return _local.rng
    return rng if isinstance(rng, np.random.Generator) else np.random.default_rng(_whole(rng))


def _whole(seed):
    if not isinstance(seed, Integral) or seed < 0:
        raise TypeError(f"rng takes a NumPy Generator, a seed (a whole number >= 0) or None; got {seed!r}.")
    return int(seed)
