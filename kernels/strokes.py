"""Where a picture holds what may be strokes: a step up and a step down close behind it."""

from __future__ import annotations

import numba as nb

_KERNEL = {"cache": True, "nogil": True, "_nrt": False}

_VIEW = nb.types.Array(nb.uint8, 2, "C", readonly=True)
_COUNTS = nb.types.Array(nb.int32, 2, "C")
_LAST = nb.types.Array(nb.int32, 2, "C")
_INT = nb.int64


@nb.njit([nb.void(_VIEW, _INT, _INT, _INT, _LAST, _COUNTS)], **_KERNEL)
def count_strokes(view, step, widest, side, last, counts):
    """Count the strokes that end in each cell, along rows and along columns.

    A stroke is a step of at least `step` between samples two apart, followed by one of the other
    direction at most `widest` samples on. view: shape (rows, columns). last: shape (2, columns),
    scratch. counts: shape (ceil(rows / side), ceil(columns / side)), added to.
    """
    rows, columns = view.shape
    for column in range(columns):
        last[0, column] = -widest - 1
        last[1, column] = -widest - 1
    for row in range(rows):
        up = down = -widest - 1
        for column in range(columns):
            if column >= 2:
                slope = nb.int64(view[row, column]) - nb.int64(view[row, column - 2])
                if slope >= step:
                    up = column
                    if column - down <= widest:
                        counts[row // side, column // side] += 1
                        down = -widest - 1
                elif slope <= -step:
                    down = column
                    if column - up <= widest:
                        counts[row // side, column // side] += 1
                        up = -widest - 1
            if row >= 2:
                slope = nb.int64(view[row, column]) - nb.int64(view[row - 2, column])
                if slope >= step:
                    last[0, column] = row
                    if row - last[1, column] <= widest:
                        counts[row // side, column // side] += 1
                        last[1, column] = -widest - 1
                elif slope <= -step:
                    last[1, column] = row
                    if row - last[0, column] <= widest:
                        counts[row // side, column // side] += 1
                        last[0, column] = -widest - 1
