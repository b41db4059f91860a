"""How good a network is, in numbers that nobody differentiates. A metric takes arrays or Tensors and returns a Python
float. sklearn.metrics has the same names.
"""

import numpy as np

from nnlab.tensor import Tensor


def accuracy(outputs, labels):
    """The share of examples whose predicted class is the label.

    outputs: logits, (N, C) for C classes, or (N,) or (N, 1) for two (class 1 where the logit is above 0);
    labels: (N,) or (N, 1). Raises ValueError for other shapes: nothing is broadcast.

    >>> accuracy([[2.0, 1.0], [0.0, 3.0]], [0, 0])
    0.5
    """
    z, y = (np.asarray(a.data if isinstance(a, Tensor) else a) for a in (outputs, labels))
    column = z.shape[1:] == (1,)
    if y.shape not in ((len(z),), (len(z), 1)) or z.ndim > 2 or len(z) == 0:
        raise ValueError(f"accuracy takes outputs (N, C), (N, 1) or (N,) and labels (N,); got {z.shape} and {y.shape}.")
    predicted = z.reshape(-1) > 0 if z.ndim == 1 or column else z.argmax(1)
    return float(np.mean(predicted == y.reshape(-1)))
