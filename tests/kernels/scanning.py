"""The scan kernels as one call: bytes in, rows with file offsets out, through any window."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from pydicom._dicom_dict import DicomDictionary

from fastdeid import lookup
from fastdeid.dicom.encodings import vr_codes
from fastdeid.kernels import elements as kernel
from fastdeid.kernels import fragments
from fastdeid.tags import VR_NAMES, VR_NUMBERS
from tests.builders import Encoding
from tests.kernels.naive_scan import RefusedError, Row, Scan

REASONS: Final = {
    kernel.TRUNCATED: "truncated",
    kernel.UNKNOWN_VR: "unknown_vr",
    kernel.BAD_LENGTH: "undefined_length",
    kernel.TOO_DEEP: "nested_too_deep",
    kernel.BAD_ITEM: "bad_item",
    kernel.OVERRUN: "length_beyond_item",
}
WHOLE: Final = (1 << 40,)
# VR of every attribute of PS3.6; of those with a choice, the one without a sign or with words.
DICTIONARY: Final = {
    tag: entry[0].split(" or ")[-1].replace("SS", "US")
    for tag, entry in DicomDictionary.items()
    if entry[0] != "NONE"
}

_Table = npt.NDArray[np.int64]


@functools.cache
def dictionary_arrays() -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint8]]:
    """Return the dictionary as the kernel takes it: keys and VR numbers by slot."""
    keys, slots = lookup.place_tags(np.array(list(DICTIONARY), np.uint32))
    numbers = np.zeros(len(keys), np.uint8)
    numbers[slots] = [VR_NUMBERS[vr] for vr in DICTIONARY.values()]
    keys.setflags(write=False)
    numbers.setflags(write=False)
    return keys, numbers


@functools.cache
def _codes() -> npt.NDArray[np.uint8]:
    return vr_codes()


def coding_of(encoding: Encoding) -> int:
    """Return the bits by which the kernel knows an encoding."""
    explicit = kernel.EXPLICIT if encoding.explicit else 0
    return explicit | (kernel.BIG if encoding.big_endian else 0)


# The numbers of the files that a kernel is to work on: the only one.
ONLY: Final = np.zeros(1, np.int64)
ONLY.setflags(write=False)


class Scanned:
    """The element table of some bytes, and the loaded bytes that its positions refer to."""

    def __init__(
        self,
        data: bytes,
        start: int,
        coding: int,
        *,
        steps: Sequence[int] = WHOLE,
        n_rows: int = 64,
    ) -> None:
        """Scan `data`; `steps` are the sizes of the pieces in which it is loaded, in turn."""
        self.data = data
        self.header = np.zeros(len(data) + 16, np.uint8)
        self.table = np.zeros((n_rows, kernel.N_COLUMNS), np.int64)
        self._steps = itertools.cycle(steps)
        self._shifts: dict[int, int] = {}
        self.files = np.zeros((1, kernel.N_STATE), np.int64)
        self._state = self.files[0]
        self._stack = np.zeros((kernel.MAX_DEPTH, 3), np.int64)
        self._state[kernel.STATUS] = kernel.FRESH
        self._state[kernel.ENCODING] = coding
        self._state[kernel.FILE_END] = len(data)
        self._state[kernel.POSITION] = start
        self._load(start + next(self._steps))
        self.status = self._walk()
        self.n_rows = int(self._state[kernel.N_ROWS])

    def _load(self, size: int) -> None:
        at = int(self._state[kernel.LOADED])
        offset = at + int(self._state[kernel.SHIFT])
        piece = self.data[offset : offset + size]
        assert piece or not self.data, "the kernel asks for bytes behind the end of the file"
        self.header[at : at + len(piece)] = np.frombuffer(piece, np.uint8)
        # What stands behind is no part of the file: a kernel that reads it fails a comparison.
        self.header[at + len(piece) :] = 0xEE
        self._state[kernel.LOADED] = at + len(piece)

    def _walk(self) -> int:
        while True:
            status = self._scan()
            if status == kernel.ENCAPSULATED:
                status = self._skip_fragments()
                if status != fragments.DONE:
                    return status
            elif status == kernel.NEED:
                self._load(next(self._steps))
            elif status == kernel.FULL:
                self.table = np.concatenate([self.table, np.zeros((1, kernel.N_COLUMNS), np.int64)])
            else:
                return status

    def _scan(self) -> int:
        kernel.scan_elements(
            *(self.header, self.files, self.table, self._stack),
            *(_codes(), *dictionary_arrays()),
        )
        return int(self._state[kernel.STATUS])

    def _skip_fragments(self) -> int:
        while True:
            status = int(fragments.skip_fragments(self.header, self._state, self.table))
            if status != fragments.NEED:
                row = int(self._state[kernel.N_ROWS]) - 1
                self._shifts[row] = int(self._state[kernel.SHIFT])
                return status
            self._load(next(self._steps))

    @property
    def end(self) -> int:
        """File offset where the data set ends."""
        return int(self._state[kernel.POSITION] + self._state[kernel.SHIFT])

    def result(self) -> Scan:
        """Return rows with file offsets; raise RefusedError when the kernel found an error."""
        if self.status >= kernel.TRUNCATED:
            tag, offset = self._state[[kernel.ERROR_TAG, kernel.ERROR_OFFSET]].tolist()
            raise RefusedError(REASONS[self.status], tag, offset)
        rows: list[Row] = []
        shift = 0
        for number, cells in enumerate(self.table[: self.n_rows].tolist()):
            row, is_bulk = _row(cells, shift)
            rows.append(row)
            if row.fragments:
                shift = self._shifts[number]
            elif is_bulk:
                shift += row.length
            elif not (row.sequence or row.item):
                self._check_loaded(row, cells)
        return Scan(rows, self.end)

    def _check_loaded(self, row: Row, cells: list[int]) -> None:
        start, end = cells[kernel.HEADER], cells[kernel.VALUE] + cells[kernel.LENGTH]
        expected = self.data[row.header : row.value + row.length]
        assert self.header[start:end].tobytes() == expected


def _row(cells: list[int], shift: int) -> tuple[Row, bool]:
    flags = cells[kernel.FLAGS]
    is_bulk = bool(flags & kernel.BULK)
    row = Row(
        tag=cells[kernel.TAG],
        vr=VR_NAMES[cells[kernel.VR]],
        header=cells[kernel.HEADER] + shift,
        value=cells[kernel.VALUE] + (0 if is_bulk else shift),
        parent=cells[kernel.PARENT],
        depth=flags >> kernel.DEPTH_SHIFT,
        undefined=bool(flags & kernel.UNDEFINED),
        implicit=bool(flags & kernel.IMPLICIT),
        big=bool(flags & kernel.BIG_ENDIAN),
        sequence=bool(flags & kernel.SEQUENCE),
        item=bool(flags & kernel.IS_ITEM),
        fragments=bool(flags & kernel.FRAGMENTS),
        length=cells[kernel.LENGTH],
        end=cells[kernel.END],
    )
    return row, is_bulk
