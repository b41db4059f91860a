"""The instructor's commands about the class: who is in it.

Like commands.py each only reads its options and calls the module that does the work.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from course.grading.commands import Course, mendable
from course.grading.giving_commands import listed

roster = typer.Typer(help="Who is in the course.\n\nExample: nnlab roster import grades.csv", no_args_is_help=True,
                     rich_markup_mode=None)


@roster.callback()
def _roster() -> None:
    """Who is in the course, from the LMS's own file."""


@roster.command("import")
def roster_import(
    file: Annotated[Path, typer.Argument(help="The gradebook or roster that the LMS exported, as CSV.")],
    folder: Course = Path(),
    key: Annotated[str, typer.Option("--id", metavar="COLUMN", help="The column with the ids to use.")] = "",
) -> None:
    """Read who is in the course from the LMS's own file.

    Canvas's gradebook (by its column ID, or as --id says), Moodle's (ID number, else email), Gradescope's roster (SID,
    else email), or any CSV file with the columns id, name, email. From then on collect calls everybody by these ids
    and lists who is missing, and release makes a notebook for each. Import a newer file at any time: it says what
    changed, and every grade stays.

    Example: nnlab roster import grades.csv --id "SIS Login ID"
    """
    with mendable():
        from course.grading import roster as people
        from course.grading.office import open_office
        from course.grading.records import Records
        from course.grading.shelf import shown

        office = open_office(folder)
        before = people.load(office.folder).people
        new, changes = people.take(office, file.expanduser(), key)
        with Records(office.folder) as records:
            known = {each.student for unit in office.units for each in records.submissions(unit)}
        print(f"{len(new.people)} people are on the roster" + (f", {len(changes.added)} of them new" * bool(before)))
        listed("new", changes.added if before else [])
        listed("gone from the file; what they handed in and their grades stay", changes.gone)
        listed("have another name or email", changes.renamed)
        listed("have another id now; what they handed in stays under the old one", changes.moved,
               "to keep the old ids, import with the --id of before")
        listed("rows left out", changes.left)
        listed("have handed in before under a name that is no id of the roster",
               sorted(shown(each) for each in known - set(new.people) - set(before)))
