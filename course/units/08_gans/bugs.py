"""Unit 8's suspects for the game at the lesson's end. Each is also in the bank of wrong practice solutions."""

import numpy as np

from course.labs.gans import BestJudge, RingOfEight
from course.labs.whodunit import Bug, Scene
from nnlab.functional import binary_cross_entropy_with_logits as bce


# jsd -----------------------------------------------------------------------------------------------------------------
def kl(a, b):
    some = a > 0
    return np.sum(a[some] * np.log(a[some] / b[some]))


def not_halved(p, q):
    middle = (p + q) / 2
    return kl(p, middle) + kl(q, middle)


def its_root(p, q):
    middle = (p + q) / 2
    return np.sqrt(max(kl(p, middle) + kl(q, middle), 0) / 2)


def middle_not_halved(p, q):
    return (kl(p, p + q) + kl(q, p + q)) / 2


# d_step --------------------------------------------------------------------------------------------------------------
def judged(G, D, real, noise):
    return D(real), D(G(noise(len(real))).detach())


def down(optimizer, loss):
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def labels_exchanged(G, D, optimizer, real, noise):
    on_real, on_fake = judged(G, D, real, noise)
    return down(optimizer, bce(on_real, np.zeros(on_real.shape)) + bce(on_fake, np.ones(on_fake.shape)))


def everything_real(G, D, optimizer, real, noise):
    on_real, on_fake = judged(G, D, real, noise)
    return down(optimizer, bce(on_real, np.ones(on_real.shape)) + bce(on_fake, np.ones(on_fake.shape)))


def only_the_fakes(G, D, optimizer, real, noise):
    _, on_fake = judged(G, D, real, noise)
    return down(optimizer, bce(on_fake, np.zeros(on_fake.shape)))


# modes_captured ------------------------------------------------------------------------------------------------------
def near(samples, centers, radius):
    return np.linalg.norm(samples[:, None] - centers, axis=2) <= radius  # (N, K)


def a_stray_sample_counts(samples, centers, sd):
    return int(near(samples, centers, 3 * sd).any(axis=0).sum())


def within_1_sd(samples, centers, sd):
    return int((near(samples, centers, sd).mean(axis=0) >= 0.01).sum())


def the_missing_ones(samples, centers, sd):
    return int((near(samples, centers, 3 * sd).mean(axis=0) < 0.01).sum())


SCENES = (
    Scene(BestJudge, "jsd", values=dict(mu=2.0), steps=40, bugs=(
        Bug("G12 not halved", not_halved, "The sum of the two parts is not halved",
            "At 0 it is 2 ln 2, as it should be, but it falls twice as far: below 0 from a mean of about 2 on, and no "
            "loss is below 0."),
        Bug("G12 its root", its_root, "Its square root is taken",
            "It has a sharp peak at 0, where the right one is round, and it falls below 0 at the sides."),
        Bug("the middle not halved", middle_not_halved, "The middle of p and q is p + q, not halved",
            "Everywhere it is 2 ln 2 too high: at the sides it comes down to 2 ln 2, where it should come to 0, and "
            "the point lies far below “the best one”."),
    ), innocent="The top is 2 ln 2, at the sides it comes near 0, and the point that learns comes to lie on it, "
                "wherever you move the fakes."),
    Scene(RingOfEight, "d_step", steps=10, bugs=(
        Bug("G5 labels exchanged", labels_exchanged, "The labels of real and fake are exchanged",
            "D disbelieves the eight clumps and believes the place where the fakes are: so they stay away from the "
            "data."),
        Bug("G5 everything real", everything_real, "Real and fake both get the label 1",
            "D believes every place, and the fakes walk out of the picture: nobody tells them where not to be."),
        Bug("only the fakes", only_the_fakes, "Its loss is about the fakes alone",
            "D disbelieves every place, the eight clumps as well, and the fakes stay in a heap in the middle."),
    )),
    Scene(RingOfEight, "modes_captured", steps=30, bugs=(
        Bug("G10 a stray sample counts", a_stray_sample_counts, "A single sample is enough for a mode",
            "8 of 8 from the 70th round on, while the fakes are strewn all over and some 10 % of them are good."),
        Bug("G10 1 sd", within_1_sd, "Near is within 1 sd, not 3",
            "0 of 8, though there are fakes in most clumps, and more than a tenth of all fakes is good: within 3 sd."),
        Bug("the modes that are missing", the_missing_ones, "It counts the modes that are not found",
            "The curve begins high and falls while the fakes spread to the clumps."),
    )),
)
