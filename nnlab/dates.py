"""Dates as people write them and as ISO 8601 does, "Sunday, May 3, 1998" -> "1998-05-03": a translation small enough to
be learned in a minute, where everybody can tell which characters of the one become which of the other.

English only. What could be read in two ways is decided: in a date of numbers the largest unit comes first or last, so
03/05/98 is the 3rd of May, never the 5th of March; the years 69 to 99 are 19.. and 00 to 68 are 20.., as in POSIX.
"""

from datetime import date

import numpy as np

from nnlab.rng import as_rng
from nnlab.text import Vocabulary

MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
          "December")
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
FORMATS = (  # the 3rd of May 1998 is written
    "{d} {Month} {yyyy}",             # 3 May 1998
    "{d} {Mon} {yyyy}",               # 3 May 1998; in September 3 Sep 1998
    "{d} {mon} {yy}",                 # 3 may 98
    "{dd}-{MON}-{yyyy}",              # 03-MAY-1998
    "{dth} of {Month} {yyyy}",        # 3rd of May 1998
    "the {dth} of {month}, {yyyy}",   # the 3rd of may, 1998
    "{Month} {d}, {yyyy}",            # May 3, 1998
    "{MON} {d} {yyyy}",               # MAY 3 1998
    "{month} the {dth} {yyyy}",       # may the 3rd 1998
    "{Weekday}, {Month} {d}, {yyyy}",  # Sunday, May 3, 1998
    "{Wkd} {d} {Mon} {yyyy}",         # Sun 3 May 1998
    "{dd}/{mm}/{yy}",                 # 03/05/98
    "{d}/{m}/{yyyy}",                 # 3/5/1998
    "{d}.{m}.{yy}",                   # 3.5.98
    "{yyyy}.{mm}.{dd}",               # 1998.05.03
    "{yyyy}/{m}/{d}",                 # 1998/5/3
    "{yyyy} {Mon} {dd}",              # 1998 May 03
    "{yyyy}{mm}{dd}",                 # 19980503
)
FIRST, LAST = date(1970, 1, 1), date(2029, 12, 31)  # the days that are drawn
PARTS = {"train": range(8), "validation": (8,), "test": (9,)}  # by the last digit of the day's running number

WRITTEN = Vocabulary("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ,./-")
ISO = Vocabulary("0123456789-")


def write(day, format):
    """A `datetime.date` in one of FORMATS or another made of the same fields. ValueError for a field that is none.

    >>> write(date(1998, 5, 3), "{Weekday}, the {dth} of {Month} {yy}")
    'Sunday, the 3rd of May 98'
    """
    return _fill(format, _fields(day))


def units(day, format):
    """`write(day, format)` with Y, M, D, W in place of the characters that tell year, month, day, and day of the week.

    It says what a translator should look at, and so whether attention found it; no model is ever shown this.

    >>> units(date(1998, 5, 3), "{Month} {d}, {yyyy}")
    'MMM D, YYYY'
    """
    return _fill(format, {name: name[0].upper() * len(text) for name, text in _fields(day).items()})


def _fields(day):
    month, weekday, d = MONTHS[day.month - 1], WEEKDAYS[day.weekday()], str(day.day)
    ending = "th" if day.day in (11, 12, 13) else {"1": "st", "2": "nd", "3": "rd"}.get(d[-1], "th")
    return {"d": d, "dd": d.zfill(2), "dth": d + ending, "m": str(day.month), "mm": f"{day.month:02}",
            "Month": month, "month": month.lower(),
            "Mon": month[:3], "mon": month[:3].lower(), "MON": month[:3].upper(),
            "yy": f"{day.year % 100:02}", "yyyy": str(day.year), "Weekday": weekday, "Wkd": weekday[:3]}


def _fill(format, fields):
    try:
        return format.format(**fields)
    except (KeyError, IndexError):
        raise ValueError(f"a format is made of {', '.join(f'{{{name}}}' for name in fields)} and what stands between "
                         f"them; got {format!r}.") from None


def sample(n, part="train", *, formats=FORMATS, noise=0.0, rng=None):
    """n random days, each in a random one of `formats`: (written, iso), two lists of n strings.

    part: "train" (8 of 10 days), "validation" or "test" (1 of 10 each); the parts share no day, whatever the seeds.
    formats: a list of formats as `write` takes them, or one. noise: the share of letters that are mistyped; digits
        never are, or the day would be lost.
    Raises ValueError for n below 1, an unknown part, no format or one with unknown fields, and noise outside 0 ... 1.

    >>> sample(2, rng=0)
    (['Thursday, January 14, 2021', '21st of March 2008'], ['2021-01-14', '2008-03-21'])
    """
    if n != int(n) or n < 1:
        raise ValueError(f"sample: n counts dates, at least 1; got {n!r}.")
    if part not in PARTS:
        raise ValueError(f"part is {', '.join(map(repr, PARTS))}; got {part!r}.")
    if not 0 <= noise <= 1:
        raise ValueError(f"noise is a share of letters, from 0 to 1; got {noise!r}.")
    formats, rng = [formats] if isinstance(formats, str) else list(formats), as_rng(rng)
    if not formats:
        raise ValueError("formats is empty: at least one is needed.")
    days = np.arange(FIRST.toordinal(), LAST.toordinal() + 1)
    days = rng.choice(days[np.isin(days % 10, PARTS[part])], int(n))
    days = [date.fromordinal(day) for day in days.tolist()]
    written = [write(day, formats[k]) for day, k in zip(days, rng.integers(len(formats), size=len(days)))]
    if noise:
        written = ["".join([_mistyped(c, rng) if rng.random() < noise else c for c in text]) for text in written]
    return written, [day.isoformat() for day in days]


def _mistyped(c, rng):
    """Another letter in place of an English letter; anything else stays."""
    if not (c.isascii() and c.isalpha()):
        return c
    a = ord("A" if c.isupper() else "a")
    return chr(a + (ord(c) - a + int(rng.integers(1, 26))) % 26)
