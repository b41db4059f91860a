"""The two sequence models as a whole: PyTorch, from the same weights, gives the same outputs, attention and gradients,
and after 20 steps of Adam the same weights, in float64.
"""

import numpy as np
import pytest

from nnlab import Adam
from nnlab.models.attention import EncoderDecoder
from nnlab.models.language import TransformerLM
from tests.needs import needs
from tests.oracle.agreement import close

torch = needs("torch")
pytestmark = pytest.mark.oracle
T = torch.nn.functional
rng = np.random.default_rng(0)


class Twin:
    """Our models' mathematics written in PyTorch, on weights called as ours are."""

    def __init__(self, model, heads):
        self.weights = {name: torch.tensor(p.data, requires_grad=True) for name, p in model.named_parameters()}
        self.heads = heads

    def linear(self, name, x):
        return T.linear(x, self.weights[f"{name}.weight"].T, self.weights[f"{name}.bias"])

    def norm(self, name, x):
        return T.layer_norm(x, x.shape[-1:], self.weights[f"{name}.weight"], self.weights[f"{name}.bias"])

    def mlp(self, name, x):
        return self.linear(f"{name}.layers.1", torch.relu(self.linear(f"{name}.layers.0", x)))

    def attention(self, name, x, context, allowed, heads=None):
        split = lambda a: a.unflatten(-1, (heads or self.heads, -1)).transpose(1, 2)
        q, k, v = (split(self.linear(f"{name}.{part}", a)) for part, a in
                   (("query", x), ("key", context), ("value", context)))
        self.looked = torch.softmax(q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5 + torch.where(allowed, 0, -torch.inf),
                                    -1)
        mixed = T.scaled_dot_product_attention(q, k, v, allowed)
        return self.linear(f"{name}.out", mixed.transpose(1, 2).flatten(2))

    def block(self, name, x, allowed):
        y = self.norm(f"{name}.norm1", x)
        x = x + self.attention(f"{name}.attention", y, y, allowed)
        return x + self.mlp(f"{name}.mlp", self.norm(f"{name}.norm2", x))

    def language_model(self, ids, layers):
        T_ = ids.shape[1]
        x = self.weights["symbols.weight"][ids] + self.weights["places.weight"][:T_]
        for i in range(layers):
            x = self.block(f"blocks.{i}", x, torch.ones(T_, T_, dtype=torch.bool).tril())
        return self.linear("head", self.norm("norm", x))

    def translator(self, source, target, bottleneck):
        real = source != 0
        memory = self.norm("norm", self.block("encoder", waves(self.weights["read.weight"][source]),
                                              real[:, None, None]))
        if bottleneck:
            memory = (memory * real[..., None]).sum(1, keepdim=True) / real.sum(1)[:, None, None]
            real = torch.ones(len(source), 1, dtype=torch.bool)
        x, n = waves(self.weights["written.weight"][target]), target.shape[1]
        y = self.norm("decoder.norms.0", x)
        x = x + self.attention("decoder.past", y, y, torch.ones(n, n, dtype=torch.bool).tril())
        y = self.norm("decoder.norms.1", x)
        x = x + self.attention("decoder.source", y, memory, real[:, None, None], heads=1)
        x = x + self.mlp("decoder.mlp", self.norm("decoder.norms.2", x))
        return self.linear("head", self.norm("last_norm", x))


def waves(x):
    """x with the sines and cosines of its places added, one number at a time."""
    _, length, dim = x.shape
    places = [[(np.cos if i % 2 else np.sin)(t / 10000 ** ((i - i % 2) / dim)) for i in range(dim)]
              for t in range(length)]
    return x + torch.tensor(np.array(places))


def stir(model):
    """Weights that leave nothing at 0 or 1, so that no parameter's part is hidden."""
    for p in model.parameters():
        p.data = p.data + 0.3 * rng.standard_normal(p.shape)
    return model


def run_together(model, twin, ours, theirs, steps=20):
    """Both losses and all gradients equal, then both trained for some steps: still equal."""
    opt, peer = Adam(model.parameters(), lr=0.01), torch.optim.Adam(twin.weights.values(), lr=0.01)
    for step in range(steps):
        opt.zero_grad(), peer.zero_grad()
        loss, expected = ours(), theirs()
        loss.backward(), expected.backward()
        np.testing.assert_allclose(loss.item(), expected.item(), rtol=1e-10 if step == 0 else 1e-8)
        if step == 0:
            for name, p in model.named_parameters():
                close(p.grad, twin.weights[name].grad.numpy(), 10)
        opt.step(), peer.step()
    for name, p in model.named_parameters():
        np.testing.assert_allclose(p.data, twin.weights[name].detach().numpy(), rtol=1e-8, atol=1e-9, err_msg=name)


@pytest.mark.parametrize("layers", [1, 2])
def test_the_language_model(layers):
    model = stir(TransformerLM(11, 12, 3, layers, 7, dtype=np.float64, rng=0))
    twin, ids = Twin(model, 3), rng.integers(1, 11, size=(5, 8))
    ids[0, 5:], ids[1, 2:] = 0, 0  # padding
    seen = torch.tensor(ids)
    close(model(ids[:, :6]).data, twin.language_model(seen[:, :6], layers).detach().numpy(), 10)
    run_together(model, twin, lambda: model.loss(ids), lambda: T.cross_entropy(
        twin.language_model(seen[:, :-1], layers).flatten(0, 1), seen[:, 1:].flatten(), ignore_index=0))


@pytest.mark.parametrize("bottleneck", [False, True])
def test_the_translator(bottleneck):
    model = stir(EncoderDecoder(9, 7, 12, 3, bottleneck=bottleneck, dtype=np.float64, rng=0))
    twin = Twin(model, 3)
    source, target = rng.integers(1, 9, size=(5, 6)), rng.integers(1, 7, size=(5, 4))
    source[0, 2:], source[3, 5:], target[1, 3:], target[4, 2:] = 0, 0, 0, 0
    read, write = torch.tensor(source), torch.tensor(target)
    logits, weights = model.decode(target[:, :-1], *model.encode(source))
    close(logits.data, twin.translator(read, write[:, :-1], bottleneck).detach().numpy(), 10)
    close(weights, twin.looked[:, 0].detach().numpy())
    run_together(model, twin, lambda: model.loss(source, target), lambda: T.cross_entropy(
        twin.translator(read, write[:, :-1], bottleneck).flatten(0, 1), write[:, 1:].flatten(), ignore_index=0))
