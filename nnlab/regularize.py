"""Penalties: a price on large weights, added to the loss so that a network fits less of the noise. In one line of
training, `fit(..., penalty=l2(1e-4))`. Their elders stand elsewhere: weight_decay and the proximal step of L1 in optim,
dropout in nn, early stopping in callbacks, more examples out of few in augment. Goodfellow et al. 2016, chapter 7.
"""

import numpy as np

from nnlab.ops import op
from nnlab.optim.base import at_least_0


def l1_penalty(params):
    """sum |w|, the lasso's: its gradient sign(w), 0 at 0, pulls all weights alike. Tibshirani 1996.

    Gradient steps on it hover round 0; `optim.ProximalSGD` gives exact zeros.

    >>> from nnlab import Tensor
    >>> l1_penalty([Tensor([3.0, -4.0]), Tensor([[1.0]])])
    Tensor(8.)
    """
    return _l1_penalty(*params)


@op
def _l1_penalty(*ws):
    return sum(np.abs(w).sum() for w in ws), lambda g: tuple([g * np.sign(w) for w in ws])


def l2_penalty(params):
    """sum w^2 / 2, ridge regression's: its gradient w pulls large weights most. With SGD, `weight_decay` is the same.

    >>> from nnlab import Tensor
    >>> l2_penalty([Tensor([3.0, -4.0]), Tensor([[1.0]])])
    Tensor(13.)
    """
    return _l2_penalty(*params)


@op
def _l2_penalty(*ws):
    return sum(np.vdot(w, w) for w in ws) / 2, lambda g: tuple([g * w for w in ws])


def l1(strength, *, biases=False):
    """strength * l1_penalty of a model, for `fit(..., penalty=l1(1e-3))`. biases: whether they pay too.

    >>> from nnlab import Linear
    >>> layer = Linear(2, 1)
    >>> layer.weight.data, layer.bias.data = [[3.0], [-4.0]], [100.0]
    >>> l1(0.5)(layer).item()
    3.5
    """
    return _of_model(l1_penalty, strength, biases)


def l2(strength, *, biases=False):
    """strength * l2_penalty of a model, for `fit(..., penalty=l2(1e-3))`. biases: whether they pay too."""
    return _of_model(l2_penalty, strength, biases)


def _of_model(penalty, strength, biases):
    strength = at_least_0("strength", strength)

    def of(model):
        return strength * penalty([p for name, p in model.named_parameters() if biases or not name.endswith("bias")])

    return of
