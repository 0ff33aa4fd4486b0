"""Small frames with anatomy and letters, in every layout that coded frames have."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from fastdeid.pixels.masks import Layout

Samples = npt.NDArray[Any]
ROWS, COLUMNS = 37, 50
BOXES = [(3, 5, 14, 40), (30, 44, 99, 99), (-9, -9, 2, 2)]


def layout(photometric: str, bits: int = 8, stored: int = 0, *, signed: bool = False) -> Layout:
    """Return the layout of small frames; three samples for colours."""
    stored = stored or bits
    samples = 1 if photometric.startswith(("MONO", "PALETTE")) else 3
    return Layout(
        *(ROWS, COLUMNS, photometric, samples, bits, stored, stored - 1, signed)
    )  # fmt: skip


def drawn(of: Layout, seed: int = 0) -> Samples:
    """Return stored values: waves, noise and white letters over the whole range."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[0 : of.rows, 0 : of.columns]
    grey = np.sin(columns / 7) * np.cos(rows / 5) * 0.3 + 0.4 + rng.normal(0, 0.01, rows.shape)
    letters = np.zeros(rows.shape, np.uint8)
    cv2.putText(letters, "DOE", (4, 13), cv2.FONT_HERSHEY_PLAIN, 1.0, 255)
    grey = np.where(letters > 128, 1.0, grey)
    planes = grey if of.samples_per_pixel == 1 else np.stack([grey, 1 - grey, grey / 2], -1)
    levels = (1 << of.bits_stored) - 1
    values = np.clip(planes * levels, 0, levels).astype(np.int64)
    if of.signed:
        values -= 1 << (of.bits_stored - 1)
    stored: Samples = values.astype(f"{'i' if of.signed else 'u'}{max(of.bits_allocated // 8, 1)}")
    return stored


def masked_places(of: Layout, boxes: Any = BOXES) -> npt.NDArray[np.bool_]:
    """Return which pixels the boxes hold."""
    places = np.zeros((of.rows, of.columns), np.bool_)
    for top, left, bottom, right in boxes:
        places[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)] = True
    return places


def expected(samples: Samples, of: Layout, fill: tuple[int, ...], boxes: Any = BOXES) -> Samples:
    """Return the samples with the boxes filled, pixel by pixel."""
    filled = samples.copy()
    unsigned = filled.view(f"u{samples.dtype.itemsize}")
    unsigned[masked_places(of, boxes)] = fill if samples.ndim == 3 else fill[0]
    return filled
