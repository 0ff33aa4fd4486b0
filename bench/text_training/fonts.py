"""Typefaces of burnt-in text, in two splits that share no face, and lines drawn with them.

Outlines and X11 bitmaps come from Debian's packages (PACKAGES, below); the strokes of A. V. Hershey
come with OpenCV before 5 (which draws another face under these names).
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

PACKAGES: Final = (
    "fonts-dejavu-extra fonts-liberation xfonts-base xfonts-75dpi xfonts-100dpi fonts-freefont-ttf "
    "fonts-roboto-unhinted fonts-open-sans fonts-lato fonts-inconsolata fonts-hack "
    "fonts-urw-base35 fonts-crosextra-carlito fonts-crosextra-caladea fonts-cantarell "
    "fonts-linuxlibertine fonts-droid-fallback fonts-b612 fonts-go fonts-ocr-b fonts-comic-neue"
)
_OUTLINES: Final = Path("/usr/share/fonts")
_X11: Final = Path("/usr/share/fonts/X11")
# Pixels of the em of X11's faces of 100 dpi, by their points.
_EM_AT_100_DPI: Final = {8: 11, 10: 14, 12: 17, 14: 20, 18: 25, 24: 34}
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
    "LiberationSansNarrow-Regular LiberationSans-Regular LiberationSans-Bold "
    "DejaVuSans DejaVuSans-Bold DejaVuSansMono LiberationSans-Regular LiberationSans-Bold "
    "Hack-Regular Hack-Bold Lato-Regular Lato-Light Lato-Black Lato-Italic OpenSans-Regular "
    "OpenSans-CondBold OpenSans-ExtraBold OpenSans-CondLight Carlito-Regular Carlito-Bold "
    "Caladea-Regular FreeMono FreeMonoBold FreeSans FreeSansBold FreeSerif FreeSerifItalic "
    "Roboto-Regular Roboto-Black Roboto-Italic RobotoCondensed-Regular RobotoCondensed-Bold "
    "Go-Regular Go-Mono Go-Bold Inconsolata NimbusMonoPS-Regular NimbusMonoPS-Bold "
    "URWGothic-Book URWBookman-Demi C059-Roman P052-Roman LinLibertine_R LinBiolinum_R "
    "B612-Regular B612Mono-Regular OCRB ComicNeue-Regular Cantarell-Bold",
    "5x7 6x10 6x13 7x13 7x13B 8x13 9x15 9x15B 10x20 clR6x12 clR8x14 clB8x12 clR5x8 8x16 "
    "6x10 6x13 7x13 8x13 9x15 75dpi/helvR08 75dpi/helvR12 75dpi/helvB10 75dpi/helvB14 "
    "75dpi/courR12 75dpi/lubR10 75dpi/luRS12 75dpi/lutRS10 75dpi/ncenR14 75dpi/timR12 "
    "100dpi/helvR10 100dpi/helvB12 100dpi/helvR18 100dpi/courB10 100dpi/courR14 100dpi/luBS12 "
    "100dpi/charR10 100dpi/timB14",
    "HERSHEY_SIMPLEX HERSHEY_DUPLEX HERSHEY_PLAIN HERSHEY_COMPLEX_SMALL HERSHEY_SIMPLEX "
    "HERSHEY_SIMPLEX HERSHEY_DUPLEX HERSHEY_PLAIN HERSHEY_COMPLEX_SMALL HERSHEY_SIMPLEX",
)
# Faces with other letters than Latin ones, of training alone.
CYRILLIC_AND_GREEK: Final = _faces(
    "DejaVuSans DejaVuSans-Bold LiberationSans-Regular FreeSans FreeMono Roboto-Regular", "", ""
)
EAST_ASIAN: Final = _faces("DroidSansFallbackFull", "", "")
HELD_OUT: Final = _faces(
    "DejaVuSerif DejaVuSansCondensed-Bold LiberationMono-Regular LiberationSans-Italic "
    "LiberationSansNarrow-Bold LiberationSerif-Italic",
    "5x8 6x12 7x14 8x13B 9x18 clR8x12 6x13B",
    "HERSHEY_TRIPLEX HERSHEY_COMPLEX",
)


@functools.lru_cache(maxsize=512)
def _font(path: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(path, size)


@functools.cache
def _outline_path(name: str) -> str:
    found = [*_OUTLINES.rglob(f"{name}.ttf"), *_OUTLINES.rglob(f"{name}.otf")]
    if not found:
        raise FileNotFoundError(f"{name}: install {PACKAGES}")
    return str(min(found))


def _bitmap(name: str) -> tuple[str, int]:
    """Return the file of a bitmap face, and the pixels of its em."""
    folder, _, face = name.rpartition("/")
    at = _X11 / (folder or "misc")
    latin = at / f"{face}-ISO8859-1.pcf.gz"
    path = str(latin if latin.exists() else at / f"{face}.pcf.gz")
    if not folder:
        return path, int(face.rstrip("B").partition("x")[2])
    points = int(face[-2:])
    return path, _EM_AT_100_DPI[points] if folder == "100dpi" else points


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
        font = _font(_outline_path(face.name), max(7, round(capital / _CAPITAL)))
        ink = _drawn(font, text, smooth=smooth)
    elif face.kind == "bitmap":
        path, size = _bitmap(face.name)
        ink = _drawn(_font(path, size), text, smooth=False)
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
