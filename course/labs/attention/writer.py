"""Lab 9h. A small language model writes: one character at a time, each drawn from probabilities that a temperature
sharpens or flattens; and where its heads look meanwhile.
"""

import copy
import re

import numpy as np

import nnlab
from course.labs.attention.trained import CONTEXT, LETTERS, trained
from course.labs.controls import Choice, Slider
from course.labs.lab import Lab
from course.labs.predict import Question
from nnlab import grammar
from nnlab.models.language import next_probabilities

LENGTH, SHOWN, LINES, BEST = 360, 40, 7, 9
BEFORE = ". "  # or the model would have to guess whether a sentence begins here or is in its middle
PROMPTS = ("the cats near the tall robot see", "the cat near the tall robots see", "every small dog ", "my ")


def attend(model, ids):
    """What the model says of the next symbol, and the weights of its last place: logits (V,), (layers x heads, T)."""
    with nnlab.no_grad():
        x = model.places(model.symbols(ids[None]))
        kept = []
        for block in model.blocks:
            x, weights = block(x, return_weights=True)
            kept.append(weights[0, :, -1])
        return model.head(model.norm(x)).data[0, -1], np.concatenate(kept)


def verbs(sentences):
    """Of the sentences with something between subject and verb: (the subject, all up to the verb's ending, the ending's
    first character), where that is a space for many."""
    for sentence in sentences:
        parts = re.match("(.*?) (near|behind) (.*?) (see|like|follow|find|watch)", sentence)
        if parts and len(BEFORE + parts[0]) <= CONTEXT:
            yield parts[1], parts[0], sentence[len(parts[0])]


def look_back(model, sentences):
    """Where the last block's heads look when a verb's ending is due: their mean weight on the one place behind the
    subject, (heads,), over those of these sentences that have something between subject and verb; how many those were.
    """
    found = [attend(model, LETTERS.encode(BEFORE + read))[1][-4:, len(BEFORE + subject)]
             for subject, read, _ in verbs(sentences)]
    return np.mean(found, 0), len(found)


def agreement(model, sentences):
    """How often the most probable character is right where a verb's ending is due, in those of these sentences."""
    return float(np.mean([LETTERS.decode([attend(model, LETTERS.encode(BEFORE + read))[0].argmax()]) == ending
                          for _, read, ending in verbs(sentences)]))


def without(model, block, head):
    """A copy of the model with one head switched off, counted from 1 as in the lab: nobody gets what it fetches."""
    model = copy.deepcopy(model)
    attention = model.blocks[block - 1].attention
    mine = slice((head - 1) * attention.dim // attention.heads, head * attention.dim // attention.heads)
    weight = attention.out.weight.data.copy()
    weight[mine] = 0
    attention.out.weight.data = weight
    return model


def write(model, prompt, sentences, temperature, rng, most=110):
    """Many texts at once, each from the prompt to its first full stop: a list of `sentences` strings."""
    rng = nnlab.rng.as_rng(rng)
    ids = np.tile(LETTERS.encode(BEFORE + prompt), (sentences, 1))
    stop, done = LETTERS.encode(".")[0], np.zeros(sentences, bool)
    for _ in range(most):
        logits = nnlab.predict(model, ids[:, -CONTEXT:])[:, -1]
        drawn = [rng.choice(len(row), p=next_probabilities(row, temperature)) for row in logits]
        ids = np.c_[ids, drawn]
        done |= ids[:, -1] == stop
        if done.all():
            break
    return [LETTERS.decode(row)[len(BEFORE):].partition(".")[0] for row in ids]


class Writer(Lab):
    """The stored model writes on from a beginning, character by character; temperature acts on the next one."""

    id, title = "9h", "A language model writes"
    controls = dict(
        temperature=Slider(0.0, 2.0, 1.0, 0.05, "temperature", live=True),
        prompt=Choice(PROMPTS, PROMPTS[0], "begin with"),
        seed=Slider(0, 30, 0, 1, "other draws"),
    )
    question = Question(
        "The model has read 4,000 sentences and now writes new ones, drawing each character from softmax(logits / τ). "
        "What does it write at temperature 0?",
        ("Nothing", "Sentences full of mistakes", "Right sentences, but always the same ones", "Its training text"),
        "Right sentences, but always the same ones",
        "At 0 it always takes the most probable character: no mistakes, no surprises, soon a loop. Towards 1 it draws "
        "as it has learned; above, rare characters get more than their share, and one wrong letter leads to the next.",
    )
    panels, size, per_frame = (("text", "text"), ("heads", "next")), (760, 500), 1
    grid = dict(height_ratios=(1, 1.25), width_ratios=(2.4, 1))

    @staticmethod
    def train(temperature, prompt, seed):
        model, rng = trained("language"), np.random.default_rng(seed)
        ids = LETTERS.encode(BEFORE + prompt)

        def state(temperature):
            logits, weights = attend(model, ids[-CONTEXT:])
            return dict(text=LETTERS.decode(ids)[len(BEFORE):], logits=logits, weights=weights,
                        temperature=float(temperature), look=lambda temperature, **_: dict(temperature=temperature))

        shown = state(temperature)
        now = yield shown
        while len(ids) < LENGTH:
            p = next_probabilities(shown["logits"], now["temperature"])
            ids = np.append(ids, rng.choice(len(p), p=p))
            shown = state(now["temperature"])
            now = yield shown

    def draw(self, view, r):
        style, page, heads, ahead = view.style, view["text"], view["heads"], view["next"]
        page.frame(xlim=(0, 1), ylim=(LINES - 0.4, -0.6), ticks=False,
                   title="What it has written (✓ grammatical, ✗ not)")
        lines = r.text.split(". ")
        finished, current = [line.strip(". ") for line in lines[:-1]], lines[-1]
        shown = [(line, grammar.grammatical(line)) for line in finished][-(LINES - 1):]
        shown.append((current + "▏", None))
        for i, (line, good) in enumerate(shown):
            color = style.ink if good is None else style.accent if good else style.negative
            page.text(f"line{i}", 0.025, i, line, color=color, size=10.5)
            if good is not None:
                page.text(f"mark{i}", 0.0, i, "✓" if good else "✗", color=color, size=10.5)
        window = r.text[-SHOWN:]
        weights = r.weights[:, -len(window):]
        n, rows = len(window), len(weights)
        heads.frame(xlim=(-3.2, SHOWN), ylim=(rows - 0.3, -1.6), ticks=False,
                    title="Where its 8 heads look for the next character")
        left = SHOWN - n
        heads.image("weights", weights[::-1], (left - 0.5, SHOWN - 0.5, rows - 0.5, -0.5), vmin=-1.0)
        for k, c in enumerate(window):
            heads.text(f"at{k}", left + k, -1.05, "·" if c == " " else c, ha="center", size=9)
        for h in range(rows):
            heads.text(f"head{h}", -0.8, h, f"{1 + h // 4}.{1 + h % 4}", ha="right", size=8.5, color=style.faint,
                       still=True)
        p = next_probabilities(r.logits, r.temperature)
        best = np.argsort(-r.logits, kind="stable")[:BEST]  # at temperature 0 all but one have p = 0
        ahead.frame(xlim=(0, 1.42), ylim=(BEST - 0.4, -0.7), ticks=False, title="Probable next characters")
        for i, symbol in enumerate(best):
            c = LETTERS.decode([symbol]) or "?"
            ahead.text(f"name{i}", 0.04, i, {" ": "space"}.get(c, c), ha="left", size=10)
            ahead.line(f"bar{i}", [0.32, 0.32 + 0.75 * p[symbol]], [i, i], color=style.positive,
                       width=11).set_solid_capstyle("butt")
            ahead.text(f"p{i}", 0.36 + 0.75 * p[symbol], i, f"{p[symbol]:.2f}", size=9, color=style.faint)

    def tell(self, r):
        p = next_probabilities(r.logits, r.temperature)
        sentences = [line.strip(". ") for line in r.text.split(". ")[:-1]]
        good = sum(map(grammar.grammatical, sentences))
        c = LETTERS.decode([int(p.argmax())]) or "?"
        return (f"It has written: {r.text[-60:].strip()}",
                {"temperature": f"{r.temperature:.2f}",
                 "most probable next": f"{'space' if c == ' ' else c} {p.max():.2f}",
                 "sentences right": f"{good} of {len(sentences)}"})
