"""Unit 7's suspects for the game at the lesson's end. Each is also in the bank of wrong practice solutions."""

import numpy as np

from course.labs.autoencoders import AnomalyThreshold, Bottleneck, Denoising
from course.labs.whodunit import Bug, Scene


# pca_reconstruct -----------------------------------------------------------------------------------------------------
def not_centred(X, k):
    values, vectors = np.linalg.eigh(X.T @ X / len(X))
    V = vectors[:, ::-1][:, :k]
    return X @ V @ V.T, values[::-1][:k] / values.sum()


def mean_not_added_back(X, k):
    away = X - X.mean(axis=0)
    values, vectors = np.linalg.eigh(away.T @ away / len(X))
    V = vectors[:, ::-1][:, :k]
    return away @ V @ V.T, values[::-1][:k] / values.sum()


def the_first_columns(X, k):
    mean = X.mean(axis=0)
    values, vectors = np.linalg.eigh((X - mean).T @ (X - mean) / len(X))
    V = vectors[:, :k]
    return mean + (X - mean) @ V @ V.T, values[:k] / values.sum()


# denoising_pairs -----------------------------------------------------------------------------------------------------
def the_noisy_as_target(X, sigma, steps, rng):
    noisy = [X + sigma * rng.standard_normal(X.shape) for _ in range(steps)]
    return [(x, x) for x in noisy]


def the_noise_as_target(X, sigma, steps, rng):
    noise = [sigma * rng.standard_normal(X.shape) for _ in range(steps)]
    return [(X + e, e) for e in noise]


def sigma_squared(X, sigma, steps, rng):
    return [(X + sigma**2 * rng.standard_normal(X.shape), X) for _ in range(steps)]


# flag_anomalies ------------------------------------------------------------------------------------------------------
def threshold_on_the_new(fit, error, train, validation, new, share):
    errors = error(fit(train), new)
    threshold = np.quantile(errors, 1 - share)
    return threshold, errors > threshold


def from_the_other_end(fit, error, train, validation, new, share):
    model = fit(train)
    threshold = np.quantile(error(model, validation), share)
    return threshold, error(model, new) > threshold


def the_largest_error(fit, error, train, validation, new, share):
    model = fit(train)
    threshold = error(model, validation).max()
    return threshold, error(model, new) > threshold


SCENES = (
    Scene(Bottleneck, "pca_reconstruct", values=dict(data="swiss roll", k=2), bugs=(
        Bug("E1 not centred", not_centred, "X is taken as it is: its mean is not subtracted",
            "The triangles lie in a plane of their own, tilted against PCA's net. With k = 3 they are on the data."),
        Bug("E1 the mean is not added back", mean_not_added_back, "The mean is subtracted, and not added back",
            "The triangles lie beside PCA's net, all shifted alike, and they still are with k = 3, where each should "
            "be on its point."),
        Bug("the narrowest directions", the_first_columns, "eigh's first k columns are taken in place of its last k",
            "The triangles lie in a plane that stands upright on PCA's net: turn the view to 55°, where one looks at "
            "the net from the front, and they are a narrow band."),
    )),
    Scene(AnomalyThreshold, "flag_anomalies", bugs=(
        Bug("E10 threshold set on the new ones", threshold_on_the_new, "The threshold is set on the new digits",
            "Less than 5 % of the held-out digits lie above the line, and there are 2 % false alarms. The unknown ones "
            "have moved their own threshold up."),
        Bug("counted from the other end", from_the_other_end, "The share is counted from the other end",
            "The line stands far to the left, with nearly all of them above it, and the more alarms are allowed, the "
            "fewer there are."),
        Bug("the largest error", the_largest_error, "The threshold is the largest error of the held-out digits",
            "None of the held-out digits lies above the line, and how many alarms you allow changes nothing."),
    ), innocent="5 % of the held-out digits lie above the line and nearly as few of the new known ones, and the "
                "triangle is on the curve, however many alarms you allow."),
    Scene(Denoising, "denoising_pairs", steps=30, bugs=(
        Bug("the target is noisy", the_noisy_as_target, "The noisy point is the target, too",
            "All arrows are about 0: the net has learned to give back what it gets, and your point stays."),
        Bug("the target is the noise", the_noise_as_target, "The noise is the target",
            "On the ring, where the arrows should be about 0, they point to the middle and are as long as the ring's "
            "radius: the net answers with the noise, and its answer is taken for a place."),
        Bug("sigma squared", sigma_squared, "The noise is multiplied by σ² in place of σ",
            "The arrows are too short: here the noise was 0.09 in place of 0.3. With σ = 1 they are right, with 0.1 "
            "hardly there."),
    )),
)
