"""What goes back to the LMS beside a file of points: feedback that Canvas or Moodle hands out, Gradescope's results.

Each file gets the name under which the student's own came from the LMS, for by that name the LMS knows whose it is
(checked against the sources of both: Canvas reads the first two numbers of a file name, Moodle the second part of a
folder's, up to the underscore). No zip of ours was tried on a live LMS.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from course.grading import feedback, store
from course.grading.cells import ExportError
from course.grading.intake import CANVAS, named
from course.grading.office import Office
from course.grading.records import Records
from course.grading.results import Graded
from course.grading.roster import roster_of
from course.grading.shelf import safe_name, shown, storable
from course.grading.standing import Standing, number
from course.grading.tally import standings

_FILES = re.compile(r"[^_]+_[0-9]+_assignsubmission_file_?", re.IGNORECASE)  # the name without _, as Moodle reads it


@dataclass
class Returned:
    """What is in one zip."""

    files: int = 0
    pending: list[str] = field(default_factory=list)
    ungraded: list[str] = field(default_factory=list)
    only_there: list[str] = field(default_factory=list)  # in the download, and not in the record
    only_here: list[str] = field(default_factory=list)
    nameless: list[str] = field(default_factory=list)  # in the download under no name that the LMS would know again


def zip_back(office: Office, wanted: str, to: str, source: Path, out: Path) -> Returned:
    """The pages that `nnlab feedback` wrote, in a zip for canvas or moodle. Raises ExportError, RecordsError."""
    unit = office.unit(wanted).name
    returned, pages = Returned(), {}
    for each, names in _both(office, unit, source, returned):
        student = each.student
        place = (_canvas if to == "canvas" else _moodle)(names, each.submission.file, f"{unit}-feedback.html")
        if not place:
            returned.nameless.append(shown(student))
            continue
        page = office.folder / "feedback" / unit / f"{safe_name(student)}.html"
        try:
            text = page.read_text(encoding="utf-8")
        except OSError as problem:
            raise ExportError(f"{page}: {problem.strerror}") from None
        pages[place] = _notebook(text) if to == "canvas" else text
    returned.files = len(pages)
    store.put(out, _zip(pages))
    return returned


def _both(office: Office, unit: str, source: Path | None, returned: Returned) -> list[tuple[Standing, list[str]]]:
    """Who is graded, with the names of their files in the download; the others are told in `returned`."""
    names, roster = defaultdict(list), roster_of(office.folder)
    for student, path in named(source) if source else []:
        names[storable(roster.owner(student, path))].append(path)
    with Records(office.folder) as records:
        stands = standings(office, records, unit)
    here = {each.student for each in stands}
    returned.only_there = [shown(student) for student in sorted(set(names) - here)]
    both = []
    for each in stands:
        student = each.student
        if each.grading is None:
            returned.ungraded.append(shown(student))
        elif source and student not in names:
            returned.only_here.append(shown(student))
        else:
            both.append((each, names[student]))
    return both


def _canvas(names: list[str], handed_in: str, _: str) -> str:
    """The notebook that was judged, or else the last one, by the name it came under; there are no folders."""
    files = {path.rsplit("/", 1)[-1] for path in names}
    files = sorted(file for file in files if CANVAS.fullmatch(file) and file.lower().endswith(".ipynb")
                   and file.isprintable())
    judged = handed_in.rsplit("/", 1)[-1]
    return judged if judged in files else files[-1] if files else ""


def _moodle(names: list[str], _: str, page: str) -> str:
    """In the student's folder, beside what was handed in; where the download has no folders, behind the prefix."""
    for path in sorted(names):
        parts = path.split("/")
        for folder in parts[:-1]:
            if _FILES.fullmatch(folder) and folder.isprintable():
                return f"{folder}/{page}"
        if (match := _FILES.match(parts[-1])) and match[0].endswith("_") and match[0].isprintable():
            return f"{match[0]}{page}"
    return ""


def _notebook(page: str) -> str:
    """A page as a notebook: Canvas shows what comes back under the name of what was handed in, which ends in .ipynb.

    The page is an output, which Jupyter shows with scripts and styles taken out.
    """
    output = {"output_type": "display_data", "metadata": {},
              "data": {"text/html": page, "text/plain": "The feedback is shown in JupyterLab, notebook or VS Code."}}
    cell = {"cell_type": "code", "id": "feedback", "execution_count": None, "metadata": {}, "source": "",
            "outputs": [output]}
    notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell]}
    return json.dumps(notebook, ensure_ascii=False, indent=1)


def _zip(files: dict[str, str]) -> bytes:
    """The same bytes for the same files, whenever it is made."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as made:
        for name in sorted(files):
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o100600 << 16
            made.writestr(info, files[name])
    return data.getvalue()


# ---------------------------------------------------------------- gradescope


def results(office: Office, wanted: str, source: Path | None, out: Path) -> Returned:
    """A zip with a results.json for each submission that is wholly graded, in a folder named as in Gradescope's export.

    Gradescope takes it as what an autograder left in /autograder/results. There a score is a number or missing, and
    what is missing counts as 0: so a submission with anything pending gets none.
    """
    unit = office.unit(wanted).name
    returned, files = Returned(), {}
    both = _both(office, unit, source, returned)
    with Records(office.folder) as records:
        for each, _ in both:
            if each.total is None:
                returned.pending.append(shown(each.student))
            else:
                told = json.dumps(_result(each, records.graded(each.grading)), indent=1, ensure_ascii=False)
                files[f"{safe_name(each.student)}/results.json"] = told + "\n"
    returned.files = len(files)
    store.put(out, _zip(files))
    return returned


def _result(each: Standing, graded: Graded) -> dict[str, Any]:
    """An exercise is a test. Of a hidden check it says what the feedback page says, after the grades are published."""
    tests = []
    for one in graded.exercises:
        points = each.exercises[one.name]
        lines = [f"Set by a person: {points.overridden}"] * bool(points.overridden) + feedback.notes(one)
        lines += [f"Marked by a person: {words}" for words in points.marked]
        for check in one.checks:
            reason = feedback.said(one, check)
            lines.append(f"{'passed' if check.passed else 'failed'}: {check.title}{f': {reason}' if reason else ''}")
        tests.append({"name": one.name, "score": float(number(points.points)), "max_score": points.of,
                      "output": feedback.clean("\n".join(lines)), "output_format": "text"})
    return {"score": float(number(each.total)), "visibility": "after_published", "tests": tests}
