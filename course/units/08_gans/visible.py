"""Unit 8, generative adversarial networks: the visible checks of its practice exercises. They travel to students.

Each speaks about a symptom and never about the solution. The steps are played with two tiny networks in float64, whose
every weight is compared with what a step of gradient descent makes of it; gradients of an earlier step lie about, and
all noise is written down: so what moves, by what, and with which fakes shows.
"""

import numpy as np

import nnlab
from course.exercise import Exercise, Wrong, close, shaped
from nnlab.functional import binary_cross_entropy_with_logits, sigmoid

N, LR = 7, 0.5


jsd = Exercise("jsd(p, q)")


@jsd.check("equal distributions")
def _(jsd, rng):
    p = np.array([0.1, 0.6, 0.3])
    got = shaped(jsd(p, p.copy()), ())
    if not np.isfinite(got) or abs(got) > 1e-6:
        raise Wrong(f"two equal distributions: it says {got:.4g}. How far is something from itself?")


@jsd.check("nothing in common", catches="G12")
def _(jsd, rng):
    got = float(shaped(jsd(np.array([0.5, 0.5, 0.0, 0.0]), np.array([0.0, 0.0, 0.25, 0.75])), ()))
    if not np.isfinite(got):
        raise Wrong(f"where p or q is 0 it becomes {got}: a place nobody visits must not count.")
    for wrong, words in ((1.0, "1, which is ln 2 counted in bits; here it is counted in nats"),
                         (2 * np.log(2), "2 ln 2 = 1.386: each of the two parts counts only"),
                         (-np.log(2), "−ln 2: a distance is not negative"),
                         (np.sqrt(np.log(2)), "√ln 2: that is its root")):
        if abs(got - wrong) < 1e-4:
            raise Wrong(f"two distributions with nothing in common: it says {words}"
                        f"{' half' if 'parts' in words else ''}.")
    close(got, np.log(2), f"two distributions with nothing in common: it says {got:.4f}; expected ln 2 = 0.693.")


@jsd.check("the same both ways")
def _(jsd, rng):
    p, q = np.array([0.7, 0.2, 0.1]), np.array([0.2, 0.3, 0.5])
    there, back = float(shaped(jsd(p, q), ())), float(shaped(jsd(q, p), ()))
    if abs(there - back) > 1e-6:
        raise Wrong(f"from p to q it is {there:.4f}, from q to p {back:.4f}: both should be compared with the same "
                    "thing between them.")


@jsd.check("values", catches="G12")
def _(jsd, rng):
    for size in (2, 5, 30):
        p, q = rng.dirichlet(np.ones(size)), rng.dirichlet(np.ones(size))
        p[0] = 0.0
        p = p / p.sum()
        m = (p + q) / 2
        parts = [float(np.sum(a[a > 0] * np.log(a[a > 0] / m[a > 0]))) for a in (p, q)]
        got = float(shaped(jsd(p, q), (), f"p and q have {size} numbers each."))
        if np.isclose(got, parts[0], rtol=1e-4) or np.isclose(got, parts[1], rtol=1e-4):
            raise Wrong("that is the part of only one of the two distributions.")
        close(got, sum(parts) / 2, f"for two random distributions of {size} numbers it says {got:.4f}; expected "
                                   f"{sum(parts) / 2:.4f}.")


# The two steps -------------------------------------------------------------------------------------------------------
class _Noise:
    """noise(n), which remembers what it gave."""

    def __init__(self, rng):
        self.rng, self.given = rng, []

    def __call__(self, n):
        self.given.append(self.rng.normal(size=(int(n), 3)))
        return self.given[-1].copy()


class _Game:
    """Two networks, an optimizer for one of them, gradients of an earlier step in both, and noise that is recorded."""

    def __init__(self, rng, mover):
        self.G = nnlab.MLP(3, 5, 2, dtype=np.float64, rng=rng)
        self.D = nnlab.MLP(2, 6, 1, dtype=np.float64, rng=rng)
        self.mover, self.other = (self.D, self.G) if mover == "D" else (self.G, self.D)
        self.optimizer = nnlab.SGD(self.mover.parameters(), lr=LR)
        self.real, self.noise = rng.normal(2, 1, (N, 2)), _Noise(rng)
        for p in self.mover.parameters():  # of an earlier step: to be forgotten
            p.grad = np.full(p.shape, 10.0)
        self.before = {"G": self.G.state_dict(), "D": self.D.state_dict()}

    def nets(self):
        """The two networks as they were, and free of all gradients."""
        G, D = nnlab.MLP(3, 5, 2, dtype=np.float64, rng=0), nnlab.MLP(2, 6, 1, dtype=np.float64, rng=0)
        G.load_state_dict(self.before["G"])
        D.load_state_dict(self.before["D"])
        return G, D

    def moved(self, name):
        net = {"G": self.G, "D": self.D}[name]
        return any((net.state_dict()[key] != value).any() for key, value in self.before[name].items())

    def z(self, n):
        """The one noise that was drawn."""
        given = self.noise.given
        if not given:
            raise Wrong("it never calls noise: every step would judge the same fakes, or none.")
        if len(given) > 1:
            raise Wrong(f"one step calls noise {len(given)} times: then the fakes that are judged are not those that "
                        "were made.")
        if len(given[0]) != n:
            raise Wrong(f"it asks for {len(given[0])} fakes; expected {n}.")
        return given[0]

    def step(self, loss, net):
        """The weights of `net` after a step of gradient descent on `loss`."""
        loss.backward()
        return {name: p.data - LR * (0 if p.grad is None else p.grad) for name, p in net.named_parameters()}


def _answer(got):
    return float(shaped(getattr(got, "data", got), (), "The loss is one number."))


def _compare(game, expected, symptoms):
    """Raise Wrong unless the mover's weights are the expected ones; `symptoms`: words -> weights that explain it."""
    now = game.mover.state_dict()
    same = lambda weights: all(np.allclose(now[key], value, rtol=1e-5, atol=1e-7) for key, value in weights.items())
    if same(expected):
        return
    if same(game.before["D" if game.mover is game.D else "G"]):
        raise Wrong("its weights have not moved.")
    for words, weights in symptoms.items():
        if same(weights):
            raise Wrong(words)
    raise Wrong("its weights have moved, but not along the gradient of this step's loss alone. Was an older gradient "
                "still there?")


def _d_loss(G, D, real, z, y_real=1.0, y_fake=0.0):
    a, b = D(real), D(G(z).data)
    return (binary_cross_entropy_with_logits(a, np.full(a.shape, y_real))
            + binary_cross_entropy_with_logits(b, np.full(b.shape, y_fake)))


d_step = Exercise("d_step(G, D, optimizer, real, noise)")


@d_step.check("fresh fakes, as many as there are real ones", catches="G8")
def _(d_step, rng):
    game = _Game(rng, "D")
    d_step(game.G, game.D, game.optimizer, game.real, game.noise)
    game.z(N)
    d_step(game.G, game.D, game.optimizer, game.real[:4], game.noise)
    if len(game.noise.given) != 2 or len(game.noise.given[1]) != 4:
        raise Wrong("a second step, with 4 real samples, does not draw 4 new z: are those of the first step used "
                    "again?")


@d_step.check("the generator stays as it is", catches="G1")
def _(d_step, rng):
    game = _Game(rng, "D")
    d_step(game.G, game.D, game.optimizer, game.real, game.noise)
    if game.moved("G"):
        raise Wrong("after a step of the discriminator the generator's weights have changed: it was made to look "
                    "worse.")
    if any(p.grad is not None for p in game.G.parameters()):
        raise Wrong("the generator's weights have got a gradient in the discriminator's step. For D the fakes are "
                    "given: nothing should flow back into what made them.")


@d_step.check("the loss", catches="G7")
def _(d_step, rng):
    game = _Game(rng, "D")
    got = _answer(d_step(game.G, game.D, game.optimizer, game.real, game.noise))
    G, D = game.nets()
    z = game.z(N)
    a, b = D(game.real).data, D(G(z).data).data
    ln = lambda p: -np.log(p).mean()
    real, fake = ln(sigmoid.f(a)), ln(sigmoid.f(-b))
    pa, pb = sigmoid.f(a), sigmoid.f(b)
    for value, words in (((real + fake) / 2, "half of what it should be: the mean over real and the mean over fake "
                                             "ones are added"),
                         ((real + fake) * N, "a sum over the samples: the larger the batch, the larger the step"),
                         (ln(sigmoid.f(-a)) + ln(sigmoid.f(b)), "the price of calling real ones fake and fakes real"),
                         (real, "the price of the real ones alone: what of the fakes?"),
                         (fake, "the price of the fakes alone: what of the real ones?"),
                         (ln(sigmoid.f(pa)) + ln(sigmoid.f(-pb)), "that of a probability taken for a logit: D has no "
                                                                  "sigmoid at its end, and the loss applies one"),
                         (-real - fake, "negative: that is what D wants large, and a step goes downhill")):
        if np.isclose(got, value, rtol=1e-4):
            raise Wrong(f"the loss it returns is {got:.4f}, {words}.")
    close(got, real + fake, f"the loss it returns is {got:.4f}; for these samples, before the step, it is "
                            f"{real + fake:.4f}.", rtol=1e-4)


@d_step.check("the discriminator takes one step downhill", catches="G4")
def _(d_step, rng):
    game = _Game(rng, "D")
    d_step(game.G, game.D, game.optimizer, game.real, game.noise)
    if not game.moved("D"):
        raise Wrong("the discriminator's weights have not changed.")
    z = game.z(N)

    def after(y_real=1.0, y_fake=0.0, share=1.0):
        G, D = game.nets()
        return game.step(share * _d_loss(G, D, game.real, z, y_real, y_fake), D)

    _compare(game, after(), {
        "it moves uphill: the loss is larger after the step.": after(share=-1.0),
        "it learns to call real ones fake, and fakes real.": after(0.0, 1.0),
        "it learns to call everything real.": after(1.0, 1.0),
        "its step is half as long as it should be.": after(share=0.5),
        f"its step is {N} times as long as it should be: a sum in place of a mean.": after(share=N)})


@d_step.check("logits of any size", catches="G7")
def _(d_step, rng):
    game = _Game(rng, "D")
    D = nnlab.MLP(2, 1, dtype=np.float64, rng=0)
    D.layers[0].weight.data, D.layers[0].bias.data = np.zeros((2, 1)), np.array([800.0])
    got = _answer(d_step(game.G, D, nnlab.SGD(D.parameters(), lr=LR), game.real, game.noise))
    if not np.isfinite(got):
        raise Wrong(f"D gives every sample the logit 800, and the loss becomes {got}. It is 800.")
    close(got, 800.0, f"D gives every sample the logit 800: the loss is {got:.4g}, and should be 800.", rtol=1e-4)


g_step = Exercise("g_step(G, D, optimizer, n, noise)")


def _g_loss(G, D, z, label=1.0):
    logits = D(G(z))
    return binary_cross_entropy_with_logits(logits, np.full(logits.shape, label))


@g_step.check("n fresh fakes", catches="G8")
def _(g_step, rng):
    game = _Game(rng, "G")
    g_step(game.G, game.D, game.optimizer, N, game.noise)
    game.z(N)
    g_step(game.G, game.D, game.optimizer, 4, game.noise)
    if len(game.noise.given) != 2 or len(game.noise.given[1]) != 4:
        raise Wrong("a second step, with n = 4, does not draw 4 new z: are those of the first step used again?")


@g_step.check("the discriminator stays as it is", catches="G4")
def _(g_step, rng):
    game = _Game(rng, "G")
    g_step(game.G, game.D, game.optimizer, N, game.noise)
    if game.moved("D"):
        raise Wrong("after a step of the generator the discriminator's weights have changed: it was made to believe "
                    "more.")


@g_step.check("the fakes look more real afterwards", catches="G5")
def _(g_step, rng):
    game = _Game(rng, "G")
    game.optimizer.lr = 0.02
    g_step(game.G, game.D, game.optimizer, N, game.noise)
    z = game.z(N)
    if not game.moved("G"):
        raise Wrong("the generator's weights have not changed: does a gradient reach them?")
    G, D = game.nets()
    was, now = D(G(z)).data.mean(), D(game.G(z)).data.mean()
    if now < was:
        raise Wrong(f"after the step D believes the same fakes less than before (mean logit {was:.3f}, now {now:.3f}): "
                    "the generator helps the discriminator.")


@g_step.check("the loss", catches="G7")
def _(g_step, rng):
    game = _Game(rng, "G")
    got = _answer(g_step(game.G, game.D, game.optimizer, N, game.noise))
    G, D = game.nets()
    b = D(G(game.z(N)).data).data
    p = sigmoid.f(b)
    right = -np.log(p).mean()
    for value, words in ((-np.log(1 - p).mean(), "the price of calling the fakes fake, which D wants small"),
                         (np.log(1 - p).mean(), "ln(1 − D), the saturating loss; wanted is −ln D"),
                         (-np.log(sigmoid.f(p)).mean(), "that of a probability taken for a logit: D has no sigmoid at "
                                                        "its end, and the loss applies one"),
                         (N * right, "a sum over the samples in place of a mean"),
                         (-right, "negative: that is what G wants large, and a step goes downhill")):
        if np.isclose(got, value, rtol=1e-4):
            raise Wrong(f"the loss it returns is {got:.4f}, {words}.")
    close(got, right, f"the loss it returns is {got:.4f}; for these fakes, before the step, it is {right:.4f}.",
          rtol=1e-4)


@g_step.check("the generator takes one step downhill")
def _(g_step, rng):
    game = _Game(rng, "G")
    g_step(game.G, game.D, game.optimizer, N, game.noise)
    z = game.z(N)

    def after(share=1.0):
        G, D = game.nets()
        return game.step(share * _g_loss(G, D, z), G)

    def saturating():
        G, D = game.nets()
        return game.step(-1.0 * _g_loss(G, D, z, 0.0), G)

    _compare(game, after(), {
        "it moves uphill: the loss is larger after the step.": after(-1.0),
        "it descends ln(1 − D), the saturating loss; wanted is −ln D.": saturating(),
        f"its step is {N} times as long as it should be: a sum in place of a mean.": after(N)})


@g_step.check("logits of any size", catches="G7")
def _(g_step, rng):
    game = _Game(rng, "G")
    D = nnlab.MLP(2, 1, dtype=np.float64, rng=0)
    D.layers[0].weight.data, D.layers[0].bias.data = np.zeros((2, 1)), np.array([-800.0])
    got = _answer(g_step(game.G, D, game.optimizer, N, game.noise))
    if not np.isfinite(got):
        raise Wrong(f"D gives every fake the logit −800, and the loss becomes {got}. It is 800.")
    close(got, 800.0, f"D gives every fake the logit −800: the loss is {got:.4g}, and should be 800.", rtol=1e-4)


# Counting modes ------------------------------------------------------------------------------------------------------
modes_captured = Exercise("modes_captured(samples, centers, sd)")
SD = 0.1
CENTERS = np.array([[2.0, 0.0], [0.0, 2.0], [-2.0, 0.0], [0.0, -2.0], [4.0, 4.0]])


def _planted(counts, far, rng):
    """counts[k] samples near centre k, `far` ones near none, shuffled."""
    near = np.repeat(CENTERS, counts, axis=0) + rng.uniform(-1.9, 1.9, (sum(counts), 2)) * SD
    samples = np.concatenate([near, rng.uniform(-0.5, 0.5, (far, 2))])
    return samples[rng.permutation(len(samples))]


def _count(modes_captured, samples, centers=CENTERS, sd=SD):
    got = float(shaped(modes_captured(samples, centers, sd), (), "The number of modes is one number."))
    if not np.isfinite(got) or got != int(got):
        raise Wrong(f"it says {got:g}: the number of modes is a whole number.")
    return int(got)


@modes_captured.check("all of them, and none")
def _(modes_captured, rng):
    got = _count(modes_captured, _planted([40] * 5, 0, rng))
    if got != 5:
        raise Wrong(f"40 samples at each of 5 centres: it counts {got}.")
    got = _count(modes_captured, _planted([0] * 5, 200, rng))
    if got != 0:
        raise Wrong(f"200 samples in the middle, at no centre at all: it counts {got}. To be the nearest is not to be "
                    "near.")


@modes_captured.check("a stray sample is no mode", catches="G10")
def _(modes_captured, rng):
    got = _count(modes_captured, _planted([100, 100, 100, 100, 1], 99, rng))
    if got != 4:
        raise Wrong(f"of 500 samples 100 are at each of 4 centres, a single one at the fifth: it counts {got} modes.")


@modes_captured.check("near is round", catches="G10")
def _(modes_captured, rng):
    for away, near in (((2.5, 2.5), False), ((2.0, 2.0), True), ((2.9, 0.0), True), ((0.0, 3.2), False)):
        got = _count(modes_captured, np.tile(CENTERS[1] + SD * np.array(away), (50, 1)))
        distance = np.hypot(*away)
        if got != near:
            raise Wrong(f"50 samples {away[0]} sd to the right of a centre and {away[1]} sd above it are "
                        f"{distance:.2f} sd away: it counts {got} modes.")


@modes_captured.check("1 % of all samples", catches="G10")
def _(modes_captured, rng):
    for counts, far, expected, words in (
            ([300, 10, 0, 0, 0], 690, 2, "10 of 1000 samples are 1 %"),
            ([300, 8, 0, 0, 0], 692, 1, "8 of 1000 samples are less than 1 %, though more than 1 % of those that are "
                                        "near a centre"),
            ([30, 2, 1, 0, 0], 67, 3, "1 and 2 of 100 samples are at least 1 %")):
        got = _count(modes_captured, _planted(counts, far, rng))
        if got != expected:
            raise Wrong(f"{words}: expected {expected} modes, it counts {got}.")


@modes_captured.check("another width, other dimensions")
def _(modes_captured, rng):
    got = _count(modes_captured, np.tile(CENTERS[0] + [0.25, 0.0], (50, 1)), sd=0.05)
    if got != 0:
        raise Wrong(f"samples 0.25 away from a centre of sd 0.05, which is 5 sd: it counts {got} modes.")
    got = _count(modes_captured, np.tile(CENTERS[0] + [0.6, 0.0], (50, 1)), sd=0.3)
    if got != 1:
        raise Wrong(f"samples 0.6 away from a centre of sd 0.3, which is 2 sd: it counts {got} modes.")
    centers = np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 5.0]])
    got = _count(modes_captured, np.repeat(centers, 20, axis=0), centers, 1.0)
    if got != 2:
        raise Wrong(f"samples at both of two centres in 3 dimensions: it counts {got}.")
