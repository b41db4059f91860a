"""From the time of a hand-in to what it costs: how late it is, the share that is taken off, and the words for both.

Pure: no clock, no files. What is compared is the instant; what is counted is the wall clock of the deadline, so that a
day late ends at the same hour also where a day has 23 or 25. Where a clock can be read in two ways, the student's.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

UTC = dt.UTC
_SLACK = dt.timedelta(seconds=2)  # a zip keeps even seconds only, and some programs round up
_OLDEST = dt.datetime(2000, 1, 1, tzinfo=UTC)  # what claims to be older has no time: zips without one say 1980


@dataclass(frozen=True)
class Policy:
    """What a day late costs. `percent` None: lateness is recorded, and subtracting is left to the LMS."""

    percent: float | None = None
    free: int = 0  # days of one student in the whole course that cost nothing


@dataclass(frozen=True)
class Late:
    """How late one hand-in is for one student."""

    by: dt.timedelta = dt.timedelta()  # 0 in time, and within the grace
    days: int = 0  # begun
    free: int = 0  # of these, paid from the student's free days
    share: float = 0.0  # of the raw points, taken off
    words: str = ""


def handed_in(said: str, collected: str, zone: dt.tzinfo) -> tuple[dt.datetime, str]:
    """When a file was handed in, and what is odd about its time.

    `said` is what its source says, in ISO form: with an offset, by the clock of `zone`, or nothing. No clock is
    believed beyond `collected`, when it was taken in.
    """
    limit = dt.datetime.fromisoformat(collected).astimezone(UTC)
    time = dt.datetime.fromisoformat(said) if said else _OLDEST
    time = min(_readings(time.replace(tzinfo=zone))) if time.tzinfo is None else time.astimezone(UTC)
    if time <= _OLDEST:
        return limit, "its file has no time of its own: the time of collection counts"
    if time > limit:
        odd = f"its time, {_clock(time, zone)}, lies after its collection, {_clock(limit, zone)}, which counts"
        return limit, odd if time > limit + _SLACK else ""
    return time, ""


def exists(wall: dt.datetime) -> bool:
    """Whether the clock of its zone ever shows this time; it jumps over an hour in spring."""
    return any(each.astimezone(wall.tzinfo).replace(tzinfo=None) == wall.replace(tzinfo=None)
               for each in _readings(wall))


def instant(wall: dt.datetime, days: int = 0) -> dt.datetime:
    """The deadline, or the same hour some days later; the later instant where the clock shows it twice."""
    return max(_readings(wall + dt.timedelta(days=days)))


def lateness(handed: dt.datetime, due: dt.datetime, grace: int, policy: Policy, spent: int = 0) -> Late:
    """What a hand-in at `handed` costs; `spent` free days are used up by earlier units. `grace` is in minutes."""
    patience = dt.timedelta(minutes=grace)
    by = handed - instant(due)
    days = max(0, by.days - 1)  # never too many: a day of the clock has 25 hours at most
    while handed > instant(due, days) + patience:
        days += 1
    if not days:
        return Late()
    said = f"late by {_span(by)}"
    if policy.percent is None:
        return Late(by, days, words=f"{said}: the LMS decides")
    free = min(days, max(0, policy.free - spent))
    share = min(1.0, (days - free) * policy.percent / 100)
    paid = f", {_days(free)} of the {policy.free} free ones used" if policy.free else ""
    return Late(by, days, free, share, f"{said}, {_days(days)} begun{paid}: {100 * share:.4g} % off")


def _readings(wall: dt.datetime) -> list[dt.datetime]:
    """The instants at which a clock shows this: two in autumn's hour, and around spring's gap either side of it."""
    return [wall.replace(fold=fold).astimezone(UTC) for fold in (0, 1)]


def _span(by: dt.timedelta) -> str:
    minutes = -(-int(by.total_seconds()) // 60)  # begun
    parts = [(minutes // 1440, "d"), (minutes // 60 % 24, "h"), (minutes % 60, "min")]
    return " ".join(f"{number} {unit}" for number, unit in parts if number)


def _days(number: int) -> str:
    return f"{number} day{'' if number == 1 else 's'}"


def _clock(time: dt.datetime, zone: dt.tzinfo) -> str:
    return time.astimezone(zone).isoformat(" ", "seconds")
