"""Fill boxes of native frames with a sample that is dark and legal, PS3.3 C.7.6.3.1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from fastdeid.errors import DicomError
from fastdeid.kernels.boxes import fill_boxes

Boxes = npt.NDArray[np.int32]
Lut = npt.NDArray[np.uint16]

_UNSIGNED: Final = {8: np.uint8, 16: np.uint16, 32: np.uint32}
_LUMINANCE_BLACK: Final = 16
_COLOUR_BLACK: Final = 128


class Box(NamedTuple):
    """A part of a frame: rows top to bottom, columns left to right, ends exclusive."""

    top: int
    left: int
    bottom: int
    right: int

    def meets(self, other: Box) -> bool:
        """Tell whether a sample lies in both."""
        return (
            self.top < other.bottom
            and other.top < self.bottom
            and self.left < other.right
            and other.left < self.right
        )


class Layout(NamedTuple):
    """How the samples of a native frame stand: the Image Pixel attributes by their keywords.

    planar_configuration: 0 colour by pixel, 1 colour by plane. high_bit: of the most significant
    stored bit. signed: Pixel Representation 1.
    """

    rows: int
    columns: int
    photometric_interpretation: str
    samples_per_pixel: int = 1
    bits_allocated: int = 8
    bits_stored: int = 8
    high_bit: int = 7
    signed: bool = False
    planar_configuration: int = 0

    @property
    def is_subsampled(self) -> bool:
        """Whether two pixels share their chrominance: Y1 Y2 Cb Cr (C.7.6.3.1.2)."""
        return self.photometric_interpretation in {"YBR_FULL_422", "YBR_PARTIAL_422"}

    @property
    def frame_length(self) -> int:
        """Return the bytes of a frame of whole bytes; raises DicomError for other layouts."""
        if self.bits_allocated not in _UNSIGNED:
            raise DicomError("unsupported_bits_allocated")
        samples = 2 if self.is_subsampled else self.samples_per_pixel
        return self.rows * self.columns * samples * self.bits_allocated // 8


def darkest_sample(layout: Layout, *, falling: bool = False) -> int:
    """Return the bit pattern of the darkest grey within Bits Stored.

    falling: a negative Rescale Slope turns dark and bright round. A signed sample is sign-extended
    over Bits Allocated.
    """
    bright = (layout.photometric_interpretation == "MONOCHROME1") != falling
    bits, allocated = layout.bits_stored, layout.bits_allocated
    if layout.signed:
        value = (1 << (bits - 1)) - 1 if bright else -(1 << (bits - 1))
    else:
        value = (1 << bits) - 1 if bright else 0
    shift = layout.high_bit + 1 - bits
    return (value << shift) & ((1 << allocated) - 1)


def darkest_index(red: Lut, green: Lut, blue: Lut, first: int = 0) -> int:
    """Return the index whose colour is darkest, the first of several; `first` is entry 0's."""
    brightness = red.astype(np.int64) + green + blue
    return int(first + np.argmin(brightness))


def fill_samples(
    layout: Layout, *, falling: bool = False, palette_index: int | None = None
) -> tuple[int, ...]:
    """Return the bit pattern of each sample of a masked pixel; of Y1, Y2, Cb, Cr when subsampled.

    palette_index: of PALETTE COLOR, from `darkest_index`. Raises DicomError for a photometric
    interpretation that is not known, or a palette without its index.
    """
    name = layout.photometric_interpretation
    if name in {"MONOCHROME1", "MONOCHROME2"} and layout.samples_per_pixel == 1:
        return (darkest_sample(layout, falling=falling),)
    if name == "PALETTE COLOR" and layout.samples_per_pixel == 1 and palette_index is not None:
        return (palette_index & ((1 << layout.bits_allocated) - 1),)
    if layout.samples_per_pixel == 3 and not layout.signed:
        if name == "RGB":
            return (0, 0, 0)
        scale = layout.bits_stored - 8
        if name.startswith("YBR_") and scale >= 0:
            luminance, colour = _LUMINANCE_BLACK << scale, _COLOUR_BLACK << scale
            repeat = 2 if layout.is_subsampled else 1
            return (*(luminance,) * repeat, colour, colour)
    raise DicomError("unsupported_photometric_interpretation")


def clip_boxes(boxes: Sequence[Sequence[int]], layout: Layout) -> Boxes:
    """Return the boxes cut to the frame, shape (n, 4); empty ones are left out."""
    limits = np.array([layout.rows, layout.columns] * 2)
    cut = np.clip(np.array(boxes, np.int64).reshape(-1, 4), 0, limits)
    return cut[(cut[:, 0] < cut[:, 2]) & (cut[:, 1] < cut[:, 3])].astype(np.int32)


def _shaped(frame: npt.NDArray[Any], layout: Layout) -> npt.NDArray[Any]:
    """Return a view of a frame's samples, shape (1, planes, rows, columns, samples)."""
    rows, columns, samples = layout.rows, layout.columns, layout.samples_per_pixel
    if layout.is_subsampled:
        return frame.reshape(1, 1, rows, columns // 2, 4)
    if layout.planar_configuration == 1 and samples > 1:
        return frame.reshape(1, samples, rows, columns, 1)
    return frame.reshape(1, 1, rows, columns, samples)


def mask_boxes(
    frame: bytearray | memoryview,
    layout: Layout,
    boxes: Sequence[Sequence[int]],
    fill: Sequence[int],
    *,
    big_endian: bool = False,
) -> None:
    """Fill boxes (top, left, bottom, right) of one native frame, in place.

    frame: layout.frame_length bytes, writable. fill: from `fill_samples`. Where two pixels share
    their chrominance, boxes grow to whole pairs. Raises DicomError when frame and layout disagree.
    """
    if len(frame) != layout.frame_length or (layout.is_subsampled and layout.columns % 2):
        raise DicomError("frame_length")
    unsigned = np.dtype(_UNSIGNED[layout.bits_allocated])
    cut = clip_boxes(boxes, layout)
    if layout.is_subsampled:
        cut[:, 1] //= 2
        cut[:, 3] = -(-cut[:, 3] // 2)
    shaped = _shaped(np.frombuffer(frame, unsigned), layout)
    pattern = np.array(fill, unsigned).reshape(shaped.shape[1], shaped.shape[4])
    fill_boxes(shaped, cut, pattern.byteswap() if big_endian else pattern)
