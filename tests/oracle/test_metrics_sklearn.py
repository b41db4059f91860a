"""scikit-learn and SciPy as witnesses of the metrics and of PCA."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nnlab
from nnlab import metrics
from nnlab.pca import PCA
from tests.needs import needs
from tests.oracle.agreement import close

sklearn = needs("sklearn")
pytestmark = pytest.mark.oracle
seeds = st.integers(0, 2**32 - 1)


@given(n=st.integers(1, 40), classes=st.integers(2, 5), seed=seeds)
def test_counting_answers(n, classes, seed):
    from sklearn.metrics import accuracy_score, confusion_matrix

    rng = np.random.default_rng(seed)
    logits, y = rng.standard_normal((n, classes)), rng.integers(classes, size=n)
    theirs = confusion_matrix(y, logits.argmax(1), labels=range(classes))
    np.testing.assert_array_equal(metrics.confusion_matrix(logits, y), theirs)
    assert metrics.accuracy(logits, y) == accuracy_score(y, logits.argmax(1))


@given(n=st.integers(2, 40), d=st.integers(1, 5), seed=seeds)
def test_explained_variance(n, d, seed):
    from sklearn.metrics import explained_variance_score

    x, t = np.random.default_rng(seed).standard_normal((2, n, d)) * np.arange(1, d + 1)
    theirs = explained_variance_score(t, x, multioutput="variance_weighted")
    assert metrics.explained_variance(x, t) == pytest.approx(theirs, rel=1e-10)


@given(d=st.integers(2, 8), seed=seeds, data=st.data())
def test_principal_angles(d, seed, data):
    from scipy.linalg import subspace_angles

    p, q = (data.draw(st.integers(1, d)) for _ in range(2))
    rng = np.random.default_rng(seed)
    A, B = rng.standard_normal((d, p)), rng.standard_normal((d, q))
    # where the subspaces must meet, some of SciPy's zeros are an arccos near 1, which has half the digits
    np.testing.assert_allclose(metrics.principal_angles(A, B), subspace_angles(A, B)[::-1],
                               atol=1e-10 if p + q <= d else 1e-7)


@pytest.mark.parametrize("k", [1, 3, 20])
def test_pca_of_digits(k):
    """Its covariance is scikit-learn's times (N - 1) / N; everything else is the same."""
    from sklearn.decomposition import PCA as Theirs

    X = nnlab.data.digits("train")[0].astype(float)
    ours, theirs = PCA(k).fit(X), Theirs(k, svd_solver="full").fit(X)
    close(ours.mean_, theirs.mean_)
    np.testing.assert_allclose(ours.components_, theirs.components_, atol=1e-10)
    close(ours.eigenvalues_[:k] * len(X) / (len(X) - 1), theirs.explained_variance_)
    close(ours.explained_variance_ratio_, theirs.explained_variance_ratio_)
    np.testing.assert_allclose(ours.transform(X), theirs.transform(X), atol=1e-10)
    np.testing.assert_allclose(ours.inverse_transform(ours.transform(X)),
                               theirs.inverse_transform(theirs.transform(X)), atol=1e-10)
