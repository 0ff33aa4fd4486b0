"""Reading several ordinary files at once: one call of each kernel for all of them.

An ordinary file is a Part 10 file (PS3.10 section 7) whose header lies in the window that is read
first, and after which nothing stands but pixel data in native format. Any other file is left to
`Reader`, which takes whatever time it needs.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from fastdeid.dicom import encodings
from fastdeid.dicom.loaded import WINDOW, Loaded, cells_of, next_window
from fastdeid.kernels import elements as scan
from fastdeid.kernels import file_meta

# Files in a batch: calls are shared by so many, and what is loaded of them stays in the cache.
BATCH: Final = 32
_ROWS_PER_FILE: Final = 1024


class BatchReader(Loaded):
    """The element tables of up to BATCH ordinary files."""

    def __init__(self, keys: npt.NDArray[np.uint32], vrs: npt.NDArray[np.uint8]) -> None:
        header = np.zeros(BATCH * WINDOW, np.uint8)
        super().__init__(BATCH, header, BATCH * _ROWS_PER_FILE)
        self._keys = keys
        self._vrs = vrs
        self._codes = encodings.vr_codes()
        self._stack = np.zeros((scan.MAX_DEPTH, 3), np.int64)
        self._places = np.zeros((BATCH, file_meta.N_PLACES), np.int64)
        self._place_cells = cells_of(self._places)
        self._known: dict[bytes, tuple[str, int]] = {}
        self._window = WINDOW
        self._n_files = 0

    def read(self, fds: Sequence[int], sizes: Sequence[int]) -> list[int]:
        """Scan up to BATCH files; return the numbers of those that were ordinary.

        fds: descriptors, from the start of each file. sizes: in bytes.
        """
        n_files = self._n_files = len(fds)
        files = self.files[:n_files]
        files[:] = 0
        states, view, window = self.states, self.view, self._window
        for number, (fd, size) in enumerate(zip(fds, sizes, strict=True)):
            at = number * window
            states[number * scan.N_STATE + scan.POSITION] = at
            states[number * scan.N_STATE + scan.SHIFT] = -at
            states[number * scan.N_STATE + scan.FILE_END] = size
            states[number * scan.N_STATE + scan.STATUS] = scan.FRESH
            try:
                loaded = os.preadv(fd, [view[at : at + window]], 0)
            except OSError:
                loaded = 0  # `Reader` meets the same error and says which
            states[number * scan.N_STATE + scan.LOADED] = at + loaded
        file_meta.scan_file_metas(self.header, files, self._codes, self._places)
        self._tell_encodings(n_files)
        scan.scan_elements(
            *(self.header, files, self.table, self._stack, self._codes, self._keys, self._vrs)
        )
        return self._ordinary(n_files)

    @property
    def n_rows(self) -> int:
        """How many rows of the table are in use."""
        return int(self.files[: self._n_files, scan.N_ROWS].max())

    def media_storage_sop_class(self, number: int) -> bytes:
        """Return the SOP Class that the file meta information of a file names, with its padding."""
        at = number * file_meta.N_PLACES
        start = self._place_cells[at + file_meta.CLASS_VALUE]
        length = self._place_cells[at + file_meta.CLASS_LENGTH]
        return self.view[start : start + length].tobytes()

    def _tell_encodings(self, n_files: int) -> None:
        states, places = self.states, self._place_cells
        for number in range(n_files):
            at = number * scan.N_STATE
            if states[at + scan.STATUS] != scan.FRESH:
                continue
            start = places[number * file_meta.N_PLACES + file_meta.SYNTAX_VALUE]
            length = places[number * file_meta.N_PLACES + file_meta.SYNTAX_LENGTH]
            raw = self.view[start : start + length].tobytes()
            known = self._known.get(raw)
            if known is None:
                syntax = raw.rstrip(b"\0 ").decode("ascii", "replace")
                if syntax in encodings.DEFLATED or syntax not in encodings.ENCODING_OF:
                    states[at + scan.STATUS] = scan.PASS
                    continue
                known = self._known[raw] = (syntax, encodings.ENCODING_OF[syntax])
            self.syntaxes[number], states[at + scan.ENCODING] = known

    def _ordinary(self, n_files: int) -> list[int]:
        """Return the files that were scanned to their end, and fit the window to the headers."""
        states, window = self.states, self._window
        ordinary, longest = [], 0
        for number in range(n_files):
            at = number * scan.N_STATE
            status = states[at + scan.STATUS]
            if status == scan.DONE:
                ordinary.append(number)
                longest = max(longest, states[at + scan.POSITION] - number * window)
            elif status == scan.NEED:
                longest = WINDOW
        if longest:
            self._window = next_window(longest)
        return ordinary
