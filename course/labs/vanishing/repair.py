"""Lab 6c. Fix it: a net of 30 layers that does not learn, and one button for each way of bringing it back to life."""

from math import log, sqrt

import numpy as np

import nnlab
from course.labs.controls import Choice, Slider, Toggle
from course.labs.lab import Lab
from course.labs.predict import Question
from course.labs.vanishing.passes import layer_ticks
from nnlab import init as starts
from nnlab.functional import binary_cross_entropy_with_logits

STEPS, WIDTH, POINTS, EVERY = 400, 32, 128, 5
RATES = {"SGD with momentum": 0.005, "Adam": 0.003}
INITS = {"tiny, 0.1/n": 0.1, "Xavier, 1/n": 1.0, "He, 2/n": 2.0, "large, 3/n": 3.0, "orthogonal": None}
RADIUS2 = 2 / np.pi  # half of the square lies inside
TICKS = np.linspace(-1, 1, 31, dtype=np.float32)
PLANE = np.stack(np.meshgrid(TICKS, TICKS), -1).reshape(-1, 2)
LOWEST = 1e-42


def disk(n, seed):
    """Points in the square from -1 to 1; class 1 lies inside a disk. -> (n, 2), (n,)"""
    X = np.random.default_rng([seed, 5]).uniform(-1, 1, (n, 2)).astype(np.float32)
    return X, ((X**2).sum(1) < RADIUS2).astype(int)


def start(name, activation):
    """The init function of that name, or for a number c: variance c / fan_in; the output layer always gets 1 / fan_in.
    """
    def init(shape, **options):
        c = INITS.get(name, name)
        if shape[1] == 1:
            return starts.lecun_normal(shape, **options)
        if c is None:
            return starts.orthogonal(shape, sqrt(2) if activation == "relu" else 1.0, **options)
        return starts.lecun_normal(shape, sqrt(c), **options)

    return init


class Block(nnlab.Module):
    """One hidden layer: f(x W + b), with batch norm before f and with x added after it, if wanted."""

    def __init__(self, n_in, n_out, activation, *, residual, norm, init, rng):
        inside = None if norm else activation
        self.linear = nnlab.Linear(n_in, n_out, activation=inside, init=init, rng=rng)
        self.norm = nnlab.BatchNorm1d(n_out) if norm else None
        self.f = nnlab.functional.ACTIVATIONS[activation] if norm else None
        self.residual = residual and n_in == n_out

    def forward(self, x):
        h = self.linear(x)
        if self.norm:
            h = self.f(self.norm(h))
        return x + h if self.residual else h


def deep_net(activation="sigmoid", init="Xavier, 1/n", residual=False, norm=False, depth=30, width=WIDTH, seed=0):
    """2 inputs, `depth` hidden layers, 1 output: a logit."""
    rng, first = np.random.default_rng(seed), start(init, activation)
    if not (residual or norm):
        return nnlab.MLP(2, *[width] * depth, 1, activation=activation, init=first, rng=rng)
    options = dict(residual=residual, norm=norm, init=first, rng=rng)
    blocks = [Block(2 if i == 0 else width, width, activation, **options) for i in range(depth)]
    return nnlab.Sequential(*blocks, nnlab.Linear(width, 1, init=first, rng=rng))


def training(net, optimizer, clip, seed):
    """The steps of its training, all points at once."""
    make = nnlab.Adam(net.parameters(), lr=RATES["Adam"]) if optimizer == "Adam" else (
        nnlab.SGD(net.parameters(), lr=RATES[optimizer], momentum=0.9))
    return nnlab.fit_steps(net, *disk(POINTS, seed), binary_cross_entropy_with_logits, make, epochs=STEPS,
                           clip_norm=1.0 if clip else None)


def trained(optimizer="SGD with momentum", clip=False, seed=0, steps=STEPS, **options):
    """The loss after `steps` steps, the mean of the last five; inf where it is no number any more."""
    losses = []
    try:
        for step in training(deep_net(seed=seed, **options), optimizer, clip, seed):
            losses.append(step.loss)
            if len(losses) == steps:
                break
    except nnlab.TrainingDiverged:
        return np.inf
    return float(np.mean(losses[-5:]))


def signals(net, X, y):
    """Mean squares of the hidden layers' outputs and of what comes back to them, of 1 at the last. -> (depth,) twice"""
    seen = nnlab.probe(net, X, y, binary_cross_entropy_with_logits)
    of_layer = {int(layer.name.split(".")[1]): layer for layer in seen if "." in layer.name}  # the last: its output
    hidden = [of_layer[i] for i in range(len(net.layers) - 1)]
    back = np.array([layer.signal_ms for layer in hidden])
    return np.array([layer.h_ms for layer in hidden]), back / max(back[-1], 1e-300)


class FixIt(Lab):
    """30 layers learn a disk, or do not. One change at a time: which of them repairs the net?"""

    id, title = "6c", "Fix it"
    controls = dict(
        activation=Choice(("sigmoid", "tanh", "relu"), "sigmoid", "activation"),
        init=Choice(tuple(INITS), "Xavier, 1/n", "weights at start"),
        optimizer=Choice(tuple(RATES), "SGD with momentum", "optimizer"),
        residual=Toggle(False, "residual: x + layer(x)"),
        norm=Toggle(False, "batch norm in every layer"),
        clip=Toggle(False, "clip the gradient to length 1"),
        depth=Slider(2, 40, 30, 1, "hidden layers"),
        seed=Slider(0, 20, 0, 1, "other start"),
    )
    question = Question(
        "A net of 30 sigmoid layers does not learn: its loss stays at ln 2 = 0.693, a guess. Which single change "
        "brings it to life?",
        ("weights twice as large (He)", "Adam, which gives every weight its own rate", "clipping the gradient",
         "tanh in place of the sigmoid"),
        "tanh in place of the sigmoid",
        "Each sigmoid hands back at most 1/16 of the gradient's mean square. No start of the weights within reason, no "
        "optimizer and no clipping makes up for that. tanh has slope 1 at 0. (One other button works too: find it.)",
    )
    panels, size, per_frame = (("loss", "map"), ("layers", "layers")), (760, 500), EVERY
    grid = dict(width_ratios=(1.9, 1), height_ratios=(1.15, 1))

    @staticmethod
    def train(activation, init, optimizer, residual, norm, clip, depth, seed):
        X, y = disk(POINTS, seed)
        net = deep_net(activation, init, residual, norm, depth, seed=seed)
        name = f"{activation}, {init}" + ", residual" * residual + ", batch norm" * norm + ", clipped" * clip + (
            ", Adam" * (optimizer == "Adam"))
        losses, first, seen = [], signals(net, X, y), None

        def state(ended=""):
            nonlocal seen
            if (len(losses) % EVERY == 0 and not ended) or seen is None:
                answers = 1 / (1 + np.exp(-np.clip(nnlab.predict(net, PLANE)[:, 0], -50, 50)))
                seen = signals(net, X, y), answers.reshape(31, 31)
            return dict(losses=tuple(losses), first=first, now=seen[0], plane=seen[1], X=X, y=y, name=name,
                        depth=depth, ended=ended)

        yield state()
        try:
            for step in training(net, optimizer, clip, seed):
                losses.append(step.loss)
                yield state()
        except nnlab.TrainingDiverged:
            yield state(f"step {len(losses) + 1}: the loss is no longer a number")

    def _first(self):
        """A new training: what the last one reached stays in the picture."""
        if self._result is not None and self._result.losses:
            self._before = self._result.losses, self._result.name
        super()._first()

    def draw(self, view, r):
        style, panel, plane, chart = view.style, view["loss"], view["map"], view["layers"]
        panel.frame(xlim=(0, STEPS), ylim=(0, 1.2), x="step", y="loss", title=r.name, grid=True)
        panel.line("guess", [0, STEPS], [log(2)] * 2, color=style.faint, width=1.2, dash="--")
        panel.text("guess words", 0.985, 0.65, "ln 2: a guess", inside=True, ha="right", color=style.faint, size=9,
                   still=True)
        before = getattr(self, "_before", None)
        if before:
            panel.line("before", np.arange(1, len(before[0]) + 1), np.minimum(before[0], 2), color=style.faint,
                       width=1.2)
            panel.text("before words", 0.985, 0.93, f"thin: {before[1]}", inside=True, ha="right", size=9,
                       color=style.faint)
        panel.line("loss", np.arange(1, len(r.losses) + 1), np.minimum(r.losses, 2), color=style.positive, width=2.4)
        if r.ended:
            panel.text("ended", 0.5, 0.35, r.ended, inside=True, ha="center", color=style.negative, box=True)
        plane.frame(xlim=(-1, 1), ylim=(-1, 1), aspect="equal", ticks=False, title="Its answers")
        plane.image("map", r.plane, (-1, 1, -1, 1), smooth=True)
        plane.classes("points", r.X, r.y, size=3.6, alpha=0.85)
        chart.frame(xlim=(0.5, r.depth + 0.5), ylim=(LOWEST, 1e6), yscale="log", x="hidden layer", grid=True,
                    yticks={1e-40: "1e-40", 1e-30: "1e-30", 1e-20: "1e-20", 1e-10: "1e-10", 1: "1"},
                    xticks=layer_ticks(r.depth, 1), title="Mean squares in every layer (thin: at the start)")
        layers = np.arange(1, r.depth + 1)
        for name, (up, back), width, size in (("first", r.first, 1.0, 0), ("now", r.now, 2.2, 4.5)):
            for which, values, color, marker in (("up", up, style.positive, "o"), ("back", back, style.negative, "^")):
                chart.line(f"{name} {which}", layers, np.clip(values, LOWEST * 2, 5e5), color=color, width=width,
                           marker=marker if size else "", size=size or 1)
        chart.text("up words", 0.985, 0.3, "● signal h", inside=True, ha="right", color=style.positive, size=9.5,
                   box=True)
        chart.text("back words", 0.985, 0.12, "▲ gradient that comes back (1 at the last layer)", inside=True,
                   ha="right", color=style.negative, size=9.5, box=True)

    def tell(self, r):
        last = r.losses[-1] if r.losses else None
        words = r.ended[:1].upper() + r.ended[1:] + "." if r.ended else f"{r.depth} layers: {r.name}."
        return words, {"step": str(len(r.losses)), "loss": "not trained yet" if last is None else f"{last:.4f}",
                       "gradient at the first layer": f"{r.now[1][0]:.2g}", "signal at the last": f"{r.now[0][-1]:.2g}"}
