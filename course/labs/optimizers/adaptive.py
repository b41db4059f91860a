"""Lab 4g. RMSprop: a learning rate of its own for each weight, large where the gradients are small."""

import numpy as np

from course.labs.controls import Choice, Slider
from course.labs.lab import Lab
from course.labs.optimizers.rules import EPS, MARKS, NAMES, USES, Racer, color, rate_slider
from course.labs.predict import Question

STEPS, START = 150, np.array([-1.0, 0.6])
FLAT, RARE, EVERY = 0.02, 0.05, 10  # curvatures; the rare feature is seen in every 10th step only
QUARTER = np.array([[1.0, -1.0], [1.0, 1.0]]) / np.sqrt(2)
PROBLEMS = ("ravine along the axes", "ravine turned by 45°", "one rare feature")


def problem(name):
    """(gradient(w, t), start, the best rate of gradient descent, the names of the two weights)."""
    if name == PROBLEMS[2]:
        return (lambda w, t: w * np.array([RARE * (t % EVERY == 0), 1.0])), START, 2 / (1 + RARE), ("rare", "common")
    hessian = np.diag([FLAT, 1.0])
    if name == PROBLEMS[1]:
        hessian = QUARTER @ hessian @ QUARTER.T
        return (lambda w, t: hessian @ w), QUARTER @ START, 2 / (1 + FLAT), ("w₁", "w₂")
    return (lambda w, t: hessian @ w), START, 2 / (1 + FLAT), ("flat", "steep")


def levels(name):
    """Level lines of what is minimised on the whole, as one line with gaps."""
    t = np.append(np.linspace(0, 2 * np.pi, 73), np.nan)
    a = 1 / np.sqrt(RARE if name == PROBLEMS[2] else FLAT)
    rings = np.concatenate([k * np.stack([a * np.cos(t), np.sin(t)]) for k in (0.08, 0.2, 0.35, 0.55, 0.8, 1.1)], 1)
    return QUARTER @ rings if name == PROBLEMS[1] else rings


def run(kind, name, lr, alpha, rules):
    """One optimizer on one problem. -> its path (n, 2), and v after each of its steps (n - 1, 2)."""
    gradient, start, *_ = problem(name)
    racer = Racer(kind, start, rules, alpha=alpha)
    path, v = [racer.w], []
    for t in range(1, STEPS + 1):
        path.append(racer.step(lambda w, t=t: gradient(w, t), lr))
        v.append(racer.v)
    return np.array(path), np.array(v)


class OwnRates(Lab):
    """RMSprop beside gradient descent and Adam, and the rate that each weight gets. `use(rmsprop)`: the student's."""

    id, title = "4g", "A rate of its own for each weight"
    controls = dict(
        problem=Choice(PROBLEMS, PROBLEMS[0], "problem"),
        alpha=Slider(0.5, 0.99, 0.9, 0.01, "memory α"),
        lr=rate_slider(0.001, 0.3, 0.03, "rate lr"),
    )
    uses = dict(rmsprop=USES["rmsprop"])
    question = Question(
        "RMSprop divides the learning rate of each weight by the running size of that weight's gradient. In a ravine, "
        "what does the flat direction get?",
        ("A smaller rate than the steep one", "The same rate", "A larger rate than the steep one"),
        "A larger rate than the steep one",
        "In the flat direction the gradients are small, and lr is divided by something small. Both directions then "
        "move at much the same speed, which is what a ravine asks for.",
    )
    panels, size, grid = (("plane", "rates"), ("plane", "error")), (760, 440), dict(width_ratios=(1.15, 1))

    @staticmethod
    def compute(problem, alpha, lr, rmsprop):
        best = globals()["problem"](problem)[2]
        rules = dict(rmsprop=rmsprop, adam=USES["adam"][0])
        runs = {kind: run(kind, problem, rate, alpha, rules) for kind, rate in
                (("GD", best), ("adam", lr), ("rmsprop", lr))}
        v = runs["rmsprop"][1]
        rates = np.where(v > 0, lr / (np.sqrt(v) + EPS), np.nan)
        return dict(name=problem, paths={kind: path for kind, (path, _) in runs.items()}, best=best, lr=lr, alpha=alpha,
                    rates=np.clip(rates, 1e-9, 1e9))

    def draw(self, view, r):
        style, plane, panel, error = view.style, view["plane"], view["rates"], view["error"]
        names = problem(r.name)[3]
        plane.frame(xlim=(-1.25, 1.25), ylim=(-1.25, 1.25), x=names[0], y=names[1], aspect="equal",
                    title="Three paths, 150 steps each")
        plane.line("levels", *levels(r.name), color=style.faint, width=0.9, alpha=0.5, z=1)
        plane.points("minimum", [0], [0], marker="*", color=style.accent, size=15, z=7)
        for i, (kind, path) in enumerate(r.paths.items()):
            plane.line(kind, *np.clip(path, -5, 5).T, color=color(style, kind), width=1.4, marker=MARKS[kind], size=3.6,
                       z=3 + i)
            plane.points(f"{kind} key", [-1.17], [1.15 - 0.13 * i], marker=MARKS[kind], size=7,
                         color=color(style, kind))
            plane.text(f"{kind} name", -1.1, 1.15 - 0.13 * i, NAMES[kind] + (", best rate" if kind == "GD" else ""),
                       size=9, color=style.ink, still=True)
            distance = np.hypot(*np.clip(path, -1e6, 1e6).T) / np.hypot(*path[0])
            error.line(kind, np.arange(len(path)), np.maximum(distance, 1e-9), color=color(style, kind), width=2)
        steps = np.arange(1, STEPS + 1)
        panel.frame(xlim=(0, STEPS), ylim=(0.01, 1e4), yscale="log", grid=True,
                    yticks={0.01: "0.01", 1: "1", 100: "100", 1e4: "10,000"},
                    title=f"RMSprop's rates: — {names[0]}, - - {names[1]}")
        for i, dash in enumerate(("-", "--")):
            panel.line(f"rate{i}", steps, r.rates[:, i], color=color(style, "rmsprop"), width=2.2, dash=dash)
        panel.line("descent", [0, STEPS], [r.best] * 2, color=color(style, "GD"), width=1.2)
        error.frame(xlim=(0, STEPS), ylim=(1e-4, 3), yscale="log", x="step", grid=True, title="Distance left",
                    yticks={1e-4: "1e-4", 1e-3: "0.001", 0.01: "0.01", 0.1: "0.1", 1: "1"})

    def tell(self, r):
        names, mean = problem(r.name)[3], np.exp(np.nanmean(np.log(r.rates[:30]), 0))
        left = {kind: np.hypot(*np.clip(path[-1], -1e6, 1e6)) / np.hypot(*path[0]) for kind, path in r.paths.items()}
        words = f"RMSprop beside gradient descent at its best rate and Adam: {r.name}."
        return words, {f"rate at first, {names[0]}": f"{mean[0]:.2g}", names[1]: f"{mean[1]:.2g}",
                       "ratio": f"{mean[0] / mean[1]:.1f}"} | {f"{NAMES[k]} left": f"{left[k]:.2g}" for k in left}
