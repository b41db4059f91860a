"""The training loop: what it records, when it stops, and what it says about data and rates that cannot work."""

import copy
import gc
import signal
import threading
import warnings

import numpy as np
import pytest

from nnlab import (
    MLP,
    SGD,
    Adam,
    Linear,
    Neuron,
    TrainingDiverged,
    accuracy,
    augment,
    data,
    fit,
    fit_steps,
    manual_seed,
    nn,
    train,
)
from nnlab import functional as F
from nnlab.regularize import l1, l2

BCE = F.binary_cross_entropy_with_logits


def setup(lr=0.1, n=60, **options):
    X, y = data.moons(n, rng=0)
    model = MLP(2, 8, 1, rng=0, **options)
    return model, X, y, Adam(model.parameters(), lr=lr)


# What it does --------------------------------------------------------------------------------------------------------
def test_fit_is_the_loop_one_would_write_by_hand():
    model, X, y, opt = setup()
    by_hand = copy.deepcopy(model)
    peer = Adam(by_hand.parameters(), lr=0.1)
    losses = []
    for _ in range(5):
        peer.zero_grad()
        loss = BCE(by_hand(X), y.reshape(-1, 1))
        loss.backward()
        peer.step()
        losses.append(loss.item())
    assert fit(model, X, y, BCE, opt, epochs=5)["loss"] == losses
    assert all((p.data == q.data).all() for p, q in zip(model.parameters(), by_hand.parameters()))


def test_a_network_learns_the_moons():
    model, X, y, opt = setup(n=200)
    history = fit(model, X, y, BCE, opt, epochs=200, metric=accuracy, validation=data.moons(200, rng=1))
    assert set(history) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert {len(values) for values in history.values()} == {200}
    assert history["val_accuracy"][-1] > 0.95
    assert history["loss"][-1] < 0.1 < history["loss"][0]
    assert "200 epochs" in repr(history)


def test_a_neuron_tells_a_one_from_a_zero():
    X, y = data.digits("train")
    keep = y < 2
    neuron = Neuron(64, activation=None, rng=0)
    fit(neuron, X[keep], y[keep], BCE, SGD(neuron.parameters(), lr=0.5), epochs=100)
    X, y = data.digits("validation")
    assert accuracy(neuron(X[y < 2]), y[y < 2]) == 1.0


@pytest.mark.parametrize("seed", range(12))
def test_the_xor_demo_works_for_every_seed(seed):
    """The settings of the docs: eight hidden tanh units, Adam with lr 0.05, 500 steps on the four corners."""
    X, y = data.xor(4, noise=0, rng=seed)
    model = MLP(2, 8, 1, rng=seed)
    history = fit(model, X, y, BCE, Adam(model.parameters(), lr=0.05), epochs=500, metric=accuracy)
    assert history["accuracy"][-1] == 1.0
    assert history["loss"][-1] < 0.05


def weights(model):
    return np.concatenate([p.data.ravel() for p in model.parameters()])


@pytest.mark.parametrize("batch_size", [None, 16])
def test_the_same_seed_gives_the_same_bits(batch_size):
    runs = []
    for validation in (None, None, data.moons(30, rng=1)):
        manual_seed(7)
        model = nn.Sequential(nn.Linear(2, 8, activation="tanh"), nn.Dropout(0.3), nn.Linear(8, 1))
        X, y = data.moons(60)
        noise = augment.Compose(augment.Rotate(20), augment.Noise(0.1))
        history = fit(model, X, y, BCE, Adam(model.parameters(), lr=0.1), epochs=5, batch_size=batch_size,
                      augment=noise, penalty=l1(1e-3), clip_norm=1.0, validation=validation, metric=accuracy)
        runs.append((history["loss"], history["penalty"], history["accuracy"], weights(model).tolist()))
    assert runs[0] == runs[1] == runs[2]  # measuring on other data changes nothing either


def test_a_seed_for_the_batches_alone():
    runs = []
    for seed in (3, 3, 4):
        model, X, y, opt = setup()
        runs.append(fit(model, X, y, BCE, opt, epochs=5, batch_size=16, rng=seed)["loss"])
    assert runs[0] == runs[1] != runs[2]


def test_the_loss_of_an_epoch_is_the_mean_over_examples_of_uneven_batches():
    model = Linear(1, 1, rng=0)
    X, y = np.arange(5.0).reshape(5, 1), np.arange(5.0).reshape(5, 1)
    expected = F.mse_loss(model(X), y).item()
    history = fit(model, X, y, F.mse_loss, SGD(model.parameters(), lr=0), epochs=1, batch_size=2, rng=0)
    assert history["loss"][0] == pytest.approx(expected)


def test_validation_neither_learns_nor_counts_as_training():
    model, X, y, opt = setup()
    modes = []
    model.forward = lambda x, forward=model.forward: modes.append(model.training) or forward(x)
    before = model.state_dict()
    opt.lr = 0
    fit(model, X, y, BCE, opt, epochs=1, validation=(X, y))
    assert modes == [True, False]
    assert model.training
    assert all((before[k] == v).all() for k, v in model.state_dict().items())
    assert train.evaluate(model, X, y, BCE, accuracy).keys() == {"loss", "accuracy"}


def test_labels_become_a_column_beside_one_output_and_stay_whole_beside_many():
    for out, loss in ((1, BCE), (2, F.cross_entropy)):
        X, y = data.moons(20, rng=0)
        model = MLP(2, 4, out, rng=0)
        fit(model, X, y, loss, Adam(model.parameters()), epochs=1, metric=accuracy)


def test_one_example_and_one_parameter_are_enough():
    line = Linear(1, 1, bias=False, rng=0)
    fit(line, [[1.0]], [1], BCE, SGD(line.parameters(), lr=1.0), epochs=100)
    assert line.weight.data > 2


def test_nothing_grows_with_the_number_of_steps():
    model, X, y, opt = setup(n=10)
    steps = fit_steps(model, X, y, BCE, opt)
    for _ in range(20):
        next(steps)
    gc.collect()
    count = len(gc.get_objects())
    for _ in range(200):
        next(steps)
    assert gc.collect() == 0  # no cycles: a step is freed as soon as it is over
    assert len(gc.get_objects()) <= count + 5


# What a step may be ---------------------------------------------------------------------------------------------------
def test_the_l2_penalty_is_weight_decay_and_the_loss_is_recorded_without_it():
    X, y = data.moons(60, rng=0)
    decayed, priced = (MLP(2, 8, 1, dtype=np.float64, rng=0) for _ in range(2))
    split = [{"params": [layer.weight for layer in decayed.layers], "weight_decay": 0.1},
             {"params": [layer.bias for layer in decayed.layers]}]
    start = sum((layer.weight.data ** 2).sum() for layer in priced.layers) / 2 * 0.1
    plain = fit(decayed, X, y, BCE, SGD(split, lr=0.5), epochs=20)
    history = fit(priced, X, y, BCE, SGD(priced.parameters(), lr=0.5), epochs=20, penalty=l2(0.1))
    np.testing.assert_allclose(weights(priced), weights(decayed), rtol=1e-9)
    np.testing.assert_allclose(history["loss"], plain["loss"], rtol=1e-12)
    assert history["penalty"][0] == pytest.approx(start)
    assert history.keys() == {"loss", "penalty"}


def test_a_penalty_that_returns_a_number_by_mistake_is_told():
    model, X, y, opt = setup()
    before = weights(model)
    with pytest.raises(TypeError, match=r"a penalty is a function model -> Tensor of one number; .* returned 0\.5"):
        fit(model, X, y, BCE, opt, epochs=1, penalty=lambda model: 0.5)
    np.testing.assert_array_equal(weights(model), before)


def test_every_batch_is_augmented_anew_and_validation_never():
    model = Linear(1, 1, rng=0)
    X, y, seen, looked_at = np.arange(6.0).reshape(6, 1), np.zeros((6, 1)), [], []
    model.forward = lambda x, forward=model.forward: looked_at.append(np.array(x)) or forward(x)

    def times_ten(batch):
        seen.append(batch.copy())
        return batch.astype(np.float64) * 10

    fit(model, X, y, F.mse_loss, SGD(model.parameters(), lr=1e-4), epochs=2, batch_size=4, augment=times_ten,
        validation=(X, y), rng=0)
    assert [len(batch) for batch in seen] == [4, 2, 4, 2]
    np.testing.assert_array_equal(np.sort(np.concatenate(seen[:2]), 0), X)
    assert [x.max() for x in looked_at[2::3]] == [5, 5]  # validation
    np.testing.assert_array_equal(looked_at[0], seen[0] * 10)
    assert looked_at[0].dtype == np.float32


def test_an_augmentation_that_changes_the_shape_is_told():
    model, X, y, opt = setup()
    with pytest.raises(ValueError, match=r"augment must keep the shape of a batch, \(60, 2\); .* returned \(30, 2\)"):
        fit(model, X, y, BCE, opt, epochs=1, augment=lambda X: X[::2])


def test_clipping_bounds_the_length_of_a_step():
    lengths = []
    for clip_norm in (None, 0.25):
        model, X, y, opt = Linear(1, 1, rng=0), [[0.0], [100.0]], [[0.0], [1.0]], None
        opt = SGD(model.parameters(), lr=1.0)
        before = weights(model)
        fit(model, X, y, F.mse_loss, opt, epochs=1, clip_norm=clip_norm)
        lengths.append(np.linalg.norm(weights(model) - before))
    assert lengths[0] > 1000
    assert lengths[1] == pytest.approx(0.25, rel=1e-5)


def test_a_gradient_that_cannot_be_clipped_stops_training_before_it_does_harm():
    model = Linear(1, 1, rng=0)
    model.bias.data, model.weight.data = [0.0], [[1e-30]]
    before = weights(model)
    with pytest.raises(TrainingDiverged, match=r"at step 1 the gradient of Linear\(1 -> 1\).weight holds") as caught:
        fit(model, [[3e38], [2e38]], [[0.0], [5e8]], F.mse_loss, SGD(model.parameters(), lr=1), epochs=1, clip_norm=1)
    assert (caught.value.step, caught.value.layer) == (1, None)
    np.testing.assert_array_equal(weights(model), before)


def test_a_part_frozen_in_eval_mode_stays_so_and_the_rest_trains_again_after_a_look():
    X, y = data.moons(20, rng=0)
    model = nn.Sequential(nn.Linear(2, 8), nn.Dropout(0.5), nn.Linear(8, 1), nn.Dropout(0.5))
    steps = fit_steps(model, X, y, BCE, SGD(model.parameters(), lr=0.1), validation=(X, y))
    next(steps)
    model.layers[1].eval()
    next(steps)
    assert [layer.training for layer in model.layers] == [True, False, True, True]
    model.eval()
    next(steps)
    assert [layer.training for layer in model.layers] == [True] * 4


# Interruption --------------------------------------------------------------------------------------------------------
@pytest.fixture
def ctrl_c():
    """Python's usual answer to Ctrl-C, which a test run in the background would not have."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    assert signal.signal(signal.SIGINT, before) is signal.default_int_handler  # fit has put it back


class Interrupted(SGD):
    """Ctrl-C is pressed in the middle of the 7th step's update, `presses` times."""

    presses, calls = 1, 0

    def update(self, *args, **options):
        self.calls += 1
        for _ in range(self.presses * (self.calls == 7)):
            signal.raise_signal(signal.SIGINT)
        super().update(*args, **options)


@pytest.mark.parametrize(("batch_size", "epochs_done"), [(None, 7), (20, 2)])
def test_ctrl_c_lets_the_step_end_and_returns_what_was_learned(ctrl_c, batch_size, epochs_done):
    model, X, y, _ = setup()
    twin = copy.deepcopy(model)
    seen = []
    history = fit(model, X, y, BCE, Interrupted(model.parameters(), lr=0.5), epochs=100, batch_size=batch_size, rng=0,
                  callbacks=[seen.append])
    assert history.interrupted
    assert "interrupted" in repr(history)
    assert len(history["loss"]) == len(seen) == epochs_done
    steps = fit_steps(twin, X, y, BCE, SGD(twin.parameters(), lr=0.5), batch_size=batch_size, rng=0)
    for _ in range(7):
        next(steps)
    np.testing.assert_array_equal(weights(model), weights(twin))
    assert not fit(model, X, y, BCE, SGD(model.parameters()), epochs=1).interrupted


def test_a_second_ctrl_c_breaks_the_step_off(ctrl_c):
    model, X, y, _ = setup()
    opt = Interrupted(model.parameters(), lr=0.5)
    opt.presses = 2
    history = fit(model, X, y, BCE, opt, epochs=100)
    assert history.interrupted
    assert len(history["loss"]) == 6


def test_after_an_error_ctrl_c_is_what_it_was(ctrl_c):
    model, X, y, opt = setup()
    with pytest.raises(TypeError, match="a callback returns"):
        fit(model, X, y, BCE, opt, epochs=3, callbacks=[lambda step: "yes"])


def test_an_interrupt_raised_by_the_model_itself_ends_training_too():
    model, X, y, opt = setup()
    calls = []

    def forward(x, forward=model.forward):
        calls.append(x)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return forward(x)

    model.forward = forward
    history = fit(model, X, y, BCE, opt, epochs=100)
    assert history.interrupted
    assert len(history["loss"]) == 3


def test_an_application_with_its_own_ctrl_c_keeps_it_and_other_threads_train_as_well():
    model, X, y, opt = setup()
    pressed, lengths = [], []
    before = signal.signal(signal.SIGINT, lambda *event: pressed.append(event))
    try:
        press_once = lambda step: signal.raise_signal(signal.SIGINT) if step.epoch == 1 else None
        assert len(fit(model, X, y, BCE, opt, epochs=4, callbacks=[press_once])["loss"]) == 4
    finally:
        signal.signal(signal.SIGINT, before)
    assert len(pressed) == 1
    thread = threading.Thread(target=lambda: lengths.append(len(fit(model, X, y, BCE, opt, epochs=2)["loss"])))
    thread.start()
    thread.join()
    assert lengths == [2]


# Step by step --------------------------------------------------------------------------------------------------------
def test_fit_steps_is_the_same_loop_one_step_at_a_time():
    model, X, y, opt = setup()
    twin = copy.deepcopy(model)
    steps = list(fit_steps(model, X, y, BCE, opt, epochs=3, batch_size=25, rng=0, metric=accuracy))
    assert [(s.epoch, s.step, s.ends_epoch) for s in steps] == [
        (0, 1, False), (0, 2, False), (0, 3, True), (1, 4, False), (1, 5, False), (1, 6, True), (2, 7, False),
        (2, 8, False), (2, 9, True)]
    assert steps[-1].history == fit(twin, X, y, BCE, Adam(twin.parameters(), lr=0.1), epochs=3, batch_size=25, rng=0,
                                    metric=accuracy)


def test_the_rate_can_be_changed_between_steps():
    model, X, y, opt = setup()
    steps = fit_steps(model, X, y, BCE, opt)
    next(steps)
    opt.lr = 0
    before = model.state_dict()
    next(steps)
    assert all((before[k] == v).all() for k, v in model.state_dict().items())


def test_fit_needs_an_end():
    model, X, y, opt = setup()
    with pytest.raises(ValueError, match="fit needs a number of epochs"):
        fit(model, X, y, BCE, opt, epochs=None)


# Callbacks -----------------------------------------------------------------------------------------------------------
def test_callbacks_see_every_epoch_and_may_stop():
    model, X, y, opt = setup()
    seen, also = [], []

    def stop_after_three(step):
        seen.append((step.epoch, step.epochs, len(step.history["loss"])))
        return step.epoch == 2

    history = fit(model, X, y, BCE, opt, epochs=10, callbacks=[stop_after_three, also.append])
    assert seen == [(0, 10, 1), (1, 10, 2), (2, 10, 3)]
    assert len(history["loss"]) == len(also) == 3


def test_a_callback_that_is_a_context_is_left_even_after_an_error():
    class Bar:
        log = ()

        def __enter__(self):
            self.log += ("open",)

        def __exit__(self, *error):
            self.log += ("close",)

        def __call__(self, step):
            raise KeyboardInterrupt

    bar = Bar()
    model, X, y, opt = setup()
    with pytest.raises(KeyboardInterrupt):
        fit(model, X, y, BCE, opt, epochs=3, callbacks=[bar])
    assert bar.log == ("open", "close")


def test_a_callback_may_ask_for_every_step():
    class Each:
        every_step = True

        def __call__(self, step):
            steps.append((step.step, step.ends_epoch, step.model is model))
            return step.step == 5

    steps, epochs = [], []
    model, X, y, opt = setup()
    history = fit(model, X, y, BCE, opt, epochs=10, batch_size=20, callbacks=[epochs.append, Each()])
    assert steps == [(1, False, True), (2, False, True), (3, True, True), (4, False, True), (5, False, True)]
    assert len(epochs) == len(history["loss"]) == 1


def test_a_callback_that_returns_a_number_by_mistake_is_told():
    model, X, y, opt = setup()
    with pytest.raises(TypeError, match=r"a callback returns True to stop.*returned 0\.\d"):
        fit(model, X, y, BCE, opt, epochs=3, callbacks=[lambda step: step.loss])


# Bad data ------------------------------------------------------------------------------------------------------------
def spoilt(X):
    X = X.copy()
    X[5, 1] = np.nan
    X[7, 0] = np.inf
    return X


@pytest.mark.parametrize(("change", "error", "told"), [
    (lambda X, y: (X[:0], y[:0]), ValueError, r"the data set is empty: X has shape \(0, 2\)"),
    (lambda X, y: (X, y[:-1]), ValueError, r"X holds 60 examples and y has shape \(59,\)"),
    (lambda X, y: (spoilt(X), y), ValueError, r"X holds 2 values that are nan or infinite, .* at index \(5, 1\)"),
    (lambda X, y: (X, np.where(np.arange(60) == 9, np.nan, y)), ValueError, r"y holds 1 values .* index \(9,\)"),
    (lambda X, y: (X, y * 0), ValueError, "y holds one class only, 0"),
    (lambda X, y: (X, y * 2), ValueError, "labels from 0 to 1; y goes from 0 to 2"),
    (lambda X, y: (X, y * 2 - 1), ValueError, "labels from 0 to 1; y goes from -1 to 1"),
    (lambda X, y: (X, np.array(["a", "b"] * 30)), TypeError, "y must hold numbers; got <U1"),
    (lambda X, y: (X[:, :1], y), ValueError, r"^Linear\(2 -> 8, tanh\) got x of shape \(60, 1\)"),
])
def test_bad_data_is_described_before_anything_is_trained(change, error, told):
    model, X, y, opt = setup()
    before = model.state_dict()
    with pytest.raises(error, match=told):
        fit(model, *change(X, y), BCE, opt, epochs=1)
    assert all((before[k] == v).all() for k, v in model.state_dict().items())


def test_labels_that_are_no_integers():
    X, y = data.moons(20, rng=0)
    model = MLP(2, 2, rng=0)
    with pytest.raises(TypeError, match=r"cross_entropy needs whole-number labels .*; y is float64"):
        fit(model, X, y.astype(float), F.cross_entropy, SGD(model.parameters(), lr=1), epochs=1)


def test_bad_validation_data_is_called_validation():
    model, X, y, opt = setup()
    with pytest.raises(ValueError, match="the validation data set is empty"):
        fit(model, X, y, BCE, opt, epochs=1, validation=(X[:0], y[:0]))


@pytest.mark.parametrize("batch_size", [0, -1, 61, 2.5])
def test_a_batch_size_that_cannot_be(batch_size):
    model, X, y, opt = setup()
    with pytest.raises(ValueError, match=f"a whole number from 1 to 60, the number of examples; got {batch_size}"):
        fit(model, X, y, BCE, opt, epochs=1, batch_size=batch_size)


@pytest.mark.parametrize("epochs", [0, -1, 1.5])
def test_a_number_of_epochs_that_cannot_be(epochs):
    model, X, y, opt = setup()
    with pytest.raises(ValueError, match="epochs is a whole number of at least 1"):
        fit(model, X, y, BCE, opt, epochs=epochs)


def test_a_layer_the_optimizer_does_not_know_is_named():
    model, X, y, opt = setup()
    model.layers.append(Linear(1, 1))
    with pytest.raises(ValueError, match=r"does not train layers\.2\.weight, layers\.2\.bias: make it anew"):
        fit(model, X, y, BCE, opt, epochs=1)
    for p in model.layers[2].parameters():
        p.requires_grad = False
    fit(model, X, y, BCE, opt, epochs=1)


# Divergence ----------------------------------------------------------------------------------------------------------
def test_an_exploding_rate_is_reported_with_step_layer_and_advice():
    X, y = np.linspace(-3, 3, 20).reshape(-1, 1), np.linspace(-9, 9, 20).reshape(-1, 1)
    model = MLP(1, 8, 8, 1, activation="relu", rng=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(TrainingDiverged) as caught:
            fit(model, X, y, F.mse_loss, SGD(model.parameters(), lr=100), epochs=500)
    error = caught.value
    assert isinstance(error, FloatingPointError)
    assert error.step > 1
    assert error.layer in {"layers.0", "layers.1", "layers.2"}
    assert f"at step {error.step}; the first to turn nan or infinite was {error.layer}, a Linear(" in str(error)
    assert "The learning rate is 100: try 10." in str(error)


def test_the_layer_named_is_the_first_that_went_wrong():
    model, X, y, opt = setup()
    model.layers[1].weight.data = np.full((8, 1), np.nan)
    with pytest.raises(TrainingDiverged, match=r"was layers\.1, a Linear") as caught:
        fit(model, X, y, BCE, opt, epochs=1)
    assert (caught.value.layer, caught.value.step) == ("layers.1", 1)


def test_a_loss_that_overflows_by_itself_is_named_too():
    model = Linear(1, 1, rng=0)
    model.weight.data = [[1e30]]
    with pytest.raises(TrainingDiverged, match="was the loss itself") as caught:
        fit(model, [[1.0], [2.0]], [[0.0], [1.0]], F.mse_loss, SGD(model.parameters(), lr=1), epochs=1)
    assert caught.value.layer is None
