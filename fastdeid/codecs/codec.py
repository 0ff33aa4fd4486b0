"""What every codec of frames does: decode one, and mask boxes of one without loss elsewhere."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from fastdeid.errors import DicomError
from fastdeid.pixels.masks import Box, Layout, clip_boxes
from fastdeid.tags import PIXEL_DATA

Samples = npt.NDArray[Any]

_GREY: Final = frozenset({"MONOCHROME1", "MONOCHROME2", "PALETTE COLOR"})
_ALWAYS_FITS: Final = 1 << 26
_MOST_PER_BYTE: Final = 1 << 17
# What a decoder makes of colours: component transforms of JPEG 2000 are undone, and shared
# chrominance is spread over its pixels (PS3.3 C.7.6.3.1.2).
_DECODED: Final = {
    "RGB": "RGB",
    "YBR_FULL": "YBR_FULL",
    "YBR_FULL_422": "YBR_FULL",
    "YBR_PARTIAL_420": "YBR_FULL",
    "YBR_PARTIAL_422": "YBR_FULL",
    "YBR_ICT": "RGB",
    "YBR_RCT": "RGB",
}


def decoded_layout(layout: Layout) -> Layout:
    """Return how the decoded samples of a coded frame stand.

    Raises DicomError for a photometric interpretation, or a number of samples or bits, that coded
    frames do not have.
    """
    name = layout.photometric_interpretation
    single_bits = layout.bits_allocated == 1 and layout.samples_per_pixel == 1
    if layout.bits_allocated not in {8, 16, 32} and not single_bits:
        raise DicomError("unsupported_bits_allocated")
    if not 0 < layout.bits_stored <= layout.bits_allocated or not layout.rows * layout.columns:
        raise DicomError("bad_image_pixel")
    if layout.samples_per_pixel == 1 and name in _GREY:
        return layout._replace(planar_configuration=0)
    if layout.samples_per_pixel != 3 or name not in _DECODED:
        raise DicomError("unsupported_photometric_interpretation")
    return layout._replace(photometric_interpretation=_DECODED[name], planar_configuration=0)


def shape_of(layout: Layout) -> tuple[int, ...]:
    """Return the shape of decoded samples: (rows, columns), or (rows, columns, 3)."""
    grey = layout.samples_per_pixel == 1
    return (layout.rows, layout.columns) if grey else (layout.rows, layout.columns, 3)


def sample_width(layout: Layout) -> int:
    """Return the bytes of a decoded sample; single bits have a byte each."""
    return max(layout.bits_allocated // 8, 1)


def stored_values(samples: Samples, layout: Layout) -> Samples:
    """Return samples of a stream as the stored values of a layout: u/int of Bits Allocated.

    samples: integers whose low bits are the patterns of the stored values. A signed value is
    extended from Bits Stored, whatever stands in the bits above. Single bits are 0 and 1 of uint8.
    """
    bits = layout.bits_allocated
    if bits == 1:
        return np.ascontiguousarray(samples.astype(np.uint8) & 1)
    unsigned = samples.astype(f"u{bits // 8}", copy=False)
    if not layout.signed:
        return np.ascontiguousarray(unsigned)
    signed = unsigned.view(f"i{bits // 8}")
    above = bits - layout.bits_stored
    return np.ascontiguousarray((signed << above) >> above if above else signed)


def fill_pixels(samples: Samples, boxes: npt.NDArray[np.int32], pixel: Sequence[int]) -> None:
    """Set every pixel of the boxes, in place. samples: shape (rows, columns[, samples])."""
    value = np.array(pixel, np.int64).astype(samples.dtype)
    for top, left, bottom, right in boxes.tolist():
        samples[top:bottom, left:right] = value if samples.ndim == 3 else value[0]


def patterns(fill: Sequence[int], precision: int, *, signed: bool = False) -> list[int]:
    """Return bit patterns of a fill as values of `precision` bits, sign-extended when signed."""
    values = [pattern & ((1 << precision) - 1) for pattern in fill]
    if signed:
        return [value - (1 << precision) * (value >> (precision - 1)) for value in values]
    return values


def even(coded: bytes) -> bytes:
    """Return a coded frame padded to even length, as a fragment must be (A.4)."""
    return coded + bytes(len(coded) % 2)


def check_size(layout: Layout, coded: bytes) -> None:
    """Raise DicomError when a frame claims more samples than so many bytes can tell of.

    A decoder would take the memory first. Of one shade, JPEG 2000 and JPEG-LS code some 100,000
    samples in a byte.
    """
    n_samples = layout.rows * layout.columns * layout.samples_per_pixel
    if n_samples > max(_ALWAYS_FITS, _MOST_PER_BYTE * len(coded)):
        raise damaged("codec_frame_size")


def damaged(reason: str = "codec_damaged") -> DicomError:
    """Return the error of a stream that cannot be decoded."""
    return DicomError(reason, PIXEL_DATA)


class Codec(ABC):
    """Decodes and masks the frames of one instance.

    layout: how decoded samples stand. coded_layout: what the data set says.
    """

    def __init__(self, layout: Layout) -> None:
        self.coded_layout = layout
        self.layout = decoded_layout(layout)

    @abstractmethod
    def decode(self, frame: bytes) -> Samples:
        """Return the stored values of a frame, shape (rows, columns) or (rows, columns, 3).

        Raises DicomError when the frame is damaged, or not what the data set says.
        """

    @abstractmethod
    def _masked(self, frame: bytes, boxes: npt.NDArray[np.int32], fill: Sequence[int]) -> bytes:
        """Return the frame coded again with the clipped boxes filled."""

    def mask(self, frame: bytes, boxes: Sequence[Sequence[int]], fill: Sequence[int]) -> bytes:
        """Return a coded frame with boxes (top, left, bottom, right) filled; of even length.

        fill: the bit pattern of each sample of a pixel of `layout`, from `fill_samples`. What lies
        outside `grown` boxes keeps its samples. Without a box inside the frame it is returned as
        it is. Raises DicomError as `decode` does.
        """
        clipped = clip_boxes(boxes, self.layout)
        if len(fill) != self.layout.samples_per_pixel:
            raise DicomError("fill_samples")
        return self._masked(frame, clipped, fill) if len(clipped) else frame

    def grown(self, frame: bytes, boxes: Sequence[Sequence[int]]) -> list[Box]:  # noqa: ARG002
        """Return the boxes that `mask` really changes."""
        return [Box(*box) for box in clip_boxes(boxes, self.layout).tolist()]

    def changes(self, *, every_frame: bool) -> dict[int, str]:  # noqa: ARG002
        """Return the attributes that masking changes, tag -> text.

        every_frame: no frame keeps its coded bytes.
        """
        return {}
