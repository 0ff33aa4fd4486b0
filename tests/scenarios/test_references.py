"""Reports, key objects, presentation states, structure sets and segmentations find their images."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pydicom.dataset import Dataset

from tests.judges import dciodvfy_errors, require
from tests.scenarios.studies import (
    COMPREHENSIVE_SR,
    FRAME_OF_REFERENCE,
    GRAYSCALE_STATE,
    KEY_OBJECTS,
    RT_STRUCTURE_SET,
    SEGMENTATION,
    STUDY,
    code,
    deidentify,
    image,
    instance,
    item,
    references,
)

SERIES = f"{STUDY[:-2]}.2.1"


def evidence() -> list[Dataset]:
    series = item(ReferencedSOPSequence=references(1, 1, 2), SeriesInstanceUID=SERIES)
    return [item(ReferencedSeriesSequence=[series], StudyInstanceUID=STUDY)]


def report() -> Dataset:
    """Return a Comprehensive SR with a finding, an image and the observer's name."""
    finding = item(
        RelationshipType="CONTAINS",
        ValueType="TEXT",
        ConceptNameCodeSequence=code("121071", "DCM", "Finding"),
        TextValue="Mrs. Przybylska has a nodule",
    )
    picture = item(
        RelationshipType="CONTAINS", ValueType="IMAGE", ReferencedSOPSequence=references(1, 1)
    )
    observer = item(
        RelationshipType="HAS OBS CONTEXT",
        ValueType="PNAME",
        ConceptNameCodeSequence=code("121008", "DCM", "Person Observer Name"),
        PersonName="Observer^Olga",
    )
    verified = item(
        VerifyingOrganization="Sankt Nepomuk Klinik",
        VerificationDateTime="20170624",
        VerifyingObserverName="Verifier^Vera",
        VerifyingObserverIdentificationCodeSequence=[],
    )
    return instance(
        COMPREHENSIVE_SR,
        5,
        1,
        "SR",
        ContentDate="20170623",
        ContentTime="101112",
        ValueType="CONTAINER",
        ConceptNameCodeSequence=code("18748-4", "LN", "Diagnostic Imaging Report"),
        ContinuityOfContent="SEPARATE",
        ReferencedPerformedProcedureStepSequence=[],
        PerformedProcedureCodeSequence=[],
        CompletionFlag="COMPLETE",
        VerificationFlag="VERIFIED",
        VerifyingObserverSequence=[verified],
        CurrentRequestedProcedureEvidenceSequence=evidence(),
        ContentTemplateSequence=[item(MappingResource="DCMR", TemplateIdentifier="1500")],
        ContentSequence=[observer, finding, picture],
    )


def key_objects() -> Dataset:
    picture = item(
        RelationshipType="CONTAINS", ValueType="IMAGE", ReferencedSOPSequence=references(1, 2)
    )
    return instance(
        KEY_OBJECTS,
        6,
        1,
        "KO",
        ContentDate="20170623",
        ContentTime="101112",
        ReferencedPerformedProcedureStepSequence=[],
        ValueType="CONTAINER",
        ConceptNameCodeSequence=code("113000", "DCM", "Of Interest"),
        ContinuityOfContent="SEPARATE",
        CurrentRequestedProcedureEvidenceSequence=evidence(),
        ContentSequence=[picture],
    )


def presentation_state() -> Dataset:
    area = item(
        DisplayedAreaTopLeftHandCorner=[1, 1],
        DisplayedAreaBottomRightHandCorner=[2, 2],
        PresentationSizeMode="SCALE TO FIT",
        PresentationPixelAspectRatio=[1, 1],
    )
    words = item(
        BoundingBoxAnnotationUnits="PIXEL",
        BoundingBoxTopLeftHandCorner=[1.0, 1.0],
        BoundingBoxBottomRightHandCorner=[2.0, 2.0],
        BoundingBoxTextHorizontalJustification="LEFT",
        UnformattedTextValue="Mrs. Przybylska",
    )
    annotation = item(GraphicLayer="NAMES", TextObjectSequence=[words])
    return instance(
        GRAYSCALE_STATE,
        7,
        1,
        "PR",
        ContentLabel="STATE",
        ContentDescription="for Mrs. Przybylska",
        ContentCreatorName="Creator^Carl",
        PresentationCreationDate="20170623",
        PresentationCreationTime="101112",
        ReferencedSeriesSequence=[
            item(ReferencedImageSequence=references(1, 1, 2), SeriesInstanceUID=SERIES)
        ],
        DisplayedAreaSelectionSequence=[area],
        GraphicAnnotationSequence=[annotation],
        GraphicLayerSequence=[
            item(GraphicLayer="NAMES", GraphicLayerOrder="1", GraphicLayerDescription="names")
        ],
        PresentationLUTShape="IDENTITY",
    )


def structure_set() -> Dataset:
    contour = item(
        ContourImageSequence=references(1, 2),
        ContourGeometricType="POINT",
        NumberOfContourPoints="1",
        ContourData=["1", "2", "3"],
    )
    series = item(ContourImageSequence=references(1, 1, 2), SeriesInstanceUID=SERIES)
    study = item(
        ReferencedSOPClassUID="1.2.840.10008.3.1.2.3.1",
        ReferencedSOPInstanceUID=STUDY,
        RTReferencedSeriesSequence=[series],
    )
    frame = item(FrameOfReferenceUID=FRAME_OF_REFERENCE, RTReferencedStudySequence=[study])
    return instance(
        RT_STRUCTURE_SET,
        8,
        1,
        "RTSTRUCT",
        OperatorsName="Operator^Otto",
        StructureSetLabel="PRZYBYLSKA",
        StructureSetDate="20170623",
        StructureSetTime="101112",
        ReferencedFrameOfReferenceSequence=[frame],
        StructureSetROISequence=[
            item(
                ROINumber="1",
                ReferencedFrameOfReferenceUID=FRAME_OF_REFERENCE,
                ROIName="Liver",
                ROIGenerationAlgorithm="MANUAL",
            )
        ],
        ROIContourSequence=[item(ReferencedROINumber="1", ContourSequence=[contour])],
        RTROIObservationsSequence=[
            item(
                ObservationNumber="1",
                ReferencedROINumber="1",
                RTROIInterpretedType="ORGAN",
                ROIInterpreter="Interpreter^Ines",
            )
        ],
    )


def segmentation() -> Dataset:
    (source,) = references(1, 1)
    source.PurposeOfReferenceCodeSequence = code("121322", "DCM", "Source image")
    derivation = item(
        SourceImageSequence=[source], DerivationCodeSequence=code("113076", "DCM", "Segmentation")
    )
    return instance(
        SEGMENTATION,
        9,
        1,
        "SEG",
        FrameOfReferenceUID=FRAME_OF_REFERENCE,
        ReferencedSeriesSequence=[
            item(ReferencedInstanceSequence=references(1, 1), SeriesInstanceUID=SERIES)
        ],
        NumberOfFrames="1",
        SamplesPerPixel=1,
        PhotometricInterpretation="MONOCHROME2",
        Rows=2,
        Columns=8,
        BitsAllocated=1,
        BitsStored=1,
        HighBit=0,
        PixelRepresentation=0,
        PerFrameFunctionalGroupsSequence=[item(DerivationImageSequence=[derivation])],
        PixelData=b"\xa5\x5a",
    )


OBJECTS = [report, key_objects, presentation_state, structure_set, segmentation]


@pytest.mark.parametrize("make", OBJECTS)
def test_references_lead_to_the_images_of_the_output(
    tmp_path: Path, make: Callable[[], Dataset]
) -> None:
    images = [image(1, 1), image(1, 2)]
    (_, first), (_, second), (_, referrer) = deidentify(tmp_path, [*images, make()])
    known = {first.SOPInstanceUID, second.SOPInstanceUID, first.StudyInstanceUID}
    found = [
        element.value
        for element in referrer.iterall()
        if element.keyword == "ReferencedSOPInstanceUID"
    ]
    assert found
    assert set(found) <= known
    series = [
        element.value for element in referrer.iterall() if element.keyword == "SeriesInstanceUID"
    ]
    assert set(series) == {first.SeriesInstanceUID, referrer.SeriesInstanceUID}
    frames = {
        element.value
        for element in referrer.iterall()
        if element.keyword in {"FrameOfReferenceUID", "ReferencedFrameOfReferenceUID"}
    }
    assert frames <= {first.FrameOfReferenceUID}
    assert referrer.StudyInstanceUID == first.StudyInstanceUID


@pytest.mark.parametrize("make", OBJECTS)
def test_names_and_words_of_the_referrers_are_gone(
    tmp_path: Path, make: Callable[[], Dataset]
) -> None:
    ((outcome, output),) = deidentify(tmp_path, [make()])
    data = (tmp_path / "target" / outcome.path).read_bytes()
    for word in (b"rzybylska", b"PRZYBYLSKA", b"Olga", b"Vera", b"Carl", b"Otto", b"Ines"):
        assert word not in data
    for word in (b"Nepomuk", b"nodule", b"20170623", b"20170624"):
        assert word not in data
    assert all(element.value for element in output.iterall() if element.keyword == "CodeMeaning")


@pytest.mark.parametrize("make", [report, key_objects, presentation_state, structure_set])
def test_the_referrers_stay_valid(tmp_path: Path, make: Callable[[], Dataset]) -> None:
    require("dciodvfy")
    ((outcome, output),) = deidentify(tmp_path, [make()])
    before = dciodvfy_errors(tmp_path / "source" / "000.dcm")
    after = dciodvfy_errors(tmp_path / "target" / outcome.path)
    assert after - before == {}
    if "ContentSequence" in output:
        (content,) = output.ContentSequence
        assert (content.RelationshipType, content.ValueType) == ("CONTAINS", "TEXT")
        assert content.TextValue == "DEIDENTIFIED"
        assert "ContentTemplateSequence" not in output


def test_a_report_is_still_a_verified_report(tmp_path: Path) -> None:
    ((_, output),) = deidentify(tmp_path, [report()])
    assert (output.CompletionFlag, output.VerificationFlag) == ("COMPLETE", "VERIFIED")
    (observer,) = output.VerifyingObserverSequence
    assert observer.VerifyingObserverName == "DEIDENTIFIED"
    assert observer.VerifyingOrganization == "DEIDENTIFIED"
    assert output.ConceptNameCodeSequence[0].CodeValue == "18748-4"
    assert output.ContinuityOfContent == "SEPARATE"
