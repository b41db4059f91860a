"""Judging many submissions in several processes, of which only this one writes the record.

Each grading is committed before it is counted as done, so a batch that is killed loses at most what was being judged.
A worker that dies takes no grade with it: what was in hand is judged again, one at a time, and what still kills its
worker is recorded as a failure of the judge, for a person to look at. Workers hand back JSON, nothing else.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from course.grading import shelf
from course.grading.records import Records, RecordsError, Submission
from course.grading.results import MISSING, PENDING, ExerciseResult, Graded
from course.record import now

FAILED = "the judge itself failed"
AHEAD = 2  # submissions a process has waiting: enough not to idle, few enough to hold in memory


class Stopped(Exception):
    """The batch cannot go on, for a reason that would hold for every submission: no sandbox, a kit that changed."""


@dataclass(frozen=True)
class Work:
    """What a worker needs to know; it must survive a trip to another process.

    `judge(data, kit, student, secret, level)` gives a Graded and `load(folder)` the kit; the exceptions in `stops` end
    the batch instead of costing one student.
    """

    folder: Path  # the kit's
    kit: str  # its hash
    secret: bytes
    level: str
    judge: Callable[..., Graded]
    load: Callable[[Path], Any]
    stops: tuple[type[Exception], ...] = ()
    older: tuple[str, ...] = ()  # the hashes of former kits, which may judge what is of their version


@dataclass
class Outcome:
    """What came of a batch."""

    graded: int = 0
    refused: list[tuple[str, str]] = field(default_factory=list)  # (student, why): nothing of it could be read
    failed: list[tuple[str, str]] = field(default_factory=list)  # (student, why): ours, a person must look
    unread: list[str] = field(default_factory=list)  # files that are gone or were changed: no grading


def run(records: Records, batch: int, kit: Any, work: Work, submissions: list[Submission], jobs: int,
        step: Callable[[], None], proposed: bool = False) -> Outcome:
    """Judge and record each submission. Raises Stopped or RecordsError; what is recorded by then stays."""
    outcome = Outcome()

    def keep(submission: Submission, graded: Graded, started: str, failed: bool = False) -> None:
        records.add_grading(batch, submission.id, graded, started, failed, proposed)
        outcome.graded += 1
        if graded.refused:
            (outcome.failed if failed else outcome.refused).append((submission.student, graded.refused))
        step()

    judged = []
    for each in submissions:
        if each.problem:
            keep(each, _nothing(each, kit, work, each.problem, MISSING), now())
        else:
            judged.append(each)
    left = judged
    for alone in (False, True, True):  # who only stood beside one that killed a worker is tried twice as well
        todo, left = left, []
        with closing(_answers(records.path.parent, todo, work, 1 if alone else jobs, outcome, alone)) as answers:
            for submission, answer, started in answers:
                if graded := _accepted(answer, submission, work):
                    keep(submission, graded, started)
                else:
                    left.append((submission, answer, started))
        failures, left = left, [submission for submission, *_ in left]
    for submission, answer, started in failures:
        words = f"{FAILED}: {answer.get('failed') or 'it answered for another submission'}"[:500]
        keep(submission, _nothing(submission, kit, work, words, PENDING), started, failed=True)
    return outcome


def _nothing(submission: Submission, kit: Any, work: Work, why: str, status: str) -> Graded:
    """The grading of what nobody could judge: 0 where it is the submission's doing, pending where it is ours."""
    exercises = [ExerciseResult(each.name, each.points, status) for each in kit.exercises]
    return Graded(kit.unit, kit.version, work.kit, submission.sha256, submission.student, work.level,
                  dict(kit.limits), exercises, refused=why)


def _accepted(answer: dict, submission: Submission, work: Work) -> Graded | None:
    if "stopped" in answer:
        raise Stopped(answer["stopped"])
    if "graded" not in answer:
        return None
    graded = Graded.from_dict(answer["graded"])
    about = (graded.submission, graded.student, graded.level)
    by_us = about == (submission.sha256, submission.student, work.level) and graded.kit in (work.kit, *work.older)
    return graded if by_us else None


# ---------------------------------------------------------------- processes


class _Pool:
    """Worker processes that end with this one, however it ends, and take what they started with them."""

    def __init__(self, work: Work, jobs: int):
        context = multiprocessing.get_context("spawn")
        theirs, self._lifeline = context.Pipe(duplex=False)
        self._executor = ProcessPoolExecutor(jobs, context, _begin, (work, theirs))
        try:  # a worker that dies before it has seen a submission is nobody's fault
            problem = self._submit(_ready).result()
        except BrokenProcessPool:
            problem = "the processes that judge cannot be started here: is there memory left? Is nnlab whole?"
        except BaseException:
            self.close()
            raise
        if problem:
            self.close()
            raise Stopped(problem)

    def submit(self, data: bytes, student: str) -> Future:
        return self._submit(_judge_one, data, student)

    def _submit(self, *task: Any) -> Future:
        """May start a process, which is deaf to Ctrl-C until it has left the terminal (in _begin)."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            return self._executor.submit(*task)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def close(self) -> None:
        self._lifeline.close()
        self._executor.shutdown(wait=True, cancel_futures=True)


def _answers(folder: Path, submissions: list[Submission], work: Work, jobs: int, outcome: Outcome,
             alone: bool) -> Iterator[tuple[Submission, dict, str]]:
    """(submission, answer, when it was begun), as they come. `alone`: one at a time, so that guilt is certain."""
    waiting, running, pool = deque(submissions), {}, None
    try:
        while waiting or running:
            while waiting and len(running) < (1 if alone else AHEAD * jobs):
                try:
                    data = shelf.read(folder, waiting[0])
                except RecordsError as problem:
                    outcome.unread.append(str(problem))
                    waiting.popleft()
                    continue
                pool = pool or _Pool(work, min(jobs, len(submissions)))
                try:
                    running[pool.submit(data, waiting[0].student)] = (waiting[0], now())
                except BrokenProcessPool:
                    if not running:  # all that it had in hand has been told; the next round begins a new one
                        pool.close()
                        pool = None
                    break
                waiting.popleft()
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                submission, started = running.pop(future)
                try:
                    answer = json.loads(future.result())
                except BrokenProcessPool:
                    answer = {"failed": "its process died"}
                yield submission, answer, started
    finally:
        if pool:
            pool.close()


_work: Work | None = None
_kit: Any = None


def _begin(work: Work, lifeline: Any) -> None:
    """In a worker: out of the terminal's reach, so that Ctrl-C does not look like a student's crash."""
    global _work
    _work = work
    os.setsid()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})

    def end_with_parent() -> None:
        try:
            lifeline.poll(None)  # nothing is ever sent: it is readable when its other end is closed
        finally:
            os.killpg(0, signal.SIGKILL)

    threading.Thread(target=end_with_parent, daemon=True).start()


def _ready() -> str:
    """In a worker: load the kit; what is wrong with it, or ""."""
    global _kit
    try:
        _kit = _kit or _work.load(_work.folder)
    except _work.stops as problem:
        return str(problem)
    return "" if _kit.hash == _work.kit else f"{_work.folder} changed while it was being used: run this again"


def _judge_one(data: bytes, student: str) -> str:
    """In a worker: one submission judged, as JSON."""
    try:
        if problem := _ready():
            return json.dumps({"stopped": problem})
        graded = _work.judge(data, _kit, student, _work.secret, _work.level)
        return json.dumps({"graded": graded.as_dict()}, allow_nan=False)
    except _work.stops as problem:
        return json.dumps({"stopped": str(problem)})
    except Exception as problem:
        return json.dumps({"failed": f"{type(problem).__name__}: {problem}"})
