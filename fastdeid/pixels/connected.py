"""What hangs together in a mask."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fastdeid.kernels import components as kernel

Mask = npt.NDArray[np.uint8]


class Connected(NamedTuple):
    """Components, one row each, and their runs (kernels/components.py)."""

    components: npt.NDArray[np.int64]
    runs: npt.NDArray[np.int32]

    def cells_of(self, number: int, margin: int) -> Mask:
        """Return a component as 0 and 1 in its box with a margin around."""
        top, left, bottom, right = self.components[number, kernel.TOP : kernel.RIGHT + 1].tolist()
        cells = np.zeros((bottom - top + 2 * margin, right - left + 2 * margin), np.uint8)
        own = self.runs[self.runs[:, kernel.PARENT] == number]
        for first, last, row in own[:, [kernel.FIRST, kernel.LAST, kernel.ROW]].tolist():
            cells[row - top + margin, first - left + margin : last - left + margin] = 1
        return cells


def connected(mask: Mask, grey: Mask) -> Connected:
    """Return the 8-connected components of a mask, with the sums of `grey`, of the same shape."""
    most = mask.shape[0] * (mask.shape[1] // 2 + 1)
    runs = np.empty((most, kernel.N_RUN_COLUMNS), np.int32)
    found = np.empty((most, kernel.N_COLUMNS), np.int64)
    n_found = kernel.find_components(mask, grey, runs, found)
    components = found[:n_found]
    return Connected(components, runs[: int(components[:, kernel.N_RUNS].sum())])
