"""Examine the frames of one instance for burnt-in text, one frame in memory at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any, Final, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from fastdeid.kernels.projections import extend_projections, find_changed_tiles
from fastdeid.pixels.masks import Box
from fastdeid.pixels.text import DEFAULT, TILE, TextLine, Thresholds, find_text
from fastdeid.pixels.views import colour_view, grey_view, window_of

View = npt.NDArray[np.uint8]
Samples = npt.NDArray[Any]

# Less than the faintest text that matters, 5 % of the window; more than what coding changes.
_SAME: Final = 6
# A text line reaches over tiles that did not change.
_AROUND: Final = np.ones((5, 5), np.uint8)
_SURE: Final = 0.6
_MOST_AREA: Final = 0.25


class Judgement(StrEnum):
    """What an examination comes to."""

    CLEAN = "clean"
    MASKED = "masked"
    REVIEW = "review"
    TOO_MUCH = "too_much"


class FrameMask(NamedTuple):
    """One masked box of a frame: where, why ("text", or the name of a rule), and how sure."""

    box: Box
    reason: str
    score: float


class Examination(NamedTuple):
    """What every frame needs: masks of all frames, and of single ones by their number."""

    judgement: Judgement
    every_frame: tuple[FrameMask, ...]
    single_frames: dict[int, tuple[FrameMask, ...]]

    def masks_of(self, frame: int) -> tuple[FrameMask, ...]:
        """Return the masks of one frame, from 0."""
        return (*self.every_frame, *self.single_frames.get(frame, ()))


def _view(samples: Samples, window: tuple[float, float] | None) -> View:
    return colour_view(samples) if samples.ndim == 3 else grey_view(samples, window)


def _window(read: Callable[[int], Samples], n_frames: int) -> tuple[float, float] | None:
    """Return the window of the first, the middle and the last frame together; None for colour."""
    chosen = [read(number) for number in sorted({0, n_frames // 2, n_frames - 1})]
    if chosen[0].ndim == 3:
        return None
    windows = [window_of(samples) for samples in chosen]
    return min(low for low, _ in windows), max(high for _, high in windows)


def _tiles_of(line: TextLine) -> tuple[slice, slice]:
    rows = slice(line.top // TILE, -(-line.bottom // TILE))
    return rows, slice(line.left // TILE, -(-line.right // TILE))


class _Frames:
    """The lines of the frame shown last; only what has changed since is looked at again."""

    def __init__(self, view: View, thresholds: Thresholds) -> None:
        self._thresholds = thresholds
        self._seen = view.copy()
        self._flags = np.empty([-(-size // TILE) for size in view.shape], np.uint8)
        self.lines = find_text(view, thresholds)

    def show(self, view: View) -> list[TextLine]:
        """Return the lines of the next frame."""
        if not find_changed_tiles(view, self._seen, TILE, _SAME, self._flags):
            return self.lines
        touched = [line for line in self.lines if self._flags[_tiles_of(line)].any()]
        again = self._flags.copy()
        for line in touched:
            again[_tiles_of(line)] = 1
        kept = [line for line in self.lines if line not in touched]
        where = cv2.dilate(again, _AROUND).astype(np.bool_)
        self.lines = kept + find_text(view, self._thresholds, where)
        changed = np.repeat(np.repeat(self._flags, TILE, 0), TILE, 1)
        changed = changed[: view.shape[0], : view.shape[1]].astype(np.bool_)
        self._seen[changed] = view[changed]
        return self.lines


def _masks(lines: Sequence[TextLine]) -> tuple[FrameMask, ...]:
    return tuple(
        FrameMask(Box(line.top, line.left, line.bottom, line.right), "text", round(line.score, 3))
        for line in dict.fromkeys(lines)
    )


def _area(masks: Sequence[FrameMask], rows: int, columns: int) -> float:
    covered = np.zeros((rows, columns), np.bool_)
    for mask in masks:
        covered[mask.box.top : mask.box.bottom, mask.box.left : mask.box.right] = True
    return float(covered.mean())


def _judge(
    every: tuple[FrameMask, ...], single: dict[int, tuple[FrameMask, ...]], shape: tuple[int, ...]
) -> Judgement:
    found = [mask for masks in (every, *single.values()) for mask in masks if mask.reason == "text"]
    if not every and not single:
        return Judgement.CLEAN
    groups = [(*every, *masks) for masks in single.values()] or [every]
    texts = [[mask for mask in masks if mask.reason == "text"] for masks in groups]
    if max(_area(masks, *shape[:2]) for masks in texts) > _MOST_AREA:
        return Judgement.TOO_MUCH
    return Judgement.REVIEW if any(mask.score < _SURE for mask in found) else Judgement.MASKED


def examine_frames(
    read: Callable[[int], Samples],
    n_frames: int,
    *,
    thresholds: Thresholds = DEFAULT,
    rules: Sequence[FrameMask] = (),
) -> Examination:
    """Find text in every frame, and in what all frames have in common.

    read: returns frame i, from 0: stored values (rows, columns), or RGB of 8 bits (rows, columns,
    3); called once per frame in order, and before that for the first, middle and last one. rules:
    masks of every frame that are known without looking. Text that stays is sought in the least and
    largest samples over the frames, where what moves behind it has vanished.
    """
    window = _window(read, n_frames)
    first = _view(read(0), window)
    least, largest = first.copy(), first.copy()
    frames = _Frames(first, thresholds)
    lines_of = {0: frames.lines}
    for number in range(1, n_frames):
        view = _view(read(number), window)
        extend_projections(view.reshape(-1), least.reshape(-1), largest.reshape(-1))
        lines_of[number] = frames.show(view)
    every = _masks(lines_of.pop(0)) if n_frames == 1 else ()
    if n_frames > 1 and np.array_equal(least, largest):
        every, lines_of = _masks(lines_of[0]), {}
    elif n_frames > 1:
        # Bright ink in the least samples, and dark ink in the largest, stands in every frame.
        bright = [line for line in find_text(least, thresholds) if line.ink >= 0]
        every = _masks(bright + [line for line in find_text(largest, thresholds) if line.ink <= 0])
    single = {number: _masks(lines) for number, lines in lines_of.items() if lines}
    every = (*rules, *every)
    return Examination(_judge(every, single, first.shape), every, single)
