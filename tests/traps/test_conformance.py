"""Traps 10 and 41: actions by the attribute's Type; nothing that the IOD needs is dropped."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import builders as b
from tests.runs import ct_image, deidentify

CT = b.CT_IMAGE_STORAGE
MR = "1.2.840.10008.5.1.4.1.1.4"
ENHANCED_MR = "1.2.840.10008.5.1.4.1.1.4.1"
US = "1.2.840.10008.5.1.4.1.1.6.1"
PET = "1.2.840.10008.5.1.4.1.1.128"
DX = "1.2.840.10008.5.1.4.1.1.1.1"
SC = "1.2.840.10008.5.1.4.1.1.7"
SR = "1.2.840.10008.5.1.4.1.1.88.33"
GSPS = "1.2.840.10008.5.1.4.1.1.11.1"
RT_STRUCTURE_SET = "1.2.840.10008.5.1.4.1.1.481.3"
RT_PLAN = "1.2.840.10008.5.1.4.1.1.481.5"
SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"
UNKNOWN = "1.2.840.10008.5.1.4.1.1.6"  # Ultrasound Image Storage (Retired): no IOD in PS3.3

GONE = None
EMPTY = ""
DAY, TIME, DUMMY = "19000101", "000000", "DEIDENTIFIED"


@pytest.mark.parametrize(
    ("tag", "vr", "value", "expected"),
    [
        # Series Date X/D: Type 3 in the General Series Module, 1 in the PET Series Module.
        (0x00080021, "DA", "20031212", {CT: GONE, MR: GONE, PET: DAY, SR: GONE, UNKNOWN: DAY}),
        # Study Date Z: Type 2 everywhere.
        (0x00080020, "DA", "20031212", {CT: EMPTY, SR: EMPTY, RT_PLAN: EMPTY, UNKNOWN: EMPTY}),
        # Content Date Z/D: Type 2C in General Image, 1 in SR Document General and Segmentation.
        (0x00080023, "DA", "20031212", {CT: EMPTY, SR: DAY, SEGMENTATION: DAY, UNKNOWN: DAY}),
        # Acquisition Date X/Z: Type 3 in General Acquisition, 2 in the PET Image Module.
        (0x00080022, "DA", "20031212", {CT: GONE, PET: EMPTY, UNKNOWN: EMPTY}),
        # Acquisition DateTime X/Z/D: 1C in the MR Image and Spectroscopy Instance Macro, else 3.
        (0x0008002A, "DT", "20031212101112", {CT: GONE, ENHANCED_MR: DAY + TIME}),
        # Presentation Creation Date X, yet Type 1: a presentation state is not valid without it.
        (0x00700082, "DA", "20031212", {CT: GONE, GSPS: DAY}),
        # Institution Name X/Z/D: Type 3 in General Equipment.
        (0x00080080, "LO", "Hidden Hospital", {CT: GONE, US: GONE, UNKNOWN: DUMMY}),
        # Device Serial Number X/Z/D: Type 1 in Enhanced General Equipment.
        (0x00181000, "LO", "SN-47110815", {CT: GONE, ENHANCED_MR: DUMMY, SEGMENTATION: DUMMY}),
        # Operators' Name X/Z/D, Type 3 in General Series, 2 in the RT Series Module.
        (0x00081070, "PN", "Secret^Ann", {CT: GONE, RT_STRUCTURE_SET: EMPTY, RT_PLAN: EMPTY}),
        # Structure Set Label D, Date and Time Z and its like: Type 1 and 2.
        (0x30060002, "SH", "SECRET LABEL", {RT_STRUCTURE_SET: DUMMY}),
        (0x30060008, "DA", "20031212", {RT_STRUCTURE_SET: EMPTY}),
        # Series Description and Patient Comments X: Type 3.
        (0x0008103E, "LO", "Secret series", {CT: GONE, SR: GONE, UNKNOWN: GONE}),
        (0x00104000, "LT", "Secret comment", {CT: GONE, SR: GONE, UNKNOWN: GONE}),
        # Patient's Sex Z, Patient's Weight X: demographics are an option of the profile.
        (0x00100040, "CS", "F", {CT: EMPTY, SR: EMPTY, UNKNOWN: EMPTY}),
        (0x00101030, "DS", "81.5", {CT: GONE, PET: GONE}),
    ],
)
def test_trap_10_the_action_follows_the_type(
    tmp_path: Path, tag: int, vr: str, value: str, expected: dict[str, str | None]
) -> None:
    for sop_class, action in expected.items():
        own = (b.text(0x00080016, "UI", sop_class), b.text(tag, vr, value))
        run = deidentify(tmp_path, b.part10(ct_image(*own)))
        data_set = run.data_set
        found = str(data_set[tag].value or "") if tag in data_set else None
        assert found == action, sop_class
        assert value.encode() not in run.data or value == "F"


def test_trap_10_the_type_depends_on_the_sequence_too(tmp_path: Path) -> None:
    """Referenced Image Sequence is X/Z/U*: Type 3 in a CT image, 1 inside (0008,1115) of a GSPS."""
    images = b.sequence(
        0x00081140,
        [b.item(b.text(0x00081150, "UI", CT) + b.text(0x00081155, "UI", "1.2.3.47.11"))],
    )
    run = deidentify(tmp_path, b.part10(ct_image(images)))
    assert "ReferencedImageSequence" not in run.data_set
    series = b.sequence(0x00081115, [b.item(images)])
    run = deidentify(tmp_path, b.part10(ct_image(b.text(0x00080016, "UI", GSPS), series)))
    (image,) = run.data_set.ReferencedSeriesSequence[0].ReferencedImageSequence
    assert image.ReferencedSOPClassUID == CT
    assert image.ReferencedSOPInstanceUID.startswith("2.25.")


@pytest.mark.parametrize("sop_class", [CT, MR, ENHANCED_MR, US, PET, DX, SC, UNKNOWN])
def test_trap_41_what_the_table_does_not_name_is_kept_bit_for_bit(
    tmp_path: Path, sop_class: str
) -> None:
    kept = [
        b.text(0x00080008, "CS", "ORIGINAL\\PRIMARY\\AXIAL"),
        b.text(0x00080060, "CS", "CT"),
        b.text(0x00080068, "CS", "FOR PRESENTATION"),
        b.text(0x00080070, "LO", "ACME Imaging"),
        b.text(0x00081090, "LO", "Scanner 64"),
        b.text(0x00180015, "CS", "HEAD"),
        b.text(0x00180050, "DS", "1.25"),
        b.text(0x00185100, "CS", "HFS"),
        b.text(0x00200011, "IS", "4"),
        b.text(0x00200013, "IS", "17"),
        b.text(0x00200032, "DS", "-120.5\\-91\\33.25"),
        b.text(0x00200037, "DS", "1\\0\\0\\0\\1\\0"),
        b.number(0x00280002, "US", 1),
        b.text(0x00280004, "CS", "MONOCHROME2"),
        b.number(0x00280010, "US", 2),
        b.text(0x00281050, "DS", "40\\400"),
        b.text(0x00281054, "LO", "HU"),
        b.text(0x20500020, "CS", "IDENTITY"),  # Presentation LUT Shape
    ]
    run = deidentify(tmp_path, b.part10(ct_image(b.text(0x00080016, "UI", sop_class), *kept)))
    for element in kept:
        assert element in run.data
    assert run.outcome.n_cleaned == 0


def test_trap_41_code_sequences_of_anatomy_and_view_are_kept(tmp_path: Path) -> None:
    code = b.item(
        b.text(0x00080100, "SH", "T-A0100")
        + b.text(0x00080102, "SH", "SRT")
        + b.text(0x00080104, "LO", "Brain")
    )
    kept = [b.sequence(tag, [code]) for tag in (0x00082218, 0x00540220, 0x00540414)]
    run = deidentify(tmp_path, b.part10(ct_image(*kept)))
    for element in kept:
        assert element in run.data
