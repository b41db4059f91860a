"""Two controls that only the playground has, each of them many stock widgets with one value: a row of ticks, and the
hidden layers with their neurons and activations.
"""

from dataclasses import dataclass

import ipywidgets as widgets
import traitlets

from course.labs.playground.net import FUNCTIONS

LAYERS, NEURONS = 6, 8


class Compound(widgets.VBox):
    """Widgets that together have one `value`. A subclass says how they show a value and how they make one."""

    value = traitlets.Any()
    disabled = traitlets.Bool(False)

    def __init__(self, value, parts, children, **options):
        super().__init__(children, **options)
        self.parts, self._showing = parts, False
        self.observe(self._show, names="value")
        self.observe(lambda change: [part.set_trait("disabled", change.new) for part in parts], names="disabled")
        self.value = value
        for part in parts:
            part.observe(self._moved, names="value")

    @traitlets.validate("value")
    def _tuples(self, proposal):
        """Lists become tuples, outside and inside: a value that can be compared, and that nobody changes in place."""
        return tuple(tuple(each) if isinstance(each, list) else each for each in proposal.value)

    def _show(self, _):
        self._showing = True
        try:
            self.show(self.value)
        finally:
            self._showing = False

    def _moved(self, _):
        if not self._showing:
            self.value = self.made()


class TickBoxes(Compound):
    def __init__(self, names, value):
        self.boxes = {name: widgets.Checkbox(description=label, indent=False, layout={"width": "86px"})
                      for name, label in names.items()}
        row = widgets.Box(list(self.boxes.values()), layout={"flex_flow": "row wrap"})
        super().__init__(value, list(self.boxes.values()), [row])

    def show(self, value):
        for name, box in self.boxes.items():
            box.value = name in value

    def made(self):
        """The names ticked, in their order; the last one cannot be unticked: a net needs something to go by."""
        ticked = tuple(name for name, box in self.boxes.items() if box.value)
        if not ticked:
            self._show(None)
        return ticked or self.value


@dataclass(frozen=True)
class Ticks:
    """Some of a few names, at least one: a tuple of them, in their order. names: {name: as the page shows it}."""

    names: dict
    value: tuple
    label: str = ""
    live: bool = False

    @property
    def options(self):
        return (tuple(self.names)[:1], tuple(self.names))

    def widget(self, name):
        return TickBoxes(self.names, self.value)

    def check(self, name, value):
        unknown = [each for each in value if each not in self.names] if isinstance(value, tuple | list) else [value]
        if unknown or tuple(each for each in self.names if each in value) != tuple(value) or not value:
            raise ValueError(f"{name} got {value!r}: it must be some of {', '.join(map(repr, self.names))}, "
                             "in this order, as ('x1', 'x2').")
        return tuple(value)


class LayerRows(Compound):
    def __init__(self, value):
        wide, full = {"description_width": "5.4em"}, {"width": "98%"}
        self.count = widgets.IntSlider(0, 0, LAYERS, description="hidden layers", layout=full,
                                       style={"description_width": "8.4em"})
        self.neurons = [widgets.IntSlider(4, 1, NEURONS, description=f"layer {k}", style=wide,
                                          layout={"width": "62%"}) for k in range(1, LAYERS + 1)]
        self.functions = [widgets.Dropdown(options=FUNCTIONS, value="tanh", layout={"width": "36%"})
                          for _ in range(LAYERS)]
        self.rows = [widgets.HBox([n, f]) for n, f in zip(self.neurons, self.functions, strict=True)]
        super().__init__(value, [self.count, *self.neurons, *self.functions], [self.count, *self.rows])

    def show(self, value):
        self.count.value = len(value)
        for (number, name), slider, function in zip(value, self.neurons, self.functions, strict=False):
            slider.value, function.value = number, name
        for k, row in enumerate(self.rows):
            row.layout.display = "flex" if k < len(value) else "none"

    def made(self):
        rows = zip(self.neurons, self.functions, strict=True)
        return tuple((slider.value, function.value) for slider, function in rows)[:self.count.value]


@dataclass(frozen=True)
class Layers:
    """Up to six hidden layers: ((neurons, activation), ...), nearest to the input first."""

    value: tuple
    label: str = ""
    live: bool = False
    options = ((), ((1, "yours"),), ((NEURONS, "gelu"),) * LAYERS)

    def widget(self, name):
        return LayerRows(self.value)

    def check(self, name, value):
        right = isinstance(value, tuple | list) and len(value) <= LAYERS and all(
            isinstance(row, tuple | list) and len(row) == 2 and row[0] in range(1, NEURONS + 1)
            and row[1] in FUNCTIONS for row in value)
        if not right:
            raise ValueError(f"{name} got {value!r}: it must be up to {LAYERS} pairs such as (8, 'relu'), of 1 to "
                             f"{NEURONS} neurons and one of {', '.join(FUNCTIONS)}.")
        return value
