"""Unit 6's hidden checks. Their titles and symptoms are all of them that a student ever sees: say what goes wrong, not
with which numbers. What a failed one says here, only an instructor reads."""

import math

import numpy as np

from course.exercise import Exercise, Wrong, close, shaped

# Six numbers by hand -------------------------------------------------------------------------------------------------
depth_forecast = Exercise("depth_forecast")


def _number(depth_forecast, place, right):
    close(shaped(depth_forecast(), (6,))[place], right, "off", rtol=1e-3)


@depth_forecast.check("the signal at the top", points=0.5, catches="6a",
                      symptom="The mean square of the signal at the top is off. What does one layer do to it: the "
                      "sums, and then ReLU? And how many layers are passed?")
def _(depth_forecast, rng):
    v = depth_forecast.variant
    _number(depth_forecast, 0, (v["c"] / 2) ** v["layers"])


@depth_forecast.check("what comes back to the first layer", points=0.5, catches="6a",
                      symptom="The mean square of what comes back is off. Count the steps between the two layers, and "
                      "what each of them multiplies by.")
def _(depth_forecast, rng):
    v = depth_forecast.variant
    _number(depth_forecast, 1, (v["c"] / 2) ** (v["layers"] - 1))


@depth_forecast.check("after how many layers", points=0.5,
                      symptom="The number of layers until the signal has changed so much is off. A product that is to "
                      "be undone asks for a logarithm.")
def _(depth_forecast, rng):
    size, layers, factor = 1.0, 0, depth_forecast.variant["c"] / 2
    while 1e-3 <= size <= 1e3:
        size, layers = size * factor, layers + 1
    _number(depth_forecast, 2, layers)


@depth_forecast.check("the blocks", points=0.5, catches="V9",
                      symptom="The mean square after the blocks is off. A block adds something to what comes in; of a "
                      "sum of two independent parts the mean squares are added.")
def _(depth_forecast, rng):
    v = depth_forecast.variant
    _number(depth_forecast, 3, math.exp(v["layers"] * math.log1p(v["t"])))


def _gradient(variant):
    return np.array([variant["g1"], variant["g2"], variant["g3"]])


@depth_forecast.check("clipped by norm", points=0.5, catches="V6",
                      symptom="The first number of the gradient that was clipped by norm is off. The whole gradient "
                      "must become as long as allowed, and point the same way.")
def _(depth_forecast, rng):
    g, longest = _gradient(depth_forecast.variant), depth_forecast.variant["longest"]
    _number(depth_forecast, 4, longest / math.sqrt(g @ g) * g[0])


@depth_forecast.check("turned by value", points=0.5, catches="V6",
                      symptom="The cosine between the gradient and the one that was clipped by value is off. Each "
                      "number is cut off by itself, on both sides; then lengths and a product of the two.")
def _(depth_forecast, rng):
    g, longest = _gradient(depth_forecast.variant), depth_forecast.variant["longest"]
    cut = np.sign(g) * np.minimum(np.abs(g), longest)
    _number(depth_forecast, 5, g @ cut / math.sqrt((g @ g) * (cut @ cut)))


# Somebody's batch norm -----------------------------------------------------------------------------------------------
Normed = Exercise("Normed(gamma, beta, momentum)")


@Normed.probe
def answered_by(normed, layers, calls):
    """What each layer answers when it is its turn, (which layer, X, training); and all X afterwards."""
    import numpy as np

    made, given = [normed(*layer) for layer in layers], [np.array(X) for _, X, _ in calls]
    return [made[k].forward(X, training) for X, (k, _, training) in zip(given, calls)], given


def _expected(variant, layers, calls):
    """The same from the definition, with eps of 1e-5."""
    known = [[np.zeros(len(gamma)), np.ones(len(gamma))] for gamma, _, _ in layers]
    for k, X, training in calls:
        gamma, beta, momentum = layers[k]
        at, size = known[k]
        if training:
            new = momentum if variant["share"] == "new" else 1 - momentum
            squares = np.square(X - X.mean(0)).sum(0)
            known[k] = [at + new * (X.mean(0) - at),
                        size + new * (squares / (len(X) - (variant["divisor"] == "N - 1")) - size)]
            at, size = X.mean(0), squares / len(X)
        yield gamma * (X - at) / np.sqrt(size + 1e-5) + beta


def _given(rng, columns=4, momentum=0.2):
    return [rng.uniform(0.5, 2, columns) * rng.choice([-1, 1], columns), rng.normal(size=columns), momentum]


def _batch(rng, N, columns=4):
    return rng.normal(size=(N, columns)) * rng.uniform(0.5, 3, columns) + rng.normal(size=columns)


def _told(normed, layers, calls, kept=False):
    """What it answers; each answer with the shape that it must have. `kept`: X must stay as it was."""
    answers, given = normed.run("answered_by", layers, [list(call) for call in calls])
    if kept and any(not np.array_equal(after, X) for after, (_, X, _) in zip(given, calls, strict=True)):
        raise Wrong("it writes into X")
    return [shaped(Y, np.shape(X)) for Y, (_, X, _) in zip(answers, calls, strict=True)]


@Normed.check("batches of other sizes, columns of every size", points=0.5, catches="V10",
              symptom="In training, with another number of examples or columns, or where a column hardly differs or "
              "differs by thousands, an answer is off.")
def _(normed, rng):
    for N, columns in ((2, 5), (9, 2)):
        layer = _given(rng, columns)
        calls = [(0, _batch(rng, N, columns) * np.geomspace(1e-3, 1e3, columns), True)]
        for Y, right in zip(_told(normed, [layer], calls), _expected(normed.variant, [layer], calls), strict=True):
            for column, expected in zip(Y.T, right.T, strict=True):
                close(column, expected, "off", rtol=1e-4)


def _learned(normed, rng, momentum):
    """(the running mean, the running variance) that it answers by, and those that are right, after some batches."""
    gamma, beta, _ = layer = _given(rng, momentum=momentum)
    calls = [(0, _batch(rng, N), True) for N in (6, 3, 8, 4)] + [(0, np.array([[0.0] * 4, [1.0] * 4]), False)]
    *_, Y = _told(normed, [layer], calls)
    *_, right = _expected(normed.variant, [layer], calls)
    found = []
    for low, high in (Y, right):
        with np.errstate(all="ignore"):
            found.append(((beta - low) / (high - low), (gamma / (high - low)) ** 2))
    return found


@Normed.check("the running mean", points=0.5, catches="V10",
              symptom="After several batches of unequal size the running mean is off. Which share does the new batch "
              "get, and which the old number?")
def _(normed, rng):
    (mean, _), (right, _) = _learned(normed, rng, 0.15)
    close(mean, right, "off", rtol=1e-3)


@Normed.check("the running variance", points=0.5, catches="V10",
              symptom="After several batches of unequal size the running variance is off. Which share does the new "
              "batch get, and what does your text divide its sum of squares by?")
def _(normed, rng):
    (_, var), (_, right) = _learned(normed, rng, 0.8)
    close(var, right, "off", rtol=1e-3)


@Normed.check("in use nothing is learned", points=0.5, catches="V10",
              symptom="What is answered in use changes what comes after it; or the training has left no trace.")
def _(normed, rng):
    layer, ask = _given(rng), _batch(rng, 3)
    first, second = _batch(rng, 5), _batch(rng, 6)
    fresh, before, _, after, trained, later = _told(normed, [layer], [
        (0, ask, False), (0, first, True), (0, _batch(rng, 4) + 9, False), (0, ask, False), (0, second, True),
        (0, ask, False)])
    (plain, _, last) = _told(normed, [layer], [(0, first, True), (0, second, True), (0, ask, False)])
    (once,) = _told(normed, [layer], [(0, ask, False)])
    close(fresh, once, "not the same twice")
    close(before, plain, "a use before changes the training")
    close(later, last, "uses in between change what is learned")
    if min(np.abs(after - fresh).max(), np.abs(later - after).max()) < 1e-3:
        raise Wrong("nothing is learned at all")
    close(trained, next(_expected(normed.variant, [layer], [(0, second, True)])), "training is off", rtol=1e-4)


@Normed.check("two layers side by side", points=0.5,
              symptom="Two layers of one net, which take turns, disturb each other; or X, gamma or beta is not what it "
              "was.")
def _(normed, rng):
    layers = [_given(rng), _given(rng, momentum=0.6)]
    batches = [_batch(rng, N) for N in (5, 7, 4, 6)]
    calls = [(i % 2, X, True) for i, X in enumerate(batches)] + [(k, batches[0], False) for k in (0, 1)]
    together = _told(normed, layers, calls, kept=True)
    for k in (0, 1):
        mine = [(0, X, training) for which, X, training in calls if which == k]
        for Y, alone in zip([Y for Y, call in zip(together, calls, strict=True) if call[0] == k],
                            _told(normed, [layers[k]], mine), strict=True):
            close(Y, alone, "they disturb each other")
    for Y, right in zip(together[:4], _expected(normed.variant, layers, calls), strict=False):
        close(Y, right, "training is off", rtol=1e-4)


# A start for layers with few connections -----------------------------------------------------------------------------
sparse_start = Exercise("sparse_start(mask, rng)")


def _start(sparse_start, mask, seed):
    got = sparse_start(mask, np.random.default_rng(seed))
    if not isinstance(got, tuple | list) or len(got) != 2:
        raise Wrong("not two things")
    W, b = shaped(got[0], mask.shape).astype(float), shaped(got[1], mask.shape[1:])
    if not np.isfinite(W).all() or W[~mask].any() or np.asarray(b).any():
        raise Wrong("a nan, a weight where nothing is connected, or a bias")
    return W


def _unit(sparse_start, mask, W):
    """The weights that there are, each divided by the standard deviation that it should have."""
    counted = mask.sum(0, keepdims=True) if sparse_start.variant["way"] == "up" else mask.sum(1, keepdims=True)
    weight = np.sqrt(counted * (1 + sparse_start.variant["a"] ** 2) / 2)
    return (W * weight)[mask]


def _mask(rng, n_in, n_out):
    density = np.linspace(0.15, 1, n_out) * np.where(np.arange(n_in) % 3 == 0, 0.3, 1.0)[:, None]
    return rng.random((n_in, n_out)) < density


def _seed(rng):
    return [int(rng.integers(1 << 30)), 6]


@sparse_start.check("few connections and many", points=0.5, catches="V1",
                    symptom="Where neurons read different numbers of inputs, or inputs are read by different numbers "
                    "of neurons, the weights of some are too large against those of others.")
def _(sparse_start, rng):
    mask = _mask(rng, 80, 100)
    squares = sum(_unit(sparse_start, mask, _start(sparse_start, mask, _seed(rng))) ** 2 for _ in range(3))
    for counts in (np.broadcast_to(mask.sum(0), mask.shape)[mask],
                   np.broadcast_to(mask.sum(1)[:, None], mask.shape)[mask]):
        low, high = np.quantile(counts, [0.3, 0.7])
        ratio = squares[counts <= low].mean() / squares[counts >= high].mean()
        if not 0.75 < ratio < 1.35:
            raise Wrong(f"few against many: {ratio:.2f}")


@sparse_start.check("how large, to a few percent", points=0.5, catches="V2",
                    symptom="The weights' variance is off, in layers from many to few or from few to many. What does "
                    "this activation leave of a mean square?")
def _(sparse_start, rng):
    for n_in, n_out in ((160, 60), (60, 160)):
        mask = np.ones((n_in, n_out), bool)
        drawn = [_unit(sparse_start, mask, _start(sparse_start, mask, _seed(rng))) for _ in range(2)]
        if abs(np.mean(np.square(drawn)) - 1) > 0.08:
            raise Wrong(f"variance {np.mean(np.square(drawn)):.3f} of what it should be")


@sparse_start.check("nobody to read, nobody to be read by", points=0.5,
                    symptom="A neuron that reads nothing, an input that nobody reads, or one with a single connection "
                    "makes numbers that are none, or of the wrong size.")
def _(sparse_start, rng):
    mask = _mask(rng, 80, 100)
    mask[:, [0, 7]], mask[[3, 50]] = False, False
    mask[:, 9], mask[11] = False, False
    mask[12, 9], mask[11, 20] = True, True
    W = _start(sparse_start, mask, _seed(rng))
    if (W[mask] == 0).any() or abs(_unit(sparse_start, mask, W).var() - 1) > 0.15:
        raise Wrong("off")


@sparse_start.check("drawn by rng", points=0.5,
                    symptom="The weights must be drawn by rng and nothing else, anew at each call, as often above zero "
                    "as below.")
def _(sparse_start, rng):
    mask, seed = _mask(rng, 70, 40), _seed(rng)
    one, same, other = (_start(sparse_start, mask, s) for s in (seed, seed, _seed(rng)))
    if not np.array_equal(one, same):
        raise Wrong("not from rng")
    if np.mean(one[mask] == other[mask]) > 0.1:
        raise Wrong("always the same")
    if abs(one[mask].mean()) > 0.15 * one[mask].std() or one[mask].std() == 0:
        raise Wrong("not centred")


@sparse_start.check("every weight by itself", points=0.5, catches="V4",
                    symptom="Weights go together: two neurons, two inputs or two layers have the same ones, or one "
                    "follows from another.")
def _(sparse_start, rng):
    mask = np.ones((50, 40), bool)
    W = _start(sparse_start, mask, _seed(rng))
    for rows in (W, W.T):
        rows = rows - rows.mean(1, keepdims=True)
        length = np.sqrt((rows**2).sum(1))
        if length.min() < 1e-9:
            raise Wrong("all alike in a row")
        likeness = np.abs(rows @ rows.T / np.outer(length, length) - np.eye(len(rows)))
        if likeness.max() > 0.95 or np.sqrt(np.mean(likeness**2)) > 0.3:
            raise Wrong("two rows or columns are alike")


# Clipping one by one -------------------------------------------------------------------------------------------------
clip_each = Exercise("clip_each(gradients, c)")


def _by_definition(gradients, c):
    total = [np.zeros(g.shape[1:]) for g in gradients]
    for i in range(len(gradients[0])):
        length = math.sqrt(sum(float(np.square(g[i]).sum()) for g in gradients))
        for whole, g in zip(total, gradients, strict=True):
            whole += g[i] * (c / length if length > c else 1) / len(g)
    return total


def _as_defined(clip_each, gradients, c):
    got = clip_each(gradients, c)
    if not isinstance(got, list | tuple) or len(got) != len(gradients):
        raise Wrong("not one array for each parameter")
    right = _by_definition(gradients, c)
    parts = [shaped(part, expected.shape) for part, expected in zip(got, right, strict=True)]
    close(np.concatenate([part.ravel() for part in parts]), np.concatenate([part.ravel() for part in right]), "off")


def _drawn(rng, N, shapes, sizes):
    size = np.resize(sizes, N)
    return [rng.normal(size=(N, *shape)) * size.reshape(N, *[1] * len(shape)) * rng.uniform(0.2, 3) for shape in shapes]


@clip_each.check("some too long, some not", points=0.5, catches="V6",
                 symptom="With other shapes and other lengths, some longer than c and some shorter, the mean is off.")
def _(clip_each, rng):
    for N, c in ((7, 2.0), (4, 0.3)):
        _as_defined(clip_each, _drawn(rng, N, [(2, 5), (5,), (5, 3), (3,)], [0.05, 1, 20]), c)


@clip_each.check("all too long", points=0.5, catches="V6",
                 symptom="Where every example's gradient is too long by far, the mean is off.")
def _(clip_each, rng):
    for sizes, c in (([1e3, 4e5], 0.7), ([5e-4, 2e-3], 1e-6)):
        _as_defined(clip_each, _drawn(rng, 5, [(3, 2), (2,)], sizes), c)


@clip_each.check("an example that is content; a batch of one", points=0.5,
                 symptom="With an example whose gradient is zero, or with a batch of a single example, there is a nan, "
                 "or the mean is off.")
def _(clip_each, rng):
    gradients = _drawn(rng, 6, [(4, 3), (3,)], [1, 5])
    for g in gradients:
        g[[1, 4]] = 0
    _as_defined(clip_each, gradients, 2.5)
    for size in (1e-6, 30.0):
        _as_defined(clip_each, _drawn(rng, 1, [(3, 5), (5,)], [size]), 1.2)


@clip_each.check("parameters of any shape", points=0.5, catches="V6",
                 symptom="A parameter can be a single number for each example, or have three axes; and a net can have "
                 "but one. Somewhere the mean or a shape is off.")
def _(clip_each, rng):
    _as_defined(clip_each, _drawn(rng, 6, [(), (2, 3, 2), (4,), (1, 2)], [0.1, 8]), 1.5)
    _as_defined(clip_each, _drawn(rng, 4, [(3, 2)], [0.2, 6]), 1.0)


# Back through a block ------------------------------------------------------------------------------------------------
block_backward = Exercise("block_backward(dy, x, W, V, alpha)")


def _by_example(variant, dy, x, W, V, alpha):
    """The four gradients, one example after another."""
    dx, dW, dV, dalpha = np.zeros(x.shape), np.zeros(W.shape), np.zeros(V.shape), 0.0
    for i, (d, row) in enumerate(zip(dy, x, strict=True)):
        z = W.T @ row
        h, slopes = (np.maximum(z, 0), z > 0) if variant["f"] == "relu" else (np.tanh(z), 1 - np.tanh(z) ** 2)
        dz = slopes * (V @ d) * alpha
        dx[i] = variant["s"] * d + W @ dz
        dW += np.outer(row, dz)
        dV += alpha * np.outer(h, d)
        dalpha += h @ V @ d
    return dx, dW, dV, dalpha


def _parts(block_backward, dy, x, W, V, alpha):
    """(what it returns, what is right), each as four arrays."""
    got = block_backward(dy, x, W, V, alpha)
    if not isinstance(got, list | tuple) or len(got) != 4:
        raise Wrong("not four things")
    right = _by_example(block_backward.variant, dy, x, W, V, alpha)
    return [shaped(part, np.shape(expected)) for part, expected in zip(got, right, strict=True)], right


def _all_close(got, right):
    for part, expected in zip(got, right, strict=True):
        close(part, expected, "off", rtol=1e-5 if np.ndim(expected) else 1e-3)  # dalpha is one sum, which may cancel


def _sized(rng, N, n, k, of_dy=1.0):
    return rng.normal(size=(N, n)) * of_dy, rng.normal(size=(N, n)), rng.normal(size=(n, k)), rng.normal(size=(k, n))


@block_backward.check("dW", points=0.5,
                      symptom="dW is off. What arrives at the sums inside the block: on which way has it come, and "
                      "what has it been multiplied by?")
def _(block_backward, rng):
    for N, n, k in ((5, 3, 4), (4, 6, 2)):
        got, right = _parts(block_backward, *_sized(rng, N, n, k), 1.3)
        close(got[1], right[1], "off")


@block_backward.check("dV", points=0.5,
                      symptom="dV is off. What does V multiply, and what multiplies V's product?")
def _(block_backward, rng):
    for N, n, k in ((5, 3, 4), (4, 6, 2)):
        got, right = _parts(block_backward, *_sized(rng, N, n, k), -0.6)
        close(got[2], right[2], "off")


@block_backward.check("as it begins", points=0.5, catches="V9",
                      symptom="At the very beginning, when the block does nothing yet, one of the four gradients is "
                      "off. Who can learn then, and who cannot yet?")
def _(block_backward, rng):
    _all_close(*_parts(block_backward, *_sized(rng, 6, 4, 3), 0.0))


@block_backward.check("a dozen blocks", points=0.5, catches="V9",
                      symptom="Down through a dozen blocks, one after another, what arrives at the bottom is off.")
def _(block_backward, rng):
    variant, blocks = block_backward.variant, []
    x, d = rng.normal(size=(3, 5)), rng.normal(size=(3, 5))
    for _ in range(12):
        W, V = rng.normal(size=(5, 3)) / 2, rng.normal(size=(3, 5)) / 2
        blocks.append((x, W, V))
        h = np.maximum(x @ W, 0) if variant["f"] == "relu" else np.tanh(x @ W)
        x = variant["s"] * x + 0.4 * h @ V
    for x, W, V in reversed(blocks):
        (mine, *_), (d, *_) = _parts(block_backward, d, x, W, V, 0.4)
        close(mine, d, "off")


@block_backward.check("sizes of every kind", points=0.5,
                      symptom="With a single example, with a tiny or a huge gradient from above, with large sums "
                      "inside, or just after the beginning, when the block does next to nothing, one of the four "
                      "is off.")
def _(block_backward, rng):
    for N, n, k, of_dy, of_x, alpha in ((1, 4, 3, 1.0, 1.0, 0.8), (6, 2, 5, 1e-6, 0.1, 3.0), (8, 5, 2, 1e4, 1.5, 1e-8)):
        dy, x, W, V = _sized(rng, N, n, k, of_dy)
        _all_close(*_parts(block_backward, dy, of_x * x, W, V, alpha))
