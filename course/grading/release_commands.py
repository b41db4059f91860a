"""The instructor's commands before students begin: is a unit right, and what does each student get of it?

Like commands.py each only reads its options and calls the module that does the work.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Annotated

import typer

from course.grading.commands import Course, Jobs, Unit, Units, Unsafe, course, mendable


@course.command("check")
def course_check(
    unit: Annotated[str, typer.Argument(metavar="UNIT", help="1, 01_neurons or neurons; all for all of them.")],
    folder: Course = Path(),
    units: Units = None,
    jobs: Jobs = 0,
    unsafe: Unsafe = False,
) -> None:
    """Try the checks of a unit on its bank: known wrong solutions, and right but unusual ones.

    Every wrong one must lose a point and no unusual one may. The bank is private/mutants.py; add what your students
    get wrong, and check again whenever you change a check. Ends with 1 if a check is not right.

    Example: nnlab course check 1
    """
    with mendable():
        from course.grading import bank
        from course.grading.kit import load_kit
        from course.grading.office import OfficeError, meant, open_office
        from course.grading.sandbox import level_here
        from course.grading.telling import Progress, show_table

        place = (units or open_office(folder).folder / "units").resolve()
        known = sorted(file.parts[-3] for file in place.glob("*/private/mutants.py"))
        chosen = known if unit == "all" else [name for name in [meant(unit, known)] if name]
        if not chosen:
            raise OfficeError(f"no unit {unit!r} with a bank in {place}; known are {', '.join(known) or 'none'}")
        level, wrong = level_here(unsafe), []
        for name in chosen:
            tried = bank.Bank(load_kit(place / name))
            with Progress(f"{name}: judged", len(tried)) as progress:
                found = list(tried.figures(level, jobs or len(os.sched_getaffinity(0)), progress.step))
            show_table([bank.HEADS, *(each.row for each in found)])
            for each in found:
                wrong += [f"{each.name}: no point is lost by: {bug}" for bug in each.survivors]
                wrong += [f"{each.name}: right, and refused: {way}" for way in each.failed]
        print(*wrong, sep="\n", end="\n" if wrong else "")
        raise typer.Exit(1 if wrong else 0)


def release(
    unit: Unit,
    folder: Course = Path(),
    units: Units = None,
    roster: Annotated[Path | None, typer.Option(
        metavar="FILE", help="A CSV file with a column id: a notebook for each, with numbers of their own. "
                             "If left out: who is on the course's roster.")] = None,
    everyone: Annotated[bool, typer.Option("--everyone", help="One notebook for all, whatever the roster.")] = False,
    amend: Annotated[str, typer.Option(
        metavar="TEXT", help="A new version, after you mended the unit: what was wrong, for students to read.")] = "",
    for_nbgrader: Annotated[Path | None, typer.Option(
        metavar="FOLDER", help="Instead, write FOLDER/source/UNIT for a course that is run by nbgrader.")] = None,
) -> None:
    """Make what students get of a unit: the notebook without its solutions, and the visible checks.

    Refused where the solutions do not get every point, what students start from gets one, or a line of a solution or
    of a hidden check would be given away. Each version is kept with the checks that grade it; so what was handed in
    of an old one stays gradable.

    Example: nnlab release 1
    """
    with mendable():
        from course.grading import desk
        from course.grading import release as making
        from course.grading.office import OfficeError, open_office
        from course.grading.roster import roster_of

        office = open_office(folder)
        name = office.unit(unit).name
        if roster and everyone:
            raise OfficeError("--roster gives each a notebook, --everyone gives all the same: leave one out")
        if for_nbgrader and (roster or amend):
            raise OfficeError("nbgrader gives all students the same notebook: --for-nbgrader goes without --roster "
                              "and --amend")
        if amend and units:
            raise OfficeError("--amend changes the course's own copy of a unit: it goes without --units")
        with desk.writing(office, "release", name) as (records, _):
            if for_nbgrader:
                from course.grading.nbgrader_export import export

                kit, notebook = making.assigned(office, name, units)
                making.gate(kit, notebook, office.secret())
                file = export(kit, for_nbgrader, office.secret())
                records.add_releases([making.row(kit, making.EVERYONE, file, str(file.resolve()))], "for nbgrader")
                print(f"{file}\nNext, in {for_nbgrader}: nbgrader generate_assignment {name}")
                return
            known = [] if everyone else list(roster_of(office.folder).people)
            students = making.read_roster(roster) if roster else known
            with making.amended(office, name, amend) if amend else contextlib.nullcontext(office) as at:
                made = making.release(at, name, students, units)
            new = records.add_releases(making.receipt(made), amend)
        one = len(made.students) == 1
        print(f"{name} {made.kit.version}: {len(made.students)} notebook{'' if one else 's'}, {new} new or changed, "
              f"in {made.folder / ('students' if students else 'everyone')}")
        print("A folder there goes to its student as it is: the notebook, and beside it the checks that can be tried.")
        print(f"Next, when they have handed in: nnlab collect {unit} PATH")


COMMANDS = [release]
