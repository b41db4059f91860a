"""Copies of the record: made after every command that writes, looked through, and put back when the record is damaged.

The record only grows, so the newest sound backup holds all that the older ones do.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path

from course.grading import store
from course.record import now

KEPT = 10


def back_up(db: sqlite3.Connection, path: Path) -> Path:
    """Copy the record into backups/, look whether the copy is sound, drop the eleventh."""
    stamp = now().replace("+00:00", "Z").replace(":", "").replace("-", "")
    place = path.parent / "backups"
    with store.explained(path):
        place.mkdir(exist_ok=True)
        earlier = sorted(place.glob(f"records-{stamp}-*.sqlite"))  # of the same second
        to = place / f"records-{stamp}-{int(earlier[-1].stem[-3:]) + 1 if earlier else 0:03}.sqlite"
        copy(db, to)
        for old in store.backups(path.parent)[:-KEPT]:
            old.unlink()
    return to


def copy(db: sqlite3.Connection, to: Path) -> None:
    """A sound copy of an open record, whole or not at all."""
    part = to.with_name(to.name + ".part")
    part.unlink(missing_ok=True)
    try:
        other = sqlite3.connect(part)
        try:
            db.backup(other)
            other.execute("PRAGMA journal_mode=DELETE")  # one file, without a log beside it
        finally:
            other.close()
        store.examine(part)
        store.settle(part, to)
    finally:
        part.unlink(missing_ok=True)


def put_back(folder: Path, chosen: Path | None, sure: bool) -> tuple[Path, Path | None, int]:
    """Restore a course's record from a backup, the newest sound one if none is chosen.

    Gives the backup, where the record that was there is now, and how many gradings there are. Raises RecordsError; also
    where the record is sound and holds more than the backup, unless `sure`.
    """
    path = folder / store.FILE
    lock = store.Lock(path.with_name(store.LOCK))
    try:
        candidates = [chosen] if chosen else list(reversed(store.backups(folder)))
        for backup in candidates:
            try:
                kept = _gradings(backup)
                break
            except store.Damaged as problem:
                if backup is candidates[-1]:
                    raise store.RecordsError(f"no sound backup to restore: {problem}") from None
        else:
            raise store.RecordsError(f"there is no backup in {folder / 'backups'}: name the file, nnlab restore FILE")
        with contextlib.suppress(store.Damaged):
            if (here := _gradings(path)) >= kept and not sure:
                raise store.RecordsError(f"the record is sound and holds {here} gradings, {backup.name} holds {kept}: "
                                         "nothing to restore. To do it all the same: --yes")
        return backup, restore(path, backup), kept
    finally:
        lock.release()


def _gradings(path: Path) -> int:
    """How many gradings a sound record holds. Raises Damaged."""
    store.examine(path)
    with store.explained(path):
        db = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
        try:
            return db.execute("SELECT count(*) FROM gradings").fetchone()[0]
        finally:
            db.close()


def restore(path: Path, backup: Path) -> Path | None:
    """Put a backup in the record's place; what was there is moved aside, and its new name returned."""
    store.examine(backup)
    with store.explained(path):
        part = path.with_name(path.name + ".part")
        part.write_bytes(backup.read_bytes())
        aside, names = None, [path.name + tail for tail in ("", "-wal", "-shm", "-journal")]
        if any((path.parent / name).exists() for name in names):
            stamp = now()[:19].replace(":", "")
            aside = next(place for n in range(1000) if not (place := path.parent / f"replaced-{stamp}-{n:03}").exists())
            aside.mkdir()
            for name in names:  # the record first: killed half way, it is found missing, never found without its log
                if (path.parent / name).exists():
                    os.replace(path.parent / name, aside / name)
        store.settle(part, path)
    return aside
