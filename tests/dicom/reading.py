"""A file's bytes as the reader sees them: nested, with values, without positions."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fastdeid.dicom.reader import Reader
from fastdeid.errors import DicomError
from fastdeid.kernels import elements as kernel
from fastdeid.tags import VR_NAMES
from tests.runs import basic_profile

# One element: tag, VR, and its value, or its items, each a list of elements.
Tree = list[tuple[int, str, "bytes | list[Tree]"]]

_COLUMNS: Final = (kernel.TAG, kernel.VR, kernel.VALUE, kernel.LENGTH, kernel.END, kernel.FLAGS)


@dataclass(frozen=True)
class Reading:
    """What the reader says of a file. unloaded: bytes of values that it has not read."""

    tree: Tree
    transfer_syntax: str
    trailing_length: int
    unloaded: int


def new_reader() -> Reader:
    """Return a reader with the dictionary of PS3.6."""
    profile = basic_profile()
    return Reader(profile.dictionary_keys, profile.dictionary_vrs)


def read(data: bytes, reader: Reader | None = None) -> Reading:
    """Read a file of these bytes; raises the reader's DicomError."""
    reader = reader or new_reader()
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.flush()
        return read_descriptor(file.fileno(), len(data), reader)


def read_file(path: Path, reader: Reader | None = None) -> Reading:
    """Read a file on disk; raises the reader's DicomError."""
    with path.open("rb") as file:
        return read_descriptor(file.fileno(), path.stat().st_size, reader or new_reader())


def read_descriptor(fd: int, size: int, reader: Reader) -> Reading:
    """Read the first `size` bytes of an open file; raises the reader's DicomError."""
    reader.read(fd, size)
    rows = reader.table[: reader.n_rows, _COLUMNS].tolist()
    is_bulk = [row[5] & kernel.BULK for row in rows]
    unloaded = sum(row[3] for row, bulk in zip(rows, is_bulk, strict=True) if bulk)
    return Reading(
        _tree(rows, 0, len(rows), fd, reader),
        reader.transfer_syntax,
        reader.trailing_length,
        0 if reader.inflated is not None else unloaded,
    )


def _tree(rows: list[list[int]], first: int, last: int, fd: int, reader: Reader) -> Tree:
    tree: Tree = []
    number = first
    while number < last:
        tag, vr, value, length, end, flags = rows[number]
        if flags & kernel.SEQUENCE:
            items = _items(rows, number + 1, end, fd, reader)
            tree.append((tag, VR_NAMES[vr], items))
        else:
            raw = _value(value, length, fd, reader, bulk=bool(flags & kernel.BULK))
            tree.append((tag, VR_NAMES[vr], raw))
        number = end
    return tree


def _items(rows: list[list[int]], first: int, last: int, fd: int, reader: Reader) -> list[Tree]:
    items: list[Tree] = []
    number = first
    while number < last:
        end = rows[number][4]
        assert rows[number][0] == 0xFFFEE000
        items.append(_tree(rows, number + 1, end, fd, reader))
        number = end
    return items


def _value(at: int, length: int, fd: int, reader: Reader, *, bulk: bool) -> bytes:
    if not bulk:
        return reader.view[at : at + length].tobytes()
    if reader.inflated is not None:
        return bytes(reader.inflated[at : at + length])
    return os.pread(fd, length, at)


def refusal(data: bytes, reader: Reader | None = None) -> DicomError | None:
    """Return the error that reading the bytes ends with, None when they are a data set."""
    try:
        read(data, reader)
    except DicomError as error:
        return error
    return None


def reason(data: bytes) -> str:
    """Return the reason why the reader refuses the bytes, "" when it does not."""
    error = refusal(data)
    return "" if error is None else error.reason
