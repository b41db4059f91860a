"""Unit 7's practice exercises for the tests: a right solution of each, right but unusual ones, known wrong ones.

MUTANTS: exercise -> {misconception: (wrong solution, a word its check must say)}. In no wheel and no student bundle.
"""

import numpy as np

import nnlab
from course.check import read_unit
from course.labs.whodunit import suspects
from nnlab import functional

SUSPECTS = suspects(read_unit("07_autoencoders", "bugs.py").SCENES)


def pca_reconstruct(X, k):
    mean = X.mean(axis=0)
    values, vectors = np.linalg.eigh((X - mean).T @ (X - mean) / len(X))
    V = vectors[:, ::-1][:, :k]
    return mean + (X - mean) @ V @ V.T, values[::-1][:k] / values.sum()


def autoencoder(x, W1, b1, W2, b2, W3, b3, W4, b4):
    code = np.maximum(x @ W1 + b1, 0) @ W2 + b2
    return code, np.maximum(code @ W3 + b3, 0) @ W4 + b4


def denoising_pairs(X, sigma, steps, rng):
    return [(X + sigma * rng.standard_normal(X.shape), X) for _ in range(steps)]


def flag_anomalies(fit, error, train, validation, new, share):
    model = fit(train)
    threshold = np.quantile(error(model, validation), 1 - share)
    return threshold, error(model, new) > threshold


def kl_gauss(mu, logvar):
    return 0.5 * (mu**2 + np.exp(logvar) - 1 - logvar).sum(axis=1)


SOLUTIONS = dict(pca_reconstruct=pca_reconstruct, autoencoder=autoencoder, denoising_pairs=denoising_pairs,
                 flag_anomalies=flag_anomalies, kl_gauss=kl_gauss)


# Right, and written otherwise ----------------------------------------------------------------------------------------
def _svd_pca(X, k):
    mean = X.mean(0)
    _, s, V = np.linalg.svd(X - mean, full_matrices=False)
    return mean + (X - mean) @ V[:k].T @ V[:k], s[:k]**2 / (s**2).sum()


def _library_pca(X, k):
    pca = nnlab.PCA(k).fit(X)
    return pca.inverse_transform(pca.transform(X)), pca.explained_variance_ratio_


def _cov_pca(X, k):
    values, vectors = np.linalg.eigh(np.cov(X.T))  # divides by n - 1, above and below
    order = np.argsort(values)[::-1]
    codes = (X - X.mean(0)) @ vectors[:, order[:k]]
    return [codes @ vectors[:, order[:k]].T + X.mean(0), [values[i] / sum(values) for i in order[:k]]]


def _float32_pca(X, k):
    mean = X.mean(0)
    _, s, V = np.linalg.svd(X - mean, full_matrices=False)
    codes = ((X - mean) @ V[:k].T).astype(np.float32)
    return (mean + codes @ V[:k]).astype(np.float32), (s[:k]**2 / (s**2).sum()).astype(np.float32)


def _row_autoencoder(x, W1, b1, W2, b2, W3, b3, W4, b4):
    codes, back = [], []
    for row in x:
        hidden = np.array([max(0.0, row @ W1[:, j] + b1[j]) for j in range(len(b1))])
        codes.append(hidden @ W2 + b2)
        hidden = np.array([max(0.0, codes[-1] @ W3[:, j] + b3[j]) for j in range(len(b3))])
        back.append((hidden @ W4 + b4).tolist())
    return [np.array(codes), back]


def _library_autoencoder(x, W1, b1, W2, b2, W3, b3, W4, b4):
    code = functional.relu.f(x @ W1 + b1) @ W2 + b2
    hidden = code @ W3 + b3
    hidden[hidden < 0] = 0
    return code, hidden @ W4 + b4


def _generated_pairs(X, sigma, steps, rng):
    for _ in range(steps):
        yield rng.normal(X, sigma), X.copy()


def _array_of_pairs(X, sigma, steps, rng):
    noise = rng.normal(0, sigma, (steps, *X.shape))
    return np.stack([X + noise, np.broadcast_to(X, noise.shape)], 1).astype(np.float32)


def _loop_pairs(X, sigma, steps, rng):
    pairs = []
    for _ in range(steps):
        noisy = X.copy()
        noisy += sigma * rng.normal(size=X.shape)
        pairs.append([noisy.tolist(), X.tolist()])
    return pairs


def _sorted_flags(fit, error, train, validation, new, share):
    model = fit(train)
    errors = np.sort(error(model, validation))
    threshold = errors[int(np.floor((1 - share) * (len(errors) - 1)))]
    return threshold, [bool(e > threshold) for e in error(model, new)]


def _one_by_one(fit, error, train, validation, new, share):
    model = fit(train)
    own = [float(error(model, row[None])[0]) for row in validation]
    threshold = np.percentile(own, 100 * (1 - share))
    return threshold, np.array([float(error(model, row[None])[0]) >= threshold for row in new]).astype(int)


BENIGN = dict(
    pca_reconstruct=[_svd_pca, _library_pca, _cov_pca, _float32_pca],
    autoencoder=[_row_autoencoder, _library_autoencoder,
                 lambda x, *w: tuple(a.astype(np.float32) for a in autoencoder(x, *w))],
    denoising_pairs=[_generated_pairs, _array_of_pairs, _loop_pairs],
    flag_anomalies=[_sorted_flags, _one_by_one],
    kl_gauss=[lambda mu, logvar: -0.5 * np.sum(1 + logvar - mu**2 - np.exp(logvar), axis=1),
              lambda mu, logvar: functional.gaussian_kl(mu, logvar, "none").data,
              lambda mu, logvar: [sum((m * m + np.exp(v) - 1 - v) / 2 for m, v in zip(*row, strict=True))
                                  for row in zip(mu, logvar, strict=True)],
              lambda mu, logvar: (mu**2 / 2 + np.expm1(logvar) / 2 - logvar / 2).sum(-1).astype(np.float32)],
)


# Known mistakes ------------------------------------------------------------------------------------------------------
def _pca(ratio="all", columns=True, back=True):
    def pca_reconstruct(X, k):
        mean = X.mean(0)
        values, vectors = np.linalg.eigh((X - mean).T @ (X - mean) / len(X))
        values, vectors = values[::-1], vectors[:, ::-1]
        V = vectors[:, :k] if columns else vectors[:k].T
        codes = (X - mean) @ V
        shares = {"all": values[:k] / values.sum(), "kept": values[:k] / values[:k].sum(),
                  "n - 1": values[:k] / (values.sum() * len(X) / (len(X) - 1)), "values": values[:k],
                  "roots": np.sqrt(values[:k].clip(0)) / np.sqrt(values.clip(0)).sum(),
                  "sum": np.cumsum(values[:k]) / values.sum()}[ratio]
        return (codes @ V.T if back else codes) + (mean if back else 0), shares

    return pca_reconstruct


def _standardised(X, k):
    sd = X.std(0)
    back, ratio = pca_reconstruct(X / sd, k)
    return back * sd, ratio


def _codes_from_the_origin(X, k):
    V = np.linalg.svd(X - X.mean(0), full_matrices=False)[2][:k]
    return X @ V.T @ V, pca_reconstruct(X, k)[1]


def _row_mean(X, k):
    mean = X.mean(1, keepdims=True)
    values, vectors = np.linalg.eigh((X - mean).T @ (X - mean) / len(X))
    V = vectors[:, ::-1][:, :k]
    return mean + (X - mean) @ V @ V.T, values[::-1][:k] / values.sum()


def _in_place_pca(X, k):
    mean = X.mean(0)
    X -= mean
    _, s, V = np.linalg.svd(X, full_matrices=False)
    return mean + X @ V[:k].T @ V[:k], s[:k]**2 / (s**2).sum()


def _sigmoid(z):
    return 1 / (1 + np.exp(-z))


def _coder(hidden="relu", code="none", back="relu", out="none", swap=False, bias=True, leak=0.0):
    f = {"relu": lambda z: np.maximum(z, 0), "none": lambda z: z, "sigmoid": _sigmoid, "tanh": np.tanh}

    def autoencoder(x, W1, b1, W2, b2, W3, b3, W4, b4):
        z = f[code](f[hidden](x @ W1 + b1) @ W2 + (b2 if bias else 0))
        r = f[out](f[back](z @ W3 + b3) @ W4 + b4) + leak * x
        return (r, z) if swap else (z, r)

    return autoencoder


def _hidden_code(x, W1, b1, W2, b2, W3, b3, W4, b4):
    return np.maximum(x @ W1 + b1, 0), autoencoder(x, W1, b1, W2, b2, W3, b3, W4, b4)[1]


def _batch_coder(x, *weights):
    return autoencoder(x - x.mean(0), *weights)


def _noise(draw=None, target=lambda X, noise: X, once=False, piles=False):
    draw = draw or (lambda X, sigma, rng: sigma * rng.standard_normal(X.shape))

    def denoising_pairs(X, sigma, steps, rng):
        pairs, noise, now = [], draw(X, sigma, rng), X
        for _ in range(steps):
            noise = noise if once else draw(X, sigma, rng)
            now = now + noise if piles else X + noise
            pairs.append((now, target(X, noise)))
        return pairs

    return denoising_pairs


def _in_place_pairs(X, sigma, steps, rng):
    pairs = []
    for _ in range(steps):
        X += sigma * rng.standard_normal(X.shape)
        pairs.append((X.copy(), X.copy()))
    return pairs


def _detector(learn="train", by="validation", rule=None, flag=None, whole=False):
    rule = rule or (lambda errors, share: np.quantile(errors, 1 - share))
    flag = flag or (lambda errors, threshold: errors > threshold)

    def flag_anomalies(fit, error, train, validation, new, share):
        sets = dict(train=train, validation=validation, new=new, both=np.concatenate([train, validation]),
                    everything=np.concatenate([train, validation, new]), held=np.concatenate([validation, new]))
        model = fit(sets[learn])
        threshold = rule(error(model, sets[by]), share)
        if whole:
            threshold = threshold * error(model, new).std()
        return threshold, flag(error(model, new), threshold)

    return flag_anomalies


MUTANTS = dict(
    pca_reconstruct={
        "E1 not centred": (SUSPECTS["pca_reconstruct"]["E1 not centred"], "start from the origin"),
        "E1 the mean only in the covariance": (_codes_from_the_origin, "from where do you measure"),
        "E1 the mean is not added back": (SUSPECTS["pca_reconstruct"]["E1 the mean is not added back"],
                                           "where has the mean gone"),
        "E3 n in one place, n - 1 in the other": (_pca(ratio="n - 1"), "all of it"),
        "shares of what is kept": (_pca(ratio="kept"), "shares of the whole"),
        "eigenvalues in place of shares": (_pca(ratio="values"), "all of it"),
        "standard deviations in place of variances": (_pca(ratio="roots"), "share of the variance"),
        "shares added up": (_pca(ratio="sum"), "all of it"),
        "the narrowest directions": (SUSPECTS["pca_reconstruct"]["the narrowest directions"], "is possible"),
        "rows of the eigenvector matrix": (_pca(columns=False), "is possible"),
        "codes in place of the reconstruction": (_pca(back=False), "shape of X"),
        "each column divided by its deviation": (_standardised, "is possible"),
        "the mean of each row": (_row_mean, "is possible"),
        "in place": (_in_place_pca, "in place"),
        "only the reconstruction": (lambda X, k: pca_reconstruct(X, k)[0], "two things"),
        "X comes back": (lambda X, k: (X.copy(), pca_reconstruct(X, k)[1]), "not the reconstruction"),
    },
    autoencoder={
        "E5 ReLU on the code": (_coder(code="relu"), "out of reach"),
        "E5 sigmoid on the code": (_coder(code="sigmoid"), "out of reach"),
        "E5 tanh on the code": (_coder(code="tanh"), "squashes"),
        "E5 ReLU on the output": (_coder(out="relu"), "0 or more"),
        "E5 sigmoid on the output": (_coder(out="sigmoid"), "between 0 and 1"),
        "E5 tanh on the output": (_coder(out="tanh"), "between -1 and 1"),
        "no ReLU in the encoder": (_coder(hidden="none"), "no better than PCA"),
        "no ReLU in the decoder": (_coder(back="none"), "only build straight things"),
        "tanh hidden": (_coder(hidden="tanh", back="tanh"), "your codes differ"),
        "tanh in the decoder": (_coder(back="tanh"), "your reconstruction differs"),
        "the wrong way round": (_coder(swap=True), "2 numbers for each"),
        "the hidden layer as code": (_hidden_code, "2 numbers for each"),
        "the code's bias forgotten": (_coder(bias=False), "your codes differ"),
        "x goes round the bottleneck": (_coder(leak=0.1), "round the bottleneck"),
        "minus the batch's mean": (_batch_coder, "comes alone"),
        "only the reconstruction": (lambda x, *w: autoencoder(x, *w)[1], "two things"),
    },
    denoising_pairs={
        "E7 noise drawn once": (_noise(once=True), "by heart"),
        "the target is noisy": (SUSPECTS["denoising_pairs"]["the target is noisy"], "noise and all"),
        "the target is the noise": (SUSPECTS["denoising_pairs"]["the target is the noise"], "asked for the noise"),
        "the target is minus the noise": (_noise(target=lambda X, noise: -noise), "asked for the noise"),
        "noise piles up": (_noise(piles=True), "piles up"),
        "sigma squared": (SUSPECTS["denoising_pairs"]["sigma squared"], "standard deviation 0.09"),
        "root of sigma": (_noise(lambda X, s, rng: s**0.5 * rng.standard_normal(X.shape)), "standard deviation"),
        "uniform": (_noise(lambda X, s, rng: s * 12**0.5 * (rng.random(X.shape) - 0.5)), "normal distribution"),
        "uniform from 0": (_noise(lambda X, s, rng: s * rng.random(X.shape)), "one way"),
        "one noise for all points": (_noise(lambda X, s, rng: s * rng.standard_normal((1, X.shape[1])) + 0 * X),
                                     "pushed the same way"),
        "one noise for all coordinates": (_noise(lambda X, s, rng: s * rng.standard_normal((len(X), 1)) + 0 * X),
                                          "same push"),
        "noise times x": (_noise(lambda X, s, rng: s * rng.standard_normal(X.shape) * X), "standard deviation"),
        "no noise": (_noise(lambda X, s, rng: 0 * X), "without any noise"),
        "a generator of its own": (_noise(lambda X, s, rng: s * np.random.default_rng().standard_normal(X.shape)),
                                   "where does the chance come from"),
        "in place": (_in_place_pairs, "in place"),
        "one pair": (lambda X, sigma, steps, rng: denoising_pairs(X, sigma, 1, rng), "1 pairs for 4 steps"),
        "only what goes in": (lambda X, sigma, steps, rng: [a for a, _ in denoising_pairs(X, sigma, steps, rng)],
                              "pair"),
    },
    flag_anomalies={
        "E10 threshold set on the new ones": (SUSPECTS["flag_anomalies"]["E10 threshold set on the new ones"],
                                              "what it shall judge"),
        "E10 threshold on validation and new": (_detector(by="held"), "another threshold"),
        "E10 learns from the new ones": (_detector(learn="everything"), "anomaly or not"),
        "E10 threshold in units of the new ones' spread": (_detector(whole=True), "another threshold"),
        "threshold set on the training set": (_detector(by="train"), "what was learned"),
        "learns from training and validation": (_detector(learn="both"), "too small"),
        "learns from validation": (_detector(learn="validation"), "too small"),
        "counted from the other end": (SUSPECTS["flag_anomalies"]["counted from the other end"], "from which end"),
        "the largest error": (SUSPECTS["flag_anomalies"]["the largest error"], "0% of the validation"),
        "mean and two deviations": (_detector(rule=lambda e, share: e.mean() + 2 * e.std()), "of the validation"),
        "share in percent": (_detector(rule=lambda e, share: np.percentile(e, 1 - share)), "of the validation"),
        "the small errors": (_detector(flag=lambda e, t: e < t), "small errors"),
        "all of them": (_detector(flag=lambda e, t: e > -1), "judged otherwise"),
        "the share with the largest errors": (_detector(flag=lambda e, t: e > np.quantile(e, 0.9)), "judged otherwise"),
        "numbers in place of flags": (_detector(flag=lambda e, t: np.flatnonzero(e > t)), "True or False"),
        "only the flags": (lambda *given: flag_anomalies(*given)[1], "two things"),
    },
    kl_gauss={
        "E8 sign": (lambda mu, logvar: -kl_gauss(mu, logvar), "below 0"),
        "E8 logvar taken for s": (lambda mu, v: 0.5 * (mu**2 + v**2 - 1 - 2 * np.log(np.abs(v) + 1e-8)).sum(1),
                                  "it says"),
        "E8 logvar taken for ln s": (lambda mu, v: 0.5 * (mu**2 + np.exp(2 * v) - 1 - 2 * v).sum(1), "variances are 1"),
        "E8 logvar taken for the variance": (lambda mu, v: 0.5 * (mu**2 + v - 1 - np.log(np.abs(v) + 1e-8)).sum(1),
                                             "it says"),
        "E8 mean in place of sum": (lambda mu, v: 0.5 * (mu**2 + np.exp(v) - 1 - v).mean(1), "averaged"),
        "no half": (lambda mu, v: 2 * kl_gauss(mu, v), "twice"),
        "half of the first term only": (lambda mu, v: (mu**2 / 2 + np.exp(v) - 1 - v).sum(1), "it says"),
        "mu not squared": (lambda mu, v: 0.5 * (mu + np.exp(v) - 1 - v).sum(1), "it says"),
        "without the 1": (lambda mu, v: 0.5 * (mu**2 + np.exp(v) - v).sum(1), "no distance at all"),
        "without ln": (lambda mu, v: 0.5 * (mu**2 + np.exp(v) - 1).sum(1), "it says"),
        "plus ln": (lambda mu, v: 0.5 * (mu**2 + np.exp(v) - 1 + v).sum(1), "it says"),
        "one number for the batch": (lambda mu, v: kl_gauss(mu, v).mean(), "one number for each row"),
        "summed over the batch": (lambda mu, v: 0.5 * (mu**2 + np.exp(v) - 1 - v).sum(0), "one number for each row"),
        "a floor under the variance": (lambda mu, v: kl_gauss(mu, np.maximum(v, -5)), "e^-20"),
    },
)
