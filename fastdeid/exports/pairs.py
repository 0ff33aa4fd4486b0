"""Originals and pseudonyms as plain CSV files of two columns, id_old and id_new: PHI."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Iterator
from typing import Final

import pyarrow.compute as pc

from fastdeid.link_table import LinkTable
from fastdeid.new_file import PRIVATE, all_or_none, new_folder, new_text_file, refuse_existing

PATIENTS_FILE: Final = "patients.csv"
UIDS_FILE: Final = "uids.csv"
_UID_KINDS: Final = ("study_instance_uid", "series_instance_uid", "frame_of_reference_uid")
_INSTANCE: Final = ("original_sop_instance_uid", "sop_instance_uid")


def export_pairs(table: LinkTable, folder: str | os.PathLike[str]) -> dict[str, int]:
    """Write patients.csv and uids.csv to a folder; return their numbers of rows.

    Patients without an ID do not appear. One ID of two issuers has two rows.

    Raises UsageError when a file exists, OutputError when one cannot be written.
    """
    place = os.fspath(folder)
    counts: dict[str, int] = {}
    with all_or_none() as made:
        new_folder(place, 0o700, made)
        pairs_of = {PATIENTS_FILE: _patients(table), UIDS_FILE: _uids(table)}
        paths = {name: os.path.join(place, name) for name in pairs_of}
        for path in paths.values():
            refuse_existing(path)
        for name, pairs in pairs_of.items():
            counts[name] = _write(paths[name], pairs)
            made.append(paths[name])
    return counts


def _patients(table: LinkTable) -> Iterator[tuple[str, str]]:
    rows = table.kind("patient", ["original", "pseudonym"])
    yield from _distinct(rows.column("original").to_pylist(), rows.column("pseudonym").to_pylist())


def _uids(table: LinkTable) -> Iterator[tuple[str, str]]:
    for kind in _UID_KINDS:
        rows = table.kind(kind, ["original", "pseudonym"])
        columns = (rows.column(name).to_pylist() for name in ("original", "pseudonym"))
        yield from _distinct(*columns)
    known = pc.field(_INSTANCE[0]).is_valid() & pc.field(_INSTANCE[1]).is_valid()
    last = ("", "")
    for batch in table.instances.to_batches(list(_INSTANCE), filter=known):
        for pair in zip(*(batch.column(name).to_pylist() for name in _INSTANCE), strict=True):
            # Copies of an instance mostly stand together.
            if pair != last:
                yield pair
            last = pair


def _distinct(
    originals: Iterable[str | None], pseudonyms: Iterable[str | None]
) -> Iterator[tuple[str, str]]:
    pairs = zip(originals, pseudonyms, strict=True)
    yield from dict.fromkeys((old, new) for old, new in pairs if old and new)


def _write(path: str, pairs: Iterable[tuple[str, str]]) -> int:
    number = 0
    with new_text_file(path, PRIVATE) as file:
        writer = csv.writer(file)
        writer.writerow(["id_old", "id_new"])
        for pair in pairs:
            writer.writerow(pair)
            number += 1
    return number
