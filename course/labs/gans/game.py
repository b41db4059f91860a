"""The game of two nets, as the labs of this unit play it: a step of each, what D believes of a place, where it pushes a
fake, and where G takes a net of noise.

The two steps and the count of modes are the exercises of lesson 8; nnlab.GAN is the same game with all its options.
"""

import numpy as np

import nnlab
from nnlab.data import DataLoader
from nnlab.functional import binary_cross_entropy_with_logits, sigmoid


def d_step(G, D, optimizer, real, noise):
    """One step of D: real is to be told from fake. real: (n, d); noise(n) draws n fresh z. -> the loss before it"""
    with nnlab.no_grad():  # what G does is not recorded: G is not what learns here
        fake = G(noise(len(real))).data
    logits = D(np.concatenate([real, fake]))
    is_real = np.arange(len(logits))[:, None] < len(logits) // 2
    loss = 2 * binary_cross_entropy_with_logits(logits, is_real)  # a mean over both halves is half of the sum
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def g_step(G, D, optimizer, n, noise):
    """One step of G on n fresh fakes: D is to call them real. -> the loss before it"""
    logits = D(G(noise(n)))
    loss = binary_cross_entropy_with_logits(logits, np.ones(logits.shape))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def modes_captured(samples, centers, sd):
    """How many centres have at least 1 % of all samples within 3 sd. samples: (N, d), centers: (K, d) -> a number"""
    distances = np.linalg.norm(samples[:, None] - centers, axis=2)  # (N, K)
    near = distances.min(1) <= 3 * sd
    counts = np.bincount(distances.argmin(1)[near], minlength=len(centers))
    return int((counts >= 0.01 * len(samples)).sum())


class Packed(nnlab.Module):
    """A discriminator that judges `pack` samples side by side: (n, d) -> (n / pack, 1)"""

    def __init__(self, judge, pack):
        self.judge, self.pack = judge, pack

    def forward(self, x):
        return self.judge(x if self.pack == 1 else x.reshape(len(x) // self.pack, -1))


def players(latent=2, pack=1, lr=1e-3, beta1=0.5, seed=0):
    """G, D, an Adam for each, and what draws noise. -> (G, D, g_adam, d_adam, noise)"""
    rng = np.random.default_rng(seed)
    G = nnlab.MLP(latent, 64, 64, 2, activation="relu", rng=rng)
    D = Packed(nnlab.MLP(2 * pack, 64, 64, 1, activation="relu", rng=rng), pack)
    adams = [nnlab.Adam(net.parameters(), lr=lr, betas=(beta1, 0.999)) for net in (G, D)]
    return G, D, *adams, lambda n: rng.standard_normal((n, latent), np.float32)


def batches(X, rng, size):
    """Batches of X without end."""
    while True:
        for batch, in DataLoader(X, batch_size=size, rng=rng):
            if len(batch) == size:
                yield batch


def believed(D, points, beside):
    """How real D finds points: (n, 2) -> (n,). A D with packs sees each of them beside some real ones."""
    if D.pack == 1:
        return sigmoid.f(nnlab.predict(D, points)[:, 0])
    packs = [np.concatenate([points, np.tile(other.ravel(), (len(points), 1))], 1) for other in beside]
    return np.mean([sigmoid.f(nnlab.predict(D.judge, pack.astype(np.float32))[:, 0]) for pack in packs], 0)


def pushes(D, x, h=0.01):
    """Where -ln D wants each sample to go, minus its gradient: x: (n, 2) -> (n, 2). By differences: D's own gradients
    stay untouched."""
    n, width = len(x), 2 * D.pack
    rows = x.reshape(-1, width)
    moved = rows[None, None] + h * np.array([1, -1])[:, None, None, None] * np.eye(width)[None, :, None]
    logits = nnlab.predict(D.judge, moved.reshape(-1, width).astype(np.float32)).reshape(2, width, len(rows))
    now = nnlab.predict(D.judge, rows.astype(np.float32))[:, 0]
    slope = ((logits[0] - logits[1]) / (2 * h)).T * sigmoid.f(-now)[:, None]
    return slope.reshape(n, 2)


def folded(G, latent):
    """Where G takes a square net of noise (or a line of it): lines as strokes, or None for more than two numbers."""
    t = np.linspace(-2, 2, 41)
    if latent == 1:
        lines = np.linspace(-3, 3, 161)[None, :, None]
    elif latent == 2:
        across = np.stack(np.meshgrid(np.linspace(-2, 2, 9), t, indexing="ij"), -1)
        lines = np.concatenate([across, across[..., ::-1]])
    else:
        return None
    return nnlab.predict(G, lines.reshape(-1, latent).astype(np.float32)).reshape(*lines.shape[:2], 2)
