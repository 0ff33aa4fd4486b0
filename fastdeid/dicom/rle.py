"""RLE Lossless frames, PS3.5 annex G: byte planes of a frame, each a segment of runs."""

from __future__ import annotations

from typing import Final

import numpy as np

from fastdeid.errors import DicomError
from fastdeid.kernels.packbits import OVERHEAD, pack_runs, unpack_runs
from fastdeid.tags import PIXEL_DATA

_HEADER: Final = 64
_MOST_SEGMENTS: Final = 15
_LONGEST_RUN: Final = 128


def _segments(coded: bytes, n_expected: int) -> list[tuple[int, int]]:
    """Return begin and end of each segment (G.5)."""
    if len(coded) < _HEADER:
        raise DicomError("truncated", PIXEL_DATA)
    numbers = [int.from_bytes(coded[at : at + 4], "little") for at in range(0, _HEADER, 4)]
    n_segments, begins = numbers[0], numbers[1:]
    if n_segments != n_expected or n_segments > _MOST_SEGMENTS:
        raise DicomError("rle_segments", PIXEL_DATA)
    ends = [*begins[1:n_segments], len(coded)]
    found = list(zip(begins[:n_segments], ends, strict=True))
    if any(not _HEADER <= begin <= end <= len(coded) for begin, end in found):
        raise DicomError("rle_segments", PIXEL_DATA)
    return found


def decode_frame(coded: bytes, n_pixels: int, samples: int, bytes_per_sample: int) -> bytearray:
    """Return a native frame, little endian, colour by pixel (Planar Configuration 0).

    n_pixels: rows x columns. Raises DicomError when the segments do not fill the frame.
    """
    if n_pixels * samples * bytes_per_sample > _LONGEST_RUN * len(coded):
        raise DicomError("rle_runs", PIXEL_DATA)
    decoded = bytearray(n_pixels * samples * bytes_per_sample)
    target = np.frombuffer(decoded, np.uint8)
    source = np.frombuffer(coded, np.uint8)
    step = samples * bytes_per_sample
    segments = _segments(coded, step)
    for number, (begin, end) in enumerate(segments):
        sample, significance = divmod(number, bytes_per_sample)
        # The most significant byte comes first (G.2), and stands last in little endian.
        first = sample * bytes_per_sample + bytes_per_sample - 1 - significance
        if unpack_runs(source[begin:end], target, first, step) != n_pixels:
            raise DicomError("rle_runs", PIXEL_DATA)
    return decoded


def encode_frame(frame: bytes, columns: int, samples: int, bytes_per_sample: int) -> bytes:
    """Return the RLE coding of a native frame, little endian, colour by pixel; of even length."""
    step = samples * bytes_per_sample
    source = np.frombuffer(frame, np.uint8)
    n_rows = len(frame) // (columns * step)
    room = np.empty(n_rows * (columns + -(-columns // OVERHEAD)), np.uint8)
    segments = []
    for number in range(step):
        sample, significance = divmod(number, bytes_per_sample)
        first = sample * bytes_per_sample + bytes_per_sample - 1 - significance
        length = pack_runs(source, first, step, columns, room)
        segments.append(room[:length].tobytes() + bytes(length % 2))
    begins = np.cumsum([_HEADER, *(len(segment) for segment in segments[:-1])])
    header = np.zeros(_HEADER // 4, "<u4")
    header[0] = step
    header[1 : step + 1] = begins
    return header.tobytes() + b"".join(segments)
