"""What modules that look at single elements need of a file that has been read."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from fastdeid.kernels.elements import FLAGS, N_COLUMNS, PARENT, SEQUENCE, TAG


class ElementTable(Protocol):
    """Element tables of one or more files, as `kernels/elements.py` describes them.

    table: shape (n_rows, N_COLUMNS); `cells`: its numbers, one after another. view: the bytes that
    the positions of loaded values refer to. Which rows are a file's, the caller says.
    """

    @property
    def table(self) -> npt.NDArray[np.int64]:
        """The rows."""

    @property
    def cells(self) -> memoryview[int]:
        """The cells of the rows."""

    @property
    def view(self) -> memoryview[int]:
        """The bytes that are loaded."""


def path_of(loaded: ElementTable, row: int) -> tuple[int, ...]:
    """Return the tags of the sequences in which a row stands, the outermost first."""
    cells = loaded.cells
    path: list[int] = []
    parent = cells[row * N_COLUMNS + PARENT]
    while parent >= 0:
        at = parent * N_COLUMNS
        if cells[at + FLAGS] & SEQUENCE:
            path.append(cells[at + TAG])
        parent = cells[at + PARENT]
    return tuple(reversed(path))
