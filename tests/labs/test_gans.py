"""What is special to the labs of unit 8: they show what they compute, and say what is true of it."""

import numpy as np
import pytest

import nnlab
from course.check import check, read_unit
from course.labs import gans
from course.labs.gans import digits, dirac, game, judge, push, ring, which_kl
from nnlab import functional as F
from nnlab import metrics
from nnlab.models.gan import dirac_gan


@pytest.fixture(scope="module")
def bank():
    return read_unit("08_gans", "private/practice.py")


def test_our_own_functions_pass_the_checks_of_the_exercises():
    for name, function in (("jsd", judge.jsd), ("d_step", game.d_step), ("g_step", game.g_step),
                           ("modes_captured", game.modes_captured)):
        result = check(name, function)
        assert result, result


# What is asked ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("lab_class", "panel", "artist", "word"), [
    (gans.BestJudge, "loss", "floor", ""), (gans.WhichLossTeaches, "slopes", "1", "slope of"),
    (gans.TwoPlayers, "radius", "radius", "factor"), (gans.WhichKL, "map", "best", "the best"),
])  # fmt: skip
def test_no_lab_shows_what_it_asks_before_it_is_answered(lab_class, panel, artist, word):
    lab = lab_class()
    shown = lambda: artist in lab.view[panel]._touched
    for widget in lab._widgets.values():  # a page that shows a slider may send its value back, rounded
        if isinstance(widget.value, float):
            widget.value = np.nextafter(widget.value, 1)
    assert lab.asking
    assert not shown()
    assert not word or word not in lab.stage.alt
    lab.prediction.lock(lab.question.choices[0])
    assert not lab.asking
    assert shown()
    assert word in lab.stage.alt


# 8a ------------------------------------------------------------------------------------------------------------------
def test_no_discriminator_pays_less_than_lab_8a_says():
    lab = gans.BestJudge(mu=1.5, sd=0.7)
    excess = [lab.result.loss - lab.result.least]
    for _ in range(8):
        r = lab.step(25).result
        assert r.loss > r.least
        excess.append(r.loss - r.least)
    assert excess[-1] < 0.05 * excess[0]
    p, q = judge.shares(0, 1), judge.shares(1.5, 0.7)
    assert r.least == pytest.approx(np.log(4) - 2 * F.js_divergence(p, q).item(), abs=1e-9)
    np.testing.assert_allclose(r.best, r.p / (r.p + r.q), atol=1e-9)
    assert r.least == pytest.approx(judge.expected_loss(p, q, np.log(p / q)), abs=1e-9)


def test_lab_8a_follows_the_hand_without_taking_a_step_and_goes_on_learning_from_there():
    lab = gans.BestJudge().step(30)
    step, learned = lab.result.step, lab.result.learned
    lab._widgets["mu"].value = -2.0
    assert lab.result.mu == -2.0
    assert lab.result.step == step
    np.testing.assert_array_equal(lab.result.learned, learned)
    np.testing.assert_allclose(lab.view["loss"]["now"].get_xdata(), [-2.0])
    np.testing.assert_allclose(lab.view["densities"]["q"].get_ydata(), judge.normal(judge.X, -2.0, 1.0))
    before = lab.result.loss
    assert lab.step(40).result.loss < before
    assert lab.result.step == step + 40
    lab.set(mu=0.0, sd=1.0)
    assert lab.result.least == pytest.approx(np.log(4), abs=1e-12)
    assert "from 0.50 to 0.50" in lab.stage.alt
    assert lab.set(mu=3.0, sd=0.3).result.least < 0.1


def test_lab_8a_follows_the_hand_after_its_end_too(monkeypatch):
    monkeypatch.setattr(judge, "MOST", 3)
    lab = gans.BestJudge()
    learned = lab.step(9).result.learned
    lab.set(mu=2.0)
    assert (lab.result.mu, lab.result.step, lab.stage.state) == (2.0, 3, "done")
    np.testing.assert_array_equal(lab.result.learned, learned)


def test_the_hill_of_lab_8a_is_the_students_divergence(bank):
    lab = gans.BestJudge().use(bank.MUTANTS["jsd"]["G12 in bits"][0])
    right = gans.BestJudge().result
    np.testing.assert_allclose(np.log(4) - lab.result.floor, (np.log(4) - right.floor) / np.log(2), rtol=1e-6)
    assert lab.stage.badge == "running your jsd"
    at = np.argmin(np.abs(judge.MUS - right.mu))
    assert right.floor[at] == pytest.approx(right.least, abs=1e-6)


# 8d ------------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("p", [0.001, 0.3, 0.5, 0.98])
def test_the_slopes_of_lab_8d_are_those_of_the_losses(p):
    r = gans.WhichLossTeaches(p=p).result
    assert r.slopes[0] == pytest.approx(-p)
    assert r.slopes[1] == pytest.approx(-(1 - p))
    h = 1e-5
    sigma = lambda a: 1 / (1 + np.exp(-a))
    assert r.slopes[0] == pytest.approx((np.log(1 - sigma(r.a + h)) - np.log(1 - sigma(r.a - h))) / (2 * h), rel=1e-4)
    assert r.slopes[1] == pytest.approx((np.log(sigma(r.a - h)) - np.log(sigma(r.a + h))) / (2 * h), rel=1e-4)


def test_lab_8d_takes_the_fake_down_each_loss():
    lab = gans.WhichLossTeaches(p=0.02, lr=0.1)
    lab.prediction.skip()
    saturating, other = lab.result.paths
    for path, slope in ((saturating, lambda a: -1 / (1 + np.exp(-a))), (other, lambda a: -1 / (1 + np.exp(a)))):
        a = np.log(0.02 / 0.98)
        for step in range(50):
            assert path[step] == pytest.approx(a)
            a -= 0.1 * slope(a)
    first = int(np.flatnonzero(other >= 0)[0])
    assert f"steps to D = 0.5 over 200 and {first}" in lab.stage.alt
    assert saturating[-1] < -3 < 0 < other[-1]


def test_the_answer_of_lab_8d_holds():
    slopes = push.slopes(np.log(0.001 / 0.999))
    assert slopes[1] == pytest.approx(-0.999)
    assert slopes[0] == pytest.approx(-0.001)


# 8c ------------------------------------------------------------------------------------------------------------------
def state(lab):
    """(the numbers inside D, the numbers inside G) as the picture shows them."""
    return lab.result.belief.copy(), lab.result.fakes.copy()


def test_a_step_of_d_repaints_the_plane_and_a_step_of_g_moves_the_fakes():
    lab = gans.RingOfEight().step(3)
    belief, fakes = state(lab)
    lab.step_d()
    assert (lab.result.belief != belief).any()
    np.testing.assert_array_equal(lab.result.fakes, fakes)
    assert lab.result.single == (1, 0)
    belief, fakes = state(lab)
    lab.step_g()
    np.testing.assert_array_equal(lab.result.belief, belief)
    assert (lab.result.fakes != fakes).any()
    assert (lab.result.rounds, lab.result.single) == (30, (1, 1))
    assert "1 single steps of D, 1 of G" in lab.stage.alt
    assert lab.step(1).result.rounds == 40


def test_the_buttons_of_one_player_are_barred_until_the_prediction_is_locked():
    lab = gans.RingOfEight()
    assert [button.disabled for button in lab._single] == [True, True]
    lab.prediction.lock(lab.question.choices[0])
    assert [button.disabled for button in lab._single] == [False, False]
    lab._single[0].click()
    lab._single[1].click()
    assert lab.result.single == (1, 1)
    tree = [button for button in lab._single if button in lab.page.children[-1].children[0].children[-1].children]
    assert len(tree) == 2


def test_the_arrows_of_lab_8c_are_the_gradients_of_minus_ln_d():
    for pack in (1, 2):
        lab = gans.RingOfEight(pack=pack).step(5)
        _, D, *_ = game.players(pack=pack, seed=0)
        rng = np.random.default_rng([0, 1])
        x = rng.standard_normal((8, 2)).astype(np.float32)
        fakes = nnlab.Tensor(x, requires_grad=True)
        logits = D(fakes)
        loss = F.binary_cross_entropy_with_logits(logits, np.ones(logits.shape), reduction="sum")
        loss.backward()
        apart = np.abs(game.pushes(D, x) + fakes.grad)  # a few samples lie at a fold of D's, where slopes jump
        assert np.median(apart) < 1e-3 * np.abs(fakes.grad).max()
        assert apart.max() < 0.2 * np.abs(fakes.grad).max()
        assert len(lab.view["plane"]["pushes"].get_segments()) == 3 * ring.PUSHED


def test_what_lab_8c_paints_is_what_d_believes_and_where_the_fakes_are():
    lab = gans.RingOfEight().step(10)
    r, view = lab.result, lab.view
    np.testing.assert_array_equal(view["plane"]["belief"].values, r.belief)
    np.testing.assert_allclose(view["plane"]["fakes"].get_data(), r.fakes.T.clip(-3.6, 3.6))
    assert r.belief.min() > 0
    assert r.belief.max() < 1
    assert (view["history"]["history"].values[:, :11] == r.history.T).all()
    assert np.isnan(view["history"]["history"].values[:, 11:]).all()
    np.testing.assert_allclose(r.history.sum(1), 1)
    np.testing.assert_array_equal(view["modes"]["modes"].get_ydata(), r.curves[:, 1])
    np.testing.assert_array_equal(view["quality"]["quality"].get_ydata(), r.curves[:, 2])


def test_a_d_with_packs_sees_a_point_beside_real_ones():
    _, D, *_ = game.players(pack=2, seed=1)
    beside = np.array([[1.0, 0.5], [-1.0, 2.0]])
    point = np.array([[0.3, -0.7]])
    expected = np.mean([F.sigmoid(D.judge(np.r_[point[0], other][None])).data for other in beside])
    assert game.believed(D, point, beside) == pytest.approx(expected, rel=1e-5)


def test_lab_8c_plays_as_the_library_does():
    G, D, g_adam, d_adam, noise = game.players(seed=3)
    rng = np.random.default_rng([3, 1])
    data = ring.ring(4096, rng=rng)[0]
    real = game.batches(data, rng, ring.BATCH)
    rng.standard_normal((ring.SHOWN, 2)), rng.standard_normal((ring.SAMPLES, 2))
    gan = nnlab.GAN(G, D, 2, d_optimizer=d_adam, g_optimizer=g_adam)
    gan.noise = noise
    for _ in range(20):
        for _ in range(2):
            gan.d_step(next(real))
        for _ in range(3):
            gan.g_step(ring.BATCH)
    lab = gans.RingOfEight(seed=3, d_steps=2, g_steps=3).step(2)
    z = np.random.default_rng([3, 1])
    ring.ring(4096, rng=z)
    shown = z.standard_normal((ring.SHOWN, 2)).astype(np.float32)
    np.testing.assert_allclose(lab.result.fakes, nnlab.predict(G, shown), atol=1e-3)


def test_a_recipe_sets_the_controls_and_a_control_that_moves_makes_it_your_own():
    lab = gans.RingOfEight()
    assert lab.values["recipe"] == "balanced"
    lab.set(recipe="collapse")
    assert (lab.values["g_steps"], lab.values["beta1"]) == (10, 0.9)
    lab._widgets["g_steps"].value = 1
    assert lab.values["recipe"] == ring.OWN
    lab._widgets["recipe"].value = "balanced"
    assert (lab.values["g_steps"], lab.values["beta1"]) == (1, 0.5)
    lab.set(recipe="collapse", pack=2)
    assert (lab.values["recipe"], lab.values["pack"], lab.values["g_steps"]) == (ring.OWN, 2, 10)
    lab.set(shown="the folded noise", seed=4)
    assert lab.values["recipe"] == ring.OWN


def test_a_recipe_that_is_chosen_while_it_plays_acts_on_the_training():
    lab = gans.RingOfEight().step(2)
    lab.set(recipe="collapse")
    assert lab.result.rounds in (0, 20)
    lab.set(lr=1e-2)
    assert lab.step(1).error == ""


def test_the_folded_noise_is_the_generators_picture_of_a_net():
    G, *_ = game.players(latent=2, seed=0)
    lines = game.folded(G, 2)
    assert lines.shape == (18, 41, 2)
    np.testing.assert_allclose(lines[0, 0], G(np.array([[-2.0, -2.0]])).data[0], rtol=1e-5)
    np.testing.assert_allclose(lines[0, 0], lines[9, 0], rtol=1e-5)
    assert game.folded(game.players(latent=1)[0], 1).shape == (1, 161, 2)
    assert game.folded(game.players(latent=8)[0], 8) is None
    lab = gans.RingOfEight(shown="the folded noise")
    assert len(lab.view["plane"]["net"].get_segments()) == 18
    assert lab.view["plane"]["net"].get_visible()
    assert not lab.set(latent=8).view["plane"]["net"].get_visible()


def test_our_modes_are_the_librarys():
    rng = np.random.default_rng(0)
    for _ in range(5):
        samples = ring.CENTERS[rng.integers(0, 8, 300)] + rng.normal(0, 0.15, (300, 2))
        samples[:150] = rng.normal(0, 1, (150, 2))
        assert game.modes_captured(samples, ring.CENTERS, 0.1) == metrics.modes_captured(samples, ring.CENTERS, 0.1)


def test_lab_8c_runs_on_the_students_steps_and_shows_what_their_mistakes_do(bank):
    ours = gans.RingOfEight(seed=2).step(8).result
    solutions = {name: bank.SOLUTIONS[name] for name in ("d_step", "g_step", "modes_captured")}
    lab = gans.RingOfEight(seed=2).use(**solutions).step(8)
    assert lab.wait(30)
    np.testing.assert_allclose(lab.result.curves[-1, 1:], ours.curves[-1, 1:], atol=1.01)
    assert lab.stage.badge == "running your d_step and your g_step and your modes_captured"
    lab.step_d()
    lab.step_g()
    assert lab.result.single == (1, 1)
    wrong = bank.MUTANTS["g_step"]["G5 the fakes called fake"][0]
    lab.use(g_step=wrong, d_step=None, modes_captured=None).step(12)
    assert lab.wait(30)
    assert lab.result.curves[-1, 2] < 0.03, "the fakes run away"
    lab.use(g_step=lambda G, D, optimizer, n, noise: None).step(1)
    lab.wait(10)
    assert "returned None" in lab.error
    packed = gans.RingOfEight(pack=2).use(**solutions).step(2)
    assert packed.wait(30)
    assert packed.error == ""


# 8f ------------------------------------------------------------------------------------------------------------------
def test_told_apart_is_a_half_for_equals_one_for_strangers_and_0_for_copies():
    X, _ = nnlab.data.digits("train")
    mixed = np.random.default_rng(0).permutation(X)
    assert 0.4 < digits.told_apart(mixed[:300], mixed[300:600]) < 0.6
    assert digits.told_apart(X[:50], X[:50] + 5) == 1
    assert digits.told_apart(X[:50], X[:50] + 1e-4) == 0
    A, B = X[:7].astype(float), X[20:25].astype(float)
    direct = np.linalg.norm(A[:, None] - B, axis=2)
    np.testing.assert_allclose(digits.distances(A, B), direct, atol=1e-6)


def test_the_reader_reads():
    V, v = nnlab.data.digits("validation")
    assert nnlab.accuracy(nnlab.predict(digits.reader(), V), v) > 0.93
    shares = digits.classes(V)
    assert shares.sum() == pytest.approx(1)
    assert shares.min() > 0.07


def test_the_walk_passes_its_stops_and_never_leaves_the_shell():
    stops = np.random.default_rng(0).standard_normal((4, 16))
    path = digits.wander(stops, 31)
    np.testing.assert_allclose(path[0], stops[0], atol=1e-5)
    np.testing.assert_allclose(path[10], stops[1], atol=1e-4)
    np.testing.assert_allclose(path[-1], stops[3], atol=1e-4)
    sizes = np.linalg.norm(path, axis=1)
    assert sizes.min() > 0.6 * np.linalg.norm(stops, axis=1).min()


def test_lab_8f_shows_its_fakes_their_nearest_and_its_judges():
    lab = gans.DigitsFromNoise().step(5)
    r, view, X = lab.result, lab.view, nnlab.data.digits("train")[0]
    assert r.rounds == 100
    wall = view["wall"]["fakes"].values[::-1]
    np.testing.assert_array_equal(wall[:8, 10:18], r.fakes[1].reshape(8, 8))
    apart = np.linalg.norm(r.fakes[:12, None] - X, axis=2)
    np.testing.assert_array_equal(r.nearest, X[apart.argmin(1)])
    np.testing.assert_allclose(r.copied, apart.min(1), rtol=1e-3)
    pairs = view["pairs"]["pairs"].values[::-1]
    np.testing.assert_array_equal(pairs[10:18, :8], r.nearest[0].reshape(8, 8))
    held = nnlab.data.digits("validation")[0][:300]
    assert r.curve[-1].tolist() == [100, digits.told_apart(held, r.fakes[:300])]
    assert r.curve[-1, 1] > 0.95
    assert [bar.get_height() for bar in view["classes"]["shares10"]] == pytest.approx(np.minimum(r.classes, 0.42))
    lab._widgets["below"].value = "a walk through the noise"
    np.testing.assert_array_equal(view["pairs"]["pairs"].values[::-1][:8, :8], r.walk[0].reshape(8, 8))
    assert lab.result.rounds == 100


def test_digits_form():
    early = gans.DigitsFromNoise().result
    late = gans.DigitsFromNoise().step(60).result
    assert late.curve[-1, 1] < early.curve[-1, 1]
    assert late.copied.mean() < 0.6 * early.copied.mean()
    assert (late.classes >= 0.02).sum() >= 6


# 8b ------------------------------------------------------------------------------------------------------------------
def test_lab_8b_draws_the_librarys_path_and_the_way_both_want_to_go():
    lab = gans.TwoPlayers(lr=0.2, r1=0.1, theta=-1.0, psi=0.5, update="alternating")
    path = dirac_gan(500, 0.2, start=(-1.0, 0.5), alternating=True, r1=0.1)
    np.testing.assert_allclose(lab.result.path, path)
    np.testing.assert_allclose(lab.view["plane"]["path"].get_data(), path.T)
    one = dirac_gan(1, 0.2, start=(-1.0, 0.5), r1=0.1)
    np.testing.assert_allclose(dirac.field(np.array([[-1.0, 0.5]]), 0.1)[0], (one[1] - one[0]) / 0.2)


@pytest.mark.parametrize(("values", "word"), [
    (dict(), "spirals out"), (dict(update="alternating"), "circles"), (dict(r1=0.3), "comes in"),
    (dict(update="alternating", r1=0.3), "comes in"), (dict(lr=0.5), "spirals out"),
])
def test_lab_8b_says_what_its_path_does(values, word):
    lab = gans.TwoPlayers(**values)
    lab.prediction.skip()
    assert f"the path {word}" in lab.stage.alt
    start, end = np.hypot(*lab.result.path[[0, -1]].T)
    assert {"spirals out": end > 1.2 * start, "circles": abs(end / start - 1) < 0.02,
            "comes in": end < 0.1 * start}[word]


# 8e ------------------------------------------------------------------------------------------------------------------
def test_the_distances_of_lab_8e_are_the_librarys():
    rng = np.random.default_rng(0)
    p, q = rng.dirichlet(np.ones(40), 2)
    assert which_kl.distance(p, q, "forward") == pytest.approx(F.kl_divergence(p, q).item(), rel=1e-5)
    assert which_kl.distance(p, q, "reverse") == pytest.approx(F.kl_divergence(q, p).item(), rel=1e-5)
    assert which_kl.distance(p, q, "js") == pytest.approx(F.js_divergence(p, q).item(), rel=1e-5)


def test_the_map_of_lab_8e_is_lowest_at_its_star_and_agrees_with_the_hand():
    for kind, name in which_kl.DIRECTIONS.items():
        lab = gans.WhichKL(kind=kind)
        mu, sd, value = lab.result.best
        assert lab.result.table.min() == pytest.approx(value)
        lab.set(mu=round(mu, 1), sd=round(sd, 1))
        assert lab.result.value == pytest.approx(value, abs=0.02)
        assert lab.view["map"]["best"].get_xdata()[0] == mu
        assert which_kl.best(0.0, name)[2] == pytest.approx(0, abs=1e-9), "one bump fits one bump"
