"""Lab 5d. You are early stopping: the student's finger on the button, against the rule called patience.

A net learns 200 digits of which every fifth has a wrong label. First it learns what digits look like, then the lies.
"""

import numpy as np

import nnlab
from course.labs.controls import Slider
from course.labs.lab import Lab
from course.labs.overfitting.few import few, mosaic
from course.labs.predict import Question
from nnlab.functional import cross_entropy

EPOCHS, SHOWN = 800, 16


class Training:
    """A training as early_stopping gets it: after each epoch (the net's weights, the validation loss).

    The weights are one array, which the next epoch writes into, as a real net's are.
    """

    def __init__(self, kept, losses):
        self.kept, self.losses, self.size, self.seen = kept, losses, len(kept[0]), 0

    def __iter__(self):
        weights = self.kept[0].copy()
        for kept, loss in zip(self.kept, self.losses, strict=True):
            weights[:] = kept
            self.seen += 1
            yield weights, float(loss)


def early_stopping(training, patience):
    """Stop after `patience` epochs without a new lowest loss. -> (the weights of the best epoch, its number from 0)"""
    best, best_epoch, best_weights = np.inf, -1, None
    for epoch, (weights, loss) in enumerate(training):
        if loss < best:
            best, best_epoch, best_weights = loss, epoch, weights.copy()
        if epoch - best_epoch >= patience:
            break
    return best_weights, best_epoch


def digits_net(seed):
    return nnlab.MLP(64, 64, 10, activation="relu", rng=seed)


def flat(net):
    return np.concatenate([p.data.ravel() for p in net.parameters()])


def load(net, weights):
    """Put a flat array of weights back into the net."""
    start = 0
    for p in net.parameters():
        p.data = np.reshape(weights[start:start + p.size], p.shape)
        start += p.size
    return net


class YouAreEarlyStopping(Lab):
    """Validation loss as it comes. Stop opens the hidden test: your epoch, the rule's, the end. `use(early_stopping)`.
    """

    id, title = "5d", "You are early stopping"
    controls = dict(
        patience=Slider(1, 50, 10, 1, "patience"),
        seed=Slider(0, 20, 0, 1, "other digits"),
    )
    uses = dict(early_stopping=(early_stopping, lambda training, patience: [(training.size,), ()],
                                "the best epoch's weights and its number"))
    question = Question(
        "The net learns for 800 epochs, and you see its loss on digits held out. At about which epoch would you stop?",
        ("about 50", "about 200", "about 400", "at the end: more training is more learning"),
        "about 50",
        "By then it knows what digits look like. What it learns afterwards are mostly the wrong labels, one by one, "
        "and for that it pays on every new digit.",
    )
    panels, size, per_frame = (("lies", "lies"), ("curves", "test")), (760, 460), 1
    grid = dict(width_ratios=(1.7, 1), height_ratios=(1, 2.9))
    _stopped = False

    @staticmethod
    def train(patience, seed, early_stopping, stopped):
        d = few(seed=seed)
        net = digits_net(seed)
        adam = nnlab.Adam(net.parameters(), lr=0.003)
        losses, validation, kept, mine, now = [], [], [], None, None

        def judge(rule, patience):
            """The test loss with the weights of the student's epoch, of the rule's, and of the last."""
            def test(weights):
                with nnlab.no_grad():
                    return cross_entropy(load(net, weights)(d.T), d.t).item()

            weights, epoch = rule(Training(kept, validation), int(patience))
            return dict(rule=(int(epoch) + 1, test(weights)), patience=int(patience),
                        tests={e: test(kept[e - 1]) for e in (mine, EPOCHS)})

        def state(**more):
            with nnlab.no_grad():
                says = net(d.X[:SHOWN]).data.argmax(1)
            return dict(losses=tuple(losses), validation=tuple(validation), says=says, d=d, mine=mine, judge=None,
                        patience=int(now["patience"]) if now else int(patience),
                        best=int(np.argmin(validation)) + 1 if validation else None) | more

        now = yield state()
        steps = nnlab.fit_steps(net, d.X, d.y, cross_entropy, adam, epochs=EPOCHS, batch_size=50,
                                validation=(d.V, d.v), rng=seed)
        for step in steps:
            if now["stopped"] and mine is None:
                mine, frozen = max(len(kept), 1), state()["says"]
            if step.ends_epoch:
                losses.append(step.history["loss"][-1])
                validation.append(step.history["val_loss"][-1])
                kept.append(flat(net))
                if mine is None and len(kept) < EPOCHS:
                    now = yield state()
        if mine is None:
            mine, frozen = EPOCHS, state()["says"]
        yield state(says=frozen, judge=judge) | judge(now["early_stopping"], now["patience"])

    def _parameters(self):
        return super()._parameters() | dict(stopped=self._stopped)

    def _first(self):
        self._stopped = False
        super()._first()

    def stop(self):
        """Your finger: the training ends for you here, runs on unseen, and the hidden test is opened."""
        if self.stage.state == "busy" or not self._steps or not self.taken or self.stage.state == "done":
            return super().stop()
        self.pause()
        self._stopped = True
        with self._lock:
            self.stage.run += 1  # the page drops what comes late of a run that was stopped: the verdict is of the next
            self.stage.caption = (f"You stopped at epoch {len(self._result.validation)}. The training runs on to epoch "
                                  f"{EPOCHS}, unseen, and then the hidden test opens ...")
            self.stage.status = self.stage.caption
            self._state("done")
        self._do(lambda: self._advance(1))
        return self

    def _changed(self, *names):
        r = self._result
        if names == ("patience",) and r is not None and self.stage.state == "done" and r.judge and not self._holding:
            self._do(self._again_with_patience)
        else:
            super()._changed(*names)

    def _again_with_patience(self):
        r, given = self._result, self._parameters()
        self._result = type(r)(**vars(r) | r.judge(given["early_stopping"], given["patience"]))

    def draw(self, view, r):
        style, curves = view.style, view["curves"]
        curves.frame(xlim=(0, EPOCHS), ylim=(0, 3), x="epoch", y="loss", grid=True,
                     title="Stop when you think it is best")
        epochs = np.arange(1, len(r.losses) + 1)
        curves.line("train", epochs, np.minimum(r.losses, 4), color=style.negative, width=1.6)
        curves.line("validation", epochs, np.minimum(r.validation, 4), color=style.positive, width=2.4)
        curves.text("names", 0.98, 0.95, "blue: 100 digits held out", inside=True, ha="right", color=style.positive,
                    still=True)
        curves.text("names2", 0.98, 0.89, "orange: the 200 it learns from", inside=True, ha="right",
                    color=style.negative, still=True)
        self._lies(view["lies"], r, style)
        self._verdict(view["test"], curves, r, style)

    @staticmethod
    def _lies(panel, r, style):
        panel.frame(xlim=(-1, 10 * SHOWN - 1), ylim=(-5, 9.5), ticks=False, aspect="equal",
                    title="Digits with a wrong label (below). Blue frame: the net sees through it; orange: repeats it")
        panel.image("digits", mosaic(r.d.X[:SHOWN], SHOWN), (0, 10 * SHOWN - 2, 0, 8), cmap=style.grey)
        frames, colors = [], []
        for i in range(SHOWN):
            x = 10 * i - 0.8
            panel.text(f"label{i}", x + 4.8, -2.8, str(r.d.y[i]), ha="center", size=9.5, still=True)
            frames.append([(x, -0.8), (x + 9.6, -0.8), (x + 9.6, 8.8), (x, 8.8), (x, -0.8)])
            colors.append(style.negative if r.says[i] == r.d.y[i] else
                          style.positive if r.says[i] == r.d.truth[i] else style.grid)
        panel.segments("frames", frames, colors=colors, widths=[2.4] * SHOWN)

    @staticmethod
    def _verdict(panel, curves, r, style):
        names = ("the end", f"patience {r.patience}", "your finger")
        panel.frame(xlim=(0, 1.9), ylim=(-0.6, 2.6), x="test loss", yticks=dict(enumerate(names)),
                    title="Hidden test: 785 digits")
        if not r.judge:
            panel.text("closed", 0.95, 1, "opens when you press Stop", ha="center", color=style.faint, still=True)
            return
        rows = ((EPOCHS, r.tests[EPOCHS], style.negative), (*r.rule, style.positive),
                (r.mine, r.tests[r.mine], style.accent))
        for i, (epoch, loss, color) in enumerate(rows):
            panel.line(f"bar{i}", [0, min(loss, 1.6)], [i, i], color=color, width=22).set_solid_capstyle("butt")
            panel.text(f"number{i}", min(loss, 1.6) + 0.04, i, f"{loss:.2f}", color=color)
            curves.line(f"at{i}", [epoch, epoch], [0, 2.55], color=color, width=1.6, dash="--")
        curves.points("best", [r.best], [r.validation[r.best - 1]], kind=1, size=8)

    def tell(self, r):
        if not r.validation:
            return "Not trained yet. Press Play, and Stop when you think the net is best.", {"epoch": "0"}
        now = {"epoch": str(len(r.validation) if not r.judge else r.mine), "training loss": f"{r.losses[-1]:.3f}",
               "validation loss": f"{r.validation[-1]:.3f}"}
        repeats = int((r.says == r.d.y[:SHOWN]).sum())
        if not r.judge:
            return f"The net repeats {repeats} of 16 wrong labels.", now | {"repeats": str(repeats)}
        return (f"You stopped at epoch {r.mine}, when it repeated {repeats} of 16 wrong labels; the validation loss "
                f"was lowest at epoch {r.best}.",
                {"test loss, your finger": f"{r.tests[r.mine]:.3f}",
                 f"patience {r.patience}, epoch {r.rule[0]}": f"{r.rule[1]:.3f}", "the end": f"{r.tests[EPOCHS]:.3f}"})

