"""Unit 2, activations: the hidden checks of its graded exercises. Of these a student sees titles and symptoms only.

They ask for what the visible checks leave out: numbers of any size, in both float types, rows of unequal scale, whole
numbers, and the predictions themselves.
"""

import numpy as np

from course.exercise import Exercise, Wrong, close, shaped


def _pair(got):
    if not isinstance(got, tuple | list) or len(got) != 2:
        raise Wrong("it did not return two things.")
    return got


def _loudly(function, *args):
    """The function's answer; what NumPy would only warn of, on the way to inf or nan, is Wrong."""
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        try:
            return function(*args)
        except FloatingPointError as problem:
            raise Wrong(f"NumPy reports {problem}.") from problem


def _each_close(got, expected, rtol=1e-6):
    """Small numbers count as much as large ones."""
    if not np.allclose(shaped(got, np.shape(expected)), expected, rtol=rtol, atol=0):
        raise Wrong("small numbers have been rounded away.")


capped_leak = Exercise("capped_leak(z, leak, top)")


def _bent(capped_leak, z, leak, top):
    a, da = _pair(capped_leak(z, leak, top))
    return shaped(a, z.shape), shaped(da, z.shape)


def _both(capped_leak, z, leak, top):
    """Values and slopes of numbers off the corners are those of the rule."""
    a, da = _bent(capped_leak, z, leak, top)
    x = np.asarray(z, float)
    close(a, np.where(x < 0, leak * x, np.where(x <= top, x, top + leak * (x - top))), "the values differ.")
    close(da, np.where((x < 0) | (x > top), leak, 1.0), "the slopes differ.")


@capped_leak.check("any leak", points=0.5, catches="A8",
                   symptom="For some leaks it is not the rule any more. Which piece a number is on depends on z alone.")
def _(capped_leak, rng):
    top = rng.uniform(1, 3)
    z = np.concatenate([rng.uniform(-4, -0.5, 3), rng.uniform(0.2, top - 0.2, 3), rng.uniform(top + 0.5, top + 4, 3)])
    for leak in (rng.uniform(1.2, 2.0), -rng.uniform(0.2, 0.6), 0.0):
        _both(capped_leak, z, leak, top)


@capped_leak.check("exactly at the corners", points=0.5,
                   symptom="At one of the two corners, or at both, the slope is not the one that the text agrees on.")
def _(capped_leak, rng):
    top, leak = float(rng.integers(2, 6)), rng.uniform(0.1, 0.4)
    _, da = _bent(capped_leak, np.array([0.0, top, top / 2, top + 1]), leak, top)
    corner = 1.0 if capped_leak.variant["corner"] == "middle piece" else leak
    close(da, [corner, corner, 1.0, leak], "")


@capped_leak.check("whole numbers, small floats, several axes", points=0.5,
                   symptom="For an array of whole numbers, or of short floats, or with more axes, the answers differ "
                           "from those for the same numbers elsewhere.")
def _(capped_leak, rng):
    leak = rng.uniform(0.1, 0.4)
    _both(capped_leak, rng.permutation([-7, -4, -3, -1, 1, 2, 4, 5, 9, 14]).reshape(5, 1, 2), leak, 3)
    _both(capped_leak, rng.normal(0, 4, (2, 5)).astype(np.float32), leak, 3.0)


tempered = Exercise("tempered(z, T)")


def _shares(z, T=1.0):
    z = np.asarray(z, float)
    e = np.exp((z - z.max(-1, keepdims=True)) / T)
    return e / e.sum(-1, keepdims=True)


def _is_tempered(tempered, z, T):
    rtol = 1e-5 if z.dtype == np.float64 else 1e-4  # float32 holds 200 to 1e-5
    close(_loudly(tempered, z, T), _shares(z, T), "the shares are wrong.", rtol)


@tempered.check("one example does not disturb another", points=0.5, catches="A1",
                symptom="In a batch in which some examples have much larger scores than others, some answers are "
                        "wrong or nan.")
def _(tempered, rng):
    z = rng.normal(size=(5, 3))
    z[[1, 3]] += np.array([[1500.0], [-1200.0]]) * rng.uniform(1, 2)
    _is_tempered(tempered, z, 1.0)


@tempered.check("low temperatures", points=0.5, catches="A1",
                symptom="At a temperature near zero the answers are wrong or nan.")
def _(tempered, rng):
    z = rng.permuted(np.tile([4.0, -5.0, 1.0], (4, 1)), axis=1)
    _is_tempered(tempered, z, rng.uniform(0.001, 0.002))
    close(_loudly(tempered, z[0] + 100, 0.01), _shares(z[0], 0.01), "the shares are wrong.")


@tempered.check("scores far apart, and a high temperature", points=0.5,
                symptom="When scores lie far apart and the temperature is high, classes get nothing that should get "
                        "something.")
def _(tempered, rng):
    T = rng.uniform(300, 600)
    _is_tempered(tempered, rng.permuted(np.tile([T, 0.0, -2.5 * T], (5, 1)), axis=1), T)


@tempered.check("all scores large or small", points=0.5, catches="A1",
                symptom="When all scores are far above zero, or all far below, the answers are wrong or nan: in the "
                        "shorter float type sooner than in the longer one.")
def _(tempered, rng):
    z = rng.integers(-4, 5, size=(2, 5, 3)).astype(float)
    for far in (1600.0, -1600.0):
        _is_tempered(tempered, z + far, 1.5)
        _is_tempered(tempered, (z + far / 8).astype(np.float32), 0.75)


head = Exercise("head(task, z, y)")


def _answered(head, task, z, y):
    answers, loss = _pair(_loudly(head, task, z, y))
    return shaped(answers, z.shape), shaped(loss, ())


@head.check("yes or no at any size of score", points=0.5, catches="A5",
            symptom="For spam or tags, a very large or very small score gives a warning or a wrong answer.")
def _(head, rng):
    z = rng.permutation([-1000.0, 1000.0, -200.0, 200.0, 0.0])
    right = np.where(z > 0, 1.0, np.where(z < 0, 0.0, 0.5))
    for dtype in (np.float64, np.float32):
        close(_answered(head, "spam", z.astype(dtype), np.array([1, 0, 1, 0, 0]))[0], right, "")
        tags = _answered(head, "tags", z[:, None].astype(dtype), np.array([[1], [0], [1], [0], [0]]))[0]
        close(tags, right[:, None], "")


@head.check("a small probability is not nothing", points=0.5, catches="A5",
            symptom="For spam or tags, a probability that should be very small is rounded to nothing, or is another.")
def _(head, rng):
    z = -rng.uniform([15, 40, 90], [20, 60, 200])
    _each_close(_answered(head, "spam", z, np.array([0, 0, 0]))[0], np.exp(z))
    _each_close(_answered(head, "tags", np.array([z, z[::-1]]), np.zeros((2, 3), int))[0], np.exp([z, z[::-1]]))


@head.check("yes or no: the loss is exact, confident and wrong or confident and right", points=0.5, catches="A10",
            symptom="For spam or tags, the loss is wrong, infinite or nan where the net is very confident.")
def _(head, rng):
    gap = rng.uniform(900, 1100)
    for task, shape in (("spam", (2,)), ("tags", (1, 2))):
        z = np.reshape([gap, -gap / 2], shape)
        share = 2 if task == "spam" else 1
        _each_close(_answered(head, task, z, np.reshape([0, 1], shape))[1], 1.5 * gap / share, 1e-12)
        z = np.reshape([12.0, -gap / 70], shape)
        right = np.log1p(np.exp(-12.0)) + np.log1p(np.exp(-gap / 70))
        _each_close(_answered(head, task, z, np.reshape([1, 0], shape))[1], right / share)


@head.check("one of many: answers and loss at any size of score", points=0.5, catches="A1 A10",
            symptom="For a digit, large or very unequal scores give a wrong, infinite or nan answer or loss.")
def _(head, rng):
    gap = rng.uniform(900, 1100)
    z = np.array([[gap, 0.0, -gap], [0.0, -2.0, 1.0], [-gap - 1, -gap, -gap - 3]])
    answers, loss = _answered(head, "digit", z, np.array([1, 2, 0]))
    close(answers, _shares(z), "")
    tails = np.log(np.exp([-1.0, -3.0, 0.0]).sum()) + np.log(np.exp([-1.0, 0.0, -3.0]).sum()) + 1
    close(loss, (gap + tails) / 3, "", rtol=1e-12)


smoothed_entropy = Exercise("smoothed_entropy(logits, y, s)")


def _smoothed(smoothed_entropy, logits, y, s):
    loss, slopes = _pair(_loudly(smoothed_entropy, logits, y, s))
    return shaped(loss, ()), shaped(slopes, logits.shape)


def _targets(y, C, s, spread):
    share = s / C if spread.startswith("all") else s / (C - 1)
    targets = np.full((len(y), C), share)
    targets[np.arange(len(y)), y] = 1 - s + share * spread.startswith("all")
    return targets


@smoothed_entropy.check("nothing smoothed: exact where the net is sure", points=0.5, catches="A1 A10",
                        symptom="Where nothing is smoothed and the net is very sure, right or wrong, the loss is "
                                "inexact, infinite or nan.")
def _(smoothed_entropy, rng):
    gap = rng.uniform(900, 1100)
    close(_smoothed(smoothed_entropy, np.array([[gap, 0.0, -5.0]]), np.array([1]), 0.0)[0], gap, "", rtol=1e-12)
    z = rng.uniform(11, 13)
    close(_smoothed(smoothed_entropy, np.array([[z, 0.0, 0.0]]), np.array([0]), 0.0)[0], np.log1p(2 * np.exp(-z)), "",
          rtol=1e-6)


@smoothed_entropy.check("smoothed: exact where the net is sure", points=0.5, catches="A1 A10",
                        symptom="Where something is smoothed and the net is very sure, the loss is inexact, infinite "
                                "or nan.")
def _(smoothed_entropy, rng):
    gap, s = rng.uniform(900, 1100), rng.uniform(0.1, 0.3)
    logits, y = np.array([[gap, 0.0, -gap, 7.0], [3.0, gap, -3.0, 0.0]]), np.array([3, 1])
    behind = np.array([gap, gap])[:, None] - logits  # -ln p: what is left over is below e^-800
    right = (_targets(y, 4, s, smoothed_entropy.variant["spread"]) * behind).sum(1).mean()
    close(_smoothed(smoothed_entropy, logits, y, s)[0], right, "", rtol=1e-10)


@smoothed_entropy.check("slopes of examples of very unequal scale", points=0.5, catches="A1",
                        symptom="When some examples have much larger scores than others, some slopes are wrong or nan.")
def _(smoothed_entropy, rng):
    s, y = rng.uniform(0.05, 0.3), rng.integers(0, 4, 6)
    logits = rng.normal(size=(6, 4)) + np.array([1200.0, 0.0, -1500.0, 90.0, -90.0, 0.5])[:, None]
    _, slopes = _smoothed(smoothed_entropy, logits, y, s)
    close(slopes, (_shares(logits) - _targets(y, 4, s, smoothed_entropy.variant["spread"])) / 6, "")


slope_predictions = Exercise("slope_predictions")


def _predicted(slope_predictions, name, right, rtol=6e-3):
    given = slope_predictions()
    number = given.get(name) if isinstance(given, dict) else None
    if isinstance(number, bool) or not isinstance(number, int | float | np.number):
        raise Wrong("there is no number.")
    close(number, right, "it is another number.", rtol)


@slope_predictions.check("the first loss", points=0.75,
                         symptom="A net that knows nothing gives every class the same probability. What does that "
                                 "cost?")
def _(slope_predictions, rng):
    _predicted(slope_predictions, "first_loss", np.log(slope_predictions.variant["classes"]))


@slope_predictions.check("what gets through the layers", points=0.75, catches="A7",
                         symptom="Every layer multiplies by its slope, and the sigmoid's is largest in the middle.")
def _(slope_predictions, rng):
    _predicted(slope_predictions, "let_through", 0.25 ** slope_predictions.variant["layers"])


@slope_predictions.check("how much harder one loss pushes", points=0.75,
                         symptom="Write both slopes in z down, as formulas in p, before you divide. The factor of the "
                                 "square counts.")
def _(slope_predictions, rng):
    p = slope_predictions.variant["p"]
    _predicted(slope_predictions, "push_factor", 1 / (2 * p * (1 - p)))


@slope_predictions.check("where softmax breaks", points=0.75, catches="A1",
                         symptom="Which of the scores overflows first, and at which exponent, in the float type that "
                                 "the text names?")
def _(slope_predictions, rng):
    last = {"float32": 88, "float64": 709}[slope_predictions.variant["dtype"]]
    _predicted(slope_predictions, "overflow_at", last + 1 - slope_predictions.variant["top"], 1e-9)
