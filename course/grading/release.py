"""Release: from the author's notebook to what each student gets, through a gate that lets no solution out.

The gate runs the real judge: the solutions must get every point and the stripped notebook none. What is released stays
under its version, with a frozen copy of the checks that grade it; so a mended unit is a new version, and what students
hand in of the old one is still graded by the old one.
"""

from __future__ import annotations

import contextlib
import copy
import csv
import datetime
import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from course.grading import store, strip
from course.grading.judge import EVERYONE, judge, variant_of
from course.grading.kit import Kit, load_kit
from course.grading.office import SETTINGS, Office, open_office
from course.grading.results import Graded
from course.grading.sandbox import level_here
from course.grading.shelf import safe_name, shown
from course.grading.telling import Progress


class ReleaseError(Exception):
    """What keeps a unit from being released, and how to mend it."""


@dataclass(frozen=True)
class Released:
    """One released version: its folder and how many notebooks are in it."""

    folder: Path
    kit: Kit
    students: list[str]  # whose notebooks were made just now


def release(office: Office, unit: str, roster: list[str] | None = None, units: Path | None = None) -> Released:
    """Make the students' notebooks of a unit, one for all or one each. Raises ReleaseError, StripError."""
    kit, notebook = assigned(office, unit, units)
    students = roster or [EVERYONE]
    target = office.folder / "released" / unit / kit.version
    _frozen(kit, target)
    _one_or_the_other(kit, target.parent, roster)
    secret = office.secret()
    made = {student: made_for(kit, notebook, student, secret) for student in students}
    gate(kit, notebook, secret)
    part = target.with_name(f"{kit.version}.part")
    shutil.rmtree(part, ignore_errors=True)
    with store.explained(target), Progress("written", len(made)) as progress:
        for student, released in made.items():
            _write(part / _place(student, unit), kit, released)
            progress.step()
        shutil.copytree(kit.folder, part / "kit", ignore=shutil.ignore_patterns("__pycache__"))
        _replace(part, target)
    return Released(target, kit, students)


def assigned(office: Office, unit: str, units: Path | None) -> tuple[Kit, dict]:
    """The kit of the version that course.toml names, and the author's notebook. Raises ReleaseError, StripError."""
    kit = load_kit((units or office.folder / "units").resolve() / unit)
    if kit.version != office.units[unit].version:
        raise ReleaseError(f"{kit.folder} is version {kit.version}, and course.toml says {office.units[unit].version}: "
                           "change the one that is wrong")
    return kit, strip.load(kit.folder / "private" / "assignment.ipynb")


def _place(student: str, unit: str) -> Path:
    """A student's folder below that of a version."""
    return Path("students", safe_name(student), unit) if student else Path("everyone", unit)


def _write(folder: Path, kit: Kit, released: dict) -> None:
    folder.mkdir(parents=True)
    text = json.dumps(released, indent=1, ensure_ascii=False) + "\n"
    (folder / f"{kit.unit}.ipynb").write_text(text, encoding="utf-8")
    for name in ("unit.toml", "graded.py"):
        shutil.copyfile(kit.folder / name, folder / name)


def _replace(part: Path, target: Path) -> None:
    """Add to what is released of this version: a notebook that is there stays, or is made again, the same."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(part, target, dirs_exist_ok=True)
    shutil.rmtree(part)


def _frozen(kit: Kit, target: Path) -> None:
    """Refuse to release other checks under a version that is out."""
    if (target / "kit").exists() and load_kit(target / "kit").hash != kit.hash:
        raise ReleaseError(f"{kit.unit} {kit.version} is out, and its checks have changed since: those who have it "
                           'would be judged by others. For a new version: nnlab release UNIT --amend "what was wrong"')


def _one_or_the_other(kit: Kit, folder: Path, roster: list[str] | None) -> None:
    """Refuse to change the numbers that students work with: by giving each their own after all had the same."""
    if not any(exercise.draw for exercise in kit.visible.values()):
        return
    if roster and any(folder.glob("*/everyone")):
        raise ReleaseError(f"{kit.unit} is out as one notebook for all: with numbers of their own, students would have "
                           "worked with the wrong ones. Release it with --everyone")
    if not roster and any(folder.glob("*/students")):
        raise ReleaseError(f"{kit.unit} is out with numbers of each student's own: add --roster FILE, or nnlab "
                           "roster import FILE")


def made_for(kit: Kit, notebook: dict, student: str, secret: bytes) -> dict:
    """One student's notebook, stamped."""
    variants = {name: variant_of(exercise, secret, student) for name, exercise in kit.visible.items()}
    made = strip.filled(strip.stripped(notebook), variants)
    made["metadata"]["nnlab"] = {"unit": kit.unit, "version": kit.version, "kit": kit.hash}
    return made


def read_roster(file: Path) -> list[str]:
    """The students' ids: the column `id` of a CSV file. Raises ReleaseError."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            rows = csv.DictReader(lines)
            if "id" not in (rows.fieldnames or []):
                raise ReleaseError(f"{file} has no column id; its columns are {', '.join(rows.fieldnames or ['none'])}")
            ids = [row["id"].strip() for row in rows if (row["id"] or "").strip()]
    except OSError as problem:
        raise ReleaseError(f"{file}: {problem.strerror}") from None
    except (UnicodeDecodeError, csv.Error) as problem:
        raise ReleaseError(f"{file} is no CSV file: {problem}") from None
    if not ids:
        raise ReleaseError(f"{file} lists nobody")
    if twice := {one for one in ids if ids.count(one) > 1}:
        raise ReleaseError(f"{file}: {shown(min(twice))} is there twice")
    return ids


# ---------------------------------------------------------------- the gate


def gate(kit: Kit, notebook: dict, secret: bytes) -> None:
    """Refuse unless the solutions get every point, the stripped notebook none, and no line of either kind of secret
    is in anything that is released. Raises ReleaseError, with the exercise or the line."""
    level = level_here()
    released = made_for(kit, notebook, EVERYONE, secret)
    whole = copy.deepcopy(strip.solved(notebook))
    whole["metadata"] = released["metadata"]
    for exercise in _judged(whole, kit, secret, level).exercises:
        lost = [check for check in exercise.checks if not check.passed]
        if exercise.points is not None and lost:
            raise ReleaseError(f"the solution of {exercise.name} fails {lost[0].title!r}: {lost[0].reason}")
    empty = _judged(released, kit, secret, level).exercises
    for each in kit.exercises:  # what needs another function is empty also where that one is written
        if each.needs:
            began = copy.deepcopy(whole)
            for cell, stub in zip(began["cells"], released["cells"], strict=True):
                cell["source"] = stub["source"] if strip.label(cell) == each.name else cell["source"]
            empty += _judged(began, kit.only(each.name), secret, level).exercises
    for exercise in empty:
        won = [check for check in exercise.checks if check.passed and check.of]
        if won:
            raise ReleaseError(f"{exercise.name} passes {won[0].title!r} before anything is written: "
                               f"{won[0].of:g} points for nothing")
    hidden, toml, visible = ((kit.folder / name).read_text(encoding="utf-8")
                             for name in ("private/hidden.py", "unit.toml", "graded.py"))
    found = (strip.leak({f"{kit.unit}.ipynb": released, "unit.toml": toml}, strip.secrets(notebook, hidden))
             or strip.leak({"graded.py": visible}, strip.secrets_of_checks(notebook, hidden)))
    if found:
        raise ReleaseError(f"what students would get gives something away: {found}")


def _judged(notebook: dict, kit: Kit, secret: bytes, level: str) -> Graded:
    return judge(json.dumps(notebook).encode(), kit, EVERYONE, secret, level)


# ---------------------------------------------------------------- errata


@contextlib.contextmanager
def amended(office: Office, unit: str, words: str, today: datetime.date | None = None) -> Iterator[Office]:
    """The course with a new version of a released unit, in its own copy: the errata line, the version in unit.toml and
    in course.toml. What was released stays as it is. If what is done with it fails (it is not released, say), all three
    files are as they were. Raises ReleaseError."""
    folder = office.folder / "units" / unit
    kit = load_kit(folder)
    if not (office.folder / "released" / unit / kit.version / "kit").exists():
        raise ReleaseError(f"{unit} {kit.version} is not released yet: change it and release it, without --amend")
    if not words.strip():
        raise ReleaseError("an amended version needs a line that tells students what was wrong: --amend \"...\"")
    fresh, settings = _next(kit.version), office.folder / SETTINGS
    file = folder / "private" / "assignment.ipynb"
    notebook = strip.load(file)
    day = today or datetime.datetime.now(datetime.UTC).date()
    notebook["cells"][0]["source"] += f"\n\n> **Errata, version {fresh} ({day}).** {' '.join(words.split())}"
    texts = {file: json.dumps(notebook, indent=1, ensure_ascii=False) + "\n",
             folder / "unit.toml": _bumped(folder / "unit.toml", "^", kit.version, fresh),
             settings: _bumped(settings, rf"^\[units\.{unit}\].*\n(?:(?!\[units).*\n)*?\s*", kit.version, fresh)}
    before = {path: path.read_bytes() for path in texts}
    with store.explained(folder):
        _put({path: text.encode() for path, text in texts.items()})
    try:
        yield open_office(office.folder)
    except BaseException:
        with store.explained(folder):
            _put(before)
        raise


def _put(files: dict[Path, bytes]) -> None:
    for path, data in files.items():
        path.with_name(f"{path.name}.part").write_bytes(data)
    for path in files:
        path.with_name(f"{path.name}.part").replace(path)


def _next(version: str) -> str:
    head, _, last = version.rpartition(".")
    if not last.isdecimal():
        raise ReleaseError(f"version {version!r} does not end in a number, as 1.0 does: nothing can come after it")
    return f"{head}.{int(last) + 1}" if head else f"{last}.1"


def _bumped(path: Path, before: str, old: str, new: str) -> str:
    pattern = rf'({before})version\s*=\s*"{re.escape(old)}"'
    text = path.read_text(encoding="utf-8")
    text, count = re.subn(pattern, rf'\g<1>version = "{new}"', text, count=1, flags=re.MULTILINE)
    if not count:
        raise ReleaseError(f'{path} has no line version = "{old}" where it is expected')
    return text


def versions(office: Office, unit: str) -> dict[str, str]:
    """The folder of the frozen kit of each released version: what students hand in of it is graded by it."""
    found = (office.folder / "released" / unit).glob("*/kit/unit.toml")
    return {path.parent.parent.name: str(path.parent) for path in sorted(found)}


def receipt(released: Released) -> list[dict[str, str]]:
    """What the record keeps of each notebook that was made."""
    unit, course = released.kit.unit, released.folder.parents[2]
    files = {student: released.folder / _place(student, unit) / f"{unit}.ipynb" for student in released.students}
    return [row(released.kit, student, file, str(file.relative_to(course))) for student, file in files.items()]


def row(kit: Kit, student: str, file: Path, name: str) -> dict[str, str]:
    """What the record keeps of one notebook."""
    return {"unit": kit.unit, "version": kit.version, "kit": kit.hash, "student": student, "file": name,
            "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}
