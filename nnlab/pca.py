"""Principal component analysis, the best linear code: what an autoencoder has to beat. No training, one decomposition.

K. Pearson, Phil. Magazine 2 (1901); that no linear autoencoder does better: Baldi and Hornik, Neural Networks 2 (1989).
"""

import numpy as np

from nnlab.tensor import constant


class PCA:
    """The k orthogonal directions in which the data varies most. Names as in sklearn.decomposition.PCA.

    Code Z = (X - mean) V^T, reconstruction mean + Z V, where the rows of V are the leading eigenvectors of the
    covariance. It divides by N (scikit-learn: N - 1), so the mean squared length of X - reconstruction is exactly the
    sum of the eigenvalues left out. An eigenvector's sign is free: its largest entry is made positive.
    After `fit`: mean_ (d,); components_ V, (k, d); eigenvalues_, all of them, (min(N, d),), falling;
    explained_variance_ratio_ (k,). Raises ValueError for a k that the data does not have, or data that is not (N, d).

    >>> X = np.array([[1.0, 3.0], [2.0, 5.0], [3.0, 7.0]])  # on a line
    >>> pca = PCA(1).fit(X)
    >>> pca.transform(X).shape, np.allclose(pca.inverse_transform(pca.transform(X)), X)
    ((3, 1), True)
    """

    def __init__(self, k):
        if isinstance(k, bool) or k != int(k) or k < 1:
            raise ValueError(f"PCA: k counts components, a whole number of at least 1; got {k!r}.")
        self.k = int(k)

    def fit(self, X):
        """Find the components of X (N, d); float32 stays float32, the decomposition itself is in float64."""
        X = constant(X).data
        if X.ndim != 2 or not 1 <= self.k <= min(X.shape):
            raise ValueError(f"PCA({self.k}) needs X (N, d) with N and d of at least {self.k}; got shape {X.shape}.")
        if not np.isfinite(X).all():
            raise ValueError("X holds values that are nan or infinite: drop those examples or fill them in.")
        mean = X.mean(0, dtype=float)
        _, s, V = np.linalg.svd(X - mean, full_matrices=False)  # the singular values are sqrt(N eigenvalue)
        V = V[:self.k]
        V *= np.where(V[np.arange(self.k), np.abs(V).argmax(1)] < 0, -1, 1)[:, None]
        self.mean_, self.components_ = mean.astype(X.dtype), V.astype(X.dtype)
        self.eigenvalues_ = s**2 / len(X)
        self.explained_variance_ratio_ = self.eigenvalues_[:self.k] / (self.eigenvalues_.sum() or 1)
        return self

    def transform(self, X):
        """The codes: (N, d) -> (N, k)."""
        return (self._rows(X, 1) - self.mean_) @ self.components_.T

    def inverse_transform(self, Z):
        """Back from codes to data: (N, k) -> (N, d)."""
        return self._rows(Z, 0) @ self.components_ + self.mean_

    def _rows(self, X, axis):
        """`X` in the dtype of the fitted data, checked to have as many columns as `components_` has along `axis`."""
        if not hasattr(self, "mean_"):
            raise RuntimeError(f"this PCA({self.k}) has not seen data yet: call pca.fit(X) first.")
        X, columns = constant(X, self.mean_.dtype).data, self.components_.shape[axis]
        if X.ndim != 2 or X.shape[1] != columns:
            raise ValueError(f"PCA({self.k}) takes {('codes', 'data')[axis]} (N, {columns}) here; got {X.shape}.")
        return X
