"""Learning rates and clipped gradients against PyTorch's, group by group."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nnlab
from tests.needs import needs

torch = needs("torch")
pytestmark = pytest.mark.oracle

SCHEDULES = {
    "step": lambda s, opt: s.StepLR(opt, step_size=3, gamma=0.7),
    "step, defaults": lambda s, opt: s.StepLR(opt, 10),
    "cosine": lambda s, opt: s.CosineAnnealingLR(opt, T_max=20),
    "cosine with a minimum, past its end": lambda s, opt: s.CosineAnnealingLR(opt, 7, eta_min=0.01),
    "warm-up": lambda s, opt: s.LinearLR(opt),
    "warm-up, every option": lambda s, opt: s.LinearLR(opt, start_factor=0.1, end_factor=0.8, total_iters=9),
    "warm-up, then cosine": lambda s, opt: s.SequentialLR(
        opt, [s.LinearLR(opt, 0.1, total_iters=5), s.CosineAnnealingLR(opt, 15)], milestones=[5]),
    "three in a row": lambda s, opt: s.SequentialLR(
        opt, [s.LinearLR(opt, 0.1, total_iters=3), s.StepLR(opt, 2), s.CosineAnnealingLR(opt, 9)], milestones=[4, 11]),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_rates_of_two_groups_over_thirty_epochs(name):
    ours = nnlab.SGD([{"params": [nnlab.Parameter([1.0])], "lr": lr} for lr in (0.1, 0.03)])
    theirs = torch.optim.SGD([{"params": [torch.nn.Parameter(torch.ones(1))], "lr": lr} for lr in (0.1, 0.03)])
    mine, peer = SCHEDULES[name](nnlab.optim, ours), SCHEDULES[name](torch.optim.lr_scheduler, theirs)
    for epoch in range(30):
        got = [group["lr"] for group in ours.param_groups]
        np.testing.assert_allclose(got, peer.get_last_lr(), rtol=1e-9, atol=1e-14, err_msg=f"epoch {epoch}")
        mine.step()
        theirs.step()
        peer.step()


shapes = st.lists(st.lists(st.integers(1, 4), max_size=3), min_size=1, max_size=5)


@settings(max_examples=60, deadline=None)
@given(shapes, st.floats(0, 20), st.booleans(), st.integers(0, 2**31))
def test_clipping(shapes, bound, laid_out, seed):
    rng = np.random.default_rng(seed)
    for clip, peer_clip in [(nnlab.optim.clip_grad_norm, torch.nn.utils.clip_grad_norm_),
                            (nnlab.optim.clip_grad_value, torch.nn.utils.clip_grad_value_)]:
        ours = [nnlab.Parameter(np.zeros(shape)) for shape in shapes]
        theirs = [torch.nn.Parameter(torch.zeros(shape, dtype=torch.float64)) for shape in shapes]
        if laid_out:
            nnlab.SGD(ours)
        for i, (p, q) in enumerate(zip(ours, theirs)):
            if i == 0 or rng.random() < 0.8:  # PyTorch 2.13 cannot clip where there is no gradient at all
                g = np.asarray(4 * rng.standard_normal(p.shape))
                p.grad, q.grad = g, torch.tensor(g)
        norm, expected = clip(ours, bound), peer_clip(theirs, bound)
        if norm is not None:
            np.testing.assert_allclose(norm, float(expected), rtol=1e-12)
        for p, q in zip(ours, theirs):
            assert (p.grad is None) == (q.grad is None)
            if p.grad is not None:
                np.testing.assert_allclose(p.grad, q.grad.numpy(), rtol=1e-10, atol=1e-12)
