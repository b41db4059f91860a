"""The LMS's own files, filled in: golden files, what is left alone, who is listed, formulas, and zips that go back.

The golden files were written by hand after the sources of Canvas and Moodle; NAME.csv becomes NAME.filled.csv.
"""

from __future__ import annotations

import csv
import io
import json
import random
import zipfile
from pathlib import Path

import nbformat
import pytest

import course.grading
from course.grading import giveback, intake, office, shelf, standing, tally
from course.grading.cells import ExportError, Sheet
from course.grading.export import LAYOUTS
from course.grading.kit import load_kit
from course.grading.records import Records, Submission
from course.grading.results import CheckResult, ExerciseResult, Graded
from tests.grading import fakes
from tests.grading.conftest import Course

GOLDEN = Path(__file__).parent / "golden"
FULL = {"alpha": 7, "beta": 2}  # 4 + 2.5
# name in the download -> what is in it, and the points of the exercise that a person marks
CANVAS = {
    "smithjohn_12345_67890_01_small-handin.ipynb": (FULL, 1.5),
    "doejane_LATE_777_67891_01_small-handin-2.ipynb": ({"alpha": 4, "beta": 3}, 0),
    "=cmd_66_67892_x.ipynb": ({"alpha": 3, "beta": 4}, 0.25),
    "zofie_55501_67893_x.ipynb": (FULL, None),
    "excuseded_444_67894_x.ipynb": (FULL, 1),
    "otherotto_445_67895_x.ipynb": (FULL, 1),
    "gone_1000_67896_x.ipynb": (FULL, 2),
}
MOODLE = {
    "John Smith_12345_assignsubmission_file_/a.ipynb": (FULL, 1.5),
    "Jane JJ Doe_777_assignsubmission_file/deep/a.ipynb": ({"alpha": 4, "beta": 3}, 0),
    "=cmd_66_assignsubmission_file_/a.ipynb": ({"alpha": 3, "beta": 4}, 0.25),
    "Zofie_55501_assignsubmission_file_/a.ipynb": (FULL, None),
    "Gone_1000_assignsubmission_file_/a.ipynb": (FULL, 2),
}
PLAIN = {"jsmith/a.ipynb": (FULL, 1.5), "lou@uni.example/a.ipynb": (FULL, 0),
         "=1+1/a.ipynb": ({"alpha": 3, "beta": 4}, 0.25)}
LATER = {"canvas": "laterlea_888_67897_x.ipynb", "moodle": "Lea Later_888_assignsubmission_file_/a.ipynb"}


@pytest.fixture
def here(tmp_path, monkeypatch) -> Course:
    """A course with the fake judge and the real intake."""
    fakes.install(lambda *what: monkeypatch.setattr(*what, raising=False))
    monkeypatch.setattr(course.grading, "intake", intake)
    return Course(office.new_office(tmp_path / "course", fakes.write_kit(tmp_path / "kits")).folder)


def take(here: Course, what: dict, later: str = "", name: str = "in.zip") -> Path:
    """Collect, grade and mark a download; who is `later` comes after the grading."""
    folder = here.folder.parent
    download = folder / name
    with zipfile.ZipFile(download, "w") as made:
        for path, (notebook, _) in what.items():
            made.writestr(path, json.dumps(notebook))
    assert here.nnlab("collect", "1", download) == 0
    paths, kit = dict(intake.named(download)), load_kit(here.folder / "units" / here.unit)
    settings = office.open_office(here.folder)
    with Records(here.folder, write=True) as records:  # as nnlab grade and override do, but fast
        batch = records.begin("grade", here.unit)
        for each in tally.standings(settings, records, here.unit):
            if each.grading is None:
                data = shelf.read(here.folder, each.submission)
                graded = fakes.judge(data, kit, each.submission.student, b"", "bubblewrap", {}, {})
                records.add_grading(batch, each.submission.id, graded, "2026-11-02T09:15:00+00:00")
        for each in tally.standings(settings, records, here.unit):
            points = what.get(paths.get(each.submission.student), (None, None))[1]
            if points is not None:
                records.add_override(here.unit, each.submission.student, "why", points, "=HYPERLINK(1)", each.grading)
    if later:
        with zipfile.ZipFile(folder / "later.zip", "w") as made:
            made.writestr(later, json.dumps(FULL))
            made.writestr(later.replace("888", "889"), json.dumps(FULL))  # two, as one is named after the zip
        assert here.nnlab("collect", "1", folder / "later.zip") == 0
    return download


def filled(here: Course, capsys, name: str, *options) -> tuple[bytes, str, str]:
    out = here.folder.parent / "out.csv"
    source = name if isinstance(name, Path) else GOLDEN / f"{name}.csv"
    capsys.readouterr()
    code = here.nnlab("export", "1", "--from", source, "--out", out, *options)
    said, wrong = capsys.readouterr()
    assert (code == 0) == out.exists()
    return (out.read_bytes() if out.exists() else b""), said, wrong


def listed(said: str, words: str) -> list[str]:
    """The names under the line that ends in `words`."""
    lines = said.splitlines()
    at = next((n for n, line in enumerate(lines) if line.endswith(f"{words}:")), None)
    if at is None:
        return []
    names = [line[2:] for line in lines[at + 1:]]
    end = next((n for n, line in enumerate(lines[at + 1:]) if not line.startswith("  ")), len(names))
    assert lines[at].startswith(f"{end} ")
    return names[:end]


# ---------------------------------------------------------------- golden files


def test_canvas_gets_its_own_file_back_with_one_column_filled_in(here, capsys):
    take(here, CANVAS, LATER["canvas"])
    take(here, {"lou@uni.example/a.ipynb": (FULL, 0), "nobody/a.ipynb": (FULL, 0)}, name="plain.zip")
    data, said, wrong = filled(here, capsys, "canvas", "--to", "canvas")
    assert data == (GOLDEN / "canvas.filled.csv").read_bytes()
    assert "3 written" in said
    assert "1 are there already" in said
    assert listed(said, "changed") == ["Smith, John, 12345: 7.00 -> 8"]
    assert listed(said, "pending, left as they are") == ["Žofie, Ď, 55501", "Later, Lea, 888"]
    assert listed(said, "something else than a number") == ["Excused, Ed, 444: EX", "Other, Otto, 445: N/A"]
    assert listed(said, "in the file, and handed in nothing") == ["Nothing, Nora, 447", "Student, Test, 9999"]
    assert listed(said, "handed in, and not in the file") == ["gone_1000", "laterlea_889", "nobody"]
    assert "2 cells of the LMS's file begin like a formula" in wrong
    assert "is worth" not in wrong
    (copy := here.folder.parent / "copy.csv").write_bytes(data)
    again, said, _ = filled(here, capsys, copy, "--to", "canvas")
    assert again == data
    assert "0 written" in said


def test_moodles_worksheet_keeps_its_commas_quotes_and_lines(here, capsys):
    take(here, MOODLE)
    data, said, wrong = filled(here, capsys, "moodle", "--to", "moodle")
    assert data == (GOLDEN / "moodle.filled.csv").read_bytes()
    assert listed(said, "pending, left as they are") == ["Participant 55501, Žofie Ď"]
    assert listed(said, "in the file, and handed in nothing") == [
        "Participant 888, Lea Later", "Participant 446, Lou Login", "Participant 447, Nora Nothing"]
    assert listed(said, "handed in, and not in the file") == ["Gone_1000"]
    assert "1 cells of the LMS's file begin like a formula" in wrong


def test_what_moodle_has_locked_is_left(here, capsys):
    take(here, {"lou@uni.example/a.ipynb": (FULL, 0), "nobody/a.ipynb": (FULL, 0)})
    data, said, _ = filled(here, capsys, "moodle", "--to", "moodle")
    assert data == (GOLDEN / "moodle.csv").read_bytes()
    assert listed(said, "something else than a number") == ["Participant 446, Lou Login: its grade cannot be changed"]


def test_moodles_gradebook_is_filled_in_by_id_or_mail(here, capsys):
    take(here, PLAIN)
    data, said, _ = filled(here, capsys, "moodle-gradebook", "--to", "moodle")
    assert data == (GOLDEN / "moodle-gradebook.filled.csv").read_bytes()
    assert listed(said, "changed") == ["Lou, Login: 4.25 -> 6.5"]
    assert listed(said, "handed in, and not in the file") == ["=1+1"]


def test_any_csv_file_is_filled_in_by_its_first_column(here, capsys):
    take(here, PLAIN)
    data, _, wrong = filled(here, capsys, "plain", "--to", "csv")
    assert data == (GOLDEN / "plain.filled.csv").read_bytes()
    assert "1 cells" in wrong  # =1+1, which was there; '=x is text


def test_nothing_of_ours_can_be_a_formula(here, capsys):
    """Not the student's name, not the reason of an override: whatever cell changed is a number."""
    take(here, CANVAS)
    take(here, PLAIN, name="plain.zip")
    for name, to in (("canvas", "canvas"), ("moodle-gradebook", "moodle"), ("plain", "csv")):
        data, _, _ = filled(here, capsys, name, "--to", to)
        before, after = Sheet(GOLDEN / f"{name}.csv"), Sheet(here.folder.parent / "out.csv")
        pairs = [(old.value, new.value) for one, two in zip(before.rows, after.rows, strict=True)
                 for old, new in zip(one, two, strict=True) if old.value != new.value]
        assert pairs
        assert all(float(new.replace(",", ".")) >= 0 and new[0].isdigit() for _, new in pairs)
        assert b"HYPERLINK" not in data


# ---------------------------------------------------------------- who is who


def table(here: Course, *lines: str) -> Path:
    path = here.folder.parent / "table.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_a_number_is_one_of_canvas_only_where_canvas_wrote_the_name(here, capsys):
    """A student called bob_12345 by a folder is not Canvas's 12345, nor is one who names a file like a download."""
    take(here, {"bob_12345/a.ipynb": (FULL, 0), "mallory/smithjohn_12345_67890_a.ipynb": (FULL, 0)})
    data, said, _ = filled(here, capsys, "canvas", "--to", "canvas")
    assert data == (GOLDEN / "canvas.csv").read_bytes()
    assert listed(said, "handed in, and not in the file") == ["bob_12345", "mallory"]


def test_where_it_is_not_clear_who_is_who_nothing_is_written(here, capsys):
    take(here, PLAIN)
    file = table(here, "id,other,small", "jsmith,1,", "JSMITH,2,", "lou@uni.example,3,")
    data, said, _ = filled(here, capsys, file, "--to", "csv")
    assert data.decode() == "id,other,small\njsmith,1,\nJSMITH,2,\nlou@uni.example,3,6.5\n"
    assert listed(said, "not clear who is who") == ["jsmith", "jsmith, 1", "JSMITH, 2"]


def test_two_who_are_one_in_the_file_are_both_left(here, capsys):
    take(here, {"smithjohn_12345_67890_a.ipynb": (FULL, 0), "doe_777_67890_a.ipynb": (FULL, 0)})
    take(here, {"jsmith/a.ipynb": (FULL, 0), "nobody/a.ipynb": (FULL, 0)}, name="plain.zip")
    data, said, _ = filled(here, capsys, "canvas", "--to", "canvas")
    assert b'jsmith,"Mon, 10:00",,"7.00"' in data
    assert listed(said, "not clear who is who") == ["jsmith", "smithjohn_12345", "Smith, John, 12345"]


def test_zeros_in_front_count_and_another_column_can_name_the_students(here, capsys):
    take(here, {"007/a.ipynb": (FULL, 0), "7/a.ipynb": (FULL, 1)})
    file = table(here, "name,number,small,worth", "Ann,007,,", "Bob,7,,", "Cy,07,,")
    data, _, _ = filled(here, capsys, file, "--to", "csv", "--id", "Number", "--column", "worth")
    assert data.decode() == "name,number,small,worth\nAnn,007,,6.5\nBob,7,,7.5\nCy,07,,\n"


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize(("options", "says"), [
    (["--to", "canvas", "--column", "Current Score"], "no column 'Current Score'"),
    (["--to", "canvas", "--column", "Notes"], "'Small (4711)'; 'Small extra (4712)'"),
    (["--to", "moodle"], "no gradebook of Moodle"),
])
def test_a_column_that_is_not_an_assignments_is_refused(here, capsys, options, says):
    take(here, PLAIN)
    data, _, wrong = filled(here, capsys, "canvas", *options)
    assert data == b""
    assert says in wrong


def test_what_canvas_computes_is_refused_whatever_it_is_called(tmp_path):
    file = tmp_path / "x.csv"
    file.write_text("Student,ID,Section,Small (5),Small (6)\n Points Possible,,,(read only),3\n")
    assert LAYOUTS["canvas"](Sheet(file), "", {"small"}).grade == 4


def test_a_name_with_control_characters_is_never_packed():
    assert giveback._canvas(["x\x1b_1_2_a.ipynb"], "", "") == ""
    assert giveback._moodle(["x\x1b_1_assignsubmission_file_/a.ipynb"], "", "p.html") == ""
    assert giveback._moodle(["x_1_assignsubmission_file_/../../a.ipynb"], "", "p.html").startswith("x_1_assign")


def test_a_unit_that_is_worth_something_else_in_the_lms_is_told(here, capsys):
    take(here, CANVAS)
    _, _, wrong = filled(here, capsys, "canvas", "--to", "canvas", "--column", "small extra")
    assert "'Small extra (4712)' is worth 10.00; here it is 8.5" in wrong


def test_the_lms_own_file_is_never_written(here, capsys):
    take(here, PLAIN)
    file = table(here, "id,small", "jsmith,")
    assert here.nnlab("export", "1", "--to", "csv", "--from", file, "--out", file) == 1
    assert "keep that" in capsys.readouterr().err
    assert file.read_text() == "id,small\njsmith,\n"
    assert here.nnlab("export", "1", "--to", "csv", "--out", file) == 1
    assert "--from is missing" in capsys.readouterr().err


@pytest.mark.parametrize(("data", "says"), [
    (b"", "is empty"), (b"PK\x03\x04\x00\x00", "an Excel file"), (b'id,small\n"ann,1\n', "never closed"),
    (b"id,small\nann\n", "has 1 cells"),
])
def test_a_file_that_is_none_is_refused(here, capsys, data, says):
    take(here, {"ann/a.ipynb": (FULL, 0), "bob/a.ipynb": (FULL, 0)})
    file = here.folder.parent / "bad.csv"
    file.write_bytes(data)
    out, _, wrong = filled(here, capsys, file, "--to", "csv")
    assert out == b""
    assert says in wrong


# ---------------------------------------------------------------- cells


def test_cells_are_those_of_the_csv_module_and_nothing_else_changes(tmp_path):
    rng = random.Random(5)
    path = tmp_path / "x.csv"
    for case in range(300):
        delimiter, end = rng.choice(",;\t"), rng.choice(["\n", "\r\n"])
        rows = [["".join(rng.choice('a1é"=,;\t\n -') for _ in range(rng.randrange(6))) for _ in range(4)]
                for _ in range(rng.randrange(1, 6))]
        rows.insert(0, ["h1", "h2", "h3", "h4"])
        text = io.StringIO()
        quoting = rng.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
        csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=quoting).writerows(rows)
        data = text.getvalue().encode(rng.choice(["utf-8", "utf-8-sig", "utf-16"]))
        path.write_bytes(data)
        sheet = Sheet(path)
        assert [[cell.value for cell in row] for row in sheet.rows] == rows, case
        assert sheet.as_bytes() == data
        row, column, value = rng.randrange(len(rows)), rng.randrange(4), rng.choice(["7", "2,5", 'a"b', ""])
        sheet.fill(row, column, value)
        path.write_bytes(sheet.as_bytes())
        rows[row][column] = value
        if row:
            assert [[cell.value for cell in line] for line in Sheet(path).rows] == rows, case


def test_bytes_that_are_no_utf8_stay(tmp_path):
    path = tmp_path / "x.csv"
    path.write_bytes(b"id,small\nm\xfcller\x81,\n")
    sheet = Sheet(path)
    sheet.fill(1, 1, "3")
    assert sheet.as_bytes() == b"id,small\nm\xfcller\x81,3\n"


# ---------------------------------------------------------------- zips that go back


def zipped(here: Course, capsys, *options) -> tuple[dict[str, str], str]:
    out = here.folder.parent / "back.zip"
    capsys.readouterr()
    assert here.nnlab(*options, "--out", out) == 0
    with zipfile.ZipFile(out) as made:
        return {name: made.read(name).decode() for name in made.namelist()}, capsys.readouterr().out


def test_canvas_gets_feedback_under_the_names_it_gave(here, capsys):
    download = take(here, CANVAS, LATER["canvas"])
    with zipfile.ZipFile(download, "a") as more:
        more.writestr("smithjohn_12345_77777_zz.ipynb", "{}")  # another file of the same attempt
        more.writestr("newcomer_31_67899_x.ipynb", "{}")
    files, said = zipped(here, capsys, "feedback", "1", "--to", "canvas", "--from", download)
    assert sorted(files) == sorted(CANVAS)
    assert listed(said, "not in the record (collect it first)") == ["newcomer_31"]
    assert listed(said, "not graded yet") == ["laterlea_888", "laterlea_889"]
    for name, text in files.items():
        notebook = nbformat.reads(text, 4)
        nbformat.validate(notebook)
        student = next(who for who, path in intake.named(download) if path == name)
        page = notebook.cells[0].outputs[0].data["text/html"]
        assert f"<bdi>{student}</bdi>" in page
        assert {who for who, _ in intake.named(download) if f"<bdi>{who}</bdi>" in page} == {student}
    assert zipped(here, capsys, "feedback", "1", "--to", "canvas", "--from", download)[0] == files


def test_moodle_gets_feedback_in_the_folders_it_gave(here, capsys):
    download = take(here, MOODLE)
    files, said = zipped(here, capsys, "feedback", "1", "--to", "moodle", "--from", download)
    folders = {path.split("/")[0] for path in MOODLE}
    assert sorted(files) == sorted(f"{folder}/01_small-feedback.html" for folder in folders)
    assert "<bdi>Jane JJ Doe_777</bdi>" in files["Jane JJ Doe_777_assignsubmission_file/01_small-feedback.html"]
    assert "5 of them in" in said


def test_moodles_download_without_folders_is_answered_without_folders(here, capsys):
    download = take(here, {path.replace("file_/", "file_"): what for path, what in MOODLE.items() if "file_/" in path})
    files, _ = zipped(here, capsys, "feedback", "1", "--to", "moodle", "--from", download)
    assert sorted(files) == sorted(f"{path.split('/')[0]}01_small-feedback.html" for path in MOODLE if "file_/" in path)


def test_a_download_by_other_names_is_said_to_be_of_no_use(here, capsys):
    download = take(here, PLAIN)
    files, said = zipped(here, capsys, "feedback", "1", "--to", "moodle", "--from", download)
    assert files == {}
    assert listed(said, "the LMS would know again") == ["=1+1", "jsmith", "lou@uni.example"]


@pytest.mark.parametrize("options", [["--to", "canvas"], ["--out", "x.zip"],
                                     ["--to", "canvas", "--from", "x", "--out", "y", "--student", "ann"]])
def test_half_an_order_is_refused(here, options):
    take(here, PLAIN)
    assert here.nnlab("feedback", "1", *options) == 1


def test_gradescope_gets_a_result_for_each_that_is_wholly_graded(here, capsys):
    download = take(here, {"submission_101/a.ipynb": ({"alpha": 4, "beta": 2}, 1.5),
                           "submission_102/a.ipynb": (FULL, None)})
    files, said = zipped(here, capsys, "export", "1", "--to", "gradescope", "--from", download)
    assert list(files) == ["submission_101/results.json"]
    assert files["submission_101/results.json"] == (GOLDEN / "gradescope.json").read_text()
    assert listed(said, "pending, without a file") == ["submission_102"]
    assert zipped(here, capsys, "export", "1", "--to", "gradescope")[0] == files


def test_a_result_says_nothing_that_the_feedback_page_does_not():
    """What a hidden check found, what was printed, an error of the hidden run, what code wrote on the judge's line."""
    check = CheckResult("hidden", True, 3, False, reason="SECRET", symptom="a symptom")
    one = ExerciseResult("f", 3, checks=[check], output="SECRET", error="ValueError line 1 of <f>: SECRET",
                         notes=["its code wrote on the line between it and the judge (SECRET): no points"])
    graded = Graded("01_small", "1.0", "k", "s", "ann", "bubblewrap", {}, [one], refused="SECRET")
    stands = standing.Standing(Submission(1, "01_small", "ann", 1, "s", "x", "a.ipynb", ""), "ann", 1, "bubblewrap",
                               {"f": standing.Points(0.0, 3)})
    told = json.dumps(giveback._result(stands, graded))
    assert "a symptom" in told
    assert "its code wrote on the line" in told
    assert "SECRET" not in told


def test_a_file_that_is_not_there_is_one_line():
    with pytest.raises(ExportError, match="cannot be read"):
        Sheet(GOLDEN / "nowhere.csv")


# ---------------------------------------------------------------- the rules of the course


def test_the_export_is_after_the_penalty_for_each_of_a_group_and_leaves_the_excused(here, capsys):
    (here.folder / "course.toml").write_text(
        'name = "x"\ntimezone = "UTC"\nlate = {percent = 10}\n[units.01_small]\nversion = "1.0"\n'
        'due = 1979-12-31T00:00:00\ngroups = [["ann", "bob"]]\nexcused = ["cem"]\n')
    take(here, {"ann/a.ipynb": (FULL, 1.5), "cem/a.ipynb": (FULL, 0)})
    source = here.folder.parent / "plain.csv"
    source.write_text("id,small\nann,\nbob,\ncem,\n")
    text, said, _ = filled(here, capsys, source, "--to", "csv")
    assert text == b"id,small\nann,0\nbob,0\ncem,\n"  # decades late: all of it is taken off
    assert listed(said, "excused, left as they are") == ["cem"]
    (here.folder / "course.toml").write_text((here.folder / "course.toml").read_text().replace("10}", "0}"))
    (here.folder.parent / "out.csv").unlink()
    assert filled(here, capsys, source, "--to", "csv")[0] == b"id,small\nann,8\nbob,8\ncem,\n"
