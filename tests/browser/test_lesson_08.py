"""Lesson 8 in a real JupyterLab: its first lab, from the prediction to the slider, and the ring, step by step."""

import pytest

from tests.needs import needs

needs("browser")
pytestmark = pytest.mark.browser


def test_the_first_lab_opens_with_a_prediction_plays_and_follows_its_slider(open_notebook):
    nb = open_notebook("from course.labs import gans\nlab = gans.BestJudge()\nlab",
                       "print(lab.values['mu'], lab.result.mu, lab.result.step > 20)")  # fmt: skip
    nb.run(0)
    lab = nb.lab()
    lab.root.get_by_text("It says 0.5 to everything, loss 1.386").click()
    lab.root.locator("button:enabled", has_text="Lock in my prediction").click()
    lab.root.get_by_text("Your prediction holds.").wait_for()
    lab.press("play")
    lab.until("canvas.paints.length > 12")
    lab.press("pause")
    lab.until_state("paused")
    before = lab.pixels()
    lab.slider("fakes: mean").press("Home")
    lab.until_words("Fakes of mean -3.0")
    assert (lab.pixels() != before).any()
    lab.until_exact()
    assert nb.run(1) == "-3.0 -3.0 True\n"


def test_the_ring_takes_single_steps_plays_and_collapses(open_notebook):
    nb = open_notebook("from course.labs import gans\nlab = gans.RingOfEight()\nlab.prediction.lock("
                       "lab.question.answer)\nlab", "print(lab.values['g_steps'], lab.result.curves[:, 1].max() <= 3)")
    nb.run(0)
    lab = nb.lab()
    for words in ("one step of D", "one step of G"):
        lab.root.locator("button", has_text=words).click()
        lab.until_words("1 single steps of D")
    lab.until_words("1 single steps of D, 1 of G")
    lab.root.locator("select").first.select_option("collapse")
    lab.press("play")
    lab.until("canvas.paints.length > 12")
    lab.press("pause")
    lab.until_state("paused")
    assert lab.alert.is_hidden()
    assert nb.run(1) == "10 True\n"
