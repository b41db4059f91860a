"""Lab 4d. Adam's bias correction: its running means start at 0, and without mending that the first steps are wrong."""

import numpy as np

from course.labs.controls import Choice, Slider
from course.labs.lab import Lab
from course.labs.optimizers.rules import EPS, USES
from course.labs.predict import Question

STEPS = 50
PATTERNS = ("constant", "random, mean 0", "one in ten")


def gradients(pattern):
    """STEPS gradients of one weight."""
    if pattern == PATTERNS[0]:
        return np.ones(STEPS)
    if pattern == PATTERNS[1]:
        return np.random.default_rng(3).normal(size=STEPS)
    return (np.arange(1, STEPS + 1) % 10 == 1).astype(float)


def first_step(b1, b2):
    """How long the first step is without correction, in units of lr: (1 - b1) / sqrt(1 - b2)."""
    return (1 - b1) / np.sqrt(1 - b2)


def steps_of(adam, g, b1, b2):
    """The steps, in units of lr, that `adam` takes on the gradients g, and its means m and v. -> three of (STEPS,)"""
    w, m, v, rows = np.zeros(1), np.zeros(1), np.zeros(1), []
    for t, gradient in enumerate(g, 1):
        new, m, v = adam(w, np.array([gradient]), m, v, t, 1.0, b1, b2, EPS)
        rows.append(((w - new)[0], m[0], v[0]))
        w = new
    return np.array(rows).T


def uncorrected(w, g, m, v, t, lr, b1, b2, eps):
    """Adam with its bias correction left out."""
    m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
    return w - lr * m / (np.sqrt(v) + eps), m, v


class BiasCorrection(Lab):
    """The first 50 steps of Adam with and without correction, and the means they are made of. `use(adam)`."""

    id, title = "4d", "Adam's first steps"
    controls = dict(
        b1=Slider(0.0, 0.99, 0.9, 0.01, "β₁"),
        b2=Choice((0.9, 0.95, 0.99, 0.999, 0.9999), 0.999, "β₂"),
        pattern=Choice(PATTERNS, PATTERNS[0], "gradients"),
    )
    uses = dict(adam=USES["adam"])
    question = Question(
        "Adam with β₁ = 0.9 and β₂ = 0.999, but nobody mends that m and v start at 0. Its first step is",
        ("about 10 times too short", "about 3 times too short", "just right", "about 3 times too long"),
        "about 3 times too long",
        "m is a tenth of the gradient, and √v about a thirtieth of it: 0.1 / √0.001 = 3.16. With β₂ = 0.99 the two "
        "errors cancel exactly, which is why a test with (0.9, 0.99) and one step sees nothing.",
    )
    panels, size = (("steps", "means"), ("steps", "squares")), (760, 420)
    grid = dict(width_ratios=(1.3, 1))

    @staticmethod
    def compute(b1, b2, pattern, adam):
        g, t = gradients(pattern), np.arange(1, STEPS + 1)
        with_it, m, v = steps_of(adam, g, b1, b2)
        return dict(g=g, t=t, mended=with_it, plain=steps_of(uncorrected, g, b1, b2)[0], m=m, v=v,
                    m_hat=m / (1 - b1**t), v_hat=v / (1 - b2**t), b1=b1, b2=b2, pattern=pattern)

    def draw(self, view, r):
        style, panel = view.style, view["steps"]
        top = np.abs([r.mended, r.plain]).max()
        reach = next(limit for limit in (1.5, 4.0, 12.0, 40.0, 120.0) if top <= limit or limit == 120.0)
        panel.frame(xlim=(0, STEPS + 1), ylim=(-reach if r.pattern == PATTERNS[1] else -0.05 * reach, reach),
                    x="step", grid=True, title="Length of each step, in units of lr")
        panel.line("lr", [0, STEPS + 1], [1, 1], color=style.faint, width=1, dash=":")
        panel.line("plain", r.t, r.plain, color=style.negative, width=1.6, marker="x", size=5, label="not corrected")
        panel.line("mended", r.t, r.mended, color=style.positive, width=2, marker="o", size=4)
        panel.points("key1", [STEPS * 0.52], [0.93 * reach], marker="o", color=style.positive, size=7)
        panel.text("key1 words", STEPS * 0.55, 0.93 * reach, "corrected", size=9.5, still=True)
        panel.points("key2", [STEPS * 0.52], [0.85 * reach], marker="X", color=style.negative, size=7)
        panel.text("key2 words", STEPS * 0.55, 0.85 * reach, "not corrected", size=9.5, still=True)
        for name, mean, hat, values, title in (
                ("means", r.m, r.m_hat, r.g, "The running mean of g"),
                ("squares", r.v, r.v_hat, r.g**2, "The running mean of g²")):
            top = 1.2 if r.pattern != PATTERNS[1] else (2.9 if name == "means" else 7.2)
            low = -top if r.pattern == PATTERNS[1] and name == "means" else -0.06
            axes = view[name]
            axes.frame(xlim=(0, STEPS + 1), ylim=(low, top), grid=True, title=title,
                       x="step" if name == "squares" else "")
            axes.points("g", r.t, values, marker="o", size=3.5, color=style.faint)
            axes.line("mean", r.t, mean, color=style.negative, width=1.8)
            axes.line("hat", r.t, hat, color=style.positive, width=2)

    def tell(self, r):
        words = f"Adam's first {STEPS} steps, gradients {r.pattern}."
        return words, {"first step": f"{r.mended[0]:.3f} lr", "not corrected": f"{r.plain[0]:.3f} lr",
                       "(1 − β₁) / √(1 − β₂)": f"{first_step(r.b1, r.b2):.3f}",
                       "step 50": f"{r.mended[-1]:.3f} lr", "step 50, not corrected": f"{r.plain[-1]:.3f} lr"}
