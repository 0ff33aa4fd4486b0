"""Images of the corpus: CT, PET, MR, ultrasound, mammography, radiography, secondary capture."""

from __future__ import annotations

import datetime as dt
from typing import Final

from pydicom.dataset import Dataset

from tests.corpus.people import Visit
from tests.corpus.records import Scribe, clock, code, instance, item, series_module, uid

CT: Final = "1.2.840.10008.5.1.4.1.1.2"
MR: Final = "1.2.840.10008.5.1.4.1.1.4"
ENHANCED_MR: Final = "1.2.840.10008.5.1.4.1.1.4.1"
PET: Final = "1.2.840.10008.5.1.4.1.1.128"
ULTRASOUND: Final = "1.2.840.10008.5.1.4.1.1.6.1"
MAMMOGRAPHY: Final = "1.2.840.10008.5.1.4.1.1.1.2"
RADIOGRAPHY: Final = "1.2.840.10008.5.1.4.1.1.1.1"
SECONDARY_CAPTURE: Final = "1.2.840.10008.5.1.4.1.1.7"
SIZE: Final = 8


def frame_of_reference(visit: Visit) -> str:
    """Return the Frame of Reference that the series of a visit share."""
    return uid(visit, 0, 77)


def pixels(visit: Visit, frames: int = 1, signed: int = 0) -> dict[str, object]:
    """Return the attributes of a small 16-bit image with noise in it, PS3.3 C.7.6.3."""
    return {
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "Rows": SIZE,
        "Columns": SIZE,
        "BitsAllocated": 16,
        "BitsStored": 12,
        "HighBit": 11,
        "PixelRepresentation": signed,
        "PixelData": bytes(
            byte & 0x0F if place % 2 else byte
            for place, byte in enumerate(visit.random.randbytes(2 * SIZE * SIZE * frames))
        ),
    }


def plane(visit: Visit, number: int) -> dict[str, object]:
    """Return position, orientation and moment of one slice."""
    return {
        "FrameOfReferenceUID": frame_of_reference(visit),
        "PositionReferenceIndicator": "",
        "ImagePositionPatient": [-120.5, -98.25, number * 2.5],
        "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
        "PixelSpacing": [0.78125, 0.78125],
        "SliceThickness": "2.5",
        "SliceLocation": str(number * 2.5),
        "AcquisitionNumber": "1",
        "AcquisitionDate": visit.date,
        "AcquisitionTime": f"{clock(visit, 3)}.{number:06}",
        "IrradiationEventUID": uid(visit, 0, 500 + number),
    }


def ct_series(scribe: Scribe, series: int, count: int = 3) -> list[Dataset]:
    """Return slices of a CT."""
    visit = scribe.visit
    shared = series_module(scribe, "CT", series, "CHEST")
    shared.ContrastBolusAgent = scribe.say("[Iohexol 350]")
    shared.ContrastBolusStartTime = clock(visit, 2)
    shared.ImageComments = scribe.text("comment")
    images = []
    for number in range(1, count + 1):
        physics: dict[str, object] = {
            "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
            "KVP": "120",
            "DataCollectionDiameter": "500",
            "ConvolutionKernel": "B30f",
            "XRayTubeCurrent": str(200 + number),
            "CTDIvol": 7.25,
            "PatientPosition": "HFS",
            "RescaleIntercept": "-1024",
            "RescaleSlope": "1",
            "RescaleType": "HU",
            "WindowCenter": ["40", "-600"],
            "WindowWidth": ["400", "1500"],
        }
        images.append(
            instance(
                shared,
                visit,
                CT,
                series,
                number,
                more=physics | plane(visit, number) | pixels(visit),
            )
        )
    return images


def pet_series(scribe: Scribe, series: int, count: int = 2) -> list[Dataset]:
    """Return slices of a PET with all that a SUV needs: dose, times, weight, half-life."""
    visit = scribe.visit
    shared = series_module(scribe, "PT", series, "WHOLEBODY")
    shared.Units, shared.CountsSource, shared.SeriesType = (
        "BQML",
        "EMISSION",
        ["WHOLE BODY", "IMAGE"],
    )
    shared.DecayCorrection, shared.CorrectedImage = "START", ["DECY", "ATTN", "SCAT", "NORM"]
    shared.NumberOfSlices, shared.CollimatorType = count, "NONE"
    shared.ReprojectionMethod = ""
    shared.RadiopharmaceuticalInformationSequence = [
        item(
            Radiopharmaceutical="Fluorodeoxyglucose",
            RadiopharmaceuticalStartTime=clock(visit, -61),
            RadiopharmaceuticalStartDateTime=visit.date + clock(visit, -61) + ".000000+0100",
            RadionuclideTotalDose="351000000",
            RadionuclideHalfLife="6586.2",
            RadionuclidePositronFraction="0.9683",
            RadionuclideCodeSequence=code("77004003", "SCT", "^18^Fluorine"),
            RadiopharmaceuticalCodeSequence=code("35321007", "SCT", "Fluorodeoxyglucose F^18^"),
        )
    ]
    shared.TimezoneOffsetFromUTC = "+0100"
    images = []
    for number in range(1, count + 1):
        physics: dict[str, object] = {
            "ImageType": ["ORIGINAL", "PRIMARY"],
            "FrameReferenceTime": "90000",
            "ActualFrameDuration": "180000",
            "DecayFactor": "1.0123",
            "ImageIndex": number,
            "RescaleIntercept": "0",
            "RescaleSlope": "2.5187",
            "PatientPosition": "HFS",
        }
        images.append(
            instance(
                shared,
                visit,
                PET,
                series,
                number,
                more=physics | plane(visit, number) | pixels(visit),
            )
        )
    return images


def mr_series(scribe: Scribe, series: int, count: int = 2) -> list[Dataset]:
    """Return slices of an MR, without private elements."""
    visit = scribe.visit
    shared = series_module(scribe, "MR", series, "BRAIN")
    images = []
    for number in range(1, count + 1):
        physics: dict[str, object] = {
            "ImageType": ["ORIGINAL", "PRIMARY", "M", "ND"],
            "ScanningSequence": ["SE", "IR"],
            "SequenceVariant": ["SK", "SP"],
            "ScanOptions": "FS",
            "MRAcquisitionType": "2D",
            "SequenceName": "*ep_b1000t",
            "RepetitionTime": "9000",
            "EchoTime": "84",
            "InversionTime": "2500",
            "EchoTrainLength": "16",
            "MagneticFieldStrength": "3",
            "FlipAngle": "150",
            "PatientPosition": "HFS",
            "AcquisitionComments": scribe.text("comment"),
        }
        images.append(
            instance(
                shared,
                visit,
                MR,
                series,
                number,
                more=physics | plane(visit, number) | pixels(visit),
            )
        )
        del images[-1]["IrradiationEventUID"]
    return images


def enhanced_mr(scribe: Scribe, series: int) -> list[Dataset]:
    """Return a multi-frame MR with dates, comments and references in its functional groups."""
    visit = scribe.visit
    shared = series_module(scribe, "MR", series, "BRAIN")
    moment = dt.datetime.combine(visit.day, dt.time(23, 59, 30))
    frames = []
    for number in range(1, 3):
        start = moment + dt.timedelta(seconds=45 * number)
        content = item(
            FrameAcquisitionDateTime=start.strftime("%Y%m%d%H%M%S.250000"),
            FrameReferenceDateTime=start.strftime("%Y%m%d%H%M%S"),
            FrameAcquisitionDuration=45000.0,
            FrameComments=scribe.text("comment"),
            DimensionIndexValues=[1, number],
        )
        source = item(
            ReferencedSOPClassUID=MR,
            ReferencedSOPInstanceUID=uid(visit, 3, number),
            PurposeOfReferenceCodeSequence=code("121322", "DCM", "Source image"),
        )
        position = item(ImagePositionPatient=[-100.0, -100.0, 4.0 * number])
        frames.append(
            item(
                FrameContentSequence=[content],
                PlanePositionSequence=[position],
                DerivationImageSequence=[
                    item(
                        DerivationCodeSequence=code("113072", "DCM", "Multiplanar reformatting"),
                        DerivationDescription=scribe.text("reason"),
                        SourceImageSequence=[source],
                    )
                ],
            )
        )
    shared.PerFrameFunctionalGroupsSequence = frames
    shared.SharedFunctionalGroupsSequence = [
        item(
            PixelMeasuresSequence=[item(PixelSpacing=[1.0, 1.0], SliceThickness="4")],
            PlaneOrientationSequence=[item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])],
        )
    ]
    more: dict[str, object] = {
        "ImageType": ["DERIVED", "PRIMARY", "DIFFUSION", "NONE"],
        "NumberOfFrames": 2,
        "AcquisitionNumber": "1",
        "AcquisitionDateTime": moment.strftime("%Y%m%d%H%M%S"),
        "AcquisitionDuration": 90.0,
        "ResonantNucleus": "1H",
        "FrameOfReferenceUID": frame_of_reference(visit),
        "ConcatenationUID": uid(visit, series, 900),
        "DimensionOrganizationSequence": [
            item(DimensionOrganizationUID=uid(visit, series, 901)),
        ],
        "ContentQualification": "PRODUCT",
        "BurnedInAnnotation": "NO",
    }
    return [instance(shared, visit, ENHANCED_MR, series, 1, more=more | pixels(visit, frames=2))]


def ultrasound(scribe: Scribe, series: int) -> list[Dataset]:
    """Return an ultrasound image with calibrated regions."""
    visit = scribe.visit
    shared = series_module(scribe, "US", series, "ABDOMEN")
    shared.ImageComments = scribe.text("comment")
    region = item(
        RegionSpatialFormat=1,
        RegionDataType=1,
        RegionFlags=0,
        RegionLocationMinX0=0,
        RegionLocationMinY0=0,
        RegionLocationMaxX1=SIZE - 1,
        RegionLocationMaxY1=SIZE - 1,
        PhysicalUnitsXDirection=3,
        PhysicalUnitsYDirection=3,
        PhysicalDeltaX=0.025,
        PhysicalDeltaY=0.025,
    )
    more: dict[str, object] = {
        "ImageType": ["ORIGINAL", "PRIMARY", "ABDOMINAL", "0001"],
        "SequenceOfUltrasoundRegions": [region],
        "TransducerData": ["C5-1", "", ""],
        "AcquisitionDateTime": visit.date + clock(visit, 5),
        "HeartRate": "72",
        "StageName": scribe.say("[REST] {given}"),
    }
    return [instance(shared, visit, ULTRASOUND, series, 1, more=more | pixels(visit))]


def mammography(scribe: Scribe, series: int) -> list[Dataset]:
    """Return two views of a breast."""
    visit = scribe.visit
    shared = series_module(scribe, "MG", series, "BREAST")
    shared.DetectorID = scribe.secret(f"DET-55-{visit.study_id}", "device")
    shared.DateOfLastDetectorCalibration = (visit.day - dt.timedelta(days=30)).strftime("%Y%m%d")
    images = []
    for number, side in enumerate("LR", 1):
        more: dict[str, object] = {
            "ImageType": ["ORIGINAL", "PRIMARY", ""],
            "PresentationIntentType": "FOR PRESENTATION",
            "ImageLaterality": side,
            "KVP": "29",
            "BodyPartThickness": "52",
            "CompressionForce": "110",
            "OrganExposed": "BREAST",
            "EntranceDoseInmGy": "5.1",
            "ImagerPixelSpacing": [0.07, 0.07],
            "AcquisitionContextSequence": [],
            "AcquisitionDate": visit.date,
            "AcquisitionTime": clock(visit, number),
            "BurnedInAnnotation": "NO",
            "PresentationLUTShape": "IDENTITY",
            "PatientOrientation": ["A", "R"],
            "ViewCodeSequence": code("399368009", "SCT", "medio-lateral oblique"),
            "AnatomicRegionSequence": code("76752008", "SCT", "Breast"),
            "AcquisitionDeviceProcessingDescription": scribe.text("protocol"),
        }
        images.append(
            instance(shared, visit, MAMMOGRAPHY, series, number, more=more | pixels(visit))
        )
    return images


def radiography(scribe: Scribe, series: int) -> list[Dataset]:
    """Return a chest radiograph with an overlay and an icon."""
    visit = scribe.visit
    shared = series_module(scribe, "DX", series, "CHEST")
    icon = item(**{**pixels(visit), "BitsAllocated": 8, "BitsStored": 8, "HighBit": 7})
    icon.PixelData = bytes(SIZE * SIZE)
    more: dict[str, object] = {
        "ImageType": ["ORIGINAL", "PRIMARY"],
        "PresentationIntentType": "FOR PRESENTATION",
        "PresentationLUTShape": "IDENTITY",
        "KVP": "117",
        "PatientOrientation": ["L", "F"],
        "ImageLaterality": "U",
        "ViewPosition": "PA",
        "BurnedInAnnotation": "NO",
        "AcquisitionContextSequence": [],
        "AcquisitionDate": visit.date,
        "AcquisitionTime": clock(visit, 1),
        "IconImageSequence": [icon],
    }
    return [instance(shared, visit, RADIOGRAPHY, series, 1, more=more | pixels(visit))]


def secondary_capture(scribe: Scribe, series: int) -> list[Dataset]:
    """Return a screen shot of a workstation."""
    visit = scribe.visit
    shared = series_module(scribe, "OT", series, "HEAD")
    more: dict[str, object] = {
        "ConversionType": "WSD",
        "ImageType": ["DERIVED", "SECONDARY"],
        "DateOfSecondaryCapture": visit.date,
        "TimeOfSecondaryCapture": clock(visit, 33),
        "SecondaryCaptureDeviceID": scribe.secret(f"WS{visit.study_id}A", "device"),
        "SecondaryCaptureDeviceManufacturer": scribe.say("[ACME Imaging] for {natural}"),
        "SecondaryCaptureDeviceManufacturerModelName": scribe.say("{joined}"),
        "DerivationDescription": scribe.text("reason"),
        "BurnedInAnnotation": "NO",
    }
    return [instance(shared, visit, SECONDARY_CAPTURE, series, 1, more=more | pixels(visit))]
