"""What a lab says when something goes wrong: the exception in one line, and for the student's function where in it."""

import functools
import linecache
import pathlib
import sysconfig
import traceback
from collections.abc import Callable
from typing import Any

import numpy as np

from course.labs.worker import interruptible

_OURS = tuple(str(pathlib.Path(p).resolve()) for p in
              (pathlib.Path(__file__).parents[1], pathlib.Path(__file__).parents[2] / "nnlab",
               sysconfig.get_path("stdlib"), sysconfig.get_path("purelib")))


def explain(problem: BaseException, yours: tuple[str, ...] = (), ours: tuple[str, ...] = ()) -> str:
    """One line for a lab's own error; with the student's line where the student's function is on the stack.

    `yours` are the names of the functions given to `lab.use`. `ours` are more files that the student did not write:
    the checks that a release lays beside the notebook; what their probes hand over is called by the student's code.
    """
    words = f"{type(problem).__name__}: {problem}" if str(problem) else type(problem).__name__
    if not yours:
        return words
    for frame in reversed(traceback.extract_tb(problem.__traceback__)):
        if frame.filename.startswith(("<", *_OURS, *ours)) and not frame.filename.startswith(("<ipython", "<stdin")):
            continue
        source = (frame.line or linecache.getline(frame.filename, frame.lineno or 0)).strip()
        return f"Your {frame.name} stopped at line {frame.lineno}:\n    {source}\n{words}"
    return words


def checked(name: str, value: Any, shape: tuple[int, ...] | list[tuple[int, ...]], meaning: str,
            finite: bool = True) -> Any:
    """The answer of a student's function as a float array of that shape, or an error that says what came back.

    A list of shapes stands for a function that returns several arrays: they come back as a list. With `finite` False
    nan and inf pass: the lab draws them.
    """
    if value is None:
        raise ValueError(f"your {name} returned None: end it with `return ...`, run its cell, then use it again.")
    if isinstance(shape, list):
        if not isinstance(value, tuple | list) or len(value) != len(shape):
            got = f"{len(value)} things" if isinstance(value, tuple | list) else f"one {type(value).__name__}"
            raise ValueError(f"your {name} returned {got}: expected {len(shape)} arrays, {meaning}.")
        return [checked(name, part, one, meaning, finite) for part, one in zip(value, shape, strict=True)]
    try:
        array = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        kind = type(value).__name__
        raise TypeError(f"your {name} returned a {kind}: expected an array of shape {shape}, {meaning}.") from None
    if array.shape != shape:
        raise ValueError(f"your {name} returned an array of shape {array.shape}: expected {shape}, {meaning}.")
    if finite and not np.isfinite(array).all():
        bad = int((~np.isfinite(array)).sum())
        raise ValueError(f"your {name} returned {bad} numbers that are nan or infinite, of {array.size}.")
    return array


def guarded(name: str, function: Callable, shape_of: Callable[..., tuple | list], meaning: str,
            finite: bool = True) -> Callable:
    """The student's function behind a check of each answer: same arguments, same result."""
    @functools.wraps(function)
    def call(*args):
        return checked(name, interruptible(function, *args), shape_of(*args), meaning, finite)

    return call
