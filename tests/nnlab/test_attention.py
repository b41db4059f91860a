"""Attention: a mean of values that every query weights for itself, and what masks do to it."""

import numpy as np
import pytest

from nnlab import Embedding, LearnedPositions, MultiHeadAttention, Tensor, gradcheck, init
from nnlab import functional as F

rng = np.random.default_rng(0)
SHAPES = {"plain": [(3, 2), (5, 2), (5, 4)], "batch": [(2, 3, 2), (2, 5, 2), (2, 5, 4)],
          "heads": [(2, 3, 4, 6), (2, 3, 5, 6), (2, 3, 5, 2)], "one memory for all": [(7, 3, 2), (5, 2), (1, 5, 4)]}
SELECT = rng.random((3, 5)) < 0.6
SELECT[1] = False  # the second query may look nowhere


def draw(*shape):
    return Tensor(rng.standard_normal(shape), requires_grad=True)


def composed(q, k, v, mask=None, causal=False):
    """The formula, operation by operation; weights that are forbidden are multiplied by 0 before they are divided."""
    T_q, T_k = q.shape[-2], k.shape[-2]
    allowed = np.ones((T_q, T_k), bool) if mask is None else np.broadcast_to(mask, (T_q, T_k))
    allowed = allowed & np.tril(np.ones((T_q, T_k), bool)) if causal else allowed
    axes = [*range(k.ndim - 2), k.ndim - 1, k.ndim - 2]
    e = (q @ k.transpose(axes) / np.sqrt(q.shape[-1])).exp() * allowed
    return (e / (e.sum(-1, keepdims=True) + ~allowed.any(-1, keepdims=True))) @ v


# The formula ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("shapes", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("causal", [False, True])
def test_attention_is_its_formula_in_one_operation(shapes, causal):
    first = [draw(*s) for s in shapes]
    second = [Tensor(t.data, requires_grad=True) for t in first]
    one, other = F.scaled_dot_product_attention(*first, causal=causal), composed(*second, causal=causal)
    assert one.op == "scaled_dot_product_attention"
    assert one.parents == tuple(first)
    np.testing.assert_allclose(one.data, other.data, rtol=1e-12, atol=1e-14)
    upstream = rng.standard_normal(one.shape)
    one.backward(upstream)
    other.backward(upstream)
    for a, b in zip(first, second):
        np.testing.assert_allclose(a.grad, b.grad, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("mask", [None, SELECT, SELECT[0], SELECT[:, :1]], ids=["none", "pairs", "keys", "queries"])
@pytest.mark.parametrize("causal", [False, True])
def test_masks_and_causality_against_the_formula_and_finite_differences(mask, causal):
    q, k, v = draw(2, 3, 4), draw(2, 5, 4), draw(2, 5, 2)
    f = lambda q, k, v: F.scaled_dot_product_attention(q, k, v, mask, causal)
    np.testing.assert_allclose(f(q, k, v).data, composed(q, k, v, mask, causal).data, rtol=1e-12, atol=1e-14)
    assert gradcheck(f, q, k, v)


@pytest.mark.parametrize("heads", [1, 2, 3])
@pytest.mark.parametrize("causal", [False, True])
def test_many_heads_are_attention_on_parts_of_the_features(heads, causal):
    q, k, v = draw(2, 3, 6), draw(2, 5, 6), draw(2, 5, 6)
    mask = SELECT[:2, None, None]  # (N, 1, 1, T_k): padding
    out, weights = F.multi_head_attention(q, k, v, heads=heads, mask=mask, causal=causal, return_weights=True)
    for h, part in enumerate(np.split(np.arange(6), heads)):
        one, w = F.scaled_dot_product_attention(q.data[..., part], k.data[..., part], v.data[..., part], mask[:, 0],
                                                causal, return_weights=True)
        np.testing.assert_allclose(out.data[..., part], one.data, rtol=1e-12)
        np.testing.assert_allclose(weights[:, h], w, rtol=1e-12)
    assert gradcheck(lambda *qkv: F.multi_head_attention(*qkv, heads=heads, mask=mask, causal=causal), q, k, v)


def test_one_packed_array_is_the_three_side_by_side():
    packed = draw(2, 5, 3 * 4)
    parts = [Tensor(a, requires_grad=True) for a in np.split(packed.data, 3, -1)]
    one, three = (F.multi_head_attention(*inputs, heads=2, causal=True) for inputs in ([packed], parts))
    np.testing.assert_array_equal(one.data, three.data)
    one.backward(one.data)
    three.backward(one.data)
    np.testing.assert_allclose(packed.grad, np.concatenate([p.grad for p in parts], -1), rtol=1e-14)


def test_everybody_looks_at_everybody_unless_told_otherwise():
    packed = draw(2, 5, 3 * 4)
    np.testing.assert_array_equal(F.multi_head_attention(packed, heads=2).data,
                                  F.multi_head_attention(packed, heads=2, causal=False).data)


# Its meaning ---------------------------------------------------------------------------------------------------------
def test_weights_sum_to_one_and_mix_the_values():
    q, k, v = draw(2, 3, 4), draw(2, 5, 4), draw(2, 5, 2)
    out, weights = F.scaled_dot_product_attention(q, k, v, return_weights=True)
    assert weights.shape == (2, 3, 5)
    np.testing.assert_allclose(weights.sum(-1), 1, rtol=1e-12)
    np.testing.assert_allclose(out.data, weights @ v.data, rtol=1e-12)
    with pytest.raises(ValueError, match="read-only"):
        weights[:] = 0


@pytest.mark.parametrize("how", ["causal", "mask"])
@pytest.mark.parametrize("size", [1.0, 99.0, 1e4])
def test_a_query_sees_nothing_of_what_is_masked_to_the_last_bit(how, size):
    for seed in range(20):
        own = np.random.default_rng(seed)
        q, k, v = own.standard_normal((4, 3)), own.standard_normal((4, 3)), own.standard_normal((4, 2))
        option = {"causal": True} if how == "causal" else {"mask": np.tri(4, dtype=bool)}
        before = F.scaled_dot_product_attention(q, k, v, **option).data
        k[2:], v[2:] = size * own.standard_normal((2, 3)), size
        after = F.scaled_dot_product_attention(q, k, v, **option).data
        assert (before[:2] == after[:2]).all()
        assert (before[2:] != after[2:]).any()


def test_attention_does_not_know_the_order_of_the_keys():
    q, k, v = draw(4, 3), draw(6, 3), draw(6, 2)
    order = np.array([3, 1, 5, 0, 4, 2])
    np.testing.assert_allclose(F.scaled_dot_product_attention(q, k.data[order], v.data[order]).data,
                               F.scaled_dot_product_attention(q, k, v).data, rtol=1e-12)


# The edges -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [1.0, 1e3])  # with scores small and huge
def test_a_query_that_may_look_nowhere_gives_zeros_and_no_gradient(dtype, size):
    q, k, v = (Tensor(size * rng.standard_normal(s).astype(dtype), requires_grad=True) for s in SHAPES["plain"])
    out, weights = F.scaled_dot_product_attention(q, k, v, SELECT, return_weights=True)
    assert not out.data[1].any()
    assert not weights[1].any()
    out.backward(np.ones((3, 4)))
    assert not q.grad[1].any()
    assert all(np.isfinite(t.grad).all() for t in (q, k, v))
    assert q.grad.dtype == out.dtype == weights.dtype == dtype
    q.zero_grad(), k.zero_grad(), v.zero_grad()
    F.scaled_dot_product_attention(q, k, v, np.zeros((3, 5), bool)).sum().backward()
    assert not q.grad.any()
    assert not k.grad.any()
    assert not v.grad.any()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_huge_scores_choose_one_value_exactly(dtype):
    q, k, v = (Tensor(np.array(a, dtype), requires_grad=True) for a in ([[1e4, 0]], [[1, 0], [-1, 0]], [[2.0], [3.0]]))
    out = F.scaled_dot_product_attention(q, k, v)
    assert out.data.tolist() == [[2.0]]
    out.sum().backward()
    assert all(np.isfinite(t.grad).all() for t in (q, k, v))
    assert F.scaled_dot_product_attention(-q, k, v).data.tolist() == [[3.0]]


def test_rows_of_very_negative_scores_are_not_lost():
    q, k = np.array([[1.0], [100.0]]), np.array([[-8.0], [-9.0]])
    out = F.scaled_dot_product_attention(q, k, np.array([[1.0], [0.0]])).data
    np.testing.assert_allclose(out[:, 0], [1 / (1 + np.exp(-1.0)), 1], rtol=1e-14)


def test_no_keys_at_all_give_zeros():
    out = F.scaled_dot_product_attention(np.ones((2, 3)), np.ones((0, 3)), np.ones((0, 4)))
    assert out.data.tolist() == [[0] * 4] * 2


@pytest.mark.parametrize(("shapes", "mask", "error", "told"), [
    (((3, 2), (5, 3), (5, 4)), None, ValueError, r"\(3, 2\) and \(5, 3\) and \(5, 4\): q must be"),
    (((3, 2), (5, 2), (4, 4)), None, ValueError, "q must be"),
    (((2,), (5, 2), (5, 4)), None, ValueError, "q must be"),
    (((3, 2), (5, 2), (5, 4)), np.ones((3, 4), bool), ValueError, r"mask has shape \(3, 4\).*T_k\), \(3, 5\)"),
    (((3, 2), (5, 2), (5, 4)), np.ones((2, 3, 5), bool), ValueError, r"mask has shape \(2, 3, 5\)"),
    (((3, 2), (5, 2), (5, 4)), np.ones((3, 5)), TypeError, "array of booleans.*got float64"),
])
def test_attention_explains_what_does_not_fit(shapes, mask, error, told):
    with pytest.raises(error, match=told):
        F.scaled_dot_product_attention(*(draw(*s) for s in shapes), mask)


@pytest.mark.parametrize(("shapes", "heads"), [
    ([(2, 3, 4)], 1), ([(2, 3, 6)], 4), ([(3, 6)], 2), ([(2, 3, 6)] * 2, 2),
    ([(2, 3, 6), (2, 3, 6), (2, 3, 5)], 2), ([(2, 3, 6), (3, 6), (2, 3, 6)], 2),
])
def test_heads_explain_what_does_not_fit(shapes, heads):
    with pytest.raises(ValueError, match=rf"one array \(N, T, 3D\), with a D that {heads} heads divide"):
        F.multi_head_attention(*(draw(*s) for s in shapes), heads=heads)


# The layer -----------------------------------------------------------------------------------------------------------
def attention(dim=6, heads=2):
    return MultiHeadAttention(dim, heads, init=lambda shape, **k: init.normal(shape, 0.5, **k), dtype=np.float64, rng=0)


def test_self_attention_is_cross_attention_with_oneself():
    layer, x = attention(), draw(2, 3, 6)
    one, w = layer(x, causal=True, return_weights=True)
    other, u = layer(x, x, causal=True, return_weights=True)
    np.testing.assert_allclose(one.data, other.data, rtol=1e-12)
    np.testing.assert_allclose(w, u, rtol=1e-12)
    grads = []
    for out in (one, other):
        layer.zero_grad(), x.zero_grad()
        out.backward(np.cos(out.data))
        grads.append([x.grad.copy(), *(p.grad.copy() for p in layer.parameters())])
    for a, b in zip(*grads):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("bias", [True, False])
def test_finite_differences_agree_on_the_layer(bias):
    layer = MultiHeadAttention(4, 2, bias, dtype=np.float64, rng=0)
    assert len(layer.parameters()) == (8 if bias else 4)
    params = [p for p in layer.parameters() if p is not layer.key.bias]  # shifts all scores of a row: no effect
    assert gradcheck(layer, draw(2, 3, 4), params=params)
    assert gradcheck(layer, draw(2, 3, 4), draw(2, 5, 4), SELECT[:2], params=params)


def test_padding_is_as_if_the_padded_were_not_there():
    layer, x = attention(), rng.standard_normal((2, 5, 6))
    mask = np.array([[True] * 5, [True] * 3 + [False] * 2])
    out, weights = layer(x, mask=mask, return_weights=True)
    assert weights.shape == (2, 2, 5, 5)
    assert not weights[1, ..., 3:].any()
    np.testing.assert_allclose(out.data[1, :3], layer(x[1:, :3]).data[0], rtol=1e-12)
    np.testing.assert_allclose(out.data[0], layer(x[:1]).data[0], rtol=1e-12)


def test_masks_of_two_three_and_four_axes():
    layer, x = attention(), rng.standard_normal((2, 3, 6))
    keys = np.array([[True, True, False], [True, False, True]])
    whole = np.broadcast_to(keys[:, None, None], (2, 2, 3, 3))
    for mask in (keys, whole[:, 0], whole):
        np.testing.assert_array_equal(layer(x, mask=mask).data, layer(x, mask=keys).data)
    with pytest.raises(ValueError, match=r"MultiHeadAttention\(6, 2 heads\) got a mask of shape \(3,\): it must be"):
        layer(x, mask=keys[0])
    with pytest.raises(ValueError, match="must broadcast"):
        layer(x, mask=np.ones((3, 3), bool))


def test_the_layer_explains_what_does_not_fit():
    with pytest.raises(ValueError, match="4 heads cannot share 6 features evenly"):
        MultiHeadAttention(6, 4)
    with pytest.raises(ValueError, match="heads counts heads, a whole number"):
        MultiHeadAttention(6, 0)
    with pytest.raises(ValueError, match=r"\(6, 1 head\) got x of shape \(3, 6\): it must be \(N, T, 6\)"):
        MultiHeadAttention(6)(np.ones((3, 6)))
    with pytest.raises(ValueError, match=r"got context of shape \(2, 3, 5\)"):
        MultiHeadAttention(6)(np.ones((2, 3, 6)), np.ones((2, 3, 5)))


def test_a_layer_of_heads_casts_its_input():
    assert MultiHeadAttention(4)(np.ones((1, 2, 4)), np.ones((1, 3, 4), int)).dtype == np.float32


# Symbols and places --------------------------------------------------------------------------------------------------
def test_an_embedding_collects_the_gradients_of_all_uses_of_a_row():
    table, places = draw(5, 3), np.array([[4, 1, 4], [0, 4, 1]])
    out = F.embedding(places, table)
    np.testing.assert_array_equal(out.data, table.data[places])
    upstream = rng.standard_normal((2, 3, 3))
    out.backward(upstream)
    one_hot = np.eye(5)[places].reshape(-1, 5)
    np.testing.assert_allclose(table.grad, one_hot.T @ upstream.reshape(-1, 3), rtol=1e-12)
    assert not table.grad[2:4].any()
    assert gradcheck(lambda W: F.embedding(places, W), table)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_embedding_layer(dtype):
    layer = Embedding(400, 50, dtype=dtype, rng=0)
    assert layer([3, 1]).data.tolist() == layer.weight.data[[3, 1]].tolist()
    assert layer(np.uint8(3)).shape == (50,)
    assert layer(np.zeros((0, 2), int)).shape == (0, 2, 50)
    assert layer.weight.dtype == dtype
    assert 0.98 < layer.weight.data.std() < 1.02  # N(0, 1): 20,000 draws, so within 0.02 four times the error
    layer([3, 3]).sum().backward()
    assert layer.weight.grad.dtype == dtype
    assert repr(layer) == "Embedding(400 -> 50), 20,000 parameters"


@pytest.mark.parametrize(("indices", "error", "told"), [
    ([0, 5], IndexError, r"indices must lie in 0 ... 4; they reach from 0 to 5"),
    ([-1, 0], IndexError, "from -1 to 0"),
    ([0.0], TypeError, "whole numbers that say which row; got float64"),
    ([True], TypeError, "got bool"),
])
def test_an_embedding_reads_its_indices(indices, error, told):
    with pytest.raises(error, match=told):
        Embedding(5, 2)(indices)


def test_an_embedding_table_has_two_axes():
    with pytest.raises(ValueError, match=r"table must be \(V, dim\)"):
        F.embedding([0], np.ones(3))


def test_sinusoidal_positions_are_their_formula():
    for length, dim in ((7, 6), (5, 5), (3, 1)):
        p = F.sinusoidal_positions(length, dim, dtype=np.float64)
        expected = [[(np.cos if j % 2 else np.sin)(t / 10000 ** ((j - j % 2) / dim)) for j in range(dim)]
                    for t in range(length)]
        np.testing.assert_allclose(p, np.reshape(expected, (length, dim)), rtol=1e-13, atol=1e-15)
    assert F.sinusoidal_positions(3, 4).dtype == np.float32


def test_learned_positions_are_added():
    layer, x = LearnedPositions(6, 3, dtype=np.float64, rng=0), draw(2, 4, 3)
    np.testing.assert_array_equal(layer(x).data, x.data + layer.weight.data[:4])
    np.testing.assert_array_equal(layer(x.data[0]).data, x.data[0] + layer.weight.data[:4])
    assert layer.weight.label == "LearnedPositions(6, 3).weight"
    assert gradcheck(layer, x, params=[layer.weight])
    assert np.abs(LearnedPositions(50, 50, rng=0).weight.data).max() < 0.1  # five times 0.02
    for shape in ((2, 7, 3), (2, 4, 2), (3,)):
        with pytest.raises(ValueError, match=r"LearnedPositions\(6, 3\) got x of shape .* T at most 6"):
            layer(np.ones(shape))
