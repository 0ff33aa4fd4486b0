"""Data sets as a modality of a hospital writes them, with a key of what in them identifies."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Final

from pydicom.dataset import Dataset

from tests.corpus.answers import Answers, Kept, Planted
from tests.corpus.people import Person, Visit, placeholders
from tests.corpus.phrases import NATIVE, PHRASES
from tests.corpus.walking import walk
from tests.corpus.wording import Wording, expand

ROOT: Final = "1.2.826.0.1.3680043.10.1471"
LONGEST_LINE: Final = 64


def item(**attributes: object) -> Dataset:
    """Return an item of a sequence, or the start of a data set."""
    data_set = Dataset()
    for keyword, value in attributes.items():
        setattr(data_set, keyword, value)
    return data_set


def code(value: str, scheme: str, meaning: str) -> list[Dataset]:
    """Return the one item of a code sequence."""
    return [item(CodeValue=value, CodingSchemeDesignator=scheme, CodeMeaning=meaning)]


class Scribe:
    """Writes the texts of one visit and remembers what was written."""

    def __init__(self, visit: Visit, phrases: dict[str, tuple[str, ...]] | None = None) -> None:
        person, hospital = visit.person, visit.person.hospital
        self.visit = visit
        self.values = placeholders(visit)
        self.phrases = dict(phrases or PHRASES[person.language])
        if phrases is None and person.key in NATIVE:
            self.phrases["study"] = (*NATIVE[person.key], *self.phrases["study"])
        self._turn = dict.fromkeys(self.phrases, visit.number - 1)
        self._texts: dict[str, Wording] = {}
        self._secrets: dict[str, str] = {}
        for sort in ("id", "other_id", "accession", "order", "admission", "phone", "mail"):
            self.secret(self.values[sort], sort)
        for value in (person.full_name, hospital.referring, hospital.reading):
            self.secret(value, "name")
        for value in (hospital.performing, hospital.operator):
            self.secret(value, "name")
        self.secret(person.address, "address")
        for value in (hospital.name, self.values["department"], hospital.address):
            self.secret(value, "institution")
        self.secret(hospital.phone, "hospital_phone")
        self.secret(hospital.station, "device")

    def text(self, slot: str) -> str:
        """Return the next text of a slot that fits, comments of any length."""
        templates = self.phrases[slot]
        for _ in templates:
            self._turn[slot] += 1
            text = self.say(templates[self._turn[slot] % len(templates)])
            if slot == "comment" or len(text) <= LONGEST_LINE:
                return text
        raise AssertionError(slot)

    def say(self, template: str) -> str:
        """Return the text of a template."""
        wording = expand(template, self.values)
        self._texts[wording.text] = wording
        return wording.text

    def secret(self, value: str, sort: str) -> str:
        """Remember that a whole value identifies, and return it."""
        self._secrets[value] = sort
        return value

    def answers(self, source: str, data_set: Dataset) -> Answers:
        """Return the key of a data set: what of all that was written stands in it, and where."""
        answers = Answers(source, self.visit.person.key)
        for place in walk(data_set):
            value = place.element.value
            values = value if place.element.VM > 1 else [value]
            if place.element.VR in {"SQ", "UI", "DA", "TM", "DT"} or isinstance(value, bytes):
                continue
            for text in map(str, values):
                if text in self._texts:
                    wording = self._texts[text]
                    answers.planted += [
                        Planted(place.path, value, sort) for sort, value in wording.planted
                    ]
                    answers.kept += [Kept(place.path, phrase) for phrase in wording.kept]
                elif text in self._secrets:
                    answers.planted.append(Planted(place.path, text, self._secrets[text]))
        return answers


def age_on(person: Person, day: dt.date) -> int:
    """Return a patient's age in whole years."""
    birth = person.birth
    return day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))


def clock(visit: Visit, minutes: int) -> str:
    """Return the time so many minutes after the start of a visit, as TM without fraction."""
    start = dt.datetime.strptime(visit.date + visit.time, "%Y%m%d%H%M%S")  # noqa: DTZ007
    return (start + dt.timedelta(minutes=minutes)).strftime("%H%M%S")


def uid(visit: Visit, series: int, number: int | str) -> str:
    """Return a UID as scanners make them, with the day in it."""
    return f"{visit.study_uid}.{series}.{number}"


def patient_module(scribe: Scribe) -> Dataset:
    """Return the attributes of the patient and of the visit, PS3.3 C.7.1 and C.7.2."""
    visit, person = scribe.visit, scribe.visit.person
    data_set = item(
        PatientName=person.full_name,
        PatientID=person.patient_id,
        IssuerOfPatientID=scribe.secret(person.issuer, "issuer"),
        PatientBirthDate=person.birth.strftime("%Y%m%d"),
        PatientSex=person.sex,
        OtherPatientIDsSequence=[item(PatientID=person.other_id, TypeOfPatientID="TEXT")],
        PatientAge=f"{age_on(person, visit.day):03}Y",
        PatientSize="1.71",
        PatientWeight=str(person.weight),
        PatientAddress=person.address,
        PatientTelephoneNumbers=person.phone,
        StudyInstanceUID=visit.study_uid,
        StudyDate=visit.date,
        StudyTime=visit.time,
        StudyID=visit.study_id,
        AccessionNumber=visit.accession,
        StudyDescription=scribe.text("study"),
        ReferringPhysicianName=person.hospital.referring,
        NameOfPhysiciansReadingStudy=person.hospital.reading,
        AdmissionID=visit.admission,
        AdditionalPatientHistory=scribe.text("comment"),
        PatientComments=scribe.text("comment"),
    )
    if visit.number == 1:
        address = item(
            PersonIdentificationCodeSequence=code("LANR-55512", "99HOSP", "Physician"),
            PersonTelephoneNumbers=person.hospital.phone,
            InstitutionName=person.hospital.name,
            PersonAddress=person.hospital.address,
        )
        data_set.ReferringPhysicianIdentificationSequence = [address]
        data_set.OtherPatientNames = scribe.secret(f"{person.name.split('^')[0]}^Alias", "name")
        data_set.AdmittingDiagnosesDescription = scribe.text("reason")
    return data_set


def request(scribe: Scribe) -> list[Dataset]:
    """Return Request Attributes Sequence, PS3.3 Table 10-9."""
    visit = scribe.visit
    return [
        item(
            AccessionNumber=visit.accession,
            RequestedProcedureID=visit.order,
            RequestedProcedureDescription=scribe.text("study"),
            ScheduledProcedureStepDescription=scribe.text("study"),
            ScheduledProcedureStepID=visit.order,
            ReasonForTheRequestedProcedure=scribe.text("reason"),
            RequestedProcedureCodeSequence=code("77477000", "SCT", "Computed tomography"),
        )
    ]


def series_module(scribe: Scribe, modality: str, series: int, body_part: str) -> Dataset:
    """Return the attributes of a series and of its device, PS3.3 C.7.3 and C.7.5."""
    visit, hospital = scribe.visit, scribe.visit.person.hospital
    data_set = item(
        Modality=modality,
        SeriesInstanceUID=uid(visit, series, 0),
        SeriesNumber=str(series),
        SeriesDate=visit.date,
        SeriesTime=clock(visit, series),
        SeriesDescription=scribe.text("series"),
        ProtocolName=scribe.text("protocol"),
        BodyPartExamined=body_part,
        PerformingPhysicianName=hospital.performing,
        OperatorsName=hospital.operator,
        PerformedProcedureStepStartDate=visit.date,
        PerformedProcedureStepStartTime=clock(visit, series),
        PerformedProcedureStepDescription=scribe.text("study"),
        CommentsOnThePerformedProcedureStep=scribe.text("comment"),
        RequestAttributesSequence=request(scribe),
        Manufacturer="ACME Imaging",
        ManufacturerModelName="Tomograph 64",
        SoftwareVersions=["VB20A", "syngo-like 4.1", scribe.say("site {id}")],
        InstitutionName=hospital.name,
        InstitutionAddress=hospital.address,
        InstitutionalDepartmentName=scribe.values["department"],
        StationName=hospital.station,
        DeviceSerialNumber=scribe.secret(f"SN-{visit.study_id}55{series}", "device"),
        DateOfLastCalibration=(visit.day - dt.timedelta(days=9)).strftime("%Y%m%d"),
        TimeOfLastCalibration="063000",
    )
    data_set.update(patient_module(scribe))
    if visit.person.charset:
        data_set.SpecificCharacterSet = list(visit.person.charset)
    return data_set


def instance(
    shared: Dataset,
    visit: Visit,
    sop_class: str,
    series: int,
    number: int,
    *,
    more: Mapping[str, object] | None = None,
) -> Dataset:
    """Return one instance of a series; `more` goes on top of what the series shares."""
    data_set = item(
        SOPClassUID=sop_class,
        SOPInstanceUID=uid(visit, series, number),
        InstanceNumber=str(number),
        InstanceCreationDate=visit.date,
        InstanceCreationTime=clock(visit, series + number),
        ContentDate=visit.date,
        ContentTime=clock(visit, series + number),
    )
    data_set.update(shared)
    for keyword, value in (more or {}).items():
        setattr(data_set, keyword, value)
    return data_set
