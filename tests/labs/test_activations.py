"""What is special to the labs of unit 2: they show what they compute, and say what is true of it."""

import numpy as np
import pytest

import nnlab
from course.labs import activations
from course.labs.activations import graveyard, normalising, outputs, slope, softmax, two_classes, which_loss
from nnlab import functional as F


# 2a ------------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", slope.NAMES)
def test_lab_2a_draws_each_function_over_its_own_slope(name):
    r = activations.Slope(f=name, leak=0.2).result
    steps = np.diff(r.curve) / np.diff(slope.Z)
    middles = (slope.Z[1:] + slope.Z[:-1]) / 2
    _, between = slope.value_and_slope(name, middles, 0.2)
    away = np.abs(middles) > 0.1  # a corner has no slope
    np.testing.assert_allclose(steps[away], between[away], atol=2e-3)


def test_lab_2a_means_are_those_of_normal_data():
    rng = np.random.default_rng(0)
    z = 0.5 + 3 * rng.standard_normal(400_000)
    for name in ("sigmoid", "tanh", "relu"):
        r = activations.Slope(f=name, s=3.0, shift=0.5).result
        assert r.z.std() == pytest.approx(3, rel=0.05)  # the slider's steps are of a logarithm
        _, da = slope.value_and_slope(name, z, 0.1)
        assert r.da.mean() == pytest.approx(da.mean(), abs=5e-3)


def test_what_lab_2a_asks_is_so():
    narrow, wide = (activations.Slope(s=s).result.da.mean() for s in (1.0, 10.0))
    assert (narrow, wide) == (pytest.approx(0.2066, abs=1e-3), pytest.approx(0.0395, abs=1e-3))
    assert wide / narrow == pytest.approx(0.2, abs=0.02)


def test_lab_2a_with_relu_all_on_the_left_lets_nothing_through():
    lab = activations.Slope(f="relu", shift=-3.0, s=0.5)
    assert "mean slope 0.000" in lab.stage.alt
    assert "slope below 0.05 100%" in lab.stage.alt
    assert "beyond the picture" not in lab.stage.alt
    assert "beyond the picture 32%" in lab.set(s=10.0, shift=0.0).stage.alt


def test_lab_2a_draws_the_data_where_they_are():
    lab = activations.Slope(s=1.0, shift=2.0)
    strokes = np.array(lab.view["slope"]["data"].get_segments())
    assert strokes[strokes[:, 1, 1].argmax(), 0, 0] == pytest.approx(2, abs=0.3)
    across = np.array(lab.view["passed"]["data"].get_segments())
    assert (across[:, 0, 1] == across[:, 1, 1]).all()
    mean = lab.view["passed"]["mean"].get_ydata()
    assert mean[0] == lab.result.da.mean()


def test_a_students_functions_run_inside_lab_2a():
    lab = activations.Slope()
    ours = lab.result.slope.copy()
    lab.use(sigmoid=lambda z: 1 / (1 + np.exp(-z)), leaky_relu=lambda z, slope: (0 * z, 0 * z + 0.5))
    np.testing.assert_allclose(lab.result.slope, ours, atol=1e-6)
    lab.set(f="leaky_relu")
    assert (lab.result.slope == 0.5).all()
    lab.set(f="tanh")
    assert lab.result.slope.max() == 1
    lab.use(leaky_relu=lambda z, slope: z)
    lab.set(f="leaky_relu")
    assert "expected 2 arrays, the values and the slopes" in lab.error


# 2b ------------------------------------------------------------------------------------------------------------------
def test_lab_2b_counts_the_neurons_that_answer_no_example():
    lab = activations.Graveyard(lr=0.3).step(200)
    net = graveyard.wave_net(0.0, 0.0, 0)
    nnlab.fit(net, graveyard.X, graveyard.Y, F.mse_loss, nnlab.SGD(net.parameters(), lr=lab.values["lr"]), epochs=200)
    hidden = net.layers[0](graveyard.X).data
    assert lab.result.silent[-1] == (hidden <= 0).all(0).sum() > 8
    assert lab.result.silent[0] == 0
    crosses = lab.view["census"]["gone"].get_xdata()
    assert len(crosses) == lab.result.silent[-1]
    assert f"{len(crosses)} of 32 neurons are dead" in lab.stage.alt


def test_lab_2b_marks_where_the_sums_cross_0():
    r = activations.Graveyard(bias=-1.0, seed=3).step(5).result
    corners = np.flatnonzero(np.abs(np.diff(r.curve, 2)) > 1e-5)
    at = graveyard.FINE[1:-1, 0][corners]
    assert len(at) > 3
    assert all(np.abs(r.kinks - x).min() < 0.03 for x in at)


def test_lab_2b_says_leaking_and_not_dead_of_a_leaky_neuron():
    lab = activations.Graveyard(activation="leaky relu, slope 0.1", bias=-3.0).step(200)
    assert "below 0 for every example; leaking" in lab.stage.alt
    assert "dead" not in lab.stage.alt
    assert lab.result.loss < 0.2


def test_lab_2b_ends_with_words_where_the_loss_is_no_number():
    lab = activations.Graveyard(activation="leaky relu, slope 0.1", bias=1.0, lr=0.5).step(210)
    assert lab.stage.state == "done"
    assert "the learning rate is too large" in lab.stage.alt.lower()
    assert lab.error == ""


# 2c ------------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("dtype", "fits", "breaks"), [("float32", 80, 90), ("float64", 700, 710)])
def test_in_lab_2c_the_naive_softmax_breaks_where_its_floats_end(dtype, fits, breaks):
    lab = activations.Softmax(dtype=dtype, z1=0.0, z2=0.0, z3=0.0)
    assert lab.set(c=fits).result.trouble == ""
    np.testing.assert_allclose(lab.result.p, 1 / 3, rtol=1e-5)
    lab.set(c=breaks)
    assert lab.result.trouble == "inf / inf = nan"
    assert np.isnan(lab.result.p).all()
    assert lab.view["p"]["nan"].get_text() == "inf / inf = nan"
    assert "Overflow" in lab.stage.alt
    lab.set(stable=True)
    np.testing.assert_allclose(lab.result.p, 1 / 3, rtol=1e-5)
    assert not lab.view["p"]["nan"].get_visible()
    assert lab.result.exponents.max() == 0


def test_in_lab_2c_far_to_the_left_it_is_0_by_0():
    lab = activations.Softmax(c=-1000)
    assert lab.result.trouble == "0 / 0 = nan"
    assert "Underflow" in lab.stage.alt
    assert lab.set(stable=True).result.p.sum() == pytest.approx(1)


def test_in_lab_2c_each_may_fit_and_their_sum_not():
    lab = activations.Softmax(c=90, z1=-1.4, z2=-1.4, z3=-1.4)
    assert lab.result.trouble == "e^z / inf = 0"
    assert "Overflow" in lab.stage.alt


def test_lab_2cs_limits_are_those_of_the_floats():
    for dtype in (np.float32, np.float64):
        low, high = softmax.limits(dtype)
        with np.errstate(all="ignore"):
            assert np.exp(dtype(high - 0.01)) < np.inf == np.exp(dtype(high + 0.01))
            assert np.exp(dtype(low + 0.01)) > 0 == np.exp(dtype(low - 0.01))
    assert softmax.limits(np.float32)[1] == pytest.approx(88.72, abs=0.01)
    assert softmax.limits(np.float64)[1] == pytest.approx(709.78, abs=0.01)


@pytest.mark.parametrize("T", [0.5, 1.0, 4.0])
def test_lab_2cs_slopes_are_those_one_measures(T):
    lab = activations.Softmax(T=T, dtype="float64")
    T, z = lab.values["T"], np.array([2.0, 1.0, -1.0])
    for j in range(3):
        step = 1e-6 * np.eye(3)[j]
        measured = (F.softmax((z + step) / T).data - F.softmax((z - step) / T).data) / 2e-6
        np.testing.assert_allclose(lab.result.slope[:, j], measured, atol=1e-8)
    np.testing.assert_allclose(lab.view["slope"]["slope"].values[::-1], lab.result.slope)  # row 0 is drawn uppermost


def test_in_lab_2c_the_temperature_divides_what_was_added_too():
    lab = activations.Softmax(z1=1.0, z2=0.0, z3=0.0, c=100, T=10.0)
    np.testing.assert_allclose(lab.result.exponents, [10.1, 10.0, 10.0], rtol=1e-6)
    where = [lab.view["exponent"][f"z{i}"].get_xdata()[0] for i in range(3)]
    np.testing.assert_allclose(where, np.log10(1 + lab.result.exponents))


def test_lab_2cs_entropy_goes_from_0_to_ln_3():
    assert activations.Softmax(T=0.05, stable=True).result.entropy == pytest.approx(0, abs=1e-6)
    assert activations.Softmax(T=10.0).result.entropy == pytest.approx(np.log(3), abs=0.02)


def test_a_students_softmax_runs_inside_lab_2c():
    lab = activations.Softmax().use(lambda z: np.exp(z) / np.exp(z).sum())
    np.testing.assert_allclose(lab.result.p, F.softmax([2.0, 1.0, -1.0]).data, rtol=1e-6)
    lab.set(c=1000)  # its nan is what the lab is about: a picture, not an error
    assert (lab.error, lab.result.trouble) == ("", "nan")
    assert "The answer is nan" in lab.stage.alt
    lab.use(lambda z: np.array([0.2, np.inf, 0.5]))
    assert (lab.error, lab.result.trouble) == ("", "inf")
    lab.use(lambda z: z * 0)
    assert "add up to 0.00" in lab.stage.alt
    lab.use(lambda z: np.ones(3))
    assert "add up to 3.00" in lab.stage.alt


# 2d ------------------------------------------------------------------------------------------------------------------
def test_lab_2ds_three_formulas_are_one():
    curves = list(activations.TwoClasses().result.curves.values())
    np.testing.assert_allclose(curves[0], curves[1], atol=1e-7)
    np.testing.assert_allclose(curves[0], curves[2], atol=1e-7)
    assert curves[0][-1] > 0.999
    assert two_classes.probability("softmax(z, 0)", np.array([np.log(3)])) == pytest.approx(0.75)


def test_what_labs_2d_and_2f_ask_is_so():
    assert F.softmax(np.array([2.0, -2.0])).data[0] == pytest.approx(F.sigmoid.f(np.float64(4)))
    z = np.array([np.log(0.001 / 0.999)])
    (_, squared), (_, entropy) = (which_loss.cost(kind, z, np.ones(1)) for kind in which_loss.LOSSES[1:3])
    assert entropy[0] == pytest.approx(-0.999)
    assert squared[0] == pytest.approx(-0.002, abs=1e-4)
    assert 450 < entropy[0] / squared[0] < 550


# 2e ------------------------------------------------------------------------------------------------------------------
def test_lab_2e_shows_the_chosen_one_and_the_others_beside_it():
    lab = activations.SelfNormalising(activation="selu", depth=60, sd=1.5, mean=0.3)
    r = lab.result
    means, sds = normalising.through("selu", 60, 0.3, 1.5, 0)
    np.testing.assert_allclose((r.means, r.sds), (means, sds))
    assert r.sds[0] == pytest.approx(1.5, rel=0.02)
    assert r.every["relu"][1][20] < 0.01 < 0.05 < r.every["tanh"][1][60] < 0.3
    assert len(r.sds) == 61


# 2f ------------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", which_loss.LOSSES)
@pytest.mark.parametrize("target", [0, 1])
def test_lab_2fs_slopes_are_those_of_its_losses(kind, target):
    z, y, h = np.linspace(-6, 6, 25), np.full(25, target), 1e-5
    _, slopes = which_loss.cost(kind, z, y)
    measured = (which_loss.cost(kind, z + h, y)[0] - which_loss.cost(kind, z - h, y)[0]) / (2 * h)
    np.testing.assert_allclose(slopes, measured, atol=1e-6)


def test_lab_2f_takes_the_mean_over_its_batch():
    lab = activations.WhichLoss(loss="binary cross-entropy", z=-4.0, batch=9)
    r = lab.result
    assert len(r.costs) == 9
    right = F.binary_cross_entropy_with_logits(r.scores, r.targets.astype(float)).item()
    assert r.mean == pytest.approx(right)
    assert r.push == pytest.approx(r.slopes[0] / 9)
    assert "moves z up" in lab.stage.alt
    assert "moves z down" in lab.set(target=0).stage.alt


def test_a_students_cross_entropy_runs_inside_lab_2f():
    lab = activations.WhichLoss(loss="cross-entropy, 3 classes")
    ours = lab.result.costs[0]
    assert ours == pytest.approx(np.log(np.exp(-4) + 2) + 4)
    lab.use(lambda logits, y: (7.0, 0 * logits + 0.25))
    assert (lab.result.costs[0], lab.result.slopes[0]) == (7.0, 0.25)
    lab.use(lambda logits, y: 7.0)
    assert "expected 2 arrays, the mean loss and its slope in each logit" in lab.error


# 2g ------------------------------------------------------------------------------------------------------------------
def test_lab_2g_learns_both_questions_as_nnlab_would():
    lab = activations.TwoOutputs(lr=0.5).step(20)
    X, y = nnlab.data.digits("train")
    net = nnlab.Linear(64, 10, init=nnlab.init.zeros)
    nnlab.fit(net, X, y, F.cross_entropy, nnlab.SGD(net.parameters(), lr=lab.values["lr"]), epochs=20)
    X_new, y_new = nnlab.data.digits("validation")
    P = F.softmax(net(X_new)).data
    np.testing.assert_allclose(lab.result.P, P[lab.values["example"]], atol=1e-4)
    assert lab.result.curve[-1, 1] == pytest.approx((P.argmax(1) == y_new).mean())
    assert lab.result.sums == (pytest.approx(1), pytest.approx(1))


@pytest.mark.parametrize("asked", outputs.QUESTIONS)
def test_lab_2g_answers_its_yes_or_no(asked):
    lab = activations.TwoOutputs(yes_no=asked, lr=2.0).step(300)
    assert lab.result.curve[-1, 0] > 0.85
    assert lab.result.yes == bool(outputs.QUESTIONS[asked](lab.result.label))


def test_what_lab_2g_asks_is_so():
    r = activations.TwoOutputs(many="ten sigmoids").step(300).result
    assert r.sums[0] < 0.9
    assert r.sums[1] > 1.1


def test_lab_2g_takes_a_new_rate_and_another_digit_without_starting_again():
    lab = activations.TwoOutputs().step(5)
    lab.set(lr=1.0, example=7).step()
    assert lab.taken == 6
    X, y = nnlab.data.digits("validation")
    np.testing.assert_allclose(lab.result.x, X[7])
    assert lab.result.label == y[7]
    np.testing.assert_allclose(lab.view["digit"]["x"].values[-1], X[7].reshape(8, 8)[0])


def test_the_students_functions_train_lab_2g():
    seen = []

    def mine(z):
        seen.append(z.shape)
        return F.softmax(z).data

    lab = activations.TwoOutputs().use(sigmoid=lambda z: 1 / (1 + np.exp(-z)), softmax=mine)
    ours = activations.TwoOutputs().step(10).result.P
    np.testing.assert_allclose(lab.step(10).result.P, ours, atol=1e-12)
    assert lab.stage.badge == "running your sigmoid and your softmax"
    assert (1085, 10) in seen
    np.testing.assert_allclose(lab.use(softmax=lambda z: 0 * z + 0.1).step(10).result.P, 0.1)
