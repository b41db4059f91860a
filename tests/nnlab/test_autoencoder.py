"""Autoencoders: the linear one finds PCA's plane, noise is drawn anew and the target stays clean, tied weights are one,
and the variational one's draws, divergence and two losses are the closed forms.
"""

from math import log

import numpy as np
import pytest

import nnlab
from nnlab import MLP, SGD, Adam, DataLoader, Linear, Tensor, data, fit, gradcheck, observe
from nnlab import functional as F
from nnlab.metrics import principal_angles
from nnlab.models.autoencoder import Autoencoder, TiedLinear, VariationalAutoencoder, reparameterize
from nnlab.pca import PCA

X = data.digits("validation")[0][:40]
KINDS = [Autoencoder, VariationalAutoencoder]


# Shape ---------------------------------------------------------------------------------------------------------------
def test_the_decoder_mirrors_the_encoder_and_code_and_output_are_linear():
    model = Autoencoder(64, 32, 8, 2, activation="tanh", rng=0)
    assert model.encoder.sizes == (64, 32, 8, 2)
    assert model.decoder.sizes == (2, 8, 32, 64)
    assert [layer.activation for layer in (*model.encoder.layers, *model.decoder.layers)] == [
        F.tanh, F.tanh, None, F.tanh, F.tanh, None]
    np.testing.assert_array_equal(model.eval()(X).data, model.decode(model.encode(X)).data)


@pytest.mark.parametrize("tied", [False, True])
def test_negative_numbers_pass_the_code_and_the_output_unless_it_is_asked_otherwise(tied):
    model = Autoencoder(64, 32, 4, tied=tied, rng=0)
    assert model.encode(X).data.min() < 0
    assert model(X).data.min() < 0
    bounded = Autoencoder(64, 32, 4, tied=tied, output="sigmoid", rng=0)
    assert 0 < bounded(9 * X).data.min() < bounded(9 * X).data.max() < 1
    assert bounded.encode(X).data.min() < 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("tied", [False, True])
def test_gradients_of_every_parameter(kind, tied):
    model = kind(5, 4, 2, activation="tanh", tied=tied, dtype=np.float64, rng=0)
    x = np.random.default_rng(1).standard_normal((7, 5))

    def loss():
        model.rng = np.random.default_rng(3)  # the same draws each time
        return model.loss(x)

    assert gradcheck(loss, params=model.parameters())


@pytest.mark.parametrize("kind", KINDS)
def test_float32_stays_float32(kind):
    model = kind(64, 8, 2, noise=0.1, tied=True, rng=0)
    opt = Adam(model.parameters())
    loss = model.loss(X.astype(float))
    assert loss.dtype == np.float32
    leaks = [s.operation for s in loss.backward_steps() if s.upstream.dtype != np.float32]
    opt.step()
    assert leaks == []
    assert {p.dtype.name for p in model.parameters()} == {"float32"}


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_bits_and_so_does_manual_seed(kind):
    def trained(rng):
        model = kind(64, 8, 2, noise=0.2, rng=rng)
        opt = Adam(model.parameters())
        for _ in range(3):
            opt.zero_grad()
            model.loss(X).backward()
            opt.step()
        return model.encode(X).data.tobytes()

    assert trained(3) == trained(3) != trained(4)
    nnlab.manual_seed(5)
    first = trained(None)
    nnlab.manual_seed(5)
    assert trained(None) == first


@pytest.mark.parametrize("kind", KINDS)
def test_from_one_seed_its_layers_start_differently_and_its_draws_differ(kind):
    model = kind(4, 4, 4, noise=1.0, rng=0)
    starts = [layer.weight.data.tobytes() for layer in (*model.encoder.layers, *model.decoder.layers)]
    assert len(set(starts)) == 4
    assert not (model(np.zeros((3, 4))).data == model(np.zeros((3, 4))).data).any()


# Linear: PCA ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("seed", range(3))
def test_a_linear_one_reaches_the_loss_of_pca_and_its_decoder_spans_the_same_plane(seed):
    """Baldi and Hornik 1989; 2.2e-5 at most over 20 seeds. Axes are arbitrary: only the decoder's span is tested."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((500, 8)) * [1.0, 0.9, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1]
    x = (x - x.mean(0)) @ np.linalg.qr(rng.standard_normal((8, 8)))[0]
    model = Autoencoder(8, 2, activation=None, dtype=np.float64, rng=seed)
    descent = SGD(model.parameters(), lr=2.0)
    for _ in range(1000):
        descent.zero_grad()
        model.loss(x).backward()
        descent.step()
    pca = PCA(2).fit(x)
    best = pca.eigenvalues_[2:].sum() / 8
    assert 0 <= (model.loss(x).item() - best) / best < 1e-4
    decoder = model.decoder.layers[0].weight.data.T
    assert np.degrees(principal_angles(decoder, pca.components_.T)).max() < 0.5


# Tied ----------------------------------------------------------------------------------------------------------------
def test_tied_weights_are_one_parameter_with_the_gradients_of_both_uses():
    tied = Autoencoder(6, 4, 2, activation="tanh", tied=True, dtype=np.float64, rng=0)
    loose = Autoencoder(6, 4, 2, activation="tanh", dtype=np.float64, rng=0)
    assert [name for name, _ in tied.named_parameters()] == [
        "encoder.layers.0.weight", "encoder.layers.0.bias", "encoder.layers.1.weight", "encoder.layers.1.bias",
        "decoder.layers.0.bias", "decoder.layers.1.bias"]
    for encoder, decoder in zip(loose.encoder.layers, loose.decoder.layers[::-1]):
        decoder.weight.data = encoder.weight.data.T
    x = np.random.default_rng(0).standard_normal((9, 6))
    for model in (tied, loose):
        model.loss(x).backward()
    np.testing.assert_allclose(tied(x).data, loose(x).data, rtol=1e-12)
    for encoder, decoder, both in zip(loose.encoder.layers, loose.decoder.layers[::-1], tied.encoder.layers):
        np.testing.assert_allclose(both.weight.grad, encoder.weight.grad + decoder.weight.grad.T, rtol=1e-10)


def test_a_tied_layer_follows_the_other_one():
    layer = Linear(5, 3, rng=0)
    back = TiedLinear(layer, "relu")
    z = np.ones((2, 3), np.float32)
    layer.weight.data = -np.arange(15.0).reshape(5, 3) + 7
    np.testing.assert_allclose(back(z).data, np.maximum(z @ layer.weight.data.T, 0))
    assert repr(back) == "TiedLinear(3 -> 5, relu), 20 parameters"
    assert back(z.astype(float)).dtype == np.float32


# Denoising -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", KINDS)
def test_noise_is_drawn_anew_for_every_step_and_never_in_evaluation(kind):
    model = kind(64, 8, 2, noise=0.5, rng=0)
    seen = []
    first = model.encoder.layers[0].forward
    model.encoder.layers[0].forward = lambda x: seen.append(np.array(x)) or first(x)
    for _ in range(2):
        model.loss(X)
        model(X)
    model.eval()
    model.loss(X)
    model(X)
    model.train().encode(X)  # asking for a code is no training
    assert all(0.4 < (x - X).std() < 0.6 for x in seen[:4])
    assert len({x.tobytes() for x in seen[:4]}) == 4
    for x in seen[4:]:
        np.testing.assert_array_equal(x, X)


def test_the_target_is_the_clean_example():
    model = Autoencoder(2, 2, activation=None, noise=3.0, rng=0)
    for layer in (*model.encoder.layers, *model.decoder.layers):
        layer.weight.data = np.eye(2)  # gives back what it sees: the error is the noise
    assert model.loss(np.zeros((4000, 2))).item() == pytest.approx(9, rel=0.1)
    assert model.eval().loss(np.zeros((4000, 2))).item() == 0


def test_a_denoiser_learns_to_point_to_the_data():
    """r(x) - x is sigma^2 times the slope of ln p, with p smoothed: for N(0, 1) data, -x sigma^2 / (1 + sigma^2)."""
    rng, sigma = np.random.default_rng(0), 0.5
    model = Autoencoder(1, 1, activation=None, noise=sigma, rng=0)
    x = rng.standard_normal((4000, 1))
    fit(model, x, x, F.mse_loss, Adam(model.parameters(), lr=0.02), epochs=20, batch_size=200, rng=0)
    at = np.array([[-2.0], [0.0], [1.0]])
    arrows = model.eval()(at).data - at
    np.testing.assert_allclose(arrows, -at * sigma**2 / (1 + sigma**2), atol=0.08)


@pytest.mark.parametrize("kind", KINDS)
def test_fit_trains_it_in_one_line(kind):
    model = kind(64, 16, 4, rng=0)
    history = fit(model, X, X, F.mse_loss, Adam(model.parameters(), lr=3e-3), epochs=30, validation=(X, X))
    assert history["val_loss"][-1] < 0.7 * history["val_loss"][0]


# Variational ---------------------------------------------------------------------------------------------------------
def test_the_divergence_is_the_monte_carlo_mean_of_its_log_ratio():
    """KL(q, p) = E_q[ln q(z) - ln p(z)] with q = N(mu, s^2) and p = N(0, 1), within three standard errors."""
    mu, log_var = np.array([[1.0, 2.0]]), np.array([[0.0, log(4)]])
    n = 20_000
    z = reparameterize(Tensor(np.repeat(mu, n, 0)), Tensor(np.repeat(log_var, n, 0)), rng=0).data
    log_ratio = (-((z - mu) ** 2) / np.exp(log_var) / 2 - log_var / 2 + z**2 / 2).sum(1)
    kl = F.gaussian_kl(mu, log_var).item()
    assert kl == pytest.approx(0.5 + (2 + 1.5 - log(2)), abs=1e-6)
    assert abs(log_ratio.mean() - kl) < 3 * log_ratio.std() / n**0.5


def test_a_draw_has_the_mean_and_the_deviation_asked_for_and_both_get_gradients():
    mu, log_var = (Tensor(np.full((20_000, 2), value), requires_grad=True) for value in (3.0, log(0.25)))
    z = reparameterize(mu, log_var, rng=0)
    np.testing.assert_allclose([z.data.mean(), z.data.std()], [3, 0.5], rtol=0.01)
    z.backward(np.ones(z.shape))
    np.testing.assert_array_equal(mu.grad, 1)
    np.testing.assert_allclose(log_var.grad, (z.data - 3) / 2)  # dz / d ln s^2 = s eps / 2


def test_the_loss_is_half_the_squared_error_of_an_example_plus_beta_times_the_divergence():
    model = VariationalAutoencoder(64, 8, 3, beta=0.25, dtype=np.float64, rng=0)
    model.log_var.bias.data = [0.1, -0.2, 0.3]
    mu, log_var = (t.data for t in model.posterior(X))
    model.rng = np.random.default_rng(7)
    error, kl = model.terms(X)
    eps = np.random.default_rng(7).standard_normal((40, 3))
    again = model.decode(mu + np.exp(log_var / 2) * eps).data
    assert error.item() == pytest.approx(np.mean(np.sum((again - X) ** 2, 1)) / 2, rel=1e-12)
    assert kl.item() == pytest.approx(np.mean(np.sum(mu**2 + np.exp(log_var) - log_var - 1, 1)) / 2, rel=1e-12)
    model.rng = np.random.default_rng(7)
    assert model.loss(X).item() == pytest.approx(error.item() + 0.25 * kl.item(), rel=1e-12)


def test_it_starts_with_variance_one_and_decodes_draws_in_training_and_the_mean_otherwise():
    model = VariationalAutoencoder(64, 8, 2, rng=0)
    mu, log_var = model.posterior(X)
    assert not log_var.data.any()
    np.testing.assert_array_equal(model.encode(X).data, mu.data)
    model.log_var.bias.data = [0.5, -3.0]  # the layer gives ln s^2 itself
    np.testing.assert_array_equal(model.posterior(X)[1].data, np.tile(np.float32([0.5, -3]), (40, 1)))
    assert not (model(X).data == model(X).data).all()
    model.eval()
    np.testing.assert_array_equal(model(X).data, model.decode(mu).data)


@pytest.mark.parametrize("sizes", [(3, 2), (4, 3, 2), (6, 5, 4, 2)])
def test_it_can_have_any_number_of_hidden_layers(sizes):
    model = VariationalAutoencoder(*sizes, dtype=np.float64, rng=0)
    x = np.ones((5, sizes[0]))
    model.loss(x).backward()
    assert all(p.grad is not None for p in model.parameters())
    assert (model.log_var.in_features, model.log_var.out_features) == (sizes[-2], 2)
    sample = model.sample(4)
    assert isinstance(sample, np.ndarray)
    assert (sample.shape, sample.dtype) == ((4, sizes[0]), np.float64)


def test_samples_are_decoded_from_standard_normal_codes():
    model = VariationalAutoencoder(2, 2, rng=0)
    layer = model.decoder.layers[0]
    layer.weight.data, layer.bias.data = np.eye(2), [5.0, 0.0]
    recorded = []
    with observe(lambda module, output: recorded.append(output.requires_grad)):
        draws = model.sample(20_000)
    assert not any(recorded)
    np.testing.assert_allclose([draws.mean(0), draws.std(0)], [[5, 0], [1, 1]], atol=0.03)


def test_training_a_variational_one_lowers_its_loss():
    model = VariationalAutoencoder(64, 16, 2, beta=0.1, rng=0)
    opt, losses = Adam(model.parameters(), lr=3e-3), []
    for _ in range(25):
        for batch, in DataLoader(X, batch_size=20, rng=0):
            opt.zero_grad()
            loss = model.loss(batch)
            loss.backward()
            opt.step()
            losses.append(loss.item())
    assert np.mean(losses[-5:]) < 0.6 * losses[0]


# What can go wrong ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("sizes", "options", "told"), [
    ((4,), {}, "at least two layers"), ((4, 0), {}, "size 1 counts neurons"), ((4, 2), {"noise": -1}, "Noise's amount"),
    ((4, 3, 2), {"activation": "rleu"}, "activation is None or one of"), ((4, 2), {"output": "sigmoyd"}, "one of"),
    ((4, 2), {"output": "sigmoyd", "tied": True}, "activation is"),
])
def test_models_that_cannot_be(kind, sizes, options, told):
    with pytest.raises(ValueError, match=told):
        kind(*sizes, **options)


def test_a_beta_below_zero():
    with pytest.raises(ValueError, match="beta is a number of at least 0"):
        VariationalAutoencoder(4, 2, beta=-1)


@pytest.mark.parametrize("kind", KINDS)
def test_data_of_another_width_names_the_layer(kind):
    with pytest.raises(ValueError, match=r"Linear\(4 -> 3, relu\) got x of shape \(5, 6\): its last axis must be 4"):
        kind(4, 3, 2).loss(np.ones((5, 6)))


def test_what_it_looks_like():
    assert repr(Autoencoder(64, 32, 2)).endswith(f"{64 * 32 * 2 + 32 * 2 * 2 + 32 + 2 + 32 + 64:,} parameters")
    assert isinstance(Autoencoder(3, 2).decoder, MLP)
