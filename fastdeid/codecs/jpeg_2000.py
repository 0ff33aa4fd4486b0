"""JPEG 2000 and High-Throughput JPEG 2000 frames, PS3.5 annex A.4.4 and ISO/IEC 15444-1, -15."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from fastdeid.codecs.codec import (
    Codec,
    Samples,
    check_size,
    damaged,
    even,
    fill_pixels,
    patterns,
    shape_of,
    stored_values,
)
from fastdeid.errors import DicomError
from fastdeid.pixels.masks import Layout
from fastdeid.tags import PHOTOMETRIC_INTERPRETATION

_START_AND_SIZE: Final = b"\xff\x4f\xff\x51"
_SIZE, _CODING, _TILE_PART = 0x51, 0x52, 0x90
_FIRST_COMPONENT: Final = 36
# Ssiz of the first component, from the start of a codestream.
_SSIZ: Final = 42
_MOST_BITS: Final = 24
_MOST_TILES: Final = 65535
_LEAST_SIDE: Final = 64


class _Stream(NamedTuple):
    """What the main header says. transform: whether colours are transformed (MCT)."""

    rows: int
    columns: int
    components: int
    precision: int
    signed: bool
    transform: bool


def _codestream(frame: bytes) -> bytes:
    """Return the codestream of a frame; some writers wrap it in a JP2 file."""
    start = frame.find(_START_AND_SIZE)
    if start < 0:
        raise damaged()
    return frame[start:]


def _main_header(coded: bytes) -> dict[int, bytes]:
    """Return the marker segments up to the first tile-part, by marker (A.4)."""
    segments: dict[int, bytes] = {}
    at = 2
    while True:
        marker = int.from_bytes(coded[at : at + 2], "big")
        end = at + 2 + int.from_bytes(coded[at + 2 : at + 4], "big")
        if marker >> 8 != 0xFF or end < at + 4 or end > len(coded):
            raise damaged()
        if marker & 0xFF == _TILE_PART:
            return segments
        segments[marker & 0xFF] = coded[at + 4 : end]
        at = end


def _read(coded: bytes) -> _Stream:
    """Read SIZ and COD (A.5.1, A.6.1)."""
    segments = _main_header(coded)
    size, coding = segments.get(_SIZE, b""), segments.get(_CODING, b"")
    if len(size) < _FIRST_COMPONENT + 3 or len(coding) < 5:
        raise damaged()
    x, y, x0, y0, tile_x, tile_y, tile_x0, tile_y0 = np.frombuffer(size[2:34], ">u4").tolist()
    components = size[_FIRST_COMPONENT:]
    if len(components) != 3 * int.from_bytes(size[34:36], "big"):
        raise damaged()
    if len(set(components[::3])) != 1 or set(components[1::3] + components[2::3]) != {1}:
        raise damaged("unsupported_components")
    if not tile_x or not tile_y or tile_x0 > x0 or tile_y0 > y0 or x0 >= x or y0 >= y:
        raise damaged()
    if -(-(x - tile_x0) // tile_x) * -(-(y - tile_y0) // tile_y) > _MOST_TILES:
        raise damaged()
    depth = components[0]
    return _Stream(
        *(y - y0, x - x0, len(components) // 3, (depth & 0x7F) + 1),
        signed=depth >= 0x80,
        transform=coding[4] == 1,
    )


class Jpeg2000Codec(Codec):
    """JPEG 2000, Part 1. What was irreversible is masked as what it decodes to, reversibly."""

    def _samples(self, frame: bytes) -> tuple[Samples, _Stream]:
        import imagecodecs

        layout, coded = self.layout, _codestream(frame)
        stream = _read(coded)
        if stream[:3] != (layout.rows, layout.columns, layout.samples_per_pixel):
            raise damaged("codec_frame_size")
        if stream.precision > min(layout.bits_allocated, _MOST_BITS):
            raise damaged("codec_precision")
        check_size(layout, coded)
        try:
            # OpenJPEG decodes HTJ2K as well, and, other than OpenJPH here, tells of damage.
            samples = imagecodecs.jpeg2k_decode(coded)
        except (imagecodecs.Jpeg2kError, ValueError, NotImplementedError, MemoryError):
            raise damaged() from None
        if samples.shape != shape_of(layout) or samples.dtype.kind != "ui"[stream.signed]:
            raise damaged("codec_frame_size")
        return samples, stream

    def decode(self, frame: bytes) -> Samples:
        """Return the stored values of a frame; see Codec."""
        return stored_values(self._samples(frame)[0], self.layout)

    def _masked(self, frame: bytes, boxes: npt.NDArray[np.int32], fill: Sequence[int]) -> bytes:
        samples, stream = self._samples(frame)
        fill_pixels(samples, boxes, patterns(fill, stream.precision, signed=stream.signed))
        return even(self._encoded(samples, stream))

    def _encoded(self, samples: Samples, stream: _Stream) -> bytes:
        import imagecodecs

        return bytes(
            imagecodecs.jpeg2k_encode(
                samples,
                codecformat="j2k",
                bitspersample=stream.precision,
                reversible=True,
                mct=stream.transform,
            )
        )

    def changes(self, *, every_frame: bool) -> dict[int, str]:
        """Return the attributes that masking changes: the irreversible colour transform."""
        irreversible = self.coded_layout.photometric_interpretation == "YBR_ICT"
        return {PHOTOMETRIC_INTERPRETATION: "YBR_RCT"} if irreversible and every_frame else {}


class HighThroughputCodec(Jpeg2000Codec):
    """HTJ2K, Part 15: lossless, lossless with RPCL progression and TLM, and either."""

    def __init__(self, layout: Layout) -> None:
        super().__init__(layout)
        if layout.bits_allocated > 16:
            raise DicomError("unsupported_bits_allocated")

    def _encoded(self, samples: Samples, stream: _Stream) -> bytes:
        """Encode with OpenJPH, whose precision is that of the array.

        Of fewer bits, samples are encoded as signed ones, which no level shift precedes; then the
        header is given their precision and sign, and a decoder shifts the level by those (G.1).
        """
        import imagecodecs

        narrow = stream.precision < 8 * samples.dtype.itemsize
        if narrow and not stream.signed:
            middle = 1 << (stream.precision - 1)
            samples = (samples.astype(np.int32) - middle).astype(f"i{samples.dtype.itemsize}")
        levels = max(5, (max(stream.rows, stream.columns) - 1).bit_length() - 6)
        coded = bytearray(
            imagecodecs.htj2k_encode(
                np.ascontiguousarray(samples),
                reversible=True,
                rgb=stream.transform,
                planar=False,
                tlm=True,
                resolutions=levels,
            )
        )
        if narrow:
            depth = (stream.precision - 1) | (0x80 if stream.signed else 0)
            for number in range(stream.components):
                coded[_SSIZ + 3 * number] = depth
        return bytes(coded)
