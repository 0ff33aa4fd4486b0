"""The exact boxes of lines, from the ink of a view where text is likely."""

from __future__ import annotations

from typing import Final, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from fastdeid.kernels import components as runs_of
from fastdeid.kernels.lines import group_lines

View = npt.NDArray[np.uint8]
Boxes = npt.NDArray[np.int32]
Cells = npt.NDArray[np.bool_]

# Strokes are thinner than this; capitals of 34 samples have strokes of 8.
_STROKE: Final = np.ones((13, 13), np.uint8)
# Ink is what differs from its surroundings by this share of what the text's strokes do.
_INK: Final = 0.4
_LEAST_CONTRAST: Final = 5
# The strokes of a line cover a tenth to a third of its place.
_STRONG: Final = 92
_HIGHEST: Final = 48
# Neighbours on a line stand at most their height apart; words a little more.
_REACH: Final = 120
# A line is made longer by so many letters to each side where the net was in doubt.
_MOST_LETTERS: Final = 8
_NO_BOXES: Final = np.empty((0, 4), np.int32)
_NO_LETTERS: Final = np.empty((0, 5), np.int32)


def find_ink(mask: View, grey: View) -> npt.NDArray[np.int64]:
    """Return the components of a mask, one row each (kernels/components.py)."""
    most = mask.shape[0] * (mask.shape[1] // 2 + 1)
    runs = np.empty((most, runs_of.N_RUN_COLUMNS), np.int32)
    found = np.empty((most, runs_of.N_COLUMNS), np.int64)
    n_found = runs_of.find_components(mask, grey, runs, found)
    return found[:n_found]


def _letters(ink: View, view: View) -> tuple[Boxes, float]:
    """Return the boxes of what may be letters or parts of them, by LEFT, with their mean grey.

    Also which share of the ink hangs together in the largest component.
    """
    found = find_ink(ink, view)
    height = found[:, runs_of.BOTTOM] - found[:, runs_of.TOP]
    width = found[:, runs_of.RIGHT] - found[:, runs_of.LEFT]
    fits = (height <= _HIGHEST) & (width <= 3 * _HIGHEST) & (found[:, runs_of.AREA] >= 2)
    kept = found[fits]
    grey = kept[:, runs_of.SUM] // kept[:, runs_of.AREA]
    columns = (kept[:, runs_of.TOP], kept[:, runs_of.LEFT], kept[:, runs_of.BOTTOM])
    boxes = np.stack((*columns, kept[:, runs_of.RIGHT], grey), 1).astype(np.int32)
    area = found[:, runs_of.AREA]
    together = float(area.max(initial=0) / max(area.sum(), 1))
    return boxes[np.argsort(boxes[:, 1], kind="stable")], together


def _likely(boxes: Boxes, likely: Cells, cell: int) -> npt.NDArray[np.bool_]:
    """Tell which boxes lie at least half on cells where text is likely."""
    counts = np.zeros((likely.shape[0] + 1, likely.shape[1] + 1), np.int64)
    np.cumsum(np.cumsum(likely, 0), 1, out=counts[1:, 1:])
    top, left = boxes[:, 0] // cell, boxes[:, 1] // cell
    bottom = np.minimum(-(-boxes[:, 2] // cell), likely.shape[0])
    right = np.minimum(-(-boxes[:, 3] // cell), likely.shape[1])
    inside = counts[bottom, right] - counts[top, right] - counts[bottom, left] + counts[top, left]
    share: npt.NDArray[np.bool_] = 2 * inside >= (bottom - top) * (right - left)
    return share


def _hulls(letters: Boxes, tolerance: int) -> Boxes:
    """Return the hull of each line of letters, with the mean grey of its first."""
    labels = np.empty(len(letters), np.int32)
    n_lines = group_lines(letters, _REACH, tolerance, labels)
    hulls = np.zeros((n_lines, 5), np.int32)
    hulls[labels[::-1]] = letters[::-1]
    np.minimum.at(hulls[:, 0], labels, letters[:, 0])
    np.minimum.at(hulls[:, 1], labels, letters[:, 1])
    np.maximum.at(hulls[:, 2], labels, letters[:, 2])
    np.maximum.at(hulls[:, 3], labels, letters[:, 3])
    return hulls


def _extended(hulls: Boxes, others: Boxes, tolerance: int) -> Boxes:
    """Return the hulls with the letter before and the one behind, where they have the same grey."""
    height = (hulls[:, 2] - hulls[:, 0])[:, None]
    within = np.minimum(hulls[:, 2, None], others[:, 2]) - np.maximum(
        hulls[:, 0, None], others[:, 0]
    )
    own = others[:, 2] - others[:, 0]
    gap = np.maximum(hulls[:, 1, None] - others[:, 3], others[:, 1] - hulls[:, 3, None])
    fits = (4 * within >= 3 * own) & (4 * own <= 5 * height) & (4 * gap <= 3 * height)
    fits &= np.abs(hulls[:, 4, None] - others[:, 4]) <= tolerance
    grown = hulls.copy()
    for number, letter in np.argwhere(fits).tolist():
        grown[number, :2] = np.minimum(grown[number, :2], others[letter, :2])
        grown[number, 2:4] = np.maximum(grown[number, 2:4], others[letter, 2:4])
    return grown


class _Ink(NamedTuple):
    """What may be letters in light (sign 1) or dark ink (-1), and how much speaks for it.

    chosen: which letters lie on likely places. hull: around those, top, left, bottom, right.
    """

    sign: int
    score: float
    contrast: float
    letters: Boxes
    chosen: npt.NDArray[np.bool_]
    hull: npt.NDArray[np.int64]


def _ink(view: View, where: Cells, likely: Cells, cell: int, sign: int) -> _Ink:
    """Find the letters of one ink in a piece of a view."""
    shape = cv2.MORPH_TOPHAT if sign > 0 else cv2.MORPH_BLACKHAT
    stroke = cv2.morphologyEx(view, shape, _STROKE)
    contrast = float(np.percentile(stroke[where], _STRONG))
    if contrast < _LEAST_CONTRAST:
        return _Ink(sign, 0.0, 0.0, _NO_LETTERS, np.zeros(0, np.bool_), np.zeros(4, np.int64))
    mask = stroke >= _INK * contrast
    letters, together = _letters(mask.view(np.uint8), view)
    chosen = _likely(letters, likely, cell)
    hull = np.zeros(4, np.int64)
    if chosen.any():
        hull[:2], hull[2:] = letters[chosen, :2].min(0), letters[chosen, 2:4].max(0)
    inside = np.count_nonzero(mask & where) / np.count_nonzero(mask)
    score = contrast * inside * (1.2 - together) * bool(chosen.any())
    return _Ink(sign, score, contrast, letters, chosen, hull)


def line_boxes(view: View, likely: Cells, cell: int) -> tuple[Boxes, int]:
    """Return the boxes of the lines of text in a piece of a view, shape (n, 4), and their ink.

    likely: shape (ceil(rows / cell), ceil(columns / cell)), where the net saw text. Light (1) and
    dark ink (-1) are both tried; the one that is stronger and stays within the likely places
    counts. 0: there is no ink.
    """
    size = (likely.shape[1] * cell, likely.shape[0] * cell)
    where = cv2.resize(likely.view(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    where = where[: view.shape[0], : view.shape[1]].astype(bool)
    found = [_ink(view, where, likely, cell, sign) for sign in (1, -1)]
    light, dark = found
    if light.score and dark.score:
        # Between white letters is dark ink as well, but the outermost strokes are white.
        outside = int(np.sum(np.sign((light.hull - dark.hull) * np.array([-1, -1, 1, 1]))))
        best = light if light.score * 1.5**outside >= dark.score else dark
    else:
        best = max(found, key=lambda one: one.score)
    if not best.chosen.any():
        return _NO_BOXES, best.sign
    tolerance = max(12, int(0.6 * best.contrast))
    hulls = _hulls(best.letters[best.chosen], tolerance)
    hulls = hulls[_likely(hulls, likely, cell)]
    others = best.letters[~best.chosen]
    for _ in range(_MOST_LETTERS):
        grown = _extended(hulls, others, tolerance)
        if np.array_equal(grown, hulls):
            break
        hulls = grown
    return hulls[:, :4], best.sign
