"""The progress bar: follows a training, and leaves one constant line behind."""

import pytest

import nnlab
from course import progress
from nnlab.functional import mse_loss


def train(epochs, *callbacks):
    model = nnlab.MLP(1, 1, rng=0)
    return nnlab.fit(model, [[0.0], [1.0]], [[0.0], [1.0]], mse_loss, nnlab.SGD(model.parameters(), lr=0.1), epochs=epochs,
                     callbacks=callbacks)


class Recorder:
    def __init__(self, words):
        self.shown, self.end = [], None

    def show(self, done, of, words):
        self.shown.append((done, of))

    def close(self, words, done, of):
        self.end = words


@pytest.fixture
def bar(monkeypatch):
    monkeypatch.setattr(progress, "_Terminal", Recorder)
    monkeypatch.setattr(progress, "INTERVAL", 0.0)
    return progress.Progress("digits")


def test_it_follows_the_epochs_and_ends_without_times(bar):
    train(5, bar)
    assert bar._bar.shown == [(i, 5) for i in range(1, 6)]
    assert bar._bar.end == "digits: 5 epochs done"


def test_a_training_stopped_early_says_where(bar):
    train(5, bar, lambda step: step.epoch == 2)
    assert bar._bar.end == "digits: stopped after 3 of 5 epochs"


def test_a_training_that_fails_closes_the_bar(bar):
    def fail(step):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(5, bar, fail)
    assert "stopped" in bar._bar.end


def test_in_a_terminal_the_real_bar_runs(capsys):
    train(3, progress.Progress("digits"))
    assert "3 epochs done" in capsys.readouterr().out
