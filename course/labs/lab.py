"""A Lab is a picture with controls: declare the controls, compute arrays, draw them. The rest here is the shell.

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
        self._holding = False  # set() moves several controls: one computation for all
        self._restart = False  # a control that does not act on a running training has moved
        self._at_work = self._again = False  # the student's function runs; a control has moved since it began
        self._steps: Iterator | None = None
        self._result: SimpleNamespace | None = None
        self._problem: BaseException | None = None
        self.taken = 0  # training steps since the last reset
        self.view = View(self.panels, self.size, **self.grid)
        buttons = ["play", "pause", "step"] * bool(self.train) + ["stop"] * bool(self.train or self.uses) + ["reset"]
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
        self._restart = False
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
        """Run `job` and show what it led to: here and now, or in the worker where the student's function is in it."""
        if not self._borrowed:
            with self._lock:  # a cell and a control may come at once: the second to compute has the newest values
                self._guard(job)
                self._show()
            return
        self._end_worker()
        before = self.stage.state
        self._state("busy")
        self._again, self._at_work = False, True
        yours = " and your ".join(self._borrowed)

        def work():
            todo = job
            while True:
                self._guard(todo)
                self._show()
                with self._lock:  # a control that moves after this line starts the next computation itself
                    if not self._again:
                        self._at_work = False
                        if self.stage.state == "busy":
                            self._state("still" if before == "busy" else before)
                        return iter(())
                    self._again, todo = False, self._first

        self._worker.start(work, f"lab {self.id}, your function")
        self._worker.wait(PATIENCE)
        with self._lock:
            if self._at_work:
                self.stage.caption = f"Your {yours} has been running for a while. Stop ends it."
                self.stage.status = self.stage.caption

    def _guard(self, job: Callable[[], Any]) -> Any:
        """Run `job`; an exception goes to the red box under the picture."""
        try:
            done = job()
        except Exception as problem:
            self._steps = None  # a training that raised cannot go on: play() and step() begin afresh
            self._fail(problem)
            return False
        self._problem = None
        return done

    def _fail(self, problem: BaseException) -> None:
        self._problem = problem
        with self._lock:
            self.stage.error = explain(problem, tuple(self._borrowed))

    def _changed(self, *names: str) -> None:
        """A control has moved. Runs inside the message's handler: so ipywidgets holds further moves back meanwhile."""
        if self._holding:
            return
        afresh = self.train is None or self._problem is not None or not all(self.controls[name].live for name in names)
        with self._lock:
            if self.stage.state == "playing":
                self._restart = self._restart or afresh
                return
            if self._at_work:  # come round once more with the newest values
                self._again = self._again or afresh
                return
        if afresh:
            self._begin()

    # -- playing ----------------------------------------------------------------------------------------------------

    def _playing(self) -> Iterator[None]:
        """The worker's job: a few steps, a picture, and the same again. Each turn yields once."""
        due = time.monotonic()
        while not self._worker.stopping:
            if self._restart:
                more = self._guard(lambda: self._first() or True)
                self._state("playing")
            else:
                more = self._guard(lambda: self._advance(self.per_frame))
            if not more:
                break
            if self.stage.wait_for_room(self._worker.threaded, leave=lambda: self._worker.stopping):
                self._show(moving=True)
                due = max(due + FRAME, time.monotonic() - FRAME)
                if self._worker.threaded and (rest := due - time.monotonic()) > 0:
                    time.sleep(rest)
            yield
        with self._lock:
            if self._restart:  # a control has moved in the last moment
                self._guard(self._first)
            elif self._worker.stopping:
                return  # whoever stops it says what it is now, and shows it
            elif self.stage.state == "playing":
                self._state("still")
            self._show()

    def _end_worker(self) -> bool:
        """End what the worker does. Where it cannot be ended, leave it behind: the lab goes on with a new one."""
        ended, done = self._worker.stop(), self.stage.state == "done"
        self._at_work = False
        if self._steps and not done and inspect.getgeneratorstate(self._steps) != inspect.GEN_SUSPENDED:
            self._steps = None  # ended in mid-step
        if not ended:
            self._worker = Worker()
            words = "your function does not let itself be stopped: restart the kernel (Kernel > Restart)."
            self._fail(RuntimeError(words))
        return ended

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
                            status=f"{alt} {caption}", error="", table=[list(row) for row in numbers.items()])

    def _sharpen(self) -> None:
        """The hand rests: send the picture once more, exactly."""
        with self._lock:
            if self.view and self.stage.state != "playing" and self._result is not None and not self._problem:
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
