"""The controls of a lab, declared: what a parameter may be, where it starts, what it is called on the page.

A control is a plain description; `widget()` makes the stock ipywidget for it, so keyboard, focus and touch work as
everywhere in Jupyter. `check(value)` refuses what the widget would silently clamp.
"""

from dataclasses import dataclass
from typing import Any

import ipywidgets as widgets

# Plain descriptions: a Layout made here would be one widget for all controls, closed with the first lab that closes.
_LAYOUT = {"layout": {"width": "98%"}, "style": {"description_width": "8.4em"}}


@dataclass(frozen=True)
class Slider:
    """A number from low to high. Whole numbers when low, high and step are ints; `log` gives every decade the same way.

    `live` says that a running training takes the new value at its next step, and one that stands still shows what it
    changes in the picture; otherwise the training starts again with it.
    """

    low: float
    high: float
    value: float
    step: float = 1
    label: str = ""
    log: bool = False
    live: bool = False

    @property
    def whole(self) -> bool:
        return not self.log and all(isinstance(n, int) for n in (self.low, self.high, self.step))

    def widget(self, name: str) -> widgets.Widget:
        common = {"description": self.label or name, "value": self.value, "continuous_update": True, **_LAYOUT}
        if self.log:
            from math import log10
            return widgets.FloatLogSlider(min=log10(self.low), max=log10(self.high), step=self.step,
                                          readout_format=self._format(), **common)
        if self.whole:
            return widgets.IntSlider(min=self.low, max=self.high, step=self.step, **common)
        digits = max(2, len(f"{self.step:.6f}".rstrip("0").partition(".")[2]))
        return widgets.FloatSlider(min=self.low, max=self.high, step=self.step, readout_format=f".{digits}f", **common)

    def _format(self) -> str:
        """How the page writes a number that moves by decades. From 2 up it counts something: 1024, never 1020."""
        return ".0f" if self.low >= 2 else ".3r" if self.low >= 1e-4 else ".2g"

    def check(self, name: str, value: Any) -> float:
        if isinstance(value, bool) or not hasattr(value, "__float__"):
            raise TypeError(f"{name} got {value!r}: it must be a number from {self.low:g} to {self.high:g}.")
        if not self.low <= value <= self.high:
            raise ValueError(f"{name} got {value:g}: it must lie from {self.low:g} to {self.high:g}.")
        if self.whole and value != int(value):
            raise ValueError(f"{name} got {value:g}: it must be a whole number.")
        return value


@dataclass(frozen=True)
class Choice:
    """One of a few options, shown as a list to open."""

    options: tuple
    value: Any
    label: str = ""
    live: bool = False

    def widget(self, name: str) -> widgets.Widget:
        return widgets.Dropdown(options=self.options, value=self.value, description=self.label or name, **_LAYOUT)

    def check(self, name: str, value: Any) -> Any:
        if value not in self.options:
            raise ValueError(f"{name} got {value!r}: it must be one of {', '.join(map(repr, self.options))}.")
        return value


@dataclass(frozen=True)
class Toggle:
    """Yes or no."""

    value: bool = False
    label: str = ""
    live: bool = False

    def widget(self, name: str) -> widgets.Widget:
        return widgets.Checkbox(value=self.value, description=self.label or name, indent=False,
                                layout=widgets.Layout(width="98%"))  # at 100 % a scroll bar stands below

    def check(self, name: str, value: Any) -> bool:
        if not isinstance(value, bool):
            raise TypeError(f"{name} got {value!r}: it must be True or False.")
        return value
