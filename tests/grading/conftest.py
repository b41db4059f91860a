"""What the tests of grading share: a course folder with a small unit, students who handed in, and the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from course import cli
from course.grading import office, shelf
from course.grading.kit import load_kit
from course.grading.records import Records
from tests.grading import fakes

ROOT = Path(__file__).resolve().parents[2]
STUDENTS = {  # name -> what is in the notebook; the points are alpha + beta
    "ann": {"alpha": 7, "beta": 2},  # 4 + 2.5
    "bob": {"alpha": 4, "beta": 3},  # 1 + 0
    "=1+1": {"alpha": 3, "beta": 4},  # 1 + 2.5
    "../../etc": {"alpha": 0, "beta": 6},  # 0 + 2.5
    "Žofie, \"the\" 'great'": {"alpha": 5, "beta": 1},  # 4 + 0
}


class Course:
    """A course folder, and `nnlab` run in it with the fake judge."""

    unit = "01_small"

    def __init__(self, folder: Path):
        self.folder = folder

    def hand_in(self, students: dict, name: str = "in", written: str = "") -> Path:
        """A folder as the fake intake reads it; `written` is the time of its files."""
        folder = self.folder.parent / name
        folder.mkdir(exist_ok=True)
        listed = [[student, f"{n}.ipynb", json.dumps(what) if isinstance(what, dict) else what, written]
                  for n, (student, what) in enumerate(students.items())]
        (folder / "list.json").write_text(json.dumps(listed))
        return folder

    def judged(self) -> None:
        """As nnlab grade does, but fast: every newest attempt, by the checks as they are now."""
        kit = load_kit(self.kit(""))
        with Records(self.folder, write=True) as records:
            batch = records.begin("grade", self.unit)
            for each in records.latest(self.unit):
                data = shelf.read(self.folder, each)
                graded = fakes.judge(data, kit, each.student, b"", "bubblewrap", {}, {})
                records.add_grading(batch, each.id, graded, "2026-11-02T09:15:00+00:00")

    def nnlab(self, *arguments) -> int:
        return cli.main([str(each) for each in (*arguments, "--course", self.folder)])

    def killed(self, stage: str, *arguments, **environment) -> int:
        """The same in a process of its own that dies at a stage; its exit code."""
        command = [sys.executable, "-m", "tests.grading.fakes", stage, *map(str, arguments), "--course", self.folder]
        return subprocess.run(command, cwd=ROOT, env={**os.environ, **environment}, stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode

    def csv(self) -> bytes:
        file = self.folder.parent / "grades.csv"
        assert self.nnlab("grades", "1", "--csv", file) == 0
        return file.read_bytes()

    def kit(self, file: str) -> Path:
        return self.folder / "units" / self.unit / file

    def mend(self, old: str, new: str, file: str = "private/hidden.py") -> None:
        """Change a check, as an instructor would who found it wrong."""
        text = self.kit(file).read_text()
        assert old in text
        self.kit(file).write_text(text.replace(old, new))


@pytest.fixture
def empty(tmp_path, monkeypatch) -> Course:
    fakes.install(lambda *what: monkeypatch.setattr(*what, raising=False))
    return Course(office.new_office(tmp_path / "course", fakes.write_kit(tmp_path / "kits")).folder)


@pytest.fixture
def course(empty, capsys) -> Course:
    """Five students have handed in."""
    assert empty.nnlab("collect", "1", empty.hand_in(STUDENTS)) == 0
    capsys.readouterr()
    return empty
