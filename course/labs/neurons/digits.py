"""Lab 1g. A neuron reads digits.

Its 64 weights, trained to tell two handwritten digits apart, are a picture one can look at.
"""

import numpy as np

import nnlab
from course.labs.controls import Choice, Slider
from course.labs.lab import Lab
from course.labs.predict import Question
from nnlab.functional import binary_cross_entropy_with_logits, sigmoid

STEPS = 200
PAIRS = {"0 or 1": (0, 1), "3 or 8": (3, 8), "4 or 9": (4, 9), "1 or 7": (1, 7), "5 or 6": (5, 6)}


def two_digits(part, zero, one):
    """The digits `zero` (labelled 0) and `one` (labelled 1) of a part of the data. -> X: (N, 64), y: (N,)"""
    X, y = nnlab.data.digits(part)
    keep = (y == zero) | (y == one)
    return X[keep], (y[keep] == one).astype(int)


def _doubled(least, values):
    """`least`, doubled until no value is beyond: limits that seldom change, for that repaints all that stands still."""
    return least * 2.0 ** np.ceil(np.log2(max(np.abs(values).max() / least, 1.0)))


class NeuronReadsDigits(Lab):
    """One neuron with 64 inputs learns by gradient descent to tell two digits apart; its weights are a picture."""

    id, title = "1g", "A neuron that reads digits"
    controls = dict(
        pair=Choice(tuple(PAIRS), "0 or 1", "which digits"),
        lr=Slider(0.001, 100.0, 0.5, 0.1, "learning rate", log=True, live=True),
        example=Slider(0, 60, 0, 1, "look at digit", live=True),
    )
    question = Question(
        "A neuron learns to say 1 for a handwritten one and 0 for a zero. Where will its weights be most negative?",
        ("In the corners of the picture", "Where the ring of the zero runs", "Where the stroke of the one runs",
         "Everywhere the same"),
        "Where the ring of the zero runs",
        "Ink on the ring speaks against a one, ink in the middle speaks for it: the weights are a template. At the "
        "left edge there is never any ink, so nothing ever moves those weights.",
    )
    panels = (("weights", "digit", "product"), ("spread", "spread", "spread"))
    size, per_frame, grid = (760, 460), 2, dict(height_ratios=(1.7, 1))

    @staticmethod
    def train(pair, lr, example):
        zero, one = PAIRS[pair]
        (X, y), (X_new, y_new) = two_digits("train", zero, one), two_digits("validation", zero, one)
        neuron = nnlab.Neuron(64, activation=None, rng=0)
        neuron.weight.data = np.zeros(64)
        optimizer = nnlab.SGD(neuron.parameters(), lr=lr)

        def state(step, loss, example):
            w = neuron.weight.data.copy()
            z = X_new @ w + neuron.bias.item()

            def look(example, **_):
                this = example % len(X_new)
                return dict(x=X_new[this], label=int(y_new[this]), z_example=float(z[this]))

            return dict(w=w, z=z, y=y_new, accuracy=float(((z > 0) == y_new).mean()), step=step, loss=loss,
                        digits=(zero, one), look=look, **look(example))

        now = yield state(0, float(np.log(2)), example)
        optimizer.lr = now["lr"]
        for step in nnlab.fit_steps(neuron, X, y, binary_cross_entropy_with_logits, optimizer, epochs=STEPS):
            now = yield state(step.step, step.loss, now["example"])
            optimizer.lr = now["lr"]

    def draw(self, view, r):
        style = view.style
        top, reach = _doubled(0.5, r.w), _doubled(2.0, r.z)
        names = {"weights": f"weights w, up to ±{top:g}", "digit": f"a digit x, label {r.digits[r.label]}",
                 "product": "w · x, each pixel"}
        for name, title in names.items():
            view[name].frame(ticks=False, aspect="equal", title=title, xlim=(-0.5, 7.5), ylim=(-0.5, 7.5))
        view["weights"].image("w", r.w.reshape(8, 8)[::-1], (-0.5, 7.5, -0.5, 7.5), vmin=-top, vmax=top)
        view["digit"].image("x", r.x.reshape(8, 8)[::-1], (-0.5, 7.5, -0.5, 7.5), cmap=style.grey)
        view["product"].image("wx", (r.w * r.x).reshape(8, 8)[::-1], (-0.5, 7.5, -0.5, 7.5), vmin=-top, vmax=top)
        panel = view["spread"]
        panel.frame(xlim=(-reach, reach), ylim=(-0.6, 1.6), yticks=dict(enumerate(r.digits)),
                    x="the neuron's sum z for each digit it has not learned from",
                    title=f"Answers on held-out digits: left of 0 it says {r.digits[0]}, right of it {r.digits[1]}")
        panel.line("border", [0, 0], [-1, 2], color=style.faint, width=1, dash=":")
        height = r.y + 0.5 * (np.random.default_rng(0).random(len(r.y)) - 0.5)
        panel.classes("digits", np.stack([r.z, height], 1), r.y, size=5.5, alpha=0.75)
        panel.line("example", [r.z_example] * 2, [r.label - 0.5, r.label + 0.5], color=style.accent, width=2.5)

    def tell(self, r):
        return (f"A neuron's 64 weights as a picture, trained to tell {r.digits[0]} from {r.digits[1]}.",
                {"step": str(r.step), "loss": f"{r.loss:.3f}", "validation accuracy": f"{r.accuracy:.3f}",
                 f"this {r.digits[r.label]}": f"z = {r.z_example:.2f}, so p({r.digits[1]}) = "
                                              f"{sigmoid.f(np.float64(r.z_example)):.2f}"})
