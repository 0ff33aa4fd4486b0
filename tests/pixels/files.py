"""Whole files with a name burnt into their pixels, and what becomes of them."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate, encapsulate_extended
from pydicom.pixels.encoders.base import get_encoder
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)

from fastdeid.deidentify import Deidentifier
from fastdeid.outcome import Outcome
from fastdeid.pixels.modes import PixelMode
from fastdeid.rules import Profile
from tests.pixels.drawing import ink_of
from tests.runs import PSEUDONYMS, basic_profile

Samples = npt.NDArray[Any]

ROWS, COLUMNS = 96, 192
INK: Final = ink_of((ROWS, COLUMNS), "DOE, JANE 1950", (8, 40), scale=0.6)
STROKES: Final = INK > 128
SECONDARY_CAPTURE: Final = "1.2.840.10008.5.1.4.1.1.7"
NATIVE: Final = (
    *(ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian),
    DeflatedExplicitVRLittleEndian,
)
_ATTRIBUTES: Final = {
    "SOPClassUID": SECONDARY_CAPTURE,
    "SOPInstanceUID": "1.2.826.0.1.3680043.10.3.1",
    "StudyInstanceUID": "1.2.826.0.1.3680043.10.3.2",
    "SeriesInstanceUID": "1.2.826.0.1.3680043.10.3.3",
    "Modality": "OT",
    "PatientName": "Doe^Jane",
    "PatientID": "MRN-4711",
}


def grey(dark: float, bright: float, kind: Any = np.uint8) -> Samples:
    """Return a frame with the name in `bright` on a ramp about `dark`."""
    ramp = dark + np.linspace(0, 0.1, COLUMNS)[None] * (bright - dark)
    cover = INK / 255
    return np.rint(ramp * (1 - cover) + bright * cover).astype(kind)


def colour(dark: Sequence[int], bright: Sequence[int], kind: Any = np.uint8) -> Samples:
    """Return a frame of three samples with the name in a colour, (ROWS, COLUMNS, 3)."""
    planes = [grey(one, other, kind) for one, other in zip(dark, bright, strict=True)]
    return np.stack(planes, 2)


def attributes(**more: Any) -> Dataset:
    """Return the attributes of an image without its pixels."""
    ds = Dataset()
    given: dict[str, Any] = {
        "Rows": ROWS,
        "Columns": COLUMNS,
        "SamplesPerPixel": 1,
        "PixelRepresentation": 0,
    }
    given |= {"PhotometricInterpretation": "MONOCHROME2", "BitsAllocated": 8}
    for name, value in {**_ATTRIBUTES, **given, **more}.items():
        setattr(ds, name, value)
    if "BitsStored" not in ds:
        ds.BitsStored = ds.BitsAllocated
    if "HighBit" not in ds:
        ds.HighBit = ds.BitsStored - 1
    return ds


def written(ds: Dataset, pixels: bytes, syntax: str = ExplicitVRLittleEndian) -> bytes:
    """Return a file with this value of Pixel Data, native."""
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = UID(syntax)
    ds.PixelData = pixels + bytes(len(pixels) % 2)
    is_bytes = ds.BitsAllocated <= 8 and syntax not in {ImplicitVRLittleEndian, ExplicitVRBigEndian}
    ds["PixelData"].VR = "OB" if is_bytes else "OW"
    return saved(ds)


def run_length(ds: Dataset, frames: Sequence[Samples], *, tables: str = "basic") -> bytes:
    """Return a file of RLE frames; tables: "basic", "extended" or "none"."""
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = RLELossless
    encoder = get_encoder(RLELossless)
    given = {
        "rows": ds.Rows,
        "columns": ds.Columns,
        "samples_per_pixel": ds.SamplesPerPixel,
        "number_of_frames": 1,
        "bits_allocated": ds.BitsAllocated,
        # What stands beside the stored bits is coded, too.
        "bits_stored": ds.BitsAllocated,
        "pixel_representation": ds.PixelRepresentation,
        "photometric_interpretation": ds.PhotometricInterpretation,
        "planar_configuration": 0,
    }
    coded = [encoder.encode(frame, **given) for frame in frames]
    if tables == "extended":
        whole = encapsulate_extended(coded)
        ds.PixelData, ds.ExtendedOffsetTable, ds.ExtendedOffsetTableLengths = whole
    else:
        ds.PixelData = encapsulate(coded, has_bot=tables == "basic")
    ds.NumberOfFrames = len(coded)
    ds["PixelData"].VR = "OB"
    ds["PixelData"].is_undefined_length = True
    return saved(ds)


def saved(ds: Dataset) -> bytes:
    """Return a data set as a file."""
    stream = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ds.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def treat(
    data: bytes,
    folder: Path,
    *,
    mode: PixelMode = PixelMode.EXAMINE,
    profile: Profile | None = None,
) -> tuple[Outcome, bytes]:
    """De-identify a file; return its outcome and the output, b"" for none."""
    source = folder / "input.dcm"
    source.write_bytes(data)
    one = Deidentifier(profile or basic_profile(), PSEUDONYMS, folder / "out", pixels=mode)
    try:
        outcome = one.process(bytes(source), overwrite=True)
    finally:
        one.close()
    return outcome, (folder / "out" / outcome.path).read_bytes() if outcome.path else b""


def read(data: bytes) -> Dataset:
    """Return a file as pydicom reads it."""
    return pydicom.dcmread(io.BytesIO(data))


def frames_of(ds: Dataset) -> Samples:
    """Return the stored samples of all frames as pydicom decodes them, (n, rows, columns, ...)."""
    ds.pixel_array_options(raw=True)
    frames = ds.pixel_array
    return frames if int(ds.get("NumberOfFrames") or 1) > 1 else frames[None]


def outside(outcome: Outcome, n_frames: int) -> npt.NDArray[np.bool_]:
    """Return where no box was filled, (n_frames, ROWS, COLUMNS)."""
    left = np.ones((n_frames, ROWS, COLUMNS), np.bool_)
    for box in outcome.masks:
        frames = slice(box.first_frame - 1, box.last_frame)
        left[frames, box.top : box.bottom, box.left : box.right] = False
    return left


def codes_of(ds: Dataset) -> list[str]:
    """Return the codes of De-identification Method Code Sequence."""
    return [item.CodeValue for item in ds.DeidentificationMethodCodeSequence]
