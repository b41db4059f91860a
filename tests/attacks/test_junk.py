"""What answers without knowing anything gets no point, in any judged exercise of any unit, for several seeds.

Junk is a constant, nothing, an input handed back, or an error, in each of the forms that an answer may have. It crosses
the line to the judge, as the answer of a submission does. Then what readers of the visible checks could try.
"""

import contextlib
import itertools
import pickle
from functools import lru_cache

import numpy as np
import pytest

from course.check import UNITS
from course.exercise import Call, answered
from course.grading.inside import wire
from course.grading.kit import load_kit

KITS = {file.parent.name: load_kit(file.parent) for file in sorted(UNITS.glob("*/unit.toml"))}
JUDGED = [(unit, each.name) for unit, kit in KITS.items() for each in kit.exercises if each.marked == "judge"]
SEEDS = (1, 2, 3)
FILLS = {"nan": np.nan, "inf": np.inf, "-inf": -np.inf, "0": 0.0, "1": 1.0, "-1": -1.0, "half": 0.5, "1e300": 1e300,
         "True": True}
ODD = {"None": None, "nothing": (), "an empty text": "", "a text": "right", "a digit as text": "1", "no array": [],
       "an empty array": np.zeros(0), "rows of none": np.zeros((5, 0)), "10**30": 10**30, "2**62": 2**62, "1j": 1j,
       "an object": object(), "a dict": {}, "nested": [[[[0]]]], "ragged": [[1, 2], [3]], "a function": len,
       "a NaT": np.datetime64("nat"), "masked": np.ma.masked, "strings": np.array(["a", "b"]), "a range": range(3)}
ERRORS = (ValueError, TypeError, IndexError, KeyError, ZeroDivisionError, FloatingPointError, OverflowError,
          MemoryError, RecursionError, AssertionError, NotImplementedError, NameError, AttributeError, ImportError,
          OSError, EOFError)


def junk(args):
    """Answers by name: each fill alone, in the shape of each array that was given, and several of them together."""
    try:
        return _kept(pickle.dumps(args))
    except (AttributeError, pickle.PicklingError):  # among them is a function of the check's own
        return _made(args)


@lru_cache(8)  # a check asks the same of each junk, and all of them are made to give one
def _kept(pickled):
    return _made(pickle.loads(pickled))


def _made(args):
    arrays = [arg for arg in _flat(args) if isinstance(arg, np.ndarray)]
    answers = ODD | FILLS | {"all that was given": tuple(args)}
    for name, fill in FILLS.items():
        filled = [np.full(array.shape, fill) for array in arrays]
        for count in (2, 3, 4, 5):
            answers[f"{count} times {name}"] = (fill,) * count
            answers[f"{name} like the last {count}"] = tuple(filled[-count:])
            answers[f"{name}, and like the last {count}"] = (fill, *filled[-count:])
        for i, each in enumerate(filled):
            answers |= {f"{name} like array {i}": each, f"{name}, {name} like {i}": (fill, each),
                        f"{name} like {i}, {name}": (each, fill), f"twice {name} like {i}": (each, each),
                        f"{name} like {i}, twice {name}": (each, fill, fill),
                        f"nan, {name} like {i}": (np.nan, each), f"inf, {name} like {i}": (np.inf, each)}
    for i, array in enumerate(arrays):
        answers |= {f"array {i}": array, f"array {i} twice": (array, array), f"0 and array {i}": (0.0, array),
                    f"array {i} and 0": (array, 0.0)}
    return answers | {f"argument {i}": arg for i, arg in enumerate(args)}


def _flat(value):
    if isinstance(value, list | tuple):
        return list(itertools.chain.from_iterable(map(_flat, value)))
    return [value]


class Junk:
    """Junk of one name for whatever is asked; where a probe drives a class or a function, for what that returns."""

    def __init__(self, exercise, name, variant):
        self.exercise, self.name, self.variant = exercise, name, dict(variant or {})

    def __call__(self, *args):
        return answered(_crossed(self.answer(args)))

    def run(self, probe, *args):
        return answered(_crossed(self.exercise.probes[probe](lambda *given: self.answer(given), *args)))

    def answer(self, args):
        if isinstance(self.name, type):
            raise self.name("junk")
        return junk(args).get(self.name)


def _crossed(value):
    """As it arrives at the judge."""
    return wire.decode(wire.encode(value, 10_000), 10_000)


def passes(check, call, seed):
    try:
        with np.errstate(all="ignore"):
            check.run(call, np.random.default_rng(seed))
    except (Exception, wire.Forged):
        return False
    return True


def names(exercise, check, variant, seed):
    """The junk that there is for what a check asks."""
    asked, call = [()], Junk(exercise, None, variant)
    call.answer = asked.append
    with contextlib.suppress(Exception):
        check.run(call, np.random.default_rng(seed))
    return [*junk(asked[-1]), *ERRORS]


def drawn(kit, name, seed):
    draw = kit.visible[name].draw
    return draw(np.random.default_rng(seed)) if draw else {}


@pytest.mark.parametrize(("unit", "name"), JUDGED)
def test_junk_earns_nothing(unit, name):
    kit = KITS[unit]
    for seed in SEEDS:
        variant = drawn(kit, name, seed)
        for exercise in (kit.visible[name], kit.hidden[name]):
            for check in exercise.checks:
                tried = names(exercise, check, variant, seed) if check.points else []
                passed = [one for one in tried if passes(check, Junk(exercise, one, variant), seed)]
                assert not passed, check.title


def _the_one_example(count, X, y, epochs):
    return y[0] * X[0], y[0], 1


def _the_last_biases(count, X, layers):
    return np.tile(layers[-1][1], (len(X), 1))


def _minus_three_and_two(count, X, layers):
    return np.tile([-3.0, 2.0], (len(X), 1))


def _what_it_is_given(count, train, new):
    return new


def _log_classes(count, logits, y, s):
    return np.log(logits.shape[1]), np.zeros(logits.shape)


def _no_loss(count, P, T):
    return np.nan, np.sign(P - T)


def _a_loss_without_end(count, P, T):
    return (np.inf if count % 2 else 1.0), np.sign(P - T)


def _a_loss_of_its_own(count, P, T):
    return P.sum(), np.ones(P.shape)


def _the_usual_loss(count, P, T):
    return ((P - T) ** 2).sum(), 2 * (P - T)


def _always_right(count, *given):
    return "right"


def _in_turn(count, *given):
    return ("right", "sum", "right", "slope", "order", "slope")[count % 6]


def _the_plain_mean(count, gradients, c):
    return [g.mean(axis=0) for g in gradients]


# The points it gets, and why they are left to it where they are.
READERS = [
    ("01_neurons", "perceptron_fit", _the_one_example, 1),  # the rule's first step, said by the text: one point of 4
    ("01_neurons", "regress", _the_last_biases, 0),
    ("01_neurons", "regress", _minus_three_and_two, 0),
    ("01_neurons", "standardize", _what_it_is_given, 0),
    ("02_activations", "smoothed_entropy", _log_classes, 0.5),  # knows what ignorance costs: half a point of 4
    ("03_backprop", "tolerant_loss", _no_loss, 0),
    ("03_backprop", "tolerant_loss", _a_loss_without_end, 0),
    ("03_backprop", "tolerant_loss", _a_loss_of_its_own, 0),
    ("03_backprop", "tolerant_loss", _the_usual_loss, 0.5),  # a right gradient, of another loss: half a point of 3
    ("03_backprop", "diagnose", _always_right, 0),
    ("03_backprop", "diagnose", _in_turn, 0),
    ("06_vanishing_gradients", "clip_each", _the_plain_mean, 0.5),  # right where nothing is to be clipped: half of 3
]


@pytest.mark.parametrize(("unit", "name", "answer", "points"), READERS)
def test_what_a_reader_of_the_visible_checks_earns_without_solving_it(unit, name, answer, points):
    kit = KITS[unit]
    for seed in SEEDS:
        earned = 0
        for exercise in (kit.visible[name], kit.hidden[name]):
            counter = itertools.count()
            call = Call(exercise, lambda *given, counter=counter: answer(next(counter), *given),
                        drawn(kit, name, seed))
            earned += sum(check.points for check in exercise.checks if passes(check, call, seed))
        assert earned == points
