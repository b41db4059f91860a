"""The perceptron, the oldest learning neuron, and what a neuron can and cannot separate.

F. Rosenblatt, Psychological Review 65 (1958); its mistake bound: A. Novikoff (1962); counting what it can separate:
T. Cover, IEEE Trans. Electronic Computers 14 (1965). All of it is linear algebra: no gradients, no tape.
"""

from collections.abc import Iterator
from math import comb

import numpy as np


def perceptron(X, y) -> Iterator[tuple[np.ndarray, int]]:
    """Run over the examples, and on each mistake add y_i x_i to w, until a whole pass is free of mistakes.

    X: (N, d), a column of ones in it if there shall be a bias; y: (N,) of -1 and +1. Starts at w = 0, where every
    answer counts as a mistake. Yields (w, i) after each mistake on example i; without end where no line separates
    the classes. Novikoff: where a unit vector u has y_i x_i . u >= gamma for all i, there are at most
    (max |x_i| / gamma)^2 mistakes.

    >>> X, y = np.array([[2.0, 1.0], [-1.0, -2.0]]), np.array([1, -1])
    >>> [w.tolist() for w, i in perceptron(X, y)]
    [[2.0, 1.0]]
    """
    X, y = _examples(X, y)
    w, wrong = np.zeros(X.shape[1]), True
    while wrong:
        wrong = False
        for i in range(len(X)):
            if y[i] * (X[i] @ w) <= 0:
                w = w + y[i] * X[i]
                wrong = True
                yield w, i


def separable(X, y) -> bool:
    """Is there a w with y_i x_i . w > 0 for every example? It ends also where the perceptron would run for ever.

    X: (N, d), y: (N,) of -1 and +1. There is one exactly when the origin lies outside the convex hull of the y_i x_i.
    P. Wolfe's algorithm (Mathematical Programming 11, 1976) walks to the hull's point nearest the origin.
    The lengths of the examples do not matter, and are made 1; a margin below 1e-5 after that counts as none.

    >>> square = np.array([[1., 1.], [1., -1.], [-1., 1.], [-1., -1.]])
    >>> separable(square, [1, 1, -1, -1]), separable(square, [1, -1, -1, 1])
    (True, False)
    """
    X, y = _examples(X, y)
    length = np.linalg.norm(X, axis=1)
    if not length.all():
        return False  # the sum at x = 0 is 0, whatever w is
    A = X * (y / length)[:, None]
    corral = [0]  # the hull's corners that the current point is a mean of
    weights = np.ones(1)
    for _ in range(100 * len(A)):
        point = weights @ A[corral]
        ahead = A @ point
        if ahead.min() > 1e-10:
            return True  # the point itself is such a w
        j = int(ahead.argmin())
        if j in corral or ahead[j] > point @ point - 1e-10:
            return False
        corral, weights = [*corral, j], np.append(weights, 0.0)
        while True:
            best = _nearest_in_span(A[corral])
            if (best > 1e-12).all():
                weights = best
                break
            falling = best <= 1e-12  # stop where the first weight reaches 0, and leave that corner
            step = (weights[falling] / np.maximum(weights[falling] - best[falling], 1e-300)).min()
            weights = step * best + (1 - step) * weights
            keep = weights > 1e-12
            corral, weights = [c for c, k in zip(corral, keep, strict=True) if k], weights[keep]
    raise RuntimeError(f"separable: no answer for {A.shape[0]} points in {A.shape[1]} dimensions; "
                       "are they nearly degenerate?")


def cover_fraction(points: int, dimensions: int) -> float:
    """The share of all ways to label P points in general position that a boundary through the origin of R^N can make.

    Cover 1965:  2 / 2^P  sum_{k < N} C(P - 1, k), which is 1 for P <= N and exactly 1/2 at P = 2 N.

    >>> cover_fraction(20, 10), cover_fraction(10, 10)
    (0.5, 1.0)
    """
    return 2 * sum(comb(points - 1, k) for k in range(dimensions)) / 2**points


def _examples(X, y):
    X, y = np.asarray(X, float), np.asarray(y)
    if X.ndim != 2 or len(X) == 0 or y.shape != (len(X),):
        raise ValueError(f"X must be (N, d) and y (N,), with N of at least 1; got {X.shape} and {y.shape}.")
    if not np.isin(y, (-1, 1)).all():
        raise ValueError(f"y must hold -1 and +1 only; got {np.unique(y).tolist()[:5]}. From 0 and 1: 2 * y - 1.")
    return X, y


def _nearest_in_span(corners):
    """The weights, of sum 1, that bring the corners' weighted sum nearest to the origin: (n, d) -> (n,)."""
    n = len(corners)
    system = np.ones((n + 1, n + 1))
    system[0, 0], system[1:, 1:] = 0.0, corners @ corners.T
    return np.linalg.lstsq(system, np.eye(n + 1)[0], rcond=None)[0][1:]
