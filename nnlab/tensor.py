"""The engine: arrays that remember how they were made, so that a derivative can be read off backwards.

A Tensor and its entry on the tape are one object. The engine knows no mathematics: operations (ops.py) hand it a value
and a vjp, and it alone walks the tape, un-broadcasts, adds up and checks. Reverse-mode differentiation: Linnainmaa
1970; Rumelhart, Hinton and Williams, Nature 323, 1986; Griewank and Walther, Evaluating Derivatives, 2008.
"""

from collections import deque
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from itertools import count
from operator import attrgetter
from typing import NamedTuple

import numpy as np

from nnlab.sums import ones, unbroadcast

FLOATS = (np.dtype("float32"), np.dtype("float64"))
_recording = ContextVar("nnlab_recording", default=True)  # per context: a lab's thread does not disturb a cell
is_grad_enabled = _recording.get  # () -> bool: whether operations are recorded here and now
tick = count(1).__next__  # one clock dates both the making of nodes and the overwriting of leaves


class BackwardStep(NamedTuple):
    """One step backwards: `operation` made `tensor`, `upstream` reached it, `sent` went on to each of its parents."""

    operation: str
    tensor: "Tensor"
    upstream: np.ndarray
    sent: list


class Tensor:
    """An array of floats that can be differentiated through.

    data: numbers, nested lists or an array; the values are copied. A float64 array stays float64, everything else
        becomes float32, unless `dtype` says otherwise. Labels and indices are no Tensors: keep them in integer arrays.
    requires_grad: whether `backward()` shall leave this tensor's gradient in `.grad`.
    name: what errors and pictures call it.

    Raises TypeError for what is not numbers, and where two Tensors of different dtype meet.

    >>> x = Tensor([1.0, 2.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad
    array([2., 4.], dtype=float32)
    """

    # serial: when the values were last written. home: where an optimizer has laid this leaf (optim/base.py).
    __slots__ = ("__weakref__", "_data", "_grad", "_retains", "home", "name", "op", "parents", "requires_grad",
                 "serial", "vjp")
    __array_ufunc__ = None  # an ndarray on the left of an operator leaves the work to the Tensor on its right
    __hash__ = object.__hash__  # by identity, although == compares values

    def __init__(self, data, requires_grad=False, *, dtype=None, name=None):
        if isinstance(data, Tensor):
            raise TypeError("this is a Tensor already; t.detach() is its values without its history.")
        self._fill(np.array(_floats(data, dtype)), None, (), None, 0, bool(requires_grad))
        self.name = name

    def _fill(self, data, op, parents, vjp, serial, requires_grad):
        self._data, self.op, self.parents, self.vjp = data, op, parents, vjp
        self.serial, self.requires_grad = serial, requires_grad
        self._grad, self.home, self.name, self._retains = None, None, None, False

    # Values ------------------------------------------------------------------------------------------------------
    @property
    def data(self):
        """The values, an ndarray. `t.data = a` copies `a` into them; the tape notices that they changed."""
        return self._data

    @data.setter
    def data(self, values):
        if self.op is not None:
            raise RuntimeError(f"{self.label} is the result of an operation: only a leaf's data can be overwritten.")
        values = np.asarray(values)
        if values.shape != self.shape:
            raise ValueError(f"{self.label} has shape {self.shape}; its data cannot become shape {values.shape}.")
        self._data[...] = values
        self.serial = tick()

    shape = property(lambda self: self._data.shape)
    ndim = property(lambda self: self._data.ndim)
    size = property(lambda self: self._data.size)
    dtype = property(lambda self: self._data.dtype)
    is_leaf = property(lambda self: self.op is None)
    label = property(lambda self: self.name or f"{type(self).__name__}{list(self.shape)}")

    def numpy(self):
        """The values, as `data`: the same memory, not a copy."""
        return self._data

    def item(self):
        """The one value of a tensor of one element, as a Python float."""
        return self._data.item()

    def detach(self):
        """The same values with no history: a constant."""
        return constant(self._data)

    def __reduce__(self):  # copy, deepcopy and pickle: a leaf, without its gradient and its place in a flat vector
        if self.op is not None:
            raise TypeError(f"only a leaf can be copied, and this is the result of {self.op}: copy t.detach().")
        return partial(type(self), name=self.name), (self._data, self.requires_grad)

    __array__ = lambda self, dtype=None, copy=None: np.array(self._data, dtype=dtype, copy=copy)
    __len__ = lambda self: len(self._data)
    __iter__ = lambda self: (self[i] for i in range(len(self)))
    __float__ = lambda self: float(self.item())
    __bool__ = lambda self: bool(self._data)

    def __repr__(self):
        values = np.array2string(self._data, separator=", ", prefix="Tensor(")
        made = f", op={self.op}" if self.op else ", requires_grad=True" if self.requires_grad else ""
        return f"Tensor({values}{made}{'' if self.dtype == FLOATS[0] else f', dtype={self.dtype}'})"

    # Gradients ---------------------------------------------------------------------------------------------------
    @property
    def grad(self):
        """The gradient, or None before any `backward()` reached this tensor. Gradients of several calls add up.

        Under an optimizer it is a view of the optimizer's vector of gradients: copy it to keep it past the next step.
        """
        return self._grad

    @grad.setter
    def grad(self, gradient):
        self._grad = None
        if gradient is not None:
            gradient = np.asarray(gradient, self.dtype)
            if gradient.shape != self.shape:
                raise ValueError(f"{self.label} has shape {self.shape}; its gradient cannot have {gradient.shape}.")
            self._accumulate(gradient)

    def zero_grad(self):
        """Forget the gradient: `grad` is None again."""
        self._grad = None

    def retain_grad(self):
        """Keep `.grad` of an inner tensor as well; without this only leaves keep theirs."""
        self._retains = True

    def _accumulate(self, g):
        if self._grad is not None:
            self._grad += g
        elif self.home is None:
            self._grad = np.array(g)
        else:  # the region of the flat vector is written first and added to afterwards: nobody has to clear it
            self._grad = self.home.grad
            np.copyto(self._grad, g)

    def backward(self, gradient=None, *, retain_graph=False):
        """Add d self / d leaf to `.grad` of every leaf that requires it.

        gradient: the upstream gradient, of self's shape; may be left out for a tensor of one element (it is 1).
        retain_graph: keep the tape for a second call; otherwise it frees itself.
        Raises RuntimeError, before any gradient is touched: nothing to differentiate, tape freed, or a leaf changed.

        >>> x = Tensor(3.0, requires_grad=True)
        >>> (x * x + 1.0).backward(); x.grad.item()
        6.0
        """
        deque(self._backward(gradient, retain_graph, watched=False), maxlen=0)

    def backward_steps(self, gradient=None, *, retain_graph=False):
        """`backward()` one operation at a time: yields a `BackwardStep` after each, the last operation first.

        >>> x = Tensor(3.0, requires_grad=True)
        >>> [step.operation for step in (x * x + 1.0).backward_steps()]
        ['add', 'mul']
        """
        return map(BackwardStep._make, self._backward(gradient, retain_graph, watched=True))

    def _backward(self, gradient, retain_graph, watched):
        seed = self._seed(gradient)
        if self.op is None:
            self._accumulate(seed)
            return
        upstream = {self: seed}
        # A node is younger than its parents, so by descending serial each one has all its upstream when its turn comes.
        for node in sorted(_tape(self), key=attrgetter("serial"), reverse=True):
            g = upstream.pop(node, None)
            if g is None:  # its consumers all said: no gradient
                continue
            if node._retains:
                node._accumulate(g)
            gradients, sent = node.vjp(g), []
            if type(gradients) is not tuple:
                gradients = (gradients,)
            for parent, s in zip(node.parents, gradients, strict=True):
                if s is None or not parent.requires_grad:
                    s = None
                elif type(s) is partial and parent.home and parent._grad is None and not watched:
                    parent._grad = s(out=parent.home.grad)
                else:
                    s = s() if callable(s) else s
                    if s.shape != parent._data.shape or s.dtype is not parent._data.dtype:
                        s = _fit(node, parent, s)
                    if parent.op is None:
                        parent._accumulate(s)
                    else:  # not +=: the array may be somebody else's too
                        upstream[parent] = upstream[parent] + s if parent in upstream else s
                if watched:
                    sent.append(s)
            if not retain_graph:
                node.vjp = None  # lets go of everything the operation had kept for this moment
            yield node.op, node, g, sent

    def _seed(self, gradient):
        if not self.requires_grad:
            raise RuntimeError("nothing to differentiate: no tensor behind this result has requires_grad=True.")
        if gradient is None:
            if self._data.size != 1:
                raise RuntimeError(f"backward() starts at one number, this has shape {self.shape}: "
                                   "reduce it with .sum() or .mean(), or pass gradient= of that shape.")
            return ones(self._data.shape, self._data.dtype)
        gradient = np.asarray(gradient, self.dtype)
        if gradient.shape != self.shape:
            raise ValueError(f"gradient= has shape {gradient.shape}, the tensor {self.shape}: they must be equal.")
        return gradient


def _tape(root):
    """The operations that `root` depends on and that need a gradient, checked; a stack instead of recursion."""
    seen, stack = {root}, [root]
    while stack:
        node = stack.pop()
        if node.vjp is None:
            raise RuntimeError(f"backward() a second time through {node.op}: the tape frees itself after the first. "
                               "Compute the loss again, or call backward(retain_graph=True) the first time.")
        for parent in node.parents:
            if parent.serial > node.serial:
                raise RuntimeError(f"{parent.label} changed between forward and backward (it went into {node.op} with "
                                   "other values), so this gradient would be wrong. Compute the loss again.")
            if parent.op is not None and parent.requires_grad and parent not in seen:
                seen.add(parent)
                stack.append(parent)
    return seen


def _fit(node, parent, g):
    """The gradient `g` that `node` sends to `parent`, summed to the parent's shape and checked."""
    data = parent._data
    if g.shape != data.shape:
        g = unbroadcast(g, data.shape)
    if g.shape != data.shape or g.dtype != data.dtype:
        raise RuntimeError(f"the vjp of {node.op} sent {g.dtype}{list(g.shape)} to an input "
                           f"{data.dtype}{list(data.shape)}: dtype and shape must be the input's.")
    return g


def _floats(data, dtype=None):
    """`data` as an array of floats, not copied if it is one already."""
    try:
        array = np.asarray(data)
        if array.dtype.kind not in "fiub":
            raise TypeError("not numbers")
    except (TypeError, ValueError):
        raise TypeError(f"a Tensor holds real numbers in a regular grid; got {data!r}.") from None
    if dtype is None:
        dtype = array.dtype if array.dtype in FLOATS and hasattr(data, "dtype") else FLOATS[0]
    elif np.dtype(dtype) not in FLOATS:
        raise TypeError(f"a Tensor is float32 or float64; got dtype {np.dtype(dtype)}.")
    return array.astype(dtype, copy=False)


def constant(data, dtype=None):
    """A Tensor around `data` that needs no gradient and shares its memory where it can."""
    if type(data) is not np.ndarray or data.dtype is not dtype:
        data = _floats(data, dtype)
    t = Tensor.__new__(Tensor)
    t._fill(data, None, (), None, 0, False)
    return t


# Recording -----------------------------------------------------------------------------------------------------------
@contextmanager
def no_grad():
    """Compute without recording, as a context (`with no_grad(): ...`) or a decorator (`@no_grad()`).

    >>> x = Tensor(3.0, requires_grad=True)
    >>> with no_grad():
    ...     (x * x).requires_grad
    False
    """
    token = _recording.set(False)
    try:
        yield
    finally:
        _recording.reset(token)
