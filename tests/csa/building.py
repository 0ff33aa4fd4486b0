"""Siemens CSA headers as bytes, in both forms, with every byte under the test's control."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import NamedTuple

# The number that stands for a VR in headers of syngo MR B17.
SYNGO_TYPES = {"CS": 16, "DS": 3, "FD": 4, "IS": 6, "LO": 19, "LT": 20, "SH": 22, "US": 10}


class Tag(NamedTuple):
    """One tag of a CSA header. n_items: values with length 0 are added up to this number.

    garbage: fills what no reader looks at: behind the NUL of the name, of the VR and of each value,
    and the padding.
    """

    name: str
    vr: str
    values: Sequence[bytes] = ()
    vm: int = 1
    n_items: int = 6
    garbage: bytes = b"\0"
    mark: int = 77


def _fill(text: bytes, size: int, garbage: bytes) -> bytes:
    """Return text, a NUL where there is room, and garbage up to `size` bytes."""
    if len(text) >= size:
        return text[:size]
    return (text + b"\0" + garbage * size)[:size]


def _item(value: bytes, extra: int, mark: int, garbage: bytes) -> bytes:
    length = len(value) + extra
    words = (length, length, mark, length)
    return struct.pack("<4i", *words) + value + (garbage * 4)[: -len(value) % 4]


def csa(
    tags: Iterable[Tag],
    *,
    form: str = "SV10",
    trailing: bytes = b"",
    n_tags: int | None = None,
) -> bytes:
    """Return a header with these tags.

    form: "SV10", "older" (without that word), or "counted" (older, and to every length the number
    of values of the first tag is added).
    """
    tags = list(tags)
    count = len(tags) if n_tags is None else n_tags
    start = b"SV10\4\3\2\1" if form == "SV10" else b""
    out = start + struct.pack("<2I", count, 77)
    extra = max(tags[0].n_items, len(tags[0].values)) if form == "counted" else 0
    for tag in tags:
        values = list(tag.values)
        values += [b""] * (tag.n_items - len(values))
        out += struct.pack(
            "<64si4s3i",
            _fill(tag.name.encode(), 64, tag.garbage),
            tag.vm,
            _fill(tag.vr.encode(), 4, tag.garbage),
            SYNGO_TYPES.get(tag.vr, 0),
            len(values),
            tag.mark,
        )
        for value in values:
            mark = 77 if value else 205
            out += _item(value, extra, mark, tag.garbage)
    return out + trailing


def reals(*numbers: float) -> list[bytes]:
    """Return numbers as Siemens writes them, each with its NUL."""
    return [f"{number:.8f}\0".encode() for number in numbers]


def integers(*numbers: int) -> list[bytes]:
    """Return whole numbers as Siemens writes them: eight characters and a NUL."""
    return [f"{number:<8d}\0".encode() for number in numbers]


PHYSICS = (
    Tag("EchoLinePosition", "IS", integers(64)),
    Tag("EchoColumnPosition", "IS", integers(64)),
    Tag("NumberOfImagesInMosaic", "US", integers(4)),
    Tag("B_value", "IS", integers(1000)),
    Tag("DiffusionDirectionality", "CS", [b"DIRECTIONAL\0"]),
    Tag("DiffusionGradientDirection", "FD", reals(0.5, -0.5, 0.70710678), vm=3),
    Tag("B_matrix", "FD", reals(250, -250, 353.5, 250, -353.5, 500), vm=6),
    Tag("SliceNormalVector", "FD", reals(0, 0, 1), vm=3),
    Tag("MosaicRefAcqTimes", "FD", reals(0, 500, 1000, 1500), vm=4),
    Tag("BandwidthPerPixelPhaseEncode", "FD", reals(19.055)),
    Tag("PhaseEncodingDirectionPositive", "IS", integers(1)),
    Tag("ProtocolSliceNumber", "IS", integers(0)),
    Tag("SliceMeasurementDuration", "DS", reals(40)),
    Tag("ICE_Dims", "LO", [b"X_1_1_1_1_1_1_4_1_1_1_1_201\0"]),
)
