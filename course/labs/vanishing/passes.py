"""What becomes of a signal on its way up many layers, and of a gradient on its way down: measured, and in theory.

The measured way is a forward and a backward pass through layers of random weights. The theory is that of very wide
layers, where sums are normally distributed: Poole et al., NeurIPS 2016; Schoenholz et al., ICLR 2017. For ReLU without
biases it is He's rule (ICCV 2015): a layer multiplies both mean squares by sigma_w^2 / 2, exactly.
"""

from functools import cache, lru_cache

import numpy as np

from nnlab.functional import ACTIVATIONS

DEEPEST, NOTHING = 60, 1e-300
NAMES = ("relu", "tanh", "sigmoid")
NODES, SHARES = np.polynomial.hermite_e.hermegauss(101)
SHARES = SHARES / SHARES.sum()


@cache
def moments(activation, q):
    """(mean of f(z)^2, mean of f'(z)^2) for sums z with mean 0 and variance q."""
    if activation == "relu":
        return q / 2, 0.5
    function, z = ACTIVATIONS[activation], np.sqrt(q) * NODES
    a = function.f(z)
    return float(SHARES @ a**2), float(SHARES @ function.df(z, a) ** 2)


def theory(activation, sw2, sb2, depth):
    """Mean squares in infinitely wide layers, up: of h, (depth + 1,) from the inputs' 1; back: of delta, from the last
    layer's 1: (depth,) for layers 1 ... depth. Weights have variance sw2 / n, biases sb2."""
    up, slopes = [1.0], []
    for _ in range(depth):
        h2, slope2 = moments(activation, sw2 * up[-1] + sb2)
        up.append(h2)
        slopes.append(sw2 * slope2)
    return np.array(up), np.append(np.cumprod(slopes[:-1][::-1])[::-1], 1.0)


@lru_cache(1)
def draws(width, seed):
    """Standard normal numbers for 60 layers, their biases, a batch of inputs, and what comes back to the last layer."""
    rng, batch = np.random.default_rng(seed), 8 if width > 256 else 32
    shapes = (DEEPEST, width, width), (DEEPEST, width), (batch, width), (batch, width)
    return [rng.standard_normal(shape, np.float32) for shape in shapes]


def mean_square(a):
    return float(np.vdot(a, a)) / a.size


def passes(layers, activation, x, top, weights=True):
    """One pass up and one down. layers: (W, b) of each; x, top: (N, n), the inputs and dL/dz of the last layer.

    -> mean squares of h, (depth + 1,), and of delta and, with `weights`, of dL/dW, (depth,) each; and all outputs h.
    ReLU goes with the scale of its input (if there are no biases), so there each signal is brought back to size 1 and
    its true size kept apart: in float32, 60 layers could otherwise become exactly 0. delta is always scaled so.
    """
    f, sizes, zs = ACTIVATIONS[activation], [mean_square(x)], []
    free = activation == "relu" and not any(b.any() for _, b in layers)
    kept = [x / x.dtype.type(np.sqrt(sizes[0])) if free else x]
    for W, b in layers:
        z = kept[-1].dot(W) + b
        h, last = f.f(z), sizes[-1]
        if free:
            now = mean_square(h)
            sizes.append(max(last * now, NOTHING))
            h = h / h.dtype.type(np.sqrt(now or 1.0))  # where all is 0 it stays so
        else:
            sizes.append(mean_square(h))
        kept.append(h)
        zs.append(z)
    h2, scale = np.array(sizes), np.sqrt(sizes) if free else np.ones(len(sizes))
    delta, size, back, gradients = top, 1.0, [], []
    for i in reversed(range(len(layers))):
        if i < len(layers) - 1:
            delta = delta.dot(layers[i + 1][0].T) * f.df(zs[i], kept[i + 1])
        now = mean_square(delta)
        size, delta = max(size * now, NOTHING), delta / delta.dtype.type(np.sqrt(now or 1.0))
        back.append(size)
        if weights:
            gradients.append(size * scale[i] ** 2 * mean_square(kept[i].T.dot(delta)) / len(x) ** 2)
    return h2, np.array(back[::-1]), np.array(gradients[::-1]), [s * h for s, h in zip(scale, kept, strict=True)]


def factor(sizes):
    """By what a layer multiplies on the mean, from a straight line through the logarithms. 0 if nothing arrives."""
    if np.min(sizes) <= NOTHING:
        return 0.0
    return float(np.exp(np.polyfit(np.arange(len(sizes)), np.log(sizes), 1)[0]))


def layer_ticks(depth, first=0):
    """Where an axis of layers is marked: at whole layers, whatever the depth."""
    return {layer: str(layer) for layer in range(0, depth + 1, 1 if depth <= 8 else 5 if depth <= 30 else 10)
            if layer >= first}
