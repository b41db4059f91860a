"""The points of a unit in the file that the LMS exported itself: `nnlab export` fills in one column, nothing else.

Canvas's gradebook, Moodle's grading worksheet and gradebook, and any CSV file, as the sources of Canvas (its gradebook
exporter and importer) and of Moodle (the offline feedback plugin) read and write them; no file of ours was tried on a
live LMS. Only numbers are written, so nothing of ours can be a formula. They are the record's points; a penalty for
lateness is not in them.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from course.grading import store
from course.grading.cells import ExportError, Sheet, folded
from course.grading.feedback import unit_title
from course.grading.intake import CANVAS, MOODLE, lms_number
from course.grading.office import Office
from course.grading.records import Records
from course.grading.roster import Roster, roster_of
from course.grading.shelf import shown
from course.grading.standing import Standing, number
from course.grading.tally import standings

_NUMBER = re.compile(r"-?[0-9]+([.,][0-9]+)?")
_COMPUTED = re.compile(r"(current|final|unposted|override) .*(score|points|grade|status)", re.IGNORECASE)
_MOODLE_PEOPLE = {"identifier", "full name", "first name", "surname", "last name", "id number", "institution",
                  "department", "email address", "username", "status", "maximum grade", "grade can be changed",
                  "course total", "last downloaded from this course"}


@dataclass(frozen=True)
class Layout:
    """Where things stand in a file."""

    grade: int  # the column to fill in
    keys: tuple[int, ...]  # columns that may hold what nnlab calls the student
    first: int = 1  # the first row of a student
    number: int | None = None  # the column of the LMS's own number of a student, as it is in the names of its downloads
    number_in: re.Pattern | None = None  # those names
    possible: tuple[int, int] | None = None  # the cell that says what the unit is worth
    locked: int | None = None  # the column that says "No" where the LMS takes no grade
    places: int = 2  # that the LMS keeps: what is the same in them is the same


@dataclass
class Filled:
    """What one export did. Who stands in the file is called by its first cells."""

    written: int = 0
    same: int = 0
    changed: list[str] = field(default_factory=list)
    pending: list[str] = field(default_factory=list)
    ungraded: list[str] = field(default_factory=list)
    excused: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)  # the file says something that is no number, or takes none
    unclear: list[str] = field(default_factory=list)
    only_in_file: list[str] = field(default_factory=list)
    only_here: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def export(office: Office, wanted: str, to: str, source: Path, out: Path, column: str = "", key: str = "") -> Filled:
    """Write `source`, filled in, to `out`. Raises ExportError, OfficeError, RecordsError."""
    unit = office.unit(wanted).name
    if out.resolve() == source.resolve():
        raise ExportError("--out is the LMS's own file: keep that and name another")
    sheet = Sheet(source)
    names = {unit, unit.partition("_")[2], unit_title(office, unit)}
    layout = LAYOUTS[to](sheet, column, names)
    if key:
        layout = Layout(layout.grade, (_column(sheet, range(len(sheet.heads)), key, set(), str),), layout.first, None,
                        None, layout.possible, layout.locked, layout.places)
    with Records(office.folder) as records:
        stands = standings(office, records, unit)
    filled = fill(sheet, layout, stands, roster_of(office.folder))
    store.put(out, sheet.as_bytes())
    return filled


# ---------------------------------------------------------------- layouts


def _canvas(sheet: Sheet, column: str, names: set[str]) -> Layout:
    heads = sheet.heads
    rows = [row for row in range(1, min(4, len(sheet.rows))) if "Points Possible" in sheet.value(row, 0)]
    if not rows or "ID" not in heads or "Section" not in heads:
        raise ExportError(f"{sheet.path} is no gradebook of Canvas: it needs the columns ID and Section and the row "
                          "Points Possible. In Canvas: Grades, Export, Export Entire Gradebook")
    free = [n for n, head in enumerate(heads) if n > heads.index("Section") and re.search(r" \([0-9]+\)$", head)
            and not _COMPUTED.match(head) and not sheet.value(rows[0], n).startswith("(")]
    grade = _column(sheet, free, column, names, lambda head: re.sub(r" \([0-9]+\)$", "", head))
    keys = tuple(heads.index(name) for name in ("SIS Login ID", "SIS User ID", "ID") if name in heads)
    return Layout(grade, keys, rows[0] + 1, heads.index("ID"), CANVAS, (rows[0], grade))


def _moodle(sheet: Sheet, column: str, names: set[str]) -> Layout:
    heads = [folded(head) for head in sheet.heads]
    keys = tuple(heads.index(name) for name in ("id number", "email address", "username") if name in heads)
    worksheet = len(sheet.rows) > 1 and all(re.fullmatch(r"\D+ [0-9]+", row[0].value.strip()) for row in sheet.rows[1:])
    if worksheet and (column or "grade" in heads):
        free = [n for n in range(1, len(heads)) if heads[n] not in _MOODLE_PEOPLE]
        grade = _column(sheet, free, column, {"grade"}, str)
        possible = (1, heads.index("maximum grade")) if "maximum grade" in heads else None
        locked = heads.index("grade can be changed") if "grade can be changed" in heads else None
        return Layout(grade, keys, 1, 0, MOODLE, possible, locked)
    if not keys:
        raise ExportError(f"{sheet.path} is no grading worksheet and no gradebook of Moodle in English. Of a worksheet "
                          "in another language name the grades with --column; export a gradebook with ID number or "
                          "Email address, in English")
    free = [n for n, head in enumerate(heads) if head not in _MOODLE_PEOPLE
            and not re.search(r"\((percentage|letter|feedback)\)$", head) and not head.startswith("feedback:")]
    grade = _column(sheet, free, column, names, lambda head: re.sub(r" \(Real\)$", "", re.sub(r"^\w+: ?", "", head)))
    return Layout(grade, keys)


def _csv(sheet: Sheet, column: str, names: set[str]) -> Layout:
    return Layout(_column(sheet, range(1, len(sheet.heads)), column, names, str), (0,), places=4)


LAYOUTS: dict[str, Callable[[Sheet, str, set[str]], Layout]] = {"canvas": _canvas, "moodle": _moodle, "csv": _csv}


def _column(sheet: Sheet, free: list[int] | range, column: str, names: set[str], title: Callable[[str], str]) -> int:
    """The one column of `free` that is called `column`, or one of `names`."""
    called = {folded(name) for name in ([column] if column else names) if name}
    heads = {n: sheet.heads[n] for n in free}
    found = ([n for n, head in heads.items() if folded(head) in called]
             or [n for n, head in heads.items() if folded(title(head)) in called])
    if len(found) == 1:
        return found[0]
    wanted = repr(column) if column else f"called {' or '.join(sorted(name for name in names if name))}"
    there = "; ".join(repr(shown(head)) for head in heads.values()) or "none"
    raise ExportError(f"{sheet.path}: {'no' if not found else 'more than one'} column {wanted}. Name one with "
                      f"--column; those that can be filled in are {there}")


# ---------------------------------------------------------------- filling in


def fill(sheet: Sheet, layout: Layout, stands: list[Standing], roster: Roster) -> Filled:
    """Note the points in the sheet, each student's in the one row that is theirs."""
    filled, rows = Filled(), range(layout.first, len(sheet.rows))
    by_row, unclear = _matched(sheet, layout, stands, filled, roster)
    comma = _comma(sheet, layout)
    for row in rows:
        if row in unclear:
            filled.unclear.append(_who(sheet, row))
        elif row in by_row:
            _fill(sheet, layout, row, by_row[row], comma, filled)
        else:
            filled.only_in_file.append(_who(sheet, row))
    _notes(sheet, layout, stands, filled)
    return filled


def _matched(sheet: Sheet, layout: Layout, stands: list[Standing], filled: Filled,
             roster: Roster) -> tuple[dict, set]:
    """By row, whose it is; and the rows that are two people's, or one of two that are one person's."""
    by_key, by_number = defaultdict(set), defaultdict(set)
    for row in range(layout.first, len(sheet.rows)):
        for column in layout.keys:
            by_key[folded(sheet.value(row, column))].add(row)
        if layout.number is not None and (digits := re.search(r"[0-9]+$", sheet.value(row, layout.number))):
            by_number[digits[0]].add(row)
    owners, unclear = defaultdict(list), set()
    for each in stands:
        student = each.student
        file, pattern = each.submission.file, layout.number_in
        its = lms_number(student, file, pattern, roster.owner) if pattern else ""
        found = [by_number[its] if its else set(), *(by_key[folded(key)] for key in roster.keys(student))]
        rows = next(filter(None, found), set())
        if not rows:
            filled.only_here.append(shown(student))
        if len(rows) > 1:
            filled.unclear.append(shown(student))
            unclear |= rows
        for row in rows:
            owners[row].append(each)
    for row, theirs in owners.items():
        if len(theirs) > 1:
            filled.unclear += [shown(each.student) for each in theirs]
            unclear.add(row)
    return {row: theirs[0] for row, theirs in owners.items()}, unclear


def _fill(sheet: Sheet, layout: Layout, row: int, each: Standing, comma: bool, filled: Filled) -> None:
    who, there = _who(sheet, row), sheet.value(row, layout.grade)
    says = f"{who}, where the file says {shown(there)}" if there not in ("", "-") else who
    if each.excused:
        filled.excused.append(says)
    elif each.grading is None:
        filled.ungraded.append(says)
    elif each.total is None:
        filled.pending.append(says)
    elif there not in ("", "-") and not _NUMBER.fullmatch(there):
        filled.kept.append(f"{who}: {shown(there)}")
    elif layout.locked is not None and sheet.value(row, layout.locked).casefold() == "no":
        filled.kept.append(f"{who}: its grade cannot be changed")
    elif there not in ("", "-") and abs(_value(there) - each.total) < 0.5 * 10 ** -layout.places:
        filled.same += 1
    else:
        text = number(each.total)
        sheet.fill(row, layout.grade, text.replace(".", ",") if comma else text)
        filled.written += 1
        if there not in ("", "-"):
            filled.changed.append(f"{who}: {shown(there)} -> {text}")


def _value(text: str) -> float:
    return float(text.replace(",", "."))


def _comma(sheet: Sheet, layout: Layout) -> bool:
    """Whether the file writes 2,5 for 2.5; where it has no such number, that goes with ; between the cells."""
    said = [sheet.value(row, layout.grade) for row in range(layout.first, len(sheet.rows))]
    said += [sheet.value(*layout.possible)] if layout.possible else []
    said = [text for text in said if _NUMBER.fullmatch(text)]
    commas, points = sum("," in text for text in said), sum("." in text for text in said)
    return commas > points if commas or points else sheet.delimiter == ";"


def _who(sheet: Sheet, row: int) -> str:
    return ", ".join(shown(cell.value.strip()) for cell in sheet.rows[row][:2] if cell.value.strip())


def _notes(sheet: Sheet, layout: Layout, stands: list[Standing], filled: Filled) -> None:
    ours = {each.of for each in stands if each.exercises}
    there = sheet.value(*layout.possible) if layout.possible else ""
    if _NUMBER.fullmatch(there) and any(abs(_value(there) - of) >= 0.005 for of in ours):
        filled.notes.append(f"the file says that {sheet.heads[layout.grade]!r} is worth {there}; here it is "
                            f"{' or '.join(map(number, sorted(ours)))}: change it in the LMS before you upload")
    formulas = sum(cell.value.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r")) and cell.value.strip() != "-"
                   and not _NUMBER.fullmatch(cell.value.strip()) for row in sheet.rows for cell in row)
    if formulas:
        filled.notes.append(f"{formulas} cells of the LMS's file begin like a formula and were left as they are: do "
                            "not open it in a spreadsheet before you have looked at them")
    if unsafe := sum(each.level == "unsafe" for each in stands):
        filled.notes.append(f"{unsafe} were judged without a sandbox")
