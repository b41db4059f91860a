"""The playground in a real JupyterLab: the largest net, drawn while it learns, and what a hand does to it.

How many pictures a second it shows, benchmarks/labs.py measures.
"""

import pytest

from tests.needs import needs

needs("browser")
pytestmark = pytest.mark.browser

LARGEST = ("from course.labs.playground import Playground\n"
           "lab = Playground(data='spiral', features=tuple(Playground.controls['features'].names),\n"
           "                 hidden=((8, 'tanh'),) * 6)\nlab.prediction.skip()\nlab")  # fmt: skip


def test_the_largest_net_is_painted_epoch_by_epoch_while_it_learns(open_notebook):
    nb = open_notebook(LARGEST, "lab.pause()\nprint(lab.taken, sum(len(maps) for maps in lab.result.maps[1:-1]))")
    nb.run(0)
    lab = nb.lab()
    before = lab.pixels()
    lab.press("play")
    lab.until("canvas.paints.length >= 12")
    taken, neurons = map(int, nb.run(1).split())
    epochs = [int(words.split("epoch ")[1].split(" ")[0]) for _, _, _, words in lab.paints()]
    assert neurons == 48
    assert epochs == sorted(epochs)
    assert len(set(epochs)) >= 11, "every picture is of another epoch"
    assert taken >= epochs[-1]
    assert (lab.pixels() != before).any(-1).mean() > 0.1


def test_hands_on_layers_features_neurons_and_the_code(open_notebook):
    nb = open_notebook(
        "from course.labs.playground import Playground\nlab = Playground()\nlab.prediction.skip()\nlab",
        "print(lab.values['hidden'], lab.values['features'], lab.values['layer'], lab.values['neuron'])",
        "from course.labs.playground import picture\nat, _ = picture.places([2, 4, 2, 2, 1])\n"
        "x, y = lab.view['net'].axes.transData.transform(at[2][1])\nprint(x, lab.size[1] - y)",
        "print(lab.code())",
        "lab.ask(4)",
    )
    nb.run(0)
    lab = nb.lab()
    lab.slider("hidden layers").press("ArrowRight")
    lab.until_words("4 tanh, 2 tanh, 4 tanh")
    lab.slider("layer 3").press("Home")
    lab.slider("layer 3").press("ArrowRight")
    lab.until_words("4 tanh, 2 tanh, 2 tanh")
    lab.root.locator("select").nth(3).select_option("relu")
    lab.until_words("4 tanh, 2 tanh, 2 relu")
    lab.root.locator("label", has_text="sin 4x₁").locator("input").check()
    x, y = map(float, nb.run(2).split())
    width = lab.canvas.evaluate("canvas => canvas.getBoundingClientRect().width / 860")
    lab.canvas.click(position={"x": x * width, "y": y * width})
    lab.until_words("neuron 2 of layer 2")
    values = "((4, 'tanh'), (2, 'tanh'), (2, 'relu')) ('x1', 'x2', 'sin(4*x1)') 2 2\n"
    assert nb.run(1) == values
    lab.press("step")
    lab.until_words("epoch 1 ")
    lab.root.get_by_text("Show the code").click()
    shown = lab.root.locator("pre", has_text="import nnlab")
    shown.wait_for()
    assert shown.inner_text().strip() == nb.run(3).strip()
    nb.run(4)
    asked = nb.page.locator(".nnlab-lab").nth(1)
    asked.get_by_text("a circle, but rough").click()
    asked.locator("button:enabled", has_text="Lock in my prediction").click()
    asked.get_by_text("it is “a straight line”").wait_for()
    lab.until_words("8 linear, 8 linear, 8 linear, 8 linear, 8 linear, 8 linear")
