"""The files of a course folder: what was handed in, each under a name that is safe however hostile the student's id.

A file is on the disk before its row is in the record, and its sha256 is in the row: what was changed afterwards is not
graded.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from course.grading import store
from course.grading.records import Records, RecordsError, Submission

HANDED_IN = "handed-in"
_PLAIN = re.compile(r"[a-z0-9][a-z0-9_.@+-]{0,63}")
_RESERVED = {"con", "prn", "aux", "nul", *(f"{name}{n}" for name in ("com", "lpt") for n in range(10))}  # on Windows


def safe_name(student: str) -> str:
    """A file name for a student's id: never the same for two ids, also where disks do not tell A from a."""
    plain = _PLAIN.fullmatch(student) and not student.endswith(".") and student.split(".")[0] not in _RESERVED
    if plain:
        return student
    readable = re.sub(r"[^a-z0-9]+", "-", student.lower()).strip("-")[:30]
    return f"{readable}~{hashlib.sha256(student.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"


def storable(text: str) -> str:
    """`text` without what no database and no terminal takes: halves of letters, as in a broken file name, and NUL."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "\\x00")


def shown(text: str) -> str:
    """`text` for a terminal: what would move the cursor or turn the direction of writing is spelt out."""
    return "".join(f"\\u{ord(letter):04x}" if unicodedata.category(letter)[0] == "C" else letter for letter in text)


def some(names: list[str], most: int = 5) -> str:
    """The first of several names, for a person to read, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(map(shown, names[:most])) + more if names else "nobody"


@dataclass
class Taken:
    """What one collect did."""

    new: int = 0
    known: int = 0  # the same file is the student's newest attempt already
    older: list[str] = field(default_factory=list)  # students whose older attempt came again
    twice: dict[str, str] = field(default_factory=dict)  # student with several files in this collect -> the newest
    problems: list[tuple[str, str]] = field(default_factory=list)  # (file, what is wrong); they get a row too


def take(records: Records, batch: int, unit: str, found: list[tuple[str, str, bytes, str, str]],
         again: bool = False) -> Taken:
    """Store what intake found, (student, file name, bytes, problem, its time), as new attempts.

    Taking it twice changes nothing. With `again`, a file that was an older attempt becomes the newest.
    """
    taken, attempts = Taken(), {}
    for each in records.submissions(unit):
        attempts.setdefault(each.student, []).append((each.sha256, each.problem))
    found = [(storable(student), storable(file), data, storable(problem), written)
             for student, file, data, problem, written in found]
    times = Counter(student for student, *_ in found)
    taken.twice = {student: file for student, file, *_ in found if times[student] > 1}
    for student, file, data, problem, written in found:
        mine = attempts.setdefault(student, [])
        key = (hashlib.sha256(data).hexdigest(), problem)
        if mine and mine[-1] == key:
            taken.known += 1
            continue
        if key in mine and problem:  # a broken file that lies there still is no new attempt
            taken.known += 1
            continue
        if key in mine and not again:
            taken.older.append(student)
            continue
        mine.append(key)
        stored = f"{HANDED_IN}/{unit}/{safe_name(student)}/{len(mine)}.ipynb"
        _write(records.path.parent / stored, data)
        records.add_submission(batch, unit, student, len(mine), key[0], len(data), stored, file, problem,
                               written)
        taken.new += 1
        if problem:
            taken.problems.append((file, problem))
    return taken


def _write(path: Path, data: bytes) -> None:
    part = path.with_name(path.name + ".part")
    with store.explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(data)
        store.settle(part, path)


def read(folder: Path, submission: Submission) -> bytes:
    """The bytes handed in. Raises RecordsError if they are gone or no longer the same."""
    path = folder / submission.stored
    try:
        data = path.read_bytes()
    except OSError as problem:
        raise RecordsError(f"{path}: {problem.strerror}; put it back from a copy of the course folder") from None
    if hashlib.sha256(data).hexdigest() != submission.sha256:
        raise RecordsError(f"{path} was changed after it was handed in; put it back from a copy of the course folder")
    return data
