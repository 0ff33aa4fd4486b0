"""Generate the tables of safe private attributes. Development-time only, called by generate.py.

Both name a private attribute by its creator and the last two digits of its element number, because
the block it stands in differs from file to file (PS3.5 section 7.8.1). Of the TCIA private tag
knowledge base only what is to be kept is stored.
"""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from pathlib import Path
from typing import Final

from fastdeid.tags import VR_NUMBERS

SAFE_SOURCE: Final = "ps3_15_table_e3_10_1.csv"
TCIA_SOURCE: Final = "tcia_private_tag_kb.csv"
TCIA_ORIGIN: Final = "TCIA private tag knowledge base, from Posda, Apache-2.0"
HEADER: Final = ("private_creator", "group", "element", "vr")

# Dispositions of the knowledge base: keep, and keep in its block.
_KEEP: Final = {"K", "KB"}
# Others that ask for something, so that keeping would contradict another row of the attribute.
_NOT_KEPT: Final = {"K3", "R", "X", "Z"}
# Kept as text by the knowledge base, but the values are dates with times: they are treated as such.
_DATE_TIMES: Final = {("GEMS_PETD_01", "0017", "05")}

# Numbers of seconds since 1970 by the names that the makers gave them: creator, tag.
_UNIX_TIMES: Final = (
    ("A.L.I. Technologies, Inc.", "3711xx04"),
    ("ELSCINT1", "07A1xx04"),
    ("GEMS_ADWSoft_3D1", "0047xxBA"),
    ("GEMS_IDEN_01", "0009xx27"),
    ("GEMS_IDEN_01", "0009xxE9"),
    ("GEMS_IQTB_IDEN_47", "0047xx02"),
    ("GEMS_STDY_01", "0023xx70"),
)
_SAYS_TIME: Final = re.compile(r"\b(?:date|time ?stamp|time)\b", re.IGNORECASE)

Rows = list[list[str]]


def _vrs(text: str) -> set[str]:
    """Return the VRs of a cell such as "OW/OB"; raise ValueError for one that PS3.5 lacks."""
    names = set(text.split("/")) if text else set()
    if unknown := names - set(VR_NUMBERS):
        raise ValueError(f"no VR {unknown}")
    return names


def safe_rows(source: Path) -> Rows:
    """Return PS3.15 Table E.3.10-1: creator, group, element, and VRs joined by " or "."""
    rows = []
    with source.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            tag = re.fullmatch(r"\(([0-9A-F]{4}),xx([0-9A-F]{2})\)", row["tag"])
            if tag is None:
                raise ValueError(f"no block in {row['tag']}")
            vrs = " or ".join(sorted(_vrs(row["vr"]), reverse=True))
            rows.append([row["private_creator"], tag[1], tag[2], vrs])
    return rows


def tcia_rows(source: Path) -> Rows:
    """Return what the TCIA private tag knowledge base keeps, in the columns of `safe_rows`.

    It lists attributes of nested items without the path to them, so that one creator and element
    may stand for several attributes. Such a one is kept with the VRs of all of them, and only when
    none of them asks for something else.
    """
    vrs: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    refused = set()
    with source.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            key = (row["private_creator"], row["group"], row["element"])
            if row["disposition"] in _NOT_KEPT:
                refused.add(key)
            elif row["disposition"] in _KEEP:
                vrs[key] |= {"DT"} if key in _DATE_TIMES else _vrs(row["vr"])
    return [
        [*key, " or ".join(sorted(names))]
        for key, names in sorted(vrs.items())
        if key not in refused
    ]


def unix_rows() -> Rows:
    """Return private attributes that hold Unix times, in the columns of `safe_rows`.

    Raises ValueError where pydicom's private dictionary calls one of them anything but a time.
    """
    from pydicom._private_dict import private_dictionaries

    rows = []
    for creator, tag in _UNIX_TIMES:
        vr, _, name, _ = private_dictionaries[creator][tag]
        if not _SAYS_TIME.search(name):
            raise ValueError(f"{tag} of {creator} is no time")
        rows.append([creator, tag[:4], tag[-2:], vr])
    return rows
