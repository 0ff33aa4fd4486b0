"""Coded frames in fragments, PS3.5 annex A.4: decoded, masked, and put together again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fastdeid.dicom.frames import (
    DELIMITER,
    Read,
    find_fragments,
    frames_of,
    item,
    offset_tables,
)
from fastdeid.pixels.masks import Box
from fastdeid.pixels.native import BoxesOf, Samples, read_exactly
from fastdeid.pixels.source import PixelValue, Replacement
from fastdeid.pixels.spool import Spool, SpooledRange
from fastdeid.storage import Chunk

if TYPE_CHECKING:
    from fastdeid.codecs import Codec


class CodedSource:
    """The frames of an encapsulated Pixel Data, which always stands in the file.

    extended: the Extended Offset Table (7FE0,0001), empty when there is none. Raises DicomError
    when the fragments do not tell the frames.
    """

    def __init__(
        self, value: PixelValue, codec: Codec, n_frames: int, extended: Sequence[int] = ()
    ) -> None:
        end = value.start + value.length

        def read(offset: int, size: int) -> bytes:
            return bytes(read_exactly(value.fd, offset, max(min(size, end - offset), 0)))

        self._codec = codec
        self._read: Read = read
        self._fragments = find_fragments(read, value.start, end)
        self._frames = frames_of(self._fragments, n_frames, read, extended)
        self._has_extended = bool(extended)
        self.layout = codec.layout
        self.n_frames = n_frames

    def coded(self, frame: int) -> bytes:
        """Return the coded bytes of a frame."""
        return b"".join(self._read(*one) for one in self._frames[frame])

    def samples(self, frame: int) -> Samples:
        """Return the stored values of a frame; raises DicomError when it cannot be decoded."""
        return self._codec.decode(self.coded(frame))

    def grown(self, frame: int, boxes: Sequence[Box]) -> list[Box]:
        """Return what masking boxes of a frame really changes: of JPEG, whole blocks."""
        return [Box(*box) for box in self._codec.grown(self.coded(frame), boxes)]

    def masked(self, boxes_of: BoxesOf, fill: tuple[int, ...], spool: Spool) -> Replacement:
        """Return the value with the boxes of its frames filled.

        Frames without boxes keep their fragments as they are. Raises OutputError when there is no
        room for the others, and DicomError when one of them cannot be coded.
        """
        chunks: list[Chunk] = []
        sizes: list[int] = []
        for frame, ranges in enumerate(self._frames):
            boxes = boxes_of(frame)
            # Items have an even length (annex A.4); writers that forget it are put right.
            is_odd = any(one.length % 2 for one in ranges)
            if boxes or is_odd:
                coded = self.coded(frame)
                coded = self._codec.mask(coded, boxes, fill) if boxes else coded
                _append_spooled(chunks, spool.append(item(coded)))
                sizes.append(len(coded) + len(coded) % 2)
            else:
                sizes.append(sum(8 + one.length for one in ranges) - 8)
                _append_range(chunks, ranges[0].offset - 8, sizes[-1] + 8)
        tables = offset_tables(sizes)
        has_basic = bool(self._fragments.offsets) and not self._has_extended
        basic = item(tables.basic if has_basic else b"")
        value: list[Chunk] = [basic, *chunks, DELIMITER]
        length = len(basic) + sum(8 + size for size in sizes) + len(DELIMITER)
        every = all(boxes_of(frame) for frame in range(self.n_frames))
        changes = self._codec.changes(every_frame=every)
        if not self._has_extended:
            return Replacement(value, length, changes=changes)
        return Replacement(value, length, tables.extended, tables.lengths, changes)


def _append_range(chunks: list[Chunk], offset: int, length: int) -> None:
    """Add a range of the source; one that goes on where the last one ended is made longer."""
    last = chunks[-1] if chunks else None
    if isinstance(last, tuple) and last[0] + last[1] == offset:
        chunks[-1] = last[0], last[1] + length
    else:
        chunks.append((offset, length))


def _append_spooled(chunks: list[Chunk], part: SpooledRange) -> None:
    """Add a part of the spool, as `_append_range` does."""
    last = chunks[-1] if chunks else None
    if isinstance(last, SpooledRange) and last.start + last.length == part.start:
        chunks[-1] = SpooledRange(last.spool, last.start, last.length + part.length)
    else:
        chunks.append(part)
