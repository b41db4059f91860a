"""What a student has done is kept once, carried from machine to machine, and never lost."""

import json
from itertools import pairwise

import pytest

from course import cli
from course.record import FILE, Record, RecordError, join, load, take_over

EARLY, LATE = "2026-01-01T10:00:00+00:00", "2026-01-02T10:00:00+00:00"


def prediction(choice, time):
    return {"choice": choice, "locked_at": time, "right": choice == "up"}


@pytest.fixture
def record(tmp_path):
    Record._kept.clear()
    (tmp_path / "mine").mkdir()
    return Record(tmp_path / "mine")


def nnlab(record, *arguments):
    return cli.main(["progress", "--folder", str(record.path.parent), *map(str, arguments)])


def test_what_was_done_first_stays(record):
    record.keep("predictions", "1a", prediction("up", EARLY))
    record.keep("predictions", "1a", prediction("down", LATE))
    record.keep("exercises", "neuron", {"passed_at": LATE})
    assert record.read() == {"predictions": {"1a": prediction("up", EARLY)},
                             "exercises": {"neuron": {"passed_at": LATE}}}


def test_of_two_records_the_earlier_entry_stays_whichever_comes_first():
    one, other = ({"predictions": {"1a": prediction("up", time)}} for time in (EARLY, LATE))
    assert join(one, other) == join(other, one) == {"predictions": one["predictions"], "exercises": {}}


def test_a_record_is_carried_to_another_machine(record, tmp_path, capsys):
    record.keep("predictions", "1a", prediction("up", LATE))
    record.keep("predictions", "1b", prediction("up", LATE))
    assert nnlab(record, "export", tmp_path / "file.json") == 0
    assert "2 predictions and 0 exercises written to" in capsys.readouterr().out
    (tmp_path / "other").mkdir()
    other = Record(tmp_path / "other")
    other.keep("predictions", "1a", prediction("down", EARLY))
    other.keep("exercises", "layer", {"passed_at": EARLY})
    assert nnlab(other, "import", tmp_path / "file.json") == 0
    assert "1 prediction and 0 exercises new to you" in capsys.readouterr().out
    both = load(other.path)
    assert both["predictions"] == {"1a": prediction("down", EARLY), "1b": prediction("up", LATE)}
    assert both["exercises"] == {"layer": {"passed_at": EARLY}}


@pytest.mark.parametrize("content", ["", "[]", "{", '{"predictions": 3}'])
def test_a_file_that_is_no_record_changes_nothing(record, tmp_path, content, capsys):
    record.keep("exercises", "neuron", {"passed_at": LATE})
    before = record.path.read_bytes()
    file = tmp_path / "odd.json"
    file.write_text(content)
    assert nnlab(record, "import", file) == 1
    assert "odd.json is not a record of progress" in capsys.readouterr().err
    assert record.path.read_bytes() == before


def test_a_record_of_ours_that_is_damaged_is_not_overwritten_by_an_import(record, tmp_path):
    record.path.write_text("{")
    (tmp_path / "file.json").write_text(json.dumps({"predictions": {"1a": prediction("up", EARLY)}}))
    with pytest.raises(RecordError, match=FILE):
        take_over(record, tmp_path / "file.json")
    assert record.path.read_text() == "{"


def test_the_errors_say_what_to_do(record, tmp_path, capsys):
    for arguments, words in ((("import", tmp_path / "none.json"), "there is no"), (("export", tmp_path), "nnlab"),
                             (("import", tmp_path), "could not be read")):
        assert nnlab(record, *arguments) == 1
        error = capsys.readouterr().err
        assert words in error
        assert error.count("\n") == 1
    record.keep("exercises", "neuron", {"passed_at": LATE})
    assert nnlab(record, "export", tmp_path) == 1
    assert "is a folder" in capsys.readouterr().err


def test_the_table_counts_what_is_done_and_names_what_is_open(record, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "150")
    assert nnlab(record) == 0
    assert "nothing done yet" in capsys.readouterr().out
    record.keep("predictions", "1a", prediction("up", EARLY))
    record.keep("predictions", "1c", prediction("down", EARLY))
    for name in ("neuron", "layer", "mlp_forward"):
        record.keep("exercises", name, {"passed_at": LATE})
    assert nnlab(record) == 0
    row = next(line for line in capsys.readouterr().out.splitlines() if "01_neurons" in line)
    assert "2 of 7, 1 right" in row
    assert "3 of 4" in row
    assert "1b, 1d, 1e, 1f, 1g, count_parameters" in row


def test_an_exercise_that_passes_in_a_notebook_is_remembered_and_elsewhere_not(record, monkeypatch):
    from course import check

    monkeypatch.chdir(record.path.parent)
    right = lambda sizes: sum((n + 1) * m for n, m in pairwise(sizes))
    assert check.check("count_parameters", right)
    assert not record.path.exists()
    monkeypatch.setattr(check, "in_notebook", lambda: True)
    assert not check.check("count_parameters", lambda sizes: 20)
    assert not record.path.exists()
    assert check.check("count_parameters", right)
    assert set(load(record.path)["exercises"]) == {"count_parameters"}
