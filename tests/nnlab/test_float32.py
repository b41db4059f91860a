"""float32 stays float32: through every layer, activation and loss, forward and backward, whatever numbers go in.

Options come as NumPy float64 scalars and targets as float64 arrays, the two ways in which precision widens unseen.
"""

import numpy as np
import pytest

import nnlab
from nnlab import Tensor, nn
from nnlab import functional as F

rng = np.random.default_rng(0)
F64 = np.float64
X, SEQUENCE, SYMBOLS = rng.standard_normal((6, 4)), rng.standard_normal((3, 5, 4)), rng.integers(7, size=(3, 5))
PADDING = np.arange(5) < [[5], [3], [1]]

LAYERS = {  # name -> (layer, inputs); every public layer is here, see the last test
    "Neuron": (nn.Neuron(4), X),
    "Linear": (nn.Linear(4, 3), SEQUENCE),
    "MLP": (nn.MLP(4, 5, 2), X),
    "Sequential": (nn.Sequential(nn.Linear(4, 3), nn.Tanh()), X),
    "Residual": (nn.Residual(nn.Linear(4, 4)), X),
    "ReLU": (nn.ReLU(), X), "LeakyReLU": (nn.LeakyReLU(F64(0.3)), X), "ELU": (nn.ELU(F64(0.3)), X),
    "SELU": (nn.SELU(), X), "GELU": (nn.Sequential(nn.GELU(), nn.GELU("tanh")), X), "Sigmoid": (nn.Sigmoid(), X),
    "Tanh": (nn.Tanh(), X), "Softmax": (nn.Softmax(0, F64(0.7)), X),
    "Dropout": (nn.Dropout(F64(0.3)), X),
    "LayerNorm": (nn.LayerNorm(4, eps=F64(1e-5)), SEQUENCE),
    "BatchNorm1d": (nn.BatchNorm1d(4, eps=F64(1e-5), momentum=F64(0.1)), X),
    "BatchNorm1d in evaluation": (nn.BatchNorm1d(5, eps=F64(1e-5)).eval(), SEQUENCE),
    "Embedding": (nn.Embedding(7, 4), SYMBOLS),
    "LearnedPositions": (nn.LearnedPositions(6, 4), SEQUENCE),
    "MultiHeadAttention": (nn.MultiHeadAttention(4, 2), SEQUENCE),
    "TransformerBlock": (nn.TransformerBlock(4, 2, dropout=F64(0.2), causal=True, activation="gelu"), SEQUENCE),
    "TransformerBlock, norm last": (nn.TransformerBlock(4, 2, norm_first=False), SEQUENCE),
}

t32 = lambda *shape: Tensor(rng.standard_normal(shape).astype(np.float32), requires_grad=True)
P, Q = (F.softmax(rng.standard_normal((6, 4))).data for _ in range(2))
LOSSES = {
    "mse_loss": lambda z: F.mse_loss(z, X),
    "binary_cross_entropy_with_logits": lambda z: F.binary_cross_entropy_with_logits(z, (X > 0).astype(F64)),
    "cross_entropy": lambda z: F.cross_entropy(z, np.arange(6) % 4),
    "kl_divergence": lambda z: F.kl_divergence(F.softmax(z), Q).sum() + F.kl_divergence(P, F.softmax(z)).sum(),
    "js_divergence": lambda z: F.js_divergence(F.softmax(z), Q).sum(),
    "gaussian_kl": lambda z: F.gaussian_kl(z, X) + F.gaussian_kl(X, z),
}
OPTIONS = {"leaky_relu": (F64(0.2),), "elu": (F64(0.2),)}


def leaks(loss, *modules):
    """What is not float32 after a whole backward pass, by name."""
    found = [f"value of {loss.op}"] if loss.dtype != np.float32 else []
    for step in loss.backward_steps():
        arrays = [("value", step.tensor.data), ("upstream gradient", step.upstream)]
        arrays += [(f"gradient {i}", g) for i, g in enumerate(step.sent)]
        found += [f"{what} of {step.operation}: {a.dtype}" for what, a in arrays
                  if a is not None and a.dtype != np.float32]
    for module in modules:
        for name, p in [*module.named_parameters(), *module.named_buffers()]:
            arrays = [("", p.data), ("gradient of ", p.grad)]
            found += [f"{what}{name}: {a.dtype}" for what, a in arrays if a is not None and a.dtype != np.float32]
    return found


def total(y):
    return (y * np.cos(np.arange(y.size)).reshape(y.shape)).sum()


@pytest.mark.parametrize("name", LAYERS)
def test_nothing_widens_in_a_layer(name):
    layer, x = LAYERS[name]
    inputs = x if x.dtype != F64 else Tensor(x.astype(np.float32), requires_grad=True)
    assert leaks(total(layer(inputs)), layer) == []
    if layer.parameters():  # what has none takes the dtype of its input
        assert leaks(total(layer(x)), layer) == []


def test_nothing_widens_with_masks_and_a_context():
    layer = nn.MultiHeadAttention(4, 2)
    assert leaks(total(layer(SEQUENCE, rng.standard_normal((3, 5, 4)), PADDING)), layer) == []
    assert layer(SEQUENCE, mask=PADDING, return_weights=True)[1].dtype == np.float32
    assert leaks(total(layer(1e3 * SEQUENCE, causal=True)), layer) == []


@pytest.mark.parametrize("name", F.ACTIVATIONS)
def test_nothing_widens_in_an_activation_alone_and_inside_a_layer(name):
    assert leaks(total(F.ACTIVATIONS[name](t32(6, 4), *OPTIONS.get(name, ())))) == []
    layer = nn.MLP(4, 5, 2, activation=name, output=name)
    assert leaks(total(layer(X)), layer) == []


@pytest.mark.parametrize("f", [F.softmax, F.log_softmax])
def test_nothing_widens_in_a_softmax(f):
    assert leaks(total(f(t32(3, 4), 0, F64(0.5)))) == []


@pytest.mark.parametrize("name", LOSSES)
def test_nothing_widens_in_a_loss(name):
    assert leaks(LOSSES[name](t32(6, 4))) == []


def test_every_layer_activation_and_loss_is_tested_here():
    assert {n.split(",")[0].split(" in ")[0] for n in LAYERS} == set(nn.__all__)
    losses = {n for n in F.__all__ if n.endswith(("loss", "entropy", "logits", "divergence", "_kl"))}
    assert set(LOSSES) == losses


def test_a_step_of_an_optimizer_with_numpys_numbers_leaves_everything_float32():
    model = nn.TransformerBlock(4, 2, dropout=0.1)
    opt = nnlab.Adam(model.parameters(), lr=F64(0.01))
    assert leaks(F.mse_loss(model(SEQUENCE), SEQUENCE), model) == []
    opt.step()
    assert {p.dtype.name for p in model.parameters()} | {s.dtype.name for s in opt.state.values()} == {"float32"}
