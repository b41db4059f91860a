"""Data augmentation: more examples out of few, by changes that leave the label as it is. In one line of training,
`fit(..., augment=Compose(Rotate(15), Shift(1)))`. Every call draws anew for each example, so no pass sees the same
batch twice. Points are (N, 2); images (N, H, W), or square ones in a row, (N, H * H). Shorten and Khoshgoftaar, 2019.
"""

from math import isqrt

import numpy as np

from nnlab.optim.base import at_least_0
from nnlab.rng import as_rng


# What is done to images ----------------------------------------------------------------------------------------------
def shift(images, down, right):
    """Move each image by whole pixels; what comes in from outside is 0. (N, H, W), two integers (N,) -> (N, H, W).

    >>> shift(np.array([[[1, 2], [3, 4]]]), [1], [0]).tolist()
    [[[0, 0], [1, 2]]]
    """
    _, height, width = images.shape
    rows = np.arange(height) - np.reshape(down, (-1, 1))  # (N, H): where each row comes from
    columns = np.arange(width) - np.reshape(right, (-1, 1))  # (N, W)
    return _pixels(images, rows[:, :, None], columns[:, None, :])


def rotate(images, degrees):
    """Turn each image counterclockwise about its centre; what comes in from outside is 0. (N, H, W), (N,) -> (N, H, W).

    A pixel comes from between four others and is their mean, weighted by nearness (bilinear interpolation).

    >>> rotate(np.array([[[1.0, 2.0], [3.0, 4.0]]]), [90]).round(6).tolist()
    [[[2.0, 4.0], [1.0, 3.0]]]
    """
    (_, height, width), angle = images.shape, np.radians(degrees)[:, None, None]
    y, x = np.arange(height)[:, None] - (height - 1) / 2, np.arange(width) - (width - 1) / 2  # from the centre, y down
    # the source of each pixel lies clockwise of it
    row = y * np.cos(angle) + x * np.sin(angle) + (height - 1) / 2  # (N, H, W)
    column = x * np.cos(angle) - y * np.sin(angle) + (width - 1) / 2
    top, left = np.floor(row).astype(int), np.floor(column).astype(int)
    below, beside = row - top, column - left  # in [0, 1): how near to the next pixel
    turned = sum(_pixels(images, top + i, left + j) * (below if i else 1 - below) * (beside if j else 1 - beside)
                 for i in (0, 1) for j in (0, 1))
    return turned.astype(images.dtype)


def _pixels(images, rows, columns):
    """images[n, rows, columns] of each image n, 0 where that lies outside."""
    n, height, width = images.shape
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    return images[np.arange(n)[:, None, None], rows.clip(0, height - 1), columns.clip(0, width - 1)] * inside


# Drawn anew for each example -----------------------------------------------------------------------------------------
class Augmentation:
    """A random change of a batch: a new array of the same shape and dtype. amount: how much at most; rng: as_rng's.

    Without `rng` it draws from the default that `manual_seed` sets. Raises ValueError for a negative amount.
    """

    def __init__(self, amount, *, rng=None):
        self.amount = at_least_0(f"{type(self).__name__}'s amount", amount)
        self.rng = rng if rng is None else as_rng(rng)

    def __call__(self, X):
        X = np.asarray(X)
        return self.change(X, as_rng(self.rng)).astype(X.dtype, copy=False)

    def change(self, X, rng):
        raise NotImplementedError(f"{type(self).__name__} must define change(self, X, rng).")

    def _uniform(self, X, rng):
        """One number from -amount to amount for each example."""
        return rng.uniform(-self.amount, self.amount, len(X))


class Compose:
    """One augmentation after another.

    >>> Compose(Flip(1.0), Flip(1.0))(np.array([[1.0, 2.0, 3.0, 4.0]])).tolist()
    [[1.0, 2.0, 3.0, 4.0]]
    """

    def __init__(self, *augmentations):
        self.augmentations = augmentations

    def __call__(self, X):
        for augmentation in self.augmentations:
            X = augmentation(X)
        return X


class Noise(Augmentation):
    """x + N(0, amount^2), in every number by itself; for any data.

    >>> Noise(0.1, rng=0)(np.zeros((5, 3))).shape
    (5, 3)
    """

    def change(self, X, rng):
        return X + self.amount * rng.standard_normal(X.shape)


class Scale(Augmentation):
    """x times one number per example, from 1 - amount to 1 + amount; for points and other vectors."""

    def change(self, X, rng):
        return X * (1 + self._uniform(X, rng)).reshape(-1, *[1] * (X.ndim - 1))


class Rotate(Augmentation):
    """Turned by -amount to +amount degrees: points about the origin, images about their centre."""

    def change(self, X, rng):
        degrees = self._uniform(X, rng)
        if X.shape[1:] != (2,):
            return rotate(_images(X), degrees).reshape(X.shape)
        c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        return np.stack([c * X[:, 0] - s * X[:, 1], s * X[:, 0] + c * X[:, 1]], 1)


class Shift(Augmentation):
    """An image moved down or up, right or left, by up to `amount` whole pixels; 0 comes in from outside."""

    def __init__(self, amount, *, rng=None):
        super().__init__(amount, rng=rng)
        if amount != int(amount):
            raise ValueError(f"Shift moves by whole pixels; got {amount!r}.")

    def change(self, X, rng):
        down, right = rng.integers(-int(self.amount), int(self.amount) + 1, (2, len(X)))
        return shift(_images(X), down, right).reshape(X.shape)


class Flip(Augmentation):
    """An image mirrored, left for right, with probability `amount`. For digits it is wrong: a mirrored 2 is no 2.

    >>> Flip(1.0, rng=0)(np.array([[1, 2, 3, 4]])).tolist()
    [[2, 1, 4, 3]]
    """

    def __init__(self, amount=0.5, *, rng=None):
        super().__init__(amount, rng=rng)
        if amount > 1:
            raise ValueError(f"Flip's amount is a probability, at most 1; got {amount!r}.")

    def change(self, X, rng):
        images = _images(X)
        flipped = rng.random(len(X)) < self.amount
        return np.where(flipped[:, None, None], images[:, :, ::-1], images).reshape(X.shape)


def _images(X):
    side = isqrt(X.shape[1]) if X.ndim == 2 else 0
    if X.ndim != 3 and (X.ndim != 2 or side * side != X.shape[1]):
        raise ValueError(f"images are (N, H, W), or square and in a row, (N, H * H); got {X.shape}.")
    return X if X.ndim == 3 else X.reshape(-1, side, side)
