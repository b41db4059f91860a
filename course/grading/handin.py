"""Hand in: from the notebook a student works in to the one file to upload, with a receipt.

What is handed in is the file on the disk, and of that the sources alone: no outputs, no attachments, and no predictions
unless the student says so. What was handed in before is kept beside it.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from course.check import UNITS
from course.grading import tryout
from course.grading.inside.program import Unreadable
from course.grading.kit import Kit, KitError, load_kit
from course.progress import in_notebook
from course.record import Record

LARGEST = 5_000_000  # bytes; more is not taken in


class HandinError(Exception):
    """Nothing was handed in; one line that says what to do."""


@dataclass(frozen=True)
class Notebook:
    """A student's notebook, as it is on the disk."""

    path: Path
    data: bytes
    content: dict[str, Any]

    @property
    def stamp(self) -> dict:
        """What release wrote into it: {"unit", "version", "kit"}; empty where that was lost."""
        found = self.content.get("metadata", {}).get("nnlab")
        return found if isinstance(found, dict) else {}

    @property
    def sources(self) -> list[str]:
        return ["".join(cell.get("source", "")) for cell in self.content["cells"]]


def handin(unit: str, file: str | os.PathLike | None = None, to: str | os.PathLike | None = None,
           predictions: bool = False) -> None:
    """Check what you have written in a fresh Python, write the one file to upload, and print a receipt.

    unit: "01_neurons". file: your notebook, if it is not found by itself. to: the folder to write into.
    predictions: put the predictions you locked in the lessons into the file too; left out if you do not say so.
    """
    try:
        _handin(unit, Path(file) if file else None, Path(to) if to else None, predictions)
    except (HandinError, KitError) as problem:
        if not in_notebook():
            raise
        print(f"Nothing was handed in: {problem}")


def _handin(unit: str, file: Path | None, to: Path | None, predictions: bool) -> None:
    unit = unit_named(unit)
    notebook = read(file.expanduser() if file else find(unit))
    kit = kit_of(notebook, unit)
    for line in [*warnings(notebook, kit), *unsaved(notebook, [each.name for each in kit.exercises])]:
        print(f"WARNING: {line}")
    tried = try_out(notebook, kit)
    print(*[line for each in tried for line in each.lines()], sep="\n", end="\n\n")
    print(*_receipt(notebook, kit, _write(notebook, kit, to, predictions)), sep="\n")


def try_out(notebook: Notebook, kit: Kit, names: list[str] | None = None) -> list[tryout.Tried]:
    """The visible checks, run in fresh processes. Raises HandinError."""
    try:
        return tryout.try_all(notebook.data, kit, names)
    except Unreadable as problem:
        raise HandinError(f"{notebook.path}: {problem}") from None


# ---------------------------------------------------------------- which notebook


def unit_named(wanted: str) -> str:
    """The unit meant by 1, 01, neurons or 01_neurons; as it stands, if it is not one of ours."""
    for folder in sorted(UNITS.glob("*/graded.py")):
        number, _, title = (name := folder.parent.name).partition("_")
        if wanted in (name, title) or (wanted.isdecimal() and int(wanted) == int(number)):
            return name
    return wanted


def find(unit: str) -> Path:
    """The notebook that runs, or in this folder the one of the unit. Raises HandinError."""
    if running := _running():
        return running
    here = Path.cwd()
    return only_one(here / unit if (here / unit).is_dir() else here, unit)


def only_one(folder: Path, unit: str = "") -> Path:
    """The one notebook of a unit, or of any, in a folder. Raises HandinError where there is none, or several."""
    found = [path for path in sorted(folder.glob("*.ipynb")) if _is_of(path, unit)]
    if len(found) == 1:
        return found[0]
    how = f'handin("{unit}", "NAME.ipynb")' if in_notebook() else "add its name to the command"
    if found:
        names = ", ".join(path.name for path in found)
        raise HandinError(f"there are {len(found)} notebooks of {unit or 'units'} here, {names}. Say which: {how}")
    raise HandinError(f"there is no notebook of {unit or 'a unit'} in {folder}. Name it: {how}")


def _running() -> Path | None:
    """The notebook that this kernel runs, where the program that started it says so (Jupyter's server and VS Code do)
    and the file is still there: it may have been renamed since."""
    if not in_notebook():
        return None
    from IPython import get_ipython

    told = get_ipython().user_ns.get("__vsc_ipynb_file__") or os.environ.get("JPY_SESSION_NAME") or ""
    path = Path(str(told))
    return path if path.suffix == ".ipynb" and path.is_file() else None


def _is_of(path: Path, unit: str) -> bool:
    try:
        stamp = read(path).stamp
    except HandinError:
        return False
    return stamp.get("unit", "") == (unit or stamp.get("unit")) and "handed_in" not in stamp


def read(path: Path) -> Notebook:
    """A notebook on the disk. Raises HandinError."""
    try:
        data = path.read_bytes()
        content = json.loads(data.decode("utf-8-sig"))
    except OSError as problem:
        raise HandinError(f"{path}: {problem.strerror}") from None
    except (ValueError, RecursionError):
        raise HandinError(f"{path} is no notebook") from None
    if not (isinstance(content, dict) and isinstance(content.get("metadata", {}), dict)
            and isinstance(content.get("cells"), list) and all(map(_is_cell, content["cells"]))):
        raise HandinError(f"{path} is no notebook, or one from before 2015: open it in JupyterLab and save it again")
    return Notebook(path.resolve(), data, content)


def _is_cell(cell: Any) -> bool:
    source = cell.get("source", "") if isinstance(cell, dict) else None
    return isinstance(source, str) or (isinstance(source, list) and all(isinstance(part, str) for part in source))


def kit_of(notebook: Notebook, unit: str = "") -> Kit:
    """The exercises it is checked by: those beside it, as a release lays them, else this package's."""
    unit = unit or str(notebook.stamp.get("unit", ""))
    stamped = notebook.stamp.get("unit", unit)
    if stamped != unit:
        raise HandinError(f"{notebook.path.name} is of the unit {stamped}, not of {unit}: hand it in as that, or name "
                          "the right notebook")
    beside = notebook.path.parent
    if all((beside / name).is_file() for name in ("unit.toml", "graded.py")) and load_kit(beside).unit == unit:
        return load_kit(beside)
    if not unit or not (UNITS / unit / "graded.py").is_file():
        raise HandinError(f"{notebook.path.name} is of {unit or 'no unit'}, which has no assignment here: keep the "
                          "files unit.toml and graded.py beside it that came with it")
    return load_kit(UNITS / unit)


# ---------------------------------------------------------------- what to be warned of


def warnings(notebook: Notebook, kit: Kit) -> list[str]:
    """What is odd about the file."""
    lines = []
    if not notebook.stamp:
        lines.append(f"{notebook.path.name} does not say of which unit it is; it is taken for {kit.unit}.")
    elif (version := str(notebook.stamp.get("version", ""))) != kit.version:
        lines.append(f"your notebook is of version {version or 'unknown'}, the checks here are of {kit.version}. It "
                     "will be graded; for the checks of today, get the newest version of the assignment.")
    if "handed_in" in notebook.stamp:
        lines.append(f"{notebook.path.name} is a file that was handed in before, not the notebook you work in.")
    return lines


def unsaved(notebook: Notebook, names: list[str]) -> list[str]:
    """In the notebook: what was run last for an exercise and is not in the file. What was typed and not run since the
    file was saved cannot be seen from here; so the receipt says when that was."""
    if not in_notebook():
        return []
    from IPython import get_ipython

    ran, saved = get_ipython().history_manager.input_hist_raw, {text.strip() for text in notebook.sources}
    changed = []
    for name in names:
        defines = re.compile(rf"^(async )?(def|class) {name}\b|^{name}\s*=(?!=)", re.MULTILINE)
        last = next((text for text in reversed(ran) if defines.search(text)), None)
        if last is not None and last.strip() not in saved:
            changed.append(name)
    if not changed:
        return []
    return [f"{' and '.join(changed)}: what you ran is not in the file {notebook.path.name}. Save (Ctrl+S, on a Mac "
            "Cmd+S) and run this cell again; the file below holds what was saved before."]


# ---------------------------------------------------------------- the file


def _write(notebook: Notebook, kit: Kit, to: Path | None, predictions: bool) -> Path:
    """Write what is handed in; its path. What was handed in before becomes UNIT-earlier-1 and so on."""
    folder = to.expanduser() if to else notebook.path.parent
    target, made = folder / f"{kit.unit}-handin.ipynb", stripped(notebook, kit)
    if predictions:
        made["metadata"]["nnlab"]["predictions"] = _predictions(notebook.path.parent, kit)
    try:
        if target.exists():
            if _same(target, made):
                return target
            numbers = (folder / f"{kit.unit}-earlier-{n}.ipynb" for n in range(1, sys.maxsize))
            os.rename(target, next(path for path in numbers if not path.exists()))
        made["metadata"]["nnlab"]["handed_in"] = datetime.datetime.now().astimezone().isoformat(timespec="seconds")
        folder.mkdir(parents=True, exist_ok=True)
        part = target.with_name(target.name + ".part")
        part.write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n",
                        errors="backslashreplace")
        os.replace(part, target)
    except OSError as problem:
        raise HandinError(f"{target} could not be written: {problem.strerror}. Another place: --to FOLDER, or "
                          'handin(..., to="FOLDER")') from None
    return target


def stripped(notebook: Notebook, kit: Kit) -> dict[str, Any]:
    """The notebook with its sources and the marks that graders need, and nothing else."""
    cells = []
    for number, (cell, source) in enumerate(zip(notebook.content["cells"], notebook.sources, strict=True)):
        meta, kind = cell.get("metadata"), cell.get("cell_type")
        kept = {"nbgrader": meta["nbgrader"]} if isinstance(meta, dict) and "nbgrader" in meta else {}
        made = {"cell_type": kind, "id": str(cell.get("id", f"cell-{number}")), "metadata": kept, "source": source}
        cells.append(made | ({"outputs": [], "execution_count": None} if kind == "code" else {}))
    about = notebook.content.get("metadata", {})
    meta = {key: about[key] for key in ("kernelspec", "language_info") if key in about}
    stamp = {key: value for key, value in notebook.stamp.items() if key not in ("handed_in", "predictions")}
    meta["nnlab"] = {"unit": kit.unit, **stamp}
    return {"cells": cells, "metadata": meta, "nbformat": 4, "nbformat_minor": 5}


def _same(target: Path, made: dict) -> bool:
    """Whether this was handed in already: all but the time."""
    try:
        before = read(target).content
        before["metadata"]["nnlab"].pop("handed_in", None)
    except (HandinError, KeyError, TypeError, AttributeError):
        return False
    return before == made


def _predictions(folder: Path, kit: Kit) -> dict[str, dict]:
    """What was locked in the labs of the unit; the record is beside the notebook or one folder up."""
    found = Record(folder.parent).read()["predictions"] | Record(folder).read()["predictions"]
    return {lab: entry for lab, entry in sorted(found.items()) if lab in kit.about["labs"]}


def _receipt(notebook: Notebook, kit: Kit, target: Path) -> list[str]:
    data = target.read_bytes()
    stamp = read(target).stamp
    saved = datetime.datetime.fromtimestamp(notebook.path.stat().st_mtime).astimezone()
    lines = [f"The file to hand in for {kit.title}, made of {notebook.path.name} as it was saved on "
             f"{saved:%Y-%m-%d at %H:%M:%S}:",
             f"  file    {target}",
             f"  sha256  {hashlib.sha256(data).hexdigest()[:12]}",
             f"  time    {stamp['handed_in']}",
             "Changed anything since? Save and do this again. If not, upload this one file to your course."]
    if "predictions" in stamp:
        lines.insert(4, f"  with    {len(stamp['predictions'])} of your predictions")
    if len(data) > LARGEST:
        lines.append(f"WARNING: it has {len(data):,} bytes, and at most {LARGEST:,} are taken. Take out what is long.")
    return lines
