"""Unit 3, backpropagation: the hidden checks of its graded exercises, in no wheel and no student bundle.

Other sizes than the visible ones, other magnitudes, a second call, a second step. A student sees title and symptom.
"""

import numpy as np

from course.exercise import Exercise, Wrong, close, shaped

# One step by hand ----------------------------------------------------------------------------------------------------
one_step = Exercise("one_step")


def _numbers(one_step):
    """Yours and the right ones: w1 after a right step, with w2 first, without tanh'; the rate that turns it round."""
    x, w1, w2, t, eta = (one_step.variant[name] for name in ("x", "w1", "w2", "t", "eta"))
    h = np.tanh(w1 * x)
    dy, bend = 2 * (w2 * h - t), 1 - np.tanh(w1 * x) ** 2
    early = w2 - eta * dy * h
    return shaped(one_step(), (4,)), (w1 - eta * dy * w2 * bend * x, w1 - eta * dy * early * bend * x,
                                      w1 - eta * dy * w2 * x, w2 / (dy * h))


def _agrees(one_step, i):
    got, right = _numbers(one_step)
    if not abs(got[i] - right[i]) <= 1.5e-4:
        raise Wrong("not this number")


@one_step.check("w1 after a right step", points=0.5, catches="B2 B6",
                symptom="The first number is off: go back from the loss to the first weight, and multiply what you "
                "meet on the way.")
def _(one_step, rng):
    _agrees(one_step, 0)


@one_step.check("w1 when w2 was updated first", points=0.5, catches="B1",
                symptom="The second number is off: which of the factors of the first weight's gradient has changed by "
                "then, and which has not?")
def _(one_step, rng):
    _agrees(one_step, 1)


@one_step.check("w1 when tanh' is forgotten", points=0.5, catches="B2",
                symptom="The third number is off: one factor of the first weight's gradient is left out, nothing else.")
def _(one_step, rng):
    _agrees(one_step, 2)


@one_step.check("the learning rate that turns the step round", points=0.5, catches="B1",
                symptom="The fourth number is off: at which learning rate is the updated second weight just zero?")
def _(one_step, rng):
    _agrees(one_step, 3)


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


def _edges(leaves, program):
    values, edges = list(leaves), []
    for i, (operation, *at) in enumerate(program, len(leaves)):
        a, b = values[at[0]], values[at[-1]]
        values.append(a + b if operation == "add" else a * b if operation == "mul" else float(np.tanh(a)))
        local = {"add": (1.0, 1.0), "mul": (b, a), "tanh": (1 - values[i] ** 2,)}[operation]
        edges += [(parent, i, slope) for parent, slope in zip(at, local, strict=True)]
    return values, edges


def _slopes(edges, end):
    """d end / d each number up to it."""
    slopes = [0.0] * end + [1.0]
    for i in reversed(range(end)):
        slopes[i] = sum(slope * slopes[child] for parent, child, slope in edges if parent == i and child <= end)
    return slopes


def _gradients_agree(value, leaves, program, starts):
    """Only of the numbers that the start is made of: what backward does not reach, it need not touch."""
    values, edges = _edges(leaves, program)
    got = value.run("play", leaves, program, starts)
    close(got["values"], values, "the values of the forward pass are off")
    for start, grads in zip(starts, got["grads"], strict=True):
        slopes, used = _slopes(edges, start), {start}
        for parent, child, _ in reversed(edges):
            used |= {parent} if child in used else set()
        close([grads[i] for i in sorted(used)], [slopes[i] for i in sorted(used)], "a gradient is off")


@Value.check("symptom C: an intermediate result used several times", points=1, catches="B7",
             symptom="When an intermediate result is used several times, what it was made of gets wrong gradients.")
def _(value, rng):
    a, b = rng.uniform(0.5, 1.5, 2).tolist()
    for program in ([["mul", 0, 1], ["mul", 2, 2], ["add", 3, 2]], [["add", 0, 1], ["mul", 2, 0], ["add", 3, 2]],
                    [["add", 0, 1], ["tanh", 2], ["mul", 2, 3], ["add", 4, 2], ["mul", 5, 3]],
                    [["add", 0, 0], ["add", 1, 1], ["mul", 2, 3]]):
        _gradients_agree(value, [a, b], program, [len(program) + 1])
        _gradients_agree(value, [a, a], program, [len(program) + 1])


@Value.check("backward a second time, and from another result", points=0.5, catches="B8",
             symptom="The first backward() is one thing; after a second one, or one from another result that uses the "
             "same numbers, gradients are off. Each call begins anew.")
def _(value, rng):
    a, b, c = rng.uniform(0.5, 1.5, 3).tolist()
    program = [["mul", 0, 1], ["add", 3, 2], ["mul", 4, 3], ["add", 4, 0], ["add", 5, 6]]
    _gradients_agree(value, [a, b, c], program, [7, 7, 6, 5, 7])


@Value.check("any formula", points=0.5, catches="B7",
             symptom="On formulas of about a dozen steps, made at random, a gradient is off.")
def _(value, rng):
    for _ in range(6):
        leaves, program = _formula(rng)
        _gradients_agree(value, leaves, program, [14])


def _formula(rng):
    """Three leaves and twelve steps, none of them so large that tanh is flat there and a float loses its digits."""
    while True:
        leaves, program = rng.normal(size=3).tolist(), []
        for i in range(3, 12):
            operation = str(rng.choice(["add", "mul", "tanh"]))
            at = [i - 1, int(rng.integers(i))][: 1 if operation == "tanh" else 2]
            program.append([operation, *at])
        program += [["mul", 9, 11], ["add", 12, 10], ["add", 13, 13]]
        if np.abs(_edges(leaves, program)[0]).max() < 4:
            return leaves, program


# A judge for gradients -----------------------------------------------------------------------------------------------
grad_error = Exercise("grad_error(f, w, g)")


@grad_error.probe
def watched(grad_error, C, w, g):
    """What it says of the claimed gradient g of f(w) = sum C w^3, and every array it called f with."""
    import numpy as np

    seen = []

    def f(at):
        seen.append(np.array(at, float))
        return (C * at**3).sum()

    error = grad_error(f, w, g)
    return None if error is None or error is ... else {"error": error, "seen": np.array(seen)}


@grad_error.check("each nudge is undone before the next", points=1, catches="B13",
                  symptom="f is called with several numbers changed at once: the others still carry an earlier nudge. "
                  "Or not every number has its turn, to both sides.")
def _(grad_error, rng):
    C, w = rng.uniform(0.5, 2, (3, 2)), rng.uniform(0.5, 2, (3, 2))
    seen = np.asarray(grad_error.run("watched", C, w, 3 * C * w**2)["seen"])
    if seen.shape[1:] != w.shape:
        raise Wrong("f was never called with an array like w")
    moved = seen.reshape(len(seen), -1) - w.ravel()
    if (np.count_nonzero(np.abs(moved) > 1e-15, axis=1) > 1).any():
        raise Wrong("several at once")
    if not ((moved > 1e-15).any(0) & (moved < -1e-15).any(0)).all():
        raise Wrong("not each to both sides")


@grad_error.check("quite wrong, and nothing to find", points=0.5,
                  symptom="A gradient with the wrong sign, or of zeros, must get the error one; and where all "
                  "slopes and all of g are zero the error is zero, not nan.")
def _(grad_error, rng):
    C, w = rng.uniform(0.5, 2, (2, 4)), rng.uniform(0.5, 2, (2, 4))
    right = 3 * C * w**2
    for c, g, expected in ((C, -right, 1.0), (C, 0 * right, 1.0), (0 * C, 0 * right, 0.0)):
        close(grad_error.run("watched", c, w, g)["error"], expected, "off", rtol=1e-6)


@grad_error.check("numbers of very different size", points=0.5, catches="B13",
                  symptom="When some slopes are a million times larger than others, the error is not what the formula "
                  "gives: its two maxima are taken over the whole array, each by itself.")
def _(grad_error, rng):
    C, w = np.geomspace(1e-3, 1e3, 5) * rng.uniform(0.5, 2, 5), rng.uniform(0.5, 2, 5)
    right = 3 * C * w**2
    g = right * np.array([2, 0.5, 1, 1.1, 1])
    close(grad_error.run("watched", C, w, g)["error"],
          np.abs(g - right).max() / (g + right).max(), "off", rtol=1e-4)
    g = right * np.array([1, 1, 1, 1, 1 - 1e-6])
    close(grad_error.run("watched", C, w, g)["error"],
          np.abs(g - right).max() / (g + right).max(), "off", rtol=0.02)


# A loss that forgives small errors -----------------------------------------------------------------------------------
tolerant_loss = Exercise("tolerant_loss(P, T)")


def _tolerant(P, T, variant):
    E = P - T
    beyond = np.maximum(np.abs(E) - variant["eps"], 0)
    share = variant["factor"] / (len(P) if variant["over"] == "examples" else P.size)
    return share * (beyond**2).sum(), 2 * share * beyond * np.sign(E)


def _two(got):
    if not isinstance(got, tuple | list) or len(got) != 2:
        raise Wrong("not two things")
    return got


@tolerant_loss.check("the loss and dP, number by number", points=1, catches="B4 B5 B6",
                     symptom="For some batch sizes, or with errors of very different size and sign, the loss or dP is "
                     "off; the two may well fit each other.")
def _(tolerant_loss, rng):
    for n, k in ((7, 3), (4, 6), (1, 2)):
        T = 3 * rng.normal(size=(n, k))
        P = T + rng.normal(size=(n, k))
        P[0] += 2 * rng.choice([-1, 1], k)
        loss, dP = _two(tolerant_loss(P, T))
        expected = _tolerant(P, T, tolerant_loss.variant)
        close(loss, expected[0], "off")
        close(dP, expected[1], "off")


@tolerant_loss.check("within the tolerance, and far beyond it", points=0.5, catches="B6",
                     symptom="Errors within the tolerance must cost nothing and send nothing back; errors in the "
                     "thousands, of either sign, must come out as the formula says.")
def _(tolerant_loss, rng):
    eps, T = tolerant_loss.variant["eps"], rng.normal(size=(5, 2))
    loss, dP = _two(tolerant_loss(T + eps * rng.uniform(-0.9, 0.9, (5, 2)), T))
    if np.any(shaped(loss, ())) or np.any(shaped(dP, (5, 2))):
        raise Wrong("off")
    P = T + np.array([[1e3, -2e3], [1.0, -1.0], [0.0, 2.0], [-3.0, 0.0], [50.0, -60.0]])
    loss, dP = _two(tolerant_loss(P, T))
    expected = _tolerant(P, T, tolerant_loss.variant)
    close(loss, expected[0], "off")
    for got, right in zip(shaped(dP, (5, 2)), expected[1], strict=True):
        close(got, right, "off", rtol=1e-3)


@tolerant_loss.check("every example twice, and a second call", points=0.5, catches="B4 B8",
                     symptom="A batch in which every example stands twice must have the same loss, and half the "
                     "gradient for each; and the same call must give the same answer again.")
def _(tolerant_loss, rng):
    P, T = rng.normal(size=(5, 3)), rng.normal(size=(5, 3))
    P[0] += 2
    once, again = _two(tolerant_loss(P, T)), _two(tolerant_loss(P, T))
    twice = _two(tolerant_loss(np.tile(P, (2, 1)), np.tile(T, (2, 1))))
    expected = _tolerant(P, T, tolerant_loss.variant)
    close(again[0], expected[0], "off")
    close(again[1], expected[1], "off")
    close(once[0], expected[0], "off")
    close(twice[0], expected[0], "off")
    close(2 * shaped(twice[1], (10, 3))[:5], expected[1], "off")


# A net that compares two things --------------------------------------------------------------------------------------
pair_gradients = Exercise("pair_gradients(X1, X2, y, W1, b1, W2, b2)")


def _pair(rng, n=7, sizes=(4, 6, 3)):
    inputs, hidden, classes = sizes
    X1, X2, y = rng.normal(size=(n, inputs)), rng.normal(size=(n, inputs)), rng.integers(0, classes, n)
    shapes = {(inputs, hidden): 1.2, (hidden,): 1.2, (hidden, classes): 0.5, (classes,): 0.5}
    return X1, X2, y, *(scale * rng.normal(size=shape) for shape, scale in shapes.items())


def _right(X1, X2, y, W1, b1, W2, b2):
    H1, H2 = np.tanh(X1 @ W1 + b1), np.tanh(X2 @ W1 + b1)
    Z = (H1 - H2) @ W2 + b2
    Z = Z - Z.max(1, keepdims=True)
    log_p = Z - np.log(np.exp(Z).sum(1, keepdims=True))
    dZ = (np.exp(log_p) - np.eye(len(b2))[y]) / len(y)
    dA1, dA2 = dZ @ W2.T * (1 - H1**2), -dZ @ W2.T * (1 - H2**2)
    loss = -log_p[np.arange(len(y)), y].mean()
    return loss, X1.T @ dA1 + X2.T @ dA2, (dA1 + dA2).sum(0), (H1 - H2).T @ dZ, dZ.sum(0)


def _all_five(pair_gradients, given, rtol=1e-4):
    got = pair_gradients(*given)
    if not isinstance(got, tuple | list) or len(got) != 5:
        raise Wrong("not five things")
    for part, right in zip(got, _right(*given), strict=True):
        close(part, right, "off", rtol)
    return got


@pair_gradients.check("other sizes", points=0.5, catches="B11",
                      symptom="With other numbers of pairs, inputs, neurons or classes something is off or does not "
                      "fit.")
def _(pair_gradients, rng):
    for n, sizes in ((7, (4, 6, 3)), (2, (5, 3, 4)), (1, (2, 5, 3))):
        _all_five(pair_gradients, _pair(rng, n, sizes))


@pair_gradients.check("rows of unequal size", points=0.5, catches="B2",
                      symptom="When some inputs are large, so that tanh is nearly flat for some pairs and not for "
                      "others, a gradient is off.")
def _(pair_gradients, rng):
    X1, X2, *rest = _pair(rng)
    scale = np.geomspace(0.01, 10, len(X1))[:, None]
    _all_five(pair_gradients, (X1 * scale, X2 * scale[::-1], *rest))


@pair_gradients.check("logits in the thousands", points=0.5,
                      symptom="With very large logits the loss or a gradient is nan, infinite or off. What is e to the "
                      "thousandth power?")
def _(pair_gradients, rng):
    X1, X2, y, W1, b1, W2, b2 = _pair(rng)
    _all_five(pair_gradients, (X1, X2, y, W1, b1, 5e3 * W2, b2), rtol=1e-2)  # float32 has few digits left here


@pair_gradients.check("every pair twice, and a second call", points=0.5, catches="B4 B5 B8",
                      symptom="A batch in which every pair stands twice must give the same loss and gradients, and so "
                      "must the same call a second time.")
def _(pair_gradients, rng):
    X1, X2, y, *weights = given = _pair(rng)
    _all_five(pair_gradients, given)
    once = _all_five(pair_gradients, given)
    twice = _all_five(pair_gradients, (np.tile(X1, (2, 1)), np.tile(X2, (2, 1)), np.tile(y, 2), *weights))
    for a, b in zip(once, twice, strict=True):
        close(b, a, "off", rtol=1e-4)


# Find the mistake from its symptoms ----------------------------------------------------------------------------------
diagnose = Exercise("diagnose(X, y, lr, start, one, two)")
MISTAKES = ("right", "slope", "order", "sum", "bias", "kept", "stale")


def _gradients(X, y, weights, mistake, lr):
    W1, b1, W2, b2 = weights
    H = np.tanh(X @ W1 + b1)
    P = np.exp(H @ W2 + b2)
    dZ = (P / P.sum(1, keepdims=True) - np.eye(len(b2))[y]) / (1 if mistake == "sum" else len(X))
    dW2, shrink = H.T @ dZ, len(X) if mistake == "bias" else 1
    dA = dZ @ (W2 - lr * dW2 if mistake == "order" else W2).T * (1 if mistake == "slope" else 1 - H**2)
    return [X.T @ dA, dA.sum(0) / shrink, dW2, dZ.sum(0) / shrink]


def _record(rng, mistake, lr, n, sizes):
    inputs, hidden, classes = sizes
    X, y = rng.normal(size=(n, inputs)), rng.integers(0, classes, n)
    start = [rng.normal(size=s) for s in ((inputs, hidden), hidden, (hidden, classes), classes)]
    first = _gradients(X, y, start, mistake, lr)
    one = [w - lr * g for w, g in zip(start, first, strict=True)]
    second = _gradients(X, y, one, mistake, lr)
    if mistake == "kept":
        second = [f + s for f, s in zip(first, second, strict=True)]
    elif mistake == "stale":
        second = first
    return X, y, lr, start, one, [w - lr * g for w, g in zip(one, second, strict=True)]


def _all_named(diagnose, rng, mistakes, lr, n=6, sizes=(4, 5, 3)):
    for mistake in rng.permutation(mistakes):
        got = diagnose(*_record(rng, str(mistake), lr, n, sizes))
        if not isinstance(got, str) or got != mistake:
            raise Wrong("misjudged")


@diagnose.check("a first step that looks right", points=0.5, catches="B8",
                symptom="Some mistakes take a perfect first step. One of them, or a right run, is misjudged.")
def _(diagnose, rng):
    _all_named(diagnose, rng, ["right", "kept", "stale", "kept"], 0.4)
    for mistake, longer in (("right", True), ("kept", False)):  # the length of the second step tells nothing
        for _ in range(200):
            record = _record(rng, mistake, 3.0, 6, (4, 5, 3))
            start, one, two = record[3:]
            if (np.abs(two[0] - one[0]).sum() > np.abs(one[0] - start[0]).sum()) == longer:
                break
        got = diagnose(*record)
        if not isinstance(got, str) or got != mistake:
            raise Wrong("misjudged")


@diagnose.check("all seven, at other sizes", points=0.5, catches="B10 B11",
                symptom="With other numbers of examples, inputs, neurons and classes one of the seven is misjudged.")
def _(diagnose, rng):
    _all_named(diagnose, rng, MISTAKES, 0.4)
    _all_named(diagnose, rng, MISTAKES, 0.6, 9, (2, 3, 5))


@diagnose.check("all seven, at small learning rates", points=1, catches="B1",
                symptom="When the learning rate is small, so that the weights hardly move, one of the seven is "
                "misjudged. Two weights that are nearly equal may have moved quite differently.")
def _(diagnose, rng):
    for lr in (0.01, 1e-3):
        _all_named(diagnose, rng, MISTAKES, lr)
