"""Lab 6b. The map of all starts: gradients vanish on one side of a line and explode on the other.

Poole et al., NeurIPS 2016; Schoenholz et al., Deep information propagation, ICLR 2017. The discs are nets that were
trained: `python -m tests.lessons.test_06_vanishing_gradients` makes their table again.
"""

from functools import cache

import numpy as np

from course.labs.controls import Choice, Slider
from course.labs.lab import Lab
from course.labs.predict import Question
from course.labs.vanishing.passes import DEEPEST, NAMES, moments
from course.labs.vanishing.repair import trained
from nnlab.functional import ACTIVATIONS

SIGMAS = np.geomspace(0.1, 10, 41)
WIDTH, BATCH, REACH = 64, 16, 8.0
TRAINED_AT, DEPTHS = (0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0, 8.0), (4, 10, 20, 40)
# One row for each of DEPTHS, one digit for each of TRAINED_AT: of five starts, how many learned the disk in 300 steps.
TRAINED = dict(relu=("00555555", "00255550", "00055500", "00035000"),
               tanh=("00255555", "00555555", "00555555", "00354200"), sigmoid=("00000000",) * 4)


@cache
def measured(activation, sb, seed):
    """log10 of the mean square of a small change, after 1 ... 60 layers, for each of SIGMAS. -> (60, 41)

    What the last layer hears of the first is what the first hears back of the last: so one pass up, with its
    derivative beside it, gives the gradient of nets of every depth.
    """
    f, rng = ACTIVATIONS[activation], np.random.default_rng(seed)
    scale = np.sqrt(SIGMAS / WIDTH)[:, None, None]
    h, rows, tangent = np.repeat(rng.standard_normal((1, BATCH, WIDTH)), len(SIGMAS), 0), [], None
    for _ in range(DEEPEST):
        W, b = rng.standard_normal((WIDTH, WIDTH)), rng.standard_normal(WIDTH)
        z = scale * (h.reshape(-1, WIDTH) @ W).reshape(h.shape) + sb * b
        tangent = rng.standard_normal(z.shape) if tangent is None else (
            scale * (tangent.reshape(-1, WIDTH) @ W).reshape(z.shape))
        rows.append(np.log10(np.maximum((tangent**2).mean((1, 2)), 1e-300)))
        h = f.f(z)
        tangent = tangent * f.df(z, h)
    return np.array(rows)


@cache
def slope_factor(activation, sw2, sb2):
    """By what a layer multiplies the gradient's mean square, deep inside a very wide net."""
    q = 1.0
    for _ in range(500):
        q, before = sw2 * moments(activation, q)[0] + sb2, q
        if not 1e-12 < q < 1e12 or abs(q - before) < 1e-10 * q:
            break
    return sw2 * moments(activation, max(min(q, 1e12), 1e-12))[1]


@cache
def critical(activation, sb2):
    """The sigma_w^2 at which that factor is 1; nan if it is nowhere on the map."""
    low, high = SIGMAS[0], SIGMAS[-1]
    if (slope_factor(activation, high, sb2) < 1) or (slope_factor(activation, low, sb2) > 1):
        return np.nan
    for _ in range(40):
        middle = np.sqrt(low * high)
        low, high = (low, middle) if slope_factor(activation, middle, sb2) > 1 else (middle, high)
    return float(np.sqrt(low * high))


class CriticalityMap(Lab):
    """The gradient of nets of every depth and every start; the line between vanishing and exploding."""

    id, title = "6b", "The map of all starts"
    controls = dict(
        activation=Choice(NAMES, "sigmoid", "activation"),
        sw2=Slider(0.1, 10.0, 1.0, 0.05, "n · variance, σ²", log=True),
        depth=Slider(2, DEEPEST, 30, 1, "layers"),
        sb=Slider(0.0, 0.5, 0.0, 0.1, "biases' spread"),
        seed=Slider(0, 20, 0, 1, "other weights"),
    )
    question = Question(
        "The weights' variance is σ²/n. At which σ² does the gradient neither vanish nor explode?",
        ("ReLU at 1, tanh at 1", "ReLU at 2, tanh at 1", "ReLU at 1, tanh at 2", "ReLU at 2, tanh at 2"),
        "ReLU at 2, tanh at 1",
        "ReLU lets half of it through, so it needs twice the variance: He. tanh has slope 1 at 0: Xavier. And for the "
        "sigmoid there is no such line on the whole map.",
    )
    panels, size, grid = (("map", "factor"),), (760, 420), dict(width_ratios=(1.9, 1))

    @staticmethod
    def compute(activation, sw2, depth, sb, seed):
        rows, sb2 = measured(activation, round(sb, 6), seed), round(sb**2, 9)
        here = rows[depth - 1, np.abs(np.log(SIGMAS / sw2)).argmin()] - rows[0].mean()
        factors = np.array([slope_factor(activation, float(s), sb2) for s in SIGMAS])
        return dict(map=rows - rows[0], factors=factors, here=float(here), activation=activation, sw2=sw2, depth=depth,
                    critical=critical(activation, sb2), factor=slope_factor(activation, float(sw2), sb2), sb=sb)

    def draw(self, view, r):
        style, chart, panel = view.style, view["map"], view["factor"]
        step = SIGMAS[1] / SIGMAS[0]
        ends = np.log10([SIGMAS[0] / step**0.5, SIGMAS[-1] * step**0.5])
        ticks = {float(np.log10(s)): f"{s:g}" for s in (0.1, 0.2, 0.5, 1, 2, 5, 10)}
        chart.frame(xlim=ends, ylim=(0.5, DEEPEST + 0.5), x="n · variance of the weights, σ²", y="layers",
                    xticks=ticks, title="Gradient at the first layer: orange vanished, blue exploded")
        chart.image("map", r.map, (*ends, 0.5, DEEPEST + 0.5), vmin=-REACH, vmax=REACH, smooth=True)
        if np.isfinite(r.critical):
            chart.line("critical", [np.log10(r.critical)] * 2, [0, 99], color=style.ink, width=1.6, dash="--")
        for name, at in (("Xavier", 1.0), ("He", 2.0)):
            chart.text(name, np.log10(at), DEEPEST - 1.5, name, ha="center", size=9, box=True)
            chart.line(f"{name} line", [np.log10(at)] * 2, [0, DEEPEST - 4], color=style.faint, width=1, dash=":")
        if r.sb == 0 and r.activation in TRAINED:
            learned = np.array([[int(c) >= 3 for c in row] for row in TRAINED[r.activation]])
            x, y = np.meshgrid(np.log10(TRAINED_AT), DEPTHS)
            for name, which, fill in (("yes", learned, style.ink), ("no", ~learned, "none")):
                chart.points(name, x[which], y[which], marker="o", color=fill, size=6, ring=style.ink)
            chart.text("discs", 0.02, 0.965, "● learned, ○ did not", inside=True, size=9, va="top", box=True)
        chart.points("here", [np.log10(r.sw2)], [r.depth], marker="s", color=style.accent, size=11, ring=style.ink, z=6)
        panel.frame(xlim=ends, ylim=(1e-3, 10), yscale="log", x="σ²", xticks=ticks, grid=True,
                    title="A deep layer's factor")
        panel.line("one", ends, [1, 1], color=style.faint, width=1.2, dash="--")
        panel.line("factors", np.log10(SIGMAS), r.factors, color=style.negative, width=2.4)
        panel.points("here", [np.log10(r.sw2)], [r.factor], marker="s", color=style.accent, size=10, ring=style.ink)

    def tell(self, r):
        where = (f"The dashed line, σ² = {r.critical:.2f}, is where a layer's factor is 1." if np.isfinite(r.critical)
                 else "No start on this map has a factor of 1.")
        return (f"Gradients through fresh layers of {r.activation}. {where}",
                {"σ²": f"{r.sw2:.2g}", "layers": str(r.depth), "factor of a layer": f"{r.factor:.3f}",
                 "gradient at the first layer": f"{10**r.here:.2g}"})


def train_all(activation):
    """The rows of TRAINED for an activation. Three minutes."""
    return ["".join(str(sum(learned(activation, s, depth, seed) for seed in range(5))) for s in TRAINED_AT)
            for depth in DEPTHS]


def learned(activation, sw2, depth, seed=0):
    """Is the loss of such a net below 0.5 after 300 steps of momentum, as in lab 6c?"""
    return trained(activation=activation, init=float(sw2), depth=depth, seed=seed, steps=300) < 0.5
