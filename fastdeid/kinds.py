"""How one value is replaced, and what the leak check learns from the original.

Attributes with the same treatment share one `Kind`, so that a value that stands in many attributes
is resolved once.
"""

from __future__ import annotations

from typing import Final

import msgspec

from fastdeid import tags
from fastdeid.codes import TIMEZONE_OFFSET_FROM_UTC, clean_method
from fastdeid.profiles.tables import Attribute

HL7_INSTANCE_IDENTIFIER: Final = 0x0040E001
CLINICAL_TRIAL_SUBJECT_ID: Final = 0x00120040
ENCAPSULATED_DOCUMENT: Final = 0x00420011
ENCAPSULATED_DOCUMENT_LENGTH: Final = 0x00420015

# The values of these identify the patient, so a dummy that keeps patients apart replaces them.
_PSEUDONYMS: Final = {
    tags.PATIENT_ID: "patient_id",
    CLINICAL_TRIAL_SUBJECT_ID: "patient_id",
    tags.PATIENT_NAME: "patient_name",
    tags.ACCESSION_NUMBER: "accession",
    HL7_INSTANCE_IDENTIFIER: "map_uid",
    ENCAPSULATED_DOCUMENT: "document",
    ENCAPSULATED_DOCUMENT_LENGTH: "document_length",
}

# What is searched for in kept elements, beside every PN, DA, DT and UI value. Descriptions of the
# examination are not: they are clinical words that stand in kept elements with good reason.
_HARVESTED_NAMES: Final = frozenset("NameToUse CameraOwnerName".split())
_HARVESTED_PATIENT_IDS: Final = frozenset("PatientID OtherPatientIDs MedicalRecordLocator".split())
_HARVESTED_IDENTIFIERS: Final = frozenset(
    """
    AccessionNumber AdmissionID BarcodeValue ClinicalTrialSeriesID ClinicalTrialSubjectID
    ClinicalTrialSubjectReadingID ClinicalTrialTimePointID ContainerIdentifier DeviceSerialNumber
    FillerOrderNumberImagingServiceRequest FillerOrderNumberImagingServiceRequestRetired
    FillerOrderNumberProcedure ImagingServiceRequestID InsurancePlanIdentification InterpretationID
    LensSerialNumber PatientTelephoneNumbers
    PerformedProcedureStepID PersonTelephoneNumbers PlacerOrderNumberImagingServiceRequest
    PlacerOrderNumberImagingServiceRequestRetired PlacerOrderNumberProcedure
    ReferringPhysicianTelephoneNumbers OrderCallbackPhoneNumber RequestedProcedureID ResultsID
    ScheduledProcedureStepID ServiceEpisodeID SlideIdentifier SpecimenAccessionNumber
    SpecimenIdentifier StudyID TelephoneNumberTrial
    CassetteID DetectorID GantryID GeneratorID PerformedStationName PlateID ScheduledStationName
    StationName
    """.split()
)
_HARVESTED_PHRASES: Final = frozenset(
    """
    AddressTrial ClinicalTrialCoordinatingCenterName ClinicalTrialSiteName CurrentPatientLocation
    DistributionAddress HumanPerformerOrganization InstitutionAddress InstitutionName
    InstitutionalDepartmentName IssuerOfPatientID OrderCallbackTelecomInformation
    OrderEntererLocation PatientAddress PatientInstitutionResidence PatientTelecomInformation
    PersonAddress PersonTelecomInformation ReferringPhysicianAddress RequestedProcedureLocation
    ResponsibleOrganization ScheduledPatientInstitutionResidence VerifyingOrganization
    """.split()
)
_HARVEST_BY_VR: Final = {"PN": "name", "DA": "date", "DT": "date", "UI": "uid"}


class Kind(msgspec.Struct, frozen=True):
    """One way to replace a value, and one way to learn from it.

    replace: "" (nothing), "dummy", "map_uid", "patient_id", "patient_name", "accession",
    "document", "document_length", "items", "shift", "shift_unix", "cap_age" or "clean". harvest:
    "", "name", "patient" (an ID), "identifier", "phrase", "date" or "uid". tag: 0 unless the
    replacement depends on it. per_patient: the replacement depends on the patient of the file, so
    it must not be remembered from one patient to the next. otherwise: "dummy" where a value that
    cannot be shifted or capped is replaced by a dummy, "" where it is emptied.

    Beside that, "items" depends on the encoding of the data set, "document" and "document_length"
    on the MIME type, and needles of names, identifiers and phrases on the character set.
    """

    replace: str
    harvest: str
    vr: str
    vm: str
    tag: int
    per_patient: bool
    otherwise: str = ""

    @property
    def deferred(self) -> bool:
        """Whether the new value depends on all that the file's headers know: text to be cleaned."""
        return self.replace == "clean"


def harvest_of(attribute: Attribute) -> str:
    """Return what the leak check learns from values of `attribute`, "" for nothing."""
    if attribute.vr in _HARVEST_BY_VR:
        return _HARVEST_BY_VR[attribute.vr]
    if attribute.keyword in _HARVESTED_NAMES:
        return "name"
    if attribute.keyword in _HARVESTED_PATIENT_IDS:
        return "patient"
    if attribute.keyword in _HARVESTED_IDENTIFIERS:
        return "identifier"
    return "phrase" if attribute.keyword in _HARVESTED_PHRASES else ""


def replacement_of(tag: int, attribute: Attribute) -> str:
    """Return how an attribute is replaced where its action asks for a value."""
    if tag in _PSEUDONYMS:
        return _PSEUDONYMS[tag]
    return {"UI": "map_uid", "SQ": "items"}.get(attribute.vr, "dummy")


def replaces_empty_action(tag: int) -> bool:
    """Tell whether action Z puts a pseudonym: Z may be a dummy value, and cohorts need the ID."""
    return tag in {tags.PATIENT_ID, tags.PATIENT_NAME, tags.ACCESSION_NUMBER}


class Kinds:
    """The kinds of one profile, append-only: an index stays valid."""

    def __init__(self) -> None:
        self.rows: list[Kind] = []
        self._index: dict[Kind, int] = {}

    def add(self, kind: Kind) -> int:
        """Return the index of `kind`, appended when it is new."""
        if kind not in self._index:
            self._index[kind] = len(self.rows)
            self.rows.append(kind)
        return self._index[kind]

    def replacing(self, tag: int, attribute: Attribute) -> int:
        """Return the kind that replaces values of an attribute."""
        replace = replacement_of(tag, attribute)
        return self.add(
            Kind(
                replace=replace,
                harvest=harvest_of(attribute),
                vr=attribute.vr.split(" or ")[-1],
                vm="1-n" if replace == "map_uid" else attribute.vm,
                tag=tag if replace == "items" or tag == TIMEZONE_OFFSET_FROM_UTC else 0,
                per_patient=replace in {"patient_id", "patient_name"},
            )
        )

    def cleaning(self, tag: int, attribute: Attribute, otherwise: str) -> int:
        """Return the kind that carries out action C on an attribute, see `codes.clean_method`.

        otherwise: see `Kind`.
        """
        replace = clean_method(tag, attribute.vr)
        if replace == "map_uid":
            return self.replacing(tag, attribute)
        return self.add(
            Kind(
                replace=replace,
                harvest=harvest_of(attribute),
                vr=attribute.vr,
                vm=attribute.vm if otherwise else "1-n",
                tag=tag if tag == TIMEZONE_OFFSET_FROM_UTC else 0,
                per_patient=replace == "shift",
                otherwise="" if replace == "clean" else otherwise,
            )
        )

    def harvesting(self, attribute: Attribute) -> int:
        """Return the kind that only learns from values of an attribute, -1 for nothing to learn."""
        harvest = harvest_of(attribute)
        if not harvest:
            return -1
        return self.add(Kind("", harvest, attribute.vr, "1-n", 0, per_patient=False))
