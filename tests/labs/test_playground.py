"""The playground: its maps are the net's own answers, its code trains the same net to the same bits, and its controls,
the student's functions and early stopping do what they say."""

import contextlib
import html
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from course.labs.playground import Playground, picture
from course.labs.playground.data import DATA, FEATURES, POINTS, SIDE, features, height, split
from course.labs.playground.experiments import EXPERIMENTS
from course.labs.playground.lab import GRID, PLANE
from course.labs.playground.listing import listing
from course.labs.playground.net import INITS, OPTIMIZERS, Recipe, Training, train
from course.labs.style import LIGHT
from course.overview import rows
from course.record import Record

MIXED = Recipe(data="xor", noise=0.1, share=30, batch=7, features=("x1", "x2", "sin(4*x1)"),
               hidden=((5, "relu"), (3, "sigmoid"), (2, "linear")), seed=3)


def softplus(z):
    """An activation of a student's."""
    return np.log1p(np.exp(z)), 1 / (1 + np.exp(-z))


def heavy_ball(w, g, m, v, t, lr):
    """A rule of a student's."""
    m = 0.9 * m + g
    return w - lr * m, m, v


def adam(w, g, m, v, t, lr):
    """A rule that remembers two things, and counts."""
    m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
    return w - lr * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8), m, v


@pytest.fixture(scope="module")
def lab():
    lab = Playground(data=MIXED.data, noise=0.1, features=MIXED.features, hidden=MIXED.hidden, seed=3)
    lab.prediction.skip()
    yield lab.step(4)
    lab.close()


# -- data -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", DATA)
def test_data_lie_in_the_plane_and_noise_moves_them(name):
    X, y = DATA[name](POINTS, 0.0, np.random.default_rng(0))
    assert X.dtype == np.float32
    assert X.shape == (len(y), 2)
    assert np.mean(np.abs(X) < SIDE) > 0.98
    noisy, other = DATA[name](POINTS, 0.3, np.random.default_rng(0))
    assert not np.array_equal(X, noisy) or not np.allclose(y, other)
    if name in ("plane", "hills"):
        assert np.array_equal(X, noisy), "the noise is in the numbers to be learned"
        assert np.abs(y).max() <= 1.01
    else:
        assert set(y) == {0, 1}


def test_the_share_of_training_data_is_what_it_says():
    X, X_test, y, y_test = split("moons", 0.0, 30, np.random.default_rng(0))
    assert len(X) == len(y) == 120
    assert len(X_test) == len(y_test) == 280


def test_features_are_what_they_are_called():
    X = np.random.default_rng(0).uniform(-1, 1, (5, 2))
    x1, x2 = X.T
    for name in FEATURES:
        want = eval(name, {"x1": x1, "x2": x2, "sin": np.sin})
        assert np.array_equal(features(X, (name,))[:, 0], want)


def test_a_hill_is_a_hill():
    assert height(np.array([[-0.8, 0.6]]))[0] > 0.9
    assert height(np.array([[0.5, -0.8]]))[0] < -0.9


# -- the maps -------------------------------------------------------------------------------------------------------


def test_every_neurons_map_is_what_the_net_answers(lab):
    r, weights = lab.result, lab.result.weights
    assert [len(maps) for maps in r.maps] == [3, 5, 3, 2, 1]
    h = features(PLANE, MIXED.features)
    for layer, (W, b) in enumerate(zip(weights, r.biases, strict=True)):
        assert np.allclose(r.maps[layer].reshape(len(W), -1).T, h, atol=1e-6)
        z = h @ W + b
        h = [np.maximum(z, 0), 1 / (1 + np.exp(-z)), z, np.tanh(z / 2)][layer]  # tanh(z/2) = 2 sigmoid(z) - 1
    assert np.allclose(r.maps[-1].ravel(), h[:, 0], atol=1e-6)


def test_a_map_has_x1_to_the_right_and_x2_upwards(lab):
    x1, x2 = lab.result.maps[0][:2]
    assert x1.shape == (GRID, GRID)
    assert (np.diff(x1, axis=1) > 0).all()
    assert (np.diff(x2, axis=0) > 0).all()


def test_where_numbers_are_learned_the_map_shows_them(lab):
    hills = Playground(data="hills", hidden=((3, "tanh"),)).step(1)
    r = hills.result
    answer = np.tanh(features(PLANE, ("x1", "x2")) @ r.weights[0] + r.biases[0]) @ r.weights[1] + r.biases[1]
    assert np.allclose(r.maps[-1].ravel(), answer[:, 0], atol=1e-6)
    assert np.isnan(r.right)
    assert "right side" not in hills.stage.caption


def colors_at(lab, places):
    """The colours painted at places in the panel of the net."""
    at, pixels = lab.view["net"].axes.transData.transform(places).round().astype(int), lab.view.pixels()
    return pixels[len(pixels) - at[:, 1], at[:, 0], :3].astype(int)


@pytest.mark.parametrize("density", [2.0, 1.0])
def test_the_picture_has_each_map_in_its_place(lab, density):
    lab._look(False, density)
    r = lab.pick(0).result
    at, size = picture.places([len(maps) for maps in r.maps])
    for centers, maps in zip(at, r.maps, strict=True):
        largest = np.ones(1) if maps is r.maps[-1] else np.abs(maps).max((1, 2))
        for dx, dy in ((0.25, 0.25), (0.25, -0.25), (-0.25, 0.25)):
            row, column = round((0.5 + dy) * GRID), round((0.5 + dx) * GRID)
            want = LIGHT.map(0.5 + maps[:, row, column] / largest / 2, bytes=True)[:, :3].astype(int)
            assert np.abs(colors_at(lab, centers + np.array([dx, dy]) * size) - want).max() < 40


def test_an_edge_has_the_ink_of_its_sign_and_a_weight_of_0_hardly_any():
    lab = Playground(hidden=((2, "tanh"),))
    r = lab.result
    r.weights = [np.array([[2.0, 0.0], [0.0, -2.0]]), np.array([[1.0], [1.0]])]
    lab.view.update(lambda view: lab.draw(view, r))
    starts, ends, _ = picture.edges(*picture.places([2, 2, 1]))
    blue, *pale, orange = colors_at(lab, (starts + ends) / 2)[:4]  # a curve passes its middle
    negative, positive = ([int(color[i:i + 2], 16) for i in (1, 3, 5)] for color in LIGHT.cycle[:2])
    assert np.abs(blue - positive).max() < 12
    assert np.abs(orange - negative).max() < 12
    assert np.min(pale) > 200


def test_one_neuron_takes_the_place_of_the_output(lab):
    before = lab.view.pixels().copy()
    lab.pick(2, 3)
    assert lab.taken == 4, "no step was taken for it"
    assert np.array_equal(lab.view["map"]["map"].values, lab.result.maps[2][2])
    assert lab.view["map"]._title.get_text() == "Neuron 3 of layer 2"
    assert (lab.view.pixels() != before).any()
    words = dict(map(tuple, lab.stage.table))
    weights = [f"{w:.2f}" for w in lab.result.weights[1][:, 2]]
    assert [words[f"weight of neuron {i}"] for i in range(1, 6)] == weights
    assert words["bias"] == f"{lab.result.biases[1][2]:.2f}"
    lab.pick(1, 2)
    assert f"weight of sin(4*x1) {lab.result.weights[0][2, 1]:.2f}" in lab.stage.caption
    lab.pick(3, 8)  # is not there
    assert np.array_equal(lab.view["map"]["map"].values, lab.result.maps[-1][0])
    lab.pick(0)


def test_in_two_colours_a_map_is_its_sign():
    lab = Playground(two=True, layer=1, neuron=2)
    assert np.array_equal(lab.view["map"]["map"].values, np.sign(lab.result.maps[1][1]))
    assert set(np.unique(lab.view["net"]["maps"].values)) <= {-1, 0, 1}
    lab.set(two=False)
    assert np.array_equal(lab.view["map"]["map"].values, lab.result.maps[1][1])


def test_a_click_picks_a_neuron_and_a_second_one_the_output_again(lab):
    at, _ = picture.places([len(maps) for maps in lab.result.maps])
    place = lab.view["net"].axes.transData.transform(at[2][2])
    click = lambda x, y: lab.stage._received(None, {"kind": "click", "x": x, "y": y}, [])
    lab.stage.locked = True
    click(place[0], lab.size[1] - place[1])
    assert lab.values["layer"] == 0, "a lab that waits for a prediction hears no click"
    lab.stage.locked = False
    for expected in ((2, 3), (0, 1)):
        click(place[0] + 5, lab.size[1] - place[1] - 5)
        assert (lab.values["layer"], lab.values["neuron"]) == expected
    lab.pick(1, 1)
    click(*(lab.view["net"].axes.transData.transform(at[-1][0]) * (1, -1) + (0, lab.size[1])))
    assert lab.values["layer"] == 0
    click(2, 2)
    assert lab.values["layer"] == 0


# -- the code -------------------------------------------------------------------------------------------------------


def losses_of(code, **names):
    """What the printed code prints, run as a student runs it."""
    heard = io.StringIO()
    with contextlib.redirect_stdout(heard):
        exec(code, dict(names))
    return tuple(map(float, heard.getvalue().split()))


@pytest.mark.parametrize("changes", [
    *({"optimizer": name} for name in OPTIMIZERS if name != "yours"),
    *({"init": name} for name in INITS),
    *({"data": name, "batch": 30} for name in DATA),
    {"regularisation": "L1", "strength": 0.01}, {"regularisation": "L2", "strength": 0.1},
    {"regularisation": "L1", "strength": 0.01, "optimizer": "proximal (exact zeros with L1)"},
    {"dropout": 0.3}, {"hidden": ()}, {"share": 90, "batch": 1}, {"seed": 5, "noise": 0.25},
], ids=lambda changes: " ".join(map(str, changes.values())))  # fmt: skip
def test_the_code_trains_the_same_net_to_the_same_bits(changes):
    recipe = replace(MIXED, **changes)
    training = Training(recipe)
    for _ in range(3):
        training.epoch(recipe.lr)
    assert training.losses[0][-1] != training.losses[0][0]
    assert losses_of(listing(recipe, 3)) == (training.losses[0][-1], training.losses[1][-1])


def test_the_code_follows_the_hand_on_the_learning_rate():
    lab = Playground().set(lr=0.3).step(2).set(lr=0.01).step(2).set(lr=1.0).step(1)
    code = lab.code()
    assert "rates = {0: 0.3, 2: 0.01, 4: 1.0}" in code
    assert losses_of(code) == tuple(losses[-1] for losses in lab.result.losses)


def test_the_code_of_a_net_that_is_not_trained_yet():
    lab = Playground(hidden=((2, "gelu"),))
    assert "fit" not in lab.code()
    assert losses_of(lab.code()) == tuple(losses[-1] for losses in lab.result.losses)


def test_the_code_stops_early_where_the_lab_has():
    lab = Playground(data="xor", noise=0.5, share=10, hidden=((8, "tanh"),), optimizer="Adam", patience=5).step(200)
    assert lab.stage.state == "done"
    r = lab.result
    assert lab.result.ended == f"early stopping: back to epoch {r.epoch - 5}"
    assert r.losses[1][-1] == min(r.losses[1][1:])
    assert losses_of(lab.code()) == tuple(losses[-1] for losses in r.losses)
    assert "EarlyStopping" not in Playground(patience=5).step(2).code()


def test_the_code_runs_on_the_students_functions():
    lab = Playground(hidden=((3, "tanh"), (2, "relu"))).use(activation=softplus, update=heavy_ball).step(3)
    assert lab.values["hidden"] == ((3, "yours"), (2, "yours"))
    assert lab.values["optimizer"] == "yours"
    code = lab.code()
    assert "YourActivation(softplus)" in code
    assert losses_of(code, softplus=softplus, heavy_ball=heavy_ball) == tuple(x[-1] for x in lab.result.losses)
    lab.use(activation=None, update=None).step(2)
    assert losses_of(lab.code()) == tuple(losses[-1] for losses in lab.result.losses), "and on ours"


# -- the student's functions ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "rule"), [("momentum", heavy_ball), ("Adam", adam)])
def test_the_students_rule_moves_the_weights_as_the_librarys_does(name, rule):
    ours, theirs = train(3, optimizer=name, lr=0.05), train(3, update=rule, optimizer="yours", lr=0.05)
    assert np.allclose(ours.losses, theirs.losses, atol=1e-4)


def test_the_students_activation_learns_by_its_own_slope():
    tanh = lambda z: (np.tanh(z), 1 - np.tanh(z) ** 2)
    ours = train(3, hidden=((4, "tanh"),), init="Xavier")
    theirs = train(3, activation=tanh, hidden=((4, "yours"),), init="Xavier")
    assert np.allclose(ours.losses, theirs.losses, atol=1e-6)
    flat = train(3, activation=lambda z: (np.tanh(z), 0 * z), hidden=((4, "yours"),), init="Xavier")
    first = [part.weight.data for part in (flat.net.layers[0], ours.net.layers[0])]
    assert np.array_equal(first[0], train(0, hidden=((4, "tanh"),), init="Xavier").net.layers[0].weight.data)
    assert not np.array_equal(*first)


@pytest.mark.parametrize(("function", "words"), [
    (lambda z: np.tanh(z), "expected 2 arrays, the activation and its slope"),
    (lambda z: (z, 1.0), "of shape ()"),
    (lambda z: None, "returned None"),
    (lambda z: 1 / 0, "ZeroDivisionError"),
])  # fmt: skip
def test_what_is_wrong_with_an_activation_is_said_in_the_red_box(function, words):
    lab = Playground().use(activation=function)
    assert words in lab.error
    assert lab.use(activation=None).error == ""


def test_a_layer_that_is_yours_already_keeps_the_others():
    lab = Playground(hidden=((3, "yours"), (2, "relu"))).use(activation=softplus)
    assert lab.values["hidden"] == ((3, "yours"), (2, "relu"))
    assert lab.stage.badge == "running your activation"


# -- the controls ---------------------------------------------------------------------------------------------------


def test_layers_and_ticks_are_moved_by_hand_and_by_code():
    lab = Playground()
    rows, boxes = lab._widgets["hidden"], lab._widgets["features"].boxes
    assert [row.layout.display for row in rows.rows] == ["flex"] * 2 + ["none"] * 4
    rows.count.value = 3
    rows.functions[2].value = "elu"
    rows.neurons[0].value = 7
    boxes["x1*x2"].value = True
    boxes["x1"].value = False
    assert lab.values["hidden"] == ((7, "tanh"), (2, "tanh"), (4, "elu"))
    assert lab.values["features"] == ("x2", "x1*x2")
    assert [len(maps) for maps in lab.result.maps] == [2, 7, 2, 4, 1]
    boxes["x1*x2"].value = boxes["x2"].value = False
    assert lab.values["features"] == ("x2",), "the last one stays"
    assert boxes["x2"].value
    lab.set(hidden=[[8, "relu"]], features=["x1"])
    assert (rows.count.value, rows.neurons[0].value, rows.functions[0].value) == (1, 8, "relu")
    assert lab.values["hidden"] == ((8, "relu"),)


@pytest.mark.parametrize("wrong", [
    {"hidden": ((9, "tanh"),)}, {"hidden": ((1, "tan"),)}, {"hidden": 3}, {"hidden": ((1, "tanh"),) * 7},
    {"features": ()}, {"features": ("x2", "x1")}, {"features": ("x3",)}, {"features": "x1"},
])  # fmt: skip
def test_what_a_control_cannot_be_is_refused(lab, wrong):
    with pytest.raises(ValueError, match="must be"):
        lab.set(**wrong)


def test_a_barred_lab_bars_every_part_of_its_controls():
    lab = Playground()
    lab._bar(True)
    assert all(part.disabled for name in ("hidden", "features") for part in lab._widgets[name].parts)
    lab._bar(False)
    assert not any(part.disabled for name in ("hidden", "features") for part in lab._widgets[name].parts)


def test_a_rate_too_large_ends_in_words_not_in_an_error():
    lab = Playground(data="plane", hidden=((8, "relu"),) * 3, lr=10.0).step(30)
    assert lab.error == ""
    assert "the learning rate is too large" in lab.stage.alt
    assert lab.stage.state == "done"


def test_l1_with_the_proximal_step_makes_weights_exactly_0():
    choices = dict(features=tuple(FEATURES), hidden=(), regularisation="L1", strength=0.05)
    zeros = [int((train(30, optimizer=name, **choices).net.layers[0].weight.data == 0).sum())
             for name in ("gradient descent", "proximal (exact zeros with L1)")]
    assert zeros[0] == 0
    assert zeros[1] >= 3


def test_dropout_is_asleep_in_the_picture():
    lab = Playground(hidden=((8, "tanh"),), dropout=0.5).step(2)
    h = np.tanh(PLANE @ lab.result.weights[0] + lab.result.biases[0])
    assert np.allclose(lab.result.maps[1].reshape(8, -1).T, h, atol=1e-6)


# -- the questions --------------------------------------------------------------------------------------------------


def test_a_question_sets_the_playground_once_it_is_answered(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    lab = Playground(noise=0.5, seed=9)
    ask = lab.ask(5)
    assert lab.values["noise"] == 0.5, "nothing moves before the answer"
    ask.prediction.lock("both")
    assert lab.values["hidden"] == ((8, "sigmoid"),) * 6
    assert (lab.values["noise"], lab.values["seed"]) == (0.0, 0), "what is not named is as at first"
    assert not lab.stage.locked, "and the lab is open to try it"
    lab.set(noise=0.25)
    again = lab.ask(5)  # in a later session
    assert again.prediction.choice == "both"
    assert lab.values["noise"] == 0.25
    again._button.click()
    assert lab.values["noise"] == 0.0


def test_every_question_can_be_set_up_and_counts_in_the_progress():
    lab = Playground()
    table = {row[0]: row for row in rows(Record(Path("nowhere")))}
    assert table["10_playground"][1:] == ("0 of 10", "none", ", ".join(["10a", *(f"10q{n}" for n in EXPERIMENTS)]))
    for number, experiment in EXPERIMENTS.items():
        ask = lab.ask(number)
        ask.set_up()
        assert {name: lab.values[name] for name in experiment.settings} == experiment.settings
        bundle = ask._repr_mimebundle_()
        assert bundle["text/plain"] == f"Question {number}: run this cell to answer it."
        assert all(html.escape(choice) in bundle["text/html"] for choice in experiment.question.choices)
        ask.close()
