"""Lab 8b. Two players, two numbers: the smallest GAN there is, and why its training goes round in circles.

Mescheder, Geiger and Nowozin, Which training methods for GANs do actually converge?, ICML 2018. R1 penalises the slope
of D at the data, psi^2 here, and so has a closed form.
"""

import numpy as np

from course.labs.controls import Choice, Slider
from course.labs.gans.ring import arrows
from course.labs.lab import Lab
from course.labs.predict import Question
from nnlab.functional import sigmoid
from nnlab.models.gan import dirac_gan

STEPS, SIDE = 500, 2.6
TICKS = np.linspace(-2.2, 2.2, 11)
PLACES = np.stack(np.meshgrid(TICKS, TICKS), -1).reshape(-1, 2)


def field(places, r1):
    """Where both want to go from (theta, psi): (n, 2) -> (n, 2)"""
    theta, psi = places.T
    slope = sigmoid.f(-theta * psi)
    return np.stack([-psi * slope, theta * slope - r1 * psi], 1)


def eigenvalues(lr, alternating, r1):
    """Those of one step near the equilibrium (0, 0), where f' = 1/2. -> (2,) complex"""
    c = lr / 2
    matrix = np.array([[1.0, -c], [c, 1 - lr * r1]])
    if alternating:  # psi answers to the theta that has just moved
        matrix[1, 1] -= c * c
    return np.linalg.eigvals(matrix).astype(complex)


class TwoPlayers(Lab):
    """The plane of theta (what G makes) and psi (D's slope), the way both want to go, and where the steps lead."""

    id, title = "8b", "Two players, two numbers"
    controls = dict(
        lr=Slider(0.01, 0.5, 0.1, 0.01, "learning rate h"),
        update=Choice(("simultaneous", "alternating"), "simultaneous", "update"),
        r1=Slider(0.0, 1.0, 0.0, 0.05, "R1 penalty"),
        theta=Slider(-2.0, 2.0, 1.0, 0.1, "start: θ"),
        psi=Slider(-2.0, 2.0, 1.0, 0.1, "start: ψ"),
    )
    question = Question(
        "All data are at 0. The generator makes one number θ, the discriminator is a straight line of slope ψ. Both "
        "take small gradient steps at the same time, from (1, 1). Where do they end?",
        ("at (0, 0): there nobody can do better", "they circle for ever", "they spiral outwards"),
        "they spiral outwards",
        "Each step is at right angles to the way to (0, 0), so it always ends a little farther out, by a factor of "
        "√(1 + h²/4) near the middle. In turns they circle; with a price on D's slope they arrive.",
    )
    panels, size = (("plane", "radius"), ("plane", "roots")), (780, 470)
    grid = dict(width_ratios=(1.5, 1))

    @staticmethod
    def compute(lr, update, r1, theta, psi):
        alternating = update == "alternating"
        path = dirac_gan(STEPS, lr, start=(theta, psi), alternating=alternating, r1=r1)
        roots = eigenvalues(lr, alternating, r1)
        return dict(path=path, field=field(PLACES, r1), roots=roots, factor=float(np.abs(roots).max()), lr=lr, r1=r1,
                    update=update)

    def draw(self, view, r):
        style, plane, panel, roots = view.style, view["plane"], view["radius"], view["roots"]
        plane.frame(xlim=(-SIDE, SIDE), ylim=(-SIDE, SIDE), aspect="equal", x="θ: what the generator makes",
                    y="ψ: the slope of the discriminator", title="Where both want to go, and where they go")
        size = np.linalg.norm(r.field, axis=1, keepdims=True)
        strokes = arrows(PLACES, r.field / np.maximum(size, 1e-9) * np.minimum(0.34, 0.1 + 0.3 * size))
        plane.segments("field", strokes, colors=[style.faint] * len(strokes), widths=[0.9] * len(strokes))
        plane.points("goal", [0], [0], marker="*", color=style.accent, size=17, z=3)
        path = np.clip(r.path[:1] if self.asking else r.path, -50, 50)
        plane.line("path", *path.T, color=style.positive, width=1.6, z=4)
        plane.points("first", *path[:12].T, kind=1, size=4.5, z=5)
        plane.points("start", *path[:1].T, marker="P", color=style.ink, size=11, z=6)
        if not self.asking:
            plane.points("end", *path[-1:].T, marker="D", color=style.negative, size=9, z=6)
        radius, steps = np.hypot(*r.path.T), np.arange(STEPS + 1)
        panel.frame(xlim=(0, STEPS), ylim=(1e-3, 30), yscale="log", x="step", grid=True,
                    title="Distance from (0, 0)", yticks={1e-3: "0.001", 1e-2: "0.01", 0.1: "0.1", 1: "1", 10: "10"})
        with np.errstate(over="ignore"):
            theory = radius[0] * r.factor ** steps
        if not self.asking:
            panel.line("theory", steps, np.clip(theory, 1e-6, 1e6), color=style.negative, width=1.6, dash="--")
            panel.line("radius", steps, np.clip(radius, 1e-6, 1e6), color=style.positive, width=2.2)
        panel.text("name", 0.03, 0.09, "dashed: factorⁿ, of the middle", inside=True, size=9, color=style.negative,
                   still=True)
        t = np.linspace(0, 2 * np.pi, 100)
        roots.frame(xlim=(0.35, 1.15), ylim=(-0.32, 0.32), aspect="equal", x="real", grid=True,
                    title="Eigenvalues of a step, unit circle", xticks={0.5: "0.5", 1: "1"},
                    yticks={-0.25: "−¼ i", 0: "0", 0.25: "¼ i"})
        roots.line("circle", np.cos(t), np.sin(t), color=style.faint, width=1.6)
        if not self.asking:
            roots.points("roots", np.clip(r.roots.real, 0.36, 1.14), r.roots.imag, kind=0, marker="o", size=10)

    def tell(self, r):
        a, b = np.hypot(*r.path[0]), np.hypot(*r.path[-1])
        if self.asking:
            return "The start, and the way both want to go from every place.", {"distance at first": f"{a:.3f}"}
        what = "spirals out" if r.factor > 1 + 1e-9 else "circles" if r.factor > 1 - 1e-9 else "comes in"
        return (f"With {r.update} steps near (0, 0) the path {what}.",
                {"distance at first": f"{a:.3f}", f"after {STEPS} steps": f"{b:.3g}",
                 "factor per step": f"{r.factor:.5f}", "√(1 + h²/4)": f"{np.sqrt(1 + r.lr**2 / 4):.5f}"})
