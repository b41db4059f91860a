"""Does nnlab compute what PyTorch computes? Same float64 numbers in, values and gradients compared."""

import numpy as np

from nnlab import Tensor


def assert_agree(ours, theirs, arrays, seed=0):
    """`ours(*tensors)` and `theirs(*tensors)` have equal values, and equal gradients for a random upstream gradient."""
    import torch  # not above: pytest imports this file, with torch or without

    mine = [Tensor(a, requires_grad=True) for a in arrays]
    peers = [torch.tensor(a, requires_grad=True) for a in arrays]
    out, expected = ours(*mine), theirs(*peers)
    assert out.shape == tuple(expected.shape)
    assert out.dtype == np.float64
    upstream = np.random.default_rng(seed).standard_normal(out.shape)
    out.backward(upstream)
    expected.backward(torch.tensor(upstream))
    scale = max([1.0, *(float(np.abs(a).max()) for a in arrays if a.size)])
    close(out.data, expected.detach().numpy(), scale)
    for m, p in zip(mine, peers):
        close(m.grad, p.grad.numpy(), scale * max(1.0, float(np.abs(upstream).sum())))


def close(got, expected, scale=1.0):
    assert got.shape == expected.shape
    np.testing.assert_allclose(got, expected, rtol=1e-10, atol=1e-12 * scale)
