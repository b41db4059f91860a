"""What the instructor's commands do at the record: grade, grade again, change by hand; each a batch, backed up after.

Each says what it did in a few lines, with the next command where there is one. What a student called himself is shown
with nothing in it that could steer the terminal.
"""

from __future__ import annotations

import contextlib
import math
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from course.grading import batch as batches
from course.grading import tally
from course.grading.judge import judge
from course.grading.kit import KitError, load_kit
from course.grading.office import Office, OfficeError
from course.grading.records import Records
from course.grading.release import versions
from course.grading.sandbox import SandboxError, level_here
from course.grading.shelf import shown, some
from course.grading.standing import Standing, number
from course.grading.telling import Progress


@contextlib.contextmanager
def writing(office: Office, what: str, unit: str = "") -> Iterator[tuple[Records, int]]:
    """The record, with a batch that ends well or not and is backed up."""
    with Records(office.folder, write=True) as records:
        batch = records.begin(what, unit)
        try:
            yield records, batch
        except BaseException as problem:
            with contextlib.suppress(Exception):  # the first problem is the one to tell
                records.end(batch, f"ended by {type(problem).__name__}: {problem}")
            raise
        if records.end(batch, "done") is None:
            print("Recorded, but not backed up: the disk is full. Free some space, then: nnlab backup", file=sys.stderr)


class Bench:
    """A unit ready to be judged: its kit, its secret, its protection."""

    def __init__(self, office: Office, unit: str, units: Path | None, jobs: int, unsafe: bool):
        place = (units or office.folder / "units").resolve() / unit
        self.kit = load_kit(place)
        assigned = office.units[unit].version
        if self.kit.version != assigned:
            raise OfficeError(f"{place} is version {self.kit.version}; course.toml says that {assigned} was assigned: "
                              "change the one that is wrong")
        self.jobs = jobs or len(os.sched_getaffinity(0))
        self.older = {version: folder for version, folder in versions(office, unit).items() if version != assigned}
        self.kits = {version: load_kit(Path(folder)).hash for version, folder in self.older.items()}
        self.work = batches.Work(place, self.kit.hash, office.secret(), level_here(unsafe), judge, load_kit,
                                 (SandboxError, KitError), tuple(self.kits.values()))
        self.kits[assigned] = self.kit.hash

    def judge(self, records: Records, batch: int, todo: list, proposed: bool = False) -> batches.Outcome:
        work = replace(self.work, judge=partial(judge, given=records.given(self.kit.unit), older=self.older))
        with Progress("graded", len(todo)) as progress:
            return batches.run(records, batch, self.kit, work, todo, self.jobs, progress.step, proposed)

    def is_by(self, grading: Any) -> bool:
        """Whether a grading was made by exactly these checks, those of its version, under this protection."""
        return (grading["kit"], grading["level"]) == (self.kits.get(grading["version"]), self.work.level)


# ---------------------------------------------------------------- grade


def grade(office: Office, wanted: str, units: Path | None, jobs: int, unsafe: bool, again: bool) -> bool:
    """Judge the attempts that can count and that nothing has judged yet; whether all went well."""
    unit = office.unit(wanted).name
    bench = Bench(office, unit, units, jobs, unsafe)
    with writing(office, "grade", unit) as (records, batch):
        done = {row["submission"] for row in records.gradings(unit) if not row["failed"]}
        newest = tally.to_judge(office, records, unit)
        if not newest:
            print(f"{unit}: nothing was handed in yet: nnlab collect {wanted} PATH")
            return True
        todo = [each for each in newest if again or each.id not in done]
        outcome = bench.judge(records, batch, todo)
        stands = tally.standings(office, records, unit)
        gradings = {row["id"]: row for row in records.gradings(unit)}
    _tell(unit, outcome, len(newest) - len(todo))
    if other := sum(each.grading is not None and not bench.is_by(gradings[each.grading]) for each in stands):
        print(f"{other} stand by other checks or another protection: nnlab regrade {wanted} shows who would change")
    if waiting := sum(each.grading is not None and each.total is None for each in stands):
        print(f"{waiting} of {len(stands)} have pending exercises, for a person to look at: nnlab mark {wanted}")
    print(f"Next: nnlab grades {wanted}")
    return not (outcome.failed or outcome.unread)


def _tell(unit: str, outcome: batches.Outcome, before: int) -> None:
    print(f"{unit}: {outcome.graded} graded" + (f", {before} before" if before else ""))
    for student, why in outcome.refused:
        print(f"  {shown(student)}: 0, {shown(why)}")
    for student, why in outcome.failed:
        print(f"  {shown(student)}: pending, {shown(why)}")
    for line in outcome.unread:
        print(f"  not graded: {shown(line)}")


# ---------------------------------------------------------------- regrade


def regrade(office: Office, wanted: str, units: Path | None, student: str | None, jobs: int, unsafe: bool, again: bool,
            let_fall: bool, agree: Callable[[], bool]) -> None:
    """Judge again, show who changes, and let it count if `agree()`."""
    unit = office.unit(wanted).name
    bench = Bench(office, unit, units, jobs, unsafe)
    with writing(office, "regrade", unit) as (records, batch):
        rows, newest = records.gradings(unit), tally.to_judge(office, records, unit)
        graded = {row["submission"] for row in rows}
        chosen = {each.id: each for each in newest if student in (None, each.student) and each.id in graded}
        if not chosen:
            raise OfficeError(f"{unit}: no grade of {shown(student) if student else 'anybody'} to judge again; handed "
                              f"in have {some([each.student for each in newest])}")
        same = {row["submission"] for row in rows if bench.is_by(row) and not row["failed"]}
        outcome = bench.judge(records, batch, [each for each in chosen.values() if again or each.id not in same], True)
        proposals = [row["id"] for row in records.gradings(unit)
                     if row["submission"] in chosen and row["proposed"] and bench.is_by(row)
                     and (not row["adopted"] or (let_fall and not row["let_fall"]))]
        if not proposals:
            print(f"{unit}: exactly these checks have judged them before and would say the same. "
                  "To judge again all the same: --again")
            return
        _tell(unit, outcome, 0)
        changed, held = _preview(office, records, unit, set(proposals), let_fall)
        if changed and not agree():
            print("Nothing has changed yet. To let it count, the same command with --yes")
            return
        records.adopt(proposals, let_fall)
    print(f"{unit}: {changed} changed" + (f", {held} kept what they had" if held else ""))


def _preview(office: Office, records: Records, unit: str, proposals: set[int],
             let_fall: bool) -> tuple[int, int]:
    """Show who would change and who would not although the new points are lower; how many each."""
    before, after, fallen = (tally.standings(office, records, unit, *how)
                             for how in ((), (proposals, let_fall), (proposals, True)))
    changed = _differences(before, after)
    held = _differences(after, fallen)
    for lines, words in ((changed, "change"), (held, "would lose points and do not (--let-fall lets them)")):
        if lines:
            print(f"{len(lines)} {words}:", *lines, sep="\n  ")
    return len(changed), len(held)


def _differences(before: list[Standing], after: list[Standing]) -> list[str]:
    lines = []
    for old, new in zip(before, after, strict=True):
        names = dict.fromkeys([*new.exercises, *old.exercises])
        pairs = [(name, *(_points(each, name) for each in (old, new))) for name in names]
        if parts := [f"{name} {was} -> {now}" for name, was, now in pairs if was != now]:
            lines.append(f"{shown(old.student)}: {', '.join(parts)}")
    return lines


def _points(each: Standing, exercise: str) -> str:
    return number(each.exercises[exercise].points) if exercise in each.exercises else "none"


# ---------------------------------------------------------------- override


def override(office: Office, wanted: str, student: str, exercise: str, points: float, reason: str) -> None:
    """Set the points of one exercise by hand; OfficeError where that makes no sense."""
    unit = office.unit(wanted).name
    with writing(office, "override", unit) as (records, _):
        mine = standing_of(office, records, wanted, student, exercise)
        fits(exercise, points, mine.exercises[exercise].of)
        if not reason.strip():
            raise OfficeError('an override needs a reason: --reason "what you saw"')
        records.add_override(unit, student, exercise, points, reason, mine.grading)
    print(f"{unit}, {shown(student)}, {exercise}: {_points(mine, exercise)} -> {number(points)}")


def standing_of(office: Office, records: Records, wanted: str, student: str, exercise: str) -> Standing:
    """How a student stands who has a grade of this exercise; OfficeError otherwise."""
    unit = office.unit(wanted).name
    stands = {each.student: each for each in tally.standings(office, records, unit)}
    if student not in stands:
        raise OfficeError(f"{unit}: nobody called {shown(student)} handed in; there are {some(list(stands))}")
    mine = stands[student]
    if mine.grading is None:
        raise OfficeError(f"{unit}: {shown(student)} is not graded yet: nnlab grade {wanted}")
    if exercise not in mine.exercises:
        raise OfficeError(f"{unit} has no exercise {exercise!r}: there are {', '.join(mine.exercises)}")
    return mine


def fits(exercise: str, points: float, of: float) -> None:
    """OfficeError where these are no points that the exercise can have."""
    if not (math.isfinite(points) and 0 <= points <= of):
        raise OfficeError(f"{exercise} is worth 0 to {of:g} points, not {points:g}")
