"""Lab 5b. Memorise nonsense: a net large enough fits labels that were drawn by lot as well as it fits real ones.

Zhang, Bengio, Hardt, Recht and Vinyals, Understanding deep learning requires rethinking generalization, ICLR 2017.
"""

import numpy as np

import nnlab
from course.labs.controls import Slider
from course.labs.lab import Lab
from course.labs.predict import Question
from nnlab.functional import binary_cross_entropy_with_logits

N, INPUTS, STEPS = 256, 20, 200


def problem(share, seed, test=1000):
    """Points in 20 dimensions, labelled by which side of a plane they lie on; a `share` of those to learn from gets a
    label by lot. -> X, y, drawn: (256,) bool, T, t"""
    rng = np.random.default_rng(seed)
    points, plane = rng.standard_normal((N + test, INPUTS)).astype(np.float32), rng.standard_normal(INPUTS)
    label = (points @ plane > 0).astype(int)
    drawn = rng.permutation(N) < round(share * N)
    y = np.where(drawn, rng.integers(0, 2, N), label[:N])
    return points[:N], y, drawn, points[N:], label[N:]


def memoriser(width, seed):
    """The net and its optimizer: one hidden ReLU layer, Adam."""
    net = nnlab.MLP(INPUTS, width, 1, activation="relu", rng=seed)
    return net, nnlab.Adam(net.parameters(), lr=2e-3)


def fits_exactly(X, y, rng):
    """Zhang's theorem 1: a ReLU net of n hidden neurons that share their d input weights gives n points any labels y,
    with 2n + d numbers in all. -> the net's answers at X, computed as that net computes them"""
    along = X @ rng.standard_normal(X.shape[1])  # all hidden neurons look along one direction
    order = np.argsort(along)
    biases = np.empty(len(y))
    biases[0], biases[1:] = along[order[0]] - 1, (along[order[1:]] + along[order[:-1]]) / 2
    hidden = np.maximum(along[:, None] - biases, 0)  # sorted, a triangle: each point has one neuron more
    weights = np.linalg.solve(hidden[order], y[order])
    return hidden @ weights


class Memorise(Lab):
    """Training on labels of which a share is drawn by lot: accuracy, and how sure the net is of each example."""

    id, title = "5b", "Memorise nonsense"
    controls = dict(
        share=Slider(0.0, 1.0, 0.0, 0.1, "random labels"),
        width=Slider(8, 1024, 512, 8, "hidden neurons"),
        seed=Slider(0, 20, 0, 1, "other points"),
    )
    question = Question(
        "All 256 labels are drawn by lot: there is nothing to learn. What accuracy does a net of 512 hidden neurons "
        "reach on the examples it learns from?",
        ("50 %: there is nothing to learn", "about 75 %", "100 %"),
        "100 %",
        "It learns every one of them by heart, in two or three times the steps that true labels take. On new "
        "points it is at 50 %, of course. So a perfect training score proves nothing at all.",
    )
    panels, size, per_frame = (("curves", "examples"),), (760, 400), 2
    grid = dict(width_ratios=(1, 1))

    @staticmethod
    def train(share, width, seed):
        X, y, drawn, T, t = problem(share, seed)
        net, adam = memoriser(width, seed)
        own, new, whole = [], [], None

        def state():
            nonlocal whole
            with nnlab.no_grad():
                z, z_new = net(X).data[:, 0], net(T).data[:, 0]
            own.append(float(((z > 0) == y).mean()))
            new.append(float(((z_new > 0) == t).mean()))
            whole = len(own) - 1 if whole is None and own[-1] == 1 else whole
            return dict(own=tuple(own), new=tuple(new), whole=whole, drawn=drawn, sure=z * (2 * y - 1), share=share,
                        width=width)

        yield state()
        for _ in nnlab.fit_steps(net, X, y, binary_cross_entropy_with_logits, adam, epochs=STEPS):
            yield state()

    def draw(self, view, r):
        style, curves, panel = view.style, view["curves"], view["examples"]
        curves.frame(xlim=(0, STEPS), ylim=(0.3, 1.03), x="step", y="accuracy", grid=True,
                     title=f"{r.share:.0%} of the labels drawn by lot")
        curves.line("chance", [0, STEPS], [0.5, 0.5], color=style.faint, width=1, dash=":")
        steps = np.arange(len(r.own))
        curves.line("own", steps, r.own, color=style.negative, width=2.6)
        curves.line("new", steps, r.new, color=style.positive, width=2.6)
        curves.text("own name", 0.97, 0.14, "orange: the 256 it learns from", inside=True, ha="right",
                    color=style.negative, still=True)
        curves.text("new name", 0.97, 0.06, "blue: 1000 new points", inside=True, ha="right", color=style.positive,
                    still=True)
        if r.whole is not None:
            curves.points("whole", [r.whole], [1], kind=0, size=11)
        panel.frame(xlim=(-6, 10), ylim=(-0.6, 1.6), yticks={0: "drawn\nby lot", 1: "true\nlabel"},
                    x="left of 0 it says the other label",
                    title="How sure the net is of each label")
        panel.line("border", [0, 0], [-1, 2], color=style.faint, width=1, dash=":")
        height = 0.7 * (np.random.default_rng(0).random(N) - 0.5)
        for kind, of in ((0, r.drawn), (1, ~r.drawn)):
            panel.points(f"sure{kind}", r.sure[of].clip(-5.9, 9.9), kind + height[of], kind=kind, size=5, alpha=0.8)

    def tell(self, r):
        when = f"All 256 are right since step {r.whole}." if r.whole is not None else "It does not have all right yet."
        learnt = f"{(r.sure[r.drawn] > 0).mean():.2f}" if r.drawn.any() else "none there"
        return (f"A net of {r.width} hidden neurons learns 256 labels, {r.share:.0%} of them drawn by lot. {when}",
                {"step": str(len(r.own) - 1), "training accuracy": f"{r.own[-1]:.3f}",
                 "on new points": f"{r.new[-1]:.3f}", "drawn labels it repeats": learnt})
