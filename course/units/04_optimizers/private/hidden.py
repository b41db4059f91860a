"""Unit 4, optimizers: the hidden checks of its graded exercises, in no wheel and no student bundle.

Two runs in turns, other magnitudes, a large eps, runs that blew up. A student sees title and symptom.
"""

import numpy as np

from course.exercise import Exercise, Wrong, close, shaped

# Four numbers by hand ------------------------------------------------------------------------------------------------
step_predictions = Exercise("step_predictions")


def _two_steps(curve, lr, beta, share):
    w, u = 1.0, 0.0
    for _ in range(2):
        u = beta * u + share * curve * w
        w -= lr * u
    return w


def _right_numbers(curve, lr, beta, b1, b2, t, kappa):
    return (_two_steps(curve, lr, beta, 1), _two_steps(curve, lr, beta, 1 - beta),
            (1 - b1**t) / np.sqrt(1 - b2**t), np.log(1000) / np.log((kappa + 1) / (kappa - 1)))


def _near(step_predictions, i, within):
    got, right = shaped(step_predictions(), (4,))[i], _right_numbers(**step_predictions.variant)[i]
    if not abs(got - right) <= within:
        raise Wrong("not this number")


@step_predictions.check("w with the heavy ball", points=0.5, catches="O8",
                        symptom="The first number is off: what has u become in the second step, and where is the "
                        "slope taken?")
def _(step_predictions, rng):
    _near(step_predictions, 0, 1.5e-4)


@step_predictions.check("w with the running mean", points=0.5, catches="O8",
                        symptom="The second number is off: how much of the new gradient does this kind of ball take "
                        "in?")
def _(step_predictions, rng):
    _near(step_predictions, 1, 1.5e-4)


@step_predictions.check("the step without correction", points=0.5, catches="O1",
                        symptom="The third number is off: by which share is each of the two means too small at this "
                        "step, and which of them stands under a root?")
def _(step_predictions, rng):
    _near(step_predictions, 2, 2e-3)


@step_predictions.check("how many steps", points=0.5,
                        symptom="The fourth number is off: which factor a step, and how often must it be taken?")
def _(step_predictions, rng):
    _near(step_predictions, 3, 1.01)


# Somebody's Adam -----------------------------------------------------------------------------------------------------
Stepper = Exercise("Stepper(arrays, lr, b1, b2, eps)")


@Stepper.probe
def drive(stepper, runs, order):
    """Each run's arrays after each of its steps. `order`: whose turn it is."""
    import copy

    import numpy as np

    if isinstance(stepper, type):  # as in graded.py
        kept = {name: copy.deepcopy(it) for name, it in vars(stepper).items() if isinstance(it, dict | list)}
        stepper = type("Stepper", (stepper,), kept)
    arrays = [[np.array(w, float) for w in run["starts"]] for run in runs]
    steppers = [stepper(list(mine), *run["numbers"]) for mine, run in zip(arrays, runs)]
    taken, seen = [0] * len(runs), [[] for _ in runs]
    for k in order:
        steppers[k].step([np.array(g, float) for g in runs[k]["gradients"][taken[k]]])
        taken[k] += 1
        seen[k].append([w.copy() for w in arrays[k]])
    return seen


def _reference(run):
    lr, b1, b2, eps = run["numbers"]
    now = [(np.array(w), 0, 0) for w in run["starts"]]
    for t, gradients in enumerate(run["gradients"], 1):
        for i, ((w, m, v), g) in enumerate(zip(now, gradients, strict=True)):
            m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
            now[i] = w - lr * m / (1 - b1**t) / (np.sqrt(v / (1 - b2**t)) + eps), m, v
        yield [w for w, _, _ in now]


def _follow(stepper, runs, order):
    for run, seen in zip(runs, stepper.run("drive", runs, order), strict=True):
        for now, right in zip(seen, _reference(run), strict=True):
            for a, b in zip(now, right, strict=True):
                close(a, b, "off")


@Stepper.check("symptom C: two optimizers in turns", points=1, catches="O11",
               symptom="Two optimizers take their steps in turns, and one of them ends elsewhere than it does alone.")
def _(stepper, rng):
    def run(numbers, steps):
        return {"starts": [rng.normal(size=(4, 2))], "numbers": numbers,
                "gradients": [[rng.normal(size=(4, 2))] for _ in range(steps)]}

    _follow(stepper, [run([0.05, 0.9, 0.999, 1e-8], 4), run([0.2, 0.8, 0.99, 1e-8], 3)], [0, 1, 0, 0, 1, 0, 1])


@Stepper.check("symptom D: tiny gradients", points=0.5, catches="O4",
               symptom="With gradients as small as eps the steps have the wrong length.")
def _(stepper, rng):
    sizes = np.array([[3.0, 1.0, 0.3]]) * rng.uniform(0.8, 1.2, (4, 3))
    for eps in (1e-2, 1e-6):
        run = {"starts": [np.zeros(3)], "numbers": [0.1, 0.9, 0.999, eps], "gradients": [[eps * g] for g in sizes]}
        _follow(stepper, [run], [0, 0, 0, 0])


@Stepper.check("gradients that change their sign", points=0.5, catches="O6",
               symptom="When gradients change their sign at every step, or differ by large factors, the steps have the "
               "wrong length.")
def _(stepper, rng):
    size = np.array([1e3, -1.0, 1e-3]) * rng.uniform(0.5, 1.5, 3)
    run = {"starts": [np.zeros(3)], "numbers": [0.1, 0.9, 0.999, 1e-12],
           "gradients": [[size * scale] for scale in (-2.0, 1.0, -0.5, 0.4, -1.0)]}
    _follow(stepper, [run], [0] * 5)


# A rule that asks whether the gradient is what it expected -----------------------------------------------------------
belief_step = Exercise("belief_step(w, g, m, s, t, lr, b1, b2, eps, decay)")
KEEP = 0.9, 0.999


def _belief(variant, w, g, m, s, t, lr, b1, b2, eps, decay):
    m = b1 * m + (1 - b1) * g
    s = b2 * s + (1 - b2) * (g - m) ** 2
    fair = s / (1 - b2**t)
    size = np.sqrt(fair + eps) if variant["eps"] == "under" else np.sqrt(fair) + eps
    kept = 1 - decay if variant["kept"] == "1 - decay" else 1 - lr * decay
    return kept * w - lr * m / (1 - b1**t) / size, m, s


def _all_along(belief_step, w, gradients, lr, eps, decay):
    m, s = np.zeros(w.shape), np.zeros(w.shape)
    right = w, m, s
    for t, g in enumerate(gradients, 1):
        w, m, s = (shaped(part, g.shape) for part in belief_step(w, g, m, s, t, lr, *KEEP, eps, decay))
        right = _belief(belief_step.variant, right[0], g, *right[1:], t, lr, *KEEP, eps, decay)
        close(w, right[0], "off")
        close(m, right[1], "off")


@belief_step.check("where eps stands", points=0.5, catches="O4",
                   symptom="With a large eps a step has the wrong length: the text says where it stands, and it is "
                   "added once.")
def _(belief_step, rng):
    _all_along(belief_step, np.zeros(3), 0.3 * rng.normal(size=(4, 3)), 0.1, 0.1, 0.0)


@belief_step.check("decay and gradient at once", points=0.5, catches="O14",
                   symptom="When there is a gradient and decay at once, w or m is off. What does the decay act on, and "
                   "what must it not get into?")
def _(belief_step, rng):
    w = rng.choice([-1, 1], 5) * rng.uniform(1, 3, 5)
    _all_along(belief_step, w, rng.normal(size=(3, 5)), 0.3, 1e-8, 0.3)


@belief_step.check("gradients that change their sign", points=0.5, catches="O1 O6",
                   symptom="When a gradient changes its sign at every step the steps have the wrong length.")
def _(belief_step, rng):
    size = np.array([1e3, 3.0, 1e-3]) * rng.uniform(0.5, 1.5, 3)
    _all_along(belief_step, np.zeros(3), [size * (-1) ** t for t in range(6)], 0.1, 1e-14, 0.0)


@belief_step.check("two runs in turns", points=0.5, catches="O11",
                   symptom="Two runs that take their steps in turns disturb each other, or the same call gives another "
                   "answer the second time.")
def _(belief_step, rng):
    states = [(w, np.zeros((2, 3)), np.zeros((2, 3))) for w in rng.normal(size=(2, 2, 3))]
    right = list(states)
    for t, g in enumerate(rng.normal(size=(4, 2, 3)), 1):
        for k in range(2):
            numbers = (t, 0.1, *KEEP, 1e-8, 0.0)
            if t == 2:  # a call more than there are steps
                belief_step(states[k][0], g, *states[k][1:], *numbers)
            states[k] = tuple(shaped(part, g.shape) for part in belief_step(states[k][0], g, *states[k][1:], *numbers))
            right[k] = _belief(belief_step.variant, right[k][0], g, *right[k][1:], *numbers)
            close(states[k][0], right[k][0], "off")


# A ball that looks ahead, with a rate for each weight ----------------------------------------------------------------
ahead_step = Exercise("ahead_step(gradient, w, u, v, lr, beta, alpha, eps)")


@ahead_step.probe
def roll(ahead_step, slopes, home, w, u, v, numbers, steps):
    """The new w, u, v after each step; the gradient is slopes · (x - home)."""
    import numpy as np

    now = []
    for _ in range(steps):
        w, u, v = (np.asarray(part) for part in ahead_step(lambda x: slopes * (x - home), w, u, v, *numbers))
        now.append([w, u, v])
    return now


def _ahead(variant, gradient, w, u, v, lr, beta, alpha, eps):
    g = gradient(w - lr * beta * u)
    v = alpha * v + (1 - alpha) * g**2
    push = g / (np.sqrt(v) + eps)
    u = beta * u + (push if variant["ball"] == "heavy ball" else (1 - beta) * push)
    return w - lr * u, u, v


def _rolls(ahead_step, slopes, home, state, numbers, steps):
    for got in ahead_step.run("roll", slopes, home, *state, numbers, steps):
        state = _ahead(ahead_step.variant, lambda x: slopes * (x - home), *state, *numbers)
        for part, right in zip(got, state, strict=True):
            close(part, right, "off")


@ahead_step.check("five steps", points=1, catches="O7 O8 O10",
                  symptom="Somewhere in five steps w, u or v ends in the wrong place: each step starts from w, with "
                  "the u and v that the one before has handed on.")
def _(ahead_step, rng):
    w = rng.normal(size=(2, 3))
    home = w + rng.choice([-1, 1], (2, 3)) * rng.uniform(4, 6, (2, 3))  # far enough that no gradient comes near 0
    _rolls(ahead_step, rng.uniform(1, 30, (2, 3)), home, (w, np.zeros((2, 3)), np.zeros((2, 3))),
           [0.1, 0.8, 0.95, 1e-8], 5)


@ahead_step.check("where eps stands", points=0.5, catches="O4",
                  symptom="With a large eps the step has the wrong length: it is added once, to the root.")
def _(ahead_step, rng):
    w = rng.normal(size=4)
    _rolls(ahead_step, rng.uniform(0.1, 0.3, 4), w + rng.uniform(1, 2, 4), (w, np.zeros(4), rng.uniform(0.1, 0.3, 4)),
           [0.2, 0.7, 0.6, 0.4], 2)


# What theory promises ------------------------------------------------------------------------------------------------
long_run_factor = Exercise("long_run_factor(curvatures, lr, beta)")


def _keeps(long_run_factor, reach, beta, lr=0.1):
    """`reach`: lr times the curvature, for each direction."""
    steps = np.array([[[1 + beta - c, -beta], [1, 0]] for c in reach])  # from the last two places to the next two
    right = np.abs(np.linalg.eigvals(steps)).max()
    close(long_run_factor(np.array(reach) / lr, lr, beta), right, "off")


@long_run_factor.check("where it flies apart", points=0.5,
                       symptom="When the rate is too large for the steepest direction the factor must say so; yours is "
                       "another.")
def _(long_run_factor, rng):
    for beta in (0.3, 0.6):
        _keeps(long_run_factor, rng.permutation([0.5, 1.0, 2 + 2 * beta + rng.uniform(0.1, 0.5)]), beta)


@long_run_factor.check("one direction creeps, the others ring", points=0.5,
                       symptom="When directions differ, some creeping and some ringing, the factor is not that of the "
                       "slowest one.")
def _(long_run_factor, rng):
    for beta in rng.uniform(0.4, 0.8, 2):
        critical = (1 - beta**0.5) ** 2
        _keeps(long_run_factor, rng.permutation([critical * rng.uniform(0.2, 0.6), 3 * critical, 1.2]), beta)


@long_run_factor.check("any rate, any momentum", points=0.5,
                       symptom="For some pair of rate and momentum, with few or many directions, the factor is off.")
def _(long_run_factor, rng):
    for directions in (1, 2, 7, 30):
        beta, reach = rng.uniform(0.1, 0.95), 10 ** rng.uniform(-3, 0.5, directions)
        turn = np.array([(1 - beta**0.5) ** 2, (1 + beta**0.5) ** 2])[:, None]
        _keeps(long_run_factor, reach[(abs(reach / turn - 1) > 0.05).all(axis=0)].tolist() or [0.9], beta, 0.02)


# A table that is fair ------------------------------------------------------------------------------------------------
fair_table = Exercise("fair_table(validation, test)")


def _fair(validation, test):
    validation, test = np.nan_to_num(validation), np.nan_to_num(test)
    chosen = validation.mean(axis=2).argmax(axis=1)
    told = test[np.arange(len(test)), chosen]
    edges = (0, validation.shape[1] - 1)
    return chosen, told.mean(axis=1), told.std(axis=1, ddof=1), np.isin(chosen, edges)


def _tells(fair_table, validation, test):
    got = fair_table(validation, test)
    if not isinstance(got, tuple | list) or len(got) != 4:
        raise Wrong("not four things")
    for part, right in zip(got, _fair(validation, test), strict=True):
        close(part, right, "off", 1e-4)


def _tried(rng, best, rates=5, seeds=4):
    away = np.abs(np.arange(rates) - np.array(best)[:, None])
    return (0.9 - 0.06 * away)[:, :, None] + rng.uniform(-0.01, 0.01, (len(best), rates, seeds))


@fair_table.check("when validation and test disagree", points=0.5,
                  symptom="Where validation and test data would choose different rates, the table is off. What is each "
                  "of them for?")
def _(fair_table, rng):
    _tells(fair_table, _tried(rng, [1, 3, 2]), _tried(rng, [2, 1, 3]) - 0.02)


@fair_table.check("luck and bad luck", points=0.5,
                  symptom="Where one seed is very lucky at a poor rate, or unlucky at a good one, the table is off.")
def _(fair_table, rng):
    validation, test = _tried(rng, [1, 2, 3]), _tried(rng, [1, 2, 3]) - 0.02
    validation[:, 4, rng.integers(4)] = 0.95
    validation[0, 0, rng.integers(4)] = 0.98
    validation[1, 2, rng.integers(4)] = 0.79
    _tells(fair_table, validation, test)


@fair_table.check("runs that blew up", points=0.5,
                  symptom="Where some of the runs have blown up and left nan behind, the table is off. A rate at which "
                  "one run of several fails is not a good rate.")
def _(fair_table, rng):
    validation, test = _tried(rng, [1, 2, 3]), _tried(rng, [1, 2, 3]) - 0.02
    validation[:, 4], validation[0, 1, 2], test[1, 2, 3] = np.nan, np.nan, np.nan
    validation[2, 3, 0] = np.nan
    _tells(fair_table, validation, test)
