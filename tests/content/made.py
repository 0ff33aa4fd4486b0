"""A report, key objects, a presentation state and a segmentation as highdicom writes them."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sr.codedict import codes
from pydicom.uid import ExplicitVRLittleEndian

from tests.scenarios.studies import ROOT, image

hd = pytest.importorskip("highdicom", reason="highdicom is a development-time dependency")
np = pytest.importorskip("numpy")

OBSERVER = "Observer^Olga"
FINDING = "nodule in the lung of Mrs. Przybylska"


def images() -> list[Dataset]:
    """Return two CT images as highdicom wants them: with everything that Type 1 and 2 ask for."""
    made = [image(1, number) for number in (1, 2)]
    for one in made:
        one.file_meta = FileMetaDataset()
        one.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        one.FrameOfReferenceUID = f"{ROOT}.9"
        one.PatientSex = "F"
    return made


def _common(series: int) -> dict[str, object]:
    return {
        "series_instance_uid": f"{ROOT}.2.{series}",
        "series_number": series,
        "sop_instance_uid": f"{ROOT}.3.{series}.1",
        "instance_number": 1,
        "manufacturer": "ACME Imaging",
    }


def report(sources: list[Dataset]) -> Any:
    """Return a measurement report, TID 1500, as Comprehensive 3D SR."""
    person = hd.sr.ObserverContext(
        observer_type=codes.DCM.Person,
        observer_identifying_attributes=hd.sr.PersonObserverIdentifyingAttributes(
            name=OBSERVER, organization_name="Sankt Nepomuk Klinik"
        ),
    )
    device = hd.sr.ObserverContext(
        observer_type=codes.DCM.Device,
        observer_identifying_attributes=hd.sr.DeviceObserverIdentifyingAttributes(
            uid=f"{ROOT}.77", name="NODULATOR", serial_number="SN-778899"
        ),
    )
    context = hd.sr.ObservationContext(
        observer_person_context=person, observer_device_context=device
    )
    region = hd.sr.ImageRegion3D(
        graphic_type=hd.sr.GraphicTypeValues3D.POINT,
        graphic_data=np.array([[1.0, 2.0, 3.0]]),
        frame_of_reference_uid=f"{ROOT}.9",
    )
    measurement = hd.sr.Measurement(name=codes.SCT.Length, value=12.5, unit=codes.UCUM.Millimeter)
    group = hd.sr.PlanarROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=hd.sr.TrackingIdentifier(
            uid=f"{ROOT}.88", identifier="Przybylska lesion 1"
        ),
        referenced_region=region,
        finding_type=codes.SCT.Nodule,
        measurements=[measurement],
    )
    content = hd.sr.MeasurementReport(
        observation_context=context,
        procedure_reported=codes.LN.CTUnspecifiedBodyRegion,
        imaging_measurements=[group],
        title=codes.DCM.ImagingMeasurementReport,
    )
    return hd.sr.Comprehensive3DSR(
        evidence=sources,
        content=content,
        institution_name="Sankt Nepomuk Klinik",
        is_complete=True,
        is_verified=False,
        **_common(11),
    )


def key_objects(sources: list[Dataset]) -> Any:
    """Return a key object selection document with a description."""
    content = hd.ko.KeyObjectSelection(
        document_title=codes.DCM.ForReferringProvider,
        referenced_objects=sources,
        description=FINDING,
    )
    return hd.ko.KeyObjectSelectionDocument(evidence=sources, content=content, **_common(12))


def presentation_state(sources: list[Dataset]) -> Any:
    """Return a grayscale softcopy presentation state with a text and a shape."""
    layer = hd.pr.GraphicLayer("LAYER1", 1, description="for Mrs. Przybylska")
    annotation = hd.pr.GraphicAnnotation(
        referenced_images=sources,
        graphic_layer=layer,
        graphic_objects=[
            hd.pr.GraphicObject(
                graphic_type=hd.pr.GraphicTypeValues.POINT,
                graphic_data=np.array([[1.0, 2.0]]),
                units=hd.pr.AnnotationUnitsValues.PIXEL,
            )
        ],
        text_objects=[
            hd.pr.TextObject(
                text_value=FINDING,
                units=hd.pr.AnnotationUnitsValues.PIXEL,
                anchor_point=(1.0, 1.0),
            )
        ],
    )
    return hd.pr.GrayscaleSoftcopyPresentationState(
        referenced_images=sources,
        content_label="STATE",
        graphic_layers=[layer],
        graphic_annotations=[annotation],
        content_description="a state",
        content_creator_name="Creator^Carl",
        manufacturer_model_name="M",
        software_versions="1",
        device_serial_number="SN-778899",
        concept_name=None,
        **_common(13),
    )


def segmentation(sources: list[Dataset]) -> Any:
    """Return a binary segmentation of the images."""
    algorithm = hd.AlgorithmIdentificationSequence(
        name="threshold", version="1", family=codes.DCM.ArtificialIntelligence
    )
    segment = hd.seg.SegmentDescription(
        segment_number=1,
        segment_label="Nodule",
        segmented_property_category=codes.SCT.MorphologicallyAbnormalStructure,
        segmented_property_type=codes.SCT.Nodule,
        algorithm_type=hd.seg.SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=algorithm,
        tracking_uid=f"{ROOT}.88",
        tracking_id="lesion 1",
    )
    return hd.seg.Segmentation(
        source_images=sources,
        pixel_array=np.ones((2, 2, 2), np.uint8),
        segmentation_type=hd.seg.SegmentationTypeValues.BINARY,
        segment_descriptions=[segment],
        manufacturer_model_name="M",
        software_versions="1",
        device_serial_number="SN-778899",
        **_common(14),
    )


def make_all() -> list[Dataset]:
    """Return the images and all objects that refer to them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sources = images()
        makers = (report, key_objects, presentation_state, segmentation)
        return [*sources, *(make(sources) for make in makers)]
