"""Unit 2's graded exercises for the tests: known wrong solutions and right but unusual ones, as the text of a cell.

They run where the student's code runs: with NumPy and VARIANT, nothing else. A mutant's name begins with the row of the
table of mistakes it shows. In no wheel and no student bundle.
"""

_CORNER = '''
def capped_leak(z, leak, top):
    z = np.asarray(z)
    if VARIANT["capped_leak"]["corner"] == "middle piece":
        middle = (z >= 0) & (z <= top)
    else:
        middle = (z > 0) & (z < top)
'''


def _capped(values="np.where(z < 0, leak * z, np.where(z > top, top + leak * (z - top), z))",
            slopes="np.where(middle, 1.0, leak)", before=""):
    return f"{_CORNER}    {before or 'pass'}\n    a = {values}\n    return a, {slopes}\n"


_CAPPED = {
    "A7 slope 1 everywhere": _capped(slopes="np.ones(z.shape)"),
    "A7 slope is z in the middle": _capped(slopes="np.where(middle, z, leak)"),
    "A7 slope is the value": _capped(slopes="a"),
    "A7 slope 0 outside": _capped(slopes="np.where(middle, 1.0, 0.0)"),
    "A7 slopes swapped": _capped(slopes="np.where(middle, leak, 1.0)"),
    "A7 slope leak on the left, 1 beyond top": _capped(slopes="np.where(middle | (z > top), 1.0, leak)"),
    "A7 slope leak on the left, 0 beyond top": _capped(slopes="np.where(z > top, 0.0, np.where(middle, 1.0, leak))"),
    "A7 slope leak beyond top, 0 on the left": _capped(slopes="np.where(z < 0, 0.0, np.where(middle, 1.0, leak))"),
    "A8 leaks in the middle": _capped("np.where((z < 0) | (z > top), z, leak * z)"),
    "A8 the larger of two, the smaller of two": _capped("np.minimum(np.maximum(leak * z, z), top + leak * (z - top))"),
    "A8 the larger of two on the left": _capped(
        "np.where(z > top, top + leak * (z - top), np.maximum(leak * z, z))"),
    "A8 the smaller of two on the right": _capped(
        "np.where(z < 0, leak * z, np.minimum(z, top + leak * (z - top)))"),
    "A8 no leak on the left": _capped("np.where(z < 0, 0, np.where(z > top, top + leak * (z - top), z))"),
    "A8 no leak on the right": _capped("np.where(z < 0, leak * z, np.minimum(z, top))"),
    "A8 leak without z": _capped("np.where(z < 0, leak, np.where(z > top, top + leak, z))"),
    "A8 leak of the wrong sign": _capped("np.where(z < 0, -leak * z, np.where(z > top, top - leak * (z - top), z))"),
    "it jumps at top": _capped("np.where(z < 0, leak * z, np.where(z > top, leak * z, z))"),
    "top counted twice": _capped("np.where(z < 0, leak * z, np.where(z > top, top + leak * z, z))"),
    "always 0.01": _capped(before="leak = 0.01"),
    "always cut at 6": _capped(before="top = 6"),
    "rounded to whole numbers": _capped(before="a = np.zeros_like(z)").replace(
        "    a = np.where", "    a[...] = np.where"),
    "changes a copy of z, whole numbers stay whole": _CORNER + '''
    a = z.copy()
    a[z < 0] = leak * z[z < 0]
    a[z > top] = top + leak * (z[z > top] - top)
    return a, np.where(middle, 1.0, leak)
''',
    "writes into z": _CORNER + '''
    slopes = np.where(middle, 1.0, leak)
    z[z < 0] = leak * z[z < 0]
    z[z > top] = top + leak * (z[z > top] - top)
    return z, slopes
''',
    "corners as another variant has them": _CORNER.replace("==", "!=") + '''
    return np.where(z < 0, leak * z, np.where(z > top, top + leak * (z - top), z)), np.where(middle, 1.0, leak)
''',
    "both corners as on their left": _capped(slopes="np.where((z > 0) & (z <= top), 1.0, leak)"),
    "both corners as on their right": _capped(slopes="np.where((z >= 0) & (z < top), 1.0, leak)"),
    "half way between the slopes at the corners": _capped(
        slopes="np.where((z == 0) | (z == top), (1 + leak) / 2, np.where(middle, 1.0, leak))"),
    "values only": _capped().replace("return a,", "return a #"),
    "the other way round": _capped().replace("return a, np.where(middle, 1.0, leak)",
                                             "return np.where(middle, 1.0, leak), a"),
    "flattened": _capped().replace("z = np.asarray(z)", "z = np.ravel(z)"),
    "the input unchanged": _capped("z"),
    "constants": "def capped_leak(z, leak, top):\n    return np.full(z.shape, -0.2), np.full(z.shape, 0.1)\n",
    "for one number only": '''
def capped_leak(z, leak, top):
    if z < 0:
        return leak * z, leak
    return (z, 1.0) if z <= top else (top + leak * (z - top), leak)
''',
}

_CAPPED_BENIGN = {
    "loops": '''
import math

def _one(x, leak, top):
    if math.isclose(x, 0, abs_tol=0) or x == top:
        return x, 1.0 if VARIANT["capped_leak"]["corner"].startswith("middle") else leak
    if x < 0:
        return leak * x, leak
    return (x, 1.0) if x < top else (top + leak * (x - top), leak)

def capped_leak(z, leak, top):
    pairs = [_one(x, leak, top) for x in np.ravel(z).tolist()]
    return [np.reshape([pair[i] for pair in pairs], np.shape(z)) for i in (0, 1)]
''',
    "clip": '''
def capped_leak(values, alpha, cap):
    inside = np.clip(values, 0, cap)
    slope = np.where((values < 0) | (values > cap), alpha, 1.0)
    if VARIANT["capped_leak"]["corner"] != "middle piece":
        slope[(values == 0) | (values == cap)] = alpha
    return inside + alpha * (values - inside), slope
''',
    "float32 and lists": _capped(slopes="np.where(middle, 1.0, leak).tolist()").replace(
        "a = np.where", "a = np.float32(1) * np.where"),
    "masks": _CORNER + '''
    a, slopes = np.array(z, float), np.full(z.shape, leak, float)
    slopes[middle] = 1
    for side, corner in ((z < 0, 0), (z > top, top)):
        a[side] = corner + leak * (a[side] - corner)
    return a, slopes
''',
    "lambda": _capped().replace("def capped_leak", "def _rule") + """
capped_leak = lambda z, leak, top: _rule(z, leak, top)
""",
    "a class": '''
class Capped:
    def __init__(self, corner):
        self.sides = {"middle piece": "left right"}.get(corner, "")

    def __call__(self, z, leak, top):
        beyond = np.maximum(z - top, 0) + np.minimum(z, 0)
        out = (z < 0) | (z > top) if self.sides else (z <= 0) | (z >= top)
        return z - beyond * (1 - leak), 1 - (1 - leak) * out

capped_leak = Capped(VARIANT["capped_leak"]["corner"])
''',
}


def _temper(exponent="z / T", axis="-1", shift="{0} = {0} - {0}.max(axis=-1, keepdims=True)", after=""):
    return f'''
def tempered(z, T):
    x = {exponent}
    {shift.format("x")}
    e = np.exp(x)
    p = e / e.sum(axis={axis}, keepdims=True)
    {after}
    return p
'''


_TEMPERED = {
    "the code as given": '''
def tempered(z, T):
    z -= z.max()
    e = np.exp(z) / T
    return e / e.sum(axis=1, keepdims=True)
''',
    "A1 still the largest of the whole batch": _temper(shift="{0} = {0} - {0}.max()"),
    "A1 nothing taken away": _temper(shift=""),
    "A1 the smallest taken away": _temper(shift="{0} = {0} - {0}.min(axis=-1, keepdims=True)"),
    "A1 the mean taken away": _temper(shift="{0} = {0} - {0}.mean(axis=-1, keepdims=True)"),
    "A1 the largest of each column": _temper(shift="{0} = {0} - {0}.max(axis=0, keepdims=True)"),
    "A1 the largest magnitude": _temper(shift="{0} = {0} - np.abs({0}).max(axis=-1, keepdims=True)"),
    "A1 clipped": _temper(shift="{0} = np.clip({0}, -80, 80)"),
    "A1 divided by the largest": _temper(shift="{0} = {0} / np.abs({0}).max(axis=-1, keepdims=True)"),
    "A1 taken away before, not divided": _temper(shift="{0} = {0} - z.max(axis=-1, keepdims=True)"),
    "A1 taken away only where float64 would overflow": _temper(
        shift="{0} = {0} - {0}.max(axis=-1, keepdims=True) if {0}.max() > 700 else {0}"),
    "A1 nan turned to 0": _temper(shift="", after="p = np.nan_to_num(p)"),
    "A1 warnings turned off": _temper(shift="np.seterr(all='ignore')"),
    "A1 a little added below": _temper(shift="{0} = {0} - {0}.max()",
                                       after="p = e / (e.sum(-1, keepdims=True) + 1e-12)"),
    "A4 axis 1, always": _temper(axis="1"),
    "A4 axis 1, except for one row": _temper(axis="1 if z.ndim > 1 else 0"),
    "A4 over the examples": _temper(axis="0"),
    "A4 over everything": _temper(axis="None"),
    "A4 axes not kept": _temper().replace("e.sum(axis=-1, keepdims=True)", "e.sum(axis=-1)"),
    "A4 one row at a time, two axes": '''
def tempered(z, T):
    rows = [np.exp((row - max(row)) / T) for row in z]
    return np.array([row / row.sum() for row in rows])
''',
    "still without an effect": _temper("z"),
    "multiplied instead": _temper("z * T"),
    "the probabilities divided": _temper("z", after="p = p / T"),
    "the probabilities divided, then scaled": _temper("z", after="p = p / T / (p / T).sum(-1, keepdims=True)"),
    "powers of the probabilities": _temper("z", after="p = p ** (1 / T); p = p / p.sum(-1, keepdims=True)"),
    "square root of T": _temper("z / T ** 0.5"),
    "still in place": '''
def tempered(z, T):
    z -= z.max(axis=-1, keepdims=True)
    e = np.exp(z / T)
    return e / e.sum(axis=-1, keepdims=True)
''',
    "in place, with the temperature": '''
def tempered(z, T):
    z /= T
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)
''',
    "the smallest wins": _temper("-z / T"),
    "powers of two": _temper().replace("np.exp(x)", "2.0 ** x"),
    "its logarithm": _temper(after="p = np.log(p)"),
    "exponentials only": _temper(after="p = e"),
    "rounded": _temper(after="p = p.round(3)"),
    "the input unchanged": "def tempered(z, T):\n    return z\n",
    "all alike": "def tempered(z, T):\n    return np.full(z.shape, 1 / z.shape[-1])\n",
    "sigmoids": "def tempered(z, T):\n    return 1 / (1 + np.exp(-z / T))\n",
    "transposed": "def tempered(z, T):\n    e = np.exp((z - z.max(axis=-1, keepdims=True)) / T)\n"
                  "    return (e / e.sum(axis=-1, keepdims=True)).T\n",
}

_TEMPERED_BENIGN = {
    "divided after": _temper("z", shift="{0} = ({0} - {0}.max(axis=-1, keepdims=True)) / T"),
    "loops": '''
import math

def _row(scores, T):
    e = [math.exp((s - max(scores)) / T) for s in scores]
    return [one / sum(e) for one in e]

def tempered(z, T):
    return np.reshape([_row(row, T) for row in z.reshape(-1, z.shape[-1]).tolist()], z.shape)
''',
    "by rows, calling itself, a list": '''
def tempered(z, T):
    if z.ndim > 1:
        return [tempered(part, T) for part in z]
    e = np.exp((z - max(z)) / T)
    return e / sum(e)
''',
    "float32": _temper("np.float32(z / T)").replace("x = np.float32(z / T)",
                                                    "x = ((z - z.max(-1, keepdims=True)) / T).astype(np.float32)"),
    "logaddexp": '''
tempered = lambda scores, T: np.exp(scores / T - np.logaddexp.reduce(scores / T, axis=-1, keepdims=True))
''',
    "transposed twice": '''
def tempered(z, T):
    e = np.exp((z.T - z.T.max(0)) / T)
    return (e / e.sum(0)).T
''',
    "in place on a copy": '''
def tempered(z, T):
    z = z / T
    z -= np.max(z, -1)[..., None]
    np.exp(z, out=z)
    z /= np.einsum("...c->...", z)[..., None]
    return z
''',
}


_HEAD = '''
def _sigmoid(z):
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1, e) / (1 + e)

def _yes_no(z, y):
    return np.maximum(z, 0) - z * y + np.log1p(np.exp(-np.abs(z)))

def _softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)

def _right(z, y):
    z = z - z.max(axis=1, keepdims=True)
    return np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(y)), y]
'''


def _head(price="z, np.mean((z - y) ** 2)", spam="_sigmoid(z), _yes_no(z, y).mean()",
          digit="_softmax(z), _right(z, y).mean()", tags="_sigmoid(z), _yes_no(z, y).sum(axis=1).mean()", helpers=""):
    return f'''{_HEAD}{helpers}
def head(task, z, y):
    if task == "price":
        return {price}
    if task == "spam":
        return {spam}
    if task == "digit":
        return {digit}
    return {tags}
'''


_BARE = "\n_sigmoid = lambda z: 1 / (1 + np.exp(-z))\n"
_LOGS = "\n_yes_no = lambda z, y: -y * np.log(_sigmoid(z)) - (1 - y) * np.log(1 - _sigmoid(z))\n"


def _with_eps(eps):
    return (f"\n_yes_no = lambda z, y: -y * np.log(_sigmoid(z) + {eps}) - (1 - y) * np.log(1 - _sigmoid(z) + {eps})\n"
            f"_right = lambda z, y: -np.log(_softmax(z)[np.arange(len(y)), y] + {eps})\n")


_HEADS = {
    "A5 the sigmoid as it stands": _head(helpers=_BARE),
    "A5 the other formula as it stands": _head(helpers="\n_sigmoid = lambda z: np.exp(z) / (1 + np.exp(z))\n"),
    "A5 where computes both sides": _head(helpers="\n_sigmoid = lambda z: np.where(z >= 0, 1 / (1 + np.exp(-z)), "
                                                  "np.exp(z) / (1 + np.exp(z)))\n"),
    "A5 clipped too early": _head(helpers="\n_sigmoid = lambda z: 1 / (1 + np.exp(-np.clip(z, -30, 30)))\n"),
    "A5 by tanh": _head(helpers="\n_sigmoid = lambda z: (1 + np.tanh(z / 2)) / 2\n"),
    "A5 one minus the other side": _head(
        helpers="\n_sigmoid = lambda z: np.where(z >= 0, 1, -1) / (1 + np.exp(-np.abs(z))) + (z < 0)\n"),
    "A5 for spam only": _head(spam="1 / (1 + np.exp(-z)), _yes_no(z, y).mean()"),
    "A5 for tags only": _head(tags="1 / (1 + np.exp(-z)), _yes_no(z, y).sum(axis=1).mean()"),
    "A5 one branch for the whole array": _head(
        helpers="\n_sigmoid = lambda z: 1 / (1 + np.exp(-z)) if z.mean() >= 0 else np.exp(z) / (1 + np.exp(z))\n"),
    "A10 yes or no: the logarithm of 0": _head(helpers=_LOGS),
    "A10 eps inside, 1e-7": _head(helpers=_with_eps("1e-7")),
    "A10 eps inside, 1e-12": _head(helpers=_with_eps("1e-12")),
    "A10 eps inside, 1e-300": _head(helpers=_with_eps("1e-300")),
    "A10 one of many: the logarithm of 0": _head(
        digit="_softmax(z), -np.log(_softmax(z)[np.arange(len(y)), y]).mean()"),
    "A10 one of many: clipped": _head(
        digit="_softmax(z), -np.log(np.clip(_softmax(z)[np.arange(len(y)), y], 1e-15, 1)).mean()"),
    "A10 yes or no: clipped": _head(
        spam="_sigmoid(z), -np.log(np.clip(np.where(y == 1, _sigmoid(z), _sigmoid(-z)), 1e-15, 1)).mean()"),
    "A10 log of the sum as it stands": _head(
        digit="_softmax(z), np.mean(np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(y)), y])"),
    "A1 softmax as it stands": _head(digit="np.exp(z) / np.exp(z).sum(axis=1, keepdims=True), _right(z, y).mean()"),
    "A1 the largest of the whole batch": _head(
        helpers="\n_softmax = lambda z: np.exp(z - z.max()) / np.exp(z - z.max()).sum(axis=1, keepdims=True)\n"),
    "A14 tags by softmax": _head(tags="_softmax(z), _yes_no(z, y).sum(axis=1).mean()"),
    "A14 tags by softmax and cross-entropy": _head(
        tags="_softmax(z), -(y * np.log(_softmax(z))).sum(axis=1).mean()"),
    "A14 a digit by sigmoids": _head(digit="_sigmoid(z), _yes_no(z, np.eye(z.shape[1])[y]).sum(axis=1).mean()"),
    "A14 spam by softmax over the mails": _head(spam="np.exp(z) / np.exp(z).sum(), _yes_no(z, y).mean()"),
    "A4 softmax over the examples": _head(digit="_softmax(z.T).T, _right(z, y).mean()"),
    "A12 sums in place of means": _head("z, np.sum((z - y) ** 2)", "_sigmoid(z), _yes_no(z, y).sum()",
                                        "_softmax(z), _right(z, y).sum()", "_sigmoid(z), _yes_no(z, y).sum()"),
    "A12 tags: the mean over tags and photos": _head(tags="_sigmoid(z), _yes_no(z, y).mean()"),
    "A12 tags: mean over tags, sum over photos": _head(tags="_sigmoid(z), _yes_no(z, y).mean(axis=1).sum()"),
    "A12 tags: sum over photos, mean over tags": _head(tags="_sigmoid(z), _yes_no(z, y).sum(axis=0).mean()"),
    "A12 the right class of another example": _head(digit="_softmax(z), _right(z, np.roll(y, 1)).mean()"),
    "a price by ReLU": _head("np.maximum(z, 0), np.mean((np.maximum(z, 0) - y) ** 2)"),
    "a price by tanh": _head("np.tanh(z), np.mean((np.tanh(z) - y) ** 2)"),
    "a price: half the square": _head("z, np.mean((z - y) ** 2) / 2"),
    "a price: absolute difference": _head("z, np.mean(np.abs(z - y))"),
    "a price: root of the mean square": _head("z, np.sqrt(np.mean((z - y) ** 2))"),
    "spam: squared error": _head(spam="_sigmoid(z), np.mean((_sigmoid(z) - y) ** 2)"),
    "spam: only what is spam counts": _head(spam="_sigmoid(z), -np.mean(y * np.log(_sigmoid(z)))"),
    "spam: yes or no, not how sure": _head(spam="(z > 0) * 1.0, _yes_no(z, y).mean()"),
    "spam: the wrong way round": _head(spam="_sigmoid(-z), _yes_no(-z, y).mean()"),
    "spam: sigmoid twice": _head(spam="_sigmoid(_sigmoid(z)), _yes_no(_sigmoid(z), y).mean()"),
    "a digit: softmax twice": _head(digit="_softmax(z), _right(_softmax(z), y).mean()"),
    "a digit: squared error": _head(digit="_softmax(z), np.mean((_softmax(z) - np.eye(z.shape[1])[y]) ** 2)"),
    "a digit: in bits": _head(digit="_softmax(z), _right(z, y).mean() / np.log(2)"),
    "a digit: the sign of the loss": _head(digit="_softmax(z), -_right(z, y).mean()"),
    "a digit: all the logarithms": _head(digit="_softmax(z), -np.log(_softmax(z)).mean()"),
    "scores in place of answers": _head(spam="z, _yes_no(z, y).mean()", digit="z, _right(z, y).mean()",
                                        tags="z, _yes_no(z, y).sum(axis=1).mean()"),
    "the loss alone": _head("np.mean((z - y) ** 2)", "_yes_no(z, y).mean()", "_right(z, y).mean()",
                            "_yes_no(z, y).sum(axis=1).mean()"),
    "the loss of each example": _head("z, (z - y) ** 2", "_sigmoid(z), _yes_no(z, y)", "_softmax(z), _right(z, y)",
                                      "_sigmoid(z), _yes_no(z, y).sum(axis=1)"),
    "the other way round": _head() + "\n_first = head\nhead = lambda task, z, y: _first(task, z, y)[::-1]\n",
    "the input unchanged": "def head(task, z, y):\n    return z, 0.0\n",
    "constants": "def head(task, z, y):\n    return np.full(z.shape, 0.5), 0.6931\n",
    "writes into z": _head().replace(
        '    if task == "digit":', '    if task == "digit":\n        z -= z.max(axis=1, keepdims=True)'),
}

_HEADS_BENIGN = {
    "loops": '''
import math

def _p(s):
    return 1 / (1 + math.exp(-s)) if s >= 0 else math.exp(s) / (1 + math.exp(s))

def _cost(s, t):
    s = s if t == 0 else -s
    return max(s, 0) + math.log1p(math.exp(-abs(s)))

def head(task, z, y):
    z, y = z.tolist(), y.tolist()
    N = len(y)
    if task == "price":
        return z, sum((a - b) * (a - b) for a, b in zip(z, y)) / N
    if task == "spam":
        return [_p(s) for s in z], sum(map(_cost, z, y)) / N
    if task == "tags":
        return [[_p(s) for s in row] for row in z], sum(sum(map(_cost, *rows)) for rows in zip(z, y)) / N
    answers, loss = [], 0
    for row, right in zip(z, y):
        total = sum(math.exp(s - max(row)) for s in row)
        answers.append([math.exp(s - max(row)) / total for s in row])
        loss += math.log(total) + max(row) - row[right]
    return answers, loss / N
''',
    "logaddexp": _head(helpers='''
_sigmoid = lambda z: np.exp(-np.logaddexp(0, -z))
_yes_no = lambda z, y: np.logaddexp(0, np.where(y == 1, -z, z))
_right = lambda z, y: np.logaddexp.reduce(z, axis=1) - np.take_along_axis(z, y[:, None], 1)[:, 0]
'''),
    "a dictionary of lambdas": _head().replace("def head", "def _by_name") + '''
head = lambda task, scores, targets: dict((name, lambda name=name: _by_name(name, scores, targets))
                                          for name in ("price", "spam", "digit", "tags"))[task]()
''',
    "a list, and arrays of one number": _head("[z, np.array(np.mean((z - y) ** 2))]",
                                              "[_sigmoid(z).tolist(), _yes_no(z, y).mean()]"),
    "one hot and einsum": _head(
        digit="_softmax(z), np.einsum('nc,nc->', np.eye(z.shape[1])[y], "
              "np.logaddexp.reduce(z, axis=1, keepdims=True) - z) / len(z)"),
    "masks": _head(helpers='''
def _sigmoid(z):
    p = np.empty(z.shape, z.dtype)
    p[z >= 0] = 1 / (1 + np.exp(-z[z >= 0]))
    p[z < 0] = np.exp(z[z < 0]) / (1 + np.exp(z[z < 0]))
    return p
'''),
}


def _smooth(targets="t", loss="-(t * log_p).sum(axis=1).mean()", slopes="(p - t) / N", before="", log_p=""):
    return f'''
def smoothed_entropy(logits, y, s):
    N, C = logits.shape
    hot = np.eye(C)[y]
    if VARIANT["smoothed_entropy"]["spread"].startswith("all"):
        t = (1 - s) * hot + s / C
    else:
        t = (1 - s) * hot + s / (C - 1) * (1 - hot)
    z = logits - logits.max(axis=1, keepdims=True)
    {before or "pass"}
    log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    p = np.exp(log_p)
    {log_p or "pass"}
    t = {targets}
    return {loss}, {slopes}
'''


_SMOOTHED = {
    "A1 the largest of the whole batch": _smooth(before="z = logits - logits.max()"),
    "A1 nothing taken away": _smooth(before="z = logits"),
    "A1 the mean taken away": _smooth(before="z = logits - logits.mean(axis=1, keepdims=True)"),
    "A1 the largest of each column": _smooth(before="z = logits - logits.max(axis=0)"),
    "A1 clipped": _smooth(before="z = np.clip(logits, -80, 80)"),
    "A1 nan turned to 0": _smooth(before="z = logits", log_p="log_p, p = np.nan_to_num(log_p), np.nan_to_num(p)"),
    "A4 over the examples": _smooth(before="z = logits - logits.max(axis=0)").replace(
        "np.exp(z).sum(axis=1, keepdims=True)", "np.exp(z).sum(axis=0)"),
    "A10 the logarithm of 0": _smooth(log_p="log_p = np.log(p)"),
    "A10 eps inside, 1e-7": _smooth(log_p="log_p = np.log(p + 1e-7)"),
    "A10 eps inside, 1e-12": _smooth(log_p="log_p = np.log(p + 1e-12)"),
    "A10 eps inside, 1e-300": _smooth(log_p="log_p = np.log(p + 1e-300)"),
    "A10 clipped": _smooth(log_p="log_p = np.log(np.clip(p, 1e-15, 1))"),
    "A10 a little added to the sum": _smooth().replace("keepdims=True))\n    p =", "keepdims=True) + 1e-8)\n    p ="),
    "A10 nothing to smooth: by the logarithm of p": _smooth(
        loss="-(t * log_p).sum(axis=1).mean() if s else -np.log(p[np.arange(N), y] + 1e-9).mean()"),
    "A10 exact for the right class, eps for the others": _smooth(
        loss="-(t * np.where(hot > 0, log_p, np.log(p + 1e-12))).sum(axis=1).mean()"),
    "A12 not divided by N": _smooth(slopes="p - t"),
    "A12 divided by C": _smooth(slopes="(p - t) / C"),
    "A12 divided by N and C": _smooth(slopes="(p - t) / (N * C)"),
    "A12 the targets of the row before": _smooth(slopes="(p - np.roll(t, 1, axis=0)) / N"),
    "A12 the targets off by a class": _smooth(slopes="(p - np.roll(t, 1, axis=1)) / N"),
    "A12 the targets forgotten": _smooth(slopes="p / N"),
    "A12 one target row for all": _smooth(slopes="(p - t.mean(axis=0)) / N"),
    "A12 p itself changed, then used": _smooth(
        log_p="p -= t; log_p = np.log(np.abs(p))", slopes="p / N"),
    "A12 the sum of the losses": _smooth(loss="-(t * log_p).sum()"),
    "A12 the mean over N and C": _smooth(loss="-(t * log_p).mean()"),
    "not smoothed in the slopes": _smooth(slopes="(p - hot) / N"),
    "not smoothed in the loss": _smooth(loss="-(hot * log_p).sum(axis=1).mean()"),
    "not smoothed at all": _smooth("hot"),
    "as another variant spreads it": _smooth().replace("if VARIANT", "if not VARIANT"),
    "the right class loses s, the others get s / C": _smooth("(1 - s) * hot + s / C * (1 - hot)"),
    "targets that add up to 1 + s": _smooth("hot + s / C"),
    "s and 1 - s changed about": _smooth("s * hot + (1 - s) / C"),
    "the answer smoothed, not the target": _smooth(
        "hot", log_p="p = (1 - s) * p + s / C; log_p = np.log(p)"),
    "the last class is the right one": _smooth("np.roll(t, -1, axis=0)"),
    "the sign of the slopes": _smooth(slopes="(t - p) / N"),
    "the sign of the loss": _smooth(loss="(t * log_p).sum(axis=1).mean()"),
    "slopes in p, not in the logits": _smooth(slopes="-t / np.maximum(p, 1e-9) / N"),
    "with the softmax's slope once more": _smooth(slopes="(p - t) * p * (1 - p) / N"),
    "less the entropy of the targets": _smooth(
        loss="-(t * (log_p - np.log(np.maximum(t, 1e-9)))).sum(axis=1).mean()"),
    "in bits": _smooth(loss="-(t * log_p).sum(axis=1).mean() / np.log(2)"),
    "squared error": _smooth(loss="((p - t) ** 2).sum(axis=1).mean()"),
    "softmax twice": _smooth(before="z = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)"),
    "the loss of each example": _smooth(loss="-(t * log_p).sum(axis=1)"),
    "the loss alone": _smooth().replace("mean(), (p - t) / N", "mean()"),
    "slopes of one example": _smooth(slopes="((p - t) / N).sum(axis=0)"),
    "writes into the logits": _smooth().replace("    z = logits - logits.max", "    logits -= logits.max").replace(
        "\n    pass\n    log_p", "\n    z = logits\n    log_p"),
    "constants": "def smoothed_entropy(logits, y, s):\n    return np.log(4), np.zeros(logits.shape)\n",
    "the input unchanged": "def smoothed_entropy(logits, y, s):\n    return logits.mean(), logits\n",
    "s always 0.1": _smooth().replace("    N, C", "    s = 0.1\n    N, C"),
}

_SMOOTHED_BENIGN = {
    "loops": '''
import math

def smoothed_entropy(logits, y, s):
    spread = VARIANT["smoothed_entropy"]["spread"]
    N, C = len(logits), len(logits[0])
    loss, slopes = 0.0, []
    for row, right in zip(logits.tolist(), y.tolist()):
        share = s / C if spread[0] == "a" else s / (C - 1)
        t = [share] * C
        t[right] = 1 - share * (C - 1)
        log_total = max(row) + math.log(sum(math.exp(x - max(row)) for x in row))
        loss += sum(t[k] * (log_total - row[k]) for k in range(C))
        slopes.append([(math.exp(row[k] - log_total) - t[k]) / N for k in range(C)])
    return loss / N, slopes
''',
    "two parts": '''
def smoothed_entropy(logits, y, s):
    N, C = logits.shape
    if VARIANT["smoothed_entropy"]["spread"] == "the C - 1 wrong classes":
        s = s * C / (C - 1)  # the same as spreading more over all
    cost = np.logaddexp.reduce(logits, axis=1, keepdims=True) - logits
    rows = np.arange(N)
    slopes = np.exp(-cost) - s / C
    slopes[rows, y] -= 1 - s
    return (1 - s) * np.mean(cost[rows, y]) + s * np.mean(cost), slopes / N
''',
    "einsum": _smooth(loss="np.array(-np.einsum('nc,nc->', t, log_p) / N)"),
    "float32 slopes, lists": _smooth(slopes="((p - t) / N).astype(np.float32).tolist()"),
    "helpers and other names": _smooth().replace("def smoothed_entropy(logits, y, s)", "def _core(logits, y, s)") + '''
def smoothed_entropy(scores, labels, softness):
    value, slope = _core(np.array(scores, copy=True), labels, float(softness))
    return [float(value), slope]
''',
}


def _guess(**changed):
    right = dict(first_loss='np.log(v["classes"])', let_through='0.25 ** v["layers"]',
                 push_factor='1 / (2 * v["p"] * (1 - v["p"]))',
                 overflow_at='{"float32": 89, "float64": 710}[v["dtype"]] - v["top"]')
    entries = "".join(f'    "{name}": {number},\n' for name, number in (right | changed).items())
    return f'v = VARIANT["slope_predictions"]\nslope_predictions = {{\n{entries}}}\n'


_PREDICTED = {
    "first loss: logarithm to base 2": _guess(first_loss='np.log2(v["classes"])'),
    "first loss: logarithm to base 10": _guess(first_loss='np.log10(v["classes"])'),
    "first loss: that of ten classes": _guess(first_loss="2.303"),
    "first loss: 1 / C": _guess(first_loss='1 / v["classes"]'),
    "first loss: 1": _guess(first_loss="1.0"),
    "A7 slope 1 everywhere": _guess(let_through="1.0"),
    "A7 the slope of one layer": _guess(let_through="0.25"),
    "A7 slopes added": _guess(let_through='0.25 * v["layers"] / 8'),
    "A7 one layer too few": _guess(let_through='0.25 ** (v["layers"] - 1)'),
    "A7 one layer too many": _guess(let_through='0.25 ** (v["layers"] + 1)'),
    "A7 the value for the slope": _guess(let_through='0.5 ** v["layers"]'),
    "A7 divided by the layers": _guess(let_through='0.25 / v["layers"]'),
    "push: the 2 of the square forgotten": _guess(push_factor='1 / (v["p"] * (1 - v["p"]))'),
    "push: upside down": _guess(push_factor='2 * v["p"] * (1 - v["p"])'),
    "push: 1 - p forgotten": _guess(push_factor='1 / (2 * v["p"])'),
    "push: the sigmoid's slope forgotten": _guess(push_factor="0.5"),
    "push: p - y alone": _guess(push_factor='1 - v["p"]'),
    "push: the losses, not their slopes": _guess(push_factor='-np.log(v["p"]) / (1 - v["p"]) ** 2'),
    "A1 breaks one step earlier": _guess(overflow_at='{"float32": 88, "float64": 709}[v["dtype"]] - v["top"]'),
    "A1 breaks one step later": _guess(overflow_at='{"float32": 90, "float64": 711}[v["dtype"]] - v["top"]'),
    "A1 the largest score forgotten": _guess(overflow_at='{"float32": 89, "float64": 710}[v["dtype"]]'),
    "A1 the other float type": _guess(overflow_at='{"float32": 710, "float64": 89}[v["dtype"]] - v["top"]'),
    "A1 the smallest score": _guess(overflow_at='{"float32": 89, "float64": 710}[v["dtype"]] + v["top"]'),
    "A1 not a whole number": _guess(overflow_at='{"float32": 88.72, "float64": 709.78}[v["dtype"]] - v["top"]'),
    "one number left out": _guess(push_factor="None"),
    "all alike": _guess(first_loss=1, let_through=1, push_factor=1, overflow_at=1),
    "a list": "slope_predictions = [1.9, 0.001, 10, 80]\n",
}

_PREDICTED_BENIGN = {
    "three digits": _guess(first_loss='float(f"{np.log(v[\'classes\']):.3g}")',
                           let_through='float(f"{0.25 ** v[\'layers\']:.3g}")',
                           push_factor='float(f"{1 / (2 * v[\'p\'] * (1 - v[\'p\'])):.3g}")'),
    "numpy numbers": _guess(first_loss='np.float32(np.log(v["classes"]))',
                            overflow_at='np.int64({"float32": 89, "float64": 710}[v["dtype"]] - v["top"])'),
    "as fractions": _guess(let_through='1 / 4 ** v["layers"]',
                           push_factor='(1 - v["p"]) / (2 * (1 - v["p"]) ** 2 * v["p"])'),
    "a whole number as a float": _guess(overflow_at='{"float32": 89.0, "float64": 710.0}[v["dtype"]] - v["top"]'),
    "filled in one by one": "slope_predictions = {}\n" + _guess().replace("slope_predictions = {\n", "_mine = {\n") +
                            "for name in _mine:\n    slope_predictions[name] = _mine[name]\n",
}

MUTANTS = {"capped_leak": _CAPPED, "tempered": _TEMPERED, "head": _HEADS, "smoothed_entropy": _SMOOTHED,
           "slope_predictions": _PREDICTED}
BENIGN = {"capped_leak": _CAPPED_BENIGN, "tempered": _TEMPERED_BENIGN, "head": _HEADS_BENIGN,
          "smoothed_entropy": _SMOOTHED_BENIGN, "slope_predictions": _PREDICTED_BENIGN}
