"""A real JupyterLab, started as students start it, and a notebook in it driven by keyboard and mouse.

Also used by benchmarks/labs.py. Nothing of the machine's own Jupyter is read or changed: its home, settings and
runtime files lie in a folder of the caller's.
"""

import base64
import contextlib
import io
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import numpy as np
from PIL import Image

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOKEN = "a-token-of-the-tests"
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync"]  # fmt: skip
# `nnlab lab`, but on a shelf with one tiny lesson.
COMMAND = """
import sys
from pathlib import Path
from course import lessons
from course.cli import main
lessons.shipped_folder = lambda: Path(sys.argv[1])
sys.exit(main(sys.argv[2:]))
"""
SUBSHELLS = "@jupyterlab/apputils-extension/kernels-settings.jupyterlab-settings"
# Every painted picture, as the page saw it: [time, sequence number, type, words].
WATCH = """canvas => {
    canvas.paints = [];
    new MutationObserver(() => canvas.paints.push(
        [performance.now(), +canvas.dataset.seq, canvas.dataset.type, canvas.getAttribute("aria-label")]
    )).observe(canvas, { attributes: true, attributeFilter: ["data-seq"] });
}"""


# What controls say goes to the kernel's main queue until their subshell, if they get one, has been made.
SETTLED = """() => [...window.jupyterapp.shell.currentWidget.sessionContext.session.kernel._comms.values()]
    .every(comm => comm._subshellId !== null || comm.commsOverSubshells === "disabled")"""


def notebook(*cells: str) -> str:
    """A notebook of code cells, as text."""
    cells = [{"cell_type": "code", "id": f"cell-{number}", "metadata": {}, "execution_count": None, "outputs": [],
              "source": source} for number, source in enumerate(cells)]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return json.dumps({"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5})


class JupyterLab:
    """`nnlab lab` on a free port of 127.0.0.1, with everything it keeps in `home`."""

    def __init__(self, home: pathlib.Path):
        self.home, self.folder = home, home / "lessons"
        shelf = home / "shelf"
        shelf.mkdir(parents=True)
        (shelf / "01_first.ipynb").write_text(notebook("1"), encoding="utf-8")
        config = home / ".jupyter"
        config.mkdir()
        (config / "jupyter_lab_config.json").write_text('{"LabApp": {"expose_app_in_browser": true}}')
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.start()

    def start(self) -> None:
        env = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "IPYTHON", "XDG_"))}
        env |= {"HOME": str(self.home), "USERPROFILE": str(self.home), "IPYTHONDIR": str(self.home / "ipython"),
                "MPLCONFIGDIR": str(self.home / "matplotlib"), "JUPYTER_CONFIG_DIR": str(self.home / ".jupyter"),
                "JUPYTER_TOKEN": TOKEN, "PYTHONPATH": str(ROOT)}
        self.log = (self.home / "log").open("a")
        self.process = subprocess.Popen(
            [sys.executable, "-c", COMMAND, str(self.home / "shelf"), "lab", str(self.folder), "--no-browser",
             "--port", str(self.port)], env=env, stdout=self.log, stderr=subprocess.STDOUT)  # fmt: skip
        deadline = time.monotonic() + 60
        while True:
            try:
                self.ask("GET", "/api/status")
                return
            except OSError:
                words = (self.home / "log").read_text()
                assert self.process.poll() is None, words
                assert time.monotonic() < deadline, words
                time.sleep(0.1)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()

    def ask(self, method: str, path: str):
        headers = {"Authorization": f"token {TOKEN}"}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers=headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def subshells(self, setting: str | None) -> None:
        """How comm messages travel, for pages opened from now on: None leaves it to JupyterLab."""
        path = self.home / ".jupyter" / "lab" / "user-settings" / SUBSHELLS
        path.parent.mkdir(parents=True, exist_ok=True)
        if setting is None:
            path.unlink(missing_ok=True)
        else:
            path.write_text(json.dumps({"commsOverSubshells": setting}))

    def shut_kernels_down(self) -> None:
        for session in self.ask("GET", "/api/sessions"):
            with contextlib.suppress(OSError):
                self.ask("DELETE", f"/api/sessions/{session['id']}")

    def open(self, page, name: str, *cells: str) -> "Notebook":
        """Open the notebook `name` in a page, after writing it if cells are given."""
        if cells:
            (self.folder / f"{name}.ipynb").write_text(notebook(*cells), encoding="utf-8")
        return Notebook(self, page, name)


class Notebook:
    """One notebook in one page of the browser."""

    def __init__(self, server: JupyterLab, page, name: str):
        self.server, self.page = server, page
        page.set_default_timeout(60_000)
        # A workspace of its own: no tabs of other notebooks are opened with it.
        place = f"/lab/workspaces/{name.replace('/', '-')}-{time.time_ns()}/tree/{name}.ipynb"
        page.goto(f"http://127.0.0.1:{server.port}{place}?token={TOKEN}")
        page.wait_for_selector(".jp-Notebook .jp-Cell")
        kernel = "window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel"
        page.wait_for_function(f"{kernel}?.status === 'idle'")

    def run(self, *cells: int) -> str:
        """Run cells and wait for each; what the last one printed or showed as text."""
        for cell in cells:
            self.begin(cell)
            self.page.evaluate("() => window.running")
        return self.text(cells[-1])

    def begin(self, cell: int) -> None:
        """Start a cell and come back at once."""
        self.page.evaluate("""cell => {
            const panel = window.jupyterapp.shell.currentWidget;
            panel.content.deselectAll();
            panel.content.activeCellIndex = cell;
            window.running = window.jupyterapp.commands.execute("notebook:run-cell");
        }""", cell)  # fmt: skip

    def ended(self) -> None:
        self.page.evaluate("() => window.running")

    def text(self, cell: int) -> str:
        outputs = self.page.evaluate(
            "cell => window.jupyterapp.shell.currentWidget.content.model.cells.get(cell).outputs.toJSON()", cell)
        texts = [out.get("text") or out.get("data", {}).get("text/plain") or "\n".join(out.get("traceback", []))
                 for out in outputs]
        return "".join("".join(text) for text in texts)

    def command(self, name: str, **arguments) -> None:
        self.page.evaluate("([name, args]) => window.jupyterapp.commands.execute(name, args)", [name, arguments])

    def restart_kernel(self) -> None:
        self.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")

    def lab(self, number: int = 0) -> "LabOnPage":
        """The lab that was shown as the `number`-th, as soon as it has painted its picture."""
        lab = LabOnPage(self.page, self.page.locator(".nnlab-lab").nth(number))
        self.page.wait_for_function(SETTLED)
        return lab


class LabOnPage:
    """One view of a lab."""

    def __init__(self, page, root):
        self.page, self.root = page, root
        self.canvas = root.locator("canvas.nnlab-picture")
        self.canvas.locator("xpath=self::*[@data-seq]").wait_for()
        self.canvas.evaluate(WATCH)

    # -- what it shows ----

    @property
    def words(self) -> str:
        return self.canvas.get_attribute("aria-label")

    @property
    def state(self) -> str:
        return self.root.locator(".nnlab-stage").get_attribute("data-state")

    @property
    def alert(self):
        return self.root.locator("[role=alert]")

    def pixels(self) -> np.ndarray:
        data = self.canvas.evaluate("canvas => canvas.toDataURL()").partition(",")[2]
        return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB"))

    def paints(self) -> list:
        """[time, number, type, words] of the pictures painted since the view was first looked at."""
        return self.canvas.evaluate("canvas => canvas.paints")

    def numbers(self) -> dict[str, float]:
        """The numbers in the caption, by name."""
        found = re.findall(r"([\w ]+?) (-?[\d.]+)(?: ·|$)", self.root.locator(".nnlab-caption").inner_text())
        return {name.strip(): float(number) for name, number in found}

    # -- what a hand does ----

    def slider(self, label: str):
        row = self.root.locator(".widget-inline-hbox", has=self.page.locator(f".widget-label:text-is('{label}')"))
        return row.locator(".noUi-handle")

    def press(self, button: str) -> None:
        self.root.locator(f"button[data-command={button}]").click()

    # -- what it waits for ----

    def until(self, condition: str, argument=None) -> None:
        """Wait for a condition on the canvas, in the page's language."""
        self.page.wait_for_function(
            f"([canvas, argument]) => {condition}", arg=[self.canvas.element_handle(), argument])

    def until_words(self, words: str) -> None:
        self.until("canvas.getAttribute('aria-label').includes(argument)", words)

    def until_state(self, state: str) -> None:
        self.root.locator(f".nnlab-stage[data-state={state}]").wait_for()

    def until_exact(self) -> None:
        """Wait for the lossless picture that follows when nothing moves any more."""
        self.until("canvas.dataset.type === 'image/png'")
