"""Schedules: rates worked by hand, groups, going on after a pause. Their values against PyTorch's: tests/oracle."""

import pytest

from nnlab import MLP, SGD, Parameter, fit
from nnlab.functional import mse_loss
from nnlab.optim import CosineAnnealingLR, LinearLR, LRScheduler, SequentialLR, StepLR


def optimizer(*rates):
    return SGD([{"params": [Parameter([1.0])], "lr": lr} for lr in rates])


def rates(opt, schedule, n):
    seen = []
    for _ in range(n):
        seen.append([options["lr"] for options in opt.param_groups])
        schedule.step()
    return seen


def test_each_group_keeps_its_own_base_rate():
    opt = optimizer(1.0, 8.0)
    assert rates(opt, StepLR(opt, 1, gamma=0.5), 3) == [[1.0, 8.0], [0.5, 4.0], [0.25, 2.0]]


def test_cosine_is_halfway_down_at_half_time_and_ends_at_its_minimum():
    opt = optimizer(1.0, 3.0)
    seen = rates(opt, CosineAnnealingLR(opt, 4, eta_min=0.5), 5)
    assert seen[0] == [1.0, 3.0]
    assert seen[2] == pytest.approx([0.75, 1.75])
    assert seen[4] == [0.5, 0.5]


def test_a_warm_up_begins_low_at_once_and_then_stays_up():
    opt = optimizer(1.0)
    schedule = LinearLR(opt, start_factor=0.2, total_iters=4)
    assert opt.lr == 0.2
    assert [first for first, in rates(opt, schedule, 6)] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0, 1.0])


def test_a_schedule_after_a_warm_up_starts_from_the_full_rate_with_its_own_clock():
    opt = optimizer(1.0, 2.0)
    parts = [LinearLR(opt, 0.5, total_iters=2), StepLR(opt, 2, 0.1), StepLR(opt, 1, 0.5)]
    schedule = SequentialLR(opt, parts, milestones=[2, 6])
    seen = [first for first, second in rates(opt, schedule, 9)]
    assert seen == pytest.approx([0.5, 0.75, 1, 1, 0.1, 0.1, 1, 0.5, 0.25])
    assert opt.param_groups[1]["lr"] == pytest.approx(2 * opt.lr)


def test_a_schedule_goes_on_where_it_was():
    opt, peer = optimizer(1.0, 2.0), optimizer(1.0, 2.0)
    make = lambda opt: SequentialLR(opt, [LinearLR(opt), CosineAnnealingLR(opt, 9)], [5])
    schedule, other = make(opt), make(peer)
    for _ in range(7):
        schedule.step()
    other.load_state_dict(schedule.state_dict())
    assert peer.lr == opt.lr
    assert rates(peer, other, 5) == rates(opt, schedule, 5)
    with pytest.raises(ValueError, match="this schedule has 2 groups; got base rates for 1"):
        other.load_state_dict({"base_lrs": [9.0], "last_epoch": 1})
    assert other.state_dict() == schedule.state_dict()


def test_a_resumed_schedule_remembers_the_rate_it_began_with():
    opt = optimizer(1.0)
    schedule = StepLR(opt, 1, 0.5)
    schedule.step()
    again = StepLR(opt, 1, 0.5)  # made anew after the optimizer was loaded: it sees 0.5
    again.load_state_dict(schedule.state_dict())
    again.step()
    assert opt.lr == 0.25


@pytest.mark.parametrize(("every_step", "expected"), [(False, 0.5**3), (True, 0.5**9)])
def test_as_a_callback_of_fit_it_moves_on_by_epochs_or_by_steps(every_step, expected):
    model = MLP(1, 1, rng=0)
    opt = SGD(model.parameters(), lr=1.0)
    schedule = StepLR(opt, 1, 0.5, every_step=every_step)
    fit(model, [[0.0], [0.1], [0.2]], [[0.0], [0.1], [0.2]], mse_loss, opt, epochs=3, batch_size=1,
        callbacks=[schedule], rng=0)
    assert opt.lr == expected


@pytest.mark.parametrize(("make", "told"), [
    (lambda opt: StepLR(opt, 0), "step_size is a whole number of at least 1; got 0"),
    (lambda opt: StepLR(opt, 1.5), "step_size is a whole number"),
    (lambda opt: StepLR(opt, 1, -0.1), "gamma is a number of at least 0"),
    (lambda opt: CosineAnnealingLR(opt, "long"), "T_max is a whole number of at least 1; got 'long'"),
    (lambda opt: CosineAnnealingLR(opt, 5, -1), "eta_min is a number of at least 0"),
    (lambda opt: LinearLR(opt, -0.5), "start_factor is a number"),
    (lambda opt: LinearLR(opt, end_factor=-0.5), "end_factor is a number"),
    (lambda opt: LinearLR(opt, total_iters=0), "total_iters is a whole number"),
    (lambda opt: SequentialLR(opt, [StepLR(opt, 1)], [3]), r"1 schedules need 0 milestones, ascending; got \[3\]"),
    (lambda opt: SequentialLR(opt, [StepLR(opt, 1)] * 3, [3, 2]), r"3 schedules need 2 milestones, .* got \[3, 2\]"),
])
def test_what_cannot_be_is_refused_and_the_rate_stays(make, told):
    opt = optimizer(1.0)
    with pytest.raises(ValueError, match=told):
        make(opt)
    assert opt.lr == 1.0


def test_a_schedule_without_formula_says_what_to_write():
    with pytest.raises(NotImplementedError, match=r"LRScheduler must define rate\(self, base, t\)"):
        LRScheduler(optimizer(1.0))
