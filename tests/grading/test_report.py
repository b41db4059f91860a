"""The report: figures that an independent count gives too, copies found, chance told, nothing of a student's alive."""

from __future__ import annotations

import base64
import json
import re

import numpy as np
import pytest

from course.check import UNITS
from course.grading import charts, feedback, likeness, report
from course.grading.kit import load_kit
from course.grading.records import Submission
from course.grading.standing import Points, Standing
from course.labs.predict import Question
from tests.grading.test_feedback import BREAKERS, words

KIT = load_kit(UNITS / "01_neurons")
BANK = report.references(KIT, set())
QUESTION = Question("Which?", ("one", "two"), "two", "Because.")


def person(who: str, sources: dict | None = None, predictions: dict | None = None, **exercises) -> report.One:
    """`exercises` gives name=(visible passed, hidden passed), 2 points each."""
    standing = Standing(Submission(1, KIT.unit, who, 1, "", "", "", ""), who, 1)
    checks = {}
    for name, passed in exercises.items():
        checks[name] = [{"title": f"{kind} of {name}", "hidden": kind == "hidden", "passed": each}
                        for kind, each in zip(("visible", "hidden"), passed, strict=True)]
        standing.exercises[name] = Points(2.0 * sum(passed), 4)
    return report.One(who, standing, checks, sources or {}, predictions)


def notebook(*cells, **metadata) -> bytes:
    """(label, source) of each code cell."""
    made = [{"cell_type": "code", "metadata": {"nbgrader": {"grade_id": label}} if label else {}, "source": source}
            for label, source in cells]
    return json.dumps({"cells": made, "metadata": metadata}).encode()


# ---------------------------------------------------------------- checks and points


def test_a_check_is_counted_and_one_that_the_good_ones_fail_is_remarked():
    """Seven who pass everything else fail the hidden check of f; five who fail everything else pass it."""
    class_ = [person(f"g{n}", f=(True, False), g=(True, True), h=(True, n > 1)) for n in range(7)]
    class_ += [person(f"b{n}", f=(True, True), g=(n > 3, False), h=(False, True)) for n in range(5)]
    rows = {row["title"]: row for row in report.failing(class_)}
    assert [(title, row["failed"], row["of"]) for title, row in rows.items()][:2] == [("hidden of f", 7, 12),
                                                                                    ("hidden of g", 5, 12)]
    assert rows["hidden of f"]["remark"].startswith("7 of 12 who pass all visible checks fail it")
    passing = np.mean([(2 * (n > 3) + 2) / 8 for n in range(5)])
    losing = np.mean([(4 + 2 + 2 * (n > 1)) / 8 for n in range(7)])
    assert rows["hidden of f"]["passing"] == f"{100 * passing:.0f} %"
    assert rows["hidden of f"]["losing"] == f"{100 * losing:.0f} %"
    assert rows["hidden of g"]["remark"] == "", "who fails it fails the rest too: a check that works"
    assert rows["visible of f"]["remark"] == "everybody passes it"


def test_a_visible_check_that_the_better_half_fails_may_be_wrong():
    class_ = [person(f"a{n}", f=(False, True), g=(True, True), h=(n > 0, True)) for n in range(6)]
    class_ += [person(f"b{n}", f=(True, True), g=(False, True), h=(n > 4, False)) for n in range(6)]
    rows = {row["title"]: row["remark"] for row in report.failing(class_)}
    assert rows["visible of f"] == "who fails it does better in the rest than who passes: is the check right?"
    assert rows["visible of g"] == ""


def test_a_hidden_check_that_only_the_good_ones_pass_is_a_good_check():
    class_ = [person(f"a{n}", f=(True, n < 3), g=(n < 4, n < 3), h=(True, n < 3)) for n in range(12)]
    rows = {row["title"]: row for row in report.failing(class_)}
    assert (rows["hidden of f"]["failed"], rows["hidden of f"]["remark"]) == (9, "")


def test_who_fails_the_visible_checks_says_nothing_against_a_hidden_one():
    class_ = [person(f"a{n}", f=(n < 6, n < 5), g=(True, n % 2 > 0)) for n in range(12)]
    rows = {row["title"]: row for row in report.failing(class_)}
    assert (rows["hidden of f"]["failed"], rows["hidden of f"]["remark"]) == (7, "")


def test_of_few_and_by_chance_no_remark_is_made():
    assert {row["remark"] for row in report.failing([person(f"a{n}", f=(True, False)) for n in range(4)])} == {""}
    rng = np.random.default_rng(3)
    class_ = [person(f"a{n}", **{name: tuple(rng.random(2) < 0.8) for name in "fghi"}) for n in range(40)]
    assert sum(bool(row["remark"]) for row in report.failing(class_)) <= 1, "8 checks, each by chance 2 times in 100"


def test_the_points_are_those_of_the_record_and_what_is_pending_is_left_out():
    class_ = [person(f"a{n}", f=(n > 0, n > 1), g=(True, False)) for n in range(5)]
    assert report.spread(class_)["words"].startswith("5 hand-ins have 2 to 6 of 8 points; the middle one has 6, half")
    class_[4].standing.exercises["g"] = Points(None, 4)
    spread = report.spread(class_)
    assert spread["words"] == ("Without g, where something is pending: 5 hand-ins have 0 to 4 of 4 points; the middle "
                               "one has 4, half of them have 2 to 4.")
    rows = [tuple(row.values()) for row in spread["exercises"]]
    assert rows == [("f", "70 %", 3, 1, 5, 0), ("g", "50 %", 0, 0, 4, 1)]


# ---------------------------------------------------------------- likeness


def test_a_copy_with_other_names_numbers_and_comments_is_wholly_alike():
    text = BANK[0]["perceptron_fit"]
    other = "# all mine\n" + re.sub(r"\bw\b", "weights", text.replace("mistakes", "count")).replace("0.0", "0.00")
    assert other != text
    plain = likeness.compare([{"f": text}, {"f": other}, {"f": BANK[3]["perceptron_fit"]}]).exercises["f"]
    assert plain[0, 1] == 1
    assert plain[0, 2] < 0.6
    assert likeness.compare([{"f": text}, {"f": other}], as_written=True).whole[0, 1] < 0.8


def test_the_share_is_what_counting_by_hand_gives_and_what_is_short_is_not_compared():
    rng = np.random.default_rng(5)
    texts = [" ".join(rng.choice(["if", "for", "+", "-", "(", "in"], 60)) for _ in range(3)]
    short = " ".join(texts[0].split()[:24])
    people = [{"f": texts[0], "g": texts[1]}, {"f": texts[1], "g": texts[1] + texts[2]}, {"f": short}]
    found = likeness.compare(people)

    def tuples(text):
        split = text.replace("(", " ( ").split()
        return {tuple(split[n:n + 6]) for n in range(len(split) - 5)}

    both, of = 0, 0
    for name in "fg":
        one, other = (tuples(each[name]) for each in people[:2])
        assert found.exercises[name][0, 1] == pytest.approx(2 * len(one & other) / (len(one) + len(other)), rel=1e-6)
        both, of = both + len(one & other), of + len(one) + len(other)
    assert found.whole[0, 1] == pytest.approx(2 * both / of, rel=1e-6)
    assert np.isnan(found.whole[2]).all(), "19 runs of six, one too few"


def test_what_was_given_is_taken_away():
    given = {"def f(x):", "return x"}
    assert likeness.own("def f(x):\n    y  = 2\n    return  x", given) == "    y  = 2"


def test_solutions_are_found_by_label_or_by_what_a_cell_defines():
    data = notebook(("f", "def f(): 1"), ("h", "f = 2"), (None, "def g(): 3"), ("x", "def fg(): 4"))
    assert likeness.sources(data, ["f", "g", "none"]) == {"f": "def f(): 1\nf = 2", "g": "def g(): 3"}
    odd = json.loads(data)
    odd["cells"] += [None, 7, {"cell_type": "code", "source": 5}, {"cell_type": "code", "metadata": []}]
    assert "f" in likeness.sources(json.dumps(odd).encode(), ["f"]), "an odd cell hides nothing"


@pytest.mark.parametrize("data", [b"", b"[" * 100_000, b"{}", b'{"cells": 3}', b"\xff", b'{"cells": {"a": 1}}'])
def test_what_is_no_notebook_is_nobodys_source(data):
    assert likeness.sources(data, ["f"]) == {}


@pytest.mark.parametrize("text", ["'" * 40_000, '"""' * 13_000, "'\\" * 20_000, "a." * 20_000, "1" * 40_000])
def test_no_text_takes_long_to_cut_up(text):
    likeness.runs(text)  # a pattern that goes back and forth would take minutes


def test_a_pair_is_shown_with_the_chance_that_the_bank_tells():
    """Two have one text; the others have the bank's, which the bank then has too."""
    class_ = [person("ann", BANK[1]), person("bob", BANK[2]), person("cy", {**BANK[1], "scaled": "x = 1"})]
    found = report.alike(class_, BANK[3:])
    assert (found["pairs"][0]["one"], found["pairs"][0]["other"]) == ("ann", "cy")
    assert found["compared"] == 3
    assert found["chance"] == 3 * len(BANK[3:])
    people = likeness.compare([one.sources for one in class_] + BANK[3:]).whole
    assert found["pairs"][-1]["chance"] == (people[:3, 3:] >= min(people[0, 1], people[1, 2])).sum() > 0
    assert "too short" not in [text["share"] for pair in found["pairs"] for text in pair["texts"]]


# ---------------------------------------------------------------- predictions


def test_predictions_are_counted_of_those_who_handed_them_in_and_only_known_choices(monkeypatch):
    monkeypatch.setattr(report, "_questions", lambda kit: {"1a": QUESTION, "1b": QUESTION})
    told = [{"1a": {"choice": "one"}}, {"1a": {"choice": "two"}, "1b": "x"}, {"1a": {"choice": "<b>"}}, {"1a": 3}, {},
            {"1a": {"choice": "two", "right": False}}, {"1a": {"choice": ["two"]}}]
    found = report.predicted(KIT, [*(person("a", predictions=each) for each in told), person("b")])
    assert found["people"] == 7
    question, = found["questions"]
    assert [(each["text"], each["count"], each["percent"], each["right"]) for each in question["choices"]] == [
        ("one", 1, "33", False), ("two", 2, "67", True)]


def test_the_questions_are_those_of_the_units_labs():
    assert set(report._questions(KIT)) <= set(KIT.about["labs"])
    assert report._questions(KIT)["1a"].answer in report._questions(KIT)["1a"].choices


# ---------------------------------------------------------------- the page


def test_nothing_of_a_students_is_alive_on_the_page(monkeypatch):
    def made(text):
        sources = {"perceptron_fit": f"{text}\n{BANK[0]['perceptron_fit']}"}
        who = feedback.clean(f"{text}, {text}", 200)
        class_ = [person(who, sources, {text: {"choice": text}}, f=(True, False)) for n in range(3)]
        return report.page(KIT, class_, [])

    harmless = made("x")
    assert harmless.count("<pre") == 6, "three pairs, both sides"
    monkeypatch.setattr(charts, "_data", lambda figure: "data:,")
    monkeypatch.setattr(report, "_questions", lambda kit: {"1a": QUESTION})
    for text in BREAKERS:
        page = made(text)
        assert page.count("<") == harmless.count("<"), text
        assert not set(page) & set("\x1b\x00\x07\x08\x7f\u202e\u2066\u200f\ud800\x85\u2028\ufeff"), text
    assert "default-src 'none'" in harmless
    assert not re.search(r"https?://|<script|javascript:", re.sub(r"data:[^\"]*", "", harmless))
    assert all(re.search(r'alt="[^"]{20,}"', image) for image in re.findall(r"<img[^>]*>", harmless))
    for data in re.findall(r"base64,([^\"]*)", harmless):
        assert b"<script" not in base64.b64decode(data)


def test_a_checks_title_is_drawn_as_it_stands():
    class_ = [person(f"a{n}", **{"f": (True, False)}) for n in range(5)]
    for one in class_:
        one.exercises["f"][0]["title"] = "costs $x^{$ and \\frac < 5"
    assert "costs $x^{$ and \\frac &lt; 5" in report.page(KIT, class_, [])


def test_the_command_reads_the_record_and_what_was_handed_in(course, capsys):
    code = BANK[0]["perceptron_fit"].replace("perceptron_fit", "alpha")
    hand = {name: {"alpha": 7, "beta": 2, **json.loads(notebook(("alpha", code), nnlab={"predictions": {}}))}
            for name in ("dee", "<b>eve</b>")}
    assert course.nnlab("report", "1") == 1
    assert "nothing is graded yet: nnlab grade 1" in capsys.readouterr().err
    given = "return w, b, mistakes"
    author = f"def alpha():\n    ### BEGIN SOLUTION\n    return 7\n    ### END SOLUTION\n    {given}"
    assert given in code
    course.kit("private/assignment.ipynb").write_bytes(notebook(("alpha", author)))
    unusual = {"alpha": {"all of it": code, "another": BANK[3]["perceptron_fit"]}, "beta": {}}
    course.kit("private/mutants.py").write_text(f"MUTANTS = {{'alpha': {{}}, 'beta': {{}}}}\nBENIGN = {unusual!r}\n")
    assert course.nnlab("collect", "1", course.hand_in(hand)) == 0
    course.judged()
    capsys.readouterr()
    assert course.nnlab("report", "1") == 0
    out = course.folder / "reports" / "01_small.html"
    assert str(out) in capsys.readouterr().out
    said = words(out.read_text())
    assert "made on" in said
    assert "of 7 hand-ins" in said
    assert "alpha: at least 5 (hidden) 3 of 7" in said
    assert "&lt;b&gt;eve&lt;/b&gt; and dee : 100 %" in said
    assert given not in out.read_text()
    assert "for _ in range(epochs):" in out.read_text()
    assert "the bank has 3 right solutions" in said
    assert "Of the 4 pairs of a student and one of these, the most alike ( &lt;b&gt;eve&lt;/b&gt; ) share 100 %" in said
    assert "So alike or more are 2 of the 4 pairs" in said
    assert "2 of 7 handed in the predictions" in said
    assert "reports/" in (course.folder / ".gitignore").read_text()
