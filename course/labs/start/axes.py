"""Lab 0a. Which numbers of a table go into which number of the result: axes, the product @, and broadcasting."""

import numpy as np

from course.labs.controls import Choice, Slider
from course.labs.lab import Lab
from course.labs.predict import Question

# operation -> (what it computes, shape of the other array for X (N, d), what happens)
OPERATIONS = {
    "X.sum(axis=0)": (lambda X, _: X.sum(axis=0), lambda N, d: None, "axis 0 runs down the rows; summed, it is gone"),
    "X.sum(axis=1)": (lambda X, _: X.sum(axis=1), lambda N, d: None, "axis 1 runs along a row; summed, it is gone"),
    "X @ w": (np.matmul, lambda N, d: (d,), "each row of X times w, added up: the inner axes meet and are gone"),
    "X @ W": (np.matmul, lambda N, d: (d, 2), "each row of X with each column of W: the inner axes meet and are gone"),
    "X + b": (np.add, lambda N, d: (d,), "b is missing axis 0, so it is repeated for every row"),
    "X + c": (np.add, lambda N, d: (N, 1), "c has length 1 along axis 1, so it is repeated for every column"),
}


class WhichAxis(Lab):
    """A table X, an operation, and for one number of the result all the numbers it was made of."""

    id, title = "0a", "Which axis?"
    controls = dict(
        rows=Slider(1, 5, 4, 1, "rows N"),
        columns=Slider(1, 5, 3, 1, "columns d"),
        operation=Choice(tuple(OPERATIONS), "X.sum(axis=0)"),
        number=Slider(1, 10, 1, 1, "look at number"),
    )
    question = Question(
        "X has 4 rows and 3 columns, shape (4, 3). What is the shape of X.sum(axis=0)?",
        ("(4,)", "(3,)", "(4, 3)", "a single number"),
        "(3,)",
        "The axis you name is the one that disappears. Axis 0 counts the rows, so the 4 goes and one sum for each of "
        "the 3 columns is left.",
    )
    panels, size = (("tables",), ("words",)), (760, 400)
    grid = dict(height_ratios=(3.4, 1))

    @staticmethod
    def compute(rows, columns, operation, number):
        rng = np.random.default_rng(4)
        X = rng.integers(0, 6, (5, 5))[:rows, :columns]
        formula, shape, _ = OPERATIONS[operation]
        shape = shape(rows, columns)
        other = None if shape is None else rng.integers(0, 4, (5, 2))[:shape[0], :(shape[1:] or (1,))[0]].reshape(shape)
        name = operation[-1] if other is not None else ""
        result = formula(X, other)
        at = np.unravel_index(min(number, result.size) - 1, result.shape)
        return dict(X=X, other=other, name=name, result=result, at=tuple(int(i) for i in at), operation=operation,
                    used=WhichAxis._used(operation, X, other, at))

    @staticmethod
    def _used(operation, X, other, at):
        """Which numbers of X and of the other array went into result[at], as two masks."""
        mask = np.zeros(X.shape, bool)
        partner = None if other is None else np.zeros(other.shape, bool)
        if operation == "X.sum(axis=0)":
            mask[:, at[0]] = True
        elif "+" in operation:
            mask[at] = True
            partner[at[1] if other.ndim == 1 else (at[0], 0)] = True
        else:
            mask[at[0]] = True
            if other is not None:
                partner[(slice(None), *at[1:])] = True
        return mask, partner

    def draw(self, view, r):
        panel, style = view["tables"], view.style
        panel.frame(xlim=(-0.3, 17.9), ylim=(-6.2, 1.1), ticks=False, aspect="equal")
        at = np.zeros(r.result.shape, bool)
        at[r.at] = True
        x = self._table(panel, style, "X", r.X, r.used[0], 0.0)
        if r.other is not None:
            panel.text("sign", x + 0.55, -2.0, r.operation[2], size=17, ha="center", still=True)
            x = self._table(panel, style, r.name, r.other, r.used[1], x + 1.1)
        panel.text("gives", x + 0.75, -2.0, "→", size=17, ha="center", still=True)
        self._table(panel, style, r.operation, r.result, at, x + 1.5)
        words = view["words"]
        words.frame(xlim=(0, 1), ylim=(0, 1), ticks=False)
        for i, line in enumerate(self._words(r)):
            words.text(f"line{i}", 0.01, 0.84 - 0.33 * i, line, size=11, color=style.ink if i else style.accent)

    @staticmethod
    def _table(panel, style, name, values, lit, left):
        """One array as a table of numbers, those of `lit` marked; where its right edge is."""
        table = values if values.ndim == 2 else values[None, :]
        marks = lit.reshape(table.shape)
        n, m = table.shape
        panel.text(f"{name} name", left, 0.75, name, size=11, still=True)
        panel.text(f"{name} shape", left, -n - 0.45, str(values.shape), size=10, color=style.faint, still=True)
        down = [[(left + j, 0), (left + j, -n)] for j in range(m + 1)]
        across = [[(left, -i), (left + m, -i)] for i in range(n + 1)]
        panel.segments(f"{name} lines", down + across, colors=style.faint, widths=0.9)
        i, j = np.nonzero(marks)
        panel.points(f"{name} lit", left + j + 0.5, -i - 0.5, marker="s", size=22, color=style.accent, alpha=0.35, z=1)
        for i, j in np.ndindex(n, m):
            panel.text(f"{name}{i}{j}", left + j + 0.5, -i - 0.5, str(table[i, j]), size=12, ha="center", still=True)
        return left + m

    @staticmethod
    def _words(r):
        index = ", ".join(map(str, r.at))
        values = r.X[r.used[0]]
        if r.other is None:
            terms = " + ".join(map(str, values))
        else:
            sign, partners = (" + ", r.other[r.used[1]]) if "+" in r.operation else ("·", r.other[r.used[1]])
            terms = " + ".join(f"{a}{sign}{b}" for a, b in zip(values, partners, strict=True))
        shapes = f"{r.X.shape}" + (f" {r.operation[2]} {r.other.shape}" if r.other is not None else r.operation[1:])
        return (f"result[{index}]  =  {terms}  =  {r.result[r.at]}", f"{shapes}   →   {r.result.shape}",
                OPERATIONS[r.operation][2])

    def tell(self, r):
        sentence, _, why = self._words(r)
        return (f"{r.operation} for X of shape {r.X.shape}: {sentence}; {why}.",
                {"shape of X": str(r.X.shape), "shape of the result": str(r.result.shape)})
