"""Which boxes are filled in which frames: asked while frames are written, and told at the end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from fastdeid.pixels.examine import Examination, FrameMask, Masks
from fastdeid.pixels.masked_box import MaskedBox
from fastdeid.pixels.masks import Box
from fastdeid.pixels.source import FrameSource


class BoxesOf:
    """The boxes to fill in a frame."""

    def __init__(self, found: Examination) -> None:
        self._every = [mask.box for mask in found.every_frame]
        self._single = found.single_frames

    def __call__(self, frame: int) -> list[Box]:
        """Return them; frame: from 0."""
        single = self._single.get(frame)
        return self._every + [mask.box for mask in single] if single else self._every


class _Record:
    """The boxes that are filled, frames in a row as one."""

    def __init__(self, source: FrameSource) -> None:
        self._source = source
        self._started: dict[FrameMask, tuple[int, Sequence[Box]]] = {}
        self.boxes: list[MaskedBox] = []

    def start(self, masks: Masks, frame: int) -> None:
        """Note masks that begin in a frame, and have not begun before."""
        for mask in masks:
            if mask not in self._started:
                self._started[mask] = frame, self._source.grown(frame, [mask.box])

    @property
    def pending(self) -> tuple[FrameMask, ...]:
        """The masks that have not ended yet."""
        return tuple(self._started)

    def end(self, masks: Iterable[FrameMask], behind: int) -> None:
        """Note masks that end before a frame."""
        for mask in masks:
            first, grown = self._started.pop(mask)
            self.boxes += [
                MaskedBox(first + 1, behind, *box, mask.reason, mask.score) for box in grown
            ]


def boxes_of(found: Examination, source: FrameSource) -> tuple[tuple[MaskedBox, ...], int]:
    """Return what is masked, in the order of the frames, and how many frames have masks."""
    every = _Record(source)
    every.start(found.every_frame, 0)
    every.end(every.pending, source.n_frames)
    single, before = _Record(source), -1
    for frame in sorted(found.single_frames):
        masks = found.single_frames[frame]
        goes_on = set(masks) if frame == before + 1 else set()
        single.end([mask for mask in single.pending if mask not in goes_on], before + 1)
        single.start(masks, frame)
        before = frame
    single.end(single.pending, before + 1)
    boxes = sorted([*every.boxes, *single.boxes], key=msgspec.structs.astuple)
    n_masked = source.n_frames if found.every_frame else len(found.single_frames)
    return tuple(boxes), n_masked
