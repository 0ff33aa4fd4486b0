"""Decide per line of burnt-in text whether it stays: `keep = "measurements"` of a profile.

A line stays only if it was read with confidence, the letters explain its ink, it says nothing but
measurements, settings, lateralities and orientations, and resembles nothing that the headers know
of the patient or the staff. All other samples of a mask stay masked.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from fastdeid.identity import PARTICLE, Identity
from fastdeid.letters import fold
from fastdeid.pixels.examine import TEXT, Examination, FrameMask, Masks, examination_of
from fastdeid.pixels.masks import Box
from fastdeid.pixels.measurements import is_measurement
from fastdeid.pixels.ocr import Reader, ReadLine, together

View = npt.NDArray[np.uint8]
Bitmap = npt.NDArray[np.bool_]

# With these, and PP-OCRv6 of rapidocr 3.10, every line about people that was read went, and about
# 84 % of the others stayed (figures: docs/pixels.md). Numbers of examinations, and n/m that may be
# dates, are among those that go: they are meant to.
CONFIDENCE: Final = 0.8
EXPLAINED: Final = 0.9
# Letters of a name, or digits of an identifier, of which one in so many may be read wrongly.
_ONE_WRONG_IN: Final = 5
_SHORTEST: Final = 3
# What OCR takes for one another.
_ALIKE: Final = str.maketrans("01i58", "olls b".replace(" ", ""))
_NO_WORD: Final = re.compile(r"[\W_]+")
# What is left of a mask beside lines that stay: thinner than this, or flatter, it holds no text.
_THIN: Final = 4
_FLAT: Final = 12
# Frames whose samples differ by more show another text.
_SAME: Final = 6
_OTHER_FRAMES: Final = "not the same in every frame"
# Beyond so many the lines that were read are forgotten.
_MOST: Final = 1 << 10


class Known:
    """What the headers of a file know of people, places, numbers and days, for OCR's spelling."""

    def __init__(self, identity: Identity) -> None:
        names = {word for word, kind in identity.words.items() if kind != PARTICLE}
        pieces = names | {*identity.pieces, *identity.phrases, *identity.numbers}
        self._pieces = {_alike(piece) for piece in pieces if len(piece) >= _SHORTEST}
        self._words = {_alike(word) for word in (*names, *identity.abbreviations)}
        self._initials = frozenset(identity.initials)
        self._numbers = {day.year for day in identity.days}
        self._numbers |= {int(number) for number in identity.numbers if number.isdecimal()}

    def resembles(self, text: str) -> bool:
        """Tell whether something in a text is, or nearly is, one of these."""
        folded = fold(unicodedata.normalize("NFKC", text))
        words = _NO_WORD.split(folded)
        if any(_alike(word) in self._words for word in words if word):
            return True
        if folded.isalpha() and len(folded) in {2, 3} and self._initials.issuperset(folded):
            return True
        if any(int(number) in self._numbers for number in re.findall(r"[0-9]+", folded)):
            return True
        squeezed = _alike("".join(words))
        return any(
            _distance_inside(piece, squeezed) <= len(piece) // _ONE_WRONG_IN
            for piece in self._pieces
        )


def _alike(word: str) -> str:
    """Return a word with letters that OCR takes for one another as one of them."""
    return word.translate(_ALIKE)


def _distance_inside(piece: str, text: str) -> int:
    """Return the edits from a piece to the part of a text that is most like it."""
    if piece in text:
        return 0
    before = [0] * (len(text) + 1)
    for number, letter in enumerate(piece, 1):
        row = [number]
        for place, other in enumerate(text, 1):
            row.append(min(before[place] + 1, row[-1] + 1, before[place - 1] + (letter != other)))
        before = row
    return min(before)


def why_not(line: ReadLine, known: Known) -> str:
    """Return why a line that was read may not stay, "" when it may."""
    if line.confidence < CONFIDENCE:
        return "not read with confidence"
    if line.explained < EXPLAINED:
        return "not all of its ink was read"
    if not is_measurement(line.text):
        return "says other things than measurements"
    return "resembles what the headers know" if known.resembles(line.text) else ""


class Decided(NamedTuple):
    """What was decided of a line. frame: from 0, None for every one. box: of its letters.

    why_not: why it goes, "" when it stays.
    """

    frame: int | None
    box: Box
    confidence: float
    why_not: str


class Kept(NamedTuple):
    """An examination without the lines that stay, and what was decided of each that was read."""

    found: Examination
    decided: tuple[Decided, ...]


class Keeper:
    """Takes lines that stay out of what an examination has come to."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._known: dict[tuple[int, int, bytes], list[ReadLine]] = {}

    def without_kept(
        self,
        found: Examination,
        view_of: Callable[[int], View],
        n_frames: int,
        identity: Identity,
    ) -> Kept:
        """Return the examination without the lines that stay.

        view_of: returns frame i, from 0, as 8 bits (rows, columns), all in the same window. Text of
        every frame stays only where all frames show the same.
        """
        known = Known(identity)
        first = view_of(0)
        every, decided = found.every_frame, []
        if any(mask.reason == TEXT for mask in every):
            lines = self._read(first, every)
            judged = _decided(None, lines, known)
            same = _same_in_all(
                [one.box for one in judged if not one.why_not], first, view_of, n_frames
            )
            judged = [
                one if one.why_not or one.box in same else one._replace(why_not=_OTHER_FRAMES)
                for one in judged
            ]
            every = _left(every, same, lines, first)
            decided += judged
        single = {}
        for frame, masks in found.single_frames.items():
            view = first if frame == 0 else view_of(frame)
            lines = self._read(view, masks)
            judged = _decided(frame, lines, known)
            single[frame] = _left(
                masks, [one.box for one in judged if not one.why_not], lines, view
            )
            decided += judged
        single = {frame: masks for frame, masks in single.items() if masks}
        return Kept(examination_of(every, single, first.shape), tuple(decided))

    def _read(self, view: View, masks: Masks) -> list[ReadLine]:
        """Read the text in masks of a view; what was read before is known."""
        boxes = [mask.box for mask in masks if mask.reason == TEXT]
        lines: list[ReadLine] = []
        for group in together(boxes, view.shape):
            area = _hull(group)
            crop = view[area.top : area.bottom, area.left : area.right]
            key = (area.top, area.left, crop.tobytes())
            if key not in self._known:
                if len(self._known) >= _MOST:
                    self._known.clear()
                self._known[key] = self._reader.read(view, group)
            lines += self._known[key]
        return lines


def _decided(frame: int | None, lines: Iterable[ReadLine], known: Known) -> list[Decided]:
    return [Decided(frame, line.letters, line.confidence, why_not(line, known)) for line in lines]


def _same_in_all(
    boxes: Sequence[Box], first: View, view_of: Callable[[int], View], n_frames: int
) -> list[Box]:
    """Return the boxes in which all frames look like the first one."""
    left = list(boxes)
    for frame in range(1, n_frames if left else 0):
        view = view_of(frame)
        left = [
            box
            for box in left
            if int(cv2.absdiff(_part(first, box), _part(view, box)).max()) <= _SAME
        ]
        if not left:
            break
    return left


def _part(view: View, box: Box) -> View:
    return view[box.top : box.bottom, box.left : box.right]


def _left(masks: Masks, kept: Iterable[Box], lines: Sequence[ReadLine], view: View) -> Masks:
    """Return what stays masked: all but the kept lines, and what else has no ink.

    Where a kept line and another one meet, the other one is masked.
    """
    stay = set(kept)
    if not stay:
        return masks
    others = [line.box for line in lines if line.letters not in stay]
    left = [mask for mask in masks if mask.reason != TEXT]
    texts = [mask for mask in masks if mask.reason == TEXT]
    for group in together([mask.box for mask in texts], view.shape):
        own = [mask for mask in texts if mask.box in group]
        area = _hull(group)
        open_ones = [box for box in stay if box.meets(area)]
        if not open_ones:
            left += own
            continue
        masked = _bitmap(group, area) & ~_bitmap(open_ones, area)
        masked = _without_rests(masked, _part(view, area))
        masked |= _bitmap(group, area) & _bitmap(others, area)
        score = min(mask.score for mask in own)
        left += [
            FrameMask(
                Box(area.top + top, area.left + first, area.top + bottom, area.left + last),
                TEXT,
                score,
            )
            for top, first, bottom, last in _boxes_of(masked)
        ]
    return tuple(left)


def _bitmap(boxes: Iterable[Box], area: Box) -> Bitmap:
    """Return which samples of an area lie in boxes."""
    inside = np.zeros((area.bottom - area.top, area.right - area.left), np.bool_)
    for box in boxes:
        rows = slice(max(box.top - area.top, 0), max(box.bottom - area.top, 0))
        inside[rows, max(box.left - area.left, 0) : max(box.right - area.left, 0)] = True
    return inside


def _without_rests(masked: Bitmap, view: View) -> Bitmap:
    """Return the parts of a mask that may hold ink: neither thin nor flat."""
    element = np.ones((_THIN, _THIN), np.uint8)
    opened: Bitmap = np.asarray(
        cv2.morphologyEx(masked.astype(np.uint8), cv2.MORPH_OPEN, element)
    ).astype(np.bool_)
    count, labels = cv2.connectedComponents(opened.astype(np.uint8))
    for number in range(1, count):
        part = labels == number
        if int(view[part].max()) - int(view[part].min()) < _FLAT:
            opened[part] = False
    return opened


def _boxes_of(masked: Bitmap) -> list[tuple[int, int, int, int]]:
    """Return boxes that cover a bitmap and nothing else: runs of a row, joined with equal ones."""
    finished: list[tuple[int, int, int, int]] = []
    growing: dict[tuple[int, int], int] = {}
    for row in range(len(masked) + 1):
        runs: list[tuple[int, int]] = []
        if row < len(masked):
            edges = np.flatnonzero(np.diff(masked[row].astype(np.int8), prepend=0, append=0))
            runs = [(first, last) for first, last in edges.reshape(-1, 2).tolist()]
        ended = [run for run in growing if run not in runs]
        finished += [(growing.pop((first, last)), first, row, last) for first, last in ended]
        for run in runs:
            growing.setdefault(run, row)
    return sorted(finished)


def _hull(boxes: Sequence[Box]) -> Box:
    tops, lefts, bottoms, rights = zip(*boxes, strict=True)
    return Box(min(tops), min(lefts), max(bottoms), max(rights))
