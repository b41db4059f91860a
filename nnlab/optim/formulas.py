"""The optimizers, in order of growing complexity: each is its textbook formula on one stretch of the flat vector.
Bottou, Curtis and Nocedal, SIAM Review 60 (2018); each class names its own source.
"""

from math import sqrt

import numpy as np

from nnlab.optim.base import Optimizer, at_least_0


class SGD(Optimizer):
    """Gradient descent, w <- w - lr g; stochastic if g comes from a batch. Robbins and Monro 1951.

    weight_decay: adds weight_decay * w to g, the gradient of weight_decay/2 |w|^2.

    >>> from nnlab import Tensor
    >>> w = Tensor([4.0], requires_grad=True)
    >>> descent = SGD([w], lr=0.25)
    >>> (w * w).sum().backward(); descent.step(); w.data.tolist()
    [2.0]
    """

    def __init__(self, params, lr=1e-3, weight_decay=0.0):
        super().__init__(params, lr=lr, weight_decay=weight_decay)

    def update(self, w, g, t, lr, weight_decay):
        if weight_decay:
            g = g + weight_decay * w
        w -= lr * g


class Adam(Optimizer):
    """Steps scaled by running means of the gradient and of its square. Kingma and Ba, ICLR 2015, algorithm 1.

    m <- b1 m + (1 - b1) g;  v <- b2 v + (1 - b2) g^2;  w <- w - lr m^ / (sqrt(v^) + eps), where m^ = m / (1 - b1^t) and
    v^ = v / (1 - b2^t) undo the start at 0.

    >>> from nnlab import Tensor
    >>> w = Tensor([4.0], requires_grad=True)
    >>> adam = Adam([w], lr=0.5)
    >>> (w * w).sum().backward(); adam.step(); w.data.tolist()  # the first step is lr, whatever the gradient's size
    [3.5]
    """

    states = ("m", "v")

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
        super().__init__(params, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)

    def check(self, lr, betas, eps, weight_decay):
        try:
            b1, b2 = map(float, betas)
        except (TypeError, ValueError):
            b1 = b2 = -1
        if not (0 <= b1 < 1 and 0 <= b2 < 1):
            raise ValueError(f"betas are two numbers from 0 up to, but not including, 1; got {betas!r}.")
        return super().check(lr, weight_decay) | {"betas": (b1, b2), "eps": at_least_0("eps", eps)}

    def update(self, w, g, m, v, t, lr, betas, eps, weight_decay):
        b1, b2 = betas
        if weight_decay:
            g = g + weight_decay * w
        m *= b1
        m += (1 - b1) * g
        v *= b2
        v += (1 - b2) * g * g
        w -= lr / (1 - b1**t) * m / (np.sqrt(v) / sqrt(1 - b2**t) + eps)
