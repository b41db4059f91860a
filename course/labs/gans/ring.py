"""Lab 8c. A ring of eight: a GAN learns eight clumps in the plane, finds all of them, or hops from one to the next.

The data and the two measures are those of Srivastava et al. (VEEGAN), NeurIPS 2017, and Lin et al. (PacGAN), NeurIPS
2018. Theirs are eight narrow clumps (sd 0.02, radius 1); ours are wider (0.1, 2), so that a training takes a second.
"""

import ipywidgets as widgets
import numpy as np

import nnlab
from course.labs.controls import Choice, Slider
from course.labs.gans.game import batches, believed, d_step, folded, g_step, modes_captured, players, pushes
from course.labs.lab import Lab
from course.labs.predict import Question
from nnlab.data import ring, ring_centers

MODES, SD, SIDE, BATCH = 8, 0.1, 3.0, 64
CENTERS = ring_centers(MODES)
ROUNDS, EVERY, SAMPLES, SHOWN, PUSHED, GRID = 2000, 10, 2500, 250, 48, 41
TICKS = np.linspace(-SIDE, SIDE, GRID)
PLANE = np.stack(np.meshgrid(TICKS, TICKS), -1).reshape(-1, 2)
# The two settings of lesson 8, R8.3a and b; in between the student finds the rest.
RECIPES = {
    "balanced": dict(g_steps=1, d_steps=1, beta1=0.5, lr=1e-3, pack=1, latent=2),
    "collapse": dict(g_steps=10, d_steps=1, beta1=0.9, lr=1e-3, pack=1, latent=2),
}
OWN = "your own"


def arrows(start, along):
    """Arrows as strokes, a shaft and two for the head: (n, 2), (n, 2) -> (3 n, 2, 2)"""
    end, turned = start + along, along[:, ::-1] * [-1, 1]
    heads = [np.stack([end, end - 0.35 * along + side * turned], 1) for side in (0.2, -0.2)]
    return np.concatenate([np.stack([start, end], 1), *heads])


class RingOfEight(Lab):
    """A GAN in the plane: its fakes, what D believes, how it pushes the fakes, modes and quality round by round.

    A step of the lab is 10 rounds; `step_d()` and `step_g()` take a single step of one player. `use(d_step=...,
    g_step=..., modes_captured=...)` runs the student's.
    """

    id, title = "8c", "A ring of eight"
    controls = dict(
        recipe=Choice((*RECIPES, OWN), "balanced", "recipe"),
        g_steps=Slider(1, 10, 1, 1, "G steps a round", live=True),
        d_steps=Slider(1, 5, 1, 1, "D steps a round", live=True),
        beta1=Slider(0.0, 0.9, 0.5, 0.1, "Adam's β₁", live=True),
        lr=Slider(1e-4, 1e-2, 1e-3, 0.25, "learning rate", log=True, live=True),
        pack=Choice((1, 2), 1, "packing"),
        latent=Choice((1, 2, 8), 2, "noise numbers"),
        shown=Choice(("pushes on the fakes", "the folded noise"), "pushes on the fakes", "show", live=True),
        seed=Slider(0, 20, 0, 1, "other start"),
    )
    uses = dict(
        d_step=(d_step, lambda G, D, optimizer, real, noise: (), "the loss, one number"),
        g_step=(g_step, lambda G, D, optimizer, n, noise: (), "the loss, one number"),
        modes_captured=(modes_captured, lambda samples, centers, sd: (), "one number"),
    )
    question = Question(
        "In a round each player takes one step, and this GAN finds all eight clumps. Now the generator gets ten steps "
        "a round, ten times the practice, and more momentum. Does that help it?",
        ("yes: it learns faster", "it changes little", "no: it ends up on one clump at a time, or on none"),
        "no: it ends up on one clump at a time, or on none",
        "Against a discriminator that stands still, the best answer is a single place: the one it believes in most. "
        "Ten steps carry all fakes there, the discriminator then marks that place as false, and all of them move on.",
        skippable=False,
    )
    panels, size, per_frame = (("plane", "modes"), ("plane", "quality"), ("plane", "history")), (800, 500), 1
    grid = dict(width_ratios=(1.75, 1))
    _turn = "round"

    # -- the buttons of one player ----

    def _layout(self):
        page = super()._layout()
        self._single = [widgets.Button(description=words, layout={"width": "auto"})
                        for words in ("one step of D", "one step of G")]
        for button, step in zip(self._single, (self.step_d, self.step_g), strict=True):
            button.on_click(lambda _, step=step: step())
        row = page.children[-1].children[0]
        row.children = (*row.children, widgets.HBox(self._single))
        return page

    def _bar(self, barred):
        super()._bar(barred)
        for button in self._single:
            button.disabled = barred

    def step_d(self):
        """A single step of the discriminator."""
        return self._take("D")

    def step_g(self):
        """A single step of the generator."""
        return self._take("G")

    def _take(self, turn):
        self._turn = turn
        try:
            self.pause()
            self._do(lambda: self._advance(1))
            self._worker.wait(5)
        finally:
            self._turn = "round"
        return self

    def _parameters(self):
        return super()._parameters() | dict(turn=self._turn)

    def _changed(self, *names):
        """A recipe sets the other controls; a control that moves away from it makes it your own."""
        if self._holding:
            return
        values = self.values
        chosen = RECIPES.get(values["recipe"], {})
        self._holding = True
        try:
            if "recipe" in names:
                for name in chosen.keys() - set(names):
                    self._widgets[name].value = chosen[name]
                names = (*names, *chosen)
            if any(self.values[name] != value for name, value in chosen.items()):
                self._widgets["recipe"].value = OWN
        finally:
            self._holding = False
        super()._changed(*names)

    # -- the training ----

    @staticmethod
    def train(recipe, g_steps, d_steps, beta1, lr, pack, latent, shown, seed, d_step, g_step, modes_captured, turn):
        G, D, g_adam, d_adam, noise = players(latent, pack, lr, beta1, seed)
        rng = np.random.default_rng([seed, 1])
        data = ring(4096, rng=rng)[0]
        real = batches(data, rng, BATCH)
        z = rng.standard_normal((SHOWN, latent)).astype(np.float32)  # always the same, so that one sees where they go
        fresh = rng.standard_normal((SAMPLES, latent)).astype(np.float32)
        now = dict(modes_captured=modes_captured)
        rounds, single, losses, curves, history = 0, [0, 0], (np.nan, np.nan), [], []

        def state():
            samples = nnlab.predict(G, fresh)
            squares = np.square(samples[:, :1] - CENTERS[:, 0]) + np.square(samples[:, 1:] - CENTERS[:, 1])
            share = np.bincount(squares.argmin(1), minlength=MODES) / SAMPLES
            quality = float((squares.min(1) <= (3 * SD) ** 2).mean())
            row = rounds, int(now["modes_captured"](samples, CENTERS, SD)), quality
            if curves and curves[-1][0] == rounds:
                curves[-1], history[-1] = row, share
            else:
                curves.append(row)
                history.append(share)
            fakes = nnlab.predict(G, z)
            return dict(
                real=data[:SHOWN], fakes=fakes, belief=believed(D, PLANE, data[:3]).reshape(GRID, GRID),
                pushes=pushes(D, fakes[:PUSHED]), net=folded(G, latent), curves=np.array(curves),
                history=np.array(history), losses=losses, rounds=rounds, single=tuple(single))

        now = yield state()
        while rounds < ROUNDS:
            for adam in (g_adam, d_adam):
                adam.lr = now["lr"]
                adam.param_groups[0]["betas"] = (now["beta1"], 0.999)
            if now["turn"] == "D":
                losses = float(now["d_step"](G, D, d_adam, next(real), noise)), losses[1]
                single[0] += 1
            elif now["turn"] == "G":
                losses = losses[0], float(now["g_step"](G, D, g_adam, BATCH, noise))
                single[1] += 1
            else:
                for _ in range(EVERY):
                    for _ in range(now["d_steps"]):
                        d_loss = now["d_step"](G, D, d_adam, next(real), noise)
                    for _ in range(now["g_steps"]):
                        g_loss = now["g_step"](G, D, g_adam, BATCH, noise)
                losses, rounds = (float(d_loss), float(g_loss)), rounds + EVERY
            now = yield state()

    # -- the picture ----

    def draw(self, view, r):
        style, plane = view.style, view["plane"]
        plane.frame(xlim=(-SIDE, SIDE), ylim=(-SIDE, SIDE), aspect="equal", ticks=False,
                    title="Real ● and fake ▲ on what D believes")
        plane.image("belief", r.belief, (-SIDE, SIDE, -SIDE, SIDE), smooth=True)
        plane.points("real", *r.real.T, kind=1, size=4.5, alpha=0.9, z=2)
        fakes = np.clip(r.fakes, -1.2 * SIDE, 1.2 * SIDE)
        if self.values["shown"] == "the folded noise" and r.net is not None:
            plane.segments("net", list(r.net), colors=[style.ink] * len(r.net), widths=[0.8] * len(r.net), z=2.5)
        plane.points("fakes", *fakes.T, kind=0, size=5.5, z=3)
        if self.values["shown"] != "the folded noise":
            size = np.linalg.norm(r.pushes, axis=1, keepdims=True)
            scale = min(0.7, 0.3 / max(float(np.median(size)), 1e-9))  # half of them longer than 0.3
            along = r.pushes * np.minimum(scale, 0.75 / np.maximum(size, 1e-9))
            strokes = arrows(fakes[:PUSHED], along)
            plane.segments("pushes", strokes, colors=[style.ink] * len(strokes), widths=[1.1] * len(strokes), z=4)
        rounds, modes, quality = r.curves.T
        panel = view["modes"]
        panel.frame(xlim=(0, ROUNDS), ylim=(0, 8.6), yticks={0: "0", 4: "4", 8: "8"}, grid=True,
                    xticks={0: "", 1000: "", 2000: ""}, title=f"Modes captured: {modes[-1]:.0f} of 8")
        panel.line("modes", rounds, modes, color=style.accent, width=2)
        panel.points("now", rounds[-1:], modes[-1:], marker="o", color=style.accent, size=7)
        panel = view["quality"]
        panel.frame(xlim=(0, ROUNDS), ylim=(0, 1.06), yticks={0: "0", 0.5: "50 %", 1: "100 %"}, grid=True,
                    xticks={0: "", 1000: "", 2000: ""}, title=f"High-quality samples: {quality[-1]:.0%}")
        panel.line("quality", rounds, quality, color=style.accent, width=2)
        panel.points("now", rounds[-1:], quality[-1:], marker="o", color=style.accent, size=7)
        panel = view["history"]
        panel.frame(xlim=(0, ROUNDS), ylim=(-0.5, 7.5), x="round", yticks={0: "1", 7: "8"},
                    xticks={0: "0", 1000: "1000", 2000: "2000"}, title="Mode the fakes are nearest to")
        table = np.full((MODES, ROUNDS // EVERY + 1), np.nan)
        table[:, :len(r.history)] = r.history.T
        panel.image("history", table, (-EVERY / 2, ROUNDS + EVERY / 2, -0.5, 7.5), vmin=-0.6, vmax=0.6)

    def tell(self, r):
        _, modes, quality = r.curves[-1]
        alone = f", and {r.single[0]} single steps of D, {r.single[1]} of G" if any(r.single) else ""
        losses = ("not yet" if np.isnan(loss) else f"{loss:.2f}" for loss in r.losses)
        return (f"After {r.rounds} rounds{alone} the fakes are at {modes:.0f} of the 8 clumps.",
                {"round": str(r.rounds), "modes captured": f"{modes:.0f}", "high quality": f"{quality:.2f}",
                 "loss of D": next(losses), "loss of G": next(losses)})
