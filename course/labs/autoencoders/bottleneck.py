"""Lab 7a. The bottleneck: the same few numbers, used by PCA and by an autoencoder, on the same axes.

K. Pearson, Phil. Magazine 2 (1901); G. Hinton and R. Salakhutdinov, Science 313 (2006).
"""

import numpy as np

import nnlab
from course.labs.autoencoders import shapes
from course.labs.controls import Choice, Slider
from course.labs.lab import Lab
from course.labs.overfitting.few import mosaic
from course.labs.predict import Question
from nnlab.functional import mse_loss

POINTS, BATCH, STEPS, TAKEN, SHOWN, MISSED = 500, 64, 1600, 10, 200, 45


def pca_reconstruct(X, k):
    """The best reconstruction of X from k numbers for each row by a linear code, and the share of the variance that
    each of the k explains. X: (N, d) -> (N, d), (k,)"""
    pca = nnlab.PCA(k).fit(X)
    return pca.inverse_transform(pca.transform(X)), pca.explained_variance_ratio_


def network(d, k, net="deep", seed=0):
    """The autoencoder of this lab: d-64-32-k-32-64-d with tanh, or linear without hidden layers."""
    hidden, activation = ((64, 32), "tanh") if net == "deep" else ((), None)
    return nnlab.Autoencoder(d, *hidden, k, activation=activation, rng=seed)


def training(model, X, seed, steps=STEPS):
    """Adam whose rate falls along a cosine to 0. -> the steps"""
    adam = nnlab.Adam(model.parameters(), lr=0.01)
    rate = nnlab.optim.CosineAnnealingLR(adam, steps)
    epochs = -(-steps // -(-len(X) // BATCH))
    for step in nnlab.fit_steps(model, X, X, mse_loss, adam, epochs=epochs, batch_size=BATCH, rng=seed):
        rate.step()
        yield step
        if step.step == steps:
            return


class Bottleneck(Lab):
    """A code of k numbers: PCA's reconstruction and an autoencoder's, as it learns. `use(pca_reconstruct)`."""

    id, title = "7a", "The bottleneck"
    controls = dict(
        data=Choice(("line", "curve", "swiss roll", "digits"), "curve", "data"),
        k=Slider(1, 4, 1, 1, "code size k"),
        net=Choice(("deep", "linear"), "deep", "autoencoder"),
        turn=Slider(-180, 180, -35, 5, "turn the view", live=True),
        seed=Slider(0, 20, 0, 1, "other start"),
    )
    uses = dict(pca_reconstruct=(pca_reconstruct, lambda X, k: [X.shape, (k,)],
                                 "the reconstruction and the k explained shares"))
    question = Question(
        "Points lie along a curve that bends through 16-dimensional space, in four of its directions. An autoencoder "
        "needs 1 number for each point. How many numbers does PCA need to be as good?",
        ("1: a number is a number", "2", "4", "16"),
        "4",
        "PCA's code is just as good a place to put a number. But it can only build straight things of it: a line, a "
        "plane, ... The curve bends into four directions, so it takes four. A decoder with hidden layers bends along.",
        skippable=False,
    )
    panels, size, per_frame = (("space", "error"),), (760, 420), 1
    grid = dict(width_ratios=(1.35, 1))

    @staticmethod
    def train(data, k, net, turn, seed, pca_reconstruct):
        X, V = shapes.draw(data, POINTS, seed), shapes.fresh(data, POINTS, seed)
        k = min(k, X.shape[1])
        model = network(X.shape[1], k, net, seed)
        planes = [nnlab.PCA(min(j, X.shape[1])).fit(X) for j in (1, 2, 3, 4)]
        back = lambda pca, A: pca.inverse_transform(pca.transform(A))
        show = shapes.one_of_each() if data == "digits" else X[:SHOWN]
        theirs = back(planes[k - 1], show) if data == "digits" else np.asarray(pca_reconstruct(X, k)[0])[:SHOWN]
        fixed = dict(data=data, k=k, net=net, d=X.shape[1], show=show, theirs=theirs, axes=planes[2],
                     pca_errors=[float(np.square(V - back(p, V)).mean()) for p in planes],
                     pca_sheet=sheet(planes[k - 1].transform(X), planes[k - 1].inverse_transform),
                     look=lambda turn, **others: dict(turn=turn))
        errors = []

        def state(turn):
            errors.append(float(np.square(nnlab.predict(model, V) - V).mean()))
            with nnlab.no_grad():
                ours = sheet(model.encode(X).data, lambda z: model.decode(z).data)
            return fixed | dict(ours=nnlab.predict(model, show), errors=tuple(errors), sheet=ours, turn=turn)

        now = yield state(turn)
        for step in training(model, X, seed):
            if step.step % TAKEN == 0:
                now = yield state(now["turn"])

    def draw(self, view, r):
        style, error = view.style, view["error"]
        (self._digits if r.data == "digits" else self._space)(view["space"], r, style)
        scale, low, top = ("linear", 0.0, 0.08) if r.data == "digits" else ("log", 1e-4, 1.0)
        error.frame(xlim=(0, STEPS), ylim=(low, top), yscale=scale, x="training step", grid=True,
                    xticks={at: at for at in range(0, STEPS, 400)}, title="Squared error on fresh data")
        floor = shapes.NOISE**2 if r.data != "digits" else 0.0
        below = [j for j, e in enumerate(r.pca_errors, 1)
                 if low <= e < floor and (len(r.errors) > 1 or j == r.k)]
        for j, e in enumerate(r.pca_errors, 1):
            mine = j == r.k
            if e < low or (len(r.errors) == 1 and not mine):  # before the training: the question asks about the others
                continue
            error.line(f"pca{j}", [0, STEPS], [e, e], color=style.negative, width=2.4 if mine else 1.0,
                       dash="-" if mine else "--")
            if j not in below:
                error.text(f"name{j}", STEPS * 0.985, e * (1.04 if scale == "log" else 1.0),
                           f"PCA, {j} number{'s' * (j > 1)}", ha="right", va="bottom", size=9, color=style.negative)
        if below:  # near together: one name for all
            which = f"{below[0]} to {below[-1]}" if len(below) > 1 else str(below[0])
            error.text("name below", STEPS * 0.985, 0.94 * r.pca_errors[below[-1] - 1], va="top", ha="right", size=9,
                       words=f"PCA, {which} number{'s' * (below[-1] > 1)}", color=style.negative)
        if floor:
            error.line("floor", [0, STEPS], [floor] * 2, color=style.faint, width=1, dash=":")
            error.text("floor name", STEPS * 0.02, 0.42 * floor, "··· the noise in the data", size=9, color=style.faint,
                       still=True)
        at, shown = np.arange(len(r.errors)) * TAKEN, np.clip(r.errors, low, top)
        error.line("ours", at, shown, color=style.positive, width=2.6)
        error.points("now", at[-1:], shown[-1:], kind=1, size=8)
        error.text("ours name", 0.97, 0.97, f"● {r.net} autoencoder, {r.k} number{'s' * (r.k > 1)}", inside=True,
                   va="top", ha="right", size=9.5, color=style.positive)

    @staticmethod
    def _space(panel, r, style):
        flat = _projection(r.axes, r.turn, r.d == 3)
        panel.frame(xlim=(-1.45, 1.45), ylim=(-1.6, 1.4), ticks=False, aspect="equal",
                    title="The data" if r.d == 3 else "The data, in the three widest of 16 directions")
        own, theirs, ours = flat(r.show), flat(r.theirs), flat(r.ours)
        missed = np.stack([own, theirs], 1)[:MISSED]
        panel.segments("missed", list(missed), colors=[style.negative] * MISSED, widths=[0.5] * MISSED, z=1.5)
        panel.points("own", own[:, 0], own[:, 1], color=style.faint, marker="o", size=5, alpha=0.55, z=2)
        panel.points("theirs", theirs[:, 0], theirs[:, 1], kind=0, size=4.2, z=4)
        panel.points("ours", ours[:, 0], ours[:, 1], kind=1, size=4.2, z=5)
        for name, wires, color in (("their", r.pca_sheet, style.negative), ("our", r.sheet, style.positive)):
            lines = [flat(wire) for wire in wires]
            if lines:
                panel.segments(f"{name} sheet", lines, colors=[color] * len(lines), z=3,
                               widths=[2.4 if len(lines) == 1 else 0.6] * len(lines))
        for name, x, words, color in (("data", 0.02, "● the data", style.faint),
                                      ("pca", 0.28, f"▲ PCA, k = {r.k}", style.negative),
                                      ("ae", 0.58, f"● autoencoder, k = {r.k}", style.positive)):
            panel.text(name, x, 0.04, words, inside=True, color=color, box=True)

    @staticmethod
    def _digits(panel, r, style):
        panel.frame(xlim=(-15, 49), ylim=(-2, 65), ticks=False, aspect="equal",
                    title="Held-out digits, and what comes back")
        for block, bottom in ((0, 34), (1, 0)):
            some = slice(5 * block, 5 * block + 5)
            rows = np.concatenate([r.show[some], r.theirs[some], r.ours[some]])
            panel.image(f"digits{block}", mosaic(rows, 5), (0, 48, bottom, bottom + 28), cmap=style.grey)
            for i, (words, color) in enumerate((("digit", style.ink), (f"PCA, {r.k}", style.negative),
                                                (f"net, {r.k}", style.positive))):
                panel.text(f"row{block}{i}", -1.5, bottom + 24 - 10 * i, words, ha="right", color=color, still=True)

    def tell(self, r):
        numbers = {"k": str(r.k), "step": str((len(r.errors) - 1) * TAKEN), "PCA": f"{r.pca_errors[r.k - 1]:.5f}",
                   "autoencoder": f"{r.errors[-1]:.5f}"}
        better = [j for j, e in enumerate(r.pca_errors, 1) if r.errors[-1] < e]
        what = f"better than PCA with {max(better)}" if better else "not yet as good as PCA with 1"
        return (f"The {r.data} through a code of {r.k}: PCA beside a {r.net} autoencoder, which is {what}.",
                numbers | {"view turned": f"{r.turn}°"} if r.data != "digits" else numbers)


def sheet(codes, decode, fine=48, lines=8):
    """What a decoder can build: for codes (N, 1) a curve, for (N, 2) a net of lines, over the codes it has seen.

    -> a list of polylines (points, d), none for larger codes
    """
    low, high = np.percentile(codes, 0.5, 0), np.percentile(codes, 99.5, 0)
    if codes.shape[1] == 1:
        return [np.asarray(decode(np.linspace(low, high, 2 * fine)))]
    if codes.shape[1] > 2:
        return []
    share = np.stack(np.meshgrid(np.linspace(0, 1, lines), np.linspace(0, 1, fine // 2), indexing="ij"), -1)
    wires = low + (high - low) * np.concatenate([share, share[..., ::-1]])  # (2 lines, fine / 2, 2)
    return list(np.asarray(decode(wires.reshape(-1, 2))).reshape(2 * lines, fine // 2, -1))


def _projection(pca, turn, as_it_is):
    """From data space to the picture: its three widest directions, turned about the upright one and tilted."""
    angle, tilt = np.radians(turn), np.radians(24)
    right = np.array([np.cos(angle), np.sin(angle)])
    back = np.array([-np.sin(angle), np.cos(angle)])

    def flat(points):
        x = np.asarray(points) if as_it_is else pca.transform(points)
        x, up, y = x[:, 0], x[:, 1], x[:, 2]
        ground = np.stack([x, y], 1)
        return np.stack([ground @ right, np.cos(tilt) * up + np.sin(tilt) * (ground @ back)], 1)

    return flat
