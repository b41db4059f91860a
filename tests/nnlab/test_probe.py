"""The probe: what it sees is what passes through, it changes nothing, and with it the published results come out."""

import numpy as np
import pytest

from nnlab import (
    MLP,
    SGD,
    Adam,
    BatchNorm1d,
    Linear,
    Module,
    MultiHeadAttention,
    Neuron,
    ReLU,
    Residual,
    Sequential,
    Sigmoid,
    Tensor,
    data,
    init,
    no_grad,
)
from nnlab import functional as F
from nnlab.probe import probe

X, Y = data.moons(40, rng=0)
BCE = F.binary_cross_entropy_with_logits


def by_hand(x, y, W1, W2):
    """h1, h2, dL/dh1, dL/dh2, dL/dW1, dL/dW2 of mean((relu(x W1) W2 - y)^2)."""
    h1 = np.maximum(x @ W1, 0)
    h2 = h1 @ W2
    g2 = 2 * (h2 - y) / h2.size
    g1 = g2 @ W2.T
    return h1, h2, g1, g2, x.T @ (g1 * (h1 > 0)), h1.T @ g2


def test_it_sees_activations_signals_and_gradients():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((7, 3)), rng.standard_normal((7, 2))
    model = MLP(3, 4, 2, activation="relu", dtype=np.float64, rng=0)
    h1, h2, g1, g2, dW1, dW2 = by_hand(x, y, *(layer.weight.data for layer in model.layers))
    seen = probe(model, x, y, F.mse_loss)
    assert [layer.name for layer in seen] == ["layers.0", "layers.1"]
    assert [layer.module for layer in seen] == model.layers
    for layer, h, g, dW in zip(seen, (h1, h2), (g1, g2), (dW1, dW2)):
        np.testing.assert_allclose(layer.h, h, atol=1e-14)
        np.testing.assert_allclose(layer.signal, g, atol=1e-14)
        np.testing.assert_allclose(layer.gradients["weight"], dW, atol=1e-14)
        np.testing.assert_allclose([layer.h_ms, layer.signal_ms, layer.gradient_ms],
                                   [np.mean(a * a) for a in (h, g, dW)], rtol=1e-12)
        assert set(layer.gradients) == {"weight", "bias"}
    np.testing.assert_array_equal(seen.column("signal_ms"), [layer.signal_ms for layer in seen])


def test_layers_and_activations_standing_apart_are_listed_apart():
    seen = probe(Sequential(Linear(2, 3), ReLU(), Sequential(Linear(3, 3), Sigmoid()), Neuron(3)), X, Y, F.mse_loss)
    assert [layer.name for layer in seen] == ["layers.0", "layers.1", "layers.2.layers.0", "layers.2.layers.1",
                                              "layers.3"]
    assert seen.column("h_ms", Linear).shape == (2,)
    assert np.isnan(seen.column("gradient_ms")[1])  # relu has no weights
    assert seen[4].h.shape == (40,)
    assert seen[4].dead == 0  # one neuron, not forty
    assert np.isnan(seen.column("saturated")[:3]).all()
    assert (seen.column("saturated")[3:] == 0).all()


def test_a_residual_is_listed_with_its_sum_and_its_signal_goes_past_the_layer():
    """With weights 0 the way past is all there is: the signal before the block is the signal behind it."""
    model = Sequential(Linear(2, 4, rng=0), Residual(Linear(4, 4, init=init.zeros)), Linear(4, 1, rng=1))
    seen = probe(model, X, Y, BCE)
    assert [layer.name for layer in seen] == ["layers.0", "layers.1.layer", "layers.1", "layers.2"]
    np.testing.assert_array_equal(seen[0].signal, seen[2].signal)
    np.testing.assert_array_equal(seen[0].h, seen[2].h)
    assert set(seen[2].gradients) == {"layer.weight", "layer.bias"}


class Loop(Module):
    """The same layer three times, then a scaled sum that no inner module makes."""

    def __init__(self):
        self.cell, self.out = Linear(2, 2, activation="tanh", rng=0), Linear(2, 1, rng=1)

    def forward(self, x):
        for _ in range(3):
            x = self.cell(x)
        return self.out(x) * 2


def test_a_layer_used_three_times_is_listed_three_times_with_one_gradient():
    seen = probe(Loop(), X, Y, BCE)
    assert [layer.name for layer in seen] == ["cell", "cell", "cell", "out", "model"]
    np.testing.assert_array_equal(seen[0].gradients["weight"], seen[2].gradients["weight"])
    assert not (seen[0].signal == seen[1].signal).any()
    np.testing.assert_allclose(seen[3].h * 2, seen[4].h)
    np.testing.assert_allclose(seen[3].signal, seen[4].signal * 2)


def test_of_several_outputs_the_first_is_looked_at():
    class Twice(Module):
        def __init__(self):
            self.inner, self.attention = Linear(4, 4, rng=0), MultiHeadAttention(4, 2, rng=0)

        def forward(self, x):
            y, weights = self.attention(x, return_weights=True)
            return self.inner(y) * 2, weights

    model = Twice()
    x = np.random.default_rng(0).standard_normal((3, 5, 4)).astype(np.float32)
    seen = probe(Sequential(model, First()), x, 0 * x, F.mse_loss)
    assert {layer.name: layer.h.shape for layer in seen}["layers.0"] == (3, 5, 4)
    whole = next(layer for layer in seen if layer.module is model)
    assert whole.signal.shape == (3, 5, 4)
    assert {"inner.weight", "attention.query.weight"} <= set(whole.gradients)
    assert whole.gradient_ms > 0


class First(Module):
    def forward(self, pair):
        return pair[0]


# It changes nothing --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("optimizer", [None, Adam])
@pytest.mark.parametrize("training", [True, False])
def test_gradients_buffers_and_mode_are_left_as_they_were(optimizer, training):
    model = Sequential(Linear(2, 4, rng=0), BatchNorm1d(4), Linear(4, 1, rng=1)).train(training)
    if optimizer:
        optimizer(model.parameters())
    BCE(model(X), Y.reshape(-1, 1)).backward()
    model.layers[0].bias.grad = None
    grads = [None if p.grad is None else p.grad.copy() for p in model.parameters()]
    state = model.state_dict()
    seen = probe(model, 3 * X, 1 - Y, BCE)
    for p, g in zip(model.parameters(), grads):
        assert p.grad is g is None or (p.grad == g).all()
    assert all((state[name] == values).all() for name, values in model.state_dict().items())
    assert all(module.training is training for _, module in model.named_modules())
    model.zero_grad()  # what it saw is of its own pass alone, whatever stood there before
    for name, gradient in probe(model, 3 * X, 1 - Y, BCE)[0].gradients.items():
        np.testing.assert_array_equal(seen[0].gradients[name], gradient)


def test_the_second_look_is_the_first_and_training_goes_on_from_where_it_was():
    model = MLP(2, 8, 1, rng=0)
    a, b = probe(model, X, Y, BCE), probe(model, X, Y, BCE)
    for one, other in zip(a, b):
        np.testing.assert_array_equal(one.signal, other.signal)
        np.testing.assert_array_equal(one.gradients["weight"], other.gradients["weight"])
    assert all(p.grad is None for p in model.parameters())


def test_gradients_are_restored_when_the_loss_fails():
    model = MLP(2, 3, 1, rng=0)
    opt = SGD(model.parameters())
    BCE(model(X), Y.reshape(-1, 1)).backward()
    before = model.layers[0].weight.grad.copy()
    with pytest.raises(ValueError, match="the target has shape"):
        probe(model, X, Y[:5], F.mse_loss)
    with no_grad(), pytest.raises(RuntimeError, match="nothing to differentiate"):
        probe(model, X, Y, BCE)
    np.testing.assert_array_equal(model.layers[0].weight.grad, before)
    assert opt.params[0].grad is model.layers[0].weight.grad


def test_a_frozen_beginning_gets_no_signal():
    model = MLP(2, 3, 3, 1, rng=0)
    for p in model.layers[0].parameters():
        p.requires_grad = False
    seen = probe(model, Tensor(X), Y, BCE)
    assert seen[0].signal is None
    assert seen[0].gradients == {}
    assert np.isnan([seen[0].signal_ms, seen[0].gradient_ms]).all()
    assert seen[1].signal_ms > 0


# Statistics ----------------------------------------------------------------------------------------------------------
def test_neurons_silent_for_every_example_are_dead():
    layer = Linear(2, 5, activation="relu", rng=0)
    layer.weight.data, layer.bias.data = 0 * layer.weight.data, [-1, -1, 1, -1, 1]
    seen = probe(Sequential(layer, Linear(5, 1, rng=0)), X, Y, BCE)
    assert seen[0].dead == 0.6
    layer.activation = F.tanh  # negative is not silent
    assert probe(Sequential(layer, Linear(5, 1, rng=0)), X, Y, BCE)[0].dead == 0
    layer.activation = F.relu
    layer.weight.data = np.where([1, 0, 0, 0, 0], 1.0, layer.weight.data)  # the first one hears some examples now
    assert probe(Sequential(layer, Linear(5, 1, rng=0)), X, Y, BCE)[0].dead == 0.4


@pytest.mark.parametrize(("activation", "h", "share"), [
    ("sigmoid", [0.01, 0.024, 0.026, 0.5, 0.974, 0.976, 0.99, 0.3], 0.5),
    ("tanh", [-0.99, -0.951, -0.949, 0.0, 0.949, 0.951, 0.5, -0.5], 0.375),
])
def test_outputs_at_the_ends_of_the_range_are_saturated(activation, h, share):
    z = np.arctanh(h) if activation == "tanh" else np.log(np.divide(h, np.subtract(1, h)))
    layer = Linear(1, 8, activation=activation)
    layer.weight.data, layer.bias.data = np.zeros((1, 8)), z
    assert probe(layer, np.ones((3, 1)), np.zeros((3, 8)), F.mse_loss)[0].saturated == share


def test_statistics_do_not_underflow_where_float32_squares_would():
    model = MLP(2, 4, 4, rng=0)
    seen = probe(model, X * 1e-25, np.zeros((40, 4)), F.mse_loss)
    assert 0 < seen[0].h_ms < 1e-45


def test_an_exploding_network_is_looked_at_without_warnings():
    model = MLP(2, *[8] * 60, 1, activation="relu", init=lambda *a, **k: 1e3 * init.he_normal(*a, **k), rng=0)
    seen = probe(model, X, Y, BCE)
    assert np.isfinite(seen[0].h_ms)
    assert not np.isfinite(seen[-1].h_ms)


def test_the_table_has_a_line_for_each_layer():
    lines = repr(probe(MLP(2, 3, 1, rng=0), X, Y, BCE)).splitlines()
    assert lines[0].split() == ["layer", "h_ms", "signal_ms", "gradient_ms", "dead", "saturated"]
    assert [line.split()[0] for line in lines[1:]] == ["layers.0", "layers.1"]
    assert lines[2].split()[-1] == "nan"
    assert len({len(line) for line in lines}) == 1


# Published results, depth 30, width 256 (the lesson's R6.1, R6.2, R6.3, R6.7) ----------------------------------------
def factors(activation, start, depth=30, width=256, seeds=5):
    """Mean over seeds: factor a layer of E[h^2] on the way up, of E[g^2] on the way down; ends of g and of dW."""
    found = []
    for seed in range(seeds):
        model = MLP(*[width] * (depth + 1), activation=activation, output=activation, init=start, dtype=np.float64,
                    rng=seed)
        x, c = np.random.default_rng(seed).standard_normal((2, 32, width))
        seen = probe(model, x, c, lambda out, c: (out * c).sum())
        h, g, w = (np.log2(seen.column(c)) for c in ("h_ms", "signal_ms", "gradient_ms"))
        layers = np.arange(depth)
        found.append([*(np.polyfit(layers, a, 1)[0] for a in (h, g)), (g[0] - g[-1]) / 2, (w[0] - w[-1]) / 2])
    up, down, g_ends, w_ends = 2 ** (np.mean(found, 0) * [1, -1, 1, 1])
    return up, down, g_ends, w_ends


def lecun_uniform(shape, **options):
    """U(-1/sqrt(n), 1/sqrt(n)), of variance 1 / (3 n): what Glorot and Bengio found in use."""
    return init.uniform(shape, shape[0] ** -0.5, **options)


def test_he_keeps_the_signal_of_relu_and_half_its_variance_halves_it_in_every_layer():
    up, down, *_ = factors("relu", init.he_normal)
    assert abs(np.log2(up)) < 0.1
    assert abs(np.log2(down)) < 0.1
    up, down, g_ends, w_ends = factors("relu", init.lecun_normal)
    assert abs(np.log2(up) + 1) < 0.1
    assert abs(np.log2(down) + 1) < 0.1
    # where to look: the signal has vanished at the first layer, the weights' gradients do not show it
    assert g_ends < 1e-3
    assert 0.3 < w_ends < 3


def test_tanh_loses_two_thirds_in_every_layer_of_the_old_start_and_a_tenth_of_xaviers():
    up, down, *_ = factors("tanh", lecun_uniform)
    np.testing.assert_allclose([up, down], 0.33, atol=0.03)
    up, down, *_ = factors("tanh", init.xavier_uniform)
    np.testing.assert_allclose([up, down], 0.88, atol=0.04)


def test_sigmoid_loses_fifteen_sixteenths_of_the_signal_in_every_layer():
    assert 0.05 < factors("sigmoid", init.xavier_normal)[1] <= 1 / 16
