"""Activations: what a neuron makes of its sum, and how scores become probabilities.

Everything is written so that it stays exact and finite for inputs of any size. Goodfellow, Bengio and Courville, Deep
Learning (2016), section 6.3.
"""

import functools

import numpy as np

from nnlab.ops import op

ACTIVATIONS = {}  # name -> activation, for `activation="tanh"`


def elementwise(df):
    """Declare an activation a = f(z) by its derivative `df(z, a)`; `.f` and `.df` are for `linear` to use inside."""
    def declare(f):
        @op
        @functools.wraps(f)
        def activation(z, /, *args, **options):
            a = f(z, *args, **options)
            return a, lambda g: g * df(z, a, *args, **options)

        activation.f, activation.df = f, df
        ACTIVATIONS[f.__name__] = activation
        return activation

    return declare


@elementwise(lambda z, a: a > 0)
def relu(z, /):
    """max(0, z); derivative 1 where z > 0 and 0 elsewhere, at 0 too. Nair and Hinton, ICML 2010.

    >>> relu([-2.0, 3.0])
    Tensor([0., 3.])
    """
    return np.maximum(z, 0)


@elementwise(lambda z, a, negative_slope=0.01: np.where(z > 0, z.dtype.type(1), z.dtype.type(negative_slope)))
def leaky_relu(z, /, negative_slope=0.01):
    """z where z > 0, negative_slope * z elsewhere: no neuron is ever quite silent. Maas et al., ICML 2013."""
    return np.where(z > 0, z, z * negative_slope)


@elementwise(lambda z, a: a * (1 - a))
def sigmoid(z, /):
    """1 / (1 + e^-z), in (0, 1); derivative a (1 - a). Exact in both tails.

    >>> sigmoid([-1e4, 0.0, 1e4])
    Tensor([0. , 0.5, 1. ])
    """
    e = np.exp(-np.abs(z))  # never above 1, so it cannot overflow
    return np.maximum(e, z >= 0) / (1 + e)  # the numerator is 1 for z >= 0 and e below


@elementwise(lambda z, a: 1 - a * a)
def tanh(z, /):
    """(e^z - e^-z) / (e^z + e^-z), in (-1, 1); derivative 1 - a^2."""
    return np.tanh(z)


def find_activation(activation):
    """The elementwise activation called `activation`, or `activation` itself; None stays None (a linear layer)."""
    found = ACTIVATIONS.get(activation) if isinstance(activation, str) else activation
    if found is None is not activation or not (found is None or hasattr(found, "df")):
        raise ValueError(f"activation is None or one of {', '.join(ACTIVATIONS)}; got {activation!r}.")
    return found


@op
def softmax(z, /, axis=-1, temperature=1.0):
    """p_i = e^(z_i / T) / sum_j e^(z_j / T): scores become probabilities along `axis`; a high T evens them out.

    >>> softmax([0.0, 0.0, 1e4])
    Tensor([0., 0., 1.])
    """
    p = np.exp(_log_softmax(z, axis, temperature))
    # dp_i/dz_j = p_i ([i = j] - p_j) / T
    return p, lambda g: p * (g - np.sum(g * p, axis, keepdims=True)) / temperature


@op
def log_softmax(z, /, axis=-1, temperature=1.0):
    """ln softmax(z), computed as z/T - ln sum_j e^(z_j / T), so that a tiny probability does not become ln 0."""
    y = _log_softmax(z, axis, temperature)
    return y, lambda g: (g - np.exp(y) * np.sum(g, axis, keepdims=True)) / temperature


def _log_softmax(z, axis, temperature):
    if not temperature > 0:
        raise ValueError(f"the temperature must be above 0; got {temperature}.")
    z = (z - np.max(z, axis, keepdims=True)) / temperature  # the largest is now 0: no overflow
    return z - np.log(np.sum(np.exp(z), axis, keepdims=True))
