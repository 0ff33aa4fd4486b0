"""Radiotherapy objects and an ECG: a structure set on a CT, a plan on it, a dose of the plan."""

from __future__ import annotations

from typing import Final

from pydicom.dataset import Dataset

from tests.corpus.documents import refer
from tests.corpus.images import frame_of_reference, pixels
from tests.corpus.records import Scribe, clock, code, instance, item, series_module, uid

STRUCTURE_SET: Final = "1.2.840.10008.5.1.4.1.1.481.3"
PLAN: Final = "1.2.840.10008.5.1.4.1.1.481.5"
DOSE: Final = "1.2.840.10008.5.1.4.1.1.481.2"
ECG: Final = "1.2.840.10008.5.1.4.1.1.9.1.1"


def _start(scribe: Scribe, sop_class: str, modality: str, series: int) -> Dataset:
    shared = series_module(scribe, modality, series, "PELVIS")
    for keyword in ("ProtocolName", "BodyPartExamined"):
        del shared[keyword]
    data_set = instance(shared, scribe.visit, sop_class, series, 1)
    data_set.ApprovalStatus = "APPROVED"
    data_set.ReviewDate, data_set.ReviewTime = scribe.visit.date, clock(scribe.visit, 300)
    data_set.ReviewerName = scribe.visit.person.hospital.reading
    return data_set


def structure_set(scribe: Scribe, series: int, images: list[Dataset]) -> Dataset:
    """Return contours on a CT series."""
    visit = scribe.visit
    data_set = _start(scribe, STRUCTURE_SET, "RTSTRUCT", series)
    data_set.StructureSetLabel = "PELVIS_V1"
    data_set.StructureSetName = scribe.text("reason")
    data_set.StructureSetDescription = scribe.text("comment")
    data_set.StructureSetDate, data_set.StructureSetTime = visit.date, clock(visit, 120)
    contour_images = refer(*images)
    series_item = item(
        SeriesInstanceUID=images[0].SeriesInstanceUID, ContourImageSequence=contour_images
    )
    study_item = item(
        ReferencedSOPClassUID="1.2.840.10008.3.1.2.3.1",
        ReferencedSOPInstanceUID=visit.study_uid,
        RTReferencedSeriesSequence=[series_item],
    )
    frame = frame_of_reference(visit)
    data_set.ReferencedFrameOfReferenceSequence = [
        item(FrameOfReferenceUID=frame, RTReferencedStudySequence=[study_item])
    ]
    names = (scribe.say("[PTV 60 Gy]"), scribe.say("[Rectum]"), scribe.say("[GTV] {family}"))
    data_set.StructureSetROISequence = [
        item(
            ROINumber=str(number),
            ReferencedFrameOfReferenceUID=frame,
            ROIName=name,
            ROIGenerationAlgorithm="MANUAL",
        )
        for number, name in enumerate(names, 1)
    ]
    data_set.ROIContourSequence = [
        item(
            ROIDisplayColor=[255, 0, 0],
            ReferencedROINumber=str(number),
            ContourSequence=[
                item(
                    ContourImageSequence=refer(images[0]),
                    ContourGeometricType="CLOSED_PLANAR",
                    NumberOfContourPoints=3,
                    ContourData=[0.0, 0.0, 2.5, 10.0, 0.0, 2.5, 10.0, 10.5, 2.5],
                )
            ],
        )
        for number in range(1, 4)
    ]
    data_set.RTROIObservationsSequence = [
        item(
            ObservationNumber=str(number),
            ReferencedROINumber=str(number),
            RTROIInterpretedType="ORGAN",
            ROIInterpreter=visit.person.hospital.reading if number == 1 else "",
        )
        for number in range(1, 4)
    ]
    return data_set


def plan(scribe: Scribe, series: int, structures: Dataset) -> Dataset:
    """Return a plan of one beam on a structure set."""
    visit = scribe.visit
    data_set = _start(scribe, PLAN, "RTPLAN", series)
    data_set.RTPlanLabel, data_set.RTPlanName = "VMAT_60GY", scribe.text("reason")
    data_set.RTPlanDescription = scribe.text("comment")
    data_set.RTPlanDate, data_set.RTPlanTime = visit.date, clock(visit, 180)
    data_set.RTPlanGeometry = "PATIENT"
    data_set.FrameOfReferenceUID = frame_of_reference(visit)
    data_set.PositionReferenceIndicator = ""
    data_set.ReferencedStructureSetSequence = refer(structures)
    data_set.DoseReferenceSequence = [
        item(
            DoseReferenceNumber="1",
            DoseReferenceUID=uid(visit, series, 800),
            DoseReferenceStructureType="SITE",
            DoseReferenceDescription=scribe.say("[PTV prostate 60 Gy]"),
            DoseReferenceType="TARGET",
            TargetPrescriptionDose="60",
        )
    ]
    data_set.FractionGroupSequence = [
        item(
            FractionGroupNumber="1",
            NumberOfFractionsPlanned="30",
            NumberOfBeams="1",
            NumberOfBrachyApplicationSetups="0",
            ReferencedBeamSequence=[item(ReferencedBeamNumber="1", BeamMeterset="312.5")],
        )
    ]
    data_set.BeamSequence = [_beam(scribe)]
    return data_set


def _beam(scribe: Scribe) -> Dataset:
    control = item(
        ControlPointIndex="0",
        CumulativeMetersetWeight="0",
        NominalBeamEnergy="6",
        GantryAngle="181",
        GantryRotationDirection="CW",
        BeamLimitingDeviceAngle="0",
        BeamLimitingDeviceRotationDirection="NONE",
        PatientSupportAngle="0",
        PatientSupportRotationDirection="NONE",
        TableTopEccentricAngle="0",
        TableTopEccentricRotationDirection="NONE",
        IsocenterPosition=[0.0, 0.0, 2.5],
    )
    return item(
        BeamNumber="1",
        BeamName=scribe.say("[Arc 1] {last_initial}"),
        BeamType="DYNAMIC",
        RadiationType="PHOTON",
        TreatmentMachineName=scribe.secret(f"TB55-{scribe.visit.study_id}", "device"),
        TreatmentDeliveryType="TREATMENT",
        NumberOfWedges="0",
        NumberOfCompensators="0",
        NumberOfBoli="0",
        NumberOfBlocks="0",
        FinalCumulativeMetersetWeight="1",
        NumberOfControlPoints="2",
        SourceAxisDistance="1000",
        BeamLimitingDeviceSequence=[
            item(RTBeamLimitingDeviceType="ASYMX", NumberOfLeafJawPairs="1")
        ],
        ControlPointSequence=[
            control,
            item(ControlPointIndex="1", CumulativeMetersetWeight="1"),
        ],
    )


def dose(scribe: Scribe, series: int, planned: Dataset) -> Dataset:
    """Return a dose of a plan."""
    visit = scribe.visit
    data_set = _start(scribe, DOSE, "RTDOSE", series)
    data_set.DoseUnits, data_set.DoseType, data_set.DoseSummationType = "GY", "PHYSICAL", "PLAN"
    data_set.DoseGridScaling, data_set.DoseComment = "0.0001", scribe.text("reason")
    data_set.ReferencedRTPlanSequence = refer(planned)
    data_set.update(item(**pixels(visit)))
    data_set.BitsStored, data_set.HighBit = 16, 15
    data_set.FrameOfReferenceUID = frame_of_reference(visit)
    data_set.PositionReferenceIndicator = ""
    data_set.ImagePositionPatient = [0.0, 0.0, 2.5]
    data_set.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    data_set.PixelSpacing = [2.5, 2.5]
    return data_set


def ecg(scribe: Scribe, series: int) -> Dataset:
    """Return a 12-lead ECG of two channels, with an interpretation that names the patient."""
    visit = scribe.visit
    shared = series_module(scribe, "ECG", series, "HEART")
    del shared["BodyPartExamined"]
    data_set = instance(shared, visit, ECG, series, 1)
    data_set.AcquisitionDateTime = visit.date + clock(visit, 2)
    data_set.AcquisitionContextSequence = []
    channels = [
        item(
            ChannelSourceSequence=code(value, "MDC", meaning),
            ChannelSensitivity="2.5",
            ChannelSensitivityUnitsSequence=code("uV", "UCUM", "microvolt"),
            ChannelSensitivityCorrectionFactor="1",
            ChannelBaseline="0",
            ChannelTimeSkew="0",
            WaveformBitsStored=16,
        )
        for value, meaning in (("2:1", "Lead I"), ("2:2", "Lead II"))
    ]
    data_set.WaveformSequence = [
        item(
            WaveformOriginality="ORIGINAL",
            NumberOfWaveformChannels=2,
            NumberOfWaveformSamples=16,
            SamplingFrequency="500",
            MultiplexGroupLabel=scribe.say("[RHYTHM]"),
            ChannelDefinitionSequence=channels,
            WaveformBitsAllocated=16,
            WaveformSampleInterpretation="SS",
            WaveformData=visit.random.randbytes(64),
        )
    ]
    data_set.WaveformAnnotationSequence = [
        item(
            UnformattedTextValue=scribe.text("comment"),
            AnnotationGroupNumber=1,
            ReferencedWaveformChannels=[1, 0],
        ),
        item(
            NumericValue="72",
            MeasurementUnitsCodeSequence=code("{H.B.}/min", "UCUM", "Heart beat per minute"),
            ConceptNameCodeSequence=code("8867-4", "LN", "Heart rate"),
            AnnotationGroupNumber=0,
            ReferencedWaveformChannels=[1, 0],
        ),
    ]
    return data_set
