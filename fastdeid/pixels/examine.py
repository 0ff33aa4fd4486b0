"""Examine the frames of one instance for burnt-in text, one frame in memory at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from fastdeid.kernels.projections import extend_projections, find_changed_tiles
from fastdeid.pixels.ink import ink_of, stands_still
from fastdeid.pixels.judgement import Judgement
from fastdeid.pixels.likelihood import TILE
from fastdeid.pixels.masks import Box
from fastdeid.pixels.text import DEFAULT, Thresholds, find_text
from fastdeid.pixels.text_lines import TextLine, merged
from fastdeid.pixels.views import colour_view, grey_view, window_of

View = npt.NDArray[np.uint8]
Samples = npt.NDArray[Any]

# Less than the faintest text that matters, 5 % of the window; more than what coding changes.
_SAME: Final = 6
# A text line reaches over tiles that did not change.
_AROUND: Final = np.ones((5, 5), np.uint8)
# So many frames, or frames of so many samples, are in memory at a time.
_MOST_TOGETHER: Final = 16
_TOGETHER: Final = 1 << 24
# Of clean frames that are hit the best score is below _SURE, nearly always; of frames with text it
# is above. A single line below _DOUBTFUL is unsure whatever stands beside it.
_SURE: Final = 0.88
_DOUBTFUL: Final = 0.82
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

    def __init__(self, thresholds: Thresholds) -> None:
        self._thresholds = thresholds
        self._seen: View | None = None
        self._shown: View | None = None
        self._flags = np.empty((0, 0), np.uint8)
        self.lines: list[TextLine] = []

    def show(self, view: View) -> list[TextLine]:
        """Return the lines of the next frame."""
        if view is self._shown:
            return self.lines
        self._shown = view
        if self._seen is None:
            self._seen = view.copy()
            self._flags = np.empty([-(-size // TILE) for size in view.shape], np.uint8)
            self.lines = find_text(view, self._thresholds)
            return self.lines
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
    return Judgement.REVIEW if any(map(_is_unsure, texts)) else Judgement.MASKED


def _is_unsure(texts: Sequence[FrameMask]) -> bool:
    """Tell whether the lines of a frame may be no text: one of them, or all together."""
    scores = [mask.score for mask in texts]
    return bool(scores) and (min(scores) < _DOUBTFUL or max(scores) < _SURE)


class _SingleFrames:
    """The masks of single frames; frames with the same lines share them."""

    def __init__(self, rules: Sequence[FrameMask]) -> None:
        self._rules = rules
        self._lines: tuple[list[TextLine], list[TextLine]] | None = None
        self._masks: Masks = ()
        self.found: dict[int, Masks] = {}

    def add(self, number: int, lines: list[TextLine], common: list[TextLine]) -> None:
        """Note the lines of a frame, and those that it has in common with those beside it."""
        if self._lines is None or lines is not self._lines[0] or common is not self._lines[1]:
            self._lines = lines, common
            self._masks = _masks(merged([*common, *lines]), self._rules)
        if self._masks:
            self.found[number] = self._masks

    def beyond(self, every: Masks) -> dict[int, Masks]:
        """Return the masks that lie not inside those of every frame."""
        left = {masks: _beyond(masks, every) for masks in set(self.found.values())}
        return {number: left[masks] for number, masks in self.found.items() if left[masks]}


class _Projections:
    """The least and the largest samples over frames, and the text in them."""

    def __init__(self) -> None:
        self._least: View | None = None
        self._largest: View | None = None
        self._last: View | None = None

    def add(self, view: View) -> None:
        """Extend both to one more view."""
        if self._least is None or self._largest is None:
            self._least, self._largest = view.copy(), view.copy()
        elif view is not self._last:
            extend_projections(view.reshape(-1), self._least.reshape(-1), self._largest.reshape(-1))
        self._last = view

    def differ(self) -> bool:
        """Tell whether anything has changed that matters."""
        if self._least is None or self._largest is None:
            return False
        return bool((cv2.subtract(self._largest, self._least) > _SAME).any())

    def lines(self, thresholds: Thresholds) -> list[TextLine]:
        """Return the text that all views have; what moves behind it has vanished.

        Bright ink in the least samples, and dark ink in the largest, stands in every frame.
        """
        if self._least is None or self._largest is None:
            return []
        bright = find_text(self._least, thresholds)
        dark = find_text(self._largest, thresholds)
        lines = [line for line in bright if ink_of(self._least, line) >= 0]
        return merged(lines + [line for line in dark if ink_of(self._largest, line) <= 0])

    def still(self, lines: Iterable[TextLine], known: Sequence[TextLine]) -> list[TextLine]:
        """Return those of the lines, found in any view, that all views have; not what is known."""
        if self._least is None or self._largest is None:
            return []
        least, largest = self._least, self._largest
        covered = np.zeros(least.shape, np.uint8)
        for line in known:
            covered[line.top : line.bottom, line.left : line.right] = 1
        still = []
        for line in sorted(set(lines)):
            if covered[line.top : line.bottom, line.left : line.right].all():
                continue
            is_light = ink_of(least, line) >= 0 and stands_still(least, largest, line, 1, covered)
            if is_light or (
                ink_of(largest, line) <= 0 and stands_still(least, largest, line, -1, covered)
            ):
                still.append(line)
        return still


class _Views:
    """Reads frames as views; a frame with the samples of the one before is the same view."""

    def __init__(self, read: Callable[[int], Samples], n_frames: int) -> None:
        self._read = read
        self._window = _window(read, n_frames)
        self._samples: Samples | None = None
        self._view: View | None = None

    def __call__(self, number: int) -> View:
        samples = self._read(number)
        if self._view is None or self._samples is None or not _same(samples, self._samples):
            self._view = _view(samples, self._window)
        self._samples = samples
        return self._view


def _same(one: Samples, other: Samples) -> bool:
    """Compare a sixteenth of the rows before all of them: frames that move differ there."""
    return np.array_equal(one[::16], other[::16]) and np.array_equal(one, other)


def examine_frames(
    read: Callable[[int], Samples],
    n_frames: int,
    *,
    thresholds: Thresholds = DEFAULT,
    rules: Sequence[FrameMask] = (),
) -> Examination:
    """Find text in every frame, and in what frames have in common.

    read: returns frame i, from 0: stored values (rows, columns), or RGB of 8 bits (rows, columns,
    3); called once per frame in order, and before that for the first, middle and last one. rules:
    masks of every frame that are known without looking. A few frames are in memory at a time: what
    they share is sought in their projections, and what is new in each of them; a line of one whose
    strokes all of them have is in all of them. At last what all frames share is sought.
    """
    views = _Views(read, n_frames)
    frames, single, overall = _Frames(thresholds), _SingleFrames(rules), _Projections()
    common: list[TextLine] = []
    shared: set[TextLine] = set()
    first = views(0)
    n_together = min(max(_TOGETHER // first.size, 1), _MOST_TOGETHER)
    for start in range(0, n_frames, n_together):
        numbers = range(start, min(start + n_together, n_frames))
        together = [views(number) if number else first for number in numbers]
        projections = _Projections()
        for view in together:
            projections.add(view)
            overall.add(view)
        differ = projections.differ()
        common = projections.lines(thresholds) if differ else []
        lines = [frames.show(view) for view in together]
        if differ:
            still = projections.still((line for own in lines for line in own), common)
            common = merged([*common, *still])
            shared.update(still)
        else:
            shared.update(lines[0])
        for number, own in zip(numbers, lines, strict=True):
            single.add(number, own, common)
    if not overall.differ():
        every = single.found.get(0, ())
    elif n_together >= n_frames:
        every = _masks(common, rules)
    else:
        whole = overall.lines(thresholds)
        every = _masks(merged([*whole, *overall.still(shared, whole)]), rules)
    every = (*rules, *every)
    return examination_of(every, single.beyond(every), first.shape)


def examination_of(every: Masks, single: dict[int, Masks], shape: tuple[int, ...]) -> Examination:
    """Return the examination that has come to these masks; shape: rows and columns."""
    return Examination(_judge(every, single, shape), every, single)
