"""Lab 2f. Which loss? The loss says what a mistake costs, its slope how hard the net is pushed to mend it."""

import numpy as np

from course.labs.controls import Choice, Slider
from course.labs.lab import Lab
from course.labs.predict import Question
from nnlab.functional import cross_entropy as nnlab_cross_entropy
from nnlab.functional import sigmoid

SIDE = 7.0
SCORES = np.linspace(-SIDE, SIDE, 141)
LOSSES = ("squared error of z", "squared error of σ(z)", "binary cross-entropy", "cross-entropy, 3 classes")
REST = np.array([-3.5, -2.0, -1.0, 0.5, 1.5, 2.0, 3.0, -3.0, 2.5, -0.5, 4.0, -4.5, 1.0, -1.5, 3.5])  # of a batch


def cross_entropy(logits, y):
    """(mean of -ln softmax(logits)[y], its slope in each logit). logits: (N, C), y: (N,) -> a number, (N, C)."""
    losses = nnlab_cross_entropy(logits, y, "none").data
    p = np.exp(logits - logits.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    return losses.mean(), (p - np.eye(logits.shape[1])[y]) / len(y)


def cost(kind, z, y, cross_entropy=cross_entropy):
    """(loss, slope in z) of each score z: (n,) with its target y, 0 or 1: (n,)."""
    if kind == LOSSES[0]:
        return (z - y) ** 2, 2 * (z - y)
    if kind == LOSSES[1]:
        p = sigmoid.f(z)
        return (p - y) ** 2, 2 * (p - y) * p * (1 - p)
    if kind == LOSSES[2]:
        return np.maximum(z, 0) - z * y + np.log1p(np.exp(-np.abs(z))), sigmoid.f(z) - y
    # z is the score of class 0 and the two others have 0. Target 1: class 0 is right, target 0: class 1 is.
    one_by_one = [cross_entropy(np.array([[score, 0.0, 0.0]]), np.array([1 - int(target)]))
                  for score, target in zip(z, y, strict=True)]
    return np.array([float(loss) for loss, _ in one_by_one]), np.array([slopes[0, 0] for _, slopes in one_by_one])


class WhichLoss(Lab):
    """A loss and its slope over the net's output z. `use(cross_entropy)` runs the student's on the three classes."""

    id, title = "2f", "Which loss?"
    controls = dict(
        z=Slider(-SIDE, SIDE, -4.0, 0.1, "output z"),
        target=Choice((1, 0), 1, "target y"),
        loss=Choice(LOSSES, LOSSES[1], "loss"),
        batch=Slider(1, 1 + len(REST), 1, 1, "batch size"),
    )
    uses = dict(cross_entropy=(cross_entropy, lambda logits, y: [(), logits.shape],
                               "the mean loss and its slope in each logit"))
    question = Question(
        "A net is confident and wrong: p = 0.001 for what is in truth a 1. Which loss pushes it harder to change its "
        "mind, the squared error (p − 1)² or the cross-entropy −ln p?",
        ("The squared error, a little", "Both the same", "Cross-entropy, about 10 times as hard",
         "Cross-entropy, about 500 times as hard"),
        "Cross-entropy, about 500 times as hard",
        "Its slope in z is p − 1 = −0.999. The squared error's slope has the sigmoid's own slope p(1 − p) as a factor, "
        "and that is 0.001 here: −0.002. The net is as wrong as can be, and hardly moves.",
    )
    panels, size = (("loss", "push"),), (760, 400)

    @staticmethod
    def compute(z, target, loss, batch, cross_entropy):
        scores = np.append(z, REST[: batch - 1])
        targets = np.append(target, (REST > 0)[: batch - 1]).astype(int)
        costs, slopes = cost(loss, scores, targets, cross_entropy)
        curves = {kind: cost(kind, SCORES, np.full(len(SCORES), target), cross_entropy)
                  for kind in ((LOSSES[1], LOSSES[2]) if loss in LOSSES[1:3] else (loss,))}
        return dict(scores=scores, targets=targets, costs=costs, slopes=slopes, curves=curves, kind=loss,
                    p=float(sigmoid.f(np.float64(z))), mean=float(costs.mean()), push=float(slopes[0] / batch))

    def draw(self, view, r):
        style, z = view.style, r.scores[0]
        top = 8.0 if r.kind != LOSSES[0] else 40.0
        reach = 1.15 if r.kind != LOSSES[0] else 14.0
        for name, i, limits, title, y in (("loss", 0, (-0.04 * top, top), "What the mistake costs", "loss"),
                                          ("push", 1, (-reach, reach), "How hard z is pushed", "slope of the loss")):
            panel = view[name]
            panel.frame(xlim=(-SIDE, SIDE), ylim=limits, title=title, x="the net's output z", y=y, grid=True)
            for kind, curve in r.curves.items():
                on = kind == r.kind
                panel.line(kind, SCORES, curve[i], color=style.ink if on else style.faint, width=2.4 if on else 1.2,
                           dash="-" if on else ":", z=3 if on else 2)
            if r.kind in LOSSES[1:3]:
                self._names(panel, i, r, style)
            panel.line("zero", [-SIDE, SIDE], [0, 0], color=style.faint, width=0.8, z=1)
            here = (r.costs, r.slopes)[i]
            if len(here) > 1:
                for one in (0, 1):
                    of = r.targets[1:] == one
                    panel.points(f"rest{one}", r.scores[1:][of], here[1:][of], kind=one, size=6, alpha=0.7)
            panel.points("this", [z], [here[0]], kind=int(r.targets[0]), size=12, z=5)
        panel = view["loss"]
        slope, dz = r.slopes[0], 1.0 / np.hypot(1, r.slopes[0] * 2 * SIDE / top)
        ends = np.array([-dz, dz])
        panel.line("tangent", z + ends, r.costs[0] + slope * ends, color=style.accent, width=3, z=4)
        if len(r.costs) > 1:
            panel.line("mean", [-SIDE, SIDE], [r.mean] * 2, color=style.accent, width=1.4, dash="--")
            panel.text("mean words", SIDE * 0.97, r.mean, "mean of the batch", ha="right", va="bottom", size=9,
                       color=style.accent)
        view["push"].line("push", [z, z], [0, r.slopes[0]], color=style.accent, width=3, z=4)

    @staticmethod
    def _names(panel, i, r, style):
        """The two curves' names beside them; for target 0 everything is mirrored."""
        way = 1 if r.targets[0] else -1
        squared, entropy = ((-5.8, 1.08), (-3.0, 3.35)) if i == 0 else ((-5.8, 0.03 * way), (0.7, -0.5 * way))
        for kind, (x, y) in zip(LOSSES[1:3], (squared, entropy), strict=True):
            on = kind == r.kind
            panel.text(kind + " name", way * x, y, kind.replace(" of σ(z)", "").replace("binary ", ""), size=9.5,
                       ha="left" if way > 0 else "right", va="bottom" if i == 0 or (y > 0) else "top", still=True,
                       color=style.ink if on else style.faint)

    def tell(self, r):
        n = len(r.costs)
        way = "up" if r.push < 0 else "down"
        words = f"{r.kind[0].upper()}{r.kind[1:]}, target {r.targets[0]}: a step downhill moves z {way}."
        numbers = {"σ(z)": f"{r.p:.4f}"} if r.kind in LOSSES[1:3] else {}
        numbers |= {"loss": f"{r.costs[0]:.3f}", "slope": f"{r.slopes[0]:.4f}"}
        mean = {f"mean of {n}": f"{r.mean:.3f}", "slope of the mean": f"{r.push:.4f}"} if n > 1 else {}
        return words, numbers | mean
