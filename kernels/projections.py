"""What stays the same over the frames: least and largest samples, and tiles that change."""

from __future__ import annotations

import numba as nb

_KERNEL = {"cache": True, "nogil": True, "_nrt": False}

_VIEW = nb.types.Array(nb.uint8, 2, "C", readonly=True)
_FLAGS = nb.types.Array(nb.uint8, 2, "C")
_BYTES = nb.types.Array(nb.uint8, 1, "C", readonly=True)
_WORDS = nb.types.Array(nb.uint16, 1, "C", readonly=True)
_SIGNED = nb.types.Array(nb.int16, 1, "C", readonly=True)
_LEAST_BYTES = nb.types.Array(nb.uint8, 1, "C")
_LEAST_WORDS = nb.types.Array(nb.uint16, 1, "C")
_LEAST_SIGNED = nb.types.Array(nb.int16, 1, "C")


@nb.njit(
    [
        nb.void(_BYTES, _LEAST_BYTES, _LEAST_BYTES),
        nb.void(_WORDS, _LEAST_WORDS, _LEAST_WORDS),
        nb.void(_SIGNED, _LEAST_SIGNED, _LEAST_SIGNED),
    ],
    **_KERNEL,
)
def extend_projections(frame, least, largest):
    """Lower `least` and raise `largest` to a frame's samples, in place; all of shape (n,)."""
    for at in range(frame.size):
        sample = frame[at]
        least[at] = min(least[at], sample)
        largest[at] = max(largest[at], sample)


@nb.njit([nb.int64(_VIEW, _VIEW, nb.int64, nb.int64, _FLAGS)], **_KERNEL)
def find_changed_tiles(view, reference, side, tolerance, flags):
    """Flag the tiles where two views differ by more than `tolerance`; return how many.

    view, reference: shape (rows, columns). flags: shape (ceil(rows / side), ceil(columns / side)).
    """
    rows, columns = view.shape
    n_changed = 0
    for tile_row in range(flags.shape[0]):
        for tile_column in range(flags.shape[1]):
            first = tile_column * side
            last = min(columns, first + side)
            largest = nb.uint8(0)
            for row in range(tile_row * side, min(rows, tile_row * side + side)):
                one, other = view[row, first:last], reference[row, first:last]
                for column in range(last - first):
                    high = max(one[column], other[column])
                    largest = max(largest, nb.uint8(high - min(one[column], other[column])))
            flags[tile_row, tile_column] = largest > tolerance
            n_changed += largest > tolerance
    return n_changed


@nb.njit([nb.int64(_VIEW, nb.int64, nb.int64, _FLAGS)], **_KERNEL)
def find_varied_tiles(view, side, least, flags):
    """Flag the tiles whose samples reach over at least `least` levels; return how many.

    view: shape (rows, columns). flags: shape (ceil(rows / side), ceil(columns / side)).
    """
    rows, columns = view.shape
    n_varied = 0
    for tile_row in range(flags.shape[0]):
        for tile_column in range(flags.shape[1]):
            first = tile_column * side
            last = min(columns, first + side)
            low, high = nb.uint8(255), nb.uint8(0)
            for row in range(tile_row * side, min(rows, tile_row * side + side)):
                line = view[row, first:last]
                for column in range(last - first):
                    low = min(low, line[column])
                    high = max(high, line[column])
            flags[tile_row, tile_column] = nb.int64(high) - nb.int64(low) >= least
            n_varied += flags[tile_row, tile_column]
    return n_varied
