"""Lesson 4: what it claims, over seeds, with the range each claim is accepted in; its twin; its exercises solved.

The tuned rates of the race and the table of lab 4c: `python -m tests.lessons.test_04_optimizers` makes them again.
"""

import re

import nbformat
import numpy as np
import pytest

import nnlab
from course.check import UNITS, read_unit
from course.labs.optimizers import adaptive, batches, correction, rules, surfaces
from course.labs.optimizers.failures import reddi, wilson, wilson_data
from course.labs.optimizers.fair import OURS, trained
from course.labs.optimizers.ravine import best_descent, best_momentum, rate
from course.labs.optimizers.spring import REGIMES, regime, roots
from tests.needs import needs

LESSON = UNITS.parents[1] / "notebooks" / "04_optimizers.ipynb"
# Steps until arrival, as printed in the lesson: GD, momentum, Nesterov, RMSprop, Adam.
TABLE = {"ravine": (180, 43, 26, 107, 43), "noisy ravine": (150, 103, 69, 134, 86),
         "Rosenbrock's valley": (139, 45, 64, 201, 66), "saddle": (44, 45, 24, 24, 28), "plateau": (19, 53, 11, 19, 33)}


@pytest.fixture(scope="module")
def lesson():
    return nbformat.read(LESSON, as_version=4)


@pytest.fixture(scope="module")
def bank():
    return read_unit("04_optimizers", "private/practice.py")


# The rules are nnlab's -----------------------------------------------------------------------------------------------
def both(kind, steps=30):
    """Where our rule and nnlab's optimizer are after some steps with the same gradients, in float64."""
    rng = np.random.default_rng(1)
    start, gradients = rng.normal(size=5), rng.normal(size=(steps, 5)) * [1, 10, 0.1, 1e-3, 1]
    w = nnlab.Parameter(start, dtype=np.float64)
    optimizer = OURS[kind]([w], 0.03)
    racer = rules.Racer(kind, start, {name: use[0] for name, use in rules.USES.items()})
    for g in gradients:
        w.grad = g
        optimizer.step()
        racer.step(lambda _, g=g: g, 0.03)
    return racer, w.data


@pytest.mark.parametrize("kind", ["GD", "momentum", "rmsprop", "adam"])
def test_the_rules_of_the_labs_are_the_librarys(kind):
    racer, data = both(kind)
    np.testing.assert_allclose(racer.w, data, rtol=1e-9)


def test_the_library_keeps_nesterovs_point_ahead():
    start, slopes, lr, beta = np.array([1.0, -2.0, 0.5]), np.array([0.5, 2.0, 4.0]), 0.1, 0.9
    ahead = nnlab.Parameter(start, dtype=np.float64)
    optimizer = nnlab.SGD([ahead], lr=lr, momentum=beta, nesterov=True)
    w, u = start, np.zeros(3)
    for _ in range(20):
        ahead.grad = slopes * ahead.data
        optimizer.step()
        w, u = rules.nesterov(lambda x: slopes * x, w, u, lr, beta)
        np.testing.assert_allclose(ahead.data, w - lr * beta * u, rtol=1e-9)


# R4.1 rates of gradient descent and momentum --------------------------------------------------------------------------
def ways(kappa, lr, beta, left):
    """The distances to the minimum in 50 directions from 10 random starts. -> (steps + 1, 10)"""
    lam, w = np.linspace(1, kappa, 50), np.random.default_rng(1).normal(size=(10, 50))
    u, found = np.zeros_like(w), [np.linalg.norm(w, axis=1)]
    while (found[-1] > left * found[0]).any():
        w, u = rules.momentum(w, lam * w, u, lr, beta)
        found.append(np.linalg.norm(w, axis=1))
    return np.array(found) / found[0]


def fitted(way):
    late = np.arange(len(way) // 2, len(way))
    return np.exp(np.polyfit(late, np.log(way[late]), 1)[0])


def test_gradient_descent_needs_steps_in_proportion_to_kappa_at_the_rate_of_theory():
    steps = []
    for kappa in (10, 100, 1000):
        lr, theory = best_descent(1, kappa)
        way = ways(kappa, lr, 0.0, 1e-12)
        assert np.abs(fitted(way) - theory).max() < 0.002
        assert theory == pytest.approx(float(rate(lr * np.linspace(1, kappa, 50), 0.0).max()))
        steps.append((way > 1e-6).sum(0))
    for fewer, more in ((steps[0], steps[1]), (steps[1], steps[2])):
        assert (np.abs(more / fewer - 10) < 0.5).all()


def test_momentum_needs_steps_in_proportion_to_the_root_of_kappa_at_the_rate_of_theory():
    steps = []
    for kappa in (10, 100, 1000):
        lr, beta, theory = best_momentum(1, kappa)
        way = ways(kappa, lr, beta, 1e-60)
        assert np.abs(fitted(way) - theory).max() < 0.01
        assert theory == pytest.approx(float(rate(lr * np.linspace(1, kappa, 50), beta).max()), abs=1e-6)
        steps.append((way > 1e-6).sum(0))
    assert all(2.8 < ratio < 4 for a, b in ((0, 1), (1, 2)) for ratio in steps[b] / steps[a])


def test_the_librarys_momentum_walks_the_same_way():
    lr, beta, _ = best_momentum(1, 100)
    lam, start = np.linspace(1, 100, 50), np.random.default_rng(1).normal(size=(10, 50))
    w = nnlab.Parameter(start, dtype=np.float64)
    optimizer, way = nnlab.SGD([w], lr=lr, momentum=beta), ways(100, lr, beta, 1e-6)
    for step in range(1, len(way)):
        w.grad = lam * w.data
        optimizer.step()
        np.testing.assert_allclose(np.linalg.norm(w.data, axis=1) / np.linalg.norm(start, axis=1), way[step], rtol=1e-8)


def test_no_other_setting_is_faster_than_the_star():
    lr, _, best = best_momentum(1 / 100, 1.0)
    steps, betas = np.linspace(0.01, 4, 400)[None, :], np.linspace(0, 0.99, 100)[:, None]
    assert np.maximum(rate(steps, betas), rate(steps / 100, betas)).min() >= best - 1e-9
    assert lr > 2, "it lies beyond what gradient descent survives"


# R4.2 where it converges ---------------------------------------------------------------------------------------------
def test_it_converges_exactly_where_lr_times_curvature_is_below_2_plus_2_beta():
    steps, betas = np.meshgrid(np.linspace(0.013, 4.4, 60), np.linspace(0, 0.99, 34))
    off = np.abs(steps - 2 - 2 * betas) > 1e-9
    assert off.sum() > 1563
    small = np.array([max(abs(np.linalg.eigvals([[1 - s, -b], [s, b]]))) < 1
                      for s, b in zip(steps[off], betas[off], strict=True)])
    assert (small == (steps < 2 + 2 * betas)[off]).all()
    assert (small == (regime(steps, betas) != REGIMES.index("flies apart"))[off]).all()
    np.testing.assert_allclose(rate(steps, betas)[off], [abs(roots(s, b)).max() for s, b in
                                                         zip(steps[off], betas[off], strict=True)], atol=1e-6)


def test_beta_099_rings_at_a_thousandth_and_creeps_below_25_millionths():
    assert REGIMES[int(regime(1e-3, 0.99))] == "rings"
    assert REGIMES[int(regime(2.6e-5, 0.99))] == "rings"
    assert REGIMES[int(regime(2.5e-5, 0.99))] == "creeps"


# R4.3 Adam's first step ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("g", "length"), [(1e6, 1.0), (1.0, 1.0), (-1e-3, -1.0), (1e-6, 1 / 1.01)])
def test_adams_first_step_is_lr_whatever_the_gradients_size(g, length):
    w = nnlab.Parameter(np.zeros(1), dtype=np.float64)
    w.grad = np.array([g])
    nnlab.Adam([w], lr=0.1).step()
    assert -w.data[0] / 0.1 == pytest.approx(length, abs=2e-5 if abs(g) == 1e-3 else 1e-6)


@pytest.mark.parametrize(("betas", "length"), [((0.9, 0.999), 10**0.5), ((0.9, 0.99), 1.0), ((0.9, 0.9), 0.1**0.5)])
def test_without_correction_the_first_step_is_as_far_off_as_the_lesson_says(betas, length):
    first = correction.steps_of(correction.uncorrected, np.ones(1), *betas)[0][0]
    assert first == pytest.approx(length, abs=1e-6)
    assert correction.first_step(*betas) == pytest.approx(length, abs=1e-9)
    longest = correction.steps_of(correction.uncorrected, np.ones(50), 0.9, 0.999)[0]
    assert longest.argmax() + 1 == 12
    assert longest.max() == pytest.approx(6.57, abs=0.01)


def test_adams_way_does_not_depend_on_the_scale_of_the_loss_and_gradient_descents_does():
    def ends(make, scale):
        w = nnlab.Parameter(np.array([1.0, -2.0, 0.5]), dtype=np.float64)
        optimizer = make([w])
        for _ in range(20):
            w.grad = scale * np.array([0.5, 2.0, 4.0]) * w.data
            optimizer.step()
        return w.data

    adam, descent = (lambda p: nnlab.Adam(p, lr=0.05)), (lambda p: nnlab.SGD(p, lr=0.001))
    np.testing.assert_allclose(ends(adam, 100), ends(adam, 1), rtol=1e-5)
    np.testing.assert_allclose(ends(descent, 100), ends(lambda p: nnlab.SGD(p, lr=0.1), 1), rtol=1e-9)


# Lab 4f: noise ------------------------------------------------------------------------------------------------------
def test_a_batch_of_four_times_as_many_has_half_the_noise():
    noise = [batches.spread(size) for size in (1, 8, 32, 128)]
    assert noise == pytest.approx([3.6, 1.3, 0.63, 0.31], rel=0.06), "the numbers of the lesson"
    A, y = batches.line_data()
    of_each = A * (A @ batches.START - y)[:, None]
    for size in (2, 8, 32):
        found = [[np.linalg.norm(of_each[rng.integers(0, len(A), (400, n))].mean(1) - of_each.mean(0), axis=1).std() for
                  n in (size, 4 * size)] for rng in map(np.random.default_rng, range(10))]
        assert np.mean([b / a for a, b in found]) == pytest.approx(0.5, abs=0.06)


@pytest.mark.parametrize("seed", range(10))
def test_small_batches_gain_more_from_few_examples_and_end_farther_from_the_minimum(seed):
    at = {size: batches.loss(batches.descend(size, 0.1, 2, seed)) for size in (1, 8, 128, 1024)}
    assert at[8][512 // 8] < at[128][512 // 128] < at[1024][0]
    assert at[8][-30:].mean() < at[1][-300:].mean()
    faster = batches.loss(batches.descend(1, 0.3, 2, seed))[-500:].mean()
    assert faster > 3 * batches.loss(batches.descend(1, 0.03, 2, seed))[-500:].mean()


@pytest.mark.parametrize("seed", range(10))
def test_a_falling_rate_ends_nearer_to_the_minimum(seed):
    falling, constant = (batches.loss(batches.descend(1, 0.1, 4, seed, falling))[-300:] for falling in (True, False))
    assert falling.mean() < constant.mean() / 5


def test_the_labs_descent_is_gradient_descent_on_batches():
    A, y = batches.line_data()
    order, w = np.random.default_rng(3).permutation(len(A)), batches.START
    path = batches.descend(32, 0.1, 1, seed=3)
    for i in range(5):
        rows = order[32 * i:32 * i + 32]
        w = w - 0.1 * A[rows].T @ (A[rows] @ w - y[rows]) / 32
        np.testing.assert_allclose(path[i + 1], w, rtol=1e-9)


# Lab 4g: a rate for each weight ---------------------------------------------------------------------------------------
def test_the_flat_direction_gets_the_larger_rate_unless_the_ravine_is_turned():
    ours = {name: use[0] for name, use in rules.USES.items()}
    v = {name: adaptive.run("rmsprop", name, 0.03, 0.9, ours)[1][:30] for name in adaptive.PROBLEMS}
    ratio = {name: np.sqrt(np.nanmean(each[:, 1]) / np.nanmean(each[:, 0])) for name, each in v.items()}
    assert ratio[adaptive.PROBLEMS[0]] > 10
    assert 0.8 < ratio[adaptive.PROBLEMS[1]] < 1.25
    assert ratio[adaptive.PROBLEMS[2]] > 5


def test_the_rare_feature_is_seen_in_every_tenth_step_only():
    gradient = adaptive.problem(adaptive.PROBLEMS[2])[0]
    seen = [t for t in range(1, 151) if gradient(np.ones(2), t)[0]]
    assert seen == list(range(10, 151, 10))
    assert all(gradient(np.ones(2), t)[1] for t in range(1, 151))


# Lab 4c: the race, and R4.6 -------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", [name for name in surfaces.SURFACES if name != "noisy ravine"])
def test_the_rates_of_the_race_are_the_best_of_their_grid(name):
    with np.errstate(all="ignore"):
        assert {kind: surfaces.tune(kind, name) for kind in rules.KINDS} == pytest.approx(surfaces.TUNED[name])


@pytest.mark.parametrize("name", surfaces.SURFACES)
def test_they_arrive_when_the_lesson_says(name, lesson):
    scores = [surfaces.score(kind, surfaces.SURFACES[name], surfaces.TUNED[name][kind]) for kind in rules.KINDS]
    found = [round(score - 0.02) if name == "noisy ravine" else int(score) for score in scores]
    if name == "ravine":  # where RMSprop swings across it, each step enlarges what rounding has left
        assert 95 <= found[3] <= 125
        found[3] = TABLE[name][3]
    assert tuple(found) == TABLE[name]
    shown = next(line for c in lesson.cells for line in c.source.split("\n") if line.startswith(f"| {name}"))
    numbers = [cell.strip().replace("more than 200", "201") for cell in shown.split("|")[2:-1]]
    assert tuple(map(int, numbers)) == TABLE[name]


def test_after_tuning_adam_and_momentum_are_within_a_factor_2_in_the_ravine_but_not_all_five():
    """R4.6 as it can be held: on this grid of rates; with beta fixed at 0.9 plain descent stays 7 times behind."""
    ravine = dict(zip(rules.KINDS, TABLE["ravine"], strict=True))
    assert 0.5 < ravine["adam"] / ravine["momentum"] < 2
    assert ravine["GD"] > 6 * ravine["nesterov"]
    assert len({min(range(5), key=row.__getitem__) for row in TABLE.values()}) > 1, "no winner on all landscapes"


# R4.4 a rare large gradient -------------------------------------------------------------------------------------------
def test_adam_ends_at_the_worst_point_and_amsgrad_at_the_best():
    ends = {name: list(reddi(*options))[-1] for name, options in (
        ("Adam", ("Adam", False)), ("AMSGrad", ("Adam", True)), ("descent", ("gradient descent", False)))}
    assert ends["Adam"] > 0.99
    assert ends["AMSGrad"] < -0.99
    assert ends["descent"] < -0.99


# R4.5 more weights than data ------------------------------------------------------------------------------------------
@pytest.mark.parametrize("seed", range(10))
def test_on_wilsons_data_gradient_descent_generalises_and_adaptive_rules_say_the_majority(seed):
    positive = (wilson_data(seed=seed)[1][1] > 0).mean()
    for optimizer, share in (("gradient descent", 1.0), ("Adam", positive), ("RMSprop", positive)):
        *_, (train, test, *_) = wilson(optimizer, seed=seed, turns=500)
        assert (train, test) == (1.0, share)


# Lab 4h and the digits ------------------------------------------------------------------------------------------------
def scores(kind, lr, epochs=5):
    return [trained(OURS[kind], lr, seed, epochs)[0] for seed in range(10)]


def test_at_one_rate_for_all_adam_is_far_ahead_and_at_their_own_best_all_are_close():
    same = {kind: np.mean(scores(kind, 0.01)) for kind in ("GD", "adam")}
    assert same["GD"] == pytest.approx(0.23, abs=0.05)
    assert same["adam"] == pytest.approx(0.93, abs=0.015)
    best = {kind: np.mean(scores(kind, lr)) for kind, lr in
            (("GD", 1.0), ("momentum", 0.316228), ("nesterov", 0.316228), ("rmsprop", 0.031623), ("adam", 0.031623))}
    assert max(best.values()) - min(best.values()) < 0.035
    assert min(best.values()) > 0.92
    assert np.mean(scores("adam", 1.0)) < 0.2, "the same number is a cliff for Adam and the best of gradient descent"


def test_the_number_to_beat_can_be_beaten_and_the_lessons_start_does_not():
    assert np.mean(scores("GD", 0.1, epochs=10)) == pytest.approx(0.915, abs=0.006)
    assert np.mean(scores("nesterov", 0.3, epochs=10)) > 0.955


# The notebook --------------------------------------------------------------------------------------------------------
def test_solved_exercises_drive_the_labs(lesson, bank):
    space = {}
    for cell in (c for c in lesson.cells if c.cell_type == "code"):
        if any(word in cell.source for word in ("train(lambda", "starts,", "reddi(", "[grows(", "max(same)")):
            continue
        written = re.search(r"def (\w+).*\n    \.\.\.", cell.source, re.DOTALL)
        exec(cell.source, space)
        if written:
            space[written[1]] = bank.SOLUTIONS[written[1]]
    badges = {"4a": "your momentum", "4g": "your rmsprop", "4d": "your adam", "4h":
              "your momentum and your rmsprop and your adam",
              "4c": "your momentum and your rmsprop and your adam and your nesterov"}
    for name, badge in badges.items():
        assert space[f"lab_{name}"].stage.badge == f"running {badge}"
    ours, theirs = OURS["adam"], space["lab_4h"].step(5).result
    assert theirs.scores[4, 4, 0, 0] == pytest.approx(trained(ours, 0.01, 0, 5)[0], abs=0.03)
    heights = space["lab_4c"].step(60).result.heights
    assert {k: surfaces.arrival(heights[k]) for k in ("momentum", "nesterov", "adam")} == {
        "momentum": 43, "nesterov": 26, "adam": 43}
    assert not any(space[f"lab_{name}"].error for name in badges)


def test_the_pytorch_twin_does_what_ours_does(lesson):
    torch = needs("torch")
    twin = next(c for c in lesson.cells if "pytorch-twin" in c.metadata.get("tags", []))
    ours, theirs = re.findall(r"```python\n(.*?)```", twin.source, re.DOTALL)
    rng = np.random.default_rng(0)
    given = {name: rng.normal(size=shape).astype(np.float32) for name, shape in
             (("A", (6, 3)), ("b", (6,)), ("start", (3,)))}
    a, b = dict(given), {name: torch.tensor(value) for name, value in given.items()} | {"start": given["start"]}
    exec(ours, a)
    exec(theirs, b)
    for one, other in zip(a["ends"], b["ends"], strict=True):
        np.testing.assert_allclose(one, other.numpy(), rtol=1e-4, atol=1e-6)



if __name__ == "__main__":
    with np.errstate(all="ignore"):
        for name, surface in surfaces.SURFACES.items():
            tuned = {kind: surfaces.tune(kind, name) for kind in rules.KINDS}
            print(f'    "{name}": dict({", ".join(f"{kind}={lr:g}" for kind, lr in tuned.items())}),')
            print("   #", ", ".join(f"{surfaces.score(kind, surface, lr):.2f}" for kind, lr in tuned.items()))
