"""Count the levels of samples and show a window of them in 8 bits."""

from __future__ import annotations

import numba as nb
import numpy as np

N_LEVELS = 65536

_KERNEL = {"cache": True, "nogil": True, "_nrt": False}

_BYTES = nb.types.Array(nb.uint8, 1, "C", readonly=True)
_WORDS = nb.types.Array(nb.uint16, 1, "C", readonly=True)
_SIGNED = nb.types.Array(nb.int16, 1, "C", readonly=True)
_COUNTS = nb.types.Array(nb.int64, 1, "C")
_VIEW = nb.types.Array(nb.uint8, 1, "C")
_INT = nb.int64
_REAL = nb.float32


@nb.njit(
    [
        nb.void(_BYTES, _INT, _INT, _COUNTS),
        nb.void(_WORDS, _INT, _INT, _COUNTS),
        nb.void(_SIGNED, _INT, _INT, _COUNTS),
    ],
    **_KERNEL,
)
def count_levels(samples, step, least, counts):
    """Add every `step`-th sample to the counts.

    least: the level of the first count, 0 or for signed samples -32768. counts: shape (N_LEVELS,).
    """
    for at in range(0, samples.size, step):
        counts[np.int64(samples[at]) - least] += 1


@nb.njit(
    [
        nb.void(_BYTES, _REAL, _REAL, _VIEW),
        nb.void(_WORDS, _REAL, _REAL, _VIEW),
        nb.void(_SIGNED, _REAL, _REAL, _VIEW),
    ],
    **_KERNEL,
)
def show_window(samples, low, gain, view):
    """Write (sample - low) * gain to the view, rounded half up and kept within 0 to 255.

    view: of the samples' shape (n,).
    """
    for at in range(samples.size):
        level = (np.float32(samples[at]) - low) * gain + np.float32(0.5)
        level = min(max(level, np.float32(0)), np.float32(255))
        view[at] = np.uint8(level)
