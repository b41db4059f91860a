"""Lab 1b. The perceptron learns only from its mistakes, and the number of mistakes is bounded before it starts."""

import numpy as np

from course.labs.controls import Choice, Slider
from course.labs.lab import Lab
from course.labs.predict import Question
from nnlab.models.perceptron import perceptron


def problem(n, margin, rng):
    """n points in the unit disk, labelled by a random line through 0, none nearer to it than `margin`. -> X, y, u."""
    angle = rng.uniform(0, 2 * np.pi)
    u = np.array([np.cos(angle), np.sin(angle)])
    X = np.empty((0, 2))
    while len(X) < n:
        fresh = rng.uniform(-1, 1, (4 * n, 2))
        inside, clear = np.linalg.norm(fresh, axis=1) <= 1, np.abs(fresh @ u) >= margin
        X = np.concatenate([X, fresh[inside & clear]])
    X = X[:n]
    return X, np.sign(X @ u).astype(int), u


def bound(X, y, u):
    """Novikoff's bound (R / gamma)^2 on the number of mistakes: these points' own R, and their gamma along u."""
    return np.square(X).sum(1).max() / (y * (X @ u)).min() ** 2


class PerceptronBound(Lab):
    """The perceptron's mistakes, one after another, against Novikoff's bound."""

    id, title = "1b", "The perceptron and its bound"
    controls = dict(
        margin=Choice((0.02, 0.05, 0.1, 0.2, 0.4), 0.1, "margin γ"),
        n=Slider(20, 200, 100, 10, "points"),
        seed=Slider(0, 20, 0, 1, "other points"),
    )
    question = Question(
        "The bound on the number of mistakes is (R/γ)². Halve the margin γ: the bound changes by",
        ("× 1", "× 2", "× 4"),
        "× 4",
        "The margin enters squared. The mistakes that are really made grow far more slowly: the bound is true, and "
        "loose.",
    )
    panels, size = (("plane", "count"),), (760, 400)

    @staticmethod
    def train(margin, n, seed):
        X, y, _ = problem(n, margin, np.random.default_rng(seed))
        limit = 1 / margin**2  # what is known before the points are: they lie in the unit disk, so R = 1
        yield dict(X=X, y=y, w=np.zeros(2), last=None, bound=limit, mistakes=0)
        for mistakes, (w, last) in enumerate(perceptron(X, y), 1):
            yield dict(X=X, y=y, w=w, last=last, bound=limit, mistakes=mistakes)

    def draw(self, view, r):
        plane, count, style = view["plane"], view["count"], view.style
        plane.frame(xlim=(-1.1, 1.1), ylim=(-1.1, 1.1), aspect="equal", x="x₁", y="x₂",
                    title="The line after the last mistake")
        plane.classes("points", r.X, (r.y + 1) // 2)
        size = np.linalg.norm(r.w)
        if size:
            along = np.array([-r.w[1], r.w[0]]) / size * 4
            plane.line("line", *np.stack([-along, along], 1), width=2.4)
            plane.arrow("w", (0, 0), r.w / size * 0.5, color=style.accent, width=2.6)
        if r.last is not None:
            plane.line("last", [r.X[r.last, 0]], [r.X[r.last, 1]], dash="", marker="o", size=16, width=0).set(
                markerfacecolor="none", markeredgecolor=style.accent, markeredgewidth=2)
        count.frame(xlim=(0.7, 4e3), ylim=(-0.8, 1.8), xscale="log", grid=True, x="mistakes (logarithmic)",
                    yticks={0: "bound", 1: "made"}, title="Mistakes, and their bound (R/γ)²")
        for row, name, value, color in ((1, "made", r.mistakes, style.positive), (0, "bound", r.bound, style.negative)):
            count.line(name, [0.7, max(value, 0.7)], [row, row], color=color, width=26).set_solid_capstyle("butt")
            count.text(f"{name} number", 0.8, row + 0.3, f"{value:,.0f}", color=color, size=11)

    def tell(self, r):
        right = int(((r.X @ r.w) * r.y > 0).sum())
        return (f"The perceptron has made {r.mistakes} mistake{'s' * (r.mistakes != 1)}.",
                {"mistakes": str(r.mistakes), "bound": f"{r.bound:,.0f}", "right": f"{right} of {len(r.y)}"})
