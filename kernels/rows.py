"""Looking up elements in an element table."""

from __future__ import annotations

import numba as nb
import numpy as np

# Columns of the table and flags (SEQUENCE, LONG) as in kernels/elements.py.
_TAG, _VALUE, _LENGTH, _END, _FLAGS = 0, 3, 4, 6, 7
_NO_VALUE = 8 | 256

_KERNEL = {"cache": True, "nogil": True, "_nrt": False}

_TABLE = nb.types.Array(nb.int64, 2, "C")
_TAGS = nb.types.Array(nb.int64, 1, "C", readonly=True)


@nb.njit([nb.int64(_TABLE, nb.int64, _TAGS, _TABLE)], **_KERNEL)
def find_rows(table, n_rows, tags, found):
    """Find the given tags among the elements of the data set itself; the last one of a tag counts.

    table, n_rows: as scanned. tags: shape (n,), ascending. found: (n, 3) receives row, value
    position and value length of each tag, row -1 where it is absent, length 0 where the value is
    LONG or is a sequence. Returns how many more elements have one of these tags than tags were
    found: 0 unless a tag stands twice.
    """
    n_tags = tags.shape[0]
    for i in range(n_tags):
        found[i, 0] = -1
        found[i, 1] = 0
        found[i, 2] = 0
    n_repeated = np.int64(0)
    row = np.int64(0)
    while row < n_rows:
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
            n_repeated += found[low, 0] >= 0
            is_value = table[row, _FLAGS] & _NO_VALUE == 0
            found[low, 0] = row
            found[low, 1] = table[row, _VALUE] if is_value else 0
            found[low, 2] = table[row, _LENGTH] if is_value else 0
        row = table[row, _END]
    return n_repeated
