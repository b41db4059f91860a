"""What is special to the labs of unit 5: they show what they compute, and say what is true of it."""

import time

import numpy as np
import pytest
from matplotlib.colors import to_hex

import nnlab
from course.check import check, read_unit
from course.labs import overfitting
from course.labs.overfitting import augmented, bench, descent, memorise, peek, polynomial, stopping
from course.labs.overfitting.few import few, mosaic
from nnlab.functional import cross_entropy
from nnlab.train import evaluate


@pytest.fixture(scope="module")
def bank():
    return read_unit("05_overfitting", "private/practice.py")


# The digits ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("seed", range(5))
def test_few_digits_are_parted_into_three_sets_and_only_the_first_lies(seed):
    d = few(seed=seed)
    assert [len(d.X), len(d.V), len(d.T)] == [200, 100, 785]
    everything, labels = nnlab.data.digits("train")
    rows = lambda X, y: sorted(map(bytes, np.c_[X, y].astype(np.float32)))
    assert rows(np.r_[d.X, d.V, d.T], np.r_[d.truth, d.v, d.t]) == rows(everything, labels), "each digit once"
    assert (d.lied == (d.y != d.truth)).all()
    assert d.lied.sum() == 40
    assert set(d.y) <= set(range(10))


def test_other_seeds_are_other_digits_and_other_lies():
    a, b = few(seed=0), few(seed=1)
    assert (a.truth != b.truth).mean() > 0.5
    assert few(wrong=0.0).lied.sum() == 0
    assert len(set((a.y - a.truth)[a.lied] % 10)) > 5


def test_a_mosaic_puts_the_first_picture_into_the_upper_left_corner():
    pictures = np.random.default_rng(0).uniform(size=(5, 64))
    wall = mosaic(pictures, 3)
    assert wall.shape == (18, 28)
    np.testing.assert_array_equal(wall[::-1][:8, :8], pictures[0].reshape(8, 8))
    np.testing.assert_array_equal(wall[::-1][10:, 10:18], pictures[4].reshape(8, 8))
    assert np.isnan(wall[:, 8:10]).all()
    assert np.isnan(wall[8:10]).all()


def test_our_own_functions_pass_the_checks_of_the_exercises():
    for name, function in (("early_stopping", stopping.early_stopping), ("dropout", bench.dropout),
                           ("random_shift", augmented.random_shift)):
        result = check(name, function)
        assert result, result


# 5a ------------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("degree", "strength"), [(3, 0.1), (6, 1e-4), (9, 10.0)])
def test_the_penalised_polynomial_is_the_least_of_all_and_its_constant_pays_nothing(degree, strength):
    x, y = polynomial.sample(12, 0.3, np.random.default_rng(1))
    A = np.c_[np.ones(12), polynomial.powers(x, degree)]
    w = np.linalg.solve(A.T @ A + strength * np.diag([0.0] + [1.0] * degree), A.T @ y)
    at = np.linspace(-1, 1, 7)
    f = polynomial.ridge(x, y, degree, [strength, 5.0])
    np.testing.assert_allclose(f(at)[:, 0], np.c_[np.ones(7), polynomial.powers(at, degree)] @ w, atol=1e-6)
    lifted = polynomial.ridge(x, y + 100, degree, strength)(at)
    np.testing.assert_allclose(lifted[:, 0], f(at)[:, 0] + 100, atol=1e-6)


def test_what_lab_5a_asks_is_so():
    compute = overfitting.DegreeAndData.compute
    for seed in range(10):
        train, fresh = compute(degree=14, n=15, noise=0.2, strength=1e-8, others=False, seed=seed)["by_strength"].T
        assert train.argmin() == 0
        assert (np.diff(train) > -1e-12).all()
        assert 0 < fresh.argmin() < len(fresh) - 1


def test_lab_5a_draws_its_fit_its_errors_and_itself_on_them():
    lab = overfitting.DegreeAndData(degree=5, strength=1e-3, noise=0.3, n=30)
    r, view = lab.result, lab.view
    f = polynomial.ridge(r.x, r.y, 5, r.strength)
    np.testing.assert_allclose(view["fit"]["curve"].get_ydata(), f(polynomial.FINE)[:, 0])
    np.testing.assert_allclose(view["fit"]["points"].get_data(), [r.x, r.y])
    assert len(r.x) == 30
    train = np.square(f(r.x)[:, 0] - r.y).mean()
    assert r.now[0] == pytest.approx(train)
    np.testing.assert_allclose(r.by_degree[4], r.now, rtol=1e-6)
    assert f"train {train:.4f}" in lab.stage.alt
    for panel, place, table in (("degrees", 5, r.by_degree), ("strengths", r.strength, r.by_strength)):
        for kind, name in enumerate(("train", "fresh")):
            np.testing.assert_allclose(view[panel][f"now{kind}"].get_data(), [[place], [r.now[kind]]])
            np.testing.assert_allclose(view[panel][name].get_ydata(), table[:, kind])
    assert lab.set(noise=0.0, degree=15).result.now[0] < 1e-3


def test_lab_5a_shows_other_samples_that_differ_more_the_larger_the_degree():
    spread = []
    for degree in (1, 14):
        lab = overfitting.DegreeAndData(degree=degree, others=True)
        assert len(lab.result.more) == len(lab.view["fit"]["more"].get_segments()) == 12
        spread.append(np.median(np.std(lab.result.more, 0)))
    assert spread[1] > 3 * spread[0]
    assert lab.set(others=False).result.more == []


# 5d ------------------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def stopped_at_10():
    """Lab 5d as it opens, stopped after 10 epochs, by our own rule."""
    return overfitting.YouAreEarlyStopping().step(10).stop().result


def test_lab_5d_trains_as_fit_does():
    lab = overfitting.YouAreEarlyStopping(seed=4).step(12)
    d, net = few(seed=4), stopping.digits_net(4)
    adam = nnlab.Adam(net.parameters(), lr=0.003)
    history = nnlab.fit(net, d.X, d.y, cross_entropy, adam, epochs=12, batch_size=50, validation=(d.V, d.v), rng=4)
    np.testing.assert_allclose(lab.result.losses, history["loss"], rtol=1e-5)
    np.testing.assert_allclose(lab.result.validation, history["val_loss"], rtol=1e-5)
    np.testing.assert_allclose(lab.view["curves"]["validation"].get_ydata(), history["val_loss"], rtol=1e-5)
    assert lab.result.judge is None
    assert "test" not in lab.stage.alt


def test_stop_opens_the_test_and_compares_the_finger_with_the_rule_and_the_end():
    lab = overfitting.YouAreEarlyStopping(seed=1, patience=5).step(30)
    before, captions = lab.result.says.copy(), []
    lab.stage.observe(lambda change: captions.append(change.new), "caption")
    lab.stop()
    r = lab.result
    assert lab.stage.frame["run"] == 1, "the page drops late pictures of a run in which Stop was pressed: this is none"
    assert "You stopped at epoch 30. The training runs on" in captions[0]
    assert (r.mine, len(r.validation), lab.stage.state) == (30, stopping.EPOCHS, "done")
    assert (r.says == before).all(), "the frames stay as the finger left them"
    d, net = few(seed=1), stopping.digits_net(1)
    adam, weights = nnlab.Adam(net.parameters(), lr=0.003), []
    nnlab.fit(net, d.X, d.y, cross_entropy, adam, epochs=60, batch_size=50, rng=1,
              callbacks=[lambda step: weights.append(stopping.flat(net))])
    test = lambda epoch: evaluate(stopping.load(net, weights[epoch - 1]), d.T, d.t, cross_entropy)["loss"]
    assert r.tests[30] == pytest.approx(test(30), rel=1e-4)
    best = 0
    for epoch, loss in enumerate(r.validation):
        best = epoch if loss < r.validation[best] else best
        if epoch - best >= 5:
            break
    assert r.rule[0] == best + 1
    assert r.rule[1] == pytest.approx(test(best + 1), rel=1e-4)
    assert r.tests[stopping.EPOCHS] > 1.5 * r.rule[1]
    bars = [lab.view["test"][f"bar{i}"].get_xdata()[1] for i in range(3)]
    assert bars == pytest.approx([min(r.tests[stopping.EPOCHS], 1.6), r.rule[1], r.tests[30]])
    marks = [lab.view["curves"][f"at{i}"].get_xdata()[0] for i in range(3)]
    assert marks == [stopping.EPOCHS, r.rule[0], 30]
    assert "You stopped at epoch 30" in lab.stage.alt


def test_after_the_stop_the_patience_moves_without_another_training():
    lab = overfitting.YouAreEarlyStopping(seed=2).step(20).stop()
    curve, found = lab.result.validation, {}
    for patience in (1, 50):
        lab._widgets["patience"].value = patience
        assert lab.result.mine == 20
        assert lab.result.validation is curve
        found[patience] = lab.result.rule[0]
        assert f"patience {patience}, epoch {found[patience]}" in lab.stage.alt
    assert found[1] < found[50] == lab.result.best
    lab.set(seed=3)
    assert (lab.taken, lab.result.judge, lab.stage.state) == (0, None, "still")


def test_a_training_nobody_stops_ends_at_its_end_and_play_begins_afresh():
    lab = overfitting.YouAreEarlyStopping()
    lab.step(stopping.EPOCHS + 1)
    assert (lab.stage.state, lab.result.mine) == ("done", stopping.EPOCHS)
    lab.step(3)
    assert lab.taken == 3 or lab.stage.state == "done"
    lab.reset()
    assert (len(lab.result.validation), lab._stopped) == (0, False)
    assert lab.stop().stage.state == "still", "nothing has been trained: there is nothing to open"
    assert lab.result.judge is None


def test_pressed_while_it_plays_stop_ends_the_training_for_the_eye():
    lab = overfitting.YouAreEarlyStopping().play()
    deadline = time.monotonic() + 10
    while lab.taken < 5 and time.monotonic() < deadline:
        time.sleep(0.01)
    lab.stop()
    assert 5 <= lab.result.mine < 200
    assert lab.stage.state == "done"


def test_lab_5d_frames_the_digits_by_what_the_net_says_of_them():
    lab = overfitting.YouAreEarlyStopping().step(120)
    r, panel, style = lab.result, lab.view["lies"], lab.view.style
    colors = [to_hex(c) for c in panel["frames"].get_colors()]
    expected = [style.negative if says == given else style.positive if says == true else style.grid
                for says, given, true in zip(r.says, r.d.y, r.d.truth)]
    assert colors == expected
    assert (r.says == r.d.y[:16]).sum() > 8, "by then it repeats most"
    assert r.d.lied[:16].all()
    wall = panel["digits"].values[::-1]
    np.testing.assert_array_equal(wall[:8, 10:18], r.d.X[1].reshape(8, 8))
    assert [panel[f"label{i}"].get_text() for i in range(16)] == [str(y) for y in r.d.y[:16]]


def test_lab_5d_runs_on_the_students_rule_and_shows_what_its_mistake_costs(bank, stopped_at_10):
    ours = stopped_at_10
    lab = overfitting.YouAreEarlyStopping().use(bank.SOLUTIONS["early_stopping"]).step(10).stop()
    assert lab.wait(20)
    assert lab.result.rule == pytest.approx(ours.rule, rel=1e-6)
    assert lab.stage.badge == "running your early_stopping"
    reference = bank.MUTANTS["early_stopping"]["F9 a reference, not a copy"][0]
    lab.use(reference).set(patience=50).step(10).stop()
    assert lab.wait(20)
    assert lab.result.rule[0] == lab.result.best
    assert lab.result.rule[1] > ours.rule[1] + 0.03, "the weights of 50 epochs later"
    lab.use(lambda training, patience: 3).step(2).stop()
    lab.wait(20)
    assert "expected 2 arrays" in lab.error


@pytest.mark.parametrize("seed", range(3))
def test_the_loss_is_lowest_where_lab_5d_says(seed, stopped_at_10):
    r = overfitting.YouAreEarlyStopping(seed=seed).step(1).stop().result if seed else stopped_at_10
    assert r.best == int(np.argmin(r.validation)) + 1
    assert 20 <= r.best <= 100, "about 50, says the question"


# 5e ------------------------------------------------------------------------------------------------------------------
def run(remedy, strength, seed=0, steps=150, **given):
    d = few(seed=seed, held_out=300)
    net, training = bench.training(remedy, strength, d, seed, **given)
    for _ in range(steps):
        next(training)
    return net, d


@pytest.mark.parametrize("remedy", [name for name in bench.REMEDIES if name != "none"])
def test_strength_0_is_no_remedy(remedy):
    net, _ = run(remedy, 0, steps=20)
    plain, _ = run("none", 5, steps=20)
    np.testing.assert_allclose(stopping.flat(net), stopping.flat(plain), atol=1e-6)


def test_on_the_bench_l2_is_the_penalty_and_l1_the_proximal_step_and_biases_pay_nothing():
    d = few(seed=0, held_out=300)
    for remedy in ("L2", "L1"):
        amount = bench.REMEDIES[remedy][0](5)
        net, training = bench.training(remedy, 5, d, 0)
        weights = [p.data.copy() for p in net.parameters()]
        loss = cross_entropy(net(d.X), d.y)
        loss.backward()
        slopes = [p.grad.copy() for p in net.parameters()]
        net.zero_grad()
        next(training)
        for p, w, g in zip(net.parameters(), weights, slopes, strict=True):
            is_weight = w.ndim == 2
            u = w - 0.3 * (g + amount * w * (is_weight and remedy == "L2"))
            cut = 0.3 * amount * (is_weight and remedy == "L1")
            np.testing.assert_allclose(p.data, np.sign(u) * np.maximum(np.abs(u) - cut, 0), atol=1e-6)


def test_only_l1_makes_weights_exactly_0():
    for remedy in bench.REMEDIES:
        net, _ = run(remedy, 5)
        zeros = (net.layers[0].weight.data == 0).mean()
        assert (zeros > 0.3) == (remedy == "L1"), remedy
        assert zeros == 0 or remedy == "L1"


def test_dropout_on_the_bench_is_between_hidden_and_output_and_off_when_measured():
    seen = []

    def spy(x, p, training, rng):
        seen.append((x.shape, round(p, 2), training))
        return bench.dropout(x, p, training, rng)

    net, d = run("dropout", 5, steps=3, dropout=spy)
    assert seen == [((200, 64), 0.45, True)] * 3
    evaluate(net, d.V, d.v, cross_entropy)
    assert seen[-1] == ((300, 64), 0.45, False)


def test_our_dropout_drops_a_share_p_and_keeps_the_mean():
    kept = bench.dropout(np.ones((300, 200)), 0.2, True, np.random.default_rng(0))
    assert (kept == 0).mean() == pytest.approx(0.2, abs=0.01)
    assert set(np.unique(kept)) == {0, 1.25}
    assert (bench.dropout(np.ones(5), 0.2, False, None) == 1).all()


def test_augmentation_on_the_bench_changes_a_share_of_the_digits():
    X = np.random.default_rng(0).uniform(0.1, 1, (400, 64)).astype(np.float32)
    changed = (bench.Shifted(0.5, np.random.default_rng(1))(X) != X).any(1)
    assert changed.mean() == pytest.approx(0.5 * 8 / 9, abs=0.06)
    assert not (bench.Shifted(0.0, np.random.default_rng(1))(X) != X).any()


def test_early_stopping_on_the_bench_goes_back_to_its_best_weights_and_waits():
    d = few(seed=0, held_out=300)
    runner = bench.Runner(*bench.training("early stopping", 5, d, 0), d, 18)
    for _ in range(200):
        runner.step()
    lowest = int(np.argmin(runner.validation[:runner.stopped]))
    assert runner.stopped == lowest + 18
    assert runner.validation[-1] == pytest.approx(runner.validation[lowest])
    assert evaluate(runner.net, d.V, d.v, cross_entropy)["loss"] == pytest.approx(runner.validation[lowest])
    assert len(runner.validation) == len(runner.train) == 201


def test_lab_5e_draws_both_nets_the_gap_and_the_weights():
    lab = overfitting.RegulariserBench(remedy="L1").step(60)
    r, view = lab.result, lab.view
    plain = overfitting.RegulariserBench(remedy="none").step(60).result
    np.testing.assert_allclose(r.plain_validation, plain.validation)
    np.testing.assert_allclose(view["curves"]["plain_train"].get_ydata(), plain.train)
    np.testing.assert_allclose(view["curves"]["validation"].get_ydata(), r.validation)
    assert list(view["curves"]["gap"].get_ydata()) == [r.train[-1], r.validation[-1]]
    assert r.zeros == (r.W == 0).sum() > 100
    assert f"exactly 0: {r.zeros}" == view["histogram"]["zero words"].get_text()
    assert view["histogram"]["zeros"].get_ydata()[1] == pytest.approx(min(r.zeros / 4096, 0.2))
    heights = np.array(view["histogram"]["now"].get_segments())[:, 1, 1]
    assert heights.sum() + r.zeros / 4096 == pytest.approx(1)
    np.testing.assert_array_equal(view["weights"]["weights"].values[::-1][:8, 10:18], r.W[1].reshape(8, 8))
    assert f"gap of the losses {r.validation[-1] - r.train[-1]:.3f}" in lab.stage.alt


def at_the_end(remedy):
    """(loss, accuracy) on the own digits and on new ones, where lab 5e ends with a remedy at strength 5."""
    d = few(seed=0, held_out=300)
    net, training = bench.training(remedy, 5, d, 0)
    if remedy == "early stopping":
        runner = bench.Runner(net, training, d, bench.REMEDIES[remedy][0](5))
        while len(runner.train) <= bench.STEPS:
            runner.step()
    else:
        assert sum(1 for _ in training) == bench.STEPS
    return [list(evaluate(net, X, y, cross_entropy, nnlab.accuracy).values()) for X, y in ((d.X, d.y), (d.V, d.v))]


@pytest.fixture(scope="module")
def without_remedy():
    return at_the_end("none")


@pytest.mark.parametrize("remedy", [name for name in bench.REMEDIES if name != "none"])
def test_every_remedy_helps_on_new_digits_and_costs_on_the_own(remedy, without_remedy):
    (plain_own, _), (plain_new, plain_right) = without_remedy
    (own, _), (new, right) = at_the_end(remedy)
    assert new < plain_new - 0.1
    assert own > plain_own + 0.05
    assert right > plain_right


def test_lab_5e_runs_on_the_students_dropout_and_shows_one_that_is_never_off(bank):
    lab = overfitting.RegulariserBench(remedy="dropout").use(bank.SOLUTIONS["dropout"]).step(20)
    assert lab.wait(20)
    steady = lab.result.validation
    assert lab.stage.badge == "running your dropout"
    always = bank.MUTANTS["dropout"]["F4 active out of training"][0]
    trembling = lab.use(always).step(20)
    assert lab.wait(20)
    rough = lambda losses: np.abs(np.diff(losses[5:], 2)).mean()
    assert rough(trembling.result.validation) > 2 * rough(steady)


# 5f ------------------------------------------------------------------------------------------------------------------
def test_lab_5f_shows_digits_and_what_becomes_of_them():
    lab = overfitting.Augmented(shift=0, flip=True).step(1)
    r = lab.result
    for plain, changed in zip(r.plain.reshape(-1, 8, 8), r.changed.reshape(-1, 8, 8)):
        assert np.array_equal(changed, plain) or np.array_equal(changed, plain[:, ::-1])
    wall = lab.view["digits"]["digits"].values[::-1]
    np.testing.assert_array_equal(wall[10:, :8], r.changed[0].reshape(8, 8))
    np.testing.assert_array_equal(wall[:8, :8], r.plain[0].reshape(8, 8))


@pytest.mark.parametrize(("name", "value"), [("shift", 2), ("rotate", 20), ("noise", 0.5), ("flip", True)])
def test_each_slider_of_lab_5f_changes_the_digits_by_itself(name, value):
    still = overfitting.Augmented(shift=0)
    assert (still.result.changed == still.result.plain).all()
    assert (still.set(**{name: value}).result.changed != still.result.plain).any(1).mean() > 0.3


def test_without_augmentation_both_nets_of_lab_5f_are_one():
    r = overfitting.Augmented(shift=0, n=100).step(8).result
    np.testing.assert_array_equal(r.accuracy[0], r.accuracy[1])
    assert "no augmentation" in overfitting.Augmented(shift=0).stage.alt


def test_what_lab_5f_asks_and_says_is_so():
    """Flips cost on new digits; shifts cost a little there and save the net on shifted ones. Means of 4 seeds."""
    ends = {name: np.mean([overfitting.Augmented(seed=seed, **values).step(augmented.EPOCHS).result.accuracy[:, -1]
                           for seed in range(4)], 0)
            for name, values in (("flip", dict(shift=0, flip=True)), ("shift", dict(shift=1)))}
    assert ends["flip"][0, 1] < ends["flip"][1, 1] - 0.005
    assert -0.05 < ends["shift"][0, 1] - ends["shift"][1, 1] < -0.005
    assert 0.3 < ends["shift"][1, 2] < 0.45
    assert ends["shift"][0, 2] > 0.75


def test_lab_5f_draws_its_accuracies():
    lab = overfitting.Augmented().step(5)
    r, view = lab.result, lab.view
    np.testing.assert_allclose(view["curves"]["with"].get_ydata(), r.accuracy[0, :, 1])
    np.testing.assert_allclose(view["curves"]["without"].get_ydata(), r.accuracy[1, :, 1])
    assert [bar.get_height() for bar in view["bars"]["with3"]] == pytest.approx(r.accuracy[0, -1].tolist())
    assert [bar.get_height() for bar in view["bars"]["without3"]] == pytest.approx(r.accuracy[1, -1].tolist())
    assert f"shifted {r.accuracy[0, -1, 2]:.3f}" in lab.stage.alt


def test_lab_5f_runs_on_the_students_shift(bank):
    lab = overfitting.Augmented().use(bank.SOLUTIONS["random_shift"]).step(1)
    assert lab.wait(20)
    assert lab.stage.badge == "running your random_shift"
    lab.use(lambda images, most, rng: images * 0 + 0.5).step(1)
    assert lab.wait(20)
    assert (lab.result.changed == 0.5).all()
    lab.use(lambda images, most, rng: images[0])
    assert lab.wait(20)
    assert "(8, 8)" in lab.error


# 5b ------------------------------------------------------------------------------------------------------------------
def test_the_labels_of_lab_5b_are_true_but_for_those_drawn_by_lot():
    for share in (0.0, 0.3, 1.0):
        X, y, drawn, T, t = memorise.problem(share, 3)
        assert drawn.sum() == round(256 * share)
        plane = np.random.default_rng(3)
        plane.standard_normal((1256, 20))
        plane = plane.standard_normal(20)
        assert ((X @ plane > 0) == y)[~drawn].all()
        assert ((T @ plane > 0) == t).all()
        wrong = ((X @ plane > 0) != y)[drawn]
        assert share == 0 or wrong.mean() == pytest.approx(0.5, abs=0.12)


def test_lab_5b_marks_the_step_at_which_all_are_right():
    lab = overfitting.Memorise(share=1.0).step(memorise.STEPS)
    r = lab.result
    assert r.own[r.whole] == 1 > max(r.own[:r.whole])
    assert (r.sure > 0).all()
    assert abs(r.new[-1] - 0.5) < 0.15
    assert list(lab.view["curves"]["whole"].get_xdata()) == [r.whole]
    assert f"since step {r.whole}" in lab.stage.alt
    assert "does not have all right" in overfitting.Memorise(width=8, share=1.0).step(50).stage.alt


def test_in_lab_5b_labels_drawn_by_lot_are_learned_last():
    lab = overfitting.Memorise(share=0.5).step(30)
    r = lab.result
    assert (r.sure[~r.drawn] > 0).mean() > (r.sure[r.drawn] > 0).mean() + 0.05
    true, lot = (lab.view["examples"][f"sure{kind}"].get_data() for kind in (1, 0))
    np.testing.assert_allclose(true[0], r.sure[~r.drawn].clip(-5.9, 9.9))
    assert true[1].min() > 0.5 > lot[1].max()


# 5c ------------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("n", "N"), [(50, 20), (50, 70), (50, 400), (100, 1600)])
def test_lab_5c_takes_the_smallest_weights_that_fit(n, N):
    X, T, e, *_ = descent.decomposed(n, N, 2)
    y = descent.truth(X) + 0.5 * e
    A, B = descent.features(X, N, 2), descent.features(T, N, 2)
    w = np.linalg.lstsq(A, y, rcond=None)[0]  # the smallest of all that are best
    train, test = descent.mean_errors(n, N, 0.5, 0.0, 2)
    assert test == pytest.approx(np.square(B @ w - descent.truth(T)).mean(), rel=1e-4)
    assert train == pytest.approx(np.square(A @ w - y).mean(), abs=1e-8)
    assert (train < 1e-12) == (n < N)
    w = np.linalg.solve(A.T @ A + 0.02 * np.eye(N), A.T @ y)
    assert descent.mean_errors(n, N, 0.5, 0.02, 2)[1] == pytest.approx(np.square(B @ w - descent.truth(T)).mean())


def test_lab_5c_draws_the_fitted_surface():
    lab = overfitting.DoubleDescent(N=30.0, ridge=0.02, noise=0.3, seed=1)
    r = lab.result
    N = r.N
    X, _, e, *_ = descent.decomposed(100, N, 1)
    A = descent.features(X, N, 1)
    w = np.linalg.solve(A.T @ A + 0.02 * np.eye(N), A.T @ (descent.truth(X) + 0.3 * e))
    np.testing.assert_allclose(r.plane.ravel(), descent.features(descent.PLANE, N, 1) @ w, atol=1e-8)
    np.testing.assert_array_equal(lab.view["fit"]["map"].values, r.plane)
    np.testing.assert_array_equal(lab.view["errors"]["test"].get_ydata(), r.errors[:, 1])
    assert lab.view["truth"]["map"].values[15, 15] == pytest.approx(descent.truth(np.zeros((1, 2)))[0])


def test_what_lab_5c_asks_is_so():
    for seed in range(10):
        near, far = (descent.mean_errors(100, N, 0.5, 0.0, seed)[1] for N in (110, 1600))
        assert far < near
    lab = overfitting.DoubleDescent()
    assert "largest near N = 100" in lab.stage.alt
    assert "lowest test" in lab.stage.alt


# 5g ------------------------------------------------------------------------------------------------------------------
def test_the_three_parts_of_lab_5g_have_nothing_in_common():
    parts = [{bytes(row) for row in X} for X, _ in peek.deal(3)]
    assert [len(y) for _, y in peek.deal(3)] == [60, 40, 985]
    assert len(set.union(*parts)) == 1085


def test_the_counter_counts_every_new_net_once():
    lab = overfitting.PeekCounter()
    assert "looks 1 " in lab.stage.alt
    lab.set(start=5)
    lab.set(width=60)
    assert "looks 3 " in lab.stage.alt
    lab.set(start=0, width=30)
    assert "looks 3 " in lab.stage.alt, "that net has been looked at before"
    lab._begin()
    assert lab.view["looks"]["count"].get_text() == "3 looks"
    lab.set(seed=1)
    assert lab.view["looks"]["count"].get_text() == "1 look", "a new game"
    lab.set(start=9)
    lab.reset()
    assert len(lab.result.looks) == 1


def test_the_best_so_far_is_the_first_of_the_best():
    lab = overfitting.PeekCounter()
    for start in range(20):
        lab.set(start=start, width=60)
    scores = [look[1] for look in lab.result.looks]
    assert f"best so far {max(scores)} of 40" in lab.stage.alt
    np.testing.assert_allclose(lab.view["looks"]["best"].get_ydata()[::2], np.maximum.accumulate(scores) / 40)
    np.testing.assert_allclose(lab.view["looks"]["peeked"].get_ydata(), np.array(scores) / 40)
    assert "sealed" not in lab.stage.alt
    lab.set(opened=True)
    net, _, sealed, _ = lab.result.looks[int(np.argmax(scores))]
    assert f"the same net on sealed digits {sealed:.3f}" in lab.stage.alt
    assert lab.view["looks"]["honest"].get_ydata()[0] == sealed
    (X, y), _, (S, s) = peek.deal(0)
    assert sealed == (peek.answers(X, y, *net, S)[0] == s).mean()


def test_what_has_been_seen_cannot_be_unseen():
    lab = overfitting.PeekCounter(start=2).set(opened=True)
    lab.set(opened=False)
    assert "seal is broken" in lab.stage.alt
    lab.set(start=3)
    lab.set(start=4)
    assert "tried 2 more nets since" in lab.stage.alt
    assert "seal" not in lab.set(seed=2).stage.alt


def test_the_seal_counts_who_looks(capsys):
    seal = peek.Sealed(np.zeros((4, 64)), np.array([1, 2, 1, 0]))
    assert seal.accuracy(lambda X: np.ones(len(X))) == 0.5
    assert capsys.readouterr().out == ""
    assert seal.accuracy(lambda X: np.zeros(len(X))) == 0.25
    assert seal.looks == 2
    assert "Look number 2" in capsys.readouterr().out
