"""The gradient check: passes what is right, and a failure says which input, which index, got and expected."""

import numpy as np
import pytest

from nnlab import MLP, GradientError, Tensor, gradcheck, op
from nnlab import functional as F


@op
def wrong_square(x, /):
    def vjp(g):
        d = 2 * x * g
        d[1, 0] += 0.5
        return d

    return x * x, vjp


def wrong_sum(x):
    return wrong_square(x).sum()


def leaf(*shape):
    return Tensor(np.random.default_rng(0).standard_normal(shape), requires_grad=True)


def test_a_right_gradient_passes():
    assert gradcheck(lambda a, b: (a @ b).exp(), leaf(3, 2), leaf(2, 4))


def test_a_wrong_gradient_is_located():
    x = leaf(3, 2)
    with pytest.raises(GradientError) as caught:
        gradcheck(wrong_sum, x)
    message = str(caught.value)
    assert "the gradient of wrong_sum for input 0 is wrong, most at index (1, 0)" in message
    assert f"backward()          {2 * x.data[1, 0] + 0.5:.10g}" in message
    assert f"finite differences  {2 * x.data[1, 0]:.5g}"[:24] in message
    assert repr(x) in message


def test_the_right_one_of_several_inputs_is_blamed():
    with pytest.raises(GradientError, match="for input 1 is wrong"):
        gradcheck(lambda a, b: a * wrong_square(b), leaf(2, 2), leaf(2, 2))


def test_a_whole_network_is_checked_and_left_as_it_was():
    model = MLP(3, 4, 2, dtype=np.float64, rng=0)
    x, y = np.random.default_rng(1).standard_normal((5, 3)), np.array([0, 1, 1, 0, 1])
    model.layers[0].bias.grad = np.ones(4)
    before = model.state_dict()
    assert gradcheck(lambda: F.cross_entropy(model(x), y), params=model.parameters())
    assert all((before[k] == v).all() for k, v in model.state_dict().items())
    assert model.layers[0].bias.grad.tolist() == [1.0] * 4
    assert model.layers[0].weight.grad is None


def test_values_come_back_even_when_the_function_fails():
    x = leaf(2)
    before, calls = x.data.copy(), []

    def f(x):
        calls.append(1)
        if len(calls) > 1:
            raise KeyError
        return x * 2

    with pytest.raises(KeyError):
        gradcheck(f, x)
    np.testing.assert_array_equal(x.data, before)
    assert x.grad is None


def test_a_parameter_named_in_the_report():
    model = MLP(2, 2, dtype=np.float64, rng=0)
    with pytest.raises(GradientError, match=r"for Linear\(2 -> 2\).weight is wrong"):
        gradcheck(lambda: wrong_square(model.layers[0].weight), params=model.parameters())


def test_an_unused_input_has_gradient_zero():
    assert gradcheck(lambda a, b: a * 2, leaf(2), leaf(2))


def test_float32_and_constants_are_refused():
    with pytest.raises(TypeError, match="input 0 is float32; finite differences need dtype=float64"):
        gradcheck(lambda x: x * 2, Tensor([1.0], requires_grad=True))
    with pytest.raises(ValueError, match="nothing to check"):
        gradcheck(lambda x: x * 2, Tensor(np.ones(1)))
