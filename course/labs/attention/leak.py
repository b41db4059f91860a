"""Lab 9c. The leak test: change one word and see which outputs move. A causal mask lets none before it move, not a bit.
"""

import numpy as np

from course.labs.attention.dictionary import attention
from course.labs.controls import Choice, Slider
from course.labs.lab import Lab
from course.labs.predict import Question
from nnlab.functional import sinusoidal_positions

WORDS = ("the", "cat", "sat", "on", "the", "mat")
OTHER = "dog"
T, D = len(WORDS), 8
MASKS = ("none", "causal", "off by one", "after softmax")


def embedded(words, seed=4):
    """Random vectors for words, the same for the same word, with their places added: (T, D)"""
    known = sorted({*WORDS, OTHER})
    table = np.random.default_rng(seed).normal(size=(len(known), D))
    return table[[known.index(word) for word in words]] + sinusoidal_positions(len(words), D, dtype=float)


def projections(seed=5):
    """What makes queries, keys and values of the words' vectors: three random matrices (D, D)."""
    return 0.55 * np.random.default_rng(seed).normal(size=(3, D, D))


def allowed(mask):
    """(T, T) booleans: may word i look at word j? None where it may look at all."""
    return {"none": None, "off by one": np.tri(T, T, 1, bool)}.get(mask, np.tri(T, dtype=bool))


def attend(X, mask, attention):
    """-> the weights (T, T) and the outputs (T, D) of a layer with this mask; the mistake among the masks included."""
    Q, K, V = X @ projections()
    if mask != "after softmax":
        see = allowed(mask)
        return (np.asarray(attention(Q, K, np.eye(T), see), float), np.asarray(attention(Q, K, V, see), float))
    weights = np.asarray(attention(Q, K, np.eye(T), None), float) * allowed(mask)  # too late
    return weights, weights @ V


class MaskAndLeak(Lab):
    """Weights of six words on each other under a mask, and how far each output moves when one word is replaced.
    `use(attention)` runs the student's."""

    id, title = "9c", "Mask and leak"
    controls = dict(
        mask=Choice(MASKS, "none", "mask"),
        j=Slider(1, T, T, 1, "change word"),
    )
    uses = dict(
        attention=(attention, lambda Q, K, V, mask: (len(Q), np.shape(V)[1]), "one output for each query"))
    question = Question(
        "Six words, and each may look at itself and at those before it only. You replace the last word. Which outputs "
        "move?",
        ("All six", "Only the last one", "The last one and its neighbour", "None"),
        "Only the last one",
        "Nobody before it may look at it, so nobody before it can know. And that is exact: not small, but the same to "
        "the last bit. Any other answer is a leak, and a net that is trained to predict the next word will find it.",
    )
    panels, size, grid = (("weights", "moved"),), (760, 390), dict(width_ratios=(1.38, 1))

    @staticmethod
    def compute(mask, j, attention):
        changed = [OTHER if i == j - 1 else word for i, word in enumerate(WORDS)]
        weights, before = attend(embedded(WORDS), mask, attention)
        _, after = attend(embedded(changed), mask, attention)
        return dict(weights=weights, sums=weights.sum(1), moved=np.abs(after - before).max(1), j=j - 1, mask=mask,
                    see=allowed(mask))

    def draw(self, view, r):
        style, panel, moved = view.style, view["weights"], view["moved"]
        panel.frame(xlim=(-0.5, T + 0.5), ylim=(T - 0.5, -0.5), xticks=dict(enumerate(WORDS)),
                    yticks=dict(enumerate(WORDS)), x="looks at", y="the word that looks", aspect="equal",
                    title="Who looks at whom, and the sum of each row")
        panel.image("weights", r.weights[::-1], (-0.5, T - 0.5, T - 0.5, -0.5), vmin=-0.7, vmax=0.7)
        for i in range(T):
            odd = abs(r.sums[i] - 1) > 0.005
            panel.text(f"sum{i}", T + 0.02, i, f"{r.sums[i]:.2f}", ha="center", size=9.5,
                       color=style.negative if odd else style.faint, weight="bold" if odd else "normal")
        outside = _cells(~np.tri(T, dtype=bool) & (r.weights > 1e-9))
        panel.line("future", *_stairs(), color=style.ink, width=1.4, z=4)
        panel.points("leaks", *outside, marker="x", color=style.negative, size=6, ring=style.negative)
        column = np.array([r.j - 0.5, r.j + 0.5, r.j + 0.5, r.j - 0.5, r.j - 0.5])
        panel.line("changed", column, [-0.46, -0.46, T - 0.54, T - 0.54, -0.46], color=style.accent, width=2.2, z=5)
        moved.frame(xlim=(0, 1.25), ylim=(T - 0.5, -0.5), yticks=dict(enumerate(WORDS)), xticks={},
                    title=f"Word {r.j + 1} is changed: what moves")
        top = max(r.moved.max(), 1e-300)
        for i in range(T):
            leak = bool(i < r.j and r.moved[i] > 0)
            color = style.negative if leak else style.positive
            share = 0.85 * r.moved[i] / top
            moved.line(f"bar{i}", [0, share], [i, i], color=color, width=20 * (share > 0)).set_solid_capstyle("butt")
            words = "exactly 0" if r.moved[i] == 0 else f"{r.moved[i]:.2g}" + "  leak!" * leak
            moved.text(f"words{i}", share + 0.02, i, words, color=color if leak else style.ink, size=9.5,
                       weight="bold" if leak else "normal")

    def tell(self, r):
        leaks = [WORDS[i] + f" ({i + 1})" for i in range(r.j) if r.moved[i] > 0]
        words = (f"Replacing word {r.j + 1} moves outputs before it: {', '.join(leaks)}. That is a leak." if leaks else
                 f"Replacing word {r.j + 1} leaves every output before it as it was, to the last bit.")
        if r.j == 0:
            words = "There is no word before the first: nothing can leak. Change a later one."
        return words, {"mask": r.mask, "outputs that move": f"{int((r.moved > 0).sum())} of {T}",
                       "sums of the rows": "all 1" if np.allclose(r.sums, 1) else
                       f"from {r.sums.min():.2f} to {r.sums.max():.2f}"}


def _cells(which):
    rows, columns = np.nonzero(which)
    return columns, rows


def _stairs():
    """The border between what lies in the past and what lies in the future."""
    steps = np.repeat(np.arange(T + 1), 2)
    return steps[1:] - 0.5, steps[:-1] - 0.5
