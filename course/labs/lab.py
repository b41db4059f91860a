"""A Lab is a picture with controls: declare the controls, compute arrays, draw them. The rest of this file is the shell.

A lab is a subclass with a pure `compute(**parameters)` or, where something is trained, a generator
`train(**parameters)` that yields after every step; with `draw(view, result)`; and with `tell(result)`, which puts
the picture into words and numbers. `set`, `step`, `use`, `values` and `result` work without a browser: that is how
the tests and the lessons drive it.
"""

import base64
import inspect
import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, ClassVar

import ipywidgets as widgets

from course.labs import cells
from course.labs.errors import explain, guarded
from course.labs.predict import Prediction, Question
from course.labs.stage import Stage
from course.labs.style import style
from course.labs.view import View
from course.labs.worker import Worker

PATIENCE = 1.0  # seconds a control waits for the student's function before it lets go of the kernel
FRAME = 1 / 30  # seconds between two pictures of a training
WHOLE = {"play", "pause", "step", "stop", "reset"}


class Lab:
    """Base of all labs. Subclasses declare the class variables below and the three functions.

    `uses` names the functions that a student may replace: name -> (ours, shape of an answer for given arguments,
    what that shape means), all three in terms of the function's own arguments.
    """

    id: ClassVar[str]
    title: ClassVar[str]
    controls: ClassVar[dict[str, Any]] = {}
    uses: ClassVar[dict[str, tuple[Callable, Callable, str]]] = {}
    question: ClassVar[Question | None] = None
    panels: ClassVar[tuple] = (("main",),)
    grid: ClassVar[dict] = {}
    size: ClassVar[tuple[int, int]] = (640, 420)
    per_frame: ClassVar[int] = 1  # training steps from one picture to the next
    compute: ClassVar[Callable | None] = None
    train: ClassVar[Callable | None] = None

    def draw(self, view: View, r: SimpleNamespace) -> None:
        raise NotImplementedError(f"{type(self).__name__} has no draw")

    def tell(self, r: SimpleNamespace) -> tuple[str, dict[str, str]]:
        """(one sentence on what the picture shows now, its numbers by name)."""
        raise NotImplementedError(f"{type(self).__name__} has no tell")

    # -- building ---------------------------------------------------------------------------------------------------

    def __init__(self, **values):
        self._lock = threading.RLock()
        self._worker = Worker()
        self._borrowed: dict[str, Callable] = {}
        self._again = self._restart = self._holding = False
        self._steps: Iterator | None = None
        self._result: SimpleNamespace | None = None
        self._problem: BaseException | None = None
        self.taken = 0  # training steps since the last reset
        self.view = View(self.panels, self.size, **self.grid)
        buttons = ["play", "pause", "step", "stop", "reset"] if self.train else ["stop", "reset"] if self.uses else ["reset"]
        self.stage = Stage(on_command=self._command, on_look=self._look, on_rest=self._sharpen,
                           size=list(self.size), buttons=buttons if self.controls else [])
        self._widgets = {name: control.widget(name) for name, control in self.controls.items()}
        for name, widget in self._widgets.items():
            widget.observe(lambda _, name=name: self._changed(name), names="value")
        self.prediction = Prediction(self.id, self.question, self._open) if self.question else None
        self.page = self._layout()
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

    # -- driving it from code ---------------------------------------------------------------------------------------

    @property
    def values(self) -> dict[str, Any]:
        """The controls' values by name."""
        return {name: widget.value for name, widget in self._widgets.items()}

    @property
    def result(self) -> SimpleNamespace:
        """What the lab shows now, as arrays. Raises where the last computation failed, so a lesson cannot overlook it."""
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
            raise ValueError(f"lab {self.id} has no control {unknown[0]!r}: it has {', '.join(self.controls) or 'none'}.")
        for name, value in values.items():
            self.controls[name].check(name, value)
        self._holding = True
        try:
            for name, value in values.items():
                self._widgets[name].value = value
        finally:
            self._holding = False
        self._changed(*values)
        self._worker.wait() if self.stage.state == "busy" else None
        return self

    def use(self, function: Callable | None = None, /, **functions: Callable | None) -> "Lab":
        """Run the lab on the student's function instead of ours; `use(None)` goes back. Where a lab takes several: by name."""
        if not self.uses:
            raise ValueError(f"lab {self.id} takes no function of yours.")
        if not functions:
            if len(self.uses) > 1:
                raise ValueError(f"lab {self.id} takes {', '.join(self.uses)}: say which, as in use({next(iter(self.uses))}=...).")
            functions = {next(iter(self.uses)): function}
        for name, given in functions.items():
            if name not in self.uses:
                raise ValueError(f"lab {self.id} takes {', '.join(self.uses)}, not {name!r}.")
            if given is not None and not callable(given):
                raise TypeError(f"{name} got {given!r}: it must be a function.")
        self._worker.stop()
        for name, given in functions.items():
            self._borrowed.pop(name, None)
            if given is not None:
                _, shape, meaning = self.uses[name]
                self._borrowed[name] = guarded(name, given, shape, meaning)
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
            if not self._problem:
                self._state("playing")
                self._worker.start(self._playing, f"lab {self.id}")
        return self

    def pause(self) -> "Lab":
        """Hold the training where it is; `play()` goes on from there."""
        if self.stage.state == "playing":
            self._worker.ask_to_stop()
            self._end_worker()
            if self.stage.state == "playing":
                self._settle("paused")
        return self

    def stop(self) -> "Lab":
        """End the training, or the student's function, now. The picture stays; `play()` begins afresh."""
        self.stage.run += 1
        was = self.stage.state
        self._end_worker()
        self._steps = None
        if was == "busy":
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
        for widget in (self.stage, *self._widgets.values(), *_tree(self.page)):
            widget.unobserve_all() if isinstance(widget, widgets.Widget) else None
            widget.close()
        self.view = self._steps = self._result = None

    # -- computing --------------------------------------------------------------------------------------------------

    def _parameters(self) -> dict[str, Any]:
        return self.values | {name: self._borrowed.get(name, ours) for name, (ours, *_) in self.uses.items()}

    def _begin(self) -> None:
        """Compute afresh: the whole result, or a training's step 0."""
        self._do(self._first)

    def _first(self) -> None:
        if self.train is None:
            self._result = SimpleNamespace(**type(self).compute(**self._parameters()))
            return
        self._steps, self.taken = type(self).train(**self._parameters()), 0
        self._result = SimpleNamespace(**next(self._steps))
        self._state("still")

    def _advance(self, count: int) -> bool:
        """Take steps of a training; False at its end."""
        if self._steps is None:
            self._first()
        for _ in range(count):
            try:
                self._result = SimpleNamespace(**self._steps.send(self._parameters()))
            except StopIteration:
                self._state("done")
                return False
            self.taken += 1
        return True

    def _do(self, job: Callable[[], Any]) -> None:
        """Run `job` and show what it led to: here and now, or in the worker where the student's function is part of it."""
        if not self._borrowed:
            self._guard(job)
            self._show()
            return
        self._worker.stop()
        before = self.stage.state
        self._state("busy")

        def work():
            self._again = True
            while self._again:
                self._again = False
                self._guard(job)
            self._state("still" if before == "busy" else self.stage.state if self.stage.state != "busy" else before)
            self._show()
            yield

        self._worker.start(work, f"lab {self.id}, your function")
        if not self._worker.wait(PATIENCE) and self.stage.state == "busy":
            with self._lock:
                self.stage.caption = f"Your {' and your '.join(self._borrowed)} has been running for a while. Stop ends it."
                self.stage.status = self.stage.caption

    def _guard(self, job: Callable[[], Any]) -> Any:
        """Run `job`; an exception goes to the red box under the picture."""
        try:
            done = job()
        except Exception as problem:
            self._fail(problem)
            return False
        self._problem = None
        return done

    def _fail(self, problem: BaseException) -> None:
        self._problem = problem
        with self._lock:
            self.stage.error = explain(problem, tuple(self._borrowed))

    def _changed(self, *names: str) -> None:
        """A control has moved. Runs inside the message's handler, so that ipywidgets holds further moves back meanwhile."""
        if self._holding:
            return
        if self.stage.state == "playing":
            self._restart = self._restart or not all(self.controls[name].live for name in names)
        elif self._worker.busy and not self._worker.inside:
            self._again = True  # the student's function is at work: come round once more with the newest values
        elif self.train is None or not all(self.controls[name].live for name in names):
            self._begin()

    # -- playing ----------------------------------------------------------------------------------------------------

    def _playing(self) -> Iterator[None]:
        """The worker's job: a few steps, a picture, and the same again. Each turn yields once."""
        due = time.monotonic()
        while not self._worker.stopping:
            if self._restart:
                self._restart = False
                more = self._guard(lambda: self._first() or True)
                self._state("playing")
            else:
                more = self._guard(lambda: self._advance(self.per_frame))
            if not more:
                break
            if self.stage.wait_for_room(block=self._worker.threaded):
                self._show(moving=True)
                due = max(due + FRAME, time.monotonic() - FRAME)
                if self._worker.threaded and (rest := due - time.monotonic()) > 0:
                    time.sleep(rest)
            yield
        if self.stage.state == "playing":
            self._state("paused" if self._worker.stopping else "still")
        self._show()

    def _end_worker(self) -> None:
        if not self._worker.stop():
            self._fail(RuntimeError("your function does not let itself be stopped: restart the kernel (Kernel > Restart)."))

    def _settle(self, state: str) -> None:
        self._state(state)
        self._show()

    def _need_training(self) -> None:
        if self.train is None:
            raise ValueError(f"lab {self.id} has nothing to train: move its controls with set().")

    # -- showing ----------------------------------------------------------------------------------------------------

    def _state(self, state: str) -> None:
        with self._lock:
            self.stage.state = state

    def _show(self, moving: bool = False) -> None:
        """Draw the result and send it: lossy while something moves, exact when it has come to rest."""
        with self._lock:
            if self.view is None:
                return
            if self._result is None or self._problem:
                self.stage.error = self.stage.error or explain(self._problem)
                return
            try:
                self.view.update(lambda view: self.draw(view, self._result))
                alt, numbers = self.tell(self._result)
            except Exception as problem:
                self._fail(problem)
                return
            caption = " · ".join(f"{name} {value}" for name, value in numbers.items())
            exact = self.train is not None and not moving  # a control may move again at once: see _sharpen
            self.stage.show(self.view.encode(exact), lossless=exact, alt=f"{alt} {caption}", caption=caption,
                            status=f"{alt} {caption}", error="", table=[[name, value] for name, value in numbers.items()])

    def _sharpen(self) -> None:
        """The hand rests: send the picture once more, exactly."""
        if self.stage.state != "playing" and self._result is not None and not self._problem:
            with self._lock:
                self.stage.show(self.view.encode(lossless=True), lossless=True)

    def _look(self, dark: bool, scale: float) -> None:
        with self._lock:
            if self.view and self.view.restyle(style(dark), scale) and not self._problem:
                self._show()

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


def _tree(widget: widgets.Widget) -> Iterator[widgets.Widget]:
    for child in getattr(widget, "children", ()):
        yield from _tree(child)
    for extra in (getattr(widget, "layout", None), getattr(widget, "style", None)):
        if isinstance(extra, widgets.Widget):
            yield extra
    yield widget
