"""Lab 2e. Self-normalising: what 60 layers make of a signal's mean and spread, with nothing learned yet."""

from functools import cache

import numpy as np

from course.labs.controls import Choice, Slider
from course.labs.lab import Lab
from course.labs.predict import Question
from nnlab.functional import ACTIVATIONS
from nnlab.init import lecun_normal

WIDTH, BATCH, DEEPEST = 128, 64, 60
NAMES = ("relu", "tanh", "selu")


@cache
def weights(seed, width=WIDTH):
    """LeCun's start, Var w = 1/n, for 60 layers; and a batch of standard normal inputs."""
    rng = np.random.default_rng(seed)
    layers = [lecun_normal((width, width), rng=rng) for _ in range(DEEPEST)]
    return layers, rng.standard_normal((BATCH, width), np.float32)


def through(activation, depth, mean, sd, seed, width=WIDTH):
    """Mean and standard deviation of the signal after 0, 1, ..., depth layers. -> two arrays (depth + 1,)"""
    layers, x = weights(seed, width)
    x = np.float32(mean) + np.float32(sd) * x
    seen = [(x.mean(), x.std())]
    for W in layers[:depth]:
        x = ACTIVATIONS[activation].f(x @ W)
        seen.append((x.mean(), x.std()))
    return np.array(seen, float).T


class SelfNormalising(Lab):
    """A signal's mean and spread, layer by layer, through up to 60 fresh layers."""

    id, title = "2e", "A signal through 60 layers"
    controls = dict(
        activation=Choice(NAMES, "relu", "activation"),
        depth=Slider(1, DEEPEST, DEEPEST, 1, "layers"),
        mean=Slider(0.0, 0.5, 0.0, 0.05, "input mean"),
        sd=Slider(0.5, 2.0, 1.0, 0.1, "input spread"),
        seed=Slider(0, 10, 0, 1, "other weights"),
    )
    question = Question(
        "A signal with spread 1.5 goes through 60 layers of SELU neurons, whose weights have variance 1/n. What is its "
        "variance at the end?",
        ("about 0", "about 1", "about 2.25, as before", "far above 100"),
        "about 1",
        "SELU was made so that mean 0 and variance 1 attract: what is too large shrinks, what is too small grows. With "
        "the same weights, ReLU halves the signal's square at every layer.",
    )
    panels, size = (("sd",), ("mean",)), (700, 440)
    grid = dict(height_ratios=(1.7, 1))

    @staticmethod
    def compute(activation, depth, mean, sd, seed):
        every = {name: through(name, depth, mean, sd, seed) for name in NAMES}
        means, spreads = every[activation]
        return dict(means=means, sds=spreads, activation=activation, depth=depth, every=every)

    def draw(self, view, r):
        style, spread, mean = view.style, view["sd"], view["mean"]
        layers = np.arange(r.depth + 1)
        spread.frame(xlim=(0, DEEPEST), ylim=(1e-3, 4), yscale="log", grid=True, y="spread",
                     title="Standard deviation of the signal after each layer")
        spread.line("one", [0, DEEPEST], [1, 1], color=style.faint, width=1, dash=":")
        for name, x, y in zip(NAMES, (0.38, 0.985, 0.985), (0.06, 0.46, 0.94), strict=True):
            on, sds = name == r.activation, r.every[name][1]
            color = style.positive if on else style.faint
            spread.line(name, layers, np.maximum(sds, 1e-9), color=color, width=2.2 if on else 1.2, z=3 + on)
            spread.text(f"{name} name", x, y, name, color=color, inside=True, ha="right", still=True,
                        weight="bold" if on else "normal")
        mean.frame(xlim=(0, DEEPEST), ylim=(-0.6, 0.6), grid=True, x="layer", y="mean",
                   title=f"Its mean, {r.activation}")
        mean.line("zero", [0, DEEPEST], [0, 0], color=style.faint, width=1, dash=":")
        mean.line("mean", layers, r.means, color=style.positive)

    def tell(self, r):
        return (f"After {r.depth} layer{'s' * (r.depth != 1)} of {r.activation} the signal has mean {r.means[-1]:.3f} "
                f"and standard deviation {r.sds[-1]:.2g}.",
                {"mean": f"{r.means[0]:.2f} → {r.means[-1]:.3f}", "spread": f"{r.sds[0]:.2f} → {r.sds[-1]:.2g}",
                 "variance": f"{r.sds[-1]**2:.2g}"})
