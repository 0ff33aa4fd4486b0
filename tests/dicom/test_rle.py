"""RLE Lossless frames, PS3.5 annex G, against pydicom."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.pixels.decoders.rle import _rle_decode_frame
from pydicom.pixels.encoders.base import RLELosslessEncoder

from fastdeid.dicom.rle import decode_frame, encode_frame
from fastdeid.errors import DicomError

SHAPES = st.tuples(
    *[st.integers(1, 9)] * 2,
    st.sampled_from([1, 3]),
    st.sampled_from([1, 2, 4]),
    st.integers(2, 256),
)


def drawn(shape: tuple[int, ...], seed: int = 1) -> bytes:
    rows, columns, samples, width, levels = shape
    rng = np.random.default_rng(seed)
    return rng.integers(0, levels, rows * columns * samples * width).astype(np.uint8).tobytes()


@given(SHAPES, st.integers(0, 99))
def test_what_is_encoded_is_decoded(shape: tuple[int, ...], seed: int) -> None:
    rows, columns, samples, width, _ = shape
    frame = drawn(shape, seed)
    coded = encode_frame(frame, columns, samples, width)
    assert len(coded) % 2 == 0
    assert decode_frame(coded, rows * columns, samples, width) == frame


@given(SHAPES)
def test_pydicom_decodes_what_is_encoded(shape: tuple[int, ...]) -> None:
    rows, columns, samples, width, _ = shape
    frame = drawn(shape)
    coded = encode_frame(frame, columns, samples, width)
    planes = _rle_decode_frame(coded, rows, columns, samples, 8 * width)
    by_plane = np.frombuffer(planes, np.uint8).reshape(samples, rows * columns, width)
    assert by_plane.transpose(1, 0, 2).tobytes() == frame


@pytest.mark.parametrize("width", [1, 2])
def test_what_pydicom_encodes_is_decoded(width: int) -> None:
    frame = drawn((7, 6, 1, width, 4))
    coded = RLELosslessEncoder.encode(
        np.frombuffer(frame, f"<u{width}").reshape(7, 6),
        rows=7,
        columns=6,
        samples_per_pixel=1,
        number_of_frames=1,
        bits_allocated=8 * width,
        bits_stored=8 * width,
        pixel_representation=0,
        photometric_interpretation="MONOCHROME2",
        encoding_plugin="pydicom",
    )
    assert decode_frame(coded, 42, 1, width) == frame


def damaged(coded: bytes, at: int, value: int) -> bytes:
    return coded[:at] + value.to_bytes(4, "little") + coded[at + 4 :]


@pytest.mark.parametrize(
    ("at", "value", "reason"),
    [
        (0, 1, "rle_segments"),
        (0, 99, "rle_segments"),
        (4, 9999, "rle_segments"),
        (8, 65, "rle_runs"),
    ],
)
def test_segments_that_do_not_fill_the_frame_are_refused(at: int, value: int, reason: str) -> None:
    coded = encode_frame(drawn((4, 4, 1, 2, 3)), 4, 1, 2)
    with pytest.raises(DicomError, match=reason):
        decode_frame(damaged(coded, at, value), 16, 1, 2)
    with pytest.raises(DicomError, match="truncated"):
        decode_frame(coded[:60], 16, 1, 2)
