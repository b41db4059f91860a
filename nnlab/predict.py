"""A trained model in use: in evaluation mode, with nothing recorded, and for many inputs a block at a time.

In blocks, what passes through the layers is small enough to lie in memory that was used before: fresh memory costs a
decision map of 40,000 points more than its arithmetic does.
"""

from contextlib import contextmanager

import numpy as np

from nnlab.tensor import no_grad

BLOCK = 10_000  # rows at a time


@contextmanager
def evaluating(model):
    """Inside, `model` is in evaluation mode and nothing is recorded; after, each of its parts is as it was.

    >>> from nnlab import Dropout
    >>> layer = Dropout(0.2)
    >>> with evaluating(layer):
    ...     layer.training
    False
    >>> layer.training
    True
    """
    modes = [(module, module.training) for _, module in model.named_modules()]
    model.eval()
    try:
        with no_grad():
            yield
    finally:
        for module, training in modes:  # some may have been frozen in evaluation mode
            module.training = training


def predict(model, X):
    """What `model` gives for X, (n, ...), as an array: what model.eval()(X).data is, up to rounding.

    Raises ValueError for an X of no rows, and what the model raises.

    >>> from nnlab import MLP
    >>> predict(MLP(2, 4, 3), np.zeros((5, 2))).shape
    (5, 3)
    """
    X = np.asarray(X)
    if X.ndim == 0 or len(X) == 0:
        raise ValueError(f"predict needs at least one row to predict from; X has shape {X.shape}.")
    with evaluating(model):
        return np.concatenate([model(X[i:i + BLOCK]).data for i in range(0, len(X), BLOCK)])
