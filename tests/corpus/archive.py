"""The corpus: patients, studies and files in folders of their hospitals, with the answer key."""

from __future__ import annotations

import datetime as dt
import io
import random
from collections.abc import Iterator
from typing import Final, NamedTuple

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.filewriter import dcmwrite
from pydicom.uid import UID

from tests.corpus.answers import Answers, File, Planted
from tests.corpus.cast import CAST
from tests.corpus.itinerary import studies
from tests.corpus.people import Person, Visit
from tests.corpus.records import ROOT, Scribe
from tests.corpus.table import rows

__all__ = ["CAST", "build"]

SEED: Final = 20261122
IMPLICIT: Final = "1.2.840.10008.1.2"
EXPLICIT: Final = "1.2.840.10008.1.2.1"
DEFLATED: Final = "1.2.840.10008.1.2.1.99"
BIG_ENDIAN: Final = "1.2.840.10008.1.2.2"
JPEG_LOSSLESS: Final = "1.2.840.10008.1.2.4.70"
_PREAMBLE: Final = 128
_GAPS: Final = (0, 187, 412, 1203)
_FIRST_DAY: Final = dt.date(2015, 12, 30)


class Style(NamedTuple):
    """How a hospital names the folders and files of an export, templates of placeholders."""

    patient: str
    study: str
    series: str
    file: str


_STYLES: Final = (
    Style(
        "{family}^{given} {birth}", "{day_digits}_{accession}", "SE{series:03}", "IM{number:05}.dcm"
    ),
    Style("{comma} ({birth_short})", "Studie {day_short}", "{series}", "{family}_{number}.dcm"),
    Style("{id}", "{accession}", "S{series}", "I{number:07}"),
    Style("{joined}-{id}", "{day}", "{series:04}", "{uid}"),
)


def visits(cast: tuple[Person, ...], seed: int, counts: dict[str, int]) -> Iterator[Visit]:
    """Yield the studies of each patient in order; `counts` says how many, 2 when it does not."""
    chance = random.Random(seed)
    for place, person in enumerate(cast):
        first = _FIRST_DAY + dt.timedelta(days=chance.randrange(900))
        for number in range(1, counts.get(person.key, 2) + 1):
            day = first + dt.timedelta(days=_GAPS[number - 1])
            digits = chance.randrange(10**5)
            yield Visit(
                person=person,
                number=number,
                day=day,
                time=f"{chance.randrange(7, 22):02}{chance.randrange(60):02}17",
                accession=f"A55{digits:05}{number}",
                study_id=f"{chance.randrange(1000, 9999)}",
                study_uid=f"{ROOT}.{place + 1}.{day:%Y%m%d}.{digits}",
                order=f"RP55{chance.randrange(10**6):06}",
                admission=f"F55{chance.randrange(10**7):07}",
                random=random.Random(seed + 100 * place + number),
            )


def build(seed: int = SEED, cast: tuple[Person, ...] = CAST) -> list[File]:
    """Return every file of the corpus, or of some patients; the same files for the same seed."""
    files: list[File] = []
    for place, visit in enumerate(visits(cast, seed, {"doe": 3})):
        scribe = Scribe(visit)
        for data_set, extra in studies(scribe, part=place // 2, parts=len(CAST)):
            files.append(publish(scribe, data_set, extra, len(files)))
    return [*files, *others(files)]


def others(files: list[File]) -> Iterator[File]:
    """Yield what stands in archives beside images: a letter, a copy under another name."""
    person = CAST[0]
    text = f"Dear {person.name}, your appointment is on 12 May.".encode()
    path = b"Doe^Jane 1962-03-04/letter to Jane Doe.txt"
    yield File(path, text, Answers(path.decode(), person.key, "not_dicom"))
    first = files[0]
    path = b"Doe^Jane 1962-03-04/copy of IM00001.dcm"
    key = Answers(path.decode(), person.key, "duplicate")
    yield File(path, first.data, key)


def publish(scribe: Scribe, data_set: Dataset, extra: list[Planted], number: int) -> File:
    """Return a data set as a file of its archive, with its key."""
    path = _path(scribe, data_set, number)
    answers = scribe.answers(path.decode("utf-8", "replace"), data_set)
    answers.planted += extra
    answers.required = required(data_set)
    syntax = _syntax(number, data_set)
    preamble = b""
    if number % 7 == 0:
        name = scribe.values["flat"].encode("ascii", "replace")[:40]
        preamble = name + b"\0" * (_PREAMBLE - len(name))
        answers.planted.append(Planted("", name.decode(), "flat"))
    data = encode(data_set, syntax, preamble, scribe, hidden_in_meta=number % 5 == 0)
    if number % 5 == 0:
        answers.planted.append(Planted("", scribe.values["station"], "station"))
        answers.planted.append(Planted("", scribe.values["id"], "id"))
    return File(path, data, answers)


def _path(scribe: Scribe, data_set: Dataset, number: int) -> bytes:
    style = _STYLES[len(scribe.visit.person.name) % len(_STYLES)]
    values = scribe.values | {"uid": str(data_set.SOPInstanceUID)}
    series = int(data_set.SeriesNumber)
    parts = [
        part.format(**values, series=series, number=int(data_set.InstanceNumber)).replace("/", "-")
        for part in style
    ]
    # One hospital's server writes Latin-1 into the names of its folders.
    latin = scribe.visit.person.key == "santos"
    return "/".join(parts).encode("latin-1" if latin else "utf-8")


def _syntax(number: int, data_set: Dataset) -> str:
    if data_set.Modality == "US":
        return JPEG_LOSSLESS
    return {3: IMPLICIT, 5: IMPLICIT, 8: DEFLATED, 10: BIG_ENDIAN}.get(number % 13, EXPLICIT)


def encode(
    data_set: Dataset, syntax: str, preamble: bytes, scribe: Scribe, *, hidden_in_meta: bool
) -> bytes:
    """Return a Part 10 file; sequences of undefined length in every other instance."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = data_set.SOPClassUID
    meta.MediaStorageSOPInstanceUID = data_set.SOPInstanceUID
    meta.TransferSyntaxUID = UID(syntax)
    if hidden_in_meta:
        meta.SourceApplicationEntityTitle = scribe.values["station"]
        meta.PrivateInformationCreatorUID = UID(f"{ROOT}.4711")
        meta.PrivateInformation = scribe.values["id"].encode("utf-8").ljust(20)
    if syntax == JPEG_LOSSLESS:
        data_set.PixelData = encapsulate([bytes(data_set.PixelData)])
    if "PixelData" in data_set:
        data_set["PixelData"].VR = "OB" if syntax == JPEG_LOSSLESS else "OW"
    if int(data_set.InstanceNumber) % 2 == 0:
        for element in data_set.iterall():
            if element.VR == "SQ":
                element.is_undefined_length = True
    data_set.file_meta = meta
    data_set.preamble = preamble or b"\0" * _PREAMBLE
    out = io.BytesIO()
    dcmwrite(out, data_set, enforce_file_format=True)
    return out.getvalue()


# Of Type 1 in the IODs of the corpus, where they are used; what the table touches among them.
_TYPE_1: Final = (
    *("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "Modality"),
    *("StructureSetLabel", "RTPlanLabel", "ContentLabel", "PresentationLUTShape"),
    *("PresentationCreationDate", "PresentationCreationTime", "ValueType", "CompletionFlag"),
    *("VerificationFlag", "MIMETypeOfEncapsulatedDocument", "EncapsulatedDocument"),
    *("BurnedInAnnotation", "SegmentSequence", "DimensionOrganizationSequence", "WaveformSequence"),
    *("GraphicLayerSequence", "DisplayedAreaSelectionSequence", "ConceptNameCodeSequence"),
    *("RadiopharmaceuticalInformationSequence", "Units", "DecayCorrection", "SeriesType"),
    *("ROIContourSequence", "StructureSetROISequence", "RTROIObservationsSequence"),
    *("ReferencedStructureSetSequence", "ReferencedRTPlanSequence", "DoseGridScaling"),
    *("CurrentRequestedProcedureEvidenceSequence", "PerFrameFunctionalGroupsSequence"),
    *("SharedFunctionalGroupsSequence", "ImagePositionPatient", "PixelSpacing", "Rows"),
    *("PixelData", "ConversionType", "ImageType", "FrameOfReferenceUID"),
)


def required(data_set: Dataset) -> list[str]:
    """Return which attributes of Type 1 an output must have with a value."""
    missing = {row.tag for row in rows().values() if row.basic in {"X", "X/Z"}}
    # Screen shots hold strays from other IODs, in which they are of Type 1.
    known = _TYPE_1 if data_set.Modality != "OT" else _TYPE_1[:5]
    names = [name for name in known if name in data_set and data_set[name].tag not in missing]
    moments = {"ECG": ["AcquisitionDateTime"], "SR": ["ContentDate", "ContentTime"]}
    return [*names, *moments.get(str(data_set.Modality), [])]
