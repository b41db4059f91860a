"""Unit 4, optimizers: the visible checks of its practice exercises. They travel to students.

Each speaks about a symptom and never about the solution. One step proves little: what is remembered from step to step
shows only over several, with gradients that change; and two runs side by side show what is remembered in the wrong
place.
"""

import numpy as np

from course.exercise import Exercise, Wrong, close, shaped

LR = 0.05


def _several(got, count, what):
    """`got` as `count` arrays, or Wrong."""
    if not isinstance(got, tuple | list) or len(got) != count:
        kind = f"{len(got)} things" if isinstance(got, tuple | list) else f"one {type(got).__name__}"
        raise Wrong(f"it returned {kind}; expected {count}: {what}.")
    return got


def _arrays(got, w, names):
    """The answer as arrays of the shape of w, each named in what is said about it."""
    parts = _several(got, len(names), ", ".join(f"the new {name}" for name in names))
    return [shaped(part, w.shape, f"That was the new {name}; w has shape {w.shape}.") for part, name
            in zip(parts, names, strict=True)]


def _side_by_side(step, starts, gradients):
    """Run two optimizations in turns and each alone: `step(w, memory, g, t)` -> (w, memory). Wrong if they differ."""
    def go_on(state, g, t):
        return step(state[0], state[1], g, t)

    alone = []
    for start in starts:
        state = start
        for t, g in enumerate(gradients, 1):
            state = go_on(state, g, t)
        alone.append(state[0])
    states = list(starts)
    for t, g in enumerate(gradients, 1):
        states = [go_on(state, g, t) for state in states]
    for state, expected in zip(states, alone, strict=True):
        close(state[0], expected, "two runs that take their steps in turns disturb each other. What one step leaves "
                                  "for the next must travel in the arguments and in what is returned, nowhere else.")


momentum = Exercise("momentum(w, g, u, lr, beta)")


def _ball(w, g, u, lr, beta):
    u = beta * u + g
    return w - lr * u, u


@momentum.check("two arrays, of the shape of w")
def _(momentum, rng):
    for shape in ((3,), (4, 2)):
        w, g, u = rng.normal(size=(3, *shape))
        _arrays(momentum(w, g, u, LR, 0.9), w, ("w", "u"))


@momentum.check("the first step, from rest", catches="O8")
def _(momentum, rng):
    w, g = np.array([1.0, -2.0, 0.5]), np.array([0.5, 2.0, -1.0])
    new, _ = _arrays(momentum(w, g, np.zeros(3), LR, 0.9), w, ("w", "u"))
    step = (w - new) / (LR * g)
    if np.allclose(step, 0.1):
        raise Wrong("from rest its step is a tenth of gradient descent's. A running mean, (1 - beta) g, is not what is "
                    "asked for here: the ball feels all of g.")
    if np.allclose(step, -1):
        raise Wrong("its first step goes uphill.")
    close(new, w - LR * g, f"with u = 0 nothing has been remembered yet, so the first step is that of gradient "
                           f"descent, lr · g. Yours is {np.round(step, 3).tolist()} times that.")


@momentum.check("what it remembers", catches="O8")
def _(momentum, rng):
    w, g, u = rng.normal(size=(3, 4))
    _, new = _arrays(momentum(w, g, u, LR, 0.8), w, ("w", "u"))
    close(new, 0.8 * u + g, "the new u is not beta · u + g. (The learning rate belongs to the step, not to u.)")


@momentum.check("it rolls on where the ground is flat")
def _(momentum, rng):
    w, u = np.zeros(3), np.array([1.0, -2.0, 0.5])
    new, _ = _arrays(momentum(w, np.zeros(3), u, LR, 0.8), w, ("w", "u"))
    close(new, -LR * 0.8 * u, "with g = 0 and u not 0 the ball goes on rolling, by lr · beta · u.")


@momentum.check("four steps with changing gradients", catches="O8")
def _(momentum, rng):
    w, u = rng.normal(size=3), np.zeros(3)
    right, v = w.copy(), np.zeros(3)
    for t, g in enumerate(rng.normal(size=(4, 3)), 1):
        w, u = _arrays(momentum(w, g, u, LR, 0.9), right, ("w", "u"))
        right, v = _ball(right, g, v, LR, 0.9)
        close(w, right, f"step {t} of four goes wrong: each of the steps before should still be felt, beta times as "
                        "much at every step.")


@momentum.check("two runs do not disturb each other", catches="O11")
def _(momentum, rng):
    starts = [(w, np.zeros(3)) for w in rng.normal(size=(2, 3))]
    _side_by_side(lambda w, u, g, t: tuple(map(np.asarray, momentum(w, g, u, LR, 0.9))), starts,
                  rng.normal(size=(4, 3)))


nesterov = Exercise("nesterov(gradient, w, u, lr, beta)")
SLOPES = np.array([0.5, 2.0, 4.0])


def _ahead(gradient, w, u, lr, beta):
    u = beta * u + gradient(w - lr * beta * u)
    return w - lr * u, u


@nesterov.check("two arrays, of the shape of w")
def _(nesterov, rng):
    w, u = rng.normal(size=(2, 3))
    _arrays(nesterov(lambda x: SLOPES * x, w, u, LR, 0.9), w, ("w", "u"))


@nesterov.check("it asks for one gradient, at the right place", catches="O10")
def _(nesterov, rng):
    w, u, asked = rng.normal(size=3), rng.normal(size=3), []

    def gradient(x):
        asked.append(np.array(x, float))
        return SLOPES * x

    nesterov(gradient, w, u, LR, 0.8)
    if len(asked) != 1:
        raise Wrong(f"it asks for {len(asked)} gradients; every one costs a pass through the net, and one is enough.")
    if asked[0].shape == w.shape and np.allclose(asked[0], w):
        raise Wrong("it asks for the gradient at w, where it stands. That is plain momentum: where will the ball be "
                    "when u has carried it on?")
    if asked[0].shape == w.shape and np.allclose(asked[0], w + LR * 0.8 * u):
        raise Wrong("it looks back instead of ahead: u points uphill, like a gradient.")
    close(asked[0], w - LR * 0.8 * u, "it does not ask for the gradient at the point that u alone would carry w to.")


@nesterov.check("the first step, from rest")
def _(nesterov, rng):
    w = rng.normal(size=3)
    new, _ = _arrays(nesterov(lambda x: SLOPES * x, w, np.zeros(3), LR, 0.9), w, ("w", "u"))
    close(new, w - LR * SLOPES * w, "with u = 0 there is nothing to look ahead to: the first step is lr · gradient.")


@nesterov.check("three steps in a bowl", catches="O10")
def _(nesterov, rng):
    w, u = rng.normal(size=3), np.zeros(3)
    right, v = w.copy(), np.zeros(3)
    for t in range(1, 4):
        w, u = _arrays(nesterov(lambda x: SLOPES * x, w, u, LR, 0.9), right, ("w", "u"))
        right, v = _ahead(lambda x: SLOPES * x, right, v, LR, 0.9)
        close(w, right, f"step {t} of three ends in the wrong place. From where does the step start: from w, or from "
                        "the point it has looked at?")
        close(u, v, f"after step {t} of three u is not beta · u + the gradient ahead.")


rmsprop = Exercise("rmsprop(w, g, v, lr, alpha, eps)")


def _root(w, g, v, lr, alpha, eps):
    v = alpha * v + (1 - alpha) * g**2
    return w - lr * g / (np.sqrt(v) + eps), v


@rmsprop.check("two arrays, of the shape of w")
def _(rmsprop, rng):
    for shape in ((3,), (4, 2)):
        w, g = rng.normal(size=(2, *shape))
        _arrays(rmsprop(w, g, rng.uniform(1, 2, shape), LR, 0.9, 1e-8), w, ("w", "v"))


@rmsprop.check("what it remembers", catches="O7")
def _(rmsprop, rng):
    w, g, v = rng.normal(size=3), np.array([3.0, -2.0, 0.5]), np.array([1.0, 4.0, 2.0])
    _, new = _arrays(rmsprop(w, g, v, LR, 0.9, 1e-8), w, ("w", "v"))
    if np.allclose(new, 0.1 * v + 0.9 * g**2):
        raise Wrong("alpha is the share of the old v that is kept; yours keeps 1 - alpha of it, and forgets nearly all "
                    "at every step.")
    if np.allclose(new, 0.9 * v + 0.1 * g) or np.allclose(new, 0.9 * v + 0.1 * np.abs(g)):
        raise Wrong("v is a mean of squares; yours is a mean of the gradients themselves.")
    if np.allclose(new, v + g**2) or np.allclose(new, 0.9 * v + g**2):
        raise Wrong("its v grows with every step. A mean stays between the old one and the new square.")
    close(new, 0.9 * v + 0.1 * g**2, "the new v is not the running mean of the squared gradient.")


@rmsprop.check("its step, where v is settled")
def _(rmsprop, rng):
    w, g = np.zeros(3), np.array([100.0, -1.0, 0.01])
    new, _ = _arrays(rmsprop(w, g, g**2, LR, 0.9, 1e-12), w, ("w", "v"))
    if np.allclose(new, LR * np.sign(g)):
        raise Wrong("its step goes uphill.")
    close(new, -LR * np.sign(g), "where v is g² the step is lr, for a gradient of 100 as for one of 0.01, each weight "
                                 f"for itself; yours are {np.array2string(new, precision=3)}, lr is {LR}.")


@rmsprop.check("where eps stands")
def _(rmsprop, rng):
    w, g, v = np.zeros(3), np.array([1.0, -0.5, 0.2]), np.array([0.04, 0.09, 0.01])
    new, _ = _arrays(rmsprop(w, g, v, LR, 0.5, 0.5), w, ("w", "v"))
    right = _root(w, g, v, LR, 0.5, 0.5)[0]
    close(new, right, "with a large eps of 0.5 its step has the wrong length: eps is added once, to the root, not "
                      "under it.")


@rmsprop.check("three steps with changing gradients", catches="O7")
def _(rmsprop, rng):
    w, v = rng.normal(size=3), np.zeros(3)
    right, remembered = w.copy(), np.zeros(3)
    for t, g in enumerate(rng.normal(size=(3, 3)) * [1, 10, 0.1], 1):
        w, v = _arrays(rmsprop(w, g, v, LR, 0.9, 1e-8), right, ("w", "v"))
        right, remembered = _root(right, g, remembered, LR, 0.9, 1e-8)
        close(w, right, f"step {t} of three has the wrong length. Is the gradient divided by the root of the new v, "
                        "and nothing else?")


@rmsprop.check("two runs do not disturb each other", catches="O11")
def _(rmsprop, rng):
    starts = [(w, np.zeros(3)) for w in rng.normal(size=(2, 3))]
    _side_by_side(lambda w, v, g, t: tuple(map(np.asarray, rmsprop(w, g, v, LR, 0.9, 1e-8))), starts,
                  rng.normal(size=(4, 3)))


adam = Exercise("adam(w, g, m, v, t, lr, b1, b2, eps)")
KEEP = 0.9, 0.999


def _adam(w, g, m, v, t, lr, b1, b2, eps):
    m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
    return w - lr * (m / (1 - b1**t)) / (np.sqrt(v / (1 - b2**t)) + eps), m, v


@adam.check("three arrays, of the shape of w")
def _(adam, rng):
    for shape in ((3,), (4, 2)):
        w, g, m = rng.normal(size=(3, *shape))
        _arrays(adam(w, g, m, rng.uniform(1, 2, shape), 3, LR, *KEEP, 1e-8), w, ("w", "m", "v"))


@adam.check("what it remembers", catches="O6")
def _(adam, rng):
    w, g, m, v = rng.normal(size=3), np.array([3.0, -2.0, 0.5]), np.array([1.0, -1.0, 0.5]), np.array([1.0, 4.0, 2.0])
    _, new_m, new_v = _arrays(adam(w, g, m, v, 3, LR, 0.8, 0.99, 1e-8), w, ("w", "m", "v"))
    if np.allclose(new_m, (0.8 * m + 0.2 * g) / (1 - 0.8**3)):
        raise Wrong("it returns m already corrected. The next step needs the plain running mean, or it is corrected "
                    "twice.")
    close(new_m, 0.8 * m + 0.2 * g, "the new m is not the running mean of g, of which b1 keeps the old part.")
    if np.allclose(new_v, (0.99 * v + 0.01 * g**2) / (1 - 0.99**3)):
        raise Wrong("it returns v already corrected. The next step needs the plain running mean, or it is corrected "
                    "twice.")
    close(new_v, 0.99 * v + 0.01 * g**2, "the new v is not the running mean of g², of which b2 keeps the old part.")


@adam.check("the first step is lr, whatever the gradient's size", catches="O1")
def _(adam, rng):
    w, g = np.zeros(3), np.array([1000.0, -1.0, 0.001])
    new, *_ = _arrays(adam(w, g, np.zeros(3), np.zeros(3), 1, LR, *KEEP, 1e-12), w, ("w", "m", "v"))
    ratio = -new / (LR * np.sign(g))
    if np.allclose(ratio, ratio[0]) and not np.isclose(ratio[0], 1):
        raise Wrong(f"its first step is {ratio[0]:.3g} times lr, for every gradient. Both means started at 0: what has "
                    "that done to each?")
    close(new, -LR * np.sign(g), "with gradients of 1000, -1 and 0.001 the first step is lr for each of the three "
                                 f"weights, against its gradient; yours are {np.array2string(ratio, precision=3)} "
                                 "times that.")


@adam.check("where eps stands", catches="O4")
def _(adam, rng):
    w, g = np.zeros(2), np.array([0.02, -0.005])
    new, *_ = _arrays(adam(w, g, np.zeros(2), np.zeros(2), 1, LR, *KEEP, 0.01), w, ("w", "m", "v"))
    close(new, -LR * g / (np.abs(g) + 0.01), "with eps = 0.01 and gradients as small as that the first step is "
                                             "lr · g / (|g| + eps). eps is added to the root of the corrected v, not "
                                             "under it and not before the correction.")


@adam.check("four steps with changing gradients", catches="O1")
def _(adam, rng):
    w, m, v = rng.normal(size=3), np.zeros(3), np.zeros(3)
    right, a, b = w.copy(), np.zeros(3), np.zeros(3)
    for t, g in enumerate(rng.normal(size=(4, 3)) * [1, 100, 0.01], 1):
        w, m, v = _arrays(adam(w, g, m, v, t, LR, *KEEP, 1e-8), right, ("w", "m", "v"))
        right, a, b = _adam(right, g, a, b, t, LR, *KEEP, 1e-8)
        close(w, right, f"step {t} of four ends in the wrong place. t counts the steps from 1.")


@adam.check("a gradient that changes its sign at every step", catches="O6")
def _(adam, rng):
    w, m, v = np.zeros(2), np.zeros(2), np.zeros(2)
    right, a, b = w.copy(), np.zeros(2), np.zeros(2)
    for t in range(1, 9):
        g = np.array([1.0, 3.0]) * (-1) ** t
        w, m, v = _arrays(adam(w, g, m, v, t, LR, *KEEP, 1e-8), right, ("w", "m", "v"))
        right, a, b = _adam(right, g, a, b, t, LR, *KEEP, 1e-8)
    close(w, right, "to and fro the gradients cancel in m and not in v, so the steps become short; yours do not.")


@adam.check("two runs do not disturb each other", catches="O11")
def _(adam, rng):
    def step(w, memory, g, t):
        w, m, v = adam(w, g, *memory, t, LR, *KEEP, 1e-8)
        return np.asarray(w), (m, v)

    starts = [(w, (np.zeros(3), np.zeros(3))) for w in rng.normal(size=(2, 3))]
    _side_by_side(step, starts, rng.normal(size=(4, 3)))
