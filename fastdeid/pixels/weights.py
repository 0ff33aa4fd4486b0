"""The weights of an ONNX file: its initialisers, read without the package onnx.

An ONNX file is one message of Protocol Buffers: field 7 of a ModelProto is its graph, field 5 of a
GraphProto an initialiser, and of a TensorProto field 1 holds the shape, 2 the type of its values,
8 the name, 9 the values.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

_GRAPH, _INITIALISER = 7, 5
_SHAPE, _TYPE, _NAME, _VALUES = 1, 2, 8, 9
_TYPES = {1: "<f4", 10: "<f2"}
_VARINT, _BYTES = 0, 2


def _varint(message: bytes, at: int) -> tuple[int, int]:
    """Return a number of seven bits a byte, least first, and where it ends."""
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield the fields of a message, in order: number, and a number or bytes."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        value, at = _varint(message, at)
        if key & 7 == _VARINT:
            yield key >> 3, value
        elif key & 7 == _BYTES:
            yield key >> 3, message[at : at + value]
            at += value
        else:
            raise ValueError("a field of another type")


def _parts(message: bytes, number: int) -> list[bytes]:
    return [value for field, value in _fields(message) if field == number and type(value) is bytes]


def _shape(tensor: bytes) -> list[int]:
    """Return the shape: numbers each in a field of their own, or packed."""
    shape: list[int] = []
    for field, value in _fields(tensor):
        if field != _SHAPE:
            continue
        if isinstance(value, int):
            shape.append(value)
            continue
        at = 0
        while at < len(value):
            size, at = _varint(value, at)
            shape.append(size)
    return shape


def read_weights(coded: bytes) -> dict[str, npt.NDArray[np.float32]]:
    """Return the initialisers of a model by name; their values are float32 or float16, raw."""
    (graph,) = _parts(coded, _GRAPH)
    weights = {}
    for tensor in _parts(graph, _INITIALISER):
        (name,), (values,) = _parts(tensor, _NAME), _parts(tensor, _VALUES)
        (kind,) = [value for field, value in _fields(tensor) if field == _TYPE]
        found = np.frombuffer(values, _TYPES[int(kind)]).reshape(_shape(tensor))
        weights[name.decode()] = found.astype(np.float32)
    return weights
