"""Penalties: their values, derivatives and what they do to weights."""

import numpy as np
import pytest

from nnlab import MLP, SGD, Linear, Neuron, Parameter, Tensor, fit, gradcheck, nn
from nnlab.functional import mse_loss
from nnlab.regularize import l1, l1_penalty, l2, l2_penalty


@pytest.fixture
def arrays():
    rng = np.random.default_rng(0)
    return [rng.standard_normal(shape) for shape in [(5, 3, 2), (4,), ()]]


@pytest.mark.parametrize(("penalty", "twin"), [
    (l1_penalty, lambda ws: sum((abs(w).sum() for w in ws), Tensor(np.zeros(())))),
    (l2_penalty, lambda ws: sum(((w * w).sum() for w in ws), Tensor(np.zeros(()))) * 0.5)])
def test_values_and_gradients_are_those_of_the_composed_formula(penalty, twin, arrays):
    ours, theirs = ([Parameter(a) for a in arrays] for _ in range(2))
    value, expected = penalty(ours), twin(theirs)
    assert value.item() == pytest.approx(expected.item(), rel=1e-13)
    (3 * value).backward()
    (3 * expected).backward()
    for p, q in zip(ours, theirs):
        np.testing.assert_allclose(p.grad, q.grad, rtol=1e-13)
    assert gradcheck(lambda *ws: penalty(ws), *ours)


def test_the_gradient_of_l1_is_0_at_0_and_float32_stays_float32():
    w = Parameter([0.0, 2.0])
    for penalty in (l1_penalty, l2_penalty):
        value = penalty([w])
        assert value.dtype == np.float32
        assert value.shape == ()
        value.backward()
    assert w.grad.tolist() == [0.0, 3.0]


@pytest.mark.parametrize("kind", [l1, l2])
def test_biases_pay_only_if_asked(kind):
    for model in (MLP(2, 3, 1, rng=0), Neuron(3, rng=0), nn.Sequential(Linear(2, 4, rng=0), nn.LayerNorm(4))):
        named = dict(model.named_parameters())
        for p in named.values():
            p.data = np.full(p.shape, 2.0)
        weights, everything = (sum(p.size for name, p in named.items() if every or "bias" not in name)
                               for every in (False, True))
        assert kind(0.5)(model).item() == weights
        assert kind(0.5, biases=True)(model).item() == everything > weights


def test_l1_prefers_few_weights_and_l2_small_ones():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((50, 10))
    y = X[:, :2] @ [[2.0], [-3.0]] + 0.5 * rng.standard_normal((50, 1))
    found = []
    for penalty in (None, l1(0.5), l2(0.5)):
        model = Linear(10, 1, rng=0)
        fit(model, X, y, mse_loss, SGD(model.parameters(), lr=0.05), epochs=500, penalty=penalty)
        found.append(np.abs(model.weight.data.ravel()))
    free, lasso, ridge = found
    assert lasso[2:].max() < 0.05 * 0.5 + 1e-6  # all that carry nothing hover within one step, lr * strength, of 0
    assert lasso[:2].min() > 1
    assert np.linalg.norm(ridge) < 0.9 * np.linalg.norm(free)
    assert ridge[2:].max() > 0.1


def test_a_strength_that_cannot_be():
    for kind in (l1, l2):
        with pytest.raises(ValueError, match="strength is a number of at least 0; got -1"):
            kind(-1)
