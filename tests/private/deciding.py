"""What is decided on the private elements of a data set, as words by tag."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable

from fastdeid.codes import Operation
from fastdeid.dicom.reader import Reader
from fastdeid.kernels.elements import N_COLUMNS, OPERATION, PARENT, TAG
from fastdeid.private import Decision, PrivateRules, safe_attributes
from fastdeid.profiles.private_tables import PrivateAttribute
from tests import builders as b
from tests.dicom.reading import new_reader
from tests.runs import basic_profile

# Three creators of the standard's table, and attributes of theirs.
PHILIPS = "Philips Imaging DD 001"
B_FACTOR = 0x20011003  # FL
GEMS = "GEMS_ACQU_01"
NQ = "NQHeader"


def creator(tag: int, name: str, encoding: b.Encoding = b.EXPLICIT) -> bytes:
    """Return a private creator; `name` may be in any form."""
    return b.text(tag, "LO", name, encoding)


def read(
    data_set: bytes, encoding: b.Encoding = b.EXPLICIT, reader: Reader | None = None
) -> Reader:
    """Return a reader that has read the data set."""
    data = b.part10(data_set, encoding)
    reader = reader or new_reader()
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.flush()
        reader.read(file.fileno(), len(data))
    # As if the rules kept every standard attribute; private ones and what is below them go.
    for row in range(reader.n_rows):
        parent = int(reader.table[row, PARENT])
        goes = reader.table[row, TAG] >> 16 & 1 or (parent >= 0 and reader.table[parent, OPERATION])
        reader.table[row, OPERATION] = Operation.REMOVE if goes else Operation.KEEP
    return reader


def rules(
    *more: PrivateAttribute,
    sources: Iterable[str] = ("standard",),
    dates: str = "shift",
    uids: str = "map",
    declared: bool = True,
    csa: bool = False,
) -> PrivateRules:
    """Return rules with the standard's table, and `more` beside it."""
    attributes = [*safe_attributes(sources), *more]
    return PrivateRules(attributes, dates=dates, uids=uids, declared=declared, csa=csa)


def find(reader: Reader, private: PrivateRules | None = None) -> list[Decision]:
    """Return the decisions on a file that was read."""
    return (private or rules()).find(
        reader, reader.rows(0), basic_profile().rules(b.CT_IMAGE_STORAGE)
    )


def decide(
    data_set: bytes, private: PrivateRules | None = None, encoding: b.Encoding = b.EXPLICIT
) -> list[tuple[int, str]]:
    """Return (tag, operation) of each row that is not removed, in the order of the file.

    The operation is "keep", "empty", or the replacement with its VR, as "shift DA".
    """
    reader = read(data_set, encoding)
    cells = reader.cells
    return [
        (cells[one.row * N_COLUMNS + TAG], f"{one.replace} {one.vr}".strip())
        if one.replace
        else (cells[one.row * N_COLUMNS + TAG], one.operation.name.lower())
        for one in find(reader, private)
    ]
