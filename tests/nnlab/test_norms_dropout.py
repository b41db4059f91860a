"""Layers that normalise, drop, add and remember: exact on average, honest about their mode, saved with the model."""

import copy

import numpy as np
import pytest

import nnlab
from nnlab import BatchNorm1d, Dropout, LayerNorm, Linear, Residual, Sequential, Tensor, TransformerBlock, gradcheck
from nnlab import functional as F

rng = np.random.default_rng(0)


def draw(*shape):
    return Tensor(rng.standard_normal(shape), requires_grad=True)


def agree(one, other, tensors):
    """Two Tensors have equal values and send equal gradients to `tensors`."""
    np.testing.assert_allclose(one.data, other.data, rtol=1e-10, atol=1e-12)
    grads = []
    for out in (one, other):
        for t in tensors:
            t.zero_grad()
        out.backward(np.cos(np.arange(out.size).reshape(out.shape)))
        grads.append([t.grad.copy() for t in tensors])
    for a, b in zip(*grads):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)


# Dropout -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("p", [0.1, 0.3, 0.8])
def test_p_is_the_probability_of_dropping_and_the_mean_is_preserved(p):
    n = 200_000
    y = F.dropout(np.ones(n), p, rng=0).data
    assert set(np.unique(y)) == {0.0, 1 / (1 - p)}
    error = 5 * np.sqrt(p * (1 - p) / n)  # five standard errors
    assert abs((y == 0).mean() - p) < error
    assert abs(y.mean(dtype=float) - 1) < error / (1 - p)


def test_the_gradient_flows_where_the_number_was_kept():
    x = draw(50, 3)
    y = F.dropout(x, 0.3, rng=0)
    assert y.op == "dropout"
    upstream = rng.standard_normal(x.shape)
    y.backward(upstream)
    np.testing.assert_allclose(x.grad, upstream * (y.data != 0) / 0.7, rtol=1e-14)
    assert gradcheck(lambda x: F.dropout(x, 0.3, rng=7), x)


def test_dropout_is_the_identity_in_evaluation_and_for_p_0():
    x = draw(4)
    assert F.dropout(x, 0.3, training=False) is x
    assert F.dropout(x, 0) is x
    assert F.dropout([1.0, 2.0], 0.3, training=False).data.tolist() == [1.0, 2.0]
    layer = Dropout(0.3)
    assert layer.eval()(x) is x
    assert layer.train()(x) is not x


def test_dropout_draws_anew_each_time_and_can_be_repeated():
    x, layer, twin = np.ones(100), Dropout(0.3, rng=5), Dropout(0.3, rng=5)
    first = layer(x).data
    assert (first == twin(x).data).all()
    assert (first != layer(x).data).any()
    nnlab.manual_seed(1)
    first = Dropout(0.3)(x).data
    nnlab.manual_seed(1)
    assert (first == Dropout(0.3)(x).data).all()


def test_a_block_without_a_generator_of_its_own_follows_the_seed_of_the_thread():
    block, outputs, x = TransformerBlock(4, dropout=0.3), [], rng.standard_normal((2, 3, 4))
    for _ in range(2):
        nnlab.manual_seed(1)
        outputs.append(block(x).data)
    assert (block(x).data != outputs[0]).any()
    assert (outputs[0] == outputs[1]).all()


def test_one_half_is_dropped_unless_told_otherwise():
    assert repr(Dropout()) == "Dropout(0.5), 0 parameters"


@pytest.mark.parametrize("p", [1, 1.5, -0.1, np.nan])
def test_p_lies_in_0_to_1(p):
    for make in (lambda: Dropout(p), lambda: F.dropout([1.0], p), lambda: F.dropout([1.0], p, training=False),
                 lambda: TransformerBlock(4, dropout=p)):
        with pytest.raises(ValueError, match=r"p is the probability that a number is dropped, in \[0, 1\); got"):
            make()


# Layer norm ----------------------------------------------------------------------------------------------------------
def test_layer_norm_and_its_composed_twin():
    def composed(x, w, b):
        c = x - x.mean(-1, keepdims=True)
        return c / ((c * c).mean(-1, keepdims=True) + 0.1).sqrt() * w + b

    for shape in ((5, 3), (3,), (2, 5, 3)):
        inputs = draw(*shape), draw(3), draw(3)
        agree(F.layer_norm(*inputs, eps=0.1), composed(*inputs), inputs)
    assert F.layer_norm(*inputs).op == "layer_norm"
    assert gradcheck(F.layer_norm, *inputs)


def test_layer_norm_brings_every_example_to_mean_0_and_variance_1():
    y = LayerNorm(50, eps=0, dtype=np.float64)(7 + 3 * rng.standard_normal((4, 2, 50))).data
    np.testing.assert_allclose(y.mean(-1), 0, atol=1e-14)
    np.testing.assert_allclose(y.var(-1), 1, rtol=1e-13)


def test_layer_norm_of_equal_features_is_its_bias():
    layer = LayerNorm(3)
    layer.bias.data = [1.0, 2.0, 3.0]
    assert layer(np.full((2, 3), 7.0)).data.tolist() == [[1.0, 2.0, 3.0]] * 2


# Batch norm ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("shape", [(5, 3), (2, 3), (4, 3, 5)])
def test_batch_norm_and_its_composed_twin(shape):
    axes, column = ((0, 2), (3, 1)) if len(shape) == 3 else (0, (3,))
    x, w, b = inputs = draw(*shape), draw(3), draw(3)
    running = np.zeros(3), np.ones(3)
    c = x - x.mean(axes, keepdims=True)
    composed = c / ((c * c).mean(axes, keepdims=True) + 0.1).sqrt() * w.reshape(column) + b.reshape(column)
    fused = F.batch_norm(x, *running, w, b, True, 1.0, 0.1)
    agree(fused, composed, inputs)
    np.testing.assert_allclose(running, [x.data.mean(axes), x.data.var(axes, ddof=1)], rtol=1e-12)
    composed = (x - running[0].reshape(column)) / np.sqrt(running[1].reshape(column) + 0.1) * w.reshape(column)
    agree(F.batch_norm(x, *running, w, b, False, 1.0, 0.1), composed + b.reshape(column), inputs)
    assert fused.op == "batch_norm"
    assert gradcheck(lambda x, w, b: F.batch_norm(x, np.zeros(3), np.ones(3), w, b, True), *inputs)
    assert gradcheck(lambda x, w, b: F.batch_norm(x, *running, w, b), *inputs)


def test_batch_norm_remembers_batches_in_training_only():
    layer, x = BatchNorm1d(2, momentum=0.25), np.array([[0.0, 1.0], [4.0, 1.0]])
    layer(x)
    assert layer.running_mean.data.tolist() == [0.5, 0.25]
    assert layer.running_var.data.tolist() == [0.75 + 0.25 * 8, 0.75]
    layer.eval()(x + 1)
    assert layer.running_mean.data.tolist() == [0.5, 0.25]
    twin = copy.deepcopy(layer)
    layer.train()(x)
    assert twin.running_mean.data.tolist() == [0.5, 0.25]


@pytest.mark.parametrize("layer", [LayerNorm(2, eps=3.0), BatchNorm1d(2, eps=3.0)])
def test_eps_is_added_to_the_variance(layer):
    x = [[1.0, 3.0], [3.0, 1.0]]  # mean 2 and variance 1, along either axis
    np.testing.assert_allclose(layer(x).data, [[-0.5, 0.5], [0.5, -0.5]])


@pytest.mark.parametrize("shape", [(1, 3), (1, 3, 1), (0, 3)])
def test_batch_norm_needs_two_numbers_per_feature_in_training(shape):
    layer = BatchNorm1d(3)
    with pytest.raises(ValueError, match=r"BatchNorm1d\(3\): .*[01] number per feature has no variance: .*eval\(\)"):
        layer(np.ones(shape))
    assert layer.running_var.data.tolist() == [1, 1, 1]
    assert layer.eval()(np.ones(shape)).shape == shape


@pytest.mark.parametrize(("layer", "shape", "told"), [
    (LayerNorm(3), (5, 4), r"LayerNorm\(3\): .*shapes \(5, 4\).* x must be \(..., D\)"),
    (BatchNorm1d(3), (5, 4), r"BatchNorm1d\(3\): .*shapes \(5, 4\).* x must be \(N, C\) or"),
    (BatchNorm1d(3), (5, 4, 3), "x must be"),
    (BatchNorm1d(3), (3,), "x must be"),
    (BatchNorm1d(3), (5, 3, 2, 2), "x must be"),
])
def test_norms_explain_shapes(layer, shape, told):
    with pytest.raises(ValueError, match=told):
        layer(np.ones(shape))


def test_buffers_are_saved_converted_and_not_learned():
    model = Sequential(Linear(2, 3), BatchNorm1d(3))
    model(rng.standard_normal((5, 2)))
    assert [name for name, _ in model.named_buffers()] == ["layers.1.running_mean", "layers.1.running_var"]
    assert len(model.parameters()) == 4
    state = model.state_dict()
    assert list(state)[4:] == ["layers.1.running_mean", "layers.1.running_var"]
    other = Sequential(Linear(2, 3), BatchNorm1d(3))
    other.load_state_dict(state)
    assert (other.layers[1].running_mean.data == model.layers[1].running_mean.data).all()
    assert other.layers[1].running_mean.data.any()
    model.to(np.float64)
    assert model.layers[1].running_var.dtype == np.float64
    assert model(np.ones((5, 2))).dtype == np.float64


# Residuals and the transformer block ---------------------------------------------------------------------------------
def test_a_residual_adds_what_its_layer_says():
    layer, x = Linear(3, 3, rng=0, dtype=np.float64), draw(4, 3)
    np.testing.assert_array_equal(Residual(layer)(x).data, x.data + layer(x).data)
    assert gradcheck(Residual(layer), x, params=layer.parameters())
    assert Residual(Linear(3, 3))(np.ones((2, 3))).dtype == np.float32
    with pytest.raises(ValueError, match=r"Residual\(Linear\(3 -> 2\)\) turned shape \(4, 3\) into \(4, 2\)"):
        Residual(Linear(3, 2))(np.ones((4, 3)))


@pytest.mark.parametrize("norm_first", [True, False])
def test_a_transformer_block_is_attention_and_an_mlp_with_residuals_and_norms(norm_first):
    block, x = TransformerBlock(6, 2, 5, norm_first=norm_first, dtype=np.float64, rng=0), draw(2, 4, 6)
    attention, norm1, mlp, norm2 = block.attention, block.norm1, block.mlp, block.norm2
    norm2.weight.data = norm2.weight.data + 0.1
    if norm_first:
        y = x + attention(norm1(x))
        composed = y + mlp(norm2(y))
    else:
        y = norm1(x + attention(x))
        composed = norm2(y + mlp(y))
    agree(block(x), composed, [x, *(p for p in block.parameters() if p is not attention.key.bias)])
    assert mlp.sizes == (6, 5, 6)
    assert TransformerBlock(6).mlp.sizes == (6, 24, 6)


def test_a_causal_block_sees_nothing_of_the_future_and_hands_out_its_weights():
    block, x = TransformerBlock(6, 2, causal=True, rng=0), rng.standard_normal((2, 4, 6))
    y, weights = block(x, return_weights=True)
    assert weights.shape == (2, 2, 4, 4)
    assert not weights[..., np.triu(np.ones((4, 4), bool), 1)].any()
    x[:, 2:] = 9
    assert (block(x).data[:, :2] == y.data[:, :2]).all()
    assert repr(block).startswith("TransformerBlock(6, 2 heads, hidden 24, causal), ")
    assert repr(TransformerBlock(6, norm_first=False)).startswith("TransformerBlock(6, 1 head, hidden 24, norm last), ")


def test_padding_in_a_block_is_as_if_the_padded_were_not_there():
    block, x = TransformerBlock(6, 2, dtype=np.float64, rng=0), rng.standard_normal((2, 5, 6))
    mask = np.array([[True] * 5, [True] * 3 + [False] * 2])
    np.testing.assert_allclose(block(x, mask).data[1, :3], block(x[1:, :3]).data[0], rtol=1e-11)


@pytest.mark.parametrize("norm_first", [True, False])
def test_dropout_in_a_block_works_on_both_of_its_branches(norm_first):
    block = TransformerBlock(4, dropout=0.5, norm_first=norm_first, dtype=np.float64, rng=0)
    x = rng.standard_normal((2, 3, 4))
    whole = block.eval()(x).data
    block.train().dropout.rng = np.random.default_rng(0)
    assert not np.allclose(block(x).data, whole)
    calls = []
    block.dropout.forward = lambda y: calls.append(y) or Tensor(np.zeros(y.shape))
    skipped = block(x).data
    assert len(calls) == 2
    np.testing.assert_allclose(skipped, x if norm_first else block.norm2(block.norm1(x)).data, rtol=1e-12)


def test_observers_see_the_output_not_the_weights():
    block, seen = TransformerBlock(4, rng=0), {}
    with nnlab.observe(lambda m, out: seen.setdefault(type(m).__name__, out.shape)):
        block(np.ones((2, 3, 4)), return_weights=True)
    assert seen["MultiHeadAttention"] == seen["TransformerBlock"] == (2, 3, 4)
