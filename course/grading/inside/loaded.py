"""A student's code of one exercise: loaded statement by statement, then called. Anything in here may be in a student's
hands; so it decides nothing. It answers with values, and whoever asked compares them in another process.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from typing import Any

import numpy as np

from . import wire

OUTPUT = 64_000  # characters of what is printed


class Loaded:
    """The code of one exercise, loaded, with its probes."""

    def __init__(self, job: dict):
        self.most, self.name, self.is_value, self.notes = job["numbers"], job["name"], job["is_value"], []
        self.labels: dict[str, str] = {}  # by what Python calls a cell's file
        variants = {name: {key: wire.decode(value, 1000) for key, value in each.items()}
                    for name, each in job["variants"].items()}
        self.names: dict[str, Any] = {"__name__": "__main__", "VARIANT": variants}
        for label, source in job["program"]:
            self._load(label, source)
        self.probes = {name: self._probe(name, source) for name, source in job["probes"].items()}

    def _load(self, label: str, source: str) -> None:
        where = f"<{label or 'a cell'}>"
        self.labels[where] = label
        try:
            variant = self.names["VARIANT"]
            exec(compile(source, where, "exec", dont_inherit=True), self.names)
            self.names["VARIANT"] = variant  # a cell that sets it is the one that release filled in
        except BaseException as problem:
            self.notes.append([source.strip().split("\n")[0][:200], *self._explained(problem)])

    @staticmethod
    def _probe(name: str, source: str) -> Callable:
        names: dict[str, Any] = {"np": np}
        exec(compile(source, "a probe", "exec", dont_inherit=True), names)
        return names[name]

    def about(self) -> dict:
        """What the judge is told before it asks."""
        written = self.names.get(self.name)
        return {"loaded": self.name in self.names, "callable": callable(written),
                "kind": type(written).__name__[:40], "notes": self.notes[:20]}

    def answer(self, asked: dict) -> dict:
        """What one call returned, and which arguments it changed; or the error it raised."""
        reply: dict[str, Any] = {"n": asked["n"]}
        try:
            args = wire.decode(asked["args"], 1 << 24, generators=True)
            with np.errstate(**asked["errors"]):
                reply["value"] = wire.encode(self._called(asked["probe"], args), self.most)
            after = [(i, wire.encode(arg, 1 << 24)) for i, arg in enumerate(args) if isinstance(arg, np.ndarray | list)]
            reply["after"] = {str(i): tree for i, tree in after if tree != asked["args"][i]}
        except BaseException as problem:
            reply = {"n": asked["n"], "error": self._explained(problem)}
        return reply

    def _called(self, probe: str, args: list) -> Any:
        written = self.names[self.name]
        if probe:
            return self.probes[probe](written, *args)
        return written if self.is_value else written(*args)

    def _explained(self, problem: BaseException) -> list:
        """Its type, what it says, and where in the student's code it happened: the cell and the line's number."""
        try:
            words = str(problem)[:300]
        except BaseException:
            words = ""
        trace, where = problem.__traceback__, ["", 0]
        while trace:
            file = trace.tb_frame.f_code.co_filename
            if file in self.labels:
                where = [self.labels[file], trace.tb_lineno]
            trace = trace.tb_next
        return [type(problem).__name__[:40], words, *where]


class Short(io.TextIOBase):
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
