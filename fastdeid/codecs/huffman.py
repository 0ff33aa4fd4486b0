"""Huffman tables of JPEG, ISO/IEC 10918-1 annexes C, F.2.2.3 and K.2."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from fastdeid.codecs.codec import damaged
from fastdeid.kernels.jpeg_scans import LOOK

_LONGEST: Final = 16
# Tables by class (0 DC or lossless, 1 AC) and destination.
N_TABLES: Final = 8

Ints = npt.NDArray[np.int64]


class Table(NamedTuple):
    """Number of codes of each length from 1 to 16, and the symbols in the order of their codes."""

    lengths: tuple[int, ...]
    symbols: bytes

    def segment(self, number: int) -> bytes:
        """Return the table as it stands in a DHT segment (B.2.4.2)."""
        place = (number // 4) << 4 | number % 4
        return bytes([place, *self.lengths]) + self.symbols


class Reading(NamedTuple):
    """Arrays to decode with, see kernels/jpeg_scans.py, a row for each table."""

    lookup: npt.NDArray[np.uint16]
    limits: npt.NDArray[np.int32]
    values: npt.NDArray[np.uint8]


class Writing(NamedTuple):
    """Arrays to encode with: code and length of each symbol, a row for each table; 0: no code."""

    codes: Ints
    sizes: Ints


def read_tables(value: bytes) -> dict[int, Table]:
    """Read a DHT segment: tables by 4 * class + destination. Raises DicomError."""
    tables, at = {}, 0
    while at < len(value):
        kind, place = value[at] >> 4, value[at] & 15
        lengths = tuple(value[at + 1 : at + 17])
        symbols = value[at + 17 : at + 17 + sum(lengths)]
        if kind > 1 or place > 3 or len(lengths) != _LONGEST or len(symbols) != sum(lengths):
            raise damaged("codec_tables")
        tables[4 * kind + place] = Table(lengths, symbols)
        at += 17 + len(symbols)
    return tables


def _codes(table: Table) -> list[tuple[int, int]]:
    """Return code and length of each symbol in order (C.2). Raises DicomError."""
    found, code = [], 0
    for length, count in enumerate(table.lengths, 1):
        for _ in range(count):
            found.append((code, length))
            code += 1
        if code > 1 << length:
            raise damaged("codec_tables")
        code <<= 1
    return found


@lru_cache(maxsize=64)
def _reading(table: Table) -> tuple[Ints, Ints, Ints]:
    """Return the rows of one table in the arrays of Reading."""
    lookup = np.zeros(1 << LOOK, np.int64)
    limits = np.zeros(33, np.int64)
    values = np.zeros(256, np.int64)
    values[: len(table.symbols)] = list(table.symbols[:256])
    code = n_before = 0
    for length, count in enumerate(table.lengths, 1):
        limits[length], limits[length + 16] = code + count, code - n_before
        code, n_before = (code + count) << 1, n_before + count
    for symbol, (first, length) in zip(table.symbols, _codes(table), strict=True):
        if length <= LOOK:
            begin = first << (LOOK - length)
            lookup[begin : begin + (1 << (LOOK - length))] = length << 8 | symbol
    return lookup, limits, values


def reading(tables: Mapping[int, Table]) -> Reading:
    """Return the arrays to decode with. Raises DicomError for codes that are none."""
    arrays = Reading(
        np.zeros((N_TABLES, 1 << LOOK), np.uint16),
        np.zeros((N_TABLES, 33), np.int32),
        np.zeros((N_TABLES, 256), np.uint8),
    )
    for number, table in tables.items():
        if len(table.symbols) > 256:
            raise damaged("codec_tables")
        arrays.lookup[number], arrays.limits[number], arrays.values[number] = _reading(table)
    return arrays


@lru_cache(maxsize=64)
def _writing(table: Table) -> tuple[Ints, Ints]:
    """Return code and length of each symbol."""
    codes, sizes = np.zeros(256, np.int64), np.zeros(256, np.int64)
    for symbol, (code, length) in zip(table.symbols, _codes(table), strict=True):
        codes[symbol], sizes[symbol] = code, length
    return codes, sizes


def writing(tables: Mapping[int, Table]) -> Writing:
    """Return the arrays to encode with."""
    arrays = Writing(np.zeros((N_TABLES, 256), np.int64), np.zeros((N_TABLES, 256), np.int64))
    for number, table in tables.items():
        arrays.codes[number], arrays.sizes[number] = _writing(table)
    return arrays


def _depths(counts: Sequence[tuple[int, int]]) -> list[int]:
    """Return how many codes of each length an unbounded Huffman code has, from 0 on.

    counts: (count, symbol) of each symbol that occurs.
    """
    heap = [(count, symbol, [0]) for count, symbol in counts]
    heapq.heapify(heap)
    while len(heap) > 1:
        first, second = heapq.heappop(heap), heapq.heappop(heap)
        depths = [depth + 1 for depth in (*first[2], *second[2])]
        heapq.heappush(heap, (first[0] + second[0], min(first[1], second[1]), depths))
    lengths = [0] * (max(heap[0][2]) + 1)
    for depth in heap[0][2]:
        lengths[depth] += 1
    return lengths


def best_table(counts: Sequence[int]) -> Table:
    """Return the table of the shortest codes of at most 16 bits, none of all ones (K.2).

    counts: how often each symbol occurs.
    """
    occurring = [(count, symbol) for symbol, count in enumerate(counts) if count]
    # A further symbol, the rarest, takes the code of all ones.
    lengths = _depths([*occurring, (0, len(counts))])
    lengths += [0] * (_LONGEST + 1 - len(lengths))
    for length in range(len(lengths) - 1, _LONGEST, -1):
        while lengths[length]:
            shorter = length - 2
            while not lengths[shorter]:
                shorter -= 1
            lengths[length] -= 2
            lengths[length - 1] += 1
            lengths[shorter + 1] += 2
            lengths[shorter] -= 1
    longest = max(length for length in range(_LONGEST + 1) if lengths[length])
    lengths[longest] -= 1
    by_count = sorted(occurring, key=lambda one: (-one[0], one[1]))
    return Table(tuple(lengths[1 : _LONGEST + 1]), bytes(symbol for _, symbol in by_count))
