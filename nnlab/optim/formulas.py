"""The optimizers, in order of growing complexity: each is its textbook formula on one stretch of the flat vector.

In `update`, w are the values, g the gradients, s a scratch vector of their length, t the number of the step. All is
computed in place, because a new array for every intermediate result would cost more than the arithmetic. Bottou,
Curtis and Nocedal, SIAM Review 60 (2018); each class names its own source.
"""

from math import sqrt

import numpy as np

from nnlab.optim.base import Optimizer


class SGD(Optimizer):
    """Gradient descent, w <- w - lr g; stochastic if g comes from a batch. Robbins and Monro 1951.

    weight_decay: adds weight_decay * w to g, the gradient of weight_decay/2 |w|^2.
    momentum: the heavy ball, u <- momentum u + g;  w <- w - lr u. Polyak 1964.
    nesterov: looks ahead along u,  w <- w - lr (g + momentum u). Nesterov 1983, in the form of Sutskever et al. 2013.
    Raises ValueError for an option out of range, and for nesterov without momentum.

    >>> from nnlab import Tensor
    >>> w = Tensor([4.0], requires_grad=True)
    >>> descent = SGD([w], lr=0.25)
    >>> (w * w).sum().backward(); descent.step(); w.data.tolist()
    [2.0]
    """

    states, only_if = ("velocity",), {"velocity": "momentum"}

    def __init__(self, params, lr=1e-3, momentum=0.0, *, weight_decay=0.0, nesterov=False):
        super().__init__(params, lr=lr, momentum=momentum, weight_decay=weight_decay, nesterov=nesterov)

    def check(self, **options):
        options = super().check(**options)
        if options["nesterov"] and not options["momentum"]:
            raise ValueError("nesterov looks ahead along the momentum, which is 0: set momentum, for example to 0.9.")
        return options

    def update(self, w, g, velocity, s, t, lr, momentum, weight_decay, nesterov):
        if weight_decay:
            g = g + weight_decay * w
        if momentum:
            velocity *= momentum
            velocity += g
            g = g + momentum * velocity if nesterov else velocity
        w -= np.multiply(lr, g, out=s)


class ProximalSGD(Optimizer):
    """Gradient descent on loss + l1 |w|_1 that makes weights exactly 0: a step on the loss, then the proximal step.

    u = w - lr g;  w <- sign(u) max(|u| - lr l1, 0): every weight moves lr l1 towards 0 and stops there ("soft
    thresholding"). ISTA: Daubechies, Defrise and De Mol 2004; Beck and Teboulle 2009, section 2. Not in PyTorch.

    >>> from nnlab import Tensor
    >>> w = Tensor([4.0, 0.25], requires_grad=True)
    >>> lasso = ProximalSGD([w], lr=0.25, l1=2.0)
    >>> (w * w).sum().backward(); lasso.step(); w.data.tolist()
    [1.5, 0.0]
    """

    def __init__(self, params, lr=1e-3, l1=0.0, weight_decay=0.0):
        super().__init__(params, lr=lr, l1=l1, weight_decay=weight_decay)

    def update(self, w, g, s, t, lr, l1, weight_decay):
        if weight_decay:
            g = g + weight_decay * w
        w -= np.multiply(lr, g, out=s)
        w -= np.clip(w, -lr * l1, lr * l1, out=s)  # what is nearer to 0 than lr l1 is subtracted whole


class RMSprop(Optimizer):
    """Steps divided by the running root mean square of the gradient. Hinton, Coursera lecture 6e, 2012.

    v <- alpha v + (1 - alpha) g^2;  w <- w - lr g / (sqrt(v) + eps)
    momentum: u <- momentum u + g / (sqrt(v) + eps);  w <- w - lr u.
    centered: the variance, v - mean^2, in place of v; mean is the running mean of g. Graves 2013, section 2.3.
    weight_decay: adds weight_decay * w to g.

    >>> from nnlab import Tensor
    >>> w = Tensor([4.0], requires_grad=True)
    >>> rmsprop = RMSprop([w], lr=0.5, alpha=0.75)
    >>> (w * w).sum().backward(); rmsprop.step(); w.data.tolist()  # after one step v = g^2 / 4
    [3.0]
    """

    states, only_if = ("v", "mean", "velocity"), {"mean": "centered", "velocity": "momentum"}

    def __init__(self, params, lr=1e-2, alpha=0.99, eps=1e-8, weight_decay=0.0, momentum=0.0, centered=False):
        super().__init__(params, lr=lr, alpha=alpha, eps=eps, weight_decay=weight_decay, momentum=momentum,
                         centered=centered)

    def update(self, w, g, v, mean, velocity, s, t, lr, alpha, eps, weight_decay, momentum, centered):
        if weight_decay:
            g = g + weight_decay * w
        _average(v, alpha, np.multiply(g, g, out=s), s)
        if centered:
            _average(mean, alpha, g, s)
            np.subtract(v, np.multiply(mean, mean, out=s), out=s)
            np.maximum(s, 0, out=s)  # rounding can bring a variance of 0 below 0
            np.sqrt(s, out=s)
        else:
            np.sqrt(v, out=s)
        s += eps
        np.divide(g, s, out=s)
        if momentum:
            velocity *= momentum
            velocity += s
            s[:] = velocity
        s *= lr
        w -= s


class Adam(Optimizer):
    """Steps scaled by running means of the gradient and of its square. Kingma and Ba, ICLR 2015, algorithm 1.

    m <- b1 m + (1 - b1) g;  v <- b2 v + (1 - b2) g^2;  w <- w - lr m^ / (sqrt(v^) + eps), where m^ = m / (1 - b1^t) and
    v^ = v / (1 - b2^t) undo the start at 0.
    weight_decay: adds weight_decay * w to g, so that it is scaled with g; AdamW keeps the two apart.
    amsgrad: the largest v so far in place of v, so that no step grows again. Reddi, Kale and Kumar, ICLR 2018.

    >>> from nnlab import Tensor
    >>> w = Tensor([4.0], requires_grad=True)
    >>> adam = Adam([w], lr=0.5)
    >>> (w * w).sum().backward(); adam.step(); w.data.tolist()  # the first step is lr, whatever the gradient's size
    [3.5]
    """

    states, only_if = ("m", "v", "v_max"), {"v_max": "amsgrad"}

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, amsgrad=False):
        super().__init__(params, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, amsgrad=amsgrad)

    def update(self, w, g, m, v, v_max, s, t, lr, betas, eps, weight_decay, amsgrad):
        b1, b2 = betas
        if weight_decay:
            g = g + weight_decay * w
        _average(m, b1, g, s)
        _average(v, b2, np.multiply(g, g, out=s), s)
        if amsgrad:
            v = np.maximum(v_max, v, out=v_max)
        # m^ / (sqrt(v^) + eps) is (c / (1 - b1^t)) m / (sqrt(v) + c eps) with c = sqrt(1 - b2^t): one pass fewer
        c = sqrt(1 - b2**t)
        np.sqrt(v, out=s)
        s += c * eps
        np.divide(m, s, out=s)
        s *= lr * c / (1 - b1**t)
        w -= s


class AdamW(Adam):
    """Adam with decoupled weight decay: w <- w - lr weight_decay w, then Adam's step on the gradient of the loss alone.

    So every weight decays at the same rate; in Adam one with large gradients decays less. Loshchilov and Hutter, ICLR
    2019, algorithm 2.

    >>> from nnlab import Tensor
    >>> w = Tensor([4.0], requires_grad=True)
    >>> adam = AdamW([w], lr=0.5, weight_decay=0.25)
    >>> (w * w).sum().backward(); adam.step(); w.data.tolist()  # 4 - 0.5 * 0.25 * 4 - 0.5
    [3.0]
    """

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2, amsgrad=False):
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad)

    def update(self, w, *vectors_and_t, lr, weight_decay, **options):
        w *= 1 - lr * weight_decay
        super().update(w, *vectors_and_t, lr=lr, weight_decay=0, **options)


def _average(mean, keep, new, s):
    """mean <- keep mean + (1 - keep) new, the running (exponential moving) average; `new` may be the scratch s."""
    mean *= keep
    mean += np.multiply(new, 1 - keep, out=s)
