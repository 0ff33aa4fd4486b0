"""Instances that refer to others elsewhere than reports do: plans, doses, waveforms, frames."""

from __future__ import annotations

import struct
from typing import Final

from pydicom.dataset import Dataset

from tests.scenarios.studies import (
    CT,
    FRAME_OF_REFERENCE,
    ROOT,
    RT_PLAN,
    RT_STRUCTURE_SET,
    code,
    image,
    instance,
    item,
    references,
    uid_of,
)

RT_DOSE: Final = "1.2.840.10008.5.1.4.1.1.481.2"
SPATIAL_REGISTRATION: Final = "1.2.840.10008.5.1.4.1.1.66.1"
TWELVE_LEAD_ECG: Final = "1.2.840.10008.5.1.4.1.1.9.1.1"
ENHANCED_CT: Final = "1.2.840.10008.5.1.4.1.1.2.1"
IDENTITY: Final = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]


def one(sop_class: str, series: int) -> list[Dataset]:
    """Return the item that refers to the first instance of a series."""
    uid = uid_of(series, 1)
    return [item(ReferencedSOPClassUID=sop_class, ReferencedSOPInstanceUID=uid)]


def series_of_images() -> list[Dataset]:
    """Return a Referenced Series Sequence with both images."""
    listed = item(ReferencedInstanceSequence=references(1, 1, 2), SeriesInstanceUID=f"{ROOT}.2.1")
    return [listed]


def plan() -> Dataset:
    """Return an RT plan that refers to structure set and dose."""
    return instance(
        RT_PLAN,
        20,
        1,
        "RTPLAN",
        RTPlanLabel="PRZYBYLSKA",
        RTPlanDate="20170623",
        RTPlanTime="1011",
        RTPlanGeometry="PATIENT",
        FrameOfReferenceUID=FRAME_OF_REFERENCE,
        ReferencedStructureSetSequence=one(RT_STRUCTURE_SET, 8),
        ReferencedDoseSequence=one(RT_DOSE, 21),
    )


def dose() -> Dataset:
    """Return an RT dose of that plan."""
    return instance(
        RT_DOSE,
        21,
        1,
        "RTDOSE",
        DoseUnits="GY",
        DoseType="PHYSICAL",
        DoseSummationType="PLAN",
        FrameOfReferenceUID=FRAME_OF_REFERENCE,
        ReferencedRTPlanSequence=one(RT_PLAN, 20),
        ReferencedStructureSetSequence=one(RT_STRUCTURE_SET, 8),
    )


def registration() -> Dataset:
    """Return a spatial registration of the images."""
    matrix = item(
        FrameOfReferenceTransformationMatrix=IDENTITY,
        FrameOfReferenceTransformationMatrixType="RIGID",
    )
    registered = item(
        FrameOfReferenceUID=FRAME_OF_REFERENCE,
        ReferencedImageSequence=references(1, 1, 2),
        MatrixRegistrationSequence=[item(MatrixSequence=[matrix])],
    )
    return instance(
        SPATIAL_REGISTRATION,
        22,
        1,
        "REG",
        FrameOfReferenceUID=FRAME_OF_REFERENCE,
        RegistrationSequence=[registered],
        ReferencedSeriesSequence=series_of_images(),
        ContentLabel="REGISTRATION",
        ContentDate="20170623",
        ContentTime="1011",
    )


def electrocardiogram() -> Dataset:
    """Return an ECG that refers to an image and has an annotation."""
    channel = item(
        ChannelSourceSequence=code("2:1", "MDC", "Lead I"),
        WaveformBitsStored=16,
    )
    waveform = item(
        WaveformOriginality="ORIGINAL",
        NumberOfWaveformChannels=1,
        NumberOfWaveformSamples=2,
        SamplingFrequency="500",
        ChannelDefinitionSequence=[channel],
        WaveformBitsAllocated=16,
        WaveformSampleInterpretation="SS",
        WaveformData=struct.pack("<2h", -1, 1),
    )
    waveform["WaveformData"].VR = "OW"
    return instance(
        TWELVE_LEAD_ECG,
        23,
        1,
        "ECG",
        AcquisitionDateTime="20170623101112",
        ReferencedInstanceSequence=references(1, 1),
        WaveformSequence=[waveform],
        WaveformAnnotationSequence=[
            item(UnformattedTextValue="Mrs. Przybylska, sinus rhythm", AnnotationGroupNumber=0)
        ],
    )


def frames() -> Dataset:
    """Return an enhanced CT whose functional groups refer to the images it comes from."""
    source = references(1, 1)[0]
    source.PurposeOfReferenceCodeSequence = code("121322", "DCM", "Source image")
    derivation = item(
        SourceImageSequence=[source], DerivationCodeSequence=code("113040", "DCM", "Lossy")
    )
    seen = references(1, 2)[0]
    seen.PurposeOfReferenceCodeSequence = code("121311", "DCM", "Localizer")
    made = image(
        24,
        1,
        NumberOfFrames="1",
        ReferencedSeriesSequence=series_of_images(),
        SharedFunctionalGroupsSequence=[item(ReferencedImageSequence=[seen])],
        PerFrameFunctionalGroupsSequence=[item(DerivationImageSequence=[derivation])],
    )
    made.SOPClassUID = ENHANCED_CT
    return made


def derived() -> Dataset:
    """Return a CT image that was made from another, and that has been signed and coerced."""
    before = item(PatientName="Przybylska^Vorher", PatientID="ZQ-5551237")
    changed = item(
        ModifiedAttributesSequence=[before],
        AttributeModificationDateTime="20170624",
        ModifyingSystem="PACS of Sankt Nepomuk",
        SourceOfPreviousValues="Nepomuk",
        ReasonForTheAttributeModification="COERCE",
    )
    signature = item(
        MACIDNumber=1,
        DigitalSignatureUID=f"{ROOT}.66",
        DigitalSignatureDateTime="20170624",
        CertificateOfSigner=b"Verifier^Vera",
        Signature=b"signed by Vera ",
    )
    mac = item(MACIDNumber=1, MACAlgorithm="SHA256", DataElementsSigned=[0x00100010])
    secret = item(
        EncryptedContentTransferSyntaxUID="1.2.840.10008.1.2.1", EncryptedContent=b"secret"
    )
    icon = item(
        SamplesPerPixel=1,
        PhotometricInterpretation="MONOCHROME2",
        Rows=2,
        Columns=2,
        BitsAllocated=8,
        BitsStored=8,
        HighBit=7,
        PixelRepresentation=0,
        PixelData=b"FACE",
    )
    icon["PixelData"].VR = "OB"
    source = references(1, 1)[0]
    source.IconImageSequence = [icon]
    made = image(
        25,
        1,
        SourceImageSequence=[source],
        ReferencedSeriesSequence=series_of_images(),
        OriginalAttributesSequence=[changed],
        MACParametersSequence=[mac],
        DigitalSignaturesSequence=[signature],
        EncryptedAttributesSequence=[secret],
        IconImageSequence=[icon],
    )
    assert made.SOPClassUID == CT
    return made
