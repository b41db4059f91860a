"""`nnlab doctor`: it finds what is there, says how to mend what is not, and never falls ill itself."""

from __future__ import annotations

import json
import sys

import pytest

from course import cli, doctor
from course.doctor import BROKEN, MISSING, OK, Finding
from course.grading import sandbox


def test_this_machine_can_run_the_lessons_and_the_report_says_so(capsys):
    code = cli.main(["doctor"])
    text = capsys.readouterr().out
    assert "The lessons can run here." in text, text
    assert code == 0
    for topic in ("nnlab", "Python", "numpy", "jupyterlab", "BLAS", "kernel", "browser", "Chromium", "PyTorch"):
        assert f"\n{topic}" in f"\n{text}"
    assert "starts and imports nnlab in" in text
    assert "threads of" in text


def test_whatever_is_not_well_comes_with_how_to_mend_it(monkeypatch):
    monkeypatch.setattr(doctor, "kernel", lambda: Finding("kernel", OK, ""))  # seen in the test above
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("DISPLAY", raising=False)
    findings = doctor.examine()
    assert {"Chromium", "sandbox"} <= {finding.topic for finding in findings if finding.state == MISSING}
    assert all(finding.mend for finding in findings if finding.state != OK)
    assert doctor.lessons_can_run(findings), "none of these is needed for the lessons"


def test_a_missing_package_means_that_lessons_cannot_run(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "anywidget", None)
    finding = doctor.package("anywidget")
    assert finding == Finding("anywidget", BROKEN, "not installed", 'pip install "nnlab[lab]"')
    monkeypatch.setattr(doctor, "examine", lambda: [finding])
    assert cli.main(["doctor"]) == 1
    assert "The lessons cannot run here: see 'broken' above." in capsys.readouterr().out


def test_a_package_that_is_there_but_does_not_import_is_told_apart(monkeypatch):
    def broken(name):
        raise ImportError("wrong processor")

    monkeypatch.setattr(doctor.importlib, "import_module", broken)
    finding = doctor.package("numpy")
    assert (finding.state, finding.found) == (BROKEN, "does not import: wrong processor")


def test_a_check_that_fails_is_a_finding_and_not_a_traceback():
    def ill():
        raise RuntimeError("no such thing")

    finding = doctor.guarded("kernel", ill)
    assert (finding.state, finding.found) == (BROKEN, "RuntimeError: no such thing")


def test_a_folder_that_is_not_writable_names_another_way(monkeypatch):
    def refused(**options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(doctor.tempfile, "TemporaryFile", refused)
    finding = doctor.folder_writable()
    assert finding.state == MISSING
    assert "nnlab lab FOLDER" in finding.mend


def test_a_sandbox_that_the_system_forbids_does_not_count(monkeypatch):
    class Refused:
        returncode, stderr = 1, "no such image"

    refuses = ["sh", "-c", "echo No permissions to create new namespace >&2; exit 1"]
    monkeypatch.setattr(sandbox.shutil, "which", lambda name: f"/bin/{name}")
    monkeypatch.setattr(sandbox, "bubblewrap", lambda *_: refuses)
    monkeypatch.setattr(sandbox.subprocess, "run", lambda *arguments, **options: Refused)
    finding = doctor.sandbox()
    sandbox.trouble.cache_clear()
    assert finding.state == MISSING
    assert "No permissions" in finding.found


@pytest.fixture
def two():
    return [Finding("numpy", OK, "2.4.6"), Finding("kernel", BROKEN, "[red]none[/red]", "install it")]


def test_the_report_is_plain_lines_where_there_is_no_terminal(two, capsys):
    doctor.show(two)
    assert capsys.readouterr().out.splitlines() == [
        "numpy         ok       2.4.6",
        "kernel        broken   [red]none[/red] -> install it",
        "The lessons cannot run here: see 'broken' above.",
    ]


def test_the_report_is_a_table_on_a_terminal(two, capsys, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    doctor.show(two)
    text = capsys.readouterr().out
    assert "how to mend" in text
    assert "[red]none[/red]" in text, "what was found is shown as it is, never read as markup"


def test_the_report_can_be_read_by_a_program(two, capsys):
    doctor.show(two, as_json=True)
    assert json.loads(capsys.readouterr().out)[1] == {
        "topic": "kernel", "state": "broken", "found": "[red]none[/red]", "mend": "install it",
    }  # fmt: skip
