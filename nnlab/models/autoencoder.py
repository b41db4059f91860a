"""Autoencoders: networks that learn to give back what they get, through a code too small to copy it.

G. Hinton and R. Salakhutdinov, Science 313, 2006; denoising: P. Vincent et al., ICML 2008; variational: D. Kingma and
M. Welling, ICLR 2014; its beta: I. Higgins et al., ICLR 2017. The one to beat is `PCA` (pca.py).
"""

import numpy as np

from nnlab import functional as F
from nnlab import init as initial
from nnlab.augment import Noise
from nnlab.module import Module, Parameter
from nnlab.nn import MLP, Linear, Sequential
from nnlab.nn.dense import as_input, named
from nnlab.optim.base import at_least_0
from nnlab.rng import as_rng
from nnlab.tensor import no_grad


class TiedLinear(Module):
    """A dense layer that uses another one's weight backwards, f(z W^T + b): only b is its own. z: (N, out) -> (N, in).

    >>> TiedLinear(Linear(5, 3))
    TiedLinear(3 -> 5), 20 parameters
    """

    def __init__(self, layer, activation=None):
        self.weight, self.activation = layer.weight, F.find_activation(activation)  # one Parameter, found in both
        self.bias = Parameter(np.zeros(len(layer.weight), layer.weight.dtype), name="TiedLinear.bias")

    def forward(self, z):
        return F.linear(as_input(z, self.bias.dtype), self.weight.T, self.bias, self.activation)

    def extra_repr(self):
        return f"{self.weight.shape[1]} -> {self.weight.shape[0]}{named(self.activation)}"


class Autoencoder(Module):
    """An encoder to a small code and its mirror image, a decoder. x: (N, sizes[0]) -> (N, sizes[0]).

    sizes: from the data to the code: (64, 32, 8, 2) makes 64-32-8-2-8-32-64.
    activation: of the hidden layers; None makes it linear, and then no better than PCA (Baldi and Hornik 1989). The
        code is linear and so is the output, unless `output` names an activation (sigmoid suits data from 0 to 1).
    tied: each decoder layer uses its encoder layer's weight, transposed.
    noise: denoising: in training, forward adds N(0, noise^2) to its input, drawn anew every time; the target stays
        clean. What it learns to add, r(x) - x, is about noise^2 times the gradient of ln p(x): it points to the data.
    Trains in one line, `fit(model, X, X, F.mse_loss, optimizer, epochs=...)`.
    Raises ValueError for fewer than two sizes, a size below 1, an unknown activation or a negative noise.

    >>> model = Autoencoder(64, 32, 8, 2)
    >>> model.encode(np.ones((5, 64))).shape, model(np.ones((5, 64))).shape
    ((5, 2), (5, 64))
    """

    def __init__(self, *sizes, activation="relu", output=None, tied=False, noise=0.0, init=None, dtype=np.float32,
                 rng=None):
        self.rng = rng = None if rng is None else as_rng(rng)
        self.encoder = MLP(*sizes, activation=activation, init=init, dtype=dtype, rng=rng)
        if tied:
            layers, after = self.encoder.layers[::-1], [activation] * (len(sizes) - 2) + [output]
            self.decoder = Sequential(*map(TiedLinear, layers, after))
        else:
            self.decoder = MLP(*sizes[::-1], activation=activation, output=output, init=init, dtype=dtype, rng=rng)
        self.corrupt = Noise(noise, rng=rng)

    def encode(self, x):
        """The codes: (N, d) -> (N, k)."""
        return self.encoder(x)

    def decode(self, z):
        """From codes to data: (N, k) -> (N, d)."""
        return self.decoder(z)

    def forward(self, x):
        return self.decode(self.encode(self._seen(x)))

    def _seen(self, x):
        return self.corrupt(x) if self.training and self.corrupt.amount else x

    def loss(self, x):
        """The mean squared error of its reconstruction of x, over examples and features."""
        return F.mse_loss(self(x), x)


class VariationalAutoencoder(Autoencoder):
    """An autoencoder whose code is a Gaussian N(mu, s^2) for each x, kept near N(0, 1): so new data can be drawn.

    Sizes and options as in Autoencoder; the encoder gives mu, another layer on its last hidden one gives ln s^2, at
    first 0. In training, forward decodes a draw from that Gaussian, in evaluation mu.

    >>> model = VariationalAutoencoder(64, 32, 2, rng=0)
    >>> model.loss(np.ones((5, 64))).shape, model.sample(3).shape
    ((), (3, 64))
    """

    def __init__(self, *sizes, beta=1.0, dtype=np.float32, rng=None, **options):
        rng = None if rng is None else as_rng(rng)
        super().__init__(*sizes, dtype=dtype, rng=rng, **options)
        self.beta = at_least_0("beta", beta)
        self.log_var = Linear(sizes[-2], sizes[-1], init=initial.zeros, dtype=dtype)

    def posterior(self, x):
        """mu and ln s^2 of the code of each x: (N, d) -> two of (N, k)."""
        *hidden, mu = self.encoder.layers
        for layer in hidden:
            x = layer(x)
        return mu(x), self.log_var(x)

    def forward(self, x):
        if not self.training:
            return self.decode(self.encode(x))
        return self.decode(reparameterize(*self.posterior(self._seen(x)), rng=self.rng))

    def terms(self, x):
        """What `loss` adds up: the mean over examples of |x - decode(z)|^2 / 2, z drawn, and that of KL(code, N(0, 1)).
        """
        mu, log_var = self.posterior(self._seen(x))
        error = F.mse_loss(self.decode(reparameterize(mu, log_var, rng=self.rng)), x, "sum") / (2 * len(x))
        return error, F.gaussian_kl(mu, log_var)

    def loss(self, x):
        """-ln p(x) is at most this, with beta = 1 and up to a constant, for a decoder with N(0, 1) noise (the ELBO).

        error + beta * KL: a beta other than 1 stands for noise of variance beta.
        """
        error, kl = self.terms(x)
        return error + self.beta * kl

    def sample(self, n):
        """n new examples, decoded from z ~ N(0, 1): an array (n, d)."""
        bias = self.log_var.bias
        with no_grad():
            return self.decode(as_rng(self.rng).standard_normal((n, bias.size), bias.dtype)).data


def reparameterize(mu, log_var, *, rng=None):
    """A draw z = mu + s eps with eps ~ N(0, 1), so that gradients reach mu and s. log_var: ln s^2. Shapes (N, k).

    >>> from nnlab import Tensor
    >>> reparameterize(Tensor([[3.0]]), Tensor([[-1e4]]))
    Tensor([[3.]])
    """
    eps = as_rng(rng).standard_normal(mu.shape, mu.dtype)
    return mu + (log_var / 2).exp() * eps
