"""Private attributes that are known to be safe: PS3.15 Table E.3.10-1 and what TCIA keeps."""

from __future__ import annotations

from functools import cache
from typing import Final, NamedTuple

from fastdeid.profiles.tables import TableError, read_bytes, read_sources
from fastdeid.tags import VR_NUMBERS

# Sources of safe private attributes that a profile can name -> generated table.
SOURCES: Final = {"standard": "ps3_15_table_e3_10_1.csv", "tcia": "tcia_private.csv"}


class PrivateAttribute(NamedTuple):
    """A private attribute: creator as printed, group, and the last byte of the element number.

    vrs: its VRs, () when the table does not say.
    """

    creator: str
    group: int
    element: int
    vrs: tuple[str, ...]


class PrivateTable(NamedTuple):
    """One source of safe private attributes; `edition` is "" where the source has none."""

    origin: str
    edition: str
    digest: str
    rows: tuple[PrivateAttribute, ...]


@cache
def read_private_table(source: str) -> PrivateTable:
    """Return the safe private attributes of one of SOURCES.

    Raises TableError when there is no such source, or its table is not the generated one.
    """
    if source not in SOURCES:
        raise TableError(f"no source {source!r} of safe private attributes")
    about = read_sources()[SOURCES[source]]
    rows = _read_rows(SOURCES[source])
    return PrivateTable(about["origin"], about.get("edition", ""), about["digest"], rows)


@cache
def read_unix_times() -> tuple[PrivateAttribute, ...]:
    """Return private attributes whose values are seconds since 1970; none of them is safe."""
    return _read_rows("unix_times.csv")


def _read_rows(name: str) -> tuple[PrivateAttribute, ...]:
    import csv

    _, *lines = csv.reader(read_bytes(name).decode("utf-8").splitlines())
    return tuple(_attribute(*line) for line in lines)


def _attribute(creator: str, group: str, element: str, vr: str) -> PrivateAttribute:
    vrs = tuple(vr.split(" or ")) if vr else ()
    if not all(name in VR_NUMBERS for name in vrs) or int(group, 16) % 2 == 0:
        raise TableError("no private attribute")
    return PrivateAttribute(creator, int(group, 16), int(element, 16), vrs)
