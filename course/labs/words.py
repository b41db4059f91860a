"""Words, set in type once: to paint a number takes matplotlib as long as to paint a curve of a hundred points.

Every text of a picture, the numbers at its ticks and its titles among them, reaches the renderer's `draw_text`. Here
it becomes small pictures that are kept, and whoever shows the same words again only lays those down. Digits are kept
one by one, since no number comes twice and no letter moves closer to a digit. A line starts at a whole pixel, so its
edges are sharp and it does not shimmer when it moves.
"""

import functools
import math
import re

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from PIL import Image

KEPT = 5000  # lines and pieces: 1 kB a digit, 20 kB a title, four times as much on a dense screen
Pieces = tuple[tuple[int, int, np.ndarray], ...]


@functools.lru_cache(KEPT)
def typeset(words: str, font, angle: float, color: tuple, dpi: float) -> Pieces:
    """What matplotlib paints for one line of words: pieces (right, up, pixels), from where its baseline starts."""
    pieces = re.findall("[0-9]|[^0-9]+", words) if angle == 0 else [words]
    if len(pieces) == 1:
        return painted(words, font, angle, color, dpi)
    laid, x = [], 0.0
    for piece in pieces:
        laid += [(round(x) + right, up, pixels) for right, up, pixels in typeset(piece, font, angle, color, dpi)]
        x += advance(piece, font, dpi)
    return tuple(laid)


def painted(words: str, font, angle: float, color: tuple, dpi: float) -> Pieces:
    em = math.ceil(font.get_size_in_points() * dpi / 72)
    reach = math.ceil(em * (1.5 * len(words) + 2))  # wider than any line of so many letters
    width, height, x, y = (2 * reach, 2 * reach, reach, reach) if angle else (em + reach, 4 * em, em, 2 * em)
    easel = RendererAgg(width, height, dpi)
    gc = easel.new_gc()
    gc.set_foreground(color, isRGBA=True)
    easel.draw_text(gc, x, y, words, font, angle)
    pixels = np.asarray(easel.buffer_rgba())
    box = Image.fromarray(np.ascontiguousarray(pixels[..., 3])).getbbox()
    if box is None:
        return ()
    left, top, right, bottom = box
    return ((left - x, y - bottom, pixels[top:bottom, left:right][::-1].copy()),)


@functools.lru_cache(KEPT)
def advance(words: str, font, dpi: float) -> float:
    """How far a digit stands from where these words before it begin, in pixels: whole ones, but for kerned letters."""
    return RendererAgg(1, 1, dpi).get_text_width_height_descent(words, font, False)[0]


class Renderer(RendererAgg):
    """matplotlib's painter into a buffer of pixels, which keeps the words it has painted."""

    def draw_text(self, gc, x, y, s, prop, angle, ismath=False, mtext=None):
        if ismath:
            super().draw_text(gc, x, y, s, prop, angle, ismath, mtext)
            return
        x, y = round(x), self.height - round(y)
        for right, up, pixels in typeset(s, prop, angle, gc.get_rgb(), self.dpi):
            self.draw_image(gc, x + right, y + up, pixels)


class Canvas(FigureCanvasAgg):
    """A canvas with one Renderer for life: its figure changes neither size nor density."""

    @functools.cached_property
    def renderer(self) -> Renderer:
        return Renderer(*self.get_width_height(physical=True), self.figure.dpi)

    def get_renderer(self) -> Renderer:
        return self.renderer
