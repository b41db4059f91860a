"""What a student has done and what is still open, lesson by lesson: the table of `nnlab progress`."""

import importlib
import pkgutil

from course import labs
from course.check import UNITS, exercises_of
from course.record import Record


def questions() -> dict[str, list]:
    """The predictions of each unit by its number: {"1": [lab class, ...]}."""
    found: dict[str, list] = {}
    for package in pkgutil.iter_modules(labs.__path__):
        if package.ispkg:
            unit = importlib.import_module(f"course.labs.{package.name}")
            for name in unit.__all__:
                lab = getattr(unit, name)
                if lab.question:
                    found.setdefault(lab.id[:-1], []).append(lab)
    return {unit: sorted(labs, key=lambda lab: lab.id) for unit, labs in sorted(found.items())}


def rows(record: Record) -> list[tuple[str, str, str, str]]:
    """(lesson, predictions, exercises, what is open) for each unit."""
    done, table, asked = record.read(), [], questions()
    lessons = {str(int(folder.name[:2])): folder.name for folder in sorted(UNITS.glob("[0-9]*_*"))}
    exercises = {number: exercises_of(name) for number, name in lessons.items()}
    lessons["10"] = "10_playground"  # which has questions, and nothing to hand in
    for number, lesson in lessons.items():
        names = exercises.get(number, {})
        keys = [key for lab in asked.get(number, []) for key in (lab.id, *getattr(lab, "asks", ()))]
        locked = [done["predictions"][key] for key in keys if key in done["predictions"]]
        passed = [name for name in names if name in done["exercises"]]
        todo = [key for key in keys if key not in done["predictions"]] + [n for n in names if n not in passed]
        right = sum(bool(entry.get("right")) for entry in locked)
        table.append((lesson, f"{len(locked)} of {len(keys)}" + (f", {right} right" if locked else ""),
                      f"{len(passed)} of {len(names)}" if names else "none", ", ".join(todo) or "nothing"))
    return table


def show(record: Record) -> None:
    """Print the table, and where the record lies."""
    from rich.console import Console
    from rich.table import Table

    table = Table("lesson", "predictions", "exercises", "still open", title="Your progress")
    for row in rows(record):
        table.add_row(*row)
    console = Console()
    console.print(table)
    console.print(record.note or (f"kept in {record.path}" if record.path.exists() else
                                  f"nothing done yet in {record.path.parent}; another folder: nnlab progress --folder"),
                  soft_wrap=True, highlight=False)
