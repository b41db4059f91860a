"""Unit 3, backpropagation: the visible checks of its graded exercises. They travel to students.

Each speaks about a symptom and never about the solution, and none is one: losses are the formulas of the texts, and
right gradients are found by nudging them, so that nothing here walks backward through a net. Sizes are never square.
"""

import numpy as np

from course.exercise import Exercise, NotWritten, Wrong, close, shaped


def _steepness(f, w):
    """The slope of f at each number of w, to the last digit: by a nudge along the imaginary axis, which needs no
    difference of two values."""
    slopes = np.zeros(np.shape(w))
    for at in np.ndindex(*slopes.shape):
        nudge = np.zeros(slopes.shape, complex)
        nudge[at] = 1e-20j
        slopes[at] = f(w + nudge).imag / 1e-20
    return slopes


# One step by hand ----------------------------------------------------------------------------------------------------
one_step = Exercise("one_step")


@one_step.variant
def _(rng):
    pick = {"x": (0.5, 0.8, 1.2), "w1": (0.4, 0.6, 0.9), "w2": (0.8, 1.2, 1.5), "t": (-1.0, -0.7, -0.4),
            "eta": (0.2, 0.25)}
    return {name: float(rng.choice(values)) for name, values in pick.items()}


@one_step.check("four numbers", points=0)
def _(one_step, rng):
    got = shaped(one_step(), (4,), "In this order: w1 after a right step, w1 with w2 updated first, w1 with tanh' "
                 "forgotten, and the learning rate.")
    if not np.isfinite(got).all():
        raise Wrong("a number is nan or infinite.")


# An engine for single numbers ----------------------------------------------------------------------------------------
Value = Exercise("Value(data)")


@Value.probe
def play(value, leaves, program, starts):
    """Values of the leaves and of the program's results, and all gradients after backward() from each of `starts`."""
    nodes = [value(x) for x in leaves]
    for operation, *at in program:
        a, b = nodes[at[0]], nodes[at[-1]]
        nodes.append(a + b if operation == "add" else a * b if operation == "mul" else a.tanh())
    grads = []
    for start in starts:
        nodes[start].backward()
        grads.append([float(node.grad) for node in nodes])
    return {"values": [float(node.data) for node in nodes], "grads": grads}


def _slopes(leaves, program):
    """The values, and d last / d each, by the sum over all paths: number by number, from the end."""
    values, edges = list(leaves), []
    for i, (operation, *at) in enumerate(program, len(leaves)):
        a, b = values[at[0]], values[at[-1]]
        values.append(a + b if operation == "add" else a * b if operation == "mul" else float(np.tanh(a)))
        local = {"add": (1.0, 1.0), "mul": (b, a), "tanh": (1 - values[i] ** 2,)}[operation]
        edges += [(parent, i, slope) for parent, slope in zip(at, local, strict=True)]
    slopes = [0.0] * len(values)
    slopes[-1] = 1.0
    for i in reversed(range(len(values) - 1)):
        slopes[i] = sum(slope * slopes[child] for parent, child, slope in edges if parent == i)
    return values, slopes


def _compare(value, leaves, program, symptom):
    values, slopes = _slopes(leaves, program)
    got = value.run("play", leaves, program, [len(values) - 1])
    close(got["values"], values, "The values of the forward pass are no longer right; they were before.")
    close(got["grads"][0], slopes, symptom)


@Value.check("symptom A: a number used twice", points=0.5, catches="B7")
def _(value, rng):
    a, b = rng.uniform(0.5, 2, 2).tolist()
    for program in ([["add", 0, 0]], [["mul", 0, 1], ["add", 2, 0]]):
        _compare(value, [a, b], program, "In b = a + a, or in a·b + a, the gradient of a is off. a is used twice: L "
                 "feels it in both places.")


@Value.check("symptom B: through a tanh", points=0.5, catches="B2")
def _(value, rng):
    _compare(value, [float(rng.uniform(1.2, 2))], [["tanh", 0]],
             "t = a.tanh(): the gradient of a is not what nudging a finds. It is never negative and never above 1.")


# A judge for gradients -----------------------------------------------------------------------------------------------
grad_error = Exercise("grad_error(f, w, g)")


@grad_error.probe
def on_a_cubic(grad_error, C, w, g):
    """What it says of the claimed gradient g of f(w) = sum C w^3."""
    error = grad_error(lambda at: (C * at**3).sum(), w, g)
    return None if error is None or error is ... else {"error": error}


@grad_error.check("a right gradient: an error below 1e-8", points=0.5, catches="B13")
def _(grad_error, rng):
    for right in rng.permutation([True] * 4 + [False] * 2):  # what always answers 0 has found nothing out
        C, w = rng.uniform(0.5, 2, (4, 3)), rng.uniform(0.5, 2, (4, 3))
        got = shaped(grad_error.run("on_a_cubic", C, w, (3 if right else 9) * C * w**2)["error"], ())
        if not right and not got > 1e-3:
            raise Wrong(f"g is three times the gradient of f, and the error is said to be {got:.1e}.")
        if right and not 0 <= got < 1e-8:
            raise Wrong(f"f is a sum of cubes and g its exact gradient, and the error is said to be {got:.1e}. Are "
                        "both sides nudged, one number at a time, by a good step, in float64?")


@grad_error.check("one number off by 1e-4 is seen", points=0.5, catches="B13")
def _(grad_error, rng):
    C, w = rng.uniform(0.5, 2, (2, 3)), rng.uniform(0.5, 2, (2, 3))
    right = 3 * C * w**2
    g = right.copy()
    at = tuple(int(i) for i in rng.integers((2, 3)))
    g[at] *= 1 + 1e-4
    close(grad_error.run("on_a_cubic", C, w, g)["error"], np.abs(g - right).max() / (g + right).max(), rtol=0.01,
          symptom="one number of g is a ten-thousandth too large, and the error is not what the formula gives: the "
          "largest difference over the largest sum of sizes.")


# A loss that forgives small errors -----------------------------------------------------------------------------------
tolerant_loss = Exercise("tolerant_loss(P, T)")


@tolerant_loss.variant
def _(rng):
    return {"eps": float(rng.choice([0.1, 0.2, 0.25, 0.4])), "factor": float(rng.choice([0.5, 1.0])),
            "over": str(rng.choice(["examples", "numbers"]))}


def _tolerant(P, T, variant):
    cost = variant["factor"] * np.maximum(np.abs(P - T) - variant["eps"], 0) ** 2
    return cost.sum(1).mean() if variant["over"] == "examples" else cost.mean()


def _two(got):
    if not isinstance(got, tuple | list) or len(got) != 2:
        what = f"{len(got)} things" if isinstance(got, tuple | list) else f"a {type(got).__name__}"
        raise Wrong(f"it returned {what}; expected two: the loss and dP.")
    if any(part is None or part is ... for part in got):
        raise NotWritten
    return got


@tolerant_loss.check("the loss itself", points=0.5, catches="B4 B6")
def _(tolerant_loss, rng):
    P, T = rng.normal(size=(5, 2)), rng.normal(size=(5, 2))
    close(_two(tolerant_loss(P, T))[0], _tolerant(P, T, tolerant_loss.variant),
          "5 examples with 2 numbers each: the loss is off. What lies within the tolerance costs nothing; what is "
          "taken beyond it is squared. Look at the factor, and at what the mean is over.")


@tolerant_loss.check("dP is the slope of your own loss", points=0.5, catches="B5 B6")
def _(tolerant_loss, rng):
    beyond = rng.uniform(0.3, 1.5, (3, 2)) * np.array([[1, 1], [0, 1], [1, 1]])  # the slope bends at the tolerance
    T = rng.normal(size=(3, 2))
    P = T + rng.choice([-1, 1], (3, 2)) * np.where(beyond, tolerant_loss.variant["eps"] + beyond, 0.05)
    dP = shaped(_two(tolerant_loss(P, T))[1], P.shape, "A gradient has the shape of what it belongs to.")
    if not np.any(dP):
        raise Wrong("dP is zero everywhere, though some errors are beyond the tolerance.")
    if not ((dP * (P - T) > 0) | (beyond == 0)).all():
        raise Wrong("somewhere beyond the tolerance dP says that the loss falls when P moves still further from T.")
    loss = lambda at: float(shaped(_two(tolerant_loss(at, T))[0], ()))
    ways = rng.uniform(0.5, 1, (8, 3, 2)) * rng.choice([-1, 1], (8, 3, 2))
    close([(dP * way).sum() for way in ways],
          [(loss(P + 1e-3 * way) - loss(P - 1e-3 * way)) / 2e-3 for way in ways],  # a step that float32 can tell
          rtol=1e-3, symptom="nudging the numbers of P changes your loss by something else than dP says. (Whether the "
          "loss itself is right, this check cannot see.)")


# A net that compares two things --------------------------------------------------------------------------------------
pair_gradients = Exercise("pair_gradients(X1, X2, y, W1, b1, W2, b2)")
NAMES = ("dW1", "db1", "dW2", "db2")


def _pair(rng, n=5, sizes=(3, 4, 2)):
    """X1, X2, y, W1, b1, W2, b2. W1 is large, so that tanh bends; W2 is small: no p is so near 1 that p - y is lost."""
    inputs, hidden, classes = sizes
    X1, X2, y = rng.normal(size=(n, inputs)), rng.normal(size=(n, inputs)), rng.integers(0, classes, n)
    shapes = {(inputs, hidden): 1.2, (hidden,): 1.2, (hidden, classes): 0.5, (classes,): 0.5}
    return X1, X2, y, *(scale * rng.normal(size=shape) for shape, scale in shapes.items())


def _pair_loss(X1, X2, y, W1, b1, W2, b2):
    H1, H2 = (np.tanh(X @ W1 + b1) for X in (X1, X2))
    return _entropy((H1 - H2) @ W2 + b2, y)


def _entropy(Z, y):
    return (np.log(np.exp(Z).sum(1)) - Z[np.arange(len(y)), y]).mean()


def _right(given, at):
    """The slopes of the loss at weight number `at`: W1, b1, W2, b2."""
    return _steepness(lambda w: _pair_loss(*given[:3 + at], w, *given[4 + at:]), given[3 + at])


def _five(got, given):
    if not isinstance(got, tuple | list) or len(got) != 5:
        what = f"{len(got)} things" if isinstance(got, tuple | list) else f"a {type(got).__name__}"
        raise Wrong(f"it returned {what}; expected five: the loss, dW1, db1, dW2, db2.")
    if any(part is None or part is ... for part in got):
        raise NotWritten
    for name, part, weight in zip(NAMES, got[1:], given[3:], strict=True):
        try:
            shaped(part, weight.shape, "A gradient has the shape of its array.")
        except Wrong as wrong:
            raise Wrong(f"{name}: {wrong}") from wrong
    return got


@pair_gradients.check("the loss", points=0.5, catches="B4")
def _(pair_gradients, rng):
    given = _pair(rng)
    close(_five(pair_gradients(*given), given)[0], _pair_loss(*given), rtol=1e-4, symptom=(
        "the loss of 5 pairs is off. Both inputs go through the same W1 and b1; it is H1 - H2 that goes on; the "
        "loss is the mean of -ln p."))


@pair_gradients.check("dW2 and db2", points=0.5, catches="B5 B10")
def _(pair_gradients, rng):
    given = _pair(rng)
    got = _five(pair_gradients(*given), given)[1:]
    for at in (2, 3):
        close(got[at], _right(given, at), rtol=1e-4, symptom=(
            f"{NAMES[at]} has the right shape and the wrong numbers. What does the last layer multiply? And the "
            "mean belongs to the loss: it is in dZ once."))


@pair_gradients.check("dW1 and db1: two ways back", points=1, catches="B2 B7 B11")
def _(pair_gradients, rng):
    given = _pair(rng)
    got = _five(pair_gradients(*given), given)[1:]
    for at in (0, 1):
        close(got[at], _right(given, at), rtol=1e-4, symptom=(
            f"{NAMES[at]} has the right shape and the wrong numbers. Walk back from the logits along both ways to "
            "W1: is every station there, with its sign, and what happens where they meet?"))


# Find the mistake from its symptoms ----------------------------------------------------------------------------------
diagnose = Exercise("diagnose(X, y, lr, start, one, two)")
MISTAKES = ("right", "slope", "order", "sum", "bias", "kept", "stale")


def _gradients(X, y, weights, mistake, lr):
    """Those that a run with this mistake takes: the slopes of the loss, or of what it takes for the loss of layer 1."""
    lost = lambda W1, b1, W2, b2: _entropy(np.tanh(X @ W1 + b1) @ W2 + b2, y)
    found = [_steepness(lambda w, i=i: lost(*weights[:i], w, *weights[i + 1:]), weights[i]) for i in range(4)]
    if mistake in ("right", "sum"):
        return [g * (len(X) if mistake == "sum" else 1) for g in found]
    W1, b1, W2, b2 = weights
    H = np.tanh(X @ W1 + b1)
    if mistake == "slope":  # as if H were a straight line
        push = _steepness(lambda H: _entropy(H @ W2 + b2, y), H)
        taken = lambda W1, b1: (push * (X @ W1 + b1)).sum()
    else:  # "order": the push on the logits goes through the W2 of the next step
        push, late = _steepness(lambda Z: _entropy(Z, y), H @ W2 + b2), W2 - lr * found[2]
        taken = lambda W1, b1: (push * (np.tanh(X @ W1 + b1) @ late)).sum()
    return [_steepness(lambda w: taken(w, b1), W1), _steepness(lambda w: taken(W1, w), b1), *found[2:]]


def _record(rng, mistake, lr, n=5, sizes=(3, 4, 2)):
    """What a run with this mistake leaves behind: X, y, lr, the weights at the start, after one and two steps."""
    inputs, hidden, classes = sizes
    X, y = rng.normal(size=(n, inputs)), rng.integers(0, classes, n)
    steps = [[rng.normal(size=s) for s in ((inputs, hidden), hidden, (hidden, classes), classes)]]
    for _ in range(2):
        steps.append([w - lr * g for w, g in zip(steps[-1], _gradients(X, y, steps[-1], mistake, lr), strict=True)])
    return X, y, lr, *steps


def _named(diagnose, rng, mistake, lr):
    got = diagnose(*_record(rng, mistake, lr))
    if not isinstance(got, str) or got not in MISTAKES:
        what = repr(got) if isinstance(got, str) else f"a {type(got).__name__}"
        raise Wrong(f"it returned {what}; it must be one of {', '.join(MISTAKES)}.")
    return got


@diagnose.check("a right run, and one whose gradients are sums", points=1, catches="B4 B5")
def _(diagnose, rng):
    runs = rng.permutation(["right"] * 4 + ["sum"] * 3).tolist()
    got = [_named(diagnose, rng, mistake, 0.5) for mistake in runs]
    if got != runs:
        raise Wrong(f"of seven runs three take sums for means. They are {', '.join(runs)}, and it calls them "
                    f"{', '.join(got)}. Compare what each array moved with what it should have moved.")


@diagnose.check("two mistakes that hit the first layer only", points=1, catches="B1 B2")
def _(diagnose, rng):
    runs = rng.permutation(["slope"] * 4 + ["order"] * 3).tolist()
    got = [_named(diagnose, rng, mistake, 0.5) for mistake in runs]
    if got != runs:
        raise Wrong("in seven runs W2 and b2 move as they should and W1 does not: tanh' is forgotten (slope), or W2 is "
                    f"updated too early (order). They are {', '.join(runs)}; it calls them {', '.join(got)}.")
