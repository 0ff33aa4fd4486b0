"""How likely text is in each cell of a view: the body of the net runs where its gate lets it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from fastdeid.kernels.projections import find_varied_tiles
from fastdeid.pixels.net import CELL, GATE_CELL, SEES, Look, look_at, whole_cells

View = npt.NDArray[np.uint8]
Likelihood = npt.NDArray[np.float32]
Tiles = npt.NDArray[np.bool_]

TILE: Final = 16
# Text of 5 % of the window has 12 levels; a tile with fewer has none.
_LEAST_RANGE: Final = 12
# A place is passed on to the body where the gate says _OPEN for _LEAST_OPEN cells, as far as it
# says _AJAR, and _BESIDE around. In 100 scenes no visible word is lost by 0.95 that 0.3 finds, and
# 9 % of the cells of clean frames pass (at 0.3 six in ten).
_OPEN: Final = 0.95
_AJAR: Final = 0.93
_BESIDE: Final = np.ones((5, 5), np.uint8)
_LEAST_OPEN: Final = 2
# The body is no slower on a piece of so many cells than on a lesser one.
_LEAST_COST: Final = 1500
# So much around a part of a view is looked at with it.
_AROUND: Final = 48
# Larger views are looked at in parts of about so many samples.
_AT_ONCE: Final = 1 << 20


class _Box(NamedTuple):
    """A rectangle, end exclusive: of samples at whole tiles, or of cells of the gate."""

    top: int
    left: int
    bottom: int
    right: int


def _varied(view: View) -> Tiles:
    """Flag the tiles whose samples are not nearly the same."""
    flags = np.empty([-(-size // TILE) for size in view.shape], np.uint8)
    find_varied_tiles(view, TILE, _LEAST_RANGE, flags)
    return flags.view(np.bool_)


def _parts(tiles: Tiles) -> Iterator[_Box]:
    """Yield rectangles that cover the tiles: the box around them, in bands."""
    rows, columns = np.flatnonzero(tiles.any(1)), np.flatnonzero(tiles.any(0))
    first, last = int(rows[0]), int(rows[-1]) + 1
    left, right = int(columns[0]) * TILE, (int(columns[-1]) + 1) * TILE
    n_rows = max(_AT_ONCE // ((right - left) * TILE), 8)
    for row in range(first, last, n_rows):
        yield _Box(row * TILE, left, min(row + n_rows, last) * TILE, right)


def _passed(gate: Likelihood, wanted: Tiles) -> Tiles:
    """Return the cells that the gate lets through: places where it is sure, and those around."""
    ajar = (wanted & (gate >= _AJAR)).view(np.uint8)
    opened = ajar & (gate >= _OPEN)
    if not opened.any():
        return np.zeros(gate.shape, np.bool_)
    _, labels = cv2.connectedComponents(ajar, connectivity=8)
    counts = np.bincount(labels[opened > 0], minlength=int(labels.max()) + 1)
    passed = (counts >= _LEAST_OPEN)[labels].view(np.uint8)
    grown: Tiles = np.asarray(cv2.dilate(passed, _BESIDE)).view(np.bool_)
    return grown


def _trimmed(passed: Tiles, box: _Box) -> _Box | None:
    """Return the part of a box that holds all of its cells, None when it has none."""
    inside = passed[box.top : box.bottom, box.left : box.right]
    rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
    if not rows.size:
        return None
    top, left = box.top + int(rows[0]), box.left + int(columns[0])
    return _Box(top, left, box.top + int(rows[-1]) + 1, box.left + int(columns[-1]) + 1)


def _pieces(passed: Tiles, box: _Box) -> list[_Box]:
    """Return boxes that cover the cells: cut in halves as long as that leaves less to be done."""
    one = _trimmed(passed, box)
    if one is None:
        return []
    middle, centre = (one.top + one.bottom) // 2, (one.left + one.right) // 2
    if one.bottom - one.top > one.right - one.left:
        halves = one._replace(bottom=middle), one._replace(top=middle)
    else:
        halves = one._replace(right=centre), one._replace(left=centre)
    if _cost([one]) <= _LEAST_COST:
        return [one]
    cut = [piece for half in halves for piece in _pieces(passed, half)]
    return cut if _cost(cut) < _cost([one]) else [one]


def _cost(boxes: list[_Box]) -> int:
    """Return how many cells the body sees for these boxes."""
    return sum((b.bottom - b.top + 2 * SEES) * (b.right - b.left + 2 * SEES) for b in boxes)


def _fill_part(view: View, tiles: Tiles, part: _Box, likelihood: Likelihood) -> None:
    """Write the likelihood of the cells of one part."""
    above, before = max(part.top - _AROUND, 0), max(part.left - _AROUND, 0)
    seen = view[above : part.bottom + _AROUND, before : part.right + _AROUND]
    look: Look = look_at(whole_cells(np.ascontiguousarray(seen)))
    times = TILE // GATE_CELL
    asked = tiles[part.top // TILE : part.bottom // TILE, part.left // TILE : part.right // TILE]
    row, column = (part.top - above) // GATE_CELL, (part.left - before) // GATE_CELL
    high, wide = look.gate.shape
    wanted = np.zeros((high, wide), np.bool_)
    inner = wanted[row:, column:][: asked.shape[0] * times, : asked.shape[1] * times]
    inner[:] = asked.repeat(times, 0).repeat(times, 1)[: inner.shape[0], : inner.shape[1]]
    whole = _Box(0, 0, high, wide)
    for piece in _pieces(_passed(look.gate, wanted), whole):
        cells = look.text(*piece)
        # Of what lies around the part another one tells.
        top, left = max(2 * piece[0], 2 * row), max(2 * piece[1], 2 * column)
        cells = cells[top - 2 * piece[0] :, left - 2 * piece[1] :]
        top, left = top + above // CELL, left + before // CELL
        place = likelihood[top : part.bottom // CELL, left : part.right // CELL]
        place = place[: cells.shape[0], : cells.shape[1]]
        place[:] = cells[: place.shape[0], : place.shape[1]]


def likelihood_map(view: View, where: Tiles | None = None) -> Likelihood | None:
    """Return the likelihood of text per cell, 0 where the gate is shut; None when it is nowhere.

    where: the tiles of TILE x TILE samples to look at, by default all.
    """
    tiles = _varied(view)
    if where is not None:
        tiles &= where
    if not tiles.any():
        return None
    likelihood = np.zeros([-(-size // CELL) for size in view.shape], np.float32)
    for part in _parts(tiles):
        _fill_part(view, tiles, part, likelihood)
    return likelihood if likelihood.any() else None
