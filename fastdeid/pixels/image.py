"""What the attributes of a data set say about its image: PS3.3 C.7.6.3, C.7.6.6 and C.8.5.5."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from fastdeid import tags
from fastdeid.dicom.loaded import Loaded
from fastdeid.errors import DicomError
from fastdeid.kernels.elements import BIG_ENDIAN, FLAGS, LENGTH, N_COLUMNS, PARENT, TAG
from fastdeid.pixels.masks import Box, Layout
from fastdeid.pixels.palettes import Lut, parse_descriptor, read_segments, read_table

_ULTRASOUND_REGIONS: Final = 0x00186011
# Region Location Min X0, Min Y0, Max X1, Max Y1.
_LOCATION: Final = (0x00186018, 0x0018601A, 0x0018601C, 0x0018601E)
_PLANAR_CONFIGURATION: Final = 0x00280006
_HIGH_BIT: Final = 0x00280102
_PIXEL_REPRESENTATION: Final = 0x00280103
_RESCALE_SLOPE: Final = 0x00281053
# Descriptor, data and segmented data of red; green and blue follow.
_DESCRIPTOR, _DATA, _SEGMENTED = 0x00281101, 0x00281201, 0x00281221
_PALETTES: Final = tuple(
    first + colour for first in (_DESCRIPTOR, _DATA, _SEGMENTED) for colour in range(3)
)
# What `Image` asks for itself; region rules ask for more.
ATTRIBUTES: Final = (
    *(tags.IMAGE_TYPE, tags.SOP_CLASS_UID, tags.MODALITY, _ULTRASOUND_REGIONS),
    *(tags.SAMPLES_PER_PIXEL, tags.PHOTOMETRIC_INTERPRETATION, _PLANAR_CONFIGURATION),
    *(tags.NUMBER_OF_FRAMES, tags.ROWS, tags.COLUMNS, tags.BITS_ALLOCATED, tags.BITS_STORED),
    *(_HIGH_BIT, _PIXEL_REPRESENTATION, tags.BURNED_IN_ANNOTATION, _RESCALE_SLOPE, *_PALETTES),
    tags.EXTENDED_OFFSET_TABLE,
)


def wanted_tags(more: Iterable[int] = ()) -> npt.NDArray[np.int64]:
    """Return the tags of the attributes that an `Image` must know, shape (n,), ascending."""
    return np.unique(np.array([*ATTRIBUTES, *more], np.int64))


class Image:
    """The attributes at the top level of one file, as far as `wanted` names them.

    loaded, rows: the element table and the rows of the file. fd: the file itself, for values that
    are not loaded. wanted: from `wanted_tags`. item: the row of an item, for the attributes in it
    instead; -1 for none.
    """

    def __init__(
        self,
        loaded: Loaded,
        rows: slice,
        fd: int,
        wanted: npt.NDArray[np.int64],
        item: int = -1,
    ) -> None:
        table = loaded.table[rows]
        level = table[:, PARENT] < 0 if item < 0 else table[:, PARENT] == item
        found = np.flatnonzero(level & np.isin(table[:, TAG], wanted))
        self._loaded = loaded
        self._rows = rows
        self._fd = fd
        self.row_of = dict(
            zip(table[found, TAG].tolist(), (found + rows.start).tolist(), strict=True)
        )

    def raw(self, tag: int) -> bytes | None:
        """Return the value of an attribute, None when it is absent."""
        row = self.row_of.get(tag)
        return None if row is None else self._loaded.whole_value(row, self._fd)

    def text(self, tag: int) -> str | None:
        """Return an attribute's value as text without padding, None when it is absent."""
        raw = self.raw(tag)
        return None if raw is None else raw.decode("latin_1").strip(" \0")

    def _is_big(self, row: int) -> bool:
        return bool(self._loaded.cells[row * N_COLUMNS + FLAGS] & BIG_ENDIAN)

    def number(self, tag: int, default: int | None = None) -> int:
        """Return the number of a US or UL attribute.

        Raises DicomError when it is absent and has no default, or has not one value.
        """
        row = self.row_of.get(tag)
        if row is None or not self._loaded.cells[row * N_COLUMNS + LENGTH]:
            if default is None:
                raise DicomError("image_attribute_missing", tag)
            return default
        return self._unsigned(row)

    def _unsigned(self, row: int) -> int:
        raw = self._loaded.value(row)
        if len(raw) not in {2, 4}:
            raise DicomError("image_attribute_not_valid", self._loaded.cells[row * N_COLUMNS + TAG])
        order: Literal["big", "little"] = "big" if self._is_big(row) else "little"
        return int.from_bytes(raw, order)

    @property
    def n_frames(self) -> int:
        """Return Number of Frames, 1 when it is absent; raises DicomError when it is not valid."""
        text = self.text(tags.NUMBER_OF_FRAMES)
        if not text:
            return 1
        if not text.isdecimal() or not text.isascii() or int(text) < 1:
            raise DicomError("image_attribute_not_valid", tags.NUMBER_OF_FRAMES)
        return int(text)

    @property
    def is_falling(self) -> bool:
        """Whether a larger sample means less: a negative Rescale Slope."""
        return (self.text(_RESCALE_SLOPE) or "").startswith("-")

    def layout(self) -> Layout:
        """Return how the samples stand, as the attributes say it.

        Raises DicomError where they are missing or contradict each other.
        """
        samples = self.number(tags.SAMPLES_PER_PIXEL, 1)
        allocated = self.number(tags.BITS_ALLOCATED)
        stored = self.number(tags.BITS_STORED, allocated)
        high_bit = self.number(_HIGH_BIT, stored - 1)
        usual = "RGB" if samples == 3 else "MONOCHROME2"
        layout = Layout(
            rows=self.number(tags.ROWS),
            columns=self.number(tags.COLUMNS),
            photometric_interpretation=(
                self.text(tags.PHOTOMETRIC_INTERPRETATION) or usual
            ).upper(),
            samples_per_pixel=samples,
            bits_allocated=allocated,
            bits_stored=stored,
            high_bit=high_bit,
            signed=self.number(_PIXEL_REPRESENTATION, 0) == 1,
            planar_configuration=self.number(_PLANAR_CONFIGURATION, 0),
        )
        if not (layout.rows and layout.columns and samples):
            raise DicomError("image_attribute_not_valid", tags.ROWS)
        if not 0 < stored <= high_bit + 1 <= allocated:
            raise DicomError("image_attribute_not_valid", tags.BITS_STORED)
        return layout

    def palette(self) -> tuple[tuple[Lut, Lut, Lut], int, int]:
        """Return the tables of red, green and blue, the first index mapped, and bits per entry.

        Raises DicomError where they are missing or damaged.
        """
        signed = self.number(_PIXEL_REPRESENTATION, 0) == 1
        tables = []
        for colour in range(3):
            row = self.row_of.get(_DESCRIPTOR + colour)
            if row is None:
                raise DicomError("palette_descriptor", _DESCRIPTOR + colour)
            big = self._is_big(row)
            descriptor = parse_descriptor(self._loaded.value(row), signed=signed, big_endian=big)
            data = self.raw(_DATA + colour)
            segments = self.raw(_SEGMENTED + colour)
            if data:
                tables.append(read_table(data, descriptor, big_endian=big))
            elif segments:
                tables.append(read_segments(segments, descriptor, big_endian=big))
            else:
                raise DicomError("palette_length", _DATA + colour)
        red, green, blue = tables
        return (red, green, blue), descriptor.first, descriptor.bits

    def ultrasound_regions(self) -> Iterator[Box]:
        """Yield the regions of Sequence of Ultrasound Regions (0018,6011), C.8.5.5."""
        sequence = self.row_of.get(_ULTRASOUND_REGIONS)
        if sequence is None:
            return
        table = self._loaded.table[self._rows]
        items = np.flatnonzero(table[:, PARENT] == sequence) + self._rows.start
        for item in items.tolist():
            inside = np.flatnonzero(table[:, PARENT] == item) + self._rows.start
            rows = {self._loaded.cells[row * N_COLUMNS + TAG]: row for row in inside.tolist()}
            if all(tag in rows for tag in _LOCATION):
                left, top, right, bottom = (self._unsigned(rows[tag]) for tag in _LOCATION)
                yield Box(top, left, bottom + 1, right + 1)
