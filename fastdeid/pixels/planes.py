"""Overlay planes that are kept, PS3.3 section C.9.2: images of single bits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, Literal, NamedTuple

import numpy as np

from fastdeid.dicom.loaded import Loaded
from fastdeid.errors import DicomError
from fastdeid.kernels.elements import (
    BIG_ENDIAN,
    FLAGS,
    LENGTH,
    N_COLUMNS,
    OPERATION,
    PARENT,
    TAG,
)
from fastdeid.pixels.examine import Examination, FrameMask, Masks, examination_of, examine_frames
from fastdeid.pixels.expectation import LIKELY
from fastdeid.pixels.masks import Layout
from fastdeid.pixels.source import FrameSource, Samples

# Overlay Rows, Columns, Number of Frames in Overlay, Overlay Data (60xx,eeee).
_ROWS, _COLUMNS, _N_FRAMES, _DATA = 0x0010, 0x0011, 0x0015, 0x3000
IN_BITS: Final = "text_in_overlay_bits"
_KEPT: Final = 0
_REPEATING: Final = 0x60


class Plane(NamedTuple):
    """An overlay plane with its own data. row: of Overlay Data (60xx,3000)."""

    group: int
    row: int
    layout: Layout
    n_frames: int

    @property
    def tag(self) -> int:
        """Return the tag of its data."""
        return self.group << 16 | _DATA


def kept_planes(loaded: Loaded, rows: slice) -> Iterator[Plane]:
    """Yield the planes at the top level of the file `rows` whose data is kept.

    The table's OPERATION has been decided. Raises DicomError for one whose attributes do not tell
    how it stands.
    """
    tags = loaded.table[rows, TAG]
    groups: dict[int, dict[int, int]] = {}
    for row in (np.flatnonzero(tags >> 24 == _REPEATING) + rows.start).tolist():
        at = row * N_COLUMNS
        if loaded.cells[at + PARENT] < 0:
            tag = loaded.cells[at + TAG]
            groups.setdefault(tag >> 16, {})[tag & 0xFFFF] = row
    for group, elements in groups.items():
        row = elements.get(_DATA, -1)
        at = row * N_COLUMNS
        if row < 0 or loaded.cells[at + OPERATION] != _KEPT or not loaded.cells[at + LENGTH]:
            continue
        height, width = (_number(loaded, elements, group, one) for one in (_ROWS, _COLUMNS))
        layout = Layout(height, width, "MONOCHROME2", 1, 1, 1, 0)
        yield Plane(group, row, layout, _n_frames(loaded, elements))


def _number(loaded: Loaded, elements: dict[int, int], group: int, element: int) -> int:
    row = elements.get(element, -1)
    value = b"" if row < 0 else loaded.value(row)
    order: Literal["big", "little"] = "little"
    if row >= 0 and loaded.cells[row * N_COLUMNS + FLAGS] & BIG_ENDIAN:
        order = "big"
    number = int.from_bytes(value, order)
    if len(value) != 2 or not number:
        raise DicomError("overlay_not_understood", group << 16 | element)
    return number


def _n_frames(loaded: Loaded, elements: dict[int, int]) -> int:
    row = elements.get(_N_FRAMES, -1)
    text = b"" if row < 0 else loaded.value(row).strip(b" \0")
    return int(text) if text.isdigit() and int(text) else 1


def with_overlay_bits(found: Examination, source: FrameSource, bits: Iterable[int]) -> Examination:
    """Return an examination with the text of overlays that stand in bits of the samples.

    bits: their places. The boxes are filled as any other: samples and overlays.
    """
    layout = source.layout
    for bit in bits:
        if bit >= layout.bits_allocated or layout.samples_per_pixel != 1:
            continue

        def read(frame: int, bit: int = bit) -> Samples:
            samples = source.samples(frame)
            unsigned = samples.view(f"u{samples.dtype.itemsize}")
            return ((unsigned >> bit & 1) * 255).astype(np.uint8)

        plane = examine_frames(read, source.n_frames, thresholds=LIKELY)
        every = (*found.every_frame, *_named(plane.every_frame))
        single = dict(found.single_frames)
        for frame, masks in plane.single_frames.items():
            single[frame] = (*single.get(frame, ()), *_named(masks))
        found = examination_of(every, single, (layout.rows, layout.columns))
    return found


def _named(masks: Masks) -> Masks:
    return tuple(FrameMask(mask.box, IN_BITS, mask.score) for mask in masks)
