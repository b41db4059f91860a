"""Lab 9a. Attention is a dictionary that answers with a mean: each value counts as much as its key fits the query."""

from math import sqrt

import numpy as np

from course.labs.controls import Slider
from course.labs.lab import Lab
from course.labs.predict import Question
from nnlab import functional as F

LETTERS = "ABCDE"
KEYS = np.array([[1.5, 0.5], [0.2, 1.6], [-1.5, 0.6], [-0.9, -1.4], [1.1, -1.3]])
VALUES = np.array([[-1.4, -1.2], [1.6, -0.9], [0.1, 0.2], [1.0, 1.5], [-1.3, 1.1]])
SIDE = 2.35


def attention(Q, K, V, mask=None):
    """softmax(Q K^T / sqrt(d)) V. Q: (T_q, d), K: (T_k, d), V: (T_k, d_v), mask: (T_q, T_k) or None -> (T_q, d_v)"""
    return F.scaled_dot_product_attention(Q, K, V, mask).data


def hull(points):
    """The corners of the smallest convex polygon round the points (N, 2), in turn, the first once more at the end."""
    found = []
    for way in (1, -1):  # below from left to right, then above from right to left
        side = []
        for p in sorted(map(tuple, points), reverse=way < 0):
            while len(side) > 1 and not _left(side[-2], side[-1], p):
                side.pop()
            side.append(p)
        found += side[:-1]
    return np.array([*found, found[0]])


def _left(a, b, p):
    """Whether p lies to the left of the way from a to b."""
    return (b[0] - a[0]) * (p[1] - a[1]) > (b[1] - a[1]) * (p[0] - a[0])


class SoftDictionary(Lab):
    """A query, five keys, five values, and the answer. `use(attention)` runs the student's `attention(Q, K, V, mask)`.
    """

    id, title = "9a", "A soft dictionary"
    controls = dict(
        qx=Slider(-2.0, 2.0, 1.0, 0.1, "query, across"),
        qy=Slider(-2.0, 2.0, 0.0, 0.1, "query, up"),
        T=Slider(0.05, 5.0, 1.0, 0.019418, "temperature τ", log=True),  # 67 steps from 0.05 to 1
        ax=Slider(-2.0, 2.0, 1.5, 0.1, "key A, across"),
        ay=Slider(-2.0, 2.0, 0.5, 0.1, "key A, up"),
    )
    uses = dict(attention=(attention, lambda Q, K, V, mask: (len(Q), np.shape(V)[1]), "one answer for each query"))
    question = Question(
        "Five values are five points in the plane; a dashed line runs round them. With query, temperature and key A "
        "you move the answer. Can you get it outside that line?",
        ("Yes, with a query far away", "Yes, with a temperature near 0", "Yes, by moving key A", "No, never"),
        "No, never",
        "The weights are shares: none is negative, together they are 1. Such a mean of points lies between them, "
        "wherever the query points and whatever the keys are. At most it comes to rest on one of the values.",
        skippable=False,
    )
    panels, size, grid = (("keys", "weights", "values"),), (760, 345), dict(width_ratios=(1, 0.42, 1))

    @staticmethod
    def compute(qx, qy, T, ax, ay, attention):
        q, K = np.array([[qx, qy]]), np.array([[ax, ay], *KEYS[1:]])
        warmed = q * sqrt(2) / T  # attention divides by the root of d = 2; here T stands in its place
        weights = np.asarray(attention(warmed, K, np.eye(5), None), float)[0]  # the values (1, 0, 0, ...) pick them out
        answer = np.asarray(attention(warmed, K, VALUES, None), float)[0]
        return dict(q=q[0], K=K, T=float(T), scores=K @ q[0], weights=weights, answer=answer)

    def draw(self, view, r):
        style, keys, bars, values = view.style, view["keys"], view["weights"], view["values"]
        for panel, title in ((keys, "Keys, and the query (arrow)"), (values, "Values, and the answer (star)")):
            panel.frame(xlim=(-SIDE, SIDE), ylim=(-SIDE, SIDE), aspect="equal", title=title, xticks={}, yticks={})
        strength = np.clip(r.weights, 0, 1)
        keys.segments("fit", [[r.q, k] for k in r.K], colors=[style.positive] * 5, widths=0.2 + 7 * strength)
        keys.arrow("query", (0, 0), r.q, color=style.accent, width=2.8)
        keys.points("middle", [0], [0], marker="o", size=4, color=style.faint)
        bars.frame(xlim=(0, 1.45), ylim=(4.6, -0.6), ticks=False, title="Weights")
        outline = hull(VALUES)
        values.line("hull", *outline.T, color=style.faint, width=1.2, dash="--", z=1.5)
        values.segments("pull", [[v, r.answer] for v in VALUES], colors=[style.positive] * 5, widths=0.2 + 7 * strength)
        for i, letter in enumerate(LETTERS):
            for panel, at in ((keys, r.K[i]), (values, VALUES[i])):
                panel.points(f"at{i}", [at[0]], [at[1]], marker="o", size=19, color=style.background,
                             ring=style.ink)
                panel.text(f"letter{i}", *at, letter, ha="center", weight="bold", size=11)
            bars.line(f"bar{i}", [0.22, 0.22 + 0.8 * strength[i]], [i, i], color=style.positive,
                      width=17).set_solid_capstyle("butt")
            bars.text(f"name{i}", 0.02, i, letter, weight="bold", size=11, still=True)
            bars.text(f"share{i}", 0.27 + 0.8 * strength[i], i, f"{r.weights[i]:.2f}", size=10)
        values.points("answer", [r.answer[0]], [r.answer[1]], marker="*", size=19, color=style.accent,
                      ring=style.background, z=7)

    def tell(self, r):
        top = int(r.weights.argmax())
        words = f"The query fits key {LETTERS[top]} best, so the answer lies nearest to being value {LETTERS[top]}."
        if abs(r.weights.sum() - 1) > 0.005 or r.weights.min() < 0:
            words = f"These weights are no shares of 1, their sum is {r.weights.sum():.2f}: the answer is no mean."
        elif np.ptp(r.weights) < 0.02:
            words = "The query fits all keys alike: the answer is the plain mean of the values."
        elif r.weights[top] > 0.99:
            words = f"As in an ordinary dictionary: the answer is value {LETTERS[top]}, and nothing else counts."
        shares = ", ".join(f"{letter} {w:.2f}" for letter, w in zip(LETTERS, r.weights))
        return words, {"weights": shares, "largest": f"{r.weights[top]:.2f}",
                       "answer": f"({r.answer[0]:.2f}, {r.answer[1]:.2f})"}
