"""A second look for text in pixels, by reading: in masked frames, and in a sample of the others."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Final

import cv2

from fastdeid import tags
from fastdeid.errors import DicomError
from fastdeid.pixels.measurements import is_measurement
from fastdeid.pixels.ocr import Reader, ReadLine
from fastdeid.reporting.frames import Frames, window_of
from fastdeid.shards import as_file
from fastdeid.verification.findings import Finding, tag_text
from fastdeid.verification.instance import Row
from fastdeid.verification.searching import Searcher

# One in so many outputs without masks is looked into, of each patient at least one.
_SHARE: Final = 8
_MOST_FRAMES: Final = 8
# Below these a line is texture, or too little to mean anything: R, 5 cm.
_SURE: Final = 0.8
_EXPLAINED: Final = 0.5
_LEAST_CHARACTERS: Final = 4


class SecondLook:
    """Looks into one output after another.

    n_read: frames that were read so far. n_with_text: frames so far with text that the run was not
    asked to seek. n_unread: outputs so far whose frames cannot be decoded here. keeps_measurements:
    the profile leaves lines that are nothing else.
    """

    def __init__(self, target: str, *, keeps_measurements: bool = False) -> None:
        self._target = target
        self._keeps_measurements = keeps_measurements
        self._reader: Reader | None = None
        self.n_read = self.n_with_text = self.n_unread = 0

    def find(self, rows: Sequence[Row], searcher: Searcher) -> Iterator[Finding]:
        """Yield what can be read in the frames of some outputs of a patient, without values.

        searcher: for the originals of the patient. Raises OcrMissingError.
        """
        self._reader = self._reader or Reader()
        images = [row for row in rows if row.pixel_length]
        masked = [row for row in images if row.masks]
        others = sorted((row for row in images if not row.masks), key=_digest)
        for row in (*masked, *others[: -(-len(others) // _SHARE)]):
            yield from self._one(row, searcher, self._reader)

    def _one(self, row: Row, searcher: Searcher, reader: Reader) -> Iterator[Finding]:
        try:
            with as_file(self._target, row.output_path, row.place) as path:
                frames = Frames(path)
            for number in _chosen(row, frames.n_frames):
                samples = frames.samples(number)
                picture = frames.picture(samples, window_of(samples))
                lines = reader.read_all(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY))
                self.n_read += 1
                yield from self._judge(row, number, lines, searcher)
        except (DicomError, ValueError, AttributeError, OSError, IndexError, cv2.error):
            self.n_unread += 1

    def _judge(
        self, row: Row, number: int, lines: Sequence[ReadLine], searcher: Searcher
    ) -> Iterator[Finding]:
        place = (row.output_path, tag_text(tags.PIXEL_DATA), f"frame {number + 1}")
        found = [searcher.find_text(form) for line in lines for form in _forms(line.text)]
        texts = [line for line in lines if self._is_text(line)]
        if any(found):
            yield Finding(place[0], "original_in_pixels", place[1], -1, place[2])
        elif texts and row.frames_examined:
            yield Finding(place[0], "text_in_pixels", place[1], -1, place[2])
        elif texts:
            self.n_with_text += 1

    def _is_text(self, line: ReadLine) -> bool:
        if self._keeps_measurements and is_measurement(line.text):
            return False
        n_characters = sum(map(str.isalnum, line.text))
        sure = line.confidence >= _SURE and line.explained >= _EXPLAINED
        return sure and n_characters >= _LEAST_CHARACTERS


def _digest(row: Row) -> bytes:
    return hashlib.md5(row.output_path.encode(), usedforsecurity=False).digest()


def _chosen(row: Row, n_frames: int) -> list[int]:
    """Return the frames to look into, from 0: where masks begin, and one without any."""
    masks = row.masks or ()
    starts = sorted({mask.first_frame - 1 for mask in masks})
    free = [
        frame
        for frame in range(n_frames)
        if not any(mask.first_frame <= frame + 1 <= mask.last_frame for mask in masks)
    ]
    some = free[int.from_bytes(_digest(row)[:4], "big") % len(free) :][:1] if free else []
    return [*starts[:_MOST_FRAMES], *some]


def _forms(text: str) -> tuple[str, ...]:
    """Return a text as it was read, and without the blanks that reading may have put in."""
    return (text, text.replace(" ", ""))
