"""The way back without the link table: originals that reversible outputs enclose."""

from __future__ import annotations

import datetime as dt
import os
import warnings
from collections.abc import Iterable, Mapping
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from fastdeid import manifest
from fastdeid.errors import InputError
from fastdeid.pseudonyms import Pseudonyms
from fastdeid.reversible import Envelope, read_originals

PathLike = str | os.PathLike[str]

_PSEUDONYMS: Final = {
    "patient": "PatientID",
    "accession_number": "AccessionNumber",
    "study_instance_uid": "StudyInstanceUID",
    "series_instance_uid": "SeriesInstanceUID",
    "sop_instance_uid": "SOPInstanceUID",
    "frame_of_reference_uid": "FrameOfReferenceUID",
}
_ORIGINALS: Final = {
    "original_patient_id": "PatientID",
    "original_issuer_of_patient_id": "IssuerOfPatientID",
    "original_patient_name": "PatientName",
    "original_patient_birth_date": "PatientBirthDate",
    "original_study_date": "StudyDate",
    **{f"original_{name}": word for name, word in list(_PSEUDONYMS.items())[1:]},
}
_READ: Final = [*_PSEUDONYMS.values(), "StudyDate", "EncryptedAttributesSequence"]
_INSTANCES: Final = pa.schema(
    [("source_path", pa.string())]
    + [(name, pa.string()) for name in (*_PSEUDONYMS, *_ORIGINALS)]
    + [("date_offset", pa.int32())]
)
_IDENTITIES: Final = pa.schema(
    [(name, pa.string()) for name in ("kind", "original", "issuer", "name", "pseudonym")]
    + [("date_offset", pa.int32())]
)


class Disclosed:
    """Originals and pseudonyms of some outputs, with the columns of a link table: PHI.

    date_offset: by what Study Date was moved, null where the profile took it away.
    """

    def __init__(self, rows: Iterable[Mapping[str, Any]]) -> None:
        held = list(rows)
        self.instances = _data_set(held, _INSTANCES)
        self.identities = _data_set(_identities(held), _IDENTITIES)

    def kind(self, kind: str, columns: list[str]) -> pa.Table:
        """Return columns of the identities of one kind: patient, accession_number, ..."""
        return self.identities.to_table(columns, filter=pc.field("kind") == kind)


def disclose_file(path: PathLike, pseudonyms: Pseudonyms) -> Disclosed:
    """Return what one output encloses.

    Raises InputError when it encloses nothing, or is damaged; KeyFileError for another key.
    """
    return Disclosed([_row(path, pseudonyms, Envelope(pseudonyms))])


def disclose_release(
    target: PathLike, pseudonyms: Pseudonyms, wanted: Mapping[str, set[str]]
) -> Disclosed:
    """Return what outputs of a release enclose, one output for each pseudonym that is asked for.

    wanted: pseudonyms by columns of the research manifest. Raises InputError when the manifest or
    one of these outputs cannot be read or encloses nothing, KeyFileError for another key.
    """
    path = os.path.join(target, manifest.MANIFEST_FILE)
    try:
        columns = [*_PSEUDONYMS, "output_path", "status"]
        table = pq.read_table(path, columns=columns)
    except (OSError, pa.ArrowException):
        raise InputError("the release has no manifest.parquet that can be read") from None
    table = table.filter(pc.is_in(table.column("status"), pa.array(["ok", "review"])))
    chosen: set[str] = set()
    for name, values in wanted.items():
        some = table.filter(pc.is_in(table.column(name), pa.array(sorted(values), pa.string())))
        firsts = some.group_by(name).aggregate([("output_path", "min")])
        chosen.update(firsts.column("output_path_min").to_pylist())
    envelope = Envelope(pseudonyms)
    return Disclosed(
        _row(os.path.join(target, output), pseudonyms, envelope) for output in sorted(chosen)
    )


def everywhere(pseudonym: str) -> dict[str, set[str]]:
    """Return what asks `disclose_release` for a pseudonym of any kind."""
    return {name: {pseudonym.strip()} for name in _PSEUDONYMS}


def _row(path: PathLike, pseudonyms: Pseudonyms, envelope: Envelope) -> dict[str, Any]:
    from pydicom import dcmread
    from pydicom.errors import InvalidDicomError

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            output = dcmread(path, specific_tags=_READ, stop_before_pixels=True)
            (item,) = output.get("EncryptedAttributesSequence") or (None,)
            message = bytes(item.EncryptedContent) if item is not None else b""
        except (InvalidDicomError, OSError, ValueError, AttributeError, KeyError, TypeError):
            raise InputError("the file cannot be read as DICOM") from None
        if not message:
            raise InputError(
                "the file holds no encrypted originals, its profile was not reversible: "
                "--link-table leads back"
            )
        originals = read_originals(envelope.unseal(message))
        row: dict[str, Any] = {
            **{name: _text(output, word) for name, word in _PSEUDONYMS.items()},
            **{name: _text(originals, word) for name, word in _ORIGINALS.items()},
        }
    own = row["original_sop_instance_uid"] or ""
    mapped = pseudonyms.uid(own.encode("ascii", "replace")).decode("ascii")
    if row["sop_instance_uid"] not in {own, mapped}:
        raise InputError("the encrypted originals are those of another instance")
    return {**row, "date_offset": _days(row["original_study_date"], _text(output, "StudyDate"))}


def _text(data_set: Any, keyword: str) -> str | None:
    return str(data_set[keyword].value or "") or None if keyword in data_set else None


def _days(before: str | None, after: str | None) -> int | None:
    try:
        days = (_day(after) - _day(before)).days
    except ValueError:
        return None
    # 1 January 1900 is what stands where a date must be, and none is.
    return None if after == "19000101" else days


def _day(text: str | None) -> dt.datetime:
    return dt.datetime.strptime(text or "", "%Y%m%d").replace(tzinfo=dt.UTC)


def _data_set(rows: list[dict[str, Any]] | list[Mapping[str, Any]], schema: pa.Schema) -> Any:
    return ds.dataset(pa.Table.from_pylist([dict(row) for row in rows], schema=schema))


def _identities(rows: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    found: dict[tuple[str, str], Mapping[str, Any]] = {}
    for row in rows:
        for kind in _PSEUDONYMS:
            pseudonym, is_patient = row[kind], kind == "patient"
            original = row["original_patient_id" if is_patient else f"original_{kind}"]
            if not pseudonym or kind == "sop_instance_uid":
                continue
            one = {"kind": kind, "original": original, "pseudonym": pseudonym}
            if is_patient:
                one["issuer"] = row["original_issuer_of_patient_id"]
                one["name"] = row["original_patient_name"]
                one["date_offset"] = row["date_offset"]
            found.setdefault((kind, pseudonym), one)
    return list(found.values())
