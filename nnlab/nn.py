"""Layers: what a network remembers. A module holds parameters and other modules as plain attributes; the formulas they
compute stand in functional.py. Modules are found by walking the attributes, so a list or dict of layers works as it is,
and nothing has to be registered or initialised first. Names follow PyTorch's torch.nn.
"""

from contextlib import contextmanager
from contextvars import ContextVar
from operator import index

import numpy as np

from nnlab import functional as F
from nnlab import init as initial
from nnlab.rng import as_rng
from nnlab.tensor import Tensor, tick

_observers = ContextVar("nnlab_observers", default=())


@contextmanager
def observe(see):
    """Inside `with observe(see):` every module that computes calls `see(module, output)`, inner modules first.

    >>> with observe(lambda module, output: print(type(module).__name__, output.shape)):
    ...     _ = MLP(2, 3, 1)(np.zeros((5, 2)))
    Linear (5, 3)
    Linear (5, 1)
    MLP (5, 1)
    """
    token = _observers.set((*_observers.get(), see))
    try:
        yield
    finally:
        _observers.reset(token)


class Parameter(Tensor):
    """A Tensor that is learned: a leaf with requires_grad=True that its module and an optimizer find."""

    __slots__ = ()

    def __init__(self, data, requires_grad=True, *, dtype=None, name=None):
        super().__init__(data, requires_grad, dtype=dtype, name=name)


class Module:
    """What all layers and networks share. A subclass sets attributes in `__init__` and computes in `forward`.

    >>> class Twice(Module):
    ...     def __init__(self):
    ...         self.inner = Linear(3, 3, activation="tanh")
    ...     def forward(self, x):
    ...         return self.inner(self.inner(x))
    >>> [name for name, p in Twice().named_parameters()]
    ['inner.weight', 'inner.bias']
    """

    training = True

    def forward(self, x):
        raise NotImplementedError(f"{type(self).__name__} must define forward(self, x).")

    def __call__(self, *inputs):
        output = self.forward(*inputs)
        for see in _observers.get():
            see(self, output)
        return output

    # Finding parts -----------------------------------------------------------------------------------------------
    def _parts(self, kind, name="", seen=None):
        """(name, part) of every part that is a `kind`, depth first, each object once however often it is used."""
        seen = set() if seen is None else seen
        stack = [(name, self)]
        while stack:
            name, part = stack.pop()
            if id(part) in seen or not isinstance(part, Module | Tensor | list | tuple | dict):
                continue
            seen.add(id(part))
            if isinstance(part, kind):
                yield name, part
            if not isinstance(part, Tensor):
                inside = vars(part) if isinstance(part, Module) else part
                inside = inside.items() if isinstance(inside, dict) else enumerate(inside)
                stack += [(f"{name}.{key}" if name else str(key), value) for key, value in inside][::-1]

    def named_parameters(self):
        """(name, Parameter) pairs, as `"hidden.weight"`; a parameter shared by several layers comes once."""
        return self._parts(Parameter)

    def named_modules(self):
        """(name, module) pairs, this module (its name is "") first."""
        return self._parts(Module)

    def parameters(self):
        """The parameters as a list."""
        return [p for _, p in self.named_parameters()]

    # Changing all parts ------------------------------------------------------------------------------------------
    def train(self, mode=True):
        """Switch this module and all inside it to training (or, with False, to evaluation); returns self."""
        for _, module in self.named_modules():
            module.training = mode
        return self

    def eval(self):
        """Switch to evaluation, where layers such as dropout behave as for a finished network; returns self."""
        return self.train(False)

    def zero_grad(self):
        """Forget all gradients."""
        for p in self.parameters():
            p.zero_grad()

    def to(self, dtype):
        """Convert all parameters to `dtype`; an optimizer made before must be made anew. Returns self."""
        for p in self.parameters():
            if p.dtype != dtype:
                converted = Tensor(p.data, dtype=dtype)  # raises here if dtype is none of ours, before any change
                p._data, p._grad, p.home, p.serial = converted.data, None, None, tick()
        return self

    def state_dict(self):
        """All parameters by name, as copied arrays."""
        return {name: p.data.copy() for name, p in self.named_parameters()}

    def load_state_dict(self, state):
        """Copy the arrays of `state` into the parameters, or, if anything does not fit, change nothing.

        Raises KeyError for names that are missing or too many, ValueError for shapes or values that do not fit.
        """
        own = dict(self.named_parameters())
        missing, extra = [k for k in own if k not in state], [k for k in state if k not in own]
        if missing or extra:
            raise KeyError(f"these are the parameters of another model: missing {missing}, not known here {extra}.")
        arrays = {name: np.asarray(state[name]) for name in own}
        for name, p in own.items():
            if arrays[name].shape != p.shape or arrays[name].dtype.kind not in "fiu":
                raise ValueError(f"{name} has shape {p.shape}; got {arrays[name].dtype} of shape {arrays[name].shape}.")
        for name, p in own.items():
            p.data = arrays[name]

    # How it looks ------------------------------------------------------------------------------------------------
    def extra_repr(self):
        """What stands in the brackets of the repr; a subclass may say more."""
        return ", ".join(m.label for name, m in self.named_modules() if name and name.count(".") < 2)

    label = property(lambda self: f"{type(self).__name__}({self.extra_repr()})")

    def __repr__(self):
        count = sum(p.size for p in self.parameters())
        return f"{self.label}, {count:,} parameter{'s' * (count != 1)}"


def _width(number, owner, role):
    """`number` as a count of neurons: a whole number of at least 1."""
    try:
        width = index(number)
    except TypeError:
        width = 0
    if width < 1 or isinstance(number, bool):
        raise ValueError(f"{owner}: {role} counts neurons, a whole number of at least 1; got {number!r}.")
    return width


def _default_init(activation):
    relu_like = activation is not None and "relu" in activation.__name__
    return initial.he_uniform if relu_like else initial.xavier_uniform


def _named(activation):
    return "" if activation is None else f", {activation.__name__}"


def _as_input(x, dtype):
    """`x` fit to meet parameters of `dtype`: a constant of another dtype is handed on as a plain array, and so cast."""
    return x.data if isinstance(x, Tensor) and x.dtype != dtype and not x.requires_grad else x


def _misfit(layer, x):
    return ValueError(f"{layer.label} got x of shape {np.shape(x)}: its last axis must be {layer.in_features}.")


class Neuron(Module):
    """One neuron, f(x . w + b). x: (N, in) -> (N,), or (in,) -> ().

    activation: an elementwise activation by name, or None.
    Raises ValueError if x does not bring one number per weight.

    >>> neuron = Neuron(2, activation=None)
    >>> neuron.weight.data, neuron.bias.data = [2.0, -1.0], 0.5
    >>> neuron([3.0, 4.0]).item()
    2.5
    """

    def __init__(self, in_features, activation="sigmoid", *, init=None, dtype=np.float32, rng=None):
        self.in_features = _width(in_features, "Neuron", "in_features")
        self.activation = F.find_activation(activation)
        init = init or _default_init(self.activation)
        self.weight = Parameter(init((self.in_features,), dtype=dtype, rng=rng), name="Neuron.weight")
        self.bias = Parameter(np.zeros((), dtype), name="Neuron.bias")

    def forward(self, x):
        try:
            z = _as_input(x, self.weight.dtype) @ self.weight + self.bias
        except ValueError:
            raise _misfit(self, x) from None
        return z if self.activation is None else self.activation(z)

    def extra_repr(self):
        return f"{self.in_features} -> 1{_named(self.activation)}"


class Linear(Module):
    """A layer of neurons, f(x W + b). x: (..., in) -> (..., out).

    weight is (in, out), the transpose of PyTorch's, so that code reads as the formula; bias is (out,) and starts at 0.
    activation: an elementwise activation by name, computed in the same operation, or None.
    init: a function of init.py for the weight; by default He for relu-like activations, else Xavier (PyTorch differs).
    Raises ValueError for widths below 1 and for an x whose last axis is not `in_features`.

    >>> Linear(4, 8, activation="relu")
    Linear(4 -> 8, relu), 40 parameters
    """

    def __init__(self, in_features, out_features, bias=True, activation=None, *, init=None, dtype=np.float32,
                 rng=None):
        self.in_features = _width(in_features, "Linear", "in_features")
        self.out_features = _width(out_features, "Linear", "out_features")
        self.activation = F.find_activation(activation)
        init, shape = init or _default_init(self.activation), (self.in_features, self.out_features)
        self.weight = Parameter(init(shape, dtype=dtype, rng=rng), name=f"{self.label}.weight")
        self.bias = Parameter(np.zeros(shape[1], dtype), name=f"{self.label}.bias") if bias else None

    def forward(self, x):
        try:
            return F.linear(_as_input(x, self.weight.dtype), self.weight, self.bias, self.activation)
        except ValueError:
            raise _misfit(self, x) from None

    def extra_repr(self):
        return f"{self.in_features} -> {self.out_features}{_named(self.activation)}"


class ReLU(Module):
    """`functional.relu` as a layer."""

    def forward(self, x):
        return F.relu(x)


class LeakyReLU(Module):
    """`functional.leaky_relu` as a layer."""

    def __init__(self, negative_slope=0.01):
        self.negative_slope = negative_slope

    def forward(self, x):
        return F.leaky_relu(x, self.negative_slope)


class Sigmoid(Module):
    """`functional.sigmoid` as a layer."""

    def forward(self, x):
        return F.sigmoid(x)


class Tanh(Module):
    """`functional.tanh` as a layer."""

    def forward(self, x):
        return F.tanh(x)


class Softmax(Module):
    """`functional.softmax` as a layer. Not before `cross_entropy`, which takes logits."""

    def __init__(self, axis=-1, temperature=1.0):
        self.axis, self.temperature = axis, temperature

    def forward(self, x):
        return F.softmax(x, self.axis, self.temperature)


class Sequential(Module):
    """Layers one after another.

    >>> Sequential(Linear(4, 8), LeakyReLU(0.2), Linear(8, 1))
    Sequential(Linear(4 -> 8), LeakyReLU(), Linear(8 -> 1)), 49 parameters
    """

    def __init__(self, *layers):
        self.layers = list(layers)

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


class MLP(Sequential):
    """A multilayer perceptron: dense layers of the given sizes, inputs first. x: (N, sizes[0]) -> (N, sizes[-1]).

    activation: after every hidden layer; output: after the last one (None gives logits, as the losses want them).
    Raises ValueError for fewer than two sizes or a size below 1.

    >>> MLP(2, 16, 16, 1)
    MLP(2 -> 16 -> 16 -> 1, tanh), 337 parameters
    """

    def __init__(self, *sizes, activation="tanh", output=None, init=None, dtype=np.float32, rng=None):
        if len(sizes) < 2:
            raise ValueError(f"MLP takes the sizes of at least two layers, input and output; got {sizes}.")
        self.sizes = tuple(_width(n, "MLP", f"size {i}") for i, n in enumerate(sizes))
        after = [activation] * (len(sizes) - 2) + [output]
        rng = as_rng(rng)
        super().__init__(*(Linear(n, m, activation=f, init=init, dtype=dtype, rng=rng)
                           for n, m, f in zip(self.sizes, self.sizes[1:], after)))

    def extra_repr(self):
        hidden = _named(self.layers[0].activation) if len(self.layers) > 1 else ""
        end = self.layers[-1].activation
        return " -> ".join(map(str, self.sizes)) + hidden + (f", output {end.__name__}" if end else "")
