"""Unit 7's bank for the tests: wrong solutions of each graded exercise, named by the mistake, and unusual right ones.

All are the text of a solution cell. Most wrong ones are a right one in which one place is exchanged, as in real life.
"""

from course.grading.bank import but as _but

MUTANTS, BENIGN = {}, {}

# What a straight code loses ------------------------------------------------------------------------------------------
STRAIGHT = """
mine = VARIANT["straight_numbers"]
a, b, c = mine["a"], mine["b"], mine["c"]
share = a / (a + b)
least = b / 2
second = -c + (mine["x1"] + mine["x2"]) / 2
origin = a / 2
bare = b / 2 + c**2
relu = (b + a / 2) / 2
straight_numbers = [share, least, second, origin, bare, relu]
"""

MUTANTS["straight_numbers"] = {
    "E3 deviations in place of variances": _but(STRAIGHT, "share = a / (a + b)", "share = a**0.5 / (a**0.5 + b**0.5)"),
    "E3 all of what is kept": _but(STRAIGHT, "share = a / (a + b)", "share = a / a"),
    "E3 the share that is lost": _but(STRAIGHT, "share = a", "share = b"),
    "summed over the numbers of a point": _but(STRAIGHT, "least = b / 2", "least = b"),
    "the larger variance is lost": _but(STRAIGHT, "least = b / 2", "least = a / 2"),
    "E1 the point without the mean": _but(STRAIGHT, "second = -c + ", "second = "),
    "E1 the sign of the mean": _but(STRAIGHT, "second = -c + ", "second = c + "),
    "E1 the code in place of the point": _but(
        STRAIGHT, 'second = -c + (mine["x1"] + mine["x2"]) / 2', 'second = (mine["x1"] + mine["x2"]) / 2**0.5'),
    "E1 the origin makes no difference": _but(STRAIGHT, "origin = a / 2", "origin = b / 2"),
    "E1 from the origin the mean is lost": _but(STRAIGHT, "origin = a / 2", "origin = b / 2 + c**2"),
    "E1 from the origin both are lost": _but(STRAIGHT, "origin = a / 2", "origin = (a + b) / 2"),
    "E1 the mean, not its square": _but(STRAIGHT, "c**2", "c"),
    "E1 the whole length of the mean": _but(STRAIGHT, "c**2", "2 * c**2"),
    "E1 a mean that is missing costs nothing": _but(STRAIGHT, " + c**2", ""),
    "E5 a ReLU costs nothing": _but(STRAIGHT, "(b + a / 2) / 2", "b / 2"),
    "E5 a ReLU takes the whole code": _but(STRAIGHT, "(b + a / 2) / 2", "(b + a) / 2"),
    "E5 half of everything": _but(STRAIGHT, "(b + a / 2) / 2", "(b + a) / 4"),
    "another student's numbers": "straight_numbers = [5.5 / 6.7, 0.6, 1.3, 2.75, 5.44, 1.975]\n",
    "in another order": _but(STRAIGHT, "[share, least, second, origin", "[share, origin, second, least"),
    "five numbers": _but(STRAIGHT, ", relu]", "]"),
}

BENIGN["straight_numbers"] = {
    "an array": STRAIGHT + "straight_numbers = np.array(straight_numbers)\n",
    "a tuple, rounded to four decimals": STRAIGHT + "straight_numbers = tuple(round(x, 4) for x in straight_numbers)\n",
    "float32": STRAIGHT + "straight_numbers = np.array(straight_numbers, dtype=np.float32)\n",
    "measured on four points": """
v = VARIANT["straight_numbers"]
one, two = np.array([1, 1]) / 2**0.5, np.array([1, -1]) / 2**0.5
m = np.array([v["c"], -v["c"]])
X = m + np.array([i * v["a"] ** 0.5 * one + j * v["b"] ** 0.5 * two for i in (-1, 1) for j in (-1, 1)])
values, vectors = np.linalg.eigh((X - m).T @ (X - m) / 4)
first, raw = vectors[:, 1], np.linalg.eigh(X.T @ X / 4)[1][:, 1]
codes = (X - m) @ first
back = m + np.outer(codes, first)
x = np.array([v["x1"], v["x2"]])
straight_numbers = [
    values[1] / values.sum(), ((back - X) ** 2).mean(), (m + (x - m) @ first * first)[1],
    ((X - np.outer(X @ raw, raw)) ** 2).mean(), ((back - m - X) ** 2).mean(),
    ((m + np.outer(np.maximum(codes, 0), first) - X) ** 2).mean()]
""",
}

# A denoising autoencoder with one matrix -----------------------------------------------------------------------------
CLEANER = """
class Cleaner:
    def __init__(self, W, b, c, sigma, rng):
        self.W, self.b, self.c, self.sigma, self.rng = W, b, c, sigma, rng

    def noisy(self, X):
        return X + self.sigma * self.rng.standard_normal(X.shape)

    def clean(self, X):
        H = np.maximum(X @ self.W + self.b, 0)
        return H @ self.W.T + self.c

    def step(self, X, lr):
        N = self.noisy(X)
        H = np.maximum(N @ self.W + self.b, 0)
        Y = H @ self.W.T + self.c
        dY = 2 * (Y - X) / X.size
        dH = dY @ self.W * (H > 0)
        dW = dY.T @ H + N.T @ dH
        loss = np.mean((Y - X) ** 2)
        self.W = self.W - lr * dW
        self.b = self.b - lr * dH.sum(axis=0)
        self.c = self.c - lr * dY.sum(axis=0)
        return loss
"""

MUTANTS["Cleaner"] = {
    "E7 drawn once, for all examples": _but(
        CLEANER, "self.rng = W, b, c, sigma, rng", "self.rng = W, b, c, sigma, rng\n        self.noise = "
        "rng.standard_normal(len(c))", "self.rng.standard_normal(X.shape)", "self.noise"),
    "E7 drawn once for each size of batch": _but(
        CLEANER, "self.rng.standard_normal(X.shape)",
        "self.__dict__.setdefault('drawn', {}).setdefault(X.shape, self.rng.standard_normal(X.shape))"),
    "E7 the same push for all numbers of an example": _but(CLEANER, "normal(X.shape)", "normal((len(X), 1))"),
    "E7 NumPy's own chance": _but(CLEANER, "self.rng.standard_normal(", "np.random.standard_normal("),
    "E7 noise piles up": _but(
        CLEANER, "return X + self.sigma * self.rng.standard_normal(X.shape)",
        "self.noise = getattr(self, 'noise', 0) + self.sigma * self.rng.standard_normal(X.shape)\n"
        "        return X + self.noise"),
    "sigma squared": _but(CLEANER, "self.sigma * self.rng", "self.sigma**2 * self.rng"),
    "uniform noise": _but(CLEANER, "self.rng.standard_normal(X.shape)", "self.rng.uniform(-(3**0.5), 3**0.5, X.shape)"),
    "E5 ReLU on what comes back": _but(CLEANER, "return H @ self.W.T + self.c",
                                       "return np.maximum(H @ self.W.T + self.c, 0)",
                                       "Y = H @ self.W.T + self.c", "Y = np.maximum(H @ self.W.T + self.c, 0)"),
    "E5 no ReLU in the middle": _but(CLEANER, "H = np.maximum(X @ self.W + self.b, 0)", "H = X @ self.W + self.b"),
    "a finished net adds noise": _but(CLEANER, "        H = np.maximum(X @", "        X = self.noisy(X)\n"
                                      "        H = np.maximum(X @"),
    "the noisy examples as target": _but(CLEANER, "        H = np.maximum(N @",
                                         "        X = N\n        H = np.maximum(N @"),
    "W in the decoder only": _but(CLEANER, " + N.T @ dH", ""),
    "clean examples in the slope": _but(CLEANER, "N.T @ dH", "X.T @ dH"),
    "the ReLU's gate forgotten": _but(CLEANER, " * (H > 0)", ""),
    "W changes before b's slope is taken": _but(
        CLEANER, "dH.sum(axis=0)", "((dY @ self.W) * (H > 0)).sum(axis=0)"),
    "the slope of a mean over examples": _but(CLEANER, "/ X.size", "/ len(X)"),
    "the loss after the step": _but(CLEANER, "return loss", "return np.mean((self.clean(N) - X) ** 2)"),
    "the loss of a sum over the numbers": _but(CLEANER, "np.mean((Y - X) ** 2)", "np.mean(((Y - X) ** 2).sum(axis=1))"),
    "noise without asking noisy": _but(CLEANER, "N = self.noisy(X)",
                                       "N = X + self.sigma * self.rng.standard_normal(X.shape)"),
    "in place": _but(CLEANER, "return X + self.sigma * self.rng.standard_normal(X.shape)",
                     "X += self.sigma * self.rng.standard_normal(X.shape)\n        return X"),
}

BENIGN["Cleaner"] = {
    "in place in its own arrays": _but(CLEANER, "self.W = self.W - ", "self.W -= ", "self.b = self.b - ", "self.b -= ",
                                       "self.c = self.c - ", "self.c -= "),
    "example by example": """
class Cleaner:
    def __init__(self, W, b, c, sigma, rng):
        self.W, self.b, self.c = W.copy(), b.copy(), c.copy()
        self.draw = lambda x: rng.normal(x, sigma)

    def noisy(self, X):
        return np.array([self.draw(row) for row in X])

    def one(self, x):
        h = x @ self.W + self.b
        h = np.where(h > 0, h, 0)
        return h, self.W @ h + self.c

    def clean(self, X):
        return [self.one(x)[1] for x in X]

    def step(self, X, lr):
        dW, db, dc, loss = np.zeros_like(self.W), 0, 0, 0
        for x, n in zip(X, self.noisy(X)):
            h, y = self.one(n)
            up = 2 * (y - x) / X.size
            back = np.where(h > 0, up @ self.W, 0)
            dW += np.outer(up, h) + np.outer(n, back)
            db, dc, loss = db + back, dc + up, loss + ((y - x) ** 2).sum() / X.size
        self.W, self.b, self.c = self.W - lr * dW, self.b - lr * db, self.c - lr * dc
        return float(loss)
""",
    "einsum, and a helper": _but(
        CLEANER, "dY.T @ H + N.T @ dH", 'np.einsum("ni,nh->ih", dY, H) + np.einsum("ni,nh->ih", N, dH)',
        "self.rng.standard_normal(X.shape)", "self._draw(X.shape)", "    def clean",
        "    def _draw(self, shape):\n        return self.rng.normal(0.0, 1.0, size=shape)\n\n    def clean"),
    "the loss by a norm, clean keeps its state": _but(
        CLEANER, "np.mean((Y - X) ** 2)", "np.linalg.norm(Y - X) ** 2 / X.size", "return H @ self.W.T",
        "self.H = H\n        return self.H @ self.W.T"),
}

# What a cloud costs --------------------------------------------------------------------------------------------------
PRICE = """
def cloud_price(mu, spread, centre, width):
    mine = VARIANT["cloud_price"]
    unit = {"nats": 1, "bits": 1 / np.log(2)}[mine["unit"]]
    squared = mine["spread"] == "ln s²"
    var = np.exp(spread if squared else 2 * spread)
    away = mu - centre
    each = (away**2 + var) / width**2 - 1 - np.log(var / width**2)
    price = unit * each.sum(axis=1) / 2
    dmu = unit * away / width**2
    dspread = unit * (var / width**2 - 1) * (0.5 if squared else 1)
    return price, dmu, dspread
"""

MUTANTS["cloud_price"] = {
    "E8 the sign of the logarithm": _but(PRICE, "- 1 - np.log", "- 1 + np.log"),
    "E8 the whole sign": _but(PRICE, "price = unit", "price = -unit"),
    "E8 the other convention": _but(PRICE, '== "ln s²"', '!= "ln s²"'),
    "E8 the other convention in the slope": _but(PRICE, "(0.5 if squared else 1)", "(1 if squared else 0.5)"),
    "E8 spread taken for s": _but(PRICE, "np.exp(spread if squared else 2 * spread)", "spread**2"),
    "E8 a mean over the directions": _but(PRICE, "each.sum(axis=1)", "each.mean(axis=1)"),
    "E8 a mean in the slopes": _but(PRICE, "unit * away", "unit / mu.shape[1] * away", "unit * (var",
                                    "unit / mu.shape[1] * (var"),
    "E8 the slope by s": _but(PRICE, "(var / width**2 - 1) * (0.5 if squared else 1)",
                              "(np.sqrt(var) / width**2 - 1 / np.sqrt(var))"),
    "E8 the common cloud's price for each": _but(
        PRICE, "(away**2 + var) / width**2 - 1 - np.log(var / width**2)",
        "(away**2 + width**2) / var - 1 - np.log(width**2 / var)"),
    "the other unit": _but(PRICE, '{"nats": 1, "bits": 1 / np.log(2)}', '{"bits": 1, "nats": 1 / np.log(2)}'),
    "the other unit in the slopes": _but(PRICE, "    dmu =", "    unit = 1 if unit > 1 else 1 / np.log(2)\n    dmu ="),
    "no half": _but(PRICE, ".sum(axis=1) / 2", ".sum(axis=1)"),
    "the centre forgotten": _but(PRICE, "mu - centre", "mu"),
    "the width forgotten in the logarithm": _but(PRICE, "np.log(var / width**2)", "np.log(var)"),
    "the width for its square": _but(PRICE, "width**2", "width"),
    "dmu by z, not by mu": _but(PRICE, "away / width**2\n", "away / width\n"),
    "one price for all": _but(PRICE, "each.sum(axis=1)", "each.sum()"),
    "a floor under the variance": _but(PRICE, "    away =", "    var = var + 1e-6\n    away ="),
    "downhill": _but(PRICE, "return price, dmu, dspread", "return price, -dmu, -dspread"),
    "only the price": _but(PRICE, "return price, dmu, dspread", "return price"),
    "in place": _but(PRICE, "    away = mu - centre", "    mu -= centre\n    away = mu"),
}

BENIGN["cloud_price"] = {
    "loops": """
from math import exp, log


def cloud_price(mu, spread, centre, width):
    v = VARIANT["cloud_price"]
    double, nat = (2 if v["spread"] == "ln s" else 1), (1 / log(2) if v["unit"] == "bits" else 1)
    price, dmu, dspread = [], [], []
    for m_row, s_row in zip(mu, spread):
        total, left, right = 0.0, [], []
        for m, s, c, t in zip(m_row, s_row, centre, width):
            ratio, z = exp(double * s) / t**2, (m - c) / t
            total += 0.5 * (z * z + ratio - 1 - double * s + 2 * log(t))
            left.append(nat * z / t)
            right.append(nat * (ratio - 1) * double / 2)
        price.append(nat * total)
        dmu.append(left)
        dspread.append(right)
    return price, dmu, dspread
""",
    "the lesson's formula, shifted and stretched": """
mine = VARIANT["cloud_price"]
scale = 1.0 if mine["unit"] == "nats" else np.log2(np.e)
per = {"ln s": 1, "ln s²": 2}[mine["spread"]]


def kl(mu, logvar):
    return 0.5 * (mu**2 + np.exp(logvar) - 1 - logvar).sum(-1)


def cloud_price(mu, spread, centre, width):
    z, logvar = (mu - centre) / width, spread * 2 / per - 2 * np.log(width)
    return [scale * kl(z, logvar), scale * z / width, scale * (np.exp(logvar) - 1) / per]
""",
    "einsum and expm1": _but(PRICE, "each.sum(axis=1) / 2", 'np.einsum("nk->n", each) / 2',
                             "(var / width**2 - 1)", "np.expm1(np.log(var / width**2))"),
    "float32 comes out": _but(PRICE, "return price, dmu, dspread",
                              "return price.astype(np.float32), dmu.astype(np.float32), dspread.astype(np.float32)"),
}

# The size of a code --------------------------------------------------------------------------------------------------
SIZE = """
def code_size(train, validation, test, share):
    mean = train.mean(axis=0)
    values, vectors = np.linalg.eigh((train - mean).T @ (train - mean) / len(train))
    V = vectors[:, ::-1]

    def kept(X, k):
        back = mean + (X - mean) @ V[:, :k] @ V[:, :k].T
        lost, whole = ((X - back) ** 2).mean(), ((X - mean) ** 2).mean()
        return 1 - lost / whole

    k = 1
    while k < train.shape[1] and kept(validation, k) < share:
        k += 1
    return k, kept(test, k)
"""

MUTANTS["code_size"] = {
    "E10 chosen on the test set": _but(SIZE, "kept(validation, k) <", "kept(test, k) <"),
    "chosen on what was learned": _but(SIZE, "kept(validation, k) <", "kept(train, k) <"),
    "E10 learned from all three": _but(SIZE, "    mean =", "    train = np.concatenate([train, validation, test])\n"
                                       "    mean ="),
    "learned from training and validation": _but(SIZE, "    mean =", "    train = np.concatenate([train, validation])\n"
                                                 "    mean ="),
    "E1 not centred": _but(SIZE, "mean = train.mean(axis=0)", "mean = np.zeros(train.shape[1])"),
    "E1 directions from the origin": _but(SIZE, "(train - mean).T @ (train - mean)", "train.T @ train"),
    "E1 the mean not added back": _but(SIZE, "back = mean + ", "back = "),
    "E1 each set's own mean": _but(SIZE, "        back =", "        mean = X.mean(axis=0)\n        back ="),
    "E3 each set's own mean below the line": _but(SIZE, "((X - mean) ** 2).mean()", "X.var(axis=0).mean()"),
    "E3 n above and n - 1 below the line": _but(SIZE, "1 - lost / whole", "1 - lost / (whole * len(X) / (len(X) - 1))"),
    "E3 roots of errors": _but(SIZE, "1 - lost / whole", "1 - (lost / whole) ** 0.5"),
    "E3 the eigenvalues' share": _but(SIZE, "return 1 - lost / whole", "return values[::-1][:k].sum() / values.sum()"),
    "E3 each column by itself, then averaged": _but(
        SIZE, "lost, whole = ((X - back) ** 2).mean(), ((X - mean) ** 2).mean()",
        "lost, whole = (((X - back) ** 2).mean(axis=0) / ((X - mean) ** 2).mean(axis=0)).mean(), 1"),
    "the narrowest directions": _but(SIZE, "vectors[:, ::-1]", "vectors"),
    "one too many": _but(SIZE, "return k, kept(test, k)", "return k + 1, kept(test, k)"),
    "the largest that is not enough": _but(SIZE, "return k, kept(test, k)", "return k - 1, kept(test, k - 1)"),
    "what validation keeps": _but(SIZE, "return k, kept(test, k)", "return k, kept(validation, k)"),
    "in place": _but(SIZE, "    values,", "    train -= mean\n    train += mean * 1.0001\n    values,"),
    "a constant": "def code_size(train, validation, test, share):\n    return 3, share\n",
    "only the size": _but(SIZE, "return k, kept(test, k)", "return k"),
}

BENIGN["code_size"] = {
    "svd and cumsum": """
def code_size(train, validation, test, share):
    middle = train.mean(0)
    rotate = np.linalg.svd(train - middle)[2].T

    def kept(X):
        squares = np.square((X - middle) @ rotate).sum(0)
        return np.cumsum(squares) / squares.sum()

    k = np.searchsorted(kept(validation), share) + 1
    return [k, kept(test)[k - 1]]
""",
    "loops over rows": """
def code_size(train, validation, test, share):
    middle = sum(train) / len(train)
    C = sum(np.outer(x - middle, x - middle) for x in train)
    order = np.argsort(-np.linalg.eigh(C)[0])
    directions = np.linalg.eigh(C)[1].T[order]

    def lost(X, k):
        total = 0.0
        for x in X:
            rest = x - middle
            for v in directions[:k]:
                rest = rest - (rest @ v) * v
            total += rest @ rest
        return total

    for k in range(1, len(middle) + 1):
        if 1 - lost(validation, k) / lost(validation, 0) >= share - 1e-12:
            return k, float(1 - lost(test, k) / lost(test, 0))
""",
    "np.cov": _but(SIZE, "(train - mean).T @ (train - mean) / len(train)", "np.cov(train, rowvar=False)"),
    "float32 comes out, and a NumPy size": _but(SIZE, "return k, kept(test, k)",
                                                "return np.int32(k), np.float32(kept(test, k))"),
}

# A watch -------------------------------------------------------------------------------------------------------------
WATCH = """
class Watch:
    def __init__(self, k, share):
        self.k, self.share, self.threshold = k, share, None

    def learn(self, train):
        self.mean = train.mean(axis=0)
        self.V = np.linalg.svd(train - self.mean)[2][:self.k].T

    def errors(self, X):
        back = self.mean + (X - self.mean) @ self.V @ self.V.T
        return ((X - back) ** 2).sum(axis=1)

    def calibrate(self, calm):
        errors = np.sort(self.errors(calm))
        n = len(errors)
        r = int(np.ceil((1 - self.share) * (n + 1)))
        self.threshold = errors[r - 1] if r <= n else np.inf

    def judge(self, new):
        return self.errors(new) > self.threshold
"""

MUTANTS["Watch"] = {
    "E1 not centred": _but(WATCH, "self.mean = train.mean(axis=0)", "self.mean = np.zeros(train.shape[1])"),
    "E1 directions from the origin": _but(WATCH, "svd(train - self.mean)", "svd(train)"),
    "E1 the mean not added back": _but(WATCH, "back = self.mean + ", "back = "),
    "E1 each set's own mean": _but(WATCH, "        back = self.mean + (X - self.mean)",
                                   "        back = X.mean(axis=0) + (X - X.mean(axis=0))"),
    "E10 learns from the calm ones": _but(WATCH, "        errors = np.sort", "        self.learn(calm)\n"
                                          "        errors = np.sort"),
    "E10 set on what was learned": _but(WATCH, "        self.mean =", "        self.train = train\n        self.mean =",
                                        "self.errors(calm)", "self.errors(self.train)"),
    "E10 set on the new ones": _but(WATCH, "        return self.errors", "        self.calibrate(new)\n"
                                    "        return self.errors"),
    "E10 learns from the new ones": _but(WATCH, "        return self.errors(new) >",
                                         "        mean, V = self.mean, self.V\n        self.learn(new)\n"
                                         "        e = self.errors(new)\n        self.mean, self.V = mean, V\n"
                                         "        return e >"),
    "E10 the quantile of n": _but(WATCH, "(1 - self.share) * (n + 1)", "(1 - self.share) * n"),
    "E10 one rank too high": _but(WATCH, "(1 - self.share) * (n + 1)", "(1 - self.share) * (n + 1) + 1"),
    "E10 rounded down": _but(WATCH, "np.ceil(", "max(1, "),
    "E10 np.quantile": _but(WATCH, "errors[r - 1] if r <= n else np.inf", "np.quantile(errors, 1 - self.share)"),
    "strictly less than the share": _but(WATCH, "int(np.ceil((1 - self.share) * (n + 1)))",
                                         "int((1 - self.share) * (n + 1)) + 1"),
    "the largest where none keeps the promise": _but(WATCH, "errors[r - 1] if r <= n else np.inf",
                                                     "errors[min(r, n) - 1]"),
    "a mean and two deviations": _but(WATCH, "errors[r - 1] if r <= n else np.inf",
                                      "errors.mean() + 2 * errors.std()"),
    "small errors ring": _but(WATCH, "> self.threshold", "< self.threshold"),
    "the narrowest directions": _but(WATCH, "[2][:self.k]", "[2][::-1][:self.k]"),
    "shared by all watches": _but(WATCH, "class Watch:\n", "class Watch:\n    of = {}\n\n", "self.mean", "self.of['m']",
                                  "self.V", "self.of['V']"),
    "learns only once": _but(WATCH, "    def learn(self, train):\n", "    def learn(self, train):\n"
                             "        if hasattr(self, 'mean'):\n            return\n"),
    "in place": _but(WATCH, "        back = self.mean + (X - self.mean) @ self.V @ self.V.T\n"
                     "        return ((X - back) ** 2).sum(axis=1)",
                     "        X -= self.mean\n        return ((X - X @ self.V @ self.V.T) ** 2).sum(axis=1)"),
}

BENIGN["Watch"] = {
    "eigh, by Pythagoras, and a count": """
class Watch:
    def __init__(self, k, share):
        self.k, self.share = k, share

    def learn(self, train):
        self.centre = train.mean(0)
        self.directions = np.linalg.eigh(np.cov(train.T))[1][:, -self.k:]

    def distance(self, X):
        away = X - self.centre
        return (away**2).sum(1) - ((away @ self.directions) ** 2).sum(1)

    def calibrate(self, calm):
        may = int(self.share * (len(calm) + 1))
        largest = sorted(self.distance(calm), reverse=True)
        self.threshold = largest[may - 1] if may else float("inf")

    def judge(self, new):
        return [int(d > self.threshold) for d in self.distance(new)]
""",
    "row by row": """
class Watch:
    def __init__(self, k, share):
        self.k, self.share, self.threshold = k, share, np.inf

    def learn(self, train):
        self.m = np.mean(train, axis=0)
        self.V = np.linalg.svd(train - self.m, full_matrices=False)[2][:self.k]

    def one(self, x):
        back = self.m + self.V.T @ (self.V @ (x - self.m))
        return float(np.dot(x - back, x - back))

    def calibrate(self, calm):
        ordered, self.threshold = sorted(self.one(x) for x in calm), float("inf")
        for error in reversed(ordered):
            above = sum(e >= error for e in ordered)
            if above <= self.share * (len(ordered) + 1):
                self.threshold = error

    def judge(self, new):
        return np.array([self.one(x) > self.threshold for x in new])
""",
    "a property, and infinity appended": """
class Watch:
    def __init__(self, k, share):
        self.k, self.share = k, share

    def learn(self, train):
        mean = train.mean(0, keepdims=True)
        P = np.eye(train.shape[1])
        for v in np.linalg.svd(train - mean)[2][:self.k]:
            P = P - np.outer(v, v)
        self.error = lambda X: np.einsum("nd,nd->n", (X - mean) @ P, X - mean)

    def calibrate(self, calm):
        self.ordered = np.append(np.sort(self.error(calm)), np.inf)

    @property
    def threshold(self):
        n = len(self.ordered)
        return next(e for r, e in enumerate(self.ordered, 1) if n - r <= self.share * n)

    def judge(self, new):
        return self.error(new) > self.threshold
""",
    "an infinite error behind the others": _but(
        WATCH, "        r = int(np.ceil((1 - self.share) * (n + 1)))\n", "        errors = np.append(errors, np.inf)\n",
        "errors[r - 1] if r <= n else np.inf", "errors[int(np.ceil((1 - self.share) * (n + 1))) - 1]"),
}
