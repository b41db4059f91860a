"""The smallest labs that show all the machinery does: one computes, one trains, one takes the student's functions."""

import time

import numpy as np

from course.labs.controls import Choice, Slider, Toggle
from course.labs.lab import Lab
from course.labs.predict import Question


class Line(Lab):
    """y = slope x + shift: nothing but the shell."""

    id, title, size = "t1", "A line", (320, 200)
    controls = {
        "slope": Slider(-2.0, 2.0, 1.0, 0.1),
        "shift": Slider(-3, 3, 0),
        "kind": Choice(("solid", "dashed"), "solid"),
        "grid": Toggle(False),
    }

    @staticmethod
    def compute(slope, shift, kind, grid):
        if shift == 3:
            raise ValueError("a shift of 3 is too much")
        x = np.linspace(-1, 1, 5)
        return {"x": x, "y": slope * x + shift, "kind": kind, "grid": grid}

    def draw(self, view, r):
        view["main"].frame(xlim=(-1, 1), ylim=(-5, 5), title="A line", grid=r.grid)
        view["main"].line("line", r.x, r.y, dash="-" if r.kind == "solid" else "--")

    def tell(self, r):
        return "A straight line.", {"end": f"{r.y[-1]:.2f}"}


class SlowLine(Line):
    """Slower to compute than a held key repeats."""

    @staticmethod
    def compute(**values):
        time.sleep(0.12)
        return Line.compute(**values)


class Walk(Lab):
    """A walk downhill: `rate` is live, `start` begins the walk again, `explode` breaks it at that step."""

    id, title, size, per_frame = "t2", "A walk", (320, 200), 2
    controls = {
        "rate": Slider(0.01, 1.0, 0.1, 0.01, live=True),
        "start": Slider(1, 5, 3),
        "explode": Slider(0, 100, 0),
        "length": Choice((20, 10**9), 10**9),
    }

    @staticmethod
    def train(rate, start, explode, length):
        w, path = float(start), []
        for step in range(length + 1):
            now = yield {"w": w, "step": step, "start": start, "path": path}
            if step + 1 == explode:
                raise FloatingPointError(f"w is nan at step {explode}")
            w -= now["rate"] * 0.1 * w
            path = [*path[-99:], w]

    def draw(self, view, r):
        view["main"].frame(xlim=(0, 100), ylim=(-5, 5))
        view["main"].line("path", range(len(r.path)), r.path)

    def tell(self, r):
        return "A walk.", {"w": f"{r.w:.4f}", "step": str(r.step)}


class Watched(Walk):
    """A walk seen through a glass, and from a place that only the drawing knows; all its controls are live."""

    id = "t6"
    controls = {"rate": Walk.controls["rate"], "glass": Slider(1, 9, 1, live=True), "place": Slider(0, 9, 0, live=True)}
    uses = {"f": (lambda w: w, lambda w: (), "one number")}

    @staticmethod
    def train(rate, glass, place, f):
        w, now = 3.0, {"glass": glass, "f": f}
        look = lambda glass, f, **_: {"seen": float(f(glass * w))}
        for step in range(4):
            w -= now["rate"] * 0.1 * w if step else 0
            now = yield {"w": w, "step": step, "path": [], "look": look, **look(**now)}

    def draw(self, view, r):
        super().draw(view, r)
        view["main"].points("seen", [self.values["place"]], [r.seen])


def square(x):
    return x**2


class Yours(Lab):
    """f(x) for the student's f."""

    id, title, size = "t3", "Your function", (320, 200)
    controls = {"scale": Slider(1, 9, 1)}
    uses = {"f": (square, lambda x: (len(x),), "one number for each x")}

    @staticmethod
    def compute(scale, f):
        return {"y": f(scale * np.arange(4.0)), "scale": scale}

    def draw(self, view, r):
        view["main"].frame(xlim=(0, 3), ylim=(-5, 90))
        view["main"].line("y", np.arange(4), r.y)

    def tell(self, r):
        return "Your function.", {"last": f"{r.y[-1]:.1f}"}


class TwoFunctions(Yours):
    """f(g(x)) for the student's f and g."""

    id = "t4"
    uses = {"f": Yours.uses["f"], "g": (np.abs, lambda x: (len(x),), "one number for each x")}

    @staticmethod
    def compute(scale, f, g):
        return {"y": f(g(scale * np.arange(4.0))), "scale": scale}


class Asked(Line):
    """A lab behind a question."""

    id = "t5"
    question = Question("Which way does it go?", ("up", "down"), "up", "Its slope is positive.")
