"""The labs of the on-ramp compute what NumPy computes, and its quiz keeps what was answered."""

import numpy as np
import pytest

from course.labs import start
from course.labs.quiz import Quiz
from course.labs.start.axes import OPERATIONS
from course.record import Record, load
from course.savehook import drop_widget_views


@pytest.fixture(autouse=True)
def own_record(tmp_path, monkeypatch):
    monkeypatch.setattr(Record, "_kept", {})
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize(("rows", "columns"), [(4, 3), (1, 5), (5, 1)])
def test_the_numbers_that_light_up_make_the_number_of_the_result(operation, rows, columns):
    lab = start.WhichAxis()
    for number in range(1, 11):
        r = lab.set(rows=rows, columns=columns, operation=operation, number=number).result
        made = r.X[r.used[0]].astype(int)
        if r.other is not None:
            made = made + r.other[r.used[1]] if "+" in operation else made * r.other[r.used[1]]
        assert made.sum() == r.result[r.at]
        assert str(r.result.shape) in lab.stage.alt


def test_the_slope_comes_to_the_derivative_and_at_the_kink_to_none():
    lab = start.Slope()
    for curve in ("x²", "x³ − 2x", "sin x", "eˣ"):
        for x in (-1.7, 0.0, 0.9):
            r = lab.set(curve=curve, x=x, h=1e-3).result
            assert r.slope == pytest.approx(r.derivative, abs=0.02)
    assert "derivative none here: a kink, slope -1 to the left" in lab.set(curve="|x|", x=0.0).stage.alt
    assert (lab.result.slope, lab.result.left) == (1, -1)
    assert "none here" not in lab.set(x=0.5).stage.alt


@pytest.mark.parametrize("curve", start.Slope.controls["curve"].options)
def test_the_point_and_the_slope_stay_in_the_picture_wherever_they_are_put(curve):
    lab = start.Slope(curve=curve)
    for x in np.linspace(-2, 2, 9):
        for h in (1e-3, 0.3, 2.0):
            r = lab.set(x=float(x), h=h).result
            (low, high), (least, most) = (lab.view[name].axes.get_ylim() for name in ("curve", "slopes"))
            assert low <= r.fx <= high
            assert least <= r.slope <= most
            assert least <= r.derivative <= most


def test_the_rates_of_a_chain_multiply():
    lab = start.ChainRule()
    for inner in lab.controls["inner"].options:
        for outer in lab.controls["outer"].options:
            r = lab.set(inner=inner, outer=outer, nudge=0.01).result
            assert r.ends[2] - r.starts[2] == pytest.approx(0.01 * r.rates[0] * r.rates[1], abs=2e-3)


def test_of_the_ten_questions_no_answer_stands_always_in_the_same_place():
    questions = start.ten_questions().questions
    assert len(questions) == 10
    assert len({q.choices.index(q.answer) for q in questions}) >= 3


def test_the_answers_of_the_questions_on_arrays_are_numpys():
    X = np.zeros((5, 3))
    shapes = [X[2].shape, X.mean(axis=1).shape, (X @ np.zeros((3, 2))).shape]
    assert [q.answer for q in start.ten_questions().questions[:3]] == [str(shape) for shape in shapes]
    assert start.ten_questions().questions[4].answer == str((np.zeros((4, 1)) - np.zeros(4)).shape)
    with pytest.raises(ValueError, match="matmul"):
        X @ np.zeros((2, 3))


def test_a_quiz_counts_what_is_right_and_remembers_it(tmp_path):
    quiz = start.ten_questions()
    assert "0 of 10 answered" in quiz._words.value
    quiz.predictions[0].lock(quiz.questions[0].answer)
    quiz.predictions[1].lock("()")
    assert "2 of 10 answered, 1 right" in quiz._words.value
    assert "Section 0.2" in quiz.predictions[1]._words.value
    assert set(load(tmp_path / "nnlab-progress.json")["predictions"]) == {"0q1", "0q2"}
    assert "2 of 10 answered, 1 right" in start.ten_questions()._words.value


def test_a_stored_quiz_shows_its_questions_and_no_dead_widget():
    data = start.ten_questions()._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    notebook = {"cells": [{"outputs": [{"data": data}]}], "metadata": {"widgets": {}}}
    drop_widget_views({"type": "notebook", "content": notebook})
    assert set(data) == {"text/html", "text/plain"}
    assert all(f"<b>{number}.</b>" in data["text/html"] for number in range(1, 11))


def test_a_closed_quiz_leaves_no_widget_behind():
    quiz = Quiz("x", start.questions.QUESTIONS[:2])
    quiz.close()
    assert all(prediction.panel.comm is None for prediction in quiz.predictions)
