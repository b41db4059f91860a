"""Gradient clipping: one steep place in the loss shall not throw the weights away. Called between `backward()` and
`step()`. PyTorch's names without their final underscore: nnlab has no twin that leaves the gradients as they are.
"""

from math import isfinite, sqrt

import numpy as np

from nnlab.optim.base import touch
from nnlab.tensor import Tensor


def clip_grad_norm(params, max_norm):
    """Scale all gradients by min(1, max_norm / (norm + 1e-6)), norm = sqrt(sum of all g^2); returns that norm.

    params: parameters; those without gradient do not count. max_norm: at least 0; inf only measures.
    The direction stays. Pascanu, Mikolov and Bengio, ICML 2013, algorithm 1; 1e-6 is PyTorch's.
    Raises FloatingPointError, the gradients untouched, if one is nan or infinite (PyTorch makes all of them nan).

    >>> w = Tensor([0.0, 0.0], requires_grad=True)
    >>> w.grad = [3.0, 4.0]
    >>> clip_grad_norm([w], 1.0), w.grad.round(3).tolist()
    (5.0, [0.6000000238418579, 0.800000011920929])
    """
    params = _checked(params, "max_norm", max_norm)
    gradients = _gradients(params)
    norm = sqrt(sum(float(np.vdot(g, g)) for g in gradients))
    if not isfinite(norm):  # squares can be too large for float32 where their root is not
        norm = sqrt(sum(float(np.square(g, dtype=np.float64).sum()) for g in gradients))
    if not isfinite(norm):
        bad = next(p.label for p in params if p.grad is not None and not np.isfinite(p.grad).all())
        raise FloatingPointError(f"the gradient of {bad} holds nan or infinite values, which cannot be clipped.")
    scale = max_norm / (norm + 1e-6)
    if scale < 1:
        for g in gradients:
            g *= scale
    return norm


def clip_grad_value(params, clip_value):
    """Clip every number in the gradients to [-clip_value, clip_value]; inf becomes clip_value, nan stays nan.

    The direction may change: long components are cut, short ones are not.

    >>> w = Tensor([0.0, 0.0], requires_grad=True)
    >>> w.grad = [3.0, -0.5]
    >>> clip_grad_value([w], 1.0); w.grad.tolist()
    [1.0, -0.5]
    """
    for g in _gradients(_checked(params, "clip_value", clip_value)):
        np.clip(g, -clip_value, clip_value, out=g)


def _checked(params, name, value):
    if not value >= 0:
        raise ValueError(f"{name} is a number of at least 0; got {value!r}.")
    params = [params] if isinstance(params, Tensor) else params
    if hasattr(params, "parameters"):
        raise TypeError("clipping takes a list of parameters: write model.parameters().")
    return list(params)


def _gradients(params):
    """All gradients in as few arrays as can be: those of neighbours in a flat vector are one piece of it."""
    runs = []
    for p in params:
        if p.grad is not None:
            if runs and touch(runs[-1][-1], p):
                runs[-1].append(p)
            else:
                runs.append([p])
    return [run[0].grad if len(run) == 1 else
            run[0].home.grads[run[0].home.start:run[-1].home.start + run[-1].size] for run in runs]
