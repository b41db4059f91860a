"""Unit 7, autoencoders: the visible checks of its practice exercises. They travel to students.

Each speaks about a symptom and never about the solution. Data are never square, their mean is never 0, a code is never
as large as the data except where that is the point.
"""

import numpy as np

from course.exercise import Exercise, Wrong, close, shaped


def _two(got, what):
    if not isinstance(got, tuple | list) or len(got) != 2:
        raise Wrong(f"it returned a {type(got).__name__}; expected two things: {what}.")
    return got


pca_reconstruct = Exercise("pca_reconstruct(X, k)")


def _data(rng, n=30, d=5, mean=100.0):
    spread = np.array([5.0, 3.0, 2.0, 1.0, 0.5, 0.3, 0.2])[:d]
    turn = np.linalg.qr(rng.normal(size=(d, d)))[0]
    return (rng.normal(size=(n, d)) * spread) @ turn + mean * rng.uniform(0.5, 1.5, d)


def _best(X, k, mean=None):
    mean = X.mean(0) if mean is None else mean
    _, s, V = np.linalg.svd(X - mean, full_matrices=False)
    return mean + (X - mean) @ V[:k].T @ V[:k], s[:k]**2 / (s**2).sum()


def _pca(pca_reconstruct, X, k):
    got = _two(pca_reconstruct(X, k), "the reconstruction, and the share of the variance that each direction explains")
    return shaped(got[0], X.shape, "The reconstruction has the shape of X."), shaped(
        got[1], (k,), f"One share for each of the k = {k} directions.")


@pca_reconstruct.check("with as many numbers as the data have, all comes back", catches="E1")
def _(pca_reconstruct, rng):
    X = _data(rng)
    got, _ = _pca(pca_reconstruct, X, 5)
    off = got - X
    if np.abs(off).max() > 1e-5 * np.abs(X).max() and np.abs(off - off[:1]).max() < 1e-5 * np.abs(X).max():
        raise Wrong("for k = 5 of 5 the reconstruction is the data, shifted: every row misses by the same. Where has "
                    "the mean gone?")
    close(got, X, "for k = 5 of 5 nothing is left out, so X must come back exactly.")


@pca_reconstruct.check("with fewer, it is the best that a plane can do", catches="E1")
def _(pca_reconstruct, rng):
    for n, d, k in ((30, 5, 2), (30, 5, 1), (4, 6, 2)):
        X = _data(rng, n, d, 20.0)
        got, _ = _pca(pca_reconstruct, X, k)
        best, _ = _best(X, k)
        least, yours = np.square(best - X).sum(1).mean(), np.square(got - X).sum(1).mean()
        through_0, _ = _best(X, k, np.zeros(d))
        if np.allclose(got, through_0, rtol=1e-4):
            raise Wrong(f"{d} numbers to {k}: squared error {yours:.2f} where {least:.2f} is possible. Your directions "
                        "start from the origin, and the data lie somewhere else.")
        V = np.linalg.svd(X - X.mean(0), full_matrices=False)[2][:k]
        if np.allclose(got, X @ V.T @ V, rtol=1e-4):
            raise Wrong(f"{d} numbers to {k}: squared error {yours:.2f} where {least:.2f} is possible. Your directions "
                        "are right; but how far along them a point lies, from where do you measure that?")
        if yours > 1.0001 * least:
            raise Wrong(f"{d} numbers to {k}: squared error {yours:.2f} a row, where {least:.2f} is possible.")
        close(got, best, f"{d} numbers to {k}: this is not the reconstruction with the least error.", rtol=1e-4)


@pca_reconstruct.check("the shares that are explained", catches="E3")
def _(pca_reconstruct, rng):
    X = _data(rng, 8, 5, 20.0)
    _, ratio = _pca(pca_reconstruct, X, 5)
    if abs(ratio.sum() - 1) > 1e-5:
        raise Wrong(f"all 5 directions together explain {ratio.sum():.3f} of the variance; they must explain all of "
                    "it.")
    for k in (3, 1):
        _, ratio = _pca(pca_reconstruct, X, k)
        _, expected = _best(X, k)
        if k > 1 and abs(ratio.sum() - 1) < 1e-6:
            raise Wrong(f"{k} of 5 directions are said to explain all the variance: shares of the whole, please.")
        if k > 1 and (np.diff(ratio) > 1e-9).any():
            raise Wrong("the shares rise: the direction that explains most comes first.")
        close(ratio, expected, f"k = {k}: the shares are {np.round(ratio, 3)}. A share of the variance, of all 5 "
              "directions, is meant.", rtol=1e-4)


autoencoder = Exercise("autoencoder(x, W1, b1, W2, b2, W3, b3, W4, b4)")


def _weights(rng, d=6, h=5, k=2):
    sizes = ((d, h), (h, k), (k, h), (h, d))
    return [a for fan_in, out in sizes for a in (rng.normal(size=(fan_in, out)), rng.normal(size=out))]


def _forward(x, W1, b1, W2, b2, W3, b3, W4, b4):
    code = np.maximum(x @ W1 + b1, 0) @ W2 + b2
    return code, np.maximum(code @ W3 + b3, 0) @ W4 + b4


def _run(autoencoder, x, weights, k=2):
    got = _two(autoencoder(x, *weights), "the code, and the reconstruction")
    code = shaped(got[0], (len(x), k), f"The code has {k} numbers for each example.")
    return code, shaped(got[1], x.shape, "The reconstruction has the shape of x.")


@autoencoder.check("the code", catches="E5")
def _(autoencoder, rng):
    x, weights = rng.normal(size=(40, 6)), _weights(rng)
    code, _ = _run(autoencoder, x, weights)
    expected, _ = _forward(x, *weights)
    if code.min() >= 0 > expected.min():
        raise Wrong(f"none of the 40 codes has a negative number, though some should be as low as {expected.min():.1f}."
                    " Half of the map is out of reach.")
    if np.abs(code).max() <= 1:
        raise Wrong(f"all codes lie between -1 and 1, though some should be as large as {np.abs(expected).max():.0f}: "
                    "something squashes them.")
    linear = (x @ weights[0] + weights[1]) @ weights[2] + weights[3]
    if np.allclose(code, linear):
        raise Wrong("the code is a linear function of x: then it is no better than PCA. What is the hidden layer for?")
    close(code, expected, "a hidden layer with ReLU, then a layer without: your codes differ.")


@autoencoder.check("the reconstruction", catches="E5")
def _(autoencoder, rng):
    x, weights = rng.normal(size=(40, 6)), _weights(rng)
    code, got = _run(autoencoder, x, weights)
    _, expected = _forward(x, *weights)
    W3, b3, W4, b4 = weights[4:]
    if got.min() >= 0:
        what = "between 0 and 1" if got.max() <= 1 else "0 or more"
        raise Wrong(f"every number that comes back is {what}. The data have negative ones too: who can give them back?")
    if np.abs(got).max() <= 1:
        raise Wrong("every number that comes back lies between -1 and 1: data outside can never be given back.")
    if np.allclose(got, (code @ W3 + b3) @ W4 + b4):
        raise Wrong("the decoder is linear: it can only build straight things.")
    close(got, expected, "the decoder takes the code through a hidden layer with ReLU and then one without: your "
          "reconstruction differs.")


@autoencoder.check("only the code gets through")
def _(autoencoder, rng):
    weights = _weights(rng)
    weights[2], weights[3] = np.zeros((5, 2)), np.array([1.5, -0.5])  # every example gets the same code
    x = rng.normal(size=(7, 6))
    _, got = _run(autoencoder, x, weights)
    if np.abs(got - got[0]).max() > 1e-9:
        raise Wrong("two examples with the same code come back differently: something of x goes round the bottleneck.")


@autoencoder.check("each example by itself, for any size")
def _(autoencoder, rng):
    weights = _weights(rng, 7, 4, 3)
    x = rng.normal(size=(5, 7))
    code, got = _run(autoencoder, x, weights, 3)
    alone_code, alone = _run(autoencoder, x[1:2], weights, 3)
    if not (np.allclose(code[1], alone_code[0]) and np.allclose(got[1], alone[0])):
        raise Wrong("the second example gets another answer when it comes alone.")


denoising_pairs = Exercise("denoising_pairs(X, sigma, steps, rng)")
SIGMA = 0.3


def _pairs(denoising_pairs, X, sigma=SIGMA, steps=4, seed=0):
    got = denoising_pairs(X, sigma, steps, np.random.default_rng(seed))
    if not hasattr(got, "__len__"):
        got = list(got)
    if len(got) != steps:
        raise Wrong(f"it returned {len(got)} pairs for {steps} steps.")
    pairs = []
    for pair in got:
        if not hasattr(pair, "__len__") or len(pair) != 2:
            raise Wrong("each step needs a pair: what goes in, and what shall come out.")
        pairs.append(tuple(shaped(part, X.shape, "Both of a pair have the shape of X.") for part in pair))
    return pairs


@denoising_pairs.check("what shall come out is clean")
def _(denoising_pairs, rng):
    X = rng.normal(size=(50, 3)) * 2 + 1
    for given, wanted in _pairs(denoising_pairs, X):
        if np.allclose(given, X):
            raise Wrong("what goes in is X without any noise: the net could learn to copy.")
        if np.allclose(wanted, given):
            raise Wrong("the net is asked for exactly what it gets, noise and all: it will learn to copy.")
        if np.allclose(wanted, X - given) or np.allclose(wanted, given - X):
            raise Wrong("the net is asked for the noise. That can be done too; here it shall give back the points.")
        close(wanted, X, "what shall come out is not X.")


@denoising_pairs.check("how much noise")
def _(denoising_pairs, rng):
    X = rng.normal(size=(4000, 3)) * 2 + 1
    noise = np.concatenate([given - X for given, _ in _pairs(denoising_pairs, X)])
    if abs(noise.mean()) > 0.02:
        raise Wrong(f"the noise has mean {noise.mean():.2f}: it pushes all points one way.")
    if abs(noise.std() - SIGMA) > 0.01:
        raise Wrong(f"for sigma = 0.3 the noise has standard deviation {noise.std():.3f}.")
    beyond = (np.abs(noise) > 2 * SIGMA).mean()
    if not 0.035 < beyond < 0.056:
        raise Wrong(f"{beyond:.1%} of the noise is larger than 2 sigma; for a normal distribution it is 4.6 %.")


@denoising_pairs.check("new noise at every step", catches="E7")
def _(denoising_pairs, rng):
    X = rng.normal(size=(20, 3))
    first, second, *_ = (given - X for given, _ in _pairs(denoising_pairs, X))
    if np.allclose(first, second):
        raise Wrong("two steps add exactly the same noise: in the end the net knows it by heart, point by point.")
    if np.abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) > 0.5:
        raise Wrong("the noise of the second step contains that of the first: it piles up from step to step.")


@denoising_pairs.check("every number has its own")
def _(denoising_pairs, rng):
    X = rng.normal(size=(30, 4))
    given, _ = _pairs(denoising_pairs, X)[0]
    noise = given - X
    for axis, words in ((0, "all points are pushed the same way"), (1, "all coordinates of a point get the same push")):
        if np.allclose(noise, noise.take([0], axis)):
            raise Wrong(f"{words}.")


@denoising_pairs.check("chance comes from rng")
def _(denoising_pairs, rng):
    X = rng.normal(size=(10, 3))
    same = [_pairs(denoising_pairs, X, seed=3)[-1][0] for _ in range(2)]
    if not np.array_equal(*same):
        raise Wrong("two generators with the same seed give two different noises: where does the chance come from?")
    if np.allclose(_pairs(denoising_pairs, X, seed=4)[0][0], same[0]):
        raise Wrong("two generators with other seeds give the same noise.")
    close(_pairs(denoising_pairs, X, sigma=0.0)[0][0], X, "with sigma = 0 there is no noise: X must go in as it is.")


flag_anomalies = Exercise("flag_anomalies(fit, error, train, validation, new, share)")
PLACES = {"train": 0.0, "validation": 1000.0, "new": 2000.0}


class _Bench:
    """fit and error that know their answers, and write down what they are asked. A row's first number says whose it is.
    """

    def __init__(self, rng, sizes=(60, 40, 50), factor=None):
        self.fitted, self.measured = [], []
        factor = factor or {"train": 0.3, "validation": 1.0, "new": 3.0}
        self.sets, self.errors = {}, {}
        for (name, place), n in zip(PLACES.items(), sizes, strict=True):
            self.sets[name] = np.stack([place + np.arange(n), rng.normal(size=n)], 1)
            self.errors[name] = factor[name] * rng.permutation(np.linspace(0.02, 1, n) ** 2)

    def name(self, X):
        X = np.atleast_2d(np.asarray(X, float))
        places = sorted({min(int(x // 1000), 2) for x in X[:, 0]}) if X.size else []
        return " and ".join(list(PLACES)[i] for i in places)

    def fit(self, X):
        self.fitted.append(self.name(X))
        return ("model", self.fitted[-1])

    def error(self, model, X):
        if not isinstance(model, tuple) or model[0] != "model":
            raise Wrong(f"error got a {type(model).__name__} in place of a model: its order is error(model, X).")
        X = np.asarray(X, float)
        self.measured.append(self.name(X))
        own = [self.errors[list(PLACES)[min(int(x // 1000), 2)]][int(x % 1000)] for x in np.atleast_2d(X)[:, 0]]
        return np.array(own) if X.ndim == 2 else own[0]

    def run(self, flag_anomalies, share=0.1):
        got = _two(flag_anomalies(self.fit, self.error, *self.sets.values(), share),
                   "the threshold, and for each new example whether it is an anomaly")
        flags = shaped(got[1], (len(self.sets["new"]),), "One True or False for each of the new examples.")
        return float(shaped(got[0], (), "The threshold is one number.")), flags.astype(bool)


@flag_anomalies.check("it learns from the training set", catches="E10")
def _(flag_anomalies, rng):
    bench = _Bench(rng)
    bench.run(flag_anomalies)
    if not bench.fitted:
        raise Wrong("it never calls fit.")
    for name in bench.fitted:
        if "new" in name:
            raise Wrong("fit gets the new examples: what it has learned from it can give back, anomaly or not.")
        if name != "train":
            raise Wrong(f"fit gets the set {name}: the errors on what was learned are too small to set a threshold by.")


@flag_anomalies.check("the threshold lets the share through that was asked for")
def _(flag_anomalies, rng):
    for share in (0.05, 0.1, 0.25):
        bench = _Bench(rng)
        threshold, _ = bench.run(flag_anomalies, share)
        above = {name: float((errors > threshold).mean()) for name, errors in bench.errors.items()}
        words = f"share = {share}: {above['validation']:.0%} of the validation examples lie above your threshold"
        if abs(above["validation"] - share) <= 1 / 40 + 1e-9:
            continue
        if abs(above["new"] - share) <= 1 / 50 + 1e-9:
            raise Wrong(f"{words}, but exactly that share of the new ones. It is set by looking at what it shall "
                        "judge.")
        if abs(above["train"] - share) <= 1 / 60 + 1e-9:
            raise Wrong(f"{words}. On what was learned errors are smaller than on anything new.")
        if abs(above["validation"] - (1 - share)) <= 1 / 40 + 1e-9:
            raise Wrong(f"{words}: from which end do you count?")
        raise Wrong(f"{words}.")


@flag_anomalies.check("the new examples have no say in it", catches="E10")
def _(flag_anomalies, rng):
    seed = int(rng.integers(1000))
    calm, wild = (_Bench(np.random.default_rng(seed), factor={"train": 0.3, "validation": 1.0, "new": new})
                  for new in (0.5, 30.0))
    first, second = calm.run(flag_anomalies)[0], wild.run(flag_anomalies)[0]
    if abs(first - second) > 1e-9 * abs(first):
        raise Wrong(f"other new examples, another threshold: {first:.3f} and {second:.3f}. A threshold that has seen "
                    "what it shall judge is no promise.")


@flag_anomalies.check("who is an anomaly")
def _(flag_anomalies, rng):
    bench = _Bench(rng)
    threshold, flags = bench.run(flag_anomalies)
    expected = bench.errors["new"] > threshold
    if (flags == ~expected).mean() > 0.95:
        raise Wrong("it flags the examples with the small errors and lets those with the large ones pass.")
    if (flags != expected).any():
        raise Wrong(f"{int((flags != expected).sum())} of 50 new examples are judged otherwise than their error and "
                    "your threshold say.")


kl_gauss = Exercise("kl_gauss(mu, logvar)")


def _kl(mu, logvar):
    return 0.5 * (mu**2 + np.exp(logvar) - 1 - logvar).sum(1)


@kl_gauss.check("an example by hand", catches="E8")
def _(kl_gauss, rng):
    got = float(shaped(kl_gauss(np.array([[1.0, 2.0]]), np.array([[0.0, np.log(4)]])), (1,),
                       "One number for each row.")[0])
    right = 0.5 + 0.5 * (4 + 4 - 1 - np.log(4))
    hints = ((-right, "A distance below 0?"), (2 * right, "That is twice of it."),
             (right / 2, "That is half of it: are the two numbers of a code averaged?"))
    for value, hint in hints:
        if abs(got - value) < 1e-4:
            raise Wrong(f"mu = (1, 2), logvar = (0, ln 4): it says {got:.4f}; it is 0.5 + 2.8069 = 3.3069. {hint}")
    if abs(got - right) > 1e-4:
        raise Wrong(f"mu = (1, 2), logvar = (0, ln 4), so the variances are 1 and 4: it says {got:.4f}; it is "
                    "0.5 + 2.8069 = 3.3069.")


@kl_gauss.check("never below 0, and 0 only for N(0, 1)", catches="E8")
def _(kl_gauss, rng):
    zero = shaped(kl_gauss(np.zeros((2, 3)), np.zeros((2, 3))), (2,))
    if np.abs(zero).max() > 1e-9:
        raise Wrong(f"for N(0, 1) itself, mu = 0 and logvar = 0, it says {zero[0]:.3f}; that is no distance at all.")
    mu, logvar = rng.normal(size=(200, 3)), rng.normal(size=(200, 3)) * 2
    got = shaped(kl_gauss(mu, logvar), (200,))
    if got.min() < -1e-9:
        raise Wrong(f"for some of 200 Gaussians it is below 0, as low as {got.min():.2f}.")
    if (got < 1e-6).any():
        raise Wrong("for some Gaussians other than N(0, 1) it says 0.")


@kl_gauss.check("any number of codes of any size", catches="E8")
def _(kl_gauss, rng):
    for n, k in ((5, 3), (1, 1), (4, 7)):
        mu, logvar = rng.normal(size=(n, k)), rng.normal(size=(n, k))
        got = shaped(kl_gauss(mu, logvar), (n,), "One number for each row.")
        expected = _kl(mu, logvar)
        if k > 1 and np.allclose(got, expected / k):
            raise Wrong(f"codes of {k} numbers: it is too small by a factor {k}. What the numbers of a code say adds "
                        "up.")
        close(got, expected, f"codes of {k} numbers: wrong by up to {np.abs(got - expected).max():.2f}.")


@kl_gauss.check("narrow clouds")
def _(kl_gauss, rng):
    got = shaped(kl_gauss(np.zeros((1, 1)), np.full((1, 1), -20.0)), (1,))
    close(got, [9.5], f"mu = 0, variance e^-20: it says {got[0]:.3g}; it is (e^-20 - 1 + 20) / 2 = 9.5.", rtol=1e-4)
