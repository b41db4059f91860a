"""Lab 2c. Softmax: three scores become probabilities, and where the exponentials run out of numbers."""

import numpy as np

from course.labs.controls import Choice, Slider, Toggle
from course.labs.lab import Lab
from course.labs.predict import Question

DTYPES = {"float32": np.float32, "float64": np.float64}
FAR = 4.5  # the axis of exponents ends at 10^4.5
ORDERS = (1, 10, 100, 1000, 10_000)


def softmax(z):
    """e^z_i / sum_j e^z_j along the last axis, the largest score subtracted first. z: (..., C) -> (..., C)."""
    e = np.exp(z - z.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def naive_softmax(z):
    """The formula as it stands. z: (..., C) -> (..., C)."""
    e = np.exp(z)
    return e / e.sum(-1, keepdims=True)


def limits(dtype):
    """(lowest, highest): e^x is 0 for an exponent x below the first, and infinite above the second."""
    numbers = np.finfo(dtype)
    least = float(np.log(np.float64(numbers.smallest_subnormal))) - np.log(2)  # half of it is rounded to 0
    return float(least), float(np.log(np.float64(numbers.max)))


def _along(x):
    """Where an exponent stands on an axis that gives every order of magnitude the same room."""
    return np.sign(x) * np.log10(1 + np.abs(x))


class Softmax(Lab):
    """Three scores, their exponentials and their probabilities. `use(softmax)` runs the student's `softmax(z)`."""

    id, title = "2c", "Softmax, its temperature, and its overflow"
    controls = dict(
        z1=Slider(-5.0, 5.0, 2.0, 0.1, "score z₁"),
        z2=Slider(-5.0, 5.0, 1.0, 0.1, "score z₂"),
        z3=Slider(-5.0, 5.0, -1.0, 0.1, "score z₃"),
        T=Slider(0.05, 10.0, 1.0, 0.05, "temperature T", log=True),
        c=Slider(-1000, 1000, 0, 10, "add to all: c"),
        dtype=Choice(tuple(DTYPES), "float32", "numbers"),
        stable=Toggle(False, "subtract the largest first"),
    )
    uses = dict(softmax=(softmax, lambda z: z.shape, "one probability for each score"))
    finite = False  # a softmax that overflows is what one looks for here
    question = Question(
        "Add 800 to all three scores. What happens to the probabilities: by the formula, and in a program that "
        "computes the formula as it stands?",
        ("They change in both", "They stay the same in both",
         "By the formula they stay the same; the program answers nan",
         "By the formula they stay the same; the program answers 1 for all"),
        "By the formula they stay the same; the program answers nan",
        "Every e^z is multiplied by the same e^800, which cancels. But e^800 is more than any float can hold: it "
        "becomes inf, and inf / inf is nan. Subtracting the largest score first gives the same fraction, in numbers "
        "that fit.",
        skippable=False,
    )
    panels, size = (("p", "slope"), ("exponent", "exponent")), (760, 480)
    grid = dict(width_ratios=(1.5, 1), height_ratios=(2.1, 1))

    @staticmethod
    def compute(z1, z2, z3, T, c, dtype, stable, softmax):
        z = (np.array([z1, z2, z3], DTYPES[dtype]) + DTYPES[dtype](c)) / DTYPES[dtype](T)
        yours = softmax is not Softmax.uses["softmax"][0]
        with np.errstate(all="ignore"):  # the overflow is the point
            p = np.asarray((softmax if stable or yours else naive_softmax)(z))
            slope = (np.diag(p) - np.outer(p, p)) / T
        p, trouble, ends = p.astype(float), "", limits(DTYPES[dtype])
        if yours:
            trouble = "nan" if np.isnan(p).any() else "inf" if np.isinf(p).any() else ""  # whatever the reason
        elif np.isnan(p).any():
            trouble = "inf / inf = nan" if z.max() > ends[1] else "0 / 0 = nan"
        elif p.sum() == 0:
            trouble = "e^z / inf = 0"  # each fits, their sum does not
        entropy = -sum(x * np.log(x) for x in p if x > 0)
        return dict(p=p, slope=slope, entropy=entropy, T=T, dtype=dtype, stable=stable, yours=yours, trouble=trouble,
                    exponents=(z - z.max() if stable and not yours else z).astype(float), limits=ends)

    def draw(self, view, r):
        style, p, slope, exponent = view.style, view["p"], view["slope"], view["exponent"]
        ok = r.trouble == ""
        p.frame(xlim=(-0.6, 2.6), ylim=(0, 1.18), xticks={0: "p₁", 1: "p₂", 2: "p₃"}, title="Probabilities")
        gaps = [-1, -0.33, np.nan, 0.33, 0.67, np.nan, 1.33, 1.67, np.nan, 2.33, 3]  # not through the bars' numbers
        p.line("even", gaps, [1 / 3] * len(gaps), color=style.faint, width=1, dash=":")
        p.text("third", -0.57, 1 / 3 + 0.04, "1/3", size=9, color=style.faint, still=True)
        if ok:
            p.bars("p", np.arange(3), r.p, width=0.62, colors=[style.cycle[i] for i in (1, 0, 2)])
            for i, value in enumerate(r.p):
                p.text(f"p{i}", i, value + 0.02, f"{value:.3f}", ha="center", va="bottom", size=11, weight="bold")
        else:
            p.text("nan", 1, 0.55, r.trouble, ha="center", size=26, weight="bold", color=style.negative)
        slope.frame(xlim=(-0.5, 2.5), ylim=(-0.5, 2.5), aspect="equal", xticks={i: f"z{'₁₂₃'[i]}" for i in range(3)},
                    yticks={2 - i: f"p{'₁₂₃'[i]}" for i in range(3)}, title="Slopes: how p moves with z")
        most = 0.25 / r.T
        slope.image("slope", r.slope[::-1], (-0.5, 2.5, -0.5, 2.5), vmin=-most, vmax=most)
        for i, j in np.ndindex(3, 3) if ok else ():
            slope.text(f"s{i}{j}", j, 2 - i, f"{round(float(r.slope[i, j]), 2) + 0.0:.2f}", ha="center", size=9.5)
        self._exponents(exponent, r, style)

    @staticmethod
    def _exponents(panel, r, style):
        low, high = r.limits
        ticks = {0.0: "0"} | {sign * np.log10(1 + n): f"{sign * n:,}" for n in ORDERS for sign in (-1, 1)}
        first = "z − largest" if r.stable and not r.yours else "z"
        panel.frame(xlim=(-FAR, FAR), ylim=(0, 1), yticks={}, xticks=ticks,
                    title=f"The exponents {first} = {'(score + c) / T' if first == 'z' else 'never above 0'}, "
                          f"and what {r.dtype} can hold of e to that power")
        zones = ("none", -FAR, _along(low), style.faint), ("inf", _along(high), FAR, style.negative)
        for name, start, end, color in zones:
            panel.bars(name, [(start + end) / 2], [1], width=end - start, colors=[_pale(color)], z=1)
        for name, x, words, side in (("zero", 0.01, f"e^z = 0  below {low:.1f}", "left"),
                                     ("infinite", 0.99, f"e^z = inf  above {high:.1f}", "right")):
            panel.text(name, x, 0.85, words, ha=side, size=9, still=True, inside=True)
        for i, (x, color) in enumerate(zip(r.exponents, (style.cycle[1], style.cycle[0], style.cycle[2]), strict=True)):
            panel.line(f"z{i}", [_along(x)], [0.2 + 0.2 * (2 - i)], dash="", width=0, color=color, marker="os^"[i],
                       size=10, z=4).set(markeredgecolor=style.background)

    def tell(self, r):
        words = f"Three scores become shares that add up to {r.p.sum():.2f}."
        if r.trouble and r.yours:
            words = f"The answer is {r.trouble}: no probabilities."
        elif r.trouble:
            words = (f"Overflow: an exponential is too large for {r.dtype}." if "inf" in r.trouble else
                     f"Underflow: every exponential is too small for {r.dtype}.") + f" {r.trouble}."
        entropy = "none" if r.trouble else f"{r.entropy:.3f} of at most 1.099"
        return words, {"p": ", ".join(f"{p:.3f}" for p in r.p), "entropy": entropy,
                       "largest exponent": f"{r.exponents.max():.1f}", "limit": f"{r.limits[1]:.1f}"}


def _pale(color):
    from matplotlib.colors import to_rgba
    return to_rgba(color, 0.25)
