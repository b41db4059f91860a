"""Layers: what a network remembers. A layer holds parameters; the formula it computes stands in functional, and what
all layers share in module.py. Names follow PyTorch's torch.nn.
"""

from nnlab.nn.activations import LeakyReLU, ReLU, Sigmoid, Softmax, Tanh
from nnlab.nn.attention import MultiHeadAttention
from nnlab.nn.dense import Linear, Neuron
from nnlab.nn.embedding import Embedding, LearnedPositions
from nnlab.nn.networks import MLP, Residual, Sequential

__all__ = [
    "MLP", "Embedding", "LeakyReLU", "LearnedPositions", "Linear", "MultiHeadAttention", "Neuron", "ReLU", "Residual",
    "Sequential", "Sigmoid", "Softmax", "Tanh",
]
