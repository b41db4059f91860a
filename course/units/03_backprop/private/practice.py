"""Unit 3's practice exercises for the tests: a right solution of each, right but unusual ones, known wrong ones.

MUTANTS: exercise -> {misconception: (wrong solution, a word its check must say)}. In no wheel and no student bundle.
"""

import numpy as np

from course.check import read_unit
from course.labs.whodunit import suspects
from nnlab import functional

SUSPECTS = suspects(read_unit("03_backprop", "bugs.py").SCENES)


def backward(tape):
    grads = np.zeros(len(tape))
    grads[-1] = 1
    for i in reversed(range(len(tape))):
        for parent, slope in tape[i]:
            grads[parent] += grads[i] * slope
    return grads


def linear_backward(X, W, dZ):
    return dZ @ W.T, X.T @ dZ, dZ.sum(0)


def numeric_gradient(f, w):
    grad, h = np.zeros_like(w), 1e-5
    for i in np.ndindex(w.shape):
        ahead, behind = w.copy(), w.copy()
        ahead[i] += h
        behind[i] -= h
        grad[i] = (f(ahead) - f(behind)) / (2 * h)
    return grad


def _softmax(Z):
    e = np.exp(Z - Z.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def train_step(X, y, W1, b1, W2, b2, lr):
    H = np.tanh(X @ W1 + b1)
    dZ = _softmax(H @ W2 + b2)
    dZ[np.arange(len(y)), y] -= 1
    dZ /= len(y)
    dH, dW2, db2 = linear_backward(H, W2, dZ)
    _, dW1, db1 = linear_backward(X, W1, dH * (1 - H**2))
    return W1 - lr * dW1, b1 - lr * db1, W2 - lr * dW2, b2 - lr * db2


SOLUTIONS = dict(backward=backward, linear_backward=linear_backward, numeric_gradient=numeric_gradient,
                 train_step=train_step)


# Right but unusual ---------------------------------------------------------------------------------------------------
def _lists(tape):
    grads = [0.0] * (len(tape) - 1) + [1.0]
    for i in range(len(tape) - 1, -1, -1):
        for parent, slope in tape[i]:
            grads[parent] = grads[parent] + slope * grads[i]
    return grads


def _by_consumers(tape):
    """From the other side: each node asks who uses it."""
    grads = {len(tape) - 1: 1.0}
    for i in range(len(tape) - 2, -1, -1):
        grads[i] = sum(grads[j] * slope for j in range(i + 1, len(tape)) for p, slope in tape[j] if p == i)
    return np.array([grads[i] for i in range(len(tape))])


def _forward_mode(tape):
    """Forward mode, one pass for each node: slow and right."""
    def slope_of(i):
        moved = [0.0] * len(tape)
        moved[i] = 1.0
        for j in range(i + 1, len(tape)):
            moved[j] = sum(slope * moved[p] for p, slope in tape[j])
        return moved[-1]
    return [slope_of(i) for i in range(len(tape))]


def _loops(X, W, dZ):
    dX, dW, db = np.zeros_like(X), np.zeros_like(W), np.zeros(W.shape[1])
    for n in range(len(X)):
        for j in range(W.shape[1]):
            db[j] += dZ[n, j]
            for i in range(len(W)):
                dX[n, i] += W[i, j] * dZ[n, j]
                dW[i, j] += X[n, i] * dZ[n, j]
    return [dX, dW, db]


def _in_place_and_back(f, w):
    grad = np.empty(w.shape)
    for i in np.ndindex(w.shape):
        kept = w[i]
        w[i] = kept + 1e-5
        ahead = f(w)
        w[i] = kept - 1e-5
        grad[i] = (ahead - f(w)) / 2e-5
        w[i] = kept
    return grad


def _flat(f, w):
    eye = 3e-6 * np.eye(w.size).reshape(w.size, *w.shape)
    return np.array([(f(w + e) - f(w - e)) / 6e-6 for e in eye]).reshape(w.shape)


def _two_sided_twice(f, w):
    """Richardson's extrapolation: larger steps, and their error taken out."""
    def slope(i, h):
        e = np.zeros_like(w)
        e[i] = h
        return (f(w + e) - f(w - e)) / (2 * h)
    return np.array([(4 * slope(i, 5e-4) - slope(i, 1e-3)) / 3 for i in np.ndindex(w.shape)]).reshape(w.shape)


def _by_engine(X, y, W1, b1, W2, b2, lr):
    import nnlab
    weights = [nnlab.Tensor(w, requires_grad=True) for w in (W1, b1, W2, b2)]
    w1, c1, w2, c2 = weights
    functional.cross_entropy(functional.tanh(X @ w1 + c1) @ w2 + c2, y).backward()
    return [w.data - lr * w.grad for w in weights]


def _by_examples(X, y, W1, b1, W2, b2, lr):
    total = [np.zeros_like(w) for w in (W1, b1, W2, b2)]
    for x, label in zip(X, y, strict=True):
        h = np.tanh(x @ W1 + b1)
        d = _softmax((h @ W2 + b2)[None])[0] - np.eye(len(b2))[label]
        delta = (W2 @ d) * (1 - h * h)
        for sum_, g in zip(total, (np.outer(x, delta), delta, np.outer(h, d), d), strict=True):
            sum_ += g / len(X)
    return tuple(w - lr * g for w, g in zip((W1, b1, W2, b2), total, strict=True))


def _cosh(X, y, W1, b1, W2, b2, lr):
    A = X @ W1 + b1
    H = np.tanh(A)
    dZ = (_softmax(H @ W2 + b2) - (y[:, None] == np.arange(len(b2)))) / len(X)
    dA = np.einsum("nk,hk->nh", dZ, W2) / np.cosh(np.clip(A, -300, 300)) ** 2
    return W1 - lr * X.T @ dA, b1 - lr * dA.sum(0), W2 - lr * H.T @ dZ, b2 - lr * dZ.sum(0)


def _single(X, y, *rest):
    return train_step(X.astype(np.float32), y, *(np.asarray(r, np.float32) for r in rest))


BENIGN = dict(
    backward=[_lists, _by_consumers, _forward_mode, lambda tape: tuple(_lists(tape)),
              lambda tape: np.float32(backward(tape))],
    linear_backward=[_loops, lambda X, W, dZ: ((W @ dZ.T).T, (dZ.T @ X).T, np.ones(len(dZ)) @ dZ),
                     lambda X, W, dZ: (np.einsum("nj,ij->ni", dZ, W), np.einsum("ni,nj->ij", X, dZ), sum(dZ)),
                     lambda X, W, dZ: linear_backward(*(a.astype(np.float32) for a in (X, W, dZ))),
                     lambda X, W, dZ: [a.tolist() for a in linear_backward(X, W, dZ)]],
    numeric_gradient=[_in_place_and_back, _flat, _two_sided_twice, lambda f, w: numeric_gradient(f, w).tolist()],
    train_step=[_by_engine, _by_examples, _cosh, _single, lambda *given: list(train_step(*given))],
)


# Known mistakes ------------------------------------------------------------------------------------------------------
def _walk(order=reversed, seed=1.0, send=lambda grads, i, parent, slope: grads[parent] + grads[i] * slope):
    def backward(tape):
        grads = [0.0] * len(tape)
        grads[-1] = seed
        for i in order(range(len(tape))):
            for parent, slope in tape[i]:
                grads[parent] = send(grads, i, parent, slope)
        return grads
    return backward


def _each_parent_once(tape):
    return backward(tuple(tuple(dict(pairs).items()) for pairs in tape))


def _first_wins(grads, i, parent, slope):
    return grads[parent] or grads[i] * slope


def _zeroed_at_its_turn(tape):
    """A node's gradient is cleared after it has been sent on: tidy, and wrong."""
    grads = backward(tape)
    grads[[i for i, pairs in enumerate(tape) if pairs]] = 0
    grads[-1] = 1
    return grads


def _recursive_eager(tape):
    """Passes on what a node holds each time something arrives: what came first is passed on twice."""
    grads = [0.0] * len(tape)

    def arrive(i, g):
        grads[i] += g
        for parent, slope in tape[i]:
            arrive(parent, grads[i] * slope)

    arrive(len(tape) - 1, 1.0)
    return grads


def _inputs_only(tape):
    return [g for g, pairs in zip(backward(tape), tape, strict=True) if not pairs]


def _nudge(h=1e-5, sides="both", dtype=float, divide=2.0):
    def numeric_gradient(f, w):
        w = np.asarray(w, dtype)
        grad = np.zeros(w.shape, dtype)
        for i in np.ndindex(w.shape):
            e = np.zeros(w.shape, dtype)
            e[i] = h
            low = f(w - e) if sides == "both" else f(w)
            grad[i] = (f(w + e) - low) / (dtype(divide) * dtype(h) if sides == "both" else dtype(h))
        return grad
    return numeric_gradient


def _not_restored(f, w):
    w, grad = w.copy(), np.zeros_like(w)
    for i in np.ndindex(w.shape):
        w[i] += 1e-5
        ahead = f(w)
        w[i] -= 2e-5
        grad[i] = (ahead - f(w)) / 2e-5
    return grad


def _not_restored_in_place(f, w):
    grad = np.zeros_like(w)
    for i in np.ndindex(w.shape):
        behind = f(w)
        w[i] += 1e-5
        grad[i] = (f(w) - behind) / 1e-5
    return grad


def _all_at_once(f, w):
    return np.full(w.shape, (f(w + 1e-5) - f(w - 1e-5)) / 2e-5)


def _rows(f, w):
    grad = np.zeros_like(w)
    for i in range(len(w)):
        e = np.zeros_like(w)
        e[i] = 1e-5
        grad[i] = (f(w + e) - f(w - e)) / 2e-5
    return grad


def _step(bend=lambda H: 1 - H**2, back=lambda dZ, W2: dZ @ W2.T, mean=len, sign=1, output=_softmax,
          scale=lambda lr: lr, bias=lambda d: d.sum(0), target=lambda y, k: np.eye(k)[y], hidden=np.tanh):
    """train_step with one part replaced."""
    def train_step(X, y, W1, b1, W2, b2, lr):
        H = hidden(X @ W1 + b1)
        dZ = (output(H @ W2 + b2) - target(y, len(b2))) / mean(X)
        dA, eta = back(dZ, W2) * bend(H), sign * scale(lr)
        return W1 - eta * X.T @ dA, b1 - eta * bias(dA), W2 - eta * H.T @ dZ, b2 - eta * bias(dZ)
    return train_step


def _w1_first(X, y, W1, b1, W2, b2, lr):
    H = np.tanh(X @ W1 + b1)
    dZ = (_softmax(H @ W2 + b2) - np.eye(len(b2))[y]) / len(X)
    dA = dZ @ W2.T * (1 - H**2)
    W1, b1 = W1 - lr * X.T @ dA, b1 - lr * dA.sum(0)
    H = np.tanh(X @ W1 + b1)
    return W1, b1, W2 - lr * H.T @ dZ, b2 - lr * dZ.sum(0)


def _in_place(X, y, W1, b1, W2, b2, lr):
    new = train_step(X, y, W1, b1, W2, b2, lr)
    for old, n in zip((W1, b1, W2, b2), new, strict=True):
        old[...] = n
    return W1, b1, W2, b2


def _remembers():
    kept = []

    def train_step_kept(X, y, *rest):
        new, old, lr = train_step(X, y, *rest), rest[:4], rest[4]
        moves = [n - o for n, o in zip(new, old, strict=True)]
        if kept and lr == 0.3 and kept[0] is not None and len(X) == 12:
            moves = [m + k for m, k in zip(moves, kept[0], strict=True)]
        kept[:] = [moves if len(X) == 12 else None]
        return [o + m for o, m in zip(old, moves, strict=True)]
    return train_step_kept


def _naive_softmax(Z):
    return np.exp(Z) / np.exp(Z).sum(1, keepdims=True)


def _sigmoid(Z):
    return 1 / (1 + np.exp(-Z))


MUTANTS = dict(
    backward={
        "B7 = instead of +=": (SUSPECTS["backward"]["B7 = instead of +="], "used twice"),
        "B7 the first one wins": (_walk(send=_first_wins), "used twice"),
        "B7 each parent once": (_each_parent_once, "twice among its parents"),
        "B7 passed on as it arrives": (_recursive_eager, "everything that arrives"),
        "forward instead of backward": (_walk(order=iter), "complete"),
        "not begun with 1": (_walk(seed=0.0), "by how much does L change"),
        "begun with the value": (_walk(seed=12.0), "by how much does L change"),
        "upstream forgotten": (SUSPECTS["backward"]["upstream forgotten"], "what arrived"),
        "local derivative forgotten": (SUSPECTS["backward"]["local derivative forgotten"], "4 and 3"),
        "added, not multiplied": (_walk(send=lambda g, i, p, s: g[p] + g[i] + s), "4 and 3"),
        "multiplied where they meet": (SUSPECTS["backward"]["multiplied where they meet"], "used twice"),
        "mean where they meet": (SUSPECTS["backward"]["mean where they meet"], "used twice"),
        "divided": (_walk(send=lambda g, i, p, s: g[p] + g[i] / s), "4 and 3"),
        "sign": (_walk(send=lambda g, i, p, s: g[p] - g[i] * s), "4 and 3"),
        "cleared once sent": (_zeroed_at_its_turn, "chain"),
        "inputs only": (_inputs_only, "expected an array of shape (3,)"),
        "stops before the end": (lambda tape: [*backward(tape)[:1], *[0.0] * (len(tape) - 2), 1.0], "4 and 3"),
        "the first step only": (lambda tape: backward((*((),) * (len(tape) - 1), tape[-1])), "chain"),
        "a dict": (lambda tape: dict(enumerate(backward(tape))), "no array of numbers"),
    },
    linear_backward={
        "B10 db over the wrong axis": (lambda X, W, dZ: (dZ @ W.T, X.T @ dZ, dZ.sum(1)), "db"),
        "B10 db averaged": (lambda X, W, dZ: (dZ @ W.T, X.T @ dZ, dZ.mean(0)), "The mean belongs to the loss"),
        "B10 dW averaged": (lambda X, W, dZ: (dZ @ W.T, X.T @ dZ / len(X), dZ.sum(0)), "nothing more"),
        "B10 db not summed": (lambda X, W, dZ: (dZ @ W.T, X.T @ dZ, dZ), "db"),
        "B10 db kept as a row": (lambda X, W, dZ: (dZ @ W.T, X.T @ dZ, dZ.sum(0, keepdims=True)), "(1, 4)"),
        "B10 db of ones": (lambda X, W, dZ: (dZ @ W.T, X.T @ dZ, np.ones(W.shape[1])), "added"),
        "B10 db is one number": (lambda X, W, dZ: (dZ @ W.T, X.T @ dZ, dZ.sum()), "a single number"),
        "B10 db from the first example": (lambda X, W, dZ: (dZ @ W.T, X.T @ dZ, dZ[0]), "5 gradients"),
        "B11 dX without the transpose": (lambda X, W, dZ: (dZ @ W, X.T @ dZ, dZ.sum(0)), "Which two sizes meet"),
        "B11 dX with W reshaped": (lambda X, W, dZ: (dZ @ W.reshape(4, 3), X.T @ dZ, dZ.sum(0)), "the same way"),
        "B11 dX transposed": (lambda X, W, dZ: (W @ dZ.T, X.T @ dZ, dZ.sum(0)), "dX"),
        "B11 dX averaged": (lambda X, W, dZ: (dZ @ W.T / len(X), X.T @ dZ, dZ.sum(0)), "dX"),
        "dW without the transpose": (lambda X, W, dZ: (dZ @ W.T, X @ dZ, dZ.sum(0)), "Which two sizes meet"),
        "dW transposed": (lambda X, W, dZ: (dZ @ W.T, dZ.T @ X, dZ.sum(0)), "dW"),
        "dW from the forward pass": (lambda X, W, dZ: (dZ @ W.T, X.T @ (X @ W), dZ.sum(0)), "dW"),
        "the order of the three": (lambda X, W, dZ: (X.T @ dZ, dZ @ W.T, dZ.sum(0)), "dX"),
        "two only": (lambda X, W, dZ: (dZ @ W.T, X.T @ dZ), "expected three"),
        "dW only": (lambda X, W, dZ: X.T @ dZ, "expected three"),
        "sign": (lambda X, W, dZ: (-dZ @ W.T, -X.T @ dZ, -dZ.sum(0)), "dW"),
        "of a mean, whatever dZ says": (lambda X, W, dZ: (dZ @ W.T, X.T @ np.sign(dZ), dZ.sum(0)), "dW"),
        "dZ changed in place": (lambda X, W, dZ: linear_backward(X, W, np.multiply(dZ, 2, out=dZ)), "in place"),
    },
    numeric_gradient={
        "B13 one-sided": (_nudge(sides="right"), "both sides"),
        "B13 float32": (_nudge(dtype=np.float32), "straight"),
        "B13 float32, with a larger step": (_nudge(1e-2, dtype=np.float32), "float64"),
        "B13 not restored": (_not_restored, "still carry"),
        "B13 not restored, in place": (_not_restored_in_place, "in place"),
        "h too large": (_nudge(0.1), "curve bends"),
        "h too small": (_nudge(1e-12), "slope"),
        "divided by h, not 2h": (_nudge(divide=1.0), "whole distance"),
        "all numbers at once": (_all_at_once, "at a time"),
        "whole rows at once": (_rows, "one number"),
        "not divided": (lambda f, w: numeric_gradient(f, w) * 2e-5, "divided"),
        "one number only": (lambda f, w: (f(w + 1e-5) - f(w - 1e-5)) / 2e-5, "expected an array of shape (3,)"),
        "rounded": (lambda f, w: numeric_gradient(f, w).round(4), "straight"),
        "flattened": (lambda f, w: numeric_gradient(f, w).ravel(), "(8,)"),
        "sign": (lambda f, w: -numeric_gradient(f, w), "straight"),
        "3w², the answer to the cubic": (lambda f, w: 3 * w**2, "straight"),
    },
    train_step={
        "B1 W2 before dW1": (SUSPECTS["train_step"]["B1 W2 before dW1"], "moved already"),
        "B1 W1 before dW2": (_w1_first, "moved already"),
        "B2 tanh' forgotten": (SUSPECTS["train_step"]["B2 tanh' forgotten"], "station left out"),
        "B2 tanh' of the wrong thing": (_step(bend=lambda H: 1 - np.tanh(H) ** 2), "W1 takes a wrong step"),
        "B2 sigmoid's derivative": (_step(bend=lambda H: H * (1 - H)), "W1 takes a wrong step"),
        "B2 relu's derivative": (_step(bend=lambda H: H > 0), "W1 takes a wrong step"),
        "B2 1 - H": (_step(bend=lambda H: 1 - H), "W1 takes a wrong step"),
        "B4 sum instead of mean": (SUSPECTS["train_step"]["B4 sum instead of mean"], "mean"),
        "B5 averaged twice": (_step(mean=lambda X: len(X) ** 2), "mean"),
        "B10 bias gradients averaged": (SUSPECTS["train_step"]["B10 bias gradients averaged"], "b2 takes a wrong step"),
        "B10 all biases alike": (_step(bias=lambda d: d.sum()), "b2 takes a wrong step"),
        "B11 through W2 reshaped": (_step(back=lambda dZ, W: dZ @ W.reshape(2, 4)), "W1 takes a wrong step"),
        "B11 no transpose": (_step(back=lambda dZ, W: dZ @ W), "matmul"),
        "back without W2": (_step(back=lambda dZ, W: np.repeat(dZ.sum(1, keepdims=True), 4, 1)), "W1 takes a wrong"),
        "uphill": (_step(sign=-1), "uphill"),
        "no learning rate": (_step(scale=lambda lr: 1.0), "lr = 0"),
        "a rate of its own": (_step(scale=lambda lr: 0.1 * (lr > 0)), "wrong step"),
        "half the step": (_step(scale=lambda lr: lr / 2), "wrong step"),
        "targets forgotten": (_step(target=lambda y, k: 0.0), "step"),
        "labels as numbers": (_step(target=lambda y, k: y[:, None]), "step"),
        "softmax left out": (_step(output=lambda Z: Z), "step"),
        "sigmoid for softmax": (_step(output=_sigmoid), "step"),
        "softmax over the batch": (_step(output=lambda Z: _softmax(Z.T).T), "step"),
        "softmax overflows": (_step(output=_naive_softmax), "nan or infinite"),
        "relu in the hidden layer": (_step(hidden=lambda A: np.maximum(A, 0), bend=lambda H: H > 0), "wrong step"),
        "weights in place": (_in_place, "in place"),
        "only the last layer": (lambda X, y, W1, b1, *rest: (W1, b1, *train_step(X, y, W1, b1, *rest)[2:]),
                                "W1 takes a wrong step"),
        "only the weights": (lambda X, y, W1, b1, W2, b2, lr: (
            lambda new: (new[0], b1, new[2], b2))(train_step(X, y, W1, b1, W2, b2, lr)), "b2 takes a wrong step"),
        "the gradients instead": (lambda X, y, *rest: tuple(
            old - new for old, new in zip(rest[:4], train_step(X, y, *rest[:4], 1.0), strict=True)), "lr = 0"),
        "layers in the other order": (lambda *given: (lambda new: new[2:] + new[:2])(train_step(*given)), "W1"),
        "B8 adds what it did before": (_remembers(), "from call to call"),
        "the loss only": (lambda *given: 0.7, "expected four"),
    },
)
