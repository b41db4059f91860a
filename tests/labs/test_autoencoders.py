"""What is special to the labs of unit 7: they show what they compute, and say what is true of it."""

import importlib.util
import pathlib
from itertools import islice

import numpy as np
import pytest

import nnlab
from course.check import check, read_unit
from course.labs import autoencoders
from course.labs.autoencoders import anomaly, bottleneck, denoise, latent, linear, shapes, variational
from course.labs.autoencoders.bottleneck import STEPS, TAKEN

ROOT = pathlib.Path(__file__).parents[2]
ALL = STEPS // TAKEN


@pytest.fixture(scope="module")
def bank():
    return read_unit("07_autoencoders", "private/practice.py")


@pytest.fixture(scope="module")
def tool():
    """tools/make_latent.py as a module."""
    spec = importlib.util.spec_from_file_location("make_latent", ROOT / "tools" / "make_latent.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def pca_error(X, V, k):
    pca = nnlab.PCA(k).fit(X)
    return np.square(V - pca.inverse_transform(pca.transform(V))).mean()


def test_our_own_functions_pass_the_checks_of_the_exercises():
    for name, function in (("pca_reconstruct", bottleneck.pca_reconstruct),
                           ("denoising_pairs", denoise.denoising_pairs),
                           ("flag_anomalies", anomaly.flag_anomalies), ("kl_gauss", variational.kl_gauss)):
        result = check(name, function)
        assert result, result


# The data ------------------------------------------------------------------------------------------------------------
def test_the_curve_has_one_number_a_point_and_bends_into_four_directions():
    rng = np.random.default_rng(0)
    X = shapes.curve(20_000, rng)
    _, s, _ = np.linalg.svd(X - X.mean(0), full_matrices=False)
    variances = s**2 / len(X)
    np.testing.assert_allclose(variances[:4], shapes.AMPLITUDES**2 / 2, rtol=0.03)
    assert (variances[4:] < 1e-20).all()
    line = shapes.line(500, rng)
    assert np.linalg.matrix_rank(line) == 1
    assert shapes.roll(500, rng).shape == (500, 3)


def test_noise_is_as_said_and_fresh_points_are_others():
    a, b = shapes.draw("line", 3000, 1), shapes.fresh("line", 3000, 1)
    across = a - a @ shapes.axes16(1) @ shapes.axes16(1).T
    assert across.std() * np.sqrt(16 / 15) == pytest.approx(shapes.NOISE, rel=0.02)
    assert a.dtype == b.dtype == np.float32
    assert not np.isclose(a[:, :1], b[:, 0]).any(1).all()
    np.testing.assert_array_equal(shapes.fresh("digits", 9, 0), nnlab.data.digits("validation")[0])


def test_one_of_each_digit_and_ten_colours_that_fit_the_theme():
    X, y = nnlab.data.digits("validation")
    for digit, row in enumerate(shapes.one_of_each()):
        assert (X[y == digit] == row).all(1).any()
    from course.labs.style import DARK
    assert len({shapes.digit_color(DARK, digit) for digit in range(10)}) == 10


# 7a ------------------------------------------------------------------------------------------------------------------
def test_lab_7a_shows_pca_and_the_net_on_the_same_points():
    lab = autoencoders.Bottleneck(k=2, seed=3).step(30)
    r, X = lab.result, shapes.draw("curve", 500, 3)
    V = shapes.fresh("curve", 500, 3)
    model = bottleneck.network(16, 2, "deep", 3)
    for step in bottleneck.training(model, X, 3):
        if step.step == 30 * TAKEN:
            break
    np.testing.assert_allclose(r.ours, nnlab.predict(model, X[:200]), atol=1e-5)
    assert r.errors[-1] == pytest.approx(np.square(nnlab.predict(model, V) - V).mean(), rel=1e-4)
    np.testing.assert_allclose(r.theirs, bottleneck.pca_reconstruct(X, 2)[0][:200], atol=1e-6)
    np.testing.assert_allclose(r.pca_errors, [pca_error(X, V, k) for k in (1, 2, 3, 4)], rtol=1e-5)
    assert len(r.errors) == 31
    error = lab.view["error"]
    np.testing.assert_allclose(error["ours"].get_ydata(), np.clip(r.errors, 1e-4, 1))
    assert error["ours"].get_xdata()[-1] == 300
    assert error["pca2"].get_ydata()[0] == r.pca_errors[1]
    assert error["pca2"].get_linewidth() > error["pca3"].get_linewidth()
    assert f"autoencoder {r.errors[-1]:.5f}" in lab.stage.alt


def test_lab_7a_shows_only_pca_with_the_same_code_size_before_it_is_played():
    lab = autoencoders.Bottleneck()
    lines = lambda: [lab.view["error"]._artists.get(f"pca{k}") for k in (1, 2, 3, 4)]
    assert [line is not None for line in lines()] == [True, False, False, False]
    lab.step(1)
    assert all(line.get_visible() for line in lines())


def test_lab_7a_names_lines_that_lie_together_once():
    names = lambda lab: sorted(t.get_text() for t in lab.view["error"].axes.texts
                               if t.get_visible() and t.get_text().startswith("PCA"))
    assert names(autoencoders.Bottleneck().step(1)) == [
        "PCA, 1 number", "PCA, 2 numbers", "PCA, 3 numbers", "PCA, 4 numbers"]
    straight = autoencoders.Bottleneck(data="line")
    assert names(straight) == ["PCA, 1 number"]
    assert names(straight.step(1)) == ["PCA, 1 to 4 numbers"]


def test_lab_7a_turns_while_it_stands_still_and_learns_nothing_by_it():
    lab = autoencoders.Bottleneck().step(5)
    before, errors = lab.view["space"]["own"].get_xydata().copy(), lab.result.errors
    lab._widgets["turn"].value = 90
    assert lab.result.turn == 90
    assert lab.result.errors == errors
    assert not np.allclose(lab.view["space"]["own"].get_xydata(), before)
    assert "view turned 90°" in lab.stage.alt
    assert lab.taken == 5
    lab.step(1)
    assert lab.result.turn == 90
    assert len(lab.result.errors) == 7
    lab.set(k=2)
    assert lab.taken == 0


def test_turning_the_view_keeps_lengths_upright_and_comes_round():
    flat = lambda turn: bottleneck._projection(None, turn, True)
    points = np.random.default_rng(0).normal(size=(5, 3))
    np.testing.assert_allclose(flat(-180)(points), flat(180)(points), atol=1e-12)
    up = flat(37)(np.array([[0, 1.0, 0]]))[0]
    np.testing.assert_allclose(up, [0, np.cos(np.radians(24))], atol=1e-12)
    away = flat(0)(np.array([[0, 0, 1.0]]))[0]  # what lies behind is seen a little higher
    np.testing.assert_allclose(away, [0, np.sin(np.radians(24))], atol=1e-12)


@pytest.mark.parametrize(("data", "k", "net", "below", "above"), [
    ("curve", 1, "deep", 3, 4), ("swiss roll", 2, "deep", 2, 3), ("digits", 2, "deep", 3, None),
    ("line", 1, "deep", None, None), ("curve", 2, "linear", 1, 3), ("swiss roll", 1, "deep", 1, 3)])
def test_lab_7a_ends_between_the_lines_of_pca_that_the_lesson_names(data, k, net, below, above):
    r = autoencoders.Bottleneck(data=data, k=k, net=net).step(ALL).result
    if below:
        assert r.errors[-1] < r.pca_errors[below - 1]
    if above:
        assert r.errors[-1] > r.pca_errors[above - 1]
    if net == "linear":
        assert r.errors[-1] == pytest.approx(r.pca_errors[k - 1], rel=0.02)
    if data in ("line", "curve") and net == "deep":
        assert r.errors[-1] < 1.6 * shapes.NOISE**2
    if (data, k) == ("swiss roll", 1):
        assert r.errors[-1] > 0.02, "a sheet does not go into one number"


def test_what_a_decoder_can_build_is_a_line_a_net_or_nothing_drawn():
    codes = np.random.default_rng(0).normal(size=(300, 2))
    identity = lambda z: z
    (line,) = bottleneck.sheet(codes[:, :1], identity)
    assert line.shape == (96, 1)
    assert codes.min() <= line.min() < line.max() <= codes.max()
    wires = bottleneck.sheet(codes, identity)
    assert len(wires) == 16
    for i, wire in enumerate(wires):
        np.testing.assert_allclose(np.ptp(wire[:, i // 8]), 0, atol=1e-12)  # each along one axis
    assert bottleneck.sheet(np.zeros((9, 3)), identity) == []


def test_lab_7a_runs_on_the_students_pca_and_shows_what_its_mistake_costs(bank):
    ours = autoencoders.Bottleneck(k=1).result
    lab = autoencoders.Bottleneck(k=1).use(bank.SOLUTIONS["pca_reconstruct"])
    assert lab.wait(20)
    np.testing.assert_allclose(lab.result.theirs, ours.theirs, atol=1e-5)
    assert lab.stage.badge == "running your pca_reconstruct"
    lab.use(bank.MUTANTS["pca_reconstruct"]["E1 the mean is not added back"][0])
    assert lab.wait(20)
    off = lab.result.theirs - ours.theirs
    np.testing.assert_allclose(off, np.tile(off[:1], (200, 1)), atol=1e-5)
    lab.use(lambda X, k: X)
    assert lab.wait(20)
    assert "expected 2 arrays" in lab.error


# 7c ------------------------------------------------------------------------------------------------------------------
def test_the_stored_map_is_tiny_and_good():
    assert latent.FILE.stat().st_size < 20_000
    (X, y), (V, v) = nnlab.data.digits("train"), nnlab.data.digits("validation")
    Z, W = latent.encode(X), latent.encode(V)
    np.testing.assert_allclose(Z.mean(0), 0, atol=0.01)
    np.testing.assert_allclose(Z.std(0), 1, atol=0.01)
    assert np.abs(Z).max() < latent.REACH
    assert np.square(latent.decode(W) - V).mean() < 0.027 < pca_error(X, V, 2) / 1.9
    nearest = np.square(W[:, None] - Z).sum(2).argmin(1)
    assert (y[nearest] == v).mean() > 0.87


def test_the_tool_makes_such_a_map_again(tool):
    """A fifth of the epochs: not yet as good, and by then already on its way. All of them: see the tool's docstring."""
    model = tool.learn(epochs=200)
    assert [name for name, _ in model.named_parameters()] == [name for name, _ in latent.stored().named_parameters()]
    assert tool.SIZES == latent.SIZES
    X, V = nnlab.data.digits("train")[0], nnlab.data.digits("validation")[0]
    Z = nnlab.predict(model.encoder, X)
    np.testing.assert_allclose([Z.mean(0), Z.std(0)], [[0, 0], [1, 1]], atol=1e-3)
    assert np.square(nnlab.predict(model, V) - V).mean() < 0.036
    np.testing.assert_allclose(nnlab.predict(model, V), nnlab.predict(model.decoder, nnlab.predict(model.encoder, V)),
                               atol=1e-6)


def test_lab_7c_decodes_the_place_the_sliders_name():
    lab = autoencoders.LatentMap(z1=1.5, z2=-1.0, start=3, end=7)
    r, view = lab.result, lab.view
    X, y = nnlab.data.digits("train")
    Z = latent.encode(X)
    np.testing.assert_allclose(r.picture, latent.decode([[1.5, -1.0]])[0], atol=1e-5)
    np.testing.assert_allclose(view["digit"]["picture"].values[::-1].ravel(), r.picture)
    distances = np.hypot(*(Z - [1.5, -1.0]).T)
    assert r.distance == pytest.approx(distances.min(), rel=1e-4)
    assert r.label == y[distances.argmin()]
    np.testing.assert_array_equal(view["digit"]["nearest"].values[::-1].ravel(), X[distances.argmin()])
    assert view["map"]["here"].get_xydata().tolist() == [[1.5, -1.0]]
    np.testing.assert_allclose(view["map"]["way"].get_xydata(), r.way)
    shown = view["map"]["digits3"].get_xydata()
    np.testing.assert_allclose(shown, Z[:500][y[:500] == 3], atol=1e-6)
    back = latent.encode(r.picture.clip(0, 1)[None])[0]
    assert f"lands {np.hypot(*(back - [1.5, -1.0])):.2f} away" in lab.stage.alt


def test_both_ways_of_lab_7c_begin_and_end_at_the_digits_asked_for():
    lab = autoencoders.LatentMap(start=4, end=9)
    r, (X, y) = lab.result, nnlab.data.digits("train")
    Z = latent.encode(X)
    for step, digit in ((0, 4), (-1, 9)):
        i = latent.middle_one(digit, X, y, Z)
        assert y[i] == digit
        np.testing.assert_allclose(r.way[step], Z[i], atol=1e-6)
        np.testing.assert_allclose(r.mixed[step], X[i], atol=1e-6)
        np.testing.assert_allclose(r.on_way[step], latent.decode(Z[i][None])[0], atol=1e-5)
    np.testing.assert_allclose(r.mixed[3], (r.mixed[0] + r.mixed[-1]) / 2, atol=1e-6)
    np.testing.assert_allclose(r.on_way[3], latent.decode([(r.way[0] + r.way[-1]) / 2])[0], atol=1e-5)


def test_the_tiles_of_lab_7c_lie_where_they_are_decoded():
    lab = autoencoders.LatentMap(tiles=True)
    side = 2 * latent.REACH / latent.TILES
    wall = lab.view["map"]["tiles"].values
    corner = latent.decode([[-latent.REACH + side / 2, -latent.REACH + side / 2]])[0]
    np.testing.assert_allclose(wall[:8, :8][::-1].ravel(), corner, atol=1e-5)
    top_right = latent.decode([[latent.REACH - side / 2, latent.REACH - side / 2]])[0]
    np.testing.assert_allclose(wall[-8:, -8:][::-1].ravel(), top_right, atol=1e-5)


def test_what_lab_7c_asks_is_so():
    """Half way between two classes about every second pair has a third one, says a net that reads 94 of 100 digits."""
    (X, y), Z = nnlab.data.digits("train"), latent.encode(nnlab.data.digits("train")[0])
    reader = nnlab.MLP(64, 64, 10, activation="relu", rng=0)
    nnlab.fit(reader, X, y, nnlab.functional.cross_entropy, nnlab.Adam(reader.parameters(), lr=0.01), epochs=30,
              batch_size=64, rng=0)
    middles = {digit: latent.middle_one(digit, X, y, Z) for digit in range(10)}
    third = pixels = 0
    for a in range(10):
        for b in range(a):
            half = latent.decode([(Z[middles[a]] + Z[middles[b]]) / 2]).clip(0, 1)
            mixed = (X[middles[a]] + X[middles[b]])[None] / 2
            third += nnlab.predict(reader, half).argmax() not in (a, b)
            pixels += nnlab.predict(reader, mixed).argmax() not in (a, b)
    assert 17 <= third <= 30
    assert third > pixels


def test_a_hole_of_the_map_is_not_at_home_there():
    hole, home = (autoencoders.LatentMap(z1=z1, z2=z2) for z1, z2 in ((2.0, 2.0), (0.0, 0.0)))
    assert "in a hole" in hole.stage.alt
    assert "among digits" in home.stage.alt
    drift = [np.hypot(*(lab.result.back - lab.result.z)) for lab in (hole, home)]
    assert drift[0] > 0.5 > 0.1 > drift[1]


def test_far_from_all_codes_pictures_are_a_third_farther_from_every_real_digit_than_held_out_digits_are():
    places = np.stack(np.meshgrid(*[np.linspace(-latent.REACH, latent.REACH, 41)] * 2), -1).reshape(-1, 2)
    codes = latent.encode(nnlab.data.digits("train")[0])
    away = np.sqrt(np.square(places[:, None] - codes).sum(2).min(1))
    far, home = (variational.nearest(latent.decode(places[some]))[0].mean() for some in (away > 0.8, away < 0.15))
    held_out = variational.nearest(nnlab.data.digits("validation")[0])[0].mean()
    assert far / held_out == pytest.approx(4 / 3, abs=0.06)
    assert home < held_out


def test_lab_7c_runs_on_the_students_own_map():
    pca = nnlab.PCA(2).fit(nnlab.data.digits("train")[0])
    lab = autoencoders.LatentMap(z1=1.0).use(encode=pca.transform, decode=pca.inverse_transform)
    assert lab.wait(20)
    np.testing.assert_allclose(lab.result.picture, pca.inverse_transform(np.float32([[1, 0]]))[0], atol=1e-5)
    assert lab.stage.badge == "running your encode and your decode"
    lab.use(encode=lambda X: X[:, :3])
    assert lab.wait(20)
    assert "(1085, 3)" in lab.error


# 7d ------------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("sigma", [0.1, 0.4, 1.0])
def test_the_best_answer_is_sigma_squared_times_the_slope_of_ln_p(sigma):
    X = denoise.points("moons", 0).astype(float)
    x, h = np.random.default_rng(0).uniform(-1.8, 1.8, (50, 2)), 1e-5
    answer, density = denoise.best_answer(x, X, sigma)
    for axis, step in enumerate(np.eye(2) * h):
        slope = (np.log(denoise.best_answer(x + step, X, sigma)[1]) - np.log(
            denoise.best_answer(x - step, X, sigma)[1])) / (2 * h)
        near = density > 1e-200
        np.testing.assert_allclose((answer - x)[near, axis], sigma**2 * slope[near], rtol=1e-4, atol=1e-6)
    ticks = np.linspace(-6, 6, 301)
    plane = np.stack(np.meshgrid(ticks, ticks), -1).reshape(-1, 2)
    assert denoise.best_answer(plane, X, sigma)[1].sum() * 0.04**2 == pytest.approx(1, abs=0.02)


def test_far_from_all_data_the_best_answer_is_the_nearest_point():
    X = np.array([[0.0, 0.0], [1.0, 0.0]])
    answer, density = denoise.best_answer(np.array([[50.0, 0.0], [-40.0, 0.0]]), X, 0.1)
    np.testing.assert_allclose(answer, [[1, 0], [0, 0]])
    assert (density == 0).all()


@pytest.mark.parametrize("data", ["ring", "three clouds", "moons"])
def test_lab_7d_learns_the_exact_field(data):
    lab = autoencoders.Denoising(data=data).step(denoise.STEPS // denoise.TAKEN)
    assert lab.result.agree > 0.98
    assert lab.result.step == denoise.STEPS
    at = denoise.points(data, 0)[:1]
    assert f"correlation {lab.result.agree:.3f}" in lab.stage.alt
    best = denoise.best_answer(at.astype(float), denoise.points(data, 0), 0.3)
    assert best[1][0] > 0


def test_in_lab_7d_arrows_are_short_on_the_data_and_long_away_from_them():
    lab = autoencoders.Denoising(data="three clouds", sigma=0.2).step(150)
    X = lab.result.X
    middle = X[np.square(X - X[0]).sum(1) < 0.3].mean(0)
    lengths = []
    for place in (middle, middle * 1.8):
        for name, value in zip(("x1", "x2"), np.round(place, 1), strict=True):
            lab._widgets[name].value = float(np.clip(value, -1.8, 1.8))
        lengths.append(np.hypot(*(lab.result.walk[1] - lab.result.walk[0])))
    assert lengths[0] < 0.15
    assert lengths[1] > 3 * lengths[0]
    assert lab.taken == 150, "a point that moves trains nothing"


def test_lab_7d_draws_its_arrows_and_the_way_of_the_point():
    lab = autoencoders.Denoising(x1=-1.5, x2=0.5).step(40)
    r, view = lab.result, lab.view
    assert len(r.walk) == 13
    np.testing.assert_allclose(view["field"]["walk"].get_xydata(), r.walk)
    np.testing.assert_allclose(r.walk[0], [-1.5, 0.5], atol=1e-6)
    second = r.look(x1=float(r.walk[1, 0]), x2=float(r.walk[1, 1]))["walk"]
    np.testing.assert_allclose(second[:-1], r.walk[1:], atol=1e-5, err_msg="each step starts where the last one ended")
    strokes = np.array(view["field"]["arrows"].get_segments())
    np.testing.assert_allclose(strokes[:, 0], denoise.PLANE)
    np.testing.assert_allclose(strokes[:, 1], denoise.PLANE + r.arrows / 3, atol=1e-6)
    np.testing.assert_allclose(view["exact"]["second"].get_xydata()[:, 0], r.exact[:, 1], atol=1e-6)
    step = np.hypot(*(r.walk[1] - r.walk[0]))
    assert f"arrow at your point {step:.2f}" in lab.stage.alt


def test_noise_that_is_drawn_once_is_learned_by_heart(bank):
    good = autoencoders.Denoising(sigma=0.4).use(bank.SOLUTIONS["denoising_pairs"]).step(150)
    assert good.wait(30)
    once = autoencoders.Denoising(sigma=0.4).use(bank.MUTANTS["denoising_pairs"]["E7 noise drawn once"][0]).step(150)
    assert once.wait(30)
    assert good.result.agree > 0.98 > 0.95 > once.result.agree
    assert once.stage.badge == "running your denoising_pairs"


# 7b ------------------------------------------------------------------------------------------------------------------
def test_lab_7b_shows_the_gap_and_the_angles_of_its_own_descent():
    lab = autoencoders.LinearIsPCA(start=4, seed=2).step(60)
    r, X = lab.result, linear.cloud(2)
    model, steps = linear.descend(X, 2, 4)
    for _ in range(60 * linear.TAKEN):
        next(steps)
    pca = nnlab.PCA(2).fit(X)
    best = pca.eigenvalues_[2:].sum() / 8
    assert r.gaps[-1] == pytest.approx(model.loss(X).item() / best - 1, rel=1e-6)
    np.testing.assert_allclose(r.angles[-1], linear.degrees(model, pca))
    assert r.angles[-1, 0] < r.angles[-1, 1], "the encoder is late"
    np.testing.assert_allclose(lab.view["angles"]["decoder"].get_ydata(), r.angles[:, 0])
    assert f"decoder {r.angles[-1, 0]:.3f}°" in lab.stage.alt
    W = model.decoder.layers[0].weight.data
    np.testing.assert_allclose(r.trail[-1], W @ pca.components_.T / np.linalg.norm(W, axis=1, keepdims=True))


def test_what_lab_7b_asks_is_so():
    ends = [autoencoders.LinearIsPCA(start=start).step(300).result for start in range(3)]
    columns = np.array([end.trail[-1] for end in ends])  # of length 1 where they lie in the plane
    np.testing.assert_allclose(np.linalg.norm(columns, axis=2), 1, atol=1e-3)
    assert all(end.gaps[-1] < 1e-4 for end in ends)
    on_an_axis = np.abs(columns).max(2) > 0.999
    assert not on_an_axis.all(1).any(), "columns are no eigenvectors"
    one = autoencoders.LinearIsPCA(k=1).step(300).result
    assert abs(one.trail[-1, 0, 0]) > 0.999, "with code size 1 the column is the eigenvector"


# 7e ------------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("unknown", [0, 8])
def test_the_unknown_digit_is_neither_learned_nor_used_for_the_threshold(unknown):
    X, y = nnlab.data.digits("train")
    train, validation, new, odd = anomaly.deal(unknown)
    others = {bytes(row) for row in X[y == unknown]}
    assert not others & ({bytes(row) for row in train} | {bytes(row) for row in validation})
    assert odd.sum() == (y == unknown).sum()
    assert {bytes(row) for row in new[odd]} == others
    parts = [{bytes(row) for row in part} for part in (train, validation, new)]
    assert sum(map(len, parts)) == len(set.union(*parts)) == len(X)


def test_lab_7e_measures_all_code_sizes_at_once_and_rightly():
    for k in (1, 8, 37):
        lab = autoencoders.AnomalyThreshold(k=k, unknown=4)
        train, validation, new, odd = anomaly.deal(4)
        pca = nnlab.PCA(k).fit(train)
        np.testing.assert_allclose(lab.result.errors, anomaly.error(pca, new), rtol=1e-3, atol=1e-7)
        assert lab.result.sizes[k - 1] == pytest.approx(lab.result.auc, abs=2e-3)
        threshold = np.quantile(anomaly.error(pca, validation), 0.95)
        assert lab.result.threshold == pytest.approx(threshold, rel=1e-3)
        found = (anomaly.error(pca, new)[odd] > threshold).mean()
        assert lab.result.found == pytest.approx(found, abs=0.01)
        assert f"area under the curve {lab.result.auc:.3f}" in lab.stage.alt


@pytest.mark.parametrize("top", [0.01 * 2.0**n for n in range(-4, 5)])
def test_ticks_of_small_errors_are_few_round_and_short(top):
    ticks = anomaly.round_ticks(top)
    assert 3 <= len(ticks) <= 5
    assert max(ticks) < top
    assert all(float(name) == pytest.approx(at) and len(name) <= 7 for at, name in ticks.items())


def test_the_area_is_how_often_the_unknown_has_the_larger_error():
    errors, odd = np.array([1.0, 2.0, 2.0, 3.0, 0.0]), np.array([False, False, True, True, True])
    pairs = [(a > b) + 0.5 * (a == b) for a in errors[odd] for b in errors[~odd]]
    assert anomaly.auc(errors, odd) == pytest.approx(np.mean(pairs))


def test_what_lab_7e_asks_is_so():
    """From 8 numbers to 50 the area falls for each of the ten digits; 8 of them are at their best below 25."""
    table = np.array([anomaly.by_size(unknown) for unknown in range(10)])
    assert (table[:, 7] > table[:, 49] + 0.05).all()
    assert (table.argmax(1) < 25).sum() >= 8
    lab = autoencoders.AnomalyThreshold()
    assert lab.result.sizes[0] < 0.5 < 0.8 < lab.result.sizes[7]
    assert len(lab.view["sizes"]["area"].get_xdata()) == 8, "what is asked is not shown before"
    np.testing.assert_array_equal(lab.set(k=50).view["sizes"]["area"].get_ydata(), lab.result.sizes)


def test_false_alarms_are_about_the_share_that_was_promised():
    alarms = [autoencoders.AnomalyThreshold.compute(unknown, 8, 0.05, anomaly.flag_anomalies)["alarms"]
              for unknown in range(10)]
    assert 0.03 < np.mean(alarms) < 0.07
    assert all(0 <= a < 0.12 for a in alarms)


def test_lab_7e_runs_on_the_students_rule(bank):
    ours = autoencoders.AnomalyThreshold().result
    lab = autoencoders.AnomalyThreshold().use(bank.SOLUTIONS["flag_anomalies"])
    assert lab.wait(20)
    assert (lab.result.threshold, lab.result.found) == (pytest.approx(ours.threshold), ours.found)
    lab.use(bank.MUTANTS["flag_anomalies"]["the small errors"][0])
    assert lab.wait(20)
    assert lab.result.found == pytest.approx(1 - ours.found, abs=0.02)
    lab.use(lambda *given: [True])
    assert lab.wait(20)
    assert "expected 2 arrays" in lab.error


# 7f ------------------------------------------------------------------------------------------------------------------
def test_lab_7f_shows_the_codes_and_the_draws_of_its_net():
    lab = autoencoders.Variational(beta=0.3, seed=1).step(3)
    r, V = lab.result, nnlab.data.digits("validation")[0]
    model = next(islice(variational.epochs(0.3, 1), 3, None)).eval()
    mu, logvar = (t.data for t in model.posterior(V))
    np.testing.assert_allclose(r.mu, mu[:300], atol=1e-4)
    np.testing.assert_allclose(r.sd, np.exp(logvar[:40] / 2), atol=1e-4)
    assert r.rows[-1, 0] == pytest.approx(np.square(model(V).data - V).sum(1).mean() / 2, rel=1e-4)
    assert r.rows[-1, 1] == pytest.approx(nnlab.functional.gaussian_kl(mu, logvar).item(), rel=1e-4)
    draws = np.random.default_rng([1, 3]).standard_normal((48, 2)).astype(np.float32)
    np.testing.assert_allclose(r.samples, model.decode(draws).data, atol=1e-4)
    np.testing.assert_array_equal(lab.view["codes"]["draws"].get_xydata(), draws)
    cloud = lab.view["codes"]["clouds"].get_segments()[0]
    np.testing.assert_allclose(np.ptp(cloud, 0) / 2, r.sd[0], rtol=1e-3)
    assert f"KL {r.rows[-1, 1]:.2f}" in lab.stage.alt


def test_how_far_a_picture_is_from_the_nearest_digit():
    X = nnlab.data.digits("train")[0]
    assert variational.nearest(X[:5])[0].max() < 2e-3
    far, which = variational.nearest(X[:7] + 0.01)
    np.testing.assert_allclose(far, 0.01, rtol=0.05)
    np.testing.assert_array_equal(which, nnlab.data.digits("train")[1][:7])


@pytest.mark.parametrize("seed", range(10))
def test_with_a_price_draws_give_nine_or_ten_of_the_digits_without_one_seven_at_most(seed):
    draws = np.random.default_rng([seed, 3]).standard_normal((48, 2)).astype(np.float32)
    kinds = {}
    for beta in (0.0, 0.03):
        *_, model = variational.epochs(beta, seed)
        kinds[beta] = len(np.unique(variational.nearest(model.eval().decode(draws).data)[1]))
    assert kinds[0.0] <= 7 < 9 <= kinds[0.03]


def test_what_lab_7f_asks_is_so():
    cheap, fair, dear = (autoencoders.Variational(beta=beta).step(80).result for beta in (0.0, 0.03, 3.0))
    assert dear.rows[-1, 1] < 0.02
    assert dear.samples.std(0).max() < 0.02, "every draw is the same picture"
    assert fair.far < cheap.far
    assert fair.far < dear.far
    assert 0.9 < np.sqrt(np.square(fair.mu).mean() + np.square(fair.sd).mean()) < 1.6, "they fill N(0, 1)"
    assert np.abs(cheap.mu).max() > np.abs(fair.mu).max()
    assert cheap.sd.mean() < fair.sd.mean() < dear.sd.mean()


def test_lab_7f_runs_on_the_students_price(bank):
    lab = autoencoders.Variational().use(bank.SOLUTIONS["kl_gauss"]).step(1)
    assert lab.wait(20)
    ours = autoencoders.Variational().step(1).result
    np.testing.assert_allclose(lab.result.rows, ours.rows, rtol=1e-5)
    lab.use(lambda mu, logvar: 1.0)
    assert lab.wait(20)
    assert "expected (357,)" in lab.error
