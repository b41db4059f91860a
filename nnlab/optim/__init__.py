"""Optimizers: how the weights move."""

from nnlab.optim.base import Optimizer
from nnlab.optim.formulas import SGD, Adam

__all__ = ["SGD", "Adam", "Optimizer"]
