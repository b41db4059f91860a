"""Lab 7e. What the net cannot give back is unknown to it: anomalies by reconstruction error, and an honest threshold.

Known are nine digits, unknown is the tenth. PCA is the autoencoder here: it needs no training, so the code size can
follow the hand, and what it shows holds for deep ones (tests/lessons/test_07_autoencoders.py).
"""

from copy import copy
from functools import cache

import numpy as np

import nnlab
from course.labs.controls import Choice, Slider
from course.labs.lab import Lab
from course.labs.predict import Question

SIZES = np.arange(1, 51)


@cache
def deal(unknown):
    """The training digits without one class, in three parts: 500 to learn from, 200 to set the threshold with, and new
    ones, which all of the unknown class are mixed into. -> (train, validation, new, which of the new are unknown)"""
    X, y = nnlab.data.digits("train")
    known = np.flatnonzero(y != unknown)[np.random.default_rng([7, unknown]).permutation((y != unknown).sum())]
    new = np.concatenate([known[700:], np.flatnonzero(y == unknown)])
    return X[known[:500]], X[known[500:700]], X[new], y[new] == unknown


def flag_anomalies(fit, error, train, validation, new, share):
    """Learn from train, put the threshold where `share` of validation lies above it, and judge the new ones by it.

    -> (the threshold, for each of the new: is it an anomaly?)"""
    model = fit(train)
    threshold = np.quantile(error(model, validation), 1 - share)
    return threshold, error(model, new) > threshold


def error(pca, X):
    """The mean squared error of each reconstruction. X: (N, d) -> (N,)"""
    return np.square(X - pca.inverse_transform(pca.transform(X))).mean(1)


def auc(errors, unknown):
    """The area under the ROC curve: how often an unknown example has a larger error than a known one."""
    known, other = np.sort(errors[~unknown]), errors[unknown]
    below, up_to = (np.searchsorted(known, other, side) for side in ("left", "right"))
    return float((below + up_to).mean() / 2 / len(known))


@cache
def widest(unknown):
    """PCA of the known digits with the largest code: of it, the first k directions are PCA with k."""
    return nnlab.PCA(int(SIZES[-1])).fit(deal(unknown)[0])


@cache
def by_size(unknown):
    """The area under the ROC curve for every code size. -> (50,)"""
    (_, _, new, odd), pca = deal(unknown), widest(unknown)
    away, codes = new - pca.mean_, pca.transform(new)
    errors = (away**2).sum(1)[:, None] - (codes**2).cumsum(1)  # what k numbers explain is theirs squared
    return np.array([auc(column, odd) for column in errors.T])


class AnomalyThreshold(Lab):
    """Errors of known and unknown digits, a threshold set on known ones held out, and what it finds.
    `use(flag_anomalies)`."""

    id, title = "7e", "The anomaly threshold"
    controls = dict(
        unknown=Choice(tuple(range(10)), 8, "unknown digit"),
        k=Slider(1, 50, 8, 1, "code size k"),
        share=Slider(0.01, 0.3, 0.05, 0.01, "alarms allowed"),
    )
    uses = dict(flag_anomalies=(flag_anomalies, lambda fit, error, train, validation, new, share: [(), (len(new),)],
                                "the threshold, and True or False for each new example"))
    question = Question(
        "The code has learned all digits but the 8, from 8 numbers for each. You give it 50 numbers instead. Will it "
        "find the 8 among new digits more easily?",
        ("Yes: it knows the others better", "No: it gives back the 8 as well", "The same"),
        "No: it gives back the 8 as well",
        "With 50 numbers of 64 it can give back nearly anything, the unknown digit too, and then its error says "
        "nothing. With 1 number it gives back nothing well. The best code is as small as the known allow.",
    )
    panels, size = (("errors", "roc"), ("errors", "sizes")), (760, 440)
    grid = dict(width_ratios=(1.5, 1))

    @staticmethod
    def compute(unknown, k, share, flag_anomalies):
        train, validation, new, odd = deal(unknown)
        pca = copy(widest(unknown))
        pca.k, pca.components_ = k, pca.components_[:k]
        fit = lambda X: pca if X is train else nnlab.PCA(k).fit(X)
        threshold, flags = flag_anomalies(fit, error, train, validation, new, share)
        own, errors, flags = error(pca, validation), error(pca, new), np.asarray(flags).astype(bool)
        return dict(unknown=unknown, k=k, share=share, threshold=float(threshold), own=own, errors=errors, odd=odd,
                    alarms=float(flags[~odd].mean()), found=float(flags[odd].mean()), sizes=by_size(unknown),
                    auc=auc(errors, odd))

    def draw(self, view, r):
        style, panel = view.style, view["errors"]
        high = np.quantile(r.errors, 0.99)
        top = 0.01 * 2.0 ** float(np.ceil(np.log2(100 * high)))  # it seldom changes: limits are slow
        names = ("new, unknown", "new, known", "held out, known")
        panel.frame(xlim=(0, top), ylim=(-0.3, 3.15), x="squared error of the reconstruction",
                    xticks=round_ticks(top),
                    yticks={2.0: names[2].replace(", ", ",\n"), 1.0: names[1].replace(", ", ",\n"),
                            0.0: names[0].replace(", ", ",\n")},
                    title=f"Errors with {r.k} numbers a digit; the {r.unknown} is unknown")
        bins = np.linspace(0, top, 41)
        for row, (errors, color) in enumerate(((r.errors[r.odd], style.negative), (r.errors[~r.odd], style.positive),
                                               (r.own, style.accent))):
            counts = np.histogram(errors.clip(0, top * 0.999), bins)[0]
            heights = row + 0.92 * counts / counts.max()
            middles = (bins[1:] + bins[:-1]) / 2
            panel.segments(f"bars{row}", list(np.stack([np.stack([middles, np.full(40, float(row))], 1),
                                                        np.stack([middles, heights], 1)], 1)),
                           colors=[color] * 40, widths=[6.5] * 40, z=3)
        panel.line("threshold", [r.threshold] * 2, [-0.3, 3.15], color=style.ink, width=1.8, dash="--", z=5)
        for row, words, color in ((2, f"{r.share:.0%} above: set here", style.accent),
                                  (1, f"{r.alarms:.0%} false alarms", style.positive),
                                  (0, f"{r.found:.0%} found", style.negative)):
            panel.text(f"share{row}", 0.985 * top, row + 0.82, words, ha="right", color=color, size=10.5)
        roc, sizes = view["roc"], view["sizes"]
        roc.frame(xlim=(0, 1), ylim=(0, 1.02), x="false alarms", y="found", title=f"All thresholds: area {r.auc:.2f}",
                  grid=True)
        odd = r.odd[np.argsort(-r.errors)]
        roc.line("chance", [0, 1], [0, 1], color=style.faint, width=1, dash=":")
        roc.line("curve", [0, *np.cumsum(~odd) / (~odd).sum()], [0, *np.cumsum(odd) / odd.sum()], color=style.ink,
                 width=2.2)
        roc.points("here", [r.alarms], [r.found], kind=0, size=9)
        sizes.frame(xlim=(0, 51), ylim=(0.3, 1.02), x="code size k", y="area", title="That area, up to this code size",
                    grid=True)
        sizes.line("half", [0, 51], [0.5, 0.5], color=style.faint, width=1, dash=":")
        sizes.line("area", SIZES[:r.k], r.sizes[:r.k], color=style.ink, width=2.2)  # the rest is what is asked
        sizes.points("here", [r.k], [r.sizes[r.k - 1]], kind=0, size=9)

    def tell(self, r):
        return (f"A code of {r.k} numbers knows all digits but the {r.unknown}. The threshold lets {r.share:.0%} of "
                "the known ones held out pass for unknown.",
                {"threshold": f"{r.threshold:.4f}", "false alarms": f"{r.alarms:.3f}", "found": f"{r.found:.3f}",
                 "area under the curve": f"{r.auc:.3f}"})


def round_ticks(top):
    """Three to five round numbers from 0 to below top, each with its name: matplotlib's own collide when small."""
    unit = 10.0 ** np.floor(np.log10(top) + 1e-9)
    step = unit * (0.25 if top < 1.5 * unit else 0.5 if top <= 2 * unit else 1 if top <= 4 * unit else 2)
    return {at: f"{at:g}" for at in step * np.arange(np.ceil(top / step - 1e-9))}
