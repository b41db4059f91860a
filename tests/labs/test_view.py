"""A View redraws cheaply, and what it shows is exactly what a redraw from nothing would show."""

import io

import numpy as np
import pytest
from matplotlib.lines import Line2D
from PIL import Image

from course.labs.style import DARK, LIGHT
from course.labs.view import View, steady
from course.labs.words import Canvas

SIZE = (240, 160)
CORNER = (0, 0.5, 0, 0.5)


def scene(view, shift=0.0, title="Title", **frame):
    """One of everything."""
    panel = view["main"]
    panel.frame(**{"xlim": (0, 1), "ylim": (0, 1), "title": title, "grid": True} | frame)
    panel.image("map", np.linspace(0, 1, 16).reshape(4, 4) + shift, CORNER)
    panel.line("line", [0, 1], [shift, 1 - shift])
    panel.classes("classes", np.array([[0.2, 0.2], [0.8, 0.8 - shift]]), np.array([0, 1]))
    panel.arrow("arrow", (0.1, 0.5), (0.6, 0.5 + shift))
    wires = [[[0, 0], [1, shift]], [[0, 1], [1, 1 - shift]]]
    panel.segments("wires", wires, colors=["#123456", "#654321"], widths=[1, 3])
    panel.bars("bars", [0.3, 0.6], [0.2 + shift, 0.4], width=0.1)
    panel.text("words", 0.5, 0.9, f"shift {shift:.1f}", box=True)
    panel.text("still", 0.7, 0.1, "still", still=True)


def drawn(*updates, **options):
    view = View(size=SIZE, **options)
    for update in updates:
        view.update(update)
    return view


def test_the_background_is_painted_once_while_only_data_moves():
    view = drawn(*(lambda v, s=s: scene(v, s) for s in (0, 0.1, 0.2, 0.3)))
    assert view.backgrounds_painted == 1


@pytest.mark.parametrize("change", [
    {"title": ""}, {"title": "Two\nlines"}, {"ylim": (0, 100)}, {"xlim": (0, 2), "title": ""}, {"x": "x₁"},
    {"y": "x₂"},
    {"grid": False}, {"xticks": {0.5: "half"}}, {"yticks": {0.5: "half"}},
    {"ticks": False}, {"aspect": "equal"},
    {"yscale": "symlog"},
], ids=lambda change: " ".join(change))  # fmt: skip
def test_the_background_is_painted_again_when_what_stands_still_changes(change):
    view = drawn(scene)
    before = view.pixels().copy()
    view.update(lambda v: scene(v, **change))
    assert view.backgrounds_painted == 2
    assert (view.pixels() != before).any()
    assert (view.pixels() == drawn(lambda v: scene(v, **change)).pixels()).all()
    view.update(scene)
    assert (view.pixels() == before).all()


def test_words_are_kept_from_picture_to_picture():
    assert isinstance(drawn(scene).canvas, Canvas)


def test_a_new_title_is_a_word_like_others_and_leaves_the_background_as_it_is():
    view = drawn(scene, lambda v: scene(v, title="Another"))
    assert view.backgrounds_painted == 1
    assert (view.pixels() == drawn(lambda v: scene(v, title="Another")).pixels()).all()
    assert (view.pixels() != drawn(scene).pixels()).any()


@pytest.mark.parametrize("change", [{"xlim": (0, 2)}, {"ylim": (0.1, 1.1)}], ids=lambda change: next(iter(change)))
def test_new_limits_alone_repaint_the_background_and_leave_the_panels_where_they_are(change):
    view = drawn(scene)
    before, place = view.pixels().copy(), view["main"].axes.get_position().bounds
    view.update(lambda v: scene(v, **change))
    assert view.backgrounds_painted == 2
    assert (view.pixels() != before).any()
    assert view["main"].axes.get_position().bounds == place


def test_pixels_after_many_updates_are_those_of_a_fresh_figure():
    moved = drawn(*(lambda v, s=s: scene(v, s) for s in (0.4, 0, 0.7, 0.2)))
    assert (moved.pixels() == drawn(lambda v: scene(v, 0.2)).pixels()).all()


def test_pixels_are_those_matplotlib_paints_without_blitting():
    view = drawn(scene, lambda v: scene(v, 0.3))
    blitted = view.pixels().copy()
    for artist in view["main"].axes.get_children():
        artist.set_animated(False)
    view.canvas.draw()
    box = view["main"].axes.get_window_extent().extents.astype(int)
    height = blitted.shape[0]
    inside = slice(height - box[3] + 3, height - box[1] - 3), slice(box[0] + 3, box[2] - 3)  # without the frame
    difference = np.abs(blitted[inside].astype(int) - view.pixels()[inside])
    assert difference.max() <= 2  # rounding of half-transparent pixels


def test_artists_are_kept_and_moved():
    view = drawn(scene)
    line = view["main"]["line"]
    view.update(lambda v: scene(v, 0.5))
    assert view["main"]["line"] is line
    assert list(line.get_ydata()) == [0.5, 0.5]


def test_a_marker_is_made_once_and_changed_when_asked(monkeypatch):
    made, make = [], Line2D.set_marker
    view = View(size=SIZE)
    show = lambda marker, at: view.update(lambda v: v["main"].points("letters", [at], [at], marker=marker))
    show("$3$", 0.1)
    monkeypatch.setattr(Line2D, "set_marker", lambda line, marker: made.append(marker) or make(line, marker))
    for at in (0.2, 0.3, 0.4):
        show("$3$", at)
    assert not made, "a letter costs milliseconds"
    show("$8$", 0.4)
    assert made == ["$8$"]
    fresh = drawn(lambda v: v["main"].points("letters", [0.4], [0.4], marker="$8$"))
    assert (view.pixels() == fresh.pixels()).all()


def test_what_is_not_drawn_again_disappears_and_comes_back():
    def without(view):
        view["main"].frame(xlim=(0, 1), ylim=(0, 1), title="Title", grid=True)

    view = drawn(scene, without)
    assert (view.pixels() == drawn(without).pixels()).all()
    view.update(scene)
    assert (view.pixels() == drawn(scene).pixels()).all()


def test_still_text_is_in_the_background_and_repainted_when_its_words_change():
    def words(text):
        def draw(view):
            view["main"].frame(xlim=(0, 1), ylim=(0, 1))
            view["main"].text("still", 0.5, 0.5, text, still=True)
        return draw

    view = drawn(words("one"), words("one"))
    assert view.backgrounds_painted == 1
    view.update(words("two"))
    assert view.backgrounds_painted == 2
    assert (view.pixels() == drawn(words("two")).pixels()).all()


def test_higher_z_lies_on_top_and_equal_z_in_the_order_of_drawing():
    def squares(*order):
        def draw(view):
            view["main"].frame(xlim=(0, 1), ylim=(0, 1))
            for color, z in order:
                view["main"].line(color, [0.5], [0.5], marker="s", size=30, color=color, z=z)
        return draw

    def middle(view):
        box = view["main"].axes.get_window_extent().extents
        return tuple(view.pixels()[view.pixels().shape[0] - int(box[1] + box[3]) // 2, int(box[0] + box[2]) // 2][:3])

    red, blue = (255, 0, 0), (0, 0, 255)
    assert middle(drawn(squares(("#ff0000", 5), ("#0000ff", 4)))) == red
    assert middle(drawn(squares(("#ff0000", 4), ("#0000ff", 4)))) == blue
    assert middle(drawn(squares(("#ff0000", 4), ("#0000ff", 4)), squares(("#0000ff", 4), ("#ff0000", 4)))) == red


@pytest.mark.parametrize("smooth", [False, True], ids=["cells", "smooth"])
@pytest.mark.parametrize("extent", [(-3, 3, -3, 3), (-2, 2.5, -1, 4), (-5, 5, -4, 2), (4, 5, 4, 5)], ids=str)
def test_a_picture_is_the_one_matplotlib_paints(extent, smooth):
    values = np.random.default_rng(0).random((9, 13)) * 1.4 - 0.2

    def frame(view):
        view["main"].frame(xlim=(-3, 3), ylim=(-3, 3))

    def ours(view):
        frame(view)
        view["main"].image("map", values, extent, smooth=smooth)

    slow = drawn(frame)
    axes = slow["main"].axes
    theirs = axes.imshow(values, origin="lower", extent=extent, cmap=LIGHT.map, vmin=0, vmax=1, aspect="auto",
                         interpolation="bilinear" if smooth else "nearest", animated=True)  # fmt: skip
    axes.set(xlim=(-3, 3), ylim=(-3, 3))
    slow.canvas.restore_region(slow._background)
    for artist in (theirs, *axes.spines.values()):
        axes.draw_artist(artist)
    difference = np.abs(drawn(ours).pixels().astype(int) - slow.pixels()).max(-1)
    assert (difference > 16).mean() < 0.03  # where two cells meet, rounding may give a pixel to either


def test_nan_in_a_picture_lets_the_background_through():
    values = np.ones((4, 4))
    values[:, :2] = np.nan

    def draw(view):
        view["main"].frame(xlim=(0, 1), ylim=(0, 1))
        view["main"].image("map", values, (0, 1, 0, 1), smooth=True)

    pixels = drawn(draw).pixels()
    height, width = pixels.shape[:2]
    assert tuple(pixels[height // 2, int(0.45 * width)][:3]) == (255, 255, 255)
    assert tuple(pixels[height // 2, int(0.8 * width)][:3]) != (255, 255, 255)


def test_a_new_theme_repaints_everything_once():
    view = drawn(scene)
    assert view.restyle(DARK, 1.0)
    view.update(scene)
    assert tuple(view.pixels()[0, 0][:3]) == (0x11, 0x11, 0x11)
    assert (view.pixels() == drawn(scene, style=DARK).pixels()).all()
    assert not view.restyle(DARK, 1.0)


def test_a_density_of_two_has_twice_the_pixels():
    view = drawn(scene)
    view.restyle(LIGHT, 2.0)
    view.update(scene)
    assert view.pixels().shape == (2 * SIZE[1], 2 * SIZE[0], 4)


def test_two_panels_each_keep_their_own():
    view = View((("left", "right"),), SIZE, width_ratios=(2, 1))

    def draw(v):
        for name in ("left", "right"):
            v[name].frame(xlim=(0, 1), ylim=(0, 1))
            v[name].line("line", [0, 1], [0, 1])

    view.update(draw)
    assert view["left"]["line"] is not view["right"]["line"]


def test_png_is_exact_and_jpeg_is_close():
    view = drawn(scene)
    pixels = view.pixels()[..., :3].astype(int)
    png = np.asarray(Image.open(io.BytesIO(view.encode(lossless=True))).convert("RGB")).astype(int)
    jpeg = np.asarray(Image.open(io.BytesIO(view.encode(lossless=False)))).astype(int)
    assert (png == pixels).all()
    assert np.abs(jpeg - pixels).mean() < 3


def test_steady_limits_hold_still_until_the_data_leaves_them_or_shrinks():
    first = steady(0, 1)
    assert steady(0, 1.1, first) == first
    assert steady(0, 5, first) != first
    assert steady(0, 0.1, first) != first
    low, high = steady(2, 2)
    assert low < 2 < high
