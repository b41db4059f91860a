"""Who is in the course: read from the LMS's own file, kept as roster.json, asked whose a download is.

An id is text: zeros in front count, nothing is ever made a number. Whose a file is is told by what the LMS or the
instructor wrote, and only where exactly one person can be meant; the rest is left to a person, never guessed.
"""

from __future__ import annotations

import itertools
import json
import re
import unicodedata
from collections import defaultdict
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path

from course.grading import store
from course.grading.cells import Sheet, folded
from course.grading.intake import CANVAS, MOODLE, lms_number
from course.grading.office import Office, OfficeError, hidden
from course.grading.shelf import shown, storable
from course.record import now

FILE = "roster.json"
MEND = ("a newer file of the LMS: nnlab roster import FILE; otherwise put the notebook into a folder that is named by "
        "the student's id, and collect that; to take all of them in under the names they have: --anyone")
_SPREADSHEET = re.compile(r"[0-9]([.,][0-9]+)?E\+?[0-9]+", re.IGNORECASE)


@dataclass(frozen=True)
class Person:
    """One who takes the course; `id` is what every command calls them."""

    id: str
    name: str = ""
    email: str = ""
    number: str = ""  # Canvas's own, as it is in the names of its downloads
    login: str = ""
    sis: str = ""

    @property
    def keys(self) -> list[str]:
        """What names this one in a file of the LMS, the best first."""
        return [key for key in (self.id, self.sis, self.login, self.email) if key]

    def __str__(self) -> str:
        return shown(f"{self.id}, {self.name}" if self.name else self.id)


@dataclass
class Changes:
    """What an import changed."""

    added: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    renamed: list[str] = field(default_factory=list)
    moved: list[str] = field(default_factory=list)  # by email or number the same person as before, with another id
    left: list[str] = field(default_factory=list)  # rows of the file that are no student's


class Roster:
    """The people of a course, found by what a download calls them."""

    def __init__(self, people: list[Person]):
        self.people = {each.id: each for each in people}
        self._by_number, self._by_key, self._by_name = (defaultdict(set) for _ in range(3))
        for each in people:
            self._by_number[each.number].add(each.id)
            self._by_name[_tokens(each.name)].add(each.id)
            for key in each.keys:
                self._by_key[folded(key)].add(each.id)

    def __bool__(self) -> bool:
        return bool(self.people)

    def keys(self, student: str) -> list[str]:
        """What names a student in a file of the LMS, also one who is on no roster."""
        return self.people[student].keys if student in self.people else [student]

    def owner(self, student: str, file: str) -> str:
        """The id of whose `file` is, which intake found under the name `student`; as intake says, if that is open."""
        whose = self.whose(student, file)
        return whose[0] if len(whose) == 1 else student

    def whose(self, student: str, file: str) -> list[str]:
        """The ids of all who can be meant.

        What a student can choose, as their name in Moodle, is only ever looked up among names, never among ids.
        """
        if number := lms_number(student, file, CANVAS):
            name = student.removesuffix(f"_{number}")
            return sorted(self._by_number[number] or (self._squeezed(name) if not self._numbered() else ()))
        if number := lms_number(student, file, MOODLE):
            return sorted(self._named(student.removesuffix(f"_{number}")))
        if student in self.people:
            return [student]
        return sorted(self._by_key[folded(student)] or self._named(student))

    def _numbered(self) -> bool:
        return any(each.number for each in self.people.values())

    def _named(self, name: str) -> set[str]:
        tokens = _tokens(name)
        return self._by_name[tokens] if tokens else set()

    def _squeezed(self, name: str) -> set[str]:
        """By the name without spaces, as Canvas writes it: surname first, or any order."""
        wanted, found = "".join(_tokens(name)), set()
        for tokens, ids in self._by_name.items():
            orders = itertools.permutations(tokens) if len(tokens) < 5 else [tokens]
            if tokens and any("".join(order) == wanted for order in orders):
                found |= ids
        return found

    def matched(self, found: list[tuple], anyone: bool = False) -> tuple[list[tuple], list[str]]:
        """What intake found, under the ids of the roster; and a line for each name that is not one person's.

        `anyone`: what is nobody's stays, under the name it has. Two numbers of the LMS are two people.
        """
        if not self:
            return found, []
        whose = {student: self.whose(student, file) for student, file, *_ in found}
        claims = defaultdict(set)  # by id, the LMS's numbers of those who go by it
        for student, file, *_ in found:
            number = lms_number(student, file, CANVAS) or lms_number(student, file, MOODLE)
            if number and len(whose[student]) == 1:
                claims[whose[student][0]].add(number)
        kept, lines = [], {}
        for student, file, *rest in found:
            ids = whose[student]
            one = ids[0] if len(ids) == 1 else ""
            if one and len(claims[one]) < 2:
                kept.append((one, file, *rest))
                continue
            why = (f"{len(claims[one])} people there have the name of {self.people[one]}" if one
                   else f"could be {' or '.join(str(self.people[each]) for each in ids)}" if ids
                   else "nobody on the roster is called so")
            if student in self.people:
                why += "; left out, as somebody else has that id"
            elif anyone:
                kept.append((student, file, *rest))
            lines[student] = f"{shown(student)}: {why}"
        return kept, list(lines.values())


# ---------------------------------------------------------------- the course's own


def roster_of(folder: Path) -> Roster:
    """The roster of a course folder; an empty one where none was imported."""
    path = folder / FILE
    try:
        people = json.loads(path.read_text(encoding="utf-8"))["people"]
        return Roster([Person(**each) for each in people])
    except FileNotFoundError:
        return Roster([])
    except OSError as problem:
        raise OfficeError(f"{path}: {problem.strerror}") from None
    except (ValueError, KeyError, TypeError):
        raise OfficeError(f"{path} is not as nnlab wrote it: import it anew, nnlab roster import FILE") from None


def take(office: Office, source: Path, key: str = "") -> tuple[Roster, Changes]:
    """Make the people in an LMS's file the roster of the course. What they handed in is not touched."""
    before = roster_of(office.folder).people
    people, left = read(source, key)
    after = {each.id: each for each in people}
    known = {mark: each for each in before.values() for mark in _marks(each)}
    changes = Changes(left=left)
    for each in people:
        if each.id in before:
            old = before[each.id]
            changes.renamed += [f"{shown(old.id)}: {_told(old)} -> {_told(each)}"] * (_told(old) != _told(each))
        else:
            same = {known[mark].id for mark in _marks(each) if mark in known} - set(after)
            changes.moved += [f"{shown(old)} -> {shown(each.id)}" for old in sorted(same)]
            changes.added.append(str(each))
    changes.gone = [str(each) for each in before.values() if each.id not in after]
    written = {"from": storable(source.name), "at": now(), "people": [asdict(each) for each in people]}
    store.put(office.folder / FILE, (json.dumps(written, ensure_ascii=False, indent=1) + "\n").encode("utf-8"))
    hidden(office.folder, FILE)
    return Roster(people), changes


def _marks(person: Person) -> list[tuple[str, str]]:
    return [(kind, folded(value)) for kind, value in (("email", person.email), ("number", person.number)) if value]


def _told(person: Person) -> str:
    return shown(f"{person.name} <{person.email}>" if person.email else person.name)


# ---------------------------------------------------------------- the LMS's file


def read(path: Path, key: str = "") -> tuple[list[Person], list[str]]:
    """The people in a file of Canvas, Moodle or Gradescope, or any CSV file with a column id; and whom it left out.

    `key` names another column for the ids. Raises OfficeError.
    """
    sheet = Sheet(path)
    heads = [folded(head) for head in sheet.heads]
    make, first = _layout(sheet, heads)
    if key and folded(key) not in heads:
        raise OfficeError(f"{path} has no column {key!r}; its columns are {_columns(sheet)}")
    people, left, rows = [], [], {}
    for number in range(first, len(sheet.rows)):
        row = {head: sheet.value(number, at) for at, head in reversed(list(enumerate(heads)))}  # of two, the first
        person = make(row)
        if person and key:
            person = replace(person, id=row[folded(key)])
        if person is None or not person.id:
            says = ", ".join(value for value in (cell.value.strip() for cell in sheet.rows[number][:3]) if value)
            left.append(f"{shown(says)}: {'no student' if person is None else 'no id'}")
            continue
        person = Person(**{each.name: _plain(getattr(person, each.name)) for each in fields(Person)})
        _check(person, f"{path}, row {number + 1}")
        if other := rows.get(folded(person.id)):
            raise OfficeError(f"{path}: rows {other} and {number + 1} have the same id, {shown(person.id)}: expected a "
                              "row for each student; take one out, or name another column with --id")
        rows[folded(person.id)] = number + 1
        people.append(person)
    if not people:
        raise OfficeError(f"{path} lists nobody with an id; its columns are {_columns(sheet)}. Another can be named "
                          "with --id")
    return people, left


def _layout(sheet: Sheet, heads: list[str]):
    """How a row of this file becomes a person (None: no student), and the first such row."""
    if "ID" in sheet.heads and "Section" in sheet.heads:
        points = [n for n in range(1, min(4, len(sheet.rows))) if "Points Possible" in sheet.value(n, 0)]
        return _canvas, (points[0] + 1 if points else 1)
    if "sid" in heads or {"email", "role"} <= set(heads):
        return _gradescope, 1
    if "id number" in heads or "email address" in heads:
        return _moodle, 1
    if "id" in heads:
        return _csv, 1
    raise OfficeError(f"{sheet.path} is no file that nnlab knows: its columns are {_columns(sheet)}. Expected are a "
                      "gradebook of Canvas (ID, Section), one of Moodle in English (ID number or Email address), a "
                      "roster of Gradescope (SID or Email, and Role), or any CSV file with a column id")


def _canvas(row: dict[str, str]) -> Person | None:
    if row.get("student") == "Student, Test":  # Canvas's own, for trying things out
        return None
    return Person(row["id"], row.get("student", ""), number=row["id"], login=row.get("sis login id", ""),
                  sis=row.get("sis user id", ""))


def _moodle(row: dict[str, str]) -> Person:
    last = row.get("surname") or row.get("last name", "")
    name = row.get("full name") or f"{row.get('first name', '')} {last}".strip()
    email = row.get("email address", "")
    return Person(row.get("id number") or email, name, email, login=row.get("username", ""))


def _gradescope(row: dict[str, str]) -> Person | None:
    if row.get("role", "Student").casefold() not in ("student", ""):
        return None
    name = row.get("name") or row.get("full name") or f"{row.get('first name', '')} {row.get('last name', '')}".strip()
    return Person(row.get("sid") or row.get("email", ""), name, row.get("email", ""))


def _csv(row: dict[str, str]) -> Person:
    return Person(**{each.name: row.get(each.name, "") for each in fields(Person)})


def _columns(sheet: Sheet) -> str:
    return ", ".join(repr(shown(head)) for head in sheet.heads if head) or "none"


def _check(person: Person, where: str) -> None:
    got = f"{where}: the id is {shown(person.id)}"
    if re.search(r"[/\\]", person.id) or person.id in (".", "..") or any(
            unicodedata.category(letter) in ("Cc", "Cf", "Cs") for letter in person.id):
        raise OfficeError(f"{got}; expected letters and digits, with no /, \\ or sign that cannot be seen: mend it in "
                          "the LMS, or name another column with --id")
    if len(person.id) > 200:
        raise OfficeError(f"{got[:120]}..., {len(person.id)} letters; expected 200 at most: is it the right column? "
                          "name another with --id")
    if _SPREADSHEET.fullmatch(person.id):
        raise OfficeError(f"{got}: a spreadsheet has made a number of it. Export the file from the LMS again, and do "
                          "not open it in between")


# ---------------------------------------------------------------- names


def _plain(text: str) -> str:
    return storable(unicodedata.normalize("NFC", text).strip())


def _tokens(name: str) -> tuple[str, ...]:
    """The words of a name in order of the alphabet: an LMS drops commas and quotes and turns surnames round."""
    kept = "".join(letter if unicodedata.category(letter)[0] in "LNM" else " " if letter.isspace() or letter in ",_"
                   else "" for letter in folded(name))
    return tuple(sorted(kept.split()))
