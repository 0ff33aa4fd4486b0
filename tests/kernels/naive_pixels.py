"""Plain twins of the kernels for pixels, in Python and numpy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

View = npt.NDArray[np.uint8]
Samples = npt.NDArray[Any]
Counts = npt.NDArray[np.int64]


class Component(NamedTuple):
    """A component of ink: its box, end exclusive, and what it covers."""

    top: int
    left: int
    bottom: int
    right: int
    area: int
    n_runs: int
    total: int
    squares: int


def _reached(ink: set[tuple[int, int]], start: tuple[int, int]) -> set[tuple[int, int]]:
    found, waiting = {start}, [start]
    while waiting:
        row, column = waiting.pop()
        around = {(row + i, column + j) for i in (-1, 0, 1) for j in (-1, 0, 1)}
        new = (around & ink) - found
        found |= new
        waiting += new
    return found


def find_components(mask: View, grey: View) -> list[Component]:
    """Return the 8-connected components of the ink, in the order of their first place."""
    left = {(int(row), int(column)) for row, column in np.argwhere(mask)}
    components = []
    while left:
        places = _reached(left, min(left))
        left -= places
        rows, columns = ([place[axis] for place in places] for axis in (0, 1))
        levels = [int(grey[place]) for place in places]
        n_runs = sum((row, column - 1) not in places for row, column in places)
        components.append(
            Component(
                *(min(rows), min(columns), max(rows) + 1, max(columns) + 1),
                *(len(places), n_runs, sum(levels), sum(level * level for level in levels)),
            )
        )
    return components


def count_levels(samples: Samples, step: int) -> Counter[int]:
    """Return how often each level stands among every `step`-th sample."""
    return Counter(samples[::step].tolist())


def show_window(samples: Samples, low: float, gain: float) -> View:
    """Return the levels between 0 and 255 that a window shows."""
    levels = (samples.astype(np.float32) - np.float32(low)) * np.float32(gain) + np.float32(0.5)
    shown: View = np.floor(np.clip(levels, 0, 255)).astype(np.uint8)
    return shown


def extend_projections(frames: Sequence[Samples]) -> tuple[Samples, Samples]:
    """Return the least and the largest sample of each place."""
    return np.min(frames, axis=0), np.max(frames, axis=0)


def find_changed_tiles(view: View, reference: View, side: int, tolerance: int) -> list[list[bool]]:
    """Return for each tile whether the views differ there by more than `tolerance`."""
    differs = np.abs(view.astype(int) - reference) > tolerance
    rows, columns = view.shape
    return [
        [
            bool(differs[top : top + side, left : left + side].any())
            for left in range(0, columns, side)
        ]
        for top in range(0, rows, side)
    ]


def fill_boxes(frames: Samples, boxes: Sequence[Sequence[int]], fill: Samples) -> Samples:
    """Return frames (frame, plane, row, column, sample) with the boxes filled."""
    filled = frames.copy()
    for top, left, bottom, right in boxes:
        filled[:, :, top:bottom, left:right, :] = fill[:, None, None, :]
    return filled


def find_varied_tiles(view: View, side: int, least: int) -> list[list[bool]]:
    """Return for each tile whether its samples reach over at least `least` levels."""
    rows, columns = view.shape
    return [
        [
            int(np.ptp(view[top : top + side, left : left + side].astype(int))) >= least
            for left in range(0, columns, side)
        ]
        for top in range(0, rows, side)
    ]


def fill_planes(view: View) -> Samples:
    """Return grey / 128 - 1, and the difference from 25 x 25 samples in units of their spread + 6.

    Shape (2, 2, 2, rows / 2 + 2, columns / 2 + 2): plane, odd row, odd column, with a border of 0.
    """
    wide = view.astype(np.float64)
    for axis, size in enumerate(view.shape):
        # Mirrored at the first and the last sample, as often as it takes.
        places = np.abs(np.arange(-12, size + 12)) % max(2 * size - 2, 1)
        wide = wide.take(np.minimum(places, 2 * size - 2 - places), axis)
    around = np.lib.stride_tricks.sliding_window_view(wide, (25, 25))
    detail = (view - around.mean((2, 3))) / (around.std((2, 3)) + 6)
    padded = np.pad(np.stack([view / 128 - 1, detail]), [(0, 0), (2, 2), (2, 2)])
    parts = [[padded[:, row::2, column::2] for column in (0, 1)] for row in (0, 1)]
    return np.moveaxis(np.array(parts), 2, 0)


def convolve(
    source: Samples,
    taps: tuple[npt.NDArray[np.int64], Samples],
    bias: Samples,
    seed: Samples | None,
    shape: tuple[int, int, int],
) -> Samples:
    """Return maps (outputs, rows, columns): bias, seed and the weighted samples at the offsets.

    source: flat. taps: offsets and weights. seed: maps (outputs, rows >> shift, columns >> shift).
    shape: rows, columns, pitch.
    """
    offsets, weights = taps
    rows, columns, pitch = shape
    made = np.empty((len(bias), rows, columns))
    for output in range(len(bias)):
        for row in range(rows):
            for column in range(columns):
                seen = source[offsets + row * pitch + column]
                value = float(bias[output] + (weights[output] * seen).sum())
                if seed is not None:
                    times = rows // seed.shape[1]
                    value += float(seed[output, row // times, column // times])
                made[output, row, column] = value
    return made


def unpack_runs(coded: bytes) -> bytes | None:
    """Return the bytes of a segment (PS3.5 G.3.2), None when a run goes beyond it."""
    decoded, at = b"", 0
    while at < len(coded):
        control = coded[at]
        if control < 128:
            literal = coded[at + 1 : at + 2 + control]
            if len(literal) != control + 1:
                return None
            decoded += literal
            at += control + 2
        elif control > 128:
            if at + 1 == len(coded):
                return None
            decoded += coded[at + 1 : at + 2] * (257 - control)
            at += 2
        else:
            at += 1
    return decoded


def pack_runs(source: bytes, columns: int) -> bytes:
    """Return a segment of rows (PS3.5 G.3.1): runs of three or more, a leading two, literals."""
    coded = b""
    for start in range(0, len(source), columns):
        literal = b""
        for _, same in groupby(source[start : start + columns]):
            run = bytes(same)
            while run:
                part, run = run[:128], run[128:]
                if len(part) >= 3 or (len(part) == 2 and not literal):
                    coded += _literals(literal) + bytes([257 - len(part)]) + part[:1]
                    literal = b""
                else:
                    literal += part
                    if len(literal) >= 128:
                        coded += _literals(literal[:128])
                        literal = literal[128:]
        coded += _literals(literal)
    return coded


def _literals(literal: bytes) -> bytes:
    return bytes([len(literal) - 1]) + literal if literal else b""
