"""Lab 9e. The bottleneck: who must pack all he reads into one vector forgets; who may look back does not.

Pairs of a key and a value are read; then one key is asked for. Bahdanau, Cho and Bengio, ICLR 2015, figure 2, small.
"""

import numpy as np

import nnlab
from course.labs.controls import Choice, Slider
from course.labs.lab import Lab
from course.labs.predict import Question
from nnlab import functional as F

KEYS, VALUES, DIM, STEPS, BATCH = 32, 10, 32, 800, 64
LENGTHS = (2, 4, 8, 16)
MODELS = ("attention", "one vector")
# Accuracy after 800 steps at LENGTHS, means of seeds 0 ... 9: `python -m tests.lessons.test_09_attention recall`.
STORED = {"attention": (1.0, 1.0, 1.0, 1.0), "one vector": (0.999, 0.942, 0.731, 0.491)}


def problem(pairs, rng, n=BATCH):
    """-> keys (n, pairs), all different, values (n, pairs), the keys that are asked for (n,), the right answers (n,)"""
    keys = rng.random((n, KEYS)).argsort(1)[:, :pairs]
    values, asked = rng.integers(VALUES, size=(n, pairs)), rng.integers(pairs, size=n)
    return keys, values, keys[range(n), asked], values[range(n), asked]


class Recall(nnlab.Module):
    """Reads pairs, is asked for one. keys, values: (N, pairs), query: (N,) -> logits (N, 10) and weights, or None.

    attention: looks back at all pairs. Otherwise each pair becomes one vector, key times value number by number, and
    all that is kept of them is their sum: DIM numbers, however many pairs there were.
    """

    def __init__(self, attention=True, rng=None):
        rng = nnlab.rng.as_rng(rng)
        self.attention = attention
        self.keys, self.values = nnlab.Embedding(KEYS, DIM, rng=rng), nnlab.Embedding(VALUES, DIM, rng=rng)
        self.query, self.head = nnlab.Embedding(KEYS, DIM, rng=rng), nnlab.Linear(DIM, VALUES, rng=rng)

    def forward(self, keys, values, query):
        k, v, q = self.keys(keys), self.values(values), self.query(query[:, None])  # (N, pairs, DIM), (N, 1, DIM)
        if self.attention:
            found, weights = F.scaled_dot_product_attention(q, k, v, return_weights=True)
            return self.head(found.reshape(len(query), DIM)), weights[:, 0]
        memory = (k * v).sum(1)  # (N, DIM): the bottleneck
        return self.head(memory * q.reshape(len(query), DIM)), None


def learn(attention, pairs, seed=0, steps=STEPS):
    """Train a Recall step by step: yields (the model, the loss) after each."""
    rng = np.random.default_rng(seed)
    model = Recall(attention, rng)
    adam = nnlab.Adam(model.parameters(), lr=0.01)
    yield model, None
    for _ in range(steps):
        *given, right = problem(pairs, rng)
        loss = F.cross_entropy(model(*given)[0], right)
        adam.zero_grad()
        loss.backward()
        adam.step()
        yield model, loss.item()


def accuracy(model, pairs, n=500, seed=99):
    *given, right = problem(pairs, np.random.default_rng(seed), n)
    with nnlab.no_grad():
        return float((model(*given)[0].data.argmax(1) == right).mean())


class Bottleneck(Lab):
    """A network learns to look things up, with attention or through one vector of 32 numbers."""

    id, title = "9e", "Bottleneck or attention"
    controls = dict(
        pairs=Slider(2, 16, 8, 1, "pairs"),
        model=Choice(MODELS, "one vector", "it may keep"),
        seed=Slider(0, 20, 0, 1, "other start"),
    )
    question = Question(
        "A network reads pairs such as (k17, 4) and is then asked what belonged to k17. All it may keep is one vector "
        "of 32 numbers. With 4 pairs it is right 95 times of 100. With 8?",
        ("95 as before: 32 numbers are enough for 8", "about 90", "about 70", "about 10, as by guessing"),
        "about 70",
        "Each pair that is added to the sum is noise for all the others, and the share that is lost grows with every "
        "one. With attention nothing is added up before the question is known: 100 at any length.",
    )
    panels, size, per_frame = (("curve", "lengths"), ("pairs", "pairs")), (760, 450), 8
    grid = dict(height_ratios=(2.5, 1))

    @staticmethod
    def train(pairs, model, seed):
        curve, losses = [], []
        *shown, right = problem(pairs, np.random.default_rng([3, seed]), 1)

        def state(net):
            if len(losses) % 8 == 0:
                curve.append((len(losses), accuracy(net, pairs)))
            with nnlab.no_grad():
                logits, weights = net(*shown)
            return dict(curve=np.array(curve), pairs=pairs, model=model, step=len(losses), keys=shown[0][0],
                        values=shown[1][0], asked=int(shown[2][0]), right=int(right[0]), says=int(logits.data.argmax()),
                        weights=None if weights is None else weights[0])

        steps = learn(model == "attention", pairs, seed)
        yield state(next(steps)[0])
        for net, loss in steps:
            losses.append(loss)
            yield state(net)

    def draw(self, view, r):
        style, curve, lengths, row = view.style, view["curve"], view["lengths"], view["pairs"]
        color = style.positive if r.model == "attention" else style.negative
        curve.frame(xlim=(0, STEPS), ylim=(0, 1.03), x="step", y="right answers", grid=True,
                    title=f"{r.pairs} pairs, {r.model}")
        curve.line("curve", *r.curve.T, color=color, width=2.4)
        lengths.frame(xlim=(1, 17), ylim=(0, 1.03), x="pairs to remember", grid=True, xticks={n: n for n in LENGTHS},
                      title="After 800 steps, 10 starts")
        for name, of in (("attention", style.positive), ("one vector", style.negative)):
            if r.step:  # what is asked before is not shown before
                lengths.line(name, LENGTHS, STORED[name], color=of, width=1.6, marker="o", size=5)
        lengths.line("guessing", [1, 17], [1 / VALUES] * 2, color=style.faint, width=1, dash=":")
        lengths.text("guess", 16.8, 0.14, "guessing", ha="right", va="bottom", size=8.5, color=style.faint, still=True)
        lengths.text("a", 9, 0.92, "attention", ha="center", size=9, color=style.positive, still=True)
        lengths.text("b", 5.2, 0.6, "one vector", ha="center", size=9, color=style.negative, still=True)
        lengths.points("now", [r.pairs], [r.curve[-1, 1]], marker="*", size=15, color=style.accent)
        verdict = "right" if r.says == r.right else f"wrong, it is {r.right}"
        row.frame(xlim=(-0.6, 15.6), ylim=(-1.1, 1.5), ticks=False,
                  title=f"One example: asked for k{r.asked}, it says {r.says} ({verdict})")
        for i, (key, value) in enumerate(zip(r.keys, r.values)):
            if r.weights is not None:
                row.line(f"weight{i}", [i - 0.4, i - 0.4 + 0.8 * r.weights[i]], [-0.85, -0.85], color=style.positive,
                         width=6).set_solid_capstyle("butt")
            asked = key == r.asked
            row.text(f"key{i}", i, 0.85, f"k{key}", ha="center", size=10, weight="bold" if asked else "normal",
                     color=style.accent if asked else style.ink)
            row.text(f"value{i}", i, 0, str(value), ha="center", size=12, weight="bold" if asked else "normal",
                     color=style.accent if asked else style.ink)

    def tell(self, r):
        kept = "all pairs and looks back" if r.model == "attention" else "one vector of 32 numbers"
        return (f"A network that keeps {kept} is asked for one of {r.pairs} pairs.",
                {"step": str(r.step), "right answers": f"{r.curve[-1, 1]:.2f}", "pairs": str(r.pairs)})
