"""From a notebook's bytes to the code of each exercise, without running any of it.

Honest notebooks are untidy: cells are split, doubled, renamed, moved, and hold scratch work that fails. So an exercise
is its own cells, whole, and from all other cells only imports and the statements that bind a name it needs. The last
definition wins, as it does when a notebook runs from top to bottom. This runs in a limited process of its own: the
notebook may have been made to break whoever parses it.
"""

from __future__ import annotations

import ast
import json
import re
from typing import Any

CELLS, SOURCE, PROSE = 2_000, 1_000_000, 20_000  # the most cells, characters of code, characters of one text
_COMPREHENSIONS = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
_MAGIC = re.compile(r"^\s*(%|!|\?)|\?\s*$")


class Unreadable(Exception):
    """No notebook: what it is instead, in words for the student."""


def read(data: bytes, exercises: dict[str, dict]) -> dict[str, Any]:
    """What a submission holds: {"unit", "version", "notes", "exercises": {name: {...}}}.

    exercises: name -> {"needs": [names], "marked": "judge" | "people"}. Of one for the judge: `program`, a list of
    [cell, source] to run in order, `found`, whether anything binds its name, `missing`, which of its needs nothing
    binds, `notes`. Of one for people: `prose` and `found`. Raises Unreadable.
    """
    notebook = _notebook(data)
    about = notebook.get("metadata", {}).get("nnlab")
    about = about if isinstance(about, dict) else {}
    cells = [cell for cell in map(_cell, notebook["cells"]) if cell]
    if sum(len(cell.source) for cell in cells) > SOURCE:
        raise Unreadable(f"it holds more than {SOURCE:,} characters of code and text")
    code = [statement for cell in cells if cell.is_code for statement in cell.statements()]
    found = {name: _prose(name, cells) if one["marked"] == "people" else _program(name, one["needs"], code, cells)
             for name, one in exercises.items()}
    return {"unit": str(about.get("unit", ""))[:100], "version": str(about.get("version", ""))[:100],
            "notes": [cell.note for cell in cells if cell.note][:50], "exercises": found}


def _notebook(data: bytes) -> dict:
    if not data.strip():
        raise Unreadable("the file is empty")
    try:
        notebook = json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise Unreadable("the file is no text, so it is no notebook") from None
    except RecursionError:
        raise Unreadable("its JSON is nested too deeply to be a notebook") from None
    except ValueError as problem:
        raise Unreadable(f"the file is no notebook: {str(problem)[:100]}") from None
    if not isinstance(notebook, dict) or not isinstance(notebook.get("metadata", {}), dict):
        raise Unreadable("the file is JSON, but no notebook")
    if "cells" not in notebook and isinstance(notebook.get("worksheets"), list):
        raise Unreadable("the notebook has a format from before 2015: open it in JupyterLab and save it again")
    if not isinstance(notebook.get("cells"), list) or len(notebook["cells"]) > CELLS:
        raise Unreadable(f"the notebook has no cells, or more than {CELLS:,}")
    return notebook


class _Cell:
    """A cell: its label (the grade_id, or its number), its source, what it defines."""

    def __init__(self, label: str, source: str, is_code: bool):
        self.label, self.source, self.is_code, self.note = label, source, is_code, ""

    def statements(self) -> list[_Statement]:
        lines = self.source.split("\n")
        python = [line if not _MAGIC.search(line) else "" for line in lines]
        for text in (self.source, "\n".join(python)):
            try:
                found = [_Statement(self.label, node, text) for node in ast.parse(text).body]
            except (SyntaxError, ValueError, RecursionError, MemoryError) as problem:
                where = f"line {problem.lineno}: " if isinstance(problem, SyntaxError) and problem.lineno else ""
                words = problem.msg if isinstance(problem, SyntaxError) else type(problem).__name__
                self.note = f"the cell {self.label} is not Python and was left out: {where}{words}"
            else:
                self.note = "" if text == self.source else f"in the cell {self.label}, lines for IPython were left out"
                return [each for each in found if not each.asks_us]
        return []


class _Statement:
    """One statement at the top level of a cell: which names it binds and which it uses."""

    def __init__(self, label: str, node: ast.stmt, text: str):
        self.label, self.node = label, node
        first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])
        lines = text.split("\n")[first - 1:node.end_lineno]
        self.source = "\n" * (first - 1) + "\n".join(lines)  # at its own line numbers
        if node.col_offset or ";" in lines[-1]:  # several statements on a line
            self.source = "\n" * (first - 1) + ast.unparse(node)
        self.imports = isinstance(node, ast.Import | ast.ImportFrom)
        self.asks_us = (self.imports and _imports_ours(node)) or _calls_ours(node)
        self.binds, self.uses = set.union(*_bound([node])), _uses(node)

    def is_stub(self) -> bool:
        """A function that was never written: nothing in it but its docstring and dots."""
        if not isinstance(self.node, ast.FunctionDef | ast.AsyncFunctionDef):
            return False
        return all(isinstance(one, ast.Pass) or (isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant))
                   for one in self.node.body)


def _imports_ours(node: ast.Import | ast.ImportFrom) -> bool:
    names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [each.name for each in node.names]
    return all(name.split(".")[0] == "course" for name in names)


def _calls_ours(node: ast.stmt) -> bool:
    """`check("neuron")` or `handin("01_neurons")`: the notebook's own calls to the course, of no use to the judge."""
    call = node.value if isinstance(node, ast.Expr) else None
    return isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in ("check", "handin")


def _bound(nodes: list[ast.stmt]) -> tuple[set[str], set[str]]:
    """The names that statements bind where they stand, not in a function in them; and those whose value they change."""
    bound, changed, todo = set(), set(), list(nodes)
    while todo:
        node = todo.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            bound.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            bound |= {each.asname or each.name.split(".")[0] for each in node.names}
        elif isinstance(node, _COMPREHENSIONS):
            bound |= {each.target.id for each in ast.walk(node) if isinstance(each, ast.NamedExpr)}
        elif not isinstance(node, ast.Lambda):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                bound.add(node.id)
            if isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Store):  # w[0] = 1
                changed |= {part.id for part in ast.walk(node.value) if isinstance(part, ast.Name)}
            todo += ast.iter_child_nodes(node)
    return bound, changed


def _uses(statement: ast.stmt) -> set[str]:
    """The names that a statement takes from the top level.

    A function's own are not among them: of an experiment in a cell of its own, `for lr in rates: train(lr)`, nothing is
    needed by a function with an argument `lr`, and to run it again could take longer than all checks.
    """
    found, todo = set(), [(statement, set())]  # each node with the names that are its function's own
    while todo:
        node, own = todo.pop()
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            found |= {node.id} - own
        elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            found |= {node.target.id} - own
        elif isinstance(node, ast.Global):
            found.update(node.names)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            body = node.body if isinstance(node.body, list) else [node.body]
            arguments = {each.arg for each in ast.iter_child_nodes(node.args) if isinstance(each, ast.arg)}
            inner = own | arguments | _bound(body)[0]
            todo += [(child, inner if child in body else own) for child in ast.iter_child_nodes(node)]
            continue
        elif isinstance(node, _COMPREHENSIONS):
            first, targets = node.generators[0], [each.target for each in node.generators]
            inner = own | {each.id for target in targets for each in ast.walk(target) if isinstance(each, ast.Name)}
            todo += [(first.iter, own), *((each, inner) for each in first.ifs)]
            todo += [(child, inner) for child in ast.iter_child_nodes(node) if child is not first]
            continue
        todo += [(child, own) for child in ast.iter_child_nodes(node)]
    return found


def _cell(cell: Any) -> _Cell | None:
    if not isinstance(cell, dict) or cell.get("cell_type") not in ("code", "markdown", "raw"):
        return None
    source = cell.get("source", "")
    if isinstance(source, list):
        source = "".join(part for part in source if isinstance(part, str))
    meta = cell.get("metadata")
    grader = meta.get("nbgrader") if isinstance(meta, dict) else None
    label = grader.get("grade_id") if isinstance(grader, dict) else None
    if not isinstance(source, str):
        return None
    source = source.replace("\r\n", "\n").replace("\r", "\n")  # as Python counts lines
    return _Cell(label[:100] if isinstance(label, str) else "", source, cell["cell_type"] == "code")


def _program(name: str, needs: list[str], code: list[_Statement], cells: list[_Cell]) -> dict[str, Any]:
    written = [each for each in code if name in each.binds]
    if any(not each.is_stub() for each in written):
        code = [each for each in code if not (name in each.binds and each.is_stub())]
        written = [each for each in written if not each.is_stub()]
    notes = []
    if len({each.label for each in written}) > 1:
        notes.append(f"{name} is defined in {len(written)} places; the last one counts")
    own = [each for each in cells if each.is_code and each.label == name]
    if len(own) > 1:
        notes.append(f"the cell of {name} is there {len(own)} times; all of them count, in their order")
    if written and not own:
        notes.append(f"the cell of {name} was not found by its id; its definition was, and counts")
    wanted = {name, *needs}
    chosen: set[int] = set()
    while True:  # what it needs, what that needs, and so on
        more = [i for i, each in enumerate(code) if i not in chosen
                and (each.label == name or each.imports or each.binds & wanted)]
        if not more:
            break
        chosen.update(more)
        for i in more:
            wanted |= code[i].uses
    bound = {one for each in code for one in each.binds if not each.is_stub()}
    return {"program": [[each.label, each.source] for i, each in enumerate(code) if i in chosen],
            "found": bool(written), "missing": [one for one in needs if one not in bound], "notes": notes}


def _prose(name: str, cells: list[_Cell]) -> dict[str, Any]:
    texts = [each.source for each in cells if each.label == name]
    return {"prose": "\n\n".join(texts)[:PROSE], "found": bool(texts)}
