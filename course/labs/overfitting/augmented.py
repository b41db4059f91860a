"""Lab 5f. Augmentation: more digits out of few, by changes that leave the label as it is. If they do.

Shorten and Khoshgoftaar, A survey on image data augmentation for deep learning, 2019.
"""

import numpy as np

import nnlab
from course.labs.controls import Slider, Toggle
from course.labs.lab import Lab
from course.labs.overfitting.few import few, mosaic
from course.labs.predict import Question
from nnlab import augment
from nnlab.functional import cross_entropy

EPOCHS, SHOWN = 60, 14


def random_shift(images, most, rng):
    """Each image moved by its own whole number of pixels, up to `most` each way; 0 comes in. (N, 8, 8) -> the same"""
    down, right = rng.integers(-most, most + 1, (2, len(images)))
    return augment.shift(images, down, right)


def changes(shift, rotate, noise, flip, rng, random_shift=random_shift):
    """All that the sliders ask for, one after another. -> a function X: (N, 64) -> (N, 64)"""
    def change(X):
        if flip:
            X = augment.Flip(0.5, rng=rng)(X)
        if rotate:
            X = augment.Rotate(rotate, rng=rng)(X)
        if shift:
            X = np.reshape(random_shift(X.reshape(-1, 8, 8), shift, rng), X.shape).astype(np.float32)
        return augment.Noise(noise, rng=rng)(X) if noise else X

    return change


class Augmented(Lab):
    """A net that learns from augmented digits beside one that learns from the same few as they are.
    `use(random_shift)`."""

    id, title = "5f", "Augmentation"
    controls = dict(
        shift=Slider(0, 2, 1, 1, "shift, pixels"),
        rotate=Slider(0, 20, 0, 5, "rotate, degrees"),
        noise=Slider(0.0, 0.5, 0.0, 0.1, "noise"),
        flip=Toggle(False, "flip left to right"),
        n=Slider(50, 500, 200, 50, "digits"),
        seed=Slider(0, 20, 0, 1, "other digits"),
    )
    uses = dict(random_shift=(random_shift, lambda images, most, rng: images.shape, "one image for each"))
    question = Question(
        "Half of the digits are flipped left to right before each step, each under its own label. On new digits, will "
        "the net be better or worse for it?",
        ("Better: twice as many digits", "The same", "Worse"),
        "Worse",
        "A mirrored 2 is no 2 (it looks rather like a 5), and nobody writes one. The net spends itself on digits that "
        "never come, under labels that are half wrong. For cats a flip is fine: augmentation says what you know.",
    )
    panels, size = (("digits", "digits"), ("curves", "bars")), (760, 480)
    grid = dict(height_ratios=(1, 1.9), width_ratios=(1.25, 1))

    @staticmethod
    def train(shift, rotate, noise, flip, n, seed, random_shift):
        d = few(n, 0.0, seed, held_out=300)
        rng = np.random.default_rng([seed, 5])
        change = changes(shift, rotate, noise, flip, rng, random_shift)
        shifted = changes(1, 0, 0, False, np.random.default_rng(99))(d.V)
        nets = [nnlab.MLP(64, 64, 10, activation="relu", rng=seed) for _ in range(2)]
        runs = [nnlab.fit_steps(net, d.X, d.y, cross_entropy, nnlab.Adam(net.parameters(), lr=0.01), epochs=EPOCHS,
                                batch_size=50, rng=seed, augment=extra)
                for net, extra in zip(nets, (change, None), strict=True)]
        accuracy = [[], []]  # of each net after each epoch: on its own digits, on new ones, on new ones shifted

        def state():
            for net, of in zip(nets, accuracy, strict=True):
                with nnlab.no_grad():
                    of.append([nnlab.accuracy(net(X), y) for X, y in ((d.X, d.y), (d.V, d.v), (shifted, d.v))])
            return dict(plain=d.X[:SHOWN], changed=change(d.X[:SHOWN]), labels=d.y[:SHOWN], n=n,
                        accuracy=np.array(accuracy), epoch=len(accuracy[0]) - 1,
                        what=", ".join(word for word, on in ((f"shift {shift}", shift), (f"rotate {rotate}°", rotate),
                                                             (f"noise {noise:.1f}", noise), ("flip", flip)) if on))

        yield state()
        for _ in range(EPOCHS):
            for run in runs:
                for step in run:
                    if step.ends_epoch:
                        break
            yield state()

    def draw(self, view, r):
        style, panel = view.style, view["digits"]
        panel.frame(xlim=(-1, 10 * SHOWN - 1), ylim=(-0.5, 21.5), ticks=False, aspect="equal",
                    title="Above, digits as they are; below, what the net gets to see this time")
        wall = (0, 10 * SHOWN - 2, 0, 18)
        panel.image("digits", mosaic([*r.plain, *r.changed], SHOWN), wall, cmap=style.grey)
        for i, label in enumerate(r.labels):
            panel.text(f"label{i}", 10 * i + 4, 18.3, str(label), ha="center", va="bottom", size=8.5, color=style.faint,
                       still=True)
        curves, bars = view["curves"], view["bars"]
        curves.frame(xlim=(0, EPOCHS), ylim=(0.2, 1.02), x="epoch", title="Accuracy on 300 new digits", grid=True)
        epochs = np.arange(r.epoch + 1)
        curves.line("without", epochs, r.accuracy[1, :, 1], color=style.negative, width=2)
        curves.line("with", epochs, r.accuracy[0, :, 1], color=style.positive, width=2.6)
        curves.text("with words", 0.98, 0.16, f"blue: with {r.what or 'nothing'}", inside=True, ha="right",
                    color=style.positive, still=True)
        curves.text("without words", 0.98, 0.07, "orange: the digits as they are", inside=True, ha="right",
                    color=style.negative, still=True)
        bars.frame(xlim=(-0.6, 2.6), ylim=(0, 1.12), title="Now, on three kinds of digits",
                   yticks={0: "0", 0.5: "½", 1: "all"},
                   xticks={0: f"its own\n{r.n}", 1: "new", 2: "new, shifted\nby up to 1"})
        for net, (name, color) in enumerate((("with", style.positive), ("without", style.negative))):
            x = np.arange(3) + (-0.2, 0.2)[net]
            bars.bars(name, x, r.accuracy[net, -1], width=0.36, colors=[color] * 3)
            for i, share in enumerate(r.accuracy[net, -1]):
                bars.text(f"{name}{i}", x[i], share + 0.01, f"{share:.2f}".lstrip("0"), ha="center", va="bottom",
                          size=9, color=color)

    def tell(self, r):
        (own, new, moved), (_, plain, plain_moved) = r.accuracy[:, -1]
        return (f"A net learns from {r.n} digits with {r.what or 'no augmentation'}, beside one that gets them as they "
                "are.",
                {"epoch": str(r.epoch), "its own": f"{own:.3f}", "new": f"{new:.3f}", "new, without": f"{plain:.3f}",
                 "shifted": f"{moved:.3f}", "shifted, without": f"{plain_moved:.3f}"})
