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

CHUNK = 1 << 17  # numbers updated at a time: a formula's vectors stay in the cache, and few calls go into its passes


# The flat vector -----------------------------------------------------------------------------------------------------
class Home:
    """Where a parameter lies: from `start` on in two vectors, values and gradients, shared with its neighbours."""

    __slots__ = ("grad", "grads", "start", "values")

    def __init__(self, values, grads, start, size, shape):
        self.values, self.grads, self.start = values, grads, start
        self.grad = grads[start:start + size].reshape(shape)


def lay_out(params):
    """Make `params` neighbours in one vector, in this order, keeping values and gradients, unless they are already."""
    if params[0].home and all(touch(p, q) for p, q in pairwise(params)):
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


def touch(p, q):
    """Whether q lies right behind p."""
    return p.home and q.home and p.home.values is q.home.values and p.home.start + p.size == q.home.start


# What an option may be -----------------------------------------------------------------------------------------------
def at_least_0(name, value):
    if not isinstance(value, Real) or not isfinite(value) or value < 0:
        raise ValueError(f"{name} is a number of at least 0; got {value!r}.")
    return float(value)  # a NumPy float64 would turn float32 arithmetic into float64


def below_1(name, value):
    if not isinstance(value, Real) or not 0 <= value < 1:
        raise ValueError(f"{name} is a number from 0 up to, but not including, 1; got {value!r}.")
    return float(value)


def two_below_1(name, value):
    try:
        first, second = value
        return below_1(name, first), below_1(name, second)
    except (TypeError, ValueError):
        raise ValueError(f"{name} are two numbers from 0 up to, but not including, 1; got {value!r}.") from None


def flag(name, value):
    if not isinstance(value, bool | np.bool_):
        raise ValueError(f"{name} is True or False; got {value!r}.")
    return bool(value)


OPTIONS = {"lr": at_least_0, "weight_decay": at_least_0, "eps": at_least_0, "l1": at_least_0, "momentum": below_1,
           "alpha": below_1, "betas": two_below_1, "nesterov": flag, "centered": flag, "amsgrad": flag}


# What all optimizers share -------------------------------------------------------------------------------------------
class Optimizer:
    """A subclass names its state vectors and writes its formula, `update`, for one stretch of the flat vector.

    params: a list of parameters, or of groups `{"params": [...], "lr": ...}` whose options override the defaults.
    Raises ValueError for no parameters, one given twice, or an option out of range; TypeError for mixed dtypes.

    Who owns what; PyTorch means the same unless it says otherwise:
    - A parameter without gradient (no loss used it, or it is frozen) stays exactly as it is, its state and its count of
      steps too. One that the model got later is not trained; one shared by two layers is one parameter.
    - Several optimizers may share parameters, whole models or parts, in any order: each moves what it was given and
      keeps its own state. The newest decides where the parameters lie, the older ones follow.
    - `p.data = a`, `load_state_dict`, a gradient assigned or changed in place: what stands there is what is used.
    - `model.to(dtype)` takes the parameters out of the vector: `step` then raises and asks for a new optimizer.
    - `param_groups[i]["lr"]`, as every option, may be changed between steps; but momentum, centered and amsgrad, which
      need a vector of their own, cannot be switched on later.
    - `step` is not atomic: interrupted, it may have moved some stretches only. `train.fit` does not let that happen.
    """

    states = ()  # names of the vectors it remembers from step to step
    only_if = {}  # state -> the option that must be on for it to be needed

    def __init__(self, params, **defaults):
        if hasattr(params, "parameters"):
            raise TypeError(f"{type(self).__name__} takes a list of parameters: write model.parameters().")
        groups = list(params)
        if not groups or not all(isinstance(group, dict) for group in groups):
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
        size, dtype = self._offsets[-1], self.params[0].dtype
        self.state = {name: np.zeros(size, dtype) for name in self.states
                      if name not in self.only_if or any(group[self.only_if[name]] for group in self.param_groups)}
        self._scratch = np.empty(min(size, CHUNK), dtype)
        self.steps, self._skipped = 0, [0] * len(self.params)  # _skipped: steps that each one sat out
        self._homes, self._stretches, self._moved, self._still = None, [], [], []

    def check(self, **options):
        """The options of a group, each checked for its range."""
        return {name: OPTIONS[name](name, value) if name in OPTIONS else value for name, value in options.items()}

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
            self._moved = [p for p, home in zip(self.params, homes) if home]
            self._still = [i for i, home in enumerate(homes) if not home]
            self._homes = homes
        self.steps += 1
        for i in self._still:
            self._skipped[i] += 1
        now = tick()
        for p in self._moved:
            p.serial = now
        for vectors, skipped, options in self._stretches:
            self.update(*vectors, self.steps - skipped, **options)

    def update(self, w, g, *states_s_t, **options):
        """The formula. w: values, changed in place; g: gradients; then each of `states`, None where it is switched off;
        s: scratch, as long as w, its content arbitrary; t: the number of this step, from 1; then the options.
        """
        raise NotImplementedError(f"{type(self).__name__} must define update(self, w, g, ..., s, t, lr, ...).")

    def _cut(self, homes):
        """The stretches to update, as long as can be: ((w, g, *states, s), steps sat out, options)."""
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
            home, at, size = homes[first], self._offsets[first], self._offsets[end] - self._offsets[first]
            vectors = [(home.values, home.start), (home.grads, home.start)]
            vectors += [(self.state.get(name), at) for name in self.states]
            for a in range(0, size, CHUNK):
                n = min(CHUNK, size - a)
                pieces = [v if v is None else v[start + a:start + a + n] for v, start in vectors]
                yield [*pieces, self._scratch[:n]], self._skipped[first], self._group[first]

    def _belong(self, i, j):
        return (self._group[i] is self._group[j] and self._skipped[i] == self._skipped[j]
                and touch(self.params[i], self.params[j]))

    # Pausing and going on ----------------------------------------------------------------------------------------
    def state_dict(self):
        """All that training needs to go on as if never interrupted, as copied arrays by name: "state.m" and so on,
        "steps" and "sizes" with one number per parameter, and each group's options as "groups.0.lr".
        """
        steps = [self.steps - skipped for skipped in self._skipped]
        return ({f"state.{name}": vector.copy() for name, vector in self.state.items()}
                | {"steps": np.array(steps), "sizes": np.array([p.size for p in self.params])}
                | {f"groups.{i}.{name}": np.array(value) for i, group in enumerate(self.param_groups)
                   for name, value in group.items()})

    def load_state_dict(self, state):
        """Go on from a `state_dict()`, options included; if anything does not fit, change nothing.

        Raises KeyError for the state of another kind of optimizer, ValueError for other sizes, dtypes or options.
        """
        own, state = self.state_dict(), {name: np.asarray(value) for name, value in state.items()}
        missing, extra = [k for k in own if k not in state], [k for k in state if k not in own]
        if missing or extra:
            raise KeyError(f"this is the state of another optimizer than {type(self).__name__} with its options: "
                           f"missing {missing}, not known here {extra}.")
        if not np.array_equal(state["sizes"], own["sizes"]):
            raise ValueError(f"this state belongs to parameters of sizes {state['sizes'].tolist()}; here they are "
                             f"{own['sizes'].tolist()}.")
        for name, mine in own.items():
            got = state[name]
            if got.shape != mine.shape or got.dtype.kind != mine.dtype.kind or (mine.ndim and got.dtype != mine.dtype):
                raise ValueError(f"{name} is {mine.dtype} of shape {mine.shape}; got {got.dtype} of {got.shape}.")
        groups = [self.check(**{name: state[f"groups.{i}.{name}"].tolist() for name in group})
                  for i, group in enumerate(self.param_groups)]
        for group, loaded in zip(self.param_groups, groups):
            group.update(loaded)
        for name, vector in self.state.items():
            vector[:] = state[f"state.{name}"]
        self.steps = int(state["steps"].max())
        self._skipped = (self.steps - state["steps"]).tolist()
        self._homes = None  # the stretches are cut anew


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
