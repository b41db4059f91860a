"""Unit 6, vanishing and exploding gradients: the visible checks of its graded exercises. They travel to students.

Each speaks about a symptom and never about the solution. Nothing is square, arrays come in several shapes together, and
what chance decides is asked of so many draws that it cannot fail by chance.
"""

import numpy as np

from course.exercise import Exercise, NotWritten, Wrong, close, shaped


def _several(got, count, what):
    """`got` as `count` things, or Wrong."""
    if not isinstance(got, tuple | list) or len(got) != count:
        kind = f"{len(got)} things" if isinstance(got, tuple | list) else f"one {type(got).__name__}"
        raise Wrong(f"it returned {kind}; expected {count}: {what}.")
    if any(part is None or part is ... for part in got):
        raise NotWritten
    return got


# Six numbers by hand -------------------------------------------------------------------------------------------------
depth_forecast = Exercise("depth_forecast")
GRADIENTS = (6, -2, 3), (-4, 4, 7), (8, 1, -4), (2, -6, -3)


@depth_forecast.variant
def _(rng):
    pick = {"c": (0.5, 0.6, 0.8, 1.2, 3.0, 3.2, 4.0), "layers": (9, 11, 12, 14), "t": (0.05, 0.1, 0.15, 0.2),
            "longest": (1.0, 1.5, 2.5)}
    gradient = zip(("g1", "g2", "g3"), map(float, rng.choice(GRADIENTS)), strict=True)
    return {name: rng.choice(values).item() for name, values in pick.items()} | dict(gradient)


@depth_forecast.check("six numbers", points=0)
def _(depth_forecast, rng):
    got = shaped(depth_forecast(), (6,), "In this order: the signal, what comes back, the number of layers, the "
                 "blocks, the first number of the shortened gradient, the cosine.")
    if not np.isfinite(got).all():
        raise Wrong("a number is nan or infinite.")


# Somebody's batch norm -----------------------------------------------------------------------------------------------
Normed = Exercise("Normed(gamma, beta, momentum)")


@Normed.variant
def _(rng):
    return {"share": str(rng.choice(["old", "new"])), "divisor": str(rng.choice(["N", "N - 1"]))}


@Normed.probe
def drive(normed, gamma, beta, momentum, calls):
    """What forward answers at each call, (X, training), and X after it."""
    layer, answers, after = normed(gamma, beta, momentum), [], []
    for X, training in calls:
        mine = X.copy()
        answers.append(layer.forward(mine, training))
        after.append(mine)
    return {"answers": answers, "after": after}


EPS = 1e-5
GAMMA, BETA = np.array([1.5, 0.4, -2.0]), np.array([0.5, -1.0, 3.0])


def _answers(normed, calls):
    got = normed.run("drive", GAMMA, BETA, 0.7, [list(call) for call in calls])["answers"]
    return [shaped(Y, X.shape, "Y has the shape of X.") for Y, (X, _) in zip(got, calls, strict=True)]


ASK = np.array([[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]])  # in use, the answers to these give the running numbers away


def _running(Y):
    with np.errstate(all="ignore"):
        root = GAMMA / (Y[1] - Y[0])
        return (BETA - Y[0]) / GAMMA * root, root**2 - EPS


@Normed.check("in training: the columns of a batch", points=0.5, catches="V10")
def _(normed, rng):
    even = rng.normal(size=(7, 3))
    even = (even - even.mean(0)) / even.std(0)
    spread = np.array([1.0, 10.0, 0.002])
    (Y,) = _answers(normed, [(even * spread + [3, -2, 0], True)])
    level = (Y - BETA) / GAMMA
    if not np.abs(level.mean(0)).max() < 1e-4:
        raise Wrong(f"before gamma and beta, the columns have means {np.round(level.mean(0), 3)}, not 0. What is "
                    "subtracted from each column?")
    close(level.std(0), spread / np.sqrt(spread**2 + EPS), f"before gamma and beta, columns with a standard deviation "
          f"of {', '.join(f'{s:g}' for s in spread)} come out with {np.round(level.std(0), 3)}. What is added where, "
          "and what divides the sum of squares?", rtol=1e-4)
    close(level, even * spread / np.sqrt(spread**2 + EPS), "means and spreads are right, and the numbers are not.",
          rtol=1e-4)


@Normed.check("X stays what it was", points=0)
def _(normed, rng):
    X = rng.normal(size=(4, 3)) + 5
    got = normed.run("drive", GAMMA, BETA, 0.7, [[X, True], [X, False]])
    for after, training in zip(got["after"], (True, False), strict=True):
        if not np.array_equal(after, X):
            raise Wrong(f"after forward(X, {training}) X holds other numbers. A residual block adds X to Y, and needs "
                        "it as it was.")


@Normed.check("in use: one example, by the running numbers", points=0.5, catches="V10")
def _(normed, rng):
    X = rng.uniform(1, 4, (3, 3))
    alone, beside = _answers(normed, [(X[:1], False), (X, False)])
    if np.abs(alone[0] - beside[0]).max() > 1e-6:
        raise Wrong("an example gets one answer alone and another one beside two others. In use, nobody else's numbers "
                    "may matter, and nothing changes from call to call.")
    close(alone, GAMMA * X[:1] / np.sqrt(1 + EPS) + BETA, "before any training the running mean is 0 and the running "
          "variance 1: the answer in use is off.")


@Normed.check("the running numbers after three batches", points=0.5, catches="V10")
def _(normed, rng):
    batches = [rng.normal(size=(5, 3)) * [1, 3, 0.5] + [4, -2, 1] for _ in range(3)]
    *_, Y = _answers(normed, [*((X, True) for X in batches), (ASK, False)])
    mean, var = _running(Y)
    means = np.array([X.mean(0) for X in batches])
    if np.allclose(mean, ASK.mean(0), rtol=1e-3):
        raise Wrong("what it answers in use comes from the examples it is given, not from running numbers.")
    kept = 0.7 if normed.variant["share"] == "old" else 0.3
    shares = (1 - kept) * kept ** np.arange(2, -1, -1)
    close(mean, shares @ means, f"momentum = 0.7. The batches' first column has means {np.round(means[:, 0], 2)}; by "
          f"your answers its running mean, which began at 0, is now {mean[0]:.2f}. 0.7 is the share of which of the "
          "two?", rtol=1e-3)
    spreads = np.array([((X - X.mean(0)) ** 2).sum(0) for X in batches])
    divisor = 5 if normed.variant["divisor"] == "N" else 4
    close(var, shares @ spreads / divisor + kept**3, "the running mean is right and the running variance, which began "
          "at 1, is not. Look at what your text divides by.", rtol=1e-3)


# A start for layers with few connections -----------------------------------------------------------------------------
sparse_start = Exercise("sparse_start(mask, rng)")


@sparse_start.variant
def _(rng):
    return {"a": float(rng.choice([0.5, 0.6, 0.7])), "way": str(rng.choice(["up", "back"]))}


def _connected(rng, n_in, n_out):
    """Who reads whom: some neurons read many inputs, some few; some inputs are read by many, some by few."""
    busy = np.where(rng.permutation(n_in) < n_in // 2, 0.2, 1.0)[:, None]
    return rng.random((n_in, n_out)) < busy * np.where(rng.permutation(n_out) < n_out // 2, 0.3, 0.9)


def _layer(sparse_start, mask, rng):
    # A generator of its own: the judge sends a copy of its state, and what is drawn here later must not be the same.
    W, b = _several(sparse_start(mask, np.random.default_rng(int(rng.integers(1 << 30)))), 2, "W and b")
    W = shaped(W, mask.shape, f"That was W; {mask.shape[0]} inputs, {mask.shape[1]} neurons.")
    return W, shaped(b, (mask.shape[1],), "That was b; each neuron has one.")


@sparse_start.check("weights where something is connected, and only there", points=0.5)
def _(sparse_start, rng):
    mask = _connected(rng, 12, 7)
    W, _ = _layer(sparse_start, mask, rng)
    if W[~mask].any():
        raise Wrong(f"{(W[~mask] != 0).sum()} of {(~mask).sum()} weights are not 0, although nothing is "
                    "connected there.")
    if (W[mask] == 0).any() or not np.isfinite(W).all():
        raise Wrong("where something is connected there are weights of 0, or numbers that are none.")


@sparse_start.check("biases, and no two neurons alike", points=0.5, catches="V4 V5")
def _(sparse_start, rng):
    W, b = _layer(sparse_start, np.ones((20, 6), bool), rng)
    if (b != 0).any():
        raise Wrong(f"before anything is learned, b is not 0: its largest number is {np.abs(b).max():.2g}.")
    if np.allclose(W, W[:, :1]):
        raise Wrong("all neurons that read the same inputs have the same weights: they will stay the same for ever.")
    if np.allclose(W, W[:1]):
        raise Wrong("within a neuron all weights are the same: it can only add its inputs up.")


@sparse_start.check("the size is kept, on the way that your text names", points=0.5, catches="V1 V2")
def _(sparse_start, rng):
    mask, a = _connected(rng, 130, 70), sparse_start.variant["a"]
    W, _ = _layer(sparse_start, mask, rng)
    if sparse_start.variant["way"] == "up":
        sums, who = rng.normal(size=(300, 130)) @ W, "inputs of mean square 1: the neurons that read"
        after, counts = np.where(sums > 0, sums, a * sums), mask.sum(0)
    else:
        slopes = np.where(rng.normal(size=(300, 130)) > 0, 1, a)
        after, who = (rng.normal(size=(300, 70)) @ W.T) * slopes, "deltas of mean square 1: the inputs that are read by"
        counts = mask.sum(1)
    few = counts < np.median(counts)
    sizes = [(after[:, group] ** 2).mean() for group in (few, ~few)]
    if max(abs(size - 1) for size in sizes) > 0.35:
        where = "answer with" if sparse_start.variant["way"] == "up" else "get back"
        alike = abs(sizes[0] / max(sizes[1], 1e-12) - 1) < 0.25
        raise Wrong(f"{who} few {where} a mean square of {sizes[0]:.2g}, those with many {sizes[1]:.2g}. Both should "
                    + ("be about 1. What does the leaky ReLU leave of a mean square? Does your generator ask for a "
                       "variance?" if alike else "be about 1. How many numbers are added up in one sum?"))


# Clipping one by one -------------------------------------------------------------------------------------------------
clip_each = Exercise("clip_each(gradients, c)")
SHAPES = (3, 4), (4,), (4, 2)


def _examples(rng, lengths, shapes=SHAPES):
    """One gradient for each example, of these lengths over all arrays; and their directions as rows."""
    rows = rng.normal(size=(len(lengths), sum(int(np.prod(shape)) for shape in shapes)))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    parts = np.split(rows * np.array(lengths)[:, None], np.cumsum([int(np.prod(shape)) for shape in shapes])[:-1], 1)
    return [part.reshape(-1, *shape) for part, shape in zip(parts, shapes, strict=True)], rows


def _mean(clip_each, gradients, c):
    got = clip_each(gradients, c)
    if isinstance(got, np.ndarray) and got.dtype != object:
        raise Wrong(f"it returned one array of shape {got.shape}; expected a list of {len(gradients)} arrays.")
    got = _several(list(got) if isinstance(got, np.ndarray) else got, len(gradients), "one array for each parameter")
    return np.concatenate([shaped(part, g.shape[1:], "The first axis, that of the examples, is gone; the others "
                                  "stay.").ravel() for part, g in zip(got, gradients, strict=True)])


@clip_each.check("a list of arrays, without the examples' axis", points=0)
def _(clip_each, rng):
    _mean(clip_each, _examples(rng, [1.0, 2.0, 3.0, 4.0, 5.0])[0], 2.0)


@clip_each.check("one example cannot shout the others down", points=0.5, catches="V6")
def _(clip_each, rng):
    gradients, ways = _examples(rng, [0.5, 0.8, 4e4, 0.3, 0.9])
    got = _mean(clip_each, gradients, 1.0)
    right = [0.5, 0.8, 1.0, 0.3, 0.9] @ ways / 5
    if np.linalg.norm(got) < 1e-3:
        raise Wrong("of five examples one has a gradient of length 40,000, and the mean that you return is nearly 0: "
                    "what the other four say is lost.")
    if got @ ways[2] > 2 * right @ ways[2] + 0.1:
        raise Wrong(f"of five examples one has a gradient of length 40,000; of the mean that you return, "
                    f"{got @ ways[2]:.3g} point its way, where c = 1 and five examples leave it about 0.2.")
    close(got, right, "five examples, c = 1, and only one is too long: the mean is off. An example's gradient is "
          "all its arrays together, and keeps its direction.")


@clip_each.check("who is short enough is left alone", points=0.5, catches="V6")
def _(clip_each, rng):
    gradients, ways = _examples(rng, [1.9, 0.4, 1.5])
    close(_mean(clip_each, gradients, 2.0), [1.9, 0.4, 1.5] @ ways / 3,
          "no example's gradient is longer than c = 2, so you must return their plain mean.")


# Back through a block ------------------------------------------------------------------------------------------------
block_backward = Exercise("block_backward(dy, x, W, V, alpha)")


@block_backward.variant
def _(rng):
    return {"f": str(rng.choice(["relu", "tanh"])), "s": float(rng.choice([0.6, 0.7, 0.8, 0.9]))}


def _block(variant, x, W, V, alpha):
    z = x @ W
    h = np.tanh(z) if variant["f"] == "tanh" else np.maximum(z, 0)
    return variant["s"] * x + alpha * (h @ V)


def _drawn(rng):
    """dy, x, W, V of 5 examples, 3 inputs, 4 neurons inside; no sum is near ReLU's corner."""
    while True:
        dy, x, W, V = (rng.normal(size=shape) for shape in ((5, 3), (5, 3), (3, 4), (4, 3)))
        if np.abs(x @ W).min() > 1e-3:
            return dy, x, W, V


def _four(got, x, W, V):
    got = _several(got, 4, "dx, dW, dV and dalpha")
    names = ("dx", x.shape), ("dW", W.shape), ("dV", V.shape), ("dalpha", ())
    return [shaped(part, shape, f"That was {name}.") for part, (name, shape) in zip(got, names, strict=True)]


def _slope(f, a, h=1e-5):
    grad = np.zeros(np.shape(a))
    for i in np.ndindex(np.shape(a)):
        ahead, behind = np.array(a, float), np.array(a, float)
        ahead[i] += h
        behind[i] -= h
        grad[i] = (f(ahead) - f(behind)) / (2 * h)
    return grad


@block_backward.check("dx, dW, dV and dalpha, with their shapes", points=0)
def _(block_backward, rng):
    dy, x, W, V = _drawn(rng)
    _four(block_backward(dy, x, W, V, 0.3), x, W, V)


@block_backward.check("the way past a block that does nothing yet", points=0.5, catches="V9")
def _(block_backward, rng):
    dy, x, W, V = _drawn(rng)
    dx, *_ = _four(block_backward(dy, x, W, V, 0.0), x, W, V)
    if np.allclose(dx, 0):
        raise Wrong("alpha = 0, so y is a multiple of x, and yet your dx is 0: nothing comes back.")
    change = _slope(lambda x: (_block(block_backward.variant, x, W, V, 0.0) * dy).sum(), x)
    close(dx, change, "alpha = 0: all that comes back comes past the layers. Nudging x changes the loss by something "
          "else than your dx says.", rtol=1e-4)


@block_backward.check("dx against the numeric derivative", points=0.5, catches="V9")
def _(block_backward, rng):
    dy, x, W, V = _drawn(rng)
    dx, *_ = _four(block_backward(dy, x, W, V, 0.7), x, W, V)
    change = _slope(lambda x: (_block(block_backward.variant, x, W, V, 0.7) * dy).sum(), x)
    close(dx, change, "x is used twice, in the layers and beside them. Nudging it changes the loss by something else "
          "than your dx says: what comes back along each of the two ways?", rtol=1e-4)


@block_backward.check("dalpha against the numeric derivative", points=0.5)
def _(block_backward, rng):
    dy, x, W, V = _drawn(rng)
    *_, dalpha = _four(block_backward(dy, x, W, V, 0.7), x, W, V)
    change = _slope(lambda alpha: (_block(block_backward.variant, x, W, V, alpha) * dy).sum(), 0.7)
    close(dalpha, change, f"nudging alpha by 0.001 changes the loss by {change / 1000:.3g}; your dalpha says "
          f"{float(dalpha) / 1000:.3g}. alpha is one number, and every number of y feels it.", rtol=1e-3)
