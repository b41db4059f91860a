"""A saved model comes back bit by bit; a file that is wrong in any way is named, and changes nothing."""

import io
import os
import pickle
import sys
import threading

import numpy as np
import pytest

from nnlab import MLP, BatchNorm1d, Embedding, Linear, Sequential, TransformerBlock


def model(seed=0, **options):
    return Sequential(Linear(3, 4, rng=seed, **options), BatchNorm1d(4, **options))


def same(a, b):
    return a.keys() == b.keys() and all((a[k] == b[k]).all() and a[k].dtype == b[k].dtype for k in a)


@pytest.fixture
def saved(tmp_path):
    """A model that has seen data, and its file."""
    first = model(0)
    first(np.random.default_rng(0).standard_normal((9, 3)))
    first.save(tmp_path / "first.npz")
    return first, tmp_path / "first.npz"


@pytest.mark.parametrize("make", [
    lambda seed: MLP(2, 3, 1, rng=seed), lambda seed: TransformerBlock(4, 2, rng=seed), model,
    lambda seed: Embedding(5, 2, dtype=np.float64, rng=seed),
])
@pytest.mark.parametrize("name", ["model.npz", "kurs für žofie", "model.tar"])
def test_a_saved_model_comes_back_bit_by_bit(tmp_path, make, name):
    one, other = make(0), make(1)
    one.save(tmp_path / name)
    assert other.load(str(tmp_path / name)) is other
    assert same(one.state_dict(), other.state_dict())
    assert os.listdir(tmp_path) == [name]


def test_buffers_come_back_too(saved):
    first, path = saved
    assert first.layers[1].running_mean.data.any()
    assert (model(1).load(path).layers[1].running_mean.data == first.layers[1].running_mean.data).all()


def test_the_file_is_an_archive_of_plain_arrays(saved):
    first, path = saved
    with np.load(path, allow_pickle=False) as file:
        assert same(dict(file), first.state_dict())


def test_a_file_of_the_other_precision_is_converted(saved):
    first, path = saved
    wide = model(1, dtype=np.float64).load(path)
    assert wide.layers[0].weight.dtype == np.float64
    assert (wide.layers[0].weight.data == first.layers[0].weight.data).all()


def refuses(path, error, told):
    """`load` raises, names the file, and changes nothing."""
    untouched = model(7)
    before = untouched.state_dict()
    with pytest.raises(error, match=told) as caught:
        untouched.load(path)
    assert str(path) in str(caught.value)
    assert same(before, untouched.state_dict())


@pytest.mark.parametrize("share", [0.0, 0.01, 0.1, 0.5, 0.9, 0.99])
def test_a_truncated_file(saved, share):
    _, path = saved
    whole = path.read_bytes()
    path.write_bytes(whole[:int(share * len(whole))])
    refuses(path, ValueError, "no npz file of saved parameters, or not all of one")


def test_a_file_with_a_wrong_byte(saved):
    first, path = saved
    whole = bytearray(path.read_bytes())
    whole[whole.index(first.layers[0].weight.data.tobytes()) + 5] ^= 1
    path.write_bytes(whole)
    refuses(path, ValueError, "not all of one .*CRC")


class Harmful:
    def __reduce__(self):
        return sys.exit, ("a pickle was executed",)


@pytest.mark.parametrize("content", ["text", "pickle", "npy", "objects"])
def test_a_foreign_file(tmp_path, content):
    path, buffer = tmp_path / "foreign.npz", io.BytesIO()
    if content == "npy":
        np.save(buffer, np.ones(3))
    elif content == "objects":
        np.savez(buffer, **{"layers.0.weight": np.array([Harmful()], object)})
    path.write_bytes({"text": b"weights: 3", "pickle": pickle.dumps(Harmful())}.get(content) or buffer.getvalue())
    refuses(path, ValueError, "no npz file of saved parameters")


def test_a_file_of_another_model(saved, tmp_path):
    MLP(3, 4, rng=0).save(tmp_path / "other.npz")
    refuses(tmp_path / "other.npz", ValueError,
            r"does not fit Sequential\(Linear\(3 -> 4\), BatchNorm1d\(4\)\), which is as it was: .*missing.*_mean")
    wide = Sequential(Linear(3, 5), BatchNorm1d(5))
    wide.save(tmp_path / "wide.npz")
    refuses(tmp_path / "wide.npz", ValueError, r"layers.0.weight has shape \(3, 4\); got float32 of shape \(3, 5\)")


def test_numbers_too_large_for_the_model_change_nothing(saved, tmp_path):
    big = model(0, dtype=np.float64)
    big.layers[1].running_var.data = np.full(4, 1e300)  # the last one: all others would have been copied by then
    big.save(tmp_path / "big.npz")
    untouched = model(7)
    before = untouched.state_dict()
    with pytest.raises(RuntimeWarning, match="overflow"):
        untouched.load(tmp_path / "big.npz")
    assert same(before, untouched.state_dict())


def test_no_file_and_no_folder(tmp_path):
    refuses(tmp_path / "none.npz", FileNotFoundError, "No such file")
    with pytest.raises(FileNotFoundError, match="No such file"):
        model().save(tmp_path / "no folder" / "model.npz")


def test_a_failure_while_saving_keeps_the_old_file_and_leaves_nothing_behind(saved, monkeypatch):
    first, path = saved
    before = path.read_bytes()

    def disk_full(file, **arrays):
        file.write(b"half")
        raise OSError("no space left on device")

    monkeypatch.setattr(np, "savez", disk_full)
    with pytest.raises(OSError, match="no space left"):
        model(1).save(path)
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]
    assert same(model(2).load(path).state_dict(), first.state_dict())


def test_two_threads_that_save_to_one_file_leave_one_whole_model(tmp_path):
    path, models = tmp_path / "shared.npz", [MLP(30, 30, rng=seed) for seed in range(4)]
    threads = [threading.Thread(target=lambda m=m: [m.save(path) for _ in range(5)]) for m in models]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = MLP(30, 30).load(path).state_dict()
    assert any(same(found, m.state_dict()) for m in models)
    assert os.listdir(tmp_path) == ["shared.npz"]
