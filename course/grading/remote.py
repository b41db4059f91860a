"""`call(...)` over a line: what a check calls when the function it checks lives in a sandbox.

It has the face of `course.exercise.Call`, so that one check serves the notebook and the judge. What comes back is taken
apart here, kind by kind; anything that the other half of the judge would not have sent is Forged.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import re
import textwrap
from collections.abc import Callable
from functools import cache
from typing import Any

from course.exercise import Exercise, Wrong, answered, parameters, unchanged
from course.grading.inside import wire

# The errors that a check may expect; an error of another type arrives as Raised.
_KNOWN = (
    "ValueError TypeError IndexError KeyError ZeroDivisionError FloatingPointError OverflowError ArithmeticError "
    "NameError UnboundLocalError AttributeError AssertionError NotImplementedError RuntimeError RecursionError "
    "MemoryError OSError PermissionError EOFError ImportError ModuleNotFoundError")
_ERRORS = {name: getattr(builtins, name) for name in _KNOWN.split()}
_ERRORS |= {"AxisError": ValueError, "LinAlgError": ValueError, "UFuncTypeError": TypeError}


class Raised(Exception):
    """The student's code raised something of a type of its own; the words name it."""


class Remote:
    """The student's function, in another process. `ask(probe, args)` carries a call there and brings the reply."""

    def __init__(self, exercise: Exercise, variant: dict[str, Any], ask: Callable[[str, tuple], Any], numbers: int):
        self._exercise, self.variant, self._ask, self._numbers = exercise, dict(variant), ask, numbers
        self.raised, self.line = "", ""  # the type of the last error, and the student's line
        self.value = None  # what came back last

    def __call__(self, *args):
        return self._called("", args, re.findall(r"[(,]\s*\*?(\w+)", self._exercise.call))

    def run(self, probe: str, *args):
        """What a probe of the exercise records when it drives what the student wrote."""
        return self._called(probe, args, parameters(self._exercise.probes[probe], len(args) + 1)[1:])

    def _called(self, probe: str, args: tuple, names: list[str]) -> Any:
        reply = self._ask(probe, args)
        if set(reply) == {"n", "error"}:
            self._raise(reply["error"])
        if set(reply) != {"n", "value", "after"} or not isinstance(reply["after"], dict):
            raise wire.Forged("an answer that is neither a value nor an error")
        value = wire.decode(reply["value"], self._numbers)
        for place, tree in reply["after"].items():
            if not (place.isascii() and place.isdigit() and int(place) < len(args)):
                raise wire.Forged("an answer about an argument that was not given")
            i = int(place)
            unchanged(args[i], wire.decode(tree, 1 << 22), names[i] if i < len(names) else f"number {i + 1}")
        self.value = value
        return answered(value)

    def _raise(self, error: Any) -> None:
        if not (isinstance(error, list) and len(error) == 3 and all(isinstance(text, str) for text in error)):
            raise wire.Forged("an error that is none")
        kind, words, self.line = error[0][:40], error[1][:500], error[2][:300]
        self.raised = kind if kind.isidentifier() else "an error"
        if kind == "TooLarge":
            raise Wrong(f"its answer is too large: {words}.")
        if kind in _ERRORS:
            raise _ERRORS[kind](words)
        raise Raised(f"{self.raised}: {words}")


@cache
def source_of(probe: Callable) -> str:
    """The text of a probe, without its decorator."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(probe)))
    tree.body[0].decorator_list = []
    return ast.unparse(tree)
