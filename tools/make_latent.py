"""Makes course/labs/autoencoders/latent.npz: the autoencoder of lab 7c, whose code of two numbers is a map of digits.

    python tools/make_latent.py

It takes about 15 seconds, too long for a lesson, and a lesson that speaks of places on the map needs the same map on
every machine; so its weights are stored (float16, 18 kB). tests/labs/test_autoencoders.py makes them again.
"""

import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import nnlab  # noqa: E402
from nnlab.functional import mse_loss  # noqa: E402

TARGET = ROOT / "course" / "labs" / "autoencoders" / "latent.npz"
SIZES, NOISE = (64, 48, 24, 2), 0.15


def learn(epochs=1000, seed=0):
    """A denoising autoencoder of the training digits, its codes shifted and scaled to mean 0 and deviation 1."""
    X, _ = nnlab.data.digits("train")
    model = nnlab.Autoencoder(*SIZES, activation="tanh", noise=NOISE, rng=seed)
    adam = nnlab.Adam(model.parameters(), lr=0.005)
    rate = nnlab.optim.CosineAnnealingLR(adam, epochs * 17)
    for _ in nnlab.fit_steps(model, X, X, mse_loss, adam, epochs=epochs, batch_size=64, rng=seed):
        rate.step()
    codes = nnlab.predict(model.encoder, X)
    mean, sd = codes.mean(0), codes.std(0)
    last, first = model.encoder.layers[-1], model.decoder.layers[0]
    last.weight.data, last.bias.data = last.weight.data / sd, (last.bias.data - mean) / sd
    first.bias.data = first.bias.data + mean @ first.weight.data  # the decoder takes the new codes back by itself
    first.weight.data = sd[:, None] * first.weight.data
    return model.eval()


if __name__ == "__main__":
    weights = {name: p.data.astype(np.float16) for name, p in learn().named_parameters()}
    np.savez_compressed(TARGET, **weights)
    print(f"{TARGET}: {TARGET.stat().st_size:,} bytes")
