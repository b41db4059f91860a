"""A net of the playground and its training, made of nnlab's parts and of nothing else: `listing` prints the same lines.

A Recipe is everything that decides what happens; a Training takes it an epoch further at a time.
"""

from dataclasses import dataclass

import numpy as np

import nnlab
from course.labs.playground.data import REGRESSION, features, split
from course.labs.playground.yours import YourActivation, YourOptimizer, sign_step, sine
from nnlab.functional import ACTIVATIONS, binary_cross_entropy_with_logits, mse_loss
from nnlab.train import evaluate

MOST = 3000  # epochs
YOURS, LINEAR = "yours", "linear"
FUNCTIONS = (LINEAR, *(name for name in ACTIVATIONS if name != "gelu_tanh"), YOURS)
INITS = {"fits the activation": None, "zeros": "zeros", "small normal": "normal", "uniform ±1": "uniform",
         "Xavier": "xavier_normal", "He": "he_normal", "LeCun": "lecun_normal", "orthogonal": "orthogonal"}
# name -> (its class in nnlab.optim, its options besides the rate)
OPTIMIZERS = {
    "gradient descent": ("SGD", {}),
    "momentum": ("SGD", {"momentum": 0.9}),
    "Nesterov": ("SGD", {"momentum": 0.9, "nesterov": True}),
    "proximal (exact zeros with L1)": ("ProximalSGD", {}),
    "RMSprop": ("RMSprop", {}),
    "Adam": ("Adam", {}),
    "AMSGrad": ("Adam", {"amsgrad": True}),
    "AdamW": ("AdamW", {}),
    YOURS: ("", {}),
}
PROXIMAL = "proximal (exact zeros with L1)"


@dataclass(frozen=True)
class Recipe:
    """What decides a training, down to the last bit. hidden: (neurons, activation) of each hidden layer."""

    data: str = "circle"
    noise: float = 0.0
    share: int = 50
    batch: int = 10
    features: tuple = ("x1", "x2")
    hidden: tuple = ((4, "tanh"), (2, "tanh"))
    optimizer: str = "gradient descent"
    lr: float = 0.1
    regularisation: str = "none"
    strength: float = 1e-3
    dropout: float = 0.0
    patience: int = 0  # of early stopping; 0: none
    init: str = "fits the activation"
    seed: int = 0

    @property
    def regression(self):
        return self.data in REGRESSION

    @property
    def loss(self):
        return mse_loss if self.regression else binary_cross_entropy_with_logits

    @property
    def proximal(self):
        """Does the optimizer itself take the price of L1?"""
        return self.regularisation == "L1" and self.optimizer == PROXIMAL


def build(recipe, rng, activation=sine):
    """The net: dense layers, dropout behind each hidden one, and one linear output (a logit, or a number)."""
    init = INITS[recipe.init] and getattr(nnlab.init, INITS[recipe.init])
    layers, width = [], len(recipe.features)
    for neurons, name in recipe.hidden:
        function = {LINEAR: None, YOURS: YourActivation(activation)}.get(name, name)
        layers.append(nnlab.Linear(width, neurons, activation=function, init=init, rng=rng))
        if recipe.dropout:
            layers.append(nnlab.Dropout(recipe.dropout, rng=rng))
        width = neurons
    return nnlab.Sequential(*layers, nnlab.Linear(width, 1, init=init, rng=rng))


def optimize(recipe, net, update=sign_step):
    """The optimizer that the recipe names, of the net's parameters."""
    kind, options = OPTIMIZERS[recipe.optimizer]
    if recipe.optimizer == YOURS:
        return YourOptimizer(net.parameters(), update, lr=recipe.lr)
    params = net.parameters()
    if recipe.proximal:
        params = [{"params": [p for p in params if p.ndim == 2], "l1": recipe.strength},
                  {"params": [p for p in params if p.ndim == 1]}]
    return getattr(nnlab.optim, kind)(params, lr=recipe.lr, **options)


def price(recipe):
    """The penalty that the recipe names, as `fit` takes it."""
    if recipe.regularisation == "none" or recipe.proximal:
        return None
    return getattr(nnlab.regularize, recipe.regularisation.lower())(recipe.strength)


class Training:
    """A net that learns, an epoch at a time, and what is known about it so far.

    rates: the learning rate from epoch number ... on, as the student's hand has moved it.
    """

    def __init__(self, recipe, activation=sine, update=sign_step):
        self.recipe, rng = recipe, np.random.default_rng(recipe.seed)
        self.X, self.X_test, self.y, self.y_test = split(recipe.data, recipe.noise, recipe.share, rng)
        self.net = build(recipe, rng, activation)
        self.optimizer = optimize(recipe, self.net, update)
        self.stopping = nnlab.EarlyStopping(recipe.patience) if recipe.patience else None
        seen, new = features(self.X, recipe.features), features(self.X_test, recipe.features)
        self.both = (seen, self.y), (new, self.y_test)
        self.steps = nnlab.fit_steps(self.net, seen, self.y, recipe.loss, self.optimizer, epochs=MOST,
                                     batch_size=recipe.batch, penalty=price(recipe), validation=self.both[1], rng=rng)
        self.losses, self.rates, self.epochs, self.ended, self.early = ([], []), {0: recipe.lr}, 0, "", False
        self.measure()

    def epoch(self, lr):
        """One pass over the training data. False: it was the last one, `ended` says why."""
        if lr != self.optimizer.lr:
            self.optimizer.lr = self.rates[self.epochs] = lr
        try:
            step = next(step for step in self.steps if step.ends_epoch)
        except nnlab.TrainingDiverged:
            self.ended = "the loss is no longer a number: the learning rate is too large"
            return False
        self.epochs += 1
        self.measure()
        if self.stopping and self.stopping(step):
            self.stopping.__exit__(None, None, None)
            self.early, self.ended = True, f"early stopping: back to epoch {self.stopping.best_epoch + 1}"
            self.measure(again=True)
        elif self.epochs == MOST:
            self.ended = f"{MOST} epochs are done"
        return not self.ended

    def measure(self, again=False):
        """Both losses now; `again`: of the same epoch, with the weights that early stopping has brought back."""
        for losses, (X, y) in zip(self.losses, self.both, strict=True):
            losses[len(losses) - again:] = [evaluate(self.net, X, y, self.recipe.loss)["loss"]]

    def right(self):
        """The share of the test points on the right side; nan where numbers are learned."""
        X, y = self.both[1]
        return np.nan if self.recipe.regression else float(((nnlab.predict(self.net, X)[:, 0] > 0) == y).mean())


def train(epochs, activation=sine, update=sign_step, **choices):
    """A training of so many epochs, for `Recipe(**choices)`: what the playground does, without the picture."""
    training = Training(Recipe(**choices), activation, update)
    while training.epochs < epochs and training.epoch(training.recipe.lr):
        pass
    return training


def outputs(net, X):
    """What every layer answers to X: (N, in) -> [(N, neurons) of each hidden layer, ..., (N, 1)]"""
    found = []
    with nnlab.observe(lambda module, output: isinstance(module, nnlab.Linear) and found.append(output.data)):
        nnlab.predict(net, X)
    return found
