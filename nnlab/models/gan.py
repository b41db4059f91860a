"""Generative adversarial networks: a generator learns to make what a discriminator cannot tell from the data.

I. Goodfellow et al., NeurIPS 2014; packing: Z. Lin et al. (PacGAN), NeurIPS 2018; the smallest GAN there is, and why
its training circles: L. Mescheder, A. Geiger and S. Nowozin, ICML 2018.
"""

from contextlib import contextmanager
from math import isfinite, tanh
from typing import NamedTuple

import numpy as np

from nnlab import functional as F
from nnlab.data import DataLoader
from nnlab.module import Module
from nnlab.nn.dense import width
from nnlab.optim import Adam
from nnlab.optim.base import at_least_0
from nnlab.rng import as_rng
from nnlab.tensor import no_grad
from nnlab.train import TrainingDiverged, check_trained

LOSSES = ("non-saturating", "saturating")


class Round(NamedTuple):
    """One round of training: its number from 1, and the losses of its last discriminator and last generator step."""

    step: int
    d_loss: float
    g_loss: float


class GAN(Module):
    """A generator G: z -> x of noise and a discriminator D: x -> logit of "x is real", each with its own optimizer.

    D descends -E ln D(x) - E ln(1 - D(G(z))), which is 2 ln 2 where it cannot tell. G descends, as `loss` says,
    "non-saturating": -E ln D(G(z)), with slope D - 1 on the logit: strong while D is winning; or
    "saturating": E ln(1 - D(G(z))), the minimax game, with slope -D: next to nothing while D is winning.
    generator: (n, latent) -> (n, d); discriminator: (n, pack * d) -> (n, 1) logits: no sigmoid at its end.
    latent: how many N(0, 1) numbers make a z. pack: how many samples D judges side by side, all real or all fake, so
        that a lack of variety shows.
    d_optimizer, g_optimizer: each of its own network; by default Adam(lr=1e-3, betas=(0.5, 0.999)).
    rng: draws the z, new ones for every step. As a module it is its generator: gan(z) = G(z).
    Raises ValueError for an optimizer that holds the other network's parameters, or an option out of range.

    >>> from nnlab import MLP
    >>> gan = GAN(MLP(2, 16, 2, rng=0), MLP(2, 16, 1, rng=1), latent=2, rng=2)
    >>> gan.d_step(np.ones((8, 2))) > 0, gan.g_step(8) > 0, gan.sample(5).shape
    (True, True, (5, 2))
    """

    def __init__(self, generator, discriminator, latent, *, loss="non-saturating", pack=1, d_optimizer=None,
                 g_optimizer=None, rng=None):
        if loss not in LOSSES:
            raise ValueError(f"GAN: loss is one of {', '.join(map(repr, LOSSES))}; got {loss!r}.")
        self.latent, self.pack = width(latent, "GAN", "latent", "numbers"), width(pack, "GAN", "pack", "samples")
        self.generator, self.discriminator, self.loss = generator, discriminator, loss
        self.rng = None if rng is None else as_rng(rng)
        self.d_optimizer = _own_optimizer(d_optimizer, discriminator, "discriminator")
        self.g_optimizer = _own_optimizer(g_optimizer, generator, "generator")

    def forward(self, z):
        return self.generator(z)

    def noise(self, n):
        """n fresh z: (n, latent), in the generator's precision."""
        return as_rng(self.rng).standard_normal((n, self.latent), self.g_optimizer.params[0].dtype)

    def sample(self, n):
        """n generated samples, an array (n, d); the networks stay in the mode (training or not) they are in."""
        with no_grad():
            return self.generator(self.noise(n)).data

    # What the two want -------------------------------------------------------------------------------------------
    def d_loss(self, real):
        """-mean ln D(real) - mean ln(1 - D(fake)), with as many fakes as `real`, (n, d), has rows; G is not recorded.

        Real and fake go through D as one batch, which is quicker; a batch norm in D then takes its statistics over
        both, and gives the fakes away less than with a batch for each.
        """
        return 2 * self._mean_over_both(real)  # a mean over both halves is half of the sum of their means

    def _mean_over_both(self, real):
        real, fake = np.asarray(real, self.d_optimizer.params[0].dtype), self.sample(len(real))
        if real.shape != fake.shape:
            raise ValueError(f"real must be of the shape that the generator makes, {fake.shape}; got {real.shape}.")
        logits = self._judge(np.concatenate([real, fake]))
        is_real = np.zeros(logits.shape, logits.dtype)
        is_real[:len(is_real) // 2] = 1
        return F.binary_cross_entropy_with_logits(logits, is_real)

    def g_loss(self, n):
        """What n fresh samples cost the generator. Its gradient reaches D's weights too: `g_step` keeps them out."""
        logits = self._judge(self.generator(self.noise(n)))
        if self.loss == "saturating":
            return -F.binary_cross_entropy_with_logits(logits, np.zeros(logits.shape, logits.dtype))
        return F.binary_cross_entropy_with_logits(logits, np.ones(logits.shape, logits.dtype))

    def _judge(self, x):
        if len(x) == 0 or len(x) % self.pack:
            raise ValueError(f"D judges {self.pack} samples at a time: {len(x)} cannot be shared out evenly.")
        return self.discriminator(x if self.pack == 1 else x.reshape(len(x) // self.pack, -1))

    # Training ----------------------------------------------------------------------------------------------------
    def d_step(self, real):
        """One step of D against fresh fakes, G stays as it is. real: (n, d), in random order. -> the loss before it.

        >>> from nnlab import MLP
        >>> gan = GAN(MLP(2, 8, 3, rng=0), MLP(3, 8, 1, rng=1), latent=2, rng=2)
        >>> before = gan.generator.state_dict()["layers.0.weight"]
        >>> gan.d_step(np.ones((5, 3))) > 0, bool((gan.generator.layers[0].weight == before).all())
        (True, True)
        """
        return self._descend(self._mean_over_both(real), self.d_optimizer, "discriminator", times=2)

    def g_step(self, n):
        """One step of G on n fresh samples, D stays as it is, its gradients too. -> the loss before it.

        >>> from nnlab import MLP
        >>> gan = GAN(MLP(2, 8, 3, rng=0), MLP(3, 8, 1, rng=1), latent=2, rng=2)
        >>> before = gan.discriminator.state_dict()["layers.0.weight"]
        >>> gan.g_step(5) > 0, bool((gan.discriminator.layers[0].weight == before).all())
        (True, True)
        """
        with _frozen(self.d_optimizer.params):
            return self._descend(self.g_loss(n), self.g_optimizer, "generator")

    def _descend(self, loss, optimizer, name, times=1):
        value = times * loss.item()
        if not isfinite(value):
            raise TrainingDiverged(f"the {name}'s loss became {value} at its step {optimizer.steps + 1}. Its learning "
                                   f"rate is {optimizer.lr:g}: try {optimizer.lr / 10:g}.", optimizer.steps + 1, None)
        optimizer.zero_grad()
        loss.backward(times)
        optimizer.step()
        return value

    def fit_steps(self, X, *, batch_size=64, d_steps=1, g_steps=1):
        """Rounds of `d_steps` D steps, each on the next batch of X (n, d), and `g_steps` G steps, without end.

        Yields a `Round` after each. Raises ValueError, before anything is trained, for a batch_size above n or not a
        multiple of `pack`, or for less than one step.

        >>> from nnlab import MLP, data
        >>> gan = GAN(MLP(2, 16, 2, rng=0), MLP(4, 16, 1, rng=1), latent=2, pack=2, rng=2)
        >>> rounds = gan.fit_steps(data.ring(100, rng=3)[0], batch_size=50)
        >>> [next(rounds).step for _ in range(3)]
        [1, 2, 3]
        """
        d_steps, g_steps = width(d_steps, "GAN", "d_steps", "steps"), width(g_steps, "GAN", "g_steps", "steps")
        loader = DataLoader(X, batch_size=batch_size, rng=self.rng)
        if batch_size % self.pack:
            raise ValueError(f"batch_size must be a multiple of pack, {self.pack}; got {batch_size}.")
        return self._rounds(loader, d_steps, g_steps)

    def _rounds(self, loader, d_steps, g_steps):
        batches, step = _whole_batches(loader), 0
        while True:
            for _ in range(d_steps):
                d_loss = self.d_step(next(batches))
            for _ in range(g_steps):
                g_loss = self.g_step(loader.batch_size)
            step += 1
            yield Round(step, d_loss, g_loss)


def _own_optimizer(optimizer, network, name):
    if optimizer is None:
        return Adam(network.parameters(), lr=1e-3, betas=(0.5, 0.999))
    own = {id(p) for p in network.parameters()}
    if foreign := [p.label for p in optimizer.params if id(p) not in own]:
        raise ValueError(f"the {name}'s optimizer also moves what is not the {name}'s: {', '.join(foreign)}. Make it "
                         f"from {name}.parameters() alone, one optimizer for each network.")
    check_trained(network, optimizer)
    return optimizer


def _whole_batches(loader):
    while True:
        for batch, in loader:
            if len(batch) == loader.batch_size:  # a shorter last one would not fill its packs
                yield batch


@contextmanager
def _frozen(params):
    """Inside, `params` get no gradient, and the time it would take is saved."""
    flags = [p.requires_grad for p in params]
    try:
        for p in params:
            p.requires_grad = False
        yield
    finally:
        for p, flag in zip(params, flags):
            p.requires_grad = flag


# The smallest GAN ----------------------------------------------------------------------------------------------------
def dirac_gan(steps, lr, *, start=(1.0, 1.0), alternating=False, r1=0.0):
    """The path of a GAN with one parameter a side: (steps + 1, 2), rows (theta, psi), the first `start`.

    All data is at 0, G always makes theta, D's logit is psi x. With f(t) = -ln(1 + e^-t), D climbs and G descends
    f(theta psi) + f(0):   theta <- theta - lr psi f'(theta psi),   psi <- psi + lr (theta f'(theta psi) - r1 psi).
    Near the equilibrium (0, 0) a step at the same time multiplies the radius by sqrt(1 + lr^2 / 4); alternating (theta
    first) keeps it; r1, the weight of the penalty r1/2 |dD/dx|^2 on the data, makes it shrink. Mescheder et al. 2018.

    >>> radius = lambda path: float(np.hypot(*path[-1]))
    >>> radius(dirac_gan(500, 0.1)) > 2, radius(dirac_gan(500, 0.1, r1=0.3)) < 0.01
    (True, True)
    """
    lr, r1, path = at_least_0("lr", lr), at_least_0("r1", r1), [start]
    slope = lambda t: (1 - tanh(t / 2)) / 2  # f'(t) = 1 / (1 + e^t)
    for _ in range(steps):
        theta, psi = path[-1]
        new = theta - lr * psi * slope(theta * psi)
        theta = new if alternating else theta
        path.append((new, psi + lr * (theta * slope(theta * psi) - r1 * psi)))
    return np.array(path, float)
