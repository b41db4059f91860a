"""The wheel: it carries the lessons where `nnlab lab` looks for them, the labs' scripts and styles, nothing private."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> zipfile.ZipFile:
    """A wheel of this tree, with a lesson and a private file put in so that both rules have something to bite on."""
    tree, out = tmp_path_factory.mktemp("tree"), tmp_path_factory.mktemp("wheel")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree)
    for name in ("nnlab", "course", "notebooks"):
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    (tree / "notebooks" / "99_last.ipynb").write_text("{}")
    private = tree / "course" / "units" / "99_last" / "private"
    private.mkdir(parents=True)
    (private / "hidden.py").write_text("")
    (private.parent / "visible.py").write_text("")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)]
    built = subprocess.run(command, cwd=tree, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    with zipfile.ZipFile(next(out.glob("*.whl"))) as file:
        yield file


def test_the_lessons_travel_inside_the_package(wheel):
    assert "course/notebooks/99_last.ipynb" in wheel.namelist()


def test_an_installed_wheel_finds_its_lessons(wheel, tmp_path):
    wheel.extractall(tmp_path)
    code = "from course import lessons; print(lessons.shipped_lessons(lessons.shipped_folder())[-1])"
    asked = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert Path(asked.stdout.strip()) == tmp_path / "course" / "notebooks" / "99_last.ipynb"


def test_the_labs_scripts_and_styles_are_in_it(wheel):
    course = (ROOT / "course").rglob("*")
    scripts = {path.relative_to(ROOT).as_posix() for path in course if path.suffix in {".js", ".css"}}
    assert scripts
    assert scripts <= set(wheel.namelist())


def test_nothing_private_and_no_tests_are_in_it(wheel):
    names = wheel.namelist()
    assert "course/units/99_last/visible.py" in names
    assert not [name for name in names if "private" in name or name.startswith(("tests", "benchmarks", "start"))]


def test_the_command_and_the_licence_are_in_it(wheel):
    scripts = next(name for name in wheel.namelist() if name.endswith("entry_points.txt"))
    assert b"nnlab = course.cli:main" in wheel.read(scripts)
    assert any(name.endswith("licenses/LICENSE") for name in wheel.namelist())
