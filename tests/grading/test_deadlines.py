"""Deadlines: what lateness costs over both turns of the clock, by wrong clocks and in other timezones; and how
course.toml says it, strictly."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course.grading import office
from course.grading.deadlines import Late, Policy, handed_in, instant, lateness
from course.grading.settings import EXAMPLE, OfficeError
from tests.grading.fakes import write_kit

BERLIN, NEW_YORK, UTC = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York"), dt.UTC
TENTH, LATER = Policy(10), "2027-01-01T00:00:00+00:00"


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=UTC)


def berlin(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=BERLIN)


# ---------------------------------------------------------------- what it costs


@pytest.mark.parametrize(("due", "handed", "days"), [
    # 25 October 2026 has 25 hours in Berlin, 29 March 23
    ("2026-10-24T23:59", "2026-10-24 21:59:00", 0),  # the very second, by summer's clock
    ("2026-10-24T23:59", "2026-10-24 21:59:01", 1),
    ("2026-10-24T23:59", "2026-10-25 22:59:00", 1),  # 25 hours, one day
    ("2026-10-24T23:59", "2026-10-25 22:59:01", 2),
    ("2026-10-25T23:59", "2026-10-25 22:59:00", 0),  # by winter's
    ("2026-10-25T23:59", "2026-10-25 22:59:01", 1),
    ("2026-10-25T02:30", "2026-10-25 01:30:00", 0),  # the clock shows it twice: the second counts
    ("2026-10-25T02:30", "2026-10-25 01:30:01", 1),
    ("2026-03-28T23:59", "2026-03-29 21:59:00", 1),  # 23 hours, one day
    ("2026-03-28T23:59", "2026-03-29 21:59:01", 2),
    ("2026-03-28T02:30", "2026-03-29 01:30:00", 1),  # a day later no clock shows it: as if it did not jump
    ("2026-03-28T02:30", "2026-03-29 01:30:01", 2),
    ("2026-03-28T02:30", "2026-03-30 00:30:00", 2),
])
def test_a_day_late_ends_at_the_same_hour_over_both_turns_of_the_clock(due, handed, days):
    late = lateness(utc(handed), berlin(due), 0, TENTH)
    assert (late.days, late.share) == (days, pytest.approx(days / 10))
    assert late.by == (utc(handed) - instant(berlin(due)) if days else dt.timedelta())


def test_a_deadline_in_another_timezone_is_the_same_instant():
    due = dt.datetime(2026, 10, 25, 23, 59, tzinfo=NEW_YORK)  # summer there still, winter in Berlin
    assert instant(due) == utc("2026-10-26 03:59:00")
    assert not lateness(utc("2026-10-26 03:59:00"), due, 0, TENTH).days
    assert lateness(utc("2026-10-26 03:59:01"), due, 0, TENTH).days == 1
    assert handed_in("2026-10-26T04:59:00", LATER, BERLIN)[0] == utc("2026-10-26 03:59:00")


@pytest.mark.parametrize(("seconds", "grace", "days"), [
    (900, 15, 0), (901, 15, 1), (86400 + 900, 15, 1), (86400 + 901, 15, 2), (86400 * 3, 1440, 2), (1, 0, 1),
    (86400 * 3 + 1, 1440, 3), (-5 * 86400, 0, 0)])
def test_the_grace_counts_at_each_day_and_not_to_the_second_more(seconds, grace, days):
    due = berlin("2026-06-01T12:00")
    assert lateness(due.astimezone(UTC) + dt.timedelta(seconds=seconds), due, grace, TENTH).days == days


@given(hours=st.integers(0, 24 * 400), grace=st.integers(0, 1440), start=st.integers(0, 24 * 365))
def test_the_days_are_the_fewest_that_would_have_been_enough(hours, grace, start):
    due = (dt.datetime(2026, 1, 1) + dt.timedelta(hours=start)).replace(tzinfo=BERLIN)
    handed = instant(due) + dt.timedelta(hours=hours)
    days = lateness(handed, due, grace, TENTH).days
    patience = dt.timedelta(minutes=grace)
    assert handed <= instant(due, days) + patience
    assert not days or handed > instant(due, days - 1) + patience


@pytest.mark.parametrize(("policy", "spent", "days", "free", "share"), [
    (Policy(10), 0, 3, 0, .3), (Policy(10), 0, 30, 0, 1), (Policy(), 0, 3, 0, 0), (Policy(0), 0, 3, 0, 0),
    (Policy(25, 3), 0, 2, 2, 0), (Policy(25, 3), 2, 2, 1, .25), (Policy(25, 3), 5, 2, 0, .5),
    (Policy(100, 3), 3, 1, 0, 1)])
def test_what_a_policy_takes(policy, spent, days, free, share):
    due = berlin("2026-06-01T12:00")
    late = lateness(instant(due, days), due, 0, policy, spent)
    assert (late.days, late.free, late.share) == (days, free, pytest.approx(share))
    assert ("the LMS decides" in late.words) == (policy.percent is None)


def test_the_words_say_how_late_and_what_it_costs():
    due = berlin("2026-10-24T23:59")
    assert lateness(utc("2026-10-26 00:30:10"), due, 0, Policy(25, 1)).words == \
        "late by 1 d 2 h 32 min, 2 days begun, 1 day of the 1 free ones used: 25 % off"
    assert lateness(utc("2026-10-24 21:59:01"), due, 0, Policy()).words == "late by 1 min: the LMS decides"
    assert lateness(utc("2026-10-24 21:59:00"), due, 0, TENTH) == Late()


# ---------------------------------------------------------------- when it was handed in


@pytest.mark.parametrize(("said", "time", "odd"), [
    ("2026-10-25T02:30:00", "2026-10-25 00:30:00", ""),  # by a clock that shows it twice: the first counts
    ("2026-10-25T03:30:00", "2026-10-25 02:30:00", ""),
    ("2026-10-25T02:30:00+01:00", "2026-10-25 01:30:00", ""),
    ("2026-10-25T02:30:00+00:00", "2026-10-25 02:30:00", ""),
    ("2027-03-01T10:00:00", "2027-01-01 00:00:00", "its time, 2027-03-01 10:00:00+01:00, lies after its collection"),
    ("2027-01-01T00:00:02+00:00", "2027-01-01 00:00:00", ""),
    ("2027-01-01T00:00:03+00:00", "2027-01-01 00:00:00", "lies after its collection"),
    ("2107-12-31T23:59:58", "2027-01-01 00:00:00", "lies after its collection"),
    ("1980-01-01T00:00:00", "2027-01-01 00:00:00", "no time of its own"),
    ("1970-01-01T00:00:00+00:00", "2027-01-01 00:00:00", "no time of its own"),
    ("", "2027-01-01 00:00:00", "no time of its own"),
])
def test_no_clock_is_believed_beyond_the_collection(said, time, odd):
    handed, note = handed_in(said, LATER, BERLIN)
    assert handed == utc(time)
    assert odd in note
    assert bool(odd) == bool(note)


# ---------------------------------------------------------------- course.toml


@pytest.fixture
def made(tmp_path):
    write_kit(tmp_path / "kits", "01_small")
    return office.new_office(tmp_path / "course", tmp_path / "kits")


def opened(made, top: str, unit: str = ""):
    (made.folder / "course.toml").write_text(f'name = "x"\n{top}\n[units.01_small]\nversion = "1.0"\n{unit}\n',
                                             encoding="utf-8")
    return office.open_office(made.folder)


def test_what_a_new_course_suggests_can_be_used_as_it_stands(made):
    text = (made.folder / "course.toml").read_text(encoding="utf-8")
    assert EXAMPLE.strip() in text
    top, unit = EXAMPLE.split("# In the table of a unit")
    lines = [[line.lstrip("# ") for line in part.splitlines() if " = " in line] for part in (top, unit)]
    late = [line for line in lines[0] if line.startswith("late")]
    for one in late:
        course = opened(made, "\n".join([one, *(line for line in lines[0] if line not in late)]), "\n".join(lines[1]))
    assert (course.rules.late, course.rules.attempt, course.rules.drop_lowest) == (Policy(25, 3), "best", 1)
    terms = course.units["01_small"].terms
    assert (terms.due, terms.grace) == (dt.datetime(2026, 10, 25, 23, 59, tzinfo=BERLIN), 15)
    assert terms.due_of("ann") == dt.datetime(2026, 10, 28, 23, 59, tzinfo=BERLIN)
    assert terms.due_of("bob@x.edu") == dt.datetime(2026, 11, 2, 12, tzinfo=BERLIN)
    assert terms.due_of("eva") == terms.due
    assert terms.groups["finn"] == ("eva", "finn", "gil")
    assert terms.excused == {"hana"}


def test_a_unit_may_have_its_own_zone_grace_or_offset(made):
    top = 'timezone = "Europe/Berlin"\ngrace = 15'
    unit = 'due = 2026-10-25T23:59:00\ntimezone = "America/New_York"\ngrace = 0'
    here = opened(made, top, unit).units["01_small"].terms
    assert (instant(here.due), here.grace) == (utc("2026-10-26 03:59:00"), 0)
    assert instant(opened(made, top, "due = 2026-10-25T23:59:00-05:00").units["01_small"].terms.due) == \
        utc("2026-10-26 04:59:00")


DUE = "due = 2026-10-25T23:59:00+01:00\n"


@pytest.mark.parametrize(("top", "unit", "words"), [
    ('timezon = "Europe/Berlin"', "", "course.toml: unknown word 'timezon'; did you mean 'timezone'?"),
    ("", "deu = 2026-10-25T23:59:00", "[units.01_small]: unknown word 'deu'; did you mean 'due'?"),
    ("", "zzz = 1", "known are version, due, timezone, grace, extensions, groups, excused"),
    ('timezone = "Europe/Berln"', DUE, "unknown timezone 'Europe/Berln'; did you mean 'Europe/Berlin'?"),
    ('timezone = "../../etc/passwd"', DUE, "unknown timezone '../../etc/passwd'; expected one as Europe/Berlin"),
    ('timezone = "Europe"', DUE, "unknown timezone 'Europe'; "),
    ("", "due = 2026-10-25T23:59:00", "due needs a timezone: at the top of course.toml"),
    ("", "due = 2026-10-25", "due is 2026-10-25; expected a date with a time, as 2026-10-25T23:59:00"),
    ("", 'due = "tomorrow"', "due is tomorrow; expected a date with a time"),
    ('timezone = "Europe/Berlin"', "due = 2026-03-29T02:30:00", "due is 2026-03-29 02:30, which no clock in Europe/B"),
    ("grace = -1", "", "grace is -1; expected 0 to 1440"),
    ("grace = true", "", "grace is True; expected a whole number"),
    ("grace = 1.5", "", "grace is 1.5; expected a whole number"),
    ("drop_lowest = -1", "", "drop_lowest is -1; expected 0 to 100"),
    ('attempt = "lates"', "", "attempt is 'lates'; did you mean 'latest'?"),
    ('late = "lsm"', "", "late is 'lsm'; expected \"lms\""),
    ("late = {percnt = 10}", "", "late: unknown word 'percnt'; did you mean 'percent'?"),
    ("late = {days = 3}", "", "late: percent is missing"),
    ("late = {percent = 101}", "", "late: percent is 101; expected 0 to 100"),
    ("late = {percent = nan}", "", "late: percent is nan; expected 0 to 100"),
    ("late = {percent = 1, days = -1}", "", "late: days is -1; expected 0 to 365"),
    ("", "extensions = {ann = 3}", "nothing to extend: due is missing"),
    ("", DUE + "extensions = {ann = 0}", "the extension of 'ann' is 0; expected days, 1 to 365"),
    ("", DUE + "extensions = {ann = true}", "the extension of 'ann' is True; expected days, 1 to 365"),
    ("", DUE + "extensions = {ann = 2026-10-25T22:58:00Z}", "the extension of 'ann' ends before the unit is due"),
    ("", DUE + "extensions = {ann = 2026-10-27T22:58:00}", "the extension of 'ann' needs a timezone"),
    ("", 'groups = [["ann", "bob"], ["bob", "cem"]]', "'bob' is in groups twice"),
    ("", 'groups = [["ann", "ann"]]', "'ann' is in groups twice"),
    ("", 'groups = ["ann", "bob"]', "groups holds ann; expected a list of ids in quotes"),
    ("", "excused = [7]", "excused is [7]; expected a list of ids in quotes"),
    ("", 'excused = "ann"', "excused is ann; expected a list, in [ ]"),
])
def test_every_mistake_in_course_toml_is_one_line_that_says_where(made, top, unit, words):
    with pytest.raises(OfficeError) as told:
        opened(made, top, unit)
    assert words in str(told.value)
    assert "\n" not in str(told.value)
    assert str(told.value).startswith(str(made.folder / "course.toml"))
