"""Modules: found by walking attributes, loaded as a whole or not at all, and shown so that one can read them."""

import copy

import numpy as np
import pytest

import nnlab
from nnlab import (
    ELU,
    GELU,
    MLP,
    SELU,
    LeakyReLU,
    Linear,
    Module,
    Neuron,
    Parameter,
    ReLU,
    Residual,
    Sequential,
    Sigmoid,
    Softmax,
    Tanh,
    Tensor,
    init,
)
from nnlab import functional as F


class Tied(Module):
    def __init__(self):
        self.first = Linear(3, 3, rng=0)
        self.again = self.first
        self.more = [Linear(3, 2, rng=0), {"deep": (Linear(2, 2, rng=0), "not a layer")}]
        self.scale = Parameter(2.0)

    def forward(self, x):
        return self.more[0](self.again(self.first(x))) * self.scale


# Finding parameters --------------------------------------------------------------------------------------------------
def test_parameters_are_found_in_attributes_lists_dicts_and_tuples_each_once():
    names = [name for name, _ in Tied().named_parameters()]
    assert names == ["first.weight", "first.bias", "more.0.weight", "more.0.bias", "more.1.deep.0.weight",
                     "more.1.deep.0.bias", "scale"]


def test_a_module_that_contains_itself_is_walked_once():
    model = Linear(2, 2)
    model.me = model
    assert len(model.parameters()) == 2


def test_tied_weights_collect_the_gradients_of_all_their_uses():
    model = Tied()
    model(np.ones((4, 3))).sum().backward()
    once = model.first.weight.grad.copy()
    model.zero_grad()
    assert all(p.grad is None for p in model.parameters())
    model.again = copy.deepcopy(model.first)
    model(np.ones((4, 3))).sum().backward()
    np.testing.assert_allclose(once, model.first.weight.grad + model.again.weight.grad, rtol=1e-5)


def test_training_mode_reaches_every_module():
    model = Tied()
    assert model.training
    model.eval()
    assert not any(m.training for _, m in model.named_modules())
    model.train()
    assert model.more[1]["deep"][0].training


def test_a_copy_of_a_model_that_has_an_optimizer_is_independent():
    model = MLP(2, 3, 1, rng=0)
    nnlab.SGD(model.parameters(), lr=1)
    twin = copy.deepcopy(model)
    opt = nnlab.SGD(twin.parameters(), lr=1)
    twin(np.ones((1, 2))).sum().backward()
    before = model.state_dict()
    opt.step()
    assert all((before[k] == v).all() for k, v in model.state_dict().items())
    assert not (twin.layers[1].bias.data == model.layers[1].bias.data).all()


# Layers --------------------------------------------------------------------------------------------------------------
def test_a_layer_is_x_times_w_plus_b():
    layer = Linear(3, 2, rng=0)
    layer.bias.data = [1.0, -1.0]
    x = np.arange(12, dtype=np.float32).reshape(4, 3)
    np.testing.assert_allclose(layer(x).data, x @ layer.weight.data + layer.bias.data, rtol=1e-6)
    assert layer.weight.shape == (3, 2)


def test_a_neuron_is_one_column_of_a_layer():
    neuron, layer = Neuron(3, "tanh", rng=0), Linear(3, 1, activation="tanh", rng=0)
    layer.weight.data = neuron.weight.data[:, None]
    x = np.random.default_rng(0).standard_normal((5, 3))
    np.testing.assert_allclose(neuron(x).data, layer(x).data[:, 0], rtol=1e-6)
    assert neuron(x).shape == (5,)
    assert neuron(x[0]).shape == ()


def test_a_layer_without_bias():
    assert [name for name, _ in Linear(2, 3, bias=False).named_parameters()] == ["weight"]


@pytest.mark.parametrize(("module", "function"), [
    (ReLU(), F.relu), (Sigmoid(), F.sigmoid), (Tanh(), F.tanh), (Softmax(0), lambda x: F.softmax(x, 0)),
    (LeakyReLU(0.3), lambda x: F.leaky_relu(x, 0.3)), (ELU(), F.elu), (ELU(0.3), lambda x: F.elu(x, 0.3)),
    (SELU(), F.selu), (GELU(), F.gelu), (GELU("none"), F.gelu), (GELU(approximate="tanh"), F.gelu_tanh),
    (Softmax(temperature=3), lambda x: F.softmax(x, -1, 3)),
])
def test_activation_modules_are_their_functions(module, function):
    x = np.random.default_rng(0).standard_normal((3, 4))
    np.testing.assert_array_equal(module(x).data, function(x).data)
    assert module.parameters() == []


@pytest.mark.parametrize(("module", "function"), [
    (LeakyReLU(0.3), lambda z: F.leaky_relu(z, 0.3)), (ELU(0.4), lambda z: F.elu(z, 0.4)), (GELU("tanh"), F.gelu_tanh),
    (ReLU(), F.relu),
])
def test_an_activation_layer_with_its_options_goes_into_a_layer_of_neurons(module, function):
    layer = Linear(3, 4, activation=module, dtype=np.float64, rng=0)
    x, twin = (Tensor(np.random.default_rng(1).standard_normal((5, 3)), requires_grad=True) for _ in range(2))
    fused, composed = layer(x), function(twin @ layer.weight + layer.bias)
    assert fused.op == "linear"
    np.testing.assert_allclose(fused.data, composed.data, rtol=1e-12)
    fused.sum().backward(), composed.sum().backward()
    np.testing.assert_allclose(x.grad, twin.grad, rtol=1e-12)
    assert Neuron(3, module, rng=0)(x.data).shape == (5,)
    assert len(MLP(3, 4, 1, activation=module).parameters()) == 4


def test_an_activation_layer_inside_another_layer_is_shown():
    assert repr(MLP(3, 4, 1, activation=LeakyReLU(0.3), output=GELU("tanh"))) == (
        "MLP(3 -> 4 -> 1, LeakyReLU(0.3), output GELU(tanh)), 21 parameters")
    with pytest.raises(ValueError, match="GELU: approximate is 'none' or 'tanh'; got 'erf'"):
        GELU("erf")


def twins(*sizes, dtype=np.float32, **options):
    """The same network as one operation and as one operation for each layer."""
    return MLP(*sizes, dtype=dtype, rng=0, **options), Sequential(*MLP(*sizes, dtype=dtype, rng=0, **options).layers)


@pytest.mark.parametrize("shape", [(5, 3), (4, 2, 3), (3,)])
@pytest.mark.parametrize("activation", [None, "tanh", "relu", LeakyReLU(0.3)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_network_as_one_operation_gives_the_same_bits_as_layer_by_layer(shape, activation, dtype):
    values = np.random.default_rng(0).standard_normal(shape).astype(dtype)
    xs, results = [Tensor(values, requires_grad=True) for _ in range(2)], []
    for x, model, ops in zip(xs, twins(3, 4, 5, 2, activation=activation, dtype=dtype), (["mlp"], ["linear"] * 3)):
        out = model(x)
        assert [s.operation for s in out.backward_steps(np.ones(out.shape), retain_graph=True)] == ops
        model.zero_grad()
        x.zero_grad()
        out.backward(np.ones(out.shape))
        results.append([out.data, x.grad, *(p.grad for p in model.parameters())])
    for one, layered in zip(*results, strict=True):
        assert one.dtype == dtype
        np.testing.assert_array_equal(one, layered)


@pytest.mark.parametrize("n", [1, 128, 129, 300])
@pytest.mark.parametrize("shape", [(3,), (2, 3)])
def test_a_network_gives_the_same_numbers_whether_it_is_recorded_or_not(n, shape):
    """Unrecorded, the first layer (4 wide) goes by columns from 257 rows on, the second (2 wide) from 129."""
    model, x = MLP(3, 4, 2, rng=0), np.random.default_rng(0).standard_normal((n, *shape))
    with nnlab.no_grad():
        out = model(x)
    assert out.shape == (n, *shape[:-1], 2)
    np.testing.assert_allclose(out.data, model(x).data, rtol=0, atol=1e-6)


@pytest.mark.parametrize("frozen", range(6))
def test_a_frozen_parameter_of_a_network_gets_no_gradient_and_changes_nobody_elses(frozen):
    one, layered = twins(3, 4, 5, 2)
    for model in (one, layered):
        model.parameters()[frozen].requires_grad = False
        (model(np.ones((7, 3))) ** 2).sum().backward()
    for i, (p, q) in enumerate(zip(one.parameters(), layered.parameters())):
        assert (p.grad is None) == (i == frozen)
        np.testing.assert_array_equal(p.grad if i != frozen else 0, q.grad if i != frozen else 0)


@pytest.mark.parametrize("change", ["forward", "subclass", "another layer", "no bias"])
def test_what_was_put_in_place_of_a_layer_of_an_mlp_is_used(change):
    class Louder(Linear):
        def forward(self, x):
            return super().forward(x) * 2

    model = MLP(3, 4, 2, rng=0)
    layer, calls = model.layers[1], []
    if change == "forward":
        layer.forward = lambda x, forward=layer.forward: calls.append(1) or forward(x)
    elif change == "subclass":
        model.layers[1] = Louder(4, 2, rng=0)
    elif change == "another layer":
        model.layers[1] = Sequential(layer, ReLU())
    else:
        layer.bias = None
    x = np.ones((5, 3))
    expected = Sequential(*model.layers)(x).data
    calls.clear()
    np.testing.assert_array_equal(model(x).data, expected)
    assert len(calls) == (change == "forward")


def test_an_mlp_whose_forward_was_replaced_for_all_layers_uses_it(monkeypatch):
    monkeypatch.setattr(Linear, "forward", lambda self, x: Tensor(np.full((1, self.out_features), 7.0)))
    assert MLP(3, 4, 2)(np.ones((1, 3))).data.tolist() == [[7.0, 7.0]]


def test_an_mlp_names_the_layer_that_does_not_fit():
    model = MLP(3, 4, 2)
    with pytest.raises(ValueError, match=r"Linear\(3 -> 4, tanh\) got x of shape \(5, 2\)"):
        model(np.ones((5, 2)))
    model.layers[1] = Linear(6, 2)
    with pytest.raises(ValueError, match=r"Linear\(6 -> 2\) got x of shape \(5, 4\)"):
        model(np.ones((5, 3)))
    model.layers[1] = Linear(4, 2, dtype=np.float64)
    with pytest.raises(TypeError, match="linear got a float32 and a float64 Tensor"):
        model(np.ones((5, 3)))


def test_layers_as_one_operation_want_one_activation_each():
    with pytest.raises(ValueError, match="mlp got shapes"):
        F.mlp(np.ones((5, 3)), np.ones((3, 4)), np.ones(4), np.ones((4, 2)), np.ones(2), activations=["relu"])


def test_an_empty_mlp_gives_back_its_input():
    model = MLP(3, 2)
    model.layers = []
    assert model(7.0) == 7.0


def test_an_mlp_is_its_layers_in_sequence():
    model = MLP(3, 4, 5, 2, activation="relu", output="sigmoid", rng=0)
    pieces = Sequential(*(part for layer in model.layers for part in (Plain(layer), ReLU())))
    pieces.layers[-1] = Sigmoid()
    x = np.random.default_rng(0).standard_normal((6, 3))
    np.testing.assert_allclose(model(x).data, pieces(x).data, rtol=1e-6)


class Plain(Module):
    """A layer's weights without its activation."""

    def __init__(self, layer):
        self.layer = layer

    def forward(self, x):
        return x @ self.layer.weight + self.layer.bias if isinstance(x, Tensor) else Tensor(x, dtype=np.float32) @ (
            self.layer.weight) + self.layer.bias


def test_the_same_seed_gives_the_same_network_and_layers_differ():
    a, b = MLP(3, 3, 3, 3, rng=5), MLP(3, 3, 3, 3, rng=5)
    assert all((p.data == q.data).all() for p, q in zip(a.parameters(), b.parameters()))
    assert not (a.layers[0].weight.data == a.layers[1].weight.data).all()


@pytest.mark.parametrize(("activation", "bound"), [("relu", (6 / 100) ** 0.5), ("leaky_relu", (6 / 100) ** 0.5),
                                                   ("elu", (6 / 100) ** 0.5), ("gelu", (6 / 100) ** 0.5),
                                                   (LeakyReLU(0.1), (6 / 100) ** 0.5), ("tanh", (6 / 150) ** 0.5),
                                                   ("sigmoid", (6 / 150) ** 0.5), (None, (6 / 150) ** 0.5)])
def test_the_default_start_is_he_for_relu_and_its_kin_and_xavier_otherwise(activation, bound):
    weights = Linear(100, 50, activation=activation, rng=0).weight.data
    assert 0.98 * bound < np.abs(weights).max() <= bound


def test_selu_starts_as_lecun_and_keeps_mean_0_and_variance_1_through_ten_layers():
    assert (Linear(9, 5, activation="selu", rng=3).weight.data == init.lecun_normal((9, 5), rng=3)).all()
    for activation, keeps in (("selu", True), ("tanh", False)):
        h = np.random.default_rng(0).standard_normal((2000, 100))
        for layer in MLP(*[100] * 11, activation=activation, output=activation, rng=0).layers:
            h = layer(h).data
        assert (abs(h.mean()) < 0.1 and 0.7 < h.var() < 1.3) == keeps


def test_another_start():
    assert not Linear(3, 2, init=init.zeros).weight.data.any()
    assert not MLP(2, 2, 1, init=init.zeros).layers[0].weight.data.any()


# dtypes --------------------------------------------------------------------------------------------------------------
def test_a_layer_casts_its_input():
    for x in (np.ones((2, 3)), np.ones((2, 3), int), [[1, 2, 3]], Tensor(np.ones((2, 3)))):
        assert Linear(3, 2)(x).dtype == np.float32
        assert Neuron(3)(x).dtype == np.float32
    assert Linear(3, 2, dtype=np.float64)(np.ones((2, 3), np.float32)).dtype == np.float64
    with pytest.raises(TypeError, match="do not mix"):
        Linear(3, 2)(Tensor(np.ones((2, 3)), requires_grad=True))


def test_converting_a_model():
    model = MLP(2, 3, 1).to(np.float64)
    assert {p.dtype.name for p in model.parameters()} == {"float64"}
    with pytest.raises(TypeError, match="float32 or float64"):
        model.to(np.int32)
    assert model(np.ones((1, 2))).dtype == np.float64


def test_nothing_becomes_float64_inside_a_training_step():
    X, y = nnlab.data.moons(32, rng=0)
    for activation in F.ACTIVATIONS:
        for loss, target, out in ((F.binary_cross_entropy_with_logits, y.reshape(-1, 1), 1), (F.cross_entropy, y, 2),
                                  (F.mse_loss, X.astype(np.float64), 2)):
            model = MLP(2, 4, 4, out, activation=activation, rng=0)
            opt = nnlab.Adam(model.parameters(), lr=np.float64(0.01))
            value = loss(model(X), target)
            assert value.dtype == np.float32
            leaks = [(s.operation, g.dtype) for s in value.backward_steps() for g in (s.upstream, *s.sent)
                     if g is not None and g.dtype != np.float32]
            opt.step()
            assert leaks == []
            assert {p.dtype.name for p in model.parameters()} | {p.grad.dtype.name for p in model.parameters()} | {
                s.dtype.name for s in opt.state.values()} == {"float32"}


# State ---------------------------------------------------------------------------------------------------------------
def test_state_is_copied_out_and_copied_in():
    model, other = MLP(2, 3, 1, rng=0), MLP(2, 3, 1, rng=1)
    state = model.state_dict()
    memory = other.layers[0].weight.data
    other.load_state_dict(state)
    assert other.layers[0].weight.data is memory
    x = np.ones((1, 2))
    assert model(x).item() == other(x).item()
    state["layers.0.weight"][:] = 9
    assert model(x).item() == other(x).item()


@pytest.mark.parametrize(("spoil", "error", "told"), [
    (lambda s: s.pop("layers.1.bias"), KeyError, "missing .'layers.1.bias'."),
    (lambda s: s.update(more=np.ones(1)), KeyError, "not known here .'more'."),
    (lambda s: s.update({"layers.1.bias": np.ones(2)}), ValueError, r"layers.1.bias has shape \(1,\); got .* \(2,\)"),
    (lambda s: s.update({"layers.1.bias": np.array(["x"])}), ValueError, "layers.1.bias has shape"),
])
def test_a_state_that_does_not_fit_changes_nothing(spoil, error, told):
    model = MLP(2, 3, 1, rng=0)
    before, state = model.state_dict(), MLP(2, 3, 1, rng=1).state_dict()
    spoil(state)
    with pytest.raises(error, match=told):
        model.load_state_dict(state)
    assert all((before[k] == v).all() for k, v in model.state_dict().items())


# Observing -----------------------------------------------------------------------------------------------------------
def test_observers_see_every_module_and_only_inside_the_block():
    model, seen = MLP(2, 3, 1), []
    with nnlab.observe(lambda m, out: seen.append(m)):
        model(np.ones((1, 2)))
    model(np.ones((1, 2)))
    assert seen == [*model.layers, model]


# Errors and appearance -----------------------------------------------------------------------------------------------
def test_a_wrong_input_names_the_layer_and_what_it_needs():
    with pytest.raises(ValueError, match=r"^Linear\(4 -> 8\) got x of shape \(32, 5\): its last axis must be 4\.$"):
        Linear(4, 8)(np.ones((32, 5)))
    with pytest.raises(ValueError, match=r"^Neuron\(4 -> 1, sigmoid\) got x of shape \(4, 5\): its last axis"):
        Neuron(4)(np.ones((4, 5)))


def test_a_problem_of_the_activation_is_not_taken_for_one_of_x(monkeypatch):
    def fussy(z, /):
        raise ValueError("no numbers today")

    monkeypatch.setitem(F.ACTIVATIONS, "fussy", None)
    F.elementwise(lambda z, a: a)(fussy)
    for layer in (nnlab.Linear(4, 3, activation="fussy"), nnlab.Neuron(4, activation="fussy")):
        with pytest.raises(ValueError, match=r"no numbers today$"):
            layer(np.zeros((5, 4), np.float32))
        with pytest.raises(ValueError, match=r"got x of shape \(5, 3\)"):
            layer(np.zeros((5, 3), np.float32))


@pytest.mark.parametrize("width", [0, -1, 2.0, "3", None, True])
def test_a_width_is_a_whole_number_of_at_least_one(width):
    for make in (lambda: Linear(width, 2), lambda: Linear(2, width), lambda: Neuron(width), lambda: MLP(2, width, 1)):
        with pytest.raises(ValueError, match=r"a whole number of at least 1; got"):
            make()


def test_numpy_integers_are_widths():
    assert MLP(np.int64(2), np.int32(1)).sizes == (2, 1)


def test_an_mlp_needs_two_sizes():
    with pytest.raises(ValueError, match="at least two layers"):
        MLP(3)


def test_a_misspelt_attribute_or_activation_is_an_error():
    with pytest.raises(AttributeError):
        Linear(1, 1).wieght  # noqa: B018
    with pytest.raises(ValueError, match=r"one of relu, leaky_relu, elu, .*; got 'tahn'"):
        MLP(2, 2, 1, activation="tahn")


def test_a_module_without_forward_says_so():
    with pytest.raises(NotImplementedError, match="Module must define forward"):
        Module()(1)


@pytest.mark.parametrize(("module", "text"), [
    (MLP(2, 16, 16, 1), "MLP(2 -> 16 -> 16 -> 1, tanh), 337 parameters"),
    (MLP(3, 4, 2, activation="relu", output="sigmoid"), "MLP(3 -> 4 -> 2, relu, output sigmoid), 26 parameters"),
    (MLP(3, 2), "MLP(3 -> 2), 8 parameters"),
    (MLP(3, 2, output="sigmoid"), "MLP(3 -> 2, output sigmoid), 8 parameters"),
    (Residual(Sequential(ReLU(), Tanh())), "Residual(Sequential(ReLU(), Tanh())), 0 parameters"),
    (Neuron(2), "Neuron(2 -> 1, sigmoid), 3 parameters"),
    (Linear(1, 1, bias=False), "Linear(1 -> 1), 1 parameter"),
    (Sequential(Linear(2, 3), Tanh()), "Sequential(Linear(2 -> 3), Tanh()), 9 parameters"),
    (MLP(1000, 100), "MLP(1000 -> 100), 100,100 parameters"),
])
def test_a_network_shows_its_shape_and_counts_its_parameters(module, text):
    assert repr(module) == text


def test_a_misspelt_activation_is_noticed_where_no_layer_is_hidden_too():
    with pytest.raises(ValueError, match="got 'rleu'"):
        nnlab.MLP(4, 2, activation="rleu")


@pytest.mark.parametrize(("make", "words"), [
    (lambda: nnlab.Neuron(0), "Neuron: in_features counts neurons"),
    (lambda: nnlab.Linear(4, 0), "Linear: out_features counts neurons"),
    (lambda: nnlab.Embedding(0, 3), "Embedding: num_embeddings counts symbols"),
    (lambda: nnlab.Embedding(5, -1), "Embedding: dim counts features"),
    (lambda: nnlab.LayerNorm(1.5), "LayerNorm: features counts features"),
    (lambda: nnlab.MultiHeadAttention(0), "MultiHeadAttention: dim counts features"),
    (lambda: nnlab.MultiHeadAttention(4, 0), "MultiHeadAttention: heads counts heads"),
])
def test_a_width_that_is_none_is_said_with_its_owner_its_name_and_what_it_counts(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_the_seed_decides_where_a_neuron_starts():
    assert (nnlab.Neuron(4, rng=0).weight == nnlab.Neuron(4, rng=0).weight).all()
    assert (nnlab.Neuron(4, rng=0).weight != nnlab.Neuron(4, rng=1).weight).any()


@pytest.mark.parametrize("layer", [nnlab.Embedding(5, 3), nnlab.LearnedPositions(5, 3), nnlab.LayerNorm(3),
                                   nnlab.BatchNorm1d(3), nnlab.Linear(4, 3), nnlab.Neuron(4)],
                         ids=lambda layer: type(layer).__name__)
def test_every_parameter_carries_the_name_of_its_layer(layer):
    for name, p in [*layer.named_parameters(), *layer.named_buffers()]:
        assert p.name.startswith(type(layer).__name__)
        assert p.name.endswith(f".{name}")
