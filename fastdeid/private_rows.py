"""The rows that decide on private elements, as objects, and the names of private creators."""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

from fastdeid.kernels.private import ENTRY_SIZE, NO_VALUE
from fastdeid.tags import VR_NAMES

# PS3.5 section 6.2: at most 64 characters in LO; of UTF-8 each has at most 4 bytes.
_LONGEST_CREATOR: Final = 64
_ENTRY: Final = struct.Struct("<IIiBHH")


class PrivateRow(NamedTuple):
    """One row of an element table. flags: as there; `value` None where it is not known.

    parent: row of the item in which it stands, -1 for the data set itself.
    """

    number: int
    tag: int
    parent: int
    vr: str
    flags: int
    value: bytes | None


def unpack_rows(key: bytes) -> list[PrivateRow]:
    """Return the rows that `kernels.private.pack_private` has packed."""
    rows = []
    at = 0
    while at < len(key):
        number, tag, parent, vr, flags, length = _ENTRY.unpack_from(key, at)
        at += ENTRY_SIZE
        value = None
        if length != NO_VALUE:
            value = key[at : at + length]
            at += length
        rows.append(PrivateRow(number, tag, parent, VR_NAMES[vr], flags, value))
    return rows


def creator_name(text: str) -> str:
    """Return a private creator for comparison: without case and padding, single spaces.

    "" for none, and for a name longer than VR LO allows.
    """
    name = " ".join(text.replace("\0", " ").upper().split())
    return name if len(name) <= _LONGEST_CREATOR else ""


def read_creator(raw: bytes | None) -> str:
    """Return the name of the creator in an element; creators are of the default repertoire."""
    return "" if raw is None else creator_name(raw.decode("latin_1"))
