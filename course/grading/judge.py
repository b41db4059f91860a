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
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from course.exercise import Call, Check, Exercise, NotWritten, Wrong
from course.grading import syscalls
from course.grading.inside import wire
from course.grading.job import Died
from course.grading.kit import Asked, Kit, load_kit
from course.grading.remote import Raised, Remote, source_of
from course.grading.results import BLOCKED, MISSING, PENDING, CheckResult, ExerciseResult, Graded
from course.grading.sandbox import sandbox

LARGEST = 5_000_000  # bytes of a notebook
_PARSED = 8_000_000  # bytes of what is read off one
EVERYONE = ""  # the student of a notebook that is the same for all
Given = Mapping[str, Collection[str]]  # by version, the students who were given it
NOTHING: Mapping[str, Any] = MappingProxyType({})
TIMEOUTS = 2  # processes of one exercise that may run out of time before its other checks are given up


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
            for asked in kit.exercises:
                exercise = _Judged(asked, kit, found.get("exercises", {}).get(asked.name), secret, graded, whose)
                graded.exercises.append(exercise.result(seen, unseen, others))
    if former is not None:
        return judge(data, former, student, secret, level, given)
    graded.seconds = time.monotonic() - began
    return graded


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
    order = {**_cage(kit), "do": "read", "data": base64.b64encode(data).decode(), "exercises": asked}
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


def _cage(kit: Kit) -> dict[str, Any]:
    return {"limits": kit.limits, "filter": base64.b64encode(syscalls.program()).decode()}


# ---------------------------------------------------------------- one exercise


class _Judged:
    """One exercise of one submission."""

    def __init__(self, asked: Asked, kit: Kit, found: dict | None, secret: bytes, graded: Graded,
                 whose: str):
        self.asked, self.kit, self.found = asked, kit, found
        self.secret, self.graded, self.whose = secret, graded, whose
        self.outcome = ExerciseResult(asked.name, asked.points, notes=list((found or {}).get("notes", [])))

    def result(self, seen: Any, unseen: Any, others: Sequence[str]) -> ExerciseResult:
        if self.asked.marked == "people" and self.graded.refused:
            return self._none(MISSING, "nothing of the file could be read")
        if self.asked.marked == "people":
            self.outcome.status, self.outcome.prose = PENDING, (self.found or {}).get("prose", "")
            if not self.outcome.prose:
                self.outcome.notes.append("no text was found for it: look into the notebook before you mark it")
            return self.outcome
        visible, hidden = self.kit.visible[self.asked.name], self.kit.hidden.get(self.asked.name)
        if not self.found or not self.found["found"]:
            return self._none(MISSING, f"nothing in the notebook defines {self.asked.name}")
        if self.found["missing"]:
            return self._none(BLOCKED, f"it needs {' and '.join(self.found['missing'])}, which is not there")
        variants = {name: variant_of(each, self.secret, self.whose) for name, each in self.kit.visible.items()}
        forged = ""
        for exercise, box, is_hidden in ((visible, seen, False), (hidden, unseen, True)):
            if exercise is None:
                continue
            run = _Run(exercise, self.found["program"], variants, self.kit, box,
                       partial(seed, self.secret, self.graded.submission, self.asked.name, str(is_hidden)))
            for check, reason in zip(exercise.checks, run.reasons(), strict=True):
                self.outcome.checks.append(CheckResult(check.title, is_hidden, check.points, not reason, reason[:2000],
                                                       check.symptom))
            forged = forged or run.forged
            if not is_hidden:
                self.outcome.output, self.outcome.notes = run.output, self.outcome.notes + run.notes
                if exercise.draw and exercise.is_value and not all(check.passed for check in self.outcome.checks):
                    self.outcome.flags += self._anothers(exercise, run.value, others)
            self.outcome.error = run.error if is_hidden else ""
        if forged:
            self._forged(forged)
        return self.outcome

    def _anothers(self, exercise: Exercise, value: Any, others: Sequence[str]) -> list[str]:
        """Whose variant a value is right for, if not this student's; evidence for a person, never a verdict."""
        return [f"right for the variant of {other}" for other in others if other != self.whose
                and _passes(exercise, Call(exercise, value, variant_of(exercise, self.secret, other)))]

    def _none(self, status: str, words: str) -> ExerciseResult:
        self.outcome.status = status
        self.outcome.notes.append(words)
        for checks, is_hidden in ((self.kit.visible, False), (self.kit.hidden, True)):
            self.outcome.checks += [CheckResult(each.title, is_hidden, each.points, False, words, each.symptom)
                                    for each in (checks[self.asked.name].checks if self.asked.name in checks else [])]
        return self.outcome

    def _forged(self, words: str) -> None:
        """Somebody spoke on the judge's line: no point of this exercise stands."""
        self.outcome.flags.append(f"forged: {words}")
        self.outcome.notes.append(f"its code wrote on the line between it and the judge ({words}): no points")
        for check in self.outcome.checks:
            check.passed, check.reason = False, check.reason or "see the note"


def _passes(exercise: Exercise, call: Call) -> bool:
    try:
        for check in exercise.checks:
            check.run(call, np.random.default_rng(0))
    except Exception:
        return False
    return True


def _encoded(variants: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {name: {key: wire.encode(value, 1000) for key, value in each.items()} for name, each in variants.items()}


class _Run:
    """The visible, or the hidden, checks of one exercise, each with fresh inputs, in processes that may die."""

    def __init__(self, exercise: Exercise, program: list, variants: dict, kit: Kit, box: Any, seed: Callable):
        self.exercise, self.box, self.seed, self.kit, self.variant = exercise, box, seed, kit, variants[exercise.name]
        self.output, self.error, self.forged, self.notes, self.value = "", "", "", [], None
        self._timeouts, self._job, self._absent = 0, None, ""
        self._start = {**_cage(kit), "do": "run", "name": exercise.name, "is_value": exercise.is_value,
                       "numbers": kit.limits["numbers"], "program": program, "variants": _encoded(variants),
                       "probes": {name: source_of(probe) for name, probe in exercise.probes.items()}}

    def reasons(self) -> list[str]:
        """For each check why it failed, or nothing."""
        reasons = [self._reason(number, check) for number, check in enumerate(self.exercise.checks)]
        self._end()
        return reasons

    def _reason(self, number: int, check: Check) -> str:
        if self.forged:
            return self.forged
        for attempt in (1, 2):
            if self._timeouts >= TIMEOUTS:
                return "not run: the checks before it used up the time"
            try:
                return self._verdict(number, check)
            except Died as end:
                self._end()
                if end.how in ("cpu", "wall"):
                    self._timeouts += 1
                if end.how != "wall" or attempt == 2:
                    return str(end)
            except wire.Forged as problem:
                self._end()
                self.forged = str(problem)
                return self.forged
        raise AssertionError("the second attempt returns")

    def _verdict(self, number: int, check: Check) -> str:
        remote = Remote(self.exercise, self.variant, self.ask, self.kit.limits["numbers"])
        try:
            with np.errstate(all="ignore"):
                check.run(remote, np.random.default_rng(self.seed(str(number))))
        except NotWritten:
            return "not written yet: it returns None"
        except Wrong as wrong:
            return str(wrong) or check.title
        except Exception as problem:  # the student's, over the line; or an answer this check cannot work with
            self.error = f"{remote.raised or type(problem).__name__} {remote.line}".strip()
            words = str(problem) if isinstance(problem, Raised) else f"{type(problem).__name__}: {problem}"
            return f"{words}\n{remote.line}".strip()
        finally:
            self.value = remote.value
        return ""

    def ask(self, probe: str, args: tuple) -> Any:
        """The answer to one call, from the process that runs, or a new one."""
        most = 4096 + self.kit.limits["numbers"] * 64
        if self._job is None:
            self._job = self.box.job(self.kit.limits)
            loaded = self._job.ask(self._start, 100_000)
            self._loaded(loaded)
            self._count = 0
        if self._absent:
            raise Wrong(self._absent)
        self._count += 1
        given = [wire.encode(arg, 1 << 22) for arg in args]
        reply = self._job.ask({"n": self._count, "probe": probe, "args": given, "errors": np.geterr()}, most)
        if not isinstance(reply, dict) or reply.get("n") != self._count:
            raise wire.Forged("an answer to a call that was not made")
        return reply

    def _loaded(self, told: Any) -> None:
        if not isinstance(told, dict) or set(told) != {"loaded", "callable", "kind", "notes"}:
            raise wire.Forged("an answer before anything was asked")
        if not self.notes and isinstance(told["notes"], list):
            self.notes = [str(note)[:500] for note in told["notes"][:20]]
        if told["loaded"] is not True:
            self._absent = f"{self.exercise.name} is not there when its cells have run. {' '.join(self.notes)}".strip()
        elif not self.exercise.is_value and told["callable"] is not True:
            self._absent = f"{self.exercise.name} is a {str(told['kind'])[:40]}; it must be {self.exercise.call}."

    def _end(self) -> None:
        if self._job is not None:
            self.output = (self.output + self._job.output())[:64_000]
            self._job = None
