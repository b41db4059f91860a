"""Lab 7f. The variational autoencoder: each digit becomes a small cloud of codes, and all clouds together fill a known
shape. So new codes can be drawn, and decoded.

D. Kingma and M. Welling, ICLR 2014; beta: I. Higgins et al., ICLR 2017.
"""

import numpy as np

import nnlab
from course.labs.autoencoders import shapes
from course.labs.controls import Choice, Slider
from course.labs.lab import Lab
from course.labs.overfitting.few import mosaic
from course.labs.predict import Question

EPOCHS, BATCH, SHOWN, CLOUDS, REACH, COLUMNS, ROWS = 150, 64, 300, 40, 3.6, 8, 6
CIRCLE = np.stack([np.cos(np.linspace(0, 2 * np.pi, 25)), np.sin(np.linspace(0, 2 * np.pi, 25))], 1)


def kl_gauss(mu, logvar):
    """KL(N(mu, s^2), N(0, 1)) of each row, with logvar = ln s^2. mu, logvar: (N, k) -> (N,)"""
    return 0.5 * (mu**2 + np.exp(logvar) - 1 - logvar).sum(1)


def epochs(beta, seed):
    """A variational autoencoder of the training digits, before its training and after each epoch, for EPOCHS epochs."""
    X, _ = nnlab.data.digits("train")
    model = nnlab.VariationalAutoencoder(64, 48, 24, 2, activation="tanh", beta=beta, rng=seed)
    adam = nnlab.Adam(model.parameters(), lr=0.005)
    rate = nnlab.optim.CosineAnnealingLR(adam, EPOCHS * -(-len(X) // BATCH))
    loader = nnlab.DataLoader(X, batch_size=BATCH, rng=seed)
    yield model
    for _ in range(EPOCHS):
        for batch, in loader:
            adam.zero_grad()
            model.loss(batch).backward()
            adam.step()
            rate.step()
        yield model


def nearest(pictures):
    """How far each picture is from the nearest training digit, as root of the mean squared difference, and which digit
    that is. (N, 64) -> (N,), (N,)"""
    X, y = nnlab.data.digits("train")
    squared = (pictures**2).sum(1)[:, None] + (X**2).sum(1) - 2 * pictures @ X.T
    return np.sqrt(squared.min(1).clip(0) / 64), y[squared.argmin(1)]


class Variational(Lab):
    """The clouds of codes as the training draws them together, and digits decoded from codes drawn at random.
    `use(kl_gauss)`."""

    id, title = "7f", "The variational autoencoder"
    controls = dict(
        beta=Choice((0.0, 0.003, 0.03, 0.3, 3.0), 0.03, "price β of the KL"),
        seed=Slider(0, 20, 0, 1, "other start"),
    )
    uses = dict(kl_gauss=(kl_gauss, lambda mu, logvar: (len(mu),), "one number for each row"))
    question = Question(
        "In a variational autoencoder a digit's code is not a point but a cloud, and keeping the clouds near N(0, 1) "
        "has a price β. With β = 3, what will the decoder draw?",
        ("clearer digits: the codes are in better order", "nearly the same blurred picture for every code",
         "noise"),
        "nearly the same blurred picture for every code",
        "If information costs too much, the net pays nothing and says nothing: every cloud becomes N(0, 1) itself, "
        "the code is the same for all digits, and the best answer to that is the mean digit. It is called collapse.",
    )
    panels, size = (("codes", "samples"), ("codes", "curves")), (760, 470)
    grid = dict(width_ratios=(1.2, 1), height_ratios=(1.8, 1))

    @staticmethod
    def train(beta, seed, kl_gauss):
        V, labels = nnlab.data.digits("validation")
        draws = np.random.default_rng([seed, 3]).standard_normal((COLUMNS * ROWS, 2)).astype(np.float32)
        real, rows = float(nearest(V)[0].mean()), []
        for model in epochs(beta, seed):
            model.eval()
            with nnlab.no_grad():
                mu, logvar = (t.data for t in model.posterior(V))
                samples = model.decode(draws).data
            error = float(np.square(nnlab.predict(model, V) - V).sum(1).mean() / 2)
            rows.append((error, float(np.mean(kl_gauss(mu, logvar)))))
            model.train()
            far, kinds = nearest(samples)
            yield dict(mu=mu[:SHOWN], sd=np.exp(logvar[:CLOUDS] / 2), labels=labels[:SHOWN],
                       samples=samples, draws=draws, rows=np.array(rows), beta=beta, far=float(far.mean()), real=real,
                       kinds=len(np.unique(kinds)))

    def draw(self, view, r):
        style, panel = view.style, view["codes"]
        panel.frame(xlim=(-REACH, REACH), ylim=(-REACH, REACH), aspect="equal", x="z₁", y="z₂",
                    title="Clouds of codes; green: N(0, 1), x: drawn from it")
        for radius in (1, 2):
            panel.line(f"ring{radius}", *(radius * CIRCLE).T, color=style.accent, width=1.6, dash="--", z=5)
        clouds = r.mu[:CLOUDS, None] + r.sd[:, None] * CIRCLE
        panel.segments("clouds", clouds, widths=[1.0] * CLOUDS,
                       colors=[shapes.digit_color(style, d) for d in r.labels[:CLOUDS]])
        for digit in range(10):
            some = r.mu[r.labels == digit]
            panel.points(f"digits{digit}", some[:, 0], some[:, 1], marker=f"${digit}$", size=5.8, alpha=0.85,
                         color=shapes.digit_color(style, digit), ring="none")
        panel.points("draws", *r.draws.T, color=style.accent, marker="x", size=4.5, z=5, ring=style.accent)
        samples, curves = view["samples"], view["curves"]
        side = 10 * COLUMNS - 2, 10 * ROWS - 2
        samples.frame(xlim=(-1, side[0] + 1), ylim=(-1, side[1] + 1), ticks=False, aspect="equal",
                      title="Decoded from codes drawn from N(0, 1)")
        samples.image("samples", mosaic(r.samples, COLUMNS), (0, side[0], 0, side[1]), cmap=style.grey)
        curves.frame(xlim=(0, EPOCHS), ylim=(0, 8), x="epoch", grid=True, title="On held-out digits")
        at = np.arange(len(r.rows))
        curves.line("error", at, r.rows[:, 0].clip(0, 8), color=style.negative, width=2.2)
        curves.line("kl", at, r.rows[:, 1].clip(0, 8), color=style.positive, width=2.2)
        curves.text("names", 0.97, 0.9, "blue: KL, what the codes say", inside=True, ha="right", size=9.5,
                    color=style.positive, still=True)
        curves.text("names2", 0.97, 0.76, "orange: half the squared error", inside=True, ha="right", size=9.5,
                    color=style.negative, still=True)

    def tell(self, r):
        error, kl = r.rows[-1]
        return (f"A variational autoencoder of digits with β = {r.beta:g} after {len(r.rows) - 1} epochs: its clouds "
                f"of codes, and {COLUMNS * ROWS} digits from codes drawn at random.",
                {"error": f"{error:.2f}", "KL": f"{kl:.2f}", "sd of a cloud": f"{r.sd.mean():.2f}",
                 "new ones, to the nearest digit": f"{r.far:.3f}", "held-out digits": f"{r.real:.3f}",
                 "different digits drawn": str(r.kinds)})
