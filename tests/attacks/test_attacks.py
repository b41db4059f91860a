"""No hostile submission gains a point, does damage, outlives its limit, or costs another exercise."""

import hashlib
import json
import os
import re
import resource
import socket
import time
from pathlib import Path

import pytest

from course.grading import sandbox
from course.grading.job import PATIENCE, Job
from course.grading.judge import judge
from course.grading.kit import load_kit
from tests.attacks.corpus_more import ATTACKS
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
    """The process namespaces of all sandboxes that were made, and when each was closed: the system gives its number to
    another one soon, perhaps of another test that runs at the same time."""
    seen, close = {}, sandbox.Bubblewrap.close

    def noted(self):
        if self._process is not None:
            children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
            seen.update(dict.fromkeys(filter(None, map(_namespace, children)), time.clock_gettime(time.CLOCK_BOOTTIME)))
        close(self)

    monkeypatch.setattr(sandbox.Bubblewrap, "close", noted)
    return seen


def _namespace(process):
    try:
        return os.readlink(f"/proc/{process}/ns/pid")
    except OSError:
        return None


@pytest.fixture
def lives(monkeypatch):
    """How many seconds each process of a submission had, from its beginning to its end."""
    seconds, begin, finish = [], Job.__init__, Job.finish

    def begun(self, *args):
        self.born = time.monotonic()
        begin(self, *args)

    def ended(self, kill=False):
        was_alive = self.alive
        try:
            return finish(self, kill)
        finally:
            if was_alive:
                seconds.append(time.monotonic() - self.born)

    monkeypatch.setattr(Job, "__init__", begun)
    monkeypatch.setattr(Job, "finish", ended)
    return seconds


def survivors(namespaces):
    found = [(p.name, _namespace(p.name)) for p in Path("/proc").iterdir() if p.name.isdigit()]
    return [process for process, space in found if space in namespaces and _begun(process) < namespaces[space]]


def _begun(process):
    """Seconds from the machine's start; for ever, if it has ended."""
    try:
        after_name = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return float("inf")
    return int(after_name[19]) / os.sysconf("SC_CLK_TCK")


def stored(result):
    """All that is kept of each exercise, as one text."""
    return {each.name: repr(each) for each in result.exercises}


def stored_texts(result):
    return [result.notes, result.refused, [vars(each) | {"checks": list(map(vars, each.checks))}
                                           for each in result.exercises]]


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_gets_exactly_what_it_is_worth(name, kit, canary, server, namespaces, lives, monkeypatch):
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
    for each in result.exercises:
        assert len(each.output.encode()) <= 64_000
        assert not re.search(r"INPUT\W*\d", each.error + str(each.notes)), "a hidden run told its inputs"
        assert not any(flag.removeprefix("forged: ") in note for flag in each.flags for note in each.notes)
    texts = json.dumps(stored_texts(result), ensure_ascii=False)  # which spells NUL and its like as \u0000
    assert not re.search(r"[\ud800-\udfff\x7f-\x9f\u202e]|\\u00[01]", texts)
    assert took < 90, "an attack holds the judge up"
    assert max(lives) < PATIENCE * kit.limits["cpu_seconds"] + 2
    for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
        assert resource.getrusage(whose).ru_maxrss < 1 << 20, "more than 1 GB"


def test_what_a_hidden_run_prints_or_says_is_not_shown(kit):
    result = judge(notebook(scaled="def scaled(x, n):\n    print('INPUT', n)\n    raise ValueError(f'INPUT {n}')"), kit,
                   "eve", b"s", "bubblewrap")
    exercise = result.exercises[0]
    assert exercise.output == "INPUT 2\nINPUT 3\n"  # of the two visible checks
    assert exercise.error == "ValueError line 3 of <scaled>: raise ValueError(f'INPUT {n}')"
