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


def twins(*sizes, activation="tanh", seed=0):
    """The same network twice: nnlab's and PyTorch's."""
    ours = nnlab.MLP(*sizes, activation=activation, dtype=np.float64, rng=seed)
    between = {"tanh": torch.nn.Tanh, "relu": torch.nn.ReLU}[activation]
    layers = [torch.nn.Linear(n, m, dtype=torch.float64) for n, m in pairwise(sizes)]
    for mine, theirs in zip(ours.layers, layers):
        theirs.weight.data = torch.tensor(mine.weight.data.T.copy())
        theirs.bias.data = torch.tensor(mine.bias.data.copy())
    steps = [part for layer in layers for part in (layer, between())][:-1]
    return ours, torch.nn.Sequential(*steps)


def compare(ours, theirs):
    for mine, peer in zip(ours.parameters(), theirs.parameters()):
        np.testing.assert_allclose(mine.data, peer.detach().numpy().T, rtol=1e-8, atol=1e-10)


OPTIMIZERS = {  # name -> (optimizer, options): both sides call it and its options by the same names
    "gradient descent": ("SGD", dict(lr=0.3)),
    "descent with decay": ("SGD", dict(lr=0.3, weight_decay=0.01)),
    "heavy ball": ("SGD", dict(lr=0.1, momentum=0.9)),
    "heavy ball with decay": ("SGD", dict(lr=0.1, momentum=0.8, weight_decay=0.1)),
    "Nesterov": ("SGD", dict(lr=0.1, momentum=0.9, nesterov=True)),
    "Nesterov with decay": ("SGD", dict(lr=0.1, momentum=0.7, nesterov=True, weight_decay=0.1)),
    "RMSprop": ("RMSprop", dict(lr=0.01)),
    "RMSprop, eps outside the root": ("RMSprop", dict(lr=0.01, alpha=0.9, eps=0.01, weight_decay=0.1)),
    "RMSprop with momentum": ("RMSprop", dict(lr=0.01, alpha=0.8, momentum=0.7)),
    "RMSprop, centered": ("RMSprop", dict(lr=0.01, alpha=0.8, eps=1e-3, centered=True)),
    "RMSprop, every option": ("RMSprop", dict(lr=0.01, alpha=0.8, eps=1e-3, weight_decay=0.1, momentum=0.7,
                                              centered=True)),
    "Adam": ("Adam", dict(lr=0.01)),
    "Adam, every option": ("Adam", dict(lr=0.02, betas=(0.8, 0.95), eps=1e-3, weight_decay=0.1)),
    "AMSGrad": ("Adam", dict(lr=0.02, betas=(0.7, 0.8), amsgrad=True)),
    "AMSGrad, every option": ("Adam", dict(lr=0.02, betas=(0.8, 0.7), eps=1e-3, weight_decay=0.1, amsgrad=True)),
    "AdamW": ("AdamW", dict(lr=0.01)),
    "AdamW, every option": ("AdamW", dict(lr=0.02, betas=(0.8, 0.95), eps=1e-3, weight_decay=0.3)),
    "AdamW, AMSGrad": ("AdamW", dict(lr=0.02, betas=(0.7, 0.8), weight_decay=0.3, amsgrad=True)),
}


def both(name, ours, theirs):
    kind, options = OPTIMIZERS[name]
    return getattr(nnlab.optim, kind)(ours, **options), getattr(torch.optim, kind)(theirs, **options)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_fifty_steps(name):
    ours, theirs = twins(2, 16, 16, 1)
    opt, peer = both(name, ours.parameters(), theirs.parameters())
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
    rng = np.random.default_rng(0)
    start = [rng.standard_normal(shape) for shape in [(3, 2), (4,), (), (2, 2)]]
    ours = [nnlab.Parameter(a) for a in start]
    theirs = [torch.nn.Parameter(torch.tensor(a)) for a in start]
    opt, peer = both(name, ours, theirs)
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


@pytest.mark.parametrize("seed", range(6))
def test_whatever_happens_to_parameters_that_several_optimizers_share(seed):
    """New optimizers for parts in any order, assigned values, gradients that come, add up and go, rates and groups."""
    rng = np.random.default_rng(seed)
    start = [rng.standard_normal(shape) for shape in [(3, 2), (4,), (), (2, 2), (1, 5)]]
    ours, theirs = [nnlab.Parameter(a) for a in start], [torch.nn.Parameter(torch.tensor(a)) for a in start]
    pairs = []

    def new_optimizer():
        chosen = rng.permutation(5)[:rng.integers(1, 6)]
        cut, name, lr = rng.integers(0, len(chosen) + 1), rng.choice(list(OPTIMIZERS)), rng.uniform(0.01, 0.1)
        grouped = lambda params: [{"params": [params[i] for i in part], **options} for part, options in
                                  ((chosen[:cut], {}), (chosen[cut:], {"lr": lr})) if len(part)]
        pairs.append(both(name, grouped(ours), grouped(theirs)))

    def step():
        if pairs:
            for optimizer in pairs[rng.integers(len(pairs))]:
                optimizer.step()

    def gradient():
        i = rng.integers(5)
        g = rng.standard_normal(start[i].shape)
        if ours[i].grad is None:
            ours[i].grad, theirs[i].grad = g, torch.tensor(g)
        else:
            ours[i].grad += g
            theirs[i].grad += torch.tensor(g)

    def forget():
        i = rng.integers(5)
        ours[i].zero_grad()
        theirs[i].grad = None

    def assign():
        i = rng.integers(5)
        a = rng.standard_normal(start[i].shape)
        ours[i].data, theirs[i].data = a, torch.tensor(a)

    def resume():
        if pairs:
            opt, peer = pairs[rng.integers(len(pairs))]
            opt.load_state_dict(opt.state_dict())
            peer.load_state_dict(peer.state_dict())

    for _ in range(300):
        rng.choice([new_optimizer, step, step, step, gradient, gradient, gradient, forget, assign, resume],
                   p=[0.04, *[0.16] * 3, *[0.12] * 3, 0.08, 0.02, 0.02])()
        for p, q in zip(ours, theirs):
            np.testing.assert_allclose(p.data, q.detach().numpy(), rtol=1e-8, atol=1e-10)
            assert (p.grad is None) == (q.grad is None)
            if p.grad is not None:
                np.testing.assert_array_equal(p.grad, q.grad.numpy())


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


def test_every_default_is_pytorchs():
    for kind in ("SGD", "RMSprop", "Adam", "AdamW"):
        ours = getattr(nnlab.optim, kind)([nnlab.Parameter([1.0])])
        theirs = getattr(torch.optim, kind)([torch.nn.Parameter(torch.ones(1))])
        for name, value in ours.param_groups[0].items():
            assert value == theirs.param_groups[0][name], f"{kind}: {name}"


def test_decoupled_decay_treats_all_weights_alike_and_l2_in_adam_does_not():
    """Loshchilov and Hutter, section 2: Adam divides the decay by the size of the gradients as well, AdamW does not."""
    gradient_of = lambda step: np.array([1.0, 100.0]) * (1 if step % 2 else -1)  # two sizes, no direction
    ends = {}
    for kind in ("Adam", "AdamW"):
        w, peer = nnlab.Parameter(np.ones(2)), torch.nn.Parameter(torch.ones(2, dtype=torch.float64))
        options = dict(lr=0.01, weight_decay=0.5, betas=(0.9, 0.99))
        ours, theirs = getattr(nnlab.optim, kind)([w], **options), getattr(torch.optim, kind)([peer], **options)
        for step in range(200):
            w.grad, peer.grad = gradient_of(step), torch.tensor(gradient_of(step))
            ours.step()
            theirs.step()
        np.testing.assert_allclose(w.data, peer.detach().numpy(), rtol=1e-8)
        ends[kind] = w.data
    small, large = ends["AdamW"]
    assert abs(small - large) < 1e-3
    np.testing.assert_allclose(small, (1 - 0.01 * 0.5) ** 200, atol=0.02)
    small, large = ends["Adam"]
    assert large > small + 0.3
