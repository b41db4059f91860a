"""The bundled digits are scikit-learn's, pixel for pixel."""

import numpy as np
import pytest

from nnlab import data
from tests.needs import needs

needs("sklearn")
pytestmark = pytest.mark.oracle


def test_the_digits_are_scikit_learns_copy():
    from sklearn.datasets import load_digits

    theirs = load_digits()
    X, y = data.digits("all")
    np.testing.assert_array_equal(X * 16, theirs.data)
    np.testing.assert_array_equal(y, theirs.target)
