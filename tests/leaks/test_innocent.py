"""What only looks like an identifying value is kept bit for bit, also beside a real one."""

from __future__ import annotations

from pathlib import Path

import pytest

from fastdeid.verdicts import Verdict
from tests import builders as b
from tests.runs import ct_image, deidentify

MANUFACTURER = 0x00080070


def identity(name: str = "Doe^Jane", patient_id: str = "4711") -> list[bytes]:
    return [
        b.text(0x00080020, "DA", "20170623"),
        b.text(0x00080050, "SH", "1234"),
        b.text(0x00100010, "PN", name),
        b.text(0x00100020, "LO", patient_id),
        b.text(0x00100030, "DA", "19431107"),
        b.text(0x00200010, "SH", "1"),  # Study ID
    ]


@pytest.mark.parametrize(
    "kept",
    [
        b.text(MANUFACTURER, "LO", "does janet"),  # Doe and Jane are not words in it
        b.text(MANUFACTURER, "LO", "Version 47110"),  # a longer number
        b.text(MANUFACTURER, "LO", "rev 1.4711.2"),  # part of a dotted number
        b.text(0x00181020, "LO", "12345\\1"),
        b.text(0x00180050, "DS", "4711"),  # a length that is the patient's number
        b.text(0x00200013, "IS", "1234"),
        b.text(0x00200032, "DS", "-20170623.5\\1\\19431107.25"),
        b.number(0x00189602, "FD", 4711.0),
        b.element(0x00282000, "OB", b"Jane 4711 Doe"),  # chance, in the bytes of a colour profile
        b.text(0x00080060, "CS", "CT"),
    ],
)
def test_short_values_inside_others_are_chance(tmp_path: Path, kept: bytes) -> None:
    run = deidentify(tmp_path, b.part10(ct_image(*identity(), kept)))
    assert run.outcome.verdict is Verdict.OK
    assert run.outcome.n_cleaned == 0
    assert kept in run.data


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("CT^Test", b.text(0x00080060, "CS", "CT")),
        ("MR", b.text(0x00080008, "CS", "ORIGINAL\\PRIMARY\\MR")),
        ("Head^Phantom", b.text(0x00180015, "CS", "HEAD")),
        ("Axial^Ann", b.text(0x00080008, "CS", "ORIGINAL\\PRIMARY\\AXIAL")),
        ("Abdomen", b.text(0x00180015, "CS", "ABDOMEN")),
        ("Left^Bob", b.text(0x00200060, "CS", "L")),
    ],
)
def test_a_patient_called_like_a_defined_term_does_not_empty_the_header(
    tmp_path: Path, name: str, kept: bytes
) -> None:
    run = deidentify(tmp_path, b.part10(ct_image(*identity(name), kept)))
    assert kept in run.data


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("Prima^Budi", b.text(0x00080008, "CS", "ORIGINAL\\PRIMARY\\AXIAL")),
        ("Norma^Ann", b.text(0x00281056, "CS", "LINEAR\\NORMAL")),
        ("Chrome^Ann", b.text(0x00280004, "CS", "MONOCHROME2")),
        ("Senta^Eve", b.text(0x00080068, "CS", "FOR PRESENTATION")),
        ("Denti^Ugo", b.text(0x20500020, "CS", "IDENTITY")),
        ("Thora^Ann", b.text(0x00080070, "LO", "Thorax systems ")),
    ],
)
def test_a_name_inside_a_word_of_the_standard_is_chance(
    tmp_path: Path, name: str, kept: bytes
) -> None:
    run = deidentify(tmp_path, b.part10(ct_image(*identity(name), kept)))
    assert kept in run.data


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Prima^Budi", "PRIMARY of Prima"),
        ("Prima^Budi", "PRIMA_1"),
        ("Prima^Budi", "xPRIMARYx"),
        ("Head^Ann", "for Ann Head"),
        ("Norma^Ann", "normal: norma"),
    ],
)
def test_a_name_beside_a_word_of_the_standard_is_found(
    tmp_path: Path, name: str, text: str
) -> None:
    kept = b.text(MANUFACTURER, "LO", text)
    run = deidentify(tmp_path, b.part10(ct_image(*identity(name), kept)))
    assert run.outcome.n_cleaned == 1
    assert kept not in run.data


def test_what_stands_beside_a_cleaned_element_stays_as_it_is(tmp_path: Path) -> None:
    before = b.text(0x00080068, "CS", "FOR PRESENTATION")
    hit = b.text(MANUFACTURER, "LO", "for Doe")
    behind = b.text(0x00081090, "LO", "Scanner 64")
    inside = b.text(0x00080100, "SH", "T-A0100") + b.text(0x00080102, "SH", "SRT")
    leak = b.text(0x00080104, "LO", "of Doe")
    code = b.sequence(0x00082218, [b.item(inside + leak), b.item(inside)])
    run = deidentify(tmp_path, b.part10(ct_image(*identity(), before, hit, behind, code)))
    assert run.outcome.n_cleaned == 2
    for kept in (before, behind, inside, b.item(inside)):
        assert kept in run.data


@pytest.mark.jit
def test_long_kept_values_are_copied_as_they_are(tmp_path: Path) -> None:
    values = [
        (0x00281201, "OW", bytes(range(256)) * 512),
        (0x00282000, "OB", bytes(range(255, -1, -1)) * 300),
        (0x0040A160, "UT", b"plain words and 4712 numbers " * 6000),
    ]
    kept = [b.element(tag, vr, value) for tag, vr, value in values]
    for encoding in (b.EXPLICIT, b.IMPLICIT, b.DEFLATED):
        own = [b.element(tag, vr, value, encoding) for tag, vr, value in values]
        run = deidentify(tmp_path, b.part10(ct_image(*own, encoding=encoding), encoding))
        assert run.outcome.n_cleaned == 0
        data_set = run.data_set
        for tag, _, value in values:
            raw = data_set.get_item(tag).value
            assert raw == value
    run = deidentify(tmp_path, b.part10(ct_image(*identity(), *kept)))
    for element in kept:
        assert element in run.data


def test_the_synthetic_values_are_never_taken_for_a_leak(tmp_path: Path) -> None:
    """A file that went through once and comes again: its own values are dummies already."""
    for name in ("DEIDENTIFIED", "ANONYMOUS^PATIENT", "Unknown"):
        own = [
            *identity(name, patient_id="DEIDENTIFIED"),
            b.text(MANUFACTURER, "LO", "ACME Imaging"),
        ]
        first = deidentify(tmp_path, b.part10(ct_image(*own)))
        assert first.outcome.verdict is Verdict.OK
        again = deidentify(tmp_path, first.data)
        assert again.outcome.verdict is Verdict.OK
        assert again.data_set.Manufacturer == "ACME Imaging"
        assert again.data_set.DeidentificationMethod == first.data_set.DeidentificationMethod
