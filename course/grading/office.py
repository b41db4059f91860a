"""The instructor's course folder, made by `nnlab course new`: its settings, its secret, its own copy of the units.

It is private: hidden checks, solutions, a secret and what students handed in are in it. course.toml is read strictly: a
word that is not known is an error that names the nearest one that is.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import tempfile
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from course.check import UNITS
from course.grading import backups, records, settings, store
from course.grading.kit import nearest
from course.grading.settings import OfficeError, Rules, Terms

SETTINGS, SECRET = "course.toml", "secret"
PARTS = ("units", "released", "handed-in", "feedback", "backups")
_COURSE = {"name": str, "units": dict}
_UNIT = {"version": str}

README = """# {name}: a course folder of nnlab

Private. It holds the secret that the students' data are drawn from, the hidden checks, the solutions and what students
handed in. Keep it on a disk that only you can read, and copy it to another one: `nnlab backup --to FOLDER`.

| here | what it is | may students see it? |
|---|---|---|
| course.toml | the units of this course, deadlines, extensions, groups | **never**, once students are named in it |
| secret | the seeds of variants and of checks come from it; lost, no grade can be made again | **never** |
| units/ | your copy of the assignments, to change; `private/` holds hidden checks and solutions | **never** |
| roster.json | who takes the course, from `nnlab roster import FILE` | **never** |
| released/ | what `nnlab release UNIT` made for students | this is what they get |
| handed-in/ | what `nnlab collect UNIT PATH` took in | **never** |
| feedback/ | one page a student | each student their own |
| records.sqlite | every submission, grading and override: the only source of points | **never** |
| records.lock | who is writing the record just now | harmless |
| reports/ | what `nnlab report UNIT` found about the class | **never** |
| backups/ | the record after each of the last ten commands; `nnlab restore` puts one back | **never** |

The way of a unit, in this folder: `nnlab release UNIT`, `nnlab collect UNIT PATH`, `nnlab grade UNIT`,
`nnlab grades UNIT`, `nnlab feedback UNIT`. What lies in a public repository is public: never push this folder to one.
The .gitignore keeps the secret, the record and the students' work out of any repository; units/ is yours to keep in a
private one.
"""
IGNORED = ["secret", "roster.json", "records*", "replaced-*", "backups/", "handed-in/", "released/", "feedback/",
           "reports/", "*.part", "__pycache__/"]


@dataclass(frozen=True)
class Unit:
    """One unit of the course: `version` is the one that was assigned."""

    name: str
    version: str
    terms: Terms = field(default_factory=Terms)


@dataclass(frozen=True)
class Office:
    """A course folder, read. `secret` is read apart, and only by what needs it."""

    folder: Path
    name: str
    units: dict[str, Unit]
    rules: Rules = field(default_factory=Rules)

    def unit(self, wanted: str) -> Unit:
        """The unit meant by 1, 01, neurons or 01_neurons."""
        if name := meant(wanted, self.units):
            return self.units[name]
        raise OfficeError(f"no unit {wanted!r} in {self.folder / SETTINGS}{nearest(wanted, list(self.units))}")

    def secret(self) -> bytes:
        """The course's secret. Refuses one that others on this machine can read."""
        path = self.folder / SECRET
        try:
            mode, text = path.stat().st_mode, path.read_text(encoding="ascii").strip()
        except FileNotFoundError:
            raise OfficeError(f"{path} is gone: put it back from a copy of the course folder; a new one would "
                              "change every student's data") from None
        except (OSError, UnicodeDecodeError) as problem:
            raise OfficeError(f"{path} cannot be read: {problem}") from None
        if mode & 0o077:
            raise OfficeError(f"others on this machine can read {path}: chmod 600 {path} (where that changes nothing, "
                              "as on a Windows drive, move the course folder to a Linux disk)")
        if not re.fullmatch(r"[0-9a-f]{64}", text):
            raise OfficeError(f"{path} is not the 64 hex digits that nnlab course new wrote: put it back from a copy")
        return bytes.fromhex(text)


def meant(wanted: str, names: Iterable[str]) -> str:
    """The first of these units that is meant by 1, 01, neurons or 01_neurons, or nothing."""
    for name in names:
        number, _, title = name.partition("_")
        same_number = wanted.isdecimal() and number.isdecimal() and int(wanted) == int(number)
        if same_number or wanted in (name, title):
            return name
    return ""


def open_office(folder: Path) -> Office:
    """Read a course folder. Raises OfficeError."""
    path = Path(folder) / SETTINGS
    try:
        about = tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise OfficeError(f"there is no {path}: go into your course folder or name it with --course FOLDER; "
                          "nnlab course new FOLDER makes one") from None
    except OSError as problem:
        raise OfficeError(f"{path}: {problem.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise OfficeError(f"{path} is not TOML: {problem}") from None
    settings.shape(about, _COURSE, settings.COURSE, str(path))
    units = {}
    for name, table in about["units"].items():
        where = f"{path}, [units.{name}]"
        if not re.fullmatch(r"[A-Za-z0-9_]+", name):
            raise OfficeError(f"{where}: a unit is named like its folder, in letters, digits and _")
        if not isinstance(table, dict):
            raise OfficeError(f'{where}: expected a table with version = "1.0"')
        settings.shape(table, _UNIT, settings.UNIT, where)
        units[name] = Unit(name, table["version"], settings.terms(table, about, where))
    return Office(Path(folder).resolve(), about["name"], units, settings.rules(about, str(path)))


# ---------------------------------------------------------------- a new one


def new_office(folder: Path, source: Path | None = None, name: str = "") -> Office:
    """Make a course folder, whole or not at all. `source` holds the units; the project's own if it is None."""
    folder, source = Path(folder).expanduser().resolve(), Path(source) if source else UNITS
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise OfficeError(f"{folder} is there and not empty: name a new folder")
    versions = _versions(source)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))  # only its owner may enter it
        try:
            _lay(part, source, versions, name or folder.name)
            os.replace(part, folder)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    except OSError as problem:
        raise OfficeError(f"{folder} could not be made: {problem.strerror or problem}") from None
    return open_office(folder)


def hidden(folder: Path, name: str) -> None:
    """Keep a file with students' names out of any repository, also in a folder that an older nnlab made."""
    path = folder / ".gitignore"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    if name not in lines:
        store.put(path, "\n".join([*lines, name, ""]).encode("utf-8"))


def _versions(source: Path) -> dict[str, str]:
    """The version of each unit in `source` that has an assignment with its private part."""
    versions = {}
    for file in sorted(source.glob("*/unit.toml")):
        if (file.parent / "private" / "assignment.ipynb").exists():
            try:
                versions[file.parent.name] = str(tomllib.loads(file.read_text(encoding="utf-8"))["version"])
            except (tomllib.TOMLDecodeError, UnicodeDecodeError, KeyError) as problem:
                raise OfficeError(f"{file} cannot be read: {problem}") from None
    if not versions:
        raise OfficeError(f"no unit in {source} has its private part (hidden checks, solutions); an installed nnlab "
                          "carries none: clone the project and add --units PROJECT/course/units")
    return versions


def _lay(folder: Path, source: Path, versions: dict[str, str], name: str) -> None:
    for part in PARTS:
        (folder / part).mkdir()
    for unit in versions:
        shutil.copytree(source / unit, folder / "units" / unit, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    secret = os.open(folder / SECRET, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(secret, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(32) + "\n")
    quoted = json.dumps(name, ensure_ascii=False)  # TOML's strings are JSON's
    lines = ["# The units of this course and the version that was assigned.", f"name = {quoted}",
             settings.EXAMPLE.rstrip()]
    for unit, version in versions.items():
        lines += ["", f"[units.{unit}]", f"version = {json.dumps(version)}"]
    (folder / SETTINGS).write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "README.md").write_text(README.format(name=name), encoding="utf-8")
    (folder / ".gitignore").write_text("\n".join(IGNORED) + "\n", encoding="utf-8")
    records.create(folder)


def copy_all(office: Office, target: Path, book: records.Records) -> int:
    """Copy the whole course folder to another disk, the record by a sound backup; the number of files there."""
    target = Path(target).expanduser().resolve()
    if target == office.folder or office.folder in target.parents:
        raise OfficeError(f"{target} is inside the course folder: name a folder on another disk")
    ignore = shutil.ignore_patterns("records*", "replaced-*", "*.part", "__pycache__")
    try:
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.copytree(office.folder, target, ignore=ignore, dirs_exist_ok=True)
    except (OSError, shutil.Error) as problem:
        raise OfficeError(f"{target} is not a whole copy: {problem}") from None
    with store.explained(target):
        backups.copy(book.db, target / store.FILE)
    return sum(path.is_file() for path in target.rglob("*"))
