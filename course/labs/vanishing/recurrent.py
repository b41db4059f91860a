"""Lab 6d. Depth in time: a recurrent net applies the same matrix at every step, and its spectral radius decides.

Pascanu, Mikolov and Bengio, ICML 2013; the spectral radius is the size of the largest eigenvalue.
"""

from functools import cache

import numpy as np

from course.labs.controls import Choice, Slider, Toggle
from course.labs.lab import Lab
from course.labs.predict import Question

UNITS, LONGEST = 64, 200


@cache
def matrix(seed):
    """A random matrix of spectral radius 1, its eigenvalues, LONGEST inputs and what comes back to the last step."""
    rng = np.random.default_rng(seed)
    W = rng.standard_normal((UNITS, UNITS))
    values = np.linalg.eigvals(W)
    radius = np.abs(values).max()
    return W / radius, values / radius, rng.standard_normal((LONGEST, UNITS)), rng.standard_normal(UNITS)


def through_time(W, x, last, T, tanh):
    """h_t = f(W h_(t-1) + x_t) for T steps, and back. -> lengths of dL/dh at lags 0 ... T, and dL/dW"""
    h = [np.zeros(len(W))]
    for t in range(T):
        z = W @ h[-1] + 0.3 * x[t]
        h.append(np.tanh(z) if tanh else z)
    g, lengths, dW = last / np.linalg.norm(last), [1.0], np.zeros_like(W)
    for t in range(T, 0, -1):
        delta = g * (1 - h[t] ** 2) if tanh else g
        dW += np.outer(delta, h[t - 1])
        g = W.T @ delta
        lengths.append(float(np.linalg.norm(g)))
    return np.array(lengths), dW


def growth(lengths):
    """The factor per step of time, fitted to the later half (lags 50 to 100, of 100)."""
    late = np.arange(len(lengths) // 2, len(lengths))
    return float(np.exp(np.polyfit(late, np.log(np.maximum(lengths[late], 1e-300)), 1)[0]))


class DepthInTime(Lab):
    """The gradient on its way back through the steps of a recurrent net, beside the eigenvalues of its matrix."""

    id, title = "6d", "Depth in time"
    controls = dict(
        rho=Slider(0.7, 1.3, 1.0, 0.01, "spectral radius ρ"),
        T=Slider(10, LONGEST, 100, 1, "steps of time"),
        kind=Choice(("linear", "tanh"), "linear", "neurons"),
        clip=Toggle(False, "clip the gradient of W"),
        threshold=Slider(0.1, 10.0, 1.0, 0.1, "to at most c", log=True),
        seed=Slider(0, 20, 0, 1, "other matrix"),
    )
    question = Question(
        "The largest eigenvalue of the recurrent matrix is 1.05. How much longer is a gradient after it has gone back "
        "100 steps in time?",
        ("about 5 times", "about 130 times", "about 100,000 times"),
        "about 130 times",
        "1.05 to the power of 100 is 131: interest on interest. With 0.95 it would be 0.006.",
    )
    panels, size, grid = (("eigenvalues", "lengths"),), (760, 400), dict(width_ratios=(1, 1.6))

    @staticmethod
    def compute(rho, T, kind, clip, threshold, seed):
        W, values, x, last = matrix(seed)
        lengths, dW = through_time(rho * W, x, last, T, kind == "tanh")
        norm = float(np.linalg.norm(dW))
        return dict(values=rho * values, lengths=lengths, growth=growth(lengths), rho=rho, T=T, kind=kind, norm=norm,
                    used=min(norm, threshold) if clip else norm, clip=clip, c=threshold)

    def draw(self, view, r):
        style, plane, panel = view.style, view["eigenvalues"], view["lengths"]
        around = np.linspace(0, 2 * np.pi, 97)
        plane.frame(xlim=(-1.4, 1.4), ylim=(-1.4, 1.4), aspect="equal", xticks={-1: "-1", 0: "0", 1: "1"},
                    yticks={-1: "-i", 0: "0", 1: "i"}, title="The 64 eigenvalues of W")
        plane.line("unit", np.cos(around), np.sin(around), color=style.faint, width=1.2)
        plane.line("radius", r.rho * np.cos(around), r.rho * np.sin(around), color=style.accent, width=1.6, dash="--")
        outside = np.abs(r.values) > 1 + 1e-9
        for name, which, kind in (("in", ~outside, 1), ("out", outside, 0)):
            plane.points(name, r.values[which].real, r.values[which].imag, kind=kind, size=6)
        plane.text("words", 0.03, 0.03, "grey: 1, dashed: ρ", inside=True, size=9, color=style.faint, va="bottom",
                   box=True)
        lags = np.arange(r.T + 1)
        panel.frame(xlim=(0, LONGEST), ylim=(1e-14, 1e14), yscale="log", x="lag: steps back in time", grid=True,
                    yticks={1e-12: "1e-12", 1e-6: "1e-6", 1: "1", 1e6: "1e6", 1e12: "1e12"},
                    title="Length of the gradient after so many steps back")
        late = len(lags) // 2
        line = r.lengths[late:].clip(1e-300)
        anchor = np.exp(np.mean(np.log(line) - lags[late:] * np.log(r.rho)))
        panel.line("theory", lags, np.clip(anchor * r.rho ** lags, 1e-30, 1e30), color=style.ink, width=1.3, dash="--",
                   z=5)
        panel.line("lengths", lags, np.clip(r.lengths, 1e-30, 1e30), color=style.negative, width=2.6)
        panel.text("dashed", 0.02, 0.96, "dashed: the slope ρ per step", inside=True, va="top", size=9,
                   color=style.faint, box=True)
        words = f"all steps together, dL/dW: {r.norm:.2g} long" + (f", used: {r.used:.2g}" if r.clip else "")
        panel.text("dW", 0.02, 0.05, words, inside=True, size=9.5, box=True)

    def tell(self, r):
        return (f"A recurrent net of 64 {r.kind} neurons over {r.T} steps, spectral radius {r.rho:.2f}.",
                {"length after all steps": f"{r.lengths[-1]:.2g}", "factor per step, measured": f"{r.growth:.3f}",
                 "ρ": f"{r.rho:.2f}", "dL/dW": f"{r.norm:.2g}", "used": f"{r.used:.2g}"})
