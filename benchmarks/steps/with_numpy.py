"""The floor: the same nets by hand, closed formulas on arrays, no tape, no checks, one flat vector, nothing reusable.

What nnlab takes more than this is the price of its tape, its modules and its checks together.
"""

from itertools import accumulate
from math import sqrt

import numpy as np

from benchmarks.steps.workloads import BETAS, LR, Import, Net, Side

ACTIVATIONS = {  # f(z), and f'(z) from a = f(z)
    "tanh": (np.tanh, lambda a: 1 - a * a),
    "relu": (lambda z: np.maximum(z, 0), lambda a: a > 0),
    "sigmoid": (lambda z: 1 / (1 + np.exp(-z)), lambda a: a * (1 - a)),
}


def train(net, dtype):
    layers, X, y = net.arrays(dtype)
    f, df = ACTIVATIONS[net.hidden]
    arrays = [a for layer in layers for a in layer]
    ends = list(accumulate(a.size for a in arrays))
    w = np.concatenate([a.ravel() for a in arrays])
    g, m, v = (np.zeros_like(w) for _ in range(3))
    params, grads = ([vector[end - a.size:end].reshape(a.shape) for a, end in zip(arrays, ends)] for vector in (w, g))
    Ws, bs, dWs, dbs = params[::2], params[1::2], grads[::2], grads[1::2]
    ones, rows, last, (b1, b2) = np.ones(len(X), dtype), np.arange(len(X)), len(Ws) - 1, BETAS
    t = 0

    def loss(z):  # -> the loss and its derivative
        if net.loss == "mean squared error":
            error = z - y
            return (error * error).sum() / error.size, 2 * error / error.size
        if net.loss == "binary cross-entropy":
            e = np.exp(-np.abs(z))
            value = (np.maximum(z, 0) - z * y + np.log1p(e)).sum() / len(X)
            return value, (np.maximum(e, z >= 0) / (1 + e) - y) / len(X)
        z = z - z.max(1, keepdims=True)
        e = np.exp(z)
        total = e.sum(1)
        p = e / total[:, None]
        p[rows, y] -= 1
        return (np.log(total) - z[rows, y]).sum() / len(X), p / len(X)

    def forward():
        a = [X]
        for i in range(last):
            z = a[-1].dot(Ws[i])
            z += bs[i]
            a.append(f(z))
        return a, loss(a[-1].dot(Ws[last]) + bs[last])

    def run(n):
        nonlocal t
        for _ in range(n):
            a, (_, delta) = forward()
            for i in range(last, -1, -1):
                np.dot(a[i].T, delta, out=dWs[i])
                np.dot(ones, delta, out=dbs[i])
                if i:
                    delta = delta.dot(Ws[i].T) * df(a[i])
            t += 1
            m[:] = b1 * m + (1 - b1) * g
            v[:] = b2 * v + (1 - b2) * g * g
            w[:] -= LR / (1 - b1**t) * m / (np.sqrt(v) / sqrt(1 - b2**t) + net.eps)

    return Side(run, lambda: forward()[1][0])


SIDES = {"by hand": {Net: train, Import: "numpy"}}
