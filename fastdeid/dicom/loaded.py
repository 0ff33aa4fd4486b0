"""What is loaded of some files: bytes, element tables, and how each file was read."""

from __future__ import annotations

import os
from typing import Final

import numpy as np
import numpy.typing as npt

from fastdeid.kernels import elements as scan

WINDOW: Final = 1 << 16
LEAST_WINDOW: Final = 1 << 12
HOP: Final = 1 << 12


class Loaded:
    """Bytes and element tables of some files, for kernels.

    header: shape (n,), bytes of all the files. table: shape (n_rows, N_COLUMNS). files: shape
    (n_files, N_STATE), states of `scan_elements`: the rows of a file are those from FIRST_ROW to
    N_ROWS. view, cells, states: their numbers, one after another; single ones are read and written
    through memory views in a third of the time of an array's item. syntaxes: transfer syntax of
    each file. trailing_lengths: bytes behind each data set. inflated: the data set of the only
    file, None when ranges refer to the file itself.
    """

    def __init__(self, n_files: int, header: npt.NDArray[np.uint8], n_rows: int) -> None:
        self.files = np.zeros((n_files, scan.N_STATE), np.int64)
        self.states = cells_of(self.files)
        self.syntaxes = [""] * n_files
        self.trailing_lengths = [0] * n_files
        self.inflated: bytearray | None = None
        self.use_header(header)
        self.use_table(np.zeros((n_rows, scan.N_COLUMNS), np.int64))

    def use_header(self, header: npt.NDArray[np.uint8]) -> None:
        """Let `header` and `view` be these bytes."""
        self.header = header
        self.view: memoryview[int] = header.data

    def use_table(self, table: npt.NDArray[np.int64]) -> None:
        """Let `table` and `cells` be this element table."""
        self.table = table
        self.cells = cells_of(table)

    @property
    def n_rows(self) -> int:
        """How many rows of the table are in use."""
        raise NotImplementedError

    def state(self, number: int, cell: int) -> int:
        """Return a cell of the state of a file."""
        return self.states[number * scan.N_STATE + cell]

    def rows(self, number: int) -> slice:
        """Return the rows of a file."""
        return slice(self.state(number, scan.FIRST_ROW), self.state(number, scan.N_ROWS))

    def media_storage_sop_class(self, number: int) -> bytes:
        """Return the SOP Class that the file meta information of a file names, with its padding."""
        raise NotImplementedError

    def value(self, row: int) -> bytes:
        """Return the value of a leaf as it stands in the file, b"" when it is LONG."""
        cells = self.cells
        at = row * scan.N_COLUMNS
        if cells[at + scan.FLAGS] & (scan.LONG | scan.SEQUENCE):
            return b""
        start = cells[at + scan.VALUE]
        return self.view[start : start + cells[at + scan.LENGTH]].tobytes()

    def whole_value(self, row: int, fd: int) -> bytes:
        """Return the value of a leaf without fragments, however long it is.

        fd: the file of the row. Raises OSError when it cannot be read, or is shorter than it was.
        """
        at = row * scan.N_COLUMNS
        start, length = self.cells[at + scan.VALUE], self.cells[at + scan.LENGTH]
        if not self.cells[at + scan.FLAGS] & scan.BULK:
            return self.view[start : start + length].tobytes()
        value = os.pread(fd, length, start)
        if len(value) != length:
            raise OSError("changed while it was read")
        return value


def cells_of(numbers: npt.NDArray[np.int64]) -> memoryview[int]:
    """Return the numbers of an array, one after another in C order."""
    return numbers.reshape(-1).data.cast("B").cast("q")


def next_window(header_end: int) -> int:
    """Return how much of the next file to read at once, from where the header of this one ended."""
    return min(WINDOW, (header_end // LEAST_WINDOW + 2) * LEAST_WINDOW)
