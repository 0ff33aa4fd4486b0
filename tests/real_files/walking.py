"""Inputs and outputs as pydicom walks them, and the standard's table as anybody may read it.

Nothing here asks fastdeid: the table is read with `csv`, the dictionary and registry are pydicom's.
"""

from __future__ import annotations

import csv
import functools
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import pydicom
from pydicom.datadict import dictionary_has_tag, dictionary_VR
from pydicom.dataset import Dataset

from tests.conftest import REPOSITORY

Path_ = tuple[int, ...]
BY_VR: Final = frozenset(("PN", "DA", "DT", "TM", "UI"))
PIXELS: Final = frozenset((0x7FE00008, 0x7FE00009, 0x7FE00010))


class Leaf(NamedTuple):
    """One element without items: its VR, and its value as it stands in the file."""

    vr: str
    raw: bytes


@functools.cache
def table() -> dict[str, str]:
    """Return tag as 8 digits (x for any) -> code: Table E.1-1 and the additions of "basic"."""
    with (REPOSITORY / "profiles" / "ps3_15_table_e1_1.csv").open(encoding="utf-8") as file:
        rows = list(csv.reader(file))[1:]
    codes = {row[0].strip("()").replace(",", "").upper(): row[5] for row in rows}
    profile = tomllib.loads((REPOSITORY / "profiles" / "basic.toml").read_text(encoding="utf-8"))
    for rule in profile["rule"]:
        codes[rule["attribute"].strip("()").replace(",", "").upper()] = rule["action"]
    # What an earlier de-identification has left in the elements that ours writes (PS3.15 E.1.1).
    return codes | dict.fromkeys(("00120062", "00120063", "00120064"), "X")


def code_of(tag: int) -> str:
    """Return the code that holds for a tag, "" where it is the attribute's VR that decides."""
    group, element = tag >> 16, tag & 0xFFFF
    if group & 1 or element == 0 or group < 8 or group >> 8 in {0x50, 0x60}:
        return "X"
    code = table().get(f"{tag:08X}", "")
    return code if code or dictionary_has_tag(tag) else "X"


def vr_of(tag: int, stated: str | None) -> str:
    """Return the VR of an element: what its file says, or the dictionary."""
    if stated and stated != "UN":
        return stated
    return dictionary_VR(tag) if dictionary_has_tag(tag) else "UN"


def leaves(data_set: Dataset, path: Path_ = ()) -> Iterator[tuple[Path_, Leaf]]:
    """Yield (path, leaf); a path holds the tags and item numbers that lead to the leaf."""
    # All at first: reading one sequence makes pydicom convert other elements.
    elements = {tag: data_set.get_item(tag) for tag in sorted(data_set.keys())}
    for tag, element in elements.items():
        here = (*path, int(tag))
        if vr_of(int(tag), element.VR) == "SQ":
            for number, item in enumerate(data_set[tag].value or []):
                yield from leaves(item, (*here, number))
        else:
            # pydicom has converted the character sets of items already.
            value: object = element.value or b""
            raw = value if isinstance(value, bytes) else str(value).encode()
            yield here, Leaf(vr_of(int(tag), element.VR), raw)


def read(path: Path) -> dict[Path_, Leaf]:
    """Return the leaves of a file."""
    return dict(leaves(pydicom.dcmread(path, force=True)))


def sequences_of(path: Path_) -> Path_:
    """Return the tags of the sequences on a path."""
    return path[:-1:2]
