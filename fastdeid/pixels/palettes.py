"""Palette colour lookup tables, PS3.3 C.7.6.3.1.5, C.7.6.3.1.6 and C.7.9.2."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from fastdeid.errors import DicomError

Lut = npt.NDArray[np.uint16]

_DISCRETE, _LINEAR, _INDIRECT = 0, 1, 2
_MOST_ENTRIES: Final = 65536


class Descriptor(NamedTuple):
    """Number of entries, first stored value mapped, bits per entry."""

    n_entries: int
    first: int
    bits: int


def parse_descriptor(value: bytes, *, signed: bool, big_endian: bool = False) -> Descriptor:
    """Read the value of a Palette Color Lookup Table Descriptor; 0 entries mean 65536."""
    if len(value) != 6:
        raise DicomError("palette_descriptor")
    order: Literal["big", "little"] = "big" if big_endian else "little"
    n_entries, bits = (int.from_bytes(value[at : at + 2], order) for at in (0, 4))
    first = int.from_bytes(value[2:4], order, signed=signed)
    return Descriptor(n_entries or _MOST_ENTRIES, first, bits)


def _words(value: bytes, *, big_endian: bool) -> Lut:
    return np.frombuffer(value, ">u2" if big_endian else "<u2").astype(np.uint16)


def read_table(value: bytes, descriptor: Descriptor, *, big_endian: bool = False) -> Lut:
    """Return the entries of one colour, shape (n_entries,), 16 or 8 bits each.

    Entries of 8 bits stand one per byte, or, as many writers have it, one per word.
    """
    n_entries = descriptor.n_entries
    if len(value) in {n_entries, n_entries + 1} and descriptor.bits <= 8:
        words = _words(value + bytes(len(value) % 2), big_endian=big_endian)
        pairs = np.stack([words & 0xFF, words >> 8], 1).reshape(-1)
        return pairs[:n_entries].astype(np.uint16)
    if len(value) != 2 * n_entries:
        raise DicomError("palette_length")
    return _words(value, big_endian=big_endian)


def _expanded(
    numbers: list[int], n_segments: int, at: int, n_bits: int, last: int | None = None
) -> tuple[list[int], int]:
    """Expand segments from number `at`, at most `n_segments`; the entries and the next number.

    n_bits: of a number, 8 or 16; the place in an indirect segment has 32. last: the entry before.
    """
    entries: list[int] = []
    n_wide = 32 // n_bits
    while at + 2 <= len(numbers) and n_segments and len(entries) <= _MOST_ENTRIES:
        kind, length = numbers[at], numbers[at + 1]
        n_segments -= 1
        before = entries[-1] if entries else last
        place = numbers[at + 2 : at + 2 + n_wide]
        start = sum(number << n_bits * rank for rank, number in enumerate(place))
        if kind == _DISCRETE and at + 2 + length <= len(numbers):
            entries += numbers[at + 2 : at + 2 + length]
            at += 2 + length
        elif kind == _LINEAR and at + 3 <= len(numbers) and before is not None:
            steps = np.linspace(before, numbers[at + 2], length + 1)[1:]
            entries += [round(step) for step in steps.tolist()]
            at += 3
        elif kind == _INDIRECT and len(place) == n_wide and start:
            copied, _ = _expanded(numbers[:at], length, start, n_bits, before)
            entries += copied
            at += 2 + n_wide
        else:
            raise DicomError("palette_segment")
    return entries, at


def read_segments(value: bytes, descriptor: Descriptor, *, big_endian: bool = False) -> Lut:
    """Return the entries of a segmented table, C.7.9.2, shape (n_entries,).

    Segments are made of words, of bytes where entries have 8 bits; some writers take words there.
    """
    words = _words(value[: len(value) // 2 * 2], big_endian=big_endian)
    if descriptor.bits > 8:
        return _segments(words, 16, descriptor)
    single = np.stack([words & 0xFF, words >> 8], 1).reshape(-1)
    try:
        return _segments(single, 8, descriptor)
    except DicomError:
        return _segments(words, 16, descriptor)


def _segments(numbers: Lut, n_bits: int, descriptor: Descriptor) -> Lut:
    """Return the entries that segments of these numbers expand to."""
    entries, _ = _expanded(numbers.tolist(), _MOST_ENTRIES, 0, n_bits)
    if len(entries) != descriptor.n_entries:
        raise DicomError("palette_length")
    return np.array(entries, np.uint16)
