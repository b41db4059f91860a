"""Unit 9's suspects for the game at the lesson's end. Each is also in the bank of wrong practice solutions."""

import numpy as np

from course.labs.attention import MaskAndLeak, SoftDictionary
from course.labs.whodunit import Bug, Scene


def softmax(scores, axis=1):
    e = np.exp(scores - scores.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def masked(scores, mask):
    return scores if mask is None else np.where(mask, scores, -np.inf)


# attention, in the dictionary ----------------------------------------------------------------------------------------
def not_divided(Q, K, V, mask):
    return softmax(masked(Q @ K.T, mask)) @ V


def divided_by_d(Q, K, V, mask):
    return softmax(masked(Q @ K.T / Q.shape[1], mask)) @ V


def over_the_queries(Q, K, V, mask):
    return softmax(masked(Q @ K.T / np.sqrt(Q.shape[1]), mask), axis=0) @ V


def no_softmax(Q, K, V, mask):
    return Q @ K.T / np.sqrt(Q.shape[1]) @ V


# attention, under a mask ---------------------------------------------------------------------------------------------
def masked_scores_0(Q, K, V, mask):
    scores = Q @ K.T / np.sqrt(Q.shape[1])
    return softmax(scores if mask is None else np.where(mask, scores, 0)) @ V


def after_softmax(Q, K, V, mask):
    weights = softmax(Q @ K.T / np.sqrt(Q.shape[1]))
    return (weights if mask is None else weights * mask) @ V


def the_wrong_way_round(Q, K, V, mask):
    scores = Q @ K.T / np.sqrt(Q.shape[1])
    return softmax(scores if mask is None else np.where(mask, -1e9, scores)) @ V


def mask_ignored(Q, K, V, mask):
    return softmax(Q @ K.T / np.sqrt(Q.shape[1])) @ V


SCENES = (
    Scene(SoftDictionary, "attention", bugs=(
        Bug("T1 not divided", not_divided, "The scores are not divided by √d",
            "The largest weight is too large: 0.56 where it should be 0.48. At a temperature of √2 = 1.41 it answers "
            "as the right one does at 1."),
        Bug("T1 divided by d", divided_by_d, "The scores are divided by d in place of √d",
            "The weights are too even: the largest is 0.41 where it should be 0.48. At a temperature of 0.71 it "
            "answers as the right one does at 1."),
        Bug("softmax over the queries", over_the_queries, "Softmax is taken along the queries, not along the keys",
            "Every weight is 1, wherever the query points: there is one query only, and it has no rival. The answer is "
            "the sum of the values."),
        Bug("no softmax", no_softmax, "The scores are the weights, without softmax",
            "C and D have weights below 0, and the answer has left the dashed line and the picture. The longer the "
            "query, the farther it goes."),
    )),
    Scene(MaskAndLeak, "attention", values=dict(mask="causal"), bugs=(
        Bug("T3 masked scores 0", masked_scores_0, "Forbidden scores are set to 0",
            "Every row adds up to 1, and yet the forbidden places have a weight, in each row all of them the same: "
            "that of a score of 0."),
        Bug("T4 masked after softmax", after_softmax, "The mask is put on the weights, after softmax",
            "The rows no longer add up to 1, and the outputs leak, though no forbidden place has a weight."),
        Bug("T6 mask the wrong way round", the_wrong_way_round, "True and False of the mask are exchanged",
            "Every word looks at later ones only. The last one finds none, and looks at all of them alike."),
        Bug("mask ignored", mask_ignored, "The mask is not used",
            "With the mask “none”, or one off, the picture is the same."),
    ), innocent="Under the causal mask no forbidden place has a weight, every row adds up to 1, and whichever word you "
                "change, nothing before it moves, not a bit."),
)
