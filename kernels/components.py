"""Connected components of a binary picture by runs, with what they cover measured in one pass."""

from __future__ import annotations

import numba as nb

# Columns of `runs`: first and last column (end exclusive) of a run of ink, its row, its parent run.
FIRST, LAST, ROW, PARENT = 0, 1, 2, 3
N_RUN_COLUMNS = 4

# Columns of `components`. AREA counts ink; AREA / N_RUNS is about the width of a stroke.
TOP, LEFT, BOTTOM, RIGHT, AREA, N_RUNS, SUM, SUM_OF_SQUARES = 0, 1, 2, 3, 4, 5, 6, 7
N_COLUMNS = 8

_KERNEL = {"cache": True, "nogil": True, "_nrt": False}
_helper = nb.extending.register_jitable(_nrt=False, forceinline=True)

_PICTURE = nb.types.Array(nb.uint8, 2, "C", readonly=True)
_RUNS = nb.types.Array(nb.int32, 2, "C")
_COMPONENTS = nb.types.Array(nb.int64, 2, "C")


@_helper
def _root(runs, run):
    """Return the first run of a run's component, and shorten the way to it."""
    while runs[run, PARENT] != run:
        runs[run, PARENT] = runs[runs[run, PARENT], PARENT]
        run = runs[run, PARENT]
    return run


@_helper
def _join(runs, one, other):
    one, other = _root(runs, one), _root(runs, other)
    if one < other:
        runs[other, PARENT] = one
    else:
        runs[one, PARENT] = other
    return 0


@_helper
def _find_runs(mask, runs):
    """Collect the runs of ink and join each with those it touches in the row above, 8-connected."""
    rows, columns = mask.shape
    n_runs = above = above_end = 0
    for row in range(rows):
        start = n_runs
        column = 0
        while column < columns:
            if mask[row, column] == 0:
                column += 1
                continue
            first = column
            while column < columns and mask[row, column] != 0:
                column += 1
            if n_runs == runs.shape[0]:
                return -1
            runs[n_runs, FIRST] = first
            runs[n_runs, LAST] = column
            runs[n_runs, ROW] = row
            runs[n_runs, PARENT] = n_runs
            while above < above_end and runs[above, LAST] < first:
                above += 1
            touching = above
            while touching < above_end and runs[touching, FIRST] <= column:
                _join(runs, touching, n_runs)
                touching += 1
            n_runs += 1
        above, above_end = start, n_runs
    return n_runs


@_helper
def _open(components, number, runs, run):
    """Begin a component with the box of its first run."""
    components[number, TOP] = runs[run, ROW]
    components[number, LEFT] = runs[run, FIRST]
    components[number, BOTTOM] = runs[run, ROW] + 1
    components[number, RIGHT] = runs[run, LAST]
    for column in range(AREA, N_COLUMNS):
        components[number, column] = 0
    return 0


@nb.njit([nb.int64(_PICTURE, _PICTURE, _RUNS, _COMPONENTS)], **_KERNEL)
def find_components(mask, grey, runs, components):
    """Measure every 8-connected component of the ink; return how many, -1 when they do not fit.

    mask: shape (rows, columns), ink is not 0. grey: the same shape. runs: shape (n, N_RUN_COLUMNS),
    scratch. components: shape (n, N_COLUMNS), written in the order of their first run; boxes are
    end exclusive, SUM and SUM_OF_SQUARES are of `grey` under the ink. Afterwards PARENT of a run is
    its component.
    """
    n_runs = _find_runs(mask, runs)
    n_components = 0
    for run in range(n_runs):
        parent = runs[run, PARENT]
        if parent == run:
            if n_components == components.shape[0]:
                return -1
            number = n_components
            _open(components, number, runs, run)
            n_components += 1
        else:
            # A parent stands before its children, so it holds its component's number already.
            number = runs[parent, PARENT]
        runs[run, PARENT] = number
        first, last, row = runs[run, FIRST], runs[run, LAST], runs[run, ROW]
        components[number, LEFT] = min(components[number, LEFT], first)
        components[number, RIGHT] = max(components[number, RIGHT], last)
        components[number, BOTTOM] = row + 1
        components[number, AREA] += last - first
        components[number, N_RUNS] += 1
        total = squares = nb.int64(0)
        for column in range(first, last):
            value = nb.int64(grey[row, column])
            total += value
            squares += value * value
        components[number, SUM] += total
        components[number, SUM_OF_SQUARES] += squares
    return -1 if n_runs < 0 else n_components
