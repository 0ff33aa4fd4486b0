"""Bytes of data sets, sound and damaged, for kernels and parsers."""

from __future__ import annotations

import struct
from typing import Final

from hypothesis import strategies as st

from tests.builders import (
    BIG,
    EXPLICIT,
    IMPLICIT,
    Element,
    Encoding,
    Node,
    Sequence,
    element,
    encode,
    fragments,
    item,
    sequence,
)
from tests.strategies import data_sets

# Deflated data sets are explicit little endian to everything behind the inflating.
PLAIN_ENCODINGS: Final = (EXPLICIT, IMPLICIT, BIG)
PIXEL_DATA: Final = 0x7FE00010
# What damaged lengths, tags and VRs tend to become, and what parsers stumble over.
_PATCHES: Final = (
    *(struct.pack("<I", number) for number in (0, 1, 8, 0xFFFE, 0xFFFFFFFE, 0xFFFFFFFF)),
    b"\xfe\xff\x00\xe0",
    b"\xfe\xff\x0d\xe0\0\0\0\0",
    b"\xfe\xff\xdd\xe0\0\0\0\0",
    b"\xff\xfe\xe0\x00",
    *(b"SQ", b"UN", b"OB", b"UT", b"??", b"\0\0"),
    *(bytes(8), b"\xe0\x7f\x10\x00"),
)

_NAME: Final = Element(0x00100010, "PN", b"Doe^Jane")
_UID: Final = Element(0x00081155, "UI", b"1.2.3\0")
_INNER: Final = Sequence(0x00081140, (((_UID,), True), ((), True), ((_UID, _NAME), False)), True)
_PRIVATE: Final = Sequence(0x00091002, (((_NAME,), False), ((), True)), vr="UN")
# Every nesting that PS3.5 section 7.5 knows, with few elements: damage hits a boundary soon.
SAMPLES: Final[tuple[tuple[Node, ...], ...]] = (
    (_UID, _NAME, Element(0x00280010, "US", b"\0\2"), Element(PIXEL_DATA, "OW", b"\1\2\3\4")),
    (_UID, _INNER, _NAME),
    (Sequence(0x00081140, (((_INNER, _NAME), False), ((_UID, _INNER), True))), _NAME),
    (Sequence(0x00081140, (((_INNER,), True),), undefined=True, vr="UN"), _NAME),
    (Sequence(0x00081140, (((_INNER,), False),), vr="UN"), _NAME),
    (Element(0x00090010, "LO", b"ACME"), Sequence(0x00091001, (((_NAME, _INNER), True),)), _NAME),
    (Sequence(0x00091001, (((_INNER, _NAME), False), ((), False)), undefined=True), _UID),
    (Sequence(0x00091001, (((_PRIVATE, _NAME), True), ((_PRIVATE,), False)), vr="UN"), _UID),
)


def misplaced(encoding: Encoding) -> bytes:
    """Return a private sequence whose items are explicit VR, whatever the data set is."""
    inner = EXPLICIT if not encoding.big_endian else encoding
    names = [element(0x00091002, "LO", b"A name", inner), element(0x00091003, "UN", b"12", inner)]
    items = [
        item(name, inner, undefined=undefined) for name in names for undefined in (True, False)
    ]
    whole = sequence(0x00091001, items, encoding, undefined=True)
    return element(0x00090010, "LO", b"ACME", encoding) + whole + encode([_NAME], encoding)


def icon() -> bytes:
    """Return an icon with encapsulated pixel data, which PS3.5 section A.4 allows."""
    pixels = fragments(PIXEL_DATA, [b"\1\2"])
    return sequence(0x00880200, [item(pixels, undefined=True), item(pixels)]) + encode([_UID])


def tails() -> st.SearchStrategy[bytes]:
    """Draw what may stand behind attributes: pixel data, later elements, padding, garbage."""
    parts = st.lists(st.binary(max_size=9), max_size=4)
    tables = st.sampled_from([b"", bytes(4)])
    encapsulated = st.builds(fragments, st.just(PIXEL_DATA), parts, tables)
    native = st.binary(max_size=40).map(lambda raw: element(PIXEL_DATA, "OW", raw))
    padding = st.sampled_from(
        [b"", bytes(3), bytes(8), bytes(128), element(0xFFFCFFFC, "OB", bytes(6)), b"garbage " * 3]
    )
    pixels = st.one_of(st.just(b""), encapsulated, native)
    return st.builds(lambda first, second: first + second, pixels, padding)


def long_values() -> st.SearchStrategy[bytes]:
    """Draw an element of group 0042 whose value is long enough to become a range of the source."""
    values = st.sampled_from([b"long " * 819, b"long " * 820, b"long " * 1800])
    vrs = st.sampled_from(["OB", "OW", "UN", "UT"])
    return st.builds(element, st.just(0x00420011), vrs, values)


@st.composite
def sound(draw: st.DrawFn, encoding: Encoding) -> bytes:
    """Draw the bytes of a data set in an encoding, with anything behind it."""
    raw = encode(draw(data_sets(max_depth=1, max_size=4)), encoding)
    if encoding is EXPLICIT:
        raw += draw(st.one_of(st.just(b""), st.just(b""), long_values()))
        raw += draw(tails())
    return raw


@st.composite
def damaged(draw: st.DrawFn, encoding: Encoding) -> bytes:
    """Draw the bytes of a data set, then patch, cut or stretch them in some places."""
    samples = [*(encode(nodes, encoding) for nodes in SAMPLES), misplaced(encoding)]
    if encoding is EXPLICIT:
        samples.append(icon())
    sample = st.sampled_from(samples)
    tail = tails() if encoding is EXPLICIT else st.just(b"")
    raw = bytearray(draw(sample) + draw(tail))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(0, len(raw) - 1)))
        patch = draw(st.one_of(st.sampled_from(_PATCHES), st.binary(min_size=1, max_size=2)))
        how = draw(st.sampled_from(["over", "over", "in", "cut", "drop"]))
        if how == "over":
            raw[at : at + len(patch)] = patch
        elif how == "in":
            raw[at:at] = patch
        elif how == "cut":
            del raw[at:]
        else:
            del raw[at : at + len(patch)]
    return bytes(raw)
