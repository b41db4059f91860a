"""A kit in small, with its author's notebook and its bank, and notebooks handed in for it: for tests of grading."""

import json
from pathlib import Path

TOML = """
unit = "77_small"
title = "A unit in small"
version = "1.0"
minutes = {class = 1, alone = 1}
objectives = ["multiply"]
prerequisites = []
labs = []
packages = ["numpy"]
limits = {cpu_seconds = 1, memory_mb = 600, numbers = 1000}

[[exercise]]
name = "scaled"
kind = "rule"
points = 4
hidden = 2
minutes = 5

[[exercise]]
name = "Counter"
kind = "rule"
points = 2
hidden = 1
needs = ["scaled"]
minutes = 5

[[exercise]]
name = "answer"
kind = "predict"
points = 2
minutes = 5

[[exercise]]
name = "why"
kind = "predict"
marked = "people"
points = 2
minutes = 5
"""

RUBRIC = """
[[why]]
points = 2
text = "says why"
[[why]]
points = 0
text = "does not"
"""

GRADED = '''
import numpy as np
from course.exercise import Exercise, Wrong, close

scaled = Exercise("scaled(x, n)")

@scaled.check("twice", points=1)
def _(scaled, rng):
    x = rng.normal(size=(5, 3))
    close(scaled(x, 2), 2 * x, "twice is not twice")

@scaled.check("overflow is quiet", points=1)
def _(scaled, rng):
    with np.errstate(all="raise"):
        close(scaled(np.array([1e3, 1e-6]), 3), [3e3, 3e-6], "no")

Counter = Exercise("Counter(start)")

@Counter.probe
def steps(Counter, n):
    counter = Counter(2)
    return [counter.step() for _ in range(n)]

@Counter.check("counts", points=1)
def _(Counter, rng):
    close(Counter.run("steps", 3), [3, 4, 5], "it does not count")

answer = Exercise("answer")

@answer.variant
def _(rng):
    return {"k": int(rng.integers(2, 1000)), "half": 0.5, "where": "inside"}

@answer.check("one more", points=2)
def _(answer, rng):
    if answer() != answer.variant["k"] + 1:
        raise Wrong("that is not one more")
'''

HIDDEN = '''
import numpy as np
from course.exercise import Exercise, close

scaled = Exercise("scaled(x, n)")

@scaled.check("any factor", points=1, symptom="other factors are wrong")
def _(scaled, rng):
    x, n = rng.normal(size=(2, 4)), float(rng.normal())
    close(scaled(x, n), n * x, "HIDDENREASON")

@scaled.check("a list", points=1, symptom="lists are wrong")
def _(scaled, rng):
    close(scaled([1.0, 2.5], 3), [3.0, 7.5], "HIDDENREASON")

Counter = Exercise("Counter(start)")

@Counter.probe
def long(Counter, start):
    counter = Counter(start)
    return [counter.step() for _ in range(9)][-1]

@Counter.check("counts on", points=1, symptom="a long count is wrong")
def _(Counter, rng):
    start = int(rng.integers(100))
    close(Counter.run("long", start), start + 9, "HIDDENREASON")
'''

SCALED = "def scaled(x, n):\n    print('scaling')\n    return n * np.asarray(x)"
COUNTER = """class Counter:
    def __init__(self, start):
        self.n = start
    def step(self):
        self.n += 1
        return self.n"""
ANSWER = "answer = VARIANT['answer']['k'] + 1"
CELLS = {"imports": "import numpy as np", "scaled": SCALED, "Counter": COUNTER, "answer": ANSWER}


GIVEN = COUNTER.replace("+= 1", "+= 2")  # what students are to mend
BANK = f"""
MUTANTS = {{
    "scaled": {{"a constant": "def scaled(x, n):\\n    return 7 * x",
               "n twice": "def scaled(x, n):\\n    return n * 2 * x"}},
    "Counter": {{"counts by 2": {GIVEN!r}}},
    "answer": {{"typed in": "answer = 5"}},
}}
BENIGN = {{
    "scaled": {{"the other way round": "def scaled(x, n):\\n    return np.array(x) * n"}},
    "Counter": {{}},
    "answer": {{"a sum": "answer = sum([VARIANT['answer']['k'], 1])"}},
}}
"""


def cell(name: str, source: str, kind: str = "code", solution: bool = False, points: float | None = None) -> dict:
    """A cell of the author's notebook, as nbgrader marks it."""
    mark = {"schema_version": 3, "grade_id": name, "grade": points is not None, "solution": solution,
            "locked": not solution, "task": False, "cell_type": kind}
    made = {"cell_type": kind, "id": name.lower(), "source": source,
            "metadata": {"nbgrader": mark if points is None else {**mark, "points": points}}}
    return made if kind == "markdown" else {**made, "outputs": [], "execution_count": None}


def author() -> dict:
    """The author's notebook, solved."""
    solution = "### BEGIN SOLUTION\n{}\n### END SOLUTION"
    body = "    ### BEGIN SOLUTION\n    {}\n    ### END SOLUTION".format(SCALED.split("\n    ", 1)[1])
    cells = [
        cell("intro", "# A unit in small\n\nRead, then write.", "markdown"),
        cell("imports", "import numpy as np\nfrom course.check import check"),
        cell("variant", "VARIANT = {}"),
        cell("scaled-text", "x, n times as large", "markdown"),
        cell("scaled", f'def scaled(x, n):\n    """n times x"""\n{body}', solution=True),
        cell("scaled-check", 'check("scaled")', points=4),
        cell("Counter-text", "It counts by the wrong number. Mend it.", "markdown"),
        cell("Counter", f"### BEGIN GIVEN\n{GIVEN}\n### END GIVEN\n{solution.format(COUNTER)}", solution=True),
        cell("Counter-check", 'check("Counter")', points=2),
        cell("answer-text", "What is {{answer.k}} plus 1?", "markdown"),
        cell("answer", solution.format(ANSWER), solution=True),
        cell("answer-check", 'check("answer")', points=2),
        cell("why-text", "And why?", "markdown"),
        cell("why", "*Your words here.*\n\n" + solution.format("Because one more is the next number."), "markdown",
             solution=True, points=2),
        cell("handin", 'from course.grading.handin import handin\nhandin("77_small")'),
    ]
    return {"nbformat": 4, "nbformat_minor": 5, "cells": cells, "metadata": {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}}


def write_kit(folder: Path, toml: str = TOML, graded: str = GRADED, hidden: str = HIDDEN) -> Path:
    """The small kit in `folder`."""
    (folder / "private").mkdir(parents=True)
    (folder / "unit.toml").write_text(toml)
    (folder / "graded.py").write_text(graded)
    (folder / "private" / "hidden.py").write_text(hidden)
    (folder / "private" / "rubric.toml").write_text(RUBRIC)
    (folder / "private" / "mutants.py").write_text(BANK)
    (folder / "private" / "assignment.ipynb").write_text(json.dumps(author()))
    return folder


def notebook(why: str = "Because.", unit: str = "77_small", version: str = "1.0", **cells: str) -> bytes:
    """A submission: the right solutions, with `cells` in place of theirs."""
    made = [{"cell_type": "code", "metadata": {"nbgrader": {"grade_id": name, "solution": True}}, "source": source,
             "outputs": [], "execution_count": None} for name, source in {**CELLS, **cells}.items()]
    made.append({"cell_type": "markdown", "metadata": {"nbgrader": {"grade_id": "why"}}, "source": why})
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "cells": made,
                       "metadata": {"nnlab": {"unit": unit, "version": version}}}).encode()
