"""Optimizers: how the weights move."""

from nnlab.optim.base import Optimizer
from nnlab.optim.clipping import clip_grad_norm, clip_grad_value
from nnlab.optim.formulas import SGD, Adam, AdamW, ProximalSGD, RMSprop
from nnlab.optim.schedules import CosineAnnealingLR, LinearLR, LRScheduler, SequentialLR, StepLR

__all__ = [
    "SGD", "Adam", "AdamW", "CosineAnnealingLR", "LRScheduler", "LinearLR", "Optimizer", "ProximalSGD", "RMSprop",
    "SequentialLR", "StepLR", "clip_grad_norm", "clip_grad_value",
]
