"""No hostile submission gains a point, does damage, outlives its limit, or costs another exercise."""

import hashlib
import os
import socket
import time
from pathlib import Path

import pytest

from course.grading import sandbox
from course.grading.judge import judge
from course.grading.kit import load_kit
from tests.attacks.corpus import ATTACKS
from tests.grading.small import notebook, write_kit
from tests.needs import needs

needs("bwrap")

HERE = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def kit(tmp_path_factory):
    return load_kit(write_kit(tmp_path_factory.mktemp("kits") / "77_small"))


@pytest.fixture(scope="module")
def canary(tmp_path_factory):
    folder = tmp_path_factory.mktemp("instructor")
    (folder / "secret").write_text("CANARY-SECRET")
    folder.chmod(0o777)
    return folder


@pytest.fixture
def server():
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


def fingerprint(folder):
    return hashlib.sha256(repr(sorted((str(p), p.read_bytes()) for p in folder.rglob("*") if p.is_file())).encode())


@pytest.fixture
def namespaces(monkeypatch):
    """The process namespaces of all sandboxes that were made; other tests may have others at the same time."""
    seen, close = set(), sandbox.Bubblewrap.close

    def noted(self):
        if self._process is not None:
            children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
            seen.update(filter(None, map(_namespace, children)))
        close(self)

    monkeypatch.setattr(sandbox.Bubblewrap, "close", noted)
    return seen


def _namespace(process):
    try:
        return os.readlink(f"/proc/{process}/ns/pid")
    except OSError:
        return None


def survivors(namespaces):
    return [p.name for p in Path("/proc").iterdir() if p.name.isdigit() and _namespace(p.name) in namespaces]


def stored(result):
    """All that is kept of each exercise, as one text."""
    return {each.name: repr(each) for each in result.exercises}


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_gets_exactly_what_it_is_worth(name, kit, canary, server, namespaces, monkeypatch):
    monkeypatch.setenv("COURSE_SECRET", "CANARY-SECRET")
    cells, points = ATTACKS[name]
    places = {"{canary}": str(canary), "{here}": str(HERE), "{port}": str(server.getsockname()[1])}
    for place, meant in places.items():
        cells = {cell: source.replace(place, meant) for cell, source in cells.items()}
    before, began = fingerprint(canary).digest(), time.monotonic()
    result = judge(notebook(**cells), kit, "eve", b"CANARY-SECRET", "bubblewrap")
    took = time.monotonic() - began
    assert {each.name: each.points for each in result.exercises if each.status != "pending"} == points, stored(result)
    assert fingerprint(canary).digest() == before
    with pytest.raises(BlockingIOError):
        server.accept()
    assert len(namespaces) >= 2
    assert os.readlink("/proc/self/ns/pid") not in namespaces
    assert not survivors(namespaces)
    for exercise, kept in stored(result).items():
        assert "CANARY-SECRET" not in kept, exercise
        assert len(kept) < 100_000, exercise
        shown = [note for each in result.exercises for note in each.notes] + [each.output for each in result.exercises]
        assert not any("HIDDENREASON" in text or "found in" in text for text in shown)
    assert took < 90, "an attack holds the judge up"


def test_what_a_hidden_run_prints_or_says_is_not_shown(kit):
    result = judge(notebook(scaled="def scaled(x, n):\n    print('INPUT', n)\n    raise ValueError(f'INPUT {n}')"), kit,
                   "eve", b"s", "bubblewrap")
    exercise = result.exercises[0]
    assert exercise.output == "INPUT 2\nINPUT 3\n"  # of the two visible checks
    assert exercise.error == "ValueError line 3 of <scaled>: raise ValueError(f'INPUT {n}')"
