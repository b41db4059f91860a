"""The judge on honest submissions: points, reasons, and that one bad exercise never costs another."""

import dataclasses
import hashlib

import pytest

from course.grading import attempt
from course.grading.judge import judge, seed
from course.grading.kit import load_kit
from tests.grading.small import ANSWER, HIDDEN, TOML, notebook, write_kit
from tests.needs import needs

needs("bwrap")

FULL = {"scaled": 4, "Counter": 2, "answer": 2, "why": None}


@pytest.fixture(scope="module")
def kit(tmp_path_factory):
    return load_kit(write_kit(tmp_path_factory.mktemp("kits") / "77_small"))


def graded(kit, data, student="ann", **more):
    return judge(data, kit, student, b"secret", "bubblewrap", **more)


def points(result):
    return {each.name: each.points for each in result.exercises}


def reasons(result, name):
    return [check.reason for check in next(each for each in result.exercises if each.name == name).checks]


def one(result, name):
    return next(each for each in result.exercises if each.name == name)


def test_a_right_submission_gets_full_marks_and_prose_waits_for_a_person(kit):
    result = graded(kit, notebook())
    assert points(result) == FULL
    assert one(result, "why").status == "pending"
    assert one(result, "why").prose == "Because."
    assert one(result, "scaled").output == "scaling\n" * 2  # of the visible run, not of the hidden one
    assert result.notes == []
    assert result.level == "bubblewrap"


def test_each_check_counts_by_itself(kit):
    wrong = "def scaled(x, n):\n    return 2 * x"
    result = graded(kit, notebook(scaled=wrong))
    assert points(result) == FULL | {"scaled": 1}
    assert reasons(result, "scaled")[0] == ""
    assert "ValueError" not in reasons(result, "scaled")[2]


def test_a_hidden_check_says_its_symptom_and_the_record_keeps_its_reason(kit):
    result = graded(kit, notebook(scaled="def scaled(x, n):\n    return 2 * np.asarray(x)"))
    check = one(result, "scaled").checks[2]
    assert (check.hidden, check.symptom, check.reason) == (True, "other factors are wrong", "HIDDENREASON")


@pytest.mark.parametrize(("name", "body", "words"), [
    ("segfault", "import ctypes\ndef scaled(x, n):\n    ctypes.string_at(0)", "crashed"),
    ("exit", "import os\ndef scaled(x, n):\n    os._exit(0)", "ended by itself"),
    ("sys.exit", "import sys\ndef scaled(x, n):\n    sys.exit(0)", "SystemExit"),
    ("endless loop", "def scaled(x, n):\n    while True: pass", "endless loop"),
    ("recursion", "def scaled(x, n):\n    return scaled(x, n)", "RecursionError"),
    ("too much memory", "def scaled(x, n):\n    return np.ones(10**9)", "MemoryError"),
    ("too large", "def scaled(x, n):\n    return np.ones((40, 30))", "too large"),
    ("input", "def scaled(x, n):\n    return input()", "EOFError"),
    ("no return", "def scaled(x, n):\n    2 * x", "not written yet"),
    ("in place", "def scaled(x, n):\n    x *= n\n    return x", "argument x in place"),
    ("a number", "scaled = 3", "is a int; it must be scaled(x, n)"),
    ("fails at load", "raise ValueError('oh')\nscaled = 1", "is a int"),
    ("never made", "if False:\n    scaled = 1", "scaled is not there"),
    ("at load, endless", "while True: pass\nscaled = 1", "endless loop"),
])
def test_what_goes_wrong_in_one_exercise_costs_no_other(kit, name, body, words):
    result = graded(kit, notebook(scaled=body))
    assert points(result)["scaled"] == 0, reasons(result, "scaled")
    assert words in " ".join(reasons(result, "scaled"))
    assert points(result)["answer"] == 2
    assert points(result)["Counter"] == 2


def test_an_endless_loop_in_one_case_costs_only_its_check(kit):
    body = "def scaled(x, n):\n    while n == 2: pass\n    return n * np.asarray(x)"
    assert points(graded(kit, notebook(scaled=body)))["scaled"] == 3


def test_an_error_names_the_students_line(kit):
    result = graded(kit, notebook(scaled="def scaled(x, n):\n    return x + missing_name"))
    assert "line 2 of <scaled>: return x + missing_name" in reasons(result, "scaled")[0]
    assert "NameError" in reasons(result, "scaled")[0]
    assert one(result, "scaled").error == "NameError line 2 of <scaled>: return x + missing_name"


def test_numpys_warnings_are_errors_where_the_check_says_so(kit):
    body = "def scaled(x, n):\n    np.exp(np.asarray([1e4]))\n    return n * np.asarray(x)"
    result = graded(kit, notebook(scaled=body))
    assert points(result)["scaled"] == 3
    assert "FloatingPointError" in reasons(result, "scaled")[1]


def test_what_another_exercise_lacks_blocks_and_the_reference_never_steps_in(kit):
    result = graded(kit, notebook(scaled="def scaled(x, n):\n    ..."))
    assert one(result, "Counter").status == "blocked"
    assert points(result) == {"scaled": 0, "Counter": 0, "answer": 2, "why": None}


def test_nothing_of_its_name_is_missing(kit):
    result = graded(kit, notebook(answer="reply = 3"))
    assert one(result, "answer").status == "missing"
    assert one(result, "answer").points == 0


def test_a_variant_is_the_students_own_and_theirs_is_not_anothers(kit):
    k = graded(kit, notebook(answer="answer = VARIANT['answer']['k']\nprint(answer)"))
    mine = int(one(k, "answer").output) + 1
    assert points(graded(kit, notebook(answer=f"answer = {mine}")))["answer"] == 2
    assert points(graded(kit, notebook(answer=f"answer = {mine}"), student="bob"))["answer"] == 0
    flagged = graded(kit, notebook(answer=f"answer = {mine}"), student="bob", given={"1.0": ["cid", "ann", "bob"]})
    assert one(flagged, "answer").flags == ["right for the variant of ann"]
    assert points(flagged)["answer"] == 0
    right = graded(kit, notebook(answer=f"answer = {mine}"), given={"1.0": ["cid", "ann", "bob"]})
    assert one(right, "answer").flags == []


def test_of_a_notebook_for_all_everybody_has_the_same_numbers(kit):
    def number(student, given):
        result = graded(kit, notebook(answer=f"{ANSWER}\nprint(answer)"), student, given=given)
        assert points(result) == FULL
        return one(result, "answer").output, any("was made for" in note for note in result.notes)

    alike = number("ann", {"1.0": [""]})
    assert alike == number("bob", {"1.0": [""]})
    anns, bobs = number("ann", {"1.0": ["ann", "bob"]}), number("bob", {"1.0": ["ann", "bob"]})
    assert len({alike, anns, bobs}) == 3
    assert not any(warned for _, warned in (alike, anns, bobs))
    assert number("ann", {"0.9": [""]}) == anns, "what was never released by this command"
    assert number("ann", {"1.0": ["bob"]}) == (alike[0], True), "whom it was not made for"


@pytest.fixture(scope="module")
def former(tmp_path_factory):
    """Version 0.9, in which scaled had no hidden checks."""
    toml = TOML.replace('version = "1.0"', 'version = "0.9"')
    toml = toml.replace("points = 4\nhidden = 2", "points = 2\nhidden = 0")
    hidden = HIDDEN.split('scaled = Exercise("')[0] + HIDDEN.split('"HIDDENREASON")\n\n', 2)[2]
    return write_kit(tmp_path_factory.mktemp("former") / "77_small", toml, hidden=hidden)


def test_what_is_of_a_former_version_is_graded_by_that_one(kit, former):
    only_visible = "def scaled(x, n):\n    return n * x"  # fails 1.0's hidden check of a list
    old, new = (notebook(scaled=only_visible, version=version) for version in ("0.9", "1.0"))
    known = {"older": {"0.9": str(former)}, "given": {"0.9": ["ann"], "1.0": ["ann", "bob"]}}
    assert points(graded(kit, new, **known)) == {**FULL, "scaled": 3}
    by_old = graded(kit, old, **known)
    assert points(by_old) == {**FULL, "scaled": 2}
    assert (by_old.version, by_old.kit, by_old.notes) == ("0.9", load_kit(former).hash, [])
    assert by_old.submission == hashlib.sha256(old).hexdigest()
    # Who was never given it, or names one that never was, is graded by the version that is assigned.
    for student, data in (("bob", old), ("ann", notebook(scaled=only_visible, version="0.8"))):
        result = graded(kit, data, student, **known)
        assert (result.version, points(result)["scaled"]) == ("1.0", 3)
        assert "it was graded by 1.0" in result.notes[-1]
    other = graded(kit, notebook(unit="78_other", version="0.9"), **known)
    assert (other.version, other.kit) == ("1.0", kit.hash)


def test_a_variants_floats_and_words_arrive_too(kit):
    body = "v = VARIANT['answer']\nanswer = v['k'] + int(v['half'] * 2) * (v['where'] == 'inside')"
    assert points(graded(kit, notebook(answer=body))) == FULL


def test_what_is_not_there_when_its_cell_has_run_is_said_by_every_check(kit):
    for reason in reasons(graded(kit, notebook(scaled="scaled = missing_helper")), "scaled"):
        assert reason.startswith("scaled is not there when its cells have run. ")
        assert "NameError: name 'missing_helper' is not defined" in reason
    for reason in reasons(graded(kit, notebook(scaled="scaled = 3")), "scaled"):
        assert reason == "scaled is a int; it must be scaled(x, n)."


def test_a_variant_that_the_notebook_sets_is_not_believed(kit):
    assert points(graded(kit, notebook(imports="import numpy as np\nVARIANT = {'answer': {'k': 0}}")))["answer"] == 2


def test_the_same_bytes_get_the_same_grade_and_the_same_inputs(kit):
    body = "def scaled(x, n):\n    print(x)\n    return n * np.asarray(x)"
    once, twice = (dataclasses.replace(graded(kit, notebook(scaled=body)), seconds=0) for _ in range(2))
    assert once == twice


def test_other_bytes_get_other_inputs(kit):
    body = "def scaled(x, n):\n    print(x)\n    return n * np.asarray(x)"
    one_, other = (one(graded(kit, notebook(scaled=body, why=why)), "scaled").output for why in ("a", "b"))
    assert one_.split("]")[0] != other.split("]")[0]


def test_seeds_keep_their_words_apart():
    assert seed(b"k", "a", "bc") != seed(b"k", "ab", "c")
    assert seed(b"k", "a") != seed(b"l", "a")


def test_what_is_no_notebook_is_refused_with_the_reason(kit):
    for data, words in ((b"", "empty"), (b"%PDF-\xff", "no text"), (b"x" * 5_000_001, "clear its outputs")):
        result = graded(kit, data)
        assert words in result.refused
        assert [each.points for each in result.exercises] == [0, 0, 0, 0]  # nothing is left for a person to mark


def test_a_wrong_unit_or_version_is_noted(kit):
    assert "of the unit '01_x'" in graded(kit, notebook(unit="01_x")).notes[0]
    assert "of version 0.9" in graded(kit, notebook(version="0.9")).notes[0]


def test_a_result_comes_back_from_what_is_stored(kit):
    result = graded(kit, notebook())
    assert type(result).from_dict(result.as_dict()) == result


def test_all_visible_checks_run_before_any_hidden_one(kit, monkeypatch):
    """What a hidden run was given could reach a later visible run through the machine, and its output is shown."""
    order, reasons = [], attempt.Run.reasons
    monkeypatch.setattr(attempt.Run, "reasons", lambda run: order.append(run.exercise) or reasons(run))
    graded(kit, notebook())
    visible, hidden = list(kit.visible.values()), list(kit.hidden.values())
    assert order == visible + hidden


def test_a_cell_means_what_it_means_in_a_notebook(kit):
    """Its annotations are values there, not the texts that our own files make of theirs."""
    body = "def f(x: int): ...\nanswer = VARIANT['answer']['k'] + (f.__annotations__['x'] is int)"
    assert points(graded(kit, notebook(answer=body)))["answer"] == 2


def test_a_line_is_named_wherever_it_stands_in_its_cell(kit):
    body = "y = 1\ndef scaled(x, n):\n    return missing_name\nz = 2"
    assert one(graded(kit, notebook(scaled=body)), "scaled").error == (
        "NameError line 3 of <scaled>: return missing_name")
