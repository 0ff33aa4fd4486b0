"""Template files of the benchmark: a header as a scanner writes it, with slots for what differs.

A template is built once with pydicom, then cut at its slots; an instance is the parts joined with
values of the same width, which is fast enough to write 20,000 distinct files in seconds.
"""

from __future__ import annotations

import io
import random
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pydicom.data
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import UID, ExplicitVRLittleEndian

# Width of every UID below: 28 characters of root, 1 of kind, 25 digits.
_ROOT: Final = "1.2.826.0.1.3680043.10.1561."


def uid(kind: int, number: int) -> str:
    """Return a UID of 54 characters; kind: one digit, 1 to 9."""
    return f"{_ROOT}{kind}{number:025}"


# What stands in a template where an instance's own value goes. Each occurs nowhere else.
MARKERS: Final = {
    "name": "Marker^Person00000",
    "patient_id": "MRN9999999",
    "birth_date": "19010203",
    "accession": "ACC9999999",
    "study": uid(1, 0),
    "series": uid(2, 0),
    "frame_of_reference": uid(3, 0),
    "instance": uid(4, 0),
    "source": uid(5, 0),
    "time": "121314.151617",
    "number": "9876543",
    "position": "-0777.7777",
    "samples": "<sixteen bytes!>",
}


@dataclass(frozen=True)
class Template:
    """Bytes of a file cut at its slots: parts[0] names[0] parts[1] names[1] … parts[-1]."""

    parts: tuple[bytes, ...]
    names: tuple[str, ...]

    def render(self, values: dict[str, bytes]) -> bytes:
        """Return the file of one instance. values: one per marker, of the marker's width."""
        pieces = [b""] * (2 * len(self.names) + 1)
        pieces[0::2] = self.parts
        pieces[1::2] = [values[name] for name in self.names]
        return b"".join(pieces)

    @property
    def size(self) -> int:
        """Return the size of a rendered file in bytes."""
        return sum(map(len, self.parts)) + sum(len(MARKERS[name]) for name in self.names)


def cut(data: bytes) -> Template:
    """Return `data` cut at every marker of the header and at the one that starts the samples."""
    names = {marker.encode(): name for name, marker in MARKERS.items()}
    pattern = b"|".join(re.escape(marker) for marker in names)
    end = data.index(MARKERS["samples"].encode()) + len(MARKERS["samples"])
    pieces = re.split(b"(" + pattern + b")", data[:end])
    pieces[-1] += data[end:]
    return Template(tuple(pieces[0::2]), tuple(names[marker] for marker in pieces[1::2]))


def ct_slice() -> Template:
    """Return a CT slice of 512 x 512 16-bit samples with about 200 elements, half of them private.

    The header is that of a GE scanner's file in pydicom's wheel, plus what current ones add.
    """
    folder = Path(pydicom.data.__file__).parent / "test_files"
    ds = pydicom.dcmread(folder / "CT_small.dcm")
    del ds[0xFFFCFFFC]
    for tag in [element.tag for element in ds if element.tag.group in (0x0027, 0x0043)]:
        if tag.element > 0x1012:
            del ds[tag]
    identify(ds)
    add_order(ds)
    ds.Rows = ds.Columns = 512
    ds.WindowCenter, ds.WindowWidth = ["40", "-600"], ["400", "1500"]
    ds.CTDIvol, ds.TableSpeed, ds.SpiralPitchFactor = 8.25, 39.375, 0.984375
    ds.PixelData = samples(512 * 512 * 2)
    return cut(written(ds))


def header_heavy() -> Template:
    """Return an MR image of 12 KB, 2 KB of it samples: nested sequences, private blocks."""
    folder = Path(pydicom.data.__file__).parent / "test_files"
    ds = pydicom.dcmread(folder / "MR_small.dcm")
    identify(ds)
    add_order(ds)
    add_references(ds)
    add_siemens_blocks(ds)
    add_private_sequence(ds)
    ds.Rows = ds.Columns = 32
    ds.PixelData = samples(32 * 32 * 2)
    return cut(written(ds))


def multi_frame(n_frames: int) -> Template:
    """Return an enhanced CT of `n_frames` frames of 512 x 512 16-bit samples (PS3.3 A.38)."""
    folder = Path(pydicom.data.__file__).parent / "test_files"
    ds = pydicom.dcmread(folder / "CT_small.dcm")
    for element in list(ds):
        if element.tag.is_private or element.tag.group == 0xFFFC:
            del ds[element.tag]
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = UID("1.2.840.10008.5.1.4.1.1.2.1")
    identify(ds)
    add_order(ds)
    ds.NumberOfFrames = n_frames
    ds.Rows = ds.Columns = 512
    ds.SharedFunctionalGroupsSequence = [Dataset()]
    ds.PerFrameFunctionalGroupsSequence = [frame_groups(at) for at in range(n_frames)]
    ds.PixelData = samples(512 * 512 * 2) * n_frames
    return cut(written(ds))


def frame_groups(index: int) -> Dataset:
    """Return the functional groups of one frame: content, position, and the image it comes from."""
    groups, content, position, derivation = Dataset(), Dataset(), Dataset(), Dataset()
    content.FrameAcquisitionDateTime = "20200102121314.5"
    content.StackID, content.InStackPositionNumber = "1", index + 1
    content.DimensionIndexValues = [1, index + 1]
    position.ImagePositionPatient = ["-158.13", "-179.03", f"{index:.2f}"]
    derivation.DerivationCodeSequence = [code("113072", "DCM", "Multiplanar reformatting")]
    derivation.SourceImageSequence = [reference(uid(6, index))]
    groups.FrameContentSequence = [content]
    groups.PlanePositionSequence = [position]
    groups.DerivationImageSequence = [derivation]
    return groups


def identify(ds: Dataset) -> None:
    """Put the markers, and the other usual identifying attributes, into `ds`."""
    ds.PatientName, ds.PatientID = MARKERS["name"], MARKERS["patient_id"]
    ds.PatientBirthDate, ds.AccessionNumber = MARKERS["birth_date"], MARKERS["accession"]
    ds.StudyInstanceUID, ds.SeriesInstanceUID = MARKERS["study"], MARKERS["series"]
    ds.FrameOfReferenceUID = MARKERS["frame_of_reference"]
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = UID(MARKERS["instance"])
    ds.InstanceCreationTime = ds.AcquisitionTime = ds.ContentTime = MARKERS["time"]
    ds.InstanceNumber = MARKERS["number"]
    ds.ImagePositionPatient = ["-158.13", "-179.03", MARKERS["position"]]
    ds.InstitutionName, ds.InstitutionAddress = "Harbour Hospital", "1 Quay Road, Old Town"
    ds.ReferringPhysicianName, ds.OperatorsName = (
        "Referrer^Rita^^Dr",
        ["Operator^Otto", "Tech^Tina"],
    )
    ds.PerformingPhysicianName = "Performer^Paul"
    ds.PatientAddress, ds.PatientTelephoneNumbers = "22 Acacia Avenue", "+44 20 7946 0000"
    ds.StudyID, ds.StudyDescription = "S4711", "CT chest with contrast"
    ds.SeriesDescription, ds.ProtocolName = "Thorax 1.0 B30f", "2_Thorax_Routine"
    ds.DeviceSerialNumber, ds.StationName = "SN004711", "CTAWP4711"
    ds.PatientComments = "Transferred from ward 7"


def add_order(ds: Dataset) -> None:
    """Add the order: request attributes, procedure codes, performed procedure step."""
    request = Dataset()
    request.RequestedProcedureID, request.ScheduledProcedureStepID = "RP4711", "SPS4711"
    request.RequestedProcedureDescription = "CT chest"
    request.ScheduledProtocolCodeSequence = [code("RPID16", "RADLEX", "CT Chest")]
    request.RequestedProcedureCodeSequence = [code("24627-2", "LN", "CT Chest")]
    ds.RequestAttributesSequence = [request]
    ds.ProcedureCodeSequence = [code("24627-2", "LN", "CT Chest")]
    ds.PerformedProcedureStepID = "PPS4711"
    ds.PerformedProcedureStepStartDate = "20200102"
    ds.PerformedProcedureStepStartTime = "121000"
    ds.PerformedProcedureStepDescription = "CT chest routine"
    ds.PerformedProtocolCodeSequence = [code("RPID16", "RADLEX", "CT Chest")]
    person = Dataset()
    person.PersonIdentificationCodeSequence = [code("471100", "99HOSP", "Performer")]
    person.InstitutionName, person.PersonTelephoneNumbers = "Harbour Hospital", "5550100"
    ds.PerformingPhysicianIdentificationSequence = [person]


def add_references(ds: Dataset) -> None:
    """Add references: eight localizers shared by the series, one source image of its own."""
    localizers = [reference(MARKERS["series"][:-3] + f"{at:03}") for at in range(901, 909)]
    for localizer in localizers:
        localizer.PurposeOfReferenceCodeSequence = [code("121311", "DCM", "Localizer")]
    ds.ReferencedImageSequence = Sequence(localizers)
    source = reference(MARKERS["source"])
    source.PurposeOfReferenceCodeSequence = [code("121322", "DCM", "Source image")]
    ds.SourceImageSequence = [source]
    region = code("T-D3000", "SRT", "Chest")
    region.AnatomicRegionModifierSequence = [code("G-A100", "SRT", "Right")]
    ds.AnatomicRegionSequence = [region]
    equipment = Dataset()
    equipment.Manufacturer, equipment.InstitutionName = "Gateway Ltd", "Harbour Hospital"
    equipment.ContributionDateTime = "20200102121500"
    equipment.PurposeOfReferenceCodeSequence = [code("109103", "DCM", "Modifying Equipment")]
    ds.ContributingEquipmentSequence = [equipment, equipment]


def add_siemens_blocks(ds: Dataset) -> None:
    """Add blocks as a Siemens MR scanner writes them: many short values, two long binary ones."""
    noise = random.Random(1)
    acquisition = ds.private_block(0x0019, "SIEMENS MR HEADER", create=True)
    for at in range(8, 0x28):
        acquisition.add_new(at, "DS", f"{noise.random():.6f}")
    display = ds.private_block(0x0051, "SIEMENS MR HEADER", create=True)
    for at in range(8, 0x20):
        display.add_new(at, "LO", f"TP F{at} {noise.randrange(10**6)}")
    csa = ds.private_block(0x0029, "SIEMENS CSA HEADER", create=True)
    csa.add_new(0x08, "CS", "IMAGE NUM 4")
    csa.add_new(0x09, "LO", MARKERS["birth_date"])
    csa.add_new(0x10, "OB", b"SV10" + noise.randbytes(2556))
    csa.add_new(0x20, "OB", b"SV10" + noise.randbytes(1020))


def add_private_sequence(ds: Dataset) -> None:
    """Add a private sequence that refers to other instances, with a sequence inside."""
    block = ds.private_block(0x2005, "Philips MR Imaging DD 005", create=True)
    entry = reference(MARKERS["series"])
    entry.ReferencedSeriesSequence = [reference(MARKERS["source"])]
    block.add_new(0x02, "SQ", Sequence([entry, reference(MARKERS["instance"])]))


def code(value: str, scheme: str, meaning: str) -> Dataset:
    """Return a code sequence item (PS3.3 table 8.8-1)."""
    ds = Dataset()
    ds.CodeValue, ds.CodingSchemeDesignator, ds.CodeMeaning = value, scheme, meaning
    return ds


def reference(instance: str) -> Dataset:
    """Return an item that refers to an MR image (PS3.3 table 10-11)."""
    ds = Dataset()
    ds.ReferencedSOPClassUID, ds.ReferencedSOPInstanceUID = "1.2.840.10008.5.1.4.1.1.4", instance
    return ds


def samples(size: int) -> bytes:
    """Return `size` bytes of noise that start with the samples marker."""
    return MARKERS["samples"].encode() + random.Random(2).randbytes(size - 16)


def written(ds: Dataset) -> bytes:
    """Return `ds` as a Part 10 file, explicit VR little endian."""
    assert isinstance(ds.file_meta, FileMetaDataset)
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    out = io.BytesIO()
    ds.save_as(out, enforce_file_format=True, implicit_vr=False, little_endian=True)
    return out.getvalue()
