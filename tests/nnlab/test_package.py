"""The package as a whole: what importing it brings along, and what its front page shows."""

import re
import subprocess
import sys
from pathlib import Path

import nnlab

ROOT = Path(nnlab.__file__).parent


def test_importing_nnlab_imports_numpy_and_nothing_else():
    code = ("import sys, numpy; before = set(sys.modules); import nnlab; "
            "print(*sorted({m.partition('.')[0] for m in set(sys.modules) - before}))")
    new = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT.parent)
    third_party = set(new.stdout.split()) - set(sys.stdlib_module_names)
    assert third_party == {"nnlab"}


def test_every_name_on_the_front_page_exists():
    for name in nnlab.__all__:
        assert hasattr(nnlab, name)


def test_nnlab_never_imports_course():
    for file in ROOT.rglob("*.py"):
        assert not re.search(r"^\s*(from|import) course", file.read_text(encoding="utf-8"), re.M), file


def test_every_file_says_what_it_is_and_stays_one_idea():
    for file in ROOT.rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        assert file.name == "__init__.py" or text.startswith('"""'), file
        assert len(text.splitlines()) <= 300, file


def test_the_digits_come_with_their_licence():
    assert "CC BY 4.0" in (ROOT / "assets" / "LICENSE-digits.md").read_text(encoding="utf-8")
