"""Lab 3b. Backprop in shapes: of all products of X, W and dZ only one has the shape of the gradient that is wanted."""

import numpy as np

from course.labs.controls import Choice, Slider
from course.labs.lab import Lab
from course.labs.predict import Question

PRODUCTS = {"X @ dZ": ("X", "dZ"), "Xᵀ @ dZ": ("Xᵀ", "dZ"), "dZᵀ @ X": ("dZᵀ", "X"), "dZ @ W": ("dZ", "W"),
            "dZ @ Wᵀ": ("dZ", "Wᵀ"), "W @ dZᵀ": ("W", "dZᵀ"), "dZ.sum(0)": ("1ᵀ", "dZ"), "dZ.sum(1)": ("dZ", "1")}
RIGHT = {"dW": "Xᵀ @ dZ", "dX": "dZ @ Wᵀ", "db": "dZ.sum(0)"}


def shapes(N, din, dout):
    """The shape of everything that a product may be made of; a sum is a product with a row or a column of ones."""
    s = {"X": (N, din), "W": (din, dout), "dZ": (N, dout), "1ᵀ": (1, N), "1": (dout, 1)}
    return s | {f"{name}ᵀ": s[name][::-1] for name in ("X", "W", "dZ")}


def product(name, N, din, dout):
    """The shape of one of PRODUCTS, or None where the inner sizes do not meet."""
    left, right = (shapes(N, din, dout)[part] for part in PRODUCTS[name])
    if left[1] != right[0]:
        return None
    shape = left[0], right[1]
    return {"dZ.sum(0)": shape[1:], "dZ.sum(1)": shape[:1]}.get(name, shape)


class BackpropShapes(Lab):
    """The arrays of a linear layer drawn to scale, and the products one might try for its gradients."""

    id, title = "3b", "A layer's gradients, found by their shapes"
    controls = dict(
        want=Choice(tuple(RIGHT), "dW", "wanted"),
        attempt=Choice(tuple(PRODUCTS), "X @ dZ", "try"),
        N=Slider(1, 8, 4, 1, "examples N"),
        din=Slider(1, 6, 3, 1, "inputs"),
        dout=Slider(1, 6, 2, 1, "outputs"),
    )
    question = Question(
        "A layer adds the same bias to every one of its N examples. Which shape has db?",
        ("(N, out)", "(out,)", "(N,)"),
        "(out,)",
        "A gradient has the shape of what it belongs to, always: b is (out,), so db is (out,). It was used N times, so "
        "N gradients arrive, and they are added: the sum of dZ over its rows.",
    )
    panels, size = (("given",), ("attempt",), ("table",)), (760, 540)
    grid = dict(height_ratios=(1.25, 1.25, 1))

    @staticmethod
    def compute(want, attempt, N, din, dout):
        wanted = {"dW": (din, dout), "dX": (N, din), "db": (dout,)}[want]
        results = {name: product(name, N, din, dout) for name in PRODUCTS}
        return dict(want=want, attempt=attempt, wanted=wanted, results=results, shapes=shapes(N, din, dout),
                    fits=[name for name, shape in results.items() if shape == wanted],
                    square=din == dout or N in (din, dout))

    def draw(self, view, r):
        style, given, tried, table = view.style, view["given"], view["attempt"], view["table"]
        given.frame(xlim=(0, 40), ylim=(-1.6, 8.4), ticks=False,
                    title="Forward: X @ W + b = Z.   What comes back is dZ, of Z's shape")
        x = 0.3
        for name, sign in (("X", "@"), ("W", "+"), ("b", "="), ("Z", "        "), ("dZ", "")):
            shape = {"b": (1, r.shapes["W"][1]), "Z": r.shapes["dZ"]}.get(name, r.shapes.get(name))
            x = self._box(given, style, name, shape, x, style.accent if name == "dZ" else style.ink,
                          "(out,)" if name == "b" else None)
            given.text(f"sign {name}", x + 0.95, 3.4, sign, ha="center", size=13)
            x += 1.9
        left, right = PRODUCTS[r.attempt]
        result = r.results[r.attempt]
        if result is None:
            words = f"does not multiply: {r.shapes[left][1]} columns meet {r.shapes[right][0]} rows"
        elif r.attempt == RIGHT[r.want]:
            words = f"{r.attempt} has the shape of {r.want}: {self._shape(result)}"
        elif result == r.wanted:
            words = f"has the shape of {r.want} and is wrong all the same: it fits because two sizes are equal"
        else:
            words = f"multiplies, but {self._shape(result)} is not the shape of {r.want}: {self._shape(r.wanted)}"
        good = r.attempt == RIGHT[r.want]
        tried.frame(xlim=(0, 40), ylim=(-1.6, 8.4), ticks=False, title=f"You try  {r.want} = {r.attempt}")
        color = style.accent if good else style.negative
        x = self._box(tried, style, left, r.shapes[left], 0.3, color if result is None else style.ink)
        tried.text("times", x + 0.95, 3.4, "@", ha="center", size=13)
        x = self._box(tried, style, right, r.shapes[right], x + 1.9, color if result is None else style.ink)
        tried.text("equals", x + 0.95, 3.4, "=" if result else "✗", ha="center", size=13, color=color)
        if result:
            drawn = (1, *result) if r.attempt == "dZ.sum(0)" else (*result, 1) if ".sum" in r.attempt else result
            x = self._box(tried, style, "result", drawn, x + 1.9, color, self._shape(result))
        tried.text("verdict", 39.5, 7.6, words, ha="right", color=color, size=10.5)
        table.frame(xlim=(0, 4), ylim=(-0.1, 2.6), ticks=False,
                    title=f"All eight, and which fit {r.want} {self._shape(r.wanted)}")
        for i, (name, shape) in enumerate(r.results.items()):
            fit = shape == r.wanted
            color = style.negative if fit else style.faint if shape is None else style.ink
            table.text(f"try{i}", i % 4 + 0.02, 1.9 - 1.1 * (i // 4), size=10,
                       words=f"{name}:  {self._shape(shape) if shape else '–'}" + "  ✓" * fit,
                       color=style.accent if name == RIGHT[r.want] else color)

    @staticmethod
    def _box(panel, style, name, shape, x, color, words=None):
        """An array drawn to scale, its cells as a grid, with its name and shape; returns where it ends."""
        rows, columns = shape
        y = 3.4 + rows / 2
        across = [[(x, y - i), (x + columns, y - i)] for i in range(rows + 1)]
        down = [[(x + j, y), (x + j, y - rows)] for j in range(columns + 1)]
        panel.segments(f"box {name}", np.array(across + down, float),
                       colors=[color] * (rows + columns + 2), widths=[1.2] * (rows + columns + 2))
        panel.text(f"name {name}", x + columns / 2, y + 0.75, name, ha="center", color=color, size=11, weight="bold")
        panel.text(f"shape {name}", x + columns / 2, y - rows - 0.75, words or f"({rows}, {columns})", ha="center",
                   color=style.faint, size=9)
        return x + max(columns, 1.6)

    @staticmethod
    def _shape(shape):
        return f"({shape[0]},)" if len(shape) == 1 else f"({shape[0]}, {shape[1]})"

    def tell(self, r):
        result = r.results[r.attempt]
        fits = result == r.wanted
        how = "which does not fit" if not fits else "which fits"
        how += " and is wrong all the same" * (fits and r.attempt != RIGHT[r.want])
        words = f"it gives {self._shape(result)}, {how}" if result else "its inner sizes do not meet"
        more = " Two sizes are equal here, so a shape proves less." if r.square and len(r.fits) > 1 else ""
        return (f"Wanted is {r.want} of shape {self._shape(r.wanted)}. Tried is {r.attempt}: {words}.{more}",
                {"fitting": ", ".join(r.fits), "how many of 8": str(len(r.fits))})
