"""Whole files of coded frames, put together by hand as PS3.5 annex A.4 has it."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from pydicom.encaps import generate_frames, parse_basic_offsets
from pydicom.uid import UID

from tests.pixels.files import attributes, read, written


def item(value: bytes) -> bytes:
    value += bytes(len(value) % 2)
    return b"\xfe\xff\x00\xe0" + struct.pack("<L", len(value)) + value


def encapsulated(frames: list[bytes], *, n_fragments: int) -> bytes:
    """Return frames in fragments, with a Basic Offset Table (PS3.5 A.4)."""
    parts = []
    for frame in frames:
        middle = len(frame) // 4 * 2
        cuts = [frame[:middle], frame[middle:]] if n_fragments == 2 else [frame]
        parts.append(b"".join(item(cut) for cut in cuts))
    offsets = np.cumsum([0, *(len(part) for part in parts[:-1])])
    table = b"".join(struct.pack("<L", offset) for offset in offsets)
    return item(table) + b"".join(parts) + b"\xfe\xff\xdd\xe0" + bytes(4)


def file_of(frames: list[bytes], syntax: str, *, n_fragments: int, **more: Any) -> bytes:
    """Return a file of coded frames of undefined length."""
    ds = attributes(NumberOfFrames=len(frames), **more)
    native = written(ds, b"")
    head = native[: native.index(b"\xe0\x7f\x10\x00")]
    old, new = (UID(uid).encode() for uid in ("1.2.840.10008.1.2.1", syntax))
    assert len(new) + len(new) % 2 >= len(old)
    at = head.index(b"\x02\x00\x10\x00UI")
    value = new + bytes(len(new) % 2)
    length = struct.unpack("<H", head[at + 6 : at + 8])[0]
    grown = len(value) - length
    group = struct.unpack("<L", head[140:144])[0] + grown
    head = head[:140] + struct.pack("<L", group) + head[144 : at + 6]
    rest = native[at + 8 + length : native.index(b"\xe0\x7f\x10\x00")]
    pixels = b"\xe0\x7f\x10\x00OB\x00\x00\xff\xff\xff\xff"
    body = encapsulated(frames, n_fragments=n_fragments)
    return head + struct.pack("<H", len(value)) + value + rest + pixels + body


def frames_in(data: bytes) -> list[bytes]:
    ds = read(data)
    return list(generate_frames(ds.PixelData, number_of_frames=int(ds.NumberOfFrames)))


def check_offsets(data: bytes) -> None:
    """Assert that the Basic Offset Table points at the first fragment of each frame."""
    ds = read(data)
    offsets = parse_basic_offsets(ds.PixelData)
    start = 8 + 4 * len(offsets)
    for offset, frame in zip(offsets, frames_in(data), strict=True):
        at = start + offset
        assert ds.PixelData[at : at + 4] == b"\xfe\xff\x00\xe0"
        assert ds.PixelData[at + 8 : at + 16] == frame[:8]
