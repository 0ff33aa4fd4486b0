"""8-bit views of frames: what a viewer would show, light on dark as stored."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from fastdeid.kernels.histograms import N_LEVELS, count_levels, show_window

View = npt.NDArray[np.uint8]
Samples = npt.NDArray[Any]

# Share of the samples below and above the window.
_OUTSIDE: Final = 0.005
# Every fourth sample of a large frame gives the same percentiles to a level or two.
_LARGE: Final = 1 << 18


def _in_16_bits(samples: Samples) -> Samples:
    """Return samples of 8 or 16 bits; wider ones are scaled to their range."""
    if samples.dtype in {np.dtype(np.uint8), np.dtype(np.uint16), np.dtype(np.int16)}:
        return samples
    if samples.dtype == np.dtype(np.int8):
        return samples.astype(np.int16)
    wide = samples.astype(np.float64)
    least, largest = float(wide.min()), float(wide.max())
    scaled = (wide - least) * (65535 / max(largest - least, 1e-300))
    return scaled.astype(np.uint16)


def window_of(samples: Samples) -> tuple[float, float]:
    """Return the stored values between which all but 1 % of the samples lie.

    samples: 8 or 16 bits, any shape. The window is at least one level wide.
    """
    counts = np.zeros(N_LEVELS, np.int64)
    flat = samples.reshape(-1)
    least = -32768 if samples.dtype == np.dtype(np.int16) else 0
    count_levels(flat, 4 if flat.size >= _LARGE else 1, least, counts)
    below = np.cumsum(counts)
    cuts = np.array([_OUTSIDE, 1 - _OUTSIDE]) * below[-1]
    low, high = (int(level) for level in np.searchsorted(below, cuts))
    return float(low + least), float(max(high, low + 1) + least)


def grey_view(samples: Samples, window: tuple[float, float] | None = None) -> View:
    """Return the 8-bit view of a frame of grey or palette-free samples, shape (rows, columns).

    window: the stored values shown as 0 and 255; by default those of `window_of`.
    """
    narrow = np.ascontiguousarray(_in_16_bits(samples))
    low, high = window or window_of(narrow)
    view = np.empty(narrow.shape, np.uint8)
    gain = np.float32(255 / (high - low))
    show_window(narrow.reshape(-1), np.float32(low), gain, view.reshape(-1))
    return view


def colour_view(samples: View) -> View:
    """Return the 8-bit view of an RGB frame (rows, columns, 3): half luminance, half maximum.

    A saturated blue has little luminance; its maximum shows it.
    """
    luminance = cv2.cvtColor(samples, cv2.COLOR_RGB2GRAY)
    largest = cv2.max(cv2.max(samples[..., 0], samples[..., 1]), samples[..., 2])
    mixed: View = cv2.addWeighted(luminance, 0.5, largest, 0.5, 0)
    return mixed


def views_of(read: Callable[[int], Samples]) -> Callable[[int], View]:
    """Return what shows frame i in 8 bits, all frames in the window of the first one.

    read: returns frame i, from 0, as `Display.show` does.
    """
    first = read(0)
    if first.ndim == 3:
        return lambda frame: colour_view(read(frame))
    window = window_of(np.ascontiguousarray(_in_16_bits(first)))
    return lambda frame: grey_view(read(frame), window)
