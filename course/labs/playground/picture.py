"""How the playground is drawn: the net with a map in every neuron and a curve for every weight, the output large, the
losses. artists.py paints both fast enough for 48 neurons.
"""

from itertools import pairwise

import numpy as np

from course.labs.playground.artists import Edges, Tiles
from course.labs.playground.data import FEATURES, SIDE

WIDTH, HEIGHT = 535, 425  # of the panel of the net, in CSS pixels, as the layout leaves it
LABELS = 56  # pixels for the names of the features
STRONG = 1.5  # a weight that is drawn as strong as can be
EXTENT = (-SIDE, SIDE, -SIDE, SIDE)


def places(sizes):
    """Where the neurons of layers of these sizes stand, [(n, 2) for each], and how wide a map may be: in pixels."""
    columns, most = len(sizes), max(sizes)
    size = round(min(64, 0.8 * HEIGHT / most, 0.6 * (WIDTH - LABELS) / columns))
    x = np.linspace(LABELS + size / 2, WIDTH - size / 2 - 3, columns)
    pitch = min(HEIGHT / most, 1.6 * size)
    return [np.stack([np.full(n, x[k]), HEIGHT / 2 + pitch * ((n - 1) / 2 - np.arange(n))], 1)
            for k, n in enumerate(sizes)], size


def edges(at, size):
    """Where the weights between layers start, where they end (n, 2), and the layer and the neuron each leads to (n, 2).
    """
    starts, ends, to, right = [], [], [], np.array([size / 2, 0])
    for k, (here, there) in enumerate(pairwise(at)):
        starts.append(np.repeat(here, len(there), 0) + right)
        ends.append(np.tile(there, (len(here), 1)) - right)
        to.append(np.stack([np.full(len(ends[-1]), k + 1), np.tile(np.arange(len(there)), len(here))], 1))
    return np.concatenate(starts), np.concatenate(ends), np.concatenate(to)


def draw_net(panel, r, picked):
    """picked: (layer, neuron) of the one that is looked at; layer 0 is the features."""
    style = panel.style
    sizes = [len(maps) for maps in r.maps]
    at, size = places(sizes)
    panel.frame(xlim=(0, WIDTH), ylim=(-4, HEIGHT + 24), ticks=False)
    starts, ends, to = edges(at, size)
    strengths = np.clip(np.concatenate([W.ravel() for W in r.weights]) / STRONG, -1, 1)
    if picked != (len(sizes) - 1, 0):
        strengths = np.where((to == picked).all(1), strengths, 0.25 * strengths)
    panel.own("edges", Edges, 2).show(style, starts, ends, strengths)
    largest = [np.abs(maps).max((1, 2)) for maps in r.maps]
    largest[-1] = np.ones(1)
    chosen = np.zeros(sum(sizes), bool)
    chosen[sum(sizes[:picked[0]]) + picked[1]] = picked[0] > 0
    biases = np.concatenate([np.full(sizes[0], np.nan), *r.biases])
    panel.own("maps", Tiles, 4).show(style, np.concatenate(r.maps), np.concatenate(at), size, np.concatenate(largest),
                                     biases, chosen)
    for name, (x, y) in zip(r.recipe.features, at[0], strict=True):
        panel.text(f"feature {name}", x - size / 2 - 6, y, FEATURES[name][1], ha="right", size=9, still=True)
    heads = ["features", *(f"{name.replace('_', ' ')}" for _, name in r.recipe.hidden), "output"]
    for k, head in enumerate(heads):
        x = at[k][0, 0] if 0 < k < len(heads) - 1 else (LABELS + size, WIDTH)[k > 0]
        panel.text(f"head {k}", x, HEIGHT + 12, head, ha="right" if k in (0, len(heads) - 1) else "center", size=8.5,
                   color=style.faint, still=True)


def draw_map(panel, r, picked, test):
    """The output of the neuron that is looked at, on the whole plane, and the points over it."""
    layer, neuron = picked
    output = layer == len(r.maps) - 1
    panel.frame(xlim=EXTENT[:2], ylim=EXTENT[2:], aspect="equal", xticks={-1: "-1", 0: "0", 1: "1"},
                yticks={-1: "-1", 0: "0", 1: "1"},
                title="The output" if output else f"Neuron {neuron + 1} of layer {layer}")
    values = r.maps[layer][neuron]
    top = 1.0 if output else np.abs(values).max() or 1.0
    panel.image("map", values, EXTENT, vmin=-top, vmax=top, smooth=True)
    if test:
        _points(panel, "test", *r.test, r.recipe.regression, size=4.5, ring=panel.style.ink)
    _points(panel, "train", *r.train, r.recipe.regression, size=5, ring=panel.style.background)


def _points(panel, name, X, y, regression, size, ring):
    style = panel.style
    kinds = np.clip(np.round(3 * y), -3, 3) if regression else y
    for kind in np.unique(kinds):
        color = style.map(0.5 + 0.5 * kind / 3) if regression else style.cycle[int(kind)]
        at = X[kinds == kind]
        panel.points(f"{name}{kind:.0f}", at[:, 0], at[:, 1], kind=0 if regression else int(kind), color=color,
                     marker="o" if regression else None, size=size, ring=ring)


def draw_losses(panel, r):
    """Both losses, epoch by epoch. The axis doubles when it is full, so that it seldom changes."""
    style, epochs = panel.style, len(r.losses[0])
    end = 20 * 2 ** int(np.ceil(np.log2(max(epochs - 1, 20) / 20)))
    top = 0.5 if r.recipe.regression else 0.85
    panel.frame(xlim=(0, end), ylim=(0, top), x="epoch", grid=True, title="Loss",
                xticks={n: str(n) for n in (0, end // 2, end)})
    every = np.arange(0, epochs, max(1, epochs // 300))
    for name, losses, color in (("train", r.losses[0], style.negative), ("test", r.losses[1], style.positive)):
        panel.line(name, every, np.minimum(np.array(losses)[every], 2 * top), color=color, width=2)
        panel.text(f"{name} now", 0.97, 0.9 if name == "train" else 0.76, f"{name} {losses[-1]:.3f}", inside=True,
                   ha="right", color=color, size=9.5)
    if r.ended:
        panel.text("ended", 0.5, 0.15, r.ended.replace(": ", ":\n"), inside=True, ha="center", size=9, box=True)
