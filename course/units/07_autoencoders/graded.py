"""Unit 7, autoencoders: the visible checks of its graded exercises. They travel to students.

Each speaks about a symptom and never about the solution. Data are never square and lie far from the origin, no two of
their directions are equally wide, and the sets that learn, choose and test differ, so that a mix-up shows.
"""

import numpy as np

from course.exercise import Exercise, NotWritten, Wrong, close, shaped


def _parts(got, count, what):
    if not isinstance(got, tuple | list) or len(got) != count:
        found = f"{len(got)} things" if isinstance(got, tuple | list) else f"a {type(got).__name__}"
        raise Wrong(f"it returned {found}; expected {what}.")
    if any(part is None or part is ... for part in got):
        raise NotWritten
    return got


def _cloud(rng, n, spreads, turn, centre):
    """n points with these standard deviations along the columns of `turn`."""
    return centre + (rng.normal(size=(n, len(spreads))) * spreads) @ turn.T


def _turn(rng, d):
    return np.linalg.qr(rng.normal(size=(d, d)))[0]


# What a straight code loses ------------------------------------------------------------------------------------------
straight_numbers = Exercise("straight_numbers")


@straight_numbers.variant
def _(rng):
    pick = {"a": (5.0, 6.0, 8.0), "b": (1.0, 1.6, 2.0), "c": (2.0, 2.5, 3.0), "x1": (3.0, 5.0, 9.0),
            "x2": (0.5, 2.0, 4.0)}
    return {name: float(rng.choice(values)) for name, values in pick.items()}


@straight_numbers.check("six numbers", points=0)
def _(straight_numbers, rng):
    got = shaped(straight_numbers(), (6,), "In this order: the share, the loss, the second coordinate, and the loss of "
                 "the three friends.")
    if not np.isfinite(got).all():
        raise Wrong("a number is nan or infinite.")


# A denoising autoencoder with one matrix -----------------------------------------------------------------------------
Cleaner = Exercise("Cleaner(W, b, c, sigma, rng)")


@Cleaner.probe
def cleaned(cleaner, W, b, c, sigma, rng, X):
    return cleaner(W.copy(), b.copy(), c.copy(), sigma, rng).clean(X)


@Cleaner.probe
def noises(cleaner, W, b, c, sigma, rng, X, times):
    """What noisy gives, several times over."""
    import numpy as np

    it = cleaner(W.copy(), b.copy(), c.copy(), sigma, rng)
    return [np.array(it.noisy(X)) for _ in range(times)]


@Cleaner.probe
def one_step(cleaner, W, b, c, sigma, rng, X, lr):
    """The noisy examples that a step asks for, the loss it returns, and the arrays after it."""
    import numpy as np

    it, asked = cleaner(W.copy(), b.copy(), c.copy(), sigma, rng), []
    noisy = it.noisy

    def watched(X):
        asked.append(np.array(noisy(X)))
        return asked[-1].copy()

    it.noisy = watched
    loss = it.step(X, lr)
    return {"asked": asked, "loss": loss, "W": it.W, "b": it.b, "c": it.c}


def _net(rng, d=3, hidden=5):
    return rng.normal(size=(d, hidden)), rng.normal(size=hidden), rng.normal(size=d)


def _stepped(W, b, c, given, X, lr):
    """The loss, and W, b, c after a right step; W also as it is if only the decoder's half of its slope is taken."""
    before = given @ W + b
    H = np.where(before > 0, before, 0)
    miss = H @ W.T + c - X
    up = 2 * miss / miss.size
    back = np.where(before > 0, up @ W, 0)
    return (np.square(miss).mean(), W - lr * (up.T @ H + given.T @ back), b - lr * back.sum(0), c - lr * up.sum(0),
            W - lr * up.T @ H)


def _judge_step(got, W, b, c, X, lr):
    if len(got["asked"]) != 1:
        raise Wrong(f"one step asks self.noisy {len(got['asked'])} times for noisy examples; expected once.")
    given = shaped(got["asked"][0], X.shape, "Noisy examples have the shape of X.")
    got = got | {name: shaped(got[name], of.shape) for name, of in (("W", W), ("b", b), ("c", c))}
    loss, W1, b1, c1, half = _stepped(W, b, c, given, X, lr)
    _, *other = _stepped(W, b, c, given, given, lr)
    if not np.allclose(given, X) and np.allclose(got["c"], other[2]):
        raise Wrong("c moves as if the noisy examples were to come out again, noise and all.")
    close(got["c"], c1, "c is off after the step.")
    close(got["b"], b1, "b is off after the step (c is right): follow the slope through W and through the ReLU.")
    if np.allclose(got["W"], half):
        raise Wrong("b and c are right, and W moves as if it stood in the decoder only. It is used twice.")
    close(got["W"], W1, "W is off after the step (b and c are right).")
    close(got["loss"], loss, "the arrays are right after the step, and the loss it returns is not the mean squared "
          "error before the step.")


@Cleaner.check("what comes back from a finished net", points=0.5, catches="E5")
def _(cleaner, rng):
    W, b, c = _net(rng)
    X = rng.normal(size=(40, 3))
    right = np.maximum(X @ W + b, 0) @ W.T + c
    got = shaped(cleaner.run("cleaned", W, b, c, 0.7, rng, X), X.shape, "What comes back has the shape of X.")
    if got.min() >= 0 > right.min():
        raise Wrong(f"none of 120 numbers that come back is negative, though some should be as low as "
                    f"{right.min():.1f}. The data have negative ones too.")
    close(got, right, "sigma = 0.7: what clean gives is not relu(X W + b) W^T + c. A finished net has nothing to do "
          "with sigma.")


@Cleaner.check("new noise for every number, every time", points=0.5, catches="E7")
def _(cleaner, rng):
    W, b, c = _net(rng)
    X = rng.normal(size=(500, 3)) + 4
    first, second = (shaped(given, X.shape, "Noisy examples have the shape of X.") - X
                     for given in cleaner.run("noises", W, b, c, 0.4, rng, X, 2))
    if np.allclose(first, second):
        raise Wrong("asked twice, noisy adds exactly the same: in the end the net knows it by heart.")
    if np.allclose(first, first[:1]) or np.allclose(first, first[:, :1]):
        raise Wrong("all examples, or all numbers of an example, are pushed the same way.")
    for noise in (first, second):
        if abs(noise.mean()) > 0.05 or abs(noise.std() - 0.4) > 0.04:
            raise Wrong(f"sigma = 0.4: the noise has mean {noise.mean():.2f} and standard deviation "
                        f"{noise.std():.2f}.")


@Cleaner.check("a step without noise", points=0.5, catches="E5")
def _(cleaner, rng):
    W, b, c = _net(rng)
    X = rng.normal(size=(7, 3))
    _judge_step(cleaner.run("one_step", W, b, c, 0.0, rng, X, 0.3), W, b, c, X, 0.3)


@Cleaner.check("a step with noise", points=0.5, catches="E7")
def _(cleaner, rng):
    W, b, c = _net(rng, 4, 6)
    X = rng.normal(size=(5, 4))
    got = cleaner.run("one_step", W, b, c, 0.6, rng, X, 0.2)
    _judge_step(got, W, b, c, X, 0.2)
    if np.ptp(np.asarray(got["asked"][0]) - X, axis=0).min() < 1e-9:
        raise Wrong("a step adds the same noise to every example.")


# What a cloud costs --------------------------------------------------------------------------------------------------
cloud_price = Exercise("cloud_price(mu, spread, centre, width)")


@cloud_price.variant
def _(rng):
    return {"spread": str(rng.choice(["ln s", "ln s²"])), "unit": str(rng.choice(["nats", "bits"]))}


def _priced(mu, spread, centre, width, variant):
    squared = variant["spread"] == "ln s²"
    unit = 1 if variant["unit"] == "nats" else 1 / np.log(2)
    log_ratio = (spread if squared else 2 * spread) - np.log(width**2)
    away, wider = (mu - centre) / width, np.expm1(log_ratio)
    return (unit * (away**2 + wider - log_ratio).sum(1) / 2, unit * away / width,
            unit * wider / (2 if squared else 1))


def _clouds(rng, n, k):
    return rng.normal(size=(n, k)) * 2, rng.normal(size=(n, k)), rng.normal(size=k), rng.uniform(1.3, 3, k)


def _costs(cloud_price, given):
    n, k = given[0].shape
    got = _parts(cloud_price(*given), 3, "three: the prices, dmu and dspread")
    return (shaped(got[0], (n,), "One price for each cloud."), shaped(got[1], (n, k), "dmu has the shape of mu."),
            shaped(got[2], (n, k), "dspread has the shape of spread."))


@cloud_price.check("what clouds cost", points=0.5, catches="E8")
def _(cloud_price, rng):
    given = _clouds(rng, 5, 3)
    (price, *_), right = _costs(cloud_price, given), _priced(*given, cloud_price.variant)[0]
    if price.min() < -1e-9:
        raise Wrong(f"a cloud costs {price.min():.2f}: a distance below 0?")
    for factor, words in ((3, "3 directions: are their prices averaged?"), (2, "what becomes of the one half?"),
                          (np.log(2), "in which unit is it asked for?")):
        if np.allclose(price * factor, right) or np.allclose(price / factor, right):
            raise Wrong(f"every price is off by the same factor: {words}")
    close(price, right, "clouds of 3 directions: a price is off. Look at what spread holds, and at where the width of "
          "the common cloud comes in.")


@cloud_price.check("who agrees with everybody pays nothing, who differs does", points=0.5, catches="E8")
def _(cloud_price, rng):
    mu, _, centre, width = _clouds(rng, 4, 2)
    times = 2 if cloud_price.variant["spread"] == "ln s²" else 1
    mu[:3] = centre + np.array([[0, 0], [0, 1], [0, 0]]) * width
    spread = times * (np.log(width) + np.array([[0, 0], [0, 0], [1, 0], [0, 0]]))
    price, dmu, dspread = _costs(cloud_price, (mu, spread, centre, width))
    off = max(abs(float(price[0])), np.abs(dmu[0]).max(), np.abs(dspread[0]).max())
    if not off < 1e-5:
        raise Wrong(f"a cloud that is the common one costs {price[0]:.3f}, and its slopes are up to {off:.3f}: all "
                    "should be 0.")
    unit, nats = cloud_price.variant["unit"], 1 if cloud_price.variant["unit"] == "nats" else np.log(2)
    if not abs(nats * price[1] - 0.5) < 1e-4:
        raise Wrong("a cloud as wide as the common one, and one width away from it in one direction, costs half a nat; "
                    f"yours costs {price[1]:.4f} {unit}.")
    if not abs(nats * price[2] - (np.exp(2) - 3) / 2) < 1e-4:
        raise Wrong("a cloud in the middle of the common one, and e times as wide in one direction, costs (e² - 1 - 2)"
                    f"/2 = 2.1945 nats; yours costs {price[2]:.4f} {unit}. What does spread hold?")


@cloud_price.check("the slopes", points=0.5, catches="E8")
def _(cloud_price, rng):
    given = _clouds(rng, 5, 3)
    (_, dmu, dspread), (_, right, wider) = _costs(cloud_price, given), _priced(*given, cloud_price.variant)
    close(dmu, right, "nudging mu changes the price by something else than dmu says.")
    close(dspread, wider, "nudging spread changes the price by something else than dspread says. What is nudged is "
          "the number in spread, not s.")


# The size of a code --------------------------------------------------------------------------------------------------
code_size = Exercise("code_size(train, validation, test, share)")


def _explained(train, *others):
    """For each set: the share of its error without a code that the first 0, 1, ... d directions of train take away."""
    middle = train.mean(0)
    directions = np.linalg.svd(train - middle, full_matrices=False)[2].T
    squares = [np.square((other - middle) @ directions).sum(0) for other in others]
    return [np.append(0, each.cumsum()) / each.sum() for each in squares]


def _sets(rng):
    """Three sets that differ in the width of their directions, the right k and a share for which each of the three
    would choose another one; and what is kept of each set by every k."""
    spreads = np.array([[4, 2.6, 1.7, 1.1, 0.7, 0.5], [2.5, 2.3, 2.1, 1.9, 1.7, 1.5], [3.4, 2.9, 2.4, 2, 1.5, 1]])
    while True:
        turn, centre = _turn(rng, 6), rng.uniform(3, 6, 6)
        sets = [_cloud(rng, n, each, turn, centre) for n, each in zip((31, 22, 17), spreads, strict=True)]
        kept = _explained(sets[0], *sets)
        for k in rng.permutation([3, 4, 5]):
            share = float(kept[1][k - 1:k + 1].mean())
            if len({int((each < share).sum()) for each in kept}) == 3:
                return sets, share, k, kept


def _sized(code_size, *given):
    got = _parts(code_size(*given), 2, "two: the code size, and the share kept of the test")
    return float(shaped(got[0], (), "The size is one number.")), float(shaped(got[1], (), "The share is one number."))


@code_size.check("the size", points=0.5, catches="E10")
def _(code_size, rng):
    for _ in range(2):
        sets, share, right, kept = _sets(rng)
        k, _ = _sized(code_size, *sets, share)
        by_train, _, by_test = (int((each < share).sum()) for each in kept)
        words = f"6 columns, share = {share:.3f}: it chooses {k:g} numbers"
        if k not in range(1, 7):
            raise Wrong(f"{words}; expected 1 to 6.")
        if k == by_train:
            raise Wrong(f"{words}. That is enough for the data that the directions were learned from; of the "
                        "validation data less is kept.")
        if k == by_test:
            raise Wrong(f"{words}. That is what the test set would choose, which must have no say in it.")
        if k != right:
            of_it = kept[1][int(k)]
            raise Wrong(f"{words}; "
                        + (f"they keep {of_it:.3f} of validation." if of_it < share else "fewer are enough."))


@code_size.check("what it keeps of the test", points=0.5, catches="E1 E3")
def _(code_size, rng):
    sets, share, right, (of_train, of_validation, of_test) = _sets(rng)
    k, kept = _sized(code_size, *sets, share)
    if not 0 <= kept <= 1:
        raise Wrong(f"it says that {kept:.3f} of the test is kept: a share lies between 0 and 1.")
    for other, name in ((of_train, "train"), (of_validation, "validation")):
        if abs(kept - other[right]) < 1e-6:
            raise Wrong(f"{kept:.4f} is the share kept of {name}; the one of test is asked for.")
    close(kept, of_test[right], f"its size is {k:g}, and it says that {kept:.4f} of the test is kept"
          + (". Both errors, with the code and without, are those of what came from train." if k == right else
             "; the size is another one already."), rtol=1e-4)


# A watch -------------------------------------------------------------------------------------------------------------
Watch = Exercise("Watch(k, share)")


@Watch.probe
def on_guard(watch, k, share, train, calm, news):
    """The threshold before and after it has judged each of `news`, and its verdicts."""
    it = watch(k, share)
    it.learn(train)
    it.calibrate(calm)
    if it.threshold is None or it.threshold is ...:
        return None
    before = float(it.threshold)
    verdicts = [it.judge(new) for new in news]
    return {"before": before, "verdicts": verdicts, "after": float(it.threshold)}


def _errors(train, k, X):
    away = X - train.mean(0)
    directions = np.linalg.svd(train - train.mean(0), full_matrices=False)[2][:k]
    return np.square(away).sum(1) - np.square(away @ directions.T).sum(1)


def _post(rng, calm=24, d=5):
    """train, calm, new ones of the same kind, new ones of another."""
    turn, centre, spreads = _turn(rng, d), rng.uniform(10, 30, d), np.geomspace(5, 0.5, d)
    same = [_cloud(rng, n, spreads, turn, centre) for n in (40, calm, 12)]
    return *same, _cloud(rng, 9, spreads[::-1] * 2, turn, centre)


@Watch.check("what an error is", points=0.5, catches="E1")
def _(watch, rng):
    train, calm, *_ = _post(rng)
    threshold, errors = watch.run("on_guard", 2, 0.1, train, calm, [])["before"], _errors(train, 2, calm)
    if not np.abs(errors - threshold).min() < 1e-6 * abs(threshold):
        raise Wrong(f"k = 2: the threshold is {threshold:.3f}. The errors of the 24 calm examples go from "
                    f"{errors.min():.3f} to {errors.max():.3f}, and none of them is that number.")


@Watch.check("the promise", points=0.5, catches="E10")
def _(watch, rng):
    for n, share in ((24, 0.1), (13, 0.3)):
        train, calm, *_ = _post(rng, n)
        threshold = watch.run("on_guard", 2, share, train, calm, [])["before"]
        errors = np.sort(_errors(train, 2, calm))
        right = next(r for r in range(1, n + 1) if n + 1 - r <= share * (n + 1))
        words = f"{n} calm examples, share = {share}"
        if not np.isfinite(threshold):
            raise Wrong(f"{words}: the threshold is {threshold}; there is a calm error that keeps the promise.")
        rank = int((errors <= threshold * (1 + 1e-6)).sum())
        chance = f"a new one lies above with probability {(n + 1 - rank) / (n + 1):.3f}"
        if rank != right:
            raise Wrong(f"{words}: {rank} of them lie at or below your threshold, and {chance}. "
                        + ("That is more than was promised." if rank < right else "A lower one would do as well."))
        close(threshold, errors[right - 1], f"{words}: the threshold lies between two calm errors; it shall be one.")


@Watch.check("who rings the alarm", points=0.5, catches="E1")
def _(watch, rng):
    train, calm, new, other = _post(rng)
    mixed = np.concatenate([new, other])[rng.permutation(21)]
    got = watch.run("on_guard", 2, 0.1, train, calm, [mixed])
    verdicts = shaped(got["verdicts"][0], (21,), "One True or False for each new example.").astype(bool)
    right = _errors(train, 2, mixed) > np.sort(_errors(train, 2, calm))[22]
    if (verdicts == ~right).all():
        raise Wrong("it lets the large errors pass and rings for the small ones.")
    if (verdicts != right).any():
        raise Wrong(f"{(verdicts != right).sum()} of 21 new examples are judged otherwise than their errors say.")


@Watch.check("the new ones have no say in it", points=0.5, catches="E10")
def _(watch, rng):
    train, calm, new, other = _post(rng)
    wild, n = np.concatenate([new, other * 3]), len(new)
    got = watch.run("on_guard", 2, 0.1, train, calm, [new, wild, *(row[None] for row in new)])
    first, among, *alone = (shaped(part, (len(given),)).astype(bool) for part, given in zip(
        got["verdicts"], [new, wild, *new[:, None]], strict=True))
    if not np.array_equal(first, among[:n]):
        raise Wrong("in the company of wild examples, some of the same 12 are judged otherwise.")
    if not np.array_equal(first, np.concatenate(alone)):
        raise Wrong("some examples are judged otherwise when they come alone.")
    if got["before"] != got["after"]:
        raise Wrong("judging moves the threshold.")
    if not among[n:].all():
        raise Wrong("examples far from everything known ring no alarm.")
    if not np.array_equal(first, _errors(train, 2, new) > np.sort(_errors(train, 2, calm))[22]):
        raise Wrong("the verdicts do not depend on the company, but some are not what the errors say.")
