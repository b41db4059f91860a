"""Predict, then move: a question that is answered before its lab is opened.

A choice is locked with its time and written beside the notebook at once (`nnlab-predictions.json`, on the student's
machine only); then the answer is revealed and the lab's controls are freed. Predicting first is what makes a
demonstration teach (Crouch et al. 2004); a wrong prediction costs nothing, and any prediction can be skipped.
"""

import datetime
import html
import json
import os
import pathlib
from collections.abc import Callable
from dataclasses import dataclass

import ipywidgets as widgets

FILE = "nnlab-predictions.json"


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


class Store:
    """The predictions of one folder. Where it cannot be written they live with the kernel, and `note` says so."""

    _kept: dict[str, dict] = {}

    def __init__(self, folder: str | os.PathLike = "."):
        self.path = pathlib.Path(folder).resolve() / FILE
        self.note = ""

    def read(self) -> dict[str, dict]:
        try:
            stored = json.loads(self.path.read_text(encoding="utf-8"))
            if not isinstance(stored, dict):
                raise ValueError("not a JSON object")
        except (FileNotFoundError, NotADirectoryError):
            stored = {}
        except (OSError, ValueError) as problem:
            self.note = f"{FILE} could not be read ({problem}): left as it is; this kernel keeps the prediction."
            stored = {}
        return stored | self._kept.get(str(self.path), {})

    def write(self, key: str, entry: dict) -> None:
        everything = self.read() | {key: entry}
        fresh = self.path.with_name(self.path.name + ".part")
        try:
            if self.note:
                raise OSError(self.note)
            fresh.write_text(json.dumps(everything, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
            os.replace(fresh, self.path)
        except OSError as problem:
            words = f"This folder cannot be written ({problem.strerror}): it is kept until the kernel stops."
            self.note = self.note or words
            self._kept.setdefault(str(self.path), {})[key] = entry


class Prediction:
    """The panel above a lab: the question, its choices, and after locking the reveal.

    `on_open()` is called once, when the prediction is locked or skipped. `panel` is the widget to show.
    """

    def __init__(self, key: str, question: Question, on_open: Callable[[], None], store: Store | None = None):
        self.key, self.question, self._on_open, self.store = key, question, on_open, store or Store()
        self.open = False
        self.choice: str | None = None
        self._choices = widgets.RadioButtons(options=question.choices, value=None,
                                             layout=widgets.Layout(width="auto"))
        self._lock = widgets.Button(description="Lock in my prediction", disabled=True, layout={"width": "auto"})
        self._skip = widgets.Button(description="Skip", layout={"width": "auto"})
        if not question.skippable:
            self._skip.layout.display = "none"
        self._words = widgets.HTML()
        self._ask = widgets.HTML(f"<b>Predict first.</b> {html.escape(question.text)}")
        self.panel = widgets.VBox([self._ask, self._choices, widgets.HBox([self._lock, self._skip]), self._words])
        self.panel.add_class("nnlab-predict")
        self._choices.observe(self._chosen, names="value")
        self._lock.on_click(lambda _: self.lock(self._choices.value))
        self._skip.on_click(lambda _: self.skip())
        before = self.store.read().get(key)
        if isinstance(before, dict) and before.get("choice") in question.choices:
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
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        self.store.write(self.key, {"choice": choice, "locked_at": now, "right": choice == self.question.answer})
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
        verdict = "Your prediction holds." if choice == self.question.answer else (
            f"You said “{choice}”; it is “{self.question.answer}”. Surprises are what this is for.")
        note = f"<br><i>{html.escape(self.store.note)}</i>" if self.store.note else ""
        self._words.value = f"<b>{html.escape(verdict)}</b> {html.escape(self.question.reveal)}{note}"
        self._release()

    def _release(self) -> None:
        self._skip.layout.display = "none"
        if not self.open:
            self.open = True
            self._on_open()
