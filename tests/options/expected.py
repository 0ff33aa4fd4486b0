"""What Table E.1-1 asks for, read off its printed codes without any of fastdeid's code.

The table is read here as plain CSV, with VRs of pydicom's dictionary where it has them. The actions
of the basic profile by Type are those of Table E.1-1a.
"""

from __future__ import annotations

import csv
from collections.abc import Collection
from typing import Final, NamedTuple

from pydicom.datadict import dictionary_VR

from tests.conftest import REPOSITORY

_FIRST_CODE: Final = "basic"


class Row(NamedTuple):
    """A row as printed: tag, VR, and the codes of the basic profile and of each option."""

    pattern: str
    vr: str
    codes: tuple[str, ...]


def _read() -> tuple[tuple[Row, ...], tuple[str, ...]]:
    """Return all rows, and the names of their codes."""
    path = REPOSITORY / "profiles" / "ps3_15_table_e1_1.csv"
    with path.open(encoding="utf-8", newline="") as file:
        header, *lines = csv.reader(file)
    first = header.index(_FIRST_CODE)
    places = header.index("tag"), header.index("vr")
    rows = (Row(line[places[0]], line[places[1]], tuple(line[first:])) for line in lines)
    return tuple(map(_with_known_vr, rows)), tuple(header[first:])


def _with_known_vr(row: Row) -> Row:
    try:
        return row._replace(vr=dictionary_VR(int(row.pattern[1:5] + row.pattern[6:10], 16)))
    except (KeyError, ValueError):  # younger than the dictionary, or a group
        return row


ALL_ROWS, COLUMNS = _read()
ROWS: Final = tuple(row for row in ALL_ROWS if row.vr)
OPTIONS: Final = COLUMNS[1:]

# By code: Types "1", "2" (also 2C), "3" (also 1C and 2C where X is plain), and "?" for unknown.
_BY_TYPE: Final = {
    "D": {"1 1C 2 2C 3 ?": "REPLACE"},
    "U": {"1 1C 2 2C 3 ?": "REPLACE"},
    "Z": {"1 1C": "REPLACE", "2 2C 3 ?": "EMPTY"},
    "X": {"1": "REPLACE", "2": "EMPTY", "1C 2C 3 ?": "REMOVE"},
    "Z/D": {"1 1C ?": "REPLACE", "2 2C 3": "EMPTY"},
    "X/Z": {"1 1C": "REPLACE", "2 2C ?": "EMPTY", "3": "REMOVE"},
    "X/D": {"1 1C 2 2C ?": "REPLACE", "3": "REMOVE"},
    "X/Z/D": {"1 1C ?": "REPLACE", "2 2C": "EMPTY", "3": "REMOVE"},
    "X/Z/U*": {"1 1C 2 2C ?": "KEEP", "3": "REMOVE"},
}
_PSEUDONYMS: Final = {0x00100010: "patient_name", 0x00100020: "patient_id", 0x00080050: "accession"}
_SPECIAL: Final = {0x00420011: "document", 0x00120040: "patient_id", **_PSEUDONYMS}
_TEXT: Final = frozenset("AE CS LO LT SH ST UC UT".split())


class Expected(NamedTuple):
    """Operation, and for REPLACE the way."""

    operation: str
    replace: str = ""


def tag_of(row: Row) -> int:
    return int(row.pattern[1:5].replace("x", "0") + row.pattern[6:10], 16)


def code_of(row: Row, options: Collection[str]) -> str:
    """Return K where a chosen option has K, else C where one has C, else the basic code."""
    chosen = {row.codes[1 + OPTIONS.index(option)] for option in options}
    return "K" if "K" in chosen else "C" if "C" in chosen else row.codes[0]


def expect(row: Row, options: Collection[str], attribute_type: str) -> Expected:
    """Return what happens to the attribute of a row where it has a Type."""
    tag, code = tag_of(row), code_of(row, options)
    if tag >> 16 == 0x0004:
        return Expected("REMOVE")  # the record of a directory
    if code == "C":
        cleaned = _clean(tag, row.vr)
        if cleaned is not None:
            return cleaned
        code = row.codes[0]
    if code == "K":
        return Expected("REPLACE", "cap_age") if row.vr == "AS" else Expected("KEEP")
    if tag >> 16 == 0x6000:
        return Expected("REMOVE")
    operation = next(o for types, o in _BY_TYPE[code].items() if attribute_type in types.split())
    if tag in _PSEUDONYMS:
        operation = "REPLACE"
    if operation != "REPLACE":
        return Expected(operation)
    return Expected(
        "REPLACE", _SPECIAL.get(tag, {"UI": "map_uid", "SQ": "items"}.get(row.vr, "dummy"))
    )


def _clean(tag: int, vr: str) -> Expected | None:
    """Return how a VR is cleaned, None where it cannot be."""
    if tag == 0x60003000 or vr == "SQ":
        return Expected("KEEP")
    if tag == 0x00080201 or vr in {"DA", "DT", "TM"}:
        return Expected("REPLACE", "shift")
    return Expected("REPLACE", "clean") if vr in _TEXT else None
