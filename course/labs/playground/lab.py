"""Lab 10a. The playground: build a net, watch every neuron of it learn, and take its code home."""

import html
from types import SimpleNamespace

import ipywidgets as widgets
import numpy as np

from course.labs.controls import Choice, Slider, Toggle
from course.labs.lab import Lab
from course.labs.playground import picture
from course.labs.playground.controls import LAYERS, NEURONS, Layers, Ticks
from course.labs.playground.data import DATA, FEATURES, SIDE, features
from course.labs.playground.experiments import EXPERIMENTS, Ask
from course.labs.playground.listing import listing
from course.labs.playground.net import INITS, OPTIMIZERS, YOURS, Recipe, Training, outputs
from course.labs.playground.yours import USES
from course.labs.predict import Question
from nnlab.functional import sigmoid

GRID = 48  # points along each side of a map
PLANE = np.stack(np.meshgrid(*2 * [np.linspace(-SIDE, SIDE, GRID, dtype=np.float32)]), -1).reshape(-1, 2)
START = Recipe()


def maps(net, names, regression):
    """What every neuron answers on the plane, layer by layer, features first: [(neurons, GRID, GRID), ...]

    Where there are classes, the last one is 2 p - 1, with p the net's probability of class 1.
    """
    told = features(PLANE, names)
    with np.errstate(all="ignore"):
        found = outputs(net, told)
        if not regression:
            found[-1] = 2 * sigmoid(found[-1]).data - 1
        return [np.nan_to_num(each.T).clip(-1e6, 1e6).reshape(-1, GRID, GRID) for each in (told, *found)]


class Playground(Lab):
    """A net of up to 6 layers of 8 neurons, each with its map; its losses; the course's choices. A step is an epoch.

    `pick(layer, neuron)` puts a neuron in the place of the output, as a click on it does; `code()` is the Python that
    trains the same net to the same losses; `use(activation=..., update=...)` takes the student's own.
    """

    id, title = "10a", "The playground"
    controls = dict(
        data=Choice(tuple(DATA), START.data, "data"),
        noise=Slider(0.0, 0.5, START.noise, 0.05, "noise"),
        share=Slider(10, 90, START.share, 10, "training data, %"),
        batch=Slider(1, 30, START.batch, 1, "batch size"),
        features=Ticks({name: label for name, (_, label) in FEATURES.items()}, START.features),
        hidden=Layers(START.hidden),
        optimizer=Choice(tuple(OPTIMIZERS), START.optimizer, "optimizer"),
        lr=Slider(1e-5, 10.0, START.lr, 0.05, "learning rate", log=True, live=True),
        init=Choice(tuple(INITS), START.init, "weights at start"),
        seed=Slider(0, 20, START.seed, 1, "seed"),
        regularisation=Choice(("none", "L1", "L2"), START.regularisation, "penalty"),
        strength=Slider(1e-5, 1.0, START.strength, 0.25, "its strength", log=True),
        dropout=Slider(0.0, 0.8, START.dropout, 0.1, "dropout"),
        patience=Slider(0, 50, START.patience, 5, "patience (0: off)"),
        layer=Slider(0, LAYERS, 0, 1, "look at layer", live=True),
        neuron=Slider(1, NEURONS, 1, 1, "its neuron", live=True),
        test=Toggle(False, "show the test data", live=True),
        two=Toggle(False, "two colours only", live=True),
    )
    GROUPS = (("Data", "data", "noise", "share", "batch"), ("What the net is told", "features"), ("The net", "hidden"),
              ("Training", "optimizer", "lr", "init", "seed"),
              ("Against overfitting", "regularisation", "strength", "dropout", "patience"),
              ("Look (or click on a neuron)", "layer", "neuron", "test", "two"))
    uses = USES
    question = Question(
        "A neuron in the first hidden layer is told x₁ and x₂. Whatever it has learned, what can the border between "
        "its blue and its orange side look like?",
        ("a straight line", "a curve", "a closed ring"),
        "a straight line",
        "It weighs x₁ and x₂, adds, and bends the sum; where the sum is 0 lies a straight line. Curves begin in the "
        "second layer, or with features that are curved themselves.",
    )
    asks = tuple(f"10q{number}" for number in EXPERIMENTS)  # its other predictions
    panels, size = (("net", "map"), ("net", "loss")), (860, 480)
    grid = dict(width_ratios=(1.95, 1), height_ratios=(1.6, 1))

    @staticmethod
    def train(data, noise, share, batch, features, hidden, optimizer, lr, init, seed, regularisation, strength,
              dropout, patience, layer, neuron, test, two, activation, update):
        recipe = Recipe(data, round(float(noise), 2), share, batch, features, hidden, optimizer, float(lr),
                        regularisation, float(strength), round(float(dropout), 1), patience, init, seed)
        training = Training(recipe, activation, update)

        def state():
            layers = [part for part in training.net.layers if hasattr(part, "weight")]
            return dict(recipe=recipe, epoch=training.epochs, rates=dict(training.rates), ended=training.ended,
                        early=training.early, maps=maps(training.net, recipe.features, recipe.regression),
                        weights=[np.nan_to_num(part.weight.data) for part in layers],
                        biases=[part.bias.data.copy() for part in layers],
                        losses=tuple(map(tuple, training.losses)), right=training.right(),
                        train=(training.X, training.y), test=(training.X_test, training.y_test))

        now = yield state()
        while not training.ended:
            training.epoch(float(now["lr"]))
            now = yield state()

    # -- the page ---------------------------------------------------------------------------------------------------

    def _layout(self):
        page = super()._layout()
        controls, stage = page.children[-1].children
        groups = []
        for words, *names in self.GROUPS:
            head = widgets.HTML(f"<b>{words}</b>")
            groups.append(widgets.VBox([head, *(self._widgets[name] for name in names)]))
        controls.children = groups
        controls.add_class("nnlab-groups")
        self._button = widgets.Button(description="Show the code", layout={"width": "auto", "align_self": "flex-start"})
        self._code = widgets.HTML()
        self._code.add_class("nnlab-code")
        self._button.on_click(lambda _: self._show_code())
        page.children[-1].children = [widgets.VBox([stage, self._button, self._code]), controls]  # the picture first
        return page

    def _show_code(self):
        self._code.value = "" if self._code.value else f"<pre>{html.escape(self.code())}</pre>"
        self._button.description = "Hide the code" if self._code.value else "Show the code"

    def code(self) -> str:
        """The Python that builds this net and trains it as far as it is now, to the very same losses."""
        r = self.result
        named = {name: getattr(f.__wrapped__, "__name__", "") for name, f in self._borrowed.items()}
        names = {name: known if known.isidentifier() else f"my_{name}" for name, known in named.items()}
        return listing(r.recipe, r.epoch, r.rates, r.early, **names)

    def use(self, function=None, /, **functions):
        """Run the student's activation (in every hidden layer, unless one is "yours" already) or update rule."""
        super().use(function, **functions)
        given, now = {name: f for name, f in functions.items() if f is not None}, self.values
        moves = {}
        if "activation" in given and all(name != YOURS for _, name in now["hidden"]):
            moves["hidden"] = tuple((neurons, YOURS) for neurons, _ in now["hidden"])
        if "update" in given:
            moves["optimizer"] = YOURS
        return self.set(**moves) if moves else self

    # -- one neuron in place of the output --------------------------------------------------------------------------

    def ask(self, number: int) -> Ask:
        """A question about the playground, from 2 to 10, with its prediction: the last line of a cell."""
        return Ask(self, number)

    def pick(self, layer: int, neuron: int = 1) -> "Playground":
        """Show a neuron of a hidden layer, both counted from 1, in place of the output; layer 0: the output again."""
        return self.set(layer=layer, neuron=neuron)

    def _picked(self, r):
        """(layer, neuron from 0) of the neuron that is looked at; what is not there is the output."""
        layer, neuron = self.values["layer"], self.values["neuron"] - 1
        if 0 < layer < len(r.maps) - 1 and neuron < len(r.maps[layer]):
            return layer, neuron
        return len(r.maps) - 1, 0

    def clicked(self, x, y):
        """A click on the picture, in CSS pixels from its upper left corner."""
        panel = self.view["net"]
        at, size = picture.places([len(each) for each in self._result.maps])
        x, y = panel.axes.transData.inverted().transform((x * self.view.scale, (self.size[1] - y) * self.view.scale))
        for layer, centers in enumerate(at):
            for neuron, center in enumerate(centers):
                if layer and np.abs(center - (x, y)).max() <= size / 2:
                    here = (layer, neuron + 1) if layer < len(at) - 1 else (0, 1)
                    self.pick(*((0, 1) if here == (self.values["layer"], self.values["neuron"]) else here))

    # -- the picture ------------------------------------------------------------------------------------------------

    def draw(self, view, r):
        picked = self._picked(r)
        if self.values["two"]:
            r = SimpleNamespace(**vars(r) | dict(maps=[np.sign(each) for each in r.maps]))
        picture.draw_net(view["net"], r, picked)
        picture.draw_map(view["map"], r, picked, self.values["test"])
        picture.draw_losses(view["loss"], r)

    def tell(self, r):
        layer, neuron = self._picked(r)
        hidden = ", ".join(f"{n} {name.replace('_', ' ')}" for n, name in r.recipe.hidden) or "no hidden layer"
        words = f"{r.recipe.data.capitalize()}; {hidden}."
        numbers = {"epoch": str(r.epoch), "training loss": f"{r.losses[0][-1]:.4f}",
                   "test loss": f"{r.losses[1][-1]:.4f}"}
        if not r.recipe.regression:
            numbers["test points on the right side"] = f"{r.right:.1%}"
        if layer < len(r.maps) - 1:
            into, known = r.weights[layer - 1][:, neuron], r.recipe.features if layer == 1 else None
            words += f" Shown in place of the output: neuron {neuron + 1} of layer {layer}."
            numbers |= {f"weight of {known[i] if known else f'neuron {i + 1}'}": f"{w:.2f}" for i, w in enumerate(into)}
            numbers["bias"] = f"{r.biases[layer - 1][neuron]:.2f}"
        return words + (f" Ended: {r.ended}." if r.ended else ""), numbers
