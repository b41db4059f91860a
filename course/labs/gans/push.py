"""Lab 8d. The saturating loss: while the discriminator is winning, one of two losses stops teaching the generator.

Goodfellow et al., Generative adversarial nets, NeurIPS 2014, section 3. On D's logit a, with D = sigmoid(a): the slope
of ln(1 - D) is -sigmoid(a), that of -ln D is -(1 - sigmoid(a)).
"""

import numpy as np

from course.labs.controls import Slider
from course.labs.lab import Lab
from course.labs.predict import Question
from nnlab.functional import sigmoid

SIDE, STEPS = 8.0, 200
A = np.linspace(-SIDE, SIDE, 161)
NAMES = ("saturating: ln(1 − D)", "non-saturating: −ln D")


def slopes(a):
    """The slopes of both losses on the logit a: (...,) -> saturating (...,), non-saturating (...,)"""
    return -sigmoid.f(a), -sigmoid.f(-np.asarray(a))


def climb(a, lr, loss):
    """Where gradient descent takes the logit of one fake, D standing still. -> (STEPS + 1,)"""
    path = [float(a)]
    for _ in range(STEPS):
        away = path[-1] if loss else -path[-1]
        path.append(path[-1] + lr / (1 + np.exp(away)))
    return np.array(path)


class WhichLossTeaches(Lab):
    """One fake on the discriminator's curve, how hard each loss pushes it, and where that takes it."""

    id, title = "8d", "Which loss still teaches?"
    controls = dict(
        p=Slider(0.001, 0.999, 0.02, 0.001, "D(fake)"),
        lr=Slider(0.02, 0.2, 0.1, 0.02, "learning rate"),
    )
    question = Question(
        "D is winning: to a fake it gives a probability of 0.001 of being real. The generator can descend ln(1 − D) "
        "or −ln D; both want D to be fooled. Which still teaches it?",
        ("ln(1 − D): that is the loss of the game", "−ln D", "both, alike: they want the same"),
        "−ln D",
        "With D = 0.001 the slope of −ln D on the logit is −0.999 and that of ln(1 − D) is −0.001, a thousandth of it. "
        "The worse a fake is, the less the second loss says about it.",
    )
    panels, size = (("curve", "slopes"), ("path", "path")), (760, 470)
    grid = dict(width_ratios=(1.15, 1), height_ratios=(1.25, 1))

    @staticmethod
    def compute(p, lr):
        a = float(np.log(p) - np.log1p(-p))
        return dict(p=p, a=a, slopes=slopes(a), curves=slopes(A), paths=[climb(a, lr, loss) for loss in (0, 1)])

    def draw(self, view, r):
        style, curve, slope, path = view.style, view["curve"], view["slopes"], view["path"]
        colors = style.negative, style.positive
        curve.frame(xlim=(-SIDE, SIDE), ylim=(-0.22, 1.06), x="D's logit a", grid=True,
                    yticks={0: "0", 0.5: "0.5", 1: "1"}, title="One fake on D's curve, and its two pushes")
        curve.line("sigmoid", A, sigmoid.f(A), color=style.faint, width=2.4)
        curve.points("fake", [r.a], [r.p], marker="o", color=style.accent, size=13)
        for i, (name, color) in enumerate(zip(NAMES, colors, strict=True)):
            curve.text(f"{i} name", 0.02, (0.94, 0.85)[i], name, inside=True, color=color, still=True)
        for i, (color, s) in enumerate(zip(colors, () if self.asking else r.slopes)):
            height = (-0.07, -0.15)[i]
            end = r.a + 4.5 * abs(s)
            curve.line(f"{i} start", [r.a], [height], color=color, marker="|", size=8)
            if abs(s) > 0.04:
                curve.arrow(str(i), (r.a, height), (end, height), color=color, width=3)
            else:
                curve.line(f"{i} stub", [r.a, end], [height] * 2, color=color, width=3)
        slope.frame(xlim=(-SIDE, SIDE), ylim=(2e-4, 2), yscale="log", x="D's logit a", grid=True,
                    yticks={0.001: "0.001", 0.01: "0.01", 0.1: "0.1", 1: "1"},
                    xticks={a: str(a) for a in (-8, -4, 0, 4, 8)},
                    title="Size of the slope")
        for i, color in enumerate(() if self.asking else colors):
            slope.line(str(i), A, np.abs(r.curves[i]), color=color, width=2.4)
            slope.points(f"here{i}", [r.a], [max(abs(r.slopes[i]), 2e-4)], kind=i, size=10)
        if not self.asking:
            slope.line("gap", [r.a, r.a], sorted(np.abs(r.slopes)), color=style.accent, width=2, dash=":")
        path.frame(xlim=(0, STEPS), ylim=(-0.03, 1.05), x="step, D standing still", y="D(fake)", grid=True,
                   title="Where each loss takes this fake")
        path.line("half", [0, STEPS], [0.5, 0.5], color=style.faint, width=1.2, dash=":")
        for i, color in enumerate(() if self.asking else colors):
            path.line(str(i), np.arange(STEPS + 1), sigmoid.f(r.paths[i]), color=color, width=2.6)

    def tell(self, r):
        first, second = (self._arrival(path) for path in r.paths)
        words = (f"D gives this fake a probability of {r.p:.3f} of being real. Each loss pushes it to the right, "
                 "where D believes more.")
        where = {"D(fake)": f"{r.p:.3f}", "logit": f"{r.a:.2f}"}
        pushed = {"slope of ln(1 − D)": f"{r.slopes[0]:.3f}", "slope of −ln D": f"{r.slopes[1]:.3f}",
                  "steps to D = 0.5": f"{first} and {second}"}
        return words, where if self.asking else where | pushed

    @staticmethod
    def _arrival(path):
        there = np.flatnonzero(path >= 0)
        return str(there[0]) if len(there) else f"over {STEPS}"
