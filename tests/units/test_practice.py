"""Practice exercises: every right solution passes, every known wrong one is caught, and the check names the symptom."""

import shutil

import numpy as np
import pytest

from course.check import UNITS, check, exercises, read_unit
from course.exercise import Call, Exercise, Wrong, close, shaped


def banks():
    for file in sorted(UNITS.glob("*/private/practice.py")):
        yield file.parts[-3], read_unit(file.parts[-3], "private/practice.py")


BANKS = dict(banks())
CASES = [(unit, name) for unit, bank in BANKS.items() for name in bank.SOLUTIONS]
MUTANTS = [(unit, name, bug) for unit, name in CASES for bug in BANKS[unit].MUTANTS[name]]
BENIGN = [(unit, name, i) for unit, name in CASES for i in range(len(BANKS[unit].BENIGN[name]))]


def test_every_exercise_has_a_bank_of_right_and_wrong_solutions():
    assert {name for _, name in CASES} == set(exercises())


@pytest.mark.parametrize(("unit", "name"), CASES)
def test_the_solution_passes_every_check(unit, name):
    result = check(name, BANKS[unit].SOLUTIONS[name])
    assert result, result


@pytest.mark.parametrize(("unit", "name", "i"), BENIGN)
def test_an_unusual_right_solution_passes_too(unit, name, i):
    result = check(name, BANKS[unit].BENIGN[name][i])
    assert result, result


@pytest.mark.parametrize(("unit", "name", "bug"), MUTANTS)
def test_a_known_mistake_is_caught_and_its_symptom_named(unit, name, bug):
    wrong, word = BANKS[unit].MUTANTS[name][bug]
    result = check(name, wrong)
    assert not result
    assert word.lower() in repr(result).lower(), result


def test_a_check_gives_the_same_verdict_twice():
    wrong, _ = BANKS["01_neurons"].MUTANTS["neuron"]["N1 bias forgotten"]
    assert repr(check("neuron", wrong)) == repr(check("neuron", wrong))


def test_a_check_gives_the_same_numbers_twice():
    seen = []

    def neuron(x, w, b):
        seen.append(x)
        return x @ w + b

    check("neuron", neuron)
    check("neuron", neuron)
    half = len(seen) // 2
    assert all((a == b).all() for a, b in zip(seen[:half], seen[half:], strict=True))


def test_the_function_is_found_in_the_namespace_of_the_caller():
    neuron = BANKS["01_neurons"].SOLUTIONS["neuron"]
    assert callable(neuron)
    assert check("neuron")


def test_a_missing_function_and_a_value_in_its_place_are_said_so():
    assert "run the cell" in repr(check("layer"))
    assert "int" in repr(check("layer", 3))


def test_an_unknown_exercise_lists_the_known_ones():
    with pytest.raises(ValueError, match=r"no exercise 'nuron'.*neuron"):
        check("nuron")


def test_an_exception_names_the_students_line():
    def neuron(x, w, b):
        return x @ w + undefined_bias  # noqa: F821

    assert "undefined_bias" in repr(check("neuron", neuron))


def test_an_exception_in_what_a_probe_hands_over_names_the_students_line(tmp_path, monkeypatch):
    """The checks lie beside the notebook, as a release lays them there: they are no more the student's than here."""
    for file in ("graded.py", "unit.toml"):
        shutil.copyfile(UNITS / "08_gans" / file, tmp_path / file)
    monkeypatch.chdir(tmp_path)

    class Duel:
        def __init__(self, G, D, noise, lr):
            self.D = D

        def d_step(self, real):
            self.D.forward(real)
            return self.D.backward(np.ones((64, 1)))

    symptom = dict(check("Duel", Duel).outcomes)["whose weights move"]
    assert "Your d_step stopped" in symptom
    assert "return self.D.backward(np.ones((64, 1)))" in symptom


def test_what_the_page_shows_is_escaped():
    def neuron(x, w, b):
        raise ValueError("<script>alert(1)</script>")

    assert "<script>" not in check("neuron", neuron)._repr_html_()


def test_what_a_function_does_to_its_arguments_stays_in_its_call():
    seen = []

    def layer(X, W, b):
        seen.append(X.copy())
        X[:] = 0
        return X @ W + b

    check("layer", layer)
    assert all(X.any() for X in seen[:2])


def test_numbers_are_compared_on_the_scale_of_the_largest():
    close([1e3, 1.0], [1e3, 1.001], "")
    with pytest.raises(Wrong, match="symptom"):
        close([1e3, 1.0], [1e3, 1.1], "symptom")
    with pytest.raises(Wrong, match="symptom"):
        close([1e-9], [0.0], "symptom")


def test_of_a_wrong_shape_both_are_named_and_nothing_is_said_of_the_numbers():
    for got, words in ((1.0, "a single number"), ([1.0], r"\(1,\)"), ([[1.0, 2.0]], r"\(1, 2\)")):
        with pytest.raises(Wrong, match=rf"returned .*{words}; expected an array of shape \(2,\)\.$"):
            close(got, [1.0, 2.0], "the numbers are wrong")


def test_nan_and_infinity_are_counted():
    with pytest.raises(Wrong, match="2 of 3 numbers are nan or infinite"):
        close([1.0, float("nan"), float("inf")], [1.0, 1.0, 1.0], "")


def test_what_is_no_array_of_numbers_is_said_so():
    for got in ("1", ["1", "2"], [[1.0], [1.0, 2.0]], len, 1j, {1.0, 2.0}):
        with pytest.raises(Wrong, match="no array of numbers"):
            shaped(got, (2,))


def test_a_number_that_was_left_out_is_said_so():
    for got in ([0.5, ...], (None, 1.0)):
        with pytest.raises(Wrong, match="1 of its 2 places hold"):
            shaped(got, (2,))


def test_a_list_of_arrays_of_several_shapes_is_handed_over_as_copies_and_watched():
    exercise = Exercise("scaled(arrays)")

    @exercise.check("one each")
    def _(scaled, rng):
        given = [np.ones(3), np.ones((2, 4))]
        scaled(given)
        assert all((a == 1).all() for a in given)

    def in_place(arrays):
        for a in arrays:
            a *= 2
        return arrays

    run = exercise.checks[0].run
    run(Call(exercise, lambda arrays: [2 * a for a in arrays]), None)
    for wrong in (in_place, lambda arrays: arrays.reverse() or arrays, lambda arrays: arrays.append(1) or arrays):
        with pytest.raises(Wrong, match="in place"):
            run(Call(exercise, wrong), None)


def test_a_nan_that_was_given_is_no_change_and_one_that_was_written_is():
    exercise = Exercise("counted(runs)")

    @exercise.check("counted")
    def _(counted, rng):
        counted(np.array([0.5, np.nan]))

    def fills(runs):
        runs[0] = np.nan
        return 2

    run = exercise.checks[0].run
    run(Call(exercise, lambda runs: np.nan_to_num(runs).sum()), None)
    with pytest.raises(Wrong, match="in place"):
        run(Call(exercise, fills), None)
