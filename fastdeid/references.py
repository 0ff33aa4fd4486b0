"""Which instances the output of a file refers to, PS3.3 section 10.8 and wherever else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from fastdeid.dicom.element_table import ElementTable
from fastdeid.dicom.loaded import Loaded
from fastdeid.kernels.elements import LENGTH, N_COLUMNS, PARENT, TAG, VALUE
from fastdeid.kernels.rows import find_standing
from fastdeid.tags import REFERENCED_SOP_INSTANCE_UID, SOP_INSTANCE_UID

# Written over by each call: a process does one file after another.
_FOUND: Final = np.zeros(256, np.int64)
_PADDING: Final = b" \0"


def find(loaded: Loaded, files: Sequence[slice]) -> list[tuple[bytes, ...]]:
    """Return the distinct values of Referenced SOP Instance UID (0008,1155) in each of some files.

    files: their rows, ascending. The values stand at any depth, as in the input and without
    padding. The table's OPERATION has been decided: what stands in an element that is removed,
    emptied or replaced is left out.
    """
    table, found = loaded.table, _FOUND
    n = find_standing(table, 0, loaded.n_rows, REFERENCED_SOP_INSTANCE_UID, found)
    if n > len(found):
        found = np.zeros(n, np.int64)
        find_standing(table, 0, loaded.n_rows, REFERENCED_SOP_INSTANCE_UID, found)
    if not n:
        return [()] * len(files)
    standing = found[:n]
    starts = np.searchsorted(standing, [rows.start for rows in files]).tolist()
    ends = np.searchsorted(standing, [rows.stop for rows in files]).tolist()
    rows = standing.tolist()
    return [_values(loaded, rows[start:end]) for start, end in zip(starts, ends, strict=True)]


def _values(loaded: Loaded, rows: Sequence[int]) -> tuple[bytes, ...]:
    cells, view = loaded.cells, loaded.view
    uids: dict[bytes, None] = {}
    for row in rows:
        start = cells[row * N_COLUMNS + VALUE]
        raw = view[start : start + cells[row * N_COLUMNS + LENGTH]].tobytes()
        uids[raw.strip(_PADDING)] = None
    uids.pop(b"", None)
    return tuple(uids)


def find_own(loaded: ElementTable, rows: slice) -> bytes:
    """Return SOP Instance UID (0008,0018) of the file `rows`, b"" where it was not read.

    The rows may be those up to where a damaged file could not be understood.
    """
    table = loaded.table[rows]
    found = np.flatnonzero((table[:, TAG] == SOP_INSTANCE_UID) & (table[:, PARENT] < 0))
    if not len(found):
        return b""
    start, length = table[found[0], [VALUE, LENGTH]].tolist()
    return loaded.view[start : start + length].tobytes().strip(_PADDING)
