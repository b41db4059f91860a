"""`fit` as a whole against PyTorch's loop written by hand: 200 steps from the same weights, all switched on."""

import numpy as np
import pytest

import nnlab
from nnlab import functional as F
from nnlab import optim
from nnlab.regularize import l1, l2
from tests.needs import needs

torch = needs("torch")
from tests.oracle.test_optim_torch import compare, twins  # noqa: E402

pytestmark = pytest.mark.oracle
T, S = torch.nn.functional, torch.optim.lr_scheduler
X, y = nnlab.data.digits("train")
X, y = X[:330].astype(float), y[:330]  # 11 batches of 30 an epoch


RECIPES = {
    "momentum, step schedule": (
        lambda p: optim.SGD(p, lr=0.1, momentum=0.9), lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9),
        lambda s, opt, **each: s.StepLR(opt, 70, gamma=0.3, **each), None, None, None),
    "Adam, L2 penalty": (
        lambda p: optim.Adam(p, lr=3e-3), lambda p: torch.optim.Adam(p, lr=3e-3), None, l2(1e-2),
        lambda w: 1e-2 * (w ** 2).sum() / 2, None),
    "RMSprop, L1 penalty, clipping": (
        lambda p: optim.RMSprop(p, lr=2e-3), lambda p: torch.optim.RMSprop(p, lr=2e-3), None, l1(1e-3),
        lambda w: 1e-3 * w.abs().sum(), 0.5),
    "AdamW, clipping, warm-up and cosine": (
        lambda p: optim.AdamW(p, lr=1e-2, weight_decay=0.1), lambda p: torch.optim.AdamW(p, lr=1e-2, weight_decay=0.1),
        lambda s, opt, **each: s.SequentialLR(
            opt, [s.LinearLR(opt, 0.1, total_iters=20), s.CosineAnnealingLR(opt, 180)], milestones=[20], **each),
        None, None, 0.8),
}


@pytest.mark.parametrize("activation", ["tanh", "relu"])
@pytest.mark.parametrize("name", RECIPES)
def test_two_hundred_steps_of_minibatches(name, activation):
    make_ours, make_theirs, schedule, penalty, price, clip_norm = RECIPES[name]
    ours, theirs = twins(64, 16, 12, 10, activation=activation)
    opt, peer = make_ours(ours.parameters()), make_theirs(theirs.parameters())
    callbacks = [schedule(optim, opt, every_step=True)] if schedule else []
    epochs = 19  # 209 steps
    history = nnlab.fit(ours, X, y, F.cross_entropy, opt, epochs=epochs, batch_size=30, penalty=penalty, rng=5,
                        clip_norm=clip_norm, callbacks=callbacks, validation=(X[:50], y[:50]))
    scheduler = schedule(S, peer) if schedule else None
    loader, losses = nnlab.DataLoader(X, y, batch_size=30, rng=5), []
    for _ in range(epochs):
        for a, b in loader:
            peer.zero_grad()
            loss = T.cross_entropy(theirs(torch.tensor(a)), torch.tensor(b))
            losses.append(loss.item())
            if price:
                loss = loss + sum(price(p) for name, p in theirs.named_parameters() if "weight" in name)
            loss.backward()
            if clip_norm:
                torch.nn.utils.clip_grad_norm_(theirs.parameters(), clip_norm)
            peer.step()
            if scheduler:
                scheduler.step()
    np.testing.assert_allclose(history["loss"], np.mean(np.reshape(losses, (epochs, -1)), 1), rtol=1e-9)
    assert history["val_loss"][-1] < 1
    compare(ours, theirs)
