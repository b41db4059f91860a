"""A language model: the probability of the next character given those before it, so that text can be drawn from it.

A small decoder-only transformer: Vaswani et al., NeurIPS 2017, without the encoder; Radford et al., 2018 (GPT) and 2019
(GPT-2: norms first, learned positions). Sampling from the k most probable: Fan, Lewis and Dauphin, ACL 2018.
"""

from math import sqrt
from operator import index

import numpy as np

from nnlab import functional as F
from nnlab import init as initial
from nnlab.module import Module
from nnlab.nn import Embedding, LayerNorm, LearnedPositions, Linear, TransformerBlock
from nnlab.nn.dense import width
from nnlab.rng import as_rng
from nnlab.tensor import no_grad
from nnlab.text import Vocabulary


class TransformerLM(Module):
    """A causal transformer over symbols. ids: (N, T) whole numbers -> logits (N, T, vocab) for the symbol after each.

    vocab: how many symbols there are; dim, heads, layers: of the blocks; context: how far it looks, the largest T.
    On `grammar.text`, with dim=32 and context=48, 1,700 steps of 32 bring the loss to 0.40 (3 seeds; entropy is 0.35)
    in about 20 s, and 87 to 92 % of what it then writes at temperature 1 is grammatical.
    Raises ValueError for ids that are not (N, T) with T in 1 ... context, and as `Embedding` does for wrong numbers.

    >>> model = TransformerLM(vocab=30, dim=16, heads=2, layers=1, context=8, rng=0)
    >>> model([[5, 3, 4]]).shape, model.generate([5, 3, 4], 2, rng=0).shape
    ((1, 3, 30), (5,))
    """

    def __init__(self, vocab, dim=64, heads=4, layers=2, context=64, *, dtype=np.float32, rng=None):
        rng, layers = as_rng(rng), width(layers, "TransformerLM", "layers", "blocks")
        self.context = context
        self.symbols = Embedding(vocab, dim, dtype=dtype, rng=rng)
        self.places = LearnedPositions(context, dim, dtype=dtype, rng=rng)
        self.blocks = [TransformerBlock(dim, heads, causal=True, dtype=dtype, rng=rng) for _ in range(layers)]
        self.norm = LayerNorm(dim, dtype=dtype)
        self.head = Linear(dim, vocab, dtype=dtype, rng=rng)
        start_small(self, dim, rng)

    def forward(self, ids):
        ids = as_ids(ids, "ids")
        if not 1 <= ids.shape[1] <= self.context:
            raise ValueError(f"{self.label} got {ids.shape[1]} symbols in a row: it looks at 1 to {self.context}.")
        x = self.places(self.symbols(ids))  # (N, T, dim)
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))  # (N, T, vocab)

    def loss(self, ids):
        """The mean cost of each next symbol, in nats. ids: (N, T + 1), T of them read and T foretold; padding is free.

        A model that knows nothing pays ln(vocab). Padding stands on the right, where the causal mask hides it.
        """
        ids = as_ids(ids, "ids", at_least=2)
        return next_symbol_loss(self(ids[:, :-1]), ids[:, 1:])

    @no_grad()
    def generate(self, prompt, n, temperature=1.0, top_k=None, rng=None):
        """The prompt and n symbols more, each drawn given those before it. prompt: (T,), T >= 1 -> (T + n,) int64.

        temperature, top_k: as in `next_probabilities`. Only the last `context` symbols are looked at.
        Raises ValueError for an empty prompt, and for n, temperature or top_k out of range.

        >>> model = TransformerLM(vocab=5, dim=8, heads=2, layers=1, context=6, rng=0)
        >>> model.generate([1, 2], 3, temperature=0).shape, (model.generate([1, 2], 3, top_k=1) == model.generate(
        ...     [1, 2], 3, temperature=0)).all().item()
        ((5,), True)
        """
        ids = as_ids(prompt, "prompt", axes="T")
        if not is_count(n, 0):
            raise ValueError(f"generate: n counts symbols, at least 0; got {n!r}.")
        rng, T = as_rng(rng), len(ids)
        ids = np.concatenate([ids, np.zeros(n, np.int64)])
        for t in range(T, T + n):
            logits = self(ids[None, max(0, t - self.context):t]).data[0, -1]
            ids[t] = rng.choice(len(logits), p=next_probabilities(logits, temperature, top_k))
        return ids

    def extra_repr(self):
        return f"{self.head.out_features} symbols, {len(self.blocks)} blocks, context {self.context}"


def start_small(model, dim, rng):
    """Draw all weights anew from N(0, 1 / (3 dim)), the variance of PyTorch's Linear; biases and norms stay.

    With Xavier's, three times larger, a transformer of this size needs twice the steps. The loss starts at about
    ln(vocab) + 1/6: logits of variance s^2 cost s^2 / 2 more than knowing nothing.
    """
    for p in model.parameters():
        if p.ndim == 2:
            p.data = initial.normal(p.shape, 1 / sqrt(3 * dim), dtype=p.dtype, rng=rng)


def next_symbol_loss(logits, target):
    """The mean of -ln softmax(logits)[target] over all places that are not padding.

    logits: (N, T, V); target: (N, T) whole numbers, `Vocabulary.pad` where nothing is asked -> ().
    Raises ValueError for shapes that do not fit and for nothing but padding.

    >>> from nnlab import Tensor
    >>> round(next_symbol_loss(Tensor(np.zeros((1, 3, 4))), [[3, 1, 0]]).item(), 4)  # ln 4
    1.3863
    """
    target = as_ids(target, "target")
    if np.ndim(logits) != 3 or np.shape(logits)[:2] != target.shape:
        raise ValueError(f"logits must be (N, T, V) and target (N, T); got {np.shape(logits)} and {target.shape}.")
    asked = (target != Vocabulary.pad).reshape(-1)
    if not asked.any():
        raise ValueError("the target holds nothing but padding.")
    losses = F.cross_entropy(logits.reshape(-1, logits.shape[-1]), target.reshape(-1), "none")
    return (losses * (asked / asked.sum())).sum()


def next_probabilities(logits, temperature=1.0, top_k=None):
    """What to draw the next symbol from: softmax(logits / temperature) over the top_k largest, 0 for the others.

    logits: (V,) -> (V,) float64. temperature: below 1 the probable becomes more so; at 0 only the largest is left
    (greedy). top_k: 1 ... V, None for all. Of equal logits the first count as larger.

    >>> next_probabilities([1.0, 3.0, 3.0], temperature=0), next_probabilities([0.0, 3.0, 3.0], top_k=2)
    (array([0., 1., 0.]), array([0. , 0.5, 0.5]))
    """
    logits = np.asarray(logits, float)
    if not 0 <= temperature < np.inf:
        raise ValueError(f"the temperature is a number of at least 0; got {temperature!r}.")
    if top_k is not None and not is_count(top_k, 1, len(logits)):
        raise ValueError(f"top_k is None or a whole number from 1 to {len(logits)}, the symbols; got {top_k!r}.")
    kept = np.argsort(-logits, kind="stable")[:1 if temperature == 0 else top_k]
    p = np.zeros(len(logits))
    p[kept] = F.softmax(logits[kept], temperature=temperature or 1.0).data
    return p


def is_count(n, low, high=np.inf):
    """Whether n is a whole number from low to high."""
    try:
        return not isinstance(n, bool) and low <= index(n) <= high
    except TypeError:
        return False


def as_ids(ids, name, axes="NT", at_least=1):
    """`ids` as an array of whole numbers with these axes, the last of length `at_least` or more."""
    ids = np.asarray(ids)
    if ids.ndim != len(axes) or ids.shape[-1] < at_least:
        raise ValueError(f"{name} must be ({', '.join(axes)}) with T of at least {at_least}; got shape {ids.shape}.")
    if ids.dtype.kind not in "iu":
        raise TypeError(f"{name} must be whole numbers, as Vocabulary.encode gives them; got {ids.dtype}.")
    return ids
