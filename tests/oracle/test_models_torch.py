"""Whole models beside PyTorch: 200 steps from the same weights and the same noise end at the same weights, in float64;
and the probe sees what PyTorch's hooks see.
"""

import numpy as np
import pytest

import nnlab
from nnlab import functional as F
from nnlab.models.autoencoder import Autoencoder, VariationalAutoencoder
from nnlab.models.gan import GAN
from nnlab.probe import probe
from tests.needs import needs

torch = needs("torch")
pytestmark = pytest.mark.oracle
T = torch.nn.functional
TORCH = {"relu": torch.relu, "tanh": torch.tanh, "sigmoid": torch.sigmoid, None: lambda z: z}
X = nnlab.data.digits("validation")[0][:24].astype(float)


class Twin(torch.nn.Module):
    """The dense layers of an nnlab network, with its weights, as PyTorch's."""

    def __init__(self, ours):
        super().__init__()
        self.layers = torch.nn.ModuleList()
        self.activations = [TORCH[None if layer.activation is None else layer.activation.__name__] for layer in ours]
        for mine in ours:
            layer = torch.nn.Linear(*mine.weight.shape, dtype=torch.float64)
            layer.weight.data = torch.tensor(mine.weight.data.T.copy())
            layer.bias.data = torch.tensor(mine.bias.data.copy())
            self.layers.append(layer)

    def forward(self, x):
        for layer, activation in zip(self.layers, self.activations):
            x = activation(layer(x))
        return x


def assert_same(ours, twin):
    for mine, theirs in zip(ours, twin.layers):
        np.testing.assert_allclose(mine.weight.data, theirs.weight.detach().numpy().T, rtol=1e-8, atol=1e-10)
        np.testing.assert_allclose(mine.bias.data, theirs.bias.detach().numpy(), rtol=1e-8, atol=1e-10)


def take(optimizer, loss):
    """A step, which nnlab and PyTorch write alike."""
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


# Autoencoders --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("activation", ["relu", "tanh", None])
def test_two_hundred_steps_of_an_autoencoder(activation):
    model = Autoencoder(64, 32, 8, 2, activation=activation, dtype=np.float64, rng=0)
    layers = [*model.encoder.layers, *model.decoder.layers]
    twin = Twin(layers)
    opt, peer = nnlab.Adam(model.parameters(), lr=3e-3), torch.optim.Adam(twin.parameters(), lr=3e-3)
    x = torch.tensor(X)
    for _ in range(200):
        ours, theirs = take(opt, model.loss(X)), take(peer, T.mse_loss(twin(x), x))
        assert ours == pytest.approx(theirs, rel=1e-8)
    assert_same(layers, twin)


def test_two_hundred_steps_of_a_tied_denoising_autoencoder():
    model = Autoencoder(64, 16, 3, activation="tanh", tied=True, noise=0.3, dtype=np.float64, rng=0)
    twin = Twin(model.encoder.layers)
    back = [torch.zeros(n, dtype=torch.float64, requires_grad=True) for n in (16, 64)]

    def reconstruct(x):
        h = torch.tanh(T.linear(twin(x), twin.layers[1].weight.T, back[0]))
        return T.linear(h, twin.layers[0].weight.T, back[1])

    opt = nnlab.Adam(model.parameters(), lr=3e-3)
    peer = torch.optim.Adam([*twin.parameters(), *back], lr=3e-3)
    model.corrupt.rng, noise, x = np.random.default_rng(5), np.random.default_rng(5), torch.tensor(X)
    for _ in range(200):
        seen = torch.tensor(X + 0.3 * noise.standard_normal(X.shape))
        ours, theirs = take(opt, model.loss(X)), take(peer, T.mse_loss(reconstruct(seen), x))
        assert ours == pytest.approx(theirs, rel=1e-8)
    assert_same(model.encoder.layers, twin)
    for layer, bias in zip(model.decoder.layers, back):
        np.testing.assert_allclose(layer.bias.data, bias.detach().numpy(), rtol=1e-8, atol=1e-10)


def test_two_hundred_steps_of_a_variational_autoencoder():
    model = VariationalAutoencoder(64, 16, 3, activation="tanh", beta=0.3, dtype=np.float64, rng=0)
    body, mu, log_var = (Twin([layer]) for layer in (*model.encoder.layers, model.log_var))
    decoder = Twin(model.decoder.layers)
    opt = nnlab.Adam(model.parameters(), lr=3e-3)
    peer = torch.optim.Adam([p for part in (body, mu, log_var, decoder) for p in part.parameters()], lr=3e-3)
    model.rng, noise, x = np.random.default_rng(5), np.random.default_rng(5), torch.tensor(X)
    for _ in range(200):
        h = body(x)
        code = torch.distributions.Normal(mu(h), torch.exp(log_var(h) / 2))
        z = code.loc + code.scale * torch.tensor(noise.standard_normal((24, 3)))
        kl = torch.distributions.kl_divergence(code, torch.distributions.Normal(0.0, 1.0)).sum(1).mean()
        expected = ((decoder(z) - x) ** 2).sum(1).mean() / 2 + 0.3 * kl
        ours, theirs = take(opt, model.loss(X)), take(peer, expected)
        assert ours == pytest.approx(theirs, rel=1e-8)
    for layer, twin in zip((*model.encoder.layers, model.log_var), (body, mu, log_var)):
        assert_same([layer], twin)
    assert_same(model.decoder.layers, decoder)


# GANs ----------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("loss", ["non-saturating", "saturating"])
@pytest.mark.parametrize("pack", [1, 2])
def test_two_hundred_rounds_of_a_gan(loss, pack):
    """PyTorch's side is written as its tutorials do: real and fake one after the other, and `detach`."""
    rng = np.random.default_rng(0)
    gan = GAN(nnlab.MLP(3, 16, 2, activation="tanh", dtype=np.float64, rng=rng),
              nnlab.MLP(2 * pack, 16, 1, activation="tanh", dtype=np.float64, rng=rng), 3, loss=loss, pack=pack, rng=7)
    G, D = Twin(gan.generator.layers), Twin(gan.discriminator.layers)
    g_peer, d_peer = (torch.optim.Adam(net.parameters(), lr=1e-3, betas=(0.5, 0.999)) for net in (G, D))
    noise, real = np.random.default_rng(7), nnlab.data.ring(400, rng=1)[0].astype(float)
    draw = lambda: torch.tensor(noise.standard_normal((12, 3)))
    judge = lambda x: D(x.reshape(12 // pack, 2 * pack))
    one, zero = torch.ones(12 // pack, 1).double(), torch.zeros(12 // pack, 1).double()
    bce = T.binary_cross_entropy_with_logits
    for step in range(200):
        batch = np.roll(real, 12 * step, 0)[:12]
        expected = bce(judge(torch.tensor(batch)), one) + bce(judge(G(draw()).detach()), zero)
        assert gan.d_step(batch) == pytest.approx(take(d_peer, expected), rel=1e-8)
        logits = judge(G(draw()))
        expected = bce(logits, one) if loss == "non-saturating" else torch.log(1 - torch.sigmoid(logits)).mean()
        assert gan.g_step(12) == pytest.approx(take(g_peer, expected), rel=1e-8)
    assert_same(gan.generator.layers, G)
    assert_same(gan.discriminator.layers, D)


# The probe -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid"])
def test_the_probe_sees_what_hooks_see(activation):
    class Net(torch.nn.Module):  # a plain layer, two residual blocks that share their weights, an output
        def __init__(self):
            super().__init__()
            self.first, self.block, self.last = (Twin([layer]) for layer in (first, block, last))

        def forward(self, x):
            h = [self.first(x)]
            for _ in range(2):
                h += [self.block(h[-1])]
                h += [h[-2] + h[-1]]
            return [*h, self.last(h[-1])]

    first, block = (nnlab.Linear(n, 5, activation=activation, dtype=np.float64, rng=n) for n in (64, 5))
    last = nnlab.Linear(5, 3, dtype=np.float64, rng=1)
    shared = nnlab.Residual(block)
    seen = probe(nnlab.Sequential(first, shared, shared, last), X, np.arange(24) % 3, F.cross_entropy)
    net = Net()
    outputs = net(torch.tensor(X))
    signals = {}
    for i, h in enumerate(outputs):
        h.register_hook(lambda g, i=i: signals.update({i: g}))
    T.cross_entropy(outputs[-1], torch.arange(24) % 3).backward()
    assert len(seen) == len(outputs) == 6
    for i, (layer, h) in enumerate(zip(seen, outputs)):
        np.testing.assert_allclose(layer.h, h.detach().numpy(), rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(layer.signal, signals[i].numpy(), rtol=1e-10, atol=1e-12)
    for layer, twin in zip((seen[0], seen[1], seen[3], seen[5]), (net.first, net.block, net.block, net.last)):
        np.testing.assert_allclose(layer.gradients["weight"], twin.layers[0].weight.grad.numpy().T, rtol=1e-10,
                                   atol=1e-12)


@pytest.mark.parametrize(("ours", "theirs"), [
    (nnlab.init.xavier_normal, "xavier_normal_"), (nnlab.init.xavier_uniform, "xavier_uniform_"),
    (nnlab.init.he_normal, "kaiming_normal_"), (nnlab.init.he_uniform, "kaiming_uniform_"),
    (nnlab.init.orthogonal, "orthogonal_"), (nnlab.init.lecun_normal, "kaiming_normal_ linear"),
])
def test_starts_have_pytorchs_scale(ours, theirs):
    """Standard deviation and largest number agree over 600 x 300 draws; PyTorch's weight is the transpose of ours."""
    name, _, law = theirs.partition(" ")
    weight = torch.empty(300, 600)
    torch.manual_seed(0)
    getattr(torch.nn.init, name)(weight, **({"nonlinearity": law or "relu"} if "kaiming" in name else {}))
    drawn = ours((600, 300), rng=0)
    assert drawn.std() == pytest.approx(weight.std().item(), rel=0.01)
    if "uniform" in name:
        assert np.abs(drawn).max() == pytest.approx(weight.abs().max().item(), rel=1e-3)
