"""Promise P11: unit 1, exported, goes through the real nbgrader 0.9.6 from generate_assignment to autograde, and a
submission gets there the points that our judge gives it.

nbgrader runs in an environment of its own; its exchange is a folder here.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from course import cli
from course.grading import strip
from course.grading.bank import Bank
from course.grading.judge import EVERYONE, judge
from course.grading.kit import load_kit
from course.grading.nbgrader_export import exported, part_of
from course.grading.office import new_office
from tests.grading import small
from tests.needs import needs

needs("bwrap")
PYTHON = needs("nbgrader")

ROOT, UNIT = Path(__file__).resolve().parents[2], "01_neurons"
# Runs nbgrader's own commands, one after the other in one process, as nbgrader's own tests do.
DRIVER = """
import json, os, sys
from jupyter_core.application import NoStart
from nbgrader.apps import NbGraderApp
for folder, words in json.load(sys.stdin):
    os.chdir(folder)
    app = NbGraderApp.instance()
    try:
        app.initialize(words)
        app.start()
    except NoStart:  # how a command of a command ends
        pass
    except SystemExit as end:
        if end.code:
            raise
    finally:
        NbGraderApp.clear_instance()
"""
GRADES = """
import json, sys
from nbgrader.api import Gradebook
with Gradebook("sqlite:///gradebook.db") as book:
    print(json.dumps({each.student.id: {grade.name: grade.auto_score for notebook in each.notebooks
                                        for grade in notebook.grades}
                      for each in book.assignment_submissions(sys.argv[1])}))
"""


class NbGrader:
    """A course of nbgrader in a folder, with an exchange and a home of its own."""

    def __init__(self, root: Path):
        self.root, self.course = root, root / "course"
        (root / "home").mkdir()
        scripts = f"{Path(PYTHON).parent}{os.pathsep}{os.environ['PATH']}"
        self.environment = {"PATH": scripts, "HOME": str(root / "home"), "PYTHONPATH": str(ROOT)}

    def run(self, *commands) -> None:
        """Each command: the folder it is given in, and its words."""
        exchange = [f"--Exchange.root={self.root / 'exchange'}", f"--Exchange.cache={self.root / 'cache'}"]
        (self.root / "exchange").mkdir(exist_ok=True, mode=0o777)
        listed = [(str(folder), [words[0], *exchange, *words[1:]]) for folder, *words in commands]
        self._python(DRIVER, json.dumps(listed))

    def grades(self) -> dict[str, dict[str, float | None]]:
        return json.loads(self._python(GRADES))

    def _python(self, code: str, given: str = "") -> str:
        ended = subprocess.run([PYTHON, "-c", code, UNIT], input=given, text=True, capture_output=True, cwd=self.course,
                               env=self.environment)
        assert ended.returncode == 0, ended.stderr[-3000:]
        return ended.stdout


@pytest.fixture(scope="module")
def kit():
    return load_kit(ROOT / "course" / "units" / UNIT)


@pytest.fixture(scope="module")
def handed_in(kit):
    """What each student writes, by exercise: all of it; half of it; known mistakes; another way.

    The mistakes are such as lose the same points whatever the numbers: those that are drawn differ here and there.
    """
    bank = Bank(kit)
    right, given = ({strip.label(cell): cell["source"] for cell in made["cells"]}
                    for made in (strip.solved(bank.notebook), strip.stripped(bank.notebook)))
    names = list(kit.visible)
    return {
        "all": {name: right[name] for name in names},
        "half": {name: (right if i % 2 else given)[name] for i, name in enumerate(names)},
        **{f"wrong{i}": {name: list(bank.mutants[name].values())[i] for name in names} for i in (1, 2)},
        "unusual": {name: list(bank.benign[name].values())[-1] for name in names},
    }


@pytest.fixture(scope="module")
def graded(kit, handed_in, tmp_path_factory):
    """The released notebook as a student fetched it, what each handed in, nbgrader's grades, and the secret."""
    root = tmp_path_factory.mktemp("nbgrader")
    office, there = new_office(root / "ours"), NbGrader(root)
    assert cli.main(["release", "1", "--for-nbgrader", str(there.course), "--course", str(office.folder)]) == 0
    there.run((there.course, "generate_assignment", UNIT, "--create"), (there.course, "release_assignment", UNIT),
              *((_home(root, student), "fetch_assignment", UNIT, "--course=nnlab") for student in handed_in))
    fetched = json.loads((root / "all" / UNIT / f"{UNIT}.ipynb").read_text())
    files = {}
    for student, texts in handed_in.items():
        notebook = json.loads(json.dumps(fetched))
        for cell in notebook["cells"]:
            cell["source"] = texts.get(strip.label(cell), cell["source"])
        files[student] = json.dumps(notebook).encode()
        (root / student / UNIT / f"{UNIT}.ipynb").write_bytes(files[student])
    there.run(*((root / student, "submit", UNIT, "--course=nnlab", f"--student={student}") for student in handed_in),
              (there.course, "collect", UNIT), (there.course, "autograde", UNIT, "--create"))
    return fetched, files, there.grades(), office.secret()


def _home(root: Path, student: str) -> Path:
    (root / student).mkdir()
    return root / student


def test_students_of_nbgrader_get_no_hidden_check_and_no_solution(kit, graded):
    fetched, *_ = graded
    notebook, hidden = Bank(kit).notebook, (kit.folder / "private" / "hidden.py").read_text()
    assert strip.leak(fetched, strip.secrets(notebook, hidden)) == ""
    found = {strip.label(cell): "".join(cell["source"]) for cell in fetched["cells"]}
    assert found["regress-check"] == 'check("regress")'
    assert found["regress-hidden"] == "# 2 more checks run here after you hand in."
    assert found["scaled_why"] == "*Your words here.*"
    assert "np.zeros_like(A)" in found["regress"], "the code that is to be mended is given"
    assert found["perceptron_fit"].endswith("    ...  # your code here")
    assert "{{" not in "".join(found.values())


def test_a_submission_gets_the_points_there_that_it_gets_here(kit, handed_in, graded):
    _, files, theirs, secret = graded
    assert set(theirs) == set(handed_in)
    totals = {}
    for student, data in files.items():
        ours = judge(data, kit, student, secret, "bubblewrap", given={kit.version: [EVERYONE]})
        mine = {each.name: each.points for each in ours.exercises if each.points is not None}
        assert mine == {name: theirs[student][f"{name}-check"] + theirs[student][f"{name}-hidden"] for name in mine}
        totals[student] = sum(mine.values())
        assert not any(theirs[student][each.name] for each in ours.exercises if each.points is None)
    judged = sum(kit.asked(name).points for name in kit.visible)
    assert totals["all"] == totals["unusual"] == judged
    assert 0 < totals["half"] < judged
    assert 0 < totals["wrong1"] != totals["wrong2"] < judged


# ---------------------------------------------------------------- without nbgrader


def test_an_exercise_takes_from_the_hidden_file_what_it_needs_and_no_more():
    source = """import numpy as np
from course.exercise import Exercise, close
one = Exercise("one(x)")
SIZE = 3
def _deep(x): return x + SIZE
def _helper(x): return _deep(x)
@one.probe
def drive(one, x): return one(x)
@one.check("a")
def _(one, rng): close(one(1), _helper(1), "")
two = Exercise("two(x)")
@two.check("b")
def _(two, rng): close(two(1), np.ones(1), "")
"""
    one, two = part_of(source, "one"), part_of(source, "two")
    assert ("two" in one, "import numpy" in one, "SIZE = 3" in one, "def drive" in one) == (False, False, True, True)
    assert ("_helper" in two, "import numpy as np" in two) == (False, True)
    compile(one, "one", "exec")


def test_points_of_the_cells_are_those_of_the_checks(tmp_path):
    kit = load_kit(small.write_kit(tmp_path / "77_small"))
    marks = {strip.label(cell): cell["metadata"]["nbgrader"] for cell in exported(kit, b"secret")["cells"]}
    points = {name: mark["points"] for name, mark in marks.items() if mark["grade"]}
    assert points == {"scaled-check": 2, "scaled-hidden": 2, "Counter-check": 1, "Counter-hidden": 1,
                      "answer-check": 2, "why": 2}
    assert marks["handin"]["cell_type"] == "markdown"
