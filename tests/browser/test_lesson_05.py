"""Lesson 5 in a real JupyterLab: its first lab, from the prediction to the slider; the finger on Stop; the counter."""

import pytest

from tests.needs import needs

needs("browser")
pytestmark = pytest.mark.browser


def test_the_first_lab_opens_with_a_prediction_and_follows_its_slider(open_notebook):
    nb = open_notebook("from course.labs import overfitting\nlab = overfitting.DegreeAndData()\nlab",
                       "print(lab.values['degree'], lab.prediction.choice)")  # fmt: skip
    nb.run(0)
    lab = nb.lab()
    lab.root.get_by_text("False", exact=True).click()
    lab.root.locator("button:enabled", has_text="Lock in my prediction").click()
    lab.root.get_by_text("Your prediction holds.").wait_for()
    before = lab.pixels()
    lab.slider("degree").press("End")
    lab.until_words("degree 15")
    assert (lab.pixels() != before).any()
    lab.root.get_by_text("show 12 other samples").click()
    lab.until_exact()
    assert nb.run(1) == "15 False\n"


def test_stop_is_the_students_and_opens_the_hidden_test(open_notebook):
    nb = open_notebook(
        "from course.labs import overfitting\nlab = overfitting.YouAreEarlyStopping()\nlab.prediction.skip()\nlab",
        "print(3 < lab.result.mine < 700, len(lab.result.validation), lab.result.patience)",
    )
    nb.run(0)
    lab = nb.lab()
    assert "Not trained yet" in lab.words
    lab.press("play")
    lab.until("canvas.paints.length > 20")
    before = lab.pixels()
    lab.press("stop")
    lab.root.get_by_text("The training runs on").wait_for()  # what takes a while is said to do so
    lab.until_words("You stopped at epoch")
    lab.until_state("done")
    lab.until_exact()
    verdict = slice(2 * before.shape[1] // 3, None)  # the right third: the hidden test, closed until now
    assert (lab.pixels()[:, verdict] != before[:, verdict]).mean() > 0.03, "the words alone are no reveal"
    shown = int(lab.canvas.get_attribute("data-seq"))
    lab.slider("patience").press("End")
    lab.until_words("patience 50")
    lab.until("+canvas.dataset.seq > argument", shown)
    assert nb.run(1) == "True 800 50\n"


def test_the_counter_counts_the_students_looks(open_notebook):
    nb = open_notebook(
        "from course.labs import overfitting\nlab = overfitting.PeekCounter()\nlab.prediction.skip()\nlab",
        "print(len(lab.result.looks), lab.result.seen)",
    )
    nb.run(0)
    lab = nb.lab()
    for look in range(3):
        lab.slider("other start").press("ArrowRight")
        lab.until_words(f"looks {look + 2} ")
    lab.root.get_by_text("open the 985 sealed digits").click()
    lab.until_words("The seal is broken")
    assert nb.run(1) == "4 True\n"
