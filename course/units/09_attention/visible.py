"""Unit 9, attention: the visible checks of its practice exercises. They travel to students.

Each speaks about a symptom and never about the solution. 5 queries, 6 keys, 8 features, 3 numbers in a value: no two
sizes are alike, so that a wrong axis, a wrong root or a swapped K and V shows.
"""

import numpy as np

from course.exercise import Exercise, Wrong, close, shaped

T_Q, T_K, D, D_V = 5, 6, 8, 3


def _softmax(s):
    e = np.exp(s - s.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def _weights(Q, K, mask=None):
    s = Q @ K.T / np.sqrt(Q.shape[1])
    return _softmax(s if mask is None else np.where(mask, s, -np.inf))


def _given(rng):
    """Q, K, V with scores that spread by about 1.5 after the division."""
    return 1.2 * rng.normal(size=(T_Q, D)), 1.2 * rng.normal(size=(T_K, D)), rng.normal(size=(T_K, D_V))


attention = Exercise("attention(Q, K, V, mask)")


@attention.check("one answer for each query, as wide as a value", catches="T9")
def _(attention, rng):
    try:
        got = attention(*_given(rng), None)
    except ValueError as problem:
        raise Wrong("Q is (5, 8), K is (6, 8), V is (6, 3), and your shapes do not fit together. Which product gives "
                    f"one score for each query and each key? ({problem})") from problem
    if isinstance(got, tuple):
        raise Wrong("it returned several things; expected the answers alone.")
    shaped(got, (T_Q, D_V), "5 queries look at 6 keys with 6 values of 3 numbers each.")


@attention.check("the weights of each query add up to 1")
def _(attention, rng):
    Q, K, _V = _given(rng)
    got = shaped(attention(Q, K, np.ones((T_K, D_V)), None), (T_Q, D_V))
    if not np.allclose(got, 1, atol=1e-5):
        raise Wrong(f"all values are 1 here, so every mean of them must be 1; your first answer is {got[0, 0]:.3f}. "
                    "Add up the weights of one query: what is their sum?")


@attention.check("how sharp the weights are", catches="T1, T13")
def _(attention, rng):
    Q, K, _V = _given(rng)
    right, p = _weights(Q, K), shaped(attention(Q, K, np.eye(T_K), None), (T_Q, T_K), "6 values of 6 numbers went in.")
    words = "With the values (1, 0, 0, ...), (0, 1, 0, ...) the answers are the weights"
    if not np.isfinite(p).all():
        raise Wrong("some answers are nan or infinite.")
    if np.allclose(p, right, atol=1e-5):
        return
    if (p.argmax(1) != right.argmax(1)).any():
        raise Wrong(f"{words}, and some queries give the largest one to another key than the one they fit best.")
    if ((p == 0) | (p == 1)).all():
        raise Wrong(f"{words}. Yours are all 0 or 1: the best key takes everything.")
    side = "too sharp" if p.max(1).mean() > right.max(1).mean() else "too even"
    raise Wrong(f"{words}. Yours are {side}: the first query's largest is {p[0].max():.3f} where it should be "
                f"{right[0].max():.3f}. What are the scores divided by?")


@attention.check("the right numbers")
def _(attention, rng):
    Q, K, V = _given(rng)
    close(attention(Q, K, V, None), _weights(Q, K) @ V,
          "if the weights are right: what are they multiplied with?")


@attention.check("scores of thousands")
def _(attention, rng):
    Q, K, V = np.zeros((2, D)), np.zeros((3, D)), np.array([[1.0], [2.0], [4.0]])
    Q[0, 0], K[1, 0], Q[1, 1], K[2, 1] = 1e3, 1e2, 1e3, 1e2
    close(attention(Q, K, V, None), [[2.0], [4.0]],
          "One key fits far better than all others (scores of some 35,000): the answer must be its value.")


@attention.check("where the mask is False no weight goes", catches="T3, T6")
def _(attention, rng):
    Q, K, _V = _given(rng)
    mask = np.tri(T_Q, T_K, dtype=bool)
    p = shaped(attention(Q, K, np.eye(T_K), mask), (T_Q, T_K))
    if not np.isfinite(p).all():
        raise Wrong("with a mask some answers are nan or infinite.")
    if np.allclose(p, _weights(Q, K), atol=1e-6):
        raise Wrong("the mask changes nothing.")
    if np.abs(p[mask]).max() < 1e-6:
        raise Wrong("all weight goes where the mask is False, none where it is True. What does True mean here?")
    if np.abs(p[~mask]).max() > 1e-7:
        raise Wrong(f"a key that may not be looked at gets a weight of {np.abs(p[~mask]).max():.3f}. Which score makes "
                    "softmax give exactly nothing?")


@attention.check("under a mask the weights still add up to 1", catches="T4")
def _(attention, rng):
    Q, K, _V = _given(rng)
    got = shaped(attention(Q, K, np.ones((T_K, 1)), np.tri(T_Q, T_K, dtype=bool)), (T_Q, 1))
    if not np.isfinite(got).all():
        raise Wrong("with a mask some answers are nan or infinite: what did softmax get there?")
    if not np.allclose(got, 1, atol=1e-5):
        raise Wrong(f"the weights of the first query, which may look at one key, add up to {got[0, 0]:.3f}: the shares "
                    "were dealt out before it was known who takes part.")


@attention.check("the leak test", catches="T3, T4, T6")
def _(attention, rng):
    Q, K, V = _given(rng)
    mask = np.tri(T_Q, T_K, dtype=bool)
    before = shaped(attention(Q, K, V, mask), (T_Q, D_V))
    changed_k, changed_v = K.copy(), V.copy()
    changed_k[3], changed_v[3] = 3 * rng.normal(size=D), 100 + rng.normal(size=D_V)
    after = shaped(attention(Q, changed_k, changed_v, mask), (T_Q, D_V))
    moved = np.abs(after[:3] - before[:3]).max()
    if not moved < 1e-6:
        raise Wrong(f"key and value number 4 were changed. Queries 1 to 3 may not look there, and yet their answers "
                    f"move by {moved:.2g}.")
    close(before, _weights(Q, K, mask) @ V, "nothing leaks, and yet the numbers under a mask are not right.")


multi_head = Exercise("multi_head(Q, K, V, heads)")
WIDE = 12


def _wide(rng):
    return 1.2 * rng.normal(size=(T_Q, WIDE)), 1.2 * rng.normal(size=(T_K, WIDE)), rng.normal(size=(T_K, WIDE))


def _heads(Q, K, V, heads):
    n = Q.shape[1] // heads
    parts = [slice(h * n, (h + 1) * n) for h in range(heads)]
    return np.concatenate([_weights(Q[:, p], K[:, p]) @ V[:, p] for p in parts], 1)


@multi_head.check("as wide as before")
def _(multi_head, rng):
    shaped(multi_head(*_wide(rng), 3), (T_Q, WIDE), "5 queries of 12 features, 3 heads with 4 features each.")


@multi_head.check("one head is plain attention")
def _(multi_head, rng):
    given = _wide(rng)
    close(multi_head(*given, 1), _heads(*given, 1), "with a single head it must give what attention gives.")


@multi_head.check("each head has its own features")
def _(multi_head, rng):
    Q, K, V = _wide(rng)
    before = shaped(multi_head(Q, K, V, 3), (T_Q, WIDE))
    for name, changed in (("queries", [Q.copy(), K, V]), ("keys", [Q, K.copy(), V]), ("values", [Q, K, V.copy()])):
        changed[["queries", "keys", "values"].index(name)][:, 4:8] += rng.normal(size=(len(K) - (name == "queries"), 4))
        after = shaped(multi_head(*changed, 3), (T_Q, WIDE))
        moved = np.abs(after - before).max(0) > 1e-9
        if moved[:4].any() or moved[8:].any():
            raise Wrong(f"features 5 to 8 of the {name} were changed, which belong to the second of 3 heads, and the "
                        "answers of other heads move.")
        if not moved[4:8].any():
            raise Wrong(f"features 5 to 8 of the {name} were changed, and nothing moves in the answers 5 to 8, which "
                        "are the second head's.")


@multi_head.check("the right numbers")
def _(multi_head, rng):
    given = _wide(rng)
    got, right = shaped(multi_head(*given, 3), (T_Q, WIDE)), _heads(*given, 3)
    close(got, right, "if the heads keep to their features: how many features does one head compare, and what are "
                      "its scores divided by?")
    close(multi_head(*given, 2), _heads(*given, 2), "3 heads are right, 2 are not.")


add_positions = Exercise("add_positions(X)")


@add_positions.check("the same shape, at every length")
def _(add_positions, rng):
    for shape in ((5, 4), (7, 6)):
        shaped(add_positions(rng.normal(size=shape)), shape, f"{shape[0]} places of {shape[1]} numbers went in.")


@add_positions.check("the first places", catches="T10")
def _(add_positions, rng):
    got = shaped(add_positions(np.zeros((3, 4))), (3, 4))
    if not got.any():
        raise Wrong("for vectors of zeros it returns zeros. Two words that are alike must become different by their "
                    "places, also these.")
    close(got[0], [0, 1, 0, 1], f"at place 0, the first, all angles are 0. It gives {np.round(got[0], 2).tolist()}.")
    close(got[1], [0.841471, 0.540302, 0.0099998, 0.99995],
          f"the row of place 1 for d = 4 is not right: {np.round(got[1], 4).tolist()}. Work it out by hand: two "
          "angles, and of each a sine and a cosine, next to each other.")


@add_positions.check("every place, every column", catches="T10")
def _(add_positions, rng):
    angles = np.arange(50)[:, None] / 10000 ** (np.arange(0, 6, 2) / 6)
    table = np.stack([np.sin(angles), np.cos(angles)], 2).reshape(50, 6)
    close(add_positions(np.zeros((50, 6))), table,
          "the table for d = 6 and 50 places is not right. If it was for d = 4: is a number fixed that depends on d?")


@add_positions.check("the places are added", catches="T10")
def _(add_positions, rng):
    X = rng.normal(size=(5, 6))
    moved = shaped(add_positions(X), (5, 6)) - shaped(add_positions(0 * X), (5, 6))
    close(moved, X, "what comes out must be the vectors plus their places, number by number.")


attention_backward = Exercise("attention_backward(Q, K, V, dY)")


def _slopes(Q, K, V, dY, h=1e-5):
    """The three gradients of sum(dY * attention(Q, K, V)), by central differences."""
    found = []
    for a in (Q, K, V):
        g = np.zeros_like(a)
        for i in np.ndindex(a.shape):
            kept = a[i]
            a[i] = kept + h
            up = (dY * (_weights(Q, K) @ V)).sum()
            a[i] = kept - h
            g[i] = (up - (dY * (_weights(Q, K) @ V)).sum()) / (2 * h)
            a[i] = kept
        found.append(g)
    return found


def _back(attention_backward, rng):
    given = [*_given(rng), rng.normal(size=(T_Q, D_V))]
    try:
        got = attention_backward(*given)
    except ValueError as problem:
        raise Wrong("Q is (5, 8), K is (6, 8), V is (6, 3), dY is (5, 3), and your shapes do not fit together: "
                    f"{problem}") from problem
    if not isinstance(got, tuple | list) or len(got) != 3:
        raise Wrong(f"it returned a {type(got).__name__}; expected three arrays: dQ, dK, dV.")
    shapes = zip("QKV", got, given[:3], strict=True)
    return [shaped(g, a.shape, f"d{name} has the shape of {name}.") for name, g, a in shapes], _slopes(*given)


@attention_backward.check("three gradients, each of the shape of what it belongs to")
def _(attention_backward, rng):
    _back(attention_backward, rng)


@attention_backward.check("dV against finite differences")
def _(attention_backward, rng):
    got, right = _back(attention_backward, rng)
    close(got[2], right[2], "dV is not the slope of the loss. Value j has gone into every answer, with which share?",
          rtol=1e-4)


@attention_backward.check("dQ and dK against finite differences", catches="T12")
def _(attention_backward, rng):
    got, right = _back(attention_backward, rng)
    for name, g, r in zip("QK", got, right):
        ratio = (g * r).sum() / (r * r).sum()
        if np.abs(g - ratio * r).max() < 1e-4 * np.abs(r).max() and abs(ratio - 1) > 1e-3:
            raise Wrong(f"d{name} points the right way and is {ratio:.3g} times as long as the slope.")
        close(g, r, f"d{name} is not the slope of the loss. One score moves all weights of its row, not just its own: "
                    "they share what there is.", rtol=1e-4)
