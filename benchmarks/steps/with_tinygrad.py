"""tinygrad, its step compiled by TinyJit for the processor; it needs a `clang` on the PATH.

Its Adam keeps the powers of beta in float32 whatever the parameters are; to be compared they are in float64 as well.
"""

import os
import shutil
from functools import partial

if not shutil.which("clang"):
    raise ImportError("no clang on the PATH, and tinygrad compiles with it")
os.environ.setdefault("DEV", "CPU")

import numpy as np
from tinygrad import Context, Device, Tensor, TinyJit
from tinygrad.nn.optim import Adam

from benchmarks.steps.workloads import BETAS, LR, Import, Net, Side

ACTIVATIONS = {"tanh": Tensor.tanh, "relu": Tensor.relu, "sigmoid": Tensor.sigmoid}
LOSSES = {"binary cross-entropy": Tensor.binary_crossentropy_logits,
          "cross-entropy": Tensor.sparse_categorical_crossentropy,
          "mean squared error": lambda z, y: (z - y).square().mean()}


def train(net, dtype):
    precision = partial(Context, DEFAULT_FLOAT=np.dtype(dtype).name, TRAINING=1)
    layers, X, y = net.arrays(dtype)
    layers = [(Tensor(W), Tensor(b)) for W, b in layers]
    X, y = Tensor(X), Tensor(y)
    with precision():
        optimizer = Adam([p for layer in layers for p in layer], LR, *BETAS, net.eps)
        optimizer.b1_t, optimizer.b2_t = (Tensor(np.ones(1, dtype)) for _ in BETAS)

    def loss():
        *hidden, (W, b) = layers
        a = X
        for V, c in hidden:
            a = ACTIVATIONS[net.hidden](a @ V + c)
        return LOSSES[net.loss](a @ W + b, y)

    @TinyJit
    def step():
        optimizer.zero_grad()
        value = loss().backward()
        optimizer.step()
        return value.realize()

    def run(n):
        with precision():
            for _ in range(n):
                step()
        Device["CPU"].synchronize()

    def result():
        with precision():
            return loss().item()

    return Side(run, result)


SIDES = {"tinygrad": {Net: train, Import: "tinygrad"}}
