"""Module and Parameter: how the parts of a network are found, named, saved and watched, whatever they compute.

A module holds parameters and other modules as plain attributes. They are found by walking the attributes, so a list or
a dict of layers works as it is, and nothing has to be registered or initialised first. The layers stand in nn.py; the
names follow PyTorch's torch.nn.Module.
"""

import os
from contextlib import contextmanager
from contextvars import ContextVar

import numpy as np

from nnlab.tensor import Tensor, tick

_observers = ContextVar("nnlab_observers", default=())
observers = _observers.get  # () -> whoever watches the modules here and now


@contextmanager
def observe(see):
    """Inside `with observe(see):` every module that computes calls `see(module, output)`, inner modules first.

    >>> from nnlab import MLP
    >>> with observe(lambda module, output: print(type(module).__name__, output.shape)):
    ...     _ = MLP(2, 3, 1)(np.zeros((5, 2)))
    Linear (5, 3)
    Linear (5, 1)
    MLP (5, 1)
    """
    token = _observers.set((*observers(), see))
    try:
        yield
    finally:
        _observers.reset(token)


class Parameter(Tensor):
    """A Tensor that is learned: a leaf with requires_grad=True that its module and an optimizer find."""

    __slots__ = ()

    def __init__(self, data, requires_grad=True, *, dtype=None, name=None):
        super().__init__(data, requires_grad, dtype=dtype, name=name)


class Buffer(Tensor):
    """A Tensor that is remembered but not learned, as running statistics: saved with its module, in no optimizer."""

    __slots__ = ()


class Module:
    """What all layers and networks share. A subclass sets attributes in `__init__` and computes in `forward`.

    >>> from nnlab import Linear
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

    def __call__(self, *inputs, **options):
        output = self.forward(*inputs, **options)
        for see in observers():  # what a layer gives besides its output, on request, they do not see
            see(self, output[0] if isinstance(output, tuple) else output)
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

    def named_buffers(self):
        """(name, Buffer) pairs."""
        return self._parts(Buffer)

    def named_modules(self):
        """(name, module) pairs, this module (its name is "") first."""
        return self._parts(Module)

    def parameters(self):
        """The parameters as a list."""
        return [p for _, p in self.named_parameters()]

    # Changing all parts ------------------------------------------------------------------------------------------
    def train(self, mode=True):
        """Switch this module and all inside it to training (or, with False, to evaluation); returns self.

        >>> from nnlab import Dropout, Linear, Sequential
        >>> net = Sequential(Linear(4, 3), Dropout(0.2))
        >>> net.eval().layers[1].training, net.train().layers[1].training
        (False, True)
        """
        for _, module in self.named_modules():
            module.training = mode
        return self

    def eval(self):
        """Switch to evaluation, where layers such as dropout behave as for a finished network; returns self.

        >>> from nnlab import Dropout
        >>> Dropout(0.2).eval()(np.ones(3))
        Tensor([1., 1., 1.], dtype=float64)
        """
        return self.train(False)

    def zero_grad(self):
        """Forget all gradients."""
        for p in self.parameters():
            p.zero_grad()

    def to(self, dtype):
        """Convert parameters and buffers to `dtype`; an optimizer made before must be made anew. Returns self."""
        for _, p in self._parts(Parameter | Buffer):
            if p.dtype != dtype:
                converted = Tensor(p.data, dtype=dtype)  # raises here if dtype is none of ours, before any change
                p._data, p._grad, p.home, p.serial = converted.data, None, None, tick()
        return self

    def state_dict(self):
        """All parameters and buffers by name, as copied arrays.

        >>> from nnlab import Linear
        >>> {name: array.shape for name, array in Linear(4, 3).state_dict().items()}
        {'weight': (4, 3), 'bias': (3,)}
        """
        return {name: p.data.copy() for name, p in self._parts(Parameter | Buffer)}

    def load_state_dict(self, state):
        """Copy the arrays of `state` into the parameters and buffers, or, if anything does not fit, change nothing.

        Raises KeyError for names that are missing or too many, ValueError for shapes or values that do not fit.

        >>> from nnlab import Linear
        >>> one, other = Linear(4, 3, rng=0), Linear(4, 3, rng=1)
        >>> other.load_state_dict(one.state_dict())
        >>> bool((other.weight == one.weight).all())
        True
        """
        own = dict(self._parts(Parameter | Buffer))
        missing, extra = [k for k in own if k not in state], [k for k in state if k not in own]
        if missing or extra:
            raise KeyError(f"these are the parameters of another model: missing {missing}, not known here {extra}.")
        arrays = {name: np.asarray(state[name]) for name in own}
        for name, p in own.items():
            if arrays[name].shape != p.shape or arrays[name].dtype.kind not in "fiu":
                raise ValueError(f"{name} has shape {p.shape}; got {arrays[name].dtype} of shape {arrays[name].shape}.")
            arrays[name] = arrays[name].astype(p.dtype)  # a number too large warns here, before any change
        for name, p in own.items():
            p.data = arrays[name]

    def save(self, path):
        """Write the state to the file `path`, an npz archive of arrays; what stood there is replaced at once or not.

        >>> import tempfile
        >>> from nnlab import Linear
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     Linear(4, 3, rng=0).save(f"{folder}/layer.npz")
        ...     Linear(4, 3, rng=1).load(f"{folder}/layer.npz")
        Linear(4 -> 3), 15 parameters
        """
        beside = f"{os.fspath(path)}.{os.getpid()}.{tick()}.part"
        try:
            with open(beside, "xb") as file:
                np.savez(file, **self.state_dict())
                file.flush()
                os.fsync(file.fileno())
            os.replace(beside, path)
        finally:
            if os.path.exists(beside):
                os.remove(beside)

    def load(self, path):
        """Take the state from a file that `save` wrote, or, if anything is wrong with it, change nothing. Returns self.

        Nothing in the file is executed (no pickle). Raises OSError if it cannot be opened, ValueError if it is none of
        ours, is incomplete, or belongs to another model.

        >>> from nnlab import Linear
        >>> Linear(4, 3).load("no such file")
        Traceback (most recent call last):
        FileNotFoundError: [Errno 2] No such file or directory: 'no such file'
        """
        with open(path, "rb") as file:
            try:
                with np.load(file, allow_pickle=False) as arrays:
                    state = dict(arrays)
            except Exception as error:  # each way in which a zip archive can be broken raises another
                raise ValueError(f"{path} is no npz file of saved parameters, or not all of one ({error}).") from None
        try:
            self.load_state_dict(state)
        except (KeyError, ValueError) as error:
            raise ValueError(f"{path} does not fit {self.label}, which is as it was: {error.args[0]}") from None
        return self

    # How it looks ------------------------------------------------------------------------------------------------
    def extra_repr(self):
        """What stands in the brackets of the repr; a subclass may say more."""
        return ", ".join(m.label for name, m in self.named_modules() if name and name.count(".") < 2)

    label = property(lambda self: f"{type(self).__name__}({self.extra_repr()})")

    def __repr__(self):
        count = sum(p.size for p in self.parameters())
        return f"{self.label}, {count:,} parameter{'s' * (count != 1)}"
