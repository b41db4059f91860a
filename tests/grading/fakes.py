"""A small kit, and a judge that takes no sandbox: what the tests of the record and of batches grade with.

Also a program, `python -m tests.grading.fakes STAGE nnlab-arguments...`: the command line with this judge, which kills
itself at a stage of its work, as kill -9 would.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
import time
import types
from pathlib import Path

import numpy as np

import course.grading.intake  # now, as importing it later would undo the patch below
from course.exercise import NotWritten, Wrong
from course.grading import desk, shelf, store
from course.grading.records import Records
from course.grading.results import PENDING, CheckResult, ExerciseResult, Graded

UNIT_TOML = """unit = "01_small"
title = "Small"
version = "1.0"
minutes = {class = 5, alone = 5}
objectives = ["apply: count"]
prerequisites = []
labs = []
packages = ["numpy"]
[[exercise]]
name = "alpha"
kind = "bug"
points = 4
hidden = 1
minutes = 5
[[exercise]]
name = "beta"
kind = "rule"
points = 2.5
minutes = 5
[[exercise]]
name = "why"
kind = "predict"
marked = "people"
points = 2
minutes = 5
"""
GRADED = """from course.exercise import Exercise, Wrong

alpha, beta = Exercise("alpha"), Exercise("beta")


@alpha.check("at least 3", points=1)
def _(call, rng):
    if call() < 3:
        raise Wrong("less than 3")


@beta.check("even", points=2.5)
def _(call, rng):
    if call() % 2:
        raise Wrong("odd")
"""
HIDDEN = """from course.exercise import Exercise, Wrong

alpha = Exercise("alpha")


@alpha.check("at least 5", points=3, symptom="too small")
def _(call, rng):
    if call() < 5:
        raise Wrong("less than 5")
"""


def write_kit(folder: Path, unit: str = "01_small") -> Path:
    """A unit's folder with a kit in it, below `folder`."""
    place = folder / unit
    (place / "private").mkdir(parents=True)
    (place / "unit.toml").write_text(UNIT_TOML.replace("01_small", unit))
    (place / "graded.py").write_text(GRADED)
    (place / "private" / "hidden.py").write_text(HIDDEN)
    (place / "private" / "rubric.toml").write_text('[[why]]\npoints = 2\ntext = "says why"\n')
    (place / "private" / "assignment.ipynb").write_text("{}")
    return folder


class Outage(Exception):
    """What a sandbox that is not there would raise."""


def judge(data: bytes, kit, student: str, secret: bytes, level: str, given: dict, older: dict) -> Graded:
    """Takes {"alpha": 5, "beta": 2} for a notebook; "do" says how it misbehaves, "seconds" how long it takes."""
    notebook = json.loads(data)
    time.sleep(notebook.get("seconds", 0))
    if notebook.get("do") == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if notebook.get("do") == "die once":
        mark = Path(notebook["mark"])
        if not mark.exists():
            mark.write_text("")
            os.kill(os.getpid(), signal.SIGKILL)
    if notebook.get("do") == "raise":
        raise ValueError("a defect of the judge")
    if notebook.get("do") == "outage":
        raise Outage("no sandbox works here")
    graded = Graded(kit.unit, kit.version, kit.hash, hashlib.sha256(data).hexdigest(), student, level, kit.limits, [])
    if notebook.get("do") == "swap":
        graded.student = "somebody else"
    for asked in kit.exercises:
        if asked.marked == "people":
            graded.exercises.append(ExerciseResult(asked.name, asked.points, PENDING, prose="because"))
            continue
        hidden = kit.hidden[asked.name].checks if asked.name in kit.hidden else []
        checks = []
        for check in [*kit.visible[asked.name].checks, *hidden]:
            reason = _reason(check, notebook.get(asked.name, 0))
            checks.append(CheckResult(check.title, check in hidden, check.points, not reason, reason, check.symptom))
        graded.exercises.append(ExerciseResult(asked.name, asked.points, checks=checks, output="printed ‮"))
    graded.seconds = time.process_time()
    return graded


def _reason(check, value) -> str:
    try:
        check.run(lambda: value, np.random.default_rng(0))
    except (Wrong, NotWritten) as wrong:
        return str(wrong)
    return ""


def collect(path: Path) -> list[tuple[str, str, bytes, str, str]]:
    """The intake: reads a list of what was handed in; text that is no JSON object is a problem."""
    return [(student, file, text.encode(), "" if text.startswith("{") else f"not a notebook: {text[:20]}", written)
            for student, file, text, written in json.loads((path / "list.json").read_text())]


def install(patch) -> None:
    """Put the fake judge and intake in the real ones' place; `patch(object, name, value)`."""
    patch(course.grading, "intake", types.SimpleNamespace(collect=collect))
    patch(desk, "judge", judge)
    patch(desk, "level_here", lambda unsafe: "unsafe" if unsafe else "bubblewrap")
    patch(desk, "SandboxError", Outage)


# ---------------------------------------------------------------- killed at a stage


def _die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)


def _at(owner, name: str, number: int, after: bool = False) -> None:
    """Die when `owner.name` is called for the number-th time, before or after it does its work."""
    real, calls = getattr(owner, name), []

    def wrapped(*args, **named):
        calls.append(1)
        if len(calls) == number and not after:
            _die()
        result = real(*args, **named)
        if len(calls) == number:
            _die()
        return result

    setattr(owner, name, wrapped)


STAGES = {
    "never": lambda: None,
    "before the batch": lambda: _at(Records, "begin", 1),
    "after the batch row": lambda: _at(Records, "begin", 1, after=True),
    "before a grading": lambda: _at(Records, "add_grading", 3),
    "inside a grading": lambda: _at(Records, "_add", 27),  # 1 for the batch, then 7 for each grading
    "after a grading": lambda: _at(Records, "add_grading", 4, after=True),
    "before the end": lambda: _at(Records, "end", 1),
    "before the backup": lambda: _at(Records, "back_up", 1),
    "inside the backup": lambda: _at(store, "settle", 1),
    "before a file": lambda: _at(shelf, "_write", 3),
    "between file and row": lambda: _at(shelf, "_write", 3, after=True),
}


def main() -> int:
    from course import cli

    install(setattr)
    if journal := os.environ.get("TEST_JOURNAL"):
        store.journal = lambda folder: journal
    STAGES[sys.argv[1]]()
    return cli.main(sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
