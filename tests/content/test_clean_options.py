"""Whole files under Clean Structured Content and Clean Graphics, with dciodvfy as the judge."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from pydicom.dataset import Dataset

from tests.content import referring
from tests.content.trees import content, document
from tests.content.whole import Done, concept, content_items, deidentify
from tests.judges import dciodvfy_errors, require
from tests.scenarios.studies import COMPREHENSIVE_SR, image, instance
from tests.scenarios.test_references import key_objects, presentation_state, report

STRUCTURED = ("clean_structured_content", "clean_descriptors")
DATED = (*STRUCTURED, "retain_longitudinal_modified_dates")
GRAPHICS = ("clean_graphics", "clean_descriptors")
NAMES = (b"rzybylska", b"PRZYBYLSKA", b"Olga", b"Vera", b"Carl", b"Nepomuk", b"ZQ-5551237")


def diary() -> Dataset:
    """Return a report with one of each kind of content item."""
    tree = document(
        content("PNAME", ("DCM", "121029", "Subject Name"), "Przybylska^Wilhelmine"),
        content("TEXT", ("DCM", "121030", "Subject ID"), "ZQ-5551237"),
        content("DATE", ("DCM", "121031", "Subject Birth Date"), "19431107"),
        content("NUM", ("DCM", "121033", "Subject Age"), 73),
        content("DATETIME", ("DCM", "122165", "DateTime of Death"), "20170601"),
        content("DATE", ("DCM", "111060", "Study Date"), "20170623"),
        content(
            "TEXT",
            ("DCM", "121071", "Finding"),
            "Mrs. Przybylska has a nodule in the left lung",
            content("NUM", ("SCT", "410668003", "Length"), 12),
        ),
        content("TEXT", ("DCM", "121022", "Accession Number"), "AX99812345"),
        content("IMAGE", None, image(1, 1).SOPInstanceUID),
        content("CODE", ("DCM", "121071", "Finding"), ("SCT", "27925004", "Nodule")),
    )
    made = instance(COMPREHENSIVE_SR, 30, 1, "SR", CompletionFlag="PARTIAL")
    made.VerificationFlag, made.PerformedProcedureCodeSequence = "UNVERIFIED", []
    made.ReferencedPerformedProcedureStepSequence = []
    made.ContentDate, made.ContentTime = "20170623", "1011"
    for element in tree:
        made[element.tag] = element
    return made


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder for all runs."""
    return tmp_path_factory.mktemp("options")


def run(folder: Path, options: tuple[str, ...]) -> list[Done]:
    objects = [
        diary(),
        report(),
        key_objects(),
        presentation_state(),
        referring.electrocardiogram(),
    ]
    return deidentify(folder, options, [image(1, 1), image(1, 2), *objects])


@pytest.fixture(scope="module")
def dated(folder: Path) -> list[Done]:
    """Return a study under Clean Structured Content, Clean Descriptors and Modified Dates."""
    return run(folder / "dated", DATED)


@pytest.fixture(scope="module")
def drawn(folder: Path) -> list[Done]:
    """Return a study under Clean Graphics and Clean Descriptors."""
    return run(folder / "drawn", GRAPHICS)


def test_nothing_identifying_is_left(dated: list[Done], drawn: list[Done]) -> None:
    for done in (*dated, *drawn):
        for word in (*NAMES, b"AX99812345", b"19431107", b"20170623"):
            assert word not in done.data


def test_outputs_stay_valid(dated: list[Done], drawn: list[Done]) -> None:
    require("dciodvfy")
    for done in (*dated, *drawn):
        assert dciodvfy_errors(done.path) - dciodvfy_errors(done.source) == {}


def test_a_report_keeps_its_shape_and_its_clinical_content(dated: list[Done]) -> None:
    before, after = diary(), dated[2].data_set
    kept = [concept(one) for one in content_items(after)]
    gone = {"121031", "121033", "121022"}
    assert kept == [concept(one) for one in content_items(before) if concept(one) not in gone]
    items = {concept(one) + one.ValueType: one for one in content_items(after)}
    assert items["121071TEXT"].TextValue == "has a nodule in the left lung"
    assert items["410668003NUM"].MeasuredValueSequence[0].NumericValue == 12
    assert items["121071CODE"].ConceptCodeSequence[0].CodeMeaning == "Nodule"
    assert items["121029PNAME"].PersonName == after.PatientName


def test_dates_of_the_content_are_shifted_with_all_others(dated: list[Done]) -> None:
    after = dated[2].data_set
    days = dt.timedelta(dated[2].outcome.shared.date_offset)
    items = {concept(one): one for one in content_items(after)}
    shifted = f"{dt.date(2017, 6, 23) + days:%Y%m%d}"
    assert items["111060"].Date == shifted == after.ContentDate
    assert items["122165"].DateTime == f"{dt.date(2017, 6, 1) + days:%Y%m%d}"


def test_references_of_the_content_lead_to_the_images(dated: list[Done]) -> None:
    images = {str(done.data_set.SOPInstanceUID) for done in dated[:2]}
    for done in dated[2:5]:
        found = {
            str(one.ReferencedSOPSequence[0].ReferencedSOPInstanceUID)
            for one in content_items(done.data_set)
            if one.ValueType == "IMAGE"
        }
        assert found
        assert found <= images


def test_words_of_a_presentation_state_are_cleaned_and_its_geometry_stays(
    drawn: list[Done],
) -> None:
    before, after = presentation_state(), drawn[5].data_set
    (old,), (new,) = before.GraphicAnnotationSequence, after.GraphicAnnotationSequence
    assert new.GraphicLayer == old.GraphicLayer
    (old_text,), (new_text,) = old.TextObjectSequence, new.TextObjectSequence
    for keyword in ("BoundingBoxTopLeftHandCorner", "BoundingBoxBottomRightHandCorner"):
        assert new_text[keyword].value == old_text[keyword].value
    assert new_text.UnformattedTextValue
    (layer,) = after.GraphicLayerSequence
    assert (layer.GraphicLayer, layer.GraphicLayerOrder) == ("NAMES", 1)


def test_annotations_of_a_waveform_are_cleaned(dated: list[Done]) -> None:
    (annotation,) = dated[6].data_set.WaveformAnnotationSequence
    assert annotation.UnformattedTextValue.strip(" ,") == "sinus rhythm"


def test_instances_say_what_was_cleaned(dated: list[Done], drawn: list[Done]) -> None:
    def codes(done: Done) -> set[str]:
        return {str(one.CodeValue) for one in done.data_set.DeidentificationMethodCodeSequence}

    assert {"113100", "113104", "113105", "113107"} <= codes(dated[2])
    assert {"113100", "113103", "113105"} <= codes(drawn[5])
