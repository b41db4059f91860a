"""A kit is read strictly: what does not add up is named with its place and what would be right."""

import pytest

from course.grading.kit import KitError, load_kit
from tests.grading.small import GRADED, HIDDEN, RUBRIC, TOML, write_kit


def test_a_sound_kit_is_read(tmp_path):
    kit = load_kit(write_kit(tmp_path / "kit"))
    assert (kit.unit, kit.version, kit.points) == ("77_small", "1.0", 10)
    assert kit.limits == {"cpu_seconds": 1, "memory_mb": 600, "numbers": 1000}
    assert kit.asked("Counter").needs == ("scaled",)
    assert [step["points"] for step in kit.rubrics["why"]] == [2, 0]


def test_a_students_kit_is_read_without_its_private_part(tmp_path):
    folder = write_kit(tmp_path / "kit")
    for file in (folder / "private").iterdir():
        file.unlink()
    kit = load_kit(folder)
    assert kit.hidden == {}
    assert kit.rubrics == {}
    assert kit.asked("scaled").hidden == 2


def test_its_hash_is_of_what_decides_grades(tmp_path):
    folder = write_kit(tmp_path / "kit")
    before = load_kit(folder).hash
    (folder / "private" / "rubric.toml").write_text(RUBRIC.replace("says why", "says why not"))
    assert load_kit(folder).hash == before
    (folder / "private" / "hidden.py").write_text(HIDDEN + "\n")
    assert load_kit(folder).hash != before


@pytest.mark.parametrize(("old", "new", "words"), [
    ("title", "titel", "unknown word 'titel'; did you mean 'title'"),
    ('version = "1.0"', "version = 1.0", "version is 1.0, a float; expected str"),
    ("points = 4", "points = 5", "scaled is worth 5 points; its checks add up to 4"),
    ("points = 4", "points = 0", "0 points; expected more than 0"),
    ("points = 4", 'points = "4"', "points is '4', a str; expected int or float"),
    ("points = 4", "points = true", "points is True, a bool"),
    ("hidden = 2", "hidden = 3", r"says hidden = 3; private/hidden.py has 2"),
    ('kind = "rule"', 'kind = "rules"', "kind 'rules'; did you mean 'rule'"),
    ('kind = "rule"', 'kind = "library"', "6 of 10 points are of the kind library"),
    ('marked = "people"', 'marked = "nobody"', "marked 'nobody'"),
    ('needs = ["scaled"]', 'needs = ["scale"]', "Counter needs 'scale'; did you mean 'scaled'"),
    ('name = "Counter"', 'name = "scaled"', "two exercises are called 'scaled'"),
    ('name = "Counter"', 'name = "not a name"', "must be that of a Python function or value"),
    ('name = "Counter"', 'name = "Conter"', "has no exercise 'Conter', which unit.toml lists"),
    ("cpu_seconds = 1", "cpu = 1", "limits: cpu = 1; expected whole numbers"),
    ("cpu_seconds = 1", "cpu_seconds = 0", "limits: cpu_seconds = 0"),
    ('packages = ["numpy"]', 'packages = ["numpy", "torch"]', "expected numpy, and perhaps nnlab"),
    ('packages = ["numpy"]', 'packages = ["nnlab"]', "expected numpy"),
    ("labs = []", "", "labs is missing"),
    ("labs = []", "labs = [", "is not TOML"),
])
def test_what_does_not_add_up_in_unit_toml_is_named(tmp_path, old, new, words):
    assert old in TOML
    with pytest.raises(KitError, match=words):
        load_kit(write_kit(tmp_path / "kit", toml=TOML.replace(old, new)))


def test_without_exercises_or_file_it_says_what_to_write(tmp_path):
    with pytest.raises(KitError, match=r"lists no exercise: add \[\[exercise\]\]"):
        load_kit(write_kit(tmp_path / "kit", toml=TOML[:TOML.index("[[exercise]]")] + "exercise = []"))
    with pytest.raises(KitError, match="is it the folder of a unit"):
        load_kit(tmp_path)


@pytest.mark.parametrize(("graded", "hidden", "words"), [
    (GRADED + "\n1 / 0", HIDDEN, "graded.py does not run: ZeroDivisionError"),
    (GRADED, HIDDEN.replace('symptom="lists are wrong"', ""), "scaled, 'a list' has no symptom"),
    (GRADED, HIDDEN + '\nother = Exercise("other")', "has 'other', which unit.toml does not list for the judge"),
])
def test_what_does_not_add_up_in_its_checks_is_named(tmp_path, graded, hidden, words):
    with pytest.raises(KitError, match=words):
        load_kit(write_kit(tmp_path / "kit", graded=graded, hidden=hidden))


@pytest.mark.parametrize(("rubric", "words"), [
    ("", "people mark why, and there is no rubric for it"), (RUBRIC.replace("why]]", "wy]]"), "there is no rubric"),
    (RUBRIC + '[[scaled]]\npoints = 1\ntext = "x"', "'scaled' is no exercise that people mark"),
    (RUBRIC.replace("points = 2", "points = 3"), "expected points from 0 to 2"),
    (RUBRIC.replace("text", "words"), "a text"),
])
def test_what_does_not_add_up_in_the_rubric_is_named(tmp_path, rubric, words):
    folder = write_kit(tmp_path / "kit")
    (folder / "private" / "rubric.toml").write_text(rubric)
    with pytest.raises(KitError, match=words):
        load_kit(folder)
