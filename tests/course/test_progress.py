"""The progress bar: follows a training, and leaves one constant line behind."""

import pytest

import nnlab
from course import progress
from nnlab.functional import mse_loss


def train(epochs, *callbacks):
    model = nnlab.MLP(1, 1, rng=0)
    return nnlab.fit(model, [[0.0], [1.0]], [[0.0], [1.0]], mse_loss, nnlab.SGD(model.parameters(), lr=0.1),
                     epochs=epochs, callbacks=callbacks)


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


def test_it_is_not_updated_more_often_than_the_eye_needs(bar, monkeypatch):
    monkeypatch.setattr(progress, "INTERVAL", 60.0)
    train(50, bar)
    assert len(bar._bar.shown) <= 1


def test_it_can_be_used_again(bar):
    train(3, bar)
    train(4, bar, lambda step: True)
    assert bar._bar.end == "digits: stopped after 1 of 4 epochs"


@pytest.fixture
def page(monkeypatch):
    """What a notebook's page shows: every line that was displayed, or put in the place of one."""
    lines = []
    handle = type("Handle", (), {"update": lambda self, line: lines.append(line)})()
    monkeypatch.setattr("IPython.display.display", lambda line, display_id: lines.append(line) or handle)
    monkeypatch.setattr(progress, "in_notebook", lambda: True)
    monkeypatch.setattr(progress, "INTERVAL", 0.0)
    return lines


def test_on_a_page_a_bar_grows_and_one_constant_line_stays(page):
    train(3, progress.Progress("64-32-10"))
    assert [repr(line) for line in (page[0], page[-1])] == ["64-32-10", "64-32-10: 3 epochs done"]
    assert "<progress value='2' max='3'" in page[2]._repr_html_()
    assert page[-1]._repr_html_() is None


def test_on_a_page_its_words_are_words(page):
    train(1, progress.Progress("<b>'"))
    assert "<b>" not in page[1]._repr_html_()
    assert "aria-label='&lt;b&gt;&#x27;'" in page[1]._repr_html_()


def test_a_training_that_does_not_get_through_one_epoch_says_so(bar):
    train(3, bar)
    with bar:
        pass
    assert bar._bar.end == "digits: stopped within the first epoch"
