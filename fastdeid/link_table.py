"""The link table of a finished run, opened for whoever holds the key."""

from __future__ import annotations

import os

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from fastdeid import files, manifest
from fastdeid.errors import InputError, KeyFileError
from fastdeid.keys import read_key
from fastdeid.pseudonyms import Pseudonyms
from fastdeid.sealing import Sealing

_SETTINGS = os.path.join("work", "run.json")


class LinkTable:
    """Originals and pseudonyms of a run: PHI.

    instances, identities: data sets of pyarrow, which DuckDB and Polars read as they are. Their
    columns are those of `fastdeid manifest schema`.

    Raises InputError when a table is missing or damaged, KeyFileError when it is encrypted under
    another key.
    """

    def __init__(self, folder: str | os.PathLike[str], pseudonyms: Pseudonyms) -> None:
        self.folder = os.fspath(folder)
        self.sealing = Sealing(pseudonyms)
        self.instances = self._data_set(manifest.INSTANCES)
        self.identities = self._data_set(manifest.IDENTITIES)

    def _data_set(self, table: manifest.Table) -> ds.Dataset:
        path = os.path.join(self.folder, table.file)
        try:
            found = self.sealing.data_set(path)
        except FileNotFoundError:
            raise InputError(
                f"the link table holds no {table.file}: is the run finished?"
            ) from None
        except (pa.ArrowException, OSError):
            raise InputError(f"{table.file} of the link table cannot be read") from None
        if set(found.schema.names) < {column.name for column in table.columns}:
            raise InputError(f"{table.file} of the link table lacks columns")
        return found

    def kind(self, kind: str, columns: list[str]) -> pa.Table:
        """Return columns of the identities of one kind: patient, accession_number, ..."""
        return self.identities.to_table(columns, filter=pc.field("kind") == kind)


def open_link_table(
    folder: str | os.PathLike[str], key: str | os.PathLike[str] | bytes
) -> LinkTable:
    """Open the link table of a finished run.

    folder: TARGET.link-table, or where --link-table put it. key: the project key, its file or its
    32 bytes.

    Raises InputError when there is no whole link table, KeyFileError when the key is missing, too
    open, or not the one of the run.

    >>> import os, shutil, tempfile, fastdeid
    >>> from fastdeid.keys import write_key
    >>> from pydicom.data import get_testdata_file
    >>> folder = tempfile.mkdtemp()
    >>> names = ("source", "target", "PROJECT.key")
    >>> source, target, key = (os.path.join(folder, name) for name in names)
    >>> os.mkdir(source)
    >>> image = shutil.copy(get_testdata_file("CT_small.dcm"), source)
    >>> write_key(key)
    >>> done = fastdeid.convert(source, target, key=key, workers=0)
    >>> table = fastdeid.open_link_table(target + ".link-table", key)
    >>> table.kind("patient", ["original"]).to_pylist()
    [{'original': '1CT1'}]
    >>> shutil.rmtree(folder)
    """
    secret = key if isinstance(key, bytes) else read_key(key)
    pseudonyms = Pseudonyms(secret)
    table = LinkTable(folder, pseudonyms)
    check_key(table, pseudonyms)
    return table


class _Started(msgspec.Struct):
    """The part of a run's settings that says which key and which pseudonyms it had."""

    key_id: str
    pseudonyms: str = "keyed"


def check_key(table: LinkTable, pseudonyms: Pseudonyms) -> None:
    """Raise KeyFileError unless a link table was made with this key."""
    started = _started(table)
    same = started.key_id == pseudonyms.key_id if started else _maps_alike(table, pseudonyms)
    if not same:
        raise KeyFileError("the link table was made with another project key")


def is_random(table: LinkTable) -> bool:
    """Tell whether pseudonyms were drawn at random: then no key leads from originals to them."""
    started = _started(table)
    return started is not None and started.pseudonyms != "keyed"


def _started(table: LinkTable) -> _Started | None:
    try:
        text = files.read(os.path.join(table.folder, _SETTINGS))
        return msgspec.json.decode(text, type=_Started)
    except (OSError, msgspec.DecodeError):
        return None


def _maps_alike(table: LinkTable, pseudonyms: Pseudonyms) -> bool:
    """Whether the first study of the link table has its pseudonym from this key."""
    path = os.path.join(table.folder, manifest.INSTANCES_FILE)
    names = ("original_study_instance_uid", "study_instance_uid")
    for batch in table.sealing.parquet_file(path).iter_batches(columns=list(names)):
        for original, pseudonym in zip(
            *(batch.column(name).to_pylist() for name in names), strict=True
        ):
            if original and pseudonym and original.isascii() and "\\" not in original:
                return bool(pseudonyms.uid(original.encode("ascii")).decode("ascii") == pseudonym)
    return True
