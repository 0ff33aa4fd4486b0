"""JPEG baseline and extended frames: no block outside a mask changes, ISO/IEC 10918-1."""

from __future__ import annotations

import math
import subprocess
from pathlib import Path
from shutil import which
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.encaps import encapsulate, generate_frames

from fastdeid.codecs import codec_for
from fastdeid.errors import DicomError
from fastdeid.pixels.masks import Layout, fill_samples
from tests.codecs.drawing import drawn, layout
from tests.codecs.jpegs import Part, coded, coefficients, shown

BASELINE, EXTENDED = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51"
BOXES = [(3, 5, 14, 22), (30, 44, 99, 99)]

GREY, COLOUR = layout("MONOCHROME2"), layout("YBR_FULL_422")
STREAMS = {
    "grey": (GREY, {}),
    "grey, inverse": (layout("MONOCHROME1"), {}),
    "grey, own tables": (GREY, {"optimize": True, "quality": 50}),
    "grey, restarts": (GREY, {"restart_marker_blocks": 3}),
    "4:4:4": (COLOUR, {"subsampling": 0, "quality": 95}),
    "4:2:2": (COLOUR, {"subsampling": 1}),
    "4:2:0": (layout("YBR_FULL"), {"subsampling": 2}),
    "4:2:0, own tables": (COLOUR, {"subsampling": 2, "optimize": True, "quality": 30}),
    "4:2:0, restarts": (COLOUR, {"subsampling": 2, "restart_marker_rows": 1}),
    "RGB": (layout("RGB"), {"subsampling": 0, "keep_rgb": True}),
}
each_stream = pytest.mark.parametrize("name", STREAMS)


def made(name: str) -> tuple[Layout, bytes]:
    of, options = STREAMS[name]
    return of, coded(drawn(of), **options)


def touched(part: Part, parts: list[Part], of: Layout, boxes: Any) -> np.ndarray:
    """Return which blocks of a component have a pixel of the picture inside a box."""
    high = 8 * max(one.down for one in parts) / part.down
    wide = 8 * max(one.across for one in parts) / part.across
    places = np.zeros(part.blocks.shape[:2], np.bool_)
    for top, left, bottom, right in boxes:
        rows = slice(math.floor(top / high), math.ceil(min(bottom, of.rows) / high))
        columns = slice(math.floor(left / wide), math.ceil(min(right, of.columns) / wide))
        # What pads the picture at its right and lower edge goes with it.
        rows = slice(rows.start, None) if bottom >= of.rows else rows
        columns = slice(columns.start, None) if right >= of.columns else columns
        places[rows, columns] = True
    return places


@each_stream
def test_only_blocks_under_the_boxes_change(name: str) -> None:
    of, frame = made(name)
    codec = codec_for(BASELINE, of)
    masked = codec.mask(frame, BOXES, fill_samples(codec.layout))
    assert len(masked) % 2 == 0
    before, after = coefficients(frame), coefficients(masked)
    for old, new in zip(before, after, strict=True):
        places = touched(old, before, of, BOXES)
        np.testing.assert_array_equal(new.blocks[~places], old.blocks[~places])
        assert not new.blocks[places][:, 1:].any()
        assert len(set(new.blocks[places][:, 0].tolist())) == 1


@each_stream
def test_another_decoder_sees_black_boxes_and_nothing_else(name: str) -> None:
    of, frame = made(name)
    codec = codec_for(BASELINE, of)
    fill = fill_samples(codec.layout)
    masked = codec.mask(frame, BOXES, fill)
    before, after = shown(frame), shown(masked)
    grown = np.zeros(before.shape[:2], np.bool_)
    for top, left, bottom, right in codec.grown(frame, BOXES):
        # Pillow smooths chrominance from one block to the next.
        grown[max(top - 1, 0) : bottom + 1, max(left - 1, 0) : right + 1] = True
    assert grown.mean() < 0.6
    np.testing.assert_array_equal(after[~grown], before[~grown])
    for top, left, bottom, right in BOXES:
        inside = after[top:bottom, left:right].reshape(-1, of.samples_per_pixel)
        step = 3 if name == "4:2:0, own tables" else 1
        assert np.abs(inside.astype(int) - fill).max() <= step


@each_stream
def test_samples_are_those_of_another_decoder(name: str) -> None:
    of, frame = made(name)
    decoded = codec_for(BASELINE, of).decode(frame)
    differences = np.abs(decoded.astype(int) - shown(frame))
    # Pillow smooths shared chrominance; without that two decoders differ by rounding.
    assert differences.max() <= (1 if "4:2" not in name else 90)
    assert differences[..., :1].max() <= 1


@each_stream
def test_grown_boxes_hold_every_block_that_a_box_touches(name: str) -> None:
    of, frame = made(name)
    codec = codec_for(BASELINE, of)
    side = 16 if "4:2" in name else 8
    high = 16 if "4:2:0" in name else 8
    assert codec.grown(frame, [(3, 5, 14, 22)]) == [(0, 0, 16, -(-22 // side) * side)]
    assert codec.grown(frame, [(30, 44, 99, 99)]) == [
        (30 // high * high, 44 // side * side, 37, 50)
    ]


@pytest.mark.parametrize("quantiser", [1, 2, 3, 7, 11, 16, 99, 255])
def test_black_and_white_stay_so_with_any_quantiser(quantiser: int) -> None:
    for photometric, level in (("MONOCHROME2", 0), ("MONOCHROME1", 255)):
        of = layout(photometric)
        frame = coded(drawn(of), qtables=[[quantiser] * 64])
        codec = codec_for(BASELINE, of)
        masked = codec.mask(frame, [(0, 0, 8, 8)], fill_samples(of))
        assert set(shown(masked)[:8, :8].reshape(-1).tolist()) == {level}


def test_tables_without_the_codes_of_a_mask_are_replaced() -> None:
    flat = np.full((64, 64), 128, np.uint8)
    of = Layout(64, 64, "MONOCHROME2")
    frame = coded(flat, optimize=True)
    codec = codec_for(BASELINE, of)
    # One DC and one AC symbol: all blocks are alike.
    assert b"\xff\xc4\x00\x14\x00\x01" + bytes(15) + b"\x00" in frame
    masked = codec.mask(frame, [(8, 8, 16, 16)], (0,))
    expected = flat.copy()
    expected[8:16, 8:16] = 0
    np.testing.assert_array_equal(shown(masked), expected)


def test_comments_of_a_masked_frame_go() -> None:
    frame = coded(drawn(GREY), comment=b"DOE^JANE", exif=b"Exif\0\0DOE^JANE")
    assert frame.count(b"DOE^JANE") == 2
    codec = codec_for(BASELINE, GREY)
    masked = codec.mask(frame, BOXES, (0,))
    assert b"DOE" not in masked
    assert b"JFIF" in masked
    assert codec.mask(frame, [], (0,)) == frame


def test_colours_that_the_header_calls_otherwise_are_converted() -> None:
    """A stream with a JFIF header holds Y Cb Cr, whatever the data set says (T.871)."""
    frame = coded(drawn(COLOUR), subsampling=0, quality=95)
    assert b"JFIF" in frame
    codec = codec_for(BASELINE, layout("RGB"))
    assert codec.layout.photometric_interpretation == "RGB"
    differences = np.abs(codec.decode(frame).astype(int) - shown(frame, as_stored=False))
    assert differences.max() <= 3
    masked = codec.mask(frame, BOXES, (0, 0, 0))
    assert shown(masked, as_stored=False)[3:14, 5:22].max() <= 2


REAL = {
    "JPGExtended.dcm": EXTENDED,
    "JPEG-lossy.dcm": EXTENDED,
    "SC_rgb_jpeg_dcmtk.dcm": BASELINE,
    "SC_rgb_dcmtk_+eb+cr.dcm": BASELINE,
    "SC_rgb_dcmtk_+eb+cy+n1.dcm": BASELINE,
    "SC_rgb_dcmtk_+eb+cy+s4.dcm": BASELINE,
    "SC_rgb_small_odd_jpeg.dcm": BASELINE,
}


def layout_of(data: pydicom.Dataset) -> Layout:
    return Layout(
        *(data.Rows, data.Columns, data.PhotometricInterpretation, data.SamplesPerPixel),
        *(data.BitsAllocated, data.BitsStored, data.HighBit, bool(data.PixelRepresentation)),
    )


@pytest.mark.jit  # Real frames are too large for interpreted kernels.
@pytest.mark.parametrize("name", REAL)
def test_dcmtk_reads_masked_real_files(name: str, tmp_path: Path) -> None:
    if which("dcmdjpeg") is None:
        pytest.skip("DCMTK is not installed")
    path = get_testdata_file(name, download=False)
    assert isinstance(path, str)
    data = pydicom.dcmread(path)
    frame = next(generate_frames(data.PixelData, number_of_frames=1))
    codec = codec_for(data.file_meta.TransferSyntaxUID, layout_of(data))
    box = (0, 0, data.Rows // 3, data.Columns // 2)
    masked = codec.mask(frame, [box], fill_samples(codec.layout))
    for number, coded_frame in enumerate((frame, masked)):
        data.PixelData = encapsulate([coded_frame])
        source, target = tmp_path / f"{number}.dcm", tmp_path / f"{number}-native.dcm"
        data.save_as(source)
        subprocess.run(["dcmdjpeg", "+cn", source, target], check=True, timeout=60)
    before, after = (pydicom.dcmread(tmp_path / f"{n}-native.dcm") for n in (0, 1))
    for one in (before, after):
        one.pixel_array_options(raw=True)
    old, new = before.pixel_array.astype(int), after.pixel_array.astype(int)
    (top, left, bottom, right) = codec.grown(frame, [box])[0]
    outside = np.ones(old.shape[:2], np.bool_)
    outside[top : bottom + 1, left : right + 1] = False
    np.testing.assert_array_equal(new[outside], old[outside])
    inside = new[: box[2], : box[3]].reshape(-1, data.SamplesPerPixel)
    assert (inside.max(0) - inside.min(0)).max() <= 1
    own = codec.decode(frame).astype(int)
    close = np.abs(own - old) if own.ndim == 2 else np.abs(own - old)[..., 0]
    assert close.max() <= 1 or data.PhotometricInterpretation == "RGB"


@pytest.mark.parametrize("kind", [0xC3, 0xC5, 0xC9, 0xCB])
def test_other_processes_are_refused(kind: int) -> None:
    frame = bytearray(coded(drawn(GREY)))
    frame[frame.index(b"\xff\xc0") + 1] = kind
    with pytest.raises(DicomError, match="unsupported_jpeg_process"):
        codec_for(BASELINE, GREY).decode(bytes(frame))


def test_every_proper_prefix_is_refused() -> None:
    frame = coded(drawn(COLOUR), restart_marker_blocks=2)
    codec = codec_for(BASELINE, COLOUR)
    whole = frame.rindex(b"\xff\xd9")
    for length in [*range(640), *range(640, whole + 2, 7)]:
        with pytest.raises(DicomError):
            codec.decode(frame[:length])
    codec.decode(frame)
