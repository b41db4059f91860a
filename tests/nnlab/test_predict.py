"""A model in use gives what it gives in evaluation mode, however many rows it is asked for, and is left as it was."""

import numpy as np
import pytest

from nnlab import MLP, BatchNorm1d, Dropout, Linear, Sequential, observe, predict
from nnlab.predict import BLOCK, evaluating


@pytest.mark.parametrize("n", [1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK + 3])
def test_blocks_are_put_together_in_their_order(n):
    model = MLP(3, 4, 2, rng=0)
    X = np.random.default_rng(0).standard_normal((n, 3))
    out = predict(model, X)
    assert type(out) is np.ndarray
    assert out.dtype == np.float32
    np.testing.assert_allclose(out, model(X).data, rtol=0, atol=1e-6)


def test_no_block_is_larger_than_the_cache_likes():
    seen = []
    with observe(lambda module, output: seen.append(len(output))):
        predict(Linear(3, 2), np.ones((2 * BLOCK + 3, 3)))
    assert seen == [BLOCK, BLOCK, 3]


def test_the_model_is_asked_in_evaluation_mode_and_left_as_it_was():
    model = Sequential(Linear(3, 4, rng=0), BatchNorm1d(4), Dropout(0.3), Linear(4, 2, rng=0))
    model.layers[1].training = False  # frozen by hand
    X = np.random.default_rng(0).standard_normal((5, 3)).astype(np.float32)
    modes, state = [m.training for _, m in model.named_modules()], model.state_dict()
    np.testing.assert_array_equal(predict(model, X), predict(model, X))
    assert [m.training for _, m in model.named_modules()] == modes == [True, True, False, True, True]
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, state[name])


def test_nothing_is_recorded_and_an_error_leaves_the_model_as_it_was():
    model = Dropout(0.3)

    @evaluating(model)
    def fail():
        assert not Linear(3, 2)(np.ones((1, 3))).requires_grad
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert model.training
    assert Linear(3, 2)(np.ones((1, 3))).requires_grad


@pytest.mark.parametrize("X", [np.ones((0, 3)), 3.0])
def test_nothing_to_predict_from_is_said(X):
    with pytest.raises(ValueError, match="at least one row"):
        predict(MLP(3, 2), X)
