"""Traps 16 to 20: dates, times and ages in every form; the Basic Profile keeps none of them."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from fastdeid.verdicts import Verdict
from tests import builders as b
from tests.runs import ct_image, deidentify

PET_IMAGE = "1.2.840.10008.5.1.4.1.1.128"


@pytest.mark.parametrize(
    ("vr", "value"),
    [
        ("DT", "2003"),
        ("DT", "200312"),
        ("DT", "2003121210"),
        ("DT", "20031212101112.123456"),
        ("DT", "20031212101112+0100"),
        ("DT", "20031212101112.5-1130"),
        ("DT", "20031212101112\\20031213"),
        ("DA", "20031212"),
        ("DA", "2003.12.12"),
        ("DA", "20031312"),
        ("DA", "20030230"),
        ("DA", "2003"),
        ("DA", "12 Dec 2003"),
        ("DA", "20031212-20040101"),
        ("DA", "20031212\\20040101"),
        ("TM", "235959.999999"),
        ("TM", "23:59:59"),
        ("TM", "2359"),
        ("TM", "246060"),
        ("TM", "101112\\131415"),
    ],
)
def test_traps_16_and_17_no_form_of_a_date_or_time_stays(
    tmp_path: Path, vr: str, value: str
) -> None:
    # Named by the table, and not: Acquisition and Content; Date of Last Calibration and others.
    tags = {
        "DA": (0x00080022, 0x00080023, 0x00181200, 0x00144077),
        "TM": (0x00080032, 0x00080033, 0x00181201, 0x00144079),
        "DT": (0x0008002A, 0x00189074, 0x0040A13A, 0x0040A082),
    }[vr]
    elements = [b.text(tag, vr, value) for tag in tags]
    nested = b.sequence(0x00081115, [b.item(b"".join(sorted(elements)))])
    run = deidentify(tmp_path, b.part10(ct_image(*elements, nested)))
    assert run.outcome.verdict is Verdict.OK
    assert value.encode() not in run.data
    for part in value.encode().split(b"\\"):
        assert part not in run.data or part == b"2003"
    dummies = {"", "19000101", "000000", "19000101000000"}
    for data_set in (run.data_set, run.data_set[0x00081115].value[0]):
        for element in data_set:
            if element.VR in {"DA", "TM", "DT"}:
                assert element.value in dummies


def test_trap_16_the_timezone_goes_with_the_times(tmp_path: Path) -> None:
    run = deidentify(tmp_path, b.part10(ct_image(b.text(0x00080201, "SH", "+1130"))))
    assert "TimezoneOffsetFromUTC" not in run.data_set
    assert b"+1130" not in run.data


@pytest.mark.parametrize(
    "typed",
    [
        "20031212",
        "2003-12-12",
        "12.12.2003",
        "12/12/2003",
        "2003/12/12",
        "12-DEC-2003",
        "Dec 12, 2003",
    ],
)
def test_trap_18_a_date_in_kept_text_takes_the_text_with_it(tmp_path: Path, typed: str) -> None:
    text = b.text(0x00080070, "LO", f"calibrated {typed}")
    run = deidentify(tmp_path, b.part10(ct_image(b.text(0x00080020, "DA", "20031212"), text)))
    assert typed.encode() not in run.data
    assert run.outcome.n_cleaned == 1


def test_trap_18_dates_in_uids_and_private_time_stamps_go(tmp_path: Path) -> None:
    stamp = struct.pack("<d", 1071187200.0)  # 2003-12-12, seconds since 1970
    private = (
        b.text(0x00090010, "LO", "ACME")
        + b.element(0x00091001, "FD", stamp)
        + b.number(0x00091002, "SL", 1071187200)
        + b.text(0x00091003, "DT", "20031212101112")
    )
    uid = b.text(0x00080018, "UI", "1.2.276.0.20031212.101112.4711")
    run = deidentify(tmp_path, b.part10(ct_image(uid, private)))
    assert b"20031212" not in run.data
    assert stamp not in run.data
    assert struct.pack("<i", 1071187200) not in run.data


def test_trap_19_a_pet_image_keeps_none_of_its_dates_and_all_of_its_type_1_attributes(
    tmp_path: Path,
) -> None:
    pharmaceutical = b.item(
        b.text(0x00181072, "TM", "091011")
        + b.number(0x00181074, "UL", 1)
        + b.text(0x00181078, "DT", "20031212091011")
    )
    run = deidentify(
        tmp_path,
        b.part10(
            ct_image(
                b.text(0x00080016, "UI", PET_IMAGE),
                b.text(0x00080021, "DA", "20031212"),  # Type 1 in the PET Series Module
                b.text(0x0008002A, "DT", "20031212101112"),
                b.text(0x00080031, "TM", "101112"),  # Type 1
                b.text(0x00080022, "DA", "20031212"),  # Type 2 in the PET Image Module
                b.text(0x00080032, "TM", "101112"),  # Type 2
                b.sequence(0x00540016, [pharmaceutical]),
                b.text(0x00541102, "CS", "START"),
            )
        ),
    )
    assert b"200312" not in run.data
    assert b"091011" not in run.data
    data_set = run.data_set
    assert (data_set.SeriesDate, data_set.SeriesTime) == ("19000101", "000000")
    assert (data_set.AcquisitionDate, data_set.AcquisitionTime) == ("", "")
    assert data_set.DecayCorrection == "START"


@pytest.mark.parametrize("age", ["091Y", "045Y", "012D"])
def test_trap_20_age_and_birth_date_go_together(tmp_path: Path, age: str) -> None:
    run = deidentify(
        tmp_path,
        b.part10(
            ct_image(
                b.text(0x00100030, "DA", "19121103"),
                b.text(0x00100032, "TM", "0405"),
                b.text(0x00101010, "AS", age),
                b.text(0x00100033, "LO", "Showa 10"),
                b.text(0x00100035, "CS", "JAPANESE"),
            )
        ),
    )
    data_set = run.data_set
    assert data_set.PatientBirthDate == ""
    for keyword in ("PatientBirthTime", "PatientAge", "PatientAlternativeCalendar"):
        assert keyword not in data_set
    for value in (age, "19121103", "Showa"):
        assert value.encode() not in run.data
