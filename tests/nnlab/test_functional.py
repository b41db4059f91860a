"""Activations, losses and the dense layer: exact at the edges, equal to their twins, and honest about shapes."""

import math

import numpy as np
import pytest

from nnlab import Tensor, gradcheck
from nnlab import functional as F

rng = np.random.default_rng(0)
HUGE = np.array([-1e4, -800.0, -1.0, 0.0, 1.0, 800.0, 1e4])


def draw(*shape):
    return Tensor(rng.standard_normal(shape), requires_grad=True)


def backward(out, seed=0):
    out.backward(np.random.default_rng(seed).standard_normal(out.shape))


# A fused operation against its twin composed of simple ones -----------------------------------------------------------
def erf(x):
    """2 / sqrt(pi) times the integral of e^(-u^2) from 0 to x, with u = x t, by Gauss and Legendre in 60 points."""
    t, w = np.polynomial.legendre.leggauss(60)
    return x * sum(float(b) * (-(x * (a + 1) / 2) ** 2).exp() for a, b in zip(t.tolist(), w)) / np.sqrt(np.pi)


COMPOSED = {
    "relu": lambda z: z * (z > 0),
    "leaky_relu": lambda z: z * np.where((z > 0), 1, 0.01),
    "elu": lambda z: np.where(z > 0, 1, 0) * z + np.where(z > 0, 0, 1) * (z.exp() - 1),
    "selu": lambda z: 1.0507009873554805 * (np.where(z > 0, 1, 0) * z
                                            + np.where(z > 0, 0, 1.6732632423543772) * (z.exp() - 1)),
    "gelu": lambda z: z * erf(z / np.sqrt(2)) / 2 + z / 2,
    "gelu_tanh": lambda z: 0.5 * z * (1 + F.tanh(np.sqrt(2 / np.pi) * (z + 0.044715 * z**3))),
    "sigmoid": lambda z: 1 / (1 + (-z).exp()),
    "tanh": lambda z: 1 - 2 / ((2 * z).exp() + 1),
}


def assert_twins(fused, composed, *arrays):
    first = [Tensor(a, requires_grad=True) for a in arrays]
    second = [Tensor(a, requires_grad=True) for a in arrays]
    one, other = fused(*first), composed(*second)
    np.testing.assert_allclose(one.data, other.data, rtol=1e-12, atol=1e-14)
    backward(one)
    backward(other)
    for a, b in zip(first, second):
        np.testing.assert_allclose(a.grad, b.grad, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("name", COMPOSED)
def test_activations_and_their_composed_twins(name):
    assert_twins(F.ACTIVATIONS[name], COMPOSED[name], rng.standard_normal((5, 3)))


@pytest.mark.parametrize("name", COMPOSED)
@pytest.mark.parametrize("shape", [(5, 3), (3,), (2, 5, 3)])
def test_the_dense_layer_and_its_composed_twin(name, shape):
    # not far from 0, where the twin of gelu, 1 + erf, loses its digits
    x, W, b = rng.standard_normal(shape), rng.standard_normal((3, 4)) / 3, rng.standard_normal(4)
    assert_twins(lambda x, W, b: F.linear(x, W, b, name), lambda x, W, b: COMPOSED[name](x @ W + b), x, W, b)


def test_the_dense_layer_is_one_operation():
    out = F.linear(draw(5, 3), draw(3, 4), draw(4), "tanh")
    assert out.op == "linear"
    assert [p.op for p in out.parents] == [None] * 3


def test_softmax_with_cross_entropy_and_its_composed_twin():
    y = np.array([0, 2, 1, 1])
    z = rng.standard_normal((4, 3))
    composed = lambda z: -(z.exp() / z.exp().sum(1, keepdims=True)).log()[np.arange(4), y].mean()
    assert_twins(lambda z: F.cross_entropy(z, y), composed, z)
    assert_twins(lambda z: F.cross_entropy(z, y), lambda z: -F.log_softmax(z)[np.arange(4), y].mean(), z)


def test_binary_cross_entropy_and_its_composed_twin():
    y = np.array([0.0, 1.0, 0.3])
    composed = lambda z: -(y * F.sigmoid(z).log() + (1 - y) * (1 - F.sigmoid(z)).log()).mean()
    assert_twins(lambda z: F.binary_cross_entropy_with_logits(z, y), composed, rng.standard_normal(3))


def test_softmax_and_its_composed_twin():
    z = rng.standard_normal((2, 3, 4))
    assert_twins(lambda z: F.softmax(z, 1, 2.0), lambda z: (z / 2).exp() / (z / 2).exp().sum(1, keepdims=True), z)


def test_mean_squared_error_and_its_composed_twin():
    assert_twins(F.mse_loss, lambda a, b: ((a - b) ** 2).mean(), *rng.standard_normal((2, 4, 3)))


# Finite differences --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", F.ACTIVATIONS)
def test_finite_differences_agree_on_activations(name):
    z = Tensor(np.array([-3.0, -1.5, -0.2, 0.3, 2.0, 5.0]), requires_grad=True)
    assert gradcheck(F.ACTIVATIONS[name], z)
    assert gradcheck(lambda x, W, b: F.linear(x, W, b, name), draw(4, 3), draw(3, 2), draw(2))


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_finite_differences_agree_on_losses(reduction):
    assert gradcheck(lambda z: F.cross_entropy(z, np.array([0, 2, 1]), reduction), draw(3, 3))
    assert gradcheck(lambda z: F.binary_cross_entropy_with_logits(z, np.array([0, 1, 0.5]), reduction), draw(3))
    assert gradcheck(lambda a, b: F.mse_loss(a, b, reduction), draw(3, 2), draw(3, 2))
    assert gradcheck(lambda z: F.softmax(z, 0), draw(3, 2))
    assert gradcheck(lambda z: F.log_softmax(z, 0, 0.5), draw(3, 2))


# The edges -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", F.ACTIVATIONS)
def test_activations_of_huge_inputs_are_finite_with_finite_gradients(name, dtype):
    z = Tensor(HUGE.astype(dtype), requires_grad=True)
    a = F.ACTIVATIONS[name](z)
    a.sum().backward()
    assert np.isfinite(a.data).all()
    assert np.isfinite(z.grad).all()
    assert a.dtype == z.grad.dtype == dtype


def test_sigmoid_of_huge_inputs():
    assert F.sigmoid(HUGE).data[[0, 1, 3, 5, 6]].tolist() == [0.0, 0.0, 0.5, 1.0, 1.0]
    np.testing.assert_allclose(F.sigmoid(np.array(-40.0)).item(), np.exp(-40.0), rtol=1e-15)


@pytest.mark.parametrize("z", [-37.0, -20.0, -8.0, -3.0, -1.0, -1e-9, 0.0, 1e-9, 0.5, 2.0, 8.0, 37.0])
def test_gelu_keeps_all_its_digits_in_both_tails(z):
    below = math.erfc(-z / math.sqrt(2)) / 2  # P(X < z)
    x = Tensor(np.array(z), requires_grad=True)
    y = F.gelu(x)
    np.testing.assert_allclose(y.item(), z * below, rtol=1e-12)
    y.backward()
    slope = below + z * math.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    np.testing.assert_allclose(x.grad, slope, rtol=1e-10)
    single = F.gelu(np.array(z, np.float32)).item()
    np.testing.assert_allclose(single, z * below, rtol=2e-5 if abs(z) > 8 else 3e-6, atol=1e-37)


def test_elu_of_huge_inputs_and_near_0():
    y = F.elu(np.array([-1e4, -1e-12, 1e4]), alpha=2.0).data
    np.testing.assert_allclose(y, [-2, -2e-12, 1e4], rtol=1e-11)


def test_an_option_from_numpy_does_not_widen_float32():
    z = Tensor(np.array([-1.0, 1.0], np.float32), requires_grad=True)
    for f in (F.leaky_relu, F.elu, lambda z, T: F.softmax(z, -1, T), lambda z, T: F.log_softmax(z, -1, T)):
        f(z, np.float64(0.3)).sum().backward()
        assert f(z, np.float64(0.3)).dtype == np.float32
    assert F.leaky_relu(z, negative_slope=np.float64(0.3)).dtype == np.float32


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_losses_of_huge_logits_are_exact(dtype):
    z = Tensor(HUGE.astype(dtype), requires_grad=True)
    y = (HUGE > 0).astype(int)
    right = F.binary_cross_entropy_with_logits(z, y, "none")
    assert right.data[[0, -1]].tolist() == [0.0, 0.0]  # confident and right costs nothing; not nan
    assert F.binary_cross_entropy_with_logits(z, 1 - y, "none").data[[0, -1]].tolist() == [1e4, 1e4]
    right.sum().backward()
    assert np.isfinite(z.grad).all()
    two = Tensor(np.stack([HUGE, -HUGE], 1).astype(dtype), requires_grad=True)
    cost = F.cross_entropy(two, np.zeros(7, int), "none")
    assert cost.data[[0, -1]].tolist() == [2e4, 0.0]
    cost.sum().backward()
    assert two.grad[[0, -1]].tolist() == [[-1.0, 1.0], [0.0, 0.0]]


def test_softmax_sums_to_one_whatever_the_scores():
    p = F.softmax(np.array([[1e4, 1e4, -1e4], [-1e4, -1e4, -1e4]]))
    assert p.data.tolist() == [[0.5, 0.5, 0.0], [1 / 3, 1 / 3, 1 / 3]]


def test_nan_is_passed_on_not_hidden():
    for activation in F.ACTIVATIONS.values():
        assert np.isnan(activation(np.array([np.nan])).data).all()


# What is refused -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("loss", [F.mse_loss, F.binary_cross_entropy_with_logits])
def test_losses_never_broadcast(loss):
    with pytest.raises(ValueError, match=r"target has shape \(4,\), the output \(4, 1\).*nothing.*reshape\(4, 1\)"):
        loss(draw(4, 1), np.zeros(4))
    with pytest.raises(ValueError, match="must be equal"):
        loss(draw(4), np.zeros((4, 1)))
    with pytest.raises(ValueError, match="must be equal"):
        loss(draw(4), 0.0)


@pytest.mark.parametrize(("y", "error", "told"), [
    (np.array([0.0, 1.0]), TypeError, "whole-number labels, one per row; got float64"),
    (np.array([0, 3]), ValueError, r"labels must lie in 0 ... 2; they reach from 0 to 3"),
    (np.array([-1, 0]), ValueError, "from -1 to 0"),
    (np.array([[0], [1]]), ValueError, r"labels have shape \(2, 1\)"),
    (np.array([0, 1, 2]), ValueError, r"labels have shape \(3,\)"),
])
def test_cross_entropy_reads_its_labels(y, error, told):
    with pytest.raises(error, match=told):
        F.cross_entropy(draw(2, 3), y)


def test_cross_entropy_needs_two_classes():
    with pytest.raises(ValueError, match="C >= 2"):
        F.cross_entropy(draw(2, 1), np.array([0, 0]))


def test_an_empty_batch_has_no_loss():
    with pytest.raises(ValueError, match="the batch is empty"):
        F.mse_loss(np.zeros((0, 1)), np.zeros((0, 1)))
    with pytest.raises(ValueError, match="the batch is empty"):
        F.cross_entropy(np.zeros((0, 2)), np.zeros(0, int))


def test_an_unknown_reduction_activation_or_temperature():
    with pytest.raises(ValueError, match="'mean', 'sum' or 'none'; got 'max'"):
        F.mse_loss(draw(2), draw(2), reduction="max")
    with pytest.raises(ValueError, match=r"of relu, leaky_relu, elu, selu, sigmoid, tanh, gelu, gelu_tanh, .*'rleu'"):
        F.linear(draw(1, 2), draw(2, 2), activation="rleu")
    with pytest.raises(ValueError, match="got <function softmax"):
        F.find_activation(F.softmax)
    with pytest.raises(ValueError, match="temperature must be above 0; got 0"):
        F.softmax(draw(2), temperature=0)


def test_a_target_that_wants_a_gradient_is_refused_where_there_is_none():
    with pytest.raises(TypeError, match="no gradient for its target"):
        F.binary_cross_entropy_with_logits(draw(2), draw(2))
    F.binary_cross_entropy_with_logits(draw(2), Tensor(np.zeros(2)))  # a constant Tensor will do


@pytest.mark.parametrize(("arguments", "told"), [
    (((2, 3), (4, 5)), r"linear got shapes \(2, 3\) and \(4, 5\): the last axis of x"),
    (((2, 3), (3,)), "the last axis of x"),
    (((2, 3), (3, 4), (1,)), "the bias needs one number per output"),
    (((), (3, 4)), "the last axis of x"),
])
def test_linear_explains_shapes(arguments, told):
    with pytest.raises(ValueError, match=told):
        F.linear(*(draw(*shape) for shape in arguments))
