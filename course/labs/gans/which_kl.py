"""Lab 8e. Which KL? One bump is fitted to two; what comes out hangs on which way the distance is measured.

Goodfellow, NIPS 2016 tutorial: Generative adversarial networks, section 3.2.5. Minka, Divergence measures and message
passing, 2005.
"""

from functools import cache

import numpy as np

from course.labs.controls import Choice, Slider
from course.labs.gans.judge import normal
from course.labs.lab import Lab
from course.labs.predict import Question

X = np.linspace(-9, 9, 361)
MUS, SDS = np.linspace(-3, 3, 49), np.linspace(0.3, 3, 37)
WIDTH = 0.6  # of each of the two bumps
DIRECTIONS = {"forward: KL(p ‖ q)": "forward", "reverse: KL(q ‖ p)": "reverse", "Jensen-Shannon": "js"}
TINY = 1e-300


def two_bumps(apart):
    """Half a bump at -apart, half at +apart, as shares of the places X."""
    p = normal(X, -apart, WIDTH) + normal(X, apart, WIDTH)
    return p / p.sum()


def distance(p, q, kind):
    """KL(p || q), KL(q || p) or JSD(p, q) in nats, along the last axis."""
    kl = lambda a, b: np.sum(a * (np.log(a + TINY) - np.log(b + TINY)), -1)
    if kind == "js":
        m = (p + q) / 2
        return (kl(p, m) + kl(q, m)) / 2
    return kl(p, q) if kind == "forward" else kl(q, p)


@cache
def landscape(apart, kind):
    """The distance for every mean and deviation of the grid. -> (len(SDS), len(MUS))"""
    p = two_bumps(apart)
    q = normal(X, MUS[None, :, None], SDS[:, None, None])
    return distance(p, q / q.sum(-1, keepdims=True), kind)


def best(apart, kind):
    """(mean, deviation, distance) of the lowest place of the landscape; of two equal ones that on the right."""
    table = landscape(apart, kind)
    i, j = np.argwhere(table <= table.min() + 1e-9)[-1]
    return float(MUS[j]), float(SDS[i]), float(table[i, j])


class WhichKL(Lab):
    """Two bumps, one bump fitted by hand, and the landscape of the chosen distance with its lowest places."""

    id, title = "8e", "Which KL?"
    controls = dict(
        kind=Choice(tuple(DIRECTIONS), "reverse: KL(q ‖ p)", "distance"),
        mu=Slider(-3.0, 3.0, 0.0, 0.1, "mean of q"),
        sd=Slider(0.3, 3.0, 1.0, 0.1, "deviation of q"),
        apart=Slider(0.0, 2.5, 2.0, 0.25, "bumps of p at ±"),
    )
    question = Question(
        "The data p are two bumps, at −2 and at 2. The model q can only be one bump. Which q has the smallest "
        "KL(q ‖ p), the one that asks where q's own samples fall?",
        ("a broad one between the two, over both", "a narrow one on one of the bumps", "a narrow one between the two"),
        "a narrow one on one of the bumps",
        "KL(q ‖ p) punishes q for putting samples where p has none, and so avoids the gap; what it leaves out costs "
        "little, ln 2. KL(p ‖ q) punishes the leaving out, and covers both.",
    )
    panels, size = (("bumps", "map"),), (780, 400)
    grid = dict(width_ratios=(1.1, 1))

    @staticmethod
    def compute(kind, mu, sd, apart):
        name, p = DIRECTIONS[kind], two_bumps(apart)
        q = normal(X, mu, sd)
        q = q / q.sum()
        return dict(kind=kind, name=name, mu=mu, sd=sd, p=p / (X[1] - X[0]), q=q / (X[1] - X[0]), apart=apart,
                    value=float(distance(p, q, name)), table=landscape(apart, name), best=best(apart, name))

    def draw(self, view, r):
        style, bumps, chart = view.style, view["bumps"], view["map"]
        mu, sd, _ = r.best
        bumps.frame(xlim=(-5, 5), ylim=(0, 0.9), x="x", yticks={0: "0"}, title="Two bumps, and one to fit them")
        bumps.line("p", X, r.p, color=style.positive, width=2.6)
        if not self.asking:
            bumps.line("best", X, normal(X, mu, sd), color=style.accent, width=1.8, dash="--")
        bumps.line("q", X, np.minimum(r.q, 2), color=style.negative, width=2.6)
        for name, height, words, color in (("p name", 0.94, "p, the data", style.positive),
                                           ("q name", 0.87, "q, yours", style.negative),
                                           ("best name", 0.8, "dashed: the best q", style.accent)):
            bumps.text(name, 0.02, height, words, inside=True, color=color, still=True)
        chart.frame(xlim=(-3, 3), ylim=(0.3, 3), x="mean of q", y="deviation of q",
                    title=f"{r.kind}: blue is near")
        chart.points("here", [r.mu], [r.sd], kind=0, marker="o", size=11)
        if self.asking:
            return
        far = np.sqrt(np.maximum(r.table, 0) / min(r.table.max(), 4.0))
        chart.image("map", 1 - 2 * far, (-3, 3, 0.3, 3), vmin=-1.2, vmax=1.2, smooth=True)
        chart.points("best", [mu], [sd], marker="*", color=style.accent, size=17)
        if abs(mu) > 0.2:
            chart.points("twin", [-mu], [sd], marker="*", color=style.accent, size=17)

    def tell(self, r):
        mu, sd, value = r.best
        if self.asking:
            return f"{r.kind} of your bump from the two bumps at ±{r.apart:.2f}.", {"yours": f"{r.value:.3f}"}
        return (f"{r.kind} of your bump from the two bumps at ±{r.apart:.2f}; the best has mean {abs(mu):.1f}"
                f"{' or minus that' if abs(mu) > 0.2 else ''} and deviation {sd:.1f}.",
                {"yours": f"{r.value:.3f}", "the best": f"{value:.3f}"})
