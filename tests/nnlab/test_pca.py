"""PCA: the baseline an autoencoder has to beat, exact to the last digit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnlab import Tensor, data
from nnlab.metrics import explained_variance
from nnlab.pca import PCA


def cloud(n=30, d=5, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, d)) @ rng.standard_normal((d, d)) + 100  # far from the origin


def reconstructed(X, k):
    pca = PCA(k).fit(X)
    return pca, pca.inverse_transform(pca.transform(X))


@given(n=st.integers(2, 30), d=st.integers(1, 8), seed=st.integers(0, 2**32 - 1), data=st.data())
def test_the_error_is_the_sum_of_the_eigenvalues_left_out(n, d, seed, data):
    X, k = cloud(n, d, seed), data.draw(st.integers(1, min(n, d)))
    pca, again = reconstructed(X, k)
    error = np.mean(np.sum((X - again) ** 2, 1))
    np.testing.assert_allclose(error, pca.eigenvalues_[k:].sum(), rtol=1e-10, atol=1e-10 * pca.eigenvalues_.sum())
    np.testing.assert_allclose(pca.eigenvalues_.sum(), X.var(0).sum(), rtol=1e-10)
    np.testing.assert_allclose(pca.explained_variance_ratio_.sum(), explained_variance(again, X), rtol=1e-10)


def test_the_data_is_centred_and_its_mean_added_back():
    """Components of data not centred lead to the mean; with fewer than all of them the error shows it."""
    X = cloud()
    pca, again = reconstructed(X, 2)
    np.testing.assert_allclose(again.mean(0), X.mean(0), rtol=1e-12)
    np.testing.assert_allclose(pca.mean_, X.mean(0))
    np.testing.assert_allclose(pca.transform(X).mean(0), 0, atol=1e-12)
    np.testing.assert_allclose(reconstructed(X, 5)[1], X, rtol=1e-12)


def test_components_are_orthonormal_and_fall_in_importance_and_codes_do_not_correlate():
    pca = PCA(4).fit(X := cloud())
    np.testing.assert_allclose(pca.components_ @ pca.components_.T, np.eye(4), atol=1e-12)
    assert (np.diff(pca.eigenvalues_) <= 0).all()
    np.testing.assert_allclose(np.cov(pca.transform(X).T, ddof=0), np.diag(pca.eigenvalues_[:4]), atol=1e-10)


def test_signs_do_not_depend_on_the_order_or_the_side_of_the_data():
    X = cloud()
    pca = PCA(3).fit(X)
    for other in (X[::-1], -X, np.concatenate([X, X])):
        np.testing.assert_allclose(PCA(3).fit(other).components_, pca.components_, atol=1e-12)
    assert all(row[np.abs(row).argmax()] > 0 for row in pca.components_)


def test_float32_stays_float32_and_tensors_are_taken():
    X, _ = data.digits("validation")
    pca, again = reconstructed(Tensor(X), 10)
    assert {pca.mean_.dtype, pca.components_.dtype, pca.transform(X).dtype, again.dtype} == {np.dtype("float32")}
    assert pca.transform(X.astype(float)).dtype == np.float32
    exact = PCA(10).fit(X.astype(float))
    np.testing.assert_allclose(pca.eigenvalues_, exact.eigenvalues_, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(pca.mean_, exact.mean_, rtol=1e-6)


def test_the_mean_of_many_float32_numbers_loses_no_digits():
    X = np.full((50_000, 2), 1000.1, np.float32) + np.float32([[1], [-1]] * 25_000)
    assert PCA(1).fit(X).mean_.tolist() == [np.float32(1000.1)] * 2


def test_data_that_does_not_vary():
    pca = PCA(1).fit(np.ones((3, 2)))
    assert pca.explained_variance_ratio_.tolist() == [0]
    np.testing.assert_array_equal(pca.inverse_transform(pca.transform(np.ones((3, 2)))), np.ones((3, 2)))


@pytest.mark.parametrize("k", [0, -1, 1.5, True])
def test_a_number_of_components_that_is_none(k):
    with pytest.raises(ValueError, match="k counts components"):
        PCA(k)


@pytest.mark.parametrize(("X", "told"), [
    (np.zeros((2, 9)), r"PCA\(3\) needs X \(N, d\) with N and d of at least 3; got shape \(2, 9\)"),
    (np.zeros((9, 2)), "of at least 3"), (np.zeros(9), "of at least 3"), (np.full((4, 4), np.nan), "nan or infinite"),
])
def test_data_that_has_no_such_components(X, told):
    pca = PCA(3)
    with pytest.raises(ValueError, match=told):
        pca.fit(X)
    with pytest.raises(RuntimeError, match="has not seen data yet"):
        pca.transform(X)


def test_a_column_is_never_stretched_over_the_mean():
    pca = PCA(2).fit(cloud())
    with pytest.raises(ValueError, match=r"PCA\(2\) takes data \(N, 5\) here; got \(4, 1\)"):
        pca.transform(np.zeros((4, 1)))
    with pytest.raises(ValueError, match=r"takes codes \(N, 2\) here; got \(4, 5\)"):
        pca.inverse_transform(np.zeros((4, 5)))
    with pytest.raises(ValueError, match=r"takes data \(N, 5\) here; got \(5,\)"):
        pca.transform(np.zeros(5))
