"""Schedules: the learning rate as a function of time. Large steps get near, small ones settle; a warm-up lets the means
of Adam fill first. Each is one formula, `rate`; as callbacks of `train.fit` they move on after every epoch, by hand
with `scheduler.step()`. Names and values are those of torch.optim.lr_scheduler.
"""

from bisect import bisect_right
from math import cos, pi
from numbers import Real

from nnlab.optim.base import at_least_0


class LRScheduler:
    """Sets each group's rate to `rate(base, t)`: base is what it was when the schedule was made, t counts the steps.

    every_step: as a callback of `fit`, move on after every step instead of after every epoch.
    """

    def __init__(self, optimizer, *, every_step=False):
        self.optimizer, self.every_step = optimizer, every_step
        self._go_on([options["lr"] for options in optimizer.param_groups], 0)

    def rate(self, base, t):
        raise NotImplementedError(f"{type(self).__name__} must define rate(self, base, t).")

    def _go_on(self, base_lrs, t):
        rates = [at_least_0("lr", self.rate(base, t)) for base in base_lrs]
        self.base_lrs, self.last_epoch = base_lrs, t
        for options, rate in zip(self.optimizer.param_groups, rates):
            options["lr"] = rate

    def step(self):
        """One epoch (or step) on."""
        self._go_on(self.base_lrs, self.last_epoch + 1)

    def __call__(self, step):
        self.step()

    def state_dict(self):
        """Where it stands, to go on later: the base rates and the count."""
        return {"base_lrs": list(self.base_lrs), "last_epoch": self.last_epoch}

    def load_state_dict(self, state):
        """Go on from a `state_dict()`. Raises ValueError, nothing changed, if it has another number of groups."""
        base_lrs, t = [float(base) for base in state["base_lrs"]], int(state["last_epoch"])
        if len(base_lrs) != len(self.base_lrs):
            raise ValueError(f"this schedule has {len(self.base_lrs)} groups; got base rates for {len(base_lrs)}.")
        self._go_on(base_lrs, t)


class StepLR(LRScheduler):
    """base * gamma^floor(t / step_size): down by a factor every `step_size` epochs.

    >>> from nnlab import Parameter, SGD
    >>> descent = SGD([Parameter([1.0])], lr=8.0)
    >>> schedule = StepLR(descent, step_size=2, gamma=0.5)
    >>> for _ in range(5): schedule.step()
    >>> descent.lr
    2.0
    """

    def __init__(self, optimizer, step_size, gamma=0.1, **options):
        self.step_size, self.gamma = _whole("step_size", step_size), at_least_0("gamma", gamma)
        super().__init__(optimizer, **options)

    def rate(self, base, t):
        return base * self.gamma ** (t // self.step_size)


class CosineAnnealingLR(LRScheduler):
    """eta_min + (base - eta_min) (1 + cos(pi t / T_max)) / 2: down to eta_min at t = T_max, where training should end.

    Loshchilov and Hutter, ICLR 2017, equation 5, without restarts: after T_max the rate climbs again.

    >>> from nnlab import SGD, Tensor
    >>> schedule = CosineAnnealingLR(SGD([Tensor([1.0], requires_grad=True)], lr=1.0), T_max=4)
    >>> [round(schedule.rate(1.0, t), 3) for t in range(5)]
    [1.0, 0.854, 0.5, 0.146, 0.0]
    """

    def __init__(self, optimizer, T_max, eta_min=0.0, **options):
        self.T_max, self.eta_min = _whole("T_max", T_max), at_least_0("eta_min", eta_min)
        super().__init__(optimizer, **options)

    def rate(self, base, t):
        return self.eta_min + (base - self.eta_min) * (1 + cos(pi * t / self.T_max)) / 2


class LinearLR(LRScheduler):
    """base times a factor that goes in a straight line from start_factor to end_factor in total_iters: a warm-up.

    >>> from nnlab import SGD, Tensor
    >>> optimizer = SGD([Tensor([1.0], requires_grad=True)], lr=1.0)
    >>> warm_up = LinearLR(optimizer, start_factor=0.25, total_iters=3)
    >>> optimizer.lr, warm_up.step(), optimizer.lr
    (0.25, None, 0.5)
    """

    def __init__(self, optimizer, start_factor=1 / 3, end_factor=1.0, total_iters=5, **options):
        self.start, self.end = at_least_0("start_factor", start_factor), at_least_0("end_factor", end_factor)
        self.total_iters = _whole("total_iters", total_iters)
        super().__init__(optimizer, **options)

    def rate(self, base, t):
        return base * (self.start + (self.end - self.start) * min(t, self.total_iters) / self.total_iters)


class SequentialLR(LRScheduler):
    """One schedule after another: `milestones` are the times at which the next one begins, its own clock at 0.

    >>> from nnlab import Parameter, SGD
    >>> descent, rates = SGD([Parameter([1.0])], lr=4.0), []
    >>> warm_up, then = LinearLR(descent, 0.25, total_iters=3), CosineAnnealingLR(descent, 4)
    >>> schedule = SequentialLR(descent, [warm_up, then], milestones=[3])
    >>> for _ in range(8): rates.append(round(descent.lr, 2)); schedule.step()
    >>> rates
    [1.0, 2.0, 3.0, 4.0, 3.41, 2.0, 0.59, 0.0]
    """

    def __init__(self, optimizer, schedulers, milestones, **options):
        self.schedulers, self.milestones = list(schedulers), [_whole("a milestone", m) for m in milestones]
        if len(self.milestones) != len(self.schedulers) - 1 or self.milestones != sorted(set(self.milestones)):
            raise ValueError(f"{len(self.schedulers)} schedules need {len(self.schedulers) - 1} milestones, ascending; "
                             f"got {milestones}.")
        for options_of_group, base in zip(optimizer.param_groups, self.schedulers[0].base_lrs):
            options_of_group["lr"] = base  # the first may have lowered it already
        super().__init__(optimizer, **options)

    def rate(self, base, t):
        i = bisect_right(self.milestones, t)
        return self.schedulers[i].rate(base, t - (self.milestones[i - 1] if i else 0))


def _whole(name, value):
    if not isinstance(value, Real) or value != int(value) or value < 1:
        raise ValueError(f"{name} is a whole number of at least 1; got {value!r}.")
    return int(value)
