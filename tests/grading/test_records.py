"""The record: rows are added and never changed, one program writes, and what damages it is told and mended."""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time

import pytest

from course.grading import backups, records, standing, store, tally
from course.grading.office import Office, Unit
from course.grading.records import Records
from course.grading.results import PENDING, CheckResult, ExerciseResult, Graded
from tests.grading.conftest import ROOT

TABLES = ("batches", "ends", "submissions", "gradings", "exercises", "checks", "adoptions", "overrides", "releases",
          "feedback", "requests", "decisions", "marks")


def a_grade(*points: float | None, level: str = "bubblewrap", sha: str = "s") -> Graded:
    """One exercise for each number of points, of 5; None is pending."""
    exercises = [ExerciseResult(f"e{n}", 5, PENDING if each is None else "graded",
                                [] if each is None else [CheckResult("right", True, each, True, "", "odd")],
                                ["a note"], "out", "ValueError", ["a flag"], "words")
                 for n, each in enumerate(points)]
    return Graded("01_small", "1.0", "kit", sha, "ann", level, {"cpu_seconds": 5}, exercises, ["noted"], "", 0.25)


@pytest.fixture
def folder(tmp_path):
    records.create(tmp_path)
    return tmp_path


@pytest.fixture
def filled(folder):
    """A record with a row in every table, closed."""
    with Records(folder, write=True) as book:
        batch = book.begin("grade", "01_small")
        submission = book.add_submission(batch, "01_small", "ann", 1, "s", 3, "handed-in/x", "x.ipynb", "")
        grading = book.add_grading(batch, submission, a_grade(3, None), "2026-01-01T00:00:00+00:00", proposed=True)
        book.adopt([grading], let_fall=False)
        book.add_override("01_small", "ann", "e1", 2, "why not", grading)
        book.add_releases([dict(unit="01_small", version="1.0", kit="kit", student="", file="x", sha256="s")])
        book.add_feedback(grading, "feedback/x", "s")
        book.decide(book.add("requests", at="x", who="x", unit="01_small", student="ann", exercise="e1", claim="c",
                             points=None, grading=grading), False, "no", grading, None)
        book.add_mark("maria", "01_small", "ann", "e1", "a", 2, "says why", "", grading)
        assert book.end(batch, "done").exists()
    return folder


# ---------------------------------------------------------------- rows


def test_a_grading_comes_back_as_the_judge_gave_it(filled):
    with Records(filled) as book:
        assert book.graded(1) == a_grade(3, None)


def test_every_table_refuses_to_change_delete_or_replace_a_row(filled):
    db = sqlite3.connect(filled / store.FILE)
    tables = [name for name, in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    assert sorted(tables) == sorted(TABLES)
    for table in tables:
        before = db.execute(f"SELECT * FROM {table}").fetchall()
        assert before, table
        for command in (f"UPDATE {table} SET id = 7", f"DELETE FROM {table}",
                        f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                db.execute(command)
            assert db.execute(f"SELECT * FROM {table}").fetchall() == before
    db.close()


def test_a_grading_is_there_whole_or_not_at_all(folder, monkeypatch):
    with Records(folder, write=True) as book:
        submission = book.add_submission(book.begin("grade"), "01_small", "ann", 1, "s", 3, "x", "x", "")
        bad = a_grade(3, 4)
        bad.exercises[1].checks[0].title = None  # refused by the last table but one row
        with pytest.raises(store.RecordsError, match="NOT NULL"):
            book.add_grading(1, submission, bad, "now")
        assert [book._all(f"SELECT * FROM {table}") for table in ("gradings", "exercises", "checks")] == [[], [], []]
        assert book.add_grading(1, submission, a_grade(3, 4), "now") == 1


def test_a_reader_cannot_write_and_reads_while_another_writes(filled):
    with Records(filled, write=True) as book:
        book.begin("grade")
        with Records(filled) as reader:
            assert len(reader._all("SELECT * FROM batches")) == 2
            with pytest.raises(store.RecordsError, match="readonly"):
                reader.begin("grade")


# ---------------------------------------------------------------- which grading counts


@pytest.mark.parametrize(("made", "counts"), [
    ([dict(points=(3, 1))], 0),
    ([dict(points=(3, 1)), dict(points=(2, 1.5))], 0),  # lower in sum: the earlier stays
    ([dict(points=(3, 1)), dict(points=(2, 2))], 1),  # as high: the newer
    ([dict(points=(3, 1)), dict(points=(2, 1), proposed=True, adopt=True)], 1),
    ([dict(points=(3, 1)), dict(points=(4, 1), proposed=True)], 0),  # nobody let it count
    ([dict(points=(3, 1)), dict(points=(4, 1), proposed=True, adopt=False)], 1),
    ([dict(points=(3, 1)), dict(points=(2, 1), proposed=True, adopt=False)], 0),
    ([dict(points=(5, 5), level="unsafe"), dict(points=(1, 0))], 1),  # a forged grade does not outlive a sandbox
    ([dict(points=(1, 0)), dict(points=(5, 5), level="unsafe", proposed=True, adopt=True)], 0),
    ([dict(points=(3, 1)), dict(points=(None, None), failed=True, proposed=True, adopt=True)], 0),
    ([dict(points=(None, None), failed=True), dict(points=(0, 0))], 1),
])
def test_which_grading_counts(folder, made, counts):
    office = Office(folder, "c", {"01_small": Unit("01_small", "1.0")})
    with Records(folder, write=True) as book:
        batch = book.begin("grade")
        submission = book.add_submission(batch, "01_small", "ann", 1, "s", 3, "x", "x", "")
        for each in made:
            graded = a_grade(*each["points"], level=each.get("level", "bubblewrap"))
            grading = book.add_grading(batch, submission, graded, "now", each.get("failed", False),
                                       each.get("proposed", False))
            if "adopt" in each:
                book.adopt([grading], let_fall=each["adopt"])
        assert tally.standings(office, book, "01_small")[0].grading == counts + 1


def test_points_are_those_of_the_newest_override_and_pending_is_never_0(folder):
    office = Office(folder, "c", {"01_small": Unit("01_small", "1.0")})
    with Records(folder, write=True) as book:
        batch = book.begin("grade")
        for student in ("ann", "bob"):
            submission = book.add_submission(batch, "01_small", student, 1, "s", 3, "x", "x", "")
            grading = book.add_grading(batch, submission, a_grade(3, None), "now")
        rows = standing.table(tally.standings(office, book, "01_small"))
        assert rows == [["student", "e0", "e1", "raw", "penalty", "total", "of", "notes"],
                        ["ann", "3", "pending", "pending", "0", "pending", "10", ""],
                        ["bob", "3", "pending", "pending", "0", "pending", "10", ""]]
        book.add_override("01_small", "bob", "e1", 1, "first", grading)
        book.add_override("01_small", "bob", "e1", 2.5, "second", grading)
        book.add_override("02_other", "bob", "e0", 0, "of another unit", grading)
        rows = standing.table(tally.standings(office, book, "01_small"))
        assert rows[2] == ["bob", "3", "2.5", "5.5", "0", "5.5", "10", "e1 set to 2.5: second"]
        assert rows[1][2] == "pending"


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "\n=1", "  =1"])
def test_a_cell_that_a_spreadsheet_would_compute_is_text(cell):
    assert standing.neutral(cell) == "'" + cell
    assert standing.neutral("a" + cell) == "a" + cell
    assert standing.as_csv([[cell]]).strip('"').startswith("'")


# ---------------------------------------------------------------- one writer

HOLD = """
import sys, time
from course.grading.records import Records
book = Records(sys.argv[1], write=True)
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def holder(filled):
    """Another process that writes the record."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, filled], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_second_writer_is_told_who_the_first_is_and_a_dead_one_is_in_nobodys_way(filled, holder):
    with pytest.raises(store.RecordsError) as refused:
        Records(filled, write=True)
    host = re.escape(os.uname().nodename)
    assert re.search(rf"process {holder.pid} on {host} since 20\d\d-.*T\d\d:", str(refused.value))
    with Records(filled) as reader:
        assert reader.latest("01_small")
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    with Records(filled, write=True) as book:
        assert book.begin("grade") == 2


def test_two_writers_in_one_process_are_two_and_closing_one_lets_the_other_in(filled):
    first = Records(filled, write=True)
    with pytest.raises(store.RecordsError, match="being written by process"):
        Records(filled, write=True)
    first.close()
    Records(filled, write=True).close()


def test_a_file_system_without_locks_is_refused(filled, monkeypatch):
    import fcntl

    def no_locks(*_):
        raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    with pytest.raises(store.RecordsError, match="without locks"):
        Records(filled, write=True)


# ---------------------------------------------------------------- the journal

MOUNTS = """/dev/root / ext4 rw 0 0
//server/share /net/share cifs rw 0 0
server:/home /net nfs4 rw 0 0
me@host: /net/share/deep fuse.sshfs rw 0 0
C:\\134 /mnt/c 9p rw 0 0
afs /afs afs rw 0 0
//x/y /with\\040space smb3 rw 0 0
/dev/sdb /net/share/local xfs rw 0 0
tmpfs /over tmpfs rw 0 0
server:/x /over nfs rw 0 0
"""


@pytest.mark.parametrize(("folder", "kind", "journal"), [
    ("/courses/one", "ext4", "wal"), ("/netting", "ext4", "wal"), ("/net/me", "nfs4", "delete"),
    ("/net/share", "cifs", "delete"), ("/net/share/deep/er", "fuse.sshfs", "delete"), ("/mnt/c/me", "9p", "delete"),
    ("/afs/cell", "afs", "delete"), ("/with space/x", "smb3", "delete"), ("/net/share/local/x", "xfs", "wal"),
    ("/over/x", "nfs", "delete"),
])
def test_the_journal_is_one_that_works_on_the_folders_file_system(folder, kind, journal):
    from pathlib import Path

    assert store.file_system(Path(folder), MOUNTS) == kind
    assert store.journal(Path(folder), MOUNTS) == journal


def test_where_the_file_system_cannot_be_told_the_journal_is_the_one_that_works_everywhere(tmp_path):
    assert store.journal(tmp_path, "") == "delete"


@pytest.mark.parametrize(("mode", "number"), [("wal", 2), ("delete", 1)])
def test_the_chosen_journal_is_the_one_in_use_and_every_commit_is_synced(filled, monkeypatch, mode, number):
    monkeypatch.setattr(store, "journal", lambda folder: mode)
    with Records(filled, write=True) as book:
        assert book.db.execute("PRAGMA journal_mode").fetchone()[0] == mode
        assert book.db.execute("PRAGMA synchronous").fetchone()[0] == 2  # FULL
        book.begin("grade")
        assert (filled / "records.sqlite-shm").exists() == (mode == "wal")
        with Records(filled) as reader:  # not shut out
            assert len(reader._all("SELECT * FROM batches")) == 2
    assert (filled / store.FILE).read_bytes()[18] == number


# ---------------------------------------------------------------- damage


def scribble(path):
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle:middle + 9000] = random.Random(0).randbytes(9000)
    path.write_bytes(data)


DAMAGE = {  # how -> (what happens, what is said of it)
    "random bytes": (scribble, "is damaged"),
    "truncated": (lambda path: path.write_bytes(path.read_bytes()[:-5000]), "is damaged"),
    "empty": (lambda path: path.write_bytes(b""), "is empty"),
    "text": (lambda path: path.write_text("Dear all, the grades are attached.\n" * 300), "is damaged"),
    "gone": (lambda path: path.unlink(), "there is no"),
    "another's": (lambda path: (path.unlink(), sqlite3.connect(path).execute("CREATE TABLE t (a)").connection.close()),
                  "is a database, but not a record of nnlab"),
}


@pytest.mark.parametrize("write", [True, False])
@pytest.mark.parametrize("how", DAMAGE)
def test_a_damaged_record_is_told_and_left_as_it_is(filled, how, write):
    path = filled / store.FILE
    DAMAGE[how][0](path)
    before = path.read_bytes() if path.exists() else None
    with pytest.raises(store.Damaged) as told:
        Records(filled, write=write)
    assert DAMAGE[how][1] in str(told.value)
    newest = store.backups(filled)[-1].name
    assert f"To put the newest backup, {newest}, in its place: nnlab restore --course {filled}" in str(told.value)
    assert "\n" not in str(told.value)
    assert (path.read_bytes() if path.exists() else None) == before


@pytest.mark.parametrize("how", DAMAGE)
def test_the_grades_given_survive_damage(filled, how):
    with Records(filled) as book:
        before = [list(row) for table in TABLES for row in book._all(f"SELECT * FROM {table}") if table != "ends"]
    path = filled / store.FILE
    DAMAGE[how][0](path)
    damaged = path.read_bytes() if path.exists() else None
    used, aside, kept = backups.put_back(filled, None, sure=False)
    assert (used, kept) == (store.backups(filled)[-1], 1)
    with Records(filled, write=True) as book:
        after = [list(row) for table in TABLES for row in book._all(f"SELECT * FROM {table}") if table != "ends"]
        assert after == before
        assert book.graded(1) == a_grade(3, None)
    if damaged is not None:
        assert (aside / store.FILE).read_bytes() == damaged


def test_damage_while_a_log_is_left_over_is_told_and_the_file_left(filled):
    code = ("import sys, os\nfrom course.grading import store\nstore.journal = lambda folder: 'wal'\n"
            "from course.grading.records import Records\n"
            "book = Records(sys.argv[1], write=True)\nbook.begin('grade')\nos.kill(os.getpid(), 9)\n")
    subprocess.run([sys.executable, "-c", code, filled], cwd=ROOT)
    path = filled / store.FILE
    assert (filled / "records.sqlite-wal").stat().st_size
    scribble(path)
    before = path.read_bytes()
    with pytest.raises(store.Damaged):
        Records(filled, write=True)
    assert path.read_bytes() == before
    _, aside, _ = backups.put_back(filled, None, sure=False)
    assert (aside / "records.sqlite-wal").exists(), "an old log beside another record would be played into it"
    Records(filled, write=True).close()


def test_a_newer_record_is_refused_and_an_older_one_brought_up(filled, monkeypatch):
    monkeypatch.setattr(records, "STEPS", [*records.STEPS, "CREATE TABLE more (id INTEGER PRIMARY KEY);"])
    with pytest.raises(store.RecordsError, match="older nnlab: nnlab backup brings it up to date"):
        Records(filled)
    with Records(filled, write=True) as book:
        assert book.add("more", id=3) == 3
        assert book.graded(1) == a_grade(3, None)
    monkeypatch.undo()
    for write in (True, False):
        with pytest.raises(store.RecordsError, match=r"newer nnlab \(its tables are version 5, this one knows 4\)"):
            Records(filled, write=write)


# ---------------------------------------------------------------- backups


@pytest.mark.parametrize("second", [lambda: "2026-01-01T00:00:00+00:00", store.now], ids=["one second", "as it goes"])
def test_the_ten_newest_backups_are_kept_and_each_is_one_sound_file(filled, monkeypatch, second):
    for file in store.backups(filled):
        file.unlink()
    monkeypatch.setattr(backups, "now", second)
    with Records(filled, write=True) as book:
        made = [book.back_up() for _ in range(12)]
    assert store.backups(filled) == made[-backups.KEPT:]
    assert sorted(path.name for path in (filled / "backups").iterdir()) == [path.name for path in made[-10:]]
    assert made[0].name < made[-1].name
    assert store.examine(made[-1]) == len(records.STEPS)


def test_a_backup_that_is_not_sound_is_passed_over(filled):
    with Records(filled, write=True) as book:
        _, bad = book.back_up(), book.back_up()
    scribble(bad)
    scribble(filled / store.FILE)
    used, _, kept = backups.put_back(filled, None, sure=False)
    assert used == store.backups(filled)[-2]
    assert kept == 1


def test_a_sound_record_is_not_replaced_unless_one_is_sure(filled):
    with pytest.raises(store.RecordsError, match="sound and holds 1 gradings"):
        backups.put_back(filled, None, sure=False)
    assert backups.put_back(filled, None, sure=True)[2] == 1


def test_without_a_sound_backup_restore_says_so_and_moves_nothing(filled):
    scribble(filled / store.FILE)
    for file in store.backups(filled):
        scribble(file)
    before = sorted(path.name for path in filled.iterdir())
    with pytest.raises(store.RecordsError, match="no sound backup"):
        backups.put_back(filled, None, sure=False)
    shutil.rmtree(filled / "backups")
    with pytest.raises(store.RecordsError, match="there is no backup"):
        backups.put_back(filled, None, sure=False)
    assert sorted(path.name for path in filled.iterdir()) == [name for name in before if name != "backups"]


def test_a_term_of_400_students_is_checked_and_backed_up_in_a_moment(folder):
    with Records(folder, write=True) as book:
        batch = book.begin("grade")
        with store.transaction(book.db, book.path):
            for n in range(4000):  # 10 units
                submission = book._add("submissions", batch=batch, unit="u", student=f"s{n}", attempt=1, received_at="",
                                       sha256="x" * 64, size=1, stored="", file="", problem="", notes="[]")
                grading = book._add("gradings", submission=submission, batch=batch, version="1", kit="k" * 64,
                                    level="b", limits="{}", started="", finished="", seconds=1, refused="",
                                    notes="[]", failed=0, proposed=0)
                for _ in range(5):
                    book._add("exercises", grading=grading, name="e", of=4, points=3, status="graded", notes="[]",
                              output="x" * 200, error="", flags="[]", prose="")
        began = time.perf_counter()
        book.back_up()
        assert time.perf_counter() - began < 20  # 0.4 s alone on this machine
