"""Lab 3e. The bug injector: a classic mistake is put into backward, and five checks say whether they notice.

Guess first, check by check; then let it run. Most mistakes let the loss fall, and that is why the other checks exist.
"""

import numpy as np

import nnlab
from course.labs.backprop import byhand
from course.labs.controls import Choice, Slider, Toggle
from course.labs.lab import Lab
from course.labs.predict import Question

STEPS, FEW = 150, 7
SIZES = (2, 3, 3)  # W2 is square on purpose: a forgotten transpose must not crash
MYSTERIES = {"mystery A": byhand.NotZeroed, "mystery B": byhand.BothSummed, "mystery C": byhand.UpdatedTooEarly}
TRAINERS = {bug.mistake: bug for bug in byhand.BUGS} | MYSTERIES
CHECKS = {"loss": "the loss does not fall", "gradient": "gradient check", "one": "one step, reference",
          "two": "two steps, reference", "twice": "batch twice, same step"}
WRONG = 1e-6  # relative; what is right agrees to 1e-9 and better


def data(n=60):
    """Three clouds. -> X: (n, 2) float64, y: (n,)"""
    X, y = nnlab.data.blobs(n, noise=0.45, centers=3, rng=0)
    return X.astype(float), y


def off(found, expected):
    """How far two lists of arrays are apart, relative to the larger: 0 is equal."""
    apart = max(np.abs(a - b).max() for a, b in zip(found, expected, strict=True))
    return float(apart / max(max(np.abs(a).max() for a in (*found, *expected)), 1e-12))


def moves(trainer, X, y, weights, lr, steps=1):
    """What `steps` steps change."""
    new = weights
    for _ in range(steps):
        new = trainer.step(X, y, new, lr)
    return [a - w for a, w in zip(new, weights, strict=True)]


def verdicts(fresh, X, y, weights, lr=0.5):
    """{check: relative error} of all checks but the loss. fresh() makes a trainer that has not taken a step yet."""
    few = X[:FEW], y[:FEW]
    copies = [w.copy() for w in weights]
    numeric = byhand.numeric_gradients(lambda *at: fresh().loss(*few, *at), copies)
    right = byhand.Trainer()
    return {
        "gradient": off(fresh().gradients(*few, *weights), numeric),
        "one": off(moves(fresh(), *few, weights, lr), moves(right, *few, weights, lr)),
        "two": off(moves(fresh(), *few, weights, lr, 2), moves(right, *few, weights, lr, 2)),
        "twice": off(moves(fresh(), np.tile(few[0], (2, 1)), np.tile(few[1], 2), weights, lr),
                     moves(fresh(), *few, weights, lr)),
    }


class BugInjector(Lab):
    """The loss of a net with a mistake in it, beside the right one, and what five checks say. `use(train_step)`."""

    id, title = "3e", "The bug injector"
    controls = dict(
        bug=Choice(tuple(TRAINERS), byhand.TanhForgotten.mistake, "mistake"),
        lr=Slider(0.01, 3.0, 0.1, 0.05, "learning rate", log=True),
        guess_loss=Toggle(False, "guess: the loss will not fall", live=True),
        guess_gradient=Toggle(False, "guess: gradient check notices", live=True),
        guess_one=Toggle(False, "guess: one step notices", live=True),
        guess_two=Toggle(False, "guess: two steps notice", live=True),
        guess_twice=Toggle(False, "guess: batch twice notices", live=True),
    )
    uses = dict(train_step=(None, lambda X, y, W1, b1, W2, b2, lr: [w.shape for w in (W1, b1, W2, b2)],
                            "the new W1, b1, W2 and b2"))
    question = Question(
        "In the backward pass of a tanh net the derivative of tanh is forgotten. Will the loss still fall?",
        ("No, it rises", "It stays where it is", "It falls a little", "It falls to less than half"),
        "It falls to less than half",
        "tanh′ = 1 − tanh² is never negative: without it each number keeps its sign, only the sizes are wrong, so the "
        "steps still lead downhill. A falling loss does not prove the gradient.",
        skippable=False,
    )
    panels, size, per_frame = (("loss", "checks"),), (760, 380), 2
    grid = dict(width_ratios=(1, 1.5))

    @staticmethod
    def train(bug, lr, train_step, **guesses):
        X, y = data()
        yours = train_step is not None
        fresh = (lambda: byhand.Borrowed(train_step)) if yours else TRAINERS[bug]
        start = byhand.initial(SIZES, np.random.default_rng(0))
        found = verdicts(fresh, X, y, start)
        runs = [[fresh(), start, [1.0]], [byhand.Trainer(), start, [1.0]]]
        first = [trainer.loss(X, y, *start) for trainer, *_ in runs]

        def look(**now):
            return dict(guesses={name: bool(now[f"guess_{name}"]) for name in CHECKS})

        def state(now):
            theirs, ours = (tuple(losses) for *_, losses in runs)
            step = len(theirs) - 1
            numbers = {"loss": theirs[-1]} | found
            notices = {name: value > (1 if name == "loss" else WRONG) for name, value in numbers.items()}
            shown = {name: step >= (STEPS if name == "loss" else 15 * i) for i, name in enumerate(CHECKS)}
            return dict(losses=theirs, right=ours, step=step, numbers=numbers, notices=notices, shown=shown,
                        bug="your train_step" if yours else bug, look=look, **look(**now))

        now = yield state(guesses)
        for _ in range(STEPS):
            for run, begin in zip(runs, first, strict=True):
                trainer, weights, losses = run
                with np.errstate(all="ignore"):
                    run[1] = weights = trainer.step(X, y, weights, lr)
                    share = trainer.loss(X, y, *weights) / begin
                losses.append(share if np.isfinite(share) else 1e6)
            now = yield state(now)

    def draw(self, view, r):
        panel, style = view["loss"], view.style
        top = max(1.2, 1.2 * 2.0 ** np.ceil(np.log2(min(max(*r.losses, 1e-9), 64))))
        panel.frame(xlim=(0, STEPS), ylim=(0, top), x="step", title="Loss, as a share of what it was", grid=True)
        panel.line("right", range(len(r.right)), np.clip(r.right, 0, 2 * top), color=style.faint, width=5)
        panel.line("theirs", range(len(r.losses)), np.clip(r.losses, 0, 2 * top), color=style.positive, width=2)
        panel.text("name", 0.97, 0.94, r.bug, inside=True, ha="right", color=style.positive, still=True)
        panel.text("grey", 0.97, 0.87, "grey: the right gradient", inside=True, ha="right", color=style.faint,
                   still=True)
        table = view["checks"]
        table.frame(xlim=(0, 1.03), ylim=(-0.7, 5.5), ticks=False, title="Does it notice?")
        for x, word in ((0.43, "you say"), (0.62, "it says"), (0.825, "how far off")):
            table.text(word, x, 4.95, word, color=style.faint, size=9.5, still=True)
        for i, (name, words) in enumerate(CHECKS.items()):
            y, known, notices, guess = 4.1 - i, r.shown[name], r.notices[name], r.guesses[name]
            table.text(f"{name}", 0.0, y, words, still=True)
            table.text(f"{name} guess", 0.43, y, "notices" if guess else "silent", still=True, color=style.ink)
            table.text(f"{name} says", 0.61, y, ("NOTICES" if notices else "silent") if known else "?", still=True,
                       color=style.negative if known and notices else style.ink if known else style.faint)
            number = "loss × " * (name == "loss") + f"{r.numbers[name]:.2g}" if known else ""
            table.text(f"{name} number", 0.825, y, number, size=9.5, still=True, color=style.faint)
            table.text(f"{name} mark", 0.787, y, ("✓" if guess == notices else "✗") if known else "", still=True,
                       color=style.accent if guess == notices else style.negative, size=12)
        table.text("hint", 0.0, -0.55, "Tick your guesses, then press Play." if r.step == 0 else "", still=True,
                   color=style.accent)

    def tell(self, r):
        known = [name for name in CHECKS if r.shown[name]] if r.step else []
        says = {CHECKS[name]: "notices" if r.notices[name] else "silent" for name in known}
        good = sum(r.guesses[name] == r.notices[name] for name in known)
        words = f"The training has this in it: {r.bug}. "
        words += (f"Of your guesses, {good} of {len(known)} hold." if known else
                  "Guess which checks will notice, then play.")
        ticked = ", ".join(CHECKS[name] for name in CHECKS if r.guesses[name]) or "none"
        return words, {"step": str(r.step), "loss × ": f"{r.losses[-1]:.3f}", "right net × ": f"{r.right[-1]:.3f}",
                       "your guesses": ticked, **says}
