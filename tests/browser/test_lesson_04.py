"""Lesson 4 in a real JupyterLab: its first lab, from the prediction to the student's own momentum, and one that trains.
"""

import pytest

from tests.browser.jupyter import LabOnPage
from tests.needs import needs

needs("browser")
pytestmark = pytest.mark.browser


def test_the_ravine_opens_with_a_prediction_and_then_runs_on_the_students_momentum(open_notebook):
    nb = open_notebook(
        "from course.labs import optimizers\nlab = optimizers.Ravine()\nlab",
        "def momentum(w, g, u, lr, beta):\n    u = beta * u + g\n    return w - lr * u, u\nlab.use(momentum);",
        "print(round(lab.values['beta'], 2), lab.prediction.choice)",
    )
    nb.run(0)
    lab = nb.lab()
    assert lab.root.get_by_text("Skip").count() == 0 or lab.root.get_by_text("Skip").is_hidden()
    lab.root.get_by_text("gradient descent 100 times, momentum 10 times").click()
    lab.root.locator("button:enabled", has_text="Lock in my prediction").click()
    lab.root.get_by_text("Your prediction holds.").wait_for()
    before = lab.pixels()
    lab.slider("rate lr, in 2/L").press("End")
    lab.until_words("theory 3.4000")
    assert (lab.pixels() != before).any()
    nb.run(1)
    lab.root.get_by_text("running your momentum").wait_for()
    lab.slider("momentum β").press("End")
    lab.until_words("theory 1.8847")
    assert nb.run(2) == "0.99 gradient descent 100 times, momentum 10 times\n"


def test_the_digits_are_trained_while_the_comparison_is_changed(open_notebook):
    nb = open_notebook(
        "from course.labs import optimizers\nlab = optimizers.FairComparison(epochs=2, starts=1)\n"
        "lab.prediction.skip()\nlab",
        "print(lab.wait(60), lab.taken, lab.values['way'])",
    )
    nb.run(0)
    lab = nb.lab()
    lab.press("play")
    lab.until("canvas.paints.length > 5")
    lab.root.locator("select").first.select_option("each at its own best rate")
    lab.until_state("done")
    assert nb.run(1) == "True 55 each at its own best rate\n"
    lab.until_words("runs 55 of 55")
    lab.root.locator("select").first.select_option("all at the same rate")  # all runs are done: redrawn at once
    lab.until_words("all at the same rate")
    assert "Adam at 0.01" in lab.words


def test_a_case_of_the_game_is_looked_into_compared_and_closed(open_notebook):
    nb = open_notebook(
        'from course.labs.whodunit import which_bug\ngame = which_bug("04_optimizers")\ngame',
        "print(game.case.name, '|', game.prediction.question.answer, '|', game.found)",
    )
    nb.run(0)
    page = nb.page.locator(".nnlab-lab").first
    page.get_by_role("button", name="2", exact=True).click()
    page.get_by_text("running a stranger's rmsprop").wait_for()
    lab = LabOnPage(nb.page, page.locator(".nnlab-lab"))
    before = lab.pixels()
    name, answer, found = nb.run(1).strip().split(" | ")
    assert found == "0"
    page.get_by_text("the right function, to compare").click()
    page.get_by_text("running the right rmsprop").wait_for()
    lab.until("canvas.paints.length > 0")
    assert (lab.pixels() != before).any(), name
    page.get_by_text(answer).click()
    page.locator("button:enabled", has_text="That is it").click()
    page.get_by_text("Found.").wait_for()
    page.get_by_text("1 of 11 cases closed, 1 found. 2 ✓").wait_for()
    assert lab.root.is_visible()
