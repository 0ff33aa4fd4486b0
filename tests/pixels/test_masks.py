"""Native frames after masking, decoded by pydicom: boxes black, everything else as it was."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.pixels.processing import apply_color_lut, convert_color_space

from fastdeid.errors import DicomError
from fastdeid.pixels.masks import Box, Layout, darkest_index, fill_samples, mask_boxes

BOXES = [Box(2, 3, 5, 8), Box(-4, 9, 1, 99), Box(7, 7, 7, 9)]
ROWS, COLUMNS = 9, 12


def masked_places() -> npt.NDArray[np.bool_]:
    places = np.zeros((ROWS, COLUMNS), np.bool_)
    places[2:5, 3:8] = places[0:1, 9:12] = True
    return places


def layout(photometric: str, **attributes: Any) -> Layout:
    bits = attributes.get("bits_allocated", 8)
    stored = attributes.setdefault("bits_stored", bits)
    attributes.setdefault("high_bit", stored - 1)
    return Layout(ROWS, COLUMNS, photometric, **attributes)


def decoded(frame: bytes, of: Layout) -> npt.NDArray[Any]:
    """Decode one frame with pydicom, without converting colours."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    dataset.Rows, dataset.Columns = of.rows, of.columns
    dataset.PhotometricInterpretation = of.photometric_interpretation
    dataset.SamplesPerPixel = of.samples_per_pixel
    dataset.BitsAllocated, dataset.BitsStored = of.bits_allocated, of.bits_stored
    dataset.HighBit, dataset.PixelRepresentation = of.high_bit, int(of.signed)
    if of.samples_per_pixel > 1:
        dataset.PlanarConfiguration = of.planar_configuration
    dataset.PixelData = frame + bytes(len(frame) % 2)
    dataset["PixelData"].VR = "OB" if of.bits_allocated == 8 else "OW"
    dataset.pixel_array_options(raw=True)
    return dataset.pixel_array


def masked(frame: bytes, of: Layout, fill: tuple[int, ...]) -> bytes:
    changed = bytearray(frame)
    mask_boxes(changed, of, BOXES, fill)
    return bytes(changed)


def noise(of: Layout) -> bytes:
    return np.random.default_rng(3).bytes(of.frame_length)


GREYS = [
    pytest.param(layout("MONOCHROME2"), 0, id="8 bits"),
    pytest.param(layout("MONOCHROME1"), 255, id="8 bits, bright is low"),
    pytest.param(layout("MONOCHROME2", bits_allocated=16, bits_stored=12), 0, id="12 of 16"),
    pytest.param(layout("MONOCHROME1", bits_allocated=16, bits_stored=12), 4095, id="12, inverse"),
    pytest.param(layout("MONOCHROME2", bits_allocated=16, signed=True), -32768, id="16 signed"),
    pytest.param(
        layout("MONOCHROME2", bits_allocated=16, bits_stored=12, signed=True), -2048, id="12 signed"
    ),
    pytest.param(
        layout("MONOCHROME1", bits_allocated=16, bits_stored=12, signed=True), 2047, id="12 inverse"
    ),
    pytest.param(layout("MONOCHROME2", bits_allocated=32), 0, id="32 bits"),
    pytest.param(layout("MONOCHROME2", bits_allocated=32, signed=True), -(2**31), id="32 signed"),
]


@pytest.mark.parametrize(("of", "black"), GREYS)
def test_grey_frames_get_the_darkest_stored_value(of: Layout, black: int) -> None:
    frame = noise(of)
    before, after = decoded(frame, of), decoded(masked(frame, of, fill_samples(of)), of)
    inside = masked_places()
    assert np.array_equal(after[~inside], before[~inside])
    assert set(after[inside].tolist()) == {black}


def test_a_falling_rescale_slope_turns_dark_and_bright_round() -> None:
    of = layout("MONOCHROME2", bits_allocated=16, bits_stored=10)
    assert fill_samples(of, falling=True) == (1023,)


def test_stored_bits_that_stand_high_are_filled_where_they_stand() -> None:
    of = layout("MONOCHROME1", bits_allocated=16, bits_stored=12, high_bit=15)
    assert fill_samples(of) == (0xFFF0,)


@pytest.mark.parametrize("planar", [0, 1])
@pytest.mark.parametrize("bits", [8, 16])
def test_colour_frames_get_black_in_every_plane(planar: int, bits: int) -> None:
    of = layout("RGB", samples_per_pixel=3, bits_allocated=bits, planar_configuration=planar)
    frame = noise(of)
    before, after = decoded(frame, of), decoded(masked(frame, of, fill_samples(of)), of)
    inside = masked_places()
    assert np.array_equal(after[~inside], before[~inside])
    assert not after[inside].any()


@pytest.mark.parametrize("planar", [0, 1])
def test_luminance_and_chrominance_are_dark_and_colourless(planar: int) -> None:
    of = layout("YBR_FULL", samples_per_pixel=3, planar_configuration=planar)
    frame = noise(of)
    before, after = decoded(frame, of), decoded(masked(frame, of, fill_samples(of)), of)
    inside = masked_places()
    assert np.array_equal(after[~inside], before[~inside])
    assert convert_color_space(after, "YBR_FULL", "RGB")[inside].max() <= 16


def test_pixels_that_share_their_chrominance_are_masked_in_pairs() -> None:
    of = layout("YBR_FULL_422", samples_per_pixel=3)
    frame = noise(of)
    before, after = decoded(frame, of), decoded(masked(frame, of, fill_samples(of)), of)
    inside = masked_places()
    inside[2:5, 2] = inside[0, 8] = True  # the other halves of pairs
    assert np.array_equal(after[~inside], before[~inside])
    assert after[inside].tolist() == [[16, 128, 128]] * int(inside.sum())


def test_palette_frames_get_an_index_that_is_black() -> None:
    of = layout("PALETTE COLOR")
    tables = np.random.default_rng(4).integers(99, 65536, (3, 256)).astype(np.uint16)
    tables[:, 77] = 0
    index = darkest_index(*tables)
    after = decoded(masked(noise(of), of, fill_samples(of, palette_index=index)), of)
    palette = Dataset()
    for name, table in zip(("Red", "Green", "Blue"), tables, strict=True):
        setattr(palette, f"{name}PaletteColorLookupTableDescriptor", [256, 0, 16])
        setattr(palette, f"{name}PaletteColorLookupTableData", table.tobytes())
    assert not apply_color_lut(after, palette)[masked_places()].any()


def test_big_endian_samples_are_filled_in_their_order() -> None:
    of = layout("MONOCHROME1", bits_allocated=16, bits_stored=12)
    frame = bytearray(of.frame_length)
    mask_boxes(frame, of, BOXES, fill_samples(of), big_endian=True)
    assert set(np.frombuffer(frame, ">u2")[masked_places().reshape(-1)].tolist()) == {4095}


@pytest.mark.parametrize(
    "of",
    [layout("CMYK", samples_per_pixel=4), layout("PALETTE COLOR"), layout("RGB"), layout("HSV")],
    ids=lambda of: of.photometric_interpretation,
)
def test_what_black_is_must_be_known(of: Layout) -> None:
    with pytest.raises(DicomError, match="unsupported_photometric_interpretation"):
        fill_samples(of)


def test_a_frame_of_another_length_is_refused() -> None:
    with pytest.raises(DicomError, match="frame_length"):
        mask_boxes(bytearray(5), layout("MONOCHROME2"), BOXES, (0,))
    with pytest.raises(DicomError, match="unsupported_bits_allocated"):
        mask_boxes(bytearray(5), layout("MONOCHROME2", bits_allocated=1), BOXES, (0,))
