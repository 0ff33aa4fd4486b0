"""What every OCR engine does: find lines of text, and read one."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from fastdeid.pixels.masks import Box

View = npt.NDArray[np.uint8]


class Reading(NamedTuple):
    """What an engine made of one strip.

    confidence: mean over the letters, 0 to 1. places: the middle of each letter, or both ends of
    each word, in columns of the strip; shape (n,).
    """

    text: str
    confidence: float
    places: npt.NDArray[np.float64]

    def __repr__(self) -> str:
        return f"Reading(confidence={self.confidence:.2f})"


class Engine(Protocol):
    """What finds and reads lines. name: for people."""

    name: str

    def find(self, view: View) -> list[Box]:
        """Return the boxes of the lines of text in a view, shape (rows, columns)."""

    def read(self, strip: View) -> Reading:
        """Read a strip with one line of text that runs to the right, shape (rows, columns)."""
