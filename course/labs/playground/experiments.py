"""Nine questions to the playground (the tenth is the lab's own): predicted first, then set up in it, then tried.

Each answer is measured in the notebook, on several starts. The answers are kept as all predictions are.
"""

import html
from dataclasses import dataclass

import ipywidgets as widgets

from course.labs import cells
from course.labs.playground.data import FEATURES
from course.labs.playground.net import PROXIMAL
from course.labs.predict import Prediction, Question

EASY = dict(optimizer="Adam", lr=0.03, batch=30)


@dataclass(frozen=True)
class Experiment:
    """A question, and the controls that show the answer: what is not named goes back to where it was at first."""

    question: Question
    settings: dict


EXPERIMENTS = {
    2: Experiment(Question(
        "No hidden layer, and the net is told a single feature. Which one lets it tell XOR's classes apart?",
        ("x₁²", "x₁x₂", "sin 4x₁", "none of the seven"), "x₁x₂",
        "Class 1 is where the signs differ, and the sign of the product says just that. The right feature does the "
        "work of a hidden layer; with x₁ and x₂ alone a hidden layer has to find it."),
        dict(data="xor", hidden=(), features=("x1*x2",), **EASY)),
    3: Experiment(Question(
        "One hidden layer of tanh, told x₁ and x₂. How many neurons does it take to fence in the inner circle?",
        ("1", "2", "3", "8"), "3",
        "Each draws one straight line, and three lines are the fewest that close: a triangle, its corners rounded. "
        "Not every start finds it; with four it is easier."),
        dict(data="circle", hidden=((3, "tanh"),), seed=3, **EASY)),
    4: Experiment(Question(
        "Six hidden layers of eight neurons, all with the activation “linear”. What will the border look like?",
        ("a straight line", "a circle, but rough", "a circle"), "a straight line",
        "A linear function of a linear function is linear: 393 parameters, and it can do what one neuron can. It is "
        "the bend in between that makes depth worth anything."),
        dict(data="circle", hidden=((8, "linear"),) * 6, **EASY)),
    5: Experiment(Question(
        "Six hidden layers of eight again, plain gradient descent: sigmoid in all of them, or ReLU. Which learns?",
        ("both", "only ReLU", "only sigmoid", "neither"), "only ReLU",
        "A sigmoid passes back at most a quarter of what reaches it; through six of them next to nothing arrives, "
        "and the first layers stay where they began. Lesson 6 is about that."),
        dict(data="circle", hidden=((8, "sigmoid"),) * 6, batch=30)),
    6: Experiment(Question(
        "All weights start at 0, with tanh. How far does the training loss fall in 30 epochs?",
        ("hardly at all", "half as far as from random weights", "just as far"), "hardly at all",
        "Every neuron answers 0, so no weight behind it gets a gradient, and none in front of it either. Only the "
        "output's bias can move. Random starts are not a detail."),
        dict(data="circle", hidden=((4, "tanh"), (2, "tanh")), init="zeros", **EASY)),
    7: Experiment(Question(
        "The circle again, no hidden layer, all seven features, and a price on every weight (L1, with its proximal "
        "step). Which weights are left at the end?",
        ("all seven, but small", "x₁² and x₂²", "x₁ and x₂", "sin 4x₁ and sin 4x₂"), "x₁² and x₂²",
        "The circle is x₁² + x₂² = r². A weight that does not earn its price goes to exactly 0: L1 chooses features."),
        dict(data="circle", hidden=(), features=tuple(FEATURES), regularisation="L1", strength=0.03,
             optimizer=PROXIMAL, lr=0.3, batch=30)),
    8: Experiment(Question(
        "40 noisy points, two layers of eight ReLUs, 150 epochs: the training loss is near 0, the test loss is "
        "high. Which of these brings the test loss down?",
        ("a third layer", "twice as many epochs", "a price on large weights (L2)"), "a price on large weights (L2)",
        "The net has learned its 40 points by heart, noise included. More net or more time make that worse; a price "
        "on large weights makes it pay for every sharp bend."),
        dict(data="moons", noise=0.25, share=10, hidden=((8, "relu"),) * 2, test=True, **EASY)),
    9: Experiment(Question(
        "Gradient descent at the same rate, batches of 1 or of 30. Whose training loss is lower after ten epochs?",
        ("batches of 1", "batches of 30", "about the same"), "batches of 1",
        "An epoch looks at every point once, but with batches of 1 it takes 200 steps instead of 7. Each is "
        "noisier, and there are many more of them."),
        dict(data="moons", hidden=((8, "tanh"),), batch=1)),
    10: Experiment(Question(
        "You write tanh yourself, but its slope wrong: 1 everywhere. The forward pass is right. What can a net of "
        "eight such neurons learn of the circle?",
        ("the same as with the right slope, but more slowly", "no more than a straight line", "the loss becomes nan"),
        "no more than a straight line",
        "Backward, the net takes itself for a linear one, and walks to where a linear net would be content. Nothing "
        "crashes, the loss even falls a little: such bugs are found by a gradient check, not by looking."),
        dict(data="circle", hidden=((8, "yours"),), init="Xavier", **EASY)),
}


class Ask:
    """One of the questions, on a page of its own. Answered or skipped, it sets the playground to what shows why."""

    def __init__(self, playground, number: int):
        self.playground, self.number = playground, number
        self.question, self.settings = EXPERIMENTS[number].question, EXPERIMENTS[number].settings
        self._ready = False
        self._button = widgets.Button(description="Set the playground to it", disabled=True, layout={"width": "auto"})
        self._button.on_click(lambda _: self.set_up())
        self._words = widgets.HTML()
        self.prediction = Prediction(f"10q{number}", self.question, self._opened, lead=f"{number}.")
        self.page = widgets.VBox([self.prediction.panel, widgets.HBox([self._button, self._words])])
        self.page.add_class("nnlab-lab")
        self._ready = True
        cells.heard_meanwhile(self.page)
        cells.remember(self)

    def _opened(self):
        self._button.disabled = False
        if self._ready:  # a question answered in an earlier session changes nothing by itself
            self.set_up()

    def set_up(self):
        """Put the playground's controls to this question."""
        if not self.playground.prediction.open:
            self.playground.prediction.skip()
        first = {name: control.value for name, control in self.playground.controls.items()}
        self.playground.set(**first | self.settings)
        self._words.value = "The playground is set to it: press Play there."

    def close(self):
        """Free the widgets. Done by itself when the question's cell runs again."""
        for widget in cells.tree(self.page):
            widget.close()

    def _repr_mimebundle_(self, include=None, exclude=None):
        """The live page; beside it the question as constant words, for wherever no kernel runs."""
        still = (f"<p><b>{self.number}.</b> {html.escape(self.question.text)}<br>"
                 f"{html.escape(' · '.join(self.question.choices))}</p>")
        words = f"Question {self.number}: run this cell to answer it."
        return {**(self.page._repr_mimebundle_() or {}), "text/html": still, "text/plain": words}
