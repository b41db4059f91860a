"""Layers: what a network remembers. A layer holds parameters; the formula it computes stands in functional, and what
all layers share in module.py. Names follow PyTorch's torch.nn.
"""

from nnlab.nn.activations import ELU, GELU, SELU, LeakyReLU, ReLU, Sigmoid, Softmax, Tanh
from nnlab.nn.attention import MultiHeadAttention, TransformerBlock
from nnlab.nn.dense import Linear, Neuron
from nnlab.nn.dropout import Dropout
from nnlab.nn.embedding import Embedding, LearnedPositions
from nnlab.nn.networks import MLP, Residual, Sequential
from nnlab.nn.norms import BatchNorm1d, LayerNorm

__all__ = [
    "ELU", "GELU", "MLP", "SELU", "BatchNorm1d", "Dropout", "Embedding", "LayerNorm", "LeakyReLU", "LearnedPositions",
    "Linear", "MultiHeadAttention", "Neuron", "ReLU", "Residual", "Sequential", "Sigmoid", "Softmax", "Tanh",
    "TransformerBlock",
]
