"""Unit 8, generative adversarial networks: the visible checks of its graded exercises. They travel to students.

Each speaks about a symptom and never about the solution. The duel is played with two small nets, and every number that
a step moves is compared. Nothing is square, and no loss is asked for as many real ones as fakes where it could differ.
"""

import numpy as np

from course.exercise import Exercise, NotWritten, Wrong, close, shaped


def _several(got, count):
    """What came back, if it is so many things."""
    if not isinstance(got, tuple | list) or len(got) != count:
        what = f"{len(got)} things" if isinstance(got, tuple | list) else f"a {type(got).__name__}"
        raise Wrong(f"it returned {what}; expected {count}.")
    if any(part is None or part is ... for part in got):
        raise NotWritten
    return got


# The best judge ------------------------------------------------------------------------------------------------------
best_judge = Exercise("best_judge")


@best_judge.variant
def _(rng):
    real, second = float(rng.choice([0.45, 0.55, 0.65])), float(rng.choice([0.2, 0.25]))
    fake, fourth = float(rng.choice([0.1, 0.2])), float(rng.choice([0.3, 0.35]))
    return {"pA": real, "pB": second, "pC": round(1 - real - second, 2),
            "qA": fake, "qB": fourth, "qC": round(1 - fake - fourth, 2),
            "times": int(rng.integers(2, 5)), "kind": str(rng.choice(["two means", "one mean"])),
            "D": float(rng.choice([0.02, 0.03, 0.05, 0.08]))}


@best_judge.check("six numbers", points=0)
def _(best_judge, rng):
    got = best_judge()
    if isinstance(got, list | tuple) and any(number is None or number is ... for number in got):
        raise NotWritten
    got = shaped(got, (6,), "In this order: the best answer at A, what it pays, what it pays if fakes were "
                 "like real ones, the Jensen-Shannon divergence, and two slopes.")
    if not np.isfinite(got).all():
        raise Wrong("a number is nan or infinite.")


# A duel --------------------------------------------------------------------------------------------------------------
Duel = Exercise("Duel(G, D, noise, lr)")


@Duel.probe
def game(duel, G, D, latent, lr, rng, moves):
    """Two nets with these weights play the moves, ["D", real ones] or ["G", how many fakes]: what each left behind."""
    import numpy as np

    class Net:
        def __init__(self, weights):
            self.weights = [np.array(w) for w in weights]

        def forward(self, X):
            W, b, V, c = self.weights
            self.X, self.H = X, np.tanh(X @ W + b)
            return self.H @ V + c

        def backward(self, dY):
            dZ = dY @ self.weights[2].T * (1 - self.H**2)
            return dZ @ self.weights[0].T, [self.X.T @ dZ, dZ.sum(0), self.H.T @ dY, dY.sum(0)]

        def move(self, slopes, lr):
            self.weights = [w - lr * slope for w, slope in zip(self.weights, slopes)]

    drawn, seen, (one, other) = [], [], (Net(G), Net(D))

    def noise(n):
        drawn.append(int(n))
        return rng.normal(size=(n, latent))

    it = duel(one, other, noise, lr)
    for who, what in moves:
        before = len(drawn)
        loss = it.d_step(what) if who == "D" else it.g_step(what)
        seen.append({"loss": loss, "draws": drawn[before:], "G": [np.array(w) for w in one.weights],
                     "D": [np.array(w) for w in other.weights]})
    return {"first": drawn[:len(drawn) - sum(len(each["draws"]) for each in seen)], "seen": seen}


def _nets(rng):
    """A generator 2-4-3 and a discriminator 3-5-1 of logits."""
    return [[rng.normal(size=(i, h)), rng.normal(size=h), rng.normal(size=(h, o)), rng.normal(size=o)]
            for i, h, o in ((2, 4, 3), (3, 5, 1))]


def _through(weights, X):
    W, b, V, c = weights
    return np.tanh(X @ W + b) @ V + c


def _back(weights, X, dY):
    """The slopes for X, and for the weights."""
    W, b, V, _ = weights
    H = np.tanh(X @ W + b)
    dZ = dY @ V.T * (1 - H * H)
    return dZ @ W.T, [X.T @ dZ, dZ.sum(0), H.T @ dY, dY.sum(0)]


def _cost(logits, label):
    """The mean cross-entropy of one label, and its slopes."""
    p = 0.5 + 0.5 * np.tanh(0.5 * logits)
    return (np.logaddexp(0, logits) - label * logits).mean(), (p - label) / logits.size


LR = 0.5


def _played(duel, G, D, moves, seed=0):
    got = duel.run("game", G, D, 2, LR, np.random.default_rng(seed), moves)
    if any(each["loss"] is None or each["loss"] is ... for each in got["seen"]):
        raise NotWritten
    return got


def _changed(before, after):
    return any(not np.array_equal(a, b) for a, b in zip(before, after, strict=True))


@Duel.check("whose weights move", points=0.5, catches="G1 G4")
def _(duel, rng):
    (G, D), real = _nets(rng), rng.normal(size=(6, 3))
    for who, what in (("D", real), ("G", 7)):
        seen = _played(duel, G, D, [[who, what]])["seen"][0]
        step, still = ("d_step", "G") if who == "D" else ("g_step", "D")
        if _changed({"G": G, "D": D}[still], seen[still]):
            raise Wrong(f"after {step} the weights of {still} have changed. Whose turn is it?")
        if not _changed({"G": G, "D": D}[who], seen[who]):
            raise Wrong(f"after {step} the weights of {who} have not changed at all.")


@Duel.check("fresh fakes, as many as asked for", points=0.5, catches="G8")
def _(duel, rng):
    (G, D), real = _nets(rng), rng.normal(size=(6, 3))
    moves = [["D", real], ["G", 7], ["D", real[:4]], ["G", 3]]
    for (who, what), seen in zip(moves, _played(duel, G, D, moves)["seen"], strict=True):
        wanted = len(what) if who == "D" else what
        step = f"d_step with {wanted} real ones" if who == "D" else f"g_step({wanted})"
        if not seen["draws"]:
            raise Wrong(f"{step} never calls noise: which fakes does it use?")
        if len(seen["draws"]) > 1:
            raise Wrong(f"{step} calls noise {len(seen['draws'])} times; each fake is drawn once.")
        if seen["draws"] != [wanted]:
            raise Wrong(f"{step} asks for {seen['draws'][0]} z.")


def _z(seed, got, n):
    """The z of the first move, drawn once more."""
    rng = np.random.default_rng(seed)
    for size in got["first"]:
        if not 0 <= size <= 1000:
            raise Wrong(f"before the first step it asks for {size} z.")
        rng.normal(size=(size, 2))
    return rng.normal(size=(n, 2))


def _moved_right(before, after, slopes, who):
    """Did a net's weights go down these slopes? If not, how did they go?"""
    went = np.concatenate([np.ravel(a - b) for a, b in zip(after, before, strict=True)])
    right = -LR * np.concatenate([np.ravel(slope) for slope in slopes])
    if np.abs(went - right).max() <= 1e-5 * np.abs(right).max():
        return
    along = went @ right / (right @ right)
    if np.abs(went - along * right).max() <= 1e-5 * np.abs(went).max():
        raise Wrong(f"{who} went {-along:.2f} times as far as it should, and the wrong way." if along < 0 else
                    f"{who} went the right way, and {along:.2f} times as far as it should.")
    raise Wrong(f"the weights of {who} have moved, and not down the slopes of its loss. Which array does each slope "
                "belong to, and with what was it made?")


@Duel.check("a step of D, number by number", points=0.5, catches="G5")
def _(duel, rng):
    (G, D), real, seed = _nets(rng), rng.normal(size=(6, 3)), int(rng.integers(1 << 30))
    got = _played(duel, G, D, [["D", real]], seed)
    fake = _through(G, _z(seed, got, len(real)))
    (on_real, one), (on_fake, two) = (_cost(_through(D, part), label) for part, label in ((real, 1), (fake, 0)))
    close(got["seen"][0]["loss"], on_real + on_fake, "with 6 real ones and 6 fakes, d_step does not return what D pays "
          "before the step: a mean over the real ones and a mean over the fakes.")
    slopes = _back(D, np.concatenate([real, fake]), np.concatenate([one, two]))[1]
    _moved_right(D, got["seen"][0]["D"], slopes, "D")


@Duel.check("a step of G, number by number", points=0.5, catches="G5")
def _(duel, rng):
    (G, D), seed = _nets(rng), int(rng.integers(1 << 30))
    got = _played(duel, G, D, [["G", 7]], seed)
    z, after = _z(seed, got, 7), got["seen"][0]["G"]
    paid, slope = _cost(_through(D, _through(G, z)), 1)
    a_little = [w + 1e-3 * (moved - w) for w, moved in zip(G, after, strict=True)]
    if _cost(_through(D, _through(a_little, z)), 1)[0] > paid:
        raise Wrong("a little way along its step, the same z make fakes that D believes less. Whom does that help?")
    close(got["seen"][0]["loss"], paid, "with 7 fakes, g_step does not return what G pays before the step.")
    _moved_right(G, after, _back(G, z, _back(D, _through(G, z), slope)[0])[1], "G")


# Real against fake ---------------------------------------------------------------------------------------------------
relative_loss = Exercise("relative_loss(real, fake)")


@relative_loss.variant
def _(rng):
    return {"s": float(rng.choice([0.1, 0.2, 0.3])), "lead": float(rng.choice([0.5, 1.5, 2.0])),
            "total": str(rng.choice(["sum", "mean"]))}


def _relative(real, fake, variant):
    """The loss, and its slopes on both kinds of logits."""
    one, g = _cost(real - fake.mean() - variant["lead"], 1 - variant["s"])
    two, h = _cost(fake - real.mean() + variant["lead"], 0)
    share = 0.5 if variant["total"] == "mean" else 1
    return share * (one + two), share * (g - h.sum() / len(real)), share * (h - g.sum() / len(fake))


def _logits(rng, real=5, fake=3, size=1.5):
    return size * rng.normal(size=real), size * rng.normal(size=fake) - 0.5


@relative_loss.check("the loss", points=0.5, catches="G5")
def _(relative_loss, rng):
    real, fake = _logits(rng)
    close(_several(relative_loss(real, fake), 3)[0], _relative(real, fake, relative_loss.variant)[0],
          "5 real logits and 3 of fakes: the loss is off. Look at your s, at your lead and its sign, and at what is "
          "added up or averaged.")


@relative_loss.check("the slopes are those of your own loss", points=0.5)
def _(relative_loss, rng):
    logits = _logits(rng)
    got = _several(relative_loss(*logits), 3)
    moved = 0.0
    for side, (name, own) in enumerate(zip(("real", "fake"), got[1:], strict=True)):
        own, slopes = shaped(own, logits[side].shape, f"There is one slope for each {name} logit."), []
        for i in range(len(own)):
            ends = []
            for step in (1e-3, -1e-3):
                nudged = [logit.copy() for logit in logits]
                nudged[side][i] += step
                ends.append(float(_several(relative_loss(*nudged), 3)[0]))
            slopes.append((ends[0] - ends[1]) / 2e-3)
        moved = max(moved, np.abs(slopes).max())
        close(own, slopes, f"nudging a {name} logit changes your loss by something else than your slope says. In how "
              "many places does that logit stand? (Whether the loss itself is right, this check cannot see.)",
              rtol=2e-3)
    if moved == 0:
        raise Wrong("your loss does not depend on the logits at all.")


@relative_loss.check("a discriminator that is sure", points=0.5, catches="G7")
def _(relative_loss, rng):
    for far in (800.0, -800.0):
        real, fake = _logits(rng)
        real += far
        expected = _relative(real, fake, relative_loss.variant)
        got = _several(relative_loss(real, fake), 3)
        for part, right, what in zip(got, expected, ("loss is", "slopes of real are", "slopes of fake are"),
                                     strict=True):
            close(part, right, f"the real logits lie {'above' if far > 0 else 'below'} those of the fakes, by 800: the "
                  f"{what} off.")


# A census of the modes -----------------------------------------------------------------------------------------------
census = Exercise("census(samples, centers, sds, shares)")


@census.variant
def _(rng):
    return {"radius": float(rng.choice([2.0, 2.5, 3.0])), "least": float(rng.choice([0.25, 0.5, 0.75]))}


def _around(centers, sds, radii):
    """One sample for each (mode, radius in sd), in the direction in which all coordinates differ equally."""
    return np.array([centers[k] + sds[k] * r * np.ones(centers.shape[1]) / centers.shape[1]**0.5 for k, r in radii])


def _apart(p, q):
    both = np.stack([p, q])
    ratio = np.where(both > 0, both, 1) / np.where(both > 0, both.mean(0), 1)
    return 0.5 * (both * np.log(ratio)).sum()


CENTERS = np.array([[0.0, 0.0, 0.0], [9.0, 0.0, 1.0], [0.0, 8.0, 0.0], [-7.0, 1.0, 9.0]])
SDS = np.array([0.1, 0.5, 0.2, 1.0])
SHARES = np.array([0.5, 0.25, 0.125, 0.125])


@census.check("quality", points=0.5, catches="G10")
def _(census, rng):
    radius = census.variant["radius"]
    for factor, words, right in ((0.85, "within", 1.0), (1.15, "farther away than", 0.0)):
        samples = _around(CENTERS, SDS, [(k, factor * radius) for k in (0, 1, 2, 3, 1)])
        got = float(shaped(_several(census(samples, CENTERS, SDS, SHARES), 3)[0], ()))
        if not abs(got - right) < 1e-6:
            raise Wrong(f"five samples, all {words} {radius:g} sd of their centre: {factor * radius:.2f} times the "
                        f"sd of their own mode, in a straight line. It says a quality of {got:.3g}.")
    samples = _around(CENTERS, SDS, [(0, 1.0), (1, 1.0), (3, 0.5), (2, 50.0)])
    close(_several(census(samples, CENTERS, SDS, SHARES), 3)[0], 0.75,
          "three of four samples are good, and the quality is not 0.75.")


@census.check("captured", points=0.5, catches="G10")
def _(census, rng):
    radius, least = census.variant["radius"], census.variant["least"]
    enough = (least * SHARES * 64).astype(int)
    counts = [enough[0], enough[1] - 1, 1, enough[3] + 1]
    good = [(k, 0.8 * radius) for k, count in enumerate(counts) for _ in range(count)]
    samples = rng.permutation(_around(CENTERS, SDS, good + [(1, 1.2 * radius)] * (64 - len(good))))
    got = shaped(_several(census(samples, CENTERS, SDS, SHARES), 3)[1], (4,), "One answer for each mode.")
    if not np.isin(got, [0, 1]).all():
        raise Wrong("captured holds something else than True and False.")
    for k, words in enumerate(("exactly as many good samples as it needs", "one good sample too few, and many that are "
                               "just too far away", "one stray sample", "one good sample more than it needs")):
        if bool(got[k]) != (k in (0, 3)):
            raise Wrong(f"64 samples; a mode with a share of {SHARES[k]:g} has {words}: it says captured = "
                        f"{bool(got[k])}.")


@census.check("the distance", points=0.5, catches="G12")
def _(census, rng):
    counts = np.array([3, 9, 2, 6])
    samples = _around(CENTERS, SDS, [(k, 1.0) for k, count in enumerate(counts) for _ in range(count)])
    got = shaped(_several(census(rng.permutation(samples), CENTERS, SDS, SHARES), 3)[2], ())
    right = _apart(counts / counts.sum(), SHARES)
    for wrong, words in ((right / np.log(2), "is it in bits?"), (2 * right, "it is twice too large."),
                         (2 * right / np.log(2), "it is too large; is it in bits, too?"),
                         (right**0.5, "it is the root of the divergence.")):
        if abs(got - wrong) < 1e-6:
            raise Wrong(f"20 samples in four modes: {words}")
    close(got, right, "20 samples in four modes, all of them good: the Jensen-Shannon divergence between their shares "
          "and the modes' own is off.", rtol=1e-4)


# Packs ---------------------------------------------------------------------------------------------------------------
packs = Exercise("packs(real, fake, m, rng)")


def _tagged(n, d, side):
    """Samples that say what they are: real (1) or fake (-1), number, coordinate; in order, as in a sorted file."""
    return side * (1000.0 + 10 * np.arange(n)[:, None] + np.arange(d))


def _members(rows, d):
    """Is it real, and the numbers of its samples, for each pack. Wrong if a pack is no row of whole samples."""
    found, whole = [], np.round(rows).astype(int)
    if np.abs(rows - whole).max(initial=0) > 1e-2:
        raise Wrong("a pack holds numbers that are in no sample.")
    for row in whole.reshape(len(whole), -1, d):
        if len(np.unique(np.sign(row))) > 1:
            raise Wrong("in a pack there are real ones and fakes together: what is its label?")
        number, coordinate = np.divmod(np.abs(row) - 1000, 10)
        if (coordinate != np.arange(d)).any() or (number != number[:, :1]).any():
            raise Wrong("a pack does not hold whole samples, one after the other: x and y of the first, x and y of the "
                        "second, and so on.")
        found.append((row[0, 0] > 0, number[:, 0].tolist()))
    return found


def _packed(packs, rng, n, other, m, d):
    rows, labels = _several(packs(_tagged(n, d, 1), _tagged(other, d, -1), m, rng), 2)
    many = n // m + other // m
    rows = shaped(rows, (many, m * d), f"{n} real ones and {other} fakes, in packs of {m}: as many packs as can be "
                  "filled with one kind.")
    return _members(rows, d), shaped(labels, (many,), "One label for each pack.")


@packs.check("whole samples, one kind in each pack, and its label", points=0.5, catches="G5")
def _(packs, rng):
    found, labels = _packed(packs, rng, 11, 7, 3, 2)
    for (is_real, _), label in zip(found, labels, strict=True):
        if label not in (0, 1):
            raise Wrong(f"a label is {label}; labels are 1 and 0.")
        if bool(label) != is_real:
            raise Wrong(f"a pack of {'real ones' if is_real else 'fakes'} has the label {label:g}.")


@packs.check("each at most once, by chance", points=0.5)
def _(packs, rng):
    found, _ = _packed(packs, rng, 41, 26, 3, 2)
    for is_real in (True, False):
        packed = [numbers for kind, numbers in found if kind == is_real]
        used = [number for numbers in packed for number in numbers]
        what = "real ones" if is_real else "fakes"
        if len(packed) != (13 if is_real else 8):
            raise Wrong(f"41 real ones and 26 fakes in packs of 3: it makes {len(packed)} packs of {what}.")
        if len(set(used)) < len(used):
            raise Wrong(f"some of the {what} stand in the packs more than once.")
        if sum(max(numbers) - min(numbers) == 2 for numbers in packed) > len(packed) // 2:
            raise Wrong(f"the {what} came in order, and neighbours are together in their packs. D would see how the "
                        "file was sorted.")
