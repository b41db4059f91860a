"""Unit 8's hidden checks. Their titles and symptoms are all of them that a student ever sees: say what goes wrong, not
with which numbers. What a failed one says here, only an instructor reads."""

import numpy as np

from course.exercise import Exercise, Wrong, close, shaped

# The best judge ------------------------------------------------------------------------------------------------------
best_judge = Exercise("best_judge")


def _answers(variant):
    """The six numbers: w and v are what a real one and a fake weigh in the loss."""
    p, q = (np.array([variant[side + place] for place in "ABC"]) for side in "pq")
    w, v = (1, 1) if variant["kind"] == "two means" else np.array([1, variant["times"]]) / (1 + variant["times"])
    best = w * p / (w * p + v * q)
    pays = -(w * p * np.log(best) + v * q * np.log(1 - best)).sum()
    alike = -(w * np.log(w / (w + v)) + v * np.log(v / (w + v)))
    m = (p + q) / 2
    return [best[0], pays, alike, (p * np.log(p / m) + q * np.log(q / m)).sum() / 2,
            -variant["D"], variant["D"] - 1]


def _right(best_judge, place):
    got = shaped(best_judge(), (6,))[place]
    if not abs(got - _answers(best_judge.variant)[place]) <= 1e-4:  # four decimals are asked for
        raise Wrong(f"{got:.5g}")


for _place, _title, _catches, _symptom in (
        (0, "the best answer", "",
         "The best answer at A is off. What does a real one there cost, what a fake, and how much does each of them "
         "weigh in your loss?"),
        (1, "what the best one pays", "",
         "What the best discriminator pays is off. Each place costs by how often real ones and fakes are there, and by "
         "how much they weigh."),
        (2, "nothing to tell apart", "",
         "What it pays when fakes are like real ones is off. Which answer is the best then, and is it the same for "
         "both kinds of loss?"),
        (3, "the divergence", "G12",
         "The Jensen-Shannon divergence is off. It compares the two distributions, whatever the loss: natural "
         "logarithm, and half of two sums."),
        (4, "the saturating slope", "G5",
         "The first slope is off: that of ln(one minus D) on the logit of a fake."),
        (5, "the other slope", "G5",
         "The second slope is off: that of minus ln D on the logit of a fake.")):
    best_judge.check(_title, points=0.5, catches=_catches, symptom=_symptom)(
        lambda call, rng, place=_place: _right(call, place))


# A duel --------------------------------------------------------------------------------------------------------------
Duel = Exercise("Duel(G, D, noise, lr)")


@Duel.probe
def tournament(duel, games, seed, moves):
    """Several games, [G, D, latent, lr], whose moves [game, who, what] take turns: what each move left behind."""
    import numpy as np

    class Network:
        def __init__(self, weights):
            self.weights = [np.array(w) for w in weights]

        def forward(self, X):
            self.X = X
            self.H = np.tanh(X @ self.weights[0] + self.weights[1])
            return self.H @ self.weights[2] + self.weights[3]

        def backward(self, dY):
            dZ = (1 - self.H**2) * (dY @ self.weights[2].T)
            slopes = [self.X.T @ dZ, dZ.sum(0), self.H.T @ dY, dY.sum(0)]
            return dZ @ self.weights[0].T, slopes

        def move(self, slopes, lr):
            self.weights = [w - lr * slope for w, slope in zip(self.weights, slopes)]

    drawn, tables = [], []

    def source(number, latent):
        rng = np.random.default_rng([seed, number])

        def noise(n):
            drawn.append(int(n))
            return rng.normal(size=(n, latent))

        return noise

    for number, (G, D, latent, lr) in enumerate(games):
        one, other = Network(G), Network(D)
        tables.append((one, other, duel(one, other, source(number, latent), lr)))
    record, first = [], len(drawn)
    for number, who, what in moves:
        one, other, it = tables[number]
        before = len(drawn)
        loss = it.d_step(what) if who == "D" else it.g_step(what)
        record.append({"loss": loss, "draws": drawn[before:],
                       "weights": [np.array(w) for w in [*one.weights, *other.weights]]})
    return {"first": first, "record": record}


def _weights(rng, sizes, scale=1.0):
    i, h, o = sizes
    return [scale * rng.normal(size=(i, h)), rng.normal(size=h), rng.normal(size=(h, o)), rng.normal(size=o)]


def _out(net, X):
    return np.tanh(X @ net[0] + net[1]) @ net[2] + net[3]


def _slopes(net, X, dY):
    H = np.tanh(X @ net[0] + net[1])
    dZ = dY @ net[2].T * (1 - H**2)
    return dZ @ net[0].T, [X.T @ dZ, dZ.sum(0), H.T @ dY, dY.sum(0)]


def _paid(logits, label):
    return (np.logaddexp(0, logits) - label * logits).mean(), ((1 + np.tanh(logits / 2)) / 2 - label) / len(logits)


def _step(G, D, latent, lr, rng, who, what):
    """A right step: the loss before it, and both nets after it."""
    z = rng.normal(size=(what if who == "G" else len(what), latent))
    fake = _out(G, z)
    if who == "G":
        loss, dY = _paid(_out(D, fake), 1)
        down = _slopes(D, fake, dY)[0]
        return loss, [w - lr * s for w, s in zip(G, _slopes(G, z, down)[1], strict=True)], D
    (one, d_real), (two, d_fake) = _paid(_out(D, what), 1), _paid(_out(D, fake), 0)
    both = zip(_slopes(D, what, d_real)[1], _slopes(D, fake, d_fake)[1], strict=True)
    return one + two, G, [w - lr * (s + t) for w, (s, t) in zip(D, both, strict=True)]


def _as_it_should(duel, rng, games, moves):
    seed = int(rng.integers(1 << 30))
    got = duel.run("tournament", games, seed, moves)
    if got["first"]:
        raise Wrong("draws before the first step")
    state = [[G, D] for G, D, *_ in games]
    chance = [np.random.default_rng([seed, number]) for number in range(len(games))]
    for (number, who, what), seen in zip(moves, got["record"], strict=True):
        if seen["draws"] != [what if who == "G" else len(what)]:
            raise Wrong("draws")
        loss, *state[number] = _step(*state[number], *games[number][2:], chance[number], who, what)
        close(seen["loss"], loss, f"the loss of {who}")
        for net, right in zip((seen["weights"][:4], seen["weights"][4:]), state[number], strict=True):
            close(np.concatenate([np.ravel(w) for w in net]), np.concatenate([w.ravel() for w in right]),
                  f"weights after a step of {who}")


@Duel.check("many rounds, other sizes", points=1, catches="G1 G4 G5 G8",
            symptom="Over several rounds, with other sizes of nets and batches, a net that should rest is moved, a net "
            "goes elsewhere than its slopes say, or fakes are used again.")
def _(duel, rng):
    for latent, d, lr in ((3, 2, 0.2), (1, 4, 0.7)):
        game = [_weights(rng, (latent, 5, d)), _weights(rng, (d, 3, 1)), latent, lr]
        moves = [[0, "D", rng.normal(size=(8, d))], [0, "G", 5], [0, "G", 1], [0, "D", rng.normal(size=(2, d))],
                 [0, "D", rng.normal(size=(1, d))]]
        _as_it_should(duel, rng, [game], moves)


@Duel.check("a discriminator that is sure", points=1, catches="G7",
            symptom="When D is very sure, rightly or wrongly, a loss becomes infinite or stops growing, or a step is "
            "off. What is the loss of a large logit, and where do slopes go that are not yet small?")
def _(duel, rng):
    for far in (-800.0, 800.0, -30.0):
        for who, what in (("D", rng.normal(size=(5, 3))), ("G", 6)):
            D = _weights(rng, (3, 4, 1))
            D[3] = np.array([far])
            _as_it_should(duel, rng, [[_weights(rng, (2, 4, 3)), D, 2, 0.1]], [[0, who, what]])


@Duel.check("two games that take turns", points=1, catches="G4 G8",
            symptom="Two games at once, each with its own nets, disturb each other, or a player who has several steps "
            "in a row goes wrong.")
def _(duel, rng):
    games = [[_weights(rng, (2, 3, 4)), _weights(rng, (4, 5, 1)), 2, 0.3],
             [_weights(rng, (3, 5, 2)), _weights(rng, (2, 4, 1)), 3, 0.05]]
    real = [rng.normal(size=shape) for shape in ((6, 2), (3, 2), (5, 4))]
    moves = [[0, "G", 4], [1, "G", 7], [0, "G", 4], [1, "D", real[0]], [1, "D", real[1]], [0, "D", real[2]],
             [1, "G", 2]]
    _as_it_should(duel, rng, games, moves)


# Real against fake ---------------------------------------------------------------------------------------------------
relative_loss = Exercise("relative_loss(real, fake)")


def _both(real, fake, variant):
    """The loss, by the sum over all; the slopes, through both means."""
    ahead = real - fake.mean() - variant["lead"], fake - real.mean() + variant["lead"]
    (one, g), (two, h) = ((np.mean(np.logaddexp(0, t) - y * t), ((1 + np.tanh(t / 2)) / 2 - y) / len(t))
                          for t, y in zip(ahead, (1 - variant["s"], 0), strict=True))
    total = np.array([one + two, *(g - h.sum() / len(g)), *(h - g.sum() / len(h))])
    return total / (2 if variant["total"] == "mean" else 1)


def _whole(relative_loss, real, fake, loss=True, slopes=True):
    got = relative_loss(real, fake)
    if not isinstance(got, tuple | list) or len(got) != 3:
        raise Wrong("not three things")
    right = _both(real, fake, relative_loss.variant)
    if loss:
        close(got[0], right[0], "the loss is off")
    for part, expected in zip(got[1:], np.split(right[1:], [len(real)]), strict=True):
        if slopes:
            close(part, expected, "a slope is off")


SIZES = (4, 7), (9, 2), (1, 5), (6, 1), (1, 1)


@relative_loss.check("the loss, for other sizes", points=1, catches="G5",
                     symptom="For other numbers of real ones and fakes, or for a single one, the loss is off.")
def _(relative_loss, rng):
    for n, m in SIZES:
        _whole(relative_loss, rng.normal(size=n) + 1, 2 * rng.normal(size=m), slopes=False)


@relative_loss.check("the slopes, for other sizes", points=1, catches="G5",
                     symptom="For other numbers of real ones and fakes, or for a single one, a slope is off, whether "
                     "it fits your loss or not.")
def _(relative_loss, rng):
    for n, m in SIZES:
        _whole(relative_loss, rng.normal(size=n) + 1, 2 * rng.normal(size=m), loss=False)


@relative_loss.check("logits of every size", points=0.5, catches="G7",
                     symptom="With logits in the thousands beside small ones, or all of them tiny, there is a nan, or "
                     "the loss or a slope is off.")
def _(relative_loss, rng):
    _whole(relative_loss, np.array([3e3, -2e3, 0.5, 40.0]) * rng.uniform(0.9, 1.1, 4), rng.normal(size=6))
    _whole(relative_loss, rng.normal(size=5), np.array([1e4, -35.0, 0.1]) * rng.uniform(0.9, 1.1, 3))
    _whole(relative_loss, 1e-4 * rng.normal(size=4), 1e-4 * rng.normal(size=6))


# A census of the modes -----------------------------------------------------------------------------------------------
census = Exercise("census(samples, centers, sds, shares)")


def _divergence(p, q):
    m = (p + q) / 2
    total = 0.0
    for one in (p, q):
        total += sum(a * np.log(a / b) for a, b in zip(one, m, strict=True) if a > 0) / 2
    return total


def _counted(samples, centers, sds, shares, variant):
    apart = np.linalg.norm(samples[:, None] - centers, axis=2) / sds
    home, good = apart.argmin(1), apart.min(1) <= variant["radius"]
    modes = len(centers)
    fine = np.bincount(home[good], minlength=modes)
    return (good.mean(), fine >= variant["least"] * shares * len(samples),
            _divergence(np.bincount(home, minlength=modes) / len(samples), shares))


def _agree(census, samples, centers, sds, shares):
    got = census(samples, centers, sds, shares)
    if not isinstance(got, tuple | list) or len(got) != 3:
        raise Wrong("not three things")
    quality, captured, distance = _counted(samples, centers, sds, shares, census.variant)
    close(got[0], quality, "quality", rtol=1e-4)
    if (shaped(got[1], captured.shape) != captured).any():
        raise Wrong("captured")
    if not abs(float(shaped(got[2], ())) - distance) < 1e-6:
        raise Wrong("distance")


def _planted(rng, centers, sds, radius, counts):
    """Samples in each mode, good ones and some that are too far away, none of them near the border, in no order."""
    made = []
    for center, sd, (near, far) in zip(centers, sds, counts, strict=True):
        lengths = np.concatenate([rng.uniform(0.3, 0.9, near), rng.uniform(1.1, 1.4, far)]) * radius * sd
        ways = rng.normal(size=(near + far, len(center)))
        made.append(center + lengths[:, None] * ways / np.linalg.norm(ways, axis=1, keepdims=True))
    return rng.permutation(np.concatenate(made))


@census.check("a wide mode beside a narrow one", points=0.5, catches="G10",
              symptom="Where a wide mode lies beside a narrow one, a sample is given to the wrong one of them: near is "
              "meant in standard deviations of the mode.")
def _(census, rng):
    centers, sds = np.array([[0.0, 0.0], [2.0, 0.0], [0.0, -9.0]]), np.array([0.1, 1.0, 0.4])
    between = np.array([[0.7, 0.1], [0.8, -0.1], [0.75, 0.0]])
    samples = np.concatenate([between, _planted(rng, centers, sds / 4, census.variant["radius"], [(6, 0)] * 3)])
    _agree(census, rng.permutation(samples), centers, sds, np.array([0.3, 0.5, 0.2]))


@census.check("samples by chance, in more dimensions", points=1, catches="G10 G12",
              symptom="For other numbers of modes and dimensions, with stray samples and samples that are just too far "
              "away, the quality, the modes captured or the distance is off.")
def _(census, rng):
    for modes, d in ((5, 2), (3, 4), (7, 1)):
        centers = np.zeros((modes, d))
        centers[:, 0] = 30 * rng.permutation(modes)
        sds, shares = rng.uniform(0.2, 1.5, modes), rng.dirichlet(np.full(modes, 4.0))
        enough = (census.variant["least"] * shares * 150).astype(int) + rng.choice([-1, 2], modes)
        counts = [(max(0, near), far) for near, far in zip(enough, rng.integers(0, 4, modes), strict=True)]
        counts[0] = (counts[0][0], counts[0][1] + max(0, 150 - np.sum(counts)))
        samples = _planted(rng, centers, sds, census.variant["radius"], counts)
        _agree(census, samples, centers, sds, shares)


@census.check("modes that nobody visits", points=1, catches="G10 G12",
              symptom="Where a mode has no samples, or not one sample is good, something becomes nan or is off.")
def _(census, rng):
    centers, sds = np.array([[0.0, 0.0], [9.0, 0.0], [0.0, 9.0], [9.0, 9.0]]), np.array([0.3, 0.5, 0.4, 0.8])
    shares = np.array([0.4, 0.3, 0.2, 0.1])
    none = (0, 0)
    for counts in ([(7, 0), none, none, (12, 1)], [(0, 5), (0, 2), none, (0, 3)], [none, (11, 0), none, none]):
        _agree(census, _planted(rng, centers, sds, census.variant["radius"], counts), centers, sds, shares)


# Packs ---------------------------------------------------------------------------------------------------------------
packs = Exercise("packs(real, fake, m, rng)")


def _marked(n, d, first):
    return first + np.arange(n)[:, None] + np.arange(d) / 10


def _groups(packs, rng, n, other, m, d):
    """Which samples are together in a pack; Wrong if it is not as it should be."""
    got = packs(_marked(n, d, 1), _marked(other, d, 501), m, rng)
    if not isinstance(got, tuple | list) or len(got) != 2:
        raise Wrong("not two things")
    rows = shaped(got[0], (n // m + other // m, m * d)).reshape(-1, m, d)
    labels, numbers = shaped(got[1], (len(rows),)), np.round(rows[:, :, 0]).astype(int)
    close(rows, numbers[:, :, None] + np.arange(d) / 10, "no whole samples")
    if len(np.unique(numbers)) < numbers.size:
        raise Wrong("a sample is there twice")
    if ((numbers < 500) != (labels == 1)[:, None]).any() or not np.isin(labels, [0, 1]).all():
        raise Wrong("kinds and labels do not agree")
    if (labels == 1).sum() != n // m:
        raise Wrong("too few of one kind")
    return {frozenset(row) for row in numbers.tolist()}


@packs.check("other sizes", points=0.5, catches="G5",
             symptom="For other numbers of samples, coordinates and places in a pack, or where one kind cannot fill "
             "any, the packs or their labels are off.")
def _(packs, rng):
    for n, other, m, d in ((8, 8, 4, 3), (5, 9, 1, 2), (2, 13, 3, 1), (10, 3, 4, 2), (6, 6, 2, 5)):
        _groups(packs, rng, n, other, m, d)


@packs.check("who is with whom, and who is left out", points=0.5,
             symptom="Who is together with whom, and who is left out, must be drawn by rng and nothing else, anew at "
             "each call.")
def _(packs, rng):
    seed = int(rng.integers(1 << 30))
    one, same, other = (_groups(packs, np.random.default_rng(s), 20, 17, 3, 2) for s in (seed, seed, seed + 1))
    if one != same:
        raise Wrong("not from rng")
    if one == other:
        raise Wrong("always the same")
    left, together = set(), set()
    for i in range(8):
        found = _groups(packs, np.random.default_rng([seed, i]), 20, 17, 3, 2)
        left |= {*range(1, 21), *range(501, 518)} - frozenset().union(*found)
        together |= {frozenset(pair) for pack in found for pair in zip(sorted(pack), sorted(pack)[1:], strict=False)}
    if len(left & set(range(1, 21))) < 5 or len(left & set(range(501, 518))) < 5:
        raise Wrong("always the same are left out")
    if len(together) < 60:
        raise Wrong("always the same are together")
