"""How each student stands in a unit: which grading of the record counts, and what a person changed in it.

Nobody loses points by a re-grade unless the instructor says so: a later grading counts when it is not lower. One made
without a sandbox never stands in for one made inside, and a judge that failed never for one that did not.
"""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from collections import defaultdict
from dataclasses import dataclass, field

from course.grading.records import Records, Submission
from course.grading.results import PENDING

Gradings = list[tuple[sqlite3.Row, list[sqlite3.Row]]]  # of one submission: each with its exercises


@dataclass
class Points:
    """One exercise of one student; `points` is None while a person has to look at it."""

    points: float | None
    of: float
    overridden: str = ""  # the reason


@dataclass
class Standing:
    """One student in one unit, by the newest attempt."""

    submission: Submission
    grading: int | None = None  # the one that counts; None: not graded yet
    level: str = ""
    exercises: dict[str, Points] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)

    @property
    def total(self) -> float | None:
        """None while anything is pending."""
        points = [each.points for each in self.exercises.values()]
        return None if not points or None in points else sum(points)

    @property
    def of(self) -> float:
        return sum(each.of for each in self.exercises.values())


def standings(records: Records, unit: str, adopting: set[int] | None = None, let_fall: bool = False) -> list[Standing]:
    """How everybody who handed in stands, by student; as if the gradings in `adopting` were adopted."""
    exercises = defaultdict(list)
    for row in records.points(unit):
        exercises[row["grading"]].append(row)
    gradings: dict[int, Gradings] = defaultdict(list)
    for row in records.gradings(unit):
        gradings[row["submission"]].append((row, exercises[row["id"]]))
    overrides = records.overrides(unit)
    return [_standing(each, counting(gradings[each.id], adopting or set(), let_fall), overrides)
            for each in records.latest(unit)]


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


def _standing(submission: Submission, counts: tuple | None, overrides: dict) -> Standing:
    if counts is None:
        return Standing(submission, notes=["not graded yet"])
    grading, rows = counts
    standing = Standing(submission, grading["id"], grading["level"])
    if grading["refused"]:
        standing.notes.append(grading["refused"])
    if grading["level"] == "unsafe":
        standing.notes.append("judged without a sandbox")
    for row in rows:
        points = Points(row["points"], row["of"])
        if override := overrides.get((submission.student, row["name"])):
            points = Points(override["points"], row["of"], override["reason"])
            standing.notes.append(f"{row['name']} set to {number(override['points'])}: {override['reason']}")
        standing.exercises[row["name"]] = points
        standing.flags += [f"{row['name']}: {flag}" for flag in json.loads(row["flags"])]
    return standing


# ---------------------------------------------------------------- the table of a unit


def number(points: float | None) -> str:
    return PENDING if points is None else f"{round(points, 4):.10g}"


def table(standings: list[Standing]) -> list[list[str]]:
    """The grades of a unit as rows of text, the heads first: a column an exercise, in the order of the assignment."""
    names = list(dict.fromkeys(name for each in standings for name in each.exercises))
    rows = [["student", *names, "total", "of", "notes"]]
    for each in standings:
        missing = PENDING if each.grading is None else ""  # an exercise that another version of the unit has
        points = [number(each.exercises[name].points) if name in each.exercises else missing for name in names]
        of = number(each.of) if each.exercises else ""
        rows.append([each.submission.student, *points, number(each.total), of, "; ".join(each.notes)])
    return rows


def as_csv(rows: list[list[str]]) -> str:
    """For a spreadsheet: a cell that one would take for a formula is made text by an apostrophe before it."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows([[neutral(cell) for cell in row] for row in rows])
    return text.getvalue()


def neutral(cell: str) -> str:
    """`cell`, which no spreadsheet will compute."""
    return f"'{cell}" if cell.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r", "\n")) else cell
