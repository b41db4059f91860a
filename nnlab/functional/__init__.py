"""The formulas of the course, each once: functions of Tensors that remember nothing. State lives in nn."""

from nnlab.functional.activations import (
    ACTIVATIONS,
    elementwise,
    find_activation,
    leaky_relu,
    log_softmax,
    relu,
    sigmoid,
    softmax,
    tanh,
)
from nnlab.functional.layers import linear
from nnlab.functional.losses import binary_cross_entropy_with_logits, cross_entropy, mse_loss

__all__ = [
    "ACTIVATIONS", "binary_cross_entropy_with_logits", "cross_entropy", "elementwise", "find_activation", "leaky_relu",
    "linear", "log_softmax", "mse_loss", "relu", "sigmoid", "softmax", "tanh",
]
