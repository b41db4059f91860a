"""The shell round every lab: what happens between a control that has moved and the picture that shows it.

Ours is computed here and now, inside the control's message, so that ipywidgets holds further moves back; the
student's function runs in the worker, where Stop can end it. A training is a generator that the worker drives, a few
steps to a picture. One lock guards every change of the result, of the artists and of what the page is told.
"""

import inspect
import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

from course.labs.errors import explain
from course.labs.style import style
from course.labs.worker import Worker

PATIENCE = 1.0  # seconds a control waits for the student's function before it lets go of the kernel
FRAME = 1 / 30  # seconds between two pictures of a training


class Shell:
    """The part of a Lab that computes, plays and shows. Lab adds the declaration, the widgets, and how it is driven."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._worker = Worker()
        self._borrowed: dict[str, Callable] = {}
        self._holding = False  # set() moves several controls: one computation for all
        self._restart = False  # a control that does not act on a running training has moved
        self._at_work = False  # the student's function runs
        self._next: Callable | None = None  # a control has moved since it began: what to do when it is through
        self._steps: Iterator | None = None
        self._result: SimpleNamespace | None = None
        self._problem: BaseException | None = None
        self.taken = 0  # training steps since the last reset

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

    def _look_again(self) -> None:
        """What live controls show of a net that stands still: no step is taken.

        A training may yield, as `look`, a function (**parameters) -> the part of its result that such controls make.
        Where only the drawing reads the control, to draw again is enough.
        """
        r = self._result
        if hasattr(r, "look"):
            self._result = SimpleNamespace(**vars(r) | r.look(**self._parameters()))

    def _do(self, job: Callable[[], Any]) -> None:
        """Run `job` and show what it led to: here and now, or in the worker where the student's function is in it."""
        moving = job == self._look_again  # the hand may move on at once
        if not self._borrowed:
            with self._lock:  # a cell and a control may come at once: the second to compute has the newest values
                self._guard(job)
                self._show(moving)
            return
        self._end_worker()
        before = self.stage.state
        self._state("busy")
        self._next, self._at_work = None, True
        yours = " and your ".join(self._borrowed)

        def work():
            todo = job
            while True:
                self._guard(todo)
                self._show(moving)
                with self._lock:  # a control that moves after this line starts the next computation itself
                    if self._next is None:
                        self._at_work = False
                        if self.stage.state == "busy":
                            self._state("still" if before == "busy" else before)
                        return iter(())
                    todo, self._next = self._next, None

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
                if self._next != self._first:
                    self._next = self._first if afresh else self._look_again
                return
        self._do(self._first if afresh else self._look_again)

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
