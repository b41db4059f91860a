"""Lab 5e. The regulariser bench: every remedy against overfitting on the same net, the same digits, the same lies.

200 digits, some with a wrong label, gradient descent with all of them at every step; beside the net with the remedy its
twin without any. L1 takes the proximal step, which is what makes weights exactly 0 (optim.ProximalSGD).
"""

import numpy as np

import nnlab
from course.labs.controls import Choice, Slider
from course.labs.lab import Lab
from course.labs.overfitting.few import few, mosaic
from course.labs.predict import Question
from nnlab.functional import cross_entropy
from nnlab.optim import ProximalSGD
from nnlab.regularize import l2
from nnlab.train import evaluate

STEPS, HIDDEN, SHOWN, EDGE = 600, 64, 15, 0.5
BINS = np.linspace(-EDGE, EDGE, 42)  # an even number of edges: 0 lies in the middle of a bin
# What strength 0 ... 10 means for each remedy, and how it is called.
REMEDIES = {
    "none": (lambda s: 0.0, "nothing"),
    "L2": (lambda s: 0.002 * s, "λ"),
    "L1": (lambda s: 0.0006 * s, "λ"),
    "dropout": (lambda s: 0.09 * s, "p"),
    "early stopping": (lambda s: round(200 * 0.62**s) if s else STEPS, "patience"),
    "augmentation: noise": (lambda s: 0.06 * s, "noise"),
    "augmentation: shifts": (lambda s: 0.1 * s, "share shifted"),
}


def dropout(x, p, training, rng):
    """Each number becomes 0 with probability p, the others are divided by 1 - p; out of training x as it is."""
    return x * ((rng.random(x.shape) >= p) / (1 - p)) if training else x


class Drop(nnlab.Module):
    """A dropout layer made of any function such as the one above, which is asked what becomes of ones."""

    def __init__(self, p, function, rng):
        self.p, self.function, self.rng = p, function, rng

    def forward(self, x):
        keep = self.function(np.ones(x.shape), self.p, self.training, self.rng)
        return x * np.asarray(keep, x.dtype)


class Shifted:
    """Augmentation: a share of the digits of each batch moved by a pixel, each its own way."""

    def __init__(self, share, rng):
        self.share, self.rng, self.shift = share, rng, nnlab.augment.Shift(1, rng=rng)

    def __call__(self, X):
        return np.where(self.rng.random((len(X), 1)) < self.share, self.shift(X), X)


def training(remedy, strength, d, seed, dropout=dropout):
    """One net on the bench. strength: from 0 to 10. -> (net, the steps of its training)"""
    amount = REMEDIES[remedy][0](strength)
    he, rng = nnlab.init.he_uniform, np.random.default_rng([seed, 7])
    layers = [nnlab.Linear(64, HIDDEN, init=he, rng=rng), nnlab.ReLU(), nnlab.Linear(HIDDEN, 10, init=he, rng=rng)]
    if remedy == "dropout" and amount:
        layers.insert(2, Drop(amount, dropout, rng))
    net = nnlab.Sequential(*layers)
    weights, biases = ([p for p in net.parameters() if (p.ndim == 2) == matrix] for matrix in (True, False))
    augment = {"augmentation: noise": lambda: nnlab.augment.Noise(amount, rng=rng),
               "augmentation: shifts": lambda: Shifted(amount, rng)}.get(remedy, lambda: None)()
    descent = ProximalSGD([{"params": weights, "l1": amount if remedy == "L1" else 0.0}, {"params": biases}], lr=0.3)
    return net, nnlab.fit_steps(net, d.X, d.y, cross_entropy, descent, epochs=STEPS, augment=augment,
                                penalty=l2(amount) if remedy == "L2" and amount else None)


class Runner:
    """A net, its training, and what is measured of it: the losses after each step, on both sets of digits."""

    def __init__(self, net, steps, d, patience=STEPS):
        self.net, self.steps, self.d, self.patience = net, steps, d, patience
        self.train, self.validation, self.best, self.stopped = [], [], None, None
        self.measure()

    def measure(self):
        seen, new = (evaluate(self.net, X, y, cross_entropy, nnlab.accuracy)
                     for X, y in ((self.d.X, self.d.y), (self.d.V, self.d.v)))
        self.train.append(seen["loss"])
        self.validation.append(new["loss"])
        self.accuracies = seen["accuracy"], new["accuracy"]

    def step(self):
        if self.stopped is not None:
            self.train.append(self.train[-1])
            self.validation.append(self.validation[-1])
            return
        next(self.steps)
        self.measure()
        if self.patience < STEPS:
            self._wait()

    def _wait(self):
        """Early stopping: too long without a new lowest loss, and the best weights come back."""
        if self.best is None or self.validation[-1] < self.best[0]:
            self.best = self.validation[-1], len(self.validation) - 1, self.net.state_dict()
        elif len(self.validation) - 1 - self.best[1] >= self.patience:
            self.net.load_state_dict(self.best[2])
            self.stopped = len(self.validation) - 1
            del self.train[-1], self.validation[-1]
            self.measure()

    @property
    def weights(self):
        """The first layer's, one row for each hidden neuron. -> (64, 64)"""
        return self.net.layers[0].weight.data.T.copy()


class RegulariserBench(Lab):
    """A remedy against overfitting beside the same net without: losses, weights, exact zeros. `use(dropout)`."""

    id, title = "5e", "The regulariser bench"
    controls = dict(
        remedy=Choice(tuple(REMEDIES), "L2", "remedy"),
        strength=Slider(0, 10, 5, 1, "strength"),
        wrong=Slider(0.0, 0.4, 0.2, 0.1, "wrong labels"),
        seed=Slider(0, 20, 0, 1, "other digits"),
    )
    uses = dict(dropout=(dropout, lambda x, p, training, rng: x.shape, "one number for each of x"))
    question = Question(
        "Which of these makes some of the weights exactly 0?",
        ("L2, a price on w²", "L1, a price on |w|", "dropout", "early stopping"),
        "L1, a price on |w|",
        "L2 pulls a weight the less the smaller it is, so it never arrives. L1 pulls all alike, and what is nearer to "
        "0 than one pull stays there. Dropout silences neurons for one step, not weights for ever.",
    )
    panels, size, per_frame = (("curves", "histogram"), ("weights", "weights")), (760, 470), 5
    grid = dict(height_ratios=(2.7, 1), width_ratios=(1.25, 1))

    @staticmethod
    def train(remedy, strength, wrong, seed, dropout):
        d = few(wrong=wrong, seed=seed, held_out=300)
        amount, name = REMEDIES[remedy]
        patience = amount(strength) if remedy == "early stopping" else STEPS
        treated = Runner(*training(remedy, strength, d, seed, dropout), d, patience)
        plain = Runner(*training("none", 0, d, seed), d)

        def state():
            W = treated.weights
            return dict(step=len(plain.train) - 1, train=tuple(treated.train), validation=tuple(treated.validation),
                        plain_train=tuple(plain.train), plain_validation=tuple(plain.validation), W=W,
                        plain_W=plain.weights, zeros=int((W == 0).sum()), accuracies=treated.accuracies,
                        plain_accuracies=plain.accuracies, stopped=treated.stopped, remedy=remedy,
                        amount=f"{name} {amount(strength):.3g}" if strength and remedy != "none" else "no remedy")

        yield state()
        for _ in range(STEPS):
            treated.step()
            plain.step()
            yield state()

    def draw(self, view, r):
        style, curves, histogram = view.style, view["curves"], view["histogram"]
        curves.frame(xlim=(0, STEPS), ylim=(0, 2.4), x="step", y="loss", grid=True,
                     title=f"{r.remedy}, {r.amount}; thin: without")
        for name, width in (("plain_train", 1.1), ("plain_validation", 1.1), ("train", 2.6), ("validation", 2.6)):
            color = style.negative if name.endswith("train") else style.positive
            curves.line(name, np.arange(r.step + 1), np.minimum(getattr(r, name), 3), width=width, color=color)
        curves.text("new", 0.98, 0.95, "blue: 300 digits held out", inside=True, ha="right", color=style.positive,
                    size=9.5, still=True)
        curves.text("own", 0.98, 0.88, "orange: the 200 it learns from", inside=True, ha="right", color=style.negative,
                    size=9.5, still=True)
        low, high = r.train[-1], r.validation[-1]
        curves.line("gap", [min(r.step + 6, STEPS - 3)] * 2, [low, high], color=style.accent, width=4)
        self._histogram(histogram, r, style)
        panel, shown = view["weights"], r.W[:SHOWN]
        panel.frame(xlim=(-1, 10 * SHOWN - 1), ylim=(-1, 9), ticks=False, aspect="equal",
                    title=f"{SHOWN} of the 64 hidden neurons: their 64 weights as pictures")
        panel.image("weights", mosaic(shown, SHOWN), (0, 10 * SHOWN - 2, 0, 8), vmin=-EDGE, vmax=EDGE)

    @staticmethod
    def _histogram(panel, r, style):
        panel.frame(xlim=(-EDGE, EDGE), ylim=(0, 0.2), x="weight", yticks={0: "0", 0.1: "10 %", 0.2: "20 %"},
                    title="Its 4096 hidden weights")
        middles = (BINS[1:] + BINS[:-1]) / 2
        shares = lambda w: np.histogram(w.clip(-EDGE, EDGE), BINS)[0] / r.W.size
        panel.line("plain", middles, shares(r.plain_W), color=style.faint, width=1.2)
        height = shares(r.W[r.W != 0])
        strokes = np.stack([np.stack([middles, middles], 1), np.stack([0 * height, height], 1)], 2)
        panel.segments("now", strokes, colors=[style.positive] * len(middles), widths=[5.5] * len(middles))
        share = r.zeros / r.W.size
        if r.zeros:
            panel.line("zeros", [0, 0], [0, min(share, 0.2)], color=style.accent, width=6).set_solid_capstyle("butt")
        panel.text("zero words", 0.97, 0.93, f"exactly 0: {r.zeros}", inside=True, ha="right", size=10,
                   color=style.accent if r.zeros else style.faint)

    def tell(self, r):
        gap = r.validation[-1] - r.train[-1]
        words = f"The net with {r.remedy} ({r.amount}) beside its twin without any remedy."
        if r.stopped is not None:
            words += f" It stopped at step {r.stopped} and went back to its best weights."
        return words, {"step": str(r.step), "gap of the losses": f"{gap:.3f}",
                       "validation accuracy": f"{r.accuracies[1]:.3f}", "without": f"{r.plain_accuracies[1]:.3f}",
                       "on its own digits": f"{r.accuracies[0]:.3f}",
                       "zeros among the weights": f"{r.zeros} of {r.W.size}"}
