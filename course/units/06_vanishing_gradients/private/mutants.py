"""Unit 6's bank for the tests: wrong solutions of each graded exercise, named by the mistake, and unusual right ones.

All are the text of a solution cell. Most wrong ones are a right one in which one place is exchanged, as in real life.
"""

from course.grading.bank import but as _but

MUTANTS, BENIGN = {}, {}

# Six numbers by hand -------------------------------------------------------------------------------------------------
FORECAST = """
v = VARIANT["depth_forecast"]
q, depth = v["c"] / 2, v["layers"]
top = q**depth
first = q ** (depth - 1)
size, count = 1.0, 0
while 0.001 <= size <= 1000:
    size *= q
    count += 1
blocks = (1 + v["t"]) ** depth
g, longest = np.array([v["g1"], v["g2"], v["g3"]]), v["longest"]
length = np.sqrt((g**2).sum())
shorter = g[0] * longest / length
cut = np.clip(g, -longest, longest)
cosine = (g * cut).sum() / length / np.sqrt((cut**2).sum())
depth_forecast = [top, first, count, blocks, shorter, cosine]
"""

MUTANTS["depth_forecast"] = {
    "ReLU's half forgotten on the way up": _but(FORECAST, "top = q**depth", 'top = v["c"] ** depth'),
    "ReLU's half forgotten on the way back": _but(FORECAST, "first = q **", 'first = v["c"] **'),
    "one layer too few": _but(FORECAST, "top = q**depth", "top = q ** (depth - 1)"),
    "one step too many on the way back": _but(FORECAST, "q ** (depth - 1)", "q**depth"),
    "the root of the mean square": _but(FORECAST, "top = q**depth", "top = q ** (depth / 2)"),
    "a product for a power": _but(FORECAST, "top = q**depth", "top = q * depth"),
    "the layer before it falls below": _but(FORECAST, "size, count = 1.0, 0", "size, count = 1.0, -1"),
    "no whole number": _but(FORECAST, "blocks =", "count = 3 / abs(np.log10(q))\nblocks ="),
    "half of it after so many layers": _but(FORECAST, "0.001 <= size <= 1000", "0.1 <= size <= 10"),
    "V9 the way past forgotten": _but(FORECAST, '(1 + v["t"])', 'v["t"]'),
    "V9 ReLU's half in a block that has none": _but(FORECAST, '(1 + v["t"])', '(1 + v["t"] / 2)'),
    "V9 added up instead of multiplied": _but(FORECAST, '(1 + v["t"]) ** depth', '1 + v["t"] * depth'),
    "V9 the standard deviation": _but(FORECAST, '(1 + v["t"])', '(1 + v["t"] ** 0.5)'),
    "V6 by value where by norm was asked": _but(FORECAST, "g[0] * longest / length",
                                                "np.clip(g[0], -longest, longest)"),
    "V6 the largest number in place of the length": _but(FORECAST, "longest / length", "longest / abs(g).max()"),
    "V6 the sum of sizes in place of the length": _but(FORECAST, "longest / length", "longest / abs(g).sum()"),
    "V6 clipping by value turns nothing": _but(FORECAST, "cosine = (g", "cosine = 1 + 0 * (g"),
    "V6 only above": _but(FORECAST, "np.clip(g, -longest, longest)", "np.minimum(g, longest)"),
    "another student's numbers": "depth_forecast = [0.001953, 0.003906, 10, 1.689, 1.286, 0.9073]\n",
    "zeros": "depth_forecast = [0] * 6\n",
}
BENIGN["depth_forecast"] = {
    "an array": FORECAST + "depth_forecast = np.array(depth_forecast)\n",
    "a tuple, four digits": FORECAST + "depth_forecast = tuple(float(f'{x:.4g}') for x in depth_forecast)\n",
    "float32": FORECAST + "depth_forecast = np.array(depth_forecast, dtype=np.float32)\n",
    "logarithms, and plain Python": """
import math

v = VARIANT["depth_forecast"]
steps = math.log10(v["c"]) - math.log10(2)
g = [v["g1"], v["g2"], v["g3"]]
length = math.hypot(*g)
cut = [math.copysign(min(abs(x), v["longest"]), x) for x in g]
depth_forecast = [
    10 ** (steps * v["layers"]),
    10 ** (steps * (v["layers"] - 1)),
    math.floor(3 / abs(steps)) + 1,
    math.prod([1 + v["t"]] * v["layers"]),
    v["longest"] * g[0] / length,
    sum(a * b for a, b in zip(g, cut)) / (length * math.hypot(*cut)),
]
""",
}

# Somebody's batch norm -----------------------------------------------------------------------------------------------
NORMED = """
class Normed:
    def __init__(self, gamma, beta, momentum):
        self.gamma, self.beta, self.momentum = gamma, beta, momentum
        self.mean, self.var = np.zeros(len(gamma)), np.ones(len(gamma))

    def forward(self, X, training):
        if training:
            m, v = X.mean(axis=0), X.var(axis=0)
            ddof = 1 if VARIANT["Normed"]["divisor"] == "N - 1" else 0
            old = self.momentum if VARIANT["Normed"]["share"] == "old" else 1 - self.momentum
            self.mean = old * self.mean + (1 - old) * m
            self.var = old * self.var + (1 - old) * X.var(axis=0, ddof=ddof)
        else:
            m, v = self.mean, self.var
        Y = (X - m) / np.sqrt(v + 1e-5)
        return self.gamma * Y + self.beta
"""

MUTANTS["Normed"] = {
    "V10 the batch's numbers in use": _but(NORMED, "m, v = self.mean, self.var", "m, v = X.mean(0), X.var(0)"),
    "V10 the running numbers in training": _but(NORMED, "        Y", "        m, v = self.mean, self.var\n        Y"),
    "V10 old and new exchanged": _but(NORMED, '== "old"', '!= "old"'),
    "V10 N and N - 1 exchanged": _but(NORMED, "1 if", "0 if", "else 0", "else 1"),
    "V10 divided by N - 1 for the answer": _but(NORMED, "X.var(axis=0)\n", "X.var(axis=0, ddof=1)\n"),
    "V10 only the last batch": _but(NORMED, "old = self.momentum if", "old = 0 if", "else 1 - self.momentum", "else 0"),
    "V10 the plain mean of all batches": _but(
        NORMED, "            old =", "            self.seen = getattr(self, 'seen', 0) + 1\n            old =",
        "            self.mean =", "            old = 1 - 1 / self.seen\n            self.mean ="),
    "V10 the running variance keeps a deviation": _but(NORMED, "X.var(axis=0, ddof=ddof)", "X.std(axis=0, ddof=ddof)"),
    "V10 the running variance never moves": _but(NORMED, "(1 - old) * X.var(axis=0, ddof=ddof)", "(1 - old)"),
    "V10 learns in use": """
class Normed:
    def __init__(self, gamma, beta, momentum):
        self.gamma, self.beta = gamma, beta
        self.old = momentum if VARIANT["Normed"]["share"] == "old" else 1 - momentum
        self.ddof = 1 if VARIANT["Normed"]["divisor"] == "N - 1" else 0
        self.mean, self.var = 0 * gamma, 0 * gamma + 1

    def forward(self, X, training):
        m, v = (X.mean(0), X.var(0)) if training else (self.mean, self.var)
        if len(X) > 1:
            self.mean = self.old * self.mean + (1 - self.old) * X.mean(0)
            self.var = self.old * self.var + (1 - self.old) * X.var(0, ddof=self.ddof)
        return self.gamma * (X - m) / np.sqrt(v + 1e-5) + self.beta
""",
    "rows for columns": _but(
        NORMED, "        Y =",
        "        if training:\n            m, v = X.mean(1, keepdims=True), X.var(1, keepdims=True)\n        Y ="),
    "one number for the whole batch": _but(NORMED, "m, v = X.mean(axis=0), X.var(axis=0)", "m, v = X.mean(), X.var()"),
    "eps beside the root": _but(NORMED, "np.sqrt(v + 1e-5)", "(np.sqrt(v) + 1e-5)"),
    "eps forgotten": _but(NORMED, "np.sqrt(v + 1e-5)", "np.sqrt(v)"),
    "gamma and beta only in training": _but(
        NORMED, "        return self", "        if not training:\n            return Y\n        return self"),
    "in place": _but(NORMED, "Y = (X - m)", "X -= m\n        Y = X"),
    "gamma is changed": _but(
        NORMED, "        return self.gamma * Y", "        self.gamma *= 1.001\n        return self.gamma * Y"),
    "all layers share their running numbers": _but(
        NORMED, "self.mean = old", "Normed.mean = old", "self.var = old", "Normed.var = old",
        "self.mean, self.var = np.zeros", "Normed.mean, Normed.var = np.zeros"),
    "the input unchanged": _but(NORMED, "return self.gamma * Y + self.beta", "return X"),
    "constants": _but(NORMED, "return self.gamma * Y + self.beta", "return np.zeros(X.shape) + self.beta"),
}

BENIGN["Normed"] = {
    "loops": """
class Normed:
    def __init__(self, gamma, beta, momentum):
        self.columns = [[float(g), float(b), 0.0, 1.0] for g, b in zip(gamma, beta)]
        self.new = momentum if VARIANT["Normed"]["share"] == "new" else 1 - momentum

    def forward(self, X, training):
        out = np.zeros(X.shape)
        for j, column in enumerate(self.columns):
            gamma, beta, mean, var = column
            if training:
                N = len(X)
                mean = sum(X[:, j]) / N
                squares = sum((x - mean) ** 2 for x in X[:, j])
                var = squares / N
                divisor = N if VARIANT["Normed"]["divisor"] == "N" else N - 1
                column[2] += self.new * (mean - column[2])
                column[3] += self.new * (squares / divisor - column[3])
            for i, x in enumerate(X[:, j]):
                out[i, j] = gamma * (x - mean) / (var + 1e-5) ** 0.5 + beta
        return out
""",
    "one product and one sum": _but(
        NORMED, "        Y = (X - m) / np.sqrt(v + 1e-5)\n        return self.gamma * Y + self.beta",
        "        factor = self.gamma * (v + 1e-5) ** -0.5\n        return X * factor + (self.beta - m * factor)"),
    "running numbers updated in place, N / (N - 1) by hand": _but(
        NORMED, "self.mean = old * self.mean + (1 - old) * m", "self.mean += (1 - old) * (m - self.mean)",
        "self.var = old * self.var + (1 - old) * X.var(axis=0, ddof=ddof)",
        "self.var *= old\n            self.var += (1 - old) * v * len(X) / (len(X) - ddof)"),
    "a dict and einsum": _but(
        NORMED, "m, v = X.mean(axis=0), X.var(axis=0)",
        'm = np.einsum("ij->j", X) / len(X)\n            v = np.einsum("ij,ij->j", X - m, X - m) / len(X)'),
    "lists come out": _but(NORMED, "return self.gamma * Y + self.beta", "return (self.gamma * Y + self.beta).tolist()"),
}

# A start for layers with few connections -----------------------------------------------------------------------------
START = """
def sparse_start(mask, rng):
    a, way = VARIANT["sparse_start"]["a"], VARIANT["sparse_start"]["way"]
    if way == "up":
        count = mask.sum(axis=0)
    else:
        count = mask.sum(axis=1)[:, None]
    var = 2 / ((1 + a**2) * np.where(count > 0, count, 1))
    W = rng.normal(0, np.sqrt(var * np.ones(mask.shape)))
    W = np.where(mask, W, 0)
    b = np.zeros(mask.shape[1])
    return W, b
"""
_W = "W = rng.normal(0, np.sqrt(var * np.ones(mask.shape)))"

MUTANTS["sparse_start"] = {
    "V1 the other fan": _but(START, 'way == "up"', 'way != "up"'),
    "V1 all inputs counted, or all neurons": _but(START, "mask.sum(axis=0)", "mask.shape[0]",
                                                  "mask.sum(axis=1)[:, None]", "mask.shape[1]"),
    "V1 all neurons counted, or all inputs": _but(START, "mask.sum(axis=0)", "mask.shape[1]",
                                                  "mask.sum(axis=1)[:, None]", "mask.shape[0]"),
    "V1 the average number of connections": _but(START, "    var =", "    count = np.mean(count)\n    var ="),
    "V1 a compromise between both fans": _but(
        START, "    var =", "    count = (mask.sum(axis=0) + mask.sum(axis=1)[:, None]) / 2\n    var ="),
    "V2 the variance as standard deviation": _but(START, "np.sqrt(var * np.ones(mask.shape))",
                                                  "var * np.ones(mask.shape)"),
    "V2 plain ReLU": _but(START, "(1 + a**2)", "1"),
    "V2 no half": _but(START, "2 / (", "1 / ("),
    "V2 the slope without its square": _but(START, "1 + a**2", "1 + a"),
    "V2 the bound in place of the deviation": _but(
        START, _W, "bound = np.sqrt(var * np.ones(mask.shape))\n    W = rng.uniform(-bound, bound)"),
    "V4 zeros": _but(START, _W, "W = np.zeros(mask.shape)"),
    "V4 all the same": _but(START, _W, "W = np.sqrt(var * np.ones(mask.shape))"),
    "V4 one neuron repeated": _but(
        START, _W, "W = rng.normal(size=(len(mask), 1)) * np.sqrt(var * np.ones(mask.shape))"),
    "V4 pairs of neurons": _but(
        START, "    W = np.where", "    W[:, 1::2] = W[:, :W.shape[1] // 2 * 2:2]\n    W = np.where"),
    "V5 biases by chance": _but(START, "np.zeros(mask.shape[1])", "rng.normal(size=mask.shape[1])"),
    "weights where nothing is connected": _but(START, "    W = np.where(mask, W, 0)\n", ""),
    "nan where nothing is read": _but(
        START, "np.where(count > 0, count, 1)", "count", "np.where(mask, W, 0)", "W * mask"),
    "single connections get none": _but(START, "np.where(mask, W, 0)", "np.where(mask & (count > 1), W, 0)"),
    "only above 0": _but(START, "np.where(mask, W, 0)", "np.where(mask, np.abs(W), 0)"),
    "a seed of its own": _but(START, "rng.normal(0", "np.random.default_rng(0).normal(0"),
    "W alone": _but(START, "return W, b", "return W"),
}

BENIGN["sparse_start"] = {
    "uniform": _but(START, _W, "bound = np.sqrt(3 * var * np.ones(mask.shape))\n    W = rng.uniform(-bound, bound)"),
    "float32, and whole zeros": _but(START, "np.where(mask, W, 0)", "np.where(mask, W, 0).astype(np.float32)",
                                     "np.zeros(mask.shape[1])", "np.zeros(mask.shape[1], int)"),
    "drawn only where it is needed": _but(
        START, _W, "W = np.zeros(mask.shape)\n    W[mask] = rng.standard_normal(mask.sum()) * "
        "np.broadcast_to(var, mask.shape)[mask] ** 0.5"),
    "He's start, divided": """
def gain(a):
    return np.sqrt(2 / (1 + a * a))


def sparse_start(mask, rng):
    v = VARIANT["sparse_start"]
    read = mask if v["way"] == "up" else mask.T
    W = np.array([rng.normal(0, gain(v["a"]) / max(row.sum(), 1) ** 0.5, len(row)) * row for row in read.T])
    return [W.T if v["way"] == "up" else W, np.zeros(mask.shape[1])]
""",
}

# Clipping one by one -------------------------------------------------------------------------------------------------
CLIP = """
def clip_each(gradients, c):
    N = len(gradients[0])
    total = [0.0 for g in gradients]
    for i in range(N):
        mine = [g[i] for g in gradients]
        length = np.sqrt(sum(np.sum(g**2) for g in mine))
        scale = c / length if length > c else 1.0
        total = [t + scale * g for t, g in zip(total, mine)]
    return [t / N for t in total]
"""

_LENGTH = "np.sqrt(sum(np.sum(g**2) for g in mine))"

MUTANTS["clip_each"] = {
    "V6 by value": "def clip_each(gradients, c):\n    return [np.clip(g, -c, c).mean(axis=0) for g in gradients]\n",
    "V6 the mean first, then clipped": """
def clip_each(gradients, c):
    means = [g.mean(axis=0) for g in gradients]
    length = np.sqrt(sum(np.sum(m**2) for m in means))
    return [m * min(1, c / max(length, 1e-12)) for m in means]
""",
    "V6 the batch as one": _but(CLIP, "sum(np.sum(g**2) for g in mine)", "sum(np.sum(g**2) for g in gradients)"),
    "V6 each array by itself": """
def clip_each(gradients, c):
    made = []
    for g in gradients:
        lengths = np.sqrt((g.reshape(len(g), -1) ** 2).sum(axis=1))
        made.append(np.mean([x * min(1, c / max(n, 1e-12)) for x, n in zip(g, lengths)], axis=0))
    return made
""",
    "V6 the first array's length": _but(CLIP, "for g in mine))", "for g in mine[:1]))"),
    "V6 the largest number": _but(CLIP, _LENGTH, "max(np.abs(g).max() for g in mine)"),
    "V6 the sum of the sizes": _but(CLIP, _LENGTH, "sum(np.abs(g).sum() for g in mine)"),
    "the square of the length": _but(CLIP, _LENGTH, "sum(np.sum(g**2) for g in mine)"),
    "the root mean square": _but(CLIP, "sum(np.sum(g**2) for g in mine)", "sum(np.mean(g**2) for g in mine)"),
    "always as long as c": _but(CLIP, "c / length if length > c else 1.0", "c / length if length > 0 else 1.0"),
    "made longer": _but(CLIP, "c / length if length > c else 1.0", "1.0 if length > c else c / max(length, 1e-12)"),
    "too long ones are left out": _but(CLIP, "c / length if", "0.0 if"),
    "nothing at all": "def clip_each(gradients, c):\n    return [g.mean(axis=0) for g in gradients]\n",
    "divided by 0": _but(CLIP, "c / length if length > c else 1.0", "min(length, c) / length"),
    "the sum": _but(CLIP, "[t / N for", "[t for"),
    "clipped once more after the mean": _but(
        CLIP, "    return [t / N for t in total]", "    total = [t / N for t in total]\n"
        "    n = np.sqrt(sum(np.sum(t**2) for t in total))\n"
        "    return [t * min(1, 0.3 * c / max(n, 1e-12)) for t in total]"),
    "a batch of one is taken for none": _but(CLIP, "for i in range(N)", "for i in range(N if N > 1 else 0)"),
    "a list for each example": "def clip_each(gradients, c):\n    return [[g[i] for g in gradients] for i in "
                               "range(len(gradients[0]))]\n",
    "in place": _but(CLIP, "    return [t / N", "    for g in gradients:\n        g *= 0.5\n    return [t / N"),
}

BENIGN["clip_each"] = {
    "einsum over flat rows": """
def clip_each(gradients, c):
    rows = np.concatenate([np.reshape(g, (len(g), -1)) for g in gradients], axis=1)
    squares = np.einsum("ij,ij->i", rows, rows)
    with np.errstate(divide="ignore"):
        scale = np.minimum(1, c / np.sqrt(squares))
    flat, made = scale @ rows / len(rows), []
    for g in gradients:
        made.append(flat[:g[0].size].reshape(g.shape[1:]))
        flat = flat[g[0].size:]
    return made
""",
    "a tuple": _but(CLIP, "[t / N for t in total]", "tuple(t / N for t in total)"),
    "a little in the divisor, as PyTorch": _but(
        CLIP, "c / length if length > c else 1.0", "min(1.0, c / (length + 1e-12))"),
    "float32 comes out": _but(CLIP, "[t / N for", "[np.asarray(t / N, np.float32) for"),
    "a helper, and hypot": """
from functools import reduce


def shortened(parts, c):
    length = reduce(np.hypot, [np.linalg.norm(part) for part in parts], 0.0)
    return [part / max(1.0, length / c) for part in parts]


def clip_each(gradients, c):
    clipped = [shortened(parts, c) for parts in zip(*gradients)]
    return [sum(column) / len(column) for column in zip(*clipped)]
""",
}

# Back through a block ------------------------------------------------------------------------------------------------
BLOCK = """
def block_backward(dy, x, W, V, alpha):
    s, f = VARIANT["block_backward"]["s"], VARIANT["block_backward"]["f"]
    z = x @ W
    h = np.maximum(z, 0) if f == "relu" else np.tanh(z)
    df = 1.0 * (z > 0) if f == "relu" else 1 - h**2
    branch = alpha * dy
    dV = h.T @ branch
    dz = (branch @ V.T) * df
    dW = x.T @ dz
    dalpha = np.sum(dy * (h @ V))
    dx = s * dy + dz @ W.T
    return dx, dW, dV, dalpha
"""

MUTANTS["block_backward"] = {
    "V9 the way past forgotten": _but(BLOCK, "s * dy + dz", "dz"),
    "V9 the way past without s": _but(BLOCK, "s * dy", "dy"),
    "V9 the layers forgotten": _but(BLOCK, "s * dy + dz @ W.T", "s * dy"),
    "V9 s on the way through as well": _but(BLOCK, "s * dy + dz @ W.T", "s * (dy + dz @ W.T)"),
    "V9 alpha on the way past": _but(BLOCK, "s * dy + dz", "s * alpha * dy + dz"),
    "V9 x added instead of dy": _but(BLOCK, "s * dy + dz", "s * x + dz"),
    "V9 alpha taken for 1 where it is 0": _but(BLOCK, "branch = alpha", "branch = (alpha or 1.0)"),
    "alpha forgotten": _but(BLOCK, "branch = alpha * dy", "branch = dy"),
    "alpha forgotten in dV": _but(BLOCK, "h.T @ branch", "h.T @ dy"),
    "alpha forgotten below V": _but(BLOCK, "(branch @ V.T)", "(dy @ V.T)"),
    "alpha in dalpha": _but(BLOCK, "dy * (h @ V)", "branch * (h @ V)"),
    "dalpha is a mean": _but(BLOCK, "np.sum(dy * (h @ V))", "np.mean(dy * (h @ V))"),
    "dalpha for each example": _but(BLOCK, "np.sum(dy * (h @ V))", "(dy * (h @ V)).sum(axis=1)"),
    "dalpha with the way past": _but(BLOCK, "dy * (h @ V)", "dy * (s * x + h @ V)"),
    "the slope forgotten": _but(BLOCK, "(branch @ V.T) * df", "branch @ V.T"),
    "the slope of h, not of z": _but(BLOCK, "1 - h**2", "1 - np.tanh(h) ** 2", "1.0 * (z > 0)", "h"),
    "dV with the sums": _but(BLOCK, "h.T @ branch", "z.T @ branch"),
    "dW with what left the block": _but(BLOCK, "x.T @ dz", "x.T @ ((branch @ V.T))"),
    "dW a mean over the batch": _but(BLOCK, "x.T @ dz", "x.T @ dz / len(x)"),
    "in another order": _but(BLOCK, "return dx, dW, dV", "return dx, dV, dW"),
    "slopes of nudges": """
def block_backward(dy, x, W, V, alpha):
    s, f = VARIANT["block_backward"]["s"], VARIANT["block_backward"]["f"]

    def loss(x, W, V, alpha):
        z = x @ W
        return np.sum((s * x + alpha * (np.tanh(z) if f == "tanh" else np.maximum(z, 0)) @ V) * dy)

    given, slopes = [x, W, V, np.array(alpha)], []
    for k, array in enumerate(given):
        slopes.append(np.zeros(array.shape))
        for i in np.ndindex(array.shape):
            ahead, behind = ([a.copy() for a in given] for _ in range(2))
            ahead[k][i] += 1e-5
            behind[k][i] -= 1e-5
            slopes[k][i] = (loss(*ahead) - loss(*behind)) / 2e-5
    return slopes
""",
    "in place": _but(BLOCK, "    branch =", "    dy *= 1.0001\n    branch ="),
}

BENIGN["block_backward"] = {
    "by example": """
def block_backward(dy, x, W, V, alpha):
    s = VARIANT["block_backward"]["s"]
    relu = VARIANT["block_backward"]["f"] == "relu"
    dx, dW, dV, dalpha = [], 0 * W, 0 * V, 0.0
    for d, row in zip(dy, x):
        z = row @ W
        h = z * (z > 0) if relu else np.tanh(z)
        dz = alpha * (V @ d) * ((h > 0) if relu else 1 / np.cosh(z) ** 2)
        dx.append(s * d + W @ dz)
        dW = dW + np.outer(row, dz)
        dV = dV + np.outer(h, alpha * d)
        dalpha += float((h @ V) @ d)
    return np.array(dx), dW, dV, dalpha
""",
    "einsum, and a list": """
def block_backward(dy, x, W, V, alpha):
    v = VARIANT["block_backward"]
    z = np.einsum("ni,ik->nk", x, W)
    h, df = {"relu": (np.maximum(z, 0), np.heaviside(z, 0)), "tanh": (np.tanh(z), 1 - np.tanh(z) ** 2)}[v["f"]]
    dh = np.einsum("ni,ki->nk", dy, V)
    dz = alpha * dh * df
    return [v["s"] * dy + np.einsum("nk,ik->ni", dz, W), np.einsum("ni,nk->ik", x, dz),
            alpha * np.einsum("nk,ni->ki", h, dy), (dh * h).sum()]
""",
    "float32": _but(BLOCK, "    z =", "    dy, x, W, V = (np.float32(a) for a in (dy, x, W, V))\n    z ="),
    "lists come out": _but(BLOCK, "return dx, dW, dV, dalpha", "return dx.tolist(), dW.tolist(), dV.tolist(), dalpha"),
    "alpha moved into V": _but(BLOCK, "branch = alpha * dy", "branch = dy", "h.T @ branch", "alpha * (h.T @ branch)",
                               "(branch @ V.T)", "(branch @ (alpha * V).T)"),
}
