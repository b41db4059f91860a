"""Unit 5's suspects for the game at the lesson's end. Each is also in the bank of wrong practice solutions."""

import numpy as np

from course.labs.overfitting import Augmented, RegulariserBench
from course.labs.whodunit import Bug, Scene


# dropout -------------------------------------------------------------------------------------------------------------
def active_when_measured(x, p, training, rng):
    return x * (rng.random(x.shape) >= p) / (1 - p)


def never_active(x, p, training, rng):
    return x


def keeps_with_p(x, p, training, rng):
    return x * (rng.random(x.shape) < p) / p if training else x


# random_shift --------------------------------------------------------------------------------------------------------
def moved(image, down, right):
    """The image moved, what leaves it lost, 0 in its place."""
    out = np.roll(image, (down, right), (0, 1))
    if down:
        out[slice(None, down) if down > 0 else slice(down, None)] = 0
    if right:
        out[:, slice(None, right) if right > 0 else slice(right, None)] = 0
    return out


def wraps_round(images, most, rng):
    ways = rng.integers(-most, most + 1, (len(images), 2))
    return np.array([np.roll(image, way, (0, 1)) for image, way in zip(images, ways, strict=True)])


def one_for_the_batch(images, most, rng):
    way = rng.integers(-most, most + 1, 2)
    return np.array([moved(image, *way) for image in images])


def the_same_in_every_epoch(images, most, rng):
    ways = np.random.default_rng(0).integers(-most, most + 1, (len(images), 2))
    return np.array([moved(image, *way) for image, way in zip(images, ways, strict=True)])


def upper_end_left_out(images, most, rng):
    ways = rng.integers(-most, most, (len(images), 2))
    return np.array([moved(image, *way) for image, way in zip(images, ways, strict=True)])


SCENES = (
    Scene(RegulariserBench, "dropout", values=dict(remedy="dropout", strength=8), steps=60, bugs=(
        Bug("F4 active out of training", active_when_measured, "It is still on when the loss is measured",
            "The bold curves tremble from step to step: the same net, measured twice, gives two answers."),
        Bug("F4 never active", never_active, "It is off while the net learns",
            "The bold curves lie on the thin ones, which are those of the net without: the strength changes nothing."),
        Bug("F2 p taken as the probability to keep", keeps_with_p, "p is taken for the probability to keep a number",
            "It works the wrong way round: the higher the strength, the nearer the bold curves come to the thin ones "
            "of the net without. At strength 1 they are far above."),
    ), innocent="The bold curves fall more slowly than the thin ones, the more so the higher the strength, and hardly "
                "tremble."),
    Scene(Augmented, "random_shift", values=dict(shift=2), bugs=(
        Bug("5f wraps round the edge", wraps_round, "It is np.roll and nothing else",
            "What leaves at one edge comes in at the other: beside and above the digits hang pieces of them."),
        Bug("5f the same for the whole batch", one_for_the_batch, "One shift is drawn for the whole batch",
            "All digits of the lower row have gone the same way. Press Step, and all go another."),
        Bug("5f the same in every epoch", the_same_in_every_epoch,
            "It makes a generator of its own, from the same seed, in each call",
            "Press Step: the lower row stays as it was, epoch after epoch."),
        Bug("the upper end left out", upper_end_left_out, "It draws from −most up to most, most itself left out",
            "At shift 1 the digits stay or go up and to the left; none ever goes down or to the right."),
    ), innocent="Each digit goes its own way, all ways occur, each step has new ones, and what has left is gone."),
)
