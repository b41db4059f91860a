"""Unit 2's suspects for the game at the lesson's end. Each is also in the bank of wrong practice solutions."""

import numpy as np

from course.labs.activations import Slope, Softmax, WhichLoss
from course.labs.activations.which_loss import LOSSES
from course.labs.whodunit import Bug, Scene


# softmax -------------------------------------------------------------------------------------------------------------
def as_it_stands(z):
    e = np.exp(z)
    return e / e.sum(axis=-1, keepdims=True)


def cut_off(z):
    e = np.exp(np.clip(z, -80, 80))
    return e / e.sum(axis=-1, keepdims=True)


def divided_by_the_largest(z):
    e = np.exp(z / np.abs(z).max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def sigmoids(z):
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1, e) / (1 + e)


# leaky_relu ----------------------------------------------------------------------------------------------------------
def slope_1_everywhere(z, slope):
    return np.where(z > 0, z, slope * z), np.ones_like(z)


def slope_is_z(z, slope):
    return np.where(z > 0, z, slope * z), np.where(z > 0, z, slope)


def leaks_on_the_right(z, slope):
    return np.where(z > 0, slope * z, z), np.where(z > 0, slope, 1)


# cross_entropy -------------------------------------------------------------------------------------------------------
def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def of_probabilities(logits, y):
    p = softmax(softmax(logits))
    rows = np.arange(len(y))
    slopes = p.copy()
    slopes[rows, y] -= 1
    return np.mean(-np.log(p[rows, y])), slopes / len(y)


def softmax_slope_once_more(logits, y):
    p = softmax(logits)
    loss = -np.log(p[np.arange(len(y)), y]).mean()
    return loss, (p - np.eye(logits.shape[1])[y]) * p * (1 - p) / len(y)


def one_hot_forgotten(logits, y):
    p = softmax(logits)
    return -np.log(p[np.arange(len(y)), y]).mean(), p / len(y)


SCENES = (
    # stable: the right one, to compare with, is then lab 2c's own that subtracts the largest score
    Scene(Softmax, "softmax", values=dict(c=100, stable=True), bugs=(
        Bug("A1 the formula as it stands", as_it_stands, "The largest score is not subtracted first",
            "It is right until an exponent reaches the orange zone, above 88.7; from there on it is nan. In float64 it "
            "goes on to c = 700."),
        Bug("A1 clipped", cut_off, "Large scores are cut off before the exponential",
            "At c = 0 it is right. From c = 90 on all three are 1/3: they were cut to the same number."),
        Bug("A1 divided by the largest", divided_by_the_largest, "The scores are divided by the largest of them",
            "The temperature changes nothing, at any c. And c, which should change nothing, makes all three alike."),
        Bug("sigmoids", sigmoids, "It is three sigmoids and no softmax",
            "The three do not add up to 1, and each is by itself: at c = 0, z₁ moves p₁ and nothing else."),
    )),
    Scene(Slope, "leaky_relu", values=dict(f="leaky_relu", s=3.0, leak=0.2, shift=-1.0), bugs=(
        Bug("A7 slope 1 everywhere", slope_1_everywhere, "The leak is left out of the slopes",
            "The values are right. The lower curve is 1 on both sides, and left of 0 the green tangent cuts the line "
            "above instead of lying on it."),
        Bug("A7 slope is z", slope_is_z, "z is given where the slope of z belongs",
            "The values are right. Right of 0 the lower curve climbs, though the line above is equally steep "
            "everywhere there."),
        Bug("A8 leaks on the right", leaks_on_the_right, "The leak is on the wrong side",
            "Sums above 0 shrink, those below come out as they are. The tangent lies on the line all the same: value "
            "and slope are wrong together."),
    )),
    Scene(WhichLoss, "cross_entropy", values=dict(loss=LOSSES[3]), bugs=(
        Bug("softmax of probabilities", of_probabilities, "Softmax is taken twice",
            "The loss stays between 0.5 and 1.5, however wrong or right z is, and the push never ends. The green "
            "tangent cuts the curve: the slope is not that of this loss."),
        Bug("with the softmax's slope once more", softmax_slope_once_more,
            "The slope is multiplied by p(1 − p) once more",
            "Far to the left, where it is most wrong, it is hardly pushed. The green tangent is flat where the loss is "
            "steep."),
        Bug("A12 one-hot forgotten", one_hot_forgotten, "The 1 of the right class is not taken off the slope",
            "For target 1 the push is never below 0: the right class is pushed down like the others. For target 0 all "
            "is right."),
    ), innocent="The green tangent lies on the curve at every z and for both targets: the slope is that of the loss."),
)
