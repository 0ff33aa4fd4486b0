"""A study as pydicom data sets: images, and the objects that refer to them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from fastdeid.deidentify import Deidentifier
from fastdeid.outcome import Outcome
from tests.runs import PSEUDONYMS, basic_profile

ROOT: Final = "1.2.826.0.1.3680043.10.1"
STUDY: Final = f"{ROOT}.1"
FRAME_OF_REFERENCE: Final = f"{ROOT}.9"
CT: Final = "1.2.840.10008.5.1.4.1.1.2"
COMPREHENSIVE_SR: Final = "1.2.840.10008.5.1.4.1.1.88.33"
KEY_OBJECTS: Final = "1.2.840.10008.5.1.4.1.1.88.59"
GRAYSCALE_STATE: Final = "1.2.840.10008.5.1.4.1.1.11.1"
RT_STRUCTURE_SET: Final = "1.2.840.10008.5.1.4.1.1.481.3"
RT_PLAN: Final = "1.2.840.10008.5.1.4.1.1.481.5"
SEGMENTATION: Final = "1.2.840.10008.5.1.4.1.1.66.4"
ENCAPSULATED_PDF: Final = "1.2.840.10008.5.1.4.1.1.104.1"


def item(**attributes: object) -> Dataset:
    """Return an item of a sequence."""
    data_set = Dataset()
    for keyword, value in attributes.items():
        setattr(data_set, keyword, value)
    return data_set


def code(value: str, scheme: str, meaning: str) -> list[Dataset]:
    """Return the one item of a code sequence."""
    return [item(CodeValue=value, CodingSchemeDesignator=scheme, CodeMeaning=meaning)]


def instance(sop_class: str, series: int, number: int, modality: str, **more: object) -> Dataset:
    """Return an instance of the study, with a patient, a day and people."""
    data_set = item(
        SpecificCharacterSet="ISO_IR 100",
        SOPClassUID=sop_class,
        SOPInstanceUID=uid_of(series, number),
        StudyDate="20170623",
        StudyTime="101112",
        AccessionNumber="AX99812345",
        Modality=modality,
        Manufacturer="ACME Imaging",
        ReferringPhysicianName="Referrer^Rita",
        PatientName="Przybylska^Wilhelmine",
        PatientID="ZQ-5551237",
        PatientBirthDate="19431107",
        PatientSex="F",
        StudyInstanceUID=STUDY,
        SeriesInstanceUID=f"{ROOT}.2.{series}",
        StudyID="1",
        SeriesNumber=str(series),
        InstanceNumber=str(number),
    )
    for keyword, value in more.items():
        data_set[keyword] = item(**{keyword: value})[keyword]
    return data_set


def uid_of(series: int, number: int) -> str:
    """Return the SOP Instance UID of an instance of the study."""
    return f"{ROOT}.3.{series}.{number}"


def image(series: int, number: int, **more: object) -> Dataset:
    """Return a CT image of 2 x 2 samples."""
    position = {
        "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
        "KVP": "120",
        "AcquisitionNumber": "1",
        "ImagePositionPatient": [0, 0, number],
        "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
        "FrameOfReferenceUID": FRAME_OF_REFERENCE,
        "PositionReferenceIndicator": "",
        "SliceThickness": "1",
        "PixelSpacing": [1, 1],
        "PatientPosition": "HFS",
    }
    samples = {
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "Rows": 2,
        "Columns": 2,
        "BitsAllocated": 16,
        "BitsStored": 16,
        "HighBit": 15,
        "PixelRepresentation": 0,
        "RescaleIntercept": "0",
        "RescaleSlope": "1",
        "PixelData": bytes(range(8)),
    }
    data_set = instance(CT, series, number, "CT", **position, **samples, **more)
    data_set["PixelData"].VR = "OW"
    return data_set


def references(series: int, *numbers: int) -> list[Dataset]:
    """Return items that refer to images of a series."""
    return [
        item(ReferencedSOPClassUID=CT, ReferencedSOPInstanceUID=uid_of(series, number))
        for number in numbers
    ]


def save(data_set: Dataset, path: Path) -> Path:
    """Write a data set as a Part 10 file."""
    data_set.file_meta = FileMetaDataset()
    data_set.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data_set.file_meta.MediaStorageSOPClassUID = data_set.SOPClassUID
    data_set.file_meta.MediaStorageSOPInstanceUID = data_set.SOPInstanceUID
    data_set.save_as(path, enforce_file_format=True)
    return path


def deidentify(folder: Path, data_sets: list[Dataset]) -> list[tuple[Outcome, Dataset]]:
    """Write data sets to `folder`, de-identify them by one process, return outcomes and outputs."""
    source, target = folder / "source", folder / "target"
    source.mkdir(exist_ok=True)
    deidentifier = Deidentifier(basic_profile(), PSEUDONYMS, target)
    outcomes = []
    for number, data_set in enumerate(data_sets):
        path = save(data_set, source / f"{number:03}.dcm")
        outcomes.append(deidentifier.process(bytes(path)))
    deidentifier.close()
    assert [outcome.reason for outcome in outcomes] == [""] * len(data_sets)
    return [(outcome, pydicom.dcmread(target / outcome.path)) for outcome in outcomes]
