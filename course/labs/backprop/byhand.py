"""The net of lesson 3, differentiated by hand: one hidden tanh layer, softmax and cross-entropy, in plain NumPy.

What the student writes is checked against it, and it is checked against nnlab in the tests. BUGS are the same lines
with one classic mistake each, for the injector.
"""

import numpy as np

from nnlab.functional import cross_entropy, softmax, tanh


def forward(X, W1, b1, W2, b2):
    """X: (N, in) -> H: (N, hidden) and the logits Z: (N, classes)."""
    H = tanh.f(X @ W1 + b1)
    return H, H @ W2 + b2


def loss(X, y, W1, b1, W2, b2):
    """The mean cross-entropy of the batch."""
    return cross_entropy(forward(X, W1, b1, W2, b2)[1], y).item()


def gradients(X, y, W1, b1, W2, b2):
    """dL/dW1, dL/db1, dL/dW2, dL/db2, line by line backward."""
    H, Z = forward(X, W1, b1, W2, b2)
    dZ = (softmax(Z).data - np.eye(Z.shape[1])[y]) / len(X)  # (p - y) / N
    dW2, db2, dH = H.T @ dZ, dZ.sum(0), dZ @ W2.T
    dA = dH * (1 - H**2)  # tanh' = 1 - tanh^2
    return X.T @ dA, dA.sum(0), dW2, db2


def train_step(X, y, W1, b1, W2, b2, lr):
    """One round of the four beats: the new W1, b1, W2, b2."""
    weights = W1, b1, W2, b2
    return tuple(w - lr * g for w, g in zip(weights, gradients(X, y, *weights), strict=True))


def initial(sizes, rng):
    """Weights N(0, 1/in), biases 0, for (inputs, hidden, classes)."""
    n, m, k = sizes
    return rng.normal(0, n**-0.5, (n, m)), np.zeros(m), rng.normal(0, m**-0.5, (m, k)), np.zeros(k)


def numeric_gradients(f, weights, h=1e-5):
    """d f(*weights) / d weights by centred differences, two evaluations for every single number."""
    found = []
    for w in weights:
        g = np.zeros_like(w)
        for i in np.ndindex(w.shape):
            kept, ends = w[i], []
            for w[i] in (kept + h, kept - h):
                ends.append(f(*weights))
            w[i] = kept
            g[i] = (ends[0] - ends[1]) / (2 * h)
        found.append(g)
    return found


# Mistakes ------------------------------------------------------------------------------------------------------------
class Trainer:
    """A training loop that a mistake may be built into: its loss, its gradients, its step. This one has none."""

    mistake = "none"
    loss, gradients = staticmethod(loss), staticmethod(gradients)

    def step(self, X, y, weights, lr):
        return tuple(w - lr * g for w, g in zip(weights, self.gradients(X, y, *weights), strict=True))


class TanhForgotten(Trainer):
    mistake = "tanh′ forgotten"

    @staticmethod
    def gradients(X, y, W1, b1, W2, b2):
        H, Z = forward(X, W1, b1, W2, b2)
        dZ = (softmax(Z).data - np.eye(Z.shape[1])[y]) / len(X)
        dA = dZ @ W2.T
        return X.T @ dA, dA.sum(0), H.T @ dZ, dZ.sum(0)


class NotTransposed(Trainer):
    mistake = "W2 not transposed (it is square)"

    @staticmethod
    def gradients(X, y, W1, b1, W2, b2):
        H, Z = forward(X, W1, b1, W2, b2)
        dZ = (softmax(Z).data - np.eye(Z.shape[1])[y]) / len(X)
        dA = dZ @ W2 * (1 - H**2)
        return X.T @ dA, dA.sum(0), H.T @ dZ, dZ.sum(0)


class GradientSummed(Trainer):
    mistake = "loss is a mean, gradient a sum"

    @staticmethod
    def gradients(X, y, *weights):
        return tuple(len(X) * g for g in gradients(X, y, *weights))


class BothSummed(GradientSummed):
    mistake = "loss and gradient both sums"

    @staticmethod
    def loss(X, y, *weights):
        return len(X) * loss(X, y, *weights)


class BiasAveragedTwice(Trainer):
    mistake = "bias gradients averaged twice"

    @staticmethod
    def gradients(X, y, *weights):
        dW1, db1, dW2, db2 = gradients(X, y, *weights)
        return dW1, db1 / len(X), dW2, db2 / len(X)


class UpdatedTooEarly(Trainer):
    mistake = "W2 updated before dW1 is computed"

    def step(self, X, y, weights, lr):
        W1, b1, W2, b2 = weights
        _, _, dW2, db2 = self.gradients(X, y, W1, b1, W2, b2)
        H, Z = forward(X, W1, b1, W2, b2)
        dZ = (softmax(Z).data - np.eye(Z.shape[1])[y]) / len(X)
        W2, b2 = W2 - lr * dW2, b2 - lr * db2
        dA = dZ @ W2.T * (1 - H**2)  # through the new W2
        return W1 - lr * X.T @ dA, b1 - lr * dA.sum(0), W2, b2


class NotZeroed(Trainer):
    mistake = "gradients not set to zero"

    def __init__(self):
        self.kept = None

    def step(self, X, y, weights, lr):
        fresh = self.gradients(X, y, *weights)
        self.kept = fresh if self.kept is None else tuple(k + g for k, g in zip(self.kept, fresh, strict=True))
        return tuple(w - lr * g for w, g in zip(weights, self.kept, strict=True))


class Borrowed(Trainer):
    """The student's train_step: its gradient is what it takes off the weights at a learning rate of 1."""

    mistake = "your train_step"

    def __init__(self, train_step):
        self.train_step = train_step

    def step(self, X, y, weights, lr):
        return self.train_step(X, y, *(w.copy() for w in weights), lr)

    def gradients(self, X, y, *weights):
        return tuple(w - new for w, new in zip(weights, self.step(X, y, weights, 1.0), strict=True))


BUGS = (Trainer, TanhForgotten, NotTransposed, GradientSummed, BothSummed, BiasAveragedTwice, UpdatedTooEarly,
        NotZeroed)
