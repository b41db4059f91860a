"""Lesson 2 in a real JupyterLab: its first lab, from the prediction to the slider, and one that trains."""

import pytest

from tests.needs import needs

needs("browser")
pytestmark = pytest.mark.browser


def test_the_first_lab_opens_with_a_prediction_and_follows_its_slider(open_notebook):
    nb = open_notebook("from course.labs import activations\nlab = activations.Slope()\nlab",
                       "print(round(lab.values['s'], 2), lab.prediction.choice)")  # fmt: skip
    nb.run(0)
    lab = nb.lab()
    assert lab.root.get_by_text("Skip").count() == 0 or lab.root.get_by_text("Skip").is_hidden()
    lab.root.get_by_text("It falls to about a fifth").click()
    lab.root.locator("button:enabled", has_text="Lock in my prediction").click()
    lab.root.get_by_text("Your prediction holds.").wait_for()
    before = lab.pixels()
    lab.slider("data spread").press("End")
    lab.until_words("mean slope 0.039")
    assert (lab.pixels() != before).any()
    lab.root.locator("select").select_option("relu")
    lab.until_words("mean slope 0.500")
    assert nb.run(1) == "10.0 It falls to about a fifth\n"


def test_the_digits_are_learned_on_the_page_by_the_students_softmax(open_notebook):
    nb = open_notebook(
        "import numpy as np\nfrom course.labs import activations\nlab = activations.TwoOutputs()\n"
        "lab.prediction.skip()\nlab",
        "def mine(z):\n    e = np.exp(z - z.max(-1, keepdims=True))\n    return e / e.sum(-1, keepdims=True)\n"
        "lab.use(softmax=mine);",
        "print(lab.taken > 20, lab.result.sums[1] < 1.001)",
    )
    nb.run(0, 1)
    lab = nb.lab()
    lab.root.get_by_text("running your softmax").wait_for()
    lab.press("play")
    lab.until("canvas.paints.length > 15")
    lab.slider("look at digit").press("ArrowRight")
    lab.until("canvas.paints.length > argument", len(lab.paints()) + 5)
    lab.press("stop")
    lab.until_state("still")
    assert "over all digits 1.00 to 1.00" in lab.words
    assert nb.run(2) == "True True\n"
