"""Words that are kept look as matplotlib sets them, and are set only once."""

import itertools

import numpy as np
import pytest
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties

from course.labs import words
from course.labs.words import Canvas, Renderer

LINES = ["grad -1.23", "×2.00", "a gets 2.00 · (1.00) = 2.00,   b had", "1e-7: be happy", "10,000", "{1}|0|", "jf1",
         "p₁ = 0.12  ← right", "W1 @ x2/T0", "Xᵀ @ dZ:  (3, 2)  ✓", "WWWWWW", "2²"]  # fmt: skip
INK = (0.1, 0.3, 0.9, 1.0)


def painted(kind, line, x=40.0, y=60.0, *, angle=0, color=INK, size=10, weight="normal", dpi=100, paper=None, alpha=1,
            clip=None, ismath=False, font=None):
    renderer = kind(500, 120, dpi)
    gc = renderer.new_gc()
    gc.set_foreground(color, isRGBA=True)
    gc.set_alpha(alpha)
    if paper is not None:
        np.asarray(renderer.buffer_rgba())[...] = paper
    if clip:
        gc.set_clip_rectangle(clip)
    renderer.draw_text(gc, x, y, line, font or FontProperties(size=size, weight=weight), angle, ismath)
    return np.asarray(renderer.buffer_rgba()).astype(int)


def same(line, **how):
    ours, theirs = (painted(kind, line, **how) for kind in (Renderer, RendererAgg))
    return np.abs(ours - theirs).max() <= 2  # a level or two: what is kept has been rounded once


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("paper", [(255, 255, 255, 255), (17, 17, 17, 255), None], ids=["light", "dark", "clear"])
def test_from_a_whole_pixel_words_are_those_of_matplotlib(line, paper):
    for size, weight, dpi in itertools.product((9, 9.5, 10.5), ("normal", "bold"), (100, 200)):
        assert same(line, size=size, weight=weight, dpi=dpi, paper=paper), (size, weight, dpi)


@pytest.mark.parametrize("angle", [90, 30, 180, 270])
def test_so_are_words_that_stand_upright_or_askew(angle):
    assert same("accuracy 0.97", x=250, y=60, angle=angle, size=7)


def test_what_differs_in_anything_is_kept_apart():
    base = dict(size=10, weight="normal", color=INK, angle=0, dpi=100)
    for change in ({}, {"size": 11}, {"weight": "bold"}, {"color": (0.8, 0.1, 0.1, 1.0)}, {"angle": 90}, {"dpi": 125}):
        assert same("0.5 x", y=80, **base | change), change
    assert same("x 0.5", **base)


def test_a_font_that_is_changed_later_is_another_font():
    font = FontProperties(size=10)
    assert same("a 1", font=font)
    font.set_size(14)
    assert same("a 1", font=font)
    assert same("a 1", font=FontProperties(size=10))
    assert same("a 1", font=FontProperties(size=14))


@pytest.mark.parametrize(("x", "y"), [(40.3, 60.4), (39.6, 59.7)])
def test_between_pixels_they_go_to_the_nearest_so_that_they_do_not_shimmer(x, y):
    assert (painted(Renderer, "0.25 and more", x, y) == painted(Renderer, "0.25 and more", 40, 60)).all()


def test_letters_that_close_up_move_what_follows_by_less_than_a_pixel():
    for line in ("AVAV1", "To1To2", "P.1 7y.", "Loss over all 24 examples"):
        ours, theirs = (painted(kind, line, size=12)[..., 3].sum(0) for kind in (Renderer, RendererAgg))
        centre = [(column * np.arange(500)).sum() / column.sum() for column in (ours, theirs)]
        assert abs(centre[0] - centre[1]) < 1, line


@pytest.mark.parametrize("how", [dict(x=-8), dict(x=480), dict(y=4), dict(y=125)], ids=str)
def test_at_the_edge_of_the_picture_they_are_cut_off(how):
    assert same("12.5 gradient", **how)
    assert painted(Renderer, "12.5 gradient", **how).any()


def test_they_keep_within_a_clip():
    clip = Figure(figsize=(5, 1.2), dpi=100).add_axes([0, 0, 0.12, 1]).bbox
    ours, theirs = (painted(kind, "12.5 gradient", clip=clip)[:, :60] for kind in (Renderer, RendererAgg))
    assert np.abs(ours - theirs).max() <= 2
    assert not painted(Renderer, "12.5 gradient", clip=clip)[:, 61:, 3].any()


def test_blanks_paint_nothing_and_take_their_room():
    assert not painted(Renderer, "   ")[..., 3].any()
    assert same("1   2")
    assert same("   2")


@pytest.mark.parametrize("alpha", [0.4, 1, None])
@pytest.mark.parametrize("color", [INK, (0.1, 0.3, 0.9, 0.5)], ids=["opaque", "glass"])
def test_half_transparent_words_let_as_much_through(alpha, color):
    assert same("0.5 seen", alpha=alpha, color=color, paper=(255, 255, 255, 255))


def test_a_formula_is_left_to_matplotlib():
    formula = r"$\frac{1}{2}x^2$"
    assert (painted(Renderer, formula, ismath=True) == painted(RendererAgg, formula, ismath=True)).all()


def test_words_are_set_in_type_once_and_a_new_number_not_at_all(monkeypatch):
    for digit in "0123456789":
        painted(Renderer, f"loss {digit}.{digit}")
    calls = []
    monkeypatch.setattr(words, "painted", lambda *a: calls.append(a) or ())
    for number in ("loss 3.1", "loss 27.18", "loss 0.99"):
        painted(Renderer, number)
        painted(Renderer, number)
    assert calls == []
    painted(Renderer, "another word")
    assert len(calls) == 1


def test_what_is_kept_is_limited():
    assert words.typeset.cache_info().maxsize == words.advance.cache_info().maxsize == words.KEPT


def test_a_canvas_has_one_renderer_of_its_own_size_and_density():
    canvas = Canvas(Figure(figsize=(3, 2), dpi=200))
    assert isinstance(canvas.get_renderer(), Renderer)
    assert canvas.get_renderer() is canvas.get_renderer() is canvas.renderer
    canvas.draw()
    assert np.asarray(canvas.buffer_rgba()).shape == (400, 600, 4)
    assert canvas.renderer.dpi == 200
