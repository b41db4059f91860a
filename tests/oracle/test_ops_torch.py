"""Every operation has PyTorch's value and PyTorch's gradient, for shapes that broadcast and shapes that are awkward."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, mutually_broadcastable_shapes

from nnlab import concatenate, maximum, ops, stack, where
from tests.needs import needs
from tests.oracle.agreement import assert_agree

torch = needs("torch")
pytestmark = pytest.mark.oracle

BINARY = {
    "add": (lambda a, b: a + b, lambda a, b: a + b),
    "sub": (lambda a, b: a - b, lambda a, b: a - b),
    "mul": (lambda a, b: a * b, lambda a, b: a * b),
    "div": (lambda a, b: a / b, lambda a, b: a / b),
    "pow": (lambda a, b: abs(a) ** b, lambda a, b: abs(a) ** b),
    "maximum": (maximum, torch.maximum),
    "where": (lambda a, b: where(a, b, a > b), lambda a, b: torch.where(a > b, a, b)),
}
UNARY = {
    "neg": (lambda x: -x, lambda x: -x),
    "abs": (abs, abs),
    "exp": (ops.exp, torch.exp),
    "log": (lambda x: (abs(x) + 0.1).log(), lambda x: (abs(x) + 0.1).log()),
    "sqrt": (lambda x: (abs(x) + 0.1).sqrt(), lambda x: (abs(x) + 0.1).sqrt()),
    "square": (lambda x: x**2, lambda x: x**2),
    "cube": (lambda x: x**3, lambda x: x**3),
    "power of two": (lambda x: 2.0**x, lambda x: 2.0**x),
    "reflected": (lambda x: (1 - x) / (1 + x * x), lambda x: (1 - x) / (1 + x * x)),
    "reciprocal": (lambda x: 1 / (abs(x) + 1), lambda x: 1 / (abs(x) + 1)),
}
shapes = array_shapes(min_dims=0, max_dims=4, max_side=5)
pairs = mutually_broadcastable_shapes(num_shapes=2, max_dims=4, max_side=5).map(lambda both: both.input_shapes)
seeds = st.integers(0, 2**32 - 1)


def draw(seed, *shapes):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(shape) for shape in shapes]


@pytest.mark.parametrize("name", BINARY)
@given(both=pairs, seed=seeds)
@example(both=((5, 3, 4, 2), (3, 1, 2)), seed=1)
@example(both=((1, 3, 1, 2), (5, 1, 4, 1)), seed=2)
@example(both=((), (5, 3, 4, 2)), seed=3)
@example(both=((0, 3), (1, 3)), seed=4)
def test_an_operation_on_two_arrays(name, both, seed):
    assert_agree(*BINARY[name], draw(seed, *both))


@pytest.mark.parametrize("name", UNARY)
@given(shape=shapes, seed=seeds)
@example(shape=(5, 3, 4, 2), seed=0)
@example(shape=(0, 3), seed=0)
def test_an_operation_on_one_array(name, shape, seed):
    assert_agree(*UNARY[name], draw(seed, shape))


def test_powers_of_zero_have_pytorchs_gradients():
    power = lambda a, b: a**b
    assert_agree(power, power, [np.array([0.0, 0.0, 2.0, 3.0, 0.0]), np.array([0.0, 2.0, 0.0, -1.0, 1.0])])
    for exponent in (0, 1, 2, 3, -1):
        assert_agree(lambda a, n=exponent: a**n, lambda a, n=exponent: a**n, [np.array([-2.0, 3.0])])


@pytest.mark.parametrize("reduce", ["sum", "mean", "max"])
@pytest.mark.parametrize("keepdims", [False, True])
@given(data=st.data(), seed=seeds)
def test_reductions_along_any_axes(reduce, keepdims, data, seed):
    shape = data.draw(array_shapes(min_dims=1, max_dims=4, max_side=5))
    axes = data.draw(st.sets(st.integers(-len(shape), len(shape) - 1), min_size=1))
    axes = tuple({axis % len(shape): axis for axis in axes}.values())
    theirs = {"sum": torch.sum, "mean": torch.mean, "max": torch.amax}[reduce]
    assert_agree(lambda x: getattr(x, reduce)(axes, keepdims), lambda x: theirs(x, axes, keepdims), draw(seed, shape))


@pytest.mark.parametrize("reduce", ["sum", "mean", "max"])
@given(shape=shapes, seed=seeds)
def test_reductions_over_everything(reduce, shape, seed):
    theirs = {"sum": torch.sum, "mean": torch.mean, "max": torch.amax}[reduce]
    assert_agree(lambda x: getattr(x, reduce)(), theirs, draw(seed, shape))


def test_equal_maxima_share_the_gradient():
    ties = np.array([[1.0, 1.0, 0.0], [2.0, 2.0, 2.0]])
    assert_agree(lambda x: x.max(1), lambda x: torch.amax(x, 1), [ties])
    assert_agree(maximum, torch.maximum, [ties, np.ones((2, 3))])


@pytest.mark.parametrize("both", [
    ((4, 3), (3, 2)), ((3,), (3,)), ((4, 3), (3,)), ((3,), (3, 2)), ((1, 1), (1, 1)), ((4, 1), (1, 5)),
    ((0, 3), (3, 2)), ((5, 3, 4, 2), (2, 6)), ((5, 3, 4, 2), (2,)), ((2,), (5, 3, 2, 4)), ((4, 2), (5, 3, 2, 4)),
    ((5, 1, 4, 2), (3, 2, 6)), ((1, 3, 4, 2), (5, 1, 2, 6)),
], ids=str)
def test_matrix_products(both):
    assert_agree(lambda a, b: a @ b, lambda a, b: a @ b, draw(0, *both))


INDICES = [0, -1, slice(1, 4, 2), (slice(None), 1), (Ellipsis, None, 0), [0, 0, 2, 0], ([0, 1, 1], [2, 2, 2]),
           np.array([[0, 1], [1, 1]]), (slice(None), [2, 2, 0])]


@pytest.mark.parametrize("index", INDICES, ids=str)
def test_picking_elements_even_the_same_one_twice(index):
    assert_agree(lambda x: x[index], lambda x: x[index], draw(0, (5, 3, 4, 2)))


def test_picking_by_a_mask():
    x, = draw(0, (5, 3))
    assert_agree(lambda t: t[x > 0], lambda t: t[torch.tensor(x > 0)], [x])


@pytest.mark.parametrize("axes", [(0, 1, 2, 3), (3, 1, 0, 2), (-1, 0, 1, -2)])
def test_transposing(axes):
    assert_agree(lambda x: x.transpose(axes), lambda x: x.permute(axes), draw(0, (5, 3, 4, 2)))


def test_changing_shape():
    arrays = draw(0, (5, 3, 4, 2))
    assert_agree(lambda x: x.reshape(15, -1), lambda x: x.reshape(15, -1), arrays)
    assert_agree(lambda x: x.reshape((2, 60)), lambda x: x.reshape((2, 60)), arrays)
    assert_agree(lambda x: x.T, lambda x: x.permute(3, 2, 1, 0), arrays)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_joining(axis):
    shape = [2, 3, 4]
    other = shape.copy()
    other[axis] = 5
    assert_agree(lambda *t: concatenate(t, axis), lambda *t: torch.cat(t, axis), draw(0, shape, other, shape))
    assert_agree(lambda *t: stack(t, axis), lambda *t: torch.stack(t, axis), draw(0, shape, shape))


@given(seed=seeds)
def test_a_tangle_of_operations_that_reuse_each_other(seed):
    def tangle(x, y):
        a = x * y
        b = (a + x).exp() / (1 + a * a)
        c = b @ y.T
        return (c * c).sum(0) + (a - b).mean() * c[0]

    assert_agree(tangle, tangle, draw(seed, (3, 4), (3, 4)))
