"""The training loop: forward, loss, backward, step, again, with what one wants to know about it on the way.

`fit` runs it to the end and returns the History; `fit_steps` is the same loop one step at a time, for a lab that shows
each. Both check the data first, because a loop fails late and far from the cause. Goodfellow et al. 2016, chapter 8.
"""

import threading
from contextlib import ExitStack, contextmanager
from functools import partial
from math import isfinite
from typing import NamedTuple

import numpy as np

from nnlab import functional as F
from nnlab.data import DataLoader
from nnlab.module import Module, observe
from nnlab.optim.clipping import clip_grad_norm
from nnlab.predict import evaluating
from nnlab.tensor import Tensor, no_grad


class History(dict):
    """What training measured: name -> list with one number per epoch, as `history["val_loss"]`.

    interrupted: whether Ctrl-C (in a notebook: Stop) ended it; the epoch it broke off is then not in the lists.

    >>> History(loss=[0.7, 0.25])
    History of 2 epochs: loss 0.7 -> 0.25
    """

    interrupted = False

    def __repr__(self):
        lines = (f"{name} {values[0]:.4g} -> {values[-1]:.4g}" for name, values in self.items() if values)
        end = ", interrupted" * self.interrupted
        return f"History of {len(self.get('loss', []))} epochs{end}: {', '.join(lines)}"


class TrainingDiverged(FloatingPointError):
    """The loss is nan or infinite; `layer` names the module where it began (None: in the loss), `step` tells when.

    >>> TrainingDiverged("the loss became nan", step=3, layer="hidden").layer
    'hidden'
    """

    def __init__(self, message, step, layer):
        super().__init__(message)
        self.step, self.layer = step, layer


class Step(NamedTuple):
    """Where training stands after one step; `history` is complete for the epochs before `epoch`.

    epoch: from 0; epochs: how many there will be (None: no end); step: from 1, over all epochs; loss: of this batch;
    ends_epoch: whether this was the epoch's last batch, so that `history` includes it; model: the one that learns.
    """

    epoch: int
    epochs: int | None
    step: int
    loss: float
    ends_epoch: bool
    history: History
    model: Module


def fit(model, X, y, loss, optimizer, *, epochs, batch_size=None, augment=None, penalty=None, clip_norm=None,
        validation=None, metric=None, callbacks=(), rng=None):
    """Train `model` for `epochs` passes over the data and return the History.

    X: (n, ...); y: (n, ...), integers (n,) for classes; loss: a function (output, target) -> Tensor of one number.
    What a step is:
    batch_size: examples per step, mixed anew every epoch; None: all at once.
    augment: a function X -> X of the same shape, applied to every batch, such as `augment.Rotate(15)`.
    penalty: a function model -> Tensor of one number, added to the loss, such as `regularize.l2(1e-4)`; it is recorded
        as "penalty", and "loss" stays without it, comparable to val_loss.
    clip_norm: gradients longer than this, all taken together, are shortened to it (`optim.clip_grad_norm`).
    What is watched:
    validation: (X, y), measured after each epoch.
    metric: a function (output, y) -> float such as `metrics.accuracy`, recorded under its name (and val_ + its name).
    callbacks: functions called with the `Step` that ends each epoch (one with `every_step = True`: with every Step);
        one that returns True stops training. A callback that is a context manager too (a progress bar, EarlyStopping)
        is entered before and left after, whatever happens between.
    `loss` and the metric of an epoch are means over its batches, each measured before the step that it caused.

    Ctrl-C (Stop in a notebook) lets the step under way end, so that the weights are never half a step's, and returns
    the History, marked `interrupted`; a second one breaks that step off. The same seeds (`rng`, the model's, those of
    dropout and augmentation, or one `manual_seed`) give the same bits on the same machine, with validation or without.
    Raises ValueError or TypeError, before anything is trained, for data that cannot be learned from, and
    TrainingDiverged when the loss, or a gradient to be clipped, stops being a number.

    >>> from nnlab import MLP, SGD
    >>> model = MLP(2, 4, 2, rng=0)
    >>> h = fit(model, [[0, 0], [1, 1]], [0, 1], F.cross_entropy, SGD(model.parameters(), lr=1), epochs=9)
    >>> len(h["loss"]), h["loss"][-1] < h["loss"][0]
    (9, True)
    """
    if epochs is None:
        raise ValueError("fit needs a number of epochs; fit_steps goes on for as long as it is asked.")
    history = History()
    steps = fit_steps(model, X, y, loss, optimizer, epochs=epochs, batch_size=batch_size, augment=augment,
                      penalty=penalty, clip_norm=clip_norm, validation=validation, metric=metric, rng=rng,
                      history=history)
    always = [callback for callback in callbacks if getattr(callback, "every_step", False)]
    with ExitStack() as stack, _interruptible(history):
        for callback in callbacks:
            if hasattr(callback, "__enter__"):
                stack.enter_context(callback)
        for step in iter(partial(_next, steps, history), None):
            called = callbacks if step.ends_epoch else always
            stops = [_asks_to_stop(callback, step) for callback in called]  # a list: each of them is called
            if any(stops) or history.interrupted:
                break
    return history


@contextmanager
def _interruptible(history):
    """Here Ctrl-C raises nothing, but marks the history; from the second one on it is what it was before."""
    import signal  # here, because `import nnlab` should be quick and nothing else needs it

    def mark(number, frame):
        history.interrupted = True
        signal.signal(signal.SIGINT, before)

    before = signal.getsignal(signal.SIGINT)
    usual = before is signal.default_int_handler and threading.current_thread() is threading.main_thread()
    if usual:
        signal.signal(signal.SIGINT, mark)
    try:
        yield
    finally:
        if usual:
            signal.signal(signal.SIGINT, before)


def _next(steps, history):
    try:
        return next(steps, None)
    except KeyboardInterrupt:  # the second Ctrl-C, or one that did not come as a signal
        history.interrupted = True
        return None


def _asks_to_stop(callback, step):
    answer = callback(step)
    if answer is not None and not isinstance(answer, bool | np.bool_):
        raise TypeError(f"a callback returns True to stop training, otherwise None; {callback!r} returned {answer!r}.")
    return answer


def fit_steps(model, X, y, loss, optimizer, *, epochs=None, batch_size=None, augment=None, penalty=None, clip_norm=None,
              validation=None, metric=None, rng=None, history=None):
    """The steps of `fit`, one for each `next()`: yields a `Step`; without `epochs` they never end.

    Ctrl-C raises KeyboardInterrupt here, as anywhere, and may leave the weights between two steps.

    >>> from nnlab import MLP, SGD, data
    >>> X, y = data.moons(100, rng=0)
    >>> model = MLP(2, 4, 2, rng=0)
    >>> steps = fit_steps(model, X, y, F.cross_entropy, SGD(model.parameters(), lr=0.1), batch_size=50, rng=0)
    >>> [next(steps).ends_epoch for _ in range(4)]
    [False, True, False, True]
    """
    check_trained(model, optimizer)
    dtype = optimizer.params[0].dtype
    X, y = _checked(X, y, loss, dtype)
    if validation is not None:
        validation = _checked(*validation, loss, dtype, "validation ")
    if epochs is not None and (epochs != int(epochs) or epochs < 1):
        raise ValueError(f"epochs is a whole number of at least 1; got {epochs!r}.")
    whole = batch_size is None
    loader = DataLoader(X, y, batch_size=len(X) if whole else batch_size, shuffle=not whole, rng=rng)
    train_step = partial(_train_step, model, loss, optimizer, augment, penalty, clip_norm, metric)
    validate = partial(evaluate, model, *validation, loss, metric, "val_") if validation is not None else dict
    return _steps(model, loader, train_step, validate, epochs, History() if history is None else history)


def _steps(model, loader, train_step, validate, epochs, history):
    epoch = step = 0
    model.train()
    while epoch != epochs:
        sums, examples = {}, 0
        for X, y in loader:
            step += 1
            measured = train_step(X, y, step)
            for name, value in measured.items():
                sums[name] = sums.get(name, 0.0) + value * len(X)
            examples += len(X)
            ends_epoch = examples == loader.n
            if ends_epoch:
                for name, value in ({name: total / examples for name, total in sums.items()} | validate()).items():
                    history.setdefault(name, []).append(value)
            yield Step(epoch, epochs, step, measured["loss"], ends_epoch, history, model)
        epoch += 1


def _train_step(model, loss, optimizer, augment, penalty, clip_norm, metric, X, y, step):
    if not model.training:  # somebody has looked at it since
        model.train()
    if augment is not None:
        X = _augmented(X, augment)
    with np.errstate(all="ignore"):  # whatever overflows is reported below, with its cause
        output = model(X)
        value = loss(output, like_output(output, y))
        measured = {"loss": value.item()}
        if penalty is not None:
            price = penalty(model)
            if not isinstance(price, Tensor):
                raise TypeError("a penalty is a function model -> Tensor of one number; "
                                f"{penalty!r} returned {price!r}.")
            value, measured["penalty"] = value + price, price.item()
        if not isfinite(number := value.item()):
            raise _diverged(model, X, number, optimizer, step)
        optimizer.zero_grad()
        value.backward()
        if clip_norm is not None:
            try:
                clip_grad_norm(optimizer.params, clip_norm)
            except FloatingPointError as error:
                raise TrainingDiverged(f"at step {step} {error}", step, None) from None
        optimizer.step()
    if metric is not None:
        measured[metric.__name__] = float(metric(output, y))
    return measured


def evaluate(model, X, y, loss, metric=None, prefix=""):
    """The loss and the metric of `model` on data it does not learn from, as {"loss": ..., "accuracy": ...}."""
    with evaluating(model):
        with np.errstate(all="ignore"):
            output = model(X)
            measured = {f"{prefix}loss": loss(output, like_output(output, y)).item()}
        if metric is not None:
            measured[prefix + metric.__name__] = float(metric(output, y))
    return measured


def like_output(output, y):
    """Labels (n,) beside outputs (n, 1) become a column; the losses themselves never guess."""
    return y.reshape(-1, 1) if y.ndim == 1 and output.shape == (len(y), 1) else y


def _augmented(X, augment):
    changed = np.asarray(augment(X))
    if changed.shape != X.shape:
        raise ValueError(f"augment must keep the shape of a batch, {X.shape}; {augment!r} returned {changed.shape}.")
    return changed.astype(X.dtype, copy=False)


# What can go wrong, said at once and in words ------------------------------------------------------------------------
def _checked(X, y, loss, dtype, which=""):
    X, y = np.asarray(X.data if isinstance(X, Tensor) else X), np.asarray(y.data if isinstance(y, Tensor) else y)
    if X.ndim == 0 or len(X) == 0:
        raise ValueError(f"the {which}data set is empty: X has shape {X.shape}. At least one example is needed.")
    if y.ndim == 0 or len(y) != len(X):
        raise ValueError(f"the {which}X holds {len(X)} examples and y has shape {y.shape}: one label each is needed.")
    for name, array in (("X", X), ("y", y)):
        if array.dtype.kind not in "fiub":
            raise TypeError(f"{which}{name} must hold numbers; got {array.dtype}.")
        if len(bad := np.argwhere(~np.isfinite(array))):
            raise ValueError(f"{which}{name} holds {len(bad)} values that are nan or infinite, the first at index "
                             f"{tuple(bad[0].tolist())}: drop those examples or fill them in.")
    classes = y.dtype.kind in "iub" and y.ndim == 1
    if loss is F.cross_entropy and not classes:
        raise TypeError(f"cross_entropy needs whole-number {which}labels (n,); y is {y.dtype} of shape {y.shape}. "
                        "If its values are whole, y.astype(int) will do.")
    if loss is F.binary_cross_entropy_with_logits and not (y.min() >= 0 and y.max() <= 1):
        raise ValueError(f"binary cross-entropy needs {which}labels from 0 to 1; y goes from {y.min()} to {y.max()}.")
    if classes and not which and len(y) > 1 and y.min() == y.max():
        raise ValueError(f"y holds one class only, {y[0]}: to tell classes apart, examples of at least two are needed.")
    return X.astype(dtype, copy=False), y


def check_trained(model, optimizer):
    trained = {id(p) for p in optimizer.params}
    left_out = [name for name, p in model.named_parameters() if p.requires_grad and id(p) not in trained]
    if left_out:
        raise ValueError(f"this optimizer does not train {', '.join(left_out)}: make it anew from model.parameters() "
                         "once the model is complete, or set requires_grad = False on what shall stay as it is.")


def _diverged(model, X, number, optimizer, step):
    names, bad = {id(m): name for name, m in model.named_modules()}, []

    def look(module, output):
        if not np.isfinite(output.data).all():
            bad.append((names.get(id(module)) or "the model", module.label))

    with no_grad(), observe(look):  # the parameters are still those of the failed forward pass
        model(X)
    layer, where = (bad[0][0], f"{bad[0][0]}, a {bad[0][1]}") if bad else (None, "the loss itself")
    return TrainingDiverged(f"the loss became {number} at step {step}; the first to turn nan or infinite was {where}."
                            f" The learning rate is {optimizer.lr:g}: try {optimizer.lr / 10:g}.", step, layer)
