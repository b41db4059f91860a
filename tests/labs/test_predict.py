"""A prediction is locked once, kept at once beside the notebook, and whatever happens to its file, the lab opens."""

import datetime
import json

import pytest

from course.labs.predict import Prediction, Question
from course.record import FILE, Record
from tests.labs.small import Asked

UP = Question("Which way?", ("up", "down"), "up", "It goes <up>.")
MUST = Question("Which way?", ("up", "down"), "up", "It goes up.", skippable=False)


@pytest.fixture(autouse=True)
def new_kernel(monkeypatch):
    monkeypatch.setattr(Record, "_kept", {})


def ask(question=UP, key="1a", **options):
    opened = []
    prediction = Prediction(key, question, lambda: opened.append(key), **options)
    prediction.opened = opened
    return prediction


def test_the_answer_must_be_one_of_the_choices():
    with pytest.raises(ValueError, match="'left' must be one of the choices"):
        Question("Which way?", ("up", "down"), "left", "")


def test_nothing_is_chosen_open_or_revealed_at_first():
    prediction = ask()
    assert (prediction.choice, prediction.open, prediction.opened) == (None, False, [])
    assert prediction._choices.value is None
    assert prediction._lock.disabled
    assert prediction._words.value == ""


def test_choosing_frees_the_lock_and_locking_stores_reveals_and_opens(own_folder):
    prediction = ask()
    prediction._choices.value = "down"
    assert not prediction._lock.disabled
    assert not (own_folder / FILE).exists()  # a choice is no prediction yet
    prediction._lock.click()
    stored = json.loads((own_folder / FILE).read_text(encoding="utf-8"))["predictions"]["1a"]
    assert (stored["choice"], stored["right"]) == ("down", False)
    when = datetime.datetime.fromisoformat(stored["locked_at"])
    assert abs(datetime.datetime.now(datetime.UTC) - when) < datetime.timedelta(minutes=1)
    assert "You said “down”; it is “up”." in prediction._words.value
    assert "It goes &lt;up&gt;." in prediction._words.value
    assert prediction.opened == ["1a"]
    assert prediction._choices.disabled


def test_a_right_prediction_holds():
    prediction = ask()
    prediction.lock("up")
    assert "Your prediction holds." in prediction._words.value


def test_a_prediction_is_locked_once(own_folder):
    prediction = ask()
    prediction.lock("down")
    stored = (own_folder / FILE).read_bytes()
    with pytest.raises(ValueError, match="locked already, on 'down'"):
        prediction.lock("up")
    assert (own_folder / FILE).read_bytes() == stored
    with pytest.raises(ValueError, match="it must be one of 'up', 'down'"):
        ask(key="1b").lock("left")


def test_run_again_it_is_still_locked_and_open(own_folder):
    ask().lock("down")
    stored = (own_folder / FILE).read_bytes()
    again = ask()
    assert (again.choice, again.opened) == ("down", ["1a"])
    assert again._choices.disabled
    assert again._lock.layout.display == "none"
    with pytest.raises(ValueError, match="locked already"):
        again.lock("up")
    assert (own_folder / FILE).read_bytes() == stored


def test_several_predictions_share_a_file(own_folder):
    ask(key="1a").lock("down")
    ask(key="1b").lock("up")
    assert set(json.loads((own_folder / FILE).read_text(encoding="utf-8"))["predictions"]) == {"1a", "1b"}
    assert list(own_folder.iterdir()) == [own_folder / FILE]  # nothing half-written lies about


def test_a_question_can_be_skipped_and_answered_later():
    prediction = ask()
    prediction._skip.click()
    assert (prediction.opened, prediction.choice) == (["1a"], None)
    prediction.lock("up")
    assert prediction.opened == ["1a"]


def test_some_questions_cannot_be_skipped():
    prediction = ask(MUST)
    assert prediction._skip.layout.display == "none"
    with pytest.raises(ValueError, match="cannot be skipped"):
        prediction.skip()
    assert not prediction.open


@pytest.mark.parametrize("question", [UP, MUST])
def test_an_instructor_who_presents_is_not_held_up(monkeypatch, question):
    monkeypatch.setenv("NNLAB_PRESENT", "1")
    assert ask(question).opened == ["1a"]


def test_where_the_folder_cannot_be_written_it_is_kept_in_the_kernel(own_folder):
    record = Record(own_folder / "not" / "there")
    prediction = ask(record=record)
    prediction.lock("down")
    assert "This folder cannot be written (No such file or directory)" in prediction._words.value
    assert prediction.opened == ["1a"]
    again = ask(record=Record(own_folder / "not" / "there"))
    assert again.choice == "down"


@pytest.mark.parametrize("content", [b"{", b"[1, 2]", b"\xff\xfe", b""], ids=["cut", "list", "not text", "empty"])
def test_a_file_that_cannot_be_read_is_left_alone(own_folder, content):
    (own_folder / FILE).write_bytes(content)
    prediction = ask()
    prediction.lock("up")
    assert (own_folder / FILE).read_bytes() == content
    assert "left as it is" in prediction._words.value
    assert ask().choice == "up"


@pytest.mark.parametrize("entry", [None, "down", {"choice": "left"}, {"choice": ["up"]}, {}])
def test_an_entry_that_makes_no_sense_is_no_prediction(own_folder, entry):
    (own_folder / FILE).write_text(json.dumps({"predictions": {"1a": entry}}), encoding="utf-8")
    prediction = ask()
    assert (prediction.choice, prediction.open) == (None, False)


def test_a_lab_opens_when_its_prediction_is_locked():
    lab = Asked()
    assert lab.stage.locked
    lab.prediction.lock("up")
    assert not lab.stage.locked
    assert not any(widget.disabled for widget in lab._widgets.values())
    assert not Asked().stage.locked
