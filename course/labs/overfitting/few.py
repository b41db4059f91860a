"""Few digits, some with a wrong label: the data on which this unit's networks overfit.

Everything here comes out of the 1,085 training digits, so that whoever plays with the labs leaves the validation and
the test digits of the course untouched.
"""

from types import SimpleNamespace

import numpy as np

import nnlab


def few(n=200, wrong=0.2, seed=0, held_out=100):
    """n digits to learn from, of which the first `wrong` n carry a wrong label; others to validate and to test with.

    -> X: (n, 64), y: (n,) as labelled, truth: (n,), lied: (n,) bool; V, v: `held_out` digits; T, t: all the others.
    """
    everything, labels = nnlab.data.digits("train")
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(labels))
    mine, validation, rest = order[:n], order[n:n + held_out], order[n + held_out:]
    lied = np.arange(n) < round(wrong * n)
    truth = labels[mine]
    y = np.where(lied, (truth + rng.integers(1, 10, n)) % 10, truth)
    return SimpleNamespace(X=everything[mine], y=y, truth=truth, lied=lied, V=everything[validation],
                           v=labels[validation], T=everything[rest], t=labels[rest])


def mosaic(pictures, columns, gap=2):
    """Pictures (n, 64) or (n, 8, 8) side by side in rows of `columns`, nan between them. -> (height, width), row 0 at
    the bottom, as Panel.image wants it."""
    pictures = np.asarray(pictures).reshape(-1, 8, 8)
    side, rows = 8 + gap, -(-len(pictures) // columns)
    wall = np.full((rows * side - gap, columns * side - gap), np.nan)
    for i, picture in enumerate(pictures):
        row, column = divmod(i, columns)
        wall[row * side:row * side + 8, column * side:column * side + 8] = picture
    return wall[::-1]
