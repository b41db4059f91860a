"""Unit 8's practice exercises for the tests: a right solution of each, right but unusual ones, known wrong ones.

MUTANTS: exercise -> {misconception: (wrong solution, a word its check must say)}. In no wheel and no student bundle.
"""

import numpy as np

import nnlab
from course.check import read_unit
from course.labs.whodunit import suspects
from nnlab import functional as F
from nnlab import metrics
from nnlab.functional import binary_cross_entropy_with_logits as bce

SUSPECTS = suspects(read_unit("08_gans", "bugs.py").SCENES)


def jsd(p, q):
    m = (p + q) / 2
    total = 0.0
    for a in (p, q):
        there = a > 0
        total += np.sum(a[there] * np.log(a[there] / m[there]))
    return total / 2


def d_step(G, D, optimizer, real, noise):
    fake = G(noise(len(real))).detach()
    on_real, on_fake = D(real), D(fake)
    loss = bce(on_real, np.ones(on_real.shape)) + bce(on_fake, np.zeros(on_fake.shape))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def g_step(G, D, optimizer, n, noise):
    logits = D(G(noise(n)))
    loss = bce(logits, np.ones(logits.shape))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def modes_captured(samples, centers, sd):
    count = 0
    for center in centers:
        near = np.linalg.norm(samples - center, axis=1) <= 3 * sd
        count += near.mean() >= 0.01
    return count


SOLUTIONS = dict(jsd=jsd, d_step=d_step, g_step=g_step, modes_captured=modes_captured)


# Right, and written otherwise ----------------------------------------------------------------------------------------
def _looped_jsd(p, q):
    total = 0.0
    for a, b in zip(p.tolist(), q.tolist(), strict=True):
        m = (a + b) / 2
        total += (a * np.log(a / m) if a else 0) + (b * np.log(b / m) if b else 0)
    return 0.5 * total


def _entropy_jsd(p, q):
    entropy = lambda a: -np.sum(np.where(a > 0, a * np.log(np.where(a > 0, a, 1)), 0))
    return entropy((p + q) / 2) - (entropy(p) + entropy(q)) / 2


def _joined_d_step(G, D, optimizer, real, noise):
    with nnlab.no_grad():
        fake = G(noise(len(real))).data
    logits = D(np.concatenate([real, fake]))
    labels = np.r_[np.ones(len(real)), np.zeros(len(fake))][:, None]
    loss = 2 * bce(logits, labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return float(loss.item())


def _d_step_in_two(G, D, optimizer, real, noise):
    optimizer.zero_grad()
    on_real = D(real)
    first = bce(on_real, np.ones_like(on_real.data))
    first.backward()
    on_fake = D(G(noise(real.shape[0])).numpy())
    second = bce(on_fake, np.zeros_like(on_fake.data))
    second.backward()
    optimizer.step()
    return np.float64(first.item() + second.item())


def _tidied_d_step(G, D, optimizer, real, noise):
    on_real, on_fake = D(real), D(G(noise(len(real))))
    loss = bce(on_real, np.ones(on_real.shape)) - bce(-on_fake, np.ones(on_fake.shape)) * -1
    D.zero_grad()
    loss.backward()
    optimizer.step()
    G.zero_grad()
    return loss.item()


def _g_step_by_another_formula(G, D, optimizer, n, noise):
    z = noise(n)
    for p in G.parameters():
        p.zero_grad()
    logits = D(G(z))
    loss = bce(-logits, np.zeros(logits.shape))
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    D.zero_grad()
    return np.array(loss.item())


def _matrix_modes(samples, centers, sd):
    squares = np.square(samples[:, None, :] - centers[None]).sum(-1)
    return int(((squares <= 9 * sd**2).sum(0) >= 0.01 * len(samples)).sum())


BENIGN = dict(
    jsd=[_looped_jsd, _entropy_jsd, lambda p, q: F.js_divergence(p, q).item(),
         lambda p, q: jsd(p.astype(np.float32), q.astype(np.float32)),
         lambda p, q: np.array(jsd(np.array(p.tolist()), q))],
    d_step=[_joined_d_step, _d_step_in_two, _tidied_d_step],
    g_step=[_g_step_by_another_formula],
    modes_captured=[_matrix_modes, metrics.modes_captured,
                    lambda samples, centers, sd: float(modes_captured(samples.astype(np.float32), centers, sd))],
)


# Wrong ---------------------------------------------------------------------------------------------------------------
def _kl(a, b):
    there = a > 0
    return np.sum(a[there] * np.log(a[there] / b[there]))


def _naive_jsd(p, q):
    m = (p + q) / 2
    return np.sum(p * np.log(p / m) + q * np.log(q / m)) / 2


def _jsd_in_place(p, q):
    found = jsd(p, q)
    p += q
    p /= 2
    return found


def _stepper(y_real=1.0, share=1.0, zero=True, detach=True, loss=bce, squash=False, step=True, both=False,
             size=lambda n: n, keep=None, fake_too=True, redraw=False, ascend=False, gone=False,
             report=lambda loss: loss.item()):
    """d_step with one thing wrong."""
    kept = []

    def run(G, D, optimizer, real, noise):
        n = size(len(real))
        if keep == "first":
            kept[:] = kept or [noise(n)]
            z = kept[0]
        elif keep == "own":
            z = np.random.default_rng(0).normal(size=(n, 3))
        else:
            z = noise(n)
        fake = G(noise(n) if redraw else z)
        fake = fake.detach() if detach else fake
        judge = (lambda x: F.sigmoid(D(x))) if squash else D
        on_real, on_fake = judge(real), judge(fake)
        total = loss(on_real, np.full(on_real.shape, y_real))
        if fake_too:
            total = total + loss(on_fake, np.zeros(on_fake.shape))
        total = share * total
        if both:
            optimizer = nnlab.SGD([*G.parameters(), *D.parameters()], lr=optimizer.lr)
        if zero:
            optimizer.zero_grad()
        (-total if ascend else total).backward()
        if gone:
            optimizer.zero_grad()
        if step:
            optimizer.step()
        return report(total)

    return run


def _probability_loss(p, y):
    """Binary cross-entropy of probabilities, written down: ln 0 is nothing it knows of."""
    p = F.sigmoid(p)
    return -1.0 * (y * p.log() + (1 - y) * (1 - p).log()).mean()


def _clipped_loss(z, y):
    p = F.sigmoid(z)
    return -1.0 * (y * (p + 1e-12).log() + (1 - y) * (1 - p + 1e-12).log()).mean()


def _sum(z, y):
    return bce(z, y, reduction="sum")


def _pusher(label=1.0, share=1.0, zero=True, detach=False, loss=bce, squash=False, step=True, both=False,
            size=lambda n: n, keep=None, ascend=False, other=False, report=lambda loss: loss.item()):
    """g_step with one thing wrong."""
    kept = []

    def run(G, D, optimizer, n, noise):
        n = size(n)
        if keep == "first":
            kept[:] = kept or [noise(n)]
            z = kept[0]
        elif keep == "own":
            z = np.random.default_rng(0).normal(size=(n, 3))
        else:
            z = noise(n)
        fake = G(z).detach() if detach else G(z)
        logits = F.sigmoid(D(fake)) if squash else D(fake)
        total = share * loss(logits, np.full(logits.shape, label))
        if both or other:
            optimizer = nnlab.SGD([*(G.parameters() if both else []), *D.parameters()], lr=optimizer.lr)
        if zero:
            optimizer.zero_grad()
        (-total if ascend else total).backward()
        if step:
            optimizer.step()
        return report(total)

    return run


def _counter(norm=lambda d: np.linalg.norm(d, axis=-1), radius=3.0, share=0.01, of=len, more=np.greater_equal,
             per_sample=False, near_needed=True):
    """modes_captured with one thing wrong."""
    def count(samples, centers, sd):
        distances = norm(samples[:, None] - centers)
        near = distances <= radius * (sd if radius else 1) if near_needed else distances == distances.min(1)[:, None]
        counts = near.sum(0)
        return int(more(counts, share * (of(samples) if of is len else near.sum())).sum())

    return count


MUTANTS = dict(
    jsd={
        "G12 in bits": (lambda p, q: jsd(p, q) / np.log(2), "bits"),
        "G12 not halved": (SUSPECTS["jsd"]["G12 not halved"], "half"),
        "G12 its root": (SUSPECTS["jsd"]["G12 its root"], "root"),
        "G12 not halved, in bits": (lambda p, q: 2 * jsd(p, q) / np.log(2), "nothing in common: it says 2.0000"),
        "0 ln 0 is nan": (_naive_jsd, "nobody visits"),
        "KL of p from q": (lambda p, q: _kl(p, q), "nobody visits"),
        "KL both ways, halved": (lambda p, q: (_kl(p, q) + _kl(q, p)) / 2, "nobody visits"),
        "only p's part": (lambda p, q: _kl(p, (p + q) / 2), "both ways"),
        "only p's part, halved": (lambda p, q: _kl(p, (p + q) / 2) / 2, "expected ln 2"),
        "negative": (lambda p, q: -jsd(p, q), "not negative"),
        "the middle not halved": (SUSPECTS["jsd"]["the middle not halved"], "from itself"),
        "a small number added": (lambda p, q: _naive_jsd(p + 1e-3, q + 1e-3), "expected ln 2"),
        "a mean in place of a sum": (lambda p, q: jsd(p, q) / len(p), "expected ln 2"),
        "total variation": (lambda p, q: np.abs(p - q).sum() / 2, "in bits"),
        "number by number": (lambda p, q: np.where(p > 0, p, 0) * 0, "a single number"),
        "in place": (_jsd_in_place, "in place"),
    },
    d_step={
        "G1 nothing is detached": (_stepper(detach=False), "got a gradient"),
        "G1 one optimizer for both": (_stepper(detach=False, both=True), "have changed"),
        "G5 labels exchanged": (SUSPECTS["d_step"]["G5 labels exchanged"], "calling real ones fake"),
        "G5 everything real": (SUSPECTS["d_step"]["G5 everything real"], "the loss it returns"),
        "G7 a sigmoid too many": (_stepper(squash=True), "probability taken for a logit"),
        "G7 ln 0": (_stepper(loss=_probability_loss), "the logit 800"),
        "G7 ln of nearly 0": (_stepper(loss=_clipped_loss), "should be 800"),
        "G8 the same z for ever": (_stepper(keep="first"), "used again"),
        "G8 noise of its own": (_stepper(keep="own"), "never calls noise"),
        "B8 gradients of before": (_stepper(zero=False), "older gradient"),
        "gradients forgotten before the step": (_stepper(gone=True), "have not changed"),
        "uphill": (_stepper(ascend=True), "uphill"),
        "the negative loss": (_stepper(share=-1.0), "downhill"),
        "no step": (_stepper(step=False), "have not changed"),
        "a mean over both": (_stepper(share=0.5), "half"),
        "a sum": (_stepper(loss=_sum), "sum over the samples"),
        "only the fakes": (SUSPECTS["d_step"]["only the fakes"], "fakes alone"),
        "only the real ones": (_stepper(fake_too=False), "real ones alone"),
        "one fake": (_stepper(size=lambda n: 1), "asks for 1 fakes"),
        "a fixed number of fakes": (_stepper(size=lambda n: 64), "asks for 64"),
        "noise drawn twice": (_stepper(redraw=True), "2 times"),
        "half a step": (_stepper(share=0.5, report=lambda loss: 2 * loss.item()), "half as long"),
        "another loss is returned": (_stepper(report=lambda loss: loss.item() + 1), "before the step"),
        "nothing is returned": (_stepper(report=lambda loss: None), "not written"),
        "a whole array": (_stepper(report=lambda loss: np.ones(7)), "a single number"),
        "smoothed labels": (_stepper(y_real=0.9), "before the step"),
    },
    g_step={
        "G5 the fakes called fake": (_pusher(label=0.0), "helps the discriminator"),
        "G5 uphill": (_pusher(ascend=True), "helps the discriminator"),
        "G5 the negative loss": (_pusher(share=-1.0), "downhill"),
        "saturating": (_pusher(label=0.0, share=-1.0), "saturating"),
        "G4 one optimizer for both": (_pusher(both=True), "discriminator's weights have changed"),
        "G4 the discriminator's weights": (_pusher(other=True), "discriminator's weights have changed"),
        "G1 detached where it must not be": (_pusher(detach=True, zero=True), "does a gradient reach"),
        "G7 a sigmoid too many": (_pusher(squash=True), "probability taken for a logit"),
        "G7 ln 0": (_pusher(loss=_probability_loss), "the logit −800"),
        "G7 ln of nearly 0": (_pusher(loss=_clipped_loss), "should be 800"),
        "G8 the same z for ever": (_pusher(keep="first"), "used again"),
        "G8 noise of its own": (_pusher(keep="own"), "never calls noise"),
        "B8 gradients of before": (_pusher(zero=False), "older gradient"),
        "no step": (_pusher(step=False), "have not changed"),
        "a sum": (_pusher(loss=_sum), "a sum"),
        "one fake": (_pusher(size=lambda n: 1), "asks for 1 fakes"),
        "twice as many": (_pusher(size=lambda n: 2 * n), "asks for 14"),
        "another loss is returned": (_pusher(report=lambda loss: loss.item() / 2), "before the step"),
        "nothing is returned": (_pusher(report=lambda loss: None), "not written"),
    },
    modes_captured={
        "G10 a stray sample counts": (SUSPECTS["modes_captured"]["G10 a stray sample counts"],
                                      "a single one at the fifth"),
        "G10 the largest difference": (_counter(norm=lambda d: np.abs(d).max(-1)), "3.54 sd away"),
        "G10 the sum of the differences": (_counter(norm=lambda d: np.abs(d).sum(-1)), "2.83 sd away"),
        "G10 the squared distance": (_counter(norm=lambda d: np.square(d).sum(-1)), "3.54 sd away"),
        "G10 1 sd": (SUSPECTS["modes_captured"]["G10 1 sd"], "2.83 sd away"),
        "G10 2 sd": (_counter(radius=2.0), "sd away"),
        "3, not 3 sd": (lambda samples, centers, sd: modes_captured(samples, centers, 1.0), "not to be near"),
        "0.3, whatever sd": (lambda samples, centers, sd: modes_captured(samples, centers, 0.1), "5 sd"),
        "G10 the nearest, however far": (_counter(near_needed=False), "not to be near"),
        "1 % of those that are near": (_counter(of=sum), "near a centre"),
        "more than 1 %": (_counter(more=np.greater), "1 %"),
        "10 %": (_counter(share=0.1), "1 %"),
        "at least 10 samples": (_counter(share=0.0, more=lambda n, _: n >= 10), "of 100 samples"),
        "the share of modes": (lambda samples, centers, sd: modes_captured(samples, centers, sd) / len(centers),
                               "counts 1"),
        "the counts": (lambda samples, centers, sd: metrics.mode_counts(samples, centers, sd), "a single number"),
        "the good samples": (lambda samples, centers, sd: int(metrics.mode_counts(samples, centers, sd).sum()),
                             "counts"),
        "the modes that are missing": (SUSPECTS["modes_captured"]["the modes that are missing"], "counts"),
        "only two coordinates": (lambda samples, centers, sd: modes_captured(samples[:, :2], centers[:1, :2], sd),
                                 "counts 1"),
        "always 8": (lambda samples, centers, sd: 8, "counts 8"),
    },
)
