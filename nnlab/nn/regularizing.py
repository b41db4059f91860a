"""Layers that behave differently in training and in use: see `Module.train` and `Module.eval`. And layer norm, their
sibling that does not. The formulas are in functional/norms.py and functional/dropout.py.
"""

import numpy as np

from nnlab import functional as F
from nnlab.functional.dropout import check_probability
from nnlab.module import Buffer, Module, Parameter
from nnlab.nn.dense import as_input, width
from nnlab.rng import as_rng


class Dropout(Module):
    """In training, drops each number with probability p and divides the others by 1 - p; the identity in evaluation.

    rng: a Generator or a seed of its own; by default the thread's. Raises ValueError for a p outside [0, 1).

    >>> Dropout(0.2)
    Dropout(0.2), 0 parameters
    """

    def __init__(self, p=0.5, *, rng=None):
        check_probability(p, "Dropout")
        self.p = p
        self.rng = None if rng is None else as_rng(rng)  # a seed starts it once, not at every call

    def forward(self, x):
        return F.dropout(x, self.p, self.training, rng=self.rng)

    def extra_repr(self):
        return f"{self.p}"


class _Norm(Module):
    def __init__(self, features, *, eps=1e-5, dtype=np.float32):
        self.features, self.eps = width(features, type(self).__name__, "features", "features"), eps
        self.weight = Parameter(np.ones(self.features, dtype), name=f"{self.label}.weight")
        self.bias = Parameter(np.zeros(self.features, dtype), name=f"{self.label}.bias")

    def forward(self, x):
        try:
            return self.normalize(as_input(x, self.weight.dtype))
        except ValueError as error:
            raise ValueError(f"{self.label}: {error}") from None

    def extra_repr(self):
        return f"{self.features}"


class LayerNorm(_Norm):
    """Brings the features of each example to mean 0 and variance 1, then scales and shifts. x: (..., D) -> (..., D).

    >>> LayerNorm(4)([[0.0, 0.0, 4.0, 4.0]]).data.round(2)
    array([[-1., -1.,  1.,  1.]], dtype=float32)
    """

    def normalize(self, x):
        return F.layer_norm(x, self.weight, self.bias, self.eps)


class BatchNorm1d(_Norm):
    """Brings each feature to mean 0 and variance 1 over the batch. x: (N, C) or (N, C, L) -> the same shape.

    In evaluation it uses `running_mean` and `running_var`, buffers that follow the batches of the training by
    `momentum`, the share of the newest (as in PyTorch). Raises ValueError for one number per feature in training.

    >>> BatchNorm1d(1)([[1.0], [3.0]]).data.round(2).tolist()
    [[-1.0], [1.0]]
    """

    def __init__(self, features, *, eps=1e-5, momentum=0.1, dtype=np.float32):
        super().__init__(features, eps=eps, dtype=dtype)
        self.momentum = momentum
        self.running_mean = Buffer(np.zeros(features, dtype), name=f"{self.label}.running_mean")
        self.running_var = Buffer(np.ones(features, dtype), name=f"{self.label}.running_var")

    def normalize(self, x):
        return F.batch_norm(x, self.running_mean.data, self.running_var.data, self.weight, self.bias, self.training,
                            self.momentum, self.eps)
