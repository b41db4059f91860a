"""The author's notebook and what becomes of it: the solved one, the students' one, and what must not be in that.

`### BEGIN SOLUTION` to `### END SOLUTION` is the author's and goes; `### BEGIN GIVEN` to `### END GIVEN` is what
students start from and stays. The markers are lines of their own.
"""

from __future__ import annotations

import ast
import copy
import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

SOLUTION, GIVEN = "SOLUTION", "GIVEN"
FRAME = "...  # your code here"
_MARKER = re.compile(r"\s*### (BEGIN|END) (SOLUTION|GIVEN)\s*$")
_PLACE = re.compile(r"\{\{(\w+)\.(\w+)\}\}")
_SHORT = 12  # characters: `return x` and `w = 0` stand everywhere
_LONG = 40  # no two people write the same line of that length by chance


class StripError(Exception):
    """The notebook cannot be taken apart; the message names the cell."""


def load(file: Path) -> dict[str, Any]:
    """A notebook as plain JSON, each source one text. Raises StripError."""
    try:
        notebook = json.loads(file.read_text(encoding="utf-8"))
        for cell in notebook["cells"]:
            cell["source"] = "".join(cell["source"])
    except FileNotFoundError:
        raise StripError(f"there is no {file}: the author's notebook with the solutions") from None
    except (ValueError, KeyError, TypeError) as problem:
        raise StripError(f"{file} is no notebook: {problem}") from None
    return notebook


def label(cell: dict) -> str:
    return cell.get("metadata", {}).get("nbgrader", {}).get("grade_id", cell.get("id", "?"))


def parts(cell: dict) -> list[tuple[str, str]]:
    """(kind, line) of each line of a cell: "" outside, SOLUTION, GIVEN, or "marker". Raises StripError."""
    found, inside = [], ""
    for number, line in enumerate(cell["source"].split("\n"), 1):
        marker = _MARKER.match(line)
        if not marker:
            if "### BEGIN" in line or "### END" in line:
                raise StripError(f"cell {label(cell)}, line {number}: {line.strip()!r} is no marker; they are "
                                 "### BEGIN SOLUTION, ### END SOLUTION, ### BEGIN GIVEN and ### END GIVEN")
            found.append((inside, line))
            continue
        begins, kind = marker[1] == "BEGIN", marker[2]
        if (begins and inside) or (not begins and inside != kind):
            where = f"stands inside {inside}" if inside else "has no BEGIN before it"
            raise StripError(f"cell {label(cell)}, line {number}: {line.strip()} {where}")
        inside = kind if begins else ""
        found.append(("marker", line))
    if inside:
        raise StripError(f"cell {label(cell)}: ### BEGIN {inside} has no ### END {inside}")
    return found


def solved(notebook: dict) -> dict:
    """What a student with all the right answers would hand in."""
    return _with(notebook, lambda cell: [line for kind, line in parts(cell) if kind in ("", SOLUTION)])


def stripped(notebook: dict) -> dict:
    """What students get, with nothing in it but sources and the marks that graders need."""
    notebook = _with(notebook, _frame)
    kept = {key: notebook["metadata"][key] for key in ("kernelspec", "language_info") if key in notebook["metadata"]}
    notebook["metadata"] = kept
    for cell in notebook["cells"]:
        grader = cell["metadata"].get("nbgrader")
        cell["metadata"] = {"nbgrader": grader} if grader else {}
        if grader and grader.get("locked"):
            cell["metadata"] |= {"deletable": False, "editable": False}
        cell.pop("attachments", None)
        if cell["cell_type"] == "code":
            cell |= {"outputs": [], "execution_count": None}
    return notebook


def _frame(cell: dict) -> list[str]:
    """The lines of a cell without its solutions, with a frame where nothing else is given."""
    found = parts(cell)
    given, lines, before = any(kind == GIVEN for kind, _ in found), [], ""
    for kind, line in found:
        if kind == SOLUTION and before != SOLUTION and not given and cell["cell_type"] == "code":
            lines.append(re.match(r"\s*", line)[0] + FRAME)
        elif kind in ("", GIVEN):
            lines.append(line)
        before = kind
    return "\n".join(lines).rstrip("\n").split("\n")


def _with(notebook: dict, lines_of: Any) -> dict:
    made = copy.deepcopy(notebook)
    for cell in made["cells"]:
        cell["source"] = "\n".join(lines_of(cell))
    return made


def filled(notebook: dict, variants: dict[str, dict[str, Any]]) -> dict:
    """With the numbers of one student in the text and in the cell `variant`. Raises StripError."""
    def value(found: re.Match, cell: dict) -> str:
        try:
            return str(variants[found[1]][found[2]])
        except KeyError:
            known = [f"{name}.{key}" for name, values in variants.items() for key in values]
            raise StripError(f"cell {label(cell)}: {found[0]} is no number of a variant; known are "
                             f"{', '.join(known) or 'none'}") from None

    made = copy.deepcopy(notebook)
    for cell in made["cells"]:
        cell["source"] = _PLACE.sub(lambda found, cell=cell: value(found, cell), cell["source"])
        if label(cell) == "variant":
            cell["source"] = f"VARIANT = {({name: values for name, values in variants.items() if values})!r}"
    return made


# ---------------------------------------------------------------- what must not survive


def secrets(notebook: dict, hidden: str) -> dict[str, str]:
    """Each line of a solution or of a hidden check that students must not see, folded, and where it is from.

    Left out is what says nothing by itself, being short or a rule between two rows, and the code that students are
    given on purpose: in a read-only cell, or in a solution's cell around the solution.
    """
    found = {line: where for run, where in _solutions(notebook) for line in run}
    for line in hidden.split("\n"):
        if not re.match(r"\s*(import |from |def _\(|\w+ = Exercise\()", line):
            found.setdefault(folded(line), "private/hidden.py")
    given = {folded(line) for cell in notebook["cells"] if cell["cell_type"] == "code" and _marked(cell)
             for kind, line in parts(cell) if kind in ("", GIVEN)}
    return {line: where for line, where in found.items()
            if len(line) >= _SHORT and line not in given and any(map(str.isalpha, line))}


def secrets_of_checks(notebook: dict, hidden: str) -> dict[str, str]:
    """The same for the visible checks, which know the right numbers and so may share a short formula with a solution,
    or a guard with a hidden check: one long line or two in a row of a solution, and what hidden checks say."""
    found = {first + second: where for run, where in _solutions(notebook) for first, second in pairwise(run)
             if len(first) >= _SHORT and len(second) >= _SHORT}
    found |= {line: where for run, where in _solutions(notebook) for line in run if len(line) >= _LONG}
    for node in ast.walk(ast.parse(hidden)):
        if isinstance(node, ast.keyword) and node.arg == "symptom":
            pieces = map(folded, re.findall(r'"((?:[^"\\]|\\.)*)"', ast.get_source_segment(hidden, node.value)))
            found |= {piece: "private/hidden.py" for piece in pieces if len(piece) >= _SHORT}
    return found


def _marked(cell: dict) -> bool:
    marks = cell["metadata"].get("nbgrader", {})
    return marks.get("locked") or marks.get("solution")


def _solutions(notebook: dict) -> list[tuple[list[str], str]]:
    """The lines of each solution, folded and not empty, and whose they are."""
    return [([folded(line) for kind, line in parts(cell) if kind == SOLUTION and line.strip()],
             f"the solution of {label(cell)}") for cell in notebook["cells"]]


def folded(line: str) -> str:
    """A line as it is compared: without white space, which changes nothing."""
    return re.sub(r"\s+", "", line)


def leak(value: Any, hidden: dict[str, str], where: str = "") -> str:
    """The first secret line in any text of a JSON value, with the place, or nothing."""
    if isinstance(value, dict):
        for key, part in value.items():
            if found := leak(key, hidden, where) or leak(part, hidden, f"{where}/{key}"):
                return found
    elif isinstance(value, list):
        for number, part in enumerate(value):
            if found := leak(part, hidden, f"{where}/{number}"):
                return found
    elif isinstance(value, str):
        whole = folded(value)
        for line, source in hidden.items():
            if line in whole:
                return f"{where or 'it'} holds a line of {source}: {line[:60]}"
    return ""
