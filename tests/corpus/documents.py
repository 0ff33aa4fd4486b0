"""Reports, key objects, presentation states and documents of the corpus."""

from __future__ import annotations

from typing import Final

from pydicom.dataset import Dataset

from tests.corpus.images import frame_of_reference
from tests.corpus.people import Visit
from tests.corpus.records import Scribe, clock, code, instance, item, series_module, uid

COMPREHENSIVE_SR: Final = "1.2.840.10008.5.1.4.1.1.88.33"
DOSE_SR: Final = "1.2.840.10008.5.1.4.1.1.88.67"
KEY_OBJECTS: Final = "1.2.840.10008.5.1.4.1.1.88.59"
GRAYSCALE_STATE: Final = "1.2.840.10008.5.1.4.1.1.11.1"
ENCAPSULATED_PDF: Final = "1.2.840.10008.5.1.4.1.1.104.1"
SEGMENTATION: Final = "1.2.840.10008.5.1.4.1.1.66.4"


def refer(*images: Dataset) -> list[Dataset]:
    """Return items that refer to images."""
    return [
        item(ReferencedSOPClassUID=one.SOPClassUID, ReferencedSOPInstanceUID=one.SOPInstanceUID)
        for one in images
    ]


def evidence(*images: Dataset) -> list[Dataset]:
    """Return Current Requested Procedure Evidence Sequence, PS3.3 Table C.17-3."""
    series: dict[str, list[Dataset]] = {}
    for one in images:
        series.setdefault(one.SeriesInstanceUID, []).append(one)
    items = [
        item(SeriesInstanceUID=key, ReferencedSOPSequence=refer(*ones))
        for key, ones in series.items()
    ]
    return [item(StudyInstanceUID=images[0].StudyInstanceUID, ReferencedSeriesSequence=items)]


def content(kind: str, concept: tuple[str, str, str], relation: str, **more: object) -> Dataset:
    """Return a content item, PS3.3 C.17.3."""
    return item(
        RelationshipType=relation, ValueType=kind, ConceptNameCodeSequence=code(*concept), **more
    )


def measure(concept: tuple[str, str, str], value: str, unit: str) -> Dataset:
    """Return a NUM item."""
    measured = item(NumericValue=value, MeasurementUnitsCodeSequence=code(unit, "UCUM", unit))
    return content("NUM", concept, "CONTAINS", MeasuredValueSequence=[measured])


def _observer(scribe: Scribe) -> list[Dataset]:
    hospital = scribe.visit.person.hospital
    person = code("121006", "DCM", "Person")
    return [
        content(
            *("CODE", ("121005", "DCM", "Observer Type"), "HAS OBS CONTEXT"),
            ConceptCodeSequence=person,
        ),
        content(
            *("PNAME", ("121008", "DCM", "Person Observer Name"), "HAS OBS CONTEXT"),
            PersonName=hospital.reading,
        ),
        content(
            *("TEXT", ("121009", "DCM", "Person Observer's Organization Name"), "HAS OBS CONTEXT"),
            TextValue=hospital.name,
        ),
    ]


def _document(scribe: Scribe, sop_class: str, series: int, modality: str) -> Dataset:
    visit = scribe.visit
    shared = series_module(scribe, modality, series, "CHEST")
    for keyword in ("ProtocolName", "BodyPartExamined"):
        del shared[keyword]
    shared.ReferencedPerformedProcedureStepSequence = []
    shared.PerformedProcedureCodeSequence = []
    return instance(shared, visit, sop_class, series, 1)


def report(scribe: Scribe, series: int, images: list[Dataset]) -> Dataset:
    """Return a measurement report that names people, days and images in its content."""
    visit, hospital = scribe.visit, scribe.visit.person.hospital
    data_set = _document(scribe, COMPREHENSIVE_SR, series, "SR")
    data_set.ValueType, data_set.ContinuityOfContent = "CONTAINER", "SEPARATE"
    data_set.ConceptNameCodeSequence = code("126000", "DCM", "Imaging Measurement Report")
    data_set.CompletionFlag, data_set.VerificationFlag = "COMPLETE", "VERIFIED"
    data_set.VerifyingObserverSequence = [
        item(
            VerifyingObserverName=hospital.reading,
            VerifyingObserverIdentificationCodeSequence=[],
            VerifyingOrganization=hospital.name,
            VerificationDateTime=visit.date + clock(visit, 240),
        )
    ]
    data_set.CurrentRequestedProcedureEvidenceSequence = evidence(*images)
    finding = ("121071", "DCM", "Finding")
    data_set.ContentSequence = [
        *_observer(scribe),
        *_subject(scribe),
        content("TEXT", finding, "CONTAINS", TextValue=scribe.text("comment")),
        content("TEXT", finding, "CONTAINS", TextValue=scribe.say("[No suspicious nodule.]")),
        content(
            *("TEXT", ("121106", "DCM", "Comment"), "CONTAINS"), TextValue=scribe.text("comment")
        ),
        content("DATE", ("111060", "DCM", "Study Date"), "CONTAINS", Date=visit.date),
        content(
            *("DATETIME", ("122146", "DCM", "Procedure DateTime"), "CONTAINS"),
            DateTime=visit.date + clock(visit, 12),
        ),
        _measurements(visit, series, images[0]),
        _source(images[0]),
    ]
    return data_set


def _subject(scribe: Scribe) -> list[Dataset]:
    visit = scribe.visit
    return [
        content(
            *("PNAME", ("121029", "DCM", "Subject Name"), "HAS OBS CONTEXT"),
            PersonName=visit.person.full_name,
        ),
        content(
            *("TEXT", ("121030", "DCM", "Subject ID"), "HAS OBS CONTEXT"),
            TextValue=visit.person.patient_id,
        ),
        content(
            *("DATE", ("121031", "DCM", "Subject Birth Date"), "HAS OBS CONTEXT"),
            Date=visit.person.birth.strftime("%Y%m%d"),
        ),
        content(
            *("UIDREF", ("121018", "DCM", "Procedure Study Instance UID"), "HAS OBS CONTEXT"),
            UID=visit.study_uid,
        ),
    ]


def _source(image: Dataset) -> Dataset:
    return content(
        *("IMAGE", ("121112", "DCM", "Source of Measurement"), "CONTAINS"),
        ReferencedSOPSequence=refer(image),
    )


def _measurements(visit: Visit, series: int, image: Dataset) -> Dataset:
    return content(
        *("CONTAINER", ("125007", "DCM", "Measurement Group"), "CONTAINS"),
        ContinuityOfContent="SEPARATE",
        ContentSequence=[
            content(
                *("UIDREF", ("112040", "DCM", "Tracking Unique Identifier"), "HAS OBS CONTEXT"),
                UID=uid(visit, series, 700),
            ),
            measure(("410668003", "SCT", "Length"), "14.5", "mm"),
            measure(("118565006", "SCT", "Volume"), "1580", "mm3"),
            _source(image),
        ],
    )


def dose_report(scribe: Scribe, series: int) -> Dataset:
    """Return a radiation dose report with an observer context and a device."""
    visit = scribe.visit
    data_set = _document(scribe, DOSE_SR, series, "SR")
    data_set.ValueType, data_set.ContinuityOfContent = "CONTAINER", "SEPARATE"
    data_set.ConceptNameCodeSequence = code("113701", "DCM", "X-Ray Radiation Dose Report")
    data_set.CompletionFlag, data_set.VerificationFlag = "COMPLETE", "UNVERIFIED"
    acquisition = content(
        *("CONTAINER", ("113819", "DCM", "CT Acquisition"), "CONTAINS"),
        ContinuityOfContent="SEPARATE",
        ContentSequence=[
            content(
                *("TEXT", ("125203", "DCM", "Acquisition Protocol"), "CONTAINS"),
                TextValue=scribe.text("protocol"),
            ),
            content(
                *("UIDREF", ("113769", "DCM", "Irradiation Event UID"), "CONTAINS"),
                UID=uid(visit, 0, 501),
            ),
            content(
                *("DATETIME", ("113809", "DCM", "Start of X-Ray Irradiation"), "CONTAINS"),
                DateTime=visit.date + clock(visit, 3) + ".120",
            ),
            measure(("113830", "DCM", "Mean CTDIvol"), "7.25", "mGy"),
            measure(("113838", "DCM", "DLP"), "281.4", "mGy.cm"),
        ],
    )
    serial = scribe.secret(f"OBS-55{visit.study_id}", "device")
    data_set.ContentSequence = [
        *_observer(scribe),
        content(
            *("UIDREF", ("121012", "DCM", "Device Observer UID"), "HAS OBS CONTEXT"),
            UID=uid(visit, 0, 999),
        ),
        content(
            *("TEXT", ("121016", "DCM", "Device Observer Serial Number"), "HAS OBS CONTEXT"),
            TextValue=serial,
        ),
        content(
            *("PNAME", ("113870", "DCM", "Person Name"), "HAS OBS CONTEXT"),
            PersonName=visit.person.hospital.operator,
        ),
        acquisition,
    ]
    return data_set


def key_objects(scribe: Scribe, series: int, images: list[Dataset]) -> Dataset:
    """Return a key object selection."""
    data_set = _document(scribe, KEY_OBJECTS, series, "KO")
    data_set.ValueType, data_set.ContinuityOfContent = "CONTAINER", "SEPARATE"
    data_set.ConceptNameCodeSequence = code("113000", "DCM", "Of Interest")
    data_set.CurrentRequestedProcedureEvidenceSequence = evidence(*images)
    data_set.ContentSequence = [
        content(
            *("TEXT", ("113012", "DCM", "Key Object Description"), "CONTAINS"),
            TextValue=scribe.text("comment"),
        ),
        *(
            item(RelationshipType="CONTAINS", ValueType="IMAGE", ReferencedSOPSequence=[one])
            for one in refer(*images)
        ),
    ]
    return data_set


def presentation_state(scribe: Scribe, series: int, images: list[Dataset]) -> Dataset:
    """Return a presentation state with a text and a line drawn on an image."""
    visit = scribe.visit
    shared = series_module(scribe, "PR", series, "CHEST")
    del shared["BodyPartExamined"]
    data_set = instance(shared, visit, GRAYSCALE_STATE, series, 1)
    text = item(
        BoundingBoxAnnotationUnits="PIXEL",
        AnchorPointAnnotationUnits="PIXEL",
        UnformattedTextValue=scribe.text("comment"),
        AnchorPoint=[2.0, 3.0],
        AnchorPointVisibility="Y",
    )
    line = item(
        GraphicAnnotationUnits="PIXEL",
        GraphicDimensions=2,
        NumberOfGraphicPoints=2,
        GraphicData=[1.0, 1.0, 5.0, 6.0],
        GraphicType="POLYLINE",
        GraphicFilled="N",
    )
    data_set.GraphicAnnotationSequence = [
        item(
            ReferencedImageSequence=refer(images[0]),
            GraphicLayer="LAYER1",
            TextObjectSequence=[text],
            GraphicObjectSequence=[line],
        )
    ]
    data_set.GraphicLayerSequence = [item(GraphicLayer="LAYER1", GraphicLayerOrder="1")]
    data_set.DisplayedAreaSelectionSequence = [
        item(
            DisplayedAreaTopLeftHandCorner=[1, 1],
            DisplayedAreaBottomRightHandCorner=[8, 8],
            PresentationSizeMode="SCALE TO FIT",
            PresentationPixelAspectRatio=[1, 1],
        )
    ]
    data_set.ReferencedSeriesSequence = [
        item(
            SeriesInstanceUID=images[0].SeriesInstanceUID,
            ReferencedImageSequence=refer(*images),
        )
    ]
    data_set.ContentLabel, data_set.PresentationLUTShape = "KEYIMAGE", "IDENTITY"
    data_set.ContentDescription = scribe.text("reason")
    data_set.ContentCreatorName = visit.person.hospital.reading
    data_set.PresentationCreationDate = visit.date
    data_set.PresentationCreationTime = clock(visit, 90)
    return data_set


def letter(scribe: Scribe, series: int) -> Dataset:
    """Return a letter as an encapsulated PDF, the name of its patient in it."""
    visit = scribe.visit
    data_set = _document(scribe, ENCAPSULATED_PDF, series, "DOC")
    text = f"%PDF-1.4\n%%Title ({scribe.values['flat']} {scribe.values['id']})\n%%EOF\n"
    data_set.EncapsulatedDocument = text.encode("utf-8") + b" " * (len(text.encode("utf-8")) % 2)
    data_set.MIMETypeOfEncapsulatedDocument = "application/pdf"
    data_set.DocumentTitle = scribe.text("reason")
    data_set.BurnedInAnnotation = "YES"
    data_set.ConversionType = "WSD"
    data_set.ConceptNameCodeSequence = code("11528-7", "LN", "Radiology Report")
    data_set.AcquisitionDateTime = visit.date + clock(visit, 3)
    return data_set


def segmentation(scribe: Scribe, series: int, images: list[Dataset]) -> Dataset:
    """Return a binary segmentation of the first image."""
    visit = scribe.visit
    shared = series_module(scribe, "SEG", series, "CHEST")
    data_set = instance(shared, visit, SEGMENTATION, series, 1)
    data_set.update(
        item(
            ImageType=["DERIVED", "PRIMARY"],
            SamplesPerPixel=1,
            PhotometricInterpretation="MONOCHROME2",
            Rows=8,
            Columns=8,
            BitsAllocated=1,
            BitsStored=1,
            HighBit=0,
            PixelRepresentation=0,
            NumberOfFrames=1,
            LossyImageCompression="00",
            SegmentationType="BINARY",
            ContentLabel="LUNG_NODULE",
            ContentDescription=scribe.text("reason"),
            ContentCreatorName=visit.person.hospital.reading,
            FrameOfReferenceUID=frame_of_reference(visit),
            PixelData=visit.random.randbytes(8),
        )
    )
    data_set.SegmentSequence = [
        item(
            SegmentNumber=1,
            SegmentLabel=scribe.say("[Nodule 1] {natural}"),
            SegmentDescription=scribe.text("reason"),
            SegmentAlgorithmType="MANUAL",
            SegmentedPropertyCategoryCodeSequence=code("49755003", "SCT", "Abnormal structure"),
            SegmentedPropertyTypeCodeSequence=code("27925004", "SCT", "Nodule"),
            TrackingID="nodule-1",
            TrackingUID=uid(visit, series, 700),
        )
    ]
    data_set.ReferencedSeriesSequence = [
        item(
            SeriesInstanceUID=images[0].SeriesInstanceUID,
            ReferencedInstanceSequence=refer(*images),
        )
    ]
    organization = uid(visit, series, 901)
    data_set.DimensionOrganizationSequence = [item(DimensionOrganizationUID=organization)]
    data_set.DimensionIndexSequence = [
        item(
            DimensionOrganizationUID=organization,
            DimensionIndexPointer=0x0062000B,
            FunctionalGroupPointer=0x0062000A,
        )
    ]
    data_set.update(_groups(images[0]))
    return data_set


def _groups(image: Dataset) -> Dataset:
    """Return the functional groups of the one frame."""
    groups = item()
    derivation = item(
        DerivationCodeSequence=code("113076", "DCM", "Segmentation"),
        SourceImageSequence=refer(image),
    )
    groups.SharedFunctionalGroupsSequence = [
        item(
            PixelMeasuresSequence=[item(PixelSpacing=[0.78125, 0.78125], SliceThickness="2.5")],
            PlaneOrientationSequence=[item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])],
        )
    ]
    groups.PerFrameFunctionalGroupsSequence = [
        item(
            DerivationImageSequence=[derivation],
            FrameContentSequence=[item(DimensionIndexValues=[1])],
            PlanePositionSequence=[item(ImagePositionPatient=[-120.5, -98.25, 2.5])],
            SegmentIdentificationSequence=[item(ReferencedSegmentNumber=1)],
        )
    ]
    return groups
