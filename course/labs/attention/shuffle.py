"""Lab 9f. The shuffle test: without places, attention answers a shuffled sentence with its old answers, shuffled."""

import numpy as np

import nnlab
from course.labs.controls import Slider, Toggle
from course.labs.lab import Lab
from course.labs.predict import Question
from nnlab.functional import sinusoidal_positions

WORDS = ("dog", "bites", "man", "in", "old", "town")
DIM = 12


def block():
    """A transformer block as it starts out, with weights twice as large: so what it looks at shows."""
    made = nnlab.TransformerBlock(DIM, 3, dtype=np.float64, rng=3)
    for name, p in made.named_parameters():
        if "attention" in name and p.ndim == 2:
            p.data = 2 * p.data
    return made


def outputs(order, places):
    """What the block makes of the words in this order: (6, DIM)"""
    words = np.random.default_rng(1).normal(size=(len(WORDS), DIM))
    x = words[order] + (sinusoidal_positions(len(WORDS), DIM, dtype=float) if places else 0)
    return nnlab.predict(block(), x[None])[0]


class ShuffleTest(Lab):
    """The outputs for six words, for the same words shuffled, and the difference word by word."""

    id, title = "9f", "The shuffle test"
    controls = dict(
        shuffle=Slider(0, 30, 0, 1, "other order"),
        places=Toggle(False, "add the places"),
    )
    question = Question(
        "A transformer block reads “dog bites man in old town” without any word of the places. Then you shuffle the "
        "words. What happens to its outputs?",
        ("They stay as they are", "The same outputs, shuffled in the same way", "All of them change",
         "Only those of the words that moved change"),
        "The same outputs, shuffled in the same way",
        "Attention adds up over all words, and a sum does not ask for an order. “man bites dog” and “dog bites man” "
        "are the same to it, until the places are added to the words.",
    )
    panels, size = (("before", "after", "difference"),), (760, 360)

    @staticmethod
    def compute(shuffle, places):
        order = np.random.default_rng(shuffle).permutation(len(WORDS)) if shuffle else np.arange(len(WORDS))
        before, after = outputs(np.arange(len(WORDS)), places), outputs(order, places)
        return dict(order=order, before=before, after=after, places=places, difference=np.abs(after - before[order]))

    def draw(self, view, r):
        style, n = view.style, len(WORDS)
        straight, shuffled = dict(enumerate(WORDS)), {i: WORDS[k] for i, k in enumerate(r.order)}
        for name, values, words, title in (
                ("before", r.before, straight, "Outputs, one row a word"),
                ("after", r.after, shuffled, "Words shuffled"),
                ("difference", r.difference, shuffled, "Each word's change")):
            panel = view[name]
            panel.frame(xlim=(-3.6, DIM - 0.4), ylim=(n + 0.3, -0.6), ticks=False, title=title)
            panel.image("rows", values[::-1], (-0.5, DIM - 0.5, n - 0.5, -0.5), vmin=-2.5, vmax=2.5)
            for i in range(n):
                panel.text(f"word{i}", -0.8, i, words[i], ha="right", size=10)
        view["difference"].text("words", (DIM - 1) / 2, n - 0.1, "no change at all" if r.difference.max() < 1e-9 else
                                f"up to {r.difference.max():.2f}", ha="center", size=10,
                                color=style.accent if r.difference.max() < 1e-9 else style.negative, weight="bold")

    def tell(self, r):
        same = r.difference.max() < 1e-9
        return (f"Shuffled to “{' '.join(WORDS[k] for k in r.order)}”, "
                + ("every word gets its old output." if same else "words get other outputs than before."),
                {"places": "added" if r.places else "not added", "order": " ".join(WORDS[k] for k in r.order),
                 "largest change of a word's output": "none" if same else f"{r.difference.max():.2f}"})
