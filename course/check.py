"""The instant check: `check("neuron")` runs the visible checks of an exercise on the student's function, in the kernel.

A check only *calls* the function and compares outside of it; it never looks inside and never sees how it is written.
It says what is wrong and why ("row 2 became nan when row 1 is large"), never the answer. Advice, not a grade.
"""

import html
import importlib.util
import pathlib
import sys
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np

from course.exercise import Call, Exercise, NotWritten, Wrong
from course.grading.kit import Kit, load_kit
from course.labs.errors import explain
from course.progress import in_notebook
from course.record import Record, now

UNITS = pathlib.Path(__file__).parent / "units"


class Result:
    """What a check found, as text and as a small table. True if all passed."""

    def __init__(self, name: str, outcomes: list[tuple[str, str]], written: bool = True, after: int = 0,
                 is_call: bool = True):
        self.name, self.outcomes, self.written, self.after, self.is_call = name, outcomes, written, after, is_call

    def __bool__(self) -> bool:
        return self.written and all(not symptom for _, symptom in self.outcomes)

    def _headline(self) -> str:
        if not self.written:
            what = "It returns None: replace the dots" if self.is_call else "It holds the dots: replace them"
            return f"{self.name}: not written yet. {what} and run the cell again."
        passed = sum(not symptom for _, symptom in self.outcomes)
        if self.after:
            more = f"{self.after} more {'runs' if self.after == 1 else 'run'} after you hand in"
            return f"{self.name}: visible checks {passed} of {len(self.outcomes)}; {more}"
        return f"{self.name}: {passed} of {len(self.outcomes)} checks pass{'.' if self else ''}"

    def __repr__(self) -> str:
        lines = [f"  no  {title}: {symptom}" if symptom else f"  yes {title}" for title, symptom in self.outcomes]
        return "\n".join([self._headline(), *lines])

    def _repr_html_(self) -> str:
        left = "<td style='text-align:left;white-space:pre-wrap'>"
        rows = "".join(f"<tr><td>{'✗' if symptom else '✓'}</td>{left}{html.escape(title)}</td>"
                       f"{left}{html.escape(symptom)}</td></tr>" for title, symptom in self.outcomes)
        return f"<b>{html.escape(self._headline())}</b>" + (f"<table>{rows}</table>" if rows else "")


def check(name: str, written: Any = None) -> Result:
    """Run the visible checks of exercise `name` on what has that name in this notebook (or on `written`)."""
    exercise = find(name)
    names = _callers_names(sys._getframe(1))
    if written is None:
        written = names.get(name)
    if written is None:
        return Result(name, [("it exists", f"there is no {exercise.call} yet: run the cell that defines it.")])
    if not exercise.is_value and not callable(written):
        what = f"{name} is a {type(written).__name__}; it must be the function {exercise.call}."
        return Result(name, [("it is a function", what)])
    variant = names.get("VARIANT", {}).get(name)
    if variant is None and exercise.draw:
        variant = exercise.draw(np.random.default_rng(0))
    outcomes = []
    for number, one in enumerate(exercise.checks):
        try:
            with np.errstate(all="ignore"):
                one.run(Call(exercise, written, variant), np.random.default_rng([number, len(name)]))
            outcomes.append((one.title, ""))
        except NotWritten:
            return Result(name, [], written=False, is_call=not exercise.is_value)
        except Wrong as found:
            outcomes.append((one.title, str(found)))
        except Exception as problem:
            outcomes.append((one.title, explain(problem, (name,), (one.run.__code__.co_filename,))))
    kit = assigned().get(name)
    result = Result(name, outcomes, after=kit.asked(name).hidden if kit else 0)
    if result and in_notebook() and not kit:
        Record().keep("exercises", name, {"passed_at": now()})
    return result


def find(name: str) -> Exercise:
    """The exercise called `name`, of any unit, for practice or graded."""
    practice, graded = exercises(), assigned()
    if name not in practice and name not in graded:
        raise ValueError(f"there is no exercise {name!r}: there are {', '.join(sorted([*practice, *graded]))}.")
    return practice[name] if name in practice else graded[name].visible[name]


def assigned() -> dict[str, Kit]:
    """The exercises of all assignments by name, each with its unit's kit.

    A kit that lies beside the notebook, where a release lays it, counts before the one of this package: an instructor
    may have changed it.
    """
    kits = {file.parent.name: _kit(file.parent) for file in sorted(UNITS.glob("*/graded.py"))}
    here = pathlib.Path.cwd()
    if all((here / name).is_file() for name in ("graded.py", "unit.toml")):
        mine = _kit(here)
        kits[mine.unit] = mine
    return {name: kit for kit in kits.values() for name in kit.visible}


@cache
def _kit(folder: pathlib.Path) -> Kit:
    return load_kit(folder)


def exercises() -> dict[str, Exercise]:
    """All exercises for practice by name."""
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


def _callers_names(frame) -> dict[str, Any]:
    return {**frame.f_globals, **frame.f_locals}
