"""Tesseract, by its program: where RapidOCR is not installed."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from fastdeid.errors import DicomError
from fastdeid.pixels.masks import Box
from fastdeid.pixels.ocr_engine import Reading

View = npt.NDArray[np.uint8]

_PROGRAM: Final = "tesseract"
# Page segmentation modes: one line, sparse text.
_ONE_LINE, _SPARSE = "7", "11"
_WORD: Final = "5"
# Capitals of some 25 samples are read best.
_HIGH: Final = 36
_MARGIN: Final = 12
_ZOOM: Final = 2
_AROUND: Final = 3
_LARGEST_SIDE: Final = 8000
_SECONDS: Final = 120


class _Word(NamedTuple):
    """A word. line: of which it is part."""

    line: tuple[str, ...]
    left: int
    top: int
    width: int
    height: int
    confidence: float
    text: str


def find_program() -> str | None:
    """Return the path of the program, None where it is not installed."""
    return shutil.which(_PROGRAM)


def open_engine() -> TesseractEngine | None:
    """Return the engine; None when the program is not installed."""
    program = find_program()
    return None if program is None else TesseractEngine(program)


class TesseractEngine:
    """Finds and reads lines with the program Tesseract, in English letters."""

    name = "tesseract"

    def __init__(self, program: str) -> None:
        self._program = program

    def find(self, view: View) -> list[Box]:
        """Return the boxes of the lines of text in a view, shape (rows, columns)."""
        rows, columns = view.shape
        zoom = max(1, min(_ZOOM, _LARGEST_SIDE // max(rows, columns)))
        large: Any = cv2.resize(view, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_CUBIC)
        boxes: list[Box] = []
        # It wants dark letters on light ground, and finds few of the others.
        for page in (255 - large, large):
            boxes += [
                box
                for box in _line_boxes(self._words(page, _SPARSE), zoom, rows, columns)
                if not any(box.meets(one) for one in boxes)
            ]
        return sorted(boxes)

    def read(self, strip: View) -> Reading:
        """Read a strip with one line of text that runs to the right, shape (rows, columns)."""
        zoom = _HIGH / strip.shape[0]
        width = min(max(round(strip.shape[1] * zoom), 1), _LARGEST_SIDE)
        large: Any = cv2.resize(strip, (width, _HIGH), interpolation=cv2.INTER_CUBIC)
        # Dark letters on light ground, as on paper.
        page = np.pad(255 - large, _MARGIN, mode="edge")
        words = self._words(page, _ONE_LINE)
        if not words:
            return Reading("", 0.0, np.zeros(0))
        text = " ".join(word.text for word in words)
        counts = [len(word.text) for word in words]
        confidence = float(np.average([word.confidence for word in words], weights=counts))
        # Where each letter stands is not told: they are spread evenly over their word.
        places = [
            word.left + word.width * (number + 0.5) / len(word.text)
            for word in words
            for number in range(len(word.text))
        ]
        scale = strip.shape[1] / width
        return Reading(text, confidence, (np.array(places) - _MARGIN) * scale)

    def _words(self, page: View, mode: str) -> list[_Word]:
        """Return the words of a page. Raises DicomError when the program fails."""
        coded = cv2.imencode(".png", page)[1].tobytes()
        try:
            done = subprocess.run(
                [self._program, "stdin", "stdout", "--psm", mode, "tsv"],
                input=coded,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "OMP_THREAD_LIMIT": "1"},
                timeout=_SECONDS,
                check=True,
            )
        except (OSError, subprocess.SubprocessError):
            raise DicomError("ocr_failed") from None
        return list(_parsed(done.stdout.decode("utf-8", "replace")))


def _parsed(table: str) -> list[_Word]:
    words = []
    for line in table.splitlines()[1:]:
        cells = line.split("\t")
        if len(cells) < 12 or cells[0] != _WORD or not cells[11].strip():
            continue
        left, top, width, height = (int(cell) for cell in cells[6:10])
        confidence = max(float(cells[10]), 0.0) / 100
        words.append(
            _Word(tuple(cells[2:5]), left, top, width, height, confidence, cells[11].strip())
        )
    return words


def _line_boxes(words: Sequence[_Word], zoom: int, rows: int, columns: int) -> list[Box]:
    """Return the boxes of the lines that words make up, in samples of the view."""
    lines: dict[tuple[str, ...], list[_Word]] = {}
    for word in words:
        lines.setdefault(word.line, []).append(word)
    around = _AROUND * zoom
    return [
        Box(
            max(min(word.top for word in line) - around, 0) // zoom,
            max(min(word.left for word in line) - around, 0) // zoom,
            min(-(-(max(word.top + word.height for word in line) + around) // zoom), rows),
            min(-(-(max(word.left + word.width for word in line) + around) // zoom), columns),
        )
        for line in lines.values()
    ]
