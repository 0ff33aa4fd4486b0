"""The generated tables of the standard: PS3.15 Annex E, PS3.6, and the Types of PS3.3.

Every table is read at most once per process, and only when the digest of its bytes is the one that
`sources.toml` names.
"""

from __future__ import annotations

import hashlib
import tomllib
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from fastdeid.tags import VR_NUMBERS

FOLDER: Final = Path(__file__).parent

REPEATING_GROUPS: Final = (0x5000, 0x6000)
CURVE_DATA_PATTERN: Final = "(50xx,xxxx)"
PRIVATE_PATTERN: Final = "(gggg,eeee) where gggg is odd"


class TableError(Exception):
    """A table of the standard is missing or is not the one that was generated."""


class Attribute(NamedTuple):
    """One line of the data dictionary (PS3.6 section 6); `vr` may be "US or SS" and the like."""

    vr: str
    vm: str
    keyword: str


class Row(NamedTuple):
    """One row of PS3.15 Table E.1-1: `pattern` as printed, `codes` in the order of the columns."""

    pattern: str
    vr: str
    name: str
    codes: tuple[str, ...]


class Table(NamedTuple):
    """PS3.15 Table E.1-1 of one edition; `columns` are "basic" and the options, in print order."""

    edition: str
    digest: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]


class ContentRow(NamedTuple):
    """One row of PS3.15 Table E.3.4-1: a concept name and a Value Type, and the action codes.

    srt: the same concept in the retired scheme SRT, "" for none. codes: as in `Row`.
    """

    scheme: str
    value: str
    srt: str
    value_type: str
    meaning: str
    codes: tuple[str, ...]


class ContentTable(NamedTuple):
    """PS3.15 Table E.3.4-1 of one edition; `columns` are "basic" and the options."""

    edition: str
    digest: str
    columns: tuple[str, ...]
    rows: tuple[ContentRow, ...]


class Types(msgspec.Struct, frozen=True):
    """PS3.3 as trees: `nodes[n]` holds rows of tag, Type, and the node of the items or -1."""

    sop_classes: dict[str, str]
    iods: dict[str, list[tuple[str, str]]]
    modules: dict[str, int]
    nodes: list[list[tuple[int, str, int]]]


@cache
def read_sources() -> dict[str, dict[str, Any]]:
    """Return origin, edition and digests of every generated table, by file name."""
    return tomllib.loads((FOLDER / "sources.toml").read_text(encoding="utf-8"))


def read_bytes(name: str) -> bytes:
    """Return the bytes of a generated table.

    Raises TableError when they are not those that were generated.
    """
    data = (FOLDER / name).read_bytes()
    if hashlib.sha256(data).hexdigest() != read_sources()[name]["digest"]:
        raise TableError(f"{name} differs from its digest in sources.toml")
    return data


def _lines(name: str) -> list[str]:
    return read_bytes(name).decode("utf-8").splitlines()


@cache
def read_table() -> Table:
    """Return PS3.15 Table E.1-1, every row and column."""
    import csv

    name = "ps3_15_table_e1_1.csv"
    header, *lines = csv.reader(_lines(name))
    columns = tuple(header[5:])
    rows = tuple(Row(line[0], line[1], line[2], tuple(line[5:])) for line in lines)
    source = read_sources()[name]
    return Table(source["edition"], source["digest"], columns, rows)


@cache
def read_content_table() -> ContentTable:
    """Return PS3.15 Table E.3.4-1, every row and column."""
    import csv

    name = "ps3_15_table_e3_4_1.csv"
    header, *lines = csv.reader(_lines(name))
    rows = tuple(
        ContentRow(scheme, value, srt, value_type, meaning, tuple(codes))
        for scheme, value, srt, value_type, meaning, _, _, *codes in lines
    )
    source = read_sources()[name]
    return ContentTable(source["edition"], source["digest"], tuple(header[7:]), rows)


@cache
def read_schemes() -> frozenset[str]:
    """Return the designators of the coding schemes that the standard's context groups use."""
    return frozenset(_lines("ps3_16_schemes.csv"))


class Dictionary:
    """The data dictionary, PS3.6 section 6, repeating groups under 0x5000 and 0x6000.

    tags, vr_numbers: shape (n,), ascending tags and the VR of each. Lines are split only when asked
    for, because workers start with this table and need a few hundred of its lines.
    """

    def __init__(self, lines: list[str]) -> None:
        digits = [line[:8] for line in lines]
        self._lines = dict(zip(digits, lines, strict=True))
        self.tags: npt.NDArray[np.uint32] = np.frombuffer(
            bytes.fromhex("".join(digits)), ">u4"
        ).astype(np.uint32)
        vrs = [line[9 : line.index(",", 9)] for line in lines]
        numbers = {vr: vr_number(vr) for vr in set(vrs)}
        self.vr_numbers = np.array([numbers[vr] for vr in vrs], np.uint8)

    def attribute(self, tag: int) -> Attribute:
        """Return the line of `tag`; raise KeyError when the dictionary has none."""
        return Attribute(*self._lines[f"{tag:08X}"].split(",")[1:])

    def find(self, tag: int) -> Attribute | None:
        """Return the line of `tag`, None when the dictionary has none."""
        line = self._lines.get(f"{tag:08X}")
        return None if line is None else Attribute(*line.split(",")[1:])


def vr_number(vr: str) -> int:
    """Return the number of a VR: of alternatives OW where it is one, else the first."""
    names = vr.split(" or ")
    return VR_NUMBERS.get("OW" if "OW" in names else names[0], 0)


@cache
def read_dictionary() -> Dictionary:
    """Return the data dictionary."""
    return Dictionary(_lines("ps3_06_dictionary.csv")[1:])


@cache
def read_uids() -> dict[str, tuple[str, str]]:
    """Return the UID registry, PS3.6 Annex A: UID -> type and keyword."""
    uids = {}
    for line in _lines("ps3_06_uids.csv")[1:]:
        uid, kind, keyword, _ = line.split(",", 3)
        uids[uid] = (kind, keyword)
    return uids


@cache
def read_types() -> Types:
    """Return the Type of every attribute of every IOD."""
    return msgspec.json.decode(read_bytes("ps3_03_types.json"), type=Types)


@cache
def read_methods() -> tuple[tuple[str, str, str], ...]:
    """Return CID 7050 De-identification Method: value, scheme and meaning, ascending values."""
    lines = (line.split(",", 2) for line in _lines("ps3_16_cid_7050.csv")[1:])
    return tuple((value, scheme, meaning) for value, scheme, meaning in lines)


@cache
def read_terms() -> frozenset[str]:
    """Return upper-case words that kept elements hold by the standard, such as HEAD and AXIAL."""
    return frozenset(_lines("defined_terms.csv"))


def read_clinical_words() -> list[str]:
    """Return lines of "term", "word" or "phrase" and folded words, see `vocabulary.py`."""
    return _lines("clinical_words.txt")


def read_report_words() -> list[str]:
    """Return lines of kind and folded words that stay in mode strict, see `report_words.py`."""
    return _lines("report_words.txt")
