"""Whole files whose content the options treat in unusual ways."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydicom.dataset import Dataset

from tests.content.trees import content, document
from tests.content.whole import Done, concept, content_items, deidentify
from tests.judges import dciodvfy_errors, require
from tests.scenarios.studies import COMPREHENSIVE_SR, image, instance, item

STRUCTURED = ("clean_structured_content", "clean_descriptors")
LENGTH = ("SCT", "410668003", "Length")
SEX = ("DCM", "121032", "Subject Sex")


def report(*items: Dataset) -> Dataset:
    made = instance(COMPREHENSIVE_SR, 30, 1, "SR", CompletionFlag="PARTIAL")
    made.VerificationFlag, made.PerformedProcedureCodeSequence = "UNVERIFIED", []
    made.ReferencedPerformedProcedureStepSequence = []
    made.ContentDate, made.ContentTime = "20170623", "1011"
    for element in document(*items):
        made[element.tag] = element
    return made


def run(folder: Path, data_set: Dataset, options: tuple[str, ...] = STRUCTURED) -> Done:
    (done,) = deidentify(folder, options, [data_set])
    return done


def test_counted_items_stay_in_their_places_with_dummies(tmp_path: Path) -> None:
    require("dciodvfy")
    by_reference = item(RelationshipType="INFERRED FROM", ReferencedContentItemIdentifier=[1, 1])
    done = run(
        tmp_path,
        report(
            content("NUM", LENGTH, 12),
            content("CODE", SEX, ("DCM", "F", "Female")),
            content("NUM", ("DCM", "121033", "Subject Age"), 73),
            content("CODE", ("DCM", "121071", "Finding"), ("SCT", "1", "x"), by_reference),
        ),
    )
    _, sex, age, *_ = done.data_set.ContentSequence
    (code,) = sex.ConceptCodeSequence
    assert (code.CodeValue, code.CodeMeaning) == ("DEIDENTIFIED", "DEIDENTIFIED")
    assert age.MeasuredValueSequence == []
    assert len(done.data_set.ContentSequence) == 4
    assert dciodvfy_errors(done.path) - dciodvfy_errors(done.source) == {}


def test_what_an_option_retains_is_not_taken_by_the_leak_check(tmp_path: Path) -> None:
    device = ("DCM", "121012", "Device Observer UID")
    options = (*STRUCTURED, "retain_device_identity")
    items = [content("UIDREF", device, "1.2.840.99.4711.1"), content("NUM", LENGTH, 1)]
    done = run(tmp_path, report(*items), options)
    assert done.data_set.ContentSequence[0].UID == "1.2.840.99.4711.1"
    assert done.outcome.n_cleaned == 0


@pytest.mark.parametrize("n", [400, 20_000])
def test_a_long_text_is_cleaned_not_lost(tmp_path: Path, n: int) -> None:
    text = "Mrs. Przybylska has a nodule. " + "The lungs are clear. " * n
    finding = content("TEXT", ("DCM", "121071", "Finding"), text)
    done = run(tmp_path, report(finding, content("NUM", LENGTH, 1)))
    assert b"rzybylska" not in done.data
    cleaned = done.data_set.ContentSequence[0].TextValue
    assert cleaned.count("The lungs are clear.") == n


def test_a_text_of_names_only_leaves_a_valid_item(tmp_path: Path) -> None:
    require("dciodvfy")
    finding = content("TEXT", ("DCM", "121071", "Finding"), "Wilhelmine Przybylska")
    done = run(tmp_path, report(finding, content("NUM", LENGTH, 1)))
    assert done.data_set.ContentSequence[0].TextValue == "DEIDENTIFIED"
    assert dciodvfy_errors(done.path) - dciodvfy_errors(done.source) == {}


def test_an_item_in_another_character_set_is_cleaned(tmp_path: Path) -> None:
    """PS3.5 6.1.2.4: an item may declare its own (0008,0005)."""
    own = content("TEXT", ("DCM", "121071", "Finding"), "Patient Żuławska: guz płuca")
    own.SpecificCharacterSet = "ISO_IR 101"
    made = report(own, content("NUM", LENGTH, 1))
    made.SpecificCharacterSet = "ISO_IR 101"
    made.PatientName = "Żuławska^Halina"
    done = run(tmp_path, made)
    after = done.data_set
    assert "uławska" not in after.ContentSequence[0].TextValue
    assert "guz płuca" in after.ContentSequence[0].TextValue


def test_without_the_option_nothing_of_a_report_stays(tmp_path: Path) -> None:
    finding = content("TEXT", ("DCM", "121071", "Finding"), "a nodule")
    done = run(tmp_path, report(finding), ())
    assert [concept(one) for one in content_items(done.data_set)] == ["121106"]


@pytest.mark.parametrize("n_samples", [8, 100_000])
def test_overlays_in_the_bits_of_pixel_data_are_cleared(tmp_path: Path, n_samples: int) -> None:
    made = image(1, 1)
    made.BitsStored, made.HighBit = 12, 11
    made.Rows, made.Columns = n_samples // 4, 4
    made.PixelData = b"\x34\x12\xff\xff" * (n_samples // 2)
    for element, value in ((0x10, n_samples // 4), (0x11, 4), (0x100, 16), (0x102, 12)):
        made.add_new(0x60000000 | element, "US", value)
    made.add_new(0x60000040, "CS", "G")
    made.add_new(0x60000050, "SS", [1, 1])
    done = run(tmp_path, made, ())
    assert not any(element.tag.group == 0x6000 for element in done.data_set)
    assert done.data_set.PixelData == b"\x34\x02\xff\x0f" * (n_samples // 2)
    assert done.outcome.output_size == done.path.stat().st_size


def test_an_image_without_such_overlays_keeps_its_bits(tmp_path: Path) -> None:
    made = image(1, 1)
    made.BitsStored, made.HighBit = 12, 11
    made.PixelData = b"\x34\x12\xff\xff" * 2
    done = run(tmp_path, made, ())
    assert done.data_set.PixelData == made.PixelData


@pytest.mark.parametrize("options", [STRUCTURED, ()])
def test_a_patient_who_is_called_like_a_value_type_leaves_the_tree_valid(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    """Date is a Japanese surname, and Text stands in the reports of test systems."""
    require("dciodvfy")
    finding = content("TEXT", ("DCM", "121071", "Finding"), "Mr. Text was examined")
    made = report(finding, content("NUM", LENGTH, 1))
    made.PatientName, made.ReferringPhysicianName = "Text^Date", "Container^Contains"
    done = run(tmp_path, made, options)
    items = list(content_items(done.data_set))
    assert items[0].ValueType == "TEXT"
    assert done.data_set.ValueType == "CONTAINER"
    assert {one.RelationshipType for one in items} == {"CONTAINS"}
    assert b"Mr. Text" not in done.data
    assert dciodvfy_errors(done.path) - dciodvfy_errors(done.source) == {}
