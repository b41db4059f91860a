"""What is special to the labs of unit 1."""

import numpy as np
import pytest

from course.labs import neurons


def test_a_students_neuron_runs_inside_lab_1a():
    lab = neurons.OneNeuron()
    ours = lab.result.p.copy()
    lab.use(lambda x, w, b: 1 / (1 + np.exp(-(x @ w + b))))
    assert lab.result.p == pytest.approx(ours)
    lab.use(lambda x, w, b: np.zeros(len(x)))
    assert not lab.result.p.any()


@pytest.mark.parametrize("lab", [neurons.Xor(hidden=4), neurons.NeuronReadsDigits()], ids=["1c", "1g"])
def test_a_learning_rate_acts_from_the_very_next_step(lab):
    losses = [lab.reset().set(lr=lr).step(2).result for lr in (0.001, 1.0)]
    last = [r.losses[-1] if hasattr(r, "losses") else r.loss for r in losses]  # of the weights after one step
    assert abs(last[0] - last[1]) > 0.05
