"""Lab 1e. How many labelings can one neuron make? Cover's count, and the same measured."""

import numpy as np

from course.labs.controls import Slider, Toggle
from course.labs.lab import Lab
from course.labs.predict import Question
from nnlab.models.perceptron import cover_fraction, separable

RATIOS = np.array([0.5, 1.0, 1.5, 1.75, 2.0, 2.25, 2.5, 3.0, 4.0])


def try_labeling(points, dimensions, bias, rng):
    """Can a neuron make a random labeling of random points? With a bias the points get a column of ones."""
    X = rng.standard_normal((points, dimensions))
    return separable(np.c_[X, np.ones(points)] if bias else X, rng.choice([-1, 1], points))


class Labelings(Lab):
    """The share of coin-flip labelings that a neuron can make, measured trial by trial, on Cover's curve."""

    id, title = "1e", "How many labelings can a neuron make?"
    controls = dict(
        N=Slider(2, 12, 10, 1, "dimensions N"),
        trials=Slider(50, 300, 200, 10, "trials"),
        bias=Toggle(False, "the neuron has a bias"),
    )
    question = Question(
        "20 random points in 10 dimensions get coin-flip labels. How often can a neuron without bias get all of them "
        "right?",
        ("never", "5 %", "50 %", "95 %"),
        "50 %",
        "P = 2N is exactly the middle of Cover's curve. With a bias the neuron works in one dimension more, and the "
        "middle moves to 2(N + 1).",
    )
    size, per_frame = (640, 400), 5

    @staticmethod
    def train(N, trials, bias):
        rng = np.random.default_rng(0)
        points = np.unique(np.round(RATIOS * N).astype(int))  # in 2 dimensions several ratios round to one number
        every = np.arange(1, 4 * N + 1)
        curve = np.array([cover_fraction(int(p), N + bias) for p in every])
        made = np.zeros(len(points))
        for done in range(trials + 1):
            yield dict(N=N, points=points, share=made / max(done, 1), done=done, every=every, curve=curve,
                       expected=curve[points - 1], middle=2 * (N + bias))
            made += [try_labeling(p, N, bias, rng) for p in points]

    def draw(self, view, r):
        panel, style = view["main"], view.style
        panel.frame(xlim=(0, 4.1), ylim=(-0.04, 1.06), x="points per dimension  P / N", grid=True,
                    title="Share of labelings a neuron can make: Cover's curve, and measured")
        panel.line("curve", r.every / r.N, r.curve, color=style.faint, width=2.4)
        panel.line("half", [r.middle / r.N] * 2, [-1, 2], color=style.faint, width=1, dash=":")
        if r.done:
            error = 2 * np.sqrt(np.maximum(r.expected * (1 - r.expected), 1e-9) / r.done)
            x = r.points / r.N
            bars = np.stack([np.stack([x, x], 1), np.stack([r.share - error, r.share + error], 1)], 2)
            panel.segments("error", bars, colors=[style.positive] * len(bars), widths=[1.4] * len(bars))
            panel.points("measured", x, r.share, kind=1, size=8)
        panel.text("words", 0.98, 0.93, f"trials at each point: {r.done}", inside=True, ha="right", color=style.faint)

    def tell(self, r):
        near = int(np.argmin(np.abs(r.points - r.middle)))
        measured = f"{r.share[near]:.2f}" if r.done else "nothing yet"
        return (f"Share of random labelings of P points that a neuron in {r.N} dimensions can make: "
                f"it falls from 1 towards 0, through one half at P = {r.middle}.",
                {"trials": str(r.done), f"measured at P = {r.points[near]}": measured,
                 "Cover": f"{r.expected[near]:.3f}"})
