"""The Stage is the place on the page where a lab's picture stands: an anywidget canvas with its words around it.

The kernel puts encoded pictures into the trait `frame`; every view of the Stage paints the newest and answers with
an acknowledgement, so that a training loop never runs ahead of what can be seen. A picture in a trait, unlike one
in a message, is there for a view that opens later. The browser half is stage.js; its looks are stage.css.
"""

import pathlib
import threading
import time
from collections.abc import Callable

import anywidget
import traitlets

HERE = pathlib.Path(__file__).parent
IN_FLIGHT = 4  # pictures sent and not yet seen
SILENCE = 1.0  # seconds after which a view that does not answer no longer holds anybody up


class Stage(anywidget.AnyWidget):
    """A picture, its words, and the buttons play, pause, step, stop and reset.

    `on_command(name)` is called for a pressed button, `on_look(dark, scale)` when a view reports JupyterLab's theme
    and its device-pixel ratio, `on_rest()` when the newest picture has been still for 200 ms, and `on_click(x, y)`, if
    given, for a click on the picture, in CSS pixels from its upper left corner.
    """

    _esm = HERE / "stage.js"
    _css = HERE / "stage.css"

    frame = traitlets.Dict().tag(sync=True)  # {seq, run, type, data}
    size = traitlets.List([640, 420]).tag(sync=True)  # CSS pixels
    alt = traitlets.Unicode().tag(sync=True)
    caption = traitlets.Unicode().tag(sync=True)
    status = traitlets.Unicode().tag(sync=True)
    error = traitlets.Unicode().tag(sync=True)
    badge = traitlets.Unicode().tag(sync=True)
    table = traitlets.List().tag(sync=True)  # rows of [name, value]
    buttons = traitlets.List().tag(sync=True)
    state = traitlets.Unicode("still").tag(sync=True)  # still, playing, paused, busy, done
    locked = traitlets.Bool(False).tag(sync=True)
    clickable = traitlets.Bool(False).tag(sync=True)

    def __init__(self, *, on_command: Callable[[str], None], on_look: Callable[[bool, float], None],
                 on_rest: Callable[[], None], on_click: Callable[[float, float], None] | None = None, **traits):
        super().__init__(clickable=on_click is not None, **traits)
        self._handlers = {"command": lambda m: on_command(m["name"]), "look": lambda m: on_look(m["dark"], m["scale"]),
                          "rest": lambda m: m["seq"] == self.seq and on_rest(), "ack": self._acknowledged,
                          "click": lambda m: on_click and not self.locked and on_click(m["x"], m["y"]),
                          "gone": lambda m: self._views.pop(m["view"], None)}
        self.seq, self.run = 0, 0
        self._views: dict[str, dict] = {}  # view -> its newest acknowledgement
        self._answered = threading.Condition()
        self.on_msg(self._received)

    # -- to the browser ---------------------------------------------------------------------------------------------

    def show(self, data: bytes, *, lossless: bool, **words) -> None:
        """Send a picture with the words that belong to it (alt, caption, table ...) in one message."""
        self.seq += 1
        with self.hold_sync():
            kind = "image/png" if lossless else "image/jpeg"
            self.frame = {"seq": self.seq, "run": self.run, "type": kind, "data": data}
            self.set_trait_values(**words)

    def set_trait_values(self, **traits) -> None:
        for name, value in traits.items():
            setattr(self, name, value)

    # -- from the browser -------------------------------------------------------------------------------------------

    def _received(self, _, message: dict, buffers) -> None:
        handler = self._handlers.get(message.get("kind"))
        if handler:
            handler(message)

    def _acknowledged(self, message: dict) -> None:
        with self._answered:
            self._views[message["view"]] = {"seq": message["seq"], "visible": message["visible"]}
            self._answered.notify_all()

    # -- pace -------------------------------------------------------------------------------------------------------

    def wait_for_room(self, block: bool = True, leave: Callable[[], bool] = lambda: False) -> bool:
        """Wait until fewer than IN_FLIGHT pictures are under way, or until `leave()`. The slowest visible view leads;
        one silent for SILENCE seconds (its page was closed, the kernel is busy with another cell) is passed over.
        False: there is no room, or nobody is left to look, so the caller trains on and draws nothing."""
        with self._answered:
            while True:
                views = self._views.values()
                leading = [v for v in views if v["visible"]] or list(views)
                holding = [v for v in leading if self.seq - v["seq"] >= IN_FLIGHT]
                now = time.monotonic()
                if all(now - v.setdefault("holding", now) > SILENCE for v in holding):
                    return len(holding) < len(leading) or not leading
                if not block or leave():
                    return False
                self._answered.wait(0.05)
