"""Frames of a file as pictures for people: thumbnails in PNG, boxes outlined."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt
import pydicom
from pydicom.encaps import generate_frames
from pydicom.pixels.processing import apply_color_lut

from fastdeid import tags
from fastdeid.codecs import codec_for, is_coded
from fastdeid.codecs.codec import decoded_layout
from fastdeid.pixels.masked_box import MaskedBox
from fastdeid.pixels.native import NativeFrames
from fastdeid.verification.masked import layout_of

Samples = npt.NDArray[Any]
Picture = npt.NDArray[np.uint8]

SIDE: Final = 360
_OUTLINE: Final = (64, 64, 255)  # blue, green, red
_SHOWN: Final = (0.5, 99.5)  # per cent of the samples that a window of grey levels spans


class Frames:
    """The frames of one DICOM file. Raises DicomError, ValueError, AttributeError or OSError."""

    def __init__(self, path: bytes | str) -> None:
        self._ds = pydicom.dcmread(path, force=True)
        self._syntax = str(
            self._ds.file_meta.get("TransferSyntaxUID") or tags.EXPLICIT_VR_LITTLE_ENDIAN
        )
        layout = layout_of(self._ds)
        self._layout = layout
        self._codec = codec_for(self._syntax, layout) if is_coded(self._syntax) else None
        shown = decoded_layout(layout) if self._codec else layout
        self._photometric = shown.photometric_interpretation

    @property
    def n_frames(self) -> int:
        """Number of Frames."""
        return int(self._ds.get("NumberOfFrames") or 1)

    def samples(self, frame: int) -> Samples:
        """Return the stored samples of a frame, from 0, shape (rows, columns) or with colours."""
        number = self.n_frames
        value = self._ds.PixelData
        if self._codec is not None:
            coded = generate_frames(value, number_of_frames=number)
            return self._codec.decode(next(islice(coded, frame, None)))
        frames = NativeFrames(
            self._layout,
            number,
            len(value),
            big_endian=self._syntax == tags.EXPLICIT_VR_BIG_ENDIAN,
            is_word=self._ds["PixelData"].VR == "OW",
        )
        start, length = frames.group(frame // frames.group_size)
        return frames.samples(value[start : start + length], frame)

    def picture(self, samples: Samples, window: tuple[float, float]) -> Picture:
        """Return samples as (rows, columns, 3) in OpenCV's order. window: see `window_of`."""
        if self._photometric == "PALETTE COLOR":
            coloured = apply_color_lut(samples, self._ds)
            most = 65535 if coloured.dtype.itemsize > 1 and coloured.max() > 255 else 255
            return np.ascontiguousarray((coloured * (255.0 / most)).astype(np.uint8)[..., ::-1])
        low, high = window
        if samples.dtype == np.uint8 and samples.ndim == 3:
            levels = samples
        else:
            scaled = (samples.astype(np.float64) - low) * (255.0 / max(high - low, 1.0))
            levels = np.clip(scaled, 0, 255).astype(np.uint8)
        if levels.ndim == 2:
            levels = 255 - levels if self._photometric == "MONOCHROME1" else levels
            grey: Picture = cv2.cvtColor(levels, cv2.COLOR_GRAY2BGR)
            return grey
        if self._photometric.startswith("YBR"):
            swapped = np.ascontiguousarray(levels[..., (0, 2, 1)])
            colour: Picture = cv2.cvtColor(swapped, cv2.COLOR_YCrCb2BGR)
            return colour
        return np.ascontiguousarray(levels[..., ::-1])


def window_of(samples: Samples) -> tuple[float, float]:
    """Return the least and the largest sample that a picture should show."""
    low, high = np.percentile(samples, _SHOWN)
    return float(low), float(high)


def thumbnail(picture: Picture, boxes: Iterable[Sequence[int]] = ()) -> bytes:
    """Return a picture in PNG, no side longer than SIDE.

    boxes: top, left, bottom, right in pixels of the picture, outlined in the thumbnail.
    """
    rows, columns = picture.shape[:2]
    scale = min(1.0, SIDE / max(rows, columns))
    size = (max(1, round(columns * scale)), max(1, round(rows * scale)))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    for top, left, bottom, right in boxes:
        corners = [round(value * scale) for value in (left, top, right, bottom)]
        cv2.rectangle(small, corners[:2], (corners[2] - 1, corners[3] - 1), _OUTLINE, 1)
    _, png = cv2.imencode(".png", small)
    return bytes(png)


def boxes_in(masks: Iterable[MaskedBox], frame: int) -> list[tuple[int, int, int, int]]:
    """Return the boxes that were filled in a frame, from 0."""
    return [
        (one.top, one.left, one.bottom, one.right)
        for one in masks
        if one.first_frame <= frame + 1 <= one.last_frame
    ]
