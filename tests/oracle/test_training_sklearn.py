"""The first epochs of scikit-learn's MLPClassifier as a second witness, from the same weights.

`fit` with warm_start keeps the weights it finds and makes its optimizer anew, so ours can be put in. Its Adam adds eps
before the correction of the bias (Kingma and Ba's epsilon-hat), so that is compared with an eps too small to matter.
"""

import warnings

import numpy as np
import pytest

import nnlab
from nnlab.functional import cross_entropy
from nnlab.optim import SGD, Adam
from nnlab.regularize import l2
from tests.needs import needs

needs("sklearn")
from sklearn.exceptions import ConvergenceWarning  # noqa: E402
from sklearn.neural_network import MLPClassifier  # noqa: E402

pytestmark = pytest.mark.oracle
BATCH, EPOCHS, ALPHA = 60, 6, 0.3
OPTIMIZERS = {
    "momentum": (lambda p: SGD(p, lr=0.05, momentum=0.9),
                 dict(solver="sgd", learning_rate_init=0.05, momentum=0.9, nesterovs_momentum=False)),
    "Nesterov": (lambda p: SGD(p, lr=0.05, momentum=0.8, nesterov=True),
                 dict(solver="sgd", learning_rate_init=0.05, momentum=0.8, nesterovs_momentum=True)),
    "Adam": (lambda p: Adam(p, lr=0.01, betas=(0.8, 0.95), eps=1e-30),
             dict(solver="adam", learning_rate_init=0.01, beta_1=0.8, beta_2=0.95, epsilon=1e-30)),
}


@pytest.mark.parametrize("activation", ["tanh", "relu"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_first_epochs(name, activation):
    make, options = OPTIMIZERS[name]
    X, y = nnlab.data.digits("train")
    X, y = X[:300].astype(float), y[:300]
    ours = nnlab.MLP(64, 16, 12, 10, activation=activation, dtype=np.float64, rng=0)
    theirs = MLPClassifier((16, 12), activation=activation, alpha=ALPHA, batch_size=BATCH, shuffle=False, max_iter=1,
                           warm_start=True, random_state=0, **options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        theirs.fit(X, y)
        theirs.coefs_ = [layer.weight.data.copy() for layer in ours.layers]
        theirs.intercepts_ = [layer.bias.data.copy() for layer in ours.layers]
        theirs.loss_curve_ = []
        theirs.set_params(max_iter=EPOCHS).fit(X, y)
    opt, penalty, losses = make(ours.parameters()), l2(ALPHA / BATCH), []
    for _ in range(EPOCHS):
        for a, b in nnlab.DataLoader(X, y, batch_size=BATCH, shuffle=False):
            opt.zero_grad()
            loss = cross_entropy(ours(a), b) + penalty(ours)
            loss.backward()
            opt.step()
            losses.append(loss.item())
    for layer, weight, bias in zip(ours.layers, theirs.coefs_, theirs.intercepts_):
        np.testing.assert_allclose(layer.weight.data, weight, rtol=1e-8, atol=1e-10)
        np.testing.assert_allclose(layer.bias.data, bias, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(np.mean(np.reshape(losses, (EPOCHS, -1)), 1), theirs.loss_curve_[-EPOCHS:], rtol=1e-9)
