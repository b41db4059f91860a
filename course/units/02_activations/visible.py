"""Unit 2, activations: the visible checks of its practice exercises. They travel to students.

Each speaks about a symptom and never about the solution. What overflows is asked of in both float types, because a
formula that holds in one may break in the other; shapes are never square, so that a wrong axis shows.
"""

import numpy as np

from course.exercise import Exercise, Wrong, close, shaped
from nnlab import functional as F

sigmoid = Exercise("sigmoid(z)")


def _loudly(function, *args):
    """The function's answer; what NumPy would only warn of, on the way to inf or nan, is said as Wrong."""
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        try:
            return function(*args)
        except FloatingPointError as problem:
            given = np.asarray(args[0])
            raise Wrong(f"with {np.array2string(given, threshold=9)} ({given.dtype}) NumPy reports “{problem}”: on the "
                        "way to the answer some number was too large to be held, or nan.") from problem


@sigmoid.check("one number for each number")
def _(sigmoid, rng):
    shaped(sigmoid(rng.normal(size=5)), (5,), "Five numbers went in.")
    shaped(sigmoid(rng.normal(size=(2, 3))), (2, 3), "An array of (2, 3) numbers went in: each stands for itself.")


@sigmoid.check("the right numbers near 0")
def _(sigmoid, rng):
    z = rng.uniform(-3, 3, 7)
    close(sigmoid(z), 1 / (1 + np.exp(-z)), "It should be one half at 0 and grow from 0 to 1. Draw a few points.")


@sigmoid.check("large numbers, without a warning", catches="A5")
def _(sigmoid, rng):
    for dtype in (np.float64, np.float32):
        for z in (-1000.0, 1000.0):
            close(_loudly(sigmoid, np.array([z, z / 5], dtype)), [float(z > 0)] * 2,
                  f"at {z:g} and at {z / 5:g} it must be {float(z > 0):g}.")
    close(_loudly(sigmoid, np.array([-900.0, 900.0, 0.0])), [0.0, 1.0, 0.5],
          "One array may hold very large and very small numbers: here -900, 900 and 0.")


@sigmoid.check("the left tail is small, and not nothing", catches="A5")
def _(sigmoid, rng):
    z = np.array([-15.0, -40.0, -100.0])
    got = shaped(sigmoid(z), (3,))
    if not np.allclose(got, np.exp(z), rtol=1e-6, atol=0):
        raise Wrong(f"at -15, -40, -100 it answers {got.tolist()}. Far to the left the sigmoid is almost e^z, here "
                    f"{np.exp(z).tolist()}; something has rounded that away.")


leaky_relu = Exercise("leaky_relu(z, slope)")


def _pair(got, what):
    """`got` as two things, or Wrong."""
    if not isinstance(got, tuple | list) or len(got) != 2:
        kind = f"{len(got)} things" if isinstance(got, tuple | list) else f"one {type(got).__name__}"
        raise Wrong(f"it returned {kind}; expected two, {what}, as in `return a, b`.")
    return got


def _both(leaky_relu, z, slope):
    a, da = _pair(leaky_relu(np.array(z), slope), "the values and their slopes")
    return shaped(a, np.shape(z), "The values come first."), shaped(da, np.shape(z), "One slope for each number.")


@leaky_relu.check("two arrays, of the shape of z")
def _(leaky_relu, rng):
    _both(leaky_relu, rng.normal(size=5), 0.1)
    _both(leaky_relu, rng.normal(size=(2, 3)), 0.1)


@leaky_relu.check("its values", catches="A8")
def _(leaky_relu, rng):
    a, _ = _both(leaky_relu, [-2.0, 3.0], 0.01)
    if np.allclose(a, [-2.0, 0.03]):
        raise Wrong("at -2 and 3 it answers -2 and 0.03: on which side does it leak?")
    close(a, [-0.02, 3.0], "With slope 0.01 it should turn -2 into -0.02 and leave 3 as it is.")


@leaky_relu.check("its values where the slope is above 1", catches="A8")
def _(leaky_relu, rng):
    a, _ = _both(leaky_relu, [-2.0, 3.0], 1.5)
    close(a, [-3.0, 3.0], "With slope 1.5 it should turn -2 into -3 and leave 3 as it is. What decides which side a "
                          "number is on: its sign, or which of two numbers is larger?")


@leaky_relu.check("its slopes", catches="A7")
def _(leaky_relu, rng):
    _, da = _both(leaky_relu, [-2.0, 3.0], 0.1)
    close(da, [0.1, 1.0], "At -2 and 3, with slope 0.1: one small step in z changes the value by how much of that "
                          "step? A slope is not a value.")


@leaky_relu.check("with slope 0 it is ReLU", catches="A7")
def _(leaky_relu, rng):
    a, da = _both(leaky_relu, [-2.0, 0.5, 3.0], 0.0)
    close(a, [0.0, 0.5, 3.0], "ReLU turns -2, 0.5 and 3 into 0, 0.5 and 3.")
    close(da, [0.0, 1.0, 1.0], "Left of 0 ReLU is flat; right of 0 it climbs as fast as z does, wherever that is.")


@leaky_relu.check("at 0 it has the slope of the left side")
def _(leaky_relu, rng):
    _, da = _both(leaky_relu, [0.0, 1.0], 0.1)
    close(da, [0.1, 1.0], "At 0 there are two slopes to choose from; the one agreed on above is the left one, 0.1.")


softmax = Exercise("softmax(z)")


@softmax.check("the shape of z, whatever it is", catches="A4")
def _(softmax, rng):
    for shape in ((3,), (4, 3), (2, 3, 4)):
        z = rng.normal(size=shape)
        try:
            got = softmax(z)
        except (ValueError, IndexError) as problem:
            raise Wrong(f"for an array of shape {shape} it fails: {problem}. The classes stand along the last axis, "
                        "however many axes there are.") from problem
        shaped(got, shape, f"Scores of shape {shape} went in.")


@softmax.check("each row adds up to 1", catches="A4")
def _(softmax, rng):
    for shape in ((3,), (4, 3), (2, 3, 4)):
        sums = shaped(softmax(rng.normal(size=shape)), shape).sum(-1)
        if not np.allclose(sums, 1):
            raise Wrong(f"scores of shape {shape}: along the last axis the answers add up to "
                        f"{np.round(np.ravel(sums), 3).tolist()}.")


@softmax.check("the right numbers")
def _(softmax, rng):
    z = rng.normal(size=(4, 3))
    close(softmax(z), F.softmax(z).data, "They add up to 1 and are the wrong shares. For scores 0 and ln 3 they are "
                                         "one quarter and three quarters.")


@softmax.check("large scores", catches="A1")
def _(softmax, rng):
    close(_loudly(softmax, np.array([[1000.0, 0.0, -1000.0]])), [[1.0, 0.0, 0.0]],
          "for scores of 1000, 0 and -1000 the first class gets everything.")
    close(_loudly(softmax, np.array([101.0, 100.0], np.float32)), [0.7310586, 0.2689414],
          "for scores of 101 and 100 the shares are those for 1 and 0.")


@softmax.check("scores far below 0", catches="A1")
def _(softmax, rng):
    close(_loudly(softmax, np.array([-1001.0, -1000.0])), [0.2689414213699951, 0.7310585786300049],
          "for scores of -1001 and -1000 the shares are those for 0 and 1.")


@softmax.check("one row does not disturb another", catches="A1")
def _(softmax, rng):
    close(_loudly(softmax, np.array([[2000.0, 2000.0], [1.0, 1.0]])), [[0.5, 0.5], [0.5, 0.5]],
          "One row holds scores of 2000, the other of 1; in each both classes are equal, so all shares are one half.")


cross_entropy = Exercise("cross_entropy(logits, y)")


def _loss(cross_entropy, logits, y):
    logits = np.asarray(logits, float)
    loss, slopes = _pair(_loudly(cross_entropy, logits, np.array(y)), "the loss and its slopes")
    return shaped(loss, (), "The loss of a batch is one number."), shaped(
        slopes, logits.shape, "One slope for each logit of each example.")


@cross_entropy.check("one loss, and one slope for each logit")
def _(cross_entropy, rng):
    _loss(cross_entropy, rng.normal(size=(5, 3)), [0, 2, 1, 1, 0])


@cross_entropy.check("all classes alike: ln C")
def _(cross_entropy, rng):
    loss, _ = _loss(cross_entropy, np.zeros((5, 3)), [0, 2, 1, 1, 0])
    close(loss, np.log(3), f"with equal scores for 3 classes each gets p = 1/3, so the mean loss is ln 3 = 1.0986; "
                           f"yours is {float(loss):.4f}.")


@cross_entropy.check("the right loss", catches="A12")
def _(cross_entropy, rng):
    logits, y = rng.normal(size=(5, 3)), np.array([0, 2, 1, 1, 0])
    loss, _ = _loss(cross_entropy, logits, y)
    right = F.cross_entropy(logits, y).item()
    close(loss, right, f"for five examples it says {float(loss):.4f}; the mean of -ln p[right class] is {right:.4f}.")


@cross_entropy.check("confident and wrong: a large loss, and an exact one", catches="A10")
def _(cross_entropy, rng):
    loss, _ = _loss(cross_entropy, [[1000.0, 0.0]], [1])
    if not np.isfinite(loss):
        raise Wrong(f"with logits 1000 and 0 the loss of class 1 is 1000; yours is {loss}. Its p is too small for any "
                    "float: which number is then asked for its logarithm?")
    close(loss, 1000.0, f"with logits 1000 and 0 the loss of class 1 is 1000; yours is {float(loss):.4f}.", rtol=1e-12)


@cross_entropy.check("confident and right: a tiny loss, and an exact one", catches="A10")
def _(cross_entropy, rng):
    loss, _ = _loss(cross_entropy, [[12.0, 0.0]], [0])
    right = np.log1p(np.exp(-12.0))
    close(loss, right, f"with logits 12 and 0 the loss of class 0 is {right:.5e}; yours is {float(loss):.5e}. Was "
                       "something added that does not belong there?", rtol=1e-6)


@cross_entropy.check("its slopes say how its loss changes", catches="A12")
def _(cross_entropy, rng):
    logits, y = rng.normal(size=(5, 3)), np.array([0, 2, 1, 1, 0])
    _, slopes = _loss(cross_entropy, logits, y)
    p = F.softmax(logits).data
    right = (p - np.eye(3)[y]) / 5
    if np.allclose(slopes, 5 * right):
        raise Wrong("its slopes are those of the sum of five losses, five times too large for their mean: the loss "
                    "above is a mean.")
    if np.allclose(slopes, -right):
        raise Wrong("all slopes have the wrong sign: a larger logit of the right class must make the loss smaller.")
    moved = logits.copy()
    moved[3, 1] += 1e-4
    change = (F.cross_entropy(moved, y).item() - F.cross_entropy(logits, y).item()) / 1e-4
    close(slopes, right, f"one example: the logit of class 1 of the fourth example, raised by 0.0001, changes the loss "
                         f"by {change:.4f} times that; your slope there is {slopes[3, 1]:.4f}.")


@cross_entropy.check("its slopes where the net is sure", catches="A12")
def _(cross_entropy, rng):
    _, slopes = _loss(cross_entropy, [[1000.0, 0.0], [0.0, 50.0]], [1, 1])
    close(slopes, [[0.5, -0.5], [0.0, 0.0]], "the first of two examples is sure and wrong, so its slopes are ±1/2; the "
                                             "second is sure and right, so its slopes are 0.")
