"""One process of the sandbox: it gives up all it does not need, then does one job and ends.

The job is either to read a notebook (`program.read`) or to run one exercise: load its code, then answer calls one by
one. Everything from the line `caged()` on may be in a student's hands, this module included; so nothing here decides
anything. The judge gets values and compares them in its own process.
"""

from __future__ import annotations

import base64
import ctypes
import io
import os
import resource
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from . import program, wire

OUTPUT = 64_000  # characters of what is printed
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
        _Exercise(job).serve(line)
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


class _Exercise:
    """The student's code of one exercise, loaded, with its probes."""

    def __init__(self, job: dict):
        self.most, self.name, self.is_value, self.notes = job["numbers"], job["name"], job["is_value"], []
        self.cells: dict[str, str] = {}
        sys.stdout = sys.stderr = _Short()
        self.names: dict[str, Any] = {"__name__": "__main__", "VARIANT": job["variant"]}
        for label, source in job["program"]:
            self._load(label, source)
        self.probes = {name: self._probe(name, source) for name, source in job["probes"].items()}

    def _load(self, label: str, source: str) -> None:
        where = f"<{label or 'a cell'}>"
        self.cells[where] = source
        try:
            variant = self.names["VARIANT"]
            exec(compile(source, where, "exec"), self.names)
            self.names["VARIANT"] = variant  # a cell that sets it is the one that release filled in
        except BaseException as problem:
            self.notes.append(self._explain(problem, source.strip().split("\n")[0]))

    @staticmethod
    def _probe(name: str, source: str) -> Callable:
        names: dict[str, Any] = {"np": np}
        exec(compile(source, "<probe>", "exec"), names)
        return names[name]

    def serve(self, line: Line) -> None:
        written = self.names.get(self.name)
        line.send({"loaded": self.name in self.names, "callable": callable(written),
                   "kind": type(written).__name__[:40], "notes": self.notes[:20]})
        while True:
            line.send(self._answer(line.receive()))

    def _answer(self, asked: dict) -> dict:
        reply: dict[str, Any] = {"n": asked["n"]}
        try:
            args = wire.decode(asked["args"], 1 << 24, generators=True)
            with np.errstate(**asked["errors"]):
                reply["value"] = wire.encode(self._called(asked["probe"], args), self.most)
            after = [(i, wire.encode(arg, 1 << 24)) for i, arg in enumerate(args) if isinstance(arg, np.ndarray | list)]
            reply["after"] = {str(i): tree for i, tree in after if tree != asked["args"][i]}
        except BaseException as problem:
            reply = {"n": asked["n"], "error": [type(problem).__name__[:40], *self._explained(problem)]}
        return reply

    def _called(self, probe: str, args: list) -> Any:
        written = self.names[self.name]
        if probe:
            return self.probes[probe](written, *args)
        return written if self.is_value else written(*args)

    def _explain(self, problem: BaseException, first: str) -> str:
        words, where = self._explained(problem)
        return f"{where or first}: {type(problem).__name__[:40]}: {words}"[:500]

    def _explained(self, problem: BaseException) -> list[str]:
        """What it says, and the student's line where it happened."""
        try:
            words = str(problem)[:300]
        except BaseException:
            words = ""
        trace, line = problem.__traceback__, ""
        while trace:
            where = trace.tb_frame.f_code.co_filename
            if where in self.cells:
                source = self.cells[where].split("\n")
                text = source[trace.tb_lineno - 1].strip() if trace.tb_lineno <= len(source) else ""
                line = f"line {trace.tb_lineno} of {where}: {text}"[:200]
            trace = trace.tb_next
        return [words, line]


class _Short(io.TextIOBase):
    """Standard output that keeps the first characters and lets the rest go."""

    def __init__(self):
        self.left = OUTPUT

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        keep = text[:self.left]
        self.left -= len(keep)
        if keep:
            os.write(1, keep.encode("utf-8", "replace"))
        return len(text)
