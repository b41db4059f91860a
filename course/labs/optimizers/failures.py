"""Lab 4e. Where Adam goes wrong: a weight that walks to the worst place, and a net that reads its training data only.

Reddi, Kale and Kumar, ICLR 2018, section 3; Wilson et al., NeurIPS 2017, section 3.3.
"""

from math import sqrt

import numpy as np

import nnlab
from course.labs.controls import Choice, Slider, Toggle
from course.labs.lab import Lab
from course.labs.predict import Question

C, EXAMPLES, CHUNK = 4.0, 100, {"Reddi": 100, "Wilson": 5}
CASES = ("rare large gradient", "more weights than data")
OPTIMIZERS = ("Adam", "RMSprop", "gradient descent")


def reddi(optimizer, amsgrad=False, lr=0.5, turns=20_000):
    """x in [-1, 1], its gradient C every third step and -1 otherwise, rate lr / sqrt(t). Yields x every CHUNK steps."""
    x = nnlab.Parameter([0.0], dtype=np.float64)
    make = {"Adam": lambda: nnlab.Adam([x], lr=lr, betas=(0.0, 1 / (1 + C * C)), amsgrad=amsgrad),
            "RMSprop": lambda: nnlab.RMSprop([x], lr=lr, alpha=1 / (1 + C * C)),
            "gradient descent": lambda: nnlab.SGD([x], lr=lr)}[optimizer]()
    high, low = np.array([C]), np.array([-1.0])
    for t in range(1, turns + 1):
        x.grad = high if t % 3 == 1 else low
        make.lr = lr / sqrt(t)
        make.step()
        x.data[0] = min(1.0, max(-1.0, x.data[0]))
        if t % CHUNK["Reddi"] == 0:
            yield float(x.data[0])


def wilson_data(n=EXAMPLES, seed=0, share=0.64):
    """Wilson's construction. Feature 1 is the label (+1 or -1), features 2 and 3 are always 1, and every example has
    features of its own, all 1: one if it is positive, five if negative. -> train (X, y), test (X, y)
    """
    rng = np.random.default_rng(seed)
    y = np.where(rng.random(2 * n) < share, 1.0, -1.0)
    X = np.zeros((2 * n, 3 + 5 * 2 * n))
    X[:, 0], X[:, 1:3] = y, 1
    for i, label in enumerate(y):
        X[i, 3 + 5 * i: 3 + 5 * i + (1 if label > 0 else 5)] = 1
    return (X[:n], y[:n]), (X[n:], y[n:])


def wilson(optimizer, amsgrad=False, turns=1000, seed=0):
    """Least squares on that. Yields (share of training examples right, of test examples) every CHUNK steps."""
    (X, y), (X_test, y_test) = wilson_data(seed=seed)
    used = np.flatnonzero(np.abs(X).any(0))  # features no training example has keep weight 0
    A, T = X[:, used], X_test[:, used]
    w = nnlab.Parameter(np.zeros(len(used)), dtype=np.float64)
    top = np.linalg.eigvalsh(A @ A.T / len(y))[-1]
    make = {"Adam": lambda: nnlab.Adam([w], lr=0.01, amsgrad=amsgrad), "RMSprop": lambda: nnlab.RMSprop([w], lr=0.002),
            "gradient descent": lambda: nnlab.SGD([w], lr=1.9 / top)}[optimizer]()
    for t in range(1, turns + 1):
        w.grad = (A @ w.data - y) @ A / len(y)
        make.step()
        if t % CHUNK["Wilson"] == 0:
            yield (float((np.sign(A @ w.data) == y).mean()), float((np.sign(T @ w.data) == y_test).mean()),
                   w.data[0].item(), w.data[1].item())


class WhereAdamFails(Lab):
    """Two constructions in which adaptive rates go wrong, step by step, with gradient descent beside them."""

    id, title, per_frame = "4e", "Where Adam goes wrong", 2
    controls = dict(
        case=Choice(CASES, CASES[0], "case"),
        optimizer=Choice(OPTIMIZERS, "Adam"),
        amsgrad=Toggle(False, "AMSGrad (of Adam)"),
        draw_seed=Slider(0, 9, 0, 1, "other data"),
    )
    question = Question(
        "A weight x between −1 and 1 gets the gradient +4 in every third step and −1 in the two others. On the whole "
        "it should go to −1. Where does Adam take it (β₁ = 0, β₂ = 1/17)?",
        ("to −1, as it should", "it stays near 0", "to +1, the worst place of all"),
        "to +1, the worst place of all",
        "The large gradient is divided by its own size, and so counts no more than a small one: one step left, two "
        "steps right. AMSGrad keeps the largest size it has seen, and the large gradient keeps its weight.",
    )
    panels, size = (("path", "bars"),), (760, 380)
    grid = dict(width_ratios=(1.8, 1))

    @staticmethod
    def train(case, optimizer, amsgrad, draw_seed):
        first = case == CASES[0]
        run = reddi(optimizer, amsgrad) if first else wilson(optimizer, amsgrad, seed=draw_seed)
        rows = [0.0] if first else [(0.0, 0.0, 0.0, 0.0)]
        y = wilson_data(seed=draw_seed)[1][1]
        chunk = CHUNK["Reddi" if first else "Wilson"]
        name = "AMSGrad" if amsgrad and optimizer == "Adam" else optimizer

        def state():
            return dict(first=first, rows=np.array(rows), name=name, base=float((y > 0).mean()), chunk=chunk)

        yield state()
        for row in run:
            rows.append(row)
            yield state()

    def draw(self, view, r):
        style, panel, bars = view.style, view["path"], view["bars"]
        steps = np.arange(len(r.rows)) * r.chunk
        if r.first:
            panel.frame(xlim=(0, 20_000), ylim=(-1.12, 1.12), x="step", y="x", grid=True,
                        title=f"Where {r.name} takes x", xticks={0: "0", 10_000: "10,000", 20_000: "20,000"})
            panel.line("best", [0, 20_000], [-1, -1], color=style.accent, width=1.6, dash="--")
            panel.text("best words", 400, -0.93, "the best place", color=style.accent, size=9, still=True)
            panel.text("worst words", 400, 0.87, "the worst place", color=style.negative, size=9, still=True)
            panel.line("path", steps, r.rows, color=style.positive, width=2.4)
            bars.frame(xlim=(0.4, 6.6), ylim=(-1.6, 4.5), x="step", grid=True, title="The gradients",
                       xticks={i: str(i) for i in range(1, 7)})
            kinds = np.array([C, -1, -1, C, -1, -1])
            bars.bars("gradients", np.arange(1, 7), kinds, width=0.6,
                      colors=[style.positive if g > 0 else style.negative for g in kinds])
            return
        panel.frame(xlim=(0, 1000), ylim=(-0.03, 1.05), x="step", y="share right", grid=True,
                    title=f"Least squares by {r.name}")
        panel.line("train", steps[1:], r.rows[1:, 0], color=style.faint, width=2, dash="--")
        panel.line("test", steps[1:], r.rows[1:, 1], color=style.positive, width=2.6)
        panel.line("base", [0, 1000], [r.base] * 2, color=style.negative, width=1.2, dash=":")
        panel.text("words", 985, 0.05, "dashed: training · line: test\ndotted: always saying +1", size=9, ha="right",
                   va="bottom", still=True, color=style.faint)
        bars.frame(xlim=(-0.6, 1.6), ylim=(-0.05, 0.75), grid=True, title="Two weights",
                   xticks={0: "the label", 1: "always 1"})
        bars.bars("weights", np.arange(2), r.rows[-1, 2:], width=0.6, colors=[style.positive, style.negative])

    def tell(self, r):
        steps = (len(r.rows) - 1) * r.chunk
        if r.first:
            return f"{r.name} on a gradient of +4 in every third step, -1 in the others.", {
                "step": f"{steps:,}", "x": f"{r.rows[-1]:.4f}", "the best x": "-1"}
        train, test, label, one = r.rows[-1]
        return f"{r.name} fits 100 examples with more weights than that.", {
            "step": str(steps), "training right": f"{train:.2f}", "test right": f"{test:.2f}",
            "always saying +1": f"{r.base:.2f}", "weight of the label": f"{label:.3f}", "of a constant": f"{one:.3f}"}
