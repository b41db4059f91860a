"""What the playground's nets learn: eight sets of points in the plane, and what a net may be told about a point.

All lie within SIDE of the origin. `noise` is a standard deviation in the units of the plane: of the points where there
are classes, of the numbers to be learned where there are none. Six sets are nnlab.data's, to scale.
"""

import numpy as np

import nnlab

SIDE, POINTS = 1.5, 400
DIGITS = (1, 9)  # of all pairs, one of those that a curve tells apart much better than a line
HILLS = np.array([(-0.8, 0.6, 1), (0.1, 0.9, -1), (0.9, 0.3, 1), (0.5, -0.8, -1), (-0.4, -0.5, 1), (-1.1, -0.9, -1)])


def circle(n, noise, rng):
    """A disc's edge round another: class 0 outside, class 1 inside."""
    X, y = nnlab.data.circles(n, noise=0.07 + noise, inner=0.4, rng=rng)
    return 1.1 * X, y


def xor(n, noise, rng):
    """Four clouds; class 1 where the signs differ."""
    X, y = nnlab.data.xor(n, noise=0.25 + noise, rng=rng)
    return 0.8 * X, y


def blobs(n, noise, rng):
    """Two clouds."""
    return nnlab.data.blobs(n, noise=0.2 + noise, centers=[(-0.7, -0.5), (0.7, 0.5)], rng=rng)


def spiral(n, noise, rng):
    """Two arms, wound round each other one and a quarter times."""
    X, y = nnlab.data.spirals(n, noise=0.02 + noise, turns=1.25, rng=rng)
    return 1.3 * X, y


def moons(n, noise, rng):
    """Two half circles that reach into each other, moved to the middle of the plane."""
    X, y = nnlab.data.moons(n, noise=0.08 + noise, rng=rng)
    return 0.85 * X - np.float32([0.425, 0.2]), y


def digits(n, noise, rng):
    """Handwritten ones (0) and nines (1), 362 of them whatever n: each 64 grey values, seen along the two directions in
    which these digits differ most (principal components, found without a look at the labels).
    """
    X, y = nnlab.data.digits("all")
    X, y = X[np.isin(y, DIGITS)], y[np.isin(y, DIGITS)]
    Z = nnlab.PCA(2).fit(X).transform(X) / 1.6
    return (Z + rng.normal(0, noise, Z.shape)).astype(np.float32), (y == DIGITS[1]).astype(int)


def plane(n, noise, rng):
    """A number to learn, not a class: it rises evenly from one corner of the plane to the other."""
    X = rng.uniform(-1.3, 1.3, (n, 2)).astype(np.float32)
    return X, (X.sum(1) / 2.6 + rng.normal(0, noise, n)).astype(np.float32)


def hills(n, noise, rng):
    """A number to learn: the height of a landscape of three hills and three hollows."""
    X = rng.uniform(-1.3, 1.3, (n, 2)).astype(np.float32)
    return X, (height(X) + rng.normal(0, noise, n)).astype(np.float32)


def height(X):
    """(N, 2) -> (N,)"""
    away = np.square(X[:, None] - HILLS[:, :2]).sum(2)
    return np.exp(-away / 0.12) @ HILLS[:, 2]


DATA = {"circle": circle, "xor": xor, "two blobs": blobs, "spiral": spiral, "moons": moons, "two digits": digits,
        "plane": plane, "hills": hills}
REGRESSION = ("plane", "hills")
# What a net may be told about a point, as one would write it in Python; and as a picture writes it.
FEATURES = {
    "x1": (lambda x1, x2: x1, "x₁"),
    "x2": (lambda x1, x2: x2, "x₂"),
    "x1**2": (lambda x1, x2: x1**2, "x₁²"),
    "x2**2": (lambda x1, x2: x2**2, "x₂²"),
    "x1*x2": (lambda x1, x2: x1 * x2, "x₁x₂"),
    "sin(4*x1)": (lambda x1, x2: np.sin(4 * x1), "sin 4x₁"),
    "sin(4*x2)": (lambda x1, x2: np.sin(4 * x2), "sin 4x₂"),
}


def features(X, names):
    """What the net is told about the points X: (N, 2) -> (N, len(names))"""
    return np.stack([FEATURES[name][0](*X.T) for name in names], 1)


def split(data, noise, share, rng):
    """X_train, X_test, y_train, y_test. share: of the training data, in percent."""
    X, y = DATA[data](POINTS, noise, rng)
    return nnlab.data.train_test_split(X, y, (100 - share) / 100, stratify=data not in REGRESSION, rng=rng)
