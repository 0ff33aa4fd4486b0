"""Looking up elements in an element table."""

from __future__ import annotations

import numba as nb
import numpy as np

# Columns of the table and flags (SEQUENCE, LONG) as in kernels/elements.py, and operations.
_TAG, _VALUE, _LENGTH, _END, _FLAGS, _OPERATION = 0, 3, 4, 6, 7, 8
_KEEP, _REPLACE = 0, 3
_NO_VALUE = 8 | 256
# Cells of the state of a file (kernels/elements.py).
_N_ROWS, _FIRST_ROW = 4, 14

# In the first row of `found` of a file: one of the tags stands twice.
REPEATED = -2

_KERNEL = {"cache": True, "nogil": True, "_nrt": False}

_TABLE = nb.types.Array(nb.int64, 2, "C")
_FILES = nb.types.Array(nb.int64, 1, "C", readonly=True)
_ROWS = nb.types.Array(nb.int64, 1, "C")
_TAGS = nb.types.Array(nb.int64, 1, "C", readonly=True)


@nb.njit([nb.int64(_TABLE, _TABLE, _FILES, _TAGS, _TABLE)], **_KERNEL)
def find_rows(table, files, numbers, tags, found):
    """Find the given tags among the elements of data sets themselves; the last one of a tag counts.

    table, files: as scanned. numbers: shape (n,), which files. tags: shape (n_tags,), ascending.
    found: shape (n_files * n_tags, 3), receives in the rows of each file row, value position and
    value length of each tag, row -1 where it is absent, length 0 where the value is LONG or is a
    sequence. Returns how many of the files have one of these tags twice: each of them has row -2
    for the first tag.
    """
    n_tags = tags.shape[0]
    n_repeating = np.int64(0)
    for i in range(numbers.shape[0]):
        first = numbers[i] * n_tags
        for place in range(n_tags):
            found[first + place, 0], found[first + place, 1], found[first + place, 2] = -1, 0, 0
        repeats = False
        row = files[numbers[i], _FIRST_ROW]
        while row < files[numbers[i], _N_ROWS]:
            tag = table[row, _TAG]
            low = np.int64(0)
            high = n_tags
            while low < high:
                middle = (low + high) >> 1
                if tags[middle] < tag:
                    low = middle + 1
                else:
                    high = middle
            if low < n_tags and tags[low] == tag:
                repeats = repeats or found[first + low, 0] >= 0
                is_value = table[row, _FLAGS] & _NO_VALUE == 0
                found[first + low, 0] = row
                found[first + low, 1] = table[row, _VALUE] if is_value else 0
                found[first + low, 2] = table[row, _LENGTH] if is_value else 0
            row = table[row, _END]
        if repeats:
            found[first, 0] = REPEATED
            n_repeating += 1
    return n_repeating


@nb.njit([nb.int64(_TABLE, nb.int64, nb.int64, nb.int64)], **_KERNEL)
def find_first(table, end, mask, wanted):
    """Return the first row before `end` whose tag & mask is `wanted`, at any depth, or -1."""
    for row in range(end):
        if table[row, _TAG] & mask == wanted:
            return row
    return np.int64(-1)


@nb.njit([nb.int64(_TABLE, nb.int64, nb.int64, nb.int64, _ROWS)], **_KERNEL)
def find_standing(table, first, end, tag, found):
    """Collect the rows of one tag, at any depth, whose element stands in the output with a value.

    table: as decided; the rows of the file are those from `first` to `end`. found: shape (n,),
    receives rows, as many as there is room for. Returns how many rows there are.
    """
    until = np.int64(0)
    n_found = np.int64(0)
    for row in range(first, end):
        operation = table[row, _OPERATION]
        if row >= until and table[row, _TAG] == tag and operation in (_KEEP, _REPLACE):
            if n_found < found.shape[0]:
                found[n_found] = row
            n_found += 1
        if operation != _KEEP:
            until = max(until, table[row, _END])
    return n_found
