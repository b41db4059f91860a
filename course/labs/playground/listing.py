"""Show the code: the lines of Python that build and train what the playground shows, to the very same losses.

Nothing of the lab is in them but its data and, where the student has given some, the student's own functions.
"""

from dataclasses import replace
from itertools import pairwise

from course.labs.playground.net import INITS, LINEAR, OPTIMIZERS, YOURS


def listing(recipe, epochs, rates=None, early=False, activation="sine", update="sign_step"):
    """The code, as text. rates: {epoch: learning rate from there on}; early: has early stopping ended the training?
    activation, update: the names of the functions where the recipe says "yours".
    """
    rates = rates or {0: recipe.lr}
    r = replace(recipe, lr=rates[0])
    own_f, own_rule = any(name == YOURS for _, name in r.hidden), r.optimizer == YOURS
    loss = r.loss.__name__
    lines = ["import numpy as np", "", "import nnlab", "from course.labs.playground.data import features, split"]
    wrappers = ["YourActivation"] * own_f + ["YourOptimizer"] * own_rule
    ours = [name for name in (activation * own_f, update * own_rule) if name in ("sine", "sign_step")]
    if wrappers:
        lines.append(f"from course.labs.playground.yours import {', '.join(wrappers + ours)}")
    lines += [f"from nnlab.functional import {loss}", "from nnlab.train import evaluate", "",
              f"rng = np.random.default_rng({r.seed})",
              f'X, X_test, y, y_test = split("{r.data}", noise={r.noise!r}, share={r.share}, rng=rng)',
              f"names = {r.features!r}".replace("'", '"'),
              "X, X_test = features(X, names), features(X_test, names)", "", "net = nnlab.Sequential("]
    lines += [f"    {layer}," for layer in layers(r, activation)]
    lines += [")", *optimizer(r, update), *fit(r, epochs, rates, early, loss), "",
              "for X, y in ((X, y), (X_test, y_test)):", f'    print(evaluate(net, X, y, {loss})["loss"])']
    return "\n".join(lines)


def layers(r, activation):
    start = f", init=nnlab.init.{INITS[r.init]}" if INITS[r.init] else ""
    widths = [len(r.features), *(neurons for neurons, _ in r.hidden), 1]
    for i, (width, neurons) in enumerate(pairwise(widths)):
        name = r.hidden[i][1] if i < len(r.hidden) else LINEAR
        function = {LINEAR: "", YOURS: f", activation=YourActivation({activation})"}.get(name, f', activation="{name}"')
        yield f"nnlab.Linear({width}, {neurons}{function}{start}, rng=rng)"
        if r.dropout and i < len(r.hidden):
            yield f"nnlab.Dropout({r.dropout!r}, rng=rng)"


def optimizer(r, update):
    kind, options = OPTIMIZERS[r.optimizer]
    if r.optimizer == YOURS:
        return [f"optimizer = YourOptimizer(net.parameters(), {update}, lr={r.lr!r})"]
    given = "".join(f", {name}={value!r}" for name, value in options.items())
    if r.proximal:
        return [f'weights = {{"params": [p for p in net.parameters() if p.ndim == 2], "l1": {r.strength!r}}}',
                'biases = {"params": [p for p in net.parameters() if p.ndim == 1]}',
                f"optimizer = nnlab.optim.{kind}([weights, biases], lr={r.lr!r})"]
    return [f"optimizer = nnlab.optim.{kind}(net.parameters(), lr={r.lr!r}{given})"]


def fit(r, epochs, rates, early, loss):
    if not epochs:
        return []
    calls, lines = [], []
    if len(rates) > 1:
        lines.append(f"rates = {rates!r}  # as you moved them: {{epoch: learning rate}}")
        calls.append('lambda step: setattr(optimizer, "lr", rates.get(step.epoch + 1, optimizer.lr))')
    if early:
        calls.append(f"nnlab.EarlyStopping(patience={r.patience})")
    options = [f"net, X, y, {loss}, optimizer, epochs={epochs}, batch_size={r.batch}"]
    if r.regularisation != "none" and not r.proximal:
        options.append(f"penalty=nnlab.regularize.{r.regularisation.lower()}({r.strength!r})")
    if calls:
        options.append(f"callbacks=[{', '.join(calls)}]")
    options.append("validation=(X_test, y_test), rng=rng")
    return [*lines, "nnlab.fit(", *(f"    {each}," for each in options), ")"]
