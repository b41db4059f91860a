"""Lab 9d. Attention learned from nothing: one layer learns to reverse, copy or swap a string, and its map forms.

The student knows what the map must look like before the network does: position i of the answer needs position ... of
the input. Nobody tells the network.
"""

import numpy as np

import nnlab
from course.labs.controls import Choice, Slider, Toggle
from course.labs.lab import Lab
from course.labs.predict import Question
from nnlab import functional as F

SYMBOLS, STEPS, BATCH, DIM = "abcdefghij", 600, 32, 32


def sources(task, L):
    """Where each place of the answer comes from: (answers, L). One row, but two for the neighbours left and right."""
    here = np.arange(L)
    return np.array({"reverse": [here[::-1]], "copy": [here], "swap halves": [(here + L // 2) % L],
                     "both neighbours": [(here - 1) % L, (here + 1) % L]}[task])


class OneLayer(nnlab.Module):
    """One attention layer, and nothing else between the symbols with their places and the choice of a symbol.

    ids: (N, L) -> logits (N, L, answers, symbols) and the weights (N, heads, L, L). Without `places` it cannot tell
    the first symbol from the last.
    """

    def __init__(self, length, answers=1, heads=1, places=True, rng=None):
        rng = nnlab.rng.as_rng(rng)
        n = len(SYMBOLS)
        self.answers = answers
        self.symbols = nnlab.Embedding(n, DIM, rng=rng)
        self.places = nnlab.Embedding(length, DIM, rng=rng) if places else None
        self.attention = nnlab.MultiHeadAttention(DIM, heads, rng=rng)
        self.head = nnlab.Linear(DIM, n * answers, rng=rng)

    def forward(self, ids):
        x = self.symbols(ids)
        x = x + self.places(np.arange(ids.shape[1])) if self.places else x
        mixed, weights = self.attention(x, return_weights=True)
        return self.head(mixed).reshape(*ids.shape, self.answers, len(SYMBOLS)), weights


def learn(task, L, heads=1, places=True, seed=0, steps=STEPS):
    """Train a OneLayer on random strings, step by step: yields (the model, the loss) after each."""
    draw, source = np.random.default_rng(seed), sources(task, L)
    model = OneLayer(L, len(source), heads, places, rng=draw)
    adam = nnlab.Adam(model.parameters(), lr=0.01)
    yield model, None
    for _ in range(steps):
        ids = draw.integers(len(SYMBOLS), size=(BATCH, L))
        target = ids[:, source].transpose(0, 2, 1)  # (N, L, answers)
        loss = F.cross_entropy(model(ids)[0].reshape(-1, len(SYMBOLS)), target.reshape(-1))
        adam.zero_grad()
        loss.backward()
        adam.step()
        yield model, loss.item()


def measure(model, task, L, strings=100, seed=99):
    """On new strings: (share of symbols right, the mean weight where it belongs, by head and answer; mean weights)."""
    ids, source = np.random.default_rng(seed).integers(len(SYMBOLS), size=(strings, L)), sources(task, L)
    with nnlab.no_grad():
        logits, weights = model(ids)
    right = logits.data.argmax(-1) == ids[:, source].transpose(0, 2, 1)
    weights = weights.mean(0)  # (heads, L, L)
    mass = np.array([[head[range(L), row].mean() for row in source] for head in weights])
    return float(right.mean()), mass, weights


class LearnTheMap(Lab):
    """One attention layer learns a task on strings; its map, for one string, as it forms."""

    id, title = "9d", "A map nobody labelled"
    controls = dict(
        task=Choice(("reverse", "copy", "swap halves", "both neighbours"), "reverse", "task"),
        L=Slider(4, 20, 12, 1, "length"),
        heads=Slider(1, 2, 1, 1, "heads"),
        places=Toggle(True, "it knows the places"),
        string=Slider(1, 20, 1, 1, "look at string", live=True),
        seed=Slider(0, 20, 0, 1, "other start"),
    )
    question = Question(
        "A layer is to write a string of 12 random letters (a to j) backwards. It knows the letters, but not their "
        "places. About how many will it get right?",
        ("100 %", "about 60 %", "about 25 %", "10 %, as by guessing"),
        "about 25 %",
        "Without places it can only know which letters there are and how often, so it bets on the frequent ones. That "
        "is better than guessing, and all there is to get. With places it is perfect after 150 steps.",
        skippable=False,
    )
    panels, size, per_frame = (("map", "curve"),), (760, 430), 4
    grid = dict(width_ratios=(1.75, 1))

    @staticmethod
    def train(task, L, heads, places, string, seed):
        curve, losses = [], []

        def look(string, **_):
            ids = np.random.default_rng([7, int(string)]).integers(len(SYMBOLS), size=(1, L))
            with nnlab.no_grad():
                logits, weights = model(ids)
            return dict(weights=weights[0], ids=ids[0], says=logits.data[0].argmax(-1),
                        right=ids[0][sources(task, L)].T)

        def state(string):
            if len(losses) % 4 == 0:
                accuracy, mass, _ = measure(model, task, L)
                curve.append((len(losses), accuracy, mass.max(0).mean()))
            return dict(task=task, L=L, curve=np.array(curve), step=len(losses), places=places,
                        loss=losses[-1] if losses else None, look=look, **look(string))

        steps = learn(task, L, heads, places, seed)
        model, _ = next(steps)
        now = yield state(string)
        for _, loss in steps:
            losses.append(loss)
            now = yield state(now["string"])

    def draw(self, view, r):
        style, panel, curve = view.style, view["map"], view["curve"]
        heads, L = len(r.weights), r.L
        wide = L + 1.5
        room = 2.3 + 0.05 * L
        panel.frame(xlim=(-room, heads * wide - 1.5), ylim=(L - 0.4, -1.9), ticks=False, aspect="equal",
                    title="Left: its answer. Above: the string. Blue: where it looks")
        size = max(6.0, min(11.0, 235 / (room + heads * wide)))
        frame = []
        for h, weights in enumerate(r.weights):
            x = h * wide
            panel.image(f"head{h}", weights[::-1], (x - 0.5, x + L - 0.5, L - 0.5, -0.5), vmin=-1.0)
            frame.append([(x - 0.5, -0.5), (x + L - 0.5, -0.5), (x + L - 0.5, L - 0.5), (x - 0.5, L - 0.5),
                          (x - 0.5, -0.5)])
            for i in range(L):
                panel.text(f"in{h}.{i}", x + i, -1.05, SYMBOLS[r.ids[i]], ha="center", size=size)
            if heads > 1:
                panel.text(f"name{h}", x + (L - 1) / 2, L + 0.2, f"head {h + 1}", ha="center", va="top", size=9.5,
                           color=style.faint)
        panel.segments("frame", frame, colors=[style.faint] * heads, widths=[0.9] * heads)
        for i in range(L):
            for a, said in enumerate(r.says[i]):
                wrong = said != r.right[i, a]
                panel.text(f"out{i}.{a}", -1.2 - 0.75 * (len(r.says[i]) - 1 - a), i, SYMBOLS[said], ha="center",
                           size=size, color=style.negative if wrong else style.ink,
                           weight="bold" if wrong else "normal")
        curve.frame(xlim=(0, STEPS), ylim=(0, 1.03), x="step", grid=True, title="While it learns, on 100 new strings")
        steps, accuracy, mass = r.curve.T
        curve.line("mass", steps, mass, color=style.accent, width=2)
        curve.line("accuracy", steps, accuracy, color=style.positive, width=2.4)
        curve.text("names", 0.97, 0.79, "letters right", inside=True, ha="right", size=9,
                   color=style.positive, still=True)
        curve.text("names2", 0.97, 0.72, "weight where it is needed", inside=True, ha="right", size=9,
                   color=style.accent, still=True)

    def tell(self, r):
        _, accuracy, mass = r.curve[-1]
        letters = "".join(SYMBOLS[i] for i in r.ids)
        said = " ".join("".join(SYMBOLS[k] for k in place) for place in r.says)
        words = f"{r.task.capitalize()}: for {letters} the layer says {said if len(r.says[0]) > 1 else said[::2]}."
        return words, {"step": str(r.step), "letters right": f"{accuracy:.2f}",
                       "weight where it is needed": f"{mass:.2f}"}
