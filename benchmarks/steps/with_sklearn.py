"""scikit-learn: MLPClassifier and MLPRegressor, many steps in one `fit`, so that its checks of the data weigh nothing.

It minimises half the sum of squared errors, not their mean, and its eps has another place in Adam's formula. Both
matter only through eps, so results are compared with nearly none.
"""

import warnings

import numpy as np
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.neural_network._stochastic_optimizers import AdamOptimizer

from benchmarks.steps.workloads import BETAS, LR, Import, Net, Optimizer, Prediction, Side

comparable = lambda what: what._replace(eps=1e-30) if hasattr(what, "eps") else what
ACTIVATIONS = {"tanh": "tanh", "relu": "relu", "sigmoid": "logistic"}


def mlp(net, layers, X, y):
    kind = MLPRegressor if net.loss == "mean squared error" else MLPClassifier
    model = kind(hidden_layer_sizes=net.sizes[1:-1], activation=ACTIVATIONS[net.hidden], alpha=0, tol=0,
                 batch_size=len(X), shuffle=False, n_iter_no_change=10**9, warm_start=True,
                 learning_rate_init=LR, beta_1=BETAS[0], beta_2=BETAS[1], epsilon=net.eps)
    model.partial_fit(X, y, **({} if kind is MLPRegressor else {"classes": np.unique(y)}))  # makes its arrays
    model.coefs_, model.intercepts_ = [W.copy() for W, b in layers], [b.copy() for W, b in layers]
    return model


def train(net, dtype):
    layers, X, y = net.arrays(dtype)
    y = y if net.loss == "mean squared error" else y.ravel().astype(int)
    model = mlp(net, layers, X, y)

    def run(n):
        model.max_iter = n
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it says that it has not converged
            model.fit(X, y)

    def result():
        if net.loss == "mean squared error":
            return np.mean((model.predict(X) - y) ** 2)
        return -np.mean(model.predict_log_proba(X)[np.arange(len(X)), y])

    return Side(run, result)


def adam(what, dtype):
    params, gradients = what.arrays(dtype)
    optimizer = AdamOptimizer(params, LR, *BETAS, what.eps)

    def run(n):
        for _ in range(n):
            optimizer.update_params(params, gradients)

    return Side(run, lambda: params[0])


def predict(what, dtype):
    layers, grid = what.arrays(dtype)
    model = mlp(what.net, layers, grid[:2], np.array([0, 1]))
    result = lambda: model.predict_proba(grid)[:, 1:]
    return Side(lambda n: [result() for _ in range(n)], result)


SIDES = {"scikit-learn": {Net: train, Optimizer: adam, Prediction: predict, Import: "sklearn.neural_network"}}
