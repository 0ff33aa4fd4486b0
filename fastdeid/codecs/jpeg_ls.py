"""JPEG-LS frames, lossless and near-lossless, PS3.5 annex A.4.3 and ISO/IEC 14495-1."""

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
from fastdeid.codecs.markers import Segment, header_segments

_FRAME, _SCAN, _PRESETS = 0xF7, 0xDA, 0xF8
_END: Final = b"\xff\xd9"
_BY_PLANE: Final = 0


class _Stream(NamedTuple):
    """What the headers of a stream say. interleave: 0 by plane, 1 by line, 2 by pixel."""

    precision: int
    rows: int
    columns: int
    components: int
    interleave: int


def _read(segments: Sequence[Segment]) -> _Stream:
    """Read frame and scan header (C.2.2, C.2.3)."""
    frames = [value for marker, value in segments if marker == _FRAME]
    scans = [value for marker, value in segments if marker == _SCAN]
    if len(frames) != 1 or not scans or len(frames[0]) < 6:
        raise damaged()
    frame, scan = frames[0], scans[0]
    if len(frame) != 6 + 3 * frame[5] or len(scan) < 4 or len(scan) != 4 + 2 * scan[0]:
        raise damaged()
    rows, columns = int.from_bytes(frame[1:3], "big"), int.from_bytes(frame[3:5], "big")
    return _Stream(frame[0], rows, columns, frame[5], scan[2 + 2 * scan[0]])


class JpegLsCodec(Codec):
    """JPEG-LS. Near-lossless frames are masked as what they decode to, without further loss."""

    def _samples(self, frame: bytes) -> tuple[Samples, _Stream]:
        import jpeg_ls

        layout = self.layout
        stream = _read(header_segments(frame))
        if stream[1:4] != (layout.rows, layout.columns, layout.samples_per_pixel):
            raise damaged("codec_frame_size")
        if not 2 <= stream.precision <= layout.bits_allocated or stream.interleave > 2:
            raise damaged("codec_precision")
        check_size(layout, frame)
        try:
            # CharLS 2.4 does not come to an end in a truncated stream without an end marker.
            native, _ = jpeg_ls.decode_buffer(frame + _END)
        except (RuntimeError, ValueError, MemoryError):
            raise damaged() from None
        flat = np.frombuffer(native, "<u2" if stream.precision > 8 else np.uint8)
        if flat.size != layout.rows * layout.columns * layout.samples_per_pixel:
            raise damaged("codec_frame_size")
        if layout.samples_per_pixel > 1 and stream.interleave == _BY_PLANE:
            planes = flat.reshape(3, layout.rows, layout.columns)
            return np.ascontiguousarray(planes.transpose(1, 2, 0)), stream
        return flat.reshape(shape_of(layout)).copy(), stream

    def decode(self, frame: bytes) -> Samples:
        """Return the stored values of a frame; see Codec."""
        return stored_values(self._samples(frame)[0], self.layout)

    def _masked(self, frame: bytes, boxes: npt.NDArray[np.int32], fill: Sequence[int]) -> bytes:
        import jpeg_ls

        samples, stream = self._samples(frame)
        fill_pixels(samples, boxes, patterns(fill, stream.precision))
        if samples.ndim == 3 and stream.interleave == _BY_PLANE:
            samples = samples.transpose(2, 0, 1)
        coded = jpeg_ls.encode_buffer(
            samples.tobytes(),
            stream.rows,
            stream.columns,
            stream.components,
            stream.precision,
            0,
            stream.interleave,
        )
        return even(bytes(coded))
