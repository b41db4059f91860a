"""The net, painted with NumPy: 48 maps put together as one picture, and 384 weights as one sheet of ink.

matplotlib paints curve after curve, which for a whole net takes as long as a frame may. But where the edges run never
changes while a net learns, only how strong they are: so the pixels that each may touch are worked out once.
"""

import numpy as np
from matplotlib.artist import Artist
from matplotlib.colors import to_rgb, to_rgba

THIN, THICK = 0.6, 3.4  # the width of the weakest edge and of the strongest, in CSS pixels


class Moving(Artist):
    """An artist painted at every frame; `paint(renderer, scale)` does it, scale being device pixels per CSS pixel."""

    def __init__(self):
        super().__init__()
        self.set_animated(True)

    def draw(self, renderer):
        if self.get_visible():
            self.paint(renderer, renderer.dpi / 100)

    def blit(self, renderer, pixels, left, top):
        """Lay down pixels (rows, columns) of four bytes each, their upper left corner `top` pixels below y = 0."""
        pixels = pixels.view(np.uint8).reshape(*pixels.shape, 4)
        renderer.draw_image(renderer.new_gc(), left, -top - len(pixels), pixels[::-1])

    def pixel(self, places):
        """Places in the panel as pixels, right and down."""
        return self.axes.transData.transform(places) * (1, -1)


class Tiles(Moving):
    """Small square maps: values (n, G, G), row 0 at the bottom, `size` CSS pixels wide, round centers (n, 2).

    Each in the colours of -largest ... largest (n,), in a corner a number from -1 to 1 (corners: (n,), nan: none), and
    in a strong frame where chosen (n,) says so.
    """

    def show(self, style, values, centers, size, largest, corners, chosen):
        self.style, self.values, self.centers, self.size = style, values, centers, size
        self.largest, self.corners, self.chosen = largest, corners, chosen

    def paint(self, renderer, scale):
        style, side = self.style, round(self.size * scale)
        half = style.map.N / 2
        table = style.map(np.arange(style.map.N), bytes=True).view(np.uint32)[:, 0]
        shade = lambda numbers: table[np.clip((1 + numbers) * half, 0, 2 * half - 1).astype(np.uint8)]
        frame, ink = (np.uint8(np.round(255 * np.array(to_rgba(color)))).view(np.uint32)[0]
                      for color in (style.faint, style.ink))
        at = ((np.arange(side) + 0.5) * self.values.shape[1] / side).astype(int)
        tiles = shade(self.values[:, at[::-1, None], at] / np.maximum(self.largest, 1e-9)[:, None, None])
        edge, corner, known = max(1, round(scale)), round(7 * scale), ~np.isnan(self.corners)
        tiles[known, -corner - edge:, :corner + edge] = frame
        tiles[known, -corner:, :corner] = shade(self.corners[known])[:, None, None]
        for wide, which, color in ((edge, np.ones(len(tiles), bool), frame), (3 * edge, self.chosen, ink)):
            tiles[which, :wide] = tiles[which, -wide:] = color
            tiles[which, :, :wide] = tiles[which, :, -wide:] = color
        corners = np.round(self.pixel(self.centers) - side / 2).astype(int)
        corners -= (first := corners.min(0))
        whole = np.zeros((corners[:, 1].max() + side, corners[:, 0].max() + side), np.uint32)
        for tile, (x, y) in zip(tiles, corners, strict=True):
            whole[y:y + side, x:x + side] = tile
        self.blit(renderer, whole, *first)


class Edges(Moving):
    """Curves from place to place, each in the ink of its sign, as wide and as dark as it is strong.

    show: starts, ends (n, 2); strengths (n,) from -1 to 1. Where curves cross, their ink adds up.
    """

    _laid = None

    def show(self, style, starts, ends, strengths):
        self.style, self.starts, self.ends, self.strengths = style, starts, ends, strengths

    def paint(self, renderer, scale):
        key = scale, self.starts.tobytes(), self.ends.tobytes(), self.axes.bbox.bounds
        if self._laid is None or self._laid[0] != key:
            self._laid = key, self._lay(scale)
        edge, away, firsts, pixel, shape, corner = self._laid[1]
        size = np.abs(self.strengths).astype(np.float32)
        reach = (scale * (THIN + (THICK - THIN) * size) + 1) / 2  # half its width, and half a pixel to soften the rim
        ink = reach.take(edge)
        ink -= away
        np.clip(ink, 0, 1, out=ink)
        ink *= (0.16 + 0.84 * size).take(edge)
        total = np.add.reduceat(ink, firsts)
        ink *= (self.strengths > 0).astype(np.float32).take(edge)
        share = np.add.reduceat(ink, firsts) / np.maximum(total, 1e-9)
        mixes = np.linspace(0, 1, 256)[:, None]
        low, high = (255 * np.array(to_rgb(color)) for color in self.style.cycle[:2])
        colors = np.empty((len(pixel), 4), np.uint8)
        colors[:, :3] = np.uint8(low + (high - low) * mixes).take((255 * share).astype(np.uint8), 0)
        colors[:, 3] = 255 * np.minimum(total, 1)
        sheet = np.zeros(shape[0] * shape[1], np.uint32)
        sheet[pixel] = colors.view(np.uint32)[:, 0]
        self.blit(renderer, sheet.reshape(shape), *corner)

    def _lay(self, scale):
        """What each edge may touch, sorted by pixel: (edge, how far away its middle is) of every touch, where in these
        the touches of the next pixel begin, that pixel, and the sheet's shape and corner."""
        starts, ends = self.pixel(self.starts), self.pixel(self.ends)
        everything = np.concatenate([starts, ends])
        corner = np.floor(everything.min(0) - THICK * scale).astype(int)
        width, height = np.ceil(everything.max(0) + THICK * scale).astype(int) - corner
        starts, ends, found = starts - corner, ends - corner, []
        for e, ((x0, y0), (x1, y1)) in enumerate(zip(starts, ends, strict=True)):
            x = np.arange(int(x0), int(np.ceil(x1)))
            t = np.clip((x + 0.5 - x0) / (x1 - x0), 0, 1)
            middle, stretch = y0 + (y1 - y0) * (3 - 2 * t) * t**2, np.hypot(1, (y1 - y0) / (x1 - x0) * 6 * t * (1 - t))
            far = (THICK * scale + 1) / 2
            spread = int(np.ceil(far * stretch.max())) + 1
            y = middle.astype(int) + np.arange(-spread, spread + 1)[:, None]
            away = np.abs(y + 0.5 - middle) / stretch
            rows, columns = np.nonzero((away < far) & (y >= 0) & (y < height))
            found.append((y[rows, columns] * width + x[columns], np.full(len(rows), e), away[rows, columns]))
        pixel, edge, away = (np.concatenate(part) for part in zip(*found))
        order = np.argsort(pixel, kind="stable")
        pixel, firsts = np.unique(pixel[order], return_index=True)
        return edge[order], away[order].astype(np.float32), firsts, pixel, (height, width), corner
