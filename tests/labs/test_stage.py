"""The Stage keeps the pace of the page: never far ahead of the eye, and never held up by what nobody sees."""

import threading
import types

import pytest

from course.labs import stage as module
from course.labs.stage import IN_FLIGHT, SILENCE, Stage


@pytest.fixture
def stage():
    calls = []
    stage = Stage(on_command=lambda name: calls.append(("command", name)),
                  on_look=lambda dark, scale: calls.append(("look", dark, scale)),
                  on_rest=lambda: calls.append(("rest",)))
    stage.calls = calls
    yield stage
    stage.close()


@pytest.fixture
def clock(monkeypatch):
    """A clock that runs 0.3 s ahead each time it is read, so that a second of silence takes four looks."""
    now = [0.0]

    def monotonic():
        now[0] += 0.3
        return now[0]

    monkeypatch.setattr(module, "time", types.SimpleNamespace(monotonic=monotonic))
    return now


def tell(stage, kind, **rest):
    stage._received(stage, {"kind": kind, **rest}, [])


def ack(stage, view, seq, visible=True):
    tell(stage, "ack", view=view, seq=seq, visible=visible)


def show(stage, times=1):
    for _ in range(times):
        stage.show(b"...", lossless=False)


def test_a_picture_travels_with_its_words(stage):
    stage.show(b"abc", lossless=True, alt="A line.", caption="end 1", table=[["end", "1"]])
    assert stage.frame == {"seq": 1, "run": 0, "type": "image/png", "data": b"abc"}
    assert (stage.alt, stage.caption, stage.table) == ("A line.", "end 1", [["end", "1"]])
    stage.show(b"abd", lossless=False)
    assert (stage.frame["seq"], stage.frame["type"]) == (2, "image/jpeg")


def test_with_no_page_open_there_is_always_room(stage):
    show(stage, 100)
    assert stage.wait_for_room()


def test_at_most_four_pictures_are_under_way(stage):
    assert IN_FLIGHT == 4
    ack(stage, "a", 0)
    sent = 0
    while stage.wait_for_room(block=False) and sent < 50:
        show(stage)
        sent += 1
    assert sent == 4
    ack(stage, "a", 1)
    assert stage.wait_for_room(block=False)


def test_an_acknowledgement_wakes_the_waiting_loop(stage):
    ack(stage, "a", 0)
    show(stage, 4)
    waiting, room = threading.Event(), []

    def wait():
        waiting.set()
        room.append(stage.wait_for_room())

    thread = threading.Thread(target=wait)
    thread.start()
    waiting.wait(5)
    ack(stage, "a", 4)
    thread.join(5)
    assert room == [True]


def test_a_hidden_view_does_not_hold_up_a_visible_one(stage):
    ack(stage, "hidden", 0, visible=False)
    show(stage, 10)
    ack(stage, "seen", 10)
    assert stage.wait_for_room(block=False)


def test_the_slowest_visible_view_leads(stage):
    show(stage, 10)
    ack(stage, "fast", 10)
    ack(stage, "slow", 5)
    assert not stage.wait_for_room(block=False)
    ack(stage, "slow", 7)
    assert stage.wait_for_room(block=False)


def test_hidden_views_alone_keep_the_pace_among_themselves(stage):
    show(stage, 10)
    ack(stage, "a", 10, visible=False)
    assert stage.wait_for_room(block=False)


def test_a_silent_page_lets_go_after_a_second(stage, clock):
    ack(stage, "a", 0)
    show(stage, 4)
    assert not stage.wait_for_room()
    assert SILENCE <= clock[0] <= SILENCE + 0.9
    before = clock[0]
    assert not stage.wait_for_room()  # from now on nobody waits for it ...
    assert clock[0] - before < 0.5
    ack(stage, "a", 4)
    assert stage.wait_for_room()  # ... until it speaks again


def test_a_page_that_was_closed_does_not_blind_the_next_one(stage, clock):
    ack(stage, "closed", 0)
    show(stage, 4)
    assert not stage.wait_for_room()
    ack(stage, "reopened", 4)
    for _ in range(20):
        assert stage.wait_for_room()
        show(stage)
        ack(stage, "reopened", stage.seq)


def test_a_view_that_has_gone_is_forgotten(stage):
    ack(stage, "a", 0)
    show(stage, 10)
    tell(stage, "gone", view="a")
    assert stage.wait_for_room(block=False)
    tell(stage, "gone", view="never heard of")


def test_messages_reach_the_lab(stage):
    show(stage, 3)
    tell(stage, "command", view="a", name="play")
    tell(stage, "look", view="a", dark=True, scale=2)
    tell(stage, "rest", view="a", seq=2)  # not the newest picture any more
    tell(stage, "rest", view="a", seq=3)
    tell(stage, "something from a newer page", view="a")
    assert stage.calls == [("command", "play"), ("look", True, 2), ("rest",)]
