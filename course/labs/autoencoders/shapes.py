"""Data for autoencoders: a line and a curve in 16 dimensions, a rolled-up sheet in 3, and digits as they are."""

import numpy as np

import nnlab

NOISE = 0.02  # standard deviation in every coordinate; its square is the least error a code of the right size can reach
AMPLITUDES = np.array([1.2, 0.85, 0.5, 0.32])


def axes16(k):
    """k orthogonal directions of length 1 in 16 dimensions, always the same. -> (16, k)"""
    return np.linalg.qr(np.random.default_rng(0).standard_normal((16, 4)))[0][:, :k]


def line(n, rng):
    """A straight piece. One number says where on it a point is. -> (n, 16)"""
    return rng.uniform(-1.4, 1.4, (n, 1)) @ axes16(1).T


def curve(n, rng):
    """A curve that bends into four directions, still with one number a point: a_j cos(j pi s), s from 0 to 1.

    The four are uncorrelated, of variance a_j^2 / 2: so they are its principal components. -> (n, 16)
    """
    s = rng.uniform(0, 1, (n, 1))
    return AMPLITUDES * np.cos(np.pi * s * np.arange(1, 5)) @ axes16(4).T


def roll(n, rng):
    """A sheet rolled up: two numbers a point, in three dimensions. -> (n, 3)"""
    t, height = np.pi * rng.uniform(1, 2.5, n), rng.uniform(-1, 1, n)
    return np.stack([t * np.cos(t) / 7, height, t * np.sin(t) / 7], 1)


SHAPES = {"line": line, "curve": curve, "swiss roll": roll}


def draw(name, n, seed):
    """n points of a shape with noise, or all training digits. -> float32 (n, d)"""
    if name == "digits":
        return nnlab.data.digits("train")[0]
    rng = np.random.default_rng(seed)
    X = SHAPES[name](n, rng)
    return (X + NOISE * rng.standard_normal(X.shape)).astype(np.float32)


def fresh(name, n, seed):
    """As many again that nobody learns from; of the digits, those held out for validation."""
    return nnlab.data.digits("validation")[0] if name == "digits" else draw(name, n, [seed, 1])


def one_of_each(part="validation"):
    """The first digit of each class: (10, 64)."""
    X, y = nnlab.data.digits(part)
    return X[[np.flatnonzero(y == digit)[0] for digit in range(10)]]


def digit_color(style, digit):
    """A colour for each of the ten digits; they are told apart by their markers, which are the digits themselves."""
    return (*style.cycle[:8], style.faint, style.ink)[digit]
