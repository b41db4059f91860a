"""Unit 6, vanishing and exploding gradients: the visible checks of its practice exercises. They travel to students.

Each speaks about a symptom and never about the solution. Layers go from many inputs to few neurons and back, so that a
wrong fan shows; gradients are lists of arrays of several shapes, as those of a net are.
"""

import numpy as np

from course.exercise import Exercise, Wrong, close, shaped

EPS, MOMENTUM = 1e-5, 0.1


def _several(got, count, what):
    """`got` as `count` things, or Wrong."""
    if not isinstance(got, tuple | list) or len(got) != count:
        kind = f"{len(got)} things" if isinstance(got, tuple | list) else f"one {type(got).__name__}"
        raise Wrong(f"it returned {kind}; expected {count}: {what}.")
    return got


he_init = Exercise("he_init(n_in, n_out, rng)")


def _layer(he_init, n_in, n_out, rng):
    W, b = _several(he_init(n_in, n_out, rng), 2, "W and b")
    W = shaped(W, (n_in, n_out), f"A layer of {n_in} inputs and {n_out} neurons has W of shape ({n_in}, {n_out}).")
    return W, shaped(b, (n_out,), f"That was b; each of the {n_out} neurons has one.")


@he_init.check("W and b, with their shapes")
def _(he_init, rng):
    _layer(he_init, 5, 3, rng)


@he_init.check("no two neurons are the same", catches="V4")
def _(he_init, rng):
    W, _ = _layer(he_init, 20, 6, rng)
    if np.allclose(W, W[:, :1]):
        raise Wrong("all neurons of the layer have the same weights. They answer the same, get the same gradient, and "
                    "stay the same for ever.")
    if np.allclose(W, W[:1]):
        raise Wrong("within a neuron all weights are the same: it can only add its inputs up.")


@he_init.check("biases", catches="V5")
def _(he_init, rng):
    _, b = _layer(he_init, 200, 50, rng)
    if np.any(b != 0):
        raise Wrong(f"before anything is learned, b is not 0: its largest number is {np.abs(b).max():.2g}. A signal "
                    "that has become small drowns in it.")


@he_init.check("weights as often above 0 as below")
def _(he_init, rng):
    W, _ = _layer(he_init, 200, 50, rng)
    if abs(np.mean(W)) > 0.1 * np.std(W):
        raise Wrong(f"the mean of the weights is {np.mean(W):.3f}, not 0: every sum is pushed to the same side.")


@he_init.check("the signal keeps its size, from many to few and back", catches="V1")
def _(he_init, rng):
    for n_in, n_out in ((400, 100), (100, 400)):
        W, _ = _layer(he_init, n_in, n_out, rng)
        x = rng.normal(size=(300, n_in))
        ratio = float((np.maximum(x @ W, 0) ** 2).mean())
        what = f"a ReLU layer of {n_in} inputs and {n_out} neurons multiplies the mean square of the signal by "
        if abs(np.var(W) / (2 / n_in) ** 2 - 1) < 0.2:
            raise Wrong(f"{what}{ratio:.2g}. The standard deviation of your weights is what their variance should be.")
        if abs(np.var(W) * n_in / 2 - 1) > 0.05:
            raise Wrong(f"{what}{ratio:.2g}, where it should be 1. How many numbers are added up in one of its sums?")


@he_init.check("its random numbers come from rng")
def _(he_init, rng):
    first, again, other = (_layer(he_init, 6, 4, np.random.default_rng(seed))[0] for seed in (1, 1, 2))
    if np.array_equal(first, other):
        raise Wrong("every rng gives the same weights.")
    if not np.array_equal(first, again):
        raise Wrong("the same rng gives other weights each time: nobody could repeat a run.")


residual_backward = Exercise("residual_backward(dy, x, W)")


def _block(x, W):
    return x + np.maximum(x @ W, 0)


def _both(got, x, W):
    dx, dW = _several(got, 2, "dx and dW")
    return (shaped(dx, x.shape, f"That was dx; x has shape {x.shape}."),
            shaped(dW, W.shape, f"That was dW; W has shape {W.shape}."))


@residual_backward.check("dx and dW, with their shapes")
def _(residual_backward, rng):
    x, W, dy = rng.normal(size=(5, 3)), rng.normal(size=(3, 3)), rng.normal(size=(5, 3))
    _both(residual_backward(dy, x, W), x, W)


@residual_backward.check("the way past a layer that does nothing", catches="V9")
def _(residual_backward, rng):
    x, dy = rng.normal(size=(5, 3)), rng.normal(size=(5, 3))
    dx, _ = _both(residual_backward(dy, x, np.zeros((3, 3))), x, np.zeros((3, 3)))
    if np.allclose(dx, 0):
        raise Wrong("with W = 0 the block hands x through unchanged, y = x, and yet your dx is 0: nothing comes back.")
    close(dx, dy, "with W = 0 the block is y = x, so dL/dx must be dL/dy, exactly that.")


def _slope(f, a, h=1e-6):
    grad = np.zeros_like(a)
    for i in np.ndindex(a.shape):
        step = np.zeros_like(a)
        step[i] = h
        grad[i] = (f(a + step) - f(a - step)) / (2 * h)
    return grad


@residual_backward.check("dx against the numeric derivative", catches="V9")
def _(residual_backward, rng):
    x, W, dy = rng.normal(size=(5, 3)), rng.normal(size=(3, 3)), rng.normal(size=(5, 3))
    dx, _ = _both(residual_backward(dy, x, W), x, W)
    right = _slope(lambda x: (_block(x, W) * dy).sum(), x)
    if np.allclose(dx, right - dy, rtol=1e-3, atol=1e-6):
        raise Wrong("your dx is what comes back through the layer; what comes past it is missing.")
    close(dx, right, "x is used twice, in the layer and beside it. Your dx does not agree with the numeric derivative: "
                     "what comes back along each of the two ways?", rtol=1e-4)


@residual_backward.check("dW against the numeric derivative")
def _(residual_backward, rng):
    x, W, dy = rng.normal(size=(5, 3)), rng.normal(size=(3, 3)), rng.normal(size=(5, 3))
    _, dW = _both(residual_backward(dy, x, W), x, W)
    close(dW, _slope(lambda W: (_block(x, W) * dy).sum(), W),
          "dW does not agree with the numeric derivative. Which sums did ReLU let through?", rtol=1e-4)


clip_by_norm = Exercise("clip_by_norm(gradients, max_norm)")
SHAPES = (3, 4), (4,), (4, 2)


def _gradients(rng, length):
    parts = [rng.normal(size=shape) for shape in SHAPES]
    norm = np.sqrt(sum((part**2).sum() for part in parts))
    return [part * (length / norm) for part in parts]


def _clipped(clip_by_norm, parts, c):
    got = clip_by_norm(parts, c)
    if isinstance(got, np.ndarray) and got.dtype != object:
        raise Wrong(f"it returned one array of shape {got.shape}; expected a list of {len(parts)} arrays.")
    got = _several(list(got) if isinstance(got, np.ndarray) else got, len(parts), "one array for each gradient")
    return [shaped(part, old.shape, "Each array keeps its shape.") for part, old in zip(got, parts, strict=True)]


def _flat(parts):
    return np.concatenate([np.ravel(part) for part in parts])


@clip_by_norm.check("a list of arrays, of the same shapes")
def _(clip_by_norm, rng):
    _clipped(clip_by_norm, _gradients(rng, 5.0), 1.0)


@clip_by_norm.check("a long gradient becomes max_norm long, all arrays together", catches="V6")
def _(clip_by_norm, rng):
    for length, c in ((50.0, 2.0), (3.0, 0.5)):
        parts = _gradients(rng, length)
        got = _clipped(clip_by_norm, parts, c)
        if all(np.isclose(np.linalg.norm(a), min(c, np.linalg.norm(b))) for a, b in zip(got, parts, strict=True)):
            raise Wrong(f"each array by itself is now at most {c:g} long, all three together are "
                        f"{np.linalg.norm(_flat(got)):.3g} long: they are one gradient, and have one length.")
        direction = _flat(got) @ _flat(parts) / max(np.linalg.norm(_flat(got)) * length, 1e-12)
        if direction < 1 - 1e-6:
            raise Wrong(f"the gradient has been turned: the cosine between what went in and what came out is "
                        f"{direction:.3f}, not 1.")
        if np.linalg.norm(_flat(got)) > 1.001 * c:
            raise Wrong(f"a gradient of length {length:g} came back {np.linalg.norm(_flat(got)):.3g} long; at most "
                        f"{c:g} was asked for.")
        close(np.linalg.norm(_flat(got)), c, f"a gradient of length {length:g} came back "
              f"{np.linalg.norm(_flat(got)):.3g} long, shorter than needed: {c:g} would do.", rtol=1e-4)


@clip_by_norm.check("a short gradient stays as it is", catches="V6")
def _(clip_by_norm, rng):
    parts = _gradients(rng, 0.5)
    got = _clipped(clip_by_norm, parts, 2.0)
    close(_flat(got), _flat(parts), "a gradient of length 0.5 was changed, though 2 was allowed. Clipping only ever "
                                    "makes shorter.")


@clip_by_norm.check("a gradient of 0")
def _(clip_by_norm, rng):
    got = _clipped(clip_by_norm, [np.zeros(shape) for shape in SHAPES], 1.0)
    close(_flat(got), np.zeros(24), "a gradient of zeros must stay zeros.")


batch_norm = Exercise("batch_norm(x, mean, var, training)")


def _normed(got, x):
    y, mean, var = _several(got, 3, "y, the new running mean, the new running variance")
    return (shaped(y, x.shape, f"That was y; x has shape {x.shape}."),
            shaped(mean, x.shape[1:], f"That was the running mean; there are {x.shape[1]} columns."),
            shaped(var, x.shape[1:], f"That was the running variance; there are {x.shape[1]} columns."))


@batch_norm.check("y and the two running numbers, with their shapes")
def _(batch_norm, rng):
    x = rng.normal(size=(6, 3))
    for training in (True, False):
        _normed(batch_norm(x, np.zeros(3), np.ones(3), training), x)


@batch_norm.check("in training: every column has mean 0 and variance 1", catches="V10")
def _(batch_norm, rng):
    x = rng.normal(size=(6, 3)) * [1, 10, 0.5] + [3, -2, 0]
    y, *_ = _normed(batch_norm(x, np.full(3, 5.0), np.full(3, 4.0), True), x)
    if np.allclose(y, (x - 5) / np.sqrt(4 + EPS), rtol=1e-3):
        raise Wrong("in training it uses the running numbers; there it should use those of the batch.")
    if np.allclose(y.mean(1), 0, atol=1e-6) and not np.allclose(y.mean(0), 0, atol=1e-3):
        raise Wrong("each row, an example, has mean 0; it should be each column, a neuron.")
    close(y.mean(0), np.zeros(3), f"the columns of y have means {np.round(y.mean(0), 3).tolist()}, not 0."
          ) if np.abs(y.mean(0)).max() > 1e-5 else None
    close(y.var(0), x.var(0) / (x.var(0) + EPS), f"the columns of y have variances {np.round(y.var(0), 3).tolist()}, "
          "not 1. Is the sum of squares divided by N, the root taken, eps added to the variance?", rtol=1e-6)
    close(y, (x - x.mean(0)) / np.sqrt(x.var(0) + EPS), "means and variances are right, and the numbers are not.")


@batch_norm.check("in use: one example, and the running numbers", catches="V10")
def _(batch_norm, rng):
    x, mean, var = np.array([[3.0, -1.0, 0.5]]), np.array([1.0, 0.0, 0.5]), np.array([4.0, 0.25, 1.0])
    y, new_mean, new_var = _normed(batch_norm(x, mean, var, False), x)
    if not np.isfinite(y).all() or np.allclose(y, 0):
        raise Wrong("a single example comes out as 0 or nan: a batch of one has no variance. What is known from the "
                    "training?")
    close(y, (x - mean) / np.sqrt(var + EPS), "out of training y must be made with the running mean and variance.")
    close(np.concatenate([new_mean, new_var]), np.concatenate([mean, var]),
          "out of training the running numbers must stay as they are.")


@batch_norm.check("the running numbers after two batches", catches="V10")
def _(batch_norm, rng):
    mean, var = np.zeros(3), np.ones(3)
    right_mean, right_var = mean, var
    for _ in range(2):
        x = rng.normal(size=(6, 3)) * 2 + 5
        _, mean, var = _normed(batch_norm(x, mean, var, True), x)
        right_mean = (1 - MOMENTUM) * right_mean + MOMENTUM * x.mean(0)
        right_var = (1 - MOMENTUM) * right_var + MOMENTUM * x.var(0)
        if np.allclose(mean, x.mean(0), rtol=0.15):
            raise Wrong("the running mean has nearly forgotten all batches but the last: which share is the new one's?")
        close(mean, right_mean, "the running mean is not nine tenths of the old one and a tenth of the batch's.")
        close(var, right_var, "the running variance is not nine tenths of the old one and a tenth of the batch's "
                              "(with N below the sum of squares, as for y).")
