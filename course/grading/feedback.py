"""Feedback: one page a student, made of the record, with nothing on it that the student must not learn.

What the page may say is picked here, field by field; the template sees nothing else. Of a hidden check that is its
title, its symptom and whether it passed: never what it found, for that could hold an input or an expected value. What
a student's code said can be made to break a page; `clean` and the template's escaping see to that.
"""

from __future__ import annotations

import builtins
import hashlib
import json
import re
import unicodedata
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from course.grading import desk, shelf, store, tally
from course.grading.batch import FAILED
from course.grading.kit import KitError, load_kit
from course.grading.office import Office, OfficeError
from course.grading.records import Records, RecordsError
from course.grading.requests import OPEN, state
from course.grading.results import BLOCKED, MISSING, CheckResult, ExerciseResult, Graded
from course.grading.standing import Points, Standing, number
from course.grading.telling import Progress

OUTPUT, LINES, SAID = 4_000, 80, 2_000  # characters and lines of what was printed; characters of what a check says
_ANSI = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|[@-_])")
_STEERING = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}  # what steers, breaks or has no shape
_KEPT = "\n\t\u200c\u200d"  # the last two are needed to write Persian, Hindi and emoji
_LINE = re.compile(r"(\w+)(?: line \d+ of <.*?>: (.*))?", re.DOTALL)
_TOLD = 200  # characters of a line and its place, as the sandbox sends them
_ERRORS = {name for name, kind in vars(builtins).items() if isinstance(kind, type) and issubclass(kind, BaseException)}
_ERRORS |= {"AxisError", "LinAlgError", "UFuncTypeError"}  # NumPy's
_FORGED = "its code wrote on the line between it and the judge"
MARKED_BY_PEOPLE = "A person will mark this. It is not 0: it is not decided yet."


@dataclass
class Given:
    """What one run did."""

    folder: Path
    pages: int = 0
    same: int = 0  # are there already, word for word
    ungraded: int = 0


def give(office: Office, wanted: str, student: str | None = None) -> Given:
    """Write the pages of a unit, or of one student, into the course folder. Raises OfficeError, RecordsError."""
    unit = office.unit(wanted).name
    given = Given(office.folder / "feedback" / unit)
    with desk.writing(office, "feedback", unit) as (records, _):
        stands = [each for each in tally.standings(office, records, unit) if student in (None, each.student)]
        if not stands:
            raise OfficeError(f"{unit}: {f'nobody called {shelf.shown(student)}' if student else 'nobody'} handed in")
        when = {row["id"]: row["finished"] for row in records.gradings(unit)}
        title, requests = unit_title(office, unit), defaultdict(list)
        for row in records.requests(unit):
            requests[row["student"]].append(row)
        with Progress("pages written", len(stands)) as progress:
            for each in stands:
                if each.grading is None:
                    given.ungraded += 1
                else:
                    graded = records.graded(each.grading)
                    handed_in, asked = _handed_in(office, each, graded), requests[each.student]
                    text = page(each, graded, title, when[each.grading], handed_in, asked)
                    new = _put(records, each, given.folder / f"{shelf.safe_name(each.student)}.html", text)
                    given.pages, given.same = given.pages + new, given.same + (not new)
                progress.step()
    return given


def unit_title(office: Office, unit: str) -> str:
    """What its kit calls a unit."""
    try:
        return load_kit(office.folder / "units" / unit).title
    except KitError:
        return unit


def _handed_in(office: Office, each: Standing, graded: Graded) -> bytes:
    """The bytes in which a line of the student's must stand; only read where there is a line to look for."""
    if not any(exercise.error for exercise in graded.exercises):
        return b""
    try:
        return shelf.read(office.folder, each.submission)
    except RecordsError:
        return b""


def _put(records: Records, each: Standing, path: Path, text: str) -> bool:
    """Write a page and its row, unless it is there word for word."""
    data = text.encode("utf-8")
    with store.explained(path):
        if path.is_file() and path.read_bytes() == data:
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(path.name + ".part")
        part.write_bytes(data)
        store.settle(part, path)
    file = path.relative_to(records.path.resolve().parent).as_posix()
    records.add_feedback(each.grading, file, hashlib.sha256(data).hexdigest())
    return True


# ---------------------------------------------------------------- what the page says


def page(each: Standing, graded: Graded, title: str, when: str, handed_in: bytes = b"",
         requests: Sequence[Mapping[str, Any]] = ()) -> str:
    """The page of one student: `each` tells the points that count, `graded` how they came about."""
    notes = [FAILED if graded.refused.startswith(FAILED) else graded.refused] if graded.refused else []
    footer = (f"Graded on {when[:10]} by version {graded.version} of the unit (checks {graded.kit[:12]}), from the "
              f"file with the sha256 {graded.submission[:12]}, as on your receipt. Protection: {graded.level}.")
    exercises = [_exercise(one, each.exercises[one.name], handed_in, requests) for one in graded.exercises]
    return template("feedback.html").render(title=clean(title, 200), student=clean(each.student, 200), footer=footer,
                              total=_total(each), notes=[clean(note) for note in [*notes, *graded.notes]],
                              exercises=exercises)


def _total(each: Standing) -> str:
    off = f"; {each.late.words}" if each.late.days else ""
    waiting = sum(one.of for one in each.exercises.values() if one.points is None)
    if each.excused:
        return "You are excused: this counts for nothing"
    if not waiting:
        return f"{number(each.total)} of {number(each.of)} points{off}"
    return (f"{number(each.known)} of {number(each.of - waiting)} points so far; {number(waiting)} more are still to "
            f"be marked{off}")


def _exercise(one: ExerciseResult, points: Points, handed_in: bytes, requests: Sequence[Mapping]) -> dict[str, Any]:
    pending = points.points is None
    share = 0 if pending or not points.of else points.points / points.of
    return {
        "name": one.name, "points": f"{number(points.points)}{', ' * pending or ' '}of {number(points.of)} points",
        "percent": f"{100 * min(max(share, 0), 1):.1f}", "waiting": MARKED_BY_PEOPLE if pending else "",
        "changed": clean(points.overridden), "marked": [clean(words) for words in points.marked],
        "notes": notes(one),
        "groups": _groups(one, handed_in), "output": printed(one.output),
        "asked": [_asked(row, points) for row in requests if row["exercise"] == one.name],
    }


def _asked(row: Mapping[str, Any], points: Points) -> dict[str, str]:
    """A regrade request and what became of it; the words of the decision stand above where they set the points."""
    decided = "It is not decided yet."
    if state(row) != OPEN:
        words = "" if row["reason"] == points.overridden else f": {row['reason']}"
        decided = f"{state(row).capitalize()} on {row['decided'][:10]}{words}"
    claim = f"You asked on {row['at'][:10]} for another look: {row['claim']}"
    return {"claim": clean(claim), "decided": clean(decided)}


def notes(one: ExerciseResult) -> list[str]:
    """What a student may learn of how it went; what the code wrote on our line may hold an input."""
    return [clean(_FORGED if note.startswith(_FORGED) else note) for note in one.notes]


def _groups(one: ExerciseResult, handed_in: bytes) -> list[dict[str, Any]]:
    """The visible checks and the hidden ones."""
    groups = []
    for title, hidden in (("The checks you could run yourself", False), ("The checks after you handed in", True)):
        checks = [{"title": clean(check.title), "passed": check.passed, "said": said(one, check),
                   "points": f"{number(check.points)} of {number(check.of)}" if check.of else ""}
                  for check in one.checks if check.hidden is hidden]
        error, line = _error(one.error, handed_in) if hidden else ("", "")
        if checks:
            groups.append({"title": title, "checks": checks, "error": error, "line": line})
    return groups


def said(one: ExerciseResult, check: CheckResult) -> str:
    """What a student may learn of a check."""
    if check.passed or one.status in (MISSING, BLOCKED):  # a note says why, once
        return ""
    return clean(check.symptom if check.hidden else check.reason)


def _error(told: str, handed_in: bytes) -> tuple[str, str]:
    """The type of an error in a hidden run, and the student's line where it happened.

    Both come from a process that the student's code was in, with the hidden inputs: so a type is named only if it is
    one of Python's, and a line only if it stands in what was handed in.
    """
    match = _LINE.fullmatch(told)
    if not match:
        return ("an error", "") if told else ("", "")
    error = match[1] if match[1] in _ERRORS else "an error"
    line = match[2] or ""
    return error, clean(line, 200) if line and _stands_in(line, handed_in, len(told) > _TOLD) else ""


def _stands_in(line: str, handed_in: bytes, cut: bool) -> bool:
    """Whether a notebook's JSON holds this line of code, whole; or one that begins so, if it was cut off."""
    gap, end = rb"(?: |\\t)*", b"" if cut else rb'(?: |\\t)*(?:\\r|\\n|")'
    for ascii_only in (True, False):
        text = json.dumps(line, ensure_ascii=ascii_only)[1:-1].encode("utf-8", "surrogatepass")
        if re.search(rb'(?:\\n|")' + gap + re.escape(text) + end, handed_in):
            return True
    return False


# ---------------------------------------------------------------- what students wrote


def clean(text: str, most: int = SAID) -> str:
    """`text` with nothing in it that colours a terminal, turns the direction of writing or is no letter at all."""
    text = _ANSI.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    cut = len(text) > most
    text = "".join(letter if letter in _KEPT or unicodedata.category(letter) not in _STEERING
                   else f"\\u{ord(letter):04x}" for letter in text[:most])
    return text if not cut else f"{text} … (cut off here)"


def printed(output: str) -> str:
    """What a visible run printed, its beginning."""
    lines = _ANSI.sub("", output).rstrip().split("\n")
    text = clean("\n".join(lines[:LINES]), OUTPUT)
    return text + (f"\n… ({len(lines) - LINES} more lines)" if len(lines) > LINES else "")


@cache
def template(name: str) -> Template:
    """A page beside this file, in which every text is escaped."""
    loader = FileSystemLoader(Path(__file__).parent)
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True,
                       lstrip_blocks=True).get_template(name)
