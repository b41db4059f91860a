"""Lays the lessons into the student's folder and never overwrites what the student changed.

Notebooks are compared by their cells' kinds and sources, because running and saving a lesson changes
its bytes but not its text. A small manifest in the student's folder remembers what was laid there, so
that "changed by you" and "newer from us" can be told apart. Every file is written whole or not at all
(written aside, then moved into place), so a run cut short anywhere is mended by the next one.
Nothing here knows about Jupyter; course/launch.py starts it.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import time
from dataclasses import dataclass, field
from pathlib import Path

KEEP = ".nnlab"  # the hidden folder inside the student's: the manifest and half-written files
MANIFEST = "lessons.json"


class LessonsError(Exception):
    """The lessons cannot be laid here; the message is one line that says what to do."""


@dataclass
class Report:
    """What `lay` did: lesson names by outcome, and the lines worth telling the student."""

    new: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)  # changed by the student, not touched
    deleted: list[str] = field(default_factory=list)  # deleted by the student, not laid again
    failed: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def shipped_folder() -> Path:
    """Where the lessons of this installation lie: `notebooks/` in a checkout, `course/notebooks/` in a wheel."""
    package = Path(__file__).resolve().parent
    inside = package / "notebooks"
    return inside if inside.is_dir() else package.parent / "notebooks"


def shipped_lessons(source: Path) -> list[Path]:
    """The lessons in `source`, in the order of the course."""
    lessons = sorted(path for path in source.glob("*.ipynb") if not path.name.startswith("."))
    if not lessons:
        raise LessonsError(f"No lessons in {source}: this installation is incomplete, install nnlab again.")
    return lessons


def fingerprint(data: bytes) -> str:
    """A hash of a notebook's cells, their kinds and sources; outputs, counts and metadata do not matter.

    Raises ValueError if `data` is not a notebook."""
    try:
        notebook = json.loads(data.decode("utf-8"))
        cells = [(cell["cell_type"], "".join(cell["source"])) for cell in notebook["cells"]]
    except (KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"not a notebook: {error!r}") from error
    return hashlib.sha256(json.dumps(cells).encode("utf-8")).hexdigest()


# ---------------------------------------------------------------- files


@dataclass
class Seen:
    """A file as it was when looked at: absent, a notebook with its `print`, or unreadable as one."""

    exists: bool
    print: str | None = None
    stat: tuple[int, int] | None = None


def look(path: Path) -> Seen:
    """What stands at `path`. A folder or a damaged notebook exists but has no print."""
    try:
        stat = path.stat()
        seen = Seen(True, stat=(stat.st_mtime_ns, stat.st_size))
        with contextlib.suppress(ValueError, IsADirectoryError):
            seen.print = fingerprint(path.read_bytes()) if path.is_file() else None
        return seen
    except FileNotFoundError:
        return Seen(os.path.lexists(path))  # a dangling link is the student's too


def write_whole(path: Path, data: bytes, aside: Path, expected: Seen | None = None) -> None:
    """Put `data` at `path` in one move: written to the folder `aside`, forced to disk, then renamed.

    With `expected`, gives up (FileExistsError) if the file there changed since it was looked at."""
    draft = aside / f"{path.name}.{os.getpid()}.part"
    try:
        with open(draft, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if expected is not None and look(path) != expected:
            raise FileExistsError(errno.EEXIST, "changed while being updated", str(path))
        replace(draft, path)
    finally:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)


def replace(draft: Path, path: Path) -> None:
    """os.replace with patience: on Windows a virus scanner or an editor may hold the file for a moment."""
    for wait in (0.05, 0.1, 0.2, 0.4, 0):
        try:
            os.replace(draft, path)
            return
        except PermissionError:
            if not wait:
                raise
            time.sleep(wait)


def prepare_folder(folder: Path) -> Path:
    """Make the student's folder and our hidden one in it, and see that both can be written. Returns the hidden one."""
    aside = folder / KEEP
    elsewhere = "Name another folder: nnlab lab FOLDER"
    try:
        aside.mkdir(parents=True, exist_ok=True)
        probe = aside / f"probe.{os.getpid()}.part"
        probe.write_bytes(b"")
        probe.unlink()
        for old in aside.glob("*.part"):  # left by a run that was killed; a younger one may be another run's
            if time.time() - old.stat().st_mtime > 3600:
                old.unlink()
    except (FileExistsError, NotADirectoryError) as error:
        blocked = next((p for p in (aside, *aside.parents) if p.is_file()), error.filename)
        raise LessonsError(f"{blocked} is a file, but a folder is needed there. {elsewhere}") from error
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise LessonsError(f"The disk of {folder} is full. Free some space and run again.") from error
        if isinstance(error, PermissionError) or error.errno == errno.EROFS:
            raise LessonsError(f"No right to write to {folder}. {elsewhere}") from error
        raise LessonsError(f"{folder} cannot be used: {error.strerror or error}. {elsewhere}") from error
    return aside


# ---------------------------------------------------------------- the manifest


def read_manifest(aside: Path) -> tuple[dict[str, dict], str | None]:
    """What was laid in earlier runs: {lesson: {"base": print, "beside": {file: print}}}, and a note if it is damaged.

    `base` is the print of the version the student's copy comes from; "" where that is not known."""
    path = aside / MANIFEST
    try:
        lessons = json.loads(path.read_text(encoding="utf-8"))["lessons"]
        for entry in lessons.values():
            if not isinstance(entry["base"], str) or not isinstance(entry["beside"], dict):
                raise ValueError("not as written")
        return lessons, None
    except FileNotFoundError:
        return {}, None
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}, f"{KEEP}/{MANIFEST} was damaged: it is made anew, and every lesson that differs is kept as it is."


def write_manifest(aside: Path, lessons: dict[str, dict]) -> None:
    text = json.dumps({"version": 1, "lessons": lessons}, indent=1, sort_keys=True)
    path = aside / MANIFEST
    if not path.is_file() or path.read_text(encoding="utf-8", errors="replace") != text:
        write_whole(path, text.encode("utf-8"), aside)


# ---------------------------------------------------------------- laying the lessons


def lay(source: Path, folder: Path, restore: tuple[str, ...] = ()) -> Report:
    """Bring the lessons of `source` into `folder`: new ones copied, untouched ones updated, changed ones kept with the
    newer laid beside, deleted ones left deleted unless named in `restore`.

    Raises LessonsError if nothing could be laid."""
    lessons = shipped_lessons(source)
    names = {path.name for path in lessons}
    wanted = {find_lesson(name, lessons).name for name in restore}
    aside = prepare_folder(folder)
    manifest, note = read_manifest(aside)
    report = Report(notes=[note] if note else [])
    for lesson in lessons:
        entry = manifest.get(lesson.name)
        try:
            manifest[lesson.name] = lay_one(lesson, folder, aside, entry, lesson.name in wanted, report)
        except OSError as error:
            report.failed.append(lesson.name)
            report.notes.append(why_not(lesson.name, folder, error))
    try:
        write_manifest(aside, manifest)
    except OSError as error:
        report.notes.append(why_not(f"{KEEP}/{MANIFEST}", folder, error))
    if report.failed and not any((folder / name).exists() for name in names):
        raise LessonsError(report.notes[-1])
    return report


def lay_one(lesson: Path, folder: Path, aside: Path, entry: dict | None, restore: bool, report: Report) -> dict:
    """Decide about one lesson and do it; returns its entry for the manifest.

    The file is written before the manifest. If a run ends between the two, the next one finds the student's file equal
    to the shipped one and only catches up on the manifest."""
    name, data = lesson.name, lesson.read_bytes()
    newest = fingerprint(data)
    mine = look(folder / name)
    base, beside = (entry["base"], dict(entry["beside"])) if entry else ("", {})

    if not mine.exists:
        if entry and not restore:
            report.deleted.append(name)
            return entry
        write_whole(folder / name, data, aside, expected=mine)
        report.new.append(name)
    elif mine.print == newest:
        pass
    elif mine.print is not None and mine.print == base:
        write_whole(folder / name, data, aside, expected=mine)
        report.updated.append(name)
    else:
        report.kept.append(name)
        if mine.print is None:
            report.notes.append(f"{name} cannot be read as a notebook: it stays as it is, a good copy lies beside it.")
        if mine.print is None or base != newest:
            lay_beside(lesson, data, newest, folder, aside, beside, report)
        return {"base": base, "beside": beside}
    return {"base": newest, "beside": beside}


def lay_beside(
    lesson: Path, data: bytes, newest: str, folder: Path, aside: Path, beside: dict[str, str], report: Report
) -> None:
    """Lay the newest version beside the student's as NAME_new.ipynb (NAME_new2 ... if the student works in that one).

    `beside` maps the names laid so far to the print of what was laid; it is changed in place. Laid once: a version that
    the student deleted or changed is not laid again."""
    if newest in beside.values():
        return
    for number in range(1, 1000):
        name = f"{lesson.stem}_new{'' if number == 1 else number}{lesson.suffix}"
        there = look(folder / name)
        if there.print == newest:
            beside[name] = newest
            return
        if not there.exists or (there.print is not None and there.print == beside.get(name)):
            write_whole(folder / name, data, aside, expected=there)
            beside[name] = newest
            report.notes.append(f"{lesson.name} is yours and stays as it is; the newer version is {name}.")
            return


def find_lesson(wanted: str, lessons: list[Path]) -> Path:
    """The lesson meant by `wanted`: a number (1, 01), a name (01_neurons, neurons) or a file name."""
    for lesson in lessons:
        number, _, title = lesson.stem.partition("_")
        same_number = wanted.isdecimal() and number.isdecimal() and int(wanted) == int(number)
        if same_number or wanted in (lesson.name, lesson.stem, title):
            return lesson
    raise LessonsError(f"No lesson {wanted!r}. There are: {', '.join(lesson.stem for lesson in lessons)}.")


def why_not(name: str, folder: Path, error: OSError) -> str:
    """One line for a file that could not be laid."""
    if error.errno == errno.ENOSPC:
        return f"{name} was not laid: the disk of {folder} is full. Free some space and run again."
    if isinstance(error, PermissionError):
        return f"{name} was not laid: another program has it open, or {folder} is read-only. Close it and run again."
    if isinstance(error, FileExistsError):
        return f"{name} was not updated: it was saved at that very moment. Run again."
    return f"{name} was not laid: {error.strerror or error}. Run again."
