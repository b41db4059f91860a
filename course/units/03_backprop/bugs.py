"""Unit 3's suspects for the game at the lesson's end. Each is also in the bank of wrong practice solutions."""

import numpy as np

from course.labs.backprop import FourBeats, GraphStepper
from course.labs.whodunit import Bug, Scene


# backward ------------------------------------------------------------------------------------------------------------
def the_last_one_stays(tape):
    grads = [0.0] * len(tape)
    grads[-1] = 1.0
    for i in reversed(range(len(tape))):
        for parent, slope in tape[i]:
            grads[parent] = grads[i] * slope
    return grads


def multiplied_where_they_meet(tape):
    grads = [0.0] * len(tape)
    grads[-1] = 1.0
    for i in reversed(range(len(tape))):
        for parent, slope in tape[i]:
            grads[parent] = (grads[parent] or 1.0) * grads[i] * slope
    return grads


def mean_where_they_meet(tape):
    grads = [0.0] * len(tape)
    grads[-1] = 1.0
    for i in reversed(range(len(tape))):
        for parent, slope in tape[i]:
            grads[parent] = (grads[parent] + grads[i] * slope) / (2 if grads[parent] else 1)
    return grads


def upstream_forgotten(tape):
    grads = [0.0] * len(tape)
    grads[-1] = 1.0
    for i in reversed(range(len(tape))):
        for parent, slope in tape[i]:
            grads[parent] += slope
    return grads


def slope_forgotten(tape):
    grads = [0.0] * len(tape)
    grads[-1] = 1.0
    for i in reversed(range(len(tape))):
        for parent, _ in tape[i]:
            grads[parent] += grads[i]
    return grads


# train_step ----------------------------------------------------------------------------------------------------------
def softmax(Z):
    e = np.exp(Z - Z.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def w2_first(X, y, W1, b1, W2, b2, lr):
    H = np.tanh(X @ W1 + b1)
    dZ = (softmax(H @ W2 + b2) - np.eye(len(b2))[y]) / len(X)
    W2, b2 = W2 - lr * H.T @ dZ, b2 - lr * dZ.sum(0)
    dA = dZ @ W2.T * (1 - H**2)
    return W1 - lr * X.T @ dA, b1 - lr * dA.sum(0), W2, b2


def no_slope_of_tanh(X, y, W1, b1, W2, b2, lr):
    H = np.tanh(X @ W1 + b1)
    dZ = (softmax(H @ W2 + b2) - np.eye(len(b2))[y]) / len(X)
    dA = dZ @ W2.T
    return W1 - lr * X.T @ dA, b1 - lr * dA.sum(0), W2 - lr * H.T @ dZ, b2 - lr * dZ.sum(0)


def not_a_mean(X, y, W1, b1, W2, b2, lr):
    H = np.tanh(X @ W1 + b1)
    dZ = softmax(H @ W2 + b2) - np.eye(len(b2))[y]
    dA = dZ @ W2.T * (1 - H**2)
    return W1 - lr * X.T @ dA, b1 - lr * dA.sum(0), W2 - lr * H.T @ dZ, b2 - lr * dZ.sum(0)


def biases_averaged(X, y, W1, b1, W2, b2, lr):
    H = np.tanh(X @ W1 + b1)
    dZ = (softmax(H @ W2 + b2) - np.eye(len(b2))[y]) / len(X)
    dA = dZ @ W2.T * (1 - H**2)
    return W1 - lr * X.T @ dA, b1 - lr * dA.mean(0), W2 - lr * H.T @ dZ, b2 - lr * dZ.mean(0)


SCENES = (
    Scene(GraphStepper, "backward", values=dict(step=4, a=2.0, b=1.0, c=-2.5), bugs=(
        Bug("B7 = instead of +=", the_last_one_stays,
            "Where a number is used twice, the last gradient replaces the first",
            "b has what came from s alone; what came from t is lost. In a·b + c, where each number is used once, it is "
            "right."),
        Bug("multiplied where they meet", multiplied_where_they_meet,
            "Where a number is used twice, its gradients are multiplied",
            "b has the product of the two numbers that reach it, not their sum. In a·b + c, where each number is used "
            "once, it is right."),
        Bug("mean where they meet", mean_where_they_meet, "Where a number is used twice, the mean is taken",
            "b has half of what nudging finds. In a·b + c, where each number is used once, it is right."),
        Bug("upstream forgotten", upstream_forgotten,
            "What arrived at a node is not sent on: only the local derivatives are",
            "s and t are right: what arrives at L is 1. Behind them a has the 1 of its own edge, whatever s has."),
        Bug("local derivative forgotten", slope_forgotten, "The local derivatives are left out",
            "The 1 of L arrives everywhere as it was, twice at b. At s and t it is wrong already, where the edges say "
            "another number than 1."),
    ), innocent="Every gradient is what nudging finds: no circle is orange, for any a, b, c and formula."),
    Scene(FourBeats, "train_step", values=dict(beat=4), bugs=(
        Bug("B1 W2 before dW1", w2_first, "W2 is updated before dW1 is computed",
            "The rings are at W1 and b1 alone, and they go when the learning rate becomes 0.001: then W2 has hardly "
            "moved."),
        Bug("B2 tanh' forgotten", no_slope_of_tanh, "The derivative of tanh is left out",
            "The rings are at W1 and b1 alone, and stay at any learning rate. Most of their steps are too long."),
        Bug("B4 sum instead of mean", not_a_mean, "The gradients of the batch are added up, not averaged",
            "Every weight goes the right way, 8 times as far as its green bar. With a batch of 1 it is right."),
        Bug("B10 bias gradients averaged", biases_averaged, "The biases' gradients are averaged once more",
            "The rings are at b1 and b2, which go an eighth of the way. With a batch of 1 it is right."),
    )),
)
