"""Unit 9's hidden checks. Their titles and symptoms are all of them that a student ever sees: say what goes wrong, not
with which numbers. What a failed one says here, only an instructor reads."""

import numpy as np

from course.exercise import Exercise, Wrong, close, shaped


def _shares(scores):
    """Softmax along the last axis; zeros where all scores are -inf."""
    top = scores.max(-1, keepdims=True)
    e = np.exp(scores - np.where(np.isfinite(top), top, 0))
    return e / np.maximum(e.sum(-1, keepdims=True), 1e-300)


# Five answers --------------------------------------------------------------------------------------------------------
five_answers = Exercise("five_answers")


def _five(variant):
    z = np.array([variant[f"s{i}"] for i in (1, 2, 3, 4)])
    seen = np.array([word == "True" for word in variant["mask"].split(", ")]) == (variant["true"] == "may look")
    V, scaled = np.array([10, 20, 40, 80]), z / variant["d"] ** 0.5
    return [_shares(np.where(seen, scaled, -np.inf)) @ V, V[seen].mean(), _shares(np.where(seen, z, -np.inf)) @ V,
            _shares(scaled * seen) @ V, _shares(scaled) * seen @ V]


def _numbers(five_answers, *places):
    got = shaped(five_answers(), (5,))
    for place in places:
        close(got[place], _five(five_answers.variant)[place], "off", rtol=1e-3)


@five_answers.check("the answer, and the one to a query of zeros", points=0.5, catches="T1 T3 T4 T6 T13",
                    symptom="The answer, or the one to a query of zeros, is off. What does True mean in your mask, and "
                    "which products are left of a query of zeros?")
def _(five_answers, rng):
    _numbers(five_answers, 0, 1)


@five_answers.check("not divided", points=0.5, catches="T1 T6",
                    symptom="The answer without the division is off. The mask holds there too.")
def _(five_answers, rng):
    _numbers(five_answers, 2)


@five_answers.check("masked scores times zero", points=0.5, catches="T3",
                    symptom="The answer is off for the friend who multiplies masked scores by zero. Which weight has a "
                    "score of zero?")
def _(five_answers, rng):
    _numbers(five_answers, 3)


@five_answers.check("masked after softmax", points=0.5, catches="T4",
                    symptom="The answer is off for the friend who masks the finished weights and leaves it at that.")
def _(five_answers, rng):
    _numbers(five_answers, 4)


# Heads and padding ---------------------------------------------------------------------------------------------------
padded_heads = Exercise("padded_heads(Q, K, V, heads, real)")


def _answers(Q, K, V, heads, real):
    mask, answers = np.tri(len(Q), dtype=bool) & real, []
    for q, k, v in zip(*(np.split(part, heads, 1) for part in (Q, K, V)), strict=True):
        answers.append(_shares(np.where(mask, q @ k.T / np.sqrt(q.shape[1]), -np.inf)) @ v)
    return np.hstack(answers)


def _right(padded_heads, Q, K, V, heads, real, symptom):
    got = shaped(padded_heads(Q, K, V, heads, real), V.shape)
    close(got, _answers(Q, K, V, heads, real), symptom)


def _made(rng, T, width, values):
    return 1.3 * rng.normal(size=(T, width)), 1.3 * rng.normal(size=(T, width)), rng.normal(size=(T, values))


@padded_heads.check("other sizes, number by number", points=0.5, catches="T1 T9 T13",
                    symptom="With other numbers of places, heads and features some answers are off.")
def _(padded_heads, rng):
    for T, heads, width, values in ((6, 3, 12, 9), (5, 2, 4, 10), (4, 1, 3, 2)):
        _right(padded_heads, *_made(rng, T, width, values), heads, np.ones(T, bool), "off")


@padded_heads.check("padding anywhere, the leak test", points=0.5, catches="T3 T4 T6",
                    symptom="With padding at some places an answer is off, or it moves when something is changed that "
                    "it may not look at: a later place, or padding.")
def _(padded_heads, rng):
    real = np.array([True, False, True, True, False, True, False])
    Q, K, V = _made(rng, 7, 6, 4)
    _right(padded_heads, Q, K, V, 2, real, "off")
    for part in (Q, K, V):  # a real place and one of padding
        part[3:5] += 3 * rng.normal(size=(2, part.shape[1]))
    _right(padded_heads, Q, K, V, 2, real, "off after a change")


@padded_heads.check("nothing to look at", points=0.5,
                    symptom="Where the text begins with padding, a place may look nowhere. It must get zeros, and all "
                    "others their answers.")
def _(padded_heads, rng):
    _right(padded_heads, *_made(rng, 6, 4, 6), 2, np.array([False, False, True, False, True, True]), "off")


@padded_heads.check("scores of thousands", points=0.5, catches="T4",
                    symptom="With queries and keys a hundred times as large there is a nan, or an answer is off, also "
                    "where the largest score belongs to a place that may not be seen.")
def _(padded_heads, rng):
    Q, K, V = _made(rng, 6, 8, 6)
    _right(padded_heads, 100 * Q, 100 * K, V, 2, np.ones(6, bool), "off")
    K[2], K[5] = 900 * np.abs(rng.normal(size=8)), 900
    _right(padded_heads, np.abs(Q), K, V, 2, np.array([True, True, False, True, True, True]), "off")


# Answers from several machines ---------------------------------------------------------------------------------------
merged_answers = Exercise("merged_answers(m, s, Y)")


def _sent(Z, V, homes):
    """What machines send for scores Z (T_q, T_k), and what one machine with all keys answers."""
    parts = [(Z[:, homes == p], V[homes == p]) for p in range(homes.max() + 1)]
    m = np.array([z.max(1) for z, _ in parts])
    safe = np.where(np.isfinite(m), m, 0)[:, :, None]
    s = np.array([np.exp(z - top).sum(1) for (z, _), top in zip(parts, safe, strict=True)])
    return m, s, np.array([_shares(z) @ v for z, v in parts]), _shares(Z) @ V


@merged_answers.check("scores of thousands, above and below zero", points=0.5,
                      symptom="Where scores are far from zero, in one query far above and in another far below, there "
                      "is a nan or an answer is off.")
def _(merged_answers, rng):
    Z, V = 2 * rng.normal(size=(4, 11)), rng.normal(size=(11, 3))
    homes = np.array([0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 2])
    Z += np.array([[2000.0], [-2000.0], [0.0], [-900.0]]) + 100.0 * (homes == np.array([[0], [1], [2], [1]]))
    *sent, right = _sent(Z, V, homes)
    got = shaped(merged_answers(*sent), (4, 3))
    for one, wanted in zip(got, right, strict=True):
        close(one, wanted, "off")


@merged_answers.check("many machines, few keys", points=0.5,
                      symptom="With other numbers of machines and queries, some with a single key and some with "
                      "nothing to see, or with the machines in another order, an answer is off.")
def _(merged_answers, rng):
    homes = np.repeat(np.arange(6), [9, 1, 2, 1, 20, 3])
    Z, V = 2 * rng.normal(size=(3, 36)), rng.normal(size=(36, 4))
    Z[0, homes < 3] = -np.inf
    Z[1, (homes > 0) & (homes < 5)] = -np.inf
    m, s, Y, right = _sent(Z, V, homes)
    for order in (np.arange(6), rng.permutation(6)):
        close(merged_answers(m[order], s[order], Y[order]), right, "off")
    *sent, right = _sent(rng.normal(size=(5, 4)), V[:4], np.zeros(4, int))
    close(merged_answers(*sent), right, "off with one machine")


# Places as angles ----------------------------------------------------------------------------------------------------
turned_places = Exercise("turned_places(X, start)")


def _turned(X, start, variant):
    T, d = X.shape
    first, second = ((slice(0, d, 2), slice(1, d, 2)) if variant["pairs"] == "neighbours" else
                     (slice(0, d // 2), slice(d // 2, d)))
    angles = (start + np.arange(T))[:, None] * float(variant["base"]) ** (-np.arange(0, d, 2) / d)
    turned, out = (X[:, first] + 1j * X[:, second]) * np.exp(1j * angles), np.empty((T, d))
    out[:, first], out[:, second] = turned.real, turned.imag
    return out


@turned_places.check("wider vectors", points=0.5, catches="T10",
                     symptom="With more than a few columns some are turned by a wrong angle, or together with a wrong "
                     "partner.")
def _(turned_places, rng):
    for shape in ((5, 6), (4, 12), (3, 20)):
        X = rng.normal(size=shape)
        close(turned_places(X, 0), _turned(X, 0, turned_places.variant), "off")


@turned_places.check("a text that goes on", points=0.5, catches="T10",
                     symptom="Where the rows are a later part of a text, they are not turned by the angles of their "
                     "places, or a piece does not fit to the whole.")
def _(turned_places, rng):
    X = rng.normal(size=(9, 10))
    for cut in (1, 4, 8):
        close(turned_places(X[cut:], cut), _turned(X, 0, turned_places.variant)[cut:], "off")


@turned_places.check("far places, large and small numbers", points=0.5, catches="T10",
                     symptom="Thousands of places into a text, or where some vectors are huge and others tiny, a "
                     "vector is off, or no longer as long as before.")
def _(turned_places, rng):
    X = rng.normal(size=(4, 8)) * np.array([[1e4], [1e-4], [1.0], [30.0]])
    for start in (0, 2500):
        got = shaped(turned_places(X, start), X.shape)
        for one, right in zip(got, _turned(X, start, turned_places.variant), strict=True):
            close(one, right, "off", rtol=1e-3)


# A learned sharpness -------------------------------------------------------------------------------------------------
sharpness_backward = Exercise("sharpness_backward(a, S, mask, V, dY)")


def _gradients(a, S, mask, V, dY):
    P = _shares(np.where(mask, a[:, None, None] * S, -np.inf))
    dP = dY @ V.transpose(0, 2, 1)
    dZ = P * (dP - (dY * (P @ V)).sum(2, keepdims=True))
    return (dZ * S).sum((1, 2)), a[:, None, None] * dZ, P.transpose(0, 2, 1) @ dY


def _agree(sharpness_backward, a, S, mask, V, dY):
    got = sharpness_backward(a, S, mask, V, dY)
    if not isinstance(got, tuple | list) or len(got) != 3:
        raise Wrong("not three things")
    for part, right in zip(got, _gradients(a, S, mask, V, dY), strict=True):
        close(part, right, "off", rtol=1e-4)


def _layer(rng, heads, queries, keys, width, share=1.0):
    mask = rng.random((queries, keys)) < share
    mask[np.arange(queries), np.arange(queries) % keys] = True
    return (rng.uniform(0.5, 1.5, heads) * rng.choice([-1, 1], heads), rng.normal(size=(heads, queries, keys)), mask,
            rng.normal(size=(heads, keys, width)), rng.normal(size=(heads, queries, width)))


@sharpness_backward.check("other sizes, number by number", points=0.5, catches="T12",
                          symptom="With other numbers of heads, queries, keys and features a gradient is off.")
def _(sharpness_backward, rng):
    for sizes in ((1, 3, 7, 2), (4, 6, 2, 5), (3, 1, 4, 1)):
        _agree(sharpness_backward, *_layer(rng, *sizes))


@sharpness_backward.check("a head of no sharpness, and a very sharp one", points=0.5, catches="T12",
                          symptom="With one sharpness of zero and another very large, there is a nan, or a head's "
                          "gradient is off. A head whose weights are all alike can still gain by a change of a.")
def _(sharpness_backward, rng):
    _, S, mask, V, dY = _layer(rng, 4, 5, 6, 3, 0.7)
    _agree(sharpness_backward, np.array([0.0, 3.0, -0.2, 1.0]), S, mask, V, dY)
    S[1, 0, 0], S[1, 1] = 4, -4
    _agree(sharpness_backward, np.array([0.0, 400.0, -4.0, 0.0]), S, mask, V, dY)


@sharpness_backward.check("masked scores of thousands", points=0.5, catches="T3 T6",
                          symptom="Where the largest scores are masked ones, there is a nan, or they have a say in "
                          "some gradient.")
def _(sharpness_backward, rng):
    a, S, mask, V, dY = _layer(rng, 2, 6, 5, 4, 0.5)
    mask[1] = [True, False, False, True, False]
    S = np.where(mask, S, 3000 * rng.choice([-1, 1], S.shape))
    _agree(sharpness_backward, a, S, mask, V, dY)


@sharpness_backward.check("one key to see", points=0.5, catches="T12",
                          symptom="A query that may see a single key gives it everything, whatever its score and a: it "
                          "has no part in da and dS. Or the others' part is off.")
def _(sharpness_backward, rng):
    a, S, mask, V, dY = _layer(rng, 3, 5, 4, 2)
    mask = np.tri(5, 4, dtype=bool)
    dY[:, 0] *= 1000
    _agree(sharpness_backward, a, S, mask, V, dY)


# A head wired by hand ------------------------------------------------------------------------------------------------
clock_head = Exercise("clock_head(T)")


def _sources(T, variant):
    """Which place of the text each place of the result comes from."""
    turn = variant["k"] if variant["side"] == "right" else -variant["k"]
    here = np.arange(T)
    return (here // 2 - turn) % T if variant["order"] == "moved, then stretched" else (here - turn) % T // 2


def _reads(clock_head, T):
    got = clock_head(T)
    if not isinstance(got, tuple | list) or len(got) != 2:
        raise Wrong("not two tables")
    width = np.shape(got[0])[-1] if np.ndim(got[0]) == 2 else 1
    Q, K = (np.asarray(shaped(part, (T, width)), float) for part in got)
    with np.errstate(all="ignore"):
        p = _shares(Q @ K.T / np.sqrt(width))
    if not 1 <= width <= 4 or not np.isfinite(p).all():
        raise Wrong("too many numbers a place, or a nan")
    if p[np.arange(T), _sources(T, clock_head.variant)].min() < 0.99:
        raise Wrong("a row does not look where it must")


@clock_head.check("other lengths, even and odd", points=0.5,
                  symptom="For some length of the text the head does not read what its task wants, or is not sure "
                  "enough of it.")
def _(clock_head, rng):
    for T in (9, 14, 23):
        _reads(clock_head, T)


@clock_head.check("texts as short as the move", points=0.5,
                  symptom="Where the text is hardly longer than the move, or shorter, so that it goes round more than "
                  "once, the head does not read what its task wants.")
def _(clock_head, rng):
    for T in (6, 4, 3):
        _reads(clock_head, T)


@clock_head.check("a text of some dozens of places", points=0.5,
                  symptom="In a longer text the places come nearer to each other, and the head is no longer sure "
                  "enough which one it wants.")
def _(clock_head, rng):
    _reads(clock_head, 2 * int(rng.integers(18, 23)))


@clock_head.check("a long text", points=0.5,
                  symptom="With more than a hundred places the head is no longer sure enough, or reads the wrong "
                  "place.")
def _(clock_head, rng):
    _reads(clock_head, int(rng.integers(110, 130)))
