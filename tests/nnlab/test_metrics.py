"""Metrics: answers counted whichever shape the logits have, angles exact however small, and modes that are modes."""

from math import exp, log, pi

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnlab import Tensor, accuracy, data
from nnlab.metrics import (
    confusion_matrix,
    explained_variance,
    high_quality_share,
    mode_counts,
    modes_captured,
    principal_angles,
    reverse_kl,
)

seeds = st.integers(0, 2**32 - 1)


# Classes -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("outputs", [
    [0.1, -0.1, 2.0, -3.0], [[1.0], [-1.0], [2.0], [-3.0]], [[0, 1.0], [0, -1.0], [0, 2.0], [0, -3.0]],
])
@pytest.mark.parametrize("labels", [[1, 0, 0, 0], [[1], [0], [0], [0]]])
def test_three_of_four_are_right_in_every_shape(outputs, labels):
    assert accuracy(outputs, labels) == accuracy(Tensor(outputs), np.array(labels)) == 0.75
    assert confusion_matrix(outputs, labels).tolist() == [[2, 1], [0, 1]]
    assert confusion_matrix(Tensor(outputs), np.array(labels)).tolist() == [[2, 1], [0, 1]]


def test_a_row_of_the_confusion_matrix_is_one_true_class():
    logits = np.eye(4)[[0, 1, 1, 2, 2, 2]]
    confusion = confusion_matrix(logits, [0, 0, 0, 0, 1, 2])
    assert confusion.tolist() == [[1, 2, 1, 0], [0, 0, 1, 0], [0, 0, 1, 0], [0, 0, 0, 0]]
    assert confusion.dtype.kind == "i"
    assert np.trace(confusion) / confusion.sum() == accuracy(logits, [0, 0, 0, 0, 1, 2])


@pytest.mark.parametrize("metric", [accuracy, confusion_matrix])
@pytest.mark.parametrize(("outputs", "labels"), [
    (np.zeros((4, 1)), np.zeros(3)), (np.zeros((4, 2)), np.zeros((4, 2))), (np.zeros((2, 3, 4)), np.zeros(2)),
    (np.zeros((0, 2)), np.zeros(0)), (np.zeros(4), np.zeros((1, 4))),
])
def test_shapes_that_do_not_fit(metric, outputs, labels):
    with pytest.raises(ValueError, match=f"{metric.__name__} takes outputs"):
        metric(outputs, labels)


@pytest.mark.parametrize("labels", [[0, 3], [-1, 0], [0.5, 1.0], [0, np.nan]])
def test_labels_that_are_no_class(labels):
    with pytest.raises(ValueError, match="whole numbers from 0 to 2"):
        confusion_matrix(np.zeros((2, 3)), labels)


# Reconstruction ------------------------------------------------------------------------------------------------------
def test_what_explains_everything_nothing_and_less_than_nothing():
    x = np.random.default_rng(0).standard_normal((20, 3)) * [1, 5, 9]
    assert explained_variance(x, x) == explained_variance(Tensor(x + 7), x) == 1
    assert explained_variance(np.zeros_like(x), x) == 0
    assert explained_variance(-x, x) == pytest.approx(-3)
    assert explained_variance(x * [1, 1, 0], x) == pytest.approx(1 - x[:, 2].var() / x.var(0).sum())


@pytest.mark.parametrize(("outputs", "targets", "told"), [
    (np.zeros((4, 1)), np.zeros(4), "of one shape"), (np.zeros((4, 2)), np.zeros((4, 1)), "of one shape"),
    (np.zeros(4), np.zeros(4), "of one shape"), (np.zeros((4, 2)), np.ones((4, 2)), "no variance"),
    (np.zeros((0, 2)), np.zeros((0, 2)), "no variance"),
])
def test_variance_that_cannot_be_explained(outputs, targets, told):
    with pytest.raises(ValueError, match=told):
        explained_variance(outputs, targets)


def planes(angles, d, rng):
    """Bases, far from orthonormal, of two subspaces of R^d with these principal angles."""
    k, angles = len(angles), np.asarray(angles)
    Q = np.linalg.qr(rng.standard_normal((d, d)))[0]
    A, B = Q[:, :k], Q[:, :k] * np.cos(angles) + Q[:, k:2 * k] * np.sin(angles)
    return A @ rng.uniform(1, 2, (k, k)).cumsum(1), B @ (np.eye(k) + rng.uniform(0, 0.5, (k, k)))


@given(angles=st.lists(st.floats(0, pi / 2), min_size=1, max_size=4), seed=seeds)
def test_principal_angles_are_found_whatever_the_bases(angles, seed):
    rng = np.random.default_rng(seed)
    A, B = planes(angles, 9, rng)
    found = principal_angles(A, B)
    tolerance = 1e-14 * max(np.linalg.cond(A), np.linalg.cond(B))
    np.testing.assert_allclose(found, np.sort(angles), atol=tolerance)
    np.testing.assert_allclose(principal_angles(B, Tensor(A)), found, atol=tolerance)


def test_tiny_angles_and_nearly_right_ones_keep_their_digits():
    A, B = np.eye(4)[:, :2], np.eye(4)[:, :2].copy()
    B[2, 0], B[3, 1] = 1e-9, 1e9  # the angles are atan(1e-9) and atan(1e9)
    small, large = principal_angles(A, B)
    assert small == pytest.approx(1e-9, rel=1e-12)
    assert pi / 2 - large == pytest.approx(1e-9, rel=1e-6)


def test_a_subspace_inside_another_and_one_orthogonal_to_it():
    e = np.eye(5)
    np.testing.assert_allclose(principal_angles(e[:, :1] + e[:, 1:2], e[:, :3]), [0], atol=1e-15)
    np.testing.assert_allclose(principal_angles(e[:, :3], e[:, 2:]), [0, pi / 2, pi / 2], atol=1e-15)


@pytest.mark.parametrize(("A", "B", "told"), [
    (np.ones((3, 1)), np.ones((4, 1)), "A has columns of length 3, B of 4"),
    (np.ones((3, 2)), np.eye(3), "2 columns of A depend"), (np.eye(3), np.zeros((3, 1)), "columns of B depend"),
    (np.ones(3), np.eye(3), "A holds a basis"),
    (np.eye(3), np.ones((2, 3)), "B holds a basis"), (np.eye(3), np.ones((3, 0)), "B holds a basis"),
])
def test_bases_that_are_none(A, B, told):
    with pytest.raises(ValueError, match=told):
        principal_angles(A, B)


# Generated samples ---------------------------------------------------------------------------------------------------
CENTERS = data.ring_centers()


def test_seven_good_modes_and_one_stray_sample_are_seven_modes():
    samples = np.concatenate([np.repeat(CENTERS[:7], 100, 0), CENTERS[7:]])
    assert mode_counts(samples, CENTERS, 0.1).tolist() == [100] * 7 + [1]
    assert modes_captured(samples, CENTERS, 0.1) == 7
    assert modes_captured(samples, CENTERS, 0.1, share=0) == 8  # VEEGAN's count, where one sample is enough
    assert modes_captured(samples + 9, CENTERS, 0.1, share=0) == 0


def test_a_mode_needs_its_share_of_all_samples_not_of_the_good_ones():
    samples = np.concatenate([np.repeat(CENTERS[:1], 10, 0), np.full((990, 2), 50.0)])
    assert modes_captured(samples, CENTERS, 0.1) == 1
    assert modes_captured(samples, CENTERS, 0.1, share=0.011) == 0
    assert high_quality_share(samples, CENTERS, 0.1) == 0.01


def test_good_is_within_three_standard_deviations_in_euclidean_distance():
    """A corner of the square of 3 sd lies at 4.2 sd: with the largest coordinate as distance it would count."""
    samples = CENTERS[0] + 0.1 * np.array([[2.99, 0], [0, -2.99], [3.01, 0], [2.9, 2.9], [2.1, 2.1], [-1.6, 1.6]])
    assert mode_counts(samples, CENTERS, 0.1).tolist() == [4, 0, 0, 0, 0, 0, 0, 0]


def test_where_modes_overlap_a_sample_counts_for_the_nearest_only():
    assert mode_counts([[0.9], [1.2]], [[0.0], [2.0]], sd=5.0).tolist() == [1, 1]


def test_samples_of_the_ring_itself_are_good_and_cover_it():
    X, y = data.ring(20_000, rng=0)
    assert modes_captured(X, CENTERS, 0.1) == 8
    assert abs(high_quality_share(Tensor(X), CENTERS, 0.1) - (1 - exp(-4.5))) < 5 * (0.011 / 20_000) ** 0.5
    np.testing.assert_allclose(mode_counts(X, CENTERS, 0.1) / np.bincount(y), 1 - exp(-4.5), atol=0.01)
    assert isinstance(high_quality_share(X, CENTERS, 0.1), float)
    assert isinstance(modes_captured(X, CENTERS, 0.1), int)


def test_balance_is_zero_when_even_and_ln_k_when_one_mode_has_all_good_or_not():
    assert reverse_kl(np.repeat(CENTERS, 3, 0) * 1.2, CENTERS) == pytest.approx(0, abs=1e-15)
    assert reverse_kl(CENTERS[[2, 2, 2]], CENTERS) == pytest.approx(log(8))
    assert reverse_kl(CENTERS[[0, 1, 2, 2]], CENTERS) == pytest.approx(0.5 * log(8 / 4) + 0.5 * log(8 / 2))
    with pytest.raises(ValueError, match="samples must be"):
        reverse_kl(np.zeros((0, 2)), CENTERS)


@pytest.mark.parametrize(("samples", "sd", "told"), [
    (np.zeros((0, 2)), 0.1, "at least one of each"), (np.zeros((4, 3)), 0.1, r"got \(4, 3\), \(8, 2\)"),
    (np.zeros(2), 0.1, "samples must be"), (np.zeros((4, 2)), 0.0, "sd is the standard deviation"),
    (np.zeros((4, 2)), np.nan, "sd is the standard deviation"),
])
def test_samples_that_cannot_be_counted(samples, sd, told):
    for metric in (mode_counts, modes_captured, high_quality_share):
        with pytest.raises(ValueError, match=told):
            metric(samples, CENTERS, sd)
