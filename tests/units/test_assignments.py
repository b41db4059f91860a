"""The graded assignments: is a kit whole, and are its checks right? In this process, at the end once in the sandbox.

The author's solution gets full marks and the stripped cell nothing, every known wrong solution loses points and every
right but unusual one loses none, for many seeds: a check that grades never sees the same numbers twice.
`nnlab course check all --units course/units` prints how many wrong solutions the judge catches, by exercise.
"""

import itertools
import os
import re
import tomllib
from functools import cache
from types import SimpleNamespace

import nbformat
import numpy as np
import pytest

from course.check import UNITS, exercises
from course.exercise import Call, Wrong
from course.grading import release, strip
from course.grading.bank import Bank
from course.grading.judge import judge
from course.grading.kit import load_kit

# The rows of UNITS.md marked C that the exercises of a unit can show: each is a mutant, and a check is named after it.
ROWS = {"01_neurons": {"N1", "N3", "N4", "N6", "N7", "N8"},
        "02_activations": {"A1", "A4", "A5", "A7", "A8", "A10", "A12"},
        "03_backprop": {"B1", "B2", "B4", "B5", "B6", "B7", "B8", "B10", "B11", "B13"},
        "04_optimizers": {"O1", "O4", "O6", "O7", "O8", "O10", "O11", "O14"},
        "05_overfitting": {"F1", "F2", "F4", "F7", "F9", "F11", "F12", "F14"},
        "06_vanishing_gradients": {"V1", "V2", "V4", "V5", "V6", "V9", "V10"},
        "07_autoencoders": {"E1", "E3", "E5", "E7", "E8", "E10"},
        "08_gans": {"G1", "G4", "G5", "G7", "G8", "G10", "G12"},
        "09_attention": {"T1", "T3", "T4", "T6", "T9", "T10", "T12", "T13"}}
STUDENT = "<the student's cell>"
SEEDS = int(os.environ.get("NNLAB_SEEDS", "5"))  # for each wrong solution; 20 takes four times as long


@cache
def kit(unit):
    """A unit's kit, its notebook and its bank. `load_kit` refuses one whose names, points or counts do not agree."""
    of = load_kit(UNITS / unit)
    bank, notebook = Bank(of), nbformat.read(of.folder / "private" / "assignment.ipynb", as_version=4)
    texts = [{strip.label(cell): cell["source"] for cell in made["cells"]}
             for made in (strip.stripped(bank.notebook), strip.solved(bank.notebook))]
    return SimpleNamespace(kit=of, visible=of.visible, hidden=of.hidden, mutants=bank.mutants, benign=bank.benign,
                           bank=bank, notebook=notebook, asked={each.name: each for each in of.exercises},
                           cells={cell.metadata.nbgrader.grade_id: cell for cell in notebook.cells},
                           given=texts[0], solved=texts[1])


KITS = sorted(file.parts[-3] for file in UNITS.glob("*/private/assignment.ipynb"))
JUDGED = [(unit, name) for unit in KITS for name in kit(unit).visible]
MUTANTS = [(unit, name, bug) for unit, name in JUDGED for bug in kit(unit).mutants[name]]
BENIGN = [(unit, name, way) for unit, name in JUDGED for way in kit(unit).benign[name]]


def written(of, name, text, variant):
    """What stands behind the name when `text` is the solution cell and all other cells are the author's."""
    names = {"np": np, "VARIANT": variant}
    for cell in of.notebook["cells"]:
        mark = cell.metadata.nbgrader
        if cell.cell_type == "code" and mark["locked"] and not mark["grade"] and mark["grade_id"] not in (
                "variant", "handin"):
            exec(compiled(of.solved[mark["grade_id"]]), names)
    for needed in of.asked[name].needs:
        exec(compiled(of.solved[needed]), names)
    exec(compiled(text, STUDENT), names)
    return names.get(name)


@cache
def compiled(text, file="<a cell>"):
    """A cell is run for many seeds."""
    return compile(text, file, "exec")


def drawn(of, rng):
    """A student's variants."""
    return {name: each.draw(rng) for name, each in of.visible.items() if each.draw}


def lost(of, name, text, seed):
    """The checks that `text` fails, visible and hidden ones, with the numbers of one seed."""
    variant = drawn(of, np.random.default_rng([seed, 0]))
    it, failed = written(of, name, text, variant), []
    for hidden, exercise in enumerate((of.visible[name], of.hidden[name])):
        for number, one in enumerate(exercise.checks):
            rng = np.random.default_rng([seed, hidden, number])
            try:
                if it is None:
                    raise Wrong("it is not there")
                with np.errstate(all="ignore"):
                    one.run(Call(exercise, it, variant.get(name)), rng)
            except Exception as problem:
                if type(problem).__module__ != "course.exercise" and not of_the_student(problem, exercise):
                    raise AssertionError(f"the check {one.title!r} itself breaks") from problem
                failed.append(one)
    return failed


def of_the_student(problem, exercise):
    """Did the student's code raise it, or a probe that drives it?"""
    probes = {(probe.__code__.co_filename, probe.__code__.co_name) for probe in exercise.probes.values()}
    trace = problem.__traceback__
    while trace:
        code = trace.tb_frame.f_code
        if code.co_filename == STUDENT or (code.co_filename, code.co_name) in probes:
            return True
        trace = trace.tb_next
    # A call that its parameters refuse never gets as far as the student's first line.
    return isinstance(problem, TypeError) and "argument" in str(problem)


def checks(of, name):
    return of.visible[name].checks + of.hidden[name].checks


# The checks -----------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("unit", "name"), JUDGED)
def test_the_solution_gets_full_marks_whatever_the_seed(unit, name):
    of = kit(unit)
    for seed in range(5 * SEEDS):
        assert not lost(of, name, of.solved[name], seed), seed


@pytest.mark.parametrize(("unit", "name"), JUDGED)
def test_what_students_start_from_gets_nothing(unit, name):
    of = kit(unit)
    for seed in range(10):
        failed = lost(of, name, of.given[name], seed)
        assert not [one.title for one in checks(of, name) if one.points and one not in failed]


@pytest.mark.parametrize(("unit", "name", "bug"), MUTANTS)
def test_a_known_mistake_costs_points_whatever_the_seed(unit, name, bug):
    of = kit(unit)
    row = re.match(r"[A-Z]+\d+[a-z]?(?= )", bug)
    for seed in range(SEEDS):
        failed = lost(of, name, of.mutants[name][bug], seed)
        assert any(one.points for one in failed), seed
        assert not row or any(row[0] in one.catches.split() for one in failed), f"no check for {row[0]} fails"


@pytest.mark.parametrize(("unit", "name", "way"), BENIGN)
def test_an_unusual_right_solution_loses_nothing(unit, name, way):
    for seed in range(2 * SEEDS):
        assert not [one.title for one in lost(kit(unit), name, kit(unit).benign[name][way], seed)], seed


@pytest.mark.parametrize(("unit", "name"), JUDGED)
def test_every_check_catches_a_mistake(unit, name):
    """One that leaves some other check standing: what fails all of them says nothing about any."""
    of = kit(unit)
    graded = {one.title for one in checks(of, name) if one.points}
    failed = [{one.title for one in lost(of, name, text, 0)} & graded for text in of.mutants[name].values()]
    assert set().union(*(titles for titles in failed if titles != graded)) == graded


@pytest.mark.parametrize(("unit", "name"), JUDGED)
def test_the_bank_holds_enough_wrong_and_unusual_solutions(unit, name):
    assert len(kit(unit).mutants[name]) >= 8
    assert len(kit(unit).benign[name]) >= 4


@pytest.mark.parametrize("unit", KITS)
def test_the_known_misconceptions_are_in_the_bank_and_a_check_bears_their_name(unit):
    of = kit(unit)
    caught = {row for name in of.visible for one in checks(of, name) for row in one.catches.split()}
    assert ROWS[unit] <= {bug.split()[0] for name in of.visible for bug in of.mutants[name]}
    assert ROWS[unit] <= caught


@pytest.mark.parametrize("unit", KITS)
def test_a_hidden_check_says_a_symptom_and_none_of_its_numbers(unit):
    for exercise in kit(unit).hidden.values():
        for one in exercise.checks:
            assert len(one.symptom) > 20, one.title
            assert not re.search(r"\d", one.symptom), one.symptom


# The kit --------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("unit", KITS)
def test_the_notebook_has_the_cells_of_every_exercise_with_its_points(unit):
    of = kit(unit)
    for name, asked in of.asked.items():
        people = asked.marked == "people"
        assert (of.cells[f"{name}-text"].cell_type, of.cells[name].cell_type) == (
            "markdown", "markdown" if people else "code")
        assert marks(of.cells[f"{name}-text"]) == dict(grade=False, solution=False, locked=True, task=False)
        assert marks(of.cells[name]) == dict(grade=people, solution=True, locked=False, task=False)
        graded = of.cells[name if people else f"{name}-check"]
        assert graded.metadata.nbgrader.points == asked.points
        if not people:
            assert graded.source == f'check("{name}")'
            assert marks(graded) == dict(grade=True, solution=False, locked=True, task=False)


def marks(cell):
    return {key: cell.metadata.nbgrader[key] for key in ("grade", "solution", "locked", "task")}


@pytest.mark.parametrize("unit", KITS)
def test_the_bank_and_the_rubrics_fit_the_exercises(unit):
    of = kit(unit)
    assert set(of.mutants) == set(of.benign) == set(of.visible) == set(of.hidden)
    assert not any(each.draw for each in of.hidden.values()), "variants are drawn in graded.py only"
    assert all(of.visible[name].call == of.hidden[name].call for name in of.visible)
    for name, steps in of.kit.rubrics.items():
        levels = [step["points"] for step in steps]
        assert (max(levels), min(levels)) == (of.asked[name].points, 0)


@pytest.mark.parametrize("unit", KITS)
def test_it_is_two_hours_of_work_of_every_kind(unit):
    of = kit(unit)
    assert of.kit.unit == unit
    assert {each.kind for each in of.asked.values()} >= {"bug", "predict", "rule", "design"}
    assert 16 <= of.kit.points <= 24
    assert sum(each.minutes for each in of.asked.values()) <= of.kit.about["minutes"]["alone"]
    assert all(of.kit.about[key] for key in ("objectives", "prerequisites", "labs"))


def test_no_name_is_used_twice_in_the_course():
    names = [*exercises(), *(name for unit in KITS for name in kit(unit).asked)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("unit", KITS)
def test_the_notebook_is_one_that_nbgrader_takes(unit):
    of = kit(unit)
    notebook = of.notebook
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert notebook.metadata.kernelspec.name == "python3"
    assert len(of.cells) == len(notebook.cells), "two cells have the same grade_id"
    for cell in notebook.cells:
        mark = cell.metadata.nbgrader
        assert re.fullmatch(r"[a-zA-Z0-9_\-]+", mark.grade_id)
        assert mark.schema_version == 3
        assert mark.cell_type == cell.cell_type
        assert ("points" in mark) == mark.grade
        assert ("### BEGIN SOLUTION" in cell.source) == ("### END SOLUTION" in cell.source) == mark.solution
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None
            for text in (of.solved[mark.grade_id], of.given[mark.grade_id]):
                assert len(text.split("\n")) <= 25, mark.grade_id
                compile(text, mark.grade_id, "exec")
    assert [cell.metadata.nbgrader.grade_id for cell in notebook.cells][:2] == ["intro", "imports"]
    assert notebook.cells[-1].source == f'from course.grading.handin import handin\nhandin("{unit}")'


@pytest.mark.parametrize("unit", KITS)
def test_the_texts_name_the_variants_that_there_are(unit):
    of = kit(unit)
    there = {f"{name}.{key}" for name, numbers in drawn(of, np.random.default_rng(0)).items() for key in numbers}
    named = set(re.findall(r"\{\{(.*?)\}\}", "".join(cell.source for cell in of.notebook.cells)))
    assert named == there
    assert ("variant" in of.cells) == bool(there)


@pytest.mark.parametrize("unit", KITS)
def test_the_question_bank_asks_for_facts_and_for_bugs(unit):
    questions = tomllib.loads((kit(unit).kit.folder / "private" / "questions.toml").read_text("utf-8"))["question"]
    assert sorted(each["kind"] for each in questions) == ["debugging"] * 5 + ["retrieval"] * 5
    assert len({each["id"] for each in questions}) == 10
    for each in questions:
        assert len(set(each["choices"])) == len(each["choices"]) >= 3
        assert 0 <= each["answer"] < len(each["choices"])
        assert isinstance(each["why"], str) or len(each["why"]) == len(each["choices"])
    assert len({each["answer"] for each in questions}) > 1


@pytest.mark.parametrize("unit", KITS)
def test_the_instructor_has_a_page(unit):
    assert 20 < len((kit(unit).kit.folder / "private" / "instructor.md").read_text("utf-8").splitlines()) < 120


# In the sandbox -------------------------------------------------------------------------------------------------------

def judged(unit, data):
    """The points of each exercise that the judge gives."""
    result = judge(data, kit(unit).kit, "ann", b"a secret", "bubblewrap")
    return {each.name: each.points for each in result.exercises if each.status != "pending"}


@pytest.mark.parametrize("unit", KITS)
def test_it_passes_the_gate_of_release(unit):
    """The judge gives the solutions every point and what students start from none, and nothing is given away."""
    release.gate(kit(unit).kit, kit(unit).bank.notebook, b"a secret")


@pytest.mark.parametrize("unit", KITS)
def test_an_unusual_right_solution_loses_nothing_on_the_way_through_the_sandbox(unit):
    """Lists, tuples and NumPy's own numbers cross a wire there. One of each exercise's ways in each notebook."""
    of = kit(unit)
    for ways in itertools.zip_longest(*(of.benign[name].values() for name in of.visible)):
        texts = {name: text for name, text in zip(of.visible, ways) if text}
        assert judged(unit, of.bank.handed_in(**texts)) == {name: of.asked[name].points for name in of.visible}
