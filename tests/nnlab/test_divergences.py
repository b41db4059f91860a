"""Divergences: never negative, zero only between equals, right at the edges where a probability is 0."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnlab import Tensor, gradcheck
from nnlab import functional as F

LN2 = np.log(2)


def distributions(seed, *shape, axis=-1):
    a = np.random.default_rng(seed).random((2, *shape)) + 0.01
    return a / a.sum(axis if axis < 0 else axis + 1, keepdims=True)


@given(n=st.integers(1, 5), k=st.integers(1, 6), seed=st.integers(0, 999))
def test_divergences_are_not_negative_and_vanish_between_equals(n, k, seed):
    p, q = distributions(seed, n, k)
    kl, js = F.kl_divergence(p, q).data, F.js_divergence(p, q).data
    assert kl.shape == js.shape == (n,)
    assert (kl >= -1e-15).all()
    assert (js >= -1e-15).all()
    assert (js <= LN2).all()
    np.testing.assert_allclose(js, F.js_divergence(q, p).data, rtol=1e-12, atol=1e-15)
    assert not F.kl_divergence(p, p).data.any()
    assert not F.js_divergence(p, p).data.any()


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_divergences_and_their_composed_twins_along_an_axis(axis):
    arrays = distributions(0, 4, 3, 5, axis=axis)
    kl = lambda p, q: (p * (p / q).log()).sum(axis)
    js = lambda p, q: (kl(p, (p + q) / 2) + kl(q, (p + q) / 2)) / 2
    for fused, composed in ((F.kl_divergence, kl), (F.js_divergence, js)):
        first, second = ([Tensor(a, requires_grad=True) for a in arrays] for _ in range(2))
        one, other = fused(*first, axis=axis), composed(*second)
        np.testing.assert_allclose(one.data, other.data, rtol=1e-10)
        upstream = np.cos(np.arange(one.size)).reshape(one.shape)
        one.backward(upstream), other.backward(upstream)
        for a, b in zip(first, second):
            np.testing.assert_allclose(a.grad, b.grad, rtol=1e-10, atol=1e-12)
        assert gradcheck(lambda p, q, fused=fused: fused(p, q, axis=axis), *first)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_probabilities_of_zero(dtype):
    p, q = (Tensor(np.array(a, dtype), requires_grad=True) for a in ([1.0, 0.0, 0.0], [0.5, 0.5, 0.0]))
    kl, js = F.kl_divergence(p, q), F.js_divergence(p, q)
    assert kl.item() == pytest.approx(LN2, rel=1e-6)
    assert js.item() == pytest.approx((np.log(4 / 3) + 0.5 * np.log(2 / 3) + 0.5 * LN2) / 2, rel=1e-6)
    kl.backward()
    assert p.grad.tolist() == pytest.approx([LN2 + 1, 0, 0], rel=1e-6)
    assert q.grad.tolist() == [-2, 0, 0]
    p.zero_grad(), q.zero_grad()
    js.backward()
    assert p.grad.tolist() == pytest.approx([np.log(4 / 3) / 2, 0, 0], rel=1e-6)
    assert q.grad.tolist() == pytest.approx([np.log(2 / 3) / 2, LN2 / 2, 0], rel=1e-6)
    assert F.kl_divergence(q, p).item() == np.inf  # q says possible where p says never
    assert p.grad.dtype == js.dtype == dtype
    assert F.js_divergence(np.array([1.0, 0]), np.array([0.0, 1])).item() == LN2


def test_an_infinite_divergence_differentiates_without_a_warning():
    p, q = (Tensor(np.array(a), requires_grad=True) for a in ([0.5, 0.5], [1.0, 0.0]))
    F.kl_divergence(p, q).backward()
    assert q.grad.tolist() == [-0.5, -np.inf]


def test_a_tiny_probability_is_not_infinitely_far():
    tiny = np.float32(1e-45)
    kl = F.kl_divergence(np.array([0, 1], "f"), np.array([1, tiny], "f"))
    assert kl.item() == pytest.approx(-np.log(tiny), rel=1e-6)


@pytest.mark.parametrize("f", [F.kl_divergence, F.js_divergence])
@pytest.mark.parametrize(("p", "q", "told"), [
    ([0.5, 0.5], [[0.5, 0.5]], "got shapes .2,. and .1, 2.: p and q must have one"),
    ([0.5, 0.6], [0.5, 0.5], "p is no distribution along axis -1.*sums reach from 1.1 to 1.1"),
    ([0.5, 0.5015], [0.5, 0.5], "p is no distribution.*sums reach from 1.00[12]"),
    ([0.5, 0.5], [1.5, -0.5], "q is no distribution.*the smallest is -0.5"),
    (1.0, 1.0, "one and the same shape"),
])
def test_what_is_no_distribution_is_refused(f, p, q, told):
    with pytest.raises(ValueError, match=told):
        f(np.array(p), np.array(q))


# The Gaussian of a variational autoencoder ---------------------------------------------------------------------------
def test_gaussian_kl_is_its_integral():
    mu, log_var = np.array([[0.7, -1.2]]), np.array([[0.4, -1.5]])
    x = np.linspace(-30, 30, 60_001)
    expected = 0.0
    for m, v in zip(mu[0], np.exp(log_var[0])):
        log_p, log_q = -((x - m) ** 2) / (2 * v) - np.log(2 * np.pi * v) / 2, -(x**2) / 2 - np.log(2 * np.pi) / 2
        expected += (np.exp(log_p) * (log_p - log_q)).sum() * (x[1] - x[0])
    np.testing.assert_allclose(F.gaussian_kl(mu, log_var).item(), expected, rtol=1e-10)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_gaussian_kl_and_its_composed_twin(reduction):
    rng = np.random.default_rng(0)
    tensors = [Tensor(rng.standard_normal((5, 3)), requires_grad=True) for _ in range(2)]
    mu, log_var = tensors
    rows = (mu * mu + log_var.exp() - log_var - 1).sum(1) / 2
    fused = F.gaussian_kl(mu, log_var, reduction)
    composed = {"mean": rows.mean(), "sum": rows.sum(), "none": rows}[reduction]
    np.testing.assert_allclose(fused.data, composed.data, rtol=1e-12)
    assert fused.shape == ((5,) if reduction == "none" else ())
    assert gradcheck(lambda mu, log_var: F.gaussian_kl(mu, log_var, reduction), mu, log_var)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gaussian_kl_of_extreme_variances(dtype):
    log_var = Tensor(np.array([[-1e4], [0.0], [1e-6], [1e4]], dtype), requires_grad=True)
    mu = Tensor(np.zeros((4, 1), dtype), requires_grad=True)
    kl = F.gaussian_kl(mu, log_var, "none")
    assert kl.data[[0, 1, 3]].tolist() == [(1e4 - 1) / 2, 0, np.inf]
    assert 0 <= kl.data[2] < 1e-12
    kl.sum().backward()
    assert log_var.grad[[0, 1, 3], 0].tolist() == [-0.5, 0, np.inf]
    assert kl.dtype == mu.grad.dtype == log_var.grad.dtype == dtype


def test_gaussian_kl_refuses_what_does_not_fit():
    with pytest.raises(ValueError, match=r"shapes \(2, 3\) and \(2, 1\): mu and log_var must have one"):
        F.gaussian_kl(np.zeros((2, 3)), np.zeros((2, 1)))
    with pytest.raises(ValueError, match="the batch is empty"):
        F.gaussian_kl(np.zeros((0, 3)), np.zeros((0, 3)))
    with pytest.raises(ValueError, match="mu and log_var must have one and the same shape"):
        F.gaussian_kl(np.zeros(()), np.zeros(()))


def test_the_features_of_a_gaussian_are_the_last_axis_however_many_there_are():
    mu, log_var = np.random.default_rng(0).standard_normal((2, 5, 3, 4))
    each = (mu**2 + np.exp(log_var) - log_var - 1).sum(-1) / 2
    np.testing.assert_allclose(F.gaussian_kl(mu, log_var, reduction="none").data, each, rtol=1e-12)
    np.testing.assert_allclose(F.gaussian_kl(mu[0, 0], log_var[0, 0], reduction="sum").data, each[0, 0], rtol=1e-12)
