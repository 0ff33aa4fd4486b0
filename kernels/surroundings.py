"""What each sample of a view is beside its surroundings, as the net for text takes it."""

from __future__ import annotations

import numba as nb
import numpy as np

# Samples to each side that are the surroundings.
REACH = 12
SIDE = 2 * REACH + 1
# The view divided by 128, less 1; and the difference from the mean of the surroundings, in units
# of their standard deviation and this.
LEAST_SPREAD = 6.0
# Rows and columns of zeros around the view.
BORDER = 2

_KERNEL = {"cache": True, "nogil": True, "_nrt": False, "error_model": "numpy"}
_helper = nb.extending.register_jitable(_nrt=False, forceinline=True)

_VIEW = nb.types.Array(nb.uint8, 2, "C", readonly=True)
_SUMS = nb.types.Array(nb.int32, 2, "C")
_LINES = nb.types.Array(nb.float32, 2, "C")
_PLANES = nb.types.Array(nb.float32, 1, "C")


@_helper
def _mirrored(place, size):
    """Return where a place before or behind a row is, mirrored at its first and last sample."""
    if size == 1:
        return 0
    while place < 0 or place >= size:
        place = -place if place < 0 else 2 * (size - 1) - place
    return place


@_helper
def _add_row(line, sign, sums):
    """Add a row, or take it off, and its squares."""
    plain, squares = sums[0], sums[1]
    for column in range(line.size):
        value = nb.int32(line[column])
        plain[column] += sign * value
        squares[column] += sign * value * value
    return 0


@_helper
def _add_up(sums, totals):
    """Write the sums of the columns before each, mirrored to both sides."""
    columns = sums.shape[1]
    plain, squares = sums[0], sums[1]
    total = square = nb.int32(0)
    line, squared = totals[0], totals[1]
    line[0] = squared[0] = 0
    for place in range(REACH):
        at = _mirrored(place - REACH, columns)
        total += plain[at]
        square += squares[at]
        line[place + 1] = total
        squared[place + 1] = square
    line, squared = totals[0, REACH + 1 :], totals[1, REACH + 1 :]
    for at in range(columns):
        total += plain[at]
        square += squares[at]
        line[at] = total
        squared[at] = square
    for place in range(columns, columns + REACH):
        at = _mirrored(place, columns)
        total += plain[at]
        square += squares[at]
        line[place] = total
        squared[place] = square
    return 0


@nb.njit([nb.void(_VIEW, _SUMS, _SUMS, _LINES, _PLANES)], **_KERNEL)
def fill_planes(view, sums, totals, lines, planes):
    """Write the two planes of a view, each as four parts: of even and odd rows and columns.

    view: shape (rows, columns), both even. sums: shape (2, columns), totals: shape (2, columns +
    SIDE), lines: shape (2, columns), scratch. planes: flat, (2, 2, 2, rows / 2 + BORDER,
    columns / 2 + BORDER); its border is left alone.
    """
    rows, columns = view.shape
    half = columns // 2
    pitch = half + BORDER
    part = (rows // 2 + BORDER) * pitch
    for column in range(columns):
        sums[0, column] = 0
        sums[1, column] = 0
    for row in range(-REACH, REACH + 1):
        _add_row(view[_mirrored(row, rows)], 1, sums)
    count = np.float32(SIDE * SIDE)
    for row in range(rows):
        _add_up(sums, totals)
        own = view[row]
        before, behind = totals[0, :columns], totals[0, SIDE:]
        before_squares, behind_squares = totals[1, :columns], totals[1, SIDE:]
        grey, detail = lines[0], lines[1]
        for column in range(columns):
            # Totals of long rows wrap; what lies between two of them does not.
            total = nb.int32(behind[column] - before[column])
            squares = nb.int32(behind_squares[column] - before_squares[column])
            mean = np.float32(total) / count
            square = np.float32(squares) / count
            spread = np.sqrt(max(square - mean * mean, np.float32(0)))
            value = np.float32(own[column])
            grey[column] = value * np.float32(1 / 128) - np.float32(1)
            detail[column] = (value - mean) / (spread + np.float32(LEAST_SPREAD))
        for plane in range(2):
            made = lines[plane]
            start = (plane * 4 + (row & 1) * 2) * part + (row // 2 + 1) * pitch + 1
            even = planes[start : start + half]
            odd = planes[start + part : start + part + half]
            for column in range(half):
                even[column] = made[nb.uintp(2 * column)]
                odd[column] = made[nb.uintp(2 * column + 1)]
        if row + 1 < rows:
            _add_row(view[_mirrored(row + 1 + REACH, rows)], 1, sums)
            _add_row(view[_mirrored(row - REACH, rows)], -1, sums)
