"""PyTorch eager, with its default Adam and with the fused one."""

from functools import partial

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from benchmarks.steps.workloads import BETAS, LR, Attention, Gan, Import, Net, Optimizer, Prediction, Side

torch.set_num_threads(1)
ACTIVATIONS = {"tanh": nn.Tanh, "relu": nn.ReLU, "sigmoid": nn.Sigmoid}
LOSSES = {"binary cross-entropy": F.binary_cross_entropy_with_logits, "cross-entropy": F.cross_entropy,
          "mean squared error": F.mse_loss}


def mlp(net, layers):
    modules = []
    for W, b in layers:
        linear = nn.Linear(*W.shape)
        linear.weight, linear.bias = nn.Parameter(torch.tensor(W.T).contiguous()), nn.Parameter(torch.tensor(b))
        modules += [linear, ACTIVATIONS[net.hidden]()]
    return nn.Sequential(*modules[:-1])


def train(net, dtype, fused=None):
    layers, X, y = net.arrays(dtype)
    X, y = torch.tensor(X), torch.tensor(y)
    model, loss = mlp(net, layers), LOSSES[net.loss]
    optimizer = torch.optim.Adam(model.parameters(), LR, BETAS, net.eps, fused=fused)

    def run(n):
        for _ in range(n):
            value = loss(model(X), y)
            optimizer.zero_grad()
            value.backward()
            optimizer.step()

    return Side(run, lambda: loss(model(X), y).item())


def adam(what, dtype, fused=None):
    values, gradients = what.arrays(dtype)
    params = [nn.Parameter(torch.tensor(a)) for a in values]
    optimizer = torch.optim.Adam(params, LR, BETAS, what.eps, fused=fused)
    for p, g in zip(params, gradients):
        p.grad = torch.tensor(g)

    def run(n):
        for _ in range(n):
            optimizer.step()

    return Side(run, lambda: params[0].detach().numpy())


def play(what, dtype, fused=None):
    g_layers, d_layers, real, z = what.arrays(dtype)
    G, D = mlp(what.generator, g_layers), mlp(what.discriminator, d_layers)
    real, z = torch.tensor(real), torch.tensor(z)
    g_adam, d_adam = (torch.optim.Adam(model.parameters(), LR, BETAS, 1e-8, fused=fused) for model in (G, D))
    rng, ones = np.random.default_rng(2), torch.ones(len(z), 1, dtype=z.dtype)
    is_real, entropy = torch.cat([ones, 0 * ones]), F.binary_cross_entropy_with_logits
    noise = lambda: torch.from_numpy(rng.standard_normal(z.shape, dtype))

    def descend(loss, optimizer):
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    def run(n):
        for _ in range(n):
            with torch.no_grad():
                fake = G(noise())
            descend(2 * entropy(D(torch.cat([real, fake])), is_real), d_adam)
            D.requires_grad_(False)
            descend(entropy(D(G(noise())), ones), g_adam)
            D.requires_grad_(True)

    return Side(run, lambda: D(G(z)).detach().numpy())


def attend(what, dtype):
    *weights, x, upstream = map(torch.tensor, what.arrays(dtype))
    project, out = nn.Linear(what.d, 3 * what.d), nn.Linear(what.d, what.d)
    project.weight, project.bias, out.weight, out.bias = (nn.Parameter(a.t().contiguous()) for a in weights)
    x.requires_grad_()

    def forward():  # (batch, T, d) -> (batch, heads, T, d / heads) and back
        q, k, v = (part.unflatten(-1, (what.heads, -1)).transpose(1, 2) for part in project(x).split(what.d, -1))
        return out(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))

    def run(n):
        for _ in range(n):
            for tensor in (x, *project.parameters(), *out.parameters()):
                tensor.grad = None
            forward().backward(upstream)

    return Side(run, lambda: torch.stack([forward(), x.grad]).detach().numpy())


def predict(what, dtype):
    layers, grid = what.arrays(dtype)
    model, grid = mlp(what.net, layers), torch.tensor(grid)

    @torch.inference_mode()
    def result():
        return torch.sigmoid(model(grid)).numpy()

    return Side(lambda n: [result() for _ in range(n)], result)


SIDES = {
    "torch eager": {Net: train, Optimizer: adam, Gan: play, Attention: attend, Prediction: predict, Import: "torch"},
    "torch fused": {what: partial(make, fused=True) for what, make in ((Net, train), (Optimizer, adam), (Gan, play))},
}
