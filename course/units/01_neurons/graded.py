"""Unit 1, neurons: the visible checks of its assignment. They travel to students.

They ask for what can be seen without knowing the answer: an output that must be negative, a row that must not depend on
its neighbours. The right numbers are in `private/hidden.py`, and fresh for every submission.
"""

import itertools

import numpy as np

from course.exercise import Exercise, Wrong, close, shaped
from nnlab.models.perceptron import perceptron

perceptron_fit = Exercise("perceptron_fit(X, y, epochs)")


@perceptron_fit.check("one example is one mistake, because the start knows nothing", points=1, catches="N7")
def _(perceptron_fit, rng):
    for label in (1, -1):
        x = rng.integers(1, 9, 3) / 4
        w, b, mistakes = _fitted(perceptron_fit(x[None], np.array([label]), 3), 3)
        if not w.any() and b == 0:
            raise Wrong(f"of a single example with the label {label:+d} it learns nothing. At the start w and b are 0 "
                        "and so is the sum: the text says what a sum of 0 counts as.")
        close(w, label * x, f"after a single example with the label {label:+d}, w should hold that example, added or "
              "subtracted once.")
        close(b, label, f"after a single example with the label {label:+d}, the bias is not what one mistake makes it. "
              "It learns as a weight whose input is always 1.")
        close(mistakes, 1, "w and b are right, and the count is not: there was one mistake in three passes.")


@perceptron_fit.check("a problem that a line solves: w, b and the mistakes", points=1, catches="N1 N3 N7")
def _(perceptron_fit, rng):
    X, y = _separable(rng)
    *_, (expected, _last) = steps = list(perceptron(np.c_[X, np.ones(len(X))], y))
    epochs = len(steps) + 1  # each pass but the last has a mistake
    w, b, mistakes = _fitted(perceptron_fit(X, y, epochs), 3)
    if (y * (X @ w + b) <= 0).any():
        raise Wrong(f"{(y * (X @ w + b) <= 0).sum()} of 20 examples are still wrong after {epochs} passes, and a line "
                    "with all 20 on the right side exists. What makes the line move, and can it leave the origin?")
    close(w, expected[:3], "your line separates the examples, and it is not the one that the rule finds, taking them "
          "in order and changing w and b at once, after a mistake and only then.")
    close(b, expected[3], "w is right and b is not: both learn at the same moment.")
    close(mistakes, len(steps), "w and b are right. Count every mistake of every pass.")


def _fitted(got, d):
    """The answer (w, b, mistakes), each as an array."""
    if not isinstance(got, tuple | list) or len(got) != 3:
        raise Wrong("it must return three things, w, b and the number of mistakes.")
    return shaped(got[0], (d,), "w has one weight for each input."), shaped(got[1], ()), shaped(got[2], ())


def _separable(rng):
    """20 examples that a line away from the origin separates; in quarters, so that sums have no rounding."""
    u = np.array([3, -1, 2]) * rng.choice([-1, 1], 3)
    X = rng.integers(-8, 9, (600, 3)) / 4
    sums = X @ u + 5
    order = np.argsort(abs(sums), kind="stable")  # the nearest to the line on both sides, with a gap between
    chosen = rng.permutation(np.concatenate([order[side * sums[order] >= 0.75][:10] for side in (1, -1)]))
    return X[chosen], np.sign(sums[chosen]).astype(int)


regress = Exercise("regress(X, layers)")


@regress.check("a layer of three inputs and two neurons", points=1, catches="N3 N4")
def _(regress, rng):
    X, W, b = rng.uniform(0.1, 1, (5, 3)), rng.uniform(0.1, 1, (3, 2)), rng.uniform(0.1, 1, 2)
    try:
        got = regress(X, [[W, b]])
    except (ValueError, IndexError) as problem:
        raise Wrong("X is (5, 3) and W is (3, 2). It was tried on square weights only, and yours does not get through "
                    f"others: {problem}") from problem
    close(got, X @ W + b, "all sums are positive here, so no activation matters, and the numbers are still not "
          "those of the two neurons. Which numbers of W belong to one neuron?")


@regress.check("an answer can be negative", points=1, catches="N6")
def _(regress, rng):
    X, W1, b1 = rng.uniform(0.1, 1, (5, 3)), rng.uniform(0.1, 1, (3, 4)), rng.uniform(0.1, 1, 4)
    W2, b2 = np.outer(rng.uniform(0.2, 1, 4), [-1.0, 1.0]), np.array([-3.0, 2.0])
    close(regress(X, [[W1, b1], [W2, b2]]), (X @ W1 + b1) @ W2 + b2, "all hidden sums are positive here, the first "
          "output has negative weights and the bias -3. Can your output layer say -3?")


scaled = Exercise("scaled")


@scaled.variant
def _(rng):
    b2 = float(rng.choice([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5]))
    rest = float(rng.choice([-6, -5, -4, -3, 3, 4, 5, 6]))  # what the hidden neurons add to the output
    return {"y": rest + b2, "b2": b2, "factor": int(rng.choice([3, 4, 5]))}


@scaled.check("three numbers")
def _(scaled, rng):
    if not np.isfinite(shaped(scaled(), (3,), "One number for each question, in order.")).all():
        raise Wrong("each prediction must be a finite number.")


exactly_one = Exercise("exactly_one(n, off, on)")


@exactly_one.check("XOR: two inputs that are 0 or 1", points=1)
def _(exactly_one, rng):
    _answers(exactly_one(2, 0, 1), 2)


@exactly_one.check("three inputs that are 0 or 1", points=1, catches="N4")
def _(exactly_one, rng):
    _answers(exactly_one(3, 0, 1), 3)


def _answers(net, n):
    """Wrong unless a net of n inputs and 2 ReLUs says 1 at the corners with one input on, and 0 at the others."""
    if not isinstance(net, tuple | list) or len(net) != 4:
        raise Wrong("it must return four arrays: W1, b1, W2, b2.")
    W1, b1, W2, b2 = (shaped(part, shape, f"This is {name}; with n = {n} inputs and two hidden neurons.")
                      for name, part, shape in zip(("W1", "b1", "W2", "b2"), net, ((n, 2), (2,), (2, 1), (1,))))
    corners = np.array(list(itertools.product([0.0, 1.0], repeat=n)))
    said = (np.maximum(corners @ W1 + b1, 0) @ W2 + b2)[:, 0]
    for corner, got in zip(corners, said):
        if not abs(got - (corner.sum() == 1)) < 1e-4:
            raise Wrong(f"your net says {got:.4g} at the corner {corner.astype(int).tolist()}. What does each hidden "
                        "neuron say there?")


standardize = Exercise("standardize(train, new)")


@standardize.check("each column of the training data: mean 0, standard deviation 1", points=1, catches="N3")
def _(standardize, rng):
    train = rng.normal(size=(7, 3)) * [1e3, 1.0, 1e-6] + [2e3, -3.0, 4e-6]
    got = shaped(standardize(train, train), (7, 3), "It is the shape of `new`.")
    close(got.mean(axis=0) + 1, np.ones(3), "the columns' means are not 0. Each column is a measurement of its own, "
          "with a mean and a unit of its own.")
    close(got.std(axis=0), np.ones(3), f"the columns' standard deviations are {got.std(axis=0).round(3).tolist()}, and "
          "should be 1, for large units and for small ones.")


@standardize.check("an example alone gets what it gets among others", points=1, catches="N8")
def _(standardize, rng):
    train, new = rng.normal(2, 3, (7, 3)), rng.normal(4, 2, (5, 3))
    among = shaped(standardize(train, new), (5, 3), "It is the shape of `new`.")
    if not np.abs(among[0] - among[1]).max() > 1e-6:
        raise Wrong("two different examples come out the same.")
    unit, zero = rng.uniform(2, 9, 3), rng.normal(size=3)
    close(standardize(train * unit + zero, new * unit + zero), among, "measured in other units, from another zero, the "
          "same examples come out differently.")
    for i in range(5):
        close(standardize(train, new[i:i + 1]), among[i:i + 1],
              "the same example comes out differently when it comes alone. When the net is in use examples come one by "
              "one: whose mean are you subtracting?")
