"""Lab 1c. XOR needs a hidden layer: what the hidden neurons see is the plane folded, and there one line is enough."""

import numpy as np

import nnlab
from course.labs.controls import Choice, Slider
from course.labs.lab import Lab
from course.labs.predict import Question
from nnlab.functional import binary_cross_entropy_with_logits, sigmoid

X = np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]], np.float32)
Y = np.array([0, 1, 1, 0])
SIDE, GRID, STEPS = 1.8, 61, 600
TICKS = np.linspace(-SIDE, SIDE, GRID)
PLANE = np.stack(np.meshgrid(TICKS, TICKS), -1).reshape(-1, 2).astype(np.float32)
UPRIGHT = np.stack(np.meshgrid(np.linspace(-1, 1, 9), np.linspace(-1, 1, 17), indexing="ij"), -1)
WIRES = np.concatenate([UPRIGHT, UPRIGHT[..., ::-1]])  # (18, 17, 2): nine lines each way, of 17 points


def net(hidden, activation, rng):
    """2 inputs, `hidden` neurons (0: none), one output that gives a logit."""
    activation = None if activation == "linear" else activation
    return nnlab.MLP(2, hidden, 1, activation=activation, rng=rng) if hidden else nnlab.MLP(2, 1, rng=rng)


class Xor(Lab):
    """A net learns XOR; beside its decision map the same points as its hidden neurons see them."""

    id, title = "1c", "XOR needs a hidden layer"
    controls = dict(
        hidden=Slider(0, 8, 0, 1, "hidden neurons"),
        activation=Choice(("relu", "tanh", "linear"), "relu", "activation"),
        lr=Slider(0.001, 1.0, 0.05, 0.1, "learning rate", log=True, live=True),
        seed=Slider(0, 30, 0, 1, "other start"),
    )
    question = Question(
        "XOR with 8 hidden neurons that are all linear: how many of the 4 corners can the best such net get right?",
        ("2 of 4 (50 %)", "3 of 4 (75 %)", "4 of 4 (100 %)"),
        "3 of 4 (75 %)",
        "Linear after linear is linear: eight such neurons draw one line, and the best line leaves one corner on the "
        "wrong side. Training does not even find that one: the loss is smallest where every answer is one half.",
        skippable=False,
    )
    panels, size, per_frame = (("plane", "hidden"), ("loss", "loss")), (760, 500), 5
    grid = dict(height_ratios=(3.2, 1))

    @staticmethod
    def train(hidden, activation, lr, seed):
        model = net(hidden, activation, seed)
        optimizer = nnlab.Adam(model.parameters(), lr=lr)
        losses = []

        def state():
            with nnlab.no_grad():
                inner = model.layers[0] if hidden else None
                out = model.layers[-1]
                return dict(plane=sigmoid.f(model(PLANE).data).reshape(GRID, GRID), p=sigmoid.f(model(X).data)[:, 0],
                            h=inner(X).data if hidden else X, wires=(inner(WIRES).data if hidden else WIRES),
                            out=(out.weight.data[:, 0].copy(), out.bias.data[0].item()),
                            losses=tuple(losses), hidden=hidden)

        optimizer.lr = (yield state())["lr"]
        for step in nnlab.fit_steps(model, X, Y, binary_cross_entropy_with_logits, optimizer, epochs=STEPS):
            losses.append(step.loss)
            optimizer.lr = (yield state())["lr"]

    def draw(self, view, r):
        style, plane, space, loss = view.style, view["plane"], view["hidden"], view["loss"]
        plane.frame(xlim=(-SIDE, SIDE), ylim=(-SIDE, SIDE), aspect="equal", x="x₁", y="x₂",
                    title="What the net answers")
        plane.image("map", r.plane, (-SIDE, SIDE, -SIDE, SIDE), smooth=True)
        plane.classes("corners", X, Y, size=13)
        many = ("along the output's weights", "across them")
        names = {0: ("x₁", "x₂"), 1: ("h₁", ""), 2: ("h₁", "h₂")}.get(r.hidden, many)
        flatten, line = self._project(r)
        wires = flatten(r.wires.reshape(-1, r.wires.shape[-1])).reshape(*r.wires.shape[:2], 2)
        low, high = wires.reshape(-1, 2).min(0), wires.reshape(-1, 2).max(0)
        # Limits in big steps, since each step paints anew all that stands still.
        reach = 2 ** (np.ceil(2 * np.log2(max(0.7 * (high - low).max(), 0.5))) / 2)
        middle = np.round((low + high) / reach) * reach / 2
        space.frame(xlim=(middle[0] - reach, middle[0] + reach), ylim=(middle[1] - reach, middle[1] + reach),
                    aspect="equal", x=names[0], y=names[1], title="What the output neuron sees")
        space.segments("wires", list(wires), colors=[style.faint] * len(wires), widths=[0.7] * len(wires))
        space.classes("corners", flatten(r.h), Y, size=13)
        if line is not None:
            space.line("line", *line(reach * 3 + np.abs(middle).max()), width=2.4)
        top = max(1.0, np.ceil(2 * max(r.losses, default=0)) / 2)
        loss.frame(xlim=(0, STEPS), ylim=(0, top), x="step", y="loss", grid=True)
        loss.line("guess", [0, STEPS], [np.log(2)] * 2, color=style.faint, width=1, dash=":")
        loss.text("words", STEPS * 0.99, np.log(2), "ln 2: always answering one half", color=style.faint, ha="right",
                  va="bottom", size=8.5)
        loss.line("loss", np.arange(len(r.losses)), r.losses, color=style.positive)

    @staticmethod
    def _project(r):
        """The hidden space as a plane: as it is up to two neurons; for more, along the output's weights and across."""
        v, c = r.out
        if len(v) <= 2:
            v = np.append(v, 0.0) if len(v) == 1 else v
            flatten = lambda h: h if h.shape[1] == 2 else np.c_[h, np.zeros(len(h))]
        else:
            first = v / (np.linalg.norm(v) + 1e-12)
            spread = r.wires.reshape(-1, len(v))
            spread = spread - spread.mean(0)
            spread = spread - np.outer(spread @ first, first)
            second = np.linalg.eigh(spread.T @ spread)[1][:, -1]
            axes = np.stack([first, second * np.sign(second[np.abs(second).argmax()])], 1)
            flatten, v = (lambda h: h @ axes), np.array([np.linalg.norm(v), 0.0])
        size = np.linalg.norm(v)
        if size < 1e-9:
            return flatten, None
        foot, along = -c * v / size**2, np.array([-v[1], v[0]]) / size
        return flatten, lambda far: np.stack([foot - far * along, foot + far * along], 1)

    def tell(self, r):
        right = int(((r.p > 0.501) == Y).sum())  # where training ends at one half, it does so up to rounding
        return (f"A net with {r.hidden or 'no'} hidden neuron{'s' * (r.hidden != 1)} answers the four corners of XOR.",
                {"right": f"{right} of 4", "answers": ", ".join(f"{p:.2f}" for p in r.p),
                 "loss": f"{r.losses[-1]:.3f}" if r.losses else "not trained yet", "step": str(len(r.losses))})
