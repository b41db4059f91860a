"""What all optimizers share: their parameters lie side by side in one flat vector, to which a formula is applied once.

The constructor lays its parameters out, in its own order, and they become views of that vector; so do their gradients.
If they already lie so (a cell run again, an optimizer for part of a model) they stay. If a newer optimizer has laid
them out differently since, nothing breaks: the formula is then applied to each piece that is still contiguous.
"""

from itertools import accumulate, pairwise
from math import isfinite
from numbers import Real

import numpy as np

from nnlab.tensor import Tensor, tick

CHUNK = 1 << 15  # numbers updated at a time, so that the temporaries of a formula stay in the processor's cache


# The flat vector -----------------------------------------------------------------------------------------------------
class Home:
    """Where a parameter lies: from `start` on in two vectors, values and gradients, shared with its neighbours."""

    __slots__ = ("grad", "grads", "start", "values")

    def __init__(self, values, grads, start, size, shape):
        self.values, self.grads, self.start = values, grads, start
        self.grad = grads[start:start + size].reshape(shape)


def lay_out(params):
    """Make `params` neighbours in one vector, in this order, keeping values and gradients, unless they are already."""
    if params[0].home and all(_touch(p, q) for p, q in pairwise(params)):
        return
    start = 0
    values, grads = (np.zeros(sum(p.size for p in params), params[0].dtype) for _ in range(2))
    for p in params:
        old, old_grad = p.data, p.grad
        p._data = values[start:start + p.size].reshape(p.shape)
        p._data[...] = old
        p.home = Home(values, grads, start, p.size, p.shape)
        p.grad = old_grad  # copies it to the new place
        start += p.size


def _touch(p, q):
    """Whether q lies right behind p."""
    return p.home and q.home and p.home.values is q.home.values and p.home.start + p.size == q.home.start


# What all optimizers share -------------------------------------------------------------------------------------------
class Optimizer:
    """A subclass names its state vectors and its options, and writes `update` for one stretch of the flat vector.

    params: a list of parameters, or of groups `{"params": [...], "lr": ...}` whose options override the defaults.
    A parameter without gradient (no loss used it) stays exactly as it is, its state and its count of steps too.
    Raises ValueError for no parameters, one given twice, or an option out of range; TypeError for mixed dtypes.
    """

    states = ()  # names of the vectors it remembers from step to step

    def __init__(self, params, **defaults):
        if hasattr(params, "parameters"):
            raise TypeError(f"{type(self).__name__} takes a list of parameters: write model.parameters().")
        groups = list(params)
        if not groups or not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        self.params, self.param_groups, self._group = [], [], []  # _group[i]: the options of params[i]
        for given in groups:
            given = dict(given)
            members = list(given.pop("params"))
            if unknown := given.keys() - defaults.keys():
                raise ValueError(f"{type(self).__name__} has no option {sorted(unknown)}; it has {sorted(defaults)}.")
            self.param_groups.append(self.check(**(defaults | given)))
            self._group += [self.param_groups[-1]] * len(members)
            self.params += members
        _check(self.params, type(self).__name__)
        lay_out(self.params)
        self._offsets = [0, *accumulate(p.size for p in self.params)]  # where each one's state begins
        self.state = {name: np.zeros(self._offsets[-1], self.params[0].dtype) for name in self.states}
        self.steps, self._skipped = 0, [0] * len(self.params)  # _skipped: steps that each one sat out
        self._homes, self._stretches = None, []

    def check(self, lr, weight_decay):
        """The options of a group, as Python floats: a NumPy float64 would turn float32 arithmetic into float64."""
        return {"lr": at_least_0("lr", lr), "weight_decay": at_least_0("weight_decay", weight_decay)}

    @property
    def lr(self):
        """The learning rate (of the first group); setting it sets that of every group."""
        return self.param_groups[0]["lr"]

    @lr.setter
    def lr(self, lr):
        for options in self.param_groups:
            options["lr"] = at_least_0("lr", lr)

    def zero_grad(self):
        """Forget all gradients: `p.grad` is None until the next `backward()` writes it."""
        for p in self.params:
            p._grad = None

    def step(self):
        """Move every parameter that has a gradient. Raises TypeError if a parameter's dtype has changed."""
        homes = [p._grad is not None and p.home for p in self.params]  # False: no gradient
        if homes != self._homes:
            self._stretches = list(self._cut(homes))
            self._homes = homes
        self.steps += 1
        now = tick()
        for i, p in enumerate(self.params):
            if homes[i]:
                p.serial = now
            else:
                self._skipped[i] += 1
        for arrays, skipped, options in self._stretches:
            self.update(*arrays, self.steps - skipped, **options)

    def _cut(self, homes):
        """The stretches to update, as long as can be: ((values, gradients, *states), steps sat out, options)."""
        stretches = []
        for i, home in enumerate(homes):
            if home is None:
                raise TypeError(f"{self.params[i].label} has changed its dtype since this optimizer was made: "
                                "make the optimizer anew.")
            if home and i and homes[i - 1] and self._belong(i - 1, i):
                stretches[-1][1] = i + 1
            elif home:
                stretches.append([i, i + 1])
        for first, end in stretches:
            vectors = (homes[first].values, homes[first].grads, *self.state.values())
            starts = (homes[first].start,) * 2 + (self._offsets[first],) * len(self.state)
            size = self._offsets[end] - self._offsets[first]
            for a in range(0, size, CHUNK):
                b = min(a + CHUNK, size)
                yield [v[s + a:s + b] for v, s in zip(vectors, starts)], self._skipped[first], self._group[first]

    def _belong(self, i, j):
        return (self._group[i] is self._group[j] and self._skipped[i] == self._skipped[j]
                and _touch(self.params[i], self.params[j]))


def _check(params, optimizer):
    if not params:
        raise ValueError(f"{optimizer} got no parameters.")
    for p in params:
        if not isinstance(p, Tensor) or not p.is_leaf:
            raise TypeError(f"{optimizer} takes parameters, leaves of the graph; got {p!r}.")
        if p.dtype != params[0].dtype:
            raise TypeError(f"{optimizer}: {p.label} is {p.dtype}, {params[0].label} {params[0].dtype}; use one dtype.")
    if twice := [p.label for i, p in enumerate(params) if any(p is q for q in params[:i])]:
        raise ValueError(f"{optimizer} got a parameter twice: {', '.join(twice)}.")


def at_least_0(name, value):
    if not isinstance(value, Real) or not isfinite(value) or value < 0:
        raise ValueError(f"{name} is a number of at least 0; got {value!r}.")
    return float(value)
