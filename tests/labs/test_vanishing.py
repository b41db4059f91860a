"""What is special to the labs of unit 6: their passes are nnlab's backprop, their theory what is measured."""

import numpy as np
import pytest

import nnlab
from course.labs import vanishing
from course.labs.vanishing import cliff, criticality, passes, recurrent, repair, telephone
from nnlab import functional as F
from tests.labs.readable import unreadable


# Lab 6a --------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("activation", passes.NAMES)
@pytest.mark.parametrize("sb", [0.0, 0.3])
def test_the_passes_are_backpropagation(activation, sb):
    """The same numbers from nnlab: the loss whose gradient at the last sums is `top` is sum(z_L * top)."""
    rng, depth, n = np.random.default_rng(0), 4, 12
    layers = [(rng.normal(0, 0.4, (n, n)), sb * rng.normal(size=n)) for _ in range(depth)]
    x, top = rng.normal(size=(7, n)), rng.normal(size=(7, n))
    up, back, dW, outputs = passes.passes(layers, activation, x, top)
    f, h, zs, weights = F.ACTIVATIONS[activation], nnlab.Tensor(x, requires_grad=True), [], []
    for W, b in layers:
        weights.append(nnlab.Tensor(W, requires_grad=True))
        zs.append(h @ weights[-1] + b)
        zs[-1].retain_grad()
        h = f(zs[-1])
    (zs[-1] * top).sum().backward()
    ms = lambda a: float((a**2).mean())
    assert up[-1] == pytest.approx(ms(h.data), rel=1e-6)
    np.testing.assert_allclose(outputs[-1], h.data, rtol=1e-6)
    np.testing.assert_allclose(back / back[-1], [ms(z.grad) / ms(zs[-1].grad) for z in zs], rtol=1e-5)
    given = [ms(W.grad) for W in weights]
    np.testing.assert_allclose(dW / dW[-1], np.array(given) / given[-1], rtol=1e-5)


@pytest.mark.parametrize(("activation", "c"), [("relu", 0.5), ("relu", 2.0), ("relu", 3.0), ("tanh", 0.5),
                                               ("tanh", 3.0), ("sigmoid", 1.0), ("sigmoid", 4.0)])
@pytest.mark.parametrize("sb", [0.0, 0.4])
def test_theory_is_what_wide_layers_do(activation, c, sb):
    depth, width = 12, 256
    up_theory, back_theory = passes.theory(activation, c, sb**2, depth)
    ups, backs = [], []
    for seed in range(4):
        W, b, x, top = passes.draws(width, seed)
        layers = [(np.float32(np.sqrt(c / width)) * W[i], np.float32(sb) * b[i]) for i in range(depth)]
        up, back, *_ = passes.passes(layers, activation, x, top, weights=False)
        ups.append(np.log(up))
        backs.append(np.log(back))
    np.testing.assert_allclose(np.mean(ups, 0), np.log(up_theory), atol=0.25)
    np.testing.assert_allclose(np.mean(backs, 0), np.log(back_theory), atol=0.35)


def test_sixty_layers_of_tiny_weights_do_not_become_exactly_zero():
    r = vanishing.Telephone(depth=60, sw2=0.1, width=64).result
    assert 0 < r.up[-1] < 1e-70
    assert 0 < r.back[0] < 1e-70
    assert r.up[-1] == pytest.approx(r.up_theory[-1], rel=100)


def test_the_weights_gradients_are_computed_when_they_are_wanted():
    lab = vanishing.Telephone(depth=5)
    assert len(lab.result.dW) == 0
    lab.set(weights=True)
    assert len(lab.result.dW) == 5
    assert lab.result.dW[-1] == 1
    assert "dL/dW" in lab.stage.caption


def test_the_students_start_takes_the_place_of_ours_and_the_slider_scales_it():
    lab = vanishing.Telephone(sw2=2.0, depth=30)
    lab.use(telephone.he_init)
    ours = lab.result.up[-1]
    lab.use(lambda n_in, n_out, rng: (rng.normal(0, np.sqrt(2 / n_in), (n_in, n_out)), np.zeros(n_out)))
    assert 0.05 < lab.result.up[-1] / ours < 20
    lab.use(lambda n_in, n_out, rng: (rng.normal(0, np.sqrt(1 / n_in), (n_in, n_out)), np.zeros(n_out)))
    assert lab.result.factors[0] == pytest.approx(0.5, abs=0.05)
    lab.set(sw2=4.0)
    assert lab.result.factors[0] == pytest.approx(1.0, abs=0.1)
    lab.use(lambda n_in, n_out, rng: np.zeros((n_in, n_out)))
    assert "W and b" in lab.error


@pytest.mark.parametrize("activation", passes.NAMES)
def test_a_start_with_zeros_gives_a_picture_in_which_nothing_arrives(activation):
    lab = vanishing.Telephone(sw2=2.0, depth=5, width=16, activation=activation, weights=True)
    lab.use(lambda n_in, n_out, rng: (np.zeros((n_in, n_out)), np.zeros(n_out)))
    r, told = lab.result, lab.tell(lab.result)[1]
    np.testing.assert_allclose(r.up[1:], 0.25 if activation == "sigmoid" else 0, atol=1e-200)
    assert (told["gradient at the bottom"], told["factor back"]) == ("0", "0.000")
    assert np.isfinite(r.dW).all()
    assert np.isfinite(r.shares).all()


@pytest.mark.parametrize("lab", [vanishing.Telephone, vanishing.FixIt])
def test_an_axis_of_layers_is_marked_at_whole_layers(lab):
    for depth, marks in ((3, {1, 2, 3}), (12, {5, 10}), (40, {10, 20, 30, 40})):
        view = lab(depth=depth).view
        panel = view["sizes" if lab is vanishing.Telephone else "layers"].axes
        assert {label.get_text() for label in panel.get_xticklabels()} - {"0"} == set(map(str, marks))
        assert panel.get_xlim()[1] == depth + 0.5
        assert panel.get_xlim()[0] == (-0.5 if lab is vanishing.Telephone else 0.5)


@pytest.mark.parametrize("activation", passes.NAMES)
def test_the_strip_shows_where_the_outputs_lie(activation):
    most = telephone.MOST[activation]
    low = 0.0 if most == 3.0 else -1.0
    columns = telephone.shares([np.full((3, 4), 0.5), np.r_[np.full(6, low), np.full(6, most)]], most)
    at = int((0.5 - low) * telephone.BINS / (most - low))
    assert columns[:, 0].argmax() == at
    assert np.flatnonzero(columns[:, 1]).tolist() == [0, telephone.BINS - 1]


# Lab 6c --------------------------------------------------------------------------------------------------------------
def test_a_block_is_what_the_lesson_says():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(9, 4)).astype(np.float32)
    options = dict(init=nnlab.init.he_normal, rng=0)
    plain = repair.Block(4, 4, "tanh", residual=False, norm=False, **options)
    z = x @ plain.linear.weight.data
    np.testing.assert_allclose(plain(x).data, np.tanh(z), rtol=1e-5)
    both = repair.Block(4, 4, "tanh", residual=True, norm=True, **options)
    np.testing.assert_allclose(both(x).data, x + np.tanh((z - z.mean(0)) / np.sqrt(z.var(0) + 1e-5)), rtol=1e-4)
    widening = repair.Block(4, 6, "tanh", residual=True, norm=False, **options)
    assert widening(x).shape == (9, 6)


@pytest.mark.parametrize(("name", "c"), [("tiny, 0.1/n", 0.1), ("Xavier, 1/n", 1), ("He, 2/n", 2), ("large, 3/n", 3)])
def test_a_start_has_the_variance_it_is_called_by(name, c):
    net = repair.deep_net("relu", name, depth=3, width=200)
    assert net.layers[1].weight.data.var() * 200 == pytest.approx(c, rel=0.03)
    assert net.layers[-1].weight.data.var() * 200 == pytest.approx(1, rel=0.5), "the output layer's is always 1/n"


def test_the_orthogonal_start_makes_up_for_relu():
    for activation, gain in (("relu", 2.0), ("tanh", 1.0)):
        W = repair.deep_net(activation, "orthogonal", depth=3).layers[1].weight.data
        np.testing.assert_allclose(W.T @ W, gain * np.eye(len(W)), atol=1e-5)


@pytest.mark.parametrize("options", [{}, dict(norm=True), dict(residual=True), dict(residual=True, norm=True)])
def test_the_curves_have_one_number_for_each_hidden_layer(options):
    net = repair.deep_net("tanh", depth=7, **options)
    up, back = repair.signals(net, *repair.disk(32, 0))
    assert up.shape == back.shape == (7,)
    assert back[-1] == 1
    h, _ = repair.disk(32, 0)
    for layer in net.layers[:-1]:
        h = layer(h)
    assert up[-1] == pytest.approx(float((h.data**2).mean()), rel=1e-4)


def test_half_of_the_square_lies_in_the_disk():
    _, y = repair.disk(20000, 0)
    assert y.mean() == pytest.approx(0.5, abs=0.02)


def test_lab_6c_keeps_the_training_before_and_says_when_a_loss_is_no_number():
    lab = vanishing.FixIt(activation="relu", init="large, 3/n", seed=3)
    lab.step(30)
    assert "no longer a number" in lab.stage.alt
    assert lab.error == ""
    before = lab.result.losses
    lab.set(clip=True)
    assert lab._before == (before, "relu, large, 3/n")
    lab.step(30)
    assert len(lab.result.losses) == 30
    assert unreadable(lab) == []


# Lab 6e --------------------------------------------------------------------------------------------------------------
def test_the_cliffs_gradient_is_right_on_both_sides_and_near_the_edge():
    for w, b in ((6.5, -3.0), (4.0, -2.0), (3.0, -3.5), (5.0, -2.55), (-3.0, 200.0)):
        _, dw, db = cliff.loss_and_gradient(w, b)
        e = 1e-7
        numeric = [(cliff.loss_and_gradient(w + e * i, b + e * j)[0] - cliff.loss_and_gradient(w - e * i, b - e * j)[0])
                   / (2 * e) for i, j in ((1, 0), (0, 1))]
        np.testing.assert_allclose([dw, db], numeric, rtol=1e-3, atol=1e-7)


def test_the_picture_is_the_loss():
    heights = cliff.surface()
    w, b = np.linspace(*cliff.LIMITS[:2], 151), np.linspace(*cliff.LIMITS[2:], 101)
    for i, j in ((0, 0), (50, 20), (100, 150), (30, 140)):
        assert heights[i, j] == pytest.approx(-np.log10(max(cliff.loss_and_gradient(w[j], b[i])[0], 1e-5)), abs=1e-6)


@pytest.mark.parametrize("start", range(len(cliff.STARTS)))
def test_without_clipping_descent_is_thrown_and_with_it_it_stays(start):
    lab = vanishing.Cliff(start=start)
    norms = lab.result.norms
    assert norms.max() > 10
    assert norms.max() > 50 * np.median(norms)
    assert "thrown out" in lab.stage.alt
    lab.set(way="by norm")
    assert lab.result.used.max() <= 0.5 + 1e-9
    assert "stays in sight" in lab.stage.alt
    assert lab.result.turned < 1e-3
    lab.set(way="by value")
    assert lab.result.used.max() <= 0.5 * 2**0.5 + 1e-9
    assert 13.5 < lab.result.turned < 15.5, "the lesson says 14"
    assert unreadable(lab) == []


def test_a_gradient_that_is_short_enough_is_not_clipped():
    free, clipped = vanishing.Cliff(lr=0.1), vanishing.Cliff(lr=0.1, way="by norm", threshold=5.0)
    np.testing.assert_array_equal(free.result.path, clipped.result.path)


def test_a_learning_rate_of_a_tenth_is_thrown_by_no_cliff_and_is_slow():
    lab = vanishing.Cliff(lr=0.1)
    assert "stays in sight" in lab.stage.alt
    assert lab.result.losses.min() > 0.01


# Labs 6b and 6d ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("activation", "c"), [("tanh", 0.5), ("tanh", 3.0), ("relu", 1.0), ("sigmoid", 1.0)])
def test_the_map_is_what_backward_passes_give(activation, c):
    rows = criticality.measured(activation, 0.0, 0)
    column = int(np.abs(criticality.SIGMAS - c).argmin())
    c, found = criticality.SIGMAS[column], []
    for seed in range(5):
        W, b, x, top = passes.draws(64, seed)
        layers = [(np.float32(np.sqrt(c / 64)) * W[i], 0 * b[i]) for i in range(20)]
        found.append(np.log10(passes.passes(layers, activation, x, top)[1][0]))
    assert (rows[19] - rows[0])[column] == pytest.approx(np.mean(found), abs=0.8)


@pytest.mark.parametrize(("activation", "sb", "line"), [("relu", 0.0, 2.0), ("relu", 0.4, 2.0), ("tanh", 0.0, 1.0),
                                                        ("tanh", 0.3, 1.95), ("sigmoid", 0.0, np.nan)])
def test_the_line_stands_where_a_layers_factor_is_one(activation, sb, line):
    assert criticality.critical(activation, round(sb**2, 9)) == pytest.approx(line, abs=0.03, nan_ok=True)


def test_depth_in_time_is_backpropagation():
    W, _, x, last = recurrent.matrix(3)
    lengths, dW = recurrent.through_time(0.9 * W, x, last, 6, True)
    weight, first = nnlab.Tensor(0.9 * W, requires_grad=True), nnlab.Tensor(np.zeros(64), requires_grad=True)
    h = first
    for t in range(6):
        h = F.tanh(h @ weight.T + 0.3 * x[t])
    (h * (last / np.linalg.norm(last))).sum().backward()
    np.testing.assert_allclose(dW, weight.grad, rtol=1e-6, atol=1e-9)
    assert lengths[-1] == pytest.approx(np.linalg.norm(first.grad), rel=1e-6)


def test_clipping_bounds_what_is_used_of_a_long_gradient_and_leaves_a_short_one():
    lab = vanishing.DepthInTime(rho=1.2, clip=True, threshold=1.0)
    assert lab.result.used == 1.0 < lab.result.norm
    lab.set(clip=False)
    assert lab.result.used == lab.result.norm
    assert unreadable(lab) == []
