"""Lesson 3 in a real JupyterLab: its first lab, from the prediction to the student's own backward, and one that trains.
"""

import pytest

from tests.needs import needs

needs("browser")
pytestmark = pytest.mark.browser


def test_the_graph_is_stepped_through_and_then_runs_on_the_students_backward(open_notebook):
    nb = open_notebook(
        "from course.labs import backprop\nlab = backprop.GraphStepper()\nlab",
        "def backward(tape):\n    grads = [0.0] * (len(tape) - 1) + [1.0]\n"
        "    for i in reversed(range(len(tape))):\n        for p, slope in tape[i]: grads[p] = grads[i] * slope\n"
        "    return grads\nlab.use(backward);",
        "print(lab.values['step'], lab.prediction.choice, lab.result.wrong.tolist())",
    )
    nb.run(0)
    lab = nb.lab()
    lab.root.get_by_text("5", exact=True).click()
    lab.root.locator("button:enabled", has_text="Lock in my prediction").click()
    lab.root.get_by_text("Your prediction holds.").wait_for()
    before = lab.pixels()
    slider = lab.slider("backward step")
    slider.focus()
    for _ in range(4):
        lab.page.keyboard.press("ArrowRight")
    lab.until_words("they are added")
    assert (lab.pixels() != before).any()
    nb.run(1)
    lab.root.get_by_text("running your backward").wait_for()
    lab.until_words("Of b the gradient is not what nudging finds")
    assert nb.run(2) == "4 5 [False, True, False, False, False, False]\n"


def test_a_bug_is_guessed_at_and_the_verdicts_come_in_while_it_trains(open_notebook):
    nb = open_notebook("from course.labs import backprop\nlab = backprop.BugInjector()\n"
                       "lab.prediction.lock('It falls to less than half')\nlab",
                       "print(lab.wait(60), lab.taken, lab.values['guess_gradient'])")  # fmt: skip
    nb.run(0)
    lab = nb.lab()
    lab.root.locator("select").select_option("W2 updated before dW1 is computed")
    lab.until_words("W2 updated")
    lab.root.get_by_text("guess: gradient check notices").click()
    lab.until_words("your guesses none")
    lab.press("play")
    lab.until_words("gradient check silent")
    lab.until_state("done")
    assert nb.run(1) == "True 150 True\n"
    lab.until_words("one step, reference notices")
    assert "your guesses gradient check" in lab.words
