"""Lab 5g. The peek counter: how a test set is used up, by whoever looks at it and then changes something.

Dwork, Feldman, Hardt, Pitassi, Reingold and Roth, The reusable holdout, Science 349 (2015).
"""

import numpy as np

import nnlab
from course.labs.controls import Slider, Toggle
from course.labs.lab import Lab
from course.labs.predict import Question

LEARN, PEEK, MOST = 60, 40, 60


def deal(seed):
    """60 digits to learn from, 40 to look at, the other 985 sealed. -> three pairs (X, y)"""
    X, y = nnlab.data.digits("train")
    order = np.random.default_rng([seed, 11]).permutation(len(y))
    return [(X[part], y[part]) for part in np.split(order, [LEARN, LEARN + PEEK])]


def answers(X, y, width, strength, start, *others):
    """A net of `width` random ReLU neurons whose output weights have a closed form, ridge regression: fast enough to
    answer while a slider moves. -> for each of `others`, its answers"""
    rng = np.random.default_rng(start)
    W, b = rng.standard_normal((64, width)) / 8, rng.standard_normal(width) / 2
    hidden = lambda X: np.maximum((X - 0.3) @ W + b, 0)
    H, targets = hidden(X), np.eye(10)[y] - 0.1
    weights = np.linalg.solve(H.T @ H + strength * np.eye(width), H.T @ targets)
    return [(hidden(A) @ weights).argmax(1) for A in others]


class Sealed:
    """A test set that counts how often it is looked at. `answer` is a function X: (n, 64) -> n digits."""

    def __init__(self, X, y):
        self._X, self._y, self.looks = X, y, 0

    def accuracy(self, answer):
        """The share of right answers; the first look is a test, every later one is not."""
        self.looks += 1
        if self.looks > 1:
            print(f"Look number {self.looks}: what you have chosen since the first look, you may have chosen by it.")
        return float((np.asarray(answer(self._X)) == self._y).mean())


class PeekCounter(Lab):
    """Every move of a slider tries another net and looks at the same 40 digits; 985 others stay sealed until opened."""

    id, title = "5g", "The peek counter"
    controls = dict(
        width=Slider(5, 150, 30, 5, "hidden neurons"),
        strength=Slider(1e-3, 10.0, 0.1, 0.25, "penalty λ", log=True),
        start=Slider(0, 60, 0, 1, "other start"),
        opened=Toggle(False, "open the 985 sealed digits"),
        seed=Slider(0, 20, 0, 1, "a new game"),
    )
    question = Question(
        "You try 40 nets and keep the one that is best on 40 test digits: 36 right, 90 %. What will it do on digits "
        "nobody has looked at?",
        ("about 90 %: it was measured on a test set", "clearly less", "clearly more"),
        "clearly less",
        "Each score is the net's worth plus luck, and by taking the best of 40 you took the luck too. The test set has "
        "become part of the training: the student was the optimizer.",
    )
    panels, size = (("looks",),), (760, 400)

    def __init__(self, **values):
        self.looks, self._game, self._seen = [], None, False
        super().__init__(**values)

    @staticmethod
    def compute(width, strength, start, opened, seed):
        (X, y), (P, p), (S, s) = deal(seed)
        peeked, sealed = answers(X, y, width, strength, start, P, S)
        return dict(peeked=int((peeked == p).sum()), sealed=float((sealed == s).mean()), opened=opened,
                    net=(width, strength, start), seed=seed)

    def _first(self):
        super()._first()
        r = self._result
        if r.seed != self._game:
            self._game, self.looks, self._seen = r.seed, [], False
        if r.net not in [net for net, *_ in self.looks]:
            self.looks.append((r.net, r.peeked, r.sealed, self._seen))
        self._seen = self._seen or r.opened  # what has been seen cannot be unseen
        r.looks, r.seen = tuple(self.looks), self._seen

    def reset(self):
        """Forget all looks and begin the same game again."""
        self._game = None
        return super().reset()

    def draw(self, view, r):
        style, panel = view.style, view["looks"]
        peeked = np.array([look[1] for look in r.looks]) / PEEK
        sealed = np.array([look[2] for look in r.looks])
        count = np.arange(1, len(r.looks) + 1)
        panel.frame(xlim=(0, MOST * np.ceil(len(r.looks) / MOST) + 1), ylim=(0, 1.02), x="look number", grid=True,
                    y="accuracy", title="Every net you tried, on the 40 digits you looked at")
        best = np.maximum.accumulate(peeked)
        panel.line("best", np.repeat(count, 2)[1:], np.repeat(best, 2)[:-1], color=style.negative, width=2.4)
        panel.points("peeked", count, peeked, kind=0, size=7, alpha=0.9)
        chosen = int(peeked.argmax())
        if r.seen:
            panel.points("sealed", count, sealed, kind=1, size=7)
            panel.line("fall", [chosen + 1] * 2, [peeked[chosen], sealed[chosen]], color=style.accent, width=3)
            panel.points("honest", [chosen + 1], [sealed[chosen]], kind=1, size=11)
            panel.text("sealed name", 0.98, 0.07, "blue: the same nets on 985 sealed digits", inside=True, ha="right",
                       color=style.positive, still=True)
        panel.text("best name", 0.98, 0.14, "orange line: your best so far", inside=True, ha="right",
                   color=style.negative, still=True)
        panel.text("count", 0.02, 0.08, f"{len(r.looks)} look{'s' * (len(r.looks) != 1)}", inside=True, size=20,
                   color=style.accent)

    def tell(self, r):
        chosen = max(range(len(r.looks)), key=lambda i: (r.looks[i][1], -i))
        (width, strength, start), peeked, sealed, _ = r.looks[chosen]
        numbers = {"looks": str(len(r.looks)), "this net": f"{r.peeked} of {PEEK}",
                   "best so far": f"{peeked} of {PEEK} = {peeked / PEEK:.3f}"}
        words = (f"You have looked {len(r.looks)} times at the same 40 digits; your best net has {width} neurons, λ = "
                 f"{strength:.2g}, start {start}.")
        if r.seen:
            late = sum(look[3] for look in r.looks)
            words += f" The seal is broken{f', and you have tried {late} more nets since' if late else ''}."
            numbers["the same net on sealed digits"] = f"{sealed:.3f}"
        return words, numbers
