"""The files of a batch on their way through the stages."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from fastdeid.errors import DicomError
from fastdeid.facts import Described, Found
from fastdeid.markers import Markers
from fastdeid.overlays import Clearing
from fastdeid.setting import Setting

if TYPE_CHECKING:
    from fastdeid.pixels.stage import Treated


class Job:
    """One file of a batch on its way.

    place: among the paths. modified_ns: of its last change, when it was opened. number: among the
    files that are loaded. error: what ended it. found: what it is, once that is known; described:
    what manifests say. references: original UIDs of instances that the output refers to. clearing:
    of overlays inside pixel data, None when there are none. treated: what became of its pixels,
    None when no stage was about them. own_markers: with the originals of a reversible output, once
    they were asked for. totals: of the assembly.
    """

    __slots__ = (
        *("clearing", "described", "error", "fd", "found", "n_cleaned", "number", "place"),
        *("modified_ns", "own_markers", "references", "size", "totals", "treated"),
    )
    found: Found
    described: Described
    totals: list[int]

    def __init__(self, place: int, fd: int, size: int, modified_ns: int = 0) -> None:
        self.place = place
        self.fd = fd
        self.size = size
        self.modified_ns = modified_ns
        self.number = 0
        self.error: DicomError | OSError | None = None
        self.n_cleaned = 0
        self.references: tuple[bytes, ...] = ()
        self.clearing: Clearing | None = None
        self.treated: Treated | None = None
        self.own_markers: Markers | None = None

    @property
    def setting(self) -> Setting:
        """Rules, replacements and pseudonyms that hold for the file."""
        return self.found.facts.setting

    @property
    def markers(self) -> Markers:
        """What its output says was done."""
        is_examined = self.treated is not None and self.treated.examined
        markers = self.setting.examined_markers if is_examined else self.setting.markers
        envelope, enclosed = self.setting.envelope, self.found.facts.enclosed
        if envelope is None or enclosed is None:
            return markers
        if self.own_markers is None:
            own = (enclosed, self.found.instance, self.setting.encoding)
            self.own_markers = envelope.add(markers, *own)
        return self.own_markers

    def close(self) -> None:
        """Close the file, and forget what waited to be written."""
        close_source(self.fd)
        if self.treated is not None and self.treated.spool is not None:
            self.treated.spool.close()


def close_source(fd: int) -> None:
    """Close a file that was only read: whatever closing it reports, all of it has been read."""
    with contextlib.suppress(OSError):
        os.close(fd)


def by_markers(jobs: Iterable[Job]) -> list[list[Job]]:
    """Return jobs of one setting in groups with the same markers."""
    groups: dict[int, list[Job]] = {}
    for job in jobs:
        groups.setdefault(id(job.markers), []).append(job)
    return list(groups.values())


def by_setting(jobs: Iterable[Job]) -> list[list[Job]]:
    """Return jobs in groups of one setting each.

    The first file of a setting is a group of its own: what it has in common with the others is
    resolved for it alone, and then known.
    """
    groups: dict[int, list[Job]] = {}
    for job in jobs:
        setting = job.setting
        place = id(setting) if setting.is_met else -id(setting)
        setting.is_met = True
        groups.setdefault(place, []).append(job)
    return list(groups.values())
