"""Lesson 3: what it claims, over seeds, with the range each claim is accepted in; its twin; its exercises solved."""

import itertools
import re

import nbformat
import numpy as np
import pytest

import nnlab
from course.check import UNITS, read_unit
from course.labs import backprop
from course.labs.backprop import byhand, graph, injector, microscope, shapes
from nnlab.functional import cross_entropy, linear
from tests.needs import needs

LESSON = UNITS.parents[1] / "notebooks" / "03_backprop.ipynb"


@pytest.fixture(scope="module")
def lesson():
    return nbformat.read(LESSON, as_version=4)


@pytest.fixture(scope="module")
def bank():
    return read_unit("03_backprop", "private/practice.py")


@pytest.fixture(scope="module")
def cells(lesson):
    """The lesson's code, run up to and without its labs: name -> function or array."""
    space = {}
    for cell in lesson.cells:
        if cell.cell_type == "code" and not re.search(r"lab_|^check\(|^mine = ", cell.source, re.MULTILINE):
            exec(cell.source, space)
    return space


# The net by hand ------------------------------------------------------------------------------------------------------
def engine(X, y, *weights):
    """The gradients by nnlab."""
    w1, b1, w2, b2 = leaves = [nnlab.Tensor(w, requires_grad=True) for w in weights]
    cross_entropy(linear(linear(nnlab.Tensor(X), w1, b1, "tanh"), w2, b2), y).backward()
    return [leaf.grad for leaf in leaves]


@pytest.mark.parametrize("seed", range(10))
def test_the_net_by_hand_agrees_with_the_engine_and_with_nudging(seed):
    rng = np.random.default_rng(seed)
    n, m, k, N = rng.integers(2, 7, 4)
    X, y = rng.normal(size=(N, n)), rng.integers(0, k, N)
    weights = [w + 0.1 * rng.normal(size=w.shape) for w in byhand.initial((n, m, k), rng)]
    found = byhand.gradients(X, y, *weights)
    kept = [w.copy() for w in weights]
    numeric = byhand.numeric_gradients(lambda *at: byhand.loss(X, y, *at), weights)
    for mine, theirs, nudged, w, before in zip(found, engine(X, y, *weights), numeric, weights, kept, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-10, atol=1e-14)
        assert np.abs(mine - nudged).max() < 1e-7 * (np.abs(mine) + np.abs(nudged)).max()
        np.testing.assert_array_equal(w, before)
    for new, w, g in zip(byhand.train_step(X, y, *weights, 0.3), weights, found, strict=True):
        np.testing.assert_allclose(new, w - 0.3 * g)


def test_the_nets_start_is_normal_with_variance_one_over_the_inputs():
    W1, b1, W2, b2 = byhand.initial((200, 100, 50), np.random.default_rng(0))
    assert W1.var() == pytest.approx(1 / 200, rel=0.05)
    assert W2.var() == pytest.approx(1 / 100, rel=0.05)
    assert not b1.any()
    assert not b2.any()


# R3.1 How exact finite differences are --------------------------------------------------------------------------------
def errors(rng, formula):
    """Mean error of the slope over 40 weights, for steps from 1e-12 to 0.1. -> h, error"""
    f = lambda w: (np.tanh(1.3 * w + 0.2) - 0.3) ** 2
    slope = lambda w: 2.6 * (np.tanh(1.3 * w + 0.2) - 0.3) * (1 - np.tanh(1.3 * w + 0.2) ** 2)
    w, h = rng.uniform(-1, 1.5, 40), 10.0 ** np.arange(-12, -0.9, 0.25)[:, None]
    found = (f(w + h) - f(w - h)) / (2 * h) if formula == "centred" else (f(w + h) - f(w)) / h
    return h[:, 0], np.abs(found - slope(w)).mean(1)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize(("formula", "power", "low", "high"), [
    ("centred", 2, 1e-6, 1e-4), ("one-sided", 1, 1e-9, 1e-7)])
def test_the_error_of_a_difference_falls_like_a_power_of_h_until_rounding(seed, formula, power, low, high):
    h, error = errors(np.random.default_rng(seed), formula)
    large = h >= 0.99e-3
    assert np.polyfit(np.log10(h[large]), np.log10(error[large]), 1)[0] == pytest.approx(power, abs=0.1)
    assert low <= h[error.argmin()] <= high


def test_lab_3c_has_the_same_slopes_and_its_true_slope_is_true():
    h = 10.0 ** np.arange(-3, -0.95, 0.1)
    for formula, power in (("centred", 2), ("one-sided", 1)):
        error = np.abs(microscope.difference(h, formula) - microscope.slope())
        assert np.polyfit(np.log10(h), np.log10(error), 1)[0] == pytest.approx(power, abs=0.1)
    assert microscope.difference(1e-5) == pytest.approx(microscope.slope(), rel=1e-9)


def test_in_lab_3c_float32_is_no_judge_and_a_kink_spoils_what_reaches_over_it():
    lab = backprop.GradientMicroscope(dtype="float32")
    assert 3e-6 < lab.result.least < 1e-4
    assert 1e-4 < lab.result.best < 1e-1
    lab.set(dtype="float64", kink=True, log10h=-3.0)
    assert lab.result.error > 1e-2
    assert "kink" in lab.stage.alt
    assert lab.set(log10h=-5.0).result.error < 1e-7
    assert "about right" in lab.stage.alt
    assert "sees the bend" in lab.set(kink=False, log10h=-0.5).stage.alt
    assert "sees rounding" in lab.set(log10h=-12.0).stage.alt


def test_what_lab_3c_asks_is_so():
    error = {h: float(microscope.relative_error(h)) for h in (1e-3, 1e-5, 1e-8, 1e-12)}
    assert min(error, key=error.get) == 1e-5


# R3.2 Hidden neurons learn XOR ----------------------------------------------------------------------------------------
@pytest.mark.parametrize(("hidden", "low", "high"), [(4, 0.90, 1.0), (2, 0.40, 0.70)])
def test_how_often_backpropagation_finds_xor(cells, hidden, low, high):
    assert low <= cells["solved_xor"](hidden, seeds=200) / 200 <= high


def test_the_fifty_nets_trained_at_once_are_fifty_nets(cells):
    """Five of them again, one by one, by the engine."""
    corners, xor = cells["corners"].astype(float), cells["xor"].astype(float)
    solved = 0
    for seed in range(5):
        rng = np.random.default_rng(seed)
        weights = rng.normal(size=(2, 2)), np.zeros(2), rng.normal(size=(2, 1)), np.zeros(1)
        w1, b1, w2, b2 = leaves = [nnlab.Tensor(w, requires_grad=True) for w in weights]
        sgd = nnlab.SGD(leaves, lr=0.5)
        for _ in range(2000):
            logits = linear(linear(nnlab.Tensor(corners), w1, b1, "tanh"), w2, b2)
            sgd.zero_grad()
            nnlab.functional.binary_cross_entropy_with_logits(logits, xor).backward()
            sgd.step()
        solved += ((logits.data > 0) == xor).all()
    assert solved == cells["solved_xor"](2, seeds=5)


# R3.3 What backward costs ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("sizes", "ratio"), [
    ((64, 128, 10), 1.14), ((64, 128, 64, 10), 1.52), ((2, 16, 16, 1), 1.89), ((5, 3), 1.0), ((1, 1, 1, 1, 1), 1.75)])
def test_backward_costs_two_products_a_layer_and_one_in_the_first(cells, sizes, ratio):
    forward, backward = cells["multiplications"](*sizes)
    products = [a * b for a, b in itertools.pairwise(sizes)]
    assert (forward, backward) == (sum(products), 2 * sum(products) - products[0])
    assert backward / forward == pytest.approx(ratio, abs=0.005)


# R3.4 The worked numbers ----------------------------------------------------------------------------------------------
def test_the_lines_by_hand_are_the_functions_of_the_labs(cells):
    weights = [cells[name] for name in ("W1", "b1", "W2", "b2")]
    assert byhand.loss(cells["X"], cells["y"], *weights) == pytest.approx(1.43053, abs=5e-6)
    gradients = byhand.gradients(cells["X"], cells["y"], *weights)
    for name, found in zip(("dW1", "db1", "dW2", "db2"), gradients, strict=True):
        np.testing.assert_allclose(cells[name], found, rtol=1e-12)


# The digits -----------------------------------------------------------------------------------------------------------
def test_the_number_to_beat_is_what_the_lesson_says_and_can_be_beaten(cells):
    train = cells["train_by_hand"]
    scores = [train(seed=seed) for seed in range(10)]
    assert min(scores) >= 0.92
    assert max(scores) <= 0.98
    assert 0.94 <= np.mean(scores) < 0.955
    assert np.mean([train(hidden=64, lr=0.5, epochs=30, batch=32, seed=seed) for seed in range(10)]) > 0.955


# Lab 3a ---------------------------------------------------------------------------------------------------------------
def test_what_lab_3a_asks_is_so():
    r = backprop.GraphStepper(step=4).result
    names = [node.name.split()[0] for node in r.nodes]
    b = names.index("b")
    assert {names[i]: g for (i, p), g in r.sent.items() if p == b} == {"s": 2, "t": 3}
    assert r.grads[b] == 5


@pytest.mark.parametrize("expression", graph.EXPRESSIONS)
@pytest.mark.parametrize("values", [(2.0, 1.0, 1.0), (-1.3, 0.4, -0.7), (0.0, 0.0, 0.0)])
def test_lab_3a_ends_with_the_gradients_of_backward_and_of_nudging(expression, values):
    lab = backprop.GraphStepper(expression=expression, **dict(zip("abc", values, strict=True)), step=6)
    made = graph.evaluate(lab.result.nodes, values)
    for t in made:
        t.retain_grad() if t.op else None
    made[-1].backward()
    np.testing.assert_allclose(lab.result.grads, [t.grad for t in made], atol=1e-12)
    np.testing.assert_allclose(lab.result.grads, lab.result.numeric, atol=1e-7)
    assert not lab.result.wrong.any()


def test_lab_3a_sends_one_node_a_step_and_says_before_that_nothing_is_computed():
    lab = backprop.GraphStepper(expression="a neuron and its loss")
    assert np.isnan(lab.result.grads).all()
    assert "not computed yet" in lab.stage.alt
    assert lab.view["graph"]["no grad0"].get_text() == "grad: not yet"
    reached = []
    for step in range(7):
        r = lab.set(step=step).result
        reached.append(int((~np.isnan(r.grads)).sum()))
        assert len(r.sent) == sum(len(pairs) for pairs in r.tape[9 - step:]) * (step > 0)
    assert reached == [0, 1, 2, 3, 4, 6, 8]
    assert lab.set(expression="a·b + c").result.step == 3, "fewer operations, fewer steps"


def test_in_lab_3a_edges_show_the_local_derivative_and_then_what_was_sent():
    lab = backprop.GraphStepper()
    words = lambda: [lab.view["graph"][f"edge{i}"].get_text() for i in range(6)]
    assert words() == ["×1.00"] * 4 + ["×2.00", "×3.00"]
    lab.set(step=2)
    assert words() == ["×1.00"] * 4 + ["×2.00\n← 2.00", "×3.00\n← 3.00"]
    lab.set(step=4)
    assert words()[:4] == ["×1.00\n← 2.00"] * 2 + ["×1.00\n← 3.00"] * 2
    assert "b had one already: they are added" in lab.stage.alt
    circles = [lab.view["graph"][f"node{i}"].get_xydata()[0] for i in range(6)]
    ends = lab.view["graph"]["edges"].get_segments()
    pairs = [(p, i) for i, entry in enumerate(lab.result.tape) for p, _ in entry]
    for end, (p, i) in zip(ends, pairs, strict=True):
        np.testing.assert_allclose(end, [circles[p], circles[i]])


def test_a_students_backward_runs_in_lab_3a_and_its_mistake_is_seen(bank):
    lab = backprop.GraphStepper(step=4).use(bank.SOLUTIONS["backward"])
    assert lab.stage.badge == "running your backward"
    np.testing.assert_allclose(lab.result.grads, [2, 5, 3, 2, 3, 1])
    for step in range(5):
        ours = backprop.GraphStepper(step=step).result.grads
        np.testing.assert_allclose(lab.set(step=step).result.grads, ours)
    lab.use(bank.MUTANTS["backward"]["B7 = instead of +="][0])
    assert lab.result.wrong.tolist() == [False, True, False, False, False, False]
    assert "Of b the gradient is not what nudging finds" in lab.stage.alt
    lab.use(lambda tape: [0.0])
    assert "expected (6,), one gradient for each node" in lab.error


# Lab 3b ---------------------------------------------------------------------------------------------------------------
def test_lab_3b_gives_the_shapes_that_numpy_gives():
    for N, din, dout in ((4, 3, 2), (1, 1, 1), (3, 3, 3), (8, 1, 6), (2, 5, 5), (1, 4, 1)):
        arrays = {"X": np.ones((N, din)), "W": np.ones((din, dout)), "dZ": np.ones((N, dout))}
        for name in shapes.PRODUCTS:
            code = re.sub(r"(dZ|X|W)ᵀ", r"\1.T", name)
            try:
                expected = eval(code, arrays.copy()).shape
            except ValueError:
                expected = None
            assert shapes.product(name, N, din, dout) == expected, (name, N, din, dout)


@pytest.mark.parametrize("want", shapes.RIGHT)
def test_in_lab_3b_of_three_different_sizes_one_product_fits_and_it_is_the_right_one(want):
    lab = backprop.BackpropShapes(want=want)
    assert lab.result.fits == [shapes.RIGHT[want]]
    rng = np.random.default_rng(0)
    X, W, b = (nnlab.Tensor(rng.normal(size=s), requires_grad=True) for s in ((4, 3), (3, 2), 2))
    dZ = rng.normal(size=(4, 2))
    linear(X, W, b).backward(dZ)
    code = re.sub(r"(dZ|X|W)ᵀ", r"\1.T", shapes.RIGHT[want])
    np.testing.assert_allclose(eval(code, dict(X=X.data, W=W.data, dZ=dZ)), {"dX": X, "dW": W, "db": b}[want].grad)


def test_in_lab_3b_with_equal_sizes_six_fit_and_it_says_so():
    lab = backprop.BackpropShapes(N=3, din=3, dout=3, attempt="X @ dZ")
    assert len(lab.result.fits) == 6
    assert "fits and is wrong all the same" in lab.stage.alt
    assert "does not fit" in lab.set(N=4, attempt="dZᵀ @ X", dout=2).stage.alt
    assert "do not meet" in lab.set(attempt="X @ dZ").stage.alt


# Lab 3d ---------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("batch", [1, 8, "all"])
def test_lab_3d_takes_the_steps_of_gradient_descent(batch):
    lab = backprop.FourBeats(batch=batch, lr=0.3, beat=4 * 3)
    X, y = nnlab.data.blobs(24, noise=0.35, centers=3, rng=1)
    X, weights = X.astype(float), byhand.initial((2, 3, 3), np.random.default_rng(2))
    size, lr = (24 if batch == "all" else batch), lab.values["lr"]
    for number in range(3):
        rows = np.arange(number * size, (number + 1) * size) % 24
        weights = [w - lr * g for w, g in zip(weights, engine(X[rows], y[rows], *weights), strict=True)]
    for found, expected in zip(lab.result.new, weights, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-9)
    assert lab.result.losses[3] == pytest.approx(byhand.loss(X, y, *weights))
    assert f"loss {lab.result.losses[3]:.3f}" in lab.stage.alt


def test_what_lab_3d_asks_is_so():
    lab = backprop.FourBeats(beat=4, lr=1.0, early=True)
    assert "wrong steps W1, b1" in lab.stage.alt
    rings = len(lab.view["weights"]["wrong"].get_xdata())
    assert rings == sum(w.size for w in lab.result.weights[:2])
    assert "wrong steps none" in lab.set(early=False).stage.alt
    assert len(lab.view["weights"]["wrong"].get_xdata()) == 0


def test_in_lab_3d_the_beats_follow_each_other_and_the_weights_move_in_the_fourth():
    lab = backprop.FourBeats()
    seen = [lab.set(beat=beat).result for beat in range(1, 9)]
    assert [r.phase for r in seen] == ["forward", "loss", "backward", "update"] * 2
    assert [r.done for r in seen] == [0, 0, 0, 1, 1, 1, 1, 2]
    for first, second in zip(seen[3].new, seen[4].weights, strict=True):
        np.testing.assert_array_equal(first, second)
    lab.set(beat=3)
    arrows = np.array(lab.view["weights"]["arrows"].get_segments())
    old, gradient = (np.concatenate([w.ravel() for w in group]) for group in (seen[2].weights, seen[2].gradients))
    np.testing.assert_allclose(arrows[:, 0, 0], old)
    np.testing.assert_allclose(arrows[:, 1, 0], old - lab.values["lr"] * gradient)


def test_in_lab_3d_every_neuron_and_every_edge_shows_its_number():
    lab = backprop.FourBeats(beat=2, hidden=4, classes=2)
    r, net = lab.result, lab.view["net"]
    for i, column in enumerate((r.x, r.h, r.z)):
        assert [net[f"value{i}{j}"].get_text() for j in range(len(column))] == [f"{v:.2f}" for v in column]
    widths = net["edges0"].get_linewidths()
    assert (np.argsort(widths, kind="stable") == np.argsort(np.minimum(np.abs(r.weights[0].ravel()) / 1.5, 1.3),
                                                           kind="stable")).all()
    assert f"p = {r.p[r.label]:.2f}  ← right" == net[f"p{r.label}"].get_text()
    lab.set(beat=3)
    assert [net[f"value2{j}"].get_text() for j in range(2)] == [f"{v:.2f}" for v in lab.result.dz]


def test_a_students_step_runs_in_labs_3d_and_3e(bank):
    beats, bench = backprop.FourBeats(beat=4, lr=2.0), backprop.BugInjector()
    for lab in (beats, bench):
        lab.use(bank.SOLUTIONS["train_step"])
        assert lab.stage.badge == "running your train_step"
    assert "wrong steps none" in beats.stage.alt
    assert bench.step(150).result.notices == dict.fromkeys(injector.CHECKS, False)
    np.testing.assert_allclose(bench.result.losses, bench.result.right)
    early = bank.MUTANTS["train_step"]["B1 W2 before dW1"][0]
    assert "wrong steps W1, b1" in beats.use(early).stage.alt
    assert bench.use(early).step(150).result.notices["one"]
    assert "expected 4 arrays" in beats.use(lambda *given: given[2:4]).error


# Lab 3e ---------------------------------------------------------------------------------------------------------------
NOTICED = {"none": "", "tanh′ forgotten": "gradient one two", "W2 not transposed (it is square)": "gradient one two",
           "loss is a mean, gradient a sum": "gradient one two twice", "loss and gradient both sums": "one two twice",
           "bias gradients averaged twice": "gradient one two twice", "W2 updated before dW1 is computed": "one two",
           "gradients not set to zero": "two"}


@pytest.mark.parametrize("bug", NOTICED)
def test_which_checks_notice_which_mistake_does_not_depend_on_the_start(bug):
    X, y = injector.data()
    for seed in range(10):
        start = byhand.initial(injector.SIZES, np.random.default_rng(seed))
        found = injector.verdicts(injector.TRAINERS[bug], X, y, start)
        assert {name for name, value in found.items() if value > injector.WRONG} == set(NOTICED[bug].split())
        assert all(value > 1e-3 or value < 1e-8 for value in found.values()), "no verdict is a close call"


@pytest.mark.parametrize("bug", NOTICED)
def test_the_loss_falls_to_less_than_half_with_every_mistake(bug):
    X, y = injector.data()
    for seed in range(10):
        weights, trainer = byhand.initial(injector.SIZES, np.random.default_rng(seed)), injector.TRAINERS[bug]()
        first = trainer.loss(X, y, *weights)
        for _ in range(injector.STEPS):
            weights = trainer.step(X, y, weights, 0.1)
        assert trainer.loss(X, y, *weights) < 0.5 * first


def test_what_lab_3e_asks_is_so():
    assert backprop.BugInjector().step(150).result.losses[-1] < 0.5


def test_in_lab_3e_a_summed_gradient_explodes_at_a_larger_rate():
    assert backprop.BugInjector(bug="loss is a mean, gradient a sum", lr=1.0).step(150).result.notices["loss"]


def test_lab_3e_keeps_its_verdicts_until_they_are_due_and_counts_the_guesses_that_hold():
    lab = backprop.BugInjector(bug="loss and gradient both sums")
    table = lab.view["checks"]
    said = lambda: [table[f"{name} says"].get_text() for name in injector.CHECKS]
    assert said() == ["?"] * 5
    assert "press Play" in table["hint"].get_text()
    lab.set(guess_one=True, guess_two=True, guess_gradient=True).step(31)
    assert lab.taken == 31
    assert said() == ["?", "silent", "NOTICES", "?", "?"]
    assert "Of your guesses, 1 of 2 hold" in lab.stage.alt
    lab.step(119)
    assert said() == ["silent", "silent", "NOTICES", "NOTICES", "NOTICES"]
    assert "Of your guesses, 3 of 5 hold" in lab.stage.alt
    assert [table[f"{name} mark"].get_text() for name in injector.CHECKS] == ["✓", "✗", "✓", "✓", "✗"]
    lab.set(guess_gradient=False, guess_twice=True)
    assert lab.taken == 150, "a guess does not start the training again"


def test_the_mysteries_are_told_apart_by_their_verdicts(lesson):
    signs = {}
    for mystery, bug in injector.MYSTERIES.items():
        assert injector.TRAINERS[mystery] is bug
        signs[NOTICED[bug.mistake]] = mystery
        assert bug.mistake not in backprop.BugInjector(bug=mystery).stage.alt
    assert len(signs) == 3
    answer = next(c.source for c in lesson.cells if "A is \"" in c.source)
    order = [answer.index(injector.MYSTERIES[f"mystery {letter}"].mistake) for letter in "ABC"
             if injector.MYSTERIES[f"mystery {letter}"].mistake in answer]
    assert order == sorted(order)


# The notebook ---------------------------------------------------------------------------------------------------------
def test_the_lesson_with_all_its_exercises_solved(lesson, bank, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    space = {}
    for cell in (c for c in lesson.cells if c.cell_type == "code"):
        exercise = re.search(r'^check\("(\w+)"\)', cell.source, re.MULTILINE)
        if exercise:
            space[exercise[1]] = bank.SOLUTIONS[exercise[1]]
        elif not cell.source.startswith("mine = "):
            exec(cell.source, space)
    for lab, name in (("lab_3a", "backward"), ("lab_3d", "train_step"), ("lab_3e", "train_step")):
        assert space[lab].stage.badge == f"running your {name}"
        assert space[lab].error == ""
    assert space["step"] is bank.SOLUTIONS["train_step"]
    assert set(bank.SOLUTIONS) <= set(space)


def test_the_pytorch_twin_does_what_our_cell_does(lesson):
    torch = needs("torch")
    twin = next(c for c in lesson.cells if "pytorch-twin" in c.metadata.get("tags", []))
    ours, theirs = re.findall(r"```python\n(.*?)```", twin.source, re.DOTALL)
    rng = np.random.default_rng(0)
    X, y, start = rng.normal(size=(7, 3)), rng.integers(0, 2, 7), byhand.initial((3, 4, 2), rng)
    space = dict(X=X, y=y, start=start, lr=0.3)
    reference = space | dict(X=torch.tensor(X), y=torch.tensor(y))
    exec(ours, space)
    exec(theirs, reference)
    by_hand = start
    for _ in range(20):
        by_hand = byhand.train_step(X, y, *by_hand, 0.3)
    for name, mine in zip(("w1", "b1", "w2", "b2"), by_hand, strict=True):
        np.testing.assert_allclose(space[name].data, reference[name].detach().numpy(), rtol=1e-10)
        np.testing.assert_allclose(space[name].data, mine, rtol=1e-10)
    assert space["loss"].item() == pytest.approx(reference["loss"].item(), rel=1e-10)
