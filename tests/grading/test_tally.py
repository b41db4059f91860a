"""What counts: through the commands, with every rule of course.toml, each total worked out by hand beside it."""

from __future__ import annotations

import csv
import datetime as dt
import io
import os
import re
import zipfile

import pytest

from course.grading import intake, office, records, tally
from tests.grading import fakes
from tests.grading.conftest import Course

UNITS = ("01_small", "02_other", "03_third")
UNMARKED = 'name = "why"\nkind = "predict"\nmarked = "people"\npoints = 2\nminutes = 5\n'
FULL, SEVEN, NONE = {"alpha": 7, "beta": 2}, {"alpha": 7, "beta": 1}, {"alpha": 0, "beta": 1}  # 6.5, 4, 0 points
HALF = {"alpha": 0, "beta": 4}  # 2.5


class Term(Course):
    """Three units without an exercise that waits for people; `rules` writes course.toml."""

    def rules(self, top: str = "", **units: str) -> None:
        text = f'name = "x"\ntimezone = "Europe/Berlin"\n{top}\n'
        for unit in UNITS:
            text += f'[units.{unit}]\nversion = "1.0"\n{units.get("u" + unit[1], "")}\n'
        (self.folder / "course.toml").write_text(text, encoding="utf-8")

    def takes(self, unit: str, students: dict, written: str = "2026-06-01T10:00:00+00:00") -> None:
        assert self.nnlab("collect", unit, self.hand_in(students, written=written)) == 0

    def graded(self, unit: str) -> dict[str, dict[str, str]]:
        assert self.nnlab("grade", unit, "--jobs", "1") == 0
        return self.read(unit)

    def read(self, unit: str) -> dict[str, dict[str, str]]:
        file = self.folder.parent / "grades.csv"
        assert self.nnlab("grades", unit, "--csv", file) == 0
        return {row["student"]: row for row in csv.DictReader(io.StringIO(file.read_text("utf-8-sig"), newline=""))}


@pytest.fixture
def term(tmp_path, monkeypatch) -> Term:
    fakes.install(lambda *what: monkeypatch.setattr(*what, raising=False))
    for unit in UNITS:
        fakes.write_kit(tmp_path / "kits", unit)
        toml = tmp_path / "kits" / unit / "unit.toml"
        assert UNMARKED in toml.read_text()
        toml.write_text(toml.read_text().replace("[[exercise]]\n" + UNMARKED, ""))
        (tmp_path / "kits" / unit / "private" / "rubric.toml").unlink()
    return Term(office.new_office(tmp_path / "course", tmp_path / "kits").folder)


def three(row: dict[str, str]) -> tuple[str, str, str]:
    return row["raw"], row["penalty"], row["total"]


DUE = "due = 2026-06-01T12:00:00"  # 10:00 UTC


def test_raw_points_and_penalty_are_kept_apart(term, capsys):
    term.rules("late = {percent = 10}", u1=DUE + "\nextensions = {cem = 2}")
    term.takes("1", {"ann": FULL})
    term.takes("1", {"bob": FULL, "cem": FULL}, "2026-06-02T10:00:01+00:00")
    found = term.graded("1")
    assert three(found["ann"]) == ("6.5", "0", "6.5")
    assert three(found["bob"]) == ("6.5", "1.3", "5.2")  # two days begun
    assert three(found["cem"]) == ("6.5", "0", "6.5")
    assert found["bob"]["notes"] == "late by 1 d 1 min, 2 days begun: 20 % off"
    assert found["cem"]["notes"] == ""
    capsys.readouterr()
    assert term.nnlab("grades", "1") == 0
    assert "bob\t4\t2.5\t6.5\t1.3\t5.2\t6.5\tlate by" in capsys.readouterr().out
    assert term.nnlab("feedback", "1") == 0
    page = (term.folder / "feedback" / "01_small" / "bob.html").read_text()
    assert "5.2 of 6.5 points; late by 1 d 1 min, 2 days begun: 20 % off" in page


def test_left_to_the_lms_it_is_recorded_and_not_subtracted(term):
    term.rules('late = "lms"', u1=DUE)
    term.takes("1", {"bob": FULL}, "2026-06-02T10:00:01+00:00")
    row = term.graded("1")["bob"]
    assert (three(row), row["notes"]) == (("6.5", "0", "6.5"), "late by 1 d 1 min: the LMS decides")


def test_a_deadline_that_is_moved_holds_for_what_is_graded(term):
    term.rules("late = {percent = 10}", u1=DUE)
    term.takes("1", {"bob": FULL}, "2026-06-01T10:00:01+00:00")
    assert three(term.graded("1")["bob"]) == ("6.5", "0.65", "5.85")
    term.rules("late = {percent = 10}\ngrace = 1", u1=DUE)
    assert three(term.read("1")["bob"]) == ("6.5", "0", "6.5")


def test_a_hand_in_from_the_future_is_taken_at_its_collection_and_noted(term, monkeypatch):
    monkeypatch.setattr(records, "now", lambda: "2026-06-01T09:00:00+00:00")
    term.rules("late = {percent = 10}", u1=DUE)
    term.takes("1", {"ann": FULL}, "2031-06-01T10:00:00+00:00")
    row = term.graded("1")["ann"]
    assert three(row) == ("6.5", "0", "6.5")
    assert row["notes"] == ("its time, 2031-06-01 12:00:00+02:00, lies after its collection, 2026-06-01 "
                            "11:00:00+02:00, which counts")


# ---------------------------------------------------------------- latest, best


def test_the_latest_attempt_counts_or_the_best_after_its_penalty(term):
    rules = "late = {percent = 30}\nattempt = "
    term.rules(rules + '"best"', u1=DUE)
    term.takes("1", {"ann": SEVEN, "bob": HALF, "cem": SEVEN})
    # a day late 6.5 is 4.55, more than 4; two days late 2.6, less than 4
    term.takes("1", {"ann": FULL, "bob": FULL}, "2026-06-02T10:00:00+00:00")
    term.takes("1", {"cem": FULL}, "2026-06-03T10:00:00+00:00")
    best = term.graded("1")
    assert {name: three(row) for name, row in best.items()} == {
        "ann": ("6.5", "1.95", "4.55"), "bob": ("6.5", "1.95", "4.55"), "cem": ("4", "0", "4")}
    term.rules(rules + '"latest"', u1=DUE)
    assert three(term.read("1")["cem"]) == ("6.5", "3.9", "2.6")


def test_where_the_best_counts_an_earlier_attempt_is_judged_too(term):
    term.rules('attempt = "best"')
    term.takes("1", {"ann": FULL})
    term.takes("1", {"ann": NONE})
    assert three(term.graded("1")["ann"]) == ("6.5", "0", "6.5")
    assert term.nnlab("override", "1", "ann", "alpha", "1", "--reason", "copied") == 0
    assert three(term.read("1")["ann"]) == ("3.5", "0", "3.5")
    term.rules()
    assert three(term.read("1")["ann"]) == ("1", "0", "1")


@pytest.mark.parametrize(("attempt", "first", "second", "raw"), [
    ("latest", FULL, NONE, "0"), ("latest", NONE, FULL, "6.5"), ("best", FULL, NONE, "6.5"),
    ("best", NONE, FULL, "6.5")])
def test_of_two_attempts_in_the_same_second_the_one_taken_in_last_is_the_latest(term, attempt, first, second, raw):
    term.rules(f'attempt = "{attempt}"\nlate = {{percent = 10}}', u1=DUE)
    term.takes("1", {"ann": first})
    term.takes("1", {"ann": second})
    assert three(term.graded("1")["ann"]) == (raw, "0", raw)


def test_a_mended_check_judges_every_attempt_again_where_the_best_counts(term, capsys):
    term.rules('attempt = "best"')
    term.takes("1", {"ann": {"alpha": 4, "beta": 4}})  # 1 + 2.5
    term.takes("1", {"ann": {"alpha": 4, "beta": 1}})  # 1
    assert three(term.graded("1")["ann"]) == ("3.5", "0", "3.5")
    term.mend("call() < 5", "call() < 4")
    capsys.readouterr()
    assert term.nnlab("regrade", "1", "--jobs", "1", "--yes") == 0
    assert "ann: alpha 1 -> 4" in capsys.readouterr().out
    assert three(term.read("1")["ann"]) == ("6.5", "0", "6.5")


def test_collect_says_who_is_missing_and_whom_nobody_knows(term, capsys):
    term.rules(u1='groups = [["cem", "dora"]]\nexcused = ["eva"]')
    term.takes("1", {"ann": FULL})
    assert "nothing yet" not in capsys.readouterr().out  # one notebook is for all, as far as anybody knows
    notebook = {"unit": "01_small", "version": "1.0", "kit": "k", "file": "f", "sha256": "s"}
    with records.Records(term.folder, write=True) as book:
        book.add_releases([{**notebook, "student": name} for name in ("ann", "bob", "cem", "dora", "eva", "finn")])
    term.takes("1", {"cem": FULL, "Ann Adams": FULL})
    said = capsys.readouterr().out
    assert "  no notebook was made for Ann Adams: does the roster" in said
    assert "  handed in nothing yet: bob, finn\n" in said
    term.takes("1", {"bob": FULL, "finn": FULL})
    assert "nothing yet" not in capsys.readouterr().out
    term.takes("2", {"Ann Adams": FULL})  # what was given of another unit says nothing of this one
    assert "no notebook was made" not in capsys.readouterr().out


# ---------------------------------------------------------------- free days, groups, excused, dropped


def test_free_days_are_used_up_in_the_order_of_the_deadlines(term):
    term.rules("late = {days = 3, percent = 20}", u1="due = 2026-07-01T12:00:00", u2=DUE,
               u3="due = 2026-08-01T12:00:00\nexcused = ['bob']")
    term.takes("2", {"ann": FULL, "bob": FULL}, "2026-06-03T10:00:00+00:00")  # 2 days, free
    term.takes("1", {"ann": FULL, "bob": FULL}, "2026-07-03T10:00:00+00:00")  # 2 days, 1 of them free
    term.takes("3", {"ann": FULL, "bob": FULL}, "2026-08-02T10:00:00+00:00")  # 1 day, none free
    assert three(term.graded("2")["ann"]) == ("6.5", "0", "6.5")
    assert three(term.graded("1")["ann"]) == ("6.5", "1.3", "5.2")
    third = term.graded("3")
    assert three(third["ann"]) == ("6.5", "1.3", "5.2")
    assert three(third["bob"]) == ("6.5", "0", "excused")


def test_one_hand_in_of_a_group_is_a_row_for_each(term):
    term.rules("late = {percent = 10}", u1=DUE + '\ngroups = [["ann", "bob", "cem"]]\nextensions = {bob = 1}\n'
                                                 'excused = ["cem"]')
    term.takes("1", {"bob": FULL}, "2026-06-02T10:00:00+00:00")
    term.takes("1", {"ann": NONE, "dora": HALF})  # taken in later, but older: bob's is the newest of the group
    found = term.graded("1")
    assert {name: three(row) for name, row in found.items()} == {
        "ann": ("6.5", "0.65", "5.85"), "bob": ("6.5", "0", "6.5"), "cem": ("6.5", "0", "excused"),
        "dora": ("2.5", "0", "2.5")}
    assert found["ann"]["notes"].startswith("handed in by bob; late by 1 d")
    assert term.nnlab("override", "1", "bob", "alpha", "2", "--reason", "one for all") == 0
    assert [three(term.read("1")[name])[0] for name in ("ann", "bob")] == ["4.5", "4.5"]
    assert term.nnlab("override", "1", "ann", "alpha", "0", "--reason", "did nothing") == 0
    assert [three(term.read("1")[name])[0] for name in ("ann", "bob")] == ["2.5", "4.5"]
    assert term.nnlab("feedback", "1") == 0
    pages = {path.stem for path in (term.folder / "feedback" / "01_small").iterdir()}
    assert pages == {"ann", "bob", "cem", "dora"}


def test_who_is_excused_has_a_row_without_a_hand_in_and_no_zero(term):
    term.rules(u1='excused = ["Žofie", "007"]')
    term.takes("1", {"ann": FULL})
    found = term.graded("1")
    assert list(found) == ["007", "ann", "Žofie"]
    assert (three(found["007"]), found["007"]["of"]) == (("", "", "excused"), "")


def test_the_whole_course_with_the_lowest_dropped(term):
    term.rules("drop_lowest = 1\nlate = {percent = 50}", u1=DUE, u2='excused = ["bob"]')
    term.takes("1", {"ann": FULL, "cem": FULL}, "2026-06-01T10:00:01+00:00")  # 3.25 each
    term.takes("2", {"ann": SEVEN})
    assert term.graded("1")
    assert term.graded("2")
    term.takes("3", {"ann": FULL})  # not graded: no column
    found = term.read("all")
    assert list(found["ann"]) == ["student", "01_small", "02_other", "dropped", "total", "of"]
    assert [list(row.values()) for row in found.values()] == [
        ["ann", "3.25", "4", "01_small", "4", "6.5"],
        ["bob", "", "excused", "", "0", "6.5"],  # one unit left: it stays
        ["cem", "3.25", "", "02_other", "3.25", "6.5"]]
    assert term.graded("3")
    assert list(term.read("all")["ann"].values()) == ["ann", "3.25", "4", "6.5", "01_small", "10.5", "13"]
    term.rules("late = {percent = 50}", u1=DUE)
    assert list(term.read("all")["cem"].values()) == ["cem", "3.25", "", "", "", "3.25", "19.5"]


def test_pending_is_never_0_in_the_whole_course(course):
    (course.folder / "course.toml").write_text('name = "x"\ndrop_lowest = 1\n[units.01_small]\nversion = "1.0"\n')
    assert course.nnlab("grade", "1", "--jobs", "1") == 0
    with records.Records(course.folder) as book:
        rows = tally.course(office.open_office(course.folder), book)
    assert rows[3] == ["ann", "pending", "", "pending", "8.5"]


# ---------------------------------------------------------------- the time of a file


def test_the_time_comes_from_the_folder_or_the_zip(tmp_path):
    (tmp_path / "in").mkdir()
    file = tmp_path / "in" / "ann.ipynb"
    file.write_text('{"cells": []}')
    os.utime(file, (0, dt.datetime(2026, 10, 25, 0, 30, 1, tzinfo=dt.UTC).timestamp() + .75))
    assert [row.written for row in intake.collect(tmp_path / "in")] == ["2026-10-25T00:30:01+00:00"]
    os.utime(file, (0, 2**40))
    assert [row.written for row in intake.collect(tmp_path / "in")] == [""]
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as zipped:
        for name, time in (("ann", (2026, 10, 25, 2, 30, 2)), ("bob", (1980, 0, 0, 0, 0, 0)),
                           ("cem", (2026, 2, 31, 5, 3, 4))):
            info = zipfile.ZipInfo(f"{name}.ipynb")
            info.date_time = time
            zipped.writestr(info, '{"cells": []}')
    assert [row.written for row in intake.collect(tmp_path / "in.zip")] == ["2026-10-25T02:30:02", "", ""]


def test_an_unknown_word_ends_every_command_in_one_line(term, capsys):
    term.rules(u1="deu = 2026-06-01T12:00:00")
    for command in ("grade", "grades", "feedback"):
        assert term.nnlab(command, "1") == 1
        assert re.fullmatch(r"nnlab: .*\[units.01_small\]: unknown word 'deu'; did you mean 'due'\?\n",
                            capsys.readouterr().err)
