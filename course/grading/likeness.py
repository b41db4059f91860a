"""How alike the sources of a class are: evidence for a person to look at, never a verdict.

What was given is taken away, names and numbers are made the same, and what is left is compared in runs of six tokens.
How alike two become who never saw each other's work is told by the bank's solutions, which no student has seen. Nothing
of a student's is run or even parsed as Python: the tokens are cut by one pattern.
"""

from __future__ import annotations

import builtins
import json
import keyword
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

RUN = 6  # tokens compared at once
FEWEST = 20  # runs that a solution needs: two of less are alike by chance
LONGEST = 40_000  # characters of one exercise
_TOKEN = re.compile(r"""(?P<comment>\#[^\n]*)
    |(?P<string>[rbfuRBFU]{0,2}(?:\"\"\"(?s:.*?)(?:\"\"\"|\Z)|'''(?s:.*?)(?:'''|\Z)|"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?))
    |(?P<name>[^\W\d]\w*)|(?P<number>\d[\w.]*)|(?P<other>\S)""", re.VERBOSE)
_KNOWN = {*keyword.kwlist, *keyword.softkwlist, *dir(builtins), "np", "self"}

Sources = dict[str, str]  # by exercise, what was written for it


@dataclass(frozen=True)
class Likeness:
    """Of each pair the share of runs that are in both: of the whole unit, and by exercise. NaN: too short to tell."""

    whole: np.ndarray  # (n, n)
    exercises: dict[str, np.ndarray]


def sources(data: bytes, names: Iterable[str]) -> Sources:
    """The code cells of each exercise in a notebook that the judge could read; nothing where this cannot."""
    try:
        cells = json.loads(data.decode("utf-8-sig"))["cells"]
        cells = [cell for cell in cells if isinstance(cell, dict) and cell.get("cell_type") == "code"]
    except (ValueError, KeyError, TypeError, RecursionError, MemoryError):
        return {}
    code, found = [(_label(cell), _text(cell)) for cell in cells], {}
    for name in names:
        binds = re.compile(rf"^(?:(?:def|class) +{re.escape(name)}\b|{re.escape(name)} *=)", re.MULTILINE)
        theirs = [text for label, text in code if label == name or binds.search(text)]  # also in a cell renamed
        if text := "\n".join(theirs)[:LONGEST]:
            found[name] = text
    return found


def _label(cell: dict[str, Any]) -> Any:
    meta = cell.get("metadata")
    grader = meta.get("nbgrader") if isinstance(meta, dict) else None
    return grader.get("grade_id") if isinstance(grader, dict) else None


def _text(cell: dict[str, Any]) -> str:
    source = cell.get("source", "")
    return "".join(part for part in source if isinstance(part, str)) if isinstance(source, list) else str(source)


def own(text: str, given: set[str]) -> str:
    """What a student wrote: the lines that were not given to all."""
    return "\n".join(line for line in text.splitlines() if " ".join(line.split()) not in given)


def runs(text: str, as_written: bool = False) -> set[tuple[str, ...]]:
    """The runs of tokens in a text; names of the student's own count as any name, unless `as_written`."""
    tokens, before = [], ""
    for found in _TOKEN.finditer(text):
        kind, token = found.lastgroup, found[0]
        if kind == "comment" and not as_written:
            continue
        if not as_written:
            if kind == "name" and token not in _KNOWN and before != ".":
                token = "a name"
            elif kind in ("number", "string"):
                token = f"a {kind}"
        tokens.append(token)
        before = token
    return {tuple(tokens[at:at + RUN]) for at in range(len(tokens) - RUN + 1)}


def compare(people: list[Sources], as_written: bool = False) -> Likeness:
    """How alike each pair is: twice the runs in both, of the runs in one and in the other. The whole is of all runs."""
    names, exercises = dict.fromkeys(name for each in people for name in each), {}
    shared, all_of = np.zeros((2, len(people), len(people)))
    for name in names:
        found = [runs(each.get(name, ""), as_written) for each in people]
        found = [each if len(each) >= FEWEST else set() for each in found]
        column = {run: number for number, run in enumerate(sorted(set().union(*found)))}
        holds = np.zeros((len(people), len(column)), "f4")
        for row, each in enumerate(found):
            holds[row, [column[run] for run in each]] = 1
        both, size = holds @ holds.T, holds.sum(axis=1)
        pairs = size[:, None] + size[None, :]
        pairs[(size == 0)[:, None] | (size == 0)[None, :]] = 0
        exercises[name] = _share(both, pairs)
        shared, all_of = shared + both, all_of + pairs
    return Likeness(_share(shared, all_of), exercises)


def _share(both: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    return np.where(pairs > 0, 2 * both / np.maximum(pairs, 1), np.nan)
