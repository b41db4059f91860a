"""The judge: a submission's bytes and a kit in, points and reasons out. Student code runs in a sandbox and every
verdict is made here, from values, by the same checks that the notebook runs.

A check cannot tell a `Remote` from a function in its own process: it calls it, and what comes back came over a line.
The visible and the hidden checks run in two sandboxes; the inputs are drawn anew for each submission, from a secret.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Collection, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from course.exercise import Call, Exercise
from course.grading.attempt import Run, cage
from course.grading.inside import wire
from course.grading.job import Died
from course.grading.kit import Asked, Kit, load_kit
from course.grading.results import BLOCKED, GRADED, MISSING, PENDING, CheckResult, ExerciseResult, Graded, plain
from course.grading.sandbox import sandbox

LARGEST = 5_000_000  # bytes of a notebook
_PARSED = 8_000_000  # bytes of what is read off one
EVERYONE = ""  # the student of a notebook that is the same for all
Given = Mapping[str, Collection[str]]  # by version, the students who were given it
NOTHING: Mapping[str, Any] = MappingProxyType({})


def judge(data: bytes, kit: Kit, student: str, secret: bytes, level: str, given: Given = NOTHING,
          older: Mapping[str, str] = NOTHING) -> Graded:
    """Grade the bytes of one notebook. Raises only SandboxError and KitError: whatever the bytes hold, there is a
    result.

    given: who was given a version, EVERYONE where it is one notebook for all; then nobody has numbers of their own. A
    version that it does not name was given to each student. A value that is right for the numbers of another is
    flagged, no more. older: the folders of the kits of former versions; what is of one of them is graded by it.
    """
    began = time.monotonic()
    graded = Graded(kit.unit, kit.version, kit.hash, hashlib.sha256(data).hexdigest(), student, level, kit.limits, [])
    with sandbox(level, kit.packages) as seen, sandbox(level, kit.packages) as unseen:
        seen.start()
        unseen.start()
        found, graded.refused = _read(data, kit, seen)
        former = _former(found, kit, student, given, older)
        if former is None:
            whose, others = _numbers(kit, student, given)
            graded.notes = _notes(found, kit, student, given)
            judged = [_Judged(asked, kit, found.get("exercises", {}).get(asked.name), secret, graded, whose)
                      for asked in kit.exercises]
            for each in judged:
                each.see(seen, others)
            for each in judged:  # only now: what is shown of a visible run was printed before any hidden check had run
                each.look_again(unseen)
            graded.exercises = [each.outcome for each in judged]
    if former is not None:
        return judge(data, former, student, secret, level, given)
    graded.seconds = time.monotonic() - began
    return plain(graded)


def _former(found: dict, kit: Kit, student: str, given: Given, older: Mapping[str, str]) -> Kit | None:
    """The kit of the former version that a notebook is of, if that was given to this student."""
    version = str(found.get("version"))
    if found.get("unit") != kit.unit or version == kit.version or version not in older:
        return None
    return _kit(older[version]) if {student, EVERYONE} & set(given.get(version, [student])) else None


@cache
def _kit(folder: str) -> Kit:
    return load_kit(Path(folder))


def _numbers(kit: Kit, student: str, given: Given) -> tuple[str, Sequence[str]]:
    """Whose numbers the student was given, and who else was given some."""
    known = given.get(kit.version, [student])
    return (student if student in known else EVERYONE), sorted(known)


def seed(secret: bytes, *words: str) -> list[int]:
    """A seed nobody without the secret can guess, for these words: HMAC-SHA256 of them."""
    text = "\0".join(f"{len(word)}:{word}" for word in words)
    return list(hmac.new(secret, text.encode(), hashlib.sha256).digest())


def variant_of(exercise: Exercise, secret: bytes, student: str) -> dict[str, Any]:
    """The numbers of this student's variant of an exercise."""
    if exercise.draw is None:
        return {}
    return exercise.draw(np.random.default_rng(seed(secret, "variant", student, exercise.name)))


# ---------------------------------------------------------------- reading


def _read(data: bytes, kit: Kit, box: Any) -> tuple[dict, str]:
    """What the notebook holds, and why nothing could be read off it."""
    if len(data) > LARGEST:
        words = "clear its outputs and hand in again"
        return {}, f"the file has {len(data):,} bytes, at most {LARGEST:,} are read: {words}"
    asked = {each.name: {"needs": list(each.needs), "marked": each.marked} for each in kit.exercises}
    job = box.job(kit.limits)
    order = {**cage(kit), "do": "read", "data": base64.b64encode(data).decode(), "exercises": asked}
    try:
        answer = job.ask(order, _PARSED)
    except (Died, wire.Forged) as problem:
        return {}, f"the notebook could not be read: {problem}"
    finally:
        job.finish()
    if "unreadable" in answer:
        return {}, answer["unreadable"]
    return answer["read"], ""


def _notes(found: dict, kit: Kit, student: str, given: Given) -> list[str]:
    notes = list(found.get("notes", []))
    if not {student, EVERYONE} & set(given.get(kit.version, [student])):
        notes.append(f"no notebook of version {kit.version} was made for {student}: graded by numbers of nobody's")
    if found and found["unit"] != kit.unit:
        notes.append(f"the notebook says it is of the unit {found['unit'] or 'nothing'!r}; it was graded as {kit.unit}")
    elif found and found["version"] != kit.version:
        notes.append(f"the notebook is of version {found['version'] or 'unknown'}, it was graded by {kit.version}")
    return notes


# ---------------------------------------------------------------- one exercise


class _Judged:
    """One exercise of one submission."""

    def __init__(self, asked: Asked, kit: Kit, found: dict | None, secret: bytes, graded: Graded,
                 whose: str):
        self.asked, self.kit, self.found = asked, kit, found
        self.secret, self.graded, self.whose = secret, graded, whose
        self.outcome = ExerciseResult(asked.name, asked.points, notes=list((found or {}).get("notes", [])))
        self.forged = ""

    def see(self, box: Any, others: Sequence[str]) -> None:
        """What is there, and the visible checks."""
        if self.asked.marked == "people" and self.graded.refused:
            self._none(MISSING, "nothing of the file could be read")
        elif self.asked.marked == "people":
            self.outcome.status, self.outcome.prose = PENDING, (self.found or {}).get("prose", "")
            if not self.outcome.prose:
                self.outcome.notes.append("no text was found for it: look into the notebook before you mark it")
        elif not self.found or not self.found["found"]:
            self._none(MISSING, f"nothing in the notebook defines {self.asked.name}")
        elif self.found["missing"]:
            self._none(BLOCKED, f"it needs {' and '.join(self.found['missing'])}, which is not there")
        else:
            exercise = self.kit.visible[self.asked.name]
            run = self._run(exercise, box, False)
            self.outcome.output, self.outcome.notes = run.output, self.outcome.notes + run.notes
            if exercise.draw and exercise.is_value and not all(check.passed for check in self.outcome.checks):
                self.outcome.flags += self._anothers(exercise, run.value, others)

    def look_again(self, box: Any) -> None:
        """The hidden checks, where there is something to check."""
        if self.outcome.status == GRADED and self.asked.name in self.kit.hidden:
            self.outcome.error = self._run(self.kit.hidden[self.asked.name], box, True).error
        if self.forged:
            self._forged()

    def _run(self, exercise: Exercise, box: Any, is_hidden: bool) -> Run:
        variants = {name: variant_of(each, self.secret, self.whose) for name, each in self.kit.visible.items()}
        run = Run(exercise, self.found["program"], variants, self.kit, box,
                   partial(seed, self.secret, self.graded.submission, self.asked.name, str(is_hidden)))
        for check, reason in zip(exercise.checks, run.reasons(), strict=True):
            self.outcome.checks.append(CheckResult(check.title, is_hidden, check.points, not reason, reason[:2000],
                                                   check.symptom))
        self.forged = self.forged or run.forged
        return run

    def _anothers(self, exercise: Exercise, value: Any, others: Sequence[str]) -> list[str]:
        """Whose variant a value is right for, if not this student's; evidence for a person, never a verdict."""
        return [f"right for the variant of {other}" for other in others if other != self.whose
                and _passes(exercise, Call(exercise, value, variant_of(exercise, self.secret, other)))]

    def _none(self, status: str, words: str) -> None:
        self.outcome.status = status
        self.outcome.notes.append(words)
        for checks, is_hidden in ((self.kit.visible, False), (self.kit.hidden, True)):
            self.outcome.checks += [CheckResult(each.title, is_hidden, each.points, False, words, each.symptom)
                                    for each in (checks[self.asked.name].checks if self.asked.name in checks else [])]

    def _forged(self) -> None:
        """Somebody spoke on the judge's line: no point of this exercise stands.

        What was said is for the instructor alone: in a hidden run it may be the inputs.
        """
        self.outcome.flags.append(f"forged: {self.forged}")
        self.outcome.notes.append("its code wrote on the line between it and the judge: no points")
        for check in self.outcome.checks:
            check.passed, check.reason = False, check.reason or "see the note"


def _passes(exercise: Exercise, call: Call) -> bool:
    try:
        for check in exercise.checks:
            check.run(call, np.random.default_rng(0))
    except Exception:
        return False
    return True
