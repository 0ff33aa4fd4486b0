"""Profiles on instances: what is inserted, claimed, conditional and inside sequences, as bytes."""

from __future__ import annotations

from pathlib import Path

import pydicom
import pytest

from fastdeid.deidentify import Deidentifier
from fastdeid.outcome import Outcome
from fastdeid.pseudonyms import Pseudonyms
from fastdeid.rules import Profile
from tests import builders as b
from tests.options.profiles import profile_of, with_options
from tests.runs import KEY, ct_image

TRIAL = """
[[insert]]
attribute = "ClinicalTrialSponsorName"
value = "Example Pharma"
reason = "the sponsor"
[[insert]]
attribute = "ClinicalTrialSubjectID"
value = "ABC-{patient}"
reason = "the subject"
"""
KEEP_STATION = """
[[rule]]
attribute = "StationName"
action = "K"
reason = "phantoms are told apart by it"
"""


class Desk:
    """De-identifies one file after another under one profile."""

    def __init__(self, profile: Profile, folder: Path) -> None:
        self._folder = folder
        self._deidentifier = Deidentifier(profile, Pseudonyms(KEY), folder / "target")

    def refuse(self, *elements: bytes) -> Outcome:
        """Return what became of a CT image with these elements, which has no output."""
        source = self._folder / "source.dcm"
        source.write_bytes(b.part10(ct_image(*elements)))
        outcome = self._deidentifier.process(bytes(source), overwrite=True)
        assert not outcome.path
        return outcome

    def take(self, *elements: bytes, encoding: b.Encoding = b.EXPLICIT) -> pydicom.Dataset:
        """De-identify a CT image with these elements and return the output."""
        source = self._folder / "source.dcm"
        source.write_bytes(b.part10(ct_image(*elements, encoding=encoding), encoding=encoding))
        outcome = self._deidentifier.process(bytes(source), overwrite=True)
        assert outcome.path, outcome.reason
        return pydicom.dcmread(self._folder / "target" / outcome.path)


def claimed(data_set: pydicom.Dataset) -> list[str]:
    return [item.CodeValue for item in data_set.get("DeidentificationMethodCodeSequence", [])]


@pytest.mark.parametrize("encoding", [b.EXPLICIT, b.IMPLICIT, b.BIG])
def test_a_trial_is_inserted_in_place_of_what_was_there(
    tmp_path: Path, encoding: b.Encoding
) -> None:
    desk = Desk(profile_of(TRIAL), tmp_path)
    found = desk.take(
        b.text(0x00120010, "LO", "Old Sponsor", encoding),
        b.text(0x00120040, "LO", "Old Subject", encoding),
        encoding=encoding,
    )
    assert found.ClinicalTrialSponsorName == "Example Pharma"
    assert found.ClinicalTrialSubjectID == f"ABC-{found.PatientID}"
    assert list(found.keys()) == sorted(found.keys())
    assert len(found.group_dataset(0x0012)) == 5


def test_shifted_dates_say_so(tmp_path: Path) -> None:
    desk = Desk(with_options(["retain_longitudinal_modified_dates"]), tmp_path)
    found = desk.take(b.text(0x00080020, "DA", "20030102"), b.text(0x00080030, "TM", "1011"))
    assert claimed(found) == ["113100", "113107"]
    assert found.LongitudinalTemporalInformationModified == "MODIFIED"
    assert "20030102" > found.StudyDate > "19920101"
    assert found.StudyTime == "1011"


@pytest.mark.parametrize(
    ("vr", "tag", "value"),
    [
        ("DA", 0x00080020, "Jan 2 03"),
        ("DA", 0x00080020, "20030230"),
        ("TM", 0x00080030, "noon"),
        ("DT", 0x0008002A, "20030102-20040102"),
        ("SH", 0x00080201, "Europe"),
    ],
)
def test_what_is_no_date_is_not_kept(tmp_path: Path, vr: str, tag: int, value: str) -> None:
    desk = Desk(with_options(["retain_longitudinal_modified_dates"]), tmp_path)
    assert desk.take(b.text(tag, vr, value))[tag].value in {"", None}


def test_full_dates_stay_and_say_so(tmp_path: Path) -> None:
    desk = Desk(with_options(["retain_longitudinal_full_dates"]), tmp_path)
    found = desk.take(b.text(0x00080020, "DA", "20030102"), b.text(0x00080201, "SH", "+0100"))
    assert (found.StudyDate, found.TimezoneOffsetFromUTC) == ("20030102", "+0100")
    assert found.LongitudinalTemporalInformationModified == "UNMODIFIED"
    assert claimed(found) == ["113100", "113106"]


def test_a_condition_is_judged_for_each_instance(tmp_path: Path) -> None:
    desk = Desk(profile_of(KEEP_STATION + 'when = { manufacturer = ["acme*"] }\n'), tmp_path)
    station = b.text(0x00081010, "SH", "CT01")
    for maker, kept in (("Acme", True), ("Other", False), ("ACME Inc", True)):
        found = desk.take(station, b.text(0x00080070, "LO", maker))
        assert ("StationName" in found) is kept
        assert claimed(found) == ([] if kept else ["113100"])
        assert found.PatientIdentityRemoved == "YES"


def test_a_rule_for_a_path_leaves_other_paths_alone(tmp_path: Path) -> None:
    body = """
[[rule]]
attribute = "RequestAttributesSequence"
action = "K"
reason = "holds what the path names"
[[rule]]
attribute = "RequestAttributesSequence/RequestedProcedureDescription"
action = "K"
reason = "written by the trial's own template"
"""
    text = b.text(0x00321060, "LO", "CT HEAD ")
    found = Desk(profile_of(body), tmp_path).take(
        text,
        b.sequence(0x00400275, [b.item(text + b.text(0x00401001, "SH", "RP-1"))]),
        b.sequence(0x00081111, [b.item(text)]),
    )
    (item,) = found.RequestAttributesSequence
    assert item.RequestedProcedureDescription == "CT HEAD"
    assert item.get("RequestedProcedureID", "") == ""
    assert found.get("RequestedProcedureDescription", "") == ""
    assert "ReferencedPerformedProcedureStepSequence" not in found


def test_retained_uids_name_the_output(tmp_path: Path) -> None:
    desk = Desk(with_options(["retain_uids"]), tmp_path)
    reference = b.item(b.text(0x00081155, "UI", "1.2.3.4.5.6.7.8"))
    found = desk.take(b.sequence(0x0008114A, [reference]))  # Referenced Instance Sequence
    uid = "1.2.826.0.1.3680043.10.1.3.1"
    assert found.SOPInstanceUID == found.file_meta.MediaStorageSOPInstanceUID == uid
    assert found.ReferencedInstanceSequence[0].ReferencedSOPInstanceUID == "1.2.3.4.5.6.7.8"
    assert Path(str(found.filename)).name == f"{uid}.dcm"
    assert claimed(found) == ["113100", "113110"]


@pytest.mark.parametrize("tag", [0x00080018, 0x0020000D, 0x0020000E])
@pytest.mark.parametrize(
    "uid", ["../../../etc/passwd", "..", ".", "1..2", "1.2/3", "Doe", "1" * 65, "1.2.\xfc"]
)
def test_a_retained_uid_that_is_none_is_no_path(tmp_path: Path, tag: int, uid: str) -> None:
    desk = Desk(with_options(["retain_uids"]), tmp_path)
    raw = uid.encode("latin_1")
    outcome = desk.refuse(b.element(tag, "UI", raw + b"\0" * (len(raw) % 2)))
    assert (outcome.reason, outcome.tag) == ("uid_not_valid", tag)


def test_a_kept_date_hides_no_value_of_another_vr(tmp_path: Path) -> None:
    desk = Desk(with_options(["retain_longitudinal_full_dates"]), tmp_path)
    found = desk.take(
        b.text(0x00080020, "PN", "Someone^Else"),  # Study Date
        b.text(0x00080021, "UI", "1.2.826.0.1.3680043.10.999"),  # Series Date
        b.text(0x00080022, "DT", "20030102"),  # Acquisition Date
        b.text(0x00080070, "DA", "20030102"),  # Manufacturer
    )
    assert "StudyDate" not in found
    assert "SeriesDate" not in found
    assert found[0x00080022].value == found[0x00080070].value == "20030102"


@pytest.mark.parametrize(
    ("age", "kept"),
    [("089Y", "089Y"), ("090Y", "090Y"), ("101Y", "090Y"), ("999M", "999M"), ("old ", "")],
)
def test_ages_over_89_are_capped(tmp_path: Path, age: str, kept: str) -> None:
    body = '[[rule]]\nattribute = "PatientAge"\naction = "C"\nreason = "a test says so"\n'
    found = Desk(profile_of(body), tmp_path).take(b.text(0x00101010, "AS", age))
    assert (found.PatientAge or "") == kept
