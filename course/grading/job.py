"""A process that does one job, seen from the judge: a line to it, a limit on how long it may take, how it ended.

The process may be hostile: an answer has a largest size, waiting has an end, and what it says is read by `wire` alone.
"""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Callable
from typing import Any

from course.grading.inside import wire

PATIENCE = 8  # wall seconds for each CPU second: a busy machine is not the student's fault


class Died(BaseException):
    """A job's process ended before it answered. `how`: cpu, wall, crash, exit; the words are for the student.

    Like wire.Forged no Exception, so that no check that expects an error can take it for the student's.
    """

    def __init__(self, how: str, words: str):
        super().__init__(words)
        self.how = how


class Job:
    """A process that does one job. `ask` sends it a message and waits for the answer, `finish` ends it."""

    def __init__(self, down: int, up: int, wait: Callable[[float], tuple[int, float] | None], kill: Callable[[], None],
                 output: Callable[[], bytes], limits: dict):
        self._down, self._up, self._wait, self._kill, self._output = down, up, wait, kill, output
        self._wall, self._cpu = limits["cpu_seconds"] * PATIENCE, limits["cpu_seconds"]
        self._left = self._wall  # seconds of waiting for it, over all its answers
        self.spent = 0.0  # CPU seconds, when it has ended
        os.set_blocking(down, False)  # one that does not read must not hold the judge up
        self.alive = True

    def ask(self, message: Any, most: int) -> Any:
        """The answer, of at most `most` bytes. Raises Died, or wire.Forged."""
        self.send(message)
        return self.receive(most)

    def send(self, message: Any) -> None:
        data = memoryview(wire.frame(message))
        while data:
            self._until(self._down, select.POLLOUT)
            try:
                data = data[os.write(self._down, data[:65536]):]
            except BlockingIOError:  # less room than that
                continue
            except (BrokenPipeError, ConnectionResetError):
                raise self._died() from None

    def receive(self, most: int) -> Any:
        try:
            size = wire.length(self._exactly(wire.HEADER), most)
            return wire.loads(self._exactly(size))
        except wire.Forged:
            self.finish(kill=True)
            raise

    def _exactly(self, count: int) -> bytes:
        parts = []
        while count:
            self._until(self._up, select.POLLIN)
            try:
                part = os.read(self._up, min(count, 1 << 16))
            except ConnectionResetError:
                part = b""
            if not part:
                raise self._died()
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    def _until(self, fd: int, what: int) -> None:
        poll, began = select.poll(), time.monotonic()
        poll.register(fd, what)
        ready = poll.poll(max(0, self._left) * 1000)
        self._left -= time.monotonic() - began
        if not ready:
            self.finish(kill=True)
            raise Died("wall", f"it did not answer within {self._wall:.0f} seconds in all")

    def _died(self) -> Died:
        code = self.finish()
        if code is None:
            return Died("wall", "it hung up and did not end")
        if code in (-signal.SIGXCPU, -signal.SIGKILL, 128 + signal.SIGXCPU, 128 + signal.SIGKILL):
            return Died("cpu", f"it was still computing after {self._cpu} seconds: an endless loop?")
        if code < 0 or code > 128:
            number = -code if code < 0 else code - 128
            return Died("crash", f"its process crashed ({signal.strsignal(number) or number})")
        return Died("exit", "its process ended by itself, with exit() or os._exit(): a function must return")

    def finish(self, kill: bool = False) -> int | None:
        """End the job; its exit code, or None if it had to be killed."""
        if not self.alive:
            return None
        self.alive = False
        for fd in {self._down, self._up}:
            os.close(fd)
        ended = None if kill else self._wait(2)
        if ended is None:
            self._kill()
        code, self.spent = ended or (None, self._cpu)
        self._printed = self._output()
        return code

    def output(self) -> str:
        """What it printed, after its end."""
        self.finish()
        return self._printed.decode("utf-8", "replace")
