"""Early stopping: when it stops, and that the model it leaves is the best one, to the last bit."""

import numpy as np
import pytest

from nnlab import MLP, SGD, Adam, TrainingDiverged, data, fit, fit_steps, nn
from nnlab.callbacks import EarlyStopping
from nnlab.functional import binary_cross_entropy_with_logits, mse_loss
from nnlab.train import History, Step


class Model:
    """Weights that are the number of the epoch."""

    epoch, restored = -1, None

    def state_dict(self):
        return {"epoch": np.array(self.epoch)}

    def load_state_dict(self, state):
        self.restored = int(state["epoch"])


def run(stop, values, name="val_loss"):
    """How many epochs a training with these values lasts, and whose weights it ends with."""
    model, history = Model(), History({name: []})
    with stop:
        for epoch, value in enumerate(values):
            model.epoch = epoch
            history[name].append(value)
            if stop(Step(epoch, len(values), epoch + 1, 0.0, True, history, model)):
                break
    return epoch + 1, model.restored


@pytest.mark.parametrize(("options", "values", "epochs", "best"), [
    (dict(patience=2), [5, 4, 3, 3, 3, 0], 5, 2),  # equal is not better
    (dict(patience=2), [5, 4, 3, 4, 2, 3, 3, 0], 7, 4),  # patience begins anew with each best
    (dict(patience=1), [1, 2, 0], 2, 0),
    (dict(patience=3), [3, 2, 1], 3, 2),  # ends before patience does
    (dict(patience=9), [3, 1, 2], 3, 1),  # the best is restored then, too
    (dict(patience=2, min_delta=0.5), [5, 4.75, 4.5, 4.25], 3, 0),
    (dict(patience=2, min_delta=0.5), [5, 4.75, 4.25, 4, 4, 1], 5, 2),
    (dict(patience=2, mode="max"), [1, 2, 3, 2, 2.5, 9], 5, 2),
    (dict(patience=2, mode="max", min_delta=1), [1, 1.5, 2, 9], 3, 0),
    (dict(patience=2), [np.nan, 2, np.nan, np.nan, 1], 4, 1),
    (dict(patience=2), [np.nan, np.nan, 1], 2, None),
    (dict(patience=2, restore_best=False), [1, 2, 3, 4], 3, None),
])
def test_when_it_stops_and_what_it_leaves(options, values, epochs, best):
    stop = EarlyStopping(**options)
    for _ in range(2):  # it can be used again
        assert run(stop, values) == (epochs, best)
    if best is not None:
        assert (stop.best_epoch, stop.best) == (best, values[best])


def overfitting(**options):
    """A net that learns thirty noisy points by heart, with buffers besides weights."""
    X, y = data.moons(30, noise=0.4, rng=0)
    model = nn.Sequential(nn.Linear(2, 32, activation="tanh", rng=0), nn.BatchNorm1d(32), nn.Linear(32, 1, rng=1))
    stop = EarlyStopping(**options)
    history = fit(model, X, y, binary_cross_entropy_with_logits, Adam(model.parameters(), lr=0.05), epochs=150,
                  batch_size=10, validation=data.moons(60, noise=0.4, rng=1), callbacks=[stop], rng=0)
    return model, stop, history


def test_the_model_left_is_the_one_of_the_best_epoch_buffers_included():
    model, stop, history = overfitting(patience=10)
    assert len(history["loss"]) == stop.best_epoch + 11 < 150
    assert stop.best == min(history["val_loss"]) < history["val_loss"][-1]
    twin, X, y = nn.Sequential(nn.Linear(2, 32, activation="tanh", rng=0), nn.BatchNorm1d(32), nn.Linear(32, 1, rng=1)
                               ), *data.moons(30, noise=0.4, rng=0)
    steps = fit_steps(twin, X, y, binary_cross_entropy_with_logits, Adam(twin.parameters(), lr=0.05), batch_size=10,
                      rng=0)
    for _ in range(3 * (stop.best_epoch + 1)):
        next(steps)
    expected = twin.state_dict()
    assert len(expected) > len(twin.parameters())  # the running means are among them
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value, expected[name])


def test_it_is_a_copy_that_later_steps_do_not_change():
    model = MLP(1, 1, rng=0)
    descent = SGD(model.parameters(), lr=0.1)
    stop = EarlyStopping(1, monitor="loss")
    with stop:
        stop(Step(0, 2, 1, 0.0, True, History(loss=[1.0]), model))
        before = model.state_dict()
        for p in model.parameters():
            p.grad = np.ones(p.shape)
        descent.step()
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value, before[name])


def test_a_training_that_diverges_leaves_the_best_weights():
    model = MLP(1, 1, rng=0)
    descent = SGD(model.parameters(), lr=1e-3)
    X, y = [[0.0], [1.0]], [[5.0], [9.0]]
    explode = lambda step: setattr(descent, "lr", 1e30) if step.epoch == 20 else None
    with pytest.raises(TrainingDiverged):
        fit(model, X, y, mse_loss, descent, epochs=99, validation=(X, y), callbacks=[EarlyStopping(100), explode])
    assert all(np.isfinite(p.data).all() and np.abs(p.data).max() < 10 for p in model.parameters())


def test_outside_of_fit_it_can_be_asked_without_more_ado():
    stop, history, answers = EarlyStopping(2, monitor="loss"), History(loss=[]), []
    for epoch, loss in enumerate([2.0, 1.0, 1.5, 3.0]):
        history["loss"].append(loss)
        answers.append(stop(Step(epoch, None, epoch + 1, loss, True, history, Model())))
    assert answers == [False, False, False, True]


def test_what_it_cannot_watch_is_told():
    model = MLP(1, 1, rng=0)
    with pytest.raises(KeyError, match="EarlyStopping watches val_loss, but this training measures loss: pass valid"):
        fit(model, [[0.0], [1.0]], [[0.0], [1.0]], mse_loss, SGD(model.parameters()), epochs=3,
            callbacks=[EarlyStopping()])


@pytest.mark.parametrize(("options", "told"), [
    (dict(patience=0), "patience counts epochs, at least 1; got 0"), (dict(patience=1.5), "patience counts"),
    (dict(min_delta=-1), "min_delta is a number of at least 0"), (dict(mode="up"), "mode is 'min' or 'max'; got 'up'")])
def test_bad_options(options, told):
    with pytest.raises(ValueError, match=told):
        EarlyStopping(**options)
