"""Lesson 1: what it claims, over seeds, with the range each claim is accepted in; its twin; its exercises solved."""

import itertools
import re

import nbformat
import numpy as np
import pytest

import nnlab
from course.check import UNITS, read_unit
from course.labs import neurons
from course.labs.neurons.digits import two_digits
from course.labs.neurons.labelings import try_labeling
from course.labs.neurons.perceptron import bound, problem
from course.labs.neurons.pieces import pieces, random_layers, tent_layers
from course.labs.neurons.xor import X, Y, net
from nnlab.functional import binary_cross_entropy_with_logits, cross_entropy
from nnlab.models.perceptron import cover_fraction, perceptron, separable
from tests.needs import needs

LESSON = UNITS.parents[1] / "notebooks" / "01_neurons.ipynb"


@pytest.fixture(scope="module")
def lesson():
    return nbformat.read(LESSON, as_version=4)


# R1.1 Cover ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("seed", range(10))
def test_the_share_of_labelings_a_neuron_can_make_is_covers(seed):
    rng = np.random.default_rng(seed)
    for points in (10, 15, 20, 25, 30):
        measured = np.mean([try_labeling(points, 10, False, rng) for _ in range(400)])
        assert abs(measured - cover_fraction(points, 10)) <= 0.08
        assert measured == 1 or points > 10


def test_with_a_bias_half_of_the_labelings_are_lost_two_points_later():
    rng = np.random.default_rng(0)
    measured = np.mean([try_labeling(20, 10, True, rng) for _ in range(600)])
    assert abs(measured - cover_fraction(20, 11)) < 0.06
    assert cover_fraction(20, 11) == pytest.approx(0.676, abs=5e-4)


@pytest.mark.parametrize(("points", "dimensions"), [(4, 2), (5, 2), (6, 3), (6, 4), (7, 3), (3, 5)])
def test_of_all_labelings_of_a_few_points_exactly_covers_number_is_separable(points, dimensions):
    X = np.random.default_rng(points).standard_normal((points, dimensions))
    made = sum(separable(X, y) for y in itertools.product([-1, 1], repeat=points))
    assert made == cover_fraction(points, dimensions) * 2**points


def test_the_lengths_of_the_examples_do_not_matter_to_separable():
    rng = np.random.default_rng(1)
    for _ in range(50):
        X, y = rng.standard_normal((12, 6)), rng.choice([-1, 1], 12)
        assert separable(X, y) == separable(X * 10.0 ** rng.integers(-9, 9, (12, 1)), y)


def test_nothing_separates_the_origin_and_nothing_two_labels_of_one_point():
    assert not separable([[0.0, 0.0], [1.0, 0.0]], [1, 1])
    assert not separable([[1.0, 2.0], [2.0, 4.0]], [1, -1])
    assert separable([[1.0, 2.0], [2.0, 4.0]], [1, 1])


@pytest.mark.parametrize("kind", ["general", "whole numbers", "corners of a cube"])
def test_separable_agrees_with_linear_programming(kind):
    linprog = pytest.importorskip("scipy.optimize").linprog
    rng = np.random.default_rng(0)
    for _ in range(100):
        n = int(rng.integers(2, 13))
        p = int(rng.integers(1, 4 * n + 1))
        points, y = rng.standard_normal((p, n)), rng.choice([-1, 1], p)
        if kind != "general":
            points = np.round(points) if kind == "whole numbers" else (points > 0).astype(float)
        exact = linprog(np.zeros(n), A_ub=-points * y[:, None], b_ub=-np.ones(p), bounds=(None, None), method="highs")
        assert separable(points, y) == (exact.status == 0)


def test_separable_says_what_it_needs():
    with pytest.raises(ValueError, match=r"-1 and \+1 only; got \[0, 1\]"):
        separable(np.ones((2, 3)), [0, 1])
    with pytest.raises(ValueError, match=r"X must be \(N, d\)"):
        separable(np.ones((0, 3)), [])


# R1.2 Novikoff -------------------------------------------------------------------------------------------------------
def mistakes(X, y, most=5000):
    """What the perceptron yields; cut off at `most`, since a wrong one may never end."""
    return list(itertools.islice(perceptron(X, y), most))


def test_the_perceptron_never_makes_more_mistakes_than_novikoff_allows():
    ratios = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        points, y, u = problem(100, rng.choice([0.02, 0.05, 0.1, 0.2, 0.4]), rng)
        ratios.append(len(mistakes(points, y)) / bound(points, y, u))
    assert max(ratios) <= 1
    assert 0.01 < np.median(ratios) < 0.1, "and it is loose, as the lesson says"


def test_the_perceptron_moves_at_mistakes_only_and_by_the_example():
    X, y, _ = problem(60, 0.05, np.random.default_rng(4))
    before, steps = np.zeros(2), mistakes(X, y)
    for w, i in steps:
        assert y[i] * (X[i] @ before) <= 0
        np.testing.assert_allclose(w, before + y[i] * X[i])
        before = w
    assert steps[0][1] == 0, "at w = 0 the first answer is a mistake"


def test_the_problem_keeps_its_margin_inside_the_unit_disk():
    for margin in (0.02, 0.4):
        X, y, u = problem(150, margin, np.random.default_rng(2))
        assert len(X) == 150
        assert (y * (X @ u)).min() >= margin
        assert np.linalg.norm(X, axis=1).max() <= 1
        assert bound(X, y, u) == pytest.approx(np.square(X).sum(1).max() / (y * (X @ u)).min() ** 2)


def test_in_lab_1b_half_the_margin_is_four_times_the_bound():
    lab = neurons.PerceptronBound(margin=0.1)
    assert lab.result.bound == pytest.approx(100)
    assert lab.set(margin=0.05).result.bound == pytest.approx(400)
    assert lab.set(margin=0.4).step(100).result.mistakes <= lab.result.bound == pytest.approx(6.25)
    assert lab.stage.state == "done"
    assert "right 100 of 100" in lab.stage.alt


def test_the_perceptron_ends_on_a_line_that_separates():
    for seed in range(20):
        points, y, _ = problem(60, 0.02, np.random.default_rng(seed))
        w, _ = mistakes(points, y)[-1]
        assert ((points @ w) * y > 0).all()


# R1.3 XOR ------------------------------------------------------------------------------------------------------------
def solved(hidden, activation, seed):
    model = net(hidden, activation, seed)
    adam = nnlab.Adam(model.parameters(), lr=0.05)
    history = nnlab.fit(model, X, Y, binary_cross_entropy_with_logits, adam, epochs=600)
    return ((model(X).data[:, 0] > 0) == Y).all(), history["loss"][-1]


@pytest.mark.parametrize(("activation", "hidden", "low", "high"), [
    ("relu", 2, 6, 18), ("relu", 4, 33, 45), ("relu", 8, 46, 50),
    ("tanh", 2, 10, 24), ("tanh", 4, 44, 50), ("tanh", 8, 48, 50)])
def test_how_often_training_finds_xor_grows_with_the_hidden_layer(activation, hidden, low, high):
    assert low <= sum(solved(hidden, activation, seed)[0] for seed in range(50)) <= high


@pytest.mark.parametrize("seed", range(10))
def test_linear_hidden_neurons_end_at_answering_one_half(seed):
    assert solved(8, "linear", seed)[1] == pytest.approx(np.log(2), abs=2e-3)


def test_lab_1c_trains_as_fit_does_at_the_rate_of_its_slider():
    losses = {}
    for lr in (0.02, 0.2):
        lab = neurons.Xor(hidden=4, activation="tanh", seed=3, lr=lr).step(30)
        model = net(4, "tanh", 3)
        adam = nnlab.Adam(model.parameters(), lr=lab.values["lr"])
        losses[lr] = nnlab.fit(model, X, Y, binary_cross_entropy_with_logits, adam, epochs=30)["loss"]
        np.testing.assert_allclose(lab.result.losses, losses[lr], rtol=1e-5)
    assert losses[0.2][-1] < losses[0.02][-1]


def test_lab_1c_takes_a_new_rate_without_starting_again():
    slow, moved = (neurons.Xor(hidden=4, activation="tanh", seed=3, lr=0.001).step(10) for _ in range(2))
    assert moved.set(lr=1.0).taken == 10
    assert moved.step(10).result.losses[:10] == slow.step(10).result.losses[:10]
    assert abs(moved.result.losses[-1] - slow.result.losses[-1]) > 0.05


@pytest.mark.parametrize(("activation", "hidden", "right"), [("linear", 8, 2), ("relu", 0, 2), ("tanh", 8, 4)])
def test_lab_1c_counts_the_corners_that_are_right(activation, hidden, right):
    lab = neurons.Xor(hidden=hidden, activation=activation).step(600)
    assert f"right {right} of 4" in lab.stage.alt


def test_lab_1c_shows_the_answers_where_they_are_given():
    lab = neurons.Xor(hidden=3, activation="tanh", seed=1).step(20)
    image, middle = lab.view["plane"]["map"], np.round((X / 1.8 + 1) * 30).astype(int)  # 61 cells from -1.8 to 1.8
    np.testing.assert_allclose(image.values[middle[:, 1], middle[:, 0]], lab.result.p, atol=0.02)
    assert np.ptp(lab.result.p) > 0.1


@pytest.mark.parametrize("hidden", [0, 1, 2, 3, 8])
def test_in_lab_1c_the_output_neuron_sees_the_corners_on_the_side_of_its_answer(hidden):
    r = neurons.Xor(hidden=hidden, activation="tanh", seed=5).step(50).result
    flatten, line = neurons.Xor._project(r)
    (start, end), seen = line(10.0).T, flatten(r.h)
    a, b = end - start
    side = b * (seen[:, 0] - start[0]) - a * (seen[:, 1] - start[1])  # which side of the drawn line a corner is on
    clear = np.abs(r.p - 0.5) > 1e-3
    assert len(set(np.sign(side * (r.p - 0.5))[clear])) == 1
    assert clear.any()


# R1.4 Telgarsky ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("depth", range(1, 8))
def test_composed_tents_have_two_to_the_depth_pieces(depth):
    assert len(pieces(tent_layers(depth))[0]) - 1 == 2**depth


@pytest.mark.parametrize("width", range(1, 13))
def test_one_layer_on_a_line_has_at_most_one_piece_more_than_neurons(width):
    assert all(len(pieces(random_layers(width, 1, np.random.default_rng(s)))[0]) - 1 <= width + 1 for s in range(10))


def test_six_random_layers_of_two_have_about_five_pieces():
    counts = [len(pieces(random_layers(2, 6, np.random.default_rng([s, 2, 6])))[0]) - 1 for s in range(400)]
    assert 4.5 <= np.mean(counts) <= 6.5


def test_a_random_layer_bends_once_for_each_of_its_neurons():
    for seed in range(20):
        layers = random_layers(5, 1, np.random.default_rng(seed))
        (W, b), _ = layers
        assert pieces(layers)[0][1:-1] == pytest.approx(np.sort(-b / W[0]))


@pytest.mark.parametrize(("width", "depth", "seed"), [(4, 3, 1), (2, 6, 3), (12, 2, 0), (3, 5, 4), (1, 1, 0)])
def test_the_pieces_are_the_net_itself_and_no_two_are_one(width, depth, seed):
    layers = random_layers(width, depth, np.random.default_rng(seed))
    x, y = pieces(layers)
    fine = np.linspace(0, 1, 10_001)
    a = fine[:, None]
    for W, b in layers[:-1]:
        a = np.maximum(a @ W + b, 0)
    np.testing.assert_allclose(np.interp(fine, x, y), (a @ layers[-1][0] + layers[-1][1])[:, 0], atol=1e-9)
    slopes = np.diff(y) / np.diff(x)
    assert (np.abs(np.diff(slopes)) > 0).all()
    assert (np.diff(x) > 0).all()


@pytest.mark.parametrize("k", range(2, 12))
def test_joints_that_differ_by_rounding_are_one(k):
    twice = [(np.array([[float(k), 1.0]]), np.array([-k / 3, -1 / 3])), (np.ones((2, 1)), np.zeros(1))]
    x, _ = pieces(twice)
    assert x == pytest.approx([0, 1 / 3, 1])


def test_lab_1d_counts_what_it_draws():
    lab = neurons.CountThePieces(kind="tent map", depth=6)
    assert (lab.result.pieces, lab.result.neurons, len(lab.view["curve"]["joints"].get_xdata())) == (64, 12, 63)
    assert "64 straight pieces" in lab.stage.alt
    lab.set(kind="random", width=7, depth=1)
    assert (lab.result.pieces, lab.result.neurons) == (8, 7)


# R1.1 in its lab
@pytest.mark.parametrize("bias", [False, True])
def test_lab_1e_measures_covers_curve(bias):
    lab = neurons.Labelings(N=6, trials=300, bias=bias)
    assert "nothing yet" in lab.stage.alt
    lab.step(301)
    assert lab.result.done == 300
    assert lab.result.middle == (14 if bias else 12)
    assert (lab.result.share[lab.result.points <= 6] == 1).all()
    np.testing.assert_allclose(lab.result.expected, [cover_fraction(int(p), 6 + bias) for p in lab.result.points])
    assert np.abs(lab.result.share - lab.result.expected).max() < 0.1
    assert f"P = {lab.result.middle}" in lab.stage.alt


# R1.5 is one exact computation and stands in the lesson itself. The digits:
@pytest.mark.parametrize("seed", range(10))
def test_a_neuron_tells_zeros_from_ones(seed):
    (A, a), (B, b) = two_digits("train", 0, 1), two_digits("validation", 0, 1)
    reader = nnlab.Neuron(64, activation=None, rng=seed)
    nnlab.fit(reader, A, a, binary_cross_entropy_with_logits, nnlab.SGD(reader.parameters(), lr=0.5), epochs=50)
    assert ((reader(B).data > 0) == b).mean() >= 0.98


def test_the_number_to_beat_is_what_the_lesson_says():
    A, a = nnlab.data.digits("train")
    scores = []
    for seed in range(10):
        model = nnlab.MLP(64, 32, 10, activation="relu", rng=seed)
        history = nnlab.fit(model, A, a, cross_entropy, nnlab.Adam(model.parameters(), lr=0.01), epochs=30,
                            batch_size=64, validation=nnlab.data.digits("validation"), metric=nnlab.accuracy, rng=seed)
        scores.append(history["val_accuracy"][-1])
    assert min(scores) >= 0.92
    assert max(scores) <= 0.98
    assert 0.945 <= np.mean(scores) < 0.96, "and a student can beat 0.96: 64-64-32-10 does, see the next test"


def test_the_number_to_beat_can_be_beaten():
    A, a = nnlab.data.digits("train")
    scores = []
    for seed in range(10):
        model = nnlab.MLP(64, 64, 32, 10, activation="relu", rng=seed)
        history = nnlab.fit(model, A, a, cross_entropy, nnlab.Adam(model.parameters(), lr=0.01), epochs=30,
                            batch_size=64, validation=nnlab.data.digits("validation"), metric=nnlab.accuracy, rng=seed)
        scores.append(history["val_accuracy"][-1])
    assert np.mean(scores) > 0.96


# The labs of the lesson, as a student drives them ---------------------------------------------------------------------
def test_lab_1a_can_be_solved():
    lab = neurons.OneNeuron(w1=1.2, w2=0.8, b=-0.5)
    assert lab.result.right == 40
    assert "40 of 40" in lab.stage.alt


def test_doubling_weights_and_bias_leaves_the_line_and_sharpens():
    once, twice = neurons.OneNeuron(w1=1.0, w2=-0.5, b=0.3), neurons.OneNeuron(w1=2.0, w2=-1.0, b=0.6)
    assert (once.result.p > 0.5).tolist() == (twice.result.p > 0.5).tolist()
    assert (np.abs(twice.result.p - 0.5) > np.abs(once.result.p - 0.5)).all()


def test_in_lab_1a_the_steepness_multiplies_all_three():
    steep, scaled = neurons.OneNeuron(w1=0.5, w2=-0.5, b=0.2, k=6.0), neurons.OneNeuron(w1=1.5, w2=-1.5, b=0.6, k=2.0)
    np.testing.assert_allclose(steep.result.plane, scaled.result.plane)
    np.testing.assert_allclose(steep.result.p, scaled.result.p)
    assert np.abs(neurons.OneNeuron(w1=0.5, w2=-0.5, b=0.2, k=1.0).result.p - steep.result.p).max() > 0.1


def test_in_lab_1a_map_curve_points_and_rings_show_the_neurons_answers():
    lab = neurons.OneNeuron(w1=1.5, w2=0.4, b=-0.5, k=2.0)
    answer = lambda x1, x2: 1 / (1 + np.exp(-2 * (1.5 * x1 + 0.4 * x2 - 0.5)))
    ticks = np.linspace(-3, 3, len(lab.result.plane))
    image = lab.view["plane"]["map"]
    np.testing.assert_allclose(image.values, answer(ticks[None, :], ticks[:, None]))  # row: x2, column: x1
    np.testing.assert_allclose(lab.result.p, answer(*lab.X.T))
    z, curve = lab.view["along"]["curve"].get_data()
    np.testing.assert_allclose(curve, 1 / (1 + np.exp(-2 * z)))
    wrong = (lab.result.p > 0.5) != lab.y
    np.testing.assert_allclose(np.stack(lab.view["plane"]["wrong"].get_data(), 1), lab.X[wrong])
    assert 0 < wrong.sum() == 40 - lab.result.right
    lab.set(activation="step")
    np.testing.assert_array_equal(lab.result.plane, answer(ticks[None, :], ticks[:, None]) >= 0.5)


def test_in_lab_1a_the_line_is_where_the_neuron_answers_one_half():
    lab = neurons.OneNeuron(w1=0.8, w2=-1.3, b=0.7)
    corners = np.stack(lab.view["plane"]["boundary"].get_data(), 1)
    along = corners[0] + np.linspace(0, 1, 7)[:, None] * (corners[1] - corners[0])
    np.testing.assert_allclose(along @ lab.result.w + lab.result.b, 0, atol=1e-9)
    arrow = lab.view["plane"]["normal"]
    np.testing.assert_allclose(np.subtract(arrow.xy, arrow.get_position()), lab.result.w / 2)
    assert f"distance from 0 {0.7 / np.hypot(0.8, 1.3):.2f}" in lab.stage.alt


@pytest.mark.parametrize(("w1", "w2", "b", "words"), [
    (0.0, 0.0, 1.0, "there is no line"), (0.3, 0.2, 3.0, "outside the picture"), (0.3, 0.2, 1.4, "splits the plane")])
def test_lab_1a_says_where_its_line_is(w1, w2, b, words):
    lab = neurons.OneNeuron(w1=w1, w2=w2, b=b)
    assert words in lab.stage.alt
    answers = lab.result.plane > 0.5
    assert (answers.all() or not answers.any()) == (words != "splits the plane")
    assert ("distance from 0 none" in lab.stage.alt) == (w1 == w2 == 0)


@pytest.mark.parametrize(("inputs", "hidden", "outputs"), [(3, 4, 2), (5, 1, 3), (1, 1, 1), (2, 5, 5)])
def test_lab_1f_computes_what_the_library_computes(inputs, hidden, outputs):
    r = neurons.ThroughTheLayers(inputs=inputs, hidden=hidden, outputs=outputs, neuron=0).result
    model = nnlab.MLP(inputs, hidden, outputs, activation="relu", rng=0).to(np.float64)
    for parameter, value in zip(model.parameters(), (r.W1, r.b1, r.W2, r.b2), strict=True):
        parameter.data = value
    np.testing.assert_allclose(model(r.x[None]).data[0], r.y, rtol=1e-12)
    assert r.parameters == sum(p.size for p in model.parameters())


@pytest.mark.parametrize("look", range(7))
def test_lab_1f_works_out_each_neuron_in_words(look):
    lab = neurons.ThroughTheLayers(neuron=look)
    r, words = lab.result, lab.stage.alt.split(" output neurons. ")[1]
    if look == 0:
        assert words.startswith("All neurons of a layer at once")
        return
    products = [float(a) * float(b) for a, b in re.findall(r"(-?[0-9.]+)·\((-?[0-9.]+)\)", words)]
    bias, total = re.search(r"bias \((\S+)\)  =  (\S+)", words).groups()
    assert len(products) == (3 if look <= 4 else 4)
    assert sum(products) + float(bias) == pytest.approx(float(total), abs=0.05)  # inputs are shown to two digits
    assert float(total) == pytest.approx(np.r_[r.z1, r.y][look - 1], abs=0.005)
    assert ("ReLU" in words.split("numbers")[0]) == (look <= 4)


def test_in_lab_1f_every_edge_runs_between_its_two_neurons():
    lab = neurons.ThroughTheLayers(inputs=2, hidden=3, outputs=2, neuron=2)
    net, r = lab.view["net"], lab.result
    circles = [np.stack(net[f"layer{i}"].get_data(), 1) for i in range(3)]
    for i, W in enumerate((r.W1, r.W2)):
        ends = np.array(net[f"edges{i}"].get_segments()).reshape(*W.shape, 2, 2)
        widths = np.reshape(net[f"edges{i}"].get_linewidths(), W.shape)
        colors = np.reshape(net[f"edges{i}"].get_colors(), (*W.shape, 4))
        for a, b in np.ndindex(W.shape):
            np.testing.assert_allclose(ends[a, b], [circles[i][a], circles[i + 1][b]])
        assert (np.argsort(widths.ravel(), kind="stable") == np.argsort(np.abs(W).ravel(), kind="stable")).all()
        assert ((colors[..., 2] > colors[..., 0]) == (W >= 0)).all(), "blue is positive"
        lit = colors[..., 3] > 0.5
        assert (lit == (np.arange(W.shape[1]) == 1)[None] if i == 0 else ~lit).all(), "the edges into h2, and no others"


def test_lab_1g_measures_on_digits_it_has_not_learned_from_and_looks_at_the_one_chosen():
    held_out, labels = two_digits("validation", 3, 8)
    lab = neurons.NeuronReadsDigits(pair="3 or 8").step(30)
    assert len(lab.result.y) == len(labels)
    for example in (0, 7):
        lab.set(example=example).step()
        np.testing.assert_allclose(lab.result.x, held_out[example])
        assert lab.result.label == labels[example]
    assert lab.result.accuracy == ((lab.result.z > 0) == labels).mean()


def test_lab_1g_takes_a_new_rate_without_starting_again():
    slow, moved = (neurons.NeuronReadsDigits(lr=0.001).step(5) for _ in range(2))
    assert moved.set(lr=1.0).taken == 5
    assert moved.step(20).result.loss < slow.step(20).result.loss - 0.1


def test_lab_1g_shows_digits_and_weights_upright():
    lab = neurons.NeuronReadsDigits(example=4).step(20)
    r = lab.result
    for panel, name, row in (("digit", "x", r.x), ("weights", "w", r.w), ("product", "wx", r.w * r.x)):
        image = lab.view[panel][name]
        np.testing.assert_allclose(image.values[-1], row.reshape(8, 8)[0])  # the first row is the uppermost
    assert r.z_example in r.z
    assert f"p(1) = {1 / (1 + np.exp(-r.z_example)):.2f}" in lab.stage.alt


def test_what_lab_1g_asks_is_so():
    w = neurons.NeuronReadsDigits().step(200).result.w.reshape(8, 8)
    zeros, ones = (nnlab.data.digits("train")[0][nnlab.data.digits("train")[1] == digit].mean(0) for digit in (0, 1))
    ring = (zeros > 0.5) & (ones < 0.5)
    assert ring.reshape(8, 8)[np.unravel_index(w.argmin(), w.shape)]
    assert (w[:, 0] == 0).all(), "no ink at the left edge"


def test_lab_1g_learns_and_looks_at_one_digit_without_starting_again():
    lab = neurons.NeuronReadsDigits().step(100)
    assert lab.result.accuracy >= 0.98
    lab.set(example=3).step(1)
    assert lab.taken == 101


# The notebook --------------------------------------------------------------------------------------------------------
def test_a_solved_exercise_drives_lab_1a(lesson):
    bank = read_unit("01_neurons", "private/practice.py")
    space = {}
    for cell in (c for c in lesson.cells if c.cell_type == "code"):
        exec("neuron = solution\n" + cell.source if "lab_1a.use" in cell.source else cell.source, space)
        if "lab_1a.use" in cell.source:
            break
        space["solution"] = bank.SOLUTIONS["neuron"]
    assert space["lab_1a"].stage.badge == "running your neuron"
    assert space["lab_1a"].result.right == 18


def test_the_pytorch_twin_does_what_our_cell_does(lesson):
    torch = needs("torch")
    twin = next(c for c in lesson.cells if "pytorch-twin" in c.metadata.get("tags", []))
    ours, theirs = re.findall(r"```python\n(.*?)```", twin.source, re.DOTALL)
    A, a = nnlab.data.digits("train")
    nnlab.manual_seed(0)
    torch.manual_seed(0)
    space = dict(nnlab=nnlab, cross_entropy=cross_entropy, X=A, y=a)
    exec(ours, space)
    reference = dict(torch=torch, nn=torch.nn, F=torch.nn.functional, X=torch.tensor(A), y=torch.tensor(a),
                     DataLoader=torch.utils.data.DataLoader, TensorDataset=torch.utils.data.TensorDataset)
    exec(theirs, reference)
    # one epoch each, from starts of their own: both have learned, to about the same loss
    assert space["loss"].item() == pytest.approx(reference["loss"].item(), abs=0.5)
    # and with the same weights both nets give the same answers
    weights = [p.detach().numpy() for p in reference["net"].parameters()]
    for parameter, value in zip(space["net"].parameters(), weights, strict=True):
        parameter.data = value.T
    np.testing.assert_allclose(space["net"](A).data, reference["net"](torch.tensor(A)).detach().numpy(), atol=2e-5)
