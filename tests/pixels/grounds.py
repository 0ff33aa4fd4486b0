"""What stands behind text: generated pictures, and parts of the real ones in pydicom's wheel."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
import pydicom
from pydicom.data import get_testdata_file

from tests.pixels.files import COLUMNS, ROWS

Ground = npt.NDArray[np.float64]

_DARK, _BRIGHT = 0.05, 0.4


def _of_file(name: str, top: int, left: int, zoom: int) -> Ground:
    """Return a part of a real picture, enlarged."""
    path = get_testdata_file(name, download=False)
    assert isinstance(path, str)
    pixels = pydicom.dcmread(path).pixel_array.astype(np.float64)
    part = pixels[top : top + ROWS // zoom, left : left + COLUMNS // zoom]
    assert part.shape == (ROWS // zoom, COLUMNS // zoom)
    return np.asarray(cv2.resize(part, (COLUMNS, ROWS), interpolation=cv2.INTER_LINEAR))


def _speckle() -> Ground:
    noise = np.random.default_rng(3).gamma(2, 1, (ROWS, COLUMNS))
    return np.asarray(cv2.GaussianBlur(noise, (0, 0), 2))


def _ramp() -> Ground:
    return np.repeat(np.linspace(0, 1, COLUMNS)[None], ROWS, 0)


_MADE: Final[dict[str, Callable[[], Ground]]] = {
    "flat": lambda: np.zeros((ROWS, COLUMNS)),
    "ramp": _ramp,
    "speckle": _speckle,
    "CT": lambda: _of_file("CT_small.dcm", 30, 10, 2),
    "MR": lambda: _of_file("examples_overlay.dcm", 100, 140, 1),
}
GROUNDS: Final = tuple(_MADE)


@functools.cache
def ground(name: str) -> Ground:
    """Return a picture without text, (ROWS, COLUMNS), between 0.05 and 0.4."""
    made = _MADE[name]()
    spread = float(made.max() - made.min()) or 1.0
    return np.asarray(_DARK + (_BRIGHT - _DARK) * (made - made.min()) / spread)
