"""The syllabus: its numbers are the lessons' and the units' own, its sums add up, nothing is left out, no link is dead.

The page is written by hand; here its tables are read, and each number in them, but for the seconds that were measured,
is computed once more from what it is said to come from.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from course.check import exercises_of
from course.grading.kit import MOST_LIBRARY
from course.labs.style import DARK, LIGHT
from course.overview import questions

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "course" / "syllabus.md"
TEXT = PAGE.read_text(encoding="utf-8")
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
FOLDERS = sorted((ROOT / "course" / "units").glob("[0-9]*_*"))
LESSONS = [path for path in NOTEBOOKS if path.stem[:2] in {folder.name[:2] for folder in FOLDERS}]
UNITS = {int(file.parent.name[:2]): tomllib.loads(file.read_text(encoding="utf-8"))
         for file in sorted((ROOT / "course" / "units").glob("*/unit.toml"))}
WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


@cache
def cells(lesson: int) -> list[str]:
    return ["".join(cell["source"]) for cell in json.loads(LESSONS[lesson].read_text(encoding="utf-8"))["cells"]]


MINUTES = [int(re.search(r"\*About (\d+) minutes", cells(n)[0])[1]) for n in range(len(LESSONS))]
ALONE = {n: unit["minutes"]["alone"] for n, unit in UNITS.items()}


def table(heading: str) -> tuple[list[list[str]], list[str]]:
    """(the rows of the first table under a heading, its row "together" if it has one), without the bold."""
    below = TEXT.split(f"\n## {heading}\n")[1].split("\n## ")[0].replace("**", "")
    lines = re.search(r"(?:^\|.*\n)+", below, re.M)[0].splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]
    last = next((row for row in rows if any(cell.startswith("together") for cell in row)), [])
    return [row for row in rows if row is not last], last


def total(column: list[str]) -> int:
    return sum(int(cell) for cell in column if cell)


def points(unit: dict, **only: str) -> int:
    return sum(each["points"] for each in unit["exercise"] if {"marked": "judge", **each}.items() >= only.items())


def test_every_lesson_and_every_unit_has_its_row():
    rows, last = table("What there is")
    assert [int(row[0]) for row in rows] == list(range(len(LESSONS))) == [int(each.name[:2]) for each in FOLDERS]
    for n, (_, lesson, minutes, alone, *marks) in enumerate(rows):
        title, target = re.fullmatch(r"\[(.+)\]\((.+)\)", lesson).groups()
        assert (PAGE.parent / target).resolve() == LESSONS[n]
        assert re.match(r"# (?:\d · )?(.+)", cells(n)[0])[1] == title
        assert int(minutes) == MINUTES[n]
        if n not in UNITS:
            assert [alone, *marks] == ["none", "", "", ""]
            continue
        assert UNITS[n]["minutes"]["class"] == MINUTES[n]
        assert alone == f"[{ALONE[n]}](units/{FOLDERS[n].name}/unit.toml)"
        assert sum(each["minutes"] for each in UNITS[n]["exercise"]) == ALONE[n]
        assert list(map(int, marks)) == [points(UNITS[n], **only)
                                         for only in ({}, {"marked": "judge"}, {"marked": "people"})]
    assert last[2:] == [str(sum(MINUTES)), str(sum(ALONE.values())),
                        *(str(total([row[i] for row in rows])) for i in (4, 5, 6))]


def test_the_playground_is_no_lesson_and_is_named():
    [playground] = set(NOTEBOOKS) - set(LESSONS)
    assert f"(../notebooks/{playground.name})" in TEXT
    opening = "".join(json.loads(playground.read_text(encoding="utf-8"))["cells"][0]["source"])
    minutes = re.search(r"\*About (\d+) minutes", opening)[1]
    assert f"About {minutes} minutes of [the playground]" in TEXT


def test_every_lesson_has_objectives():
    rows, _ = table("What students learn")
    assert [int(row[0]) for row in rows] == list(range(len(LESSONS)))
    assert all(all(row[1:3]) for row in rows)


def asked(text: str) -> Counter:
    """What a cell of a plan names, with its minutes: ("lesson", 3): 60, ..."""
    found = Counter()
    for kind, n, minutes in re.findall(r"(lesson|assignment) (\d)[^|()]*\((\d+)[^)]*\)", text):
        found[kind, int(n)] += int(minutes)
    return found


WHOLE = {**{("lesson", n): minutes for n, minutes in enumerate(MINUTES)},
         **{("assignment", n): minutes for n, minutes in ALONE.items()}}


def test_the_term_holds_everything_and_its_sums_are_right():
    rows, last = table("A term of 14 weeks")
    assert [int(row[0]) for row in rows] == list(range(1, 15))
    started = 0
    for _, lesson, here, work, alone in rows:
        if goes_on := re.search(r"assignment (\d) goes on", work):
            assert int(goes_on[1]) == started
        started = max([started, *(n for _, n in asked(work))])
        assert total([here]) == sum(asked(lesson).values())
        assert total([alone]) == sum(asked(work).values())
    assert sum((asked(f"{row[1]} | {row[3]}") for row in rows), Counter()) == WHOLE
    assert [last[2], last[4]] == [str(total([row[i] for row in rows])) for i in (2, 4)]


def test_the_sections_it_names_are_there_and_a_cut_leaves_nothing_out():
    headings = set(re.findall(r"^## (\d\.\d+) ", "\n".join("\n".join(cells(n)) for n in range(len(LESSONS))), re.M))
    plan = TEXT.split("\n## A term of 14 weeks\n")[1].split("\n## ")[0]
    assert set(re.findall(r"\b\d\.\d+\b", plan)) <= headings
    cuts = re.findall(r"\bto (\d)\.(\d)[\s\S]+?\bfrom (\d)\.(\d)", plan.replace("3.1 to 3.3", ""))
    assert [(a, int(b) + 1) for a, b, _, _ in cuts] == [(c, int(d)) for _, _, c, d in cuts]
    assert [a for a, *_ in cuts] == ["3", "9"]


def test_lesson_3_is_halved_as_its_instructors_page_says():
    page = (FOLDERS[3] / "private" / "instructor.md").read_text(encoding="utf-8")
    parts = list(map(int, re.findall(r"\b(\d+) (?:nudging|the graph|a layer|the four beats|lab 3e)", page)))
    halves = [asked(row[1])["lesson", 3] for row in table("A term of 14 weeks")[0] if asked(row[1])["lesson", 3]]
    assert halves == [sum(parts[:3]), sum(parts[3:])]
    assert sum(halves) == MINUTES[3]


def test_the_school_holds_everything_and_its_sums_are_right():
    rows, last = table("A school of 5 days")
    assert [int(row[0]) for row in rows] == [1, 2, 3, 4, 5]
    for _, *halves, minutes in rows:
        assert int(minutes) == sum(asked(" | ".join(halves)).values())
    before = asked(TEXT.split("\n## A school of 5 days\n")[1].split("\n|")[0].replace("Lesson", "lesson"))
    assert sum((asked(f"{row[1]} | {row[2]}") for row in rows), before) == WHOLE  # and what is done at home
    assert int(last[-1]) == total([row[-1] for row in rows])


def test_the_way_alone_holds_everything_and_its_hours_add_up():
    rows, _ = table("Alone")
    so_far, steps = 0, Counter()
    assert [int(row[0]) for row in rows] == list(range(len(LESSONS)))
    for _, todo, minutes, clock in rows:
        assert int(minutes) == sum(asked(todo).values())
        so_far += int(minutes)
        steps += asked(todo)
        assert clock == f"{so_far // 60}:{so_far % 60:02}"
    assert steps == WHOLE
    weeks = -(-so_far // (4 * 60))
    assert f"At four hours a week, {WORDS[weeks]} weeks." in TEXT


def referred(n: int) -> set[int]:
    """The earlier lessons that a lesson's main line refers to."""
    found = set()
    for first, to in re.findall(r"[Ll]essons? (\d)(?: to (\d))?", "\n".join(cells(n)).split("\n## Dig deeper")[0]):
        found |= set(range(int(first), int(to or first) + 1))
    return {lesson for lesson in found if lesson < n}


def test_what_each_lesson_needs():
    rows, _ = table("What each lesson needs")
    assert [int(row[0]) for row in rows] == list(range(len(LESSONS)))
    ask = questions()
    for (number, before, predictions, practice, seconds), folder in zip(rows, FOLDERS, strict=True):
        labs = ask[number]
        barred = sum(not lab.question.skippable for lab in labs)
        assert predictions == f"{len(labs)} ({barred})"
        assert re.findall(r"`(\w+)`", practice) == list(exercises_of(folder.name))
        assert referred(int(number)) <= set(map(int, re.findall(r"\d", before))) <= set(range(int(number)))
        assert re.fullmatch(r"\d+ s", seconds)


def test_points_by_kind():
    rows, last = table("Grading")
    kinds = ("library", "bug", "predict", "rule", "design")
    assert [int(row[0]) for row in rows] == list(UNITS)
    for (_, *cells_, whole), unit in zip(rows, UNITS.values(), strict=True):
        assert list(map(int, cells_)) == [points(unit, kind=kind) for kind in kinds]
        assert f"Every unit has {whole} points" in TEXT
        assert int(whole) == points(unit)
    assert last[1:] == [str(total([row[i] for row in rows])) for i in range(1, 7)]
    assert f"never more than {MOST_LIBRARY:.0%}".replace("%", " %") in TEXT
    help_ = [row[0] for row in table("Which help is allowed")[0]]
    assert help_ == ["practice", *kinds]


def test_the_question_banks_are_as_large_as_the_term_says():
    assert "a bank of ten, five of them about bugs" in " ".join(TEXT.split())
    for n in UNITS:
        bank = tomllib.loads((FOLDERS[n] / "private" / "questions.toml").read_text(encoding="utf-8"))["question"]
        assert Counter(each["kind"] for each in bank) == {"retrieval": 5, "debugging": 5}


def test_what_people_mark_is_named_and_nothing_else():
    said = TEXT.split("**People**")[1].split("by a rubric")[0]
    assert set(re.findall(r"`(\w+)`", said)) == {each["name"] for unit in UNITS.values() for each in unit["exercise"]
                                                 if each.get("marked") == "people"}
    assert f"the {WORDS[len(UNITS)]} assignments 80 % in equal shares" in TEXT


def test_exercises_named_with_minutes_have_them():
    minutes = {each["name"]: each["minutes"] for unit in UNITS.values() for each in unit["exercise"]}
    named = re.findall(r"`(\w+)` \((\d+)\)", TEXT)
    assert named
    assert all(minutes[name] == int(said) for name, said in named)


def test_what_is_not_graded_is_named():
    section = TEXT.split("\n### Beside the assignments\n")[1].split("\n## ")[0]
    deeper = {}
    for n in range(1, len(LESSONS)):
        text = "\n".join(cells(n))
        below = text.split("\n## Dig deeper")[1]
        if extra := [name for name in exercises_of(FOLDERS[n].name) if re.search(rf"^def {name}\(", below, re.M)]:
            deeper[n] = set(extra)
        assert re.search(r"To beat:", text)
    named = re.findall(r"((?:`\w+`(?: and )?)+) \(unit (\d)\)", section.replace("\n   ", " "))
    assert {int(n): set(re.findall(r"`(\w+)`", names)) for names, n in named} == deeper


def contrast(one: str, other: str) -> float:
    """As WCAG 2 defines it, of two colours #rrggbb."""
    def light(colour):
        r, g, b = ((v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4)
                   for v in (int(colour[i:i + 2], 16) / 255 for i in (1, 3, 5)))
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    low, high = sorted((light(one), light(other)))
    return (high + 0.05) / (low + 0.05)


def test_contrasts_are_those_of_the_palette():
    row = next(line for line in TEXT.splitlines() if line.startswith("| contrast |"))
    light = [contrast(colour, LIGHT.background) for colour in (LIGHT.ink, LIGHT.faint, *LIGHT.cycle)]
    dark = [contrast(colour, DARK.background) for colour in DARK.cycle]
    weak = [ratio for ratio in light if ratio < 3]
    for said in (f"{light[0]:.1f} to 1", f"the small grey ones {light[1]:.1f}", f"{light[2]:.1f} and {light[3]:.1f}",
                 f"{WORDS[len(weak)].capitalize()} further colours", f"have {max(weak):.1f} only",
                 f"all have {min(dark):.1f} or more"):
        assert said in row
    assert f"{max(weak):.1f}" == f"{min(weak):.1f}"


def test_no_picture_is_dragged_in_and_every_stored_one_has_its_words():
    assert not re.search(r"pointer|mouse|touch", (ROOT / "course/labs/stage.js").read_text(encoding="utf-8"))
    for lesson in NOTEBOOKS:
        for cell in json.loads(lesson.read_text(encoding="utf-8"))["cells"]:
            for output in cell.get("outputs", []):
                if "image/png" in output.get("data", {}):
                    assert output["metadata"]["image/png"]["alt"], lesson.name


def test_no_assignment_shows_a_picture():
    for n in UNITS:
        notebook = json.loads((FOLDERS[n] / "private" / "assignment.ipynb").read_text(encoding="utf-8"))
        for cell in notebook["cells"]:
            text = "".join(cell["source"]).split("### BEGIN SOLUTION")[0]
            assert not re.search(r"!\[|<img|data:image", text), (FOLDERS[n].name, text[:80])


def anchors(file: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", [PAGE, ROOT / "README.md", ROOT / "course" / "README.md"],
                         ids=["syllabus", "README", "course/README"])
def test_no_link_is_dead_and_the_syllabus_is_linked(page):
    links = re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8"))
    assert links
    for link in links:
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link
    assert page is PAGE or PAGE in [(page.parent / link).resolve() for link in links]


def test_a_reader_reads_it():
    lines = TEXT.splitlines()
    assert len(lines) <= 260
    assert all(len(line) <= 120 for line in lines if not line.startswith("|"))
