"""Unit 1's practice exercises for the tests: a right solution of each, right but unusual ones, known wrong ones.

MUTANTS: exercise -> {misconception: (wrong solution, a word its check must say)}. In no wheel and no student bundle.
"""

import math
from itertools import pairwise

import numpy as np

from course.check import read_unit
from course.labs.whodunit import suspects
from nnlab import functional

SUSPECTS = suspects(read_unit("01_neurons", "bugs.py").SCENES)


def _sigmoid(z):
    return 1 / (1 + np.exp(-z))


def neuron(x, w, b):
    return _sigmoid(x @ w + b)


def layer(X, W, b):
    return np.maximum(X @ W + b, 0)


def count_parameters(sizes):
    return sum((n + 1) * m for n, m in pairwise(sizes))


def mlp_forward(X, W1, b1, W2, b2):
    return layer(X, W1, b1) @ W2 + b2


SOLUTIONS = dict(neuron=neuron, layer=layer, count_parameters=count_parameters, mlp_forward=mlp_forward)


def _loop_neuron(x, w, b):
    return [_sigmoid(sum(xi * wi for xi, wi in zip(row, w, strict=True)) + b) for row in x]


def _loop_layer(X, W, b):
    return [[max(0.0, float(row @ W[:, j] + b[j])) for j in range(W.shape[1])] for row in X]


def _loop_count(sizes):
    total = 0
    for i in range(1, len(sizes)):
        total += sizes[i - 1] * sizes[i]
        total += sizes[i]
    return np.int64(total)


def _masked_layer(X, W, b):
    z = X @ W + b
    z[z < 0] = 0
    return z


def _array_count(sizes):
    sizes = np.array(sizes)
    return (sizes[:-1] * sizes[1:]).sum() + sizes[1:].sum()


def _net_by_examples(X, W1, b1, W2, b2):
    return np.stack([np.where(W1.T @ x + b1 > 0, W1.T @ x + b1, 0) @ W2 + b2 for x in X])


def _net_by_sums(X, W1, b1, W2, b2):
    hidden = [functional.relu(sum(X[:, i] * W1[i, j] for i in range(len(W1))) + b1[j]).data for j in range(len(b1))]
    return np.array([sum(h * W2[j, k] for j, h in enumerate(hidden)) + b2[k] for k in range(len(b2))]).T


def _single(function):
    """The same, computed in float32."""
    return lambda *args: function(*(np.asarray(a, np.float32) for a in args))


BENIGN = dict(
    neuron=[_loop_neuron, lambda x, w, b: 0.5 * (1 + np.tanh((np.einsum("nd,d->n", x, w) + b) / 2)),
            lambda x, w, b: functional.sigmoid(x @ w + b), lambda x, w, b: _sigmoid((x * w).sum(axis=-1) + b),
            lambda x, w, b: np.exp(np.dot(x, w) + b) / (np.exp(np.dot(x, w) + b) + 1), _single(neuron)],
    layer=[_loop_layer, _masked_layer, lambda X, W, b: (np.einsum("ni,io->no", X, W) + b).clip(min=0),
           lambda X, W, b: np.maximum((W.T @ X.T).T + b, 0), lambda X, W, b: functional.relu(X @ W + b),
           lambda X, W, b: (X @ W + b + abs(X @ W + b)) / 2, _single(layer)],
    count_parameters=[_loop_count, _array_count, lambda sizes: float(count_parameters(sizes))],
    mlp_forward=[_net_by_examples, _net_by_sums, _single(mlp_forward)],
)


def _in_place(X, W, b):
    X *= 2
    return np.maximum(X @ W / 2 + b, 0)


def _emptied(sizes):
    total = 0
    while len(sizes) > 1:
        total += (sizes.pop(0) + 1) * sizes[0]
    return total


MUTANTS = dict(
    neuron={
        "N1 bias forgotten": (SUSPECTS["neuron"]["N1 bias forgotten"], "bias"),
        "N3 products not added": (lambda x, w, b: _sigmoid(x * w + b), "shape"),
        "N3 added over the examples": (lambda x, w, b: _sigmoid((x * w + b).sum(0)), "shape"),
        "N3 added with Python's sum": (lambda x, w, b: _sigmoid(sum(x * w) + b), "shape"),
        "N3 added over everything": (lambda x, w, b: _sigmoid(np.sum(x * w) + b), "a single number"),
        "N3 the wrong way round": (lambda x, w, b: _sigmoid(w @ x + b), "matmul"),
        "math.exp, for one number only": (lambda x, w, b: 1 / (1 + math.exp(-(x @ w + b))), "TypeError"),
        "a column": (lambda x, w, b: _sigmoid(x @ w + b)[:, None], "expected an array of shape (5,)"),
        "bias subtracted": (SUSPECTS["neuron"]["bias subtracted"], "bias"),
        "bias outside the sigmoid": (SUSPECTS["neuron"]["bias outside the sigmoid"], "bias"),
        "rounded": (lambda x, w, b: _sigmoid(x @ w + b).round(3), "by hand"),
        "a step": (SUSPECTS["neuron"]["a step"], "sigmoid"),
        "words": (lambda x, w, b: [f"{p:.9f}" for p in neuron(x, w, b)], "no array of numbers"),
        "rows of unequal lengths": (lambda x, w, b: [[0.5], *neuron(x, w, b)[1:]], "no array of numbers"),
        "bias added to every product": (SUSPECTS["neuron"]["bias added to every product"], "once"),
        "no activation": (SUSPECTS["neuron"]["no activation"], "sigmoid"),
        "sign of the exponent": (SUSPECTS["neuron"]["sign of the exponent"], "exponent"),
        "tanh for sigmoid": (lambda x, w, b: np.tanh(x @ w + b), "sigmoid"),
        "one number for the whole batch": (lambda x, w, b: _sigmoid((x @ w).mean() + b), "shape"),
        "a constant": (lambda x, w, b: np.full(len(x), 0.5), "larger"),
        "bias multiplied": (lambda x, w, b: _sigmoid((x @ w) * b), "bias"),
        "prints instead of returning": (lambda x, w, b: None, "not written"),
    },
    layer={
        "N4 weights transposed": (lambda X, W, b: np.maximum(X @ W.T + b, 0), "one row of W for each input"),
        "N4 product the wrong way round": (lambda X, W, b: np.maximum((W.T @ X.T) + b[:, None], 0), "shape"),
        "N4 weights reshaped": (lambda X, W, b: np.maximum(X @ W.T.reshape(W.shape) + b, 0), "neuron"),
        "N1 bias forgotten": (lambda X, W, b: np.maximum(X @ W, 0), "bias"),
        "N1 one bias for each example": (lambda X, W, b: np.maximum(X @ W + b[:, None], 0), "fit together"),
        "one bias for all": (lambda X, W, b: np.maximum(X @ W + b.sum(), 0), "bias"),
        "bias after ReLU": (lambda X, W, b: np.maximum(X @ W, 0) + b, "ReLU"),
        "sigmoid for ReLU": (lambda X, W, b: _sigmoid(X @ W + b), "ReLU"),
        "leaky": (lambda X, W, b: np.where(X @ W + b > 0, X @ W + b, 0.01 * (X @ W + b)), "ReLU"),
        "ReLU of the inputs": (lambda X, W, b: np.maximum(X, 0) @ W + b, "ReLU"),
        "no ReLU": (lambda X, W, b: X @ W + b, "ReLU"),
        "absolute value": (lambda X, W, b: np.abs(X @ W + b), "ReLU"),
        "ReLU the wrong way": (lambda X, W, b: np.minimum(X @ W + b, 0), "neuron"),
        "output transposed": (lambda X, W, b: np.maximum(X @ W + b, 0).T, "shape"),
        "writes into X": (_in_place, "in place"),
    },
    count_parameters={
        "N12 biases forgotten": (lambda s: sum(a * b for a, b in pairwise(s)), "weights alone"),
        "N12 the answer to 3-4-2, always": (lambda s: 26, "counts 26"),
        "biases of the inputs too": (lambda s: sum(a * b for a, b in pairwise(s)) + sum(s), "input"),
        "biases of the hidden layers only": (lambda s: sum(a * b for a, b in pairwise(s)) + sum(s[1:-1]), "edges"),
        "biases of the layer before": (lambda s: sum(a * (b + 1) for a, b in pairwise(s)), "edges"),
        "eats its list": (_emptied, "in place"),
        "neurons counted": (lambda s: sum(s), "edges"),
        "one bias a layer": (lambda s: sum(a * b + 1 for a, b in pairwise(s)), "edges"),
        "first and last layer only": (lambda s: (s[0] + 1) * s[1], "edges"),
    },
    mlp_forward={
        "N6 activation on the output": (lambda X, W1, b1, W2, b2: layer(layer(X, W1, b1), W2, b2), "output layer"),
        "N6 sigmoid on the output": (lambda *given: _sigmoid(mlp_forward(*given)), "output layer"),
        "N6 tanh on the output": (lambda *given: np.tanh(mlp_forward(*given)), "output layer"),
        "no activation at all": (lambda X, W1, b1, W2, b2: (X @ W1 + b1) @ W2 + b2, "as a single one"),
        "tanh in the hidden layer": (lambda X, W1, b1, W2, b2: np.tanh(X @ W1 + b1) @ W2 + b2, "ReLU"),
        "ReLU before the hidden bias": (lambda X, W1, b1, W2, b2: (np.maximum(X @ W1, 0) + b1) @ W2 + b2, "bias"),
        "ReLU of the inputs": (lambda X, W1, b1, W2, b2: (np.maximum(X, 0) @ W1 + b1) @ W2 + b2, "ReLU"),
        "sigmoid in the hidden layer": (lambda X, W1, b1, W2, b2: _sigmoid(X @ W1 + b1) @ W2 + b2, "ReLU"),
        "hidden bias forgotten": (lambda X, W1, b1, W2, b2: np.maximum(X @ W1, 0) @ W2 + b2, "bias"),
        "output bias forgotten": (lambda X, W1, b1, W2, b2: layer(X, W1, b1) @ W2, "biases b2"),
        "stops at the hidden layer": (lambda X, W1, b1, W2, b2: layer(X, W1, b1), "shape"),
    },
)
