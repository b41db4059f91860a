"""Lab 4h. A fair comparison: the same digits net trained by all optimizers; who wins depends on how one compares."""

import numpy as np

import nnlab
from course.labs.controls import Choice, Slider
from course.labs.lab import Lab
from course.labs.optimizers.rules import ALPHA, BETA, BETAS, EPS, KINDS, MARKS, NAMES, USES, color
from course.labs.predict import Question
from nnlab.functional import cross_entropy
from nnlab.optim.base import Optimizer

RATES = np.round(10 ** np.arange(-4, 1.01, 0.5), 6)
ORDER = (4, 8, 6, 2, 0, 10, 5, 7, 3, 9, 1)  # coarse first, so that the curves' shape shows early
WAYS = ("all at the same rate", "each at its own best rate")
MEASURES = ("validation accuracy", "training loss")
OURS = dict(
    GD=lambda params, lr: nnlab.SGD(params, lr=lr),
    momentum=lambda params, lr: nnlab.SGD(params, lr=lr, momentum=BETA),
    nesterov=lambda params, lr: nnlab.SGD(params, lr=lr, momentum=BETA, nesterov=True),
    rmsprop=lambda params, lr: nnlab.RMSprop(params, lr=lr, alpha=ALPHA),
    adam=lambda params, lr: nnlab.Adam(params, lr=lr, betas=BETAS),
)


class Borrowed(Optimizer):
    """An optimizer whose formula is a student's function, `momentum`, `rmsprop` or `adam`, on the flat vector."""

    states = ("m", "v")

    def __init__(self, params, lr, kind, rule):
        super().__init__(params, lr=lr)
        self.kind, self.rule = kind, rule

    def update(self, w, g, m, v, s, t, lr):
        before = (w.copy(), g.copy())
        if self.kind == "momentum":
            w[:], m[:] = self.rule(*before, m.copy(), lr, BETA)
        elif self.kind == "rmsprop":
            w[:], v[:] = self.rule(*before, v.copy(), lr, ALPHA, EPS)
        else:
            w[:], m[:], v[:] = self.rule(*before, m.copy(), v.copy(), t, lr, *BETAS, EPS)


def trained(make, lr, seed, epochs, batch=64):
    """64-32-10, ReLU, on the digits. -> (validation accuracy, training loss), nan where it diverged."""
    net = nnlab.MLP(64, 32, 10, activation="relu", rng=seed)
    try:
        history = nnlab.fit(net, *nnlab.data.digits("train"), cross_entropy, make(net.parameters(), lr), epochs=epochs,
                            batch_size=batch, rng=seed)
    except nnlab.TrainingDiverged:
        return 0.1, np.nan
    with nnlab.no_grad():
        X, y = nnlab.data.digits("validation")
        return nnlab.accuracy(net(X), y), history["loss"][-1]


class FairComparison(Lab):
    """Learning rates from 1e-4 to 10 for five optimizers on the digits. `use(momentum=..., rmsprop=..., adam=...)`."""

    id, title = "4h", "A fair comparison"
    controls = dict(
        way=Choice(WAYS, WAYS[0], "compare", live=True),
        rate=Slider(0.0001, 10.0, 0.01, 0.5, "the same rate", log=True, live=True),
        measure=Choice(MEASURES, MEASURES[0], "measure", live=True),
        epochs=Slider(1, 10, 5, 1, "epochs"),
        starts=Slider(1, 5, 2, 1, "starts of each"),
    )
    uses = {name: USES[name] for name in ("momentum", "rmsprop", "adam")}
    question = Question(
        "With learning rate 0.01 for all, after 5 epochs Adam reads 93 % of new digits right, gradient descent 23 %. "
        "Now each gets its own best rate. How far apart are the best and the worst of the five, in percentage points?",
        ("about 50 points", "about 20 points", "about 10 points", "about 2 points"),
        "about 2 points",
        "The same number as learning rate does not mean the same thing to them: at 1 gradient descent is at its best, "
        "and Adam learns nothing. Whoever chooses one rate for all has chosen the winner.",
    )
    panels, size, grid, per_frame = (("curves", "ranks"),), (760, 430), dict(width_ratios=(1.75, 1)), 1

    @staticmethod
    def train(way, rate, measure, epochs, starts, momentum, rmsprop, adam):
        rules = dict(momentum=momentum, rmsprop=rmsprop, adam=adam)
        makers = {kind: OURS[kind] if rules.get(kind) in (None, USES.get(kind, (None,))[0]) else
                  (lambda params, lr, kind=kind: Borrowed(params, lr, kind, rules[kind])) for kind in KINDS}
        scores = np.full((len(KINDS), len(RATES), starts, 2), np.nan)
        done = 0

        def state():
            return dict(scores=scores.copy(), done=done, of=scores[..., 0].size, epochs=epochs)

        yield state()
        for start in range(starts):
            for r in ORDER:
                for k, kind in enumerate(KINDS):
                    scores[k, r, start] = trained(makers[kind], float(RATES[r]), start, epochs)
                    done += 1
                    yield state()

    def _ranked(self, r):
        """For each optimizer the index of the rate it is judged at (-1: none yet), its mean, lowest and highest."""
        way, rate, which = self.values["way"], self.values["rate"], MEASURES.index(self.values["measure"])
        found = []
        for values in r.scores[..., which]:
            seen = np.flatnonzero(np.isfinite(values).any(1))
            if way == WAYS[0]:
                at = int(np.abs(np.log(RATES) - np.log(rate)).argmin())
                at = at if at in seen else -1
            else:
                means = np.array([np.nanmean(values[i]) for i in seen])
                at = int(seen[means.argmin() if which else means.argmax()]) if len(seen) else -1
            got = values[at][np.isfinite(values[at])] if at >= 0 else np.array([np.nan])
            found.append((at, got.mean(), got.min(), got.max()))
        return found

    def draw(self, view, r):  # how the runs are compared is looked up here: that needs no run, so not even a step
        style, chart, panel = view.style, view["curves"], view["ranks"]
        way, rate, measure = (self.values[name] for name in ("way", "rate", "measure"))
        accuracy = measure == MEASURES[0]
        limits = dict(ylim=(0, 1.02)) if accuracy else dict(ylim=(1e-3, 10), yscale="log")
        chart.frame(xlim=(6e-5, 16), xscale="log", x="learning rate", grid=True, **limits,
                    title=f"{measure[0].upper()}{measure[1:]} after {r.epochs} epoch{'s' * (r.epochs > 1)}",
                    xticks={1e-4: "1e-4", 1e-3: "0.001", 1e-2: "0.01", 0.1: "0.1", 1: "1", 10: "10"})
        ranked, which = self._ranked(r), MEASURES.index(measure)
        for i, kind in enumerate(KINDS):
            values = r.scores[i, :, :, which]
            seen = np.isfinite(values).any(1)
            if seen.any():
                means = np.array([np.nanmean(row) for row in values[seen]])
                chart.line(kind, RATES[seen], np.clip(means, 1e-4, 1e3), color=color(style, kind), width=1.8, size=6,
                           marker=MARKS[kind])
            at, mean, *_ = ranked[i]
            if at >= 0:
                chart.points(f"{kind} chosen", [RATES[at]], [np.clip(mean, 1e-4, 1e3)], marker="o", size=14, z=6,
                             color="none", ring=style.ink)
        if way == WAYS[0]:
            near = RATES[int(np.abs(np.log(RATES) - np.log(rate)).argmin())]
            chart.line("same", [near] * 2, [1e-9, 1e9] if not accuracy else [0, 1.02], color=style.faint, width=1.6,
                       dash="--")
        low, high = (0, 1) if accuracy else (0, 2.6)
        panel.frame(xlim=(-0.6, 4.6), ylim=(low, high * 1.12), ticks=True, title=way[0].upper() + way[1:],
                    xticks=dict(enumerate(("GD", "mom.", "Nest.", "RMS", "Adam"))), yticks={})
        heights = np.nan_to_num([min(mean, high) for _, mean, *_ in ranked])
        panel.bars("bars", np.arange(5), heights, width=0.72, colors=[color(style, kind) for kind in KINDS])
        for i, (at, mean, least, most) in enumerate(ranked):
            if at >= 0:
                panel.text(f"value{i}", i, min(mean, high) + 0.02 * high, f"{mean:.3f}"[int(mean < 1):],
                           size=9.5, ha="center", va="bottom")
                panel.text(f"rate{i}", i, 0.03 * high, f"{RATES[at]:.2g}", size=8.5, ha="center", va="bottom",
                           color=style.background if heights[i] > 0.1 * high else style.ink)
                panel.line(f"range{i}", [i, i], np.clip([least, most], 0, high), width=1.4)

    def tell(self, r):
        numbers = {"runs": f"{r.done} of {r.of}"}
        for kind, (at, mean, *_) in zip(KINDS, self._ranked(r), strict=True):
            if at >= 0:
                numbers[f"{NAMES[kind]} at {RATES[at]:.2g}"] = f"{mean:.3f}"
        how = f"{self.values['measure']}, {self.values['way']}"
        return f"The same net on the digits, trained by five optimizers; {how}.", numbers
