"""Native frames, PS3.5 section 8.2: read and masked one at a time, wherever their bits stand."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from fastdeid.errors import DicomError
from fastdeid.pixels.masks import Box, Layout, clip_boxes, mask_boxes
from fastdeid.tags import PIXEL_DATA

Samples = npt.NDArray[Any]
# The boxes to mask in a frame, from 0.
BoxesOf = Callable[[int], Sequence[Box]]


class NativeFrames:
    """Where the frames of a native Pixel Data stand, and how their samples are read and masked.

    Frames are read in groups that begin and end at whole bytes, or words where words are swapped:
    one frame, but for frames of single bits (section 8.1.1) or of an odd number of bytes.

    layout: of the samples. length: bytes of the value. is_word: VR OW, of which big endian swaps
    the bytes that hold samples of 8 bits or fewer.
    """

    def __init__(
        self, layout: Layout, n_frames: int, length: int, *, big_endian: bool, is_word: bool
    ) -> None:
        if layout.bits_allocated == 1:
            if layout.samples_per_pixel != 1:
                raise DicomError("unsupported_bits_allocated", PIXEL_DATA)
            frame_bits = layout.rows * layout.columns
        else:
            frame_bits = 8 * layout.frame_length
        if layout.is_subsampled and layout.columns % 2:
            raise DicomError("frame_length", PIXEL_DATA)
        self.layout = layout
        self.n_frames = n_frames
        self._big_endian = big_endian
        self._swaps = big_endian and is_word and layout.bits_allocated <= 8
        unit = 16 if self._swaps else 8
        self._frame_bits = frame_bits
        self.group_size = unit // math.gcd(frame_bits, unit)
        self.group_length = frame_bits * self.group_size // 8
        self.n_groups = -(-n_frames // self.group_size)
        self.length = length
        self.needed = -(-frame_bits * n_frames // unit) * unit // 8
        if not self.needed <= length:
            raise DicomError("pixel_data_length", PIXEL_DATA)

    def group(self, number: int) -> tuple[int, int]:
        """Return where a group stands in the value: first byte and number of bytes."""
        start = number * self.group_length
        return start, min(self.group_length, self.needed - start)

    def _frames_of(self, number: int) -> range:
        first = number * self.group_size
        return range(first, min(first + self.group_size, self.n_frames))

    def _in_order(self, raw: bytearray) -> bytearray:
        """Return the bytes of a group in the order of samples, or back again."""
        if self._swaps:
            return bytearray(np.frombuffer(raw, np.uint16).byteswap().tobytes())
        return raw

    def _bits(self, raw: bytearray) -> npt.NDArray[np.uint8]:
        return np.unpackbits(np.frombuffer(raw, np.uint8), bitorder="little")

    def samples(self, raw: bytes | bytearray, frame: int) -> Samples:
        """Return the stored values of a frame, (rows, columns) or (rows, columns, 3).

        raw: the bytes of its group.
        """
        layout = self.layout
        ordered = self._in_order(bytearray(raw))
        place = frame % self.group_size
        shape = (layout.rows, layout.columns)
        if layout.bits_allocated == 1:
            first = place * self._frame_bits
            return self._bits(ordered)[first : first + self._frame_bits].reshape(shape)
        size = layout.frame_length
        sign = "i" if layout.signed else "u"
        order = ">" if self._big_endian else "<"
        kind = np.dtype(f"{order}{sign}{layout.bits_allocated // 8}")
        flat = np.frombuffer(ordered, kind, size // kind.itemsize, place * size)
        flat = flat.astype(kind.newbyteorder("="))
        if layout.is_subsampled:
            return _upsampled(flat.reshape(layout.rows, layout.columns // 2, 4))
        if layout.samples_per_pixel == 1:
            return flat.reshape(shape)
        if layout.planar_configuration == 1:
            planes = flat.reshape(layout.samples_per_pixel, *shape)
            return np.ascontiguousarray(np.moveaxis(planes, 0, 2))
        return flat.reshape(*shape, layout.samples_per_pixel)

    def masked(
        self, raw: bytes | bytearray, number: int, boxes_of: BoxesOf, fill: Sequence[int]
    ) -> bytearray:
        """Return the bytes of a group with the boxes of its frames filled."""
        layout = self.layout
        ordered = self._in_order(bytearray(raw))
        if layout.bits_allocated == 1:
            bits = self._bits(ordered)
            for place, frame in enumerate(self._frames_of(number)):
                first = place * self._frame_bits
                shown = bits[first : first + self._frame_bits].reshape(layout.rows, layout.columns)
                for top, left, bottom, right in clip_boxes(boxes_of(frame), layout).tolist():
                    shown[top:bottom, left:right] = fill[0]
            ordered = bytearray(np.packbits(bits, bitorder="little").tobytes())
        else:
            size = layout.frame_length
            view = memoryview(ordered)
            for place, frame in enumerate(self._frames_of(number)):
                boxes = boxes_of(frame)
                if boxes:
                    one = view[place * size : (place + 1) * size]
                    mask_boxes(one, layout, boxes, fill, big_endian=self._big_endian)
        return self._in_order(ordered)

    def masked_runs(self, boxes_of: BoxesOf) -> Iterator[tuple[bool, int, int]]:
        """Yield whether groups are masked, the first one and the one behind the last, in order."""
        first, state = 0, False
        for number in range(self.n_groups):
            is_masked = any(boxes_of(frame) for frame in self._frames_of(number))
            if is_masked != state:
                if number > first:
                    yield state, first, number
                first, state = number, is_masked
        yield state, first, self.n_groups


def _upsampled(pairs: Samples) -> Samples:
    """Return (rows, columns, 3) of Y1 Y2 Cb Cr, shape (rows, columns / 2, 4)."""
    rows, half, _ = pairs.shape
    whole = np.empty((rows, 2 * half, 3), pairs.dtype)
    whole[:, 0::2, 0], whole[:, 1::2, 0] = pairs[..., 0], pairs[..., 1]
    for plane in (1, 2):
        whole[:, 0::2, plane] = whole[:, 1::2, plane] = pairs[..., 1 + plane]
    return whole


class MaskedGroups(msgspec.Struct, frozen=True):
    """Groups of frames of the source with their boxes filled, as a `storage.ChangedRange`.

    offset: of Pixel Data's value in the source. first, end: the groups. prepare: changes the bytes
    of a group in place before its boxes are filled, None for nothing.
    """

    frames: NativeFrames
    offset: int
    first: int
    end: int
    boxes_of: BoxesOf
    fill: tuple[int, ...]
    prepare: Callable[[npt.NDArray[np.uint8]], None] | None = None

    def __len__(self) -> int:
        start, _ = self.frames.group(self.first)
        last, length = self.frames.group(self.end - 1)
        return last + length - start

    def pieces(self, source: int) -> Iterator[memoryview]:
        """Yield the masked bytes, a group at a time.

        Raises DicomError when the file ends before the range does, and the OSError of a failed
        read.
        """
        for number in range(self.first, self.end):
            start, length = self.frames.group(number)
            raw = read_exactly(source, self.offset + start, length)
            if self.prepare is not None:
                self.prepare(np.frombuffer(raw, np.uint8))
            yield memoryview(self.frames.masked(raw, number, self.boxes_of, self.fill))


def read_exactly(fd: int, offset: int, length: int) -> bytearray:
    """Return bytes of a file; raises DicomError when it is shorter, and OSError."""
    raw = bytearray(length)
    view, at = memoryview(raw), 0
    while at < length:
        n = os.preadv(fd, [view[at:]], offset + at)
        if n == 0:
            raise DicomError("changed_while_read", PIXEL_DATA, offset + at)
        at += n
    return raw
