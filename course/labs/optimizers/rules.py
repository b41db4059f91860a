"""The update rules of lesson 4 as pure functions: the old weights and what is remembered in, the new ones out.

What the student writes has these names and arguments. nnlab's optimizers are the same formulas on one flat vector, in
place; the tests hold the two against each other.
"""

import numpy as np

from course.labs.controls import Slider


def gradient_descent(w, g, lr):
    """w <- w - lr g."""
    return w - lr * g


def momentum(w, g, u, lr, beta):
    """The heavy ball: u <- beta u + g; w <- w - lr u. Polyak 1964."""
    u = beta * u + g
    return w - lr * u, u


def nesterov(gradient, w, u, lr, beta):
    """The heavy ball with the gradient taken where it is about to roll, w - lr beta u. Nesterov 1983."""
    u = beta * u + gradient(w - lr * beta * u)
    return w - lr * u, u


def rmsprop(w, g, v, lr, alpha, eps):
    """v <- alpha v + (1 - alpha) g^2; w <- w - lr g / (sqrt(v) + eps). Hinton 2012."""
    v = alpha * v + (1 - alpha) * g**2
    return w - lr * g / (np.sqrt(v) + eps), v


def adam(w, g, m, v, t, lr, b1, b2, eps):
    """Running means of g and g^2, each divided by what its start at 0 has cost it. Kingma and Ba 2015; t from 1."""
    m = b1 * m + (1 - b1) * g
    v = b2 * v + (1 - b2) * g**2
    return w - lr * (m / (1 - b1**t)) / (np.sqrt(v / (1 - b2**t)) + eps), m, v


# What a lab needs to run the student's: (ours, the shapes of an answer, what they mean) -----------------------------
USES = dict(
    momentum=(momentum, lambda w, g, u, lr, beta: [w.shape, w.shape], "the new w and the new u"),
    nesterov=(nesterov, lambda gradient, w, u, lr, beta: [w.shape, w.shape], "the new w and the new u"),
    rmsprop=(rmsprop, lambda w, g, v, lr, alpha, eps: [w.shape, w.shape], "the new w and the new v"),
    adam=(adam, lambda w, g, m, v, t, lr, b1, b2, eps: [w.shape] * 3, "the new w, the new m and the new v"),
)
BETA, ALPHA, BETAS, EPS = 0.9, 0.9, (0.9, 0.999), 1e-8  # where nothing else is said


class Racer:
    """One optimizer on its way: `step(gradient)` takes it from where it is to where its rule sends it.

    rules: name -> function, ours or the student's.
    """

    def __init__(self, kind, w, rules, beta=BETA, alpha=ALPHA, betas=BETAS):
        self.kind, self.w, self.rule = kind, np.array(w, float), rules.get(kind, gradient_descent)
        self.m, self.v, self.t = np.zeros_like(self.w), np.zeros_like(self.w), 0
        self.beta, self.alpha, self.betas = beta, alpha, betas

    def step(self, gradient, lr):
        self.t += 1
        if self.kind == "momentum":
            self.w, self.m = self.rule(self.w, gradient(self.w), self.m, lr, self.beta)
        elif self.kind == "nesterov":
            self.w, self.m = self.rule(gradient, self.w, self.m, lr, self.beta)
        elif self.kind == "rmsprop":
            self.w, self.v = self.rule(self.w, gradient(self.w), self.v, lr, self.alpha, EPS)
        elif self.kind == "adam":
            self.w, self.m, self.v = self.rule(self.w, gradient(self.w), self.m, self.v, self.t, lr, *self.betas, EPS)
        else:
            self.w = self.rule(self.w, gradient(self.w), lr)
        return self.w


# Looks: every optimizer has one colour and one mark in all labs of the unit -----------------------------------------
KINDS = ("GD", "momentum", "nesterov", "rmsprop", "adam")
NAMES = dict(GD="gradient descent", momentum="momentum", nesterov="Nesterov", rmsprop="RMSprop", adam="Adam")
MARKS = dict(GD="o", momentum="s", nesterov="D", rmsprop="^", adam="v")
CYCLE = dict(GD=7, momentum=1, nesterov=2, rmsprop=3, adam=0)  # no two of one hue, in light or in dark


def color(style, kind):
    return style.cycle[CYCLE[kind]]


def rate_slider(low, high, value, label, **options):
    return Slider(low, high, value, 0.05, label, log=True, **options)
