"""Unit 1's bank: wrong solutions of the assignment, each named after its misconception, and right but unusual ones.

All are the text of a solution cell, as a student would write it: they run where submissions run, in the sandbox.
"""

PERCEPTRON = '''
def perceptron_fit(X, y, epochs):
    w, b, mistakes = np.zeros(X.shape[1]), 0.0, 0
    for epoch in range(epochs):
        for i in range(len(X)):
            z = X[i] @ w + b
            if y[i] * z <= 0:
                w = w + y[i] * X[i]
                b = b + y[i]
                mistakes += 1
    return w, b, mistakes
'''

NET = '''
def regress(X, layers):
    A = X
    for W, b in layers[:-1]:
        A = np.maximum(A @ W + b, 0)
    W, b = layers[-1]
    return A @ W + b
'''

BY_NEURON = '''
def regress(X, layers):
    A = X
    for k, (W, b) in enumerate(layers):
        Z = np.zeros((len(A), W.shape[1]))
        for j in range(W.shape[1]):
            Z[:, j] = (A * W[:, j]).sum(axis=1) + b[j]
        A = np.maximum(Z, 0) if k < len(layers) - 1 else Z
    return A
'''

ONE = '''
def exactly_one(n, off, on):
    step = on - off
    W1 = np.full((n, 2), -1 / step)
    b1 = np.array([2 + n * off / step, 1 + n * off / step])
    W2 = np.array([[1.0], [-2.0]])
    b2 = np.zeros(1)
    return W1, b1, W2, b2
'''

SCALE = '''
def standardize(train, new):
    mean = train.mean(axis=0)
    sd = train.std(axis=0)
    sd = np.where(sd == 0, 1, sd)
    return (new - mean) / sd
'''

PREDICTED = '''
y, b2, f = VARIANT["scaled"]["y"], VARIANT["scaled"]["b2"], VARIANT["scaled"]["factor"]
scaled = [f * (y - b2) + b2, y, 2 * (y - b2) + b2]
'''


def _but(text, *changes):
    """The text with some of its pieces replaced, each of which must be there."""
    for old, new in changes:
        if old not in text:
            raise ValueError(f"{old!r} is not in the solution.")
        text = text.replace(old, new)
    return text


MUTANTS = {
    "perceptron_fit": {
        "N7 a sum of 0 counts as right": _but(PERCEPTRON, ("<= 0", "< 0")),
        "N7 updates when the answer is right": _but(PERCEPTRON, ("<= 0", "> 0")),
        "N7 updates after every example": _but(PERCEPTRON, ("y[i] * z <= 0", "True")),
        "N7 a sum of 0 says +1": _but(PERCEPTRON, ("y[i] * z <= 0", "y[i] != (1 if z >= 0 else -1)")),
        "N7 a sum of 0 says -1": _but(PERCEPTRON, ("y[i] * z <= 0", "y[i] != (1 if z > 0 else -1)")),
        "N7 counts right answers": _but(PERCEPTRON, ("                mistakes += 1", "            else:\n"
                                                     "                mistakes += 1")),
        "N1 bias never learns": _but(PERCEPTRON, ("                b = b + y[i]\n", "")),
        "N1 bias not in the sum": _but(PERCEPTRON, ("X[i] @ w + b", "X[i] @ w")),
        "N3 products not added": _but(PERCEPTRON, ("X[i] @ w + b", "X[i] * w + b"), ("y[i] * z <= 0",
                                                                                   "(y[i] * z <= 0).any()")),
        "bias learns y times z": _but(PERCEPTRON, ("b = b + y[i]", "b = b + y[i] * z")),
        "bias subtracted": _but(PERCEPTRON, ("b = b + y[i]", "b = b - y[i]")),
        "label left out of the step": _but(PERCEPTRON, ("w + y[i] * X[i]", "w + X[i]")),
        "steps of one half": _but(PERCEPTRON, ("y[i] * X[i]", "0.5 * y[i] * X[i]"), ("b + y[i]", "b + 0.5 * y[i]")),
        "the error as in regression": _but(PERCEPTRON, ("y[i] * X[i]", "(y[i] - z) * X[i]"), ("b + y[i]",
                                                                                              "b + (y[i] - z)")),
        "labels of 0 and 1": _but(PERCEPTRON, ("y[i] * z <= 0", "(z > 0) != y[i]")),
        "counts the last pass only": _but(PERCEPTRON, ("        for i in", "        mistakes = 0\n        for i in")),
        "counts examples that were ever wrong": _but(PERCEPTRON, (", 0\n", ", set()\n"), ("mistakes += 1",
                                                     "mistakes.add(i)"), ("b, mistakes\n", "b, len(mistakes)\n")),
        "one pass too few": _but(PERCEPTRON, ("range(epochs)", "range(epochs - 1)")),
        "one pass too many": _but(PERCEPTRON, ("range(epochs)", "range(epochs + 1)")),
        "one pass only": _but(PERCEPTRON, ("range(epochs)", "range(1)")),
        "returns after the first pass": _but(PERCEPTRON, ("    return", "        return")),
        "the last example left out": _but(PERCEPTRON, ("range(len(X))", "range(len(X) - 1)")),
        "shuffles": _but(PERCEPTRON, ("range(len(X))", "np.random.default_rng(0).permutation(len(X))")),
        "all mistakes of a pass at once": '''
def perceptron_fit(X, y, epochs):
    w, b, mistakes = np.zeros(X.shape[1]), 0.0, 0
    for epoch in range(epochs):
        wrong = y * (X @ w + b) <= 0
        w = w + y[wrong] @ X[wrong]
        b = b + y[wrong].sum()
        mistakes += int(wrong.sum())
    return w, b, mistakes
''',
        "goes on until all is right, whatever epochs says": _but(PERCEPTRON, ("range(epochs)", "range(300)")),
        "writes into X": _but(PERCEPTRON, ("    for epoch", "    X *= y[:, None]\n    for epoch"),
                              ("y[i] * z <= 0", "z <= 0"), ("y[i] * X[i]", "X[i]")),
        "the order of the answers": _but(PERCEPTRON, ("return w, b, mistakes", "return mistakes, w, b")),
        "weights only": _but(PERCEPTRON, ("return w, b, mistakes", "return w")),
        "a constant": "def perceptron_fit(X, y, epochs):\n    return np.ones(X.shape[1]), 1.0, 1\n",
        "least squares": '''
def perceptron_fit(X, y, epochs):
    A = np.c_[X, np.ones(len(X))]
    w = np.linalg.lstsq(A, y, rcond=None)[0]
    return w[:-1], w[-1], int((y * (A @ w) <= 0).sum())
''',
    },
    "regress": {
        "nets of two layers only": _but(NET, ("    A = X", "    (W, b), _ = layers\n    A = X")),
        "N1 bias forgotten": _but(NET, ("A @ W + b", "A @ W")),
        "N1 output bias forgotten": _but(NET, ("return A @ W + b", "return A @ W")),
        "N1 hidden bias forgotten": _but(NET, ("np.maximum(A @ W + b, 0)", "np.maximum(A @ W, 0)")),
        "N3 added over the examples": _but(BY_NEURON, ("sum(axis=1)", "sum(axis=0)")),
        "N3 added over everything": _but(BY_NEURON, ("sum(axis=1)", "sum()")),
        "N4 weights transposed": _but(NET, ("A @ W", "A @ W.T")),
        "N4 rows for columns": _but(BY_NEURON, ("W[:, j]", "W[j]")),
        "N4 weights reshaped until they fit": _but(NET, ("A @ W", "A @ W.T.reshape(W.shape)")),
        "N6 ReLU on the output": _but(NET, ("return A @ W + b", "return np.maximum(A @ W + b, 0)")),
        "N6 absolute value on the output": _but(NET, ("return A @ W + b", "return np.abs(A @ W + b)")),
        "N6 tanh on the output": _but(NET, ("return A @ W + b", "return np.tanh(A @ W + b)")),
        "bias after ReLU": _but(NET, ("np.maximum(A @ W + b, 0)", "np.maximum(A @ W, 0) + b")),
        "whole numbers cut off": _but(BY_NEURON, ("np.zeros((len(A), W.shape[1]))",
                                                  "np.zeros((len(A), W.shape[1]), A.dtype)")),
        "as many columns as inputs": _but(BY_NEURON, ("np.zeros((len(A), W.shape[1]))", "np.zeros_like(A)")),
        "as many neurons as inputs": _but(BY_NEURON, ("range(W.shape[1])", "range(len(W))")),
        "no ReLU": _but(NET, ("np.maximum(A @ W + b, 0)", "A @ W + b")),
        "no ReLU in the second layer": _but(NET, ("np.maximum(A @ W + b, 0)",
                                                  "np.maximum(A @ W + b, 0) if A is X else A @ W + b")),
        "tanh for ReLU": _but(NET, ("np.maximum(A @ W + b, 0)", "np.tanh(A @ W + b)")),
        "ReLU of the inputs": _but(NET, ("A = X", "A = np.maximum(X, 0)")),
        "one bias for all neurons": _but(BY_NEURON, ("b[j]", "b[0]")),
        "two layers, however many there are": '''
def regress(X, layers):
    (W1, b1), (W2, b2) = layers[0], layers[-1]
    if len(layers) == 1:
        return X @ W1 + b1
    return np.maximum(X @ W1 + b1, 0) @ W2 + b2
''',
        "the last layer left out": _but(NET, ("return A @ W + b", "return A if layers[1:] else A @ W + b")),
        "output transposed": _but(NET, ("return A @ W + b", "return (A @ W + b).T")),
        "cuts off in place, at the start of each layer": '''
def regress(X, layers):
    A = X
    for W, b in layers:
        A[A < 0] = 0
        A = A @ W + b
    return A
''',
        "takes layers away": _but(NET, ("W, b = layers[-1]", "W, b = layers.pop()")),
        "the input unchanged": "def regress(X, layers):\n    return X\n",
        "a constant": "def regress(X, layers):\n    return np.tile([-3.0, 2.0], (len(X), 1))\n",
    },
    "scaled": {
        "the bias scaled too": _but(PREDICTED, ("f * (y - b2) + b2", "f * y"), ("2 * (y - b2) + b2", "2 * y")),
        "nothing changes": "scaled = [VARIANT['scaled']['y']] * 3\n",
        "the bias left out": _but(PREDICTED, ("(y - b2) + b2", "(y - b2)")),
        "the bias added to y": _but(PREDICTED, ("(y - b2) + b2", "y + b2")),
        "two changes multiply": _but(PREDICTED, (" y, 2", " f * (y - b2) + b2, 2")),
        "dividing wins": _but(PREDICTED, (" y, 2", " (y - b2) / f + b2, 2")),
        "a copy changes nothing": _but(PREDICTED, ("2 * (y - b2) + b2", "y")),
        "a copy doubles all": _but(PREDICTED, ("2 * (y - b2) + b2", "2 * y")),
        "bias scaled, the rest right": _but(PREDICTED, ("f * (y - b2) + b2", "f * y")),
        "factor squared": _but(PREDICTED, ("[f *", "[f * f *")),
        "the order of the answers": _but(PREDICTED, ("[f", "list(reversed([f"), ("+ b2]", "+ b2]))")),
        "two of three": _but(PREDICTED, (", 2 * (y - b2) + b2]", "]")),
        "words": "scaled = ['larger', 'the same', 'larger']\n",
        "another student's numbers": "scaled = [9.25, 0.75, 2.75]\n",
        "a constant": "scaled = [0.0, 0.0, 0.0]\n",
    },
    "exactly_one": {
        "N1 no hidden bias": _but(ONE, ("return W1, b1", "return W1, 0 * b1")),
        "N1 off is taken for 0": _but(ONE, ("n * off / step", "0")),
        "N4 W1 transposed": _but(ONE, ("(n, 2)", "(2, n)")),
        "the lesson's net: all on says -1": '''
def exactly_one(n, off, on):
    W1 = np.full((n, 2), 1 / (on - off))
    b1 = np.array([0.0, -1.0]) - n * off / (on - off)
    return W1, b1, np.array([[1.0], [-2.0]]), np.zeros(1)
''',
        "the lesson's net, copied": '''
def exactly_one(n, off, on):
    return np.full((n, 2), 0.5), np.array([1.0, 0.0]), np.array([[1.0], [-2.0]]), np.zeros(1)
''',
        "on and off exchanged": _but(ONE, ("step = on - off", "on, off = off, on\n    step = on - off")),
        "one input's offset only": _but(ONE, ("n * off", "off")),
        "off added": _but(ONE, ("2 + n * off / step, 1 + n * off / step", "2 - n * off / step, 1 - n * off / step")),
        "on is taken for 1": _but(ONE, ("step = on - off", "step = 1 - off")),
        "absolute step": _but(ONE, ("on - off", "abs(on - off)")),
        "the sign of the second neuron": _but(ONE, ("-2.0", "2.0")),
        "weights of one for one": _but(ONE, ("-2.0", "-1.0")),
        "at least one": '''
def exactly_one(n, off, on):
    step = on - off
    W1 = np.full((n, 2), 1 / step)
    b1 = np.array([0.0, -1.0]) - n * off / step
    return W1, b1, np.array([[1.0], [-1.0]]), np.zeros(1)
''',
        "all but one": _but(ONE, ("-1 / step", "1 / step"), ("2 + n * off / step, 1 + n * off / step",
                                                             "2 - n - n * off / step, 1 - n - n * off / step")),
        "three neurons": '''
def exactly_one(n, off, on):
    W1 = np.full((n, 3), 1 / (on - off))
    b1 = np.array([0.0, -1.0, -2.0]) - n * off / (on - off)
    return W1, b1, np.array([[1.0], [-2.0], [1.0]]), np.zeros(1)
''',
        "made for three inputs": _but(ONE, ("    step", "    n = 3\n    step")),
        "at most three inputs": _but(ONE, ("    step", "    n = min(n, 3)\n    step")),
        "right up to three inputs": '''
def exactly_one(n, off, on):
    step = on - off
    W1 = np.full((n, 2), 1 / step)
    b1 = np.array([0.0, -1.0]) - n * off / step
    W2 = np.array([[1.0], [-2.0]])
    if n == 3:
        W1, b1 = -W1, np.array([2.0, 1.0]) + n * off / step
    return W1, b1, W2, np.zeros(1)
''',
        "output as a row": _but(ONE, ("[[1.0], [-2.0]]", "[1.0, -2.0]")),
        "a constant": "def exactly_one(n, off, on):\n    return np.zeros((n, 2)), *map(np.zeros, (2, (2, 1), 1))\n",
    },
    "standardize": {
        "N8 the new data's own mean": _but(SCALE, ("train.mean", "new.mean"), ("train.std", "new.std")),
        "N8 its own mean, the training data's spread": _but(SCALE, ("train.mean", "new.mean")),
        "N8 training mean, its own spread": _but(SCALE, ("train.std", "new.std")),
        "N8 both together": _but(SCALE, ("    mean", "    train = np.concatenate([train, new])\n    mean")),
        "N3 one mean for all columns": _but(SCALE, ("axis=0", "")),
        "N3 each row for itself": _but(SCALE, ("axis=0", "axis=1, keepdims=True"), ("/ sd", "/ sd[:1]"),
                                       ("new - mean", "new - mean[:1]")),
        "divided by N - 1": _but(SCALE, ("std(axis=0)", "std(axis=0, ddof=1)")),
        "divided by the variance": _but(SCALE, ("train.std", "train.var")),
        "not divided": _but(SCALE, (" / sd", "")),
        "not shifted": _but(SCALE, ("(new - mean)", "new")),
        "a little added to every deviation": _but(SCALE, ("np.where(sd == 0, 1, sd)", "sd + 1e-8")),
        "constant columns become nan": _but(SCALE, ("np.where(sd == 0, 1, sd)", "sd")),
        "constant columns become 0": _but(SCALE, ("np.where(sd == 0, 1, sd)", "np.where(sd == 0, np.inf, sd)")),
        "smallest and largest": '''
def standardize(train, new):
    low, high = train.min(axis=0), train.max(axis=0)
    return (new - low) / np.where(high == low, 1, high - low)
''',
        "new data cut off at three": _but(SCALE, ("return (new - mean) / sd", "return ((new - mean) / sd).clip(-3, 3)"
                                                  )),
        "median for mean": _but(SCALE, ("train.mean(axis=0)", "np.median(train, axis=0)")),
        "whole numbers cut off": _but(SCALE, ("    mean", "    out = np.empty_like(new)\n    mean"),
                                      ("return (new - mean) / sd", "out[:] = (new - mean) / sd\n    return out")),
        "writes into new": _but(SCALE, ("return (new - mean) / sd", "new[:] = (new - mean) / sd\n    return new")),
        "scales the training data": _but(SCALE, ("(new - mean)", "(train - mean)")),
        "rounded": _but(SCALE, ("(new - mean) / sd", "((new - mean) / sd).round(2)")),
        "the input unchanged": "def standardize(train, new):\n    return new\n",
        "a constant": "def standardize(train, new):\n    return np.zeros(new.shape)\n",
    },
}

BENIGN = {
    "perceptron_fit": {
        "the bias as a last weight": '''
def perceptron_fit(X, y, epochs):
    Xb = np.column_stack([X, np.ones(len(X))])
    theta, mistakes = np.zeros(Xb.shape[1]), 0
    for _ in range(epochs):
        clean = True
        for row, t in zip(Xb, y):
            if t * np.dot(theta, row) <= 0:
                theta = theta + t * row
                mistakes, clean = mistakes + 1, False
        if clean:
            break
    return theta[:-1], theta[-1], mistakes
''',
        "plain lists": '''
def perceptron_fit(X, y, epochs):
    rows, labels = X.tolist(), y.tolist()
    w, b, mistakes = [0.0] * len(rows[0]), 0, 0
    for _ in range(epochs):
        for x, t in zip(rows, labels):
            if t * (sum(p * q for p, q in zip(x, w)) + b) <= 0:
                w = [q + t * p for p, q in zip(x, w)]
                b += t
                mistakes += 1
    return [w, b, mistakes]
''',
        "float32": _but(PERCEPTRON, ("    w, b", "    X = X.astype(np.float32)\n    w, b"),
                        ("np.zeros(X.shape[1])", "np.zeros(X.shape[1], np.float32)")),
        "sign compared, 0 never equal": _but(PERCEPTRON, ("y[i] * z <= 0", "np.sign(z) != y[i]")),
        "starts at whole numbers": _but(PERCEPTRON, ("0.0, 0", "0, 0"), ("y[i] * X[i]", "X[i] * int(y[i])")),
        "w changed in place": _but(PERCEPTRON, ("w = w + y[i] * X[i]", "w += y[i] * X[i]")),
        "numpy's own numbers": _but(PERCEPTRON, ("return w, b, mistakes",
                                                             "return w, np.float64(b), np.int64(mistakes)")),
        "a helper": '''
def one_pass(X, y, w, b):
    wrong = 0
    for i in range(len(y)):
        if (np.einsum("d,d->", X[i], w) + b) * y[i] <= 0:
            w, b, wrong = w + X[i] * y[i], b + y[i], wrong + 1
    return w, b, wrong


def perceptron_fit(X, y, epochs):
    w, b, total, wrong = np.zeros_like(X[0], dtype=float), 0, 0, 1
    while epochs and wrong:
        w, b, wrong = one_pass(X, y, w, b)
        total, epochs = total + wrong, epochs - 1
    return w, b, total
''',
    },
    "regress": {
        "neuron by neuron": BY_NEURON,
        "products": NET,
        "einsum": _but(NET, ("np.maximum(A @ W + b, 0)", 'np.maximum(np.einsum("ni,io->no", A, W) + b, 0)')),
        "float32": _but(NET, ("A = X", "A = X.astype(np.float32)\n    layers = [(W.astype(np.float32), "
                              "b.astype(np.float32)) for W, b in layers]")),
        "masked": _but(NET, ("np.maximum(A @ W + b, 0)", "(A @ W + b) * (A @ W + b > 0)")),
        "by itself": '''
def regress(X, layers):
    (W, b), rest = layers[0], layers[1:]
    Z = X @ W + b
    return regress(np.where(Z > 0, Z, 0), rest) if rest else Z
''',
        "a class": '''
class Layer:
    def __init__(self, W, b, last):
        self.W, self.b, self.last = W, b, last

    def __call__(self, X):
        Z = X.dot(self.W) + self.b
        return Z if self.last else Z.clip(0)


def regress(X, layers):
    for i, pair in enumerate(layers):
        X = Layer(*pair, last=i == len(layers) - 1)(X)
    return X
''',
        "plain lists": '''
def regress(X, layers):
    out = []
    for row in X.tolist():
        for k, (W, b) in enumerate(layers):
            row = [sum(x * W[i, j] for i, x in enumerate(row)) + b[j] for j in range(len(b))]
            if k + 1 < len(layers):
                row = [max(0.0, float(z)) for z in row]
        out.append([float(z) for z in row])
    return out
''',
    },
    "scaled": {
        "a tuple": _but(PREDICTED, ("[f", "(f"), ("+ b2]", "+ b2)")),
        "an array": _but(PREDICTED, ("[f", "np.array([f"), ("+ b2]", "+ b2])")),
        "step by step": '''
v = VARIANT["scaled"]
hidden_part = v["y"] - v["b2"]
a = v["factor"] * hidden_part + v["b2"]
b = hidden_part + v["b2"]
c = hidden_part + hidden_part + v["b2"]
scaled = [a, b, c]
''',
        "y with the missing part": _but(PREDICTED, ("f * (y - b2) + b2", "y + (f - 1) * (y - b2)"),
                                        ("2 * (y - b2) + b2", "2 * y - b2")),
        "rounded to two places": _but(PREDICTED, ("+ b2]", "+ b2]\nscaled = [round(s, 2) for s in scaled]")),
        "float32": _but(PREDICTED, ("+ b2]", "+ b2]\nscaled = np.array(scaled, np.float32)")),
    },
    "exactly_one": {
        "the other way round": ONE,
        "inside out": '''
def exactly_one(n, off, on):
    slope = 2.0 / (off - on)
    W1 = slope * np.ones((n, 2))
    b1 = [-n * off * slope + 4, -n * off * slope + 2]
    return W1, b1, [[0.5], [-1.0]], [0.0]
''',
        "from the other end, through the output's bias": '''
def exactly_one(n, off, on):
    # min(s, 2) without the part above 1 counted twice: 1 - |s - 1| below 2, and 0 above
    k = 1 / (on - off)
    W1 = np.array([[-k, -k]] * n)
    b1 = np.array([1.0, 2.0]) + n * off * k
    return W1, b1, np.array([[-2.0], [1.0]]), np.array([0.0])
''',
        "float32": _but(ONE, ("np.full((n, 2), -1 / step)", "np.full((n, 2), -1 / step, np.float32)"),
                        ("np.array([[1.0]", "np.float32([[1.0]")),
        "lambda": '''
exactly_one = lambda n, off, on: (np.full((n, 2), 1 / (off - on)), np.array([2, 1]) - n * off / (off - on),
                                  np.array([[1], [-2]]), np.array([0]))
''',
        "loops and lists": '''
def exactly_one(n, off, on):
    per_switch = 1 / (on - off)
    W1 = [[-per_switch for _ in range(2)] for _ in range(n)]
    b1 = [bend + n * off * per_switch for bend in (2, 1)]
    return [W1, b1, [[1], [-2]], [0]]
''',
    },
    "standardize": {
        "one function of two": SCALE,
        "column by column": '''
def standardize(train, new):
    out = np.zeros(new.shape)
    for j in range(train.shape[1]):
        mean = sum(train[:, j]) / len(train)
        sd = (sum((train[:, j] - mean) ** 2) / len(train)) ** 0.5
        out[:, j] = (new[:, j] - mean) / (sd if sd > 0 else 1)
    return out
''',
        "float32": _but(SCALE, ("    mean", "    train, new = np.float32(train), np.float32(new)\n    mean")),
        "a helper": '''
def statistics(train):
    mean = np.mean(train, 0)
    sd = np.sqrt(((train - mean) ** 2).mean(0))
    sd[sd == 0] = 1.0
    return mean, sd


def standardize(train, new):
    mean, sd = statistics(train)
    return np.divide(np.subtract(new, mean), sd)
''',
        "constant columns shifted apart": '''
def standardize(train, new):
    z = new - train.mean(axis=0)
    moving = train.std(axis=0) > 0
    z[:, moving] /= train.std(axis=0)[moving]
    return z
''',
        "lists": '''
def standardize(train, new):
    columns = list(zip(*train.tolist()))
    means = [sum(c) / len(c) for c in columns]
    sds = [(sum((v - m) ** 2 for v in c) / len(c)) ** 0.5 or 1 for c, m in zip(columns, means)]
    return [[(v - m) / s for v, m, s in zip(row, means, sds)] for row in new.tolist()]
''',
    },
}
