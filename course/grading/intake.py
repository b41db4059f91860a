"""Who handed in what: told from the names of files and folders alone, as the LMS or the instructor wrote them. What
stands in a notebook says nothing about whose it is.

Known are the downloads of Canvas and Moodle, nbgrader's folders, and plain ones (STUDENT/any.ipynb, STUDENT.ipynb).
Every student who handed in anything gets a row, with the problem in words where nothing can be made of it.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from course.grading import archive
from course.grading.archive import IntakeError, Member, Refused

EACH = 10  # files of one student that are read
NOT_A_NOTEBOOK = "it is no notebook: hand in the file that ends in .ipynb"
# smithjohn_LATE_12345_67890_name.ipynb: student and submission by number. Of a new attempt the name ends in -1, -2.
CANVAS = re.compile(r"(?P<name>[^_/]+)(_LATE)?_(?P<id>[0-9]+)_[0-9]+_.+", re.IGNORECASE)
MOODLE = re.compile(r"(?P<name>.+?)_(?P<id>[0-9]+)_assignsubmission_(file|onlinetext)(_.*)?", re.IGNORECASE)
_UNIT = re.compile(r"[0-9]{2}_[a-z0-9_]+(-handin)?([ -]?\(?[0-9]+\)?)?", re.IGNORECASE)  # nobody is called so


class Found(NamedTuple):
    """One file of one student; of several, the last in the list is the newest. `data` is empty where it was refused.

    `written` is the time of the file as its source gives it, in ISO form, or empty.
    """

    student: str
    file: str
    data: bytes
    problem: str
    written: str = ""


def collect(path: Path) -> list[Found]:
    """What is in a folder, a zip, a download of an LMS, or one notebook. Raises IntakeError.

    By student. Of several files of one student those with a problem come first, then the notebooks from the oldest to
    the newest, by the time of the file and, where that is the same, by name (x-2 before x-10). So the newest notebook
    that can be read counts. Other files beside a notebook are no hand-in and are left out.
    """
    path = Path(path).expanduser()
    kept: dict[str, list[tuple[Member, bytes]]] = {}
    total = 0
    with archive.opened(path) as members:
        for student, theirs in sorted(_by_student(members, path).items()):
            kept[student] = []
            for number, member in enumerate(sorted(theirs, key=_order)):
                if len(theirs) - number > EACH:  # the newest stay
                    member.problem = member.problem or f"one of {len(theirs)} files; only the last {EACH} are read"
                data = _read(member)
                total += len(data)
                if total > archive.TOTAL:
                    raise IntakeError(f"{path} holds more than {archive.TOTAL // 1_000_000} MB of notebooks: collect "
                                      "it in parts")
                kept[student].append((member, data))
    return [found for student, theirs in kept.items() for found in _rows(student, theirs)]


def _by_student(members: list[Member], path: Path) -> dict[str, list[Member]]:
    found = defaultdict(list)
    for member, student in zip(members, _students(members, _whole(path)), strict=True):
        member.problem = member.problem or ("" if _is_notebook(member.path) else NOT_A_NOTEBOOK)
        found[student].append(member)
    return found


def _whole(path: Path) -> str:
    """The name of what all the files are in."""
    whole = path.resolve()
    return whole.parent.name if _is_notebook(path.name) else whole.name if path.is_dir() else whole.stem


def _read(member: Member) -> bytes:
    if member.problem:
        return b""
    try:
        data = member.read()
    except Refused as refused:
        member.problem = str(refused)
        return b""
    member.problem = _no_notebook(data)
    return data


def _rows(student: str, members: list[tuple[Member, bytes]]) -> list[Found]:
    members = sorted(members, key=lambda each: _order(each[0]))
    if not members[-1][0].problem:
        members = [each for each in members if each[0].problem != NOT_A_NOTEBOOK]
    return [Found(student, member.path, data, member.problem, member.written) for member, data in members]


def _order(member: Member) -> tuple:
    """Problems first, then by time, then x-2 before x-10 and x before x-1."""
    name = [(0, int(part), "") if part.isascii() and part.isdigit() and len(part) < 20 else (1, 0, part)
            for part in re.split(r"([0-9]+)", re.sub(r"(?i)\.ipynb$", "", member.path))]
    return not member.problem, member.time, name


def named(path: Path) -> list[tuple[str, str]]:
    """(student, path) of each file in a folder or a zip, told as `collect` tells it; nothing is read."""
    path = Path(path).expanduser()
    with archive.opened(path) as members:
        return list(zip(_students(members, _whole(path)), [each.path for each in members], strict=True))


def lms_number(student: str, file: str, pattern: re.Pattern, owner: Callable[[str, str], str] | None = None) -> str:
    """The number that an LMS gave a student, if the file came under a name by `pattern`, CANVAS or MOODLE; else "".

    `owner` tells whom the course means by such a name, where that is not the name itself.
    """
    for part in file.split("/"):
        match = pattern.fullmatch(part)
        called = _named(f"{match['name']}_{match['id']}") if match else ""
        if called and student in (called, owner and owner(called, file)):  # further in it is the student's choice
            return match["id"]
    return ""


# ---------------------------------------------------------------- what


def _is_notebook(name: str) -> bool:
    return name.lower().endswith(".ipynb")


def _no_notebook(data: bytes) -> str:
    """What can be told without parsing; the rest is told by the judge, who parses in a process with limits."""
    if not data.strip(b" \t\r\n\0"):
        return "the file is empty"
    if b"\0" in data or not data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return "it ends in .ipynb, but it is no notebook"
    return ""


# ---------------------------------------------------------------- who


def _students(members: list[Member], whole: str) -> list[str]:
    """The student of each member; `whole` is the name of what they are all in.

    Only the outermost name that is not shared by all is looked at: what is below a student's folder, or behind the
    student's numbers, is the student's own choice and could be another's name.
    """
    paths = [each.path.split("/") for each in members]
    above = _shared(paths)
    return [_named("/".join(parts) if {"", ".", ".."} & {*parts} else _who(parts[above:], whole)) for parts in paths]


def _shared(paths: list[list[str]]) -> int:
    """How many folders, with all of them inside, are no student's: those around a folder that was zipped whole."""
    above = 0
    while paths and len({tuple(parts[:above + 1]) for parts in paths}) == 1:
        below = [parts[above + 1:] for parts in paths]
        if not all(below) or MOODLE.fullmatch(paths[0][above]):
            break
        if all(len(parts) > 1 and _UNIT.fullmatch(parts[0]) for parts in below):  # nbgrader's STUDENT/UNIT/UNIT.ipynb
            break
        people = [parts[-1] for parts in below if _is_notebook(parts[-1]) and not _UNIT.fullmatch(_stem(parts[-1]))]
        if max(map(len, below)) == 1 and len(people) < 2:  # STUDENT/any.ipynb of one student
            break
        above += 1
    return above


def _who(parts: list[str], whole: str) -> str:
    if match := MOODLE.fullmatch(parts[0]) or (CANVAS.fullmatch(parts[0]) if len(parts) == 1 else None):
        return f"{match['name']}_{match['id']}"
    if len(parts) > 1:
        return parts[0]
    return whole if whole and _UNIT.fullmatch(_stem(parts[0])) else _stem(parts[0])


def _stem(name: str) -> str:
    return name.rsplit(".", 1)[0] or name


def _named(name: str) -> str:
    return unicodedata.normalize("NFC", name).strip()[:200] or "unknown"
