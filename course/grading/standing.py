"""How each student stands in a unit: which grading of the record counts, and what a person changed in it.

Nobody loses points by a re-grade unless the instructor says so: a later grading counts when it is not lower. One made
without a sandbox never stands in for one made inside, and a judge that failed never for one that did not.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import sqlite3
from collections import defaultdict
from dataclasses import dataclass, field

from course.grading.deadlines import Late
from course.grading.records import Records, Submission
from course.grading.results import PENDING

EXCUSED = "excused"
Gradings = list[tuple[sqlite3.Row, list[sqlite3.Row]]]  # of one submission: each with its exercises


@dataclass
class Points:
    """One exercise of one student; `points` is None while a person has to look at it."""

    points: float | None
    of: float
    overridden: str = ""  # the reason
    prose: str = ""  # what was handed in, where people mark it
    marked: tuple[str, ...] = ()  # by a person: the words of the rubric, and a comment if there is one


@dataclass
class Standing:
    """One student in one unit, by one attempt: their own, or one of their group."""

    submission: Submission
    student: str
    grading: int | None = None  # the one that counts; None: not graded yet
    level: str = ""
    exercises: dict[str, Points] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)
    late: Late = field(default_factory=Late)
    excused: bool = False

    @property
    def raw(self) -> float | None:
        """The points before anything is taken off; None while anything is pending."""
        pending = any(each.points is None for each in self.exercises.values())
        return None if pending or not self.exercises else self.known

    @property
    def known(self) -> float:
        """The points that are decided so far."""
        return sum(each.points or 0 for each in self.exercises.values())

    @property
    def penalty(self) -> float | None:
        """The points that lateness takes off."""
        return None if self.raw is None and self.late.share else (self.raw or 0) * self.late.share

    @property
    def total(self) -> float | None:
        return None if self.raw is None else self.raw - self.penalty

    @property
    def of(self) -> float:
        return sum(each.of for each in self.exercises.values())


def attempts(records: Records, unit: str, adopting: set[int] | None = None, let_fall: bool = False,
             groups: dict[str, tuple[str, ...]] | None = None) -> dict[str, list[Standing]]:
    """How each attempt stands, by student, in the order they came; as if the gradings in `adopting` were adopted.

    What one of a group hands in is an attempt of each of them.
    """
    exercises = defaultdict(list)
    for row in records.points(unit):
        exercises[row["grading"]].append(row)
    gradings: dict[int, Gradings] = defaultdict(list)
    for row in records.gradings(unit):
        gradings[row["submission"]].append((row, exercises[row["id"]]))
    overrides, marks = records.overrides(unit), marks_that_count(records.marks(unit))
    found: dict[str, list[Standing]] = defaultdict(list)
    for each in records.submissions(unit):
        counts = counting(gradings[each.id], adopting or set(), let_fall)
        for student in (groups or {}).get(each.student, (each.student,)):
            found[student].append(_standing(each, student, counts, overrides, marks))
    return found


def answer_of(prose: str) -> str:
    """By what a mark knows the answer it was made for: the words. Other words, in a later attempt, are not marked."""
    return hashlib.sha256(prose.encode("utf-8", "surrogatepass")).hexdigest()


def marks_that_count(marks: list[sqlite3.Row]) -> dict[tuple[str, str, str], sqlite3.Row]:
    """The mark that counts, by (student, exercise, answer): the newest of the person who was the first to mark it.

    Who disagrees talks to that person, who may mark it anew. Who takes a mark back is no longer the first.
    """
    by: dict[tuple[str, str, str], dict[str, sqlite3.Row]] = defaultdict(dict)
    for row in marks:
        markers = by[row["student"], row["exercise"], row["answer"]]  # a dict keeps the order of the first ones
        if row["points"] is None:
            markers.pop(row["marker"], None)
        else:
            markers[row["marker"]] = row
    return {key: next(iter(markers.values())) for key, markers in by.items() if markers}


def counting(gradings: Gradings, adopting: set[int] | None = None, let_fall: bool = False) -> tuple | None:
    """The grading that counts, of all of one submission in the order they were made."""
    best = None
    for one in gradings:
        row, exercises = one
        adopted_now = row["id"] in (adopting or ())
        if row["proposed"] and not row["adopted"] and not adopted_now:
            continue
        falls = let_fall if adopted_now else bool(row["let_fall"])
        if best is None:
            best = one
            continue
        rank, rank_before = _rank(row), _rank(best[0])
        higher = _sum(exercises) >= _sum(best[1])
        if rank > rank_before or (rank == rank_before and (falls or higher)):
            best = one
    return best


def _rank(grading: sqlite3.Row) -> int:
    return 0 if grading["failed"] else 1 if grading["level"] == "unsafe" else 2


def _sum(exercises: list[sqlite3.Row]) -> float:
    return sum(each["points"] or 0 for each in exercises)


def _standing(submission: Submission, student: str, counts: tuple | None, overrides: dict, marks: dict) -> Standing:
    by = [f"handed in by {submission.student}"] if student != submission.student else []
    if counts is None:
        return Standing(submission, student, notes=[*by, "not graded yet"])
    grading, rows = counts
    standing = Standing(submission, student, grading["id"], grading["level"], notes=by)
    if grading["refused"]:
        standing.notes.append(grading["refused"])
    if grading["level"] == "unsafe":
        standing.notes.append("judged without a sandbox")
    for row in rows:
        points = Points(row["points"], row["of"], prose=row["prose"])
        mark = marks.get((submission.student, row["name"], answer_of(row["prose"])))
        if mark and points.points is None:
            points.points, points.marked = mark["points"], tuple(filter(None, (mark["level"], mark["comment"])))
        # one's own before that of who handed in, which is for the whole group
        override = overrides.get((student, row["name"])) or overrides.get((submission.student, row["name"]))
        if override:
            points = Points(override["points"], row["of"], override["reason"], row["prose"])
            standing.notes.append(f"{row['name']} set to {number(override['points'])}: {override['reason']}")
        standing.exercises[row["name"]] = points
        standing.flags += [f"{row['name']}: {flag}" for flag in json.loads(row["flags"])]
    return standing


# ---------------------------------------------------------------- the table of a unit


def number(points: float | None) -> str:
    return PENDING if points is None else f"{round(points, 4):.10g}"


def table(standings: list[Standing], excused: frozenset[str] = frozenset()) -> list[list[str]]:
    """The grades of a unit as rows of text, the heads first: a column an exercise, in the order of the assignment.

    Who is `excused` has a row also without a hand-in.
    """
    names = list(dict.fromkeys(name for each in standings for name in each.exercises))
    rows = []
    for each in standings:
        missing = PENDING if each.grading is None else ""  # an exercise that another version of the unit has
        points = [number(each.exercises[name].points) if name in each.exercises else missing for name in names]
        of = number(each.of) if each.exercises else ""
        total = EXCUSED if each.excused else number(each.total)
        rows.append([each.student, *points, number(each.raw), number(each.penalty), total, of, "; ".join(each.notes)])
    for student in excused - {each.student for each in standings}:
        rows.append([student, *[""] * len(names), "", "", EXCUSED, "", ""])
    return [["student", *names, "raw", "penalty", "total", "of", "notes"], *sorted(rows)]


def as_csv(rows: list[list[str]]) -> str:
    """For a spreadsheet: a cell that one would take for a formula is made text by an apostrophe before it."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows([[neutral(cell) for cell in row] for row in rows])
    return text.getvalue()


def neutral(cell: str) -> str:
    """`cell`, which no spreadsheet will compute."""
    return f"'{cell}" if cell.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r", "\n")) else cell
