"""Unit 6's suspects for the game at the lesson's end. Each is also in the bank of wrong practice solutions."""

import numpy as np

from course.labs.vanishing import Cliff, Telephone
from course.labs.whodunit import Bug, Scene


# he_init -------------------------------------------------------------------------------------------------------------
def variance_as_deviation(n_in, n_out, rng):
    return rng.normal(0, 2 / n_in, (n_in, n_out)), np.zeros(n_out)


def one_over_n(n_in, n_out, rng):
    return rng.normal(0, np.sqrt(1 / n_in), (n_in, n_out)), np.zeros(n_out)


def not_scaled(n_in, n_out, rng):
    return rng.normal(size=(n_in, n_out)), np.zeros(n_out)


def zeros(n_in, n_out, rng):
    return np.zeros((n_in, n_out)), np.zeros(n_out)


def random_biases(n_in, n_out, rng):
    return rng.normal(0, np.sqrt(2 / n_in), (n_in, n_out)), rng.normal(size=n_out)


# clip_by_norm --------------------------------------------------------------------------------------------------------
def length(gradients):
    return np.sqrt(sum((g**2).sum() for g in gradients))


def by_value(gradients, max_norm):
    return [np.clip(g, -max_norm, max_norm) for g in gradients]


def always_to_max_norm(gradients, max_norm):
    return [g * max_norm / max(length(gradients), 1e-12) for g in gradients]


def the_square_of_the_length(gradients, max_norm):
    return [g * min(1, max_norm / max(length(gradients) ** 2, 1e-12)) for g in gradients]


def zeros_where_too_long(gradients, max_norm):
    return [g * (length(gradients) <= max_norm) for g in gradients]


SCENES = (
    Scene(Telephone, "he_init", values=dict(sw2=2.0, depth=30), bugs=(
        Bug("V2 variance as sd", variance_as_deviation, "The variance is given to rng.normal in place of its root",
            "A layer multiplies by 2/n, 0.016 for 128 neurons, and the more neurons, the less arrives. With the right "
            "one their number does not matter."),
        Bug("Xavier", one_over_n, "The variance is 1/n in place of 2/n",
            "A layer multiplies by one half, however many neurons it has. With twice the σ², 4, all of it arrives."),
        Bug("not scaled", not_scaled, "The variance is 1, however many inputs a neuron has",
            "A layer multiplies by n/2, 64 for 128 neurons: fewer neurons, and it explodes more slowly."),
        Bug("V4 zeros", zeros, "All weights are 0",
            "Nothing leaves the first layer and nothing comes back from the last one, and σ² changes nothing."),
        Bug("V5 biases random", random_biases, "The biases are drawn like the inputs, in place of 0",
            "The gradient stays level, the signal rises. With σ² = 0.1 the gradient dies, and the signal does not: "
            "it comes from the biases."),
    )),
    Scene(Cliff, "clip_by_norm", values=dict(way="by norm"), bugs=(
        Bug("V6 by value", by_value, "Each number is cut off by itself, at c",
            "The arrow leaves the circle and is turned towards the diagonal: by 14° at the longest gradient."),
        Bug("always to max_norm", always_to_max_norm, "Every gradient gets the length c, a short one, too",
            "The blue line lies on c from the first step to the last, where the gradient is far shorter, too, and the "
            "path zigzags with steps of one length."),
        Bug("the square of the length", the_square_of_the_length, "It divides by the square of the length",
            "The longer the gradient, the shorter the step: 112 becomes 0.004. And just above c it shortens too "
            "little: the blue line comes above the dashed one."),
        Bug("zeros where too long", zeros_where_too_long, "A gradient that is too long becomes 0",
            "At the first gradient longer than c the path ends, and the blue line falls out of the picture."),
    ), innocent="Where the gradient is longer than c the blue line lies on c, elsewhere on the gradient, and "
                "nothing is turned."),
)
