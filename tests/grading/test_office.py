"""The course folder: made whole, read strictly, its secret kept; and ids of students that mean harm."""

from __future__ import annotations

import os
import re
import shutil
import stat
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course import cli
from course.grading import office, records, shelf
from course.grading.office import OfficeError
from tests.grading.fakes import write_kit

# ---------------------------------------------------------------- nnlab course new


@pytest.fixture
def kits(tmp_path):
    write_kit(tmp_path / "kits", "01_small")
    write_kit(tmp_path / "kits", "02_other")
    (tmp_path / "kits" / "03_no_private").mkdir()
    (tmp_path / "kits" / "03_no_private" / "unit.toml").write_text('version = "1.0"')
    return tmp_path / "kits"


@pytest.fixture
def made(kits, tmp_path):
    return office.new_office(tmp_path / "new" / "course", kits, 'Nets, "spring" Ž')


def test_a_new_course_holds_what_it_says(made, kits):
    assert (made.name, list(made.units)) == ('Nets, "spring" Ž', ["01_small", "02_other"])
    assert made.units["01_small"].version == "1.0"
    copied = made.folder / "units" / "01_small" / "private" / "hidden.py"
    assert copied.read_text() == (kits / "01_small" / "private" / "hidden.py").read_text()
    assert stat.S_IMODE(made.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((made.folder / "secret").stat().st_mode) == 0o600
    assert len(made.secret()) == 32
    assert not list(made.folder.parent.glob(".course*")), "the half-made one is gone"
    records.Records(made.folder, write=True).close()
    readme = (made.folder / "README.md").read_text()
    for part in (path.name for path in made.folder.iterdir() if path.name not in ("README.md", ".gitignore")):
        assert part in readme, part


def test_two_courses_have_two_secrets(made, kits, tmp_path):
    assert office.new_office(tmp_path / "second", kits).secret() != made.secret()


def test_git_would_publish_neither_the_secret_nor_the_students_work(made):
    import subprocess

    if not shutil.which("git"):
        pytest.skip("git is not installed")
    for name in ("handed-in/x", "feedback/x", "released/x", "backups/x", "records.sqlite-wal"):
        (made.folder / name).write_text("x")
    subprocess.run(["git", "init", "-q"], cwd=made.folder, check=True)
    seen = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=made.folder, check=True,
                          capture_output=True, text=True).stdout.split()
    assert {name.split("/")[0] for name in seen} == {"course.toml", "README.md", ".gitignore", "units"}


def test_a_folder_that_is_not_empty_is_left_alone(made, kits, capsys):
    before = made.secret()
    assert cli.main(["course", "new", str(made.folder), "--units", str(kits)]) == 1
    assert "is there and not empty" in capsys.readouterr().err
    assert made.secret() == before


def test_from_an_installed_wheel_it_says_where_units_come_from(tmp_path, monkeypatch, capsys):
    wheel = tmp_path / "site-packages" / "course" / "units"
    (wheel / "01_small").mkdir(parents=True)
    (wheel / "01_small" / "unit.toml").write_text('version = "1.0"')
    monkeypatch.setattr(office, "UNITS", wheel)
    assert cli.main(["course", "new", str(tmp_path / "course")]) == 1
    error = capsys.readouterr().err
    assert "clone the project and add --units PROJECT/course/units" in error
    assert error.count("\n") == 1
    assert not (tmp_path / "course").exists()


def test_a_course_that_fails_half_way_leaves_nothing(kits, tmp_path, monkeypatch):
    def full(folder):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(records, "create", full)
    with pytest.raises(OfficeError, match="No space left"):
        office.new_office(tmp_path / "course", kits)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kits"]


# ---------------------------------------------------------------- course.toml


@pytest.mark.parametrize(("text", "words"), [
    ('nam = "x"\n[units]', r"course.toml: unknown word 'nam'; did you mean 'name'\?"),
    ("name = 3\n[units]", "name is 3; expected text, in quotes"),
    ('name = "x"', "units is missing"),
    ("", "name and units are missing"),
    ('name = "x"\n[units.01_small]\nverson = "1.0"', r"01_small\]: unknown word 'verson'; did you mean 'version'"),
    ('name = "x"\n[units.01_small]\nversion = 1.0', "version is 1.0; expected text, in quotes"),
    ('name = "x"\n[units.01_small]', "version is missing"),
    ('name = "x"\n[units]\n01_small = "1.0"', 'expected a table with version = "1.0"'),
    ('name = "x"\n[units."../up"]\nversion = "1"', "named like its folder"),
    ('name = "x', "is not TOML"),
])
def test_course_toml_is_read_strictly(made, text, words):
    (made.folder / "course.toml").write_text(text)
    with pytest.raises(OfficeError, match=words) as told:
        office.open_office(made.folder)
    assert "\n" not in str(told.value)


def test_outside_a_course_folder_one_is_told_how_to_name_it(tmp_path, capsys):
    for command in (["grade", "1"], ["grades", "1"], ["backup"], ["restore"], ["regrade", "1"]):
        assert cli.main([*command, "--course", str(tmp_path)]) == 1
        error = capsys.readouterr().err
        assert "name it with --course FOLDER; nnlab course new FOLDER makes one" in error
        assert error.count("\n") == 1


def test_a_unit_is_found_by_number_name_or_title(made):
    for wanted in ("1", "01", "small", "01_small"):
        assert made.unit(wanted).name == "01_small"
    with pytest.raises(OfficeError, match=r"no unit '01_smal' .*did you mean '01_small'\?"):
        made.unit("01_smal")
    with pytest.raises(OfficeError, match="known are 01_small, 02_other"):
        made.unit("../../x")


# ---------------------------------------------------------------- the secret


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o611])
def test_a_secret_that_others_can_read_is_refused(made, mode):
    (made.folder / "secret").chmod(mode)
    with pytest.raises(OfficeError, match="chmod 600"):
        made.secret()


@pytest.mark.parametrize("text", ["", "abc", "g" * 64, "a" * 63, "é" * 64])
def test_a_secret_that_is_not_one_is_refused(made, text):
    (made.folder / "secret").write_text(text)
    with pytest.raises(OfficeError, match="secret"):
        made.secret()


def test_a_lost_secret_is_not_made_anew(made):
    (made.folder / "secret").unlink()
    with pytest.raises(OfficeError, match="put it back from a copy"):
        made.secret()
    assert not (made.folder / "secret").exists()


# ---------------------------------------------------------------- a copy of everything


def test_a_copy_on_another_disk_is_a_course_folder_that_works(made, tmp_path, capsys):
    with records.Records(made.folder, write=True) as book:
        book.begin("grade")
    target = tmp_path / "usb" / "copy"
    for _ in range(2):  # a second time, over the first
        assert cli.main(["backup", "--to", str(target), "--course", str(made.folder)]) == 0
    copy = office.open_office(target)
    assert copy.secret() == made.secret()
    with records.Records(target) as book:
        assert len(book._all("SELECT * FROM batches")) == 1
    assert stat.S_IMODE(target.stat().st_mode) == 0o700
    assert cli.main(["backup", "--to", str(made.folder / "units"), "--course", str(made.folder)]) == 1
    assert "inside the course folder" in capsys.readouterr().err


# ---------------------------------------------------------------- hostile ids

HOSTILE = ["../../etc/passwd", "..", ".", "", "a/b", "a\\b", "a,b", 'a"b', "a'b", "\u202egpj.exe", "a\0b", "a\nb",
           "x" * 5000, "CON", "con", "con.txt", "ann.", "Ann", "ann", "Žofie", "Z\u030cofie", "\ud800", "~", "007", "7",
           "ann@uni.edu", "1.ipynb", "*", "a b", "a\u00a0b", ".ssh", "=1+1", "-rf"]


def on_disk(name: str) -> str:
    """What the pickiest disk would take two names to be the same by."""
    return unicodedata.normalize("NFC", name).casefold()


def test_no_two_hostile_ids_share_a_file_name_and_each_is_one_plain_component(tmp_path):
    names = [shelf.safe_name(each) for each in HOSTILE]
    assert len({on_disk(name) for name in names}) == len(HOSTILE)
    for name in names:
        assert re.fullmatch(r"[a-z0-9~][a-z0-9_.@+~-]{0,63}", name), name
        assert name.split(".")[0] not in ("con", "nul")
        assert not name.endswith(".")
        (tmp_path / name).mkdir()
    assert len(os.listdir(tmp_path)) == len(HOSTILE)
    assert shelf.safe_name("ann") == "ann"
    assert shelf.safe_name("ann@uni.edu") == "ann@uni.edu"


@given(st.text(max_size=80), st.text(max_size=80))
def test_a_safe_name_is_never_that_of_another(one, other):
    a, b = shelf.safe_name(one), shelf.safe_name(other)
    assert (on_disk(a) == on_disk(b)) == (one == other)
    assert shelf.safe_name(a) == a if "~" not in a else shelf.safe_name(a) != a  # none can pose as another's


def test_what_is_shown_cannot_steer_the_terminal():
    assert shelf.shown("a\x1b[2Jb\u202ec\nd") == "a\\u001b[2Jb\\u202ec\\u000ad"
    assert shelf.shown("Žofie ש") == "Žofie ש"
    assert shelf.storable("a\udcffb\0") == "a\\udcffb\\x00"
