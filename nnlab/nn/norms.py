"""Normalisation with its parameters: a scale and a shift for each feature, and what batch norm remembers.

The formulas are in functional/norms.py. Ba, Kiros and Hinton, 2016; Ioffe and Szegedy, ICML 2015.
"""

import numpy as np

from nnlab import functional as F
from nnlab.module import Buffer, Module, Parameter
from nnlab.nn.dense import as_input, width


class _Norm(Module):
    def __init__(self, features, *, eps=1e-5, dtype=np.float32):
        self.features, self.eps = width(features, type(self).__name__, "features", "features"), eps
        self.weight = Parameter(np.ones(self.features, dtype), name=f"{self.label}.weight")
        self.bias = Parameter(np.zeros(self.features, dtype), name=f"{self.label}.bias")

    def forward(self, x):
        try:
            return self._normalize(as_input(x, self.weight.dtype))
        except ValueError as error:
            raise ValueError(f"{self.label}: {error}") from None

    def extra_repr(self):
        return f"{self.features}"


class LayerNorm(_Norm):
    """Brings the features of each example to mean 0 and variance 1, then scales and shifts. x: (..., D) -> (..., D).

    >>> LayerNorm(4)([[0.0, 0.0, 4.0, 4.0]]).data.round(2)
    array([[-1., -1.,  1.,  1.]], dtype=float32)
    """

    def _normalize(self, x):
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

    def _normalize(self, x):
        return F.batch_norm(x, self.running_mean.data, self.running_var.data, self.weight, self.bias, self.training,
                            self.momentum, self.eps)
