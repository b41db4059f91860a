"""Lab 6e. The cliff: 50 steps of a recurrent neuron make a wall in its loss; clipping keeps a step from being a throw.

The neuron is that of Pascanu, Mikolov and Bengio, On the difficulty of training recurrent neural networks, ICML 2013,
figure 6: z <- w sigmoid(z) + b, 50 times from 0.5; the loss is (sigmoid(z) - 0.7)^2.
"""

from functools import cache
from math import exp, hypot

import numpy as np

from course.labs.controls import Choice, Slider
from course.labs.lab import Lab
from course.labs.predict import Question

TIMES, FIRST, TARGET = 50, 0.5, 0.7
WAYS = ("off", "by norm", "by value")
STARTS = ((6.5, -3.0), (6.0, -2.0), (5.5, -2.0), (6.0, -2.5))
LIMITS, STEPS, FAR = (3.0, 8.0, -4.2, -0.8), 200, 1e3


def loss_and_gradient(w, b):
    """Forward through 50 times, and the derivative along with it. -> loss, dloss/dw, dloss/db"""
    z, dw, db = FIRST, 0.0, 0.0
    for _ in range(TIMES):
        s = 1 / (1 + exp(-z)) if z > -700 else 0.0
        slope = w * s * (1 - s)
        z, dw, db = w * s + b, s + slope * dw, 1 + slope * db
    s = 1 / (1 + exp(-z)) if z > -700 else 0.0
    outer = 2 * (s - TARGET) * s * (1 - s)
    return (s - TARGET) ** 2, outer * dw, outer * db


@cache
def surface():
    """-log10 of the loss on a grid, the height of the picture. -> (101, 151)"""
    w, b = np.meshgrid(np.linspace(*LIMITS[:2], 151), np.linspace(*LIMITS[2:], 101))
    z = np.full(w.shape, FIRST)
    for _ in range(TIMES):
        z = w / (1 + np.exp(-z)) + b
    return -np.log10(np.maximum((1 / (1 + np.exp(-z)) - TARGET) ** 2, 1e-5))


def clip_by_norm(gradients, max_norm):
    """All arrays times the same number, so that their common length is at most max_norm. -> a list of arrays"""
    norm = np.sqrt(sum(float((g**2).sum()) for g in gradients))
    return [g * min(1.0, max_norm / norm) if norm else g for g in gradients]


def descend(start, lr, way, threshold, clip=clip_by_norm, steps=STEPS):
    """Gradient descent from `start`. -> path (n + 1, 2), gradients and what was made of them (n, 2), losses (n + 1,)"""
    point, path, gradients, used, losses = start, [start], [], [], []
    for _ in range(steps):
        height, *g = loss_and_gradient(*point)
        step = g
        if way == "by norm":
            step = [float(part[0]) for part in clip([np.array(g[:1]), np.array(g[1:])], threshold)]
        elif way == "by value":
            step = [min(max(part, -threshold), threshold) for part in g]
        point = (point[0] - lr * step[0], point[1] - lr * step[1])
        for values, new in ((path, point), (gradients, g), (used, step), (losses, height)):
            values.append(new)
        if max(map(abs, point)) > FAR:
            break
    return np.array(path), np.array(gradients), np.array(used), np.array([*losses, loss_and_gradient(*point)[0]])


def angle(a, b):
    """Degrees between two vectors."""
    lengths = hypot(*a) * hypot(*b)
    return float(np.degrees(np.arccos(np.clip(np.dot(a, b) / lengths, -1, 1)))) if lengths else 0.0


class Cliff(Lab):
    """Gradient descent along a cliff, with the gradient clipped or not. `use(clip_by_norm)` runs the student's."""

    id, title = "6e", "The cliff"
    controls = dict(
        way=Choice(WAYS, "off", "clip the gradient"),
        threshold=Slider(0.05, 5.0, 0.5, 0.05, "to at most c", log=True),
        lr=Slider(0.05, 1.0, 0.3, 0.01, "learning rate"),
        start=Slider(0, len(STARTS) - 1, 0, 1, "other start"),
    )
    uses = dict(clip_by_norm=(clip_by_norm, lambda gradients, max_norm: [g.shape for g in gradients],
                              "one for each gradient, of its shape"))
    question = Question(
        "A gradient of two numbers is too long. Clip it by norm: make it shorter as a whole. Or by value: cut each "
        "number off at c. Which of the two changes the direction of the step?",
        ("by norm", "by value", "both", "neither"),
        "by value",
        "By norm all numbers are multiplied by the same factor: the arrow is shorter and points where it did. By value "
        "the long number is cut and the short one is not, so the arrow turns towards the diagonal.",
    )
    panels, size = (("plane", "compass"), ("plane", "norms")), (760, 460)
    grid = dict(width_ratios=(1.7, 1))

    @staticmethod
    def compute(way, threshold, lr, start, clip_by_norm):
        path, gradients, used, losses = descend(STARTS[start], lr, way, threshold, clip_by_norm)
        norms = np.hypot(*gradients.T)
        worst = int(norms.argmax())
        return dict(path=path, losses=losses, norms=norms, used=np.hypot(*used.T), way=way, c=threshold, worst=worst,
                    gradient=gradients[worst], step=used[worst], turned=angle(gradients[worst], used[worst]),
                    surface=surface())

    def draw(self, view, r):
        style, plane, compass, panel = view.style, view["plane"], view["compass"], view["norms"]
        w0, w1, b0, b1 = LIMITS
        inside = (r.path[:, 0] > w0) & (r.path[:, 0] < w1) & (r.path[:, 1] > b0) & (r.path[:, 1] < b1)
        plane.frame(xlim=(w0, w1), ylim=(b0, b1), x="w", y="b",
                    title="The loss: the bluer, the lower" + ("" if inside.all() else ". Thrown out of the picture!"))
        plane.image("surface", r.surface, LIMITS, vmin=-0.9, vmax=2.3, smooth=True)
        shown = np.clip(r.path, (w0 - 9, b0 - 9), (w1 + 9, b1 + 9))
        plane.line("path", *shown.T, color=style.ink, width=1.1, marker="o", size=3)
        plane.points("start", *r.path[:1].T, marker="s", color=style.accent, size=9, ring=style.ink)
        if inside[-1]:
            plane.points("end", *r.path[-1:].T, marker="*", color=style.accent, size=15, ring=style.ink)
        thrown = r.path[r.worst]
        plane.points("worst", *thrown[:, None], marker="o", color="none", size=12, ring=style.negative
                     ).set(markeredgewidth=2)
        self._compass(compass, r, style)
        steps = np.arange(len(r.norms))
        panel.frame(xlim=(0, STEPS), ylim=(1e-3, 3e3), yscale="log", x="step", grid=True,
                    title="Length of the gradient", yticks={1e-2: "0.01", 1: "1", 1e2: "100"})
        panel.line("norms", steps, np.clip(r.norms, 1e-4, 1e4), color=style.negative, width=1.6)
        if r.way != "off":
            panel.line("used", steps, np.clip(r.used, 1e-4, 1e4), color=style.positive, width=2.4)
            panel.line("c", [0, STEPS], [r.c, r.c], color=style.faint, width=1.2, dash="--")
        panel.points("worst", [r.worst], r.norms[r.worst:r.worst + 1], marker="o", color="none", size=11,
                     ring=style.negative).set(markeredgewidth=2)

    @staticmethod
    def _compass(panel, r, style):
        reach = 2.4
        panel.frame(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal", xticks={-1: "-c", 0: "0", 1: "c"},
                    yticks={-1: "-c", 0: "0", 1: "c"}, title=f"The longest, at step {r.worst}")
        around = np.linspace(0, 2 * np.pi, 73)
        if r.way == "by norm":
            panel.line("limit", np.cos(around), np.sin(around), color=style.faint, width=1.2, dash="--")
        elif r.way == "by value":
            panel.line("limit", [-1, 1, 1, -1, -1], [-1, -1, 1, 1, -1], color=style.faint, width=1.2, dash="--")
        raw, step = -r.gradient / r.c, -r.step / r.c
        panel.line("raw", [0, raw[0]], [0, raw[1]], color=style.negative, width=2)
        if r.way != "off":
            panel.arrow("step", (0, 0), step, color=style.positive, width=3.2)
        free = ("bottom", 0.03) if step[1] > 0 else ("top", 0.97)  # where the arrow does not point
        panel.text("words", 0.03, free[1], f"{r.norms[r.worst]:.3g} long" + (
            f", turned by {r.turned:.0f}°" if r.way != "off" else ""), inside=True, va=free[0], size=9.5, box=True)

    def tell(self, r):
        end = r.path[-1]
        clipped = "without clipping" if r.way == "off" else f"clipped {r.way} to {r.c:.2g}"
        out = not (LIMITS[0] < end[0] < LIMITS[1] and LIMITS[2] < end[1] < LIMITS[3])
        words = f"Gradient descent {clipped}" + (
            f" is thrown out of the picture, to w = {end[0]:.1f}, b = {end[1]:.1f}." if out else " stays in sight.")
        return words, {"longest gradient": f"{r.norms[r.worst]:.3g}", "longest step used": f"{r.used.max():.3g}",
                       "turned by": f"{r.turned:.0f}°", "lowest loss": f"{r.losses.min():.2g}",
                       "loss at the end": f"{r.losses[-1]:.2g}"}
