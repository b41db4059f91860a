"""Whole trajectories: from the same weights, nnlab and PyTorch stay together step after step, in float64."""

from itertools import pairwise

import numpy as np
import pytest

import nnlab
from nnlab import functional as F
from tests.needs import needs

torch = needs("torch")
pytestmark = pytest.mark.oracle
T = torch.nn.functional


def twins(*sizes, seed=0):
    """The same network twice: nnlab's and PyTorch's."""
    ours = nnlab.MLP(*sizes, activation="tanh", dtype=np.float64, rng=seed)
    layers = [torch.nn.Linear(n, m, dtype=torch.float64) for n, m in pairwise(sizes)]
    for mine, theirs in zip(ours.layers, layers):
        theirs.weight.data = torch.tensor(mine.weight.data.T.copy())
        theirs.bias.data = torch.tensor(mine.bias.data.copy())
    steps = [part for layer in layers for part in (layer, torch.nn.Tanh())][:-1]
    return ours, torch.nn.Sequential(*steps)


def compare(ours, theirs):
    for mine, peer in zip(ours.parameters(), theirs.parameters()):
        np.testing.assert_allclose(mine.data, peer.detach().numpy().T, rtol=1e-8, atol=1e-10)


OPTIMIZERS = {
    "gradient descent": (lambda p: nnlab.SGD(p, lr=0.3), lambda p: torch.optim.SGD(p, lr=0.3)),
    "descent with decay": (lambda p: nnlab.SGD(p, lr=0.3, weight_decay=0.01),
                           lambda p: torch.optim.SGD(p, lr=0.3, weight_decay=0.01)),
    "Adam": (lambda p: nnlab.Adam(p, lr=0.01), lambda p: torch.optim.Adam(p, lr=0.01)),
    "Adam, every option": (lambda p: nnlab.Adam(p, lr=0.02, betas=(0.8, 0.95), eps=1e-3, weight_decay=0.1),
                           lambda p: torch.optim.Adam(p, lr=0.02, betas=(0.8, 0.95), eps=1e-3, weight_decay=0.1)),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_fifty_steps(name):
    make_ours, make_theirs = OPTIMIZERS[name]
    ours, theirs = twins(2, 16, 16, 1)
    opt, peer = make_ours(ours.parameters()), make_theirs(theirs.parameters())
    X, y = nnlab.data.moons(64, rng=0)
    X, y = X.astype(float), y.reshape(-1, 1).astype(float)
    for _ in range(50):
        opt.zero_grad()
        loss = F.binary_cross_entropy_with_logits(ours(X), y)
        loss.backward()
        opt.step()
        peer.zero_grad()
        expected = T.binary_cross_entropy_with_logits(theirs(torch.tensor(X)), torch.tensor(y))
        expected.backward()
        peer.step()
        np.testing.assert_allclose(loss.item(), expected.item(), rtol=1e-9)
    compare(ours, theirs)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_parameters_that_only_sometimes_have_a_gradient(name):
    """A skipped parameter keeps its moments and its own count of steps, which differ from its neighbours' for ever."""
    make_ours, make_theirs = OPTIMIZERS[name]
    rng = np.random.default_rng(0)
    start = [rng.standard_normal(shape) for shape in [(3, 2), (4,), (), (2, 2)]]
    ours = [nnlab.Parameter(a) for a in start]
    theirs = [torch.nn.Parameter(torch.tensor(a)) for a in start]
    opt, peer = make_ours(ours), make_theirs(theirs)
    for step in range(20):
        opt.zero_grad()
        peer.zero_grad()
        for i, (p, q) in enumerate(zip(ours, theirs)):
            if rng.random() < (1.0 if step < 3 else 0.6) and (i, step) != (2, 0):
                g = rng.standard_normal(p.shape)
                p.grad, q.grad = g, torch.tensor(g)
        opt.step()
        peer.step()
        for p, q in zip(ours, theirs):
            np.testing.assert_allclose(p.data, q.detach().numpy(), rtol=1e-10, atol=1e-12)


def test_groups_with_their_own_options():
    ours, theirs = twins(2, 8, 1)
    split = lambda model: [{"params": [layer.weight for layer in model], "weight_decay": 0.1, "lr": 0.05},
                           {"params": [layer.bias for layer in model]}]
    opt = nnlab.Adam(split(ours.layers), lr=0.01)
    peer = torch.optim.Adam(split([theirs[0], theirs[2]]), lr=0.01)
    X, y = nnlab.data.xor(32, rng=0)
    X = X.astype(float)
    for _ in range(30):
        opt.zero_grad()
        F.mse_loss(ours(X), y.reshape(-1, 1)).backward()
        opt.step()
        peer.zero_grad()
        T.mse_loss(theirs(torch.tensor(X)), torch.tensor(y.reshape(-1, 1)).double()).backward()
        peer.step()
    compare(ours, theirs)


def test_three_hundred_steps_of_minibatches_on_digits():
    ours, theirs = twins(64, 16, 10)
    opt, peer = nnlab.Adam(ours.parameters(), lr=1e-3), torch.optim.Adam(theirs.parameters(), lr=1e-3)
    X, y = nnlab.data.digits("train")
    loader = nnlab.DataLoader(X.astype(float), y, batch_size=64, rng=0)
    step = 0
    while step < 300:
        for a, b in loader:
            step += 1
            opt.zero_grad()
            F.cross_entropy(ours(a), b).backward()
            opt.step()
            peer.zero_grad()
            T.cross_entropy(theirs(torch.tensor(a)), torch.tensor(b)).backward()
            peer.step()
    compare(ours, theirs)
