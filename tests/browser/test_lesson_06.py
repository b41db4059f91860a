"""Lesson 6 in a real JupyterLab: its first lab, from the prediction to the student's own start; a net that is repaired.
"""

import pytest

from tests.needs import needs

needs("browser")
pytestmark = pytest.mark.browser


def test_the_telephone_game_opens_with_a_prediction_and_then_runs_on_the_students_start(open_notebook):
    nb = open_notebook(
        "from course.labs import vanishing\nlab = vanishing.Telephone()\nlab",
        "import numpy as np\n\ndef he_init(n_in, n_out, rng):\n"
        "    return rng.normal(0, np.sqrt(2 / n_in), (n_in, n_out)), np.zeros(n_out)\n\nlab.use(he_init);",
        "print(round(lab.values['sw2'], 2), lab.prediction.choice)",
    )
    nb.run(0)
    lab = nb.lab()
    assert lab.root.get_by_text("Skip").count() == 0 or lab.root.get_by_text("Skip").is_hidden()
    lab.root.get_by_text("about a billionth").click()
    lab.root.locator("button:enabled", has_text="Lock in my prediction").click()
    lab.root.get_by_text("Your prediction holds.").wait_for()
    before = lab.pixels()
    lab.slider("n · variance, σ²").press("End")
    lab.until_words("theory 2.000")
    assert (lab.pixels() != before).any()
    nb.run(1)
    lab.root.get_by_text("running your he_init").wait_for()
    lab.slider("layers").press("End")
    lab.until_words("60 layers of relu")
    assert nb.run(2) == "4.0 about a billionth\n"


def test_a_dead_net_comes_to_life_by_one_change(open_notebook):
    nb = open_notebook(
        "from course.labs import vanishing\nlab = vanishing.FixIt()\nlab.prediction.skip()\nlab",
        "print(lab.wait(90), lab.taken, lab.result.losses[-1] < 0.2, lab._before[0][-1] > 0.65)",
    )
    nb.run(0)
    lab = nb.lab()
    lab.press("step")
    lab.until_words("step 5 ")
    lab.root.locator("select").first.select_option("tanh")
    lab.until_words("tanh, Xavier")
    lab.press("play")
    lab.until("canvas.paints.length > 10")
    lab.until_state("done")
    assert nb.run(1) == "True 400 True True\n"
