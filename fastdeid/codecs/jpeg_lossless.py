"""JPEG lossless frames, process 14, PS3.5 annex A.4.2 and ISO/IEC 10918-1 annex H."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

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
from fastdeid.codecs.huffman import N_TABLES, best_table, reading, writing
from fastdeid.kernels.jpeg_lossless import count_sample_symbols, read_samples, write_samples

Planes = npt.NDArray[np.uint16]
Ints = npt.NDArray[np.int64]

_PREDICTORS: Final = range(1, 8)
_LEAST_BITS, _MOST_BITS = 2, 16


def _arrays(scan: jpeg.Scan) -> tuple[Ints, Ints]:
    """Return the components of a scan, and the table of each."""
    chosen = np.array([one[:2] for one in scan.components], np.int64)
    return np.ascontiguousarray(chosen[:, 0]), np.ascontiguousarray(chosen[:, 1])


class LosslessCodec(Codec):
    """JPEG lossless, Huffman coding, 2 to 16 bits; predictor and point transform stay."""

    def _stream(self, frame: bytes) -> jpeg.Stream:
        """Read the stream, and check that it is what the data set says."""
        stream = jpeg.read_stream(frame)
        layout = self.layout
        if stream.kind != jpeg.LOSSLESS:
            raise damaged("unsupported_jpeg_process")
        sizes = (stream.rows, stream.columns, len(stream.components))
        if sizes != (layout.rows, layout.columns, layout.samples_per_pixel):
            raise damaged("codec_frame_size")
        if not _LEAST_BITS <= stream.precision <= min(layout.bits_allocated, _MOST_BITS):
            raise damaged("codec_precision")
        factors = {factor for one in stream.components for factor in one[1:3]}
        if len(stream.components) > 1 and factors != {1}:
            raise damaged("unsupported_components")
        seen = [number for scan in stream.scans for number, *_ in scan.components]
        if sorted(seen) != list(range(len(stream.components))):
            raise damaged("codec_components")
        for scan in stream.scans:
            if scan.first not in _PREDICTORS or scan.low >= stream.precision:
                raise damaged()
            if scan.interval % stream.columns or scan.low != stream.scans[0].low:
                raise damaged()
        return stream

    def _planes(self, stream: jpeg.Stream) -> Planes:
        """Return samples before the point transform is undone, (components, rows, columns)."""
        shape = (len(stream.components), stream.rows, stream.columns)
        # A sample takes one bit or more: what cannot be there needs no room.
        if math.prod(shape) > 8 * sum(scan.plain.size for scan in stream.scans):
            raise damaged("truncated")
        planes = np.zeros(shape, np.uint16)
        for scan in stream.scans:
            n_lines = scan.interval // stream.columns or stream.rows
            n_pieces = int(scan.pieces[0, 0])
            if n_pieces != -(-stream.rows // n_lines):
                raise damaged("truncated")
            middle = 1 << (stream.precision - scan.low - 1)
            n_rows = read_samples(
                *(scan.plain, scan.pieces, n_pieces, n_lines, *_arrays(scan), scan.first, middle),
                *reading(scan.tables),
                planes,
            )
            if n_rows != stream.rows:
                raise damaged()
        return planes

    def decode(self, frame: bytes) -> Samples:
        """Return the stored values of a frame; see Codec."""
        stream = self._stream(frame)
        planes = self._planes(stream) << stream.scans[0].low
        samples = np.moveaxis(planes, 0, 2).reshape(shape_of(self.layout))
        return stored_values(samples, self.layout)

    def _masked(self, frame: bytes, boxes: npt.NDArray[np.int32], fill: Sequence[int]) -> bytes:
        stream = self._stream(frame)
        planes = self._planes(stream)
        pixel = patterns(fill, stream.precision)
        for plane, value in zip(planes, pixel, strict=True):
            for top, left, bottom, right in boxes.tolist():
                plane[top:bottom, left:right] = value >> stream.scans[0].low
        head = b"".join(jpeg.segment(*one) for one in stream.kept)
        scans = b"".join(_coded_scan(stream, scan, planes) for scan in stream.scans)
        return even(jpeg.START + head + scans + jpeg.END)


def _coded_scan(stream: jpeg.Stream, scan: jpeg.Scan, planes: Planes) -> bytes:
    """Return a scan with its tables: its own where they have codes for all symbols."""
    n_lines = scan.interval // stream.columns or stream.rows
    chosen, numbers = _arrays(scan)
    middle = 1 << (stream.precision - scan.low - 1)
    counts = np.zeros((N_TABLES, 256), np.int64)
    count_sample_symbols(planes, n_lines, chosen, numbers, scan.first, middle, counts)
    tables = {int(number): scan.tables[int(number)] for number in numbers}
    sizes = writing(tables).sizes
    for number in tables:
        if (counts[number].astype(np.bool_) & (sizes[number] == 0)).any():
            tables[number] = best_table(counts[number].tolist())
    codes, sizes = writing(tables)
    n_bits = int((counts * (sizes + np.arange(256) % 16)).sum())
    coded = np.empty(n_bits // 4 + 16 + 4 * -(-stream.rows // n_lines), np.uint8)
    length = write_samples(
        planes, n_lines, chosen, numbers, scan.first, middle, codes, sizes, coded
    )
    return jpeg.scan_header(stream, scan, tables) + coded[:length].tobytes()
