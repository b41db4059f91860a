"""Marking by people: who sees what, what counts, how far two agree, and that nothing is lost or let in."""

from __future__ import annotations

import csv
import http.client
import io
import json
import signal
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from course.grading import marking, marking_page, office, sharing, shelf, tally
from course.grading.records import Records
from course.grading.results import PENDING, ExerciseResult, Graded
from course.grading.standing import marks_that_count
from course.grading.store import Lock
from tests.grading import fakes
from tests.grading.conftest import ROOT
from tests.grading.test_feedback import words

UNIT = "01_small"
RUBRIC = "".join(f'[[why]]\npoints = {points}\ntext = "{text}"\n'
                 for points, text in ((2, "says why"), (1, "half of it"), (0, "does not")))
MODEL = "### BEGIN SOLUTION\nBecause **one** more is the next.\n### END SOLUTION"
AUTHOR = {"cells": [{"cell_type": "markdown", "id": "why-text", "source": ["## And why?\n\n", "In a `word`."]},
                    {"cell_type": "markdown", "id": "why", "source": "*Your words here.*\n" + MODEL}]}
EVIL = '=cmd|"/c calc"!A1 <img src=x onerror="document.title=1"> </script><script>1</script> bob \x1b[31m\u202e'


def fill(folder: Path, prose: dict[str, str], markers: str) -> None:
    """A course folder in which everybody in `prose` has handed in and is graded; `why` waits for these markers."""
    unit = folder / "units" / UNIT
    (unit / "private" / "rubric.toml").write_text(RUBRIC)
    (unit / "private" / "assignment.ipynb").write_text(json.dumps(AUTHOR))
    toml = folder / "course.toml"
    toml.write_text(f"markers = {markers}\n{toml.read_text()}")
    with Records(folder, write=True) as records:
        batch = records.begin("collect", UNIT)
        handed = [(who, f"{who}.ipynb", f"{n}".encode(), "", "") for n, who in enumerate(prose)]
        shelf.take(records, batch, UNIT, handed)
    grade(folder, prose)


def grade(folder: Path, prose: dict[str, str]) -> None:
    with Records(folder, write=True) as records:
        batch = records.begin("grade", UNIT)
        for each in records.latest(UNIT):
            graded = Graded(UNIT, "1.0", "k", each.sha256, each.student, "bubblewrap", {}, [
                ExerciseResult("why", 2, PENDING, prose=prose[each.student])])
            records.add_grading(batch, each.id, graded, "2026-11-02T09:15:00+00:00")


@pytest.fixture
def two(empty, capsys):
    """Thirteen have handed in, and two share them."""
    fill(empty.folder, {f"s{n:02}": f"because {n}" for n in range(12)} | {"bob": EVIL}, '["maria", "tom"]')
    capsys.readouterr()
    return empty


def at(course, marker: str = "") -> marking.Marking:
    made = marking.Marking(office.open_office(course.folder), "1", marker)
    made.state()
    return made


def at_empty(course) -> marking.Marking:
    """The same where nobody has handed in and no markers are named."""
    course.kit("private/assignment.ipynb").write_text(json.dumps(AUTHOR))
    return at(course, "maria")


def keys(of: marking.Marking) -> dict[str, str]:
    """The page's key for each student's answer."""
    return {each.student: each.key for each in of._answers.values()}


def given(course) -> dict[str, float | None]:
    with Records(course.folder) as records:
        stands = tally.standings(office.open_office(course.folder), records, "01_small")
    return {each.student: each.exercises["why"].points for each in stands}


# ---------------------------------------------------------------- who sees what


def test_no_name_is_on_the_page_and_pseudonyms_stay(two):
    state = at(two, "maria").state()
    assert (state["exercises"][0]["question"], state["exercises"][0]["model"]) == (
        "## And why?\n\nIn a `word`.", "Because **one** more is the next.")
    answers = {each["key"]: each for each in [*state["exercises"][0]["answers"],
                                              *at(two, "tom").state()["exercises"][0]["answers"]]}
    assert len(answers) == 13
    text = json.dumps([state, *answers.values()])
    assert not [who for who in ("bob", *(f"s{n:02}" for n in range(12)), ".ipynb") if who in text]
    names = [each["name"] for each in answers.values()]
    assert len(set(names)) == 13
    again = {each["key"]: each["name"] for each in at(two, "tom").state()["exercises"][0]["answers"]}
    assert again.items() <= {key: each["name"] for key, each in answers.items()}.items()
    evil, = (each["prose"] for each in answers.values() if "calc" in each["prose"])
    assert "<script>" in evil  # as text: the page sets it as such, which the test in a browser sees
    assert marking.HIDDEN_NAME in evil
    assert "\x1b" not in evil
    assert "\u202e" not in evil
    (two.folder / "secret").write_text("ab" * 32)
    others = {each["name"] for each in at(two, "maria").state()["exercises"][0]["answers"]}
    assert not others & set(names)


@pytest.mark.parametrize(("students", "markers"), [(53, 3), (13, 2), (3, 4), (130, 4)])
def test_sharing_out_gives_each_answer_to_one_and_a_sample_to_two(students, markers):
    draw, names = sharing.Draw(b"secret", "u"), [f"m{n}" for n in range(markers)]
    everybody = [f"s{n}" for n in range(students)]
    shares = draw.shares("why", everybody, names, everybody)
    assert list(shares) == everybody
    assert sum(len(each) == 2 for each in shares.values()) == min(students, max(5, -(-students // 10)))
    assert all(len(set(each)) == len(each) in (1, 2) for each in shares.values())
    counts = Counter(each[0] for each in shares.values())
    assert max(counts.values()) - min(counts[name] for name in names) <= 1
    late = draw.shares("why", [*everybody, "late", "later"], names, [*everybody, "late", "later"])
    assert all(late[student][0] == shares[student][0] for student in everybody)
    assert draw.shares("other", everybody, names, everybody) != shares


def test_one_marker_has_all_and_a_stranger_none(two, empty):
    with pytest.raises(office.OfficeError, match="who is marking"):
        at(two)
    with pytest.raises(office.OfficeError, match="'eve' is not among the markers"):
        at(two, "eve")
    toml = two.folder / "course.toml"
    toml.write_text(toml.read_text().replace('markers = ["maria", "tom"]', ""))
    alone = at(two)
    assert len(alone.state()["exercises"][0]["answers"]) == 13
    assert {len(each.markers) for each in alone._answers.values()} == {1}


def test_when_the_markers_change_what_is_marked_is_not_asked_for_again(two):
    maria = at(two, "maria")
    mine = {each["key"] for each in maria.state()["exercises"][0]["answers"]}
    single = {each.key for each in maria._answers.values() if len(each.markers) == 1} & mine
    for key in single:
        maria.keep(key, 0, "")
    toml = two.folder / "course.toml"
    toml.write_text(toml.read_text().replace('["maria", "tom"]', '["tom"]'))
    asked = {each["key"] for each in at(two, "tom").state()["exercises"][0]["answers"]}
    assert asked == set(maria._answers) - single


# ---------------------------------------------------------------- what counts


def test_pending_is_never_0_and_marks_reach_grades_feedback_and_export(two, capsys):
    maria, tom = at(two, "maria"), at(two, "tom")
    assert set(given(two).values()) == {None}
    student = {key: student for student, key in keys(maria).items()}
    chosen = [each["key"] for each in maria.state()["exercises"][0]["answers"]][:3]
    maria.keep(chosen[0], 1, "a <b>word</b> on it")
    maria.keep(chosen[1], 2, "")
    maria.keep(chosen[2], None, "a comment only")
    points = given(two)
    assert [points[student[key]] for key in chosen] == [1, 0, None]
    assert [value for value in points.values() if value is not None] in ([1, 0], [0, 1])
    grades = two.csv().decode("utf-8-sig")
    rows = {row["student"]: row["why"] for row in csv.DictReader(io.StringIO(grades))}
    assert sorted(Counter(rows.values()).items()) == [("0", 1), ("1", 1), ("pending", 11)]
    assert two.nnlab("feedback", "1") == 0
    page = (two.folder / "feedback" / two.unit / f"{student[chosen[0]]}.html").read_text()
    assert "Marked by a person: half of it a &lt;b&gt;word&lt;/b&gt; on it" in words(page)
    assert "maria" not in page
    source, out = two.folder.parent / "lms.csv", two.folder.parent / "back.csv"
    source.write_text("id,Small\n" + "".join(f"{student[key]},\n" for key in chosen))
    assert two.nnlab("export", "1", "--to", "csv", "--from", source, "--out", out, "--column", "Small") == 0
    assert [line.split(",")[1] for line in out.read_text().splitlines()[1:]] == ["1", "0", ""]
    assert tom.state()["exercises"][0]["answers"]  # tom's page shows no mark of maria's
    assert all(each["mark"] is None for each in tom.state()["exercises"][0]["answers"])


def test_a_mark_is_of_the_words_it_was_made_for(two):
    maria = at(two, "maria")
    key = next(each["key"] for each in maria.state()["exercises"][0]["answers"])
    who = next(each.student for each in maria._answers.values() if each.key == key)
    maria.keep(key, 0, "")
    prose = {each.student: each.prose for each in maria._answers.values()}
    grade(two.folder, prose)  # judged again: the same words
    assert given(two)[who] == 2
    assert two.nnlab("collect", "1", two.hand_in({who: {"alpha": 1}})) == 0
    grade(two.folder, {**prose, who: "other words"})
    assert given(two)[who] is None
    assert two.nnlab("override", "1", who, "why", "1.5", "--reason", "seen") == 0
    assert given(two)[who] == 1.5
    again = at(two, "maria")
    assert who not in keys(again)
    assert "decided by nnlab override or a regrade request, and not asked for: 1" in marking.summary(again)
    assert maria.keep(key, 0, "")["points"] == 2  # the page was open still: it is kept, and the override stands
    assert given(two)[who] == 1.5


def row(marker: str, points: float | None, answer: str = "a") -> dict:
    return {"student": "s", "exercise": "why", "answer": answer, "marker": marker, "points": points}


@pytest.mark.parametrize(("marks", "counts"), [
    ([("m", 2), ("t", 1)], 2), ([("m", 2), ("t", 1), ("m", 1), ("t", 0)], 1), ([("m", None), ("t", 1), ("m", 2)], 1),
    ([("m", 2), ("t", 1), ("m", None)], 1), ([("m", 2), ("t", 1), ("m", None), ("m", 0)], 1), ([("m", None)], None),
    ([("m", 2), ("m", None)], None)])
def test_of_two_marks_that_of_the_first_marker_counts(marks, counts):
    found = marks_that_count([row(*each) for each in marks])
    assert (found["s", "why", "a"]["points"] if found else None) == counts


# ---------------------------------------------------------------- how far two agree


def test_agreement_is_cohens_and_pairs_are_taken_before_anybody_talked():
    rng = np.random.default_rng(5)
    one, two = rng.integers(0, 5, 37), rng.integers(0, 3, 37)
    two[:20] = one[:20]
    found = sharing.agreement(list(zip(one.tolist(), two.tolist(), strict=True)))
    assert found["kappa"] == pytest.approx(cohen_kappa_score(one, two, weights="quadratic"))
    assert found["same"] == pytest.approx((one == two).mean())
    assert found["distance"] == pytest.approx(abs(one - two).mean())
    # by hand: distances 0, 1, 2 squared 0, 1, 4: 5/3; by lot, of {2, 1, 0} and {2, 0, 2}: (0+4+0 + 1+1+1 + 4+0+4)/9
    assert sharing.agreement([(2, 2), (1, 0), (0, 2)])["kappa"] == pytest.approx(1 - (5 / 3) / (15 / 9))
    assert sharing.agreement([(1, 1), (1, 1)]) == {"count": 2, "same": 1, "distance": 0, "kappa": None}
    assert sharing.agreement([])["count"] == 0
    assert sharing.independent([row("m", 2), row("m", 1), row("t", 0), row("m", 0)]) == (1, 0)
    assert sharing.independent([row("m", 2), row("m", None), row("t", 0)]) is None


def test_who_differs_is_told_to_both_and_to_nobody_before(two, capsys):
    maria, tom = at(two, "maria"), at(two, "tom")
    both = [each for each in maria._answers.values() if len(each.markers) == 2]
    assert len(both) == 5
    maria.keep(both[0].key, 0, "")
    assert maria.state()["exercises"][0]["agreement"] == {"count": 0, "same": None, "distance": None, "kappa": None,
                                                          "differ": []}
    tom.keep(both[0].key, 1, "")
    for of in (maria, tom):
        told = of.state()["exercises"][0]["agreement"]
        assert (told["count"], told["same"], told["distance"]) == (1, 0, 1)
        assert told["differ"] == [{"key": both[0].key, "name": both[0].name, "marks": [["maria", 2], ["tom", 1]]}]
    assert given(two)[both[0].student] == 2
    assert any("1 marked by two: 0% the same, 1.00 points apart" in line for line in marking.summary(maria))


# ---------------------------------------------------------------- nothing lost


def test_a_mark_waits_for_another_command_and_says_so_if_it_cannot_be_written(two, monkeypatch):
    maria = at(two, "maria")
    key = next(iter(maria.state()["exercises"][0]["answers"]))["key"]
    monkeypatch.setattr(marking, "PATIENCE", 0.2)
    lock = Lock(two.folder / "records.lock")
    with pytest.raises(marking.Busy):
        maria.keep(key, 0, "")
    monkeypatch.setattr(marking, "PATIENCE", 30)
    threading.Timer(0.2, lock.release).start()
    maria.keep(key, 0, "")
    assert Counter(given(two).values()) == {None: 12, 2: 1}


def test_points_of_an_earlier_rubric_stay_when_only_the_comment_changes(two):
    maria = at(two, "maria")
    key = next(iter(maria.state()["exercises"][0]["answers"]))["key"]
    maria.keep(key, 1, "")
    two.mend("half of it", "a part of it", "private/rubric.toml")
    later = at(two, "maria")
    assert later.keep(key, marking.AS_BEFORE, "more words")["points"] == 1
    shown, = (each["mark"] for each in later.state()["exercises"][0]["answers"] if each["mark"])
    assert (shown["level"], shown["points"], shown["comment"]) == (None, 1, "more words")


@pytest.fixture
def running(two, ctrl_c_is_heard):
    """nnlab mark in a process of its own: (process, its port, its token)."""
    command = [sys.executable, "-u", "-m", "tests.grading.fakes", "never", "mark", "1", "--marker", "maria",
               "--no-browser", "--course", str(two.folder)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        for line in process.stdout:
            if "http://127.0.0.1:" in line:
                port, token = line.split("http://127.0.0.1:")[1].split("/")[:2]
                break
        yield process, int(port), token
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def ask(port: int, path: str, method: str = "GET", body: object = None, **headers: str) -> tuple[int, str, dict]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        given = {"Content-Type": "application/json", **{name.replace("_", "-"): text for name, text in headers.items()}}
        connection.request(method, path, None if body is None else json.dumps(body), given)
        reply = connection.getresponse()
        return reply.status, reply.read().decode(), dict(reply.getheaders())
    finally:
        connection.close()


def test_only_who_has_the_token_is_answered_and_a_kill_loses_nothing(two, running):
    process, port, token = running
    status, page, headers = ask(port, f"/{token}/")
    assert (status, "marking.js" in page) == (200, True)
    assert headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self'; style-src 'nonce-")
    assert not {name for name in headers if name.lower().startswith("access-control")}
    state = json.loads(ask(port, f"/{token}/state")[1])
    keys = [each["key"] for each in state["exercises"][0]["answers"]]
    mark = {"key": keys[0], "level": 0, "comment": "=1+1"}
    for path, more in [("/state", {}), ("/x/state", {}), (f"/{token[:-1]}/state", {}), (f"/{token}", {}),
                       (f"/{token}/state", {"Host": f"evil.example:{port}"}),
                       (f"/{token}/state", {"Host": "127.0.0.1"}),
                       (f"/{token}/state", {"Origin": "http://evil.example"}), (f"/{token}/state", {"Origin": "null"}),
                       (f"/{token}/state", {"Sec_Fetch_Site": "cross-site"})]:
        assert ask(port, path, **more)[0] == 403, (path, more)
        assert ask(port, path.replace("state", "mark"), "POST", mark, **more)[0] == 403, (path, more)
    assert ask(port, f"/{token}/../secret")[0] == ask(port, f"/{token}/marking.py")[0] == 404
    assert ask(port, f"/{token}/mark", "POST", mark, Content_Type="text/plain")[0] == 415
    assert ask(port, f"/{token}/mark", "POST", "x" * 70_000)[0] == 413
    for wrong in ({}, [], {**mark, "level": "0"}, {**mark, "level": True}, {**mark, "key": 3}):
        assert ask(port, f"/{token}/mark", "POST", wrong)[0] == 400
    for wrong in ({**mark, "level": 9}, {**mark, "key": "0" * 32}, {**mark, "comment": "x" * 2001}):
        assert ask(port, f"/{token}/mark", "POST", wrong)[0] == 409
    assert set(given(two).values()) == {None}

    lock = Lock(two.folder / "records.lock")  # between two marks others may write
    lock.release()
    assert ask(port, f"/{token}/mark", "POST", mark)[0] == 200
    assert ask(port, f"/{token}/mark", "POST", {**mark, "key": keys[1], "level": None, "comment": "half"})[0] == 200
    process.send_signal(signal.SIGKILL)
    process.wait()
    shown = {each["key"]: each["mark"] for each in at(two, "maria").state()["exercises"][0]["answers"]}
    assert (shown[keys[0]]["level"], shown[keys[0]]["comment"]) == (0, "=1+1")
    assert (shown[keys[1]]["points"], shown[keys[1]]["comment"]) == (None, "half")
    assert Counter(given(two).values()) == {None: 12, 2: 1}


def test_ctrl_c_says_what_is_left(two, running):
    process, port, token = running
    state = json.loads(ask(port, f"/{token}/state")[1])
    answers = state["exercises"][0]["answers"]
    assert ask(port, f"/{token}/mark", "POST", {"key": answers[0]["key"], "level": 1, "comment": ""})[0] == 200
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert f"why: 1 of {len(answers)} marked, {len(answers) - 1} left (pending)" in said
    assert len(list((two.folder / "backups").iterdir())) >= 1


def test_the_opened_file_keeps_the_token_out_of_the_browsers_command(monkeypatch, tmp_path):
    opened = []
    monkeypatch.setattr(marking_page.webbrowser, "open", opened.append)
    marking_page._show("http://127.0.0.1:5/tok/", tmp_path)
    assert "tok" not in opened[0].removeprefix(tmp_path.as_uri())
    assert 'url=http://127.0.0.1:5/tok/"' in (tmp_path / "marking.html").read_text()


def test_a_unit_with_nothing_for_people_says_so(empty, capsys):
    assert marking.summary(at_empty(empty)) == [
        "why: nothing for maria to mark: no answer is graded yet, or all are decided"]
    people = '\nmarked = "people"'
    empty.mend(people, "", "unit.toml")
    empty.kit("private/rubric.toml").unlink()
    judge = "why = Exercise('why')\nwhy.check('x', points=2)(lambda call, rng: None)\n"
    empty.kit("graded.py").write_text(fakes.GRADED + judge)
    assert empty.nnlab("mark", "1", "--no-browser") == 1
    assert "nothing in it is marked by people" in capsys.readouterr().err
