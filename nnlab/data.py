"""Data to learn from: small pictures in the plane drawn afresh each time, and 1,797 real handwritten digits.

Every generator returns X (n, 2) float32 and labels y (n,) int64 in random order. Digits: E. Alpaydin and C. Kaynak,
Optical Recognition of Handwritten Digits, UCI 1998, CC BY 4.0 (assets/LICENSE-digits.md).
"""

import os.path  # not pathlib, which NumPy does not need and which takes a third of nnlab's time to import
from functools import cache

import numpy as np

from nnlab.rng import as_rng


def _count(n, classes, what):
    if n != int(n) or n < classes:
        raise ValueError(f"{what}: n counts examples, at least one for each of the {classes} classes; got {n!r}.")
    return int(n)


def _finish(points, y, noise, rng):
    """Points with N(0, noise^2) added, shuffled along with their labels."""
    if not noise >= 0:
        raise ValueError(f"noise is a standard deviation of at least 0; got {noise!r}.")
    X = np.asarray(points) + rng.normal(0, noise, (len(y), 2))
    order = rng.permutation(len(y))
    return X[order].astype(np.float32), y[order].astype(np.int64)


def moons(n=256, *, noise=0.1, rng=None):
    """Two half circles that reach into each other; classes 0 and 1.

    >>> X, y = moons(100, rng=0)
    >>> X.shape, X.dtype.name, y.dtype.name, int(y.sum())
    ((100, 2), 'float32', 'int64', 50)
    """
    n, rng = _count(n, 2, "moons"), as_rng(rng)
    y = np.arange(n) % 2
    angle = rng.uniform(0, np.pi, n)
    x1 = np.where(y == 0, np.cos(angle), 1 - np.cos(angle))
    x2 = np.where(y == 0, np.sin(angle), 0.5 - np.sin(angle))
    return _finish(np.stack([x1, x2], 1), y, noise, rng)


def circles(n=256, *, noise=0.1, inner=0.5, rng=None):
    """A circle of radius 1 (class 0) round one of radius `inner` (class 1)."""
    n, rng = _count(n, 2, "circles"), as_rng(rng)
    y = np.arange(n) % 2
    return _finish(_polar(np.where(y == 0, 1, inner), rng.uniform(0, 2 * np.pi, n)), y, noise, rng)


def spirals(n=256, *, noise=0.05, arms=2, turns=1.0, rng=None):
    """`arms` spirals wound round the origin `turns` times, out to radius 1; one class each."""
    n, rng = _count(n, arms, "spirals"), as_rng(rng)
    y = np.arange(n) % arms
    r = np.sqrt(rng.uniform(0.01, 1, n))  # the root spreads them evenly along the arm
    return _finish(_polar(r, 2 * np.pi * (turns * r + y / arms)), y, noise, rng)


def xor(n=256, *, noise=0.15, rng=None):
    """Clouds on the corners (+-1, +-1) of a square: class 1 where the signs differ. noise=0 gives the corners alone.

    On the corners, MLP(2, 8, 1) with Adam(lr=0.05) has learned XOR after 500 steps from all of 200 seeds; with 4 hidden
    units from 195.
    """
    n, rng = _count(n, 2, "xor"), as_rng(rng)
    corner = np.arange(n) % 4
    signs = np.stack([1 - 2 * (corner // 2), 1 - 2 * (corner % 2)], 1)
    return _finish(signs, (signs[:, 0] != signs[:, 1]).astype(int), noise, rng)


def blobs(n=256, *, noise=0.3, centers=2, radius=1.0, rng=None):
    """Round clouds. centers: how many, evenly on a circle of `radius`, or where, as a (k, 2) array."""
    if np.ndim(centers) == 0:
        centers = ring_centers(centers, radius)
    n, rng = _count(n, len(centers), "blobs"), as_rng(rng)
    y = np.arange(n) % len(centers)
    return _finish(np.asarray(centers, float)[y], y, noise, rng)


def ring(n=256, *, noise=0.1, modes=8, radius=2.0, rng=None):
    """A ring of Gaussians, the usual test for mode collapse; y is the Gaussian's index. Metz et al., ICLR 2017."""
    return blobs(n, noise=noise, centers=modes, radius=radius, rng=rng)


def ring_centers(modes=8, radius=2.0):
    """Where the Gaussians of `ring` stand: (modes, 2), evenly on a circle, the first at (radius, 0).

    >>> ring_centers(4).round().tolist()
    [[2.0, 0.0], [0.0, 2.0], [-2.0, 0.0], [-0.0, -2.0]]
    """
    return _polar(radius, 2 * np.pi * np.arange(modes) / modes)


def _polar(r, angle):
    return np.stack([r * np.cos(angle), r * np.sin(angle)], -1)


# Handwritten digits --------------------------------------------------------------------------------------------------
PARTS = {"train": (0, 1, 2), "validation": (3,), "test": (4,)}  # of every five digits of a class, in the file's order


@cache
def _digits():
    with np.load(os.path.join(os.path.dirname(__file__), "assets", "digits.npz"), allow_pickle=False) as file:
        images, labels = file["images"], file["labels"].astype(np.int64)
    fifth = np.empty_like(labels)
    for label in range(10):
        fifth[labels == label] = np.arange(np.sum(labels == label)) % 5
    return images, labels, fifth


def digits(part="train"):
    """Handwritten digits, 8 x 8 grey values in a row: X (N, 64) float32 from 0 to 1, y (N,) int64 from 0 to 9.

    part: "train" (1,085), "validation" (357), "test" (355) or "all" (1,797). The split is fixed, and each part has the
    classes in the same proportion. All parts hold digits of the same 13 writers.

    >>> [len(digits(part)[1]) for part in ("train", "validation", "test", "all")]
    [1085, 357, 355, 1797]
    """
    if part not in PARTS and part != "all":
        raise ValueError(f"part is {', '.join(map(repr, PARTS))} or 'all'; got {part!r}.")
    images, labels, fifth = _digits()
    chosen = np.isin(fifth, PARTS.get(part, range(5)))
    return images[chosen].astype(np.float32) / 16, labels[chosen]


# Splits and batches --------------------------------------------------------------------------------------------------
def _same_length(arrays, what):
    arrays = [np.asarray(a) for a in arrays]
    lengths = [len(a) for a in arrays]
    if len(set(lengths)) != 1:
        raise ValueError(f"{what} got arrays of different lengths, {lengths}: one row or label per example.")
    return arrays


def train_test_split(X, y, test_size=0.25, *, stratify=True, rng=None):
    """Split examples at random: X_train, X_test, y_train, y_test.

    test_size: the share to hold out, above 0 and below 1. stratify: keep the proportion of the classes in both parts.
    Raises ValueError if a part would be empty, or a class have no example for one of them.

    >>> X, y = moons(40, rng=0)
    >>> X_train, X_test, y_train, y_test = train_test_split(X, y, rng=0)
    >>> len(X_train), len(X_test), int(y_test.sum())
    (30, 10, 5)
    """
    X, y = _same_length((X, y), "train_test_split")
    if not 0 < test_size < 1:
        raise ValueError(f"test_size is a share, above 0 and below 1; got {test_size!r}.")
    rng, held_out = as_rng(rng), np.zeros(len(y), bool)
    for label in np.unique(y) if stratify else [None]:
        members = np.flatnonzero(y == label) if stratify else np.arange(len(y))
        k = round(test_size * len(members))
        if not 0 < k < len(members):
            raise ValueError(f"{len(members)} examples{f' of class {label}' if stratify else ''} cannot be split with "
                             f"test_size={test_size}: one part would get none.")
        held_out[rng.permutation(members)[:k]] = True
    return X[~held_out], X[held_out], y[~held_out], y[held_out]


class DataLoader:
    """Batches of examples: `for X_batch, y_batch in DataLoader(X, y, batch_size=32): ...`

    The examples are mixed anew for every pass, so no two epochs have the same batches; the last batch may be shorter.
    Raises ValueError for arrays of different lengths, no examples, or a batch_size outside 1 ... n.

    >>> loader = DataLoader(np.arange(5), batch_size=2, shuffle=False)
    >>> len(loader), [batch.tolist() for batch, in loader]
    (3, [[0, 1], [2, 3], [4]])
    """

    def __init__(self, *arrays, batch_size=32, shuffle=True, rng=None):
        self.arrays = _same_length(arrays, "DataLoader")
        self.n, self.batch_size, self.shuffle, self.rng = len(self.arrays[0]), batch_size, shuffle, as_rng(rng)
        if self.n == 0:
            raise ValueError("there are no examples: the data set is empty.")
        if batch_size != int(batch_size) or not 1 <= batch_size <= self.n:
            raise ValueError(f"batch_size is a whole number from 1 to {self.n}, the number of examples; got "
                             f"{batch_size!r}.")

    def __len__(self):
        return -(-self.n // self.batch_size)

    def __iter__(self):
        # one mixed copy a pass is cheaper than picking each batch by itself
        order = self.rng.permutation(self.n) if self.shuffle else None
        arrays = [a.take(order, 0) for a in self.arrays] if self.shuffle else self.arrays
        for start in range(0, self.n, self.batch_size):
            yield tuple([a[start:start + self.batch_size] for a in arrays])
