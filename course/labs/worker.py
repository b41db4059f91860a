"""One daemon thread that can be stopped, even out of a student's endless loop.

A lab has at most one: it trains in it, or runs the student's function in it. Stopping is a request first (the loop
asks `worker.stopping`); where that is not heard, an exception is raised inside the thread (CPython's
PyThreadState_SetAsyncExc), again and again, because a bare `except:` may swallow the first. Where threads do not
exist (Pyodide) the same loop runs as an asyncio task and gives way after every turn.
"""

import asyncio
import ctypes
import sys
import threading
import time
from collections.abc import Callable, Iterator


class Stopped(BaseException):
    """Raised inside a worker's thread to end it. Not an Exception, so that `except Exception` lets it pass."""


class Insisting(Stopped):
    """For a student's function that has swallowed the first, as `while True: try: ... except: pass` does.

    Caught again, the next line of that function raises it anew (a trace function does), outside of the `try` this time.
    Only frames of the student's own are treated so: what libraries do in a `with` or a `finally` must run to its end.
    """

    def __init__(self):
        frame, above = sys._getframe(1), []
        while frame and frame.f_code is not interruptible.__code__:
            above.append(frame)
            frame = frame.f_back
        if frame:
            theirs = getattr(frame.f_locals["function"], "__globals__", None)
            sys.settrace(lambda *_: None)
            for each in above:
                if each.f_globals is theirs:
                    each.f_trace = _refuse


def _refuse(frame, event, argument):
    raise Insisting


def interruptible(function: Callable, *args):
    """function(*args), the student's: whatever it does to Stopped, it ends."""
    return function(*args)


class Worker:
    """Runs one job at a time. A job is a function that returns an iterator; every item it yields is one turn."""

    def __init__(self) -> None:
        self.threaded = True  # until a thread could not be started
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._task: asyncio.Task | None = None

    @property
    def busy(self) -> bool:
        if self._task is not None:
            return not (self._task.done() or self._task.cancelling())
        return self._thread is not None and self._thread.is_alive()

    @property
    def stopping(self) -> bool:
        return self._stopping.is_set()

    @property
    def inside(self) -> bool:
        """Is this code running in the worker's own thread?"""
        return threading.current_thread() is self._thread

    def start(self, job: Callable[[], Iterator[None]], name: str) -> None:
        if self.busy:
            raise RuntimeError(f"{name} is still busy: stop it first.")
        self._stopping.clear()
        self._task = None
        self._thread = threading.Thread(target=self._run, args=(job,), name=name, daemon=True)
        try:
            self._thread.start()
        except RuntimeError:  # no threads here: a task of the running loop does the same, a turn at a time
            self._thread, self.threaded = None, False
            turns, ended = job(), object()
            if next(turns, ended) is not ended:  # the first turn at once: a job of one turn needs no task
                self._task = asyncio.ensure_future(self._cooperate(turns))

    def _run(self, job) -> None:
        try:
            for _ in job():
                pass
        except Stopped:
            pass

    async def _cooperate(self, turns) -> None:
        for _ in turns:
            await asyncio.sleep(0)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the job to end; False if it still runs after `timeout` seconds. Never waits for itself."""
        if self._thread is not None and not self.inside:
            self._thread.join(timeout)
        return not self.busy

    def ask_to_stop(self) -> None:
        self._stopping.set()

    def stop(self, patience: float = 3.0, grace: float = 0.12) -> bool:
        """Ask the job to end, then make it end. False if it still runs after `patience` seconds (it sits in C code)."""
        self.ask_to_stop()
        if self._task is not None:
            self._task.cancel()
        if self.inside or not self.threaded or self.wait(grace):
            return True
        until, end = time.monotonic() + patience, Stopped
        while time.monotonic() < until:
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self._thread.ident), ctypes.py_object(end))
            if self.wait(0.05):
                return True
            end = Insisting
        return False
