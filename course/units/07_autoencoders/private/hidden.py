"""Unit 7's hidden checks. Their titles and symptoms are all of them that a student ever sees: say what goes wrong, not
with which numbers. What a failed one says here, only an instructor reads."""

import numpy as np

from course.exercise import Exercise, Wrong, close, shaped


def _plane(X, k):
    """The mean of X and its k widest directions, as columns."""
    mean = X.mean(0)
    _, vectors = np.linalg.eigh((X - mean).T @ (X - mean))
    return mean, vectors[:, ::-1][:, :k]


def _lost(mean, V, X):
    """The squared error of each row."""
    return np.square(X - mean - (X - mean) @ V @ V.T).sum(1)


def _points(rng, n, widths, Q, at):
    return at + (rng.normal(size=(n, len(widths))) * widths) @ Q


def _rotation(rng, d):
    return np.linalg.qr(rng.normal(size=(d, d)))[0].T


# What a straight code loses ------------------------------------------------------------------------------------------
straight_numbers = Exercise("straight_numbers")


def _agrees(straight_numbers, place):
    a, b, c, x1, x2 = (straight_numbers.variant[name] for name in ("a", "b", "c", "x1", "x2"))
    right = (a / (a + b), b / 2, (x1 + x2) / 2 - c, a / 2, b / 2 + c**2, b / 2 + a / 4)
    close(shaped(straight_numbers(), (6,))[place], right[place], "off", rtol=1e-3)


@straight_numbers.check("the share that is explained", points=0.5, catches="E3",
                        symptom="The first number is off: the share is one of the whole variance.")
def _(straight_numbers, rng):
    _agrees(straight_numbers, 0)


@straight_numbers.check("the loss of the best linear autoencoder", points=0.5,
                        symptom="The second number is off: what is dropped, and over what is it averaged?")
def _(straight_numbers, rng):
    _agrees(straight_numbers, 1)


@straight_numbers.check("a point that comes back", points=0.5, catches="E1",
                        symptom="The third number is off: from where does one go along the diagonal, and how far?")
def _(straight_numbers, rng):
    _agrees(straight_numbers, 2)


@straight_numbers.check("directions from the origin", points=0.5, catches="E1",
                        symptom="The fourth number is off: seen from the origin, in which direction do the points lie?")
def _(straight_numbers, rng):
    _agrees(straight_numbers, 3)


@straight_numbers.check("the mean not added back", points=0.5, catches="E1",
                        symptom="The fifth number is off: every point misses by something that all of them share.")
def _(straight_numbers, rng):
    _agrees(straight_numbers, 4)


@straight_numbers.check("a ReLU on the code", points=0.5, catches="E5",
                        symptom="The sixth number is off: which points lose their code, and what does that cost them?")
def _(straight_numbers, rng):
    _agrees(straight_numbers, 5)


# A denoising autoencoder with one matrix -----------------------------------------------------------------------------
Cleaner = Exercise("Cleaner(W, b, c, sigma, rng)")


@Cleaner.probe
def followed(cleaner, W, b, c, sigma, rng, X, lr, steps):
    """What a training asks for, returns and leaves, step by step; and what clean gives, twice, at its end."""
    import numpy as np

    it, given = cleaner(W.copy(), b.copy(), c.copy(), sigma, rng), []
    noisy = it.noisy

    def watched(X):
        given.append(np.array(noisy(X)))
        return given[-1].copy()

    it.noisy = watched
    losses, arrays = [], []
    for _ in range(steps):
        losses.append(float(it.step(X, lr)))
        arrays.append([np.array(it.W), np.array(it.b), np.array(it.c)])
    return {"given": given, "losses": losses, "arrays": arrays, "clean": [np.array(it.clean(X)) for _ in range(2)]}


def _start(rng, d, hidden, n):
    return rng.normal(size=(d, hidden)), rng.normal(size=hidden), rng.normal(size=d), rng.normal(size=(n, d))


def _train(W, b, c, given, X, lr):
    """[(loss before, W, b, c after)] of right steps with these noisy examples."""
    record = []
    for noisy in given:
        gate = (noisy @ W + b > 0).astype(float)
        H = (noisy @ W + b) * gate
        E = H @ W.T + c - X
        dZ = E @ W * gate
        k = 2 * lr / X.size
        W, b, c = W - k * (E.T @ H + noisy.T @ dZ), b - k * dZ.sum(0), c - k * E.sum(0)
        record.append((np.mean(E * E), W, b, c))
    return record


def _all_steps(cleaner, rng, d, hidden, n, sigma, lr, steps):
    W, b, c, X = _start(rng, d, hidden, n)
    got = cleaner.run("followed", W, b, c, sigma, rng, X, lr, steps)
    if len(got["given"]) != steps:
        raise Wrong("not one set of noisy examples for each step")
    given = [shaped(noisy, X.shape) for noisy in got["given"]]
    record = _train(W, b, c, given, X, lr)
    for (_, *right), arrays in zip(record, got["arrays"], strict=True):
        for array, expected in zip(arrays, right, strict=True):
            close(array, expected, "an array is off", rtol=1e-4)
    return X, got, given, record


@Cleaner.check("several steps in a row", points=0.5, catches="E7",
               symptom="In a training of several steps with noise, W, b or c is off after some step.")
def _(cleaner, rng):
    for d, hidden, n in ((3, 7, 5), (5, 2, 1)):
        _all_steps(cleaner, rng, d, hidden, n, 0.3, 0.1, 4)


@Cleaner.check("the noise of a whole training", points=0.5, catches="E7",
               symptom="Over a training the noise is not normal with the width asked for, or not new at each step, or "
               "chance comes from elsewhere than from rng.")
def _(cleaner, rng):
    W, b, c, X = _start(rng, 4, 3, 60)
    X, seed = 3 * X + 5, int(rng.integers(1 << 30))
    one, same, other = (cleaner.run("followed", W, b, c, 1.7, np.random.default_rng(s), X, 1e-6, 10)["given"]
                        for s in (seed, seed, seed + 1))
    noise = np.array([shaped(noisy, X.shape) - X for noisy in one])
    if len(one) != 10 or not np.array_equal(one, same) or np.allclose(one, other):
        raise Wrong("not from rng")
    if abs(noise.mean()) > 0.2 or abs(noise.std() - 1.7) > 0.14 or not 0.02 < (np.abs(noise) > 3.4).mean() < 0.08:
        raise Wrong("not normal, or of another width")
    steps = noise.reshape(10, -1)
    if np.abs(np.corrcoef(steps) - np.eye(10)).max() > 0.45:
        raise Wrong("one step's noise is like another's")
    if np.abs(np.corrcoef(noise.reshape(-1, 4).T) - np.eye(4)).max() > 0.25:
        raise Wrong("the numbers of an example are pushed alike")


@Cleaner.check("what a trained net gives back", points=0.5, catches="E5",
               symptom="After some steps clean gives something else than what the arrays then say, or two calls give "
               "two answers.")
def _(cleaner, rng):
    for d, hidden, n in ((4, 6, 9), (3, 2, 1)):
        X, got, _, record = _all_steps(cleaner, rng, d, hidden, n, 0.8, 0.05, 3)
        _, W, b, c = record[-1]
        right = np.clip(X @ W + b, 0, None) @ W.T + c
        for answer in got["clean"]:
            close(answer, right, "another answer", rtol=1e-4)


@Cleaner.check("the loss", points=0.5,
               symptom="The loss that step returns is not the mean squared error, over all numbers, between what comes "
               "back and the clean examples, before the step.")
def _(cleaner, rng):
    _, got, _, record = _all_steps(cleaner, rng, 6, 2, 11, 0.5, 0.1, 4)
    close(got["losses"], [loss for loss, *_ in record], "a loss is off", rtol=1e-4)


# What a cloud costs --------------------------------------------------------------------------------------------------
cloud_price = Exercise("cloud_price(mu, spread, centre, width)")


def _right(mu, spread, centre, width, variant):
    s = np.exp(spread / 2 if variant["spread"] == "ln s²" else spread)
    nat = 1.0 if variant["unit"] == "nats" else 1 / np.log(2)
    each = ((mu - centre) ** 2 + s**2) / (2 * width**2) - 0.5 - np.log(s / width)
    by_log_s = nat * (s**2 / width**2 - 1)
    return each.sum(1) * nat, nat * (mu - centre) / width**2, by_log_s * (1 if variant["spread"] == "ln s" else 0.5)


def _three(cloud_price, mu, spread, centre, width):
    got = cloud_price(mu, spread, centre, width)
    if not isinstance(got, tuple | list) or len(got) != 3:
        raise Wrong("not three")
    right = _right(mu, spread, centre, width, cloud_price.variant)
    return [(shaped(part, of.shape), of) for part, of in zip(got, right, strict=True)]


@cloud_price.check("any number of clouds, any number of directions", points=1, catches="E8",
                   symptom="For some numbers of clouds and directions a price or a slope is off.")
def _(cloud_price, rng):
    for n, k in ((1, 1), (4, 7), (6, 2), (1, 5), (2, 1)):
        given = rng.normal(size=(n, k)), rng.normal(size=(n, k)), rng.normal(size=k), rng.uniform(0.3, 3, k)
        for got, right in _three(cloud_price, *given):
            close(got, right, "off")


@cloud_price.check("narrow clouds and wide ones", points=1, catches="E8",
                   symptom="For a cloud that is very narrow, very wide or very far away, the price or a slope is off, "
                   "or not a number.")
def _(cloud_price, rng):
    for low, high, far in ((-20, -15, 1), (5, 8, 1), (-1, 1, 1e4)):
        given = far * rng.normal(size=(4, 3)), rng.uniform(low, high, (4, 3)), rng.normal(size=3), rng.uniform(1, 2, 3)
        for got, right in _three(cloud_price, *given):
            for one, expected in zip(got, right, strict=True):
                close(one, expected, "off", rtol=1e-4)


@cloud_price.check("a common cloud of very unequal widths", points=0.5, catches="E8",
                   symptom="Where the common cloud is a thousand times as wide in one direction as in another, the "
                   "slopes of some direction, or the price, are off.")
def _(cloud_price, rng):
    width = rng.permutation([0.05, 1.0, 50.0])
    log = np.log(width) * (2 if cloud_price.variant["spread"] == "ln s²" else 1)
    given = rng.normal(size=(5, 3)) * width + 2, log + rng.normal(size=(5, 3)), rng.normal(size=3), width
    (price, right), *slopes = _three(cloud_price, *given)
    close(price, right, "the price is off", rtol=1e-4)
    for got, right in slopes:
        for column, expected in zip(got.T, right.T, strict=True):
            close(column, expected, "a slope is off", rtol=1e-4)


# The size of a code --------------------------------------------------------------------------------------------------
code_size = Exercise("code_size(train, validation, test, share)")


def _kept(train, X):
    """For k = 0, 1, ... d: the share that k directions of train keep of X."""
    mean, V = _plane(train, train.shape[1])
    squares = (((X - mean) @ V) ** 2).sum(0)
    return np.array([squares[:k].sum() for k in range(len(squares) + 1)]) / squares.sum()


def _right_size(code_size, train, validation, test, k):
    """Is k chosen where the share lies half way between what k - 1 and k directions keep of validation?"""
    kept, of_test = _kept(train, validation), _kept(train, test)
    got = code_size(train, validation, test, float(kept[k - 1:k + 1].mean()))
    if not isinstance(got, tuple | list) or len(got) != 2:
        raise Wrong("not two")
    close(got[0], k, "another size")
    close(got[1], of_test[k], "another share", rtol=1e-4)


@code_size.check("all sizes, small codes and large ones", points=0.5, catches="E3",
                 symptom="For some shares, low ones or very high ones, the size or what it keeps of the test is off.")
def _(code_size, rng):
    Q, widths = _rotation(rng, 5), np.geomspace(3, 0.6, 5)
    sets = [_points(rng, n, widths, Q, rng.normal(size=5)) for n in (30, 14, 9)]
    for k in (1, 2, 4, 5):
        _right_size(code_size, *sets, k)


@code_size.check("three sets that differ", points=1, catches="E1 E3 E10",
                 symptom="Where training, validation and test data differ in their means and in the directions in "
                 "which they spread, the size or what it keeps of the test is off.")
def _(code_size, rng):
    for d, k in ((6, 4), (4, 2)):
        Q = _rotation(rng, d)
        widths = np.geomspace(5, 0.4, d), rng.uniform(1, 2, d), rng.uniform(0.5, 3, d)
        at = rng.normal(size=(3, d)) * [[0], [1], [2]] + 4
        sets = [_points(rng, n, each, Q, place) for n, each, place in zip((25, 12, 6), widths, at, strict=True)]
        _right_size(code_size, *sets, k)


@code_size.check("far from the origin", points=0.5, catches="E1",
                 symptom="For data far from the origin, or with columns of very unequal size, the size or what it "
                 "keeps of the test is off.")
def _(code_size, rng):
    for scale, far, k in ((np.ones(5), 300.0, 3), (np.geomspace(0.1, 10, 5), 20.0, 1)):
        Q, widths = _rotation(rng, 5), np.geomspace(4, 1, 5)
        _right_size(code_size, *(_points(rng, n, widths, Q, far) * scale for n in (33, 16, 8)), k)


# A watch -------------------------------------------------------------------------------------------------------------
Watch = Exercise("Watch(k, share)")


@Watch.probe
def shifts(watch, k, share, rounds, news):
    """One watch that learns and is calibrated several times over: its threshold and its verdicts each time."""
    import numpy as np

    it, record = watch(k, share), []
    for train, calm in rounds:
        it.learn(train)
        it.calibrate(calm)
        record.append([float(it.threshold), np.array(it.judge(news))])
    return record


@Watch.probe
def two(watch, first, second, new):
    """Two watches that work side by side: their thresholds and their verdicts."""
    import numpy as np

    rules, sets = (first[:2], second[:2]), (first[2:], second[2:])
    both = [watch(*rule) for rule in rules]
    for it, (train, _) in zip(both, sets):
        it.learn(train)
    for it, (_, calm) in zip(both, sets):
        it.calibrate(calm)
    return [[float(it.threshold), np.array(it.judge(new))] for it in both]


def _threshold(mean, V, calm, share):
    errors = np.sort(_lost(mean, V, calm))
    for number, error in enumerate(errors, 1):
        if (len(errors) + 1 - number) / (len(errors) + 1) <= share:
            return error
    return np.inf


def _as_promised(got, k, share, train, calm, new):
    (threshold, verdicts), (mean, V) = got, _plane(train, k)
    right = _threshold(mean, V, calm, share)
    if np.isinf(right):
        if threshold != np.inf:
            raise Wrong("a threshold where none keeps the promise")
    else:
        close(threshold, right, "another threshold", rtol=1e-6)
    if (shaped(verdicts, (len(new),)).astype(bool) != (_lost(mean, V, new) > right)).any():
        raise Wrong("another verdict")


def _mail(rng, d, n, calm, far=15.0):
    """train, calm, new: of the new, one third is of another kind."""
    Q, widths, at = _rotation(rng, d), np.geomspace(4, 0.3, d), far * rng.uniform(1, 2, d)
    train, known, usual = (_points(rng, m, widths, Q, at) for m in (n, calm, 10))
    return train, known, np.concatenate([usual, _points(rng, 5, widths[::-1], Q, at)])


@Watch.check("many promises", points=0.5, catches="E10",
             symptom="For some numbers of calm examples and some shares the threshold keeps less than was promised, or "
             "more than is needed.")
def _(watch, rng):
    for calm, share in ((31, 0.25), (30, 0.25), (60, 0.02), (47, 0.11)):
        train, known, new = _mail(rng, 4, 20, calm)
        for got in watch.run("shifts", 2, share, [[train, known]], new):
            _as_promised(got, 2, share, train, known, new)


@Watch.check("too few to promise anything", points=0.5,
             symptom="With so few calm examples that no one's error keeps the promise, the threshold is not what it "
             "should be, or an alarm rings; or with just enough of them something is off.")
def _(watch, rng):
    for calm, share in ((6, 0.125), (1, 0.5), (7, 0.125)):
        train, known, new = _mail(rng, 4, 20, calm)
        for got in watch.run("shifts", 1, share, [[train, known]], new):
            _as_promised(got, 1, share, train, known, new)


@Watch.check("who teaches what", points=0.5, catches="E1 E10",
             symptom="Where calm and training examples differ, or come once more, the threshold or a verdict is off: "
             "from which of them does one learn what comes back, and from which how much may be missing?")
def _(watch, rng):
    rounds = [_mail(rng, 6, n, calm)[:2] for n, calm in ((24, 18), (13, 33))]
    rounds.append([rounds[0][0], rounds[1][1]])
    new = _mail(rng, 6, 20, 5)[2]
    got = watch.run("shifts", 4, 0.15, [list(each) for each in rounds], new)
    for one, (train, calm) in zip(got, rounds, strict=True):
        _as_promised(one, 4, 0.15, train, calm, new)


@Watch.check("two watches, other sizes", points=0.5, catches="E1",
             symptom="Two watches at once disturb each other, or for other numbers of columns and other code sizes "
             "something is off.")
def _(watch, rng):
    for d, sizes, n in ((3, (1, 2), 1), (7, (5, 3), 6)):
        new = _mail(rng, d, 20, 5)[2][:n]
        both = [[k, share, *_mail(rng, d, 30, calm)[:2]] for k, share, calm in zip(sizes, (0.2, 0.06), (17, 40))]
        for got, each in zip(watch.run("two", *both, new), both, strict=True):
            _as_promised(got, *each, new)
