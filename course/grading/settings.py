"""What course.toml says of deadlines, groups and attempts, read strictly: every mistake is one line that says where.

A word that is not known is an error that names the nearest one that is; so is a time that no clock shows.
"""

from __future__ import annotations

import datetime as dt
import difflib
import zoneinfo
from dataclasses import dataclass, field

from course.grading import deadlines
from course.grading.deadlines import Policy
from course.grading.kit import nearest

COURSE = {"timezone": str, "grace": int, "late": (str, dict), "attempt": str, "drop_lowest": int,
          "markers": list}
UNIT = {"due": dt.datetime, "timezone": str, "grace": int, "extensions": dict, "groups": list, "excused": list}
_KINDS = {str: "text, in quotes", int: "a whole number", float: "a number", dict: "a table", list: "a list, in [ ]",
          dt.datetime: "a date with a time, as 2026-10-25T23:59:00"}
EXAMPLE = """
# timezone = "Europe/Berlin"            # of every time here that has none of its own
# late = "lms"                          # record how late, and leave the rest to the LMS; or, of a day that has begun:
# late = {percent = 10}                 # each costs 10 % of what was reached
# late = {days = 3, percent = 25}       # three a student in the whole course cost nothing, each more 25 %
# grace = 15                            # minutes that do not count
# attempt = "best"                      # or "latest"
# drop_lowest = 1                       # units, in: nnlab grades all
# markers = ["maria", "tom"]            # who share out what people mark, in: nnlab mark
# In the table of a unit, with the students' ids as nnlab grades names them:
# due = 2026-10-25T23:59:00
# extensions = {ann = 3, "bob@x.edu" = 2026-11-02T12:00:00}    # days, or another time
# groups = [["cem", "dora"], ["eva", "finn", "gil"]]           # one hand-in, a row for each
# excused = ["hana"]
"""


class OfficeError(Exception):
    """The course folder is not as it must be, in one line that says how to mend it."""


@dataclass(frozen=True)
class Terms:
    """The deadline of one unit and who is treated otherwise. Without `due` nothing is late."""

    zone: dt.tzinfo = dt.UTC
    due: dt.datetime | None = None
    grace: int = 0
    extensions: dict[str, int | dt.datetime] = field(default_factory=dict)
    groups: dict[str, tuple[str, ...]] = field(default_factory=dict)  # by student, all of the group
    excused: frozenset[str] = frozenset()

    def due_of(self, student: str) -> dt.datetime | None:
        """One student's own deadline."""
        more = self.extensions.get(student, 0)
        return more if isinstance(more, dt.datetime) else self.due and self.due + dt.timedelta(days=more)


@dataclass(frozen=True)
class Rules:
    """What holds for the whole course."""

    late: Policy = field(default_factory=Policy)
    attempt: str = "latest"
    drop_lowest: int = 0
    markers: tuple[str, ...] = ()


# ---------------------------------------------------------------- reading


def shape(table: dict, needed: dict[str, type], more: dict[str, type | tuple], where: str) -> None:
    """Refuse a table with a word that is not known, of the wrong kind, or missing."""
    known = {**needed, **more}
    for key, value in table.items():
        if key not in known:
            raise OfficeError(f"{where}: unknown word {key!r}{nearest(key, list(known))}")
        kinds = known[key] if isinstance(known[key], tuple) else (known[key],)
        if not isinstance(value, kinds) or isinstance(value, bool):
            raise OfficeError(f"{where}: {key} is {value}; expected {' or '.join(_KINDS[kind] for kind in kinds)}")
    if missing := [key for key in needed if key not in table]:
        raise OfficeError(f"{where}: {' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing")


def rules(about: dict, where: str) -> Rules:
    """The rules of the course from the top of course.toml, whose words are of the right kind."""
    attempt, late = about.get("attempt", "latest"), about.get("late", "lms")
    if attempt not in ("latest", "best"):
        raise OfficeError(f"{where}: attempt is {attempt!r}{nearest(attempt, ['latest', 'best'])}")
    if isinstance(late, str):
        if late != "lms":
            raise OfficeError(f'{where}: late is {late!r}; expected "lms", {{percent = 10}} or '
                              "{days = 3, percent = 25}")
        policy = Policy()
    else:
        shape(late, {"percent": (int, float)}, {"days": int}, f"{where}, late")
        policy = Policy(_within(late, "percent", 0, 100, f"{where}, late"),
                        _within(late, "days", 0, 365, f"{where}, late"))
    markers = tuple(_ids(about.get("markers", []), "markers is", where))
    if len(set(markers)) < len(markers):
        raise OfficeError(f"{where}: markers names somebody twice")
    return Rules(policy, attempt, _within(about, "drop_lowest", 0, 100, where), markers)


def terms(table: dict, about: dict, where: str) -> Terms:
    """The terms of a unit from its table; `about` is the whole of course.toml."""
    name = table.get("timezone", about.get("timezone", ""))
    zone = _zone(name, where) if name else None
    due = _time(table["due"], zone, "due", where) if "due" in table else None
    extensions = {student: _extension(student, more, due, zone, where)
                  for student, more in table.get("extensions", {}).items()}
    groups: dict[str, tuple[str, ...]] = {}
    for group in table.get("groups", []):
        for student in (together := tuple(_ids(group, "groups holds", where))):
            if student in groups or together.count(student) > 1:
                raise OfficeError(f"{where}: {student!r} is in groups twice")
            groups[student] = together
    excused = frozenset(_ids(table.get("excused", []), "excused is", where))
    grace = _within(table if "grace" in table else about, "grace", 0, 1440, where)
    return Terms(zone or dt.UTC, due, grace, extensions, groups, excused)


def _within(table: dict, key: str, low: int, high: int, where: str) -> float:
    value = table.get(key, 0)
    if not low <= value <= high:
        raise OfficeError(f"{where}: {key} is {value}; expected {low} to {high}")
    return value


def _zone(name: str, where: str) -> zoneinfo.ZoneInfo:
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        near = difflib.get_close_matches(name, sorted(zoneinfo.available_timezones()), 1)
        hint = f"did you mean {near[0]!r}?" if near else "expected one as Europe/Berlin"
        raise OfficeError(f"{where}: unknown timezone {name!r}; {hint}") from None


def _time(time: dt.datetime, zone: dt.tzinfo | None, what: str, where: str) -> dt.datetime:
    if time.tzinfo is not None:
        return time
    if zone is None:
        raise OfficeError(f"{where}: {what} needs a timezone: at the top of course.toml, "
                          'timezone = "Europe/Berlin"')
    if not deadlines.exists(time := time.replace(tzinfo=zone)):
        raise OfficeError(f"{where}: {what} is {time:%Y-%m-%d %H:%M}, which no clock in {zone} shows: it jumps over "
                          "that hour")
    return time


def _extension(student: str, more: object, due: dt.datetime | None, zone: dt.tzinfo | None,
               where: str) -> int | dt.datetime:
    what = f"the extension of {student!r}"
    if due is None:
        raise OfficeError(f"{where}: there are extensions, but nothing to extend: due is missing")
    if isinstance(more, dt.datetime):
        time = _time(more, zone, what, where)
        if deadlines.instant(time) < deadlines.instant(due):
            raise OfficeError(f"{where}: {what} ends before the unit is due")
        return time
    if not isinstance(more, int) or isinstance(more, bool) or not 0 < more <= 365:
        raise OfficeError(f"{where}: {what} is {more}; expected days, 1 to 365, or {_KINDS[dt.datetime]}")
    return more


def _ids(value: object, what: str, where: str) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(each, str) and each for each in value):
        raise OfficeError(f'{where}: {what} {value}; expected a list of ids in quotes, as ["ann", "007"]')
    return value
