"""What is in a folder or a zip that came from outside: each file with its bytes, or with why it was not taken.

Hostile input. Nothing is unpacked to the disk, no link is followed, no size that a header claims is believed, and a
name only ever becomes words: where a file is stored is decided by shelf.py.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import re
import stat
import unicodedata
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from course.grading.office import OfficeError

LARGEST = 5_000_000  # bytes of a notebook; the judge reads no more
MEMBERS = 10_000
TOTAL = 600_000_000  # bytes of all that is taken at once, held in memory
RATIO, SMALL = 200, 100_000  # how many times its packed size a member may become, once it is no longer small
_DIRECTORY = 8_000_000  # bytes of a zip's list of members
_DEPTH = 12
_BLOCK = 1 << 16
_DEVICES = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³]) *(\..*)?", re.IGNORECASE)
_IGNORED = re.compile(r"__MACOSX|\.DS_Store|\._.*|\.ipynb_checkpoints|Thumbs\.db|desktop\.ini|timestamp\.txt",
                      re.IGNORECASE)
_ARCHIVES = (b"PK\x03\x04", b"PK\x05\x06", b"Rar!", b"7z\xbc\xaf\x27\x1c", b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00")
_PACKED = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar", ".zst")


class IntakeError(OfficeError):
    """Nothing of a folder or an archive can be taken in; one line that says what to do."""


class Refused(Exception):
    """One member is not taken: why, in words for whoever handed it in."""


@dataclass
class Member:
    """One file: its path in the folder or zip, when it was written (in the clock of its source), and how to read it."""

    path: str
    time: float
    read: Callable[[], bytes]  # raises Refused
    problem: str = ""  # known before it is read
    written: str = ""  # its time in ISO form; without an offset where only the source knows its timezone

    @property
    def parts(self) -> list[str]:
        return self.path.split("/")


@contextlib.contextmanager
def opened(path: Path) -> Iterator[list[Member]]:
    """The files in a folder or a zip, or the one that `path` is; they can be read in the block. Raises IntakeError."""
    with contextlib.ExitStack() as stack:
        try:
            if path.is_dir():
                found = list(_of_folder(path))
            elif path.suffix.lower() == ".ipynb":
                found = [_file(path.resolve(), path.name, path.stat())]
            elif zipfile.is_zipfile(path):
                found = _of_zip(path, stack.enter_context(path.open("rb")))
            elif path.exists():
                raise IntakeError(f"{path} is no folder, no zip and no notebook; another archive? unpack it first")
            else:
                raise IntakeError(f"there is no {path}")
        except OSError as problem:
            raise IntakeError(f"{path} cannot be read: {problem.strerror or problem}") from None
        _judge_names(found)
        yield found


# ---------------------------------------------------------------- names


def _judge_names(found: list[Member]) -> None:
    """Give those with a name that could mean another place, or two places, their problem."""
    same = Counter(_folded(each.path) for each in found)
    for each in found:
        if same[_folded(each.path)] > 1:
            each.problem = each.problem or "two files have this name, but for capitals or accents: rename one"
        each.problem = _unsafe(each.path) or each.problem


def _folded(path: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", path).casefold())


def _unsafe(path: str) -> str:
    parts = path.split("/")
    if path.startswith("/") or re.match(r"[A-Za-z]:", path):
        return "its name is an absolute path"
    if ".." in parts or "." in parts:
        return "its name leads out of the folder, by .."
    if len(path) > 1000 or len(parts) > _DEPTH or any(len(part.encode("utf-8", "replace")) > 255 for part in parts):
        return "its name is too long, or too many folders deep"
    if re.search(r"[\x00-\x1f\x7f]", path):
        return "its name holds control characters"
    if any(_DEVICES.fullmatch(part.rstrip(". ")) for part in parts):
        return "its name is that of a device on Windows"
    return ""


def _ignored(path: str) -> bool:
    """What systems leave behind, which nobody handed in."""
    return any(_IGNORED.fullmatch(part) for part in path.split("/"))


def _packed(path: str) -> str:
    return "it is an archive: hand in the notebook itself" if path.lower().endswith(_PACKED) else ""


def sniffed(data: bytes) -> bytes:
    """`data`, unless it is an archive by another name."""
    if data.startswith(_ARCHIVES):
        raise Refused("it is an archive with another ending: hand in the notebook itself")
    return data


# ---------------------------------------------------------------- folders


def _of_folder(top: Path) -> Iterator[Member]:
    waiting, count = [(top, "")], 0
    while waiting:
        folder, before = waiting.pop()
        with os.scandir(folder) as entries:
            for entry in sorted(entries, key=lambda each: each.name):
                name = before + entry.name.replace("\\", "/")
                count += 1
                if count > MEMBERS:
                    raise IntakeError(f"{top} holds more than {MEMBERS:,} files and folders: collect it in parts")
                if _ignored(name):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    if name.count("/") < _DEPTH:
                        waiting.append((Path(entry.path), f"{name}/"))
                    else:
                        yield Member(name, 0, bytes, "its name is too long, or too many folders deep")
                else:
                    yield _file(Path(entry.path), name, entry.stat(follow_symlinks=False))


def _file(path: Path, name: str, status: os.stat_result) -> Member:
    problem = _packed(name)
    if stat.S_ISLNK(status.st_mode):
        problem = "it is a link: hand in the file itself"
    elif not stat.S_ISREG(status.st_mode):
        problem = "it is no ordinary file"
    written = ""
    if 0 < status.st_mtime < 2**33:  # beyond it lies no time that a calendar could tell
        written = dt.datetime.fromtimestamp(int(status.st_mtime), dt.UTC).isoformat()
    return Member(name, status.st_mtime, lambda: _read_file(path), problem, written)


def _read_file(path: Path) -> bytes:
    """What is in a file, even if another has been put in its place meanwhile."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        with os.fdopen(os.open(path, flags), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise Refused("it is no ordinary file")
            return sniffed(_whole(file))
    except OSError as problem:
        raise Refused(f"it cannot be read: {problem.strerror or problem}") from None


def _whole(file: BinaryIO, allowed: Callable[[int], bool] = lambda size: True) -> bytes:
    """All of it, block by block, as long as it is not too much."""
    parts, size = [], 0
    while block := file.read(_BLOCK):
        size += len(block)
        if size > LARGEST:
            raise Refused(f"it has more than {LARGEST // 1_000_000} MB: clear the outputs and hand it in again")
        if not allowed(size):
            raise Refused("it unpacks to very much more than its size: a zip bomb?")
        parts.append(block)
    return b"".join(parts)


# ---------------------------------------------------------------- zips


class _Bounded:
    """A zip's file, from which no list of members longer than ours is read at once, whatever its header says."""

    def __init__(self, file: BinaryIO):
        self._file = file
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable
        self.close, self.mode, self.name = file.close, "rb", file.name

    def read(self, size: int = -1) -> bytes:
        if size < 0 or size > _DIRECTORY:
            data = self._file.read(_DIRECTORY + 1)
            if len(data) > _DIRECTORY:
                raise IntakeError(f"{self.name} lists more than {MEMBERS:,} files: unpack it and collect it in parts")
            return data
        return self._file.read(size)


def _of_zip(path: Path, file: BinaryIO) -> list[Member]:
    try:
        archive = zipfile.ZipFile(_Bounded(file))
        listed = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OverflowError) as problem:
        raise IntakeError(f"{path} is damaged: download it again ({problem})") from None
    if len(listed) > MEMBERS:
        raise IntakeError(f"{path} lists more than {MEMBERS:,} files: unpack it and collect it in parts")
    named = [(info, _name(info)) for info in listed]
    return [_member(archive, info, name) for info, name in named
            if not _ignored(name) and (not info.is_dir() or _odd(info))]


def _name(info: zipfile.ZipInfo) -> str:
    """The whole name as it stands there, with / between folders. Names without a code are UTF-8 from a Mac."""
    name = info.orig_filename
    if not info.flag_bits & 0x800:
        with contextlib.suppress(UnicodeError):
            name = name.encode("cp437").decode("utf-8")
    return name.replace("\\", "/")


def _odd(info: zipfile.ZipInfo) -> str:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind == stat.S_IFLNK:
        return "it is a link: hand in the file itself"
    return "" if kind in (0, stat.S_IFREG, stat.S_IFDIR) else "it is no ordinary file"


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str) -> Member:
    problem = _odd(info) or _packed(name)
    if info.flag_bits & 0x2041:
        problem = "it is encrypted: hand it in without a password"
    elif info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        problem = "it is packed in a way that is not known here"
    year, month, day, hour, minute, second = info.date_time
    time = ((((year * 12 + month) * 31 + day) * 24 + hour) * 60 + minute) * 60 + second
    try:
        written = dt.datetime(*info.date_time).isoformat()
    except ValueError:  # the 31st of February, or all zeros: it has none
        written = ""
    return Member(name, time, lambda: _unpacked(archive, info), problem, written)


def _unpacked(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    packed = max(info.compress_size, 1)
    try:
        with archive.open(info) as file:
            return sniffed(_whole(file, lambda size: size <= SMALL or size <= RATIO * packed))
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError,
            OverflowError) as problem:
        raise Refused(f"it is damaged ({str(problem)[:100]})") from None
