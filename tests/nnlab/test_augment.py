"""Augmentation: what it does to points and pictures, that each call and each example is drawn anew, and bad input."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnlab import MLP, Adam, augment, data, fit, manual_seed
from nnlab.augment import Augmentation, Compose, Flip, Noise, Rotate, Scale, Shift, rotate, shift
from nnlab.functional import cross_entropy
from tests.needs import needs

POINTS = np.random.default_rng(0).standard_normal((2000, 2)).astype(np.float32)
IMAGES = np.random.default_rng(1).random((7, 5, 8)).astype(np.float32)
ALL = [(Noise(0.1), POINTS), (Noise(0.1), IMAGES), (Scale(0.2), POINTS), (Rotate(30), POINTS), (Rotate(30), IMAGES),
       (Shift(2), IMAGES), (Flip(), IMAGES), (Compose(Shift(1), Rotate(5), Noise(0.1)), data.digits("test")[0])]


@pytest.mark.parametrize(("change", "X"), ALL)
def test_shape_and_dtype_stay_and_the_original_too(change, X):
    for batch in (X, X.astype(np.float64), X[:1]):
        before = batch.copy()
        changed = change(batch)
        assert changed.shape == batch.shape
        assert changed.dtype == batch.dtype
        assert changed is not batch
        np.testing.assert_array_equal(batch, before)


@pytest.mark.parametrize(("change", "X"), ALL)
def test_every_call_and_every_example_is_drawn_anew(change, X):
    same = np.repeat(X[:1], 50, 0)
    manual_seed(0)
    first, second = change(same), change(same)
    assert (first != second).any()
    assert len({row.tobytes() for row in first}) > 1
    manual_seed(0)
    np.testing.assert_array_equal(change(same), first)


def test_a_generator_of_its_own_draws_on_and_repeats_from_its_seed():
    a, b = Noise(1.0, rng=3), Noise(1.0, rng=3)
    first = a(POINTS)
    np.testing.assert_array_equal(first, b(POINTS))
    assert (a(POINTS) != first).all()


@pytest.mark.parametrize("change", [c(0) for c in (Noise, Scale, Rotate, Shift, Flip)])
def test_an_amount_of_nothing_changes_nothing(change):
    np.testing.assert_allclose(change(IMAGES), IMAGES, atol=1e-6)


# Points --------------------------------------------------------------------------------------------------------------
def test_noise_has_its_standard_deviation():
    added = Noise(0.3, rng=0)(POINTS) - POINTS
    assert added.std() == pytest.approx(0.3, rel=0.05)  # 4000 numbers: relative standard error 0.011
    assert abs(added.mean()) < 0.02  # standard error 0.005
    assert abs((added[:, 0] * added[:, 1]).mean()) < 0.01  # x and y by themselves: standard error 0.002


def test_rotation_keeps_the_radius_and_turns_by_every_angle_up_to_its_amount():
    turned = Rotate(30, rng=0)(POINTS)
    np.testing.assert_allclose(np.linalg.norm(turned, axis=1), np.linalg.norm(POINTS, axis=1), rtol=1e-5)
    z = (turned[:, 0] + 1j * turned[:, 1]) / (POINTS[:, 0] + 1j * POINTS[:, 1])
    degrees = np.degrees(np.angle(z))
    assert np.abs(degrees).max() < 30.001
    np.testing.assert_array_less(10, np.histogram(degrees, 20, (-30, 30))[0])


def test_scaling_keeps_the_direction_and_reaches_from_less_to_more():
    factor = Scale(0.2, rng=0)(POINTS) / POINTS
    np.testing.assert_allclose(factor[:, 0], factor[:, 1], rtol=1e-4)
    assert 0.7999 < factor.min() < 0.81
    assert 1.19 < factor.max() < 1.2001


# Images --------------------------------------------------------------------------------------------------------------
@given(st.integers(-9, 9), st.integers(-9, 9))
def test_a_shift_moves_pixels_and_fills_with_zeros(down, right):
    n, height, width = IMAGES.shape
    expected = np.zeros_like(IMAGES)
    for i in range(height):
        for j in range(width):
            if 0 <= i - down < height and 0 <= j - right < width:
                expected[:, i, j] = IMAGES[:, i - down, j - right]
    np.testing.assert_array_equal(shift(IMAGES, [down] * n, [right] * n), expected)


def test_each_image_has_its_own_shift_and_all_of_them_occur():
    dot = np.zeros((500, 7, 7))
    dot[:, 3, 3] = 1
    places = {tuple(np.argwhere(image)[0] - 3) for image in Shift(1, rng=0)(dot)}
    assert places == {(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1)}  # one missing: probability below 1e-24


@pytest.mark.parametrize("degrees", [0, 90, -90, 180, 17, -33.5, 45, 300])
def test_rotation_of_images_is_scipys(degrees):
    needs("sklearn")  # which brings scipy
    from scipy import ndimage
    rng = np.random.default_rng(0)
    for shape in [(3, 8, 8), (2, 5, 9), (2, 6, 3)]:
        images = rng.random(shape)
        expected = [ndimage.rotate(image, degrees, reshape=False, order=1, mode="grid-constant") for image in images]
        np.testing.assert_allclose(rotate(images, [degrees] * len(images)), expected, rtol=1e-10, atol=1e-12)


def test_a_quarter_turn_is_counterclockwise_and_each_image_has_its_own_angle():
    image = np.arange(9.0).reshape(3, 3)
    turned = rotate(np.stack([image] * 3), [90, 0, -90])
    np.testing.assert_allclose(turned, [np.rot90(image), image, np.rot90(image, -1)], atol=1e-12)


def test_a_flip_mirrors_left_for_right_as_often_as_asked():
    images = np.tile(np.arange(6.0).reshape(1, 2, 3), (2000, 1, 1))
    flipped = (Flip(0.3, rng=0)(images) == images[:, :, ::-1]).all((1, 2))
    assert flipped.mean() == pytest.approx(0.3, abs=0.05)  # standard error 0.01
    np.testing.assert_array_equal(Flip(1.0)(images), images[:, :, ::-1])


def test_images_in_a_row_are_the_same_images():
    X = data.digits("test")[0][:20]
    for make in (lambda: Shift(2, rng=5), lambda: Rotate(40, rng=5), lambda: Flip(0.5, rng=5)):
        np.testing.assert_array_equal(make()(X), make()(X.reshape(-1, 8, 8)).reshape(-1, 64))


def test_it_is_one_line_of_training():
    X, y = data.digits("train")
    model = MLP(64, 16, 10, rng=0)
    history = fit(model, X[:200], y[:200], cross_entropy, Adam(model.parameters(), lr=0.01), epochs=5, batch_size=50,
                  augment=Compose(Rotate(10), Shift(1)), rng=0)
    assert history["loss"][-1] < history["loss"][0]


# Bad input -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("make", "told"), [
    (lambda: Noise(-0.1), "Noise's amount is a number of at least 0; got -0.1"),
    (lambda: Shift(1.5), "Shift moves by whole pixels; got 1.5"),
    (lambda: Flip(1.1), "Flip's amount is a probability, at most 1; got 1.1"),
    (lambda: Shift(1)(POINTS), r"images are \(N, H, W\), or square and in a row, \(N, H \* H\); got \(2000, 2\)"),
    (lambda: Rotate(1)(np.ones((3, 60))), r"images are .* got \(3, 60\)"),
    (lambda: Flip()(np.ones((2, 3, 4, 5))), r"images are .* got \(2, 3, 4, 5\)"),
])
def test_what_cannot_be_is_told(make, told):
    with pytest.raises(ValueError, match=told):
        make()


def test_an_augmentation_without_formula_says_what_to_write():
    with pytest.raises(NotImplementedError, match=r"Augmentation must define change\(self, X, rng\)"):
        Augmentation(1)(POINTS)
    assert augment.Compose()(POINTS) is POINTS
