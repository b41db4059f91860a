"""What a student has done: predictions locked and exercises passed, kept in one small file beside the lessons.

The file is the student's own (`nnlab-progress.json`, on this machine only); nobody grades it. What was done first
stays: a prediction is locked once, an exercise is passed once. Two records, of two machines, can therefore be joined
without losing anything (`nnlab progress export` and `import`).
"""

import datetime
import json
import os
import pathlib

FILE = "nnlab-progress.json"
KINDS = {"predictions": "locked_at", "exercises": "passed_at"}  # what is kept, and the name of its time


class RecordError(Exception):
    """A record that cannot be read or written, in one line that says how to mend it."""


def now() -> str:
    """The time, as it is written: UTC, to the second."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


class Record:
    """The record of one folder. Where it cannot be written it lives with the kernel, and `note` says so."""

    _kept: dict[str, dict] = {}

    def __init__(self, folder: str | os.PathLike = "."):
        self.path = pathlib.Path(folder).resolve() / FILE
        self.note = ""

    def read(self) -> dict[str, dict[str, dict]]:
        """{"predictions": {lab: entry}, "exercises": {name: entry}}; a file that makes no sense is left alone."""
        try:
            stored = load(self.path)
        except (FileNotFoundError, NotADirectoryError):
            stored = {}
        except (OSError, RecordError) as problem:
            self.note = f"{FILE} could not be read ({problem}): left as it is; this kernel keeps the record."
            stored = {}
        return join(stored, self._kept.get(str(self.path), {}))

    def keep(self, kind: str, key: str, entry: dict) -> None:
        """Add an entry, unless there is one already: what was done first stays."""
        everything = self.read()
        if key in everything[kind]:
            return
        everything[kind][key] = entry
        try:
            if self.note:
                raise OSError(self.note)
            write(self.path, everything)
        except OSError as problem:
            words = f"This folder cannot be written ({problem.strerror}): it is kept until the kernel stops."
            self.note = self.note or words
            self._kept.setdefault(str(self.path), {}).setdefault(kind, {})[key] = entry


def load(path: pathlib.Path) -> dict[str, dict[str, dict]]:
    """The record in a file. Raises OSError, or RecordError if it is none; an entry without sense is left out."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as problem:  # no text, or no JSON
        raise RecordError(f"{path.name} is not a record of progress: {problem}") from None
    if not isinstance(found, dict) or not all(isinstance(found.get(kind, {}), dict) for kind in KINDS):
        raise RecordError(f"{path.name} is not a record of progress: it must hold {' and '.join(KINDS)} by name")
    return join(found, {})


def write(path: pathlib.Path, record: dict) -> None:
    """Write a record whole or not at all."""
    fresh = path.with_name(path.name + ".part")
    fresh.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    os.replace(fresh, path)


def export(record: Record, file: pathlib.Path) -> str:
    """Write the record to `file`; says what was written. Raises RecordError where that cannot be done."""
    mine = load_or_explain(record.path)
    if file.is_dir():
        raise RecordError(f"{file} is a folder: name a file in it, such as {file / FILE}")
    try:
        write(file, mine)
    except OSError as problem:
        raise RecordError(f"{file} could not be written: {problem.strerror}.") from None
    return f"{_count(mine)} written to {file}"


def take_over(record: Record, file: pathlib.Path) -> str:
    """Add the record in `file` to `record`; says what was new. Raises RecordError, with nothing changed."""
    theirs = load_or_explain(file)
    mine = load_or_explain(record.path) if record.path.exists() else join({}, {})
    both = join(mine, theirs)
    try:
        write(record.path, both)
    except OSError as problem:
        raise RecordError(f"{record.path} could not be written: {problem.strerror}.") from None
    new = {kind: both[kind].keys() - mine[kind].keys() for kind in KINDS}
    return f"{_count(theirs)} read from {file}; {_count(new)} new to you"


def load_or_explain(path: pathlib.Path) -> dict[str, dict[str, dict]]:
    try:
        return load(path)
    except FileNotFoundError:
        raise RecordError(f"there is no {path}. Is it another folder? nnlab progress --folder FOLDER") from None
    except OSError as problem:
        raise RecordError(f"{path} could not be read: {problem.strerror}.") from None


def _count(record: dict) -> str:
    return " and ".join(f"{(n := len(record[kind]))} {kind[:-1] if n == 1 else kind}" for kind in KINDS)


def join(one: dict, other: dict) -> dict[str, dict[str, dict]]:
    """Both records as one; of two entries for the same thing, the earlier."""
    both = {}
    for kind, time in KINDS.items():
        entries = [(key, entry) for record in (one, other) for key, entry in record.get(kind, {}).items()
                   if isinstance(entry, dict) and isinstance(entry.get(time), str)]
        both[kind] = dict(sorted(entries, key=lambda pair: pair[1][time], reverse=True))  # the last one written stays
    return both
