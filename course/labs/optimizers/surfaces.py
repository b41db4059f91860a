"""The landscapes of the race in lab 4c, and the learning rates tuned for each of them.

TUNED is a table made by `tune()`; `python -m tests.lessons.test_04_optimizers` prints it anew, and a test does so for
a part of it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from course.labs.optimizers.rules import USES, Racer

STEPS, FAR = 200, 1e3
OURS = {name: use[0] for name, use in USES.items()}
GRID = np.round(10 ** np.arange(-4, 1.01, 0.125), 6)  # the rates tried: eight to a decade


@dataclass(frozen=True)
class Surface:
    """height and gradient of points w: (..., 2); where the race starts, where it ends, what the picture shows."""

    height: Callable
    gradient: Callable
    start: tuple[float, float]
    goals: tuple[tuple[float, float], ...]
    limits: tuple[float, float, float, float]
    noise: float = 0.0  # the standard deviation of what is added to every gradient

    @property
    def lowest(self) -> float:
        return float(self.height(np.array(self.goals[0])))


TURN = np.array([[np.cos(0.35), -np.sin(0.35)], [np.sin(0.35), np.cos(0.35)]])  # a ravine along no axis, by 20 degrees
HESSIAN = (TURN @ np.diag([0.02, 4.0]) @ TURN.T).round(6)


def _both(w):
    return w[..., 0], w[..., 1]


def _rosenbrock(w):
    x, y = _both(w)
    return (1 - x) ** 2 + 100 * (y - x * x) ** 2


def _rosenbrock_gradient(w):
    x, y = _both(w)
    return np.stack([-2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x)], -1)


def _saddle(w):
    x, y = _both(w)
    return 5 * x * x - y * y / 2 + y**4 / 4


def _plateau(w):
    return 1 - np.exp(-(w * w).sum(-1) / 2)


def _downhill(w):
    """HESSIAN times w, spelled out: a product of matrices rounds differently on every kind of processor, and RMSprop's
    way depends on the last digit.
    """
    (a, b), (_, c), (x, y) = *HESSIAN, _both(w)
    return np.stack([a * x + b * y, b * x + c * y], -1)


_ravine = dict(height=lambda w: (_downhill(w) * w).sum(-1) / 2, gradient=_downhill,
               start=tuple((TURN @ (-2.2, 0.3)).round(2)), goals=((0.0, 0.0),), limits=(-2.7, 1.0, -1.4, 1.0))
SURFACES = {
    "ravine": Surface(**_ravine),
    "noisy ravine": Surface(**_ravine, noise=0.2),
    "Rosenbrock's valley": Surface(_rosenbrock, _rosenbrock_gradient, (-1.2, 1.0), ((1.0, 1.0),),
                                   (-1.7, 1.5, -0.6, 1.9)),
    "saddle": Surface(_saddle, lambda w: np.stack([10 * w[..., 0], w[..., 1] ** 3 - w[..., 1]], -1), (-0.8, 0.001),
                      ((0.0, 1.0), (0.0, -1.0)), (-1.0, 1.0, -1.4, 1.4)),
    "plateau": Surface(_plateau, lambda w: w * (1 - _plateau(w))[..., None], (-2.6, 1.9), ((0.0, 0.0),),
                       (-3.4, 1.6, -1.6, 2.6)),
}


def noisy(surface, rng, extra=0.0):
    """The gradient as a batch would give it: with normal noise of standard deviation surface.noise + extra."""
    sd = surface.noise + extra
    return (lambda w: surface.gradient(w) + rng.normal(0, sd, 2)) if sd else surface.gradient


def race(kind, surface, lr, steps=STEPS, seed=0):
    """The heights above the lowest point along the way of one optimizer, our rule. -> (steps + 1,); inf: it has left
    the picture by more than a tenth of its size.
    """
    racer, gradient = Racer(kind, surface.start, OURS), noisy(surface, np.random.default_rng(seed))
    path = [racer.w]
    for _ in range(steps):
        path.append(racer.step(gradient, lr) if np.abs(path[-1]).max() < FAR else path[-1])
    path, (x0, x1, y0, y1) = np.array(path), surface.limits
    inside = np.abs(path - ((x0 + x1) / 2, (y0 + y1) / 2)) <= (0.6 * (x1 - x0), 0.6 * (y1 - y0))
    heights = surface.height(path) - surface.lowest
    return heights if inside.all() else np.full(len(path), np.inf)


def arrival(heights, share=0.01):
    """The step from which on a run stays below `share` of its first height; len(heights) if it never does."""
    above = np.flatnonzero(~(heights <= share * heights[0]) | np.isinf(heights))
    return int(above[-1]) + 1 if len(above) else 0


def score(kind, surface, lr):
    """How late it arrives at a hundredth of its first height for good, then how low it ends; in noise at a tenth, as a
    mean over 8 seeds.
    """
    found = []
    for seed in range(8 if surface.noise else 1):
        heights = race(kind, surface, lr, seed=seed)
        left = heights[-1] / heights[0] if heights[-1] < heights[0] else 1.0
        found.append(arrival(heights, 0.1 if surface.noise else 0.01) + left)
    return float(np.mean(found))


@cache
def tune(kind, name):
    """The learning rate of GRID that arrives first."""
    scores = [score(kind, SURFACES[name], lr) for lr in GRID]
    return float(GRID[int(np.argmin(scores))])


TUNED = {
    "ravine": dict(GD=0.421697, momentum=0.237137, nesterov=0.316228, rmsprop=0.031623, adam=0.421697),
    "noisy ravine": dict(GD=0.177828, momentum=0.031623, nesterov=0.04217, rmsprop=0.031623, adam=0.074989),
    "Rosenbrock's valley": dict(GD=0.004217, momentum=0.001778, nesterov=0.001334, rmsprop=0.031623, adam=0.562341),
    "saddle": dict(GD=0.177828, momentum=0.133352, nesterov=0.1, rmsprop=0.031623, adam=0.031623),
    "plateau": dict(GD=1.77828, momentum=1.33352, nesterov=1, rmsprop=0.074989, adam=0.749894),
}
