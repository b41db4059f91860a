"""The instructor's commands about the class: who is in it, what people mark, who asks for another look, how it did.

Like commands.py each only reads its options and calls the module that does the work.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from course.grading.commands import Course, Unit, mendable
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
        before = people.roster_of(office.folder).people
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


# ---------------------------------------------------------------- marking by people


def mark(
    unit: Unit,
    marker: Annotated[str, typer.Option("--marker", metavar="NAME", help="Who marks; one of markers in course.toml.")]
    = "",
    folder: Course = Path(),
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page.")] = True,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any that is free.")] = 0,
) -> None:
    """Mark what people mark, on a page of this machine: one question across all students, without their names.

    Points by the unit's private/rubric.toml, a comment, all of it by keys if one likes. Each mark is in the record
    before the page says that it is kept; what is not marked stays pending, which is never 0. With several names under
    markers in course.toml each gets a share, and a tenth (at least 5) is marked by two, to see how far they agree; of
    these the mark of who was first counts until that marker changes it.

    Example: nnlab mark 1 --marker maria
    """
    with mendable(f"mark {unit}"):
        from course.grading.marking import Marking
        from course.grading.marking_page import serve
        from course.grading.office import open_office

        serve(Marking(open_office(folder), unit, marker), port, browser)


# ---------------------------------------------------------------- regrade requests

requests = typer.Typer(help="Students who ask for another look at a grade.\n\nExample: nnlab regrade-request list 1",
                       no_args_is_help=True, rich_markup_mode=None)
Number = Annotated[int, typer.Argument(metavar="NUMBER", help="As nnlab regrade-request list shows it.")]
Reason = Annotated[str, typer.Option("--reason", help="Why, for the student to read.")]


@requests.command("add")
def request_add(
    unit: Unit,
    student: Annotated[str, typer.Argument(help="As nnlab grades names them.")],
    exercise: Annotated[str, typer.Argument(help="The exercise's name.")],
    claim: Annotated[str, typer.Option("--claim", help="What the student says.")],
    folder: Course = Path(),
) -> None:
    """Write down that a student asks for another look at an exercise.

    Example: nnlab regrade-request add 1 ann xor_why --claim "I did name the hidden space, in the last line"
    """
    with mendable():
        from course.grading import requests as asking
        from course.grading.office import open_office

        made = asking.ask(open_office(folder), unit, student, exercise, claim)
        print(f"It is request {made}. To decide it: nnlab regrade-request grant {made} --points 2 --reason \"...\", or "
              f"nnlab regrade-request refuse {made} --reason \"...\"")


@requests.command("list")
def request_list(
    unit: Annotated[str, typer.Argument(metavar="[UNIT]", help="1, 01_neurons or neurons; all if left out.")] = "",
    folder: Course = Path(),
    decided: Annotated[bool, typer.Option("--decided", help="Also those that are decided.")] = False,
) -> None:
    """The requests that are open: who, which exercise, the claim, the points then and now.

    Example: nnlab regrade-request list 1 --decided
    """
    with mendable():
        from course.grading import requests as asking
        from course.grading.office import open_office
        from course.grading.records import Records
        from course.grading.shelf import shown
        from course.grading.telling import show_table

        office = open_office(folder)
        with Records(office.folder) as records:
            rows = asking.table(office, records, unit and office.unit(unit).name, decided)
        if len(rows) == 1:
            print("No request is open" if not decided else "Nobody has asked")
        else:
            show_table([[shown(cell) for cell in row] for row in rows])


@requests.command("grant")
def request_grant(
    request: Number,
    reason: Reason,
    points: Annotated[float | None, typer.Option(help="What the exercise is worth now; may be left out where a mended "
                                                      "check has raised it.")] = None,
    folder: Course = Path(),
    let_fall: Annotated[bool, typer.Option("--let-fall", help="Also if that is less than before.")] = False,
) -> None:
    """Grant a request: the points become an override, and the student's page says why.

    Nobody loses points by asking, unless --let-fall is given. Where the check was wrong, mend it and nnlab regrade:
    that helps all whom it hit; then grant the request without --points.

    Example: nnlab regrade-request grant 3 --points 2 --reason "yes: it is in the last line"
    """
    with mendable():
        from course.grading import requests as asking
        from course.grading.office import open_office

        print(asking.decide(open_office(folder), request, True, reason, points, let_fall))


@requests.command("refuse")
def request_refuse(request: Number, reason: Reason, folder: Course = Path()) -> None:
    """Refuse a request: the points stay, and the student's page says why.

    Example: nnlab regrade-request refuse 3 --reason "the hidden space is named, but not what it does"
    """
    with mendable():
        from course.grading import requests as asking
        from course.grading.office import open_office

        print(asking.decide(open_office(folder), request, False, reason))


# ---------------------------------------------------------------- the report


def report(
    unit: Unit,
    folder: Course = Path(),
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Where to write it; in reports/ if left "
                                                                           "out.")] = None,
) -> None:
    """Write one page about how the class did, for you alone.

    Which checks fail, and which of them may be wrong themselves; how the points are spread; whose sources are alike,
    side by side, and how often that comes by chance: evidence, never a verdict; what those predicted who handed their
    predictions in.

    Example: nnlab report 1
    """
    with mendable():
        from course.grading import report as telling
        from course.grading.office import open_office

        made = telling.write(open_office(folder), unit, out)
        print(f"The report is in {made}. It names students: it is for you alone")


COMMANDS = [mark, report]
