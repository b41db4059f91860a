"""Marking by people: the answers that one marker is asked for, without a name, and the marks they give.

A mark is a row of the record (standing.py says which one counts); nothing about marking is kept anywhere else, so what
was marked is there again however the page or this process ended. Who marks what is drawn in sharing.py; the page is
served by marking_page.py.
"""

from __future__ import annotations

import contextlib
import re
import sqlite3
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from course.grading import feedback, roster, strip, tally
from course.grading.kit import load_kit
from course.grading.office import Office, OfficeError
from course.grading.records import Records
from course.grading.results import PENDING
from course.grading.sharing import Draw, agreement, independent
from course.grading.standing import Standing, answer_of
from course.grading.store import Busy, who
from course.record import now

COMMENT = 2_000  # characters
AS_BEFORE = -1
PATIENCE = 5.0  # seconds that a mark waits for another command that writes
HIDDEN_NAME = "[name]"


@dataclass(frozen=True)
class Answer:
    """What one student handed in for one exercise that people mark."""

    key: str  # by what the page calls it
    name: str  # the pseudonym: one a student and unit
    student: str
    exercise: str
    grading: int
    prose: str
    markers: tuple[str, ...]  # one, or two where it is in the sample

    @property
    def mark_key(self) -> tuple[str, str, str]:
        return self.student, self.exercise, answer_of(self.prose)


class Marking:
    """One marker at one unit: `state()` is what the page shows, `keep()` records a mark. Raises OfficeError."""

    def __init__(self, office: Office, wanted: str, marker: str = ""):
        self.office, self.unit = office, office.unit(wanted).name
        self.kit = load_kit(office.folder / "units" / self.unit)
        self.markers = office.rules.markers or (marker or who(),)
        if not marker and len(self.markers) > 1:
            raise OfficeError(f"who is marking? --marker NAME, of {', '.join(self.markers)}")
        self.marker = marker or self.markers[0]
        if self.marker not in self.markers:
            raise OfficeError(f"{self.marker!r} is not among the markers in course.toml: {', '.join(self.markers)}")
        self.levels = {name: sorted(steps, key=lambda step: -step["points"])
                       for name, steps in self.kit.rubrics.items()}
        if not self.levels:
            raise OfficeError(f"{self.unit}: nothing in it is marked by people, or it has no private/rubric.toml")
        self._draw = Draw(office.secret(), self.unit)
        self._asked = self._questions()
        self._answers: dict[str, Answer] = {}
        self._writing = threading.Lock()
        self.decided = 0  # answers with an override, which are not asked for

    # ------------------------------------------------------------ what is there

    def _questions(self) -> dict[str, tuple[str, str]]:
        """For each exercise the question and the author's answer, as the author's notebook has them."""
        cells = {strip.label(cell): cell
                 for cell in strip.load(self.kit.folder / "private" / "assignment.ipynb").get("cells", [])}
        found = {}
        for name in self.levels:
            question = cells.get(f"{name}-text", {"source": ""})["source"]
            answer = strip.parts(cells[name]) if name in cells else []
            found[name] = question, "\n".join(line for kind, line in answer if kind == strip.SOLUTION)
        return found

    def answers(self, records: Records) -> list[Answer]:
        """All answers of the unit that people mark, of the attempts that count, in a drawn order for each exercise."""
        failed = {row["id"] for row in records.gradings(self.unit) if row["failed"]}
        people = roster.roster_of(self.office.folder).people
        stands: dict[str, Standing] = {}  # one a hand-in, which can be a group's
        for each in tally.standings(self.office, records, self.unit):
            if each.grading is not None and each.grading not in failed and not each.excused:
                stands.setdefault(each.submission.student, each)
        arrived = list(dict.fromkeys(each.student for each in records.submissions(self.unit)))
        found, self.decided = [], 0
        for exercise in self.levels:
            shares = self._draw.shares(exercise, arrived, self.markers, stands)
            for student in sorted(stands, key=lambda student: self._draw.digest("order", exercise, student)):
                points = stands[student].exercises.get(exercise)
                if points is None or (points.points is not None and not points.marked):
                    self.decided += bool(points and points.overridden)
                    continue
                key = self._draw.digest("key", exercise, student, answer_of(points.prose)).hex()[:32]
                name = self._draw.name(student)
                found.append(Answer(key, name, student, exercise, stands[student].grading, points.prose,
                                    shares[student]))
        self._people = people
        return found

    def mine(self, answers: list[Answer], marks: list[sqlite3.Row]) -> list[tuple[Answer, sqlite3.Row | None]]:
        """The answers this marker sees, each with their own newest mark: what is theirs, and what they have marked.

        Where the list of markers was changed, what others have marked meanwhile is not asked for again.
        """
        newest: dict[tuple, dict[str, sqlite3.Row]] = defaultdict(dict)
        for row in marks:
            newest[row["student"], row["exercise"], row["answer"]][row["marker"]] = row
        found = []
        for each in answers:
            theirs = newest[each.mark_key]
            own = theirs.get(self.marker)
            others = sum(row["points"] is not None for marker, row in theirs.items() if marker != self.marker)
            if own is not None or (self.marker in each.markers and others < len(each.markers)):
                found.append((each, own))
        return found

    def state(self) -> dict[str, Any]:
        """All that the page shows: no student's name, id or file is in it."""
        with Records(self.office.folder) as records:
            answers, marks = self.answers(records), records.marks(self.unit)
        self._answers = {each.key: each for each in answers}
        told = []
        for name, steps in self.levels.items():
            question, model = self._asked[name]
            mine = [(each, own) for each, own in self.mine(answers, marks) if each.exercise == name]
            told.append({
                "name": name, "points": self.kit.asked(name).points, "question": question, "model": model,
                "levels": [{"points": step["points"], "text": step["text"]} for step in steps], "keys": keys(steps),
                "answers": [{"key": each.key, "name": each.name, "prose": self._shown(each),
                             "mark": self._told(own, steps) if own else None} for each, own in mine],
                "agreement": self._agreement(name, answers, marks)})
        return {"unit": self.kit.title, "marker": self.marker, "markers": len(self.markers), "exercises": told}

    def _shown(self, answer: Answer) -> str:
        """The words, without what steers a page, and without the name of who wrote them where that is known."""
        text = feedback.clean(answer.prose, len(answer.prose))
        person = self._people.get(answer.student)
        names = {answer.student, *((person.name, person.email, person.login, person.sis) if person else ())}
        if person and "," in person.name:
            names.add(" ".join(reversed([part.strip() for part in person.name.split(",", 1)])))
        for name in sorted((name for name in names if len(name) > 2), key=len, reverse=True):
            text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", HIDDEN_NAME, text, flags=re.IGNORECASE)
        return text

    def _told(self, row: sqlite3.Row, steps: list[dict]) -> dict[str, Any]:
        same = [place for place, step in enumerate(steps)
                if (step["points"], step["text"]) == (row["points"], row["level"])]
        return {"level": same[0] if same else None, "points": row["points"], "comment": row["comment"], "at": row["at"]}

    # ------------------------------------------------------------ a mark

    @contextlib.contextmanager
    def record(self) -> Iterator[Records]:
        """The record, to write; other commands and other markers get in between two marks."""
        until = time.monotonic() + PATIENCE
        with self._writing:
            while True:
                try:
                    records = Records(self.office.folder, write=True)
                    break
                except Busy:
                    if time.monotonic() > until:
                        raise
                    time.sleep(0.05)
            with records:
                yield records

    def keep(self, key: str, level: int | None, comment: str) -> dict[str, Any]:
        """Record a mark; it is on the disk when this returns. Raises RecordsError.

        With no level it is a comment only; AS_BEFORE leaves points that an earlier rubric gave.
        """
        if key not in self._answers:
            raise OfficeError("this answer is not to be marked: load the page again")
        answer = self._answers[key]
        steps = self.levels[answer.exercise]
        if level not in (None, AS_BEFORE, *range(len(steps))):
            raise OfficeError("the rubric has no such level")
        if len(comment) > COMMENT:
            raise OfficeError(f"the comment has {len(comment)} characters; at most {COMMENT} are kept")
        with self.record() as records:
            step = {"points": None, "text": ""} if level is None else steps[level]
            if level == AS_BEFORE:
                step = self._before(records, answer)
            records.add_mark(self.marker, self.unit, answer.student, answer.exercise, answer_of(answer.prose),
                             step["points"], step["text"], comment.strip(), answer.grading)
        place = None if level == AS_BEFORE else level
        return {"level": place, "points": step["points"], "comment": comment, "at": now()}

    def _before(self, records: Records, answer: Answer) -> dict[str, Any]:
        """The points and the words of this marker's newest mark of an answer."""
        for row in reversed(records.marks(self.unit)):
            if (row["marker"], row["student"], row["exercise"], row["answer"]) == (self.marker, *answer.mark_key):
                return {"points": row["points"], "text": row["level"]}
        raise OfficeError("this answer has no mark yet")

    # ------------------------------------------------------------ two markers

    def _agreement(self, exercise: str, answers: list[Answer], marks: list[sqlite3.Row]) -> dict[str, Any]:
        """How far two markers agree, and where they do not as it stands now, for those who marked that answer."""
        here = {each.mark_key: each for each in answers if each.exercise == exercise}
        by: dict[tuple, list[sqlite3.Row]] = defaultdict(list)
        for row in marks:
            key = row["student"], row["exercise"], row["answer"]
            if key in here:
                by[key].append(row)
        pairs, differ = [], []
        for key, rows in by.items():
            if pair := independent(rows):
                pairs.append(pair)
                newest = {row["marker"]: row["points"] for row in rows}
                if len(set(newest.values()) - {None}) > 1 and self.marker in newest:
                    differ.append({"key": here[key].key, "name": here[key].name,
                                   "marks": [[marker, points] for marker, points in newest.items()]})
        return {**agreement(pairs), "differ": differ}


def keys(steps: list[dict]) -> list[str]:
    """The key of each level: its points, where these are whole and below 10; otherwise 1, 2, 3 from the best."""
    points = [step["points"] for step in steps]
    if all(each == int(each) and each < 10 for each in points) and len(set(points)) == len(points):
        return [str(int(each)) for each in points]
    return [str(place + 1) if place < 9 else "" for place in range(len(steps))]


def summary(marking: Marking) -> list[str]:
    """What is marked and what is left, and how far two markers agree: lines for a terminal."""
    lines = []
    for each in marking.state()["exercises"]:
        of = len(each["answers"])
        done = sum(one["mark"] is not None and one["mark"]["points"] is not None for one in each["answers"])
        left = f", {of - done} left ({PENDING})" if done < of else ""
        nothing = f"nothing for {marking.marker} to mark: no answer is graded yet, or all are decided"
        lines.append(f"{each['name']}: {f'{done} of {of} marked{left}' if of else nothing}")
        found = each["agreement"]
        if found["count"]:
            kappa = "" if found["kappa"] is None else f", weighted kappa {found['kappa']:.2f}"
            lines.append(f"  {found['count']} marked by two: {found['same']:.0%} the same, {found['distance']:.2f} "
                         f"points apart on average{kappa}")
    if marking.decided:
        lines.append(f"decided by nnlab override or a regrade request, and not asked for: {marking.decided}")
    return lines
