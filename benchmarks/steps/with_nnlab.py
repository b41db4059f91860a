"""nnlab's side of the workloads, written as the course writes it.

`unchecked` is nnlab without what it can be relieved of from outside: the checks of shape, dtype, order and freshness on
the way back, and the losses' check of shapes. It shows what these cost; nobody should train like that.
"""

from contextlib import ExitStack
from unittest.mock import patch

import numpy as np

import nnlab
from benchmarks.steps.workloads import BETAS, LR, Attention, Gan, Import, Net, Optimizer, Prediction, Side
from nnlab import MLP, Adam, MultiHeadAttention, Parameter, Tensor
from nnlab import functional as F
from nnlab.models.gan import GAN
from nnlab.sums import unbroadcast

LOSSES = {"binary cross-entropy": F.binary_cross_entropy_with_logits, "cross-entropy": F.cross_entropy,
          "mean squared error": F.mse_loss}


def mlp(net, layers, dtype):
    model = MLP(*net.sizes, activation=net.hidden, dtype=dtype)
    for layer, (W, b) in zip(model.layers, layers):
        layer.weight.data, layer.bias.data = W, b
    return model


def train(net, dtype):
    layers, X, y = net.arrays(dtype)
    model, loss = mlp(net, layers, dtype), LOSSES[net.loss]
    optimizer = Adam(model.parameters(), LR, BETAS, net.eps)

    def run(n):
        for _ in range(n):
            value = loss(model(X), y)
            optimizer.zero_grad()
            value.backward()
            optimizer.step()

    return Side(run, lambda: loss(model(X), y).item())


def adam(what, dtype):
    values, gradients = what.arrays(dtype)
    params = [Parameter(a) for a in values]
    optimizer = Adam(params, LR, BETAS, what.eps)
    for p, g in zip(params, gradients):
        p.grad = g

    def run(n):
        for _ in range(n):
            optimizer.step()

    return Side(run, lambda: params[0].data)


def play(what, dtype):
    g_layers, d_layers, real, z = what.arrays(dtype)
    G, D = mlp(what.generator, g_layers, dtype), mlp(what.discriminator, d_layers, dtype)
    g_adam, d_adam = (Adam(model.parameters(), LR, BETAS, 1e-8) for model in (G, D))
    gan = GAN(G, D, z.shape[1], d_optimizer=d_adam, g_optimizer=g_adam, rng=2)

    def run(n):
        for _ in range(n):
            gan.d_step(real)
            gan.g_step(what.batch)

    return Side(run, lambda: D(G(z)).data)


def attend(what, dtype):
    W, b, W_out, b_out, x, upstream = what.arrays(dtype)
    attention, x = MultiHeadAttention(what.d, what.heads, dtype=dtype), Tensor(x, requires_grad=True)
    for i, layer in enumerate((attention.query, attention.key, attention.value)):
        part = slice(i * what.d, (i + 1) * what.d)
        layer.weight.data, layer.bias.data = W[:, part], b[part]
    attention.out.weight.data, attention.out.bias.data = W_out, b_out

    def run(n):
        for _ in range(n):
            x.zero_grad()
            attention.zero_grad()
            attention(x).backward(upstream)

    return Side(run, lambda: np.stack([attention(x).data, x.grad]))


def predict(what, dtype):
    layers, grid = what.arrays(dtype)
    model = mlp(what.net, layers, dtype)

    def result():
        return F.sigmoid(nnlab.predict(model, grid)).data

    return Side(lambda n: [result() for _ in range(n)], result)


def tape(root):
    seen, stack = {root}, [root]
    while stack:
        new = {p for p in stack.pop().parents if p.op is not None and p.requires_grad} - seen
        seen |= new
        stack += new
    return seen


UNCHECKED = {
    "nnlab.tensor._tape": tape,
    "nnlab.tensor._fit": lambda node, parent, g: unbroadcast(g() if callable(g) else g, parent.data.shape),
    "nnlab.functional.losses._same_shape": lambda output, target: None,
}


def unchecked(net, dtype):
    side = train(net, dtype)

    def run(n):
        with ExitStack() as stack:
            for name, substitute in UNCHECKED.items():
                stack.enter_context(patch(name, substitute))
            side.run(n)

    return Side(run, side.result)


SIDES = {"nnlab": {Net: train, Optimizer: adam, Gan: play, Attention: attend, Prediction: predict, Import: "nnlab"},
         "unchecked": {Net: unchecked}}
