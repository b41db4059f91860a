"""The promises of the judge that no single attack shows: nothing of a student's is evaluated, everything is recorded.

The others are shown elsewhere: no point, no damage, no survivor, limits of time, memory and output (test_attacks.py,
test_junk.py), one bad exercise costs no other, the same bytes get the same grade (tests/grading/test_judge.py), refusal
without a sandbox (test_sandbox.py), a batch that goes on and resumes (test_batch.py).
"""

import ast
import dataclasses
import hashlib
import io
import json
import os
import zipfile
from pathlib import Path

import pytest

import course.grading
from course.grading import records
from course.grading.judge import judge
from course.grading.kit import load_kit
from course.grading.records import Records
from tests.attacks.corpus_more import BAD
from tests.grading.small import ANSWER, CELLS, COUNTER, GRADED, SCALED, notebook, write_kit
from tests.needs import needs

needs("bwrap")

GRADING = Path(course.grading.__file__).parent


@pytest.fixture(scope="module")
def kit(tmp_path_factory):
    return load_kit(write_kit(tmp_path_factory.mktemp("kits") / "77_small"))


def graded(kit, data):
    return judge(data, kit, "ann", b"secret", "bubblewrap")


def points(result):
    return {each.name: each.points for each in result.exercises}


# ---------------------------------------------------------------- P14


MODULES = {"pickle", "dill", "joblib", "shelve", "marshal", "cloudpickle", "code", "codeop", "runpy"}
CALLS = {"eval", "exec", "compile", "__import__", "load"}


def dangers(text):
    """What could run or unpickle what a student sent."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [each.name for each in node.names]
            yield from (name for name in names if name.split(".")[0] in MODULES)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CALLS:
            yield node.func.id
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            whose = ast.unparse(node.func.value)
            if (whose, node.func.attr) in {("np", "load"), ("numpy", "load")}:
                yield f"{whose}.{node.func.attr}"


def test_the_scan_finds_what_it_looks_for():
    text = "import pickle\nfrom joblib import x\nimport numpy as np\nnp.load(f)\neval('1')\nre.compile('')"
    assert list(dangers(text)) == ["pickle", "joblib", "np.load", "eval"]


def test_nothing_of_a_students_is_unpickled_or_evaluated_in_the_judge():
    files = [*GRADING.glob("*.py"), GRADING / "inside" / "wire.py"]
    assert len(files) > 20
    loads = {"strip.py", "release.py"}  # functions called load, of the author's own notebook
    found = {file.name: [each for each in dangers(file.read_text()) if (each, file.name in loads) != ("load", True)]
             for file in files}
    assert {name: each for name, each in found.items() if each} == {}


def test_in_the_sandbox_only_one_file_runs_what_it_is_given():
    found = {file.name: set(dangers(file.read_text())) for file in (GRADING / "inside").glob("*.py")}
    assert {name: each for name, each in found.items() if each} == {"loaded.py": {"exec", "compile"}}


# ---------------------------------------------------------------- P4


def test_processes_that_crash_late_do_not_get_the_time_again_for_each_check(tmp_path):
    more = "".join(f'\n@scaled.check("more {i}")\ndef _(scaled, rng):\n    scaled(rng.normal(size=3), 2)\n'
                   for i in range(6))
    kit = load_kit(write_kit(tmp_path / "77_small", graded=GRADED.replace("\nCounter = Ex", f"{more}\nCounter = Ex")))
    body = "import os, time\ndef scaled(x, n):\n    while time.process_time() < 0.9: pass\n    os._exit(1)"
    reasons = [check.reason for check in graded(kit, notebook(scaled=body)).exercises[0].checks if not check.hidden]
    assert [reason.startswith("its process ended") for reason in reasons] == [True] * 2 + [False] * 6
    assert set(reasons[2:]) == {"not run: the checks before it used up the time"}


# ---------------------------------------------------------------- P6


def cells(*sources):
    made = [{"cell_type": "code", "source": source,
             "metadata": {"nbgrader": {"grade_id": label}} if label else {}} for label, source in sources]
    return json.dumps({"cells": made, "metadata": {"nnlab": {"unit": "77_small", "version": "1.0"}}}).encode()


HEAD, *METHODS = COUNTER.split("\n")
FULL = {"scaled": 4, "Counter": 2, "answer": 2, "why": None}


@pytest.mark.parametrize(("data", "expected", "words"), [
    (cells(*CELLS.items(), *CELLS.items()), FULL, "2 times"),
    (cells(*((f"my {name}", source) for name, source in CELLS.items())), FULL, "not found by its id"),
    (cells(*reversed(CELLS.items())), FULL, ""),
    (cells(("imports", "import numpy as np\nfactor = 1"), ("scaled", SCALED), (None, "class Base:\n" + METHODS[0]
           + "\n" + METHODS[1]), ("Counter", "class Counter(Base):\n" + "\n".join(METHODS[2:])), ("answer", ANSWER)),
     FULL, ""),
    (cells(*((name, source) for name, source in CELLS.items() if name != "Counter")), FULL | {"Counter": 0}, "Counter"),
    (cells(*CELLS.items(), (None, "plot(1)\nx = undefined\nwhile True: pass"), (None, "def (")), FULL, "not Python"),
    (cells(("imports", "%matplotlib inline\nimport numpy as np"), *list(CELLS.items())[1:]), FULL, "IPython"),
    (cells(*((name, source.replace("\n", "\r\n")) for name, source in CELLS.items())), FULL, ""),
], ids=["doubled", "renamed", "reordered", "split", "missing", "extra", "magics", "lines of Windows"])
def test_an_untidy_notebook_is_graded_with_a_plain_note(kit, data, expected, words):
    result = graded(kit, data)
    assert points(result) == expected
    assert words in " ".join([*result.notes, *(note for each in result.exercises for note in each.notes)])


# ---------------------------------------------------------------- P7


def zipped():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.ipynb", notebook())
    return file.getvalue()


WORTHLESS = {"empty": b"", "binary": os.urandom(1000), "a zip": zipped(), "cut off": notebook()[:-40],
             "UTF-16": notebook().decode().encode("utf-16"), "a list": b"[1]", "deep": b"[" * 10**6,
             "a key twice": b'{"cells": 5, "cells": 6}', "a digit": b"7" * 5000}


def test_whatever_comes_gets_a_row_and_comes_back_from_the_record_as_it_was_judged(kit, tmp_path):
    """Texts that no database takes stopped the whole batch: half a letter in a text cell was enough."""
    body = f"import os\nos.write(1, b'\\xff\\0')\ndef scaled(x, n):\n    raise ValueError({BAD})"
    odd = notebook(why="half \ud83d", scaled=body)
    records.create(tmp_path)
    with Records(tmp_path, write=True) as record:
        batch = record.begin("grade", "77_small")
        for name, data in {**WORTHLESS, "odd": odd}.items():
            sha256 = hashlib.sha256(data).hexdigest()
            row = record.add_submission(batch, "77_small", "ann", 1, sha256, len(data), name, name, "")
            result = graded(kit, data)
            grading = record.add_grading(batch, row, result, "now")
            assert record.graded(grading) == dataclasses.replace(result, limits=dict(result.limits))
            assert (name == "odd") == (not result.refused)
            assert sum(each.points or 0 for each in result.exercises) == (4 if name == "odd" else 0)
        assert len(record.gradings("77_small")) == len(WORTHLESS) + 1
