"""Unit 9's practice exercises for the tests: a right solution of each, right but unusual ones, known wrong ones.

MUTANTS: exercise -> {misconception: (wrong solution, a word its check must say)}. In no wheel and no student bundle.
"""

import numpy as np

from course.check import read_unit
from course.labs.whodunit import suspects
from nnlab import functional

SUSPECTS = suspects(read_unit("09_attention", "bugs.py").SCENES)


def _softmax(s, axis=-1):
    e = np.exp(s - s.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def attention(Q, K, V, mask):
    scores = Q @ K.T / np.sqrt(Q.shape[1])
    if mask is not None:
        scores = np.where(mask, scores, -np.inf)
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True) @ V


def multi_head(Q, K, V, heads):
    split = lambda A: np.split(A, heads, axis=1)
    return np.concatenate([attention(q, k, v, None) for q, k, v in zip(split(Q), split(K), split(V))], axis=1)


def _table(length, d, base=10000.0, first=0):
    angles = (first + np.arange(length))[:, None] / base ** (np.arange(0, d, 2) / d)
    table = np.zeros((length, d))
    table[:, 0::2], table[:, 1::2] = np.sin(angles), np.cos(angles)
    return table


def add_positions(X):
    return X + _table(*X.shape)


def attention_backward(Q, K, V, dY):
    root = np.sqrt(Q.shape[1])
    P = _softmax(Q @ K.T / root)
    dV = P.T @ dY
    dP = dY @ V.T
    dS = P * (dP - (P * dP).sum(axis=1, keepdims=True))
    return dS @ K / root, dS.T @ Q / root, dV


SOLUTIONS = dict(attention=attention, multi_head=multi_head, add_positions=add_positions,
                 attention_backward=attention_backward)


def _loop_attention(Q, K, V, mask):
    answers = []
    for i, q in enumerate(Q):
        keys = [j for j in range(len(K)) if mask is None or mask[i][j]]
        scores = [sum(a * b for a, b in zip(q, K[j])) / len(q) ** 0.5 for j in keys]
        shares = [np.exp(s - max(scores)) for s in scores]
        answers.append([sum(w * V[j][c] for w, j in zip(shares, keys)) / sum(shares) for c in range(V.shape[1])])
    return answers


def _renormalised(Q, K, V, mask):
    p = _softmax(Q @ K.T / np.sqrt(Q.shape[1]))
    if mask is not None:
        p = p * mask
        p = p / p.sum(1, keepdims=True)
    return p @ V


def _very_negative(Q, K, V, mask):
    s = np.einsum("id,jd->ij", Q, K) / Q.shape[-1] ** 0.5
    if mask is not None:
        s[~mask] = -1e9
    return functional.softmax(s).data @ V


def _single(function):
    return lambda *args: function(*(np.asarray(a, np.float32) if np.ndim(a) and np.asarray(a).dtype.kind == "f" else a
                                    for a in args))


def _heads_by_shape(Q, K, V, heads):
    split = lambda A: A.reshape(len(A), heads, -1).transpose(1, 0, 2)
    q, k, v = split(Q), split(K), split(V)
    p = _softmax(q @ k.transpose(0, 2, 1) / np.sqrt(q.shape[-1]))
    return (p @ v).transpose(1, 0, 2).reshape(len(Q), -1)


def _loop_positions(X):
    out = [[float(x) for x in row] for row in X]
    d = len(out[0])
    for t in range(len(out)):
        for c in range(d):
            angle = t / 10000 ** ((c - c % 2) / d)
            out[t][c] += np.sin(angle) if c % 2 == 0 else np.cos(angle)
    return out


def _backward_by_rows(Q, K, V, dY):
    root, dQ, dK, dV = Q.shape[1] ** 0.5, np.zeros_like(Q), np.zeros_like(K), np.zeros_like(V)
    for i, q in enumerate(Q):
        p = _softmax(K @ q / root)
        ds = (np.diag(p) - np.outer(p, p)) @ (V @ dY[i])  # softmax's whole Jacobian
        dQ[i], dK, dV = ds @ K / root, dK + np.outer(ds, q) / root, dV + np.outer(p, dY[i])
    return [dQ, dK, dV]


def _backward_by_nnlab(Q, K, V, dY):
    from nnlab import Tensor
    leaves = [Tensor(a, requires_grad=True) for a in (Q, K, V)]
    (functional.scaled_dot_product_attention(*leaves) * dY).sum().backward()
    return tuple(leaf.grad for leaf in leaves)


BENIGN = dict(
    attention=[_loop_attention, _renormalised, _very_negative, _single(attention),
               lambda Q, K, V, mask: functional.scaled_dot_product_attention(Q, K, V, mask),
               lambda Q, K, V, mask: (V.T @ _softmax(K @ Q.T / Q.shape[1] ** 0.5 + (
                   0 if mask is None else np.where(mask, 0, -np.inf).T), axis=0)).T,
               lambda Q, K, V, mask=None: attention(Q / len(Q[0]) ** 0.25, K / len(Q[0]) ** 0.25 * len(Q[0]) ** 0.5, V,
                                                    mask)],
    multi_head=[_heads_by_shape, _single(multi_head),
                lambda Q, K, V, heads: functional.multi_head_attention(Q[None], K[None], V[None], heads=heads).data[0],
                lambda Q, K, V, heads: np.hstack([_loop_attention(Q[:, c], K[:, c], V[:, c], None)
                                                  for c in np.split(np.arange(Q.shape[1]), heads)])],
    add_positions=[_loop_positions, _single(add_positions),
                   lambda X: X + functional.sinusoidal_positions(*X.shape, dtype=float),
                   lambda X: X + np.stack([np.sin(a := np.outer(np.arange(len(X)), 1e4 ** -(
                       np.arange(0, X.shape[1], 2) / X.shape[1]))), np.cos(a)], -1).reshape(X.shape)],
    attention_backward=[_backward_by_rows, _backward_by_nnlab, _single(attention_backward)],
)


def _with(scale=lambda Q, K: np.sqrt(Q.shape[1]), axis=-1, fill=-np.inf, times=False, shift=True):
    """attention with one thing done differently."""
    def mutant(Q, K, V, mask):
        s = Q @ K.T / scale(Q, K)
        if mask is not None:
            s = s * mask if times else np.where(mask, s, fill)
        e = np.exp(s - (s.max(axis, keepdims=True) if shift else 0))
        return e / e.sum(axis, keepdims=True) @ V

    return mutant


def _minus_minus(Q, K, V, mask):
    s = Q @ K.T / np.sqrt(Q.shape[1])
    if mask is not None:
        s = s - np.where(mask, 0, -np.inf)
    return _softmax(s) @ V


def _in_place(Q, K, V, mask):
    Q /= np.sqrt(Q.shape[1])
    s = Q @ K.T
    return _softmax(s if mask is None else np.where(mask, s, -np.inf)) @ V


def _hard(Q, K, V, mask):
    s = Q @ K.T if mask is None else np.where(mask, Q @ K.T, -np.inf)
    return V[s.argmax(1)]


def _split_wrongly(Q, K, V, heads):
    split = lambda A: A.reshape(heads, len(A), -1)
    q, k, v = split(Q), split(K), split(V)
    return (_softmax(q @ k.transpose(0, 2, 1) / np.sqrt(q.shape[-1])) @ v).reshape(Q.shape)


def _joined_wrongly(Q, K, V, heads):
    split = lambda A: A.reshape(len(A), heads, -1).transpose(1, 0, 2)
    q, k, v = split(Q), split(K), split(V)
    return (_softmax(q @ k.transpose(0, 2, 1) / np.sqrt(q.shape[-1])) @ v).reshape(Q.shape)


def _interleaved(Q, K, V, heads):
    out = np.zeros((len(Q), V.shape[1]))
    for h in range(heads):
        out[:, h::heads] = attention(Q[:, h::heads], K[:, h::heads], V[:, h::heads], None)
    return out


def _by_head(Q, K, V, heads, weights=None, order=None, join=np.hstack):
    parts = list(zip(*(np.split(A, heads, axis=1) for A in (Q, K, V))))
    found = [(weights or (lambda q, k: _softmax(q @ k.T / np.sqrt(q.shape[1]))))(q, k) @ v for q, k, v in parts]
    return join(found if order is None else [found[i] for i in order(heads)])


def _positions(sines=lambda a: np.sin(a), cosines=lambda a: np.cos(a), angles=None, together=False):
    def mutant(X):
        T, d = X.shape
        a = (angles or (lambda T, d: np.arange(T)[:, None] / 10000 ** (np.arange(0, d, 2) / d)))(T, d)
        table = np.zeros((T, d))
        if together:
            table[:, :d // 2], table[:, d // 2:] = sines(a), cosines(a)
        else:
            table[:, 0::2], table[:, 1::2] = sines(a), cosines(a)
        return X + table

    return mutant


def _backward(dS=None, scale=1, root=True):
    def mutant(Q, K, V, dY):
        r = np.sqrt(Q.shape[1])
        P = _softmax(Q @ K.T / r)
        dP = dY @ V.T
        s = (dS or (lambda P, dP: P * (dP - (P * dP).sum(1, keepdims=True))))(P, dP) / (r if root else 1) * scale
        return s @ K, s.T @ Q, P.T @ dY

    return mutant


def _swap(order):
    return lambda *given: tuple(attention_backward(*given)[i] for i in order)


MUTANTS = dict(
    attention={
        "T1 divided by the root of the number of keys": (_with(scale=lambda Q, K: np.sqrt(len(K))), "divided by"),
        "T1 divided by the root of the number of queries": (_with(scale=lambda Q, K: np.sqrt(len(Q))), "divided by"),
        "T1 not divided": (SUSPECTS["attention"]["T1 not divided"], "too sharp"),
        "T1 divided by d": (SUSPECTS["attention"]["T1 divided by d"], "too even"),
        "T13 multiplied by the root": (_with(scale=lambda Q, K: 1 / np.sqrt(Q.shape[1])), "too sharp"),
        "T3 masked scores times 0": (_with(times=True), "may not be looked at"),
        "T3 masked scores 0": (SUSPECTS["attention"]["T3 masked scores 0"], "may not be looked at"),
        "masked scores -1": (_with(fill=-1), "may not be looked at"),
        "masked scores 1e-9": (_with(fill=1e-9), "may not be looked at"),
        "T4 masked after softmax": (SUSPECTS["attention"]["T4 masked after softmax"],
                                    "before it was known who takes part"),
        "T6 mask the wrong way round": (SUSPECTS["attention"]["T6 mask the wrong way round"], "what does True mean"),
        "T6 minus minus infinity": (_minus_minus, "nan"),
        "mask ignored": (SUSPECTS["attention"]["mask ignored"], "the mask changes nothing"),
        "T9 no transpose": (lambda Q, K, V, mask: _softmax(Q @ K) @ V, "do not fit together"),
        "T9 K reshaped": (lambda Q, K, V, mask: _softmax(Q @ K.reshape(8, 6) / 8**0.5) @ V, "another key"),
        "T9 K and V swapped": (lambda Q, K, V, mask: attention(Q, V, K, mask), "do not fit together"),
        "values are the keys": (lambda Q, K, V, mask: attention(Q, K, K, mask), "expected an array of shape (5, 3)"),
        "softmax over the queries": (SUSPECTS["attention"]["softmax over the queries"], "add up the weights"),
        "softmax over everything": (_with(axis=None), "add up the weights"),
        "no softmax": (SUSPECTS["attention"]["no softmax"], "add up the weights"),
        "shares without exp": (lambda Q, K, V, mask: (lambda s: s / s.sum(1, keepdims=True))(Q @ K.T) @ V,
                               "another key"),
        "overflows": (_with(shift=False), "scores of some 35,000"),
        "the best key only": (_hard, "takes everything"),
        "the weights in place of the answers": (lambda Q, K, V, mask: _softmax(Q @ K.T / 8**0.5), "shape"),
        "answers and weights": (lambda Q, K, V, mask: (attention(Q, K, V, mask), Q @ K.T), "several things"),
        "writes into Q": (_in_place, "in place"),
        "least fitting keys": (lambda Q, K, V, mask: attention(-Q, K, V, mask), "another key"),
        "prints": (lambda Q, K, V, mask: None, "not written"),
    },
    multi_head={
        "cut across the places": (_split_wrongly, "head"),
        "put together without turning back": (_joined_wrongly, "head"),
        "every third feature": (_interleaved, "second of 3 heads"),
        "divided by the root of all features": (lambda Q, K, V, h: _by_head(
            Q, K, V, h, lambda q, k: _softmax(q @ k.T / np.sqrt(Q.shape[1]))), "divided by"),
        "heads ignored": (lambda Q, K, V, h: attention(Q, K, V, None), "answers of other heads move"),
        "one head's weights for all": (lambda Q, K, V, h: _softmax(
            Q[:, :Q.shape[1] // h] @ K[:, :Q.shape[1] // h].T / np.sqrt(Q.shape[1] // h)) @ V, "head"),
        "heads averaged": (lambda Q, K, V, h: _by_head(Q, K, V, h, join=lambda parts: np.mean(parts, 0)), "shape"),
        "heads averaged, then repeated": (lambda Q, K, V, h: _by_head(
            Q, K, V, h, join=lambda parts: np.tile(np.mean(parts, 0), h)), "answers of other heads move"),
        "heads below each other": (lambda Q, K, V, h: _by_head(Q, K, V, h, join=np.vstack), "shape"),
        "heads in reverse": (lambda Q, K, V, h: _by_head(Q, K, V, h, order=lambda n: range(n)[::-1]), "right numbers"),
        "heads turned round": (lambda Q, K, V, h: _by_head(Q, K, V, h, order=lambda n: np.roll(range(n), 1)), "head"),
        "a list of heads": (lambda Q, K, V, h: _by_head(Q, K, V, h, join=np.array), "shape"),
        "only the first head": (lambda Q, K, V, h: _by_head(Q, K, V, h, join=lambda parts: parts[0]), "shape"),
        "always 3 heads": (lambda Q, K, V, h: multi_head(Q, K, V, 3), "single head"),
        "always 1 and 3 heads": (lambda Q, K, V, h: multi_head(Q, K, V, 1 if h == 1 else 3), "2 are not"),
    },
    add_positions={
        "T10 multiplied": (lambda X: X * _table(*X.shape), "returns zeros"),
        "T10 not interleaved": (_positions(together=True), "at place 0"),
        "T10 exponent i for 2i": (_positions(angles=lambda T, d: np.arange(T)[:, None] / 10000 ** (
            np.arange(d // 2) / d)), "place 1"),
        "T10 exponent without d": (_positions(angles=lambda T, d: np.arange(T)[:, None] / 10000 ** (
            np.arange(0, d, 2) / 4)), "depends on d"),
        "T10 cosine first": (_positions(sines=np.cos, cosines=np.sin), "at place 0"),
        "T10 sines only": (_positions(cosines=np.sin), "at place 0"),
        "T10 one exponent a column": (lambda X: X + (lambda a, odd: np.where(odd, np.cos(a), np.sin(a)))(
            np.arange(len(X))[:, None] / 10000 ** (np.arange(X.shape[1]) / X.shape[1]), np.arange(X.shape[1]) % 2),
            "place 1"),
        "counted from 1": (lambda X: X + _table(*X.shape, first=1), "at place 0"),
        "base 1000": (lambda X: X + _table(*X.shape, base=1000.0), "place 1"),
        "degrees": (_positions(sines=lambda a: np.sin(np.radians(a)), cosines=lambda a: np.cos(np.radians(a))),
                    "place 1"),
        "frequency multiplied": (_positions(angles=lambda T, d: np.arange(T)[:, None] * 10000 ** (
            np.arange(0, d, 2) / d)), "place 1"),
        "the table alone": (lambda X: _table(*X.shape), "plus their places"),
        "nothing added": (lambda X: X.copy(), "returns zeros"),
        "subtracted": (lambda X: X - _table(*X.shape), "at place 0"),
        "transposed": (lambda X: X + _table(X.shape[1], 2 * len(X))[:, :len(X)].T, "at place 0"),
        "the numbers of the places": (lambda X: X + np.arange(len(X))[:, None], "at place 0"),
        "writes into X": (lambda X: X.__iadd__(_table(*X.shape)), "in place"),
    },
    attention_backward={
        "T12 softmax's diagonal only": (_backward(lambda P, dP: P * (1 - P) * dP), "share what there is"),
        "no softmax backwards": (_backward(lambda P, dP: dP), "share what there is"),
        "P dP alone": (_backward(lambda P, dP: P * dP), "share what there is"),
        "the mean in place of the weighted sum": (_backward(lambda P, dP: P * (dP - dP.mean(1, keepdims=True))),
                                                  "share what there is"),
        "the sum over the queries": (_backward(lambda P, dP: P * (dP - (P * dP).sum(0, keepdims=True))),
                                     "share what there is"),
        "added in place of subtracted": (_backward(lambda P, dP: P * (dP + (P * dP).sum(1, keepdims=True))),
                                         "share what there is"),
        "root forgotten": (_backward(root=False), "times as long"),
        "root twice": (_backward(scale=8**-0.5), "times as long"),
        "sign": (_backward(scale=-1), "times as long"),
        "K and V swapped": (_swap([0, 2, 1]), "shape"),
        "Q and K swapped": (_swap([1, 0, 2]), "shape"),
        "dV without the weights": (lambda Q, K, V, dY: (*attention_backward(Q, K, V, dY)[:2],
                                                        np.ones((6, 5)) @ dY), "with which share"),
        "dV with scores": (lambda Q, K, V, dY: (*attention_backward(Q, K, V, dY)[:2],
                                                K @ Q.T / 8**0.5 @ dY), "with which share"),
        "P without transpose": (lambda Q, K, V, dY: (*attention_backward(Q, K, V, dY)[:2],
                                                     _softmax(Q @ K.T / 8**0.5) @ dY), "do not fit"),
        "dY ignored": (lambda Q, K, V, dY: attention_backward(Q, K, V, np.ones_like(dY)), "with which share"),
        "only dQ": (lambda *given: attention_backward(*given)[0], "three arrays"),
    },
)
