"""How every picture of the course looks: two themes, one palette.

The colours are Okabe and Ito's colour-blind-safe set (2008), lightened for the dark theme; a class is told by
its marker as well as by its colour, so a picture printed in grey still reads. Class 1 and positive numbers are
blue, class 0 and negative numbers are orange, everywhere in the course.
"""

from dataclasses import dataclass

from matplotlib.colors import Colormap, LinearSegmentedColormap

MARKERS = ("^", "o", "s", "D", "v", "P", "X", "*")


def _diverging(name: str, low: str, middle: str, high: str) -> Colormap:
    return LinearSegmentedColormap.from_list(name, [low, middle, high], N=256)


@dataclass(frozen=True)
class Style:
    """One theme. `cycle[0]` is class 0 (and minus), `cycle[1]` class 1 (and plus); `map` runs from one to the other."""

    name: str
    background: str
    ink: str
    faint: str
    grid: str
    accent: str
    cycle: tuple[str, ...]
    map: Colormap
    grey: Colormap

    @property
    def negative(self) -> str:
        return self.cycle[0]

    @property
    def positive(self) -> str:
        return self.cycle[1]


LIGHT = Style(
    name="light",
    background="#ffffff",
    ink="#1f2328",
    faint="#6b7280",
    grid="#e3e6ea",
    accent="#007a5a",
    cycle=("#d55e00", "#0072b2", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c6d31", "#5b5b5b"),
    map=_diverging("nnlab-light", "#e98a4a", "#fbfaf8", "#5a9fd0"),
    grey=_diverging("nnlab-light-grey", "#ffffff", "#9a9a9a", "#111111"),
)

DARK = Style(
    name="dark",
    background="#111111",
    ink="#e8eaed",
    faint="#9aa0a6",
    grid="#2c2f33",
    accent="#3ddba6",
    cycle=("#ff9a4d", "#56b4ff", "#2fd6a0", "#f0a3cc", "#ffc24a", "#8fd3ff", "#c9a86a", "#b5b5b5"),
    map=_diverging("nnlab-dark", "#b35a1a", "#1c1d1f", "#2273b0"),
    grey=_diverging("nnlab-dark-grey", "#111111", "#7a7a7a", "#f5f5f5"),
)


def style(dark: bool) -> Style:
    return DARK if dark else LIGHT
