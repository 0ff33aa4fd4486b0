"""Table E.1-1 and Table E.3.10-1 of PS3.15 read anew: what a profile may do to an element.

This is a second reading of the same tables that fastdeid is built from, made for the scorer alone.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator
from enum import StrEnum
from functools import cache
from typing import Final, NamedTuple

from pydicom.datadict import dictionary_VR

from tests.conftest import REPOSITORY
from tests.corpus.walking import CONTENT_SEQUENCE, Place

MODIFIED_DATES: Final = "retain_longitudinal_modified_dates"
DATES: Final = frozenset({"DA", "DT", "TM"})


class Effect(StrEnum):
    """What must become of a value."""

    KEEP = "keep"  # bit by bit
    CLEAN = "clean"  # identifying parts go, clinical ones stay
    SHIFT = "shift"  # dates move together
    MAP = "map"  # a new UID, the same everywhere
    GO = "go"  # removed, emptied or a dummy
    FREE = "free"  # the standard leaves it open


class Row(NamedTuple):
    """A row of Table E.1-1: name, tag, action of the basic profile, action per option."""

    name: str
    tag: int
    basic: str
    options: dict[str, str]


# Attributes that a profile takes away although the table does not name them: of what it removes.
ALSO_REMOVED: Final = frozenset(
    {
        *(0x00080001, 0x00080005, 0x00120062, 0x00120063, 0x00120064, 0x00280303),
        *(0x00080051, 0x00080300, 0x00102298, 0x0040A504, 0x0040E001, 0x00420015, 0x00700060),
    }
)


@cache
def rows() -> dict[int, Row]:
    """Return the rows whose tag is one tag."""
    path = REPOSITORY / "profiles" / "ps3_15_table_e1_1.csv"
    found = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            digits = row["tag"].strip("()").replace(",", "")
            if "x" in digits or "g" in digits:
                continue
            options = {name: value for name, value in list(row.items())[6:] if value}
            found[int(digits, 16)] = Row(row["name"], int(digits, 16), row["basic"], options)
    return found


@cache
def safe_private() -> frozenset[tuple[str, int, int]]:
    """Return (creator, group, element in its block) of Table E.3.10-1."""
    path = REPOSITORY / "profiles" / "ps3_15_table_e3_10_1.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return frozenset(
            (row["private_creator"], int(row["group"], 16), int(row["element"], 16))
            for row in csv.DictReader(file)
        )


def effect(place: Place, options: Collection[str], declared: Collection[str] = ()) -> Effect:
    """Return what a profile with `options` must do to an element, its sequences considered.

    declared: private creators that the file itself declares safe.
    """
    for depth in range(1, len(place.chain)):
        above = _one(place.chain[:depth], place.creators[:depth], "SQ", options, declared)
        if above in {Effect.GO, Effect.FREE}:
            return above
    return _one(place.chain, place.creators, place.element.VR, options, declared)


def _one(
    chain: tuple[int, ...],
    creators: tuple[str, ...],
    vr: str,
    options: Collection[str],
    declared: Collection[str],
) -> Effect:
    tag = chain[-1]
    if tag >> 16 & 1:
        return _private(tag, creators[-1], vr, options, declared)
    if tag in ALSO_REMOVED or tag & 0xFFFF == 0:
        return Effect.FREE
    row = rows().get(tag)
    if tag >> 16 & 0xFF00 in {0x5000, 0x6000}:
        return Effect.FREE
    if row is None:
        return _unnamed(vr, options)
    chosen = {row.options[name] for name in options if name in row.options}
    if "K" in chosen:
        return Effect.KEEP
    if "C" in chosen:
        return Effect.SHIFT if vr in DATES else Effect.KEEP if vr == "SQ" else Effect.CLEAN
    if row.basic == "U" or (vr == "UI" and "D" in row.basic):
        return Effect.MAP
    if "U*" in row.basic:
        return Effect.FREE
    return Effect.GO


def _unnamed(vr: str, options: Collection[str]) -> Effect:
    if vr == "PN":
        return Effect.GO
    if vr in DATES:
        return Effect.SHIFT if MODIFIED_DATES in options else Effect.GO
    return Effect.MAP if vr == "UI" else Effect.KEEP


def _private(
    tag: int, creator: str, vr: str, options: Collection[str], declared: Collection[str]
) -> Effect:
    if "retain_safe_private" not in options or not creator:
        return Effect.GO
    listed = (creator, tag >> 16, tag & 0xFF) in safe_private()
    if not listed and creator not in declared:
        return Effect.GO
    if vr == "UI":
        return Effect.MAP
    return _unnamed(vr, options)


def vr_of(row: Row) -> str:
    """Return the VR of a row's attribute, "" when the dictionary lacks it."""
    try:
        return dictionary_VR(row.tag)
    except KeyError:
        return ""


def text_rows() -> Iterator[tuple[Row, str]]:
    """Yield rows and VRs of everything that a data set of any kind can hold as one value."""
    for row in rows().values():
        vr = vr_of(row)
        if row.tag >> 16 > 6 and row.tag != CONTENT_SEQUENCE and vr:
            yield row, vr
