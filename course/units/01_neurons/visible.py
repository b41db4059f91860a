"""Unit 1, neurons: the visible checks of its practice exercises. They travel to students.

Each speaks about a symptom and never about the solution. Sizes are never square, so that a wrong axis shows
(N=5, in=3, out=2). Practice is not graded: whoever reads the right numbers here could also read them in nnlab.
"""

import numpy as np

from course.exercise import Exercise, Wrong, close, shaped
from nnlab.functional import sigmoid

neuron = Exercise("neuron(x, w, b)")


@neuron.check("one number for each example", catches="N3")
def _(neuron, rng):
    shaped(neuron(rng.normal(size=(5, 3)), rng.normal(size=3), 0.3), (5,),
           "5 examples of 3 numbers went in. The products of one example are added up over its 3 inputs, not over the "
           "examples, and not left apart.")


@neuron.check("between 0 and 1, as a sigmoid is")
def _(neuron, rng):
    got = shaped(neuron(np.array([[-4.0], [0.0], [4.0]]), np.ones(1), 0.0), (3,), "3 examples of 1 number went in.")
    if not ((got > 0) & (got < 1)).all():
        raise Wrong(f"for sums of -4, 0 and 4 it answered {np.round(got, 3).tolist()}: is the sigmoid left out?")
    if not got[0] < got[1] < got[2]:
        raise Wrong(f"a larger sum must give a larger answer; for sums of -4, 0 and 4 it answered "
                    f"{np.round(got, 3).tolist()}. Look at the exponent.")


@neuron.check("the bias counts", catches="N1")
def _(neuron, rng):
    got = shaped(neuron(np.zeros((2, 3)), rng.normal(size=3), 1.7), (2,))
    close(got, sigmoid.f(np.full(2, 1.7)),
          f"With x = 0 only the bias is left: the sum is b, here 1.7, and the answer the sigmoid of that. Yours is "
          f"{got[0]:.3f}. Is b in the sum, once?")


@neuron.check("the right numbers", catches="N3")
def _(neuron, rng):
    x, w = rng.normal(size=(5, 3)), rng.normal(size=3)
    close(neuron(x, w, -0.4), sigmoid.f((x * w).sum(1) - 0.4),
          "The shape is right and the numbers are not. Work out one example by hand: three products, their sum, the "
          "bias, the sigmoid.")


layer = Exercise("layer(X, W, b)")


@layer.check("one row per example, one column per neuron", catches="N4")
def _(layer, rng):
    try:
        got = layer(rng.normal(size=(5, 3)), rng.normal(size=(3, 2)), rng.normal(size=2))
    except ValueError as problem:
        raise Wrong("X is (5, 3) and W is (3, 2), one row of W for each input, one column for each neuron; your "
                    f"shapes do not fit together: {problem}") from problem
    shaped(got, (5, 2), "X is (5, 3) and W is (3, 2).")


@layer.check("the right numbers where the sums are positive", catches="N4")
def _(layer, rng):
    X, W, b = rng.uniform(0.1, 1, (5, 3)), rng.uniform(0.1, 1, (3, 2)), rng.uniform(0.1, 1, 2)
    close(layer(X, W, b), X @ W + b,
          "All sums are positive here, where ReLU changes nothing. Column j of W and number j of b belong to neuron j. "
          "Is each used for its own neuron?")


@layer.check("each neuron has its own bias", catches="N1")
def _(layer, rng):
    close(layer(np.zeros((4, 3)), rng.normal(size=(3, 2)), np.array([0.5, 2.0])), np.tile([0.5, 2.0], (4, 1)),
          "With X = 0 only the biases are left: every row should be a copy of b.")


@layer.check("ReLU: negative sums become 0, positive ones stay")
def _(layer, rng):
    X, W, b = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]), np.array([[2.0], [-3.0]]), np.array([0.5])
    close(layer(X, W, b), [[2.5], [0.0], [0.0]],
          "The sums here are 2.5, -2.5 and -0.5. ReLU keeps what is above 0 and makes the rest 0.")


count_parameters = Exercise("count_parameters(sizes)")


@count_parameters.check("a net of 3, 4 and 2 neurons", catches="N12")
def _(count_parameters, rng):
    _counted(count_parameters, [3, 4, 2], 26, 20)


@count_parameters.check("a single layer", catches="N12")
def _(count_parameters, rng):
    _counted(count_parameters, [5, 1], 6, 5)


@count_parameters.check("four layers")
def _(count_parameters, rng):
    weights = 64 * 30 + 30 * 20 + 20 * 10
    _counted(count_parameters, [64, 30, 20, 10], weights + 30 + 20 + 10, weights)


def _counted(count, sizes, right, without_biases):
    got = count(list(sizes))
    words = " -> ".join(map(str, sizes))
    if got == without_biases:
        raise Wrong(f"for {words} it counts {got}: that is the weights alone. What else stands in a neuron's sum?")
    if got == right + sizes[0]:
        raise Wrong(f"for {words} it counts {got}: {sizes[0]} too many, one for each input neuron. What does such a "
                    "neuron compute?")
    if got != right:
        raise Wrong(f"for {words} it counts {got!r}. Draw the net and count its edges, then whatever else it learns.")


mlp_forward = Exercise("mlp_forward(X, W1, b1, W2, b2)")


def _net(rng):
    """X, W1, b1, W2, b2 of a net of 3, 4 and 2 neurons, for five examples."""
    return [rng.normal(size=shape) for shape in ((5, 3), (3, 4), 4, (4, 2), 2)]


@mlp_forward.check("two numbers for each of five examples")
def _(mlp_forward, rng):
    shaped(mlp_forward(*_net(rng)), (5, 2), "X (5, 3) went through 4 hidden neurons to 2 outputs.")


@mlp_forward.check("the output can be negative", catches="N6")
def _(mlp_forward, rng):
    X, W1, b1, W2, _b2 = _net(rng)
    close(mlp_forward(X, W1, b1, np.zeros_like(W2), np.array([-3.0, 2.0])), np.tile([-3.0, 2.0], (5, 1)),
          "With W2 = 0 the outputs are the biases b2, here -3 and 2. Is the -3 lost? Then ask which numbers your "
          "output layer can give at all.")


@mlp_forward.check("the hidden layer bends")
def _(mlp_forward, rng):
    X, W1, b1, W2, b2 = _net(rng)
    once, turned = (shaped(mlp_forward(x, W1, b1 * 0, W2, b2 * 0), (5, 2)) for x in (X, -3 * X))
    if np.allclose(turned, -3 * once):  # true of whatever is linear; ReLU alone would pass with a factor above 0
        raise Wrong("with biases of 0, X times -3 gives the answer times -3: your two layers act as a single one.")


@mlp_forward.check("the right numbers")
def _(mlp_forward, rng):
    X, W1, b1, W2, b2 = _net(rng)
    close(mlp_forward(X, W1, b1, W2, b2), np.maximum(X @ W1 + b1, 0) @ W2 + b2,
          "The shapes fit and the numbers do not. Is the activation ReLU, and does each layer use its own bias?")
