"""Unit 4's practice exercises for the tests: a right solution of each, right but unusual ones, known wrong ones.

MUTANTS: exercise -> {misconception: (wrong solution, a word its check must say)}. In no wheel and no student bundle.
"""

import math

import numpy as np

from course.check import read_unit
from course.labs.whodunit import suspects

SUSPECTS = suspects(read_unit("04_optimizers", "bugs.py").SCENES)


def momentum(w, g, u, lr, beta):
    u = beta * u + g
    return w - lr * u, u


def nesterov(gradient, w, u, lr, beta):
    u = beta * u + gradient(w - lr * beta * u)
    return w - lr * u, u


def rmsprop(w, g, v, lr, alpha, eps):
    v = alpha * v + (1 - alpha) * g**2
    return w - lr * g / (np.sqrt(v) + eps), v


def adam(w, g, m, v, t, lr, b1, b2, eps):
    m = b1 * m + (1 - b1) * g
    v = b2 * v + (1 - b2) * g**2
    m_hat, v_hat = m / (1 - b1**t), v / (1 - b2**t)
    return w - lr * m_hat / (np.sqrt(v_hat) + eps), m, v


SOLUTIONS = dict(momentum=momentum, nesterov=nesterov, rmsprop=rmsprop, adam=adam)


# Right, but unusual --------------------------------------------------------------------------------------------------
def _by_number(step):
    """The same rule, number by number, into new arrays. `step` takes the numbers and returns as many as are new."""
    def function(*args):
        arrays = [a for a in args if isinstance(a, np.ndarray)]
        rest = [a for a in args if not isinstance(a, np.ndarray)]
        rows = [step(*map(float, numbers), *rest) for numbers in zip(*(a.ravel() for a in arrays), strict=True)]
        return [np.reshape(column, arrays[0].shape) for column in zip(*rows, strict=True)]

    return function


def _momentum_in_place_on_its_own(w, g, u, lr, beta):
    w, u = w.copy(), u.copy()
    u *= beta
    u += g
    w -= lr * u
    return w, u


def _nesterov_with_a_name(gradient, w, u, lr, beta):
    ahead = np.subtract(w, lr * beta * u)
    step = beta * u + gradient(ahead)
    return [w + -lr * step, step]


def _nesterov_from_the_point_ahead(gradient, w, u, lr, beta):
    ahead = w - lr * beta * u
    g = gradient(ahead)
    return ahead - lr * g, beta * u + g


def _rmsprop_by_a_difference(w, g, v, lr, alpha, eps):
    v = v + (1 - alpha) * (g * g - v)
    return w - lr / (v**0.5 + eps) * g, v


def _adam_in_one_rate(w, g, m, v, t, lr, b1, b2, eps):
    m, v = m + (1 - b1) * (g - m), v + (1 - b2) * (g * g - v)
    c = math.sqrt(1 - b2**t)
    return w - lr * c / (1 - b1**t) * m / (np.sqrt(v) + c * eps), m, v


def _adam_number(w, g, m, v, t, lr, b1, b2, eps):
    m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g * g
    return w - lr * m / (1 - b1**t) / (math.sqrt(v / (1 - b2**t)) + eps), m, v


def _single(function):
    """The same in float32."""
    def call(*args):
        return tuple(np.asarray(a, np.float32) for a in
                     function(*(a.astype(np.float32) if isinstance(a, np.ndarray) else a for a in args)))

    return call


BENIGN = dict(
    momentum=[_momentum_in_place_on_its_own, lambda w, g, u, lr, beta: [w - lr * g - lr * beta * u, u * beta + g],
              _by_number(lambda w, g, u, lr, beta: (w - lr * (beta * u + g), beta * u + g)), _single(momentum)],
    nesterov=[_nesterov_with_a_name, _nesterov_from_the_point_ahead,
              lambda f, w, u, lr, beta: tuple(a.astype(np.float32) for a in nesterov(f, w, u, lr, beta))],
    rmsprop=[_rmsprop_by_a_difference, _single(rmsprop),
             _by_number(lambda w, g, v, lr, alpha, eps: (
                 w - lr * g / (math.sqrt(alpha * v + (1 - alpha) * g * g) + eps), alpha * v + (1 - alpha) * g * g))],
    adam=[_adam_in_one_rate, _by_number(_adam_number), _single(adam),
          lambda *args: list(adam(*args))],
)


# Wrong ---------------------------------------------------------------------------------------------------------------
def _writes_into_w(w, g, u, lr, beta):
    u = beta * u + g
    w -= lr * u
    return w, u


def _writes_into_u(w, g, u, lr, beta):
    u *= beta
    u += g
    return w - lr * u, u


def _kept_outside():
    kept = {}

    def function(w, g, u, lr, beta):
        if not np.any(u) and not kept.get("running"):
            kept["u"] = np.zeros_like(u)
        kept["u"] = beta * kept.get("u", np.zeros_like(g)) + g if np.shape(kept.get("u")) == g.shape else g
        return w - lr * kept["u"], kept["u"].copy()

    return function


def _lost(w, g, u, lr, beta):
    u = beta * u + g
    w = w - lr * u


def _remembers_v():
    kept = {}

    def function(w, g, v, lr, alpha, eps):
        old = kept.get("v", v) if np.shape(kept.get("v", v)) == v.shape else v
        kept["v"] = alpha * old + (1 - alpha) * g**2
        return w - lr * g / (np.sqrt(kept["v"]) + eps), kept["v"].copy()

    return function


def _counts_by_itself():
    count = []

    def function(w, g, m, v, t, lr, b1, b2, eps):
        count.append(1)
        return adam(w, g, m, v, len(count), lr, b1, b2, eps)

    return function


def _ends(w, g, m, v, t, lr, b1, b2, eps, *, change):
    """Adam with the end changed: `change(m, v, m_hat, v_hat, ...)` gives the step."""
    m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
    return w - lr * change(m, v, m / (1 - b1**t), v / (1 - b2**t), eps), m, v


def _step(change):
    return lambda *args: _ends(*args, change=change)


def _means(of_m, of_v):
    """Adam whose means are made by these."""
    def function(w, g, m, v, t, lr, b1, b2, eps):
        m, v = of_m(m, g, b1, b2), of_v(v, g, b1, b2)
        return w - lr * m / (1 - b1**t) / (np.sqrt(np.abs(v) / (1 - b2**t)) + eps), m, v

    return function


def _corrected_kept(w, g, m, v, t, lr, b1, b2, eps):
    m, v = (b1 * m + (1 - b1) * g) / (1 - b1**t), (b2 * v + (1 - b2) * g**2) / (1 - b2**t)
    return w - lr * m / (np.sqrt(v) + eps), m, v


def _v_corrected_kept(w, g, m, v, t, lr, b1, b2, eps):
    m, v = b1 * m + (1 - b1) * g, (b2 * v + (1 - b2) * g**2) / (1 - b2**t)
    return w - lr * m / (1 - b1**t) / (np.sqrt(v) + eps), m, v


def _eps_before_the_correction(w, g, m, v, t, lr, b1, b2, eps):
    m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
    return w - lr * math.sqrt(1 - b2**t) / (1 - b1**t) * m / (np.sqrt(v) + eps), m, v


_m = lambda m, g, b1, b2: b1 * m + (1 - b1) * g
_v = lambda v, g, b1, b2: b2 * v + (1 - b2) * g**2

MUTANTS = dict(
    momentum={
        "O8 a running mean": (SUSPECTS["momentum"]["O8 a running mean"], "a tenth of gradient descent's"),
        "O8 a running mean, swapped": (lambda w, g, u, lr, b: (w - lr * ((1 - b) * u + b * g), (1 - b) * u + b * g),
                                       "the first step is that of gradient descent"),
        "O8 lr inside u": (lambda w, g, u, lr, b: (w - (b * u + lr * g), b * u + lr * g), "not beta · u + g"),
        "O8 lr inside and outside": (lambda w, g, u, lr, b: (w - lr * (b * u + lr * g), b * u + lr * g),
                                     "the first step is that of gradient descent"),
        "O11 the step is lost": (_lost, "not written yet"),
        "O11 w as it was": (lambda w, g, u, lr, b: (w, b * u + g), "the first step is that of gradient descent"),
        "O11 writes into w": (_writes_into_w, "in place"),
        "O11 writes into u": (_writes_into_u, "in place"),
        "O11 remembers outside": (_kept_outside(), "not beta · u + g"),
        "gradient descent": (lambda w, g, u, lr, b: (w - lr * g, u), "not beta · u + g"),
        "u forgotten": (lambda w, g, u, lr, b: (w - lr * g, g), "not beta · u + g"),
        "u not handed on": (SUSPECTS["momentum"]["u not handed on"], "not beta · u + g"),
        "the old u": (SUSPECTS["momentum"]["the old u"], "the first step is that of gradient descent"),
        "u never fades": (SUSPECTS["momentum"]["u never fades"], "not beta · u + g"),
        "beta times both": (lambda w, g, u, lr, b: (w - lr * b * (u + g), b * (u + g)), "first step"),
        "Nesterov's form": (lambda w, g, u, lr, b: (w - lr * (g + b * (b * u + g)), b * u + g), "first step"),
        "uphill": (lambda w, g, u, lr, b: (w + lr * (b * u + g), b * u + g), "uphill"),
        "u with the other sign": (lambda w, g, u, lr, b: (w - lr * (g - b * u), g - b * u), "not beta · u + g"),
        "brakes where it is flat": (lambda w, g, u, lr, b: (w - lr * (b * u + g) * (g != 0), b * u + g), "flat"),
        "the other way round": (lambda w, g, u, lr, b: momentum(w, g, u, lr, b)[::-1], "first step"),
        "w alone": (lambda w, g, u, lr, b: momentum(w, g, u, lr, b)[0], "expected 2"),
        "u as one number": (lambda w, g, u, lr, b: (momentum(w, g, u, lr, b)[0], float(np.sum(u))), "shape"),
    },
    nesterov={
        "O10 the gradient at w": (lambda f, w, u, lr, b: momentum(w, f(w), u, lr, b), "where it stands"),
        "O10 looks back": (lambda f, w, u, lr, b: momentum(w, f(w + lr * b * u), u, lr, b), "looks back"),
        "O10 ahead without lr": (lambda f, w, u, lr, b: momentum(w, f(w - b * u), u, lr, b), "would carry w to"),
        "O10 ahead without beta": (lambda f, w, u, lr, b: momentum(w, f(w - lr * u), u, lr, b), "would carry w to"),
        "O10 PyTorch's form": (lambda f, w, u, lr, b: (w - lr * (f(w) + b * (b * u + f(w))), b * u + f(w)),
                               "gradients; every one costs"),
        "O10 PyTorch's form, one gradient": (
            lambda f, w, u, lr, b: (lambda g: (w - lr * (g + b * (b * u + g)), b * u + g))(f(w)), "where it stands"),
        "starts from the point ahead": (lambda f, w, u, lr, b: (lambda x: momentum(x, f(x), u, lr, b))(w - lr * b * u),
                                        "from where does the step start"),
        "two gradients": (lambda f, w, u, lr, b: (f(w), momentum(w, f(w - lr * b * u), u, lr, b))[1],
                          "2 gradients"),
        "a running mean": (lambda f, w, u, lr, b: (lambda n: (w - lr * n, n))(b * u + (1 - b) * f(w - lr * b * u)),
                           "first step"),
        "u not handed on": (lambda f, w, u, lr, b: (nesterov(f, w, u, lr, b)[0], u), "u is not"),
        "u forgotten": (lambda f, w, u, lr, b: (lambda g: (w - lr * g, g))(f(w - lr * b * u)), "in the wrong place"),
        "uphill": (lambda f, w, u, lr, b: (2 * w - nesterov(f, w, u, lr, b)[0], nesterov(f, w, u, lr, b)[1]),
                   "gradients"),
        "the step doubled": (lambda f, w, u, lr, b: (lambda n: (w - 2 * lr * n, n))(b * u + f(w - lr * b * u)),
                             "first step"),
        "w alone": (lambda f, w, u, lr, b: nesterov(f, w, u, lr, b)[0], "expected 2"),
        "the other way round": (lambda f, w, u, lr, b: nesterov(f, w, u, lr, b)[::-1], "first step"),
    },
    rmsprop={
        "O7 decay swapped": (lambda w, g, v, lr, a, e: rmsprop(w, g, v, lr, 1 - a, e), "keeps 1 - alpha"),
        "O6 g, not squared": (lambda w, g, v, lr, a, e: (lambda n: (w - lr * g / (np.sqrt(np.abs(n)) + e), n))(
            a * v + (1 - a) * g), "the gradients themselves"),
        "O6 sizes in place of squares": (lambda w, g, v, lr, a, e: (lambda n: (w - lr * g / (n + e), n))(
            a * v + (1 - a) * np.abs(g)), "the gradients themselves"),
        "AdaGrad": (SUSPECTS["rmsprop"]["AdaGrad"], "grows with every"),
        "the new square not weighed": (lambda w, g, v, lr, a, e: (w - lr * g / (np.sqrt(a * v + g**2) + e),
                                                                  a * v + g**2), "grows with every step"),
        "no root": (SUSPECTS["rmsprop"]["no root"], "for a gradient of 100"),
        "multiplied": (lambda w, g, v, lr, a, e: (lambda n: (w - lr * g * np.sqrt(n), n))(a * v + (1 - a) * g**2),
                       "for a gradient of 100"),
        "one v for all weights": (lambda w, g, v, lr, a, e: (lambda n: (w - lr * g / (np.sqrt(n.mean()) + e), n))(
            a * v + (1 - a) * g**2), "each weight for itself"),
        "the length of g": (SUSPECTS["rmsprop"]["the length of g"], "not the running mean"),
        "O4 eps under the root": (lambda w, g, v, lr, a, e: (lambda n: (w - lr * g / np.sqrt(n + e), n))(
            a * v + (1 - a) * g**2), "eps is added once"),
        "O4 eps forgotten": (lambda w, g, v, lr, a, e: rmsprop(w, g, v, lr, a, 0.0), "eps is added once"),
        "O4 eps into v": (lambda w, g, v, lr, a, e: (lambda n: (w - lr * g / np.sqrt(n), n))(
            a * v + (1 - a) * g**2 + e), "eps is added once"),
        "the old v": (lambda w, g, v, lr, a, e: (w - lr * g / (np.sqrt(v) + e), rmsprop(w, g, v, lr, a, e)[1]),
                      "wrong length"),
        "corrected as Adam": (lambda w, g, v, lr, a, e: (lambda n: (w - lr * g / (np.sqrt(n / (1 - a)) + e), n))(
            a * v + (1 - a) * g**2), "lr, for a gradient of 100"),
        "sign only": (lambda w, g, v, lr, a, e: (w - lr * np.sign(g), rmsprop(w, g, v, lr, a, e)[1]), "eps"),
        "uphill": (lambda w, g, v, lr, a, e: (2 * w - rmsprop(w, g, v, lr, a, e)[0], rmsprop(w, g, v, lr, a, e)[1]),
                   "uphill"),
        "O11 v not handed on": (lambda w, g, v, lr, a, e: (rmsprop(w, g, v, lr, a, e)[0], v), "not the running mean"),
        "O11 remembers outside": (_remembers_v(), "disturb each other"),
        "w alone": (lambda w, g, v, lr, a, e: rmsprop(w, g, v, lr, a, e)[0], "expected 2"),
        "the other way round": (lambda w, g, v, lr, a, e: rmsprop(w, g, v, lr, a, e)[::-1], "running mean"),
    },
    adam={
        "O1 no correction": (SUSPECTS["adam"]["O1 no correction"], "3.16 times lr"),
        "O1 m not corrected": (SUSPECTS["adam"]["O1 m not corrected"], "0.1 times lr"),
        "O1 v not corrected": (SUSPECTS["adam"]["O1 v not corrected"], "31.6 times lr"),
        "O1 the corrections swapped": (lambda w, g, m, v, t, lr, b1, b2, e: (
            w - lr * _m(m, g, b1, b2) / (1 - b2**t) / (np.sqrt(_v(v, g, b1, b2) / (1 - b1**t)) + e),
            _m(m, g, b1, b2), _v(v, g, b1, b2)), "times lr, for every gradient"),
        "O1 multiplied": (lambda w, g, m, v, t, lr, b1, b2, e: (
            w - lr * _m(m, g, b1, b2) * (1 - b1**t) / (np.sqrt(_v(v, g, b1, b2) * (1 - b2**t)) + e),
            _m(m, g, b1, b2), _v(v, g, b1, b2)), "times lr, for every gradient"),
        "O1 as if t were 1": (lambda w, g, m, v, t, lr, b1, b2, e: adam(w, g, m, v, 1, lr, b1, b2, e), "step 2 of"),
        "O1 t counted from 0": (lambda w, g, m, v, t, lr, b1, b2, e: adam(w, g, m, v, t + 1, lr, b1, b2, e),
                                "times lr, for every gradient"),
        "O1 b t in place of b^t": (lambda w, g, m, v, t, lr, b1, b2, e: (
            w - lr * _m(m, g, b1, b2) / (1 - b1 / t) / (np.sqrt(_v(v, g, b1, b2) / (1 - b2 / t)) + e),
            _m(m, g, b1, b2), _v(v, g, b1, b2)), "step 2 of four"),
        "m handed on corrected": (_corrected_kept, "already corrected"),
        "v handed on corrected": (_v_corrected_kept, "v already corrected"),
        "O4 eps under the root": (_step(lambda m, v, mh, vh, e: mh / np.sqrt(vh + e)), "not under it"),
        "O4 eps before the correction": (_eps_before_the_correction, "not before the correction"),
        "O4 eps forgotten": (lambda *args: adam(*args[:-1], 0.0), "eps is added"),
        "O6 v of g": (_means(_m, lambda v, g, b1, b2: b2 * v + (1 - b2) * g), "the running mean of g²"),
        "O6 v of |g|": (_means(_m, lambda v, g, b1, b2: b2 * v + (1 - b2) * np.abs(g)), "the running mean of g²"),
        "O6 m of g²": (_means(lambda m, g, b1, b2: b1 * m + (1 - b1) * g**2, _v), "the running mean of g,"),
        "O6 v of m²": (lambda w, g, m, v, t, lr, b1, b2, e: (lambda a, b: (
            w - lr * a / (1 - b1**t) / (np.sqrt(b / (1 - b2**t)) + e), a, b))(
                _m(m, g, b1, b2), b2 * v + (1 - b2) * _m(m, g, b1, b2)**2), "the running mean of g²"),
        "O7 both decays swapped": (lambda w, g, m, v, t, lr, b1, b2, e: adam(w, g, m, v, t, lr, 1 - b1, 1 - b2, e),
                                   "the running mean of g,"),
        "b1 and b2 swapped": (lambda w, g, m, v, t, lr, b1, b2, e: adam(w, g, m, v, t, lr, b2, b1, e),
                              "the running mean of g,"),
        "O8 m not a mean": (_means(lambda m, g, b1, b2: b1 * m + g, _v), "the running mean of g,"),
        "no root": (_step(lambda m, v, mh, vh, e: mh / (vh + e)), "first step is lr"),
        "g in place of m": (lambda w, g, m, v, t, lr, b1, b2, e: (
            w - lr * g / (np.sqrt(_v(v, g, b1, b2) / (1 - b2**t)) + e), _m(m, g, b1, b2), _v(v, g, b1, b2)),
            "step 2 of four"),
        "sign of the gradient": (lambda w, g, m, v, t, lr, b1, b2, e: (w - lr * np.sign(g), _m(m, g, b1, b2),
                                                                       _v(v, g, b1, b2)), "eps"),
        "uphill": (_step(lambda m, v, mh, vh, e: -mh / (np.sqrt(vh) + e)), "-1 times lr"),
        "decays its weights": (lambda w, g, m, v, t, lr, b1, b2, e: adam(0.99 * w, g, m, v, t, lr, b1, b2, e),
                               "step 1 of four"),
        "O11 m and v not handed on": (lambda w, g, m, v, *rest: (adam(w, g, m, v, *rest)[0], m, v),
                                      "the running mean of g,"),
        "O11 counts the steps by itself": (_counts_by_itself(), "lr"),
        "m and v the other way round": (lambda *args: (lambda w, m, v: (w, v, m))(*adam(*args)),
                                        "the running mean of g,"),
        "w alone": (lambda *args: adam(*args)[0], "expected 3"),
        "clipped v": (_means(_m, lambda v, g, b1, b2: np.maximum(_v(v, g, b1, b2), v)), "running mean of g²"),
    },
)
