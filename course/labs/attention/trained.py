"""The unit's four trained networks: how each is trained, and the weights that `python tools/make_weights.py` stored.

Three translate dates, one writes sentences of `nnlab.grammar`. Half precision is enough for weights, so each file has
some 60 kB.
"""

import pathlib
from functools import cache

import numpy as np

import nnlab
from nnlab import dates, grammar

FOLDER = pathlib.Path(__file__).parent / "weights"
REACH = 2
PEAK, WARM = 0.01, 50  # the largest learning rate, and the steps that lead up to it
LETTERS = nnlab.Vocabulary(grammar.text(300, rng=0))
CONTEXT = 48


def rate(step, steps):
    """The learning rate of this step: up to PEAK in WARM steps, then evenly down to a tenth."""
    return PEAK * min((step + 1) / WARM, 1 - 0.9 * max(step - WARM, 0) / max(steps - WARM, 1))


def steps_of(model, batch, steps):
    """Train `model` on batch() at each step, as model.loss takes it: yields (step, loss)."""
    adam = nnlab.Adam(model.parameters(), lr=PEAK)
    for step in range(steps):
        adam.lr = rate(step, steps)
        loss = model.loss(*batch())
        adam.zero_grad()
        loss.backward()
        adam.step()
        yield step + 1, loss.item()


def encoded(written, iso):
    """Dates as numbers: (N, T_in), and (N, 12) with the marks of start and end."""
    return dates.WRITTEN.encode(written), dates.ISO.encode(iso, marks=True)


class NearReader(nnlab.EncoderDecoder):
    """An EncoderDecoder whose encoder lets a character see only its REACH neighbours on either side.

    What the decoder finds at a character is then about that character: its weights can be read as an alignment.
    """

    def encode(self, source):
        mask, places = source != nnlab.Vocabulary.pad, np.arange(source.shape[1])
        near = np.abs(places[:, None] - places) <= REACH  # (T_in, T_in)
        x = self.read(source)
        x = x + nnlab.functional.sinusoidal_positions(*x.shape[1:])
        return self.norm(self.encoder(x, mask[:, None] & near)), mask  # (N, T_in, dim), (N, T_in)


def translator(kind="near", rng=None):
    """An untrained network that is to turn dates into ISO.

    near: with attention over characters that know their neighbours; mixed: over characters that have all looked at all
    others before; vector: all mixed, and then one vector, their mean, for the whole text.
    """
    sizes = len(dates.WRITTEN), len(dates.ISO)
    return NearReader(*sizes, rng=rng) if kind == "near" else nnlab.EncoderDecoder(
        *sizes, bottleneck=kind == "vector", rng=rng)


def learn_dates(model, steps, rng):
    """Train it on new random dates at every step, 64 at a time: yields (step, loss)."""
    return steps_of(model, lambda: encoded(*dates.sample(64, rng=rng)), steps)


def writer(rng=None):
    """An untrained network that is to write sentences of the grammar."""
    return nnlab.TransformerLM(len(LETTERS), 32, 4, 2, CONTEXT, rng=rng)


def learn_language(model, steps, rng, sentences=4000):
    """Train it on pieces of a text of that many sentences, 32 pieces at a time: yields (step, loss)."""
    ids = LETTERS.encode(grammar.text(sentences, rng))

    def batch():
        starts = rng.integers(len(ids) - CONTEXT, size=32)
        return (ids[starts[:, None] + np.arange(CONTEXT + 1)],)

    return steps_of(model, batch, steps)


MAKERS = {  # name -> (the untrained model, how it learns, steps)
    "near": (lambda rng: translator("near", rng), learn_dates, 2000),
    "mixed": (lambda rng: translator("mixed", rng), learn_dates, 2000),
    "vector": (lambda rng: translator("vector", rng), learn_dates, 2000),
    "language": (writer, learn_language, 2500),
}


@cache
def trained(name):
    """The trained network "near", "mixed", "vector" or "language". Everybody gets the same one: do not train it on."""
    model = MAKERS[name][0](0)
    with np.load(FOLDER / f"{name}.npz") as stored:
        model.load_state_dict({key: stored[key].astype(np.float32) for key in stored.files})
    return model.eval()


def whole_dates(model, source, target):
    """Which dates it translates without a mistake: (N,) booleans.

    With the right answer so far given, as in training: whoever is right at every place would also write that by itself.
    """
    with nnlab.no_grad():
        said = model(source, target[:, :-1]).data.argmax(-1)
    return ((said == target[:, 1:]) | (target[:, 1:] == nnlab.Vocabulary.pad)).all(1)
