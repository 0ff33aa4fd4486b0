"""JPEG lossless: predictors, point transform, restarts and single scans stay; annex H."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("imagecodecs")

import imagecodecs

from fastdeid.codecs import codec_for
from fastdeid.codecs.huffman import N_TABLES, best_table
from fastdeid.codecs.jpeg import segment
from fastdeid.errors import DicomError
from fastdeid.pixels.masks import Layout
from tests.codecs.coding import LOSSLESS, lossless_frame
from tests.codecs.drawing import BOXES, drawn, expected, layout
from tests.kernels.naive_jpeg import codes_of
from tests.kernels.naive_lossless import Lossless, write_samples

TABLE = best_table([1] * 17)
CODES = [codes_of(*TABLE)] + [{}] * (N_TABLES - 1)


def made(
    samples: Any, of: Layout, *, low: int = 0, n_lines: int = 0, together: bool = True
) -> bytes:
    """Return a stream that a reader of annex H can check: predictor 4, one table."""
    planes = np.moveaxis(samples.reshape(of.rows, of.columns, -1), 2, 0) >> low
    n, bits = len(planes), of.bits_stored
    size = of.rows.to_bytes(2, "big") + of.columns.to_bytes(2, "big")
    parts = b"".join(bytes([number + 1, 0x11, 0]) for number in range(n))
    coded = b"\xff\xd8" + segment(0xC3, bytes([bits]) + size + bytes([n]) + parts)
    coded += segment(0xC4, TABLE.segment(0))
    coded += segment(0xDD, (n_lines * of.columns).to_bytes(2, "big"))
    for chosen in [range(n)] if together else [[number] for number in range(n)]:
        scan = Lossless(
            *(n_lines or of.rows, list(chosen), [0] * len(chosen), 4, 1 << (bits - low - 1), CODES)
        )
        header = b"".join(bytes([number + 1, 0]) for number in chosen)
        coded += segment(0xDA, bytes([len(chosen)]) + header + bytes([4, 0, low]))
        coded += write_samples(planes.tolist(), scan)
    return coded + b"\xff\xd9"


@pytest.mark.parametrize("predictor", range(1, 8))
def test_every_predictor_stays(predictor: int) -> None:
    of = layout("MONOCHROME2", 16, 12)
    coded = lossless_frame(drawn(of), of, predictor)
    codec = codec_for(LOSSLESS, of)
    np.testing.assert_array_equal(codec.decode(coded), drawn(of))
    masked = codec.mask(coded, BOXES, (0,))
    assert masked[masked.index(b"\xff\xda") + 7] == predictor
    np.testing.assert_array_equal(imagecodecs.jpeg8_decode(masked), expected(drawn(of), of, (0,)))


@pytest.mark.parametrize("photometric", ["MONOCHROME2", "RGB"])
@pytest.mark.parametrize(
    "options",
    [
        {"low": 2},
        {"n_lines": 1},
        {"n_lines": 5},
        {"together": False},
        {"together": False, "n_lines": 9},
    ],
    ids=str,
)
def test_point_transform_restarts_and_scans_stay(photometric: str, options: dict[str, Any]) -> None:
    of = layout(photometric)
    coded = made(drawn(of), of, **options)
    codec = codec_for(LOSSLESS, of)
    low = options.get("low", 0)
    samples = drawn(of) >> low << low
    np.testing.assert_array_equal(codec.decode(coded), samples)
    masked = codec.mask(coded, BOXES, (0, 0, 0)[: of.samples_per_pixel])
    for marker in (b"\xff\xda", b"\xff\xd0", b"\xff\xc3\x00"):
        assert masked.count(marker) == coded.count(marker)
    after = expected(samples, of, (0, 0, 0)[: of.samples_per_pixel])
    np.testing.assert_array_equal(codec.decode(masked), after)
    if photometric == "MONOCHROME2":
        np.testing.assert_array_equal(imagecodecs.jpeg8_decode(masked), after)


def test_a_difference_of_32768_has_no_bits_behind_its_symbol() -> None:
    of = Layout(1, 2, "MONOCHROME2", 1, 16, 16, 15)
    samples = np.array([[32768, 0]], np.uint16)
    codec = codec_for(LOSSLESS, of)
    coded = made(samples, of)
    np.testing.assert_array_equal(codec.decode(coded), samples)
    masked = codec.mask(coded, [(0, 0, 1, 1)], (0,))
    np.testing.assert_array_equal(codec.decode(masked), [[0, 0]])


def test_every_proper_prefix_is_refused() -> None:
    of = layout("RGB")._replace(rows=9, columns=10)
    frame = made(drawn(of), of, n_lines=5)
    codec = codec_for(LOSSLESS, of)
    for length in range(0, len(frame) - 1, 5):
        with pytest.raises(DicomError):
            codec.decode(frame[:length])
    codec.decode(frame)
