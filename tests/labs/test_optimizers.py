"""What is special to the labs of unit 4: words stay inside, a comparison is redrawn at once, odd functions are met."""

import numpy as np
import pytest

from course.labs import optimizers
from course.labs.optimizers import adaptive, batches, fair, ravine, rules, surfaces
from tests.labs.readable import unreadable


@pytest.mark.parametrize("kappa", [1.0, 100.0, 1000.0])
def test_lab_4a_cuts_no_words_off(kappa):
    lab = optimizers.Ravine(kappa=kappa)
    assert [cut for beta in (0.0, 0.99) for cut in unreadable(lab.set(beta=beta, fraction=2.2))] == []


@pytest.mark.parametrize("batch", batches.SIZES)
def test_lab_4f_cuts_no_words_off(batch):
    lab = optimizers.Batches(batch=batch)
    settings = [dict(lr=lr, epochs=epochs) for lr in (0.003, 0.1, 1.0) for epochs in (1, 8)]
    assert [cut for each in settings for cut in unreadable(lab.set(**each))] == []


@pytest.mark.parametrize("problem", adaptive.PROBLEMS)
def test_lab_4g_cuts_no_words_off(problem):
    assert unreadable(optimizers.OwnRates(problem=problem)) == []


def test_the_rates_that_lab_4g_draws_are_lr_by_the_root_of_v():
    r = optimizers.OwnRates(alpha=0.75, lr=0.01).result
    g = np.array([adaptive.FLAT, 1.0]) * adaptive.START
    np.testing.assert_allclose(r.rates[0], 0.01 / np.sqrt(0.25 * g**2), rtol=1e-5)
    np.testing.assert_allclose(r.paths["rmsprop"][1], adaptive.START - r.rates[0] * g, rtol=1e-6)


@pytest.mark.parametrize("surface", surfaces.SURFACES)
def test_lab_4c_cuts_no_words_off_and_survives_rates_ten_times_too_large(surface):
    lab = optimizers.Race(surface=surface)
    assert unreadable(lab.step(3)) == []
    lab.set(**{f"lr_{kind}": 10.0 for kind in rules.KINDS})
    assert unreadable(lab.step(surfaces.STEPS)) == []
    assert lab.error == ""
    assert lab.stage.state == "done"


def test_a_rates_slider_acts_on_its_own_optimizer():
    lab = optimizers.Race(lr_adam=0.1)
    lab.step(1)
    step = {kind: np.abs(np.diff(path, axis=0)).max() for kind, path in lab.result.paths.items()}
    tuned = surfaces.TUNED["ravine"]
    assert step["adam"] == pytest.approx(0.1 * tuned["adam"])
    assert step["momentum"] / step["GD"] == pytest.approx(tuned["momentum"] / tuned["GD"])


def test_an_optimizer_that_is_switched_off_leaves_the_race_and_comes_back():
    lab = optimizers.Race()
    lab.step(5)
    lab.set(lr_adam=0.01)
    lab.step(1)
    assert "adam" not in lab.result.on
    assert "Adam" not in lab.stage.caption
    lab.set(lr_adam=1.0)
    lab.step(1)
    assert len(lab.result.paths["adam"]) == 8, "it has run on meanwhile"


def test_lab_4h_redraws_a_comparison_without_another_step():
    lab = optimizers.FairComparison(epochs=1, starts=1)
    lab.step(len(fair.RATES) * len(rules.KINDS) + 1)
    assert lab.stage.state == "done"
    done, before = lab.taken, lab.stage.caption
    lab.set(way=fair.WAYS[1])
    assert lab.taken == done
    assert "each at its own best" in lab.stage.alt
    assert lab.stage.caption != before
    means = lab.result.scores[..., 0].mean(2)
    assert [mean for _, mean, *_ in lab._ranked(lab.result)] == pytest.approx(means.max(1))
    lab.set(way=fair.WAYS[0], rate=1.0)
    assert "gradient descent at 1 " in lab.stage.caption
    lab.set(measure=fair.MEASURES[1])
    assert "training loss" in lab.stage.alt
    lab.set(way=fair.WAYS[1])
    losses = lab.result.scores[..., 1].mean(2)
    assert [mean for _, mean, *_ in lab._ranked(lab.result)] == pytest.approx(np.nanmin(losses, 1))
    assert unreadable(lab) == []


def test_lab_4h_trains_on_the_students_functions_what_the_library_trains():
    lab = optimizers.FairComparison(epochs=1, starts=1)
    lab.use(momentum=rules.momentum, rmsprop=rules.rmsprop, adam=rules.adam)  # not the same objects once guarded
    lab.step(5)
    theirs, ours = lab.result.scores[:, fair.ORDER[0], 0, 0], [
        fair.trained(fair.OURS[kind], float(fair.RATES[fair.ORDER[0]]), 0, 1)[0] for kind in rules.KINDS]
    assert theirs == pytest.approx(ours, abs=0.02)


def test_lab_4e_cuts_no_words_off():
    lab = optimizers.WhereAdamFails()
    for case in lab.controls["case"].options:
        assert unreadable(lab.set(case=case).step(4)) == []


@pytest.mark.parametrize("settings", [dict(step=1e-5, beta=0.99), dict(step=4.0, beta=0.0), dict(step=4.0, beta=0.99)])
def test_lab_4b_cuts_no_words_off(settings):
    assert unreadable(optimizers.Spring(**settings)) == []


@pytest.mark.parametrize("pattern", optimizers.BiasCorrection.controls["pattern"].options)
def test_lab_4d_cuts_no_words_off(pattern):
    lab = optimizers.BiasCorrection(pattern=pattern)
    assert [cut for b1 in (0.0, 0.99) for b2 in (0.9, 0.9999) for cut in unreadable(lab.set(b1=b1, b2=b2))] == []


def test_lab_4a_measures_the_rate_that_theory_gives():
    lab = optimizers.Ravine()
    for settings in (dict(), dict(fraction=0.5), dict(kappa=10.0), dict(beta=0.5), dict(beta=0.67, fraction=1.65)):
        r = lab.set(**{"kappa": 100.0, "fraction": 0.9, "beta": 0.0, **settings}).result
        assert r.measured == pytest.approx(r.theory, abs=0.005)


def test_the_star_of_lab_4a_is_the_fastest_place_of_its_map():
    shades = ravine.speeds(100.0)
    row, column = np.unravel_index(shades.argmax(), shades.shape)
    lr, beta, _ = ravine.best_momentum(1 / 100, 1.0)
    assert ravine.FRACTIONS[column] == pytest.approx(lr / 2, abs=0.15)
    assert ravine.BETAS[row] == pytest.approx(beta, abs=0.04)


def test_a_running_mean_in_place_of_momentum_is_seen_in_lab_4a():
    lab = optimizers.Ravine(beta=0.67, fraction=1.5)
    ours = lab.result.error[100]
    lab.use(lambda w, g, u, lr, beta: (w - lr * (beta * u + (1 - beta) * g), beta * u + (1 - beta) * g))
    lab.wait()
    assert lab.result.error[100] > 100 * ours
    assert lab.stage.badge == "running your momentum"


def test_a_student_who_returns_w_alone_is_told_so_in_the_lab():
    lab = optimizers.Ravine()
    lab.use(lambda w, g, u, lr, beta: w - lr * g)
    lab.wait()
    assert "expected 2 arrays, the new w and the new u" in lab.error
