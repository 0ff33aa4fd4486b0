"""What a finder of changes says about a data set, by the path of each element."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator, Sequence

import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from fastdeid.codes import Operation
from fastdeid.dicom.element_table import ElementTable
from fastdeid.dicom.reader import Reader
from fastdeid.kernels.elements import FLAGS, IS_ITEM, PARENT, TAG
from tests.runs import basic_profile

Changes = dict[str, tuple[Operation, str]]
Find = Callable[[ElementTable, slice], Sequence[tuple[int, Operation, str]]]


def read(data_set: Dataset, transfer_syntax: str = ExplicitVRLittleEndian) -> Reader:
    """Return a reader that has read a data set, no row decided."""
    data_set.file_meta = FileMetaDataset()
    data_set.file_meta.TransferSyntaxUID = pydicom.uid.UID(transfer_syntax)
    held = io.BytesIO()
    implicit, little = transfer_syntax == "1.2.840.10008.1.2", "1.2.2" not in transfer_syntax
    pydicom.dcmwrite(held, data_set, implicit_vr=implicit, little_endian=little)
    return read_bytes(held.getvalue())


def read_bytes(data: bytes) -> Reader:
    """Return a reader that has read the bytes of a file."""
    profile = basic_profile()
    reader = Reader(profile.dictionary_keys, profile.dictionary_vrs)
    fd = os.memfd_create("test")
    try:
        os.write(fd, data)
        reader.read(fd, len(data))
    finally:
        os.close(fd)
    return reader


def rows_of(reader: Reader) -> slice:
    """Return the rows of the file that was read."""
    return slice(0, reader.n_rows)


def path_of(reader: Reader, row: int) -> str:
    """Return where a row stands, such as "ContentSequence.2.TextValue", items counted from 1."""
    names: list[str] = []
    table = reader.table
    while row >= 0:
        if table[row, FLAGS] & IS_ITEM:
            siblings = [r for r in range(row) if table[r, PARENT] == table[row, PARENT]]
            names.append(str(len(siblings) + 1))
        else:
            tag = int(table[row, TAG])
            names.append(pydicom.datadict.keyword_for_tag(tag) or f"{tag:08X}")
        row = int(table[row, PARENT])
    return ".".join(reversed(names))


def changes(find: Find, reader: Reader) -> Changes:
    """Return path -> (operation, replacement) of what `find` says."""
    found = list(find(reader, rows_of(reader)))
    assert [row for row, _, _ in found] == sorted({row for row, _, _ in found})
    return {path_of(reader, row): (operation, replace) for row, operation, replace in found}


def told(found: Changes) -> Iterator[str]:
    """Yield the changes as lines, such as "TextValue: clean"."""
    for path, (operation, replace) in found.items():
        yield f"{path}: {replace or operation.name.lower()}"
