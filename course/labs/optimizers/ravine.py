"""Lab 4a. A ravine: the steep direction caps the learning rate, the flat one sets how long it takes; momentum helps."""

from functools import cache

import numpy as np

from course.labs.controls import Slider
from course.labs.lab import Lab
from course.labs.optimizers.rules import USES
from course.labs.predict import Question

STEPS, START, FAR = 250, np.array([-1.0, 0.55]), 1e6
FRACTIONS, BETAS = np.linspace(0.01, 2.25, 180), np.linspace(0.0, 1.0, 61)[:-1]


def rate(step, beta):
    """What one step of the heavy ball multiplies the error by in the end, with step = lr times the curvature.

    The larger root, in size, of z^2 - (1 + beta - step) z + beta = 0. Any shapes that broadcast.
    """
    b = 1 + beta - step
    d = b * b - 4 * beta
    real = (np.abs(b) + np.sqrt(np.maximum(d, 0))) / 2
    return np.where(d < 0, np.sqrt(np.maximum(beta, 0)), real)


def best_descent(low, high):
    """(lr, rate) of the best gradient descent where the curvatures lie from low to high."""
    kappa = high / low
    return 2 / (low + high), (kappa - 1) / (kappa + 1)


def best_momentum(low, high):
    """(lr, beta, rate) of the best heavy ball where the curvatures lie from low to high. Polyak 1964."""
    a, b = np.sqrt(low), np.sqrt(high)
    return (2 / (a + b)) ** 2, ((b - a) / (a + b)) ** 2, (b - a) / (b + a)


def walk(curvature, start, lr, beta, momentum, steps):
    """The path of the heavy ball on sum(curvature w^2) / 2, up to `steps` steps or until it is far away. -> (n, d)"""
    w, u, path = np.array(start), np.zeros_like(start), [start]
    for _ in range(steps):
        w, u = momentum(w, curvature * w, u, lr, beta)
        path.append(w)
        if np.abs(w).max() > FAR:
            break
    return np.array(path)


def measured(error):
    """The factor per step, fitted to the later half of a curve of errors (above the noise of rounding). Or nan."""
    error = error[: int((error > 1e-12).sum())]
    late = np.arange(len(error) // 2, len(error))
    return float(np.exp(np.polyfit(late, np.log(error[late]), 1)[0])) if len(late) > 2 else np.nan


@cache
def speeds(kappa):
    """For the map: 0 at standstill, 1 for the fastest setting, -0.75 where it diverges. -> (betas, fractions)"""
    step, beta = 2 * FRACTIONS[None, :], BETAS[:, None]
    factor = np.maximum(rate(step, beta), rate(step / kappa, beta))
    best = -np.log(max(best_momentum(1 / kappa, 1.0)[2], 1e-3))
    with np.errstate(all="ignore"):
        speed = -np.log(np.maximum(factor, 1e-9)) / best
        shade = 1 + np.log10(np.maximum(speed, 1e-9)) / 2.5
    return np.where(factor >= 1 - 1e-12, -0.75, np.clip(shade, 0, 1))


def ellipses(kappa, levels=9):
    """Level lines of (x^2/kappa + y^2)/2 as one line with gaps."""
    t = np.append(np.linspace(0, 2 * np.pi, 73), np.nan)
    top = np.sqrt(START[0] ** 2 / kappa + START[1] ** 2)
    radii = top * np.linspace(0.12, 2.2, levels)
    return (np.outer(radii, np.cos(t)) * np.sqrt(kappa)).ravel(), np.outer(radii, np.sin(t)).ravel()


class Ravine(Lab):
    """Gradient descent and momentum in a ravine, beside the map of all settings. `use(momentum)` runs the student's."""

    id, title = "4a", "The ravine"
    controls = dict(
        kappa=Slider(1.0, 1000.0, 100.0, 0.1, "steep : flat, κ", log=True),
        fraction=Slider(0.05, 2.2, 0.9, 0.01, "rate lr, in 2/L"),
        beta=Slider(0.0, 0.99, 0.0, 0.01, "momentum β"),
    )
    uses = dict(momentum=USES["momentum"])
    question = Question(
        "A ravine gets 100 times as narrow (κ from 10 to 1,000). Each method gets its best learning rate. How many "
        "times as many steps do gradient descent and momentum need?",
        ("10 times, both", "100 times, both", "gradient descent 100 times, momentum 10 times",
         "gradient descent 10 times, momentum 100 times"),
        "gradient descent 100 times, momentum 10 times",
        "Gradient descent needs a number of steps proportional to κ, momentum one proportional to its square root. "
        "Find both best settings on the map: without momentum on the bottom line, with it at the star.",
        skippable=False,
    )
    panels, size, grid = (("plane", "map"), ("error", "error")), (760, 500), dict(height_ratios=(1.25, 1))

    @staticmethod
    def compute(kappa, fraction, beta, momentum):
        curvature, lr = np.array([1 / kappa, 1.0]), 2 * fraction
        path = walk(curvature, START, lr, beta, momentum, STEPS)
        error = np.hypot(*path.T) / np.hypot(*START)
        theory = float(rate(lr * curvature, beta).max())
        return dict(path=path, error=error, kappa=kappa, fraction=fraction, beta=beta, theory=theory,
                    measured=measured(np.maximum(error, 1e-300)), map=speeds(round(float(kappa), 6)),
                    worst=int(rate(lr * curvature, beta).argmax()),
                    descent=best_descent(1 / kappa, 1.0), ball=best_momentum(1 / kappa, 1.0))

    def draw(self, view, r):
        style, plane, chart, panel = view.style, view["plane"], view["map"], view["error"]
        plane.frame(xlim=(-1.25, 1.25), ylim=(-0.8, 0.8), x="flat direction", y="steep direction",
                    title="The path down the ravine", xticks={0: "0"}, yticks={0: "0"})
        plane.line("levels", *ellipses(r.kappa), color=style.faint, width=0.9, alpha=0.55, z=1)
        seen = np.clip(r.path, -3, 3)
        plane.line("path", *seen.T, color=style.positive, width=1.5, marker="o", size=3.6)
        plane.points("minimum", [0], [0], marker="*", color=style.accent, size=14, z=6)
        plane.points("start", *START[:, None], marker="s", color=style.ink, size=7)
        chart.frame(xlim=(0, 2.25), ylim=(-0.05, 1), x="learning rate, in units of 2/L", y="momentum β",
                    title="○ yours   ✚ best with β = 0   ★ best")
        chart.image("map", r.map, (0, 2.25, 0, 1), vmin=-1, vmax=1, smooth=True)
        chart.line("border", [1, 2], [0, 1], color=style.ink, width=1.2)  # lr L = 2 + 2 beta
        chart.text("orange", 1.72, 0.16, "diverges", ha="center", size=9)
        chart.text("blue", 0.55, 0.72, "the bluer, the faster", ha="center", size=9)
        chart.points("ball", [r.ball[0] / 2], [r.ball[1]], marker="*", color=style.accent, size=15,
                     ring=style.ink)
        chart.points("descent", [r.descent[0] / 2], [0.0], marker="P", color=style.accent, size=10, ring=style.ink)
        chart.points("here", [r.fraction], [r.beta], marker="o", color=style.background, size=11,
                     ring=style.ink, z=5).set(markeredgewidth=2.2)
        steps = np.arange(STEPS + 1)
        panel.frame(xlim=(0, STEPS), ylim=(1e-8, 30), yscale="log", x="step", y="distance left", grid=True,
                    yticks={1e-8: "1e-8", 1e-6: "1e-6", 1e-4: "1e-4", 1e-2: "0.01", 1: "1"},
                    title="Distance left after each step. Blue: measured; dashed: the slope that theory gives")
        with np.errstate(all="ignore"):
            line = r.theory**steps * self._anchor(r)
        panel.line("error", steps[: len(r.error)], np.clip(r.error, 1e-12, 1e6), color=style.positive, width=3.2)
        panel.line("theory", steps, np.clip(line, 1e-12, 1e6), color=style.negative, width=1.6, dash="--", z=4)

    @staticmethod
    def _anchor(r):
        """Where the theoretical line begins, so that it lies beside the later part of the measured curve."""
        if not 0 < r.theory < 1 or len(r.error) <= STEPS:
            return 1.0
        good = np.flatnonzero(r.error > 1e-9)
        late = good[len(good) // 2:]
        return float(np.exp(np.mean(np.log(r.error[late]) - late * np.log(r.theory))))

    def tell(self, r):
        way = ("the flat", "the steep")[r.worst]
        if r.theory > 1 + 1e-12:
            words = "Every step makes the error larger: the learning rate is too large for the steep direction."
        elif r.theory > 1 - 1e-12:
            words = "The path swings from wall to wall and never settles."
        else:
            words = f"{way.capitalize()} direction is the slower of the two."
        need = np.log(1e-6) / np.log(r.theory) if r.theory < 1 - 1e-9 else np.inf
        need = "1" if r.theory < 1e-6 else f"{np.ceil(need):,.0f}" if np.isfinite(need) else "never"
        measured = "0" if np.isnan(r.measured) else f"{r.measured:.4f}"
        return words, {"κ": f"{r.kappa:.3g}", "factor per step, measured": measured,
                       "theory": f"{r.theory:.4f}", "steps to a millionth": need}
