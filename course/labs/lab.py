"""A Lab is a picture with controls: declare the controls, compute arrays, draw them. shell.py does the rest.

A lab is a subclass with a pure `compute(**parameters)` or, where something is trained, a generator
`train(**parameters)` that yields after every step; with `draw(view, result)`; and with `tell(result)`, which puts
the picture into words and numbers. `set`, `step`, `use`, `values` and `result` work without a browser: that is how
the tests and the lessons drive it.
"""

import base64
import inspect
from collections.abc import Callable
from math import isclose
from types import SimpleNamespace
from typing import Any, ClassVar

import ipywidgets as widgets

from course.labs import cells
from course.labs.errors import guarded
from course.labs.predict import Prediction, Question
from course.labs.shell import PATIENCE, Shell
from course.labs.stage import Stage
from course.labs.view import View

WHOLE = {"play", "pause", "step", "stop", "reset"}


class Lab(Shell):
    """Base of all labs. Subclasses declare the class variables below and the three functions.

    `uses` names the functions that a student may replace: name -> (ours, shape of an answer for given arguments,
    what that shape means), all three in terms of the function's own arguments.
    """

    id: ClassVar[str]
    title: ClassVar[str]
    controls: ClassVar[dict[str, Any]] = {}
    uses: ClassVar[dict[str, tuple[Callable, Callable, str]]] = {}
    finite: ClassVar[bool] = True  # a nan from the student's function is an error; False: the lab draws it
    question: ClassVar[Question | None] = None
    panels: ClassVar[tuple] = (("main",),)
    grid: ClassVar[dict] = {}
    size: ClassVar[tuple[int, int]] = (640, 420)
    per_frame: ClassVar[int] = 1  # training steps from one picture to the next
    compute: ClassVar[Callable | None] = None
    train: ClassVar[Callable | None] = None
    clicked: ClassVar[Callable | None] = None  # (self, x, y): what a click on the picture does, for those who can

    def draw(self, view: View, r: SimpleNamespace) -> None:
        raise NotImplementedError(f"{type(self).__name__} has no draw")

    def tell(self, r: SimpleNamespace) -> tuple[str, dict[str, str]]:
        """(one sentence on what the picture shows now, its numbers by name)."""
        raise NotImplementedError(f"{type(self).__name__} has no tell")

    # -- building ---------------------------------------------------------------------------------------------------

    def __init__(self, **values):
        super().__init__()
        self.view = View(self.panels, self.size, **self.grid)
        buttons = ["play", "pause", "step"] * bool(self.train) + ["stop"] * bool(self.train or self.uses) + ["reset"]
        self.stage = Stage(on_command=self._command, on_look=self._look, on_rest=self._sharpen,
                           on_click=self.clicked, size=list(self.size), buttons=buttons if self.controls else [])
        self._widgets = {name: control.widget(name) for name, control in self.controls.items()}
        for name, widget in self._widgets.items():
            widget.observe(lambda _, name=name: self._changed(name), names="value")
        self._at_first = self.values
        self.prediction = Prediction(self.id, self.question, self._open) if self.question else None
        self.page = self._layout()
        cells.heard_meanwhile(self.page)
        cells.remember(self)
        if self.prediction and not self.prediction.open:
            self._bar(True)
        self._begin()
        if values:
            self.set(**values)

    def _layout(self) -> widgets.VBox:
        heading = widgets.HTML(f"<div class='nnlab-heading'>Lab {self.id} · {self.title}</div>")
        controls = widgets.VBox(list(self._widgets.values()))
        controls.add_class("nnlab-controls")
        row = widgets.Box([controls, self.stage] if self._widgets else [self.stage])
        row.add_class("nnlab-row")
        page = widgets.VBox([heading, *([self.prediction.panel] if self.prediction else []), row])
        page.add_class("nnlab-lab")
        return page

    def _bar(self, barred: bool) -> None:
        for widget in self._widgets.values():
            widget.disabled = barred
        self.stage.locked = barred

    def _open(self) -> None:
        if hasattr(self, "page"):
            self._bar(False)
            self._show()

    @property
    def asking(self) -> bool:
        """Is the question open, and the lab as it was at first? Then `draw` and `tell` keep its answer back."""
        if self.prediction is None or self.prediction.open or self.taken:
            return False
        return all(now == first or (isinstance(now, float) and isclose(now, first, abs_tol=1e-9))  # a page rounds
                   for now, first in zip(self.values.values(), self._at_first.values(), strict=True))

    # -- driving it from code ---------------------------------------------------------------------------------------

    @property
    def values(self) -> dict[str, Any]:
        """The controls' values by name."""
        return {name: widget.value for name, widget in self._widgets.items()}

    @property
    def result(self) -> SimpleNamespace:
        """What the lab shows now, as arrays. Raises where the last computation failed: a lesson cannot overlook it."""
        self._worker.wait()
        if self._problem:
            raise RuntimeError(f"lab {self.id} has no result: {self.error}") from self._problem
        return self._result

    @property
    def error(self) -> str:
        return self.stage.error

    def set(self, **values) -> "Lab":
        """Move controls, all at once: `lab.set(w1=2, b=-1)`. A value outside a control's range is an error."""
        unknown = [name for name in values if name not in self.controls]
        if unknown:
            known = ", ".join(self.controls) or "none"
            raise ValueError(f"lab {self.id} has no control {unknown[0]!r}: it has {known}.")
        for name, value in values.items():
            self.controls[name].check(name, value)
        self._holding = True
        try:
            for name, value in values.items():
                self._widgets[name].value = value
        finally:
            self._holding = False
        self._changed(*values)
        if self._at_work:
            self._worker.wait()
        return self

    def use(self, function: Callable | None = None, /, **functions: Callable | None) -> "Lab":
        """Run the lab on the student's function instead of ours; `use(None)` goes back. Of several: by name."""
        if not self.uses:
            raise ValueError(f"lab {self.id} takes no function of yours.")
        if not functions:
            if len(self.uses) > 1:
                first, all_of_them = next(iter(self.uses)), ", ".join(self.uses)
                raise ValueError(f"lab {self.id} takes {all_of_them}: say which, as in use({first}=...).")
            functions = {next(iter(self.uses)): function}
        for name, given in functions.items():
            if name not in self.uses:
                raise ValueError(f"lab {self.id} takes {', '.join(self.uses)}, not {name!r}.")
            if given is not None and not callable(given):
                raise TypeError(f"{name} got {given!r}: it must be a function.")
        self._end_worker()
        if self.stage.state in ("busy", "playing"):
            self._state("still")
        for name, given in functions.items():
            self._borrowed.pop(name, None)
            if given is not None:
                _, shape, meaning = self.uses[name]
                self._borrowed[name] = guarded(name, given, shape, meaning, self.finite)
        with self._lock:
            self.stage.badge = "running your " + " and your ".join(self._borrowed) if self._borrowed else ""
        self._begin()
        return self

    def step(self, count: int = 1) -> "Lab":
        """Take `count` training steps and show where they lead."""
        self._need_training()
        self.pause()
        self._do(lambda: self._advance(count))
        return self

    def play(self) -> "Lab":
        """Train on, showing every few steps, until the end, `pause()` or `stop()`."""
        self._need_training()
        if not self._worker.busy:
            if self._steps is None or self.stage.state == "done":
                self._begin()
            if not self._problem and not self._worker.busy:
                self._state("playing")
                self._worker.start(self._playing, f"lab {self.id}")
        return self

    def pause(self) -> "Lab":
        """Hold the training where it is; `play()` goes on from there."""
        if self.stage.state == "playing":
            self._worker.ask_to_stop()
            self._worker.wait(PATIENCE)  # the step under way may end: killed in mid-step, the training could not go on
            self._end_worker()
            if self.stage.state == "playing":
                self._settle("paused" if self._steps else "still")
        return self

    def stop(self) -> "Lab":
        """End the training, or the student's function, now. The picture stays; `play()` begins afresh."""
        self.stage.run += 1
        was_busy = self.stage.state == "busy"
        ended = self._end_worker()
        self._steps = None
        if was_busy and ended:
            self._fail(RuntimeError("stopped before it had finished: does a loop in your function never end?"))
        self._settle("still")
        return self

    def reset(self) -> "Lab":
        """A training goes back to step 0; any other lab gets its controls back to where they were at first."""
        self._end_worker()
        if self.train is None:
            return self.set(**{name: control.value for name, control in self.controls.items()})
        self._begin()
        return self

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until a playing lab has come to its end."""
        return self._worker.wait(timeout)

    def source(self) -> None:
        """Print the function that computes what the lab shows."""
        print(inspect.getsource(self.train or self.compute))

    def close(self) -> None:
        """End the thread, free the figure and the widgets. Done by itself when the lab's cell runs again."""
        self._worker.stop()
        for widget in (self.stage, *self._widgets.values(), *cells.tree(self.page)):
            widget.unobserve_all() if isinstance(widget, widgets.Widget) else None
            widget.close()
        self.view = self._steps = self._result = None

    # -- on the page ------------------------------------------------------------------------------------------------

    def _command(self, name: str) -> None:
        if name in WHOLE and not self.stage.locked:
            if name == "step":
                self.step(self.per_frame)
            else:
                getattr(self, name)()

    def _repr_mimebundle_(self, include=None, exclude=None):
        """The live page; beside it a still picture and constant words, for wherever no kernel runs."""
        words = f"Lab {self.id} ({self.title}): run this cell to bring it to life."
        live = self.page._repr_mimebundle_() or {}
        png = base64.b64encode(self.view.encode(lossless=True)).decode()
        bundle = {**live, "image/png": png, "text/plain": words}
        return bundle, {"image/png": {"alt": self.stage.alt, "width": self.size[0], "height": self.size[1]}}
