"""Operations: derivatives against finite differences, and errors that name the operation and the shapes."""

import numpy as np
import pytest

from nnlab import Tensor, concatenate, gradcheck, maximum, stack, where

rng = np.random.default_rng(0)


def draw(*shape):
    return Tensor(rng.uniform(0.5, 2.0, shape), requires_grad=True)


CASES = {
    "add": (lambda a, b: a + b, (5, 3, 4, 2), (3, 1, 2)),
    "sub": (lambda a, b: a - b, (4, 1), (1, 5)),
    "mul": (lambda a, b: a * b, (), (3, 2)),
    "div": (lambda a, b: a / b, (3, 2), (2,)),
    "pow": (lambda a, b: a**b, (3, 2), (2,)),
    "matmul": (lambda a, b: a @ b, (5, 1, 4, 2), (3, 2, 6)),
    "vector times matrix": (lambda a, b: a @ b, (2,), (3, 2, 4)),
    "matrix times vector": (lambda a, b: a @ b, (3, 4, 2), (2,)),
    "maximum": (maximum, (3, 4), (4,)),
    "where": (lambda a, b: where(a, b, np.array([True, False])), (3, 2), (2,)),
    "concatenate": (lambda a, b: concatenate([a, b], 1), (2, 3), (2, 1)),
    "stack": (lambda a, b: stack([a, b], -1), (2, 3), (2, 3)),
    "neg": (lambda a: -a, (2, 3)), "exp": (lambda a: a.exp(), (2, 3)), "log": (lambda a: a.log(), (2, 3)),
    "sqrt": (lambda a: a.sqrt(), (2, 3)), "abs": (lambda a: abs(-a), (2, 3)),
    "sum": (lambda a: a.sum((0, -1)), (2, 3, 4)), "mean": (lambda a: a.mean(1, keepdims=True), (2, 3, 4)),
    "max": (lambda a: a.max(1), (2, 3, 4)), "reshape": (lambda a: a.reshape(4, -1), (2, 3, 4)),
    "transpose": (lambda a: a.transpose((2, 0, 1)) ** 2, (2, 3, 4)), "T": (lambda a: a.T, (2, 3)),
    "getitem": (lambda a: a[[0, 0, 1], 1:], (2, 3)),
}


@pytest.mark.parametrize("name", CASES)
def test_finite_differences_agree(name):
    f, *shapes = CASES[name]
    assert gradcheck(f, *(draw(*shape) for shape in shapes), rng=0)


@pytest.mark.parametrize(("f", "told"), [
    (lambda: draw(3) + draw(4), r"add got shapes \(3,\) and \(4,\)"),
    (lambda: draw(3, 2) @ draw(3, 2), r"matmul got shapes \(3, 2\) and \(3, 2\)"),
    (lambda: draw(3).reshape(2, 2), r"reshape got shape \(3,\)"),
    (lambda: draw(3).sum(1), r"sum got shape \(3,\)"),
    (lambda: concatenate([draw(2, 3), draw(2, 4)]), r"concatenate got shapes \(2, 3\) and \(2, 4\)"),
])
def test_a_shape_error_names_the_operation_and_the_shapes(f, told):
    with pytest.raises(ValueError, match=told):
        f()


def test_axis_may_be_given_by_position_or_by_name():
    x = draw(2, 3)
    assert x.sum(0).shape == x.sum(axis=0).shape == (3,)
    assert x.mean(1, True).shape == x.max(axis=1, keepdims=True).shape == (2, 1)


def test_the_gradient_of_an_element_taken_three_times_is_three():
    x = draw(3)
    x[[1, 1, 1]].sum().backward()
    assert x.grad.tolist() == [0, 3, 0]


def test_what_is_no_tensor_is_no_operand():
    with pytest.raises(TypeError, match="real numbers"):
        draw(2) + "text"


def test_a_power_of_a_negative_number_has_a_gradient():
    x = Tensor(np.array([-3.0]), requires_grad=True)
    (x**2).sum().backward()
    assert x.grad == [-6.0]


def test_at_zero_abs_has_gradient_zero():
    x = Tensor([-2.0, 0.0, 2.0], requires_grad=True)
    abs(x).sum().backward()
    assert x.grad.tolist() == [-1, 0, 1]


def test_the_mean_of_no_rows_has_an_empty_gradient():
    x = Tensor(np.zeros((0, 3)), requires_grad=True)
    x.mean(1).sum().backward()
    assert x.grad.shape == (0, 3)


def test_to_the_power_of_zero_is_constant_however_large_the_number():
    x = Tensor([1e30, 0.0], requires_grad=True)  # in float32 its square is infinite
    (x**0).sum().backward()
    assert x.grad.tolist() == [0, 0]


def test_stacking_makes_a_new_first_axis_and_joining_keeps_the_axes():
    a, b = draw(3, 2), draw(3, 2)
    assert stack([a, b]).shape == (2, 3, 2)
    assert concatenate([a, b]).shape == (6, 2)


@pytest.mark.parametrize("f", [
    lambda x: x.max(1), lambda x: x.max(), lambda x: x.mean(0), lambda x: x.sum(1), lambda x: maximum(x, 1.0),
    lambda x: where(x, 0.0, np.ones((2, 3), bool)), lambda x: abs(x), lambda x: x**2, lambda x: 2**x,
    lambda x: x[[0, 0]], lambda x: x.T @ x, lambda x: x / 3, lambda x: x.sqrt(), lambda x: stack([x, x]),
    lambda x: concatenate([x, x]),
])
def test_float32_stays_float32_there_and_back(f):
    x = Tensor([[1.0, 2.0, 3.0], [4.0, 6.0, 5.0]], requires_grad=True)
    y = f(x)
    assert y.dtype == np.float32
    y.sum().backward()
    assert x.grad.dtype == np.float32


def test_in_place_arithmetic_on_a_result_or_a_constant_makes_a_new_tensor():
    x = Tensor([3.0], requires_grad=True)
    y = result = x * 2
    y -= x
    assert y is not result
    y.backward()
    assert (y.item(), result.item(), x.grad.tolist()) == (3, 6, [1])
    c = constant = Tensor([3.0])
    c /= 2
    assert (c.item(), constant.item()) == (1.5, 3)
