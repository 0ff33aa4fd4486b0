"""Pixel data of the files of a batch: taken through the stages that are on."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from fastdeid.available import require_reader
from fastdeid.dicom.loaded import Loaded
from fastdeid.errors import DicomError
from fastdeid.headers import identity_of
from fastdeid.jobs import Job
from fastdeid.kernels.elements import FLAGS, FRAGMENTS, N_COLUMNS, OPERATION, PARENT, TAG
from fastdeid.overlays import ClearedRange, kept_positions
from fastdeid.pixels.modes import PixelMode
from fastdeid.settings import MASK, MASK_OUTSIDE, MEASUREMENTS, Pixels, Settings
from fastdeid.tags import PIXEL_DATA

if TYPE_CHECKING:
    from fastdeid.pixels.stage import Clearing, PixelStage, Treated

_KEPT: Final = 0
# Overlay Data (60xx,3000) of any overlay plane, PS3.3 section C.9.2.
_OVERLAY_DATA: Final = 0x60003000
_ANY_OVERLAY: Final = 0xFF00FFFF


class PixelJobs:
    """The pixel stages of one profile, as far as a mode lets them run.

    folder: for what waits to be written, None for the system's. Detector and codecs are loaded when
    the first file needs them. Raises ProfileError where lines are to be kept and nothing reads.
    """

    def __init__(self, settings: Settings, mode: PixelMode, folder: str | None) -> None:
        wanted = settings.pixels
        self._wanted = wanted
        self._folder = folder
        if mode is PixelMode.EXAMINE:
            require_reader(settings)
        self._has_text = mode is PixelMode.EXAMINE and wanted.text == MASK
        has_regions = bool(wanted.regions) or wanted.ultrasound_regions == MASK_OUTSIDE
        self.is_on = self._has_text or (mode is not PixelMode.OFF and has_regions)

    def treat(self, loaded: Loaded, jobs: Sequence[Job]) -> Iterator[Job]:
        """Treat the pixels of files; yield those whose attributes are to say so.

        What cannot be examined or masked ends with an error in the job. Raises OutputError when
        there is no room for masked frames.
        """
        for job in jobs:
            if job.error is not None:
                continue
            try:
                job.treated = self._treat(loaded, job)
            except (DicomError, OSError) as error:
                job.error = error
                continue
            if job.treated is not None:
                yield job

    @functools.cached_property
    def _stage(self) -> PixelStage:
        return load_stage(self._wanted, self._folder, text=self._has_text)

    def _treat(self, loaded: Loaded, job: Job) -> Treated | None:
        """Treat the samples of a file, and the overlay planes that stay."""
        treated = None
        if has_samples(loaded, job.found.pixels):
            # Its spool is closed with the job, whatever comes next.
            job.treated = treated = self._treat_samples(loaded, job)
        if not self._has_text:
            return treated
        rows = loaded.rows(job.number)
        for one in self._treat_beside(loaded, rows, job, treated):
            if treated is None:
                treated = one
                # No sample was examined: nothing is claimed of them.
                treated.examined = False
            else:
                treated.add(one)
        return treated

    def _treat_beside(
        self, loaded: Loaded, rows: slice, job: Job, treated: Treated | None
    ) -> Iterator[Treated]:
        """Treat what shows something beside the image. treated: what became of that."""
        found = loaded.table[rows, TAG]
        if (found & _ANY_OVERLAY == _OVERLAY_DATA).any():
            yield from self._treat_overlays(loaded, rows, job.fd)
        if (found == PIXEL_DATA).sum() > (job.found.pixels >= 0):
            yield from self._treat_icons(loaded, rows, job, treated)

    def _treat_icons(
        self, loaded: Loaded, rows: slice, job: Job, treated: Treated | None
    ) -> Iterator[Treated]:
        from fastdeid.pixels.icons import kept_icons
        from fastdeid.pixels.source import PixelValue

        size, boxes = ((0, 0), ()) if treated is None else (treated.size, treated.boxes)
        for icon in kept_icons(loaded, rows, size):
            value = PixelValue(loaded, icon.row, job.fd)
            yield self._stage.treat_icon(rows, icon, value, boxes)

    def _treat_overlays(self, loaded: Loaded, rows: slice, fd: int) -> Iterator[Treated]:
        from fastdeid.pixels.planes import kept_planes
        from fastdeid.pixels.source import PixelValue

        for plane in kept_planes(loaded, rows):
            try:
                yield self._stage.treat_overlay(plane, PixelValue(loaded, plane.row, fd))
            except DicomError as error:
                raise DicomError(error.reason, plane.tag) from None

    def _treat_samples(self, loaded: Loaded, job: Job) -> Treated | None:
        from fastdeid.pixels.source import PixelValue

        clearing = clearing_of(job)
        value = PixelValue(loaded, job.found.pixels, job.fd)
        rows, syntax = loaded.rows(job.number), loaded.syntaxes[job.number]
        known = functools.partial(identity_of, loaded, rows, job.fd)
        bits = kept_positions(loaded, rows)
        treated = self._stage.treat(rows, value, syntax, clearing, known=known, bits=bits)
        if treated is not None and treated.examined:
            treated.examined = not _shows_more(loaded, rows)
        return treated


def load_stage(wanted: Pixels, folder: str | None, *, text: bool) -> PixelStage:
    """Load detector, rules and reader. wanted: the profile's. folder: for what waits to be written.

    Raises OcrMissingError where lines are to be kept and nothing can read them.
    """
    import cv2

    from fastdeid.pixels.regions import rules_of
    from fastdeid.pixels.stage import PixelStage, Stages

    cv2.setNumThreads(1)  # processes own the cores
    stages = Stages(
        rules=rules_of(wanted.regions) if wanted.regions else None,
        ultrasound_regions=wanted.ultrasound_regions == MASK_OUTSIDE,
        text=text,
        keeps_measurements=text and wanted.keep == MEASUREMENTS,
    )
    return PixelStage(stages, folder)


def _shows_more(loaded: Loaded, rows: slice) -> bool:
    """Tell whether overlays or coded samples in items are kept: nobody has looked into these."""
    table = loaded.table[rows]
    is_overlay = table[:, TAG] & _ANY_OVERLAY == _OVERLAY_DATA
    is_coded = (table[:, TAG] == PIXEL_DATA) & (table[:, FLAGS] & FRAGMENTS != 0)
    is_shown = (is_overlay | is_coded) & (table[:, OPERATION] == _KEPT) & (table[:, PARENT] >= 0)
    return bool(is_shown.any())


def clearing_of(job: Job) -> Clearing | None:
    """Return how samples are cleared of overlays on their way, None where they are not."""
    if job.clearing is None:
        return None
    return job.clearing.clear, functools.partial(ClearedRange, job.clearing)


def has_samples(loaded: Loaded, pixels: int) -> bool:
    """Tell whether there is Pixel Data that is kept; Float Pixel Data passes untouched."""
    at = pixels * N_COLUMNS
    return (
        pixels >= 0
        and loaded.cells[at + TAG] == PIXEL_DATA
        and loaded.cells[at + OPERATION] == _KEPT
    )
