"""What is computed, on which numbers, and how many times faster nnlab shall be: no library under test appears here.

The list is fixed, so that tables of different days can be compared. A library's side of a workload is a `Side`, made
by with_<library>.py from the arrays of this file; whatever one side is given, all are given.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from nnlab import data

LR, BETAS = 2.0**-7, (0.9, 0.999)  # a learning rate that float32 and float64 hold alike


class Side(NamedTuple):
    """One library's side of a workload: `run(n)` takes n steps, `result()` is what they led to, to be compared."""

    run: Callable
    result: Callable


class Net(NamedTuple):
    """A multilayer perceptron learns one batch with Adam. Result: the loss. `hidden`: activation of hidden layers."""

    sizes: tuple
    hidden: str
    loss: str
    batch: int
    eps: float = 1e-8

    def arrays(self, dtype):
        """weights and biases [(W, b), ...], inputs X, targets y."""
        rng = np.random.default_rng(1)
        if self.loss == "binary cross-entropy":
            X, y = data.moons(self.batch, rng=rng)
            y = y[:, None].astype(dtype)
        elif self.sizes[0] == 64:
            X, y = data.digits()
            some = rng.permutation(np.arange(self.batch) % len(X))
            X, y = X[some], y[some]
        else:
            X, y = rng.random((self.batch, self.sizes[0])), np.arange(self.batch) % 10
        X = X.astype(dtype)
        bounds = [(6 / (n + m)) ** 0.5 for n, m in zip(self.sizes, self.sizes[1:])]  # Xavier
        layers = [(rng.uniform(-bound, bound, (n, m)).astype(dtype), rng.uniform(-0.1, 0.1, m).astype(dtype))
                  for bound, n, m in zip(bounds, self.sizes, self.sizes[1:])]
        return layers, X, X if self.loss == "mean squared error" else y


class Optimizer(NamedTuple):
    """Adam alone: `tensors` parameters of `shape` each and gradients that stay. Result: the first parameter."""

    tensors: int
    shape: tuple
    eps: float = 1e-8

    def arrays(self, dtype):
        """parameters and gradients, two lists."""
        rng = np.random.default_rng(1)
        return [[rng.standard_normal(self.shape).astype(dtype) for _ in range(self.tensors)] for _ in range(2)]


class Gan(NamedTuple):
    """One step of a discriminator and one of its generator, on a ring of 8 Gaussians. Result: D's logits of fakes.

    D descends the sum of both cross-entropies, real and fake joined to one batch, and no gradient goes to G; G descends
    the non-saturating loss, and none goes to D's weights. The noise is NumPy's on every side, so that it is the same.
    """

    generator: Net
    discriminator: Net
    batch: int

    def arrays(self, dtype):
        """weights and biases of the generator, those of the discriminator, real points, noise to judge it by."""
        real, _ = data.ring(self.batch, rng=1)
        z = np.random.default_rng(1).standard_normal((self.batch, self.generator.sizes[0]))
        return self.generator.arrays(dtype)[0], self.discriminator.arrays(dtype)[0], real.astype(dtype), z.astype(dtype)


class Attention(NamedTuple):
    """Self-attention, forward and backward to inputs and weights. Result: the outputs and the inputs' gradients."""

    d: int
    T: int
    batch: int
    heads: int

    def arrays(self, dtype):
        """W (d, 3d) of queries, keys and values side by side and its bias, W (d, d) of the output and its bias, inputs
        (batch, T, d), upstream gradient of that shape."""
        rng, d = np.random.default_rng(1), self.d
        draw = lambda *shape, std=1.0: rng.normal(0, std, shape).astype(dtype)
        return (draw(d, 3 * d, std=d**-0.5), draw(3 * d), draw(d, d, std=d**-0.5), draw(d),
                draw(self.batch, self.T, d), draw(self.batch, self.T, d))


class Prediction(NamedTuple):
    """Probabilities on a grid of `side` x `side` points, as for a decision boundary. Result: the probabilities."""

    net: Net
    side: int

    def arrays(self, dtype):
        """weights and biases as in Net, and the grid's points (side^2, 2)."""
        axis = np.linspace(-3, 3, self.side)
        return self.net.arrays(dtype)[0], np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2).astype(dtype)


class Import(NamedTuple):
    """A whole Python process that imports the library and ends."""


class Workload(NamedTuple):
    text: str
    what: tuple
    targets: dict = {}  # name of a side -> how many times as fast as it nnlab shall be
    cannot: dict = {}  # name of a side -> why NumPy cannot win there


def _targets(eager, fused=None, sklearn=None):
    given = {"torch eager": eager, "torch fused": fused, "scikit-learn": sklearn}
    return {name: times for name, times in given.items() if times}


A = Net((2, 16, 16, 1), "tanh", "binary cross-entropy", 256)
DIGITS = (64, 128, 64, 10)
WORKLOADS = {
    "a": Workload("MLP 2-16-16-1, tanh, moons, batch 256", A, _targets(8, 6, 5)),
    "b": Workload("MLP 64-128-64-10, ReLU, digits, batch 64", Net(DIGITS, "relu", "cross-entropy", 64),
                  _targets(4, 2.9, 2.4)),
    "c": Workload("MLP 784-512-512-10, ReLU, batch 128", Net((784, 512, 512, 10), "relu", "cross-entropy", 128),
                  _targets(1.1, 0.95, 1.7)),
    "d": Workload("50 layers of 64 and one of 10, sigmoid, batch 64", Net((64,) * 51 + (10,), "sigmoid",
                  "cross-entropy", 64), _targets(3.3, 1.9, 2.5)),
    "e": Workload("autoencoder 64-32-8-2-8-32-64, ReLU, batch 64", Net((64, 32, 8, 2, 8, 32, 64), "relu",
                  "mean squared error", 64), _targets(8, 5, 3.8)),
    "f": Workload("GAN, G 2-64-64-2, D 2-64-64-1, ring, batch 128", Gan(Net((2, 64, 64, 2), "relu", "", 128),
                  Net((2, 64, 64, 1), "relu", "", 128), 128), _targets(4, 3.5)),
    "g1": Workload("self-attention, d 64, T 32, batch 32, 1 head", Attention(64, 32, 32, 1), _targets(1.35)),
    "g4": Workload("self-attention, d 64, T 32, batch 32, 4 heads", Attention(64, 32, 32, 4), _targets(1.2)),
    "h4": Workload("Adam alone, 10^4 parameters in 100 tensors", Optimizer(100, (10, 10)), _targets(100, 20, 40)),
    "h6": Workload("Adam alone, 10^6 parameters in 6 tensors", Optimizer(6, (400, 416)), _targets(1.1, 0.4, 2.9),
                   {"torch fused": "it reads and writes the memory once, NumPy's formula ten times"}),
    "j": Workload("net a on a grid of 200 x 200 points", Prediction(A, 200), _targets(4, None, 1.8)),
    "i": Workload("a process that imports the library and ends", Import()),
}
# How cost grows: (what varies, its values, the workload for each)
GROWTH = (
    ("width", (16, 64, 256, 1024), lambda n: Net((64, n, n, 10), "relu", "cross-entropy", 64)),
    ("depth", (2, 8, 32, 128), lambda n: Net((64,) * n + (10,), "relu", "cross-entropy", 64)),
    ("batch", (1, 16, 256, 4096), lambda n: Net(DIGITS, "relu", "cross-entropy", n)),
    ("sequence length", (8, 32, 128, 256), lambda n: Attention(64, n, 8, 4)),
)
