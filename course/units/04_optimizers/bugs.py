"""Unit 4's suspects for the game at the lesson's end. Each is also in the bank of wrong practice solutions."""

import numpy as np

from course.labs.optimizers import BiasCorrection, OwnRates, Ravine
from course.labs.whodunit import Bug, Scene


# momentum ------------------------------------------------------------------------------------------------------------
def a_running_mean(w, g, u, lr, beta):
    u = beta * u + (1 - beta) * g
    return w - lr * u, u


def u_never_fades(w, g, u, lr, beta):
    u = u + g
    return w - lr * u, u


def u_not_handed_on(w, g, u, lr, beta):
    return w - lr * (beta * u + g), u


def the_old_u(w, g, u, lr, beta):
    return w - lr * u, beta * u + g


# rmsprop -------------------------------------------------------------------------------------------------------------
def adagrad(w, g, v, lr, alpha, eps):
    v = v + g**2
    return w - lr * g / (np.sqrt(v) + eps), v


def no_root(w, g, v, lr, alpha, eps):
    v = alpha * v + (1 - alpha) * g**2
    return w - lr * g / (v + eps), v


def the_length_of_g(w, g, v, lr, alpha, eps):
    v = alpha * v + (1 - alpha) * (g**2).sum()
    return w - lr * g / (np.sqrt(v) + eps), v


# adam ----------------------------------------------------------------------------------------------------------------
def moved(w, m, v, lr, eps):
    return w - lr * m / (np.sqrt(v) + eps)


def no_correction(w, g, m, v, t, lr, b1, b2, eps):
    m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
    return moved(w, m, v, lr, eps), m, v


def m_not_corrected(w, g, m, v, t, lr, b1, b2, eps):
    m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
    return moved(w, m, v / (1 - b2**t), lr, eps), m, v


def v_not_corrected(w, g, m, v, t, lr, b1, b2, eps):
    m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
    return moved(w, m / (1 - b1**t), v, lr, eps), m, v


SCENES = (
    Scene(Ravine, "momentum", values=dict(kappa=30.0, fraction=0.5, beta=0.9), bugs=(
        Bug("O8 a running mean", a_running_mean, "The gradient is weighed with 1 − β before it is added to u",
            "Its steps are a tenth as long: it rolls in softly where the right one swings from wall to wall. At β = 0 "
            "the two are one."),
        Bug("u never fades", u_never_fades, "β is missing: u forgets nothing",
            "The ball swings for ever. The distance left comes back to where it was, and β changes nothing."),
        Bug("u not handed on", u_not_handed_on, "The new u is not returned, so nothing is remembered",
            "It is plain gradient descent: at β = 0 it is the right one, and β changes nothing."),
        Bug("the old u", the_old_u, "The step is taken with the u of the step before",
            "The path stands still for one step and is late from then on: it flies apart at rates that are safe for "
            "the right one."),
    ), innocent="The path swings in, and the measured slope is the dashed one that theory gives, wherever you set it."),
    Scene(OwnRates, "rmsprop", values=dict(), bugs=(
        Bug("AdaGrad", adagrad, "All squares are summed, and none is forgotten",
            "The rates only fall. The memory α changes nothing."),
        Bug("no root", no_root, "The root is missing: divided by v itself",
            "Its step is about lr divided by the slope: the flatter, the longer. Near the bottom it is "
            "thrown out again and again."),
        Bug("the length of g", the_length_of_g, "All weights share one v, made of the length of g",
            "The two lines of the rates are one: no weight has a rate of its own. It is gradient descent whose rate "
            "grows as the slope falls."),
    )),
    Scene(BiasCorrection, "adam", values=dict(), bugs=(
        Bug("O1 no correction", no_correction, "Neither mean is corrected",
            "The first step is √10 = 3.16 times lr: the curve lies on that of “not corrected”."),
        Bug("O1 m not corrected", m_not_corrected, "v is corrected, m is not",
            "The first step is a tenth of lr, and the steps grow to their length with the memory of m, about ten "
            "steps."),
        Bug("O1 v not corrected", v_not_corrected, "m is corrected, v is not",
            "The first step is √1000 = 31.6 times lr, and the steps stay too long for the memory of v, some thousand "
            "steps."),
    )),
)
