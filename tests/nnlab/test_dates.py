"""Dates and the vocabulary: what is written is what was meant, no day is in two parts, nothing is lost in numbers."""

from datetime import date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnlab import dates, manual_seed
from nnlab.text import Vocabulary

THIRD_OF_MAY = date(1998, 5, 3)
EVERY_DAY = [date.fromordinal(k) for k in range(dates.FIRST.toordinal(), dates.LAST.toordinal() + 1)]


# How a day is written ------------------------------------------------------------------------------------------------
def test_the_formats_are_those_that_their_comments_show():
    assert [dates.write(THIRD_OF_MAY, f) for f in dates.FORMATS] == [
        "3 May 1998", "3 May 1998", "3 may 98", "03-MAY-1998", "3rd of May 1998", "the 3rd of may, 1998", "May 3, 1998",
        "MAY 3 1998", "may the 3rd 1998", "Sunday, May 3, 1998", "Sun 3 May 1998", "03/05/98", "3/5/1998", "3.5.98",
        "1998.05.03", "1998/5/3", "1998 May 03", "19980503"]
    assert len(set(dates.FORMATS)) == 18


@pytest.mark.parametrize(("ours", "python"), [
    ("{dd}/{mm}/{yy}", "%d/%m/%y"), ("{Weekday}, {Month} {dd}, {yyyy}", "%A, %B %d, %Y"),
    ("{Wkd} {dd} {Mon} {yyyy}", "%a %d %b %Y"), ("{yyyy}{mm}{dd}", "%Y%m%d"), ("{mon} {dd} {yy}", "%b %d %y"),
    ("{MON} {dd} {yy}", "%b %d %y"), ("{month}/{d}/{yyyy}", "%B/%d/%Y"), ("{d}.{m}.{yy}", "%d.%m.%y"),
])
def test_python_reads_every_day_as_it_was_meant(ours, python):
    """strptime knows English names, and years of two digits by the rule of POSIX, as stated."""
    for day in EVERY_DAY[::13]:
        assert datetime.strptime(dates.write(day, ours), python).date() == day


@pytest.mark.parametrize(("d", "written"), [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (10, "10th"), (11, "11th"),
                                            (12, "12th"), (13, "13th"), (20, "20th"), (21, "21st"), (22, "22nd"),
                                            (23, "23rd"), (30, "30th"), (31, "31st")])
def test_ordinals(d, written):
    assert dates.write(date(2020, 1, d), "{dth}") == written


def test_a_written_date_means_one_day_whatever_the_format():
    meant = {}
    for day in EVERY_DAY:
        if day.year in (1970, 1998, 2001, 2012, 2029):  # years whose digits could be days or months
            for format in dates.FORMATS:
                assert meant.setdefault(dates.write(day, format), day) == day


def test_the_units_stand_where_the_characters_do():
    assert dates.units(THIRD_OF_MAY, "{Weekday}, {Month} {d}, {yyyy}") == "WWWWWW, MMM D, YYYY"
    assert dates.units(THIRD_OF_MAY, "the {dth} of {month}, {yy}") == "the DDD of MMM, YY"
    for format in dates.FORMATS:
        written, units = dates.write(date(2010, 9, 30), format), dates.units(date(2010, 9, 30), format)
        assert len(written) == len(units)
        assert all(a == b for a, b in zip(written, units) if b not in "YMDW")
        assert {"Y", "M", "D"} <= set(units)


@pytest.mark.parametrize("format", ["{year}", "{}", "{0}"])
def test_a_format_with_a_field_that_is_none(format):
    with pytest.raises(ValueError, match=r"a format is made of \{d\}, \{dd\}, .*; got '\{"):
        dates.write(THIRD_OF_MAY, format)


# Samples -------------------------------------------------------------------------------------------------------------
def test_the_parts_share_no_day_whatever_the_seeds_and_hold_eight_one_and_one_of_ten():
    drawn = {part: set(dates.sample(20000, part, rng=seed)[1]) for seed, part in enumerate(dates.PARTS)}
    assert not drawn["train"] & (drawn["validation"] | drawn["test"])
    assert not drawn["validation"] & drawn["test"]
    share = len(EVERY_DAY) / 10
    assert {part: round(len(days) / share) for part, days in drawn.items()} == {"train": 5, "validation": 1, "test": 1}
    assert len(drawn["test"]) == pytest.approx(share, abs=2)  # 20,000 draws of 2,191 days: nearly all of them come


def test_days_formats_and_units_of_time_are_drawn_evenly():
    written, iso = dates.sample(18000, rng=0)
    assert iso[:50] != sorted(iso[:50])
    slashes = sum(text.count("/") == 2 and len(text) == 8 for text in written)
    assert 900 < slashes < 1600  # dd/mm/yy, and those of d/m/yyyy and yyyy/m/d that are as long: 1 to 2 of 18 formats
    for cut in (slice(0, 4), slice(5, 7)):
        counts = np.unique([day[cut] for day in iso], return_counts=True)[1]
        assert len(counts) in (60, 12)
        assert counts.min() > 0.7 * counts.mean()
    assert min(iso) < "1970-02"
    assert max(iso) > "2029-11"


def test_a_seed_gives_the_same_dates_again():
    assert dates.sample(20, rng=3) == dates.sample(20, rng=3) != dates.sample(20, rng=4)
    manual_seed(3)
    a = dates.sample(20)
    manual_seed(3)
    assert a == dates.sample(20)


def test_chosen_formats_only():
    written, iso = dates.sample(50, formats=["{yyyy}-{mm}-{dd}"], rng=0)
    assert written == iso
    assert dates.sample(50, formats="{yyyy}-{mm}-{dd}", rng=0) == (written, iso)


def test_noise_mistypes_that_share_of_the_letters_and_no_digit():
    (clean, iso), (noisy, same) = (dates.sample(3000, formats="{Weekday} {d} {MON} {yyyy}", noise=p, rng=7)
                                   for p in (0.0, 0.25))
    assert same == iso
    pairs = [(a, b) for text, noise in zip(clean, noisy) for a, b in zip(text, noise)]
    assert sum(map(len, clean)) == len(pairs) == sum(map(len, noisy))
    assert all(a == b for a, b in pairs if not a.isalpha())
    assert all((a.isupper(), a.islower()) == (b.isupper(), b.islower()) for a, b in pairs)
    letters = [a != b for a, b in pairs if a.isalpha()]
    assert np.mean(letters) == pytest.approx(0.25, abs=0.01)
    everything, _ = dates.sample(200, formats="{month}", noise=1.0, rng=7)
    assert all(a != b for text, noise in zip(dates.sample(200, formats="{month}", rng=7)[0], everything)
               for a, b in zip(text, noise))


@pytest.mark.parametrize(("options", "told"), [
    ({"n": 0}, "n counts dates, at least 1; got 0"), ({"n": 2.5}, "got 2.5"),
    ({"part": "valid"}, "'test'; got 'valid'"),
    ({"noise": 1.5}, "from 0 to 1; got 1.5"), ({"noise": float("nan")}, "from 0 to 1; got nan"),
    ({"formats": []}, "formats is empty"), ({"formats": ["{day}"]}, "got '{day}'"),
])
def test_samples_that_cannot_be(options, told):
    with pytest.raises(ValueError, match=told):
        dates.sample(**{"n": 3} | options)


# The vocabulary ------------------------------------------------------------------------------------------------------
def test_every_date_has_numbers_and_comes_back():
    for format in dates.FORMATS:
        written = [dates.write(day, format) for day in EVERY_DAY[::97]]
        assert dates.WRITTEN.decode(dates.WRITTEN.encode(written)) == written
    iso = [day.isoformat() for day in EVERY_DAY[::97]]
    ids = dates.ISO.encode(iso, marks=True)
    assert ids.shape == (len(iso), 12)
    assert dates.ISO.decode(ids) == iso


@given(texts=st.lists(st.text("xyz -"), max_size=6), marks=st.booleans(), room=st.integers(0, 3))
def test_decoding_undoes_encoding(texts, marks, room):
    vocabulary = Vocabulary("zyx- ")
    ids = vocabulary.encode(texts, max(map(len, texts), default=0) + 2 * marks + room, marks=marks)
    assert ids.dtype == np.int64
    assert ids.ndim == 2
    assert ((ids != vocabulary.pad).sum(1) == [len(text) + 2 * marks for text in texts]).all()
    assert vocabulary.decode(ids) == texts


def test_numbers_follow_the_alphabet_and_come_after_the_marks():
    vocabulary = Vocabulary(["ba", "c"])
    assert (len(vocabulary), repr(vocabulary)) == (6, "Vocabulary('abc')")
    assert vocabulary.encode("cab").tolist() == [5, 3, 4]
    assert vocabulary.encode("cab", 5, marks=True).tolist() == [1, 5, 3, 4, 2]
    assert vocabulary.encode(["cab", ""], 4).tolist() == [[5, 3, 4, 0], [0, 0, 0, 0]]
    assert vocabulary.decode(np.array([1, 4, 0, 3, 2, 5])) == "ba"  # what comes after the end is not read
    assert vocabulary.encode([]).shape == (0, 0)
    assert vocabulary.decode([]) == ""


def test_a_character_outside_the_vocabulary_is_named_with_its_place():
    with pytest.raises(ValueError, match=r"'ä' at position 1 of 'März 3' is not in the vocabulary, which has '.*ABC"):
        dates.WRITTEN.encode(["3 May", "März 3"])


@pytest.mark.parametrize(("marks", "told"), [(False, "takes 5 places, more than length=4"),
                                             (True, "takes 7 places with its marks, more than length=4")])
def test_a_text_is_never_cut(marks, told):
    with pytest.raises(ValueError, match=told):
        dates.WRITTEN.encode(["3", "3 May"], 4, marks=marks)


def test_what_cannot_be_decoded():
    with pytest.raises(ValueError, match=r"are 0 ... 13; got -1 to 3"):
        dates.ISO.decode([3, -1])
    with pytest.raises(ValueError, match=r"are 0 ... 13; got 3 to 14"):
        dates.ISO.decode([[3, 14]])
    with pytest.raises(TypeError, match="whole numbers; got float64"):
        dates.ISO.decode([3.0])
    with pytest.raises(ValueError, match="at least one character"):
        Vocabulary("")


def test_every_day_is_in_exactly_one_part():
    share = {part: [k for k in range(10) if k in last] for part, last in dates.PARTS.items()}
    assert sorted(k for ks in share.values() for k in ks) == list(range(10))
    assert EVERY_DAY[-1] - EVERY_DAY[0] == timedelta(len(EVERY_DAY) - 1)
