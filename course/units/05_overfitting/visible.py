"""Unit 5, overfitting: the visible checks of its practice exercises. They travel to students.

Each speaks about a symptom and never about the solution. p is never 0.5, pictures are never square, the three sets of
data never of one size: so a swapped probability, axis or set shows.
"""

import numpy as np

from course.exercise import Exercise, Wrong, close, shaped

P = 0.2


dropout = Exercise("dropout(x, p, training, rng)")


@dropout.check("out of training nothing happens", catches="F4")
def _(dropout, rng):
    x = rng.normal(size=(5, 3))
    got = shaped(dropout(x, P, False, np.random.default_rng(0)), (5, 3), "x of that shape went in.")
    if (got == 0).any():
        raise Wrong("with training=False it still makes some numbers 0: the finished network would answer by chance.")
    close(got, x, "with training=False every number must come out as it went in: there is nothing to make up for.")


@dropout.check("the share that becomes 0", catches="F2")
def _(dropout, rng):
    got = shaped(dropout(np.ones((200, 100)), P, True, np.random.default_rng(1)), (200, 100))
    share = (got == 0).mean()
    if abs(share - (1 - P)) < 0.02:
        raise Wrong(f"for p = 0.2 it makes {share:.0%} of the numbers 0. p is the probability of which of the two?")
    if abs(share - P) > 0.02:
        raise Wrong(f"for p = 0.2, in training, {share:.1%} of 20,000 numbers became 0; expected about 20 %.")


@dropout.check("the mean stays", catches="F1")
def _(dropout, rng):
    got = shaped(dropout(np.ones((200, 100)), P, True, np.random.default_rng(2)), (200, 100))
    mean = got.mean()
    if abs(mean - 1) > 0.05:
        raise Wrong(f"20,000 ones go in and the mean of what comes out is {mean:.2f}. The next layer expects as much "
                    "in training as it will get from the finished network.")


@dropout.check("what is kept keeps its proportion", catches="F1")
def _(dropout, rng):
    x = rng.uniform(1, 2, (40, 30))
    got = shaped(dropout(x, P, True, np.random.default_rng(3)), (40, 30))
    ratios = got[got != 0] / x[got != 0]
    if len(ratios) and np.ptp(ratios) > 1e-5:
        raise Wrong(f"the numbers that stay are multiplied by anything from {ratios.min():.2f} to {ratios.max():.2f}: "
                    "all of them must be multiplied by the same.")
    close(ratios, np.full(len(ratios), 1 / (1 - P)),
          f"for p = 0.2 the numbers that stay are multiplied by {ratios[:1].mean():.3f}: then the mean over all draws "
          "is not the number that went in.")


@dropout.check("every number has its own chance")
def _(dropout, rng):
    kept = shaped(dropout(np.ones((30, 40)), P, True, np.random.default_rng(4)), (30, 40)) != 0
    for axis, words in ((0, "all examples lose the same neurons"), (1, "an example loses all of its numbers or none")):
        if (kept == kept.take([0], axis)).all():
            raise Wrong(f"one draw is used over and over: {words}.")


@dropout.check("chance comes from rng")
def _(dropout, rng):
    draw = lambda generator: np.asarray(dropout(np.ones((20, 30)), P, True, generator))
    if not (draw(np.random.default_rng(5)) == draw(np.random.default_rng(5))).all():
        raise Wrong("two generators with the same seed give two different answers: where does the chance come from?")
    generator = np.random.default_rng(6)
    if (draw(generator) == draw(generator)).all():
        raise Wrong("two calls drop exactly the same numbers: each step of a training must draw anew.")


early_stopping = Exercise("early_stopping(training, patience)")


class _Net:
    """A training as the exercise gets it: the weights are one array that each epoch writes into."""

    def __init__(self, losses):
        self.losses, self.seen = losses, 0
        self.history = [np.array([10.0 * epoch, 1.0, -epoch]) for epoch in range(len(losses))]

    def __iter__(self):
        weights = np.zeros(3)
        for now, loss in zip(self.history, self.losses, strict=True):
            weights[:] = now
            self.seen += 1
            yield weights, loss
        weights[:] = np.nan  # whoever holds on to this array holds whatever the net does next


def _answer(early_stopping, losses, patience):
    """(weights, epoch, the training): what the function made of these losses."""
    net = _Net(losses)
    got = early_stopping(iter(net), patience)
    if not isinstance(got, tuple | list) or len(got) != 2:
        raise Wrong(f"it returned a {type(got).__name__}; expected two things: the best weights, and their epoch.")
    if got[0] is None:
        raise Wrong("the weights it returned are None: has it kept none on the way?")
    return shaped(got[0], (3,), "The weights are 3 numbers here."), shaped(got[1], (), "The epoch is one number."), net


EASY = [5.0, 4.0, 3.5, 3.0, 3.2, 3.4, 2.0, 1.0]  # best 3, and with patience 2 the last two are never seen


@early_stopping.check("the best epoch", catches="F9")
def _(early_stopping, rng):
    _, epoch, net = _answer(early_stopping, EASY, 2)
    if epoch in (5, 6) and net.seen <= 6:
        raise Wrong(f"losses 5, 4, 3.5, 3, 3.2, 3.4 with patience 2: it says {epoch}. That is where one stops, not "
                    "where it was best.")
    if epoch == 4:
        raise Wrong("losses 5, 4, 3.5, 3, 3.2, 3.4 with patience 2: it says 4. The first epoch has the number 0.")
    if epoch != 3:
        raise Wrong(f"losses 5, 4, 3.5, 3, 3.2, 3.4 with patience 2: it says {epoch:g}; the lowest is at epoch 3.")


@early_stopping.check("the weights of that epoch", catches="F9")
def _(early_stopping, rng):
    weights, _, net = _answer(early_stopping, EASY, 2)
    for epoch, then in enumerate(net.history):
        if epoch != 3 and np.allclose(weights, then):
            raise Wrong(f"the best epoch is 3, and the weights it returns are those of epoch {epoch}. If you stored "
                        "them at epoch 3: are they still what they were?")
    if not np.isfinite(weights).all():
        raise Wrong("the weights it returns have changed since: the net goes on working with its own array.")
    close(weights, net.history[3], "these are the weights of none of the epochs.")


@early_stopping.check("it stops in time")
def _(early_stopping, rng):
    for losses, patience, expected in ((EASY, 2, 6), ([2.0, 1.0, 3.0, 0.5, 0.4], 1, 3), ([2, 1, 3, 3, 3, 0, 0], 3, 5),
                                       ([2.0, 1.0, 1.0, 1.0, 0.5], 2, 4)):
        *_, net = _answer(early_stopping, losses, patience)
        words = f"losses {', '.join(f'{x:g}' for x in losses)}, patience {patience}: it looked at {net.seen} epochs"
        if net.seen > expected:
            raise Wrong(f"{words}, {net.seen - expected} more than its patience allows.")
        if net.seen < expected:
            raise Wrong(f"{words}, {expected - net.seen} fewer than its patience allows.")


@early_stopping.check("patience counts epochs without a new lowest loss")
def _(early_stopping, rng):
    _, epoch, net = _answer(early_stopping, [3.0, 1.0, 2.0, 1.5, 1.2, 1.1, 0.5, 0.4], 3)
    if net.seen > 5 or epoch != 1:
        raise Wrong("losses 3, 1, 2, 1.5, 1.2, ... with patience 3: after the 1 nothing is lower for three epochs, "
                    f"though they fall again. It went on to epoch {net.seen - 1} and says {epoch:g}.")
    _, epoch, _ = _answer(early_stopping, [3.0, 2.0, 2.5, 1.0, 1.5, 0.5, 0.8, 0.9], 2)
    if epoch != 5:
        raise Wrong(f"losses 3, 2, 2.5, 1, 1.5, 0.5, 0.8, 0.9 with patience 2: it says {epoch:g}; a new lowest loss at "
                    "1 and at 3 should have renewed its patience.")


@early_stopping.check("a training that ends by itself")
def _(early_stopping, rng):
    weights, epoch, net = _answer(early_stopping, [3.0, 1.0, 2.0], 10)
    if epoch != 1:
        raise Wrong(f"losses 3, 1, 2, then the training is over: it says {epoch:g}.")
    close(weights, net.history[1], "losses 3, 1, 2, then the training is over: the weights are not those of epoch 1.")


@early_stopping.check("losses of any size")
def _(early_stopping, rng):
    for losses in ([5e6, 3e6, 4e6, 4e6], [-1.0, -3.0, -2.0, -2.0]):
        _, epoch, _ = _answer(early_stopping, losses, 2)
        if epoch != 1:
            raise Wrong(f"losses {', '.join(f'{x:g}' for x in losses)}: it says {epoch:g}; the lowest is at epoch 1.")


random_shift = Exercise("random_shift(images, most, rng)")
MOST = 2


def _moved(images, down, right, wrap=False):
    if wrap:
        return np.roll(images, (down, right), (1, 2))
    _, height, width = images.shape
    out = np.zeros_like(images)
    out[:, max(down, 0):height + min(down, 0), max(right, 0):width + min(right, 0)] = (
        images[:, max(-down, 0):height + min(-down, 0), max(-right, 0):width + min(-right, 0)])
    return out


def _shifts(images, got, most, wrap=False):
    """By how much each image was moved, (down, right), or None where no whole shift explains it."""
    found = [None] * len(images)
    for way in [(down, right) for down in range(-most, most + 1) for right in range(-most, most + 1)]:
        for i in np.flatnonzero(np.abs(_moved(images, *way, wrap) - got).max((1, 2)) < 1e-5):
            found[i] = found[i] or way
    return found


def _batch(random_shift, rng, n=6, most=MOST, seed=0):
    images = rng.uniform(0.1, 1, (n, 6, 9))
    return images, shaped(random_shift(images, most, np.random.default_rng(seed)), (n, 6, 9),
                          f"{n} images of 6 x 9 pixels went in.")


@random_shift.check("no shift leaves all as it was")
def _(random_shift, rng):
    images, got = _batch(random_shift, rng, most=0)
    close(got, images, "with most = 0 every image must stay exactly as it is.")


@random_shift.check("each image is itself, moved, with 0 coming in", catches="wrap")
def _(random_shift, rng):
    images, got = _batch(random_shift, rng, 60)
    if None not in _shifts(images, got, MOST):
        return
    if None not in _shifts(images, got, MOST, wrap=True):
        raise Wrong("what leaves on one side comes in again on the other: a stroke from the bottom of a 7 now stands "
                    "above it.")
    if None not in _shifts(images, got, 5):
        raise Wrong("some images are moved by more than `most` pixels.")
    raise Wrong("some images are not what a shift by whole pixels makes of them, with 0 where nothing was.")


@random_shift.check("each image goes its own way", catches="same for all")
def _(random_shift, rng):
    images, got = _batch(random_shift, rng, 60)
    ways = _shifts(images, got, 5) if None in _shifts(images, got, MOST, True) else _shifts(images, got, MOST, True)
    if len(set(ways)) == 1:
        raise Wrong(f"all 60 images are moved by the same {ways[0]}. How many different batches are there then?")


@random_shift.check("up, down, left and right, as far as allowed")
def _(random_shift, rng):
    images, got = _batch(random_shift, rng, 300)
    ways = _shifts(images, got, 5)
    if None in ways:  # it wraps, and has been told so
        ways = _shifts(images, got, MOST, True)
    for axis, name in ((0, "down"), (1, "to the right")):
        seen = sorted({way[axis] for way in ways if way is not None})
        if seen != list(range(-MOST, MOST + 1)):
            raise Wrong(f"300 images with most = 2: moved {name} by {', '.join(map(str, seen)) or 'nothing'} "
                        "(negative: the other way). Every number from -2 to 2 should occur.")
    if all(way is None or abs(way[0]) == abs(way[1]) for way in ways):
        raise Wrong("300 images, and each is moved as far down as to the right or left: the two have their own chance.")


@random_shift.check("chance comes from rng, anew at every call", catches="same for all")
def _(random_shift, rng):
    images = rng.uniform(0.1, 1, (40, 6, 9))
    same = [np.asarray(random_shift(images, MOST, np.random.default_rng(3))) for _ in range(2)]
    if not np.array_equal(*same):
        raise Wrong("two generators with the same seed give two different batches: where does the chance come from?")
    generator = np.random.default_rng(4)
    if np.array_equal(*(np.asarray(random_shift(images, MOST, generator)) for _ in range(2))):
        raise Wrong("two calls move every image exactly alike: the net would see the same batch in every epoch.")


honest_test = Exercise("honest_test(fit, error, strengths, train, validation, test)")
SIZES = {"train": 7, "validation": 5, "test": 4}
STRENGTHS = [0.0, 0.1, 1.0, 10.0]
ERRORS = {"train": [0.1, 0.2, 0.3, 0.9], "validation": [0.8, 0.3, 0.5, 0.9], "test": [0.7, 0.6, 0.4, 0.9]}


class _Bench:
    """fit and error that know their answers, and write down what they are asked."""

    def __init__(self, rng, strengths=STRENGTHS, errors=ERRORS):
        self.strengths, self.errors, self.fitted, self.measured = list(strengths), errors, [], []
        self.sets = {name: (rng.normal(3 * i, 1 + i, (n, 2)), np.arange(n) + 100.0 * i)
                     for i, (name, n) in enumerate(SIZES.items())}
        self.before = {name: (X.copy(), y.copy()) for name, (X, y) in self.sets.items()}

    def name(self, y):
        """Which set these labels are from, or how they are mixed."""
        origins = sorted({list(SIZES)[int(label // 100)] for label in np.ravel(y)})
        return " and ".join(origins)

    def fit(self, X, y, strength):
        self.fitted.append((self.name(y), np.array(X, float), float(strength)))
        return ("model", float(strength))

    def error(self, model, X, y):
        if not isinstance(model, tuple) or model[0] != "model":
            raise Wrong(f"error got a {type(model).__name__} in place of a model: its order is error(model, X, y).")
        name = self.name(y)
        self.measured.append((name, np.array(X, float), model[1]))
        return self.errors.get(name, ERRORS["train"])[self.strengths.index(model[1])]

    def run(self, honest_test):
        got = honest_test(self.fit, self.error, list(self.strengths), *self.sets.values())
        for name, (X, y) in self.sets.items():
            if not (np.array_equal(X, self.before[name][0]) and np.array_equal(y, self.before[name][1])):
                raise Wrong(f"it changes the {name} set in place; whoever called it still needs that.")
        if not isinstance(got, tuple | list) or len(got) != 2:
            raise Wrong(f"it returned a {type(got).__name__}; expected two things: the strength, and the test error.")
        return float(shaped(got[0], ())), float(shaped(got[1], ()))


@honest_test.check("it learns from the training set only", catches="F11")
def _(honest_test, rng):
    bench = _Bench(rng)
    bench.run(honest_test)
    if not bench.fitted:
        raise Wrong("it never calls fit.")
    for name, *_ in bench.fitted:
        if "test" in name:
            raise Wrong(f"fit gets labels of the {name} set: what is learned from can no longer be a test.")
        if name == "validation":
            raise Wrong("fit gets the validation set in place of the training set.")


@honest_test.check("the strength is chosen by validation", catches="F11")
def _(honest_test, rng):
    bench = _Bench(rng)
    strength, _ = bench.run(honest_test)
    wrong = {STRENGTHS[2]: "that is the best one on the test set, so the test set has chosen it",
             STRENGTHS[0]: "that is the best one on the training set, where no penalty always wins",
             STRENGTHS[3]: "that is the worst one"}
    if strength in wrong:
        raise Wrong(f"it chooses {strength:g}: {wrong[strength]}.")
    if strength != STRENGTHS[1]:
        raise Wrong(f"it chooses {strength:g}, which is none of the strengths {STRENGTHS}.")
    other = _Bench(rng, [4.0, 2.0, 3.0], dict(train=[0.1, 0.2, 0.3], validation=[0.9, 0.8, 0.2], test=[0.1, 0.3, 0.5]))
    if other.run(honest_test)[0] != 3.0:
        raise Wrong("with the strengths 4, 2 and 3, of which the last is best on the validation set, it takes another.")


@honest_test.check("the test set is opened once, at the end", catches="F11")
def _(honest_test, rng):
    bench = _Bench(rng)
    bench.run(honest_test)
    looks = [i for i, (name, *_) in enumerate(bench.measured) if "test" in name]
    if not looks:
        raise Wrong("it never measures the error on the test set.")
    if len(looks) > 1:
        raise Wrong(f"it looks at the test set {len(looks)} times. How often can one be surprised by the same exam?")
    if looks[0] != len(bench.measured) - 1:
        raise Wrong("it looks at the test set and measures other things afterwards: open it last of all.")


@honest_test.check("the test error is that of the chosen model")
def _(honest_test, rng):
    bench = _Bench(rng)
    _, error = bench.run(honest_test)
    if np.isclose(error, 0.3):
        raise Wrong("it reports 0.3, which is the error on the validation set: the one the strength was chosen by.")
    close(error, 0.6, f"it reports {error:g}; the model with the best strength has 0.6 on the test set.")


@honest_test.check("standardised, with what is known when training", catches="F12")
def _(honest_test, rng):
    bench = _Bench(rng)
    bench.run(honest_test)
    X = bench.sets["train"][0]
    mean, sd = X.mean(0), X.std(0)
    fitted = next((X for name, X, _ in bench.fitted if name == "train"), None)
    if fitted is None:
        raise Wrong("fit never gets the training set by itself.")
    if np.allclose(fitted, X):
        raise Wrong("fit gets the columns as they are: nothing has been standardised.")
    if not np.allclose(fitted.mean(0), 0, atol=1e-4):
        raise Wrong("the columns that fit gets have a mean other than 0: of which numbers did you take the mean?")
    if not np.allclose(fitted.std(0), 1, atol=1e-4) and not np.allclose(fitted.std(0, ddof=1), 1, atol=1e-4):
        raise Wrong("the columns that fit gets have a standard deviation other than 1.")
    for name, got, _ in bench.measured:
        if name not in ("validation", "test"):
            continue
        given = bench.sets[name][0]
        if np.allclose(got.mean(0), 0, atol=1e-4):
            raise Wrong(f"the {name} set has mean 0 by itself: it has been standardised with its own numbers, and one "
                        "new example alone would always become 0.")
        if np.allclose(got, given):
            raise Wrong(f"the {name} set is measured as it is, and the training set was standardised.")
        if not any(np.allclose(got, (given - mean) / s, atol=1e-4) for s in (sd, X.std(0, ddof=1))):
            raise Wrong(f"the {name} set is not treated as the training set was: the same mean, the same deviation.")
