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
    """The student's function, in another process. `ask(probe, args)` carries a call there and brings the reply.

    program: the student's statements, as [cell, source]; where an error was is looked up in them.
    """

    def __init__(self, exercise: Exercise, variant: dict[str, Any], ask: Callable[[str, tuple], Any], numbers: int,
                 program: list):
        self._exercise, self.variant, self._ask, self._numbers = exercise, dict(variant), ask, numbers
        self._program = program
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
            if place not in map(str, range(len(args))):
                raise wire.Forged("an answer about an argument that was not given")
            i = int(place)
            unchanged(args[i], wire.decode(tree, 1 << 22), names[i] if i < len(names) else f"number {i + 1}")
        self.value = value
        return answered(value)

    def _raise(self, error: Any) -> None:
        kind, words, self.line = explained(error, self._program)
        self.raised = kind if kind in _ERRORS else "an error"  # of a hidden run this is shown, and a name can say much
        if kind == "TooLarge":
            raise Wrong(f"its answer is too large: {words}.")
        if kind in _ERRORS:
            raise _ERRORS[kind](words)
        raise Raised(f"{kind}: {words}")


def explained(error: Any, program: list) -> tuple[str, str, str]:
    """The type of an error, its words, and the student's line where it was.

    The process says only which line it was; its text is taken from what was handed in, or a hidden run could show what
    it was given as the text of a line.
    """
    if not (isinstance(error, list) and list(map(type, error)) == [str, str, str, int]):
        raise wire.Forged("an error that is none")
    kind, words, cell, number = error
    kind = kind[:40] if kind.isidentifier() else "an error"
    for label, source in program:
        lines = source.split("\n")
        if label == cell and 0 < number <= len(lines) and (text := lines[number - 1].strip()):
            return kind, words[:500], f"line {number} of <{label or 'a cell'}>: {text}"[:200]
    return kind, words[:500], ""


def noted(note: Any, program: list) -> str:
    """A statement that failed while the cells ran: where, and why."""
    if not (isinstance(note, list) and note and isinstance(note[0], str)):
        raise wire.Forged("a note that is none")
    kind, words, line = explained(note[1:], program)
    return f"{line or note[0]}: {kind}: {words}"[:500]


@cache
def source_of(probe: Callable) -> str:
    """The text of a probe, without its decorator."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(probe)))
    tree.body[0].decorator_list = []
    return ast.unparse(tree)
