"""Lab 6a. The telephone game: a layer hands the signal on a little larger or smaller, and 30 layers make it a lot."""

import numpy as np

from course.labs.controls import Choice, Slider, Toggle
from course.labs.lab import Lab
from course.labs.predict import Question
from course.labs.vanishing.passes import NAMES, NOTHING, draws, factor, layer_ticks, passes, theory

FLOORS, CEILINGS = (1e-3, 1e-12, 1e-36, 1e-96), (1e1, 1e4, 1e12, 1e24)
BINS, MOST = 24, dict(relu=3.0, tanh=1.0, sigmoid=1.0)


def he_init(n_in, n_out, rng):
    """He's start: weights with variance 2 / n_in, biases 0. -> W, b"""
    return rng.normal(0, np.sqrt(2 / n_in), (n_in, n_out)), np.zeros(n_out)


def start(width, depth, sw2, sb, seed, init):
    """The layers, and a batch to send up and down. With another init than ours, its weights times sqrt(sw2 / 2)."""
    W, b, x, top = draws(width, seed)
    if init is he_init:
        return [(np.float32(np.sqrt(sw2 / width)) * W[i], np.float32(sb) * b[i]) for i in range(depth)], x, top
    rng, layers = np.random.default_rng(seed), []
    for i in range(depth):
        w, bias = (np.asarray(part, np.float32) for part in init(width, width, rng))
        layers.append((np.float32(np.sqrt(sw2 / 2)) * w, bias + np.float32(sb) * b[i]))
    return layers, x, top


def shares(outputs, most):
    """For each layer what share of its outputs lies where. -> (BINS, layers), the fullest two bins of each layer 1"""
    low = 0.0 if most == 3.0 else -1.0
    columns = []
    for h in outputs:
        bins = ((h.ravel() - low) * (BINS / (most - low))).clip(0, BINS - 1).astype(int)
        columns.append(np.bincount(bins, minlength=BINS))
    counts = np.array(columns, float).T
    return np.sqrt(np.minimum(counts / np.sort(counts, 0)[-2].clip(1), 1))  # the fullest: ReLU's zeros


class Telephone(Lab):
    """Signal and gradient through up to 60 fresh layers, measured and in theory. `use(he_init)` runs the student's."""

    id, title = "6a", "The telephone game"
    controls = dict(
        sw2=Slider(0.1, 4.0, 1.0, 0.05, "n · variance, σ²"),
        activation=Choice(NAMES, "relu", "activation"),
        depth=Slider(2, 60, 4, 1, "layers"),
        width=Choice((16, 32, 64, 128, 256, 512), 128, "neurons, n"),
        sb=Slider(0.0, 0.5, 0.0, 0.05, "biases' spread"),
        weights=Toggle(False, "the weights' gradients, too"),
        seed=Slider(0, 20, 0, 1, "other weights"),
    )
    uses = dict(he_init=(he_init, lambda n_in, n_out, rng: [(n_in, n_out), (n_out,)], "W and b"))
    question = Question(
        "Weights of variance 1/n keep a neuron's sum about as large as its n inputs. 30 layers of ReLU neurons start "
        "so. How much of the signal's mean square arrives at the top?",
        ("about 3 %", "about a thousandth", "about a billionth", "about all of it"),
        "about a billionth",
        "ReLU silences one half of the neurons, so every layer passes on half of the mean square, and one half 30 "
        "times over is 1 in 1,073,741,824. What comes back down is halved as often.",
        skippable=False,
    )
    panels, size, grid = (("sizes",), ("outputs",)), (760, 500), dict(height_ratios=(2.6, 1))

    @staticmethod
    def compute(sw2, activation, depth, width, sb, weights, seed, he_init):
        layers, x, top = start(width, depth, sw2, sb, seed, he_init)
        up, back, dW, outputs = passes(layers, activation, x, top, weights)
        up_theory, back_theory = theory(activation, round(sw2, 9), round(sb**2, 9), depth)
        dW = dW / (dW[-1] or 1.0) if weights else dW
        return dict(up=up, back=back, dW=dW, up_theory=up_theory, back_theory=back_theory, depth=depth, sw2=sw2,
                    activation=activation, shares=shares(outputs, MOST[activation]), shown=weights,
                    factors=(factor(up), factor(back[::-1])), theories=(factor(up_theory), factor(back_theory[::-1])))

    def draw(self, view, r):
        style, panel, strip = view.style, view["sizes"], view["outputs"]
        everything = np.concatenate([r.up, r.back, r.up_theory, r.back_theory, r.dW if r.shown else [1.0]])
        low = next((f for f in FLOORS if f < everything.min()), FLOORS[-1])
        high = next((c for c in CEILINGS if c > everything.max()), CEILINGS[-1])
        panel.frame(xlim=(-0.5, r.depth + 0.5), ylim=(low, high), yscale="log", y="mean square", grid=True,
                    xticks=layer_ticks(r.depth), title=self._headline(r))
        layers = np.arange(1, r.depth + 1)
        panel.line("up theory", np.arange(r.depth + 1), r.up_theory, color=style.ink, width=1.2, dash="--", z=5)
        panel.line("back theory", layers, r.back_theory, color=style.ink, width=1.2, dash="--", z=5)
        panel.line("up", np.arange(r.depth + 1), r.up, color=style.positive, width=2.2, marker="o", size=5)
        panel.line("back", layers, r.back, color=style.negative, width=2.2, marker="^", size=5)
        if r.shown:
            panel.line("dW", layers, r.dW, color=style.accent, width=1.6, marker="s", size=4)
        for name, x, words, color in (("up", 0.0, "● the signal h, upwards →", style.positive),
                                      ("back", 0.36, "▲ the gradient δ, ← back down", style.negative),
                                      ("dW", 0.78, "■ dL/dW" if r.shown else "", style.accent)):
            panel.text(f"{name} name", 0.015 + x, 0.055, words, inside=True, color=color, size=9.5, box=bool(words))
        most = MOST[r.activation]
        strip.frame(xlim=(-0.5, r.depth + 0.5), ylim=(0 if most == 3.0 else -most, most), x="layer (0: the inputs)",
                    xticks=layer_ticks(r.depth), y="h",
                    title="What the neurons of each layer answer: the stronger the shade, the more of them")
        strip.image("shares", r.shares, (-0.5, r.depth + 0.5, 0 if most == 3.0 else -most, most), cmap=style.grey)

    @staticmethod
    def _headline(r):
        return (f"A layer multiplies by {r.factors[0]:.3f} on the way up, {r.factors[1]:.3f} on the way back   "
                f"(dashed: theory)")

    def tell(self, r):
        words = f"{r.depth} layers of {r.activation}, weights of variance {r.sw2:.2f}/n."
        numbers = {"signal at the top": _size(r.up[-1]), "gradient at the bottom": _size(r.back[0]),
                   "factor up": f"{r.factors[0]:.3f}", "theory": f"{r.theories[0]:.3f}",
                   "factor back": f"{r.factors[1]:.3f}", "theory, back": f"{r.theories[1]:.3f}"}
        if r.shown:
            numbers["dL/dW, first to last layer"] = f"{r.dW[0]:.2g}"
        return words, numbers


def _size(mean_square):
    return f"{mean_square:.2g}" if mean_square > NOTHING else "0"
