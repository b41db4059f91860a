"""The workloads as functions of arrays, for libraries that differentiate functions (JAX, autograd); `np` is theirs."""

from benchmarks.steps.workloads import BETAS, LR


def activation(np, name, z):
    return {"tanh": np.tanh, "relu": lambda z: np.maximum(z, 0), "sigmoid": lambda z: 1 / (1 + np.exp(-z))}[name](z)


def loss(np, net, layers, X, y):
    *hidden, (W, b) = layers
    for V, c in hidden:
        X = activation(np, net.hidden, X @ V + c)
    z = X @ W + b
    if net.loss == "mean squared error":
        return np.mean((z - y) ** 2)
    if net.loss == "binary cross-entropy":
        return np.mean(np.logaddexp(0, z) - z * y)
    z = z - np.max(z, 1, keepdims=True)
    return np.mean(np.log(np.sum(np.exp(z), 1)) - z[np.arange(len(y)), y])


def adam(np, net, w, g, m, v, t):
    b1, b2 = BETAS
    m = b1 * m + (1 - b1) * g
    v = b2 * v + (1 - b2) * g * g
    return w - LR / (1 - b1**t) * m / (np.sqrt(v / (1 - b2**t)) + net.eps), m, v


def attention(np, what, weights, x):
    W, b, W_out, b_out = weights
    split = lambda a: np.swapaxes(a.reshape((what.batch, what.T, what.heads, -1)), 1, 2)
    q, k, v = map(split, np.split(x @ W + b, 3, -1))
    s = q @ np.swapaxes(k, -1, -2) / q.shape[-1] ** 0.5
    p = np.exp(s - np.max(s, -1, keepdims=True))
    p = p / np.sum(p, -1, keepdims=True)
    return np.swapaxes(p @ v, 1, 2).reshape(x.shape) @ W_out + b_out
