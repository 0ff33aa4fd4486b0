"""Find burnt-in text in an 8-bit view."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from fastdeid.kernels import components as kernel
from fastdeid.pixels.connected import connected
from fastdeid.pixels.likelihood import TILE, likelihood_map
from fastdeid.pixels.net import CELL
from fastdeid.pixels.text_lines import TextLine, joined, merged

View = npt.NDArray[np.uint8]
Boxes = npt.NDArray[np.int64]
Likelihood = npt.NDArray[np.float32]
Cells = npt.NDArray[np.bool_]
Mask = npt.NDArray[np.uint8]
Tiles = npt.NDArray[np.bool_]


class Thresholds(NamedTuple):
    """What counts as text: a place above `seed`, grown over cells above `grow`.

    Along its lines it also takes cells above `doubt`. `mean`: the least mean likelihood of those of
    its cells that are likely text; texture with some seeds has less.
    """

    seed: float = 0.95
    grow: float = 0.23
    doubt: float = 0.2
    n_seeds: int = 3
    mean: float = 0.8


DEFAULT: Final = Thresholds()

_LEAST_SIDE: Final = 48
_LARGEST_SCALE: Final = 4
# Views of so many samples or fewer are looked at in a copy of twice the size: boxes keep closer to
# small letters there. Above the lesser number only those that may hold text at their own size.
_SMALL: Final = 100_000
_TINY: Final = 30_000
_MAYBE: Final = 0.6
# So many cells around what finer scales found are theirs. What is left of a place is text when it
# has so many cells that are likely text.
_FRINGE: Final = 1
_LEFT: Final = 3
_LIKELY: Final = 0.5
# Runs of cells whose ends differ by so many are alike.
_LIKE: Final = 1
# The box around boxes of cells may hold so many times their cells.
_ROUGH: Final = 1.07
# A line is made longer by so many cells to each side where the net was in doubt.
_FURTHER: Final = 4
# Boxes of cells become larger by this share of their lesser side, and by so many samples at least;
# along a line by more, where it may go on. What is thicker holds several lines.
_PAD: Final = 1 / 6
_PAD_ALONG: Final = 0.4
_LEAST_PAD: Final = 3
_THICKEST: Final = 28


class _Place(NamedTuple):
    """A place with text: its cells, where they begin, and the mean likelihood of likely ones."""

    cells: Cells
    top: int
    left: int
    score: float


def _covered(shape: tuple[int, ...], lines: list[TextLine], side: int) -> Cells:
    """Flag the cells of so many samples that lines cover by half, and those beside them."""
    covered = np.zeros(shape, np.bool_)
    for line in lines:
        top, left = ((at + side // 2) // side - _FRINGE for at in line[:2])
        bottom, right = ((at + side // 2) // side + _FRINGE for at in line[2:4])
        covered[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)] = True
    return covered


def _left(cells: Mask, covered: Mask, likely: Mask) -> Mask:
    """Return what finer scales left of a place's cells where that is text of its own."""
    if not (cells & covered).any():
        return cells
    _, labels = cv2.connectedComponents(cells & ~covered, connectivity=8)
    counts = np.bincount(labels[likely > 0], minlength=int(labels.max()) + 1)
    own = counts >= _LEFT
    own[0] = False
    grown = cv2.dilate(own[labels].view(np.uint8), np.ones((3, 3), np.uint8))
    return np.asarray(grown & cells)


def _places(likelihood: Likelihood, thresholds: Thresholds, covered: Cells) -> Iterator[_Place]:
    """Yield what hangs together above `grow` and has enough seeds, longer where that is likely.

    covered: cells with text that is known.
    """
    likely = (likelihood >= thresholds.grow).view(np.uint8)
    found = connected(likely, (likelihood >= thresholds.seed).view(np.uint8))
    reach = _FURTHER
    doubtful = np.pad((likelihood >= thresholds.doubt).view(np.uint8), reach)
    known = np.pad(covered.view(np.uint8), reach)
    sure = np.pad((likelihood >= _LIKELY).view(np.uint8), reach)
    for number in np.flatnonzero(found.components[:, kernel.SUM] >= thresholds.n_seeds).tolist():
        top, left, bottom, right = found.components[number, kernel.TOP : kernel.RIGHT + 1].tolist()
        cells = found.cells_of(number, reach)
        inner = cells[reach:-reach, reach:-reach].view(np.bool_)
        levels = likelihood[top:bottom, left:right][inner]
        score = float(levels[levels >= min(_LIKELY, thresholds.seed)].mean())
        if score < thresholds.mean:
            continue
        window = np.s_[top : bottom + 2 * reach, left : right + 2 * reach]
        around = doubtful[window] | cells
        along = np.ones((1, 3) if right - left >= bottom - top else (3, 1), np.uint8)
        for _ in range(reach):
            cells = cv2.dilate(cells, along) & around
        cells = _left(cells, known[window], sure[window])
        yield _Place(cells.view(np.bool_), top - reach, left - reach, score)


def _cell_boxes(cells: Cells) -> Boxes:
    """Return boxes that cover the cells: runs of a row, joined with like ones below."""
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
    return np.array(finished + growing, np.int64).reshape(-1, 4)


def _padded(boxes: Boxes, shape: tuple[int, ...]) -> Boxes:
    """Return boxes with what may stand out of their cells, cut to the view."""
    sides = boxes[:, 2:] - boxes[:, :2]
    lesser = np.minimum(sides.min(1), _THICKEST)
    across = np.maximum(_LEAST_PAD, (lesser * _PAD).astype(np.int64))
    along = np.maximum(across, (lesser * _PAD_ALONG).astype(np.int64))
    pads = np.where(2 * sides > 3 * sides[:, ::-1], along[:, None], across[:, None])
    grown = np.concatenate([boxes[:, :2] - pads, boxes[:, 2:] + pads], 1)
    clipped: Boxes = np.clip(grown, 0, np.array([*shape, *shape]))
    return clipped


def _scaled_lines(
    view: View,
    likelihood: Likelihood,
    thresholds: Thresholds,
    scale: int,
    finer: list[TextLine],
) -> list[TextLine]:
    """Return the lines of a view that was made smaller by `scale`, in samples of the whole.

    finer: the lines of larger views.
    """
    lines = []
    covered = _covered(likelihood.shape, finer, CELL * scale)
    for place in _places(likelihood, thresholds, covered):
        if not place.cells.any():
            continue
        boxes, _ = joined(_cell_boxes(place.cells), _ROUGH)
        boxes = (boxes + np.array([place.top, place.left] * 2)) * CELL
        padded = _padded(boxes, view.shape) * scale
        for top, left, bottom, right in padded.tolist():
            lines.append(TextLine(top, left, bottom, right, place.score))
    return lines


def _halved(where: Tiles) -> Tiles:
    """Return the tiles of the view of half the size: those with any of their four parts."""
    rows, columns = (size + size % 2 for size in where.shape)
    even = np.zeros((rows, columns), np.bool_)
    even[: where.shape[0], : where.shape[1]] = where
    parts: Tiles = np.asarray(even.reshape(rows // 2, 2, columns // 2, 2).any((1, 3)))
    return parts


def _find(
    view: View, thresholds: Thresholds, where: Tiles | None, largest_scale: int
) -> list[TextLine]:
    """Return the lines of a view at its size and at halves of it."""
    lines: list[TextLine] = []
    scaled, scale = view, 1
    while scale == 1 or (min(scaled.shape) >= _LEAST_SIDE and scale <= largest_scale):
        likelihood = likelihood_map(scaled, where)
        if likelihood is not None:
            lines += _scaled_lines(scaled, likelihood, thresholds, scale, lines)
        half = (max(scaled.shape[1] // 2, 1), max(scaled.shape[0] // 2, 1))
        scaled = cv2.resize(scaled, half, interpolation=cv2.INTER_AREA)
        scale *= 2
        if where is not None:
            where = _halved(where)[: -(-half[1] // TILE), : -(-half[0] // TILE)]
    return merged(lines)


def find_text(
    view: View,
    thresholds: Thresholds = DEFAULT,
    where: Tiles | None = None,
) -> list[TextLine]:
    """Return the lines of text in a view, shape (rows, columns), at the scales 1, 1/2 and 1/4.

    where: the tiles of TILE x TILE samples to look at, by default all. Small views are looked at
    in a copy of twice the size.
    """
    if view.size > _SMALL:
        return _find(view, thresholds, where, _LARGEST_SCALE)
    maybe = thresholds._replace(seed=min(_MAYBE, thresholds.seed), n_seeds=1, mean=0.0)
    if view.size > _TINY and not _find(view, maybe, where, _LARGEST_SCALE):
        return []
    double = cv2.resize(view, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    if where is not None:
        rows, columns = (-(-size // TILE) for size in double.shape)
        where = where.repeat(2, 0).repeat(2, 1)[:rows, :columns]
    return [
        TextLine(top // 2, left // 2, -(-bottom // 2), -(-right // 2), score)
        for top, left, bottom, right, score in _find(double, thresholds, where, 2 * _LARGEST_SCALE)
    ]
