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
_PLACES = nb.types.Array(nb.int64, 1, "C", readonly=True)


@nb.njit([nb.int64(_BYTES, _TABLE, _PLACES, _BYTES)], **_KERNEL)
def pack_values(header, found, places, packed):
    """Write the values of the elements `found[places]` to `packed`, each behind its prefix.

    header: shape (n,), bytes of the file. found: shape (n, 3), row, value position and value
    length, row -1 for an absent element. places: shape (n,), rows of `found` in the order of the
    output. packed: shape (n,). Returns the bytes written, or, when `packed` is too short, minus the
    bytes needed.
    """
    needed = np.int64(0)
    for i in range(places.shape[0]):
        needed += PREFIX + found[places[i], _LENGTH]
    if needed > packed.shape[0]:
        return -needed
    at = np.uint64(0)
    for i in range(places.shape[0]):
        length = found[places[i], _LENGTH]
        prefix = length + 1 if found[places[i], _ROW] >= 0 else np.int64(0)
        for k in range(PREFIX):
            packed[at + np.uint64(k)] = np.uint8((prefix >> (8 * k)) & 0xFF)
        at += np.uint64(PREFIX)
        start = np.uint64(found[places[i], _VALUE])
        for k in range(np.uint64(length)):
            packed[at + k] = header[start + k]
        at += np.uint64(length)
    return needed


@nb.njit([nb.int64(_TABLE, _TABLE, _PLACES)], **_KERNEL)
def pack_operations(table, found, places):
    """Pack the operations of the elements `found[places]` into one number, two bits each.

    table: shape (n_rows, N_COLUMNS), as decided. found: shape (n, 3), row -1 for an absent element,
    which counts as kept (0). places: shape (n,), at most 31, rows of `found`; the first one has the
    lowest bits.
    """
    packed = np.int64(0)
    for i in range(places.shape[0]):
        row = found[places[i], _ROW]
        if row >= 0:
            packed |= table[row, _OPERATION] << (2 * i)
    return packed
