"""Traps 32 and 34: what the input says about its own de-identification proves nothing."""

from __future__ import annotations

from pathlib import Path

from tests import builders as b
from tests.runs import ct_image, deidentify


def test_trap_34_a_file_that_says_it_is_deidentified_is_processed_all_the_same(
    tmp_path: Path,
) -> None:
    code = b.item(b.text(0x00080100, "SH", "113107") + b.text(0x00080102, "SH", "DCM"))
    claims = [
        b.text(0x00120062, "CS", "YES"),
        b.text(0x00120063, "LO", "Secret by Hospital X"),
        b.sequence(0x00120064, [code]),
        b.text(0x00280303, "CS", "UNMODIFIED"),
    ]
    run = deidentify(tmp_path, b.part10(ct_image(*claims)))
    data_set = run.data_set
    assert data_set.PatientName == data_set.PatientID == run.outcome.pseudonyms[0]
    assert data_set.PatientIdentityRemoved == "YES"
    assert "Secret" not in str(data_set.DeidentificationMethod)
    (applied,) = data_set.DeidentificationMethodCodeSequence
    assert (applied.CodeValue, applied.CodingSchemeDesignator) == ("113100", "DCM")
    assert data_set.LongitudinalTemporalInformationModified == "REMOVED"
    for tag in (0x00120062, 0x00120063, 0x00120064, 0x00280303):
        assert len([element for element in data_set if element.tag == tag]) == 1


def test_trap_34_claims_inside_items_are_not_the_files_own(tmp_path: Path) -> None:
    inside = b.text(0x00120062, "CS", "YES") + b.text(0x00120063, "LO", "Secret")
    run = deidentify(tmp_path, b.part10(ct_image(b.sequence(0x00081115, [b.item(inside)]))))
    assert b"Secret" not in run.data
    assert run.data_set.PatientIdentityRemoved == "YES"


def test_trap_32_burned_in_and_recognisable_are_not_claimed(tmp_path: Path) -> None:
    """This version examines no samples, so it neither sets these two nor changes them."""
    run = deidentify(tmp_path, b.part10(ct_image()))
    assert "BurnedInAnnotation" not in run.data_set
    assert "RecognizableVisualFeatures" not in run.data_set
    for value in ("YES", "NO"):
        said = [b.text(tag, "CS", value) for tag in (0x00280301, 0x00280302)]
        run = deidentify(tmp_path, b.part10(ct_image(*said)))
        assert run.data_set.BurnedInAnnotation == value
        assert run.data_set.RecognizableVisualFeatures == value
        assert run.data_set.PatientID == run.outcome.pseudonyms[0]


def test_markers_stand_in_their_places_in_the_order_of_tags(tmp_path: Path) -> None:
    for encoding in b.ENCODINGS:
        around = [
            b.text(0x00120050, "LO", "before", encoding),
            b.text(0x00180015, "CS", "HEAD", encoding),
            b.text(0x00280300, "CS", "NO", encoding),
            b.text(0x00282110, "CS", "00", encoding),
        ]
        run = deidentify(tmp_path, b.part10(ct_image(*around, encoding=encoding), encoding))
        tags = [int(element.tag) for element in run.data_set]
        assert tags == sorted(tags)
        assert {0x00120062, 0x00120063, 0x00120064, 0x00280303} <= set(tags)
