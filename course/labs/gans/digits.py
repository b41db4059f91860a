"""Lab 8f. Digits from noise: a small GAN makes 8x8 digits, and three judges say how good they are.

Told apart by the nearest neighbour: Lopez-Paz and Oquab, Revisiting classifier two-sample tests, ICLR 2017.
"""

from functools import cache

import numpy as np

import nnlab
from course.labs.controls import Choice, Slider
from course.labs.gans.game import batches, d_step, g_step
from course.labs.lab import Lab
from course.labs.overfitting.few import mosaic
from course.labs.predict import Question
from nnlab.functional import cross_entropy

ROUNDS, EVERY, BATCH, HELD, SAMPLES, ROWS, COLUMNS, PAIRS = 6000, 20, 64, 300, 600, 6, 8, 12


def players(latent=16, lr=1e-3, beta1=0.5, seed=0, hidden=128):
    """G, D, an Adam for each, and what draws noise. -> (G, D, g_adam, d_adam, noise)"""
    rng = np.random.default_rng(seed)
    G = nnlab.MLP(latent, hidden, hidden, 64, activation="relu", output="sigmoid", rng=rng)
    D = nnlab.MLP(64, hidden, hidden, 1, activation="relu", rng=rng)
    adams = [nnlab.Adam(net.parameters(), lr=lr, betas=(beta1, 0.999)) for net in (G, D)]
    return G, D, *adams, lambda n: rng.standard_normal((n, latent), np.float32)


def distances(A, B):
    """Euclidean distances: (n, d), (m, d) -> (n, m)"""
    squares = (A * A).sum(1)[:, None] + (B * B).sum(1) - 2 * A @ B.T
    return np.sqrt(np.maximum(squares, 0))


def told_apart(real, fake):
    """The share of samples whose nearest other sample is of their own kind, real or fake: both (n, d), n of each.

    About 0.5 where nobody can tell them apart, 1 where everybody can; below 0.5 where the fakes are copies.
    """
    everything = np.concatenate([real, fake])
    kind = np.arange(len(everything)) < len(real)
    apart = distances(everything, everything)
    np.fill_diagonal(apart, np.inf)  # not itself
    return float((kind[apart.argmin(1)] == kind).mean())


def wander(stops, count):
    """`count` points of noise on a way past all `stops`: (k, latent) -> (count, latent). Between two it goes along a
    quarter of a circle, where points are as far from 0 as drawn ones are."""
    at = np.linspace(0, len(stops) - 1 - 1e-6, count)
    i, angle = at.astype(int), (at % 1)[:, None] * np.pi / 2
    return (stops[i] * np.cos(angle) + stops[i + 1] * np.sin(angle)).astype(np.float32)


@cache
def reader():
    """A net that reads digits, trained on real ones: about 0.97 right on those held out."""
    X, y = nnlab.data.digits("train")
    net = nnlab.MLP(64, 64, 10, activation="relu", rng=0)
    nnlab.fit(net, X, y, cross_entropy, nnlab.Adam(net.parameters(), lr=0.01), epochs=12, batch_size=64, rng=0)
    return net


def classes(fakes):
    """The share of fakes that a net takes for each digit: (n, 64) -> (10,)"""
    return np.bincount(nnlab.predict(reader(), fakes).argmax(1), minlength=10) / len(fakes)


class DigitsFromNoise(Lab):
    """Generated digits as they form, how well they can be told from real ones, which classes there are, which are
    copies."""

    id, title = "8f", "Digits from noise"
    controls = dict(
        latent=Choice((2, 16, 64), 16, "noise numbers"),
        lr=Slider(1e-4, 1e-2, 1e-3, 0.25, "learning rate", log=True, live=True),
        beta1=Slider(0.0, 0.9, 0.5, 0.1, "Adam's β₁", live=True),
        below=Choice(("nearest real digit", "a walk through the noise"), "nearest real digit", "below", live=True),
        seed=Slider(0, 20, 0, 1, "other start"),
    )
    question = Question(
        "The data have about as many of each digit. After 6,000 rounds a net that reads digits sorts 1,000 of the "
        "generator's. How many of each will it count?",
        ("about 100 of each, as in the data", "some digits several times as often as others",
         "only one digit is left"),
        "some digits several times as often as others",
        "Nothing in the game asks the generator for all ten. A digit that is easy to fake well pays; one that the "
        "discriminator sees through is given up, and nobody in the game misses it.",
    )
    panels, size, per_frame = (("wall", "apart"), ("wall", "classes"), ("pairs", "pairs")), (800, 520), 1
    grid = dict(width_ratios=(1.5, 1), height_ratios=(1, 1, 0.72))

    @staticmethod
    def train(latent, lr, beta1, below, seed):
        G, D, g_adam, d_adam, noise = players(latent, lr, beta1, seed)
        X, held = nnlab.data.digits("train")[0], nnlab.data.digits("validation")[0][:HELD]
        rng = np.random.default_rng([seed, 1])
        real = batches(X, rng, BATCH)
        z = rng.standard_normal((SAMPLES, latent)).astype(np.float32)
        walk = wander(z[[0, 3, 6, 9]], 2 * PAIRS)
        curve, rounds, losses = [], 0, (np.nan, np.nan)
        original = told_apart(X[::3][:HELD], held)  # from all parts of the file: each writer's digits stand together

        def state():
            fakes = nnlab.predict(G, z)
            apart = distances(fakes[:PAIRS], X)
            if rounds % (5 * EVERY) == 0:
                curve.append((rounds, told_apart(held, fakes[:HELD])))
            return dict(fakes=fakes, nearest=X[apart.argmin(1)], copied=apart.min(1), walk=nnlab.predict(G, walk),
                        curve=np.array(curve), classes=classes(fakes), rounds=rounds, losses=losses, original=original)

        now = yield state()
        while rounds < ROUNDS:
            for adam in (g_adam, d_adam):
                adam.lr = now["lr"]
                adam.param_groups[0]["betas"] = (now["beta1"], 0.999)
            for _ in range(EVERY):
                losses = d_step(G, D, d_adam, next(real), noise), g_step(G, D, g_adam, BATCH, noise)
            rounds += EVERY
            now = yield state()

    def draw(self, view, r):
        style, wall, pairs = view.style, view["wall"], view["pairs"]
        wide, high = 10 * COLUMNS - 2, 10 * ROWS - 2
        wall.frame(xlim=(-1, wide + 1), ylim=(-1, high + 1), ticks=False, aspect="equal",
                   title=f"{ROWS * COLUMNS} generated digits, always from the same noise")
        wall.image("fakes", mosaic(r.fakes[:ROWS * COLUMNS], COLUMNS), (0, wide, 0, high), cmap=style.grey)
        panel = view["apart"]
        panel.frame(xlim=(0, ROUNDS), ylim=(0.4, 1.04), x="round", grid=True, yticks={0.5: "50 %", 1: "100 %"},
                    xticks={0: "0", 2000: "2000", 4000: "4000", 6000: "6000"},
                    title=f"Told from real ones: {r.curve[-1, 1]:.0%}")
        panel.line("real", [0, ROUNDS], [r.original] * 2, color=style.positive, width=1.4, dash="--")
        panel.text("real name", 0.02, 0.2, "dashed: real ones", inside=True, color=style.positive, size=9, still=True)
        panel.line("apart", *r.curve.T, color=style.accent, width=2.2)
        panel.points("now", *r.curve[-1:].T, marker="o", color=style.accent, size=7)
        panel = view["classes"]
        panel.frame(xlim=(-0.6, 9.6), ylim=(0, 0.42), xticks={i: str(i) for i in range(10)}, grid=True,
                    yticks={0: "0", 0.1: "10 %", 0.4: "40 %"}, title="Read as which digit?")
        panel.bars("shares", np.arange(10), np.minimum(r.classes, 0.42), width=0.7, colors=[style.negative] * 10)
        panel.line("even", [-1, 10], [0.1, 0.1], color=style.positive, width=1.4, dash="--", z=5)
        nearest = self.values["below"] == "nearest real digit"
        wide = 10 * PAIRS - 2
        pairs.frame(xlim=(-1, wide + 1), ylim=(-1, 19), ticks=False, aspect="equal",
                    title="12 of them, and below each the real digit nearest to it" if nearest else
                    "A walk through the noise, past four of its points")
        rows = np.concatenate([r.fakes[:PAIRS], r.nearest]) if nearest else r.walk
        pairs.image("pairs", mosaic(rows, PAIRS), (0, wide, 0, 18), cmap=style.grey)

    def tell(self, r):
        least = int(r.classes.argmin())
        return (f"After {r.rounds} rounds: {(r.classes >= 0.02).sum()} of the ten digits make up at least 2 % each.",
                {"round": str(r.rounds), "told apart": f"{r.curve[-1, 1]:.2f}", "real ones": f"{r.original:.2f}",
                 "digits made": f"{(r.classes >= 0.02).sum()} of 10", "rarest": f"{least}, {r.classes[least]:.1%}",
                 "distance to the nearest real one": f"{r.copied.mean():.2f}"})
