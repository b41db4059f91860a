"""The line between the judge and a student's process: every value comes back as it was, every forgery is refused."""

import base64
import contextlib
import json
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course.grading.inside import wire

MOST = 1000


def there_and_back(value):
    return wire.decode(wire.loads(wire.frame(wire.encode(value, MOST))[wire.HEADER:]), MOST)


def same(a, b):
    if isinstance(a, np.ndarray | np.generic):
        return type(a) is type(b) and a.dtype == b.dtype and a.shape == b.shape and np.array_equal(a, b, equal_nan=True)
    if isinstance(a, list | tuple):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return type(a) is type(b) and a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    return type(a) is type(b) and (a == b or a != a)


PLAIN = st.none() | st.booleans() | st.integers(-2**63 + 1, 2**63 - 1) | st.floats() | st.text(max_size=20)
VALUES = st.recursive(PLAIN, lambda inner: st.lists(inner, max_size=4) | st.lists(inner, max_size=4).map(tuple)
                      | st.dictionaries(st.text(max_size=5), inner, max_size=3), max_leaves=10)


@given(VALUES)
def test_plain_values_come_back_as_they_were(value):
    assert same(there_and_back(value), value)


@pytest.mark.parametrize("dtype", ["f4", "f8", "i8", "b1"])
@pytest.mark.parametrize("shape", [(), (0,), (5, 3), (2, 0, 4)])
def test_arrays_keep_their_dtype_and_shape(dtype, shape):
    array = np.random.default_rng(0).integers(0, 2, shape).astype(dtype)
    assert same(there_and_back(array), array)


def test_arrays_of_other_orders_and_widths_keep_their_values():
    grid = np.arange(15).reshape(5, 3)
    for array, dtype in ((grid.T, "i8"), (grid[::2, ::-1], "i8"), (grid.astype(">f8"), "f8"), (grid.astype("i2"), "i8"),
                         (grid.astype("u8"), "f8"), (grid.astype("f2"), "f8")):
        back = there_and_back(array)
        assert back.dtype == dtype
        assert np.array_equal(back, array)


def test_a_name_out_of_an_array_crosses_as_a_string():
    assert same(there_and_back([np.array(["right", "sum"])[1]]), ["sum"])


def test_nan_and_infinity_and_numpy_scalars_cross():
    assert same(there_and_back([np.float32(0.1), np.int64(-3), np.bool_(True), np.nan, -np.inf, -0.0]),
                [np.float32(0.1), np.int64(-3), np.bool_(True), np.nan, -np.inf, -0.0])


def test_what_cannot_cross_keeps_its_types_name():
    for value, name in ((len, "builtin_function_or_method"), ({1, 2}, "set"), (1j, "complex"), (object(), "object"),
                        (np.array([1j]), "ndarray"), (np.array(["a"]), "ndarray"), ({1: 2}, "dict")):
        back = there_and_back(value)
        assert isinstance(back, wire.Opaque)
        assert type(back).__name__ == name
    assert isinstance(there_and_back(2**63), wire.Opaque)


def test_the_dots_of_a_frame_are_nothing_written():
    assert there_and_back(...) is None


def test_too_many_numbers_are_said_so_and_not_sent():
    for value in (np.zeros((40, 30)), [0] * 1001, [np.zeros(600), np.zeros(600)], "x" * 1000, np.zeros((1001, 0))):
        with pytest.raises(wire.TooLarge, match="more than 1,000"):
            wire.encode(value, MOST)


def test_a_nest_without_end_is_cut():
    nest = []
    nest.append(nest)
    wire.loads(wire.frame(wire.encode(nest, MOST))[wire.HEADER:])


def test_a_generator_goes_to_the_student_and_none_comes_back():
    rng = np.random.default_rng(5)
    rng.normal(size=3)
    tree = wire.encode([rng], MOST)
    assert wire.decode(tree, MOST, generators=True)[0].normal() == rng.normal()
    with pytest.raises(wire.Forged):
        wire.decode(tree, MOST)


@pytest.mark.parametrize("data", [
    b'{"n":1,"n":2}', b'{"a":{"b":1,"b":1}}', b"NaN", b"[Infinity]", b"-Infinity", b"1e999", b"1.0", b"[0.5]",
    b"1" * 5000, b"-" + b"9" * 30, b"[" * 10_000 + b"]" * 10_000, b"[" * 41 + b"]" * 41, b"{", b"", b"\xff", b"1 2",
    b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
])
def test_json_that_is_not_strict_is_refused(data):
    with pytest.raises(wire.Forged):
        wire.loads(data)


def test_a_text_without_an_end_is_refused_at_once():
    """Its quotes are looked at once: 300,000 of them, each the beginning of a text without an end, took hours."""
    began = time.process_time()
    for data in (b'"' + b'\\"' * 300_000, b'"' * 600_001, b'["' + b"\\" * 600_001, b'"\\'):
        with pytest.raises(wire.Forged):
            wire.loads(data)
    assert time.process_time() - began < 5


def test_brackets_in_a_text_are_no_nesting():
    assert wire.loads(json.dumps("[" * 100 + '\\"[[').encode()) == "[" * 100 + '\\"[['


def _array(name="f8", shape=(2,), data=b"\0" * 16, kind="a"):
    return {kind: name, "s": list(shape), "b": base64.b64encode(data).decode()}


@pytest.mark.parametrize("tree", [
    {}, {"y": 1}, {"f": 1}, {"f": "one"}, {"f": "0x1p99999"}, {"t": {}}, {"d": []}, {"x": 5}, {"x": "a" * 41},
    {"f": "0x1p0", "g": 1}, {"_class__": []}, {"decode": []}, {"g": "{}"},
    _array("c8"), _array("O"), _array("f8", (3,)), _array("f8", (2**40,)), _array("f8", (-1,)), _array("f8", (2.0,)),
    _array("f8", (True, 2)), _array("f8", (1,) * 9, b"\0" * 8), _array("b1", (2,), b"\0\2"),
    _array("f8", (2,), kind="n"),
    _array(["f8"]), {"a": "f8", "s": [2], "b": 5}, {"a": "f8", "s": [1], "b": "!!!!"}, {"s": [1], "a": "f8", "b": ""},
])
def test_a_value_that_is_none_is_refused(tree):
    with pytest.raises(wire.Forged):
        wire.decode(tree, MOST)


def test_more_numbers_than_allowed_are_refused_even_where_each_part_is_small():
    for tree in ([_array("f8", (2,))] * 400, [0] * 1001, [[]] * 1001,
                 _array("b1", (0, 2**30), b""),  # no bytes, and a sum over the other axis has 2**30
                 ["x" * 600] + [""] * 500):  # NumPy would make each as long as the longest
        with pytest.raises(wire.Forged):
            wire.decode(tree, MOST)


def test_a_frame_announces_its_size_before_it_is_read():
    assert wire.length(wire.frame([1])[:wire.HEADER], 10) == 3
    with pytest.raises(wire.Forged, match="4,294,967,295"):
        wire.length(b"\xff" * 4, 1 << 20)


@given(st.binary(max_size=200))
def test_no_bytes_at_all_do_more_than_be_refused(data):
    with contextlib.suppress(wire.Forged):
        wire.decode(wire.loads(data), MOST)
