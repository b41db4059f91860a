"""Is a gradient right? Compare it with finite differences, which know nothing of calculus.

For a random direction v, f(x + h v) - f(x - h v) over 2h must equal <gradient, v>; two evaluations test all entries at
once, with an error of order h^2. Only if that fails is the guilty entry searched for, one by one.
"""

import numpy as np

from nnlab.rng import as_rng
from nnlab.tensor import Tensor, no_grad


class GradientError(AssertionError):
    """A gradient disagrees with finite differences; the message says where, got and expected."""


def gradcheck(f, *inputs, params=(), step=1e-6, rtol=1e-6, atol=1e-8, directions=3, rng=None):
    """Check d f(*inputs) for every input and every one of `params` (what f uses besides) that requires a gradient.

    f: takes the inputs, returns a Tensor of any shape, and must be deterministic. All tensors must be float64.
    Returns True or raises GradientError; TypeError for float32, ValueError if nothing requires a gradient.
    Values and gradients of all tensors are as before afterwards.

    >>> x = Tensor(np.array([0.5, 2.0]), requires_grad=True)
    >>> gradcheck(lambda x: x.exp() / x, x)
    True
    """
    checked = {f"input {i}": t for i, t in enumerate(inputs) if isinstance(t, Tensor) and t.requires_grad}
    checked |= {p.name or f"params[{i}]": p for i, p in enumerate(params)}
    if not checked:
        raise ValueError("nothing to check: no input has requires_grad=True.")
    for name, t in checked.items():
        if t.dtype != np.float64:
            raise TypeError(f"{name} is {t.dtype}; finite differences need dtype=float64, or rounding drowns them.")
    rng, tensors = as_rng(rng), list(checked.values())
    grads = [None if t.grad is None else t.grad.copy() for t in tensors]
    try:
        for t in tensors:
            t.grad = None
        out = f(*inputs)
        u = np.ones(out.shape) if out.size == 1 else rng.standard_normal(out.shape)  # <u, f> checks all outputs at once
        out.backward(u)
        analytic = {name: np.zeros(t.shape) if t.grad is None else t.grad.copy() for name, t in checked.items()}
        for name, t in checked.items():
            slope = _slopes(f, inputs, t, u, step)
            rounding = 1e-15 / step * np.abs(out.data * u).sum()
            tolerance = atol + rtol * np.abs(analytic[name]).sum() + rounding
            for _ in range(directions):
                v = rng.standard_normal(t.shape)
                if not abs(slope(v) - np.vdot(analytic[name], v)) <= tolerance:
                    raise GradientError(_blame(f, inputs, name, analytic[name], slope))
    finally:
        for t, g in zip(tensors, grads):
            t.grad = g
    return True


def _slopes(f, inputs, t, u, step):
    """v -> d/ds <u, f> along t + s v, by central differences."""
    def value(at):
        start = t.data.copy()
        try:
            t.data = at
            with no_grad():
                return np.vdot(f(*inputs).data, u)
        finally:
            t.data = start

    return lambda v: (value(t.data + step * v) - value(t.data - step * v)) / (2 * step)


def _blame(f, inputs, name, analytic, slope):
    """The report: which entry is worst, its gradient by backward and by finite differences, and what went in."""
    numeric = np.zeros_like(analytic)
    for index in np.ndindex(analytic.shape):
        v = np.zeros_like(analytic)
        v[index] = 1
        numeric[index] = slope(v)
    worst = np.unravel_index(np.argmax(np.abs(numeric - analytic)), analytic.shape)
    shown = ", ".join(repr(t) for t in inputs)
    return (f"the gradient of {getattr(f, '__name__', f)} for {name} is wrong, most at index "
            f"{tuple(map(int, worst))}:\n  backward()          {analytic[worst]:.10g}\n"
            f"  finite differences  {numeric[worst]:.10g}\ninputs: {shown}")
