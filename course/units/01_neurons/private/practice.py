"""Unit 1's practice exercises for the tests: a right solution of each, right but unusual ones, and the known wrong ones.

MUTANTS: exercise -> {misconception: (wrong solution, a word its check must say)}. In no wheel and no student bundle.
"""

import numpy as np


def _sigmoid(z):
    return 1 / (1 + np.exp(-z))


def neuron(x, w, b):
    return _sigmoid(x @ w + b)


def layer(X, W, b):
    return np.maximum(X @ W + b, 0)


def count_parameters(sizes):
    return sum((n + 1) * m for n, m in zip(sizes[:-1], sizes[1:], strict=True))


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


BENIGN = dict(
    neuron=[_loop_neuron, lambda x, w, b: 0.5 * (1 + np.tanh((np.einsum("nd,d->n", x, w) + b) / 2))],
    layer=[_loop_layer, lambda X, W, b: (np.einsum("ni,io->no", X, W) + b).clip(min=0),
           lambda X, W, b: (X.astype(np.float32) @ W + b) * ((X @ W + b) > 0)],
    count_parameters=[_loop_count],
    mlp_forward=[lambda X, W1, b1, W2, b2: np.stack([np.where(W1.T @ x + b1 > 0, W1.T @ x + b1, 0) @ W2 + b2 for x in X])],
)


def _in_place(X, W, b):
    X *= 2
    return np.maximum(X @ W / 2 + b, 0)


MUTANTS = dict(
    neuron={
        "N1 bias forgotten": (lambda x, w, b: _sigmoid(x @ w), "bias"),
        "N3 products not added": (lambda x, w, b: _sigmoid(x * w + b), "shape"),
        "N3 added over the examples": (lambda x, w, b: _sigmoid((x * w + b).sum(0)), "shape"),
        "bias added to every product": (lambda x, w, b: _sigmoid((x * w + b).sum(1)), "once"),
        "no activation": (lambda x, w, b: x @ w + b, "sigmoid"),
        "sign of the exponent": (lambda x, w, b: _sigmoid(-(x @ w + b)), "exponent"),
        "tanh for sigmoid": (lambda x, w, b: np.tanh(x @ w + b), "sigmoid"),
        "one number for the whole batch": (lambda x, w, b: _sigmoid((x @ w).mean() + b), "shape"),
        "a constant": (lambda x, w, b: np.full(len(x), 0.5), "larger"),
        "bias multiplied": (lambda x, w, b: _sigmoid((x @ w) * b), "bias"),
        "prints instead of returning": (lambda x, w, b: None, "not written"),
    },
    layer={
        "N4 weights transposed": (lambda X, W, b: np.maximum(X @ W.T + b, 0), "one row of W for each input"),
        "N4 weights reshaped": (lambda X, W, b: np.maximum(X @ W.T.reshape(W.shape) + b, 0), "neuron"),
        "N1 bias forgotten": (lambda X, W, b: np.maximum(X @ W, 0), "bias"),
        "one bias for all": (lambda X, W, b: np.maximum(X @ W + b.sum(), 0), "bias"),
        "bias after ReLU": (lambda X, W, b: np.maximum(X @ W, 0) + b, "ReLU"),
        "no ReLU": (lambda X, W, b: X @ W + b, "ReLU"),
        "absolute value": (lambda X, W, b: np.abs(X @ W + b), "ReLU"),
        "ReLU the wrong way": (lambda X, W, b: np.minimum(X @ W + b, 0), "neuron"),
        "output transposed": (lambda X, W, b: np.maximum(X @ W + b, 0).T, "shape"),
        "writes into X": (_in_place, "in place"),
    },
    count_parameters={
        "N12 biases forgotten": (lambda s: sum(a * b for a, b in zip(s[:-1], s[1:], strict=True)), "weights alone"),
        "biases of the inputs too": (lambda s: sum(a * b for a, b in zip(s[:-1], s[1:], strict=True)) + sum(s), "input"),
        "neurons counted": (lambda s: sum(s), "edges"),
        "one bias a layer": (lambda s: sum(a * b + 1 for a, b in zip(s[:-1], s[1:], strict=True)), "edges"),
        "first and last layer only": (lambda s: (s[0] + 1) * s[1], "edges"),
    },
    mlp_forward={
        "N6 activation on the output": (lambda X, W1, b1, W2, b2: layer(layer(X, W1, b1), W2, b2), "output layer"),
        "no activation at all": (lambda X, W1, b1, W2, b2: (X @ W1 + b1) @ W2 + b2, "two layers are one"),
        "sigmoid in the hidden layer": (lambda X, W1, b1, W2, b2: _sigmoid(X @ W1 + b1) @ W2 + b2, "ReLU"),
        "hidden bias forgotten": (lambda X, W1, b1, W2, b2: np.maximum(X @ W1, 0) @ W2 + b2, "bias"),
        "output bias forgotten": (lambda X, W1, b1, W2, b2: layer(X, W1, b1) @ W2, "biases b2"),
        "stops at the hidden layer": (lambda X, W1, b1, W2, b2: layer(X, W1, b1), "shape"),
    },
)
