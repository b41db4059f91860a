"""Unit 4's bank for the tests: wrong solutions of each graded exercise, named by the mistake, and unusual right ones.

All are the text of a solution cell. Most wrong ones are a right one in which one place is exchanged, as in real life.
"""

from course.grading.bank import but as _but

MUTANTS, BENIGN = {}, {}

# Four numbers by hand ------------------------------------------------------------------------------------------------
HAND = """
mine = VARIANT["step_predictions"]
c, lr, beta, b1, b2, t, kappa = (mine[n] for n in ("curve", "lr", "beta", "b1", "b2", "t", "kappa"))
w1 = 1 - lr * c
ball = w1 - lr * (beta * c + c * w1)
a = (1 - beta) * c
w1 = 1 - lr * a
mean = w1 - lr * (beta * a + (1 - beta) * c * w1)
size = (1 - b1**t) / (1 - b2**t) ** 0.5
count = np.log(1000) / -np.log((kappa - 1) / (kappa + 1))
step_predictions = [ball, mean, size, count]
"""

MUTANTS["step_predictions"] = {
    "O8 the ball is a running mean": _but(HAND, "[ball, mean", "[mean, mean"),
    "O8 the mean is a heavy ball": _but(HAND, "[ball, mean", "[ball, ball"),
    "O8 the other way round": _but(HAND, "[ball, mean", "[mean, ball"),
    "O8 beta for 1 - beta": _but(HAND, "a = (1 - beta) * c", "a = beta * c",
                                "+ (1 - beta) * c * w1", "+ beta * c * w1"),
    "O8 only the first gradient is weighed": _but(HAND, "(1 - beta) * c * w1)", "c * w1)"),
    "u forgotten: gradient descent twice": _but(HAND, "(beta * c + c * w1)", "c * w1"),
    "the second slope is the first": _but(HAND, "beta * c + c * w1", "beta * c + c"),
    "one step only": _but(HAND, "ball = w1 - lr * (beta * c + c * w1)", "ball = w1"),
    "O1 as if t were 1": _but(HAND, "b1**t", "b1", "b2**t", "b2"),
    "O1 the other way round": _but(HAND, "size = (1 - b1**t) / (1 - b2**t) ** 0.5",
                                   "size = (1 - b2**t) ** 0.5 / (1 - b1**t)"),
    "O1 no root": _but(HAND, "(1 - b2**t) ** 0.5", "(1 - b2**t)"),
    "O1 it is lr": _but(HAND, "size = (1 - b1**t) / (1 - b2**t) ** 0.5", "size = 1.0"),
    "O1 only m is too small": _but(HAND, " / (1 - b2**t) ** 0.5", ""),
    "O1 with lr in it": _but(HAND, "size = ", "size = lr * "),
    "steps of momentum": _but(HAND, "(kappa - 1) / (kappa + 1)", "(kappa**0.5 - 1) / (kappa**0.5 + 1)"),
    "a rate that suits the steep direction": _but(HAND, "(kappa - 1) / (kappa + 1)", "1 - 1 / kappa"),
    "to a millionth": _but(HAND, "np.log(1000)", "np.log(1e6)"),
    "logarithms mixed up": _but(HAND, "np.log(1000)", "np.log10(1000)"),
    "kappa itself": _but(HAND, "np.log(1000) / -np.log((kappa - 1) / (kappa + 1))", "kappa"),
    "zeros": "step_predictions = [0.0, 0.0, 0.0, 0.0]\n",
    "another student's numbers": "step_predictions = [0.6331, 0.8612, 3.1623, 345.4]\n",
    "three numbers": _but(HAND, ", count]", "]"),
    "words": 'step_predictions = ["nearer", "nearer", "longer", "many"]\n',
}

BENIGN["step_predictions"] = {
    "an array": HAND + "step_predictions = np.array(step_predictions)\n",
    "plain numbers, rounded, whole steps": HAND + """
import math
step_predictions = tuple(round(float(x), 4) for x in step_predictions[:3]) + (math.ceil(count),)
""",
    "float32": HAND + "step_predictions = np.array(step_predictions, dtype=np.float32)\n",
    "by loops": """
mine = VARIANT["step_predictions"]


def walk(share):
    w = 1.0
    u = 0.0
    for _ in range(2):
        u = mine["beta"] * u + share * (mine["curve"] * w)
        w = w - mine["lr"] * u
    return w


m = v = 0.0
for _ in range(mine["t"]):
    m = mine["b1"] * m + (1 - mine["b1"])
    v = mine["b2"] * v + (1 - mine["b2"])
steps, left = 0, 1.0
while left > 1e-3:
    left *= (mine["kappa"] - 1) / (mine["kappa"] + 1)
    steps += 1
step_predictions = [walk(1), walk(1 - mine["beta"]), m / v**0.5, steps]
""",
}

# Somebody's Adam -----------------------------------------------------------------------------------------------------
STEPPER = """
class Stepper:
    def __init__(self, arrays, lr, b1=0.9, b2=0.999, eps=1e-8):
        self.arrays, self.lr, self.b1, self.b2, self.eps = arrays, lr, b1, b2, eps
        self.t, self.memory = 0, {}

    def step(self, gradients):
        self.t += 1
        for i, (w, g) in enumerate(zip(self.arrays, gradients)):
            m, v = self.memory.get(i, (0, 0))
            m = self.b1 * m + (1 - self.b1) * g
            v = self.b2 * v + (1 - self.b2) * g**2
            self.memory[i] = m, v
            m_hat, v_hat = m / (1 - self.b1**self.t), v / (1 - self.b2**self.t)
            w -= self.lr * m_hat / (np.sqrt(v_hat) + self.eps)
"""

MUTANTS["Stepper"] = {
    "O11 the step is lost": _but(STEPPER, "w -= self.lr", "w = w - self.lr"),
    "O11 only the list is changed": _but(STEPPER, "w -= self.lr", "self.arrays[i] = w - self.lr"),
    "O11 works on copies": _but(STEPPER, "eps = arrays, lr", "eps = [w.copy() for w in arrays], lr"),
    "O11 one memory for all optimizers": _but(STEPPER, "self.t, self.memory = 0, {}", "self.t = 0",
                                              "class Stepper:", "class Stepper:\n    memory = {}\n"),
    "O11 a memory among the defaults": _but(STEPPER, "eps=1e-8)", "eps=1e-8, memory={})", "0, {}", "0, memory"),
    "O11 the steps of all optimizers counted": _but(
        STEPPER, "class Stepper:", "class Stepper:\n    t = 0\n", "self.t, self.memory = 0, {}", "self.memory = {}",
        "self.t += 1", "Stepper.t += 1", "self.t)", "Stepper.t)"),
    "O11 the numbers of the last one made": _but(
        STEPPER, "self.arrays, self.lr, self.b1, self.b2, self.eps = arrays, lr, b1, b2, eps",
        "self.arrays = arrays\n        Stepper.lr, Stepper.b1, Stepper.b2, Stepper.eps = lr, b1, b2, eps"),
    "O11 writes into the gradients": _but(STEPPER, "            m, v = self.memory",
                                          "            g *= 2\n            m, v = self.memory"),
    "O11 clears the memory at each step": _but(STEPPER, "self.t += 1", "self.t += 1\n        self.memory = {}"),
    "O1 counts arrays, not steps": _but(
        STEPPER, "        self.t += 1\n", "",
        "            m, v = self", "            self.t += 1\n            m, v = self"),
    "O1 no correction": _but(STEPPER, "m / (1 - self.b1**self.t), v / (1 - self.b2**self.t)", "m, v"),
    "O1 m not corrected": _but(STEPPER, "m / (1 - self.b1**self.t)", "m"),
    "O1 t counted from 0": _but(STEPPER, "        self.t += 1\n", "",
                                "+ self.eps)\n", "+ self.eps)\n        self.t += 1\n"),
    "O1 as if t were 1": _but(STEPPER, "**self.t", ""),
    "the corrected means are kept": _but(STEPPER, "            self.memory[i] = m, v\n", "",
                                         "m_hat, v_hat = ", "m_hat, v_hat = self.memory[i] = "),
    "O4 eps under the root": _but(STEPPER, "(np.sqrt(v_hat) + self.eps)", "np.sqrt(v_hat + self.eps)"),
    "O4 eps before the correction": _but(
        STEPPER, "self.lr * m_hat / (np.sqrt(v_hat) + self.eps)",
        "self.lr * m_hat * np.sqrt(1 - self.b2**self.t) / (np.sqrt(v) + self.eps)"),
    "O4 eps forgotten": _but(STEPPER, " + self.eps", ""),
    "O4 eps is what it usually is": _but(STEPPER, "+ self.eps", "+ 1e-8"),
    "O6 v from g": _but(STEPPER, "* g**2", "* g", "np.sqrt(v_hat)", "np.sqrt(abs(v_hat))"),
    "O6 v from the size of g": _but(STEPPER, "* g**2", "* abs(g)", "np.sqrt(v_hat)", "v_hat"),
    "O6 v from m": _but(STEPPER, "* g**2", "* m**2"),
    "O6 m from g squared": _but(STEPPER, "self.b1) * g", "self.b1) * g**2"),
    "b1 and b2 mixed up": _but(STEPPER, "self.b1 * m + (1 - self.b1)", "self.b2 * m + (1 - self.b2)"),
    "uphill": _but(STEPPER, "w -=", "w +="),
    "only the first array": _but(STEPPER, "zip(self.arrays, gradients)", "zip(self.arrays[:1], gradients)"),
    "one v for a whole array": _but(STEPPER, "* g**2", "* (g**2).mean()"),
    "plain gradient descent": _but(STEPPER, "m_hat / (np.sqrt(v_hat) + self.eps)", "g"),
    "the sign alone": _but(STEPPER, "m_hat / (np.sqrt(v_hat) + self.eps)", "np.sign(g)"),
}

BENIGN["Stepper"] = {
    "lists of means": """
class Stepper:
    def __init__(self, arrays, lr, b1=0.9, b2=0.999, eps=1e-8):
        self.arrays = arrays
        self.m = [np.zeros_like(w) for w in arrays]
        self.v = [np.zeros_like(w) for w in arrays]
        self.steps = 0
        self.settings = lr, b1, b2, eps

    def step(self, gradients):
        lr, b1, b2, eps = self.settings
        self.steps = self.steps + 1
        for k in range(len(self.arrays)):
            self.m[k] += (1 - b1) * (gradients[k] - self.m[k])
            self.v[k] += (1 - b2) * (gradients[k] * gradients[k] - self.v[k])
            up = self.m[k] / (1 - b1**self.steps)
            down = np.sqrt(self.v[k] / (1 - b2**self.steps)) + eps
            self.arrays[k][...] = self.arrays[k] - lr * up / down
""",
    "one rate, as in libraries": _but(
        STEPPER, "w -= self.lr * m_hat / (np.sqrt(v_hat) + self.eps)",
        "c = np.sqrt(1 - self.b2**self.t)\n"
        "            np.subtract(w, self.lr * c / (1 - self.b1**self.t) * m / (np.sqrt(v) + c * self.eps), out=w)"),
    "number by number, by the place of the array": """
import math


class Stepper:
    def __init__(self, params, lr, beta1=0.9, beta2=0.999, epsilon=1e-8):
        self.params, self.lr, self.beta1, self.beta2, self.epsilon = list(params), lr, beta1, beta2, epsilon
        self.state = {}
        self.count = 0

    def step(self, grads):
        self.count += 1
        for p, g in zip(self.params, grads):
            for at in np.ndindex(p.shape):
                m, v = self.state.get((id(p), at), (0.0, 0.0))
                m = self.beta1 * m + (1 - self.beta1) * float(g[at])
                v = self.beta2 * v + (1 - self.beta2) * float(g[at]) ** 2
                self.state[id(p), at] = (m, v)
                m, v = m / (1 - self.beta1**self.count), v / (1 - self.beta2**self.count)
                p[at] -= self.lr * m / (math.sqrt(v) + self.epsilon)
""",
    "means in float32": _but(STEPPER, "self.memory[i] = m, v", "self.memory[i] = m, v = np.float32(m), np.float32(v)"),
    "a class for each array": """
class One:
    def __init__(self, w):
        self.w, self.m, self.v = w, 0 * w, 0 * w

    def step(self, g, t, lr, b1, b2, eps):
        self.m, self.v = b1 * self.m + (1 - b1) * g, b2 * self.v + (1 - b2) * np.square(g)
        self.w -= lr / (np.sqrt(self.v / (1 - b2**t)) + eps) * (self.m / (1 - b1**t))


class Stepper:
    def __init__(self, arrays, lr, b1=0.9, b2=0.999, eps=1e-8):
        self.ones, self.numbers, self.t = [One(w) for w in arrays], (lr, b1, b2, eps), 0

    def step(self, gradients):
        self.t += 1
        for one, g in zip(self.ones, gradients):
            one.step(g, self.t, *self.numbers)
""",
}

# A rule that asks whether the gradient is what it expected -----------------------------------------------------------
BELIEF = """
def belief_step(w, g, m, s, t, lr, b1, b2, eps, decay):
    mine = VARIANT["belief_step"]
    m = b1 * m + (1 - b1) * g
    s = b2 * s + (1 - b2) * (g - m) ** 2
    mh, sh = m / (1 - b1**t), s / (1 - b2**t)
    size = np.sqrt(sh + eps) if mine["eps"] == "under" else np.sqrt(sh) + eps
    kept = 1 - (decay if mine["kept"] == "1 - decay" else lr * decay)
    return kept * w - lr * mh / size, m, s
"""

MUTANTS["belief_step"] = {
    "O1 no correction": _but(BELIEF, "m / (1 - b1**t), s / (1 - b2**t)", "m, s"),
    "O1 m not corrected": _but(BELIEF, "m / (1 - b1**t)", "m"),
    "O1 s not corrected": _but(BELIEF, "s / (1 - b2**t)", "s"),
    "O1 as if t were 1": _but(BELIEF, "**t", ""),
    "O1 t counted from 0": _but(BELIEF, "**t", "**(t + 1)"),
    "O1 b t in place of b^t": _but(BELIEF, "1 - b1**t", "1 - b1 / t", "1 - b2**t", "1 - b2 / t"),
    "O4 eps at the other place": _but(BELIEF, '== "under"', '!= "under"'),
    "O4 eps forgotten": _but(BELIEF, "    size =", "    eps = 0\n    size ="),
    "O4 eps twice": _but(BELIEF, "    size =", "    sh = sh + eps\n    size ="),
    "O4 eps before the correction": _but(BELIEF, "    size =", "    eps = eps / (1 - b2**t)\n    size ="),
    "O6 s of the gradient: Adam": _but(BELIEF, "(g - m) ** 2", "g**2"),
    "O6 s of the mean": _but(BELIEF, "(g - m) ** 2", "m**2"),
    "O6 the surprise is not squared": _but(BELIEF, "(g - m) ** 2", "abs(g - m)"),
    "O6 m of the squares": _but(BELIEF, "(1 - b1) * g\n", "(1 - b1) * g**2\n"),
    "O6 the surprise beside the old m": _but(BELIEF, "    m = b1", "    old = m\n    m = b1", "(g - m)", "(g - old)"),
    "O6 the surprise beside the corrected m": _but(BELIEF, "(g - m)", "(g - m / (1 - b1**t))"),
    "the shares swapped": _but(BELIEF, "b2 * s + (1 - b2) *", "(1 - b2) * s + b2 *"),
    "O14 decay inside the gradient": _but(BELIEF, "    m = b1", "    g = g + decay * w\n    m = b1",
                                          "kept * w", "w"),
    "O14 decay inside the gradient of s alone": _but(BELIEF, "(g - m) ** 2", "(g + decay * w - m) ** 2"),
    "O14 decay inside the step": _but(BELIEF, "kept * w - lr * mh / size", "w - lr * (mh + decay * w) / size"),
    "O14 no decay": _but(BELIEF, "kept * w", "w"),
    "O14 the other factor": _but(BELIEF, '== "1 - decay"', '!= "1 - decay"'),
    "O14 shrinks after the step": _but(BELIEF, "kept * w - lr * mh / size", "kept * (w - lr * mh / size)"),
    "O14 grows": _but(BELIEF, "kept = 1 -", "kept = 1 +"),
    "O14 the signs shrink": _but(BELIEF, "kept * w", "w - (1 - kept) * np.sign(w)"),
    "O11 remembers outside": "last = {}\n" + _but(
        BELIEF, "    m = b1 * m", '    m = b1 * (m if t == 1 else last.get("m", m))',
        "    s = b2", '    last["m"] = m\n    s = b2'),
    "O11 counts by itself": "count = []\n" + _but(BELIEF, "    mine =",
                                                  "    count.append(1)\n    t = len(count)\n    mine ="),
    "O11 writes into w": _but(BELIEF, "return kept * w - lr * mh / size,",
                              "w -= (1 - kept) * w + lr * mh / size\n    return w,"),
    "O11 writes into m": _but(BELIEF, "m = b1 * m + (1 - b1) * g", "m *= b1\n    m += (1 - b1) * g"),
    "the corrected m is handed on": _but(BELIEF, "size, m, s", "size, mh, s"),
    "no root": _but(BELIEF, "np.sqrt(sh + eps)", "(sh + eps)", "np.sqrt(sh)", "sh"),
    "uphill": _but(BELIEF, "w - lr", "w + lr"),
    "the memories the other way round": _but(BELIEF, "size, m, s", "size, s, m"),
    "w alone": _but(BELIEF, "size, m, s", "size"),
    "one surprise for all": _but(BELIEF, "(g - m) ** 2", "((g - m) ** 2).mean()"),
    "nothing moves": "def belief_step(w, g, m, s, *numbers):\n    return w, m, s\n",
}

BENIGN["belief_step"] = {
    "by differences, a list": _but(
        BELIEF, "m = b1 * m + (1 - b1) * g", "m = m + (1 - b1) * (g - m)",
        "s = b2 * s + (1 - b2) * (g - m) ** 2", "s = s + (1 - b2) * (np.square(g - m) - s)",
        "return kept * w - lr * mh / size, m, s", "return [w - (1 - kept) * w - lr / size * mh, m, s]"),
    "number by number": """
import math


def one(w, g, m, s, t, lr, b1, b2, eps, decay):
    mine = VARIANT["belief_step"]
    m = b1 * m + (1 - b1) * g
    s = b2 * s + (1 - b2) * (g - m) * (g - m)
    v = s / (1 - b2**t)
    if mine["eps"] == "under":
        root = math.sqrt(v + eps)
    else:
        root = math.sqrt(v) + eps
    less = decay * w if mine["kept"] == "1 - decay" else lr * decay * w
    return w - less - lr * m / (1 - b1**t) / root, m, s


def belief_step(w, g, m, s, t, lr, b1, b2, eps, decay):
    new = [np.zeros(w.shape) for _ in range(3)]
    for at in np.ndindex(w.shape):
        for array, value in zip(new, one(w[at], g[at], m[at], s[at], t, lr, b1, b2, eps, decay)):
            array[at] = value
    return new
""",
    "float32": _but(BELIEF, "return kept * w - lr * mh / size, m, s",
                    "return tuple(np.float32(a) for a in (kept * w - lr * mh / size, m, s))"),
    "in place on its own arrays": _but(
        BELIEF, "return kept * w - lr * mh / size,",
        "new = w.copy()\n    new *= kept\n    new -= lr * mh / size\n    return new,"),
    "a lambda": """
_m = lambda g, m, b1: b1 * m + (1 - b1) * g
_s = lambda g, m, s, b1, b2: b2 * s + (1 - b2) * (g - _m(g, m, b1)) ** 2
_d = lambda s, eps: (s + eps) ** 0.5 if VARIANT["belief_step"]["eps"] == "under" else s**0.5 + eps
_k = lambda w, lr, decay: w * (1 - (decay if "lr" not in VARIANT["belief_step"]["kept"] else lr * decay))
belief_step = lambda w, g, m, s, t, lr, b1, b2, eps, decay: (
    _k(w, lr, decay) - lr * _m(g, m, b1) / (1 - b1**t) / _d(_s(g, m, s, b1, b2) / (1 - b2**t), eps),
    _m(g, m, b1), _s(g, m, s, b1, b2))
""",
}

# A ball that looks ahead, with a rate for each weight ----------------------------------------------------------------
AHEAD = """
def ahead_step(gradient, w, u, v, lr, beta, alpha, eps):
    share = 1 if VARIANT["ahead_step"]["ball"] == "heavy ball" else 1 - beta
    g = gradient(w - lr * beta * u)
    v = alpha * v + (1 - alpha) * g**2
    u = beta * u + share * g / (np.sqrt(v) + eps)
    return w - lr * u, u, v
"""

MUTANTS["ahead_step"] = {
    "O10 the gradient at w": _but(AHEAD, "gradient(w - lr * beta * u)", "gradient(w)"),
    "O10 looks back": _but(AHEAD, "gradient(w - lr", "gradient(w + lr"),
    "O10 ahead without lr": _but(AHEAD, "gradient(w - lr * beta * u)", "gradient(w - beta * u)"),
    "O10 ahead without beta": _but(AHEAD, "gradient(w - lr * beta * u)", "gradient(w - lr * u)"),
    "O10 two gradients": _but(AHEAD, "    v = alpha", "    g = (gradient(w) + g) / 2\n    v = alpha"),
    "O10 starts from the point ahead": _but(AHEAD, "    g = gradient(w - lr * beta * u)",
                                            "    w = w - lr * beta * u\n    g = gradient(w)"),
    "O8 the other ball": _but(AHEAD, '== "heavy ball"', '!= "heavy ball"'),
    "O8 beta times the push": _but(AHEAD, "share * g /", "beta * share * g /"),
    "O8 lr inside u": _but(AHEAD, "share * g /", "lr * share * g /", "w - lr * u, u", "w - u, u"),
    "O7 decay swapped": _but(AHEAD, "alpha * v + (1 - alpha) *", "(1 - alpha) * v + alpha *"),
    "O7 beta and alpha mixed up": _but(AHEAD, "alpha * v + (1 - alpha)", "beta * v + (1 - beta)"),
    "O7 all squares added up": _but(AHEAD, "alpha * v + (1 - alpha) *", "v +"),
    "O6 g, not squared": _but(AHEAD, "* g**2", "* g", "np.sqrt(v)", "np.sqrt(abs(v))"),
    "O6 the size of g": _but(AHEAD, "* g**2", "* abs(g)", "np.sqrt(v)", "v"),
    "O4 eps under the root": _but(AHEAD, "(np.sqrt(v) + eps)", "np.sqrt(v + eps)"),
    "O4 eps forgotten": _but(AHEAD, " + eps", ""),
    "the old v": _but(AHEAD, "    v = alpha", "    old = v\n    v = alpha", "np.sqrt(v)", "np.sqrt(old)"),
    "no root": _but(AHEAD, "np.sqrt(v)", "v"),
    "the ball rolls on plain gradients": _but(AHEAD, "share * g / (np.sqrt(v) + eps)", "share * g",
                                              "w - lr * u,", "w - lr * u / (np.sqrt(v) + eps),"),
    "one v for all": _but(AHEAD, "* g**2", "* (g**2).mean()"),
    "the step is corrected as Adam's": _but(AHEAD, "np.sqrt(v)", "np.sqrt(v / (1 - alpha))"),
    "u is not handed on": _but(AHEAD, "    u = beta * u", "    n = beta * u", "w - lr * u, u, v", "w - lr * n, u, v"),
    "v is not handed on": _but(AHEAD, "    v = alpha * v", "    n = alpha * v", "np.sqrt(v)", "np.sqrt(n)"),
    "u forgotten": _but(AHEAD, "u = beta * u +", "u ="),
    "uphill": _but(AHEAD, "return w - lr * u", "return w + lr * u"),
    "the other way round": _but(AHEAD, "u, u, v", "u, v, u"),
    "w alone": _but(AHEAD, "u, u, v", "u"),
}

BENIGN["ahead_step"] = {
    "from the point ahead, rightly": """
def ahead_step(gradient, w, u, v, lr, beta, alpha, eps):
    carried = beta * u
    ahead = np.subtract(w, lr * carried)
    g = gradient(ahead)
    v = v + (1 - alpha) * (g * g - v)
    push = g / (v**0.5 + eps)
    if VARIANT["ahead_step"]["ball"] == "running mean":
        push = push * (1 - beta)
    return [ahead - lr * push, carried + push, v]
""",
    "float32": _but(AHEAD, "return w - lr * u, u, v", "return tuple(np.float32(a) for a in (w - lr * u, u, v))"),
    "numbers one by one": """
import math


def ahead_step(gradient, w, u, v, lr, beta, alpha, eps):
    slope = gradient(w - beta * lr * u)
    new_w, new_u, new_v = w.copy(), u.copy(), v.copy()
    for at in np.ndindex(w.shape):
        new_v[at] = alpha * v[at] + (1 - alpha) * slope[at] ** 2
        push = slope[at] / (math.sqrt(new_v[at]) + eps)
        new_u[at] = beta * u[at] + (push if VARIANT["ahead_step"]["ball"] == "heavy ball" else push - beta * push)
        new_w[at] -= lr * new_u[at]
    return new_w, new_u, new_v
""",
    "helpers": """
def remembered(old, keep, new):
    return keep * old + (1 - keep) * new


def ahead_step(gradient, w, u, v, lr, beta, alpha, eps):
    g = gradient(w - (lr * beta) * u)
    v = remembered(v, alpha, np.square(g))
    scaled = np.divide(g, np.add(np.sqrt(v), eps))
    u = remembered(u, beta, scaled if VARIANT["ahead_step"]["ball"] != "heavy ball" else scaled / (1 - beta))
    return w - lr * u, u, v
""",
}

# What theory promises ------------------------------------------------------------------------------------------------
FACTOR = """
def long_run_factor(curvatures, lr, beta):
    b = 1 + beta - lr * np.asarray(curvatures)
    d = np.sqrt(b**2 - 4 * beta + 0j)
    roots = np.abs([(b + d) / 2, (b - d) / 2])
    return roots.max()
"""

MUTANTS["long_run_factor"] = {
    "nan where it rings": _but(FACTOR, " + 0j", ""),
    "the real part alone": _but(FACTOR, "np.abs([", "np.real(["),
    "no root below zero": _but(FACTOR, "b**2 - 4 * beta + 0j", "np.maximum(b**2 - 4 * beta, 0)"),
    "only the first root": _but(FACTOR, ", (b - d) / 2]", "]"),
    "only the second root": _but(FACTOR, "(b + d) / 2, ", ""),
    "the faster root": _but(FACTOR, "roots.max()", "roots.min(axis=0).max()"),
    "the fastest direction": _but(FACTOR, "roots.max()", "roots.max(axis=0).min()"),
    "the mean of the directions": _but(FACTOR, "roots.max()", "roots.max(axis=0).mean()"),
    "the steepest direction alone": _but(FACTOR, "np.asarray(curvatures)", "np.max(curvatures)"),
    "the flattest direction alone": _but(FACTOR, "np.asarray(curvatures)", "np.min(curvatures)"),
    "the first direction alone": _but(FACTOR, "np.asarray(curvatures)", "curvatures[0]"),
    "the sign is kept": _but(FACTOR, "roots = np.abs([(b + d) / 2, (b - d) / 2])\n    return roots.max()",
                             "roots = np.array([(b + d) / 2, (b - d) / 2])\n"
                             "    return np.where(np.isreal(d), roots.real, np.abs(roots)).max()"),
    "as if without momentum": "def long_run_factor(curvatures, lr, beta):\n"
                              "    return np.abs(1 - lr * np.asarray(curvatures)).max()\n",
    "always the root of beta": "def long_run_factor(curvatures, lr, beta):\n    return beta**0.5\n",
    "the best that momentum can do": """
def long_run_factor(curvatures, lr, beta):
    r = np.sqrt(max(curvatures) / min(curvatures))
    return (r - 1) / (r + 1)
""",
    "O8 a running mean": _but(FACTOR, "1 + beta - lr *", "1 + beta - (1 - beta) * lr *"),
    "beta with the other sign": _but(FACTOR, "4 * beta", "-4 * beta"),
    "1 - beta in the middle": _but(FACTOR, "1 + beta", "1 - beta"),
    "the square of it": _but(FACTOR, "roots.max()", "roots.max() ** 2"),
    "never above 1": _but(FACTOR, "roots.max()", "min(roots.max(), 1.0)"),
    "1 and a little": _but(FACTOR, "roots.max()", "np.round(roots.max(), 2)"),
    "a factor for each direction": _but(FACTOR, "roots.max()", "roots.max(axis=0)"),
    "a constant": "def long_run_factor(curvatures, lr, beta):\n    return 0.9\n",
}

BENIGN["long_run_factor"] = {
    "by eigenvalues": """
def long_run_factor(curvatures, lr, beta):
    largest = 0.0
    for c in curvatures:
        step = [[1 - lr * c, -lr * beta], [c, beta]]
        largest = max(largest, max(abs(np.linalg.eigvals(step))))
    return largest
""",
    "by np.roots": """
def long_run_factor(curvatures, lr, beta):
    return max(abs(z) for c in curvatures for z in np.roots([1.0, -(1 + beta - lr * c), beta]))
""",
    "without complex numbers": """
import math


def slowest(reach, beta):
    half = (1 + beta - reach) / 2
    inside = half * half - beta
    return math.sqrt(beta) if inside < 0 else abs(half) + math.sqrt(inside)


def long_run_factor(curvatures, lr, beta):
    return max([slowest(lr * float(c), beta) for c in curvatures])
""",
    "float32": _but(FACTOR, "return roots.max()", "return np.float32(roots.max())"),
    "a lambda": """
long_run_factor = lambda c, lr, beta: np.max(np.where(
    (1 + beta - lr * c) ** 2 < 4 * beta, np.sqrt(beta),
    np.abs(1 + beta - lr * c) / 2 + np.sqrt(np.maximum((1 + beta - lr * c) ** 2 / 4 - beta, 0))))
""",
}

# A table that is fair ------------------------------------------------------------------------------------------------
TABLE = """
def fair_table(validation, test):
    validation, test = np.nan_to_num(validation), np.nan_to_num(test)
    means = validation.mean(axis=2)
    chosen = means.argmax(axis=1)
    told = test[np.arange(len(test)), chosen]
    mean, spread = told.mean(axis=1), told.std(axis=1, ddof=1)
    edge = (chosen == 0) | (chosen == means.shape[1] - 1)
    return chosen, mean, spread, edge
"""

MUTANTS["fair_table"] = {
    "chosen on the test data": _but(TABLE, "means = validation", "means = test"),
    "chosen on both": _but(TABLE, "means = validation", "means = (validation + test)"),
    "validation is reported": _but(TABLE, "told = test", "told = validation"),
    "test and validation the other way round": _but(TABLE, "validation, test = np", "test, validation = np"),
    "the best seed decides": _but(TABLE, "validation.mean(axis=2)", "validation.max(axis=2)"),
    "the worst seed decides": _but(TABLE, "validation.mean(axis=2)", "validation.min(axis=2)"),
    "the median decides": _but(TABLE, "validation.mean(axis=2)", "np.median(validation, axis=2)"),
    "the first seed decides": _but(TABLE, "validation.mean(axis=2)", "validation[:, :, 0]"),
    "one rate for all rules": _but(TABLE, "means.argmax(axis=1)", "np.full(len(test), means.mean(axis=0).argmax())"),
    "the lowest is best": _but(TABLE, "argmax", "argmin"),
    "the best test run is told": _but(TABLE, "told.mean(axis=1)", "told.max(axis=1)"),
    "the best of all test means": _but(TABLE, "told.mean(axis=1)", "test.mean(axis=2).max(axis=1)"),
    "the test median": _but(TABLE, "told.mean(axis=1)", "np.median(told, axis=1)"),
    "over rates, not seeds": _but(TABLE, "told = test[np.arange(len(test)), chosen]", "told = test.mean(axis=2)"),
    "divided by n": _but(TABLE, ", ddof=1", ""),
    "the variance": _but(TABLE, "told.std", "told.var"),
    "the error of the mean": _but(TABLE, "ddof=1)", "ddof=1) / told.shape[1] ** 0.5"),
    "from the lowest to the highest": _but(TABLE, "told.std(axis=1, ddof=1)", "np.ptp(told, axis=1)"),
    "failed runs are left out": _but(
        TABLE, "    validation, test = np.nan_to_num(validation), np.nan_to_num(test)\n", "",
        "validation.mean(axis=2)", "np.nan_to_num(np.nanmean(validation, axis=2))",
        "told.mean(axis=1)", "np.nanmean(told, axis=1)", "told.std(", "np.nanstd(told, "),
    "nan is not looked at": _but(TABLE, "    validation, test = np.nan_to_num(validation), np.nan_to_num(test)\n", ""),
    "only failed validation runs are looked at": _but(TABLE, "np.nan_to_num(test)", "test"),
    "edge only at the left": _but(TABLE, "(chosen == 0) | (chosen == means.shape[1] - 1)", "chosen == 0"),
    "edge only at the right": _but(TABLE, "(chosen == 0) | (chosen == means.shape[1] - 1)",
                                   "chosen == means.shape[1] - 1"),
    "edge counted by the seeds": _but(TABLE, "means.shape[1] - 1", "validation.shape[2] - 1"),
    "edge the other way round": _but(TABLE, "edge = (chosen", "edge = ~((chosen", "shape[1] - 1)", "shape[1] - 1))"),
    "edge off by one": _but(TABLE, "means.shape[1] - 1)", "means.shape[1])"),
    "edge never": _but(TABLE, "(chosen == 0) | (chosen == means.shape[1] - 1)", "np.zeros(len(test), bool)"),
    "numbered from 1": _but(TABLE, "return chosen,", "return chosen + 1,"),
    "one answer for all": _but(TABLE, "return chosen, mean, spread, edge",
                               "return chosen[0], mean[0], spread[0], edge[0]"),
    "only the means": _but(TABLE, "return chosen, mean, spread, edge", "return mean"),
    "a constant": "def fair_table(validation, test):\n    n = len(test)\n"
                  "    return np.ones(n, int), np.full(n, 0.8), np.full(n, 0.01), np.zeros(n, bool)\n",
}

BENIGN["fair_table"] = {
    "in loops, into lists": """
import math
import statistics


def fair_table(validation, test):
    rows = []
    for rates, scores in zip(validation, test):
        rates = [[0.0 if math.isnan(x) else float(x) for x in runs] for runs in rates]
        means = [sum(runs) / len(runs) for runs in rates]
        best = means.index(max(means))
        told = [0.0 if math.isnan(x) else float(x) for x in scores[best]]
        rows.append((best, statistics.mean(told), statistics.stdev(told), best in (0, len(means) - 1)))
    return [list(column) for column in zip(*rows)]
""",
    "np.where and take_along_axis": """
def fair_table(validation, test):
    v, t = (np.where(np.isnan(a), 0, a) for a in (validation, test))
    chosen = np.argmax(v.sum(2), axis=1)
    told = np.take_along_axis(t, chosen[:, None, None], axis=1)[:, 0]
    return chosen, told.mean(-1), np.std(told, axis=-1, ddof=1), np.isin(chosen, [0, v.shape[1] - 1])
""",
    "float32": _but(TABLE, "return chosen, mean, spread, edge",
                    "return np.float32(chosen), np.float32(mean), np.float32(spread), np.float32(edge)"),
    "the spread written out": _but(
        TABLE, "told.std(axis=1, ddof=1)",
        "np.sqrt(((told - told.mean(axis=1, keepdims=True)) ** 2).sum(axis=1) / (told.shape[1] - 1))",
        "return chosen, mean, spread, edge", "return [chosen, mean, spread, edge.astype(int)]"),
    "einsum and a mask": """
def fair_table(validation, test):
    v, t = np.array(validation), np.array(test)
    v[~np.isfinite(v)] = 0
    t[~np.isfinite(t)] = 0
    means = np.einsum("ijk->ij", v) / v.shape[2]
    chosen = means.argmax(1)
    mask = np.arange(v.shape[1]) == chosen[:, None]
    told = np.einsum("ij,ijk->ik", mask.astype(float), t)
    return chosen, told.mean(1), told.std(1, ddof=1), mask[:, 0] | mask[:, -1]
""",
}
