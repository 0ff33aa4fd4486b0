"""Stored samples as the detector takes them: grey of 8 or 16 bits, or RGB of 8 bits."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from fastdeid.errors import DicomError
from fastdeid.pixels.image import Image
from fastdeid.pixels.masks import Layout
from fastdeid.tags import PHOTOMETRIC_INTERPRETATION

Samples = npt.NDArray[Any]

_GREY: Final = frozenset({"MONOCHROME1", "MONOCHROME2"})
_LARGEST: Final = 65535


class Display:
    """Turns the stored samples of one instance's frames into what can be looked at.

    layout: of the samples. image: for the palette of PALETTE COLOR. Raises DicomError for a
    photometric interpretation that is not known.
    """

    def __init__(self, layout: Layout, image: Image) -> None:
        name, samples = layout.photometric_interpretation, layout.samples_per_pixel
        is_grey = name in _GREY and samples == 1
        is_colour = samples == 3 and (name == "RGB" or name.startswith("YBR_"))
        self._layout = layout
        self._palette = _palette_of(image) if (name, samples) == ("PALETTE COLOR", 1) else None
        if not (is_grey or is_colour or self._palette is not None):
            raise DicomError("unsupported_photometric_interpretation", PHOTOMETRIC_INTERPRETATION)
        # Between these, samples of more than 16 bits are shown.
        self._range: tuple[float, float] | None = None

    @property
    def needs_range(self) -> bool:
        """Whether `use_range` must come first: samples are wider than 16 bits."""
        return self._layout.bits_allocated > 16

    def use_range(self, frames: Iterable[Samples]) -> None:
        """Fit samples of more than 16 bits to the least and largest of some frames."""
        stored = [self._stored(samples) for samples in frames]
        least = min(float(samples.min()) for samples in stored)
        largest = max(float(samples.max()) for samples in stored)
        self._range = least, max(largest, least + 1)

    def _stored(self, samples: Samples) -> Samples:
        """Return the samples without the bits beside Bits Stored, with their sign."""
        layout = self._layout
        bits, shift = layout.bits_stored, layout.high_bit + 1 - layout.bits_stored
        if bits == layout.bits_allocated:
            return samples
        unsigned = samples.view(np.dtype(f"u{samples.dtype.itemsize}"))
        values: Samples = np.right_shift(unsigned, unsigned.dtype.type(shift))
        values &= unsigned.dtype.type((1 << bits) - 1)
        if not layout.signed:
            return values
        left = unsigned.dtype.type(layout.bits_allocated - bits)
        signed = samples.dtype.type(layout.bits_allocated - bits)
        lifted: Samples = (values << left).view(samples.dtype)
        lifted >>= signed
        return lifted

    def show(self, samples: Samples) -> Samples:
        """Return a frame as (rows, columns) of 8 or 16 bits, or RGB as (rows, columns, 3)."""
        layout = self._layout
        if layout.bits_allocated == 1:
            black_or_white: Samples = samples * np.uint8(255)
            return black_or_white
        stored = self._stored(samples)
        if self._palette is not None:
            table, first = self._palette
            index = np.clip(stored.astype(np.int64) - first, 0, len(table) - 1)
            colours: Samples = table[index]
            return colours
        if self._range is not None:
            stored = _narrowed(stored, *self._range)
        if layout.samples_per_pixel == 1:
            return stored.astype(np.int16) if stored.dtype == np.int8 else stored
        if stored.dtype != np.uint8:
            return _grey_of(stored, layout)
        if layout.photometric_interpretation == "RGB":
            return np.ascontiguousarray(stored)
        # OpenCV's order is Y, Cr, Cb.
        swapped = np.ascontiguousarray(stored[..., (0, 2, 1)])
        colour: Samples = cv2.cvtColor(swapped, cv2.COLOR_YCrCb2RGB)
        return colour


def _narrowed(stored: Samples, least: float, largest: float) -> npt.NDArray[np.uint16]:
    scaled = (stored.astype(np.float64) - least) * (_LARGEST / (largest - least))
    narrow: npt.NDArray[np.uint16] = np.clip(scaled, 0, _LARGEST).astype(np.uint16)
    return narrow


def _grey_of(stored: Samples, layout: Layout) -> npt.NDArray[np.uint16]:
    """Return what is bright in a colour frame of more than 8 bits."""
    wide = stored.astype(np.uint32)
    if layout.photometric_interpretation != "RGB":
        return np.ascontiguousarray(wide[..., 0]).astype(np.uint16)
    mixed = (wide.sum(2) // 3 + wide.max(2)) // 2
    grey: npt.NDArray[np.uint16] = mixed.astype(np.uint16)
    return grey


def _palette_of(image: Image) -> tuple[npt.NDArray[np.uint8], int]:
    """Return the colours of a palette, shape (n, 3), and the stored value of the first."""
    tables, first, bits = image.palette()
    shift = max(bits - 8, 0)
    # Entries of 8 bits may fill words of 16: then the high byte counts.
    if bits == 16 and max(int(table.max()) for table in tables) <= 255:
        shift = 0
    length = min(len(table) for table in tables)
    colours = np.stack([table[:length] >> np.uint16(shift) for table in tables], 1)
    return np.minimum(colours, 255).astype(np.uint8), first
