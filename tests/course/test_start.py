"""start.py: what it decides about an environment, what it says when something fails, and that old Pythons can read it.

Only its own decisions are tested here, on an environment that is imagined; `.ci/run` makes a real one on every run.
"""

from __future__ import annotations

import ast
import errno
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def start(tmp_path, monkeypatch):
    """start.py, as if it lay in a project of its own, with pip and venv replaced by a record of their calls."""
    spec = importlib.util.spec_from_file_location("start", ROOT / "start.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name in ("requirements.lock", "requirements-test.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    monkeypatch.setattr(module, "HERE", str(tmp_path))
    monkeypatch.setattr(module, "VENV", str(tmp_path / ".venv"))
    monkeypatch.setattr(module, "WHEELS", str(tmp_path / "wheels"))
    module.calls, module.pip_result = [], (0, "")

    def pip(arguments, total):
        module.calls.append(arguments)
        return module.pip_result

    def venv(command, **options):
        assert command[1:3] == ["-m", "venv"]
        module.calls.append(["venv"])
        python = Path(module.venv_python())
        python.parent.mkdir(parents=True, exist_ok=True)
        python.touch()
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(module, "run_pip", pip)
    monkeypatch.setattr(module.subprocess, "run", venv)
    monkeypatch.setattr(module, "start", lambda arguments: module.calls.append(["start", *arguments]) or 0)
    return module


def steps(start) -> list[str]:
    """The calls so far in one word each, and forget them."""
    words = []
    for call in start.calls:
        if call[0] == "install":
            words.append("project" if "-e" in call else call[-1])
        else:
            words.append(call[0])
    start.calls.clear()
    return words


def stamp(start) -> dict:
    return json.loads(Path(start.VENV, start.STAMP).read_text())


def change(start, **fields) -> None:
    Path(start.VENV, start.STAMP).write_text(json.dumps({**stamp(start), **fields}))


# ---------------------------------------------------------------- what it does, and what it does not do again


def test_the_first_run_makes_an_environment_installs_the_lock_then_nnlab_and_starts_the_lessons(start):
    assert start.main([]) == 0
    assert steps(start) == ["venv", "requirements.lock", "project", "start"]
    assert stamp(start)["state"] == "ready"


def test_the_lock_is_installed_with_hashes_and_nnlab_itself_without_anything_else(start):
    start.main(["install"])
    _, packages, project = start.calls
    assert packages == ["install", "--require-hashes", "-r", "requirements.lock"]
    assert project == ["install", "--no-deps", "--no-build-isolation", "--no-index", "-e", start.HERE]


def test_the_second_run_installs_nothing(start):
    start.main([])
    steps(start)
    start.main([])
    assert steps(start) == ["start"]


def test_the_tests_add_to_the_environment_and_the_lessons_then_start_from_the_same_one(start):
    start.main(["install"])
    steps(start)
    start.main(["test"])
    assert steps(start) == ["requirements-test.lock", "project", "start"]
    start.main([])
    assert steps(start) == ["start"]


def test_an_upgraded_lock_is_installed_over_the_old(start):
    start.main([])
    steps(start)
    with open(Path(start.HERE, "requirements.lock"), "a") as lock:
        lock.write("# newer\n")
    start.main([])
    assert steps(start) == ["requirements.lock", "project", "start"]
    start.main([])
    assert steps(start) == ["start"]


def test_a_changed_pyproject_installs_only_nnlab_again(start):
    start.main([])
    steps(start)
    with open(Path(start.HERE, "pyproject.toml"), "a") as settings:
        settings.write("# newer\n")
    start.main([])
    assert steps(start) == ["project", "start"]


@pytest.mark.parametrize(
    ("field", "value"), [("python", "cpython 3.99 elsewhere"), ("project", "/another/place"), ("state", "making")]
)
def test_another_python_a_moved_folder_or_a_half_made_environment_is_made_anew(start, field, value):
    start.main([])
    (Path(start.VENV) / "leftover").mkdir()
    change(start, **{field: value})
    steps(start)
    start.main([])
    assert steps(start) == ["venv", "requirements.lock", "project", "start"]
    assert not (Path(start.VENV) / "leftover").exists()


@pytest.mark.parametrize("torn", ["", "{", "[]", "3", "{}"])
def test_a_torn_stamp_means_a_half_made_environment(start, torn):
    start.main([])
    Path(start.VENV, start.STAMP).write_text(torn)
    steps(start)
    start.main([])
    assert steps(start)[0] == "venv"


def test_an_environment_whose_python_was_uninstalled_is_made_anew(start):
    start.main([])
    os.remove(start.venv_python())
    steps(start)
    start.main([])
    assert steps(start)[0] == "venv"


def test_an_environment_made_by_someone_else_is_left_alone(start, capsys):
    Path(start.VENV, "bin").mkdir(parents=True)
    assert start.main([]) == 1
    assert capsys.readouterr().err == (
        "start.py: start.py did not make the folder .venv and leaves it alone: move it away, then run again.\n"
    )
    assert start.calls == []


def test_an_empty_folder_in_its_place_is_used(start):
    os.mkdir(start.VENV)
    assert start.main([]) == 0
    assert steps(start)[0] == "venv"


@pytest.mark.parametrize("at", ["venv", "packages", "project"])
def test_ended_at_any_step_of_the_first_run_the_next_one_starts_over(start, at, monkeypatch, capsys):
    def ended(*arguments, **options):
        raise KeyboardInterrupt

    def pip(arguments, total):
        if ("-e" in arguments) == (at == "project"):
            raise KeyboardInterrupt
        return 0, ""

    with monkeypatch.context() as cut:
        cut.setattr(start, "run_pip", pip)
        if at == "venv":
            cut.setattr(start.subprocess, "run", ended)
        assert start.main([]) == 130
    assert "Run the same command again" in capsys.readouterr().err
    steps(start)
    assert start.main([]) == 0
    assert steps(start) == ["venv", "requirements.lock", "project", "start"]


def test_an_update_that_fails_leaves_the_old_environment_and_is_tried_again(start, capsys):
    start.main([])
    before = stamp(start)
    with open(Path(start.HERE, "requirements.lock"), "a") as lock:
        lock.write("# newer\n")
    start.pip_result = (1, "WARNING: Retrying after NewConnectionError")
    assert start.main([]) == 1
    assert "No network" in capsys.readouterr().err
    assert stamp(start) == before
    start.pip_result = (0, "")
    steps(start)
    assert start.main([]) == 0
    assert steps(start) == ["requirements.lock", "project", "start"]


def test_an_environment_to_make_anew_is_not_pulled_from_under_the_python_that_runs(start, monkeypatch, capsys):
    start.main([])
    change(start, project="/another/place")
    monkeypatch.setattr(sys, "prefix", start.VENV)
    assert start.main([]) == 1
    assert "deactivate, then run again" in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="a thread cannot hold a Windows lock against its own process")
def test_a_second_run_waits_for_the_first_and_then_has_nothing_to_do(start, capsys):
    os.mkdir(start.VENV)
    held = start.guard()
    second = threading.Thread(target=start.main, args=([],))
    second.start()
    time.sleep(0.3)
    assert start.calls == []
    Path(start.venv_python()).parent.mkdir()
    Path(start.venv_python()).touch()
    now = start.facts()
    start.write_stamp({**now, "state": "ready", "kind": "lab", "lock": now["locks"]["lab"]})
    held.close()
    second.join(10)
    assert steps(start) == ["start"]
    assert "waiting for it to end" in capsys.readouterr().out


def test_a_folder_of_wheels_beside_it_is_used_instead_of_the_network(start):
    os.mkdir(start.WHEELS)
    start.main(["install"])
    assert start.calls[1] == [
        "install", "--require-hashes", "--no-index", "--find-links", start.WHEELS, "-r", "requirements.lock",
    ]  # fmt: skip


def test_wheels_fills_that_folder(start):
    start.main(["wheels"])
    assert start.calls[-1] == ["download", "--require-hashes", "-r", "requirements.lock", "-d", start.WHEELS]


# ---------------------------------------------------------------- where the words go


@pytest.mark.parametrize(
    ("words", "started"),
    [
        ([], ["-P", "-m", "course.cli", "lab"]),
        (["lab", "my folder", "--no-browser"], ["-P", "-m", "course.cli", "lab", "my folder", "--no-browser"]),
        (["--no-browser"], ["-P", "-m", "course.cli", "lab", "--no-browser"]),
        (["doctor"], ["-P", "-m", "course.cli", "doctor"]),
        (["test"], ["-m", "pytest"]),
        (["test", "-k", "neuron or moons"], ["-m", "pytest", "-k", "neuron or moons"]),
    ],
)
def test_its_arguments_go_to_the_lessons_to_pytest_or_to_nnlab(start, words, started):
    start.main(words)
    assert start.calls[-1] == ["start", *started]


def test_help_is_answered_without_making_anything(start, capsys):
    assert start.main(["--help"]) == 0
    assert "python3 start.py test" in capsys.readouterr().out
    assert start.calls == []


def test_install_takes_no_other_word(start, capsys):
    assert start.main(["install", "everything"]) == 1
    assert "got everything, expected nothing or the word test" in capsys.readouterr().err


def test_packages_from_outside_do_not_get_in_and_ours_do_not_get_out(start, monkeypatch):
    for name in ("PYTHONPATH", "PYTHONHOME", "PIP_TARGET", "PIP_CONSTRAINT"):
        monkeypatch.setenv(name, "elsewhere")
    monkeypatch.setenv("PIP_USER", "1")
    monkeypatch.setenv("PIP_INDEX_URL", "a mirror of the school's")
    env = start.clean_environ()
    assert "elsewhere" not in env.values()
    assert env["PIP_USER"] == "0"
    assert env["PIP_INDEX_URL"] == "a mirror of the school's"
    assert env["PATH"].startswith(start.VENV)


# ---------------------------------------------------------------- what it says when something fails


def test_a_python_that_is_too_old_is_told_so_in_one_line(start, monkeypatch, capsys):
    monkeypatch.setattr(sys, "version_info", (3, 10, 13))
    monkeypatch.setattr(start, "PYTHON", "3.10")
    assert start.main([]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "needs Python 3.11 or newer, this is 3.10" in error
    assert start.calls == []


def test_a_python_without_venv_names_the_package_to_install(start, monkeypatch, capsys):
    monkeypatch.setattr(start, "has_module", lambda name: name != "ensurepip")
    assert start.main([]) == 1
    assert "no ensurepip. On Debian or Ubuntu: sudo apt install python3-venv" in capsys.readouterr().err


def test_a_venv_that_cannot_be_made_gives_its_last_line(start, monkeypatch, capsys):
    failed = subprocess.CompletedProcess([], 1, "Trying\nError: the reason", "")
    monkeypatch.setattr(start.subprocess, "run", lambda command, **options: failed)
    assert start.main([]) == 1
    assert "Python could not make .venv: Error: the reason" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("log", "told"),
    [
        ("WARNING: Retrying (Retry(total=4)) after connection broken by 'NewConnectionError(...)'", "No network"),
        ("socket.gaierror: [Errno -3] Temporary failure in name resolution", "No network"),
        ("pip._vendor.urllib3.exceptions.ReadTimeoutError: Read timed out.", "No network"),
        ("ProxyError('Cannot connect to proxy.')", "No network"),
        ("NewConnectionError\nERROR: No matching distribution found for x==1", "No network"),
        ("SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED]", "PIP_CERT"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE", "not the one the lock names"),
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "disk is full"),
        ("HINT: This error might have occurred since this system does not have Windows Long Path support", "too long"),
        ("Looking in links: /here/wheels\nERROR: No matching distribution found for numpy", "folder wheels lacks"),
        ("ERROR: No matching distribution found for numpy==2.4.6", "no ready-made file for Python"),
        ("error: subprocess-exited-with-error\n× Building wheel", "no ready-made file for Python"),
        ("ERROR: Could not install packages: [WinError 32] in use", "in use or not writable"),
        ("ERROR: first\nERROR: something new", "Installing failed: something new"),
        ("", "pip gave no reason"),
    ],
)
def test_a_failed_pip_is_one_line_that_says_how_to_mend_it(start, capsys, log, told):
    start.pip_result = (1, log)
    assert start.main([]) == 1
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1
    assert "nnlab-install.log" in error


@pytest.mark.parametrize(
    ("number", "told"),
    [(errno.ENOSPC, "is full"), (errno.EACCES, "No right to write"), (errno.EROFS, "copy the project to a folder")],
)
def test_a_disk_that_does_not_take_the_environment_is_one_line(start, monkeypatch, capsys, number, told):
    def refused(path):
        raise OSError(number, os.strerror(number), path)

    monkeypatch.setattr(start.os, "makedirs", refused)
    assert start.main([]) == 1
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1


# ---------------------------------------------------------------- pip, really run


@pytest.fixture
def real(start, monkeypatch):
    """start.py with this Python in the place of the environment's, and pip itself replaced by a small script."""
    spec = importlib.util.spec_from_file_location("start_real", ROOT / "start.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    os.mkdir(start.VENV)
    for name in ("HERE", "VENV", "WHEELS"):
        monkeypatch.setattr(module, name, getattr(start, name))
    monkeypatch.setattr(module, "venv_python", lambda: sys.executable)
    package = Path(start.HERE, "pip")
    package.mkdir()
    (package / "__init__.py").touch()

    def pip(source: str) -> None:
        (package / "__main__.py").write_text(source)

    module.write_pip = pip
    return module


def test_all_that_pip_says_is_kept_in_the_log(real):
    real.write_pip("import sys; print('to stdout'); print('to stderr', file=sys.stderr); sys.exit(3)")
    code, log = real.run_pip(["install"], total=0)
    assert code == 3
    assert "to stdout" in log
    assert "to stderr" in log
    assert Path(real.VENV, real.LOG).read_text() == log


def test_on_a_terminal_progress_is_one_line_that_is_rewritten(real, monkeypatch, capsys):
    real.write_pip("import time\nprint('Collecting numpy==2.4.6 (from -r lock)', flush=True)\ntime.sleep(0.7)")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    real.run_pip(["install"], total=123)
    shown = capsys.readouterr().out
    assert "fetching 1 of about 123: numpy" in shown
    assert "\n" not in shown


@pytest.mark.skipif(os.name == "nt", reason="Windows sends Ctrl-C to the whole console, not to one process")
@pytest.mark.usefixtures("ctrl_c_is_heard")
def test_ctrl_c_while_installing_ends_pip_too(real):
    real.write_pip("import time\nprint('Collecting a==1', flush=True)\ntime.sleep(60)")
    threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        real.run_pip(["install"], total=1)
    assert time.monotonic() - began < 20


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ([], "starting"),
        (["Collecting numpy==2.4.6 (from -r x)\n", "  Downloading numpy\n"], "fetching 1 of about 9: numpy"),
        (["Processing ./wheels/ruff-0.17.6-py3-none-any.whl\n"], "fetching 1 of about 9: ruff"),
        (["Collecting a==1\n", "Collecting b==1\n", "Installing collected packages: a, b\n"], "unpacking 2 packages"),
    ],
)
def test_progress_says_what_pip_is_at(start, lines, told):
    assert told in start.progress(lines, 9)


# ---------------------------------------------------------------- old Pythons


def test_the_file_is_written_in_words_that_old_pythons_can_read():
    """Nothing that Python 2.7 cannot parse: or it would answer with a syntax error instead of what to install."""
    source = (ROOT / "start.py").read_bytes()
    source.decode("ascii")
    newer = (
        ast.JoinedStr, ast.AnnAssign, ast.NamedExpr, ast.AsyncFunctionDef, ast.Await, ast.Nonlocal, ast.YieldFrom,
        ast.Starred, ast.Match, ast.MatMult,
    )  # fmt: skip
    for node in ast.walk(ast.parse(source)):
        assert not isinstance(node, newer), f"line {node.lineno}: {type(node).__name__}"
        if isinstance(node, ast.FunctionDef):
            every = [*node.args.posonlyargs, *node.args.kwonlyargs]
            assert not every, f"line {node.lineno}: only positional or only keyword arguments"
            assert node.returns is None
            assert not any(argument.annotation for argument in node.args.args)
        if isinstance(node, ast.Raise):
            assert node.cause is None, f"line {node.lineno}: raise ... from"
        if isinstance(node, ast.Call):
            later = [index for index, word in enumerate(node.keywords) if word.arg is None]
            assert later in ([], [len(node.keywords) - 1]), f"line {node.lineno}: an argument after **"


def old_pythons() -> list[str]:
    names = ["python2", "python2.7", *(f"python3.{minor}" for minor in range(3, 11))]
    return sorted(filter(None, map(shutil.which, names)))


def test_whatever_old_python_is_here_says_that_it_is_too_old():
    for python in old_pythons():
        if subprocess.run([python, "-c", ""], capture_output=True).returncode:
            continue  # a shim that leads nowhere
        ended = subprocess.run([python, str(ROOT / "start.py")], capture_output=True, text=True)
        assert ended.returncode == 1
        assert "nnlab needs Python 3.11 or newer" in ended.stderr
        assert ended.stderr.count("\n") == 1, ended.stderr
