"""Lengths that lie: nothing is read, allocated or passed on because of them."""

from __future__ import annotations

import struct
from typing import Final

import pytest

from fastdeid.tags import VR_NAMES
from tests.builders import (
    BIG,
    EXPLICIT,
    IMPLICIT,
    LONG_VRS,
    UNDEFINED,
    Encoding,
    element,
    item,
    part10,
    sequence,
    tag_bytes,
)
from tests.dicom.reading import new_reader, reason, refusal
from tests.strategies import public_tags

FRAGMENT_VRS: Final = frozenset("OB OD OF OL OV OW".split())
PIXEL_DATA: Final = 0x7FE00010
UNKNOWN: Final = 0x00189999
LYING: Final = [0xFFFFFFFE, 0x80000000, 0x7FFFFFFF, 0x00010000]

each_vr = pytest.mark.parametrize("vr", VR_NAMES[1:])
each_encoding = pytest.mark.parametrize(
    "encoding", [EXPLICIT, IMPLICIT, BIG], ids=["explicit", "implicit", "big endian"]
)


def tag_of(vr: str, encoding: Encoding) -> int:
    """Return a tag that has this VR in implicit VR too."""
    tags = public_tags(vr)
    return UNKNOWN if encoding.explicit or not tags else tags[-1]


def lying(tag: int, vr: str, length: int, encoding: Encoding) -> bytes:
    """Return an element header with a length that its 100 bytes of value do not have."""
    start = tag_bytes(tag, encoding)
    order = encoding.order
    if not encoding.explicit:
        start += struct.pack(order + "I", length)
    elif vr in LONG_VRS:
        start += vr.encode() + struct.pack(order + "2xI", length)
    else:
        start += vr.encode() + struct.pack(order + "H", min(length, 0xFFFF))
    return start + b"\1" * 100


@each_vr
@each_encoding
@pytest.mark.parametrize("length", LYING, ids=hex)
def test_a_length_beyond_the_file_is_truncated(vr: str, encoding: Encoding, length: int) -> None:
    tag = tag_of(vr, encoding)
    data = lying(tag, vr, length, encoding)
    error = refusal(part10(data, encoding))
    assert error is not None
    assert (error.reason, error.tag) == ("truncated", tag)
    in_item = sequence(0x00081140, [item(data, encoding)], encoding)
    assert reason(part10(in_item, encoding)) == "truncated"


@each_vr
@each_encoding
def test_a_length_beyond_its_item_is_refused(vr: str, encoding: Encoding) -> None:
    tag = tag_of(vr, encoding)
    data = sequence(0x00081140, [item(lying(tag, vr, 101, encoding), encoding)], encoding)
    after = element(PIXEL_DATA, "OW", bytes(400), encoding)
    error = refusal(part10(data + after, encoding))
    assert error is not None
    assert (error.reason, error.tag) == ("length_beyond_item", tag)


@each_vr
@each_encoding
def test_an_undefined_length_is_for_sequences_and_fragments(vr: str, encoding: Encoding) -> None:
    tag = tag_of(vr, encoding)
    found = reason(part10(lying(tag, vr, UNDEFINED, encoding), encoding))
    is_unknown = not encoding.explicit and not public_tags(vr)
    if vr in {"SQ", "UN"} or is_unknown:
        assert found == "bad_item"
    elif encoding.explicit and vr not in LONG_VRS:
        assert found == "truncated"  # 0xFFFF is 65535 in a field of 16 bits
    else:
        assert found == "undefined_length"


@each_vr
@each_encoding
def test_only_pixel_data_in_explicit_vr_may_have_fragments(vr: str, encoding: Encoding) -> None:
    found = reason(part10(lying(PIXEL_DATA, vr, UNDEFINED, encoding), encoding))
    if not encoding.explicit:
        assert found == "undefined_length"
    elif vr in FRAGMENT_VRS | {"SQ", "UN"}:
        assert found == "bad_item"
    else:
        assert found == ("undefined_length" if vr in LONG_VRS else "truncated")


@pytest.mark.parametrize("length", [0xFFFFFFFE, 0xFFFFFFFF, 0x80000000, 101])
@each_encoding
def test_item_lengths_lie_in_vain(length: int, encoding: Encoding) -> None:
    start = tag_bytes(0xFFFEE000, encoding) + struct.pack(encoding.order + "I", length)
    in_defined = sequence(0x00081140, [start + b"\1" * 92], encoding)
    assert reason(part10(in_defined, encoding))
    in_undefined = sequence(0x00081140, [start + b"\1" * 92], encoding, undefined=True)
    assert reason(part10(in_undefined, encoding))


@pytest.mark.parametrize("length", [0xFFFFFFFE, 0xFFFFFFFF, 0x80000000, 101])
def test_fragment_lengths_lie_in_vain(length: int) -> None:
    start = tag_bytes(0xFFFEE000) + struct.pack("<I", length)
    data = lying(PIXEL_DATA, "OB", UNDEFINED, EXPLICIT)[:12] + start + b"\1" * 92
    assert reason(part10(data)) in {"truncated", "bad_item"}


def test_a_lying_length_costs_no_memory() -> None:
    reader = new_reader()
    before = len(reader.header)
    for vr in VR_NAMES[1:]:
        for length in (0xFFFFFFFE, 0x7FFFFFFF):
            assert refusal(part10(lying(UNKNOWN, vr, length, EXPLICIT)), reader) is not None
    assert len(reader.header) == before
