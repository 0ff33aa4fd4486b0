"""The research manifest by study, series and instance, as other systems want it."""

from __future__ import annotations

import itertools
import os
import posixpath
from collections.abc import Iterator
from typing import Any, Final

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from fastdeid.columns import has_output
from fastdeid.errors import InputError
from fastdeid.manifest import MANIFEST_FILE

_UIDS: Final = ("study_instance_uid", "series_instance_uid", "sop_instance_uid")
_COLUMNS: Final = (
    *("status", "output_path", "patient", "accession_number", *_UIDS, "sop_class_uid"),
    *("modality", "body_part_examined", "series_number", "instance_number", "number_of_frames"),
    *("rows", "study_date", "patient_sex", "profile"),
)
_FEW: Final = ["status", "accession_number", "modality", "sop_class_uid", "profile"]


class Instance(msgspec.Struct, frozen=True):
    """One instance. is_image: it has rows of pixels. number: None when there is none."""

    uid: str
    sop_class_uid: str
    number: int | None
    is_image: bool


class Series(msgspec.Struct, frozen=True):
    """One series. folder: of its first instance below TARGET."""

    uid: str
    number: int | None
    modality: str
    body_part: str
    folder: str
    instances: list[Instance]


class Study(msgspec.Struct, frozen=True):
    """One study. date: YYYYMMDD as in the outputs, "" when they have none."""

    patient: str
    sex: str
    uid: str
    accession_number: str
    date: str
    profile: str
    series: list[Series]


def read_studies(manifest: str | os.PathLike[str]) -> Iterator[Study]:
    """Yield the studies of a manifest, ordered by patient and UID, with what has an output.

    manifest: the file, or the TARGET that holds it. Instances without a study, such as colour
    palettes, do not appear. Raises InputError when the manifest cannot be read.
    """
    rows = read_manifest(manifest, _COLUMNS)
    order = [("patient", "ascending"), *((uid, "ascending") for uid in _UIDS)]
    listed = _rows(rows.sort_by(order))
    for (patient, uid), group in itertools.groupby(listed, _by("patient", _UIDS[0])):
        if uid is None:
            continue
        instances = list(group)
        first = instances[0]
        series = [
            _series(number, list(own))
            for number, own in itertools.groupby(instances, _by(_UIDS[1]))
        ]
        yield Study(
            patient=patient or "",
            sex=first["patient_sex"] or "",
            uid=uid,
            accession_number=first["accession_number"] or "",
            date=first["study_date"] or "",
            profile=first["profile"] or "",
            series=series,
        )


def read_manifest(manifest: str | os.PathLike[str], columns: tuple[str, ...]) -> pa.Table:
    """Return columns of the rows of a manifest that have an output of their own.

    Raises InputError when it cannot be read, or is one of another version.
    """
    path = os.fspath(manifest)
    if os.path.isdir(path):
        path = os.path.join(path, MANIFEST_FILE)
    wanted = list(dict.fromkeys(("status", *columns)))
    try:
        with pq.ParquetFile(path, read_dictionary=_FEW) as file:
            rows = file.read(wanted)
            rows.select(wanted)
    except FileNotFoundError:
        raise InputError("there is no such manifest: is the run finished?") from None
    except KeyError:
        raise InputError("the manifest lacks columns: another version wrote it") from None
    except (pa.ArrowException, OSError):
        raise InputError("the manifest cannot be read") from None
    kept = has_output(rows.column("status"))
    return rows.filter(kept)


def _rows(table: pa.Table) -> Iterator[dict[str, Any]]:
    for batch in table.to_batches(max_chunksize=1 << 16):
        yield from batch.to_pylist()


def _by(*names: str) -> Any:
    return lambda row: tuple(row[name] for name in names)


def _series(key: tuple[str | None], rows: list[dict[str, Any]]) -> Series:
    rows.sort(key=lambda row: (row["instance_number"] or 0, row["sop_instance_uid"]))
    first = rows[0]
    return Series(
        uid=key[0] or "",
        number=first["series_number"],
        modality=first["modality"] or "",
        body_part=first["body_part_examined"] or "",
        folder=posixpath.dirname(first["output_path"] or ""),
        instances=[
            Instance(
                uid=row["sop_instance_uid"],
                sop_class_uid=row["sop_class_uid"] or "",
                number=row["instance_number"],
                is_image=row["rows"] is not None,
            )
            for row in rows
        ],
    )
