"""Grading many: the same grades whatever happens on the way, be it kill -9, Ctrl-C, a dying worker or a full disk."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import uuid

import pytest

from course.grading import desk, shelf, store
from course.grading.records import Records
from tests.grading.conftest import ROOT, STUDENTS

GRADES = """\
student,alpha,beta,why,raw,penalty,total,of,notes\r
../../etc,0,2.5,pending,pending,0,pending,8.5,\r
'=1+1,1,2.5,pending,pending,0,pending,8.5,\r
ann,4,2.5,pending,pending,0,pending,8.5,\r
bob,1,0,pending,pending,0,pending,8.5,\r
"Žofie, ""the"" 'great'",4,0,pending,pending,0,pending,8.5,\r
"""


def rows(course, table="gradings"):
    with Records(course.folder) as book:
        return book._all(f"SELECT * FROM {table}")


def grades(course) -> str:
    return course.csv().decode("utf-8-sig")


# ---------------------------------------------------------------- the way of a unit


def test_collect_grade_grades(course, capsys):
    assert course.nnlab("grade", "1") == 0
    said = capsys.readouterr().out
    assert "graded 5 of 5" in said
    assert "01_small: 5 graded\n5 of 5 have pending exercises" in said
    assert grades(course) == GRADES
    capsys.readouterr()
    assert course.nnlab("grades", "1") == 0
    assert "ann\t4\t2.5\tpending\tpending\t0\tpending\t8.5\t\n" in capsys.readouterr().out


def test_four_jobs_and_one_give_the_same_grades(course, tmp_path):
    shutil.copytree(course.folder, tmp_path / "second")
    assert course.nnlab("grade", "1", "--jobs", "1") == 0
    one = course.csv()
    course.folder = tmp_path / "second"
    assert course.nnlab("grade", "1", "--jobs", "4") == 0
    assert course.csv() == one
    assert one.decode("utf-8-sig") == GRADES


def test_what_is_graded_is_not_graded_again_unless_asked(course, capsys):
    for _ in range(2):
        assert course.nnlab("grade", "1") == 0
    assert "01_small: 0 graded, 5 before" in capsys.readouterr().out
    assert len(rows(course)) == 5
    assert course.nnlab("grade", "1", "--again") == 0
    assert len(rows(course)) == 10
    assert grades(course) == GRADES


def test_only_the_newest_attempt_is_graded_and_taking_a_file_twice_changes_nothing(course, capsys):
    assert course.nnlab("collect", "1", course.hand_in(STUDENTS)) == 0
    assert "0 new, 5 known already" in capsys.readouterr().out
    assert course.nnlab("collect", "1", course.hand_in({"bob": {"alpha": 9, "beta": 9}}, "late")) == 0
    assert course.nnlab("grade", "1") == 0
    assert len(rows(course)) == 5
    assert "bob,4,0,pending" in grades(course)
    assert course.nnlab("collect", "1", course.hand_in(STUDENTS)) == 0
    assert "bob: an older attempt came again and was left" in capsys.readouterr().out
    assert "bob,4,0,pending" in grades(course)
    assert course.nnlab("collect", "1", course.hand_in(STUDENTS), "--again") == 0
    assert "bob,pending,pending,pending,pending,0,pending,,not graded yet" in grades(course)
    assert course.nnlab("grade", "1") == 0
    assert grades(course) == GRADES


def test_every_submission_gets_a_row_also_one_that_is_no_notebook(course, capsys):
    assert course.nnlab("collect", "1", course.hand_in({"cid": "", "dan": "\x7fELF"}, "broken")) == 0
    assert "0.ipynb: not a notebook" in capsys.readouterr().out
    assert course.nnlab("grade", "1") == 0
    assert "dan: 0, not a notebook: \\u007fELF" in capsys.readouterr().out
    assert "cid,0,0,0,0,0,0,8.5,not a notebook: \r\n" in grades(course)
    with Records(course.folder) as book:
        graded = book.graded(next(row["id"] for row in rows(course) if row["refused"]))
    assert [each.status for each in graded.exercises] == ["missing"] * 3


def test_hostile_ids_stay_inside_the_folder_and_reach_the_judge_as_they_are(course):
    stored = {row["student"]: row["stored"] for row in rows(course, "submissions")}
    assert set(stored) == set(STUDENTS)
    for student, path in stored.items():
        assert path == f"handed-in/01_small/{shelf.safe_name(student)}/1.ipynb"
        assert (course.folder / path).resolve().is_relative_to(course.folder / "handed-in" / "01_small")


def test_a_file_that_was_changed_after_the_hand_in_is_not_graded(course, capsys):
    (course.folder / "handed-in/01_small/ann/1.ipynb").write_text('{"alpha": 9, "beta": 2}')
    (course.folder / "handed-in/01_small/bob/1.ipynb").unlink()
    assert course.nnlab("grade", "1") == 1
    said = capsys.readouterr().out
    assert "01_small: 3 graded" in said
    assert "ann/1.ipynb was changed after it was handed in" in said
    assert "bob/1.ipynb: No such file" in said
    assert "ann,pending,pending,pending,pending,0,pending,,not graded yet" in grades(course)


# ---------------------------------------------------------------- what a person changes


def test_an_override_counts_with_its_reason_and_the_newest_wins(course, capsys):
    course.nnlab("grade", "1")
    assert course.nnlab("override", "1", "ann", "why", 1, "--reason", "half of it") == 0
    assert course.nnlab("override", "1", "ann", "why", 1.5, "--reason", "=read again") == 0
    assert "ann, why: 1 -> 1.5" in capsys.readouterr().out
    assert "ann,4,2.5,1.5,8,0,8,8.5,why set to 1.5: =read again" in grades(course)
    assert [row["points"] for row in rows(course, "overrides")] == [1, 1.5]


@pytest.mark.parametrize(("arguments", "words"), [
    (("ann", "why", "2.1"), "why is worth 0 to 2 points, not 2.1"), (("ann", "why", "nan"), "not nan"),
    (("ann", "wy", "1"), "no exercise 'wy': there are alpha, beta, why"), (("anna", "why", "1"), "nobody called anna"),
    (("ann", "why", "1", "--reason", " "), "needs a reason"),
])
def test_an_override_that_makes_no_sense_is_refused(course, capsys, arguments, words):
    course.nnlab("grade", "1")
    capsys.readouterr()
    assert course.nnlab("override", "1", "--reason", "x", *arguments) == 1
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1
    assert rows(course, "overrides") == []


def test_a_regrade_is_shown_before_it_counts_and_nobody_falls(course, capsys):
    course.nnlab("grade", "1")
    course.mend("call() < 5", "call() < 4")  # bob's 4 is now enough
    course.mend("call() % 2", "call() != 2 and call() != 3", "graded.py")  # an error: =1+1 and ../../etc would lose
    assert course.nnlab("grade", "1") == 0
    assert "5 stand by other checks or another protection" in capsys.readouterr().out
    assert course.nnlab("regrade", "1") == 0
    said = capsys.readouterr().out
    assert "1 change:\n  bob: alpha 1 -> 4, beta 0 -> 2.5\n" in said
    assert "2 would lose points and do not (--let-fall lets them):\n  ../../etc: beta 2.5 -> 0\n  =1+1: beta" in said
    assert "Nothing has changed yet" in said
    assert grades(course) == GRADES
    assert course.nnlab("regrade", "1", "--yes") == 0
    assert len(rows(course)) == 10, "what was judged for the preview is not judged again"
    better = GRADES.replace("bob,1,0", "bob,4,2.5")
    assert grades(course) == better
    assert course.nnlab("regrade", "1", "--yes") == 0
    assert "--again" in capsys.readouterr().out
    assert course.nnlab("regrade", "1", "--yes", "--let-fall") == 0
    assert grades(course) == better.replace("etc,0,2.5", "etc,0,0").replace("+1,1,2.5", "+1,1,0")
    assert len(rows(course)) == 10


def test_a_regrade_of_one_student_leaves_the_others(course, capsys):
    course.nnlab("grade", "1")
    course.mend("call() < 5", "call() < 3")
    assert course.nnlab("regrade", "1", "--student", "bob", "--yes") == 0
    assert grades(course) == GRADES.replace("bob,1", "bob,4")
    assert course.nnlab("regrade", "1", "--student", "nobody") == 1
    assert "no grade of nobody to judge again" in capsys.readouterr().err


def test_without_a_sandbox_every_grade_says_so_and_gives_way_to_one_made_inside(course, capsys):
    assert course.nnlab("grade", "1", "--unsafe") == 0
    assert grades(course).count("judged without a sandbox") == 5
    course.nnlab("regrade", "1", "--yes")
    assert grades(course) == GRADES


def test_a_kit_of_another_version_than_the_assigned_is_refused(course, capsys):
    course.mend('version = "1.0"', 'version = "1.1"', "unit.toml")
    assert course.nnlab("grade", "1") == 1
    assert "is version 1.1; course.toml says that 1.0 was assigned" in capsys.readouterr().err


# ---------------------------------------------------------------- workers that die, a judge that fails


def test_a_worker_that_dies_costs_nobody_else_and_its_submission_is_left_to_a_person(course, tmp_path, capsys):
    mark = str(tmp_path / "mark")
    course.nnlab("collect", "1", course.hand_in({
        "eve": {"do": "die"}, "fay": {"do": "raise"}, "gus": {"do": "swap"},
        "hal": {"do": "die once", "mark": mark, "alpha": 5, "beta": 2}}, "bad"))
    assert course.nnlab("grade", "1", "--jobs", "2") == 1
    said = capsys.readouterr().out
    assert "eve: pending, the judge itself failed: its process died" in said
    assert "fay: pending, the judge itself failed: ValueError: a defect of the judge" in said
    assert "gus: pending, the judge itself failed: it answered for another submission" in said
    csv = grades(course)
    assert "eve,pending,pending,pending,pending,0,pending,8.5,the judge itself failed" in csv
    assert "hal,4,2.5,pending" in csv
    assert [line for line in csv.splitlines() if line[:3] not in ("eve", "fay", "gus", "hal")] == GRADES.splitlines()
    assert len(rows(course)) == 9, "one row each"
    assert course.nnlab("grade", "1") == 1
    assert len(rows(course)) == 12, "what the judge failed on is tried again"


def test_without_a_sandbox_the_batch_ends_in_one_line_and_costs_nobody(course, capsys):
    course.nnlab("collect", "1", course.hand_in({"zoe": {"do": "outage"}}, "bad"))
    assert course.nnlab("grade", "1", "--jobs", "1") == 1
    error = capsys.readouterr().err
    assert error == "nnlab: no sandbox works here\n"
    assert "zoe,pending,pending,pending,pending,0,pending,,not graded yet" in grades(course)
    assert {row["outcome"].split(":")[0] for row in rows(course, "ends")} == {"done", "ended by Stopped"}


def test_a_kit_that_changes_under_a_batch_ends_it(course, monkeypatch, capsys):
    real = desk.Bench.judge

    def changed(self, *arguments):
        course.mend("call() < 5", "call() < 1")
        return real(self, *arguments)

    monkeypatch.setattr(desk.Bench, "judge", changed)
    assert course.nnlab("grade", "1") == 1
    assert "changed while it was being used" in capsys.readouterr().err
    assert rows(course) == []


# ---------------------------------------------------------------- killed, and gone on with


def processes(word: str) -> list[str]:
    """The processes that have `word` in their environment."""
    found = []
    for folder in filter(str.isdecimal, os.listdir("/proc")):
        with contextlib.suppress(OSError), open(f"/proc/{folder}/environ", "rb") as file:
            if word.encode() in file.read():
                found.append(folder)
    return found


def nobody_left(word: str) -> bool:
    deadline = time.monotonic() + 10
    while processes(word) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not processes(word)


KEPT = {"before the batch": 0, "after the batch row": 0, "before a grading": 2, "inside a grading": 3,
        "after a grading": 4, "before the end": 5, "before the backup": 5, "inside the backup": 5}


@pytest.mark.parametrize(("stage", "journal"), [*((stage, "wal") for stage in KEPT), ("inside a grading", "delete"),
                                                ("after a grading", "delete")])
def test_killed_at_any_stage_of_grading_the_same_command_goes_on_to_the_same_grades(course, stage, journal):
    mark = f"mark-{uuid.uuid4()}"  # another run of these tests on this machine has another
    assert course.killed(stage, "grade", "1", "--jobs", "2", TEST_JOURNAL=journal, MARK=mark) == -signal.SIGKILL
    assert nobody_left(mark), "workers outlive the command"
    assert len(rows(course)) == KEPT[stage]
    assert course.nnlab("grade", "1") == 0
    assert len(rows(course)) == 5
    assert grades(course) == GRADES
    assert store.backups(course.folder)


@pytest.mark.parametrize("stage", ["before a file", "between file and row", "before the backup"])
def test_killed_at_any_stage_of_collecting_the_same_command_goes_on(empty, stage):
    folder = empty.hand_in(STUDENTS)
    assert empty.killed(stage, "collect", "1", folder) == -signal.SIGKILL
    assert empty.nnlab("collect", "1", folder) == 0
    assert len(rows(empty, "submissions")) == 5
    assert {row["attempt"] for row in rows(empty, "submissions")} == {1}
    assert empty.nnlab("grade", "1") == 0
    assert grades(empty) == GRADES


def test_killed_in_mid_regrade_it_goes_on_to_the_same_grades(course):
    course.nnlab("grade", "1")
    course.mend("call() < 5", "call() < 3")
    for stage in ("after a grading", "before the end"):
        assert course.killed(stage, "regrade", "1", "--yes") in (-signal.SIGKILL, 0)
    assert course.nnlab("regrade", "1", "--yes") == 0
    assert len(rows(course)) == 10
    assert grades(course) == GRADES.replace("bob,1", "bob,4").replace("'=1+1,1", "'=1+1,4")


def test_killed_again_and_again_at_any_moment_it_comes_to_the_same_grades(empty):
    slow = {f"s{n:02}": {"alpha": n % 7, "beta": n % 3, "seconds": 0.1} for n in range(30)}
    empty.nnlab("collect", "1", empty.hand_in(slow))
    whole = empty.folder.with_name("whole")
    shutil.copytree(empty.folder, whole)
    rng, command = random.Random(0), [sys.executable, "-m", "tests.grading.fakes", "never", "grade", "1", "--jobs", "2",
                                      "--course", str(empty.folder)]
    kills, kept = 0, 0
    for _ in range(6):
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline, wanted = time.monotonic() + 60, kept + rng.randint(1, 5)
        while process.poll() is None and len(rows(empty)) < wanted and time.monotonic() < deadline:
            time.sleep(rng.uniform(0.001, 0.02))
        time.sleep(rng.uniform(0, 0.1))
        process.kill()
        kills += process.wait() == -signal.SIGKILL
        kept = len(rows(empty))
    assert kills >= 4
    assert empty.nnlab("grade", "1") == 0
    assert sorted(row["submission"] for row in rows(empty)) == list(range(1, 31)), "each exactly once"
    killed = empty.csv()
    empty.folder = whole
    assert empty.nnlab("grade", "1") == 0
    assert empty.csv() == killed


@pytest.mark.usefixtures("ctrl_c_is_heard")
def test_ctrl_c_ends_in_one_line_at_once_leaves_nobody_behind_and_goes_on(empty):
    slow = {f"s{n}": {"alpha": n, "beta": 2, "seconds": 0.5 if n < 2 else 30} for n in range(6)}
    empty.nnlab("collect", "1", empty.hand_in(slow))
    mark = f"mark-{uuid.uuid4()}"
    command = [sys.executable, "-m", "tests.grading.fakes", "never", "grade", "1", "--jobs", "2"]
    process = subprocess.Popen([*command, "--course", str(empty.folder)], cwd=ROOT, env={**os.environ, "MARK": mark},
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True)
    deadline = time.monotonic() + 60
    while len(rows(empty)) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    began = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: the whole group
    _, error = process.communicate(timeout=25)
    assert time.monotonic() - began < 25, "it waited for what was being judged"
    assert process.returncode == 130
    assert error == "nnlab: interrupted; everything recorded is kept; the same command goes on: nnlab grade 1\n"
    assert nobody_left(mark)
    assert len(rows(empty)) == 2
    assert rows(empty, "ends")[-1]["outcome"].startswith("ended by KeyboardInterrupt")


# ---------------------------------------------------------------- two at once, a full disk, damage


def test_two_graders_on_one_record_are_one(course, capsys):
    with Records(course.folder, write=True):
        for command in (["grade", "1"], ["collect", "1", course.hand_in(STUDENTS)], ["backup"], ["restore", "--yes"],
                        ["override", "1", "ann", "why", "1", "--reason", "x"]):
            assert course.nnlab(*command) == 1
            assert f"being written by process {os.getpid()} on" in capsys.readouterr().err
        assert course.nnlab("grades", "1") == 0
    assert course.nnlab("grade", "1") == 0


def test_a_full_disk_ends_the_batch_in_one_line_and_keeps_what_was_recorded(course, monkeypatch, capsys):
    real = store.connect

    def small(path, steps, write):
        db = real(path, steps, write)
        pages = db.execute("PRAGMA page_count").fetchone()[0]
        db.execute(f"PRAGMA max_page_count={pages + 1}")  # SQLite then says that the disk is full
        return db

    big = {f"t{n}": {"alpha": 5, "beta": 2} for n in range(40)}
    course.nnlab("collect", "1", course.hand_in(big, "big"))
    capsys.readouterr()
    monkeypatch.setattr(store, "connect", small)
    assert course.nnlab("grade", "1") == 1
    error = capsys.readouterr().err
    assert error == (f"nnlab: the disk of {course.folder} is full: everything recorded before is kept; free some "
                     "space, then run the same command again to go on\n")
    kept = len(rows(course))
    assert 0 < kept < 45
    monkeypatch.setattr(store, "connect", real)
    assert course.nnlab("grade", "1") == 0
    assert len(rows(course)) == 45
    assert GRADES.splitlines()[1] in grades(course)


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 8 MB, where this process may mount one."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", place], capture_output=True)
    if mounted.returncode:
        pytest.skip("only root may mount a small disk")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


@pytest.mark.parametrize("journal", ["wal", "delete"])
@pytest.mark.parametrize("room", [0, 60_000])
def test_a_disk_that_is_really_full(course, small_disk, monkeypatch, capsys, journal, room):
    monkeypatch.setattr(store, "journal", lambda folder: journal)
    course.nnlab("collect", "1", course.hand_in({f"t{n}": {"alpha": 5, "beta": 2} for n in range(60)}, "big"))
    late = course.hand_in({"new": {"alpha": 5}}, "late")
    shutil.copytree(course.folder, small_disk / "course")
    (small_disk / "course").chmod(0o700)
    course.folder = small_disk / "course"
    filler = small_disk / "filler"
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"x" * 4096)
    os.truncate(filler, filler.stat().st_size - room)
    capsys.readouterr()
    assert course.nnlab("grade", "1") == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "full" in error
    if not room:
        assert course.nnlab("collect", "1", late) == 1
        assert "full" in capsys.readouterr().err
    filler.unlink()
    assert len(rows(course)) < 65
    assert course.nnlab("collect", "1", late) == 0
    assert course.nnlab("grade", "1") == 0
    assert len(rows(course)) == 66
    assert grades(course).count("\n") == 67


def test_a_record_damaged_in_mid_batch_is_restored_and_graded_to_the_same(course, capsys):
    course.nnlab("grade", "1")
    course.nnlab("override", "1", "ann", "why", 2, "--reason", "well said")
    before = course.csv()
    course.killed("after a grading", "grade", "1", "--again")
    path = course.folder / store.FILE
    for tail in ("-wal", "-shm"):
        path.with_name(path.name + tail).unlink(missing_ok=True)
    path.write_bytes(path.read_bytes()[:7000])
    capsys.readouterr()
    for command in (["grade", "1"], ["grades", "1"], ["backup"]):
        assert course.nnlab(*command) == 1
        error = capsys.readouterr().err
        assert "is damaged" in error
        assert f"nnlab restore --course {course.folder}" in error
        assert error.count("\n") == 1
    assert course.nnlab("restore") == 0
    assert "with 5 gradings. What was there is in replaced-" in capsys.readouterr().out
    assert course.csv() == before
    assert course.nnlab("grade", "1") == 0
    assert course.csv() == before
    with contextlib.closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
