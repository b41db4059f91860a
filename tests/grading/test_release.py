"""Release: what is taken out, what the gate refuses, whose numbers are whose, and what becomes of an old version.

Promise P3: nothing private is in any byte of what students get. Markers stand for all of it.
"""

from __future__ import annotations

import datetime
import json
import re
import secrets as random

import pytest

from course import cli
from course.grading import office, release, strip
from course.grading.judge import variant_of
from course.grading.kit import load_kit
from course.grading.records import Records
from course.grading.release import ReleaseError
from tests.grading import small
from tests.needs import needs

needs("bwrap")

UNIT = "77_small"


@pytest.fixture
def course(tmp_path):
    return office.new_office(tmp_path / "course", small.write_kit(tmp_path / "kits" / UNIT).parent)


def nnlab(course, *words) -> int:
    return cli.main([*map(str, words), "--course", str(course.folder)])


def kit_file(course, name: str):
    return course.folder / "units" / UNIT / name


def author(course, change) -> None:
    """Let `change` edit the author's notebook, given its cells by name and the whole."""
    file = kit_file(course, "private/assignment.ipynb")
    notebook = json.loads(file.read_text())
    change({strip.label(cell): cell for cell in notebook["cells"]}, notebook)
    file.write_text(json.dumps(notebook))


def mend(course, name: str, old: str, new: str) -> None:
    text = kit_file(course, name).read_text()
    assert old in text
    kit_file(course, name).write_text(text.replace(old, new))


def released(folder) -> dict:
    return json.loads((folder / UNIT / f"{UNIT}.ipynb").read_text())


def sources(notebook) -> dict[str, str]:
    return {strip.label(cell): cell["source"] for cell in notebook["cells"]}


# ---------------------------------------------------------------- the strip


def test_students_get_frames_and_what_is_given_and_no_marker():
    found = sources(strip.stripped(small.author()))
    assert found["scaled"] == 'def scaled(x, n):\n    """n times x"""\n    ...  # your code here'
    assert found["Counter"] == small.GIVEN
    assert found["answer"] == "...  # your code here"
    assert found["why"] == "*Your words here.*"
    assert found["scaled-check"] == 'check("scaled")'


def test_the_solved_one_has_the_solutions_and_nothing_that_is_given():
    found = sources(strip.solved(small.author()))
    assert found["Counter"] == small.COUNTER
    assert found["answer"] == small.ANSWER


def test_nothing_but_sources_and_marks_travels():
    notebook = small.author()
    notebook["metadata"] |= {"widgets": {"state": "kept"}, "author": "Ann"}
    for cell in notebook["cells"]:
        cell["metadata"] |= {"tags": ["secret"], "collapsed": True}
        cell["attachments"] = {"plan.png": {"image/png": "aGk="}}
        if cell["cell_type"] == "code":
            cell |= {"outputs": [{"output_type": "stream", "name": "stdout", "text": "42"}], "execution_count": 7}
    before = json.dumps(notebook)
    made = strip.stripped(notebook)
    assert json.dumps(notebook) == before, "the author's own is left as it is"
    assert set(made["metadata"]) == {"kernelspec"}
    for cell in made["cells"]:
        locked = cell["metadata"]["nbgrader"]["locked"]
        assert set(cell["metadata"]) == {"nbgrader", *(("deletable", "editable") if locked else ())}
        assert "attachments" not in cell
        assert cell.get("outputs", []) == []
        assert cell.get("execution_count") is None


@pytest.mark.parametrize(("source", "words"), [
    ("### BEGIN SOLUTION\nx = 1", "has no ### END SOLUTION"),
    ("x = 1\n### END SOLUTION", "line 2: ### END SOLUTION has no BEGIN before it"),
    ("### BEGIN SOLUTION\n### BEGIN GIVEN\n### END GIVEN\n### END SOLUTION", "stands inside SOLUTION"),
    ("### BEGIN SOLUTION\n### END GIVEN", "stands inside SOLUTION"),
    ("### BEGIN SOLUTIONS\nx = 1\n### END SOLUTIONS", "is no marker"),
    ("x = 1  ### BEGIN SOLUTION\n### END SOLUTION", "is no marker"),
])
def test_markers_that_do_not_match_are_an_error_that_names_the_cell(source, words):
    notebook = {"metadata": {}, "cells": [small.cell("odd", source)]}
    with pytest.raises(strip.StripError, match="cell odd.*" + re.escape(words)):
        strip.stripped(notebook)


def test_numbers_are_filled_in_and_an_unknown_one_is_an_error():
    made = sources(strip.filled(strip.stripped(small.author()), {"answer": {"k": 41}, "scaled": {}}))
    assert made["answer-text"] == "What is 41 plus 1?"
    assert made["variant"] == "VARIANT = {'answer': {'k': 41}}"
    with pytest.raises(strip.StripError, match=r"cell answer-text: \{\{answer.k\}\} .* known are answer.j"):
        strip.filled(small.author(), {"answer": {"j": 41}})


# ---------------------------------------------------------------- the gate


def test_a_sound_unit_goes_through_with_what_travels_beside_the_notebook(course, capsys):
    assert nnlab(course, "release", "77") == 0
    place = course.folder / "released" / UNIT / "1.0"
    assert sorted(file.name for file in (place / "everyone" / UNIT).iterdir()) == [
        f"{UNIT}.ipynb", "graded.py", "unit.toml"]
    about = released(place / "everyone")["metadata"]["nnlab"]
    assert about == {"unit": UNIT, "version": "1.0", "kit": load_kit(kit_file(course, "")).hash}
    assert "Next, when they have handed in: nnlab collect 77 PATH" in capsys.readouterr().out


def _put(name, text):
    def change(cells, _):
        cells[name]["source"] = cells[name]["source"].replace(*text) if isinstance(text, tuple) else text
    return change


def _leak(where, text):
    def change(cells, notebook):
        if where == "kernel":
            notebook["metadata"]["kernelspec"]["display_name"] = text
        elif where == "mark":
            cells["intro"]["metadata"]["nbgrader"]["comment"] = {"deep": [text]}
        else:
            cells[where]["source"] += f"\n{text}"
    return change


def _scratch(_, notebook):
    """A cell that the author has left behind, with half of a solution."""
    notebook["cells"].insert(3, {"cell_type": "code", "id": "scratch", "metadata": {}, "outputs": [],
                                 "execution_count": None, "source": f"def try_it(x, n):\n    {SOLVED}"})


SOLVED = "return n * np.asarray(x)"
HIDDEN = "x, n = rng.normal(size=(2, 4)), float(rng.normal())"


@pytest.mark.parametrize(("change", "words"), [
    (_leak("intro", f"Hint: `{SOLVED}`."), "holds a line of the solution of scaled"),
    (_leak("why-text", "Because   one more\tis the next number. "), "holds a line of the solution of why"),
    (_leak("imports", "# " + small.ANSWER), "holds a line of the solution of answer"),
    (_leak("scaled-text", HIDDEN.replace(" ", "  ")), "holds a line of private/hidden.py"),
    (_leak("kernel", HIDDEN), "/metadata/kernelspec/display_name holds a line of private/hidden.py"),
    (_leak("mark", SOLVED), "/metadata/nbgrader/comment/deep/0 holds a line of the solution of scaled"),
    (_put("scaled", ("n * np.asarray(x)", "2 * np.asarray(x)")), "the solution of scaled fails 'overflow is quiet'"),
    (_put("scaled", ("n * np.asarray(x)", "n * x")), "the solution of scaled fails 'a list'"),
    (_put("Counter", ("self.n += 2", "self.n += 1")), "Counter passes 'counts' before anything is written"),
    (_put("answer", f"answer = 1 + VARIANT['answer']['k']\n### BEGIN SOLUTION\n{small.ANSWER}\n### END SOLUTION"),
     "answer passes 'one more' before anything is written: 2 points for nothing"),
    (_scratch, "holds a line of the solution of scaled"),
])
def test_the_gate_refuses(course, capsys, change, words):
    author(course, change)
    assert nnlab(course, "release", "77") == 1
    assert words in capsys.readouterr().err
    assert not list((course.folder / "released").rglob("*.ipynb"))


@pytest.mark.parametrize(("name", "text", "words"), [
    ("graded.py", "\n# other factors are wrong\n", "/graded.py holds a line of private/hidden.py"),
    ("graded.py", "\ndef _right(x, n):\n    print('scaling')\n    return n * np.asarray(x)\n",
     "/graded.py holds a line of the solution of scaled"),
    ("unit.toml", f"\n# {small.ANSWER}\n", "/unit.toml holds a line of the solution of answer"),
])
def test_the_gate_reads_what_travels_beside_the_notebook(course, capsys, name, text, words):
    kit_file(course, name).write_text(kit_file(course, name).read_text() + text)
    assert nnlab(course, "release", "77") == 1
    assert words in capsys.readouterr().err


def test_a_long_line_of_a_solution_alone_is_refused_in_the_checks_too(course, capsys):
    line = "    return n * np.asarray(x) + 0 * np.zeros(np.shape(x))"
    author(course, _put("scaled", (f"    {SOLVED}", line)))
    kit_file(course, "graded.py").write_text(kit_file(course, "graded.py").read_text() + f"\ndef _r(x, n):\n{line}\n")
    assert nnlab(course, "release", "77") == 1
    assert "/graded.py holds a line of the solution of scaled" in capsys.readouterr().err


def test_what_students_are_given_may_stand_in_a_solution_too(course):
    author(course, _put("scaled", ('    """n times x"""', '    """n times x"""\n    factor = float(n)')))
    author(course, _put("scaled", (f"    {SOLVED}", f"    factor = float(n)\n    {SOLVED}")))
    assert nnlab(course, "release", "77") == 0


def test_outputs_attachments_and_foreign_metadata_of_the_author_do_not_travel(course):
    marks = [random.token_hex(12) for _ in range(4)]

    def change(cells, notebook):
        cells["scaled"] |= {"outputs": [{"output_type": "stream", "name": "stdout", "text": marks[0]}]}
        cells["intro"]["attachments"] = {f"{marks[1]}.png": {"image/png": marks[1]}}
        cells["scaled"]["metadata"]["notes"] = marks[2]
        notebook["metadata"]["author"] = marks[3]

    author(course, change)
    assert nnlab(course, "release", "77") == 0
    assert not _found_in(course.folder / "released" / UNIT / "1.0" / "everyone", marks)


# ---------------------------------------------------------------- P3


def _found_in(folder, marks) -> list[tuple[str, str]]:
    """Which marks are in any byte of any file, or file name, of a folder."""
    return [(mark, str(file)) for file in folder.rglob("*") for mark in marks
            if mark in str(file) or (file.is_file() and mark.encode() in file.read_bytes())]


def test_no_secret_reaches_a_student(course, tmp_path):
    """Random markers in everything that is private; then every byte of what students get is searched for them."""
    marks = [random.token_hex(12) for _ in range(6)]
    mend(course, "private/hidden.py", '"HIDDENREASON"', f'"{marks[0]}"')
    mend(course, "private/hidden.py", "lists are wrong", f"lists are wrong {marks[1]}")
    mend(course, "private/mutants.py", "7 * x", f"7 * x  # {marks[2]}")
    for name, mark in (("private/instructor.md", marks[3]), (f"private/{marks[4]}.txt", marks[4])):
        kit_file(course, name).write_text(mark)
    author(course, _put("scaled", (SOLVED, f"{SOLVED}  # {marks[5]}")))
    secret = course.secret()
    marks += [secret.hex(), (course.folder / "secret").read_text().strip()[:20], "HIDDENREASON"]
    (tmp_path / "roster.csv").write_text("id\nann\nbob\n")
    assert nnlab(course, "release", "77", "--roster", tmp_path / "roster.csv") == 0
    place = course.folder / "released" / UNIT / "1.0"
    assert not _found_in(place / "students", marks)
    assert secret not in b"".join(file.read_bytes() for file in (place / "students").rglob("*.*") if file.is_file())
    assert {mark for mark, _ in _found_in(place / "kit", marks)} >= set(marks[:6]), "the search finds what is there"


# ---------------------------------------------------------------- whose numbers


def test_every_student_has_numbers_of_their_own_and_always_the_same(course, tmp_path, capsys):
    students = ["ann", "../../etc/passwd", "Žofie \"x\"", "everyone", "ANN"]
    rows = "".join(f'"{each.replace(chr(34), chr(34) * 2)}",x\n' for each in students)
    (tmp_path / "roster.csv").write_text("id,name\n" + rows, encoding="utf-8-sig")
    assert nnlab(course, "release", "77", "--roster", tmp_path / "roster.csv") == 0
    assert "5 notebooks, 5 new or changed" in capsys.readouterr().out
    place = course.folder / "released" / UNIT / "1.0"
    with Records(course.folder) as records:
        rows = {row["student"]: row for row in records.db.execute("SELECT * FROM releases")}
    assert set(rows) == set(students)
    kit, numbers = load_kit(kit_file(course, "")), []
    for student in students:
        file = course.folder / rows[student]["file"]
        assert file.resolve().is_relative_to(place / "students")
        found = sources(json.loads(file.read_text()))
        k = variant_of(kit.visible["answer"], course.secret(), student)["k"]
        assert found["answer-text"] == f"What is {k} plus 1?"
        assert f"'k': {k}" in found["variant"]
        numbers.append(k)
    assert len(set(numbers)) == len(students)
    before = {file: file.read_bytes() for file in place.rglob("*") if file.is_file()}
    (tmp_path / "roster.csv").write_text("id\nann\nlate\n")
    assert nnlab(course, "roster", "import", tmp_path / "roster.csv") == 0
    assert nnlab(course, "release", "77") == 0
    assert "2 notebooks, 1 new or changed" in capsys.readouterr().out
    assert all(file.read_bytes() == data for file, data in before.items()), "who has one keeps it"


def test_numbers_are_not_changed_under_those_who_have_begun(course, tmp_path, capsys):
    (tmp_path / "roster.csv").write_text("id\nann\n")
    assert nnlab(course, "release", "77") == 0
    assert nnlab(course, "release", "77", "--roster", tmp_path / "roster.csv") == 1
    assert "is out as one notebook for all" in capsys.readouterr().err
    assert nnlab(course, "roster", "import", tmp_path / "roster.csv") == 0
    assert nnlab(course, "release", "77") == 1
    assert "Release it with --everyone" in capsys.readouterr().err
    assert nnlab(course, "release", "77", "--everyone") == 0
    assert "1 notebook, 0 new" in capsys.readouterr().out


@pytest.mark.parametrize(("text", "words"), [
    (None, "No such file"), ("name\nann\n", "no column id; its columns are name"), ("id\n\n", "lists nobody"),
    ("id\nann\nbob\nann\n", "ann is there twice"), (b"id\n\xff\xfe", "is no CSV file")])
def test_a_roster_that_is_none_is_refused(course, tmp_path, capsys, text, words):
    roster = tmp_path / "roster.csv"
    if text is not None:
        roster.write_bytes(text if isinstance(text, bytes) else text.encode())
    assert nnlab(course, "release", "77", "--roster", roster) == 1
    assert words in capsys.readouterr().err


# ---------------------------------------------------------------- versions


def test_other_checks_under_the_same_version_are_refused(course, capsys):
    assert nnlab(course, "release", "77") == 0
    mend(course, "private/hidden.py", "[3.0, 7.5]", "[3.0, 7.500]")
    assert nnlab(course, "release", "77") == 1
    assert "77_small 1.0 is out, and its checks have changed since" in capsys.readouterr().err


def test_nothing_is_amended_before_it_is_out_or_without_a_word(course):
    with pytest.raises(ReleaseError, match="is not released yet"), release.amended(course, UNIT, "Sorry."):
        pass
    release.release(course, UNIT)
    with pytest.raises(ReleaseError, match="needs a line"), release.amended(course, UNIT, "  \n "):
        pass
    assert load_kit(kit_file(course, "")).version == "1.0"


def test_an_amended_version_says_so_and_leaves_the_old_one(course):
    first = release.release(course, UNIT)
    before = {file: file.read_bytes() for file in first.folder.rglob("*") if file.is_file()}
    mend(course, "private/hidden.py", "[3.0, 7.5]", "[3.0, 7.500]")
    with release.amended(course, UNIT, "Task 1 asked\nfor a row.", datetime.date(2026, 3, 4)) as course:
        second = release.release(course, UNIT)
    assert (course.units[UNIT].version, second.kit.version, second.folder.name) == ("1.1", "1.1", "1.1")
    intro = sources(released(second.folder / "everyone"))["intro"]
    assert intro.endswith("\n\n> **Errata, version 1.1 (2026-03-04).** Task 1 asked for a row.")
    assert released(second.folder / "everyone")["metadata"]["nnlab"]["version"] == "1.1"
    assert {file: file.read_bytes() for file in first.folder.rglob("*") if file.is_file()} == before
    assert {version: load_kit(folder).version for version, folder in release.versions(course, UNIT).items()} == {
        "1.0": "1.0", "1.1": "1.1"}


def test_where_the_gate_refuses_the_amended_version_the_unit_is_as_it_was(course, capsys):
    assert nnlab(course, "release", "77") == 0
    mend(course, "private/hidden.py", "[3.0, 7.5]", "[3.0, 8.5]")  # now the solution fails
    before = {file: file.read_bytes() for file in course.folder.rglob("*") if file.suffix in (".toml", ".ipynb", ".py")}
    assert nnlab(course, "release", "77", "--amend", "Sorry.") == 1
    assert "1.1" not in (said := capsys.readouterr()).out + said.err
    assert {file: file.read_bytes() for file in before} == before
    assert [file for file in course.folder.rglob("*.part") if file.is_file()] == []


def test_the_version_stands_anywhere_among_the_rules_of_its_unit(course):
    toml = course.folder / "course.toml"
    rules = 'due = 2024-03-30T23:59:00+01:00\ngroups = [\n["ann", "bob"],\n]\nversion = "1.0"  # the first\n'
    toml.write_text(toml.read_text().replace(f'[units.{UNIT}]\nversion = "1.0"\n', f"[units.{UNIT}]  # small\n{rules}"))
    course = office.open_office(course.folder)
    release.release(course, UNIT)
    with release.amended(course, UNIT, "Sorry.") as course:
        pass
    assert toml.read_text().endswith(rules.replace("1.0", "1.1"))
    assert (course.units[UNIT].version, set(course.units[UNIT].terms.groups)) == ("1.1", {"ann", "bob"})


def test_after_an_amend_both_versions_are_graded_each_by_its_own_checks(course, tmp_path, capsys):
    """1.1 has a check that 1.0 lacked. Who has 1.0 is judged by 1.0, and nothing is to regrade."""
    by_four = small.SCALED.replace("n * np", "(n if n != 4 else 5) * np")

    def hand_in(student, version):
        file = tmp_path / "in" / student / f"{UNIT}.ipynb"
        file.parent.mkdir(parents=True)
        file.write_bytes(small.notebook(version=version, scaled=by_four, answer="answer = VARIANT['answer']['k'] + 1"))
        assert nnlab(course, "collect", "77", tmp_path / "in") == 0

    assert nnlab(course, "release", "77") == 0
    hand_in("ann", "1.0")
    mend(course, "private/hidden.py", "scaled([1.0, 2.5], 3), [3.0, 7.5]", "scaled([1.0, 2.5], 4), [4.0, 10.0]")
    assert nnlab(course, "release", "77", "--amend", "Task 1 was not tried with 4.") == 0
    hand_in("bob", "1.1")
    assert nnlab(course, "grade", "77", "--jobs", "2") == 0
    told = capsys.readouterr().out
    assert "2 graded" in told
    assert "other checks" not in told
    with Records(course.folder) as records:
        found = {row["student"]: (row["version"], row["points"]) for row in records.db.execute(
            "SELECT student, version, points FROM gradings JOIN submissions ON submissions.id = submission "
            "JOIN exercises ON exercises.grading = gradings.id WHERE name = 'scaled'")}
    assert found == {"ann": ("1.0", 4), "bob": ("1.1", 3)}
    assert nnlab(course, "regrade", "77", "--yes") == 0
    assert "exactly these checks have judged them before" in capsys.readouterr().out
