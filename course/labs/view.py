"""A View is one picture that is drawn again and again: a kept matplotlib Figure, painted by Agg and never by pyplot.

A lab's draw function describes the whole picture each time (`panel.line("boundary", x, y)`); the View keeps the
artist behind each name and only moves its data, so a redraw costs a few milliseconds. What stands still (frames,
ticks, labels) is painted once into a background and laid under the moving artists (blitting); it is painted
again only when the size, the limits, the labels or the theme change.
"""

import io
import threading
from typing import Any

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from PIL import Image

from course.labs.picture import Picture
from course.labs.style import LIGHT, MARKERS, Style
from course.labs.words import Canvas

DPI = 100
# matplotlib's text and font caches are shared by all figures: two labs may compute side by side, one draws at a time.
DRAWING = threading.RLock()


class Panel:
    """One pair of axes. Every method takes a name first: the first call makes the artist, later ones move it."""

    def __init__(self, axes, style: Style):
        self.axes, self.style = axes, style
        self._artists: dict[str, Any] = {}
        self._touched: dict[str, None] = {}  # in the order of drawing
        self._frame: dict[str, Any] = {}
        self._title = axes.set_title("", loc="left", color=style.ink, fontsize=10.5, animated=True)
        self._stills: dict[str, tuple] = {}
        for spine in axes.spines.values():
            spine.set_color(style.faint)
            spine.set_linewidth(0.8)
        axes.tick_params(colors=style.faint, labelsize=9, length=3)
        axes.set_facecolor(style.background)

    # -- what stands still ------------------------------------------------------------------------------------------

    def frame(self, *, xlim=None, ylim=None, title="", x="", y="", xscale="linear", yscale="linear", aspect="auto",
              ticks=True, xticks=None, yticks=None, grid=False) -> None:
        """Set what stands still. Called on every draw; costs nothing while nothing has changed."""
        self._title.set_text(title)  # painted with all that moves; only its height stands still
        wanted = dict(xlim=_pair(xlim), ylim=_pair(ylim), title=len(title.splitlines()), x=x, y=y, xscale=xscale,
                      yscale=yscale, aspect=aspect, ticks=ticks, xticks=_labels(xticks), yticks=_labels(yticks),
                      grid=grid)
        if wanted == self._frame:
            return
        self._frame, axes, ink = wanted, self.axes, self.style.ink
        axes.set_xscale(xscale)
        axes.set_yscale(yscale)
        if xlim is not None:
            axes.set_xlim(*xlim)
        if ylim is not None:
            axes.set_ylim(*ylim)
        axes.set_xlabel(x, color=ink, fontsize=10)
        axes.set_ylabel(y, color=ink, fontsize=10)
        axes.set_aspect(aspect)
        axes.spines[:].set_visible(ticks)
        if not ticks:
            axes.set_xticks([])
            axes.set_yticks([])
        if xticks is not None:
            axes.set_xticks(list(xticks), [str(text) for text in xticks.values()])
        if yticks is not None:
            axes.set_yticks(list(yticks), [str(text) for text in yticks.values()])
        axes.grid(grid, **(dict(color=self.style.grid, linewidth=0.8) if grid else {}))
        axes.set_axisbelow(True)

    # -- what moves -------------------------------------------------------------------------------------------------

    def line(self, name: str, x, y, *, color=None, width=2.0, dash="-", marker="", size=5.0, z=3.0, alpha=1.0,
             label=""):
        """A line through the points (x, y); `marker` shows the points themselves."""
        artist = self._get(name, lambda: self.axes.plot([], [], animated=True)[0])
        artist.set_data(x, y)
        artist.set(color=color or self.style.ink, linewidth=width, linestyle=dash, markersize=size, zorder=z,
                   alpha=alpha, label=label or f"_{name}")
        if artist.get_marker() != marker:  # making one takes milliseconds where it is a letter
            artist.set_marker(marker)
        return artist

    def points(self, name: str, x, y, *, kind=0, color=None, marker=None, size=6.0, z=4.0, alpha=1.0, label="",
               ring=None):
        """Separate points. `kind` picks the colour and the marker of a class; `ring` the colour of their edge."""
        artist = self.line(name, x, y, color=color or self.style.cycle[kind % 8], width=0, dash="",
                           marker=marker or MARKERS[kind % 8], size=size, z=z, alpha=alpha, label=label)
        artist.set(markeredgecolor=ring or self.style.background, markeredgewidth=0.8)
        return artist

    def classes(self, name: str, X, y, *, size=6.0, z=4.0, alpha=1.0, labels=None) -> None:
        """The points X: (N, 2) of each class in y: (N,), with the colour and the marker of that class."""
        for kind in np.unique(y).astype(int):
            of = X[np.asarray(y) == kind]
            self.points(f"{name}{kind}", of[:, 0], of[:, 1], kind=int(kind), size=size, z=z, alpha=alpha,
                        label=labels[kind] if labels else "")

    def image(self, name: str, values, extent, *, vmin=0.0, vmax=1.0, cmap=None, smooth=False, z=1.0):
        """A picture of the array `values`: (rows, columns), row 0 at the bottom, over the extent (x0, x1, y0, y1)."""
        artist = self.own(name, Picture, z)
        artist.show(values, extent, vmin, vmax, cmap or self.style.map, smooth)
        return artist

    def own(self, name: str, make, z: float):
        """An artist of the lab's own kind: `make()` is called once, and what it returns is painted at height z."""
        artist = self._get(name, lambda: self.axes.add_artist(make()))
        artist.set_zorder(z)
        return artist

    def text(self, name: str, x, y, words: str, *, color=None, size=10.0, ha="left", va="center", z=6.0, box=False,
             weight="normal", inside=False, still=False):
        """Words at (x, y) in data units, or in fractions of the panel with `inside`. `still` words change seldom: they
        are painted into the background, under all that moves, and then cost nothing; each change repaints it."""
        where = self.axes.transAxes if inside else self.axes.transData
        artist = self._get(name, lambda: self.axes.text(0, 0, "", animated=not still, transform=where))
        if still:
            self._stills[name] = (x, y, words, color, size, ha, va)
        artist.set_position((x, y))
        artist.set(text=words, color=color or self.style.ink, fontsize=size, ha=ha, va=va, zorder=z, weight=weight)
        if box:
            artist.set_bbox(dict(facecolor=self.style.background, edgecolor=self.style.grid, alpha=0.88,
                                 boxstyle="round,pad=0.3"))
        return artist

    def arrow(self, name: str, start, end, *, color=None, width=2.0, z=5.0):
        """An arrow from start to end, both (x, y)."""
        artist = self._get(name, lambda: self.axes.annotate("", xy=(1, 1), xytext=(0, 0), animated=True,
                                                           arrowprops=dict(arrowstyle="-|>", shrinkA=0, shrinkB=0)))
        artist.xy, artist.zorder = tuple(end), z
        artist.set_position(tuple(start))
        artist.arrow_patch.set(color=color or self.style.ink, linewidth=width, mutation_scale=6 + 4 * width)
        return artist

    def segments(self, name: str, segments, *, colors, widths, z=2.0):
        """Many straight lines at once. segments: (n, 2, 2), each with its own colour and width (in points)."""
        artist = self._get(name, lambda: self.axes.add_collection(LineCollection([], animated=True)))
        artist.set_segments(segments)
        artist.set(colors=colors, linewidths=widths, zorder=z)
        return artist

    def bars(self, name: str, x, heights, *, width=0.8, colors=None, z=3.0) -> None:
        """Upright bars at x, from 0 to heights."""
        x, heights = np.atleast_1d(x), np.atleast_1d(heights)
        artists = self._get(f"{name}{len(x)}", lambda: self.axes.bar(x, heights, width, animated=True))
        colors = [self.style.cycle[1]] * len(x) if colors is None else colors
        for bar, left, height, color in zip(artists, x - width / 2, heights, colors, strict=True):
            bar.set(x=left, height=height, width=width, facecolor=color, zorder=z)

    # -- the machinery ----------------------------------------------------------------------------------------------

    def _get(self, name, make):
        if name not in self._artists:
            self._artists[name] = made = make()
            for artist in _each(made):
                artist.set_in_layout(False)  # what moves must not push the frames about
        self._touched[name] = None
        return self._artists[name]

    def __getitem__(self, name: str):
        """The artist drawn under `name`, for tests and for the curious."""
        return self._artists[name]

    def begin(self) -> None:
        self._touched.clear()
        self._stills.clear()

    def signature(self) -> tuple:
        """Everything the background shows: it is painted anew when this changes."""
        return dict(self._frame), dict(self._stills)

    def space(self) -> tuple:
        """What decides how much room the panel's words need: all but its limits, and of those the longest label."""
        rest = {name: value for name, value in self._frame.items() if name not in ("xlim", "ylim")}
        ticks = self.axes.yaxis.get_major_formatter().format_ticks(self.axes.get_yticks())
        return rest, max(map(len, ticks), default=0)

    def hide_untouched(self) -> None:
        for name, artist in self._artists.items():
            for part in _each(artist):
                part.set_visible(name in self._touched)

    def paint(self) -> None:
        """Draw the artists that this draw has named, lowest first, over the background."""
        flat = [a for name in self._touched if name not in self._stills for a in _each(self._artists[name])]
        for artist in sorted(flat, key=lambda a: a.zorder):
            self.axes.draw_artist(artist)
        self.axes.draw_artist(self._title)
        for spine in self.axes.spines.values():  # a picture covers the inner half of the frame: lay it on top again
            if spine.get_visible():
                self.axes.draw_artist(spine)


class View:
    """A figure of named panels, painted into a buffer of pixels.

    `panels` is a list of rows of names (matplotlib's mosaic), `size` is (width, height) in CSS pixels.
    `view["name"]` is a Panel; `update(draw)` paints what draw(view) describes.
    """

    def __init__(self, panels=(("main",),), size=(640, 420), style: Style = LIGHT, scale: float = 1.0, **gridspec):
        self.panels, self.size, self.style, self.scale = [list(row) for row in panels], size, style, scale
        self._gridspec = gridspec
        self.backgrounds_painted = 0
        self._build()

    def _build(self) -> None:
        width, height = self.size
        self.figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI * self.scale, facecolor=self.style.background)
        self.canvas = Canvas(self.figure)
        self._panels = {name: Panel(axes, self.style) for name, axes in
                        self.figure.subplot_mosaic(self.panels, gridspec_kw=self._gridspec).items()}
        self._layout = ConstrainedLayoutEngine()
        self._background, self._signature, self._spaces = None, None, None

    def restyle(self, style: Style, scale: float) -> bool:
        """Change theme or pixel density. The next update paints everything afresh; False if nothing changed."""
        if (style, scale) == (self.style, self.scale):
            return False
        self.style, self.scale = style, scale
        self._build()
        return True

    def __getitem__(self, name: str) -> Panel:
        return self._panels[name]

    def update(self, draw) -> None:
        """Call draw(view) and paint the result."""
        with DRAWING:
            for panel in self._panels.values():
                panel.begin()
            draw(self)
            for panel in self._panels.values():
                panel.hide_untouched()
            signature = [panel.signature() for panel in self._panels.values()]
            if signature != self._signature:
                self._lay_out()
                self.canvas.draw()
                self._background = self.canvas.copy_from_bbox(self.figure.bbox)
                self._signature = signature
                self.backgrounds_painted += 1
            self.canvas.restore_region(self._background)
            for panel in self._panels.values():
                panel.paint()

    def _lay_out(self) -> None:
        """Place the panels, where that may have changed: it takes as long as painting them, and limits move often."""
        spaces = [panel.space() for panel in self._panels.values()]
        if spaces != self._spaces:
            self._spaces = spaces
            for panel in self._panels.values():  # or the layout starts from where it ended, and creeps
                panel.axes.set_subplotspec(panel.axes.get_subplotspec())
            self._layout.execute(self.figure)

    def pixels(self) -> np.ndarray:
        """What was painted last, as an array (height, width, 4) of bytes: a view of the canvas, good until the next."""
        if self._background is None:  # nothing yet: the very first computation has failed
            self.update(lambda view: None)
        return np.asarray(self.canvas.buffer_rgba())

    def encode(self, lossless: bool) -> bytes:
        """The picture as PNG (exact) or as JPEG (4 times as fast to make and to send, thin lines a little soft)."""
        with DRAWING:
            pixels, file = self.pixels(), io.BytesIO()
            height, width = pixels.shape[:2]
            if lossless:
                image = Image.frombuffer("RGBA", (width, height), pixels, "raw", "RGBA", 0, 1)
                image.convert("RGB").save(file, "PNG", compress_level=1)
            else:
                image = Image.frombuffer("RGBX", (width, height), pixels, "raw", "RGBX", 0, 1)
                image.save(file, "JPEG", quality=88, subsampling=0)
            return file.getvalue()


def steady(low: float, high: float, before: tuple[float, float] | None = None) -> tuple[float, float]:
    """Limits that hold still: those of `before` while they still fit, otherwise new ones with room to grow."""
    if before and before[0] <= low and high <= before[1] and (high - low) > 0.35 * (before[1] - before[0]):
        return before
    room = 0.2 * (high - low) or 1.0
    return low - room, high + room


def _pair(limits):
    return None if limits is None else (float(limits[0]), float(limits[1]))


def _labels(ticks):
    return None if ticks is None else dict(ticks)


def _each(artist):
    return artist if hasattr(artist, "patches") else [artist]
