"""Lab 2g. Two questions, two outputs: a sigmoid for yes or no and a softmax for many classes, on the same digits.

Both learn by the same line, because both losses have the slope p - y: what the net says minus what it should say.
"""

import numpy as np

import nnlab
from course.labs.activations.softmax import softmax
from course.labs.controls import Choice, Slider
from course.labs.lab import Lab
from course.labs.predict import Question
from nnlab.functional import sigmoid as nnlab_sigmoid

STEPS = 300
QUESTIONS = {"Is it odd?": lambda y: y % 2 == 1, "Is it a 3?": lambda y: y == 3, "Is it 5 or more?": lambda y: y >= 5}
MANY = ("softmax", "ten sigmoids")


def sigmoid(z):
    """1 / (1 + e^-z), never overflowing. z: any shape -> the same."""
    return nnlab_sigmoid.f(z)


class TwoOutputs(Lab):
    """Linear layers learn two questions side by side. `use(sigmoid=..., softmax=...)` runs the student's."""

    id, title = "2g", "Two questions, two outputs"
    controls = dict(
        yes_no=Choice(tuple(QUESTIONS), "Is it odd?", "yes or no"),
        many=Choice(MANY, "softmax", "which digit"),
        lr=Slider(0.01, 10.0, 0.1, 0.1, "learning rate", log=True, live=True),
        example=Slider(0, 60, 2, 1, "look at digit", live=True),
    )
    uses = dict(sigmoid=(sigmoid, lambda z: z.shape, "one probability for each sum"),
                softmax=(softmax, lambda z: z.shape, "one probability for each score"))
    question = Question(
        "Ten output neurons answer “which digit?”. With a softmax their ten answers add up to 1. With a sigmoid on "
        "each of the ten instead, they add up to",
        ("always 1", "always more than 1", "always less than 1", "sometimes more, sometimes less than 1"),
        "sometimes more, sometimes less than 1",
        "Ten sigmoids are ten separate yes-or-no questions: none knows of the others. A softmax makes the ten compete "
        "for one whole. Use it where exactly one class is right, sigmoids where any number may be.",
    )
    panels = (("digit", "yes", "which"), ("accuracy", "accuracy", "accuracy"))
    size, per_frame, grid = (760, 470), 2, dict(height_ratios=(1.35, 1), width_ratios=(1.2, 0.6, 2.4))

    @staticmethod
    def train(yes_no, many, lr, example, sigmoid, softmax):
        (X, y), (X_new, y_new) = nnlab.data.digits("train"), nnlab.data.digits("validation")
        asked = QUESTIONS[yes_no]
        one_hot = np.eye(10)[y]
        # each layer with its bias as the weight of a 65th input that is always 1
        X, X_new = (np.c_[A, np.ones(len(A))].astype(float) for A in (X, X_new))
        w, W = np.zeros(65), np.zeros((65, 10))
        answer = softmax if many == "softmax" else sigmoid
        curve = []

        def state(example):
            p, P = sigmoid(X_new @ w), answer(X_new @ W)
            curve.append((((p > 0.5) == asked(y_new)).mean(), (P.argmax(1) == y_new).mean()))

            def look(example, **_):
                this = example % len(y_new)
                return dict(x=X_new[this, :64], label=int(y_new[this]), p=float(p[this]), P=P[this],
                            yes=bool(asked(y_new[this])))

            return dict(curve=np.array(curve), yes_no=yes_no, many=many, sums=(P.sum(1).min(), P.sum(1).max()),
                        look=look, **look(example))

        now = yield state(example)
        for _ in range(STEPS):
            w -= now["lr"] * X.T @ (sigmoid(X @ w) - asked(y)) / len(y)  # p - y, for one output
            W -= now["lr"] * X.T @ (answer(X @ W) - one_hot) / len(y)  # p - y, for ten
            now = yield state(now["example"])

    def draw(self, view, r):
        style = view.style
        view["digit"].frame(ticks=False, aspect="equal", title=f"a digit to read: {r.label}", xlim=(-0.5, 7.5),
                            ylim=(-0.5, 7.5))
        view["digit"].image("x", r.x.reshape(8, 8)[::-1], (-0.5, 7.5, -0.5, 7.5), cmap=style.grey)
        self._bars(view["yes"], style, np.array([r.p]), np.array([float(r.yes)]), {0: "p(yes)"}, r.yes_no)
        self._bars(view["which"], style, r.P, np.eye(10)[r.label], {i: str(i) for i in range(10)},
                   f"Which digit?  {r.many}")
        panel, steps = view["accuracy"], np.arange(len(r.curve))
        panel.frame(xlim=(0, STEPS), ylim=(0, 1.02), x="step", y="validation accuracy", grid=True)
        for i, (name, dash) in enumerate(((r.yes_no, "--"), ("Which digit?", "-"))):
            panel.line(f"curve{i}", steps, r.curve[:, i], color=style.ink, dash=dash, width=2)
            panel.text(f"name{i}", 0.99, 0.32 - 0.16 * i, f"{'– –' if i == 0 else '──'}  {name}", inside=True,
                       ha="right", color=style.faint, still=True)

    @staticmethod
    def _bars(panel, style, p, y, ticks, title):
        panel.frame(xlim=(-0.6, len(p) - 0.4), ylim=(0, 1.09), xticks=ticks, yticks={0: "0", 0.5: "0.5", 1: "1"},
                    title=title)
        colors = [style.positive if right or len(p) == 1 else style.negative for right in y]
        panel.bars("p", np.arange(len(p)), p, width=0.7, colors=colors)
        for i, right in enumerate(y):  # what it should say: a line at 0 or at 1
            panel.line(f"y{i}", [i - 0.42, i + 0.42], [right, right], color=style.ink, width=2.6, z=4)

    def tell(self, r):
        (odd, which), said = r.curve[-1], int(np.argmax(r.P))
        return (f"Shown a {r.label}, one net answers “{r.yes_no}” with p = {r.p:.2f}, the other says {said}; the level "
                "lines are what they should say.",
                {"step": str(len(r.curve) - 1), f"accuracy, {r.yes_no.lower()}": f"{odd:.3f}",
                 "accuracy, which digit": f"{which:.3f}", "its ten add up to": f"{r.P.sum():.2f}",
                 "over all digits": f"{r.sums[0]:.2f} to {r.sums[1]:.2f}"})
