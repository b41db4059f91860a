"""Trains the networks whose weights lesson 9 begins with: `python tools/make_weights.py [NAME ...]`.

Each takes some twenty to forty seconds on one core. Another processor makes slightly other weights that are as good:
"vector", made again on one, got 0.794 of the dates right, the stored one 0.798. So tests/lessons/test_09_attention.py
asks what the stored ones can do, that they began as this script begins, and that it makes such. Whoever stores new ones
also renews STORED in course/labs/attention/translate.py.
"""

import argparse
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

import numpy as np

from course.labs.attention.trained import FOLDER, MAKERS


def make(name, steps=None):
    """Train the network called `name` from seed 0. -> (the model, its last loss)"""
    make_model, learn, usual = MAKERS[name]
    rng = np.random.default_rng(0)
    model = make_model(rng)
    *_, (_, loss) = learn(model, steps or usual, rng)
    return model, loss


def store(name, model):
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / f"{name}.npz"
    np.savez_compressed(path, **{key: value.astype(np.float16) for key, value in model.state_dict().items()})
    return path


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*MAKERS, []], default=list(MAKERS))
    for name in parser.parse_args().names or MAKERS:
        model, loss = make(name)
        path = store(name, model)
        print(f"{path}: {path.stat().st_size:,} bytes, last loss {loss:.3f}", flush=True)
