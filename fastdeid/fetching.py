"""Inputs from object stores: a short one is fetched at once, of a long one the header first.

An object becomes a file without a name, as members of archives do. Of a long object that file holds
the first window only, until it is known that more is needed: whoever reads behind it finds the end
of the file, which no reader takes for the end of the object.
"""

from __future__ import annotations

import contextlib
import os
from typing import Any, Final

from fastdeid import objects
from fastdeid.dicom.loaded import WINDOW
from fastdeid.errors import DicomError
from fastdeid.jobs import Job
from fastdeid.objects import Info

# What one request brings in about the time of its answer.
_AT_ONCE: Final = 4 << 20


class FetchedJob(Job):
    """One object of a batch on its way. missing: where the bytes begin that are not here yet."""

    __slots__ = ("_file", "_info", "missing")

    def __init__(self, place: int, info: Info, file: Any, descriptor: int) -> None:
        super().__init__(place, descriptor, info.size)
        self._info = info
        self._file = file
        self.missing = 0

    @property
    def is_whole(self) -> bool:
        """Whether all of it is here."""
        return self.missing == self.size

    def require_size(self) -> None:
        """Raise DicomError when the object is not as long as it was."""
        if self._file.size() != self.size:
            raise DicomError("changed_while_read")

    def fetch(self, most: int) -> None:
        """Fetch bytes up to `most`. Raises OSError."""
        end = min(most, self.size)
        objects.copy_to(self._file, self.fd, self.missing, end)
        self.missing = end

    def fill(self) -> None:
        """Fetch the rest. Raises OSError, DicomError when the object was changed meanwhile."""
        if self.is_whole:
            return
        self.fetch(self.size)
        if objects.info(self._info.uri) != self._info:
            raise DicomError("changed_while_read")

    def close(self) -> None:
        """Close what is open."""
        super().close()
        with contextlib.suppress(OSError):
            self._file.close()


def fetch(place: int, info: Info, scratch: str | None) -> FetchedJob:
    """Open an object. Raises OSError, DicomError when it is not the one that was planned."""
    file = objects.open_input(info.uri)
    spool = objects.new_file(info.size, scratch)
    with spool:
        job = FetchedJob(place, info, file, os.dup(spool.fileno()))
    try:
        job.require_size()
        job.fetch(info.size if info.size <= _AT_ONCE else WINDOW)
    except BaseException:
        job.close()
        raise
    return job


def fill(job: Job) -> None:
    """Fetch the rest of an object that goes on; what fails then ends it."""
    if job.error is None and isinstance(job, FetchedJob):
        try:
            job.fill()
        except (DicomError, OSError) as error:
            job.error = error
