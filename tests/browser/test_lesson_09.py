"""Lesson 9 in a real JupyterLab: its first lab, from the prediction to the slider; a map that forms; a text that grows.
"""

import pytest

from tests.needs import needs

needs("browser")
pytestmark = pytest.mark.browser


def test_the_first_lab_opens_with_a_prediction_and_follows_its_slider(open_notebook):
    nb = open_notebook("from course.labs import attention\nlab = attention.SoftDictionary()\nlab",
                       "print(lab.values['qx'], lab.prediction.choice)")  # fmt: skip
    nb.run(0)
    lab = nb.lab()
    lab.root.get_by_text("No, never", exact=True).click()
    lab.root.locator("button:enabled", has_text="Lock in my prediction").click()
    lab.root.get_by_text("Your prediction holds.").wait_for()
    before = lab.pixels()
    lab.slider("query, across").press("Home")
    lab.until_words("fits key C best")
    assert (lab.pixels() != before).any()
    lab.until_exact()
    assert nb.run(1) == "-2.0 No, never\n"


def test_a_map_forms_while_it_plays(open_notebook):
    nb = open_notebook(
        "from course.labs import attention\nlab = attention.LearnTheMap(L=8)\nlab.prediction.lock('about 25 %')\nlab",
        "print(lab.result.curve[-1, 1] > 0.99, len(lab.result.ids))",
    )
    nb.run(0)
    lab = nb.lab()
    lab.press("play")
    lab.until_words("letters right 1.00")
    lab.until_state("done")
    assert nb.run(1) == "True 8\n"


def test_the_trained_translator_follows_the_day(open_notebook):
    nb = open_notebook(
        "from course.labs import attention\n"
        "lab = attention.Dates(start='trained, 2,000 steps')\nlab.prediction.lock('On “September”')\nlab",
        "print(lab.values['day'], lab.result.seen.says == lab.result.seen.iso)",
    )
    nb.run(0)
    lab = nb.lab()
    words = lab.words
    lab.slider("day").press("ArrowRight")
    lab.until("canvas.paints.length > 0")
    lab.until_exact()
    assert lab.words != words
    assert nb.run(1) == "2 True\n"
