"""Lab 4c. The race: five optimizers on five landscapes, each at a rate tuned for it, until a hand moves the rates."""

from functools import cache

import contourpy
import numpy as np

from course.labs.controls import Choice, Slider
from course.labs.lab import Lab
from course.labs.optimizers.rules import KINDS, MARKS, USES, Racer, color, rate_slider
from course.labs.optimizers.surfaces import FAR, STEPS, SURFACES, TUNED, arrival, noisy
from course.labs.predict import Question

OUT = 0.01  # the left end of a slider: that optimizer stays out of the picture
SHORT = dict(GD="GD", momentum="momentum", nesterov="Nesterov", rmsprop="RMSprop", adam="Adam")


@cache
def scenery(name):
    """Level lines of a landscape as one line with gaps. -> x, y"""
    surface = SURFACES[name]
    x0, x1, y0, y1 = surface.limits
    x, y = np.linspace(x0, x1, 121), np.linspace(y0, y1, 101)
    heights = surface.height(np.stack(np.meshgrid(x, y), -1)) - surface.lowest
    lines = contourpy.contour_generator(x, y, heights)
    gap, top = np.full((1, 2), np.nan), heights.max()
    pieces = [piece for level in top * np.geomspace(0.001, 0.8, 10) for line in lines.lines(level)
              for piece in (line[::2], line[-1:], gap)]
    return np.concatenate(pieces).T


class Race(Lab):
    """Five optimizers from one start. `use(momentum=..., adam=...)` lets the student's functions run."""

    id, title = "4c", "The race"
    controls = dict(
        surface=Choice(tuple(SURFACES), "ravine", "landscape"),
        noise=Slider(0.0, 1.0, 0.0, 0.05, "more noise"),
        **{f"lr_{kind}": rate_slider(OUT, 10.0, 1.0, f"{SHORT[kind]}: lr ×", live=True) for kind in KINDS},
    )
    uses = USES
    question = Question(
        "Each has its best learning rate. In the ravine momentum (β = 0.9) arrives after 43 steps, gradient descent "
        "after 180. On the plateau, a wide plain with a hole in it, each tuned anew: which is first there?",
        ("momentum, by as much", "momentum, just", "gradient descent"),
        "gradient descent",
        "19 steps against 53: the ball rolls through the hole and has to come back. No optimizer is the fastest "
        "everywhere; what wins on one landscape loses on another.",
    )
    panels, per_frame = (("plane", "plane"), ("loss", "compass")), 1
    size, grid = (760, 600), dict(height_ratios=(1.55, 1), width_ratios=(2.6, 1))

    @staticmethod
    def train(surface, noise, momentum, nesterov, rmsprop, adam, **options):
        land, rules = SURFACES[surface], dict(momentum=momentum, nesterov=nesterov, rmsprop=rmsprop, adam=adam)
        racers = {kind: Racer(kind, land.start, rules) for kind in KINDS}
        paths = {kind: [racer.w] for kind, racer in racers.items()}
        steepest = noisy(land, np.random.default_rng(0), noise)

        def state(now):
            found = {kind: np.array(path) for kind, path in paths.items()}
            return dict(name=surface, paths=found, on=[kind for kind in KINDS if now[f"lr_{kind}"] > 1.01 * OUT],
                        noise=land.noise + noise, rates={k: TUNED[surface][k] * now[f"lr_{k}"] for k in KINDS},
                        heights={kind: land.height(path) - land.lowest for kind, path in found.items()})

        now = yield state(options)
        for _ in range(STEPS):
            for kind, racer in racers.items():
                if np.abs(racer.w).max() < FAR:
                    racer.step(steepest, TUNED[surface][kind] * now[f"lr_{kind}"])
                paths[kind].append(racer.w)
            now = yield state(now)

    def draw(self, view, r):
        style, plane, chart, compass = view.style, view["plane"], view["loss"], view["compass"]
        land = SURFACES[r.name]
        x0, x1, y0, y1 = land.limits
        y1 += 0.13 * (y1 - y0)  # a strip for the names
        plane.frame(xlim=(x0, x1), ylim=(y0, y1), title=f"{r.name[0].upper()}{r.name[1:]}, seen from above", x="w₁",
                    y="w₂")
        plane.line("levels", *scenery(r.name), color=style.faint, width=0.9, alpha=0.5, z=1)
        plane.points("goals", *np.array(land.goals).T, marker="*", color=style.accent, size=16, z=2)
        plane.points("start", *np.array(land.start)[:, None], marker="P", color=style.ink, size=9)
        first = max(r.heights["GD"][0], 1e-12)
        chart.frame(xlim=(0, STEPS), ylim=(1e-7, 20), yscale="log", x="step", grid=True,
                    yticks={1e-6: "1e-6", 1e-4: "1e-4", 0.01: "0.01", 1: "1"}, title="Height left, of 1 at the start")
        compass.frame(xlim=(-1.35, 1.35), ylim=(-1.35, 1.35), aspect="equal", ticks=False, title="Where each steps")
        for i, kind in enumerate(KINDS):
            if kind not in r.on:
                continue
            ink, path = color(style, kind), np.clip(r.paths[kind], -50, 50)
            plane.line(kind, *path.T, color=ink, width=1.7, z=3 + 0.1 * i)
            plane.points(f"{kind} head", *path[-1:].T, marker=MARKS[kind], color=ink, size=10, z=5)
            plane.points(f"{kind} key", x0 + (x1 - x0) * np.array([0.03 + 0.17 * i]), [y1 - 0.06 * (y1 - y0)],
                         marker=MARKS[kind], color=ink, size=8, z=6)
            plane.text(f"{kind} name", 0.045 + 0.17 * i, 0.94, SHORT[kind], inside=True, size=9.5, still=True)
            height = np.clip(np.nan_to_num(r.heights[kind] / first, nan=1e9, posinf=1e9), 1e-9, 1e9)
            chart.line(kind, np.arange(len(height)), height, color=ink, width=2)
            step = r.paths[kind][-1] - r.paths[kind][-2] if len(r.paths[kind]) > 1 else np.zeros(2)
            size = np.hypot(*step)
            if 1e-9 < size < 1e6:
                compass.arrow(kind, (0, 0), step / size, color=ink, width=2)
        chart.line("arrived", [0, STEPS], [self._share(r)] * 2, color=style.faint, width=1.2, dash=":")
        chart.text("arrived words", 0.985, 0.94, "dotted: arrived", inside=True, ha="right", va="top", size=8.5,
                   color=style.faint, still=True)

    @staticmethod
    def _share(r):
        return 0.1 if r.noise else 0.01

    def tell(self, r):
        steps = len(r.paths["GD"]) - 1
        numbers = {"step": str(steps)}
        for kind in r.on:
            at = arrival(r.heights[kind], self._share(r))
            lost = np.abs(r.paths[kind][-1]).max() > 10
            words = f"there at {at}" if at <= steps else "far away" if lost else "on its way"
            numbers[f"{SHORT[kind]} (lr {r.rates[kind]:.2g})"] = words
        return f"{len(r.on) or 'No'} optimizers from one start: {r.name}.", numbers
