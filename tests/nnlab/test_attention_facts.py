"""What is exactly true of attention, as lesson 9 states it (R9.1, R9.2, R9.5 to R9.8), and what one layer can learn
(R9.3). Vaswani et al., Attention Is All You Need, NeurIPS 2017, section 3 and its footnote 4.
"""

import numpy as np
import pytest

from nnlab import Adam, Embedding, Linear, Module, MultiHeadAttention, TransformerBlock
from nnlab import functional as F

rng = np.random.default_rng(0)
SIZES = (4, 16, 64, 256, 1024)


# The scale -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("d", SIZES)
def test_the_product_of_random_queries_and_keys_has_variance_d(d):
    """R9.1: over 20,000 pairs the estimate's own standard deviation is 1 to 1.4 %; over 20 seeds it was within 3 %."""
    q, k = np.random.default_rng(d).standard_normal((2, 20000, d), np.float32)
    assert np.var((q * k).sum(1)) == pytest.approx(d, rel=0.05)


def sharpness(d, scaled):
    """Of 600 queries on 16 keys: mean entropy of the weights as a share of ln 16, largest weight, and sum p (1 - p),
    the size of softmax's derivative: its trace."""
    draw = np.random.default_rng(d)
    q, k = draw.standard_normal((600, 1, d)), draw.standard_normal((600, 16, d))
    factor = 1 if scaled else np.sqrt(d)  # undoes the scaling inside
    _, p = F.scaled_dot_product_attention(factor * q, k, np.zeros((600, 16, 1)), return_weights=True)
    entropy = -(p * np.log(np.maximum(p, 1e-300))).sum(-1).mean() / np.log(16)
    return entropy, p.max(-1).mean(), (p * (1 - p)).sum(-1).mean()


def test_scaled_attention_stays_soft_and_alive_at_every_size():
    """R9.2."""
    for d in SIZES:
        entropy, largest, slope = sharpness(d, scaled=True)
        assert 0.83 < entropy < 0.87
        assert 0.22 < largest < 0.27
        assert 0.84 < slope < 0.90


def test_unscaled_attention_saturates_as_the_size_grows_and_its_gradient_dies():
    """R9.2."""
    entropy, largest, slope = np.transpose([sharpness(d, scaled=False) for d in SIZES])
    np.testing.assert_allclose(entropy, [0.63, 0.32, 0.15, 0.069, 0.034], atol=0.03)
    np.testing.assert_allclose(largest, [0.43, 0.68, 0.85, 0.92, 0.96], atol=0.03)
    np.testing.assert_allclose(slope, [0.70, 0.43, 0.22, 0.11, 0.056], atol=0.04)
    assert (np.diff(entropy) < 0).all()


# Order and causality -------------------------------------------------------------------------------------------------
def layers():
    return [MultiHeadAttention(12, 3, dtype=np.float64, rng=0), TransformerBlock(12, 3, dtype=np.float64, rng=0)]


@pytest.mark.parametrize("layer", layers(), ids=lambda layer: type(layer).__name__)
def test_shuffled_inputs_give_shuffled_outputs(layer):
    """R9.5: f(P x) = P f(x). Without positions attention does not know the order of its inputs."""
    x, order = rng.standard_normal((5, 7, 12)), rng.permutation(7)
    np.testing.assert_allclose(layer(x[:, order]).data, layer(x).data[:, order], rtol=1e-12, atol=1e-12)
    placed = x + F.sinusoidal_positions(7, 12, dtype=float)
    shuffled = x[:, order] + F.sinusoidal_positions(7, 12, dtype=float)
    assert np.abs(layer(shuffled).data - layer(placed).data[:, order]).max() > 0.01  # with them it does


@pytest.mark.parametrize("layer", layers(), ids=lambda layer: type(layer).__name__)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("j", [0, 3, 6])
def test_under_the_causal_mask_the_past_is_bitwise_blind_to_the_future(layer, dtype, j):
    """R9.5: change place j, and the outputs before j are equal to the last bit."""
    layer = type(layer)(12, 3, dtype=dtype, rng=0)
    layer.causal = True
    see = layer if isinstance(layer, TransformerBlock) else lambda x: layer(x, causal=True)
    x = rng.standard_normal((5, 7, 12)).astype(dtype)
    changed = x.copy()
    changed[:, j] = rng.standard_normal((5, 12))  # not + 1: layer norm takes no notice of that
    before, after = see(x).data, see(changed).data
    np.testing.assert_array_equal(before[:, :j], after[:, :j])
    assert (before[:, j:] != after[:, j:]).any(-1).all()


# A weighted mean -----------------------------------------------------------------------------------------------------
def test_the_output_lies_in_the_convex_hull_of_the_values():
    """R9.6: in no direction does it reach beyond the values; and its weights prove it, being shares of 1."""
    q, k, v = (3 * rng.standard_normal(shape) for shape in ((5, 4, 3), (5, 6, 3), (5, 6, 2)))
    out, weights = F.scaled_dot_product_attention(q, k, v, return_weights=True)
    assert (weights >= 0).all()
    np.testing.assert_allclose(weights.sum(-1), 1, rtol=1e-12)
    np.testing.assert_allclose(out.data, weights @ v, rtol=1e-12, atol=1e-12)
    directions = rng.standard_normal((2, 500))
    ahead, corners = out.data @ directions, v @ directions  # (5, 4, 500), (5, 6, 500)
    assert (ahead <= corners.max(1, keepdims=True) + 1e-12).all()


def test_a_query_of_zero_takes_the_plain_mean():
    """R9.6: it likes all keys alike."""
    k, v = rng.standard_normal((5, 6, 3)), rng.standard_normal((5, 6, 2))
    out, weights = F.scaled_dot_product_attention(np.zeros((5, 1, 3)), k, v, return_weights=True)
    np.testing.assert_allclose(weights, 1 / 6, rtol=1e-12)
    np.testing.assert_allclose(out.data[:, 0], v.mean(1), rtol=1e-12, atol=1e-12)


# Heads ---------------------------------------------------------------------------------------------------------------
def test_one_head_is_scaled_dot_product_attention_between_its_projections():
    """R9.7."""
    layer, x = MultiHeadAttention(12, 1, dtype=np.float64, rng=0), rng.standard_normal((5, 7, 12))
    single = F.scaled_dot_product_attention(layer.query(x), layer.key(x), layer.value(x))
    np.testing.assert_allclose(layer(x).data, layer.out(single).data, rtol=1e-12, atol=1e-13)


def test_the_number_of_heads_does_not_change_the_number_of_parameters():
    """R9.7: 4 d^2, and 4 d with the biases."""
    count = lambda **options: sum(p.size for p in MultiHeadAttention(12, **options).parameters())
    assert {count(heads=h, bias=False) for h in (1, 2, 3, 4, 6, 12)} == {4 * 12**2}
    assert {count(heads=h) for h in (1, 2, 3, 4, 6, 12)} == {4 * 12**2 + 4 * 12}


# Positions -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("k", [1, 5, 40])
def test_a_shift_of_sinusoidal_positions_is_one_rotation_wherever_it_starts(k):
    """R9.8: PE(t + k) = R(k) PE(t), and so the product of two depends on their distance only."""
    dim = 12
    p = F.sinusoidal_positions(100, dim, dtype=np.float64)
    rotation = np.zeros((dim, dim))
    for i in range(0, dim, 2):
        angle = k / 10000 ** (i / dim)
        rotation[i:i + 2, i:i + 2] = [[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(dim), atol=1e-12)
    np.testing.assert_allclose(p[k:], p[:-k] @ rotation.T, atol=1e-10)
    products = (p[k:] * p[:-k]).sum(1)
    np.testing.assert_allclose(products, products[0], atol=1e-10)


# What one layer learns -----------------------------------------------------------------------------------------------
class Reverser(Module):
    """One attention layer, and nothing else between symbols with their places and the choice of a symbol."""

    def __init__(self, symbols, length, dim, rng):
        self.symbols, self.places = Embedding(symbols, dim, rng=rng), Embedding(length, dim, rng=rng)
        self.attention, self.head = MultiHeadAttention(dim, rng=rng), Linear(dim, symbols, rng=rng)

    def forward(self, ids, places=True):
        x = self.symbols(ids)
        x = x + self.places(np.arange(ids.shape[1])) if places else x
        mixed, weights = self.attention(x, return_weights=True)
        return self.head(mixed), weights[:, 0]


def reverse(seed, places=True, steps=300, length=12, symbols=10, dim=32):
    """(accuracy on new strings, mean weight on the anti-diagonal) after learning to reverse random strings."""
    draw = np.random.default_rng(seed)
    model, batch = Reverser(symbols, length, dim, draw), lambda n: draw.integers(symbols, size=(n, length))
    opt = Adam([p for name, p in model.named_parameters() if places or "places" not in name], lr=0.01)
    for _ in range(steps):
        ids = batch(32)
        loss = F.cross_entropy(model(ids, places)[0].reshape(-1, symbols), ids[:, ::-1].reshape(-1))
        opt.zero_grad()
        loss.backward()
        opt.step()
    ids = batch(200)
    logits, weights = model(ids, places)
    return np.mean(logits.data.argmax(-1) == ids[:, ::-1]), np.mean(weights[:, range(length), range(length)[::-1]])


@pytest.mark.parametrize("seed", range(2))
def test_one_layer_learns_to_reverse_and_its_attention_is_the_anti_diagonal(seed):
    """R9.3: from 20 seeds accuracy 1.0 and mass 0.989 to 0.997; without places, accuracy 0.24 to 0.29."""
    accuracy, mass = reverse(seed)
    assert accuracy > 0.99
    assert mass > 0.95
    assert reverse(seed, places=False)[0] < 0.4
