"""Values of some elements, one after another, as one key."""

from __future__ import annotations

import numba as nb
import numpy as np

# Columns of `found`, as `find_rows` writes them (kernels/rows.py).
_ROW, _VALUE, _LENGTH = 0, 1, 2
# Columns of the element table (kernels/elements.py), cells of the state of a file, and columns of
# the memo (kernels/rules.py).
_OPERATION, _ENTRY = 8, 9
_N_ROWS, _FIRST_ROW = 4, 14
_KIND, _STAMP = 1, 9

# Bytes before each value: its length plus one, little endian, 0 where the element is absent.
PREFIX = 4

_KERNEL = {"cache": True, "nogil": True, "_nrt": False}

_BYTES = nb.types.Array(nb.uint8, 1, "C")
_TABLE = nb.types.Array(nb.int64, 2, "C")
_NUMBERS = nb.types.Array(nb.int64, 1, "C")
_PLACES = nb.types.Array(nb.int64, 1, "C", readonly=True)
_FLAGS = nb.types.Array(nb.uint8, 1, "C", readonly=True)


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


@nb.njit(
    [nb.int64(_TABLE, _TABLE, _PLACES, _TABLE, _FLAGS, nb.int64, _NUMBERS, _NUMBERS, _NUMBERS)],
    **_KERNEL,
)
def pack_entries(table, files, numbers, entries, wanted, stamp, packed, ends, repeats):
    """Collect the memo entries of some kinds that the rows of each file have, each of them once.

    table, files: as decided. numbers: shape (n,), which files. entries: of the memo. wanted: shape
    (n_kinds,), 1 for the kinds that count. stamp: the first of n that no entry has yet. packed:
    shape (n_rows,) at least, receives entries in the order in which they are met. ends, repeats:
    shape (n,), as for `pack_values`. Returns how many entries were collected.
    """
    n_packed = np.int64(0)
    before = np.int64(0)
    for i in range(numbers.shape[0]):
        first = n_packed
        for row in range(files[numbers[i], _FIRST_ROW], files[numbers[i], _N_ROWS]):
            entry = table[row, _ENTRY]
            if entry < 0 or wanted[entries[entry, _KIND]] == 0:
                continue
            if entries[entry, _STAMP] != stamp + i:
                entries[entry, _STAMP] = stamp + i
                packed[n_packed] = entry
                n_packed += 1
        ends[i] = n_packed
        repeats[i] = 0
        if i > 0 and n_packed - first == first - before:
            equal = np.int64(0)
            while first + equal < n_packed and packed[first + equal] == packed[before + equal]:
                equal += 1
            repeats[i] = 1 if first + equal == n_packed else 0
        before = first
    return n_packed
