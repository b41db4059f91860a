"""Unit 6's practice exercises for the tests: a right solution of each, right but unusual ones, known wrong ones.

MUTANTS: exercise -> {misconception: (wrong solution, a word its check must say)}. In no wheel and no student bundle.
"""

import math

import numpy as np

from course.check import read_unit
from course.labs.whodunit import suspects

SUSPECTS = suspects(read_unit("06_vanishing_gradients", "bugs.py").SCENES)


def he_init(n_in, n_out, rng):
    return rng.normal(0, np.sqrt(2 / n_in), (n_in, n_out)), np.zeros(n_out)


def residual_backward(dy, x, W):
    dz = dy * (x @ W > 0)
    return dy + dz @ W.T, x.T @ dz


def clip_by_norm(gradients, max_norm):
    norm = np.sqrt(sum((g**2).sum() for g in gradients))
    scale = min(1, max_norm / norm) if norm > 0 else 1
    return [g * scale for g in gradients]


def batch_norm(x, mean, var, training):
    if training:
        m, v = x.mean(axis=0), x.var(axis=0)
        mean, var = 0.9 * mean + 0.1 * m, 0.9 * var + 0.1 * v
    else:
        m, v = mean, var
    return (x - m) / np.sqrt(v + 1e-5), mean, var


SOLUTIONS = dict(he_init=he_init, residual_backward=residual_backward, clip_by_norm=clip_by_norm, batch_norm=batch_norm)


# Right, and written otherwise ----------------------------------------------------------------------------------------
def _he_by_number(n_in, n_out, rng):
    return [[rng.normal() * math.sqrt(2 / n_in) for _ in range(n_out)] for _ in range(n_in)], [0.0] * n_out


def _he_uniform(n_in, n_out, rng):
    bound = (6 / n_in) ** 0.5
    return rng.uniform(-bound, bound, (n_in, n_out)), np.zeros((n_out,), np.float32)


def _he_turned(n_in, n_out, rng):
    return (rng.standard_normal((n_out, n_in)) / np.sqrt(n_in / 2)).T, np.zeros(n_out, int)


def _residual_by_example(dy, x, W):
    dx, dW = np.array(dy, float), np.zeros(W.shape)
    for i in range(len(x)):
        for j in range(W.shape[1]):
            if sum(x[i, k] * W[k, j] for k in range(len(W))) > 0:
                dx[i] += dy[i, j] * W[:, j]
                dW[:, j] += dy[i, j] * x[i]
    return [dx, dW]


def _residual_masked(dy, x, W):
    z = np.maximum(x @ W, 0)
    through = dy.copy()
    through[z == 0] = 0
    return through @ W.T + dy, (through.T @ x).T


def _clip_flat(gradients, max_norm):
    flat = np.concatenate([g.ravel() for g in gradients])
    norm = np.linalg.norm(flat)
    return tuple(g if norm <= max_norm else g / norm * max_norm for g in gradients)


def _clip_as_pytorch(gradients, max_norm):
    norm = math.sqrt(sum(float(np.vdot(g, g)) for g in gradients))
    scale = max_norm / (norm + 1e-6)
    return [g * scale if scale < 1 else g for g in gradients]


def _clip_own_copies(gradients, max_norm):
    out = [g.copy() for g in gradients]
    norm = np.sqrt(np.sum([np.sum(g * g) for g in out]))
    if norm > max_norm:
        for g in out:
            g *= max_norm / norm
    return out


def _norm_by_column(x, mean, var, training):
    y, new_mean, new_var = np.empty(x.shape), [], []
    for j in range(x.shape[1]):
        m, v = (sum(x[:, j]) / len(x), sum((x[:, j] - sum(x[:, j]) / len(x)) ** 2) / len(x)) if training else (
            mean[j], var[j])
        y[:, j] = (x[:, j] - m) / math.sqrt(v + 1e-5)
        new_mean.append(mean[j] + 0.1 * (m - mean[j]) if training else mean[j])
        new_var.append(var[j] + 0.1 * (v - var[j]) if training else var[j])
    return [y, new_mean, new_var]


def _single(function):
    """The same in float32."""
    cast = lambda a: [cast(part) for part in a] if isinstance(a, list | tuple) else np.asarray(a, np.float32)
    return lambda *args: cast(function(*(cast(a) if isinstance(a, np.ndarray | list) else a for a in args)))


BENIGN = dict(
    he_init=[_he_by_number, _he_uniform, _he_turned, _single(he_init)],
    residual_backward=[_residual_by_example, _residual_masked, _single(residual_backward)],
    clip_by_norm=[_clip_flat, _clip_as_pytorch, _clip_own_copies, _single(clip_by_norm)],
    batch_norm=[_norm_by_column, _single(batch_norm),
                lambda x, m, v, t: (lambda a, b: ((x - a) * (b + 1e-5) ** -0.5, *((m, v) if not t else (
                    m * 0.9 + a / 10, v * 0.9 + b / 10))))(*((np.mean(x, 0), np.mean((x - np.mean(x, 0)) ** 2, 0))
                                                             if t else (m, v)))],
)


# Wrong ---------------------------------------------------------------------------------------------------------------
def _with(variance):
    return lambda n_in, n_out, rng: (rng.normal(0, np.sqrt(variance(n_in, n_out)), (n_in, n_out)), np.zeros(n_out))


def _clip_in_place(gradients, max_norm):
    norm = np.sqrt(sum((g**2).sum() for g in gradients))
    for g in gradients:
        g *= min(1, max_norm / max(norm, 1e-12))
    return gradients


def _each_alone(gradients, max_norm):
    return [g * min(1, max_norm / max(np.linalg.norm(g), 1e-12)) for g in gradients]


def _norm(m_of, v_of, training_only=True):
    """Batch norm with other means and variances of the batch, for y and for the running ones."""
    def function(x, mean, var, training):
        if training:
            m, v = m_of(x), v_of(x)
            return (x - m) / np.sqrt(v + 1e-5), 0.9 * mean + 0.1 * m, 0.9 * var + 0.1 * v
        return (x - mean) / np.sqrt(var + 1e-5), mean, var

    return function


def _in_training(y_of, running=lambda mean, var, x: (0.9 * mean + 0.1 * x.mean(0), 0.9 * var + 0.1 * x.var(0))):
    def function(x, mean, var, training):
        if training:
            return (y_of(x, mean, var), *running(mean, var, x))
        return batch_norm(x, mean, var, False)

    return function


def _right_y(x, mean, var):
    return batch_norm(x, mean, var, True)[0]


def _changes_the_running_ones(x, mean, var, training):
    y, new_mean, new_var = batch_norm(x, mean, var, training)
    mean[:], var[:] = new_mean, new_var
    return y, mean, var


MUTANTS = dict(
    he_init={
        "V1 fan_out": (_with(lambda n_in, n_out: 2 / n_out), "should be 1"),
        "V1 both fans": (_with(lambda n_in, n_out: 2 / (n_in + n_out)), "should be 1"),
        "V1 four over both fans": (_with(lambda n_in, n_out: 4 / (n_in + n_out)), "should be 1"),
        "V2 variance as sd": (SUSPECTS["he_init"]["V2 variance as sd"], "what their variance should be"),
        "V2 root twice": (_with(lambda n_in, n_out: (2 / n_in) ** 0.5), "should be 1"),
        "V4 zeros": (SUSPECTS["he_init"]["V4 zeros"], "same for ever"),
        "V4 constant": (lambda n_in, n_out, rng: (np.full((n_in, n_out), (2 / n_in) ** 0.5), np.zeros(n_out)),
                        "same for ever"),
        "V4 one neuron repeated": (lambda n_in, n_out, rng: (np.repeat(
            rng.normal(0, np.sqrt(2 / n_in), (n_in, 1)), n_out, 1), np.zeros(n_out)), "same for ever"),
        "one row repeated": (lambda n_in, n_out, rng: (np.repeat(
            rng.normal(0, np.sqrt(2 / n_in), (1, n_out)), n_in, 0), np.zeros(n_out)), "within a neuron"),
        "V5 biases random": (SUSPECTS["he_init"]["V5 biases random"], "b is not 0"),
        "V5 biases 0.1": (lambda n_in, n_out, rng: (he_init(n_in, n_out, rng)[0], np.full(n_out, 0.1)), "b is not 0"),
        "V5 a bias for each input": (lambda n_in, n_out, rng: (he_init(n_in, n_out, rng)[0], np.zeros(n_in)),
                                     "That was b"),
        "Xavier": (SUSPECTS["he_init"]["Xavier"], "should be 1"),
        "small": (lambda n_in, n_out, rng: (rng.normal(0, 0.01, (n_in, n_out)), np.zeros(n_out)), "should be 1"),
        "not scaled": (SUSPECTS["he_init"]["not scaled"], "should be 1"),
        "bound in place of spread": (lambda n_in, n_out, rng: (rng.uniform(
            -np.sqrt(2 / n_in), np.sqrt(2 / n_in), (n_in, n_out)), np.zeros(n_out)), "should be 1"),
        "only above 0": (lambda n_in, n_out, rng: (np.abs(he_init(n_in, n_out, rng)[0]), np.zeros(n_out)),
                         "the mean of the weights"),
        "the other way round": (lambda n_in, n_out, rng: (he_init(n_in, n_out, rng)[0].T, np.zeros(n_out)), "shape"),
        "W alone": (lambda n_in, n_out, rng: he_init(n_in, n_out, rng)[0], "expected 2"),
        "b first": (lambda n_in, n_out, rng: he_init(n_in, n_out, rng)[::-1], "shape"),
        "a seed of its own": (lambda n_in, n_out, rng: he_init(n_in, n_out, np.random.default_rng(0)),
                              "every rng gives the same"),
        "another generator": (lambda n_in, n_out, rng: he_init(n_in, n_out, np.random.default_rng()),
                              "nobody could repeat"),
    },
    residual_backward={
        "V9 the skip forgotten": (lambda dy, x, W: ((dy * (x @ W > 0)) @ W.T, x.T @ (dy * (x @ W > 0))),
                                  "nothing comes back"),
        "V9 the layer forgotten": (lambda dy, x, W: (dy, x.T @ (dy * (x @ W > 0))), "along each of the two ways"),
        "V9 the block's output added": (lambda dy, x, W: (x + (dy * (x @ W > 0)) @ W.T, x.T @ (dy * (x @ W > 0))),
                                        "exactly that"),
        "V9 multiplied": (lambda dy, x, W: (dy * ((dy * (x @ W > 0)) @ W.T), x.T @ (dy * (x @ W > 0))),
                          "nothing comes back"),
        "V9 half of each": (lambda dy, x, W: ((dy + (dy * (x @ W > 0)) @ W.T) / 2, x.T @ (dy * (x @ W > 0))),
                            "exactly that"),
        "V9 the skip twice": (lambda dy, x, W: (2 * dy + (dy * (x @ W > 0)) @ W.T, x.T @ (dy * (x @ W > 0))),
                              "exactly that"),
        "relu's slope forgotten": (lambda dy, x, W: (dy + dy @ W.T, x.T @ dy), "along each of the two ways"),
        "relu's slope forgotten in dW": (lambda dy, x, W: (residual_backward(dy, x, W)[0], x.T @ dy), "ReLU let"),
        "relu of the block's sum": (lambda dy, x, W: (dy + (dy * (x + x @ W > 0)) @ W.T,
                                                      x.T @ (dy * (x + x @ W > 0))), "along each of the two ways"),
        "the value in place of the slope": (lambda dy, x, W: (dy + (dy * np.maximum(x @ W, 0)) @ W.T,
                                                              x.T @ (dy * np.maximum(x @ W, 0))), "two ways"),
        "W not turned": (lambda dy, x, W: (dy + (dy * (x @ W > 0)) @ W, x.T @ (dy * (x @ W > 0))), "two ways"),
        "dW turned": (lambda dy, x, W: (residual_backward(dy, x, W)[0], residual_backward(dy, x, W)[1].T), "ReLU let"),
        "dW with the skip": (lambda dy, x, W: (residual_backward(dy, x, W)[0],
                                               residual_backward(dy, x, W)[1] + x.T @ dy), "ReLU let"),
        "a mean over the batch": (lambda dy, x, W: (residual_backward(dy, x, W)[0],
                                                    residual_backward(dy, x, W)[1] / len(x)), "ReLU let"),
        "the other sign": (lambda dy, x, W: (-dy + (dy * (x @ W > 0)) @ W.T, x.T @ (dy * (x @ W > 0))), "exactly that"),
        "dx alone": (lambda dy, x, W: residual_backward(dy, x, W)[0], "expected 2"),
        "the other way round": (lambda dy, x, W: residual_backward(dy, x, W)[::-1], "shape"),
    },
    clip_by_norm={
        "V6 by value": (SUSPECTS["clip_by_norm"]["V6 by value"], "turned"),
        "V6 by value, then to length": (lambda gs, c: clip_by_norm([np.clip(g, -c / 5, c / 5) for g in gs], c),
                                        "turned"),
        "V6 each array by itself": (_each_alone, "one gradient"),
        "V6 the largest number": (lambda gs, c: [g * min(1, c / max(max(np.abs(a).max() for a in gs), 1e-12))
                                                 for g in gs], "came back"),
        "V6 sign and length": (lambda gs, c: [np.sign(g) * c / math.sqrt(24) for g in gs], "turned"),
        "always to max_norm": (SUSPECTS["clip_by_norm"]["always to max_norm"], "makes shorter"),
        "the square of the length": (SUSPECTS["clip_by_norm"]["the square of the length"], "shorter than needed"),
        "the sum of the lengths": (lambda gs, c: [g * min(1, c / max(sum(np.linalg.norm(a) for a in gs), 1e-12))
                                                  for g in gs], "shorter than needed"),
        "the sum of the sizes": (lambda gs, c: [g * min(1, c / max(sum(np.abs(a).sum() for a in gs), 1e-12))
                                                for g in gs], "shorter than needed"),
        "the last array's length": (lambda gs, c: [g * min(1, c / max(np.linalg.norm(gs[-1]), 1e-12)) for g in gs],
                                    "came back"),
        "max in place of min": (lambda gs, c: [g * max(1, c / max(np.sqrt(sum((a**2).sum() for a in gs)), 1e-12))
                                               for g in gs], "came back"),
        "nothing at all": (lambda gs, c: list(gs), "came back"),
        "zeros where too long": (SUSPECTS["clip_by_norm"]["zeros where too long"], "turned"),
        "divided by 0": (lambda gs, c: [g * np.minimum(1, c / np.sqrt(sum((a**2).sum() for a in gs))) + 0 * (
            c / np.sqrt(sum((a**2).sum() for a in gs))) for g in gs], "zeros"),
        "in place": (_clip_in_place, "in place"),
        "flat": (lambda gs, c: np.concatenate([g.ravel() for g in clip_by_norm(gs, c)]), "one array"),
        "the first alone": (lambda gs, c: clip_by_norm(gs, c)[:1], "expected 3"),
        "uphill": (lambda gs, c: [-g for g in clip_by_norm(gs, c)], "turned"),
    },
    batch_norm={
        "V10 batch statistics in use": (lambda x, m, v, t: (batch_norm(x, m, v, True)[0], *(
            batch_norm(x, m, v, True)[1:] if t else (m, v))), "a batch of one"),
        "V10 running ones in training": (_in_training(lambda x, m, v: (x - m) / np.sqrt(v + 1e-5)), "running numbers"),
        "V10 divided by N - 1": (_norm(lambda x: x.mean(0), lambda x: x.var(0, ddof=1)), "variances"),
        "V10 N - 1 in the running one": (_in_training(_right_y, lambda m, v, x: (
            0.9 * m + 0.1 * x.mean(0), 0.9 * v + 0.1 * x.var(0, ddof=1))), "running variance is not"),
        "V10 momentum the other way": (_in_training(_right_y, lambda m, v, x: (
            0.1 * m + 0.9 * x.mean(0), 0.1 * v + 0.9 * x.var(0))), "forgotten"),
        "V10 only the last batch": (_in_training(_right_y, lambda m, v, x: (x.mean(0), x.var(0))), "forgotten"),
        "V10 never updated": (_in_training(_right_y, lambda m, v, x: (m, v)), "nine tenths"),
        "V10 variance never updated": (_in_training(_right_y, lambda m, v, x: (0.9 * m + 0.1 * x.mean(0), v)),
                                       "running variance is not"),
        "V10 updated in use": (lambda x, m, v, t: (batch_norm(x, m, v, t)[0], 0.9 * m + 0.1 * x.mean(0),
                                                   0.9 * v + 0.1 * x.var(0)), "must stay"),
        "V10 spread in the running one": (_in_training(_right_y, lambda m, v, x: (
            0.9 * m + 0.1 * x.mean(0), 0.9 * v + 0.1 * x.std(0))), "running variance is not"),
        "over the rows": (_in_training(lambda x, m, v: (x - x.mean(1, keepdims=True)) / np.sqrt(
            x.var(1, keepdims=True) + 1e-5)), "each row"),
        "over everything": (_norm(lambda x: np.full(3, x.mean()), lambda x: np.full(3, x.var())), "means"),
        "no root": (_in_training(lambda x, m, v: (x - x.mean(0)) / (x.var(0) + 1e-5)), "variances"),
        "not centred": (_in_training(lambda x, m, v: x / np.sqrt(x.var(0) + 1e-5)), "means"),
        "only centred": (_in_training(lambda x, m, v: x - x.mean(0)), "variances"),
        "eps beside the root": (_in_training(lambda x, m, v: (x - x.mean(0)) / (x.std(0) + 1e-5)), "variances"),
        "multiplied": (_in_training(lambda x, m, v: (x - x.mean(0)) * np.sqrt(x.var(0) + 1e-5)), "variances"),
        "writes into the running ones": (_changes_the_running_ones, "in place"),
        "y alone": (lambda x, m, v, t: batch_norm(x, m, v, t)[0], "expected 3"),
        "mean and variance swapped": (lambda x, m, v, t: (lambda y, a, b: (y, b, a))(*batch_norm(x, m, v, t)),
                                      "running"),
    },
)
