"""Overlays inside Pixel Data: bits beside those stored, PS3.3-2004 C.9.2 and PS3.5 section 8.1.2.

An overlay plane without Overlay Data stands in bits of the pixel cells that the samples do not use,
at Overlay Bit Position (60xx,0102). Removing the attributes of group 60xx leaves it there. When
such a plane is removed, all bits that hold neither a sample nor a plane that stays are cleared, and
those above a sample with a sign repeat the sign.

Only files that declare such a plane are rewritten: looking at the bits of every image would read
all pixel data, which a copy inside the operating system does not.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from fastdeid import tags
from fastdeid.dicom.element_table import ElementTable
from fastdeid.errors import DicomError
from fastdeid.kernels.elements import (
    BIG_ENDIAN,
    BULK,
    FLAGS,
    FRAGMENTS,
    LENGTH,
    LONG,
    N_COLUMNS,
    OPERATION,
    PARENT,
    SEQUENCE,
    TAG,
    VALUE,
)
from fastdeid.kernels.overlay_bits import clear_bits
from fastdeid.storage import Chunk

_OVERLAY_ROWS, _OVERLAY_BIT_POSITION, _OVERLAY_DATA = 0x0010, 0x0102, 0x3000
_HIGH_BIT: Final = 0x00280102
_PIXEL_REPRESENTATION: Final = 0x00280103
_WANTED: Final = (
    *(tags.BITS_ALLOCATED, tags.BITS_STORED, _HIGH_BIT, _PIXEL_REPRESENTATION),
    tags.PIXEL_DATA,
)
_DTYPES: Final = {8: np.uint8, 16: np.uint16, 32: np.uint32}
_CHUNK: Final = 1 << 20
_KEPT: Final = 0

Bytes = npt.NDArray[np.uint8]


class Clearing(msgspec.Struct, frozen=True):
    """What to do with the samples of one file's Pixel Data.

    row: of Pixel Data. bits_allocated: 8, 16 or 32. keep, sign, fill: masks as `clear_bits` takes
    them, in the byte order of the file.
    """

    row: int
    bits_allocated: int
    keep: int
    sign: int
    fill: int

    def clear(self, data: Bytes) -> None:
        """Clear the bits in place; data: shape (n,), bytes of whole samples."""
        dtype = _DTYPES[self.bits_allocated]
        samples = data.view(dtype)
        if not samples.flags.aligned:
            samples = samples.copy()
        clear_bits(samples, dtype(self.keep), dtype(self.sign), dtype(self.fill))
        if samples.base is None:
            data[:] = samples.view(np.uint8)


class ClearedRange(msgspec.Struct, frozen=True):
    """The Pixel Data of a source file, `length` bytes at `offset`, as a `storage.ChangedRange`."""

    clearing: Clearing
    offset: int
    length: int

    def __len__(self) -> int:
        return self.length

    def pieces(self, source: int) -> Iterator[memoryview]:
        """Yield the cleared bytes of the range, at most 1 MiB at a time.

        Each piece is written over by the next. Raises DicomError when the file ends before the
        range does, and the OSError of a failed read.
        """
        held = np.zeros(min(_CHUNK, self.length), np.uint8)
        offset, end = self.offset, self.offset + self.length
        while offset < end:
            size = min(_CHUNK, end - offset)
            _read(source, held.data[:size], offset)
            self.clearing.clear(held[:size])
            yield held.data[:size]
            offset += size


def _read(fd: int, chunk: memoryview, offset: int) -> None:
    while len(chunk):
        n = os.preadv(fd, [chunk], offset)
        if n == 0:
            raise DicomError("changed_while_read", tags.PIXEL_DATA, offset)
        chunk = chunk[n:]
        offset += n


def find_clearing(loaded: ElementTable, rows: slice) -> Clearing | None:
    """Return how the Pixel Data of the file `rows` must be cleared, None when it stays as it is.

    The table's OPERATION has been decided. Raises DicomError for pixel data whose removed overlays
    cannot be cleared: compressed, or with attributes that do not say where they are.
    """
    tags_of_rows = loaded.table[rows, TAG]
    overlays = np.flatnonzero(tags_of_rows >> 24 == 0x60)
    if not len(overlays):
        return None
    planes, kept = _embedded(loaded, (overlays + rows.start).tolist())
    if not planes:
        return None
    wanted = np.flatnonzero(np.isin(tags_of_rows, _WANTED)) + rows.start
    return _Samples(loaded, wanted.tolist()).clearing(planes, kept)


def kept_positions(loaded: ElementTable, rows: slice) -> set[int]:
    """Return the bits of Pixel Data in which overlays of the file `rows` stay, as `find_clearing`.

    A plane that does not say in which bit it stands, and has no data, stands nowhere.
    """
    overlays = np.flatnonzero(loaded.table[rows, TAG] >> 24 == 0x60)
    if not len(overlays):
        return set()
    return _embedded(loaded, (overlays + rows.start).tolist())[1] - {0}


def clear_loaded(loaded: ElementTable, header: Bytes, clearing: Clearing) -> None:
    """Clear Pixel Data that is loaded, in `header`, whose bytes are those of `loaded.view`.

    What was not loaded is left to `clear_chunks`; called before the output is assembled.
    """
    at = clearing.row * N_COLUMNS
    if not loaded.cells[at + FLAGS] & BULK:
        start = loaded.cells[at + VALUE]
        clearing.clear(header[start : start + loaded.cells[at + LENGTH]])


def clear_chunks(loaded: ElementTable, clearing: Clearing, chunks: Sequence[Chunk]) -> list[Chunk]:
    """Return the chunks of an output with the range of Pixel Data, if it is one, cleared."""
    at = clearing.row * N_COLUMNS
    place = (loaded.cells[at + VALUE], loaded.cells[at + LENGTH])
    if not loaded.cells[at + FLAGS] & BULK:
        return list(chunks)
    return [ClearedRange(clearing, *place) if chunk == place else chunk for chunk in chunks]


def _embedded(loaded: ElementTable, overlays: list[int]) -> tuple[set[int], set[int]]:
    """Return the bit positions of embedded planes that are removed, and of those that stay."""
    cells = loaded.cells
    groups: dict[int, dict[int, int]] = {}
    for row in overlays:
        at = row * N_COLUMNS
        if cells[at + PARENT] < 0:
            groups.setdefault(cells[at + TAG] >> 16, {})[cells[at + TAG] & 0xFFFF] = row
    removed: set[int] = set()
    kept: set[int] = set()
    for rows in groups.values():
        position = _number(loaded, rows.get(_OVERLAY_BIT_POSITION, -1))
        data = rows.get(_OVERLAY_DATA, -1)
        if data >= 0 and cells[data * N_COLUMNS + LENGTH] and not position:
            continue
        # Its texts may be cleaned; the plane is there as long as its dimensions are.
        dimension = rows.get(_OVERLAY_ROWS, min(rows.values()))
        stays = cells[dimension * N_COLUMNS + OPERATION] == _KEPT
        (kept if stays else removed).add(position or 0)
    return removed, kept


def _number(loaded: ElementTable, row: int) -> int | None:
    """Return the number of an US element, None when there is none."""
    at = row * N_COLUMNS
    cells = loaded.cells
    if row < 0 or cells[at + LENGTH] != 2 or cells[at + FLAGS] & (LONG | SEQUENCE):
        return None
    start = cells[at + VALUE]
    big = cells[at + FLAGS] & BIG_ENDIAN
    return int.from_bytes(loaded.view[start : start + 2], "big" if big else "little")


class _Samples:
    """Where the samples of a file stand in their cells. rows: of the attributes in _WANTED."""

    def __init__(self, loaded: ElementTable, rows: list[int]) -> None:
        cells = loaded.cells
        at = {
            cells[row * N_COLUMNS + TAG]: row for row in rows if cells[row * N_COLUMNS + PARENT] < 0
        }
        *numbers, self.row = (at.get(tag, -1) for tag in _WANTED)
        self.allocated, self.stored, self.high, self.signed = (
            _number(loaded, row) for row in numbers
        )
        self.flags = cells[self.row * N_COLUMNS + FLAGS]
        self.length = cells[self.row * N_COLUMNS + LENGTH]

    def clearing(self, planes: set[int], kept: set[int]) -> Clearing | None:
        """Return the masks that clear `planes` and leave `kept`, both bit positions."""
        if self.row < 0 or self.allocated == 1:
            return None
        allocated, stored, high = self.allocated, self.stored, self.high
        if allocated is None or stored is None:
            raise DicomError("overlay_bits_not_understood", tags.BITS_STORED)
        high = stored - 1 if high is None else high
        if not 0 < stored <= high + 1 <= allocated:
            raise DicomError("overlay_bits_not_understood", _HIGH_BIT)
        samples = ((1 << stored) - 1) << (high + 1 - stored)
        if any(position and samples >> position & 1 for position in planes):
            raise DicomError("overlay_in_stored_bits", tags.PIXEL_DATA)
        if stored == allocated:
            return None
        self._check(allocated)
        stays = sum(1 << position for position in kept if position < allocated)
        keep = samples | stays
        sign, fill = 0, 0
        if self.signed == 1:
            sign = 1 << high
            fill = ((1 << allocated) - (1 << (high + 1))) & ~stays
        if self.flags & BIG_ENDIAN:
            keep, sign, fill = (_swapped(mask, allocated) for mask in (keep, sign, fill))
        return Clearing(self.row, allocated, keep, sign, fill)

    def _check(self, allocated: int) -> None:
        if self.flags & FRAGMENTS:
            raise DicomError("overlay_in_compressed_pixel_data", tags.PIXEL_DATA)
        if allocated not in _DTYPES or self.length % (allocated // 8):
            raise DicomError("overlay_bits_not_understood", tags.BITS_ALLOCATED)


def _swapped(mask: int, bits: int) -> int:
    return int.from_bytes(mask.to_bytes(bits // 8, "little"), "big")
