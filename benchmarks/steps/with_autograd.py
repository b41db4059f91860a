"""HIPS autograd, with Adam on the flattened parameters as in its own examples."""

import autograd.numpy as np
from autograd import make_vjp, value_and_grad
from autograd.misc.flatten import flatten

from benchmarks.steps import formulas
from benchmarks.steps.workloads import Attention, Import, Net, Side


def train(net, dtype):
    layers, X, y = net.arrays(dtype)
    w, unflatten = flatten(layers)
    loss = lambda w: formulas.loss(np, net, unflatten(w), X, y)
    gradient = value_and_grad(loss)
    m, v, t = np.zeros_like(w), np.zeros_like(w), 0

    def run(n):
        nonlocal w, m, v, t
        for _ in range(n):
            t += 1
            w, m, v = formulas.adam(np, net, w, gradient(w)[1], m, v, t)

    return Side(run, lambda: loss(w))


def attend(what, dtype):
    *weights, x, upstream = what.arrays(dtype)

    def both_ways():
        vjp, y = make_vjp(lambda given: formulas.attention(np, what, *given))((weights, x))
        return y, vjp(upstream)[1]

    return Side(lambda n: [both_ways() for _ in range(n)], lambda: np.stack(both_ways()))


SIDES = {"autograd": {Net: train, Attention: attend, Import: "autograd.numpy"}}
