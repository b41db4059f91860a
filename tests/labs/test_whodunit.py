"""The game at each lesson's end: every suspect is one of the bank's, and each gives a picture of its own."""

import json

import numpy as np
import pytest

from course.check import UNITS, read_unit
from course.labs.whodunit import INNOCENT, suspects, which_bug

SCENES = {file.parent.name: read_unit(file.parent.name, "bugs.py").SCENES for file in sorted(UNITS.glob("*/bugs.py"))}
CASES = [(unit, case) for unit, scenes in SCENES.items() for scene in scenes for case in scene.cases()]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def game():
    game = which_bug("04_optimizers")
    yield game
    game.close()


def seen(lab):
    """Everything that is painted, in shades of grey, once the function has ended."""
    assert lab.wait(60)
    assert not lab.error
    return lab.view.pixels()[..., :3].astype(int).mean(2)


@pytest.mark.parametrize("unit", SCENES)
def test_every_suspect_is_in_the_bank_of_its_unit(unit):
    bank = read_unit(unit, "private/practice.py").MUTANTS
    for function, bugs in suspects(SCENES[unit]).items():
        for name, wrong in bugs.items():
            banked = bank[function][name][0]
            assert banked.__code__ == wrong.__code__, f"{name} stands twice: let the bank take it from bugs.py"


@pytest.mark.parametrize("unit", SCENES)
def test_one_has_a_choice_and_now_and_then_the_function_is_right(unit):
    scenes = SCENES[unit]
    cases = [case for scene in scenes for case in scene.cases()]
    assert len({case.name for case in cases}) == len(cases) >= 6
    assert any(case.question.answer == INNOCENT for case in cases)
    for scene in scenes:
        words = [bug.words for bug in scene.bugs]
        assert len(set(words)) == len(words) >= 3
        assert scene.function in scene.lab.uses


@pytest.mark.parametrize(("unit", "case"), CASES, ids=[f"{unit[:2]} {case.name}" for unit, case in CASES])
def test_the_picture_shows_the_bug_and_nothing_else_breaks(unit, case):
    lab = case.open()
    try:
        wrong = seen(lab)
        case.show(lab, ours=True)
        differ = (np.abs(wrong - seen(lab)) > 40).mean()
        assert differ == 0 if case.question.answer == INNOCENT else differ > 0.002, differ
    finally:
        lab.close()


def test_an_answer_is_locked_counted_and_kept(game, folder):
    right, wrong = game.predictions[0], game.predictions[1]
    right.lock(right.question.answer)
    wrong.lock(next(choice for choice in wrong.question.choices if choice != wrong.question.answer))
    assert game.found == 1
    assert game._score.value == f"<b>2 of {len(game.cases)} cases closed, 1 found.</b> 1 ✓ · 2 ✗"
    assert game.case is game.cases[0], "the case just closed stays open to look at"
    kept = json.loads((folder / "nnlab-progress.json").read_text())["predictions"]
    assert {kept[p.key]["right"] for p in (right, wrong)} == {True, False}
    again = which_bug("04_optimizers")
    assert (again.found, again.predictions[1].choice) == (1, wrong.choice)
    again.close()


def test_a_verdict_says_what_it_was_and_where_one_sees_it(game):
    question = game.prediction.question
    game.prediction.lock(next(choice for choice in question.choices if choice != question.answer))
    assert "Not this time" in game.prediction._words.value
    assert question.reveal.split()[0] in game.prediction._words.value


def test_each_case_has_a_lab_of_its_own_and_the_one_before_is_closed(game):
    before = game.lab
    game.turn(2)
    assert before.view is None
    assert game.lab is not before
    assert game.lab.stage.badge == f"running a stranger's {game.case.scene.function}"
    assert game._scene.children[0] is game.lab.page
    with pytest.raises(ValueError, match="no case 99"):
        game.turn(99)


def test_the_right_function_can_be_looked_at_and_is_put_away_at_the_next_case(game):
    number = next(i for i, case in enumerate(game.cases, 1) if case.question.answer != INNOCENT)
    wrong = seen(game.turn(number).lab)
    game._compare.value = True
    assert "right" in game.lab.stage.badge
    assert (seen(game.lab) != wrong).any()
    game._compare.value = False
    assert (seen(game.lab) == wrong).all()
    game._compare.value = True
    game.turn(number % len(game.cases) + 1)
    assert not game._compare.value
    assert "stranger" in game.lab.stage.badge


def test_nothing_gives_the_answer_away(game):
    """Not the order of the choices, which is the scene's, nor the case's number."""
    answers = [p.question.choices.index(p.question.answer) for p in game.predictions]
    assert answers != sorted(answers)
    assert not any(p.question.reveal in p._words.value for p in game.predictions)


def test_where_no_kernel_runs_it_says_what_it_is(game):
    said = game._repr_mimebundle_()
    assert said["text/plain"] == f"Which bug was it? {len(game.cases)} cases: run this cell to look into them."
