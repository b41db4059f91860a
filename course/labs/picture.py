"""Numbers as colours, fast: decision maps and weights are the slowest thing a lab would otherwise paint.

matplotlib's `imshow` takes as long as all the rest of a picture together: it enlarges, norms and colours in float64.
Here Pillow enlarges in float32, and a table of bytes gives each pixel its colour.
"""

import numpy as np
from matplotlib.artist import Artist
from PIL import Image


class Picture(Artist):
    """An array of numbers as colours: what `imshow` paints (row 0 at the bottom), 10 times as fast."""

    def __init__(self):
        super().__init__()
        self.set_animated(True)

    def show(self, values, extent, vmin, vmax, cmap, smooth) -> None:
        self.values, self.extent, self.limits, self.cmap, self.smooth = values, extent, (vmin, vmax), cmap, smooth
        self.stale = True

    def draw(self, renderer) -> None:
        if not self.get_visible():
            return
        x0, x1, y0, y1 = self.extent
        ends = self.axes.transData.transform([(x0, y0), (x1, y1)])
        (left, bottom), (right, top) = whole = np.round(ends).astype(int)
        frame = np.round(self.axes.bbox.get_points()).astype(int)
        (l, b), (r, t) = np.maximum(whole[0], frame[0]), np.minimum(whole[1], frame[1])
        if r <= l or t <= b:
            return
        (vmin, vmax), n = self.limits, self.cmap.N
        shades = (np.asarray(self.values)[::-1] - vmin) * (n / ((vmax - vmin) or 1))
        holes = np.isnan(shades)
        across, up = shades.shape[1] / (right - left), shades.shape[0] / (top - bottom)
        size, box = (r - l, t - b), ((l - left) * across, (top - t) * up, (r - left) * across, (top - b) * up)
        shades = np.where(holes, 0, shades.clip(-1e6, 1e6)).astype(np.float32)
        large = np.asarray(Image.fromarray(shades).resize(
            size, Image.Resampling.BILINEAR if self.smooth else Image.Resampling.NEAREST, box))
        pixels = self.cmap(np.arange(n), bytes=True).view(np.uint32)[large.clip(0, n - 1).astype(np.uint16), 0]
        if holes.any():  # nan is no colour: the background shows through
            pixels[np.asarray(Image.fromarray(holes).resize(size, Image.Resampling.NEAREST, box))] = 0
        pixels = pixels.view(np.uint8).reshape(t - b, r - l, 4)
        renderer.draw_image(renderer.new_gc(), l, b, pixels[::-1])
