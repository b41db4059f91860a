"""nnlab: a small neural-network library in NumPy, written to be read. This file is the map.

    tensor      Tensor, the tape, backward          ops         operations and their derivatives
    functional  formulas: losses ... attention      nn          layers and networks, which hold parameters
    module      Module, Parameter, observe          optim       gradient descent ... AdamW, clipping, schedules
    init        where weights start                 rng         manual_seed
    regularize  L1, L2 penalties                    augment     noise, turns, shifts of a batch
    train       fit, History                        predict     a trained model in use
    data        point clouds, digits, batches       sums        over rows, over what was broadcast
    metrics     accuracy, angles, modes             gradcheck   is a gradient right?
    probe       what passes through each layer      pca         the best linear code
    dates       18 formats to ISO                   grammar     a language of known entropy
    text        characters as numbers               models      autoencoders, GAN, perceptron, translator, language
"""

from nnlab import (
    augment,
    callbacks,
    data,
    dates,
    functional,
    grammar,
    init,
    metrics,
    module,
    nn,
    ops,
    optim,
    pca,
    regularize,
    text,
    train,
)
from nnlab.callbacks import EarlyStopping
from nnlab.data import DataLoader
from nnlab.gradcheck import GradientError, gradcheck
from nnlab.metrics import accuracy
from nnlab.models.attention import EncoderDecoder
from nnlab.models.autoencoder import Autoencoder, VariationalAutoencoder
from nnlab.models.gan import GAN
from nnlab.models.language import TransformerLM
from nnlab.module import Module, Parameter, observe
from nnlab.nn import (
    ELU,
    GELU,
    MLP,
    SELU,
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
from nnlab.optim import SGD, Adam, AdamW, RMSprop
from nnlab.pca import PCA
from nnlab.predict import predict
from nnlab.probe import probe
from nnlab.rng import manual_seed
from nnlab.tensor import Tensor, is_grad_enabled, no_grad
from nnlab.text import Vocabulary
from nnlab.train import History, TrainingDiverged, fit, fit_steps

__all__ = [
    "ELU", "GAN", "GELU", "MLP", "PCA", "SELU", "SGD", "Adam", "AdamW", "Autoencoder", "BatchNorm1d", "DataLoader",
    "Dropout", "EarlyStopping", "Embedding", "EncoderDecoder", "GradientError", "History", "LayerNorm", "LeakyReLU",
    "LearnedPositions", "Linear", "Module", "MultiHeadAttention", "Neuron", "Parameter", "RMSprop", "ReLU", "Residual",
    "Sequential", "Sigmoid", "Softmax", "Tanh", "Tensor", "TrainingDiverged", "TransformerBlock", "TransformerLM",
    "VariationalAutoencoder", "Vocabulary", "accuracy", "augment", "callbacks", "concatenate", "data", "dates", "fit",
    "fit_steps", "functional", "gradcheck", "grammar", "init", "is_grad_enabled", "manual_seed", "maximum", "metrics",
    "module", "nn", "no_grad", "observe", "op", "ops", "optim", "pca", "predict", "probe", "regularize", "stack",
    "text", "train", "where",
]
