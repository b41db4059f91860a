"""What an exercise is and what its checks may ask: the words in which a unit's `visible.py`, `graded.py` and
`private/hidden.py` are written.

A check is called with `call` and a generator. `call(*args)` runs what the student wrote, on copies; the verdict is
made here, outside of it. In the notebook `call` is a `Call` below, in the student's kernel; when a submission is graded
it is `course.grading.judge.Remote`, whose function lives in a sandbox. A check cannot tell them apart.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Check:
    """One thing an exercise is checked for. `run(call, rng)` raises Wrong; `catches` names the misconception.

    `points` count when a submission is graded. `symptom` is what feedback says of a hidden check that fails; a visible
    check says what its Wrong says.
    """

    title: str
    run: Callable
    catches: str = ""
    points: float = 0
    symptom: str = ""


@dataclass
class Exercise:
    """What the student writes and its checks: a function or class, as in `neuron(x, w)`, or a value, as in `weights`.

    A value's checks get what stands behind the name by `call()`.
    """

    call: str
    checks: list[Check] = field(default_factory=list)
    probes: dict[str, Callable] = field(default_factory=dict)
    draw: Callable | None = None  # draw(rng) -> the numbers of one student's variant, by name

    @property
    def name(self) -> str:
        return self.call.split("(")[0]

    @property
    def is_value(self) -> bool:
        return "(" not in self.call

    def check(self, title: str, catches: str = "", points: float = 0, symptom: str = "") -> Callable:
        """Decorator: add a check."""
        def add(run):
            self.checks.append(Check(title, run, catches, points, symptom))
            return run

        return add

    def probe(self, function: Callable) -> Callable:
        """Decorator: add a probe, which drives what the student wrote: `call.run("p", *args)` runs `p(it, *args)`.

        For what arguments and answers alone cannot say: a class, a function that takes a function, several calls in a
        row. A probe travels into the sandbox as source text, so it imports what it needs in its body. It records plain
        arrays and numbers and judges nothing: whoever shares a process with it could change its mind.
        """
        self.probes[function.__name__] = function
        return function

    def variant(self, draw: Callable) -> Callable:
        """Decorator: `draw(rng)` gives the numbers of one student's variant, as a dict of plain values by name.

        The text names them as {{exercise.name}}; checks find them in `call.variant`.
        """
        self.draw = draw
        return draw


class Wrong(Exception):
    """What a check has found, in the student's words."""


class NotWritten(Exception):
    """The function returns None: it is still the empty frame it was handed out as."""


class Call:
    """What the student wrote, in this process: called on copies, so that one that writes into its inputs is told so and
    does not spoil the check."""

    def __init__(self, exercise: Exercise, written: Any, variant: Mapping[str, Any] | None = None):
        self._exercise, self._written, self.variant = exercise, written, dict(variant or {})

    def __call__(self, *args):
        if self._exercise.is_value:
            return answered(_copied(self._written))
        return self._watched(self._written, args, parameters(self._written, len(args)))

    def run(self, probe: str, *args):
        """What a probe of the exercise records when it drives what the student wrote."""
        function = self._exercise.probes[probe]
        names = parameters(function, len(args) + 1)[1:]
        return self._watched(lambda *given: function(self._written, *given), args, names)

    def _watched(self, function: Callable, args: tuple, names: list[str]):
        given = [_copied(a) for a in args]
        got = function(*given)
        for before, after, parameter in zip(args, given, names, strict=True):
            unchanged(before, after, parameter)
        return answered(got)


def answered(got: Any) -> Any:
    """`got`, unless it is the nothing that an unwritten function returns."""
    if got is None or got is ...:
        raise NotWritten
    return got


def unchanged(before: Any, after: Any, parameter: str) -> None:
    """Raise Wrong if an argument is no longer what it was."""
    if not same(before, after):
        raise Wrong(f"it changes its argument {parameter} in place; whoever called it still needs that. "
                    "Make a new one.")


def shaped(got: Any, shape: tuple[int, ...], symptom: str = "") -> np.ndarray:
    """`got` as an array of numbers; Wrong, with both shapes and the symptom, unless it has this one."""
    try:
        array = np.asarray(got)
    except ValueError:  # rows of unequal lengths
        array = np.empty(0, object)
    if array.dtype.kind not in "biuf":  # numpy would make numbers of strings too
        if isinstance(got, list | tuple) and (missing := sum(part is None or part is ... for part in got)):
            raise Wrong(f"{missing} of its {len(got)} places hold no number yet, only dots or None.")
        raise Wrong(f"it returned a {type(got).__name__} that is no array of numbers; "
                    f"expected {_shape_words(shape)}.")
    if array.shape != shape:
        raise Wrong(f"it returned {_shape_words(array.shape)}; expected {_shape_words(shape)}. {symptom}".rstrip())
    return array


def close(got: Any, expected: Any, symptom: str, rtol: float = 1e-5) -> None:
    """Raise Wrong unless `got` has the shape of `expected` and, to `rtol` of the largest one, its values.

    The symptom is said of the values only. The default lets float32 pass.
    """
    expected = np.asarray(expected, float)
    array = shaped(got, expected.shape)
    bad = ~np.isfinite(array)
    if bad.any():
        raise Wrong(f"{int(bad.sum())} of {bad.size} numbers are nan or infinite. {symptom}")
    if not np.isfinite(expected).all():  # made from other answers of the student's: to nan everything would be near
        raise Wrong(symptom)
    if np.abs(array - expected).max(initial=0) > rtol * max(np.abs(expected).max(initial=0), 1e-12):
        raise Wrong(symptom)


def same(before: Any, after: Any) -> bool:
    """Is it as it was? Told of arrays and of lists, of arrays too; anything else is not looked at."""
    if isinstance(before, list):
        return isinstance(after, list) and len(before) == len(after) and all(map(same, before, after))
    if isinstance(before, np.ndarray):
        nan_is_itself = before.dtype.kind in "fc"
        return isinstance(after, np.ndarray) and np.array_equal(before, after, equal_nan=nan_is_itself)
    return not isinstance(before, int | float | str) or before == after


def _shape_words(shape: tuple[int, ...]) -> str:
    return "a single number" if shape == () else f"an array of shape {shape}"


def _copied(a: Any) -> Any:
    """`a`, where it is an array or a list, and all arrays in a list, anew."""
    if isinstance(a, list):
        return [_copied(part) for part in a]
    return np.array(a) if isinstance(a, np.ndarray) else a


def parameters(function: Callable, count: int) -> list[str]:
    """The names of its first `count` parameters, numbers where it does not tell."""
    try:
        names = list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        names = []
    return (names + [f"number {i + 1}" for i in range(len(names), count)])[:count]
