"""Lab 5c. Double descent: the test error explodes where a model can just fit its data, and falls again beyond.

Belkin, Hsu, Ma and Mandal, Reconciling modern machine-learning practice and the bias-variance trade-off, PNAS 2019:
random ReLU features and, of all weights that fit, the smallest ones.
"""

from functools import lru_cache

import numpy as np

from course.labs.controls import Choice, Slider
from course.labs.lab import Lab
from course.labs.predict import Question

INPUTS, MOST, TESTS, GRID = 2, 1600, 300, 31
COUNTS = np.unique(np.round(np.geomspace(10, MOST, 23)).astype(int))
TICKS = np.linspace(-2, 2, GRID)
PLANE = np.stack(np.meshgrid(TICKS, TICKS), -1).reshape(-1, 2)


def truth(X):
    return np.sin(1.5 * X[:, 0] - 0.5 * X[:, 1])


@lru_cache(64)
def drawn(seed):
    """The weights and biases of all the random features."""
    rng = np.random.default_rng([seed, 3])
    return rng.standard_normal((INPUTS, MOST)), rng.uniform(-1, 1, MOST)


def features(X, N, seed):
    """N random ReLU features of X: (n, 2) -> (n, N). More of them leave those there are as they were."""
    W, b = drawn(seed)
    return np.maximum(X @ W[:, :N] + b[:N], 0) / np.sqrt(N)


@lru_cache(64)
def decomposed(n, N, seed):
    """All that does not depend on noise and ridge: the points, their noise, and the features taken apart.

    -> X, T, e, U, s and B: what each singular vector adds to the answers at T
    """
    rng = np.random.default_rng(seed)
    X, T, e = rng.standard_normal((n, INPUTS)), rng.standard_normal((TESTS, INPUTS)), rng.standard_normal(n)
    A, new = features(X, N, seed), features(T, N, seed)
    if 2 * n > N:
        U, s, Vt = np.linalg.svd(A, full_matrices=False)
        return X, T, e, U, s, new @ Vt.T
    squares, U = np.linalg.eigh(A @ A.T)  # faster, and exact enough this far from N = n
    s = np.sqrt(squares)
    return X, T, e, U, s, new @ (A.T @ (U / s))


def weights(s, ridge):
    """What a singular value counts: 1 / s for the smallest weights that fit, s / (s^2 + ridge) with a penalty."""
    if ridge:
        return s / (s**2 + ridge)
    return np.divide(1, s, out=np.zeros_like(s), where=s > 1e-10 * s.max())


def mean_errors(n, N, noise, ridge, seed):
    """(training error, test error against the truth) of one fit."""
    X, T, e, U, s, B = decomposed(n, N, seed)
    y = truth(X) + noise * e
    part = weights(s, ridge) * (U.T @ y)
    return np.square(U @ (s * part) - y).mean(), np.square(B @ part - truth(T)).mean()


class DoubleDescent(Lab):
    """Random ReLU features fitted to n noisy points: the surface, and both errors over the number of features."""

    id, title = "5c", "Double descent"
    controls = dict(
        N=Slider(10.0, 1600.0, 40.0, 0.05, "features N", log=True),
        n=Choice((50, 100, 200), 100, "points"),
        noise=Slider(0.0, 1.0, 0.5, 0.1, "noise"),
        ridge=Choice((0.0, 0.02), 0.0, "ridge penalty"),
        seed=Slider(0, 20, 0, 1, "other points"),
    )
    question = Question(
        "100 noisy points, and more weights than points. Which is better on new points: 110 weights or 1,600?",
        ("110: it overfits less", "1,600", "They fit the same points, so they are equal"),
        "1,600",
        "Near 100 there is just one way to fit the points, and it must bend wildly for that. With 1,600 there are "
        "many, and the one with the smallest weights is calm. (Here 20 features, or a penalty, are better still.)",
    )
    panels, size = (("truth", "errors"), ("fit", "errors")), (760, 440)
    grid = dict(width_ratios=(1, 2.1))

    @staticmethod
    def compute(N, n, noise, ridge, seed):
        N = round(N)
        errors = np.array([mean_errors(n, int(count), noise, ridge, seed) for count in COUNTS])
        X, _, e, U, s, _ = decomposed(n, N, seed)
        part = weights(s, ridge) * (U.T @ (truth(X) + noise * e))
        alone = np.divide(part, s, out=np.zeros_like(s), where=s > 0)
        plane = features(PLANE, N, seed) @ (features(X, N, seed).T @ (U @ alone))
        return dict(N=N, n=n, errors=errors, now=mean_errors(n, N, noise, ridge, seed),
                    plane=plane.reshape(GRID, GRID), truth=truth(PLANE).reshape(GRID, GRID), ridge=ridge)

    def draw(self, view, r):
        style, panel = view.style, view["errors"]
        for name, values, title in (("truth", r.truth, "What is true"), ("fit", r.plane, "What is fitted")):
            view[name].frame(xlim=(-2, 2), ylim=(-2, 2), ticks=False, aspect="equal", title=title)
            view[name].image("map", values, (-2, 2, -2, 2), vmin=-2, vmax=2, smooth=True)
        panel.frame(xlim=(9, 1900), ylim=(1e-3, 1e4), xscale="log", yscale="log", x="features N (= weights to learn)",
                    title="Mean squared error", grid=True)
        panel.line("n", [r.n, r.n], [1e-4, 1e5], color=style.faint, width=1.2, dash=":")
        panel.text("n words", r.n * 1.06, 3500, f"N = {r.n} points", size=9, color=style.faint, still=True)
        shown = np.clip(r.errors, 1e-5, 1e5)
        panel.line("train", COUNTS, shown[:, 0], color=style.negative, width=2.4)
        panel.line("test", COUNTS, shown[:, 1], color=style.positive, width=2.4, marker="o", size=3.5)
        for kind in (0, 1):
            panel.points(f"now{kind}", [r.N], np.clip(r.now[kind:kind + 1], 1.4e-3, 7e3), kind=kind, size=10)
        for name, y, words, color in (("test name", 0.94, "● on new points", style.positive),
                                      ("train name", 0.87, "▲ on its own", style.negative)):
            panel.text(name, 0.98, y, words, inside=True, ha="right", color=color, still=True)

    def tell(self, r):
        train, test = r.now
        return (f"{r.N} random features fitted to {r.n} points"
                f"{' with a ridge penalty' if r.ridge else ''}: the test error is largest near N = "
                f"{COUNTS[r.errors[:, 1].argmax()]}.",
                {"train": f"{train:.3g}", "test": f"{test:.3g}", "lowest test": f"{r.errors[:, 1].min():.3g} at N = "
                 f"{COUNTS[r.errors[:, 1].argmin()]}", "at 1600": f"{r.errors[-1, 1]:.3g}"})
