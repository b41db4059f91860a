"""Lab 7d. Denoising: what a net learns that is shown noisy points and asked for clean ones is a field of arrows.

P. Vincent et al., ICML 2008; that the arrows are sigma^2 times the slope of ln p: P. Vincent, Neural Computation 23
(2011); G. Alain and Y. Bengio, JMLR 15 (2014).
"""

import numpy as np

import nnlab
from course.labs.controls import Choice, Slider
from course.labs.lab import Lab
from course.labs.predict import Question
from nnlab.functional import mse_loss

POINTS, STEPS, TAKEN, WALK = 240, 1500, 10, 12
SIDE, GRID, FINE = 2.0, 13, 61
TICKS, FINER = np.linspace(-1.8, 1.8, GRID), np.linspace(-SIDE, SIDE, FINE)
PLANE = np.stack(np.meshgrid(TICKS, TICKS), -1).reshape(-1, 2).astype(np.float32)
MAP = np.stack(np.meshgrid(FINER, FINER), -1).reshape(-1, 2)


def points(data, seed):
    """240 points in the plane, about as wide as 1. -> (240, 2)"""
    if data == "ring":
        return nnlab.data.circles(POINTS, noise=0.04, inner=1.0, rng=seed)[0]
    if data == "three clouds":
        return nnlab.data.blobs(POINTS, noise=0.12, centers=3, rng=seed)[0]
    return (nnlab.data.moons(POINTS, noise=0.05, rng=seed)[0] - np.float32([0.5, 0.25])) * np.float32(0.9)


def denoising_pairs(X, sigma, steps, rng):
    """For each step of a training, what goes in and what shall come out. X: (N, d) -> `steps` pairs of (N, d)"""
    return [(X + sigma * rng.standard_normal(X.shape), X) for _ in range(steps)]


def best_answer(x, X, sigma):
    """The best possible r(x), and the density of noisy points at x: the mean of the data, each weighted by how probably
    it is the one behind x. x: (n, d), X: (N, d) -> (n, d), (n,)"""
    squared = (x**2).sum(1)[:, None] + (X**2).sum(1) - 2 * x @ X.T
    nearest = squared.min(1)
    weights = np.exp((nearest[:, None] - squared) / (2 * sigma**2))
    total = weights.sum(1)
    density = total * np.exp(-nearest / (2 * sigma**2)) / (len(X) * 2 * np.pi * sigma**2)
    return weights @ X / total[:, None], density


class Denoising(Lab):
    """A net that learns to take noise away: r(x) - x as arrows over the data, against the exact field, and a point that
    follows them. `use(denoising_pairs)`."""

    id, title = "7d", "Denoising is a field of arrows"
    controls = dict(
        data=Choice(("ring", "three clouds", "moons"), "ring", "data"),
        sigma=Slider(0.1, 1.0, 0.3, 0.05, "noise σ"),
        x1=Slider(-1.8, 1.8, 1.5, 0.1, "your point x₁", live=True),
        x2=Slider(-1.8, 1.8, 1.4, 0.1, "your point x₂", live=True),
        seed=Slider(0, 20, 0, 1, "other points"),
    )
    uses = dict(denoising_pairs=(denoising_pairs, lambda X, sigma, steps, rng: (steps, 2, *X.shape),
                                 "for each step a pair: what goes in, and what shall come out"))
    question = Question(
        "A net is shown points with noise added and asked where they were before. The arrow at x goes from x to its "
        "answer. Where the data lie most densely, how long is the arrow?",
        ("longest: there are the most examples", "about 0", "as long as σ everywhere"),
        "about 0",
        "At a peak the noise has pushed points in from all sides alike, so the best guess is: stay. The arrow is "
        "σ² times the slope of ln p, and at a peak the slope is 0. On the flank it points uphill.",
    )
    panels, size, per_frame = (("field", "exact"),), (760, 420), 1
    grid = dict(width_ratios=(1.35, 1))

    @staticmethod
    def train(data, sigma, x1, x2, seed, denoising_pairs):
        X, rng = points(data, seed), np.random.default_rng([seed, 1])
        pairs = np.asarray(denoising_pairs(X, sigma, STEPS, rng), np.float32)
        net = nnlab.MLP(2, 48, 48, 48, 2, activation="relu", rng=seed)
        adam = nnlab.Adam(net.parameters(), lr=0.01)
        rate = nnlab.optim.CosineAnnealingLR(adam, STEPS)
        noisy = (X + sigma * np.random.default_rng([seed, 2]).standard_normal(X.shape)).astype(np.float32)
        exact = best_answer(noisy, X, sigma)[0] - noisy
        density = best_answer(MAP, X, sigma)[1].reshape(FINE, FINE)

        def look(x1, x2, **others):
            walk = [np.array([[x1, x2]], np.float32)]
            for _ in range(WALK):
                walk.append(nnlab.predict(net, walk[-1]))
            best = best_answer(walk[0], X, sigma)[0] - walk[0]
            return dict(walk=np.concatenate(walk), best=best[0])

        def state(step, now):
            arrows, learned = nnlab.predict(net, PLANE) - PLANE, nnlab.predict(net, noisy) - noisy
            agree = float(np.corrcoef(learned.ravel(), exact.ravel())[0, 1])
            return dict(X=X, sigma=sigma, data=data, step=step, arrows=arrows, learned=learned, exact=exact,
                        density=density, agree=agree, look=look, **look(**now))

        now = yield state(0, dict(x1=x1, x2=x2))
        for step, (given, wanted) in enumerate(pairs, 1):
            adam.zero_grad()
            mse_loss(net(given), wanted).backward()
            adam.step()
            rate.step()
            if step % TAKEN == 0:
                now = yield state(step, {name: now[name] for name in ("x1", "x2")})

    def draw(self, view, r):
        style, field, exact = view.style, view["field"], view["exact"]
        field.frame(xlim=(-SIDE, SIDE), ylim=(-SIDE, SIDE), aspect="equal", x="x₁", y="x₂",
                    title=f"Arrows r(x) - x after {r.step} steps, at a third of their length")
        field.image("density", r.density, (-SIDE, SIDE, -SIDE, SIDE), vmin=0, vmax=1.8 * r.density.max(),
                    cmap=style.grey, smooth=True)
        field.points("data", *r.X.T, color=style.faint, marker="o", size=3.4, alpha=0.8, z=2)
        field.segments("arrows", arrows(PLANE, PLANE + r.arrows / 3), colors=[style.positive] * len(PLANE),
                       widths=[1.4] * len(PLANE), z=3)
        field.line("walk", *r.walk.T, color=style.accent, width=2.4, marker="o", size=4.5, z=6)
        field.points("you", *r.walk[:1].T, color=style.accent, marker="s", size=10, z=7)
        reach = max(0.5, np.ceil(2 * np.abs(r.exact).max()) / 2)
        exact.frame(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal", x="σ² · slope of ln p, exact",
                    y="r(x) - x, learned", title="Both coordinates of 240 arrows")
        exact.line("diagonal", [-reach, reach], [-reach, reach], color=style.faint, width=1, dash="--")
        exact.points("first", r.exact[:, 0], r.learned[:, 0].clip(-reach, reach), kind=0, size=4.2, alpha=0.8)
        exact.points("second", r.exact[:, 1], r.learned[:, 1].clip(-reach, reach), kind=1, size=4.2, alpha=0.8)
        exact.text("names", 0.04, 0.95, "▲ along x₁", inside=True, size=9.5, color=style.negative, box=True)
        exact.text("names2", 0.04, 0.86, "● along x₂", inside=True, size=9.5, color=style.positive, box=True)
        exact.text("agree", 0.96, 0.06, f"correlation {r.agree:.3f}", inside=True, ha="right", size=11, box=True)

    def tell(self, r):
        own, best, end = r.walk[1] - r.walk[0], r.best, r.walk[-1]
        return (f"A net that has learned to take noise σ = {r.sigma:.2f} off points on {r.data}; your point follows "
                f"its arrows from ({r.walk[0][0]:.1f}, {r.walk[0][1]:.1f}) to ({end[0]:.2f}, {end[1]:.2f}).",
                {"step": str(r.step), "correlation": f"{r.agree:.3f}",
                 "arrow at your point": f"{np.hypot(*own):.2f}", "exact": f"{np.hypot(*best):.2f}"})


def arrows(start, end, size=0.3, most=0.08):
    """Arrows as strokes, faster than matplotlib's. start, end: (n, 2) -> n polylines (n, 5, 2)"""
    along = end - start
    length = np.linalg.norm(along, axis=1, keepdims=True) + 1e-9
    back = -along / length * np.minimum(size * length, most)
    side = np.stack([-back[:, 1], back[:, 0]], 1) * 0.6
    return np.stack([start, end, end + back + side, end, end + back - side], 1)
