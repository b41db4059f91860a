"""The primitive operations: each a forward line beside its vjp, to be read against a table of derivatives.

An operation works on plain arrays and returns (value, vjp); the engine in tensor.py does everything else, also the
un-broadcasting. A gradient written as `lambda: ...` costs something; the engine asks for it only where it is needed.
The table at the end hangs the operations on Tensor as its operators and methods.
Griewank and Walther, Evaluating Derivatives (2008), chapter 3; Giles, Collected matrix derivative results (2008).
"""

import functools
import inspect

import numpy as np

from nnlab.tensor import Tensor, constant, is_grad_enabled, tick


def op(f):
    """Make an operation on Tensors of `f`, a function on raw arrays that returns `(value, vjp)`.

    The positional-only parameters of `f` are the inputs to differentiate; all others are passed through as they are.
    `vjp(g)` takes dL/dvalue and returns dL/dinput for each input (a tuple if there are several). Each may have the
    broadcast shape, be None (no gradient), or be a function of no arguments, called only if that gradient is needed;
    a `partial(np.dot, a, b)` is then computed right into the place where the gradient belongs.

    >>> @op
    ... def cube(x, /):
    ...     return x**3, lambda g: 3 * x**2 * g
    >>> cube(Tensor(2.0, requires_grad=True))
    Tensor(8., op=cube)
    """
    kinds = [p.kind for p in inspect.signature(f).parameters.values()]
    n = None if kinds[0] is inspect.Parameter.VAR_POSITIONAL else kinds.count(inspect.Parameter.POSITIONAL_ONLY)
    name = f.__name__.strip("_")

    @functools.wraps(f)
    def apply(*inputs, **options):
        parents = _lift(name, inputs[:n])
        try:
            value, vjp = f(*[t._data for t in parents], *inputs[len(parents):], **options)
            value = value if type(value) is np.ndarray else np.asarray(value)  # a sum gives a NumPy scalar
        except ValueError as error:  # NumPy's message does not say which operation, nor always which shapes
            shapes = " and ".join(str(t.shape) for t in parents)
            raise ValueError(f"{name} got {'shapes' if len(parents) > 1 else 'shape'} {shapes}: {error}") from None
        out = Tensor.__new__(Tensor)
        if is_grad_enabled():
            for t in parents:
                if t.requires_grad:
                    out._fill(value, name, parents, vjp, tick(), True)
                    return out
        out._fill(value, None, (), None, 0, False)
        return out

    return apply


def _lift(name, inputs):
    """The inputs of an operation as Tensors of one dtype: numbers and arrays take that of the Tensors beside them."""
    dtype, plain = None, False
    for x in inputs:
        if not isinstance(x, Tensor):
            plain = True
        elif dtype is None:
            dtype = x._data.dtype
        elif x._data.dtype is not dtype and x._data.dtype != dtype:
            raise TypeError(f"{name} got a {dtype} and a {x.dtype} Tensor, which do not mix: make both with the same "
                            "dtype=, or pass one as a plain array, which is then converted.")
    return tuple([x if isinstance(x, Tensor) else constant(x, dtype) for x in inputs]) if plain else inputs


# Arithmetic, element by element --------------------------------------------------------------------------------------
@op
def add(a, b, /):
    return a + b, lambda g: (g, g)


@op
def sub(a, b, /):
    return a - b, lambda g: (g, lambda: -g)


@op
def mul(a, b, /):
    return a * b, lambda g: (lambda: g * b, lambda: g * a)


@op
def div(a, b, /):
    y = a / b
    return y, lambda g: (lambda: g / b, lambda: -g * y / b)


@op
def neg(a, /):
    return -a, lambda g: -g


@op
def pow(a, b, /):
    # d a^b / da = b a^(b-1), with 0 for b = 0 even at a = 0;  d a^b / db = a^b ln a, with 0 at a = 0
    y = a**b
    da = lambda: b * a ** np.where(b == 0, 1, b - 1)
    db = lambda: y * np.log(np.where(a == 0, 1, a))
    return y, lambda g: (lambda: g * da(), lambda: g * db())


@op
def exp(x, /):
    y = np.exp(x)
    return y, lambda g: g * y


@op
def log(x, /):
    return np.log(x), lambda g: g / x


@op
def sqrt(x, /):
    y = np.sqrt(x)
    return y, lambda g: g / (2 * y)


@op
def abs(x, /):
    return np.abs(x), lambda g: g * np.sign(x)


@op
def maximum(a, b, /):
    # at a tie each side gets half, so that maximum(x, x) has derivative 1
    share = lambda: np.where(a == b, 0.5, a > b).astype(a.dtype)
    return np.maximum(a, b), lambda g: (lambda: g * share(), lambda: g * (1 - share()))


@op
def where(a, b, /, condition):
    """`a` where `condition` (a boolean array) holds, `b` elsewhere."""
    return np.where(condition, a, b), lambda g: (lambda: np.where(condition, g, 0), lambda: np.where(condition, 0, g))


# Products ------------------------------------------------------------------------------------------------------------
@op
def matmul(a, b, /):
    # Y = A B:  dA = dY B^T,  dB = A^T dY.  A vector on the left is one row, on the right one column.
    A = a[None, :] if a.ndim == 1 else a  # (..., n, k)
    B = b[:, None] if b.ndim == 1 else b  # (..., k, m)

    def vjp(g):
        G = g[..., None] if b.ndim == 1 else g
        G = G[..., None, :] if a.ndim == 1 else G  # (..., n, m)
        dB = lambda: np.swapaxes(A, -1, -2) @ G
        return lambda: G @ np.swapaxes(B, -1, -2), lambda: dB()[..., 0] if b.ndim == 1 else dB()

    return a @ b, vjp


# Sums along axes -----------------------------------------------------------------------------------------------------
def _spread(g, like, axis, keepdims):
    """`g`, which lacks the summed axes, repeated along them to the shape of `like`."""
    if axis is not None and not keepdims:
        g = np.expand_dims(g, axis)
    return np.broadcast_to(g, like.shape)


@op
def sum(x, /, axis=None, keepdims=False):
    return np.sum(x, axis, keepdims=keepdims), lambda g: _spread(g, x, axis, keepdims)


@op
def mean(x, /, axis=None, keepdims=False):
    y = np.mean(x, axis, keepdims=keepdims)
    return y, lambda g: _spread(g / (x.size // (np.size(y) or 1)), x, axis, keepdims)


@op
def max(x, /, axis=None, keepdims=False):
    y = np.max(x, axis, keepdims=keepdims)

    def vjp(g):  # several maxima share the gradient equally
        winners = x == np.max(x, axis, keepdims=True)
        return _spread(g, x, axis, keepdims) * winners / winners.sum(axis, keepdims=True, dtype=x.dtype)

    return y, vjp


# Shape ---------------------------------------------------------------------------------------------------------------
@op
def reshape(x, /, *shape):
    return x.reshape(*shape), lambda g: g.reshape(x.shape)


@op
def transpose(x, /, axes=None):
    back = None if axes is None else np.argsort([a % x.ndim for a in axes])
    return x.transpose(axes), lambda g: g.transpose(back)


@op
def getitem(x, /, index):
    """x[index], with slices, integers, boolean masks or integer arrays."""
    parts = index if isinstance(index, tuple) else (index,)
    basic = all(isinstance(part, int | slice) or part is None or part is Ellipsis for part in parts)

    def vjp(g):
        dx = np.zeros_like(x)
        if basic:
            dx[index] = g
        else:
            np.add.at(dx, index, g)  # an element taken twice gets both gradients
        return dx

    return x[index], vjp


@op
def _concatenate(*parts, axis):
    cuts = np.cumsum([p.shape[axis] for p in parts[:-1]])
    return np.concatenate(parts, axis), lambda g: tuple(np.split(g, cuts, axis))


def concatenate(tensors, axis=0):
    """Join tensors along an existing axis: shapes (n1, k), (n2, k) -> (n1 + n2, k)."""
    return _concatenate(*tensors, axis=axis)


@op
def _stack(*parts, axis):
    return np.stack(parts, axis), lambda g: tuple(np.moveaxis(g, axis, 0))


def stack(tensors, axis=0):
    """Join tensors of one shape along a new axis: n of shape (k,) -> (n, k)."""
    return _stack(*tensors, axis=axis)


# How they look on a Tensor -------------------------------------------------------------------------------------------
def _swapped(operation):
    return lambda self, other: operation(other, self)


def _in_place(operation):
    """`w -= step` on a leaf that is being learned writes into it, which is allowed only where nothing is recorded."""
    def apply(self, other):
        if not (self.requires_grad and self.is_leaf):
            return operation(self, other)
        if is_grad_enabled():
            raise RuntimeError(f"{self.label} is a leaf that needs a gradient: change it in place inside "
                               "`with no_grad():`, or write to its .data.")
        self.data = operation(self, other).data
        return self
    return apply


def _compare(ufunc):
    return lambda self, other: ufunc(self.data, other.data if isinstance(other, Tensor) else other)


OPERATORS = {"add": add, "sub": sub, "mul": mul, "truediv": div, "pow": pow, "matmul": matmul}
COMPARISONS = {"lt": np.less, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal, "eq": np.equal,
               "ne": np.not_equal}  # have no derivative: they give plain boolean arrays
METHODS = {"__neg__": neg, "__abs__": abs, "__getitem__": getitem, "abs": abs, "exp": exp, "log": log, "sqrt": sqrt,
           "sum": sum, "mean": mean, "max": max, "reshape": reshape, "transpose": transpose, "T": property(transpose)}

for symbol, operation in OPERATORS.items():
    setattr(Tensor, f"__{symbol}__", operation)
    setattr(Tensor, f"__r{symbol}__", _swapped(operation))
    setattr(Tensor, f"__i{symbol}__", _in_place(operation))
for symbol, ufunc in COMPARISONS.items():
    setattr(Tensor, f"__{symbol}__", _compare(ufunc))
for name, value in METHODS.items():
    setattr(Tensor, name, value)
