"""Lab 2b. The ReLU graveyard: a neuron whose sum is negative for every example has slope 0 everywhere, and stays so."""

import numpy as np

import nnlab
from course.labs.controls import Choice, Slider
from course.labs.lab import Lab
from course.labs.predict import Question
from nnlab.functional import mse_loss

WIDTH, STEPS = 32, 200
SLOPES = {"relu": 0.0, "leaky relu, slope 0.1": 0.1}
X = np.linspace(-1, 1, 64, dtype=np.float32)[:, None]
Y = np.sin(3 * X)
FINE = np.linspace(-1.25, 1.25, 251, dtype=np.float32)[:, None]


def wave_net(slope, bias, seed):
    """1 input, 32 hidden neurons whose biases all start at `bias`, 1 linear output. slope: of ReLU below 0."""
    rng, he = np.random.default_rng(seed), nnlab.init.he_uniform
    net = nnlab.Sequential(nnlab.Linear(1, WIDTH, init=he, rng=rng), nnlab.LeakyReLU(slope) if slope else nnlab.ReLU(),
                           nnlab.Linear(WIDTH, 1, init=he, rng=rng))
    net.layers[0].bias.data = np.full(WIDTH, bias)
    return net


def firing(net):
    """The share of the examples on which each hidden neuron's sum is above 0. -> (32,)"""
    hidden = net.layers[0]
    return (X @ hidden.weight.data + hidden.bias.data > 0).mean(0)


class Graveyard(Lab):
    """A net of 32 neurons learns a wave; a census of those that answer 0 to every example, step by step."""

    id, title = "2b", "The ReLU graveyard"
    controls = dict(
        lr=Slider(0.01, 0.5, 0.05, 0.05, "learning rate", log=True, live=True),
        bias=Slider(-4.0, 1.0, 0.0, 0.25, "biases at start"),
        activation=Choice(tuple(SLOPES), "relu", "activation"),
        seed=Slider(0, 20, 0, 1, "other start"),
    )
    question = Question(
        "All 32 biases start at −3, so far down that every ReLU answers 0 to every example. Of these dead neurons, "
        "how many does training bring back?",
        ("none", "about half", "nearly all", "all"),
        "none",
        "Where ReLU answers 0 its slope is 0 as well, so no error reaches the weights and nothing ever changes them. "
        "A leaky ReLU keeps a small slope there, so its neurons go on learning, though on that side they are only "
        "straight lines.",
    )
    panels, size, per_frame = (("wave", "census"), ("wave", "dead")), (760, 420), 2
    grid = dict(width_ratios=(1.25, 1))

    @staticmethod
    def train(lr, bias, activation, seed):
        net = wave_net(SLOPES[activation], bias, seed)
        optimizer = nnlab.SGD(net.parameters(), lr=lr)
        silent, loss = [], None

        def state(ended=""):
            hidden, share = net.layers[0], firing(net)
            silent.append(int((share == 0).sum()))
            w, b = hidden.weight.data[0], hidden.bias.data
            with nnlab.no_grad():
                curve = net(FINE).data[:, 0]
            return dict(curve=curve, share=share, silent=tuple(silent), kinks=-b / np.where(w == 0, np.nan, w),
                        loss=loss, relu=activation == "relu", ended=ended)

        now = yield state()
        steps = nnlab.fit_steps(net, X, Y, mse_loss, optimizer)
        try:
            for _ in range(STEPS):
                optimizer.lr = now["lr"]  # before the step: it is the first one that kills
                loss = next(steps).loss
                now = yield state()
        except nnlab.TrainingDiverged:
            yield state("the loss is no longer a number: the learning rate is too large")

    def draw(self, view, r):
        style, wave, census, dead = view.style, view["wave"], view["census"], view["dead"]
        alive = r.share > 0
        wave.frame(xlim=(-1.25, 1.25), ylim=(-1.9, 1.6), x="x", y="y",
                   title="The wave, the net's answer, and its neurons")
        wave.line("target", X[:, 0], Y[:, 0], dash="", marker="o", size=4, width=0, color=style.faint, alpha=0.8)
        wave.line("net", FINE[:, 0], r.curve, width=2.6)
        inside = np.clip(r.kinks, -1.22, 1.22)
        row = np.full(WIDTH, -1.65)
        wave.points("alive", inside[alive], row[alive], kind=1, marker="|", size=13, ring=style.positive)
        cross, color = ("x", style.negative) if r.relu else ("_", style.faint)
        wave.points("dead", inside[~alive], row[~alive], marker=cross, size=8, color=color, ring=color)
        wave.text("kinks", -1.22, -1.42, "where each neuron's sum crosses 0:", size=8.5, color=style.faint, still=True)
        census.frame(xlim=(-0.7, WIDTH - 0.3), ylim=(0, 1.05), xticks={}, yticks={0: "0", 0.5: "½", 1: "all"},
                     title="Examples each neuron answers")
        order = np.argsort(-r.share, kind="stable")
        census.bars("share", np.arange(WIDTH), r.share[order], width=0.75)
        gone = np.arange(WIDTH)[(r.share == 0)[order]]
        census.points("gone", gone, np.full(len(gone), 0.05), marker=cross, size=6, color=color, ring=color)
        dead.frame(xlim=(0, STEPS), ylim=(0, 33.5), x="step", yticks={0: "0", 16: "16", 32: "32"}, grid=True,
                   title="Dead: 0 for every example" if r.relu else "Below 0 for all, but leaking")
        dead.line("silent", np.arange(len(r.silent)), r.silent, color=color, width=2.4)
        if r.ended:
            wave.text("ended", 0, 0, r.ended, ha="center", color=style.negative, box=True)

    def tell(self, r):
        n = r.silent[-1]
        what = ("dead: 0 for every example." if r.relu else
                "below 0 for every example; leaking, they still learn, as straight lines.")
        words = r.ended[:1].upper() + r.ended[1:] + "." if r.ended else f"{n} of 32 neurons are {what}"
        return words, {"step": str(len(r.silent) - 1 - bool(r.ended)), "at the start": str(r.silent[0]), "now": str(n),
                       "loss": "not trained yet" if r.loss is None else f"{r.loss:.3f}"}
