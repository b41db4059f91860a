"""Translation with attention: what the decoder may see, what padding must not change, that dates can be learned."""

import numpy as np
import pytest

from nnlab import Adam, dates, gradcheck, observe
from nnlab import functional as F
from nnlab.models.attention import DecoderBlock, EncoderDecoder
from nnlab.text import Vocabulary

rng = np.random.default_rng(0)
READ, WRITTEN = 9, 7  # symbols on either side, marks included


def model(dim=12, heads=3, dtype=np.float64, seed=0, **options):
    return EncoderDecoder(READ, WRITTEN, dim, heads, dtype=dtype, rng=seed, **options)


def sequences(N=3, T_in=5, T_out=4):
    return rng.integers(3, READ, size=(N, T_in)), rng.integers(3, WRITTEN, size=(N, T_out))


def decoded(m, source, target):
    logits, weights = m.decode(target, *m.encode(source))
    return logits.data, weights


# What each side sees -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("j", range(4))
def test_what_is_written_later_changes_nothing_before_it(j):
    m, (source, target) = model(dtype=np.float32), sequences()
    changed = target.copy()
    changed[:, j] = 3 + (target[:, j] - 2) % 4
    (before, looked), (after, looks) = decoded(m, source, target), decoded(m, source, changed)
    np.testing.assert_array_equal(before[:, :j], after[:, :j])
    np.testing.assert_array_equal(looked[:, :j], looks[:, :j])
    assert (before[:, j:] != after[:, j:]).any(-1).all()


@pytest.mark.parametrize("bottleneck", [False, True])
def test_every_character_of_the_source_can_change_every_output(bottleneck):
    m, (source, target) = model(bottleneck=bottleneck), sequences()
    before = m(source, target).data
    for j in range(source.shape[1]):
        changed = source.copy()
        changed[:, j] = 3 + (source[:, j] - 2) % 6
        assert (np.abs(m(changed, target).data - before) > 1e-9).any(-1).all()


def test_the_order_of_the_source_matters():
    m, (source, target) = model(), sequences()
    assert not np.allclose(m(source[:, ::-1], target).data, m(source, target).data)


def test_examples_of_a_batch_do_not_meet():
    m, (source, target) = model(), sequences()
    np.testing.assert_allclose(m(source, target).data[1:2], m(source[1:2], target[1:2]).data, rtol=1e-12, atol=1e-14)


def test_the_weights_are_shares_of_the_source_that_is_no_padding():
    m, (source, target) = model(), sequences()
    source[0, 3:] = Vocabulary.pad
    _, weights = decoded(m, source, target)
    assert weights.shape == (3, 4, 5)
    np.testing.assert_allclose(weights.sum(-1), 1, rtol=1e-12)
    assert (weights[0, :, 3:] == 0).all()
    assert (weights[0, :, :3] > 0).all()
    assert (weights[1:] > 0).all()


@pytest.mark.parametrize("bottleneck", [False, True])
def test_padding_behind_the_source_changes_nothing(bottleneck):
    m, (source, target) = model(bottleneck=bottleneck), sequences()
    padded = np.pad(source, ((0, 0), (0, 6)))
    np.testing.assert_allclose(m(padded, target).data, m(source, target).data, rtol=1e-12, atol=1e-14)
    assert np.isfinite(m(np.zeros_like(source), target).data).all()  # nothing but padding: no nan


def test_the_decoder_block_is_three_residuals_in_turn():
    block = DecoderBlock(6, 2, dtype=np.float64, rng=0)
    x, memory, mask = rng.standard_normal((2, 4, 6)), rng.standard_normal((2, 5, 6)), rng.random((2, 5)) > 0.3
    n1, n2, n3 = block.norms
    y = x + block.past(n1(x), causal=True).data
    found, weights = block.source(n2(y), memory, mask, return_weights=True)
    y = y + found.data
    out, looked = block(x, memory, mask)
    np.testing.assert_allclose(out.data, y + block.mlp(n3(y)).data, rtol=1e-12)
    np.testing.assert_array_equal(looked, weights[:, 0])


def test_through_the_bottleneck_goes_one_vector_the_mean_of_all():
    m, (source, target) = model(bottleneck=True), sequences()
    source[0, 2:] = Vocabulary.pad
    memory, mask = m.encode(source)
    assert memory.shape == (3, 1, 12)
    assert mask is None
    m.bottleneck = False
    all_of_it, _ = m.encode(source)
    np.testing.assert_allclose(memory.data[0, 0], all_of_it.data[0, :2].mean(0), rtol=1e-12)
    np.testing.assert_allclose(memory.data[1, 0], all_of_it.data[1].mean(0), rtol=1e-12)
    m.bottleneck = True
    assert (decoded(m, source, target)[1] == np.ones((3, 4, 1))).all()


# What it pays --------------------------------------------------------------------------------------------------------
def test_the_loss_is_the_mean_cross_entropy_of_each_next_symbol_given_the_right_ones_before():
    m, (source, target) = model(), sequences()
    costs = F.cross_entropy(m(source, target[:, :3]).reshape(9, WRITTEN), target[:, 1:].reshape(9)).item()
    np.testing.assert_allclose(m.loss(source, target).item(), costs, rtol=1e-12)


def test_padding_behind_the_target_costs_nothing():
    m, (source, target) = model(), sequences()
    padded = np.pad(target, ((0, 0), (0, 3)))
    np.testing.assert_allclose(m.loss(source, padded).item(), m.loss(source, target).item(), rtol=1e-12)


@pytest.mark.parametrize("bottleneck", [False, True])
def test_finite_differences_agree_with_the_gradient_of_the_loss(bottleneck):
    m = EncoderDecoder(6, 5, 4, 2, bottleneck=bottleneck, dtype=np.float64, rng=0)
    source, target = np.array([[3, 4, 5], [5, 3, 0]]), np.array([[1, 3, 4, 2], [1, 4, 2, 0]])
    params = [p for name, p in m.named_parameters() if not bottleneck or "source.query" not in name]
    assert gradcheck(lambda: m.loss(source, target), params=params, rng=0)


@pytest.mark.parametrize("bottleneck", [False, True])
def test_nothing_becomes_float64_in_a_step(bottleneck):
    m = model(dtype=np.float32, bottleneck=bottleneck)
    opt, loss = Adam(m.parameters()), m.loss(*sequences())
    assert loss.dtype == np.float32
    leaks = [(s.operation, g.dtype) for s in loss.backward_steps() for g in (s.upstream, *s.sent)
             if g is not None and g.dtype != np.float32]
    opt.step()
    assert leaks == []
    assert {p.dtype.name for p in m.parameters()} == {"float32"}


# What it writes ------------------------------------------------------------------------------------------------------
def test_it_writes_what_is_most_probable_after_what_it_has_written():
    m, (source, _) = model(), sequences(N=8)
    m.head.weight.data = 20 * m.head.weight.data  # so that it does not write the same symbol all the time
    recorded = []
    with observe(lambda part, out: recorded.append(out.requires_grad)):
        ids, weights = m.translate(source, 6)
    assert (ids.shape, ids.dtype, weights.shape) == ((8, 6), np.int64, (8, 6, 5))
    assert len(np.unique(ids)) > 2
    read_again = np.concatenate([np.full((8, 1), Vocabulary.start), ids[:, :-1]], 1)
    logits, looked = decoded(m, source, read_again)
    ended = (read_again == Vocabulary.end).cumsum(1) > 0
    np.testing.assert_array_equal(ids, np.where(ended, Vocabulary.pad, logits.argmax(-1)))
    np.testing.assert_allclose(weights, looked, rtol=1e-12)
    assert not any(recorded)


def test_behind_the_end_stands_padding():
    m, (source, _) = model(), sequences()
    m.head.weight.data = np.zeros((12, WRITTEN))
    m.head.bias.data = np.eye(WRITTEN)[Vocabulary.end]
    assert m.translate(source, 4)[0].tolist() == [[Vocabulary.end, 0, 0, 0]] * 3


# What it learns ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("seed", range(3))
def test_dates_of_one_format_are_learned_in_some_dozens_of_steps(seed):
    """After 140 steps from 40 seeds the loss was 0.001 to 0.16; who does not read the source pays 0.91."""
    draw = np.random.default_rng(seed)
    written, iso = dates.sample(1000, formats="{dd}/{mm}/{yyyy}", rng=draw)
    source, target = dates.WRITTEN.encode(written), dates.ISO.encode(iso, marks=True)
    m = EncoderDecoder(len(dates.WRITTEN), len(dates.ISO), 24, 2, rng=draw)
    opt = Adam(m.parameters(), lr=0.01)
    for _ in range(140):
        chosen = draw.integers(1000, size=32)
        loss = m.loss(source[chosen], target[chosen])
        opt.zero_grad()
        loss.backward()
        opt.step()
    assert loss.item() < 0.5 < np.log(21915) / 11  # nats of a day, over 10 characters and the end


# What is refused -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("call", "error", "told"), [
    (lambda m, s, t: m(s[0], t), ValueError, r"source must be \(N, T\) with T of at least 1; got shape \(5,\)"),
    (lambda m, s, t: m(s, t[0]), ValueError, r"target must be \(N, T\).*got shape \(4,\)"),
    (lambda m, s, t: m(s, t[:2]), ValueError, "there are 3 sources and 2 targets: one for each is needed"),
    (lambda m, s, t: m(s[:, :0], t), ValueError, r"got shape \(3, 0\)"),
    (lambda m, s, t: m(s.astype(float), t), TypeError, "source must be whole numbers.*got float64"),
    (lambda m, s, t: m(s + READ, t), IndexError, "0 ... 8"),
    (lambda m, s, t: m(s, t + WRITTEN), IndexError, "0 ... 6"),
    (lambda m, s, t: m.loss(s, t[:, :1]), ValueError, r"target must be \(N, T\) with T of at least 2"),
    (lambda m, s, t: m.loss(s, 0 * t), ValueError, "nothing but padding"),
    (lambda m, s, t: m.translate(s, 0), ValueError, "length counts symbols, at least 1; got 0"),
    (lambda m, s, t: m.translate(["3 May"], 3), ValueError, r"source must be \(N, T\)"),
    (lambda m, s, t: m.translate([["3"]], 3), TypeError, "as Vocabulary.encode gives them; got <U1"),
    (lambda m, s, t: EncoderDecoder(9, 7, 10, 4), ValueError, "4 heads cannot share 10 features"),
])
def test_what_makes_no_sense_is_refused_with_a_reason(call, error, told):
    with pytest.raises(error, match=told):
        call(model(), *sequences())
