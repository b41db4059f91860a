"""Every activation, loss and the dense layer agree with torch.nn.functional in value and gradient, in both tails."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes

from nnlab import functional as F
from tests.needs import needs
from tests.oracle.agreement import assert_agree, close

torch = needs("torch")
pytestmark = pytest.mark.oracle
T = torch.nn.functional

ACTIVATIONS = {
    "relu": (F.relu, T.relu),
    "leaky_relu": (F.leaky_relu, T.leaky_relu),
    "leaky_relu .2": (lambda z: F.leaky_relu(z, negative_slope=0.2), lambda z: T.leaky_relu(z, 0.2)),
    "elu": (F.elu, T.elu),
    "elu .3": (lambda z: F.elu(z, alpha=0.3), lambda z: T.elu(z, 0.3)),
    "selu": (F.selu, T.selu),
    "gelu": (F.gelu, T.gelu),
    "gelu_tanh": (F.gelu_tanh, lambda z: T.gelu(z, approximate="tanh")),
    "sigmoid": (F.sigmoid, torch.sigmoid),
    "tanh": (F.tanh, torch.tanh),
}
seeds = st.integers(0, 2**32 - 1)
HARD = np.array([-1e4, -745.0, -40.0, -15.0, -1e-9, 0.0, 1e-9, 15.0, 40.0, 745.0, 1e4])


def draw(seed, *shapes, size=3.0):
    rng = np.random.default_rng(seed)
    return [size * rng.standard_normal(shape) for shape in shapes]


@pytest.mark.parametrize("name", ACTIVATIONS)
@given(shape=array_shapes(min_dims=0, max_dims=4, max_side=5), seed=seeds)
@example(shape=(5, 3, 4, 2), seed=0)
def test_activations(name, shape, seed):
    assert_agree(*ACTIVATIONS[name], draw(seed, shape))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_in_both_tails(name):
    assert_agree(*ACTIVATIONS[name], [HARD])


def test_the_lower_tail_of_sigmoid_keeps_all_its_digits():
    for z in (-15.0, -40.0, -300.0, -700.0):
        expected = torch.sigmoid(torch.tensor(z).double()).item()
        np.testing.assert_allclose(F.sigmoid(np.array(z)).item(), expected, rtol=1e-14)


@pytest.mark.parametrize(("ours", "theirs"), [(F.softmax, T.softmax), (F.log_softmax, T.log_softmax)])
@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("temperature", [0.3, 1.0, 7.0])
def test_softmax_along_any_axis_at_any_temperature(ours, theirs, axis, temperature):
    assert_agree(lambda z: ours(z, axis, temperature), lambda z: theirs(z / temperature, axis), draw(0, (5, 3, 4, 2)))


def test_softmax_of_huge_logits():
    z = np.stack([HARD, HARD[::-1]])
    assert_agree(F.softmax, lambda z: T.softmax(z, -1), [z])
    assert_agree(F.log_softmax, lambda z: T.log_softmax(z, -1), [z])


@pytest.mark.parametrize("activation", [None, *F.ACTIVATIONS])
@pytest.mark.parametrize("shape", [(7, 3), (1, 3), (0, 3), (3,), (5, 3, 4, 3)], ids=str)
@pytest.mark.parametrize("bias", [True, False])
def test_the_dense_layer(activation, shape, bias):
    theirs = ACTIVATIONS[activation][1] if activation else lambda z: z
    arrays = draw(1, shape, (3, 4), (4,))[:3 if bias else 2]
    assert_agree(lambda x, W, *b: F.linear(x, W, *b, activation=activation),
                 lambda x, W, *b: theirs(T.linear(x, W.T, *b)), arrays)


@pytest.mark.parametrize("activations", [("tanh", None), (None, "gelu"), ("leaky_relu", "sigmoid")])
@pytest.mark.parametrize("shape", [(7, 3), (1, 3), (0, 3), (3,), (5, 3, 4, 3)], ids=str)
def test_dense_layers_as_one_operation(activations, shape):
    first, second = (ACTIVATIONS[f][1] if f else lambda z: z for f in activations)
    assert_agree(lambda *inputs: F.mlp(*inputs, activations=activations),
                 lambda x, W, b, V, c: second(T.linear(first(T.linear(x, W.T, b)), V.T, c)),
                 draw(1, shape, (3, 4), (4,), (4, 2), (2,)))


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@given(shape=array_shapes(min_dims=0, max_dims=4, max_side=5), seed=seeds)
@example(shape=(5, 3, 4, 2), seed=0)
def test_elementwise_losses(reduction, shape, seed):
    z, t = draw(seed, shape, shape)
    y = np.asarray(t > 0, float)
    assert_agree(lambda a, b: F.mse_loss(a, b, reduction), lambda a, b: T.mse_loss(a, b, reduction=reduction), [z, t])
    assert_agree(lambda z: F.binary_cross_entropy_with_logits(z, y, reduction),
                 lambda z: T.binary_cross_entropy_with_logits(z, torch.tensor(y), reduction=reduction), [z])


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@given(n=st.integers(1, 9), classes=st.integers(2, 7), seed=seeds)
def test_cross_entropy(reduction, n, classes, seed):
    y = np.random.default_rng(seed).integers(classes, size=n)
    assert_agree(lambda z: F.cross_entropy(z, y, reduction),
                 lambda z: T.cross_entropy(z, torch.tensor(y), reduction=reduction), draw(seed, (n, classes)))


@pytest.mark.parametrize("y", [0.0, 1.0, 0.3])
def test_binary_cross_entropy_of_huge_logits(y):
    target = np.full_like(HARD, y)
    assert_agree(lambda z: F.binary_cross_entropy_with_logits(z, target, "none"),
                 lambda z: T.binary_cross_entropy_with_logits(z, torch.tensor(target), reduction="none"), [HARD])


def test_cross_entropy_of_huge_logits():
    z = np.array([[1e4, -1e4, 0.0], [-1e4, 1e4, 1e4], [1e4, 1e4, 1e4]])
    for y in ([0, 1, 2], [1, 0, 0], [2, 2, 1]):
        assert_agree(lambda z, y=y: F.cross_entropy(z, np.array(y), "none"),
                     lambda z, y=y: T.cross_entropy(z, torch.tensor(y), reduction="none"), [z])


def test_float32_agrees_to_float32_precision():
    z = draw(0, (50, 4))[0].astype(np.float32)
    ours = F.softmax(z).data
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, torch.softmax(torch.tensor(z), -1).numpy(), rtol=1e-5, atol=1e-7)
    close(F.softmax(z.astype(float)).data, torch.softmax(torch.tensor(z).double(), -1).numpy())
