"""Lab 9b. Why the root of d: products of longer vectors spread wider, softmax picks one key, and its slope dies."""

from functools import cache
from math import log, sqrt

import numpy as np

from course.labs.controls import Slider, Toggle
from course.labs.lab import Lab
from course.labs.predict import Question
from nnlab import functional as F

DIMS = np.unique(np.round(np.geomspace(2, 1024, 28)).astype(int))
SETS, QUERIES, MOST = 12, 40, 64


@cache
def vectors():
    """Random queries (SETS, QUERIES, 1024) and keys (SETS, 64, 1024), every number from N(0, 1)."""
    rng = np.random.default_rng(0)
    return tuple(rng.standard_normal((SETS, n, 1024), np.float32) for n in (QUERIES, MOST))


@cache
def products(d):
    """q . k of the first d numbers of each: (SETS, QUERIES, MOST)"""
    q, k = vectors()
    return q[..., :d] @ k[..., :d].swapaxes(1, 2)


def sharpness(scores):
    """Of scores (..., n): mean entropy of softmax as a share of ln n, its largest weight, its slope sum p (1 - p)."""
    p = F.softmax(scores).data
    entropy = -(p * np.log(np.maximum(p, 1e-30))).sum(-1).mean() / log(scores.shape[-1])
    return float(entropy), float(p.max(-1).mean()), float((p * (1 - p)).sum(-1).mean())


@cache
def curves(n, scaled):
    """`sharpness` for each of DIMS: (len(DIMS), 3)"""
    return np.array([sharpness(products(int(d))[..., :n] / (sqrt(d) if scaled else 1)) for d in DIMS])


class WhyTheRoot(Lab):
    """Scores of random queries on random keys, and what softmax makes of them, for vectors of 2 to 1,024 numbers."""

    id, title = "9b", "Why the root of d"
    controls = dict(
        d=Slider(2.0, 1024.0, 64.0, 0.0301, "size d", log=True),
        n=Slider(4, MOST, 16, 4, "keys"),
        scaled=Toggle(True, "divide by the root of d"),
    )
    question = Question(
        "A query looks at 16 keys; all are random vectors of d = 256 numbers, and nothing is divided. How much weight "
        "does the best key get, on the average?",
        ("1/16 = 0.06", "about 0.25", "about 0.6", "about 0.9"),
        "about 0.9",
        "A product of 256 random pairs has a standard deviation of 16, and e to the power of such numbers differs by "
        "factors of millions: one key takes all. Divided by 16 it is about 0.25, at every d.",
    )
    panels, size, grid = (("scores", "entropy"), ("weights", "slope")), (760, 460), dict(width_ratios=(1.15, 1))

    @staticmethod
    def compute(d, n, scaled):
        d, n = round(float(d)), int(n)
        scores = products(d)[..., :n] / (np.float32(sqrt(d)) if scaled else 1)
        return dict(d=d, n=n, scaled=scaled, scores=scores, now=sharpness(scores), spread=float(scores.std()),
                    one=np.sort(F.softmax(scores[0, 0]).data)[::-1], curves={s: curves(n, s) for s in (False, True)})

    def draw(self, view, r):
        style, panel, bars = view.style, view["scores"], view["weights"]
        reach = 100
        panel.frame(xlim=(-reach, reach), ylim=(0, 1.12), x="score  q · k" + " / √d" * r.scaled, yticks={},
                    title=f"Scores: they spread by {r.spread:.1f}")
        edges = np.linspace(-reach, reach, 101)
        counts = np.histogram(r.scores, edges)[0]
        middles = (edges[1:] + edges[:-1]) / 2
        panel.bars("counts", middles, counts / max(counts.max(), 1), width=2, colors=[style.positive] * 100)
        bars.frame(xlim=(-0.6, r.n - 0.4), ylim=(0, 1.05), x="keys, the best first",
                   yticks={0: "0", 0.5: "0.5", 1: "1"}, title="One query's weights")
        bars.bars("weights", np.arange(r.n), r.one, colors=[style.accent] * r.n)
        for name, column, title in (("entropy", 0, "How even the weights are (1: all alike)"),
                                    ("slope", 2, "What softmax lets through backwards")):
            panel = view[name]
            panel.frame(xlim=(2, 1024), ylim=(0, 1.05), xscale="log", x="d" if name == "slope" else "", grid=True,
                        xticks={2: 2, 8: 8, 32: 32, 128: 128, 512: 512}, title=title)
            for scaled in {r.scaled, True}:  # what is asked before is not shown before
                panel.line(f"scaled{scaled}", DIMS, r.curves[scaled][:, column],
                           width=2.6 if scaled == r.scaled else 1.4, color=style.positive if scaled else style.negative)
            panel.points("now", [r.d], [r.now[column]], marker="o", size=9, color=style.ink)
        view["entropy"].text("divided", 0.97, 0.72, "divided by √d", inside=True, ha="right", color=style.positive,
                             size=9, still=True)
        if not r.scaled:
            view["entropy"].text("not", 0.97, 0.33, "not divided", inside=True, ha="right", color=style.negative,
                                 size=9, still=True)

    def tell(self, r):
        entropy, largest, slope = r.now
        how = f"divided by {sqrt(r.d):.1f}" if r.scaled else "as they are"
        return (f"Vectors of {r.d} numbers, scores {how}: the best of {r.n} keys gets {largest:.2f} of the weight.",
                {"spread of the scores": f"{r.spread:.2f}", "evenness": f"{entropy:.2f}",
                 "best weight": f"{largest:.2f}", "slope": f"{slope:.3f}"})
