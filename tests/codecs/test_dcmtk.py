"""Masked frames inside files, read by DCMTK, whose coders are its own."""

from __future__ import annotations

import subprocess
from pathlib import Path
from shutil import which

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate

pytest.importorskip("imagecodecs")
pytest.importorskip("jpeg_ls")

from fastdeid.codecs import codec_for
from fastdeid.pixels.masks import Layout, fill_samples
from tests.codecs.coding import CASES
from tests.codecs.drawing import BOXES, drawn, expected, layout

READERS = {
    "RLE": "dcmdrle",
    "JPEG lossless": "dcmdjpeg",
    "JPEG lossless, first order": "dcmdjpeg",
    "JPEG-LS": "dcmdjpls",
    "near-lossless": "dcmdjpls",
}
LAYOUTS = [layout("MONOCHROME1", 16, 12), layout("MONOCHROME2"), layout("RGB")]


def write(path: Path, uid: str, of: Layout, frames: list[bytes]) -> None:
    """Write a secondary capture with coded frames."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = pydicom.uid.UID(uid)
    meta.MediaStorageSOPClassUID = pydicom.uid.SecondaryCaptureImageStorage
    meta.MediaStorageSOPInstanceUID = pydicom.uid.UID("2.25.1")
    data = FileDataset(str(path), Dataset(), file_meta=meta, preamble=bytes(128))
    data.SOPClassUID = meta.MediaStorageSOPClassUID
    data.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    data.Rows, data.Columns, data.SamplesPerPixel = of.rows, of.columns, of.samples_per_pixel
    data.PhotometricInterpretation = of.photometric_interpretation
    data.BitsAllocated, data.BitsStored = of.bits_allocated, of.bits_stored
    data.HighBit, data.PixelRepresentation = of.high_bit, int(of.signed)
    if of.samples_per_pixel > 1:
        data.PlanarConfiguration = 0
    data.NumberOfFrames = len(frames)
    data.PixelData = encapsulate(frames)
    data["PixelData"].is_undefined_length = True
    data.save_as(path, enforce_file_format=True)


@pytest.mark.parametrize("name", READERS)
def test_dcmtk_reads_masked_frames_among_untouched_ones(name: str, tmp_path: Path) -> None:
    if which(READERS[name]) is None:
        pytest.skip("DCMTK is not installed")
    case = CASES[name]
    for number, of in enumerate(LAYOUTS):
        codec = codec_for(case.uid, of)
        frames = [case.encode(drawn(of, seed), of) for seed in (1, 2)]
        before = [codec.decode(frame) for frame in frames]
        fill = fill_samples(codec.layout)
        source, target = tmp_path / f"{number}.dcm", tmp_path / f"{number}-native.dcm"
        write(source, case.uid, of, [codec.mask(frames[0], BOXES, fill), frames[1]])
        # Of JPEG streams without a marker DCMTK guesses colours; here they stay as stored.
        options = ["+cn"] if READERS[name] == "dcmdjpeg" else []
        subprocess.run([READERS[name], *options, source, target], check=True, timeout=60)
        data = pydicom.dcmread(target)
        data.pixel_array_options(raw=True)
        np.testing.assert_array_equal(data.pixel_array[0], expected(before[0], of, fill))
        np.testing.assert_array_equal(data.pixel_array[1], before[1])
