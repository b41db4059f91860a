"""Callbacks: what may happen between the epochs of `train.fit`. Any function of a `train.Step` is one; the schedules of
optim are too. Here stands what has a memory: early stopping. Prechelt, Early Stopping - But When?, 1998.
"""

from math import inf

from nnlab.optim.base import at_least_0


class EarlyStopping:
    """Stop once `monitor` has not improved for `patience` epochs, and go back to the weights of the best epoch.

    min_delta: by how much it must improve to count. monitor: a name in the history; mode: "min", or "max" for one that
    should grow, as val_accuracy. (A name without val_ is measured before the steps of its epoch, the weights after.)
    restore_best: whether the model gets back a copy of its best `state_dict()`, buffers included, when training ends:
    by patience, at the last epoch, interrupted or diverged. The optimizer keeps its state.
    Afterwards `best` and `best_epoch` (from 0) tell when that was. By hand: `with stop: ... if stop(step): break`.
    Raises KeyError at the end of the first epoch if nothing of the name `monitor` is measured.

    >>> from nnlab import MLP, SGD, fit
    >>> from nnlab.functional import mse_loss
    >>> model, stop = MLP(1, 1, rng=0), EarlyStopping(patience=3, monitor="loss")
    >>> descent = SGD(model.parameters(), lr=0.0)  # which learns nothing
    >>> history = fit(model, [[0.0], [1.0]], [[0.0], [1.0]], mse_loss, descent, epochs=50, callbacks=[stop])
    >>> len(history["loss"]), stop.best_epoch
    (4, 0)
    """

    def __init__(self, patience=5, min_delta=0.0, monitor="val_loss", mode="min", restore_best=True):
        if patience != int(patience) or patience < 1:
            raise ValueError(f"patience counts epochs, at least 1; got {patience!r}.")
        if mode not in ("min", "max"):
            raise ValueError(f"mode is 'min' or 'max'; got {mode!r}.")
        self.patience, self.min_delta = int(patience), at_least_0("min_delta", min_delta)
        self.monitor, self.mode, self.restore_best = monitor, mode, restore_best
        self.__enter__()

    def __enter__(self):
        self.best, self.best_epoch = inf if self.mode == "min" else -inf, -1
        self._model = self._weights = None
        return self

    def __call__(self, step):
        if self.monitor not in step.history:
            raise KeyError(f"EarlyStopping watches {self.monitor}, but this training measures "
                           f"{', '.join(step.history)}: pass validation= or metric= to fit, or set monitor=.")
        value = step.history[self.monitor][-1]
        gain = self.best - value if self.mode == "min" else value - self.best
        if gain > self.min_delta:  # never true for nan
            self.best, self.best_epoch = value, step.epoch
            if self.restore_best:
                self._model, self._weights = step.model, step.model.state_dict()
        return step.epoch - self.best_epoch >= self.patience

    def __exit__(self, *error):
        if self._weights is not None:
            self._model.load_state_dict(self._weights)
        self._model = self._weights = None
