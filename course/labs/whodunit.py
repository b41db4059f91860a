"""Which bug was it? The game at a lesson's end: a lab runs on a function that somebody else has written, and by
looking and moving its controls one finds out what is wrong with it.

The suspects of a lesson stand in its unit's `bugs.py`; the tests' bank of wrong practice solutions takes them from
there. Nothing is stored as a picture: every case is a lab of the lesson, alive, so a suspicion can be tried at once.
"""

import html
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import ipywidgets as widgets
import numpy as np

from course.check import read_unit
from course.labs import cells
from course.labs.lab import Lab
from course.labs.predict import Prediction, Question

INNOCENT = "nothing: it is right"
VERDICTS = ("Found.", "Not this time: you said “{choice}”, and it is “{answer}”.")


@dataclass(frozen=True)
class Bug:
    """A wrong function. `name` is what the bank of wrong solutions calls it, `words` what one may accuse it of, `trace`
    where the picture shows it: the end of the case."""

    name: str
    function: Callable
    words: str
    trace: str


@dataclass(frozen=True)
class Scene:
    """Where suspects are looked at: the lab, the name of the function it runs, and how it stands at first.

    `innocent`: if given, one more case runs on the right function; it says how that could be seen.
    """

    lab: type[Lab]
    function: str
    bugs: tuple[Bug, ...]
    values: dict[str, Any] = field(default_factory=dict)
    steps: int = 0  # of training, before one looks
    innocent: str = ""

    def cases(self) -> list["Case"]:
        words = (*(bug.words for bug in self.bugs), INNOCENT)
        cases = [Case(self, bug.name, bug.function, Question("What is wrong with it?", words, bug.words, bug.trace))
                 for bug in self.bugs]
        if self.innocent:
            question = Question("What is wrong with it?", words, INNOCENT, self.innocent)
            cases.append(Case(self, f"{self.function}, right", self.lab.uses[self.function][0], question))
        return cases


@dataclass(frozen=True)
class Case:
    """One function at its scene, and the question about it."""

    scene: Scene
    name: str
    function: Callable
    question: Question

    def open(self) -> Lab:
        """The scene's lab on this function, its own question left out."""
        kind = type(self.scene.lab.__name__, (self.scene.lab,), dict(question=None, __module__=__name__))
        return self.show(kind(**self.scene.values))

    def show(self, lab: Lab, ours: bool = False) -> Lab:
        """Let the lab run on this function, or on ours to compare with."""
        name = self.scene.function
        lab.use(**{name: None if ours else self.function})
        lab.stage.badge = f"running the right {name}" if ours else f"running a stranger's {name}"
        if self.scene.steps:
            lab.wait()  # for the first picture, which a step would cut short on a slow machine
            lab.step(self.scene.steps)
        return lab


def suspects(scenes: tuple[Scene, ...]) -> dict[str, dict[str, Callable]]:
    """Function -> name of the bug -> the wrong function: for the bank."""
    found: dict[str, dict[str, Callable]] = {}
    for scene in scenes:  # several may look at the same function
        found.setdefault(scene.function, {}).update({bug.name: bug.function for bug in scene.bugs})
    return found


def which_bug(unit: str) -> "Whodunit":
    """The game of a unit, `which_bug("04_optimizers")`: its scenes stand in the unit's `bugs.py`."""
    return Whodunit(unit[:2].lstrip("0"), read_unit(unit, "bugs.py").SCENES)


class Whodunit:
    """The game of one lesson. `id` is the lesson's number; the answers are kept with the predictions."""

    def __init__(self, id: str, scenes: tuple[Scene, ...]):
        self.id = id
        cases = [case for scene in scenes for case in scene.cases()]
        self.cases = [cases[i] for i in np.random.default_rng(0).permutation(len(cases))]
        self.predictions = [  # nothing waits for an answer, so there is nothing to skip
            Prediction(f"{id}: {case.name}", case.question, self._tell, lead="The verdict.", button="That is it",
                       skip=False, verdicts=VERDICTS) for case in self.cases]
        self._number = widgets.ToggleButtons(
            options=[(str(i + 1), i) for i in range(len(cases))], value=0, description="case")
        self._number.style.button_width = "3.6em"
        self._compare = widgets.Checkbox(description="the right function, to compare", indent=False)
        self._words, self._score = widgets.HTML(), widgets.HTML()
        self._scene = widgets.VBox()
        self.page = widgets.VBox([
            widgets.HTML("<div class='nnlab-heading'>Which bug was it?</div>"), self._score, self._number, self._words,
            self._scene])
        self.page.add_class("nnlab-lab")
        self.lab: Lab | None = None
        self._number.observe(lambda _: self._open(), names="value")
        self._compare.observe(lambda _: self.lab and self.case.show(self.lab, self._compare.value), names="value")
        self._open()
        self._tell()
        cells.heard_meanwhile(self.page)
        cells.remember(self)

    @property
    def case(self) -> Case:
        return self.cases[self._number.value]

    @property
    def prediction(self) -> Prediction:
        """What is asked about the case that is open."""
        return self.predictions[self._number.value]

    def turn(self, number: int) -> "Whodunit":
        """Open a case, counted from 1."""
        if not 1 <= number <= len(self.cases):
            raise ValueError(f"game {self.id} has no case {number!r}: there are 1 to {len(self.cases)}.")
        self._number.value = number - 1
        return self

    @property
    def found(self) -> int:
        """How many cases are answered rightly."""
        return sum(p.choice == p.question.answer for p in self.predictions)

    def _open(self) -> None:
        if self.lab:
            self.lab.close()
        self.lab = None  # while the box is emptied
        self._compare.value = False
        self.lab = self.case.open()
        name = self.case.scene.function
        self._words.value = (f"Somebody wrote <code>{html.escape(name)}</code>, and this lab runs on it. Move its "
                             "controls, compare, then say what is wrong.")
        self._scene.children = (self.lab.page, self._compare, self.prediction.panel)
        cells.heard_meanwhile(self.lab.page)

    def _tell(self) -> None:
        if not hasattr(self, "page"):  # a case answered in an earlier session, while the game is built
            return
        closed = {i: p.choice == p.question.answer for i, p in enumerate(self.predictions, 1) if p.choice is not None}
        marks = " · ".join(f"{i} {'✓' if right else '✗'}" for i, right in closed.items())
        self._score.value = f"<b>{len(closed)} of {len(self.cases)} cases closed, {self.found} found.</b> {marks}"

    def close(self) -> None:
        """Free the widgets. Done by itself when the game's cell runs again."""
        if self.lab:
            self.lab.close()
        for prediction in self.predictions:
            for widget in cells.tree(prediction.panel):
                widget.close()
        for widget in cells.tree(self.page):
            widget.close()

    def _repr_mimebundle_(self, include=None, exclude=None):
        """The live page; beside it constant words, for wherever no kernel runs."""
        words = f"Which bug was it? {len(self.cases)} cases: run this cell to look into them."
        return {**(self.page._repr_mimebundle_() or {}), "text/html": f"<p>{words}</p>", "text/plain": words}
