"""What is special to the labs of unit 3: their words stay inside the picture, whatever is chosen."""

import itertools

import pytest

from course.labs import backprop
from course.labs.backprop import byhand, graph, injector
from tests.labs.readable import unreadable


@pytest.mark.parametrize("expression", graph.EXPRESSIONS)
def test_lab_3a_cuts_no_words_off(expression):
    lab = backprop.GraphStepper(expression=expression, a=-3.0, b=-3.0, c=-3.0)
    assert [cut for step in range(7) for cut in unreadable(lab.set(step=step))] == []


def test_lab_3b_cuts_no_words_off():
    lab = backprop.BackpropShapes(N=8, din=6, dout=6)
    for attempt in lab.controls["attempt"].options:
        for want in lab.controls["want"].options:
            assert unreadable(lab.set(attempt=attempt, want=want)) == []


def test_lab_3d_cuts_no_words_off():
    lab = backprop.FourBeats(hidden=5, classes=4, early=True, lr=2.0)
    assert [cut for beat in range(9) for cut in unreadable(lab.set(beat=beat))] == []


@pytest.mark.parametrize("bug", injector.TRAINERS)
def test_lab_3e_cuts_no_words_off(bug):
    lab = backprop.BugInjector(bug=bug, guess_loss=True)
    lab.step(injector.STEPS)
    assert unreadable(lab) == []
    panel = lab.view["loss"]
    left = panel["name"].get_window_extent(lab.view.canvas.get_renderer()).x0
    assert left > panel.axes.bbox.x0, "the mistake's name fits into its panel"


def test_every_bug_is_one_of_its_own():
    names = [bug.mistake for bug in byhand.BUGS]
    assert len(set(names)) == len(names) == 8
    assert set(injector.MYSTERIES.values()) < set(byhand.BUGS)
    for one, other in itertools.combinations(byhand.BUGS, 2):
        assert one.step is not other.step or one.gradients is not other.gradients or one.loss is not other.loss
