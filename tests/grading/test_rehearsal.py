"""A term in small, by the commands an instructor types: forty students, three units, and what a term brings.

Extensions, late hand-ins, two groups, one who attacks, a check that was wrong, a regrade request, an errata in
mid-term, marking by two people, Canvas's file filled in. What each student must get is worked out beside it, from what
they handed in and when, and held against every number that comes out.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import zipfile
from collections import Counter
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from course import cli
from course.grading import marking, office, strip
from course.grading.kit import load_kit
from course.grading.records import Records
from tests.needs import needs

needs("bwrap")

UNITS = {"1": "01_neurons", "2": "02_activations", "3": "03_backprop"}
ZONE = ZoneInfo("Europe/Berlin")
DUE = {"1": dt.datetime(2024, 3, 17, 23, 59), "2": dt.datetime(2024, 3, 30, 23, 59),  # the clocks change that night
       "3": dt.datetime(2024, 4, 14, 23, 59)}
STUDENTS = [str(9001 + n) for n in range(40)]
ABSENT = {"1": {"9039"}, "2": {"9039", "9040"}, "3": {"9039"}}
EXCUSED = "9038"  # in unit 3
GROUPS = [["9003", "9004"], ["9006", "9005", "9007"]]  # in unit 2; the first hands in for all
EXTENSION = {"9010": 3, "9011": dt.datetime(2024, 4, 2, 12, 0)}  # in unit 2: days, or a time of one's own
HOURS_LATE = {("1", "9012"): 1, ("2", "9010"): 70, ("2", "9011"): 60, ("2", "9013"): 25, ("3", "9014"): 80}
HOSTILE, TRUNCATES, ASKS = "9020", "9021", "9022"
ATTACK = "import sys\nsys.modules['course'] = 'mine'\nraise SystemExit('all points, please')\n"
# Right for floats, wrong for whole numbers: one hidden check sees it, until the instructor finds that unfair.
WHOLE_NUMBERS = """
def regress(X, layers):
    for k, (W, b) in enumerate(layers):
        Z = np.zeros((len(X), W.shape[1]), X.dtype)
        Z[:] = X @ W + b
        X = np.maximum(Z, 0) if k < len(layers) - 1 else Z
    return X
"""


def percent(hours: float) -> float:
    """10 % for each day begun."""
    return 10 * -(-hours // 24) if hours > 0 else 0


class Term:
    """A course folder under way, and beside it what must come of it."""

    def __init__(self, folder):
        self.folder, self.beside = folder / "term", folder
        self.kits, self.did = {}, {}  # (unit, who handed in) -> the exercises they solved, or "all but"
        self.rng = np.random.default_rng(8)

    def nnlab(self, *words) -> None:
        assert cli.main([*map(str, words), "--course", str(self.folder)]) == 0, words

    # ---- what students do ----

    def hands_in(self, unit: str, students: list[str]) -> None:
        """Each takes their own released notebook and solves three quarters of the exercises."""
        name, kit = UNITS[unit], self.kits[unit]
        right = {strip.label(cell): cell["source"] for cell in strip.solved(strip.load(
            kit.folder / "private" / "assignment.ipynb"))["cells"]}
        with zipfile.ZipFile(self.beside / f"{unit}.zip", "w") as made:
            for student in students:
                version = office.open_office(self.folder).units[name].version
                file = self.folder / "released" / name / version / "students" / student / name / f"{name}.ipynb"
                notebook = json.loads(file.read_text("utf-8"))
                solved = {each.name for each in kit.exercises if self.rng.random() < 0.75}
                if (unit, student) == ("1", HOSTILE):
                    solved -= {"perceptron_fit"}
                if (unit, student) == ("1", TRUNCATES):
                    solved |= {"regress"}
                if (unit, student) == ("1", ASKS):
                    solved -= {"standardize"}
                self.did[unit, student] = solved
                for cell in notebook["cells"]:
                    label = strip.label(cell)
                    if label in solved and cell["cell_type"] == "code":
                        cell["source"] = right[label]
                    elif label in solved:
                        cell["source"] = f"Because of what I have seen, {self.rng.integers(10**9)} times."
                    if (unit, student, label) == ("1", HOSTILE, "perceptron_fit"):
                        cell["source"] = ATTACK
                    if (unit, student, label) == ("1", TRUNCATES, "regress"):
                        cell["source"] = WHOLE_NUMBERS
                when = DUE[unit] + dt.timedelta(hours=HOURS_LATE.get((unit, student), -5 - int(student) % 50))
                info = zipfile.ZipInfo(f"student_{student}_{unit}77_{name}-handin.ipynb", when.timetuple()[:6])
                made.writestr(info, json.dumps(notebook))

    # ---- what must come of it ----

    def mark(self, unit: str, student: str, exercise: str) -> float:
        """What a person gives to an answer: by the student's number, so that it can be worked out again."""
        steps = sorted({step["points"] for step in self.kits[unit].rubrics[exercise]}, reverse=True)
        return steps[int(student) % len(steps)]

    def of(self, unit: str, student: str) -> tuple[float, float] | None:
        """(raw points, points after what lateness takes off) of one student, by the rules alone."""
        first = next((group[0] for group in GROUPS if unit == "2" and student in group), student)
        if student in ABSENT[unit] or (unit, student) == ("3", EXCUSED):
            return None
        raw = 0.0
        for each in self.kits[unit].exercises:
            if each.marked == "people":
                raw += self.mark(unit, first, each.name)
            elif each.name in self.did[unit, first]:
                raw += each.points
        if (unit, student) == ("1", ASKS):
            raw += 1.5  # granted
        late = HOURS_LATE.get((unit, first), 0)
        if unit == "2" and student in EXTENSION:
            more = EXTENSION[student]
            until = more if isinstance(more, dt.datetime) else DUE[unit] + dt.timedelta(days=more)
            late -= (until - DUE[unit]).total_seconds() / 3600
        return raw, raw * (1 - percent(late) / 100)


@pytest.fixture(scope="module")
def term(tmp_path_factory):
    term = Term(tmp_path_factory.mktemp("rehearsal"))
    term.folder = office.new_office(term.folder).folder
    toml = (term.folder / "course.toml").read_text("utf-8")
    toml = toml.replace('name = "term"\n', 'name = "term"\ntimezone = "Europe/Berlin"\nlate = {percent = 10}\n'
                                           'markers = ["maria", "tom"]\n')
    for unit, name in UNITS.items():
        rules = f'due = {DUE[unit].isoformat()}\n'
        if unit == "2":
            times = ", ".join(f"{who} = {more if isinstance(more, int) else more.isoformat()}"
                              for who, more in EXTENSION.items())
            rules += f"extensions = {{{times}}}\ngroups = {json.dumps(GROUPS)}\n"
        if unit == "3":
            rules += f'excused = ["{EXCUSED}"]\n'
        toml = toml.replace(f"[units.{name}]\n", f"[units.{name}]\n{rules}")
    (term.folder / "course.toml").write_text(toml, "utf-8")
    term.kits = {unit: load_kit(term.folder / "units" / name) for unit, name in UNITS.items()}
    return term


def canvas_file(term):
    """The gradebook as Canvas exports it, with a column for each unit."""
    rows = [["Student", "ID", "SIS User ID", "SIS Login ID", "Section",
             *(f"{term.kits[unit].title} ({unit}1)" for unit in UNITS)],
            ["    Points Possible", "", "", "", "", *(["24.00"] * 3)]]
    rows += [[f"Ünlü, {('Ann', 'Bob', 'Cem', 'Dora')[n % 4]} {n}", who, f"00{n:02}", f"s{n}", "Mon", "", "", ""]
             for n, who in enumerate(STUDENTS)]
    path = term.beside / "canvas.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    return path


def marked_by_two(term, unit):
    """Maria marks all she is asked for, then Tom; of what both see Tom gives one level less, which must not count."""
    twice = 0
    for marker in ("maria", "tom"):
        at = marking.Marking(office.open_office(term.folder), unit, marker)
        asked = {each["key"] for exercise in at.state()["exercises"] for each in exercise["answers"]}
        for key in asked:
            answer = at._answers[key]
            steps = [step["points"] for step in at.levels[answer.exercise]]
            level = steps.index(term.mark(unit, answer.student, answer.exercise))
            if marker == "tom" and len(answer.markers) == 2:
                twice, level = twice + 1, (level + 1) % len(steps)
            at.keep(key, level, "")
    return twice


def totals(term, unit):
    file = term.beside / f"grades{unit}.csv"
    term.nnlab("grades", unit, "--csv", file)
    return {row["student"]: row for row in csv.DictReader(io.StringIO(file.read_text("utf-8-sig"), newline=""))}


def test_a_term_from_the_roster_to_canvas(term, capsys):
    term.nnlab("roster", "import", canvas_file(term))
    for unit in UNITS:
        there = [who for who in STUDENTS if who not in ABSENT[unit]]
        if unit == "2":
            there = [who for who in there if not any(who in group[1:] for group in GROUPS)]
        if unit == "3":
            there.remove(EXCUSED)
        term.nnlab("release", unit)
        if unit == "2":  # an errata when half of them have handed in
            term.hands_in(unit, there[::2])
            term.nnlab("collect", unit, term.beside / "2.zip")
            hidden = term.folder / "units" / UNITS["2"] / "private" / "hidden.py"
            hidden.write_text(hidden.read_text("utf-8") + "\n# looked through once more\n", "utf-8")
            term.nnlab("release", unit, "--amend", "Task 2 says now that the temperature is positive.")
            term.hands_in(unit, there[1::2])
        else:
            term.hands_in(unit, there)
        capsys.readouterr()
        term.nnlab("collect", unit, term.beside / f"{unit}.zip")
        assert all(who in capsys.readouterr().out or who not in ABSENT[unit] for who in ["9039"])
        term.nnlab("grade", unit, "--jobs", "2")
        assert marked_by_two(term, unit) >= 5
        if unit == "1":
            of_check_that_was_wrong(term)
            term.nnlab("regrade-request", "add", "1", ASKS, "standardize", "--claim", "It is right for my data.")
            term.nnlab("regrade-request", "grant", "1", "--points", "1.5", "--reason", "Seen, and half of it is right.")

    exported = term.beside / "canvas.csv"
    for unit in UNITS:
        rows = totals(term, unit)
        for student in STUDENTS:
            expected = term.of(unit, student)
            if expected is None:
                assert student not in rows or "excused" in rows[student].values()
                continue
            assert float(rows[student]["raw"]) == pytest.approx(expected[0]), (unit, student)
            assert float(rows[student]["total"]) == pytest.approx(expected[1]), (unit, student)
        filled = term.beside / f"canvas{unit}.csv"
        term.nnlab("export", unit, "--to", "canvas", "--from", exported, "--out", filled)
        exported = filled
    with exported.open(newline="", encoding="utf-8") as file:
        last = {row[1]: row[5:] for row in list(csv.reader(file))[2:]}
    for student in STUDENTS:
        for unit, cell in zip(UNITS, last[student], strict=True):
            expected = term.of(unit, student)
            assert (cell == "") if expected is None else float(cell) == pytest.approx(expected[1], abs=0.005)
    with Records(term.folder) as records:
        versions = Counter(version for version, who in records.given(UNITS["2"]).items() for _ in who)
    assert set(versions) == {"1.0", "1.1"}


def of_check_that_was_wrong(term):
    """One hidden check failed who had done nothing wrong. Mended, and judged again: one gains a point, nobody else."""
    before = totals(term, "1")
    hidden = term.folder / "units" / UNITS["1"] / "private" / "hidden.py"
    text, line = hidden.read_text("utf-8"), 'close(regress(X, layers), _forward(X, layers), "whole numbers")'
    assert text.count(line) == 1
    hidden.write_text(text.replace(line, "regress(X, layers)"), "utf-8")
    term.nnlab("regrade", "1", "--yes", "--jobs", "2")
    after = totals(term, "1")
    changed = {who: float(after[who]["raw"]) - float(before[who]["raw"]) for who in after
               if after[who]["raw"] != before[who]["raw"]}
    assert changed == {TRUNCATES: 1.0}
