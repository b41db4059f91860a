"""The checks of one exercise, the visible or the hidden ones, asked of a student's code in processes that may die.

A process that ends early costs the check that was asking, and the next check gets a new one, as long as there is time.
What a process says about itself is taken apart as strictly as what it answers.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import numpy as np

from course.exercise import Check, Exercise, NotWritten, Wrong
from course.grading import syscalls
from course.grading.inside import wire
from course.grading.job import Died
from course.grading.kit import Kit
from course.grading.remote import Raised, Remote, noted, source_of

ENOUGH = 1.5  # times a process's CPU seconds: what they may use before the rest of them is given up


def cage(kit: Kit) -> dict[str, Any]:
    """What every job is told first: how to lock itself in."""
    return {"limits": kit.limits, "filter": base64.b64encode(syscalls.program()).decode()}


def _encoded(variants: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {name: {key: wire.encode(value, 1000) for key, value in each.items()} for name, each in variants.items()}


class Run:
    """One such run; after `reasons()`, what it printed, its last error, whether somebody forged an answer."""

    def __init__(self, exercise: Exercise, program: list, variants: dict, kit: Kit, box: Any, seed: Callable):
        self.exercise, self.box, self.seed, self.kit, self.variant = exercise, box, seed, kit, variants[exercise.name]
        self.output, self.error, self.forged, self.notes, self.value = "", "", "", [], None
        self._program, self._spent, self._job, self._absent = program, 0.0, None, ""
        self._start = {**cage(kit), "do": "run", "name": exercise.name, "is_value": exercise.is_value,
                       "numbers": kit.limits["numbers"], "program": program, "variants": _encoded(variants),
                       "probes": {name: source_of(probe) for name, probe in exercise.probes.items()}}

    def reasons(self) -> list[str]:
        """For each check why it failed, or nothing."""
        reasons = [self._reason(number, check) for number, check in enumerate(self.exercise.checks)]
        self._end()
        return reasons

    def _reason(self, number: int, check: Check) -> str:
        if self.forged:
            return self.forged
        for attempt in (1, 2):
            if self._spent >= ENOUGH * self.kit.limits["cpu_seconds"]:
                return "not run: the checks before it used up the time"
            try:
                return self._verdict(number, check)
            except Died as end:
                self._end()
                if end.how != "wall" or attempt == 2:
                    return str(end)
            except wire.Forged as problem:
                self._end()
                self.forged = str(problem)
                return self.forged
        raise AssertionError("the second attempt returns")

    def _verdict(self, number: int, check: Check) -> str:
        remote = Remote(self.exercise, self.variant, self.ask, self.kit.limits["numbers"], self._program)
        try:
            with np.errstate(all="ignore"):
                check.run(remote, np.random.default_rng(self.seed(str(number))))
        except NotWritten:
            return "not written yet: it returns None"
        except Wrong as wrong:
            return str(wrong) or check.title
        except Exception as problem:  # the student's, over the line; or an answer this check cannot work with
            self.error = f"{remote.raised or type(problem).__name__} {remote.line}".strip()
            words = str(problem) if isinstance(problem, Raised) else f"{type(problem).__name__}: {problem}"
            return f"{words}\n{remote.line}".strip()
        finally:
            self.value = remote.value
        return ""

    def ask(self, probe: str, args: tuple) -> Any:
        """The answer to one call, from the process that runs, or a new one."""
        most = 4096 + self.kit.limits["numbers"] * 64
        if self._job is None:
            self._job = self.box.job(self.kit.limits)
            loaded = self._job.ask(self._start, 100_000)
            self._loaded(loaded)
            self._count = 0
        if self._absent:
            raise Wrong(self._absent)
        self._count += 1
        given = [wire.encode(arg, 1 << 22) for arg in args]
        reply = self._job.ask({"n": self._count, "probe": probe, "args": given, "errors": np.geterr()}, most)
        if not isinstance(reply, dict) or reply.get("n") != self._count:
            raise wire.Forged("an answer to a call that was not made")
        return reply

    def _loaded(self, told: Any) -> None:
        if not isinstance(told, dict) or set(told) != {"loaded", "callable", "kind", "notes"}:
            raise wire.Forged("an answer before anything was asked")
        if not self.notes and isinstance(told["notes"], list):
            self.notes = [noted(note, self._program) for note in told["notes"][:20]]
        if told["loaded"] is not True:
            self._absent = f"{self.exercise.name} is not there when its cells have run. {' '.join(self.notes)}".strip()
        elif not self.exercise.is_value and told["callable"] is not True:
            self._absent = f"{self.exercise.name} is a {str(told['kind'])[:40]}; it must be {self.exercise.call}."

    def _end(self) -> None:
        if self._job is not None:
            self.output += self._job.output()
            self._spent += self._job.spent
            self._job = None
