"""Optimizers: how the weights move."""

from nnlab.optim.base import Optimizer
from nnlab.optim.formulas import SGD, Adam, AdamW, ProximalSGD, RMSprop

__all__ = ["SGD", "Adam", "AdamW", "Optimizer", "ProximalSGD", "RMSprop"]
