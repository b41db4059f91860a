"""The on-ramp: the visible checks of its three exercises. They travel to students."""

import numpy as np

from course.exercise import Exercise, Wrong, close, shaped

column_means = Exercise("column_means(X)")


@column_means.check("one mean for each column")
def _(column_means, rng):
    shaped(column_means(rng.normal(size=(5, 3))), (3,),
           "X has 5 rows and 3 columns. The axis you name in .mean(axis=...) is the one that disappears.")


@column_means.check("the right numbers")
def _(column_means, rng):
    X = rng.normal(size=(5, 3))
    close(column_means(X), X.mean(0), "The shape is right and the numbers are not. Is it the mean, not the sum?")


center = Exercise("center(X)")


@center.check("the shape of X")
def _(center, rng):
    shaped(center(rng.normal(size=(5, 3))), (5, 3), "Subtracting must leave a table of the size of X.")


@center.check("every column has mean 0")
def _(center, rng):
    X = rng.normal(2.0, 1.0, size=(5, 3))
    got = shaped(center(X), (5, 3))
    if np.abs(got.mean(0)).max() > 1e-5 * np.abs(X).max():
        where = "every row" if np.abs(got.mean(1)).max() < 1e-5 else "no row and no column"
        raise Wrong(f"its columns have the means {np.round(got.mean(0), 3).tolist()}; {where} has mean 0. Which axis "
                    "counts the examples?")


@center.check("nothing but a shift")
def _(center, rng):
    X = rng.normal(2.0, 3.0, size=(5, 3))
    got = shaped(center(X), (5, 3))
    close(got[1:] - got[:-1], X[1:] - X[:-1], "The differences between the rows have changed too: only subtract.")


slope = Exercise("slope(f, x, h)")


@slope.check("right on a parabola")
def _(slope, rng):
    close(slope(lambda x: 3 * x**2, 1.5, 1e-4), 9.0, "The slope of 3x² at 1.5 is 9. Rise over run: how far apart are "
          "your two points?", rtol=1e-3)


@slope.check("as far to the left as to the right")
def _(slope, rng):
    close(slope(lambda x: x**2, 1.0, 0.5), 2.0, "For x² the line through x - h and x + h has exactly the slope 2x, "
          "however large h is; yours depends on h. Where are your two points?", rtol=1e-9)


@slope.check("falling is negative")
def _(slope, rng):
    close(slope(lambda x: -2 * x, 0.3, 1e-3), -2.0, "-2x falls by 2 for each step to the right; look at the sign.",
          rtol=1e-6)
