"""Intake: who handed in what, told from names; archives made to harm; and one row for everybody, whatever came."""

from __future__ import annotations

import os
import stat
import struct
import zipfile

import pytest

from course.grading import archive, intake
from course.grading.archive import IntakeError

NB = b'{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'


def nb(n=0):
    return NB + b" " * n


def zipped(folder, *members, name="in.zip", method=zipfile.ZIP_DEFLATED):
    """A zip of (name or ZipInfo, bytes)."""
    path = folder / name
    with zipfile.ZipFile(path, "w", method) as made:
        for member, data in members:
            made.writestr(member, data)
    return path


def laid(folder, *members):
    """A folder with (path, bytes), the times a second apart in this order."""
    for n, (name, data) in enumerate(members):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        os.utime(path, (1_700_000_000 + n, 1_700_000_000 + n))
    return folder


def info(name, mode=0, time=(2026, 3, 1, 12, 0, 0), **fields):
    made = zipfile.ZipInfo(name, time)
    made.external_attr = mode << 16
    for key, value in fields.items():
        setattr(made, key, value)
    return made


def students(path):
    return [row.student for row in intake.collect(path)]


def problems(path):
    return {row.file: row.problem for row in intake.collect(path)}


# ---------------------------------------------------------------- who


LAYOUTS = {
    "canvas": ["smithjohn_12345_67890_01_neurons-handin.ipynb", "doejane_LATE_777_67891_01_neurons-handin-2.ipynb"],
    "canvas in a folder": ["submissions/smithjohn_12345_67890_a.ipynb", "submissions/doejane_777_67891_b_1_2_c.ipynb"],
    "moodle": ["John Smith_12345_assignsubmission_file_/a.ipynb", "Jane_Doe_777_assignsubmission_file_/b.ipynb"],
    "moodle 4.1": ["John Smith_12345_assignsubmission_file/a.ipynb", "Jane_Doe_777_assignsubmission_file/b.ipynb"],
    "moodle, flat": ["John Smith_12345_assignsubmission_file_a.ipynb", "Jane_Doe_777_assignsubmission_file_b.ipynb"],
    "moodle, whole": ["all/John Smith_12345_assignsubmission_file_/a.ipynb",
                      "all/Jane_Doe_777_assignsubmission_file_/b.ipynb"],
    "nbgrader": ["submitted/john/01_neurons/01_neurons.ipynb", "submitted/john/01_neurons/timestamp.txt",
                 "submitted/jane/01_neurons/01_neurons.ipynb"],
    "nbgrader, inside": ["john/01_neurons/01_neurons.ipynb", "jane/01_neurons/01_neurons.ipynb"],
    "plain folders": ["john/a.ipynb", "jane/01_neurons.ipynb", "jane/data.csv"],
    "plain folders, whole": ["class/john/a.ipynb", "class/jane/deep/01_neurons.ipynb"],
    "plain files": ["john.ipynb", "jane.ipynb"],
    "plain files, whole": ["class/john.ipynb", "class/jane.ipynb"],
}
PEOPLE = {"canvas": ["doejane_777", "smithjohn_12345"], "moodle": ["Jane_Doe_777", "John Smith_12345"]}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("kind", ["zip", "folder"])
def test_the_student_is_told_from_the_names(layout, kind, tmp_path):
    members = [(name, nb(n)) for n, name in enumerate(LAYOUTS[layout])]
    path = zipped(tmp_path, *members) if kind == "zip" else laid(tmp_path / "in", *members)
    rows = intake.collect(path)
    expected = next((people for kind, people in PEOPLE.items() if layout.startswith(kind)), ["jane", "john"])
    assert [row.student for row in rows] == expected
    assert {(row.file, row.data, row.problem) for row in rows} == {
        (name, data, "") for name, data in members if name.endswith(".ipynb")}


@pytest.mark.parametrize(("name", "student"), [
    ("submitted/john/01_neurons/01_neurons.ipynb", "john"),
    ("john/01_neurons/01_neurons.ipynb", "john"),
    ("John Smith_12345_assignsubmission_file_/a.ipynb", "John Smith_12345"),
    ("john/a.ipynb", "john"),
    ("john.ipynb", "john"),
    ("01_neurons-handin (1).ipynb", "in"),  # a file called after the unit: then what it is in says whose it is
    ("Z\u030colie.ipynb", "\u017dolie"),  # an accent as a Mac writes it
])
def test_also_when_only_one_has_handed_in(name, student, tmp_path):
    assert students(zipped(tmp_path, (name, NB))) == [student]
    assert students(laid(tmp_path / "in", (name, NB))) == [student]


def test_one_notebook_by_itself(tmp_path):
    laid(tmp_path, ("ann.ipynb", NB), ("bob/01_neurons-handin.ipynb", NB))
    assert [row[:4] for row in intake.collect(tmp_path / "ann.ipynb")] == [("ann", "ann.ipynb", NB, "")]
    assert students(tmp_path / "bob" / "01_neurons-handin.ipynb") == ["bob"]


@pytest.mark.parametrize("name", [
    "mallory_1_2_victim_3_4_x.ipynb",
    "mallory_1_assignsubmission_file_/victim_2_assignsubmission_file_/x.ipynb",
    "mallory_1_assignsubmission_file_victim_2_assignsubmission_file_x.ipynb",
    "mallory_1/submitted/victim/01_neurons/01_neurons.ipynb",
    "mallory_1/victim_3_4_x.ipynb",
    "mallory_1/01_neurons/victim_3_4_x.ipynb",
    "mallory_1/victim_2_assignsubmission_file_/x.ipynb",
])
def test_nobody_hands_in_under_another_name(name, tmp_path):
    notebook = b'{"metadata": {"nnlab": {"student": "victim"}}, "cells": []}'
    rows = intake.collect(zipped(tmp_path, (name, notebook), ("bob_5/y.ipynb", NB)))
    assert [row.student for row in rows] == ["bob_5", "mallory_1"]


def test_of_several_notebooks_the_newest_that_can_be_read_is_the_last(tmp_path):
    folder = laid(tmp_path / "in", ("ann/x-10.ipynb", nb(1)), ("ann/x-2.ipynb", nb(2)), ("ann/later.ipynb", b""),
                  ("ann/notes.pdf", b"%PDF"), ("bob/x.ipynb", NB))
    assert [(row.file, row.problem) for row in intake.collect(folder)] == [
        ("ann/later.ipynb", "the file is empty"), ("ann/x-10.ipynb", ""), ("ann/x-2.ipynb", ""), ("bob/x.ipynb", "")]
    same = [(info(f"ann/x{n}.ipynb"), nb()) for n in ("-10", "-2", "")]
    rows = intake.collect(zipped(tmp_path, *same, (info("bob/x.ipynb"), NB)))
    assert [row.file for row in rows] == ["ann/x.ipynb", "ann/x-2.ipynb", "ann/x-10.ipynb", "bob/x.ipynb"]
    older, newer = info("ann/b.ipynb", time=(2026, 3, 1, 23, 0, 2)), info("ann/a.ipynb", time=(2026, 3, 2, 0, 0, 0))
    rows = intake.collect(zipped(tmp_path, (newer, NB), (older, NB), ("bob/x.ipynb", NB)))
    assert [row.file for row in rows] == ["ann/b.ipynb", "ann/a.ipynb", "bob/x.ipynb"]


def test_one_student_cannot_fill_the_memory(tmp_path):
    folder = laid(tmp_path / "in", *[(f"ann/{n}.ipynb", nb(n)) for n in range(13)], ("bob/x.ipynb", NB))
    rows = intake.collect(folder)
    assert [row.file for row in rows if row.problem] == [f"ann/{n}.ipynb" for n in range(3)]
    assert [len(row.data) - len(NB) for row in rows] == [-len(NB)] * 3 + [*range(3, 13), 0]


# ---------------------------------------------------------------- what


@pytest.mark.parametrize(("name", "data", "words"), [
    ("ann.ipynb", b"", "empty"),
    ("ann.ipynb", b" \n\0", "empty"),
    ("ann.ipynb", bytes(range(256)) * 9, "no notebook"),
    ("ann.ipynb", b"%PDF-1.7", "no notebook"),
    ("ann.ipynb", b'{"cells": "\0"}', "no notebook"),
    ("ann.ipynb", b"PK\x03\x04 and so on", "archive"),
    ("ann.py", b"x = 1", "hand in the file that ends in .ipynb"),
    ("ann.pdf", b"%PDF", "hand in the file that ends in .ipynb"),
    ("ann", NB, "hand in the file that ends in .ipynb"),
    ("ann.zip", b"PK\x03\x04", "archive"),
    ("ann.tar.gz", b"\x1f\x8b", "archive"),
    ("ann.ipynb", nb(archive.LARGEST), "more than 5 MB"),
])
@pytest.mark.parametrize("kind", ["zip", "folder"])
def test_what_is_no_notebook_gets_a_row_with_the_reason(name, data, words, kind, tmp_path):
    members = [(name, data), ("bob.ipynb", NB)]
    method = zipfile.ZIP_STORED
    path = zipped(tmp_path, *members, method=method) if kind == "zip" else laid(tmp_path / "in", *members)
    mine, bob = intake.collect(path)
    assert mine.student == ("ann.tar" if name == "ann.tar.gz" else "ann")
    assert words in mine.problem
    assert bob[:4] == ("bob", "bob.ipynb", NB, "")


def test_exactly_the_most_is_taken(tmp_path):
    data = nb(archive.LARGEST - len(NB))
    assert intake.collect(laid(tmp_path / "in", ("ann.ipynb", data)))[0][:4] == ("ann", "ann.ipynb", data, "")


def test_what_systems_leave_behind_is_no_submission(tmp_path):
    left = ["__MACOSX/ann/._x.ipynb", "ann/._x.ipynb", "ann/.DS_Store", "ann/.ipynb_checkpoints/x-checkpoint.ipynb",
            "Thumbs.db", "bob/desktop.ini"]
    members = [(name, NB) for name in [*left, "ann/x.ipynb", "bob/y.ipynb"]]
    assert students(zipped(tmp_path, *members)) == ["ann", "bob"]
    assert students(laid(tmp_path / "in", *members)) == ["ann", "bob"]


# ---------------------------------------------------------------- hostile zips


@pytest.mark.parametrize("name", [
    "../up.ipynb", "ann/../../up.ipynb", "..\\up.ipynb", "ann\\..\\..\\up.ipynb", "./ann.ipynb", "/etc/up.ipynb",
    "\\\\server\\share\\up.ipynb", "C:\\up.ipynb", "c:up.ipynb", "ann/nul.ipynb", "COM1/up.ipynb", "ann/aux .ipynb",
    "ann/x\x1b[2J.ipynb", "ann/x\n.ipynb", "/".join("d" * 20) + "/up.ipynb", "ann/" + "x" * 300 + ".ipynb",
])
def test_a_name_that_could_mean_another_place_is_refused(name, tmp_path):
    rows = {row.file: row for row in intake.collect(zipped(tmp_path, (name, NB), ("bob/x.ipynb", NB)))}
    bob = rows.pop("bob/x.ipynb")
    assert bob[:4] == ("bob", "bob/x.ipynb", NB, "")
    (row,) = rows.values()
    assert row.problem.startswith("its name")
    assert ".." not in row.file or row.student == row.file  # nobody's: that name says nothing
    assert row.data == b""


def test_a_name_cut_off_by_nul_is_refused_whole(tmp_path):
    path = zipped(tmp_path, ("annX.ipynb", NB), ("bob.ipynb", NB))
    path.write_bytes(path.read_bytes().replace(b"annX.ipynb", b"ann\0.ipynb"))
    assert problems(path) == {"ann\0.ipynb": "its name holds control characters", "bob.ipynb": ""}


@pytest.mark.parametrize(("one", "other"), [
    ("ann/x.ipynb", "ann/X.ipynb"), ("ann/x.ipynb", "Ann/x.ipynb"), ("ann/\u00e9.ipynb", "ann/e\u0301.ipynb"),
    ("ann/\ufb01.ipynb", "ann/fi.ipynb"), ("ann/x.ipynb", "ann\\x.ipynb"),
    ("ann/stra\u00dfe.ipynb", "ann/STRASSE.ipynb"),
])
def test_two_names_that_some_disks_take_for_one_are_refused_both(one, other, tmp_path):
    found = intake.collect(zipped(tmp_path, (one, NB), (other, nb(1)), ("bob/x.ipynb", NB)))
    assert sorted(bool(row.problem) for row in found) == [False, True, True]
    assert all("two files have this name" in row.problem for row in found if row.student.lower() == "ann")


def test_the_same_name_twice_is_refused_both(tmp_path):
    with pytest.warns(UserWarning, match="Duplicate"):
        path = zipped(tmp_path, ("ann/x.ipynb", NB), ("ann/x.ipynb", nb(1)), ("bob/x.ipynb", NB))
    assert [bool(row.problem) for row in intake.collect(path)] == [True, True, False]


@pytest.mark.parametrize("mode", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFSOCK])
@pytest.mark.parametrize("name", ["ann/x.ipynb", "ann/x/"])
def test_links_and_devices_in_a_zip_are_refused(mode, name, tmp_path):
    path = zipped(tmp_path, (info(name, mode | 0o777), b"/etc/passwd"), ("bob/x.ipynb", NB))
    ann, bob = intake.collect(path)
    assert ann.problem.startswith("it is a link" if mode == stat.S_IFLNK else "it is no ordinary file")
    assert (ann.data, bob.problem) == (b"", "")


def test_encrypted_and_unknown_packing_are_refused(tmp_path):
    def changed(name, at_local, at_central, value, words):
        path = zipped(tmp_path, ("ann.ipynb", NB), ("bob.ipynb", NB))
        data = bytearray(path.read_bytes())
        central = data.index(b"PK\x01\x02")
        struct.pack_into("<H", data, at_local, value)
        struct.pack_into("<H", data, central + at_central, value)
        path.write_bytes(data)
        ann, bob = intake.collect(path)
        assert words in ann.problem, name
        assert not bob.problem

    changed("encrypted", 6, 8, 1, "encrypted")
    changed("method 99", 8, 10, 99, "not known")
    path = zipped(tmp_path, ("ann.ipynb", NB), method=zipfile.ZIP_LZMA)  # its dictionary may be gigabytes
    assert "not known" in problems(path)["ann.ipynb"]


def test_a_bomb_is_stopped_while_it_unpacks(tmp_path):
    path = zipped(tmp_path, ("ann.ipynb", b"{" + b" " * 4_000_000), ("bob.ipynb", b"{" + b" " * 400_000_000),
                  ("eve.ipynb", NB))
    ann, bob, eve = intake.collect(path)
    assert "zip bomb" in ann.problem
    assert bob.problem
    assert (ann.data, bob.data, eve.problem) == (b"", b"", "")


def test_no_header_is_believed(tmp_path):
    """A member of 20 MB that is said to have 100 bytes."""
    data = bytearray(zipped(tmp_path, ("ann.ipynb", b"{" + os.urandom(20_000_000)), ("bob.ipynb", NB),
                            method=zipfile.ZIP_STORED).read_bytes())
    central = data.rindex(b"PK\x01\x02", 0, data.rindex(b"PK\x01\x02"))
    for place in (22, central + 24):
        struct.pack_into("<I", data, place, 100)
    path = tmp_path / "lies.zip"
    path.write_bytes(data)
    ann, bob = intake.collect(path)
    assert ann.problem
    assert len(ann.data) <= archive.LARGEST
    assert not bob.problem


def test_members_that_share_their_bytes_are_counted_each(tmp_path, monkeypatch):
    """The overlapping bomb: many entries of the list, one member."""
    monkeypatch.setattr(archive, "TOTAL", 3_000_000)
    path = zipped(tmp_path, ("a.ipynb", b"{" + os.urandom(500_000).hex().encode()))
    data = path.read_bytes()
    start, end = data.index(b"PK\x01\x02"), data.rindex(b"PK\x05\x06")
    entry = data[start:end]
    entries = b"".join(entry.replace(b"a.ipynb", bytes([97 + n]) + b".ipynb") for n in range(20))
    tail = bytearray(data[end:])
    struct.pack_into("<HHI", tail, 8, 20, 20, len(entries))
    path.write_bytes(data[:start] + entries + tail)
    rows = intake.collect(path)
    assert [bool(row.problem) for row in rows].count(False) <= 1  # the others' names are not those of the member


def test_damage_in_one_member_costs_only_that_one(tmp_path):
    path = zipped(tmp_path, ("ann.ipynb", NB), ("bob.ipynb", NB), method=zipfile.ZIP_STORED)
    data = bytearray(path.read_bytes())
    data[data.index(NB) + 3] ^= 1
    path.write_bytes(data)
    ann, bob = intake.collect(path)
    assert "damaged" in ann.problem
    assert not bob.problem


# ---------------------------------------------------------------- as a whole


def test_too_much_is_an_error_for_the_instructor_and_nothing_is_taken(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "MEMBERS", 3)
    five = [(f"{n}.ipynb", NB) for n in range(5)]
    for path in (zipped(tmp_path, *five), laid(tmp_path / "in", *five)):
        with pytest.raises(IntakeError, match="more than 3 files"):
            intake.collect(path)
    monkeypatch.setattr(archive, "MEMBERS", 10)
    monkeypatch.setattr(archive, "TOTAL", 4 * len(NB))
    with pytest.raises(IntakeError, match="MB of notebooks: collect it in parts"):
        intake.collect(zipped(tmp_path, *five))


def test_a_list_of_members_without_end_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "_DIRECTORY", 100_000)
    path = zipped(tmp_path, *[("d" * 200 + f"{n}.ipynb", b"") for n in range(600)])
    with pytest.raises(IntakeError, match="lists more than"):
        intake.collect(path)


@pytest.mark.parametrize(("name", "data"), [
    ("x.zip", b"no zip"), ("x.rar", b"Rar!"), ("x.zip", b"PK\x05\x06" + b"\xff" * 18), ("gone", None)])
def test_what_cannot_be_opened_is_one_line(name, data, tmp_path):
    if data is not None:
        (tmp_path / name).write_bytes(data)
    with pytest.raises(IntakeError, match=name):
        intake.collect(tmp_path / name)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no such files on Windows")
def test_links_and_pipes_in_a_folder_are_not_followed(tmp_path):
    secret = laid(tmp_path / "out", ("secret.ipynb", b'{"secret": 1}'))
    folder = laid(tmp_path / "in", ("bob/x.ipynb", NB))
    (folder / "ann").mkdir()
    (folder / "ann" / "x.ipynb").symlink_to(secret / "secret.ipynb")
    (folder / "eve").symlink_to(secret)
    os.mkfifo(folder / "pipe.ipynb")
    (folder / "loop").symlink_to(folder)
    rows = {row.student: row for row in intake.collect(folder)}
    assert all("link" in rows[name].problem for name in ("ann", "eve", "loop"))
    assert "no ordinary file" in rows["pipe"].problem
    assert rows["bob"].data == NB
    assert not any(b"secret" in row.data for row in rows.values())


def test_a_file_that_becomes_a_link_before_it_is_read_is_not_followed(tmp_path):
    folder = laid(tmp_path / "in", ("ann.ipynb", NB))
    with archive.opened(folder) as (member,):
        (folder / "ann.ipynb").unlink()
        (folder / "ann.ipynb").symlink_to("/etc/passwd")
        with pytest.raises(archive.Refused):
            member.read()


def test_nothing_is_written_by_taking_in(tmp_path):
    path = zipped(tmp_path, ("ann/x.ipynb", NB), ("../up.ipynb", NB))
    before = sorted(tmp_path.parent.rglob("*"))
    intake.collect(path)
    assert sorted(tmp_path.parent.rglob("*")) == before
