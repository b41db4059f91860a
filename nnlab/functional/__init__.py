"""The formulas of the course, each once: functions of Tensors that remember nothing. State lives in nn."""

from nnlab.functional.activations import (
    ACTIVATIONS,
    elementwise,
    elu,
    find_activation,
    gelu,
    gelu_tanh,
    leaky_relu,
    log_softmax,
    relu,
    selu,
    sigmoid,
    softmax,
    tanh,
)
from nnlab.functional.attention import multi_head_attention, scaled_dot_product_attention
from nnlab.functional.divergences import gaussian_kl, js_divergence, kl_divergence
from nnlab.functional.dropout import dropout
from nnlab.functional.embedding import embedding, sinusoidal_positions
from nnlab.functional.layers import linear, mlp
from nnlab.functional.losses import binary_cross_entropy_with_logits, cross_entropy, mse_loss
from nnlab.functional.norms import batch_norm, layer_norm

__all__ = [
    "ACTIVATIONS", "batch_norm", "binary_cross_entropy_with_logits", "cross_entropy", "dropout", "elementwise", "elu",
    "embedding", "find_activation", "gaussian_kl", "gelu", "gelu_tanh", "js_divergence", "kl_divergence", "layer_norm",
    "leaky_relu", "linear", "log_softmax", "mlp", "mse_loss", "multi_head_attention", "relu",
    "scaled_dot_product_attention", "selu", "sigmoid", "sinusoidal_positions", "softmax", "tanh",
]
