"""The strokes of a line: lighter or darker than what they stand on, still or moving."""

from __future__ import annotations

from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from fastdeid.pixels.text_lines import TextLine

View = npt.NDArray[np.uint8]

# Strokes are thinner than this; lines that are higher are made smaller first.
_STROKE: Final = np.ones((13, 13), np.uint8)
_HIGHEST: Final = 48
# So much around a line shows what it stands on.
_MARGIN: Final = 8
# Strokes, and what lies between them, differ from their surroundings by this share of the most.
_INK: Final = 0.5
_LEAST_CONTRAST: Final = 5
# One of the two is nearer to the ground by this share of what they differ.
_CLEAR: Final = 0.25
# The middle of strokes differs by this share of the most. Where they stand still, this share of it
# changes by at most this share of what it differs.
_MIDDLE: Final = 0.7
_CHANGE: Final = 0.4
_STILL: Final = 0.85
# A line of which less than this share is unknown needs no box of its own.
_NEW: Final = 0.01


def _levels(piece: View, own: npt.NDArray[np.bool_], shape: int) -> npt.NDArray[Any] | None:
    """Return the samples in a line that are lighter, or darker, than those a stroke away."""
    differ: View = cv2.morphologyEx(piece, shape, _STROKE)
    most = float(np.percentile(differ[own], 95))
    return piece[own & (differ >= _INK * most)] if most >= _LEAST_CONTRAST else None


def _cut(view: View, line: TextLine) -> tuple[View, npt.NDArray[np.uint8]]:
    """Return a line with what lies around it, high ones smaller; and 1 where the line is."""
    top, left = max(line.top - _MARGIN, 0), max(line.left - _MARGIN, 0)
    piece = view[top : line.bottom + _MARGIN, left : line.right + _MARGIN]
    own = np.zeros(piece.shape, np.uint8)
    own[line.top - top : line.bottom - top, line.left - left : line.right - left] = 1
    times = -(-min(line.bottom - line.top, line.right - line.left) // _HIGHEST)
    if times > 1:
        size = (max(piece.shape[1] // times, 1), max(piece.shape[0] // times, 1))
        piece = cv2.resize(piece, size, interpolation=cv2.INTER_AREA)
        own = cv2.resize(own, size, interpolation=cv2.INTER_NEAREST)
    return piece, own


def ink_of(view: View, line: TextLine) -> int:
    """Return 1 when a line is lighter than its ground, -1 when darker, 0 when that is not clear.

    Beside white letters is something dark as well, but that is as dark as the ground around.
    """
    piece, own = _cut(view, line)
    inside = own.astype(np.bool_)
    light, dark = (
        _levels(piece, inside, shape) for shape in (cv2.MORPH_TOPHAT, cv2.MORPH_BLACKHAT)
    )
    if light is None or dark is None:
        return int(light is not None) - int(dark is not None)
    edge = inside & ~cv2.erode(own, np.ones((5, 5), np.uint8)).astype(np.bool_)
    ground = float(np.median(piece[~inside | edge]))
    above, below = float(np.median(light)), float(np.median(dark))
    nearer = abs(above - ground) - abs(below - ground)
    return int(np.sign(nearer)) if abs(nearer) >= _CLEAR * abs(above - below) else 0


def stands_still(least: View, largest: View, line: TextLine, ink: int, known: View) -> bool:
    """Tell whether all frames have the unknown strokes of a line, by least and largest samples.

    ink: 1 for strokes lighter than their ground, -1 for darker ones. known: 1 where text is known
    to stand. What passes behind light strokes is darker in the least samples, and changes more.
    """
    (lower, own), (upper, _), (covered, _) = (_cut(one, line) for one in (least, largest, known))
    piece, shape = (lower, cv2.MORPH_TOPHAT) if ink > 0 else (upper, cv2.MORPH_BLACKHAT)
    differ: View = cv2.morphologyEx(piece, shape, _STROKE)
    inside = own.astype(np.bool_)
    most = float(np.percentile(differ[inside], 95))
    if most < _LEAST_CONTRAST:
        return False
    strokes = inside & (differ >= _MIDDLE * most)
    new = strokes & (covered == 0)
    if new.sum() <= _NEW * strokes.sum():
        return False
    changes = cv2.subtract(upper, lower)[new]
    return bool((changes <= _CHANGE * differ[new]).mean() >= _STILL)
