"""What some tests need and pip does not bring. `torch = needs("torch")` at the top of a test file gives the module (for
a program: its path) or skips the file; tests/conftest.py then says once what is missing and how to get it. Where the
environment variable NNLAB_REQUIRE names it, as on CI (`NNLAB_REQUIRE=browser,torch`), missing it is an error instead.
"""

import os
import shutil
import subprocess
from importlib import import_module

import pytest

PREFIX = "missing: "


def _program(*names):
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        raise ImportError(f"none of {', '.join(names)} on the PATH")
    return found


def _torch():
    torch = import_module("torch")
    torch.set_num_threads(1)  # on nets this small, threads only wait for each other
    return torch


def _nbgrader():
    python = os.environ.get("NNLAB_NBGRADER", "")
    if not python or subprocess.run([python, "-c", "import nbgrader, anywidget"], capture_output=True).returncode:
        raise ImportError(f"NNLAB_NBGRADER={python!r} is no python with nbgrader and what this project needs")
    return python


FINDERS = {  # name -> (how to get at it, how to mend its absence)
    "torch": (_torch, "pip install torch==2.13.0"),
    "sklearn": (lambda: import_module("sklearn"), "pip install scikit-learn"),
    "bwrap": (lambda: _program("bwrap"), "apt install bubblewrap"),
    "nbgrader": (_nbgrader, "python -m venv ENV; ENV/bin/pip install nbgrader==0.9.6 '.[lab]'; "
                            "NNLAB_NBGRADER=ENV/bin/python"),
    "browser": (lambda: _program("chromium", "chromium-browser", "google-chrome"), "apt install chromium"),
}


def needs(name):
    """The module or the path of the program called `name`; skips the calling file, or fails if it is required."""
    find, fix = FINDERS[name]
    try:
        return find()
    except ImportError as error:
        reason = f"{PREFIX}{name}, so the tests that need it were skipped. To run them: {fix}"
        if name in os.environ.get("NNLAB_REQUIRE", "").split(","):
            raise RuntimeError(f"{reason} (NNLAB_REQUIRE demands it: {error})") from None
        pytest.skip(reason, allow_module_level=True)
