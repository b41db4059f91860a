"""Starting weights: the variances their papers ask for, from a generator one can name."""

import numpy as np
import pytest

from nnlab import init

SHAPE = (400, 200)


@pytest.mark.parametrize(("draw", "variance"), [
    (init.xavier_normal, 2 / 600), (init.xavier_uniform, 2 / 600),
    (init.he_normal, 2 / 400), (init.he_uniform, 2 / 400), (init.normal, 0.01**2), (init.uniform, 1 / 3),
    (init.lecun_normal, 1 / 400),
])
def test_variances(draw, variance):
    w = draw(SHAPE, rng=0)
    assert w.dtype == np.float32
    assert w.shape == SHAPE
    assert abs(w.var() / variance - 1) < 0.03
    assert abs(w.mean()) < 5 * (variance / w.size) ** 0.5
    np.testing.assert_array_equal(w, draw(SHAPE, rng=0))
    assert not (w == draw(SHAPE, rng=1)).all()


@pytest.mark.parametrize("draw", [init.xavier_uniform, init.he_uniform])
def test_uniform_means_bounded(draw):
    w = draw(SHAPE, rng=0)
    assert np.abs(w).max() <= w.std() * 3**0.5 * 1.02


@pytest.mark.parametrize("draw", [init.xavier_normal, init.xavier_uniform, init.he_normal, init.he_uniform,
                                  init.lecun_normal])
def test_a_gain_scales(draw):
    np.testing.assert_allclose(draw((3, 4), gain=6.0, rng=0), 2 * draw((3, 4), gain=3.0, rng=0), rtol=1e-6)


@pytest.mark.parametrize("shape", [(5, 5), (7, 3), (3, 7)])
def test_orthogonal_keeps_lengths(shape):
    q = init.orthogonal(shape, gain=2.0, rng=0, dtype=np.float64)
    gram = q.T @ q if shape[0] >= shape[1] else q @ q.T
    np.testing.assert_allclose(gram, 4 * np.eye(min(shape)), atol=1e-12)


def test_orthogonal_draws_have_no_preferred_sign():
    signs = [np.sign(init.orthogonal((2, 2), rng=seed)[0, 0]) for seed in range(200)]
    assert abs(np.mean(signs)) < 0.3


@pytest.mark.parametrize("draw", [init.xavier_normal, init.xavier_uniform, init.he_normal, init.he_uniform,
                                  init.lecun_normal, init.orthogonal, init.normal, init.uniform, init.zeros])
def test_a_start_can_be_in_either_precision_without_drawing_other_numbers(draw):
    exact, rounded = (draw((5, 3), dtype=dtype, rng=0) for dtype in (np.float64, np.float32))
    assert (exact.dtype, rounded.dtype) == (np.float64, np.float32)
    np.testing.assert_array_equal(exact.astype(np.float32), rounded)


def test_he_counts_the_inputs_of_a_layer_not_its_outputs():
    """The commonest slip: 200 inputs and 50 outputs ask for variance 2 / 200, not 2 / 50, and its root as deviation."""
    for draw in (init.he_normal, init.he_uniform):
        assert np.mean([draw((200, 50), rng=seed).var() for seed in range(5)]) == pytest.approx(0.01, rel=0.02)
    assert init.he_normal((400,), rng=0).var() == pytest.approx(2 / 400, rel=0.15)
    assert init.xavier_uniform((399,), rng=0).var() == pytest.approx(2 / 400, rel=0.15)


def test_constants():
    assert not init.zeros((2, 3)).any()
    assert (init.constant((2,), 7.0) == 7).all()
    assert init.zeros(2, dtype=np.float64).dtype == np.float64


def test_shapes_without_fans_are_refused():
    with pytest.raises(ValueError, match=r"shape \(in, out\) or \(in,\); got \(2, 3, 4\)"):
        init.he_normal((2, 3, 4))
    with pytest.raises(ValueError, match="only a matrix"):
        init.orthogonal((3,))
