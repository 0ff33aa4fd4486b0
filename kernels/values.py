"""Values of some elements, one after another, as one key."""

from __future__ import annotations

import numba as nb
import numpy as np

# Columns of `found`, as `find_rows` writes them (kernels/rows.py).
_ROW, _VALUE, _LENGTH = 0, 1, 2
# Column of the element table (kernels/elements.py).
_OPERATION = 8

# Bytes before each value: its length plus one, little endian, 0 where the element is absent.
PREFIX = 4

_KERNEL = {"cache": True, "nogil": True, "_nrt": False}

_BYTES = nb.types.Array(nb.uint8, 1, "C")
_TABLE = nb.types.Array(nb.int64, 2, "C")
_NUMBERS = nb.types.Array(nb.int64, 1, "C")
_PLACES = nb.types.Array(nb.int64, 1, "C", readonly=True)


@nb.njit([nb.int64(_BYTES, _PLACES, _TABLE, _PLACES, _BYTES, _NUMBERS, _NUMBERS)], **_KERNEL)
def pack_values(header, firsts, found, places, packed, ends, repeats):
    """Write the values of some elements of each file to `packed`, each behind its prefix.

    header: shape (n,), bytes of the files. firsts: shape (n_files,), where the rows of each file
    start in `found`. found: shape (n_rows, 3), row, value position and value length, row -1 for an
    absent element. places: shape (n_places,), rows of `found` from there, in the order of the
    output. packed: shape (n,). ends: shape (n_files,), receives where the bytes of each file end.
    repeats: shape (n_files,), receives 1 for a file whose bytes are those of the file before.
    Returns the bytes written, or, when `packed` is too short, minus the bytes needed.
    """
    needed = np.int64(0)
    for f in range(firsts.shape[0]):
        for i in range(places.shape[0]):
            needed += PREFIX + found[firsts[f] + places[i], _LENGTH]
    if needed > packed.shape[0]:
        return -needed
    at = np.uint64(0)
    start_before = np.uint64(0)
    for f in range(firsts.shape[0]):
        first = at
        for i in range(places.shape[0]):
            row = firsts[f] + places[i]
            length = found[row, _LENGTH]
            prefix = length + 1 if found[row, _ROW] >= 0 else np.int64(0)
            for k in range(PREFIX):
                packed[at + np.uint64(k)] = np.uint8((prefix >> (8 * k)) & 0xFF)
            at += np.uint64(PREFIX)
            start = np.uint64(found[row, _VALUE])
            for k in range(np.uint64(length)):
                packed[at + k] = header[start + k]
            at += np.uint64(length)
        ends[f] = np.int64(at)
        repeats[f] = 0
        if f > 0 and at - first == first - start_before:
            equal = np.uint64(0)
            while first + equal < at and packed[first + equal] == packed[start_before + equal]:
                equal += np.uint64(1)
            repeats[f] = 1 if first + equal == at else 0
        start_before = first
    return needed


@nb.njit([nb.int64(_TABLE, _PLACES, _TABLE, _PLACES, _NUMBERS)], **_KERNEL)
def pack_operations(table, firsts, found, places, packed):
    """Pack the operations of some elements of each file into one number, two bits each.

    table: shape (n_rows, N_COLUMNS), as decided. firsts, found: as for `pack_values`; an absent
    element counts as kept (0). places: shape (n_places,), at most 31; the first one has the lowest
    bits. packed: shape (n_files,), receives the numbers. Returns their number.
    """
    for f in range(firsts.shape[0]):
        number = np.int64(0)
        for i in range(places.shape[0]):
            row = found[firsts[f] + places[i], _ROW]
            if row >= 0:
                number |= table[row, _OPERATION] << (2 * i)
        packed[f] = number
    return firsts.shape[0]
