"""What an option or a profile retains by name stays, though its value is removed elsewhere."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Final

import pydicom
import pytest

from fastdeid.deidentify import Deidentifier
from fastdeid.rules import Profile, load_profile
from tests import builders as b
from tests.options.profiles import profile_of, with_options
from tests.runs import PSEUDONYMS, ct_image

NAME, PATIENT_ID, BIRTH_DATE = 0x00100010, 0x00100020, 0x00100030
ACCESSION, STUDY_DATE, SERIES_DATE = 0x00080050, 0x00080020, 0x00080021
INSTITUTION, RESIDENCE, STATION, SERIAL = 0x00080080, 0x00380400, 0x00081010, 0x00181000
BEAM_NAME: Final = 0x300A00C2
PHILIPS = "Philips MR Imaging DD 001"


def take(folder: Path, profile: Profile, *elements: bytes) -> pydicom.Dataset:
    folder = Path(tempfile.mkdtemp(dir=folder))
    source = folder / "input.dcm"
    source.write_bytes(b.part10(ct_image(*elements)))
    deidentifier = Deidentifier(profile, PSEUDONYMS, folder / "out")
    outcome = deidentifier.process(bytes(source))
    deidentifier.close()
    return pydicom.dcmread(folder / "out" / outcome.path)


def test_a_retained_institution_stays_where_somebody_lives_there(tmp_path: Path) -> None:
    found = take(
        tmp_path,
        with_options(("retain_institution_identity",)),
        b.text(INSTITUTION, "LO", "Saint Mary Hospital"),
        b.text(RESIDENCE, "LO", "Saint Mary Hospital"),
    )
    assert found.InstitutionName == "Saint Mary Hospital"
    assert "PatientInstitutionResidence" not in found


def test_the_dates_of_a_neonate_stay_under_full_dates(tmp_path: Path) -> None:
    found = take(
        tmp_path,
        with_options(("retain_longitudinal_full_dates",)),
        *(b.text(tag, "DA", "20240305") for tag in (BIRTH_DATE, STUDY_DATE, SERIES_DATE)),
        b.text(BEAM_NAME, "LO", "day 2024-03-05"),
    )
    assert found.StudyDate == found.SeriesDate == "20240305"
    assert not found.PatientBirthDate
    assert "BeamName" not in found


def test_a_retained_device_stays_where_its_number_is_that_of_a_request(tmp_path: Path) -> None:
    found = take(
        tmp_path,
        with_options(("retain_device_identity",)),
        b.text(SERIAL, "LO", "12345678"),
        b.text(ACCESSION, "SH", "12345678"),
        b.text(NAME, "PN", "Ward^John"),
        b.text(STATION, "SH", "WARD3CT"),
    )
    assert (found.DeviceSerialNumber, found.StationName) == ("12345678", "WARD3CT")


@pytest.mark.parametrize("station", ["Doe,Jane's", "MRN-4711", "JANE DOE CT"])
def test_a_patient_in_a_retained_value_goes(tmp_path: Path, station: str) -> None:
    profile = with_options(("retain_device_identity",))
    assert "StationName" not in take(tmp_path, profile, b.text(STATION, "SH", station))


def test_a_rule_of_the_profile_retains_what_no_row_names(tmp_path: Path) -> None:
    rule = '[[rule]]\nattribute = "BeamName"\naction = "K"\nreason = "a test says so"\n'
    beam = b.text(BEAM_NAME, "LO", "Doe 1")
    assert "BeamName" in take(tmp_path, profile_of(rule), beam)
    assert "BeamName" not in take(tmp_path, load_profile("basic"), beam)


def test_a_patient_called_like_a_private_creator_loses_no_block(tmp_path: Path) -> None:
    found = take(
        tmp_path,
        load_profile("research"),
        b.text(NAME, "PN", "Philips^Imaging"),
        b.text(0x20050010, "LO", PHILIPS),
        b.number(0x2005100E, "FL", 1.5),
    )
    assert found[0x20050010].value == PHILIPS
    assert found[0x2005100E].value == 1.5


def test_a_creator_that_says_who_the_patient_is_goes_with_its_block(tmp_path: Path) -> None:
    """A block that the file declares safe, (0008,0300): group 0011, creator Jane Doe's own."""
    safe = b.item(
        b.number(0x00080301, "US", 0x0011)
        + b.text(0x00080302, "LO", "JANE DOE'S OWN")
        + b.text(0x00080303, "CS", "SAFE")
    )
    own = [
        b.sequence(0x00080300, [safe]),
        b.text(0x00110010, "LO", "JANE DOE'S OWN"),
        b.number(0x00111001, "US", 7),
        b.sequence(0x00111002, [b.item(b.number(0x00280010, "US", 7))]),
        b.number(0x00130020, "US", 7),
    ]
    profile = load_profile("research")
    found = take(tmp_path, profile, *own)
    assert not [element.tag for element in found if element.tag.is_private]
    found = take(tmp_path, profile, *own, b.text(NAME, "PN", "Other^Ann"))
    assert [element.tag for element in found if element.tag.group == 0x11][:2] == [
        0x00110010,
        0x00111001,
    ]


def test_an_institution_called_like_a_part_of_the_body_empties_nothing(tmp_path: Path) -> None:
    found = take(
        tmp_path,
        load_profile("basic"),
        b.text(INSTITUTION, "LO", "ABDOMEN"),
        b.text(0x00180015, "CS", "ABDOMEN"),
    )
    assert found.BodyPartExamined == "ABDOMEN"
    assert "InstitutionName" not in found


def code(value: str, scheme: str, meaning: str) -> bytes:
    parts = ((0x00080100, value), (0x00080102, scheme))
    inside = b"".join(b.text(tag, "SH", one) for tag, one in parts)
    inside += b.text(0x00080104, "LO", meaning)
    return b.sequence(0x00082218, [b.item(inside)])


@pytest.mark.parametrize(
    ("name", "meaning", "stays"),
    [
        *(("Observer^Ann", "Person Observer Name", True), ("White^John", "White matter", True)),
        *(("Doe^Jane", "Head of Jane Doe", False), ("Doe^Jane", "Arm of Doe", False)),
    ],
)
def test_the_meaning_of_a_standard_code_stays_whoever_is_called_so(
    tmp_path: Path, name: str, meaning: str, stays: bool
) -> None:
    own = (b.text(NAME, "PN", name), code("121008", "DCM", meaning))
    (item,) = take(tmp_path, load_profile("basic"), *own).AnatomicRegionSequence
    assert (item.get("CodeMeaning") == meaning) is stays
    assert (item.CodeValue, item.CodingSchemeDesignator) == ("121008", "DCM")


def test_the_value_of_a_standard_code_stays_whoever_has_that_number(tmp_path: Path) -> None:
    own = (b.text(PATIENT_ID, "LO", "121008"), code("121008", "DCM", "Head"))
    (item,) = take(tmp_path, load_profile("basic"), *own).AnatomicRegionSequence
    assert item.CodeValue == "121008"
    own = (b.text(PATIENT_ID, "LO", "121008"), code("121008", "99SITE", "Head"))
    (item,) = take(tmp_path, load_profile("basic"), *own).AnatomicRegionSequence
    assert item.CodeValue != "121008"


def test_the_name_of_a_station_goes_from_descriptions_where_devices_are_not_retained(
    tmp_path: Path,
) -> None:
    own = (b.text(STATION, "SH", "OB3DX1"), b.text(0x0008103E, "LO", "CHEST PA OB3DX1"))
    cleaned = with_options(("clean_descriptors",))
    assert take(tmp_path, cleaned, *own).SeriesDescription == "CHEST PA"
    retained = with_options(("clean_descriptors", "retain_device_identity"))
    assert take(tmp_path, retained, *own).StationName == "OB3DX1"
