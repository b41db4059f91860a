"""The commands of `nnlab`, as people see them: their names, options, help and exit codes.

Each one only reads its options and calls the module that does the work; an error that the reader can
mend is printed as one line. Later commands are added here, as functions or as groups (`nnlab course ...`).
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from course import lessons, record
from course.grading import class_commands, giving_commands, release_commands
from course.grading import commands as grading

FOLDER = "nnlab-lessons"

HELP = """A course on neural networks that lives in Jupyter.

\b
nnlab lab                       the lessons, in the folder nnlab-lessons here
nnlab lab my-course --lesson 2  in a folder of your own, opened on lesson 2
nnlab lessons my-course         only lay the lessons there, start nothing
nnlab progress                  the predictions and exercises done so far
nnlab check                     try the assignment in this folder, before handing in
nnlab handin 1                  write the one file to hand in, with a receipt
nnlab doctor                    what this machine can do and what is missing
"""

app = typer.Typer(
    name="nnlab",
    help=HELP,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Folder = Annotated[Path, typer.Argument(help="Your folder for the lessons; made if it is not there.")]
Restore = Annotated[
    list[str] | None,
    typer.Option("--restore", metavar="LESSON", help="Lay a lesson you deleted again: 1, 01_neurons. Repeatable."),
]


def version_line(asked: bool) -> None:
    if asked:
        from course import doctor

        print(doctor.version_line())
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=version_line, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """The options before any command; `--version` acts by itself."""


@app.command()
def lab(
    folder: Folder = Path(FOLDER),
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open it, or print the address.")] = True,
    port: Annotated[int, typer.Option(help="Where to listen; the next free one if taken.")] = 8888,
    lesson: Annotated[str, typer.Option(help="The lesson to open: 3, 03_training, training.")] = "1",
    restore: Restore = None,
    present: Annotated[bool, typer.Option("--present", help="For a lecture: no lab waits for a prediction.")] = False,
) -> None:
    """Open the lessons in JupyterLab.

    They are laid into FOLDER and opened there. What you changed is never overwritten: a newer
    version of a lesson is laid beside yours.

    Example: nnlab lab my-course --lesson 2
    """
    from course import launch

    first = lessons.find_lesson(lesson, lessons.shipped_lessons(lessons.shipped_folder()))
    folder = lay(folder, restore)
    launch.start(folder, first.name, port=port, browser=browser, present=present)


@app.command("lessons")
def lay_lessons(folder: Folder = Path(FOLDER), restore: Restore = None) -> None:
    """Lay or update the lessons in a folder.

    The same as `nnlab lab` without starting Jupyter: for a hub, a Docker image, Colab.

    Example: nnlab lessons ~/course --restore 1
    """
    print(f"The lessons are in {lay(folder, restore)}")


@app.command()
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings for a program to read.")] = False,
) -> None:
    """Say what works here and what is missing.

    Versions, what this machine can do, and how to mend what it cannot. Ends with 1 if lessons cannot run.

    Example: nnlab doctor
    """
    from course import doctor

    findings = doctor.examine()
    doctor.show(findings, as_json=as_json)
    raise typer.Exit(0 if doctor.lessons_can_run(findings) else 1)


progress = typer.Typer(
    help="Show what you have done, or carry it to another machine.\n\nExample: nnlab progress export my-progress.json",
    invoke_without_command=True,
)
app.add_typer(progress, name="progress")
Lessons = Annotated[Path, typer.Option("--folder", help="Your folder of lessons.")]


@progress.callback()
def show_progress(context: typer.Context, folder: Lessons = Path(FOLDER)) -> None:
    """Without a command: show the predictions locked and the exercises passed, lesson by lesson."""
    context.obj = record.Record(folder.expanduser())
    if context.invoked_subcommand is None:
        from course import overview

        overview.show(context.obj)


@progress.command("export")
def export_progress(context: typer.Context, file: Annotated[Path, typer.Argument(help="Where to write it.")]) -> None:
    """Write your record to a file, to take with you."""
    print(record.export(context.obj, file))


@progress.command("import")
def import_progress(
    context: typer.Context, file: Annotated[Path, typer.Argument(help="A file made by export.")]
) -> None:
    """Add the record in a file to yours. Nothing is lost: of two predictions for one lab the earlier stays."""
    print(record.take_over(context.obj, file))


# ---------------------------------------------------------------- assignments


@app.command()
def check(
    what: Annotated[list[str] | None, typer.Argument(metavar="[NAME|NOTEBOOK]...", help="Exercises, a file.")] = None,
) -> None:
    """Run the visible checks of an assignment in a fresh Python.

    Of one exercise or of all, in the notebook named or the one in this folder. Ends with 1 if a check fails.

    Example: nnlab check 01_neurons.ipynb perceptron_fit
    """
    from course.grading import handin

    with mendable():
        files = [each for each in what or [] if each.endswith(".ipynb")]
        names = [each for each in what or [] if not each.endswith(".ipynb")]
        notebook = handin.read(Path(files[0]) if files else handin.only_one(Path.cwd()))
        kit = handin.kit_of(notebook)
        for name in names:
            kit.asked(name)
        for line in handin.warnings(notebook, kit):
            print(f"WARNING: {line}")
        tried = handin.try_out(notebook, kit, names or None)
        print(*[line for each in tried for line in each.lines()], sep="\n")
    raise typer.Exit(0 if all(each.passed for each in tried) else 1)


@app.command("handin")
def hand_in(
    unit: Annotated[str, typer.Argument(metavar="UNIT", help="1, 01_neurons or neurons.")],
    file: Annotated[Path | None, typer.Argument(help="Your notebook; found by itself if there is only one.")] = None,
    to: Annotated[Path | None, typer.Option("--to", metavar="FOLDER", help="Where to write the file.")] = None,
    predictions: Annotated[
        bool, typer.Option("--with-predictions", help="Put the predictions you locked in the lessons in too.")
    ] = False,
) -> None:
    """Write the one file to hand in, and print a receipt.

    It reads your notebook from the disk, so save it first. What you handed in before is kept beside it.

    Example: nnlab handin 1
    """
    from course.grading import handin

    with mendable():
        handin.handin(unit, file, to, predictions)


@contextlib.contextmanager
def mendable() -> Iterator[None]:
    """End with one line and exit code 1 where the reader can mend it."""
    from course.grading.handin import HandinError
    from course.grading.kit import KitError

    try:
        yield
    except (HandinError, KitError) as error:
        print(f"nnlab: {error}", file=sys.stderr)
        raise typer.Exit(1) from None


# The instructor's commands are listed by `nnlab course`, so that a student's list stays short.
app.add_typer(grading.course, name="course")
app.add_typer(class_commands.roster, name="roster", hidden=True)
app.add_typer(class_commands.requests, name="regrade-request", hidden=True)
for command in [*release_commands.COMMANDS, *grading.COMMANDS, *giving_commands.COMMANDS, *class_commands.COMMANDS]:
    app.command(hidden=True)(command)


def lay(folder: Path, restore: list[str] | None) -> Path:
    """Lay the lessons and tell what was done, in as few lines as there is news."""
    folder = folder.expanduser().resolve()
    report = lessons.lay(lessons.shipped_folder(), folder, tuple(restore or ()))
    for done, names in (("New", report.new), ("Updated", report.updated)):
        if names:
            print(f"{done} in {folder}: {', '.join(names)}")
    for note in report.notes:
        print(note)
    return folder


def run(arguments: list[str] | None = None) -> int:
    """Run the command line and turn its ending into an exit code."""
    try:
        app(args=arguments, prog_name="nnlab")
    except SystemExit as end:  # how typer ends, well or not
        return end.code if isinstance(end.code, int) else int(bool(end.code))
    except (lessons.LessonsError, record.RecordError) as error:
        print(f"nnlab: {error}", file=sys.stderr)
        return 1
    return 0
