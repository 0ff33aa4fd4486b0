"""Series as rows of image_occurrence, the OMOP Medical Imaging extension (MI-CDM).

The person map is joined here, so that nobody else needs a table of patients and persons. A series
whose patient is in no map has no row; it is counted.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Mapping
from typing import Final

import msgspec
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from fastdeid.errors import KeyFileError, UsageError
from fastdeid.exports.fhir import calendar_date
from fastdeid.exports.studies import Series, Study, read_studies
from fastdeid.identifiers import normalise
from fastdeid.new_file import SHARED, new_file
from fastdeid.pseudonyms import Pseudonyms
from fastdeid.tabular import Table, column_names

_PERSON: Final = "person_id"
_NO_CONCEPT: Final = 0  # OMOP: no matching concept
# As in the definition of the extension's table: names, types, and what may not be null.
SCHEMA: Final = pa.schema(
    [
        pa.field("image_occurrence_id", pa.int64(), nullable=False),
        pa.field("person_id", pa.int64(), nullable=False),
        pa.field("procedure_occurrence_id", pa.int64(), nullable=False),
        pa.field("visit_occurrence_id", pa.int64()),
        pa.field("anatomic_site_concept_id", pa.int64()),
        pa.field("wadors_uri", pa.string()),
        pa.field("local_path", pa.string()),
        pa.field("image_occurrence_date", pa.date32(), nullable=False),
        pa.field("image_study_uid", pa.string(), nullable=False),
        pa.field("image_series_uid", pa.string(), nullable=False),
        pa.field("modality_concept_id", pa.int64(), nullable=False),
    ]
)


class Exported(msgspec.Struct):
    """What was written, in series: rows, and those without a person or without a date."""

    rows: int = 0
    without_person: int = 0
    without_date: int = 0

    @property
    def exit_code(self) -> int:
        """0, or 3 when series have no row."""
        return 3 if self.without_person or self.without_date else 0


class Concepts(msgspec.Struct, frozen=True):
    """Concept IDs by the site's mapping, 0 for what it does not have.

    modalities: by code of (0008,0060). body_parts: by value of (0018,0015). procedures: by
    accession number of the output, of procedure and visit.
    """

    modalities: Mapping[str, int] = {}
    body_parts: Mapping[str, int] = {}
    procedures: Mapping[str, tuple[int, int | None]] = {}


def export_omop(
    manifest: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    persons: Mapping[str, int],
    concepts: Concepts | None = None,
    wado_root: str = "",
    missing_date: dt.date | None = None,
) -> Exported:
    """Write a row per series to a new file, CSV if its name ends in .csv, else Parquet.

    persons: person_id by pseudonym. wado_root: URL that wadors_uri begins with. missing_date: for
    studies whose date the profile has taken away; without it they have no row.

    Raises InputError, UsageError, OutputError.
    """
    known = concepts or Concepts()
    done = Exported()
    columns: dict[str, list[object]] = {name: [] for name in SCHEMA.names}
    for study in read_studies(manifest):
        person = persons.get(study.patient)
        date = calendar_date(study.date) or missing_date
        for series in study.series:
            if person is None:
                done.without_person += 1
            elif date is None:
                done.without_date += 1
            else:
                done.rows += 1
                row = (done.rows, person, *_links(study, known), *_place(study, series, wado_root))
                values = (
                    *row,
                    date,
                    study.uid,
                    series.uid,
                    known.modalities.get(series.modality, 0),
                )
                for name, value in zip(_ORDER, values, strict=True):
                    columns[name].append(value)
                site = known.body_parts.get(series.body_part) if series.body_part else None
                columns["anatomic_site_concept_id"].append(site)
    table = pa.table(columns, schema=SCHEMA)
    with new_file(out, SHARED) as file:
        if os.fspath(out).endswith(".csv"):
            pa.csv.write_csv(table, file)
        else:
            pq.write_table(table, file, compression="zstd")
    return done


_ORDER: Final = tuple(name for name in SCHEMA.names if name != "anatomic_site_concept_id")


def _links(study: Study, concepts: Concepts) -> tuple[int, int | None]:
    return concepts.procedures.get(study.accession_number, (_NO_CONCEPT, None))


def _place(study: Study, series: Series, wado_root: str) -> tuple[str | None, str]:
    root = wado_root.rstrip("/")
    uri = f"{root}/studies/{study.uid}/series/{series.uid}" if root else None
    return uri, series.folder


def read_persons(
    path: str | os.PathLike[str], pseudonyms: Pseudonyms | None = None
) -> dict[str, int]:
    """Return person_id by pseudonym, of a table (CSV or Parquet).

    Columns: person_id and either patient (the pseudonym) or original_id and, if wanted, issuer;
    originals need the project's pseudonyms.

    Raises UsageError for other columns, for values that are missing or no whole numbers, and for a
    patient with two persons; KeyFileError when originals come without pseudonyms.
    """
    names = set(column_names(path))
    own = [name for name in ("patient", "original_id") if name in names]
    if _PERSON not in names or len(own) != 1:
        raise UsageError("a person map has the columns person_id and one of patient, original_id")
    issuer = ["issuer"] if "issuer" in names and own == ["original_id"] else []
    columns = read_texts(path, [*own, *issuer, _PERSON])
    patients: list[str | None] = list(columns[own[0]])
    if own == ["original_id"]:
        if pseudonyms is None:
            raise KeyFileError("a person map of original IDs needs the project key")
        issuers = columns["issuer"] if issuer else [""] * len(patients)
        pairs = zip(columns["original_id"], issuers, strict=True)
        patients = list(pseudonyms.patients(pairs))
    persons: dict[str, int] = {}
    for row, (patient, person) in enumerate(zip(patients, columns[_PERSON], strict=True), 1):
        if not patient or not person.isascii() or not person.isdigit():
            raise UsageError(f"row {row} of the person map has no patient or no person_id")
        if persons.setdefault(patient, int(person)) != int(person):
            raise UsageError(f"row {row} of the person map gives one patient a second person")
    return persons


def read_concepts(
    modalities: str | os.PathLike[str] | None = None,
    body_parts: str | os.PathLike[str] | None = None,
    procedures: str | os.PathLike[str] | None = None,
) -> Concepts:
    """Return concepts of tables with the columns code and concept_id.

    procedures: of a table with accession_number (of the outputs), procedure_occurrence_id and, if
    wanted, visit_occurrence_id.
    """
    links: dict[str, tuple[int, int | None]] = {}
    if procedures is not None:
        visit = [name for name in ("visit_occurrence_id",) if name in column_names(procedures)]
        names = ["accession_number", "procedure_occurrence_id", *visit]
        columns = read_texts(procedures, names)
        visits = columns.get("visit_occurrence_id", [""] * len(columns[names[0]]))
        for accession, procedure, one in zip(
            columns[names[0]], columns[names[1]], visits, strict=True
        ):
            links[accession] = (_number(procedure), _number(one) if one else None)
    return Concepts(_codes(modalities), _codes(body_parts), links)


def _codes(path: str | os.PathLike[str] | None) -> dict[str, int]:
    if path is None:
        return {}
    columns = read_texts(path, ["code", "concept_id"])
    pairs = zip(columns["code"], columns["concept_id"], strict=True)
    return {code: _number(concept) for code, concept in pairs}


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise UsageError("a concept or occurrence ID is no whole number")
    return int(text)


def read_texts(path: str | os.PathLike[str], names: list[str]) -> dict[str, list[str]]:
    """Return columns of a small table as normalised text, "" for nulls."""
    columns: dict[str, list[str]] = {name: [] for name in names}
    for batch in Table(path, names).batches():
        for name in names:
            try:
                texts = batch.column(name).cast(pa.string()).to_pylist()
            except pa.ArrowException:
                raise UsageError(f"the column {name!r} holds neither text nor numbers") from None
            columns[name].extend(normalise(text or "") for text in texts)
    return columns
