"""Lab 4b. One direction of a quadratic is a weight on a spring: momentum makes it creep, ring, or fly apart.

The map is Goh's ("Why momentum really works", Distill 2017), drawn on logarithmic axes, where its regions are straight.
"""

import numpy as np

from course.labs.controls import Slider
from course.labs.lab import Lab
from course.labs.optimizers.ravine import rate, walk
from course.labs.optimizers.rules import USES
from course.labs.predict import Question

STEPS, LOW, HIGH, EDGE = 200, 1e-5, 4.0, 30.0  # EDGE: of the map, for its words
REGIMES = ("creeps", "rings", "swings from side to side", "flies apart")


def roots(step, beta):
    """The roots of z^2 - (1 + beta - step) z + beta, in whose powers the position moves. step = lr times curvature."""
    b = 1 + beta - step
    d = np.sqrt(complex(b * b - 4 * beta))
    return np.array([(b + d) / 2, (b - d) / 2])


def regime(step, beta):
    """Which of the four REGIMES, as a number. Any shapes that broadcast."""
    b = 1 + beta - step
    rings, negative = b * b < 4 * beta, b < 0
    return np.where(step >= 2 + 2 * beta, 3, np.where(rings, 1, np.where(negative, 2, 0)))


def height(beta):
    """Where a momentum stands on the map's axis: 0 for 0, 1 for 0.9, 2 for 0.99."""
    return -np.log10(1 - np.asarray(beta))


class Spring(Lab):
    """One weight on its spring, the map of its regimes and the two roots. `use(momentum)` runs the student's."""

    id, title = "4b", "A weight on a spring"
    controls = dict(
        step=Slider(LOW, HIGH, 0.5, 0.01, "lr × curvature", log=True),
        beta=Slider(0.0, 0.99, 0.0, 0.01, "momentum β"),
    )
    uses = dict(momentum=USES["momentum"])
    question = Question(
        "Momentum β = 0.99, learning rate times curvature 0.001. How does the weight come to its minimum?",
        ("It creeps there from one side", "It rings: past it and back, again and again", "It flies apart"),
        "It rings: past it and back, again and again",
        "With β = 0.99 there is so little friction that it creeps only below 2.5e-5. The border is "
        "β = (1 − √(lr × curvature))²: on it the weight arrives soonest.",
    )
    panels, size, grid = (("map", "roots"), ("path", "path")), (760, 500), dict(
        width_ratios=(1.6, 1), height_ratios=(1.5, 1))
    TICKS, RISE = np.linspace(np.log10(LOW), np.log10(EDGE), 240), np.linspace(0, 2, 90)
    MAP = regime(10.0 ** TICKS[None, :], 1 - 10.0 ** -RISE[:, None])

    @staticmethod
    def compute(step, beta, momentum):
        path = walk(np.array([float(step)]), np.array([1.0]), 1.0, beta, momentum, STEPS)[:, 0]
        return dict(step=step, beta=beta, path=path, roots=roots(step, beta), factor=float(rate(step, beta)),
                    regime=int(regime(step, beta)))

    def draw(self, view, r):
        style, chart, plane, panel = view.style, view["map"], view["roots"], view["path"]
        left, right = np.log10(LOW), np.log10(EDGE)
        chart.frame(xlim=(left, right), ylim=(-0.09, 2.09), x="learning rate × curvature", y="momentum β",
                    title="What it does", xticks={-5: "1e-5", -4: "1e-4", -3: "0.001", -2: "0.01", -1: "0.1", 0: "1"},
                    yticks=dict(zip(height([0, 0.5, 0.9, 0.97, 0.99]), ("0", "0.5", "0.9", "0.97", "0.99"),
                                    strict=True)))
        shades = np.array([0.0, 0.62, 0.3, -0.75])[self.MAP]
        chart.image("map", shades, (left, right, 0, 2), vmin=-1, vmax=1)
        x, rise = np.linspace(left, 0, 80), np.linspace(0, 2, 40)
        with np.errstate(divide="ignore"):
            chart.line("critical", x, height(np.minimum((1 - np.sqrt(10.0**x)) ** 2, 1 - 1e-9)), width=2)
            chart.line("limit", np.log10(2 + 2 * (1 - 10.0**-rise)), rise, width=1.2)
        chart.text("creeps", -3.7, 0.5, "creeps", size=10, ha="center")
        chart.text("flies", 1.06, 1.0, "flies\napart", size=9, ha="center")
        chart.text("rings", -1.7, 1.5, "rings", size=10, ha="center")
        chart.points("here", [np.log10(r.step)], [height(r.beta)], marker="o", color=style.background,
                     size=12, ring=style.ink, z=5).set(markeredgewidth=2.4)
        t = np.linspace(0, 2 * np.pi, 100)
        plane.frame(xlim=(-1.6, 1.6), ylim=(-1.6, 1.6), aspect="equal", x="real", y="imaginary", grid=True,
                    title="Its two roots", xticks={-1: "-1", 0: "0", 1: "1"}, yticks={-1: "-1", 0: "0", 1: "1"})
        plane.line("circle", np.cos(t), np.sin(t), color=style.faint, width=1.2)
        plane.line("reach", r.factor * np.cos(t), r.factor * np.sin(t), color=style.negative, width=1, dash=":")
        seen = np.clip(r.roots.real, -1.55, 1.55)
        plane.points("roots", seen, r.roots.imag, kind=1, marker="o", size=10)
        steps = np.arange(STEPS + 1)
        panel.frame(xlim=(0, STEPS), ylim=(-1.25, 1.25), x="step", y="weight", grid=True,
                    title="The weight, and the envelope ± factorⁿ")
        with np.errstate(over="ignore"):
            envelope = np.minimum(r.factor**steps, 9)
        for sign in (1, -1):
            panel.line(f"envelope{sign}", steps, sign * envelope, color=style.negative, width=1.2, dash="--")
        panel.line("zero", [0, STEPS], [0, 0], color=style.faint, width=0.8, z=1)
        panel.line("path", steps[: len(r.path)], np.clip(r.path, -9, 9), color=style.positive, width=1.8,
                   marker="o" if r.regime > 1 else "", size=3)

    def tell(self, r):
        a, b = r.roots
        words = f"{a.real:.3f} ± {abs(a.imag):.3f}i" if abs(a.imag) > 1e-9 else f"{a.real:.3f} and {b.real:.3f}"
        return f"The weight {REGIMES[r.regime]}.", {
            "lr × curvature": f"{r.step:.3g}", "β": f"{r.beta:.2f}", "roots": words,
            "factor per step": f"{r.factor:.4f}", "it creeps below": f"{(1 - np.sqrt(r.beta)) ** 2:.2g}",
            "it flies apart from": f"{2 + 2 * r.beta:.2f}"}
