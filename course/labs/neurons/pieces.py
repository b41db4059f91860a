"""Lab 1d. Count the pieces: a ReLU net on a line is made of straight pieces. Width adds them, depth can multiply."""

import numpy as np

from course.labs.controls import Choice, Slider
from course.labs.lab import Lab
from course.labs.predict import Question
from nnlab.functional import relu


def tent_layers(depth):
    """`depth` times the tent map 2 relu(x) - 4 relu(x - 1/2), each of two neurons. -> [(W, b)], the last linear."""
    first, again = np.array([[1.0, 1.0]]), np.array([[2.0, 2.0], [-4.0, -4.0]])
    b = np.array([0.0, -0.5])
    return [(first, b)] + [(again, b)] * (depth - 1) + [(np.array([[2.0], [-4.0]]), np.zeros(1))]


def random_layers(width, depth, rng):
    """A random net in which every neuron's sum is 0 somewhere on [0, 1]. -> [(W, b)], the last one linear."""
    layers = []
    for fan_in in [1] + [width] * (depth - 1):
        W = rng.normal(0, np.sqrt(2 / fan_in), (fan_in, width))
        z = _sums([*layers, (W, 0)], rng.uniform(0, 1, width), len(layers))
        layers.append((W, -np.diagonal(z)))  # neuron j's sum is 0 at point j
    return [*layers, (rng.normal(0, 1, (width, 1)), np.zeros(1))]


def pieces(layers):
    """The exact corners of the net on [0, 1]. -> (x, y), both (joints + 2,): y(x) is straight between them.

    Between two corners every neuron's sum is a straight line, so a sign change inside is found by proportion.
    """
    x = np.array([0.0, 1.0])
    for last in range(len(layers)):
        z = _sums(layers, x, last)
        if last == len(layers) - 1:
            break
        left, right = z[:-1], z[1:]
        i, j = np.nonzero(left * right < 0)
        share = left[i, j] / (left[i, j] - right[i, j])
        x = np.unique(np.concatenate([x, x[i] + share * (x[i + 1] - x[i])]))
        x = x[np.r_[True, np.diff(x) > 1e-9]]  # two that differ by rounding are one
    y = z[:, 0]
    slope = np.diff(y) / np.diff(x)
    bend = np.abs(np.diff(slope)) > 1e-7 * np.abs(slope).max()
    return x[np.r_[True, bend, True]], y[np.r_[True, bend, True]]


def _sums(layers, x, last):
    """The weighted sums of layer `last` at the inputs x: (n,) -> (n, width)."""
    a = x[:, None]
    for W, b in layers[:last]:
        a = relu.f(a @ W + b)
    return a @ layers[last][0] + layers[last][1]


class CountThePieces(Lab):
    """y(x) of a ReLU net on [0, 1] with its joints; the pieces counted exactly."""

    id, title = "1d", "Count the pieces"
    controls = dict(
        kind=Choice(("random", "tent map"), "random", "weights"),
        width=Slider(1, 12, 3, 1, "neurons in a layer"),
        depth=Slider(1, 6, 1, 1, "hidden layers"),
        seed=Slider(0, 30, 2, 1, "other weights"),
    )
    question = Question(
        "Six hidden layers of only 2 neurons each, with the weights of the tent map: how many straight pieces?",
        ("12", "36", "64"),
        "64",
        "Each layer folds the line in half, and everything after it happens twice: 2⁶. Random weights of the same "
        "shape give about 5 pieces: depth can multiply, it does not do so by itself.",
    )
    panels, size = (("curve", "count"),), (760, 380)
    grid = dict(width_ratios=(2.2, 1))

    @staticmethod
    def compute(kind, width, depth, seed):
        tent = kind == "tent map"
        rng = np.random.default_rng([seed, width, depth])
        x, y = pieces(tent_layers(depth) if tent else random_layers(width, depth, rng))
        width = 2 if tent else width
        return dict(x=x, y=y, pieces=len(x) - 1, neurons=width * depth, depth=depth, width=width, tent=tent)

    def draw(self, view, r):
        curve, count, style = view["curve"], view["count"], view.style
        low, high = float(r.y.min()), float(r.y.max())
        room = 0.08 * (high - low) or 1.0
        curve.frame(xlim=(0, 1), ylim=(low - room, high + room), x="x", y="y(x)", grid=True,
                    title="A ReLU net on a line; dots are its joints")
        curve.line("net", r.x, r.y, color=style.ink, width=2)
        curve.points("joints", r.x[1:-1], r.y[1:-1], kind=1, size=6)
        heights = np.array([r.pieces, r.neurons + 1, 2**r.depth])
        count.frame(xlim=(-0.6, 2.6), ylim=(0, 10 * np.ceil(1.15 * heights.max() / 10)), title="How many",
                    xticks={0: "pieces", 1: "neurons\n+ 1", 2: "2^depth"})
        count.bars("bars", np.arange(3), heights, width=0.62, colors=[style.positive, style.faint, style.negative])
        for i, n in enumerate(heights):
            count.text(f"n{i}", i, n, f"{n}", ha="center", va="bottom", weight="bold")

    def tell(self, r):
        layers, neurons, pieces = (f"{n} {word}{'s' * (n != 1)}" for n, word in (
            (r.depth, "hidden layer"), (r.width, "neuron"), (r.pieces, "straight piece")))
        tent = " (the tent map needs just 2 a layer)" if r.tent else ""
        return (f"A ReLU net with {layers} of {neurons}{tent} is made of {pieces}.",
                {"pieces": str(r.pieces), "neurons": str(r.neurons), "2^depth": str(2**r.depth)})
