"""The files of a link table as a whole: their keys told, changed, or taken off."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any, Final

import msgspec
import pyarrow as pa
import pyarrow.csv as pv
import pyarrow.parquet as pq

from fastdeid import manifest
from fastdeid.convert import WORK_FOLDER, keep_finished, read_finished
from fastdeid.errors import InputError, KeyFileError
from fastdeid.new_file import PRIVATE, as_output_error, new_file, refuse_existing
from fastdeid.pseudonyms import Pseudonyms
from fastdeid.replaced import replaced_file
from fastdeid.sealing import PROJECT, Sealing, check_master, is_encrypted
from fastdeid.tables import repeating_columns
from fastdeid.workspace import SETTINGS_FILE, Workspace

TABLES: Final = (manifest.INSTANCES, manifest.IDENTITIES, manifest.REFERENCES)
FORMATS: Final = ("parquet", "csv")


class Lock(msgspec.Struct, frozen=True):
    """How one file of a link table is closed.

    master: id of the master key, "" when the file is not encrypted. opens: whether the key at hand
    opens it.
    """

    file: str
    master: str
    opens: bool


def locks(folder: str | os.PathLike[str], pseudonyms: Pseudonyms) -> list[Lock]:
    """Return how the files of a link table are closed.

    Raises InputError when one is missing or damaged.
    """
    found = []
    for table in TABLES:
        sealing = Sealing(pseudonyms)
        path = os.path.join(os.fspath(folder), table.file)
        with _readable(table.file):
            encrypted = is_encrypted(path)
            try:
                sealing.parquet_file(path).close()
                opens = True
            except KeyFileError:
                opens = False
        found.append(Lock(table.file, sealing.met[0] if encrypted and sealing.met else "", opens))
    return found


def rotate(
    folder: str | os.PathLike[str], pseudonyms: Pseudonyms, master: str = PROJECT
) -> list[Lock]:
    """Encrypt a link table anew, with new data keys under a new master key; return how it is now.

    master: what wraps the data keys from now on, see `sealing`. A rotation that was interrupted
    leaves every table whole, under its old key or the new one; it is done again.

    Raises UsageError when a run is at work, InputError, OutputError, KeyFileError.
    """
    check_master(master)
    place = os.fspath(folder)
    sealing = Sealing(pseudonyms)
    workspace = Workspace(os.path.join(place, WORK_FOLDER), sealing)
    with contextlib.ExitStack() as held:
        finished = None
        if workspace.has(SETTINGS_FILE):
            held.enter_context(workspace.lock())
            finished = read_finished(workspace)
            settings = msgspec.structs.replace(workspace.settings, link_table_key=master)
        for table in TABLES:
            _write_again(os.path.join(place, table.file), table, sealing, master)
        if finished is not None:
            workspace.write_settings(settings)
            # The run is finished still: its tables have new sizes.
            keep_finished(workspace, finished.summary)
    return locks(place, pseudonyms)


def _write_again(path: str, table: manifest.Table, sealing: Sealing, master: str) -> None:
    with _readable(table.file), sealing.parquet_file(path) as old:
        schema = old.schema_arrow
        options = {
            "compression": "zstd",
            "use_dictionary": repeating_columns(table),
            "encryption_properties": sealing.encryption(table, schema.names, master),
        }
        with replaced_file(path) as file, pq.ParquetWriter(file, schema, **options) as writer:
            for group in range(old.num_row_groups):
                writer.write_table(old.read_row_group(group))


def export(
    folder: str | os.PathLike[str],
    out: str | os.PathLike[str],
    pseudonyms: Pseudonyms,
    *,
    form: str = "parquet",
) -> dict[str, int]:
    """Write the tables of a link table to a folder, readable for everybody who gets them: PHI.

    form: "parquet" or "csv". The files have mode 0600. Returns their names and numbers of rows.

    Raises UsageError when a file exists, InputError, OutputError, KeyFileError.
    """
    place, target = os.fspath(folder), os.fspath(out)
    sealing = Sealing(pseudonyms)
    with as_output_error():
        os.makedirs(target, mode=0o700, exist_ok=True)
    names = {table.file: f"{os.path.splitext(table.file)[0]}.{form}" for table in TABLES}
    for name in names.values():
        refuse_existing(os.path.join(target, name))
    rows = {}
    for table in TABLES:
        with (
            _readable(table.file),
            sealing.parquet_file(os.path.join(place, table.file)) as old,
            new_file(os.path.join(target, names[table.file]), PRIVATE) as file,
            _writer(form, file, old.schema_arrow) as writer,
        ):
            for group in range(old.num_row_groups):
                writer.write_table(old.read_row_group(group))
            rows[names[table.file]] = old.metadata.num_rows
    return rows


def _writer(form: str, file: Any, schema: pa.Schema) -> Any:
    if form == "csv":
        return pv.CSVWriter(file, schema)
    return pq.ParquetWriter(file, schema, compression="zstd")


@contextlib.contextmanager
def _readable(name: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise InputError(f"the link table holds no {name}: is the run finished?") from None
    except (pa.ArrowException, OSError):
        raise InputError(f"{name} of the link table cannot be read") from None
