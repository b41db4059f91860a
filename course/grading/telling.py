"""How far a batch has come: a bar on a terminal, a plain line now and then elsewhere (a log, a mail from cron)."""

from __future__ import annotations

import sys
import time

EVERY = 10  # seconds between two plain lines


class Progress:
    """`with Progress("graded", 400) as progress: ... progress.step()`: what is done, the rate, the time left."""

    def __init__(self, words: str, of: int):
        self.words, self.of, self.done = words, of, 0

    def __enter__(self) -> Progress:
        self._begun = self._shown = time.monotonic()
        self._bar = None
        if sys.stdout.isatty():
            from rich import progress

            self._bar = progress.Progress(progress.TextColumn(self.words), progress.BarColumn(),
                                          progress.MofNCompleteColumn(), progress.TextColumn("{task.fields[rate]}"),
                                          progress.TimeRemainingColumn())
            self._task = self._bar.add_task(self.words, total=self.of, rate="")
            self._bar.start()
        return self

    def step(self) -> None:
        self.done += 1
        now = time.monotonic()
        rate = self.done / max(now - self._begun, 1e-9)
        if self._bar:
            self._bar.update(self._task, completed=self.done, rate=f"{rate:.1f}/s")
        elif now - self._shown >= EVERY or self.done == self.of:
            self._shown = now
            left = (self.of - self.done) / rate
            print(f"{self.words} {self.done} of {self.of}, {rate:.1f} a second, {left:.0f} s left", flush=True)

    def __exit__(self, *_: object) -> None:
        if self._bar:
            self._bar.stop()


def show_table(rows: list[list[str]]) -> None:
    """Rows of text, the heads first: a table on a terminal, cells between tabs elsewhere."""
    if not sys.stdout.isatty():
        print(*["\t".join(row) for row in rows], sep="\n")
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*[Text(head) for head in rows[0]], show_edge=False)
    for row in rows[1:]:
        table.add_row(*[Text(cell) for cell in row])
    Console().print(table)
