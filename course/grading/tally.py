"""What counts in the end: of each student the attempt that counts, what lateness takes off it, and the whole course.

Here the record (standing.py) meets the course's rules (settings.py). Nothing is stored: a deadline that is moved or a
group that is mended holds from the next command on, for what is graded already too.
"""

from __future__ import annotations

from collections import Counter

from course.grading import deadlines
from course.grading.judge import EVERYONE
from course.grading.office import Office
from course.grading.records import Records, Submission
from course.grading.standing import EXCUSED, Standing, attempts, number


def to_judge(office: Office, records: Records, unit: str) -> list[Submission]:
    """The attempts that can count: the newest of each student, or all where the best one counts."""
    return records.submissions(unit) if office.rules.attempt == "best" else records.latest(unit)


def standings(office: Office, records: Records, unit: str, adopting: set[int] | None = None,
              let_fall: bool = False) -> list[Standing]:
    """How everybody stands who handed in or whose group did, by student; as if `adopting` were adopted."""
    return _standings(office, records, unit, _spent(office, records, unit), adopting, let_fall)


def _standings(office: Office, records: Records, unit: str, spent: Counter[str], adopting: set[int] | None = None,
               let_fall: bool = False) -> list[Standing]:
    tried = attempts(records, unit, adopting, let_fall, office.units[unit].terms.groups)
    return [_counting(office, unit, tried[student], spent[student]) for student in sorted(tried)]


def _counting(office: Office, unit: str, tried: list[Standing], spent: int) -> Standing:
    """The attempt that counts, with its lateness. Of two that are equally good or equally new: the first, the last."""
    terms = office.units[unit].terms
    when = {}
    for each in tried:
        handed, odd = deadlines.handed_in(each.submission.written, each.submission.received_at, terms.zone)
        when[each.submission.id] = handed
        each.excused = each.student in terms.excused
        if each.excused or terms.due is None:
            continue
        each.late = deadlines.lateness(handed, terms.due_of(each.student), terms.grace, office.rules.late, spent)
        each.notes += [note for note in (each.late.words, odd) if note]
    if office.rules.attempt == "best":
        return max(tried, key=lambda each: (each.grading is not None, each.known * (1 - each.late.share)))
    if len({each.submission.student for each in tried}) == 1:
        return tried[-1]  # in the order taken in, which collect --again can change
    return max(tried, key=lambda each: (when[each.submission.id], each.submission.id))


def _spent(office: Office, records: Records, unit: str) -> Counter[str]:
    """The free days that each student has used in the units that were due before this one."""
    spent: Counter[str] = Counter()
    due = {name: (deadlines.instant(each.terms.due), name) for name, each in office.units.items() if each.terms.due}
    if office.rules.late.free and unit in due:
        for name in sorted((name for name in due if due[name] < due[unit]), key=due.get):
            for each in _standings(office, records, name, spent):
                spent[each.student] += each.late.free
    return spent


def unmatched(office: Office, records: Records, unit: str, roster: set[str]) -> tuple[list[str], list[str]]:
    """Who has handed in nothing, the excused left out; and who handed in and was given no notebook.

    Who there is says the `roster`, or else who was given a notebook; where one is for all, nobody knows.
    """
    given, terms = set().union(*records.given(unit).values()), office.units[unit].terms
    if EVERYONE in given:
        given = set()
    came = {each.student for each in records.submissions(unit)}
    there = {member for student in came for member in terms.groups.get(student, (student,))}
    return sorted((roster or given) - there - terms.excused), sorted(came - given) if given else []


# ---------------------------------------------------------------- the whole course


def course(office: Office, records: Records) -> list[list[str]]:
    """The totals of all units in which anything is graded, as rows of text: the heads first.

    Who handed in nothing has 0 there, who is excused has no unit there; the lowest shares of their points are dropped.
    """
    units, of = {}, {}
    for unit in office.units:
        stands = {each.student: each for each in standings(office, records, unit)}
        if any(each.grading is not None for each in stands.values()):
            units[unit], of[unit] = stands, max(each.of for each in stands.values())
    students = {student for unit, stands in units.items() for student in (*stands, *office.units[unit].terms.excused)}
    heads = ["student", *units, "dropped", "total", "of"]
    return [heads, *(_whole(office, student, units, of) for student in sorted(students))]


def _whole(office: Office, student: str, units: dict[str, dict[str, Standing]], of: dict[str, float]) -> list[str]:
    cells, points = [], {}
    for unit, stands in units.items():
        if student in office.units[unit].terms.excused:
            cells.append(EXCUSED)
            continue
        mine = stands.get(student)
        points[unit] = mine.total if mine else 0.0
        cells.append(number(points[unit]) if mine else "")
        of = {**of, unit: mine.of or of[unit]} if mine else of
    dropped: list[str] = []
    if None not in points.values():
        shares = sorted(points, key=lambda unit: points[unit] / of[unit] if of[unit] else 0)
        dropped = shares[:max(0, min(office.rules.drop_lowest, len(shares) - 1))]  # one stays
    kept = [unit for unit in points if unit not in dropped]
    total = None if None in points.values() else sum(points[unit] for unit in kept)
    return [student, *cells, ", ".join(sorted(dropped)), number(total), number(sum(of[unit] for unit in kept))]
