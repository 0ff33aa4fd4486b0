"""The held-out corpus: other people, objects and phrases, written once and never tuned to.

It is made in its own way, so that what a cleaner learnt from the first corpus does not help here.
"""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterator
from typing import Final

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import UID

from tests.corpus.answers import Answers, File, Kept, Planted
from tests.corpus.held_out_people import CAST, TEXTS
from tests.corpus.people import Person, long_date, plain, short_date
from tests.corpus.records import code, item
from tests.corpus.walking import walk
from tests.corpus.wording import Wording, expand

__all__ = ["CAST", "build"]

_ROOT: Final = "2.16.840.1.999999.77"
_CR: Final = "1.2.840.10008.5.1.4.1.1.1"
_XA: Final = "1.2.840.10008.5.1.4.1.1.12.1"
_NM: Final = "1.2.840.10008.5.1.4.1.1.20"
_CT: Final = "1.2.840.10008.5.1.4.1.1.2"
_MR: Final = "1.2.840.10008.5.1.4.1.1.4"
_TEXT_SR: Final = "1.2.840.10008.5.1.4.1.1.88.11"
_REGISTRATION: Final = "1.2.840.10008.5.1.4.1.1.66.1"
_DAYS: Final = (dt.date(2012, 2, 29), dt.date(2012, 3, 31), dt.date(2019, 1, 1))


def build() -> list[File]:
    """Return every file of the corpus."""
    files = []
    for place, person in enumerate(CAST):
        for visit, day in enumerate(_DAYS[: 2 + place % 2]):
            writer = _Writer(person, place, visit, day)
            files += list(writer.files())
    return files


class _Writer:
    """Writes one study."""

    def __init__(self, person: Person, place: int, visit: int, day: dt.date) -> None:
        self.person, self.visit, self.day, self.turn = person, visit, day, place + visit
        self.date = day.strftime("%Y%m%d")
        self.study = f"{_ROOT}.{place}.{visit}"
        family, given, *_ = person.name.split("^")
        hospital = person.hospital
        self.accession = f"ACC{place}{visit}88213"
        self.values = {
            "full": f"{given} {family}",
            "last": family,
            "first": given,
            "caps": f"{family} {given}".upper(),
            "bare": plain(f"{family}, {given}"),
            "mrn": person.patient_id,
            "second": person.other_id,
            "acc": self.accession,
            "dob": short_date(person.birth, person.language),
            "dob_words": long_date(person.birth, person.language),
            "seen": short_date(day, person.language),
            "tel": person.phone,
            "mail": person.mail,
            "home": person.address,
            "clinic": hospital.name,
            "abbr": hospital.short,
            "doctor": hospital.titled,
            "other_doctor": hospital.stranger,
            "tech": hospital.operator.split("^")[0],
        }
        self.texts: dict[str, Wording] = {}
        self.secrets = {
            person.name: "name",
            hospital.referring: "name",
            hospital.performing: "name",
            hospital.operator: "name",
            hospital.reading: "name",
            person.patient_id: "id",
            person.other_id: "other_id",
            self.accession: "accession",
            hospital.name: "institution",
            hospital.address: "institution",
            hospital.station: "device",
            person.phone: "phone",
            person.address: "address",
        }

    def write(self, slot: str) -> str:
        """Return the next text of a slot."""
        templates = TEXTS[self.person.language][slot]
        self.turn += 1
        wording = expand(templates[self.turn % len(templates)], self.values)
        self.texts[wording.text] = wording
        return wording.text

    def files(self) -> Iterator[File]:
        """Yield the files of the study."""
        images = [self.image(kind, number) for number, kind in enumerate(self.kinds(), 1)]
        more = [self.report(images[0])] if self.visit == 0 else [self.registration(images)]
        for number, data_set in enumerate((*images, *more)):
            yield self.file(data_set, number)

    def kinds(self) -> tuple[str, ...]:
        """Return the SOP classes of the images of the study."""
        kinds = ((_CR, _CT), (_XA,), (_NM, _CT), (_MR, _MR), (_CT,))
        return kinds[self.turn % len(kinds)]

    def header(self, sop_class: str, modality: str, series: int) -> Dataset:
        """Return what every object of the study has."""
        person, hospital = self.person, self.person.hospital
        day = self.date
        data_set = item(
            SOPClassUID=sop_class,
            SOPInstanceUID=f"{self.study}.{series}.1",
            StudyInstanceUID=self.study,
            SeriesInstanceUID=f"{self.study}.{series}",
            Modality=modality,
            SeriesNumber=str(series),
            InstanceNumber="1",
            StudyID=str(700 + series),
            PatientName=person.name,
            PatientID=person.patient_id,
            PatientBirthDate=person.birth.strftime("%Y%m%d"),
            PatientSex=person.sex,
            PatientWeight=str(person.weight),
            OtherPatientIDsSequence=[item(PatientID=person.other_id, TypeOfPatientID="TEXT")],
            PatientTelephoneNumbers=person.phone,
            PatientAddress=person.address,
            AccessionNumber=self.accession,
            ReferringPhysicianName=hospital.referring,
            OperatorsName=hospital.operator,
            PhysiciansOfRecord=hospital.reading,
            InstitutionName=hospital.name,
            InstitutionAddress=hospital.address,
            InstitutionalDepartmentName=f"{hospital.short} {hospital.department}",
            StationName=hospital.station,
            Manufacturer="Otherscan GmbH",
            StudyDate=day,
            SeriesDate=day,
            ContentDate=day,
            StudyTime="081500",
            SeriesTime="082000.5",
            ContentTime="083000",
            StudyDescription=self.write("line"),
            SeriesDescription=self.write("line"),
            PatientComments=self.write("story"),
            RequestedProcedureDescription=self.write("line"),
            RequestAttributesSequence=[
                item(
                    RequestedProcedureDescription=self.write("line"),
                    ReasonForTheRequestedProcedure=self.write("line"),
                    RequestingPhysician=hospital.performing,
                )
            ],
        )
        if person.charset:
            data_set.SpecificCharacterSet = list(person.charset)
        return data_set

    def image(self, sop_class: str, series: int) -> Dataset:
        """Return an image of any kind: what they share is enough here."""
        modality = {_CR: "CR", _XA: "XA", _NM: "NM", _MR: "MR"}.get(sop_class, "CT")
        data_set = self.header(sop_class, modality, series)
        data_set.update(
            item(
                ImageType=["ORIGINAL", "PRIMARY", "AXIAL"],
                KVP="110",
                ExposureTime="500",
                AcquisitionDate=self.date,
                AcquisitionTime="082100",
                AcquisitionDateTime=self.date + "082100+0000",
                ImageComments=self.write("story"),
                ProtocolName=self.write("line"),
                FrameOfReferenceUID=f"{self.study}.99",
                SamplesPerPixel=1,
                PhotometricInterpretation="MONOCHROME2",
                Rows=4,
                Columns=4,
                BitsAllocated=16,
                BitsStored=16,
                HighBit=15,
                PixelRepresentation=0,
                PixelData=bytes(range(32)),
            )
        )
        data_set["PixelData"].VR = "OW"
        return data_set

    def report(self, image: Dataset) -> Dataset:
        """Return a basic text report."""
        data_set = self.header(_TEXT_SR, "SR", 30)
        data_set.ValueType, data_set.ContinuityOfContent = "CONTAINER", "SEPARATE"
        data_set.CompletionFlag, data_set.VerificationFlag = "COMPLETE", "UNVERIFIED"
        data_set.ConceptNameCodeSequence = code("18748-4", "LN", "Diagnostic imaging report")
        data_set.PerformedProcedureCodeSequence = []
        data_set.ReferencedPerformedProcedureStepSequence = []
        finding = item(
            RelationshipType="CONTAINS",
            ValueType="TEXT",
            ConceptNameCodeSequence=code("121070", "DCM", "Findings"),
            TextValue=self.write("story"),
        )
        picture = item(
            RelationshipType="CONTAINS",
            ValueType="IMAGE",
            ReferencedSOPSequence=[
                item(
                    ReferencedSOPClassUID=image.SOPClassUID,
                    ReferencedSOPInstanceUID=image.SOPInstanceUID,
                )
            ],
        )
        data_set.ContentSequence = [finding, picture]
        return data_set

    def registration(self, images: list[Dataset]) -> Dataset:
        """Return a spatial registration of the images' frame of reference."""
        data_set = self.header(_REGISTRATION, "REG", 31)
        matrix = item(
            FrameOfReferenceTransformationMatrixType="RIGID",
            FrameOfReferenceTransformationMatrix=[
                *(1.0, 0.0, 0.0, 2.5, 0.0, 1.0, 0.0, -4.25),
                *(0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0),
            ],
        )
        data_set.RegistrationSequence = [
            item(
                FrameOfReferenceUID=f"{self.study}.99",
                ReferencedImageSequence=[
                    item(
                        ReferencedSOPClassUID=one.SOPClassUID,
                        ReferencedSOPInstanceUID=one.SOPInstanceUID,
                    )
                    for one in images
                ],
                MatrixRegistrationSequence=[
                    item(
                        MatrixSequence=[matrix],
                        FrameOfReferenceTransformationComment=self.write("line"),
                    )
                ],
            )
        ]
        data_set.ContentLabel = "REGISTRATION"
        data_set.ContentDescription = self.write("line")
        data_set.FrameOfReferenceUID = f"{self.study}.98"
        data_set.PositionReferenceIndicator = ""
        return data_set

    def file(self, data_set: Dataset, number: int) -> File:
        """Return a data set as a file, with its key."""
        name = f"{plain(self.person.name)}/{self.date} {self.accession}/{number}.dcm"
        answers = Answers(name, self.person.key)
        for place in walk(data_set):
            text = str(place.element.value)
            if text in self.texts:
                wording = self.texts[text]
                answers.planted += [Planted(place.path, one, sort) for sort, one in wording.planted]
                answers.kept += [Kept(place.path, phrase) for phrase in wording.kept]
            elif text in self.secrets and place.element.VR not in {"SQ", "UI", "DA"}:
                answers.planted.append(Planted(place.path, text, self.secrets[text]))
        answers.required = ["SOPInstanceUID", "Modality", "SeriesInstanceUID"]
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID = data_set.SOPClassUID
        meta.MediaStorageSOPInstanceUID = data_set.SOPInstanceUID
        meta.TransferSyntaxUID = UID("1.2.840.10008.1.2" + (".1" if number % 2 else ""))
        data_set.file_meta = meta
        out = io.BytesIO()
        dcmwrite(out, data_set, enforce_file_format=True)
        return File(name.encode(), out.getvalue(), answers)
