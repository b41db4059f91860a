"""Lab 2a. An activation and its slope, on one axis with the data: the slope counts where the data are."""

from statistics import NormalDist

import numpy as np

from course.labs.controls import Choice, Slider
from course.labs.lab import Lab
from course.labs.predict import Question
from nnlab.functional import ACTIVATIONS

NAMES = tuple(n for n in ("sigmoid", "tanh", "relu", "leaky_relu", "elu", "selu", "gelu") if n in ACTIVATIONS)
SIDE, BINS = 10.0, 80
Z = np.linspace(-SIDE, SIDE, 401)
NORMAL = np.array([NormalDist().inv_cdf((i + 0.5) / 2000) for i in range(2000)])  # evenly through N(0, 1): no chance
H = 1e-4
TICKS = {x: str(x) for x in (-10, -5, 0, 5, 10)}


def sigmoid(z):
    """1 / (1 + e^-z). z: any shape -> the same."""
    return ACTIVATIONS["sigmoid"].f(z)


def leaky_relu(z, slope):
    """z where z > 0, slope * z elsewhere; and its slope, 1 or `slope`. z: any shape -> two arrays of that shape."""
    leaky = ACTIVATIONS["leaky_relu"]
    return leaky.f(z, slope), leaky.df(z, None, slope)


def value_and_slope(name, z, leak, sigmoid=sigmoid, leaky_relu=leaky_relu):
    """f(z) and f'(z) of the activation called `name`."""
    if name == "leaky_relu":
        return leaky_relu(z, leak)
    if name == "sigmoid":  # whoever's it is: its slope is measured, from two points close by
        return sigmoid(z), (sigmoid(z + H) - sigmoid(z - H)) / (2 * H)
    activation = ACTIVATIONS[name]
    a = activation.f(z)
    return a, activation.df(z, a) * np.ones_like(z)


class Slope(Lab):
    """f, f' and what they make of normal data. `use(sigmoid=..., leaky_relu=...)` runs the student's."""

    id, title = "2a", "A function, its slope, and the data"
    controls = dict(
        f=Choice(NAMES, "sigmoid", "activation f"),
        s=Slider(0.1, 10.0, 1.0, 0.05, "data spread", log=True),
        shift=Slider(-3.0, 3.0, 0.0, 0.1, "data middle"),
        leak=Slider(0.01, 0.3, 0.1, 0.01, "leak (leaky)"),
    )
    uses = dict(sigmoid=(sigmoid, lambda z: z.shape, "one number for each z"),
                leaky_relu=(leaky_relu, lambda z, slope: [z.shape, z.shape], "the values and the slopes"))
    question = Question(
        "The sums z of a layer of sigmoid neurons are spread around 0 with standard deviation 1. Their weights grow, "
        "and it becomes 10. What happens to the mean slope of the sigmoid over those sums?",
        ("It stays at 0.25", "It doubles", "It halves", "It falls to about a fifth"),
        "It falls to about a fifth",
        "From 0.21 to 0.04: most sums now lie where the sigmoid is flat. The largest slope, 0.25, is still there at "
        "z = 0, but hardly any data are.",
        skippable=False,
    )
    panels = (("f", "out"), ("slope", "passed"))
    size, grid = (760, 480), dict(width_ratios=(2.3, 1), height_ratios=(1, 1.5))

    @staticmethod
    def compute(f, s, shift, leak, sigmoid, leaky_relu):
        z = shift + s * NORMAL
        (curve, slope), (a, da), (here, dhere) = (
            value_and_slope(f, where, leak, sigmoid, leaky_relu) for where in (Z, z, np.array([shift])))
        return dict(f=f, curve=curve, slope=slope, z=z, a=a, da=da, middle=(shift, here[0], dhere[0]),
                    outside=float((np.abs(z) > SIDE).mean()), flat=float((np.abs(da) < 0.05).mean()))

    def draw(self, view, r):
        style, bounded = view.style, r.f in ("sigmoid", "tanh")
        a_lim = (-1.15, 1.15) if bounded else (-2.4, SIDE)
        d_lim = (-0.15, 1.9) if r.f in ("selu", "gelu") else (-0.1, 1.25)
        pale = _between(style.background, style.positive)
        view["f"].frame(xlim=(-SIDE, SIDE), ylim=a_lim, title=f"a = {r.f}(z)", grid=True, xticks=TICKS)
        view["f"].line("f", Z, r.curve, width=2.4)
        x, y, dy = r.middle
        dx = 1.6 / np.hypot(1, dy * 2 * SIDE / (a_lim[1] - a_lim[0]) / 1.6)
        view["f"].line("tangent", [x - dx, x + dx], [y - dx * dy, y + dx * dy], color=style.accent, width=3.2, z=4)
        view["slope"].frame(xlim=(-SIDE, SIDE), ylim=d_lim, x="the sums z", grid=True, xticks=TICKS,
                            title="its slope f′(z), and (pale) where the data are")
        counts, edges = np.histogram(r.z, BINS, (-SIDE, SIDE))
        tall = 0.9 * d_lim[1] * counts / max(counts.max(), 1)
        view["slope"].segments("data", _upright((edges[1:] + edges[:-1]) / 2, tall), colors=[pale], widths=[4.5], z=1)
        view["slope"].line("slope", Z, r.slope, width=2.4)
        view["slope"].line("here", [x], [dy], color=style.accent, marker="o", size=9, z=4)
        for name, values, limits, title in (("out", r.a, a_lim, "the neurons' outputs a"),
                                            ("passed", r.da, d_lim, "their slopes")):
            panel, mean = view[name], values.mean()
            panel.frame(xlim=(0, 1.08), ylim=limits, xticks={}, title=title, grid=True)
            counts, edges = np.histogram(values, 60, limits)
            across = _upright((edges[1:] + edges[:-1]) / 2, counts / max(counts.max(), 1))[..., ::-1]
            panel.segments("data", across, colors=[pale], widths=[2.9], z=1)
            panel.line("mean", [0, 1.08], [mean, mean], color=style.accent, width=2, z=4)
            panel.text("words", 1.04, mean + 0.06 * (limits[1] - limits[0]), f"mean {_tidy(mean)}", ha="right",
                       va="bottom", color=style.accent, size=10, box=True)

    def tell(self, r):
        numbers = {"mean slope": f"{r.da.mean():.3f}", "slope below 0.05": f"{r.flat:.0%}",
                   "mean output": _tidy(r.a.mean()), "largest slope": f"{r.slope.max():.2f}"}
        beyond = {"beyond the picture": f"{r.outside:.0%}"} if r.outside > 0.005 else {}
        return f"{r.f} and its slope, over data spread normally around {r.middle[0]:.1f}.", numbers | beyond


def _upright(x, heights):
    """Segments from (x, 0) to (x, height). -> (n, 2, 2)"""
    return np.stack([np.stack([x, np.zeros_like(x)], 1), np.stack([x, heights], 1)], 1)


def _tidy(number):
    """Three digits, and no minus before a zero."""
    return f"{round(float(number), 3) + 0.0:.3f}"


def _between(background, color):
    """A third of the way from the background to the colour, opaque: strokes side by side may overlap unseen."""
    from matplotlib.colors import to_rgb
    return tuple(0.65 * np.array(to_rgb(background)) + 0.35 * np.array(to_rgb(color)))
