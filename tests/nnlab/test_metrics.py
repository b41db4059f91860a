"""Accuracy: right answers counted, whichever of the three shapes the logits come in, and never by broadcasting."""

import numpy as np
import pytest

from nnlab import Tensor, accuracy


@pytest.mark.parametrize("outputs", [
    [1.0, -1.0, 2.0, -3.0], [[1.0], [-1.0], [2.0], [-3.0]], [[0, 1.0], [0, -1.0], [0, 2.0], [0, -3.0]],
])
@pytest.mark.parametrize("labels", [[1, 0, 0, 0], [[1], [0], [0], [0]]])
def test_three_of_four_are_right_in_every_shape(outputs, labels):
    assert accuracy(outputs, labels) == accuracy(Tensor(outputs), np.array(labels)) == 0.75


@pytest.mark.parametrize(("outputs", "labels"), [
    (np.zeros((4, 1)), np.zeros(3)), (np.zeros((4, 2)), np.zeros((4, 2))), (np.zeros((2, 3, 4)), np.zeros(2)),
    (np.zeros((0, 2)), np.zeros(0)), (np.zeros(4), np.zeros((1, 4))),
])
def test_shapes_that_do_not_fit(outputs, labels):
    with pytest.raises(ValueError, match="accuracy takes outputs"):
        accuracy(outputs, labels)
