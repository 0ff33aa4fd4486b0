"""JPEG baseline and extended frames, masked in their coded blocks; ISO/IEC 10918-1 annex F.

Blocks that a box touches get a constant; every other block keeps its quantised coefficients.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from fastdeid.codecs import jpeg
from fastdeid.codecs.codec import (
    Codec,
    Samples,
    damaged,
    even,
    patterns,
    shape_of,
    stored_values,
)
from fastdeid.codecs.huffman import N_TABLES, Table, best_table, reading, writing
from fastdeid.kernels.jpeg_progressive import read_progressive
from fastdeid.kernels.jpeg_samples import show_blocks
from fastdeid.kernels.jpeg_scans import read_blocks
from fastdeid.kernels.jpeg_writing import count_block_symbols, write_blocks
from fastdeid.pixels.masks import Box, clip_boxes

Blocks = npt.NDArray[np.int16]
Ints = npt.NDArray[np.int64]

_SIDE: Final = 8
_PRECISIONS: Final = {8, 12}
# Bits that a first scan may leave to later ones (G.1.1.1.2), and blocks of an MCU (B.2.3).
_MOST_BITS: Final = 13
_MOST_UNITS: Final = 10


def _zigzag() -> Ints:
    """Return the place in a block of each coefficient of the zigzag order (figure 5)."""
    diagonals = [
        [(row, total - row) for row in range(8) if 0 <= total - row < 8] for total in range(15)
    ]
    order = [
        place for number, line in enumerate(diagonals) for place in line[:: number % 2 * 2 - 1]
    ]
    return np.array([row * 8 + column for row, column in order], np.int64)


ZIGZAG: Final = _zigzag()


class _Plane(NamedTuple):
    """The blocks of a component: number of the first one, how many across and down.

    width, height: samples that belong to the picture.
    """

    first: int
    across: int
    down: int
    width: int
    height: int

    @property
    def n_least(self) -> int:
        """Return how many blocks a scan of this component has at least: those of samples."""
        return -(-self.width // _SIDE) * -(-self.height // _SIDE)


class _Picture:
    """Where the blocks of a stream stand."""

    def __init__(self, stream: jpeg.Stream) -> None:
        self.stream = stream
        self.across = max(one.across for one in stream.components)
        self.down = max(one.down for one in stream.components)
        self.n_mcus_across = -(-stream.columns // (_SIDE * self.across))
        self.n_mcus_down = -(-stream.rows // (_SIDE * self.down))
        self.planes, self.n_blocks = [], 0
        for one in stream.components:
            across, down = self.n_mcus_across * one.across, self.n_mcus_down * one.down
            width = -(-stream.columns * one.across // self.across)
            height = -(-stream.rows * one.down // self.down)
            self.planes.append(_Plane(self.n_blocks, across, down, width, height))
            self.n_blocks += across * down

    def units(self, scan: jpeg.Scan) -> tuple[Ints, int, int]:
        """Return the blocks of an MCU (kernels/jpeg_scans.py), MCUs in a row, and in all (A.2)."""
        if len(scan.components) == 1:
            number, dc, ac = scan.components[0]
            plane = self.planes[number]
            across, down = -(-plane.width // _SIDE), -(-plane.height // _SIDE)
            unit = (plane.first, plane.across, 1, 1, 0, 0, number, dc, ac)
            return np.array([unit], np.int64), across, across * down
        units = []
        for number, dc, ac in scan.components:
            plane, one = self.planes[number], self.stream.components[number]
            for top in range(one.down):
                for left in range(one.across):
                    sampling = (one.across, one.down, left, top)
                    units.append((plane.first, plane.across, *sampling, number, dc, ac))
        across = self.n_mcus_across
        return np.array(units, np.int64), across, across * self.n_mcus_down

    def places(self, number: int, box: Sequence[int]) -> tuple[int, int, int, int]:
        """Return the blocks of a component that a box touches: top, left, bottom, right.

        At the right and the lower edge those are included that pad the picture.
        """
        one, plane = self.stream.components[number], self.planes[number]
        high, wide = _SIDE * self.down, _SIDE * self.across
        top, left, bottom, right = box
        last_row, last_column = bottom == self.stream.rows, right == self.stream.columns
        return (
            top * one.down // high,
            left * one.across // wide,
            plane.down if last_row else -(-bottom * one.down // high),
            plane.across if last_column else -(-right * one.across // wide),
        )

    def area(self, number: int, places: Sequence[int]) -> Box:
        """Return the part of the picture that blocks of a component show."""
        one = self.stream.components[number]
        high, wide = _SIDE * self.down / one.down, _SIDE * self.across / one.across
        top, left, bottom, right = places
        return Box(
            math.floor(top * high),
            math.floor(left * wide),
            min(math.ceil(bottom * high), self.stream.rows),
            min(math.ceil(right * wide), self.stream.columns),
        )


def read_coefficients(picture: _Picture) -> Blocks:
    """Return the quantised coefficients of all blocks, shape (n, 64), zigzag. Raises DicomError."""
    stream = picture.stream
    if stream.kind == jpeg.PROGRESSIVE:
        return read_all_scans(picture)
    # A block takes two symbols of one bit or more: what cannot be there needs no room.
    if picture.planes[0].n_least > 4 * sum(scan.plain.size for scan in stream.scans):
        raise damaged("truncated")
    blocks = np.zeros((picture.n_blocks, 64), np.int16)
    seen = [number for scan in stream.scans for number, *_ in scan.components]
    if sorted(seen) != list(range(len(stream.components))):
        raise damaged("codec_components")
    for scan in stream.scans:
        # A sequential scan has all coefficients, whatever its header says of them.
        units, across, n_mcus = picture.units(scan)
        interval = scan.interval or n_mcus
        n_pieces = int(scan.pieces[0, 0])
        if n_pieces != -(-n_mcus // interval):
            raise damaged("truncated")
        n_read = read_blocks(
            *(scan.plain, scan.pieces, n_pieces, n_mcus, interval, units, across),
            *reading(scan.tables),
            np.zeros(4, np.int64),
            blocks,
        )
        if n_read != n_mcus:
            raise damaged()
    return blocks


def read_all_scans(picture: _Picture) -> Blocks:
    """Return what the scans of a progressive stream tell together, as `read_coefficients`."""
    stream = picture.stream
    # Of a block the first scan takes one bit or more.
    if picture.planes[0].n_least > 8 * sum(scan.plain.size for scan in stream.scans):
        raise damaged("truncated")
    blocks = np.zeros((picture.n_blocks, 64), np.int16)
    begun: set[int] = set()
    for scan in stream.scans:
        first, last, high, low = band = scan.first, scan.last, scan.high, scan.low
        is_band = 0 < first <= last < 64 and len(scan.components) == 1
        if not (is_band or first == last == 0) or low > _MOST_BITS or high not in {0, low + 1}:
            raise damaged("codec_components")
        units, across, n_mcus = picture.units(scan)
        interval = scan.interval or n_mcus
        n_pieces = int(scan.pieces[0, 0])
        if n_pieces != -(-n_mcus // interval):
            raise damaged("truncated")
        n_read = read_progressive(
            *(scan.plain, scan.pieces, n_pieces, n_mcus, interval, units, across),
            *(np.array(band, np.int64), *reading(scan.tables), np.zeros(5, np.int64), blocks),
        )
        if n_read != n_mcus:
            raise damaged()
        begun |= {number for number, *_ in scan.components} if first == high == 0 else set()
    if begun != set(range(len(stream.components))):
        raise damaged("codec_components")
    return blocks


def _tables(scan: jpeg.Scan, units: Ints, count: Callable[[], Ints]) -> dict[int, Table]:
    """Return the tables of a scan coded again: its own where they have codes for all symbols.

    A mask brings differences of DC and ends of blocks; all other symbols were there before.
    """
    own = {int(number): scan.tables[int(number)] for unit in units for number in unit[-2:]}
    needed = {number: {0} if number >= N_TABLES // 2 else set(range(12)) for number in own}
    if all(needed[number] <= set(table.symbols) for number, table in own.items()):
        return own
    counts = count()
    best = {}
    for number, table in own.items():
        occurring = set(np.flatnonzero(counts[number]).tolist())
        missing = occurring - set(table.symbols)
        best[number] = best_table(counts[number].tolist()) if missing else table
    return best


def _coded_scan(picture: _Picture, scan: jpeg.Scan, blocks: Blocks) -> bytes:
    """Return a scan with its header and tables (B.2.3)."""
    units, across, n_mcus = picture.units(scan)
    interval = scan.interval or n_mcus
    before = np.zeros(4, np.int64)

    def count() -> Ints:
        counts = np.zeros((N_TABLES, 256), np.int64)
        count_block_symbols(blocks, n_mcus, interval, units, across, before, counts)
        return counts

    tables = _tables(scan, units, count)
    codes, sizes = writing(tables)
    # Codes of new tables have 16 bits at most, where there was one bit or more.
    growth = 1 if all(scan.tables[number] == table for number, table in tables.items()) else 16
    n_units = n_mcus * len(units)
    room = 2 * growth * scan.plain.size + 16 * n_units + 4 * -(-n_mcus // interval)
    coded = np.empty(room, np.uint8)
    length = write_blocks(blocks, n_mcus, interval, units, across, codes, sizes, before, coded)
    return jpeg.scan_header(picture.stream, scan, tables) + coded[:length].tobytes()


def _coded_sequentially(picture: _Picture, blocks: Blocks) -> bytes:
    """Return the blocks of a progressive stream as one sequential scan, with its frame header.

    Transfer syntaxes that are still in use have sequential streams alone: what was progressive
    among them keeps its coefficients, and becomes what its transfer syntax says.
    """
    stream = picture.stream
    numbers = range(len(picture.planes))
    chosen = tuple((number, int(number > 0), 4 + int(number > 0)) for number in numbers)
    empty = np.zeros(0, np.uint8), np.zeros((1, 2), np.int64)
    scan = jpeg.Scan(chosen, 0, 63, 0, 0, 0, {}, *empty)
    units, across, n_mcus = picture.units(scan)
    if len(units) > _MOST_UNITS and len(chosen) > 1:
        raise damaged("unsupported_components")
    before, counts = np.zeros(4, np.int64), np.zeros((N_TABLES, 256), np.int64)
    count_block_symbols(blocks, n_mcus, n_mcus, units, across, before, counts)
    tables = {
        int(number): best_table(counts[number].tolist())
        for number in sorted({one for unit in units for one in unit[-2:].tolist()})
    }
    codes, sizes = writing(tables)
    n_bits = int((counts * (sizes + np.arange(256) % 16)).sum())
    coded = np.empty(n_bits // 4 + 16, np.uint8)
    length = write_blocks(blocks, n_mcus, n_mcus, units, across, codes, sizes, before, coded)
    kind = jpeg.BASELINE if stream.precision == 8 else jpeg.EXTENDED
    head = b"".join(
        jpeg.segment(kind if marker == jpeg.PROGRESSIVE else marker, value)
        for marker, value in stream.kept
    )
    plain = stream._replace(scans=(scan,))
    return head + jpeg.scan_header(plain, scan, tables) + coded[:length].tobytes()


def _swapped(fill: Sequence[int], code: int, precision: int) -> list[int]:
    """Return a pixel after a conversion of colours."""
    scale = 1 << (precision - 8)
    pixel = np.array([[[value // scale for value in fill]]], np.uint8)
    return [int(value) * scale for value in _converted(pixel, code)[0, 0]]


def _converted(samples: Samples, code: int) -> Samples:
    """Convert colours of 8 or 16 bits; OpenCV has the order Y Cr Cb."""
    if code == cv2.COLOR_YCrCb2RGB:
        return np.asarray(cv2.cvtColor(np.ascontiguousarray(samples[..., [0, 2, 1]]), code))
    return np.asarray(cv2.cvtColor(samples, code))[..., [0, 2, 1]]


class DctCodec(Codec):
    """JPEG baseline and extended sequential, 8 and 12 bits, Huffman coding.

    Progressive streams under these transfer syntaxes are read, too, and masked as sequential ones.
    """

    def _picture(self, frame: bytes) -> _Picture:
        stream = jpeg.read_stream(frame)
        layout = self.layout
        sizes = (stream.rows, stream.columns, len(stream.components))
        if sizes != (layout.rows, layout.columns, layout.samples_per_pixel):
            raise damaged("codec_frame_size")
        if stream.kind == jpeg.LOSSLESS:
            raise damaged("unsupported_jpeg_process")
        if stream.precision not in _PRECISIONS or stream.precision > layout.bits_allocated:
            raise damaged("codec_precision")
        if any(one.quantiser not in stream.quantisers for one in stream.components):
            raise damaged("codec_tables")
        picture = _Picture(stream)
        if any(picture.across % one.across or picture.down % one.down for one in stream.components):
            raise damaged("unsupported_components")
        return picture

    def _conversion(self, stream: jpeg.Stream) -> int | None:
        """Return what makes colours of the stream those of the layout, where they differ."""
        luminance_first = stream.is_luminance_first
        wanted = self.layout.photometric_interpretation
        if len(stream.components) != 3 or luminance_first in {None, wanted == "YBR_FULL"}:
            return None
        return int(cv2.COLOR_RGB2YCrCb if wanted == "YBR_FULL" else cv2.COLOR_YCrCb2RGB)

    def decode(self, frame: bytes) -> Samples:
        """Return the stored values of a frame; see Codec."""
        picture = self._picture(frame)
        stream, blocks = picture.stream, read_coefficients(picture)
        shown: list[Samples] = []
        dtype: Any = np.uint8 if stream.precision == 8 else np.uint16
        for one, plane in zip(stream.components, picture.planes, strict=True):
            samples = np.empty((plane.down * _SIDE, plane.across * _SIDE), dtype)
            quantiser = stream.quantisers[one.quantiser]
            work = np.empty(64, np.float32)
            show_blocks(
                *(blocks, plane.first, plane.across, quantiser, ZIGZAG, stream.precision),
                *(work, samples),
            )
            factors = (picture.down // one.down, picture.across // one.across)
            for axis, factor in enumerate(factors):
                samples = np.repeat(samples, factor, axis) if factor > 1 else samples
            shown.append(samples[: stream.rows, : stream.columns])
        together = shown[0] if len(shown) == 1 else np.ascontiguousarray(np.dstack(shown))
        conversion = self._conversion(stream)
        if conversion is not None:
            together = _converted(together, conversion)
        return stored_values(together.reshape(shape_of(self.layout)), self.layout)

    def _masked(self, frame: bytes, boxes: npt.NDArray[np.int32], fill: Sequence[int]) -> bytes:
        picture = self._picture(frame)
        stream, blocks = picture.stream, read_coefficients(picture)
        conversion = self._conversion(stream)
        pixel = patterns(fill, stream.precision)
        if conversion is not None:
            inverse = {
                cv2.COLOR_RGB2YCrCb: cv2.COLOR_YCrCb2RGB,
                cv2.COLOR_YCrCb2RGB: cv2.COLOR_RGB2YCrCb,
            }
            pixel = _swapped(pixel, inverse[conversion], stream.precision)
        for number, (plane, value) in enumerate(zip(picture.planes, pixel, strict=True)):
            quantiser = stream.quantisers[stream.components[number].quantiser]
            level = constant(value, stream.precision, float(quantiser[0]))
            end = plane.first + plane.across * plane.down
            grid = blocks[plane.first : end].reshape(plane.down, plane.across, 64)
            for box in boxes.tolist():
                top, left, bottom, right = picture.places(number, box)
                grid[top:bottom, left:right] = 0
                grid[top:bottom, left:right, 0] = level
        if stream.kind == jpeg.PROGRESSIVE:
            return even(jpeg.START + _coded_sequentially(picture, blocks) + jpeg.END)
        head = b"".join(jpeg.segment(*one) for one in stream.kept)
        scans = b"".join(_coded_scan(picture, scan, blocks) for scan in stream.scans)
        return even(jpeg.START + head + scans + jpeg.END)

    def grown(self, frame: bytes, boxes: Sequence[Sequence[int]]) -> list[Box]:
        """Return the boxes that `mask` really changes: whole blocks of every component."""
        picture = self._picture(frame)
        grown = []
        for box in clip_boxes(boxes, self.layout).tolist():
            areas = [
                picture.area(number, picture.places(number, box))
                for number in range(len(picture.planes))
            ]
            tops, lefts, bottoms, rights = zip(*areas, strict=True)
            grown.append(Box(min(tops), min(lefts), max(bottoms), max(rights)))
        return grown


def constant(value: int, precision: int, quantiser: float) -> int:
    """Return the DC coefficient of a block of one value; what is black or white stays so.

    Where the quantiser has no such step, a decoder clamps the one beyond (A.3.1).
    """
    exact = (value - (1 << (precision - 1))) * _SIDE / quantiser
    if value <= 0:
        return math.floor(exact)
    if value >= (1 << precision) - 1:
        return math.ceil(exact)
    return round(exact)
