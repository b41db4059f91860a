"""Unit 1's suspects for the game at the lesson's end. Each is also in the bank of wrong practice solutions."""

import numpy as np

from course.labs.neurons import OneNeuron
from course.labs.whodunit import Bug, Scene


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


# neuron --------------------------------------------------------------------------------------------------------------
def bias_forgotten(x, w, b):
    return sigmoid(x @ w)


def bias_subtracted(x, w, b):
    return sigmoid(x @ w - b)


def bias_with_every_product(x, w, b):
    return sigmoid((x * w + b).sum(1))


def bias_outside(x, w, b):
    return sigmoid(x @ w) + b


def no_activation(x, w, b):
    return x @ w + b


def sign_of_the_exponent(x, w, b):
    return sigmoid(-(x @ w + b))


def a_step(x, w, b):
    return (x @ w + b > 0) * 1.0


SCENES = (
    Scene(OneNeuron, "neuron", values=dict(w1=1.2, w2=0.8, b=-1.0, k=2.0), bugs=(
        Bug("N1 bias forgotten", bias_forgotten, "The bias is not added",
            "The pale edge between the colours goes through the origin, and b does not move it. Along z the points lie "
            "beside the curve; at b = 0 they are on it."),
        Bug("bias subtracted", bias_subtracted, "The bias is taken away, not added",
            "The pale edge is as far from the origin as the line, on the other side of it. Move b: the two go opposite "
            "ways."),
        Bug("bias added to every product", bias_with_every_product, "The bias is added to each product, so twice",
            "The pale edge is twice as far from the origin as the line, and b moves it twice as fast."),
        Bug("bias outside the sigmoid", bias_outside, "The bias is added after the sigmoid",
            "At b = 0 it is right. At b = −1 no point is left between 0 and 1: one and the same number was taken off "
            "all of them."),
        Bug("no activation", no_activation, "There is no sigmoid: it answers the sum itself",
            "Along z it is a straight line, which leaves the picture at 0 and at 1. At z = 0 it says 0, a "
            "sigmoid 0.5."),
        Bug("sign of the exponent", sign_of_the_exponent, "The minus in the exponent is missing",
            "The curve falls, and the colours are exchanged: the arrow w points to the orange side."),
        Bug("a step", a_step, "It is a step in place of the sigmoid",
            "No point lies between 0 and 1. The steepness k changes nothing, nor does the choice “step”."),
    ), innocent="The pale edge is on the line and the points are on the curve, wherever you move w₁, w₂ and b."),
)
