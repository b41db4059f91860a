"""The instant check: `check("neuron")` runs the visible checks of an exercise on the student's function, in the kernel.

A check only *calls* the function and compares outside of it; it never looks inside and never sees how it is written.
It says what is wrong and why ("row 2 became nan when row 1 is large"), never the answer. Advice, not a grade.
"""

import html
import importlib.util
import inspect
import pathlib
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np

from course.labs.errors import explain
from course.progress import in_notebook
from course.record import Record, now

UNITS = pathlib.Path(__file__).parent / "units"


@dataclass(frozen=True)
class Check:
    """One thing an exercise is checked for. `run(call, rng)` raises Wrong; `catches` names the misconception."""

    title: str
    run: Callable
    catches: str = ""


@dataclass(frozen=True)
class Exercise:
    """A function the student writes, known by its call, as in `neuron(x, w, b)`, and its checks."""

    call: str
    checks: list[Check] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.call.split("(")[0]

    def check(self, title: str, catches: str = "") -> Callable:
        """Decorator: add a check."""
        def add(run):
            self.checks.append(Check(title, run, catches))
            return run

        return add


class Wrong(Exception):
    """What a check has found, in the student's words."""


class NotWritten(Exception):
    """The function returns None: it is still the empty frame it was handed out as."""


def shaped(got: Any, shape: tuple[int, ...], symptom: str = "") -> np.ndarray:
    """`got` as an array of numbers; Wrong, with both shapes and the symptom, unless it has this one."""
    try:
        array = np.asarray(got)
    except ValueError:  # rows of unequal lengths
        array = np.empty(0, object)
    if array.dtype.kind not in "biuf":  # numpy would make numbers of strings too
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
    if np.abs(array - expected).max(initial=0) > rtol * max(np.abs(expected).max(initial=0), 1e-12):
        raise Wrong(symptom)


def _shape_words(shape: tuple[int, ...]) -> str:
    return "a single number" if shape == () else f"an array of shape {shape}"


class Result:
    """What a check found, as text and as a small table. True if all passed."""

    def __init__(self, name: str, outcomes: list[tuple[str, str]], written: bool = True):
        self.name, self.outcomes, self.written = name, outcomes, written

    def __bool__(self) -> bool:
        return self.written and all(not symptom for _, symptom in self.outcomes)

    def _headline(self) -> str:
        if not self.written:
            return f"{self.name}: not written yet. It returns None: replace the dots and run the cell again."
        passed = sum(not symptom for _, symptom in self.outcomes)
        return f"{self.name}: {passed} of {len(self.outcomes)} checks pass{'.' if self else ''}"

    def __repr__(self) -> str:
        lines = [f"  no  {title}: {symptom}" if symptom else f"  yes {title}" for title, symptom in self.outcomes]
        return "\n".join([self._headline(), *lines])

    def _repr_html_(self) -> str:
        left = "<td style='text-align:left;white-space:pre-wrap'>"
        rows = "".join(f"<tr><td>{'✗' if symptom else '✓'}</td>{left}{html.escape(title)}</td>"
                       f"{left}{html.escape(symptom)}</td></tr>" for title, symptom in self.outcomes)
        return f"<b>{html.escape(self._headline())}</b>" + (f"<table>{rows}</table>" if rows else "")


def check(name: str, function: Callable | None = None) -> Result:
    """Run the visible checks of exercise `name` on the function of that name in this notebook (or on `function`)."""
    exercise = find(name)
    if function is None:
        function = _callers_names(sys._getframe(1)).get(name)
    if function is None:
        return Result(name, [("it exists", f"there is no function {exercise.call} yet: run the cell that defines it.")])
    if not callable(function):
        what = f"{name} is a {type(function).__name__}; it must be the function {exercise.call}."
        return Result(name, [("it is a function", what)])
    outcomes = []
    for number, one in enumerate(exercise.checks):
        try:
            with np.errstate(all="ignore"):
                one.run(_careful(name, function), np.random.default_rng([number, len(name)]))
            outcomes.append((one.title, ""))
        except NotWritten:
            return Result(name, [], written=False)
        except Wrong as found:
            outcomes.append((one.title, str(found)))
        except Exception as problem:
            outcomes.append((one.title, explain(problem, (name,))))
    result = Result(name, outcomes)
    if result and in_notebook():
        Record().keep("exercises", name, {"passed_at": now()})
    return result


def find(name: str) -> Exercise:
    """The exercise called `name`, of any unit."""
    known = exercises()
    if name not in known:
        raise ValueError(f"there is no exercise {name!r}: there are {', '.join(sorted(known))}.")
    return known[name]


def exercises() -> dict[str, Exercise]:
    """All exercises by name."""
    found: dict[str, Exercise] = {}
    for file in sorted(UNITS.glob("*/visible.py")):
        unit = exercises_of(file.parent.name)
        if twice := found.keys() & unit.keys():
            raise ValueError(f"two exercises are called {min(twice)!r}; the second is in {file}.")
        found |= unit
    return found


@cache
def exercises_of(unit: str) -> dict[str, Exercise]:
    """The exercises of one unit by name, read from its visible.py."""
    return {each.name: each for each in vars(read_unit(unit, "visible.py")).values() if isinstance(each, Exercise)}


def read_unit(unit: str, file: str) -> ModuleType:
    """A file of a unit as a module; the units' folders begin with a digit and cannot be imported."""
    name = f"{unit}_{pathlib.PurePath(file).stem}"
    spec = importlib.util.spec_from_file_location(name, UNITS / unit / file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _careful(name: str, function: Callable) -> Callable:
    """`function`, called on copies: one that writes into its inputs is told so, and does not spoil the check."""
    def call(*args):
        given = [_copied(a) for a in args]
        got = function(*given)
        for before, after, parameter in zip(args, given, _parameters(function, len(args)), strict=True):
            if not _same(before, after):
                raise Wrong(f"it changes its argument {parameter} in place; whoever called it still needs that. "
                            "Make a new one.")
        if got is None or got is ...:
            raise NotWritten
        return got

    return call


def _copied(a: Any) -> Any:
    """`a`, where it is an array or a list, and all arrays in a list, anew."""
    if isinstance(a, list):
        return [_copied(part) for part in a]
    return np.array(a) if isinstance(a, np.ndarray) else a


def _same(before: Any, after: Any) -> bool:
    """Is it as it was? Told of arrays and of lists, of arrays too; anything else is not looked at."""
    if isinstance(before, list):
        return isinstance(after, list) and len(before) == len(after) and all(map(_same, before, after))
    if isinstance(before, np.ndarray):
        return isinstance(after, np.ndarray) and np.array_equal(before, after)
    return not isinstance(before, int | float | str) or before == after


def _parameters(function: Callable, count: int) -> list[str]:
    try:
        names = list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        names = []
    return (names + [f"number {i + 1}" for i in range(len(names), count)])[:count]


def _callers_names(frame) -> dict[str, Any]:
    return {**frame.f_globals, **frame.f_locals}
