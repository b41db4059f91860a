"""Regrade requests: a student says that an exercise deserves more; a person decides, in words, and it stays recorded.

What a decision gives is an override like any other, or a grading that counts already because a check was mended; the
decision's row names it. Nobody loses points by asking, unless the instructor says so.
"""

from __future__ import annotations

import sqlite3

from course.grading import desk, tally
from course.grading.office import Office, OfficeError
from course.grading.records import Records
from course.grading.shelf import shown
from course.grading.standing import Standing, number
from course.grading.store import who
from course.record import now

HEADS = ["number", "unit", "student", "exercise", "asked", "then", "now", "claim", "decision"]
OPEN, GRANTED, REFUSED = "open", "granted", "refused"


def state(request: sqlite3.Row) -> str:
    """open, granted or refused."""
    return OPEN if request["granted"] is None else GRANTED if request["granted"] else REFUSED


def ask(office: Office, wanted: str, student: str, exercise: str, claim: str) -> int:
    """Record a request; its number. Raises OfficeError where there is nothing to ask about."""
    unit = office.unit(wanted).name
    if not claim.strip():
        raise OfficeError('a request needs the claim: --claim "what the student says"')
    with desk.writing(office, "regrade-request", unit) as (records, _):
        mine = desk.standing_of(office, records, wanted, student, exercise)
        for each in records.requests(unit):
            if (each["student"], each["exercise"], state(each)) == (student, exercise, OPEN):
                raise OfficeError(f"request {each['id']} of {shown(student)} for {exercise} is open since "
                                  f"{each['at'][:10]}: decide that first")
        return records.add("requests", at=now(), who=who(), unit=unit, student=student, exercise=exercise,
                           claim=claim, points=mine.exercises[exercise].points, grading=mine.grading)


def decide(office: Office, request: int, granted: bool, reason: str, points: float | None = None,
           let_fall: bool = False) -> str:
    """Grant or refuse an open request; a line that says what came of it. Raises OfficeError.

    Granted with `points`: they become an override. Without: what a mended check has raised since then stands.
    """
    with desk.writing(office, "regrade-request") as (records, _):
        asked = _open(records, request)
        unit, student, exercise = asked["unit"], asked["student"], asked["exercise"]
        if not reason.strip():
            raise OfficeError('a decision needs its words, for the student: --reason "what you saw"')
        mine = desk.standing_of(office, records, unit, student, exercise)
        have = mine.exercises[exercise]
        override = None
        if granted and points is None and not _rose(asked["points"], have.points):
            raise OfficeError(f"{exercise} of {shown(student)} stood at {number(asked['points'])} and is at "
                              f"{number(have.points)}: say what it is worth now, --points, or mend the check and nnlab "
                              "regrade first")
        if granted and points is not None:
            desk.fits(exercise, points, have.of)
            if have.points is not None and points < have.points and not let_fall:
                raise OfficeError(f"{number(points)} is less than the {number(have.points)} that {shown(student)} has: "
                                  "nobody loses points by asking; if you mean it, --let-fall")
            override = {"unit": unit, "student": student, "exercise": exercise, "points": points, "reason": reason,
                        "grading": mine.grading}
        records.decide(request, granted, reason, mine.grading, override)
    worth = number(have.points if points is None else points)
    return f"request {request}, {shown(student)}, {exercise}: {GRANTED if granted else REFUSED}, {worth} of {have.of:g}"


def _open(records: Records, request: int) -> sqlite3.Row:
    known = {each["id"]: each for each in records.requests()}
    if request not in known:
        waiting = [str(number) for number, each in known.items() if state(each) == OPEN]
        raise OfficeError(f"there is no request {request}; open are {', '.join(waiting) or 'none'}")
    if state(known[request]) != OPEN:
        raise OfficeError(f"request {request} was {state(known[request])} on {known[request]['decided'][:10]}: what a "
                          "person changes after that is an nnlab override")
    return known[request]


def _rose(before: float | None, after: float | None) -> bool:
    return after is not None and (before is None or after > before)


def table(office: Office, records: Records, unit: str, decided: bool) -> list[list[str]]:
    """The open requests of a unit, or of all where it is ""; with the decided ones. Rows of text, the heads first."""
    rows, stands = [HEADS], {}
    for each in records.requests(unit):
        if state(each) != OPEN and not decided:
            continue
        if each["unit"] in office.units and each["unit"] not in stands:
            stands[each["unit"]] = {one.student: one for one in tally.standings(office, records, each["unit"])}
        words = state(each) + (f": {each['reason']}" if each["reason"] else "")
        rows.append([str(each["id"]), each["unit"], each["student"], each["exercise"], each["at"][:10],
                     number(each["points"]), _now(stands.get(each["unit"], {}).get(each["student"]), each["exercise"]),
                     each["claim"], words])
    return rows


def _now(mine: Standing | None, exercise: str) -> str:
    return number(mine.exercises[exercise].points) if mine and exercise in mine.exercises else ""
