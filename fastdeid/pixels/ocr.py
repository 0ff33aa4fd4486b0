"""Read burnt-in text, with the extra `fastdeid[ocr]`: RapidOCR's models, else Tesseract.

What was read is PHI until it is judged: it is never logged, and `repr` does not show it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import cv2
import msgspec
import numpy as np
import numpy.typing as npt

from fastdeid.errors import UsageError
from fastdeid.pixels import ocr_rapid, ocr_tesseract
from fastdeid.pixels.masks import Box
from fastdeid.pixels.ocr_engine import Engine, Reading

View = npt.NDArray[np.uint8]
Boxes = Sequence[Sequence[int]]

HINT: Final = "pip install 'fastdeid[ocr]', or install tesseract-ocr"
# A line is searched in its box with so much around it, of the lesser side of the box, and at least
# so many samples.
_AROUND: Final = 0.5
_LEAST_AROUND: Final = 6
# A box so much higher than wide holds text that runs up or down.
_UPRIGHT: Final = 1.5
# Below this the line is read once more, with light and dark swapped.
_SURE: Final = 0.9
# Ink differs from what is around it by this share of the contrast of its line, and by so many
# levels. A letter explains the ink beside its middle as far as this share of the height of the ink.
_INK: Final = 0.25
_LEAST_INK: Final = 10
_STRONG: Final = 0.5
_REACH: Final = 0.7
# Boxes side by side are one line when the gap between them is less than so much of the lesser
# height; as far beside a line, letters may stand that belong to its words.
_GAP: Final = 0.5


class OcrMissingError(UsageError):
    """Text is to be read, and nothing that reads is installed."""

    def __init__(self) -> None:
        super().__init__(f"reading text needs an OCR engine: {HINT}")


class ReadLine(msgspec.Struct, frozen=True):
    """A line of text in a view: the box that was looked at, what it says, and how sure that is.

    confidence: 0 to 1. explained: share of the inked columns of the box that stand beside a letter
    that was read; less than 1 where something was not read. letters: the part of the box that
    stands beside these letters. upright: it runs up or down.
    """

    box: Box
    text: str
    confidence: float
    explained: float
    letters: Box
    upright: bool = False

    def __repr__(self) -> str:
        return f"ReadLine({self.box}, confidence={self.confidence:.2f})"


def open_engine() -> Engine:
    """Return the best engine that is installed. Raises OcrMissingError when there is none."""
    for open_one in (ocr_rapid.open_engine, ocr_tesseract.open_engine):
        engine: Engine | None = open_one()
        if engine is not None:
            return engine
    raise OcrMissingError


def is_installed() -> bool:
    """Tell whether `open_engine` has something to return; nothing is loaded."""
    return ocr_rapid.find_models() is not None or ocr_tesseract.find_program() is not None


class Reader:
    """Reads lines of text in views of 8 bits, light on dark or dark on light."""

    def __init__(self, engine: Engine | None = None) -> None:
        """engine: by default the best one. Raises OcrMissingError when there is none."""
        self._engine = open_engine() if engine is None else engine
        self.name = self._engine.name

    def read_all(self, view: View) -> list[ReadLine]:
        """Find and read the lines of text in a view, shape (rows, columns)."""
        return [self.read_line(view, box) for box in self._engine.find(view)]

    def read(self, view: View, boxes: Boxes) -> list[ReadLine]:
        """Find and read the lines of text in and about some boxes of a view.

        boxes: top, left, bottom, right, end exclusive; those that meet are looked at together, and
        what stands in none of them is left out. A box in which no line is found is read as one,
        unless nothing differs in it: engines read letters into that, too.
        """
        lines: list[ReadLine] = []
        for group in together(boxes, view.shape):
            area = _grown(_hull(group), view.shape)
            crop = np.ascontiguousarray(view[area.top : area.bottom, area.left : area.right])
            found = [_moved(box, area.top, area.left) for box in self._engine.find(crop)]
            rows = [row for row in rows_of(found, group) if _has_ink(view, row[0])]
            lines += [self.read_line(view, row, around) for row, around in rows]
        return lines

    def read_line(self, view: View, box: Box, around: Box | None = None) -> ReadLine:
        """Read one line, all of which stands in a box of the view.

        around: a box to its left and right that the line may reach into; what is inked there and
        was not read counts against the reading. None for nothing.
        """
        strip = np.ascontiguousarray(_part(view, box))
        if _is_upright(box):
            turns = [np.ascontiguousarray(np.rot90(strip, turn)) for turn in (1, 3)]
            best, shown = self._best(turns)
            explained, _ = share_explained(shown, best.places)
            return ReadLine(box, best.text, best.confidence, explained, box, upright=True)
        best, _ = self._best([strip])
        whole = box if around is None else Box(box.top, around.left, box.bottom, around.right)
        places = best.places + (box.left - whole.left)
        explained, reach = share_explained(np.ascontiguousarray(_part(view, whole)), places)
        letters = _about(whole, places, reach)
        return ReadLine(whole, best.text, best.confidence, explained, letters)

    def _best(self, strips: Sequence[View]) -> tuple[Reading, View]:
        """Return what was read with most confidence of strips, or of them inverted, and which."""
        best, shown = self._surest(strips)
        if best.confidence < _SURE:
            other, inverted = self._surest([np.asarray(255 - strip) for strip in strips])
            if other.confidence > best.confidence:
                best, shown = other, inverted
        return best, shown

    def _surest(self, strips: Sequence[View]) -> tuple[Reading, View]:
        readings = [self._engine.read(strip) for strip in strips]
        return max(zip(readings, strips, strict=True), key=lambda one: one[0].confidence)


def together(boxes: Boxes, shape: Sequence[int]) -> list[list[Box]]:
    """Return boxes in groups that meet; shape: rows and columns to which they are cut."""
    rows, columns = shape[:2]
    cut = [
        Box(max(top, 0), max(left, 0), min(bottom, rows), min(right, columns))
        for top, left, bottom, right in boxes
    ]
    groups: list[list[Box]] = []
    for box in cut:
        if box.top >= box.bottom or box.left >= box.right:
            continue
        meeting = [group for group in groups if any(box.meets(one) for one in group)]
        groups = [group for group in groups if group not in meeting]
        groups.append([box, *(one for group in meeting for one in group)])
    return groups


def rows_of(found: Sequence[Box], group: Sequence[Box]) -> list[tuple[Box, Box]]:
    """Return the lines in a group of boxes, from the boxes that an engine has found there.

    Each with a box that holds what stands beside it: as far as the group reaches, half the way to
    the next line, and no further than letters of its own might. What stands side by side without a
    gap is one line. Boxes that none of them meets are lines themselves.
    """
    near = [box for box in found if any(box.meets(one) for one in group)]
    rows = [(box, box) for box in near if _is_upright(box)]
    level: list[Box] = []
    for box in sorted(one for one in near if not _is_upright(one)):
        beside = [one for one in level if _are_beside(one, box) and _gap(one, box) < _GAP]
        level = [one for one in level if one not in beside]
        level.append(_hull([box, *beside]))
    rows += [(box, _around(box, level, group)) for box in level]
    rows += [(box, box) for box in group if not any(box.meets(row) for row, _ in rows)]
    return sorted(rows)


def _gap(one: Box, other: Box) -> float:
    """Return how far two boxes are from one another sideways, in the lesser height."""
    apart = max(one.left, other.left) - min(one.right, other.right)
    return apart / min(one.bottom - one.top, other.bottom - other.top)


def _around(line: Box, lines: Sequence[Box], group: Sequence[Box]) -> Box:
    """Return a line with what may belong to it at both sides."""
    hull = _hull([line, *(box for box in group if _are_beside(line, box))])
    reach = round(_GAP * (line.bottom - line.top))
    left, right = max(hull.left, line.left - reach), min(hull.right, line.right + reach)
    for other in lines:
        if other is line or not _are_beside(line, other):
            continue
        if other.right <= line.left:
            left = max(left, (other.right + line.left) // 2)
        elif other.left >= line.right:
            right = min(right, -(-(line.right + other.left) // 2))
    return Box(line.top, left, line.bottom, right)


def _about(box: Box, places: npt.NDArray[np.float64], reach: float) -> Box:
    """Return the part of a box that stands beside letters; places: their middles in its columns."""
    if not places.size:
        return box
    left, right = box.left + float(places.min()) - reach, box.left + float(places.max()) + reach
    return box._replace(left=max(int(left), box.left), right=min(round(right + 0.5), box.right))


def _part(view: View, box: Box) -> View:
    return view[box.top : box.bottom, box.left : box.right]


def _has_ink(view: View, box: Box) -> bool:
    strip = view[box.top : box.bottom, box.left : box.right]
    return int(strip.max()) - int(strip.min()) >= _LEAST_INK


def _is_upright(box: Box) -> bool:
    return box.bottom - box.top > _UPRIGHT * (box.right - box.left)


def _are_beside(one: Box, other: Box) -> bool:
    """Tell whether two boxes share half of the lesser height."""
    shared = min(one.bottom, other.bottom) - max(one.top, other.top)
    return 2 * shared >= min(one.bottom - one.top, other.bottom - other.top)


def share_explained(strip: View, places: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Return the share of the inked columns of a strip that have a letter beside them.

    Ink is what differs from its surroundings; beyond the letters, what does so as they do, since
    letters of the same line would. places: middles of letters, in columns. The second number is how
    far beside its middle a letter explains ink, in columns.
    """
    ground = cv2.medianBlur(strip, min(2 * (strip.shape[0] // 2) + 1, 255))
    difference = cv2.absdiff(strip, ground)
    contrast = float(np.percentile(difference, 98))
    strong = difference > _STRONG * contrast
    rows = np.flatnonzero(strong.any(1))
    reach = _REACH * (int(rows[-1] - rows[0] + 1) if rows.size else strip.shape[0])
    inked = (difference > max(_INK * contrast, _LEAST_INK)).any(0)
    if not inked.any():
        return 1.0, reach
    if not places.size:
        return 0.0, reach
    first, last = max(int(places.min() - reach), 0), int(places.max() + reach) + 1
    beyond = (strong & (difference > _LEAST_INK)).any(0)
    inked[:first], inked[last:] = beyond[:first], beyond[last:]
    columns = np.flatnonzero(inked)
    distances = np.abs(columns[:, None] - places[None]).min(1)
    return float((distances <= reach).mean()), reach


def _hull(boxes: Sequence[Box]) -> Box:
    tops, lefts, bottoms, rights = zip(*boxes, strict=True)
    return Box(min(tops), min(lefts), max(bottoms), max(rights))


def _grown(box: Box, shape: Sequence[int]) -> Box:
    """Return a box with its surroundings."""
    lesser = min(box.bottom - box.top, box.right - box.left)
    pad = max(_LEAST_AROUND, round(_AROUND * lesser))
    return Box(
        max(box.top - pad, 0),
        max(box.left - pad, 0),
        min(box.bottom + pad, shape[0]),
        min(box.right + pad, shape[1]),
    )


def _moved(box: Box, down: int, right: int) -> Box:
    return Box(box.top + down, box.left + right, box.bottom + down, box.right + right)
