"""Lab 0c. The chain rule: a nudge is stretched by each function on its way, and the stretchings multiply."""

import numpy as np

from course.labs.controls import Choice, Slider
from course.labs.lab import Lab
from course.labs.predict import Question

INNER = {"2x": (lambda x: 2 * x, lambda x: 2 + 0 * x), "x²": (np.square, lambda x: 2 * x),
         "sin 3x": (lambda x: np.sin(3 * x), lambda x: 3 * np.cos(3 * x))}
OUTER = {"−u": (np.negative, lambda u: -1 + 0 * u), "u/2": (lambda u: u / 2, lambda u: 0.5 + 0 * u),
         "sin 2u": (lambda u: np.sin(2 * u), lambda u: 2 * np.cos(2 * u))}


class ChainRule(Lab):
    """x goes through u = g(x) into y = f(u). A nudge of x travels along and is stretched twice."""

    id, title = "0c", "The chain rule multiplies"
    controls = dict(
        x=Slider(-1.4, 1.4, 0.6, 0.05, "x"),
        nudge=Slider(-0.4, 0.4, 0.2, 0.01, "nudge dx"),
        inner=Choice(tuple(INNER), "2x", "u = g(x)"),
        outer=Choice(tuple(OUTER), "−u", "y = f(u)"),
    )
    question = Question(
        "Per unit of x, u grows by 2. Per unit of u, y falls by 3. Nudge x by 0.1: y changes by",
        ("−0.6", "−0.1", "+0.5", "−6"),
        "−0.6",
        "The nudge is stretched by 2, then by −3: rates in a chain multiply, 0.1 · 2 · (−3). They are not added.",
    )
    panels, size = (("lines",),), (760, 380)

    @staticmethod
    def compute(x, nudge, inner, outer):
        (g, dg), (f, df) = INNER[inner], OUTER[outer]
        u = g(x)
        return dict(
            starts=(x, u, f(u)), ends=(x + nudge, g(x + nudge), f(g(x + nudge))), rates=(dg(x), df(u)),
            names=("x", f"u = {inner}", f"y = {outer}"), nudge=nudge,
        )

    def draw(self, view, r):
        panel, style = view["lines"], view.style
        panel.frame(xlim=(-5.6, 5.6), ylim=(-0.75, 4.75), ticks=False)
        heights = (4.0, 2.0, 0.0)
        ticks = [[(t, y - 0.08), (t, y + 0.08)] for y in heights for t in range(-3, 4)]
        panel.segments("axes", [[(-3.4, y), (3.4, y)] for y in heights] + ticks, colors=style.faint, widths=1.0)
        for i, (y, name) in enumerate(zip(heights, r.names, strict=True)):
            panel.text(f"name{i}", -3.65, y, name, size=12, ha="right", still=True)
            for t in range(-3, 4):
                panel.text(f"tick{i}{t}", t, y - 0.3, str(t), size=8, ha="center", color=style.faint, still=True)
            a, b = r.starts[i], r.ends[i]
            panel.line(f"change{i}", [a, b], [y, y], color=style.accent, width=7, z=4)
            panel.points(f"point{i}", [a], [y], color=style.ink, marker="o", size=9, z=5)
            panel.text(f"d{i}", 3.6, y, f"d{'xuy'[i]} = {b - a:+.3f}", size=11, color=style.accent)
            if i:
                above = heights[i - 1] - 0.42
                for end, values in enumerate((r.starts, r.ends)):
                    panel.line(f"way{i}{end}", [values[i - 1], values[i]], [above, y + 0.12], width=1.2,
                               color=style.faint, dash="-" if end == 0 else ":")
                panel.text(f"rate{i}", -5.4, (above + y) / 2, f"× {r.rates[i - 1]:.2f}", size=13, color=style.positive)

    def tell(self, r):
        rate, change = r.rates[0] * r.rates[1], r.ends[2] - r.starts[2]
        return (f"A nudge of {r.nudge:+.2f} at x = {r.starts[0]:.2f} changes y by {change:+.3f}; the chain rule says "
                f"{r.nudge * rate:+.3f}, exact only for a tiny nudge.",
                {"dy/dx": f"{r.rates[0]:.2f} × {r.rates[1]:.2f} = {rate:.2f}", "dy": f"{change:+.3f}",
                 "dy/dx · dx": f"{r.nudge * rate:+.3f}"})
