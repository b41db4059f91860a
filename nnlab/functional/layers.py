"""What layers compute, each as one operation: the joint derivative of a layer is simpler than the chain of its parts,
and several times faster. The layers' memory, their parameters, is in nn. Goodfellow et al. 2016, chapter 6; the way
back through a stack of layers is their algorithm 6.4.
"""

from functools import partial

import numpy as np

from nnlab.functional.activations import find_activation
from nnlab.ops import op
from nnlab.sums import ones
from nnlab.tensor import is_grad_enabled


def linear(x, weight, bias=None, activation=None):
    """f(x @ weight + bias) as one operation. x: (..., in), weight: (in, out), bias: (out,) -> (..., out).

    activation: None or an elementwise activation, by name or itself.
    The weight is (in, out), the transpose of PyTorch's, so that the code reads like the formula.
    Raises ValueError where shapes do not fit.

    >>> linear([[1.0, 2.0]], [[1.0], [1.0]], [-5.0], activation="relu")
    Tensor([[0.]])
    """
    if isinstance(activation, str):
        activation = find_activation(activation)
    if bias is None:
        return _linear(x, weight, activation=activation)
    return _linear(x, weight, bias, activation=activation)


@op
def _linear(x, W, b=None, /, *, activation):
    if W.ndim != 2 or x.ndim == 0 or x.shape[-1] != len(W):
        raise ValueError("the last axis of x must be the first of the weight, which is (in, out).")
    rows = x if x.ndim == 2 else x.reshape(-1, len(W))  # (N, in)
    # Many short rows, as in a decision map, are laid out by columns: NumPy's loops are then few and long. On matrices
    # .dot starts sooner than @.
    by_columns = len(rows) > 64 * W.shape[1] and not is_grad_enabled()
    z = W.T.dot(rows.T).T if by_columns else rows.dot(W)  # (N, out)
    if b is not None:
        if b.shape != z.shape[1:]:
            raise ValueError("the bias needs one number per output, shape (out,).")
        z += b
    a = z if activation is None else activation.f(z)

    def vjp(g):
        # With delta = dL/dz = g * f'(z):   dx = delta W^T,   dW = x^T delta,   db = sum of delta over the batch
        delta = g if x.ndim == 2 else g.reshape(z.shape)
        if activation is not None:
            delta = delta * activation.df(z, a)
        dx = lambda: _dot_transposed(delta, W) if x.ndim == 2 else _dot_transposed(delta, W).reshape(x.shape)
        dW = partial(np.dot, rows.T, delta)
        return (dx, dW) if b is None else (dx, dW, partial(np.dot, ones(len(delta), delta.dtype), delta))

    return a if x.ndim == 2 else a.reshape(*x.shape[:-1], W.shape[1]), vjp


def _dot_transposed(delta, W):
    return delta.dot(W.T.copy() if W.size <= 8192 else W.T)  # a small W read in order gains more than its copy costs


_layer = _linear.__wrapped__  # the same on plain arrays, with its vjp


@op
def mlp(*inputs, activations):
    """Layers f_l(x W_l + b_l), one after another, as one operation whose derivative is backpropagation.

    inputs: x, W_1, b_1, W_2, b_2, ...; activations: one per layer; all as `linear` takes them -> (..., out).
    In a small network the tape costs as much as the arithmetic; here it is paid once, not once a layer.
    Raises ValueError where shapes do not fit.

    >>> mlp([[1.0, 2.0]], [[1.0], [1.0]], [-5.0], [[2.0]], [1.0], activations=["relu", None])
    Tensor([[1.]])
    """
    (x, *parameters), vjps = inputs, []
    for W, b, f in zip(parameters[::2], parameters[1::2], activations, strict=True):
        x, vjp = _layer(x, W, b, activation=find_activation(f) if isinstance(f, str) else f)
        vjps.append(vjp)

    def back(g):  # from the last layer to the first: the dx of each is the g of the one before it
        gradients = [lambda: g]
        for vjp in reversed(vjps):
            dx, dW, db = vjp(gradients.pop()())
            gradients += db, dW, dx
        return tuple(reversed(gradients))

    return x, back
