"""The instructor's commands: the course folder, taking in, grading, what a person changes, and the grades.

Like course/commands.py each only reads its options and calls the module that does the work; what is slow to import is
imported in the command that needs it. An error that can be mended is one line; what was recorded before it stays.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

HELP = """For instructors: releasing, collecting, grading.

The way of a unit through it:

\b
nnlab course new FOLDER         make it; go into it; then for each unit:
nnlab roster import FILE        who is in the course, from the LMS's own file
nnlab course check 1            after you changed a check: is it still right?
nnlab release 1                 make what students get
nnlab collect 1 downloads.zip   take in what students handed in
nnlab grade 1                   judge what is not graded yet
nnlab grades 1 --csv unit1.csv  the grades
nnlab mark 1                    what people mark, on a page without names
nnlab override 1 ann xor_why 2 --reason "says why"    what a person decides
nnlab regrade 1                 after a check was mended: see who changes, then let it count
nnlab regrade-request list      who asks for another look; grant or refuse it
nnlab feedback 1                a page for each student
nnlab report 1                  how the class did: checks, points, likeness, predictions
nnlab export 1 --to canvas ...  the points, in the file that the LMS exported
nnlab backup, nnlab restore     the record is backed up after every command that writes

Each of them has a help of its own: nnlab grade --help
"""

course = typer.Typer(help=HELP, no_args_is_help=True, rich_markup_mode=None)

Unit = Annotated[str, typer.Argument(metavar="UNIT", help="1, 01_neurons or neurons.")]
Course = Annotated[Path, typer.Option("--course", metavar="FOLDER", help="Your course folder.")]
Units = Annotated[Path | None, typer.Option("--units", metavar="FOLDER", help="Units elsewhere than in its units/.")]
Jobs = Annotated[int, typer.Option("--jobs", min=0, help="How many at once; 0: one for each processor.")]
Unsafe = Annotated[bool, typer.Option("--unsafe", help="Without a sandbox. Stamped on every grade it gives.")]


@contextlib.contextmanager
def mendable(command: str = "") -> Iterator[None]:
    """End with one line and exit code 1 where the reader can mend it; with 130 after Ctrl-C."""
    from course.grading.archive import IntakeError
    from course.grading.batch import Stopped
    from course.grading.kit import KitError
    from course.grading.office import OfficeError
    from course.grading.records import RecordsError
    from course.grading.release import ReleaseError
    from course.grading.sandbox import SandboxError
    from course.grading.strip import StripError

    try:
        yield
    except (OfficeError, RecordsError, Stopped, KitError, SandboxError, ReleaseError, StripError,
            IntakeError) as error:
        print(f"nnlab: {error}", file=sys.stderr)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        again = f"; the same command goes on: nnlab {command}" if command else ""
        print(f"nnlab: interrupted; everything recorded is kept{again}", file=sys.stderr)
        raise typer.Exit(130) from None


@course.command("new")
def course_new(
    folder: Annotated[Path, typer.Argument(help="The folder to make; it must not be there yet.")],
    units: Annotated[Path | None, typer.Option("--units", metavar="FOLDER", help="Where to copy units from.")] = None,
    name: Annotated[str, typer.Option(help="What the course is called; the folder's name if left out.")] = "",
) -> None:
    """Make the private folder of a course: a secret, the units to change, an empty record.

    Its README.md says what is what and what must never be published.

    Example: nnlab course new ~/courses/networks-2026
    """
    with mendable():
        from course.grading.office import new_office

        office = new_office(folder, units, name)
        print(f"{office.folder} holds {', '.join(office.units)}. Read its README.md, then: cd {office.folder}")


def collect(
    unit: Unit,
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Folders, zips or notebooks.")],
    folder: Course = Path(),
    again: Annotated[bool, typer.Option("--again", help="An older attempt that comes again counts as new.")] = False,
    anyone: Annotated[bool, typer.Option("--anyone", help="Also what is nobody's on the roster.")] = False,
) -> None:
    """Take in what students handed in: a folder, a zip, a download from the LMS.

    What is taken twice is taken once; a changed file is a new attempt. A file that is broken gets a row too. It says
    who has handed in nothing yet, as far as a roster or the notebooks given out tell. With a roster (nnlab roster
    import) everybody is called by their id there, and what is not clearly one person's is listed and left out.

    Example: nnlab collect 1 ~/Downloads/submissions.zip
    """
    with mendable(f"collect {unit}"):
        from course.grading import desk, intake, roster, shelf, tally
        from course.grading.office import open_office

        office = open_office(folder)
        name = office.unit(unit).name
        found = [each for path in paths for each in intake.collect(path)]
        people = roster.roster_of(office.folder)
        found, strangers = people.matched(found, anyone)
        with desk.writing(office, "collect", name) as (records, batch):
            taken = shelf.take(records, batch, name, found, again)
            missing, others = tally.unmatched(office, records, name, set(people.people))
        print(f"{name}: {taken.new} new, {taken.known} known already")
        for student, newest in taken.twice.items():
            print(f"  {shelf.shown(student)} handed in more than one file: {shelf.shown(newest)} counts")
        for student in taken.older:
            print(f"  {shelf.shown(student)}: an older attempt came again and was left; to make it the newest: --again")
        for file, problem in taken.problems:
            print(f"  {shelf.shown(file)}: {shelf.shown(problem)}")
        if strangers:
            done = "taken in under the names they have" if anyone else "left out"
            print(f"{len(strangers)} matched nobody, {done}:", *strangers, sep="\n  ")
            print(f"To mend it: {roster.MEND}" if not anyone else "", end="\n" * (not anyone))
        if others:
            print(f"  no notebook was made for {shelf.some(others, 20)}: does the roster write it otherwise?")
        if missing and people:
            lines = [people.people[each] for each in missing]
            print(f"{len(missing)} of {len(people.people)} have handed in nothing yet:", *lines, sep="\n  ")
        elif missing:
            print(f"  handed in nothing yet: {shelf.some(missing, 20)}")
        if taken.new:
            print(f"Next: nnlab grade {unit}")


def grade(
    unit: Unit,
    folder: Course = Path(),
    units: Units = None,
    jobs: Jobs = 0,
    unsafe: Unsafe = False,
    again: Annotated[bool, typer.Option("--again", help="Also what is graded already.")] = False,
) -> None:
    """Judge the newest attempt of each student that is not graded yet.

    Killed or interrupted, the same command goes on where it ended. What is graded already stays as it is, also
    after a check was mended: for that there is nnlab regrade.

    Example: nnlab grade 1 --jobs 4
    """
    with mendable(f"grade {unit}"):
        from course.grading import desk
        from course.grading.office import open_office

        well = desk.grade(open_office(folder), unit, units, jobs, unsafe, again)
        raise typer.Exit(0 if well else 1)


def regrade(
    unit: Unit,
    folder: Course = Path(),
    units: Units = None,
    student: Annotated[str | None, typer.Option(help="Only this one.")] = None,
    jobs: Jobs = 0,
    unsafe: Unsafe = False,
    again: Annotated[bool, typer.Option("--again", help="Also what exactly these checks have judged before.")] = False,
    let_fall: Annotated[bool, typer.Option("--let-fall", help="Let lower points count too.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Let it count without asking.")] = False,
) -> None:
    """Judge again after a check was mended: see who changes, then let it count.

    Both gradings stay in the record. Nobody loses points unless --let-fall is given: the higher one counts.

    Example: nnlab regrade 1 --student ann
    """
    with mendable(f"regrade {unit}"):
        from course.grading import desk
        from course.grading.office import open_office

        def agree() -> bool:
            return yes or (sys.stdin.isatty() and typer.confirm("Let this count?"))

        desk.regrade(open_office(folder), unit, units, student, jobs, unsafe, again, let_fall, agree)


def override(
    unit: Unit,
    student: Annotated[str, typer.Argument(help="As nnlab grades names them.")],
    exercise: Annotated[str, typer.Argument(help="The exercise's name.")],
    points: Annotated[float, typer.Argument(help="What it is worth now.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; it stays in the record.")],
    folder: Course = Path(),
) -> None:
    """Set the points of one exercise of one student by hand.

    It stands until the next override, whatever a re-grade says. What the judge gave stays in the record.

    Example: nnlab mark 1                    what people mark, on a page without names
nnlab override 1 ann xor_why 2 --reason "names the hidden space"
    """
    with mendable():
        from course.grading import desk
        from course.grading.office import open_office

        desk.override(open_office(folder), unit, student, exercise, points, reason)


def grades(
    unit: Annotated[str, typer.Argument(metavar="UNIT", help="1, 01_neurons or neurons; all for the whole course.")],
    folder: Course = Path(),
    csv: Annotated[Path | None, typer.Option("--csv", metavar="FILE", help="Write them there instead.")] = None,
) -> None:
    """The points of each student and exercise.

    Pending means that a person has to look at it; it is never 0. What lateness takes off, the penalty, is kept apart
    from the raw points; deadlines, groups and the like stand in course.toml. Of all units: the totals.

    Example: nnlab grades 1 --csv unit1.csv
    """
    with mendable():
        from course.grading import shelf, standing, store, tally
        from course.grading.office import open_office
        from course.grading.records import Records

        office = open_office(folder)
        with Records(office.folder) as records:
            if unit == "all":
                rows = tally.course(office, records)
            else:
                chosen = office.unit(unit)
                rows = standing.table(tally.standings(office, records, chosen.name), chosen.terms.excused)
        if csv:
            with store.explained(csv):
                csv.write_text(standing.as_csv(rows), encoding="utf-8-sig", newline="")  # the mark lets Excel read it
            print(f"{len(rows) - 1} students in {csv}")
        else:
            from course.grading.telling import show_table

            show_table([[shelf.shown(cell) for cell in row] for row in rows])


def backup(
    to: Annotated[Path | None, typer.Option("--to", metavar="FOLDER", help="Copy everything, to another disk.")] = None,
    folder: Course = Path(),
) -> None:
    """Back up the record, or with --to the whole course folder.

    The record is also backed up, into backups/, after every command that writes it.

    Example: nnlab backup --to /media/usb/networks-2026
    """
    with mendable():
        from course.grading.office import copy_all, open_office
        from course.grading.records import Records

        office = open_office(folder)
        with Records(office.folder, write=True) as records:
            print(f"The record is in {records.back_up()}")
            if to:
                print(f"{copy_all(office, to, records)} files are in {to}, the secret among them: keep it private")


def restore(
    file: Annotated[Path | None, typer.Argument(help="A backup; the newest in backups/ if left out.")] = None,
    folder: Course = Path(),
    yes: Annotated[bool, typer.Option("--yes", help="Also where the record is sound.")] = False,
) -> None:
    """Put a backup in the place of a damaged record.

    What was there is moved aside, never deleted. Afterwards collect and grade again what came after the backup:
    the same checks give the same grades.

    Example: nnlab restore
    """
    with mendable():
        from course.grading import backups
        from course.grading.office import open_office

        used, aside, kept = backups.put_back(open_office(folder).folder, file, yes)
        print(f"{used.name} is in place, with {kept} gradings."
              + (f" What was there is in {aside.name}." if aside else ""))
        print("What came after it: nnlab collect and nnlab grade again, and give its overrides anew.")


COMMANDS = [collect, grade, regrade, override, grades, backup, restore]
