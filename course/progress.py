"""A progress bar for `nnlab.fit(..., callbacks=[Progress()])`: in a notebook under the cell, in a terminal rich's.

`nnlab` itself only reports (train.Step); how that looks is decided here. What stays in a saved notebook is one
constant line without times, so that a lesson's stored output does not depend on the machine.
"""

import html
import time

INTERVAL = 0.1  # seconds between two updates


class Progress:
    """Shows how far training has come, its loss and the time left; says at the end how many epochs there were."""

    def __init__(self, words: str = "training"):
        self.words, self._shown, self._begun, self._step = words, 0.0, 0.0, None

    def __enter__(self):
        self._begun, self._shown, self._step = time.monotonic(), 0.0, None
        self._bar = _Page(self.words) if in_notebook() else _Terminal(self.words)
        return self

    def __call__(self, step) -> None:
        self._step, now = step, time.monotonic()
        if now - self._shown >= INTERVAL:
            self._shown = now
            left = (now - self._begun) / (step.epoch + 1) * (step.epochs - step.epoch - 1)
            self._bar.show(step.epoch + 1, step.epochs, f"loss {step.loss:.4g} · {left:.0f} s left")

    def __exit__(self, kind, problem, trace) -> None:
        done, of = (self._step.epoch + 1, self._step.epochs) if self._step else (0, 1)
        end = f"stopped after {done} of {of} epochs" if kind or done < of else f"{done} epochs done"
        if not done:
            end = "stopped within the first epoch"
        self._bar.close(f"{self.words}: {end}", done, of)


class _Page:
    def __init__(self, words: str):
        from IPython.display import display
        self._words, self._handle = words, display(_Line(words), display_id=True)

    def show(self, done: int, of: int, words: str) -> None:
        name = html.escape(self._words)
        bar = f"<progress value='{done}' max='{of}' aria-label='{name}'></progress>"
        self._handle.update(_Line(f"{self._words}: {words}", f"{bar} {name}: epoch {done} of {of} · {words}"))

    def close(self, words: str, done: int, of: int) -> None:
        self._handle.update(_Line(words))


class _Line:
    """One line of words, with an HTML twin."""

    def __init__(self, words: str, page: str | None = None):
        self._words, self._page = words, page

    def __repr__(self) -> str:
        return self._words

    def _repr_html_(self) -> str | None:
        return self._page


class _Terminal:
    def __init__(self, words: str):
        from rich.progress import BarColumn, Progress, TextColumn
        self._bar = Progress(TextColumn(words), BarColumn(), TextColumn("{task.completed:.0f} of {task.total:.0f}"),
                             TextColumn("{task.fields[words]}"))
        self._task = self._bar.add_task(words, total=1, words="")
        self._bar.start()

    def show(self, done: int, of: int, words: str) -> None:
        self._bar.update(self._task, completed=done, total=of, words=words)

    def close(self, words: str, done: int, of: int) -> None:
        self._bar.update(self._task, completed=done, total=of, words=words)
        self._bar.stop()


def in_notebook() -> bool:
    """Whether this runs in the kernel of a notebook."""
    try:
        from IPython import get_ipython
    except ImportError:
        return False
    return hasattr(get_ipython(), "kernel")
