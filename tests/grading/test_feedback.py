"""Feedback: what a student must not learn is not on the page, and what a student wrote cannot break it."""

from __future__ import annotations

import json
import re
import secrets

import pytest

from course.grading import feedback
from course.grading.records import Records, Submission
from course.grading.results import BLOCKED, MISSING, PENDING, CheckResult, ExerciseResult, Graded
from course.grading.standing import Points, Standing
from tests.browser import jupyter
from tests.grading import small
from tests.needs import needs

SCRIPT = "<script>document.title = 'RAN'; fetch('http://127.0.0.1:9/asked')</script>"
BREAKERS = [SCRIPT, "<img src='http://127.0.0.1:9/a' onerror='document.title=\"RAN\"'>", "</pre></section>" + SCRIPT,
            "{{ 7 * 7 }}{% raw %}", "javascript:alert(1)", "\x1b[31mred\x1b]0;title\x07", "nul\0 bell\a back\b del\x7f",
            "\u202egnp.exe \u2066x\u200f", "half \ud800 letter", "&lt;b&gt;", "\x85\u2028\ufeff", "e" + "\u0301" * 50]


def graded(*exercises, **fields):
    made = {"unit": "77_small", "version": "1.0", "kit": "k" * 64, "submission": "s" * 64, "student": "ann",
            "level": "bubblewrap", "limits": {}, "exercises": list(exercises)}
    return Graded(**(made | fields))


def page(result, student="ann", handed_in=b"", title="Small", requests=(), **overridden):
    """The page of a grading; `overridden` gives name=(points, reason)."""
    submission = Submission(1, result.unit, student, 1, result.submission, "", "", "")
    stands = Standing(submission, student, 1, result.level, {each.name: Points(each.points, each.of)
                                                             for each in result.exercises})
    for name, (points, reason) in overridden.items():
        stands.exercises[name] = Points(points, stands.exercises[name].of, reason)
    return feedback.page(stands, result, title, "2026-03-01T12:00:00+00:00", handed_in, requests)


def checks(*passed, reason="REASON", hidden=False):
    return [CheckResult(f"title {n}{' hidden' * hidden}", hidden, 1.5, is_ok, "" if is_ok else f"{reason} {n}",
                        f"SYMPTOM {n}" if hidden else "") for n, is_ok in enumerate(passed)]


def words(text):
    """What a reader sees of a page, in one line."""
    text = re.sub(r"<style>.*?</style>", "", text, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]*>", " ", text).split())


# ---------------------------------------------------------------- what it says


def test_it_says_the_points_the_reasons_and_what_was_printed():
    one = ExerciseResult("scaled", 6, checks=[*checks(True, False), *checks(True, False, hidden=True)],
                         output="two\nlines", notes=["defined in 2 places"])
    said = words(page(graded(one, notes=["a cell was no Python"])))
    assert "3 of 6 points a cell was no Python scaled" in said
    assert "Note: defined in 2 places The checks you could run yourself" in said
    assert "passed (1.5 of 1.5) title 0 failed (0 of 1.5) title 1 REASON 1" in said
    assert "passed (1.5 of 1.5) title 0 hidden failed (0 of 1.5) title 1 hidden SYMPTOM 1" in said
    assert "What your code printed two lines" in said
    assert "SYMPTOM 0" not in said
    assert 'style="width: 50.0%"' in page(graded(one))


def test_what_a_person_will_mark_is_not_0():
    said = words(page(graded(ExerciseResult("f", 3, checks=checks(True, True)), ExerciseResult("why", 2, PENDING))))
    assert "3 of 3 points so far; 2 more are still to be marked" in said
    assert "why pending, of 2 points A person will mark this. It is not 0" in said


def test_what_a_person_decided_counts_with_its_reason():
    result = graded(ExerciseResult("f", 3, checks=checks(False, False)), ExerciseResult("why", 2, PENDING))
    said = words(page(result, f=(2.5, "a slip <of> mine"), why=(1, "names it")))
    assert "3.5 of 5 points" in said
    assert "f 2.5 of 3 points Set by a person: a slip &lt;of&gt; mine" in said
    assert "A person will mark" not in said


def test_why_nothing_could_be_read_or_run_is_said_once():
    said = words(page(graded(ExerciseResult("f", 3, MISSING), refused="the file is empty")))
    assert "0 of 3 points the file is empty f 0 of 3 points" in said
    why = "nothing in the notebook defines f"
    for status in (MISSING, BLOCKED):
        both = [*checks(False, reason=why), *checks(False, reason=why, hidden=True)]
        said = words(page(graded(ExerciseResult("f", 3, status, both, [why]))))
        assert said.count(why) == 1
        assert "SYMPTOM" not in said


def test_long_output_is_cut():
    assert feedback.printed("x" * 9999) == "x" * feedback.OUTPUT + " … (cut off here)"
    assert feedback.printed("line\n" * 500).endswith("line\n… (420 more lines)")
    one = ExerciseResult("f", 1, output="<" * 64_000, checks=checks(False, reason="<" * 9999))
    assert len(page(graded(one))) < 60_000


# ---------------------------------------------------------------- P3: what it must not say


def test_no_secret_is_on_the_page():
    places = ("reason", "flag", "forged", "prose", "judge", "line", "type")
    marks = {name: f"MARK{secrets.token_hex(8)}" for name in places}
    hidden = [CheckResult("title", True, 1, False, marks["reason"], "a symptom"),
              CheckResult("other", True, 1, True, marks["reason"], "another symptom")]
    one = ExerciseResult(
        "f", 2, checks=hidden, flags=[marks["flag"]], prose=marks["prose"],
        error=f"{marks['type']} line 3 of <f>: return {marks['line']}",
        notes=[f"its code wrote on the line between it and the judge ({marks['forged']}): no points"])
    result = graded(one, refused=f"the judge itself failed: ValueError: {marks['judge']}")
    text = page(result, handed_in=small.notebook())
    assert "a symptom" in text
    assert "another symptom" not in text
    assert "the judge itself failed" in text
    assert "its code wrote on the line" in text
    assert [name for name, mark in marks.items() if mark in text] == []


@pytest.mark.parametrize(("error", "said"), [
    ("ValueError line 2 of <scaled>: return n * np.asarray(x)", ("ValueError", "return n * np.asarray(x)")),
    ("ValueError", ("ValueError", "")),
    ("ValueError line 2 of <scaled>: return 0.123456", ("ValueError", "")),  # not in the notebook: made up
    ("ValueError line 0123456 of <0.123456>: return n * np.asarray(x)", ("ValueError", "return n * np.asarray(x)")),
    ("ValueError line 2 of <scaled>: np.asarray(x)", ("ValueError", "")),  # a part of a line
    ("ValueError line 2 of <scaled>: def", ("ValueError", "")),
    ("X0123456 line 2 of <scaled>: return n * np.asarray(x)", ("an error", "return n * np.asarray(x)")),
    ("LinAlgError line 4 of <Counter>: self.n = start", ("LinAlgError", "self.n = start")),
    ("0.5 0.25", ("an error", "")),
    ("", ("", "")),
])
def test_the_line_of_an_error_in_a_hidden_run_must_be_the_students_own(error, said):
    """Type and line come from a process in which the student's code had the hidden inputs."""
    assert feedback._error(error, small.notebook()) == said


def test_a_line_is_found_however_the_notebook_writes_it():
    line = "return 'häufig \\n \"x\"'"
    for source in (["def f():\n", f"\t{line}  \n", "last"], f"def f():\r\n    {line}\nlast"):
        for how in ({}, {"ensure_ascii": False}, {"indent": 1}):
            data = json.dumps({"source": source}, **how).encode()
            assert feedback._stands_in(line, data, False)
            assert feedback._stands_in("last", data, False)
            assert not feedback._stands_in("return 'h", data, False)
            assert feedback._stands_in("return 'h", data, True)
            assert not feedback._stands_in("häufig", data, True)


# ---------------------------------------------------------------- what students wrote


@pytest.mark.parametrize("text", BREAKERS)
def test_what_a_student_wrote_cannot_break_the_page(text):
    one = ExerciseResult("f", 3, checks=[CheckResult(text, False, 1, False, text), *checks(False, hidden=True)],
                         output=text, notes=[text], error=f"ValueError line 1 of <{text}>: {text}")
    made = page(graded(one, notes=[text], refused=text), student=text, title=text, f=(1, text),
                handed_in=json.dumps(text).encode())
    made.encode("utf-8")
    harmless = page(graded(one, notes=["x"], refused="x"), student="x", title="x", f=(1, "x"), handed_in=b"")
    assert len(re.findall("<[a-z/]", made)) - ("<pre dir=\"ltr\">" in made) * 2 == len(re.findall("<[a-z/]", harmless))
    assert not re.search("<(script|img|iframe|link|a) ?", made)
    steering = r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]"
    assert re.findall(steering, made) == []


def test_letters_of_all_scripts_stay():
    text = "häufig 数 می\u200cخواهم 👩\u200d🔬 → ∑"
    assert feedback.clean(text) == text
    assert feedback.clean("\x1b[1;31mred\x1b[0m a\r\nb\u202e") == "red a\nb\\u202e"


# ---------------------------------------------------------------- the pages of a course


def test_each_student_gets_a_page_of_the_points_that_count(course, capsys):
    assert course.nnlab("grade", "1") == 0
    assert course.nnlab("override", "1", "bob", "alpha", "3", "--reason", "REASON OF MINE") == 0
    capsys.readouterr()
    assert course.nnlab("feedback", "1") == 0
    folder = course.folder / "feedback" / course.unit
    assert f"5 pages written into {folder}" in capsys.readouterr().out
    pages = {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}
    assert len(pages) == 5
    assert "alpha 4 of 4 points" in words(pages["ann.html"])
    assert "alpha 3 of 4 points Set by a person: REASON OF MINE" in words(pages["bob.html"])
    assert all("less than 5" not in text for text in pages.values())  # what the hidden check says
    assert "too small" in words(pages["bob.html"])  # its symptom
    assert "printed \\u202e" in pages["ann.html"]
    assert "<h1>Small</h1>" in pages["ann.html"]
    with Records(course.folder) as records:
        rows = records._all("SELECT * FROM feedback")
    assert sorted(row["file"] for row in rows) == sorted(f"feedback/{course.unit}/{name}" for name in pages)


def test_a_page_is_written_again_only_if_it_says_something_else(course, capsys):
    course.nnlab("grade", "1")
    course.nnlab("feedback", "1")
    capsys.readouterr()
    course.nnlab("feedback", "1")
    assert "0 pages written" in (said := capsys.readouterr().out)
    assert "5 are there already" in said
    course.nnlab("override", "1", "ann", "why", "2", "--reason", "good")
    capsys.readouterr()
    course.nnlab("feedback", "1", "--student", "ann")
    assert "1 pages written" in capsys.readouterr().out
    assert course.nnlab("feedback", "1", "--student", "nobody") == 1
    assert "nobody called nobody" in capsys.readouterr().err


def test_who_is_not_graded_gets_no_page(course, capsys):
    assert course.nnlab("feedback", "1") == 0
    assert "5 not graded yet" in capsys.readouterr().out
    assert not (course.folder / "feedback" / course.unit).exists()


# ---------------------------------------------------------------- in a browser


@pytest.fixture(scope="module")
def browser():
    path = needs("browser")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=jupyter.FLAGS)
        yield chromium
        chromium.close()


def full(text=""):
    """A page with something of everything, and `text` wherever a student's may stand."""
    exercises = [
        ExerciseResult("scaled", 6, checks=[*checks(True, False, reason=f"row 2 became nan {text}"),
                                            *checks(True, False, hidden=True)], output=f"loss 0.25 {text}\n" * 3,
                       notes=[f"scaled is defined in 2 places; the last one counts {text}"],
                       error="ValueError line 2 of <scaled>: return n * np.asarray(x)"),
        ExerciseResult("why", 2, PENDING), ExerciseResult("Counter", 2, BLOCKED, notes=["it needs scaled"])]
    return page(graded(*exercises, notes=[text]), student=f"Žofie {text}", handed_in=small.notebook(),
                Counter=(1, f"a slip {text}"))


@pytest.mark.browser
def test_no_script_runs_and_nothing_is_asked_of_the_network(browser, tmp_path):
    file = tmp_path / "page.html"
    file.write_text(full(" ".join(BREAKERS)), encoding="utf-8")
    context, asked, wrong = browser.new_context(), [], []
    tab = context.new_page()
    tab.on("request", lambda request: asked.append(request.url))
    tab.on("pageerror", lambda problem: wrong.append(problem))
    tab.goto(file.as_uri())
    tab.wait_for_timeout(300)
    assert asked == [file.as_uri()]
    assert wrong == []
    assert tab.title().startswith("Small: feedback for")
    assert tab.locator("script, img, iframe, link, a, form").count() == 0
    context.close()


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1000])
def test_it_can_be_read_on_a_phone_and_in_the_dark(browser, scheme, width, tmp_path):
    """Nothing is wider than the screen; every text has the contrast that WCAG AA asks for, 4.5."""
    file = tmp_path / "page.html"
    file.write_text(full("a_very_long_name_without_any_space_" * 9), encoding="utf-8")
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    tab = context.new_page()
    tab.goto(file.as_uri())
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    worst = tab.evaluate("""() => {
        const bright = css => {
            const [r, g, b] = css.match(/[\\d.]+/g).map(Number).map(v => v / 255)
                .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
            return 0.2126 * r + 0.7152 * g + 0.0722 * b;
        };
        const behind = node => {
            const css = getComputedStyle(node).backgroundColor;
            return css === "rgba(0, 0, 0, 0)" ? behind(node.parentElement) : css;
        };
        let worst = 21;
        for (const node of document.body.querySelectorAll("*")) {
            if (![...node.childNodes].some(child => child.nodeType === 3 && child.data.trim())) continue;
            const [a, b] = [bright(getComputedStyle(node).color), bright(behind(node))].sort((x, y) => y - x);
            worst = Math.min(worst, (a + 0.05) / (b + 0.05));
        }
        return worst;
    }""")
    assert worst >= 4.5
    context.close()
