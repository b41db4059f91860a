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
    Scene(GraphStepper, "backward", values=dict(step=4, a=1.0, b=1.5, c=-2.0), bugs=(
        Bug("B7 = instead of +=", the_last_one_stays, "= where += belongs", "T"),
        Bug("multiplied where they meet", multiplied_where_they_meet, "multiplied", "T"),
        Bug("mean where they meet", mean_where_they_meet, "mean", "T"),
        Bug("upstream forgotten", upstream_forgotten, "upstream", "T"),
        Bug("local derivative forgotten", slope_forgotten, "local", "T"),
    ), innocent="T"),
    Scene(FourBeats, "train_step", values=dict(beat=4), bugs=(
        Bug("B1 W2 before dW1", w2_first, "a", "T"),
        Bug("B2 tanh' forgotten", no_slope_of_tanh, "b", "T"),
        Bug("B4 sum instead of mean", not_a_mean, "c", "T"),
        Bug("B10 bias gradients averaged", biases_averaged, "d", "T"),
    )),
)
