"""A unit for a course that is run by nbgrader (0.9): the author's notebook with our checks as its autograded tests.

Each exercise gets two tests, visible and hidden; the value of their last line is the points, as nbgrader's partial
credit wants it. An instructor who grades there has one notebook for all students and loses what the judge adds: student
code and checks share a process, so it can read the hidden checks (they are in the kernel's history) or change what they
compare with; a cell that never ends, or that ends the kernel, costs all exercises after it; anything written to stderr
costs the visible points; the gradebook and the course folder are open to whatever runs; feedback shows hidden checks.
"""

from __future__ import annotations

import ast
import contextlib
import copy
import io
import json
import sys
import textwrap
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from course.check import find
from course.exercise import Call, Exercise
from course.grading import store, strip
from course.grading.judge import EVERYONE, variant_of
from course.grading.kit import Kit

BEGIN, END = "### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS"
HAND_IN = ("**Handing in.** Save, then choose *Submit* in the list of assignments. (There is no cell to run for it "
           "here, whatever is said above.)")
CONFIG = """c = get_config()
c.CourseDirectory.course_id = "nnlab"
c.ClearSolutions.code_stub = {"python": "...  # your code here"}
c.ClearSolutions.text_stub = "*Your words here.*"
"""


def export(kit: Kit, folder: Path, secret: bytes) -> Path:
    """Write folder/source/UNIT, and the settings of nbgrader unless there are some. The notebook that was written."""
    place, settings = folder / "source" / kit.unit, folder / "nbgrader_config.py"
    with store.explained(folder):
        place.mkdir(parents=True, exist_ok=True)
        if not settings.exists():
            settings.write_text(CONFIG, encoding="utf-8")
        for name in ("unit.toml", "graded.py"):
            (place / name).write_bytes((kit.folder / name).read_bytes())
        file = place / f"{kit.unit}.ipynb"
        file.write_text(json.dumps(exported(kit, secret), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return file


def exported(kit: Kit, secret: bytes) -> dict[str, Any]:
    """The source notebook, for nbgrader's generate_assignment."""
    variants = {name: variant_of(exercise, secret, EVERYONE) for name, exercise in kit.visible.items()}
    notebook = strip.filled(strip.load(kit.folder / "private" / "assignment.ipynb"), variants)
    hidden = (kit.folder / "private" / "hidden.py").read_text(encoding="utf-8")
    cells = []
    for cell in notebook["cells"]:
        name = strip.label(cell)
        if name == "handin":
            mark = {**cell["metadata"]["nbgrader"], "cell_type": "markdown"}
            cell = {"cell_type": "markdown", "id": cell["id"], "metadata": {"nbgrader": mark}, "source": HAND_IN}
        else:
            prose = cell["cell_type"] == "markdown" and cell["metadata"]["nbgrader"]["solution"]  # it puts words there
            cell["source"] = "\n".join(line for kind, line in strip.parts(cell) if kind == strip.SOLUTION or (
                strip.SOLUTION in line if kind == "marker" else not prose))
        cells.append(cell)
        exercise = name.removesuffix("-check")
        if name != exercise and exercise in kit.visible:
            numbers = repr(variants[exercise])
            cell["source"] += f"\n{BEGIN}\n{_IMPORT}\nscore({exercise!r}, {numbers})\n{END}"
            cell["metadata"]["nbgrader"]["points"] = _points(kit.visible[exercise])
            if exercise in kit.hidden:
                cells.append(_hidden_cell(cell, exercise, kit.hidden[exercise], hidden, numbers))
    return {**notebook, "cells": cells}


_IMPORT = "from course.grading.nbgrader_export import score"


def _points(exercise: Exercise) -> float:
    return sum(check.points for check in exercise.checks)


def _hidden_cell(visible: dict, name: str, exercise: Exercise, source: str, numbers: str) -> dict:
    cell, count = copy.deepcopy(visible), len(exercise.checks)
    cell["id"] = f"{visible['id'][:57]}-hidden"
    cell["metadata"]["nbgrader"] |= {"grade_id": f"{name}-hidden", "points": _points(exercise)}
    body = textwrap.indent(f"{part_of(source, name)}\nreturn {name}", "    ")
    cell["source"] = (f"# {count} more check{' runs' if count == 1 else 's run'} here after you hand in.\n{BEGIN}\n"
                      f"def _hidden():\n{body}\n\n{_IMPORT}\nscore({name!r}, {numbers}, _hidden())\n{END}")
    return cell


def part_of(source: str, name: str) -> str:
    """The statements of private/hidden.py that one exercise needs: its own, and the helpers that these use."""
    statements = ast.parse(source).body
    binds = [_binds(each) for each in statements]
    chosen = {i for i, names in enumerate(binds) if name in names}
    while more := {i for i, names in enumerate(binds) if i not in chosen and names & {
            used.id for j in chosen for used in ast.walk(statements[j]) if isinstance(used, ast.Name)}}:
        chosen |= more
    lines, parts = source.split("\n"), []
    for i in sorted(chosen):
        first = min([statements[i].lineno, *(each.lineno for each in getattr(statements[i], "decorator_list", []))])
        parts.append("\n".join(lines[first - 1:statements[i].end_lineno]))
    return "\n\n".join(parts)


def _binds(statement: ast.stmt) -> set[str]:
    """The names that a statement makes, or the exercise that it belongs to."""
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return {(each.asname or each.name).split(".")[0] for each in statement.names}
    if decorators := getattr(statement, "decorator_list", []):
        return {next(used.id for used in ast.walk(each) if isinstance(used, ast.Name)) for each in decorators}
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return {statement.name}
    return {used.id for used in ast.walk(statement) if isinstance(used, ast.Name) and isinstance(used.ctx, ast.Store)}


def score(name: str, variant: dict[str, Any], hidden: Exercise | None = None) -> float:
    """In nbgrader's kernel: the points that the visible, or these hidden, checks give to what has this name there."""
    exercise, points = hidden or find(name), 0.0
    written = sys._getframe(1).f_globals.get(name)
    for number, check in enumerate(exercise.checks):
        with contextlib.suppress(Exception, SystemExit), contextlib.redirect_stderr(io.StringIO()), \
                warnings.catch_warnings(), np.errstate(all="ignore"):
            if written is not None and (exercise.is_value or callable(written)):
                check.run(Call(exercise, written, variant), np.random.default_rng([number, *name.encode(), 1]))
                points += check.points
    return points
