"""Randomness: repeatable on request, separate per thread, and NumPy's global state left alone."""

import threading

import numpy as np
import pytest

from nnlab import MLP, Adam, data, fit, manual_seed
from nnlab import functional as F
from nnlab.rng import as_rng


def test_a_seed_a_generator_or_the_default():
    rng = np.random.default_rng(0)
    assert as_rng(rng) is rng
    assert as_rng(None) is as_rng(None)
    assert as_rng(5).random() == as_rng(np.int64(5)).random()


def test_manual_seed_repeats_everything_random():
    def run():
        manual_seed(7)
        X, y = data.moons(20)
        model = MLP(2, 4, 1)
        return fit(model, X, y, F.binary_cross_entropy_with_logits, Adam(model.parameters()), epochs=2, batch_size=8)

    assert run() == run()


def test_threads_have_defaults_of_their_own():
    manual_seed(0)
    expected = as_rng(None).random(3)
    manual_seed(0)
    first = as_rng(None).random()
    thread = threading.Thread(target=lambda: (manual_seed(9), as_rng(None).random(100)))
    thread.start()
    thread.join()
    assert [first, *as_rng(None).random(2)] == expected.tolist()


def test_numpys_global_state_is_never_touched():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    manual_seed(0)
    X, y = data.spirals(20)
    model = MLP(2, 4, 2)
    fit(model, X, y, F.cross_entropy, Adam(model.parameters()), epochs=1, batch_size=8)
    np.testing.assert_array_equal(before, np.random.get_state()[1])  # noqa: NPY002


@pytest.mark.parametrize("bad", ["0", 1.5, -1, [1]])
def test_what_is_no_source_of_randomness(bad):
    with pytest.raises(TypeError, match="rng takes a NumPy Generator, a seed"):
        as_rng(bad)
    with pytest.raises(TypeError, match="rng takes"):
        manual_seed(bad)
