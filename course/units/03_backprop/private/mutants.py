"""Unit 3's bank for the tests: wrong solutions of each graded exercise, named by the mistake, and unusual right ones.

All are the text of a solution cell. Most wrong ones are a right one in which one place is exchanged, as in real life.
"""

from course.grading.bank import but as _but

MUTANTS, BENIGN = {}, {}

# One step by hand ----------------------------------------------------------------------------------------------------
STEP = """
x, w1, w2, t, eta = (VARIANT["one_step"][name] for name in ("x", "w1", "w2", "t", "eta"))
h = np.tanh(w1 * x)
e = w2 * h - t
s = 1 - h**2
dw2 = 2 * e * h
v2 = w2 - eta * dw2
right = w1 - eta * 2 * e * w2 * s * x
early = w1 - eta * 2 * e * v2 * s * x
bare = w1 - eta * 2 * e * w2 * x
turn = w2 / dw2
one_step = [right, early, bare, turn]
"""

MUTANTS["one_step"] = {
    "B1 the early one is the right one": _but(STEP, "early = w1", "early = right + 0 * w1", "* v2 *", "* 0 *"),
    "B1 the error is new too": _but(STEP, "early = w1 - eta * 2 * e", "early = w1 - eta * 2 * (v2 * h - t)"),
    "B1 w2 steps uphill first": _but(STEP, "v2 = w2 -", "v2 = w2 +"),
    "B1 turns where w1 itself is zero": _but(STEP, "turn = w2 / dw2", "turn = w1 / (2 * e * w2 * s * x)"),
    "B2 the slope is left out everywhere": _but(STEP, "s = 1 - h**2", "s = 1"),
    "B2 the slope of w1 x, not of h": _but(STEP, "s = 1 - h**2", "s = 1 - (w1 * x) ** 2"),
    "B2 the slope of sigmoid": _but(STEP, "s = 1 - h**2", "s = h * (1 - h)"),
    "B2 nothing but the error is left": _but(STEP, "bare = w1 - eta * 2 * e * w2 * x", "bare = w1 - eta * 2 * e"),
    "B2 the slope and w2 are forgotten": _but(STEP, "bare = w1 - eta * 2 * e * w2 * x", "bare = w1 - eta * 2 * e * x"),
    "B6 factor 2 missing": _but(STEP, "2 * e", "e"),
    "x forgotten": _but(STEP, "* s * x", "* s", "e * w2 * x", "e * w2"),
    "uphill": _but(STEP, "right = w1 -", "right = w1 +", "early = w1 -", "early = w1 +", "bare = w1 -", "bare = w1 +"),
    "the gradients, not the new weights": _but(STEP, "= w1 - eta * 2 * e", "= 2 * e"),
    "eta forgotten": _but(STEP, "eta * ", ""),
    "rounded to one digit": STEP + "one_step = [round(float(number), 1) for number in one_step]\n",
    "in another order": _but(STEP, "[right, early, bare, turn]", "[right, bare, early, turn]"),
    "another student's numbers": "one_step = [0.61034, 0.55921, 0.71458, 0.92113]\n",
    "zeros": "one_step = [0.0, 0.0, 0.0, 0.0]\n",
    "three numbers": _but(STEP, ", turn]", "]"),
    "never, says the fourth": _but(STEP, "turn = w2 / dw2", "turn = np.inf"),
    "words": 'one_step = ["smaller", "larger", "the same", "never"]\n',
    "the number to turn is a share": _but(STEP, "turn = w2 / dw2", "turn = eta * w2 / dw2"),
}

BENIGN["one_step"] = {
    "an array": STEP + "one_step = np.array(one_step)\n",
    "a tuple of plain numbers, rounded": STEP + "one_step = tuple(round(float(number), 4) for number in one_step)\n",
    "float32": STEP + "one_step = np.array(one_step, dtype=np.float32)\n",
    "by a function, forward and backward": """
import math

mine = VARIANT["one_step"]


def w1_after(w2_back, slope=True):
    h = math.tanh(mine["w1"] * mine["x"])
    upstream = 2 * (mine["w2"] * h - mine["t"]) * w2_back
    if slope:
        upstream *= 1 / math.cosh(mine["w1"] * mine["x"]) ** 2
    return mine["w1"] - mine["eta"] * upstream * mine["x"]


h = math.tanh(mine["w1"] * mine["x"])
dw2 = 2 * (mine["w2"] * h - mine["t"]) * h
one_step = [w1_after(mine["w2"]), w1_after(mine["w2"] - mine["eta"] * dw2), w1_after(mine["w2"], False),
            mine["w2"] / dw2]
""",
}

# An engine for single numbers ----------------------------------------------------------------------------------------
VALUE = """
class Value(Number):
    def tanh(self):
        t = np.tanh(self.data)
        return Value(t, [(self, 1 - t**2)])

    def backward(self):
        order = []

        def visit(node):
            if node not in order:
                for parent, _ in node.parents:
                    visit(parent)
                order.append(node)

        visit(self)
        for node in order:
            node.grad = 0.0
        self.grad = 1.0
        for node in reversed(order):
            for parent, slope in node.parents:
                parent.grad += node.grad * slope
"""
_TANH = VALUE[:VALUE.index("    def backward")]
_CLEARED = """        for node in order:
            node.grad = 0.0
"""
_STACK = _TANH + """
    def backward(self):
        self.grad, waiting = 1.0, [self]
        while waiting:
            node = waiting.pop()
            for parent, slope in node.parents:
                parent.grad += node.grad * slope
                waiting.append(parent)
"""

MUTANTS["Value"] = {
    "B7 = instead of +=": _but(VALUE, "+= node.grad", "= node.grad"),
    "B7 only += is mended": _but(_STACK, "1 - t**2", "1 - self.data**2"),
    "B7 passed on before it is complete": _STACK,
    "B7 passed on before it is complete, but cleared": _but(
        _STACK, "        self.grad, waiting = 1.0, [self]", """        waiting = [self]
        while waiting:
            node = waiting.pop()
            node.grad = 0.0
            waiting += [parent for parent, _ in node.parents]
        self.grad, waiting = 1.0, [self]"""),
    "B7 each number once, in the order it is met": _but(
        _STACK, "[self]\n", "[self]\n        seen = []\n", "waiting.append(parent)",
        "if parent not in seen:\n                    seen.append(parent)\n                    waiting.append(parent)"),
    "B7 first come, first served": _but(_STACK, "waiting.pop()", "waiting.pop(0)"),
    "B7 the larger of the two": _but(VALUE, "parent.grad += node.grad * slope",
                                     "parent.grad = max(parent.grad, node.grad * slope)"),
    "B7 mean where they meet": _but(VALUE, "parent.grad += node.grad * slope",
                                    "parent.grad = (parent.grad + node.grad * slope) / (2 if parent.grad else 1)"),
    "B7 multiplied where they meet": _but(VALUE, "parent.grad += node.grad * slope",
                                          "parent.grad = (parent.grad or 1.0) * node.grad * slope"),
    "B8 never cleared": _but(VALUE, _CLEARED, ""),
    "B8 only the numbers without parents are cleared": _but(
        VALUE, "            node.grad = 0.0", "            if not node.parents:\n                node.grad = 0.0"),
    "B8 only the results are cleared": _but(
        VALUE, "            node.grad = 0.0", "            if node.parents:\n                node.grad = 0.0"),
    "B8 works once": _but(VALUE, "        order = []\n", """        if hasattr(self, "done"):
            return
        self.done = True
        order = []
"""),
    "B2 tanh' of the input": _but(VALUE, "1 - t**2", "1 - self.data**2"),
    "B2 tanh' forgotten": _but(VALUE, "1 - t**2", "1.0"),
    "B2 the slope of sigmoid": _but(VALUE, "1 - t**2", "t * (1 - t)"),
    "B2 1 - t": _but(VALUE, "1 - t**2", "1 - t"),
    "B2 tanh' of tanh": _but(VALUE, "1 - t**2", "1 - np.tanh(t) ** 2"),
    "tanh is another function now": _but(VALUE, "t = np.tanh(self.data)", "t = 1 / (1 + np.exp(-self.data))",
                                         "1 - t**2", "t * (1 - t)"),
    "begins with 0": _but(VALUE, "self.grad = 1.0", "self.grad = 0.0"),
    "begins with the value": _but(VALUE, "self.grad = 1.0", "self.grad = self.data"),
    "upstream forgotten": _but(VALUE, "node.grad * slope", "slope"),
    "the slope forgotten": _but(VALUE, "node.grad * slope", "node.grad"),
    "added, not multiplied": _but(VALUE, "node.grad * slope", "node.grad + slope"),
    "from the first to the last": _but(VALUE, "in reversed(order)", "in order"),
    "one step back only": _but(VALUE, "in reversed(order)", "in [self]"),
    "children before parents": _but(VALUE, """                for parent, _ in node.parents:
                    visit(parent)
                order.append(node)
""", """                order.append(node)
                for parent, _ in node.parents:
                    visit(parent)
""", "in reversed(order)", "in order"),
    "equal values taken for the same number": _but(VALUE, "if node not in order",
                                                   "if node.data not in [each.data for each in order]"),
    "sign": _but(VALUE, "+= node.grad * slope", "-= node.grad * slope"),
}

BENIGN["Value"] = {
    "a set of what was seen": _but(VALUE, "order = []", "order, seen = [], set()", "if node not in order:",
                                   "if id(node) not in seen:\n                seen.add(id(node))"),
    "way by way: slow and right": _TANH + """
    def backward(self):
        def clear(node):
            node.grad = 0.0
            for parent, _ in node.parents:
                clear(parent)

        def push(node, arrives):
            node.grad += arrives
            for parent, slope in node.parents:
                push(parent, arrives * slope)

        clear(self)
        push(self, 1.0)
""",
    "waits until all have sent": _TANH + """
    def backward(self):
        waiting, pending = [self], {}
        nodes = {id(self)}
        while waiting:
            for parent, _ in waiting.pop().parents:
                pending[id(parent)] = pending.get(id(parent), 0) + 1
                parent.grad = 0.0
                if id(parent) not in nodes:
                    nodes.add(id(parent))
                    waiting.append(parent)
        self.grad, ready = 1.0, [self]
        while ready:
            node = ready.pop()
            for parent, slope in node.parents:
                parent.grad += node.grad * slope
                pending[id(parent)] -= 1
                if not pending[id(parent)]:
                    ready.append(parent)
""",
    "a class of its own, with functions kept": """
import math


class Value:
    def __init__(self, data):
        self.data, self.grad, self.parents, self.send = float(data), 0, (), None

    def made(self, data, parents, send):
        new = Value(data)
        new.parents, new.send = parents, send
        return new

    def __add__(self, other):
        return self.made(self.data + other.data, (self, other), lambda g: (g, g))

    def __mul__(self, other):
        return self.made(self.data * other.data, (self, other), lambda g: (g * other.data, g * self.data))

    def tanh(self):
        return self.made(math.tanh(self.data), (self,), lambda g: (g / math.cosh(self.data) ** 2,))

    def backward(self):
        line = []
        self.line_up(line)
        for each in line:
            each.grad = 1.0 if each is self else 0.0
        while line:
            last = line.pop()
            if last.send:
                for parent, g in zip(last.parents, last.send(last.grad)):
                    parent.grad = parent.grad + g

    def line_up(self, line):
        if self not in line:
            for parent in self.parents:
                parent.line_up(line)
            line.append(self)
""",
    "float32": _but(VALUE, "t = np.tanh(self.data)", "t = np.tanh(np.float32(self.data))"),
    "numbers in the order they were made": _TANH + """
    born = 0

    def __init__(self, data, parents=()):
        super().__init__(data, parents)
        Value.born += 1
        self.number = Value.born

    def backward(self):
        todo = {self.number: self}
        sent = {self.number: 1.0}
        while todo:
            number = max(todo)
            node = todo.pop(number)
            node.grad = sent[number]
            for parent, slope in node.parents:
                todo[parent.number] = parent
                sent[parent.number] = sent.get(parent.number, 0.0) + node.grad * slope
""",
}

# A judge for gradients -----------------------------------------------------------------------------------------------
ERROR = """
def grad_error(f, w, g):
    n, h = np.zeros(w.shape), 1e-5
    for i in np.ndindex(w.shape):
        ahead, behind = w.copy(), w.copy()
        ahead[i] += h
        behind[i] -= h
        n[i] = (f(ahead) - f(behind)) / (2 * h)
    size = (np.abs(g) + np.abs(n)).max()
    return np.abs(g - n).max() / size if size > 0 else 0.0
"""
_RESULT = "np.abs(g - n).max() / size if size > 0 else 0.0"

MUTANTS["grad_error"] = {
    "B13 one-sided": _but(ERROR, "(f(ahead) - f(behind)) / (2 * h)", "(f(ahead) - f(w)) / h"),
    "B13 one-sided, with its best step": _but(ERROR, "(f(ahead) - f(behind)) / (2 * h)", "(f(ahead) - f(w)) / h",
                                              "1e-5", "1e-8"),
    "B13 float32": _but(ERROR, "ahead, behind = w.copy(), w.copy()",
                        "ahead, behind = w.astype(np.float32), w.astype(np.float32)"),
    "B13 float32 kept for n": _but(ERROR, "np.zeros(w.shape)", "np.zeros(w.shape, dtype=np.float32)"),
    "B13 not restored, on copies": _but(ERROR, "        ahead, behind = w.copy(), w.copy()\n", "",
                                        "    for i in", "    ahead, behind = w.copy(), w.copy()\n    for i in"),
    "B13 not restored, in place": _but(ERROR, "        ahead, behind = w.copy(), w.copy()\n", "", """ahead[i] += h
        behind[i] -= h
        n[i] = (f(ahead) - f(behind)) / (2 * h)""", """w[i] += h
        up = f(w)
        w[i] -= 2 * h
        n[i] = (up - f(w)) / (2 * h)"""),
    "B13 the rest is nudged to the other side": _but(ERROR, "ahead, behind = w.copy(), w.copy()",
                                                     "ahead, behind = w - h, w - h",
                                                     "ahead[i] += h", "ahead[i] += 2 * h", "behind[i] -= h", "pass",
                                                     ),
    "B13 elementwise error": _but(ERROR, _RESULT, "(np.abs(g - n) / np.maximum(np.abs(g) + np.abs(n), 1e-300)).max()"),
    "B13 the mean error": _but(ERROR, _RESULT, "np.abs(g - n).mean() / size if size > 0 else 0.0"),
    "step too large": _but(ERROR, "1e-5", "0.1"),
    "step too small": _but(ERROR, "1e-5", "1e-12"),
    "divided by h": _but(ERROR, "(2 * h)", "h"),
    "the absolute error": _but(ERROR, "/ size if size > 0 else 0.0", ""),
    "over one of the two only": _but(ERROR, "(np.abs(g) + np.abs(n)).max()", "np.abs(n).max()"),
    "over the sum of the maxima and more": _but(ERROR, "(np.abs(g) + np.abs(n)).max()",
                                                "np.abs(g).sum() + np.abs(n).sum()"),
    "signs not looked at": _but(ERROR, "np.abs(g - n)", "np.abs(np.abs(g) - np.abs(n))"),
    "sizes without abs": _but(ERROR, "(np.abs(g) + np.abs(n)).max()", "np.abs(g + n).max()"),
    "difference without abs": _but(ERROR, "np.abs(g - n).max()", "(g - n).max()"),
    "nan where all is zero": _but(ERROR, _RESULT, "np.abs(g - n).max() / size"),
    "1 where all is zero": _but(ERROR, "else 0.0", "else 1.0"),
    "yes or no": _but(ERROR, _RESULT, "np.abs(g - n).max() / max(size, 1e-300) < 1e-7"),
    "all right, says a constant": "def grad_error(f, w, g):\n    return 0.0\n",
    "another constant": "def grad_error(f, w, g):\n    return 1e-9\n",
    "the nudged gradient": _but(ERROR, _RESULT, "n"),
    "the first row only": _but(ERROR, "np.ndindex(w.shape)", "np.ndindex((1,) + w.shape[1:])"),
    "all numbers at once": _but(ERROR, "ahead[i] += h", "ahead += h", "behind[i] -= h", "behind -= h"),
    "an error for each number": _but(ERROR, _RESULT, "np.abs(g - n) / (np.abs(g) + np.abs(n))"),
}

BENIGN["grad_error"] = {
    "in place, and put back": """
def grad_error(f, w, g):
    n = np.empty_like(w)
    for i in np.ndindex(w.shape):
        kept = w[i]
        w[i] = kept + 1e-5
        up = f(w)
        w[i] = kept - 1e-5
        down = f(w)
        w[i] = kept
        n[i] = (up - down) / 2e-5
    top, bottom = np.max(abs(g - n)), np.max(abs(g) + abs(n))
    return 0 if bottom == 0 else top / bottom
""",
    "flat, with a unit vector": """
def grad_error(f, w, g, h=1e-5):
    n = []
    for i in range(w.size):
        e = np.zeros(w.size)
        e[i] = h
        e = e.reshape(w.shape)
        n.append((f(w + e) - f(w - e)) / (2 * h))
    n = np.array(n).reshape(w.shape)
    return float(np.abs(g - n).max() / max((np.abs(g) + np.abs(n)).max(), 1e-300))
""",
    "four points, more exact": _but(ERROR, """        n[i] = (f(ahead) - f(behind)) / (2 * h)""",
                                    """        far, back = w.copy(), w.copy()
        far[i] += 2 * h
        back[i] -= 2 * h
        n[i] = (8 * (f(ahead) - f(behind)) - (f(far) - f(back))) / (12 * h)""", "1e-5", "1e-4"),
    "lists and python's max": """
def slope(f, w, i, h=4e-6):
    def at(step):
        moved = np.array(w)
        moved[i] = moved[i] + step
        return f(moved)
    return (at(h) - at(-h)) / (2 * h)


def grad_error(f, w, g):
    pairs = [(float(g[i]), slope(f, w, i)) for i in np.ndindex(*w.shape)]
    sizes = max(abs(a) + abs(b) for a, b in pairs)
    return max(abs(a - b) for a, b in pairs) / sizes if sizes else 0
""",
    "a lambda in a helper": """
def both_sides(f, w, h):
    for i in np.ndindex(w.shape):
        one = np.zeros(w.shape)
        one[i] = h
        yield i, f(w + one), f(w - one)


grad_error = lambda f, w, g: (lambda n: np.abs(g - n).max() / ((np.abs(g) + np.abs(n)).max() or 1.0))(
    np.array([(up - down) / 2e-5 for _, up, down in both_sides(f, w, 1e-5)]).reshape(w.shape))
""",
}

# A loss that forgives small errors -----------------------------------------------------------------------------------
LOSS = """
eps, factor, over = (VARIANT["tolerant_loss"][name] for name in ("eps", "factor", "over"))


def tolerant_loss(P, T):
    E = P - T
    beyond = np.maximum(np.abs(E) - eps, 0)
    count = len(P) if over == "examples" else P.size
    loss = factor * (beyond**2).sum() / count
    dP = 2 * factor * beyond * np.sign(E) / count
    return loss, dP
"""

MUTANTS["tolerant_loss"] = {
    "B4 sums, in the loss and in dP": _but(LOSS, "count = len(P) if over == \"examples\" else P.size", "count = 1"),
    "B4 the other mean, in both": _but(LOSS, "len(P) if over == \"examples\" else P.size",
                                       "P.size if over == \"examples\" else len(P)"),
    "B4 mean over the outputs only": _but(LOSS, "count = len(P) if over == \"examples\" else P.size",
                                          "count = P.shape[1]"),
    "B5 the loss a mean, dP a sum": _but(LOSS, "np.sign(E) / count", "np.sign(E)"),
    "B5 the loss a sum, dP a mean": _but(LOSS, ".sum() / count", ".sum()"),
    "B5 averaged twice": _but(LOSS, "np.sign(E) / count", "np.sign(E) / count**2"),
    "B5 the loss over examples, dP over numbers": _but(LOSS, "(beyond**2).sum() / count", "(beyond**2).sum() / len(P)",
                                                       "np.sign(E) / count", "np.sign(E) / P.size"),
    "B6 factor 2 missing in dP": _but(LOSS, "dP = 2 * factor", "dP = factor"),
    "B6 one half in the loss only": _but(LOSS, "loss = factor", "loss = 0.5 * factor"),
    "B6 one half in dP only": _but(LOSS, "dP = 2 * factor", "dP = 0.5 * factor"),
    "B6 one half in both": _but(LOSS, "loss = factor", "loss = 0.5 * factor", "dP = 2 * factor", "dP = factor"),
    "B6 the factor in the loss only": _but(LOSS, "loss = factor", "loss = 3 * factor"),
    "B8 adds up from call to call": LOSS + """

kept, once = [], tolerant_loss


def tolerant_loss(P, T):
    loss, dP = once(P, T)
    kept.append(dP)
    return loss, sum(each for each in kept[-2:] if each.shape == dP.shape)
""",
    "the sign of the error forgotten": _but(LOSS, " * np.sign(E)", ""),
    "T - P": _but(LOSS, "E = P - T", "E = T - P"),
    "the tolerance forgotten": _but(LOSS, "np.abs(E) - eps", "np.abs(E)"),
    "the tolerance as a gate": _but(LOSS, "np.maximum(np.abs(E) - eps, 0)", "np.where(np.abs(E) > eps, np.abs(E), 0)"),
    "tolerant in the loss only": _but(LOSS, "beyond * np.sign(E)", "E"),
    "no zero below the tolerance": _but(LOSS, "np.maximum(np.abs(E) - eps, 0)", "np.abs(E) - eps"),
    "abs forgotten": _but(LOSS, "np.abs(E) - eps", "E - eps"),
    "squared first": _but(LOSS, "np.maximum(np.abs(E) - eps, 0)", "np.sqrt(np.maximum(E**2 - eps, 0))"),
    "eps squared": _but(LOSS, "np.maximum(np.abs(E) - eps, 0)", "np.sqrt(np.maximum(E**2 - eps**2, 0))"),
    "not squared": _but(LOSS, "beyond**2", "beyond", "2 * factor * beyond", "factor * (beyond > 0)"),
    "the largest only": _but(LOSS, "(beyond**2).sum()", "(beyond**2).max()"),
    "the gradient of the mean as one number": _but(LOSS, "return loss, dP", "return loss, dP.mean()"),
    "dP summed over the batch": _but(LOSS, "return loss, dP", "return loss, dP.sum(0)"),
    "the loss only": _but(LOSS, "return loss, dP", "return loss"),
    "dP only for the first example": _but(LOSS, "return loss, dP", "dP[1:] = 0\n    return loss, dP"),
    "in place": _but(LOSS, "E = P - T", "P -= T\n    E = P"),
    "one example's loss each": _but(LOSS, "(beyond**2).sum()", "(beyond**2).sum(1)"),
    "for batches of 5": _but(LOSS, "len(P) if over == \"examples\" else P.size",
                             "5 if over == \"examples\" else 5 * P.shape[1]"),
    "errors clipped": _but(LOSS, "E = P - T", "E = np.clip(P - T, -10, 10)"),
    "dP the wrong way round": _but(LOSS, "return loss, dP", "return dP, loss"),
    "zeros": "def tolerant_loss(P, T):\n    return 0.0, np.zeros(P.shape)\n",
    "the input": "def tolerant_loss(P, T):\n    return 0.5, P\n",
}

BENIGN["tolerant_loss"] = {
    "loops": """
def tolerant_loss(P, T):
    mine = VARIANT["tolerant_loss"]
    n, k = P.shape
    share = mine["factor"] / n / (1 if mine["over"] == "examples" else k)
    total, slopes = 0.0, []
    for i in range(n):
        slopes.append([0.0] * k)
        for j in range(k):
            e = float(P[i, j] - T[i, j])
            if e > mine["eps"]:
                total += share * (e - mine["eps"]) ** 2
                slopes[i][j] = 2 * share * (e - mine["eps"])
            elif e < -mine["eps"]:
                total += share * (e + mine["eps"]) ** 2
                slopes[i][j] = 2 * share * (e + mine["eps"])
    return [total, slopes]
""",
    "by clipping": """
def tolerant_loss(P, T):
    eps = VARIANT["tolerant_loss"]["eps"]
    left = (P - T) - np.clip(P - T, -eps, eps)
    weight = np.full(P.shape, VARIANT["tolerant_loss"]["factor"] / P.shape[0])
    if VARIANT["tolerant_loss"]["over"] == "numbers":
        weight /= P.shape[1]
    return np.einsum("ij,ij,ij->", weight, left, left), 2 * weight * left
""",
    "float32": LOSS.replace("E = P - T", "E = np.float32(P) - np.float32(T)"),
    "means by name": _but(LOSS, "loss = factor * (beyond**2).sum() / count",
                          "loss = factor * np.mean(np.sum(beyond**2, axis=1)) * (len(P) / count)"),
    "a helper and a lambda": LOSS.replace("def tolerant_loss", "def both") + """

tolerant_loss = lambda predicted, measured: tuple(np.asarray(part) for part in both(predicted, measured))
""",
}

# A net that compares two things --------------------------------------------------------------------------------------
PAIR = """
def pair_gradients(X1, X2, y, W1, b1, W2, b2):
    N = len(y)
    H1, H2 = np.tanh(X1 @ W1 + b1), np.tanh(X2 @ W1 + b1)
    D = H1 - H2
    Z = D @ W2 + b2
    Z = Z - Z.max(1, keepdims=True)
    log_P = Z - np.log(np.exp(Z).sum(1, keepdims=True))
    loss = -log_P[np.arange(N), y].mean()
    dZ = (np.exp(log_P) - np.eye(len(b2))[y]) / N
    dD = dZ @ W2.T
    dA1 = dD * (1 - H1**2)
    dA2 = -dD * (1 - H2**2)
    dW1 = X1.T @ dA1 + X2.T @ dA2
    db1 = dA1.sum(0) + dA2.sum(0)
    return loss, dW1, db1, D.T @ dZ, dZ.sum(0)
"""
_RETURN = "return loss, dW1, db1, D.T @ dZ, dZ.sum(0)"

MUTANTS["pair_gradients"] = {
    "B2 tanh' forgotten": _but(PAIR, "dD * (1 - H1**2)", "dD", "-dD * (1 - H2**2)", "-dD"),
    "B2 tanh' forgotten on one way": _but(PAIR, "-dD * (1 - H2**2)", "-dD"),
    "B2 tanh' of D": _but(PAIR, "1 - H1**2", "1 - D**2", "1 - H2**2", "1 - D**2"),
    "B2 tanh' of tanh": _but(PAIR, "1 - H1**2", "1 - np.tanh(H1) ** 2", "1 - H2**2", "1 - np.tanh(H2) ** 2"),
    "B2 the slopes exchanged": _but(PAIR, "1 - H1**2", "1 - H0**2", "1 - H2**2", "1 - H1**2", "H0", "H2"),
    "B4 sums, in the loss and in all gradients": _but(PAIR, ".mean()", ".sum()", ") / N", ")"),
    "B5 the loss a mean, the gradients sums": _but(PAIR, ") / N", ")"),
    "B5 averaged twice": _but(PAIR, ") / N", ") / N**2"),
    "B5 divided by both inputs' numbers": _but(PAIR, ") / N", ") / (2 * N)"),
    "B7 the second way overwrites the first": _but(PAIR, "X1.T @ dA1 + X2.T @ dA2", "X2.T @ dA2",
                                                   "dA1.sum(0) + dA2.sum(0)", "dA2.sum(0)"),
    "B7 one way only": _but(PAIR, "X1.T @ dA1 + X2.T @ dA2", "X1.T @ dA1", "dA1.sum(0) + dA2.sum(0)", "dA1.sum(0)"),
    "B7 one way only, in db1": _but(PAIR, "dA1.sum(0) + dA2.sum(0)", "dA1.sum(0)"),
    "B7 one way, twice": _but(PAIR, "X1.T @ dA1 + X2.T @ dA2", "2 * X1.T @ dA1",
                              "dA1.sum(0) + dA2.sum(0)", "2 * dA1.sum(0)"),
    "B7 the mean of both ways": _but(PAIR, "X1.T @ dA1 + X2.T @ dA2", "(X1.T @ dA1 + X2.T @ dA2) / 2",
                                     "dA1.sum(0) + dA2.sum(0)", "(dA1.sum(0) + dA2.sum(0)) / 2"),
    "B7 as if it were one way, of X1 - X2": _but(PAIR, "X1.T @ dA1 + X2.T @ dA2", "(X1 - X2).T @ (dD * (1 - D**2))"),
    "B8 gradients pile up": PAIR + """

first, kept = pair_gradients, {}


def pair_gradients(*given):
    loss, *new = first(*given)
    key = tuple(g.shape for g in new)
    old = kept.get(key, [0, 0, 0, 0])
    kept[key] = [o + g for o, g in zip(old, new)]
    return (loss, *kept[key])
""",
    "B10 db2 averaged": _but(PAIR, "dZ.sum(0)", "dZ.mean(0)"),
    "B10 db over the wrong axis": _but(PAIR, "dZ.sum(0)", "dZ.sum(1)"),
    "B10 db1 averaged": _but(PAIR, "dA1.sum(0) + dA2.sum(0)", "dA1.mean(0) + dA2.mean(0)",
                             "dZ.sum(0)", "dZ.mean(0)"),
    "B10 db2 is one number": _but(PAIR, "dZ.sum(0)", "dZ.sum()"),
    "B10 db2 not summed": _but(PAIR, "dZ.sum(0)", "dZ"),
    "B11 back without the transpose": _but(PAIR, "dZ @ W2.T", "dZ @ W2"),
    "B11 W2 reshaped": _but(PAIR, "dZ @ W2.T", "dZ @ W2.reshape(W2.shape[::-1])"),
    "B11 back without W2": _but(PAIR, "dD = dZ @ W2.T", "dD = np.repeat(dZ.sum(1, keepdims=True), len(b1), 1)"),
    "the minus forgotten": _but(PAIR, "dA2 = -dD", "dA2 = dD"),
    "the minus taken twice": _but(PAIR, "X1.T @ dA1 + X2.T @ dA2", "X1.T @ dA1 - X2.T @ dA2",
                                  "dA1.sum(0) + dA2.sum(0)", "dA1.sum(0) - dA2.sum(0)"),
    "the sum, H1 + H2": _but(PAIR, "D = H1 - H2", "D = H1 + H2", "-dD", "dD"),
    "the difference, H2 - H1": _but(PAIR, "D = H1 - H2", "D = H2 - H1", "dD = dZ", "dD = -dZ"),
    "dW2 from H1": _but(PAIR, "D.T @ dZ", "H1.T @ dZ"),
    "dW1 from X1 alone": _but(PAIR, "X2.T @ dA2", "X1.T @ dA2"),
    "no bias in the second": _but(PAIR, "np.tanh(X2 @ W1 + b1)", "np.tanh(X2 @ W1)"),
    "softmax overflows": _but(PAIR, "    Z = Z - Z.max(1, keepdims=True)\n", ""),
    "one largest logit for all": _but(PAIR, "Z.max(1, keepdims=True)", "Z.max()"),
    "log of a p that is 0": _but(PAIR, "-log_P[np.arange(N), y].mean()",
                                 "-np.log(np.exp(log_P)[np.arange(N), y]).mean()"),
    "log of p + 1e-12": _but(PAIR, "-log_P[np.arange(N), y].mean()",
                             "-np.log(np.exp(log_P)[np.arange(N), y] + 1e-12).mean()"),
    "logits clipped": _but(PAIR, "    Z = Z - Z.max(1", "    Z = np.clip(Z, -30, 30)\n    Z = Z - Z.max(1"),
    "softmax over the batch": _but(PAIR, "np.exp(Z).sum(1, keepdims=True)", "np.exp(Z).sum(0, keepdims=True)"),
    "y - p": _but(PAIR, "dZ = (np.exp(log_P) - np.eye(len(b2))[y])", "dZ = (np.eye(len(b2))[y] - np.exp(log_P))"),
    "targets forgotten": _but(PAIR, " - np.eye(len(b2))[y]", ""),
    "two classes, always": _but(PAIR, "np.eye(len(b2))[y]", "np.eye(2)[y]"),
    "base 2": _but(PAIR, "].mean()", "].mean() / np.log(2)"),
    "dW1 transposed": _but(PAIR, _RETURN, _RETURN.replace("dW1", "dW1.T")),
    "no loss": _but(PAIR, "return loss, ", "return "),
    "the loss with the wrong sign": _but(PAIR, "loss = -log_P", "loss = log_P"),
    "weights in place": _but(PAIR, "    return", "    W1 -= 0.1 * dW1\n    return"),
    "zeros": "def pair_gradients(X1, X2, y, *weights):\n    return (0.0, *(np.zeros(w.shape) for w in weights))\n",
    "ln 2 and the weights": "def pair_gradients(X1, X2, y, *weights):\n    return (np.log(2), *weights)\n",
}

BENIGN["pair_gradients"] = {
    "one batch of both, and signs": """
def pair_gradients(X1, X2, y, W1, b1, W2, b2):
    X, sign = np.vstack([X1, X2]), np.repeat([1.0, -1.0], len(y))[:, None]
    H = np.tanh(X @ W1 + b1)
    D = np.einsum("snh,s->nh", H.reshape(2, len(y), -1), [1, -1])
    Z = D @ W2 + b2
    Z -= np.max(Z, axis=1)[:, np.newaxis]
    logs = np.log(np.sum(np.exp(Z), axis=1))
    loss = np.mean(logs - np.take_along_axis(Z, y[:, None], 1)[:, 0])
    dZ = np.exp(Z - logs[:, None])
    np.subtract.at(dZ, (range(len(y)), y), 1)
    dZ /= len(y)
    dA = sign * np.tile(np.inner(dZ, W2), (2, 1)) * (1 - H) * (1 + H)
    return [loss, np.einsum("ni,nj->ij", X, dA), np.ones(len(dA)) @ dA, np.dot(D.T, dZ), np.ones(len(dZ)) @ dZ]
""",
    "example by example": """
def pair_gradients(X1, X2, y, W1, b1, W2, b2):
    loss, grads = 0, [np.zeros(w.shape) for w in (W1, b1, W2, b2)]
    for x1, x2, k in zip(X1, X2, y):
        h1, h2 = np.tanh(x1 @ W1 + b1), np.tanh(x2 @ W1 + b1)
        z = (h1 - h2) @ W2 + b2
        z = z - max(z)
        p = np.exp(z) / sum(np.exp(z))
        loss += (np.log(sum(np.exp(z))) - z[k]) / len(y)
        p[k] -= 1
        for x, h, sign in ((x1, h1, 1), (x2, h2, -1)):
            da = sign * (W2 @ p) * (1 - h**2)
            grads[0] += np.outer(x, da) / len(y)
            grads[1] += da / len(y)
        grads[2] += np.outer(h1 - h2, p) / len(y)
        grads[3] += p / len(y)
    return loss, *grads
""",
    "helpers": """
def tanh_layer(X, W, b):
    return np.tanh(np.matmul(X, W) + b)


def tanh_layer_back(X, H, dH):
    dA = dH / np.cosh(np.arctanh(np.clip(H, -1 + 1e-16, 1 - 1e-16))) ** 2
    return X.T.dot(dA), dA.sum(axis=0)


def pair_gradients(X1, X2, y, W1, b1, W2, b2):
    A, B = tanh_layer(X1, W1, b1), tanh_layer(X2, W1, b1)
    Z = A @ W2 - B @ W2 + b2
    log_p = Z - np.logaddexp.reduce(Z, axis=1, keepdims=True)
    dZ = np.exp(log_p)
    dZ[range(len(y)), y] -= 1.0
    dZ = dZ / len(y)
    one, two = tanh_layer_back(X1, A, dZ.dot(W2.T)), tanh_layer_back(X2, B, dZ.dot(-W2.T))
    return -np.mean(log_p[range(len(y)), y]), one[0] + two[0], one[1] + two[1], A.T @ dZ - B.T @ dZ, dZ.sum(axis=0)
""",
    "float32": _but(PAIR, "    N = len(y)", """    N = len(y)
    X1, X2, W1, b1, W2, b2 = (np.asarray(a, dtype=np.float32) for a in (X1, X2, W1, b1, W2, b2))"""),
    "other names, targets as rows": """
def pair_gradients(left, right, label, W, b, V, c):
    a, z = np.tanh(left @ W + b), np.tanh(right @ W + b)
    score = (a - z) @ V + c
    score = score - score.max(axis=-1, keepdims=True)
    odds = np.exp(score)
    target = (label[:, None] == np.arange(len(c))).astype(float)
    cost = (np.log(odds.sum(-1)) - (score * target).sum(-1)).mean()
    wrong = (odds / odds.sum(-1, keepdims=True) - target) / len(label)
    back = wrong @ V.T
    left_back, right_back = back * (1 - a * a), back * (z * z - 1)
    return (cost, (left_back.T @ left + right_back.T @ right).T, left_back.sum(0) + right_back.sum(0),
            (wrong.T @ (a - z)).T, wrong.sum(0))
""",
}

# Find the mistake from its symptoms ----------------------------------------------------------------------------------
DIAGNOSE = """
def diagnose(X, y, lr, start, one, two):
    def gradients(name, weights):
        W1, b1, W2, b2 = weights
        H = np.tanh(X @ W1 + b1)
        P = np.exp(H @ W2 + b2)
        dZ = (P / P.sum(1, keepdims=True) - np.eye(len(b2))[y]) / (1 if name == "sum" else len(X))
        dW2, db2 = H.T @ dZ, dZ.sum(0)
        back = W2 - lr * dW2 if name == "order" else W2
        dA = dZ @ back.T * (1 if name == "slope" else 1 - H**2)
        dW1, db1 = X.T @ dA, dA.sum(0)
        if name == "bias":
            db1, db2 = db1 / len(X), db2 / len(X)
        return dW1, db1, dW2, db2

    misfit = {}
    for name in ("right", "slope", "order", "sum", "bias", "kept", "stale"):
        first, second = gradients(name, start), gradients(name, one)
        if name == "kept":
            second = [f + s for f, s in zip(first, second)]
        if name == "stale":
            second = first
        misfit[name] = 0
        for i in range(4):
            misfit[name] += np.abs(start[i] - lr * first[i] - one[i]).sum()
            misfit[name] += np.abs(one[i] - lr * second[i] - two[i]).sum()
    return min(misfit, key=misfit.get)
"""
SYMPTOMS = """
def gradients(X, y, W1, b1, W2, b2):
    H = np.tanh(X @ W1 + b1)
    P = np.exp(H @ W2 + b2)
    dZ = (P / P.sum(1, keepdims=True) - np.eye(len(b2))[y]) / len(X)
    dA = dZ @ W2.T * (1 - H**2)
    return X.T @ dA, dA.sum(0), H.T @ dZ, dZ.sum(0)


def diagnose(X, y, lr, start, one, two):
    right, then = gradients(X, y, *start), gradients(X, y, *one)
    moved = [(a - b) / lr for a, b in zip(start, one)]
    moved_then = [(a - b) / lr for a, b in zip(one, two)]
    fits = lambda a, b: np.abs(a - b).max() < 1e-6 * np.abs(b).max()
    good = [fits(a, b) for a, b in zip(moved, right)]
    if all(good):
        if fits(moved_then[0], right[0]):
            return "stale"
        return "right" if fits(moved_then[0], then[0]) else "kept"
    if good[2]:
        if not good[3]:
            return "bias"
        H = np.tanh(X @ start[0] + start[1])
        P = np.exp(H @ start[2] + start[3])
        dZ = (P / P.sum(1, keepdims=True) - np.eye(len(start[3]))[y]) / len(X)
        return "slope" if fits(moved[0], X.T @ (dZ @ start[2].T)) else "order"
    return "sum"
"""
_FITS = "np.abs(a - b).max() < 1e-6 * np.abs(b).max()"

MUTANTS["diagnose"] = {
    "B1 its own step updates W2 first": _but(DIAGNOSE, 'W2 - lr * dW2 if name == "order" else W2',
                                             'W2 if name == "order" else W2 - lr * dW2'),
    "B1 order is not among what it tries": _but(DIAGNOSE, '"slope", "order"', '"slope"'),
    "B1 everything in the first layer is the slope": _but(SYMPTOMS, 'else "order"', 'else "slope"'),
    "B1 compares weights, not what they moved": _but(
        SYMPTOMS, _FITS, "np.allclose(a, b)",
        "(a - b) / lr for a, b in zip(start, one)", "b for a, b in zip(start, one)",
        "(a - b) / lr for a, b in zip(one, two)", "b for a, b in zip(one, two)",
        "right, then = gradients(X, y, *start), gradients(X, y, *one)",
        "right = [w - lr * g for w, g in zip(start, gradients(X, y, *start))]\n"
        "    then = [w - lr * g for w, g in zip(one, gradients(X, y, *one))]"),
    "B1 a tolerance as wide as the mistake": _but(SYMPTOMS, _FITS, "np.abs(a - b).max() < 0.02 * np.abs(b).max()"),
    "B2 its own gradient forgets tanh'": _but(DIAGNOSE, '1 if name == "slope" else 1 - H**2', "1"),
    "B2 slope and order exchanged": _but(SYMPTOMS, '"slope" if', '"order" if', 'else "order"', 'else "slope"'),
    "B2 slope is not among what it tries": _but(DIAGNOSE, '"slope", "order"', '"order"'),
    "B4 sum is not among what it tries": _but(DIAGNOSE, '"sum", "bias"', '"bias"'),
    "B5 its own gradient is a sum": _but(DIAGNOSE, '1 if name == "sum" else len(X)', '1'),
    "sum when the first layer moves too far": _but(
        SYMPTOMS, "    if all(good):", "    if np.abs(moved[0]).max() > 1.5 * np.abs(right[0]).max():\n"
        '        return "sum"\n    if all(good):'),
    "B5 mean over the classes": _but(DIAGNOSE, "else len(X))\n", "else len(b2))\n"),
    "B8 the second step is not looked at": _but(SYMPTOMS, """        if fits(moved_then[0], right[0]):
            return "stale"
        return "right" if fits(moved_then[0], then[0]) else "kept"
""", '        return "right"\n'),
    "B8 kept is not among what it tries": _but(DIAGNOSE, '"kept", "stale"', '"stale"'),
    "B8 stale is not among what it tries": _but(DIAGNOSE, '"kept", "stale"', '"kept"'),
    "B8 kept and stale exchanged": _but(DIAGNOSE, 'if name == "kept"', 'if name == "x"', 'if name == "stale"',
                                        'if name == "kept"', 'if name == "x"', 'if name == "stale"'),
    "B8 kept adds twice": _but(DIAGNOSE, "[f + s for f, s in", "[2 * f + s for f, s in"),
    "B8 kept when the second step is longer": _but(
        SYMPTOMS, 'return "right" if fits(moved_then[0], then[0]) else "kept"',
        'return "right" if np.abs(moved_then[0]).sum() < np.abs(moved[0]).sum() else "kept"'),
    "B10 its own biases are averaged": _but(DIAGNOSE, 'if name == "bias"', 'if name != "bias"'),
    "B10 bias is not among what it tries": _but(DIAGNOSE, '"sum", "bias"', '"sum"'),
    "B10 bias only if it is a fifth": _but(SYMPTOMS, "if not good[3]", "if fits(5 * moved[3], right[3])"),
    "B11 W2 not transposed": _but(DIAGNOSE, "dZ @ back.T", "dZ @ back"),
    "B11 W2 reshaped": _but(DIAGNOSE, "dZ @ back.T", "dZ @ back.reshape(back.shape[::-1])"),
    "right, whatever": 'def diagnose(X, y, lr, start, one, two):\n    return "right"\n',
    "sum, whatever": 'def diagnose(X, y, lr, start, one, two):\n    return "sum"\n',
    "in turn": """
turn = ["right", "sum", "right", "slope", "order", "slope"]


def diagnose(X, y, lr, start, one, two):
    turn.append(turn.pop(0))
    return turn[-1]
""",
    "at random": """
def diagnose(X, y, lr, start, one, two):
    return ["right", "slope", "order", "sum", "bias", "kept", "stale"][int(abs(X[0, 0]) * 1e6) % 7]
""",
    "lr guessed": _but(DIAGNOSE, "    misfit = {}", "    lr = 0.5\n    misfit = {}"),
    "by the loss: all fall": """
def loss(X, y, W1, b1, W2, b2):
    P = np.exp(np.tanh(X @ W1 + b1) @ W2 + b2)
    return -np.log(P[np.arange(len(y)), y] / P.sum(1)).mean()


def diagnose(X, y, lr, start, one, two):
    return "right" if loss(X, y, *two) < loss(X, y, *one) < loss(X, y, *start) else "sum"
""",
    "a list of names": _but(DIAGNOSE, "min(misfit, key=misfit.get)", "[min(misfit, key=misfit.get)]"),
    "the place in the list": _but(DIAGNOSE, "min(misfit, key=misfit.get)",
                                  "list(misfit).index(min(misfit, key=misfit.get))"),
    "the misfits": _but(DIAGNOSE, "min(misfit, key=misfit.get)", "misfit"),
    "names with capitals": _but(DIAGNOSE, "min(misfit, key=misfit.get)", "min(misfit, key=misfit.get).capitalize()"),
    "the worst fit": _but(DIAGNOSE, "min(misfit", "max(misfit"),
}

BENIGN["diagnose"] = {
    "by symptoms": SYMPTOMS,
    "stable softmax, numpy's argmin and string": _but(
        DIAGNOSE, "P = np.exp(H @ W2 + b2)", "P = np.exp(H @ W2 + b2 - (H @ W2 + b2).max(1, keepdims=True))",
        "return min(misfit, key=misfit.get)", "names = np.array(list(misfit))\n"
        "    return names[np.argmin(list(misfit.values()))]"),
    "by nudging its own loss": """
def loss(weights, X, y):
    W1, b1, W2, b2 = weights
    Z = np.tanh(X @ W1 + b1) @ W2 + b2
    return np.mean(np.log(np.exp(Z).sum(1)) - Z[range(len(y)), y])


def nudged(weights, X, y, back=None):
    found = []
    for k in range(4):
        g = np.zeros(weights[k].shape)
        for i in np.ndindex(g.shape):
            ends = []
            for step in (1e-5, -1e-5):
                moved = [w.copy() for w in weights]
                moved[k][i] += step
                ends.append(loss(moved, X, y))
            g[i] = (ends[0] - ends[1]) / 2e-5
        found.append(g)
    return found


def diagnose(X, y, lr, start, one, two):
    g1, g2 = nudged(start, X, y), nudged(one, X, y)
    off = lambda moved, g: np.abs(moved / lr - g).max() / np.abs(g).max()
    first = [off(a - b, g) for a, b, g in zip(start, one, g1)]
    if max(first) < 1e-6:
        second = {"right": g2[2], "stale": g1[2], "kept": g1[2] + g2[2]}
        return min(second, key=lambda name: off(one[2] - two[2], second[name]))
    if first[2] > 1e-6:
        return "sum"
    if first[3] > 1e-6:
        return "bias"
    H = np.tanh(X @ start[0] + start[1])
    P = np.exp(H @ start[2] + start[3])
    dH = (P / P.sum(1, keepdims=True) - np.eye(P.shape[1])[y]) @ start[2].T / len(X)
    return "slope" if off(start[1] - one[1], dH.sum(0)) < 1e-6 else "order"
""",
    "a class, and lists": """
class Run:
    def __init__(self, X, y, lr, wrong):
        self.X, self.y, self.lr, self.wrong, self.old = X, y, lr, wrong, None

    def step(self, weights):
        W1, b1, W2, b2 = weights
        H = np.tanh(self.X @ W1 + b1)
        Z = H @ W2 + b2
        dZ = np.exp(Z - np.logaddexp.reduce(Z, axis=1)[:, None])
        dZ[range(len(Z)), self.y] -= 1
        if self.wrong != "sum":
            dZ /= len(Z)
        V = W2 - self.lr * H.T @ dZ if self.wrong == "order" else W2
        dA = dZ @ V.T
        if self.wrong != "slope":
            dA *= 1 - H * H
        g = [self.X.T @ dA, dA.sum(0), H.T @ dZ, dZ.sum(0)]
        if self.wrong == "bias":
            g[1], g[3] = g[1] / len(Z), g[3] / len(Z)
        if self.wrong == "kept" and self.old:
            g = [a + b for a, b in zip(g, self.old)]
        if self.wrong == "stale" and self.old:
            g = self.old
        self.old = g
        return [w - self.lr * d for w, d in zip(weights, g)]


def diagnose(X, y, lr, start, one, two):
    scores = []
    for wrong in ["stale", "kept", "bias", "sum", "order", "slope", "right"]:
        run = Run(X, y, lr, wrong)
        a = run.step(start)
        b = run.step(a)
        scores.append((sum(((p - q) ** 2).sum() for p, q in zip(a + b, list(one) + list(two))), wrong))
    return min(scores)[1]
""",
}
