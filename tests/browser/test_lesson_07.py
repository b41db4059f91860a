"""Lesson 7 in a real JupyterLab: its first lab, from the prediction over the training to a view that turns while it
stands still; the map under the hand."""

import pytest

from tests.needs import needs

needs("browser")
pytestmark = pytest.mark.browser


def test_the_first_lab_opens_with_a_prediction_trains_and_turns_while_it_rests(open_notebook):
    nb = open_notebook("from course.labs import autoencoders\nlab = autoencoders.Bottleneck()\nlab",
                       "print(lab.result.turn, lab.prediction.choice, len(lab.result.errors) == lab.taken + 1 > 8)")
    nb.run(0)
    lab = nb.lab()
    lab.root.get_by_text("4", exact=True).click()
    lab.root.locator("button:enabled", has_text="Lock in my prediction").click()
    lab.root.get_by_text("Your prediction holds.").wait_for()
    lab.press("play")
    lab.until("canvas.paints.length > 10")
    lab.press("pause")
    lab.until_state("paused")
    before = lab.pixels()
    lab.slider("turn the view").press("End")
    lab.until_words("view turned 180")
    lab.until_exact()
    assert (lab.pixels() != before).any()
    assert nb.run(1) == "180 4 True\n"


def test_the_decoded_digit_changes_under_the_hand(open_notebook):
    nb = open_notebook(
        "from course.labs import autoencoders\nlab = autoencoders.LatentMap()\nlab.prediction.skip()\nlab",
        "print(round(lab.values['z1'], 2), len(lab.result.tiles))",
    )
    nb.run(0)
    lab = nb.lab()
    words = lab.words
    for _ in range(3):
        lab.slider("z₁").press("ArrowRight")
    lab.until_words("At (0.15, 0.00)")
    assert lab.words != words
    handle = lab.slider("z₂").bounding_box()
    x, y, painted = handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2, len(lab.paints())
    page = lab.page
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(1, 5):  # the button stays down: each picture is of a place on the way
        now = lab.words
        page.mouse.move(x + 8 * step, y)
        lab.until("canvas.getAttribute('aria-label') != argument", now)
    assert len({words for *_, words in lab.paints()[painted:]}) >= 4
    page.mouse.move(x, y)
    lab.until_words("At (0.15, 0.00)")
    page.mouse.up()
    lab.root.get_by_text("show what each place decodes to").click()
    lab.until_exact()
    assert nb.run(1) == "0.15 169\n"


def test_arrows_form_while_the_point_is_moved(open_notebook):
    nb = open_notebook(
        "from course.labs import autoencoders\nlab = autoencoders.Denoising()\nlab.prediction.skip()\nlab",
        "print(round(float(lab.result.walk[0][0]), 3))",
    )
    nb.run(0)
    lab = nb.lab()
    lab.press("play")
    lab.until("canvas.paints.length > 5")
    lab.slider("your point x₁").press("Home")
    lab.until_words("from (-1.8, 1.4)")
    lab.press("pause")
    lab.until_state("paused")
    assert nb.run(1) == "-1.8\n"
