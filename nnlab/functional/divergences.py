"""How far one probability distribution is from another, in nats: Kullback-Leibler, Jensen-Shannon, and the distance of
a variational autoencoder's code from N(0, 1).

Kullback and Leibler, Ann. Math. Stat. 22, 1951; Lin, IEEE Trans. Inf. Theory 37, 1991; Kingma and Welling, ICLR 2014.
"""

import numpy as np

from nnlab.functional.losses import _reduce
from nnlab.ops import op


@op
def kl_divergence(p, q, /, axis=-1):
    """KL(p || q) = sum_i p_i ln(p_i / q_i) along `axis`, which goes: >= 0, and 0 only for p = q. Not symmetric.

    0 ln 0 is 0; where q_i = 0 < p_i it is inf. The derivative by a p_i = 0, which is -inf, is given as 0.
    Raises ValueError for shapes that do not fit and for what is no distribution (negative, or not of sum 1).

    >>> kl_divergence([[0.5, 0.5], [1.0, 0.0]], [[0.5, 0.5], [0.5, 0.5]]).data.round(4)
    array([0.    , 0.6931], dtype=float32)
    """
    _check(p, q, axis)
    log_ratio = _log_ratio(p, q)

    def vjp(g):
        g = np.expand_dims(g, axis)
        # p (ln p - ln q):   d/dp = ln(p / q) + 1,   d/dq = -p / q
        return lambda: g * np.where(p == 0, 0, log_ratio + 1), lambda: -g * _ratio(p, q)

    return np.sum(p * log_ratio, axis), vjp


@op
def js_divergence(p, q, /, axis=-1):
    """JS(p, q) = (KL(p || m) + KL(q || m)) / 2 with m = (p + q) / 2, along `axis`, which goes: symmetric, in [0, ln 2].

    The derivative by a p_i = 0 < q_i, which is -inf, is given as 0. Raises ValueError as `kl_divergence`.

    >>> js_divergence([[1.0, 0.0], [1.0, 0.0]], [[1.0, 0.0], [0.0, 1.0]]).data.round(4)
    array([0.    , 0.6931], dtype=float32)
    """
    _check(p, q, axis)
    m = (p + q) / 2
    to_p, to_q = _log_ratio(p, m), _log_ratio(q, m)

    def vjp(g):  # d/dp = ln(p / m) / 2: what the change of m adds and takes away cancels
        g = np.expand_dims(g, axis) / 2
        return lambda: g * to_p, lambda: g * to_q

    return np.sum(p * to_p + q * to_q, axis) / 2, vjp


@op
def gaussian_kl(mu, log_var, /, reduction="mean"):
    """KL(N(mu, s^2) || N(0, 1)) = sum_j (mu_j^2 + s_j^2 - ln s_j^2 - 1) / 2, with log_var = ln s^2.

    mu, log_var: (N, D), one Gaussian in D dimensions a row -> (), or (N,) with reduction="none". The mean is one over
    the rows, as a loss needs it that is summed over the features. Raises ValueError if the shapes differ.

    >>> gaussian_kl([[0.0, 1.0]], [[0.0, 0.0]])
    Tensor(0.5)
    """
    if mu.shape != log_var.shape or mu.ndim == 0:
        raise ValueError("mu and log_var must have one and the same shape, (N, D).")
    with np.errstate(over="ignore"):  # a variance too large to be written is infinitely far away
        excess = np.expm1(log_var)  # s^2 - 1
    value, share = _reduce(np.sum(mu * mu + excess - log_var, -1) / 2, reduction)

    def vjp(g):
        g = np.expand_dims(share(g), -1)
        return lambda: g * mu, lambda: g * excess / 2

    return value, vjp


def _check(p, q, axis):
    if p.shape != q.shape or p.ndim == 0:
        raise ValueError("p and q must have one and the same shape.")
    for name, a in (("p", p), ("q", q)):
        sums = np.sum(a, axis)
        if (a < 0).any() or (np.abs(sums - 1) > 1e-3).any():
            raise ValueError(f"{name} is no distribution along axis {axis}: its numbers must be at least 0, of sum 1; "
                             f"the smallest is {a.min():.4g}, the sums reach from {sums.min():.4g} to "
                             f"{sums.max():.4g}. From scores, F.softmax makes one.")


def _log_ratio(p, q):
    """ln(p / q); 0 where p = 0, inf where q = 0 < p."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(p == 0, 0, np.log(p) - np.log(q))  # the quotient itself could overflow


def _ratio(p, q):
    with np.errstate(all="ignore"):
        return np.where(p == 0, 0, p / q)
