"""Training samples: patches with their labels, drawn from a seed."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Final, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from bench.text_training import anatomy, charts, pictures, scenes, structures

SIDE: Final = 128
CELL: Final = 4
# Samples are cut from larger squares, so that lines run over their borders.
_DRAWN: Final = 160
# Capitals of these heights are for this scale; higher ones are for a smaller picture, and count
# neither as text nor as none here.
LEAST_CAPITAL: Final = 5.0
LARGEST_CAPITAL: Final = 28.0
_DRAWN_CAPITAL: Final = 36.0
_LEAST_CONTRAST: Final = 6.0
# Capitals of this height have strokes of about one sample.
_NARROW: Final = 10.0
# So many samples beside a line are neither.
_BESIDE: Final = 1.0


class Sample(NamedTuple):
    """A patch (SIDE, SIDE), and per cell whether it is text and how much it counts."""

    view: npt.NDArray[Any]
    label: npt.NDArray[Any]
    weight: npt.NDArray[Any]


def load_views(folder: Path) -> list[npt.NDArray[Any]]:
    """Return the training pictures' views under several windows."""
    windows = ((0.5, 99.5), (0.0, 100.0), (2.0, 98.0), (0.5, 92.0), (20.0, 99.9))
    split = pictures.load_pictures(folder, held_out=False)
    views = [pictures.view_of(one, *window) for one in split for window in windows]
    # Of very large pictures also a smaller copy, which shows more than a corner.
    return [*views, *(cv2.resize(v, None, fx=0.4, fy=0.4) for v in views if v.shape[0] > 700)]


def _ground(views: list[npt.NDArray[Any]], rng: np.random.Generator, side: int) -> npt.NDArray[Any]:
    """Return a square piece of a picture or phantom, turned, scaled and windowed at random."""
    if rng.random() < 0.3:
        return pictures.phantom(rng, side)
    view = views[int(rng.integers(len(views)))]
    scale = math.exp(rng.uniform(math.log(0.5), math.log(2.2)))
    reach = max(8, round(side / scale))
    rows, columns = view.shape
    top = int(rng.integers(min(0, rows - reach), max(1, rows - reach + 1)))
    left = int(rng.integers(min(0, columns - reach), max(1, columns - reach + 1)))
    piece = view[max(top, 0) : top + reach, max(left, 0) : left + reach]
    border = (max(-top, 0), max(reach - piece.shape[0] - max(-top, 0), 0))
    beside = (max(-left, 0), max(reach - piece.shape[1] - max(-left, 0), 0))
    piece = cv2.copyMakeBorder(piece, *border, *beside, cv2.BORDER_CONSTANT, value=0)
    how = cv2.INTER_AREA if scale < 1 else int(rng.choice([cv2.INTER_LINEAR, cv2.INTER_CUBIC, 0]))
    piece = cv2.resize(piece, (side, side), interpolation=how)
    piece = np.rot90(piece, int(rng.integers(4)))
    piece = piece[:, ::-1] if rng.random() < 0.5 else piece
    levels = np.arange(256, dtype=np.float32) / 255
    levels = levels ** math.exp(rng.uniform(-0.6, 0.6))
    if rng.random() < 0.4:
        low, high = rng.uniform(0, 0.4), rng.uniform(0.6, 1.0)
        levels = low + levels * (high - low)
    if rng.random() < 0.2:
        levels = 1 - levels
    return cv2.LUT(np.ascontiguousarray(piece), np.round(levels * 255).astype(np.uint8))


def _seen(line: scenes.Line, zoom: float, *, hidden: bool) -> float:
    """Return how well a line can be seen, 0 to 1: what is lost in noise teaches nothing.

    Strokes of large letters are wider, and a smaller picture has less noise: both show more.
    hidden: it counts all the same.
    """
    if line.contrast < _LEAST_CONTRAST:
        return 0.0
    grain = line.grain * min(zoom, 1.0)
    wide = math.sqrt(max(line.capital * zoom / _NARROW, 1.0))
    clear = 2.0 if hidden else wide * line.contrast / max(grain, 1.0)
    return min(1.0, line.contrast / 24) * min(1.0, max(0.0, (clear - 0.4) / 0.8))


def _mark(
    label: npt.NDArray[Any],
    weight: npt.NDArray[Any],
    line: scenes.Line,
    zoom: float,
    *,
    hidden: bool,
) -> None:
    """Mark the cells of a line; those that it fills by less than half do not count."""
    corners = np.array([line.top, line.left, line.bottom, line.right]) * zoom
    beside = np.array([-_BESIDE, -_BESIDE, _BESIDE, _BESIDE])
    outer = np.clip(np.floor((corners + beside) / CELL), 0, None)
    inner = np.clip(np.round((corners - np.array([0.5, 0.5, -0.5, -0.5])) / CELL), 0, None)
    top, left, bottom, right = outer.astype(int) + np.array([0, 0, 1, 1])
    weight[top:bottom, left:right] = np.where(label[top:bottom, left:right] > 0, 1, 0)
    seen = _seen(line, zoom, hidden=hidden)
    if not seen or line.capital * zoom > LARGEST_CAPITAL:
        return
    top, left, bottom, right = inner.astype(int)
    bottom, right = max(bottom, top + 1), max(right, left + 1)
    label[top:bottom, left:right] = 1
    weight[top:bottom, left:right] = seen


def _background(
    views: list[npt.NDArray[Any]], rng: np.random.Generator, side: int
) -> npt.NDArray[Any]:
    """Return a square without text: a picture, a phantom, a texture, or two of them mixed."""
    kind = rng.random()
    if kind < 0.13:
        view = pictures.texture(rng, side)
    elif kind < 0.21:
        view = charts.chart(rng, side)
    elif kind < 0.27:
        whole = views[int(rng.integers(len(views)))] if rng.random() < 0.6 else None
        view = charts.mosaic(rng, side, anatomy.drawn(rng, 96) if whole is None else whole)
    elif kind < 0.42:
        view = anatomy.drawn(rng, side)
    else:
        view = _ground(views, rng, side)
        if rng.random() < 0.2:
            view = anatomy.bent(rng, view)
    if rng.random() < 0.1:
        view = anatomy.mixed(rng, view, _ground(views, rng, side))
    if rng.random() < 0.08:
        view = pictures.faint(rng, view)
    return pictures.pixel_noise(rng, view) if rng.random() < 0.15 else np.ascontiguousarray(view)


def draw_sample(
    views: list[npt.NDArray[Any]],
    seed: tuple[int, ...],
    *,
    heavy: float = 0.0,
    hidden: bool = False,
) -> Sample:
    """Draw one sample; the same seed draws the same.

    heavy: share of lines with thick strokes. hidden: lines count also where noise hides them.
    """
    rng = np.random.default_rng(seed)
    zoom = 1.0
    if rng.random() < 0.4:
        zoom = math.exp(rng.uniform(math.log(0.45), math.log(2.1)))
    side = math.ceil(_DRAWN / zoom)
    view = _background(views, rng, side)
    if rng.random() < 0.4:
        structures.draw_structures(view, rng, int(rng.integers(1, 4)))
    lines = []
    if rng.random() < 0.68:
        limits = (LEAST_CAPITAL / min(zoom, 1.25), _DRAWN_CAPITAL / zoom)
        for _ in range(rng.integers(1, 4)):
            lines += scenes.burn_block(
                view,
                scenes.TRAINING,
                rng,
                capitals=limits,
                most_lines=4,
                corners=0.25,
                cut=True,
                heavy=heavy,
            )
    if side != _DRAWN:
        how = cv2.INTER_AREA if zoom < 1 else int(rng.choice([cv2.INTER_LINEAR, cv2.INTER_CUBIC]))
        view = cv2.resize(view, (_DRAWN, _DRAWN), interpolation=how)
    if rng.random() < 0.35:
        quality = int(rng.integers(60, 93))
        coded = cv2.imencode(".jpg", view, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        decoded: Any = cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE)
        view = decoded
    label = np.zeros((_DRAWN // CELL, _DRAWN // CELL), np.float32)
    weight = np.ones_like(label)
    for line in lines:
        _mark(label, weight, line, zoom, hidden=hidden)
    row, column = (int(place) for place in rng.integers(0, (_DRAWN - SIDE) // CELL + 1, 2))
    n_cells = SIDE // CELL
    cells = np.s_[row : row + n_cells, column : column + n_cells]
    top, left = row * CELL, column * CELL
    cut = np.ascontiguousarray(view[top : top + SIDE, left : left + SIDE])
    return Sample(cut, label[cells], weight[cells])
