"""The way back, for whoever holds the key: originals of pseudonyms.

Pseudonyms are one-way functions: what leads back is the link table, or what reversible outputs
enclose, see `disclosed`. Every answer is preceded by a line in the audit log.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from fastdeid.errors import InputError, UsageError
from fastdeid.link_table import LinkTable
from fastdeid.linkage.disclosed import Disclosed
from fastdeid.new_file import PRIVATE, new_file
from fastdeid.tabular import Table, column_names, is_text

# Columns of a table that are turned back, and the column of originals that each gets.
_COLUMNS: Final = {
    "patient": ("original_patient_id", "original_issuer_of_patient_id", "date_offset"),
    "accession_number": ("original_accession_number",),
    "study_instance_uid": ("original_study_instance_uid",),
    "series_instance_uid": ("original_series_instance_uid",),
    "frame_of_reference_uid": ("original_frame_of_reference_uid",),
    "sop_instance_uid": ("original_sop_instance_uid",),
}
_FOUND: Final = ("kind", "original", "issuer", "name", "pseudonym", "date_offset")
_ANSWERED: Final = (
    *("source_path", "original_patient_id", "original_issuer_of_patient_id"),
    *("original_patient_name", "original_accession_number", "original_study_instance_uid"),
    *("original_series_instance_uid", "original_sop_instance_uid", "date_offset"),
    # Of reversible outputs only.
    *("original_patient_birth_date", "original_study_date"),
)
Originals = LinkTable | Disclosed

Log = Callable[[str, int, int], None]  # kind, asked, found


def find_one(table: Originals, pseudonym: str, log: Log) -> list[dict[str, Any]]:
    """Return what the originals say of a patient code, accession number or UID.

    log: called with kind, 1 and the number found before anything is returned.
    """
    wanted = pseudonym.strip()
    rows = table.identities.to_table(list(_FOUND), filter=pc.field("pseudonym") == wanted)
    found = [{"kind": row.pop("kind"), **row} for row in rows.to_pylist()]
    if not found:
        found = _instances(table, wanted)
    kind = "uid" if re.fullmatch(r"[0-9]+(\.[0-9]+)+", wanted) else "id"
    log(kind, 1, int(bool(found)))
    return found


def _instances(table: Originals, uid: str) -> list[dict[str, Any]]:
    wanted = pc.field("sop_instance_uid") == uid
    columns = [name for name in _ANSWERED if name in table.instances.schema.names]
    rows = table.instances.to_table(columns, filter=wanted)
    return [{"kind": "sop_instance_uid", **row} for row in rows.to_pylist()]


def find_file(table: Originals, path: str | os.PathLike[str], log: Log) -> list[dict[str, Any]]:
    """Return the rows of the originals for a de-identified DICOM file, by its SOP Instance UID.

    Raises InputError when the file is not DICOM.
    """
    from pydicom import dcmread
    from pydicom.errors import InvalidDicomError

    try:
        instance = dcmread(path, specific_tags=["SOPInstanceUID"], stop_before_pixels=True)
        uid = str(instance.get("SOPInstanceUID", ""))
    except (InvalidDicomError, OSError, ValueError, AttributeError, KeyError, TypeError):
        raise InputError("the file cannot be read as DICOM") from None
    found = _instances(table, uid)
    log("file", 1, int(bool(found)))
    return found


def pseudonyms_in(path: str | os.PathLike[str]) -> dict[str, set[str]]:
    """Return the pseudonyms of a table by column, see `find_table`. Raises what that raises."""
    names = [name for name in _COLUMNS if name in column_names(path)]
    if not names:
        raise UsageError(f"the table has none of the columns {', '.join(_COLUMNS)}")
    found: dict[str, set[str]] = {name: set() for name in names}
    for batch in Table(path, names).batches():
        for name in names:
            values = pc.unique(_as_text(batch, name)).to_pylist()
            found[name].update(value for value in values if value)
    return found


def find_table(
    table: Originals, path: str | os.PathLike[str], out: str | os.PathLike[str], log: Log
) -> tuple[int, int]:
    """Write a table with the originals beside its pseudonyms to a new Parquet file of mode 0600.

    Columns named as in the research manifest are turned back: patient, accession_number and those
    of UIDs. Returns the numbers of rows and of rows with an original.

    Raises UsageError when the table has no such column, InputError, OutputError.
    """
    names = column_names(path)
    known = [name for name in _COLUMNS if name in names]
    if not known:
        raise UsageError(f"the table has none of the columns {', '.join(_COLUMNS)}")
    added = [original for name in known for original in _COLUMNS[name]]
    if set(added) & set(names):
        raise UsageError("the table has a column of originals already")
    originals = {name: _originals(table, name) for name in known}
    source = Table(path, names)
    n_rows = n_found = 0
    with new_file(out, PRIVATE) as file:
        writer = None
        for batch in source.batches():
            rows, found = _with_originals(batch, originals)
            n_rows += batch.num_rows
            n_found += int(pc.sum(found).as_py() or 0)
            if writer is None:
                writer = pq.ParquetWriter(file, rows.schema, compression="zstd")
            writer.write_table(rows.cast(writer.schema))
        if writer is None:
            raise InputError("the table has no rows")
        writer.close()
        # Before the file gets its name: an answer without a line in the log is no answer.
        log("table", n_rows, n_found)
    return n_rows, n_found


def _originals(table: Originals, name: str) -> pa.Table:
    """Return pseudonyms and originals of one kind, once for each pseudonym."""
    if name == "sop_instance_uid":
        columns = ["sop_instance_uid", "original_sop_instance_uid"]
        known = pc.field(columns[0]).is_valid()
        pairs = table.instances.to_table(columns, filter=known)
    else:
        columns = ["pseudonym", "original", *(["issuer", "date_offset"] * (name == "patient"))]
        pairs = table.kind(name, columns)
    return pairs.rename_columns(["pseudonym", *_COLUMNS[name]])


def _with_originals(
    batch: pa.RecordBatch, originals: dict[str, pa.Table]
) -> tuple[pa.Table, pa.Array]:
    rows = pa.Table.from_batches([batch])
    found = pa.array([False] * batch.num_rows)
    for name, pairs in originals.items():
        places = pc.index_in(_as_text(batch, name), pairs.column("pseudonym").combine_chunks())
        found = pc.or_(found, places.is_valid())
        for original in _COLUMNS[name]:
            rows = rows.append_column(original, pairs.column(original).take(places))
    return rows, found


def _as_text(batch: pa.RecordBatch, name: str) -> pa.Array:
    column = batch.column(name)
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if not (is_text(column.type) or pa.types.is_null(column.type)):
        raise UsageError(f"the column {name!r} holds no pseudonyms")
    return column.cast(pa.string())
