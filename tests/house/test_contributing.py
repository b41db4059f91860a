"""The contributor's page, tried as a newcomer would: its blocks go into a copy of the project, its commands are run."""

import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]
PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"<!-- (.*?) -->\n   ```python\n(.*?)   ```\n", re.DOTALL)
COMMAND = re.compile(r"^\.venv/bin/python -m pytest -q (.*)$", re.MULTILINE)
SECTIONS = [text for text in re.split(r"^(?=## )", PAGE, flags=re.MULTILINE) if BLOCK.search(text)]


def put(place, block, folder):
    """Lay a block where the comment above it says. A text that is not there, or twice, is an error of the page."""
    how, name, text = re.fullmatch(r"(new|end of|before|after) (\S+?)(?:: (.*))?", place).groups()
    file = folder / name
    if how in ("new", "end of"):
        assert file.exists() == (how == "end of"), name
        with file.open("a", encoding="utf-8") as there:
            there.write(block)
        return
    source = file.read_text(encoding="utf-8")
    assert source.count(text) == 1, f"{name} holds {text!r} {source.count(text)} times"
    if f"\n{text}" in f"\n{source}" and how == "before":
        fresh = source.replace(text, block + text)
    elif f"{text}\n" in source and how == "after":
        fresh = source.replace(f"{text}\n", f"{text}\n{block}")
    else:  # in the middle of a line
        part = block.removesuffix("\n")
        fresh = source.replace(text, f"{part} {text}" if how == "before" else text + part)
    file.write_text(fresh, encoding="utf-8")


@pytest.mark.parametrize("section", SECTIONS, ids=lambda text: text.split(",")[0].removeprefix("## "))
def test_what_the_page_adds_works(section, tmp_path):
    for part in ("nnlab", "course", "tests", "tools", "benchmarks"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for place, block in BLOCK.findall(section):
        put(place, re.sub("^   ", "", block, flags=re.MULTILINE), tmp_path)

    def run(*command):
        done = subprocess.run([sys.executable, "-m", *command], cwd=tmp_path, capture_output=True, text=True,
                              env=os.environ | {"PYTHONPATH": str(tmp_path)}, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    (arguments,) = COMMAND.findall(section)
    said = run("pytest", "-p", "no:cacheprovider", "-q", *arguments.split())
    assert int(re.search(r"(\d+) passed", said)[1]) >= 4
    run("ruff", "check", "--no-cache", ".")


def test_the_page_has_a_way_for_each_of_the_three():
    assert [text.split(",")[0] for text in SECTIONS] == ["## An operation", "## A lab", "## An exercise"]
