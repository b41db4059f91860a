"""Unit 4, optimizers: the visible checks of its graded exercises. They travel to students.

Each speaks about a symptom and never about the solution, and none is one: where the library has the rule the library
is asked, and elsewhere a case is built backwards from its answer. A student's own conventions are in the variant.
"""

import statistics

import numpy as np

import nnlab
from course.exercise import Exercise, NotWritten, Wrong, close, shaped

# Four numbers by hand ------------------------------------------------------------------------------------------------
step_predictions = Exercise("step_predictions")


@step_predictions.variant
def _(rng):
    pick = {"curve": (2.0, 3.0, 4.0, 5.0), "lr": (0.05, 0.08, 0.1), "beta": (0.6, 0.7, 0.8), "b1": (0.8, 0.9, 0.95),
            "b2": (0.99, 0.995, 0.999), "t": (2, 3, 4), "kappa": (30, 50, 70, 120)}
    return {name: rng.choice(values).item() for name, values in pick.items()}


@step_predictions.check("four numbers", points=0)
def _(step_predictions, rng):
    got = shaped(step_predictions(), (4,), "In this order: w with the heavy ball, w with the running mean, the length "
                 "of the uncorrected step, and the number of steps.")
    if not np.isfinite(got).all():
        raise Wrong("a number is nan or infinite.")


# Somebody's Adam -----------------------------------------------------------------------------------------------------
Stepper = Exercise("Stepper(arrays, lr, b1, b2, eps)")


@Stepper.probe
def drive(stepper, runs, order):
    """Each run's arrays after each of its steps, and its gradients afterwards. `order`: whose turn it is."""
    import copy

    import numpy as np

    if isinstance(stepper, type):  # what all Steppers share begins anew with each check: one mistake, not all of them
        kept = {name: copy.deepcopy(it) for name, it in vars(stepper).items() if isinstance(it, dict | list)}
        stepper = type("Stepper", (stepper,), kept)
    arrays = [[np.array(w, float) for w in run["starts"]] for run in runs]
    gradients = [[[np.array(g, float) for g in step] for step in run["gradients"]] for run in runs]
    steppers = [stepper(list(mine), *run["numbers"]) for mine, run in zip(arrays, runs)]
    taken, seen = [0] * len(runs), [[] for _ in runs]
    for k in order:
        steppers[k].step(gradients[k][taken[k]])
        taken[k] += 1
        seen[k].append([w.copy() for w in arrays[k]])
    return {"seen": seen, "gradients": gradients}


def _run(rng, shapes, steps):
    return {"starts": [rng.normal(size=s) for s in shapes], "numbers": [0.05, 0.9, 0.999, 1e-8],
            "gradients": [[rng.normal(size=s) for s in shapes] for _ in range(steps)]}


def _library(run):
    """The arrays after each step, by nnlab's Adam."""
    lr, b1, b2, eps = run["numbers"]
    arrays = [nnlab.Parameter(w, dtype=np.float64) for w in run["starts"]]
    adam = nnlab.Adam(arrays, lr=lr, betas=(b1, b2), eps=eps)
    for gradients in run["gradients"]:
        for w, g in zip(arrays, gradients, strict=True):
            w.grad = np.array(g)
        adam.step()
        yield [w.data.copy() for w in arrays]


def _agree(stepper, runs, order, symptom):
    got = stepper.run("drive", runs, order)
    for run, seen, after in zip(runs, got["seen"], got["gradients"], strict=True):
        if any(not np.array_equal(a, b) for x, y in zip(after, run["gradients"], strict=True)
               for a, b in zip(x, y, strict=True)):
            raise Wrong("it changes the gradients that it is given; somebody may still need them.")
        if all(np.array_equal(w, start) for now in seen for w, start in zip(now, run["starts"], strict=True)):
            raise Wrong("the arrays are what they were before. Whoever made them still holds them, and must see the "
                        "steps in them.")
        for t, (now, right) in enumerate(zip(seen, _library(run), strict=True), 1):
            for a, b in zip(now, right, strict=True):
                close(a, b, f"step {t} ends in the wrong place. {symptom}")


@Stepper.check("symptom A: one array, four steps", points=0.5, catches="O1 O11")
def _(stepper, rng):
    _agree(stepper, [_run(rng, [(3, 2)], 4)], [0, 0, 0, 0], "There is one array and one optimizer.")


@Stepper.check("symptom B: three arrays, four steps", points=0.5, catches="O1")
def _(stepper, rng):
    _agree(stepper, [_run(rng, [(3, 4), (4,), (4, 2)], 4)], [0, 0, 0, 0],
           "There are three arrays, and one optimizer: what do they share, and what has each for itself?")


# A rule that asks whether the gradient is what it expected -----------------------------------------------------------
belief_step = Exercise("belief_step(w, g, m, s, t, lr, b1, b2, eps, decay)")
LR, KEEP = 0.05, (0.9, 0.999)


@belief_step.variant
def _(rng):
    return {"eps": str(rng.choice(["beside", "under"])), "kept": str(rng.choice(["1 - lr · decay", "1 - decay"]))}


def _arrays(got, w, names):
    if not isinstance(got, tuple | list) or len(got) != len(names):
        what = f"{len(got)} things" if isinstance(got, tuple | list) else f"a {type(got).__name__}"
        raise Wrong(f"it returned {what}; expected {len(names)}: the new {', the new '.join(names)}.")
    if any(part is None or part is ... for part in got):
        raise NotWritten
    return [shaped(part, w.shape, f"That was the new {name}; w has shape {w.shape}.")
            for part, name in zip(got, names, strict=True)]


@belief_step.check("what it remembers", points=0.5, catches="O6")
def _(belief_step, rng):
    forecast, surprise, s = rng.normal(size=3), rng.uniform(0.5, 2, 3), rng.uniform(1, 2, 3)
    g = forecast + surprise
    m = (forecast - 0.2 * g) / 0.8  # what must have been there
    _, new_m, new_s = _arrays(belief_step(rng.normal(size=3), g, m, s, 3, LR, 0.8, 0.99, 1e-8, 0.0), g, "wms")
    close(new_m, forecast, "the new m is not the plain running mean of g, of which b1 keeps the old part.")
    close((new_s - 0.99 * s) / 0.01, surprise**2, rtol=1e-3, symptom=(
        "the new s is not the plain running mean of the squared surprise: how far is g from what the new m says?"))


@belief_step.check("four steps, the gradient always the same, no decay", points=1, catches="O1")
def _(belief_step, rng):
    w, m, s = rng.normal(size=(4, 2)), np.zeros((4, 2)), np.zeros((4, 2))
    g, (b1, b2) = rng.choice([-1, 1], (4, 2)) * rng.uniform(1, 9, (4, 2)), KEEP
    for t in range(1, 5):
        before = w
        w, m, s = _arrays(belief_step(w, g, m, s, t, LR, b1, b2, 1e-12, 0.0), g, "wms")
        shares = b2 ** np.arange(t)  # the surprise shrinks by b1 at each step; the newest has the share 1
        seen = (shares * b1 ** (2 * np.arange(t, 0, -1))).sum() / shares.sum()
        close((before - w) * np.sign(g), np.full((4, 2), LR * seen**-0.5), rtol=1e-4, symptom=(
            f"step {t} of four has the wrong length or the wrong direction; it is the same for every size of a "
            "gradient that does not change. t counts from 1; both means start at 0, and have seen only a part."))


@belief_step.check("nothing but decay", points=0.5, catches="O14")
def _(belief_step, rng):
    w, nothing = rng.normal(size=5), np.zeros(5)
    new, *_ = _arrays(belief_step(w, nothing, nothing, nothing, 1, LR, *KEEP, 1e-8, 0.2), w, "wms")
    kept = 0.8 if belief_step.variant["kept"] == "1 - decay" else 1 - LR * 0.2
    close(new, w * kept, "where the gradient is 0 and nothing is remembered, w only shrinks, by the factor that the "
                         "text names.")


# A ball that looks ahead, with a rate for each weight ----------------------------------------------------------------
ahead_step = Exercise("ahead_step(gradient, w, u, v, lr, beta, alpha, eps)")


@ahead_step.variant
def _(rng):
    return {"ball": str(rng.choice(["heavy ball", "running mean"]))}


@ahead_step.probe
def roll(ahead_step, slopes, home, w, u, v, numbers, steps):
    """Where the gradient, slopes · (x - home), was asked for in each step, and the new w, u, v after each."""
    import numpy as np

    asked, now = [], []

    def gradient(x):
        asked[-1].append(np.array(x, float))
        return slopes * (x - home)

    for _ in range(steps):
        asked.append([])
        got = ahead_step(gradient, w, u, v, *numbers)
        if got is None or got is ...:
            return None
        if not isinstance(got, tuple | list) or len(got) != 3:
            return {"asked": asked, "now": f"a {type(got).__name__} of {np.size(got)}"}
        w, u, v = (np.asarray(part) for part in got)
        now.append([w, u, v])
    return {"asked": asked, "now": now}


def _once(ahead_step, slopes, home, w, u, v, numbers):
    """The gradients that one step asks for, and the new w, u, v."""
    got = ahead_step.run("roll", slopes, home, w, u, v, numbers, 1)
    if isinstance(got["now"], str):
        raise Wrong(f"it returned {got['now']}; expected three arrays: the new w, the new u, the new v.")
    return got["asked"][0], [shaped(part, w.shape, f"That was the new {name}; w has shape {w.shape}.")
                             for part, name in zip(got["now"][0], "wuv", strict=True)]


def _bowl(rng):
    """slopes, home, w: no gradient is near 0 there."""
    w = rng.normal(size=4)
    return rng.uniform(1, 4, 4), w + rng.choice([-1, 1], 4) * rng.uniform(1, 3, 4), w


@ahead_step.check("it asks for one gradient, at the right place", points=0.5, catches="O10")
def _(ahead_step, rng):
    slopes, home, w = _bowl(rng)
    u, v = rng.normal(size=4), rng.uniform(1, 2, 4)
    asked, _ = _once(ahead_step, slopes, home, w, u, v, [LR, 0.8, 0.9, 1e-8])
    if len(asked) != 1:
        raise Wrong(f"it asks for {len(asked)} gradients; every one costs a pass through the net, and one is enough.")
    close(asked[0], w - LR * 0.8 * u, "it does not ask for the gradient at the point to which what is left of u alone "
                                      "would carry w.")


@ahead_step.check("the first step, from rest", points=0.5, catches="O8")
def _(ahead_step, rng):
    slopes, home, w = _bowl(rng)
    _, (new, *_) = _once(ahead_step, slopes, home, w, 0 * w, 0 * w, [LR, 0.8, 0.75, 1e-12])
    taken = 1 if ahead_step.variant["ball"] == "heavy ball" else 0.2
    close((w - new) * np.sign(w - home), np.full(4, taken * 2 * LR), rtol=1e-4, symptom=(
        "with u = 0, v = 0 and alpha = 0.75 the root of the new v is half of g, so that the push is 2 or -2; the first "
        "step has another length. How much of the push does your kind of ball take in?"))


@ahead_step.check("what v remembers", points=0.5, catches="O7 O6")
def _(ahead_step, rng):
    slopes, home, w = _bowl(rng)
    v, numbers = rng.uniform(1, 2, 4), [LR, 0.8, 0.9, 1e-8]
    _, (*_, flat) = _once(ahead_step, slopes, w, w, 0 * w, v, numbers)
    close(flat, 0.9 * v, "where the gradient is 0, v only fades: alpha is the share that it keeps.")
    _, (*_, fresh) = _once(ahead_step, slopes, home, w, 0 * w, 0 * w, numbers)
    close(fresh, 0.1 * (slopes * (w - home)) ** 2, "from v = 0, the new v is not the share 1 - alpha of the squared "
                                                   "gradient.")


# What theory promises ------------------------------------------------------------------------------------------------
long_run_factor = Exercise("long_run_factor(curvatures, lr, beta)")


@long_run_factor.check("without momentum", points=0.5)
def _(long_run_factor, rng):
    curvatures = rng.permutation([1.0, 3.0, 10.0, 20.0]) * rng.uniform(0.9, 1.1)
    for lr in (0.02, 0.09):  # the flat direction is the slowest, then the steep one
        close(long_run_factor(curvatures, lr, 0.0), np.abs(1 - lr * curvatures).max(),
              "with beta = 0 that is gradient descent: each direction has the factor of section 4.1, and the distance "
              "in the long run is that of the slowest.")


@long_run_factor.check("where every direction rings", points=0.5)
def _(long_run_factor, rng):
    beta, lr = rng.uniform(0.6, 0.9), rng.uniform(0.05, 0.2)
    low, high = 1.3 * (1 - beta**0.5) ** 2, 0.8 * (1 + beta**0.5) ** 2
    curvatures = rng.uniform(low, high, 5) / lr
    got = shaped(long_run_factor(curvatures, lr, beta), ())
    if not np.isfinite(got):
        raise Wrong("it is nan or infinite where the equation has no real solution. It has two complex ones, and they "
                    "have a length too.")
    close(got, beta**0.5, "here every direction swings to and fro while it dies out, and lab 4b says how fast.")


@long_run_factor.check("where every direction creeps", points=0.5, catches="O8")
def _(long_run_factor, rng):
    beta, lr = rng.uniform(0.4, 0.8), rng.uniform(0.05, 0.2)
    slow = beta ** rng.uniform(0.05, 0.4, 5)  # of the two motions; the product of both is beta
    curvatures = (1 - slow) * (1 - beta / slow) / lr
    close(long_run_factor(curvatures, lr, beta), slow.max(),
          "here nothing swings. Two motions are possible in each direction: which of them is left in the end? And "
          "in which direction?")


# A table that is fair ------------------------------------------------------------------------------------------------
fair_table = Exercise("fair_table(validation, test)")
COLUMNS = ("chosen", "mean", "spread", "edge")


def _tried(rng, best, rates=6, seeds=4):
    """Accuracies, (rules, rates, seeds), with the best rate of each rule at `best`, and the test ones there."""
    away = np.abs(np.arange(rates) - np.array(best)[:, None])
    validation = (0.9 - 0.06 * away)[:, :, None] + rng.uniform(-0.01, 0.01, (len(best), rates, seeds))
    test = validation - rng.uniform(0.01, 0.03, validation.shape)
    return validation, test, [table[k].tolist() for table, k in zip(test, best, strict=True)]


def _four(got, rules):
    if not isinstance(got, tuple | list) or len(got) != 4:
        what = f"{len(got)} things" if isinstance(got, tuple | list) else f"a {type(got).__name__}"
        raise Wrong(f"it returned {what}; expected four: {', '.join(COLUMNS)}.")
    if any(part is None or part is ... for part in got):
        raise NotWritten
    return [shaped(part, (rules,), f"That was {name}; each rule has one.")
            for part, name in zip(got, COLUMNS, strict=True)]


@fair_table.check("the chosen rates", points=0.5)
def _(fair_table, rng):
    best = rng.permutation([1, 2, 4])
    close(_four(fair_table(*_tried(rng, best)[:2]), 3)[0], best,
          "3 rules, 6 rates, 4 seeds: a chosen rate is not the one whose mean validation accuracy is best. (The number "
          "of the rate is asked for, from 0.)")


@fair_table.check("mean and spread", points=0.5)
def _(fair_table, rng):
    validation, test, told = _tried(rng, rng.permutation([1, 2, 3, 4, 3]))
    got = _four(fair_table(validation, test), 5)
    close(got[1], [statistics.mean(runs) for runs in told],
          "the mean is not that of the test accuracy over the seeds, at the chosen rate.")
    close(got[2], [statistics.stdev(runs) for runs in told], rtol=1e-3, symptom=(
        "the spread is not the standard deviation of those test accuracies over the seeds, divided as the text says."))


@fair_table.check("a best rate at the edge", points=0.5)
def _(fair_table, rng):
    best = rng.permutation([0, 2, 5, 1, 4])
    close(_four(fair_table(*_tried(rng, best)[:2]), 5)[3], (best == 0) | (best == 5),
          "edge is to be true where the best rate is the smallest or the largest that was tried: who knows what lies "
          "beyond?")
