"""The search for originals in the bytes of a file: which hits count."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from fastdeid.profiles.tables import read_terms
from fastdeid.verification import originals
from fastdeid.verification.automaton import SHORTEST_SPARSE, Automaton
from fastdeid.verification.chance import is_chance, is_in_text
from fastdeid.verification.originals import Needle
from fastdeid.verification.places import MIXED, TEXT, Place

Bytes = npt.NDArray[np.uint8]

_DUMMY: Final = "DEIDENTIFIED"
_SHORTEST_NUMBER: Final = 6
_SHORTEST_IN_MIXED: Final = 5
_MOST_MIXED: Final = 1 << 20
_NEAR: Final = 1 << 16
# What a date in an element for dates is worth, the check of the profile tells.
_DATES: Final = frozenset(("DA", "DT"))
_NOWHERE: Final = Place(0, 0, 0, "", MIXED)


class Hit(NamedTuple):
    """An original that stands in a place."""

    offset: int
    place: Place
    needle: Needle


class Searcher:
    """Searches for the needles of one patient.

    n_chance: hits so far that are likely to be chance, and are no findings. n_bytes: searched.
    """

    def __init__(self, needles: Sequence[Needle]) -> None:
        self._long = [one for one in needles if len(one.value) >= SHORTEST_SPARSE]
        self._short = [one for one in needles if len(one.value) < SHORTEST_SPARSE]
        self._sparse = Automaton([one.value for one in self._long], sparse=True)
        self._dense = Automaton([one.value for one in self._short], sparse=False)
        self.n_chance = 0
        self.n_bytes = 0

    def find(self, data: Bytes, places: Sequence[Place]) -> Iterator[Hit]:
        """Yield the hits that count. places: of kinds; bytes in none of them are headers."""
        ordered = sorted(places)
        starts = [place.start for place in ordered]
        self.n_bytes += len(data)
        for offset, number in self._sparse.find(data):
            place = _place_at(ordered, starts, offset, len(self._long[number].value))
            hit = Hit(offset, place, self._long[number])
            if self._counts(data, hit):
                yield hit
        for start, end in _spans(ordered):
            for offset, number in self._dense.find(data, start, end):
                place = _place_at(ordered, starts, offset, len(self._short[number].value))
                hit = Hit(offset, place, self._short[number])
                if self._short_counts(data, hit):
                    yield hit

    def find_in_text(self, data: Bytes, places: Sequence[Place]) -> Iterator[Hit]:
        """Yield the hits of long needles in text only."""
        ordered = sorted(places)
        starts = [place.start for place in ordered]
        for start, end in _spans(ordered):
            for offset, number in self._sparse.find(data, start, end):
                place = _place_at(ordered, starts, offset, len(self._long[number].value))
                hit = Hit(offset, place, self._long[number])
                if place.kind == TEXT and _in_text_counts(data, hit):
                    yield hit

    def find_text(self, text: str) -> Needle | None:
        """Return a needle that stands in a text, such as the name of a file."""
        raw = np.frombuffer(text.encode("utf-8", "surrogateescape"), np.uint8)
        place = Place(0, len(raw), 0, "", TEXT)
        return next((hit.needle for hit in self.find(raw, [place])), None)

    def _counts(self, data: Bytes, hit: Hit) -> bool:
        place, length = hit.place, len(hit.needle.value)
        if place.kind == TEXT:
            return _in_text_counts(data, hit)
        start, end = (place.start, place.end) if place is not _NOWHERE else (0, len(data))
        if place.kind == MIXED and is_in_text(data, start, end, hit.offset, length):
            return _in_text_counts(data, hit)
        if is_chance(data, start, end, hit.offset, length, n_needles=len(self._long)):
            self.n_chance += 1
            return False
        return True

    def _short_counts(self, data: Bytes, hit: Hit) -> bool:
        place, length = hit.place, len(hit.needle.value)
        if place.kind == TEXT:
            return _in_text_counts(data, hit)
        strict = hit.needle._replace(boundary=originals.NO_ALPHANUMERICS)
        return (
            place is not _NOWHERE
            and place.kind == MIXED
            and length >= _SHORTEST_IN_MIXED
            and is_in_text(data, place.start, place.end, hit.offset, length)
            and _in_text_counts(data, hit._replace(needle=strict))
        )


def _place_at(places: list[Place], starts: list[int], offset: int, length: int) -> Place:
    """Return the place that holds a hit, _NOWHERE for headers and for parts of two places."""
    number = bisect_right(starts, offset) - 1
    if number >= 0 and offset + length <= places[number].end:
        return places[number]
    return _NOWHERE


def _spans(places: list[Place]) -> Iterator[tuple[int, int]]:
    """Yield stretches of bytes that hold all text, and whatever stands between."""
    start = end = -1
    for place in places:
        if place.kind == TEXT or (place.kind == MIXED and place.end - place.start <= _MOST_MIXED):
            if start >= 0 and place.start - end > _NEAR:
                yield start, end
                start = -1
            start = place.start if start < 0 else start
            end = max(end, place.end)
    if start >= 0:
        yield start, end


def _in_text_counts(data: Bytes, hit: Hit) -> bool:
    """Tell whether a hit in text is the original, not a part of another value."""
    place, needle = hit.place, hit.needle
    kind, vr = needle.kind, place.vr
    if vr == "AS" or (vr == "UI" and kind != originals.UID):
        return False
    if vr in _DATES and kind == originals.DATE:
        return False
    if vr in {"DS", "IS"} and len(needle.value) < _SHORTEST_NUMBER:
        return False
    start = place.start if place is not _NOWHERE else max(0, hit.offset - 64)
    end = place.end if place is not _NOWHERE else min(len(data), hit.offset + 128)
    first = max(start, hit.offset - 64)
    text = data[first : min(end, hit.offset + len(needle.value) + 64)].tobytes()
    at = hit.offset - first
    if not _stands_free(text, at, at + len(needle.value), needle.boundary):
        return False
    return not (needle.inside_terms and _is_inside_term(text, at, at + len(needle.value)))


def _stands_free(text: bytes, first: int, last: int, boundary: int) -> bool:
    before, after = text[max(0, first - 2) : first][::-1], text[last : last + 2]
    if boundary in {originals.NO_LETTERS, originals.NO_ALPHANUMERICS} and (
        before[:1].isalpha() or after[:1].isalpha()
    ):
        return False
    if boundary in {originals.NO_DIGITS, originals.NO_ALPHANUMERICS}:
        # A point belongs to a number when a digit stands on its other side.
        return not any(
            side[:1].isdigit() or (side[:1] == b"." and side[1:2].isdigit())
            for side in (before, after)
        )
    return True


def _is_inside_term(text: bytes, first: int, last: int) -> bool:
    """Tell whether a hit is part of a longer word that is one of the standard, or a dummy."""
    while first > 0 and text[first - 1 : first].isalpha():
        first -= 1
    while last < len(text) and text[last : last + 1].isalpha():
        last += 1
    around = text[max(0, first - 1) : first] + text[last : last + 1]
    word = text[first:last].upper().decode("latin-1")
    return around.isascii() and (word in read_terms() or word == _DUMMY)
