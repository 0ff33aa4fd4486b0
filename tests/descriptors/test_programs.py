"""Carets in descriptions: scanners write programs with them, and people write names."""

from __future__ import annotations

import pytest

from fastdeid.descriptors import Cleaner
from fastdeid.identity import Identity

CLEANER = Cleaner()


def cleaned(text: str, *names: str) -> str:
    return CLEANER.clean(text, Identity([("name", name) for name in names]))


@pytest.mark.parametrize(
    "program",
    [
        *("abdomen^liver", "Head^HeadRoutine", "Becken^Huefte nativ", "Knie^li", "MRT^Schaedel"),
        *("Thorax^01_ThoraxRoutine", "Wirbelsäule^LWS", "Abdomen^Leber", "Body^Prostata_PIRADS"),
        "HT^0.3*WT^(0.8-0.01)",
    ],
)
def test_the_program_of_a_region_is_no_person(program: str) -> None:
    assert cleaned(program) == program
    assert cleaned(program, "Doe^Jane") == program


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        *(("Smith^Brain", "Brain"), ("Miller^Knie", "Knie"), ("Smith^John", "")),
        *(("CT Doe^John^A", "CT"), ("Head^Jane MRI", "MRI"), ("MRI Jane^Head", "MRI")),
    ],
)
def test_a_person_beside_a_caret_goes(text: str, rest: str) -> None:
    assert cleaned(text, "Head^Jane") == rest


@pytest.mark.parametrize(
    ("name", "text", "rest"),
    [
        ("Rectum^R", "RECTUM, R - XR Chest 2 Views", "XR Chest 2 Views"),
        ("Rectum^R", "MR Rectum r/o fistula", "MR Rectum r/o fistula"),
        ("Rectum^R", "Rectum MRI", "Rectum MRI"),
        ("Head^Lisa", "CT Head, L orbit", "CT Head, L orbit"),
    ],
)
def test_a_clinical_surname_with_its_initial_goes(name: str, text: str, rest: str) -> None:
    assert cleaned(text, name) == rest


@pytest.mark.parametrize("number", ["b1000", "b 0/500/1000", "1000 ms", "TE 1000", "*ep_b1000t"])
def test_a_parameter_is_nobody_s_number(number: str) -> None:
    text = f"DWI {number}"
    assert CLEANER.clean(text, Identity([("patient", "1000")])) == text
    assert CLEANER.clean("DWI id 1000", Identity([("patient", "1000")])) == "DWI"
