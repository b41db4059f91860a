"""Translation with attention: an encoder turns the source into vectors, and for each symbol that it writes, a decoder
looks back at all of them, weighted by how well they fit what it needs now: an alignment that nobody labelled.

The idea is Bahdanau, Cho and Bengio's, ICLR 2015; its form here, scaled dot products instead of their small network and
no recurrence, is the transformer's: Vaswani et al., NeurIPS 2017.
"""

import numpy as np

from nnlab.functional import sinusoidal_positions
from nnlab.models.language import as_ids, is_count, next_symbol_loss, start_small
from nnlab.module import Module
from nnlab.nn import MLP, Embedding, LayerNorm, Linear, MultiHeadAttention, TransformerBlock
from nnlab.rng import as_rng
from nnlab.tensor import no_grad
from nnlab.text import Vocabulary


class DecoderBlock(Module):
    """What is written so far looks at itself, then at the source, then an MLP for each place; each with a residual.

    x: (N, T_out, dim), memory: (N, T_in, dim), mask: (N, T_in) booleans, True where the source is no padding, or None
    -> (N, T_out, dim) and the weights of its look at the source, an array (N, T_out, T_in): one head, one alignment.
    """

    def __init__(self, dim, heads=1, hidden=None, *, dtype=np.float32, rng=None):
        rng = as_rng(rng)
        self.norms = [LayerNorm(dim, dtype=dtype) for _ in range(3)]
        self.past = MultiHeadAttention(dim, heads, dtype=dtype, rng=rng)
        self.source = MultiHeadAttention(dim, dtype=dtype, rng=rng)
        self.mlp = MLP(dim, hidden or 4 * dim, dim, activation="relu", dtype=dtype, rng=rng)

    def forward(self, x, memory, mask=None):
        x = x + self.past(self.norms[0](x), causal=True)
        found, weights = self.source(self.norms[1](x), memory, mask, return_weights=True)
        x = x + found
        return x + self.mlp(self.norms[2](x)), weights[:, 0]


class EncoderDecoder(Module):
    """Writes one sequence from another. source: (N, T_in), target: (N, T_out) -> logits (N, T_out, target_vocab).

    source_vocab, target_vocab: how many symbols each side has, the marks of `Vocabulary` included.
    bottleneck: the decoder gets the mean of the encoder's vectors instead of them all, one vector however long the
        source is: what was before attention (Sutskever, Vinyals and Le; Cho et al., both 2014).
    Place t of the logits foretells the symbol after target's place t and depends on places 0 ... t of it only: in
    training it is given the right answer so far (teacher forcing).
    On the dates, 700 steps of 64 with Adam, lr rising to 0.01 in 50 steps and then falling evenly to a tenth, make 98.8
    to 99.7 % of unseen days right from nine of ten seeds and 83 % from the tenth; with the bottleneck 37 to 60 % (3).
    Raises ValueError or TypeError for ids that are not (N, T) whole numbers and for unequal numbers of examples.

    >>> from nnlab import dates
    >>> model = EncoderDecoder(len(dates.WRITTEN), len(dates.ISO), dim=16, rng=0)
    >>> ids, weights = model.translate(dates.WRITTEN.encode(["3 May 1998", "1.1.01"]), 11)
    >>> len(dates.ISO.decode(ids)), weights.shape  # untrained: it writes anything
    (2, (2, 11, 10))
    """

    def __init__(self, source_vocab, target_vocab, dim=32, heads=4, *, bottleneck=False, dtype=np.float32, rng=None):
        rng = as_rng(rng)
        self.bottleneck = bottleneck
        self.read = Embedding(source_vocab, dim, dtype=dtype, rng=rng)
        self.encoder = TransformerBlock(dim, heads, 2 * dim, dtype=dtype, rng=rng)
        self.norm = LayerNorm(dim, dtype=dtype)
        self.written = Embedding(target_vocab, dim, dtype=dtype, rng=rng)
        self.decoder = DecoderBlock(dim, heads, 2 * dim, dtype=dtype, rng=rng)
        self.last_norm = LayerNorm(dim, dtype=dtype)
        self.head = Linear(dim, target_vocab, dtype=dtype, rng=rng)
        start_small(self, dim, rng)

    def forward(self, source, target):
        return self.decode(target, *self.encode(source))[0]

    def encode(self, source):
        """(N, T_in) -> memory (N, T_in, dim), mask (N, T_in); with the bottleneck (N, 1, dim) and None."""
        source = as_ids(source, "source")
        mask = source != Vocabulary.pad
        memory = self.norm(self.encoder(_placed(self.read(source)), mask))
        if self.bottleneck:
            share = mask / np.maximum(mask.sum(1, keepdims=True), 1)  # the mean over what is no padding
            memory, mask = (memory * share[..., None]).sum(1, keepdims=True), None
        return memory, mask

    def decode(self, target, memory, mask=None):
        """(N, T_out) and what `encode` gave -> logits (N, T_out, target_vocab), weights (N, T_out, T_in)."""
        target = as_ids(target, "target")
        if len(target) != len(memory):
            raise ValueError(f"there are {len(memory)} sources and {len(target)} targets: one for each is needed.")
        x, weights = self.decoder(_placed(self.written(target)), memory, mask)
        return self.head(self.last_norm(x)), weights

    def loss(self, source, target):
        """The mean cost of each next symbol, in nats. target: (N, T_out + 1) with its marks; padding is free."""
        target = as_ids(target, "target", at_least=2)
        return next_symbol_loss(self(source, target[:, :-1]), target[:, 1:])

    @no_grad()
    def translate(self, source, length):
        """Greedy: always the most probable next symbol. (N, T_in) -> ids (N, length), weights (N, length, T_in).

        What stands behind the end mark is padding.
        """
        if not is_count(length, 1):
            raise ValueError(f"translate: length counts symbols, at least 1; got {length!r}.")
        memory, mask = self.encode(source)
        ids = np.full((len(memory), 1), Vocabulary.start)
        for _ in range(length):
            logits, weights = self.decode(ids, memory, mask)
            chosen = logits.data[:, -1].argmax(1)
            chosen[(ids == Vocabulary.end).any(1)] = Vocabulary.pad
            ids = np.concatenate([ids, chosen[:, None]], 1)
        return ids[:, 1:], weights


def _placed(x):
    return x + sinusoidal_positions(x.shape[1], x.shape[2], dtype=x.dtype)
