"""Lab 8a. The best discriminator: what it says is known in closed form, and so is what it pays.

Goodfellow et al., Generative adversarial nets, NeurIPS 2014: D* = p / (p + q), and its loss is ln 4 - 2 JSD(p, q).
"""

import numpy as np

import nnlab
from course.labs.controls import Slider
from course.labs.lab import Lab
from course.labs.predict import Question
from nnlab.functional import binary_cross_entropy_with_logits, sigmoid

FAR, BATCH, MOST, SHOWN = 7.0, 512, 3000, 40
X = np.linspace(-FAR, FAR, 281)  # where the densities are drawn and summed
MUS = np.linspace(-4, 4, 65)


def jsd(p, q):
    """Jensen-Shannon divergence in nats. p, q: (K,), each of sum 1 -> a number from 0 (equal) to ln 2 (disjoint)."""
    middle = (p + q) / 2

    def to_middle(a):
        some = a > 0  # 0 ln 0 is 0
        return np.sum(a[some] * np.log(a[some] / middle[some]))

    return (to_middle(p) + to_middle(q)) / 2


def normal(x, mu, sd):
    return np.exp(-np.square((x - mu) / sd) / 2) / (sd * np.sqrt(2 * np.pi))


def shares(mu, sd):
    """N(mu, sd^2) as the share of each of the places X: (281,) of sum 1."""
    density = normal(X, mu, sd)
    return density / density.sum()


def expected_loss(p, q, logits):
    """What a discriminator with these logits pays: -E_p ln D - E_q ln (1 - D), exactly, by summing over all places."""
    return float(p @ np.logaddexp(0, -logits) + q @ np.logaddexp(0, logits))


def judge(seed=0):
    """A discriminator for numbers, untrained, and its optimizer. -> (D, adam)"""
    D = nnlab.MLP(1, 16, 1, rng=seed)
    return D, nnlab.Adam(D.parameters(), lr=0.01)


class BestJudge(Lab):
    """Two densities, the best discriminator between them, and one that learns to be it. `use(jsd)`."""

    id, title = "8a", "The best discriminator"
    controls = dict(
        mu=Slider(-3.0, 3.0, 1.0, 0.1, "fakes: mean", live=True),
        sd=Slider(0.3, 2.0, 1.0, 0.1, "fakes: deviation", live=True),
    )
    uses = dict(jsd=(jsd, lambda p, q: (), "one number"))
    question = Question(
        "The generator has become perfect: its fakes have exactly the density of the data. What does the best "
        "discriminator say, and what is its loss?",
        ("It says 1 (real) to everything, loss 0", "It says 0.5 to everything, loss 0",
         "It says 0.5 to everything, loss 1.386"),
        "It says 0.5 to everything, loss 1.386",
        "Where both densities are equal there is nothing to tell them by. Each answer of one half costs ln 2, and a "
        "real and a fake one together cost 2 ln 2 = 1.386: the most the best discriminator ever pays.",
        skippable=False,
    )
    panels, size, per_frame = (("densities", "loss"), ("answer", "loss")), (760, 450), 4
    grid = dict(width_ratios=(1.35, 1))

    @staticmethod
    def train(mu, sd, jsd):
        D, adam = judge()
        rng, p, floors = np.random.default_rng(0), shares(0, 1), {}
        real, fake = rng.standard_normal((2, SHOWN))

        def look(mu, sd, jsd):
            """All that hangs on where the fakes are, for D as it is."""
            if sd not in floors:
                floors[sd] = np.log(4) - 2 * np.array([jsd(p, shares(m, sd)) for m in MUS])
            q, logits = shares(mu, sd), nnlab.predict(D, X[:, None])[:, 0].astype(float)
            return dict(
                mu=mu, sd=sd, q=normal(X, mu, sd), fake=mu + sd * fake, floor=floors[sd], learned=sigmoid.f(logits),
                best=sigmoid.f((np.square((X - mu) / sd) - np.square(X)) / 2 + np.log(sd)),
                least=float(np.log(4) - 2 * jsd(p, q)), loss=expected_loss(p, q, logits))

        now = dict(mu=mu, sd=sd, jsd=jsd)
        for step in range(MOST + 1):
            if step:
                x = np.concatenate([rng.normal(0, 1, BATCH), rng.normal(now["mu"], now["sd"], BATCH)])[:, None]
                is_real = (np.arange(2 * BATCH) < BATCH)[:, None]
                loss = 2 * binary_cross_entropy_with_logits(D(x), is_real)
                adam.zero_grad()
                loss.backward()
                adam.step()
            now = yield dict(step=step, p=normal(X, 0, 1), real=real, look=look, **look(**now))

    def draw(self, view, r):
        style, top, answer, loss = view.style, view["densities"], view["answer"], view["loss"]
        high = 1.75 if r.sd < 0.5 else 1.05
        top.frame(xlim=(-5, 5), ylim=(-0.13 * high, high), ticks=True, yticks={0: "0"}, title="Real and fake")
        for name, curve, points, color in (("p", r.p, r.real, style.positive), ("q", r.q, r.fake, style.negative)):
            strokes = np.stack([np.stack([X, X], 1), np.stack([0 * X, curve], 1)], 2)[60:-60:2]
            top.segments(f"{name} body", strokes, colors=[color] * len(strokes), widths=[0.7] * len(strokes))
            top.line(name, X, curve, color=color, width=2.4)
            top.points(f"{name} points", points, np.full(SHOWN, -0.05 * high if name == "p" else -0.095 * high),
                       kind=int(name == "p"), size=4.5)
        top.text("p name", 0.02, 0.92, "● real: the density p", inside=True, color=style.positive, still=True)
        top.text("q name", 0.98, 0.92, "▲ fake: the density q", inside=True, ha="right", color=style.negative,
                 still=True)
        answer.frame(xlim=(-5, 5), ylim=(-0.04, 1.04), x="x", grid=True, yticks={0: "0", 0.5: "0.5", 1: "1"},
                     title="D(x). Grey: the best. Green: a net that learns")
        answer.line("best", X, r.best, color=style.faint, width=5.5, alpha=0.55)
        answer.line("learned", X, r.learned, color=style.accent, width=2.4)
        loss.frame(xlim=(-4, 4), ylim=(-0.05, 2.3), x="mean of the fakes", y="loss of D", grid=True,
                   title="What D pays. Grey: the best one")
        if not self.asking:
            loss.line("nobody", [-4, 4], [np.log(4)] * 2, color=style.faint, width=1.2, dash=":")
            loss.text("nobody name", -3.9, np.log(4) + 0.02, "2 ln 2", color=style.faint, va="bottom", still=True)
            loss.line("floor", MUS, r.floor, color=style.faint, width=5.5, alpha=0.55)
        loss.line("excess", [r.mu, r.mu], [r.least, min(r.loss, 2.3)], color=style.accent, width=2, dash=":")
        loss.points("now", [r.mu], [min(r.loss, 2.25)], marker="o", color=style.accent, size=11)

    def tell(self, r):
        shown = np.maximum(r.p, r.q) > 0.01
        return (f"Fakes of mean {r.mu:.1f} and deviation {r.sd:.1f} beside data of mean 0 and deviation 1. The best "
                f"discriminator answers from {r.best[shown].min():.2f} to {r.best[shown].max():.2f}.",
                {"step": str(r.step), "its loss": f"{r.loss:.3f}", "the least possible": f"{r.least:.3f}",
                 "farthest from the best": f"{np.abs(r.learned - r.best)[r.p + r.q > 0.01].max():.3f}"})
