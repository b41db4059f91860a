"""Activations: what a neuron makes of its sum, and how scores become probabilities.

Everything is written so that it stays exact and finite for inputs of any size. Goodfellow, Bengio and Courville, Deep
Learning (2016), section 6.3.
"""

import functools
from math import pi, sqrt

import numpy as np

from nnlab.ops import op

ACTIVATIONS = {}  # name -> activation, for `activation="tanh"`


def elementwise(df):
    """Declare an activation a = f(z) by its derivative `df(z, a)`; `.f` and `.df` are for `linear` to use inside.

    Options, if it has any, are numbers; inside a layer `nn.LeakyReLU(0.2)` is the activation with its option bound.
    """
    def declare(f):
        @op
        @functools.wraps(f)
        def activation(z, /, *args, **options):
            args = [float(v) for v in args]  # a NumPy scalar would turn float32 into float64
            options = {name: float(v) for name, v in options.items()}
            a = f(z, *args, **options)
            return a, lambda g: g * df(z, a, *args, **options)

        activation.f, activation.df = f, df
        ACTIVATIONS[f.__name__] = activation
        return activation

    return declare


@elementwise(lambda z, a: a.astype(bool))
def relu(z, /):
    """max(0, z); derivative 1 where z > 0 and 0 elsewhere, at 0 too. Nair and Hinton, ICML 2010.

    >>> relu([-2.0, 3.0])
    Tensor([0., 3.])
    """
    a = np.zeros(z.shape, z.dtype)  # the maximum of two arrays takes a third of that of an array and a number
    return np.maximum(z, a, out=a)


def _step(z, height):
    """`height` where z > 0, else 0; as max and min, up to ten times faster than np.where on signs in disorder."""
    return np.multiply(z > 0, height, dtype=z.dtype)


@elementwise(lambda z, a, negative_slope=0.01: negative_slope + _step(z, 1 - negative_slope))
def leaky_relu(z, /, negative_slope=0.01):
    """z where z > 0, negative_slope * z elsewhere: no neuron is ever quite silent. Maas et al., ICML 2013.

    >>> leaky_relu([-2.0, 3.0], negative_slope=0.25)
    Tensor([-0.5,  3. ])
    """
    return np.maximum(z, 0) + negative_slope * np.minimum(z, 0)


@elementwise(lambda z, a, alpha=1.0: np.minimum(a, 0) + alpha + _step(z, 1 - alpha))
def elu(z, /, alpha=1.0):
    """z where z > 0, alpha (e^z - 1) elsewhere, with derivative a + alpha: its mean is nearer to 0 than relu's.

    Clevert, Unterthiner and Hochreiter, ICLR 2016.

    >>> elu([-1e4, 0.0, 2.0])
    Tensor([-1.,  0.,  2.])
    """
    return np.maximum(z, 0) + alpha * np.expm1(np.minimum(z, 0))


# For these, mean 0 and variance 1 are a fixed point that attracts, if the weights have variance 1 / fan_in.
SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805


@elementwise(lambda z, a: np.minimum(a, 0) + SELU_SCALE * (SELU_ALPHA + _step(z, 1 - SELU_ALPHA)))
def selu(z, /):
    """1.0507 elu(z, alpha=1.6733): with LeCun's start, deep layers keep mean 0 and variance 1 by themselves.

    Klambauer et al., Self-Normalizing Neural Networks, NeurIPS 2017.

    >>> [round(a, 4) for a in selu([-1e4, 1.0]).data.tolist()]
    [-1.7581, 1.0507]
    """
    return SELU_SCALE * elu.f(z, SELU_ALPHA)


@elementwise(lambda z, a: a * (1 - a))
def sigmoid(z, /):
    """1 / (1 + e^-z), in (0, 1); derivative a (1 - a). Exact in both tails.

    >>> sigmoid([-1e4, 0.0, 1e4])
    Tensor([0. , 0.5, 1. ])
    """
    with np.errstate(over="ignore"):  # where e^-z overflows, 1 / (1 + inf) is the 0 that it should be
        return 1 / (1 + np.exp(-z))


@elementwise(lambda z, a: 1 - a * a)
def tanh(z, /):
    """(e^z - e^-z) / (e^z + e^-z), in (-1, 1); derivative 1 - a^2.

    >>> tanh([-1e4, 0.0, 1e4])
    Tensor([-1.,  0.,  1.])
    """
    return np.tanh(z)


@elementwise(lambda z, a: _gate(z, a) + z * np.exp(z * z / -2) / sqrt(2 * pi))
def gelu(z, /):
    """z Phi(z), where Phi(z) = P(X < z) for X ~ N(0, 1); derivative Phi(z) + z Phi'(z). Exact in both tails.

    Hendrycks and Gimpel, 2016.

    >>> gelu([-1e4, 0.0, 1.0]).data.round(4)
    array([0.    , 0.    , 0.8413], dtype=float32)
    """
    size = np.abs(z)
    return np.maximum(z, 0) - size * _normal_tail(size)


@elementwise(lambda z, a: _gate(z, a) + a * (1 - _gate(z, a)) * sqrt(8 / pi) * (1 + 3 * 0.044715 * z * z))
def gelu_tanh(z, /):
    """z (1 + tanh(sqrt(2 / pi) (z + 0.044715 z^3))) / 2, which differs from `gelu` by less than 0.0005 and is faster.

    Hendrycks and Gimpel 2016; used by GPT-2.

    >>> bool(abs(gelu_tanh([1.0]).item() - gelu([1.0]).item()) < 5e-4)
    True
    """
    return z * (0.5 + 0.5 * np.tanh(sqrt(2 / pi) * z * (1 + 0.044715 * z * z)))


def _gate(z, a):
    """a / z: what share of z the activation lets through; 1/2 at 0."""
    return np.divide(a, z, out=np.full_like(z, 0.5), where=z != 0)


def find_activation(activation):
    """The elementwise activation called `activation`, or `activation` itself (an operation or a layer such as
    nn.LeakyReLU(0.2)); None stays None (a linear layer).
    """
    found = ACTIVATIONS.get(activation) if isinstance(activation, str) else activation
    if found is None is not activation or not (found is None or hasattr(found, "df")):
        raise ValueError(f"activation is None or one of {', '.join(ACTIVATIONS)}, or a layer such as LeakyReLU(0.2); "
                         f"got {activation!r}.")
    return found


@op
def softmax(z, /, axis=-1, temperature=1.0):
    """p_i = e^(z_i / T) / sum_j e^(z_j / T): scores become probabilities along `axis`; a high T evens them out.

    >>> softmax([0.0, 0.0, 1e4])
    Tensor([0., 0., 1.])
    """
    p = np.exp(_log_softmax(z, axis, temperature))
    # dp_i/dz_j = p_i ([i = j] - p_j) / T
    return p, lambda g: p * (g - np.sum(g * p, axis, keepdims=True)) / float(temperature)


@op
def log_softmax(z, /, axis=-1, temperature=1.0):
    """ln softmax(z), computed as z/T - ln sum_j e^(z_j / T), so that a tiny probability does not become ln 0.

    >>> log_softmax([0.0, 1e4])
    Tensor([-10000.,      0.])
    """
    y = _log_softmax(z, axis, temperature)
    return y, lambda g: (g - np.exp(y) * np.sum(g, axis, keepdims=True)) / float(temperature)


def _log_softmax(z, axis, temperature):
    if not temperature > 0:
        raise ValueError(f"the temperature must be above 0; got {temperature}.")
    z = (z - np.max(z, axis, keepdims=True)) / float(temperature)  # the largest is now 0: no overflow
    return z - np.log(np.sum(np.exp(z), axis, keepdims=True))


# e^(x^2) erfc(x) (1 + 2x) as a polynomial in (x - 3.75) / (x + 3.75), for x >= 0 to 4e-16, and in float32 to 1e-7: a
# Chebyshev expansion, by powers. The form is that of Shepherd and Laframboise, Math. Comp. 36, 1981.
ERFC = {
    "float64": (1.2375126308378275, -0.14024059858554696, 0.0035854154854790256, 0.082276738490145208,
                -0.10880393014244461, 0.092304321160377478, -0.058693398576649338, 0.028362277418956404,
                -0.0097465796832652622, 0.0017556258528952954, 0.00029371437804495803, -0.00029015408054084171,
                5.1646529741774161e-5, 2.238423915508223e-5, -1.1438048033346894e-5, -9.7355989673677493e-7,
                1.7419821586224816e-6, -5.7218230603224088e-8, -2.4857126248016743e-7, 2.3263508708859124e-8,
                3.1979266716668043e-8, -3.7442100809620186e-9, -2.6231073471334758e-9, 3.1114333809799252e-10),
    "float32": (1.23751262, -0.140240658, 0.00358627039, 0.08227842, -0.10881427, 0.0922907696, -0.0586468587,
                0.0284092524, -0.00984449486, 0.00167591222, 0.000396307613, -0.000224116747),
}


def _normal_tail(z):
    """P(X > z) = erfc(z / sqrt(2)) / 2 for X ~ N(0, 1) and z >= 0, with all its digits however small it is."""
    x = np.minimum(z, 40) / sqrt(2)  # beyond, it is below the smallest number
    u = (x - 3.75) / (x + 3.75)
    y = np.zeros_like(u)
    for c in reversed(ERFC[u.dtype.name]):
        y *= u
        y += c
    return y * np.exp(-x * x) / (2 + 4 * x)
