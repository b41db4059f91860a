"""Unit 2's practice exercises for the tests: a right solution of each, right but unusual ones, known wrong ones.

MUTANTS: exercise -> {misconception: (wrong solution, a word its check must say)}. In no wheel and no student bundle.
"""

import math

import numpy as np

from course.check import read_unit
from course.labs.whodunit import suspects
from nnlab import functional as F

SUSPECTS = suspects(read_unit("02_activations", "bugs.py").SCENES)


def sigmoid(z):
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1, e) / (1 + e)


def leaky_relu(z, slope):
    slopes = np.where(z > 0, 1.0, slope)
    return slopes * z, slopes


def softmax(z):
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def cross_entropy(logits, y):
    rows = np.arange(len(y))
    z = logits - logits.max(axis=1, keepdims=True)
    total = np.exp(z).sum(axis=1)
    slopes = np.exp(z) / total[:, None]
    slopes[rows, y] -= 1
    return np.mean(np.log(total) - z[rows, y]), slopes / len(y)


SOLUTIONS = dict(sigmoid=sigmoid, leaky_relu=leaky_relu, softmax=softmax, cross_entropy=cross_entropy)


def _sigmoid_by_masks(z):
    p = np.empty_like(z)
    right = z >= 0
    p[right] = 1 / (1 + np.exp(-z[right]))
    e = np.exp(z[~right])
    p[~right] = e / (1 + e)
    return p


def _sigmoid_by_loop(z):
    def one(x):
        return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))

    return np.array([one(float(x)) for x in z.ravel()]).reshape(z.shape)


def _leaky_by_loop(z, slope):
    a = [x if x > 0 else slope * x for x in z.ravel().tolist()]
    da = [1 if x > 0 else slope for x in z.ravel().tolist()]
    return [np.reshape(a, z.shape), np.reshape(da, z.shape)]


def _leaky_by_masks(z, slope):
    a, da = z.copy(), np.ones_like(z)
    a[z <= 0] *= slope
    da[z <= 0] = slope
    return a, da


def _softmax_in_place(z):
    z = z - np.max(z, -1, keepdims=True)
    np.exp(z, out=z)
    z /= z.sum(-1)[..., None]
    return z


def _softmax_by_rows(z):
    if z.ndim == 1:
        e = [math.exp(x - max(z)) for x in z]
        return [x / sum(e) for x in e]
    return np.array([_softmax_by_rows(row) for row in z])


def _entropy_by_loop(logits, y):
    loss, slopes = 0.0, []
    for row, right in zip(logits, y, strict=True):
        top = max(row)
        total = sum(math.exp(x - top) for x in row)
        loss += top + math.log(total) - row[right]
        slopes.append([(math.exp(x - top) / total - (k == right)) / len(y) for k, x in enumerate(row)])
    return loss / len(y), slopes


def _entropy_by_one_hot(logits, y):
    p, hot = softmax(logits), np.eye(logits.shape[1])[y]
    logp = logits - logits.max(1, keepdims=True)
    logp = logp - np.log(np.exp(logp).sum(1, keepdims=True))
    return -(hot * logp).sum() / len(y), (p - hot) / len(y)


BENIGN = dict(
    sigmoid=[_sigmoid_by_masks, _sigmoid_by_loop, lambda z: F.sigmoid(z), lambda z: np.exp(-np.logaddexp(0, -z)),
             lambda z: 1 / (1 + np.exp(-np.clip(z, -700, 700))) if z.dtype == np.float64 else sigmoid(z),
             lambda z: np.exp(np.minimum(z, 0)) / (1 + np.exp(-abs(z)))],
    leaky_relu=[_leaky_by_loop, _leaky_by_masks,
                lambda z, s: (np.maximum(z, 0) + s * np.minimum(z, 0), (z > 0) + s * (z <= 0)),
                lambda z, s: [F.leaky_relu(z, s).data, np.where(z > 0, 1, s)],
                lambda z, s: tuple(np.asarray(a, np.float32) for a in leaky_relu(z, s))],
    softmax=[_softmax_in_place, _softmax_by_rows, lambda z: F.softmax(z), lambda z: np.exp(F.log_softmax(z).data),
             lambda z: np.exp(z - np.logaddexp.reduce(z, axis=-1, keepdims=True)),
             lambda z: (lambda e: (e.T / e.sum(-1).T).T)(np.exp((z.T - z.max(-1).T).T))],
    cross_entropy=[_entropy_by_loop, _entropy_by_one_hot,
                   lambda z, y: (F.cross_entropy(z, y).item(), (F.softmax(z).data - np.eye(z.shape[1])[y]) / len(y)),
                   lambda z, y: (np.array(cross_entropy(z, y)[0]), list(cross_entropy(z, y)[1]))],
)


def _naive(z, axis=-1):
    e = np.exp(z)
    return e / e.sum(axis=axis, keepdims=True)


def _hot(logits, y):
    return np.eye(logits.shape[1])[y]


def _cached(logits, y):
    p, rows = softmax(logits), np.arange(len(y))
    p[rows, y] -= 1
    with np.errstate(all="ignore"):
        return -np.log(np.abs(p[rows, y]) + 1e-300).mean(), p / len(y)


def _by_eps(eps):
    def entropy(logits, y):
        p = softmax(logits)
        return -np.log(p[np.arange(len(y)), y] + eps).mean(), (p - _hot(logits, y)) / len(y)

    return entropy


def _slopes(change):
    """The right loss, with slopes made from p: (N, C) and the one-hot rows."""
    return lambda logits, y: (cross_entropy(logits, y)[0], change(softmax(logits), _hot(logits, y)))


def _written_in_place(z):
    z -= z.max(-1, keepdims=True)
    return _naive(z)


MUTANTS = dict(
    sigmoid={
        "A5 the formula as it stands": (lambda z: 1 / (1 + np.exp(-z)), "too large to be held"),
        "A5 the other formula as it stands": (lambda z: np.exp(z) / (1 + np.exp(z)), "too large to be held"),
        "A5 where computes both sides": (lambda z: np.where(z >= 0, 1 / (1 + np.exp(-z)), np.exp(z) / (1 + np.exp(z))),
                                         "too large to be held"),
        "A5 clipped too early": (lambda z: 1 / (1 + np.exp(-np.clip(z, -30, 30))), "rounded"),
        "A5 by tanh": (lambda z: (1 + np.tanh(z / 2)) / 2, "rounded"),
        "A5 one minus the other side": (lambda z: np.where(z >= 0, 1 / (1 + np.exp(-abs(z))),
                                                           1 - 1 / (1 + np.exp(-abs(z)))), "rounded"),
        "A5 one branch for the whole array": (lambda z: 1 / (1 + np.exp(-z)) if z.mean() >= 0 else
                                              np.exp(z) / (1 + np.exp(z)), "too large to be held"),
        "absolute value only": (lambda z: 1 / (1 + np.exp(-np.abs(z))), "one half at 0"),
        "sign": (lambda z: 1 / (1 + np.exp(z)), "grow"),
        "tanh": (np.tanh, "one half at 0"),
        "the slope": (lambda z: sigmoid(z) * (1 - sigmoid(z)), "one half at 0"),
        "a softmax": (lambda z: np.exp(z) / (1 + np.exp(z)).sum(), "one half at 0"),
        "flattened": (lambda z: sigmoid(z.ravel()), "shape"),
        "math.exp": (lambda z: 1 / (1 + math.exp(-z)), "TypeError"),
        "rounded": (lambda z: sigmoid(z).round(4), "one half at 0"),
        "prints": (lambda z: None, "not written"),
    },
    leaky_relu={
        "A7 slope 1 everywhere": (SUSPECTS["leaky_relu"]["A7 slope 1 everywhere"], "one small step"),
        "A7 slope is z": (SUSPECTS["leaky_relu"]["A7 slope is z"], "a slope is not a value"),
        "A7 slope is the value": (lambda z, s: (leaky_relu(z, s)[0],) * 2, "a slope is not a value"),
        "A7 slope 0 on the left": (lambda z, s: (leaky_relu(z, s)[0], np.where(z > 0, 1, 0)), "one small step"),
        "A7 slopes swapped": (lambda z, s: (leaky_relu(z, s)[0], np.where(z > 0, s, 1)), "one small step"),
        "A8 leaks on the right": (SUSPECTS["leaky_relu"]["A8 leaks on the right"], "on which side"),
        "A8 the larger of two": (lambda z, s: (np.maximum(s * z, z), np.where(z > 0, 1.0, s)), "its sign"),
        "A8 leak forgotten": (lambda z, s: (np.maximum(z, 0), np.where(z > 0, 1, s)), "-0.02"),
        "A8 leak without z": (lambda z, s: (np.where(z > 0, z, -s), np.where(z > 0, 1, s)), "-0.02"),
        "A8 leak the wrong sign": (lambda z, s: (np.where(z > 0, z, -s * z), np.where(z > 0, 1, s)), "-0.02"),
        "A8 always 0.01": (lambda z, s: leaky_relu(z, 0.01), "1.5"),
        "slope 1 at 0": (lambda z, s: (leaky_relu(z, s)[0], np.where(z >= 0, 1, s)), "the left one"),
        "slope between the two at 0": (lambda z, s: (leaky_relu(z, s)[0], (s + 1 + (1 - s) * np.sign(z)) / 2),
                                       "the left one"),
        "values only": (lambda z, s: leaky_relu(z, s)[0], "expected two"),
        "the other way round": (lambda z, s: leaky_relu(z, s)[::-1], "-0.02"),
        "one slope for all": (lambda z, s: (leaky_relu(z, s)[0], s), "one slope for each"),
        "flattened": (lambda z, s: tuple(a.ravel() for a in leaky_relu(z, s)), "shape"),
    },
    softmax={
        "A1 the formula as it stands": (SUSPECTS["softmax"]["A1 the formula as it stands"], "too large to be held"),
        "A1 the smallest subtracted": (lambda z: _naive(z - z.min(-1, keepdims=True)), "too large to be held"),
        "A1 the mean subtracted": (lambda z: _naive(z - z.mean(-1, keepdims=True)), "too large to be held"),
        "A1 the largest of all rows": (lambda z: _naive(z - z.max()), "nan"),
        "A1 clipped": (SUSPECTS["softmax"]["A1 clipped"], "the shares are those for"),
        "A1 divided by the largest": (SUSPECTS["softmax"]["A1 divided by the largest"], "wrong shares"),
        "A1 nan turned to 0": (lambda z: np.nan_to_num(_naive(z)), "too large to be held"),
        "A4 axis 1, always": (lambda z: _naive(z - z.max(1, keepdims=True), 1), "last axis"),
        "A4 over the examples": (lambda z: _naive(z - z.max(0, keepdims=True), 0), "last axis"),
        "A4 over everything": (lambda z: _naive(z - z.max(), None), "last axis"),
        "A4 axes not kept": (lambda z: np.exp(z) / np.exp(z).sum(-1), "last axis"),
        "sigmoids": (SUSPECTS["softmax"]["sigmoids"], "add up to"),
        "no exponential": (lambda z: z / z.sum(-1, keepdims=True), "wrong shares"),
        "powers of two": (lambda z: (lambda e: e / e.sum(-1, keepdims=True))(2 ** (z - z.max(-1, keepdims=True))),
                          "wrong shares"),
        "the smallest wins": (lambda z: softmax(-z), "wrong shares"),
        "all or nothing": (lambda z: (z == z.max(-1, keepdims=True)) * 1.0, "wrong shares"),
        "its logarithm": (lambda z: np.log(softmax(z)), "add up to"),
        "exponentials only": (lambda z: np.exp(z - z.max(-1, keepdims=True)), "add up to"),
        "rounded": (lambda z: softmax(z).round(3), "add up to"),
        "writes into z": (_written_in_place, "in place"),
    },
    cross_entropy={
        "A10 the logarithm of 0": (_by_eps(0.0), "divide by zero"),
        "A10 eps inside, 1e-12": (_by_eps(1e-12), "1000"),
        "A10 eps inside, 1e-300": (_by_eps(1e-300), "1000"),
        "A10 eps inside, 1e-7": (_by_eps(1e-7), "1000"),
        "A10 clipped": (lambda z, y: (-np.log(np.clip(softmax(z)[np.arange(len(y)), y], 1e-15, 1)).mean(),
                                      cross_entropy(z, y)[1]), "1000"),
        "A10 naive softmax inside": (lambda z, y: (-np.log(_naive(z)[np.arange(len(y)), y]).mean(),
                                                   (_naive(z) - _hot(z, y)) / len(y)), "too large to be held"),
        "A10 log of the sum as it stands": (lambda z, y: (np.mean(np.log(np.exp(z).sum(1)) - z[np.arange(len(y)), y]),
                                                          cross_entropy(z, y)[1]), "too large to be held"),
        "A12 not divided by N": (_slopes(lambda p, hot: p - hot), "five times too large"),
        "A12 divided by C": (_slopes(lambda p, hot: (p - hot) / p.shape[1]), "your slope there"),
        "A12 divided by N and C": (_slopes(lambda p, hot: (p - hot) / p.size), "your slope there"),
        "A12 one-hot off by a row": (_slopes(lambda p, hot: (p - np.roll(hot, 1, 0)) / len(p)), "your slope there"),
        "A12 one-hot off by a class": (_slopes(lambda p, hot: (p - np.roll(hot, 1, 1)) / len(p)), "your slope there"),
        "A12 one-hot forgotten": (SUSPECTS["cross_entropy"]["A12 one-hot forgotten"], "your slope there"),
        "A12 one-hot subtracted from all rows": (_slopes(lambda p, hot: (p - hot.max(0)) / len(p)), "your slope there"),
        "A12 p itself changed, then used": (_cached, "the mean of -ln p"),
        "the sign of the slopes": (_slopes(lambda p, hot: (hot - p) / len(p)), "wrong sign"),
        "slopes in p, not in the logits": (_slopes(lambda p, hot: -hot / p / len(p)), "divide by zero"),
        "with the softmax's slope once more": (SUSPECTS["cross_entropy"]["with the softmax's slope once more"],
                                               "slope there"),
        "the sum of the losses": (lambda z, y: (cross_entropy(z, y)[0] * len(y), cross_entropy(z, y)[1]), "is ln 3"),
        "divided by the classes too": (lambda z, y: (cross_entropy(z, y)[0] / z.shape[1], cross_entropy(z, y)[1]),
                                       "ln 3"),
        "a loss for each example": (lambda z, y: (F.cross_entropy(z, y, "none").data, cross_entropy(z, y)[1]),
                                    "one number"),
        "the sign of the loss": (lambda z, y: (-cross_entropy(z, y)[0], cross_entropy(z, y)[1]), "ln 3"),
        "powers of two": (lambda z, y: (cross_entropy(z, y)[0] / np.log(2), cross_entropy(z, y)[1]), "ln 3"),
        "squared error": (lambda z, y: (np.mean((softmax(z) - _hot(z, y)) ** 2), cross_entropy(z, y)[1]), "ln 3"),
        "the loss alone": (lambda z, y: cross_entropy(z, y)[0], "expected two"),
        "softmax of probabilities": (SUSPECTS["cross_entropy"]["softmax of probabilities"], "the mean of -ln p"),
    },
)
