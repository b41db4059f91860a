"""Laying the lessons: what a student changed is never overwritten, whatever happens on the way."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from course import lessons
from course.lessons import LessonsError, fingerprint, lay

ONE, TWO, NEW = "01_neurons.ipynb", "02_init.ipynb", "01_neurons_new.ipynb"
ROOT = Path(__file__).resolve().parents[2]


def tree(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}


# ---------------------------------------------------------------- the ordinary life of a lesson


def test_a_new_folder_gets_every_lesson_byte_for_byte(shelf, student):
    report = lay(shelf, student)
    assert report.new == [ONE, TWO]
    assert tree(student) == tree(shelf)


def test_a_second_run_changes_nothing_and_has_no_news(shelf, student):
    lay(shelf, student)
    before = {path: path.stat().st_mtime_ns for path in student.rglob("*") if path.is_file()}
    report = lay(shelf, student)
    assert report == lessons.Report()
    assert {path: path.stat().st_mtime_ns for path in student.rglob("*") if path.is_file()} == before


def test_running_and_saving_a_lesson_does_not_make_it_the_students(shelf, student, make_notebook):
    lay(shelf, student)
    run = make_notebook("import nnlab", "print('one')", outputs=True, metadata={"language_info": {"name": "python"}})
    (student / ONE).write_bytes(json.dumps(json.loads(run), indent=4).encode())
    (shelf / ONE).write_bytes(make_notebook("import nnlab", "print('better')"))
    report = lay(shelf, student)
    assert report.updated == [ONE]
    assert (student / ONE).read_bytes() == (shelf / ONE).read_bytes()


def test_a_changed_lesson_is_kept_and_nothing_laid_beside_it_while_ours_is_the_same(shelf, student, make_notebook):
    lay(shelf, student)
    mine = make_notebook("import nnlab", "print('mine')")
    (student / ONE).write_bytes(mine)
    report = lay(shelf, student)
    assert report.kept == [ONE]
    assert tree(student) == {ONE: mine, TWO: (shelf / TWO).read_bytes()}


def test_a_cell_turned_into_text_is_a_change(shelf, student, make_notebook):
    lay(shelf, student)
    changed = json.loads((student / ONE).read_bytes())
    changed["cells"][0]["cell_type"] = "markdown"
    (student / ONE).write_text(json.dumps(changed))
    (shelf / ONE).write_bytes(make_notebook("newer"))
    assert lay(shelf, student).kept == [ONE]


def test_the_newer_version_of_a_changed_lesson_is_laid_beside_it_once(shelf, student, make_notebook):
    lay(shelf, student)
    mine = make_notebook("mine")
    (student / ONE).write_bytes(mine)
    (shelf / ONE).write_bytes(make_notebook("newer"))
    report = lay(shelf, student)
    assert report.notes == [f"{ONE} is yours and stays as it is; the newer version is {NEW}."]
    assert tree(student) == {ONE: mine, NEW: (shelf / ONE).read_bytes(), TWO: (shelf / TWO).read_bytes()}
    assert lay(shelf, student).notes == []
    assert len(tree(student)) == 3


def test_the_one_beside_follows_newer_versions_while_the_student_leaves_it_alone(shelf, student, make_notebook):
    lay(shelf, student)
    (student / ONE).write_bytes(make_notebook("mine"))
    for text in ("newer", "newest"):
        (shelf / ONE).write_bytes(make_notebook(text))
        lay(shelf, student)
    assert sorted(tree(student)) == [ONE, NEW, TWO]
    assert (student / NEW).read_bytes() == make_notebook("newest")


def test_the_one_beside_is_the_students_too_once_it_was_changed(shelf, student, make_notebook):
    lay(shelf, student)
    (student / ONE).write_bytes(make_notebook("mine"))
    (shelf / ONE).write_bytes(make_notebook("newer"))
    lay(shelf, student)
    (student / NEW).write_bytes(make_notebook("mine as well"))
    (shelf / ONE).write_bytes(make_notebook("newest"))
    lay(shelf, student)
    assert (student / NEW).read_bytes() == make_notebook("mine as well")
    assert (student / "01_neurons_new2.ipynb").read_bytes() == make_notebook("newest")


def test_the_one_beside_stays_deleted_until_there_is_a_newer_one(shelf, student, make_notebook):
    lay(shelf, student)
    (student / ONE).write_bytes(make_notebook("mine"))
    (shelf / ONE).write_bytes(make_notebook("newer"))
    lay(shelf, student)
    (student / NEW).unlink()
    lay(shelf, student)
    assert not (student / NEW).exists()
    (shelf / ONE).write_bytes(make_notebook("newest"))
    lay(shelf, student)
    assert (student / NEW).read_bytes() == make_notebook("newest")


def test_a_student_who_takes_the_newer_version_over_gets_updates_again(shelf, student, make_notebook):
    lay(shelf, student)
    (student / ONE).write_bytes(make_notebook("mine"))
    (shelf / ONE).write_bytes(make_notebook("newer"))
    lay(shelf, student)
    os.replace(student / NEW, student / ONE)
    lay(shelf, student)
    (shelf / ONE).write_bytes(make_notebook("newest"))
    assert lay(shelf, student).updated == [ONE]
    assert sorted(tree(student)) == [ONE, TWO]


def test_a_deleted_lesson_stays_deleted_even_when_there_is_a_newer_one(shelf, student, make_notebook):
    lay(shelf, student)
    (student / ONE).unlink()
    (shelf / ONE).write_bytes(make_notebook("newer"))
    report = lay(shelf, student)
    assert report.deleted == [ONE]
    assert sorted(tree(student)) == [TWO]


@pytest.mark.parametrize("name", ["1", "01", "01_neurons", "neurons", ONE])
def test_a_deleted_lesson_comes_back_when_asked_for_by_any_of_its_names(shelf, student, name):
    lay(shelf, student)
    (student / ONE).unlink()
    assert lay(shelf, student, restore=(name,)).new == [ONE]
    assert lay(shelf, student).deleted == []


def test_restoring_a_lesson_that_is_there_does_not_touch_it(shelf, student, make_notebook):
    lay(shelf, student)
    (student / ONE).write_bytes(make_notebook("mine"))
    lay(shelf, student, restore=("1",))
    assert (student / ONE).read_bytes() == make_notebook("mine")


def test_a_lesson_added_to_the_course_arrives(shelf, student, make_notebook):
    lay(shelf, student)
    (shelf / "03_training.ipynb").write_bytes(make_notebook("three"))
    assert lay(shelf, student).new == ["03_training.ipynb"]


def test_a_lesson_withdrawn_from_the_course_stays_with_the_student(shelf, student):
    lay(shelf, student)
    (shelf / TWO).unlink()
    lay(shelf, student)
    assert (student / TWO).exists()


def test_a_students_own_notebook_of_the_same_name_is_kept(shelf, student, make_notebook):
    student.mkdir()
    (student / ONE).write_bytes(make_notebook("I was here first"))
    lay(shelf, student)
    assert (student / ONE).read_bytes() == make_notebook("I was here first")
    assert (student / NEW).read_bytes() == (shelf / ONE).read_bytes()


def test_a_lesson_that_does_not_exist_is_answered_with_those_that_do(shelf, student):
    with pytest.raises(LessonsError, match=r"No lesson '7'. There are: 01_neurons, 02_init."):
        lay(shelf, student, restore=("7",))


def test_an_installation_without_lessons_says_so(tmp_path, student):
    with pytest.raises(LessonsError, match="this installation is incomplete"):
        lay(tmp_path, student)


# ---------------------------------------------------------------- damage


@pytest.mark.parametrize(
    "damage", [b"", b"{", b"[]", b"null", b'{"cells": 3}', b'{"cells": [{"source": "x"}]}', b"\xff\xfe", b"[" * 99999]
)
def test_a_damaged_notebook_is_left_and_a_good_copy_laid_beside_it_once(shelf, student, damage):
    lay(shelf, student)
    (student / ONE).write_bytes(damage)
    report = lay(shelf, student)
    assert report.notes[0] == f"{ONE} cannot be read as a notebook: it stays as it is, a good copy lies beside it."
    assert (student / ONE).read_bytes() == damage
    assert (student / NEW).read_bytes() == (shelf / ONE).read_bytes()
    lay(shelf, student)
    assert len(tree(student)) == 3


def test_a_folder_where_a_lesson_should_be_is_left_alone(shelf, student):
    (student / ONE).mkdir(parents=True)
    (student / ONE / "mine.txt").write_text("mine")
    lay(shelf, student)
    assert (student / ONE / "mine.txt").read_text() == "mine"
    assert (student / NEW).exists()


@pytest.mark.parametrize(
    "damage",
    [
        "",
        "{",
        "[]",
        '{"lessons": []}',
        '{"lessons": {"01_neurons.ipynb": 1}}',
        '{"lessons": {"a": {"base": 1, "beside": {}}}}',
    ],
)
def test_with_a_damaged_manifest_nothing_is_overwritten_and_it_is_said_once(shelf, student, make_notebook, damage):
    lay(shelf, student)
    (student / ONE).write_bytes(make_notebook("mine"))
    (shelf / ONE).write_bytes(make_notebook("newer"))
    (student / ".nnlab" / "lessons.json").write_text(damage)
    report = lay(shelf, student)
    assert report.notes[0].startswith(".nnlab/lessons.json was damaged")
    assert (student / ONE).read_bytes() == make_notebook("mine")
    assert (student / NEW).read_bytes() == make_notebook("newer")
    assert lay(shelf, student).notes == []


def test_a_lesson_saved_while_it_was_being_updated_is_not_overwritten(shelf, student, make_notebook, monkeypatch):
    lay(shelf, student)
    (shelf / ONE).write_bytes(make_notebook("newer"))
    sync = os.fsync

    def save_meanwhile(descriptor):
        (student / ONE).write_bytes(make_notebook("saved at that very moment"))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", save_meanwhile)
    report = lay(shelf, student)
    assert report.failed == [ONE]
    assert (student / ONE).read_bytes() == make_notebook("saved at that very moment")


# ---------------------------------------------------------------- cut short

# Ends the process, as a power cut would, at the n-th time it opens, renames, removes or makes a file
# in the student's folder. What it had in hand is simply gone: no `finally` runs.
CUT_SHORT = textwrap.dedent("""
    import os, sys
    from pathlib import Path
    root, shelf, student, left = sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
    sys.path.insert(0, root)
    from course import lessons

    def count(event, arguments):
        global left
        touched = event in ("open", "os.rename", "os.remove", "os.mkdir") and student in str(arguments[0])
        if touched:
            left -= 1
            if left < 0:
                os._exit(9)

    sys.addaudithook(count)
    lessons.lay(shelf, Path(student))
""")


def lay_cut_short(shelf: Path, student: Path, after: int) -> bool:
    """Lay the lessons in a process that dies after so many file operations; whether it died."""
    command = [sys.executable, "-S", "-c", CUT_SHORT, str(ROOT), str(shelf), str(student), str(after)]
    code = subprocess.run(command).returncode
    assert code in (0, 9)
    return code == 9


def arrange(student: Path, shelf: Path, make_notebook) -> None:
    """A student who changed lesson 1, left 2 and 3, and deleted 4; then newer versions of all, and a lesson 5."""
    for number in (3, 4):
        (shelf / f"0{number}_more.ipynb").write_bytes(make_notebook(f"old {number}"))
    lay(shelf, student)
    (student / ONE).write_bytes(make_notebook("mine"))
    (student / "04_more.ipynb").unlink()
    for path in [*shelf.iterdir(), shelf / "05_more.ipynb"]:
        path.write_bytes(make_notebook(f"newer {path.name}"))


def test_cut_short_at_any_file_operation_nothing_is_lost_and_the_next_run_mends_it(shelf, tmp_path, make_notebook):
    arrange(tmp_path / "whole", shelf, make_notebook)
    lay(shelf, tmp_path / "whole")
    expected = tree(tmp_path / "whole")
    mended = 0
    for after in range(200):
        student = tmp_path / f"cut {after}"
        arrange_again = tmp_path / f"shelf {after}"
        arrange_again.mkdir()
        for name in (ONE, TWO):
            (arrange_again / name).write_bytes(make_notebook("old"))
        arrange(student, arrange_again, make_notebook)
        died = lay_cut_short(arrange_again, student, after)
        assert (student / ONE).read_bytes() == make_notebook("mine")
        for name in (TWO, "03_more.ipynb"):
            assert (student / name).read_bytes() in (make_notebook("old"), make_notebook("old 3"), expected[name])
        lay(arrange_again, student)
        assert tree(student) == expected
        assert lay(arrange_again, student).notes == []
        if not died:
            break
        mended += 1
    assert mended > 15, "the cuts did not reach the copying"


def test_what_a_dead_run_left_half_written_is_cleared_away_when_it_is_old(shelf, student):
    lay(shelf, student)
    old, young = student / ".nnlab" / "a.1.part", student / ".nnlab" / "b.2.part"
    for path in (old, young):
        path.write_bytes(b"half")
    os.utime(old, (0, 0))
    lay(shelf, student)
    assert not old.exists()
    assert young.exists(), "it may belong to a run that is writing it now"


# ---------------------------------------------------------------- folders and disks that do not serve


def refuse(monkeypatch, what: str, number: int, only: str = "") -> None:
    """Let `os.<what>` fail with errno `number`, for paths that end in `only`."""
    true = getattr(os, what)

    def failing(*arguments, **options):
        if str(arguments[-1]).endswith(only) or not only:
            raise OSError(number, os.strerror(number), str(arguments[-1]))
        return true(*arguments, **options)

    monkeypatch.setattr(os, what, failing)


def test_a_full_disk_is_one_line_and_leaves_what_was_there(shelf, student, make_notebook, monkeypatch):
    lay(shelf, student)
    (shelf / ONE).write_bytes(make_notebook("newer"))
    before = tree(student)
    refuse(monkeypatch, "fsync", errno.ENOSPC)
    report = lay(shelf, student)
    assert report.failed == [ONE]
    assert report.notes[0] == f"{ONE} was not laid: the disk of {student} is full. Free some space and run again."
    assert tree(student) == before
    assert list((student / ".nnlab").glob("*.part")) == []


def test_a_disk_too_full_for_any_lesson_ends_the_run(shelf, student, monkeypatch):
    refuse(monkeypatch, "fsync", errno.ENOSPC)
    with pytest.raises(LessonsError, match="is full"):
        lay(shelf, student)


def test_a_lesson_open_in_another_program_is_named_and_the_others_updated(shelf, student, make_notebook, monkeypatch):
    lay(shelf, student)
    for name in (ONE, TWO):
        (shelf / name).write_bytes(make_notebook("newer"))
    before = (student / ONE).read_bytes()
    monkeypatch.setattr(lessons.time, "sleep", lambda seconds: None)
    refuse(monkeypatch, "replace", errno.EACCES, only=ONE)
    report = lay(shelf, student)
    assert report.updated == [TWO]
    assert report.failed == [ONE]
    assert "another program has it open" in report.notes[0]
    assert (student / ONE).read_bytes() == before
    monkeypatch.undo()
    assert lay(shelf, student).updated == [ONE]


def test_a_file_held_for_a_moment_is_waited_for(shelf, student, make_notebook, monkeypatch):
    lay(shelf, student)
    (shelf / ONE).write_bytes(make_notebook("newer"))
    true, tries = os.replace, []

    def held(source, target):
        tries.append(target)
        if len(tries) < 3:
            raise PermissionError(errno.EACCES, "held by a virus scanner", str(target))
        true(source, target)

    monkeypatch.setattr(os, "replace", held)
    assert lay(shelf, student).updated == [ONE]


@pytest.mark.parametrize("below", ["", "deeper/still"])
def test_a_file_where_a_folder_should_be_is_named(shelf, tmp_path, below):
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(LessonsError, match=r"taken is a file, but a folder is needed there.*nnlab lab FOLDER"):
        lay(shelf, tmp_path / "taken" / below)
    assert (tmp_path / "taken").read_text() == "a file"


def test_a_file_in_place_of_the_hidden_folder_is_named(shelf, student):
    student.mkdir()
    (student / ".nnlab").write_text("")
    with pytest.raises(LessonsError, match=r"\.nnlab is a file"):
        lay(shelf, student)


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS])
def test_a_folder_that_is_not_writable_is_one_line_that_names_another_way(shelf, student, monkeypatch, number):
    refuse(monkeypatch, "mkdir", number)
    with pytest.raises(LessonsError, match=r"No right to write to .*Žofie\. Name another folder: nnlab lab FOLDER"):
        lay(shelf, student)


# ---------------------------------------------------------------- the comparison itself


def test_only_kinds_and_sources_count(make_notebook):
    plain = make_notebook("a\nb", "c")
    joined = json.loads(plain)
    for cell in joined["cells"]:
        cell["source"] = "".join(cell["source"])
    assert fingerprint(plain) == fingerprint(json.dumps(joined).encode())
    assert fingerprint(plain) == fingerprint(make_notebook("a\nb", "c", outputs=True))
    assert fingerprint(plain) != fingerprint(make_notebook("a\nb", "c "))
    assert fingerprint(plain) != fingerprint(make_notebook("c", "a\nb"))
    assert fingerprint(make_notebook("ab", "")) != fingerprint(make_notebook("a", "b"))


def test_the_lessons_of_a_checkout_lie_in_its_folder_notebooks():
    assert lessons.shipped_folder() == ROOT / "notebooks"
