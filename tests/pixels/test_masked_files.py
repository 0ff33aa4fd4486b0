"""A name that is burnt into a file's pixels goes; every other sample stays as it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import generate_fragments, parse_basic_offsets
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian

from fastdeid.outcome import Outcome
from fastdeid.pixels.modes import PixelMode
from fastdeid.verdicts import Verdict
from tests.pixels.files import (
    COLUMNS,
    NATIVE,
    ROWS,
    STROKES,
    attributes,
    codes_of,
    colour,
    frames_of,
    grey,
    outside,
    read,
    run_length,
    treat,
    written,
)

Samples = npt.NDArray[Any]

CLEAN = grey(40, 40)
WRITTEN = grey(40, 230)


def check(before: bytes, outcome: Outcome, after: bytes, black: Any) -> None:
    """Assert that the strokes are black, and that all else is as it was."""
    assert outcome.verdict is Verdict.OK, outcome.reason
    old, new = (frames_of(read(data)) for data in (before, after))
    left = outside(outcome, len(old))
    assert left.mean() > 0.75
    assert np.array_equal(new[left], old[left])
    assert (new[~left] == black).all()
    assert (left[:, STROKES] == 0).mean() >= 0.9
    ds = read(after)
    assert ds.BurnedInAnnotation == "NO"
    assert "113101" in codes_of(ds)


def palette(ds: Dataset) -> Dataset:
    """Give an image a palette in which entry 3 is black, and large ones are bright."""
    entries = np.clip(np.arange(256) * 257 + 9000, 0, 65535).astype("<u2")
    entries[3] = 0
    for name in ("Red", "Green", "Blue"):
        setattr(ds, f"{name}PaletteColorLookupTableDescriptor", [256, 0, 16])
        setattr(ds, f"{name}PaletteColorLookupTableData", entries.tobytes())
    ds.PhotometricInterpretation = "PALETTE COLOR"
    return ds


def subsampled(frame: Samples) -> bytes:
    """Return Y1 Y2 Cb Cr of a frame whose chrominance is even in pairs of pixels."""
    pairs = np.empty((ROWS, COLUMNS // 2, 4), np.uint8)
    pairs[..., 0], pairs[..., 1] = frame[:, 0::2, 0], frame[:, 1::2, 0]
    pairs[..., 2:] = frame[:, 0::2, 1:]
    return pairs.tobytes()


RGB = colour((20, 25, 30), (240, 230, 60))
YBR = np.stack([WRITTEN, np.full_like(CLEAN, 120), np.full_like(CLEAN, 140)], 2)
COLOURED: dict[str, Any] = {"SamplesPerPixel": 3, "PlanarConfiguration": 0}
# Attributes, bytes of the frame little endian, and the stored sample that is black.
LAYOUTS: dict[str, tuple[dict[str, Any], bytes, Any]] = {
    "grey": ({}, WRITTEN.tobytes(), 0),
    "MONOCHROME1": ({"PhotometricInterpretation": "MONOCHROME1"}, WRITTEN.tobytes(), 255),
    "12 of 16 bits": (
        {"BitsAllocated": 16, "BitsStored": 12},
        grey(300, 3900, "<u2").tobytes(),
        0,
    ),
    "signed": (
        {"BitsAllocated": 16, "BitsStored": 12, "PixelRepresentation": 1},
        grey(-900, 1500, "<i2").tobytes(),
        -2048,
    ),
    "32 bits": ({"BitsAllocated": 32}, grey(70_000, 4_000_000, "<u4").tobytes(), 0),
    "RGB": ({**COLOURED, "PhotometricInterpretation": "RGB"}, RGB.tobytes(), 0),
    "RGB by plane": (
        {**COLOURED, "PlanarConfiguration": 1, "PhotometricInterpretation": "RGB"},
        np.ascontiguousarray(np.moveaxis(RGB, 2, 0)).tobytes(),
        0,
    ),
    "RGB of 16 bits": (
        {**COLOURED, "BitsAllocated": 16, "PhotometricInterpretation": "RGB"},
        (RGB.astype("<u2") * 257).tobytes(),
        0,
    ),
    "YBR_FULL": (
        {**COLOURED, "PhotometricInterpretation": "YBR_FULL"},
        YBR.tobytes(),
        (16, 128, 128),
    ),
    "YBR_FULL_422": (
        {**COLOURED, "PhotometricInterpretation": "YBR_FULL_422"},
        subsampled(YBR),
        (16, 128, 128),
    ),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_burnt_in_name_goes_from_native_frames(name: str, tmp_path: Path) -> None:
    more, pixels, black = LAYOUTS[name]
    before = written(attributes(**more), pixels)
    check(before, *treat(before, tmp_path), black)


def test_samples_that_are_all_there_are_masked_as_such_whatever_the_attribute_says(
    tmp_path: Path,
) -> None:
    # What decompresses JPEG often leaves YBR_FULL_422 behind: Y Cb Cr of every pixel.
    more = {**COLOURED, "PhotometricInterpretation": "YBR_FULL_422", "NumberOfFrames": 2}
    before = written(attributes(**more), YBR.tobytes() * 2)
    outcome, after = treat(before, tmp_path)
    assert outcome.verdict is Verdict.OK, outcome.reason
    shown = np.frombuffer(read(after).PixelData, np.uint8).reshape(2, ROWS, COLUMNS, 3)
    left = outside(outcome, 2)
    assert np.array_equal(shown[left], np.stack([YBR, YBR])[left])
    assert (shown[~left] == (16, 128, 128)).all()
    assert (left[:, STROKES] == 0).mean() >= 0.9


def test_a_palette_is_masked_with_its_darkest_entry(tmp_path: Path) -> None:
    before = written(palette(attributes()), WRITTEN.tobytes())
    check(before, *treat(before, tmp_path), 3)


@pytest.mark.parametrize("syntax", NATIVE, ids=lambda syntax: syntax.name)
def test_every_native_transfer_syntax_is_masked(syntax: str, tmp_path: Path) -> None:
    frame = grey(300, 60_000, "<u2")
    order = ">u2" if syntax == ExplicitVRBigEndian else "<u2"
    before = written(attributes(BitsAllocated=16), frame.astype(order).tobytes(), syntax)
    check(before, *treat(before, tmp_path), 0)
    assert read(treat(before, tmp_path)[1]).file_meta.TransferSyntaxUID == syntax


def test_bytes_that_big_endian_words_swap_are_masked_where_they_stand(tmp_path: Path) -> None:
    # PS3.5 section 8.1.1: of OW, the first of two samples of 8 bits is the less significant byte.
    swapped = np.frombuffer(WRITTEN.tobytes(), "<u2").byteswap().tobytes()
    before = written(attributes(), swapped, ExplicitVRBigEndian)
    check(before, *treat(before, tmp_path), 0)


def test_single_bits_of_a_scanned_page_are_masked(tmp_path: Path) -> None:
    # 3 frames of 96 x 191 bits: the second and third begin within a byte.
    page = (STROKES & (np.arange(COLUMNS) < COLUMNS - 1))[:, :-1]
    frames = np.stack([np.zeros_like(page), page, page])
    bits = np.packbits(frames.reshape(-1), bitorder="little").tobytes()
    more = {"BitsAllocated": 1, "NumberOfFrames": 3, "Columns": COLUMNS - 1}
    outcome, after = treat(written(attributes(**more), bits), tmp_path)
    assert outcome.frames_masked >= 2
    ds = read(after)
    flat = np.unpackbits(np.frombuffer(ds.PixelData, np.uint8), bitorder="little")
    shown = flat[: frames.size].reshape(frames.shape)
    assert not shown[0].any()
    assert shown[1:].sum() < 0.1 * frames[1:].sum()


def test_a_segmentation_of_single_bits_passes_untouched(tmp_path: Path) -> None:
    bits = np.packbits(STROKES.reshape(-1), bitorder="little").tobytes()
    more = {"BitsAllocated": 1, "SOPClassUID": "1.2.840.10008.5.1.4.1.1.66.4", "Modality": "SEG"}
    outcome, after = treat(written(attributes(**more), bits), tmp_path)
    assert (outcome.verdict, outcome.frames_examined) == (Verdict.OK, 0)
    ds = read(after)
    assert ds.PixelData == bits
    assert "113101" not in codes_of(ds)


# Coded frames -------------------------------------------------------------------------------


@pytest.mark.parametrize("tables", ["basic", "extended", "none"])
def test_only_the_frames_with_text_are_coded_anew(tables: str, tmp_path: Path) -> None:
    before = run_length(attributes(), [CLEAN, WRITTEN, CLEAN], tables=tables)
    outcome, after = treat(before, tmp_path)
    assert (outcome.frames_examined, outcome.frames_masked) == (3, 1)
    old, new = read(before), read(after)
    parts = [list(generate_fragments(ds.PixelData)) for ds in (old, new)]
    assert [one == other for one, other in zip(*parts, strict=True)][-3:] == [True, False, True]
    frames = frames_of(new)
    assert np.array_equal(frames[[0, 2]], np.stack([CLEAN, CLEAN]))
    assert (frames[1][STROKES] == 0).mean() >= 0.9
    if tables == "basic":
        starts = np.cumsum([0, *(8 + len(part) for part in parts[1][-3:-1])])
        assert parse_basic_offsets(new.PixelData) == starts.tolist()
    if tables == "extended":
        starts = np.cumsum([0, *(8 + len(part) for part in parts[1][-3:-1])])
        assert np.frombuffer(new.ExtendedOffsetTable, "<u8").tolist() == starts.tolist()
        sizes = [len(part) for part in parts[1][-3:]]
        assert np.frombuffer(new.ExtendedOffsetTableLengths, "<u8").tolist() == sizes


@pytest.mark.parametrize("name", ["grey", "signed", "RGB"])
def test_coded_frames_are_masked_as_native_ones_are(name: str, tmp_path: Path) -> None:
    more, pixels, black = LAYOUTS[name]
    ds = attributes(**more)
    native = read(written(attributes(**more), pixels))
    before = run_length(ds, list(frames_of(native)))
    check(before, *treat(before, tmp_path), black)


def test_a_coded_frame_that_cannot_be_decoded_is_quarantined(tmp_path: Path) -> None:
    before = run_length(attributes(), [CLEAN, WRITTEN])
    at = before.rindex(b"\xfe\xff\x00\xe0") + 8
    damaged = before[:at] + b"\x09" + before[at + 1 :]  # nine segments of one sample
    outcome, after = treat(damaged, tmp_path)
    assert (outcome.verdict, outcome.tag, after) == (Verdict.QUARANTINED, 0x7FE00010, b"")


# What stays, and what is told ---------------------------------------------------------------


@pytest.mark.parametrize("coded", [False, True])
def test_pixel_data_without_text_keeps_every_byte(coded: bool, tmp_path: Path) -> None:
    ds = attributes(NumberOfFrames=2, BurnedInAnnotation="YES")
    frames = [CLEAN, CLEAN + 1]
    before = run_length(ds, frames) if coded else written(ds, b"".join(f.tobytes() for f in frames))
    outcome, after = treat(before, tmp_path)
    assert read(after).PixelData == read(before).PixelData
    assert (outcome.frames_examined, outcome.frames_masked, outcome.masks) == (2, 0, ())
    assert read(after).BurnedInAnnotation == "NO"
    assert "113101" in codes_of(read(after))


@pytest.mark.parametrize("mode", [PixelMode.OFF, PixelMode.REGIONS])
def test_what_was_not_examined_is_not_claimed(mode: PixelMode, tmp_path: Path) -> None:
    before = written(attributes(BurnedInAnnotation="YES"), WRITTEN.tobytes())
    outcome, after = treat(before, tmp_path, mode=mode)
    ds = read(after)
    assert ds.PixelData == WRITTEN.tobytes()
    assert (ds.BurnedInAnnotation, outcome.frames_examined) == ("YES", 0)
    assert "113101" not in codes_of(ds)


def test_pixel_data_of_another_length_than_its_frames_is_quarantined(tmp_path: Path) -> None:
    before = written(attributes(NumberOfFrames=3), CLEAN.tobytes() * 2)
    outcome, _ = treat(before, tmp_path)
    assert (outcome.verdict, outcome.reason) == (Verdict.QUARANTINED, "pixel_data_length")


def test_frames_behind_the_last_one_are_not_passed_on_unseen(tmp_path: Path) -> None:
    before = written(attributes(), CLEAN.tobytes() + WRITTEN.tobytes())
    outcome, _ = treat(before, tmp_path)
    assert (outcome.verdict, outcome.reason) == (Verdict.QUARANTINED, "pixel_data_length")


def test_a_page_full_of_text_is_quarantined(tmp_path: Path) -> None:
    page = np.full((ROWS, COLUMNS), 40, np.uint8)
    strip = WRITTEN[24:44]
    for top in range(0, 80, 20):
        page[top : top + 20] = strip
    outcome, _ = treat(written(attributes(), page.tobytes()), tmp_path)
    assert (outcome.verdict, outcome.reason) == (Verdict.QUARANTINED, "text_over_a_quarter")


def test_float_pixel_data_passes_untouched(tmp_path: Path) -> None:
    ds = attributes(SOPClassUID="1.2.840.10008.5.1.4.1.1.30", Modality="MR", BitsAllocated=32)
    values = grey(0.0, 1.0, np.float32)
    ds.FloatPixelData = values.tobytes()
    data = written(ds, b"")
    head = data[: data.index(b"\xe0\x7f\x10\x00")]
    outcome, after = treat(head, tmp_path)
    assert (outcome.verdict, outcome.frames_examined) == (Verdict.OK, 0)
    assert read(after).FloatPixelData == values.tobytes()


def test_frames_behind_the_window_are_masked_on_their_way(tmp_path: Path) -> None:
    # 8 frames are more than what is read of a file at once: they never stand in memory together.
    frames = [CLEAN, WRITTEN, CLEAN, CLEAN, WRITTEN, CLEAN, CLEAN, CLEAN]
    more = {"NumberOfFrames": 8}
    before = written(attributes(**more), b"".join(frame.tobytes() for frame in frames))
    outcome, after = treat(before, tmp_path)
    assert outcome.frames_masked == 2
    shown = frames_of(read(after))
    for number, frame in enumerate(frames):
        if frame is CLEAN:
            assert np.array_equal(shown[number], CLEAN)
        else:
            assert (shown[number][STROKES] == 0).mean() >= 0.9
    assert read(after).file_meta.TransferSyntaxUID == ExplicitVRLittleEndian


def test_the_same_file_gives_the_same_bytes(tmp_path: Path) -> None:
    before = run_length(attributes(), [CLEAN, WRITTEN])
    assert treat(before, tmp_path) == treat(before, tmp_path)
