"""Marker segments of JPEG and JPEG-LS streams, ISO/IEC 10918-1 annex B."""

from __future__ import annotations

from typing import Final, NamedTuple

from fastdeid.codecs.codec import damaged

_START, _END_OF_IMAGE, _SCAN = 0xD8, 0xD9, 0xDA
# Markers that stand alone: TEM, RST0 to RST7, SOI, EOI.
_ALONE: Final = frozenset({0x01, *range(0xD0, 0xDA)})


class Segment(NamedTuple):
    """A marker, and the bytes behind its length."""

    marker: int
    value: bytes


def next_segment(coded: bytes, at: int) -> tuple[Segment, int]:
    """Return the marker segment at a byte, and where the next one stands.

    Raises DicomError when there is none.
    """
    while coded[at : at + 2] == b"\xff\xff":
        at += 1
    if at + 2 > len(coded) or coded[at] != 0xFF or coded[at + 1] == 0:
        raise damaged()
    marker = coded[at + 1]
    if marker in _ALONE:
        return Segment(marker, b""), at + 2
    end = at + 2 + int.from_bytes(coded[at + 2 : at + 4], "big")
    if end < at + 4 or end > len(coded):
        raise damaged("truncated")
    return Segment(marker, coded[at + 4 : end]), end


def header_segments(coded: bytes) -> list[Segment]:
    """Return the segments from the start of an image up to and with its first scan header."""
    if coded[:2] != b"\xff\xd8":
        raise damaged()
    segments: list[Segment] = []
    at = 2
    while not segments or segments[-1].marker != _SCAN:
        segment, at = next_segment(coded, at)
        if segment.marker in {_START, _END_OF_IMAGE}:
            raise damaged()
        segments.append(segment)
    return segments
