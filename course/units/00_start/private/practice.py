"""The on-ramp's exercises for the tests: a right solution of each, right but unusual ones, known wrong ones."""

import numpy as np


def column_means(X):
    return X.mean(axis=0)


def center(X):
    return X - X.mean(axis=0)


def slope(f, x, h):
    return (f(x + h) - f(x - h)) / (2 * h)


SOLUTIONS = dict(column_means=column_means, center=center, slope=slope)


def _loop_center(X):
    return [[value - sum(row[j] for row in X) / len(X) for j, value in enumerate(row)] for row in X]


def _own_copy(X):
    X = X.copy()
    X -= np.ones(len(X)) @ X / len(X)
    return X


BENIGN = dict(
    column_means=[lambda X: [float(column.mean()) for column in X.T], lambda X: X.astype(np.float32).mean(0),
                  lambda X: np.ones(len(X)) @ X / len(X)],
    center=[_loop_center, _own_copy, lambda X: (X.T - X.mean(0)[:, None]).T],
    slope=[lambda f, x, h: f(x + h) / (2 * h) - f(x - h) / (2 * h), lambda f, x, h: np.array(slope(f, x, h))],
)


def _in_place(X):
    X -= X.mean(axis=0)
    return X


MUTANTS = dict(
    column_means={
        "wrong axis": (lambda X: X.mean(axis=1), "axis"),
        "sum": (lambda X: X.sum(axis=0), "mean"),
        "all of it": (lambda X: X.mean(), "single number"),
        "keeps the axis": (lambda X: X.mean(axis=0, keepdims=True), "(1, 3)"),
        "unchanged": (lambda X: X, "(5, 3)"),
        "zeros": (lambda X: np.zeros(X.shape[1]), "numbers are not"),
        "off by one": (lambda X: X.sum(axis=0) / (len(X) - 1), "numbers are not"),
    },
    center={
        "wrong axis": (lambda X: X - X.mean(axis=1, keepdims=True), "every row has mean 0"),
        "wrong axis, unshaped": (lambda X: X - X.mean(axis=1), "broadcast"),
        "one mean for all": (lambda X: X - X.mean(), "no row and no column"),
        "standardized": (lambda X: (X - X.mean(0)) / X.std(0), "only subtract"),
        "added": (lambda X: X + X.mean(0), "mean"),
        "unchanged": (lambda X: X, "mean"),
        "zeros": (np.zeros_like, "differences"),
        "only the means": (lambda X: X.mean(0), "(3,)"),
        "in place": (_in_place, "in place"),
    },
    slope={
        "one-sided": (lambda f, x, h: (f(x + h) - f(x)) / h, "depends on h"),
        "not halved": (lambda f, x, h: (f(x + h) - f(x - h)) / h, "how far apart"),
        "not divided": (lambda f, x, h: f(x + h) - f(x - h), "how far apart"),
        "backwards": (lambda f, x, h: (f(x - h) - f(x + h)) / (2 * h), "sign"),
        "the value": (lambda f, x, h: f(x), "rise over run"),
        "precedence": (lambda f, x, h: (f(x + h) - f(x - h)) / 2 * h, "how far apart"),
        "constant": (lambda f, x, h: 9.0, "depends on h"),
    },
)
