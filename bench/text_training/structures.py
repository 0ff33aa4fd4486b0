"""What looks a little like text and is none: rulers, grids, traces, bars, outlines, dashes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

View = npt.NDArray[Any]
Draw = Callable[[View, np.random.Generator, int], None]


def _grey(rng: np.random.Generator) -> int:
    return int(rng.choice([255, 230, 200, 160, 120, 80, 0]))


def _ruler(view: View, rng: np.random.Generator, grey: int) -> None:
    size = view.shape[0]
    step, long = int(rng.integers(3, 24)), int(rng.integers(3, 18))
    at, start = int(rng.integers(0, size)), int(rng.integers(0, size))
    thick = int(rng.integers(1, 3))
    spine = rng.random() < 0.6
    count = int(rng.integers(3, 40))
    upright = rng.random() < 0.5
    for number in range(count):
        along = start + number * step
        reach = long * 2 if number % 5 == 0 else long
        first, last = (
            ((at, along), (at + reach, along)) if upright else ((along, at), (along, at + reach))
        )
        cv2.line(view, first, last, grey, thick)
    if spine:
        end = start + (count - 1) * step
        last = (at, end) if upright else (end, at)
        first = (at, start) if upright else (start, at)
        cv2.line(view, first, last, grey, thick)


def _grid(view: View, rng: np.random.Generator, grey: int) -> None:
    size = view.shape[0]
    step, phase = int(rng.integers(6, 40)), int(rng.integers(0, 40))
    for at in range(phase, size, step):
        cv2.line(view, (at, 0), (at, size), grey, 1)
        cv2.line(view, (0, at), (size, at), grey, 1)


def _trace(view: View, rng: np.random.Generator, grey: int) -> None:
    size = view.shape[0]
    across = np.arange(0, size, 2)
    beat, height = rng.integers(20, 90), rng.uniform(4, 40)
    phase = (across % beat) / beat
    wave = np.exp(-(((phase - 0.4) * 30) ** 2)) - 0.3 * np.exp(-(((phase - 0.45) * 30) ** 2))
    wave += 0.2 * np.exp(-(((phase - 0.7) * 10) ** 2))
    points = np.stack([across, rng.uniform(0, size) - wave * height], 1)
    line = [np.round(points).astype(np.int32)]
    cv2.polylines(view, line, False, grey, int(rng.integers(1, 3)), cv2.LINE_AA)


def _bar(view: View, rng: np.random.Generator, grey: int) -> None:
    size = view.shape[0]
    width, height = int(rng.integers(5, 20)), int(rng.integers(30, 200))
    left, top = int(rng.integers(0, size)), int(rng.integers(0, size))
    ramp = np.linspace(255, 0, height).astype(np.uint8)
    levels = int(rng.integers(4, 65))
    ramp = ramp // (256 // levels) * (256 // levels) if rng.random() < 0.4 else ramp
    patch = np.repeat(ramp[:, None], width, 1)
    patch = patch if rng.random() < 0.7 else np.ascontiguousarray(patch.T)
    target = view[top : top + patch.shape[0], left : left + patch.shape[1]]
    target[:] = patch[: target.shape[0], : target.shape[1]]
    if rng.random() < 0.5:
        cv2.rectangle(
            view, (left - 1, top - 1), (left + patch.shape[1], top + patch.shape[0]), grey
        )


def _outline(view: View, rng: np.random.Generator, grey: int) -> None:
    size = view.shape[0]
    left, top = (int(place) for place in rng.integers(0, size, 2))
    wide, high = (int(math.exp(rng.uniform(1, 4.5))) for _ in range(2))
    thick = int(rng.integers(1, 4))
    kind = rng.random()
    if kind < 0.35:
        cv2.ellipse(view, (left, top), (wide, high), 0, 0, 360, grey, thick, cv2.LINE_AA)
    elif kind < 0.7:
        cv2.rectangle(view, (left, top), (left + wide, top + high), grey, thick)
    else:
        points = rng.integers(0, size, (int(rng.integers(2, 7)), 2)).astype(np.int32)
        cv2.polylines(view, [points], bool(rng.random() < 0.5), grey, thick, cv2.LINE_AA)


def _crosses(view: View, rng: np.random.Generator, grey: int) -> None:
    size = view.shape[0]
    for _ in range(rng.integers(1, 6)):
        column, row = (int(place) for place in rng.integers(0, size, 2))
        arm, kind = int(rng.integers(2, 12)), rng.random()
        if kind < 0.5:
            cv2.line(view, (column - arm, row), (column + arm, row), grey, 1)
            cv2.line(view, (column, row - arm), (column, row + arm), grey, 1)
        elif kind < 0.75:
            cv2.line(view, (column - arm, row - arm), (column + arm, row + arm), grey, 1)
            cv2.line(view, (column - arm, row + arm), (column + arm, row - arm), grey, 1)
        else:
            end = (column + arm * 3, row + int(rng.integers(-30, 31)))
            cv2.arrowedLine(view, end, (column, row), grey, int(rng.integers(1, 3)), tipLength=0.3)


def _dashes(view: View, rng: np.random.Generator, grey: int) -> None:
    size = view.shape[0]
    angle = float(rng.choice([0, math.pi / 2, rng.uniform(0, math.pi)]))
    column, row = (float(place) for place in rng.uniform(0, size, 2))
    dash, gap = rng.uniform(1, 12), rng.uniform(2, 10)
    thick = int(rng.integers(1, 3))
    for _ in range(rng.integers(4, 40)):
        ahead = (column + math.cos(angle) * dash, row + math.sin(angle) * dash)
        first, last = (round(column), round(row)), (round(ahead[0]), round(ahead[1]))
        cv2.line(view, first, last, grey, thick)
        column = ahead[0] + math.cos(angle) * gap
        row = ahead[1] + math.sin(angle) * gap


def _bricks(view: View, rng: np.random.Generator, grey: int) -> None:
    """Squares of a test chart, dots and short ticks."""
    size = view.shape[0]
    side, step = int(rng.integers(2, 14)), int(rng.integers(6, 30))
    left, top = (int(place) for place in rng.integers(0, size, 2))
    for number in range(int(rng.integers(2, 16))):
        at = left + number * step
        view[top : top + side, at : at + side] = grey if rng.random() < 0.8 else 255 - grey


DRAW: Final[tuple[Draw, ...]] = (_ruler, _grid, _trace, _bar, _outline, _crosses, _dashes, _bricks)


def draw_structures(view: View, rng: np.random.Generator, count: int) -> None:
    """Draw `count` structures into a square 8-bit view, in place."""
    for _ in range(count):
        draw = DRAW[int(rng.integers(len(DRAW)))]
        grey = _grey(rng)
        if rng.random() < 0.3:
            layer = view.copy()
            draw(layer, rng, grey)
            share = float(rng.uniform(0.2, 0.8))
            cv2.addWeighted(layer, share, view, 1 - share, 0, view)
        else:
            draw(view, rng, grey)
