"""`nnlab lab` for real: a JupyterLab started in a subprocess with a home of its own, spoken to over HTTP."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

from course import launch, lessons
from course.savehook import VIEW

ROOT = Path(__file__).resolve().parents[2]
# The command as installed, but with the tests' own tiny lessons for the course's.
COMMAND = """
import sys
from pathlib import Path
from course import lessons
from course.cli import main
lessons.shipped_folder = lambda: Path(sys.argv[1])
sys.exit(main(sys.argv[2:]))
"""
TOKEN = "a-token-of-the-tests"
PICTURE = "iVBORw0KGgo="


class Lab:
    """A running `nnlab lab`: what it printed, and its HTTP interface."""

    def __init__(self, home: Path, folder: Path, *options: str, **extra_env: str):
        env = {**os.environ, "HOME": str(home), "JUPYTER_TOKEN": TOKEN, "PYTHONPATH": str(ROOT)}
        for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "XDG_DATA_HOME", "DISPLAY"):
            env.pop(name, None)
        env.update(extra_env)
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-c", COMMAND, str(home / "shelf"), "lab", str(folder), "--no-browser", *options],
            env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.printed: list[str] = []
        self.readers = [
            threading.Thread(target=lambda pipe=pipe: self.printed.extend(pipe), daemon=True)
            for pipe in (self.process.stdout, self.process.stderr)
        ]
        for reader in self.readers:
            reader.start()
        self.address = self.wait_for_address()

    def wait_for_address(self) -> str:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self.process.poll() is None:
            if found := re.search(r"http://\S+", "".join(self.printed)):
                with contextlib.suppress(OSError), socket.create_connection(parts(found[0]), 5):
                    return found[0]  # it is printed a moment before the server listens
            time.sleep(0.05)
        self.stop()
        raise AssertionError(f"nnlab lab printed no address:\n{''.join(self.printed)}")

    def ask(self, method: str, path: str, body: dict | None = None):
        base = self.address.split("/lab")[0]
        headers = {"Authorization": f"token {TOKEN}", "Content-Type": "application/json"}
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(f"{base}{path}", data, headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            text = answer.read().decode()
        return json.loads(text) if text and not text.startswith("<") else text

    def stop(self) -> int:
        """End it as Ctrl-C does, once."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        finally:
            for reader in self.readers:
                reader.join(5)
            self.process.stdout.close()
            self.process.stderr.close()


def parts(address: str) -> tuple[str, int]:
    found = urllib.parse.urlsplit(address)
    return found.hostname, found.port


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """A home whose user has kernels `python3` that are not ours and settings that would get in the way; and a shelf."""
    home = tmp_path_factory.mktemp("home")
    (home / "shelf").mkdir()
    (home / "shelf/01_neurons.ipynb").write_text('{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}')
    spec = {"argv": ["/bin/false", "{connection_file}"], "display_name": "shadow", "language": "python"}
    for kernels in (home / ".local/share/jupyter/kernels/python3", home / "elsewhere/kernels/python3"):
        kernels.mkdir(parents=True)
        (kernels / "kernel.json").write_text(json.dumps(spec))
    (home / ".jupyter").mkdir()
    (home / ".jupyter/jupyter_server_config.py").write_text("c.ServerApp.ip = '0.0.0.0'\nc.ServerApp.root_dir = '/'\n")
    return home


@pytest.fixture(scope="module")
def lab(home):
    lab = Lab(home, home / "Kurs für Žofie", JUPYTER_PATH=str(home / "elsewhere"))
    yield lab
    lab.stop()


def shown(*mimes: str) -> dict:
    """A cell whose output has these representations."""
    view = {"model_id": "a", "version_major": 2, "version_minor": 0}
    data = {mime: view if mime == VIEW else PICTURE for mime in mimes}
    output = {"output_type": "display_data", "data": data, "metadata": {}}
    return {"cell_type": "code", "id": "x", "metadata": {}, "execution_count": 1, "source": "lab", "outputs": [output]}


def save_and_read(lab: Lab, cells: list[dict]) -> dict:
    state = {"application/vnd.jupyter.widget-state+json": {"state": {}, "version_major": 2, "version_minor": 0}}
    notebook = {"cells": cells, "metadata": {"widgets": state, "mine": 1}, "nbformat": 4, "nbformat_minor": 5}
    lab.ask("PUT", "/api/contents/saved.ipynb", {"type": "notebook", "format": "json", "content": notebook})
    return json.loads((lab.folder / "saved.ipynb").read_bytes())


# ---------------------------------------------------------------- the address


def test_it_lays_the_lessons_and_opens_the_first_one_on_this_machine_only(lab):
    assert re.fullmatch(rf"http://127\.0\.0\.1:\d+/lab/tree/01_neurons\.ipynb\?token={TOKEN}", lab.address)
    assert (lab.folder / "01_neurons.ipynb").exists()
    assert lab.ask("GET", "/api/contents/01_neurons.ipynb?content=0")["type"] == "notebook"


def test_what_it_prints_is_short_and_says_how_to_end_it(lab):
    text = "".join(lab.printed)
    assert "Ctrl-C here ends JupyterLab." in text
    assert len(text.splitlines()) == 7, text


def test_the_page_is_served_to_who_has_the_token_and_to_nobody_else(lab):
    assert "jupyter-config-data" in lab.ask("GET", "/lab")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(lab.address.split("/lab")[0] + "/api/contents")
    assert refused.value.code == 403
    refused.value.close()


def test_the_first_run_asks_nothing_and_fetches_nothing(lab):
    assert lab.ask("GET", "/lab/api/update") == {"notification": None}
    schema = lab.ask("GET", "/lab/api/settings/@jupyterlab/apputils-extension:notification")["schema"]["properties"]
    assert schema["fetchNews"]["default"] == "false"
    assert schema["checkForUpdates"]["default"] is False


def test_the_kernel_is_this_environments_python_though_the_user_has_another_of_that_name(lab):
    spec = lab.ask("GET", "/api/kernelspecs")["kernelspecs"]["python3"]["spec"]
    assert spec["display_name"] != "shadow"
    assert "ipykernel_launcher" in spec["argv"]
    kernel = lab.ask("POST", "/api/kernels", {"name": "python3"})
    assert lab.ask("GET", f"/api/kernels/{kernel['id']}")["name"] == "python3"
    lab.ask("DELETE", f"/api/kernels/{kernel['id']}")


# ---------------------------------------------------------------- the save hook, through a real save


def test_saving_drops_the_view_where_a_picture_stands_beside_it_and_the_widgets_state(lab):
    for picture in ("image/png", "image/jpeg"):
        saved = save_and_read(lab, [shown("text/plain", picture, VIEW)])
        assert set(saved["cells"][0]["outputs"][0]["data"]) == {"text/plain", picture}
        assert saved["metadata"] == {"mine": 1}


def test_saving_keeps_a_view_that_has_no_picture_and_the_state_it_needs(lab):
    saved = save_and_read(lab, [shown("text/plain", VIEW), shown("image/png", VIEW)])
    assert set(saved["cells"][0]["outputs"][0]["data"]) == {"text/plain", VIEW}
    assert set(saved["cells"][1]["outputs"][0]["data"]) == {"image/png"}
    assert "widgets" in saved["metadata"]


def test_saving_leaves_everything_else_as_it_is(lab):
    stream = {"output_type": "stream", "name": "stdout", "text": "hello"}
    text = {"cell_type": "markdown", "id": "m", "metadata": {"tags": ["a"]}, "source": "# Title"}
    cells = [text, shown("image/png", "text/plain"), {**shown(), "outputs": [stream]}]
    saved = save_and_read(lab, cells)
    assert saved["cells"][0]["metadata"] == {"tags": ["a"]}
    assert set(saved["cells"][1]["outputs"][0]["data"]) == {"image/png", "text/plain"}
    assert saved["cells"][2]["outputs"][0]["name"] == "stdout"
    assert "widgets" in saved["metadata"]


def test_files_that_are_no_notebooks_are_saved_as_they_are(lab):
    lab.ask("PUT", "/api/contents/notes.txt", {"type": "file", "format": "text", "content": "mine"})
    assert (lab.folder / "notes.txt").read_text() == "mine"


# ---------------------------------------------------------------- ending, ports, lessons that are gone


def test_ctrl_c_once_ends_it_cleanly_and_its_kernels_with_it(home, tmp_path):
    lab = Lab(home, tmp_path / "course", JUPYTER_RUNTIME_DIR=str(home / "runtime-of-this-test"))
    lab.ask("POST", "/api/kernels", {"name": "python3"})
    running = list((home / "runtime-of-this-test").glob("kernel-*.json"))
    assert len(running) == 1
    began = time.monotonic()
    assert lab.stop() == 0
    assert time.monotonic() - began < 15
    assert not running[0].exists(), "a kernel that is ended, and not just left, takes its connection file with it"


def test_a_taken_port_is_passed_over(home, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        lab = Lab(home, tmp_path / "course", "--port", str(port))
        try:
            assert f":{port}/" not in lab.address
            assert lab.ask("GET", "/api")["version"]
        finally:
            lab.stop()


def test_when_the_lesson_to_open_was_deleted_the_folder_opens_and_says_how_to_get_it_back(home, tmp_path):
    lessons.lay(home / "shelf", tmp_path / "course")
    (tmp_path / "course/01_neurons.ipynb").unlink()
    lab = Lab(home, tmp_path / "course")
    try:
        assert lab.address.endswith(f"/lab?token={TOKEN}")
        assert "01_neurons.ipynb is not in" in "".join(lab.printed)
        assert "nnlab lab --restore 01" in "".join(lab.printed)
    finally:
        lab.stop()


# ---------------------------------------------------------------- where a browser can open


@pytest.fixture
def bare(monkeypatch):
    for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY", "SSH_CONNECTION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(launch.webbrowser, "get", lambda: object())
    monkeypatch.setattr(launch.platform, "release", lambda: "6.1")
    return monkeypatch


@pytest.mark.parametrize(
    ("system", "env", "opens"),
    [
        ("linux", {}, False),
        ("linux", {"DISPLAY": ":0"}, True),
        ("linux", {"WAYLAND_DISPLAY": "wayland-0"}, True),
        ("linux", {"BROWSER": "firefox"}, True),
        ("darwin", {}, True),
        ("darwin", {"SSH_CONNECTION": "1 2 3 4"}, False),
        ("win32", {}, True),
    ],
)
def test_a_browser_opens_where_a_window_can_appear(bare, system, env, opens):
    bare.setattr(launch.sys, "platform", system)
    for name, value in env.items():
        bare.setenv(name, value)
    assert launch.can_open_browser() is opens


def test_windows_subsystem_for_linux_counts_as_having_windows(bare):
    bare.setattr(launch.sys, "platform", "linux")
    bare.setattr(launch.platform, "release", lambda: "5.15.90.1-Microsoft-standard-WSL2")
    assert launch.can_open_browser()


def test_without_any_browser_none_can_open(bare):
    def none():
        raise launch.webbrowser.Error("none")

    bare.setenv("DISPLAY", ":0")
    bare.setattr(launch.webbrowser, "get", none)
    assert not launch.can_open_browser()


def test_no_update_check_no_news_and_no_listing_is_ever_asked_of_the_network(tmp_path):
    """Without a network all of these would look the same from outside, so it is the settings that are read here."""
    chosen = dict(setting[2:].split("=", 1) for setting in launch.settings(tmp_path, "01_neurons.ipynb", 8888, False))
    assert chosen["LabApp.check_for_updates_class"].endswith(".NeverCheckForUpdate")
    assert chosen["LabApp.news_url"] == "None"
    assert chosen["LabApp.extension_manager"] == "readonly"
    assert chosen["LanguageServerManager.autodetect"] == "False"


@pytest.mark.parametrize("present", [True, False])
def test_a_lecture_frees_the_predictions_of_its_kernels(tmp_path, present):
    code = ("import sys, os; from jupyterlab.labapp import LabApp; from course import launch\n"
            "def stop(argv): print('present:', os.environ.get('NNLAB_PRESENT')); sys.exit()\n"
            "LabApp.initialize_server = stop\n"
            "try: launch.start(__import__('pathlib').Path(sys.argv[1]), 'x', present=sys.argv[2] == 'True')\n"
            "except launch.LessonsError: pass")
    env = {name: value for name, value in os.environ.items() if name != "NNLAB_PRESENT"}
    ended = subprocess.run([sys.executable, "-c", code, str(tmp_path), str(present)], env=env, capture_output=True,
                           text=True, timeout=60, check=True)
    assert f"present: {'1' if present else None}" in ended.stdout
