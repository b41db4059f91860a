"""One process of the sandbox: it gives up all it does not need, then does one job and ends.

The job is either to read a notebook (`program.read`) or to run one exercise: load its code, then answer calls one by
one. From `caged()` on, this process may be in a student's hands.
"""

from __future__ import annotations

import base64
import ctypes
import os
import resource
import sys
from typing import Any

from . import program, wire
from .loaded import Loaded, Short

_MOST = 64 << 20  # bytes of one message from the judge


class Line:
    """The line to the judge."""

    def __init__(self, down: int, up: int):
        self._down, self._up = down, up

    def receive(self) -> Any:
        return wire.loads(self._exactly(wire.length(self._exactly(wire.HEADER), _MOST)))

    def send(self, message: Any) -> None:
        data = wire.frame(message)
        while data:
            data = data[os.write(self._up, data):]

    def _exactly(self, count: int) -> bytes:
        parts = []
        while count:
            part = os.read(self._down, min(count, 1 << 20))
            if not part:
                os._exit(0)  # the judge has hung up
            parts.append(part)
            count -= len(part)
        return b"".join(parts)


def work(down: int, up: int, user: int | None) -> None:
    """Take the job from the judge, give everything up, do it. Does not return."""
    line = Line(down, up)
    job = line.receive()
    caged(job["limits"], user, base64.b64decode(job["filter"]))
    if job["do"] == "read":
        _read(line, job)
    else:
        sys.stdout = sys.stderr = Short()
        loaded = Loaded(job)
        line.send(loaded.about())
        while True:
            line.send(loaded.answer(line.receive()))
    os._exit(0)


# ---------------------------------------------------------------- the cage


class _Program(ctypes.Structure):
    _fields_ = [("count", ctypes.c_ushort), ("rules", ctypes.c_void_p)]


def caged(limits: dict, user: int | None, rules: bytes) -> None:
    """Limit this process, become nobody, allow only the system calls of `rules`: in this order, each needs the last."""
    megabyte = 1 << 20
    for what, soft, hard in (
        (resource.RLIMIT_CPU, limits["cpu_seconds"], limits["cpu_seconds"] + 1),
        (resource.RLIMIT_AS, limits["memory_mb"] * megabyte, limits["memory_mb"] * megabyte),
        (resource.RLIMIT_FSIZE, megabyte // 4, megabyte // 4),
        (resource.RLIMIT_NOFILE, 64, 64),
        (resource.RLIMIT_NPROC, 0, 0),
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_MSGQUEUE, 0, 0),
        (resource.RLIMIT_MEMLOCK, 0, 0),
    ):
        resource.setrlimit(what, (soft, hard))
    if user is not None:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    if not rules:
        return
    libc = ctypes.CDLL(None, use_errno=True)
    no_new_privileges, set_seccomp, filter_mode = 38, 22, 2
    buffer = ctypes.create_string_buffer(rules, len(rules))
    described = _Program(len(rules) // 8, ctypes.cast(buffer, ctypes.c_void_p))
    for words in ((no_new_privileges, 1, 0, 0, 0), (set_seccomp, filter_mode, ctypes.byref(described), 0, 0)):
        if libc.prctl(*words) != 0:
            sys.exit(f"the system calls could not be limited: {os.strerror(ctypes.get_errno())}")


# ---------------------------------------------------------------- the jobs


def _read(line: Line, job: dict) -> None:
    try:
        line.send({"read": program.read(base64.b64decode(job["data"]), job["exercises"])})
    except program.Unreadable as problem:
        line.send({"unreadable": str(problem)})
    except (RecursionError, MemoryError) as problem:
        line.send({"unreadable": f"it is too large or nested too deeply to be read ({type(problem).__name__})"})
