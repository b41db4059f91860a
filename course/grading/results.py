"""What a graded submission is: plain values, made by the judge, kept by the records, read by feedback and export.

Nothing here was computed by a student's code except the strings that say so, and those are capped and made plain.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field, replace
from typing import Any

OUTPUT = 64_000  # bytes of what an exercise printed, as they are stored
# Halves of letters, which no database takes; what steers a terminal; what turns the direction of all that follows.
_UNSHOWN = re.compile("[\ud800-\udfff\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")

GRADED, PENDING, BLOCKED, MISSING = "graded", "pending", "blocked", "missing"


@dataclass
class CheckResult:
    """One check of one exercise: its points are `of` if it passed, else 0."""

    title: str
    hidden: bool
    of: float
    passed: bool
    reason: str = ""  # what the check found; of a hidden check never shown to the student, its symptom is
    symptom: str = ""

    @property
    def points(self) -> float:
        return self.of if self.passed else 0.0


@dataclass
class ExerciseResult:
    """One exercise: `status` is graded, pending (a person will mark it), blocked (it needs another exercise's function
    that is not there) or missing (nothing with its name was handed in)."""

    name: str
    of: float
    status: str = GRADED
    checks: list[CheckResult] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)  # said to the student: what was odd about it, what ended it
    output: str = ""  # what the code printed in the visible run only, capped
    error: str = ""  # of a hidden run: the exception's type and the student's line, nothing else
    flags: list[str] = field(default_factory=list)  # said to the instructor only; never changes points
    prose: str = ""  # the words handed in, of an exercise that a person marks

    @property
    def points(self) -> float | None:
        """None while it is pending: pending is never 0."""
        return None if self.status == PENDING else sum(check.points for check in self.checks)


@dataclass
class Graded:
    """One submission, judged: by which kit, under which protection, with which result."""

    unit: str
    version: str  # of the unit's kit that judged it
    kit: str  # sha256 of that kit
    submission: str  # sha256 of the bytes handed in
    student: str
    level: str  # bubblewrap, docker, podman, unsafe
    limits: dict
    exercises: list[ExerciseResult]
    notes: list[str] = field(default_factory=list)
    refused: str = ""  # why nothing of it could be read: then every exercise is missing
    seconds: float = 0.0  # how long it took; the only part that differs between two runs

    def as_dict(self) -> dict:
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: dict) -> Graded:
        exercises = [ExerciseResult(**{**each, "checks": [CheckResult(**check) for check in each["checks"]]})
                     for each in stored["exercises"]]
        return cls(**{**stored, "exercises": exercises})


def plain(graded: Graded) -> Graded:
    """The same, with nothing in its texts that a database, a terminal or a page could stumble over."""
    texts = {name: _plain(getattr(graded, name)) for name in ("exercises", "notes", "refused")}
    return replace(graded, **texts)


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return _UNSHOWN.sub("\ufffd", value.replace("\r\n", "\n").replace("\r", "\n"))
    if isinstance(value, list):
        return [_plain(part) for part in value]
    if isinstance(value, CheckResult | ExerciseResult):
        made = replace(value, **{name: _plain(part) for name, part in vars(value).items()})
        if isinstance(made, ExerciseResult):
            made.output = made.output.encode()[:OUTPUT].decode("utf-8", "ignore")
        return made
    return value
