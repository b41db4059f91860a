"""Lab 3c. The gradient check under the microscope: too large a step sees the curve, too small a step sees rounding."""

import numpy as np

from course.labs.controls import Choice, Slider, Toggle
from course.labs.lab import Lab
from course.labs.predict import Question

W0, KINK = 0.6, 1e-4  # the weight at which the slope is asked for; how far from it the kink lies


def curve(w, kink=False):
    """The loss of one tanh neuron as a function of its weight; with `kink` a ReLU joins in just to the right of W0."""
    w = np.asarray(w)
    one = w.dtype.type
    value = (np.tanh(one(1.3) * w + one(0.2)) - one(0.3)) ** 2
    return value + np.maximum(w - one(W0 + KINK), one(0)) * kink


def slope():
    """The true dL/dw at W0."""
    t = np.tanh(1.3 * W0 + 0.2)
    return 2 * (t - 0.3) * (1 - t * t) * 1.3


def difference(h, formula="centred", dtype=np.float64, kink=False):
    """The slope at W0 by finite differences with step h, all of it computed in `dtype`. h: any shape -> the same."""
    h, w = np.asarray(h, dtype), dtype(W0)
    ahead, behind = curve(w + h, kink), curve(w - h, kink) if formula == "centred" else curve(w, kink)
    with np.errstate(all="ignore"):
        return (ahead - behind) / (2 * h if formula == "centred" else h)


def relative_error(h, **how):
    """|numeric - true| / (|numeric| + |true|), the measure of the gradient check: at most 1."""
    found, true = difference(h, **how).astype(float), slope()
    return np.abs(found - true) / (np.abs(found) + abs(true))


class GradientMicroscope(Lab):
    """A loss near one weight, as wide as the step h, and the error of the numeric slope for every h."""

    id, title = "3c", "The gradient check under the microscope"
    controls = dict(
        log10h=Slider(-14.0, 0.0, -1.0, 0.1, "log10 of h"),
        formula=Choice(("centred", "one-sided"), "centred"),
        dtype=Choice(("float64", "float32"), "float64", "numbers"),
        kink=Toggle(False, "a kink at distance 1e-4"),
    )
    question = Question(
        "Centred differences in float64: which step h finds the slope most exactly?",
        ("1e-3", "1e-5", "1e-8", "1e-12"),
        "1e-5",
        "A large h sees the bend of the curve, with an error like h². A small h divides the rounding of two nearly "
        "equal numbers by h. The two meet near the third root of 1e-16, about 5e-6.",
    )
    panels, size = (("near", "error"),), (760, 400)
    H = 10.0 ** np.arange(-14, 0.01, 0.05)

    @staticmethod
    def compute(log10h, formula, dtype, kink):
        how, h = dict(formula=formula, dtype=getattr(np, dtype), kink=kink), 10.0**log10h
        w = np.array(W0 + h * np.linspace(-2, 2, 401)).astype(dtype)
        at = np.array([W0 - h if formula == "centred" else W0, W0 + h]).astype(dtype)
        errors = np.maximum(relative_error(GradientMicroscope.H, **how), 1e-16)
        smooth = np.convolve(np.log10(errors), np.ones(9) / 9, "valid")  # rounding is noise: no single lucky h
        return dict(h=h, w=(w.astype(float) - W0) / h, L=curve(w, kink).astype(float),
                    at=(at.astype(float) - W0) / h, least=float(10 ** smooth.min()),
                    ends=curve(at, kink).astype(float), middle=float(curve(np.float64(W0))), true=slope(),
                    found=float(difference(h, **how)), error=float(max(relative_error(h, **how), 1e-16)), errors=errors,
                    best=float(GradientMicroscope.H[4 + np.argmin(smooth)]),
                    how=f"{formula}, {dtype}" + ", kink" * kink)

    def draw(self, view, r):
        near, error, style = view["near"], view["error"], view.style
        unit = abs(r.true) * r.h
        near.frame(xlim=(-2, 2), ylim=(-2.6, 2.6), x="(w − w₀) / h", y="(L − L₀) / (h · slope)",
                   title="The loss as wide as h", grid=True)
        near.line("true", [-2, 2], [-2, 2], color=style.accent, width=5, alpha=0.45)
        near.line("loss", r.w, (r.L - r.middle) / unit, color=style.ink, width=1.6)
        near.line("secant", r.at, (r.ends - r.middle) / unit, color=style.positive, width=2, marker="o", size=7)
        near.text("words", 0.04, 0.94, "green: the true slope", inside=True, color=style.accent, still=True)
        near.text("words2", 0.04, 0.87, "blue: what is measured", inside=True, color=style.positive, still=True)
        error.frame(xlim=(1e-14, 1), ylim=(1e-13, 3), xscale="log", yscale="log", x="step h", grid=True,
                    title="Relative error of the numeric slope")
        for name, level, words in (("happy", 1e-7, "1e-7: be happy"), ("wrong", 1e-2, "1e-2: something is wrong")):
            error.line(name, [1e-14, 1], [level] * 2, color=style.faint, width=1, dash=":")
            error.text(f"{name} words", 1.5e-14, level, words, size=8.5, color=style.faint, still=True,
                       va="bottom" if name == "wrong" else "top")
        error.line("errors", self.H, np.maximum(r.errors, 1.2e-13), color=style.faint, width=1.4)
        error.points("now", [r.h], [max(r.error, 1.2e-13)], kind=1, size=10)

    def tell(self, r):
        far = "it reaches over the kink" if "kink" in r.how and r.h > KINK else "it sees the bend"
        side = f"too large: {far}" if r.h > 10 * r.best else "too small: it sees rounding"
        side = "about right" if r.error < 20 * r.least else side
        return (f"The slope at w₀ by differences ({r.how}); this step is {side}.",
                {"h": f"{r.h:.1e}", "measured": f"{r.found:.8f}", "true": f"{r.true:.8f}",
                 "relative error": f"{r.error:.1e}", "best h": f"{r.best:.0e}"})
