"""Gradient clipping: what is scaled, what is cut, and what is refused."""

import warnings

import numpy as np
import pytest

from nnlab import MLP, SGD, Parameter
from nnlab.optim import clip_grad_norm, clip_grad_value


def given(*gradients, dtype=np.float64):
    params = [Parameter(np.zeros(np.shape(g)), dtype=dtype, name=f"w{i}") for i, g in enumerate(gradients)]
    for p, g in zip(params, gradients):
        p.grad = g
    return params


def test_the_norm_is_joint_and_the_direction_stays():
    params = given([[2.0, 4.0]], [5.0, 6.0], 0.0)
    assert clip_grad_norm(params, 3.0) == 9.0
    np.testing.assert_allclose(params[0].grad, [[2 / 3, 4 / 3]], rtol=1e-6)
    np.testing.assert_allclose(params[1].grad, [5 / 3, 2], rtol=1e-6)
    assert clip_grad_norm(params, 9.0) == pytest.approx(3.0, rel=1e-6)


def test_short_gradients_are_left_exactly_as_they_are():
    w, = given([0.3, 0.4])
    for max_norm in (0.6, np.inf):
        assert clip_grad_norm([w], max_norm) == pytest.approx(0.5)
        assert w.grad.tolist() == [0.3, 0.4]


@pytest.mark.parametrize("optimized", ["none", "all", "part", "reversed"])
def test_it_is_the_same_wherever_the_gradients_lie(optimized):
    model = MLP(2, 3, 4, 1, dtype=np.float64, rng=0)
    params = model.parameters()
    chosen = {"none": [], "all": params, "part": params[1:3], "reversed": params[::-1]}[optimized]
    if chosen:
        SGD(chosen)
    rng = np.random.default_rng(0)
    gradients = [rng.standard_normal(p.shape) for p in params]
    gradients[2] = None  # in the middle: its neighbours must not be taken for neighbours of each other
    for p, g in zip(params, gradients):
        p.grad = g
    joint = np.concatenate([g.ravel() for g in gradients if g is not None])
    assert clip_grad_norm(iter(params), 0.5) == pytest.approx(np.linalg.norm(joint), rel=1e-12)
    for p, g in zip(params, gradients):
        if g is None:
            assert p.grad is None
        else:
            np.testing.assert_allclose(p.grad, g * 0.5 / (np.linalg.norm(joint) + 1e-6), rtol=1e-12)


def test_clipping_by_value_cuts_each_number():
    params = given([[2.0, -0.25]], [-7.0], [np.inf, np.nan])
    assert clip_grad_value(params, 0.5) is None
    assert [p.grad.tolist() for p in params[:2]] == [[[0.5, -0.25]], [-0.5]]
    np.testing.assert_array_equal(params[2].grad, [0.5, np.nan])


def test_one_parameter_alone_and_none_at_all():
    w, = given([3.0, 4.0])
    assert clip_grad_norm(w, 1.0) == 5.0
    assert clip_grad_norm([], 1.0) == 0.0
    assert clip_grad_norm([Parameter([1.0])], 1.0) == 0.0
    clip_grad_value(w, 0.1)
    assert w.grad.tolist() == [0.1, 0.1]


def test_float32_gradients_whose_squares_overflow_are_clipped_all_the_same():
    w, = given([3e25, 4e25], dtype=np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert clip_grad_norm([w], 1.0) == pytest.approx(5e25, rel=1e-6)
    np.testing.assert_allclose(w.grad, [0.6, 0.8], rtol=1e-6)
    assert w.grad.dtype == np.float32


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_gradient_that_is_no_number_is_named_and_nothing_is_changed(bad):
    params = given([1e3], [1.0, bad])
    with pytest.raises(FloatingPointError, match="the gradient of w1 holds nan or infinite values"):
        clip_grad_norm(params, 1.0)
    assert params[0].grad == [1e3]
    np.testing.assert_array_equal(params[1].grad, [1.0, bad])


@pytest.mark.parametrize("clip", [clip_grad_norm, clip_grad_value])
def test_bad_arguments(clip):
    w, = given([3.0])
    for bad in (-1.0, np.nan):
        with pytest.raises(ValueError, match=f"is a number of at least 0; got {bad}"):
            clip([w], bad)
    with pytest.raises(TypeError, match=r"write model.parameters\(\)"):
        clip(MLP(2, 1), 1.0)
    assert w.grad == [3.0]
