"""The bank of a unit, judged: what `nnlab course check` prints when its checks are right, and when one is not."""

from __future__ import annotations

import pytest

from course import cli
from course.grading.bank import Bank
from course.grading.kit import KitError, load_kit
from tests.grading import small
from tests.needs import needs

needs("bwrap")


@pytest.fixture
def units(tmp_path):
    return small.write_kit(tmp_path / "units" / "77_small").parent


def check(units, wanted: str = "77") -> int:
    return cli.main(["course", "check", wanted, "--units", str(units)])


def test_it_counts_who_catches_what(units, capsys):
    assert check(units) == 0
    rows = [line.split("\t") for line in capsys.readouterr().out.splitlines() if "\t" in line]
    assert rows == [["exercise", "wrong", "seen by visible", "caught by all", "unusual", "failed"],
                    ["scaled", "2", "2", "2", "1", "0"], ["Counter", "1", "1", "1", "0", "0"],
                    ["answer", "1", "1", "1", "1", "0"]]


def test_a_wrong_solution_that_only_hidden_checks_catch_and_one_that_none_does(units, capsys):
    bank = units / "77_small" / "private" / "mutants.py"
    bank.write_text(bank.read_text() + """
MUTANTS["scaled"] |= {"no lists": "def scaled(x, n):\\n    return x * n if isinstance(x, np.ndarray) else x",
                      "slow": "def scaled(x, n):\\n    return sum([np.asarray(x)] * 0, n * np.asarray(x))"}
BENIGN["Counter"] |= {"by 3": MUTANTS["Counter"]["counts by 2"].replace("+= 2", "+= 3")}
""")
    assert check(units, "small") == 1
    told = capsys.readouterr().out
    assert "scaled\t4\t2\t3\t1\t0\n" in told
    assert "Counter\t1\t1\t1\t1\t1\n" in told
    assert told.endswith("scaled: no point is lost by: slow\nCounter: right, and refused: by 3\n")


def test_a_wrong_solution_that_fails_only_what_is_worth_nothing_survives(units, capsys):
    graded, bank = units / "77_small" / "graded.py", units / "77_small" / "private" / "mutants.py"
    graded.write_text(graded.read_text() + """
@answer.check("whole", points=0)
def _(answer, rng):
    if not isinstance(answer(), int):
        raise Wrong("it is not whole")
""")
    bank.write_text(bank.read_text() + "\nMUTANTS['answer']['not whole'] = \"answer = VARIANT['answer']['k'] + 1.0\"\n")
    assert check(units) == 1
    told = capsys.readouterr().out
    assert "answer\t2\t2\t1\t1\t0\n" in told
    assert told.endswith("answer: no point is lost by: not whole\n")


def test_all_means_every_unit_with_a_bank_and_nothing_else_is_guessed(units, capsys):
    (units / "78_none").mkdir()
    assert check(units, "78") == 1
    assert "known are 77_small" in capsys.readouterr().err
    assert check(units, "all") == 0
    assert "Counter" in capsys.readouterr().out


def test_a_bank_speaks_of_the_exercises_that_there_are(units):
    bank = units / "77_small" / "private" / "mutants.py"
    bank.write_text(small.BANK.replace('"Counter": {}', '"Countre": {}'))
    with pytest.raises(KitError, match=r"mutants.py: BENIGN .* 'Count"):
        Bank(load_kit(bank.parents[1]))
