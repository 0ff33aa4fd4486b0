"""More pictures without text: mosaics of small pictures, charts, plots and test patterns."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

View = npt.NDArray[Any]


def mosaic(rng: np.random.Generator, size: int, small: View) -> View:
    """Return copies of one small picture side by side, each a little different, (size, size)."""
    side = round(math.exp(rng.uniform(math.log(14), math.log(96))))
    tile = cv2.resize(small, (side, side), interpolation=cv2.INTER_AREA).astype(np.float32)
    n_tiles = size // side + 2
    view = np.zeros((n_tiles * side, n_tiles * side), np.float32)
    grain, change = rng.uniform(0, 10), rng.uniform(0, 0.25)
    gap = int(rng.integers(0, 3))
    for number in range(n_tiles * n_tiles):
        scale = 1 + change * rng.standard_normal()
        middle = ((side - 1) / 2, (side - 1) / 2)
        turned = cv2.getRotationMatrix2D(middle, 20 * change * rng.standard_normal(), abs(scale))
        one = cv2.warpAffine(tile, turned, (side, side)) * (1 + change * rng.standard_normal())
        one += grain * rng.standard_normal(one.shape, np.float32)
        one[:gap] = 0
        row, column = divmod(number, n_tiles)
        view[row * side : (row + 1) * side, column * side : (column + 1) * side] = one
    top, left = (int(place) for place in rng.integers(0, n_tiles * side - size + 1, 2))
    return np.clip(view[top : top + size, left : left + size], 0, 255).astype(np.uint8)


def _grey(rng: np.random.Generator) -> int:
    return int(rng.integers(0, 256))


def _patches(view: View, rng: np.random.Generator) -> None:
    """Draw a grid of squares of several greys, as on cards for cameras and printers."""
    size = view.shape[0]
    side = int(math.exp(rng.uniform(math.log(4), math.log(60))))
    step = side + int(rng.integers(0, max(2, side // 2)))
    flat, level = rng.random() < 0.4, _grey(rng)
    for row in range(int(rng.integers(0, step)), size, step):
        for column in range(int(rng.integers(0, 2)), size, step):
            view[row : row + side, column : column + side] = level if flat else _grey(rng)


def _bars(view: View, rng: np.random.Generator) -> None:
    """Draw a histogram."""
    size = view.shape[0]
    width = int(math.exp(rng.uniform(math.log(1), math.log(30))))
    gap, level = int(rng.integers(0, width + 1)), _grey(rng)
    heights = np.abs(np.cumsum(rng.normal(0, size / 12, size)))
    floor = int(rng.uniform(0.4, 1) * size)
    for number, column in enumerate(range(0, size, width + gap)):
        top = floor - min(int(heights[number]), floor)
        view[top:floor, column : column + width] = level


def _curves(view: View, rng: np.random.Generator) -> None:
    """Draw axes with ticks, and curves or points."""
    size = view.shape[0]
    left, bottom, level = int(rng.integers(0, 30)), size - int(rng.integers(1, 30)), _grey(rng)
    cv2.line(view, (left, 0), (left, bottom), level, 1)
    cv2.line(view, (left, bottom), (size, bottom), level, 1)
    tick, step = int(rng.integers(2, 8)), int(rng.integers(6, 50))
    for place in range(0, size, step):
        cv2.line(view, (left - tick, place), (left, place), level, 1)
        cv2.line(view, (place, bottom), (place, bottom + tick), level, 1)
    for _ in range(rng.integers(1, 5)):
        level = _grey(rng)
        across = np.linspace(left, size, int(rng.integers(5, 90)))
        down = bottom - np.abs(np.cumsum(rng.normal(0, size / 20, across.size)))
        points = np.stack([across, down], 1).round().astype(np.int32)
        if rng.random() < 0.6:
            cv2.polylines(view, [points], False, level, int(rng.integers(1, 4)), cv2.LINE_AA)
            continue
        radius = int(rng.integers(1, 6))
        for column, row in points.tolist():
            if rng.random() < 0.5:
                cv2.circle(view, (column, row), radius, level, int(rng.choice([-1, 1])))
            else:
                cv2.drawMarker(view, (column, row), level, int(rng.integers(0, 7)), 2 * radius + 1)


def _rings(view: View, rng: np.random.Generator) -> None:
    """Draw circles around one another, or rays."""
    size = view.shape[0]
    column, row = (int(place) for place in rng.integers(0, size, 2))
    period = rng.uniform(2, 30)
    down, across = np.mgrid[:size, :size].astype(np.float32)
    if rng.random() < 0.5:
        phase = np.hypot(down - row, across - column) / period
    else:
        phase = np.arctan2(down - row, across - column) * rng.integers(6, 60) / (2 * math.pi)
    wave = phase % 1 < rng.uniform(0.2, 0.8)
    reach = np.hypot(down - row, across - column) < size * rng.uniform(0.2, 1)
    view[wave & reach] = _grey(rng)


def _pairs(view: View, rng: np.random.Generator) -> None:
    """Draw groups of line pairs that become finer."""
    size = view.shape[0]
    row, level = int(rng.integers(0, 20)), _grey(rng)
    high = int(rng.integers(6, 60))
    upright = rng.random() < 0.5
    period = rng.uniform(6, 24)
    while row < size and period > 1.5:
        column = int(rng.integers(0, size // 2))
        for number in range(int(rng.integers(3, 9))):
            at = int(column + number * period)
            part = np.s_[row : row + high, at : at + max(1, int(period / 2))]
            (view if upright else view.T)[part] = level
        row += high + int(rng.integers(2, 20))
        period *= rng.uniform(0.7, 0.95)


def _dots(view: View, rng: np.random.Generator) -> None:
    """Draw dots, squares and short bars at random places or in a grid, of one size and grey."""
    size, level = view.shape[0], _grey(rng)
    high, wide = (int(math.exp(rng.uniform(0.3, 2.8))) for _ in range(2))
    step = int(rng.integers(max(high, wide) + 1, 6 * max(high, wide) + 3))
    grid = [(row, column) for row in range(0, size, step) for column in range(0, size, step)]
    loose = rng.integers(0, size, (int(rng.integers(3, 120)), 2)).tolist()
    for row, column in grid if rng.random() < 0.5 else loose:
        view[row : row + high, column : column + wide] = level


_DRAW: Final[tuple[Callable[[View, np.random.Generator], None], ...]] = (
    _patches,
    _bars,
    _curves,
    _rings,
    _pairs,
    _dots,
)


def chart(rng: np.random.Generator, size: int) -> View:
    """Return a plot or a test pattern without letters, (size, size)."""
    view = np.full((size, size), _grey(rng) if rng.random() < 0.5 else 255 * (rng.random() < 0.5))
    view = view.astype(np.uint8)
    for _ in range(rng.integers(1, 4)):
        _DRAW[int(rng.integers(len(_DRAW)))](view, rng)
    return cv2.GaussianBlur(view, (0, 0), rng.uniform(0.3, 1.2)) if rng.random() < 0.3 else view
