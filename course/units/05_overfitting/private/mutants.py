"""Unit 5's bank for the tests: wrong solutions of each graded exercise, named by the mistake, and unusual right ones.

All are the text of a solution cell. Most wrong ones are a right one in which one place is exchanged, as in real life.
"""

from course.grading.bank import but as _but

MUTANTS, BENIGN = {}, {}

# Keep or drop --------------------------------------------------------------------------------------------------------
KEEP = """
mine = VARIANT["keep_or_drop"]
q = mine["p"] if mine["meaning"] == "keep" else 1 - mine["p"]
a, b, c = 2 * mine["h1"], -mine["h2"], 0.5 * mine["h3"]
whole = a + b + c
mean = whole
most = (a + c) / q
bare = q * whole
spread = ((1 - q) / q * (a**2 + b**2 + c**2)) ** 0.5
keep_or_drop = [whole, mean, most, bare, spread]
"""

MUTANTS["keep_or_drop"] = {
    "F2 keep and drop exchanged": _but(KEEP, '== "keep"', '== "drop"'),
    "F2 the deviation of what is dropped": _but(KEEP, "(1 - q) / q", "q / (1 - q)"),
    "F1 the largest is not divided": _but(KEEP, "(a + c) / q", "a + c"),
    "F1 the largest is multiplied": _but(KEEP, "(a + c) / q", "(a + c) * q"),
    "F1 forgotten, and nothing changes": _but(KEEP, "q * whole", "whole"),
    "F1 forgotten, and divided": _but(KEEP, "q * whole", "whole / q"),
    "F4 scaled in the finished net as well": _but(
        KEEP, "whole = a + b + c", "whole = q * (a + b + c)", "mean = whole", "mean = a + b + c", "bare = q * whole",
        "bare = whole"),
    "F4 the mean in training is larger": _but(KEEP, "mean = whole", "mean = whole / q"),
    "F4 the mean in training is smaller": _but(KEEP, "mean = whole", "mean = q * whole"),
    "the largest keeps all": _but(KEEP, "(a + c) / q", "whole / q"),
    "the variance": _but(KEEP, " ** 0.5", ""),
    "the deviation without the division": _but(KEEP, "(1 - q) / q", "(1 - q) * q"),
    "deviations added up": _but(KEEP, "(a**2 + b**2 + c**2)) ** 0.5", "1) ** 0.5 * (a - b + c)"),
    "the sign of the weight forgotten": _but(KEEP, 'b, c = 2 * mine["h1"], -', 'b, c = 2 * mine["h1"], '),
    "the weights forgotten": _but(KEEP, "2 * mine", "mine", "0.5 * mine", "mine"),
    "in another order": _but(KEEP, "[whole, mean, most, bare, spread]", "[whole, mean, bare, most, spread]"),
    "another student's numbers": "keep_or_drop = [3.75, 3.75, 5.21, 2.81, 1.94]\n",
    "zeros": "keep_or_drop = [0, 0, 0, 0, 0]\n",
    "four numbers": _but(KEEP, ", spread]", "]"),
    "rounded to whole numbers": KEEP + "keep_or_drop = [round(number) + 0.01 for number in keep_or_drop]\n",
}

BENIGN["keep_or_drop"] = {
    "an array": KEEP + "keep_or_drop = np.array(keep_or_drop)\n",
    "a tuple, rounded to four decimals": KEEP + "keep_or_drop = tuple(round(float(x), 4) for x in keep_or_drop)\n",
    "float32": KEEP + "keep_or_drop = np.array(keep_or_drop, dtype=np.float32)\n",
    "all eight draws listed": """
from itertools import product

v = VARIANT["keep_or_drop"]
keep = {"keep": v["p"], "drop": 1 - v["p"]}[v["meaning"]]
terms = [2 * v["h1"], -v["h2"], v["h3"] / 2]
draws = []
for mask in product([0, 1], repeat=3):
    chance = 1
    for m in mask:
        chance *= keep if m else 1 - keep
    draws.append((chance, sum(m * t for m, t in zip(mask, terms))))
mean = sum(c * s for c, s in draws) / keep
square = sum(c * (s / keep) ** 2 for c, s in draws)
keep_or_drop = [sum(terms), mean, max(s for _, s in draws) / keep, mean * keep, (square - mean**2) ** 0.5]
""",
}

# A layer that drops its inputs ---------------------------------------------------------------------------------------
THINNED = """
class Thinned:
    def __init__(self, W, b, p, rng):
        self.W, self.b, self.p, self.rng = W, b, p, rng

    def forward(self, X, training):
        if training:
            self.mask = (self.rng.random(X.shape) >= self.p) / (1 - self.p)
        else:
            self.mask = np.ones(X.shape)
        self.X = X * self.mask
        return self.X @ self.W + self.b

    def backward(self, dY):
        dX = (dY @ self.W.T) * self.mask
        return dX, self.X.T @ dY, dY.sum(axis=0)
"""

MUTANTS["Thinned"] = {
    "F1 not divided": _but(THINNED, " / (1 - self.p)", ""),
    "F1 divided by p": _but(THINNED, "/ (1 - self.p)", "/ max(self.p, 1e-9)"),
    "F1 multiplied": _but(THINNED, "/ (1 - self.p)", "* (1 - self.p)"),
    "F1 divided in backward once more": _but(THINNED, "* self.mask\n        return dX",
                                             "* self.mask / (1 - self.p)\n        return dX"),
    "F1 not divided in backward": _but(THINNED, "self.W.T) * self.mask", "self.W.T) * (self.mask > 0)"),
    "F1 divided by what was really kept": _but(
        THINNED, "(self.rng.random(X.shape) >= self.p) / (1 - self.p)",
        "1.0 * (self.rng.random(X.shape) >= self.p)\n            self.mask /= self.mask.mean()"),
    "F2 p is kept": _but(THINNED, ">= self.p) / (1 - self.p)", "< self.p) / max(self.p, 1e-9)"),
    "F2 p is kept, divided by 1 - p": _but(THINNED, ">= self.p", "< self.p"),
    "F4 drops always": _but(THINNED, "if training:", "if True:"),
    "F4 scaled out of training": _but(THINNED, "np.ones(X.shape)", "np.full(X.shape, 1 - self.p)"),
    "F4 divided out of training": _but(THINNED, "np.ones(X.shape)", "np.full(X.shape, 1 / (1 - self.p))"),
    "F4 never drops": _but(THINNED, "if training:", "if False:"),
    "F4 backward still has the mask of training": _but(THINNED, """        else:
            self.mask = np.ones(X.shape)
        self.X = X * self.mask
        return self.X @ self.W + self.b""", """            self.X = X * self.mask
            return self.X @ self.W + self.b
        return X @ self.W + self.b"""),
    "only the first forward draws": _but(
        THINNED, "self.mask = (self.rng",
        "self.mask = self.once = getattr(self, 'once', None) if hasattr(self, 'once') "
        "else (self.rng"),
    "the same inputs for all examples": _but(THINNED, "self.rng.random(X.shape)", "self.rng.random(X.shape[1])"),
    "whole examples": _but(THINNED, "self.rng.random(X.shape)", "self.rng.random((len(X), 1))"),
    "drops what comes out": _but(
        THINNED, "X.shape) >= self.p", "(len(X), len(self.b))) >= self.p", "np.ones(X.shape)", "1.0",
        "self.X = X * self.mask\n        return self.X @ self.W + self.b",
        "self.X = X\n        return (X @ self.W + self.b) * self.mask",
        "dX = (dY @ self.W.T) * self.mask", "dY = dY * self.mask\n        dX = dY @ self.W.T"),
    "dW of the whole input": _but(THINNED, "self.X = X * self.mask", "self.X = X",
                                  "return self.X @ self.W", "return (X * self.mask) @ self.W"),
    "dX without the mask": _but(THINNED, "(dY @ self.W.T) * self.mask", "dY @ self.W.T"),
    "backward draws anew": _but(
        THINNED, "        dX =", "        self.forward(self.X, (self.mask != 1).any())\n        dX ="),
    "db is a mean": _but(THINNED, "dY.sum(axis=0)", "dY.mean(axis=0)"),
    "NumPy's own chance": _but(THINNED, "self.rng.random(X.shape)", "np.random.random_sample(X.shape)"),
    "the same draw at every call": _but(
        THINNED, "self.rng.random(X.shape)", "np.random.default_rng(0).random(X.shape)"),
    "one draw for each size of batch": _but(
        THINNED, "(self.rng.random(X.shape) >= self.p)",
        "(self.__dict__.setdefault('drawn', {}).setdefault(X.shape, self.rng.random(X.shape)) >= self.p)"),
    "W transposed in forward": _but(THINNED, "self.X @ self.W + self.b", "self.X @ self.W.T + self.b"),
    "zeros": _but(THINNED, "return self.X @ self.W + self.b", "return np.zeros((len(X), len(self.b)))"),
    "in place": _but(THINNED, "self.X = X * self.mask", "X *= self.mask\n        self.X = X"),
}

BENIGN["Thinned"] = {
    "loops": """
class Thinned:
    def __init__(self, W, b, p, rng):
        self.weights, self.bias, self.p, self.rng = W, b, p, rng

    def forward(self, X, training):
        self.X, self.kept, out = X, [], []
        for row in X:
            kept = [not training or self.rng.random() >= self.p for _ in row]
            scale = 1 / (1 - self.p) if training else 1.0
            self.kept.append([scale if k else 0.0 for k in kept])
            out.append(sum(x * k * w for x, k, w in zip(row, self.kept[-1], self.weights)) + self.bias)
        return np.array(out)

    def backward(self, dY):
        kept = np.array(self.kept)
        dW = sum(np.outer(x * k, d) for x, k, d in zip(self.X, kept, dY))
        return np.einsum("no,io,ni->ni", dY, self.weights, kept), dW, np.ones(len(dY)) @ dY
""",
    "np.where and a dict": """
class Thinned:
    def __init__(self, W, b, p, rng):
        self.given = dict(W=W, b=b, p=p, rng=rng)

    def forward(self, X, training):
        g = self.given
        self.alive = g["rng"].uniform(size=X.shape) > g["p"] if training else X == X
        self.scale = 1 - g["p"] if training else 1
        self.seen = np.where(self.alive, X / self.scale, 0)
        return np.dot(self.seen, g["W"]) + g["b"]

    def backward(self, dY):
        back = np.dot(dY, self.given["W"].T)
        return [np.where(self.alive, back / self.scale, 0), np.dot(self.seen.T, dY), np.sum(dY, 0)]
""",
    "a binomial draw": _but(THINNED, "(self.rng.random(X.shape) >= self.p)",
                            "self.rng.binomial(1, 1 - self.p, X.shape)"),
    "choice": _but(THINNED, "(self.rng.random(X.shape) >= self.p)",
                   "self.rng.choice([0, 1], X.shape, p=[self.p, 1 - self.p])"),
    "draws out of training too, and does not use it": _but(
        THINNED, "        if training:", "        drawn = self.rng.random(X.shape)\n        if training:",
        "(self.rng.random(X.shape) >=", "(drawn >="),
    "lists come out": _but(THINNED, "return self.X @ self.W + self.b", "return (self.X @ self.W + self.b).tolist()"),
    "float32 in forward": _but(THINNED, "self.X = X * self.mask", "self.X = (X * self.mask).astype(np.float32)"),
}

# A price for whole neurons -------------------------------------------------------------------------------------------
PRICE = """
def neuron_price(W):
    a, c, f, over = (VARIANT["neuron_price"][name] for name in ("a", "c", "factor", "over"))
    length = np.sqrt((W**2).sum(axis=0))
    price = a * length + f * c * length**2
    unit = W / np.where(length > 0, length, 1)
    dW = a * unit + 2 * f * c * W
    if over == "mean":
        return price.mean(), dW / W.shape[1]
    return price.sum(), dW
"""

MUTANTS["neuron_price"] = {
    "F7 the slope of half the square": _but(PRICE, "2 * f * c * W", "f * c * W"),
    "F7 always the slope for f = 1": _but(PRICE, "2 * f * c * W", "3 * f * c * W"),
    "F7 the other factor": _but(PRICE, "    length =", "    f = 1.5 - f\n    length ="),
    "F7 the other factor in the price only": _but(PRICE, "f * c * length**2", "(1.5 - f) * c * length**2"),
    "F7 no factor 2 in either": _but(PRICE, "f * c * length**2", "f * c * length**2 / 2", "2 * f * c * W", "f * c * W"),
    "F7 the gradient of a sum beside a mean": _but(PRICE, "return price.mean(), dW / W.shape[1]",
                                                   "return price.mean(), dW", 'over == "mean"', "True"),
    "F7 sum and mean exchanged": _but(PRICE, 'over == "mean"', 'over != "mean"'),
    "F7 lambda times the length, not its slope": _but(PRICE, "a * unit +", "a * length +"),
    "F7 the price has no square": _but(PRICE, "length**2", "length"),
    "a and c exchanged": _but(PRICE, "    length =", "    a, c = c, a\n    length ="),
    "the mean over the weights": _but(PRICE, "return price.mean(), dW / W.shape[1]",
                                      "return price.sum() / W.size, dW / W.size", 'over == "mean"', "True"),
    "the mean over the inputs": _but(PRICE, "price.mean(), dW / W.shape[1]", "price.sum() / len(W), dW / len(W)",
                                     'over == "mean"', "True"),
    "rows in place of columns": _but(PRICE, "sum(axis=0)", "sum(axis=1, keepdims=True)"),
    "one length for the whole array": _but(PRICE, "(W**2).sum(axis=0)", "(W**2).sum() * np.ones(W.shape[1])"),
    "plain L1": _but(
        PRICE, "np.sqrt((W**2).sum(axis=0))", "np.abs(W).sum(axis=0)", "unit = W / np.where(length > 0, length, 1)",
        "unit = np.sign(W)"),
    "plain L1 in the gradient": _but(PRICE, "W / np.where(length > 0, length, 1)", "np.sign(W)"),
    "nan at zero": _but(PRICE, "np.where(length > 0, length, 1)", "length"),
    "a little added below the root": _but(PRICE, "sum(axis=0))", "sum(axis=0) + 1e-8)"),
    "small neurons taken for blank": _but(PRICE, "length > 0, length, 1)", "length > 1e-5, length, 1)"),
    "a blank neuron is pushed": _but(PRICE, "    dW =", "    unit = np.where(length > 0, unit, 1)\n    dW ="),
    "all zero if one is": _but(PRICE, "    dW =", "    unit = unit * length.all()\n    dW ="),
    "a slope of nudges": """
def neuron_price(W):
    a, c, f, over = (VARIANT["neuron_price"][name] for name in ("a", "c", "factor", "over"))

    def price(W):
        length = np.sqrt((W**2).sum(axis=0))
        each = a * length + f * c * length**2
        return each.sum() if over == "sum" else each.mean()

    dW = np.zeros(W.shape)
    for i in np.ndindex(W.shape):
        up, down = W.copy(), W.copy()
        up[i] += 1e-5
        down[i] -= 1e-5
        dW[i] = (price(up) - price(down)) / 2e-5
    return price(W), dW
""",
    "downhill": _but(PRICE, "a * unit + 2", "-a * unit - 2"),
    "another student's numbers": _but(PRICE, '(VARIANT["neuron_price"][name] for name in ("a", "c", "factor", "over"))',
                                      '0.25, 0.5, 1.0, "sum"'),
    "a zero weight stops its neuron": _but(PRICE, "    dW =", "    unit = unit * (W != 0).all(axis=0)\n    dW ="),
    "only the price": _but(
        PRICE, "return price.sum(), dW", "return price.sum()", "return price.mean(), dW / W.shape[1]",
        "return price.mean()"),
    "constants": "def neuron_price(W):\n    return 1.0, np.zeros(W.shape)\n",
    "in place": _but(PRICE, "    length =", "    W *= 1.0001\n    length ="),
}

BENIGN["neuron_price"] = {
    "loops": """
def neuron_price(W):
    v = VARIANT["neuron_price"]
    total, dW = 0.0, np.zeros_like(W)
    for j in range(W.shape[1]):
        length = sum(w * w for w in W[:, j]) ** 0.5
        total += v["a"] * length + v["factor"] * v["c"] * length**2
        for i in range(len(W)):
            bend = v["a"] * W[i, j] / length if length else 0.0
            dW[i, j] = bend + 2 * v["factor"] * v["c"] * W[i, j]
    share = 1 / W.shape[1] if v["over"] == "mean" else 1
    return total * share, dW * share
""",
    "nan_to_num": _but(PRICE, "W / np.where(length > 0, length, 1)", "np.nan_to_num(W / length)"),
    "einsum, and a list": _but(PRICE, "(W**2).sum(axis=0)", 'np.einsum("ij,ij->j", W, W)', "return price.sum(), dW",
                               "return [price.sum(), dW.tolist()]"),
    "float32 comes out": _but(PRICE, "return price.sum(), dW", "return price.sum(), dW.astype(np.float32)"),
    "norm, and helpers": """
numbers = VARIANT["neuron_price"]
over_neurons = {"sum": np.sum, "mean": np.mean}[numbers["over"]]


def slope(w):
    length = np.linalg.norm(w)
    return w * (numbers["a"] / length if length > 0 else 0) + 2 * numbers["factor"] * numbers["c"] * w


def neuron_price(W):
    lengths = np.linalg.norm(W, axis=0)
    dW = np.apply_along_axis(slope, 0, W)
    if numbers["over"] == "mean":
        dW = dW / len(lengths)
    return over_neurons(numbers["a"] * lengths + numbers["factor"] * numbers["c"] * lengths**2), dW
""",
}

# Early stopping on a trembling curve ---------------------------------------------------------------------------------
STOPPER = """
class Stopper:
    def __init__(self, patience, window):
        self.patience, self.window, self.losses, self.lowest = patience, window, [], np.inf
        self.epoch, self.weights, self.waited = None, None, 0

    def seen(self, weights, loss):
        self.losses.append(loss)
        recent = self.losses[-self.window:]
        mean = sum(recent) / len(recent)
        if mean < self.lowest:
            self.lowest, self.waited = mean, 0
            self.epoch = len(self.losses) - 1
            self.weights = [w.copy() for w in weights]
        else:
            self.waited += 1
        return self.waited >= self.patience
"""

MUTANTS["Stopper"] = {
    "F9 a reference": _but(STOPPER, "[w.copy() for w in weights]", "weights"),
    "F9 a shallow copy": _but(STOPPER, "[w.copy() for w in weights]", "weights.copy()"),
    "F9 a list of the same arrays": _but(STOPPER, "[w.copy() for w in weights]", "list(weights)"),
    "F9 asarray, which copies nothing": _but(STOPPER, "w.copy() for", "np.asarray(w) for"),
    "F9 views": _but(STOPPER, "w.copy() for", "w[:] for"),
    "F9 the last weights": _but(
        STOPPER, "        return self", "        self.weights = [w.copy() for w in weights]\n        return self"),
    "F9 the last epoch": _but(
        STOPPER, "        return self", "        self.epoch = len(self.losses) - 1\n        return self"),
    "F9 the weights of the lowest single loss": _but(
        STOPPER, "            self.weights = [w.copy() for w in weights]\n", "", "        return self",
        "        if loss <= min(self.losses):\n            self.weights = [w.copy() for w in weights]\n"
        "        return self"),
    "F9 the weights of where the window starts": _but(
        STOPPER, "self.weights = [w.copy() for w in weights]",
        "self.weights = self.old[max(0, self.epoch - self.window + 1)]", "self.losses.append(loss)",
        "self.losses.append(loss)\n        self.old = [*getattr(self, 'old', []), [w.copy() for w in weights]]"),
    "counted from one": _but(STOPPER, "len(self.losses) - 1", "len(self.losses)"),
    "no window": _but(STOPPER, "self.losses[-self.window:]", "[loss]"),
    "the mean of all so far": _but(STOPPER, "self.losses[-self.window:]", "self.losses"),
    "one loss more": _but(STOPPER, "self.losses[-self.window:]", "self.losses[-self.window - 1:]"),
    "always divided by the window": _but(STOPPER, "/ len(recent)", "/ self.window"),
    "the lowest of the window": _but(STOPPER, "sum(recent) / len(recent)", "min(recent)"),
    "the median of the window": _but(STOPPER, "sum(recent) / len(recent)", "np.median(recent)"),
    "waits until the window is full": _but(
        STOPPER, "if mean < self.lowest:",
        "if len(self.losses) < self.window:\n            return False\n        if mean < self.lowest:"),
    "a moving average that never forgets": _but(
        STOPPER, "mean = sum(recent) / len(recent)",
        "k = 2 / (self.window + 1)\n        self.ema = mean = k * loss + (1 - k) * getattr(self, 'ema', loss)"),
    "an equal mean counts": _but(STOPPER, "mean < self.lowest", "mean <= self.lowest"),
    "one epoch too patient": _but(STOPPER, "waited >= self.patience", "waited > self.patience"),
    "stops at the first rise": _but(STOPPER, "waited >= self.patience", "waited >= 1"),
    "never stops": _but(STOPPER, "return self.waited >= self.patience", "return False"),
    "patience is not renewed": _but(STOPPER, "self.lowest, self.waited = mean, 0", "self.lowest = mean"),
    "rises in a row": _but(STOPPER, "            self.waited += 1",
                           "            self.waited = self.waited + 1 if self.losses[-1] > self.losses[-2] else 0"),
    "patience in windows": _but(STOPPER, ">= self.patience", ">= self.patience * self.window"),
    "best starts at zero": _but(STOPPER, "np.inf", "0.0"),
    "lists shared by all": _but(STOPPER, "class Stopper:\n", "class Stopper:\n    losses = []\n\n",
                                ", self.losses, self.lowest = patience, window, [], np.inf",
                                ", self.lowest = patience, window, np.inf"),
    "only the first array": _but(STOPPER, "[w.copy() for w in weights]", "[weights[0].copy()]"),
    "the mean in place of the epoch": _but(STOPPER, "self.epoch = len(self.losses) - 1", "self.epoch = mean"),
}

BENIGN["Stopper"] = {
    "deepcopy and a deque": """
from collections import deque
from copy import deepcopy


class Stopper:
    def __init__(self, patience, window):
        self.recent, self.patience = deque(maxlen=window), patience
        self.now, self.epoch, self.weights, self.best = 0, 0, None, None

    def seen(self, weights, loss):
        self.recent.append(float(loss))
        mean = np.mean(self.recent)
        if self.best is None or mean < self.best:
            self.best, self.epoch, self.weights = mean, self.now, deepcopy(weights)
        self.now += 1
        return np.bool_(self.now - 1 - self.epoch >= self.patience)
""",
    "keeps everything, looks back": """
class Stopper:
    def __init__(self, patience, window):
        self.patience, self.window, self.history, self.all = patience, window, [], []

    def seen(self, weights, loss):
        self.history.append(loss)
        self.all.append([np.array(w) for w in weights])
        n = len(self.history)
        means = [np.mean(self.history[max(0, i - self.window + 1):i + 1]) for i in range(n)]
        self.epoch = int(np.argmin(means))
        self.weights = self.all[self.epoch]
        return n - 1 - self.epoch >= self.patience
""",
    "properties": """
class Stopper:
    def __init__(self, patience, window):
        self._left = self._patience = patience
        self._window, self._losses, self._kept = window, [], (float("inf"), -1, ())

    epoch = property(lambda self: np.int64(self._kept[1]))
    weights = property(lambda self: list(self._kept[2]))

    def seen(self, weights, loss):
        self._losses = (self._losses + [loss])[-self._window:]
        self._number = getattr(self, "_number", -1) + 1
        mean = np.average(self._losses)
        if mean < self._kept[0]:
            self._kept, self._left = (mean, self._number, tuple(w * 1 for w in weights)), self._patience
        else:
            self._left -= 1
        return self._left <= 0
""",
    "one for a stop, zero for none": _but(STOPPER, "return self.waited >= self.patience",
                                          "return int(self.waited >= self.patience)"),
    "weights as lists": _but(STOPPER, "w.copy() for", "w.tolist() for"),
}

# Folds that no writer is torn by -------------------------------------------------------------------------------------
FOLDS = """
def writer_folds(writers, k, rng):
    people = np.unique(writers)
    rng.shuffle(people)
    folds = []
    for some in np.array_split(people, k):
        folds.append(np.flatnonzero(np.isin(writers, some)))
    return folds
"""

MUTANTS["writer_folds"] = {
    "F14 examples dealt, not writers": """
def writer_folds(writers, k, rng):
    return np.array_split(rng.permutation(len(writers)), k)
""",
    "F14 the rest is left out": """
def writer_folds(writers, k, rng):
    people = rng.permutation(np.unique(writers))
    n = len(people) // k
    return [np.flatnonzero(np.isin(writers, people[i * n:(i + 1) * n])) for i in range(k)]
""",
    "F14 the rest goes to the last": """
def writer_folds(writers, k, rng):
    people = rng.permutation(np.unique(writers))
    n = len(people) // k
    ends = [i * n for i in range(k)] + [len(people)]
    return [np.flatnonzero(np.isin(writers, people[a:b])) for a, b in zip(ends, ends[1:])]
""",
    "F14 folds overlap by one writer": """
def writer_folds(writers, k, rng):
    people = rng.permutation(np.unique(writers))
    n = -(-len(people) // k)
    return [np.flatnonzero(np.isin(writers, people[max(0, i * n - 1):(i + 1) * n])) for i in range(k)]
""",
    "F14 rounded up, so the last is short": """
def writer_folds(writers, k, rng):
    people = rng.permutation(np.unique(writers))
    n = -(-len(people) // k)
    return [np.flatnonzero(np.isin(writers, people[i * n:(i + 1) * n])) for i in range(k)]
""",
    "F14 each fold drawn by itself": """
def writer_folds(writers, k, rng):
    people = np.unique(writers)
    n = len(people) // k
    return [np.flatnonzero(np.isin(writers, rng.choice(people, n, replace=False))) for _ in range(k)]
""",
    "F14 a fold for each writer by lot": """
def writer_folds(writers, k, rng):
    people, home = np.unique(writers, return_inverse=True)
    fold = rng.integers(0, k, len(people))[home]
    return [np.flatnonzero(fold == i) for i in range(k)]
""",
    "F14 by the number modulo k": """
def writer_folds(writers, k, rng):
    return [np.flatnonzero(writers % k == i) for i in rng.permutation(k)]
""",
    "F14 what to learn from, not what is held out": _but(FOLDS, "np.isin(writers, some)", "~np.isin(writers, some)"),
    "F14 cut after the examples": """
def writer_folds(writers, k, rng):
    order = np.argsort(writers, kind="stable")
    return np.array_split(order, k)
""",
    "F14 examples balanced in place of writers": """
def writer_folds(writers, k, rng):
    people, counts = np.unique(writers, return_counts=True)
    folds, sizes = [[] for _ in range(k)], [0] * k
    for at in np.argsort(-counts + rng.random(len(counts)) / 2):
        small = int(np.argmin(sizes))
        folds[small].append(people[at])
        sizes[small] += counts[at]
    return [np.flatnonzero(np.isin(writers, fold)) for fold in folds]
""",
    "F14 the writers, not their examples": _but(FOLDS, "np.flatnonzero(np.isin(writers, some))", "some"),
    "positions in the sorted array": _but(FOLDS, "np.isin(writers", "np.isin(np.sort(writers)"),
    "no chance": _but(FOLDS, "    rng.shuffle(people)\n", ""),
    "chance of its own": _but(FOLDS, "rng.shuffle", "np.random.default_rng().shuffle"),
    "the same at every call": _but(FOLDS, "rng.shuffle", "np.random.default_rng(7).shuffle"),
    "only the folds are shuffled": """
def writer_folds(writers, k, rng):
    folds = [np.flatnonzero(np.isin(writers, some)) for some in np.array_split(np.unique(writers), k)]
    return [folds[i] for i in rng.permutation(k)]
""",
    "booleans": _but(FOLDS, "np.flatnonzero(np.isin(writers, some))", "np.isin(writers, some)"),
    "one fold": _but(FOLDS, "return folds", "return folds[0]"),
    "counted from one": _but(
        FOLDS, "np.flatnonzero(np.isin(writers, some))", "np.flatnonzero(np.isin(writers, some)) + 1"),
    "k + 1 folds": _but(FOLDS, "split(people, k)", "split(people, k + 1)"),
    "empty folds": "def writer_folds(writers, k, rng):\n    return [np.array([], int) for _ in range(k)]\n",
}

BENIGN["writer_folds"] = {
    "loops and lists": """
def writer_folds(writers, k, rng):
    people = sorted(set(writers.tolist()))
    order = rng.permutation(len(people)).tolist()
    home = {people[at]: number % k for number, at in enumerate(order)}
    folds = [[] for _ in range(k)]
    for position, writer in enumerate(writers.tolist()):
        folds[home[writer]].append(position)
    return folds
""",
    "return_inverse": """
def writer_folds(writers, k, rng):
    people, who = np.unique(writers, return_inverse=True)
    place = rng.permutation(np.arange(len(people)) % k)
    return tuple(np.where(place[who] == fold)[0] for fold in range(k))
""",
    "int32": _but(FOLDS, "np.flatnonzero(np.isin(writers, some))",
                  "np.flatnonzero(np.isin(writers, some)).astype(np.int32)"),
    "in no order": _but(FOLDS, "folds.append(np.flatnonzero(np.isin(writers, some)))",
                        "folds.append(rng.permutation(np.flatnonzero(np.isin(writers, some))))"),
    "cut points": """
def writer_folds(writers, k, rng):
    people = rng.permutation(np.unique(writers))
    cuts = [round(i * len(people) / k) for i in range(k + 1)]
    return [np.array([i for i, w in enumerate(writers) if w in people[a:b]]) for a, b in zip(cuts, cuts[1:])]
""",
}

# Arrows --------------------------------------------------------------------------------------------------------------
ARROWS = """
def arrows(images, labels, training, rng):
    if not training:
        return images, labels
    out, names = np.zeros_like(images), labels.copy()
    for i, image in enumerate(images):
        if rng.random() < 0.5:
            image = image[:, ::-1]
            names[i] = [0, 3, 2, 1][labels[i]]
        down = rng.integers(-1, 2)
        if down == 1:
            out[i, 1:] = image[:-1]
        elif down == -1:
            out[i, :-1] = image[1:]
        else:
            out[i] = image
    return out, names
"""
_BATCH = """
def arrows(images, labels, training, rng):
    if not training:
        return images, labels
    names = labels
    if rng.random() < 0.5:
        images, names = images[:, :, ::-1], np.array([0, 3, 2, 1])[labels]
    down, out = rng.integers(-1, 2), np.zeros_like(images)
    out[:, max(down, 0):images.shape[1] + min(down, 0)] = images[:, max(-down, 0):images.shape[1] - max(down, 0)]
    return out, names
"""

MUTANTS["arrows"] = {
    "5f augmented when measured": _but(ARROWS, "if not training", "if False"),
    "5f the other way round": _but(ARROWS, "if not training", "if training"),
    "5f the same for the whole batch": _BATCH,
    "5f the same in every epoch": _but(ARROWS, "    out, names", "    rng = np.random.default_rng(3)\n    out, names"),
    "5f the label is kept": _but(ARROWS, "[0, 3, 2, 1][labels[i]]", "labels[i]"),
    "5f all labels are turned round": _but(ARROWS, "[0, 3, 2, 1][labels[i]]", "(labels[i] + 2) % 4"),
    "5f right becomes left, left stays": _but(ARROWS, "[0, 3, 2, 1]", "[0, 3, 2, 3]"),
    "5f labels change by a draw of their own": _but(
        ARROWS, "            names[i] =", "        if rng.random() < 0.5:\n            names[i] ="),
    "5f labels change always": _but(
        ARROWS, "        if rng.random() < 0.5:\n            image = image[:, ::-1]\n            names",
        "        if rng.random() < 0.5:\n            image = image[:, ::-1]\n        names"),
    "5f it wraps": _but(ARROWS, "            out[i, 1:] = image[:-1]", "            out[i] = np.roll(image, 1, 0)",
                        "            out[i, :-1] = image[1:]", "            out[i] = np.roll(image, -1, 0)"),
    "5f the edge is repeated": _but(
        ARROWS, "out[i, 1:] = image[:-1]", "out[i, 1:] = image[:-1]\n            out[i, 0] = image[0]"),
    "5f turned by half": _but(ARROWS, "image[:, ::-1]", "image[::-1, ::-1]"),
    "moved sideways": _but(ARROWS, "out[i, 1:] = image[:-1]", "out[i, :, 1:] = image[:, :-1]",
                           "out[i, :-1] = image[1:]", "out[i, :, :-1] = image[:, 1:]"),
    "never up": _but(ARROWS, "rng.integers(-1, 2)", "rng.integers(0, 2)"),
    "the upper end left out": _but(ARROWS, "rng.integers(-1, 2)", "rng.integers(-1, 1)"),
    "always moved": _but(ARROWS, "rng.integers(-1, 2)", "rng.choice([-1, 1])"),
    "always mirrored": _but(ARROWS, "rng.random() < 0.5", "True"),
    "never mirrored": _but(ARROWS, "rng.random() < 0.5", "False"),
    "mirrored one time in five": _but(ARROWS, "rng.random() < 0.5", "rng.random() < 0.2"),
    "mirrored if moved": _but(ARROWS, "        down = rng.integers(-1, 2)\n", "", "        if rng.random() < 0.5:",
                              "        down = rng.integers(-1, 2)\n        if down:"),
    "chance of its own": _but(ARROWS, "    out, names", "    rng = np.random.default_rng()\n    out, names"),
    "noise": _but(ARROWS, "return out, names", "return out + 0.01 * rng.normal(size=out.shape), names"),
    "all labels left and right": _but(ARROWS, "labels.copy()", "labels * 2 % 4"),
    "nothing": "def arrows(images, labels, training, rng):\n    return images, labels\n",
    "only the images": _but(ARROWS, "return out, names", "return out", "return images, labels", "return images"),
    "in place": _but(ARROWS, "return out, names", "images[:] = out\n    return images, names"),
}

BENIGN["arrows"] = {
    "loop": ARROWS,
    "all at once": """
def arrows(images, labels, training, rng):
    if not training:
        return images.copy(), labels.copy()
    n, height, _ = images.shape
    flip, down = rng.integers(0, 2, n) == 1, rng.integers(-1, 2, n)
    from_row = np.arange(height) - down[:, None]
    inside = (from_row >= 0) & (from_row < height)
    out = images[np.arange(n)[:, None], np.clip(from_row, 0, height - 1)] * inside[:, :, None]
    out[flip] = out[flip][:, :, ::-1]
    return out, np.where(flip & (labels % 2 == 1), 4 - labels, labels)
""",
    "roll, and the row cleared": """
def arrows(images, labels, training, rng):
    made, names = images.copy(), labels.tolist()
    for i in range(len(images) if training else 0):
        down = int(rng.choice((-1, 0, 1)))
        made[i] = np.roll(made[i], down, axis=0)
        if down:
            made[i, 0 if down > 0 else -1] = 0
        if rng.random() > 0.5:
            made[i] = np.fliplr(made[i])
            names[i] = {1: 3, 3: 1}.get(names[i], names[i])
    return made, names
""",
    "float32, and a list": _but(ARROWS, "return out, names", "return [out.astype(np.float32), names]"),
    "lists": _but(ARROWS, "return out, names", "return out.tolist(), names.tolist()"),
}

# Detect the leak -----------------------------------------------------------------------------------------------------
AUDIT = """
def audit(X, y, sets, fed, looks, chosen):
    leaks = []
    rows = {name: set(map(tuple, X[sets[name]].tolist())) for name in sets}
    if any(a != b and rows[a] & rows[b] for a in rows for b in rows):
        leaks.append("overlap")
    T = X[sets["train"]]
    mean, sd = T.mean(0), T.std(0)
    for name in sets:
        off = fed[name] - (X[sets[name]] - mean) / sd
        if np.abs(off).max() > 1e-6:
            leaks.append("scaler")
            break
    for j in range(X.shape[1]):
        c, d = X[:, j] - X[:, j].mean(), y - y.mean()
        r = c @ d / np.sqrt((c @ c) * (d @ d))
        if abs(r) > 0.999999:
            leaks.append("giveaway")
            break
    names = [look[0] for look in looks]
    if names.count("test") > 1 or names[-1] != "test":
        leaks.append("peeked")
    validation = [look for look in looks if look[0] == "validation"]
    best = min(validation, key=lambda look: look[2])
    if chosen != best[1]:
        leaks.append("chosen")
    return leaks
"""
_OVERLAP = "any(a != b and rows[a] & rows[b] for a in rows for b in rows)"
_PEEKED = 'names.count("test") > 1 or names[-1] != "test"'

MUTANTS["audit"] = {
    "F11 peeked: any look at the test set": _but(AUDIT, _PEEKED, '"test" in names'),
    "F11 peeked: only counted": _but(AUDIT, _PEEKED, 'names.count("test") > 1'),
    "F11 peeked: only the last look": _but(AUDIT, _PEEKED, 'names[-1] != "test"'),
    "F11 peeked: looks at validation count": _but(AUDIT, _PEEKED, 'names.count("validation") > 1'),
    "F11 peeked: a test better than validation": _but(AUDIT, _PEEKED, "looks[-1][2] < looks[0][2]"),
    "F11 chosen by the test set is right": _but(AUDIT, 'look[0] == "validation"', 'look[0] == "test"'),
    "F11 chosen by the lowest of all": _but(AUDIT, 'if look[0] == "validation"', ""),
    "F11 chosen: the first": _but(AUDIT, "min(validation, key=lambda look: look[2])", "validation[0]"),
    "F11 chosen: what was tested is what was chosen": _but(
        AUDIT, "chosen != best[1]", '[s for n, s, _ in looks if n == "test"][-1] != chosen'),
    "F11 chosen: position in place of strength": _but(AUDIT, "best[1]", "validation.index(best)"),
    "F11 overlap: positions only": _but(AUDIT, _OVERLAP,
                                        "any(a != b and set(sets[a]) & set(sets[b]) for a in sets for b in sets)"),
    "F11 overlap: training and test only": _but(
        AUDIT, "for name in sets}", 'for name in ("train", "test")}'),
    "F11 overlap: training with the others only": _but(AUDIT, "a != b and", 'a != b and "train" in (a, b) and'),
    "F11 overlap: neighbours only": _but(AUDIT, "a != b and", 'a != b and {a, b} != {"train", "test"} and'),
    "F11 overlap: copies within a set too": _but(
        AUDIT, _OVERLAP, "sum(map(len, sets.values())) > len(set().union(*rows.values()))"),
    "F12 scaler: only training is looked at": _but(AUDIT, "    for name in sets:", '    for name in ["train"]:'),
    "F12 scaler: training has mean zero": _but(AUDIT, "fed[name] - (X[sets[name]] - mean) / sd",
                                               'fed["train"].mean(0)'),
    "F12 scaler: every set should have mean zero": _but(AUDIT, "fed[name] - (X[sets[name]] - mean) / sd",
                                                        "fed[name].mean(0)"),
    "F12 scaler: with all the data is right": _but(AUDIT, 'T = X[sets["train"]]', "T = X"),
    "F12 scaler: validation is not looked at": _but(
        AUDIT, "    for name in sets:", '    for name in ["train", "test"]:'),
    "F12 scaler: test is not looked at": _but(
        AUDIT, "    for name in sets:", '    for name in ["train", "validation"]:'),
    "F12 scaler: loosely": _but(AUDIT, "> 1e-6", "> 1.5"),
    "F12 scaler: whether it is that of all data": _but(
        AUDIT, "T.mean(0), T.std(0)", "X.mean(0), X.std(0)", "> 1e-6", "< 1e-6"),
    "giveaway: rising only": _but(AUDIT, "abs(r)", "r"),
    "giveaway: equal only": _but(AUDIT, "abs(r) > 0.999999", "np.abs(X[:, j] - y).max() < 1e-6"),
    "giveaway: what resembles is enough": _but(AUDIT, "0.999999", "0.3"),
    "giveaway: the first column only": _but(AUDIT, "range(X.shape[1])", "range(1)"),
    "giveaway: inputs alike": _but(AUDIT, "y - y.mean()", "X[:, j - 1] - X[:, j - 1].mean()"),
    "stops at the first leak": _but(AUDIT, "return leaks", "return leaks[:1]"),
    "always honest": "def audit(X, y, sets, fed, looks, chosen):\n    return []\n",
    "never honest": """
def audit(X, y, sets, fed, looks, chosen):
    return ["overlap", "scaler", "giveaway", "peeked", "chosen"]
""",
    "one name": _but(AUDIT, "return leaks", 'return leaks[0] if leaks else "honest"'),
    "true or false": _but(AUDIT, "return leaks", "return bool(leaks)"),
    "overlap is not looked for": _but(AUDIT, "if " + _OVERLAP, "if False"),
}

BENIGN["audit"] = {
    "loops": AUDIT,
    "sets of strings, a fitted line": """
def same_line(column, y):
    slope, height = np.polyfit(y, column, 1)
    return np.allclose(slope * y + height, column, rtol=1e-9, atol=1e-9 * np.abs(column - column.mean()).max())


def audit(X, y, sets, fed, looks, chosen):
    mine = {name: {str(X[i].tolist()) for i in where} for name, where in sets.items()}
    found = set()
    for a, b in (("train", "validation"), ("train", "test"), ("validation", "test")):
        if mine[a] & mine[b]:
            found.add("overlap")
    train = X[sets["train"]]
    for name, where in sets.items():
        if np.abs(fed[name] * train.std(axis=0) + train.mean(axis=0) - X[where]).max(0).max() > 1e-8:
            found.add("scaler")
    if any(same_line(X[:, j], y) for j in range(X.shape[1])):
        found.add("giveaway")
    tested = [number for number, look in enumerate(looks) if look[0] == "test"]
    if tested != [len(looks) - 1]:
        found.add("peeked")
    errors = sorted((error, strength) for name, strength, error in looks if name == "validation")
    if not np.isclose(errors[0][1], chosen):
        found.add("chosen")
    return sorted(found)
""",
    "unique rows": _but(AUDIT, _OVERLAP, """sum(len(np.unique(X[i], axis=0)) for i in sets.values()) > len(
            np.unique(X[np.concatenate(list(sets.values()))], axis=0))"""),
    "a tuple, each name once or more": _but(AUDIT, "return leaks", "return tuple(leaks + leaks[:1])"),
    "a dict of answers": _but(AUDIT, "return leaks", """told = {name: name in leaks for name in
            ("chosen", "peeked", "giveaway", "scaler", "overlap")}
    return [name for name, yes in told.items() if yes]"""),
    "allclose, corrcoef": _but(AUDIT, "np.abs(off).max() > 1e-6", "not np.allclose(off, 0, atol=1e-5)",
                               "c @ d / np.sqrt((c @ c) * (d @ d))", "np.corrcoef(X[:, j], y)[0, 1]"),
}
