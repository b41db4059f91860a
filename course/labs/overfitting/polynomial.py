"""Lab 5a. Degree and data: a polynomial that can follow every point follows the noise as well.

Ridge regression (Hoerl and Kennard 1970) by the singular value decomposition: one decomposition serves every strength.
"""

import numpy as np

from course.labs.controls import Slider, Toggle
from course.labs.lab import Lab
from course.labs.predict import Question

DEGREES = np.arange(1, 16)
STRENGTHS = np.logspace(-8, 1, 46)
FINE = np.linspace(-1, 1, 201)
OTHERS = 12  # other samples of the same size


def truth(x):
    return np.sin(np.pi * x)


def sample(n, noise, rng):
    """n points in [-1, 1] with y = truth(x) + N(0, noise^2)."""
    x = np.sort(rng.uniform(-1, 1, n))
    return x, truth(x) + noise * rng.standard_normal(n)


def powers(x, degree):
    """x, x^2, ..., x^degree as columns: (n, degree)."""
    return x[:, None] ** np.arange(1, degree + 1)


def ridge(x, y, degree, strengths):
    """The polynomials with the least  sum (f(x) - y)^2 + strength * sum w^2, one for each strength; the constant term
    pays nothing. -> a function x -> (n, strengths)"""
    X = powers(x, degree)
    middle, height = X.mean(0), y.mean()
    U, s, Vt = np.linalg.svd(X - middle, full_matrices=False)
    W = Vt.T @ ((s / (s**2 + np.atleast_1d(strengths)[:, None])) * (U.T @ (y - height))).T  # (degree, strengths)
    return lambda at: height + (powers(at, degree) - middle) @ W


def errors(f, *points):
    """The mean squared error of each of f's polynomials on each (x, y). -> (len(points), strengths)"""
    return np.array([np.square(f(x) - y[:, None]).mean(0) for x, y in points])


class DegreeAndData(Lab):
    """A polynomial through noisy points, and its error on them and on fresh ones over the degree and the penalty."""

    id, title = "5a", "Degree and data"
    controls = dict(
        degree=Slider(1, 15, 3, 1, "degree"),
        n=Slider(5, 100, 15, 1, "points"),
        noise=Slider(0.0, 0.5, 0.2, 0.05, "noise"),
        strength=Slider(1e-8, 10.0, 1e-8, 0.2, "penalty λ", log=True),
        others=Toggle(False, "show 12 other samples"),
        seed=Slider(0, 30, 0, 1, "other points"),
    )
    question = Question(
        "A polynomial of degree 14 has a penalty λ on its weights. λ is best where the error on the points it learns "
        "from is smallest.",
        ("True", "False"),
        "False",
        "That error is smallest at λ = 0, whatever the data: the penalty only gets in the way of following the points. "
        "The error on fresh points is smallest somewhere in between, and it takes fresh points to see where.",
        skippable=False,
    )
    panels, size = (("fit", "degrees"), ("fit", "strengths")), (760, 440)
    grid = dict(width_ratios=(1.5, 1))

    @staticmethod
    def compute(degree, n, noise, strength, others, seed):
        rng = np.random.default_rng(seed)
        x, y = sample(n, noise, rng)
        fresh = sample(200, noise, np.random.default_rng([seed, 1]))
        by_degree = np.array([errors(ridge(x, y, d, strength), (x, y), fresh)[:, 0] for d in DEGREES])
        f = ridge(x, y, degree, STRENGTHS)
        mine = ridge(x, y, degree, strength)
        more = [ridge(*sample(n, noise, np.random.default_rng([seed, 2, i])), degree, strength)(FINE)[:, 0]
                for i in range(OTHERS * others)]
        now = errors(mine, (x, y), fresh)[:, 0]
        return dict(x=x, y=y, curve=mine(FINE)[:, 0], more=more, by_degree=by_degree, now=now, degree=degree,
                    by_strength=errors(f, (x, y), fresh).T, strength=strength)

    def draw(self, view, r):
        style, fit = view.style, view["fit"]
        fit.frame(xlim=(-1.05, 1.05), ylim=(-2, 2), x="x", y="y", title=f"A polynomial of degree {r.degree}")
        if len(r.more):
            curves = np.stack([np.broadcast_to(FINE, np.shape(r.more)), np.clip(r.more, -9, 9)], 2)
            fit.segments("more", list(curves), colors=[style.positive] * OTHERS, widths=[0.7] * OTHERS)
        fit.line("truth", FINE, truth(FINE), color=style.accent, width=2, dash="--")
        fit.line("curve", FINE, np.clip(r.curve, -9, 9), width=2.6)
        fit.points("points", r.x, r.y, kind=0, marker="o", size=7)
        fit.text("words", 0.98, 0.04, "- - what is true", inside=True, ha="right", color=style.accent, still=True)
        for name, over, at, table, scale, label in (
                ("degrees", DEGREES, r.degree, r.by_degree, "linear", "degree"),
                ("strengths", STRENGTHS, r.strength, r.by_strength, "log", "penalty λ")):
            panel = view[name]
            limits = (0.5, 15.5) if scale == "linear" else (4e-9, 25)
            ticks = {d: d for d in range(1, 16, 2)} if scale == "linear" else None
            panel.frame(xlim=limits, ylim=(1e-4, 1e2), xscale=scale, yscale="log", x=label, xticks=ticks, grid=True,
                        title="Mean squared error" if name == "degrees" else "")
            shown = np.clip(table, 1e-6, 1e4)
            panel.line("here", [at, at], [1e-6, 1e4], color=style.faint, width=1, dash=":")
            panel.line("train", over, shown[:, 0], color=style.negative, width=2.2)
            panel.line("fresh", over, shown[:, 1], color=style.positive, width=2.2)
            for kind in (0, 1):
                panel.points(f"now{kind}", [at], np.clip(r.now[kind:kind + 1], 1.3e-4, 75), kind=kind, size=9)
        view["degrees"].text("fresh name", 0.03, 0.9, "● fresh points", inside=True, size=9, color=style.positive,
                             still=True)
        view["degrees"].text("train name", 0.03, 0.1, "▲ points it learns from", inside=True, size=9,
                             color=style.negative, still=True)

    def tell(self, r):
        train, fresh = r.now
        best = STRENGTHS[r.by_strength[:, 1].argmin()]
        return (f"A polynomial of degree {r.degree} through {len(r.x)} points. "
                f"Its error on fresh points is {fresh / max(train, 1e-12):,.1f} times that on its own.",
                {"train": f"{train:.4f}", "fresh": f"{fresh:,.3f}", "λ": f"{r.strength:.1g}",
                 "best degree at this λ": str(DEGREES[r.by_degree[:, 1].argmin()]),
                 "best λ at this degree": f"{best:.1g}"})
