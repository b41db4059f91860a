"""Predict, then move: a question that is answered before its lab is opened.

A choice is locked with its time and written beside the notebook at once (course/record.py); then the answer is revealed
and the lab's controls are freed. Predicting first is what makes a demonstration teach (Crouch et al. 2004); a wrong
prediction costs nothing, and any prediction can be skipped.
"""

import html
import os
from collections.abc import Callable
from dataclasses import dataclass

import ipywidgets as widgets

from course.record import Record, now

VERDICTS = ("Your prediction holds.", "You said “{choice}”; it is “{answer}”. Surprises are what this is for.")


@dataclass(frozen=True)
class Question:
    """What is asked, the choices, which of them is right, and one or two sentences for after the choice.

    `skippable`: may the lab be opened without an answer? A lesson has one or two questions that may not.
    """

    text: str
    choices: tuple[str, ...]
    answer: str
    reveal: str
    skippable: bool = True

    def __post_init__(self):
        if self.answer not in self.choices:
            raise ValueError(f"the answer {self.answer!r} must be one of the choices {self.choices}.")


class Prediction:
    """The panel above a lab: the question, its choices, and after locking the reveal.

    `on_open()` is called once, when the prediction is locked or skipped. `panel` is the widget to show. `lead` stands
    before the question, `button` on what locks the choice; without `skip` there is no button to skip it. `verdicts`
    open the reveal, of a right choice and of a wrong one.
    """

    def __init__(self, key: str, question: Question, on_open: Callable[[], None], record: Record | None = None, *,
                 lead: str = "Predict first.", button: str = "Lock in my prediction", skip: bool = True,
                 verdicts: tuple[str, str] = VERDICTS):
        self.key, self.question, self._on_open, self.record = key, question, on_open, record or Record()
        self.open = False
        self.choice: str | None = None
        self._verdicts = verdicts
        self._choices = widgets.RadioButtons(options=question.choices, value=None,
                                             layout=widgets.Layout(width="auto"))
        self._lock = widgets.Button(description=button, disabled=True, layout={"width": "auto"})
        self._skip = widgets.Button(description="Skip", layout={"width": "auto"})
        if not (skip and question.skippable):
            self._skip.layout.display = "none"
        self._words = widgets.HTML()
        self._ask = widgets.HTML(f"<b>{lead}</b> {html.escape(question.text)}")
        self.panel = widgets.VBox([self._ask, self._choices, widgets.HBox([self._lock, self._skip]), self._words])
        self.panel.add_class("nnlab-predict")
        self._choices.observe(self._chosen, names="value")
        self._lock.on_click(lambda _: self.lock(self._choices.value))
        self._skip.on_click(lambda _: self.skip())
        before = self.record.read()["predictions"].get(key, {})
        if before.get("choice") in question.choices:
            self._reveal(before["choice"])
        elif os.environ.get("NNLAB_PRESENT"):
            self._release()

    def _chosen(self, _) -> None:
        self._lock.disabled = self._choices.value is None

    def lock(self, choice: str) -> None:
        """Lock a choice in: it is stored with its time and cannot be changed afterwards."""
        if self.choice is not None:
            raise ValueError(f"prediction {self.key} is locked already, on {self.choice!r}.")
        if choice not in self.question.choices:
            choices = ", ".join(map(repr, self.question.choices))
            raise ValueError(f"prediction {self.key} got {choice!r}: it must be one of {choices}.")
        entry = {"choice": choice, "locked_at": now(), "right": choice == self.question.answer}
        self.record.keep("predictions", self.key, entry)
        self._reveal(choice)

    def skip(self) -> None:
        """Open the lab without predicting. The question stays, and can still be answered."""
        if not self.question.skippable:
            raise ValueError(f"prediction {self.key} cannot be skipped: lock(choice) opens its lab.")
        self._release()

    def _reveal(self, choice: str) -> None:
        self.choice = choice
        self._choices.value = choice
        for control in (self._choices, self._lock, self._skip):
            control.disabled = True
        self._lock.layout.display = self._skip.layout.display = "none"
        answer = self.question.answer
        verdict = self._verdicts[choice != answer].format(choice=choice, answer=answer)
        note = f"<br><i>{html.escape(self.record.note)}</i>" if self.record.note else ""
        self._words.value = f"<b>{html.escape(verdict)}</b> {html.escape(self.question.reveal)}{note}"
        self._release()

    def _release(self) -> None:
        self._skip.layout.display = "none"
        if not self.open:
            self.open = True
            self._on_open()
