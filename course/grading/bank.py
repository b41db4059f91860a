"""A unit's bank, private/mutants.py: known wrong solutions, each named after its mistake, and right but unusual ones.

They show whether the checks are right: each wrong one must lose a point, none of the unusual ones may. Here they are
judged as submissions are; `nnlab course check` prints what came of it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

from course.grading import strip
from course.grading.judge import judge
from course.grading.kit import Kit, KitError, run_file
from course.grading.results import CheckResult, ExerciseResult

SECRET = b"the bank of a unit"  # always the same, so that the figures are


@dataclass
class Figures:
    """What came of the bank of one exercise."""

    name: str
    mutants: int = 0
    visible: int = 0  # of the mutants, those that a visible check fails
    survivors: list[str] = field(default_factory=list)  # those that lose no point
    benign: int = 0
    failed: list[str] = field(default_factory=list)  # of the benign ones, those that a check fails

    @property
    def row(self) -> list[str]:
        caught = self.mutants - len(self.survivors)
        return [self.name, *map(str, (self.mutants, self.visible, caught, self.benign, len(self.failed)))]


def but(text: str, *exchanges: str) -> str:
    """For a bank: a solution's text with old -> new, pair by pair; each old must be there."""
    for old, new in zip(exchanges[::2], exchanges[1::2], strict=True):
        assert old in text, old
        text = text.replace(old, new)
    return text


HEADS = ["exercise", "wrong", "seen by visible", "caught by all", "unusual", "failed"]


class Bank:
    """The bank of a kit, with the author's notebook. Raises KitError, StripError."""

    def __init__(self, kit: Kit):
        self.kit = kit
        module = run_file(kit.folder / "private" / "mutants.py")
        self.mutants, self.benign = module.MUTANTS, module.BENIGN
        for kind, texts in (("MUTANTS", self.mutants), ("BENIGN", self.benign)):
            if wrong := set(texts) ^ set(kit.visible):
                raise KitError(f"{module.__file__}: {kind} and the exercises of unit.toml differ in {min(wrong)!r}")

    @cached_property
    def notebook(self) -> dict[str, Any]:
        return strip.load(self.kit.folder / "private" / "assignment.ipynb")

    def __len__(self) -> int:
        return sum(len(texts) for kind in (self.mutants, self.benign) for texts in kind.values())

    def handed_in(self, solved: bool = True, **texts: str) -> bytes:
        """A submission: the author's solutions, or what students start from, with `texts` in place of some."""
        made = strip.solved(self.notebook) if solved else strip.stripped(self.notebook)
        for cell in made["cells"]:
            cell["source"] = texts.get(strip.label(cell), cell["source"])
        made["metadata"]["nnlab"] = {"unit": self.kit.unit, "version": self.kit.version}
        return json.dumps(made).encode()

    def figures(self, level: str, jobs: int, step: Callable[[], None]) -> Iterator[Figures]:
        """Judge each text in a notebook of its own; what came of them, exercise by exercise."""
        def lost(name: str, text: str) -> list[CheckResult]:
            result = self.judged(name, text, level)
            step()
            return [check for check in result.checks if not check.passed]

        with ThreadPoolExecutor(jobs) as pool:  # a job waits for its sandbox, mostly
            for name in self.kit.visible:
                wrong, unusual = (dict(zip(of[name], pool.map(partial(lost, name), of[name].values()), strict=True))
                                  for of in (self.mutants, self.benign))
                yield Figures(name, len(wrong), sum(any(not one.hidden for one in each) for each in wrong.values()),
                              [bug for bug, each in wrong.items() if not any(one.of for one in each)],
                              len(unusual), [way for way, each in unusual.items() if each])

    def judged(self, name: str, text: str, level: str) -> ExerciseResult:
        """What the judge says of one text for one exercise; the functions that it needs are the author's."""
        return judge(self.handed_in(**{name: text}), self.kit.only(name), "", SECRET, level).exercises[0]
