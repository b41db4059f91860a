"""Unit 1's hidden checks: the right numbers, and the cases that a quick solution forgets. They never travel."""

import itertools

import numpy as np

from course.exercise import Exercise, Wrong, close, shaped

perceptron_fit = Exercise("perceptron_fit(X, y, epochs)")


@perceptron_fit.check("a problem that no line solves", points=1, catches="N7",
                      symptom="Where no line separates the classes, w, b or the number of mistakes is not what the "
                              "rule gives after the passes that were asked for. Does it make exactly that many, and do "
                              "the mistakes of all of them count?")
def _(perceptron_fit, rng):
    X = rng.integers(-8, 9, (11, 3)) / 4
    X = np.concatenate([X, X[:2]])  # twice the same examples, with opposite labels
    y = rng.choice([-1, 1], 11)
    _compare(perceptron_fit, X, np.concatenate([y, -y[:2]]), int(rng.integers(4, 8)))


@perceptron_fit.check("inputs of 0 and 1, where the sum is often exactly 0", points=1, catches="N1 N7",
                      symptom="With inputs of zero and one the sum is often exactly zero, not only at the start. "
                              "Then w, b or the number of mistakes differs from what the rule gives. What does the "
                              "text say about a sum of zero, for both labels?")
def _(perceptron_fit, rng):
    while True:  # a rule of two inputs, among four; drawn again until both labels are there and sums of 0 occur
        X = rng.integers(0, 2, (15, 4))
        y = np.where(X[:, 0] + X[:, 1] == 2, 1, -1)
        if abs(y.sum()) < 15 and _follow(X, y, 6)[3] > 2:
            return _compare(perceptron_fit, X, y, 6)


def _follow(X, y, epochs):
    """The rule itself, on whole numbers of quarters: w, b, mistakes, and how often a sum was 0 after the start."""
    w, b, mistakes, zeros = np.zeros(X.shape[1]), 0, 0, 0
    for x, label in zip(np.tile(X, (epochs, 1)), np.tile(y, epochs)):
        z = x @ w + b
        zeros += bool(z == 0 and mistakes)
        if label * z <= 0:
            w, b, mistakes = w + label * x, b + label, mistakes + 1
    return w, b, mistakes, zeros


def _compare(perceptron_fit, X, y, epochs):
    w, b, mistakes, _zeros = _follow(X, y, epochs)
    got = perceptron_fit(X, y, epochs)
    if not isinstance(got, tuple | list) or len(got) != 3:
        raise Wrong("not three things")
    close(got[2], mistakes, "mistakes")
    close(got[0], w, "w")
    close(got[1], b, "b")


regress = Exercise("regress(X, layers)")


@regress.check("whole numbers as inputs", points=1,
               symptom="With inputs that are whole numbers the answers are wrong; with the same numbers as floats they "
                       "need not be. Which array do your sums go into, and what can it hold?")
def _(regress, rng):
    X = rng.integers(1, 9, (5, 3))
    layers = [[rng.uniform(0.1, 1, s), rng.uniform(0.1, 1, s[1])] for s in ((3, 4), (4, 2))]
    close(regress(X, layers), _forward(X, layers), "whole numbers")


@regress.check("a net of three layers", points=1, catches="N1",
               symptom="In a net with two hidden layers, with positive and negative sums and biases, the answers are "
                       "not what the formula gives. Work out one hidden neuron with a negative sum and a bias by hand.")
def _(regress, rng):
    layers = [[rng.normal(size=s), rng.normal(size=s[1])] for s in ((3, 12), (12, 9), (9, 2))]
    X = rng.normal(size=(7, 3))  # so many neurons that never all of a layer are silent
    close(regress(X, layers), _forward(X, layers), "three layers")


def _forward(X, layers):
    for W, b in layers[:-1]:
        X = np.maximum(X @ W + b, 0)
    return X @ layers[-1][0] + layers[-1][1]


scaled = Exercise("scaled")


@scaled.check("question a", points=1,
              symptom="Prediction a is not what the net answers. Follow the factor through the formula, from the sums "
                      "of the hidden neurons to the output: what is multiplied, and what is not?")
def _(scaled, rng):
    v = scaled.variant
    _predicted(scaled, 0, v["factor"] * (v["y"] - v["b2"]) + v["b2"])


@scaled.check("question b", points=1,
              symptom="Prediction b is not what the net answers. Two changes meet here: what does each do to the "
                      "output?")
def _(scaled, rng):
    _predicted(scaled, 1, scaled.variant["y"])


@scaled.check("question c", points=1,
              symptom="Prediction c is not what the net answers. Write the output as a sum over hidden neurons and "
                      "look at what is there twice now, and at what is not.")
def _(scaled, rng):
    v = scaled.variant
    _predicted(scaled, 2, 2 * (v["y"] - v["b2"]) + v["b2"])


def _predicted(scaled, question, right):
    if not abs(float(shaped(scaled(), (3,))[question]) - right) < 0.01:
        raise Wrong("not the output")


exactly_one = Exercise("exactly_one(n, off, on)")


@exactly_one.check("inputs whose two values are not 0 and 1", points=1, catches="N1",
                   symptom="When off and on are other numbers than zero and one, the net no longer answers as it "
                           "should at every corner. Count the inputs that are on, with a weighted sum and a bias.")
def _(exactly_one, rng):
    for n in (2, 3):
        off = float(rng.integers(1, 7) / 2)
        _answers(exactly_one, n, off, off + float(rng.integers(3, 7) / 2))


@exactly_one.check("more inputs, and on below off", points=1,
                   symptom="With more than three inputs, or with on below off, the net no longer answers as it should "
                           "at every corner. What do the hidden neurons say when all inputs are on?")
def _(exactly_one, rng):
    for n in rng.permutation([4, 5, 6])[:2]:
        on = float(rng.integers(-6, 7) / 2)
        _answers(exactly_one, int(n), on + float(rng.integers(3, 7) / 2), on)


def _answers(exactly_one, n, off, on):
    net = exactly_one(n, off, on)
    if not isinstance(net, tuple | list) or len(net) != 4:
        raise Wrong("not four arrays")
    W1, b1, W2, b2 = (shaped(part, shape) for part, shape in zip(net, ((n, 2), (2,), (2, 1), (1,))))
    which = np.array(list(itertools.product([False, True], repeat=n)))
    said = np.maximum(np.where(which, on, off) @ W1 + b1, 0) @ W2 + b2
    if not (np.abs(said[:, 0] - (which.sum(1) == 1)) < 1e-4).all():
        raise Wrong("wrong at a corner")


standardize = Exercise("standardize(train, new)")


@standardize.check("new data, and a column that never changes", points=1, catches="N8",
                   symptom="For data that the mean and the standard deviation were not taken from, or in a column that "
                           "is constant in training, the numbers are not what the text says.")
def _(standardize, rng):
    train, new = rng.integers(-20, 20, (9, 4)), rng.integers(20, 60, (5, 4))
    train[:2, [0, 1, 3]] = [[-30, -31, -32], [30, 31, 32]]  # none of these is constant
    train[:, 2] = 7
    sd = train.std(axis=0)
    close(standardize(train, new), (new - train.mean(axis=0)) / np.where(sd == 0, 1, sd), "new data")
