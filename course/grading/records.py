"""The record of a course: what was handed in, how it was judged, what a person changed. Rows are added, never changed.

Triggers refuse UPDATE and DELETE, so a re-grade and an override are rows of their own; which of them counts is decided
in standing.py. The notebooks themselves are files in handed-in/ (shelf.py), with their sha256 here: so the record stays
small (a term of 400 students and 10 units is 35 MB) and is checked and backed up in half a second.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from course.grading import backups, store
from course.grading.results import CheckResult, ExerciseResult, Graded
from course.grading.store import DiskFull, RecordsError, who
from course.record import now

TABLES = """
CREATE TABLE batches (id INTEGER PRIMARY KEY, what TEXT NOT NULL, unit TEXT NOT NULL, who TEXT NOT NULL,
    begun TEXT NOT NULL);
CREATE TABLE ends (id INTEGER PRIMARY KEY, batch INTEGER NOT NULL REFERENCES batches, ended TEXT NOT NULL,
    outcome TEXT NOT NULL);
CREATE TABLE submissions (id INTEGER PRIMARY KEY, batch INTEGER NOT NULL REFERENCES batches, unit TEXT NOT NULL,
    student TEXT NOT NULL, attempt INTEGER NOT NULL, received_at TEXT NOT NULL, sha256 TEXT NOT NULL,
    size INTEGER NOT NULL, stored TEXT NOT NULL, file TEXT NOT NULL, problem TEXT NOT NULL, notes TEXT NOT NULL);
CREATE TABLE gradings (id INTEGER PRIMARY KEY, submission INTEGER NOT NULL REFERENCES submissions,
    batch INTEGER NOT NULL REFERENCES batches, version TEXT NOT NULL, kit TEXT NOT NULL, level TEXT NOT NULL,
    limits TEXT NOT NULL, started TEXT NOT NULL, finished TEXT NOT NULL, seconds REAL NOT NULL, refused TEXT NOT NULL,
    notes TEXT NOT NULL, failed INTEGER NOT NULL, proposed INTEGER NOT NULL);
CREATE TABLE exercises (id INTEGER PRIMARY KEY, grading INTEGER NOT NULL REFERENCES gradings, name TEXT NOT NULL,
    of REAL NOT NULL, points REAL, status TEXT NOT NULL, notes TEXT NOT NULL, output TEXT NOT NULL,
    error TEXT NOT NULL, flags TEXT NOT NULL, prose TEXT NOT NULL);
CREATE TABLE checks (id INTEGER PRIMARY KEY, exercise INTEGER NOT NULL REFERENCES exercises, title TEXT NOT NULL,
    hidden INTEGER NOT NULL, of REAL NOT NULL, passed INTEGER NOT NULL, reason TEXT NOT NULL, symptom TEXT NOT NULL);
CREATE TABLE adoptions (id INTEGER PRIMARY KEY, grading INTEGER NOT NULL REFERENCES gradings, at TEXT NOT NULL,
    who TEXT NOT NULL, let_fall INTEGER NOT NULL);
CREATE TABLE overrides (id INTEGER PRIMARY KEY, at TEXT NOT NULL, who TEXT NOT NULL, unit TEXT NOT NULL,
    student TEXT NOT NULL, exercise TEXT NOT NULL, points REAL NOT NULL, reason TEXT NOT NULL,
    grading INTEGER NOT NULL REFERENCES gradings);
CREATE TABLE releases (id INTEGER PRIMARY KEY, at TEXT NOT NULL, who TEXT NOT NULL, unit TEXT NOT NULL,
    version TEXT NOT NULL, kit TEXT NOT NULL, student TEXT NOT NULL, file TEXT NOT NULL, sha256 TEXT NOT NULL,
    notes TEXT NOT NULL);
CREATE TABLE feedback (id INTEGER PRIMARY KEY, at TEXT NOT NULL, grading INTEGER NOT NULL REFERENCES gradings,
    file TEXT NOT NULL, sha256 TEXT NOT NULL);
CREATE INDEX submissions_of ON submissions (unit, student);
CREATE INDEX gradings_of ON gradings (submission);
CREATE INDEX exercises_of ON exercises (grading);
CREATE INDEX checks_of ON checks (exercise);
"""


def _append_only(*tables: str) -> str:
    """INSERT OR REPLACE deletes without asking the trigger on DELETE, so a row that exists is refused too."""
    return "\n".join(f"""
CREATE TRIGGER {table}_no_{verb} BEFORE {verb} ON {table} {when}
    BEGIN SELECT RAISE(ABORT, 'the record is append-only: nothing in {table} is changed or deleted'); END;"""
                     for table in tables
                     for verb, when in (("update", ""), ("delete", ""),
                                        ("insert", f"WHEN EXISTS (SELECT 1 FROM {table} WHERE id = NEW.id)")))


# A later version of the tables is a further step; a step that was ever released is never changed.
STEPS = [TABLES + _append_only("batches", "ends", "submissions", "gradings", "exercises", "checks", "adoptions",
                               "overrides", "releases", "feedback"),
         "ALTER TABLE submissions ADD COLUMN written TEXT NOT NULL DEFAULT '';",
         """
CREATE TABLE requests (id INTEGER PRIMARY KEY, at TEXT NOT NULL, who TEXT NOT NULL, unit TEXT NOT NULL,
    student TEXT NOT NULL, exercise TEXT NOT NULL, claim TEXT NOT NULL, points REAL,
    grading INTEGER NOT NULL REFERENCES gradings);
CREATE TABLE decisions (id INTEGER PRIMARY KEY, at TEXT NOT NULL, who TEXT NOT NULL,
    request INTEGER NOT NULL UNIQUE REFERENCES requests, granted INTEGER NOT NULL, reason TEXT NOT NULL,
    grading INTEGER NOT NULL REFERENCES gradings, override INTEGER REFERENCES overrides);
""" + _append_only("requests", "decisions"),
         """
CREATE TABLE marks (id INTEGER PRIMARY KEY, at TEXT NOT NULL, who TEXT NOT NULL, marker TEXT NOT NULL,
    unit TEXT NOT NULL, student TEXT NOT NULL, exercise TEXT NOT NULL, answer TEXT NOT NULL, points REAL,
    level TEXT NOT NULL, comment TEXT NOT NULL, grading INTEGER NOT NULL REFERENCES gradings);
CREATE INDEX marks_of ON marks (unit);
""" + _append_only("marks")]


@dataclass(frozen=True)
class Submission:
    """One file handed in by one student for one unit."""

    id: int
    unit: str
    student: str
    attempt: int
    sha256: str
    stored: str  # its place below the course folder
    file: str  # what the student called it
    problem: str  # why it cannot be graded, found at intake
    received_at: str = ""  # when it was collected
    written: str = ""  # the file's own time, as intake found it


class Records:
    """The record of one course folder. `write=True` makes this process the one that writes."""

    def __init__(self, folder: Path, write: bool = False):
        self.path = Path(folder) / store.FILE
        if not self.path.parent.is_dir():
            raise RecordsError(f"there is no folder {self.path.parent}")
        self._lock = store.Lock(self.path.with_name(store.LOCK)) if write else None
        try:
            self.db = store.connect(self.path, STEPS, write)
        except BaseException:
            if self._lock:
                self._lock.release()
            raise

    def __enter__(self) -> Records:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.db.close()
        if self._lock:
            self._lock.release()

    def _all(self, query: str, *values) -> list[sqlite3.Row]:
        with store.explained(self.path):
            return self.db.execute(query, values).fetchall()

    def _add(self, table: str, **row) -> int:
        names = ", ".join(row)
        return self.db.execute(f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' * len(row))})",
                               list(row.values())).lastrowid

    def add(self, table: str, **row) -> int:
        """One row, on the disk when this returns; its id."""
        with store.transaction(self.db, self.path):
            return self._add(table, **row)

    # ------------------------------------------------------------ batches

    def begin(self, what: str, unit: str = "") -> int:
        """A batch begins: a run of one command that writes."""
        return self.add("batches", what=what, unit=unit, who=who(), begun=now())

    def end(self, batch: int, outcome: str) -> Path | None:
        """The batch has ended, well or not; then a backup. None if there is no room for it."""
        try:
            self.add("ends", batch=batch, ended=now(), outcome=outcome)
            return self.back_up()
        except DiskFull:
            return None

    def back_up(self) -> Path:
        return backups.back_up(self.db, self.path)

    # ------------------------------------------------------------ what was handed in

    def submissions(self, unit: str, student: str | None = None) -> list[Submission]:
        """All attempts, in the order they came."""
        columns = "id, unit, student, attempt, sha256, stored, file, problem, received_at, written"
        rows = self._all(f"SELECT {columns} FROM submissions WHERE unit = ? AND (?2 IS NULL OR student = ?2) "
                         "ORDER BY id", unit, student)
        return [Submission(**dict(row)) for row in rows]

    def latest(self, unit: str) -> list[Submission]:
        """The newest attempt of each student, by student."""
        newest = {each.student: each for each in self.submissions(unit)}
        return [newest[student] for student in sorted(newest)]

    def add_submission(self, batch: int, unit: str, student: str, attempt: int, sha256: str, size: int, stored: str,
                       file: str, problem: str, written: str = "", notes: list[str] | None = None) -> int:
        return self.add("submissions", batch=batch, unit=unit, student=student, attempt=attempt, received_at=now(),
                        sha256=sha256, size=size, stored=stored, file=file, problem=problem,
                        written=written, notes=json.dumps(notes or []))

    # ------------------------------------------------------------ how it was judged

    def add_grading(self, batch: int, submission: int, graded: Graded, started: str, failed: bool = False,
                    proposed: bool = False) -> int:
        """One grading with its exercises and checks, in one transaction. `proposed` counts only once adopted."""
        with store.transaction(self.db, self.path):
            grading = self._add("gradings", submission=submission, batch=batch, version=graded.version, kit=graded.kit,
                                level=graded.level, limits=json.dumps(graded.limits), started=started, finished=now(),
                                seconds=graded.seconds, refused=graded.refused, notes=json.dumps(graded.notes),
                                failed=failed, proposed=proposed)
            for each in graded.exercises:
                exercise = self._add("exercises", grading=grading, name=each.name, of=each.of, points=each.points,
                                     status=each.status, notes=json.dumps(each.notes), output=each.output,
                                     error=each.error, flags=json.dumps(each.flags), prose=each.prose)
                for check in each.checks:
                    self._add("checks", exercise=exercise, title=check.title, hidden=check.hidden, of=check.of,
                              passed=check.passed, reason=check.reason, symptom=check.symptom)
        return grading

    def gradings(self, unit: str) -> list[sqlite3.Row]:
        """All gradings of a unit in the order they were made; `adopted` and `let_fall` tell of proposed ones."""
        return self._all("""SELECT gradings.*, count(adoptions.id) AS adopted, max(adoptions.let_fall) AS let_fall
            FROM gradings JOIN submissions ON submissions.id = gradings.submission
            LEFT JOIN adoptions ON adoptions.grading = gradings.id
            WHERE submissions.unit = ? GROUP BY gradings.id ORDER BY gradings.id""", unit)

    def points(self, unit: str) -> list[sqlite3.Row]:
        """The exercises of all gradings of a unit: grading, name, of, points, status, flags, prose."""
        return self._all("""SELECT exercises.grading, name, of, points, status, flags, prose FROM exercises
            JOIN gradings ON gradings.id = exercises.grading JOIN submissions ON submissions.id = gradings.submission
            WHERE submissions.unit = ? ORDER BY exercises.id""", unit)

    def graded(self, grading: int) -> Graded:
        """A grading as the judge gave it."""
        rows = self._all("""SELECT gradings.*, unit, student, sha256 FROM gradings
            JOIN submissions ON submissions.id = gradings.submission WHERE gradings.id = ?""", grading)
        if not rows:
            raise RecordsError(f"there is no grading {grading}")
        row, exercises = rows[0], []
        for each in self._all("SELECT * FROM exercises WHERE grading = ? ORDER BY id", grading):
            checks = [CheckResult(check["title"], bool(check["hidden"]), check["of"], bool(check["passed"]),
                                  check["reason"], check["symptom"])
                      for check in self._all("SELECT * FROM checks WHERE exercise = ? ORDER BY id", each["id"])]
            exercises.append(ExerciseResult(each["name"], each["of"], each["status"], checks, json.loads(each["notes"]),
                                            each["output"], each["error"], json.loads(each["flags"]), each["prose"]))
        return Graded(row["unit"], row["version"], row["kit"], row["sha256"], row["student"], row["level"],
                      json.loads(row["limits"]), exercises, json.loads(row["notes"]), row["refused"], row["seconds"])

    def adopt(self, gradings: list[int], let_fall: bool) -> None:
        """Let proposed gradings count, all at once."""
        with store.transaction(self.db, self.path):
            for grading in gradings:
                self._add("adoptions", grading=grading, at=now(), who=who(), let_fall=let_fall)

    # ------------------------------------------------------------ what people changed and gave out

    def add_override(self, unit: str, student: str, exercise: str, points: float, reason: str, grading: int) -> int:
        return self.add("overrides", at=now(), who=who(), unit=unit, student=student, exercise=exercise,
                        points=points, reason=reason, grading=grading)

    def overrides(self, unit: str) -> dict[tuple[str, str], sqlite3.Row]:
        """The newest override by (student, exercise)."""
        rows = self._all("SELECT * FROM overrides WHERE unit = ? ORDER BY id", unit)
        return {(row["student"], row["exercise"]): row for row in rows}

    def add_mark(self, marker: str, unit: str, student: str, exercise: str, answer: str, points: float | None,
                 level: str, comment: str, grading: int) -> None:
        """One person's mark of one answer; without points it is a comment only, and the answer stays pending."""
        self.add("marks", at=now(), who=who(), marker=marker, unit=unit, student=student, exercise=exercise,
                 answer=answer, points=points, level=level, comment=comment, grading=grading)

    def marks(self, unit: str) -> list[sqlite3.Row]:
        """All marks of a unit, in the order they were made; which of them count is decided in standing.py."""
        return self._all("SELECT * FROM marks WHERE unit = ? ORDER BY id", unit)

    def requests(self, unit: str = "") -> list[sqlite3.Row]:
        """Regrade requests of a unit or of all, the oldest first, with their decisions: granted is None while open."""
        return self._all("""SELECT requests.*, decisions.at AS decided, granted, reason, override FROM requests
            LEFT JOIN decisions ON decisions.request = requests.id WHERE ? IN ('', unit) ORDER BY requests.id""", unit)

    def decide(self, request: int, granted: bool, reason: str, grading: int, override: dict | None) -> None:
        """The decision and what it changes, both or neither."""
        with store.transaction(self.db, self.path):
            row = self._add("overrides", at=now(), who=who(), **override) if override else None
            self._add("decisions", at=now(), who=who(), request=request, granted=granted, reason=reason,
                      grading=grading, override=row)

    def add_releases(self, rows: list[dict[str, str]], notes: str = "") -> int:
        """What was given to whom, all at once: unit, version, kit, student, file, sha256 of each. How many are new."""
        keys = ("unit", "version", "kit", "student", "file", "sha256")
        known = {tuple(row[key] for key in keys) for row in self._all("SELECT * FROM releases")}
        fresh = [row for row in rows if tuple(row[key] for key in keys) not in known]
        with store.transaction(self.db, self.path):
            for row in fresh:
                self._add("releases", at=now(), who=who(), notes=notes, **row)
        return len(fresh)

    def given(self, unit: str) -> dict[str, set[str]]:
        """By version, the students whose notebooks were released; "" where there was one for all."""
        found: dict[str, set[str]] = {}
        for row in self._all("SELECT DISTINCT version, student FROM releases WHERE unit = ?", unit):
            found.setdefault(row["version"], set()).add(row["student"])
        return found

    def add_feedback(self, grading: int, file: str, sha256: str) -> int:
        return self.add("feedback", at=now(), grading=grading, file=file, sha256=sha256)


def create(folder: Path) -> None:
    """A new, empty record in a course folder."""
    store.create(Path(folder) / store.FILE, STEPS)
