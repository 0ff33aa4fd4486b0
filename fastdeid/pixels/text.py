"""Find burnt-in text in an 8-bit view."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from fastdeid.kernels import components as runs_of
from fastdeid.pixels.ink import find_ink, line_boxes
from fastdeid.pixels.likelihood import TILE, likelihood_map
from fastdeid.pixels.net import CELL

View = npt.NDArray[np.uint8]
Boxes = npt.NDArray[np.int32]
Likelihood = npt.NDArray[np.float32]
Cells = npt.NDArray[np.bool_]
Tiles = npt.NDArray[np.bool_]


class Thresholds(NamedTuple):
    """What counts as text: a place above `seed`, grown over cells above `grow`."""

    seed: float = 0.9
    grow: float = 0.3
    n_seeds: int = 3


DEFAULT: Final = Thresholds()


class TextLine(NamedTuple):
    """A box with text, end exclusive, and the mean likelihood of its place.

    ink: 1 when it is brighter than its surroundings, -1 when darker, 0 when that is not known.
    """

    top: int
    left: int
    bottom: int
    right: int
    score: float
    ink: int = 0


_LEAST_SIDE: Final = 48
_LARGEST_SCALE: Final = 4
# Boxes are joined when the box around both is larger than what they cover by no more than this.
_SLACK: Final = 1.15
# Lines thinner than this, padding included, are a texture to the net.
_LEGIBLE: Final = 14
# Cells around a region in which its ink may lie; runs whose ends differ by so many cells are alike.
_MARGIN: Final = 6
_BESIDE: Final = 20
_LIKE: Final = 1


def _accepted(likelihood: Likelihood, thresholds: Thresholds) -> list[tuple[Boxes, float]]:
    """Return the box in cells, and the mean likelihood, of each place that is text."""
    likely = (likelihood >= thresholds.grow).view(np.uint8)
    seeds = find_ink(likely, (likelihood >= thresholds.seed).view(np.uint8))
    levels = find_ink(likely, (likelihood * 255).astype(np.uint8))
    accepted = seeds[:, runs_of.SUM] >= thresholds.n_seeds
    scores = levels[:, runs_of.SUM] / (255 * levels[:, runs_of.AREA])
    return [
        (one[:4].astype(np.int32), float(score))
        for one, score in zip(seeds[accepted], scores[accepted], strict=True)
    ]


def _cell_boxes(cells: Cells) -> Boxes:
    """Return boxes, in cells, that cover the cells: runs of a row, joined with like ones below."""
    finished: list[list[int]] = []
    growing: list[list[int]] = []
    for row in range(cells.shape[0]):
        edges = np.flatnonzero(np.diff(cells[row].astype(np.int8), prepend=0, append=0))
        below = []
        for first, last in edges.reshape(-1, 2).tolist():
            like = [b for b in growing if abs(b[1] - first) <= _LIKE and abs(b[3] - last) <= _LIKE]
            top, left, _, right = like[0] if like else (row, first, row, last)
            if like:
                growing.remove(like[0])
            below.append([top, min(left, first), row + 1, max(right, last)])
        finished += growing
        growing = below
    return np.array(finished + growing, np.int32).reshape(-1, 4)


def _lines_of(
    view: View, likelihood: Likelihood, region: Boxes, thresholds: Thresholds
) -> tuple[Boxes, int]:
    """Return the boxes of one region: its cells, and the lines of its ink; and which ink it is."""
    top, left = max(int(region[0]) - _MARGIN, 0), max(int(region[1]) - _BESIDE, 0)
    bottom = min(int(region[2]) + _MARGIN, likelihood.shape[0])
    right = min(int(region[3]) + _BESIDE, likelihood.shape[1])
    cells = likelihood[top:bottom, left:right] >= thresholds.grow
    piece = view[top * CELL : bottom * CELL, left * CELL : right * CELL]
    inked, ink = line_boxes(np.ascontiguousarray(piece), cells, CELL)
    inside = np.zeros(cells.shape, np.bool_)
    rows, columns = (
        slice(region[0] - top, region[2] - top),
        slice(region[1] - left, region[3] - left),
    )
    inside[rows, columns] = cells[rows, columns]
    boxes: Boxes = np.concatenate([_cell_boxes(inside) * CELL, inked])
    boxes += np.array([top, left, top, left], np.int32) * CELL
    return boxes, ink


def _padded(boxes: Boxes, shape: tuple[int, ...]) -> Boxes:
    """Return the boxes grown by a sixth of their lesser side, at least three samples."""
    lesser = np.minimum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1])
    pad = np.maximum(3, lesser // 6)
    grown = boxes + np.stack([-pad, -pad, pad, pad], 1)
    limits = np.array([*shape, *shape])
    clipped: Boxes = np.clip(grown, 0, limits).astype(np.int32)
    return clipped


def _scaled_lines(
    view: View, likelihood: Likelihood, thresholds: Thresholds, scale: int
) -> list[TextLine]:
    """Return the lines of a view that was made smaller by `scale`, in samples of the whole."""
    lines = []
    for region, score in _accepted(likelihood, thresholds):
        found, ink = _lines_of(view, likelihood, region, thresholds)
        for top, left, bottom, right in (_padded(found, view.shape) * scale).tolist():
            lines.append(TextLine(top, left, bottom, right, score, ink))
    return lines


def _forget(likelihood: Likelihood, lines: list[TextLine], scale: int) -> None:
    """Set the likelihood to 0 in and beside lines that are small at this scale, in place.

    A block of them is a texture here, and looks like one large text.
    """
    side = CELL * scale
    for line in lines:
        thick = min(line.bottom - line.top, line.right - line.left)
        if thick > _LEGIBLE * scale:
            continue
        top, left = max(line.top - thick, 0) // side, max(line.left - thick, 0) // side
        bottom, right = (line.bottom + thick) // side + 1, (line.right + thick) // side + 1
        likelihood[top:bottom, left:right] = 0


def _halved(where: Tiles) -> Tiles:
    """Return the tiles of the view of half the size: those with any of their four parts."""
    rows, columns = (size + size % 2 for size in where.shape)
    even = np.zeros((rows, columns), np.bool_)
    even[: where.shape[0], : where.shape[1]] = where
    parts: Tiles = np.asarray(even.reshape(rows // 2, 2, columns // 2, 2).any((1, 3)))
    return parts


def merged(lines: Sequence[TextLine]) -> list[TextLine]:
    """Return the lines with those joined that tell of the same place: one box for both.

    The larger score counts; the ink is not known where they differ.
    """
    boxes = np.array([line[:4] for line in lines], np.int64).reshape(-1, 4)
    found = list(lines)
    remain = np.ones(len(found), np.bool_)
    for number in range(len(found)):
        while remain[number]:
            own = boxes[number]
            least, most = np.minimum(boxes[:, :2], own[:2]), np.maximum(boxes[:, 2:], own[2:])
            shared = np.minimum(boxes[:, 2:], own[2:]) - np.maximum(boxes[:, :2], own[:2])
            both = shared.clip(0).prod(1)
            areas = (boxes[:, 2:] - boxes[:, :2]).prod(1)
            alike = (most - least).prod(1) <= _SLACK * (areas + areas[number] - both)
            alike &= remain & (both > 0)
            alike[number] = False
            if not alike.any():
                break
            other = int(alike.argmax())
            remain[other] = False
            one, two = found[number], found[other]
            boxes[number] = (*least[other], *most[other])
            ink = one.ink if one.ink == two.ink else 0
            top, left, bottom, right = boxes[number].tolist()
            found[number] = TextLine(top, left, bottom, right, max(one.score, two.score), ink)
    return [line for line, stays in zip(found, remain.tolist(), strict=True) if stays]


def find_text(
    view: View,
    thresholds: Thresholds = DEFAULT,
    where: Tiles | None = None,
) -> list[TextLine]:
    """Return the lines of text in a view, shape (rows, columns), at the scales 1, 1/2 and 1/4.

    where: the tiles of TILE x TILE samples to look at, by default all.
    """
    lines: list[TextLine] = []
    scaled, scale = view, 1
    while scale == 1 or (min(scaled.shape) >= _LEAST_SIDE and scale <= _LARGEST_SCALE):
        likelihood = likelihood_map(scaled, where)
        if likelihood is not None:
            _forget(likelihood, lines, scale)
            lines += _scaled_lines(scaled, likelihood, thresholds, scale)
        half = (max(scaled.shape[1] // 2, 1), max(scaled.shape[0] // 2, 1))
        scaled = cv2.resize(scaled, half, interpolation=cv2.INTER_AREA)
        scale *= 2
        if where is not None:
            where = _halved(where)[: -(-half[1] // TILE), : -(-half[0] // TILE)]
    return merged(lines)
