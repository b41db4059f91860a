"""The mutation run itself: it makes the changes it says, and tells apart what is killed, survives, or never ends."""

from __future__ import annotations

import ast
import json
import os
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
try:
    import mutants
    import mutate
finally:
    sys.path.remove(str(ROOT / "tools"))


def changes(source: str) -> set[tuple[str, str]]:
    """{(operator, the changed line)} of all mutants of a piece of Python."""
    return {(m.operator, " / ".join(line[1:].strip() for line in m.diff(source.encode()) if line[0] == "+"))
            for m in mutants.mutants_of("some.py", source)}


# ---------------------------------------------------------------- the changes


@pytest.mark.parametrize(("source", "expected"), [
    ("y = a - b", {("arithmetic", "y = (a + b)"), ("operands", "y = (b - a)")}),
    ("y = a @ b", {("operands", "y = (b @ a)")}),
    ("w -= g", {("augmented", "w += g"), ("statement", "pass")}),
    ("y = -x", {("sign", "y = x")}),
    ("y = not x", {("negation", "y = x")}),
    ("y = a < b", {("comparison", "y = (a <= b)"), ("comparison", "y = (a >= b)")}),
    ("y = a and b", {("boolean", "y = (a or b)")}),
    ("y = True", {("constant", "y = False")}),
    ("y = 1", {("constant", "y = 2"), ("constant", "y = 0")}),
    ("y = -1", {("constant", "y = 0"), ("constant", "y = -2"), ("constant", "y = 1")}),
    ("y = 0.5", {("constant", "y = 1.0"), ("constant", "y = 1.5")}),
    ("y = 0.0", {("constant", "y = 1.0")}),
    ("y = f(a, b)", {("arguments", "y = f(b, a)")}),
    ("y = np.multiply(a, b)", set()),
    ("y = f(a, a) - a / a", {("arithmetic", "y = (f(a, a) + a / a)"), ("operands", "y = (a / a - f(a, a))"),
                             ("arithmetic", "y = f(a, a) - (a * a)")}),
    ("y = f(a, axis=0)", {("keyword", "y = f(a)"), ("axis", "y = f(a, axis=1)"), ("axis", "y = f(a, axis=-1)")}),
    ("y = np.max(a)", {("function", "y = np.min(a)")}),
    ("y = a if b else c", {("condition", "y = a if (not b) else c")}),
    ("y = [a for a in b if a]", {("condition", "y = [a for a in b if (not a)]")}),
    ("def f(x=1): return x", {("default", "def f(x=2): return x"), ("default", "def f(x=0): return x"),
                              ("return", "def f(x=1): return None")}),
    ("f = lambda: x", {("return", "f = lambda: None")}),
    ("f(x)", {("statement", "pass")}),
    ("a.b = c", {("statement", "pass")}),
    ("raise ValueError(1 + 2)", {("statement", "pass")}),
    ("'''Text.'''\n__all__ = [f'{1 + 2}']\nx: f(a, 1)", set()),
])
def test_each_operator_makes_its_changes_and_no_others(source, expected):
    assert changes(source) == expected


def test_a_change_lands_on_its_own_place_beside_letters_of_several_bytes():
    assert ("arithmetic", "μ = 'α → β'; y = (a - b)  # Σ") in changes("μ = 'α → β'; y = a + b  # Σ")


FILES = [*(ROOT / "nnlab").rglob("*.py")]
LIBRARY = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in FILES}
FOUND = [m for file, text in LIBRARY.items() for m in mutants.mutants_of(file, text)]


def test_every_mutant_of_the_library_is_another_program_and_python_can_read_it():
    assert len({m.id for m in FOUND}) == len(FOUND) > 2000
    for mutant in mutants.stratified(FOUND, 200, seed=0):
        source = LIBRARY[mutant.file].encode()
        unequal = ast.dump(ast.parse(mutant.apply(source))) != ast.dump(ast.parse(source))
        assert unequal, mutant


def test_a_mutant_keeps_its_name_while_other_lines_change():
    names = lambda text: [m.id for m in mutants.mutants_of("some.py", text)]
    assert names("y = a + b + a + b") == names("import c\n\n\ny = a + b + a + b")
    assert len(set(names("y = a + b + a + b"))) == len(names("y = a + b + a + b"))
    assert not set(names("y = a + b")) & set(names("y = a + c"))


def test_a_sample_takes_its_share_of_every_file_and_operator_and_is_the_same_for_a_seed():
    shuffled = random.Random(1).sample(FOUND, len(FOUND))
    sample = mutants.stratified(FOUND, 200, seed=5)
    assert len({m.id for m in sample}) == 200
    assert sample == mutants.stratified(FOUND, 200, seed=5)
    assert sample != mutants.stratified(FOUND, 200, seed=6)
    for of in (sample, mutants.stratified(shuffled, 200, seed=5)):
        for file, n in Counter(m.file for m in FOUND).items():
            assert abs(sum(m.file == file for m in of) - 200 * n / len(FOUND)) < 1.01
    assert mutants.stratified(FOUND, 0, seed=5) == mutants.stratified(FOUND, 10**6, seed=5)


def test_wilsons_interval():
    assert mutate.wilson(95, 100) == pytest.approx((0.8882, 0.9785), abs=1e-4)
    assert mutate.wilson(0, 10) == pytest.approx((0.0, 0.2775), abs=1e-4)
    assert mutate.wilson(0, 0) == (0, 1)


# ---------------------------------------------------------------- a whole run, on a package of a few functions

TINY = '''\
"""A package with one bug waiting in each line."""


def double(x):
    return x + x


def count(n):
    k = 0
    while k < n:
        k += 1
    return k


def at_most_ten(x):
    return 10 if x > 10 else x


def never(x):
    return x * 2


def times(factor):
    by = factor * 1.5
    return lambda f: lambda x: by * f(x)


@times(2)
def three(x):
    return x


def minus(x, y=5):
    """
    >>> minus(7)
    2
    """
    return x - y
'''
TESTS = '''\
import time

import tiny


def test_all():
    assert [tiny.double(3), tiny.count(3), tiny.at_most_ten(12), tiny.at_most_ten(3)] == [6, 3, 10, 3]
    assert tiny.three(5) == 15


def test_that_fails_anyhow():
    assert tiny.double(1) == 3


def test_slow():
    time.sleep(0.1)
    tiny.slept = True


def test_that_needs_the_slow_one_before_it():
    assert tiny.slept
'''


def run(folder: Path, *options: str) -> tuple[str, list[dict]]:
    command = [sys.executable, str(ROOT / "tools" / "mutate.py"), "--root", str(folder), "--package", "tiny", "--paths",
               "tiny", "--tests", "tests", "tiny", "--patience", "1", "--results", str(folder / "results"), *options]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout, [json.loads(line) for line in (folder / "results").read_text().splitlines()]


forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="the mutation run needs fork, which Windows does not have")


def package(folder: Path, source: str, tests: str) -> None:
    for name, text in {"tiny/__init__.py": source, "tests/test_tiny.py": tests}.items():
        (folder / name).parent.mkdir()
        (folder / name).write_text(text)


@forks
def test_mutants_of_equal_length_are_not_taken_for_each_other_by_their_bytecode(tmp_path):
    package(tmp_path, "def above(a, b):\n    return [a > b, a > b, a > b, a > b]\n",
            "import tiny\ndef test_one():\n    assert tiny.above(1, 2) == [False] * 4\n")
    _, results = run(tmp_path, "--jobs", "1")
    assert Counter(r["outcome"] for r in results if ">=" in r["diff"][1]) == {"survived": 4}
    assert Counter(r["outcome"] for r in results if "<=" in r["diff"][1]) == {"killed": 4}


@forks
def test_mutants_are_killed_survive_loop_and_are_not_covered_and_a_second_run_goes_on(tmp_path):
    package(tmp_path, TINY, TESTS)
    told, results = run(tmp_path)
    outcome = {r["diff"][-1][1:].strip(): (r["outcome"], r["by"]) for r in results}
    test = "tests/test_tiny.py::test_all"
    assert outcome["return (x - x)"] == ("killed", test)
    assert outcome["return (x + y)"] == ("killed", "tiny/__init__.py::tiny.minus"), "a doctest counts too"
    assert outcome["def minus(x, y=6):"] == ("killed", "tiny/__init__.py::tiny.minus"), "a default is set at import"
    assert outcome["by = (factor / 1.5)"] == ("killed", test), "what decorates runs at import"
    assert outcome["@times(3)"] == ("killed", test)
    assert outcome["k -= 1"] == ("timeout", test)
    assert outcome["return 10 if (x >= 10) else x"] == ("survived", test)
    assert outcome["return (x / 2)"] == ("not covered", "")
    assert ("fail or are skipped without any mutant (2): tests/test_tiny.py::test_that_fails_anyhow, "
            "tests/test_tiny.py::test_that_needs_the_slow_one_before_it\n") in told
    assert "tiny/__init__.py:16  comparison\n    -    return 10 if x > 10 else x\n    +    return 10 if (x" in told
    assert (tmp_path / "tiny" / "__init__.py").read_text() == TINY, "only copies are changed"

    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "equivalent.toml").write_text(
        '[[mutant]]\nfile = "tiny/__init__.py"\nbefore = "return 10 if x > 10 else x"\n'
        'after = ["return 10 if (x >= 10) else x", "return gone"]\nwhy = "at 10 both give 10"\n')
    again, same = run(tmp_path)
    assert same == results, "nothing was left to do"
    counts = Counter(r["outcome"] for r in results)
    killed, n = counts["killed"] + counts["timeout"], len(results) - 1
    assert f"Score: {killed} of {n} killed ({counts['timeout']} of them by time), {killed / n:.1%}" in again
    assert "1 judged equivalent and left out" in again
    assert "into `return gone` any more: remove it" in again

    (tmp_path / "tests" / "test_more.py").write_text("import tiny\ndef test_more():\n    assert tiny.never(3) == 6\n")
    _, more = run(tmp_path, "--again")
    new = {r["diff"][-1][1:].strip(): r["outcome"] for r in more[len(results):]}
    assert new["return (x / 2)"] == "killed"
    assert "return (x - x)" not in new, "killed is killed"
