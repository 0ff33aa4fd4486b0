"""Typefaces of burnt-in text, in two splits that share no face, and lines drawn with them.

TrueType faces and X11 bitmaps come from Debian's packages fonts-dejavu-extra, fonts-liberation and
xfonts-base; the strokes of A. V. Hershey come with OpenCV before 5 (which draws another face under
these names).
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any, Final, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

Coverage = npt.NDArray[Any]

_TRUETYPE: Final = Path("/usr/share/fonts/truetype")
_X11: Final = Path("/usr/share/fonts/X11/misc")
# Height of a capital over the size of the em, near enough for all of these faces.
_CAPITAL: Final = 0.72
_HERSHEY_CAPITAL: Final = 21.0


class Face(NamedTuple):
    """A typeface: kind is "outline", "bitmap" or "strokes"."""

    kind: str
    name: str


def _faces(outlines: str, bitmaps: str, strokes: str) -> tuple[Face, ...]:
    return (
        *(Face("outline", name) for name in outlines.split()),
        *(Face("bitmap", name) for name in bitmaps.split()),
        *(Face("strokes", name) for name in strokes.split()),
    )


TRAINING: Final = _faces(
    "DejaVuSans DejaVuSans-Bold DejaVuSansMono DejaVuSansMono-Bold DejaVuSansCondensed "
    "DejaVuSans-Oblique DejaVuSerif-Bold DejaVuSerifCondensed LiberationSans-Regular "
    "LiberationSans-Bold LiberationSerif-Regular LiberationSerif-Bold LiberationMono-Bold "
    "LiberationSansNarrow-Regular LiberationSans-Regular LiberationSans-Bold",
    "5x7 6x10 6x13 7x13 7x13B 8x13 9x15 9x15B 10x20 clR6x12 clR8x14 clB8x12 clR5x8 8x16",
    "HERSHEY_SIMPLEX HERSHEY_DUPLEX HERSHEY_PLAIN HERSHEY_COMPLEX_SMALL HERSHEY_SIMPLEX",
)
HELD_OUT: Final = _faces(
    "DejaVuSerif DejaVuSansCondensed-Bold LiberationMono-Regular LiberationSans-Italic "
    "LiberationSansNarrow-Bold LiberationSerif-Italic",
    "5x8 6x12 7x14 8x13B 9x18 clR8x12 6x13B",
    "HERSHEY_TRIPLEX HERSHEY_COMPLEX",
)


@functools.lru_cache(maxsize=512)
def _font(path: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(path, size)


def _bitmap_path(name: str) -> Path:
    latin = _X11 / f"{name}-ISO8859-1.pcf.gz"
    return latin if latin.exists() else _X11 / f"{name}.pcf.gz"


def _drawn(font: ImageFont.FreeTypeFont, text: str, *, smooth: bool) -> Coverage:
    left, top, right, bottom = font.getbbox(text)
    image = Image.new("L", (int(right - left) + 2, int(bottom - top) + 2))
    canvas = ImageDraw.Draw(image)
    canvas.fontmode = "L" if smooth else "1"
    canvas.text((1 - left, 1 - top), text, fill=255, font=font)
    return np.asarray(image)


def _stroked(name: str, text: str, capital: float, thickness: int, *, smooth: bool) -> Coverage:
    face = getattr(cv2, f"FONT_{name}")
    high = 9.0 if name == "HERSHEY_PLAIN" else _HERSHEY_CAPITAL
    high = 15.0 if name == "HERSHEY_COMPLEX_SMALL" else high
    scale = max(capital, 8.0) / high
    (width, height), below = cv2.getTextSize(text, face, scale, thickness)
    image = np.zeros((height + below + 8, width + 8), np.uint8)
    line = cv2.LINE_AA if smooth else cv2.LINE_8
    cv2.putText(image, text, (4, height + 4), face, scale, 255, thickness, line)
    return image


def _heavier(ink: Coverage, capital: float, rng: np.random.Generator) -> Coverage:
    """Return a line with thicker strokes, as black faces have."""
    wide = 2 if capital < 16 else int(rng.integers(2, 2 + round(capital / 8)))
    return cv2.dilate(np.pad(ink, wide), np.ones((int(rng.integers(1, wide + 1)), wide), np.uint8))


def draw_line(
    face: Face, text: str, capital: float, rng: np.random.Generator, *, heavy: float = 0.0
) -> Coverage:
    """Draw one line of text with capitals of about `capital` pixels; 255 is full ink.

    heavy: the share of lines whose strokes are made thicker.
    """
    smooth = bool(rng.random() < 0.75)
    if face.kind == "outline":
        folder = "dejavu" if face.name.startswith("DejaVu") else "liberation"
        path = str(_TRUETYPE / folder / f"{face.name}.ttf")
        ink = _drawn(_font(path, max(7, round(capital / _CAPITAL))), text, smooth=smooth)
    elif face.kind == "bitmap":
        size = int(face.name.rstrip("B").partition("x")[2])
        ink = _drawn(_font(str(_bitmap_path(face.name)), size), text, smooth=False)
        times = max(1, round(capital / (0.7 * size)))
        if times > 1:
            ink = np.kron(ink, np.ones((times, times), np.uint8))
    else:
        thickness = 1 if capital < 14 else int(rng.integers(1, 3 + int(capital > 28)))
        ink = _stroked(face.name, text, capital, thickness, smooth=smooth)
    if heavy and capital >= 8 and rng.random() < heavy:
        ink = _heavier(ink, capital, rng)
    rows, columns = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
    if not rows.size:
        return np.zeros((1, 1), np.uint8)
    return np.ascontiguousarray(ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
