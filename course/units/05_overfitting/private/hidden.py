"""Unit 5's hidden checks. Their titles and symptoms are all of them that a student ever sees: say what goes wrong, not
with which numbers. What a failed one says here, only an instructor reads."""

import numpy as np

from course.exercise import Exercise, Wrong, close, shaped

# Keep or drop --------------------------------------------------------------------------------------------------------
keep_or_drop = Exercise("keep_or_drop")


def _answers(variant):
    kept = variant["p"] if variant["meaning"] == "keep" else 1 - variant["p"]
    parts = np.array([2 * variant["h1"], -variant["h2"], 0.5 * variant["h3"]])
    finished = parts.sum()
    return [finished, finished, parts[parts > 0].sum() / kept, kept * finished,
            np.sqrt((1 - kept) / kept * (parts**2).sum())]


def _numbers(keep_or_drop, *places):
    got = shaped(keep_or_drop(), (5,))
    for place in places:
        close(got[place], _answers(keep_or_drop.variant)[place], "off", rtol=1e-3)


@keep_or_drop.check("the finished net, and the mean in training", points=0.5, catches="F4",
                    symptom="The finished net's answer or the mean of the answers in training is off. How are the two "
                    "related, and what is dividing for?")
def _(keep_or_drop, rng):
    _numbers(keep_or_drop, 0, 1)


@keep_or_drop.check("the largest answer in training", points=0.5, catches="F1 F2",
                    symptom="The largest answer in training is off. Which inputs would have to be dropped for it, and "
                    "what happens to the others?")
def _(keep_or_drop, rng):
    _numbers(keep_or_drop, 2)


@keep_or_drop.check("without the division", points=0.5, catches="F1 F2",
                    symptom="The mean in training is off for a layer that forgets to divide.")
def _(keep_or_drop, rng):
    _numbers(keep_or_drop, 3)


@keep_or_drop.check("the spread", points=0.5, catches="F2",
                    symptom="The standard deviation of the answers in training is off. Each product is drawn by "
                    "itself, so it is variances that add up.")
def _(keep_or_drop, rng):
    _numbers(keep_or_drop, 4)


# A layer that drops its inputs ---------------------------------------------------------------------------------------
Thinned = Exercise("Thinned(W, b, p, rng)")


@Thinned.probe
def steps(thinned, W, b, p, rng, X, dY, modes):
    """Y and what backward gives after it, for each mode in turn, of one layer."""
    layer, record = thinned(W, b, p, rng), []
    for training in modes:
        Y = layer.forward(X, training)
        dX, dW, db = layer.backward(dY)
        record.append({"Y": Y, "dX": dX, "dW": dW, "db": db})
    return record


def _made(rng, n, sizes):
    inputs, outputs = sizes
    return (rng.normal(size=sizes), rng.normal(size=outputs), rng.uniform(1, 2, (n, inputs)),
            rng.normal(size=(n, outputs)))


def _arrived(Y, W, b, X):
    return (shaped(Y, (len(X), len(b))) - b) @ np.linalg.pinv(W) / X


def _agrees(one, W, b, X, dY, kept):
    """Forward and backward of one pass fit each other; what arrives is 0 or 1 / kept."""
    factors = _arrived(one["Y"], W, b, X)
    if (np.minimum(np.abs(factors), np.abs(factors - 1 / kept)) > 1e-3).any():
        raise Wrong("an input arrives multiplied by something else")
    factors = np.where(np.abs(factors) < 0.5, 0, 1 / kept)
    close(one["dX"], dY @ W.T * factors, "dX is off", rtol=1e-4)
    close(one["dW"], (X * factors).T @ dY, "dW is off", rtol=1e-4)
    close(one["db"], dY.sum(0), "db is off", rtol=1e-4)
    return factors


@Thinned.check("chance", points=0.5,
               symptom="Each input of each example has its own chance, drawn anew at each call of forward, from rng "
               "and nothing else.")
def _(thinned, rng):
    W, b, X, dY = _made(rng, 30, (4, 6))
    seed = int(rng.integers(1 << 30))
    twice = [thinned.run("steps", W, b, 0.3, np.random.default_rng(seed), X, dY, [True, True]) for _ in range(2)]
    first, second = (_arrived(one["Y"], W, b, X) > 0.5 for one in twice[0])
    if (first == first[:1]).all() or (first == first[:, :1]).all() or (first == second).all():
        raise Wrong("one draw for several")
    for one, again in zip(*twice, strict=True):
        close(again["Y"], one["Y"], "not from rng")


@Thinned.check("training, then measuring, then training", points=0.5, catches="F4",
               symptom="Backward does not fit the last forward when training and measuring take turns.")
def _(thinned, rng):
    W, b, X, dY = _made(rng, 20, (3, 4))
    modes = [True, False, True, False]
    for training, one in zip(modes, thinned.run("steps", W, b, 0.3, rng, X, dY, modes), strict=True):
        if not training:
            close(one["Y"], X @ W + b, "off when measured")
        _agrees(one, W, b, X, dY, 0.7 if training else 1)


@Thinned.check("other probabilities, other sizes", points=0.5, catches="F1 F2",
               symptom="With another p, small, large or zero, and other sizes, the wrong share of inputs arrives, or "
               "forward or backward is off.")
def _(thinned, rng):
    for p, sizes in ((0.0, (2, 3)), (0.1, (4, 7)), (0.8, (2, 5))):
        W, b, X, dY = _made(rng, 400, sizes)
        (one,) = thinned.run("steps", W, b, p, rng, X, dY, [True])
        factors = _agrees(one, W, b, X, dY, 1 - p)
        if abs((factors == 0).mean() - p) > 0.07:
            raise Wrong("the wrong share is dropped")


# A price for whole neurons -------------------------------------------------------------------------------------------
neuron_price = Exercise("neuron_price(W)")


def _priced(W, variant):
    lengths = np.sqrt((W**2).sum(0))
    price = variant["a"] * lengths + variant["factor"] * variant["c"] * lengths**2
    slope = variant["a"] / np.where(lengths > 0, lengths, np.inf) + 2 * variant["factor"] * variant["c"]
    return (price.sum(), slope * W) if variant["over"] == "sum" else (price.mean(), slope * W / W.shape[1])


def _both(neuron_price, W):
    got = neuron_price(W)
    if not isinstance(got, tuple | list) or len(got) != 2:
        raise Wrong("not two things")
    expected = _priced(W, neuron_price.variant)
    close(got[0], expected[0], "the price is off")
    return shaped(got[1], W.shape), expected[1]


@neuron_price.check("other sizes, number by number", points=0.5, catches="F7",
                    symptom="For some numbers of inputs and neurons the price or dW is off; the two may well fit each "
                    "other.")
def _(neuron_price, rng):
    for shape in ((5, 2), (2, 7), (6, 1)):
        close(*_both(neuron_price, rng.normal(size=shape)), "dW is off")


@neuron_price.check("neurons of very different size", points=0.5, catches="F7",
                    symptom="Where some neurons have weights in the thousands and others of a millionth, some "
                    "neuron's gradient is off.")
def _(neuron_price, rng):
    W = rng.normal(size=(4, 5)) * np.array([1e3, 1, 1e-6, 1e-3, 30])
    for got, right in zip(*(part.T for part in _both(neuron_price, W)), strict=True):
        close(got, right, "dW is off")


@neuron_price.check("several blank neurons, and an input nobody uses", points=0.5,
                    symptom="With blank neurons, all of them or some, or with single weights that are zero, there is "
                    "a nan, or the gradient is off.")
def _(neuron_price, rng):
    W = rng.normal(size=(4, 6))
    W[:, [0, 3]], W[2] = 0, 0
    close(*_both(neuron_price, W), "dW is off")
    close(*_both(neuron_price, np.zeros((3, 2))), "dW is off")


# Early stopping on a trembling curve ---------------------------------------------------------------------------------
Stopper = Exercise("Stopper(patience, window)")


@Stopper.probe
def side_by_side(stopper, rules, curves):
    """Trainings that take turns, each with arrays of its own and a rule of its own."""
    import numpy as np

    made = [stopper(*rule) for rule in rules]
    nets = [[np.zeros((2, 3)), np.zeros(4)] for _ in rules]
    ran, open_ = [0] * len(rules), list(range(len(rules)))
    for epoch in range(max(map(len, curves))):
        for i in list(open_):
            if epoch == len(curves[i]):
                open_.remove(i)
                continue
            for number, array in enumerate(nets[i]):
                array += 100.0 * i + epoch + number + 1
            ran[i] += 1
            if made[i].seen(nets[i], curves[i][epoch]):
                open_.remove(i)
                nets[i][0][:] = np.nan
    for net in nets:
        for array in net:
            array[:] = np.nan
    return {"ran": ran, "best": [rule.epoch for rule in made],
            "weights": [[np.array(array) for array in rule.weights] for rule in made]}


def _expected(losses, patience, window):
    means = [sum(losses[max(0, i + 1 - window):i + 1]) / min(window, i + 1) for i in range(len(losses))]
    best = 0
    for i, mean in enumerate(means):
        if mean < means[best]:
            best = i
        elif i - best >= patience:
            return i + 1, best
    return len(losses), best


def _all_right(stopper, rules, curves):
    got = stopper.run("side_by_side", rules, curves)
    for i, (rule, losses) in enumerate(zip(rules, curves, strict=True)):
        ran, best = _expected(losses, *rule)
        if got["ran"][i] != ran or got["best"][i] != best:
            raise Wrong("stops elsewhere, or another epoch")
        if len(got["weights"][i]) != 2:
            raise Wrong("not all arrays")
        epochs = np.arange(best + 1)
        for number, (array, shape) in enumerate(zip(got["weights"][i], [(2, 3), (4,)], strict=True)):
            close(array, np.full(shape, (100.0 * i + epochs + number + 1).sum()), "other weights")


def _curve(rng, n=40):
    return (np.abs(np.linspace(-1, 1.5, n)) + rng.normal(0, 0.3, n)).tolist()


@Stopper.check("curves made by chance", points=0.5, catches="F9",
               symptom="On trembling curves, with several patiences and windows, it stops too early, too late, or "
               "keeps the weights of another epoch.")
def _(stopper, rng):
    for patience in (1, 3, 6):
        for window in (1, 2, 5):
            _all_right(stopper, [[patience, window]], [_curve(rng)])


@Stopper.check("a training that ends first; losses of any size", points=0.5, catches="F9",
               symptom="When the training ends before patience does, or losses are huge or negative, the epoch or the "
               "weights are off.")
def _(stopper, rng):
    _all_right(stopper, [[10, 2]], [[3.0, 1.0, 2.0]])
    _all_right(stopper, [[4, 3]], [[2.0]])
    for scale, shift in ((1e7, 0), (1, -1e3)):
        _all_right(stopper, [[3, 2]], [(scale * np.array(_curve(rng)) + shift).tolist()])


@Stopper.check("two trainings at once", points=0.5, catches="F9",
               symptom="Two trainings that take turns, each with its own rule, disturb each other.")
def _(stopper, rng):
    _all_right(stopper, [[3, 2], [5, 3], [2, 1]], [_curve(rng), _curve(rng), _curve(rng, 25)])


# Folds that no writer is torn by -------------------------------------------------------------------------------------
writer_folds = Exercise("writer_folds(writers, k, rng)")


def _writers(rng, people, most):
    """Who wrote what; one of them as much as all others together."""
    names, counts = rng.choice(1000, people, replace=False), rng.integers(1, most + 1, people)
    counts[0] = counts[1:].sum()
    return rng.permutation(np.repeat(names, counts))


def _sorted(folds):
    if not isinstance(folds, list | tuple | np.ndarray) or any(np.ndim(fold) != 1 for fold in folds):
        raise Wrong("not a list of arrays")
    return [sorted(np.asarray(fold).tolist()) for fold in folds]


@writer_folds.check("as many writers in each", points=0.5, catches="F14",
                    symptom="For some numbers of writers and folds the folds do not hold equally many writers, up to "
                    "one, or not every example is in exactly one of them.")
def _(writer_folds, rng):
    for people, k in ((11, 4), (7, 5), (6, 3), (5, 5), (14, 3)):
        writers = _writers(rng, people, 6)
        folds = _sorted(writer_folds(writers, k, rng))
        if len(folds) != k or sorted(at for fold in folds for at in fold) != list(range(len(writers))):
            raise Wrong("not each once")
        homes = [set(writers[fold].tolist()) for fold in folds]
        counts = [len(home) for home in homes]
        if sum(counts) != people or max(counts) - min(counts) > 1:
            raise Wrong("torn, or of unequal size")


@writer_folds.check("by chance", points=0.5,
                    symptom="Who is in which fold must be drawn by rng and nothing else, anew at each call.")
def _(writer_folds, rng):
    writers, seed = _writers(rng, 30, 3), int(rng.integers(1 << 30))
    one, same, other = (_sorted(writer_folds(writers, 4, np.random.default_rng(s))) for s in (seed, seed, seed + 1))
    if one != same:
        raise Wrong("not from rng")
    if one == other:
        raise Wrong("always the same")
    together = []
    for i in range(6):
        fold_of = np.zeros(len(writers), int)
        for number, fold in enumerate(_sorted(writer_folds(writers, 4, np.random.default_rng([seed, i])))):
            fold_of[np.isin(np.arange(len(writers)), fold)] = number
        homes = np.array([fold_of[writers == who][0] for who in np.unique(writers)])
        together.append((homes[1:] == homes[:-1]).mean())
    if not 0.02 < np.mean(together) < 0.6:
        raise Wrong("writers with neighbouring numbers are nearly always together, or never")


# Arrows --------------------------------------------------------------------------------------------------------------
arrows = Exercise("arrows(images, labels, training, rng)")


def _drawn(rng, n=400):
    return rng.uniform(0.1, 1, (n, 4, 3)), rng.integers(0, 4, n)


def _moved(images, down):
    rows = np.zeros_like(images)
    if down > 0:
        rows[:, 1:] = images[:, :-1]
    elif down < 0:
        rows[:, :-1] = images[:, 1:]
    else:
        rows[:] = images
    return rows


def _kinds(images, labels, got):
    """(mirrored, down) of each image; Wrong if an image or its label is neither."""
    if not isinstance(got, tuple | list) or len(got) != 2:
        raise Wrong("not two things")
    out, names = shaped(got[0], images.shape), shaped(got[1], labels.shape)
    kinds = np.full((len(images), 2), 9)
    for mirrored in (0, 1):
        for down in (-1, 0, 1):
            rows = _moved(images, down)
            rows = rows[:, :, ::-1] if mirrored else rows
            kinds[np.abs(rows - out).max((1, 2)) < 1e-5] = mirrored, down
    if (kinds == 9).any():
        raise Wrong("neither mirrored nor moved")
    turned = np.where((kinds[:, 0] == 1) & (labels % 2 == 1), 4 - labels, labels)
    if (names != turned).any():
        raise Wrong("a label is off")
    return kinds


@arrows.check("each image goes its own way", points=0.5, catches="5f",
              symptom="Of many images half should be mirrored, and a third each moved up, down and not at all, each "
              "by a chance of its own, with the labels to match.")
def _(arrows, rng):
    images, labels = _drawn(rng)
    kinds = _kinds(images, labels, arrows(images, labels, True, rng))
    if abs(kinds[:, 0].mean() - 0.5) > 0.15:
        raise Wrong("too many or too few are mirrored")
    for down in (-1, 0, 1):
        moved = kinds[kinds[:, 1] == down]
        if abs(len(moved) / len(kinds) - 1 / 3) > 0.14 or not 0.2 < moved[:, 0].mean() < 0.8:
            raise Wrong("too many or too few are moved this way, or mirrored with it")
    if all(np.ptp(kinds[labels == label], axis=0).min() == 0 for label in range(4)):
        raise Wrong("all of a label alike")


@arrows.check("another batch every time, from rng", points=0.5, catches="5f",
              symptom="Two generators with the same seed must give the same batch, and two calls with one generator "
              "two batches; the images that went in stay what they were.")
def _(arrows, rng):
    images, labels = _drawn(rng, 60)
    seed = int(rng.integers(1 << 30))
    one, same, other = (arrows(images, labels, True, np.random.default_rng(s)) for s in (seed, seed, seed + 1))
    if not np.array_equal(_kinds(images, labels, one), _kinds(images, labels, same)):
        raise Wrong("not from rng")
    if np.array_equal(_kinds(images, labels, one), _kinds(images, labels, other)):
        raise Wrong("always the same")


# Detect the leak -----------------------------------------------------------------------------------------------------
audit = Exercise("audit(X, y, sets, fed, looks, chosen)")


def _study(rng, n=(11, 7, 4), columns=4, copies=(), within=False, scaler="train", giveaway=None, order="honest",
           chosen="validation"):
    """A study that is honest but for what is said, and the names of what is not."""
    leaks, total = set(), sum(n)
    y = rng.normal(size=total)
    X = (rng.normal(size=(total, columns)) + y[:, None]) * np.geomspace(1e-3, 1e3, columns) + 5
    if giveaway:
        X[:, int(rng.integers(columns))] = giveaway[0] * y + giveaway[1]
        leaks.add("giveaway")
    train, validation, test = np.split(rng.permutation(total), np.cumsum(n)[:-1])
    for pair in copies:
        a, b = [(train, test), (validation, test), (train, validation)][pair]
        X[b[-1]], y[b[-1]] = X[a[-1]], y[a[-1]]
        leaks.add("overlap")
    if within:
        X[train[0]], y[train[0]] = X[train[1]], y[train[1]]
    sets = {"train": train, "validation": validation, "test": test}
    known = {"all": X, "both": X[np.concatenate([train, validation])]}
    fed = {}
    for name, rows in sets.items():
        of = X[rows] if scaler in ("own", name) else known.get(scaler, X[train])
        fed[name] = (X[rows] - of.mean(0)) / (X if scaler == "deviation" else of).std(0)
    leaks |= {"scaler"} if scaler != "train" else set()
    return X, y, sets, fed, *_looks(rng, order, chosen, leaks), leaks


def _looks(rng, order, chosen, leaks):
    strengths = rng.permutation([0.0, 0.03, 0.3, 3.0, 30.0]).tolist()
    error = {name: dict(zip(strengths, rng.permutation([0.11, 0.24, 0.37, 0.52, 0.68]).tolist(), strict=True))
             for name in ("validation", "test", "train")}
    by_validation, by_other = (min(strengths, key=error[name].get) for name in ("validation", "train"))
    if by_other == by_validation:
        by_other = max(strengths, key=error["validation"].get)
    it = by_validation if chosen == "validation" else by_other
    leaks |= {"chosen"} if it != by_validation else set()
    leaks |= {"peeked"} if order != "honest" else set()
    looks = [[name, s, error[name][s]] for s in strengths for name in ("train", "validation")]
    once = ["test", it, error["test"][it]]
    looks = {"honest": [*looks, once], "early": [once, *looks], "twice": [*looks, once, once],
             "between": [*looks[:6], once, *looks[6:]]}[order]
    return looks, it


def _all_named(audit, rng, **options):
    *given, leaks = _study(rng, **options)
    got = audit(*given)
    if not isinstance(got, list | tuple) or not all(isinstance(name, str) for name in got) or set(got) != leaks:
        raise Wrong(f"{sorted(leaks)} were planted")


@audit.check("copies", points=0.5, catches="F11",
             symptom="An example can be in two sets in more than one way; and any two of the three sets can share it. "
             "Or an honest study is suspected.")
def _(audit, rng):
    for copies in ((0,), (1,), (2,), ()):
        _all_named(audit, rng, copies=copies)
    _all_named(audit, rng, within=True)


@audit.check("scaled with what was not known yet", points=0.5, catches="F12",
             symptom="One of the ways to scale with numbers that training may not know is not found, or an honest "
             "scaling is suspected.")
def _(audit, rng):
    for scaler in ("all", "both", "own", "validation", "test", "deviation", "train"):
        _all_named(audit, rng, scaler=scaler, n=(16, 7, 5))


@audit.check("looks and choices", points=0.5, catches="F11",
             symptom="Looking often at validation is allowed; choosing by something else, or using the test set for "
             "anything but one last look, is not. One of these is misjudged.")
def _(audit, rng):
    for order, chosen in (("honest", "other"), ("early", "validation"), ("twice", "validation"), ("between", "other"),
                          ("honest", "validation")):
        _all_named(audit, rng, order=order, chosen=chosen)


@audit.check("several at once, and the answer in other units", points=0.5, catches="F11 F12",
             symptom="With several leaks in one study, or where a column is the answer in other units, one is missed, "
             "or one is found that is not there.")
def _(audit, rng):
    for giveaway in ((-0.02, 3.0), (400.0, -7.0)):
        _all_named(audit, rng, giveaway=giveaway, n=(6, 9, 5), columns=2)
    _all_named(audit, rng, copies=(0, 2), scaler="all", order="early", chosen="other")
    _all_named(audit, rng, scaler="own", giveaway=(1.7, 0.0), order="twice")
    _all_named(audit, rng, copies=(1,), scaler="both", giveaway=(0.4, 1.0), order="between", chosen="other")
