"""The pictures of a report, as data in its page: no other host, no file beside it.

The words in them are drawn as shapes, so that nothing in a picture can be a link or a script, and they are large enough
for a phone: a bar's name stands above it.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

BLUE, GREY, ORANGE = "#2563a8", "#8a9099", "#b45309"
LONGEST = 52  # letters of a bar's name


def bars(named: Sequence[tuple[str, float, bool]], across: str) -> str:
    """Shares in percent, the first on top: (name, share, whether it stands out)."""
    figure, axes = _figure(0.8 + 0.42 * len(named), across, "")
    for at, (name, share, stands_out) in enumerate(reversed(named)):
        axes.barh(at, share, height=0.34, color=ORANGE if stands_out else BLUE)
        name = name if len(name) <= LONGEST else f"{name[:LONGEST - 1]}…"
        axes.text(0, at + 0.26, name, fontsize=9, parse_math=False)
    axes.set(yticks=[], xlim=(0, 100), ylim=(-0.5, len(named)))
    return _data(figure)


def histogram(values: Sequence[float], most: float, across: str, up: str) -> str:
    """Values from 0 to `most`."""
    figure, axes = _figure(2.8, across, up)
    axes.hist(values, bins=np.linspace(0, most or 1, 13), color=BLUE, edgecolor="white")
    axes.set_xlim(0, most or 1)
    axes.yaxis.get_major_locator().set_params(integer=True)
    return _data(figure)


def two_histograms(back: np.ndarray, front: np.ndarray, words: tuple[str, str], across: str) -> str:
    """Two sets of shares from 0 to 1, in percent, each as shares of its own number."""
    figure, axes = _figure(2.8, across, "share of the pairs (%)")
    styles = ({"histtype": "stepfilled", "alpha": 0.5, "color": GREY}, {"histtype": "step", "lw": 1.8, "color": BLUE})
    for values, label, style in zip((back, front), words, styles, strict=True):
        if len(values):
            weights = np.full(len(values), 100 / len(values))
            axes.hist(100 * values, bins=np.linspace(0, 100, 21), weights=weights, label=label, **style)
    axes.legend(frameon=False, fontsize=9, loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
    return _data(figure)


def _figure(height: float, across: str, up: str) -> tuple[Figure, Any]:
    figure = Figure(figsize=(4.6, height), layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    return figure, axes


def _data(figure: Figure) -> str:
    file = io.BytesIO()
    figure.savefig(file, format="svg", metadata={"Date": None})
    return "data:image/svg+xml;base64," + base64.b64encode(file.getvalue()).decode("ascii")
