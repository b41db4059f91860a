"""Lab 1a. One neuron is a line: its weights turn the boundary, its bias shifts it, their common size sharpens it."""

import numpy as np

from course.labs.controls import Choice, Slider
from course.labs.lab import Lab
from course.labs.predict import Question
from nnlab.functional import sigmoid

SIDE = 3.0
GRID = 81


def neuron(x, w, b):
    """sigmoid(x @ w + b). x: (N, d), w: (d,), b: a number -> (N,)."""
    return sigmoid.f(x @ w + b)


def _points(n=40, gap=0.25, seed=1):
    """n points in the square, labelled by the line 1.2 x1 + 0.8 x2 = 0.5, none nearer to it than `gap`."""
    rng = np.random.default_rng(seed)
    w, b = np.array([1.2, 0.8]), -0.5
    X = rng.uniform(-0.93 * SIDE, 0.93 * SIDE, (8 * n, 2))
    distance = (X @ w + b) / np.linalg.norm(w)
    X = X[np.abs(distance) > gap][:n]
    return X, (X @ w + b > 0).astype(int)


class OneNeuron(Lab):
    """One neuron in the plane, every number under the hand. `use(neuron)` runs the student's `neuron(x, w, b)`."""

    id, title = "1a", "One neuron is a line"
    controls = dict(
        w1=Slider(-3.0, 3.0, 1.0, 0.1, "weight w₁"),
        w2=Slider(-3.0, 3.0, -1.0, 0.1, "weight w₂"),
        b=Slider(-3.0, 3.0, 0.0, 0.1, "bias b"),
        k=Slider(1.0, 20.0, 4.0, 0.5, "steepness k"),
        activation=Choice(("sigmoid", "step"), "sigmoid"),
    )
    uses = dict(neuron=(neuron, lambda x, w, b: (len(x),), "one number for each of the points"))
    question = Question(
        "Double all of w₁, w₂ and b together. What does the boundary line do?",
        ("It moves", "It rotates", "It stays, and the change from 0 to 1 gets sharper", "Nothing changes at all"),
        "It stays, and the change from 0 to 1 gets sharper",
        "Where w·x + b is zero, twice that is zero too: same line. Away from it every sum is doubled, so the sigmoid "
        "gets steeper. The slider k multiplies all three at once: try it.",
        skippable=False,
    )
    panels, size = (("plane", "along"),), (760, 420)
    grid = dict(width_ratios=(1.35, 1))
    X, y = _points()

    @staticmethod
    def compute(w1, w2, b, k, activation, neuron):
        w = np.array([w1, w2])
        ticks = np.linspace(-SIDE, SIDE, GRID)
        plane = np.stack(np.meshgrid(ticks, ticks), -1).reshape(-1, 2)
        z = np.linspace(-6, 6, 121)

        def output(x, w, b):
            p = np.asarray(neuron(x, k * w, k * b))
            return (p >= 0.5).astype(float) if activation == "step" else p

        X, y = OneNeuron.X, OneNeuron.y
        p = output(X, w, b)
        return dict(
            w=w, b=b, k=k, y=y, p=p, z=X @ w + b,
            plane=output(plane, w, b).reshape(GRID, GRID),
            curve=(z, output(z[:, None], np.ones(1), 0.0)),
            right=int(((p >= 0.5) == y).sum()),
        )

    def draw(self, view, r):
        plane, along, style = view["plane"], view["along"], view.style
        plane.frame(xlim=(-SIDE, SIDE), ylim=(-SIDE, SIDE), aspect="equal", x="x₁", y="x₂",
                    title="The neuron's output on the plane")
        plane.image("map", r.plane, (-SIDE, SIDE, -SIDE, SIDE), smooth=True)
        plane.classes("points", self.X, r.y, size=7)
        length = np.linalg.norm(r.w)
        if length > 0:
            foot, along_line = -r.b * r.w / length**2, np.array([-r.w[1], r.w[0]]) / length * 20
            plane.line("boundary", *np.stack([foot - along_line, foot + along_line], 1), color=style.ink, width=2.4)
            if np.abs(foot).max() < SIDE:
                plane.arrow("normal", foot, foot + r.w / 2, color=style.accent, width=2.6)
                plane.text("w", *(foot + r.w / 2 + 0.22 * r.w / length), "w", color=style.accent, size=12,
                           weight="bold", ha="center")
        wrong = (r.p >= 0.5) != r.y
        plane.line("wrong", *self.X[wrong].T, dash="", marker="o", size=12, width=0, z=3.5).set(
            markerfacecolor="none", markeredgecolor=style.ink, markeredgewidth=1)
        along.frame(xlim=(-6, 6), ylim=(-0.08, 1.08), x="the sum  z = w₁x₁ + w₂x₂ + b",
                    title="The same, along the sum z", grid=True)
        along.line("curve", *r.curve, color=style.ink, width=2.2)
        along.classes("points", np.stack([r.z, r.p], 1), r.y, size=7)
        along.line("half", [0, 0], [-1, 2], color=style.faint, width=1, dash=":")

    def tell(self, r):
        n, length = len(r.y), np.linalg.norm(r.w)
        words = "Both weights are 0: there is no line, and every point gets the same answer."
        angle = distance = "none"
        if length > 0:
            angle = f"{(np.degrees(np.arctan2(r.w[1], r.w[0])) - 90) % 180:.0f}°"
            distance = f"{abs(r.b) / length:.2f}"
            words = "The line lies outside the picture: the whole square is on one side of it."
            if np.abs(r.w).sum() * SIDE > abs(r.b):  # the sum changes its sign from one corner to another
                words = "A straight line splits the plane; the arrow w points to the side where the sum is positive."
        return words, {"right": f"{r.right} of {n}", "accuracy": f"{r.right / n:.2f}", "line's angle": angle,
                       "distance from 0": distance}
