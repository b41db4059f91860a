"""A SQLite file from which nothing is lost: one writer, checked when it is opened, written whole or not at all.

What is in it is records.py's affair. Here is what can go wrong with any such file: two programs at once, a network
folder, a full disk, a damaged file. Each ends in one line that says what to do, and the file is never made worse.
"""

from __future__ import annotations

import contextlib
import errno
import getpass
import json
import os
import socket
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

from course.record import now

FILE, LOCK = "records.sqlite", "records.lock"
APPLICATION = 0x6E6E6C62  # "nnlb", in the file's header
# Where SQLite's write-ahead log works: it needs memory shared between processes, which no network folder has. A file
# system that is not known here gets the slower journal, which works everywhere.
LOCAL = {"ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "bcachefs", "jfs", "tmpfs", "overlay"}
FULL = (errno.ENOSPC, errno.EDQUOT)


class RecordsError(Exception):
    """The record cannot be used or written, in one line that says how to mend it."""


class DiskFull(RecordsError):
    """Nothing more can be written; everything recorded before is kept."""


class Busy(RecordsError):
    """Another process is writing just now."""


class Damaged(RecordsError):
    """The file is no record, or no longer one."""


def who() -> str:
    """Who is at the keyboard, as far as the machine knows."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a user without a name, as in some containers
        return f"user {os.getuid()}"


# ---------------------------------------------------------------- one writer


class Lock:
    """Held by the one process that writes. The system frees it when that process ends, however it ends."""

    def __init__(self, path: Path):
        try:
            import fcntl
        except ImportError:
            raise RecordsError("grading needs Linux or macOS; on Windows run nnlab inside WSL2") from None
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as problem:
            raise RecordsError(f"{path} cannot be written ({problem.strerror}): is this course folder yours?") from None
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as problem:
            holder = self._holder()
            os.close(self._file)
            if problem.errno not in (errno.EAGAIN, errno.EACCES):
                raise RecordsError(f"{path.parent} is on a file system without locks ({problem.strerror}): "
                                   "keep the course folder on another disk") from None
            raise Busy(f"the record is being written by {holder}: wait until it has ended, or end it, then run this "
                       "again") from None
        about = {"process": os.getpid(), "host": socket.gethostname(), "since": now(),
                 "command": " ".join(["nnlab", *sys.argv[1:3]])}
        with contextlib.suppress(OSError):  # the lock is held; a full disk only has no room for the holder's name
            os.ftruncate(self._file, 0)
            os.write(self._file, json.dumps(about).encode())

    def _holder(self) -> str:
        try:
            about = json.loads(os.pread(self._file, 10_000, 0))
            return "process {process} on {host} since {since} ({command})".format(**about)
        except (ValueError, KeyError, TypeError, OSError):
            return "another process"

    def release(self) -> None:
        with contextlib.suppress(OSError):
            os.ftruncate(self._file, 0)
        os.close(self._file)


# ---------------------------------------------------------------- the file


def file_system(folder: Path, mounts: str | None = None) -> str:
    """The type of the file system a folder is on, or "" where that cannot be told."""
    if mounts is None:
        try:
            mounts = Path("/proc/mounts").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""
    here, best, kind = f"{folder.resolve()}/".replace("//", "/"), "", ""
    for line in mounts.splitlines():
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        point = fields[1]
        for code, letter in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
            point = point.replace(code, letter)
        if here.startswith(point.rstrip("/") + "/") and len(point) >= len(best):  # of two on one point, the later
            best, kind = point, fields[2]
    return kind


def journal(folder: Path, mounts: str | None = None) -> str:
    """Which journal SQLite is to keep there."""
    return "wal" if file_system(folder, mounts) in LOCAL else "delete"


def create(path: Path, steps: list[str]) -> None:
    """A new, empty record; it is there whole or not at all."""
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    with explained(path):
        db = sqlite3.connect(part, isolation_level=None)
        try:
            db.execute(f"PRAGMA application_id={APPLICATION}")
            _upgrade(db, 0, steps)
        finally:
            db.close()
        settle(part, path)


def connect(path: Path, steps: list[str], write: bool) -> sqlite3.Connection:
    """The record, examined first. Raises RecordsError; a damaged file is left as it is."""
    version = examine(path, alone=write)
    if version > len(steps):
        raise RecordsError(f"{path} was written by a newer nnlab (its tables are version {version}, this one knows "
                           f"{len(steps)}): pip install --upgrade nnlab")
    if version < len(steps) and not write:
        raise RecordsError(f"{path} was written by an older nnlab: nnlab backup brings it up to date")
    db = sqlite3.connect(path, isolation_level=None, timeout=10)
    try:
        with explained(path):
            db.row_factory = sqlite3.Row
            db.execute("PRAGMA foreign_keys=ON")
            if write:
                _prepare(db, path, version, steps)
            else:
                db.execute("PRAGMA query_only=ON")
    except BaseException:
        db.close()
        raise
    return db


def _prepare(db: sqlite3.Connection, path: Path, version: int, steps: list[str]) -> None:
    mode = journal(path.parent)
    if mode != "wal":  # a record that was on a local disk before: leave its log without shared memory
        db.execute("PRAGMA locking_mode=EXCLUSIVE")
    db.execute(f"PRAGMA journal_mode={mode}")
    db.execute("PRAGMA locking_mode=NORMAL")
    db.execute("SELECT count(*) FROM sqlite_master").fetchone()  # only now are readers let in again
    db.execute("PRAGMA synchronous=FULL")
    if version < len(steps):
        _upgrade(db, version, steps)


def _upgrade(db: sqlite3.Connection, version: int, steps: list[str]) -> None:
    script = "\n".join(steps[version:])
    db.executescript(f"BEGIN IMMEDIATE;\n{script}\nPRAGMA user_version={len(steps)};\nCOMMIT;")


def examine(path: Path, alone: bool = True) -> int:
    """The version of the tables in a sound file. Looks without writing, unless SQLite has to undo a torn commit.

    `alone`: nobody writes it meanwhile, so that no shared memory is needed either, which a network folder has not.
    """
    if not path.exists():
        raise Damaged(f"there is no {path}. {_advice(path)}")
    if path.stat().st_size == 0:  # SQLite would take it for a new one
        raise Damaged(f"{path} is empty. {_advice(path)}")
    torn, log = (path.with_name(path.name + tail).exists() for tail in ("-journal", "-wal"))
    how = "mode=rw" if torn else "immutable=1" if alone and not log else "mode=ro"
    try:
        db = sqlite3.connect(f"{path.resolve().as_uri()}?{how}", uri=True, timeout=10)
        try:
            found = db.execute("PRAGMA integrity_check(3)").fetchall()
            version, = db.execute("PRAGMA user_version").fetchone()
            application, = db.execute("PRAGMA application_id").fetchone()
        finally:
            db.close()
    except sqlite3.OperationalError as problem:
        if "disk I/O" in str(problem):  # also reading takes a little room beside a write-ahead log
            raise DiskFull(f"{path} cannot be opened ({problem}): is the disk full, or gone?") from None
        raise RecordsError(f"{path} cannot be read: {problem}") from None
    except sqlite3.DatabaseError as problem:
        raise Damaged(f"{path} is damaged ({problem}) and was left as it is. {_advice(path)}") from None
    if found != [("ok",)]:
        what = str(found[0][0]).splitlines()[-1]
        raise Damaged(f"{path} is damaged ({what}) and was left as it is. {_advice(path)}")
    if application != APPLICATION:
        raise Damaged(f"{path} is a database, but not a record of nnlab. {_advice(path)}")
    return version


def backups(folder: Path) -> list[Path]:
    """The backups of a course folder, the newest last."""
    return sorted(folder.glob("backups/records-*.sqlite"))


def _advice(path: Path) -> str:
    if found := backups(path.parent):
        return f"To put the newest backup, {found[-1].name}, in its place: nnlab restore --course {path.parent}"
    return "There is no backup in backups/: put one there if you have it elsewhere, then nnlab restore"


@contextlib.contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what SQLite and the disk complain of into one line."""
    kept = "everything recorded before is kept; free some space, then run the same command again to go on"
    try:
        yield
    except sqlite3.OperationalError as problem:
        if "full" in str(problem):
            raise DiskFull(f"the disk of {path.parent} is full: {kept}") from None
        if "disk I/O" in str(problem):
            raise DiskFull(f"{path} could not be written ({problem}; is the disk full, or gone?): {kept}") from None
        raise RecordsError(f"{path}: {problem}") from None
    except sqlite3.IntegrityError as problem:
        raise RecordsError(f"{path}: {problem}") from None
    except sqlite3.DatabaseError as problem:
        raise Damaged(f"{path} is damaged ({problem}). {_advice(path)}") from None
    except OSError as problem:
        if problem.errno in FULL:
            raise DiskFull(f"the disk of {path.parent} is full: {kept}") from None
        raise RecordsError(f"{problem.filename or path}: {problem.strerror}") from None


@contextlib.contextmanager
def transaction(db: sqlite3.Connection, path: Path) -> Iterator[None]:
    """All of it or nothing of it; on the disk before the next line runs."""
    with explained(path):
        db.execute("BEGIN IMMEDIATE")
        try:
            yield
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise


def put(out: Path, data: bytes) -> None:
    """Write a file whole or not at all."""
    out = out.expanduser().resolve()
    with explained(out):
        part = out.with_name(out.name + ".part")
        part.write_bytes(data)
        settle(part, out)


def settle(part: Path, path: Path) -> None:
    """Give a file that is written its name, so that after a power cut it is there whole or not at all."""
    with part.open("rb") as file:
        os.fsync(file.fileno())
    os.replace(part, path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
