"""Studies as ImagingStudy resources of HL7 FHIR R4, one JSON object per line."""

from __future__ import annotations

import datetime as dt
import os
import re
from typing import Any, Final

import msgspec

from fastdeid.exports.studies import Instance, Series, Study, read_studies
from fastdeid.new_file import SHARED, new_file

_DCM: Final = "http://dicom.nema.org/resources/ontology/DCM"
_IDENTIFIER_TYPES: Final = "http://terminology.hl7.org/CodeSystem/v2-0203"
# CID 29 requires a modality; OT is DICOM's "other".
_OTHER: Final = "OT"
_PATIENT_ID: Final = re.compile(r"[A-Za-z0-9.-]{1,64}")


def export_fhir(manifest: str | os.PathLike[str], out: str | os.PathLike[str]) -> int:
    """Write one ImagingStudy per study to a new NDJSON file; return how many.

    The subject is Patient/{pseudonym}. Raises InputError, UsageError, OutputError.
    """
    encoder = msgspec.json.Encoder()
    number = 0
    with new_file(out, SHARED) as file:
        for study in read_studies(manifest):
            file.write(encoder.encode(imaging_study(study)) + b"\n")
            number += 1
    return number


def imaging_study(study: Study) -> dict[str, Any]:
    """Return a study as an ImagingStudy of FHIR R4."""
    modalities = sorted({series.modality or _OTHER for series in study.series})
    resource: dict[str, Any] = {
        "resourceType": "ImagingStudy",
        "identifier": [{"system": "urn:dicom:uid", "value": f"urn:oid:{study.uid}"}],
        "status": "available",
        "modality": [{"system": _DCM, "code": code} for code in modalities],
        "subject": _subject(study.patient),
        "numberOfSeries": len(study.series),
        "numberOfInstances": sum(len(series.instances) for series in study.series),
        "series": [_series(series) for series in study.series],
    }
    if study.accession_number:
        kind = {"coding": [{"system": _IDENTIFIER_TYPES, "code": "ACSN"}]}
        resource["identifier"].append({"type": kind, "value": study.accession_number})
    date = calendar_date(study.date)
    if date is not None:
        resource["started"] = date.isoformat()
    return resource


def _subject(patient: str) -> dict[str, Any]:
    # A subject of a crosswalk may have an underscore, which an id of FHIR has not.
    if _PATIENT_ID.fullmatch(patient):
        return {"reference": f"Patient/{patient}"}
    return {"identifier": {"value": patient}}


def _series(series: Series) -> dict[str, Any]:
    found: dict[str, Any] = {
        "uid": series.uid,
        "modality": {"system": _DCM, "code": series.modality or _OTHER},
        "numberOfInstances": len(series.instances),
        "instance": [_instance(instance) for instance in series.instances],
    }
    if series.number is not None and series.number >= 0:
        found["number"] = series.number
    if series.body_part:
        found["bodySite"] = {"display": series.body_part}
    return found


def _instance(instance: Instance) -> dict[str, Any]:
    sop_class = {"system": "urn:ietf:rfc:3986", "code": f"urn:oid:{instance.sop_class_uid}"}
    found: dict[str, Any] = {"uid": instance.uid, "sopClass": sop_class}
    if instance.number is not None and instance.number >= 0:
        found["number"] = instance.number
    return found


def calendar_date(text: str) -> dt.date | None:
    """Return the date of a DA value (PS3.5 section 6.2), None when it is none."""
    if not re.fullmatch(r"[0-9]{8}", text):
        return None
    try:
        return dt.date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return None
