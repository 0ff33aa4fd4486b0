"""Examine the frames of one instance for burnt-in text, one frame in memory at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from fastdeid.kernels.projections import extend_projections, find_changed_tiles
from fastdeid.pixels.judgement import Judgement
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
TEXT: Final = "text"
_MOST_AREA: Final = 0.25


class FrameMask(NamedTuple):
    """One masked box of a frame: where, why ("text", or the name of a rule), and how sure."""

    box: Box
    reason: str
    score: float


Masks = tuple[FrameMask, ...]


class Examination(NamedTuple):
    """What every frame needs: masks of all frames, and of single ones by their number."""

    judgement: Judgement
    every_frame: Masks
    single_frames: dict[int, Masks]

    def masks_of(self, frame: int) -> Masks:
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


def _masks(lines: Sequence[TextLine], known: Sequence[FrameMask] = ()) -> Masks:
    """Return the masks of lines that are not inside a box that is masked already."""
    masks = tuple(
        FrameMask(Box(line.top, line.left, line.bottom, line.right), TEXT, round(line.score, 3))
        for line in dict.fromkeys(lines)
    )
    return _beyond(masks, known) if known else masks


def _beyond(masks: Masks, known: Sequence[FrameMask]) -> Masks:
    return tuple(mask for mask in masks if not any(_holds(one.box, mask.box) for one in known))


def _holds(outer: Box, inner: Box) -> bool:
    return (
        outer.top <= inner.top
        and outer.left <= inner.left
        and outer.bottom >= inner.bottom
        and outer.right >= inner.right
    )


def _area(masks: Sequence[FrameMask], rows: int, columns: int) -> float:
    covered = np.zeros((rows, columns), np.bool_)
    for mask in masks:
        covered[mask.box.top : mask.box.bottom, mask.box.left : mask.box.right] = True
    return float(covered.mean())


def _judge(every: Masks, single: dict[int, Masks], shape: tuple[int, ...]) -> Judgement:
    if not every and not single:
        return Judgement.CLEAN
    groups = [(*every, *masks) for masks in set(single.values())] or [every]
    texts = [[mask for mask in masks if mask.reason == TEXT] for masks in groups]
    if max(_area(masks, *shape[:2]) for masks in texts) > _MOST_AREA:
        return Judgement.TOO_MUCH
    unsure = any(mask.score < _SURE for masks in texts for mask in masks)
    return Judgement.REVIEW if unsure else Judgement.MASKED


class _SingleFrames:
    """The masks of single frames; frames with the same lines share them."""

    def __init__(self, rules: Sequence[FrameMask]) -> None:
        self._rules = rules
        self._lines: list[TextLine] = []
        self._masks: Masks = ()
        self.found: dict[int, Masks] = {}

    def add(self, number: int, lines: list[TextLine]) -> None:
        """Note the lines of a frame."""
        if lines is not self._lines:
            self._lines, self._masks = lines, _masks(lines, self._rules)
        if self._masks:
            self.found[number] = self._masks

    def beyond(self, every: Masks) -> dict[int, Masks]:
        """Return the masks that lie not inside those of every frame."""
        left = {masks: _beyond(masks, every) for masks in set(self.found.values())}
        return {number: left[masks] for number, masks in self.found.items() if left[masks]}


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
    single = _SingleFrames(rules)
    single.add(0, frames.lines)
    for number in range(1, n_frames):
        view = _view(read(number), window)
        extend_projections(view.reshape(-1), least.reshape(-1), largest.reshape(-1))
        single.add(number, frames.show(view))
    if np.array_equal(least, largest):
        every = single.found.get(0, ())
    else:
        # Bright ink in the least samples, and dark ink in the largest, stands in every frame.
        lines = [line for line in find_text(least, thresholds) if line.ink >= 0]
        lines += [line for line in find_text(largest, thresholds) if line.ink <= 0]
        every = _masks(lines, rules)
    every = (*rules, *every)
    return examination_of(every, single.beyond(every), first.shape)


def examination_of(every: Masks, single: dict[int, Masks], shape: tuple[int, ...]) -> Examination:
    """Return the examination that has come to these masks; shape: rows and columns."""
    return Examination(_judge(every, single, shape), every, single)
