"""Regrade requests: recorded, listed, decided once, linked to what they change, and said on the student's page."""

from __future__ import annotations

import pytest

from course.grading import office, tally
from course.grading.records import Records
from course.grading.results import ExerciseResult
from tests.grading.test_feedback import BREAKERS, checks, graded, page, words

CLAIM = 'I wrote "because", <b>twice</b>'


@pytest.fixture
def judged(course, capsys):
    """Five are graded; ann has 4 + 2.5 and bob 1 + 0, and `why` waits for a person."""
    course.judged()
    capsys.readouterr()
    return course


def ask(course, exercise: str, student: str = "bob", claim: str = CLAIM) -> int:
    return course.nnlab("regrade-request", "add", "1", student, exercise, "--claim", claim)


def decide(course, what: str, *options, reason: str = "I read it again") -> int:
    return course.nnlab("regrade-request", what, *options, "--reason", reason)


def rows(course, table: str) -> list[dict]:
    with Records(course.folder) as records:
        return [dict(row) for row in records.db.execute(f"SELECT * FROM {table} ORDER BY id")]


def points(course, student: str, exercise: str) -> float | None:
    with Records(course.folder) as records:
        stands = tally.standings(office.open_office(course.folder), records, "01_small")
    return next(each.exercises[exercise].points for each in stands if each.student == student)


def test_a_request_that_is_granted_names_its_override_and_one_that_is_refused_none(judged, capsys):
    assert ask(judged, "why") == 0
    assert ask(judged, "alpha") == 0
    assert "It is request 2" in capsys.readouterr().out
    assert judged.nnlab("regrade-request", "list", "1") == 0
    listed = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [[row[0], *row[2:4], *row[5:]] for row in listed[1:]] == [
        ["1", "bob", "why", "pending", "pending", CLAIM, "open"], ["2", "bob", "alpha", "1", "1", CLAIM, "open"]]
    assert decide(judged, "grant", 1, "--points", 1.5) == 0
    assert "request 1, bob, why: granted, 1.5 of 2" in capsys.readouterr().out
    assert decide(judged, "refuse", 2, reason="it is too small") == 0
    one, two = rows(judged, "decisions")
    override, = rows(judged, "overrides")
    assert (one["granted"], one["override"], two["granted"], two["override"]) == (1, override["id"], 0, None)
    assert (override["points"], override["reason"], override["student"]) == (1.5, "I read it again", "bob")
    assert [row["points"] for row in rows(judged, "requests")] == [None, 1]
    assert (points(judged, "bob", "why"), points(judged, "bob", "alpha")) == (1.5, 1)
    assert judged.nnlab("regrade-request", "list") == 0
    assert "No request is open" in capsys.readouterr().out
    assert judged.nnlab("regrade-request", "list", "--decided") == 0
    assert "granted: I read it again\n" in capsys.readouterr().out
    assert judged.nnlab("feedback", "1", "--student", "bob") == 0
    said = words((judged.folder / "feedback" / "01_small" / "bob.html").read_text())
    assert "Set by a person: I read it again You asked on 20" in said
    assert "another look: I wrote &#34;because&#34;, &lt;b&gt;twice&lt;/b&gt; Granted on 20" in said
    assert said.count("I read it again") == 1
    assert ": it is too small" in said


def test_nobody_loses_points_by_asking_unless_it_is_said(judged, capsys):
    ask(judged, "alpha", "ann")
    assert decide(judged, "grant", 1, "--points", 3.5) == 1
    assert "3.5 is less than the 4 that ann has" in capsys.readouterr().err
    assert (rows(judged, "overrides"), rows(judged, "decisions")) == ([], [])
    assert decide(judged, "grant", 1, "--points", 3.5, "--let-fall") == 0
    assert points(judged, "ann", "alpha") == 3.5


def test_a_mended_check_can_be_the_answer(judged, capsys):
    ask(judged, "alpha")
    assert decide(judged, "grant", 1) == 1
    assert "alpha of bob stood at 1 and is at 1: say what it is worth now, --points" in capsys.readouterr().err
    judged.mend("call() < 5", "call() < 4")
    judged.judged()
    assert decide(judged, "grant", 1, reason="the check was too strict") == 0
    assert "granted, 4 of 4" in capsys.readouterr().out
    decision, = rows(judged, "decisions")
    assert (decision["override"], decision["grading"]) == (None, rows(judged, "requests")[0]["grading"] + 5)
    assert rows(judged, "overrides") == []


@pytest.mark.parametrize(("arguments", "says"), [
    (["add", "1", "nobody", "why", "--claim", "x"], "nobody called nobody handed in; there are"),
    (["add", "1", "bob", "wy", "--claim", "x"], "has no exercise 'wy': there are alpha, beta, why"),
    (["add", "1", "bob", "why", "--claim", " "], 'a request needs the claim: --claim "what the student says"'),
    (["add", "1", "bob", "why", "--claim", "again"], "request 1 of bob for why is open since"),
    (["grant", "1", "--points", "2.5", "--reason", "x"], "why is worth 0 to 2 points, not 2.5"),
    (["grant", "1", "--points", "nan", "--reason", "x"], "why is worth 0 to 2 points, not nan"),
    (["refuse", "1", "--reason", ""], "a decision needs its words"),
    (["refuse", "7", "--reason", "x"], "there is no request 7; open are 1"),
    (["list", "9"], "no unit '9'"),
])
def test_what_makes_no_sense_is_one_line_and_changes_nothing(asked, capsys, arguments, says):
    assert asked.nnlab("regrade-request", *arguments) == 1
    error = capsys.readouterr().err
    assert says in error
    assert error.count("\n") == 1
    assert len(rows(asked, "requests")) == 1
    assert rows(asked, "decisions") == []


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """One course for all that is refused: nothing of it may change."""
    from tests.grading import fakes
    from tests.grading.conftest import STUDENTS, Course

    folder = tmp_path_factory.mktemp("kept")
    with pytest.MonkeyPatch.context() as patch:
        fakes.install(lambda *what: patch.setattr(*what, raising=False))
        made = Course(office.new_office(folder / "course", fakes.write_kit(folder / "kits")).folder)
        assert made.nnlab("collect", "1", made.hand_in(STUDENTS)) == 0
    made.judged()
    assert ask(made, "why") == 0
    return made


@pytest.fixture
def asked(kept, capsys):
    capsys.readouterr()
    return kept


def test_a_request_is_decided_once(judged, capsys):
    ask(judged, "why")
    assert decide(judged, "refuse", 1) == 0
    assert decide(judged, "grant", 1, "--points", 2) == 1
    assert "request 1 was refused on 20" in capsys.readouterr().err
    assert ask(judged, "why", claim="and again") == 0, "asking anew is another request"
    assert rows(judged, "overrides") == []


@pytest.mark.parametrize("text", BREAKERS)
def test_a_claim_cannot_break_the_page(text):
    row = {"exercise": "f", "at": "2026-03-01", "claim": text, "granted": 0, "reason": text, "decided": "2026-03-02"}
    one = ExerciseResult("f", 3, checks=checks(True, True))
    made, harmless = (page(graded(one), requests=[row | {"claim": each, "reason": each}]) for each in (text, "x"))
    assert made.count("<") == harmless.count("<")
    assert not set(made) & set("\x1b\x00\x07\x08\x7f\u202e\u2066\u200f\ud800\x85\u2028\ufeff")
