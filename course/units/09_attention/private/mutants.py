"""Unit 9's bank for the tests: wrong solutions of each graded exercise, named by the mistake, and unusual right ones.

All are the text of a solution cell. Most wrong ones are a right one in which one place is exchanged, as in real life.
"""

from course.grading.bank import but as _but

MUTANTS, BENIGN = {}, {}

# Five answers --------------------------------------------------------------------------------------------------------
FIVE = """
mine = VARIANT["five_answers"]
z = np.array([mine["s1"], mine["s2"], mine["s3"], mine["s4"]])
seen = np.array([word == "True" for word in mine["mask"].split(", ")])
if mine["true"] == "may not look":
    seen = ~seen
V = np.array([10, 20, 40, 80])
scaled = z / np.sqrt(mine["d"])


def answer(e):
    return e / e.sum() @ V


plain = answer(np.exp(scaled) * seen)
zeros = answer(1.0 * seen)
undivided = answer(np.exp(z) * seen)
times = answer(np.exp(scaled * seen))
late = (np.exp(scaled) / np.exp(scaled).sum() * seen) @ V
five_answers = [plain, zeros, undivided, times, late]
"""

MUTANTS["five_answers"] = {
    "T1 divided by d": _but(FIVE, "np.sqrt(mine[\"d\"])", "mine[\"d\"]"),
    "T1 divided by the root of the number of keys": _but(FIVE, "mine[\"d\"]", "5"),
    "T1 nothing changes without the division": _but(FIVE, "np.exp(z) * seen", "np.exp(scaled) * seen"),
    "T13 multiplied by the root": _but(FIVE, "z / np.sqrt", "z * np.sqrt"),
    "T6 the mask the other way round": _but(FIVE, "== \"True\"", "!= \"True\""),
    "T6 undivided without a mask": _but(FIVE, "np.exp(z) * seen", "np.exp(z)"),
    "T3 times 0 is what a mask does": _but(FIVE, "np.exp(scaled * seen)", "np.exp(scaled) * seen"),
    "T3 the answer has masked scores of 0": _but(FIVE, "plain = answer(np.exp(scaled) * seen)",
                                                 "plain = answer(np.exp(scaled * seen))"),
    "T3 times 0 before dividing, not after": _but(FIVE, "np.exp(scaled * seen)", "np.exp(z * seen)"),
    "T4 after softmax is the same": _but(FIVE, "late = (np.exp(scaled) / np.exp(scaled).sum() * seen) @ V",
                                         "late = plain"),
    "T4 the mask after softmax is lost": _but(FIVE, ".sum() * seen) @ V", ".sum()) @ V"),
    "T4 the answer is masked late as well": _but(FIVE, "[plain, zeros", "[late, zeros"),
    "a query of zeros gets 0": _but(FIVE, "answer(1.0 * seen)", "0.0"),
    "a query of zeros gets the mean of all": _but(FIVE, "answer(1.0 * seen)", "37.5"),
    "shares without exp": _but(FIVE, "plain = answer(np.exp(scaled) * seen)", "plain = answer(scaled * seen)"),
    "in another order": _but(FIVE, "times, late]", "late, times]"),
    "four numbers": _but(FIVE, ", late]", "]"),
    "another student's numbers": "five_answers = [19.36, 25.0, 11.71, 27.32, 15.68]\n",
    "the weights in place of answers": _but(FIVE, "e / e.sum() @ V", "(e / e.sum()).max()"),
}

BENIGN["five_answers"] = {
    "an array": FIVE + "five_answers = np.array(five_answers)\n",
    "a tuple, rounded to four decimals": FIVE + "five_answers = tuple(round(float(x), 4) for x in five_answers)\n",
    "float32": FIVE + "five_answers = np.array(five_answers, dtype=np.float32)\n",
    "a pocket calculator": """
from math import exp

v = VARIANT["five_answers"]
may = [(word == "True") == (v["true"] == "may look") for word in v["mask"].split(", ")]
values, products = (10, 20, 40, 80), (v["s1"], v["s2"], v["s3"], v["s4"])
root = v["d"] ** 0.5


def mean(weights):
    return sum(w * x for w, x in zip(weights, values)) / sum(weights)


five_answers = [
    mean([exp(s / root) if m else 0 for s, m in zip(products, may)]),
    mean([1 if m else 0 for m in may]),
    mean([exp(s) if m else 0 for s, m in zip(products, may)]),
    mean([exp(s / root) if m else 1 for s, m in zip(products, may)]),
    sum(exp(s / root) * x * m for s, x, m in zip(products, values, may)) / sum(exp(s / root) for s in products),
]
""",
}

# Heads and padding ---------------------------------------------------------------------------------------------------
HEADS = """
def padded_heads(Q, K, V, heads, real):
    T = len(Q)
    q, k, v = (A.reshape(T, heads, -1).transpose(1, 0, 2) for A in (Q, K, V))
    scores = q @ k.transpose(0, 2, 1) / np.sqrt(q.shape[2])
    mask = np.tri(T, dtype=bool) & real[None, :]
    scores = np.where(mask, scores, -np.inf)
    best = scores.max(axis=2, keepdims=True)
    weights = np.exp(scores - np.where(np.isfinite(best), best, 0))
    total = weights.sum(axis=2, keepdims=True)
    weights = weights / np.where(total > 0, total, 1)
    out = weights @ v
    return out.transpose(1, 0, 2).reshape(T, -1)
"""

MUTANTS["padded_heads"] = {
    "T1 divided by the root of all features": _but(HEADS, "np.sqrt(q.shape[2])", "np.sqrt(Q.shape[1])"),
    "T1 divided by the root of the number of places": _but(HEADS, "np.sqrt(q.shape[2])", "np.sqrt(T)"),
    "T13 multiplied": _but(HEADS, "/ np.sqrt(q.shape[2])", "* np.sqrt(q.shape[2])"),
    "T3 masked scores are 0": _but(HEADS, "scores, -np.inf)", "scores, 0)"),
    "T4 masked after softmax": _but(HEADS, "scores = np.where(mask, scores, -np.inf)", "free = scores",
                                    "out = weights @ v", "out = (weights * mask) @ v"),
    "T4 masked after softmax, and shared out again": _but(
        HEADS, "scores = np.where(mask, scores, -np.inf)\n", "\n", "weights = np.exp(scores - np.where",
        "weights = mask * np.exp(scores - np.where"),
    "T6 padding ignored": _but(HEADS, " & real[None, :]", ""),
    "T6 padding may not ask, but is seen": _but(HEADS, "real[None, :]", "real[:, None]"),
    "T6 padding neither asks nor is seen": _but(HEADS, "real[None, :]", "real[None, :] & real[:, None]"),
    "T6 off by one": _but(HEADS, "np.tri(T, dtype=bool)", "np.tri(T, k=1, dtype=bool)"),
    "T6 sees the future": _but(HEADS, "np.tri(T, dtype=bool)", "np.tri(T, dtype=bool).T"),
    "T9 K and V exchanged": _but(HEADS, "in (Q, K, V))", "in (Q, V, K))"),
    "T9 no transpose": _but(HEADS, "k.transpose(0, 2, 1)", "k.reshape(heads, -1, T)"),
    "T9 heads cut across the places": _but(HEADS, "A.reshape(T, heads, -1).transpose(1, 0, 2)",
                                           "A.reshape(heads, T, -1)"),
    "T9 put together without turning back": _but(HEADS, "out.transpose(1, 0, 2).reshape", "out.reshape"),
    "nan where there is nothing to see": _but(HEADS, "np.where(total > 0, total, 1)", "total"),
    "the mean where there is nothing to see": _but(HEADS, "scores, -np.inf)", "scores, -1e30)"),
    "overflows": _but(HEADS, "np.exp(scores - np.where(np.isfinite(best), best, 0))", "np.exp(scores)"),
    "one head is plain attention, without a mask": _but(
        HEADS, "    T = len(Q)", "    if heads == 1:\n        real = np.ones(len(Q), bool)\n    T = len(Q)",
        "mask = np.tri(T, dtype=bool) & real[None, :]",
        "mask = np.tri(T, k=T * (heads == 1), dtype=bool) & real[None, :]"),
    "zeros": "def padded_heads(Q, K, V, heads, real):\n    return np.zeros(V.shape)\n",
    "writes into Q": _but(HEADS, "    T = len(Q)", "    Q /= 1.5\n    T = len(Q)"),
}

BENIGN["padded_heads"] = {
    "loops": """
def padded_heads(Q, K, V, heads, real):
    out, n, width = np.zeros(V.shape), Q.shape[1] // heads, V.shape[1] // heads
    for h in range(heads):
        cols = slice(h * n, (h + 1) * n)
        for i in range(len(Q)):
            seen = [j for j in range(i + 1) if real[j]]
            scores = [sum(a * b for a, b in zip(Q[i, cols], K[j, cols])) / n**0.5 for j in seen]
            e = [np.exp(s - max(scores)) for s in scores]
            for w, j in zip(e, seen):
                out[i, h * width:(h + 1) * width] += w / sum(e) * V[j, h * width:(h + 1) * width]
    return out
""",
    "einsum, and nan_to_num": """
def padded_heads(Q, K, V, heads, real):
    T = Q.shape[0]
    q, k, v = [np.reshape(A, (T, heads, A.shape[1] // heads)) for A in (Q, K, V)]
    scores = np.einsum("ihd,jhd->hij", q, k) * q.shape[-1] ** -0.5
    scores[:, ~(np.tril(np.ones((T, T))) * real > 0)] = -np.inf
    e = np.exp(scores - np.nanmax(scores, 2, keepdims=True))
    p = np.nan_to_num(e / e.sum(2, keepdims=True))
    return np.einsum("hij,jhv->ihv", p, v).reshape(T, -1)
""",
    "a helper for one head, hstack": """
def one_head(q, k, v, may):
    s = np.where(may, q @ k.T / np.sqrt(q.shape[1]), -1e300)
    e = np.exp(s - s.max(axis=1, keepdims=True)) * may
    return e @ v / np.maximum(e.sum(axis=1, keepdims=True), 1e-200)


def padded_heads(Q, K, V, heads, real):
    may = np.arange(len(Q))[:, None] >= np.arange(len(Q))
    may[:, ~real] = False
    parts = [np.array_split(A, heads, axis=1) for A in (Q, K, V)]
    return np.hstack([one_head(*each, may) for each in zip(*parts)])
""",
    "a list comes out": _but(HEADS, "reshape(T, -1)\n", "reshape(T, -1).tolist()\n"),
    "float32": _but(HEADS, "for A in (Q, K, V))", "for A in (Q.astype('f4'), K.astype('f4'), V.astype('f4')))"),
}

# Answers from several machines ---------------------------------------------------------------------------------------
MERGED = """
def merged_answers(m, s, Y):
    top = m.max(axis=0)
    share = s * np.exp(m - top)
    share = share / share.sum(axis=0)
    return (share[:, :, None] * Y).sum(axis=0)
"""

MUTANTS["merged_answers"] = {
    "the plain mean": _but(MERGED, "s * np.exp(m - top)", "np.ones(s.shape)"),
    "the plain sum": _but(MERGED, "share = share / share.sum(axis=0)", "share = np.ones(s.shape)"),
    "only the sums count": _but(MERGED, "s * np.exp(m - top)", "s"),
    "only the largest scores count": _but(MERGED, "s * np.exp(m - top)", "np.exp(m - top)"),
    "the best machine takes all": _but(MERGED, "s * np.exp(m - top)", "1.0 * (m == top)"),
    "the largest score is not an exponent": _but(MERGED, "s * np.exp(m - top)", "s * np.where(s > 0, m, 0)"),
    "not shared out": _but(MERGED, "share = share / share.sum(axis=0)", "share = share"),
    "divided by the sum of all s": _but(MERGED, "share.sum(axis=0)", "s.sum(axis=0)"),
    "divided by the number of machines": _but(MERGED, "share.sum(axis=0)", "len(s)"),
    "overflows": _but(MERGED, "np.exp(m - top)", "np.exp(m)"),
    "one largest score for all queries": _but(MERGED, "m.max(axis=0)", "m.max()"),
    "the largest of each machine": _but(MERGED, "m.max(axis=0)", "m.max(axis=1, keepdims=True)"),
    "shared out among the queries": _but(MERGED, "share.sum(axis=0)", "share.sum(axis=1, keepdims=True)"),
    "the first two only": _but(MERGED, "    top", "    m, s, Y = m[:2], s[:2], Y[:2]\n    top"),
    "one by one, with a nan after two empty ones": """
def merged_answers(m, s, Y):
    top, total, out = m[0], s[0], Y[0]
    for mp, sp, Yp in zip(m[1:], s[1:], Y[1:]):
        new = np.maximum(top, mp)
        a, b = total * np.exp(top - new), sp * np.exp(mp - new)
        out = (a[:, None] * out + b[:, None] * Yp) / (a + b)[:, None]
        top, total = new, a + b
    return out
""",
    "zeros": "def merged_answers(m, s, Y):\n    return np.zeros(Y.shape[1:])\n",
    "writes into s": _but(MERGED, "    share = s * np.exp(m - top)", "    s *= np.exp(m - top)\n    share = s"),
}

BENIGN["merged_answers"] = {
    "loops": """
def merged_answers(m, s, Y):
    out = []
    for t in range(m.shape[1]):
        best = max(m[:, t])
        w = [s[p, t] * np.exp(m[p, t] - best) for p in range(len(m))]
        out.append([sum(w[p] * Y[p, t, c] for p in range(len(m))) / sum(w) for c in range(Y.shape[2])])
    return out
""",
    "logarithms": """
def merged_answers(m, s, Y):
    with np.errstate(divide="ignore"):
        logs = m + np.log(s)
    p = np.exp(logs - logs.max(0))
    return np.einsum("pt,ptv->tv", p / p.sum(0), Y)
""",
    "one by one": """
def merged_answers(m, s, Y):
    top, total, sums = np.full(m.shape[1], -1e300), np.zeros(m.shape[1]), np.zeros(Y.shape[1:])
    for p in range(len(m)):
        new = np.maximum(top, m[p])
        old, add = np.exp(top - new), np.exp(m[p] - new) * s[p]
        total, sums, top = total * old + add, sums * old[:, None] + add[:, None] * Y[p], new
    return sums / total[:, None]
""",
    "np.average": """
def merged_answers(m, s, Y):
    w = s * np.exp(m - m.max(axis=0, keepdims=True))
    return np.stack([np.average(Y[:, t], axis=0, weights=w[:, t]) for t in range(Y.shape[1])])
""",
    "float32": _but(MERGED, "s * np.exp(m - top)", "(s * np.exp(m - top)).astype(np.float32)"),
}

# Places as angles ----------------------------------------------------------------------------------------------------
TURNED = """
def turned_places(X, start):
    T, d = X.shape
    mine = VARIANT["turned_places"]
    places = start + np.arange(T)
    angles = places[:, None] * float(mine["base"]) ** (-2 * np.arange(d // 2) / d)
    if mine["pairs"] == "neighbours":
        first, second = slice(0, d, 2), slice(1, d, 2)
    else:
        first, second = slice(0, d // 2), slice(d // 2, d)
    a, b = X[:, first], X[:, second]
    out = np.zeros(X.shape)
    out[:, first] = a * np.cos(angles) - b * np.sin(angles)
    out[:, second] = a * np.sin(angles) + b * np.cos(angles)
    return out
"""

MUTANTS["turned_places"] = {
    "T10 exponent i for 2i": _but(TURNED, "(-2 * np.arange", "(-np.arange"),
    "T10 the other pairs": _but(TURNED, '== "neighbours"', '!= "neighbours"'),
    "T10 multiplied, as a table": _but(TURNED, "a * np.cos(angles) - b * np.sin(angles)", "a * np.cos(angles)",
                                       "a * np.sin(angles) + b * np.cos(angles)", "b * np.sin(angles)"),
    "T10 added, as sines and cosines are": _but(TURNED, "a * np.cos(angles) - b * np.sin(angles)", "a + np.sin(angles)",
                                                "a * np.sin(angles) + b * np.cos(angles)", "b + np.cos(angles)"),
    "T10 the base of the lesson": _but(TURNED, 'float(mine["base"])', "10000.0"),
    "T10 a fixed width": _but(TURNED, "np.arange(d // 2) / d", "np.arange(d // 2) / 4"),
    "T10 fast and slow exchanged": _but(TURNED, "np.arange(d // 2) / d", "np.arange(d // 2)[::-1] / d"),
    "T10 angle multiplied by the base": _but(TURNED, "(-2 * np", "(2 * np"),
    "turned the other way": _but(TURNED, "- b * np.sin", "+ b * np.sin", "= a * np.sin", "= -a * np.sin"),
    "one sign wrong: a mirror": _but(TURNED, "- b * np.sin", "+ b * np.sin"),
    "sine and cosine exchanged": _but(TURNED, "np.cos", "np.swap", "np.sin", "np.cos", "np.swap", "np.sin"),
    "whole turns": _but(TURNED, "    a, b =", "    angles = 2 * np.pi * angles\n    a, b ="),
    "start forgotten": _but(TURNED, "start + np.arange(T)", "np.arange(T)"),
    "counted from 1": _but(TURNED, "start + np.arange(T)", "start + 1 + np.arange(T)"),
    "start for all rows": _but(TURNED, "start + np.arange(T)", "np.full(T, start)"),
    "b turned by the new a": _but(TURNED, "    out = np.zeros(X.shape)", "    out = X.copy()\n    a = out[:, first]"),
    "as it was": "def turned_places(X, start):\n    return X.copy()\n",
    "in place": _but(TURNED, "    return out", "    X[:] = out\n    return X"),
}

BENIGN["turned_places"] = {
    "complex numbers": """
def turned_places(X, start):
    v, (T, d) = VARIANT["turned_places"], X.shape
    near = v["pairs"] == "neighbours"
    pairs = X.reshape(T, d // 2, 2) if near else X.reshape(T, 2, d // 2).transpose(0, 2, 1)
    turn = np.exp(1j * np.outer(np.arange(start, start + T), v["base"] ** -(np.arange(0, d, 2) / d)))
    z = (pairs[:, :, 0] + 1j * pairs[:, :, 1]) * turn
    return (np.stack([z.real, z.imag], 2) if near else np.stack([z.real, z.imag], 1)).reshape(T, d)
""",
    "loops": """
from math import cos, sin


def turned_places(X, start):
    out = [list(row) for row in X]
    d = len(out[0])
    for t, row in enumerate(X):
        for i in range(d // 2):
            p, q = (2 * i, 2 * i + 1) if VARIANT["turned_places"]["pairs"] == "neighbours" else (i, i + d // 2)
            angle = (start + t) / VARIANT["turned_places"]["base"] ** (2 * i / d)
            out[t][p], out[t][q] = row[p] * cos(angle) - row[q] * sin(angle), row[p] * sin(angle) + row[q] * cos(angle)
    return out
""",
    "one matrix for each place": """
def turned_places(X, start):
    d = X.shape[1]
    rows = []
    for t, x in enumerate(X, start):
        R = np.eye(d)
        for i in range(d // 2):
            pair = [2 * i, 2 * i + 1] if VARIANT["turned_places"]["pairs"] == "neighbours" else [i, i + d // 2]
            a = t * VARIANT["turned_places"]["base"] ** (-2 * i / d)
            R[np.ix_(pair, pair)] = [[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]]
        rows.append(R @ x)
    return np.array(rows)
""",
    "a partner that is turned by 90 degrees": """
def turned_places(X, start):
    T, d = X.shape
    near = VARIANT["turned_places"]["pairs"] == "neighbours"
    theta = float(VARIANT["turned_places"]["base"]) ** (-np.arange(0, d, 2) / d)
    angles = np.arange(start, start + T)[:, None] * (np.repeat(theta, 2) if near else np.tile(theta, 2))
    partner = np.empty_like(X)
    if near:
        partner[:, 0::2], partner[:, 1::2] = -X[:, 1::2], X[:, 0::2]
    else:
        partner = np.concatenate([-X[:, d // 2:], X[:, :d // 2]], axis=1)
    return X * np.cos(angles) + partner * np.sin(angles)
""",
    "float32 comes out": _but(TURNED, "np.zeros(X.shape)", "np.zeros(X.shape, np.float32)"),
}

# A learned sharpness -------------------------------------------------------------------------------------------------
SHARP = """
def sharpness_backward(a, S, mask, V, dY):
    a = a[:, None, None]
    Z = np.where(mask, a * S, -np.inf)
    P = np.exp(Z - Z.max(axis=2, keepdims=True))
    P = P / P.sum(axis=2, keepdims=True)
    dV = P.transpose(0, 2, 1) @ dY
    dP = dY @ V.transpose(0, 2, 1)
    dZ = P * (dP - (P * dP).sum(axis=2, keepdims=True))
    da = (dZ * S).sum(axis=(1, 2))
    dS = a * dZ
    return da, dS, dV
"""

MUTANTS["sharpness_backward"] = {
    "T12 the diagonal only": _but(SHARP, "P * (dP - (P * dP).sum(axis=2, keepdims=True))", "P * (1 - P) * dP"),
    "T12 P dP alone": _but(SHARP, "P * (dP - (P * dP).sum(axis=2, keepdims=True))", "P * dP"),
    "T12 the mean for the weighted sum": _but(SHARP, "(dP - (P * dP).sum(axis=2, keepdims=True))",
                                              "(dP - dP.mean(axis=2, keepdims=True))"),
    "T3 masked scores are 0": _but(SHARP, "a * S, -np.inf", "a * S, 0"),
    "T3 masked only on the way back": _but(SHARP, "np.where(mask, a * S, -np.inf)", "a * S", "dS = a * dZ",
                                           "dS = a * dZ * mask"),
    "T6 the mask the other way round": _but(SHARP, "np.where(mask, a * S", "np.where(~mask, a * S"),
    "dS without a": _but(SHARP, "dS = a * dZ", "dS = dZ"),
    "dS divided by a": _but(SHARP, "dS = a * dZ", "dS = dZ / a"),
    "da from dS": _but(SHARP, "da = (dZ * S).sum(axis=(1, 2))\n    dS = a * dZ",
                       "dS = a * dZ\n    da = (dS * S).sum(axis=(1, 2))"),
    "da without S": _but(SHARP, "(dZ * S).sum", "dZ.sum"),
    "da is a mean": _but(SHARP, "(dZ * S).sum(", "(dZ * S).mean("),
    "da of all heads": _but(SHARP, "(dZ * S).sum(axis=(1, 2))", "np.full(len(S), (dZ * S).sum())"),
    "a is not in the forward pass": _but(SHARP, "a * S, -np.inf", "S, -np.inf"),
    "dV without the weights": _but(SHARP, "P.transpose(0, 2, 1) @ dY", "np.ones(P.shape).transpose(0, 2, 1) @ dY"),
    "dV with scores": _but(SHARP, "P.transpose(0, 2, 1) @ dY", "(a * S).transpose(0, 2, 1) @ dY"),
    "nan under a mask": _but(SHARP, "(dZ * S)", "(dZ * Z / a)"),
    "overflows": _but(SHARP, "np.exp(Z - Z.max(axis=2, keepdims=True))", "np.exp(Z)"),
    "softmax over the queries": _but(SHARP, "Z.max(axis=2", "Z.max(axis=1", "P.sum(axis=2", "P.sum(axis=1"),
    "zeros": "def sharpness_backward(a, S, mask, V, dY):\n    return 0 * a, 0 * S, 0 * V\n",
}

BENIGN["sharpness_backward"] = {
    "loops over heads and queries": """
def sharpness_backward(a, S, mask, V, dY):
    da, dS, dV = np.zeros(len(a)), np.zeros(S.shape), np.zeros(V.shape)
    for h in range(len(a)):
        for i in range(S.shape[1]):
            seen = np.flatnonzero(mask[i])
            z = a[h] * S[h, i, seen]
            p = np.exp(z - max(z))
            p /= sum(p)
            dp = V[h, seen] @ dY[h, i]
            dz = (np.diag(p) - np.outer(p, p)) @ dp
            dV[h, seen] += np.outer(p, dY[h, i])
            dS[h, i, seen] = a[h] * dz
            da[h] += dz @ S[h, i, seen]
    return da, dS, dV
""",
    "einsum, and the answers in place of the sum": """
def sharpness_backward(a, S, mask, V, dY):
    Z = np.einsum("h,hij->hij", a, S) + np.where(mask, 0, -np.inf)
    P = np.exp(Z - Z.max(-1, keepdims=True))
    P /= P.sum(-1, keepdims=True)
    Y = np.einsum("hij,hjv->hiv", P, V)
    dZ = P * np.einsum("hiv,hijv->hij", dY, V[:, None] - Y[:, :, None])
    return [np.einsum("hij,hij->h", dZ, S), dZ * a.reshape(-1, 1, 1), np.einsum("hij,hiv->hjv", P, dY)]
""",
    "very negative in place of infinite": _but(SHARP, "a * S, -np.inf", "a * S, -1e30"),
    "float32": _but(SHARP, "    a = a", "    a, S, V, dY = (np.float32(each) for each in (a, S, V, dY))\n    a = a"),
    "lists come out": _but(SHARP, "return da, dS, dV", "return da.tolist(), dS.tolist(), dV.tolist()"),
}

# A head wired by hand ------------------------------------------------------------------------------------------------
CLOCK = """
def clock_head(T):
    mine = VARIANT["clock_head"]
    turn = mine["k"] if mine["side"] == "right" else -mine["k"]
    here = np.arange(T)
    if mine["order"] == "moved, then stretched":
        source = (here // 2 - turn) % T
    else:
        source = ((here - turn) % T) // 2
    def hand(place):
        return np.stack([np.cos(2 * np.pi * place / T), np.sin(2 * np.pi * place / T)], axis=1)
    return 2 * T**2 * hand(source), hand(here)
"""

MUTANTS["clock_head"] = {
    "moved to the other side": _but(CLOCK, '== "right"', '== "left"'),
    "the other order": _but(CLOCK, '== "moved, then', '!= "moved, then'),
    "moved by one less": _but(CLOCK, 'turn = mine["k"]', 'turn = mine["k"] - 1', "-mine", "1 - mine"),
    "the columns look, not the rows": _but(CLOCK, "return 2 * T**2 * hand(source), hand(here)",
                                           "return hand(here), 2 * T**2 * hand(source)"),
    "not moved": _but(CLOCK, "turn = mine", "turn = 0 * mine", "-mine", "-0 * mine"),
    "not stretched": _but(CLOCK, "here // 2 - turn", "here - turn", "% T) // 2", "% T)"),
    "what falls off is lost": _but(CLOCK, "(here // 2 - turn) % T", "np.clip(here // 2 - turn, 0, T - 1)",
                                   "((here - turn) % T) // 2", "np.clip(here - turn, 0, T - 1) // 2"),
    "an odd text loses a letter": _but(CLOCK, "np.arange(T)", "np.arange(T // 2 * 2)"),
    "rounded up": _but(CLOCK, "here // 2 -", "(here + 1) // 2 -", "((here - turn) % T) // 2",
                       "((here - turn) % T + 1) // 2"),
    "short hands": _but(CLOCK, "2 * T**2 * hand(source)", "hand(source)"),
    "as long for all lengths": _but(CLOCK, "2 * T**2", "100"),
    "longer, but not fast enough": _but(CLOCK, "2 * T**2", "12 * T"),
    "one number a place": _but(CLOCK, "hand(source), hand(here)", "source[:, None], here[:, None]"),
    "a number for each place": _but(CLOCK, "2 * T**2 * hand(source), hand(here)", "40 * np.eye(T)[source], np.eye(T)"),
    "the map itself": _but(CLOCK, "2 * T**2 * hand(source), hand(here)", "np.eye(T)[source]"),
    "always seven": "def clock_head(T):\n    return np.ones((7, 2)), np.ones((7, 2))\n",
    "zeros": "def clock_head(T):\n    return np.zeros((T, 2)), np.zeros((T, 2))\n",
}

BENIGN["clock_head"] = {
    "a parabola": _but(CLOCK, "2 * T**2 * hand(source), hand(here)",
                       "50 * np.stack([source, np.ones(T)], 1), np.stack([here, -here**2 / 2], 1)"),
    "both hands long, and lists": _but(CLOCK, "return 2 * T**2 * hand(source), hand(here)",
                                       "return [(5 * T * hand(source)).tolist(), (T * hand(here)).tolist()]"),
    "four numbers": _but(CLOCK, "2 * T**2 * hand(source), hand(here)",
                         "np.tile(9 * T**2 * hand(source), 2), np.tile(hand(here), 2)"),
    "roll and repeat": """
def clock_head(T):
    v, text = VARIANT["clock_head"], np.arange(T)
    steps = {"move": lambda x: np.roll(x, v["k"] if v["side"] == "right" else -v["k"]),
             "stre": lambda x: np.repeat(x, 2)[:T]}
    for step in v["order"].split(", then "):
        text = steps[step[:4]](text)
    angle = 2 * np.pi / T
    Q = [[5e4 * np.cos(angle * j), 5e4 * np.sin(angle * j)] for j in text]
    return np.array(Q), np.array([[np.cos(angle * j), np.sin(angle * j)] for j in range(T)])
""",
    "float32": _but(CLOCK, "return 2 * T**2 * hand(source), hand(here)",
                    "return (50 * T**2 * hand(source)).astype('f4'), hand(here).astype('f4')"),
}
