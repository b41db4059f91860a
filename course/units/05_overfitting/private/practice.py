"""Unit 5's practice exercises for the tests: a right solution of each, right but unusual ones, known wrong ones.

MUTANTS: exercise -> {misconception: (wrong solution, a word its check must say)}. In no wheel and no student bundle.
"""

import copy
import math

import numpy as np

import nnlab
from course.check import read_unit
from course.labs.whodunit import suspects
from nnlab import functional

SUSPECTS = suspects(read_unit("05_overfitting", "bugs.py").SCENES)


def dropout(x, p, training, rng):
    if not training:
        return x
    return x * (rng.random(x.shape) >= p) / (1 - p)


def early_stopping(training, patience):
    best, best_epoch, best_weights = np.inf, 0, None
    for epoch, (weights, loss) in enumerate(training):
        if loss < best:
            best, best_epoch, best_weights = loss, epoch, weights.copy()
        elif epoch - best_epoch >= patience:
            break
    return best_weights, best_epoch


def random_shift(images, most, rng):
    moved = np.zeros_like(images)
    height, width = images.shape[1:]
    for image, out in zip(images, moved, strict=True):
        down, right = rng.integers(-most, most + 1, 2)
        out[max(down, 0):height + min(down, 0), max(right, 0):width + min(right, 0)] = (
            image[max(-down, 0):height + min(-down, 0), max(-right, 0):width + min(-right, 0)])
    return moved


def honest_test(fit, error, strengths, train, validation, test):
    mean, sd = train[0].mean(0), train[0].std(0)
    (X, y), (V, v), (T, t) = [((A - mean) / sd, a) for A, a in (train, validation, test)]
    models = [fit(X, y, strength) for strength in strengths]
    best = int(np.argmin([error(model, V, v) for model in models]))
    return strengths[best], error(models[best], T, t)


SOLUTIONS = dict(dropout=dropout, early_stopping=early_stopping, random_shift=random_shift, honest_test=honest_test)


# Right, and written otherwise ----------------------------------------------------------------------------------------
def _loop_dropout(x, p, training, rng):
    if not training:
        return x.tolist()
    return [[0.0 if rng.random() < p else number / (1 - p) for number in row] for row in x]


def _chosen_dropout(x, p, training, rng):
    return x / (1 - p) * rng.choice([0, 1], x.shape, p=[p, 1 - p]) if training else x.copy()


def _in_place_on_its_own(x, p, training, rng):
    out = x.copy()
    if training:
        out[rng.random(out.shape) < p] = 0
        out /= 1 - p
    return out


def _counting_stop(training, patience):
    epoch, waited, best = -1, 0, None
    for weights, loss in training:
        epoch += 1
        if best is None or loss < best[0]:
            best, waited = (loss, epoch, np.array(weights)), 0
        else:
            waited += 1
        if waited == patience:
            break
    return [best[2], best[1]]


def _stop_with_a_list(training, patience):
    losses, kept = [], []
    for weights, loss in training:
        losses.append(float(loss))
        kept.append(weights.tolist())
        if len(losses) - 1 - int(np.argmin(losses)) >= patience:
            break
    return kept[int(np.argmin(losses))], np.int64(np.argmin(losses))


def _padded_shift(images, most, rng):
    n, height, width = images.shape
    padded = np.pad(images, ((0, 0), (most, most), (most, most)))
    start = rng.integers(0, 2 * most + 1, (n, 2))
    return [padded[i, a:a + height, b:b + width] for i, (a, b) in enumerate(start)]


def _rolled_and_wiped(images, most, rng):
    out = images.copy()
    for i in range(len(out)):
        d, r = int(rng.integers(-most, most + 1)), int(rng.integers(-most, most + 1))
        out[i] = np.roll(out[i], (d, r), (0, 1))
        if d:
            out[i][(slice(None, d) if d > 0 else slice(d, None))] = 0
        if r:
            out[i][:, (slice(None, r) if r > 0 else slice(r, None))] = 0
    return out


def _loop_honest(fit, error, strengths, train, validation, test):
    mean, sd = np.mean(train[0], axis=0), np.std(train[0], axis=0)
    best, chosen, model = math.inf, None, None
    for strength in strengths:
        candidate = fit((train[0] - mean) / sd, train[1], strength)
        loss = error(candidate, (validation[0] - mean) / sd, validation[1])
        if loss < best:
            best, chosen, model = loss, strength, candidate
    return [np.float64(chosen), np.array(error(model, (test[0] - mean) / sd, test[1]))]


def _refitted_honest(fit, error, strengths, train, validation, test):
    mean, sd = train[0].mean(0), train[0].std(0, ddof=1)
    X, V, T = ((part[0] - mean) / sd for part in (train, validation, test))
    chosen = min(strengths, key=lambda s: error(fit(X, train[1], s), V, validation[1]))
    return chosen, error(fit(np.concatenate([X, V]), np.concatenate([train[1], validation[1]]), chosen), T, test[1])


def _single(function):
    """The same, its arrays computed in float32."""
    return lambda *args: function(*(a.astype(np.float32) if isinstance(a, np.ndarray) else a for a in args))


BENIGN = dict(
    dropout=[_loop_dropout, _chosen_dropout, _in_place_on_its_own, _single(dropout),
             lambda x, p, training, rng: functional.dropout(nnlab.Tensor(x), p, training, rng=rng).data,
             lambda x, p, training, rng: np.where(rng.uniform(size=x.shape) < p, 0, x / (1 - p)) if training else x],
    early_stopping=[_counting_stop, _stop_with_a_list,
                    lambda training, patience: early_stopping(((w.copy(), float(loss)) for w, loss in training),
                                                              int(patience))],
    random_shift=[_padded_shift, _rolled_and_wiped, _single(random_shift),
                  lambda images, most, rng: nnlab.augment.Shift(most, rng=rng)(images)],
    honest_test=[_loop_honest, _refitted_honest,
                 lambda fit, error, strengths, *sets: honest_test(
                     fit, error, np.array(strengths), *((X.astype(np.float32), y) for X, y in sets))],
)


# Wrong ---------------------------------------------------------------------------------------------------------------
def _dropped_by_rows(x, p, training, rng):
    return x * (rng.random((len(x), 1)) >= p) / (1 - p) if training else x


def _dropped_by_columns(x, p, training, rng):
    return x * (rng.random(x.shape[1]) >= p) / (1 - p) if training else x


def _dropped_in_place(x, p, training, rng):
    if training:
        x[rng.random(x.shape) < p] = 0
        x /= 1 - p
    return x


def _mask(x, p, training, rng):
    return (rng.random(x.shape) >= p) / (1 - p) if training else np.ones(x.shape)


def _global_chance(x, p, training, rng):
    return x * (np.random.random(x.shape) >= p) / (1 - p) if training else x  # noqa: NPY002


def _same_chance(x, p, training, rng):
    return dropout(x, p, training, np.random.default_rng(0))


def _stopper(keep=np.copy, better=lambda loss, best: loss < best, give=lambda best, now: best, first=0,
             enough=lambda waited, patience: waited >= patience, start=np.inf, renew=True):
    """early_stopping with one thing wrong."""
    def stop(training, patience):
        best, best_epoch, best_weights, waited, weights, epoch = start, first, None, 0, None, first - 1
        for epoch, (weights, loss) in enumerate(training, first):
            if better(loss, best):
                best, best_epoch, best_weights = loss, epoch, keep(weights)
                waited = 0 if renew else waited
            else:
                waited += 1
            if enough(waited, patience):
                break
        return give((best_weights, best_epoch), (weights, epoch))

    return stop


def _counts_rises(training, patience):
    best, best_epoch, best_weights, rises, before = np.inf, 0, None, 0, np.inf
    for epoch, (weights, loss) in enumerate(training):
        rises = rises + 1 if loss > before else 0
        before = loss
        if loss < best:
            best, best_epoch, best_weights = loss, epoch, weights.copy()
        if rises >= patience:
            break
    return best_weights, best_epoch


def _shifter(step=1, axes=(0, 1), high=1, low=-1, diagonal=False, fill=0.0, far=0):
    """random_shift with one thing wrong."""
    def shift(images, most, rng):
        ways = rng.integers(low * (most + far * (most > 0)), most + far * (most > 0) + high, (len(images), 2)) * step
        if diagonal:
            ways[:, 1] = ways[:, 0]
        out = []
        for image, (down, right) in zip(images, ways, strict=True):
            for axis, by in zip(axes, (down, right), strict=False):
                image = np.roll(image, by, axis)
                gone = [slice(None)] * 2
                gone[axis] = slice(None, by) if by > 0 else slice(by, None) if by < 0 else slice(0)
                image = image.copy()
                image[tuple(gone)] = fill
            out.append(image)
        return np.array(out)

    return shift


def _shifts_in_place(images, most, rng):
    images[:] = random_shift(images, most, rng)
    return images


def _tester(scale=lambda part, sets: (part[0].mean(0), part[0].std(0)), scaler="train", choose="validation",
            report="test", best=np.argmin, refit=None, look_first=False, learn="train", peeks=False, last=False):
    """honest_test with one thing wrong. scaler: whose mean and deviation; 'own': of each set by itself."""
    def run(fit, error, strengths, train, validation, test):
        sets = dict(train=train, validation=validation, test=test)
        together = np.concatenate([part[0] for part in sets.values()])
        done = {}
        for name, part in sets.items():
            source = {"train": train[0], "own": part[0], "all": together,
                      "training and validation": np.concatenate([train[0], validation[0]])}.get(scaler)
            done[name] = ((part[0] - source.mean(0)) / source.std(0) if source is not None else part[0], part[1])
        if scaler == "train only":
            done["train"] = ((train[0] - train[0].mean(0)) / train[0].std(0), train[1])
        if scaler == "variance":
            done = {n: ((X - train[0].mean(0)) / train[0].var(0), y) for n, (X, y) in sets.items()}
        if scaler == "everything at once":
            done = {n: ((X - train[0].mean()) / train[0].std(), y) for n, (X, y) in sets.items()}
        done["everything"] = tuple(np.concatenate(parts) for parts in zip(*(done[n] for n in sets), strict=True))
        if look_first:
            error(fit(*done["train"], strengths[0]), *done["test"])
        models = [fit(*done[learn], strength) for strength in strengths]
        if peeks:
            [error(model, *done["test"]) for model in models]
        losses = [error(model, *done[choose]) for model in models]
        i = len(strengths) - 1 if last else int(best(losses))
        if refit:
            models[i] = fit(*done[refit], strengths[i])
        found = error(models[i], *done[report])
        return (losses[i] if look_first == "report" else strengths[i]), found

    return run


def _scales_in_place(fit, error, strengths, train, validation, test):
    mean, sd = train[0].mean(0), train[0].std(0)
    for X, _ in (train, validation, test):
        X -= mean
        X /= sd
    unscaled = [(X, y) for X, y in (train, validation, test)]
    models = [fit(*unscaled[0], s) for s in strengths]
    best = int(np.argmin([error(m, *unscaled[1]) for m in models]))
    return strengths[best], error(models[best], *unscaled[2])


def _tests_then_measures(fit, error, strengths, train, validation, test):
    found = honest_test(fit, error, strengths, train, validation, test)
    mean, sd = train[0].mean(0), train[0].std(0)
    error(fit((train[0] - mean) / sd, train[1], found[0]), (validation[0] - mean) / sd, validation[1])
    return found


MUTANTS = dict(
    dropout={
        "F1 not rescaled": (lambda x, p, training, rng: x * (rng.random(x.shape) >= p) if training else x, "mean"),
        "F1 multiplied by what is kept": (lambda x, p, training, rng: x * (rng.random(x.shape) >= p) * (1 - p)
                                          if training else x, "mean"),
        "F1 divided by p": (lambda x, p, training, rng: x * (rng.random(x.shape) >= p) / p if training else x, "mean"),
        "F1 rescaled by what was really kept": (
            lambda x, p, training, rng: (lambda keep: x * keep / keep.mean())(rng.random(x.shape) >= p)
            if training else x, "multiplied"),
        "F1 multiplied by 1 + p": (lambda x, p, training, rng: x * (rng.random(x.shape) >= p) * (1 + p)
                                   if training else x, "multiplied by 1.2"),
        "F2 p taken as the probability to keep": (SUSPECTS["dropout"]["F2 p taken as the probability to keep"],
                                                  "which of the two"),
        "F2 keeps with p, rescales for 1 - p": (
            lambda x, p, training, rng: x * (rng.random(x.shape) < p) / (1 - p) if training else x, "which of the two"),
        "F4 active out of training": (SUSPECTS["dropout"]["F4 active out of training"], "by chance"),
        "F4 scaled at prediction": (
            lambda x, p, training, rng: x * (rng.random(x.shape) >= p) if training else x * (1 - p), "as it went in"),
        "F4 scaled at prediction as well": (
            lambda x, p, training, rng: dropout(x, p, True, rng) if training else x / (1 - p), "as it went in"),
        "F4 the other way round": (lambda x, p, training, rng: dropout(x, p, not training, rng), "training=False"),
        "F4 never active": (SUSPECTS["dropout"]["F4 never active"], "expected about 20 %"),
        "whole examples": (_dropped_by_rows, "loses all of its numbers"),
        "the same neurons for all": (_dropped_by_columns, "the same neurons"),
        "in place": (_dropped_in_place, "in place"),
        "the mask without x": (_mask, "as it went in"),
        "NumPy's global chance": (_global_chance, "where does the chance come from"),
        "the same at every call": (_same_chance, "anew"),
        "a random rescaling": (lambda x, p, training, rng: x * (rng.random(x.shape) >= p) * rng.uniform(1, 1.5, x.shape)
                               if training else x, "multiplied by"),
        "one draw for all": (lambda x, p, training, rng: x * (rng.random() >= p) / (1 - p) if training else x,
                             "became 0"),
        "no scaling, but nan": (lambda x, p, training, rng: np.where(rng.random(x.shape) >= p, x, np.nan)
                                if training else x, "became 0"),
        "nothing out of training": (lambda x, p, training, rng: dropout(x, p, True, rng) if training else None,
                                    "not written"),
        "a flat answer": (lambda x, p, training, rng: dropout(x.ravel(), p, training, rng), "shape"),
    },
    early_stopping={
        "F9 last weights": (_stopper(give=lambda best, now: (now[0].copy(), best[1])), "those of epoch 5"),
        "F9 a reference, not a copy": (_stopper(keep=lambda w: w), "still what they were"),
        "F9 a view": (_stopper(keep=lambda w: w[:]), "still what they were"),
        "F9 asarray, which copies nothing": (_stopper(keep=np.asarray), "still what they were"),
        "F9 a shallow copy of a list of them": (_stopper(keep=lambda w: copy.copy([w])[0]), "still what they were"),
        "F9 last weights and last epoch": (_stopper(give=lambda best, now: (now[0].copy(), now[1])), "where one stops"),
        "epochs counted from 1": (_stopper(first=1), "number 0"),
        "the highest loss": (_stopper(better=lambda loss, best: loss > best, start=-np.inf), "it says 0"),
        "one epoch too patient": (_stopper(enough=lambda waited, patience: waited > patience), "more than its"),
        "one epoch too impatient": (_stopper(enough=lambda waited, patience: waited >= patience - 1 and waited),
                                    "fewer than its patience"),
        "never stops": (_stopper(enough=lambda waited, patience: False), "it says 7"),
        "stops at the first rise": (_stopper(enough=lambda waited, patience: waited > 0), "fewer than its patience"),
        "patience is never renewed": (_stopper(renew=False), "renewed"),
        "rises in a row": (_counts_rises, "they fall again"),
        "an equal loss counts as better": (_stopper(better=lambda loss, best: loss <= best), "more than its patience"),
        "best starts at 1000": (_stopper(start=1e3), "none"),
        "best starts at 0": (_stopper(start=0.0), "none"),
        "only the weights": (_stopper(give=lambda best, now: best[0]), "two things"),
        "the loss in place of the epoch": (
            lambda training, patience: (lambda kept: (kept[0], 3.0 + kept[1]))(early_stopping(training, patience)),
            "it says 6"),
        "the other way round": (_stopper(give=lambda best, now: best[::-1]), "3 numbers"),
    },
    random_shift={
        "5f wraps round the edge": (SUSPECTS["random_shift"]["5f wraps round the edge"], "comes in again on the other"),
        "5f the same for the whole batch": (SUSPECTS["random_shift"]["5f the same for the whole batch"], "the same"),
        "5f the same in every epoch": (SUSPECTS["random_shift"]["5f the same in every epoch"], "every epoch"),
        "5f np.roll of the whole batch": (lambda images, most, rng: np.roll(
            images, tuple(rng.integers(-most, most + 1, 2)), (1, 2)), "comes in again on the other"),
        "the upper end left out": (SUSPECTS["random_shift"]["the upper end left out"], "high <= 0"),
        "the upper end left out, but at 0": (
            lambda images, most, rng: _shifter(high=1 if most == 0 else 0)(images, most, rng), "every number"),
        "only down and to the right": (_shifter(low=0), "every number"),
        "only up and down": (_shifter(axes=(0,)), "to the right by 0"),
        "only sideways": (lambda images, most, rng: _shifter(axes=(1,))(images, most, rng), "down by 0"),
        "diagonally only": (_shifter(diagonal=True), "own chance"),
        "too far": (_shifter(far=1), "more than `most`"),
        "half as many, twice as far": (_shifter(step=2), "more than `most`"),
        "ones come in": (_shifter(fill=1.0), "whole pixels"),
        "in place": (_shifts_in_place, "in place"),
        "nothing moves": (lambda images, most, rng: images.copy(), "same (0, 0)"),
        "flipped": (lambda images, most, rng: images[:, :, ::-1], "stay exactly"),
        "noise": (lambda images, most, rng: images + most * rng.normal(size=images.shape), "whole pixels"),
        "NumPy's global chance": (lambda images, most, rng: random_shift(
            images, most, np.random.default_rng()), "where does the chance come from"),
        "one image": (lambda images, most, rng: random_shift(images, most, rng)[0], "shape"),
        "rows and columns exchanged": (lambda images, most, rng: random_shift(images, most, rng).transpose(0, 2, 1),
                                       "shape"),
    },
    honest_test={
        "F11 chosen by the test set": (_tester(choose="test"), "test set has chosen"),
        "F11 chosen by the training set": (_tester(choose="train"), "no penalty always wins"),
        "F11 test and validation exchanged": (_tester(choose="test", report="validation"), "test set has chosen"),
        "F11 learns from everything": (_tester(learn="everything"), "labels of the"),
        "F11 learns from the test set": (_tester(learn="test"), "labels of the"),
        "F11 the last fit has the test set in it": (_tester(refit="everything"), "labels of the"),
        "F11 looks at the test set for every strength": (_tester(peeks=True), "looks at the test set 5 times"),
        "F11 looks at the test set before": (_tester(look_first=True), "looks at the test set 2 times"),
        "F11 measures on after the test": (_tests_then_measures, "open it last"),
        "F12 scaled with all the data": (_tester(scaler="all"), "of which numbers"),
        "F12 scaled with training and validation": (_tester(scaler="training and validation"), "of which numbers"),
        "F12 each set with its own mean": (_tester(scaler="own"), "its own numbers"),
        "not scaled": (_tester(scaler="none"), "as they are"),
        "only the training set scaled": (_tester(scaler="train only"), "measured as it is"),
        "divided by the variance": (_tester(scaler="variance"), "standard deviation other than 1"),
        "one mean for all columns": (_tester(scaler="everything at once"), "of which numbers"),
        "the validation error reported": (_tester(report="validation"), "never measures"),
        "the worst one": (_tester(best=np.argmax), "worst"),
        "always the first": (_tester(best=lambda losses: 0), "no penalty always wins"),
        "always the last": (_tester(last=True), "worst"),
        "always the second": (_tester(best=lambda losses: 1), "it takes another"),
        "the position in place of the strength": (
            lambda fit, error, strengths, *sets: (lambda found: (float(strengths.index(found[0])), found[1]))(
                honest_test(fit, error, strengths, *sets)), "that is the best one on the test set"),
        "the smallest error in place of the strength": (_tester(look_first="report"), "none of the strengths"),
        "learns from the validation set": (_tester(learn="validation"), "in place of the training set"),
        "in place": (_scales_in_place, "in place"),
        "only the strength": (lambda *given: honest_test(*given)[0], "two things"),
        "the last model's test error": (
            lambda fit, error, strengths, *sets: (honest_test(fit, error, strengths, *sets)[0], 0.9), "it reports 0.9"),
    },
)
