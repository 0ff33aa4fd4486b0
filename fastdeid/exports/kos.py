"""Key Object Selection documents that list the instances of a study, as in IHE XDS-I.b manifests.

PS3.3 section A.35.4 (IOD), PS3.16 TID 2010 and CID 7010: the title is (113030, DCM, "Manifest").
"""

from __future__ import annotations

import hashlib
import os
import uuid
from typing import Any, Final

import msgspec
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import UID, ExplicitVRLittleEndian, KeyObjectSelectionDocumentStorage

from fastdeid.dicom.writer import IMPLEMENTATION_CLASS_UID
from fastdeid.exports.fhir import calendar_date
from fastdeid.exports.studies import Instance, Study, read_studies
from fastdeid.new_file import SHARED, all_or_none, new_file, new_folder

_WAVEFORMS: Final = "1.2.840.10008.5.1.4.1.1.9."
# The document says nothing about when it was made: two exports of a run are the same bytes.
_NO_DATE: Final = "19000101"
_NO_TIME: Final = "000000"
_SEX: Final = frozenset({"M", "F", "O"})


def export_kos(manifest: str | os.PathLike[str], folder: str | os.PathLike[str]) -> int:
    """Write {folder}/{patient}/{study}.dcm for every study; return how many.

    Raises InputError, OutputError, and UsageError when such a file exists already.
    """
    number = 0
    with all_or_none() as made:
        for study in read_studies(manifest):
            place = os.path.join(os.fspath(folder), study.patient)
            new_folder(place, 0o777, made)
            path = os.path.join(place, f"{study.uid}.dcm")
            with new_file(path, SHARED) as file:
                document(study).save_as(file, enforce_file_format=True)
            made.append(path)
            number += 1
    return number


def document(study: Study) -> Dataset:
    """Return the manifest of a study as a Key Object Selection document."""
    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.file_meta.ImplementationClassUID = UID(IMPLEMENTATION_CLASS_UID.decode("ascii"))
    made.SOPClassUID = KeyObjectSelectionDocumentStorage
    made.SOPInstanceUID = _derived("instance", study)
    _patient_and_study(made, study)
    made.Modality = "KO"
    made.SeriesInstanceUID = _derived("series", study)
    made.SeriesNumber = 1
    made.InstanceNumber = 1
    made.Manufacturer = "fastdeid"
    made.ReferencedPerformedProcedureStepSequence = Sequence()
    date = calendar_date(study.date)
    made.ContentDate = study.date if date else _NO_DATE
    made.ContentTime = _NO_TIME
    made.CurrentRequestedProcedureEvidenceSequence = [_evidence(study)]
    made.ValueType = "CONTAINER"
    made.ConceptNameCodeSequence = [_code("113030", "DCM", "Manifest")]
    made.ContinuityOfContent = "SEPARATE"
    made.ContentTemplateSequence = [_item(MappingResource="DCMR", TemplateIdentifier="2010")]
    made.ContentSequence = [
        _content(instance) for series in study.series for instance in series.instances
    ]
    return made


def _patient_and_study(made: Dataset, study: Study) -> None:
    made.PatientName = study.patient
    made.PatientID = study.patient
    made.PatientBirthDate = ""
    made.PatientSex = study.sex if study.sex in _SEX else ""
    made.PatientIdentityRemoved = "YES"
    made.DeidentificationMethod = f"fastdeid, profile {study.profile}"[:64]
    made.StudyInstanceUID = study.uid
    made.StudyDate = study.date if calendar_date(study.date) else ""
    made.StudyTime = ""
    made.ReferringPhysicianName = ""
    made.StudyID = ""
    made.AccessionNumber = study.accession_number


def _evidence(study: Study) -> Dataset:
    """Return all instances by series (PS3.3 section C.17.6.2.1)."""
    listed = [
        _item(
            SeriesInstanceUID=series.uid,
            ReferencedSOPSequence=[_reference(instance) for instance in series.instances],
        )
        for series in study.series
    ]
    return _item(StudyInstanceUID=study.uid, ReferencedSeriesSequence=listed)


def _content(instance: Instance) -> Dataset:
    """Return a content item of TID 2010 for one instance."""
    kind = "IMAGE" if instance.is_image else "COMPOSITE"
    if instance.sop_class_uid.startswith(_WAVEFORMS):
        kind = "WAVEFORM"
    return _item(
        RelationshipType="CONTAINS",
        ValueType=kind,
        ReferencedSOPSequence=[_reference(instance)],
    )


def _reference(instance: Instance) -> Dataset:
    return _item(
        ReferencedSOPClassUID=instance.sop_class_uid, ReferencedSOPInstanceUID=instance.uid
    )


def _code(value: str, scheme: str, meaning: str) -> Dataset:
    return _item(CodeValue=value, CodingSchemeDesignator=scheme, CodeMeaning=meaning)


def _item(**attributes: Any) -> Dataset:
    item = Dataset()
    for keyword, value in attributes.items():
        setattr(item, keyword, value)
    return item


def _derived(what: str, study: Study) -> str:
    """Return a UID for the document, the same for the same instances (PS3.5 section B.2)."""
    content = hashlib.blake2b(f"fastdeid manifest {what} ".encode(), digest_size=16)
    content.update(msgspec.json.encode(study))
    return f"2.25.{uuid.UUID(bytes=content.digest(), version=4).int}"
