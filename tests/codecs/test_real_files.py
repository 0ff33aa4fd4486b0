"""Coded frames of real files: decoded as GDCM does, and masked without a change elsewhere."""

from __future__ import annotations

import subprocess
from pathlib import Path
from shutil import which
from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom
import pytest
from pydicom.encaps import generate_frames

pytest.importorskip("imagecodecs")
pytest.importorskip("jpeg_ls")

from fastdeid.codecs import codec_for, is_coded
from fastdeid.errors import DicomError
from fastdeid.pixels.masks import Layout, fill_samples
from tests.conftest import wheel_files

# GDCM reads RGB of 16 and 32 bits in another order of bytes; HTJ2K it does not know.
UNREAD = {"SC_rgb_rle_16bit.dcm", "SC_rgb_rle_32bit.dcm"}
# The size of its tiles was overwritten to hold a delimiter.
DAMAGED = {"JPEG2000-embedded-sequence-delimiter.dcm"}
WITHOUT_PIXELS = {"UN_sequence.dcm"}


def coded_files() -> list[Path]:
    """Return the files whose frames a codec knows."""
    found = []
    for path in wheel_files():
        if path.suffix != ".dcm" or path.read_bytes()[128:132] != b"DICM":
            continue
        meta = pydicom.filereader.read_file_meta_info(path)
        if is_coded(str(meta.get("TransferSyntaxUID", ""))) and (
            path.name not in DAMAGED | WITHOUT_PIXELS
        ):
            found.append(path)
    return found


def layout_of(data: pydicom.Dataset) -> Layout:
    return Layout(
        *(data.Rows, data.Columns, data.PhotometricInterpretation, data.SamplesPerPixel),
        *(data.BitsAllocated, data.BitsStored, data.HighBit, bool(data.PixelRepresentation)),
    )


def read_by_gdcm(path: Path, target: Path) -> npt.NDArray[Any] | None:
    """Return the samples of the first frame as stored; None when GDCM cannot read them."""
    done = subprocess.run(["gdcmconv", "--raw", path, target], capture_output=True, check=False)
    if done.returncode:
        return None
    data = pydicom.dcmread(target)
    data.pixel_array_options(raw=True)
    samples = data.pixel_array
    return samples if int(data.get("NumberOfFrames", 1)) == 1 else np.asarray(samples[0])


@pytest.mark.jit  # Real frames are too large for interpreted kernels; small ones are tested beside.
@pytest.mark.filterwarnings("ignore")  # of pydicom, about what real files are like
@pytest.mark.parametrize("path", coded_files(), ids=lambda path: path.name)
def test_real_frames_are_decoded_as_by_gdcm_and_masked(path: Path, tmp_path: Path) -> None:
    if which("gdcmconv") is None:
        pytest.skip("GDCM is not installed")
    data = pydicom.dcmread(path)
    n_frames = int(data.get("NumberOfFrames", 1))
    frame = next(generate_frames(data.PixelData, number_of_frames=n_frames))
    codec = codec_for(data.file_meta.TransferSyntaxUID, layout_of(data))
    before = codec.decode(frame)
    judged = read_by_gdcm(path, tmp_path / "native.dcm")
    if judged is not None and path.name not in UNREAD:
        differences = np.abs(before.astype(np.int64) - judged)
        # Of JPEG, GDCM smooths shared chrominance, and rounds otherwise.
        is_dct = data.file_meta.TransferSyntaxUID in {
            "1.2.840.10008.1.2.4.50",
            "1.2.840.10008.1.2.4.51",
        }
        assert differences[..., :1].max() <= is_dct or (is_dct and before.ndim == 3)
        assert differences.mean() <= 3 * is_dct
    box = (0, 0, data.Rows // 2, data.Columns // 2)
    fill = fill_samples(codec.layout, palette_index=0)
    after = codec.decode(codec.mask(frame, [box], fill))
    grown = codec.grown(frame, [box])[0]
    outside = np.ones(before.shape[:2], np.bool_)
    outside[grown.top : grown.bottom, grown.left : grown.right] = False
    np.testing.assert_array_equal(after[outside], before[outside])
    inside = after[: box[2], : box[3]].reshape(-1, data.SamplesPerPixel)
    assert np.ptp(inside, axis=0).max() == 0


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", sorted(DAMAGED))
def test_damaged_real_frames_are_refused(name: str) -> None:
    path = next(path for path in wheel_files() if path.name == name)
    data = pydicom.dcmread(path)
    frame = next(generate_frames(data.PixelData, number_of_frames=1))
    with pytest.raises(DicomError):
        codec_for(data.file_meta.TransferSyntaxUID, layout_of(data)).decode(frame)
