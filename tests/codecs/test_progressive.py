"""Progressive streams in files that say sequential: masked in their coded blocks, too."""

from __future__ import annotations

import subprocess
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pydicom
import pytest
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import (
    ExplicitVRLittleEndian,
    JPEGExtended12Bit,
    SecondaryCaptureImageStorage,
)

from fastdeid.codecs import codec_for
from fastdeid.errors import DicomError
from fastdeid.pixels.masks import Layout
from tests import judges
from tests.codecs.jpegs import Samples, coded, coefficients, shown

BASELINE = "1.2.840.10008.1.2.4.50"
BOX = (20, 30, 44, 90)


def picture(*, colour: bool) -> Samples:
    rng = np.random.default_rng(4)
    noise = cv2.GaussianBlur(rng.normal(0, 300, (93, 150, 3)), (0, 0), 3)
    view = np.clip(np.asarray(noise) + 128, 0, 255).astype(np.uint8)
    return view if colour else np.ascontiguousarray(view[..., 0])


def layout_of(*, colour: bool) -> Layout:
    name = "YBR_FULL_422" if colour else "MONOCHROME2"
    return Layout(93, 150, name, 3 if colour else 1)


CASES = [(False, 0), (True, 0), (True, 1), (True, 2)]


@pytest.mark.parametrize(("colour", "subsampling"), CASES)
def test_a_progressive_frame_shows_what_a_sequential_one_does(
    colour: bool, subsampling: int
) -> None:
    samples = picture(colour=colour)
    options = {"quality": 85, **({"subsampling": subsampling} if colour else {})}
    codec = codec_for(BASELINE, layout_of(colour=colour))
    progressive = coded(samples, progressive=True, **options)
    assert b"\xff\xc2" in progressive
    sequential = codec.decode(coded(samples, **options))
    assert np.array_equal(codec.decode(progressive), sequential)
    # Pillow smooths chrominance between pixels that share it: grey and luminance are compared.
    one, other = (
        np.atleast_3d(seen)[..., 0].astype(int) for seen in (sequential, shown(progressive))
    )
    assert np.abs(one - other).max() <= 1


@pytest.mark.parametrize(("colour", "subsampling"), CASES)
def test_blocks_outside_the_mask_keep_their_coefficients(colour: bool, subsampling: int) -> None:
    samples = picture(colour=colour)
    options = {"quality": 85, **({"subsampling": subsampling} if colour else {})}
    codec = codec_for(BASELINE, layout_of(colour=colour))
    fill = (16, 128, 128) if colour else (0,)
    masked = codec.mask(coded(samples, progressive=True, **options), [BOX], fill)
    # What it has become is what its transfer syntax says: baseline.
    assert b"\xff\xc0" in masked
    assert b"\xff\xc2" not in masked
    top, left, bottom, right = BOX
    inside = shown(masked)[top + 8 : bottom - 8, left + 8 : right - 8]
    assert np.abs(inside.astype(int) - np.array(fill)).max() <= 1
    before, after = coefficients(coded(samples, **options)), coefficients(masked)
    n_changed = 0
    for one, other in zip(before, after, strict=True):
        differs = (one.blocks != other.blocks).any(2)
        n_changed += int(differs.sum())
        # Rows and columns of blocks that the box touches in this component.
        down = 8 * max(part.down for part in before) // one.down
        across = 8 * max(part.across for part in before) // one.across
        outside = np.ones(differs.shape, np.bool_)
        outside[top // down : -(-bottom // down), left // across : -(-right // across)] = False
        # Blocks that pad the picture have no samples, and no coefficients beyond DC.
        outside[-(-93 // down) :] = outside[:, -(-150 // across) :] = False
        assert not differs[outside].any()
    assert n_changed


def test_every_truncated_progressive_frame_is_refused() -> None:
    frame = coded(picture(colour=False), progressive=True)
    codec = codec_for(BASELINE, layout_of(colour=False))
    for end in range(2, len(frame) - 2, max(len(frame) // 40, 1)):
        with pytest.raises(DicomError):
            codec.decode(frame[:end])


def coded_in_12_bits(samples: npt.NDArray[np.uint16], option: str, folder: Path) -> pydicom.Dataset:
    """Return what DCMTK makes of grey samples of 12 bits."""
    data = pydicom.Dataset()
    data.file_meta = pydicom.dataset.FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.SOPClassUID, data.SOPInstanceUID = SecondaryCaptureImageStorage, "1.2.3"
    data.Rows, data.Columns = samples.shape
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 12, 11, 0
    data.PixelData = samples.tobytes()
    source, target = folder / "native.dcm", folder / f"{option}.dcm"
    data.save_as(source, enforce_file_format=True)
    subprocess.run(["dcmcjpeg", option, "+ua", source, target], check=True, timeout=60)
    return pydicom.dcmread(target)


@pytest.mark.parametrize("option", ["+ep", "+es"])
def test_progressive_frames_of_12_bits_are_masked_in_their_blocks(
    option: str, tmp_path: Path
) -> None:
    judges.require("dcmcjpeg")
    rng = np.random.default_rng(4)
    noise = cv2.GaussianBlur(rng.normal(0, 4000, (93, 150)), (0, 0), 3)
    samples = np.clip(np.asarray(noise) + 2000, 0, 4095).astype(np.uint16)
    data = coded_in_12_bits(samples, option, tmp_path)
    frame = next(generate_frames(data.PixelData, number_of_frames=1))
    assert b"\xff\xc2" in frame
    codec = codec_for(JPEGExtended12Bit, Layout(93, 150, "MONOCHROME2", 1, 16, 12, 11))
    masked = codec.mask(frame, [BOX], (0,))
    assert b"\xff\xc1" in masked
    shown_by_dcmtk = []
    for number, one in enumerate((frame, masked)):
        data.PixelData = encapsulate([one])
        if number:
            data.file_meta.TransferSyntaxUID = JPEGExtended12Bit
        source, target = tmp_path / f"{number}.dcm", tmp_path / f"{number}-native.dcm"
        data.save_as(source)
        subprocess.run(["dcmdjpeg", source, target], check=True, timeout=60)
        shown_by_dcmtk.append(pydicom.dcmread(target).pixel_array.astype(int))
    before, after = shown_by_dcmtk
    assert np.abs(codec.decode(frame).astype(int) - before).max() <= 1
    top, left, bottom, right = codec.grown(frame, [BOX])[0]
    outside = np.ones(before.shape, np.bool_)
    outside[top : bottom + 1, left : right + 1] = False
    assert np.array_equal(after[outside], before[outside])
    assert after[BOX[0] : BOX[2], BOX[1] : BOX[3]].max() <= 1
