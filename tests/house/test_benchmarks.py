"""The benchmark of training steps: every workload runs, wrong results and missed targets are seen, no time asserted."""

import itertools

import numpy as np
import pytest

from benchmarks.steps import __main__ as command
from benchmarks.steps import measure, with_nnlab, with_numpy
from benchmarks.steps.workloads import GROWTH, WORKLOADS, A, Side

OURS = with_nnlab.SIDES | with_numpy.SIDES
PEERS = ("with_torch", "with_sklearn", "with_jax", "with_autograd", "with_tinygrad")


@pytest.fixture
def no_peers(monkeypatch):
    """As where no other library is installed; a ticking clock makes every measurement short."""
    monkeypatch.setattr(command, "load", lambda: (dict(OURS), dict.fromkeys(
        (side for module in PEERS for side in command.MODULES[module][1]), "not installed")))
    return lambda *only: command.main(["--quick", "--only", ",".join(only)], itertools.count().__next__)


def makers(what):
    return {name: can[type(what)] for name, can in OURS.items() if type(what) in can}


@pytest.mark.parametrize("name", sorted(WORKLOADS.keys() - {"i"}))
def test_every_workload_takes_two_steps(name):
    what = WORKLOADS[name].what
    for make in makers(what).values():
        side = make(what, np.float32)
        side.run(2)
        result = np.asarray(side.result())
        assert np.isfinite(result).all()
        assert result.dtype != np.float64 or result.ndim == 0


@pytest.mark.parametrize("name", ["a", "b", "e"])
def test_nnlab_computes_what_the_formulas_by_hand_compute(name):
    command.check(WORKLOADS[name].what, makers(WORKLOADS[name].what))


def test_a_side_that_computes_something_else_ends_the_benchmark():
    def cheat(what, dtype):
        side = with_nnlab.train(what, dtype)
        return Side(lambda n: side.run(n - 1), side.result)

    with pytest.raises(SystemExit, match="by hand does not compute what nnlab computes"):
        command.check(A, {"nnlab": with_nnlab.train, "by hand": cheat})


def test_the_table_has_a_column_for_every_side_and_says_which_are_absent(no_peers, capsys):
    no_peers("a")
    printed = capsys.readouterr().out
    title = next(line for line in printed.splitlines() if "torch eager" in line and line.startswith("|"))
    line = next(line for line in printed.splitlines() if line.startswith("| a |"))
    cells = dict(zip(title.split(" | "), line.split(" | ")))
    assert cells["torch eager"] == cells["JAX jit"] == "absent"
    assert cells["by hand"].endswith("x)")
    assert "absent: torch fused (not installed)" in printed


def test_how_cost_grows_is_shown_without_a_peer_too(no_peers, monkeypatch, capsys):
    monkeypatch.setattr(command, "GROWTH", [(quantity, values[:1], make) for quantity, values, make in GROWTH])
    no_peers("growth")
    assert capsys.readouterr().out.count("How cost grows with") == len(GROWTH)


@pytest.mark.parametrize(("ratio", "words"), [(8.1, "met"), (8, "met"), (7.9, "80 %"), (6.4, "80 %"), (6.3, "MISSED")])
def test_a_target_of_8_is_met_from_8_on_and_nearly_from_6_4_on(ratio, words):
    assert command.reached(ratio, 8) == words


def test_an_unknown_workload_is_named(capsys):
    with pytest.raises(SystemExit):
        command.main(["--only", "a,z"])
    assert "no workload z" in capsys.readouterr().err


def test_the_minimum_of_alternating_rounds_is_kept():
    now, slow, order = [0.0], itertools.cycle((3, 1, 2)), []

    def side(name, cost):
        def run(n):
            order.append(name)
            now[0] += n * cost()
        return run

    runs = {"ours": side("ours", lambda: 1e-3), "theirs": side("theirs", lambda: 1e-3 * next(slow))}
    best = measure.alternate(runs, rounds=3, seconds=2e-3, timer=lambda: now[0])
    assert best == {"ours": pytest.approx(1000), "theirs": pytest.approx(1000)}
    assert order[-6:] == ["ours", "theirs"] * 3
