"""Unit 5, overfitting: the visible checks of its graded exercises. They travel to students.

Each speaks about a symptom and never about the solution. p is never 0.5 and nothing is square, so that a swapped
probability or axis shows; what chance decides is asked of so many draws that it cannot fail by chance.
"""

import numpy as np

from course.exercise import Exercise, NotWritten, Wrong, close, shaped

# Keep or drop --------------------------------------------------------------------------------------------------------
keep_or_drop = Exercise("keep_or_drop")


@keep_or_drop.variant
def _(rng):
    pick = {"h1": (1.0, 1.5, 2.5), "h2": (0.5, 1.0, 1.6), "h3": (2.2, 3.4, 4.4)}
    return {"p": float(rng.choice([0.2, 0.25, 0.3, 0.7, 0.75, 0.8])), "meaning": str(rng.choice(["keep", "drop"])),
            **{name: float(rng.choice(values)) for name, values in pick.items()}}


@keep_or_drop.check("five numbers", points=0)
def _(keep_or_drop, rng):
    got = shaped(keep_or_drop(), (5,), "In this order: the finished net's answer, the mean in training, the largest in "
                 "training, the mean without the division, the standard deviation.")
    if not np.isfinite(got).all():
        raise Wrong("a number is nan or infinite.")


# A layer that drops its inputs ---------------------------------------------------------------------------------------
Thinned = Exercise("Thinned(W, b, p, rng)")


@Thinned.probe
def passes(thinned, W, b, p, rng, X, dY, modes, back):
    """What forward gives in each of the modes, and backward after it, where it is asked for."""
    layer, answers = thinned(W, b, p, rng), []
    for training in modes:
        answer = {"Y": layer.forward(X, training)}
        if back:
            dX, dW, db = layer.backward(dY)
            answer |= {"dX": dX, "dW": dW, "db": db}
        answers.append(answer)
    return answers


def _layer(rng, n, sizes=(3, 5)):
    """W, b, and X without small numbers. With more outputs than inputs, Y tells what went into W."""
    return rng.normal(size=sizes), rng.normal(size=sizes[1]), rng.uniform(1, 2, (n, sizes[0]))


def _factors(Y, W, b, X):
    """By what each number of X was multiplied before it met W."""
    return (shaped(Y, (len(X), len(b))) - b) @ np.linalg.pinv(W) / X


@Thinned.check("out of training nothing is dropped", points=0.5, catches="F4")
def _(thinned, rng):
    W, b, X = _layer(rng, 6)
    for answer in thinned.run("passes", W, b, 0.2, rng, X, X, [False, False], False):
        close(answer["Y"], X @ W + b, "with training=False the layer must answer X @ W + b, the same at every call: "
              "there is nothing to make up for.")


@Thinned.check("what is dropped, and what becomes of the rest", points=0.5, catches="F1 F2")
def _(thinned, rng):
    W, b, X = _layer(rng, 600)
    (answer,) = thinned.run("passes", W, b, 0.2, rng, X, X, [True], False)
    factors = _factors(answer["Y"], W, b, X)
    dropped = np.abs(factors) < 1e-3
    if abs(dropped.mean() - 0.2) > 0.05:
        raise Wrong(f"p = 0.2, and {dropped.mean():.0%} of the 1,800 inputs did not arrive. p is the probability of "
                    "which of the two?")
    if abs(factors.mean() - 1) > 0.05 or np.ptp(factors[~dropped]) > 1e-3:
        raise Wrong(f"p = 0.2: the inputs arrive multiplied by {factors[~dropped].min():.2f} to "
                    f"{factors[~dropped].max():.2f}, or by 0; the mean is {factors.mean():.2f}. What does the next "
                    "layer get from the finished net?")


@Thinned.check("backward goes the way that forward went", points=0.5, catches="F1")
def _(thinned, rng):
    W, b, X = _layer(rng, 40)
    dY = rng.normal(size=(40, 5))
    (answer,) = thinned.run("passes", W, b, 0.3, rng, X, dY, [True], True)
    arrived = _factors(answer["Y"], W, b, X)
    if (arrived > 0.5).all():
        raise Wrong("p = 0.3, and each input of 40 examples arrived.")
    close(answer["db"], dY.sum(0), "db is off: b is added to every example.")
    close(answer["dW"], (X * arrived).T @ dY, "dW is off: an input that was dropped cannot have taught its weights.",
          rtol=1e-4)
    close(answer["dX"], (dY @ W.T) * arrived, "dX is off: nudging an input that was dropped changes nothing, and one "
          "that was kept was multiplied on its way.", rtol=1e-4)


# A price for whole neurons -------------------------------------------------------------------------------------------
neuron_price = Exercise("neuron_price(W)")


@neuron_price.variant
def _(rng):
    return {"a": float(rng.choice([0.2, 0.3, 0.6])), "c": float(rng.choice([0.4, 0.7, 0.9])),
            "factor": float(rng.choice([0.5, 1.0])), "over": str(rng.choice(["sum", "mean"]))}


def _priced(W, variant):
    share = 1 if variant["over"] == "sum" else 1 / W.shape[1]
    lengths = np.sqrt((W**2).sum(0))
    safe = np.where(lengths > 0, lengths, 1)
    cost = (variant["a"] * lengths + variant["factor"] * variant["c"] * lengths**2).sum() * share
    return cost, share * (variant["a"] * W / safe + 2 * variant["factor"] * variant["c"] * W)


def _two(got):
    if not isinstance(got, tuple | list) or len(got) != 2:
        what = f"{len(got)} things" if isinstance(got, tuple | list) else f"a {type(got).__name__}"
        raise Wrong(f"it returned {what}; expected two.")
    if any(part is None or part is ... for part in got):
        raise NotWritten
    return got


@neuron_price.check("the price", points=0.5, catches="F7")
def _(neuron_price, rng):
    W = rng.normal(size=(3, 4))
    close(_two(neuron_price(W))[0], _priced(W, neuron_price.variant)[0],
          "W of 3 inputs and 4 neurons: the price is off. Column j holds the weights into neuron j. Look at your "
          "numbers, at the factor, and at what is added up or averaged.")


@neuron_price.check("dW is the slope of your own price", points=0.5, catches="F7")
def _(neuron_price, rng):
    W = rng.uniform(0.4, 1.5, (2, 3)) * rng.choice([-1, 1], (2, 3))
    dW = shaped(_two(neuron_price(W))[1], W.shape, "A gradient has the shape of what it belongs to.")
    slopes = np.zeros(W.shape)
    for i in np.ndindex(W.shape):
        ahead, behind = W.copy(), W.copy()
        ahead[i] += 1e-3
        behind[i] -= 1e-3
        slopes[i] = (float(_two(neuron_price(ahead))[0]) - float(_two(neuron_price(behind))[0])) / 2e-3
    if not slopes.any():
        raise Wrong("the price does not depend on the weights at all.")
    close(dW, slopes, rtol=2e-3, symptom="nudging the weights changes your price by something else than dW says. "
          "(Whether the price itself is right, this check cannot see.)")


@neuron_price.check("a blank neuron stays blank", points=0.5)
def _(neuron_price, rng):
    W = rng.normal(size=(3, 4))
    W[:, 1] = 0
    price, dW = _two(neuron_price(W))
    expected = _priced(W, neuron_price.variant)
    close(price, expected[0], "one neuron has only zeros as weights: the price is off.")
    close(dW, expected[1], "one neuron has only zeros as weights: its column of dW must be 0, and no other changes.")


# Early stopping on a trembling curve ---------------------------------------------------------------------------------
Stopper = Exercise("Stopper(patience, window)")


@Stopper.probe
def training(stopper, patience, window, losses):
    """A training that writes into its two arrays: how many epochs it was let run, and what was kept."""
    import numpy as np

    rule, weights, epoch, stopped = stopper(patience, window), [np.zeros(3), np.zeros((2, 1))], -1, False
    for epoch, loss in enumerate(losses):
        for number, array in enumerate(weights):
            array[:] = 10.0 * epoch + number
        stop = rule.seen(weights, loss)
        if stop is ...:
            return None
        if stop:
            stopped = True
            break
    for array in weights:
        array[:] = -1.0
    return {"epochs": epoch + 1, "stopped": stopped, "epoch": rule.epoch,
            "weights": [np.array(array) for array in rule.weights]}


def _stops(losses, patience, window):
    """How many epochs a right rule looks at, whether it stops there, and its best epoch."""
    means = [np.mean(losses[max(0, i + 1 - window):i + 1]) for i in range(len(losses))]
    best = 0
    for i, mean in enumerate(means):
        best = i if mean < means[best] else best
        if i - best == patience:
            return i + 1, True, best
    return len(losses), False, best


def _timely(stopper, losses, patience, window):
    got = stopper.run("training", patience, window, losses)
    epochs, stopped, best = _stops(losses, patience, window)
    words = f"losses {', '.join(f'{x:g}' for x in losses)}, patience {patience}, window {window}: "
    if (got["epochs"], bool(got["stopped"])) != (epochs, stopped):
        raise Wrong(f"{words}it let the training run for {got['epochs']} epochs; expected {epochs}.")
    if not np.array_equal(got["epoch"], best):
        raise Wrong(f"{words}it says epoch {got['epoch']}; counted from 0, which one was the best?")
    return got, best


EASY = [5.0, 4.0, 3.5, 3.0, 3.2, 3.4, 2.0, 1.0]


@Stopper.check("a smooth curve, window 1", points=0.5, catches="F9")
def _(stopper, rng):
    _timely(stopper, EASY, 2, 1)
    _timely(stopper, [3.0, 2.0, 2.5, 1.0, 1.5, 0.5, 0.8, 0.9, 0.7], 3, 1)


@Stopper.check("the weights of the best epoch", points=0.5, catches="F9")
def _(stopper, rng):
    got = stopper.run("training", 2, 1, EASY)
    if len(got["weights"]) != 2:
        raise Wrong(f"the net has two arrays of weights; it kept {len(got['weights'])}.")
    for number, (array, shape) in enumerate(zip(got["weights"], [(3,), (2, 1)], strict=True)):
        value = np.unique(shaped(array, shape, "That is the shape of one of the net's arrays."))
        if value[0] == -1:
            raise Wrong("the weights it kept have changed since: the net goes on working with its own arrays.")
        if value[0] == 50.0 + number:
            raise Wrong("the best epoch is 3, and the weights are those of epoch 5, where one stops.")
        close(array, np.full(shape, 30.0 + number), "these are not the weights of epoch 3.")


@Stopper.check("a trembling curve, window 3", points=0.5)
def _(stopper, rng):
    _timely(stopper, [6.0, 5.0, 4.0, 1.0, 4.2, 4.3, 4.1, 4.4, 4.6, 4.8, 5.0], 3, 3)
    _timely(stopper, [3.0, 4.0, 2.0, 3.5, 2.5, 4.5, 1.5, 2.5], 2, 3)


# Folds that no writer is torn by -------------------------------------------------------------------------------------
writer_folds = Exercise("writer_folds(writers, k, rng)")


def _notebooks(rng, people=9, most=5):
    """Who wrote each of the examples: numbers with gaps, some far busier than others, not in order."""
    names = rng.choice(100, people, replace=False)
    return rng.permutation(np.repeat(names, rng.integers(1, most + 1, people)))


def _positions(writer_folds, writers, k, rng):
    got = writer_folds(writers, k, rng)
    if not isinstance(got, tuple | list | np.ndarray) or len(got) != k:
        what = f"{len(got)} folds" if isinstance(got, tuple | list | np.ndarray) else f"a {type(got).__name__}"
        raise Wrong(f"it returned {what}; expected a list of k = {k} arrays.")
    folds = [np.asarray(fold) for fold in got]
    if any(fold.ndim != 1 or (fold.size and fold.dtype.kind not in "iu") for fold in folds):
        raise Wrong("a fold is something else than a row of whole numbers, the positions of its examples.")
    if any(fold.size and not 0 <= fold.min() <= fold.max() < len(writers) for fold in folds):
        raise Wrong(f"there are {len(writers)} examples, at the positions 0 to {len(writers) - 1}; a fold holds "
                    "others.")
    return folds


@writer_folds.check("every example in exactly one fold", points=0.5, catches="F14")
def _(writer_folds, rng):
    writers = _notebooks(rng)
    where = np.concatenate(_positions(writer_folds, writers, 4, rng)).astype(int)
    times = np.bincount(where, minlength=len(writers))
    if (times != 1).any():
        raise Wrong(f"of {len(writers)} examples {(times == 0).sum()} are in no fold, and {(times > 1).sum()} in "
                    "several: some would never be tested, or count twice.")


@writer_folds.check("a writer's examples stay together", points=0.5, catches="F14")
def _(writer_folds, rng):
    writers = _notebooks(rng)
    homes = [set(writers[fold.astype(int)].tolist()) for fold in _positions(writer_folds, writers, 4, rng)]
    if not any(homes):
        raise Wrong("all folds are empty.")
    if sum(map(len, homes)) > len(set().union(*homes)):
        raise Wrong("some writer's examples are in several folds: the net would be tested on a hand it has learned "
                    "from.")


# Arrows --------------------------------------------------------------------------------------------------------------
arrows = Exercise("arrows(images, labels, training, rng)")


def _ways(images, labels):
    """The six that may become of a batch: [(mirrored, images, labels)]."""
    made, height = [], images.shape[1]
    for mirrored in (False, True):
        for down in (-1, 0, 1):
            out = np.zeros_like(images)
            out[:, max(down, 0):height + min(down, 0)] = images[:, max(-down, 0):height - max(down, 0)]
            names = np.array([0, 3, 2, 1])[labels] if mirrored else labels
            made.append((mirrored, out[:, :, ::-1] if mirrored else out, names))
    return made


def _arrows(rng, n):
    return rng.uniform(0.1, 1, (n, 5, 4)), rng.integers(0, 4, n)


@arrows.check("what is measured stays as it is", points=0.5, catches="5f")
def _(arrows, rng):
    images, labels = _arrows(rng, 30)
    got = _two(arrows(images, labels, False, rng))
    close(got[0], images, "with training=False the images must stay as they are: one wants to know about digits and "
          "arrows as they come.")
    close(got[1], labels, "with training=False the labels must stay as they are.")


@arrows.check("each image and its label", points=0.5, catches="5f")
def _(arrows, rng):
    images, labels = _arrows(rng, 80)
    got = _two(arrows(images, labels, True, rng))
    out, names = shaped(got[0], images.shape), shaped(got[1], labels.shape)
    if np.array_equal(out, images):
        raise Wrong("80 images, and in training none of them changes.")
    fits = np.array([np.abs(way - out).max((1, 2)) < 1e-5 for _, way, _ in _ways(images, labels)])
    if not fits.any(0).all():
        raise Wrong("an image is not what mirroring and a shift up or down by one row, with 0 coming in, make of it.")
    for (mirrored, _, right), fit in zip(_ways(images, labels), fits, strict=True):
        for label, name in zip(labels[fit & (names != right)], names[fit & (names != right)], strict=True):
            raise Wrong(f"an arrow with label {label} was {'' if mirrored else 'not '}mirrored, and its label is now "
                        f"{name}. Where does it point?")


# Detect the leak -----------------------------------------------------------------------------------------------------
audit = Exercise("audit(X, y, sets, fed, looks, chosen)")
NAMES = ("overlap", "scaler", "giveaway", "peeked", "chosen")


def _study(rng, *leaks, sizes=(9, 6, 5), columns=3):
    """What a study with these leaks leaves behind."""
    places = np.split(rng.permutation(sum(sizes)), np.cumsum(sizes)[:-1])
    sets = dict(zip(("train", "validation", "test"), places, strict=True))
    y = rng.normal(size=sum(sizes))
    X = (rng.normal(size=(len(y), columns)) + 0.5 * y[:, None]) * np.geomspace(0.01, 100, columns)
    if "giveaway" in leaks:
        X[:, int(rng.integers(columns))] = 2.5 * y + 4
    if "overlap" in leaks:
        sets["test"][0] = sets["train"][0]
    known = X if "scaler" in leaks else X[sets["train"]]
    fed = {name: (X[rows] - known.mean(0)) / known.std(0) for name, rows in sets.items()}
    strengths = rng.permutation([0.0, 0.1, 1.0, 10.0])
    errors = rng.permutation([0.2, 0.3, 0.5, 0.6])
    best = int(errors.argmin())
    chosen = (best + 1) % 4 if "chosen" in leaks else best
    looks = [["validation", float(s), float(e)] for s, e in zip(strengths, errors, strict=True)]
    last = ["test", float(strengths[chosen]), 0.4]
    looks += [["test", float(s), 0.35] for s in strengths] if "peeked" in leaks else [last]
    return X, y, sets, fed, looks, float(strengths[chosen])


def _found(audit, *given):
    got = audit(*given)
    if not isinstance(got, list | tuple) or not all(isinstance(name, str) for name in got):
        raise Wrong(f"it returned a {type(got).__name__}; expected a list of names, empty if nothing is wrong.")
    if strangers := set(got) - set(NAMES):
        raise Wrong(f"it says {min(strangers)!r}; the names are {', '.join(NAMES)}.")
    return set(got)


def _told(audit, rng, *leaks):
    found = _found(audit, *_study(rng, *leaks))
    if missed := set(leaks) - found:
        raise Wrong(f"a study with the leak {min(missed)!r}: it does not find it.")
    if false := found - set(leaks):
        what = f"a study with {leaks[0]}, and nothing else" if leaks else "an honest study"
        raise Wrong(f"{what}: it finds {min(false)!r}.")


@audit.check("an honest study, and one with an example in two sets", points=0.5, catches="F11")
def _(audit, rng):
    _told(audit, rng)
    _told(audit, rng, "overlap")


@audit.check("scaled with all the data", points=0.5, catches="F12")
def _(audit, rng):
    _told(audit, rng, "scaler")


@audit.check("a column that is the answer", points=0.5)
def _(audit, rng):
    _told(audit, rng, "giveaway")


@audit.check("the test set used up", points=0.5, catches="F11")
def _(audit, rng):
    _told(audit, rng, "peeked")
    _told(audit, rng, "chosen")
