"""Text in faces of several families: strokes, outlines and bitmaps.

Always there: what OpenCV draws (the strokes of A. V. Hershey, outlines since OpenCV 5), the
outlines of Aileron that Pillow brings, and X11's fixed 7x13, of which a few glyphs stand here
("Public domain font. Share and enjoy."). DejaVu and Liberation where Debian's packages
fonts-dejavu-core and fonts-liberation are installed.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

Coverage = npt.NDArray[np.uint8]
Draw = Callable[[str], Coverage]

_SIZE: Final = 16
# Rows of 7 x 13 samples, the first sample of a row is the bit of 64.
_GLYPHS: Final = {
    "A": "000018244242427e4242420000",
    "D": "00007c222222222222227c0000",
    "E": "00007e404040784040407e0000",
    "J": "00000e04040404040444380000",
    "N": "0000424262524a464242420000",
    "O": "00003c424242424242423c0000",
    ",": "0000000000000000001c182000",
    "0": "00001824424242424224180000",
    "1": "000008182808080808083e0000",
    "5": "00007e40405c620202423c0000",
    "9": "00003c4242463a020204380000",
    " ": "00" * 13,
}
_DEBIAN: Final = {
    "DejaVu Sans": "dejavu/DejaVuSans.ttf",
    "DejaVu Serif": "dejavu/DejaVuSerif.ttf",
    "DejaVu Sans Mono, bold": "dejavu/DejaVuSansMono-Bold.ttf",
    "Liberation Sans": "liberation/LiberationSans-Regular.ttf",
    "Liberation Serif, bold": "liberation/LiberationSerif-Bold.ttf",
    "Liberation Mono": "liberation/LiberationMono-Regular.ttf",
}
_TRUETYPE: Final = Path("/usr/share/fonts/truetype")


def _strokes(text: str, *, face: int) -> Coverage:
    ink = np.zeros((40, 400), np.uint8)
    cv2.putText(ink, text, (8, 26), face, 0.55, 255, 1, cv2.LINE_AA)
    return ink


def _outlines(text: str, *, font: Any, smooth: bool = True) -> Coverage:
    image = Image.new("L", (400, 40))
    canvas = ImageDraw.Draw(image)
    canvas.fontmode = "L" if smooth else "1"
    canvas.text((8, 8), text, fill=255, font=font)
    return np.asarray(image)


def _bitmap(text: str) -> Coverage:
    glyphs = [
        np.unpackbits(np.frombuffer(bytes.fromhex(_GLYPHS[letter]), np.uint8)[:, None], axis=1)
        for letter in text
    ]
    return np.hstack([glyph[:, 1:] for glyph in glyphs]) * np.uint8(255)


def _faces() -> dict[str, Draw]:
    aileron = ImageFont.load_default(_SIZE)
    faces: dict[str, Draw] = {
        "OpenCV": functools.partial(_strokes, face=cv2.FONT_HERSHEY_SIMPLEX),
        "Aileron": functools.partial(_outlines, font=aileron),
        "X11 7x13": _bitmap,
        "Aileron, not smoothed": functools.partial(_outlines, font=aileron, smooth=False),
    }
    for name, path in _DEBIAN.items():
        if (_TRUETYPE / path).exists():
            font = ImageFont.truetype(str(_TRUETYPE / path), _SIZE)
            faces[name] = functools.partial(_outlines, font=font)
    return faces


FACES: Final = _faces()


def drawn(face: str, text: str) -> Coverage:
    """Return how much of each sample a line of text covers, 0 to 255, without empty edges."""
    ink = FACES[face](text)
    rows, columns = (np.flatnonzero(ink.any(axis)) for axis in (1, 0))
    return np.ascontiguousarray(ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
