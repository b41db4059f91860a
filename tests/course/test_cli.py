"""The command line as people meet it: its help, its one-line errors, and what it says without its extras."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from course import cli, commands, launch, lessons

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def shipped(shelf, monkeypatch):
    monkeypatch.setattr(lessons, "shipped_folder", lambda: shelf)
    return shelf


@pytest.fixture
def started(monkeypatch):
    """What JupyterLab would have been started with."""
    calls = []
    monkeypatch.setattr(launch, "start", lambda folder, lesson, **options: calls.append((folder, lesson, options)))
    return calls


def test_the_console_script_is_nnlab():
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert scripts == {"nnlab": "course.cli:main"}
    assert callable(cli.main)


def test_without_its_extras_the_command_names_the_one_to_install_and_shows_no_traceback():
    code = "import sys; sys.modules['typer'] = None; from course.cli import main; sys.exit(main(['doctor']))"
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 1
    assert ended.stderr == 'nnlab: its commands need typer, which is not installed: pip install "nnlab[lab]"\n'


def test_a_defect_of_our_own_is_not_taken_for_a_missing_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "course.commands", None)
    monkeypatch.delattr("course.commands")
    with pytest.raises(ModuleNotFoundError):
        cli.main(["--version"])


def test_help_fits_a_screen_and_gives_an_example_of_each_command(capsys):
    assert cli.main(["--help"]) == 0
    text = capsys.readouterr().out
    assert len(text.splitlines()) < 25
    for example in ("nnlab lab  ", "nnlab lab my-course --lesson 2", "nnlab lessons my-course", "nnlab doctor"):
        assert example in text
    assert "..." not in text.split("Commands:")[1], "a command's line is cut off"


def test_nnlab_alone_shows_the_help(capsys):
    cli.main([])
    captured = capsys.readouterr()
    assert "nnlab lab" in captured.out + captured.err


@pytest.mark.parametrize("command", ["lab", "lessons", "doctor"])
def test_every_commands_help_ends_its_text_with_an_example(command, capsys):
    assert cli.main([command, "--help"]) == 0
    assert f"Example: nnlab {command}" in capsys.readouterr().out


def test_version_names_the_commit_in_a_checkout(capsys):
    assert cli.main(["--version"]) == 0
    line = capsys.readouterr().out
    assert line.startswith("nnlab ")
    if (ROOT / ".git").exists():
        assert "commit" in line


def test_an_option_that_does_not_exist_is_answered_in_two_lines(capsys):
    assert cli.main(["lab", "--lessen", "2"]) == 2
    error = capsys.readouterr().err
    assert "No such option: --lessen" in error
    assert "Traceback" not in error


def test_lab_lays_the_lessons_and_starts_jupyter_on_the_first(shipped, started, student, capsys):
    assert cli.main(["lab", str(student)]) == 0
    assert started == [(student, "01_neurons.ipynb", {"port": 8888, "browser": True, "present": False})]
    assert capsys.readouterr().out == f"New in {student}: 01_neurons.ipynb, 02_init.ipynb\n"


def test_labs_options_reach_jupyter(shipped, started, student):
    cli.main(["lab", str(student), "--no-browser", "--port", "9999", "--lesson", "init", "--present"])
    assert started == [(student, "02_init.ipynb", {"port": 9999, "browser": False, "present": True})]


def test_the_default_folder_is_nnlab_lessons_here(shipped, started, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cli.main(["lab"])
    assert started[0][0] == tmp_path / "nnlab-lessons"


def test_a_tilde_that_the_shell_left_means_home(shipped, started, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    cli.main(["lab", "~/course"])
    assert started[0][0] == tmp_path / "course"


def test_an_unknown_lesson_starts_nothing_and_lays_nothing(shipped, started, student, capsys):
    assert cli.main(["lab", str(student), "--lesson", "12"]) == 1
    assert capsys.readouterr().err == "nnlab: No lesson '12'. There are: 01_neurons, 02_init.\n"
    assert started == []
    assert not student.exists()


def test_a_folder_that_does_not_serve_is_one_line_and_exit_code_1(shipped, started, tmp_path, capsys):
    (tmp_path / "taken").write_text("")
    assert cli.main(["lab", str(tmp_path / "taken")]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "is a file, but a folder is needed there" in error
    assert started == []


def test_lessons_lays_them_and_starts_nothing(shipped, started, student, capsys):
    assert cli.main(["lessons", str(student)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"The lessons are in {student}"
    (student / "02_init.ipynb").unlink()
    cli.main(["lessons", str(student), "--restore", "2"])
    assert (student / "02_init.ipynb").exists()
    assert started == []


def test_lab_without_jupyterlab_names_the_extra(shipped, student, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "jupyterlab.labapp", None)
    monkeypatch.setenv("JUPYTER_PATH", "")
    monkeypatch.setenv("JUPYTER_PREFER_ENV_PATH", "")
    assert cli.main(["lab", str(student)]) == 1
    assert capsys.readouterr().err == 'nnlab: JupyterLab needs jupyterlab.labapp: pip install "nnlab[lab]"\n'


def test_every_command_has_help_of_its_own():
    for command in commands.app.registered_commands:
        assert command.callback.__doc__, command.callback
