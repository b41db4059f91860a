"""Handing in: the right file, read from the disk, tried in fresh processes, written with a receipt; nothing lost."""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import pathlib
import queue
import re
import time

import numpy as np
import psutil
import pytest

from course import cli
from course.grading import handin, tryout
from course.grading.handin import HandinError
from course.grading.inside import program
from course.grading.kit import load_kit
from course.record import Record
from tests.grading import small

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """A student's folder with the notebook and what a release lays beside it."""
    for name, text in (("unit.toml", small.TOML), ("graded.py", small.GRADED)):
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def untried(monkeypatch):
    """Where it is about the file: no processes."""
    monkeypatch.setattr(tryout, "try_all", lambda *_: [])


def written(desk, name="work.ipynb", variant="VARIANT = {'answer': {'k': 41, 'half': 0.5, 'where': 'in'}}", **cells):
    """Write a notebook into the folder; `unit`, `version` and cells as in small.notebook."""
    content = json.loads(small.notebook(**cells))
    for cell in content["cells"]:
        cell["id"] = cell["metadata"]["nbgrader"]["grade_id"]
    content["cells"].insert(1, {"cell_type": "code", "id": "v", "metadata": {"nbgrader": {"grade_id": "variant"}},
                                "source": variant, "outputs": [], "execution_count": None})
    (desk / name).write_text(json.dumps(content), encoding="utf-8")
    return desk / name


def tried(desk, only=None, **cells):
    """name -> what was found for each exercise, or for one."""
    found = tryout.try_all(written(desk, **cells).read_bytes(), load_kit(desk), only and [only])
    return {each.asked.name: each for each in found}


def reasons(one):
    return [reason for _, reason in one.outcomes]


# ---------------------------------------------------------------- trying out


def test_right_solutions_pass_and_it_is_said_what_comes_after(desk):
    found = tried(desk, why="*Your words here.* Three words more")
    assert [each.lines() for each in found.values()] == [
        ["scaled (4 points): visible checks 2 of 2; 2 more run after you hand in"],
        ["Counter (2 points): visible checks 1 of 1; 1 more runs after you hand in"],
        ["answer (2 points): visible checks 1 of 1"],
        ["why (2 points): 3 words; a person will mark it"]]


def test_what_is_wrong_is_said_in_the_words_of_the_check(desk):
    found = tried(desk, scaled="def scaled(x, n):\n    return x", answer="answer = 41")
    assert reasons(found["scaled"])[0] == "twice is not twice"
    assert reasons(found["answer"]) == ["that is not one more"]  # 41 + 1, from the cell that release filled in
    assert not found["answer"].passed
    broken = tried(desk, "scaled", scaled="def scaled(x, n):\n    return [][n]")["scaled"]
    assert reasons(broken)[0] == "IndexError: list index out of range\nline 2 of <scaled>: return [][n]"
    assert "    no  twice: IndexError: list index out of range\n        line 2" in "\n".join(broken.lines())


def test_an_exercise_that_never_ends_or_kills_its_process_costs_no_other(desk, monkeypatch):
    monkeypatch.setattr(tryout, "_START", 4)
    monkeypatch.setattr(tryout, "_EACH", 0)
    found = tried(desk, scaled="def scaled(x, n):\n    while np.size(x) != 15:\n        pass\n    return n * x",
                  Counter="import os\nclass Counter:\n    def __init__(self, n):\n        os._exit(3)")
    assert reasons(found["scaled"]) == ["", "it did not end within 4 seconds: an endless loop?"]
    assert "ended by itself" in reasons(found["Counter"])[0]
    assert found["answer"].passed


def test_what_one_starts_is_ended_with_it(desk, monkeypatch):
    monkeypatch.setattr(tryout, "_START", 4)
    monkeypatch.setattr(tryout, "_EACH", 0)
    mark = desk.parent / "pid"
    code = (f"import subprocess, sys\ndef scaled(x, n):\n    p = subprocess.Popen([sys.executable, '-c', 'import time; "
            f"time.sleep(60)'])\n    open({str(mark)!r}, 'w').write(str(p.pid))\n    p.wait()")
    assert "did not end" in reasons(tried(desk, "scaled", scaled=code)["scaled"])[0]
    deadline = time.monotonic() + 10
    while runs(int(mark.read_text())) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not runs(int(mark.read_text()))


def runs(pid):
    """Whether a process still does anything: an orphan that has ended may wait a while for init to take note."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize("code", ["def scaled(x, n):\n    return n * float(input())", "scaled = ..."])
def test_what_asks_or_is_not_written_ends(code, desk):
    assert not tried(desk, "scaled", scaled=code)["scaled"].passed


def test_what_is_missing_is_named(desk):
    found = tried(desk, scaled="x = 1")
    assert found["scaled"].absent == "nothing in the notebook defines it"
    assert found["Counter"].absent == "it needs scaled, which is not there"
    frame = "def scaled(x, n):\n    ..."
    assert tried(desk, "scaled", scaled=frame)["scaled"].absent == "not written yet: it returns None"
    assert "it must be scaled(x, n)" in tried(desk, "scaled", scaled="scaled = 3")["scaled"].absent


def test_what_the_judge_will_not_have_is_not_there_now_and_is_named(desk):
    code = "from course.exercise import same\nimport nnlab\ndef scaled(x, n):\n    nnlab\n    return n * np.asarray(x)"
    found = tried(desk, "scaled", scaled=code)["scaled"]
    assert found.notes[0] == "nnlab is imported, and will not be there when it is graded"
    assert "NameError" in reasons(found)[0]


def test_what_is_printed_or_written_to_the_line_changes_nothing(desk):
    code = ("import os\ndef scaled(x, n):\n    print('x' * 99999)\n    os.write(1, b'{\"reason\": \"\"}\\n')\n"
            "    return x")
    assert reasons(tried(desk, "scaled", scaled=code)["scaled"])[0] == "twice is not twice"


def test_without_numbers_of_its_own_a_notebook_has_those_that_are_the_same_for_all(desk):
    k = load_kit(desk).visible["answer"].draw(np.random.default_rng(0))["k"]
    for variant in ("VARIANT = {}", "VARIANT = 1 +", "VARIANT = int(3)", "VARIANT = [1]"):
        assert reasons(tried(desk, "answer", variant=variant, answer=f"answer = {k + 1}")["answer"]) == [""]


def test_the_way_it_is_tried_is_the_way_it_is_judged(desk):
    """float16 comes back as float64 from the judge, a function as nothing that a check could use."""
    found = tried(desk, "scaled", scaled="def scaled(x, n):\n    return len")["scaled"]
    assert "is no array of numbers" in reasons(found)[0]


# ---------------------------------------------------------------- the file


def content(path):
    return json.loads(path.read_text(encoding="utf-8"))


def test_the_file_holds_the_sources_and_nothing_else(desk, untried):
    path = written(desk)
    inside = content(path)
    inside["cells"][2] |= {"outputs": [{"output_type": "stream", "name": "stdout", "text": "OUTPUTMARK"}],
                           "attachments": {"a.png": {"image/png": "ATTACHMARK"}}, "execution_count": 7}
    inside["cells"][2]["metadata"] |= {"collapsed": True, "path": "METAMARK"}
    inside["metadata"] |= {"widgets": "WIDGETMARK", "kernelspec": {"name": "python3", "display_name": "Python 3"}}
    path.write_text(json.dumps(inside), encoding="utf-8")
    handin.handin("77_small", path)
    made = content(desk / "77_small-handin.ipynb")
    assert "MARK" not in json.dumps(made)
    assert [cell["source"] for cell in made["cells"]] == [cell["source"] for cell in inside["cells"]]
    assert [cell["metadata"] for cell in made["cells"]] == [
        {"nbgrader": cell["metadata"]["nbgrader"]} for cell in inside["cells"]]
    stamp = made["metadata"]["nnlab"]
    assert (stamp["unit"], stamp["version"], sorted(stamp)) == ("77_small", "1.0", ["handed_in", "unit", "version"])
    assert datetime.datetime.fromisoformat(stamp["handed_in"]).tzinfo
    import nbformat

    nbformat.validate(nbformat.read(desk / "77_small-handin.ipynb", 4))
    asked = {each.name: {"needs": list(each.needs), "marked": each.marked} for each in load_kit(desk).exercises}
    assert program.read(json.dumps(made).encode(), asked) == program.read(path.read_bytes(), asked)


def test_the_receipt_says_which_file_when_and_its_hash(desk, capsys):
    written(desk)
    handin.handin("77_small")
    said = capsys.readouterr().out
    file = desk / "77_small-handin.ipynb"
    assert f"file    {file}\n" in said
    assert f"sha256  {hashlib.sha256(file.read_bytes()).hexdigest()[:12]}\n" in said
    assert f"time    {content(file)['metadata']['nnlab']['handed_in']}\n" in said
    assert "visible checks 2 of 2; 2 more run" in said
    assert "WARNING" not in said


def test_what_was_handed_in_before_is_kept(desk, untried):
    written(desk)
    handin.handin("77_small")
    first = (desk / "77_small-handin.ipynb").read_bytes()
    handin.handin("77_small")  # nothing has changed: no new file, no new time
    assert (desk / "77_small-handin.ipynb").read_bytes() == first
    for n in (2, 3):
        written(desk, answer=f"answer = {n}")
        handin.handin("77_small")
    assert (desk / "77_small-earlier-1.ipynb").read_bytes() == first
    assert "answer = 2" in (desk / "77_small-earlier-2.ipynb").read_text()
    assert "answer = 3" in (desk / "77_small-handin.ipynb").read_text()
    assert sorted(path.name for path in desk.glob("*.ipynb*")) == [
        "77_small-earlier-1.ipynb", "77_small-earlier-2.ipynb", "77_small-handin.ipynb", "work.ipynb"]


def test_predictions_travel_only_if_the_student_says_so(desk, untried):
    toml = small.TOML.replace("labs = []", 'labs = ["1a"]')
    (desk / "unit.toml").write_text(toml)
    written(desk)
    for lab in ("1a", "9z"):
        Record(desk).keep("predictions", lab, {"choice": f"CHOICE{lab}", "locked_at": "2026-01-01T00:00:00+00:00"})
    handin.handin("77_small")
    assert "CHOICE" not in (desk / "77_small-handin.ipynb").read_text()
    handin.handin("77_small", predictions=True)
    stamp = content(desk / "77_small-handin.ipynb")["metadata"]["nnlab"]
    assert list(stamp["predictions"]) == ["1a"]
    assert stamp["predictions"]["1a"]["choice"] == "CHOICE1a"
    handin.handin("77_small", "77_small-handin.ipynb")  # they are in there, and the student did not say so again
    assert "CHOICE" not in (desk / "77_small-handin.ipynb").read_text()


def test_a_lone_surrogate_and_other_letters_survive(desk, untried):
    written(desk, why="häufig \ud800 \u202e 数")
    handin.handin("77_small")
    assert content(desk / "77_small-handin.ipynb")["cells"][-1]["source"] == "häufig \ud800 \u202e 数"


# ---------------------------------------------------------------- the wrong file


def test_of_several_notebooks_none_is_guessed(desk):
    written(desk)
    assert handin.find("77_small") == desk / "work.ipynb"
    written(desk, "other.ipynb", unit="78_other")
    assert handin.find("77_small") == desk / "work.ipynb"
    written(desk, "copy.ipynb")
    with pytest.raises(HandinError, match=r"2 notebooks of 77_small here, copy.ipynb, work.ipynb. Say which"):
        handin.find("77_small")
    with pytest.raises(HandinError, match="there is no notebook of 79_none"):
        handin.find("79_none")


def test_the_wrong_unit_is_refused_and_another_version_told(desk, untried, capsys):
    written(desk, unit="78_other")
    with pytest.raises(HandinError, match=r"work.ipynb is of the unit 78_other, not of 77_small"):
        handin.handin("77_small", desk / "work.ipynb")
    written(desk, version="0.9")
    handin.handin("77_small")
    assert "WARNING: your notebook is of version 0.9, the checks here are of 1.0" in capsys.readouterr().out
    content_ = content(desk / "work.ipynb")
    del content_["metadata"]["nnlab"]
    (desk / "work.ipynb").write_text(json.dumps(content_))
    handin.handin("77_small", "work.ipynb")
    assert "WARNING: work.ipynb does not say of which unit it is" in capsys.readouterr().out


@pytest.mark.parametrize(("data", "words"), [
    (b"", "is no notebook"), (b"\xff\xfe", "is no notebook"), (b"[" * 100_000, "is no notebook"), (b"[]", "is no"),
    (b'{"cells": 3}', "is no notebook"), (b'{"cells": [3]}', "is no"), (b'{"cells": [{"source": [1]}]}', "is no"),
    (b'{"cells": [], "metadata": []}', "is no"), (b'{"worksheets": []}', "save it again"), (None, "No such file"),
])
def test_what_is_no_notebook_is_one_line_and_nothing_is_touched(data, words, desk, capsys):
    (desk / "77_small-handin.ipynb").write_text("before")
    if data is not None:
        (desk / "x.ipynb").write_bytes(data)
    assert cli.main(["handin", "77_small", "x.ipynb"]) == 1
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1
    assert (desk / "77_small-handin.ipynb").read_text() == "before"


def test_a_folder_that_cannot_be_written_is_one_line(desk, untried, capsys):
    written(desk)
    (desk / "file").write_text("")
    assert cli.main(["handin", "77_small", "--to", "file"]) == 1
    assert "could not be written" in capsys.readouterr().err


# ---------------------------------------------------------------- the command line


def test_check_tries_one_or_all_exercises(desk, capsys):
    written(desk, answer="answer = 0")
    assert cli.main(["check"]) == 1
    assert re.findall(r"^\w+", capsys.readouterr().out, re.MULTILINE) == ["scaled", "Counter", "answer", "why"]
    assert cli.main(["check", "scaled"]) == 0
    assert capsys.readouterr().out.startswith("scaled (4 points): visible checks 2 of 2")
    assert cli.main(["check", "work.ipynb", "answer"]) == 1
    assert "no  one more: that is not one more" in capsys.readouterr().out
    assert cli.main(["check", "scald"]) == 1
    assert "did you mean 'scaled'" in capsys.readouterr().err
    assert not list(desk.glob("*handin*"))


@pytest.mark.parametrize("wanted", ["1", "01", "neurons", "01_neurons"])
def test_a_unit_has_several_names(wanted):
    assert handin.unit_named(wanted) == "01_neurons"


# ---------------------------------------------------------------- in the notebook


@pytest.fixture
def kernel(desk, monkeypatch):
    """A real kernel as Jupyter's server starts it for work.ipynb: run(code) gives what it printed."""
    from jupyter_client.manager import start_new_kernel

    env = {**os.environ, "JPY_SESSION_NAME": str(desk / "work.ipynb"),
           "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    manager, client = start_new_kernel(kernel_name="python3", env=env, cwd=str(desk.parent))

    def run(code):
        printed = []
        asked = client.execute(code)
        while True:
            try:
                message = client.get_iopub_msg(timeout=60)
            except queue.Empty:
                raise AssertionError(f"no answer to {code}") from None
            if message["parent_header"].get("msg_id") != asked:
                continue
            if message["msg_type"] == "stream":
                printed.append(message["content"]["text"])
            if message["msg_type"] == "error":
                raise AssertionError("\n".join(message["content"]["traceback"]))
            if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                return "".join(printed)

    yield run
    client.stop_channels()
    manager.shutdown_kernel(now=True)
    manager.cleanup_resources()


@pytest.mark.filterwarnings("ignore")  # of jupyter_client, about its own loops
def test_in_the_notebook_the_one_that_runs_is_handed_in_and_unsaved_work_is_told(desk, kernel):
    written(desk)
    written(desk, "copy.ipynb")
    hand = 'from course.grading.handin import handin\nhandin("77_small")'
    kernel(small.CELLS["imports"])
    kernel(f"\n{small.CELLS['scaled']}\n")
    said = kernel(hand)
    assert "WARNING" not in said
    assert "made of work.ipynb" in said
    changed = "def scaled(x, n):\n    return n * x + 0"
    kernel(changed)
    said = kernel(hand)
    assert "WARNING: scaled: what you ran is not in the file work.ipynb. Save" in said
    assert "handin.ipynb" in said
    written(desk, scaled=changed)
    assert "WARNING" not in kernel(hand)
    (desk / "work.ipynb").rename(desk / "renamed.ipynb")
    assert "Nothing was handed in: there is no notebook of 77_small" in kernel(hand)  # in the kernel's folder
    assert "made of renamed.ipynb" in kernel(f'handin("77_small", {str(desk / "renamed.ipynb")!r})')
