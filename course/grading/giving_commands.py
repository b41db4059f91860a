"""The instructor's commands that give something back: feedback for students, points for the LMS.

Like commands.py each only reads its options and calls the module that does the work.
"""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from course.grading.commands import Course, Unit, mendable


class Lms(StrEnum):
    """Where points go."""

    CANVAS, MOODLE, GRADESCOPE, CSV = "canvas", "moodle", "gradescope", "csv"


class Zips(StrEnum):
    """Where a zip of feedback goes."""

    CANVAS, MOODLE = "canvas", "moodle"


def export(
    unit: Unit,
    to: Annotated[Lms, typer.Option("--to", help="Whose file it is.")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Where to write it, filled in.")],
    source: Annotated[Path | None, typer.Option("--from", metavar="FILE", help="What the LMS exported.")] = None,
    column: Annotated[str, typer.Option(help="The column to fill in, if none is called like the unit.")] = "",
    key: Annotated[str, typer.Option("--id", metavar="COLUMN", help="The column with your names for students.")] = "",
    folder: Course = Path(),
) -> None:
    """Write the points of a unit into the file that the LMS exported.

    One column is filled in, and every other byte stays as it was. What is pending or not graded stays as it is and is
    listed, and so is who is in the file and not in the record, and the reverse. Gradescope gets a zip with a
    results.json for each submission; there --from is its export of submissions, and may be left out.

    Example: nnlab export 1 --to canvas --from grades.csv --out unit1.csv
    """
    with mendable():
        from course.grading import giveback
        from course.grading.cells import ExportError
        from course.grading.export import export as fill_in
        from course.grading.office import open_office

        office = open_office(folder)
        if to == Lms.GRADESCOPE:
            if column or key:
                raise ExportError("a results.json has no columns: leave --column and --id out")
            returned = giveback.results(office, unit, source, out)
            print(f"{returned.files} results.json in {out}")
            _told(returned)
            return
        if source is None:
            raise ExportError(f"--from is missing: the CSV file that {to.value.title()} exported"
                              if to != Lms.CSV else "--from is missing: the CSV file to fill in")
        filled = fill_in(office, unit, to.value, source.expanduser(), out, column, key)
        print(f"{filled.written} written into {out}, {filled.same} are there already")
        listed("changed", filled.changed)
        listed("pending, left as they are", filled.pending)
        listed("not graded yet", filled.ungraded, f"nnlab grade {unit}")
        listed("excused, left as they are", filled.excused)
        listed("left, as the file says something else than a number", filled.kept)
        listed("left, as it is not clear who is who", filled.unclear)
        listed("in the file, and handed in nothing", filled.only_in_file)
        listed("handed in, and not in the file", filled.only_here)
        for note in filled.notes:
            print(f"nnlab: {note}", file=sys.stderr)


def feedback(
    unit: Unit,
    folder: Course = Path(),
    student: Annotated[str | None, typer.Option(help="Only this one.")] = None,
    to: Annotated[Zips | None, typer.Option("--to", help="Also make a zip for it.")] = None,
    source: Annotated[Path | None, typer.Option("--from", metavar="PATH", help="Its download of what was handed in.")]
    = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE.zip", help="Where to write the zip.")] = None,
) -> None:
    """Write a page of feedback for each student.

    It shows the points that count, what the visible checks found and what the code printed; of the hidden checks the
    title and the symptom. Give each student only the page that is theirs: with --to, --from and --out they are packed
    into a zip that the LMS takes back and hands out. Moodle: Upload multiple feedback files in a zip. Canvas: Upload
    submissions; it shows the page under the name of the student's notebook, so there it is one.

    Example: nnlab feedback 1 --to moodle --from downloads.zip --out feedback.zip
    """
    with mendable(f"feedback {unit}"):
        from course.grading import giveback
        from course.grading.cells import ExportError
        from course.grading.feedback import give
        from course.grading.office import open_office

        if to and not (source and out):
            raise ExportError("--to needs --from, what the LMS let you download, and --out, the zip to write")
        if (source or out) and not to:
            raise ExportError("--from and --out make a zip for an LMS: say which with --to")
        if to and student:
            raise ExportError("a zip holds the pages of all: leave --student out")
        office = open_office(folder)
        given = give(office, unit, student)
        print(f"{given.pages} pages written into {given.folder}"
              + (f", {given.same} are there already and unchanged" if given.same else ""))
        if given.ungraded:
            print(f"{given.ungraded} not graded yet, without a page: nnlab grade {unit}")
        if to:
            returned = giveback.zip_back(office, unit, to.value, source, out)
            print(f"{returned.files} of them in {out}, for {to.value.title()}")
            _told(returned)


def _told(returned) -> None:
    listed("pending, without a file", returned.pending)
    listed("not graded yet", returned.ungraded)
    listed("in the download, and not in the record", returned.only_there, "collect it first")
    listed("in the record, and not in the download", returned.only_here)
    listed("without a name that the LMS would know again", returned.nameless)


def listed(words: str, names: list[str], hint: str = "") -> None:
    if names:
        print(f"{len(names)} {words}{f' ({hint})' if hint else ''}:")
        for name in names:
            print(f"  {name}")


COMMANDS = [export, feedback]
