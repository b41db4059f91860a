"""How good a network is, in numbers that nobody differentiates. A metric takes arrays or Tensors and returns a Python
float, or an array of whole numbers or angles, computed in float64. sklearn.metrics has the same names.
"""

import numpy as np

from nnlab import functional as F
from nnlab.tensor import Tensor


def _array(values, dtype=None):
    return np.asarray(values.data if isinstance(values, Tensor) else values, dtype)


# Classes -------------------------------------------------------------------------------------------------------------
def accuracy(outputs, labels):
    """The share of examples whose predicted class is the label.

    outputs: logits, (N, C) for C classes, or (N,) or (N, 1) for two (class 1 where the logit is above 0);
    labels: (N,) or (N, 1). Raises ValueError for other shapes: nothing is broadcast.

    >>> accuracy([[2.0, 1.0], [0.0, 3.0]], [0, 0])
    0.5
    """
    predicted, y, _ = _predicted(outputs, labels, "accuracy")
    return float(np.mean(predicted == y))


def confusion_matrix(outputs, labels):
    """How many examples of class i (row) were taken for class j (column): (C, C) whole numbers; right ones diagonal.

    outputs, labels: as for `accuracy`. Raises ValueError for other shapes, or labels that are no class from 0 to C - 1.

    >>> confusion_matrix([[2.0, 1.0], [0.0, 3.0], [5.0, 1.0]], [0, 0, 1]).tolist()
    [[1, 1], [1, 0]]
    """
    predicted, y, classes = _predicted(outputs, labels, "confusion_matrix")
    if not np.isin(y, np.arange(classes)).all():
        raise ValueError(f"labels must be whole numbers from 0 to {classes - 1}, the classes of the outputs; they "
                         f"reach from {y.min()} to {y.max()}.")
    return np.bincount(y.astype(int) * classes + predicted, minlength=classes**2).reshape(classes, classes)


def _predicted(outputs, labels, metric):
    """(predicted classes (N,), labels (N,), number of classes)"""
    z, y = _array(outputs), _array(labels)
    column = z.shape[1:] == (1,)
    if y.shape not in ((len(z),), (len(z), 1)) or z.ndim > 2 or len(z) == 0:
        raise ValueError(f"{metric} takes outputs (N, C), (N, 1) or (N,) and labels (N,); got {z.shape} and {y.shape}.")
    one_logit = z.ndim == 1 or column
    return (z.reshape(-1) > 0 if one_logit else z.argmax(1)), y.reshape(-1), 2 if one_logit else z.shape[1]


# Reconstruction ------------------------------------------------------------------------------------------------------
def explained_variance(outputs, targets):
    """1 - Var(target - output) / Var(target), variances summed over columns: 1 if all is explained, 0 for a constant.

    Both (N, d). For PCA it is the sum of `explained_variance_ratio`; a constant offset costs nothing.
    Raises ValueError for shapes that differ, and for targets that do not vary at all.

    >>> explained_variance([[1.0], [3.0]], [[0.0], [4.0]])
    0.75
    """
    x, t = _array(outputs, float), _array(targets, float)
    if x.shape != t.shape or t.ndim != 2:
        raise ValueError(f"explained_variance takes two arrays of one shape (N, d); got {x.shape} and {t.shape}.")
    total = t.var(0).sum() if len(t) else 0.0
    if total == 0:
        raise ValueError("the targets are all the same: there is no variance to explain.")
    return float(1 - (t - x).var(0).sum() / total)


def principal_angles(A, B):
    """The angles between the subspaces that the columns of A and of B span, in radians, the smallest first.

    A: (d, p), B: (d, q) -> (min(p, q),). All 0: one contains the other; pi/2: a direction of one is orthogonal to the
    other. With orthonormal bases, cosines are the singular values of QA^T QB, sines those of QB - QA QA^T QB; together
    they keep angles exact to 1e-15, where the cosine alone turns all below 1e-8 into 0. Bjorck and Golub, 1973.
    Raises ValueError for other shapes and for columns that depend on each other.

    >>> a = 1e-12
    >>> [f"{angle:.3g}" for angle in principal_angles([[1.0], [0.0]], [[1.0], [a]])]
    ['1e-12']
    """
    QA, QB = _basis(A, "A"), _basis(B, "B")
    if len(QA) != len(QB):
        raise ValueError(f"A and B must lie in one space: A has columns of length {len(QA)}, B of {len(QB)}.")
    if QA.shape[1] < QB.shape[1]:
        QA, QB = QB, QA
    cosines = np.linalg.svd(QA.T @ QB, compute_uv=False)  # falling, where the sines rise
    sines = np.linalg.svd(QB - QA @ (QA.T @ QB), compute_uv=False)[::-1]
    return np.arctan2(sines, cosines)


def _basis(columns, name):
    """An orthonormal basis of the span."""
    columns = _array(columns, float)
    if columns.ndim != 2 or not 0 < columns.shape[1] <= columns.shape[0]:
        raise ValueError(f"{name} holds a basis in its columns, (d, k) with k from 1 to d; got {columns.shape}.")
    U, s, _ = np.linalg.svd(columns, full_matrices=False)
    if s[-1] <= s[0] * max(columns.shape) * np.finfo(float).eps:
        raise ValueError(f"the {len(s)} columns of {name} depend on each other, so they span fewer dimensions.")
    return U


# Generated samples ---------------------------------------------------------------------------------------------------
def mode_counts(samples, centers, sd):
    """How many samples of high quality each mode has: those within 3 sd of it, and of no other mode that is nearer.

    samples: (N, d); centers: (K, d), the modes' means, as `data.ring_centers()`; sd: standard deviation of each mode.
    Distances are Euclidean. -> (K,) whole numbers. Srivastava et al. (VEEGAN), NeurIPS 2017; Lin et al. (PacGAN) 2018.
    Raises ValueError for shapes that do not fit, no samples, or an sd of 0 or less.

    >>> mode_counts([[0.0, 0.1], [0.1, 0.0], [2.0, 0.0], [1.0, 0.0]], centers=[[0.0, 0.0], [2.0, 0.0]], sd=0.1).tolist()
    [2, 1]
    """
    distance, nearest = _nearest(samples, centers)
    if not sd > 0:
        raise ValueError(f"sd is the standard deviation of a mode, above 0; got {sd!r}.")
    return np.bincount(nearest[distance <= 3 * sd], minlength=len(centers))


def modes_captured(samples, centers, sd, share=0.01):
    """How many modes hold at least `share` of all samples, counting those of high quality only (see `mode_counts`).

    A single stray sample is no captured mode, unless share=0. Raises ValueError as `mode_counts`.

    >>> modes_captured([[0.0]] * 99 + [[2.0]], centers=[[0.0], [2.0], [4.0]], sd=0.1)
    2
    """
    counts = mode_counts(samples, centers, sd)
    return int(np.sum((counts > 0) & (counts >= share * len(samples))))


def high_quality_share(samples, centers, sd):
    """The share of samples within 3 sd of a mode. Samples of the ring itself have 1 - e^-4.5 = 0.989 of them.

    >>> high_quality_share([[0.0, 0.1], [1.0, 0.0]], centers=[[0.0, 0.0], [2.0, 0.0]], sd=0.1)
    0.5
    """
    return float(mode_counts(samples, centers, sd).sum() / len(samples))


def reverse_kl(samples, centers):
    """How unevenly the samples are spread over the modes: sum_k q_k ln(K q_k), in nats, q the shares by nearest mode.

    0 if all K modes have equally many, ln K if one has them all. Every sample counts, of high quality or not: a measure
    of balance, as in PacGAN's tables ("reverse KL", that of the modes generated from the uniform modes of the data).

    >>> reverse_kl([[0.1], [0.2], [2.0], [1.9]], centers=[[0.0], [2.0]])
    0.0
    """
    _, nearest = _nearest(samples, centers)
    modes = len(centers)
    q = np.bincount(nearest, minlength=modes) / len(nearest)
    return F.kl_divergence(q, np.full(modes, 1 / modes)).item()


def _nearest(samples, centers):
    """(distance to the nearest center, its index), each (N,)."""
    x, c = _array(samples, float), _array(centers, float)
    if x.ndim != 2 or c.ndim != 2 or len(x) == 0 or len(c) == 0 or x.shape[1] != c.shape[1]:
        raise ValueError(f"samples must be (N, d) and centers (K, d), at least one of each; got {x.shape}, {c.shape}.")
    distances = np.linalg.norm(x[:, None] - c, axis=2)  # (N, K)
    nearest = distances.argmin(1)
    return distances[np.arange(len(x)), nearest], nearest
