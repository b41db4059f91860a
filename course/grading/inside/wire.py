"""What crosses between the judge and a student's process: frames of strict JSON, values of a few known kinds.

The other end may be hostile. So a frame has a largest size before it is read, an array is checked against the bytes
that came before it is made, and there is nothing here that could run code: no pickle, no npy header, no object.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
import struct
from typing import Any

import numpy as np

DTYPES = {"f4": np.float32, "f8": np.float64, "i8": np.int64, "b1": np.bool_}
DEPTH = 40  # levels of JSON; a value may be nested a third of that
_NESTING = 12
# A text without an end is taken whole: looking for one behind every quote in it would take hours.
_BRACKETS = re.compile(rb'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)
_HEADER = struct.Struct(">I")


class Forged(BaseException):  # no Exception: no check may take it for an error of the student's function
    """What came is no answer that the other half of the judge would give: somebody else wrote it."""


class TooLarge(Exception):
    """An answer holds more numbers, or letters, than the exercise allows."""


class Opaque:
    """Stands for something that cannot cross, a function or an object; its class has the name of what it was."""


def frame(message: Any) -> bytes:
    """A message as it goes over the line: its length, then JSON."""
    data = json.dumps(message, separators=(",", ":"), allow_nan=False).encode("ascii")
    return _HEADER.pack(len(data)) + data


def length(header: bytes, most: int) -> int:
    """How many bytes a frame announces; Forged if more than `most`."""
    (size,) = _HEADER.unpack(header)
    if size > most:
        raise Forged(f"an answer of {size:,} bytes was announced; at most {most:,} are taken")
    return size


HEADER = _HEADER.size


def loads(data: bytes) -> Any:
    """JSON, strictly: no key twice, no float (they travel as text), no long number, no deep nesting."""
    depth = deepest = 0
    for bracket in _BRACKETS.findall(data):
        depth += {b"[": 1, b"{": 1, b"]": -1, b"}": -1}.get(bracket, 0)
        deepest = max(deepest, depth)
    if deepest > DEPTH:
        raise Forged(f"an answer nested {deepest} levels deep")
    try:
        return json.loads(data.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_float,
                          parse_float=_no_float, parse_int=_short)
    except (ValueError, RecursionError) as problem:
        raise Forged(f"an answer that is not JSON: {problem}") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Forged("an answer with a key twice")
    return found


def _no_float(text: str) -> float:
    raise Forged(f"an answer with the bare number {text[:20]}")


def _short(text: str) -> int:
    if len(text) > 20:
        raise Forged(f"an answer with a number of {len(text):,} digits")
    return int(text)


# ---------------------------------------------------------------- values


def encode(value: Any, most: int) -> Any:
    """`value` as JSON; what is of no known kind becomes its type's name. TooLarge if it holds over `most` numbers."""
    return _Encoder(most).encode(value, 0)


class _Encoder:
    def __init__(self, most: int):
        self.most, self.left = most, most

    def count(self, n: int) -> None:
        self.left -= n
        if self.left < 0:
            raise TooLarge(f"it holds more than {self.most:,} numbers or letters")

    def encode(self, value: Any, depth: int) -> Any:
        self.count(1)
        if value is None or value is ... or isinstance(value, bool):
            return None if value is ... else value  # the dots of a frame: nothing was written
        if depth > _NESTING:
            return {"x": "nest of lists"}
        if isinstance(value, str):  # NumPy's own too, from an array of names
            self.count(len(value))
            return str(value)
        if isinstance(value, np.ndarray | np.generic):
            return self.array(np.asarray(value), "n" if isinstance(value, np.generic) else "a")
        if isinstance(value, int):
            return int(value) if abs(value) < 2**63 else {"x": "int that is too large"}
        if isinstance(value, float):
            return {"f": float(value).hex()}
        if isinstance(value, list | range):
            return [self.encode(part, depth + 1) for part in value]
        if isinstance(value, tuple):
            return {"t": [self.encode(part, depth + 1) for part in value]}
        if isinstance(value, dict) and all(isinstance(key, str) and len(key) < 200 for key in value):
            return {"d": {str(key): self.encode(part, depth + 1) for key, part in value.items()}}
        if isinstance(value, np.random.Generator):
            return {"g": json.dumps(value.bit_generator.state)}
        return {"x": type(value).__name__[:40]}

    def array(self, array: np.ndarray, kind: str) -> Any:
        if array.dtype.kind not in "biuf":
            return {"x": "ndarray"}
        name = array.dtype.str[1:]
        if name not in DTYPES:
            name = "f8" if array.dtype.kind == "f" or array.dtype == np.uint64 else "i8"
        self.count(math.prod(max(n, 1) for n in array.shape))
        packed = np.ascontiguousarray(array, np.dtype(DTYPES[name]).newbyteorder("<"))
        return {kind: name, "s": list(array.shape), "b": base64.b64encode(packed.tobytes()).decode("ascii")}


def decode(tree: Any, most: int, generators: bool = False) -> Any:
    """The value that `encode` made into `tree`; Forged if it did not. Only the student's side takes generators."""
    return _Decoder(most, generators).decode(tree)


class _Decoder:
    def __init__(self, most: int, generators: bool):
        self.left = most
        self._readers = {"f": self._f, "t": self._t, "d": self._d, "x": self._x}
        if generators:
            self._readers["g"] = generator

    def take(self, count: int) -> None:
        self.left -= count
        if self.left < 0:
            raise Forged("an answer with more numbers than are allowed")

    def decode(self, tree: Any) -> Any:
        self.take(1)
        if isinstance(tree, str):  # each letter counts: NumPy makes all texts of a list as long as the longest
            self.take(len(tree))
        if tree is None or isinstance(tree, bool | int | str):
            return tree
        if isinstance(tree, list):
            return [self.decode(part) for part in tree]
        kind = next(iter(tree)) if isinstance(tree, dict) and tree else ""
        if len(tree) == 1 and kind in self._readers:
            return self._readers[kind](tree[kind])
        if kind in ("a", "n") and list(tree) == [kind, "s", "b"]:
            return self.array(*tree.values(), scalar=kind == "n")
        raise Forged("an answer with a value of no known kind")

    def _f(self, text: Any) -> float:
        try:
            return float.fromhex(text)
        except (TypeError, ValueError, OverflowError):
            raise Forged("an answer with a number that is none") from None

    def _t(self, parts: Any) -> tuple:
        if not isinstance(parts, list):
            raise Forged("an answer with a tuple that is none")
        return tuple(self.decode(part) for part in parts)

    def _d(self, parts: Any) -> dict:
        if not isinstance(parts, dict):
            raise Forged("an answer with a dict that is none")
        return {key: self.decode(part) for key, part in parts.items()}

    def _x(self, name: Any) -> Opaque:
        if not isinstance(name, str) or len(name) > 40:
            raise Forged("an answer with a nameless thing")
        return type("".join(c for c in name if c.isalnum() or c in " _") or "object", (Opaque,), {})()

    def array(self, name: Any, shape: Any, data: Any, scalar: bool) -> Any:
        if not (isinstance(name, str) and name in DTYPES and isinstance(shape, list) and isinstance(data, str)):
            raise Forged("an answer with an array of no known kind")
        if len(shape) > 8 or not all(type(n) is int and 0 <= n < 2**31 for n in shape):
            raise Forged("an answer with an array of an impossible shape")
        try:
            raw = base64.b64decode(data, validate=True)
        except (binascii.Error, ValueError):
            raise Forged("an answer with an array of garbled bytes") from None
        dtype = np.dtype(DTYPES[name]).newbyteorder("<")
        size = math.prod(shape)
        if len(raw) != size * dtype.itemsize:
            raise Forged(f"an array of {len(raw):,} bytes whose shape asks for {size * dtype.itemsize:,}")
        if scalar and shape:
            raise Forged("a single number with a shape")
        self.take(math.prod(max(n, 1) for n in shape))  # also of none: a sum over no columns has as many as rows
        if name == "b1" and raw.strip(b"\0\1"):
            raise Forged("an answer with a truth value that is neither")
        array = np.frombuffer(raw, dtype).astype(DTYPES[name]).reshape(shape)
        return array[()] if scalar else array


def generator(text: str) -> np.random.Generator:
    """The generator whose state the judge sent. Only the student's side makes one: the judge takes none back."""
    state = json.loads(text)
    bits = getattr(np.random, state["bit_generator"])()
    bits.state = state
    return np.random.Generator(bits)
