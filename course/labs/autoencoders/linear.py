"""Lab 7b. A linear autoencoder is PCA: same loss, same plane, but no axes of its own.

P. Baldi and K. Hornik, Neural Networks 2 (1989): the minima are the codes whose decoder spans the k widest directions;
every other point with slope 0 is a saddle.
"""

import numpy as np

import nnlab
from course.labs.controls import Slider
from course.labs.lab import Lab
from course.labs.predict import Question
from nnlab.metrics import principal_angles
from nnlab.pca import PCA

SPREADS = np.array([1.0, 0.9, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1])
STEPS, TAKEN, LR = 1500, 5, 2.0


def cloud(seed, n=500):
    """n points in 8 dimensions, as wide as SPREADS along eight turned axes, of mean 0. -> float64 (n, 8)"""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, 8)) * SPREADS
    return (X - X.mean(0)) @ np.linalg.qr(rng.standard_normal((8, 8)))[0]


def descend(X, k, seed, lr=LR):
    """Gradient descent on a linear autoencoder. -> (model, its steps without end: each gives the loss before it)"""
    model = nnlab.Autoencoder(8, k, activation=None, dtype=np.float64, rng=seed)
    descent = nnlab.SGD(model.parameters(), lr=lr)

    def steps():
        while True:
            descent.zero_grad()
            loss = model.loss(X)
            loss.backward()
            descent.step()
            yield loss.item()

    return model, steps()


def degrees(model, pca):
    """The largest principal angle between PCA's plane and the decoder's span, and the encoder's, in degrees."""
    decoder, encoder = model.decoder.layers[0].weight.data.T, model.encoder.layers[0].weight.data
    return tuple(float(np.degrees(principal_angles(W, pca.components_.T)).max()) for W in (decoder, encoder))


class LinearIsPCA(Lab):
    """Gradient descent on a linear autoencoder: its loss above PCA's, its angle to PCA's plane, its columns in it."""

    id, title = "7b", "A linear autoencoder is PCA"
    controls = dict(
        k=Slider(1, 3, 2, 1, "code size k"),
        start=Slider(0, 30, 0, 1, "other start"),
        seed=Slider(0, 20, 0, 1, "other data"),
    )
    question = Question(
        "A linear autoencoder with code size 2 is trained until its loss is PCA's. Will the two columns of its decoder "
        "be the two eigenvectors that PCA finds?",
        ("Yes, up to the sign", "No, but they span the same plane", "No, it finds another plane"),
        "No, but they span the same plane",
        "Mix the two codes with any invertible matrix and let the decoder undo it: nothing has changed in the "
        "reconstruction. So nothing in the loss says where in the plane the axes should point.",
    )
    panels, size = (("plane", "angles"), ("plane", "gap")), (760, 420)
    grid = dict(width_ratios=(1, 1.15))

    @staticmethod
    def train(k, start, seed):
        X = cloud(seed)
        pca = PCA(k).fit(X)
        axes = PCA(2).fit(X)
        best = float(pca.eigenvalues_[k:].sum() / 8)
        model, steps = descend(X, k, start)
        angles, gaps, trail = [], [], []

        def state():
            angles.append(degrees(model, pca))
            gaps.append(model.loss(X).item() / best - 1)
            columns = model.decoder.layers[0].weight.data @ axes.components_.T  # (k, 2): in the plane of v1, v2
            trail.append(columns / np.linalg.norm(model.decoder.layers[0].weight.data, axis=1, keepdims=True))
            return dict(k=k, angles=np.array(angles), gaps=np.array(gaps), trail=np.array(trail), best=best,
                        points=axes.transform(X)[:250])

        yield state()
        for _ in range(STEPS // TAKEN):
            for _ in range(TAKEN):
                next(steps)
            yield state()

    def draw(self, view, r):
        style, plane = view.style, view["plane"]
        plane.frame(xlim=(-2.3, 2.3), ylim=(-2.3, 2.3), aspect="equal", x="along v₁", y="along v₂",
                    title="The plane of PCA's first two")
        plane.points("cloud", *r.points.T, color=style.faint, marker="o", size=3.2, alpha=0.45, z=1)
        circle = np.linspace(0, 2 * np.pi, 80)
        plane.line("reach", 2 * np.cos(circle), 2 * np.sin(circle), color=style.grid, width=1, z=1.5)
        for i, (x, y) in enumerate(((2, 0), (0, 2))[:min(r.k, 2)]):
            plane.arrow(f"v{i}", (0, 0), (x, y), color=style.negative, width=2.6)
            plane.text(f"v name{i}", x * 0.93 + 0.1 * (i == 1), y * 0.93 + 0.18 * (i == 0), f"v{'₁₂'[i]}",
                       color=style.negative, size=11, ha="center" if i == 0 else "left", still=True)
        for i in range(r.k):
            end = 2 * r.trail[-1, i]
            plane.line(f"trail{i}", *(2 * r.trail[:, i]).T, color=style.positive, width=1, alpha=0.5, z=3)
            plane.arrow(f"column{i}", (0, 0), end, color=style.positive, width=2.2)
        plane.text("names", 0.03, 0.034, "orange: eigenvectors   blue: decoder", inside=True, size=9.5,
                   color=style.faint, still=True)
        steps = np.arange(len(r.gaps)) * TAKEN
        for name, title, low, top in (("angles", "Angle to PCA's plane, degrees", 1e-2, 100),
                                      ("gap", "Loss above PCA's, as a share of it", 1e-7, 10)):
            view[name].frame(xlim=(0, STEPS), ylim=(low, top), yscale="log", grid=True, title=title,
                             x="step" if name == "gap" else "")
        view["angles"].line("decoder", steps, np.maximum(r.angles[:, 0], 1e-3), color=style.positive, width=2.4)
        view["angles"].line("encoder", steps, np.maximum(r.angles[:, 1], 1e-3), color=style.accent, width=2, dash="--")
        view["angles"].text("names", 0.97, 0.88, "-- encoder", inside=True, ha="right", color=style.accent, size=9.5,
                            still=True)
        view["angles"].text("names2", 0.97, 0.72, "decoder", inside=True, ha="right", color=style.positive, size=9.5,
                            still=True)
        view["gap"].line("gap", steps, np.maximum(r.gaps, 1e-9), color=style.positive, width=2.4)

    def tell(self, r):
        decoder, encoder = r.angles[-1]
        return (f"A linear autoencoder with code size {r.k} after {(len(r.gaps) - 1) * TAKEN} steps: its decoder's "
                f"span is {decoder:.2f} degrees away from PCA's.",
                {"decoder": f"{decoder:.3f}°", "encoder": f"{encoder:.3f}°", "loss above PCA's": f"{r.gaps[-1]:.1e}",
                 "PCA's loss": f"{r.best:.4f}"})
