"""Where the frames of Pixel Data stand: native, and in fragments, PS3.5 section 8.2 and annex A.4.

Frames are ranges of the source, read one at a time, so memory does not grow with their number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from fastdeid.errors import DicomError
from fastdeid.tags import PIXEL_DATA

Read = Callable[[int, int], bytes]

_ITEM: Final = b"\xfe\xff\x00\xe0"
_DELIMITER: Final = b"\xfe\xff\xdd\xe0"
_UNDEFINED: Final = 0xFFFFFFFF
# First bytes of a coded image: JPEG and JPEG-LS begin with SOI, JPEG 2000 with SOC and SIZ, or,
# where a writer wrapped it in a file, with the length and type of a JP2 signature box.
_STARTS: Final = (b"\xff\xd8\xff", b"\xff\x4f\xff\x51", b"\x00\x00\x00\x0cjP  ")


class Range(NamedTuple):
    """Bytes of the source: offset and length."""

    offset: int
    length: int


class Fragments(NamedTuple):
    """The items of encapsulated Pixel Data: Basic Offset Table, then ranges of values.

    end: the offset behind the Sequence Delimitation Item.
    """

    offsets: tuple[int, ...]
    ranges: tuple[Range, ...]
    end: int


def native_frames(pixel_data: Range, frame_length: int, n_frames: int) -> Iterator[Range]:
    """Yield the range of each native frame. Raises DicomError when they do not fit the value.

    One byte of padding may follow the last frame.
    """
    if frame_length <= 0 or n_frames <= 0:
        raise DicomError("frame_length", PIXEL_DATA)
    if pixel_data.length - frame_length * n_frames not in {0, 1}:
        raise DicomError("pixel_data_length", PIXEL_DATA, pixel_data.offset)
    for number in range(n_frames):
        yield Range(pixel_data.offset + number * frame_length, frame_length)


def _item(read: Read, at: int) -> tuple[bytes, int]:
    header = read(at, 8)
    if len(header) != 8:
        raise DicomError("truncated", PIXEL_DATA, at)
    return header[:4], int.from_bytes(header[4:], "little")


def find_fragments(read: Read, offset: int, end: int) -> Fragments:
    """Walk over the items of encapsulated Pixel Data.

    read: returns the bytes at an offset, of a length. offset: of the first item. end: of the
    source. Raises DicomError with the place of what is damaged.
    """
    ranges = []
    at = offset
    while True:
        tag, length = _item(read, at)
        if tag == _DELIMITER and length == 0:
            break
        if tag != _ITEM or length == _UNDEFINED:
            raise DicomError("bad_item", PIXEL_DATA, at)
        if at + 8 + length > end:
            raise DicomError("truncated", PIXEL_DATA, at)
        ranges.append(Range(at + 8, length))
        at += 8 + length
    if not ranges or ranges[0].length % 4:
        raise DicomError("bad_offset_table", PIXEL_DATA, offset)
    table = read(*ranges[0])
    offsets = [int.from_bytes(table[i : i + 4], "little") for i in range(0, len(table), 4)]
    return Fragments(tuple(offsets), tuple(ranges[1:]), at + 8)


def _split(fragments: Fragments, offsets: Sequence[int]) -> list[tuple[Range, ...]]:
    """Split the fragments at offsets from the first one's item, as both offset tables give them."""
    first = fragments.ranges[0].offset - 8
    numbers = {one.offset - 8 - first: number for number, one in enumerate(fragments.ranges)}
    try:
        starts = [numbers[offset] for offset in offsets]
    except KeyError:
        raise DicomError("bad_offset_table", PIXEL_DATA) from None
    if starts[0] != 0 or any(a >= b for a, b in pairwise(starts)):
        raise DicomError("bad_offset_table", PIXEL_DATA)
    ends = [*starts[1:], len(fragments.ranges)]
    return [fragments.ranges[a:b] for a, b in zip(starts, ends, strict=True)]


def frames_of(
    fragments: Fragments, n_frames: int, read: Read, extended: Sequence[int] = ()
) -> list[tuple[Range, ...]]:
    """Return the fragments of each frame.

    extended: the Extended Offset Table (7FE0,0001), if there is one. Without a table, frames are
    told by their number, or by the first bytes of coded images. Raises DicomError when none of
    these gives n_frames frames, or a table disagrees with the fragments.
    """
    if not fragments.ranges or n_frames <= 0:
        raise DicomError("frame_count", PIXEL_DATA)
    offsets = extended or fragments.offsets
    if offsets:
        if len(offsets) != n_frames:
            raise DicomError("bad_offset_table", PIXEL_DATA)
        return _split(fragments, offsets)
    if n_frames == 1:
        return [fragments.ranges]
    if len(fragments.ranges) == n_frames:
        return [(one,) for one in fragments.ranges]
    first = fragments.ranges[0].offset - 8
    begins = [
        one.offset - 8 - first
        for one in fragments.ranges
        if read(one.offset, min(8, one.length)).startswith(_STARTS)
    ]
    if len(begins) != n_frames:
        raise DicomError("frame_count", PIXEL_DATA)
    return _split(fragments, begins)


class OffsetTables(NamedTuple):
    """The offset tables of rebuilt Pixel Data: one frame per item, each of even length.

    basic: the value of the first item, empty when an offset is beyond 32 bits. extended and
    lengths: the values of (7FE0,0001) and (7FE0,0002), little endian.
    """

    basic: bytes
    extended: bytes
    lengths: bytes


def offset_tables(lengths: Iterable[int]) -> OffsetTables:
    """Return the tables for frames of `lengths` bytes, each in one fragment."""
    offsets, at, sizes = [], 0, []
    for length in lengths:
        offsets.append(at)
        sizes.append(length + length % 2)
        at += 8 + sizes[-1]
    wide = bool(offsets) and offsets[-1] > 0xFFFFFFFF
    basic = b"" if wide else b"".join(offset.to_bytes(4, "little") for offset in offsets)
    extended = b"".join(offset.to_bytes(8, "little") for offset in offsets)
    # The length of a frame is that of its value, with the padding of its last fragment.
    return OffsetTables(basic, extended, b"".join(size.to_bytes(8, "little") for size in sizes))


def item(value: bytes) -> bytes:
    """Return an item with a value, padded to even length."""
    padded = value + bytes(len(value) % 2)
    return _ITEM + len(padded).to_bytes(4, "little") + padded


def item_header(length: int) -> bytes:
    """Return the header of an item of an even length."""
    return _ITEM + length.to_bytes(4, "little")


DELIMITER: Final = _DELIMITER + bytes(4)
