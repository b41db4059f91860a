"""Lab 2d. The sigmoid is a softmax with two classes: only the difference of the two scores counts."""

import numpy as np

from course.labs.activations.which_loss import LOSSES, cost
from course.labs.controls import Choice, Slider
from course.labs.lab import Lab
from course.labs.predict import Question
from nnlab.functional import sigmoid, softmax

SIDE = 8.0
Z = np.linspace(-SIDE, SIDE, 161)
VIEWS = {"sigmoid(z)": None, "softmax(z, 0)": (1.0, 0.0), "softmax(z/2, -z/2)": (0.5, -0.5)}


def probability(view, z):
    """p of class 1 by each of the three. z: (n,) -> (n,)"""
    if VIEWS[view] is None:
        return sigmoid.f(z)
    first, second = VIEWS[view]
    return softmax(np.stack([first * z, second * z], -1)).data[:, 0]


class TwoClasses(Lab):
    """Three ways to one probability, and what two losses make of it, on a scale where 500 times can be seen."""

    id, title = "2d", "The sigmoid is a softmax with two classes"
    controls = dict(
        z=Slider(-SIDE, SIDE, -2.0, 0.1, "score z"),
        view=Choice(tuple(VIEWS), "sigmoid(z)", "computed as"),
        y=Choice((1, 0), 1, "target y"),
    )
    question = Question(
        "A softmax over two scores, 2 and −2. With which score does a sigmoid give the same probability?",
        ("σ(1)", "σ(2)", "σ(4)", "none: a softmax needs two scores, a sigmoid has one"),
        "σ(4)",
        "Only the difference of the two scores counts, and it is 4: a softmax over z/2 and −z/2, or over z and 0, is "
        "the sigmoid of z.",
    )
    panels, size = (("p", "slope"),), (760, 400)

    @staticmethod
    def compute(z, view, y):
        here, target = np.array([float(z)]), np.array([y])
        slopes = {kind: (np.abs(cost(kind, Z, np.full(len(Z), y))[1]), float(cost(kind, here, target)[1][0]))
                  for kind in LOSSES[1:3]}
        return dict(z=z, y=y, view=view, curves={name: probability(name, Z) for name in VIEWS}, slopes=slopes,
                    p=float(probability(view, here)[0]),
                    scores=None if VIEWS[view] is None else np.array(VIEWS[view]) * z)

    def draw(self, view, r):
        style, panel, slope = view.style, view["p"], view["slope"]
        panel.frame(xlim=(-SIDE, SIDE), ylim=(-0.03, 1.05), grid=True, x="z", y="p of class 1",
                    title="Three formulas, one curve")
        looks = zip(r.curves.items(), (7.0, 4.0, 1.5), (style.positive, style.cycle[4], style.ink), strict=True)
        for i, ((name, curve), width, color) in enumerate(looks):  # each thinner than the one below it: all can be seen
            panel.line(name, Z, curve, color=color, width=width, z=2 + 0.1 * i)
            panel.text(f"{name} name", -7.7, 0.96 - 0.075 * i, name, color=color, size=10.5, still=True,
                       weight="bold" if name == r.view else "normal")
        panel.line("here", [r.z], [r.p], color=style.accent, marker="o", size=11, z=5)
        slope.frame(xlim=(-SIDE, SIDE), ylim=(1e-4, 3), yscale="log", grid=True, x="z", y="size of the slope in z",
                    title=f"How hard each loss pushes z, target {r.y}")
        way = 1 if r.y else -1
        for i, (kind, name) in enumerate(zip(LOSSES[1:3], ("squared error", "cross-entropy"), strict=True)):
            curve, here = r.slopes[kind]
            color = (style.negative, style.positive)[i]
            slope.line(kind, Z, np.maximum(curve, 1e-6), color=color, width=2.4)
            slope.line(f"{kind} here", [r.z], [max(abs(here), 1e-6)], color=color, marker="o", size=9, z=5)
            slope.text(f"{kind} name", (-3.4, -5.9)[i] * way, (0.003, 1.25)[i], name, color=color, va="bottom",
                       ha="right" if way < 0 else "left", still=True)
        low, high = sorted(abs(here) for _, here in r.slopes.values())
        slope.line("gap", [r.z, r.z], [max(low, 1e-6), high], color=style.accent, width=2, dash=":", z=4)

    def tell(self, r):
        (_, squared), (_, entropy) = (r.slopes[kind] for kind in LOSSES[1:3])
        scores = {} if r.scores is None else {"scores": f"{r.scores[0]:.1f} and {r.scores[1] + 0:.1f}"}
        return (f"{r.view} gives p = {r.p:.4f}, as the other two formulas do.",
                scores | {"p − y": f"{r.p - r.y:.4f}", "slope of cross-entropy": f"{entropy:.4f}",
                          "slope of squared error": f"{squared:.5f}", "factor": f"{abs(entropy / squared):.0f}"})
