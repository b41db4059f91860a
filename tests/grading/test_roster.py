"""The roster: read from each LMS's file, strange names and ids, imported again; and whose a download is by it."""

from __future__ import annotations

import json
import unicodedata
import zipfile
from pathlib import Path

import pytest

import course.grading
from course.grading import export, giveback, intake, office, roster, tally
from course.grading.cells import Sheet
from course.grading.office import OfficeError
from course.grading.records import Records
from course.grading.roster import Person, Roster
from tests.grading import fakes
from tests.grading.conftest import Course

GOLDEN = Path(__file__).parent / "golden"
NOTEBOOK = json.dumps({"alpha": 7, "beta": 2})
HEBREW = "דנה לוי"


@pytest.fixture
def here(tmp_path, monkeypatch) -> Course:
    """A course with the real intake."""
    fakes.install(lambda *what: monkeypatch.setattr(*what, raising=False))
    monkeypatch.setattr(course.grading, "intake", intake)
    return Course(office.new_office(tmp_path / "course", fakes.write_kit(tmp_path / "kits")).folder)


def table(folder: Path, *lines: str, name: str = "people.csv") -> Path:
    path = folder / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def load(here: Course, *lines: str) -> None:
    assert here.nnlab("roster", "import", table(here.folder.parent, *lines)) == 0


def collect(here: Course, *names: str, options: tuple = ()) -> dict[str, str]:
    """Take in a zip with a notebook under each name; {student: file} as it stands in the record afterwards."""
    with zipfile.ZipFile(here.folder.parent / "in.zip", "w") as made:
        for number, name in enumerate(names):
            made.writestr(name, NOTEBOOK.replace("7", str(7 + number)))
    assert here.nnlab("collect", "1", here.folder.parent / "in.zip", *options) == 0
    return recorded(here)


def recorded(here: Course) -> dict[str, str]:
    with Records(here.folder) as records:
        return {each.student: each.file for each in records.submissions("01_small")}


def canvas(name: str, number: int) -> str:
    return f"{name}_{number}_99_01_small.ipynb"


def moodle(name: str, number: int) -> str:
    return f"{name}_{number}_assignsubmission_file_/a.ipynb"


# ---------------------------------------------------------------- the LMS's files


def test_a_gradebook_of_canvas_gives_ids_names_and_the_other_names_of_each():
    people, left = roster.read(GOLDEN / "canvas.csv")
    assert people[0] == Person("12345", "Smith, John", number="12345", login="jsmith", sis="007")
    assert [each.name for each in people[1:4]] == ['Doe, "JJ" Jane', "=\"=cmd|' /C calc'!A1\"", "Žofie, Ď"]
    assert left == ["Student, Test, 9999: no student"]
    by_sis, _ = roster.read(GOLDEN / "canvas.csv", "SIS User ID")
    assert [each.id for each in by_sis[:3]] == ["007", "0777", "0066"], "zeros in front count"


def test_files_of_moodle_and_gradescope_are_known_by_their_columns(tmp_path):
    people, _ = roster.read(GOLDEN / "moodle-gradebook.csv")
    assert people[0] == Person("jsmith", "John Smith", "jsmith@uni.example")
    people, _ = roster.read(GOLDEN / "moodle.csv")
    assert people[0] == Person("jsmith@uni.example", "John Smith", "jsmith@uni.example"), "no ID number: the email"
    file = table(tmp_path, "First Name,Last Name,SID,Email,Role", "Ann,Lee,0012,ann@x.example,Student",
                 "Bob,Ray,,bob@x.example,Student", "Cy,Teach,9,cy@x.example,Instructor")
    people, left = roster.read(file)
    assert people == [Person("0012", "Ann Lee", "ann@x.example"), Person("bob@x.example", "Bob Ray", "bob@x.example")]
    assert left == ["Cy, Teach, 9: no student"]


@pytest.mark.parametrize(("lines", "words"), [
    (["who,mark", "ann,1"], r"its columns are 'who', 'mark'. Expected are .*any CSV file with a column id"),
    (["id,name", "../../etc,x"], r"row 2: the id is ../../etc; expected letters and digits, with no /"),
    (["id,name", "a\u202eb,x"], r"row 2: the id is a\\u202eb; expected"),
    (["id,name", "..,x"], r"row 2: the id is \.\.;"),
    (["id,name", "1.23457E+11,x"], "a spreadsheet has made a number of it. Export the file from the LMS again"),
    (["id,name", "007,x", "0007,y", "007,z"], "rows 2 and 4 have the same id, 007"),
    (["id,name", "Z\u030co,x", "Žo,y"], "rows 2 and 3 have the same id"),
    (["id,name", ",x"], "lists nobody with an id"),
    (["id,name", "x" * 201 + ",x"], "201 letters; expected 200 at most"),
    (["id,name", "ann"], "the line of 'ann' has 1 cells, the first 2"),
])
def test_what_is_no_roster_is_refused_in_one_line(tmp_path, lines, words):
    with pytest.raises(OfficeError, match=words) as told:
        roster.read(table(tmp_path, *lines))
    assert "\n" not in str(told.value)


def test_a_roster_that_is_refused_changes_nothing(here, capsys):
    load(here, "id,name", "ann,Ann Lee")
    before = (here.folder / roster.FILE).read_bytes()
    assert here.nnlab("roster", "import", table(here.folder.parent, "id,name", "bob,B", "a/b,C")) == 1
    assert "row 3: the id is a/b" in capsys.readouterr().err
    assert (here.folder / roster.FILE).read_bytes() == before


def test_another_column_can_hold_the_ids_and_one_that_is_not_there_is_told(tmp_path):
    file = table(tmp_path, "id,name,matric", "1,Ann,007", "2,Bob,")
    people, left = roster.read(file, "Matric")
    assert ([each.id for each in people], left) == (["007"], ["2, Bob: no id"])
    with pytest.raises(OfficeError, match="no column 'matrik'; its columns are 'id', 'name', 'matric'"):
        roster.read(file, "matrik")


def test_a_roster_that_was_damaged_is_told_and_git_would_not_publish_it(here):
    (here.folder / ".gitignore").write_text("secret\n")  # a course folder from before there were rosters
    load(here, "id", "ann")
    assert (here.folder / ".gitignore").read_text() == "secret\nroster.json\n"
    (here.folder / roster.FILE).write_text("{")
    with pytest.raises(OfficeError, match="import it anew"):
        roster.roster_of(here.folder)


# ---------------------------------------------------------------- imported again


def test_importing_again_says_what_changed_and_keeps_every_grade(here, capsys):
    load(here, "id,name,email", "007,Ann Lee,ann@x.example", "2,Bob Ray,bob@x.example", "3,Cy Day,cy@x.example")
    collect(here, "007/a.ipynb", "2/a.ipynb")
    here.judged()
    before = here.csv()
    assert b"007,4,2.5,pending" in before
    capsys.readouterr()
    load(here, "id,name,email", "007,Ann Lee-Fox,ann@x.example", "30,Cy Day,cy@x.example", "4,Dee Orr,")
    said = capsys.readouterr().out
    assert "3 people are on the roster, 2 of them new" in said
    assert "2 new:\n  30, Cy Day\n  4, Dee Orr\n" in said
    assert "2 gone from the file; what they handed in and their grades stay:\n  2, Bob Ray\n  3, Cy Day\n" in said
    assert "007: Ann Lee <ann@x.example> -> Ann Lee-Fox <ann@x.example>" in said
    assert "stays under the old one (to keep the old ids, import with the --id of before):\n  3 -> 30\n" in said
    assert here.csv() == before


def test_a_roster_that_comes_late_names_those_who_handed_in_before_it(here, capsys):
    collect(here, canvas("leeann", 11), canvas("raybob", 12))
    capsys.readouterr()
    load(here, "id,name", "11,Ann Lee")
    assert "under a name that is no id of the roster:\n  leeann_11\n  raybob_12\n" in capsys.readouterr().out


# ---------------------------------------------------------------- whose a download is


def test_canvas_numbers_are_told_by_the_gradebook(here, capsys):
    assert here.nnlab("roster", "import", GOLDEN / "canvas.csv", "--id", "SIS User ID") == 0
    assert collect(here, canvas("smithjohn", 12345), canvas("doejane_LATE", 777), canvas("otto", 31)) == {
        "007": canvas("smithjohn", 12345), "0777": canvas("doejane_LATE", 777)}
    said = capsys.readouterr().out
    assert "1 matched nobody, left out:\n  otto_31: nobody on the roster is called so\nTo mend it: a newer" in said
    nothing = said.partition("have handed in nothing yet:\n")[2]
    assert "  0066, " in nothing
    assert "  007, " not in nothing


def test_moodles_full_names_are_matched_however_they_are_written(here):
    people = ['1,"O\'Brien, Pat"', '2,"Doe, ""JJ"" Jane"', f"3,{HEBREW}", "4,Z\u030cofie D\u030c", "05,Van der Berg Jo"]
    load(here, "id,name", *people)
    decomposed = unicodedata.normalize("NFD", "Žofie Ď")
    names = ["Pat OBrien", "JJ Jane Doe", f"\u200f{HEBREW}", decomposed, "Jo Van der Berg"]
    found = [(f"{unicodedata.normalize('NFC', name)}_{n}", moodle(name, n)) for n, name in enumerate(names, 70)]
    assert [roster.roster_of(here.folder).whose(*each) for each in found] == [["1"], ["2"], ["3"], ["4"], ["05"]]


def test_the_same_name_twice_is_never_guessed(here, capsys):
    load(here, "id,name", "007,Jane Doe", "0777,Jane Doe", "8,Al Fox")
    assert list(collect(here, moodle("Jane Doe", 51), moodle("Al Fox", 52))) == ["8"]
    assert "Jane Doe_51: could be 007, Jane Doe or 0777, Jane Doe" in capsys.readouterr().out
    assert list(collect(here, "0777/a.ipynb", "8/b.ipynb")) == ["8", "0777"], "mended, as it says"
    assert "matched nobody" not in capsys.readouterr().out


def test_two_in_the_download_with_the_name_of_one_on_the_roster_are_both_left(here, capsys):
    """In Moodle a student may be able to change their name."""
    load(here, "id,name", "7,Jane Doe", "8,Al Fox")
    assert list(collect(here, moodle("Jane Doe", 51), moodle("jane doe", 53), moodle("Al Fox", 52))) == ["8"]
    said = capsys.readouterr().out
    assert "2 matched nobody, left out:" in said
    assert said.count("2 people there have the name of 7, Jane Doe") == 2


@pytest.mark.parametrize("file", [moodle("0777", 51), moodle("jdoe@x.example", 51), canvas("0777", 51),
                                  moodle("0777_51", 0)])
def test_nobody_takes_an_id_or_a_mail_by_a_name_of_their_own_choice(file):
    people = Roster([Person("0777", "Jane Doe", "jdoe@x.example"), Person("51", "Al Fox", number="9")])
    student = file.split("_")[0] + "_" + file.split("_")[1]
    assert people.whose(student, file) == []


def test_without_canvas_numbers_the_name_tells_if_it_is_one_persons():
    people = Roster([Person("1", "John Smith"), Person("2", "Smithj Ohn"), Person("3", "Lee, Amy"), Person("4", "")])
    assert people.whose("leeamy_5", canvas("leeamy", 5)) == ["3"]
    assert people.whose("leemay_5", canvas("leemay", 5)) == []
    assert people.whose("smithjohn_5", canvas("smithjohn", 5)) == ["1", "2"]
    assert people.whose("1_5", canvas("1", 5)) == []


def test_folders_are_matched_by_any_of_a_persons_ids():
    people = Roster([Person("12", "Jane Doe", "j@x.example", "12", "jdoe", "007"), Person("7", "Al Fox", sis="12")])
    for name in ("12", "JDOE", "j@x.example", "007", "Doe, Jane"):
        assert people.whose(name, f"{name}/a.ipynb") == ["12"], name
    assert people.whose("0007", "0007/a.ipynb") == []


def test_anyone_takes_strangers_in_but_never_under_anothers_id(here, capsys):
    load(here, "id,name", "ann,Ann Lee", "x_5,Al Fox")
    assert set(collect(here, canvas("x", 5), canvas("y", 6), "ann.ipynb", options=("--anyone",))) == {"ann", "y_6"}
    assert "x_5: nobody on the roster is called so; left out, as somebody else has that id" in capsys.readouterr().out


def test_groups_and_the_excused_are_not_missing(here, capsys):
    settings = here.folder / "course.toml"
    settings.write_text(settings.read_text() + 'groups = [["ann", "bob"]]\nexcused = ["cy"]\n')
    load(here, "id,name", "ann,A", "bob,B", "cy,C", "dee,D", "eve,E")
    collect(here, "ann/a.ipynb", "dee/a.ipynb")
    said = capsys.readouterr().out
    assert "1 of 5 have handed in nothing yet:\n  eve, E\n" in said


def test_without_a_roster_collect_is_as_it_was(here, capsys):
    assert set(collect(here, canvas("leeann", 11), canvas("raybob", 12))) == {"leeann_11", "raybob_12"}
    said = capsys.readouterr().out
    assert said == "01_small: 2 new, 0 known already\nNext: nnlab grade 1\n"


# ---------------------------------------------------------------- and back to the LMS


@pytest.mark.parametrize(("to", "roster_lines", "names"), [
    ("canvas", ["id,number", "7,12345", "0777,777"], [canvas("smithjohn", 12345), canvas("doejane", 777)]),
    ("moodle", ["id,name", "7,John Smith", "0777,Jane JJ Doe"],
     [moodle("John Smith", 12345), moodle("Jane JJ Doe", 777)]),
])
def test_points_and_pages_find_their_way_back_from_the_ids_of_the_roster(here, to, roster_lines, names):
    """The LMS knows its own number, in the name of the file, and none of these ids."""
    source = GOLDEN / f"{to}.csv"
    load(here, *roster_lines)
    assert set(collect(here, *names)) == {"7", "0777"}
    settings, sheet = office.open_office(here.folder), Sheet(source)
    with Records(here.folder) as records:
        stands = tally.standings(settings, records, "01_small")
    filled = export.fill(sheet, export.LAYOUTS[to](sheet, "", {"small"}), stands, roster.roster_of(here.folder))
    assert (filled.only_here, filled.unclear) == ([], [])
    assert len(filled.ungraded) == 2
    returned = giveback.Returned()
    giveback._both(settings, "01_small", here.folder.parent / "in.zip", returned)
    assert (returned.only_there, returned.only_here, len(returned.ungraded)) == ([], [], 2)
