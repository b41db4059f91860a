"""Lab 4f. One sample, a batch, or all: fewer examples a step make more steps of an epoch, and noisier ones."""

from functools import cache, lru_cache
from math import sqrt

import numpy as np

from course.labs.controls import Choice, Slider, Toggle
from course.labs.lab import Lab
from course.labs.predict import Question

N, DRAWS = 1024, 400
SIZES = {"1 example": 1, "8 examples": 8, "32 examples": 32, "128 examples": 128, "all 1,024": N}
START = np.array([-2.2, 2.4])
X0, X1, Y0, Y1 = -3.2, 3.2, -3.2, 3.2


@cache
def line_data():
    """1,024 noisy examples of the line y = 0: what is fitted should come out near (0, 0). -> A: (N, 2), y: (N,)"""
    rng = np.random.default_rng(7)
    x = rng.uniform(-1, 1, N) * sqrt(1.5)
    return np.stack([x, np.full(N, 1.0)], 1) * np.array([1.4, 0.8]), rng.normal(0, 1.0, N)


@cache
def bowl():
    """The loss of all examples, mean (A w - y)^2 / 2, as (H, its minimum, its value there)."""
    A, y = line_data()
    H = A.T @ A / N
    lowest = np.linalg.solve(H, A.T @ y / N)
    return H, lowest, float(((A @ lowest - y) ** 2).mean() / 2)


def loss(w):
    """The loss of all examples at each of the weights w: (..., 2), above its minimum."""
    H, lowest, _ = bowl()
    d = w - lowest
    return ((d @ H) * d).sum(-1) / 2


@lru_cache(maxsize=32)
def bowls(batch, epochs, seed=0):
    """Each batch's own loss, mixed anew every epoch, as rows (h00, h01, h11, c0, c1): its gradient at w is h w - c."""
    A, y = line_data()
    rng = np.random.default_rng(seed)
    order = np.concatenate([rng.permutation(N) for _ in range(epochs)])
    B, t = A[order].reshape(-1, batch, 2), y[order].reshape(-1, batch, 1)
    H, c = (B.transpose(0, 2, 1) @ B / batch).reshape(-1, 4), (B * t).mean(1)
    return np.concatenate([H[:, [0, 1, 3]], c], 1).tolist()


@lru_cache(maxsize=32)
def descend(batch, lr, epochs, seed=0, falling=False):
    """Gradient descent with `batch` examples a step. -> the weights after each step: (steps + 1, 2)

    falling: the rate falls from lr to 0 along half a cosine wave, step by step.
    """
    steps, (a, b) = epochs * N // batch, START.tolist()
    xs, ys = [a], [b]
    rates = (lr * (1 + np.cos(np.pi * np.arange(steps) / steps)) / 2 if falling else np.full(steps, lr)).tolist()
    for (h00, h01, h11, c0, c1), rate in zip(bowls(batch, epochs, seed), rates, strict=True):
        a, b = a - rate * (h00 * a + h01 * b - c0), b - rate * (h01 * a + h11 * b - c1)  # numbers: 10 times as fast
        xs.append(a)
        ys.append(b)
        if not abs(a) + abs(b) < 1e6:
            break
    return np.array([xs, ys]).T


@cache
def gradients(batch, seed=0):
    """The gradients at the start of DRAWS batches of this size, drawn with replacement. -> (DRAWS, 2)"""
    A, y = line_data()
    rng = np.random.default_rng(seed)
    of_each = A * (A @ START - y)[:, None]
    if batch == N:
        return np.repeat(of_each.mean(0)[None], DRAWS, 0)  # all of them: nothing is left to chance
    return of_each[rng.integers(0, N, (DRAWS, batch))].mean(1)


def spread(batch):
    """The root mean square distance of a batch's gradient from that of all examples."""
    A, y = line_data()
    all_of_them = (A * (A @ START - y)[:, None]).mean(0)
    return float(np.sqrt(((gradients(batch) - all_of_them) ** 2).sum(1).mean()))


@lru_cache(maxsize=32)
def ghosts(lr, epochs, falling):
    """The losses of every batch size, each point a mean over the steps since the last: name -> (steps, loss)."""
    found = {}
    for name, batch in SIZES.items():
        values = loss(np.clip(descend(batch, lr, epochs, falling=falling), -1e3, 1e3))
        edges = np.unique(np.geomspace(1, len(values), 24).astype(int)) - 1
        means = np.add.reduceat(values, edges) / np.diff(np.append(edges, len(values)))
        found[name] = np.maximum((edges + np.append(edges[1:], len(values)) - 1) / 2, 0), np.maximum(means, 1e-9)
    return found


class Batches(Lab):
    """The same line fitted with 1, 8, 32, 128 or all examples a step."""

    id, title = "4f", "One sample, a batch, or all"
    controls = dict(
        batch=Choice(tuple(SIZES), "8 examples", "examples a step"),
        lr=Slider(0.003, 1.0, 0.1, 0.05, "learning rate", log=True),
        epochs=Slider(1, 8, 2, 1, "epochs"),
        falling=Toggle(False, "let the rate fall to 0"),
    )
    question = Question(
        "The gradient of a batch is a mean over its examples, so it is a noisy guess of the gradient of all. A batch "
        "of 4 times as many: what becomes of the noise?",
        ("It stays", "It is halved", "It falls to a quarter", "It falls to a sixteenth"),
        "It is halved",
        "The error of a mean of B numbers falls like 1/√B. So a step four times as expensive is only twice as exact, "
        "and several cheap steps are usually the better buy.",
    )
    panels, size, grid = (("plane", "steps"), ("cloud", "seen")), (760, 540), dict(width_ratios=(1, 1.15))

    @staticmethod
    def compute(batch, lr, epochs, falling):
        size, lr = SIZES[batch], round(float(lr), 6)
        path = descend(size, lr, epochs, falling=falling)
        return dict(name=batch, batch=size, path=path, loss=loss(path), losses=ghosts(lr, epochs, falling),
                    epochs=epochs, falling=falling, gradients=gradients(size), spread=spread(size), one=spread(1),
                    gone=len(path) <= epochs * N // size)

    def draw(self, view, r):
        style, plane, cloud = view.style, view["plane"], view["cloud"]
        H, lowest, _ = bowl()
        plane.frame(xlim=(X0, X1), ylim=(Y0, Y1), x="w₁", y="w₂", title="The path on the loss of all examples")
        t = np.append(np.linspace(0, 2 * np.pi, 73), np.nan)
        root = np.linalg.inv(np.linalg.cholesky(H)).T
        rings = [lowest[:, None] + k * root @ np.stack([np.cos(t), np.sin(t)]) for k in (0.6, 1.2, 1.8, 2.4, 3, 3.6)]
        plane.line("levels", *np.concatenate(rings, 1), color=style.faint, width=0.9, alpha=0.55, z=1)
        few = len(r.path) <= 300
        plane.line("path", *np.clip(r.path, -9, 9).T, color=style.positive, width=1.6 if few else 0.8,
                   marker="o" if few else "", size=3.2)
        plane.points("minimum", *lowest[:, None], marker="*", color=style.accent, size=15, z=6)
        plane.points("start", *START[:, None], marker="s", color=style.ink, size=7)
        reach = 9.0
        middle = gradients(N)[0]
        cloud.frame(xlim=(middle[0] - reach, middle[0] + reach), ylim=(middle[1] - reach, middle[1] + reach),
                    x="slope in w₁ (ring: mean distance)", y="slope in w₂", aspect="equal",
                    title="Gradients of 400 batches")
        cloud.points("cloud", *r.gradients.T, marker="o", size=3.6, color=style.positive, alpha=0.55, ring="none")
        cloud.points("all", *middle[:, None], marker="*", color=style.accent, size=15)
        cloud.line("ring", *(middle[:, None] + r.spread * np.stack([np.cos(t), np.sin(t)])), color=style.ink, width=1.6)
        for name, x in (("steps", "steps taken"), ("seen", "examples looked at")):
            view[name].frame(xlim=(0.8, 3 * 8 * N), ylim=(1e-5, 30), xscale="log", yscale="log", x=x, grid=True,
                             xticks={1: "1", 10: "10", 100: "100", 1000: "1,000"},
                             yticks={1e-4: "1e-4", 0.01: "0.01", 1: "1"},
                             title=f"Loss left, by {'steps' if name == 'steps' else 'examples'}")
        for name, (at, values) in r.losses.items():
            on, size = name == r.name, SIZES[name]
            for panel, per in ((view["steps"], 1), (view["seen"], size)):
                panel.line(name, np.maximum(at * per, 0.5 * per), values, width=2.6 if on else 1.2, z=4 if on else 2,
                           color=style.positive if on else style.faint)
            if 2e-5 < values[-1] < 20:
                above = 2.0 if size == N else 1.0  # after few steps: there the other curves pass below
                view["steps"].text(f"{name} words", 1.25 * max(at[-1], 0.6), above * values[-1], self._short(size),
                                   size=9, color=style.positive if on else style.faint,
                                   weight="bold" if on else "normal")
        self._names_at_the_end(view["seen"], r, style)

    @staticmethod
    def _short(size):
        return "all" if size == N else str(size)

    def _names_at_the_end(self, panel, r, style):
        """All sizes end at the same number of examples: their names one above the other, far enough apart."""
        ends = sorted((values[-1], name) for name, (_, values) in r.losses.items() if 2e-5 < values[-1] < 20)
        y = 0.0
        for end, name in ends:
            y, on = max(end, 2.6 * y), name == r.name
            panel.text(f"{name} words", 1.2 * r.epochs * N, y, self._short(SIZES[name]), size=9,
                       color=style.positive if on else style.faint, weight="bold" if on else "normal")

    def tell(self, r):
        words = (f"Steps of {r.name} fly apart: this learning rate is too large for them." if r.gone else
                 f"{r.epochs} epoch{'s' * (r.epochs > 1)} with {r.name} a step{', the rate falling to 0' * r.falling}.")
        numbers = {"steps": f"{len(r.path) - 1:,}", "loss left": f"{min(r.loss[-1], 9.99e99):.3g}",
                   "noise of a gradient": f"{r.spread:.2f}"}
        if 1 < r.batch < N:
            numbers["one example's divided by the root of the batch"] = f"{r.one / sqrt(r.batch):.2f}"
        return words, numbers
