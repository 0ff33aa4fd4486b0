"""Whole files in every coded transfer syntax: masked, and decoded by another library."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from pydicom.encaps import generate_frames, parse_basic_offsets
from pydicom.uid import UID

from fastdeid.pixels.masks import Layout
from fastdeid.verdicts import Verdict
from tests.codecs.coding import CASES, Case
from tests.codecs.jpegs import coded as jpeg
from tests.codecs.jpegs import shown
from tests.pixels.files import (
    COLUMNS,
    ROWS,
    STROKES,
    attributes,
    codes_of,
    colour,
    grey,
    outside,
    read,
    treat,
    written,
)

Samples = npt.NDArray[Any]
# Whole frames take interpreted kernels some ten seconds each; tests beside have small ones.
pytestmark = pytest.mark.jit
ONE_FRAGMENT = {"native", "RLE", "deflated"}
# By name: attributes, clean frame, frame with text.
PICTURES: dict[str, tuple[dict[str, Any], Samples, Samples]] = {
    "8 bits": ({}, grey(40, 40), grey(40, 230)),
    "12 bits": (
        {"BitsAllocated": 16, "BitsStored": 12},
        grey(300, 300, np.uint16),
        grey(300, 3900, np.uint16),
    ),
    "RGB": (
        {"SamplesPerPixel": 3, "PlanarConfiguration": 0, "PhotometricInterpretation": "RGB"},
        colour((20, 25, 30), (20, 25, 30)),
        colour((20, 25, 30), (240, 230, 60)),
    ),
}
NO_COLOUR = {"near-lossless", "JPEG 2000, lossy", "HTJ2K, lossy"}
PAIRS = [
    (name, picture)
    for name, case in CASES.items()
    for picture in PICTURES
    if not (picture == "12 bits" and 12 not in case.bits)
    and not (picture == "RGB" and name in NO_COLOUR)
]


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


def layout_of(more: dict[str, Any]) -> Layout:
    bits = more.get("BitsAllocated", 8)
    stored = more.get("BitsStored", bits)
    name = more.get("PhotometricInterpretation", "MONOCHROME2")
    return Layout(ROWS, COLUMNS, name, more.get("SamplesPerPixel", 1), bits, stored, stored - 1)


@pytest.mark.parametrize(("name", "picture"), PAIRS)
def test_a_name_goes_from_the_one_frame_that_has_it(
    name: str, picture: str, tmp_path: Path
) -> None:
    case: Case = CASES[name]
    more, clean, with_name = PICTURES[picture]
    of = layout_of(more)
    frames = [case.encode(samples, of) for samples in (clean, with_name, clean)]
    lossy = {} if case.lossless else {"LossyImageCompression": "01"}
    n_fragments = 1 if name in ONE_FRAGMENT else 2
    before = file_of(frames, case.uid, n_fragments=n_fragments, **more, **lossy)
    outcome, after = treat(before, tmp_path)
    assert outcome.verdict is Verdict.OK, outcome.reason
    assert (outcome.frames_examined, outcome.frames_masked) == (3, 1)
    old, new = frames_in(before), frames_in(after)
    assert [one == other for one, other in zip(old, new, strict=True)] == [True, False, True]
    ds = read(after)
    assert ds.file_meta.TransferSyntaxUID == case.uid
    assert ds.get("LossyImageCompression", "00") == ("00" if case.lossless else "01")
    assert "113101" in codes_of(ds)
    check_offsets(after)
    shown_before, shown_after = (case.decode(coded[1], of) for coded in (old, new))
    left = outside(outcome, 3)[1]
    # Of irreversible streams, two decoders differ by a rounding.
    change = np.abs(shown_after[left].astype(int) - shown_before[left])
    assert change.max() <= (0 if case.lossless else 1)
    assert not shown_after[~left].any()
    assert (~left[STROKES]).mean() >= 0.9


@pytest.mark.parametrize("options", [{}, {"progressive": True}], ids=["baseline", "progressive"])
def test_a_name_goes_from_a_jpeg(options: dict[str, Any], tmp_path: Path) -> None:
    frames = [jpeg(samples, quality=90, **options) for samples in (grey(40, 40), grey(40, 230))]
    syntax = "1.2.840.10008.1.2.4.50"
    before = file_of(frames, syntax, n_fragments=2, LossyImageCompression="01")
    outcome, after = treat(before, tmp_path)
    assert (outcome.verdict, outcome.frames_masked) == (Verdict.OK, 1)
    new = frames_in(after)
    assert new[0] == frames_in(before)[0]
    assert read(after).LossyImageCompression == "01"
    check_offsets(after)
    left = outside(outcome, 2)[1]
    one, other = shown(frames[1]), shown(new[1])
    assert np.array_equal(one[left], other[left])
    assert other[~left].max() <= 1
    assert (~left[STROKES]).mean() >= 0.9
