"""What decides on private elements, packed from an element table: one key for a whole series.

Private blocks are reserved anew in every data set and item (PS3.5 section 7.8.1), so the key has
the tag, VR and place of every private element and of all that stands below one, and the values that
tell whose they are: private creators, and Private Data Element Characteristics (0008,0300).
"""

from __future__ import annotations

import numba as nb
import numpy as np

# An entry: row, tag, row of the item it stands in (each 4 bytes, little endian), VR, flags (2
# bytes), length of the value that follows (2 bytes).
ENTRY_SIZE = 17
# Flags of the element table that the key has, and one of its own: a value in UN begins as an item.
KEPT_FLAGS = 2 | 8 | 16 | 128 | 256
STARTS_AS_ITEM = 512
# Longer values are not part of the key; NO_VALUE in place of their length says so.
LONGEST_VALUE = 1024
NO_VALUE = 0xFFFF

# Columns of the table and flags (SEQUENCE, BULK, LONG) as in kernels/elements.py.
_TAG, _VR, _VALUE, _LENGTH, _PARENT, _END, _FLAGS, _OPERATION = 0, 1, 3, 4, 5, 6, 7, 8
_REMOVE = 1
_BULK, _SEQUENCE, _IS_ITEM, _LONG = 4, 8, 16, 256
_CHARACTERISTICS = 0x00080300
_UN = 30

_KERNEL = {"cache": True, "nogil": True, "_nrt": False}
_helper = nb.extending.register_jitable(_nrt=False, forceinline=True)

_BYTES = nb.types.Array(nb.uint8, 1, "C")
_TABLE = nb.types.Array(nb.int64, 2, "C")


@_helper
def _put(packed, at, number, size):
    """Write a number in little endian; return where it ends."""
    for place in range(size):
        packed[at + place] = (number >> (8 * place)) & 0xFF
    return at + size


@_helper
def _is_creator(tag):
    """Whether an element reserves a private block: (gggg,0010) to (gggg,00FF), gggg odd."""
    return (tag >> 16) & 1 != 0 and 0x10 <= tag & 0xFFFF <= 0xFF


@_helper
def _starts_as_item(header, table, row):
    """Whether a short value in UN begins with an item tag, of either byte order."""
    flags = table[row, _FLAGS]
    if table[row, _VR] != _UN or table[row, _LENGTH] < 8 or flags & (_SEQUENCE | _LONG | _BULK):
        return False
    at = table[row, _VALUE]
    first, second = header[at], header[at + 1]
    if first == 0xFE and second == 0xFF:
        return header[at + 2] == 0x00 and header[at + 3] == 0xE0
    return first == 0xFF and second == 0xFE and header[at + 2] == 0xE0 and header[at + 3] == 0x00


@_helper
def _value_length(table, row, characteristics_end):
    """Length of the value that belongs to the key: 0 for none, NO_VALUE for one too long."""
    if not (_is_creator(table[row, _TAG]) or row < characteristics_end):
        return np.int64(0)
    flags = table[row, _FLAGS]
    if flags & (_SEQUENCE | _IS_ITEM):
        return np.int64(0)
    if flags & (_LONG | _BULK) or table[row, _LENGTH] > LONGEST_VALUE:
        return np.int64(NO_VALUE)
    return table[row, _LENGTH]


@nb.njit([nb.int64(_BYTES, _TABLE, nb.int64, nb.int64, _BYTES)], **_KERNEL)
def pack_private(header, table, first, end, packed):
    """Pack the private elements of a file, all rows below them, and the top-level (0008,0300).

    header, table: as scanned; the rows of the file are those from `first` to `end`. packed:
    receives an entry for each such row, with numbers that count from `first`. Returns the number of
    bytes, 0 when no element is private; negative: so many bytes are needed.
    """
    size = np.int64(0)
    n_private = np.int64(0)
    until = np.int64(0)
    characteristics_end = np.int64(0)
    for row in range(first, end):
        tag = table[row, _TAG]
        is_private = (tag >> 16) & 1 != 0
        if is_private:
            n_private += 1
            until = max(until, table[row, _END])
        elif tag == _CHARACTERISTICS and table[row, _PARENT] < 0:
            characteristics_end = table[row, _END]
            until = max(until, characteristics_end)
        if row >= until:
            continue
        value = _value_length(table, row, characteristics_end)
        held = np.int64(0) if value == NO_VALUE else value
        if size + ENTRY_SIZE + held <= packed.shape[0]:
            flags = table[row, _FLAGS] & KEPT_FLAGS
            if _starts_as_item(header, table, row):
                flags |= STARTS_AS_ITEM
            parent = table[row, _PARENT]
            at = _put(packed, size, row - first, 4)
            at = _put(packed, at, tag, 4)
            at = _put(packed, at, (parent - first if parent >= 0 else parent) & 0xFFFFFFFF, 4)
            at = _put(packed, at, table[row, _VR], 1)
            at = _put(packed, at, flags, 2)
            at = _put(packed, at, value, 2)
            start = table[row, _VALUE]
            for place in range(held):
                packed[at + place] = header[start + place]
        size += ENTRY_SIZE + held
    if n_private == 0:
        return np.int64(0)
    return size if size <= packed.shape[0] else -size


@nb.njit([nb.int64(_TABLE, nb.int64, nb.int64, nb.int64)], **_KERNEL)
def remove_unused_creator(table, first, end, row):
    """Remove the private creator of a row's block when nothing of the block stays.

    table: as decided; the rows of the file are those from `first` to `end`. Returns how many
    creators were removed: 0 or 1, or more where a block is reserved twice.
    """
    tag, parent = table[row, _TAG], table[row, _PARENT]
    creator = (tag & 0xFFFF0000) | ((tag >> 8) & 0xFF)
    for other in range(first, end):
        if table[other, _PARENT] == parent and table[other, _TAG] >> 8 == tag >> 8:
            if table[other, _OPERATION] != _REMOVE:
                return np.int64(0)
    n_removed = np.int64(0)
    for other in range(first, end):
        if table[other, _PARENT] == parent and table[other, _TAG] == creator:
            table[other, _OPERATION] = _REMOVE
            n_removed += 1
    return n_removed
