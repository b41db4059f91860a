"""Unit 9, attention: the visible checks of its graded exercises. They travel to students.

Each speaks about a symptom and never about the solution: most ask for a case that can be worked out by hand. No two
sizes are alike where it matters, so that a wrong axis, a wrong root or a swapped K and V shows.
"""

import numpy as np

from course.exercise import Exercise, NotWritten, Wrong, close, shaped


def _shares(scores):
    e = np.exp(scores - scores.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


# Five answers --------------------------------------------------------------------------------------------------------
five_answers = Exercise("five_answers")


@five_answers.variant
def _(rng):
    scores = {"s1": (4.5, 6.0), "s2": (-3.0, -1.8), "s3": (1.2, 2.4), "s4": (-0.6, 3.6)}
    masks = ("True, False, True, False", "True, False, False, True", "False, True, True, False",
             "False, True, False, True")
    return {"d": int(rng.choice([4, 9, 16])), "mask": str(rng.choice(masks)),
            "true": str(rng.choice(["may look", "may not look"])),
            **{name: float(rng.choice(values)) for name, values in scores.items()}}


@five_answers.check("five numbers that can be answers", points=0)
def _(five_answers, rng):
    got = shaped(five_answers(), (5,), "In this order: the answer, the one to a query of zeros, undivided, masked "
                 "scores times 0, masked after softmax.")
    if not np.isfinite(got).all():
        raise Wrong("a number is nan or infinite.")
    outside = [i + 1 for i in range(4) if not 10 <= got[i] <= 80]
    if outside:
        raise Wrong(f"number {outside[0]} is {got[outside[0] - 1]:g}. Its weights add up to 1: can a mean of 10, 20, "
                    "40 and 80 lie there?")


# Heads and padding ---------------------------------------------------------------------------------------------------
padded_heads = Exercise("padded_heads(Q, K, V, heads, real)")


def _heads(padded_heads, Q, K, V, heads, real):
    try:
        return shaped(padded_heads(Q, K, V, heads, real), V.shape, "One answer for each place, as wide as a value.")
    except ValueError as problem:
        raise Wrong(f"Q and K are {Q.shape}, V is {V.shape}, {heads} heads, and your shapes do not fit together: "
                    f"{problem}") from problem


def _means(V, real):
    """What queries of zeros get: the mean of the values that each place may see, zeros where there is none."""
    seen = np.tri(len(V)) * real
    return seen @ V / np.maximum(seen.sum(1, keepdims=True), 1)


@padded_heads.check("queries of zeros", points=0.5, catches="T3 T4 T6 T9")
def _(padded_heads, rng):
    K, V = rng.normal(size=(5, 4)), rng.normal(size=(5, 3))
    got, right = _heads(padded_heads, np.zeros((5, 4)), K, V, 1, np.ones(5, bool)), _means(V, np.ones(5))
    if np.isfinite(got).all() and np.abs(got[0] - V[0]).max() > 1e-5:
        raise Wrong("1 head, nothing is padding, all queries are zeros. The first place may look at itself only, and "
                    f"gets {np.round(got[0], 3).tolist()} where its value is {np.round(V[0], 3).tolist()}.")
    close(got, right, "1 head, nothing is padding, all queries are zeros: each place must get the plain mean of its "
          "own value and those before it.")


@padded_heads.check("padding is not looked at", points=0.5, catches="T6")
def _(padded_heads, rng):
    K, V, real = rng.normal(size=(6, 4)), rng.normal(size=(6, 3)), np.array([True, True, False, True, False, True])
    got = _heads(padded_heads, np.zeros((6, 4)), K, V, 1, real)
    changed = np.where(real[:, None], V, V + 100)
    moved = np.abs(_heads(padded_heads, np.zeros((6, 4)), K, changed, 1, real) - got).max(1) > 1e-6
    if moved.any():
        raise Wrong("the values at the places 2 and 4, which are padding, were changed, and the answers at "
                    f"{np.flatnonzero(moved).tolist()} move. Counted from 0, as places are.")
    close(got, _means(V, real), "queries of zeros, places 2 and 4 are padding: every place must get the mean of the "
          "real values up to its own, also a place that is padding itself.")


@padded_heads.check("each head has its own features", points=0.5, catches="T9")
def _(padded_heads, rng):
    Q, K, V = np.zeros((4, 8)), np.hstack([rng.normal(size=(4, 4)), np.eye(4)]), rng.normal(size=(4, 6))
    Q[:, 4] = 80  # the second head looks for place 0, the first one for nothing
    got = _heads(padded_heads, Q, K, V, 2, np.ones(4, bool))
    close(got[:, 3:], np.tile(V[0, 3:], (4, 1)), "2 heads. The second one's queries fit the first place and no other: "
          "all its answers must be that place's value, in the columns of the second head.")
    close(got[:, :3], _means(V, np.ones(4))[:, :3], "2 heads. The first one's queries are zeros: it must give plain "
          "means of its own columns, whatever the second one does.")


@padded_heads.check("how sharp the weights are", points=0.5, catches="T1 T13")
def _(padded_heads, rng):
    Q, K, V = np.zeros((2, 18)), np.zeros((2, 18)), rng.normal(size=(2, 6))
    Q[1, [0, 9]], K[1, [0, 9]] = 3 * np.log(3), 1  # 9 features a head: a score of log 3 after the division
    got = _heads(padded_heads, Q, K, V, 2, np.ones(2, bool))
    if np.isfinite(got).all():
        share = ((got[1] - V[0]) @ (V[1] - V[0])) / ((V[1] - V[0]) @ (V[1] - V[0]))
        if abs(share - 0.75) > 1e-4:
            raise Wrong("2 heads of 9 features each. For the second place the products are 0 and 3.296 in each head, "
                        f"and its weight on itself is {share:.3f}. Work it out by hand: divided by what?")
    close(got, [V[0], V[0] / 4 + 3 * V[1] / 4], "2 places, 2 heads: the weights seem right, the answers are not.")


# Answers from several machines ---------------------------------------------------------------------------------------
merged_answers = Exercise("merged_answers(m, s, Y)")


def _pieces(Z, V, homes):
    """What machines send that hold the keys `homes` says, for scores Z (T_q, T_k): m, s, Y, and the whole answer."""
    m, s, Y = [], [], []
    for machine in range(homes.max() + 1):
        z = Z[:, homes == machine]
        top = z.max(1)
        e = np.exp(z - np.where(np.isfinite(top), top, 0)[:, None])
        m.append(top)
        s.append(e.sum(1))
        Y.append(e @ V[homes == machine] / np.maximum(e.sum(1), 1e-300)[:, None])
    return np.array(m), np.array(s), np.array(Y), _shares(Z) @ V


@merged_answers.check("two machines", points=0.5)
def _(merged_answers, rng):
    Z, V = 2 * rng.normal(size=(5, 7)), rng.normal(size=(7, 3))
    m, s, Y, right = _pieces(Z, V, np.array([0, 0, 0, 0, 0, 1, 1]))
    got = shaped(merged_answers(m, s, Y), (5, 3), "One answer for each query, as wide as a value.")
    for wrong, words in ((Y.mean(0), "It is the plain mean of both machines' answers; do both count the same?"),
                         (Y.sum(0), "It is the sum of both answers; what is the sum of all weights?")):
        if np.allclose(got, wrong):
            raise Wrong(words)
    close(got, right, "5 keys on one machine and 2 on another: it is not what one machine with all 7 keys would "
          "answer. How much of all the exponentials lies on each machine?")


@merged_answers.check("a machine without a key to see", points=0.5)
def _(merged_answers, rng):
    Z, V = 2 * rng.normal(size=(4, 9)), rng.normal(size=(9, 2))
    Z[1, :5], Z[2, 3:] = -np.inf, -np.inf
    m, s, Y, right = _pieces(Z, V, np.array([0, 0, 0, 1, 1, 2, 2, 2, 2]))
    close(merged_answers(m, s, Y), right, "3 machines. For one query the first two, for another the last two have all "
          "keys masked, so m is -inf, s and Y are 0: they must change nothing.")


# Places as angles ----------------------------------------------------------------------------------------------------
turned_places = Exercise("turned_places(X, start)")


@turned_places.variant
def _(rng):
    return {"pairs": str(rng.choice(["neighbours", "halves"])), "base": int(rng.choice([50, 400, 3000]))}


@turned_places.check("a single pair", points=0.5, catches="T10")
def _(turned_places, rng):
    got = shaped(turned_places(np.tile([1.0, 0.0], (3, 1)), 0), (3, 2), "As many vectors as went in, as long.")
    close(got[0], [1, 0], "d = 2, (1, 0) everywhere: at place 0 the angle is 0 and nothing turns.")
    close(got, [[1, 0], [np.cos(1), np.sin(1)], [np.cos(2), np.sin(2)]],
          "d = 2, (1, 0) at the places 0, 1, 2. There is one pair, and it turns by 1 at each place, counted in "
          f"radians: your vectors are {np.round(got, 3).tolist()}.")
    close(turned_places(np.array([[0.0, 1.0], [0.0, 1.0]]), 0)[1], [-np.sin(1), np.cos(1)],
          "d = 2: (1, 0) turns as it should, (0, 1) does not. A turn keeps the right angle between them.")


@turned_places.check("two pairs", points=0.5, catches="T10")
def _(turned_places, rng):
    slow = turned_places.variant["base"] ** -0.5
    first, second = ([0, 1], [2, 3]) if turned_places.variant["pairs"] == "neighbours" else ([0, 2], [1, 3])
    for pair, angle, name in ((first, 1.0, "first"), (second, slow, "second")):
        X, right = np.zeros((2, 4)), np.zeros((2, 4))
        X[:, pair[0]], right[0, pair[0]], right[1, pair] = 1, 1, (np.cos(angle), np.sin(angle))
        close(turned_places(X, 0), right, f"d = 4, a 1 in column {pair[0]} and 0 elsewhere, places 0 and 1: the {name} "
              "pair is not turned as your text says. Which columns belong together, and what is its angle at place 1?")


@turned_places.check("only the distance counts", points=0.5, catches="T10")
def _(turned_places, rng):
    q, k = rng.normal(size=(2, 6))

    def product(i, j):
        one = shaped(turned_places(q[None], i), (1, 6))[0] @ shaped(turned_places(k[None], j), (1, 6))[0]
        return float(one) if np.isfinite(one) else np.inf

    near, same, far = product(3, 7), product(11, 15), product(3, 12)
    close(same, near, "a query at place 3 and a key at place 7 have another product than the same two at 11 and 15: "
          "both are 4 apart. `start` is the place of the first row.")
    if abs(far - near) < 1e-6 * (np.abs(q) @ np.abs(k)):
        raise Wrong("a query and a key have the same product 4 and 9 places apart: the place makes no difference. "
                    "(One row at a time was given; its place was `start`.)")
    close(product(5, 5), q @ k, "at the same place a query and a key turn together: their product must be as before.")


# A learned sharpness -------------------------------------------------------------------------------------------------
sharpness_backward = Exercise("sharpness_backward(a, S, mask, V, dY)")


def _given(rng, heads=2, queries=4, keys=3, width=2, masked=False):
    mask = np.ones((queries, keys), bool)
    if masked:
        mask = rng.random((queries, keys)) < 0.6
        mask[:, 1], mask[1, 0], mask[2] = True, False, [False, True, *[False] * (keys - 2)]
    return (rng.uniform(0.5, 1.5, heads) * rng.choice([-1, 1], heads), rng.normal(size=(heads, queries, keys)), mask,
            rng.normal(size=(heads, keys, width)), rng.normal(size=(heads, queries, width)))


def _slope(a, S, mask, V, dY, of, h=1e-5):
    """The gradient of sum(dY * Y) with respect to `of`, which is a, S or V, by nudging each of its numbers."""
    nudges = h * np.eye(of.size).reshape(of.size, *of.shape)

    def losses(sign):
        A, scores, values = (each + sign * nudges if each is of else each for each in (a, S, V))
        P = _shares(np.where(mask, A[..., None, None] * scores, -np.inf))
        return (dY * (P @ values)).sum((-3, -2, -1))

    return ((losses(1) - losses(-1)) / (2 * h)).reshape(of.shape)


def _three(sharpness_backward, a, S, mask, V, dY):
    try:
        got = sharpness_backward(a, S, mask, V, dY)
    except ValueError as problem:
        raise Wrong(f"a is {a.shape}, S is {S.shape}, V is {V.shape}, dY is {dY.shape}, and your shapes do not fit "
                    f"together: {problem}") from problem
    if not isinstance(got, tuple | list) or len(got) != 3:
        raise Wrong(f"it returned a {type(got).__name__}; expected three arrays: da, dS, dV.")
    if any(part is None or part is ... for part in got):
        raise NotWritten
    named = zip(("da", "dS", "dV"), got, (a, S, V), strict=True)
    return [shaped(part, of.shape, f"{name} has the shape of what it belongs to.") for name, part, of in named]


@sharpness_backward.check("dV", points=0.5)
def _(sharpness_backward, rng):
    given = _given(rng)
    close(_three(sharpness_backward, *given)[2], _slope(*given, of=given[3]), "dV is not the slope of the loss. A "
          "value has gone into the answer of every query, with which share?", rtol=1e-4)


@sharpness_backward.check("dS", points=0.5, catches="T12")
def _(sharpness_backward, rng):
    given = _given(rng)
    got, right = _three(sharpness_backward, *given)[1], _slope(*given, of=given[1])
    if np.isfinite(got).all() and np.abs(got.sum(2)).max() > 1e-4 * np.abs(got).max(initial=1e-300):
        raise Wrong("raise all scores of a query by the same and no weight changes, so each row of dS must add up to "
                    f"0; your first row adds up to {got[0, 0].sum():.3g}. Which other weights does one score move?")
    close(got, right, "dS is not the slope of the loss, though its rows add up to 0. What are the scores multiplied by "
          "on their way to softmax?", rtol=1e-4)


@sharpness_backward.check("da", points=0.5, catches="T12")
def _(sharpness_backward, rng):
    given = _given(rng, heads=3)
    close(_three(sharpness_backward, *given)[0], _slope(*given, of=given[0]), "da is not the slope of the loss. One "
          "number, a[0], has multiplied all scores of the first head: all of them have a say.", rtol=1e-4)


@sharpness_backward.check("under a mask", points=0.5, catches="T3 T6")
def _(sharpness_backward, rng):
    given = _given(rng, masked=True)
    got = _three(sharpness_backward, *given)
    seen = np.isfinite(got[1]).all() and np.abs(got[1][:, ~given[2]]).max() > 1e-9
    if seen:
        raise Wrong("dS is not 0 where the mask is False: nudging a score that nobody may use changes nothing.")
    for name, part, of in zip(("da", "dS", "dV"), got, (given[0], given[1], given[3]), strict=True):
        close(part, _slope(*given, of=of), f"with a mask {name} is not the slope of the loss.", rtol=1e-4)


# A head wired by hand ------------------------------------------------------------------------------------------------
clock_head = Exercise("clock_head(T)")


@clock_head.variant
def _(rng):
    return {"k": int(rng.integers(2, 6)), "side": str(rng.choice(["left", "right"])),
            "order": str(rng.choice(["moved, then stretched", "stretched, then moved"]))}


def _done(text, variant):
    """The text as the task wants it."""
    turn = variant["k"] if variant["side"] == "right" else -variant["k"]
    if variant["order"] == "moved, then stretched":
        return np.repeat(np.roll(text, turn), 2)[:len(text)]
    return np.roll(np.repeat(text, 2)[:len(text)], turn)


def _map(clock_head, T):
    """The weights of the head for T places."""
    got = clock_head(T)
    if not isinstance(got, tuple | list) or len(got) != 2:
        raise Wrong(f"it returned a {type(got).__name__}; expected two tables, Q and K.")
    if any(part is None or part is ... for part in got):
        raise NotWritten
    width = np.shape(got[0])[-1] if np.ndim(got[0]) == 2 else 1
    Q, K = (shaped(part, (T, width), f"{T} places, as many numbers a place in Q as in K.") for part in got)
    if not 1 <= width <= 4:
        raise Wrong(f"a place has {width} numbers; at most 4 are allowed.")
    scores = np.asarray(Q, float) @ np.asarray(K, float).T / np.sqrt(width)
    if not np.isfinite(scores).all():
        raise Wrong("some scores are nan or infinite.")
    return _shares(scores)


@clock_head.check("what it reads most", points=0.5)
def _(clock_head, rng):
    text = np.array(list("abcdefg"))
    reads = text[_map(clock_head, 7).argmax(1)]
    if (reads != _done(text, clock_head.variant)).any():
        raise Wrong(f"T = 7: from 'abcdefg' your head makes {''.join(reads)!r}, taking at each place the letter with "
                    "the largest weight. That is not your task. Do it with paper and pencil first.")


@clock_head.check("how sure it is", points=0.5)
def _(clock_head, rng):
    for T in (7, 12):
        p, source = _map(clock_head, T), _done(np.arange(T), clock_head.variant)
        least = p[np.arange(T), source].min()
        if least < 0.99:
            raise Wrong(f"T = {T}: the place where a row must look gets a weight of {least:.3f} only, in the worst "
                        "row; 0.99 is asked for. What decides how sharp softmax is?")
