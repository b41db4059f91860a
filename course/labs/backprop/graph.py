"""Lab 3a. The graph stepper: a formula as a graph, and nnlab's own backward pass through it, operation by operation."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from course.labs.controls import Choice, Slider
from course.labs.lab import Lab
from course.labs.predict import Question
from nnlab import Tensor, no_grad
from nnlab.functional import tanh


class Node(NamedTuple):
    """One circle: what it is called, how it is made of which earlier nodes, and where it is drawn."""

    name: str
    make: Callable | None
    parents: tuple[int, ...]
    where: tuple[float, float]


ADD, MUL = lambda p, q: p + q, lambda p, q: p * q
ABC = [Node(name, None, (), (0.0, 2.0 - i)) for i, name in enumerate("abc")]
EXPRESSIONS = {
    "a·b + c": [*ABC, Node("m = a·b", MUL, (0, 1), (1.0, 1.5)), Node("L = m + c", ADD, (3, 2), (2.0, 0.75))],
    "(a + b)·(b + c)": [*ABC, Node("s = a + b", ADD, (0, 1), (1.0, 1.65)), Node("t = b + c", ADD, (1, 2), (1.0, 0.35)),
                        Node("L = s·t", MUL, (3, 4), (2.0, 1.0))],
    "a neuron and its loss": [
        Node("weight a", None, (), (0.0, 2.05)), Node("input b", None, (), (0.0, 0.45)),
        Node("bias c", None, (), (1.0, 0.0)),
        Node("m = a·b", MUL, (0, 1), (1.0, 1.85)), Node("z = m + c", ADD, (3, 2), (2.15, 1.05)),
        Node("h = tanh z", tanh, (4,), (3.15, 1.05)), Node("e = h + 0.5", lambda h: h + 0.5, (5,), (4.15, 1.05)),
        Node("L = e²", lambda e: e**2, (6,), (5.15, 1.05))],
}
H = 1e-5
PLATE = [(-1, -0.62), (1, -0.62), (1, 0.62), (-1, 0.62), (-1, -0.62)]  # what an edge's numbers stand on


def evaluate(nodes, inputs, fixed=None):
    """The nodes as float64 Tensors. fixed: {index: value} replaces what a node would be: that is how it is nudged."""
    made = []
    for i, node in enumerate(nodes):
        if fixed and i in fixed:
            made.append(Tensor(fixed[i], dtype=np.float64))
        elif node.make is None:
            made.append(Tensor(inputs[i], requires_grad=True, dtype=np.float64))
        else:
            made.append(node.make(*[made[p] for p in node.parents]))
    return made


def local_derivatives(node, values):
    """How the node's value changes with each of its parents, the other held fixed."""
    leaves = [Tensor(values[p], requires_grad=True, dtype=np.float64) for p in node.parents]
    if leaves:
        node.make(*leaves).backward()
    return [leaf.grad.item() for leaf in leaves]


def tape_of(nodes, values):
    """For each node, in the order of computation, its (parent, local derivative) pairs: all that backward needs."""
    return tuple(tuple(zip(node.parents, local_derivatives(node, values), strict=True)) for node in nodes)


def nudged(nodes, inputs, values):
    """dL/dnode of every node by finite differences: nudge its value both ways and compute what comes after it anew."""
    with no_grad():
        ends = [[evaluate(nodes, inputs, {i: v + h})[-1].item() for h in (H, -H)] for i, v in enumerate(values)]
    return np.array([(up - down) / (2 * H) for up, down in ends])


class GraphStepper(Lab):
    """A formula's graph with values, local derivatives, gradients and their numeric twins. `use(backward)` is yours."""

    id, title = "3a", "Backward through a graph, step by step"
    controls = dict(
        step=Slider(0, 6, 0, 1, "backward step"),
        a=Slider(-3.0, 3.0, 2.0, 0.1, "a"),
        b=Slider(-3.0, 3.0, 1.0, 0.1, "b"),
        c=Slider(-3.0, 3.0, 1.0, 0.1, "c"),
        expression=Choice(tuple(EXPRESSIONS), "(a + b)·(b + c)", "formula"),
    )
    uses = dict(backward=(None, lambda tape: (len(tape),), "one gradient for each node"))  # None: nnlab's own steps
    question = Question(
        "L = (a + b)·(b + c). The number b goes into two sums, and backward they send it the gradients 2 and 3. "
        "What is dL/db?",
        ("2", "3", "5", "6"),
        "5",
        "Nudge b, and both sums move; L feels both changes, one on top of the other. Gradients that meet in a node are "
        "added. (6, their product, belongs to a chain: factors along one path are multiplied.)",
        skippable=False,
    )
    panels, size = (("graph",), ("words",)), (760, 470)
    grid = dict(height_ratios=(5.2, 1))

    @staticmethod
    def compute(step, a, b, c, expression, backward):
        nodes, inputs = EXPRESSIONS[expression], (a, b, c)
        made = evaluate(nodes, inputs)
        values = np.array([t.item() for t in made])
        tape, n = tape_of(nodes, values), len(nodes)
        step = min(step, n - 2)  # three inputs, so n - 3 operations, and before them the seed dL/dL = 1
        done = range(n + 1 - step, n) if step else range(0)  # the nodes that have sent their gradients on
        sent = {}
        if step:
            for i, now in zip(reversed(done), made[-1].backward_steps(), strict=False):
                arrived = [g.item() for g in now.sent if g is not None]
                sent |= {(i, p): g for p, g in zip(nodes[i].parents, arrived, strict=True)}
        grads = np.full(n, np.nan)
        if step:
            grads[-1] = 1.0
        for _, parent in sent:
            grads[parent] = sum(g for (_, p), g in sent.items() if p == parent)
        if backward is not None and step:  # the student's, on a tape that ends where the stepping does
            yours = backward(tuple(pairs if i in done else () for i, pairs in enumerate(tape)))
            grads[~np.isnan(grads)] = yours[~np.isnan(grads)]
            sent = {(i, p): grads[i] * dict(tape[i])[p] for i, p in sent}
        whole = [all(i in done for i in range(n) if j in nodes[i].parents) and step > 0 for j in range(n)]
        numeric = nudged(nodes, inputs, values)
        return dict(nodes=nodes, values=values, tape=tape, sent=sent, grads=grads, numeric=numeric, step=step,
                    steps=n - 2, now=n + 1 - step if step > 1 else None,
                    wrong=np.array(whole) & (np.abs(grads - numeric) > 1e-4 * np.maximum(np.abs(numeric), 1)))

    def draw(self, view, r):
        panel, style = view["graph"], view.style
        where = np.array([node.where for node in r.nodes])
        right = where[:, 0].max()
        panel.frame(xlim=(-0.09 * right, 1.09 * right), ylim=(-0.52, 2.4), ticks=False,
                    title="In the circles: values, computed forward.   Green: gradients dL/d…, sent backward")
        edges = [(i, p, slope) for i, pairs in enumerate(r.tape) for p, slope in pairs]
        sent = [(i, p) in r.sent for i, p, _ in edges]
        panel.segments("edges", [where[[p, i]] for i, p, _ in edges],
                       colors=[style.accent if on else style.faint for on in sent],
                       widths=[3.5 if i == r.now else 1.6 if (i, p) in r.sent else 0.9 for i, p, _ in edges])
        middles = np.array([where[[p, i]].mean(0) for i, p, _ in edges])
        panel.line("plates", *middles.T, dash="", marker=PLATE, size=39, width=0, z=3.2).set(
            markerfacecolor=style.background, markeredgecolor=style.grid)  # one artist; a box to each text is slow
        for n, (i, p, slope) in enumerate(edges):
            words = f"×{slope:.2f}\n← {r.sent[i, p]:.2f}" if sent[n] else f"×{slope:.2f}"
            panel.text(f"edge{n}", *middles[n], words, ha="center", size=9.5, z=3.5,
                       color=style.accent if sent[n] else style.faint)
        for i, node in enumerate(r.nodes):
            x, y = where[i]
            reached = not np.isnan(r.grads[i])
            color = style.negative if r.wrong[i] else style.accent if reached else style.faint
            panel.line(f"node{i}", [x], [y], dash="", marker="o", size=38, width=0, z=4).set(
                markerfacecolor=style.background, markeredgecolor=style.ink if r.now != i and not r.wrong[i] else color,
                markeredgewidth=3.5 if r.now == i or r.wrong[i] else 1.3)  # a wrong one is not told by its colour alone
            panel.text(f"name{i}", x, y + 0.28, node.name, ha="center", size=9.5, color=style.faint)
            panel.text(f"value{i}", x, y, f"{r.values[i]:.2f}", ha="center")
            if reached:
                panel.text(f"grad{i}", x, y - 0.28, f"grad {r.grads[i]:.2f}", ha="center", color=color)
                panel.text(f"nudged{i}", x, y - 0.42, f"nudged {r.numeric[i]:.2f}", ha="center", size=9,
                           color=style.faint)
            else:
                panel.text(f"no grad{i}", x, y - 0.28, "grad: not yet", ha="center", size=9, color=style.faint)
        words = view["words"]
        words.frame(xlim=(0, 1), ylim=(0, 1), ticks=False)
        what, numbers = self._words(r)
        words.text("what", 0.01, 0.85, what, size=10.5, color=style.accent)
        words.text("numbers", 0.01, 0.43, numbers, size=10.5)

    @staticmethod
    def _words(r):
        names = [node.name.split()[0] for node in r.nodes]
        if r.step == 0:
            return ("Forward is done: every circle has its value. Gradients: not computed yet.",
                    "On each edge, after ×: the local derivative, how strongly the next value follows this one.")
        if r.step == 1:
            return "Backward begins at the end: dL/dL = 1. Change L by 1, and L changes by 1.", ""
        pairs, g = r.tape[r.now], r.grads[r.now]
        parts = [f"{names[p]} gets {g:.2f} · ({slope:.2f}) = {r.sent[r.now, p]:.2f}" for p, slope in pairs]
        met = [names[p] for p, _ in pairs if sum(q == p for _, q in r.sent) > 1]
        more = f"   {met[0]} had one already: they are added." if met else ""
        return (f"Step {r.step} of {r.steps}: {names[r.now]} passes its gradient on, times the local derivatives.",
                ",   ".join(parts) + "." + more)

    def tell(self, r):
        numbers = {node.name.split()[0]: f"{v:.2f}" + ("" if np.isnan(g) else f", grad {g:.2f} (nudged {m:.2f})")
                   for node, v, g, m in zip(r.nodes, r.values, r.grads, r.numeric, strict=True)}
        bad = [node.name.split()[0] for node, wrong in zip(r.nodes, r.wrong, strict=True) if wrong]
        check = f" Of {', '.join(bad)} the gradient is not what nudging finds." if bad else ""
        return " ".join(self._words(r)) + check, {"step": f"{r.step} of {r.steps}", **numbers}
