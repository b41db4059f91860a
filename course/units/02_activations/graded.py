"""Unit 2, activations: its graded exercises, what differs from student to student, and the visible checks.

They travel to students. Each speaks about a symptom and never about the solution; what it expects is written as the
formula. Shapes are never square, and what two conventions would answer alike is never asked.
"""

import numpy as np

from course.exercise import Exercise, Wrong, close, shaped


def _pair(got, what):
    """`got` as two things, or Wrong."""
    if not isinstance(got, tuple | list) or len(got) != 2:
        kind = f"{len(got)} things" if isinstance(got, tuple | list) else f"one {type(got).__name__}"
        raise Wrong(f"it returned {kind}; expected two, {what}, as in `return a, b`.")
    return got


capped_leak = Exercise("capped_leak(z, leak, top)")


@capped_leak.variant
def _(rng):
    return {"corner": str(rng.choice(["middle piece", "outer pieces"]))}


def _bent(capped_leak, z, leak, top):
    a, da = _pair(capped_leak(z, leak, top), "the values and their slopes")
    return shaped(a, z.shape, "The values come first."), shaped(da, z.shape, "One slope for each number.")


def _three_pieces(rng, top):
    """Numbers on the left, in the middle and on the right, off the corners."""
    return rng.uniform(-4, -0.5, 3), rng.uniform(0.2, top - 0.2, 4), rng.uniform(top + 0.5, top + 4, 2)


@capped_leak.check("two arrays, of the shape of z")
def _(capped_leak, rng):
    for shape in ((5,), (2, 3)):
        _bent(capped_leak, rng.normal(size=shape), 0.1, 2.0)


@capped_leak.check("its values", points=1, catches="A8")
def _(capped_leak, rng):
    top, leak = rng.uniform(2, 5), rng.uniform(0.1, 0.4)
    left, middle, right = _three_pieces(rng, top)
    a, _ = _bent(capped_leak, np.concatenate([left, middle, right]), leak, top)
    close(a[3:7], middle, "Between 0 and top the value is z itself. On which sides does it leak?")
    close(a[:3], leak * left, "Left of 0 the value is leak times z: with leak 0.1, -2 becomes -0.2.")
    close(a[7:], top + leak * (right - top), "Beyond top the curve goes on from the height top, only less steeply: "
                                             "with top = 3 and leak = 0.1, 5 becomes 3.2. Draw it; does yours jump?")


@capped_leak.check("its slopes", points=0.5, catches="A7")
def _(capped_leak, rng):
    top, leak = rng.uniform(2, 5), rng.uniform(0.1, 0.4)
    _, da = _bent(capped_leak, np.concatenate(_three_pieces(rng, top)), leak, top)
    close(da[3:7], np.ones(4), "Between 0 and top one small step in z moves the value by just that step. A slope is "
                               "not a value.")
    close(da[[0, 1, 2, 7, 8]], np.full(5, leak), "Outside of 0 to top, one small step in z moves the value by how "
                                                 "much of that step?")


tempered = Exercise("tempered(z, T)")


def _shares(z, T=1.0):
    e = np.exp((z - z.max(-1, keepdims=True)) / T)
    return e / e.sum(-1, keepdims=True)


@tempered.check("scores of any shape", points=1, catches="A4")
def _(tempered, rng):
    for shape in ((3,), (5, 3), (2, 5, 3)):
        z = rng.normal(size=shape)
        try:
            got = shaped(tempered(z, 1.0), shape, "Each score becomes one probability.")
        except (ValueError, IndexError) as problem:
            raise Wrong(f"for scores of shape {shape} it fails: {problem}.") from problem
        if not np.allclose(got.sum(-1), 1):
            raise Wrong(f"for scores of shape {shape}, at T = 1, the answers for one example add up to "
                        f"{np.round(np.ravel(got.sum(-1))[:3], 3).tolist()} ...")
        close(got, _shares(z), f"for scores of shape {shape}, at T = 1, it is no softmax.")


@tempered.check("the temperature counts", points=1)
def _(tempered, rng):
    z = rng.normal(size=(5, 3))
    for T in (0.5, 3.0):
        got = shaped(tempered(z, T), (5, 3))
        if np.allclose(got, _shares(z)):
            raise Wrong(f"at T = {T} it answers what it would at T = 1.")
        close(got, _shares(z, T), f"at T = {T} the shares are wrong. A low temperature should favour the largest "
                                  "score, a high one make all alike, and every row add up to 1.")


head = Exercise("head(task, z, y)")


def _answered(head, task, z, y):
    answers, loss = _pair(head(task, z, y), "the answers and the loss")
    return shaped(answers, z.shape, "One answer for each score."), shaped(
        loss, (), "The loss of a batch is one number.")


def _yes(z):
    return 1 / (1 + np.exp(-z))


def _yes_no_loss(z, y):
    return np.maximum(z, 0) - z * y + np.log1p(np.exp(-np.abs(z)))


@head.check("a price", points=0.5, catches="A12")
def _(head, rng):
    z, y = rng.normal(0, 3, 5), rng.normal(0, 3, 5)
    z[:2] = -np.abs(z[:2]) - 0.5
    answers, loss = _answered(head, "price", z, y)
    close(answers, z, "A change in price can be any number, above 0 and below. Which numbers can yours be?")
    close(loss, np.mean((z - y) ** 2), "The answers are right, the loss is not. If twice as far off costs four times "
                                       "as much, what do two mistakes of 1 and of 3 cost on average?")


@head.check("spam", points=0.5, catches="A12 A14")
def _(head, rng):
    z, y = rng.uniform(-3, 3, 7), np.array([1, 0, 0, 1, 0, 1, 0])
    answers, loss = _answered(head, "spam", z, y)
    close(answers, _yes(z), "Each mail stands for itself: a score of 0 means “as likely as not”, and the answer is the "
                            "probability that it is spam.")
    close(loss, np.mean(_yes_no_loss(z, y)), "The answers are right, the loss is not. A mail that is spam costs little "
                                             "if p is near 1; one that is none costs little if p is near 0.")


@head.check("a digit", points=0.5, catches="A4 A12 A14")
def _(head, rng):
    z, y = rng.normal(0, 2, (5, 4)), np.array([3, 0, 2, 2, 1])
    answers, loss = _answered(head, "digit", z, y)
    close(answers, _shares(z), "Exactly one of the classes is right, for each image anew.")
    right = np.mean(-np.log(_shares(z)[np.arange(5), y]))
    close(loss, right, "The answers are right, the loss is not: it asks only what the right class got.")


@head.check("tags", points=0.5, catches="A12 A14")
def _(head, rng):
    z = rng.normal(0, 2, (5, 3))
    y = np.array([[1, 1, 0], [0, 0, 0], [1, 1, 1], [0, 1, 0], [1, 0, 1]])
    answers, loss = _answered(head, "tags", z, y)
    if np.allclose(answers.sum(1), 1):
        raise Wrong("in every photo the answers add up to 1, also where three tags are right, or none.")
    close(answers, _yes(z), "The answer for one tag should not depend on the scores of the others.")
    close(loss, _yes_no_loss(z, y).sum(1).mean(), "The answers are right, the loss is not. Over what is it a sum, over "
                                                  "what a mean? The text says.")


smoothed_entropy = Exercise("smoothed_entropy(logits, y, s)")


@smoothed_entropy.variant
def _(rng):
    return {"spread": str(rng.choice(["all C classes, the right one among them", "the C - 1 wrong classes"]))}


def _smoothed(smoothed_entropy, logits, y, s):
    loss, slopes = _pair(smoothed_entropy(logits, y, s), "the loss and its slopes")
    return shaped(loss, (), "The loss of a batch is one number."), shaped(
        slopes, logits.shape, "One slope for each logit of each example.")


def _targets(y, C, s, spread):
    share = s / C if spread.startswith("all") else s / (C - 1)
    targets = np.full((len(y), C), share)
    targets[np.arange(len(y)), y] = 1 - s + share * spread.startswith("all")
    return targets


def _log_p(logits):
    z = logits - logits.max(1, keepdims=True)
    return z - np.log(np.exp(z).sum(1, keepdims=True))


@smoothed_entropy.check("all classes alike: ln C, however much is smoothed", points=0.5)
def _(smoothed_entropy, rng):
    for C, s in ((4, 0.0), (3, 0.1), (4, 0.3)):
        loss, _ = _smoothed(smoothed_entropy, np.full((6, C), rng.normal()), rng.integers(0, C, 6), s)
        close(loss, np.log(C), f"with equal scores for {C} classes every p is 1/{C}. What a row of targets adds up to "
                               f"is 1, so the loss is ln {C} = {np.log(C):.4f}; with s = {s} yours is {loss:.4f}.")


@smoothed_entropy.check("the right loss", points=1, catches="A4 A12")
def _(smoothed_entropy, rng):
    logits, y, s = rng.normal(0, 2, (5, 3)), np.array([2, 0, 1, 1, 0]), rng.uniform(0.1, 0.3)
    loss, _ = _smoothed(smoothed_entropy, logits, y, s)
    log_p, spread = _log_p(logits), smoothed_entropy.variant["spread"]
    if np.isclose(loss, -log_p[np.arange(5), y].mean()):
        raise Wrong("s changes nothing: the loss is the usual cross-entropy.")
    close(loss, -(_targets(y, 3, s, spread) * log_p).sum(1).mean(),
          f"for five examples of three classes with s = {s:.3f} it says {float(loss):.4f}, and that is not right. "
          f"Write down the three targets of one row by hand: the share s is spread evenly over {spread}.")


@smoothed_entropy.check("its slopes say how the loss changes", points=1, catches="A12")
def _(smoothed_entropy, rng):
    logits, y, s = rng.normal(0, 2, (5, 3)), np.array([2, 0, 1, 1, 0]), rng.uniform(0.1, 0.3)
    _, slopes = _smoothed(smoothed_entropy, logits, y, s)
    p, targets = np.exp(_log_p(logits)), _targets(y, 3, s, smoothed_entropy.variant["spread"])
    if np.allclose(slopes, p - targets):
        raise Wrong("they are the slopes of the sum of five losses; the loss is their mean.")
    if np.allclose(slopes, (targets - p) / 5):
        raise Wrong("they have the wrong sign: a slope says where the loss grows.")
    row = int(np.abs(slopes - (p - targets) / 5).sum(1).argmax())
    close(slopes, (p - targets) / 5, f"moving the logits of example {row} a little changes the loss otherwise than "
                                     "its slopes say.")


slope_predictions = Exercise("slope_predictions")


@slope_predictions.variant
def _(rng):
    return {"classes": int(rng.choice([7, 12, 26, 37, 50])), "layers": int(rng.integers(4, 8)),
            "p": float(rng.choice([0.02, 0.03, 0.04, 0.05, 0.08])), "top": int(rng.integers(3, 21)),
            "dtype": str(rng.choice(["float32", "float64"]))}


@slope_predictions.check("four numbers, each of a kind that could be right")
def _(slope_predictions, rng):
    given = slope_predictions()
    if not isinstance(given, dict):
        raise Wrong("keep the dictionary with its four names, and put a number behind each.")
    for name in ("first_loss", "let_through", "push_factor", "overflow_at"):
        number = given.get(name)
        if isinstance(number, bool) or not isinstance(number, int | float | np.number) or not np.isfinite(number):
            raise Wrong(f"{name} is not a number yet.")
        if number <= 0:
            raise Wrong(f"{name} is above 0.")
    if given["let_through"] > 1:
        raise Wrong("let_through is a share: at most 1.")
