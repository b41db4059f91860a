"""Lab 0b. The derivative is the slope that the line through two near points comes to as the points come together."""

import numpy as np

from course.labs.controls import Choice, Slider
from course.labs.lab import Lab
from course.labs.predict import Question

CURVES = {  # f, its derivative, that in writing, and how low and high the picture reaches
    "x²": (lambda x: x**2, lambda x: 2 * x, "2x", (-3, 6)),
    "x³ − 2x": (lambda x: x**3 - 2 * x, lambda x: 3 * x**2 - 2, "3x² − 2", (-6, 8)),
    "sin x": (np.sin, np.cos, "cos x", (-2, 2)),
    "eˣ": (np.exp, np.exp, "eˣ", (-2, 10)),
    "|x|": (np.abs, np.sign, "the sign of x", (-2, 5)),
}


class Slope(Lab):
    """A curve, the line through two of its points, and the slope of that line as the second point comes nearer."""

    id, title = "0b", "The derivative is a slope"
    controls = dict(
        curve=Choice(tuple(CURVES), "x²"),
        x=Slider(-2.0, 2.0, 1.0, 0.1, "the point x"),
        h=Slider(1e-3, 2.0, 1.0, 0.05, "distance h", log=True),
    )
    question = Question(
        "f(x) = x². The line through the points at x = 1 and x = 1 + h has slope 2 + h. What is the derivative at 1?",
        ("1", "2", "3", "there is none, h may not be 0"),
        "2",
        "The derivative is what the slope comes to as h shrinks, and 2 + h comes to 2. Nobody ever divides by 0: "
        "h gets small, never 0.",
    )
    panels, size = (("curve", "slopes"),), (760, 380)
    grid = dict(width_ratios=(1.3, 1))

    @staticmethod
    def compute(curve, x, h):
        f, df, formula, ends = CURVES[curve]
        ticks = np.linspace(-3, 4, 241)
        near = np.geomspace(1e-3, 2, 60)
        slope = lambda h: (f(x + h) - f(x)) / h
        return dict(ticks=ticks, values=f(ticks), x=x, h=h, fx=f(x), fh=f(x + h), slope=slope(h), left=slope(-h),
                    near=near, slopes=slope(near), derivative=df(x), formula=formula, curve=curve, ends=ends,
                    kink=curve == "|x|" and abs(x) < 0.05)

    def draw(self, view, r):
        curve, slopes, style = view["curve"], view["slopes"], view.style
        curve.frame(xlim=(-3, 4), ylim=r.ends, grid=True, x="x", y="f(x)", title=f"f(x) = {r.curve}")
        curve.line("f", r.ticks, r.values, width=2.4)
        if not r.kink:
            curve.line("tangent", r.ticks, r.fx + r.derivative * (r.ticks - r.x), color=style.accent, dash="--")
        curve.line("secant", r.ticks, r.fx + r.slope * (r.ticks - r.x), color=style.negative)
        curve.line("rise", [r.x, r.x + r.h, r.x + r.h], [r.fx, r.fx, r.fh], color=style.faint, width=1.2)
        curve.points("ends", [r.x, r.x + r.h], [r.fx, r.fh], color=style.negative, marker="o", size=8)
        low, high = min(r.slopes.min(), r.left if r.kink else np.inf), r.slopes.max()
        slopes.frame(xlim=(1e-3, 2), ylim=(np.floor(low - 1), np.ceil(high + 1 + 0.2 * (high - low))), xscale="log",
                     grid=True, x="distance h", title="Slope of the line through both points")
        slopes.line("slopes", r.near, r.slopes, color=style.negative)
        slopes.points("now", [r.h], [r.slope], color=style.negative, marker="o", size=8)
        if r.kink:  # the same from the other side, which comes to something else
            curve.line("secant left", r.ticks, r.fx + r.left * (r.ticks - r.x), color=style.positive, dash="--")
            slopes.line("left", [1e-3, 2], [r.left] * 2, color=style.positive, dash="--")
            slopes.text("name right", 1.3e-3, r.slope + 0.15, "to the right", color=style.negative)
            slopes.text("name left", 1.3e-3, r.left + 0.15, "to the left", color=style.positive)
        else:
            slopes.line("derivative", [1e-3, 2], [r.derivative] * 2, color=style.accent, dash="--")
            slopes.text("name", 0.03, 0.93, f"derivative f′(x) = {r.formula} = {r.derivative:.2f}", color=style.accent,
                        inside=True)

    def tell(self, r):
        end = f"none here: a kink, slope {r.left:.0f} to the left" if r.kink else f"{r.derivative:.3f}"
        return (f"The line through the points at x = {r.x:.1f} and {r.h:.2g} further on has slope {r.slope:.3f}.",
                {"slope": f"{r.slope:.3f}", "derivative": end})
