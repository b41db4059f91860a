"""The house in order: arrows point one way, files stay readable, and nothing of one machine is kept."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
LIBRARY = sorted((ROOT / "nnlab").rglob("*.py"))


def tracked() -> list[Path]:
    """The files that are kept; in a folder that is no checkout (an unpacked archive), all that look like ours."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode == 0:
        return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]
    kept = ("nnlab", "course", "notebooks", "tests", "benchmarks", "tools", "docs")
    files = [path for folder in kept for path in (ROOT / folder).rglob("*") if path.is_file()]
    return [path for path in files if "__pycache__" not in path.parts]


def imports(source: str) -> set[str]:
    """The top-level packages that a piece of Python imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add((node.module or "").split(".")[0])
    return found


# ---------------------------------------------------------------- arrows


@pytest.mark.parametrize("path", LIBRARY, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_library_imports_numpy_and_the_standard_library_only(path):
    allowed = {"numpy", "nnlab"} | set(sys.stdlib_module_names)
    assert imports(path.read_text(encoding="utf-8")) <= allowed


def test_importing_the_library_brings_in_nothing_that_teaches():
    code = "import sys, nnlab; print(' '.join(sorted({name.partition('.')[0] for name in sys.modules})))"
    asked = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not {"course", "matplotlib", "ipywidgets", "IPython", "typer"} & set(asked.stdout.split())


# ---------------------------------------------------------------- sizes


@pytest.mark.parametrize("path", LIBRARY, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_of_the_library_fits_in_a_head(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300


@pytest.mark.parametrize(
    "path",
    [path for folder in ("nnlab", "course", "tools") for path in sorted((ROOT / folder).rglob("*.py"))],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_a_file_opens_by_saying_what_it_is(path):
    text = path.read_text(encoding="utf-8")
    assert not text.strip() or ast.get_docstring(ast.parse(text)), "no docstring"


# ---------------------------------------------------------------- lessons


def cells_of(path: Path) -> list[dict]:
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


lessons = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)


@lessons
def test_a_lessons_cells_are_short_and_install_download_and_star_import_nothing(path):
    for cell in cells_of(path):
        if cell["cell_type"] != "code":
            continue
        source = "".join(cell["source"])
        assert len(source.splitlines()) <= 25, source
        assert not re.search(r"^\s*[!%].*\b(pip|conda|wget|curl)\b", source, re.M), source
        assert not re.search(r"^\s*from\s+\S+\s+import\s+\*", source, re.M), source
        assert not re.search(r"urllib|requests\.|urlopen|pyplot", source), source


@lessons
def test_a_lesson_keeps_no_error_no_widgets_state_and_no_view_without_a_picture(path):
    notebook = json.loads(path.read_text(encoding="utf-8"))
    assert "widgets" not in notebook["metadata"]
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            meant = "raises-exception" in cell["metadata"].get("tags", ())
            assert (output["output_type"] == "error") == meant, "".join(cell["source"])
            assert "application/vnd.jupyter.widget-view+json" not in output.get("data", {})


@lessons
def test_a_lesson_opens_with_the_kernel_that_every_environment_has(path):
    assert json.loads(path.read_text(encoding="utf-8"))["metadata"]["kernelspec"]["name"] == "python3"


# ---------------------------------------------------------------- nothing of one machine

# Spelt in pieces, or this file would find itself.
INDEX = re.compile(r"pypi" + r"\.org|python" + r"hosted|index" + r"-url\s*=\s*\S|download" + r"\.pytorch")
MACHINE = re.compile(r"(?<![\w.])/(?:" + "|".join(("work", "root", "home", "Users", "opt")) + r")/[\w.-]+")


def test_no_file_names_a_package_index_or_a_place_on_one_machine():
    found = []
    for path in tracked():
        if path.suffix in {".png", ".npz", ".gz", ".jpg"}:
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
            if INDEX.search(line) or MACHINE.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}")
    assert not found, "\n".join(found)


def test_no_lock_of_another_tool_is_kept_since_those_hold_addresses():
    assert not {"uv.lock", "pylock.toml", "poetry.lock", "Pipfile.lock"} & {path.name for path in tracked()}
