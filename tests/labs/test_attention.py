"""What is special to the labs of unit 9: they show what they compute, and say what is true of it."""

import copy

import numpy as np
import pytest

import nnlab
from course.check import check, read_unit
from course.labs import attention as labs
from course.labs.attention import dictionary, leak, recall, reverse, scale, shuffle, trained, translate, writer
from nnlab import dates, grammar
from nnlab import functional as F
from nnlab.models.language import next_probabilities


@pytest.fixture(scope="module")
def bank():
    return read_unit("09_attention", "private/practice.py")


def test_our_own_function_passes_the_check_of_the_exercise():
    result = check("attention", dictionary.attention)
    assert result, result


# 9a ------------------------------------------------------------------------------------------------------------------
def test_lab_9a_weighs_by_softmax_of_products_over_the_temperature():
    r = labs.SoftDictionary(qx=0.7, qy=-1.1, T=0.5, ax=1.0, ay=-2.0).result
    keys = np.array([[1.0, -2.0], *dictionary.KEYS[1:]])
    p = np.exp(keys @ [0.7, -1.1] / 0.5)
    np.testing.assert_allclose(r.weights, p / p.sum(), rtol=1e-5)
    np.testing.assert_allclose(r.answer, p / p.sum() @ dictionary.VALUES, rtol=1e-5)
    np.testing.assert_allclose(r.scores, keys @ [0.7, -1.1])


def test_the_answer_of_lab_9a_never_leaves_the_hull():
    lab, rng = labs.SoftDictionary(), np.random.default_rng(0)
    corners = dictionary.hull(dictionary.VALUES)
    assert len(corners) == 5, "C lies inside the other four"
    edges = np.diff(corners, axis=0)
    for _ in range(40):
        qx, qy, ax, ay = rng.uniform(-2, 2, 4).round(1)
        r = lab.set(qx=qx, qy=qy, ax=ax, ay=ay, T=float(10 ** rng.uniform(-1.3, 0.69))).result
        to = r.answer - corners[:-1]
        assert (edges[:, 0] * to[:, 1] - edges[:, 1] * to[:, 0] > -1e-5).all()


def test_lab_9a_at_its_ends_is_a_dictionary_and_a_mean():
    lab = labs.SoftDictionary(T=0.05)
    assert "ordinary dictionary" in lab.stage.alt
    assert lab.result.weights.max() > 0.99
    lab.set(T=1.0, qx=0.0, qy=0.0)
    assert "plain mean" in lab.stage.alt
    np.testing.assert_allclose(lab.result.answer, dictionary.VALUES.mean(0), atol=1e-6)
    np.testing.assert_allclose(np.ravel(lab.view["values"]["answer"].get_data()), lab.result.answer)


def test_labs_9a_and_9c_run_the_students_attention(bank):
    for lab in (labs.SoftDictionary(), labs.MaskAndLeak(mask="causal")):
        before = lab.result.weights
        lab.use(bank.attention)
        np.testing.assert_allclose(lab.result.weights, before, atol=1e-6)
        lab.use(lambda Q, K, V, mask: np.tile(np.mean(V, 0), (len(Q), 1)))
        np.testing.assert_allclose(lab.result.weights, 1 / before.shape[-1])


@pytest.mark.parametrize(("wrong", "total"), [
    (lambda Q, K, V, mask: np.ones((len(Q), len(K))) @ V, "5.00"),
    (lambda Q, K, V, mask: np.tile([1.5, -1, 0.25, 0.25, 0], (len(Q), 1)) @ V, "1.00"),
])
def test_lab_9a_calls_no_mean_what_is_none(wrong, total):
    words, _ = (lab := labs.SoftDictionary().use(wrong)).tell(lab.result)
    assert f"their sum is {total}: the answer is no mean" in words


# 9c ------------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("j", range(1, 7))
def test_lab_9c_finds_the_leaks_of_each_mask(j):
    moved = {mask: labs.MaskAndLeak(mask=mask, j=j).result.moved for mask in leak.MASKS}
    assert (moved["causal"][:j - 1] == 0).all()
    assert (moved["causal"][j - 1:] > 0).all()
    assert (moved["none"] > 0).all()
    assert (moved["after softmax"] > 0).all()
    assert (moved["off by one"][:max(j - 2, 0)] == 0).all()
    assert (moved["off by one"][max(j - 2, 0):] > 0).all()


def test_lab_9c_shows_the_sums_that_give_the_late_mask_away():
    for mask in leak.MASKS:
        lab = labs.MaskAndLeak(mask=mask)
        if mask == "after softmax":
            assert lab.result.sums[0] < 0.5
            assert lab.result.sums[-1] == pytest.approx(1)
            assert "sums of the rows from" in lab.stage.alt
        else:
            np.testing.assert_allclose(lab.result.sums, 1)
        assert ("That is a leak" in lab.stage.alt) == (mask != "causal")
        np.testing.assert_array_equal(lab.view["weights"]["weights"].values, lab.result.weights[::-1])
    assert len(labs.MaskAndLeak(mask="off by one").view["weights"]["leaks"].get_xdata()) == 5


# 9d ------------------------------------------------------------------------------------------------------------------
def test_the_sources_of_each_task():
    assert reverse.sources("reverse", 5).tolist() == [[4, 3, 2, 1, 0]]
    assert reverse.sources("copy", 3).tolist() == [[0, 1, 2]]
    assert reverse.sources("swap halves", 6).tolist() == [[3, 4, 5, 0, 1, 2]]
    assert reverse.sources("both neighbours", 4).tolist() == [[3, 0, 1, 2], [1, 2, 3, 0]]


def test_lab_9d_shows_the_map_of_the_string_in_view_and_learns_it():
    lab = labs.LearnTheMap(L=8).step(160)
    r = lab.result
    assert (r.says == r.right).all()
    assert (r.right[:, 0] == r.ids[::-1]).all()
    assert r.weights[0][range(8), range(8)[::-1]].min() > 0.8
    np.testing.assert_array_equal(lab.view["map"]["head0"].values, r.weights[0][::-1])
    assert lab.view["map"]["in0.0"].get_text() == reverse.SYMBOLS[r.ids[0]]
    assert lab.view["map"]["out0.0"].get_text() == reverse.SYMBOLS[r.ids[-1]]
    assert r.curve[-1][0] == 160
    assert r.curve[-1][1] > 0.99


def test_lab_9d_measures_what_it_says():
    *_, (model, _) = reverse.learn("swap halves", 6, steps=30)
    right, mass, _ = reverse.measure(model, "swap halves", 6)
    ids = np.random.default_rng(99).integers(10, size=(100, 6))
    logits, weights = model(ids)
    target = np.concatenate([ids[:, 3:], ids[:, :3]], 1)
    assert right == pytest.approx((logits.data[:, :, 0].argmax(-1) == target).mean())
    assert mass[0, 0] == pytest.approx(weights[:, 0, range(6), [3, 4, 5, 0, 1, 2]].mean(), rel=1e-5)


def test_what_lab_9d_asks_is_so():
    for seed in range(5):
        *_, (model, _) = reverse.learn("reverse", 12, places=False, seed=seed, steps=200)
        assert 0.2 < reverse.measure(model, "reverse", 12)[0] < 0.3


# 9b ------------------------------------------------------------------------------------------------------------------
def test_lab_9b_shows_the_spread_and_what_softmax_makes_of_it():
    lab = labs.WhyTheRoot(d=256.0, scaled=False)
    r = lab.result
    assert r.d == 256
    assert r.spread == pytest.approx(16, rel=0.06)
    assert 0.87 < r.now[1] < 0.97, "what the lab asks: about 0.9"
    lab.set(scaled=True)
    assert lab.result.spread == pytest.approx(1, rel=0.06)
    assert lab.result.now[1] == pytest.approx(0.25, abs=0.03)
    p = F.softmax(np.array([[0.0, np.log(3.0)]])).data
    entropy, largest, slope = scale.sharpness(np.array([[0.0, np.log(3.0)]]))
    assert (largest, slope) == pytest.approx((0.75, 2 * 0.75 * 0.25))
    assert entropy == pytest.approx(-(p * np.log(p)).sum() / np.log(2))


def test_a_size_is_written_whole_and_a_temperature_with_three_digits():
    assert labs.WhyTheRoot()._widgets["d"].readout_format == ".0f"
    T = labs.SoftDictionary()._widgets["T"]
    assert T.readout_format == ".3r"
    steps = (0 - T.min) / T.step
    assert steps == pytest.approx(round(steps), abs=0.01), "the slider stands at 1, not beside it"


def test_no_deeper_lab_shows_what_it_asks_before_it_is_asked():
    assert "scaledFalse" not in labs.WhyTheRoot().view["entropy"]._touched
    assert (labs.ShuffleTest().result.order == range(6)).all()
    lab = labs.Bottleneck()
    assert "one vector" not in lab.view["lengths"]._touched
    assert "one vector" in lab.step(1).view["lengths"]._touched


# 9e ------------------------------------------------------------------------------------------------------------------
def test_lab_9e_asks_for_one_of_the_pairs_it_showed():
    keys, values, asked, right = recall.problem(7, np.random.default_rng(0), 50)
    assert keys.shape == values.shape == (50, 7)
    for k, v, a, r in zip(keys, values, asked, right):
        assert len(set(k)) == 7
        assert v[list(k).index(a)] == r


def test_lab_9e_with_one_vector_keeps_nothing_but_a_sum():
    net, rng = recall.Recall(False, rng=0), np.random.default_rng(1)
    *given, _ = recall.problem(5, rng, 3)
    order = rng.permutation(5)
    np.testing.assert_allclose(net(given[0][:, order], given[1][:, order], given[2])[0].data, net(*given)[0].data,
                               atol=1e-5)
    logits, weights = recall.Recall(True, rng=0)(*given)
    assert net(*given)[1] is None
    np.testing.assert_allclose(weights.sum(1), 1, rtol=1e-5)
    assert logits.shape == (3, 10)


def test_lab_9e_draws_the_weights_of_attention_only():
    lab = labs.Bottleneck(model="attention", pairs=3).step(120)
    assert lab.result.says == lab.result.right
    assert lab.result.weights.max() > 0.9
    assert "weight0" in lab.view["pairs"]._artists
    assert "weight0" not in labs.Bottleneck(pairs=3).view["pairs"]._artists


# 9f ------------------------------------------------------------------------------------------------------------------
def test_what_lab_9f_asks_is_so():
    for number in range(1, 31):
        lab = labs.ShuffleTest(shuffle=number)
        r = lab.result
        np.testing.assert_allclose(r.after, r.before[r.order], atol=1e-9)
        lab.set(places=True)
        assert lab.result.difference.max() > 0.05 or (r.order == range(6)).all()
        lab.close()
    assert "every word gets its old output" in labs.ShuffleTest(shuffle=3).stage.alt
    assert sorted(shuffle.WORDS) == sorted(set(shuffle.WORDS))


# 9g ------------------------------------------------------------------------------------------------------------------
def test_the_near_reader_sees_two_neighbours_and_no_padding():
    model = trained.translator("near", rng=0)
    source = dates.WRITTEN.encode(["3 May 1998", "1.1.01"])
    memory, mask = model.encode(source)
    assert mask.sum(1).tolist() == [10, 6]
    for j in range(10):
        changed = source.copy()
        changed[0, j] = 9 if source[0, j] != 9 else 10
        moved = np.abs(model.encode(changed)[0].data - memory.data)[0].max(1) > 1e-7
        assert np.flatnonzero(moved).tolist() == [i for i in range(10) if abs(i - j) <= trained.REACH]
    alone = model.encode(source[1:, :6])[0].data
    np.testing.assert_allclose(memory.data[1:, :6], alone, atol=1e-5)


def test_lab_9g_looks_where_it_says_and_follows_its_sliders_when_it_does_not_train():
    lab = labs.Dates(start=translate.STARTS[1])
    r = lab.result
    seen = translate.look(trained.trained("near"), "September 6, 1998", 1, 0.0)
    assert (r.seen.written, r.seen.says) == (seen.written, seen.iso)
    np.testing.assert_array_equal(lab.view["map"]["map"].values, seen.weights[::-1])
    assert "".join(lab.view["map"][f"in{k}"].get_text() for k in range(5)) == seen.written[:5]
    lab.view["map"]
    before = lab.result.curve
    lab._widgets["form"].value = "06/09/98"
    assert lab.result.curve is before, "nothing is trained or measured anew"
    assert len(lab.result.seen.written) == 8
    lab._widgets["noise"].value = 0.5
    lab._widgets["form"].value = "September 6, 1998"
    assert lab.result.seen.written != seen.written
    assert len(lab.result.seen.written) == len(seen.written)
    assert "mistyped" not in lab.error


def test_lab_9g_trains_as_the_script_does():
    lab = labs.Dates().step(20)
    rng = np.random.default_rng(0)
    model = trained.translator("near", rng)
    steps = trained.learn_dates(model, translate.STEPS, rng)
    for _ in range(20):
        next(steps)
    written, iso = dates.sample(translate.CHECKED, "validation", rng=1)
    assert lab.result.curve[-1].tolist() == [20, trained.whole_dates(model, *trained.encoded(written, iso)).mean()]
    np.testing.assert_allclose(lab.result.seen.weights, translate.look(model, "September 6, 1998", 1, 0.0).weights,
                               rtol=1e-5)


def test_lab_9g_without_attention_has_nowhere_to_look():
    lab = labs.Dates(reads="one vector", start=translate.STARTS[1])
    assert lab.result.seen.weights.shape[1] == 1
    assert "map" not in lab.view["map"]._touched
    assert "looks at its own" not in lab.stage.alt
    lab.step(1)
    assert lab.stage.state == "done"


def test_lengths_and_units_are_counted_right():
    right = np.array([True, False, True, True])
    found = translate.by_length(right, ["x" * 6, "x" * 8, "x" * 9, "x" * 30])
    assert found[:2].tolist() == [0.5, 1.0]
    assert found[5] == 1
    assert np.isnan(found[2:5]).all()
    weights = np.zeros((10, 4))
    weights[:, 0] = 1
    assert translate.on_its_unit(weights, "YMDD") == {"Y": 1.0, "M": 0.0, "D": 0.0}
    assert len(set(translate.FORMATS)) == 18


def test_what_lab_9g_asks_is_so():
    seen = [translate.look(trained.trained("near"), "September 6, 1998", day, 0.0) for day in range(1, 31)]
    assert np.mean([translate.on_its_unit(s.weights, s.units)["M"] for s in seen]) > 0.8


def test_lab_9g_begins_with_the_day_it_asks_about_and_no_net_was_trained_on_it():
    r = labs.Dates().result
    seen = translate.look(trained.trained("near"), **r.at)
    assert seen.written in labs.Dates.question.text
    assert seen.iso in labs.Dates.question.text
    assert translate.ASKED.toordinal() % 10 in dates.PARTS["validation"]
    for form in translate.FORMATS:
        assert translate.example(form, 1, 0.0)[0] == form
        assert translate.look(trained.trained("near"), form, 1, 0.0).says == seen.iso


# 9h ------------------------------------------------------------------------------------------------------------------
def test_lab_9h_draws_each_character_from_what_it_shows():
    lab = labs.Writer(seed=3)
    rng, text = np.random.default_rng(3), writer.BEFORE + writer.PROMPTS[0]
    model = trained.trained("language")
    for _ in range(30):
        np.testing.assert_allclose(lab.result.logits, nnlab.predict(model, trained.LETTERS.encode([text[-48:]]))[0, -1],
                                   atol=1e-4)
        p = next_probabilities(lab.result.logits, 1.0)
        text += trained.LETTERS.decode([rng.choice(len(p), p=p)])
        lab.step(1)
        assert lab.result.text == text[len(writer.BEFORE):]


def test_the_temperature_of_lab_9h_acts_at_once():
    lab = labs.Writer(prompt="my ")
    text = lab.result.text
    lab._widgets["temperature"].value = 0.0
    assert lab.result.text == text
    assert "temperature 0.00" in lab.stage.alt
    assert float(lab.view["next"]["p0"].get_text()) == 1
    lab.step(20)
    assert lab.result.temperature == 0
    assert writer.write(trained.trained("language"), "my ", 1, 0, rng=0)[0].startswith(lab.result.text[:20])


def test_lab_9h_at_temperature_0_names_the_same_nine_in_the_same_order():
    lab = labs.Writer(prompt="my ")
    panel = lab.view["next"]
    names = [panel[f"name{i}"].get_text() for i in range(writer.BEST)]
    lab._widgets["temperature"].value = 0.0
    assert [panel[f"name{i}"].get_text() for i in range(writer.BEST)] == names
    assert "?" not in names


def test_a_head_that_is_switched_off_counts_0_and_the_model_keeps_it():
    model = trained.trained("language")
    kept, off = model.state_dict(), writer.without(model, 2, 3)
    attention, x = off.blocks[1].attention, np.random.default_rng(0).normal(size=(2, 5, 32)).astype(np.float32)
    changed = [name for name, value in off.state_dict().items() if (value != kept[name]).any()]
    assert changed == ["blocks.1.attention.out.weight"]
    silent, others = copy.deepcopy(model.blocks[1].attention), np.repeat([1, 1, 0, 1], 8).astype(np.float32)
    for p in (silent.value.weight, silent.value.bias):
        p.data = p.data * others
    np.testing.assert_allclose(attention(x).data, silent(x).data, atol=1e-5)


def test_lab_9h_judges_finished_sentences():
    lab = labs.Writer(temperature=0.4).step(90)
    finished = [s.strip(". ") for s in lab.result.text.split(". ")[:-1]]
    assert len(finished) >= 1
    assert f"sentences right {sum(map(grammar.grammatical, finished))} of {len(finished)}" in lab.stage.alt
    assert lab.view["text"]["line0"].get_text() == finished[0]
    assert lab.view["text"]["mark0"].get_text() == ("✓" if grammar.grammatical(finished[0]) else "✗")


def test_what_lab_9h_asks_is_so():
    model = trained.trained("language")
    for prompt in ("a ", "my "):
        texts = {writer.write(model, prompt, 1, 0, rng=seed)[0] for seed in range(3)}
        assert len(texts) == 1
        assert grammar.grammatical(texts.pop())
