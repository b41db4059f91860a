"""Lesson 9: what it claims, over seeds, with the range each claim is accepted in; its twin; its exercises solved.

The table of lab 9e for ten seeds: `python -m tests.lessons.test_09_attention recall` (two minutes).
"""

import re
import sys

import nbformat
import numpy as np
import pytest

import nnlab
from course.check import UNITS, read_unit
from course.labs.attention import recall, reverse, scale, trained, translate, writer
from nnlab import dates, grammar
from nnlab import functional as F
from tests.needs import needs
from tools import make_weights

LESSON = UNITS.parents[1] / "notebooks" / "09_attention.ipynb"


@pytest.fixture(scope="module")
def lesson():
    return nbformat.read(LESSON, as_version=4)


@pytest.fixture(scope="module")
def bank():
    return read_unit("09_attention", "private/practice.py")


# R9.1 the variance of a score ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("d", [4, 16, 64, 256, 1024])
def test_the_product_of_random_vectors_has_variance_d(d):
    q, k = np.random.default_rng(d).standard_normal((2, 20000, d), np.float32)
    assert np.var((q * k).sum(1)) == pytest.approx(d, rel=0.05)


# R9.2 saturation -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("seed", range(10))
def test_scaled_scores_stay_soft_and_unscaled_ones_saturate(seed):
    rng = np.random.default_rng(seed)
    for d in (4, 16, 64, 256, 1024):
        n = 4000 if d < 64 else 300  # few numbers make a spread that differs from query to query
        scores = (rng.standard_normal((n, 1, d)) * rng.standard_normal((n, 16, d))).sum(2)
        entropy, largest, slope = scale.sharpness(scores / np.sqrt(d))
        assert 0.83 <= entropy <= 0.87
        assert 0.22 <= largest <= 0.27
        assert 0.84 <= slope <= 0.9
        if d >= 256:
            assert scale.sharpness(scores)[0] < 0.1


# R9.3 the anti-diagonal ----------------------------------------------------------------------------------------------
def learned(task, heads=1, places=True, seed=0, steps=200, L=12):
    *_, (model, _) = reverse.learn(task, L, heads, places, seed, steps)
    return reverse.measure(model, task, L)[:2]


@pytest.mark.parametrize("seed", range(10))
def test_one_layer_learns_to_reverse_exactly_and_its_map_is_the_anti_diagonal(seed):
    right, mass = learned("reverse", seed=seed)
    assert right > 0.99
    assert mass.max() > 0.95
    assert learned("reverse", places=False, seed=seed)[0] < 0.4


def test_longer_strings_are_reversed_too():
    right, mass = learned("reverse", L=20, steps=300)
    assert right > 0.99
    assert mass.max() > 0.95


@pytest.mark.parametrize("seed", range(10))
def test_copying_is_right_without_the_diagonal(seed):
    right, mass = learned("copy", seed=seed)
    assert right > 0.9
    assert mass.max() < 0.7


@pytest.mark.parametrize("seed", range(3))
def test_swapping_needs_its_map(seed):
    right, mass = learned("swap halves", seed=seed)
    assert right > 0.99
    assert mass.max() > 0.95


def test_two_neighbours_need_two_heads():
    """Of 20 starts 19 had all after 200 steps; one was at 0.91 after 600. One head: 0.55 to 0.59."""
    assert max(learned("both neighbours", 1, seed=seed)[0] for seed in range(10)) < 0.75
    runs = [learned("both neighbours", 2, seed=seed) for seed in range(10)]
    found = [mass for right, mass in runs if right > 0.99]
    assert len(found) >= 9
    for mass in found:
        assert (mass.max(0) > 0.9).all()
        assert set(mass.argmax(0)) == {0, 1}, "one head each"


# R9.4 the bottleneck -------------------------------------------------------------------------------------------------
def recalled(attention, pairs, seeds, steps=recall.STEPS):
    found = []
    for seed in seeds:
        *_, (net, _) = recall.learn(attention, pairs, seed, steps)
        found.append(recall.accuracy(net, pairs, 2000))
    return found


def test_attention_recalls_any_number_of_pairs():
    assert min(recalled(True, 2, range(2), 250) + recalled(True, 16, range(10), 250)) > 0.99


def test_one_vector_forgets_the_more_the_more_it_is_given():
    """One seed of the ten behind the stored table; accuracies of single seeds lie within 0.06 of its means."""
    found = [recalled(False, pairs, [0])[0] for pairs in recall.LENGTHS]
    np.testing.assert_allclose(found, recall.STORED["one vector"], atol=0.06)
    assert found[-1] < 0.7
    assert (np.diff(found) < 0).all()


# R9.5 order and causality --------------------------------------------------------------------------------------------
@pytest.mark.parametrize("seed", range(10))
def test_shuffled_inputs_give_shuffled_outputs_and_the_past_is_blind(seed):
    rng = np.random.default_rng(seed)
    layer = nnlab.MultiHeadAttention(12, 3, dtype=np.float64, rng=seed)
    x, order = rng.standard_normal((2, 7, 12)), rng.permutation(7)
    np.testing.assert_allclose(layer(x[:, order]).data, layer(x).data[:, order], rtol=1e-12, atol=1e-12)
    for j in range(7):
        changed = x.copy()
        changed[:, j] = rng.standard_normal((2, 12))
        before, after = layer(x, causal=True).data, layer(changed, causal=True).data
        assert (before[:, :j] == after[:, :j]).all()
        assert (before[:, j:] != after[:, j:]).any(-1).all()


# R9.6 a weighted mean ------------------------------------------------------------------------------------------------
def test_the_answer_lies_between_the_values_and_a_query_of_0_takes_their_mean(bank):
    rng = np.random.default_rng(0)
    Q, K, V = 2 * rng.normal(size=(50, 3)), rng.normal(size=(6, 3)), rng.normal(size=(6, 2))
    for attention in (bank.attention, lambda *given: F.scaled_dot_product_attention(*given).data):
        directions = rng.normal(size=(2, 500))
        ahead, corners = attention(Q, K, V, None) @ directions, V @ directions
        assert (ahead <= corners.max(0) + 1e-12).all()
        np.testing.assert_allclose(attention(0 * Q, K, V, None), np.tile(V.mean(0), (50, 1)), rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(attention(Q, K, np.ones((6, 1)), None), 1, rtol=1e-12)


# R9.7 heads ----------------------------------------------------------------------------------------------------------
def test_one_head_is_plain_attention_and_heads_cost_nothing(bank):
    rng = np.random.default_rng(0)
    Q, K, V = (rng.normal(size=(n, 12)) for n in (5, 6, 6))
    np.testing.assert_array_equal(bank.multi_head(Q, K, V, 1), bank.attention(Q, K, V, None))
    for heads in (1, 2, 3, 4, 6, 12):
        layer = nnlab.MultiHeadAttention(12, heads, bias=False)
        assert sum(p.size for p in layer.parameters()) == 4 * 12**2
        ours = F.multi_head_attention(Q[None], K[None], V[None], heads=heads).data[0]
        np.testing.assert_allclose(bank.multi_head(Q, K, V, heads), ours, rtol=1e-6, atol=1e-7)


# R9.8 sinusoids ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("k", [1, 5, 40])
def test_a_shift_of_places_is_one_rotation(bank, k):
    p = bank.add_positions(np.zeros((100, 12)))
    np.testing.assert_allclose(p, F.sinusoidal_positions(100, 12, dtype=float), atol=1e-12)
    R = np.zeros((12, 12))
    for i in range(0, 12, 2):
        a = k / 10000 ** (i / 12)
        R[i:i + 2, i:i + 2] = [[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]]
    np.testing.assert_allclose(p[k:], p[:-k] @ R.T, atol=1e-10)


# The stored weights --------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def judged():
    written, iso = dates.sample(4000, "validation", rng=1)
    given = trained.encoded(written, iso)
    right = {kind: trained.whole_dates(trained.trained(kind), *given) for kind in translate.STORED}
    return {kind: (r.mean(), translate.by_length(r, written)) for kind, r in right.items()}


def test_each_file_of_weights_is_small():
    files = sorted(trained.FOLDER.glob("*.npz"))
    assert [file.stem for file in files] == sorted(trained.MAKERS)
    assert all(file.stat().st_size < 100_000 for file in files)


def test_stored_translators_do_what_the_lesson_and_lab_9g_say(judged):
    assert judged["near"][0] >= 0.99
    assert judged["mixed"][0] >= 0.98
    assert judged["vector"][0] == pytest.approx(0.8, abs=0.03)
    for kind, (_, lengths) in judged.items():
        np.testing.assert_allclose(lengths, translate.STORED[kind], atol=0.01)


def test_right_at_every_place_given_the_right_past_is_right_when_it_writes_alone():
    written, iso = dates.sample(60, "validation", rng=7)
    source, target = trained.encoded(written, iso)
    for kind in ("near", "vector"):
        model = trained.trained(kind)
        alone = dates.ISO.decode(model.translate(source, 11)[0])
        np.testing.assert_array_equal(trained.whole_dates(model, source, target), np.array(alone) == np.array(iso))


@pytest.mark.parametrize(("kind", "low", "high"), [("near", 0.8, 1.0), ("mixed", 0.2, 0.65)])
def test_only_the_encoder_that_keeps_things_in_place_has_a_readable_map(kind, low, high):
    shares = []
    for form in translate.FORMATS:
        for day in range(1, 5):
            seen = translate.look(trained.trained(kind), form, day, 0.0)
            shares.append(list(translate.on_its_unit(seen.weights, seen.units).values()))
    assert low <= np.mean(shares) <= high


@pytest.mark.parametrize("name", trained.MAKERS)
def test_the_stored_weights_began_where_the_script_begins(name):
    """Training leaves the vector of a symbol that no text has where seed 0 put it, on every processor."""
    table, symbols, texts = (("symbols.weight", trained.LETTERS, [grammar.text(300, rng=0)]) if name == "language" else
                             ("read.weight", dates.WRITTEN, dates.sample(3000, rng=0)[0]))
    begun = trained.MAKERS[name][0](np.random.default_rng(0)).state_dict()[table]
    stays = (trained.trained(name).state_dict()[table] == begun.astype(np.float16)).all(1)
    used = np.isin(np.arange(len(symbols)), np.concatenate([symbols.encode(text) for text in texts]))
    np.testing.assert_array_equal(stays, ~used)


@pytest.mark.parametrize("kind", translate.STORED)
def test_the_script_makes_such_translators(kind):
    """In 60 steps the loss falls as it does on the way to the stored weights."""
    _, loss = make_weights.make(kind, steps=60)
    assert 0.6 < loss < 1.8


def test_the_script_makes_such_writers(tmp_path, monkeypatch):
    model, loss = make_weights.make("language", steps=40)
    assert 1 < loss < 2.6
    monkeypatch.setattr(make_weights, "FOLDER", tmp_path)
    with np.load(make_weights.store("language", model)) as stored:
        for name, value in model.state_dict().items():
            np.testing.assert_allclose(stored[name], value, atol=1e-3 * np.abs(value).max())


def test_the_temperature_decides_how_many_sentences_are_right():
    model = trained.trained("language")
    shares = []
    for T in (0.5, 1.0, 2.0):
        sentences = [s for begin in ("a ", "two ") for s in writer.write(model, begin, 20, T, rng=1)]
        shares.append(np.mean([grammar.grammatical(s) for s in sentences]))
    assert shares == sorted(shares, reverse=True)
    assert shares[0] >= 0.9
    assert shares[1] >= 0.75
    assert shares[-1] <= 0.45
    assert len({writer.write(model, "a ", 1, 0, rng=seed)[0] for seed in range(10)}) == 1


def test_the_stored_writer_pays_little_more_than_the_entropy():
    ids = trained.LETTERS.encode(grammar.text(400, rng=7))
    pieces = np.stack([ids[i:i + 49] for i in range(0, len(ids) - 49, 49)])
    with nnlab.no_grad():
        loss = trained.trained("language").loss(pieces).item()
    assert 0 < loss - grammar.entropy() < 0.1


def test_one_head_looks_right_behind_the_subject_when_an_ending_is_due():
    rng = np.random.default_rng(2)
    mean, many = writer.look_back(trained.trained("language"), [grammar.sentence(rng) for _ in range(250)])
    assert many > 80
    assert mean[3] > 0.95
    assert mean[:3].max() < 0.5


def test_that_head_is_why_some_endings_are_right_and_none_beside_it_is():
    rng = np.random.default_rng(2)
    model, sentences = trained.trained("language"), [grammar.sentence(rng) for _ in range(400)]
    assert writer.agreement(model, sentences) > 0.99
    off = [writer.agreement(writer.without(model, 2, head), sentences) for head in (1, 2, 3, 4)]
    assert min(off[:3]) > 0.99
    assert 0.75 <= off[3] <= 0.92


# Digits --------------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def space(lesson):
    names = {}
    for cell in lesson.cells:
        if cell.cell_type == "code" and ("import numpy" in cell.source or "class PieceReader" in cell.source
                                         or "def train(" in cell.source):
            exec(cell.source, names)
    return names


def test_digits_are_read_as_pieces_and_worse_as_a_bag_of_pieces(space):
    with_places = [space["train"](seed) for seed in range(3)]
    assert 0.9 <= np.mean(with_places) <= 0.96
    assert 0.5 <= np.mean([space["train"](seed, places=False) for seed in range(2)]) <= 0.7


def test_the_number_to_beat_can_be_beaten(space):
    """Four starts reached 0.969 to 0.983 so; after 20 epochs the mean depends on the processor, 0.952 or 0.96."""
    from nnlab.augment import Noise
    assert np.mean([space["train"](seed, dim=48, lr=0.005, epochs=40, augment=Noise(0.1)) for seed in range(3)]) > 0.955


# The notebook --------------------------------------------------------------------------------------------------------
def test_solved_exercises_drive_the_labs(lesson, bank):
    space, heavy = {}, ("learned(", "write(", "train(seed", "whole_dates", "recalled(", "curves(16", "model.loss",
                        "look_back", "without(")
    for cell in (c for c in lesson.cells if c.cell_type == "code"):
        if any(word in cell.source for word in heavy):
            continue
        written = re.search(r"def (\w+).*\n    \.\.\.", cell.source, re.DOTALL)
        exec(cell.source, space)
        if written:
            space[written[1]] = bank.SOLUTIONS[written[1]]
    assert space["lab_9a"].stage.badge == "running your attention"
    assert space["lab_9c"].stage.badge == "running your attention"
    assert not any(lab.error for name, lab in space.items() if name.startswith("lab_9"))


def test_every_lab_of_the_unit_is_in_the_lesson_the_deeper_ones_below(lesson):
    text = "\n".join(cell.source for cell in lesson.cells)
    main, deeper = text.split("## Dig deeper")
    assert [re.search(f"lab_{name} = ", main) is not None for name in ("9a", "9c", "9d", "9g", "9h")] == [True] * 5
    assert [re.search(f"lab_{name} = ", deeper) is not None for name in ("9b", "9e", "9f")] == [True] * 3


def test_the_pytorch_twin_is_pytorch(lesson):
    torch = needs("torch")
    cell = next(c for c in lesson.cells if "pytorch-twin" in c.metadata.get("tags", []))
    ours, theirs = re.findall(r"```python\n(.*?)```", cell.source, re.DOTALL)
    rng = np.random.default_rng(0)
    q, k, v = rng.normal(size=(3, 2, 5, 8)).astype(np.float32)
    words, x = np.array([[3, 4, 5, 0, 0], [3, 4, 5, 6, 7]]), rng.normal(size=(2, 5, 32)).astype(np.float32)
    mine = dict(q=q, k=k, v=v, words=words, x=x)
    yours = {name: torch.tensor(a) for name, a in mine.items()}
    yours["causal"] = torch.nn.Transformer.generate_square_subsequent_mask(5)
    first = ours.split("\n\nattend")[0]
    exec(first, mine)
    exec(theirs.split("\n\nattend")[0], yours)
    np.testing.assert_allclose(mine["y"].data, yours["y"].numpy(), atol=1e-5)
    exec(ours[len(first):], mine)
    exec(theirs[len(theirs.split("\n\nattend")[0]):], yours)
    assert (mine["w"][0, ..., 3:] == 0).all()
    assert (yours["w"][0, ..., 3:] == 0).all()
    assert mine["x"].shape == tuple(yours["x"].shape)


if __name__ == "__main__":
    if sys.argv[1:] == ["recall"]:
        for name, attention in (("attention", True), ("one vector", False)):
            table = [recalled(attention, pairs, range(10)) for pairs in recall.LENGTHS]
            print(name, [f"{np.mean(row):.3f} ({min(row):.3f} to {max(row):.3f})" for row in table])
