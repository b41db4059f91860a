"""Unit 8's bank for the tests: wrong solutions of each graded exercise, named by the mistake, and unusual right ones.

All are the text of a solution cell. Most wrong ones are a right one in which one place is exchanged, as in real life.
"""

from course.grading.bank import but as _but

MUTANTS, BENIGN = {}, {}

# The best judge ------------------------------------------------------------------------------------------------------
JUDGE = """
mine = VARIANT["best_judge"]
p = np.array([mine["pA"], mine["pB"], mine["pC"]])
q = np.array([mine["qA"], mine["qB"], mine["qC"]])
w, v = 1, 1
if mine["kind"] == "one mean":
    w, v = 1 / (1 + mine["times"]), mine["times"] / (1 + mine["times"])
D = w * p / (w * p + v * q)
pays = -np.sum(w * p * np.log(D) + v * q * np.log(1 - D))
alike = w * np.log((w + v) / w) + v * np.log((w + v) / v)
m = (p + q) / 2
said = mine["D"]
jsd = np.sum(p * np.log(p / m)) / 2 + np.sum(q * np.log(q / m)) / 2
best_judge = [D[0], pays, alike, jsd, -said, -(1 - said)]
"""

MUTANTS["best_judge"] = {
    "G12 in bits": _but(JUDGE, "alike, jsd", "alike, jsd / np.log(2)"),
    "G12 not halved": _but(JUDGE, "alike, jsd", "alike, 2 * jsd"),
    "G12 its root": _but(JUDGE, "alike, jsd", "alike, jsd ** 0.5"),
    "G12 one way only": _but(JUDGE, " / 2 + np.sum(q * np.log(q / m)) / 2", ""),
    "G12 the middle of the batch": _but(JUDGE, "m = (p + q) / 2", "m = (p + mine['times'] * q) / (1 + mine['times'])"),
    "G5 the slope for the label fake": _but(JUDGE, "-(1 - said)]", "said]"),
    "G5 the slopes in the other order": _but(JUDGE, "-said, -(1 - said)", "-(1 - said), -said"),
    "G5 the slopes go up": _but(JUDGE, "-said, -(1 - said)", "said, 1 - said"),
    "slopes by D in place of the logit": _but(JUDGE, "-said, -(1 - said)", "-1 / (1 - said), -1 / said"),
    "the two kinds of loss exchanged": _but(JUDGE, '== "one mean"', '!= "one mean"'),
    "the price of one half, twice": _but(JUDGE, "pays, alike", "pays, 2 * np.log(2) + 0.01"),
    "what is paid at A": _but(JUDGE, "-np.sum(w * p * np.log(D) + v * q * np.log(1 - D))",
                              "-np.log(D[0]) - np.log(1 - D[0])"),
    "what is paid for the real ones": _but(JUDGE, " + v * q * np.log(1 - D))", ")"),
    "two for every place": "best_judge = [0.5, 1.3863, 1.3863, 0.6931, -0.5, -0.5]\n",
}

BENIGN["best_judge"] = {
    "an array": JUDGE + "best_judge = np.array(best_judge)\n",
    "a tuple, rounded to four decimals": JUDGE + "best_judge = tuple(round(float(x), 4) for x in best_judge)\n",
    "float32": JUDGE + "best_judge = np.array(best_judge, dtype=np.float32)\n",
    "by loops": """
from math import log

v = VARIANT["best_judge"]
t = v["times"] if v["kind"] == "one mean" else 1
scale = 1 + t if v["kind"] == "one mean" else 1
pays = jsd = 0
for place in "ABC":
    p, q = v["p" + place], v["q" + place]
    D = p / (p + t * q)
    pays -= (p * log(D) + t * q * log(1 - D)) / scale
    jsd += (p * log(2 * p / (p + q)) + q * log(2 * q / (p + q))) / 2
even = 1 / (1 + t)
at_A = v["pA"] / (v["pA"] + t * v["qA"])
best_judge = [at_A, pays, -(log(even) + t * log(1 - even)) / scale, jsd, -v["D"], v["D"] - 1]
""",
}

# A duel --------------------------------------------------------------------------------------------------------------
DUEL = """
class Duel:
    def __init__(self, G, D, noise, lr):
        self.G, self.D, self.noise, self.lr = G, D, noise, lr

    def d_step(self, real):
        n = len(real)
        fake = self.G.forward(self.noise(n))
        a = self.D.forward(real)
        _, one = self.D.backward((sigmoid(a) - 1) / n)
        b = self.D.forward(fake)
        down, two = self.D.backward(sigmoid(b) / n)
        self.D.move([s + t for s, t in zip(one, two)], self.lr)
        return np.logaddexp(0, -a).mean() + np.logaddexp(0, b).mean()

    def g_step(self, n):
        z = self.noise(n)
        a = self.D.forward(self.G.forward(z))
        down, slopes = self.D.backward((sigmoid(a) - 1) / n)
        self.G.move(self.G.backward(down)[1], self.lr)
        return np.logaddexp(0, -a).mean()
"""
_D_MOVE = "self.D.move([s + t for s, t in zip(one, two)], self.lr)"
_G_MOVE = "self.G.move(self.G.backward(down)[1], self.lr)"
_SURE = "return np.logaddexp(0, -a).mean()"

MUTANTS["Duel"] = {
    "G1 the step of D goes on into G": _but(DUEL, _D_MOVE, _D_MOVE + "\n        " + _G_MOVE),
    "G4 both move in both steps": _but(
        DUEL, _D_MOVE, _D_MOVE + "\n        " + _G_MOVE, "        " + _G_MOVE + "\n        return np.logaddexp(0, -a)",
        "        " + _G_MOVE + "\n        self.D.move(slopes, self.lr)\n        return np.logaddexp(0, -a)"),
    "G4 in the step of G it is D that moves": _but(DUEL, _G_MOVE, "self.D.move(slopes, self.lr)"),
    "G5 the fakes are called fake for G": _but(DUEL, "down, slopes = self.D.backward((sigmoid(a) - 1) / n)",
                                              "down, slopes = self.D.backward(sigmoid(a) / n)"),
    "G5 labels exchanged for D": _but(DUEL, "(sigmoid(a) - 1) / n)\n        b", "sigmoid(a) / n)\n        b",
                                     "two = self.D.backward(sigmoid(b) / n)",
                                     "two = self.D.backward((sigmoid(b) - 1) / n)"),
    "G5 the saturating loss": _but(DUEL, "down, slopes = self.D.backward((sigmoid(a) - 1) / n)",
                                   "down, slopes = self.D.backward(-sigmoid(a) / n)"),
    "G7 ln of a sigmoid": _but(DUEL, "np.logaddexp(0, -a).mean()", "-np.log(sigmoid(a)).mean()"),
    "G7 ln of nearly nothing": _but(DUEL, "np.logaddexp(0, -a).mean()", "-np.log(sigmoid(a) + 1e-12).mean()",
                                    "np.logaddexp(0, b).mean()", "-np.log(1 - sigmoid(b) + 1e-12).mean()"),
    "G7 exp that overflows": _but(DUEL, "np.logaddexp(0, b)", "np.log(1 + np.exp(b))"),
    "G7 a sigmoid too many": _but(DUEL, "sigmoid(a)", "sigmoid(sigmoid(a))", "sigmoid(b)", "sigmoid(sigmoid(b))"),
    "G8 the same z for ever": _but(
        DUEL, "noise, lr\n", "noise, lr\n        self.z = noise(64)\n", "self.noise(n)", "self.z"),
    "G8 the z of the step of D once more": _but(
        DUEL, "fake = self.G.forward(self.noise(n))", "self.z = self.noise(n)\n        fake = self.G.forward(self.z)",
        "z = self.noise(n)\n        a", "z = self.z if hasattr(self, 'z') else self.noise(n)\n        a"),
    "G8 kept for all games": _but(
        DUEL, "    def __init__", "    kept = {}\n\n    def __init__", "self.G.forward(self.noise(n))",
        "self.G.forward(self.kept.setdefault(n, self.noise(n)))"),
    "the slopes of the real ones with what D did to the fakes": _but(
        DUEL, "        _, one = self.D.backward((sigmoid(a) - 1) / n)\n        b = self.D.forward(fake)\n",
        "        b = self.D.forward(fake)\n        _, one = self.D.backward((sigmoid(a) - 1) / n)\n"),
    "D moves in between": _but(
        DUEL, "        b = self", "        self.D.move(one, self.lr)\n        b = self", _D_MOVE,
        "self.D.move(two, self.lr)"),
    "one mean over both": _but(DUEL, _D_MOVE, "self.D.move([(s + t) / 2 for s, t in zip(one, two)], self.lr)"),
    "uphill": _but(DUEL, "self.lr)\n        return", "-self.lr)\n        return"),
    "the loss after the step": _but(DUEL, _SURE + "\n", _SURE.replace("-a", "-self.D.forward(self.G.forward(z))")
                                    + "\n", " + np.logaddexp(0, b)", " + 1.0 * np.logaddexp(0, b)"),
}

BENIGN["Duel"] = {
    "one batch for D": _but(DUEL, """        a = self.D.forward(real)
        _, one = self.D.backward((sigmoid(a) - 1) / n)
        b = self.D.forward(fake)
        down, two = self.D.backward(sigmoid(b) / n)
        self.D.move([s + t for s, t in zip(one, two)], self.lr)
""", """        both = self.D.forward(np.vstack([real, fake]))
        dY = sigmoid(both)
        dY[:n] -= 1
        self.D.move(self.D.backward(dY / n)[1], self.lr)
        a, b = both[:n], both[n:]
"""),
    "two moves after both slopes": _but(DUEL, _D_MOVE,
                                        "self.D.move(two, self.lr)\n        self.D.move(one, self.lr)"),
    "weights written in place": _but(DUEL, _G_MOVE, """for w, s in zip(self.G.weights, self.G.backward(down)[1]):
            w -= self.lr * s"""),
    "a list of new weights, a helper, loss by maximum": """
def pays(a, label):
    return float(np.mean(np.maximum(a, 0) - a * label + np.log1p(np.exp(-np.abs(a)))))


class Duel:
    def __init__(self, *players_noise_and_lr):
        self.generator, self.discriminator, self.noise, self.lr = players_noise_and_lr

    def _down(self, net, slopes):
        net.weights = [w - self.lr * s for w, s in zip(net.weights, slopes)]

    def d_step(self, real):
        D, total, loss = self.discriminator, None, 0.0
        for x, label in ((self.generator.forward(self.noise(real.shape[0])), 0.0), (real, 1.0)):
            a = D.forward(x)
            loss += pays(a, label)
            _, slopes = D.backward((np.tanh(a / 2) / 2 + 0.5 - label) / len(x))
            total = slopes if total is None else [np.add(s, t) for s, t in zip(slopes, total)]
        self._down(D, total)
        return loss

    def g_step(self, n):
        a = self.discriminator.forward(self.generator.forward(self.noise(n)))
        _, slopes = self.generator.backward(self.discriminator.backward((np.tanh(a / 2) / 2 - 0.5) / n)[0])
        self._down(self.generator, slopes)
        return pays(a, 1.0)
""",
    "losses in arrays of one number": _but(DUEL, _SURE, "return np.array(np.logaddexp(0, -a).mean())"),
}

# Real against fake ---------------------------------------------------------------------------------------------------
RELATIVE = """
def relative_loss(real, fake):
    mine = VARIANT["relative_loss"]
    y_real, y_fake, lead = 1 - mine["s"], 0.0, mine["lead"]
    share = 0.5 if mine["total"] == "mean" else 1.0
    a, b = real - fake.mean() - lead, fake - real.mean() + lead
    loss = (np.logaddexp(0, a) - y_real * a).mean() + (np.logaddexp(0, b) - y_fake * b).mean()
    g = ((1 + np.tanh(a / 2)) / 2 - y_real) / len(a)
    h = ((1 + np.tanh(b / 2)) / 2 - y_fake) / len(b)
    d_real = g - h.sum() / len(a)
    d_fake = h - g.sum() / len(b)
    return share * loss, share * d_real, share * d_fake
"""
_LABELS = 'y_real, y_fake, lead = 1 - mine["s"], 0.0'
_AB = "a, b = real - fake.mean() - lead, fake - real.mean() + lead"

MUTANTS["relative_loss"] = {
    "G5 labels exchanged": _but(RELATIVE, _LABELS, 'y_fake, y_real, lead = 1 - mine["s"], 0.0'),
    "G5 both sides are smoothed": _but(RELATIVE, _LABELS, 'y_real, y_fake, lead = 1 - mine["s"], mine["s"]'),
    "G5 smoothed to s": _but(RELATIVE, '1 - mine["s"]', 'mine["s"]'),
    "G5 not smoothed": _but(RELATIVE, '1 - mine["s"]', "1"),
    "G5 what G wants": _but(RELATIVE, _AB, "a, b = fake.mean() - real - lead, real.mean() - fake + lead"),
    "G7 ln(1 + e^a)": _but(RELATIVE, "np.logaddexp(0, a)", "np.log(1 + np.exp(a))"),
    "G7 ln of a sigmoid": _but(
        RELATIVE, "(np.logaddexp(0, a) - y_real * a).mean()",
        "-(y_real * np.log(1 / (1 + np.exp(-a))) + (1 - y_real) * np.log(1 - 1 / (1 + np.exp(-a)))).mean()"),
    "G7 logits cut off": _but(RELATIVE, _AB, _AB + "\n    a, b = np.clip(a, -500, 500), np.clip(b, -500, 500)"),
    "G7 e^a / (1 + e^a)": _but(RELATIVE, "(1 + np.tanh(a / 2)) / 2", "np.exp(a) / (1 + np.exp(a))"),
    "the means are taken for constants": _but(RELATIVE, " - h.sum() / len(a)", "", " - g.sum() / len(b)", ""),
    "the mean of the fakes is taken for a constant": _but(RELATIVE, " - g.sum() / len(b)", ""),
    "the mean of the other slopes": _but(RELATIVE, "h.sum() / len(a)", "h.mean()", "g.sum() / len(b)", "g.mean()"),
    "the sign of the way through the mean": _but(RELATIVE, "g - h.sum()", "g + h.sum()", "h - g.sum()", "h + g.sum()"),
    "compared with the own mean": _but(RELATIVE, _AB, "a, b = real - real.mean() - lead, fake - fake.mean() + lead"),
    "the lead on one side only": _but(RELATIVE, " + lead", ""),
    "the lead the wrong way": _but(RELATIVE, '["lead"]', '["lead"] * -1'),
    "sum and mean exchanged": _but(RELATIVE, '== "mean"', '== "sum"'),
    "sums over the samples": _but(RELATIVE, "a).mean()", "a).sum()", "b).mean()", "b).sum()", " - y_real) / len(a)",
                                  " - y_real)", " - y_fake) / len(b)", " - y_fake)"),
    "only the loss": _but(RELATIVE, "return share * loss, share * d_real, share * d_fake", "return share * loss"),
    "zeros": "def relative_loss(real, fake):\n    return 0.0, 0 * real, 0 * fake\n",
}

BENIGN["relative_loss"] = {
    "loops": """
from math import exp, log1p


def softplus(t):
    return max(t, 0.0) + log1p(exp(-abs(t)))


def sigma(t):
    return 1 / (1 + exp(-t)) if t > 0 else exp(t) / (1 + exp(t))


def relative_loss(real, fake):
    v = VARIANT["relative_loss"]
    r, f = real.tolist(), fake.tolist()
    n, m = len(r), len(f)
    mean_r, mean_f = sum(r) / n, sum(f) / m
    s_r, s_f, lead = v["s"], 0, v["lead"]
    k = {"sum": 1, "mean": 2}[v["total"]]
    loss, d_r, d_f = 0, [0] * n, [0] * m
    for i in range(n):
        t = r[i] - mean_f - lead
        loss += ((1 - s_r) * softplus(-t) + s_r * softplus(t)) / n / k
        slope = (sigma(t) - 1 + s_r) / n / k
        d_r[i] += slope
        d_f = [d - slope / m for d in d_f]
    for j in range(m):
        t = f[j] - mean_r + lead
        loss += ((1 - s_f) * softplus(t) + s_f * softplus(-t)) / m / k
        slope = (sigma(t) - s_f) / m / k
        d_f[j] += slope
        d_r = [d - slope / n for d in d_r]
    return loss, d_r, d_f
""",
    "a list, arrays of one number": _but(RELATIVE, "return share * loss, share * d_real, share * d_fake",
                                         "return [np.array(share * loss), share * d_real, share * d_fake]"),
    "the fakes smoothed, which is the same": _but(RELATIVE, _LABELS, 'y_real, y_fake, lead = 1, mine["s"]'),
    "float32 at the end": _but(RELATIVE, "share * d_real, share * d_fake",
                               "(share * d_real).astype(np.float32), (share * d_fake).astype(np.float32)"),
    "a matrix of slopes": _but(RELATIVE, "d_real = g - h.sum() / len(a)\n    d_fake = h - g.sum() / len(b)", """
    to_a = np.hstack([np.eye(len(a)), np.full((len(a), len(b)), -1 / len(b))])
    to_b = np.hstack([np.full((len(b), len(a)), -1 / len(a)), np.eye(len(b))])
    d_real, d_fake = np.split(g @ to_a + h @ to_b, [len(a)])"""),
}

# A census of the modes -----------------------------------------------------------------------------------------------
CENSUS = """
def census(samples, centers, sds, shares):
    mine = VARIANT["census"]
    far = np.sqrt(((samples[:, None, :] - centers[None]) ** 2).sum(axis=2))
    far = far / sds
    home = far.argmin(axis=1)
    good = far.min(axis=1) <= mine["radius"]
    quality = good.mean()
    counts = np.array([np.sum(good & (home == k)) for k in range(len(centers))])
    captured = counts >= mine["least"] * shares * len(samples)
    found = np.array([np.mean(home == k) for k in range(len(centers))])
    m = (found + shares) / 2
    there = found > 0
    distance = np.sum(shares * np.log(shares / m)) / 2
    distance += np.sum(found[there] * np.log(found[there] / m[there])) / 2
    return quality, captured, distance
"""
_FAR = "np.sqrt(((samples[:, None, :] - centers[None]) ** 2).sum(axis=2))"

MUTANTS["census"] = {
    "G10 a stray sample is enough": _but(CENSUS, 'counts >= mine["least"] * shares * len(samples)', "counts >= 1"),
    "G10 the largest difference": _but(CENSUS, _FAR, "np.abs(samples[:, None, :] - centers[None]).max(axis=2)"),
    "G10 the squared distance": _but(CENSUS, _FAR, "((samples[:, None, :] - centers[None]) ** 2).sum(axis=2)"),
    "G10 good or not, all are counted": _but(CENSUS, "np.sum(good & (home == k))", "np.sum(home == k)"),
    "G10 of the good ones only": _but(CENSUS, "* len(samples)", "* good.sum()"),
    "G10 the whole share": _but(CENSUS, 'mine["least"] * shares', "shares"),
    "G10 equal shares": _but(CENSUS, '* shares * len(samples)', "/ len(shares) * len(samples)"),
    "G10 the nearest by plain distance": _but(CENSUS, "    far = far / sds\n    home = far.argmin(axis=1)\n",
                                              "    home = far.argmin(axis=1)\n    far = far / sds\n"),
    "G10 the nearest, with its own sd": _but(
        CENSUS, "    far = far / sds\n", "", 'good = far.min(axis=1) <= mine["radius"]',
        'good = far.min(axis=1) / sds[home] <= mine["radius"]'),
    "the radius of the lesson and a half": _but(CENSUS, 'mine["radius"]', "4.5"),
    "G12 in bits": _but(CENSUS, "captured, distance", "captured, distance / np.log(2)"),
    "G12 not halved": _but(CENSUS, "captured, distance", "captured, 2 * distance"),
    "G12 one way only": _but(CENSUS, "np.sum(found[there] * np.log(found[there] / m[there])) / 2", "0"),
    "G12 0 ln 0": _but(CENSUS, "there = found > 0", "there = slice(None)"),
    "G12 a little is added": _but(CENSUS, "m = (found", "found = found + 1e-3\n    m = (found"),
    "the shares of the good ones": _but(CENSUS, "np.mean(home == k)",
                                        "np.sum(good & (home == k)) / max(1, good.sum())"),
    "compared with equal shares": _but(CENSUS, "    m = (found", "    shares = np.ones(len(shares)) / len(shares)\n"
                                                                 "    m = (found"),
    "all is well": """
def census(samples, centers, sds, shares):
    return 1.0, np.ones(len(centers), bool), 0.0
""",
}

BENIGN["census"] = {
    "loops": """
def xlogx(a, b):
    return 0.0 if a == 0 else a * np.log(a / b)


def census(samples, centers, sds, shares):
    v = VARIANT["census"]
    all_, fine = [0] * len(centers), [0] * len(centers)
    for x in samples:
        lengths = [sum((x - c) ** 2) ** 0.5 / s for c, s in zip(centers, sds)]
        k = lengths.index(min(lengths))
        all_[k] += 1
        fine[k] += lengths[k] <= v["radius"]
    n = len(samples)
    captured = [f / n >= v["least"] * p for f, p in zip(fine, shares)]
    js = sum(xlogx(a / n, (a / n + p) / 2) + xlogx(p, (a / n + p) / 2) for a, p in zip(all_, shares)) / 2
    return [sum(fine) / n, captured, js]
""",
    "norm, bincount, entropies": """
def census(samples, centers, sds, shares):
    v, K = VARIANT["census"], len(centers)
    z = np.linalg.norm(samples[:, None] - centers, axis=-1) / sds[None, :]
    home = np.argmin(z, 1)
    ok = z[np.arange(len(z)), home] <= v["radius"]
    q = np.bincount(home, minlength=K) / len(home)
    H = lambda p: -np.sum(p * np.log(np.where(p > 0, p, 1)))
    there = np.bincount(home, ok, K) >= v["least"] * shares * len(z)
    return ok.mean(), there, H((q + shares) / 2) - (H(q) + H(shares)) / 2
""",
    "zeros and ones": _but(CENSUS, "quality, captured, distance", "quality, captured.astype(int), np.array(distance)"),
    "float32 at the end": _but(CENSUS, "quality, captured, distance",
                               "np.float32(quality), captured * np.float32(1), distance"),
    "a matrix product": _but(CENSUS, _FAR, """np.sqrt(np.maximum(
        (samples**2).sum(1)[:, None] - 2 * samples @ centers.T + (centers**2).sum(1), 0))"""),
}

# Packs ---------------------------------------------------------------------------------------------------------------
PACKS = """
def packs(real, fake, m, rng):
    rows, labels = [], []
    for kind, label in ((real, 1), (fake, 0)):
        order = rng.permutation(len(kind))
        for start in range(0, len(kind) - m + 1, m):
            chosen = order[start:start + m]
            rows.append(kind[chosen].reshape(-1))
            labels.append(label)
    return np.array(rows), np.array(labels)
"""

MUTANTS["packs"] = {
    "G5 labels exchanged": _but(PACKS, "((real, 1), (fake, 0))", "((real, 0), (fake, 1))"),
    "G5 all are real": _but(PACKS, "(fake, 0)", "(fake, 1)"),
    "G5 labels in another order": _but(PACKS, "np.array(labels)", "np.array(labels)[::-1]"),
    "the packs of both at the border": """
def packs(real, fake, m, rng):
    both = np.concatenate([rng.permutation(real), rng.permutation(fake)])
    many = len(both) // m
    return both[:many * m].reshape(many, -1), (np.arange(many) * m < len(real)).astype(int)
""",
    "all x, then all y": _but(PACKS, "kind[chosen].reshape(-1)", "kind[chosen].T.reshape(-1)"),
    "in order": _but(PACKS, "rng.permutation(len(kind))", "np.arange(len(kind))"),
    "every k-th": _but(PACKS, "rng.permutation(len(kind))",
                       "np.arange(len(kind) // m * m).reshape(m, -1).T.ravel()"),
    "the last ones are always left out": _but(
        PACKS, "rng.permutation(len(kind))", "rng.permutation(len(kind) // m * m)"),
    "drawn with repeats": _but(PACKS, "order[start:start + m]", "rng.integers(0, len(kind), m)"),
    "chosen anew for each pack": _but(PACKS, "order[start:start + m]", "rng.choice(len(kind), m, replace=False)"),
    "the rest is filled up": _but(PACKS, "len(kind) - m + 1, m", "len(kind), m", "order[start:start + m]",
                                  "np.resize(order[start:], m)"),
    "one pack too few": _but(PACKS, "len(kind) - m + 1", "len(kind) - m"),
    "chance of its own": _but(PACKS, "rng.permutation", "np.random.default_rng().permutation"),
    "a label for each sample": _but(PACKS, "labels.append(label)", "labels += [label] * m"),
    "shuffled in place": _but(PACKS, "order = rng.permutation(len(kind))",
                              "rng.shuffle(kind)\n        order = np.arange(len(kind))"),
    "numbers are shuffled": _but(PACKS, "kind[chosen].reshape(-1)", "rng.permutation(kind[chosen].reshape(-1))"),
}

BENIGN["packs"] = {
    "loops": PACKS,
    "the packs shuffled, too": _but(
        PACKS, "return np.array(rows), np.array(labels)",
        "order = rng.permutation(len(rows))\n    return np.array(rows)[order], np.array(labels)[order]"),
    "reshape": """
def packs(real, fake, m, rng):
    def of(kind):
        many = len(kind) // m
        return rng.permutation(kind)[:many * m].reshape(many, m * kind.shape[1])

    fakes, reals = of(fake), of(real)
    return [np.vstack([fakes, reals]), np.concatenate([np.zeros(len(fakes)), np.ones(len(reals))])]
""",
    "booleans": _but(PACKS, "np.array(labels)", "np.array(labels) == 1"),
    "lists": _but(PACKS, "return np.array(rows), np.array(labels)", "return [row.tolist() for row in rows], labels"),
    "hstack of columns": """
def packs(real, fake, m, rng):
    made = []
    for kind in (real, fake):
        mixed = kind[rng.permutation(len(kind))]
        many = len(kind) // m
        made.append(np.hstack([mixed[i * many:(i + 1) * many] for i in range(m)]))
    return np.concatenate(made).astype(np.float32), np.repeat([1, 0], [len(part) for part in made])
""",
}
