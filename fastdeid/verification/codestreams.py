"""Comments and other text inside the fragments of encapsulated pixel data.

JPEG (ITU-T T.81, T.87): marker segments; inside entropy-coded data every FF is followed by a byte
that makes no marker segment. JPEG 2000 (T.800, T.814): marker segments of main and tile-part
headers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt

TEXT, SAMPLES, MIXED = "text", "samples", "mixed"

Bytes = npt.NDArray[np.uint8]
_Piece = tuple[int, int, str]

_MARKER: Final = re.compile(rb"\xff[\xc0-\xcf\xd9-\xef\xf7-\xfe]")
_END_OF_IMAGE: Final = 0xD9
_SHORT: Final = 1024
# Application data and comments of T.81.
_JPEG_TEXT: Final = frozenset((*range(0xE0, 0xF0), 0xFE))
_J2K_COMMENT, _J2K_TILE, _J2K_DATA, _J2K_END = 0x64, 0x90, 0x93, 0xD9


def code_stream(data: Bytes, start: int, end: int) -> Iterator[_Piece]:
    """Yield the bytes of one fragment in pieces: start, end and what they are."""
    head = data[start : start + 4].tobytes()
    if head[:2] == b"\xff\xd8":
        pieces = _jpeg(data[start:end].tobytes())
    elif head == b"\xff\x4f\xff\x51":
        pieces = _jpeg_2000(data[start:end].tobytes())
    else:
        # Run lengths, a film, the offset table, or the rest of an image in several fragments.
        yield start, end, MIXED
        return
    at = 0
    for begin, after, kind in sorted(pieces):
        first, last = max(begin, at), min(after, end - start)
        if first > at:
            yield start + at, start + first, SAMPLES
        if last > first:
            yield start + first, start + last, kind
        at = max(at, last)
    if start + at < end:
        yield start + at, end, SAMPLES


def _jpeg(raw: bytes) -> list[_Piece]:
    """Return application data, comments, and what stands behind the end of the image."""
    pieces: list[_Piece] = []
    at = 2
    while (found := _MARKER.search(raw, at)) is not None:
        marker = raw[found.start() + 1]
        at = found.end()
        if marker == _END_OF_IMAGE:
            if at < len(raw):
                pieces.append((at, len(raw), _kind_of(len(raw) - at)))
            break
        length = int.from_bytes(raw[at : at + 2], "big")
        if marker in _JPEG_TEXT:
            # A preview may stand among application data.
            pieces.append((at + 2, at + length, _kind_of(length)))
        at += max(length, 2)
    return pieces


def _kind_of(length: int) -> str:
    """Return what bytes of unknown meaning are: short ones text, for which short needles count."""
    return TEXT if length <= _SHORT else MIXED


def _jpeg_2000(raw: bytes) -> list[_Piece]:
    """Return comments of all headers, and what stands behind the last tile-part."""
    pieces: list[_Piece] = []
    at, tile_end = 2, 0
    while at + 4 <= len(raw) and raw[at] == 0xFF:
        marker = raw[at + 1]
        if marker == _J2K_END:
            at += 2
            break
        if marker == _J2K_DATA:
            at = tile_end if tile_end > at else len(raw)
            continue
        length = int.from_bytes(raw[at + 2 : at + 4], "big")
        if marker == _J2K_TILE:
            part = int.from_bytes(raw[at + 6 : at + 10], "big")
            # The last tile-part may reach to the end of the code stream, without a length.
            tile_end = at + part if part else raw.find(b"\xff\xd9", at + 12)
        elif marker == _J2K_COMMENT:
            pieces.append((at + 6, at + 2 + length, TEXT))
        at += 2 + max(length, 2)
    if at < len(raw):
        at += 2 * (raw[at : at + 2] == b"\xff\xd9")
        pieces.append((at, len(raw), _kind_of(len(raw) - at)))
    return pieces
