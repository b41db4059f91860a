"""nnlab: a small neural-network library in NumPy, written to be read. This file is the map.

    tensor      Tensor, the tape, backward          ops         operations and their derivatives
    functional  activations, dense layer, losses    nn          layers and networks, which hold parameters
    module      Module, Parameter, observe          optim       gradient descent, Adam
    init        where weights start                 rng         manual_seed
    train       fit, History                        data        point clouds, digits, batches
    metrics     accuracy, angles, modes             gradcheck   is a gradient right?
    pca         the best linear code
"""

from nnlab import data, functional, init, metrics, module, nn, ops, optim, pca, train
from nnlab.data import DataLoader
from nnlab.gradcheck import GradientError, gradcheck
from nnlab.metrics import accuracy
from nnlab.module import Module, Parameter, observe
from nnlab.nn import (
    MLP,
    BatchNorm1d,
    Dropout,
    Embedding,
    LayerNorm,
    LeakyReLU,
    LearnedPositions,
    Linear,
    MultiHeadAttention,
    Neuron,
    ReLU,
    Residual,
    Sequential,
    Sigmoid,
    Softmax,
    Tanh,
    TransformerBlock,
)
from nnlab.ops import concatenate, maximum, op, stack, where
from nnlab.optim import SGD, Adam
from nnlab.pca import PCA
from nnlab.rng import manual_seed
from nnlab.tensor import Tensor, is_grad_enabled, no_grad
from nnlab.train import History, TrainingDiverged, fit, fit_steps

__all__ = [
    "MLP", "PCA", "SGD", "Adam", "BatchNorm1d", "DataLoader", "Dropout", "Embedding", "GradientError", "History",
    "LayerNorm", "LeakyReLU", "LearnedPositions", "Linear", "Module", "MultiHeadAttention", "Neuron", "Parameter",
    "ReLU", "Residual", "Sequential", "Sigmoid", "Softmax", "Tanh", "Tensor", "TrainingDiverged", "TransformerBlock",
    "accuracy", "concatenate", "data", "fit", "fit_steps", "functional", "gradcheck", "init", "is_grad_enabled",
    "manual_seed", "maximum", "metrics", "module", "nn", "no_grad", "observe", "op", "ops", "optim", "pca", "stack",
    "train", "where",
]
