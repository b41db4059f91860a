"""A training that can be looked at while it stands still: some controls move only the eye, or a point to try.

Elsewhere a control marked live acts at the next training step. Here those in `looks` act at once: the training hands
out, as `look`, a function of the controls that makes a part of the result anew from the net as it is.
"""

from typing import ClassVar

from course.labs.lab import Lab


class Looking(Lab):
    """A lab whose results carry `look`, a function (**parameters) -> dict; `looks` names the controls it is for."""

    looks: ClassVar[tuple[str, ...]] = ()

    def _changed(self, *names):
        r = self._result
        still = self.stage.state in ("still", "paused", "done") and not self._holding and not self._problem
        if names and set(names) <= set(self.looks) and r is not None and still:
            self._do(self._look_again)
        else:
            super()._changed(*names)

    def _look_again(self):
        r = self._result
        self._result = type(r)(**vars(r) | r.look(**self._parameters()))
