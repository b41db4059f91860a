"""Lab 1f. Through the layers: input, hidden and output neurons, one by one, and the one product that is a layer."""

import numpy as np

from course.labs.controls import Slider
from course.labs.lab import Lab
from course.labs.predict import Question
from nnlab.functional import relu

SUBSCRIPT = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def _column(n: int) -> np.ndarray:
    """Heights of n neurons in a column, centred on 0."""
    return (np.arange(n)[::-1] - (n - 1) / 2) * 1.0


class ThroughTheLayers(Lab):
    """A net of three layers drawn with its weights as edges; step through it neuron by neuron."""

    id, title = "1f", "Through the layers"
    controls = dict(
        inputs=Slider(1, 5, 3, 1, "input neurons"),
        hidden=Slider(1, 5, 4, 1, "hidden neurons"),
        outputs=Slider(1, 5, 2, 1, "output neurons"),
        x1=Slider(-2.0, 2.0, 1.0, 0.1, "first input x₁"),
        neuron=Slider(0, 10, 1, 1, "look at neuron"),
        seed=Slider(0, 20, 3, 1, "other weights"),
    )
    question = Question(
        "3 inputs, 4 hidden neurons, 2 outputs: how many numbers can this net learn?",
        ("9", "20", "26", "32"),
        "26",
        "3×4 weights and 4 biases lead into the hidden layer, 4×2 weights and 2 biases into the output: 16 + 10. "
        "Without the biases it would be 20, the answer most often given.",
    )
    panels, size = (("net",), ("sum",)), (760, 520)
    grid = dict(height_ratios=(3.3, 1))

    @staticmethod
    def compute(inputs, hidden, outputs, x1, neuron, seed):
        rng = np.random.default_rng(seed)
        # drawn at full size and cut, so that adding a neuron leaves the others as they are
        x = np.round(rng.uniform(-1.5, 1.5, 5), 1)[:inputs]
        W1, b1, W2, b2 = (np.round(rng.normal(0, 0.8, shape), 1) + 0.0 for shape in ((5, 5), 5, (5, 5), 5))  # no -0.0
        W1, b1, W2, b2 = W1[:inputs, :hidden], b1[:hidden], W2[:hidden, :outputs], b2[:outputs]
        x[0] = x1
        z1 = x @ W1 + b1
        h = relu.f(z1)
        return dict(x=x, W1=W1, b1=b1, z1=z1, h=h, W2=W2, b2=b2, y=h @ W2 + b2, look=min(neuron, hidden + outputs),
                    parameters=W1.size + b1.size + W2.size + b2.size)

    def draw(self, view, r):
        net, style = view["net"], view.style
        layers = (r.x, r.h, r.y)
        where = [np.stack([np.full(len(v), 3.0 * i), _column(len(v))], 1) for i, v in enumerate(layers)]
        net.frame(xlim=(-1.1, 7.1), ylim=(-2.75, 2.75), ticks=False, title="Edge: width is the size of the weight, "
                  "blue is positive, orange negative.   Neuron: its output")
        for i, W in enumerate((r.W1, r.W2)):
            ends = np.stack([np.repeat(where[i], len(where[i + 1]), 0), np.tile(where[i + 1], (len(where[i]), 1))], 1)
            into = np.tile(np.arange(W.shape[1]), W.shape[0]) + (0 if i == 0 else len(r.h))
            on = (into == r.look - 1) | (r.look == 0)
            colors = [self._shade(style, w, lit) for w, lit in zip(W.ravel(), on, strict=True)]
            net.segments(f"edges{i}", ends, colors=colors, widths=0.6 + 3.4 * np.abs(W.ravel()))
        for i, (values, name) in enumerate(zip(layers, "xhy", strict=True)):
            net.line(f"layer{i}", *where[i].T, dash="", marker="o", size=33, width=0, z=4).set(
                markerfacecolor=style.background, markeredgecolor=style.ink, markeredgewidth=1.4)
            for j, value in enumerate(values):
                net.text(f"value{i}{j}", *where[i][j], f"{value:.2f}", ha="center", size=10)
                net.text(f"name{i}{j}", *(where[i][j] + (0, 0.47)), f"{name}{j + 1}".translate(SUBSCRIPT), ha="center",
                         size=8, color=style.faint, still=True)
            net.text(f"title{i}", 3.0 * i, -2.65, ("input", "hidden, ReLU", "output")[i], ha="center", va="bottom",
                     size=10, color=style.faint, still=True)
        if r.look:
            spot = np.concatenate([where[1], where[2]])[r.look - 1]
            net.line("lit", [spot[0]], [spot[1]], dash="", marker="o", size=37, width=0, z=4.5).set(
                markerfacecolor="none", markeredgecolor=style.accent, markeredgewidth=3)
        box = view["sum"]
        box.frame(xlim=(0, 1), ylim=(0, 1), ticks=False)
        for i, line in enumerate(self._words(r)):
            box.text(f"line{i}", 0.01, 0.9 - 0.27 * i, line, size=10.5 if len(line) < 100 else 9,
                     color=style.ink if i else style.accent, still=i > 0)

    @staticmethod
    def _shade(style, weight, lit):
        from matplotlib.colors import to_rgba
        return to_rgba(style.positive if weight >= 0 else style.negative, 0.95 if lit else 0.22)

    @staticmethod
    def _words(r):
        n, m, k = len(r.x), len(r.h), len(r.y)
        rest = (f"hidden layer:  x (1, {n}) @ W₁ ({n}, {m}) + b₁ ({m},)  →  h (1, {m})",
                f"output layer:  h (1, {m}) @ W₂ ({m}, {k}) + b₂ ({k},)  →  y (1, {k})",
                f"numbers to learn:  ({n}·{m} + {m}) + ({m}·{k} + {k})  =  {r.parameters}")
        if r.look == 0:
            return "All neurons of a layer at once: one product and one sum.", *rest
        j = r.look - 1
        first = j < m
        v, W, b = (r.x, r.W1, r.b1) if first else (r.h, r.W2, r.b2)
        j -= 0 if first else m
        terms = " + ".join(f"{a:.2f}·({w:.1f})" for a, w in zip(v, W[:, j], strict=True))
        total = v @ W[:, j] + b[j]
        name = f"{'h' if first else 'y'}{j + 1}".translate(SUBSCRIPT)
        end = f"  →  ReLU  →  {max(total, 0):.2f}" if first else ""
        return f"{name}:   {terms}  + bias ({b[j]:.1f})  =  {total:.2f}{end}", *rest

    def tell(self, r):
        return (f"A net of {len(r.x)} input, {len(r.h)} hidden and {len(r.y)} output neurons. {self._words(r)[0]}",
                {"numbers to learn": str(r.parameters), "outputs": ", ".join(f"{v:.2f}" for v in r.y)})
