"""Entropy-coded data of lossless scans, ISO/IEC 10918-1 annex H.

Samples are what they are before the point transform is undone, and differences are modulo 2^16.
"""

from __future__ import annotations

import numba as nb
import numpy as np

# Bits that find a symbol at once, as in kernels/jpeg_scans.py.
_LOOK = 9

_KERNEL = {"cache": True, "nogil": True, "_nrt": False}
_helper = nb.extending.register_jitable(_nrt=False, forceinline=True)

_SOURCE = nb.types.Array(nb.uint8, 1, "C", readonly=True)
_PIECES = nb.types.Array(nb.int64, 2, "C", readonly=True)
_NUMBERS = nb.types.Array(nb.int64, 1, "C", readonly=True)
_LOOKUP = nb.types.Array(nb.uint16, 2, "C", readonly=True)
_LIMITS = nb.types.Array(nb.int32, 2, "C", readonly=True)
_VALUES = nb.types.Array(nb.uint8, 2, "C", readonly=True)
_CODES = nb.types.Array(nb.int64, 2, "C", readonly=True)
_SAMPLES = nb.types.Array(nb.uint16, 3, "C")
_READ_SAMPLES = nb.types.Array(nb.uint16, 3, "C", readonly=True)
_BYTES = nb.types.Array(nb.uint8, 1, "C")
_COUNTS = nb.types.Array(nb.int64, 2, "C")
_INT = nb.int64


@_helper
def _peek(plain, place):
    """Return the next 16 bits from a bit on."""
    # Unsigned: an index that may be negative costs a comparison.
    at = np.uint64(place >> 3)
    second, third = nb.int64(plain[at + np.uint64(1)]), nb.int64(plain[at + np.uint64(2)])
    word = (nb.int64(plain[at]) << 16) | (second << 8) | third
    return (word >> (8 - (place & 7))) & 0xFFFF


@_helper
def _symbol(plain, place, lookup, limits, values, table):
    """Return a symbol and the bits of its code; -1 for a code that the table does not have."""
    code = _peek(plain, place)
    entry = nb.int64(lookup[table, np.uint64(code >> (16 - _LOOK))])
    if entry:
        return entry & 255, entry >> 8
    for length in range(_LOOK + 1, 17):
        short = code >> (16 - length)
        if short < limits[table, length]:
            index = short - limits[table, length + 16]
            return nb.int64(values[table, index & 255]), nb.int64(length)
    return nb.int64(-1), nb.int64(16)


@_helper
def _prediction(samples, plane, row, column, is_first, predictor, middle):
    """Predict a sample from those to its left and above (H.1.2.1)."""
    if is_first:
        return nb.int64(samples[plane, row, column - 1]) if column else middle
    above = nb.int64(samples[plane, row - 1, column])
    if column == 0:
        return above
    left = nb.int64(samples[plane, row, column - 1])
    corner = nb.int64(samples[plane, row - 1, column - 1])
    if predictor == 1:
        return left
    if predictor == 2:
        return above
    if predictor == 3:
        return corner
    if predictor == 4:
        return left + above - corner
    if predictor == 5:
        return left + ((above - corner) >> 1)
    if predictor == 6:
        return above + ((left - corner) >> 1)
    return (left + above) >> 1


@nb.njit(
    [
        _INT(
            *(_SOURCE, _PIECES, _INT, _INT, _NUMBERS, _NUMBERS, _INT, _INT),
            *(_LOOKUP, _LIMITS, _VALUES, _SAMPLES),
        )
    ],
    **_KERNEL,
)
def read_samples(
    plain, pieces, n_pieces, n_lines, planes, tables, predictor, middle, lookup, limits, values,
    samples,
):  # fmt: skip
    """Decode a lossless scan; return how many rows there are, -1 for damaged data.

    plain, pieces, n_pieces, lookup, limits, values: as in kernels/jpeg_scans.py. n_lines: rows of
    a restart interval. planes, tables: (n,), the components of the scan and the table of each.
    predictor: 1 to 7. middle: predicts the first sample. samples: shape (components, rows,
    columns), receives them.
    """
    n_done = 0
    rows, columns = samples.shape[1], samples.shape[2]
    for piece in range(1, n_pieces + 1):
        place, end = pieces[piece, 0] * 8, pieces[piece, 1] * 8
        first = n_done
        for row in range(first, min(first + n_lines, rows)):
            for column in range(columns):
                for number in range(planes.size):
                    size, length = _symbol(plain, place, lookup, limits, values, tables[number])
                    if size < 0 or size > 16:
                        return -1
                    place += length
                    change = 0
                    if size == 16:
                        change = 32768
                    elif size:
                        change = _peek(plain, place) >> (16 - size)
                        if change >> (size - 1) == 0:
                            change += 1 - (1 << size)
                        place += size
                    plane = planes[number]
                    predicted = _prediction(
                        samples, plane, row, column, row == first, predictor, middle
                    )
                    samples[plane, row, column] = nb.uint16((predicted + change) & 0xFFFF)
                if place > end:
                    return -1
            n_done += 1
    return n_done


@_helper
def _change(samples, plane, row, column, is_first, predictor, middle):
    """Return the difference from the prediction, from -32767 to 32768."""
    predicted = _prediction(samples, plane, row, column, is_first, predictor, middle)
    change = (nb.int64(samples[plane, row, column]) - predicted) & 0xFFFF
    return change - 65536 if change > 32768 else change


@_helper
def _size_of(value):
    """Return how many bits the magnitude of a number has, at most 16."""
    magnitude = -value if value < 0 else value
    size = 0
    if magnitude >> 8:
        size, magnitude = 8, magnitude >> 8
    if magnitude >> 4:
        size, magnitude = size + 4, magnitude >> 4
    if magnitude >> 2:
        size, magnitude = size + 2, magnitude >> 2
    return size + (2 if magnitude > 1 else magnitude)


@nb.njit(
    [nb.void(_READ_SAMPLES, _INT, _NUMBERS, _NUMBERS, _INT, _INT, _COUNTS)],
    **_KERNEL,
)
def count_sample_symbols(samples, n_lines, planes, tables, predictor, middle, counts):
    """Count the symbols that a lossless scan takes, by table.

    samples to middle: as in `read_samples`. counts: (n_tables, 256), grows.
    """
    for row in range(samples.shape[1]):
        is_first = row % n_lines == 0
        for column in range(samples.shape[2]):
            for number in range(planes.size):
                change = _change(samples, planes[number], row, column, is_first, predictor, middle)
                counts[tables[number], _size_of(change)] += 1


@_helper
def _put(coded, at, window, n_bits, bits, size):
    """Append bits; return the next byte's place, and what waits for a whole byte."""
    window = (window << size) | bits
    n_bits += size
    while n_bits >= 8:
        byte = (window >> (n_bits - 8)) & 0xFF
        coded[at] = nb.uint8(byte)
        at += 1
        if byte == 0xFF:
            coded[at] = 0
            at += 1
        n_bits -= 8
    return at, window & 0xFF, n_bits


@nb.njit(
    [_INT(_READ_SAMPLES, _INT, _NUMBERS, _NUMBERS, _INT, _INT, _CODES, _CODES, _BYTES)],
    **_KERNEL,
)
def write_samples(samples, n_lines, planes, tables, predictor, middle, codes, sizes, coded):
    """Write a lossless scan; return its length.

    samples to middle: as in `read_samples`. codes, sizes, coded: as in kernels/jpeg_writing.py.
    """
    at, window, n_bits = 0, 0, 0
    for row in range(samples.shape[1]):
        is_first = row % n_lines == 0
        if is_first and row:
            if n_bits:
                at, window, n_bits = _put(
                    coded, at, window, n_bits, (1 << (8 - n_bits)) - 1, 8 - n_bits
                )
            coded[at] = 0xFF
            coded[at + 1] = nb.uint8(0xD0 + (row // n_lines - 1) % 8)
            at += 2
        for column in range(samples.shape[2]):
            for number in range(planes.size):
                change = _change(samples, planes[number], row, column, is_first, predictor, middle)
                size = _size_of(change)
                bits, length = codes[tables[number], size], sizes[tables[number], size]
                if size < 16:
                    low = change if change >= 0 else change + (1 << size) - 1
                    bits, length = (bits << size) | low, length + size
                at, window, n_bits = _put(coded, at, window, n_bits, bits, length)
    if n_bits:
        at, window, n_bits = _put(coded, at, window, n_bits, (1 << (8 - n_bits)) - 1, 8 - n_bits)
    return at
