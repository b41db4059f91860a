"""GANs: each network moves in its own step and nowhere else, the losses are the closed forms, and packs do not mix."""

from itertools import islice
from math import log

import numpy as np
import pytest

from nnlab import (
    MLP,
    SGD,
    Adam,
    BatchNorm1d,
    Linear,
    Module,
    Parameter,
    RMSprop,
    Sequential,
    TrainingDiverged,
    data,
    observe,
    op,
)
from nnlab import functional as F
from nnlab.models.gan import GAN, dirac_gan

REAL = data.ring(48, rng=0)[0]


def make(pack=1, sizes=8, dtype=np.float32, seed=0, **options):
    G, D = MLP(3, sizes, 2, dtype=dtype, rng=seed), MLP(2 * pack, sizes, 1, dtype=dtype, rng=seed + 1)
    return GAN(G, D, 3, pack=pack, rng=seed + 2, **options)


def bits(network, optimizer):
    """Everything a step could disturb in a network, as bytes."""
    arrays = [p.data for p in network.parameters()] + [p.grad for p in network.parameters()]
    flags = [p.requires_grad for p in network.parameters()]
    return [None if a is None else a.tobytes() for a in [*arrays, *optimizer.state.values()]], optimizer.steps, flags


# Who moves -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("loss", ["non-saturating", "saturating"])
@pytest.mark.parametrize("pack", [1, 3])
@pytest.mark.parametrize("after", [0, 2])
def test_a_step_moves_one_network_and_leaves_no_trace_in_the_other(loss, pack, after):
    gan = make(pack, loss=loss)
    G, D = (gan.generator, gan.g_optimizer), (gan.discriminator, gan.d_optimizer)
    for _ in range(after):  # later both have gradients and moments that could be disturbed
        gan.d_step(REAL)
        gan.g_step(48)
    g, d = bits(*G), bits(*D)
    gan.d_step(REAL)
    assert bits(*G) == g
    assert bits(*D) != d
    assert (gan.d_optimizer.steps, gan.g_optimizer.steps) == (after + 1, after)
    d = bits(*D)
    gan.g_step(48)
    assert bits(*D) == d
    assert bits(*G) != g
    assert (gan.d_optimizer.steps, gan.g_optimizer.steps) == (after + 1, after + 1)


def test_the_generators_step_computes_no_gradient_of_the_discriminators_weights():
    class Judge(Module):
        def __init__(self):
            self.weight = Parameter(np.ones((2, 1)), dtype=np.float32)

        def forward(self, x):
            return judge(x, self.weight)

    @op
    def judge(x, w, /):
        return x.dot(w), lambda g: (g.dot(w.T), lambda: computed.append(1) or x.T.dot(g))

    computed = []
    gan = GAN(MLP(2, 2, rng=0), Judge(), 2, rng=0)
    gan.g_step(8)
    assert not computed
    gan.d_step(REAL)
    assert computed


def test_a_weight_that_somebody_froze_stays_frozen():
    D = MLP(2, 4, 1, rng=0)
    D.layers[0].weight.requires_grad = False
    gan = GAN(MLP(2, 2, rng=0), D, 2, d_optimizer=Adam(D.parameters()), rng=0)
    before = D.layers[0].weight.data.copy()
    for _ in range(2):
        gan.g_step(4)
        gan.d_step(REAL)
    assert [p.requires_grad for p in D.parameters()] == [False, True, True, True]
    np.testing.assert_array_equal(D.layers[0].weight.data, before)


def test_the_discriminator_thaws_even_when_the_generators_step_fails():
    gan = make(pack=2)
    with pytest.raises(ValueError, match="D judges 2 samples at a time: 5 cannot"):
        gan.g_step(5)
    assert all(p.requires_grad for p in gan.discriminator.parameters())


def test_every_step_draws_noise_of_its_own():
    gan, drawn = make(), []
    draw = gan.noise
    gan.noise = lambda n: drawn.append(draw(n)) or drawn[-1]
    list(islice(gan.fit_steps(REAL, batch_size=16, d_steps=2, g_steps=3), 4))
    assert [z.shape for z in drawn] == [(16, 3)] * 20
    assert len({z.tobytes() for z in drawn}) == 20


# What they want ------------------------------------------------------------------------------------------------------
class Same(Module):
    """Gives its parameter, whatever goes in."""

    def __init__(self, values=0.0):
        self.values = Parameter(np.asarray(values, float))

    def forward(self, x):
        return self.values + 0 * x


class Identity(Same):
    """A discriminator whose logit is its input."""

    def forward(self, x):
        return x + self.values


@pytest.mark.parametrize(("loss", "slope"), [
    ("non-saturating", lambda a: -1 / (1 + np.exp(a))), ("saturating", lambda a: -1 / (1 + np.exp(-a))),
])
def test_the_generators_slope_on_the_logit(loss, slope):
    """While D is winning (a << 0) the minimax game teaches G nothing, -sigmoid(a), and -ln D all, -(1 - sigmoid(a))."""
    a = np.array([[-30.0], [-5.0], [-0.5], [0.0], [2.0]])
    gan = GAN(Same(a), Identity(), 1, loss=loss, rng=0)
    gan.g_loss(5).backward()
    np.testing.assert_allclose(gan.generator.values.grad, slope(a) / 5, rtol=1e-12)


def test_a_discriminator_that_cannot_tell_pays_two_ln_two():
    for loss, g in (("non-saturating", log(2)), ("saturating", -log(2))):
        gan = GAN(MLP(3, 2, dtype=np.float64), Same(), 3, loss=loss, rng=0)
        assert gan.d_loss(REAL).item() == pytest.approx(2 * log(2), rel=1e-14)
        assert gan.g_loss(6).item() == pytest.approx(g, rel=1e-14)


def test_the_losses_are_exact_and_finite_for_logits_of_any_size():
    one = np.ones((1, 1))
    for loss, at_minus, at_plus in (("non-saturating", 800, 0), ("saturating", 0, -800)):
        for a, expected in ((-800, at_minus), (800, at_plus)):
            assert GAN(Same(a * one), Identity(), 1, loss=loss, rng=0).g_loss(1).item() == expected
    gan = GAN(Same(800 * one), Identity(), 1, rng=0)
    assert gan.d_loss(-800 * one).item() == 1600  # the real one taken for a fake and the reverse
    gan.generator.values.data = -800 * one
    assert gan.d_loss(800 * one).item() == 0


@pytest.mark.parametrize("loss", ["non-saturating", "saturating"])
def test_a_generator_step_makes_its_samples_look_more_real(loss):
    gan = make(loss=loss)
    z = gan.noise(500)
    before = gan.discriminator(gan(z)).data.mean()
    for _ in range(20):
        gan.g_step(200)
    assert gan.discriminator(gan(z)).data.mean() > before


def test_a_discriminator_step_tells_better():
    gan = make()
    before = np.mean([gan.d_loss(REAL).item() for _ in range(20)])
    for _ in range(50):
        gan.d_step(REAL)
    assert np.mean([gan.d_loss(REAL).item() for _ in range(20)]) < before


def test_at_its_best_the_discriminator_is_p_over_p_plus_q_and_pays_ln_4_minus_2_js():
    """Goodfellow 2014, proposition 1 and theorem 1, on three points with p = .6, .3, .1 and q = .1, .4, .5."""
    real, fake = (np.repeat([[0.0], [1.0], [2.0]], counts, 0) for counts in ([6, 3, 1], [1, 4, 5]))
    p, q = np.array([0.6, 0.3, 0.1]), np.array([0.1, 0.4, 0.5])

    class Table(Same):  # one logit for each point
        def forward(self, x):
            return self.values[x[:, 0].astype(int)]

    gan = GAN(Same(fake), Table(np.log(p / q)), 1, rng=0)  # sigmoid(ln p / q) = p / (p + q)
    loss = gan.d_loss(real)
    assert loss.item() == pytest.approx(log(4) - 2 * F.js_divergence(p, q).item(), rel=1e-12)
    loss.backward()
    np.testing.assert_allclose(gan.discriminator.values.grad, 0, atol=1e-15)  # no other D pays less: it is convex


def test_trained_against_a_generator_that_stands_still_it_comes_close_to_its_best():
    """Real N(0, 1), fake N(1, 1): D* = 1 / (1 + e^(x - 1/2)); within 0.05 where p + q > 0.01 (20 seeds: 0.035)."""
    G = MLP(1, 1, init=lambda shape, **_: np.ones(shape, np.float32))
    G.layers[0].bias.data = [1.0]
    D = MLP(1, 16, 1, rng=0)
    gan = GAN(G, D, 1, d_optimizer=Adam(D.parameters(), lr=0.01), rng=0)
    rng = np.random.default_rng(0)
    for _ in range(400):
        gan.d_step(rng.standard_normal((512, 1)))
    x = np.linspace(-2.8, 3.8, 50)[:, None]  # p + q > 0.01 here
    judged = F.sigmoid(D(x)).data
    np.testing.assert_allclose(judged, 1 / (1 + np.exp(x - 0.5)), atol=0.05)


# Packs ---------------------------------------------------------------------------------------------------------------
def test_a_pack_is_samples_side_by_side_all_real_or_all_fake():
    gan, seen = make(pack=3), []
    judge = gan.discriminator.forward
    gan.discriminator.forward = lambda x: seen.append(np.array(getattr(x, "data", x))) or judge(x)
    gan.noise = lambda n: np.zeros((n, 3), np.float32)  # so that all fakes are alike
    fake = gan.sample(1)[0]
    gan.d_loss(REAL[:6])
    gan.g_loss(6)
    np.testing.assert_array_equal(seen[0][:2], REAL[:6].reshape(2, 6))
    np.testing.assert_allclose(seen[0][2:], np.tile(fake, (2, 3)), rtol=1e-6)
    np.testing.assert_allclose(seen[1], np.tile(fake, (2, 3)), rtol=1e-6)


@pytest.mark.parametrize("n", [0, 1, 4])
def test_samples_that_do_not_fill_their_packs_change_nothing(n):
    gan = make(pack=3)
    before = bits(gan.discriminator, gan.d_optimizer)
    for step in (lambda: gan.d_step(REAL[:n]), lambda: gan.g_step(n)):
        with pytest.raises(ValueError, match=f"D judges 3 samples at a time: {2 * n}|: {n} cannot"):
            step()
    assert bits(gan.discriminator, gan.d_optimizer) == before


# Batches, modes, precision -------------------------------------------------------------------------------------------
def test_real_and_fake_pass_batch_norm_as_one_batch():
    D = Sequential(BatchNorm1d(2), Linear(2, 1, rng=0))
    gan = GAN(MLP(3, 2, rng=0), D, 3, rng=0)
    gan.noise = lambda n: np.zeros((n, 3), np.float32)  # fakes are all (0, 0)
    gan.d_step(REAL + 5)
    np.testing.assert_allclose(D.layers[0].running_mean.data, 0.1 * (REAL + 5).mean(0) / 2, rtol=1e-5)


def test_float32_stays_float32_and_float64_is_drawn_as_such():
    for dtype in (np.float32, np.float64):
        gan = make(dtype=dtype)
        assert gan.noise(4).dtype == gan.sample(4).dtype == dtype
        for loss in (gan.d_loss(REAL.astype(np.float64)), gan.g_loss(4)):
            assert loss.dtype == dtype
            assert {s.upstream.dtype for s in loss.backward_steps()} == {np.dtype(dtype)}
        gan.d_step(REAL)
        gan.g_step(4)
        assert {p.dtype for p in gan.parameters()} == {np.dtype(dtype)}


def test_sampling_records_nothing_and_keeps_the_mode():
    gan, recorded = make(), []
    assert gan.sample(7).shape == (7, 2)
    with observe(lambda module, output: recorded.append(output.requires_grad)):
        assert isinstance(gan.sample(7), np.ndarray)
    assert not any(recorded)
    assert gan.training
    assert gan(gan.noise(4)).requires_grad


def test_the_same_seed_gives_the_same_bits():
    def trained(seed):
        gan = make(seed=seed)
        rounds = list(islice(gan.fit_steps(REAL, batch_size=16), 5))
        return gan.generator.layers[0].weight.data.tobytes(), rounds

    assert trained(0) == trained(0)
    assert trained(0) != trained(7)


def test_both_networks_are_saved_as_one():
    gan, other = make(seed=0), make(seed=5)
    assert {name.split(".")[0] for name in gan.state_dict()} == {"generator", "discriminator"}
    other.load_state_dict(gan.state_dict())
    z = gan.noise(3)
    np.testing.assert_array_equal(gan(z).data, other(z).data)


# Rounds --------------------------------------------------------------------------------------------------------------
def test_a_round_is_so_many_steps_of_each_on_whole_batches():
    gan, batches = make(), []
    step = gan.d_step
    gan.d_step = lambda real: batches.append(len(real)) or step(real)
    rounds = list(islice(gan.fit_steps(REAL, batch_size=20, d_steps=3, g_steps=2), 5))
    assert [r.step for r in rounds] == [1, 2, 3, 4, 5]
    assert batches == [20] * 15  # 48 examples give two whole batches a pass
    assert (gan.d_optimizer.steps, gan.g_optimizer.steps) == (15, 10)


def test_the_losses_of_a_round_are_those_of_its_last_steps():
    gan, losses = make(), {"d": [], "g": []}
    d_step, g_step = gan.d_step, gan.g_step
    gan.d_step = lambda real: losses["d"].append(d_step(real)) or losses["d"][-1]
    gan.g_step = lambda n: losses["g"].append(g_step(n)) or losses["g"][-1]
    (done,) = islice(gan.fit_steps(REAL, batch_size=16, d_steps=2, g_steps=3), 1)
    assert (done.d_loss, done.g_loss) == (losses["d"][1], losses["g"][2])
    assert losses["d"][1] == pytest.approx(2 * log(2), abs=0.7)


@pytest.mark.parametrize(("options", "told"), [
    ({"batch_size": 49}, "batch_size is a whole number from 1 to 48"), ({"batch_size": 16}, "a multiple of pack, 3"),
    ({"batch_size": 6, "d_steps": 0}, "d_steps counts steps"), ({"batch_size": 6, "g_steps": 1.5}, "g_steps counts"),
])
def test_rounds_that_cannot_be(options, told):
    with pytest.raises(ValueError, match=told):
        make(pack=3).fit_steps(REAL, **options)  # before the first round is asked for


# What can go wrong ---------------------------------------------------------------------------------------------------
def test_an_optimizer_belongs_to_one_network():
    G, D = MLP(3, 4, 2), MLP(2, 4, 1)
    both = Adam([*G.parameters(), *D.parameters()])
    for options, told in (({"d_optimizer": both}, "the discriminator's optimizer also moves what is not the"),
                          ({"g_optimizer": both}, "the generator's optimizer also moves"),
                          ({"d_optimizer": Adam(G.parameters())}, "the discriminator's optimizer also moves"),
                          ({"d_optimizer": Adam(D.parameters()[:2])}, "does not train layers.1.weight")):
        with pytest.raises(ValueError, match=told):
            GAN(G, D, 3, **options)
    gan = GAN(G, D, 3)
    for optimizer in (gan.d_optimizer, gan.g_optimizer):
        assert isinstance(optimizer, Adam)
        assert (optimizer.lr, optimizer.param_groups[0]["betas"]) == (1e-3, (0.5, 0.999))
    gan = GAN(G, D, 3, d_optimizer=RMSprop(D.parameters()), g_optimizer=SGD(G.parameters()))
    assert isinstance(gan.d_optimizer, RMSprop)
    assert isinstance(gan.g_optimizer, SGD)


@pytest.mark.parametrize(("options", "told"), [
    ({"loss": "minimax"}, "loss is one of 'non-saturating', 'saturating'; got 'minimax'"),
    ({"latent": 0}, "latent counts numbers"), ({"pack": 0}, "pack counts samples"), ({"pack": 1.5}, "pack counts"),
])
def test_options_that_are_none(options, told):
    with pytest.raises(ValueError, match=told):
        GAN(MLP(3, 2), MLP(2, 1), **{"latent": 3, **options})


def test_real_samples_of_another_shape_than_the_fakes():
    gan = make()
    for real in (np.zeros((6, 3)), np.zeros(6), np.zeros((6, 1))):
        with pytest.raises(ValueError, match=r"real must be of the shape that the generator makes, \(6, 2\); got"):
            gan.d_step(real)


def test_divergence_says_whose_loss_and_moves_nothing():
    gan = make()
    before = bits(gan.discriminator, gan.d_optimizer)
    with pytest.raises(TrainingDiverged, match=r"discriminator.s loss became nan at its step 1\. .* try 0\.0001"):
        gan.d_step(REAL * np.nan)
    assert bits(gan.discriminator, gan.d_optimizer) == before
    gan.generator.layers[1].bias.data = [np.nan, 0]
    with pytest.raises(TrainingDiverged, match="the generator's loss became nan") as caught:
        gan.g_step(4)
    assert caught.value.step == 1


# The smallest GAN ----------------------------------------------------------------------------------------------------
def test_at_the_same_time_it_spirals_out_in_turns_it_circles_with_a_penalty_it_arrives():
    """Mescheder et al. 2018, from (1, 1) with lr 0.1; the radius after 500 steps."""
    radius = lambda **options: np.hypot(*dirac_gan(500, 0.1, **options)[-1])
    assert radius() == pytest.approx(2.254, abs=1e-3)
    assert radius(alternating=True) == pytest.approx(2**0.5, rel=0.02)
    assert radius(r1=0.3) == pytest.approx(9e-4, rel=0.05)
    assert radius(r1=0.3, alternating=True) < 1e-3


@pytest.mark.parametrize("r1", [0.0, 0.3])
@pytest.mark.parametrize("alternating", [False, True])
@pytest.mark.parametrize("lr", [0.1, 0.4])
def test_near_the_equilibrium_a_step_is_the_matrix_of_the_paper(lr, alternating, r1):
    tiny = 1e-6
    columns = [dirac_gan(1, lr, start=start, alternating=alternating, r1=r1)[1] / tiny
               for start in ((tiny, 0.0), (0.0, tiny))]
    c = lr / 2  # f'(0) = 1/2
    expected = np.array([[1, -c], [c, 1 - lr * r1]])
    if alternating:  # psi answers to the new theta
        expected[1] += c * np.array([0, -c])
    np.testing.assert_allclose(np.transpose(columns), expected, atol=1e-6)
    sizes = np.abs(np.linalg.eigvals(np.transpose(columns)))
    if not r1:
        np.testing.assert_allclose(sizes, 1 if alternating else (1 + lr**2 / 4) ** 0.5, atol=1e-6)
    else:
        assert (sizes < 1).all()


def test_the_path_begins_at_its_start_and_stays_finite_far_away():
    path = dirac_gan(3, 0.5, start=(2.0, -1.0))
    assert path.shape == (4, 2)
    assert path[0].tolist() == [2, -1]
    assert np.isfinite(dirac_gan(50, 0.5, start=(1e3, 1e3))).all()
    assert np.isfinite(dirac_gan(50, 0.5, start=(1e3, -1e3))).all()
    for options in ({"lr": -1}, {"lr": 0.1, "r1": -1}):
        with pytest.raises(ValueError, match="is a number of at least 0"):
            dirac_gan(5, **options)
