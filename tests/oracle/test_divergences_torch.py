"""Divergences agree with PyTorch's: kl_div on logarithms, and the closed form for two normal distributions."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes

from nnlab import functional as F
from tests.needs import needs
from tests.oracle.agreement import assert_agree

torch = needs("torch")
pytestmark = pytest.mark.oracle


@given(shape=array_shapes(min_dims=1, max_dims=4, max_side=5), seed=st.integers(0, 2**32 - 1))
@example(shape=(5, 3, 4, 2), seed=0)
def test_kl_and_js_divergence(shape, seed):
    p, q = np.random.default_rng(seed).random((2, *shape)) + 0.01
    arrays = [a / a.sum(-1, keepdims=True) for a in (p, q)]
    kl = lambda p, q: torch.nn.functional.kl_div(q.log(), p, reduction="none").sum(-1)
    assert_agree(F.kl_divergence, kl, arrays)
    assert_agree(F.js_divergence, lambda p, q: (kl(p, (p + q) / 2) + kl(q, (p + q) / 2)) / 2, arrays)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@given(n=st.integers(1, 6), d=st.integers(1, 5), seed=st.integers(0, 2**32 - 1))
def test_gaussian_kl(reduction, n, d, seed):
    arrays = list(np.random.default_rng(seed).standard_normal((2, n, d)))
    normal, standard = torch.distributions.Normal, torch.distributions.Normal(0.0, 1.0)

    def theirs(mu, log_var):
        rows = torch.distributions.kl_divergence(normal(mu, (log_var / 2).exp()), standard).sum(1)
        return {"mean": rows.mean(), "sum": rows.sum(), "none": rows}[reduction]

    assert_agree(lambda mu, log_var: F.gaussian_kl(mu, log_var, reduction), theirs, arrays)
