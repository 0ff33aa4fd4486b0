"""A small archive as a hospital might export it, from the real files in pydicom's wheel.

Four invented patients, folders with their names, several transfer syntaxes, damaged files, things
that are not DICOM; and identifying text planted where it hides: in nested and private sequences, in
UN elements, in free text, in file meta, in the preamble, in trailing padding, behind the data set.
"""

from __future__ import annotations

import shutil
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import pydicom
import pydicom.data
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

SCREEN_CAPTURE: Final = "screen.dcm"
WHEEL_FILES: Final = Path(pydicom.data.__file__).parent / "test_files"


@dataclass(frozen=True)
class Patient:
    """An invented person; `name` as in PN, `number` the medical record number."""

    name: str
    number: str
    birth_date: str
    files: tuple[str, ...]

    @property
    def folder(self) -> str:
        """Return the folder name that a clerk would choose."""
        return f"{self.name.replace('^', ', ')} {self.birth_date} {self.number}"


PATIENTS: Final = (
    Patient(
        "Quillfeather^Wilhelmina",
        "MRN4471920",
        "19570314",
        ("CT_small.dcm", "693_J2KI.dcm", "dicomdirtests/77654033/CT2/*", "rtstruct.dcm"),
    ),
    Patient(
        "Brandvold^Torgeir",
        "MRN8823561",
        "19491102",
        ("MR_small_implicit.dcm", "dicomdirtests/98892003/MR1/*", "examples_overlay.dcm"),
    ),
    Patient(
        "Müßiggang^Søren",
        "MRN1209876",
        "19881225",
        ("examples_ybr_color.dcm", "reportsi.dcm", "rtdose.dcm", "waveform_ecg.dcm"),
    ),
    Patient(
        "Okonkwo-Leclair^Adaeze",
        "MRN5530142",
        "20010919",
        (
            "ExplVR_BigEnd.dcm",
            "image_dfl.dcm",
            "JPEG2000.dcm",
            "liver_1frame.dcm",
            "MR_small_RLE.dcm",
        ),
    ),
)


def build_sample_archive(folder: Path) -> int:
    """Write the archive into `folder`, which is emptied first, and return the number of files."""
    shutil.rmtree(folder, ignore_errors=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom on files that are odd on purpose
        for patient in PATIENTS:
            for number, source in enumerate(sources(patient)):
                path = folder / patient.folder / source.parent.name / f"IM{number:04}"
                path.parent.mkdir(parents=True, exist_ok=True)
                write_planted(source, path, patient)
    add_screen_capture(folder, PATIENTS[0])
    add_what_is_not_an_image(folder)
    return sum(path.is_file() for path in folder.rglob("*"))


def sources(patient: Patient) -> list[Path]:
    """Return the wheel's files that stand for this patient's images."""
    return [path for pattern in patient.files for path in sorted(WHEEL_FILES.glob(pattern))]


def write_planted(source: Path, target: Path, patient: Patient) -> None:
    """Write a copy of `source` that belongs to `patient`, with its name wherever names hide."""
    ds = pydicom.dcmread(source, force=True)
    family, given = patient.name.split("^")
    ds.SpecificCharacterSet = "ISO_IR 100"
    ds.PatientName, ds.PatientID = patient.name, patient.number
    ds.PatientBirthDate, ds.AccessionNumber = patient.birth_date, f"ACC{patient.number[3:]}"
    ds.ReferringPhysicianName, ds.InstitutionName = "Ashdown^Percival^^Dr", "St. Elsewhere Hospital"
    ds.StudyDescription = f"{ds.get('StudyDescription', '')} for {given} {family}".strip()
    ds.ContrastBolusRoute = f"IV, {given} agreed"
    ds.DataSetTrailingPadding = f"{family} {given}".encode("latin-1").ljust(64, b"\0")
    ds.OtherPatientIDsSequence = [nested_identity(patient)]
    plant_private(ds, patient)
    if "TransferSyntaxUID" not in ds.file_meta:
        ds.file_meta.TransferSyntaxUID = pydicom.uid.ImplicitVRLittleEndian
    ds.file_meta.SourceApplicationEntityTitle = family.encode("ascii", "replace").decode()[:16]
    ds.preamble = f"Exported for {given} {family}".encode("latin-1").ljust(128, b"\0")
    ds.save_as(target, enforce_file_format=True)
    if "PixelData" in ds and "Deflated" not in ds.file_meta.TransferSyntaxUID.keyword:
        with target.open("ab") as out:
            out.write(f"{family} {patient.number}".encode("latin-1").ljust(64, b"\0"))


def nested_identity(patient: Patient) -> Dataset:
    """Return an item of Other Patient IDs Sequence."""
    item = Dataset()
    item.PatientID, item.TypeOfPatientID = patient.number, "TEXT"
    item.IssuerOfPatientID = "St. Elsewhere Hospital"
    return item


def plant_private(ds: Dataset, patient: Patient) -> None:
    """Add a private block: the name as text, in a nested item, and as bytes of unknown VR."""
    entry = Dataset()
    entry.PatientName = patient.name
    block = ds.private_block(0x0071, "SAMPLE ARCHIVE", create=True)
    block.add_new(0x01, "LO", patient.name)
    block.add_new(0x02, "SQ", Sequence([entry]))
    block.add_new(0x03, "UN", patient.name.encode("utf-16-le"))


def add_screen_capture(folder: Path, patient: Patient) -> None:
    """Add two frames of a screen, with the patient's name and number burnt into the pixels."""
    rng = np.random.default_rng(1)
    down, across = np.mgrid[:384, :512]
    body = 110.0 * (((down - 200) / 150) ** 2 + ((across - 256) / 190) ** 2 < 1)
    frames = []
    for _ in range(2):
        frame = np.clip(body + rng.normal(12, 6, body.shape), 0, 255).astype(np.uint8)
        for line, text in enumerate(burnt_in(patient)):
            place = (12, 24 + 20 * line)
            cv2.putText(frame, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.5, 235, 1, cv2.LINE_AA)
        frames.append(frame)
    ds = pydicom.dcmread(WHEEL_FILES / "CT_small.dcm")
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = (
        pydicom.uid.MultiFrameGrayscaleByteSecondaryCaptureImageStorage
    )
    instance = pydicom.uid.UID(f"{ds.SeriesInstanceUID}.99")
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = instance
    ds.Modality, ds.ConversionType, ds.BurnedInAnnotation = "OT", "WSD", "NO"
    ds.NumberOfFrames, ds.Rows, ds.Columns = len(frames), 384, 512
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 8, 8, 7, 0
    ds.PixelData = b"".join(frame.tobytes() for frame in frames)
    ds["PixelData"].VR = "OB"
    target = folder / patient.folder / SCREEN_CAPTURE
    ds.save_as(target)
    write_planted(target, target, patient)


def burnt_in(patient: Patient) -> tuple[str, ...]:
    """Return the lines that stand in the pixels of the screen capture."""
    return (patient.name.replace("^", ", ").upper(), f"ID {patient.number}", "14-MAR-1957")


def add_what_is_not_an_image(folder: Path) -> None:
    """Add a note, a directory file, a file cut off in transfer, and an empty file."""
    first, second = (folder / patient.folder for patient in PATIENTS[:2])
    (first / "README.txt").write_text(f"CDs burnt for {PATIENTS[0].name}, please return\n")
    shutil.copy(WHEEL_FILES / "dicomdirtests" / "DICOMDIR", folder / "DICOMDIR")
    whole = next(path for path in sorted(second.rglob("IM*")) if path.is_file())
    (second / "IM0099_partial").write_bytes(whole.read_bytes()[:900])
    (second / "empty.dcm").touch()
