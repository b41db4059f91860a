"""Unit 3, backpropagation: the visible checks of its practice exercises. They travel to students.

Each speaks about a symptom and never about the solution. Sizes are never square (N=5, in=3, out=4), since most wrong
products have the right shape when they are. What is right is found here by finite differences or by nnlab's engine.
"""

import numpy as np

from course.exercise import Exercise, NotWritten, Wrong, close, shaped
from nnlab import Tensor
from nnlab.functional import cross_entropy, linear

backward = Exercise("backward(tape)")

A_TIMES_B = ((), (), ((0, 4.0), (1, 3.0)))  # a = 3, b = 4, L = a b
CHAIN = ((), ((0, 2.0),), ((1, -3.0),), ((2, 0.5),))
SHARED = ((), (), (), ((0, 1.0), (1, 1.0)), ((1, 1.0), (2, 1.0)), ((3, 2.0), (4, 3.0)))  # (a + b)(b + c)


@backward.check("it begins at the end: dL/dL is 1")
def _(backward, rng):
    got = shaped(backward(A_TIMES_B), (3,), "The tape has 3 entries.")
    if not np.isclose(got[-1], 1):
        raise Wrong(f"for L = a·b it gives the last number, L itself, the gradient {got[-1]:g}. "
                    "Change L by 1: by how much does L change?")


@backward.check("one product: L = a·b")
def _(backward, rng):
    close(backward(A_TIMES_B), [4, 3, 1],
          "With a = 3 and b = 4, nudging a by 0.01 changes L = a·b by 0.04, and nudging b changes it by 0.03: "
          "the gradients are 4 and 3.")


@backward.check("a chain multiplies")
def _(backward, rng):
    close(backward(CHAIN), [-3, -1.5, 0.5, 1],
          "In a chain with the local derivatives 2, -3 and 0.5 the first number's gradient is their product, -3. "
          "Does each step use what arrived from above, and is it complete by then?")


@backward.check("a number used twice", catches="B7")
def _(backward, rng):
    close(backward(SHARED), [2, 5, 3, 2, 3, 1],
          "In (a + b)·(b + c) of lab 3a b goes into two sums, which send it 2 and 3. Are both still there at the end?")


@backward.check("a number used twice at once: b = a + a", catches="B7")
def _(backward, rng):
    close(backward(((), ((0, 1.0), (0, 1.0)))), [2, 1],
          "b = a + a has a twice among its parents. Nudge a by 0.01 and b moves by 0.02.")


@backward.check("any tape", catches="B7")
def _(backward, rng):
    for _ in range(5):
        tape = [(), ()]
        for i in range(2, 9):
            tape.append(tuple((int(p), float(rng.normal())) for p in rng.integers(0, i, rng.integers(1, 4))))
        expected = np.array([_by_paths(tape, i) for i in range(len(tape))])
        close(backward(tuple(tape)), expected,
              "On a random graph, where numbers are used several times and some not at all, a gradient is off. "
              "A gradient may be passed on only when everything that arrives has arrived.")


def _by_paths(tape, i):
    """dL/d node i as the sum over all paths from it to the end."""
    if i == len(tape) - 1:
        return 1.0
    return sum(slope * _by_paths(tape, j) for j in range(i + 1, len(tape)) for p, slope in tape[j] if p == i)


linear_backward = Exercise("linear_backward(X, W, dZ)")


def _three(got):
    if not isinstance(got, tuple | list) or len(got) != 3:
        what = f"{len(got)} things" if isinstance(got, tuple | list) else f"a {type(got).__name__}"
        raise Wrong(f"it returned {what}; expected three: dX, dW, db.")
    if any(part is None or part is ... for part in got):
        raise NotWritten
    return got


def _layer(rng):
    """X, W, dZ and the engine's dX, dW, db. Five examples, 3 inputs, 4 neurons."""
    X, W, b = (Tensor(rng.normal(size=shape), requires_grad=True) for shape in ((5, 3), (3, 4), 4))
    dZ = rng.normal(size=(5, 4))
    linear(X, W, b).backward(dZ)
    return X.data, W.data, dZ, X.grad, W.grad, b.grad


@linear_backward.check("each gradient has the shape of what it belongs to", catches="B10, B11")
def _(linear_backward, rng):
    X, W, dZ, *_ = _layer(rng)
    try:
        dX, dW, db = _three(linear_backward(X, W, dZ))
    except ValueError as problem:
        raise Wrong("X is (5, 3), W is (3, 4) and dZ is (5, 4), and your shapes do not fit together: "
                    f"{problem}. Which two sizes meet?") from problem
    for name, got, shape in (("dX", dX, (5, 3)), ("dW", dW, (3, 4)), ("db", db, (4,))):
        try:
            shaped(got, shape)
        except Wrong as wrong:
            raise Wrong(f"{name}: {wrong} A gradient always has the shape of its array.") from wrong


@linear_backward.check("dW: how the weights should change", catches="B10")
def _(linear_backward, rng):
    X, W, dZ, _, dW, _ = _layer(rng)
    close(_three(linear_backward(X, W, dZ))[1], dW,
          "dW has the right shape and the wrong numbers. Weight (i, j) multiplies input i on its way to neuron j, once "
          "for each example; what arrives is added up, nothing more.")


@linear_backward.check("db: one bias, many examples", catches="B10")
def _(linear_backward, rng):
    X, W, dZ, *_, db = _layer(rng)
    close(_three(linear_backward(X, W, dZ))[2], db,
          "The bias of a neuron was added to each of the 5 examples, so 5 gradients come back to it, and gradients "
          "that meet are added. The mean belongs to the loss and is in dZ already.")


@linear_backward.check("dX: what goes on to the layer before", catches="B11")
def _(linear_backward, rng):
    X, W, dZ, dX, *_ = _layer(rng)
    close(_three(linear_backward(X, W, dZ))[0], dX,
          "dX has the right shape and the wrong numbers. Input i went to every neuron j through weight (i, j): back it "
          "comes the same way.")


@linear_backward.check("it depends on dZ alone, not on its own forward pass")
def _(linear_backward, rng):
    X, W, dZ, *_ = _layer(rng)
    one, three = _three(linear_backward(X, W, dZ)), _three(linear_backward(X, W, 3 * dZ))
    for name, a, b in zip(("dX", "dW", "db"), one, three, strict=True):
        if not np.allclose(3 * np.asarray(a), b):
            raise Wrong(f"three times the dZ must give three times the {name}; here it does not.")


numeric_gradient = Exercise("numeric_gradient(f, w)")


@numeric_gradient.check("one number for each weight")
def _(numeric_gradient, rng):
    for shape in ((3,), (2, 4)):
        shaped(numeric_gradient(lambda w: float((w**2).sum()), rng.normal(size=shape)), shape,
               f"w has shape {shape}: each of its numbers is nudged by itself, and has a slope of its own.")


@numeric_gradient.check("a straight slope")
def _(numeric_gradient, rng):
    slopes = rng.normal(size=(2, 3))
    close(numeric_gradient(lambda w: float((slopes * w).sum()), rng.normal(size=(2, 3))), slopes,
          "f is a weighted sum here, so its slopes are the same everywhere, for every step. Is only one number nudged "
          "at a time, and the rise divided by the whole distance between the two points?")


@numeric_gradient.check("exact to 1e-8 on a cubic", catches="B13")
def _(numeric_gradient, rng):
    w = rng.uniform(0.5, 2, (2, 3))
    close(numeric_gradient(lambda w: float((w**3).sum()), w), 3 * w**2, rtol=1e-8, symptom=(
        "The slope of w³ is 3w², and this is near it, but not near enough for a check. Is w nudged to both sides, "
        "by a step that is neither large (the curve bends) nor tiny (rounding), and in float64?"))


@numeric_gradient.check("each nudge is undone before the next", catches="B13")
def _(numeric_gradient, rng):
    w, seen = rng.normal(size=4), []

    def f(at):
        seen.append(np.array(at, float))
        return float((at**2).sum())

    numeric_gradient(f, w)
    moved = [int((np.abs(at - w) > 1e-15).sum()) for at in seen]
    if max(moved, default=0) > 1:
        raise Wrong(f"f was called with {max(moved)} numbers changed at once: the others still carry a nudge.")


@numeric_gradient.check("it finds a gradient that is 1e-4 off", catches="B13")
def _(numeric_gradient, rng):
    w, X = rng.normal(size=3), rng.normal(size=(5, 3))
    got = numeric_gradient(lambda w: float(np.tanh(X @ w).mean()), w)
    right = ((1 - np.tanh(X @ w) ** 2)[:, None] * X).mean(0)
    close(got, right, rtol=1e-6, symptom="On the loss of a tanh neuron it is further off than the mistakes it is to "
          "find. A check must be much more exact than what it checks.")


train_step = Exercise("train_step(X, y, W1, b1, W2, b2, lr)")
NAMES = ("W1", "b1", "W2", "b2")


def _net(rng, n=5):
    """X, y, W1, b1, W2, b2 of a net of 3, 4 and 2 neurons; the weights are large, so that tanh bends."""
    X, y = rng.normal(size=(n, 3)), rng.integers(0, 2, n)
    return X, y, *(1.3 * rng.normal(size=shape) for shape in ((3, 4), 4, (4, 2), 2))


def _reference(X, y, W1, b1, W2, b2, lr):
    weights = [Tensor(w, requires_grad=True) for w in (W1, b1, W2, b2)]
    w1, c1, w2, c2 = weights
    cross_entropy(linear(linear(Tensor(X), w1, c1, "tanh"), w2, c2), y).backward()
    return [w.data - lr * w.grad for w in weights]


def _step(train_step, *given):
    got = train_step(*given)
    if not isinstance(got, tuple | list) or len(got) != 4:
        what = f"{len(got)} things" if isinstance(got, tuple | list) else f"a {type(got).__name__}"
        raise Wrong(f"it returned {what}; expected four: the new W1, b1, W2, b2.")
    if any(part is None or part is ... for part in got):
        raise NotWritten
    for name, new, old in zip(NAMES, got, given[2:6], strict=True):
        try:
            shaped(new, old.shape)
        except Wrong as wrong:
            raise Wrong(f"{name}: {wrong}") from wrong
    return [np.asarray(new, float) for new in got]


def _moved(train_step, given, lr):
    """What a step changes, divided by lr: yours and the right one, for each of the four."""
    return zip(_step(train_step, *given, lr), _reference(*given, lr), given[2:], strict=True)


@train_step.check("four arrays, of their old shapes")
def _(train_step, rng):
    _step(train_step, *_net(rng), 0.1)


@train_step.check("it goes downhill, by lr")
def _(train_step, rng):
    given = _net(rng)
    none = _step(train_step, *given, 0.0)
    if not all(np.allclose(a, b) for a, b in zip(none, given[2:], strict=True)):
        raise Wrong("with lr = 0 the weights must stay as they are, and they move.")
    moves = [sum(((new - old) * (right - old)).sum() for new, right, old in [part])
             for part in _moved(train_step, given, 1e-3)]
    if moves[2] < 0 or moves[3] < 0:
        raise Wrong("it steps uphill: the last layer moves against where it should go.")


@train_step.check("the last layer takes the right step")
def _(train_step, rng):
    given = _net(rng)
    for name, (new, right, old) in list(zip(NAMES, _moved(train_step, given, 0.01), strict=True))[2:]:
        close((new - old) / 0.01, (right - old) / 0.01, rtol=1e-3, symptom=(
            f"{name} takes a wrong step. Begin at the end: softmax and cross-entropy together send p − y, with y as "
            "rows of 0 and one 1; the loss is a mean over the batch."))


@train_step.check("the first layer takes the right step", catches="B2, B11")
def _(train_step, rng):
    given = _net(rng)
    for name, (new, right, old) in list(zip(NAMES, _moved(train_step, given, 1e-3), strict=True))[:2]:
        close((new - old) / 1e-3, (right - old) / 1e-3, rtol=2e-3, symptom=(
            f"{name} takes a wrong step. Follow the gradient back: from the logits through W2 to the hidden neurons, "
            "through what bends there, to the sums. Is a station left out?"))


@train_step.check("the same examples twice: the same step", catches="B4, B5")
def _(train_step, rng):
    X, y, *weights = _net(rng)
    once = _step(train_step, X, y, *weights, 0.1)
    twice = _step(train_step, np.tile(X, (2, 1)), np.tile(y, 2), *weights, 0.1)
    for name, a, b in zip(NAMES, once, twice, strict=True):
        if not np.allclose(a, b, rtol=1e-4):
            raise Wrong(f"a batch in which every example stands twice moves {name} differently. The loss is a mean, so "
                        "its gradient is one too, once.")


@train_step.check("all four step together, also at a large lr", catches="B1")
def _(train_step, rng):
    given = _net(rng)
    for name, (new, right, _) in zip(NAMES, _moved(train_step, given, 0.5), strict=True):
        close(new, right, f"small steps are right, and at lr = 0.5 {name} is not. All gradients belong to the weights "
              "of the forward pass: does one of them see weights that have moved already?")


@train_step.check("ten steps lower the loss as they should")
def _(train_step, rng):
    X, y, *weights = _net(rng, 12)
    yours = right = weights
    for _ in range(10):
        yours, right = _step(train_step, X, y, *yours, 0.3), _reference(X, y, *right, 0.3)
    for name, a, b in zip(NAMES, yours, right, strict=True):
        close(a, b, f"one step is right, and after ten {name} has drifted away. Is something kept from call to call?",
              rtol=1e-3)
    W1, b1, W2, b2 = weights
    if not all(np.isfinite(new).all() for new in _step(train_step, X, y, W1, b1, 1e4 * W2, b2, 0.1)):
        raise Wrong("with logits in the thousands the new weights are nan or infinite. What is e to the 1000?")
