"""Optimizers: the formula worked by hand, and who owns the flat vector, in every case where two might want it."""

import re

import numpy as np
import pytest

from nnlab import MLP, Linear, Module, Parameter, Tensor, optim
from nnlab import functional as F
from nnlab.optim import SGD, Adam, AdamW, ProximalSGD, RMSprop
from nnlab.optim.base import CHUNK


def give(model, value=1.0):
    for p in model.parameters() if isinstance(model, Module) else model:
        p.grad = np.full(p.shape, value)


def values(params):
    return np.concatenate([p.data.ravel() for p in params])


# Formulas ------------------------------------------------------------------------------------------------------------
def test_gradient_descent_by_hand():
    w = Parameter(np.array([1.0, 2.0]))
    opt = SGD([w], lr=0.1, weight_decay=0.5)
    w.grad = [10.0, 20.0]
    opt.step()
    np.testing.assert_allclose(w.data, [1 - 0.1 * 10.5, 2 - 0.1 * 21.0])


def test_adam_by_hand_with_eps_outside_the_root():
    w = Parameter(np.array([1.0]))
    opt = Adam([w], lr=0.1, betas=(0.9, 0.99), eps=0.5)
    m = v = 0
    expected = 1.0
    for t, g in enumerate([2.0, -1.0, 3.0], start=1):
        w.grad = [g]
        opt.step()
        m, v = 0.9 * m + 0.1 * g, 0.99 * v + 0.01 * g * g
        expected -= 0.1 * (m / (1 - 0.9**t)) / ((v / (1 - 0.99**t)) ** 0.5 + 0.5)
        np.testing.assert_allclose(w.data, [expected], rtol=1e-13)


def test_the_first_step_of_adam_is_the_learning_rate_whatever_the_gradient():
    w = Parameter(np.zeros(3))
    opt = Adam([w], lr=0.1)
    w.grad = [1e-3, 1.0, 1e6]
    opt.step()
    np.testing.assert_allclose(w.data, -0.1, rtol=1e-4)


def test_the_heavy_ball_rolls_on_without_a_gradient_and_nesterov_looks_ahead_by_hand():
    ball, nesterov = Parameter(np.zeros(1)), Parameter(np.zeros(1))
    first, second = SGD([ball], lr=0.1, momentum=0.5), SGD([nesterov], lr=0.1, momentum=0.5, nesterov=True)
    for g, u, at, ahead in [(1.0, 1.0, -0.1, -0.15), (0.0, 0.5, -0.15, -0.175), (2.0, 2.25, -0.375, -0.4875)]:
        ball.grad = nesterov.grad = [g]
        first.step()
        second.step()
        assert first.state["velocity"] == second.state["velocity"] == [u]
        np.testing.assert_allclose([ball.data, nesterov.data], [[at], [ahead]], rtol=1e-13)


def test_rmsprop_by_hand_with_eps_outside_the_root():
    w = Parameter(np.array([1.0]))
    opt = RMSprop([w], lr=0.1, alpha=0.9, eps=0.5)
    w.grad = [2.0]
    opt.step()
    np.testing.assert_allclose(w.data, 1 - 0.1 * 2 / (0.4**0.5 + 0.5), rtol=1e-13)


def test_centered_rmsprop_survives_a_constant_gradient_whose_variance_rounds_below_zero():
    w = Parameter(np.zeros(50))
    opt = RMSprop([w], lr=1e-3, alpha=0.5, centered=True, eps=1e-3)
    for _ in range(100):
        w.grad = np.linspace(0.1, 0.7, 50)
        opt.step()
    assert np.isfinite(w.data).all()


def test_amsgrad_remembers_the_largest_gradient_for_ever_where_adam_forgets():
    params = {amsgrad: Parameter(np.zeros(1)) for amsgrad in (True, False)}
    for amsgrad, w in params.items():
        opt = Adam([w], lr=0.1, betas=(0.0, 0.5), amsgrad=amsgrad)
        for g in [1000.0] + [1.0] * 40:
            w.grad = [g]
            before = w.data.copy()
            opt.step()
        last = before - w.data
        assert (last < 2e-4) == amsgrad  # Adam's step is lr again, AMSGrad's lr / 707
        assert opt.state.keys() == {"m", "v", "v_max"} if amsgrad else {"m", "v"}


def test_the_proximal_step_solves_the_lasso():
    """With an orthonormal design, the minimum of |y - X w|^2 / 2 + l1 |w|_1 is the soft-thresholded X^T y."""
    rng = np.random.default_rng(0)
    X = np.linalg.qr(rng.standard_normal((20, 6)))[0]
    y = X @ [3.0, -2.0, 0.5, -0.5, 1.5, 0.0] + 0.1 * rng.standard_normal(20)
    expected = [np.sign(c) * max(abs(c) - 0.8, 0) for c in X.T @ y]
    w = Parameter(np.ones(6))
    opt = ProximalSGD([w], lr=0.3, l1=0.8)
    for _ in range(200):
        opt.zero_grad()
        error = Tensor(X) @ w - y
        (0.5 * (error * error).sum()).backward()
        opt.step()
    np.testing.assert_allclose(w.data, expected, atol=1e-12)
    np.testing.assert_array_equal(w.data == 0, [False, False, True, True, False, True])  # exact zeros


def test_the_proximal_step_spares_the_biases_in_a_group_of_their_own():
    w, b = Parameter([0.1, -5.0]), Parameter([0.1])
    opt = ProximalSGD([{"params": [w]}, {"params": [b], "l1": 0}], lr=0.5, l1=1.0, weight_decay=0.2)
    give([w, b], 0.0)
    opt.step()
    np.testing.assert_allclose(values([w, b]), [0, -4.0, 0.09], rtol=1e-6)


def test_a_vector_longer_than_a_chunk_is_updated_everywhere():
    sizes = (CHUNK - 1, CHUNK + 1, 3)
    params = [Parameter(np.ones(n, np.float32)) for n in sizes]
    opt = Adam(params, lr=0.5)
    give(params)
    opt.step()
    np.testing.assert_allclose(values(params), 0.5, rtol=1e-6)


def test_the_learning_rate_can_be_moved_while_training():
    w = Parameter(np.zeros(1))
    opt = SGD([w], lr=1)
    w.grad = [1.0]
    opt.step()
    opt.lr = 0.5
    opt.step()
    opt.param_groups[0]["lr"] = 0.25
    opt.step()
    assert w.data == [-1.75]
    assert opt.lr == 0.25


# The flat vector -----------------------------------------------------------------------------------------------------
def test_parameters_become_views_of_one_vector_with_their_values():
    model = MLP(2, 3, 1, rng=0)
    before = values(model.parameters())
    SGD(model.parameters(), lr=1)
    flat = model.layers[0].weight.home.values
    np.testing.assert_array_equal(flat, before)
    assert all(p.data.base is flat for p in model.parameters())


def test_gradients_reach_the_vector_without_being_cleared_first():
    model = MLP(2, 3, 1, rng=0)
    opt = SGD(model.parameters(), lr=1)
    assert all(p.grad is None for p in model.parameters())
    give(model, 7.0)
    opt.zero_grad()
    assert all(p.grad is None for p in model.parameters())
    model(np.ones((1, 2))).sum().backward()
    assert model.layers[1].bias.grad == [1.0]  # not 8
    assert model.layers[1].bias.grad.base is model.layers[0].weight.home.grads


def test_gradients_still_add_up_over_backward_calls():
    layer = Linear(2, 1, rng=0)
    SGD(layer.parameters(), lr=1)
    for _ in range(3):
        layer(np.ones((1, 2))).sum().backward()
    assert layer.bias.grad == [3.0]


def test_gradients_from_before_the_optimizer_survive_it():
    layer = Linear(2, 1, rng=0)
    layer(np.ones((1, 2))).sum().backward()
    opt = SGD(layer.parameters(), lr=1)
    opt.step()
    assert layer.bias.data == [-1.0]


def test_a_second_optimizer_in_the_same_order_moves_nothing():
    model = MLP(2, 3, 1, rng=0)
    SGD(model.parameters(), lr=1)
    flat = model.layers[0].weight.home.values
    Adam(model.parameters())
    assert model.layers[0].weight.home.values is flat


def test_an_optimizer_of_part_of_a_model_uses_its_slice():
    model = MLP(2, 3, 1, rng=0)
    whole = SGD(model.parameters(), lr=1)
    flat = model.layers[0].weight.home.values
    part = SGD(model.layers[1].parameters(), lr=1)
    assert model.layers[1].weight.home.values is flat
    give(model)
    before = values(model.layers[0].parameters())
    part.step()
    np.testing.assert_array_equal(values(model.layers[0].parameters()), before)
    whole.step()
    assert model.layers[1].bias.data == [-2.0]


def test_an_older_optimizer_follows_parameters_that_a_newer_one_has_moved():
    model = MLP(2, 3, 1, rng=0)
    start = values(model.parameters())
    part = Adam(model.layers[1].parameters(), lr=0.1)
    whole = SGD(model.parameters(), lr=1)  # moves everything into a vector of its own
    backwards = SGD(model.parameters()[::-1], lr=1)  # and once more, in another order
    for opt in (whole, backwards, part, whole):
        give(model)
        opt.step()
    expected = start - 3
    expected[-4:] -= 0.1
    np.testing.assert_allclose(values(model.parameters()), expected, rtol=1e-5)


def test_the_state_of_an_optimizer_follows_its_parameters_not_their_place():
    params, twins = ([Parameter(np.ones(n)) for n in (2, 3)] for _ in range(2))
    opt, peer = Adam(params), Adam(twins)
    rng = np.random.default_rng(0)
    for step in range(6):
        if step == 3:
            SGD(params[::-1], lr=1)
        for p, q in zip(params, twins):
            p.grad = q.grad = rng.standard_normal(p.shape)
        opt.step()
        peer.step()
    np.testing.assert_allclose(values(params), values(twins), rtol=1e-14)


def test_tied_weights_are_one_parameter():
    model = MLP(2, 2, 2, rng=0)
    model.layers[1].weight = model.layers[0].weight
    opt = SGD(model.parameters(), lr=1)
    assert len(opt.params) == 3


def test_a_parameter_given_twice_is_refused():
    w = Parameter([1.0], name="w")
    with pytest.raises(ValueError, match="SGD got a parameter twice: w"):
        SGD([w, w], lr=1)
    with pytest.raises(ValueError, match="twice"):
        SGD([{"params": [w]}, {"params": [w]}], lr=1)


def test_groups_have_options_of_their_own():
    model = MLP(2, 3, 1, rng=0)
    weights, biases = [layer.weight for layer in model.layers], [layer.bias for layer in model.layers]
    opt = SGD([{"params": weights, "weight_decay": 1.0, "lr": 0.5}, {"params": biases}], lr=1)
    expected = np.concatenate([values(weights) * 0.5 - 0.5, values(biases) - 1])
    give(model)
    opt.step()
    np.testing.assert_allclose(values(weights + biases), expected, rtol=1e-6)
    assert len(opt._stretches) == 2  # each group is one run
    opt.lr = 0
    opt.step()
    np.testing.assert_allclose(values(weights + biases), expected, rtol=1e-6)


def test_the_vector_is_cut_into_stretches_only_when_something_has_changed():
    model = MLP(2, 3, 1, rng=0)
    opt = SGD(model.parameters(), lr=1)
    for with_gradient in (model, model.layers[1], model):
        opt.zero_grad()
        give(with_gradient)
        opt.step()
        cut = opt._stretches
        opt.step()
        assert opt._stretches is cut


def test_a_parameter_without_gradient_is_left_alone():
    model = MLP(2, 3, 1, rng=0)
    opt = Adam(model.parameters(), weight_decay=0.1)
    before = values(model.layers[0].parameters())
    give(model.layers[1])
    opt.step()
    np.testing.assert_array_equal(values(model.layers[0].parameters()), before)
    assert not opt.state["m"][:9].any()
    assert opt.state["m"][9:].any()


def test_a_parameter_added_later_is_not_trained():
    model = MLP(2, 3, 1, rng=0)
    opt = SGD(model.parameters(), lr=1)
    model.layers.append(Linear(1, 1, rng=0))
    give(model)
    opt.step()
    assert model.layers[2].bias.data == [0.0]


@pytest.mark.parametrize("make", [
    lambda p: SGD(p, momentum=0.9, nesterov=True, weight_decay=np.float64(0.1)), lambda p: ProximalSGD(p, l1=0.1),
    lambda p: RMSprop(p, momentum=0.9, centered=True, weight_decay=0.1), lambda p: AdamW(p, amsgrad=True),
    lambda p: Adam(p, lr=np.float64(0.1), weight_decay=0.1)])
def test_float32_stays_float32_and_values_and_state_stay_where_they_are(make):
    model = MLP(2, 3, 1, rng=0)
    opt = make(model.parameters())
    flat = model.layers[0].weight.home.values
    give(model)
    opt.param_groups[0]["lr"] = np.float64(0.1)
    opt.step()
    assert {a.dtype.name for a in (flat, *opt.state.values())} == {"float32"}
    assert all(p.data.base is flat for p in model.parameters())


def test_gradients_are_not_changed_by_a_step():
    for optimizer, options in [(SGD, dict(momentum=0.9)), (SGD, dict(momentum=0.9, nesterov=True)), (ProximalSGD, {}),
                               (RMSprop, dict(momentum=0.9, centered=True)), (Adam, {}), (AdamW, dict(amsgrad=True))]:
        w = Parameter([1.0, 2.0])
        opt = optimizer([w], weight_decay=0.1, **options)
        w.grad = [3.0, -4.0]
        opt.step()
        opt.step()
        assert w.grad.tolist() == [3.0, -4.0]


def test_a_changed_dtype_is_noticed():
    model = MLP(2, 3, 1, rng=0)
    opt = SGD(model.parameters(), lr=1)
    model.to(np.float64)
    give(model)
    with pytest.raises(TypeError, match=r"Linear\(2 -> 3, tanh\).weight has changed its dtype.*make the opt"):
        opt.step()
    SGD(model.parameters(), lr=1).step()


def test_assigned_and_loaded_values_are_what_is_trained():
    model = MLP(2, 1, rng=0)
    opt = SGD(model.parameters(), lr=1)
    model.layers[0].weight.data = np.array([[5.0], [6.0]])
    model.load_state_dict(model.state_dict())
    give(model)
    opt.step()
    assert model.layers[0].weight.data.tolist() == [[4.0], [5.0]]


def test_a_gradient_assigned_by_hand_or_clipped_in_place_is_what_is_used():
    w = Parameter(np.zeros(2))
    opt = SGD([w], lr=1)
    w.grad = [3.0, 4.0]
    w.grad *= 0.5
    np.clip(w.grad, -1.75, 1.75, out=w.grad)
    opt.step()
    assert w.data.tolist() == [-1.5, -1.75]


def test_a_step_between_forward_and_backward_is_noticed_for_just_the_parameters_it_moved():
    model = MLP(2, 3, 1, rng=0)
    opt = SGD(model.layers[1].parameters(), lr=1)
    SGD(model.parameters(), lr=1)
    untouched = model.layers[0](np.ones((1, 2))).sum()
    loss = model(np.ones((1, 2))).sum()
    give(model.layers[1])
    opt.step()
    untouched.backward()
    with pytest.raises(RuntimeError, match=r"Linear\(3 -> 1\).weight changed between"):
        loss.backward()


def test_scalars_and_plain_leaf_tensors_can_be_trained():
    w, b = Tensor(1.0, requires_grad=True), Tensor([2.0], requires_grad=True)
    opt = SGD([w, b], lr=0.1)
    (w * b).sum().backward()
    opt.step()
    assert w.item() == pytest.approx(0.8)
    assert b.item() == pytest.approx(1.9)


def test_a_frozen_parameter_stays():
    layer = Linear(2, 1, rng=0)
    layer.weight.requires_grad = False
    opt = SGD(layer.parameters(), lr=1, weight_decay=1)
    before = layer.weight.data.copy()
    layer(np.ones((1, 2))).sum().backward()
    opt.step()
    np.testing.assert_array_equal(layer.weight.data, before)


def test_adam_finds_the_bottom_of_a_bowl():
    w = Parameter(np.array([3.0, -2.0]))
    opt = Adam([w], lr=0.1)
    for _ in range(500):
        opt.zero_grad()
        F.mse_loss(w, np.array([1.0, 1.0])).backward()
        opt.step()
    np.testing.assert_allclose(w.data, 1, atol=1e-4)


# Pausing and going on ------------------------------------------------------------------------------------------------
MAKE = {
    "SGD": lambda p: SGD(p, lr=0.1, momentum=0.9, nesterov=True), "ProximalSGD": lambda p: ProximalSGD(p, 0.1, 0.01),
    "RMSprop": lambda p: RMSprop(p, centered=True, momentum=0.5), "Adam": lambda p: Adam(p, lr=0.1),
    "AdamW": lambda p: AdamW([{"params": p[:2], "lr": 0.1}, {"params": p[2:]}], amsgrad=True)}


def train_a_little(model, opt, steps):
    for step in steps:
        rng = np.random.default_rng(step)
        opt.zero_grad()
        x = rng.standard_normal((4, 2))
        (model.layers[1] if step % 3 == 1 else model)(np.ones((4, 3)) if step % 3 == 1 else x).sum().backward()
        opt.step()  # every third step leaves the first layer out


@pytest.mark.parametrize("kind", MAKE)
def test_training_resumed_is_training_never_interrupted_bit_for_bit(kind, tmp_path):
    model = MLP(2, 3, 1, rng=0)
    opt = MAKE[kind](model.parameters())
    train_a_little(model, opt, range(10))
    opt.lr = 0.05
    np.savez(tmp_path / "optimizer.npz", **opt.state_dict())
    again = MLP(2, 3, 1, rng=1)
    again.load_state_dict(model.state_dict())
    resumed = MAKE[kind](again.parameters())
    train_a_little(again, resumed, ())
    with np.load(tmp_path / "optimizer.npz", allow_pickle=False) as file:
        resumed.load_state_dict(file)
    assert resumed.param_groups == [{k: v for k, v in group.items() if k != "params"} for group in opt.param_groups]
    assert resumed.steps == opt.steps
    train_a_little(model, opt, range(10, 20))
    train_a_little(again, resumed, range(10, 20))
    np.testing.assert_array_equal(values(again.parameters()), values(model.parameters()))
    for name, vector in opt.state.items():
        np.testing.assert_array_equal(resumed.state[name], vector)


def test_a_state_can_be_loaded_in_the_middle_and_is_a_copy():
    model = MLP(2, 3, 1, rng=0)
    opt = Adam(model.parameters(), lr=0.1)
    train_a_little(model, opt, range(5))
    weights, state = model.state_dict(), opt.state_dict()
    train_a_little(model, opt, range(5, 12))
    expected = values(model.parameters())
    for _ in range(2):
        model.load_state_dict(weights)
        opt.load_state_dict(state)
        train_a_little(model, opt, range(5, 12))
        np.testing.assert_array_equal(values(model.parameters()), expected)


@pytest.mark.parametrize(("change", "error", "told"), [
    (lambda s: s.pop("state.v"), KeyError, r"another optimizer than Adam with its options: missing \['state.v'\]"),
    (lambda s: s.update({"groups.1.lr": 1.0}), KeyError, r"not known here \['groups.1.lr'\]"),
    (lambda s: s.update({"sizes": np.array([3, 6, 3, 1])}), ValueError, r"of sizes \[3, 6, 3, 1\]; here .* \[6, 3, 3"),
    (lambda s: s.update({"state.m": np.zeros(13)}), ValueError, "state.m is float32 of shape .13,.; got float64"),
    (lambda s: s.update({"state.v": np.zeros(12, "f")}), ValueError, r"state.v is float32 of shape \(13,\); got .*12"),
    (lambda s: s.update({"groups.0.lr": -1.0}), ValueError, "lr is a number of at least 0; got -1.0"),
    (lambda s: s.update({"groups.0.betas": [0.9, 2.0]}), ValueError, "betas are two numbers"),
    (lambda s: s.update({"groups.0.amsgrad": "no"}), ValueError, "groups.0.amsgrad is bool"),
    (lambda s: s.update({"steps": np.zeros(3, int)}), ValueError, "steps is int64 of shape .4,.; got int64 of .3"),
])
def test_a_state_that_does_not_fit_changes_nothing(change, error, told):
    model, peer = MLP(2, 3, 1, rng=0), MLP(2, 3, 1, rng=0)
    opt, other = Adam(model.parameters(), lr=0.1), Adam(peer.parameters(), lr=0.7)
    train_a_little(model, opt, range(5))
    train_a_little(peer, other, range(3))
    before, state = opt.state_dict(), other.state_dict()
    change(state)
    with pytest.raises(error, match=told):
        opt.load_state_dict(state)
    assert opt.state_dict().keys() == before.keys()
    for name, value in opt.state_dict().items():
        np.testing.assert_array_equal(value, before[name])


# Refusals ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("make", "told"), [
    (lambda w: SGD([w], lr=-0.1), "lr is a number of at least 0; got -0.1"),
    (lambda w: SGD([w], lr=float("nan")), "lr is a number of at least 0; got nan"),
    (lambda w: SGD([w], lr="fast"), "lr is a number of at least 0; got 'fast'"),
    (lambda w: SGD([w], lr=1, weight_decay=-1), "weight_decay is a number"),
    (lambda w: Adam([w], betas=(0.9, 1.0)), r"betas are two numbers .* got \(0.9, 1.0\)"),
    (lambda w: Adam([w], betas=0.9), "betas are two numbers"),
    (lambda w: Adam([w], eps=-1), "eps is a number"),
    (lambda w: SGD([], lr=1), "SGD got no parameters"),
    (lambda w: SGD([{"params": [w], "rate": 0.9}], lr=1), "SGD has no option .'rate'."),
    (lambda w: SGD([w], momentum=1.0), "momentum is a number from 0 up to, but not including, 1; got 1.0"),
    (lambda w: SGD([w], nesterov=True), "nesterov looks ahead along the momentum, which is 0"),
    (lambda w: SGD([{"params": [w], "momentum": 0}], momentum=0.9, nesterov=True), "nesterov looks ahead"),
    (lambda w: SGD([w], momentum=0.9, nesterov=1), "nesterov is True or False; got 1"),
    (lambda w: ProximalSGD([w], l1=-1), "l1 is a number of at least 0; got -1"),
    (lambda w: RMSprop([w], alpha=-0.1), "alpha is a number from 0 up to"),
    (lambda w: RMSprop([w], centered=None), "centered is True or False"),
    (lambda w: Adam([w], amsgrad="yes"), "amsgrad is True or False"),
    (lambda w: AdamW([w], weight_decay=np.nan), "weight_decay is a number of at least 0; got nan"),
])
def test_bad_options_are_refused(make, told):
    with pytest.raises(ValueError, match=told):
        make(Parameter([1.0]))


def test_setting_a_bad_learning_rate_is_refused():
    opt = SGD([Parameter([1.0])], lr=1)
    with pytest.raises(ValueError, match="at least 0"):
        opt.lr = -1
    assert opt.lr == 1


def test_what_is_no_parameter_is_refused():
    w = Parameter([1.0])
    with pytest.raises(TypeError, match=r"write model.parameters\(\)"):
        SGD(Linear(1, 1), lr=1)
    with pytest.raises(TypeError, match="leaves of the graph"):
        SGD([w * 2], lr=1)
    with pytest.raises(TypeError, match="leaves of the graph"):
        SGD([np.ones(2)], lr=1)
    for mixed in ([w, {"params": [Parameter([1.0])]}], [{"params": [Parameter([1.0])]}, w]):
        with pytest.raises(TypeError, match=r"leaves of the graph; got \{'params'"):
            SGD(mixed, lr=1)
    with pytest.raises(TypeError, match="use one dtype"):
        SGD([w, Parameter(np.ones(1))], lr=1)


FORMULAS = (SGD, ProximalSGD, RMSprop, Adam, AdamW)


def test_every_optimizer_states_its_formula_and_source():
    for optimizer in FORMULAS:
        assert "w <- " in optimizer.__doc__
        assert re.search(r"(19|20)\d\d", optimizer.__doc__)


def test_an_optimizer_without_formula_says_what_to_write():
    w = Parameter([1.0])
    opt = optim.Optimizer([w], lr=1)
    w.grad = [1.0]
    with pytest.raises(NotImplementedError, match=r"Optimizer must define update\(self, w, g"):
        opt.step()


@pytest.mark.parametrize("name", ["SGD", "ProximalSGD", "RMSprop", "Adam", "AdamW"])
def test_the_learning_rate_is_pytorchs_where_none_is_given(name):
    w = Tensor([1.0], requires_grad=True)
    assert getattr(optim, name)([w]).lr == (0.01 if name == "RMSprop" else 0.001)
