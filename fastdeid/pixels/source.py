"""The frames of one instance's Pixel Data, native or coded: read one at a time, and masked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, NamedTuple, Protocol

import msgspec
import numpy as np
import numpy.typing as npt

from fastdeid import tags
from fastdeid.dicom.loaded import Loaded
from fastdeid.errors import DicomError
from fastdeid.kernels.elements import (
    BIG_ENDIAN,
    BULK,
    FLAGS,
    FRAGMENTS,
    LENGTH,
    N_COLUMNS,
    VALUE,
    VR,
)
from fastdeid.pixels.masks import Box, Layout, clip_boxes
from fastdeid.pixels.native import BoxesOf, MaskedGroups, NativeFrames, read_exactly
from fastdeid.pixels.spool import Spool
from fastdeid.storage import Chunk

Samples = npt.NDArray[Any]
Bytes = npt.NDArray[np.uint8]
# Changes the bytes of whole samples in place, as `overlays.Clearing.clear` does.
Clear = Callable[[Bytes], None]
# Makes a chunk of a range of the source whose samples are cleared: offset and length.
ClearedChunk = Callable[[int, int], Chunk]

_OW: Final = tags.VR_NUMBERS["OW"]
_BLOCK: Final = 1 << 20


class Replacement(NamedTuple):
    """What stands instead of the value of Pixel Data.

    chunks: for its range of the source, None when it was changed where it is loaded. length: bytes
    of the new value. extended, lengths: values of (7FE0,0001) and (7FE0,0002), b"" when they stay.
    changes: new texts of other attributes.
    """

    chunks: list[Chunk] | None
    length: int
    extended: bytes = b""
    lengths: bytes = b""
    changes: Mapping[int, str] = MappingProxyType({})

    def values(self) -> dict[int, bytes]:
        """Return the new values of attributes, padded, by their tags."""
        values = {
            tag: text.encode("ascii") + b" " * (len(text) % 2) for tag, text in self.changes.items()
        }
        if self.extended:
            values[tags.EXTENDED_OFFSET_TABLE] = self.extended
            values[tags.EXTENDED_OFFSET_TABLE_LENGTHS] = self.lengths
        return values


class FrameSource(Protocol):
    """Frames of one instance. layout: of what `samples` returns."""

    layout: Layout
    n_frames: int

    def samples(self, frame: int) -> Samples:
        """Return the stored values of a frame; raises DicomError when it cannot be read."""

    def grown(self, frame: int, boxes: Sequence[Box]) -> list[Box]:
        """Return what masking boxes of a frame really changes."""

    def masked(self, boxes_of: BoxesOf, fill: tuple[int, ...], spool: Spool) -> Replacement:
        """Fill the boxes of all frames."""


class PixelValue(msgspec.Struct, frozen=True):
    """Where the value of Pixel Data stands: its row, and the file that it belongs to."""

    loaded: Loaded
    row: int
    fd: int

    def _cell(self, column: int) -> int:
        return self.loaded.cells[self.row * N_COLUMNS + column]

    @property
    def start(self) -> int:
        """Return the first byte: of the file, or of what is loaded."""
        return self._cell(VALUE)

    @property
    def length(self) -> int:
        """Return the number of bytes, of encapsulated Pixel Data with its delimiter."""
        return self._cell(LENGTH)

    @property
    def in_file(self) -> bool:
        """Whether the value was not loaded."""
        return bool(self._cell(FLAGS) & BULK)

    @property
    def is_encapsulated(self) -> bool:
        """Whether the value is a sequence of fragments."""
        return bool(self._cell(FLAGS) & FRAGMENTS)

    @property
    def is_big_endian(self) -> bool:
        """Whether words are big endian."""
        return bool(self._cell(FLAGS) & BIG_ENDIAN)

    @property
    def is_word(self) -> bool:
        """Whether the VR is OW."""
        return self._cell(VR) == _OW

    def read(self, start: int, length: int) -> bytes | bytearray:
        """Return bytes of the value."""
        at = self.start + start
        if self.in_file:
            return read_exactly(self.fd, at, length)
        return self.loaded.view[at : at + length].tobytes()


class NativeSource:
    """The frames of a native Pixel Data.

    clear: what is done to all samples on their way besides, with the chunk of a range for which it
    is done; None for nothing. Raises DicomError when value and attributes disagree.
    """

    def __init__(
        self,
        value: PixelValue,
        layout: Layout,
        n_frames: int,
        clear: tuple[Clear, ClearedChunk] | None = None,
    ) -> None:
        self._value = value
        self._clear = clear
        self._frames = NativeFrames(
            layout,
            n_frames,
            value.length,
            big_endian=value.is_big_endian,
            is_word=value.is_word,
        )
        self.layout = layout
        self.n_frames = n_frames
        self._check_rest()

    def _check_rest(self) -> None:
        """Raise DicomError when more than padding follows the last frame: it would be unseen."""
        rest = self._value.length - self._frames.needed
        if rest >= max(self._frames.group_length, 2):
            raise DicomError("pixel_data_length", tags.PIXEL_DATA)
        for at in range(0, rest, _BLOCK):
            size = min(_BLOCK, rest - at)
            if rest > 1 and any(self._value.read(self._frames.needed + at, size)):
                raise DicomError("pixel_data_length", tags.PIXEL_DATA)

    def samples(self, frame: int) -> Samples:
        """Return the stored values of a frame."""
        place = self._frames.group(frame // self._frames.group_size)
        return self._frames.samples(self._value.read(*place), frame)

    def grown(self, frame: int, boxes: Sequence[Box]) -> list[Box]:  # noqa: ARG002
        """Return the boxes, cut to the frame; of whole pairs where pixels share chrominance."""
        cut = clip_boxes(boxes, self.layout)
        if self.layout.is_subsampled:
            cut[:, 1] -= cut[:, 1] % 2
            cut[:, 3] += cut[:, 3] % 2
        return [Box(*box) for box in cut.tolist()]

    def masked(
        self,
        boxes_of: BoxesOf,
        fill: tuple[int, ...],
        spool: Spool | None = None,  # noqa: ARG002
    ) -> Replacement:
        """Fill the boxes of all frames: in what is loaded, else when it is written."""
        runs = list(self._frames.masked_runs(boxes_of))
        if self._value.in_file:
            return Replacement(list(self._chunks(runs, boxes_of, fill)), self._value.length)
        view = self._value.loaded.view
        for is_masked, first, end in runs:
            for number in range(first, end) if is_masked else ():
                start, length = self._frames.group(number)
                at = self._value.start + start
                raw = view[at : at + length].tobytes()
                view[at : at + length] = self._frames.masked(raw, number, boxes_of, fill)
        return Replacement(None, self._value.length)

    def _chunks(
        self, runs: Sequence[tuple[bool, int, int]], boxes_of: BoxesOf, fill: tuple[int, ...]
    ) -> Iterator[Chunk]:
        offset, frames = self._value.start, self._frames
        clear = None if self._clear is None else self._clear[0]
        for is_masked, first, end in runs:
            start, _ = frames.group(first)
            last, length = frames.group(end - 1)
            if is_masked:
                yield MaskedGroups(frames, offset, first, end, boxes_of, fill, clear)
            else:
                yield self._unmasked(offset + start, last + length - start)
        if frames.needed < self._value.length:
            yield offset + frames.needed, self._value.length - frames.needed

    def _unmasked(self, offset: int, length: int) -> Chunk:
        return (offset, length) if self._clear is None else self._clear[1](offset, length)
