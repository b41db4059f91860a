"""Data: the geometry each generator promises, the fixed split of the digits, and batches that mix examples."""

import numpy as np
import pytest

from nnlab import DataLoader, data, manual_seed

GENERATORS = [data.moons, data.circles, data.spirals, data.xor, data.blobs, data.ring]


# Generators ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("make", GENERATORS)
def test_points_are_float32_and_labels_integers_in_random_order(make):
    X, y = make(203, rng=0)
    assert (X.shape, X.dtype, y.shape, y.dtype) == ((203, 2), np.float32, (203,), np.int64)
    assert np.isfinite(X).all()
    counts = np.bincount(y)
    assert counts.max() - counts.min() <= 2
    assert len(set(y[:40].tolist())) > 1


@pytest.mark.parametrize("make", GENERATORS)
def test_a_seed_gives_the_same_points_again(make):
    a, b, c = make(50, rng=1)[0], make(50, rng=1)[0], make(50, rng=2)[0]
    assert (a == b).all()
    assert not (a == c).all()
    manual_seed(1)
    d = make(50)[0]
    manual_seed(1)
    assert (make(50)[0] == d).all()


@pytest.mark.parametrize("make", GENERATORS)
def test_noise_is_a_standard_deviation_and_zero_means_none(make):
    quiet, loud = make(4000, noise=0, rng=5)[0], make(4000, noise=0.3, rng=5)[0]
    np.testing.assert_allclose((loud - quiet).std(), 0.3, rtol=0.05)
    with pytest.raises(ValueError, match="noise is a standard deviation"):
        make(10, noise=-1)


def test_the_shapes_are_what_they_say():
    X, y = data.circles(500, noise=0, inner=0.4, rng=0)
    np.testing.assert_allclose(np.hypot(*X.T), np.where(y == 0, 1, 0.4), rtol=1e-5)
    X, y = data.moons(500, noise=0, rng=0)
    centres = np.where(y[:, None] == 0, [0, 0], [1, 0.5])
    np.testing.assert_allclose(np.hypot(*(X - centres).T), 1, rtol=1e-5)
    X, y = data.xor(400, noise=0, rng=0)
    assert set(map(tuple, np.abs(X))) == {(1.0, 1.0)}
    np.testing.assert_array_equal(y, X[:, 0] * X[:, 1] < 0)
    X, y = data.spirals(300, noise=0, arms=3, rng=0)
    r = np.hypot(*X.T)
    angle = np.arctan2(X[:, 1], X[:, 0]) - 2 * np.pi * (r + y / 3)
    np.testing.assert_allclose(np.cos(angle), 1, atol=1e-3)


def test_the_ring_is_eight_gaussians_on_a_circle_of_radius_two():
    X, y = data.ring(8000, rng=0)
    centres = np.array([X[y == k].mean(0) for k in range(8)])
    np.testing.assert_allclose(np.hypot(*centres.T), 2, atol=0.02)
    np.testing.assert_allclose([X[y == k].std() for k in range(1)], X[y == 0].std())
    np.testing.assert_allclose([(X[y == k] - centres[k]).std() for k in range(8)], 0.1, rtol=0.1)


def test_blobs_stand_where_one_says():
    centers = [[0.0, 5.0], [3.0, 0.0], [-3.0, 0.0]]
    X, y = data.blobs(3000, centers=centers, noise=0.1, rng=0)
    np.testing.assert_allclose([X[y == k].mean(0) for k in range(3)], centers, atol=0.02)


@pytest.mark.parametrize("n", [0, 1, -3, 2.5])
def test_too_few_examples(n):
    with pytest.raises(ValueError, match="n counts examples"):
        data.moons(n)


# Digits --------------------------------------------------------------------------------------------------------------
def test_the_split_of_the_digits_is_fixed_complete_and_without_overlap():
    parts = [data.digits(part) for part in ("train", "validation", "test")]
    assert [len(y) for _, y in parts] == [1085, 357, 355]
    everything = {(x.tobytes(), int(label)) for X, y in [data.digits("all")] for x, label in zip(X, y)}
    rows = [(x.tobytes(), int(label)) for X, y in parts for x, label in zip(X, y)]
    assert set(rows) == everything
    assert len(rows) == 1797


def test_the_digits_are_grey_values_from_zero_to_one_with_all_classes_in_each_part():
    for part in ("train", "validation", "test"):
        X, y = data.digits(part)
        assert (X.dtype, y.dtype, X.min(), X.max()) == (np.float32, np.int64, 0, 1)
        share = np.bincount(y) / len(y)
        assert share.min() > 0.09
        assert share.max() < 0.11


def test_changing_the_digits_one_got_does_not_change_the_next():
    data.digits("test")[0][:] = 7
    assert data.digits("test")[0].max() == 1


def test_an_unknown_part():
    with pytest.raises(ValueError, match="'train', 'validation', 'test' or 'all'; got 'valid'"):
        data.digits("valid")


# Splits and batches --------------------------------------------------------------------------------------------------
def test_a_split_keeps_pairs_together_and_classes_in_proportion():
    y = np.array([0] * 80 + [1] * 20)
    X = np.arange(100)[:, None]
    X_train, X_test, y_train, y_test = data.train_test_split(X, y, 0.25, rng=0)
    assert (np.bincount(y_train).tolist(), np.bincount(y_test).tolist()) == ([60, 15], [20, 5])
    assert sorted([*X_train[:, 0], *X_test[:, 0]]) == list(range(100))
    np.testing.assert_array_equal(y_test, y[X_test[:, 0]])


def test_a_split_without_classes():
    X_train, X_test, *_ = data.train_test_split(np.arange(10), np.linspace(0, 1, 10), 0.3, stratify=False, rng=0)
    assert (len(X_train), len(X_test)) == (7, 3)


@pytest.mark.parametrize(("y", "share", "told"), [
    ([0, 0, 1], 0.5, "1 examples of class 1 cannot be split"), ([0, 1], 0, "test_size is a share"),
    ([0, 1], 1, "test_size is a share"), ([0], 0.5, "different lengths"),
])
def test_splits_that_cannot_be(y, share, told):
    X = np.arange(max(2, len(y)))
    with pytest.raises(ValueError, match=told):
        data.train_test_split(X, y, share)


def test_a_loader_mixes_examples_not_batches_and_anew_every_epoch():
    loader = DataLoader(np.arange(100), batch_size=10, rng=0)
    epochs = [[batch for batch, in loader] for _ in range(2)]
    for batches in epochs:
        assert sorted(np.concatenate(batches)) == list(range(100))
        assert all(np.ptp(batch) > 10 for batch in batches)  # no batch is a stretch of neighbours
    first, second = ({frozenset(b.tolist()) for b in batches} for batches in epochs)
    assert not first & second  # and no batch comes again


def test_a_loader_keeps_rows_and_labels_together():
    X = np.arange(14).reshape(7, 2)
    for a, b in DataLoader(X, X[:, 0] * 10, batch_size=3, rng=0):
        np.testing.assert_array_equal(a[:, 0] * 10, b)


def test_the_last_batch_may_be_short_and_none_is_lost():
    loader = DataLoader(np.arange(10), batch_size=4, rng=0)
    assert len(loader) == 3
    assert [len(batch) for batch, in loader] == [4, 4, 2]


def test_a_loader_refuses_what_cannot_be():
    with pytest.raises(ValueError, match=r"different lengths, \[3, 2\]"):
        DataLoader(np.arange(3), np.arange(2))
    with pytest.raises(ValueError, match="the data set is empty"):
        DataLoader(np.zeros((0, 2)))
